"""Numbers in prose: which there are, what they are worth, and what each is said of.

``6,600 million``, ``6.6 billion`` and ``£6,600 million`` are one number; ``seven`` is 7 and ``the
second plan`` holds a 2nd. Pure functions of strings; nothing here knows notes or vectors.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from askhistory.lexicon import NUMBER_WORDS, ORDINALS, STOPWORDS, Word, fold, is_name, words

_TEENS = "eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_SMALL = {word: value for value, word in enumerate(_TEENS.split(), 11)}
_TIES = "twenty thirty forty fifty sixty seventy eighty ninety"
_TENS = {word: 10 * value for value, word in enumerate(_TIES.split(), 2)}
_MAGNITUDES = {
    "dozen": 12.0,
    "hundred": 1e2,
    "thousand": 1e3,
    "million": 1e6,
    "billion": 1e9,
    "trillion": 1e12,
}
_SHORT = {"k": 1e3, "m": 1e6, "mn": 1e6, "bn": 1e9, "tn": 1e12}
"""Magnitudes as they are written after a price: ``$400m``."""
_PRICE = re.compile(r"[$£€¥]\s?$")
_PARTS = {
    "half": "0.5",
    "halves": "0.5",
    "quarter": "0.25",
    "quarters": "0.25",
    "twice": "x2",
    "double": "x2",
    "doubled": "x2",
    "triple": "x3",
    "tripled": "x3",
    "thrice": "x3",
}
_YEAR_RANGE = re.compile(r"\b(1\d|20)(\d\d)\s*[-–/]\s*(\d\d)(?!\d)")
_CLAUSE = re.compile(
    r"[,;.!?](?=\s|$)|:(?=\s+\D)|\b(?:but|while|whereas|when|after|before|because|others?)\b|->|=>"
    # Not between numbers of one thing: *the laws of 1898 and 1900*.
    r"|(?<!\d )\band\b|\band\b(?! \d)"
)
_DECADE = re.compile(r"\d+s")
_DETERMINERS = frozenset(("the", "a", "an", "its", "his", "her", "their", "this", "that"))


_MONTH = re.compile(
    r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
    r"(?:uary|ruary|ch|il|e|y|ust|t|tember|ober|ember)?$"
)


def month(word: str) -> str | None:
    """The first three letters of a month, written in full or short, in lower case; or None."""
    match = _MONTH.match(word.lower())
    return match[1] if match else None


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number of a text.

    Attributes:
        value: In one form for every way of writing it; a decade ends in ``s``, an ordinal in
            ``.``, and a bare plural such as *thousands* begins with ``>``.
        start: Its first character.
        end: The one after its last.
    """

    value: str
    start: int
    end: int


def quantities(text: str) -> list[Quantity]:
    """The numbers of a text in order. *One* counts only before a hundred, a million …"""
    text = _YEAR_RANGE.sub(_whole_years, text)
    found = words(text)
    numbers: list[Quantity] = []
    place = 0
    while place < len(found):
        word = found[place]
        said = word.text.lower()
        following = found[place + 1].text.lower() if place + 1 < len(found) else ""
        if _in_name(text, found, place):
            place += 1
            continue
        value = _value(said)
        used = 1
        if said == "half" and following == "a" and place + 2 < len(found):
            whole = _MAGNITUDES.get(found[place + 2].text.lower())
            if whole is not None:
                numbers.append(Quantity(f"{whole / 2:.10g}", word.start, found[place + 2].end))
                place += 3
                continue
        short = _SHORT.get(following) if text[word.end : word.end + 1].isalpha() else None
        if value is not None and short is not None and _PRICE.search(text[: word.start]):
            value, used, following = value * short, 2, ""
        if value is not None and said in _TENS and _value(following) in _UNITS:
            value += float(following if following.isdigit() else NUMBER_WORDS[following])
            used, following = 2, found[place + 2].text.lower() if place + 2 < len(found) else ""
        if value is not None and following.rstrip("s") in _MAGNITUDES:
            value *= _MAGNITUDES[following.rstrip("s")]
            used += 1
        elif said == "one" or (said == "a" and following not in _MAGNITUDES):
            value = None
        shown = _shown(said, value)
        if shown is not None:
            numbers.append(Quantity(shown, word.start, found[place + used - 1].end))
        place += used if shown is not None else 1
    return numbers


