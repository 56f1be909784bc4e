"""Parsed Markdown → sections of points."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from askhistory.notes.html import read_html
from askhistory.notes.inline import Inline, Line, Text, render
from askhistory.notes.source import Source, is_language
from askhistory.schema import Point, PointRole, Section
from askhistory.text import (
    Anchors,
    group_lines,
    is_alternative,
    says_nothing,
    sentence_spans,
)

_DEEPEST = 100
"""Levels of Markdown's nesting, two to a list. What lies deeper is not read."""
_LONGEST_HEADING = 16
"""Words. Bold text of more, above a list or bullets, states something and stays a point."""
_LONGEST_LEAD_IN = 8
"""Words. The same above a paragraph, where bold text is less surely a heading."""

_parser = MarkdownIt("commonmark", {"maxNesting": _DEEPEST}).enable(["table", "strikethrough"])
# For notes in a code block: their lists and emphasis count, the rest is as typed.
_plain_parser = (
    MarkdownIt("commonmark", {"maxNesting": _DEEPEST})
    .enable(["table", "strikethrough"])
    .disable(["code", "fence", "heading", "hr", "html_block", "lheading", "reference"])
)

_ARROW = re.compile(r"\S\s*(?:-{1,2}>|={1,2}>|[→⇒⟶➔➜➝⟹])\s*\S")
_MARKER = re.compile(r"(?:S|(?i:summary|conclusion))\s*:\s*")
_CHECKBOX = re.compile(r"\[[ xX]\]\s+")
_YEAR = re.compile(r"1\d{3}|20\d{2}")
_DASH = re.compile(r"[–—•·▪]\s+")
_QUOTE_OR_BULLET = re.compile(r"[\s>]*(?:(?:[*+-]|\d{1,9}[.)])\s+)?")


def read_outline(source: Source, path: str) -> Outline:
    """Read a page; `path` is where it stands in the corpus.

    Raises:
        RecursionError: The Markdown is nested too deeply for the parser.
    """
    outline = Outline(source, path)
    outline.read()
    return outline


@dataclass(slots=True, eq=False)
class _Draft:
    """A section in the making; its path lacks the page's title."""

    path: tuple[str, ...]
    anchor: str
    line: int
    group: bool = False
    points: list[Point] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Frame:
    """What is open: a heading, or a group that a bullet, a lead-in or a mark opened."""

    kind: Literal["heading", "bullet", "lead-in", "mark"]
    draft: _Draft | None
    level: int = 0
    tag: str = ""


