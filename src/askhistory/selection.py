"""Which of the points that were read make the answer, and in what order.

A list comes whole and a fact alone; a question that names a heading gets what stands under
it; what two sections say alike is said once. Nothing here searches or weighs: relevance
comes from `relevance.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from askhistory.index import Index
from askhistory.lexicon import fold, terms, words
from askhistory.question import Question, QuestionKind, facet_of
from askhistory.retrieval import Evidence, Query, facets_in
from askhistory.topics import rises, topic_of, topic_of_heading

_MOST_POINTS: Mapping[QuestionKind, int] = {
    "fact": 4,
    "explain": 6,
    "list": 16,
    "effect": 16,
    "cause": 16,
    "verdict": 8,
    "comparison": 16,
    "overview": 30,
}
"""An answer is to be read, not searched."""

_SAME = 0.93
"""Cosine above which two points of different sections may say the same."""
_SAME_WORDS = 0.5
"""Share of the words of the shorter one that they have in common where they do."""

_NAMES_HEADING = 0.75
"""Share of a question's weight that a heading path must say to be what it asks for."""

_NAMES_CHAPTER = 0.85
"""The same of a heading that has sections below it."""
_OUTLINE_POINTS = 3
"""Per section of a chapter, beside what sums it up."""

_WHOLE_TOPIC: frozenset[QuestionKind] = frozenset(
    {"explain", "overview", "effect", "cause", "list"}
)
"""Kinds of questions that may ask for nothing but a topic; others always ask something of it."""
_HAPPEN = fold("happened")
"""May ask for no part of a topic but for all of it: "what happened in the famine"."""
_SAYS_ENOUGH = 2
"""Points under a heading that explain it without those of the headings below."""

_DATED = re.compile(
    r"\W*(?:(?:in|by|on|from|early|late|mid)\b\W*)*(?:\d{1,2}(?:st|nd|rd|th)?\W+)?"
    r"(?:[A-Z][a-z]{2,8}\b\W*)?1?\d{3}\b"
)

_ELSEWHERE = 0.95
"""Of the relevance of points that stand elsewhere than under the heading that a question names."""

_WHOLE_GROUP = 0.5
"""Share of a group's points that, once kept, brings the others along."""

_REMEMBERED = 16_384
"""Headings whose words are kept at hand."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A point that belongs in the answer.

    Attributes:
        point: Its number in the index.
        score: Its relevance, from 0 to 1.
        twins: Points of other sections that say the same.
    """

    point: int
    score: float
    twins: tuple[int, ...] = ()


def choose(
    index: Index,
    question: Question,
    query: Query,
    evidence: Evidence,
    relevance: NDArray[np.float64],
    keep: float,
) -> list[list[Chosen]]:
    """Choose the points of the answer, grouped by section, in the order of the answer.

    Args:
        index: The notes.
        question: As understood.
        query: What was searched; W words.
        evidence: The points that were read; n of them.
        relevance: (n,) the probability that each belongs in the answer.
        keep: Least share of the best point's relevance that a further point must have.

    Returns:
        Groups of one section each, never empty: that of the most relevant point first, those
        of a chapter in the order of the notes.
    """
    group = named_group(index, question, query, evidence)
    chapter = named_chapter(index, question, query, evidence)
    topic = named_topic(index, question, query, evidence)
    whole = False
    if topic is not None and topic.alone and (topic.chapter if group is not None else not chapter):
        chapter, whole = [], True
        rows = _topic_rows(index, question, evidence, topic, relevance)
    elif group is not None:
        whole = True
        rows = np.flatnonzero(evidence.section == group).tolist()
    elif chapter:
        rows = _outline(index, evidence, chapter, relevance)
    else:
        if topic is not None:
            named = np.isin(evidence.section, [*topic.at, *topic.below])
            relevance = _topic_first(relevance, named)
        rows = _kept_rows(index, question, evidence, relevance, keep)
        if question.kind == "verdict":
            rows = _with_both_verdicts(index, evidence, rows, relevance)
        rows = _with_whole_groups(index, evidence, rows)
    twins = _twins(index, evidence, rows, relevance)
    rows = [row for row in rows if row not in set().union(*twins.values())]
    by_section: dict[int, list[int]] = {}
    for row in sorted(rows):
        by_section.setdefault(int(evidence.section[row]), []).append(row)
    groups = list(by_section.values())
    if not (chapter or whole):
        groups.sort(key=lambda members: (-max(relevance[row] for row in members), members[0]))
    summing_up_first = bool(chapter) or question.kind == "verdict"
    return [
        [
            Chosen(
                int(evidence.points[row]),
                float(relevance[row]),
                tuple(int(evidence.points[twin]) for twin in twins.get(row, ())),
            )
            for row in (
                members
                if whole
                else _order(index, question, evidence, members, relevance, summing_up_first)
            )
        ]
        for members in groups
    ]


