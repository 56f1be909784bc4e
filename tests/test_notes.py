"""Notes → sections of points: what Markdown, GitBook and students write, and what is broken."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from askhistory.notes import parse_page, read_corpus, read_page
from askhistory.schema import CorpusError, Page, Point, Problem

SHARED = Path(__file__).resolve().parents[2] / "shared" / "notes" / "stalins-soviet-union.md"


def parse(markdown: str, path: str = "page.md") -> Page:
    page, problems = parse_page(markdown, path)
    assert problems == ()
    return page


def points(markdown: str) -> list[Point]:
    page = parse(markdown)
    return sorted((p for s in page.sections for p in s.points), key=lambda point: point.number)


def texts(markdown: str) -> list[str]:
    return [point.text for point in points(markdown)]


def outline(markdown: str) -> dict[tuple[str, ...], list[str]]:
    """Heading path below the title → what the points say."""
    return {s.headings[1:]: [p.text for p in s.points] for s in parse(markdown).sections}


# ------------------------------------------------------------------ titles and headings


@pytest.mark.parametrize(
    ("markdown", "path", "title"),
    [
        ("# Weimar\n## Aims\n* a", "x.md", "Weimar"),
        ("---\ntitle: From front\n---\n## Aims\n* a", "x.md", "From front"),
        ("---\ntitle: From front\n---\n# From heading\n* a", "x.md", "From heading"),
        ("---\ntitle: >-\n  Folded\n  title\n---\n* a", "x.md", "Folded title"),
        ("---\ntitle: Stalinâ€™s rise\n---\n* a", "x.md", "Stalin’s rise"),
        ("---\ntitle: 1984\n---\n* a", "x.md", "1984"),
        ("---\ntitle: [not, text]\n---\n* a", "cold-war.md", "Cold war"),
        ("* a", "the_cold-war.md", "The cold war"),
        ("* a", "topics/cold-war/README.md", "Cold war"),
        ("* a", "README.md", "README"),
        ("## Aims\n\n# Late title\n* a", "x.md", "Late title"),
        ("Weimar\n======\n* a", "x.md", "Weimar"),
        ('<h1 align="center">Weimar</h1>\n\n* a', "x.md", "Weimar"),
    ],
)
def test_title(markdown: str, path: str, title: str) -> None:
    assert parse(markdown, path).title == title


def test_headings_nest_and_may_skip_levels() -> None:
    markdown = "# T\n* t\n#### Deep\n* d\n## B\n* b\n### C\n* c\n## E\n* e\n# U\n* u\n## V\n* v"
    assert outline(markdown) == {
        (): ["t"],
        ("Deep",): ["d"],
        ("B",): ["b"],
        ("B", "C"): ["c"],
        ("E",): ["e"],
        ("U",): ["u"],
        ("U", "V"): ["v"],
    }


def test_text_before_the_first_heading_belongs_to_the_title() -> None:
    page = parse("Early words.\n\n# Title\n\n* a")
    assert [(s.headings, s.anchor, s.line, s.end_line) for s in page.sections] == [
        (("Title",), "title", 3, 5)
    ]
    assert [point.text for point in page.sections[0].points] == ["Early words.", "a"]


def test_where_no_heading_is_the_title_has_a_section_without_anchor() -> None:
    page = parse("\n* a\n\n## Aims\n* b", "cold-war.md")
    assert [(s.headings, s.anchor, s.line) for s in page.sections] == [
        (("Cold war",), "", 2),
        (("Cold war", "Aims"), "aims", 4),
    ]


@pytest.mark.parametrize(
    ("heading", "text", "anchor"),
    [
        ("## 🪖 Stalin's rise", "🪖 Stalin's rise", "stalins-rise"),
        ("## ðŸª– Stalinâ€™s rise", "🪖 Stalin’s rise", "stalins-rise"),
        ("### **Industrialization**", "Industrialization", "industrialization"),
        ("### Women's work&#x20;", "Women's work", "womens-work"),
        ("## _Aims_ & `code` [link](x.md)", "Aims & code link", "aims-and-code-link"),
        ("## Aims ##", "Aims", "aims"),
        ("##Aims", "Aims", "aims"),
        ('## Aims <a href="#a-1" id="a-1"></a>', "Aims", "a-1"),
        ("Aims\n----", "Aims", "aims"),
    ],
)
def test_heading_text_and_anchor(heading: str, text: str, anchor: str) -> None:
    section = parse(f"# T\n\n{heading}\n\n* a").sections[1]
    assert (section.headings, section.anchor, section.line) == (("T", text), anchor, 3)


def test_duplicate_headings_get_numbered_anchors() -> None:
    page = parse("# T\n## Results\n* a\n## Results\n* b\n### Results\n* c")
    assert [section.anchor for section in page.sections] == [
        "t",
        "results",
        "results-1",
        "results-2",
    ]
    assert page.sections[3].headings == ("T", "Results", "Results")


def test_a_heading_without_text_is_none() -> None:
    assert outline("# T\n##\n* a\n## 🪖\n* b") == {(): ["a", "b"]}


def test_a_paragraph_ruled_off_by_hyphens_is_no_heading() -> None:
    assert outline("# T\nIt ended in 1918.\n---\n* a") == {(): ["It ended in 1918.", "a"]}
    assert outline("# T\nDawes 1924\nYoung 1929\n---\n* a") == {
        (): ["Dawes 1924", "Young 1929", "a"]
    }


def test_a_section_spans_from_its_heading_to_its_last_point() -> None:
    page = parse("# T\n\n## A\n\n* **Aims**\n  * x\n* last\n\n## Empty\n\n## B\n* b")
    assert [(s.headings[-1], s.line, s.end_line) for s in page.sections] == [
        ("T", 1, 1),
        ("A", 3, 7),
        ("Aims", 5, 6),
        ("Empty", 9, 9),
        ("B", 11, 12),
    ]


# ---------------------------------------------------------------------- group headings


def test_a_bold_bullet_with_points_below_is_a_group_heading() -> None:
    page = parse(
        "# T\n## Farms\n* first\n* **Aims**\n  * grain\n  * power\n* **Results:**\n  * famine\n"
        "* **Farms -> famine -> failure**\n"
    )
    assert [(s.headings, s.anchor, s.line, s.group) for s in page.sections] == [
        (("T",), "t", 1, False),
        (("T", "Farms"), "farms", 2, False),
        (("T", "Farms", "Aims"), "farms", 4, True),
        (("T", "Farms", "Results"), "farms", 7, True),
    ]
    assert [[p.text for p in s.points] for s in page.sections[1:]] == [
        ["first", "Farms -> famine -> failure"],
        ["grain", "power"],
        ["famine"],
    ]
    assert [(p.text, p.depth, p.parent) for p in page.sections[2].points] == [
        ("grain", 0, None),
        ("power", 0, None),
    ]


@pytest.mark.parametrize(
    "bullet",
    [
        "**Aims**",
        "**Aims:**",
        "**Aims**:",
        "__Aims__",
        "***Aims***",
        "** Aims **",
        "**Aims**&#x20;",
        "<b>Aims</b>",
        "**A**ims".replace("ims", "**ims**"),
    ],
)
def test_bold_text_is_a_group_heading_however_it_is_written(bullet: str) -> None:
    assert outline(f"# T\n* {bullet}\n  * a")[("Aims",)] == ["a"]


def test_groups_nest() -> None:
    markdown = "# T\n1. **Aims**\n   * **Short**\n     * a\n   * **Long**\n     * b\n   * c\n2. d"
    assert outline(markdown) == {
        (): ["d"],
        ("Aims",): ["c"],
        ("Aims", "Short"): ["a"],
        ("Aims", "Long"): ["b"],
    }


@pytest.mark.parametrize(
    ("bullet", "role"),
    [
        ("**Coal -> steel -> power**", "chain"),
        ("**S: Power grew**", "summary"),
        ("**Stalin won.**", "summary"),
        ("**" + "long " * 17 + "statement**", "summary"),
        ("**Aims** of the plan", "plain"),
        ("Aims", "plain"),
    ],
)
def test_what_states_something_stays_a_point_with_points_below(bullet: str, role: str) -> None:
    first, second = points(f"# T\n* {bullet}\n  * below")
    assert (first.role, first.depth) == (role, 0)
    assert (second.text, second.depth, second.parent) == ("below", 1, first.number)


def test_a_bold_bullet_with_nothing_below_is_a_point() -> None:
    assert outline("# T\n* **Aims**\n* a") == {(): ["Aims", "a"]}


@pytest.mark.parametrize(
    "lead_in", ["**Aims**\n\n", "**Aims**\n", "**Aims:**\n", "__Aims__:\n", "**Aims**\\\n"]
)
def test_a_lead_in_above_a_list_is_a_group_heading(lead_in: str) -> None:
    markdown = f"# T\nBefore.\n\n{lead_in}* a\n* b\n\nOR\n\n- c\n\nAfter."
    assert outline(markdown) == {(): ["Before.", "After."], ("Aims",): ["a", "b", "c"]}


def test_lead_ins_between_the_bullets_of_one_list_part_it() -> None:
    assert outline("# T\n* x\n**Aims**\n* a\n**Results**\n* b\n  * c") == {
        (): ["x"],
        ("Aims",): ["a"],
        ("Results",): ["b", "c"],
    }


def test_a_lead_in_above_lines_or_a_paragraph_is_a_group_heading() -> None:
    markdown = "# T\n**Aims**\nGrain - 1928\nPower - 1929\n\n**Results**\n\nFamine came. Many fled."
    assert outline(markdown) == {
        (): [],
        ("Aims",): ["Grain - 1928", "Power - 1929"],
        ("Results",): ["Famine came.", "Many fled."],
    }


def test_a_short_text_that_ends_in_a_colon_heads_what_follows() -> None:
    markdown = (
        "# T\nProblems:\n* debt\n* strikes\n\nGolden age 1924-29 :\nDawes Plan\nRentenmark\n"
        "Results:\ngrowth\n\n* Effects:\n  * riots\n* Why:\n\nOut of\nthe many plans of the"
        " leaders these came true:\n* one\n\nAt the end of all that he had done he said the"
        " following words:\n* two\n"
    )
    assert outline(markdown) == {
        (): [
            "Why:",
            "Out of the many plans of the leaders these came true:",
            "one",
            "At the end of all that he had done he said the following words:",
            "two",
        ],
        ("Problems",): ["debt", "strikes"],
        ("Golden age 1924-29",): ["Dawes Plan", "Rentenmark"],
        ("Results",): ["growth"],
        ("Effects",): ["riots"],
    }


def test_lead_ins_stand_beside_each_other() -> None:
    markdown = "# T\nAims:\n\nGrain grew.\n\nResults:\n\nFamine came.\n\n**Verdict**\n\nBad."
    assert outline(markdown) == {
        (): [],
        ("Aims",): ["Grain grew."],
        ("Results",): ["Famine came."],
        ("Verdict",): ["Bad."],
    }


def test_a_bold_statement_is_no_lead_in() -> None:
    assert outline("# T\n**It failed.**\n\n**It won**\n\nOR\n\n**It drew**\n\n## B\n* b") == {
        (): ["It failed.", "It won", "It drew"],
        ("B",): ["b"],
    }


def test_bold_words_that_fill_a_line_of_wrapped_prose_are_no_lead_in() -> None:
    markdown = "# T\nGermany hated the\n**Treaty of Versailles**\nand wanted it revised."
    assert texts(markdown) == ["Germany hated the Treaty of Versailles and wanted it revised."]


# -------------------------------------------------------------------------------- points


def test_bullets_of_any_kind_and_depth() -> None:
    markdown = "# T\n* a\n  - b\n    + c\n      1. d\n* e\n\n1) f\n2) g\n"
    assert [(p.text, p.depth, p.parent, p.line) for p in points(markdown)] == [
        ("a", 0, None, 2),
        ("b", 1, 0, 3),
        ("c", 2, 1, 4),
        ("d", 3, 2, 5),
        ("e", 0, None, 6),
        ("f", 0, None, 8),
        ("g", 0, None, 9),
    ]


def test_bullets_indented_too_little_stand_where_they_were_meant() -> None:
    assert outline("# T\n1. **Aims**\n  * a\n    * b\n  * c\n2. **Results**\n   * d\n3. e") == {
        (): ["e"],
        ("Aims",): ["a", "b", "c"],
        ("Results",): ["d"],
    }
    assert outline("# T\n* **Aims**\n * a\n * b\n* c") == {(): ["c"], ("Aims",): ["a", "b"]}
    nested = points("# T\n10. a\n  - b\n  - c\n* d\n * e\n\ntext\n\n\t* f")
    assert [(p.text, p.depth, p.parent) for p in nested[:5]] == [
        ("a", 0, None),
        ("b", 1, 0),
        ("c", 1, 0),
        ("d", 0, None),
        ("e", 0, None),
    ]


def test_bullets_pasted_from_elsewhere() -> None:
    assert texts("# T\n• a\n• b\n  ◦ c") == ["a", "b", "c"]


def test_a_bullet_of_several_sentences_and_lines_is_one_point() -> None:
    (point,) = points("# T\n\n* It began in 1928.\n  It ended\nin 1932.\n")
    assert (point.text, point.line, point.end_line) == ("It began in 1928. It ended in 1932.", 3, 5)


def test_paragraphs_in_a_bullet_stand_below_it() -> None:
    assert [(p.text, p.depth, p.parent) for p in points("# T\n* a\n\n  One. Two.\n")] == [
        ("a", 0, None),
        ("One.", 1, 0),
        ("Two.", 1, 0),
    ]


def test_a_year_that_markdown_takes_for_a_list_number_is_kept() -> None:
    assert [
        (p.text, p.role) for p in points("# T\n1919. Treaty\n1920. **Putsch**\n\n1. First")
    ] == [
        ("1919. Treaty", "plain"),
        ("1920. Putsch", "summary"),
        ("First", "plain"),
    ]


@pytest.mark.parametrize(
    ("written", "clean"),
    [
        ("in **1922**, Stalin", "in 1922, Stalin"),
        ("his rul**e**", "his rule"),
        ("Stalin&#x20;", "Stalin"),
        ("&#x20;**won**", "won"),
        ("Debt &amp; fear&nbsp;of war", "Debt & fear of war"),
        ("Soviet Union  first", "Soviet Union first"),
        ("_very_ *much* ***so***", "very much so"),
        ("**Plan (1928):**Coal", "Plan (1928):Coal"),
        ("** Plan: ** coal", "Plan: coal"),
        ("see [Lenin](https://example.org/a_b)", "see Lenin"),
        ("![Poster of 1936](.gitbook/a.png)", "Poster of 1936"),
        ('![alt](a.png "Poster")', "Poster"),
        ("text ![image (3).png](a.png) more", "text more"),
        ("H<sub>2</sub>O <mark style='color:red'>red</mark> <u>line</u>", "H2O red line"),
        ("one<br>two<br/>three", "one two three"),
        ("a <!-- remark --> b", "a b"),
        ("snake_case 5 * 3 = 15", "snake_case 5 * 3 = 15"),
        ("`code` and $$E=mc^2$$", "code and $$E=mc^2$$"),
        ("~~1925~~ 1924", "1924"),
        ("<del>1925</del> 1924", "1924"),
        ("[x] done", "done"),
        ("fact[^1]", "fact"),
        ("Stalinâ€™s kolkhozâ€”farms", "Stalin’s kolkhoz—farms"),
        ("a\\*b\\_c", "a*b_c"),
        ("trailing\\", "trailing"),
        ("1 &lt; 2 &lt;b&gt;", "1 < 2 <b>"),
        ("far-\n  reaching", "far-reaching"),
    ],
)
def test_text_is_clean(written: str, clean: str) -> None:
    assert texts(f"# T\n* {written}\n") == [clean]


@pytest.mark.parametrize(
    ("written", "text", "role"),
    [
        ("It grew", "It grew", "plain"),
        ("**It grew**", "It grew", "summary"),
        ("**It grew**.", "It grew.", "summary"),
        ("**It** grew", "It grew", "plain"),
        ("S: It grew. It won.", "It grew. It won.", "summary"),
        ("**S:** It grew", "It grew", "summary"),
        ("Summary: it grew", "it grew", "summary"),
        ("conclusion : it grew", "it grew", "summary"),
        ("USSR: it grew", "USSR: it grew", "plain"),
        ("Coal -> steel", "Coal -> steel", "chain"),
        ("Coal-> steel", "Coal-> steel", "chain"),
        ("**Coal → steel => power**", "Coal → steel => power", "chain"),
        ("S: Coal --> steel", "Coal --> steel", "chain"),
        ("-> steel", "-> steel", "plain"),
        ("1928-1932", "1928-1932", "plain"),
    ],
)
@pytest.mark.parametrize("prefix", ["* ", ""])
def test_roles(prefix: str, written: str, text: str, role: str) -> None:
    (point,) = points(f"# T\n{prefix}{written}\n")
    assert (point.text, point.role) == (text, role)


@pytest.mark.parametrize(
    "nothing", ["OR", "* OR", "**OR**", "* —", "***", "~~gone~~", "* [ ] ", "* S:", "[^1]"]
)
def test_what_says_nothing_is_no_point(nothing: str) -> None:
    assert texts(f"# T\n* a\n\n{nothing}\n\n* b\n") == ["a", "b"]


def test_a_lone_or_right_below_a_bullet_is_not_part_of_it() -> None:
    assert [(p.text, p.line) for p in points("# T\n* a\nOR\n* b\n  * c\n  OR\n  * d")] == [
        ("a", 2),
        ("b", 4),
        ("c", 5),
        ("d", 7),
    ]


def test_sentences_know_their_lines() -> None:
    markdown = (
        "# T\n\nThe government, led e.g. by Dr. Stresemann, signed the\n"
        "treaty in 1925. It agreed **borders** for Germany and\nBelgium. Then\nhe left.\n"
    )
    assert [(p.text, p.line, p.end_line) for p in points(markdown)] == [
        ("The government, led e.g. by Dr. Stresemann, signed the treaty in 1925.", 3, 4),
        ("It agreed borders for Germany and Belgium.", 4, 5),
        ("Then he left.", 5, 6),
    ]


def test_a_code_span_over_two_lines_blurs_lines_but_stays_within_the_paragraph() -> None:
    assert [(p.text, p.line, p.end_line) for p in points("# T\nA `b\nc` d. Then e.\n")] == [
        ("A b c d.", 2, 3),
        ("Then e.", 2, 3),
    ]


FACTS = "Locarno Treaty - 1925 - agreed borders\nDawes Plan - 1924 - loans\nYoung Plan - 1929"


@pytest.mark.parametrize(
    ("markdown", "first"),
    [
        (FACTS, 2),
        (f"```\n{FACTS}\n```", 3),
        (f"~~~text\n{FACTS}\n~~~", 3),
        (f"```notes\n{FACTS}", 3),
        ("\n    " + FACTS.replace("\n", "\n    "), 3),
        (FACTS.replace("\n", "  \n"), 2),
        (FACTS.replace("\n", "\\\n"), 2),
        ("> " + FACTS.replace("\n", "\n> "), 2),
        (f"<p>\n{FACTS}\n</p>", 3),
    ],
)
def test_lines_that_stand_alone_are_a_point_each(markdown: str, first: int) -> None:
    assert [(p.text, p.line, p.end_line) for p in points(f"# T\n{markdown}\n")] == [
        (fact, first + i, first + i) for i, fact in enumerate(FACTS.split("\n"))
    ]


def test_typed_breaks_in_a_paragraph_part_its_points() -> None:
    assert texts("# T\nthe plan<br>the result") == ["the plan", "the result"]


def test_bullets_and_groups_in_a_fence() -> None:
    markdown = "# T\n```\nFirst fact\n\n- **Aims**\n  - a\n  - b\nOR\n- # c\n```\n"
    assert outline(markdown) == {(): ["First fact", "# c"], ("Aims",): ["a", "b"]}


def test_prose_in_a_fence_gives_sentences() -> None:
    markdown = (
        "# T\n```\nStalin was appointed General Secretary in 1922, which few\n"
        "thought important. He used the post\nto place allies.\n```\n"
    )
    assert [(p.text[-11:], p.line, p.end_line) for p in points(markdown)] == [
        (" important.", 3, 4),
        ("ace allies.", 4, 5),
    ]


@pytest.mark.parametrize(
    "tag", ["python", "js", "{.python}", 'js title="a.js"', "mermaid", "json", "c++", "BASH"]
)
def test_code_in_a_language_is_left_out(tag: str) -> None:
    assert texts(f"# T\n* a\n\n```{tag}\nprint('no')\n{{% tab title='no' %}}\n```\n\n* b") == [
        "a",
        "b",
    ]


def test_a_row_of_a_table_is_a_point_with_its_columns() -> None:
    markdown = (
        "# T\n\n| Plan | Year: | |\n|---|:-:|---|\n| **Dawes** | 1924 | loans<br>and *trust* |\n"
        "| | 1929 | |\n| Coal -> steel |\n\n| only | columns |\n|---|---|\n"
    )
    assert [(p.text, p.line, p.end_line, p.role) for p in points(markdown)] == [
        ("Plan: Dawes; Year: 1924; loans and trust", 5, 5, "plain"),
        ("Year: 1929", 6, 6, "plain"),
        ("Plan: Coal -> steel", 7, 7, "chain"),
    ]


# ------------------------------------------------------------------------ GitBook, HTML


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ('{% hint style="info" %}\nNot for *essays*.\n{% endhint %}', ["Not for essays."]),
        ('* a\n{% hint style="info" %}\n* b\n{% endhint %}\n* c', ["a", "b", "c"]),
        ('{% content-ref url="b.md" %}\n[b.md](b.md)\n{% endcontent-ref %}', []),
        ('{% embed url="https://example.org" %}', []),
        ('{% embed url="https://example.org" caption="Newsreel" %}', ["Newsreel"]),
        ('{% embed url="https://example.org" %}\nNewsreel\n{% endembed %}', ["Newsreel"]),
        ('{% file src="a.pdf" %}\nSource sheet\n{% endfile %}', ["Source sheet"]),
        ('{% code title="a" %}\n```js\nno()\n```\n{% endcode %}', []),
        ("{% code %}\n```\nFact - 1925\n```\n{% endcode %}", ["Fact - 1925"]),
        ('{% @mermaid/diagram content="a\n-> b" %}', []),
        ("{% columns %}\n{% column %}\n* a\n{% endcolumn %}\n{% endcolumns %}", ["a"]),
        (
            '<figure><img src="a.png" alt="alt"><figcaption><p>A <b>poster</b></p></figcaption>'
            "</figure>",
            ["A poster"],
        ),
        ('<figure><img src="a" alt="A poster"><figcaption></figcaption></figure>', ["A poster"]),
        ('<figure><img src="a" alt="a.png"><figcaption></figcaption></figure>', []),
        ('<p align="center"><img src="a" alt="A poster"></p>', ["A poster"]),
        ("<p>One. Two.</p>\n<p>Three</p>", ["One.", "Two.", "Three"]),
        ("<ul><li>one</li><li>two &amp; three</li></ul>", ["one", "two & three"]),
        ("<div>\n* a\n</div>", ["a"]),
        ("<style>p {}</style>\n\n<script>no()</script>", []),
        ("<!-- a\nremark -->\n* b", ["b"]),
        ("[^1]: A note at the foot.", ["A note at the foot."]),
        ("* [Aims](#aims)\n* [Next](../next.md)\n* [Web](https://example.org)", ["Web"]),
        ("> Peace, Land and Bread", ["Peace, Land and Bread"]),
        ("1. a\n\n***\n\n2. b", ["a", "b"]),
    ],
)
def test_blocks(block: str, expected: list[str]) -> None:
    assert texts(f"# T\n\n{block}\n") == expected


def test_html_tables_are_read_without_their_hidden_columns() -> None:
    markdown = (
        "# T\n\n<table><thead><tr><th>Plan</th><th data-hidden>x</th><th>Year</th></tr></thead>\n"
        "<tbody><tr><td><strong>Dawes</strong></td><td>h</td><td>1924</td></tr>\n"
        "<tr><td>Young</td><td>h</td><td>19<br>29</td></tr></tbody></table>\n"
    )
    assert [(p.text, p.line) for p in points(markdown)] == [
        ("Plan: Dawes; Year: 1924", 4),
        ("Plan: Young; Year: 19 29", 5),
    ]


def test_headings_in_html() -> None:
    assert outline("# T\n\n<h2>Aims</h2>\n\n* a") == {(): [], ("Aims",): ["a"]}


def test_points_know_the_hint_they_stand_in_and_its_lead_ins_end_with_it() -> None:
    markdown = (
        '# T\n\n**Aims:**\n\n{% hint style="warning" %}\n* one\n\n**Mind:**\n\n* two\n'
        "{% endhint %}\n\n* three\n\n{% hint %}\nFour.\n{% endhint %}\n"
    )
    assert outline(markdown) == {
        (): ["three", "Four."],
        ("Aims",): ["one"],
        ("Mind",): ["two"],
    }
    assert {point.text: point.hint for point in points(markdown)} == {
        "one": "warning", "two": "warning", "three": "", "Four.": "info",
    }  # fmt: skip


def test_rows_know_their_columns() -> None:
    rows = points("|  | 1928: | A |\n|--|--|--|\n| x | 1 |  |\n\nAfter.")
    assert [(row.text, row.columns) for row in rows] == [
        ("x; 1928: 1", ("", "1928", "A")),
        ("After.", ()),
    ]


def test_tabs_and_details_are_group_headings() -> None:
    page = parse(
        '# T\n## Verdict\n* v\n\n{% tabs %}\n{% tab title="It\'s a **success**" %}\n* good\n'
        '{% endtab %}\n\n{% tab title="Failure" %}\n* bad\n\n### Costs\n* high\n{% endtab %}\n'
        "{% endtabs %}\n\nBetween.\n\n<details>\n\n<summary>More <b>results</b></summary>\n\n"
        "* hidden\n\n</details>\n\nAfter."
    )
    assert [
        (s.headings[1:], s.anchor, s.line, s.group, [p.text for p in s.points])
        for s in page.sections[1:]
    ] == [
        (("Verdict",), "verdict", 2, False, ["v", "Between.", "After."]),
        (("Verdict", "It's a success"), "verdict", 6, True, ["good"]),
        (("Verdict", "Failure"), "verdict", 10, True, ["bad"]),
        (("Verdict", "Failure", "Costs"), "costs", 13, False, ["high"]),
        (("Verdict", "More results"), "verdict", 22, True, ["hidden"]),
    ]


def test_the_steps_of_a_stepper_do_not_run_into_each_other() -> None:
    markdown = (
        "# T\n{% stepper %}\n{% step %}\n**One**\n\nDo this.\n{% endstep %}\n{% step %}\n"
        "Do that.\n{% endstep %}\n{% step %}\n### Three\nStop.\n{% endstep %}\n{% endstepper %}"
    )
    assert outline(markdown) == {(): ["Do that."], ("One",): ["Do this."], ("Three",): ["Stop."]}


# --------------------------------------------------------------------- lines and bytes


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_lines_are_those_of_the_file(end: str, mark: str) -> None:
    markdown = "---\ntitle: x\n---\n\n# T\n\n* a\n\nOne.\nTwo.\n"
    page = parse(mark + markdown.replace("\n", end))
    assert page.title == "T"
    assert [(p.text, p.line) for p in page.sections[0].points] == [
        ("a", 7),
        ("One.", 9),
        ("Two.", 10),
    ]


def test_other_separators_do_not_count_as_lines() -> None:
    assert [p.line for p in points("# T\u2028x\x0c\x85\n* a\n")] == [2]


@pytest.mark.parametrize(
    "markdown",
    ["---\n\n# T\n\n* a\n\n---\n\n* b", "---\n# T\n* a\n* b", "---\nOne: two\n---\n# T\n* a\n* b"],
)
def test_a_rule_at_the_top_does_not_swallow_notes(markdown: str) -> None:
    assert texts(markdown) == ["a", "b"]


def test_broken_front_matter_is_passed_over_and_said() -> None:
    page, problems = parse_page("---\ntitle: 'open\nb: 2\n---\n# T\n* a", "x.md")
    assert [point.text for point in page.sections[0].points] == ["a"]
    assert [(p.page, p.line, "front matter is broken" in p.message) for p in problems] == [
        ("x.md", 3, True)
    ]


def test_front_matter_that_is_never_closed_ends_before_the_notes() -> None:
    page, problems = parse_page("---\ntitle: open\ncover: x\n\n# T\n* a", "x.md")
    assert (page.title, [point.line for point in page.sections[0].points]) == ("T", [6])
    assert [str(problem) for problem in problems] == [
        "x.md:1: the front matter is never closed; put a line of three hyphens (---) after it"
    ]


def test_a_comment_that_is_never_closed_swallows_nothing() -> None:
    page, problems = parse_page("# T\n* a\n<!-- remark\n* b", "x.md")
    assert [point.text for point in page.sections[0].points] == ["a remark", "b"]
    assert problems == (
        Problem("x.md", 3, "the comment opened here is never closed; close it with -->"),
    )


def test_lists_too_deep_to_be_read_are_said_to_be() -> None:
    page, problems = parse_page("\n".join("  " * i + f"* level {i}" for i in range(70)), "x.md")
    assert page.sections[0].points[45].text == "level 45"
    assert [problem.line for problem in problems] == [len(page.sections[0].points)]
    assert "nested too deeply" in problems[0].message


# ------------------------------------------------------------------------- the corpus


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A corpus of one good page."""
    root = tmp_path / "notes"
    root.mkdir()
    (root / "good.md").write_text("# Good\n* a point\n", "utf-8")
    return root


