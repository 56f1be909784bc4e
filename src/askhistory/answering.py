"""Compose the answer and cite every point; or refuse.

An answer is made of points of the notes and nothing else: each stands under its heading,
and each heading has its citation number. Which points, and in what order, is decided in
`selection.py`; whether there is an answer at all, in `relevance.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from askhistory.index import Index
from askhistory.retrieval import Evidence
from askhistory.schema import Citation, CitedPoint, Heading, Point, Section, Written
from askhistory.selection import Chosen

_NEAR = 0.5
"""Share of a question that a section must say to be near it. Of near misses on development notes,
95 in 100 have a section that says 0.55; of questions on other subjects half have none that says
0.54."""

MOST_TOPICS = 24
"""Headings that are named when somebody asks what the notes are about."""


def cite(
    index: Index, groups: Sequence[Sequence[Chosen]]
) -> tuple[tuple[CitedPoint, ...], tuple[Citation, ...]]:
    """Number the headings in the order of the answer and point each point at its own."""
    members: dict[int, list[int]] = {}
    for group in groups:
        for chosen in group:
            members.setdefault(int(index.point_section[chosen.point]), []).append(chosen.point)
    for group in groups:
        for chosen in group:
            for twin in chosen.twins:
                members.setdefault(int(index.point_section[twin]), []).append(twin)
    numbers = {section: number for number, section in enumerate(members, start=1)}
    citations = tuple(
        _citation(numbers[section], index.sections[section], [index.points[p] for p in held])
        for section, held in members.items()
    )
    points = tuple(
        _cited(index.points[chosen.point], chosen, numbers, index)
        for group in groups
        for chosen in group
    )
    return points, citations


def _citation(number: int, section: Section, points: Sequence[Point]) -> Citation:
    return Citation(
        number=number,
        headings=section.headings,
        page=section.page,
        anchor=section.anchor,
        line=min(point.line for point in points),
        end_line=max(point.end_line for point in points),
    )


def _cited(point: Point, chosen: Chosen, numbers: Mapping[int, int], index: Index) -> CitedPoint:
    also = {numbers[int(index.point_section[twin])] for twin in chosen.twins}
    return CitedPoint(
        text=point.text,
        headings=point.headings,
        page=point.page,
        line=point.line,
        end_line=point.end_line,
        score=chosen.score,
        citation=numbers[int(index.point_section[chosen.point])],
        also=tuple(sorted(also - {numbers[int(index.point_section[chosen.point])]})),
    )


def nearest_headings(
    index: Index,
    evidence: Evidence,
    relevance: NDArray[np.float64],
    said: NDArray[np.floating[Any]],
    count: int = 3,
) -> tuple[Heading, ...]:
    """The headings of the most relevant points, where to look instead of an answer.

    Where a section says little of what is asked, a heading deep in the notes would look as if it
    were meant: the one right below its page's own stands for it.

    Args:
        index: The notes.
        evidence: The points that were read; n of them, of s sections.
        relevance: (n,) of the points.
        said: (s,) the share of the question that each section says.
        count: Most headings.
    """
    found: dict[tuple[str, ...], Heading] = {}
    for row in np.lexsort((evidence.points, -relevance)):
        place = evidence.section[row]
        number = int(evidence.sections[place])
        near = said[place] >= _NEAR
        section = index.sections[number] if near else _chapter(index.sections, number)
        found.setdefault(
            (section.page, *section.headings),
            Heading(section.headings, section.page, section.anchor),
        )
        if len(found) == count:
            break
    return tuple(found.values())


def _chapter(sections: Sequence[Section], number: int) -> Section:
    """What stands right below a page's own heading and holds a section; else the section."""
    own = sections[number]
    for place in range(number, -1, -1):
        if sections[place].page != own.page:
            break
        if sections[place].headings == own.headings[:2]:
            return sections[place]
    return own


