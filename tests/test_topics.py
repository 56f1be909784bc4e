"""Which headings a text names by their very words."""

from __future__ import annotations

import pytest

from askhistory.schema import Section
from askhistory.topics import Topics, rises, topic_of, topic_of_heading


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
    assert TOPICS.named(said) == numbers


def test_a_word_is_of_a_topic_in_whatever_form() -> None:
    assert "purge" in TOPICS
    assert "Terror" in TOPICS
    assert "aims" not in TOPICS
    assert "1934" not in TOPICS


def test_what_is_asked_of_a_topic_is_no_part_of_it() -> None:
    assert topic_of("explain the effects of war") == topic_of("War") == {"war"}
    assert topic_of_heading("War, 1914-18") == {"war"}
    assert topic_of("why did Caesar come to power") == topic_of_heading("Caesar's rise, 49")


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("why did Caesar rise to power", "rise to power"),
        ("how did Caesar come to power?", "come to power"),
        ("Caesar's road to power", "road to power"),
        ("how he became dictator", "became dictator"),
        ("when was power seized", None),
        ("who seized power", "seized power"),
        ("Reasons for the rise of Caesar", "rise"),
        ("power stations", None),
        ("", None),
    ],
)
def test_coming_to_power_is_known_in_other_words(text: str, spoken: str | None) -> None:
    span = rises(text)
    assert (span and text[slice(*span)]) == spoken