def named_group(index: Index, question: Question, query: Query, evidence: Evidence) -> int | None:
    """The row of the section whose heading path is what the question asks for, or None.

    "The aims of collectivization" names the heading *Aims* below *Collectivization*: the part
    of the topic by its facet, the topic by the rest of the path. What stands there is then
    the answer, all of it and nothing else.
    """
    if not question.facets or question.kind in {"fact", "verdict", "comparison"}:
        return None
    best: tuple[float, int | None] = (0.0, None)
    for row, number in enumerate(evidence.sections):
        headings = index.sections[int(number)].headings
        if facets_in(headings[-1]).isdisjoint(question.facets):
            continue
        share = _said_by(" ".join(headings[1:]), query)
        if share >= _NAMES_HEADING and share > best[0]:
            best = (share, row)
    return best[1]


@dataclass(frozen=True, slots=True)
class _Topic:
    """What a question names by a heading's very words; rows of sections.

    Attributes:
        at: Those that stand under that heading itself.
        below: Those under headings below it.
        alone: Whether nothing more particular is asked of it.
        chapter: Whether there are headings below it that are more than groups of its points.
    """

    at: list[int]
    below: list[int]
    alone: bool
    chapter: bool


def named_topic(
    index: Index, question: Question, query: Query, evidence: Evidence
) -> _Topic | None:
    """The heading whose words are the question's, what is asked of it aside; None for none.

    "Explain hyperinflation" and "effects of hyperinflation" name the heading *Hyperinflation*,
    in whose points the word need not occur again.
    """
    asked = topic_of(query.text)
    if not asked or question.kind in {"fact", "comparison"}:
        return None
    at: list[int] = []
    below: list[int] = []
    facets = {facet_of(word) for word in query.words if fold(word) != _HAPPEN} - {None}
    said: set[str] = set()
    for row, number in enumerate(evidence.sections.tolist()):
        headings = index.sections[number].headings
        named = [heading for heading in headings[1:] if topic_of_heading(heading) == asked]
        if named:
            (at if headings[-1] in named else below).append(row)
            said.update(facet for heading in named for facet in facets_in(heading))
    if not at and not below:
        return None
    chapter = any(not index.sections[int(evidence.sections[row])].group for row in below)
    return _Topic(at, below, question.kind in _WHOLE_TOPIC and facets <= said, chapter)


def _topic_rows(
    index: Index,
    question: Question,
    evidence: Evidence,
    topic: _Topic,
    relevance: NDArray[np.float64],
) -> list[int]:
    """What stands under a heading, and in outline what stands below it."""
    most = _MOST_POINTS["overview"]
    rows = np.flatnonzero(np.isin(evidence.section, topic.at))
    found = rows[np.argsort(-relevance[rows], kind="stable")][:most].tolist()
    if question.kind != "explain" or len(found) < _SAYS_ENOUGH or topic.chapter:
        found += _outline(index, evidence, topic.below, relevance)
    return sorted(found)