def test_pages_are_sorted_and_hashed(folder: Path) -> None:
    (folder / "b").mkdir()
    (folder / "b" / "deep.MARKDOWN").write_text("# Deep\n* d", "utf-8")
    (folder / "a.md").write_text("# A\n* x", "utf-8")
    (folder / "SUMMARY.md").write_text("# Table of contents\n* [A](a.md)", "utf-8")
    (folder / "notes.txt").write_text("not Markdown", "utf-8")
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "no.md").write_text("# No\n* n", "utf-8")
    seen: list[str] = []
    corpus = read_corpus(folder, progress=seen.append)
    assert [page.path for page in corpus.pages] == ["a.md", "b/deep.MARKDOWN", "good.md"]
    assert seen == ["a.md", "b/deep.MARKDOWN", "good.md"]
    assert corpus.problems == ()
    assert corpus.pages[0].sha256 == hashlib.sha256(b"# A\n* x").hexdigest()
    assert [section.headings for section in corpus.sections] == [("A",), ("Deep",), ("Good",)]


BAD = {
    "utf8": (b"# T\n* fine\n* caf\xe9\n", 3, "is not valid UTF-8 (byte 0xe9); save it as UTF-8"),
    "utf16": ("# T\n* a".encode("utf-16"), 1, "is UTF-16; save it as UTF-8"),
    "empty": (b"", None, "is empty; write notes into it or remove it"),
    "blank": (b"\xef\xbb\xbf \r\n\t\n", None, "is empty; write notes into it or remove it"),
    "binary": (
        b"PNG\n\x00\x01\x02",
        2,
        "holds binary data, not Markdown; remove it or give it its real ending",
    ),
    "large": (b"* a\n" * 300, None, "is 0.0 MB, over the limit of 0.0 MB"),
    "nothing": (b"---\na: b\n---\n", None, "holds no heading and no point; write notes into it"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_page_is_named_and_the_rest_is_read(name: str, folder: Path) -> None:
    data, line, message = BAD[name]
    (folder / "bad.md").write_bytes(data)
    corpus = read_corpus(folder, max_bytes=1000)
    assert [page.path for page in corpus.pages] == ["good.md"]
    (problem,) = corpus.problems
    assert (problem.page, problem.line) == ("bad.md", line)
    assert problem.message.startswith(message)
    with pytest.raises(CorpusError, match=r"--strict.*\nbad\.md") as caught:
        read_corpus(folder, strict=True, max_bytes=1000)
    assert message in str(caught.value)
    with pytest.raises(CorpusError, match=r"^bad\.md"):
        read_page(folder / "bad.md", folder, max_bytes=1000)


def test_a_huge_page_is_told_by_its_size_without_being_read(folder: Path) -> None:
    with (folder / "huge.md").open("wb") as file:
        file.truncate(50_000_000)
    assert [str(problem) for problem in read_corpus(folder).problems] == [
        "huge.md: is 50.0 MB, over the limit of 5.0 MB; split it into smaller pages"
    ]


def test_a_partly_broken_page_is_read_unless_strict(folder: Path) -> None:
    (folder / "broken.md").write_text("---\ntitle: [\n---\n# B\n* b", "utf-8")
    corpus = read_corpus(folder)
    assert [page.title for page in corpus.pages] == ["B", "Good"]
    assert [problem.page for problem in corpus.problems] == ["broken.md"]
    with pytest.raises(CorpusError, match=r"broken\.md:\d: the front matter is broken"):
        read_corpus(folder, strict=True)


def test_links_out_of_the_folder_are_not_followed(folder: Path) -> None:
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "secret.md").write_text("# Secret\n* s", "utf-8")
    (folder / "file.md").symlink_to(outside / "secret.md")
    (folder / "folder").symlink_to(outside)
    (folder / "loop.md").symlink_to(folder / "loop.md")
    corpus = read_corpus(folder)
    assert [page.path for page in corpus.pages] == ["good.md"]
    message = "is a link that leads out of the folder; copy the notes into the folder"
    assert [str(problem) for problem in corpus.problems] == [
        f"folder: {message}",
        f"file.md: {message}",
        f"loop.md: {message}",
    ]
    with pytest.raises(CorpusError, match="leads out of the folder"):
        read_page(folder / "file.md", folder)


def test_links_within_the_folder_are_read(folder: Path) -> None:
    (folder / "again.md").symlink_to(folder / "good.md")
    (folder / "round").symlink_to(folder)
    corpus = read_corpus(folder)
    assert [page.path for page in corpus.pages] == ["again.md", "good.md"]
    assert corpus.problems == ()


def test_what_is_no_file_is_passed_over(folder: Path) -> None:
    os.mkfifo(folder / "pipe.md")
    assert [str(problem) for problem in read_corpus(folder).problems] == [
        "pipe.md: is not a regular file; replace it with one"
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_passed_over(folder: Path) -> None:
    (folder / "shut.md").write_text("# S\n* s", "utf-8")
    (folder / "shut.md").chmod(0)
    (folder / "closed").mkdir(mode=0)
    assert [str(problem) for problem in read_corpus(folder).problems] == [
        "closed: cannot be listed (Permission denied); allow reading the folder",
        "shut.md: cannot be read (Permission denied); mend or remove it",
    ]


def test_names_that_are_not_utf8_are_readable_in_the_corpus(folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.md")).write_text("* c", "utf-8")
    page = read_corpus(folder).pages[0]
    assert (page.path, page.title) == ("caf\ufffd.md", "Caf\ufffd")


def test_a_missing_folder_names_the_command(tmp_path: Path) -> None:
    missing = tmp_path / "none"
    with pytest.raises(CorpusError) as caught:
        read_corpus(missing)
    assert str(caught.value) == (
        f"{missing}: there is no such folder. Put notes in Markdown (.md) there, then run: "
        f"askhistory index --corpus {missing}"
    )


@pytest.mark.parametrize("name", ["a" * 5000, "nul\0"])
def test_an_impossible_folder_is_an_error_like_any_other(name: str, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"the folder cannot be read .*askhistory index --corpus"):
        read_corpus(tmp_path / name)


def test_a_file_in_place_of_a_folder_names_the_command(folder: Path) -> None:
    with pytest.raises(CorpusError, match=rf"not a folder.*askhistory index --corpus {folder}$"):
        read_corpus(folder / "good.md")


@pytest.mark.parametrize(
    ("files", "what"),
    [
        ({}, "no Markdown file"),
        ({"SUMMARY.md": "# S\n* [a](a.md)"}, "no Markdown file"),
        ({"a.md": ""}, "no notes that can be read"),
        ({"a.md": "# Only a heading"}, "no notes that can be read"),
    ],
)
def test_a_folder_without_a_point_is_an_error(
    files: dict[str, str], what: str, tmp_path: Path
) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(CorpusError, match=f"{what}.*askhistory index --corpus") as caught:
        read_corpus(tmp_path)
    assert ("a.md: is empty" in str(caught.value)) == (files.get("a.md") == "")


# ---------------------------------------------------------------------- a page in full


@pytest.mark.skipif(not SHARED.is_file(), reason="the raw notes are not beside the project")
def test_raw_notes_of_a_student() -> None:
    page = read_page(SHARED, SHARED.parent)
    assert page.title == "🪖 Stalin's Soviet union"
    sections = {section.headings[1:]: section for section in page.sections}
    above = ("Economic impact of Stalin", "Collectivization")
    aims = sections[(*above, "Aims")]
    assert (aims.anchor, aims.group) == ("collectivization", True)
    assert [(point.line, point.text) for point in aims.points] == [
        (102, 'To be more in line with the Party\'s motto of "Peace, Land and Bread for all"'),
        (103, "To aid rapid industrialization"),
        (104, "To promise a more secure food supply for factory workers"),
        (105, "To export crops to other countries to raise funds for industrialization"),
    ]
    assert [point.role for point in sections[above].points] == [*["plain"] * 4, "chain", "chain"]
    assert [len(sections[(*above, name)].points) for name in ("Measures", "Results")] == [6, 6]
    assert len(page.sections) == 27
    assert sum(len(section.points) for section in page.sections) == 159
    said = [point.text for section in page.sections for point in section.points]
    assert [text for text in said if "**" in text or "&#" in text or text == "OR"] == []
