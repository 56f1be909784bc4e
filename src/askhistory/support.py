"""Whether a sentence says what the points that it cites say: the check of written answers.

A sentence passes when all of these hold, the cheapest asked first:

- every number and every name in it stands in the cited points (or in the question);
- no number is said of something else than in the points, and no one is put in another's place;
- nothing is denied that the points affirm, or the other way round;
- what it says is matched in the points by late interaction, in the mean and in the words that
  are matched worst, above a threshold that was fitted on examples (``support.json``).

What a point *says* is its text; of the headings above it, names count (notes seldom repeat whom a
section is about) and numbers do not. Nothing here knows how the sentence came about.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Literal, Self

import numpy as np

from askhistory.contradiction import contradicts
from askhistory.lexicon import (
    SHORTHAND,
    Lexicon,
    Word,
    fold,
    is_english,
    is_name,
    is_stopword,
    rarity,
    words,
)
from askhistory.models import TextEncoder
from askhistory.quantities import bound_otherwise, dated, month, quantities, stands_in
from askhistory.reading import Floats, Reading, read_texts, similarities
from askhistory.roles import swaps_roles
from askhistory.schema import CitedPoint

Fault = Literal["citation", "number", "name", "role", "denial", "content"]
"""What a sentence can fail by."""

FEATURES = ("words", "clause", "pair", "whole")
"""Similarity of the words in the mean, of the clause and of the two neighbours that are matched
worst, and of the sentence as a whole."""

_PARTICLE = re.compile(r"[A-Z]\w?['’][A-Z]")
"""Names such as *D'Annunzio* and *O'Neill*."""
_DEMONYMS = frozenset(
    {"", "i", "y", "an", "ans", "ian", "ians", "ium", "ia", "ish", "n", "ns", "s"}
)
_ORDER = re.compile(
    r"(?:(?:^|[.:;!]\s+|\b(?:and|then|please)\s+)(?:say|write|tell|claim|pretend|repeat)"
    r"|(?:^|[.:;!]\s+|\bplease\s+)(?:answer|reply|respond|print|output))\b",
    re.IGNORECASE,
)
"""How a text orders its reader to say something."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The fitted part of the check.

    Attributes:
        coefficients: Of `FEATURES`, in that order.
        intercept: Of the logistic model.
        threshold: Least support that passes, from 0 to 1.
    """

    coefficients: tuple[float, ...]
    intercept: float
    threshold: float

    @classmethod
    def shipped(cls) -> Self:
        """Those that come with the package."""
        text = resources.files("askhistory").joinpath("support.json").read_text("utf-8")
        data = json.loads(text)
        return cls(tuple(data["coefficients"]), data["intercept"], data["threshold"])

    def support(self, features: Sequence[float]) -> float:
        """The probability that a sentence of such features is supported."""
        total = float(np.dot(self.coefficients, features)) + self.intercept
        return float(1.0 / (1.0 + np.exp(-total)))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of the check.

    Attributes:
        fault: What the sentence failed by, or None where it is supported.
        support: How well the points match what it says, from 0 to 1; 0 where it failed before.
    """

    fault: Fault | None
    support: float = 0.0

    @property
    def supported(self) -> bool:
        """Whether the sentence may be shown."""
        return self.fault is None


