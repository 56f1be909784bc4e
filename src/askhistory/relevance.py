"""From evidence to judgement: which points answer, in what order, and whether they do.

Two linear models, one set of weights for every corpus (`weights.json`, made by
``make tune`` from development questions; see docs/tuning.md):

- *relevance*: the probability that a point belongs in the answer, from what it says to
  the question, compared with the best of the other points;
- *coverage*: the probability that the notes answer the question at all, from what the
  best points have and, above all, lack.

What is asked for must have its evidence in the same point as what is asked about; so
coverage looks at the one word that is matched worst, not only at averages.

This module computes features and applies weights; it neither searches nor composes.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from askhistory.index import Index
from askhistory.lexicon import fold, words
from askhistory.question import Question, QuestionKind
from askhistory.retrieval import Evidence, Floats, Ints, Query, facets_in
from askhistory.schema import Point

_LEAST_WEIGHT = 0.15
"""Of a word that says nothing, relative to the one that says most."""
_HEADING_DISCOUNT = 0.95
"""A word found in the heading path counts a little less than in the point."""
_ORDINARY_SCORE = 0.6
"""Nearly every question that notes answer has a point with this score."""
_HARDLY_KNOWN = 0.75
"""Share of a question's weight on words the notes do not use from which they hardly know it."""
_MOST_UNKNOWN = 3
"""Words that the notes do not use, from which it is all the same how many there are: gibberish has
a hundred, and no question that was learnt from had."""
_CLEAR_HEADING = 0.8
"""A heading path that says this much of the question is what it is about."""
_OTHER_ORDINAL = 0.2
"""Taken from a point on the third of something when the first is asked for."""
_OTHER_YEAR = 0.2
"""Taken from a point on 1928 when 1930 is asked for."""
_NEAR_BEFORE_CONTEXT = 0.3
"""Of what the question before found on the same topic, for a question that leans on it."""
_NEAR_BEFORE = 0.06
"""The same for one that does not seem to."""
_ANSWERED_BEFORE = 0.1
"""Taken from the point that answered the question before."""

_BULLET_TOKENS = 21.0
"""Typical length of a point up to which notes are bullets, or sentences as short."""
_SENTENCE_TOKENS = 26.0
"""That of the sentences of an article, from which all is prose."""

_OPENING_WORDS = 4
_OPENING_LENGTH = 60

_YEAR = re.compile(r"\b1\d{3}s?\b|\b20\d\d\b|\b\d(?:st|nd|rd|th) century\b", re.IGNORECASE)
_NUMBER = re.compile(
    r"(?<![\d.-])(?!1\d{3}\b|20\d\d\b)\d[\d,.]*\b%?|\b(?:two|three|four|five|six|seven|eight|nine|"
    r"ten|half|third|quarter|twice|dozens?|hundreds?|thousands?|millions?|billions?)\b",
    re.IGNORECASE,
)
_CAUSE = re.compile(
    r"\b(?:because|due to|as a result|since|so that|in order to|owing to|thanks to|caus\w+|led to|"
    r"reasons?|believed|wanted|hoped|sought|fear\w*|threat\w*|to (?:prevent|avoid|stop|keep|make|"
    r"gain|win|get)|meant that|therefore|which made|so)\b|->|→",
    re.IGNORECASE,
)
_RESULT = re.compile(
    r"\b(?:result\w*|led to|meant|caus\w+|therefore|thus|consequen\w+|effect\w*|became|los[st]\w*|"
    r"fell|fall|rose|rise|drop\w*|shrank|grew|died|deaths?|ended|forced)\b|->|→",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<=[a-z,;:] )[A-Z][a-z]+|\b[A-Z][a-z]+(?= [A-Z][a-z]+)")

_CLASSES: Mapping[QuestionKind, int] = {
    "fact": 0,
    "explain": 1,
    "list": 2,
    "effect": 3,
    "cause": 4,
    "verdict": 5,
    "comparison": 6,
    "overview": 7,
}

POINT_FEATURES = (
    "score",
    "behind",
    "own",
    "own behind",
    "dense",
    "dense behind",
    "passage behind",
    "heading",
    "heading behind",
    "section",
    "section behind",
    "section mean behind",
    "exact",
    "exact behind",
    "neighbours ahead",
    "best",
    "in best section",
    "clear heading",
    "group",
    "facet named",
    "facet named elsewhere",
    "log points in section",
    "first in section",
    "first mention",
    "begins with topic",
    "below another",
    "parent's score behind",
    "chain",
    "summary",
    "year wanted and there",
    "year wanted and missing",
    "number wanted and there",
    "number wanted and missing",
    "name wanted and there",
    "cause",
    "result",
)
"""Per point; "behind" is the distance to the best value among the points read."""

