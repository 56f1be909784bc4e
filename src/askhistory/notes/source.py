"""The text of a page made ready for a Markdown parser, line for line."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from pygments.lexers import find_lexer_class_by_name
from pygments.util import ClassNotFound

from askhistory.text import group_lines, is_alternative, repair


class Mark(NamedTuple):
    """Where a tab, a hint or a ``<details>`` opens or closes, or where a part of a page ends.

    Attributes:
        line: 1-based line in the file.
        tag: ``tab``, ``hint``, ``details`` or ``part``.
        opens: Whether it opens; else it closes.
        title: What a reader sees of it while it is shut.
    """

    line: int
    tag: str
    opens: bool
    title: str = ""


_FENCE = re.compile(r"^[ \t>]*(?:(?:[*+-]|\d{1,9}[.)])[ \t]+)*(`{3,}|~{3,})[ \t]*([^`\n]*)$")
# Bounded, so that many unclosed ones cost no more than their number.
_SPECIAL = re.compile(
    r"\{%\s*content-ref\b[^\n]{0,500}?%\}(?:(?!\{%).){0,1000}\{%\s*endcontent-ref\s*%\}"
    r"|\{%\s*@(?:(?!%\}).){0,5000}%\}"
    r"|\{%-?\s*(?P<tag>[\w/-]+)(?P<attributes>[^\n]{0,2000}?)-?%\}"
    r"|<(?P<close>/?)details\b[^>\n]*>"
    r"|<summary\b[^>\n]*>(?P<summary>(?:(?!</summary).){0,1000})</summary>",
    re.DOTALL | re.IGNORECASE,
)
_PARTS = ("step", "endstep", "endstepper", "column", "endcolumn", "endcolumns")
_ATTRIBUTE = re.compile(r"""(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""")
_TAG = re.compile(r"<[^<>]*>")
_WRAPPER = re.compile(
    r"\s*(?:</?(?:div|section|article|main|center|span|font|aside|header|footer)\b[^<>]*>\s*)+",
    re.IGNORECASE,
)
_TIGHT_HEADING = re.compile(r"^( {0,3}#{2,6})(?=[^#\s])")
_PASTED_BULLET = re.compile(r"^(\s*)[•●▪◦‣⁃∙](?=\s)")
_FOOTNOTE = re.compile(r"^( {0,3})\[\^[^\]\s]+\]:[ \t]*|\[\^[^\]\s]+\]")
_BOLD_LINE = re.compile(r" {0,3}(\*\*|__)(?=\S)(?:(?!\1).)+\1\s*:?\s*(?:\\|<br\s*/?>)?\s*")
_ITEM = re.compile(r"([ \t]*)([*+-]|\d{1,9}[.)])([ \t]+)(?=\S)")
_LIST_LINE = re.compile(r"\s*(?:[*+-]|\d{1,9}[.)])\s")
_RULE = re.compile(r"(?:=+|-+)")


class Hint(NamedTuple):
    """A hint of GitBook's: its first and last 1-based line in the file, and its style."""

    line: int
    end_line: int
    style: str


class Source:
    """The notes' lines, ready for a Markdown parser, with their places in the file.

    Attributes:
        text: What is to be parsed.
        origin: For each line of `text`, its 1-based line in the file.
        marks: What was taken out and opens or closes something, in order.
        hints: Those that are closed, in order.
        problems: 1-based lines and what is wrong there.
    """

    def __init__(self, lines: Sequence[str], first: int = 0) -> None:
        """Take the lines of a file, of which the notes begin with index `first`."""
        self.marks: list[Mark] = []
        self.hints: list[Hint] = []
        self.problems: list[tuple[int, str]] = []
        self.origin: list[int] = []
        self._hint: tuple[int, str] | None = None
        text = "\n".join(_mend(line) for line in lines[first:])
        text = self._take_out(self._without_comments(text, first + 1), first + 1)
        self.text = self._set_apart(_indent(text.split("\n")), first + 1)

    def _without_comments(self, text: str, first: int) -> str:
        pieces: list[str] = []
        place = 0
        while (start := text.find("<!--", place)) >= 0:
            pieces.append(text[place:start])
            end = text.find("-->", start + 4)
            if end < 0:
                line = first + text.count("\n", 0, start)
                self.problems.append(
                    (line, "the comment opened here is never closed; close it with -->")
                )
                # What follows is read: better a remark too many than half the notes missing.
                return "".join(pieces) + text[start:].replace("<!--", "")
            pieces.append("\n" * text.count("\n", start, end))
            place = end + 3
        return "".join(pieces) + text[place:]

    def _take_out(self, text: str, first: int) -> str:
        """Replace what Markdown does not know by as many line breaks as it held."""
        starts = [0, *(found.end() for found in re.finditer("\n", text))]
        code = _code_ranges(text)
        shut: list[int] = []

        def replace(found: re.Match[str]) -> str:
            place = bisect_right(code, (found.start(), len(text))) - 1
            if place >= 0 and found.start() < code[place][1]:
                return found[0]
            line = first + bisect_right(starts, found.start()) - 1
            text_kept = ""
            if found["summary"] is not None:
                if shut:
                    title = _plain(found["summary"])
                    self.marks[shut[-1]] = self.marks[shut[-1]]._replace(title=title, line=line)
            elif found["close"] is not None:
                opens = not found["close"]
                if opens:
                    shut.append(len(self.marks))
                elif shut:
                    shut.pop()
                self.marks.append(Mark(line, "details", opens))
            elif found["tag"] is not None:
                text_kept = self._tag(found["tag"].lower(), found["attributes"], line)
            # A space keeps the words on either side apart.
            return (text_kept or " ") + "\n" * found[0].count("\n")

        return _SPECIAL.sub(replace, text)

    def _tag(self, tag: str, written: str, line: int) -> str:
        """Note what a GitBook tag opens or closes; what is to be read in its place."""
        attributes = {
            name.lower(): re.sub(r"\\(.)", r"\1", double or single)
            for name, double, single in _ATTRIBUTE.findall(written)
        }
        if tag == "tab":
            self.marks.append(Mark(line, "tab", True, _plain(attributes.get("title", ""))))
        elif tag == "endtab":
            self.marks.append(Mark(line, "tab", False))
        elif tag == "hint":
            self.marks.append(Mark(line, "hint", True))
            self._hint = (line, attributes.get("style", "info"))
        elif tag == "endhint" and self._hint is not None:
            self.marks.append(Mark(line, "hint", False))
            self.hints.append(Hint(self._hint[0], line, self._hint[1]))
            self._hint = None
        elif tag in _PARTS:
            self.marks.append(Mark(line, "part", False))
        return f" {attributes.get('caption', '')} " if tag == "embed" else ""

    def _set_apart(self, lines: list[str], first: int) -> str:
        """Put blank lines around lead-ins, which Markdown would run into what is beside them."""
        out: list[str] = []
        for index, (line, fence) in enumerate(_fenced(lines)):
            number = first + index
            if fence is None and _is_lead_in(lines, index):
                out += ("", line, "")
                self.origin += (max(first, number - 1), number, number)
            else:
                out.append("" if _is_structure(line) else line)
                self.origin.append(number)
        return "\n".join(out)


def _mend(line: str) -> str:
    """Make Markdown of what students type for it; nothing moves to another line."""
    if not line.isascii():
        # Between entities: decoded this early, "&lt;" would become a tag.
        line = "&".join(repair(part) for part in line.split("&"))
        line = _PASTED_BULLET.sub(r"\1*", line)
    if "[^" in line:
        line = _FOOTNOTE.sub(r"\1", line)
    return _TIGHT_HEADING.sub(r"\1 ", line)


def _plain(text: str) -> str:
    """A title given in an attribute or a tag, free of markup."""
    return " ".join(repair(re.sub(r"\*\*|__|`", "", _TAG.sub("", text))).split())


def _is_structure(line: str) -> bool:
    """Whether a line says nothing: a wrapper of HTML, or a lone "OR" between alternatives.

    Left where it is, Markdown would take the "OR" for the end of the bullet above.
    """
    if "<" in line:
        return _WRAPPER.fullmatch(line) is not None
    return len(line) < 80 and is_alternative(line)


def _is_lead_in(lines: Sequence[str], index: int) -> bool:
    """Whether a line heads what follows, and not by chance amid a wrapped sentence.

    It is wholly bold; or it ends in a colon and a list follows at once.
    """
    line = lines[index].strip()
    before = lines[index - 1].strip() if index else ""
    after = lines[index + 1].strip() if index + 1 < len(lines) else ""
    if line.startswith(("**", "__")) and _BOLD_LINE.fullmatch(lines[index]):
        if after[:1].islower() or _RULE.fullmatch(after):
            return False
    elif not line.endswith(":") or _LIST_LINE.match(line) or not _LIST_LINE.match(after):
        return False
    if not before or _LIST_LINE.match(before) or before.endswith((".", "!", "?", ":", "*", "_")):
        return True
    return len(group_lines([before, line.strip(" *_")], verbatim=True)) == 2


class _Bullet(NamedTuple):
    """A list item that is open: where it was typed, where it is put, where its text begins."""

    typed: int
    column: int
    content: int
    bold: bool


def _indent(lines: Sequence[str]) -> list[str]:
    """Indent list items far enough for Markdown to see them where they were meant.

    Below ``1. Aims`` Markdown wants three spaces, and students type two; below a bullet
    that is only bold text, whatever is indented at all is meant to stand below it.
    """
    out: list[str] = []
    open_items: list[_Bullet] = []
    for line, fence in _fenced(lines):
        found = _ITEM.match(line) if fence is None else None
        if found is None:
            if line[:1].strip():
                open_items.clear()
            out.append(line)
            continue
        typed = column = len(found[1].expandtabs(4))
        while open_items and open_items[-1].typed > typed:
            open_items.pop()
        if open_items and open_items[-1].typed == typed:
            column = open_items.pop().column
        elif open_items:
            above = open_items[-1]
            meant = above.bold or typed - above.typed >= 2
            column = max(typed, above.content) if meant else typed
        content = column + len(found[2]) + min(len(found[3].expandtabs(4)), 4)
        bold = _BOLD_LINE.fullmatch(line[found.end() :]) is not None
        open_items.append(_Bullet(typed, column, content, bold))
        out.append(line if column == typed else " " * column + line[found.end(1) :])
    return out


def _fenced(lines: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Each line with the tag of the fence that it is in or opens or closes, if any."""
    mark, tag = "", ""
    for line in lines:
        found = _FENCE.match(line) if "```" in line or "~~~" in line else None
        if found and not mark:
            mark, tag = found[1], found[2].strip()
            yield line, tag
        elif mark:
            yield line, tag
            if found and found[1].startswith(mark) and not found[2].strip():
                mark = ""
        else:
            yield line, None


def _code_ranges(text: str) -> list[tuple[int, int]]:
    """Offsets of lines of fenced code in a programming language."""
    ranges: list[tuple[int, int]] = []
    offset = 0
    for line, fence in _fenced(text.split("\n")):
        if fence and is_language(fence):
            ranges.append((offset, offset + len(line)))
        offset += len(line) + 1
    return ranges


_NOTES = frozenset(("md", "markdown", "none", "note", "notes", "output", "plain", "plaintext"))
_BEYOND_PYGMENTS = frozenset(("csv", "katex", "math", "mermaid", "plantuml", "tsv"))


@cache
def is_language(info: str) -> bool:
    """Whether a fence's tag names a language that programs or data are written in.

    An unknown tag is no language: rather a remark among the points than notes left out.
    """
    words = re.split(r"[\s{}:,.]+", info.strip().lower().lstrip("{."), maxsplit=1)
    tag = words[0]
    if tag in _BEYOND_PYGMENTS:
        return True
    if not tag or tag in _NOTES:
        return False
    try:
        return bool(find_lexer_class_by_name(tag).name != "Text only")
    except ClassNotFound:
        return False
