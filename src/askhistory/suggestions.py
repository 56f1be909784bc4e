"""Questions to begin with and to go on with, made from the notes' own headings.

None is offered before it was asked: a question counts only where the notes cover it and the
answer's first citation is the heading that the question was made from, or one below it. Asking
takes a few hundredths of a second, so no more are asked than are wanted, and what came of it is
remembered for as long as the notes stay as they are.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Protocol, TypeVar

from askhistory.lexicon import terms
from askhistory.phrasing import Phrasing
from askhistory.schema import Answer, AskHistoryError, Section

FEWEST_POINTS = 2
"""A heading with fewer points, those below it included, is not worth a question of its own."""

_FRAMING = frozenset(terms("what do the notes say about the main points key what happened during"))
"""Words of the templates; two questions that differ in these alone ask the same."""
_MOST_CHECKS = 12
"""Headings near an answer that are tried before fewer questions than wanted are offered."""
_FACT = 2
"""So many points under a heading answer a narrower question than the heading itself."""
_ANSWERED = 0.5
"""Share of a heading's points that, once shown, leaves nothing to ask about it."""


T = TypeVar("T")


class Ask(Protocol):
    """Answers a question, given the earlier ones of the conversation, the oldest first."""

    def __call__(self, question: str, history: Sequence[str] = (), /) -> Answer:
        """Answer, or refuse as a value; see `schema.Answer`."""


class Suggestions:
    """Offers questions that one set of notes answers. Safe to use from several threads.

    Args:
        sections: All sections, page by page, in the order of the notes.
        ask: What answers a question from these notes.
    """

    def __init__(self, sections: Sequence[Section], ask: Ask) -> None:
        self._sections = tuple(sections)
        self._ask = ask
        self._phrasing = Phrasing(self._sections)
        self._below, self._above = _nested(self._sections)
        self._checked: dict[int, str | None] = {}
        self._lock = threading.Lock()

    def starters(self, n: int, seed: int) -> tuple[str, ...]:
        """Up to `n` questions on different pages and topics; others for another seed.

        A topic is what stands under a page's heading of the second level. The questions are
        the same whenever `n`, `seed` and the notes are.
        """
        chance = random.Random(seed)
        pages: dict[str, dict[tuple[str, ...], list[int]]] = {}
        for place, section in enumerate(self._sections):
            topics = pages.setdefault(section.page, {})
            topics.setdefault(section.headings[:2], []).append(place)
        offered = [
            _in_turn(
                [
                    self._questions(_shuffled(places, chance))
                    for places in _shuffled(topics.values(), chance)
                ]
            )
            for topics in _shuffled(pages.values(), chance)
        ]
        return _distinct(n, _in_turn(offered))

    def after(self, answer: Answer, n: int, earlier: Sequence[str] = ()) -> tuple[str, ...]:
        """Up to `n` questions near an answer that go on from it.

        The cited heading itself comes first where only a fact was taken from it; then what
        stands beside it, below and above it, then what follows in the notes. Of an answer from
        several pages, each gets its turn. Nothing that was asked or that the answer already
        shows is offered, and each question is asked as it would be: after those before it.

        Args:
            answer: The one just given.
            n: How many are wanted.
            earlier: The student's questions before it, the oldest first.
        """
        shown = {(point.page, point.headings, point.line) for point in answer.points}
        asked = [_gist(question) for question in (*earlier, answer.question, answer.query)]
        # The query holds what a follow-up left unsaid, where the questions before are not known.
        history = (*earlier, answer.question) if earlier else (answer.query,)
        found: list[str] = []
        for place in islice(self._near(answer), _MOST_CHECKS):
            if len(found) == n:
                break
            points = [p for each in self._below[place] for p in self._sections[each].points]
            known = sum((point.page, point.headings, point.line) in shown for point in points)
            if known >= _ANSWERED * len(points):
                continue
            question = self._question(place)
            if question is None or _gist(question) in asked:
                continue
            if self._answers(question, place, history):
                found.append(question)
                asked.append(_gist(question))
        return tuple(found)

    def about(self, headings: Sequence[str], n: int) -> tuple[str, ...]:
        """Up to `n` questions on a heading and on what stands below it, the heading's first.

        Args:
            headings: The path to it, from the page's title.
            n: How many are wanted.
        """
        path = tuple(headings)
        places = [n for n, s in enumerate(self._sections) if s.headings[: len(path)] == path]
        # What stands directly below says more about a heading than what stands deep below.
        places.sort(key=lambda place: len(self._sections[place].headings))
        return _distinct(n, self._questions(places))

    def _questions(self, places: Iterable[int]) -> Iterator[str]:
        for place in places:
            question = self._question(place)
            if question is not None:
                yield question

    def _near(self, answer: Answer) -> Iterator[int]:
        """Sections to ask about after an answer, the nearest first."""
        cited = [(each.page, each.headings) for each in answer.citations]
        cited += [(each.page, each.headings) for each in answer.nearest[:1]]
        first: dict[str, tuple[str, ...]] = {}
        for page, headings in cited:
            first.setdefault(page, headings)
        mains = list(first.items())
        places = {(s.page, s.headings): n for n, s in reversed([*enumerate(self._sections)])}
        near = [self._near_section(places[main]) for main in mains if main in places]
        shown = [(point.page, point.headings) for point in answer.points]
        answered = {places[main] for main in mains if main in places and shown.count(main) > _FACT}
        yield from (place for place in _in_turn(near) if place not in answered)

    def _near_section(self, main: int) -> Iterator[int]:
        """A section and those near it, the nearest first."""
        page, path = self._sections[main].page, self._sections[main].headings
        same_page = [n for n, s in enumerate(self._sections) if s.page == page]
        # What comes next is likelier wanted than what came before.
        same_page.sort(key=lambda n: (n < main, abs(n - main)))

        def kin(n: int) -> int:
            other = self._sections[n].headings
            if n == main:
                return -1
            if other[:-1] == path[:-1] and len(path) > 2:
                return 0
            if other[:-1] == path:
                return 1
            if other == path[:-1]:
                return 2
            return 3 if len(path) > 1 and other[:2] == path[:2] else 4

        yield from sorted(same_page, key=kin)

    def _question(self, place: int) -> str | None:
        """The question that the section at a place answers, or None where none could be made."""
        with self._lock:
            if place in self._checked:
                return self._checked[place]
        section = self._sections[place]
        points = sum(len(self._sections[each].points) for each in self._below[place])
        good = None
        if points >= FEWEST_POINTS and self._is_topic(place):
            wordings = self._phrasing.wordings(section)
            good = next((each for each in wordings if self._answers(each, place)), None)
        with self._lock:
            self._checked[place] = good
        return good

    def _is_topic(self, place: int) -> bool:
        """Whether a section can be asked about: a page's title only where it is all there is.

        What is alone below a heading without points of its own is asked about by that heading.
        """
        section = self._sections[place]
        if len(section.headings) == 1:
            return len(self._below[place]) == 1
        above = self._above[place]
        if above is None or self._sections[above].points or len(section.headings) == 2:
            return True
        return self._below[above] != (above, *self._below[place])

    def _answers(self, question: str, place: int, history: Sequence[str] = ()) -> bool:
        """Whether a question is answered, as it is written, from the section it was made from."""
        try:
            answer = self._ask(question, history)
        except AskHistoryError:
            return False
        if not answer.covered or answer.corrections or not answer.citations:
            return False
        first = (answer.citations[0].page, answer.citations[0].headings)
        below = (self._sections[each] for each in self._below[place])
        return first in {(section.page, section.headings) for section in below}


