"""What the commands have in common: ``python -m bench.<name> [--write]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from bench.data import BenchError
from bench.report import PAGE, made, put


def run(name: str, measure: Callable[[], str], page: Path = PAGE) -> None:
    """Measure, print the table and, where asked, put it into a page of the docs.

    Args:
        name: Of the module in this package, and of the table's place on the page.
        measure: Gives the table in Markdown.
        page: Where the table has its place; docs/benchmarks.md by default.
    """
    parser = argparse.ArgumentParser(prog=f"python -m bench.{name}")
    parser.add_argument("--write", action="store_true", help=f"put the table into {page.name}")
    write = parser.parse_args().write
    try:
        text = f"{measure()}\n\n{made(f'python -m bench.{name}')}"
        print(text)
        if write:
            put(name, text, page)
    except BenchError as error:
        sys.exit(f"Error: {error}")
