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
from numpy.typing import NDArray

from askhistory.lexicon import (
    SHORTHAND,
    Lexicon,
    Word,
    fold,
    is_english,
    is_name,
    is_stopword,
    rarity,
    root,
    words,
)
from askhistory.models import TextEncoder
from askhistory.polarity import Denials, base, denials, has_opposite, opposite
from askhistory.quantities import bound_otherwise, dated, month, quantities, stands_in
from askhistory.schema import CitedPoint

Floats = NDArray[np.float32]

Fault = Literal["citation", "number", "name", "role", "denial", "content"]
"""What a sentence can fail by."""

FEATURES = ("words", "clause", "pair", "whole")
"""Similarity of the words in the mean, of the clause and of the two neighbours that are matched
worst, and of the sentence as a whole."""

_SAME_WORD = 0.55
"""Cosine from which a word of the sentence and one of a point are taken for the same thing."""
_NEAR_WORD = 0.25
"""The same for words that say the opposite of each other, which stand in like contexts."""
_CLAUSE_END = re.compile(r"[,;:.!?]|\b(?:and|but|while|whereas|although|though|so)\b|->|=>")
_DEMONYMS = frozenset(
    {"", "i", "y", "an", "ans", "ian", "ians", "ium", "ia", "ish", "n", "ns", "s"}
)
_ORDER = re.compile(
    r"(?:^|[.:;,!]\s+|\b(?:and|then|please)\s+)"
    r"(?:say|write|tell|claim|answer|reply|respond|pretend|repeat|print|output)\b",
    re.IGNORECASE,
)
_PASSIVE = re.compile(
    r"\b(?:was|were|is|are|been|be|being)\s+(?:\w+ly\s+)?\w+(?:ed|en|wn)\b|\bby\s+[A-Z]"
)
_BE = frozenset({"was", "were", "is", "are", "been", "be", "being"})


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


