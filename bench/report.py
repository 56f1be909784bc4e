"""Tables in Markdown, printed and, where asked, put into docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from bench.data import ROOT, BenchError

PAGE = ROOT / "docs" / "benchmarks.md"


def table(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first row is its head, the first column stands to the left."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = [
        ("-" * width)[:-1] + ("-" if column == 0 else ":") for column, width in enumerate(widths)
    ]
    return "\n".join([line(rows[0]), line(rule), *map(line, rows[1:])])


def figure(value: float | None, digits: int = 3) -> str:
    """A figure as it stands in a table; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def made(command: str) -> str:
    """When, how and on what a table was made."""
    return (
        f"{date.today().isoformat()}, `{command}`, {os.cpu_count()} cores ({platform.machine()}), "
        f"Python {platform.python_version()}."
    )


def put(name: str, text: str, page: Path | None = None) -> None:
    """Replace the part of a page (docs/benchmarks.md) between the two marks of a name.

    Raises:
        BenchError: The page does not have them.
    """
    page = page or PAGE
    old = page.read_text(encoding="utf-8")
    marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    if not marks.search(old):
        raise BenchError(
            f"{page.relative_to(ROOT)} has no place for this table: put the lines "
            f'"<!-- {name} -->" and "<!-- end of {name} -->" where it belongs.'
        )
    new = marks.sub(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", old)
    page.write_text(new, encoding="utf-8")
