"""What a point states of what a question asks for: a date, a number, a name.

A wrong emphasis teaches a student the wrong word, so where a name is not surely the one asked for,
nothing is emphasised.
"""

from __future__ import annotations

import re
from calendar import day_name
from collections.abc import Iterator, Sequence

from askhistory.lexicon import ARTICLES, BE, Word, base_form, fold, is_name, is_stopword, words
from askhistory.quantities import month

MOST = 3
"""A point in which more is emphasised than this stresses nothing."""

_YEAR = re.compile(r"\b1[0-9]{3}s?\b|\b20[0-9]{2}s?\b")
_MONTH = r"January|February|March|April|May|June|July|August|September|October|November|December"
_DATE = re.compile(
    r"\b(?:(?:\d{1,2}\s?[-–]\s?)?\d{1,2}(?:st|nd|rd|th)?\s+)?"
    rf"(?:{_MONTH})\b(?:\s+\d{{1,2}}(?:\s?[-–]\s?\d{{1,2}})?(?!\d))?"
    rf"(?:,?\s+(?:1\d{{3}}|20\d{{2}}))?"
    rf"|\b(?:1\d{{3}}|20\d{{2}})(?:s\b|\s?[-–]\s?\d{{2,4}}\b|\b)"
)
_NUMBER = re.compile(
    r"[$£€]?\d[\d,.]*\d?(?:\s?%|\s+(?:per\s?cent|percent|thousand|million|billion|trillion))?"
)
_ASKS_DATE = re.compile(r"\b(?:when|what year|which year|what date|in what year)\b", re.I)
_ASKS_NUMBER = re.compile(
    r"\b(?:how (?:many|much|large|big|long|far|often)|what percentage)\b", re.I
)
_ASKS_PERSON = re.compile(r"\b(?:who|whom|whose|which (?:person|man|woman))\b", re.I)
_ASKS_PLACE = re.compile(r"\b(?:where|which (?:country|city))\b", re.I)
_ASKS_OBJECT = re.compile(r"\b(?:whom|who (?:did|does|do)|who (?:was|were|is|are) \w+ed)\b", re.I)

_STEM = 5
"""Letters by which the forms of a name are told to be the same."""
_MATTERS = frozenset({"person", "man", "woman", "people"})

_SENTENCE = re.compile(r"[.!?:]")
_CLAUSE = re.compile(r"[,;()–—]")
_AT = frozenset({"in", "at", "near"})
_OF_PLACES = _AT | {"to", "from", "into", "across", "throughout", "against", "for"}
_PARTICLES = frozenset(
    {"von", "van", "der", "den", "de", "del", "della", "di", "da", "du", "la", "le", "zu", "ibn"}
)
_DAYS = frozenset(day_name)


def key_spans(
    question: str, text: str, best: bool = True, headings: Sequence[str] = ()
) -> list[tuple[int, int]]:
    """Return where a point states the date, the number or the name that a question asks for.

    Args:
        question: As searched.
        text: The point's.
        best: Whether no other point of the answer fits the question better: only then is a
            person in it likely to be the one asked for.
        headings: Those above the point, which say what it is about.

    Returns:
        Half-open character spans, in order; empty where the question asks for none of these, and
        where it is not sure which name is meant, or that the point is about those asked of.
    """
    if not _is_about(question, [text, *headings]):
        return []
    if _ASKS_DATE.search(question):
        spans = [match.span() for match in _DATE.finditer(text)]
    elif _ASKS_NUMBER.search(question):
        spans = [
            match.span()
            for match in _NUMBER.finditer(text)
            if not _YEAR.fullmatch(match[0].rstrip(",."))
        ]
    elif _ASKS_PERSON.search(question):
        sure = best and _says_what_is_asked(question, text)
        spans = _people(question, text) if sure else []
    elif _ASKS_PLACE.search(question):
        spans = _places(question, text)
    else:
        spans = []
    return spans[:MOST]


def _is_about(question: str, texts: Sequence[str]) -> bool:
    """Whether every name of the question stands in the texts, in whatever form (*German*)."""
    held = {fold(word.text)[:_STEM] for text in texts for word in words(text)}
    return all(
        fold(word.text)[:_STEM] in held
        for word in words(question)
        if is_name(word.text) and not is_stopword(word.text) and word.text not in _PARTICLES
    )