_BY_KIND = (
    "behind",
    "own behind",
    "dense behind",
    "heading",
    "heading behind",
    "section behind",
    "section mean behind",
    "in best section",
    "best",
    "clear heading",
    "group",
    "log points in section",
    "first in section",
    "first mention",
    "begins with topic",
    "chain",
    "summary",
    "cause",
    "result",
)
"""Features whose weight depends on the kind of the question."""
_ROWS_BY_KIND = [POINT_FEATURES.index(name) for name in _BY_KIND]

_IN_PROSE = (
    "above mean",
    "dense",
    "content words",
    "unknown words",
    "gap of an unknown name",
    "worst word",
    "words matched",
)
"""What has a weight of its own in sentences of prose: they say more than bullets do, and hold by
chance more of what a question says."""

COVERAGE_FEATURES = (
    "score",
    "score below ordinary",
    "dense",
    "best dense",
    "worst word",
    "worst word in section",
    "two worst words",
    "largest gap",
    "largest gap in point",
    "largest gap in section",
    "largest gap of an unknown word",
    "largest gap anywhere",
    "words matched",
    "words matched in section",
    "unknown share",
    "hardly a known word",
    "unknown words",
    "unknown names",
    "gap of an unknown name",
    "head noun",
    "margin",
    "above mean",
    "year wanted and missing",
    "number wanted and missing",
    "name wanted and missing",
    "person wanted",
    "place wanted",
    "year not in notes",
    "content words",
    "best relevance",
    *(f"kind {kind}" for kind in _CLASSES),
    "gap of a fact",
    "worst word of a fact",
    "prose",
    *(f"{name} in prose" for name in _IN_PROSE),
)


@dataclass(frozen=True, slots=True)
class Linear:
    """A logistic model over standardised features."""

    features: tuple[str, ...]
    mean: Floats
    scale: Floats
    weights: Floats
    intercept: float

    def __call__(self, features: NDArray[Any]) -> NDArray[np.float64]:
        """Probabilities (n,) of feature rows (n, features)."""
        slope = self.weights / self.scale
        score = features @ slope + (self.intercept - float(self.mean @ slope))
        probability: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-np.clip(score, -40, 40)))
        return probability


@dataclass(frozen=True, slots=True)
class Weights:
    """What ``make tune`` found.

    Attributes:
        relevance: Over `POINT_FEATURES` and those of them that depend on the kind.
        coverage: Over `COVERAGE_FEATURES`.
        threshold: Least coverage at which the notes are taken to answer.
        keep: Per kind, least relevance of a point that is kept, relative to the best's.
    """

    relevance: Linear
    coverage: Linear
    threshold: float
    keep: Mapping[str, float]

    @classmethod
    def from_json(cls, text: str) -> Weights:
        """Read what `to_json` wrote."""
        data = json.loads(text)
        return cls(
            relevance=_linear(data["relevance"]),
            coverage=_linear(data["coverage"]),
            threshold=data["threshold"],
            keep=data["keep"],
        )


def _linear(data: Mapping[str, Any]) -> Linear:
    rows = data["weights"]
    return Linear(
        features=tuple(rows),
        mean=np.array([row["mean"] for row in rows.values()], np.float32),
        scale=np.array([row["scale"] for row in rows.values()], np.float32),
        weights=np.array([row["weight"] for row in rows.values()], np.float32),
        intercept=data["intercept"],
    )


@cache
def shipped_weights() -> Weights:
    """The weights that come with the package."""
    return Weights.from_json(
        resources.files("askhistory").joinpath("weights.json").read_text("utf-8")
    )


def relevance_feature_names() -> tuple[str, ...]:
    """Names of the columns that `point_features` gives."""
    by_kind = (f"{name} ({kind})" for kind in _CLASSES for name in (*_BY_KIND, "any"))
    return (*POINT_FEATURES, *by_kind)