def _nested(
    sections: Sequence[Section],
) -> tuple[list[tuple[int, ...]], list[int | None]]:
    """For each section the places of itself and of all below it, and of the one above it."""
    below: list[list[int]] = [[place] for place in range(len(sections))]
    above: list[int | None] = []
    path: list[int] = []
    for place, section in enumerate(sections):
        while path and not _is_above(sections[path[-1]], section):
            path.pop()
        for each in path:
            below[each].append(place)
        above.append(path[-1] if path else None)
        path.append(place)
    return [tuple(each) for each in below], above


def _is_above(one: Section, other: Section) -> bool:
    depth = len(one.headings)
    return (
        one.page == other.page
        and depth < len(other.headings)
        and other.headings[:depth] == one.headings
    )


def _shuffled(things: Iterable[T], chance: random.Random) -> list[T]:
    listed = list(things)
    chance.shuffle(listed)
    return listed


def _in_turn(each: Sequence[Iterator[T]]) -> Iterator[T]:
    """The first of each, then the second of each, and so on; none is made before its turn."""
    left = list(each)
    while left:
        going = []
        for things in left:
            thing = next(things, None)
            if thing is not None:
                yield thing
                going.append(things)
        left = going


def _distinct(n: int, questions: Iterator[str]) -> tuple[str, ...]:
    """The first `n` that ask for different things."""
    found: dict[frozenset[str], str] = {}
    while len(found) < n and (question := next(questions, None)) is not None:
        found.setdefault(_gist(question), question)
    return tuple(found.values())


def _gist(question: str) -> frozenset[str]:
    """What a question asks, however it is worded."""
    return frozenset(terms(question)) - _FRAMING
