"""Questions with known answers → figures on how far the notes carry.

The only home of scikit-learn. Three steps: `read_questions` takes a file of labelled
questions (its format: docs/evaluation.md), `resolve` finds the points that a label
means in an index, `evaluate` asks every question and compares. `evaluate_file` is the
three in one.

What a figure means is said where it is kept: `Coverage`, `Quality`, `Sections`,
`Threshold`. All are means over questions, from 0 to 1, and None where there was nothing
to average. A needless refusal is a wrong answer wherever a figure is "over all".

This module knows an assistant only by what it asks of one (`Answering`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from pathlib import Path
from statistics import fmean
from typing import Any, Literal, NamedTuple, Protocol

from askhistory.schema import (
    Answer,
    CitedPoint,
    EvaluationError,
    Point,
    QuestionError,
    Section,
)
from askhistory.text import repair, strip_emoji

SMALL_TALK = "smalltalk"
FOLLOW_UP = "followup"
_UNCOVERED_KINDS = ("far", "topic", "near", "nearfollow", SMALL_TALK)
_COVERED_KINDS = (
    "fact", "list", "cause", "effect", "verdict", "comparison", "essay", "explain",
    "slang", "misspelt", FOLLOW_UP, "short",
)  # fmt: skip
THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Confidences, from 0 to 1, at which the curve is drawn."""


class _HasSections(Protocol):
    @property
    def sections(self) -> tuple[Section, ...]: ...


class Answering(Protocol):
    """What the evaluation asks of an assistant."""

    @property
    def index(self) -> _HasSections:
        """Where the sections are that labels are looked up in."""

    def ask(self, question: str, history: Sequence[str] = ()) -> Answer:
        """Answer a question that follows the earlier ones in `history`."""


# --------------------------------------------------------------------- labelled questions

Split = Literal["dev", "test"]


@dataclass(frozen=True, slots=True)
class Label:
    """Points under one heading. Without `points` and `lines`, all points there.

    A point below one of its subheadings is meant only where the heading itself has none
    that fits.

    Attributes:
        headings: Tail of the heading path, enough to be unique.
        points: Pieces of text; each occurs in exactly one point under the heading.
        lines: 1-based lines of the file; each stands for the points on it.
    """

    headings: tuple[str, ...]
    points: tuple[str, ...] = ()
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """A question and what a good answer to it holds.

    Attributes:
        id: Unique in its file.
        question: As a student types it.
        kind: What sort of question; figures are also given by kind.
        covered: Whether the notes answer it.
        history: Earlier questions of the conversation, oldest first.
        expected: The points that belong in the answer, best heading first.
        first: Pieces of text or lines of the points that may come first; when empty,
            any expected point may.
        allowed: Points that may stand in the answer without being wrong.
        split: The half of the set it belongs to, where the set is halved.
        place: File and line it was read from.
    """

    id: str
    question: str
    kind: str
    covered: bool = True
    history: tuple[str, ...] = ()
    expected: tuple[Label, ...] = ()
    first: tuple[str | int, ...] = ()
    allowed: tuple[Label, ...] = ()
    split: Split | None = None
    place: str = ""


_MEND = "The format is described in docs/evaluation.md."
_FIELDS = {
    *("id", "split", "kind", "question", "history", "covered"),
    *("expected", "first", "allowed", "note"),
}


def read_questions(path: Path, split: Split | None = None) -> tuple[LabelledQuestion, ...]:
    """Read labelled questions: JSON Lines in UTF-8, one object a line, empty lines passed over.

    Args:
        path: The file.
        split: Keep only the questions of this half.

    Raises:
        EvaluationError: The file cannot be read, holds no question (of that split), or a
            line of it is not a labelled question. Names the file and the line.
    """
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise EvaluationError(
            f"{path}: cannot be read ({reason}). Name a file of questions. {_MEND}"
        ) from error
    questions: list[LabelledQuestion] = []
    seen: dict[str, str] = {}
    for number, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").splitlines(), start=1):
        if not raw.strip():
            continue
        place = f"{path}:{number}"
        try:
            question = _question(json.loads(raw.decode("utf-8")), number, place)
        except (ValueError, RecursionError) as error:
            raise EvaluationError(f"{place}: {_explained(error)}. {_MEND}") from error
        if question.id in seen:
            raise EvaluationError(
                f"{place}: the id {question.id!r} is already that of {seen[question.id]}; "
                "give each question its own"
            )
        seen[question.id] = place
        questions.append(question)
    if not questions:
        raise EvaluationError(f"{path}: holds no question. {_MEND}")
    kept = tuple(q for q in questions if split is None or q.split == split)
    if not kept:
        raise EvaluationError(
            f'{path}: no question has "split": "{split}"; evaluate without a split, or add it'
        )
    return kept


