"""The corpus keeps its promises: complete, in our own words, in the notes' own shape."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
CORPUS = ROOT / "corpus"
EDITION = CORPUS / "stalins-soviet-union.md"
SOURCE = ROOT.parent / "shared" / "notes" / "stalins-soviet-union.md"
RECORD = ROOT / "docs" / "corpus.md"

LONGEST_SHARED_RUN = 7  # words; eight in a row would be a sentence carried over

needs_source = pytest.mark.skipif(
    not SOURCE.is_file(), reason="the class notes that the edition follows are not at hand"
)


class Bullet(NamedTuple):
    """One bullet: the heading it stands under, its indent in spaces, its Markdown."""

    heading: str
    indent: int
    text: str


def body(path: Path) -> list[str]:
    """The file's lines without the front matter and with entities resolved."""
    text = path.read_text(encoding="utf-8")
    _, _, after = text.removeprefix("---\n").partition("\n---\n")
    return unescape(after).replace("\xa0", " ").splitlines()


def headings(path: Path) -> list[tuple[int, str]]:
    """Level and title, without bold markup."""
    found = (re.match(r"(#+)\s+(.*)", line) for line in body(path))
    return [(len(m[1]), m[2].replace("**", "").strip()) for m in found if m]


def bullets(path: Path) -> Iterator[Bullet]:
    heading = ""
    for line in body(path):
        if title := re.match(r"#+\s+(.*)", line):
            heading = title[1].replace("**", "").strip()
        elif bullet := re.match(r"( *)\* +(.*)", line):
            yield Bullet(heading, len(bullet[1]), bullet[2].strip())


def role(text: str) -> str:
    """What a bullet does, as its markup tells."""
    whole_bold = re.fullmatch(r"\*\*[^*]+\*\*", text) is not None
    plain = text.replace("*", "").strip()
    if "->" in plain:
        return "chain" if whole_bold else "broken chain"
    if plain.startswith("S: "):
        return "summary" if whole_bold else "broken summary"
    if plain.startswith("Example:"):
        return "example"
    if whole_bold:
        return f"group {plain}" if len(plain.split()) == 1 else "bold"
    return "plain"


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())


def runs(text: str, length: int) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[i : i + length]) for i in range(len(found) - length + 1)}


def numbers(text: str) -> set[str]:
    return set(re.findall(r"\d+(?:,\d{3})*", text))


def names(text: str) -> set[str]:
    """Capitalised words inside a sentence, where only a name is capitalised."""
    return set(re.findall(r"(?<=[a-z,] )[A-Z]\w+", text.replace("*", "")))


def corrections() -> dict[str, str]:
    """What the notes have, and what the edition has instead, from every table of slips."""
    text = RECORD.read_text(encoding="utf-8")
    _, _, after = text.partition("## Slips corrected")
    tables, _, _ = after.partition("\n## ")
    cells = (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in tables.splitlines()
        if line.startswith("|")
    )
    return {row[0]: row[1] for row in cells if row[0] != "In the notes" and "---" not in row[0]}


@needs_source
def test_headings_are_those_of_the_notes_in_their_order() -> None:
    mended = corrections()
    expected = [(level, mended.get(title, title)) for level, title in headings(SOURCE)]
    assert headings(EDITION) == expected


@needs_source
def test_every_bullet_has_its_counterpart_at_the_same_depth_in_the_same_role() -> None:
    mended = corrections()
    expected = [(mended.get(b.heading, b.heading), b.indent, role(b.text)) for b in bullets(SOURCE)]
    assert [(b.heading, b.indent, role(b.text)) for b in bullets(EDITION)] == expected


@needs_source
def test_every_figure_stands_in_the_bullet_that_corresponds_or_is_recorded_as_corrected() -> None:
    record = corrections()
    missing = [
        (number, theirs.text)
        for theirs, ours in zip(bullets(SOURCE), bullets(EDITION), strict=True)
        for number in numbers(theirs.text) - numbers(ours.text)
        if not any(
            number in numbers(slip) and slip in theirs.text and numbers(ours.text) >= numbers(mend)
            for slip, mend in record.items()
        )
    ]
    assert missing == []


