"""A text read once, for comparing it with others: its words, clauses, vectors and denials."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from askhistory.lexicon import Word, fold, is_name, is_stopword, words
from askhistory.models import TextEncoder
from askhistory.polarity import Negator, denied, negators, senses
from askhistory.quantities import month

Floats = NDArray[np.float32]

SAME_WORD = 0.55
"""Cosine from which a word of the sentence and one of a point are taken for the same thing."""
_BRACKETS = re.compile(r"\([^()]*\)")
_CLAUSE_END = re.compile(r"[,;:.!?]|\b(?:and|but|while|whereas|although|though|so)\b|->|=>")


@dataclass(frozen=True, slots=True)
class Reading:
    """A text of W words, read.

    Attributes:
        text: As given.
        words: In order.
        folded: Their folded forms.
        senses: Their forms in the list of opposites.
        vectors: (W, dimension) the mean of each word's token vectors, of unit length.
        sentence: (dimension,) the text's own vector.
        clauses: The number of the clause that each word stands in.
        negators: The words that deny others.
        denied: The places of the words that are denied.
    """

    text: str
    words: tuple[Word, ...]
    folded: tuple[str, ...]
    senses: tuple[str, ...]
    vectors: Floats
    sentence: Floats
    clauses: tuple[int, ...]
    negators: tuple[Negator, ...]
    denied: frozenset[int]

    def content(self) -> list[int]:
        """The places of the words that carry meaning and deny nothing."""
        bare = {negator.place for negator in self.negators if negator.bare}
        return [
            place
            for place, word in enumerate(self.words)
            if place not in bare and (not is_stopword(word.text) or _is_initials(word.text))
        ]

    def without(self, places: frozenset[int]) -> Reading:
        """The same, where the words at some places deny nothing."""
        left = tuple(negator for negator in self.negators if negator.place not in places)
        return replace(self, negators=left, denied=denied(left))


def read_texts(texts: Sequence[str], encoder: TextEncoder) -> list[Reading]:
    """Read texts, in one pass of the encoder."""
    encoding = encoder.encode(list(texts))
    readings = []
    for row, text in enumerate(texts):
        found = words(text)
        clauses = _clauses(text, found)
        plain = [word.text for word in found]
        denying = negators(plain, clauses)
        readings.append(
            Reading(
                text,
                tuple(found),
                tuple(fold(word) for word in plain),
                senses(plain),
                _word_vectors(found, encoding.tokens[row], encoding.offsets[row]),
                encoding.sentences[row],
                clauses,
                denying,
                denied(denying),
            )
        )
    return readings


def similarities(one: Reading, other: Reading) -> Floats:
    """(W, V) cosine of each word of one text and each of another; at least 0.9 of the same word."""
    if not one.words or not other.words:
        return np.zeros((len(one.words), len(other.words)), np.float32)
    same = np.array([[a == b for b in other.folded] for a in one.folded], bool)
    similarity = one.vectors @ other.vectors.T
    found: Floats = np.where(same, np.maximum(similarity, 0.9), similarity)
    return found


def is_person(word: str) -> bool:
    """Whether a word may be the name of someone, or of what acts like someone."""
    return word[0].isupper() and is_name(word) and month(word) is None


def is_named(word: str) -> bool:
    """The same, with initials such as *US*, which are too short to be told from other words."""
    return is_person(word) or _is_initials(word)


def _is_initials(word: str) -> bool:
    return len(word) > 1 and word.isupper()


def _word_vectors(found: Sequence[Word], tokens: Floats, offsets: NDArray[np.int32]) -> Floats:
    vectors = np.zeros((len(found), tokens.shape[1]), np.float32)
    for row, word in enumerate(found):
        inside = (offsets[:, 0] < word.end) & (offsets[:, 1] > word.start)
        if inside.any():
            mean = tokens[inside].mean(axis=0)
            vectors[row] = mean / max(float(np.linalg.norm(mean)), 1e-6)
    return vectors


def _clauses(text: str, found: Sequence[Word]) -> tuple[int, ...]:
    """The clause of each word; what stands in brackets does not end the one around it."""
    ends = [match.span() for match in _CLAUSE_END.finditer(text)]
    inside = [match.span() for match in _BRACKETS.finditer(text)]
    outer = [
        start for start, _ in ends if not any(opens < start < closes for opens, closes in inside)
    ]
    numbers = []
    for word in found:
        bracket = next(
            (n for n, (opens, closes) in enumerate(inside) if opens < word.start < closes), None
        )
        if bracket is None:
            numbers.append(sum(end < word.start for end in outer))
        else:
            own = sum(start < word.start for start, _ in ends if start > inside[bracket][0])
            numbers.append(1000 * (bracket + 1) + own)
    order = {number: rank for rank, number in enumerate(dict.fromkeys(numbers))}
    return tuple(order[number] for number in numbers)
