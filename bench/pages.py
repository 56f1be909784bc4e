"""Articles → a folder of notes, and from the notes' points back to the paragraphs.

An article becomes a page, its title the page's heading; a paragraph becomes a section under
a neutral heading, its number. Which point holds an answer is told by the letters and digits
alone, so that markup, white space and repaired characters on the way do not matter.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from askhistory.schema import Corpus, Point
from bench.data import Article, BenchError

_MARKUP = re.compile(r"[\\`*_{}\[\]<>#|~$&]")
_LIST_MARKER = re.compile(r"^(\d+)([.)])|^([-+])")

Place = tuple[int, int]
"""Of a paragraph: its article's number and its own in the article, both from 0."""

PointKey = tuple[str, int]
"""Of a point: its page and its number on the page."""


def key_of(point: Point) -> PointKey:
    """What tells a point from all others of a corpus."""
    return point.page, point.number


def place_of(point: Point) -> Place:
    """The paragraph that a point of `write_pages` comes from."""
    return int(point.page.removesuffix(".md")), int(point.headings[1]) - 1


def letters(text: str) -> str:
    """The letters and digits of a text, without case or accents: what no markup changes."""
    return "".join(
        char for char in unicodedata.normalize("NFKD", text).casefold() if char.isalnum()
    )


def write_pages(articles: Sequence[Article], folder: Path) -> None:
    """Write each article as a page of Markdown: ``000.md``, ``001.md``, …"""
    for number, article in enumerate(articles):
        parts = [f"# {_escape(article.title)}"]
        for place, paragraph in enumerate(article.paragraphs, start=1):
            parts += [f"## {place}", _escape(paragraph.text)]
        (folder / f"{number:03}.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


class Answers:
    """Which points hold the answers of which questions."""

    def __init__(self, articles: Sequence[Article], corpus: Corpus) -> None:
        """Align each paragraph with its points.

        Raises:
            BenchError: A paragraph did not come out of the notes as it went in.
        """
        self._starts: dict[Place, list[tuple[int, PointKey]]] = {}
        sections: dict[Place, list[Point]] = {}
        for section in corpus.sections:
            for point in section.points:
                sections.setdefault(place_of(point), []).append(point)
        for number, article in enumerate(articles):
            for inner, paragraph in enumerate(article.paragraphs):
                place = number, inner
                self._starts[place] = _align(paragraph.text, sections.get(place, []))

    def holders(self, place: Place, starts: Sequence[int]) -> set[PointKey]:
        """The points of a paragraph in which the characters at some offsets stand."""
        found = set()
        for start in starts:
            holder = None
            for first, key in self._starts[place]:
                if first > start:
                    break
                holder = key
            if holder is not None:
                found.add(holder)
        return found


def _escape(text: str) -> str:
    """Make a line of Markdown that reads as the text itself."""
    line = _MARKUP.sub(lambda found: f"&#{ord(found[0])};", " ".join(text.split()))
    return _LIST_MARKER.sub(r"\1\\\2\3", line)


def _align(text: str, points: Sequence[Point]) -> list[tuple[int, PointKey]]:
    """Where in a paragraph each of its points begins; the first begins with the paragraph."""
    offsets = [offset for offset, char in enumerate(text) for _ in letters(char)]
    wanted = letters(text)
    starts: list[tuple[int, PointKey]] = []
    done = 0
    for point in points:
        own = letters(point.text)
        if wanted[done : done + len(own)] != own:
            raise BenchError(f"{point.page}:{point.line}: the page does not read as its paragraph.")
        starts.append((offsets[done] if done else 0, key_of(point)))
        done += len(own)
    if done != len(wanted):
        raise BenchError(f"Text of a paragraph is lost from its page: {text[:60]!r} …")
    return starts
