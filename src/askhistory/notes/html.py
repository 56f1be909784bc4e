"""Blocks of HTML that stand among the Markdown: figures, tables, paragraphs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Literal

from askhistory.notes.inline import Line, LineBuilder, caption


@dataclass(slots=True)
class Element:
    """What a block of HTML holds.

    Attributes:
        kind: A heading, a table's row of headings, another row, or lines of text.
        lines: What it says.
        level: Of a heading, from 1 to 6.
        cells: Of a row.
    """

    kind: Literal["heading", "header", "row", "text"]
    lines: list[Line] = field(default_factory=list)
    level: int = 0
    cells: list[str] = field(default_factory=list)


_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_BLOCKS = frozenset(
    (
        *("address", "article", "aside", "blockquote", "caption", "center", "dd", "div", "dl"),
        *("dt", "figcaption", "figure", "footer", "form", "header", "hr", "li", "main", "nav"),
        *("ol", "p", "pre", "section", "table", "tbody", "tfoot", "thead", "ul"),
    )
)


def read_html(content: str, numbers: Sequence[int]) -> list[Element]:
    """Read a block of HTML; `numbers` are the file's lines that it stands on."""
    reader = _Reader(numbers)
    reader.feed(content)
    reader.close()
    return reader.end()


class _Reader(HTMLParser):
    def __init__(self, numbers: Sequence[int]) -> None:
        super().__init__(convert_charrefs=True)
        self._numbers = numbers
        self._elements: list[Element] = []
        self._builder = LineBuilder()
        self._row: Element | None = None
        self._bold = 0
        self._unseen = 0
        self._level = 0
        # GitBook keeps columns that only its own cards use.
        self._hidden: set[int] = set()
        self._figure = False
        self._picture: list[Line] = []

    def end(self) -> list[Element]:
        self._figure = False
        self._flush()
        self._end_row()
        return self._elements

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag in ("script", "style"):
            self._unseen += 1
        elif tag in ("b", "strong"):
            self._bold += 1
        elif tag == "br":
            self._break(hard=True)
        elif tag == "img":
            self._image(caption(named.get("alt", "")))
        elif tag == "tr":
            self._flush()
            self._row = Element("header")
        elif tag in ("td", "th") and self._row is not None:
            self._end_cell()
            if tag == "td":
                self._row.kind = "row"
            elif "data-hidden" in named:
                self._hidden.add(len(self._row.cells))
        elif tag in _BLOCKS or tag in _HEADINGS:
            self._flush()
            self._level = int(tag[1]) if tag in _HEADINGS else self._level
            if tag == "table":
                self._hidden.clear()
            self._figure = self._figure or tag == "figure"

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._unseen = max(0, self._unseen - 1)
        elif tag in ("b", "strong"):
            self._bold = max(0, self._bold - 1)
        elif tag in ("td", "th"):
            self._end_cell(closed=True)
        elif tag in ("tr", "table"):
            self._end_row()
        elif tag in _HEADINGS:
            self._flush()
            self._level = 0
        elif tag in _BLOCKS:
            self._figure = self._figure and tag != "figure"
            self._flush()

    def handle_data(self, data: str) -> None:
        if self._unseen:
            return
        start = self._place()
        for step, piece in enumerate(data.split("\n")):
            if step:
                self._break()
            self._builder.number = min(start + step, len(self._numbers) - 1)
            self._builder.add(piece.replace("**", ""), self._bold > 0)

    def _image(self, said: str) -> None:
        if self._row is not None:
            self._builder.add(f" {said} ")
        elif said:
            number = self._numbers[self._place()]
            self._picture = [Line(said, number, number)]

    def _place(self) -> int:
        """Index into `numbers` of the line that is being read."""
        return min(self.getpos()[0], len(self._numbers)) - 1

    def _break(self, *, hard: bool = False) -> None:
        if self._row is None:
            self._builder.end_line(hard=hard)
        else:
            self._builder.add(" ")

    def _take_lines(self) -> list[Line]:
        self._builder.end_line()
        taken = [
            line._replace(number=self._numbers[line.number], end=self._numbers[line.end])
            for line in self._builder.lines
        ]
        self._builder.lines.clear()
        return taken

    def _flush(self) -> None:
        """End what is being read, unless that is a row."""
        if self._row is not None:
            return
        lines = self._take_lines()
        if self._picture and (lines or not self._figure):
            # In a figure the caption says it better than the alternative text.
            lines = lines if self._figure else [*self._picture, *lines]
            self._picture.clear()
        if lines:
            kind: Literal["heading", "text"] = "heading" if self._level else "text"
            self._elements.append(Element(kind, lines, self._level))

    def _end_cell(self, *, closed: bool = False) -> None:
        if self._row is None:
            return
        lines = self._take_lines()
        if lines or closed:
            hidden = len(self._row.cells) in self._hidden
            self._row.cells.append("" if hidden else " ".join(line.text for line in lines))
            self._row.lines += lines

    def _end_row(self) -> None:
        self._end_cell()
        if self._row is not None and self._row.cells:
            self._elements.append(self._row)
        self._row = None