class Traits:
    """What a point's wording shows, whatever the question; each is looked for when it is wanted."""

    def __init__(self, text: str) -> None:
        """Take the point's text."""
        self._text = text

    @cached_property
    def year(self) -> bool:
        """Whether there is a year."""
        return bool(_YEAR.search(self._text))

    @cached_property
    def number(self) -> bool:
        """Whether there is a number other than a year."""
        return bool(_NUMBER.search(self._text))

    @cached_property
    def names(self) -> frozenset[str]:
        """Its names, in lower case."""
        return frozenset(name.lower() for name in _NAME.findall(self._text))

    @cached_property
    def cause(self) -> bool:
        """Whether it gives a cause."""
        return bool(_CAUSE.search(self._text))

    @cached_property
    def result(self) -> bool:
        """Whether it gives a result."""
        return bool(_RESULT.search(self._text))


traits = lru_cache(maxsize=65_536)(Traits)


@dataclass(frozen=True, slots=True)
class Reading:
    """The evidence weighed; n points, s sections, W words.

    Attributes:
        weights: (W,) of the words, summing to 1.
        matched: (n, W) how well each word is matched in the point or its heading path.
        score: (n,) late interaction over point and heading path, with a share of the
            sentence vectors' and the section's similarity.
        section_matched: (s, W) how well each word is matched anywhere in the section.
    """

    weights: Floats
    matched: Floats
    score: Floats
    section_matched: Floats


def weigh(query: Query, evidence: Evidence, before: Reading | None = None) -> Reading:
    """Join the evidence of points and headings word by word.

    Args:
        query: What is searched.
        evidence: Of n points.
        before: The same points weighed for the question before it, where there was one: what
            answered that is looked at less, what stands around it more.
    """
    highest = float(query.weights.max(initial=0.0)) or 1.0
    weights = np.maximum(query.weights, _LEAST_WEIGHT * highest)
    weights = weights / max(float(weights.sum()), 1e-6)
    headings = _HEADING_DISCOUNT * evidence.heading
    matched = np.maximum(evidence.own, headings[evidence.section])
    section_matched = headings.copy()
    np.maximum.at(section_matched, evidence.section, evidence.own)
    score = (
        matched @ weights
        + 0.2 * evidence.dense
        + 0.1 * evidence.passage[evidence.section]
        + 0.15 * (section_matched @ weights)[evidence.section]
    )
    score = score - _OTHER_ORDINAL * evidence.other_ordinal - _OTHER_YEAR * evidence.other_year
    if before is not None and len(score):
        topic = evidence.topic[evidence.section]
        around = np.full(topic.max() + 1, -1.0, np.float32)
        np.maximum.at(around, topic, before.score)
        share = _NEAR_BEFORE_CONTEXT if not query.typed.all() else _NEAR_BEFORE
        score = score + share * (around - around.max())[topic]
        if not query.typed.all():
            score[int(before.score.argmax())] -= _ANSWERED_BEFORE
    return Reading(weights.astype(np.float32), matched, score.astype(np.float32), section_matched)


