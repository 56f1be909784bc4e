"""The plainest way to cut Markdown: at its headings, or into its bullets.

For the peers that bring no splitter of their own (BM25, FAISS). Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.peers.protocol import pages

_HEADING = re.compile(r"(#{1,6})\s+(.*)")
_BULLET = re.compile(r"\s*(?:[*+-]|\d+[.)])\s+(.*)")

_SHORTEST = 3
"""Words, the bullet's mark included: "* Aims" and "* OR" state nothing."""


class Piece(NamedTuple):
    """A piece of the notes: its own text, and that with the headings above it."""

    text: str
    with_headings: str


def sections(notes: Path) -> list[Piece]:
    """What stands under each heading, as one piece."""
    return [
        _piece(headings, "\n".join(lines))
        for path in pages(notes)
        for headings, lines in _sections(path)
    ]


def points(notes: Path) -> list[Piece]:
    """Each bullet as a piece, and each other line of text; a word or two alone is none."""
    return [
        _piece(headings, bullet[1] if (bullet := _BULLET.fullmatch(line)) else line)
        for path in pages(notes)
        for headings, lines in _sections(path)
        for line in lines
        if len(line.split()) > _SHORTEST
    ]


def _piece(headings: list[str], text: str) -> Piece:
    return Piece(text, "\n".join([": ".join(headings), text]))


def _sections(path: Path) -> Iterator[tuple[list[str], list[str]]]:
    """The heading path and the lines of text of each section that has any."""
    text = re.sub(r"\A---\n.*?\n---\n", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings: dict[int, str] = {}
    lines: list[str] = []
    for line in text.replace("**", "").splitlines():
        if heading := _HEADING.match(line):
            if lines:
                yield list(headings.values()), lines
            level = len(heading[1])
            headings = {above: title for above, title in headings.items() if above < level}
            headings[level] = heading[2].strip()
            lines = []
        elif any(map(str.isalnum, line)) and not line.lstrip().startswith("{%"):
            lines.append(line.rstrip())
    if lines:
        yield list(headings.values()), lines
