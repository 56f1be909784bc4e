"""A section → passages within a token budget, and the texts that are embedded.

A passage never crosses a heading and never cuts a point that fits: a section's points are
packed in order until the budget is full. A point that is over the budget by itself is the
one exception: it gets several passages, each with a part of its text and each holding the
whole point, so that every word can be found and the answer is still the point as it stands.

What a vector stands for is decided here and nowhere else: `heading_text`, `point_context`,
`passage_text`. This module knows nothing of vectors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import chain

from askhistory.schema import Passage, Point, Section
from askhistory.text import count_tokens, strip_emoji

# From the best place to cut a long text to the worst; a match ends where the cut is.
_BOUNDARIES = (
    re.compile(r"[.!?…。！？]+[\"'”’)\]]*\s+|[。！？]|\n"),
    re.compile(r"[;:,]\s+|\s+(?=[-–—]\s)|[；：，、]"),
    re.compile(r"\s+"),
)


def split(
    section: Section,
    section_number: int,
    *,
    budget: int,
    count: Callable[[str], int] = count_tokens,
) -> list[Passage]:
    """Split a section into passages of at most `budget` tokens each, heading path included.

    Args:
        section: A section without points gives no passage.
        section_number: Place of the section in the corpus' order, from 0.
        budget: Most tokens in a passage's text.
        count: Tokens of a text; tiktoken's unless the caller measures otherwise.

    Returns:
        The passages in the order of the notes. Every point is in one of them, or in several
        that follow each other if it is over the budget alone. Where the heading path takes
        more than half of the budget, only the innermost headings that fit into half are kept.
    """
    headings = _headings_within(section.headings, budget // 2, count)

    def fits(points: Sequence[Point]) -> bool:
        return count(passage_text(headings, points)) <= budget

    passages: list[Passage] = []
    packed: list[Point] = []

    def close() -> None:
        if packed:
            text = passage_text(headings, packed)
            passages.append(Passage(section_number, tuple(packed), text))
            packed.clear()

    for point in section.points:
        if fits([*packed, point]):
            packed.append(point)
            continue
        close()
        if fits([point]):
            packed.append(point)
            continue
        for part in cut(point.text, lambda part: count(_join(headings, [part])) <= budget):
            passages.append(Passage(section_number, (point,), _join(headings, [part])))
    close()
    return passages


def cut(text: str, fits: Callable[[str], bool]) -> list[str]:
    """Cut a text into parts that fit, at sentences, else clauses, else words, else anywhere.

    The parts hold every character of the text in order, white space at the cuts aside. A
    single character is never cut, whether it fits or not.
    """
    if fits(text) or len(text) <= 1:
        return [text]
    middle = len(text) / 2
    place = len(text) // 2
    for boundary in _BOUNDARIES:
        # In the middle half only: a cut near the edge leaves a scrap.
        ends = [found.end() for found in boundary.finditer(text)]
        inner = [end for end in ends if len(text) / 4 <= end <= len(text) * 3 / 4]
        if inner:
            place = min(inner, key=lambda end: abs(end - middle))
            break
    halves = (text[:place].strip(), text[place:].strip())
    return list(chain.from_iterable(cut(half, fits) for half in halves if half))


def heading_text(headings: Sequence[str]) -> str:
    """What is embedded for a heading: its path, outermost first, without emoji."""
    return ": ".join(plain for heading in headings if (plain := strip_emoji(heading)))


def point_context(point: Point, parent: Point | None) -> str:
    """What is embedded before a point, so that its tokens know what they are about.

    The heading path, then the text of the point it stands below, where it has one. The tokens
    of the context are not the point's and are not kept: what they say is read once per section.
    """
    return "".join(f"{text}: " for text in (*point.headings, *([parent.text] if parent else [])))


def passage_text(headings: Sequence[str], points: Sequence[Point]) -> str:
    """What is embedded for a passage: the heading path, then the points, one a line."""
    return _join(headings, [point.text for point in points])


def _join(headings: Sequence[str], texts: Sequence[str]) -> str:
    return "\n".join([heading_text(headings), *texts])


def _headings_within(
    headings: tuple[str, ...], limit: int, count: Callable[[str], int]
) -> tuple[str, ...]:
    """The innermost headings of a path that fit; of the last one what fits if it is too long."""
    for first in range(len(headings)):
        if count(heading_text(headings[first:])) <= limit:
            return headings[first:]
    return tuple(cut(headings[-1], lambda part: count(part) <= limit)[:1]) if headings else ()
