"""Choosing, citing and composing: answers worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from askhistory.answering import cite, compose, escape, nearest_headings, refuse, top_headings
from askhistory.lexicon import fold
from askhistory.question import Question, QuestionKind, facet_of
from askhistory.retrieval import Evidence
from askhistory.schema import Citation, CitedPoint, Heading, Point, PointRole, Section
from askhistory.selection import Chosen, choose

Roles = dict[int, PointRole]


@dataclass
class Notes:
    """An index whose points have given vectors: one of their own unless told otherwise.

    Points that are alike have the same vector, and the same words too unless told otherwise.
    """

    sections: tuple[Section, ...]
    alike: Sequence[tuple[int, int]] = ()
    in_words: bool = True

    def __post_init__(self) -> None:
        points = [point for held in self.sections for point in held.points]
        for one, other in self.alike if self.in_words else ():
            points[other] = replace(points[other], text=f"{points[one].text}, indeed")
        self.points = tuple(points)
        sizes = [len(held.points) for held in self.sections]
        self.point_section = np.repeat(np.arange(len(sizes)), sizes)
        self.point_vectors = np.eye(len(self.points), dtype=np.float16)
        for one, other in self.alike:
            self.point_vectors[other] = self.point_vectors[one]


def section(
    name: str, line: int, *texts: str, group: bool = False, roles: Roles | None = None
) -> Section:
    headings = ("Page", *name.split("/"))
    points = tuple(
        Point(
            text,
            "page.md",
            headings,
            place,
            place,
            place,
            role=(roles or {}).get(place - line, "plain"),
        )
        for place, text in enumerate(texts, line)
    )
    anchor = name.split("/")[0].lower()
    return Section("page.md", headings, anchor, line - 1, line + len(texts), points, group)


FARMS = section("Farms", 2, "Farms were joined", "Tractors came")
AIMS = section("Farms/Aims", 10, "Feed", "Export", "Arm", "Sell", group=True)
RESULTS = section("Results", 20, "Famine", "Waste", "Growth", "Herds fell", "Fear", "Peace")
NOTES: Any = Notes((FARMS, AIMS, RESULTS))


def evidence(notes: Any = NOTES, sections: Sequence[int] | None = None) -> Evidence:
    """All points of the sections, or of some of them, as read for a question of no words."""
    chosen = list(range(len(notes.sections)) if sections is None else sections)
    points = np.flatnonzero(np.isin(notes.point_section, chosen))
    n, s = len(points), len(chosen)
    return Evidence(
        points=points,
        section=np.searchsorted(chosen, notes.point_section[points]),
        sections=np.array(chosen, np.int64),
        topic=np.arange(s),
        own=np.zeros((n, 0), np.float32),
        heading=np.zeros((s, 0), np.float32),
        exact=np.zeros((n, 0), bool),
        other_ordinal=np.zeros(n, bool),
        other_year=np.zeros(n, bool),
        dense=np.zeros(n, np.float32),
        passage=np.zeros(s, np.float32),
        heading_dense=np.zeros(s, np.float32),
    )


def question(kind: QuestionKind, *facets: str) -> Question:
    return Question("?", kind, None, facets, None)


def decide(
    kind: QuestionKind, found: Evidence, relevance: Sequence[float], keep: float, notes: Any
) -> list[list[Chosen]]:
    """What is chosen for a question that names no heading."""
    searched: Any = SimpleNamespace(
        text="", weights=np.zeros(0, np.float32), words=(), terms=(), facets=()
    )
    return choose(notes, question(kind), searched, found, np.array(relevance, float), keep)


def chosen(
    kind: QuestionKind, relevance: Sequence[float], keep: float = 0.5, notes: Any = NOTES
) -> list[list[str]]:
    groups = decide(kind, evidence(notes), relevance, keep, notes)
    return [[notes.points[one.point].text for one in group] for group in groups]


#                F    T    Feed Exp  Arm  Sell Fam  Was  Gro  Her  Fear Peace
NOTHING_ELSE = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]


def relevances(**by_place: float) -> list[float]:
    found = list(NOTHING_ELSE)
    for place, value in by_place.items():
        found[int(place[1:])] = value
    return found


# -------------------------------------------------------------------------- choosing


def test_points_are_kept_from_a_share_of_the_best_on() -> None:
    assert chosen("fact", relevances(p6=0.8, p7=0.4, p8=0.39)) == [["Famine", "Waste"]]
    assert chosen("fact", relevances(p6=0.8, p7=0.4, p8=0.39), keep=0.6) == [["Famine"]]


def test_the_best_point_is_kept_whatever_its_relevance() -> None:
    assert chosen("fact", relevances(p7=1e-9), keep=1.0) == [["Waste"]]


def test_equal_points_are_taken_in_the_order_of_the_notes() -> None:
    assert chosen("fact", [0.5] * 12)[0][0] == "Farms were joined"


def test_the_section_of_the_best_point_stands_first() -> None:
    assert chosen("fact", relevances(p0=0.6, p9=0.9)) == [["Herds fell"], ["Farms were joined"]]


def test_of_a_fact_the_point_that_states_it_stands_first_and_the_rest_in_order() -> None:
    assert chosen("fact", relevances(p6=0.6, p8=0.9, p10=0.7)) == [["Growth", "Famine", "Fear"]]


def test_what_answers_best_stands_first_unless_it_is_one_of_a_whole_group() -> None:
    section = relevances(p6=0.6, p7=0.5, p8=0.9, p9=0.7, p10=0.6, p11=0.8)
    led = ["Growth", "Famine", "Waste", "Herds fell", "Fear", "Peace"]
    assert chosen("list", section) == [led]
    assert chosen("cause", section) == [led]
    group = relevances(p2=0.5, p3=0.9, p4=0.5, p5=0.5)
    assert chosen("list", group) == [["Feed", "Export", "Arm", "Sell"]]


def test_a_group_comes_whole_once_most_of_it_is_kept() -> None:
    assert chosen("list", relevances(p2=0.5, p3=0.9, p4=0.5)) == [["Feed", "Export", "Arm", "Sell"]]
    assert chosen("list", relevances(p3=0.9)) == [["Export"]]


def test_a_section_that_is_no_group_is_not_filled_up() -> None:
    kept = relevances(p6=0.9, p7=0.8, p8=0.8, p9=0.8, p10=0.8)
    assert "Peace" not in chosen("list", kept)[0]


def test_summaries_and_chains_lead_a_verdict() -> None:
    notes: Any = Notes(
        (section("One", 1, "Plain", "Sum", "Other", "A -> B", roles={1: "summary", 3: "chain"}),)
    )
    relevance = [0.9, 0.8, 0.9, 0.8]
    led = [["Sum", "A -> B", "Plain", "Other"]]
    assert chosen("verdict", relevance, notes=notes) == led
    assert chosen("list", relevance, notes=notes) == [["Plain", "Sum", "Other", "A -> B"]]


def test_a_verdict_has_the_chains_of_both_sides() -> None:
    roles: Roles = {0: "chain", 2: "chain"}
    farms = section("Farms", 1, "Joined -> Success", "Plain", "Herds -> Failure", roles=roles)
    works = section("Works", 6, "Steel -> Success", roles={0: "chain"})
    notes: Any = Notes((farms, works))
    relevance = [0.9, 0.1, 0.1, 0.1]
    both = [["Joined -> Success", "Herds -> Failure"]]
    assert chosen("verdict", relevance, notes=notes) == both
    assert chosen("list", relevance, notes=notes) == [["Joined -> Success"]]


def test_an_answer_is_no_wall() -> None:
    notes: Any = Notes((section("Long", 1, *(f"Point {n}" for n in range(60))),))
    counts = {
        kind: len(chosen(kind, [0.5] * 60, notes=notes)[0]) for kind in ("fact", "list", "overview")
    }
    assert counts["fact"] < counts["list"] < counts["overview"] < 60
    assert counts["fact"] <= 5


def test_scores_are_the_relevance() -> None:
    groups = decide("fact", evidence(), relevances(p0=0.75), 0.5, NOTES)
    assert groups == [[Chosen(0, 0.75)]]


def test_the_points_read_may_be_few_of_the_index() -> None:
    relevance = [0.1, 0.9, 0.1, 0.1, 0.1, 0.1]
    groups = decide("fact", evidence(sections=[2]), relevance, 0.5, NOTES)
    assert groups == [[Chosen(7, 0.9)]]


def twins(*alike: tuple[int, int]) -> Any:
    return Notes((FARMS, AIMS, RESULTS), alike)


def test_what_two_sections_say_alike_is_shown_once_at_the_better_place() -> None:
    groups = decide("fact", evidence(), relevances(p0=0.7, p6=0.9), 0.5, twins((0, 6)))
    assert groups == [[Chosen(6, 0.9, twins=(0,))]]


def test_points_that_are_only_about_the_same_are_both_shown() -> None:
    notes: Any = Notes((FARMS, AIMS, RESULTS), [(0, 6)], in_words=False)
    groups = decide("fact", evidence(), relevances(p0=0.7, p6=0.9), 0.5, notes)
    assert groups == [[Chosen(6, 0.9)], [Chosen(0, 0.7)]]


def test_three_alike_are_shown_once() -> None:
    relevance = relevances(p0=0.7, p3=0.9, p6=0.8)
    groups = decide("fact", evidence(), relevance, 0.5, twins((0, 3), (0, 6)))
    assert groups == [[Chosen(3, 0.9, twins=(6, 0))]]


def test_what_one_section_says_twice_is_left_as_it_is() -> None:
    groups = decide("fact", evidence(), relevances(p6=0.9, p7=0.8), 0.5, twins((6, 7)))
    assert groups == [[Chosen(6, 0.9), Chosen(7, 0.8)]]


def test_a_whole_group_is_not_torn_by_what_another_section_says_alike() -> None:
    # "Famine" says what "Export" says, and better, but the aims are a list of four.
    relevance = relevances(p2=0.8, p3=0.8, p4=0.8, p5=0.8, p6=0.9)
    groups = decide("list", evidence(), relevance, 0.5, twins((3, 6)))
    shown = [one.point for group in groups for one in group]
    alike = [twin for group in groups for one in group for twin in one.twins]
    assert sorted(shown + alike) == [2, 3, 4, 5, 6]
    assert len(shown) == 4


@pytest.mark.parametrize(
    ("asked", "terms", "points"),
    [
        # Both words of the question are in the path to the aims: they are the answer.
        (question("list", "aims"), ("farm", "aim"), [2, 3, 4, 5]),
        (question("list", "results"), ("result",), [6, 7, 8, 9, 10, 11]),
        # Neither a question after something else nor one whose topic is elsewhere names them.
        (question("list"), ("farm", "aim"), [7]),
        (question("list", "aims"), ("mine", "aim"), [7]),
        (question("fact", "aims"), ("farm", "aim"), [7]),
    ],
)
def test_a_heading_that_is_named_is_given_whole_and_alone(
    asked: Question, terms: tuple[str, ...], points: list[int]
) -> None:
    searched: Any = SimpleNamespace(
        weights=np.full(len(terms), 0.5, np.float32),
        text=" ".join(terms),
        words=terms,
        terms=terms,
        facets=(None,) * len(terms),
    )
    groups = choose(NOTES, asked, searched, evidence(), np.array(relevances(p7=0.9)), 0.5)
    assert [[one.point for one in group] for group in groups] == [points]


def asked_with(*said: str) -> Any:
    return SimpleNamespace(
        weights=np.full(len(said), 0.5, np.float32),
        text=" ".join(said),
        words=said,
        terms=tuple(map(fold, said)),
        facets=tuple(map(facet_of, said)),
    )


def test_a_topic_that_is_named_comes_whole_and_in_order_where_nothing_else_is_asked() -> None:
    relevance = np.array(relevances(p1=0.1, p2=0.05, p7=0.8))

    def come(kind: QuestionKind, *said: str) -> list[str]:
        asked = question(kind, *filter(None, map(facet_of, said)))
        groups = choose(NOTES, asked, asked_with(*said), evidence(), relevance, 0.5)
        return [NOTES.points[one.point].text for group in groups for one in group]

    farms = ["Farms were joined", "Tractors came"]
    assert come("explain", "explain", "farms") == farms
    assert come("effect", "what", "happened", "to", "the", "farms") == [
        *farms,
        *("Feed", "Export", "Arm"),
    ]
    assert come("overview", "farms") == [*farms, "Feed", "Export", "Arm"]
    # What is asked of it is not a part of the notes' own: its points come before all others.
    assert come("cause", "causes", "of", "farms") == ["Tractors came", "Waste", "Feed"]
    assert come("fact", "farms") == ["Waste"]
    assert come("explain", "farms", "poland") == ["Waste"]


def test_points_that_begin_with_dates_keep_their_order() -> None:
    days = ("30 January 1933: Chancellor", "March 1933 - law", "2 August 1934: Leader", "Fear")
    notes: Any = Notes((section("Power", 1, *days),))
    relevance = np.array([0.6, 0.7, 0.9, 0.1])

    def come(kind: QuestionKind) -> list[str]:
        groups = choose(notes, question(kind), asked_with("x"), evidence(notes), relevance, 0.5)
        return [notes.points[one.point].text for group in groups for one in group]

    assert come("list") == list(days[:3])
    assert come("fact")[0] == days[2]


def test_a_chapter_that_is_named_is_given_section_by_section() -> None:
    notes: Any = Notes(
        (
            section("Other", 1, "Nothing"),
            section("Rise/One", 3, "Plain", "Sum", roles={1: "summary"}),
            section("Rise/Two", 7, "A -> B", "Fact", roles={0: "chain"}),
        )
    )
    searched: Any = SimpleNamespace(
        text="the rise",
        weights=np.array([0.0, 0.8], np.float32),
        words=("the", "rise"),
        terms=("the", "rise"),
        facets=(None, None),
    )
    relevance = np.array([0.9, 0.1, 0.2, 0.3, 0.8])
    groups = choose(notes, question("overview"), searched, evidence(notes), relevance, 0.5)
    assert [[notes.points[one.point].text for one in group] for group in groups] == [
        ["Sum", "Plain"],
        ["A -> B", "Fact"],
    ]
    # A fact is no chapter, and a word that no heading has names none.
    groups = choose(notes, question("fact"), searched, evidence(notes), relevance, 0.95)
    assert groups == [[Chosen(0, 0.9)]]
    searched.words = searched.terms = ("the", "fall")
    searched.text = "the fall"
    groups = choose(notes, question("overview"), searched, evidence(notes), relevance, 0.95)
    assert groups == [[Chosen(0, 0.9)]]
    searched = asked_with("came", "to", "power")
    groups = choose(notes, question("cause"), searched, evidence(notes), relevance, 0.95)
    assert [[notes.points[one.point].text for one in group] for group in groups] == [
        ["Sum", "Plain"],
        ["A -> B", "Fact"],
    ]


@given(st.lists(st.floats(0, 1), min_size=12, max_size=12), st.floats(0.1, 1))
@settings(max_examples=60)
def test_whatever_the_relevance_there_is_an_answer_without_repeats(
    relevance: list[float], keep: float
) -> None:
    for kind in ("fact", "list", "overview"):
        groups = decide(kind, evidence(), relevance, keep, twins((0, 6), (3, 7)))
        shown = [point for group in groups for one in group for point in (one.point, *one.twins)]
        assert shown
        assert len(shown) == len(set(shown))
        for group in groups:
            assert len({int(NOTES.point_section[one.point]) for one in group}) == 1
        best = int(np.argmax(relevance))
        assert best in {point for one in groups[0] for point in (one.point, *one.twins)}


# ---------------------------------------------------------------------------- citing


def test_headings_are_numbered_in_the_order_of_the_answer() -> None:
    points, citations = cite(NOTES, [[Chosen(9, 0.9), Chosen(6, 0.5)], [Chosen(0, 0.4)]])
    assert citations == (
        Citation(1, ("Page", "Results"), "page.md", "results", 20, 23),
        Citation(2, ("Page", "Farms"), "page.md", "farms", 2, 2),
    )
    assert points == (
        CitedPoint("Herds fell", ("Page", "Results"), "page.md", 23, 23, 0.9, 1),
        CitedPoint("Famine", ("Page", "Results"), "page.md", 20, 20, 0.5, 1),
        CitedPoint("Farms were joined", ("Page", "Farms"), "page.md", 2, 2, 0.4, 2),
    )


def test_a_twin_is_cited_after_what_is_shown() -> None:
    points, citations = cite(NOTES, [[Chosen(6, 0.9, twins=(1,))], [Chosen(2, 0.8)]])
    assert [(c.number, c.headings[-1], c.line) for c in citations] == [
        (1, "Results", 20),
        (2, "Aims", 10),
        (3, "Farms", 3),
    ]
    assert [(point.citation, point.also) for point in points] == [(1, (3,)), (2, ())]


def test_a_twin_in_a_section_that_is_shown_widens_its_citation() -> None:
    points, citations = cite(NOTES, [[Chosen(6, 0.9, twins=(1,))], [Chosen(0, 0.8)]])
    assert [(c.number, c.line, c.end_line) for c in citations] == [(1, 20, 20), (2, 2, 3)]
    assert points[0].also == (2,)


def test_two_twins_of_one_section_are_one_citation() -> None:
    points, citations = cite(NOTES, [[Chosen(6, 0.9, twins=(0, 1))]])
    assert points[0].also == (2,)
    assert len(citations) == 2


def test_nothing_chosen_cites_nothing() -> None:
    assert cite(NOTES, []) == ((), ())


# ------------------------------------------------------------------ refusing, nearest


def test_the_nearest_headings_are_those_of_the_best_points_each_once() -> None:
    relevance = np.array(relevances(p6=0.3, p7=0.2, p3=0.1))
    near = np.ones(3)
    assert nearest_headings(NOTES, evidence(), relevance, near) == (
        Heading(("Page", "Results"), "page.md", "results"),
        Heading(("Page", "Farms", "Aims"), "page.md", "farms"),
        Heading(("Page", "Farms"), "page.md", "farms"),
    )
    assert len(nearest_headings(NOTES, evidence(), relevance, near, count=1)) == 1
    assert len(nearest_headings(NOTES, evidence(sections=[1]), np.ones(4), near)) == 1


def test_a_section_that_says_little_of_the_question_is_named_by_its_chapter() -> None:
    relevance = np.array(relevances(p6=0.3, p7=0.2, p3=0.1))
    # Of Farms, Farms › Aims and Results.
    said = np.array([0.6, 0.4, 0.6])
    headings = [h.headings for h in nearest_headings(NOTES, evidence(), relevance, said)]
    assert headings == [("Page", "Results"), ("Page", "Farms")]


def test_a_refusal_names_the_nearest_headings() -> None:
    nearest = (
        Heading(("Page", "Farms"), "page.md", "farms"),
        Heading(("Page", "A * b_c"), "page.md", "a"),
    )
    assert refuse(nearest) == (
        "The notes do not cover this. The nearest headings are:\n"
        "\n"
        "- Page › Farms\n"
        "- Page › A \\* b\\_c"
    )
    assert refuse(()) == "The notes do not cover this."


# --------------------------------------------------------------------------- composing


def test_an_answer_is_composed_of_its_points_and_sources() -> None:
    points, citations = cite(
        NOTES,
        [[Chosen(2, 0.9), Chosen(3, 0.9, twins=(6,))], [Chosen(0, 0.5)]],
    )
    assert compose(points, citations) == (
        "**Farms › Aims** [1]\n"
        "\n"
        "- Feed\n"
        "- Export [1] [3]\n"
        "\n"
        "**Farms** [2]\n"
        "\n"
        "- Farms were joined\n"
        "\n"
        "Sources:\n"
        "\n"
        "1. Page › Farms › Aims (page.md, lines 10–11)\n"
        "2. Page › Farms (page.md, line 2)\n"
        "3. Page › Results (page.md, line 20)"
    )


def test_a_point_under_the_title_alone_stands_under_the_title() -> None:
    point = CitedPoint("Said", ("Page",), "page.md", 2, 3, 1.0, 1)
    citation = Citation(1, ("Page",), "page.md", "page", 2, 3)
    assert compose([point], [citation]) == (
        "**Page** [1]\n\n- Said\n\nSources:\n\n1. Page (page.md, lines 2–3)"
    )


def rendered(markdown: str) -> list[str]:
    """The text of each paragraph of a document, as a reader sees it."""
    parser = MarkdownIt("commonmark").enable("table").enable("strikethrough")
    return [
        shown(token) for token in parser.parse(markdown) if token.type in {"inline", "code_block"}
    ]


def shown(token: Token) -> str:
    if token.children is None:
        return token.content
    for child in token.children:
        assert child.type in {"text", "softbreak", "text_special", "strong_open", "strong_close"}
    return "".join("\n" if child.type == "softbreak" else child.content for child in token.children)


POINT_TEXTS = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Co", "Cn"]), min_size=1, max_size=60
) | st.text("*_`[]()<>#+-.!\\&;~|:=0123456789 abcdx\"'$@/", min_size=1, max_size=30)
"""Points as the notes give them: one line, trimmed, single spaces."""


"""What `escape` does not escape yet."""


@given(POINT_TEXTS)
@example("1928. The plan began")
@example("12) Twelve")
@example("- not a list")
@example("+ plus")
@example("# no heading")
@example("> no quotation")
@example("*stars* and __lines__ and `ticks`")
@example("[link](http://example.org) and <b>tags</b>")
@example("back\\slash \\* end\\")
@example("a | b")
@example("=== or ---")
@example("--- ")
@example("![picture](x.png)")
@example("http://example.org and a@example.org")
@settings(max_examples=150)
def test_a_point_is_shown_as_it_stands_in_the_notes(raw: str) -> None:
    text = " ".join(raw.split())
    if not text:
        return
    assert rendered(f"- {escape(text)}") == [text]
    assert rendered(f"**{escape(text)}** [1]") == [f"{text} [1]"] or not text[-1].isalnum()


@pytest.mark.parametrize(
    "text",
    ["&amp; and &copy;", "&#35;", "~~~ wave", "~~struck~~ out", "123. days", "123456789) far"],
)
def test_what_only_some_texts_hold_is_shown_as_it_stands(text: str) -> None:
    assert rendered(f"- {escape(text)}") == [text]


@given(
    st.lists(
        POINT_TEXTS.map(lambda raw: " ".join(raw.split()) or "x"),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=50)
def test_the_points_of_an_answer_are_its_paragraphs(texts: list[str]) -> None:
    points = [CitedPoint(text, ("Page", "Here"), "page.md", 2, 2, 1.0, 1) for text in texts]
    citation = Citation(1, ("Page", "Here"), "page.md", "here", 2, 2)
    assert rendered(compose(points, [citation])) == [
        "Here [1]",
        *texts,
        "Sources:",
        "Page › Here (page.md, line 2)",
    ]


@given(st.text(max_size=60))
@settings(max_examples=60)
def test_escaping_adds_nothing_but_backslashes(text: str) -> None:
    assert escape(text).replace("\\", "") == text.replace("\\", "")


def test_the_top_headings_are_those_below_a_pages_own_or_the_pages_own() -> None:
    one = [
        Section("a.md", path, "-".join(path), line, line, (), group=path[-1] == "Group")
        for line, path in enumerate([("A",), ("A", "One"), ("A", "One", "Deep"), ("A", "Two")], 1)
    ]
    two = [
        Section("b.md", path, "b", line, line, (), group=path[-1] == "Group")
        for line, path in enumerate([("B",), ("B", "Group")], 1)
    ]
    paths = [heading.headings for heading in top_headings([*one, *two])]
    assert paths == [("A", "One"), ("A", "Two"), ("B",)]
    assert top_headings(one)[0] == Heading(("A", "One"), "a.md", "A-One")
    paths = [heading.headings for heading in top_headings([*one, *two], most=2)]
    assert paths == [("A",), ("B",)]
    assert [heading.headings for heading in top_headings([*one, *two], most=1)] == [("A",)]
    assert top_headings([]) == ()
