"""Articles as notes, asked of the assistant as it ships, and what came of each question."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from askhistory.assistant import Assistant, build_index
from askhistory.notes import read_corpus
from askhistory.schema import CitedPoint, Point
from askhistory.settings import Settings
from bench.data import Article, Asked
from bench.pages import Answers, Place, PointKey, key_of, place_of, write_pages

_SECTIONS = 3
"""Sections that are looked at: recall@3 asks for no more."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Points in the order of a score.

    Attributes:
        first: The best point.
        sections: The sections of the best points, each once, three at most.
        score: Of the best point, or of the question as a whole.
    """

    first: PointKey
    sections: tuple[Place, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a question.

    Attributes:
        place: Of the paragraph that the question was written for.
        holders: The points that hold its answer; none where it has none.
        answered: Whether it was answered rather than refused.
        said: The first point of the answer, if any.
        own: askhistory's ranking, with its confidence as the score.
        plain: The ranking by late interaction alone.
    """

    place: Place
    holders: frozenset[PointKey]
    answered: bool
    said: PointKey | None
    own: Ranking
    plain: Ranking


def outcomes(library: Sequence[Article], asked: Iterable[tuple[Place, Asked]]) -> list[Outcome]:
    """Index a library of articles and ask questions of it.

    Args:
        library: What becomes the notes.
        asked: Questions, each with the place of its paragraph; a place beyond the library is
            that of a question that the notes cannot answer.
    """
    with TemporaryDirectory(prefix="askhistory-bench-") as scratch:
        notes, index = Path(scratch, "notes"), Path(scratch, "index")
        notes.mkdir()
        write_pages(library, notes)
        answers = Answers(library, read_corpus(notes))
        # As shipped: whoever measures may have settings of their own in the environment.
        settings = Settings()
        with shown_progress("Indexing") as show:
            build_index(notes, index, settings=settings, progress=show)
        assistant = Assistant.open(index, settings)
        keys = {_identity(point): key_of(point) for point in assistant.index.points}
        found = []
        listed = list(asked)
        with shown_progress("Asking") as show:
            for number, (place, question) in enumerate(listed, start=1):
                inside = place[0] < len(library)
                holders = answers.holders(place, question.starts) if inside else set()
                found.append(_outcome(assistant, keys, place, question.text, frozenset(holders)))
                show(number, len(listed))
        return found


@contextmanager
def shown_progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar until the block ends; it is given what is done, and of how much."""
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _outcome(
    assistant: Assistant,
    keys: Mapping[tuple[str, int, str], PointKey],
    place: Place,
    question: str,
    holders: frozenset[PointKey],
) -> Outcome:
    answer = assistant.ask(question)
    analysis = assistant.analyse(question)
    evidence, query = analysis.evidence, analysis.searched
    # ColBERT's MaxSim weighed by rarity, over the points that were read.
    plain = evidence.own @ query.weights / max(float(query.weights.sum()), 1e-9)
    points = [assistant.index.points[number] for number in evidence.points]
    return Outcome(
        place=place,
        holders=holders,
        answered=answer.covered,
        said=keys[_identity(answer.points[0])] if answer.points else None,
        own=_ranking(points, analysis.relevance, analysis.confidence),
        plain=_ranking(points, plain, float(plain.max())),
    )


def _identity(point: Point | CitedPoint) -> tuple[str, int, str]:
    return point.page, point.line, point.text


def _ranking(points: Sequence[Point], scores: NDArray[np.floating[Any]], score: float) -> Ranking:
    order = np.argsort(-scores, kind="stable")
    sections = dict.fromkeys(place_of(points[row]) for row in order)
    return Ranking(key_of(points[order[0]]), tuple(sections)[:_SECTIONS], score)
