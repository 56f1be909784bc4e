"""Notes of any size: real paragraphs, varied by a seeded generator.

Each paragraph becomes a section, each sentence a point. A variation keeps the grammar and takes
other names, numbers and every fourth of the other long words from elsewhere in the data, so that no
two sections say the same and the words are about as often used as they are in real text.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from itertools import count

from askhistory.schema import Corpus, Page, Point, Section
from askhistory.text import split_sentences
from bench.data import data_file, read_articles

_WORD = re.compile(r"[^\W_]+")
_SECTIONS_PER_PAGE = 40
_REPLACED = 0.25
"""Share of the long words in lower case that become others."""


def real_paragraphs() -> list[tuple[str, list[str]]]:
    """Title and sentences of every paragraph of the data, in their order.

    Raises:
        BenchError: The data are not there.
    """
    articles = [
        article
        for name in ("xquad.en.json", "squad2-dev-part.json")
        for article in read_articles(data_file(name))
    ]
    found = [
        (article.title, split_sentences(" ".join(paragraph.text.split())))
        for article in articles
        for paragraph in article.paragraphs
    ]
    return [(title, texts) for title, texts in found if texts]


class Varied:
    """Makes notes that are like real paragraphs and unlike each other; the same for a seed."""

    def __init__(self, paragraphs: Sequence[tuple[str, list[str]]], seed: int = 7) -> None:
        """Take titles and sentences of real paragraphs."""
        self._paragraphs = paragraphs
        self._chance = random.Random(seed)
        words = {word for _, texts in paragraphs for text in texts for word in _WORD.findall(text)}
        self._pools: dict[str, list[str]] = {}
        for word in sorted(words):
            self._pools.setdefault(_sort(word), []).append(word)

    def corpus(self, points: int) -> Corpus:
        """Notes of that many points."""
        sections: list[Section] = []
        pages: list[Page] = []
        left = points
        for number in count():
            if left <= 0:
                break
            title, texts = self._paragraphs[number % len(self._paragraphs)]
            if number >= len(self._paragraphs):
                title, *texts = (self._varied(text) for text in (title, *texts))
            path = f"{len(pages):06}.md"
            sections.append(_section(path, title, number, len(sections), texts[:left]))
            left -= len(texts)
            if len(sections) == _SECTIONS_PER_PAGE or left <= 0:
                pages.append(Page(path, f"Part {len(pages)}", tuple(sections), f"{len(pages):064}"))
                sections = []
        return Corpus(tuple(pages))

    def _varied(self, text: str) -> str:
        return _WORD.sub(lambda found: self._other(found[0]), text)

    def _other(self, word: str) -> str:
        sort = _sort(word)
        if not sort or (sort == "long" and self._chance.random() > _REPLACED):
            return word
        return self._chance.choice(self._pools[sort])


def _sort(word: str) -> str:
    """Words of one sort can take each other's place; none can take that of a short one."""
    if word.isdigit():
        return f"{len(word)} digits"
    if word[0].isupper() and len(word) > 3:
        return "name"
    return "long" if len(word) > 4 and word.islower() else ""


def _section(path: str, title: str, number: int, place: int, texts: Sequence[str]) -> Section:
    line = place * 100 + 1
    headings = (f"Part {int(path[:6])}", f"{title} {number}")
    points = tuple(
        Point(text, path, headings, line + offset, line + offset, line + offset)
        for offset, text in enumerate(texts, start=1)
    )
    return Section(path, headings, f"section-{number}", line, line + len(texts), points)