class Outline:
    """Walks through parsed notes and gathers sections of points.

    Attributes:
        title: The first level-1 heading, if any.
        problems: 1-based lines and what was passed over there.
    """

    def __init__(self, source: Source, path: str) -> None:
        self.title: str | None = None
        self.problems: list[tuple[int, str]] = []
        self._source = source
        self._path = path
        # The file's line for each line of what is being walked through.
        self._numbers: Sequence[int] = source.origin
        self._raw: Sequence[str] = source.text.split("\n")
        self._verbatim = False
        self._marks = list(reversed(source.marks))
        self._hints = source.hints
        self._anchors = Anchors()
        self._drafts: list[_Draft] = []
        self._root: _Draft | None = None
        self._frames: list[_Frame] = []
        self._count = 0

    def read(self) -> None:
        """Read the page; to be called once."""
        tokens = _parser.parse(self._source.text)
        for token in tokens:
            if token.level >= _DEEPEST - 1 and token.map:
                line = self._numbers[token.map[0]]
                self.problems.append(
                    (line, "is nested too deeply to be read from here on; flatten its lists")
                )
                break
        self._blocks(SyntaxTreeNode(tokens).children, 0, None)
        self._apply_marks()

    def sections(self, title: str) -> tuple[Section, ...]:
        """What was read, each path begun with the page's title."""
        return tuple(
            Section(
                page=self._path,
                headings=(title, *draft.path),
                anchor=draft.anchor,
                line=draft.line,
                end_line=max(draft.line, *(point.end_line for point in draft.points), 0),
                points=tuple(
                    replace(point, headings=(title, *draft.path)) for point in draft.points
                ),
                group=draft.group,
            )
            for draft in self._drafts
        )

    # Sections

    def _open(
        self, path: tuple[str, ...], anchor: str, line: int, *, group: bool = False
    ) -> _Draft:
        draft = _Draft(path, anchor, line, group)
        self._drafts.append(draft)
        return draft

    def _current(self) -> _Draft | None:
        """The section that a point read now belongs to; None before the first heading."""
        return next((f.draft for f in reversed(self._frames) if f.draft), self._root)

    def _open_heading(self, level: int, inline: Inline) -> None:
        text = Text.join(inline.lines).text
        line = inline.lines[0].number
        while self._frames and not self._encloses(self._frames[-1], level):
            self._frames.pop()
        anchor = self._anchors.add(text, inline.anchor)
        above = next((f.draft.path for f in reversed(self._frames) if f.draft), ())
        if level == 1 and self.title is None:
            # Text before the title belongs to it.
            self.title = text
            self._root = draft = self._root or self._open((), anchor, line)
            draft.anchor, draft.line = anchor, line
        else:
            draft = self._open((*above, text), anchor, line)
        self._frames.append(_Frame("heading", draft, level))

    def _encloses(self, frame: _Frame, level: int) -> bool:
        """Whether what is open stays open at a heading of a level."""
        if frame.kind == "heading":
            return frame.level < level
        if frame.kind != "mark":
            return False
        below = self._frames[: self._frames.index(frame)]
        return next((f.level for f in reversed(below) if f.kind == "heading"), 0) < level

    def _open_group(
        self, kind: Literal["bullet", "lead-in", "mark"], title: str, line: int, tag: str = ""
    ) -> _Frame:
        frame = _Frame(kind, None, tag=tag)
        if title:
            above = self._current()
            path, anchor = (above.path, above.anchor) if above else ((), "")
            frame.draft = self._open((*path, title), anchor, line, group=True)
        self._frames.append(frame)
        return frame

    def _close(self, frame: _Frame) -> None:
        """Close a group and what was opened in it, unless a heading has closed it already."""
        if frame in self._frames:
            del self._frames[self._frames.index(frame) :]

    def _apply_marks(self, line: int | None = None) -> None:
        """Open and close what GitBook's blocks opened and closed before `line`."""
        while self._marks:
            mark = self._marks[-1]
            if line is not None and (mark.line, not mark.opens) > (line, False):
                return
            self._marks.pop()
            while not mark.opens and self._frames and self._frames[-1].kind == "lead-in":
                self._frames.pop()
            if mark.opens:
                self._open_group("mark", mark.title, mark.line, mark.tag)
                continue
            for frame in reversed(self._frames):
                if frame.kind == "mark" and frame.tag == mark.tag:
                    self._close(frame)
                    break

    # Blocks

    def _lines_of(self, node: SyntaxTreeNode) -> Sequence[int]:
        """The file's lines that a block stands on."""
        start, end = node.map or (0, 1)
        return self._numbers[start : max(end, start + 1)] or self._numbers[-1:]

    def _render(self, block: SyntaxTreeNode) -> Inline:
        token = next((c.token for c in block.children if c.type == "inline"), None)
        return render(token or Token("inline", "", 0), self._lines_of(block.children[0]))

    def _blocks(self, nodes: Sequence[SyntaxTreeNode], depth: int, parent: int | None) -> None:
        """Read blocks that stand beside each other; `parent` is the point they stand below."""
        lead: _Frame | None = None
        filled = False
        for node, following in zip(nodes, [*nodes[1:], None], strict=False):
            if node.map:
                self._apply_marks(self._lines_of(node)[0])
            inline = self._render(node) if node.type == "paragraph" else None
            if inline is not None:
                if says_nothing(Text.join(inline.lines).text):
                    continue
                title = self._lead_in(inline, following)
                # A lead-in ends with its list; another, or what is bold, stands beside it.
                ended = filled or title is not None or Text.join(inline.lines).is_bold()
            else:
                title = None
                ended = node.type in ("heading", "hr")
            if lead is not None and (ended or lead not in self._frames):
                self._close(lead)
                lead = None
            if title and inline is not None:
                lead, filled = self._open_group("lead-in", title, inline.lines[0].number), False
                continue
            own = (depth, parent) if lead is None else (0, None)
            if inline is not None:
                self._paragraph(inline, self._source_lines(node), *own)
            else:
                filled = True
                self._block(node, *own)
        if lead is not None:
            self._close(lead)

    def _lead_in(self, inline: Inline, following: SyntaxTreeNode | None) -> str | None:
        """The group heading that a paragraph is to what follows it; None where it is none."""
        if following is None or len(inline.lines) != 1:
            return None
        match following.type:
            case "bullet_list" | "ordered_list":
                return _title(inline.lines, _LONGEST_HEADING)
            case "paragraph" if Text.join(self._render(following).lines).is_bold():
                return None
            case "paragraph" | "table" | "fence" | "code_block" | "blockquote":
                return _title(inline.lines, _LONGEST_LEAD_IN)
            case _:
                return None

    def _block(self, node: SyntaxTreeNode, depth: int, parent: int | None) -> None:
        match node.type:
            case "heading":
                self._heading(node, depth, parent)
            case "bullet_list" | "ordered_list":
                for item in node.children:
                    self._apply_marks(self._lines_of(item)[0])
                    self._item(item, depth, parent)
            case "blockquote":
                self._blocks(node.children, depth, parent)
            case "table":
                self._table(node, depth, parent)
            case "fence" if not is_language(node.info):
                self._code(node, 1, depth, parent)
            case "code_block":
                self._code(node, 0, depth, parent)
            case "html_block":
                self._html(node, depth, parent)
            case _:
                pass

    def _heading(self, node: SyntaxTreeNode, depth: int, parent: int | None) -> None:
        inline = self._render(node)
        text = Text.join(inline.lines).text
        # Students rule off a paragraph with hyphens; Markdown takes it for a heading.
        if node.markup == "-" and (len(inline.lines) > 1 or text.endswith((".", "!", ";"))):
            self._paragraph(inline, self._source_lines(node), depth, parent)
        elif not says_nothing(text):
            self._open_heading(int(node.tag[1]), inline)

    def _item(self, item: SyntaxTreeNode, depth: int, parent: int | None) -> None:
        children = item.children
        if not children or children[0].type != "paragraph":
            self._blocks(children, depth, parent)
            return
        inline, below = self._render(children[0]), children[1:]
        title = _title(inline.lines, _LONGEST_HEADING) if below else None
        if title:
            frame = self._open_group("bullet", title, inline.lines[0].number)
            self._blocks(below, 0, None)
            self._close(frame)
            return
        lines = list(inline.lines)
        if lines and _YEAR.fullmatch(item.info):
            # "1919. Treaty signed": Markdown takes the year for the number of a list.
            place = self._lines_of(item)[0]
            year = f"{item.info}."
            lines.insert(0, Line(year, place, place, bold=((0, len(year)),)))
        number = None
        if not inline.navigation:
            number = self._point(Text.join(lines), depth, parent)
        if number is None:
            self._blocks(below, depth, parent)
        else:
            self._blocks(below, depth + 1, number)

    def _source_lines(self, node: SyntaxTreeNode) -> Sequence[str]:
        """A block's lines as typed, as wide as the editor saw them."""
        start, end = node.map or (0, 0)
        return [_QUOTE_OR_BULLET.sub("", line, count=1).strip() for line in self._raw[start:end]]

    def _paragraph(
        self,
        inline: Inline,
        sources: Sequence[str],
        depth: int,
        parent: int | None,
    ) -> None:
        if inline.navigation:
            return
        lines = inline.lines
        whole = Text.join(lines)
        groups = group_lines(
            [line.text for line in lines],
            [line.hard for line in lines],
            sources=sources if len(sources) == len(lines) and all(sources) else (),
            verbatim=self._verbatim,
        )
        # What sums up is said in one breath, however many sentences it takes.
        in_one = whole.is_bold() or _MARKER.match(whole.text)
        lead: _Frame | None = None
        for start, end, prose in groups:
            text = Text.join(lines[start:end])
            title = _title(lines[start:end], _LONGEST_LEAD_IN) if end < len(lines) else None
            if title and not prose:
                if lead is not None:
                    self._close(lead)
                lead = self._open_group("lead-in", title, lines[start].number)
                continue
            own = (depth, parent) if lead is None else (0, None)
            whole_span = [(0, len(text.text))]
            for begin, stop in sentence_spans(text.text) if prose and not in_one else whole_span:
                self._point(text, *own, begin, stop)
        if lead is not None:
            self._close(lead)

    def _table(self, node: SyntaxTreeNode, depth: int, parent: int | None) -> None:
        columns: list[str] = []
        for row in node.walk():
            if row.type != "tr":
                continue
            numbers = self._lines_of(row)
            cells = [
                Text.join(render(cell.children[0].token or Token("inline", "", 0), numbers).lines)
                for cell in row.children
            ]
            said = [cell.text for cell in cells]
            if row.children[0].type == "th":
                columns = said
            else:
                self._row(columns, said, (numbers[0], numbers[-1]), depth, parent)

    def _row(
        self,
        columns: Sequence[str],
        cells: Sequence[str],
        lines: tuple[int, int],
        depth: int,
        parent: int | None,
    ) -> None:
        names = [*(name.rstrip(": ") for name in columns), *([""] * len(cells))]
        named = [
            f"{name}: {cell}" if name else cell
            for name, cell in zip(names, cells, strict=False)
            if not says_nothing(cell)
        ]
        known = tuple(names[: len(columns)])
        self._point(Text("; ".join(named), (0,), (lines,)), depth, parent, columns=known)

    def _code(self, node: SyntaxTreeNode, skip: int, depth: int, parent: int | None) -> None:
        """Read notes that were put into a code block to keep their line breaks."""
        content = [
            "" if is_alternative(line) else line.rstrip()
            for line in node.content.rstrip("\n").split("\n")
        ]
        start = (node.map or (0, 1))[0] + skip
        numbers = self._numbers[start : start + len(content)]
        if len(numbers) != len(content):
            return
        outer = self._numbers, self._raw, self._verbatim
        self._numbers, self._raw, self._verbatim = numbers, content, True
        tokens = _plain_parser.parse("\n".join(content))
        self._blocks(SyntaxTreeNode(tokens).children, depth, parent)
        self._numbers, self._raw, self._verbatim = outer

    def _html(self, node: SyntaxTreeNode, depth: int, parent: int | None) -> None:
        columns: list[str] = []
        for element in read_html(node.content, self._lines_of(node)):
            match element.kind:
                case "heading":
                    self._open_heading(element.level, Inline(element.lines))
                case "text":
                    self._paragraph(Inline(element.lines), (), depth, parent)
                case "header":
                    columns = element.cells
                case "row" if element.lines:
                    lines = (element.lines[0].number, element.lines[-1].end)
                    self._row(columns, element.cells, lines, depth, parent)
                case _:
                    pass

    # Points

    def _point(
        self,
        text: Text,
        depth: int,
        parent: int | None,
        start: int = 0,
        end: int | None = None,
        columns: tuple[str, ...] = (),
    ) -> int | None:
        """Add a point to the open section; its number, or None where it says nothing."""
        stop = len(text.text) if end is None else end
        said = _CHECKBOX.sub("", text.text[start:stop], count=1)
        said = _DASH.sub("", said, count=1) if _DASH.match(said) else said
        said, role = _role(said, text.is_bold(start, stop))
        if says_nothing(said):
            return None
        first, last = text.lines(start, stop)
        draft = self._current()
        if draft is None:
            self._root = draft = self._open((), "", first)
        hint = next((hint.style for hint in self._hints if hint.line <= first <= hint.end_line), "")
        draft.points.append(
            Point(
                said, self._path, (), first, last, self._count, depth, parent, role, columns, hint
            )
        )
        self._count += 1
        return self._count - 1


def _role(said: str, bold: bool) -> tuple[str, PointRole]:
    """A point's text without its marker, and what the point does in the notes."""
    marker = _MARKER.match(said)
    said = said[marker.end() :] if marker else said
    if _ARROW.search(said):
        return said, "chain"
    return said, "summary" if marker or bold else "plain"


def _title(lines: Sequence[Line], longest: int) -> str | None:
    """The group heading that a text is: bold, or short with a colon; None where it is none."""
    text = Text.join(lines)
    title = text.text.rstrip(": ")
    if says_nothing(title) or _ARROW.search(text.text):
        return None
    marked = _MARKER.match(text.text)
    if marked and marked.end() < len(text.text):
        return None
    words = len(title.split())
    if text.is_bold():
        return title if words <= longest and not title.endswith((".", "!")) else None
    return title if text.text.endswith(":") and words <= _LONGEST_LEAD_IN else None
