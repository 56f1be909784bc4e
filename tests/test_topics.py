"""Which headings a text names by their very words."""

from __future__ import annotations

import pytest

from askhistory.schema import Section
from askhistory.topics import Topics, topic_of, topic_of_heading


def section(*headings: str) -> Section:
    return Section("page.md", headings, "anchor", 1, 1, ())


SECTIONS = (
    section("Page", "The Great Terror (1934-1938)"),
    section("Page", "The Great Terror (1934-1938)", "Purges"),
    section("Page", "Economic impact of Stalin"),
    section("Page", "1945"),
    section("Page", "Aims"),
)
TOPICS = Topics(SECTIONS)


@pytest.mark.parametrize(
    ("said", "numbers"),
    [
        ("explain the great terror", [0, 1]),
        ("great terrors", [0, 1]),
        ("purges", [1]),
        ("effects of the purges", [1]),
        ("what was the economic impact of Stalin", [2]),
        ("1945", [3]),
        ("great terror under Stalin", []),
        ("terror", []),
        ("what were the aims", []),
        ("page", []),
        ("", []),
    ],
)
def test_a_heading_is_named_by_all_its_words_and_no_others(said: str, numbers: list[int]) -> None:
    assert TOPICS.named(said.split()) == numbers


def test_a_word_is_of_a_topic_in_whatever_form() -> None:
    assert "purge" in TOPICS
    assert "Terror" in TOPICS
    assert "aims" not in TOPICS
    assert "1934" not in TOPICS


def test_what_is_asked_of_a_topic_is_no_part_of_it() -> None:
    assert topic_of(["explain", "the", "effects", "of", "war"]) == topic_of(["War"]) == {"war"}
    assert topic_of_heading("War, 1914-18") == {"war"}