def _in_name(text: str, found: Sequence[Word], place: int) -> bool:
    """Whether a word for a number is part of a name, such as *Triple* of *Triple Entente*, or says
    which of two came earlier, as *first* does before *then*."""
    word = found[place]
    following = found[place + 1].text if place + 1 < len(found) else ""
    if word.text.lower() in _PARTS:
        return word.text[0].isupper() and following[:1].isupper()
    if word.text.lower() != "first" or (place and found[place - 1].text.lower() in _DETERMINERS):
        return False
    return any(later.text.lower() == "then" for later in found[place + 1 :])


_UNITS = {float(value) for value in range(1, 10)}


def _whole_years(found: re.Match[str]) -> str:
    century, year, end = found.groups()
    return f"{century}{year} {century}{end}"


def _value(word: str) -> float | None:
    if word in ORDINALS or _DECADE.fullmatch(word):
        return None
    if word[:1].isdigit():
        try:
            return float(fold(word).rstrip("%"))
        except ValueError:
            return None
    if word == "a":
        return 1.0
    if word in NUMBER_WORDS:
        return float(NUMBER_WORDS[word])
    return _SMALL.get(word) or _TENS.get(word)


def _shown(word: str, value: float | None) -> str | None:
    if value is not None:
        return f"{value:.10g}"
    if word in ORDINALS:
        return f"{fold(word)}."
    if word in _PARTS:
        return _PARTS[word]
    if word[:1].isdigit():
        return word
    if word.endswith("s") and word[:-1] in _MAGNITUDES:
        return f">{_MAGNITUDES[word[:-1]]:.10g}"
    return _MAGNITUDE_ALONE.get(word)


_MAGNITUDE_ALONE = {word: f"{value:.10g}" for word, value in _MAGNITUDES.items()}
_PERCENT = {"0.5": "50", "0.25": "25"}


def stands_in(quantity: Quantity, among: Sequence[Quantity]) -> bool:
    """Whether a number is one of those."""
    value = quantity.value
    values = {other.value for other in among}
    if value in values or _PERCENT.get(value) in values:
        return True
    if value.startswith(">"):
        least = float(value[1:])
        return any(_size(other) >= least for other in values)
    return any(_PERCENT.get(other) == value for other in values)


def _size(value: str) -> float:
    try:
        return float(value.lstrip(">"))
    except ValueError:
        return 0.0


def bound_otherwise(sentence: str, point: str) -> bool:
    """Whether a number of the sentence is said of something else in the point.

    ``80% of generals`` is, where the point has ``90% of generals and 80% of colonels``: what is
    counted, someone named, or most of the clause stands only in clauses of the point that have
    other numbers.
    """
    clauses = [_Clause.of(text) for text in _CLAUSE.split(point)]
    clauses = [clause for clause in clauses if clause.numbers]
    for text in _CLAUSE.split(sentence):
        said = _Clause.of(text)
        home = [clause for clause in clauses if said.shares(clause)]
        others = [clause for clause in clauses if not said.shares(clause)]
        if not home:
            continue
        here = frozenset().union(*(clause.terms for clause in home))
        there = frozenset().union(*(clause.terms for clause in others))
        elsewhere = said.terms & (there - here)
        strangers = said.names & elsewhere
        if any(clause.pronoun and not clause.names for clause in home):
            strangers = frozenset()
        # Where the clause of the number says no more than the sentence, two were made one.
        outnumbered = len(elsewhere) > len(said.terms & (here - there)) and here - said.terms
        if strangers or outnumbered or said.counted & (there - here):
            return True
    return (
        _reversed(sentence, point)
        or _dated_otherwise(sentence, point)
        or _counts_otherwise(sentence, point)
    )


