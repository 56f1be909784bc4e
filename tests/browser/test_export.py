"""The exported conversation: what a Markdown reader shows of it is what stood on the page."""

from __future__ import annotations

import json
import random
import re

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin
from playwright.sync_api import Page
from student import CORPUS, Student

from askhistory.notes import read_corpus
from askhistory.ui.words import words_for

READER = MarkdownIt("js-default", {"html": True, "linkify": False}).use(footnote_plugin)
BARE = MarkdownIt("commonmark").use(footnote_plugin)
SIGNS = [
    *"ab1 \\`*_[]()<>#|!&;:~-+.=^$/\"'é→x", "->", "**", "__", "~~", "&amp;", "<b>",
    "](", "[^1-1]", "1. ", "```", "[x]", " - ", "  ", "http://a.b",
]  # fmt: skip
EXPORT = """async ([texts, words]) => {
  const { conversationMarkdown } = await import("/askhistory/export.js");
  const { make } = await import("/askhistory/dom.js");
  const chip = () => make("a", { class: "cite", text: "[1]" });
  return texts.map((text) => {
    const bot = make("div", { "data-testid": "bot" }, make("div", { class: "answer" },
      make("p", { class: "quiet", text }),
      make("section", { class: "group" },
        make("p", { class: "path" }, `${text} `, chip()),
        make("ul", {}, make("li", {}, make("span", { class: "said", text }), chip()))),
      make("div", { class: "refusal" },
        make("p", { text }), make("div", {}, make("a", { class: "see", text }))),
      make("p", { class: "notice", text }),
      make("div", { class: "sources" }, make("ul", {}, make("li", {}, chip(),
        make("span", { class: "where", text, title: "a.md" }))))));
    const user = make("div", { "data-testid": "user", text });
    return conversationMarkdown(make("div", {}, user, bot), words);
  });
}"""
BLOCKS = [
    "heading_open", "heading_open", "paragraph_open", "paragraph_open", "bullet_list_open",
    "list_item_open", "paragraph_open", "paragraph_open", "bullet_list_open", "list_item_open",
    "paragraph_open", "paragraph_open", "footnote_block_open", "footnote_open", "paragraph_open",
]  # fmt: skip


def export(page: Page, texts: list[str]) -> list[str]:
    exported: list[str] = page.evaluate(EXPORT, [texts, dict(words_for("en"))])
    return exported


def texts(seed: int) -> list[str]:
    """Lines full of what Markdown may read as markup, as the page would hold them."""
    rng = random.Random(seed)
    made = ("".join(rng.choices(SIGNS, k=rng.randint(1, 12))) for _ in range(800))
    return [text for line in made if (text := re.sub(r"\s+", " ", line).strip())]


def said(inline: Token) -> str | None:
    """The text of a block where it is nothing but text; its footnotes are left out."""
    parts = [part for part in inline.children or () if not part.type.startswith("footnote")]
    if [part.type for part in parts[:1] + parts[-1:]] == ["strong_open", "strong_close"]:
        parts = parts[1:-1]
    elif parts and not parts[0].content and parts[1].type == "strong_open":
        parts = [part for part in parts if part.content]
    if any(part.type != "text" for part in parts):
        return None
    return "".join(part.content for part in parts)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_exported_is_shown_as_it_was(student: Student, seed: int) -> None:
    lines = texts(seed)
    for text, markdown in zip(lines, export(student.page, lines), strict=True):
        for reader in (READER, BARE):
            tokens = reader.parse(markdown)
            shown = [said(token) for token in tokens if token.type == "inline"]
            assert shown[1:] == [*[text] * 7, f"{text} (a.md)"], (text, markdown)
            assert [token.type for token in tokens if token.type.endswith("_open")] == BLOCKS


def test_the_notes_own_words_need_no_backslash(student: Student) -> None:
    sections = read_corpus(CORPUS).sections
    lines = [" ".join(point.text.split()) for section in sections for point in section.points]
    assert any("->" in line for line in lines)
    assert any("-" in line.replace("->", "") for line in lines)
    assert not [text for text in export(student.page, lines) if "\\" in text]


@pytest.mark.parametrize(
    ("text", "exported"),
    [
        ("bad harvest -> famine", "bad harvest -> famine"),
        ("> famine", r"\> famine"),
        ("In 1929. The crash", "In 1929. The crash"),
        ("1. The crash", r"1\. The crash"),
        ("2 * 3 = 6, a_b_c, x < y, R&D", "2 * 3 = 6, a_b_c, x < y, R&D"),
        ("*so* and _so_", r"\*so\* and \_so\_"),
        ("[sic] and [a](b)", r"[sic] and [a\](b)"),
        ("C# and #5, # of men", "C# and #5, # of men"),
    ],
)
def test_only_what_would_be_markup_is_escaped(student: Student, text: str, exported: str) -> None:
    (markdown,) = export(student.page, [text])
    assert f"\n- {exported}[^1-1]\n" in markdown, json.dumps(markdown)