def _says_what_is_asked(question: str, text: str) -> bool:
    """Whether a point has one of the words that say what the person asked for is or did."""
    found = [word.text for word in words(question)]
    for who, be, name in zip(found, found[1:], found[2:], strict=False):
        if who.lower() == "who" and be.lower() in BE and is_name(name):
            return False
    told = [word for word in found if not is_stopword(word)]
    told = [fold(word) for word in told if not is_name(word) and word.lower() not in _MATTERS]
    held = {fold(word.text) for word in words(text)}
    return not told or not held.isdisjoint(told)


def _people(question: str, text: str) -> list[tuple[int, int]]:
    asked = [word.text for word in words(question) if not is_stopword(word.text)]
    if all(is_name(word) or word in _PARTICLES for word in asked):
        # "Who was Bohr?" asks what he was, and any other name in the point is a wrong answer.
        return []
    wants_object = bool(_ASKS_OBJECT.search(question))
    own = {fold(word) for word in asked}
    full: list[tuple[int, int]] = []
    short: dict[str, tuple[int, int]] = {}
    for run, before in _capitalised(text):
        name = _name(run, first=before is None)
        if not name or any(fold(word.text) in own for word in name):
            continue
        near = before.lower() if before and name[0] is run[0] else ""
        if near in ARTICLES | _OF_PLACES or name[-1].text.endswith(("'s", "’s")):
            continue
        if not wants_object and _is_verb(near):
            continue
        span = (name[0].start, name[-1].end)
        if len(name) > 1:
            full.append(span)
        else:
            short.setdefault(fold(name[0].text), span)
    if full:
        return full
    return list(short.values()) if len(short) == 1 else []


def _name(run: list[Word], first: bool) -> list[Word]:
    """Return the person's name in a run of capitalised words, without titles before it.

    A word that English also writes in lower case belongs to a name only beside one that it does
    not (*Rosa Luxemburg*, *John Smith*), and not where a text begins with it.
    """
    real = [place for place, word in enumerate(run) if _is_real(word.text)]
    if not real:
        return []
    start, end = real[0], real[-1] + 1
    if end - start == 1 and start + 1 < len(run):
        end += 1
    elif end - start == 1 and start > first:
        start -= 1
    return run[start:end]


def _is_real(word: str) -> bool:
    return is_name(word) and not _in_calendar(word)


def _in_calendar(word: str) -> bool:
    return month(word) is not None or word in _DAYS


def _is_verb(word: str) -> bool:
    """Whether what follows the word is likely its object: *kills*, *ordered*, *killing*."""
    return word.endswith(("s", "ed", "ing")) and not is_stopword(word) and base_form(word) != word


def _places(question: str, text: str) -> list[tuple[int, int]]:
    own = {fold(word.text) for word in words(question)}
    return [
        (run[0].start, run[-1].end)
        for run, before in _capitalised(text)
        if before
        and before.lower() in _AT
        and not any(_in_calendar(word.text) or fold(word.text) in own for word in run)
    ]


def _capitalised(text: str) -> Iterator[tuple[list[Word], str | None]]:
    """Yield the runs of capitalised words, each with the word before it in its clause.

    That is empty where a clause begins, and None where a sentence does. Particles join two runs:
    *Ludwig van Beethoven*.
    """
    run: list[Word] = []
    particles: list[Word] = []
    before: str | None = None
    last: Word | None = None
    for word in words(text):
        gap = text[last.end : word.start] if last else "."
        joined = gap in {" ", "-"}
        capital = word.text[0].isupper() and not is_stopword(word.text)
        if run and joined and capital:
            run += [*particles, word]
            particles = []
        elif run and joined and word.text in _PARTICLES:
            particles.append(word)
        else:
            if run:
                yield run, before
            run, particles = ([word], []) if capital else ([], [])
            if last is None or _SENTENCE.search(gap):
                before = None
            else:
                before = "" if _CLAUSE.search(gap) else last.text
        last = word
    if run:
        yield run, before
