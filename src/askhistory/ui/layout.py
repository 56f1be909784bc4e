"""A page of the notes as HTML: headings, nested lists, paragraphs, tables.

Everything is rendered from the sections as they were read, and everything is escaped: the notes
are somebody's text, never markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

from askhistory.schema import Point, Section

HINTS = ("info", "success", "warning", "danger")
"""The styles of GitBook's hints; another is shown as the first of them."""

LONG_HEAD = 60
"""Characters of a row's first cell above which it is no name for the row."""

_ARROW = re.compile(r"((?:-|=)&gt;)")


def text_html(text: str) -> str:
    """Return a point's text as HTML; its arrows are drawn as such, and stay as they were typed."""
    return _ARROW.sub(r'<span class="arrow">\1</span>', escape(text))


def page_html(sections: Sequence[Section], page: int) -> str:
    """Return one page: its headings and its points, in the order of the notes.

    Args:
        sections: Of one page, in the order of the notes.
        page: Its number in the reader's addresses.
    """
    return "".join(_runs(sections, page))


def _runs(sections: Sequence[Section], page: int) -> Iterator[str]:
    """Yield a page's HTML run by run.

    A bullet may follow a group heading in the same list without belonging to the group, so
    points are laid out by their number on the page, not section by section.
    """
    waiting = sorted(
        (point.number, place) for place, section in enumerate(sections) for point in section.points
    )
    points = {point.number: point for section in sections for point in section.points}
    shown = 0
    run: list[Point] = []
    run_of: int | None = None
    for number, place in waiting:
        if place != run_of:
            yield _run(run, run_of, sections, page)
            run, run_of = [], place
            line = points[number].line
            while shown < len(sections) and (sections[shown].line <= line or shown <= place):
                yield _heading(sections[shown], shown, page)
                shown += 1
        run.append(points[number])
    yield _run(run, run_of, sections, page)
    for place in range(shown, len(sections)):
        yield _heading(sections[place], place, page)


def _heading(section: Section, place: int, page: int) -> str:
    level = min(len(section.headings) + 1, 6)
    kind = "group" if section.group else "heading"
    return (
        f'<h{level} class="{kind}" id="s-{page}-{place}" tabindex="-1">'
        f"{escape(section.headings[-1])}</h{level}>"
    )


def _run(points: Sequence[Point], place: int | None, sections: Sequence[Section], page: int) -> str:
    if not points or place is None:
        return ""
    kind = "points grouped" if sections[place].group else "points"
    inner = ""
    for hint, members in groupby(points, key=lambda point: point.hint):
        html = "".join(_blocks(list(members), page))
        style = hint if hint in HINTS else HINTS[0]
        inner += f'<div class="hint {style}" role="note">{html}</div>' if hint else html
    return f'<div class="{kind}">{inner}</div>'


def _blocks(points: Sequence[Point], page: int) -> Iterator[str]:
    for columns, members in groupby(points, key=lambda point: point.columns):
        if len(columns) > 1:
            yield _table(list(members), columns, page)
        else:
            yield from _lists(list(members), page)


def _table(rows: Sequence[Point], columns: Sequence[str], page: int) -> str:
    head = "".join(
        f'<th scope="col">{escape(name)}</th>' if name else "<td></td>" for name in columns
    )
    body = "".join(
        f"<tr {_attributes(row, page)}>"
        + "".join(f"<td>{text_html(cell)}</td>" for cell in _cells(row.text, columns))
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def column_spans(text: str, columns: Sequence[str]) -> list[tuple[int, int]]:
    """Return where a row's text names its columns: half-open character spans, in order."""
    spans = []
    start = 0
    for name in filter(None, columns):
        found = re.compile(f"(?:^|; )({re.escape(name)}:) ").search(text, start)
        if found is not None:
            spans.append(found.span(1))
            start = found.end()
    return spans


def row_spans(text: str, columns: Sequence[str]) -> list[tuple[int, int, str]]:
    """Return the parts of a row's text that are not plain cells: half-open spans and their kinds.

    ``column`` is the name of a column, ``then`` what parts two cells, ``head`` the first cell where
    it is short enough to stand for the row, and ``column over`` the name of its column.
    """
    names = column_spans(text, columns) if len(columns) > 1 else []
    if not names:
        return []
    parted = [(begin - 2, begin, "then") for begin, _ in names if begin]
    named = bool(columns[0]) and text.startswith(f"{columns[0]}: ")
    start = len(columns[0]) + 2 if named else 0
    stop = parted[0][0] if parted else len(text)
    head = []
    if (named or (not columns[0] and names[0][0])) and 0 < stop - start <= LONG_HEAD:
        head = [(start, stop, "head")]
        if named:
            head.insert(0, (0, start, "column over"))
            names = names[1:]
    return sorted([*head, *parted, *((*span, "column") for span in names)])


def _cells(text: str, columns: Sequence[str]) -> list[str]:
    """Take a row's text apart: it names its columns in order, and leaves out empty cells."""
    cells = [""] * len(columns)
    place = start = 0
    for number, name in enumerate(columns):
        for begin, end in column_spans(text[start:], [name])[:1]:
            cells[place] += text[start : start + begin].removesuffix("; ")
            place, start = number, start + end + 1
    cells[place] += text[start:]
    return cells


def _lists(points: Sequence[Point], page: int) -> Iterator[str]:
    """Yield nested lists: a point stands in the list of the point it stands below."""
    open_depths: list[int] = []
    for sentences in _by_lines(points):
        depth = sentences[0].depth
        while open_depths and open_depths[-1] > depth:
            open_depths.pop()
            yield "</li></ul>"
        if open_depths and open_depths[-1] == depth:
            yield "</li>"
        else:
            open_depths.append(depth)
            yield "<ul>"
        yield "<li>" + " ".join(_point(point, page) for point in sentences)
    yield "</li></ul>" * len(open_depths)


def _point(point: Point, page: int) -> str:
    return f"<span {_attributes(point, page)}>{text_html(point.text)}</span>"


def _attributes(point: Point, page: int) -> str:
    return (
        f'class="point {point.role}" id="p-{page}-{point.number}" tabindex="-1"'
        f' data-line="{point.line}" data-end-line="{point.end_line}"'
    )


def _by_lines(points: Sequence[Point]) -> Iterator[list[Point]]:
    """Yield points one by one, but the sentences of one paragraph together."""
    together: list[Point] = []
    for point in points:
        if together and (point.line, point.end_line) != (together[0].line, together[0].end_line):
            yield together
            together = []
        together.append(point)
    if together:
        yield together
