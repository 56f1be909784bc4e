"""The YAML that GitBook keeps before the notes. Only its title is of use here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import yaml
from markdown_it import MarkdownIt
from mdit_py_plugins.front_matter import front_matter_plugin

from askhistory.text import repair

_parser = MarkdownIt("zero").use(front_matter_plugin)
_KEY = re.compile(r"[A-Za-z_][\w-]*\s*:(?:\s|$)")


class FrontMatter(NamedTuple):
    """What stands before the notes.

    Attributes:
        end: Number of lines that it takes up.
        title: The title that it gives, if any.
        problem: The 1-based line where it is broken and what is wrong, if anything.
    """

    end: int = 0
    title: str | None = None
    problem: tuple[int, str] | None = None


def read_front_matter(lines: Sequence[str]) -> FrontMatter:
    """Read the front matter of a page, if it has one.

    Notes that merely begin with a rule (``---``) have none. Broken front matter is
    passed over as far as it can be told from the notes, and said to be broken.
    """
    if not lines or not lines[0].startswith("---"):
        return FrontMatter()
    inside = next((line for line in lines[1:] if line.strip()), "")
    tokens = _parser.parse("\n".join(lines))
    token = tokens[0] if tokens and tokens[0].type == "front_matter" else None
    if token is None or token.map is None:
        return _unclosed(lines) if _KEY.match(inside) else FrontMatter()
    try:
        # The base loader makes every value a string and runs nothing.
        fields = yaml.load(token.content, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        if not _KEY.match(inside):
            return FrontMatter()
        mark = getattr(error, "problem_mark", None)
        line = min(2 + mark.line, token.map[1]) if mark is not None else 1
        what = getattr(error, "problem", None) or "it is not valid YAML"
        message = f"the front matter is broken ({what}) and was passed over; mend its YAML"
        return FrontMatter(token.map[1], problem=(line, message))
    if not isinstance(fields, dict):
        return FrontMatter() if fields else FrontMatter(token.map[1])
    title = fields.get("title")
    found = " ".join(repair(title).split()) if isinstance(title, str) else ""
    return FrontMatter(token.map[1], found or None)


def _unclosed(lines: Sequence[str]) -> FrontMatter:
    """Front matter that nothing closes ends before a blank line or a heading."""
    end = 1
    while end < len(lines) and not lines[end].startswith("#") and (lines[end].strip() or end == 1):
        end += 1
    message = "the front matter is never closed; put a line of three hyphens (---) after it"
    return FrontMatter(end, problem=(1, message))