_ABOUT = "among amongst per cent percent within since around nearly almost roughly exactly least"
_BETWEEN = frozenset(_ABOUT.split())
_PRONOUNS = frozenset(("he", "him", "his", "she", "her", "it", "its", "they", "them", "their"))


@dataclass(frozen=True, slots=True)
class _Clause:
    """A clause: its numbers (ordinals aside), its folded words, and of these the names and those
    next to a number; whether it has a pronoun."""

    numbers: tuple[Quantity, ...]
    terms: frozenset[str]
    names: frozenset[str]
    counted: frozenset[str]
    pronoun: bool

    @classmethod
    def of(cls, text: str) -> _Clause:
        numbers = [number for number in quantities(text) if not number.value.endswith(".")]
        found = [
            word
            for word in words(text)
            if word.text.lower() not in STOPWORDS | _BETWEEN
            and _value(word.text.lower()) is None
            and not any(number.start <= word.start < number.end for number in numbers)
            and month(word.text) is None
        ]
        counted: set[str] = set()
        for number in numbers:
            after = [fold(word.text) for word in found if word.start >= number.end]
            before = [fold(word.text) for word in found if word.end <= number.start]
            counted.update(after[:1] or before[-1:])
        return cls(
            tuple(numbers),
            frozenset(fold(word.text) for word in found),
            frozenset(
                fold(word.text) for word in found if word.text[0].isupper() and is_name(word.text)
            ),
            frozenset(counted),
            any(word.text.lower() in _PRONOUNS for word in words(text)),
        )

    def shares(self, other: _Clause) -> bool:
        """Whether both have a number in common."""
        return any(stands_in(number, other.numbers) for number in self.numbers)


_FROM_TO = re.compile(r"(\d+(?:[.,]\d+)*)\W*(?:\w+\s+){0,2}to\s+(?:\w+\s+)?(\d+(?:[.,]\d+)*)")


def _reversed(sentence: str, point: str) -> bool:
    """Whether ``444 votes to 94`` has become ``94 votes to 444``."""
    pairs = set(_FROM_TO.findall(point))
    found = _FROM_TO.findall(sentence)
    return any((end, start) in pairs for start, end in found if start != end)


def _counts_otherwise(sentence: str, point: str) -> bool:
    """Whether a number counts what another number of the point counts: ``60% of the land`` for
    ``43% of the land to 60% of the people``."""
    there = _counted(point)
    for value, thing in _counted(sentence):
        own = {other for number, other in there if number == value}
        if own and thing not in own and any(other == thing for _, other in there):
            return True
    return False


def _counted(text: str) -> set[tuple[str, str]]:
    """Each number with the first word of meaning after it in its clause."""
    found: set[tuple[str, str]] = set()
    for clause in _CLAUSE.split(text):
        numbers = quantities(clause)
        ends = [*(number.start for number in numbers[1:]), len(clause)]
        for number, end in zip(numbers, ends, strict=False):
            after = [
                word.text
                for word in words(clause[number.end : end])
                if word.text.lower() not in STOPWORDS | _BETWEEN
            ]
            if after and not _is_year(number.value) and month(after[0]) is None:
                found.add((number.value, fold(after[0])))
    return found


_DATED = re.compile(r"^\W*in\s+(?:[A-Z][a-z]+\s+)?$")


def dated(text: str) -> set[tuple[str, str]]:
    """What is said of a year: ``1.4 million in 1928`` → (1400000, 1928)."""
    found = quantities(text)
    return {
        (one.value, two.value)
        for one, two in pairwise(found)
        if _DATED.match(text[one.end : two.start]) and _is_year(two.value)
    }


def _is_year(value: str) -> bool:
    return value.isdigit() and 1000 <= int(value) <= 2100


def _dated_otherwise(sentence: str, point: str) -> bool:
    """Whether a number has another year in the point."""
    there = dated(point)
    return any(
        (value, year) not in there and any(value == other for other, _ in there)
        for value, year in dated(sentence)
    )
