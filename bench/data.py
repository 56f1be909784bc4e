"""Question sets in SQuAD's format: where they are, and what they hold.

The data are read where they lie and never copied. SQuAD: Rajpurkar et al. 2016, 2018;
XQuAD: Artetxe et al. 2020.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

FOLDER_VARIABLE = "ASKHISTORY_BENCH_DATA"
"""Environment variable that names the folder of benchmark data."""

ROOT = Path(__file__).resolve().parents[1]


class BenchError(Exception):
    """A measurement cannot be made; the message says what is missing and what mends it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of a paragraph.

    Attributes:
        text: As asked.
        starts: Offsets in the paragraph at which an annotator's answer begins, ascending;
            empty when the paragraph does not answer it.
    """

    text: str
    starts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph with its questions."""

    text: str
    questions: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Article:
    """An encyclopedia article: a title and some of its paragraphs."""

    title: str
    paragraphs: tuple[Paragraph, ...]


def data_file(name: str) -> Path:
    """Find a file of benchmark data.

    Raises:
        BenchError: It is not there.
    """
    folder = Path(os.environ.get(FOLDER_VARIABLE) or ROOT.parent / "shared" / "benchmarks")
    path = folder / name
    if not path.is_file():
        raise BenchError(
            f"{path} is missing. Put {name} there, or set {FOLDER_VARIABLE} to the folder "
            "that holds it (docs/benchmarks.md says where it comes from)."
        )
    return path


def read_articles(path: Path) -> list[Article]:
    """Read a file in SQuAD's format, version 1.1 or 2.0, in its own order.

    Raises:
        BenchError: The file is not in that format.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return [
            Article(
                title=article["title"].replace("_", " "),
                paragraphs=tuple(
                    Paragraph(
                        text=paragraph["context"],
                        questions=tuple(
                            Asked(
                                text=asked["question"],
                                starts=()
                                if asked.get("is_impossible", False)
                                else tuple(sorted({a["answer_start"] for a in asked["answers"]})),
                            )
                            for asked in paragraph["qas"]
                        ),
                    )
                    for paragraph in article["paragraphs"]
                ),
            )
            for article in content["data"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BenchError(f"{path} is not in SQuAD's format ({error}). Fetch it again.") from error
