"""Sections into passages: nothing lost, nothing over budget, nothing across a heading."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askhistory.chunking import cut, heading_text, passage_text, point_context, split
from askhistory.schema import Point, Section
from askhistory.text import count_tokens

HEADINGS = ("Stalin", "Collectivization", "Aims")


def words(text: str) -> int:
    return len(text.split())


def point(text: str, number: int = 0, parent: int | None = None) -> Point:
    return Point(text, "a.md", HEADINGS, number + 3, number + 3, number, parent=parent)


def section(*texts: str, headings: tuple[str, ...] = HEADINGS) -> Section:
    points = tuple(point(text, number) for number, text in enumerate(texts))
    return Section("a.md", headings, "aims", 1, len(texts) + 3, points)


def test_texts_that_are_embedded() -> None:
    parent, child = point("Kulaks resisted."), point("They burnt crops.", 1, parent=0)
    assert heading_text(HEADINGS) == "Stalin: Collectivization: Aims"
    assert heading_text(("🪖 Stalin", "🪖", "Aims")) == "Stalin: Aims"
    assert point_context(parent, None) == "Stalin: Collectivization: Aims: "
    assert point_context(child, parent) == "Stalin: Collectivization: Aims: Kulaks resisted.: "
    assert passage_text(HEADINGS, [parent, child]) == (
        "Stalin: Collectivization: Aims\nKulaks resisted.\nThey burnt crops."
    )


def test_a_short_section_is_one_passage() -> None:
    aims = section("Feed the towns.", "Export grain.")
    (passage,) = split(aims, 7, budget=180)
    assert passage.section == 7
    assert passage.points == aims.points
    assert passage.text == "Stalin: Collectivization: Aims\nFeed the towns.\nExport grain."


def test_a_section_without_points_has_no_passage() -> None:
    assert split(section(), 0, budget=180) == []


def test_splits_between_points_when_the_budget_is_full() -> None:
    aims = section("one two", "three four", "five six", "seven")
    passages = split(aims, 0, budget=7, count=words)
    assert [[p.text for p in passage.points] for passage in passages] == [
        ["one two", "three four"],
        ["five six", "seven"],
    ]


def test_an_exact_fit_is_not_split() -> None:
    aims = section("one two", "three four")
    assert len(split(aims, 0, budget=7, count=words)) == 1
    assert len(split(aims, 0, budget=6, count=words)) == 2


def test_the_default_measure_is_tiktoken() -> None:
    aims = section("Feed the towns with grain.", "Export the rest of it for machines.")
    whole = count_tokens(passage_text(HEADINGS, aims.points))
    assert len(split(aims, 0, budget=whole)) == 1
    assert len(split(aims, 0, budget=whole - 1)) == 2


def test_a_point_over_the_budget_is_found_by_every_part_but_never_cut() -> None:
    long = "First came grain. Then came steel. Last came coal."
    aims = section("Before.", long, "After.")
    passages = split(aims, 0, budget=7, count=words)
    assert [passage.text.split("\n", 1)[1] for passage in passages] == [
        "Before.",
        "First came grain.",
        "Then came steel.",
        "Last came coal.",
        "After.",
    ]
    assert [passage.points[0].text for passage in passages] == [
        "Before.",
        long,
        long,
        long,
        "After.",
    ]


def test_a_long_heading_path_keeps_its_innermost_headings() -> None:
    deep = section("one two", headings=("a b c d e f", "g h", "i"))
    (passage,) = split(deep, 0, budget=8, count=words)
    assert passage.text == "g h: i\none two"


def test_an_endless_heading_leaves_room_for_the_points() -> None:
    endless = section("one two", "three", headings=("x " * 100,))
    passages = split(endless, 0, budget=8, count=words)
    assert [passage.points for passage in passages] == [endless.points]
    assert words(passages[0].text) <= 8


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One two. Three four.", ["One two.", "Three four."]),
        ("one two; three four", ["one two;", "three four"]),
        ("one two three four", ["one two", "three four"]),
        ("onetwothreefour!", ["onetwoth", "reefour!"]),
    ],
)
def test_cuts_at_the_best_boundary(text: str, parts: list[str]) -> None:
    assert cut(text, lambda part: len(part) < len(text)) == parts


@given(st.text(max_size=300), st.integers(1, 40))
def test_cutting_loses_nothing(text: str, limit: int) -> None:
    parts = cut(text, lambda part: len(part) <= limit)
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert all(len(part) <= limit for part in parts)


@given(st.lists(st.text(min_size=1, max_size=80), max_size=12), st.integers(24, 200))
def test_every_point_is_in_order_in_a_passage_within_the_budget(
    texts: list[str], budget: int
) -> None:
    whole = section(*texts)
    passages = split(whole, 0, budget=budget)
    found = [p.number for passage in passages for p in passage.points]
    assert list(dict.fromkeys(found)) == list(range(len(texts)))
    assert found == sorted(found)
    assert all(count_tokens(passage.text) <= budget for passage in passages)