@dataclass(frozen=True, slots=True)
class _Read:
    """A text of W words, read once.

    Attributes:
        text: As given.
        words: In order.
        folded: Their folded forms.
        vectors: (W, dimension) the mean of each word's token vectors, of unit length.
        sentence: (dimension,) the text's own vector.
        clauses: The number of the clause that each word stands in.
        denials: What is denied in it.
    """

    text: str
    words: tuple[Word, ...]
    folded: tuple[str, ...]
    vectors: Floats
    sentence: Floats
    clauses: tuple[int, ...]
    denials: Denials

    def content(self) -> list[int]:
        """The places of the words that carry meaning and deny nothing."""
        return [
            place
            for place, word in enumerate(self.words)
            if not is_stopword(word.text) and place not in self.denials.negators
        ]


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
        if _swaps_roles(said, own):
            return Verdict("role")
        if _contradicts(said, own):
            return Verdict("denial")
        support = self._weights.support(self._features(said, read, points))
        return Verdict(None if support >= self._weights.threshold else "content", support)

    def _read(self, sentence: str, points: Sequence[CitedPoint]) -> list[_Read]:
        """Read the sentence, each point, each point's headings, and all points in one."""
        texts = [sentence, *(point.text for point in points)]
        paths = [" › ".join(point.headings) for point in points]
        # Together, for a sentence that joins what several points say.
        joined = " ".join([points[0].headings[-1] + ":", *texts[1:]])
        expanded = [self._lexicon.expand(text) for text in [*texts, *paths, joined]]
        encoding = self._encoder.encode(expanded)
        return [
            _Read(
                text,
                tuple(found := words(text)),
                tuple(fold(word.text) for word in found),
                _word_vectors(found, encoding.tokens[row], encoding.offsets[row]),
                encoding.sentences[row],
                (clauses := _clauses(text, found)),
                denials([word.text for word in found], clauses),
            )
            for row, text in enumerate(expanded)
        ]

    def _features(
        self, said: _Read, read: Sequence[_Read], points: Sequence[CitedPoint]
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


def _matches(said: _Read, other: _Read) -> Floats:
    """(W,) similarity of each word of the sentence to the nearest word of the other text."""
    if not other.words:
        return np.zeros(len(said.words), np.float32)
    similarity = said.vectors @ other.vectors.T
    same = np.array([[one == two for two in other.folded] for one in said.folded], bool)
    found: Floats = np.where(same, np.maximum(similarity, 0.9), similarity).max(axis=1)
    return found


def _word_vectors(found: Sequence[Word], tokens: Floats, offsets: NDArray[np.int32]) -> Floats:
    vectors = np.zeros((len(found), tokens.shape[1]), np.float32)
    for row, word in enumerate(found):
        inside = (offsets[:, 0] < word.end) & (offsets[:, 1] > word.start)
        if inside.any():
            mean = tokens[inside].mean(axis=0)
            vectors[row] = mean / max(float(np.linalg.norm(mean)), 1e-6)
    return vectors


def _clauses(text: str, found: Sequence[Word]) -> tuple[int, ...]:
    ends = [match.start() for match in _CLAUSE_END.finditer(text)]
    return tuple(sum(end < word.start for end in ends) for word in found)


# ------------------------------------------------------------------------------------- names


def _begins(sentence: str, found: Sequence[Word], place: int) -> bool:
    """Whether a word begins the sentence, or what is quoted in it."""
    before = sentence[: found[place].start].rstrip()
    return place == 0 or before.endswith((":", '"', "“", "‘", "("))


def _names(word: str, first: bool) -> bool:
    """Whether a word of a sentence is a proper name."""
    if word[:1].isdigit() or is_stopword(word) or len(word) < 2:
        return False
    if word[0].isupper() and not first:
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


# ------------------------------------------------------------------------------- contradiction


def _aligned(said: _Read, place: int, read: Sequence[_Read]) -> tuple[_Read, int, float] | None:
    """The text and the place in it of the word nearest to one of the sentence."""
    best: tuple[_Read, int, float] | None = None
    for other in read:
        for near in other.content():
            if other.folded[near] == said.folded[place]:
                similarity = 1.0 + float(said.vectors[place] @ other.vectors[near])
            else:
                similarity = float(said.vectors[place] @ other.vectors[near])
            if best is None or similarity > best[2]:
                best = (other, near, similarity)
    return best


def _contradicts(said: _Read, read: Sequence[_Read]) -> bool:
    """Whether the sentence denies what a point affirms, affirms what it denies, or says the
    opposite of it."""
    pairs = [
        (place, *found)
        for place in said.content()
        if (found := _aligned(said, place, read)) is not None and found[2] >= _SAME_WORD
    ]
    for reach in said.denials.reached:
        met = [(place, other, near) for place, other, near, _ in pairs if place in reach]
        if met and not any(_agree(said, *pair) for pair in met):
            return True
    for other in read:
        for reach in other.denials.reached:
            met = [
                (place, one, near)
                for place, one, near, _ in pairs
                if one is other and near in reach
            ]
            if met and not any(_agree(said, *pair) for pair in met):
                return True
    prefixed = [
        (place, other, near)
        for place, other, near, _ in pairs
        if _sign(said, place) != _sign(other, near)
        and base(said.words[place].text)[0] == base(other.words[near].text)[0]
    ]
    return not all(_agree(said, *pair) for pair in prefixed) or any(
        _says_opposite(said, place, read) for place in range(len(said.words))
    )


def _sign(read: _Read, place: int) -> bool:
    return base(read.words[place].text)[1]


def _agree(said: _Read, place: int, other: _Read, near: int) -> bool:
    """Whether two words that mean the same are both affirmed or both denied."""
    denied = said.denials.within[place] ^ other.denials.within[near]
    if base(said.words[place].text)[0] == base(other.words[near].text)[0]:
        denied ^= _sign(said, place) ^ _sign(other, near)
    return not denied


def _says_opposite(said: _Read, place: int, read: Sequence[_Read]) -> bool:
    word = root(said.words[place].text)
    if not has_opposite(word) or any(said.folded[place] in other.folded for other in read):
        return False
    for other in read:
        for near in range(len(other.words)):
            contrary = opposite(word, root(other.words[near].text))
            if not contrary or other.folded[near] in said.folded:
                continue
            if float(said.vectors[place] @ other.vectors[near]) < _NEAR_WORD:
                continue
            if said.denials.within[place] == other.denials.within[near]:
                return True
    return False


def _swaps_roles(said: _Read, read: Sequence[_Read]) -> bool:
    """Whether someone does in the sentence what is done to them, or by another, in the point.

    Told by order: what a name does follows it, and in the passive voice precedes it.
    """
    for place in _subjects(said):
        verb = _predicate(said, place)
        found = None if verb is None else _aligned(said, verb, read)
        if verb is None or found is None or found[2] < _SAME_WORD:
            continue
        other, near, _ = found
        own = [at for at, form in enumerate(other.folded) if form == said.folded[place]]
        agent = _agent(other, near)
        if own and agent is not None and max(own) < agent and not _passive(said, verb):
            return True
        if _passive(said, verb) != _passive(other, near):
            continue
        rivals = [at for at in _subjects(other) if at < near and at not in own]
        here = [at for at in rivals if other.clauses[at] == other.clauses[near]]
        someone = any(word.text.lower() in _PERSONS for word in other.words[:near])
        if not own:
            if here:
                return True
        elif not _possessive(said, place):
            last = max((at for at in own if at < near), default=None)
            if last is None:
                if rivals or someone or _is_object(other, near, own[0]):
                    return True
            elif other.clauses[last] != other.clauses[near] and any(last < at for at in here):
                return True
    return _swaps_pair(said, read) or any(_swaps_sides(said, other) for other in read)


def _agent(read: _Read, place: int) -> int | None:
    """Where the *by* stands that says who did what the word at a place is about."""
    for near in range(place + 1, min(len(read.words), place + 12)):
        if read.words[near].text.lower() == "by":
            return near
    return None


def _is_object(read: _Read, noun: int, name: int) -> bool:
    """Whether a name is what is done to: ``the invasion of Poland``."""
    return name == noun + 2 and read.words[noun + 1].text.lower() == "of"


def _swaps_pair(said: _Read, read: Sequence[_Read]) -> bool:
    """Whether two names of one clause stand the other way round in every point with both."""
    names = [place for place, word in enumerate(said.words) if _is_person(word.text)]
    for place in names:
        for later in names[names.index(place) + 1 :]:
            if said.clauses[later] != said.clauses[place]:
                continue
            orders = {
                order
                for one in read
                if (order := _order(one, said.folded[place], said.folded[later])) is not None
                and bool(_PASSIVE.search(one.text)) == bool(_PASSIVE.search(said.text))
            }
            if orders == {False}:
                return True
    return False


def _swaps_sides(said: _Read, other: _Read) -> bool:
    """Whether what stands before and after a word that both have has changed places."""
    places = said.content()
    for verb in places:
        if other.folded.count(said.folded[verb]) != 1:
            continue
        near = other.folded.index(said.folded[verb])
        if _passive(said, verb) != _passive(other, near):
            continue
        beside = [place for place in places if said.clauses[place] == said.clauses[verb]]
        before = {said.folded[place] for place in beside if place < verb}
        after = {said.folded[place] for place in beside if place > verb}
        around = [
            place
            for place in other.content()
            if place != near and other.clauses[place] == other.clauses[near]
        ]
        held = [other.folded[place] for place in around]
        there = {other.folded[place] for place in around if place < near}
        here = {other.folded[place] for place in around if place > near}
        swapped = [form for form in held if held.count(form) == 1]
        left = any(form in before - after and form in here - there for form in swapped)
        right = any(form in after - before and form in there - here for form in swapped)
        kept = any(
            (form in before and form in there) or (form in after and form in here)
            for form in swapped
        )
        if left and right and not kept:
            return True
    return False


def _order(read: _Read, first: str, second: str) -> bool | None:
    """Whether the first of two words stands before the other; None where that is not clear."""
    ones = [place for place, form in enumerate(read.folded) if form == first]
    others = [place for place, form in enumerate(read.folded) if form == second]
    if not ones or not others or first == second:
        return None
    if max(ones) < min(others):
        return True
    return False if max(others) < min(ones) else None


_PERSONS = frozenset(("he", "she", "they", "his", "her", "their", "him", "them"))
_PREPOSITIONS = frozenset(
    ("of", "by", "with", "for", "to", "in", "from", "against", "under", "on", "at", "about", "than")
)


def _subjects(read: _Read) -> list[int]:
    """The places of names that may be who does something.

    Before such a name stands nothing of its clause, another name, or a word such as *that*.
    """
    return [
        place
        for place, word in enumerate(read.words)
        if _is_person(word.text) and (place == 0 or _opens(read, place))
    ]


def _opens(read: _Read, place: int) -> bool:
    before = read.words[place - 1].text
    if read.clauses[place - 1] != read.clauses[place] or before[0].isupper():
        return True
    return is_stopword(before) and before.lower() not in _PREPOSITIONS


def _possessive(read: _Read, place: int) -> bool:
    return read.words[place].text.lower().replace("’", "'").endswith(("'s", "s'"))


def _is_person(word: str) -> bool:
    return word[0].isupper() and is_name(word) and month(word) is None


def _predicate(read: _Read, place: int) -> int | None:
    """The first word after a name that may be its verb, or what the name owns."""
    reach = 2 if _possessive(read, place) else 5
    for near in range(place + 1, min(len(read.words), place + reach)):
        word = read.words[near].text
        if word in ("and", "but", "while", "whereas"):
            return None
        following = read.words[near + 1].text if near + 1 < len(read.words) else ""
        # *von*, *van*, *de*: part of the name.
        particle = len(word) <= 3 and following[:1].isupper()
        if near not in read.denials.negators and not (
            is_stopword(word) or not word[0].islower() or particle
        ):
            return near
    return None


def _passive(read: _Read, place: int) -> bool:
    before = [word.text.lower() for word in read.words[max(0, place - 2) : place]]
    after = [word.text.lower() for word in read.words[place + 1 : place + 7]]
    return "by" in after or ("the" not in before and any(word in _BE for word in before))
