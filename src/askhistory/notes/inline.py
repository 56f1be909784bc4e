"""A paragraph's markup → plain lines that know where they stand and where they were bold."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markdown_it.token import Token

from askhistory.text import repair


class Line(NamedTuple):
    """One line of a paragraph, free of markup, never empty.

    Attributes:
        text: What it says.
        number: 1-based first line of the file that it stands on.
        end: The last one; the same unless markup ran over a line break.
        bold: Half-open ranges of characters that are bold.
        hard: Whether a break that was typed on purpose follows.
    """

    text: str
    number: int
    end: int
    bold: tuple[tuple[int, int], ...] = ()
    hard: bool = False


class Inline(NamedTuple):
    """A paragraph or heading as rendered.

    Attributes:
        lines: What it says.
        anchor: The id that the notes themselves give the place, if any.
        navigation: Whether it is nothing but links to other pages or headings.
    """

    lines: Sequence[Line]
    anchor: str | None = None
    navigation: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """Lines joined, each character still knowing its line and whether it was bold.

    Attributes:
        text: What the lines say, joined by spaces.
        starts: The offset at which each line begins.
        numbers: Each line's first and last line in the file.
        bold: Half-open ranges of characters that are bold.
    """

    text: str
    starts: tuple[int, ...]
    numbers: tuple[tuple[int, int], ...]
    bold: tuple[tuple[int, int], ...] = ()

    @classmethod
    def join(cls, lines: Sequence[Line]) -> Text:
        """Join the lines of a paragraph; a word hyphenated at a line's end is whole again."""
        pieces: list[str] = []
        starts: list[int] = []
        bold: list[tuple[int, int]] = []
        offset = 0
        for line in lines:
            if pieces and not (line.text[0].islower() and re.search(r"\w-$", pieces[-1])):
                pieces.append(" ")
                offset += 1
            starts.append(offset)
            bold += ((offset + start, offset + end) for start, end in line.bold)
            pieces.append(line.text)
            offset += len(line.text)
        numbers = tuple((line.number, line.end) for line in lines)
        return cls("".join(pieces), tuple(starts), numbers, tuple(bold))

    def lines(self, start: int, end: int) -> tuple[int, int]:
        """The first and the last line of the file that a range of characters stands on."""
        first = self.numbers[bisect_right(self.starts, start) - 1]
        last = self.numbers[bisect_right(self.starts, max(start, end - 1)) - 1]
        return first[0], last[1]

    def is_bold(self, start: int = 0, end: int | None = None) -> bool:
        """Whether a range holds letters or digits, and all of them are bold."""
        stop = len(self.text) if end is None else end
        place, found = start, False
        for begin, until in self.bold:
            if place < begin and _SAID.search(self.text, place, min(begin, stop)):
                return False
            found = found or bool(_SAID.search(self.text, max(begin, start), min(until, stop)))
            place = max(place, until)
        return found and not (place < stop and _SAID.search(self.text, place, stop))


