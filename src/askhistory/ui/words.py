"""What the page says, in every language there is a file for.

One JSON file per language stands in ``static/messages/``, named by its language tag; a word that
a language lacks is taken from English. To add a language, add its file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

STATIC = Path(__file__).resolve().parents[1] / "static"
FALLBACK = "en"

Words = Mapping[str, str]


@cache
def languages() -> dict[str, dict[str, str]]:
    """Return the words of every language by its tag, each filled up with the English ones."""
    read = {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((STATIC / "messages").glob("*.json"))
    }
    return {tag: {**read[FALLBACK], **words} for tag, words in read.items()}


def words_for(accept_language: str | None) -> Words:
    """Return the words of the first language that the browser asks for and that there is.

    Args:
        accept_language: The header of that name (RFC 9110, section 12.5.4), weights included.
    """
    known = languages()
    ranges: list[tuple[float, str]] = []
    for entry in (accept_language or "").split(","):
        tag, _, weight = entry.strip().partition(";q=")
        try:
            ranges.append((float(weight or 1), tag.lower()))
        except ValueError:
            continue
    for _, tag in sorted(ranges, key=lambda pair: -pair[0]):
        for candidate in (tag, tag.partition("-")[0]):
            if candidate in known:
                return known[candidate]
    return known[FALLBACK]