def top_headings(sections: Sequence[Section], most: int = MOST_TOPICS) -> tuple[Heading, ...]:
    """What notes are about: the headings right below the page's own.

    Of a page without any its own, and so of all pages where they would be more than `most`.

    Args:
        sections: Page by page, in the order of the notes.
        most: Headings that are named; of more pages, the first.
    """
    pages = [list(own) for _, own in groupby(sections, key=lambda section: section.page)]
    below = [
        [section for section in own if len(section.headings) == 2 and not section.group]
        for own in pages
    ]
    top = [section for own, low in zip(pages, below, strict=True) for section in low or own[:1]]
    if len(top) > most:
        top = [own[0] for own in pages][:most]
    return tuple(Heading(section.headings, section.page, section.anchor) for section in top)


def compose(
    points: Sequence[CitedPoint], citations: Sequence[Citation], uncovered: Sequence[str] = ()
) -> str:
    """The answer as Markdown: points under numbered headings, then the sources.

    Questions asked along with it that the notes do not answer are named between the two.
    """
    lines: list[str] = []
    shown: int | None = None
    for point in points:
        if point.citation != shown:
            shown = point.citation
            lines += ["", f"**{escape(path(point.headings[1:] or point.headings))}** [{shown}]", ""]
        # A point that stands under a second heading too is cited to both.
        own = (point.citation, *point.also) if point.also else ()
        marks = "".join(f" [{number}]" for number in own)
        lines.append(f"- {escape(point.text)}{marks}")
    return "\n".join([*lines, *_left_open(uncovered), *_sources(citations)]).strip()


def compose_written(
    written: Written,
    points: Sequence[CitedPoint],
    citations: Sequence[Citation],
    uncovered: Sequence[str] = (),
) -> str:
    """The same of an answer that a language model wrote out.

    Where the sentences do not stand for the answer, the reason and the points follow them.
    """
    text = sentences_markdown(written)
    if written.reason:
        parts = [text, f"*{escape(written.reason)}*", compose(points, citations, uncovered)]
        return "\n\n".join(part for part in parts if part)
    return "\n".join([text, *_left_open(uncovered), *_sources(citations)])


def sentences_markdown(written: Written) -> str:
    """The sentences that a language model wrote, with their citations, as Markdown."""
    return " ".join(
        f"{escape(sentence.text)} " + "".join(f"[{number}]" for number in sentence.citations)
        for sentence in written.sentences
    )


def _left_open(uncovered: Sequence[str]) -> list[str]:
    return [line for asked in uncovered for line in ("", f"Not in the notes: {escape(asked)}")]


def _sources(citations: Sequence[Citation]) -> list[str]:
    return ["", "Sources:", ""] + [
        f"{citation.number}. {escape(path(citation.headings))} ({escape(citation.page)}, "
        f"{_lines(citation)})"
        for citation in citations
    ]


def refuse(nearest: Sequence[Heading]) -> str:
    """The refusal as Markdown, with the nearest headings."""
    if not nearest:
        return "The notes do not cover this."
    return list_headings("The notes do not cover this. The nearest headings are:", nearest)


def list_headings(said: str, headings: Sequence[Heading]) -> str:
    """A sentence and a list of headings, as Markdown."""
    return "\n".join([said, "", *(f"- {escape(path(each.headings))}" for each in headings)])


def path(headings: Sequence[str]) -> str:
    """A heading path in one line."""
    return " › ".join(headings)


def _lines(citation: Citation) -> str:
    if citation.line == citation.end_line:
        return f"line {citation.line}"
    return f"lines {citation.line}–{citation.end_line}"


_MARKUP = re.compile(r"[\\`*_\[\]<&~]|^[#>+-]|(?P<number>^\d{1,9})(?P<mark>[.)])")


def escape(text: str) -> str:
    """Text of the notes for use in Markdown: shown as it is, never interpreted."""
    return _MARKUP.sub(
        lambda found: f"{found['number']}\\{found['mark']}" if found["number"] else f"\\{found[0]}",
        text,
    )
