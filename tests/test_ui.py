"""The page's parts that need no browser."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askhistory.notes import read_corpus
from askhistory.schema import (
    Answer,
    AskHistoryError,
    Citation,
    CitedPoint,
    Correction,
    Heading,
    Point,
    Section,
)
from askhistory.ui.answers import question_markdown, question_typed, turn_html
from askhistory.ui.emphasis import key_spans
from askhistory.ui.feedback import Gap, Log, gaps
from askhistory.ui.layout import row_spans, text_html
from askhistory.ui.reader import Notes
from askhistory.ui.turns import (
    MOST_SHELF,
    MOST_SHELVED,
    MOST_SPARE,
    Turn,
    ended,
    from_browser,
    from_shelf,
    put_away,
    to_browser,
    to_shelf,
    to_spare,
)
from askhistory.ui.web import policy
from askhistory.ui.words import STATIC, languages, words_for

EN = languages()["en"]
TAG = re.compile(r"<[^>]*>")


def section(
    *headings: str, texts: Sequence[str] = (), line: int = 1, first: int = 0, group: bool = False
) -> Section:
    points = tuple(
        Point(text, "a.md", headings, line + 1 + n, line + 1 + n, first + n)
        for n, text in enumerate(texts)
    )
    return Section("a.md", headings, "h", line, line + len(texts), points, group)


def answered(*points: Point, question: str = "Q?", **fields: object) -> Answer:
    citation = Citation(1, points[0].headings, points[0].page, "h", points[0].line, points[-1].line)
    cited = tuple(
        CitedPoint(p.text, p.headings, p.page, p.line, p.end_line, 0.5, 1) for p in points
    )
    return Answer(question, question, True, 0.9, "", cited, (citation,), **fields)


NOTES_SECTIONS = (
    section("Soviet Union", line=1),
    section("Soviet Union", "Farms", texts=["By 1935 all farms", "Lenin died in 1924"], line=3),
    section("Soviet Union", "Farms", "Aims", texts=["To export"], line=6, first=2, group=True),
)
NOTES = Notes(NOTES_SECTIONS)


# ── The notes as HTML ──


def test_a_page_is_its_headings_and_points_in_order() -> None:
    assert NOTES.page_html(0) == (
        '<h2 class="heading" id="s-0-0" tabindex="-1">Soviet Union</h2>'
        '<h3 class="heading" id="s-0-1" tabindex="-1">Farms</h3>'
        '<div class="points"><ul>'
        '<li><span class="point plain" id="p-0-0" tabindex="-1" data-line="4" data-end-line="4">'
        "By 1935 all farms</span></li>"
        '<li><span class="point plain" id="p-0-1" tabindex="-1" data-line="5" data-end-line="5">'
        "Lenin died in 1924</span></li></ul></div>"
        '<h4 class="group" id="s-0-2" tabindex="-1">Aims</h4>'
        '<div class="points grouped"><ul>'
        '<li><span class="point plain" id="p-0-2" tabindex="-1" data-line="7" data-end-line="7">'
        "To export</span></li></ul></div>"
    )


def test_a_bullet_after_a_group_stands_outside_it() -> None:
    before = Point("before", "a.md", ("T", "H"), 3, 3, 0)
    inside = Point("inside", "a.md", ("T", "H", "G"), 5, 5, 1)
    after = Point("after", "a.md", ("T", "H"), 6, 6, 2)
    notes = Notes(
        (
            Section("a.md", ("T", "H"), "h", 2, 6, (before, after)),
            Section("a.md", ("T", "H", "G"), "h", 4, 5, (inside,), group=True),
        )
    )
    html = notes.page_html(0)
    assert re.findall(r'<div class="([^"]*)">|>(before|inside|after|G)<', html) == [
        ("points", ""),
        ("", "before"),
        ("", "G"),
        ("points grouped", ""),
        ("", "inside"),
        ("points", ""),
        ("", "after"),
    ]


def test_points_nest_by_depth_and_sentences_of_a_paragraph_stay_together() -> None:
    points = (
        Point("one", "a.md", ("T",), 2, 2, 0),
        Point("below one", "a.md", ("T",), 3, 3, 1, depth=1, parent=0),
        Point("First.", "a.md", ("T",), 5, 6, 2),
        Point("Second.", "a.md", ("T",), 5, 6, 3),
    )
    html = Notes((Section("a.md", ("T",), "t", 1, 6, points),)).page_html(0)
    assert re.sub(r"<span[^>]*>|</span>", "", html).endswith(
        "<ul><li>one<ul><li>below one</li></ul></li><li>First. Second.</li></ul></div>"
    )


@given(st.text(), st.text())
def test_no_text_of_the_notes_becomes_markup(heading: str, text: str) -> None:
    html = Notes((section("T", heading, texts=[text]),)).page_html(0)
    assert "<" not in TAG.sub("", html)
    allowed = r"</?(?:h3|div|ul|li|span|table|thead|tbody|tr|th|td)\b[^<>]*>"
    assert all(re.fullmatch(allowed, tag) for tag in TAG.findall(html))
    assert text in unescape(TAG.sub("", html))
    assert heading in unescape(html)


def test_every_point_of_the_corpus_is_in_the_reader_once() -> None:
    corpus = read_corpus(Path(__file__).resolve().parents[1] / "corpus")
    notes = Notes(corpus.sections)
    for number, page in enumerate(corpus.pages):
        html = notes.page_html(number)
        points = sorted((p for s in page.sections for p in s.points), key=lambda p: p.number)
        ids = re.findall(r' id="p-\d+-(\d+)"', html)
        assert [int(point) for point in ids] == [point.number for point in points]
        shown = unescape(TAG.sub("", html))
        assert all(p.text in shown for p in points if "; " not in p.text)


def test_rows_of_a_table_are_a_table_again() -> None:
    texts = [
        "Before: it begins",
        "Area: Army; What was lost: 100,000 men; no tanks",
        "Area: Guilt; What was lost: Article 231: the blame",
        "After",
    ]
    rows = {1: ("Area", "What was lost"), 2: ("Area", "What was lost")}
    plain = section("T", texts=texts)
    points = tuple(replace(p, columns=rows.get(p.number, ())) for p in plain.points)
    html = Notes((replace(plain, points=points),)).page_html(0)
    assert re.sub(r' (?:class|id|tabindex|data-[a-z-]+)="[^"]*"', "", html).partition("</h2>")[
        2
    ] == (
        "<div><ul><li><span>Before: it begins</span></li></ul>"
        '<table><thead><tr><th scope="col">Area</th><th scope="col">What was lost</th></tr></thead>'
        "<tbody><tr><td>Army</td><td>100,000 men; no tanks</td></tr>"
        "<tr><td>Guilt</td><td>Article 231: the blame</td></tr></tbody></table>"
        "<ul><li><span>After</span></li></ul></div>"
    )
    assert '<tr class="point plain" id="p-0-1"' in html


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("|  | 1928 | 1932 |\n|--|--|--|\n| Seats | 12 |  |\n| Votes |  | 3; more: x |",
         [["Seats", "12", ""], ["Votes", "", "3; more: x"]]),
        ("| A | B: |\n|--|--|\n| A: a | b |", [["A: a", "b"]]),
    ],
)  # fmt: skip
def test_no_cell_of_a_table_repeats_its_column(
    tmp_path: Path, table: str, rows: list[list[str]]
) -> None:
    (tmp_path / "a.md").write_text(f"# T\n\n{table}\n", encoding="utf-8")
    html = Notes(read_corpus(tmp_path).sections).page_html(0)
    found = re.findall(r"<td>([^<]*)</td>", html.partition("<tbody>")[2])
    assert found == [cell for row in rows for cell in row]


def test_a_hint_is_set_apart_in_its_style(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(
        '# T\n\nBefore.\n\n{% hint style="warning" %}\nMind this.\n{% endhint %}\n\nAfter.\n'
        '\n{% hint style="\'><b>" %}\nOdd.\n{% endhint %}\n',
        encoding="utf-8",
    )
    html = Notes(read_corpus(tmp_path).sections).page_html(0)
    assert re.findall(r'<div class="(hint [^"]*)" role="note">|>([A-Z][a-z ]+\.)<', html) == [
        ("", "Before."),
        ("hint warning", ""),
        ("", "Mind this."),
        ("", "After."),
        ("hint info", ""),
        ("", "Odd."),
    ]


@given(
    st.lists(
        st.tuples(st.sampled_from([(), ("A", "B"), ("", "A")]), st.text("AB:; a", max_size=12)),
        min_size=1,
        max_size=6,
    )
)
def test_whatever_a_row_says_no_point_is_lost_or_moved(
    rows: list[tuple[tuple[str, ...], str]],
) -> None:
    plain = section("T", texts=[text for _, text in rows])
    points = tuple(replace(p, columns=rows[p.number][0]) for p in plain.points)
    html = Notes((replace(plain, points=points),)).page_html(0)
    ids = [int(number) for number in re.findall(r' id="p-0-(\d+)"', html)]
    assert ids == list(range(len(rows)))
    said = re.sub(r"[:; AB]", "", unescape(TAG.sub("", html)).removeprefix("T"))
    assert said == re.sub(r"[:; AB]", "", "".join(text for _, text in rows))


def test_a_cited_point_is_found_by_its_lines_and_by_text_only_among_sentences() -> None:
    first = Point("First.", "a.md", ("T",), 5, 6, 2)
    second = Point("Second.", "a.md", ("T",), 5, 6, 3)
    notes = Notes((Section("a.md", ("T",), "t", 1, 6, (first, second)),))
    assert notes.find("a.md", 5, 6, "Second.") == second
    assert notes.find("a.md", 5, 6, "reworded") == first
    assert NOTES.find("a.md", 5, 5, "reworded") == NOTES_SECTIONS[1].points[1]
    assert NOTES.find("a.md", 5, 6, "Lenin died in 1924") is None


def test_headings_of_one_path_are_told_apart_by_their_anchor() -> None:
    notes = Notes(
        (
            Section("a.md", ("T", "H"), "h", 1, 1, ()),
            Section("a.md", ("T", "H"), "h-1", 2, 2, ()),
        )
    )
    assert notes.heading_address(("T", "H"), "a.md", "h-1") == "s-0-1"
    assert notes.heading_address(("T", "H"), "a.md", "gone") == "s-0-0"
    assert notes.heading_address(("T", "X"), "a.md", "h") is None
    assert notes.heading_address(("T", "H"), "b.md", "h") is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("farm", ["s-0-1", "p-0-0"]),
        ("LENIN 1924", ["p-0-1"]),
        ("lenin farms", []),
        ("arms", []),
        ("farm's dies", []),
        ("farming", ["s-0-1", "p-0-0"]),
        ("dying Lénin", ["p-0-1"]),
        ("  ", []),
    ],
)
def test_search_finds_words_by_beginnings_and_in_other_forms(query: str, found: list[str]) -> None:
    assert [hit["id"] for hit in NOTES.search(query)] == found


@pytest.mark.parametrize("query", ["collectivisation", "labour", "labourers' women", "WOMAN"])
def test_search_finds_words_in_the_other_spelling(query: str) -> None:
    notes = Notes((section("T", texts=["Women: labor and laborers, collectivization"]),))
    assert [hit["id"] for hit in notes.search(query)] == ["p-0-0"]


def test_an_arrow_is_drawn_and_stays_as_typed() -> None:
    assert text_html("a -> b <c>") == 'a <span class="arrow">-&gt;</span> b &lt;c&gt;'


# ── An answer as HTML ──


def test_a_row_in_an_answer_tells_its_columns_from_its_cells() -> None:
    row = Point("A<: 12; 1930: A<: y", "a.md", ("T",), 2, 2, 0, columns=("A<", "1930"))
    notes = Notes((Section("a.md", ("T",), "t", 1, 2, (row,)),))
    answer = replace(answered(row), query="How many?")
    html = turn_html(Turn("How many?", "done", answer), notes, EN)
    assert (
        '<span class="said"><span class="column over">A&lt;: </span>'
        '<span class="head"><strong>12</strong></span><span class="then">; </span>'
        '<span class="column">1930:</span> A&lt;: y</span>'
    ) in html


@pytest.mark.parametrize(
    ("text", "columns", "parts"),
    [
        (
            "Area: Reparations; Lost: £6,600 million",
            ("Area", "Lost"),
            [
                ("column over", "Area: "),
                ("head", "Reparations"),
                ("then", "; "),
                ("column", "Lost:"),
            ],
        ),
        # The first column has no name, no cell, or no short one.
        ("Army; Lost: all", ("", "Lost"), [("head", "Army"), ("then", "; "), ("column", "Lost:")]),
        ("Lost: all", ("Area", "Lost"), [("column", "Lost:")]),
        ("Lost: all", ("", "Lost"), [("column", "Lost:")]),
        (
            f"Area: {'x' * 61}; Lost: all",
            ("Area", "Lost"),
            [("column", "Area:"), ("then", "; "), ("column", "Lost:")],
        ),
        ("Area: Army", ("Area", "Lost"), [("column over", "Area: "), ("head", "Army")]),
        ("Area: Army; Lost: all", (), []),
        ("Area: Army", ("Area",), []),
    ],
)
def test_the_parts_of_a_row(
    text: str, columns: tuple[str, ...], parts: list[tuple[str, str]]
) -> None:
    assert [(kind, text[start:stop]) for start, stop, kind in row_spans(text, columns)] == parts


@given(st.text("ab;: ", max_size=12), st.lists(st.sampled_from(["", "a", "b", "a b"]), max_size=3))
def test_a_row_in_an_answer_loses_no_letter(text: str, columns: list[str]) -> None:
    row = Point(f"a: {text}", "a.md", ("T",), 2, 2, 0, columns=tuple(columns))
    notes = Notes((Section("a.md", ("T",), "t", 1, 2, (row,)),))
    html = turn_html(Turn("How many?", "done", answered(row)), notes, EN)
    said = html.partition('<span class="said">')[2].partition('<a class="line"')[0]
    assert TAG.sub("", said) == row.text


def test_an_answer_shows_its_points_chip_and_source() -> None:
    points = NOTES_SECTIONS[1].points
    html = turn_html(Turn("Q?", "done", answered(*points)), NOTES, EN)
    assert (
        '<p class="path">Farms <a class="cite" href="#src-0-0.1" title="Soviet Union › Farms">'
        "[1]</a></p>"
    ) in html
    assert '<a class="line" href="#src-0-1" title="Show this point in the notes"></a>' in html
    assert '<span class="where" title="a.md">Soviet Union › Farms</span></li>' in html
    assert "\n" not in html


def test_what_says_the_same_elsewhere_is_told_from_the_source() -> None:
    answer = answered(NOTES_SECTIONS[1].points[0])
    other = Citation(2, ("Soviet Union", "Farms", "Aims"), "a.md", "h", 7, 7)
    answer = replace(
        answer,
        points=(replace(answer.points[0], also=(2,)),),
        citations=(*answer.citations, other),
    )
    html = turn_html(Turn("Q?", "done", answer), NOTES, EN)
    assert (
        '<span class="also">also <a class="cite" href="#src-0-2" '
        'title="Soviet Union › Farms › Aims">[2]</a></span>'
    ) in html


def test_a_growing_answer_shows_its_first_points_and_no_sources_yet() -> None:
    answer = answered(*NOTES_SECTIONS[1].points)
    html = turn_html(Turn("Q?", "waiting", answer, shown=1), NOTES, EN)
    assert "By 1935 all farms" in html
    assert "Lenin died" not in html
    assert "sources" not in html


def test_a_point_of_changed_notes_gets_a_chip_that_says_so() -> None:
    gone = Point("gone", "a.md", ("Soviet Union", "Farms"), 99, 99, 0)
    html = turn_html(Turn("Q?", "done", answered(gone)), NOTES, EN)
    assert 'href="#src-"' in html


def test_a_refusal_names_the_nearest_headings_that_there_are() -> None:
    near = (
        Heading(("Soviet Union", "Farms"), "a.md", "h"),
        Heading(("Soviet Union", "Gone"), "a.md", "g"),
    )
    answer = Answer("Q?", "Q?", False, 0.1, "no", nearest=near, kind="refusal")
    html = turn_html(Turn("Q?", "done", answer), NOTES, EN)
    assert re.findall(r'<a class="see"[^>]*href="([^"]*)">([^<]*)<', html) == [
        ("#see-0-1", "Farms")
    ]


@pytest.mark.parametrize(
    ("query", "corrections", "line"),
    [
        ("what is a kolkhoz", (), None),
        ("What is a kolkhoz?", (Correction("kolhoz", "kolkhoz"),), "Showing notes for kolkhoz"),
        ("aims of collectivization", (), "Searched for: aims of collectivization"),
    ],
)
def test_the_quiet_line_says_only_what_differs(
    query: str, corrections: tuple[Correction, ...], line: str | None
) -> None:
    asked = "What is a kolhoz?" if corrections else "What is a kolkhoz?"
    answer = answered(NOTES_SECTIONS[1].points[0], corrections=corrections)
    answer = Answer(**{**{f: getattr(answer, f) for f in answer.__slots__}, "query": query})
    html = turn_html(Turn(asked, "done", answer), NOTES, EN)
    quiet = re.findall(r'<p class="quiet">([^<]*)</p>', html)
    assert [text.partition(" (")[0] for text in quiet] == ([] if line is None else [line])


def test_a_question_that_was_asked_along_and_is_not_covered_is_named_once_the_answer_is_whole() -> (
    None
):
    answer = replace(
        answered(NOTES_SECTIONS[1].points[0]), uncovered=("and <b>who</b> was Alan Turing?",)
    )
    line = '<p class="missing">Not in the notes: and &lt;b&gt;who&lt;/b&gt; was Alan Turing?</p>'
    assert line in turn_html(Turn("?", "done", answer), NOTES, EN)
    assert line not in turn_html(Turn("?", "waiting", answer, shown=1), NOTES, EN)


@given(st.text(min_size=1))
def test_no_text_of_an_answer_becomes_markup(text: str) -> None:
    notes = Notes((section("T", text, texts=[text, text]),))
    point = CitedPoint(text, ("T", text), "a.md", 2, 2, 0.5, 1)
    answer = Answer(
        text,
        text,
        True,
        0.9,
        text,
        (point,),
        (Citation(1, ("T", text), "a.md", "h", 2, 2),),
        corrections=(Correction(text, text),),
    )
    for turn in (
        Turn(text, "done", answer, follow_ups=(text,)),
        Turn(text, "done", Answer(text, text, False, 1.0, text, kind="reply")),
        Turn(text, "failed", message=text),
    ):
        html = turn_html(turn, notes, EN)
        assert "<" not in TAG.sub("", html)
        allowed = r"</?(?:div|section|p|ul|li|span|a|button|strong|details|summary|br)\b[^<>]*>"
        assert all(re.fullmatch(allowed, tag) for tag in TAG.findall(html))


@given(st.text())
def test_a_question_survives_the_chats_editor(question: str) -> None:
    assert question_typed(question_markdown(question)) == question


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        ("When did Lenin die?", "When did Lenin die?"),
        ("<img src=x>", "\\<img src=x\\>"),
        ("![a](http://b)", "!\\[a\\](http\\://b)"),
        ("1. **x** _y_", "1. \\*\\*x\\*\\* \\_y\\_"),
    ],
)
def test_markup_in_a_question_is_escaped(question: str, shown: str) -> None:
    assert question_markdown(question) == shown


def test_a_misspelt_search_is_read_as_the_notes_spell_it() -> None:
    notes = Notes((section("T", "Rivals", texts=["Bukharin fell", "Farms were merged"]),))
    assert notes.corrected("bukarin farms") == "bukharin farms"
    assert notes.corrected("bukharin") is None
    assert notes.corrected("zzzz") is None


@pytest.mark.parametrize(
    ("question", "text", "emphasised"),
    [
        ("When did Lenin die?", "Lenin died in 1924", ["1924"]),
        ("When was it?", "From 3 March 1918 to 1921-22", ["3 March 1918", "1921-22"]),
        ("How many died?", "In 1932 about 5 million people died", ["5 million"]),
        ("How much rose?", "Coal rose by 150% from 1928", ["150%"]),
        ("Who led the army?", "The army of Lenin was led by Leon Trotsky", ["Leon Trotsky"]),
        ("Who stood against Lenin?", "Against Lenin stood Trotsky", ["Trotsky"]),
        ("Who hated Lenin?", "Against Lenin stood Trotsky", []),
        ("who was bohr and why did he matter", "Bohr mattered to Niels Trotsky", []),
        ("How many died in Auschwitz?", "In the riot 91 people died", []),
        ("How many Germans died?", "In Germany 91 people died", ["91"]),
        ("When did the USA join?", "In 1928 the pact was signed", []),
        ("What were the aims?", "To export by 1930", []),
        ("who was made speaker", "In 1919 Niels Bohr was made speaker", ["Niels Bohr"]),
        ("Who spoke?", "The Social Democrat Niels Bohr spoke on Monday", ["Niels Bohr"]),
        ("who paid in 1932", 'Chancellor Bohr paid, as the "Hunger Chancellor"', ["Bohr"]),
        ("Who led it?", "In May Rosa Luxemburg led the Communists", ["Rosa Luxemburg"]),
        ("Who led it?", "Led by Ludwig van Beethoven", ["Ludwig van Beethoven"]),
        ("who was bohr", "Bohr quarrelled with Trotsky in March", []),
        ("Who leads the SS?", "In the Night of the Long Knives the SS kills Niels Bohr", []),
        ("Who did the SS kill?", "In June the SS killed Niels Bohr", ["Niels Bohr"]),
        ("Who quarrelled?", "Trotsky quarrelled, Lenin agreed", []),
        ("Who sat there?", "The members of the Reichstag sat there", []),
        ("Who ordered it?", "Lenin's murder was ordered in Moscow", []),
        ("Where was it signed?", "It was signed in Versailles in June", ["Versailles"]),
        ("When was it?", "9-10 November 1938: the pogrom", ["9-10 November 1938"]),
        ("When was it?", "The congress of March 15–18 1921", ["March 15–18 1921"]),
    ],
)
def test_what_is_asked_for_is_emphasised(question: str, text: str, emphasised: list[str]) -> None:
    assert [text[start:end] for start, end in key_spans(question, text)] == emphasised


def test_a_person_is_emphasised_only_where_the_question_fits_best() -> None:
    assert key_spans("Who led it?", "Niels Bohr led it", best=False) == []
    assert key_spans("When was it?", "It was in 1920", best=False) == [(10, 14)]


def test_what_a_point_is_about_may_stand_above_it() -> None:
    asked, text = "when did Lenin die", "Died in 1924"
    assert key_spans(asked, text) == []
    assert key_spans(asked, text, headings=("The Soviet Union", "Lenin's death")) == [(8, 12)]


@pytest.mark.parametrize(
    ("question", "query", "corrections", "linked"),
    [
        ("Why?", "Why? (Farms)", (), "Why%3F%20%28Farms%29"),
        ("Why farms?", "why farms", (), "Why%20farms%3F"),
        ("Why frams?", "Why farms?", (Correction("frams", "farms"),), "Why%20frams%3F"),
    ],
)
def test_a_link_asks_the_same_in_a_new_conversation(
    question: str, query: str, corrections: tuple[Correction, ...], linked: str
) -> None:
    answer = answered(NOTES_SECTIONS[1].points[0], question=question, corrections=corrections)
    turn = Turn(question, state="done", answer=replace(answer, query=query))
    assert f'href="?q={linked}"' in turn_html(turn, NOTES, EN)


# ── The conversation as the browser keeps it ──


def test_a_conversation_comes_back_as_it_was() -> None:
    answer = answered(
        NOTES_SECTIONS[1].points[0], corrections=(Correction("a", "b"),), uncovered=("who?",)
    )
    refusal = Answer("Q", "q", False, 0.1, "no", nearest=(Heading(("T",), "a.md", "t"),))
    turns = [
        Turn("Q?", "done", answer, follow_ups=("Why?",), rating="up"),
        Turn("R?", "done", refusal),
        Turn("S?", "failed", message="no"),
        Turn("T?", "stopped", answer, shown=1),
    ]
    assert from_browser(json.loads(json.dumps(to_browser(turns)))) == turns


def test_of_a_conversation_that_only_undo_needs_no_more_than_its_end_is_kept() -> None:
    turns = [Turn(f"{number} {'?' * 30_000}", "done") for number in range(60)]
    spare = to_spare(turns)
    assert len(json.dumps(spare)) <= MOST_SPARE + len(spare) * len(", ")
    assert from_browser(spare) == turns[-len(spare) :]
    assert len(spare) == 33
    assert from_browser(to_spare(turns[:3])) == turns[:3]


def test_a_conversation_that_is_put_away_again_takes_its_own_place() -> None:
    first, second = [Turn("A?", "done")], [Turn("B?", "done")]
    shelf = put_away(second, put_away(first, []))
    assert shelf == [second, first]
    longer = [first[0], Turn("C?", "waiting")]
    assert put_away(longer, shelf) == [[first[0], Turn("C?", "failed")], second]
    assert put_away([], shelf) == shelf
    for number in range(MOST_SHELVED):
        shelf = put_away([Turn(f"{number}?", "done")], shelf)
    assert len(shelf) == MOST_SHELVED
    assert first not in shelf


def test_of_earlier_conversations_as_many_are_kept_as_there_is_room_for() -> None:
    shelf = [[Turn(f"{number} {'?' * 250_000}", "done")] for number in range(MOST_SHELVED)]
    kept = to_shelf(shelf)
    assert len(json.dumps(kept)) <= MOST_SHELF + len(kept) * len(", ")
    assert from_shelf(kept) == shelf[:4]
    # A large one does not keep the others out, and is kept as far as there is room.
    large = [Turn(f"{number} {'?' * 250_000}", "done") for number in range(8)]
    assert from_shelf(to_shelf([large, shelf[0]])) == [large[-4:], shelf[0]][:1]
    assert from_shelf(to_shelf([shelf[0], large])) == [shelf[0], large[-3:]]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_whatever_a_browser_sends_is_survived(raw: object) -> None:
    good = Turn("Q?", "done").to_browser()
    assert from_browser(raw) == from_shelf(raw) == []
    assert from_browser([raw, good]) == [Turn("Q?", "done")]
    assert from_browser([{**good, "answer": {"points": raw}}]) == []


def test_a_turn_left_waiting_is_ended() -> None:
    answer = answered(NOTES_SECTIONS[1].points[0])
    turns = [Turn("a"), Turn("b", "waiting", answer, shown=1), Turn("c", "done")]
    assert [turn.state for turn in ended(turns)] == ["failed", "stopped", "done"]


# ── The log ──


def uncovered(question: str, nearest: str = "Farms") -> Answer:
    near = (Heading(("T", nearest), "a.md", "f"),)
    return Answer(question, question.lower(), False, 0.1, "no", nearest=near, kind="refusal")


def test_gaps_are_grouped_by_their_words_and_the_most_frequent_comes_first(tmp_path: Path) -> None:
    log = Log(tmp_path / "data" / "feedback.jsonl")
    log.add("not covered", uncovered("Who was Rasputin?"))
    log.add("not covered", uncovered("What colour were Lenin's eyes?"))
    log.add("not covered", uncovered("Lenin's eye colour, what colour were the eyes?"))
    log.add("not covered", uncovered("What colour were Lenin's eyes?", "Lenin"))
    log.add("up", answered(NOTES_SECTIONS[1].points[0]))
    assert gaps(tmp_path / "data" / "feedback.jsonl") == (
        Gap(
            "What colour were Lenin's eyes?",
            3,
            ("Lenin's eye colour, what colour were the eyes?",),
            ("T", "Farms"),
        ),
        Gap("Who was Rasputin?", 1, (), ("T", "Farms")),
    )


def test_a_log_that_is_switched_off_keeps_nothing(tmp_path: Path) -> None:
    log = Log(None)
    log.add("down", uncovered("Q"))
    assert not log.kept
    assert list(tmp_path.iterdir()) == []


def test_a_missing_log_is_said(tmp_path: Path) -> None:
    with pytest.raises(AskHistoryError, match=r"There is no log at .*none\.jsonl yet"):
        gaps(tmp_path / "none.jsonl")


@pytest.mark.parametrize("line", ["{", "[]", '{"event": "up"}', "1"])
def test_a_line_that_is_no_event_is_named(tmp_path: Path, line: str) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(f"\n{line}\n", encoding="utf-8")
    with pytest.raises(AskHistoryError, match=r"log\.jsonl:2: this line is not an event"):
        gaps(log)


# ── Words and headers ──


@pytest.mark.parametrize("header", [None, "", "xx", "xx-YY, en;q=0.5", "en-GB", ";q=x,en;q=a"])
def test_english_is_what_there_is(header: str | None) -> None:
    assert words_for(header) == EN


def test_a_language_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "messages").mkdir()
    for tag, words in {"en": {"a": "hello", "b": "bye"}, "de": {"a": "hallo"}}.items():
        (tmp_path / "messages" / f"{tag}.json").write_text(json.dumps(words), encoding="utf-8")
    monkeypatch.setattr("askhistory.ui.words.STATIC", tmp_path)
    languages.cache_clear()
    try:
        assert words_for("fr, de-AT;q=0.8, en;q=0.9")["a"] == "hello"
        assert words_for("fr, de-AT;q=0.8, en;q=0.1") == {"a": "hallo", "b": "bye"}
    finally:
        languages.cache_clear()


def test_every_language_says_everything_with_the_same_placeholders() -> None:
    folder = STATIC / "messages"
    files = {path.stem: json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")}
    assert {"en", "de"} <= set(files)
    said = {
        tag: {key: sorted(re.findall(r"{(\w+)}", text)) for key, text in words.items()}
        for tag, words in files.items()
    }
    assert said == dict.fromkeys(files, said["en"])
    assert all(text.strip() for words in files.values() for text in words.values())


def test_every_word_that_the_page_uses_is_there() -> None:
    package = Path(__file__).resolve().parents[1] / "src" / "askhistory"
    sources = [*(package / "ui").glob("*.py"), *(package / "static").glob("*.js")]
    used = {
        key
        for source in sources
        for key in re.findall(r'words[\[(]\s*"([a-z_]+\.[a-z_]+)"', source.read_text("utf-8"))
    }
    assert len(used) > 30
    assert used <= set(EN)


def test_the_policy_names_the_parents_of_a_space_only_on_a_space(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert "script-src 'self' 'nonce-abc';" in policy("abc")
    assert "frame-ancestors 'self'" in policy("abc")
    assert "huggingface" not in policy("abc")
    monkeypatch.setenv("SPACE_ID", "somebody/notes")
    assert "frame-ancestors 'self' https://huggingface.co" in policy("abc")
