"""What the peers returned → figures, by one yardstick for all.

A result counts for every section of the notes that it holds text of. A section is what
stands under a Markdown heading, its group headings included, because few peers know those.
Whether a *first point* is right can only be told of peers that return single points.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from askhistory.evaluation import FOLLOW_UP, SMALL_TALK, LabelledQuestion, resolve
from askhistory.schema import Corpus, Point
from bench.metrics import share, share_above_most
from bench.pages import PointKey, key_of, letters
from bench.peers.protocol import Result, Verdict

REFUSED = 0.9
"""Share of the uncovered questions that are refused where the share answered is compared."""

_HARD = ("misspelt", "slang")

_MARK = re.compile(r"\{%.*?%\}")

SectionKey = tuple[str, int]
"""A page and the line of its heading, 0 for what stands before the first."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a peer returned for a question.

    Attributes:
        results: Best first.
        verdict: From a peer that decides for itself whether to answer.
        seconds: From question to answer, or to results where there is no answer.
    """

    results: tuple[Result, ...]
    verdict: Verdict | None
    seconds: float

    @property
    def score(self) -> float:
        """What a threshold would be put on."""
        if self.verdict is not None:
            return self.verdict.confidence
        return self.results[0].score if self.results else float("-inf")


@dataclass(frozen=True, slots=True)
class Gold:
    """A question and what is right.

    Attributes:
        id, kind, covered: As labelled.
        first: The points any of which is right as the first.
        sections: Those of all expected points.
    """

    id: str
    kind: str
    covered: bool
    first: frozenset[PointKey]
    sections: frozenset[SectionKey]


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares of the covered questions, from 0 to 1; None where there is nothing to tell.

    Attributes:
        section_1: Right section first.
        section_3: Right section among the first three.
        first_point: Right point first.
        follow_ups: Of the follow-ups, right section first and right point first.
        hard: The same of misspelt and slang questions.
        answered: Covered questions answered at the score that refuses `REFUSED` of the
            uncovered ones.
    """

    section_1: float | None
    section_3: float | None
    first_point: float | None
    follow_ups: tuple[float | None, float | None]
    hard: tuple[float | None, float | None]
    answered: float | None


class Locator:
    """Finds the results' texts in the notes."""

    def __init__(self, folder: Path, corpus: Corpus) -> None:
        """Take the notes' files and how they are read."""
        self._letters: dict[str, str] = {}
        self._lines: dict[str, list[int]] = {}
        self._headings: dict[str, list[int]] = {}
        self._points: dict[str, list[Point]] = {}
        for page in corpus.pages:
            pieces, lines = [], []
            text = (folder / page.path).read_text(encoding="utf-8")
            for number, line in enumerate(text.splitlines(), start=1):
                piece = _letters(line)
                pieces.append(piece)
                lines += [number] * len(piece)
            self._letters[page.path] = "".join(pieces)
            self._lines[page.path] = lines
            self._headings[page.path] = sorted(s.line for s in page.sections if not s.group)
            self._points[page.path] = [p for s in page.sections for p in s.points]

    def section_of(self, page: str, line: int) -> SectionKey:
        """The section that a line of a page belongs to."""
        headings = self._headings[page]
        place = bisect_right(headings, line)
        return page, headings[place - 1] if place else 0

    def sections(self, result: Result) -> set[SectionKey]:
        """The sections that a result holds text of; none when it is not from the notes."""
        return {
            self.section_of(page, line)
            for page, first, last in self._places(result)
            for line in range(first, last + 1)
        }

    def points(self, result: Result) -> set[PointKey]:
        """The points that a result holds, or is part of."""
        text = _letters(result.text)
        return {
            key_of(point)
            for page, first, last in self._places(result)
            for point in self._points[page]
            if point.line <= last and point.end_line >= first
            if _letters(point.text) in text or text in _letters(point.text)
        }

    def _places(self, result: Result) -> list[tuple[str, int, int]]:
        """Page, first and last line of all places where the result's text stands."""
        if result.page is not None and result.line is not None:
            return [(result.page, result.line, result.line)]
        wanted = _letters(result.text)
        places = []
        for page, held in self._letters.items():
            start = held.find(wanted) if wanted else -1
            while start >= 0:
                lines = self._lines[page]
                places.append((page, lines[start], lines[start + len(wanted) - 1]))
                start = held.find(wanted, start + 1)
        return places


def golds(
    questions: Iterable[LabelledQuestion], corpus: Corpus, locator: Locator
) -> tuple[Gold, ...]:
    """What is right for each question.

    Raises:
        EvaluationError: A label does not fit the notes.
    """
    resolved = ((question, resolve(question, corpus.sections)) for question in questions)
    return tuple(
        Gold(
            id=question.id,
            kind=question.kind,
            covered=question.covered,
            first=frozenset(key_of(point) for point in gold.first),
            sections=frozenset(locator.section_of(p.page, p.line) for p in gold.expected),
        )
        for question, gold in resolved
    )


def score(
    labelled: Sequence[Gold], replies: Mapping[str, Reply], locator: Locator, *, points: bool
) -> Figures:
    """Compare replies with what is right.

    Args:
        labelled: The questions.
        replies: By the question's id.
        locator: Of the notes that were asked.
        points: Whether each result is a single point.
    """
    covered = [gold for gold in labelled if gold.covered]
    uncovered = [gold for gold in labelled if not gold.covered and gold.kind != SMALL_TALK]
    rank = {g.id: _section_rank(g, replies[g.id].results, locator) for g in covered}
    right = {g.id: _first_right(g, replies[g.id].results, locator) for g in covered}

    def firsts(kinds: Sequence[str]) -> tuple[float | None, float | None]:
        ids = [gold.id for gold in covered if gold.kind in kinds]
        return share(rank[i] == 1 for i in ids), share(right[i] for i in ids) if points else None

    return Figures(
        section_1=share(rank[gold.id] == 1 for gold in covered),
        section_3=share(0 < rank[gold.id] <= 3 for gold in covered),
        first_point=share(right[gold.id] for gold in covered) if points else None,
        follow_ups=firsts([FOLLOW_UP]),
        hard=firsts(_HARD),
        answered=share_above_most(
            [replies[gold.id].score for gold in covered],
            [replies[gold.id].score for gold in uncovered],
            REFUSED,
        ),
    )


def _section_rank(gold: Gold, results: Sequence[Result], locator: Locator) -> int:
    """Place of the first right section among the sections in their order, from 1; 0 for none."""
    seen: set[SectionKey] = set()
    place = 0
    for result in results:
        sections = locator.sections(result)
        # More of a section that came before takes no place of its own.
        if sections and sections <= seen:
            continue
        place += 1
        if sections & gold.sections:
            return place
        seen |= sections
    return 0


def _first_right(gold: Gold, results: Sequence[Result], locator: Locator) -> bool:
    return bool(results) and bool(locator.points(results[0]) & gold.first)


def _letters(text: str) -> str:
    """The letters and digits of a text, GitBook's marks left out."""
    return letters(_MARK.sub(" ", text))