class Checker:
    """Checks sentences against the points that they cite.

    Args:
        encoder: Of the token vectors.
        lexicon: Of the notes: their abbreviations, and how much a word says.
        weights: Of the support.
    """

    def __init__(self, encoder: TextEncoder, lexicon: Lexicon, weights: Weights) -> None:
        self._encoder = encoder
        self._lexicon = lexicon
        self._weights = weights

    def check(self, sentence: str, points: Sequence[CitedPoint], question: str = "") -> Verdict:
        """Judge a sentence.

        Args:
            sentence: Without its citations.
            points: Those that it cites; without any it fails.
            question: Whose numbers and names the sentence may use.
        """
        if not points:
            return Verdict("citation")
        points = [replace(point, text=_stated(point.text)) for point in points]
        texts = [point.text for point in points]
        if not self._numbers_stand(sentence, [*texts, question]):
            return Verdict("number")
        headings = [heading for point in points for heading in point.headings]
        if not self._names_stand(sentence, [*texts, *headings, question]):
            return Verdict("name")
        sharing = [text for text in texts if _shares(sentence, text)]
        if sharing and all(bound_otherwise(sentence, text) for text in sharing):
            return Verdict("number")
        held = [{number.value for number in quantities(text)} for text in texts]
        if not all(any(numbers >= {*pair} for numbers in held) for pair in dated(sentence)):
            return Verdict("number")
        return self._by_reading(sentence, points)

    def features(self, sentence: str, points: Sequence[CitedPoint]) -> tuple[float, ...]:
        """What the support is computed from (see `FEATURES`)."""
        said, *read = self._read(sentence, points)
        return self._features(said, read, points)

    def _numbers_stand(self, sentence: str, texts: Sequence[str]) -> bool:
        held = [number for text in texts for number in quantities(text)]
        return all(stands_in(number, held) for number in quantities(sentence))

    def _names_stand(self, sentence: str, texts: Sequence[str]) -> bool:
        held = {form for text in texts for form in self._forms(text)}
        found = words(sentence)
        return all(
            any(
                _same_name(form, other)
                for form in {_month(word.text), fold(word.text)}
                for other in held
            )
            or self._spelt_out(word.text, held)
            for place, word in enumerate(found)
            if _names(word.text, first=_begins(sentence, found, place))
        )

    def _forms(self, text: str) -> set[str]:
        """Every form of every word of a text, abbreviations spelt out."""
        whole = [self._lexicon.expand(text)]
        whole += [SHORTHAND.get(word.text.lower(), "") for word in words(text)]
        found = [word.text for part in whole for word in words(part)]
        return {fold(word) for word in found} | {_month(word) for word in found}

    def _spelt_out(self, name: str, held: set[str]) -> bool:
        long = self._lexicon.abbreviations.get(name.lower()) or SHORTHAND.get(name.lower())
        return bool(long) and all(fold(word.text) in held for word in words(long or ""))

    def _by_reading(self, sentence: str, points: Sequence[CitedPoint]) -> Verdict:
        said, *read = self._read(sentence, points)
        own = read[: len(points)]
        if swaps_roles(said, own, [point.headings for point in points]):
            return Verdict("role")
        if contradicts(said, own):
            return Verdict("denial")
        support = self._weights.support(self._features(said, read, points))
        return Verdict(None if support >= self._weights.threshold else "content", support)

    def _read(self, sentence: str, points: Sequence[CitedPoint]) -> list[Reading]:
        """Read the sentence, each point, each point's headings, and all points in one."""
        texts = [sentence, *(point.text for point in points)]
        paths = [" › ".join(point.headings) for point in points]
        # Together, for a sentence that joins what several points say.
        joined = " ".join([points[0].headings[-1] + ":", *texts[1:]])
        expanded = [self._lexicon.expand(text) for text in [*texts, *paths, joined]]
        return read_texts(expanded, self._encoder)

    def _features(
        self, said: Reading, read: Sequence[Reading], points: Sequence[CitedPoint]
    ) -> tuple[float, ...]:
        places = said.content()
        if not places:
            return (0.0,) * len(FEATURES)
        own, paths, joined = read[: len(points)], read[len(points) : -1], read[-1]
        similarity = np.max([_matches(said, one) for one in own], axis=0)
        above = np.max([_matches(said, one) for one in paths], axis=0)
        # A heading says what a point is about, and no more than that.
        matched = np.maximum(similarity, np.where(above > 0.8, above, 0.0))[places]
        weights = np.array([_weight(said.words[place].text) for place in places], np.float32)
        clauses = np.array(said.clauses)[places]
        parts = [clauses == clause for clause in np.unique(clauses)]
        # One word that is matched badly may be a paraphrase; two in a row are news.
        pairs = (matched[1:] + matched[:-1]) / 2 if len(matched) > 1 else matched
        return (
            _mean(matched, weights),
            min(_mean(matched[part], weights[part]) for part in parts),
            float(pairs.min()),
            max(float(said.sentence @ one.sentence) for one in [*own, joined]),
        )


def _mean(values: Floats, weights: Floats) -> float:
    return float(values @ weights / max(float(weights.sum()), 1e-6))


def _stated(text: str) -> str:
    """What a text states, without what it orders its reader to say: that is no fact of it."""
    order = _ORDER.search(text)
    return text[: order.start()] if order else text


def _shares(sentence: str, text: str) -> bool:
    """Whether a number of the sentence stands in the text."""
    held = quantities(text)
    return any(stands_in(number, held) for number in quantities(sentence))


def _weight(word: str) -> float:
    return 0.3 + 0.7 * min(1.0, rarity(word.lower()) / 0.6)


def _matches(said: Reading, other: Reading) -> Floats:
    """(W,) similarity of each word of the sentence to the nearest word of the other text."""
    if not other.words:
        return np.zeros(len(said.words), np.float32)
    found: Floats = similarities(said, other).max(axis=1)
    return found


# ------------------------------------------------------------------------------------- names


def _begins(sentence: str, found: Sequence[Word], place: int) -> bool:
    """Whether a word begins the sentence, or what is quoted in it."""
    before = sentence[: found[place].start].rstrip()
    return place == 0 or before.endswith((":", '"', "“", "‘", "("))


def _names(word: str, first: bool) -> bool:
    """Whether a word of a sentence is a proper name."""
    if word[:1].isdigit() or is_stopword(word) or len(word) < 2:
        return False
    if word[0].isupper() and (not first or _PARTICLE.match(word)):
        return True
    return is_name(word) and (word[0].isupper() or not is_english(word))


def _month(word: str) -> str:
    return month(word) or fold(word)


@cache
def _same_name(one: str, other: str) -> bool:
    """Whether two folded words name the same: ``german`` and ``germany``, ``jew``, ``jewish``."""
    if one == other:
        return True
    shared = 0
    while shared < min(len(one), len(other)) and one[shared] == other[shared]:
        shared += 1
    ends = {one[shared:], other[shared:]}
    return (shared >= 4 or (shared >= 3 and "" in ends)) and ends <= _DEMONYMS