def point_features(
    index: Index, question: Question, query: Query, evidence: Evidence, reading: Reading
) -> Floats:
    """Features (n, columns) of the points, in the order of `relevance_feature_names`."""
    n = len(evidence.points)
    points = [index.points[point] for point in evidence.points.tolist()]
    shown = [traits(point.text) for point in points]
    section = evidence.section
    score = reading.score
    own = evidence.own @ reading.weights
    exact = evidence.exact @ reading.weights
    heading = (evidence.heading @ reading.weights)[section]
    section_score = (reading.section_matched @ reading.weights)[section]
    passage = evidence.passage[section]
    continues = section[1:] == section[:-1]
    first = np.append(True, ~continues)
    starts = np.flatnonzero(first)
    sizes = np.diff(np.append(starts, n))
    best = int(score.argmax())
    mean = np.repeat(_means_of_best(score, section, starts, sizes), sizes)
    topic = _topic(query, evidence)
    facets = _facets(index, question, evidence)[section]
    groups = np.array([index.sections[n].group for n in evidence.sections.tolist()], bool)
    wants = question.wants
    nowhere = np.zeros(n, bool)
    year = np.array([trait.year for trait in shown]) if wants == "date" else nowhere
    number = np.array([trait.number for trait in shown]) if wants == "number" else nowhere
    name = nowhere
    if wants in {"person", "place"}:
        asked = {word.lower() for word in query.words}
        name = np.array([bool(trait.names - asked) for trait in shown])
    columns = {
        "score": score,
        "behind": score - score.max(),
        "own": own,
        "own behind": own - own.max(),
        "dense": evidence.dense,
        "dense behind": evidence.dense - evidence.dense.max(),
        "passage behind": passage - passage.max(),
        "heading": heading,
        "heading behind": heading - heading.max(),
        "section": section_score,
        "section behind": section_score - section_score.max(),
        "section mean behind": mean - mean.max(),
        "exact": exact,
        "exact behind": exact - exact.max(),
        "neighbours ahead": _neighbours(score, continues) - score,
        "best": np.arange(n) == best,
        "in best section": section == section[best],
        "clear heading": heading > _CLEAR_HEADING,
        "group": groups[section],
        "facet named": facets,
        "facet named elsewhere": facets.any() & ~facets,
        "log points in section": np.log(np.repeat(sizes, sizes)),
        "first in section": first,
        "first mention": _first_mention(topic, evidence),
        "begins with topic": _begins_with(topic, query, evidence, points),
        "below another": np.array([point.depth > 0 for point in points]),
        "parent's score behind": _parents_behind(points, score),
        "chain": np.array([point.role == "chain" for point in points]),
        "summary": np.array([point.role == "summary" for point in points]),
        "year wanted and there": year,
        "year wanted and missing": ~year if wants == "date" else nowhere,
        "number wanted and there": number,
        "number wanted and missing": ~number if wants == "number" else nowhere,
        "name wanted and there": name,
        "cause": np.array([trait.cause for trait in shown]),
        "result": np.array([trait.result for trait in shown]),
    }
    features = np.zeros((len(POINT_FEATURES) + len(_CLASSES) * (len(_BY_KIND) + 1), n), np.float32)
    for row, feature in enumerate(POINT_FEATURES):
        features[row] = columns[feature]
    of_kind = len(POINT_FEATURES) + _CLASSES[question.kind] * (len(_BY_KIND) + 1)
    features[of_kind : of_kind + len(_BY_KIND)] = features[_ROWS_BY_KIND]
    features[of_kind + len(_BY_KIND)] = 1.0
    return features.T


def coverage_features(
    index: Index,
    question: Question,
    query: Query,
    evidence: Evidence,
    reading: Reading,
    relevance: NDArray[np.float64],
) -> Floats:
    """Features (columns,) of the question as a whole, in the order of `COVERAGE_FEATURES`.

    Args:
        relevance: (n,) of the points.
    """
    score = reading.score
    best = int(score.argmax())
    content = (query.weights > 0) & np.array([facet is None for facet in query.facets], bool)
    if not content.any():
        content = np.ones(len(query.words), bool)
    importance = query.weights[content]
    matched = reading.matched[best][content]
    in_section = reading.section_matched[evidence.section[best]][content]
    in_point = evidence.own[best][content]
    anywhere = reading.matched[:, content].max(axis=0)
    unknown = ~query.known[content]
    names = query.names[content]
    total = max(float(importance.sum()), 1e-6)
    gap = importance * (1 - matched)
    shown = traits(index.points[evidence.points[best]].text)
    asked = {word.lower() for word in query.words}
    runners_up = np.sort(score)[-6:-1]
    wants = question.wants
    head_matched = [
        float(reading.matched[best][place])
        for place, word in enumerate(query.words)
        if word.lower() == question.head
    ]
    longer = (index.typical_length - _BULLET_TOKENS) / (_SENTENCE_TOKENS - _BULLET_TOKENS)
    years = {word for word in query.words if re.fullmatch(r"1\d{3}|20\d\d", word)}
    columns: dict[str, float] = {
        "score": float(score[best]),
        "score below ordinary": min(float(score[best]) - _ORDINARY_SCORE, 0.0),
        "dense": float(evidence.dense[best]),
        "best dense": float(evidence.dense.max()),
        "worst word": float(matched.min()),
        "worst word in section": float(in_section.min()),
        "two worst words": float(np.sort(matched)[:2].mean()),
        "largest gap": float(gap.max()),
        "largest gap in point": float((importance * (1 - in_point)).max()),
        "largest gap in section": float((importance * (1 - in_section)).max()),
        "largest gap of an unknown word": float((gap * unknown).max()),
        "largest gap anywhere": float((importance * (1 - anywhere)).max()),
        "words matched": float(importance @ matched) / total,
        "words matched in section": float(importance @ in_section) / total,
        "unknown share": float(importance @ unknown) / total,
        "hardly a known word": float(importance @ unknown > _HARDLY_KNOWN * total),
        "unknown words": float(min(unknown.sum(), _MOST_UNKNOWN)),
        "unknown names": float((unknown & names).sum()),
        "gap of an unknown name": float((gap * (unknown & names)).max()),
        "head noun": head_matched[0] if head_matched else 0.75,
        "margin": float(score[best] - runners_up.mean()) if len(runners_up) else 0.0,
        "above mean": float(score[best] - score.mean()),
        "year wanted and missing": float(wants == "date" and not shown.year),
        "number wanted and missing": float(wants == "number" and not shown.number),
        "name wanted and missing": float(wants in {"person", "place"} and not shown.names - asked),
        "person wanted": float(wants == "person"),
        "place wanted": float(wants == "place"),
        "year not in notes": float(
            any(
                not held
                for word, held in zip(query.words, query.known, strict=True)
                if word in years
            )
        ),
        "content words": math.log(1 + int(content.sum())),
        "best relevance": float(relevance.max()),
        "gap of a fact": float(gap.max()) * (question.kind == "fact"),
        "worst word of a fact": float(matched.min()) * (question.kind == "fact"),
        "prose": float(np.clip(longer, 0.0, 1.0)),
    }
    for kind in _CLASSES:
        columns[f"kind {kind}"] = float(question.kind == kind)
    for name in _IN_PROSE:
        columns[f"{name} in prose"] = columns[name] * columns["prose"]
    return np.array([columns[name] for name in COVERAGE_FEATURES], np.float32)