_SAID = re.compile(r"[^\W_]")
_SPACE = re.compile(r"\s+")
_ASTERISKS = re.compile(r"\*\*+")
_PICTURE = re.compile(
    r".*\.(?:avif|bmp|gif|heic|jpe?g|png|svg|webp)|(?:image|img)\W*\d*\W*", re.IGNORECASE
)
_HTML_TAG = re.compile(r"<(/?)([a-zA-Z][\w-]*)")
_ID = re.compile(r"""\b(?:id|name)\s*=\s*["']([^"']+)["']""")
_ALT = re.compile(r"""\balt\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_ADDRESS = re.compile(r"[a-zA-Z][\w+.-]*:|//")
_PAGE = re.compile(r"(?:\.md|/)(?:#.*)?$", re.IGNORECASE)


def caption(text: str) -> str:
    """What a picture's alternative text says; nothing where it is but a file's name."""
    said = " ".join(repair(text).split())
    return "" if _PICTURE.fullmatch(said) else said


class LineBuilder:
    """Joins runs of text into lines; white space is collapsed on the way.

    Attributes:
        number: The line that is being read. Whoever feeds the builder moves it on.
        lines: The lines that are complete.
    """

    def __init__(self) -> None:
        self.number = 0
        self.lines: list[Line] = []
        self._start = 0
        self._text = ""
        self._bold: list[tuple[int, int]] = []

    def add(self, raw: str, bold: bool = False) -> None:
        """Add a run of text."""
        text = _SPACE.sub(" ", repair(raw))
        if not self._text or self._text.endswith(" "):
            text = text.lstrip()
        if not text:
            return
        if not self._text:
            self._start = self.number
        if bold:
            self._bold.append((len(self._text), len(self._text) + len(text)))
        self._text += text

    def end_line(self, *, hard: bool = False) -> None:
        """End the line; an empty one is dropped, but not the break that was typed."""
        text = self._text.rstrip()
        if text:
            self.lines.append(Line(text, self._start, self.number, tuple(self._bold), hard))
        elif hard and self.lines:
            self.lines[-1] = self.lines[-1]._replace(hard=True)
        self._text, self._bold = "", []


def render(token: Token, numbers: Sequence[int]) -> Inline:
    """Render a parser's inline token; `numbers` are the file's lines that it stands on."""
    renderer = _Renderer(token.children or [])
    lines = renderer.read()
    if renderer.builder.number + 1 == len(numbers):
        placed = [
            line._replace(number=numbers[line.number], end=numbers[line.end]) for line in lines
        ]
    else:
        # A code span or a link swallowed a line break: where, cannot be told.
        placed = [line._replace(number=numbers[0], end=numbers[-1]) for line in lines]
    if placed and placed[-1].text.endswith("\\"):
        # A typed break with nothing after it, which Markdown takes for a backslash.
        last = placed.pop()
        text = last.text.rstrip("\\ ")
        placed += [last._replace(text=text)] if text else []
    return Inline(placed, renderer.anchor, renderer.links and not renderer.other)


class _Renderer:
    """Walks through the children of one inline token."""

    def __init__(self, children: Sequence[Token]) -> None:
        self.builder = LineBuilder()
        self.anchor: str | None = None
        self.links = False
        self.other = False
        self._children = children
        self._strong = 0
        self._struck = 0
        self._within_link = False
        self._toggled = False
        # Asterisks that Markdown could not pair ("** Aims **", "**Plan:**Coal") are bold all
        # the same where they come in pairs.
        loose = sum(len(_ASTERISKS.findall(c.content)) for c in children if c.type == "text")
        self._paired = loose % 2 == 0
        self._closed = {
            found[2].lower()
            for child in children
            if child.type == "html_inline" and (found := _HTML_TAG.match(child.content))
            if found[1]
        }

    def read(self) -> list[Line]:
        for child in self._children:
            self._token(child)
        self.builder.end_line()
        return self.builder.lines

    def _token(self, token: Token) -> None:
        match token.type:
            case "text":
                for place, piece in enumerate(_ASTERISKS.split(token.content)):
                    if place and self._paired:
                        self._toggled = not self._toggled
                    self._add(piece)
            case "code_inline":
                self._add(token.content)
            case "image":
                self.builder.number += token.content.count("\n")
                self._add(caption(str(token.attrs.get("title") or token.content)))
            case "softbreak" | "hardbreak":
                self.builder.end_line(hard=token.type == "hardbreak")
                self.builder.number += 1
            case "strong_open" | "strong_close":
                self._strong += token.nesting
            case "s_open" | "s_close":
                self._struck += token.nesting
            case "link_open":
                self._within_link = _is_navigation(str(token.attrs.get("href", "")))
            case "link_close":
                self._within_link = False
            case "html_inline":
                self.builder.number += token.content.count("\n")
                self._html(token.content)
            case _:
                pass

    def _add(self, text: str) -> None:
        # What is struck out has been withdrawn.
        if self._struck > 0:
            return
        if text.strip():
            self.links = self.links or self._within_link
            self.other = self.other or not self._within_link
        self.builder.add(text, self._strong > 0 or self._toggled)

    def _html(self, content: str) -> None:
        found = _HTML_TAG.match(content)
        if found is None:
            return
        step, name = -1 if found[1] else 1, found[2].lower()
        if name == "br":
            self.builder.end_line(hard=True)
        elif name in ("b", "strong") and name in self._closed:
            self._strong += step
        elif name in ("s", "del", "strike") and name in self._closed:
            self._struck += step
        elif name == "a" and (named := _ID.search(content)):
            self.anchor = self.anchor or named[1]
        elif name == "img" and (alt := _ALT.search(content)):
            self._add(f" {caption(alt[1] or alt[2] or '')} ")


def _is_navigation(href: str) -> bool:
    """Whether a link leads to a heading or another page of the notes."""
    return href.startswith("#") or (not _ADDRESS.match(href) and bool(_PAGE.search(href)))