@needs_source
def test_no_figure_is_added() -> None:
    assert numbers("\n".join(body(EDITION))) - numbers("\n".join(body(SOURCE))) == set()


@needs_source
def test_every_name_is_kept_or_recorded_as_corrected() -> None:
    theirs = names("\n".join(body(SOURCE)))
    ours = set(re.findall(r"\w+", "\n".join(body(EDITION))))
    recorded = set(re.findall(r"\w+", " ".join(corrections())))
    assert theirs >= {"Bukharin", "Kirov", "Komsomol", "Stakhanovites"}
    assert theirs - ours - recorded == set()


@needs_source
def test_corrected_slips_are_in_the_notes_and_not_in_the_edition() -> None:
    source = SOURCE.read_text(encoding="utf-8")
    edition = EDITION.read_text(encoding="utf-8")
    slips = list(corrections())
    assert [slip for slip in slips if slip not in source] == []
    assert [slip for slip in slips if re.search(rf"\b{re.escape(slip)}(?!\w)", edition)] == []


@needs_source
def test_no_sentence_is_carried_over() -> None:
    text = "\n".join(line for line in body(EDITION) if not line.startswith("#"))
    ours = runs(text, LONGEST_SHARED_RUN + 1)
    shared = {
        " ".join(run) for b in bullets(SOURCE) for run in runs(b.text, LONGEST_SHARED_RUN + 1)
    } & {" ".join(run) for run in ours}
    assert shared == set()


@needs_source
def test_no_short_bullet_is_carried_over_whole() -> None:
    ours = {tuple(words(b.text)) for b in bullets(EDITION)}
    same = [
        b.text for b in bullets(SOURCE) if len(words(b.text)) >= 4 and tuple(words(b.text)) in ours
    ]
    assert same == []


@pytest.mark.parametrize("page", sorted(CORPUS.glob("*.md")), ids=lambda path: path.name)
def test_pages_are_clean_utf8_without_remote_content(page: Path) -> None:
    text = page.read_bytes().decode("utf-8")
    assert re.findall(r"https?://|&#?\w+;|[ \t]+$|\r|\xa0|ðŸ|â€", text, re.MULTILINE) == []
    assert text.endswith("\n")


def test_table_of_contents_lists_every_page_under_its_title() -> None:
    listed = re.findall(r"\[(.+)\]\((.+)\)", (CORPUS / "SUMMARY.md").read_text(encoding="utf-8"))
    pages = sorted(path for path in CORPUS.glob("*.md") if path.name != "SUMMARY.md")
    assert listed == [(headings(page)[0][1], page.name) for page in pages]


def test_second_page_uses_the_forms_that_the_first_does_not() -> None:
    text = (CORPUS / "weimar-and-nazi-germany.md").read_text(encoding="utf-8")
    forms = {
        "table": r"^\| --- \|",
        "numbered list": r"^1\. ",
        "details": r"^<details>$",
        "untagged fence": r"^```\n(?:.+ - .+\n){3,}```$",
        "lead-in": r"^\*\*[^*]+\*\*\n\n\* ",
        "group heading": r"^\* \*\*[^*]+\*\*\n  \* ",
        "H4": r"^#### ",
        "wrapped prose": r"^[A-Z][^|*#\n]{60,}\n[^|*#\n]+\.$",
    }
    first = EDITION.read_text(encoding="utf-8")
    assert [name for name, form in forms.items() if not re.search(form, text, re.MULTILINE)] == []
    new = set(forms) - {"group heading", "H4"}
    assert [name for name in sorted(new) if re.search(forms[name], first, re.MULTILINE)] == []
    assert 8 <= len(re.findall(r"^### ", text, re.MULTILINE)) <= 12