def _topic(query: Query, evidence: Evidence) -> int | None:
    """The column of the word that says most among those some point holds."""
    held = evidence.exact.any(axis=0) & (query.weights > 0)
    if not held.any():
        return None
    return int(np.where(held, query.weights, -1.0).argmax())


def _facets(index: Index, question: Question, evidence: Evidence) -> NDArray[np.bool_]:
    """(s,) which sections' headings name a part of a topic that the question names."""
    named = (facets_in(index.sections[n].headings[-1]) for n in evidence.sections.tolist())
    return np.array([not facets.isdisjoint(question.facets) for facets in named], bool)


def _first_mention(topic: int | None, evidence: Evidence) -> NDArray[np.bool_]:
    """(n,) which point is the first to hold the topic: where notes introduce it."""
    first = np.zeros(len(evidence.points), bool)
    if topic is not None:
        first[int(evidence.exact[:, topic].argmax())] = True
    return first


def _begins_with(
    topic: int | None, query: Query, evidence: Evidence, points: Sequence[Point]
) -> NDArray[np.bool_]:
    """(n,) which points have the topic among their first words."""
    found = np.zeros(len(points), bool)
    if topic is not None:
        for row in np.flatnonzero(evidence.exact[:, topic]).tolist():
            opening = words(points[row].text[:_OPENING_LENGTH])[:_OPENING_WORDS]
            found[row] = query.terms[topic] in {fold(word.text) for word in opening}
    return found


def _parents_behind(points: Sequence[Point], score: Floats) -> Floats:
    """(n,) how far the score of the point that each stands below is from the best; 0 for none."""
    behind = np.zeros(len(points), np.float32)
    below = [(row, p.page, p.parent) for row, p in enumerate(points) if p.parent is not None]
    if below:
        rows = {(point.page, point.number): row for row, point in enumerate(points)}
        best = score.max()
        for row, page, number in below:
            parent = rows.get((page, number))
            if parent is not None:
                behind[row] = score[parent] - best
    return behind


def _means_of_best(score: Floats, section: Ints, starts: Ints, sizes: Ints) -> Floats:
    """(s,) mean of the three best scores of each section, or of all where it has fewer."""
    ascending = score[np.lexsort((score, section))]
    best = np.repeat(starts + sizes, sizes) - np.arange(len(score)) <= 3
    counts = np.minimum(sizes, 3)
    means = np.add.reduceat(ascending[best], np.cumsum(counts) - counts) / counts
    return np.asarray(means, np.float32)


def _neighbours(score: Floats, continues: NDArray[np.bool_]) -> Floats:
    """(n,) mean score of the points before and after in the same section, else the point's own.

    Args:
        score: (n,) of the points.
        continues: (n - 1,) whether a point is of the section of the one before it.
    """
    total = np.zeros(len(score), np.float32)
    count = np.zeros(len(score), np.float32)
    total[1:] += score[:-1] * continues
    count[1:] += continues
    total[:-1] += score[1:] * continues
    count[:-1] += continues
    return np.where(count > 0, total / np.maximum(count, 1), score)
