"""The corpus as the page's reader needs it: contents, search, and the way to a cited point.

A place in the reader is named by two numbers, which no text can forge: ``p-<page>-<point>`` for a
point and ``s-<page>-<section>`` for a heading.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from askhistory.assistant import lexicon_of
from askhistory.lexicon import Lexicon, fold, plain, words
from askhistory.schema import Point, Section
from askhistory.ui.layout import page_html

_WORD = re.compile(r"\w+")
SEPARATOR = " › "


def path_text(headings: Sequence[str]) -> str:
    """Return a heading path as people read it."""
    return SEPARATOR.join(headings)


class Notes:
    """The whole corpus, readable and addressable."""

    def __init__(self, sections: Sequence[Section]) -> None:
        """Take all sections in the order of the notes."""
        self.paths: list[str] = list(dict.fromkeys(section.page for section in sections))
        self._numbers = {path: number for number, path in enumerate(self.paths)}
        self._pages: list[list[Section]] = [[] for _ in self.paths]
        for section in sections:
            self._pages[self._numbers[section.page]].append(section)
        self._by_lines: dict[tuple[str, int, int], list[Point]] = {}
        for section in sections:
            for point in section.points:
                key = (point.page, point.line, point.end_line)
                self._by_lines.setdefault(key, []).append(point)

    def contents(self) -> list[dict[str, Any]]:
        """Return the table of contents: pages with their headings, ready for JSON."""
        return [
            {
                "path": path,
                "title": self._pages[number][0].headings[0],
                "headings": [
                    {
                        "id": f"s-{number}-{place}",
                        "title": section.headings[-1],
                        "level": len(section.headings),
                        "group": section.group,
                        "path": list(section.headings),
                    }
                    for place, section in enumerate(self._pages[number])
                ],
            }
            for number, path in enumerate(self.paths)
        ]

    def section(self, page: int, place: int) -> Section:
        """Return the section that ``s-<page>-<place>`` names.

        Raises:
            IndexError: There is none.
        """
        if page < 0 or place < 0:
            raise IndexError((page, place))
        return self._pages[page][place]

    def find(self, page: str, line: int, end_line: int, text: str) -> Point | None:
        """Return the point that stands on these lines, or None where the notes have changed.

        Several sentences can share their lines; only then does the text choose among them.
        """
        points = self._by_lines.get((page, line, end_line), [])
        if len(points) > 1:
            points = [point for point in points if point.text == text] or points
        return points[0] if points else None

    def number(self, page: str) -> int:
        """Return a page's number in the reader's addresses.

        Raises:
            KeyError: There is no such page.
        """
        return self._numbers[page]

    def heading_address(self, headings: Sequence[str], page: str, anchor: str) -> str | None:
        """Return ``s-<page>-<section>`` of a heading, or None where the notes have changed.

        Headings of one path on one page are told apart by their anchor.
        """
        number = self._numbers.get(page)
        if number is None:
            return None
        same = [
            (place, section)
            for place, section in enumerate(self._pages[number])
            if section.headings == tuple(headings)
        ]
        for place, section in same:
            if section.anchor == anchor:
                return f"s-{number}-{place}"
        return f"s-{number}-{same[0][0]}" if same else None

    def page_html(self, page: int) -> str:
        """Return one page as HTML: its headings and its points, in the order of the notes.

        Raises:
            IndexError: There is no such page.
        """
        if page < 0:
            raise IndexError(page)
        return page_html(self._pages[page], page)

    def corrected(self, query: str) -> str | None:
        """Return a query with its misspelt words as the notes spell them, or None as it stands."""
        read = _WORD.sub(lambda word: self._lexicon.correct(word[0]) or word[0], query)
        return None if read == query else read

    @cached_property
    def _lexicon(self) -> Lexicon:
        return lexicon_of(section for page in self._pages for section in page)

    def search(self, query: str, limit: int = 40) -> list[dict[str, str]]:
        """Return the headings and points that hold every word of a query, headings first.

        A word matches where a word of the notes begins with it, or is another form or spelling of
        it; case and accents do not matter.
        """
        wanted = [(plain(word.text), fold(word.text)) for word in words(query)]
        if not wanted:
            return []
        headings: list[dict[str, str]] = []
        points: list[dict[str, str]] = []
        for page, sections in enumerate(self._pages):
            for place, section in enumerate(sections):
                path = path_text(section.headings)
                if _holds(section.headings[-1], wanted):
                    headings.append({"id": f"s-{page}-{place}", "path": path, "text": ""})
                points += [
                    {"id": f"p-{page}-{point.number}", "path": path, "text": point.text}
                    for point in section.points
                    if _holds(point.text, wanted)
                ]
        return (headings + points)[:limit]


def _holds(text: str, wanted: Sequence[tuple[str, str]]) -> bool:
    """Whether a text has all words, each given as it begins and as it is folded."""
    held = [(plain(word.text), fold(word.text)) for word in words(text)]
    return all(
        any(word.startswith(begins) or form == same for word, form in held)
        for begins, same in wanted
    )