def _topic_first(relevance: NDArray[np.float64], named: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Relevance with the best of the named points as relevant as any, and first."""
    best = relevance[named].max(initial=0.0)
    if best == 0.0:
        return relevance
    raised = relevance * (relevance.max() / best)
    found: NDArray[np.float64] = np.where(named, raised, _ELSEWHERE * relevance)
    return found


@lru_cache(maxsize=_REMEMBERED)
def _terms_in(heading: str) -> frozenset[str]:
    return frozenset(fold(word.text) for word in words(heading))


def _said_by(heading: str, query: Query) -> float:
    """The share of the question's weight that a heading says, in its words or their facets.

    Coming to power is said by whatever words speak of it.
    """
    held, facets = _terms_in(heading), facets_in(heading)
    rise = frozenset[str]()
    if rises(heading) and (span := rises(query.text)):
        rise = _terms_in(query.text[slice(*span)])
    matched = [
        term in held or facet in facets or term in rise
        for term, facet in zip(query.terms, query.facets, strict=True)
    ]
    return float(query.weights[matched].sum()) / max(float(query.weights.sum()), 1e-6)


def named_chapter(index: Index, question: Question, query: Query, evidence: Evidence) -> list[int]:
    """The rows of the sections below a heading that a broad question names; else none.

    "Reasons for the rise of Stalin" names the heading of several sections: each of them is
    part of the answer.
    """
    if question.kind not in {"overview", "cause", "effect", "list"}:
        return []
    chapters: dict[tuple[str, ...], list[int]] = {}
    for row, number in enumerate(evidence.sections):
        section = index.sections[int(number)]
        for depth in range(2, len(section.headings)):
            chapters.setdefault((section.page, *section.headings[:depth]), []).append(row)
    best: tuple[float, list[int]] = (0.0, [])
    for (_, *headings), rows in chapters.items():
        share = _said_by(headings[-1], query)
        if len(rows) > 1 and share >= _NAMES_CHAPTER and share > best[0]:
            best = (share, rows)
    return best[1]


def _outline(
    index: Index,
    evidence: Evidence,
    sections: Sequence[int],
    relevance: NDArray[np.float64],
) -> list[int]:
    """What sums each section up, and the points of it that say most to the question."""
    rows: list[int] = []
    for section in sections:
        members = np.flatnonzero(evidence.section == section)
        ranked = members[np.argsort(-relevance[members], kind="stable")]
        summing = [
            int(row) for row in members if index.points[int(evidence.points[row])].role != "plain"
        ]
        plain = [int(row) for row in ranked if int(row) not in summing]
        rows += summing + plain[:_OUTLINE_POINTS]
    return sorted(rows)


def _kept_rows(
    index: Index,
    question: Question,
    evidence: Evidence,
    relevance: NDArray[np.float64],
    keep: float,
) -> list[int]:
    best = int(relevance.argmax())
    ranked = np.lexsort((evidence.points, -relevance))[: _MOST_POINTS[question.kind]]
    return [int(row) for row in ranked if row == best or relevance[row] >= keep * relevance[best]]


def _with_both_verdicts(
    index: Index, evidence: Evidence, rows: Sequence[int], relevance: NDArray[np.float64]
) -> list[int]:
    """Every chain of the section that answers best: one that ends in success is half a verdict
    where the next ends in failure."""
    members = np.flatnonzero(evidence.section == evidence.section[int(relevance.argmax())])
    points = evidence.points[members].tolist()
    chains = [
        row
        for row, point in zip(members.tolist(), points, strict=True)
        if index.points[point].role == "chain"
    ]
    return sorted({*rows, *chains})


def _with_whole_groups(index: Index, evidence: Evidence, rows: Sequence[int]) -> list[int]:
    """A list comes whole: the rest of a group heading's points once half of them are there."""
    kept = set(rows)
    for section in {int(evidence.section[row]) for row in rows}:
        members = np.flatnonzero(evidence.section == section).tolist()
        group = index.sections[int(evidence.sections[section])].group
        if group and len(kept.intersection(members)) > _WHOLE_GROUP * len(members):
            kept.update(members)
    return sorted(kept)


def _twins(
    index: Index, evidence: Evidence, rows: Sequence[int], relevance: NDArray[np.float64]
) -> dict[int, list[int]]:
    """Per kept row the rows of other sections that say the same and are not shown again."""
    vectors = np.asarray(index.point_vectors[evidence.points[list(rows)]], np.float32)
    near = vectors @ vectors.T > _SAME
    twins: dict[int, list[int]] = {}
    dropped: set[int] = set()
    order = sorted(range(len(rows)), key=lambda place: (-relevance[rows[place]], rows[place]))
    for position, place in enumerate(order):
        if rows[place] in dropped:
            continue
        for other in order[position + 1 :]:
            apart = evidence.section[rows[place]] != evidence.section[rows[other]]
            alike = near[place, other] and _share_words(
                *(
                    index.points[int(evidence.points[row])].text
                    for row in (rows[place], rows[other])
                )
            )
            if alike and apart and rows[other] not in dropped:
                twins.setdefault(rows[place], []).append(rows[other])
                dropped.add(rows[other])
    return twins


def _share_words(one: str, other: str) -> bool:
    """Whether two points have most words of the shorter one in common.

    Vectors alone take points for the same that only are about the same.
    """
    held, others = _content_of(one), _content_of(other)
    return len(held & others) >= _SAME_WORDS * min(len(held), len(others))


@lru_cache(maxsize=_REMEMBERED)
def _content_of(text: str) -> frozenset[str]:
    return frozenset(terms(text))


def _order(
    index: Index,
    question: Question,
    evidence: Evidence,
    group: Sequence[int],
    relevance: NDArray[np.float64],
    summing_up_first: bool,
) -> list[int]:
    """The order of the notes; but what answers best stands first unless the list is whole."""
    if summing_up_first:
        return sorted(
            group, key=lambda row: (index.points[int(evidence.points[row])].role == "plain", row)
        )
    section = evidence.section[group[0]]
    if question.kind != "fact" and _is_timeline(index, evidence, group):
        return list(group)
    whole = len(group) == int((evidence.section == section).sum())
    listed = index.sections[int(evidence.sections[section])].group
    if whole and listed and question.kind not in {"fact", "explain"}:
        return list(group)
    best = max(group, key=lambda row: (relevance[row], -row))
    return [best, *(row for row in group if row != best)]


def _is_timeline(index: Index, evidence: Evidence, group: Sequence[int]) -> bool:
    """Whether most of some points, and more than two, begin with a date."""
    dated = sum(bool(_DATED.match(index.points[int(evidence.points[row])].text)) for row in group)
    return dated > max(2, len(group) / 2)