class _Fault(ValueError):
    """What is wrong with a line, in words that go between the place and the remedy."""


def _explained(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8; save the file in that encoding"
    if isinstance(error, json.JSONDecodeError):
        return f"not valid JSON ({error.msg} at column {error.colno})"
    if isinstance(error, RecursionError):
        return "nested too deeply to be a question"
    return str(error)


def _question(data: object, number: int, place: str) -> LabelledQuestion:
    """Check one line's object, field by field."""
    if not isinstance(data, dict):
        raise _Fault("not a JSON object")
    if unknown := sorted(set(data) - _FIELDS):
        raise _Fault(f"unknown field {unknown[0]!r}; the fields are {', '.join(sorted(_FIELDS))}")
    question = data.get("question", "")
    if not _is_text(question):
        raise _Fault('"question" must be a text that is not empty')
    history = _texts(data, "history")
    covered = data.get("covered", True)
    if not isinstance(covered, bool):
        raise _Fault('"covered" must be true or false')
    kind = data.get("kind", _usual_kind(covered, bool(history)))
    _check_kind(kind, covered, bool(history))
    split = data.get("split")
    if split not in (None, "dev", "test"):
        raise _Fault('"split" must be "dev" or "test"')
    expected = _labels(data, "expected")
    allowed = _labels(data, "allowed")
    first = data.get("first", [])
    if not isinstance(first, list) or not all(_is_line(f) or _is_text(f) for f in first):
        raise _Fault('"first" must be a list of texts or line numbers')
    if covered and not expected:
        raise _Fault('a covered question needs "expected"; else say "covered": false')
    if not covered and (expected or first or allowed):
        raise _Fault('"covered" is false, so "expected", "first" and "allowed" must be left out')
    id = data.get("id", str(number))
    if not _is_text(id):
        raise _Fault('"id" must be a text that is not empty')
    return LabelledQuestion(
        id, question, kind, covered, history, expected, tuple(first), allowed, split, place
    )


def _usual_kind(covered: bool, follows: bool) -> str:
    if covered:
        return FOLLOW_UP if follows else "question"
    return "nearfollow" if follows else "uncovered"


def _check_kind(kind: object, covered: bool, follows: bool) -> None:
    if not _is_text(kind):
        raise _Fault('"kind" must be a text that is not empty')
    if covered and kind in _UNCOVERED_KINDS:
        raise _Fault(f'kind "{kind}" is for uncovered questions: say "covered": false')
    if not covered and kind in _COVERED_KINDS:
        raise _Fault(f'kind "{kind}" is for covered questions, but "covered" is false')
    if kind in (FOLLOW_UP, "nearfollow") and not follows:
        raise _Fault(f'kind "{kind}" needs "history": the questions asked before')


def _is_text(value: object) -> bool:
    """Whether there is something to read: half of a surrogate pair cannot be shown."""
    if not isinstance(value, str) or not value.strip():
        return False
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _is_line(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _texts(data: Mapping[str, Any], field: str) -> tuple[str, ...]:
    value = data.get(field, [])
    if not isinstance(value, list) or not all(_is_text(text) for text in value):
        raise _Fault(f'"{field}" must be a list of texts that are not empty')
    return tuple(value)


def _labels(data: Mapping[str, Any], field: str) -> tuple[Label, ...]:
    value = data.get(field, [])
    if not isinstance(value, list):
        raise _Fault(f'"{field}" must be a list of objects with "headings"')
    labels = []
    for entry in value:
        if not isinstance(entry, dict) or not entry.get("headings"):
            raise _Fault(f'each entry of "{field}" must be an object with "headings"')
        if unknown := sorted(set(entry) - {"headings", "points", "lines"}):
            raise _Fault(
                f'unknown field {unknown[0]!r} in "{field}"; there are "headings" and '
                '"points" or "lines"'
            )
        if "points" in entry and "lines" in entry:
            raise _Fault(f'an entry of "{field}" has both "points" and "lines"; choose one')
        lines = entry.get("lines", [])
        if not isinstance(lines, list) or not all(map(_is_line, lines)):
            raise _Fault(f'"lines" in "{field}" must be a list of line numbers from 1')
        points = _texts(entry, "points")
        if not points and not lines and ("points" in entry or "lines" in entry):
            raise _Fault(
                f'an entry of "{field}" has an empty list of points; leave the list out when '
                "all points under the heading belong"
            )
        labels.append(Label(_texts(entry, "headings"), points, tuple(lines)))
    return tuple(labels)


# ---------------------------------------------------------------------- labels → points


class _Key(NamedTuple):
    """What a point of the notes and the same point in an answer have in common."""

    page: str
    line: int
    end_line: int
    text: str


class _Place(NamedTuple):
    """What identifies a section to a reader."""

    page: str
    headings: tuple[str, ...]


def _key(point: Point | CitedPoint) -> _Key:
    return _Key(point.page, point.line, point.end_line, point.text)


def _place(entry: Point | CitedPoint | Section) -> _Place:
    return _Place(entry.page, entry.headings)


@dataclass(frozen=True, slots=True)
class Gold:
    """The points of an index that a labelled question means.

    Attributes:
        expected: What belongs in the answer, as labelled: best heading first.
        first: Any of which is right as the first point.
        allowed: What counts neither for nor against an answer; none is expected too.
    """

    expected: tuple[Point, ...]
    first: tuple[Point, ...]
    allowed: tuple[Point, ...]


def resolve(question: LabelledQuestion, sections: Sequence[Section]) -> Gold:
    """Find the points that a question's labels mean.

    Letter case, white space, emoji and the shape of quotes and dashes do not matter.

    Raises:
        EvaluationError: A heading, a piece of text or a line is not found among the
            sections, or is found more than once. Names the question and what was
            looked for, all that is wrong in one message.
    """
    faults: list[str] = []
    expected = _labelled(question.expected, sections, faults)
    allowed = _labelled(question.allowed, sections, faults)
    known = {_key(point): point for point in (*expected, *allowed)}
    first: dict[_Key, Point] = {}
    for wanted in question.first:
        found = _matching(wanted, list(known.values()))
        if not found or (isinstance(wanted, str) and len(found) > 1):
            faults.append(
                f'"first": {_shown(wanted)} is in {len(found) or "none"} of the expected and '
                "allowed points, and should be in one"
            )
        first.update((_key(point), point) for point in found)
    if faults:
        place = f"{question.place}: " if question.place else ""
        raise EvaluationError(f"{place}question {question.id!r}: {'; '.join(faults)}")
    gold = {_key(point): point for point in expected}
    return Gold(
        expected=tuple(gold.values()),
        first=tuple(first.values()) or tuple(gold.values()),
        allowed=tuple(point for key, point in known.items() if key not in gold),
    )


def _labelled(
    labels: Iterable[Label], sections: Sequence[Section], faults: list[str]
) -> list[Point]:
    found: list[Point] = []
    for label in labels:
        tail = " › ".join(label.headings)
        under = _under(label.headings, sections)
        places = list(dict.fromkeys(_place(section) for section in under))
        if not places:
            faults.append(f'no heading "{tail}" in this index')
            continue
        if len(places) > 1:
            paths = ", ".join(f'"{" › ".join(p.headings)}" ({p.page})' for p in places)
            faults.append(f'more than one heading ends in "{tail}": {paths}; name more of the path')
            continue
        own = [point for section in under for point in section.points]
        below = [point for section in _below(places[0], sections) for point in section.points]
        if not label.points and not label.lines:
            if not (own or below):
                faults.append(f'no point stands under "{tail}"')
            found += own or below
        named: tuple[str | int, ...] = (*label.points, *label.lines)
        for wanted in named:
            matches = _matching(wanted, own) or _matching(wanted, below)
            if not matches or (isinstance(wanted, str) and len(matches) > 1):
                faults.append(_missed(wanted, tail, len(matches), sections))
            found += matches
    return found


def _missed(wanted: str | int, tail: str, count: int, sections: Sequence[Section]) -> str:
    """Say what was not found, and where else it stands."""
    if count:
        return f'{_shown(wanted)} is in {count} points under "{tail}"; give a longer piece'
    message = f'{_shown(wanted)} is in no point under "{tail}"'
    elsewhere = [s for s in sections if isinstance(wanted, str) and _matching(wanted, s.points)]
    if elsewhere:
        path = " › ".join(elsewhere[0].headings)
        message += f' (it is under "{path}", {elsewhere[0].page})'
    return message


def _shown(wanted: str | int) -> str:
    return f"line {wanted}" if isinstance(wanted, int) else f'"{wanted}"'


def _under(tail: Sequence[str], sections: Iterable[Section]) -> list[Section]:
    plain = tuple(map(_plain, tail))
    return [
        section
        for section in sections
        if tuple(map(_plain, section.headings[-len(plain) :])) == plain
    ]


def _below(place: _Place, sections: Iterable[Section]) -> list[Section]:
    depth = len(place.headings)
    return [
        section
        for section in sections
        if len(section.headings) > depth and _Place(section.page, section.headings[:depth]) == place
    ]


def _matching(wanted: str | int, points: Sequence[Point]) -> list[Point]:
    if isinstance(wanted, int):
        return [point for point in points if point.line <= wanted <= point.end_line]
    piece = _plain(wanted)
    return [point for point in points if piece in _plain(point.text)]


_TYPOGRAPHY = str.maketrans("‘’‚‛“”„‟–—−‐‑", "''''\"\"\"\"-----")


def _plain(text: str) -> str:
    return " ".join(strip_emoji(repair(text)).translate(_TYPOGRAPHY).casefold().split())


# ------------------------------------------------------------------------------- figures


@dataclass(frozen=True, slots=True)
class Quality:
    """How good the answers to some covered questions are.

    Attributes:
        questions: How many.
        section_recall_1: Share whose first section is that of an expected point, or of one
            that may come first. Sections are ranked by their first point in the answer.
        section_recall_3: Share with such a section among the first three.
        section_mrr: Mean of 1 / rank of the first such section, 0 where there is none.
        first_point: Share whose first point is one that may come first.
        point_recall: Mean share of the expected points that the answer holds.
        point_precision: Mean share of expected points among those in the answer, allowed
            ones left aside; over the answers that hold any that count.
    """

    questions: int
    section_recall_1: float | None
    section_recall_3: float | None
    section_mrr: float | None
    first_point: float | None
    point_recall: float | None
    point_precision: float | None


@dataclass(frozen=True, slots=True)
class Sections:
    """The ranking of sections, whether the question was answered or refused.

    As in `Quality`, but over the sections of the answer followed by the nearest headings
    that a refusal names: how well the right place is found, refusals aside.
    """

    section_recall_1: float | None
    section_recall_3: float | None
    section_mrr: float | None


@dataclass(frozen=True, slots=True)
class Kind:
    """The figures for one kind of question.

    Attributes:
        kind: As labelled.
        covered: Whether the notes answer such questions.
        questions: How many.
        right: Share that was answered (covered), refused (uncovered) or replied to
            (small talk).
        quality: Over all of them, where covered.
    """

    kind: str
    covered: bool
    questions: int
    right: float
    quality: Quality | None


@dataclass(frozen=True, slots=True)
class Threshold:
    """What would be answered if that much confidence were asked for.

    Attributes:
        confidence: The least confidence at which to answer.
        covered: Share of the covered questions with at least that.
        uncovered: Share of the uncovered ones (small talk aside) with at least that:
            wrong answers.
    """

    confidence: float
    covered: float | None
    uncovered: float | None


@dataclass(frozen=True, slots=True)
class Failure:
    """A question that was not answered as labelled.

    Attributes:
        id, kind, question, history: As in `LabelledQuestion`.
        problems: What is wrong with the answer, gravest first.
        confidence: The assistant's.
        expected: What should have come, one line a point (or a few words).
        came: What came: the answer's points, or the refusal with its nearest headings.
    """

    id: str
    kind: str
    question: str
    history: tuple[str, ...]
    problems: tuple[str, ...]
    confidence: float
    expected: tuple[str, ...]
    came: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """How far the notes, and the assistant on them, carry.

    Attributes:
        covered: Number of covered questions.
        uncovered: Number of uncovered ones, small talk aside.
        smalltalk: Number of greetings, thanks and the like.
        over_all: Quality over all covered questions; a needless refusal is wrong.
        over_answered: Quality over the covered questions that were answered.
        located: Sections found over all covered questions, by refusals too.
        answered: Share of the covered questions that were answered.
        refused: Share of the uncovered questions that were refused.
        replied: Share of small talk that got a reply.
        followups_resolved: Share of covered follow-ups whose first point is right.
        wrong_answers: Of all answers given, the share whose question is not covered or
            whose first point is not right.
        auroc: Probability that a covered question gets more confidence than an uncovered
            one (area under the receiver operating characteristic; Fawcett 2006).
        curve: Answered against wrong, by confidence.
        kinds: Covered kinds first, each in the order met.
        failures: In the order asked.
    """

    covered: int
    uncovered: int
    smalltalk: int
    over_all: Quality
    over_answered: Quality
    located: Sections
    answered: float | None
    refused: float | None
    replied: float | None
    followups_resolved: float | None
    wrong_answers: float | None
    auroc: float | None
    curve: tuple[Threshold, ...]
    kinds: tuple[Kind, ...]
    failures: tuple[Failure, ...]

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, figures rounded to four places."""
        rounded: dict[str, Any] = _rounded(asdict(self))
        return rounded

    def to_text(self, failures: bool = False) -> str:
        """Tables for a terminal, without colour; with the failures listed when asked."""
        parts = [_overview(self), _by_kind(self), _curve(self)]
        if failures:
            parts.append(_failures(self))
        return "\n\n".join(part for part in parts if part) + "\n"


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(entry) for entry in value]
    return value


# ---------------------------------------------------------------------------- evaluation


def evaluate_file(
    assistant: Answering,
    path: Path,
    split: Split | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Read labelled questions, ask them and report: `read_questions`, then `evaluate`.

    Raises:
        EvaluationError: As the two do.
    """
    return evaluate(assistant, read_questions(path, split), progress)


def evaluate(
    assistant: Answering,
    questions: Sequence[LabelledQuestion],
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Ask every question and compare what comes with its label.

    All labels are resolved before the first question is asked.

    Args:
        assistant: Who is asked.
        questions: What is asked.
        progress: Called with the number of questions asked so far and of all.

    Raises:
        EvaluationError: A label does not fit the assistant's index, or the assistant does
            not take a question. All labels that do not fit are in one message.
    """
    sections = assistant.index.sections
    golds: list[Gold] = []
    faults: list[str] = []
    for question in questions:
        try:
            golds.append(resolve(question, sections))
        except EvaluationError as error:
            faults.append(str(error))
    if faults:
        raise EvaluationError(
            "\n".join(faults) + "\nCorrect the labels, or name the index of the notes that "
            "they were written for (--index)."
        )
    outcomes: list[_Outcome] = []
    for done, (question, gold) in enumerate(zip(questions, golds, strict=True), start=1):
        try:
            answer = assistant.ask(question.question, question.history)
        except QuestionError as error:
            place = f"{question.place}: " if question.place else ""
            raise EvaluationError(f"{place}question {question.id!r}: {error}") from error
        outcomes.append(_compare(question, gold, answer, sections))
        if progress is not None:
            progress(done, len(questions))
    return _report(outcomes)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """A question asked, and what of its label is in the answer."""

    question: LabelledQuestion
    gold: Gold
    answer: Answer
    rank: int | None
    """Of the first right section among the answer's, then the nearest headings, from 1."""
    first_right: bool
    missing: tuple[Point, ...]
    wrong: tuple[CitedPoint, ...]

    @property
    def answered(self) -> bool:
        return self.answer.covered

    @property
    def right(self) -> bool:
        """Whether the question was treated as what it is."""
        if self.question.kind == SMALL_TALK:
            return self.answer.kind == "reply"
        return self.answered if self.question.covered else self.answer.kind == "refusal"


def _compare(
    question: LabelledQuestion, gold: Gold, answer: Answer, sections: Sequence[Section]
) -> _Outcome:
    expected = {_key(point) for point in gold.expected}
    neutral = {_key(point) for point in gold.allowed}
    said = _said(answer, sections)
    found = set().union(*said)
    first = {_key(point) for point in gold.first}
    places = {_place(point) for point in (*gold.expected, *gold.first)}
    ranks = (rank for rank, place in enumerate(_ranking(answer), start=1) if place in places)
    return _Outcome(
        question=question,
        gold=gold,
        answer=answer,
        rank=next(ranks, None),
        first_right=bool(said and said[0] & first),
        missing=tuple(point for point in gold.expected if _key(point) not in found),
        wrong=tuple(
            point
            for point, keys in zip(answer.points, said, strict=True)
            if not keys & (expected | neutral)
        ),
    )


def _said(answer: Answer, sections: Iterable[Section]) -> list[set[_Key]]:
    """For each point of an answer, the points of the notes that it stands for.

    Itself; and where it carries further citations (`CitedPoint.also`), in each of these
    sections the point that is most like it on the cited lines and not in the answer itself.
    """
    citations = {citation.number: citation for citation in answer.citations}
    shown = {_key(point) for point in answer.points}
    said = []
    for point in answer.points:
        keys = {_key(point)}
        for number in point.also:
            citation = citations[number]
            twins = [
                twin
                for section in sections
                if _place(section) == _Place(citation.page, citation.headings)
                for twin in section.points
                if _key(twin) not in shown
                and citation.line <= twin.line
                and twin.end_line <= citation.end_line
            ]
            if twins:
                keys.add(_key(max(twins, key=lambda twin: _likeness(twin.text, point.text))))
        said.append(keys)
    return said


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, _plain(one), _plain(other), autojunk=False).ratio()


def _ranking(answer: Answer) -> list[_Place]:
    """The sections of an answer in its order, then the nearest headings."""
    citations = {citation.number: citation for citation in answer.citations}
    places: dict[_Place, None] = {}
    for point in answer.points:
        places[_place(point)] = None
        for number in point.also:
            places[_Place(citations[number].page, citations[number].headings)] = None
    for heading in answer.nearest:
        places[_Place(heading.page, heading.headings)] = None
    return list(places)


def _report(outcomes: Sequence[_Outcome]) -> Report:
    covered = [o for o in outcomes if o.question.covered]
    smalltalk = [o for o in outcomes if o.question.kind == SMALL_TALK]
    uncovered = [o for o in outcomes if not o.question.covered and o.question.kind != SMALL_TALK]
    followups = [o for o in covered if o.question.kind == FOLLOW_UP]
    answered = [o for o in covered if o.answered]
    given = [o for o in outcomes if o.answered]
    kinds = dict.fromkeys(o.question.kind for o in (*covered, *uncovered, *smalltalk))
    return Report(
        covered=len(covered),
        uncovered=len(uncovered),
        smalltalk=len(smalltalk),
        over_all=_quality(covered),
        over_answered=_quality(answered),
        located=_sections([o.rank for o in covered]),
        answered=_share(o.answered for o in covered),
        refused=_share(o.right for o in uncovered),
        replied=_share(o.right for o in smalltalk),
        followups_resolved=_share(o.first_right for o in followups),
        wrong_answers=_share(not o.first_right for o in given),
        auroc=_auroc(covered, uncovered),
        curve=tuple(
            Threshold(
                confidence,
                _share(o.answer.confidence >= confidence for o in covered),
                _share(o.answer.confidence >= confidence for o in uncovered),
            )
            for confidence in THRESHOLDS
        ),
        kinds=tuple(_kind(kind, outcomes) for kind in kinds),
        failures=tuple(failure for o in outcomes if (failure := _failure(o)) is not None),
    )


def _kind(kind: str, outcomes: Sequence[_Outcome]) -> Kind:
    members = [o for o in outcomes if o.question.kind == kind]
    covered = members[0].question.covered
    return Kind(
        kind=kind,
        covered=covered,
        questions=len(members),
        right=fmean(o.right for o in members),
        quality=_quality(members) if covered else None,
    )


def _share(values: Iterable[float]) -> float | None:
    listed = list(values)
    return fmean(listed) if listed else None


def _quality(outcomes: Sequence[_Outcome]) -> Quality:
    ranking = _sections([o.rank if o.answered else None for o in outcomes])
    precision, recall = _precision_and_recall(outcomes)
    return Quality(
        questions=len(outcomes),
        section_recall_1=ranking.section_recall_1,
        section_recall_3=ranking.section_recall_3,
        section_mrr=ranking.section_mrr,
        first_point=_share(o.first_right for o in outcomes),
        point_recall=recall,
        point_precision=precision,
    )


def _sections(ranks: Sequence[int | None]) -> Sections:
    return Sections(
        section_recall_1=_share(rank is not None and rank <= 1 for rank in ranks),
        section_recall_3=_share(rank is not None and rank <= 3 for rank in ranks),
        section_mrr=_share(0.0 if rank is None else 1 / rank for rank in ranks),
    )


def _precision_and_recall(outcomes: Sequence[_Outcome]) -> tuple[float | None, float | None]:
    """Mean precision and recall of points (scikit-learn's "samples" average).

    A row of the two matrices is a question; its columns are the expected points, then
    the wrong ones of the answer, then padding.
    """
    if not outcomes:
        return None, None
    import numpy as np
    from sklearn.metrics import precision_score, recall_score

    # With one column scikit-learn would take the rows for a single two-class problem.
    width = max(2, *(len(o.gold.expected) + len(o.wrong) for o in outcomes))
    belongs = np.zeros((len(outcomes), width), dtype=np.int8)
    came = np.zeros((len(outcomes), width), dtype=np.int8)
    for row, outcome in enumerate(outcomes):
        size = len(outcome.gold.expected)
        belongs[row, :size] = 1
        came[row, :size] = [point not in outcome.missing for point in outcome.gold.expected]
        came[row, size : size + len(outcome.wrong)] = 1
    means = (
        float(score(belongs, came, average="samples", zero_division=np.nan))
        for score in (precision_score, recall_score)
    )
    precision, recall = (None if math.isnan(mean) else mean for mean in means)
    return precision, recall


def _auroc(covered: Sequence[_Outcome], uncovered: Sequence[_Outcome]) -> float | None:
    if not covered or not uncovered:
        return None
    from sklearn.metrics import roc_auc_score

    truth = [1] * len(covered) + [0] * len(uncovered)
    return float(roc_auc_score(truth, [o.answer.confidence for o in (*covered, *uncovered)]))


# ----------------------------------------------------------------------------- failures


def _failure(outcome: _Outcome) -> Failure | None:
    problems = _problems(outcome)
    if not problems:
        return None
    question, answer = outcome.question, outcome.answer
    if question.covered:
        expected = tuple(_line(point) for point in outcome.gold.expected)
    else:
        expected = ("a reply" if question.kind == SMALL_TALK else "a refusal",)
    if answer.covered:
        came = tuple(_line(point) for point in answer.points)
    elif answer.kind == "reply":
        came = ("a reply",)
    else:
        nearest = "; ".join(" › ".join(heading.headings[1:]) for heading in answer.nearest)
        came = (f"a refusal; nearest: {nearest or 'none'}",)
    return Failure(
        id=question.id,
        kind=question.kind,
        question=question.question,
        history=question.history,
        problems=tuple(problems),
        confidence=answer.confidence,
        expected=expected,
        came=came,
    )


def _problems(outcome: _Outcome) -> list[str]:
    if not outcome.right:
        if outcome.question.covered:
            return ["not answered"]
        return ["no reply" if outcome.question.kind == SMALL_TALK else "not refused"]
    if not outcome.question.covered:
        return []
    problems = []
    if outcome.rank != 1:
        problems.append("wrong section first")
    if not outcome.first_right:
        problems.append("wrong first point")
    if outcome.missing:
        problems.append(f"{len(outcome.missing)} of {len(outcome.gold.expected)} points missing")
    if outcome.wrong:
        problems.append(
            f"{len(outcome.wrong)} of {len(outcome.answer.points)} points do not belong"
        )
    return problems


def _line(point: Point | CitedPoint) -> str:
    path = " › ".join(point.headings[1:]) or point.headings[0]
    return f"{path} ({point.page}:{point.line}): {point.text}"


# --------------------------------------------------------------------------- plain tables

_QUALITY_ROWS = (
    ("Right section first", "section_recall_1"),
    ("Right section in the first three", "section_recall_3"),
    ("Section MRR", "section_mrr"),
    ("First point right", "first_point"),
    ("Point recall", "point_recall"),
    ("Point precision", "point_precision"),
)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Columns under their heads: the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = (
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
    head, *body = lines
    return "\n".join((head, "-" * (sum(widths) + 2 * (len(widths) - 1)), *body))


def _overview(report: Report) -> str:
    asked = (
        f"{report.covered} covered questions, {report.uncovered} uncovered, "
        f"{report.smalltalk} small talk"
    )
    quality = [("Covered questions", "all", "answered", "with nearest")]
    for title, name in _QUALITY_ROWS:
        located = _figure(getattr(report.located, name)) if hasattr(report.located, name) else ""
        quality.append(
            (
                title,
                _figure(getattr(report.over_all, name)),
                _figure(getattr(report.over_answered, name)),
                located,
            )
        )
    shares = [
        ("All questions", "share"),
        ("Covered questions answered", _figure(report.answered)),
        ("Uncovered questions refused", _figure(report.refused)),
        ("Small talk replied to", _figure(report.replied)),
        ("Follow-ups resolved", _figure(report.followups_resolved)),
        ("Answers given that are wrong", _figure(report.wrong_answers)),
        ("AUROC of confidence", _figure(report.auroc)),
    ]
    return "\n\n".join((asked, _table(quality), _table(shares)))


def _by_kind(report: Report) -> str:
    covered = [
        ("Covered kind", "n", "answered", "section@1", "section@3", "first", "recall", "precision")
    ]
    others = [("Other kind", "n", "as it should be")]
    for kind in report.kinds:
        start = (kind.kind, str(kind.questions), _figure(kind.right))
        if kind.quality is None:
            others.append(start)
            continue
        covered.append(
            (
                *start,
                _figure(kind.quality.section_recall_1),
                _figure(kind.quality.section_recall_3),
                _figure(kind.quality.first_point),
                _figure(kind.quality.point_recall),
                _figure(kind.quality.point_precision),
            )
        )
    tables = [_table(rows) for rows in (covered, others) if len(rows) > 1]
    return "\n\n".join(tables)


def _curve(report: Report) -> str:
    rows = [("Confidence at least", "covered answered", "uncovered answered")]
    rows += [
        (f"{point.confidence:.1f}", _figure(point.covered), _figure(point.uncovered))
        for point in report.curve
    ]
    return _table(rows)


def _failures(report: Report) -> str:
    if not report.failures:
        return "No failures"
    blocks = [f"{len(report.failures)} failures"]
    for failure in report.failures:
        lines = [f"{failure.id} ({failure.kind}, {failure.confidence:.2f}): {failure.question}"]
        if failure.history:
            lines.append(f"  after:    {' / '.join(failure.history)}")
        lines.append(f"  problem:  {'; '.join(failure.problems)}")
        for title, entries in (("expected", failure.expected), ("came", failure.came)):
            lines += [
                f"  {f'{title}:' if number == 0 else '':<9} {entry}"
                for number, entry in enumerate(entries)
            ]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)
