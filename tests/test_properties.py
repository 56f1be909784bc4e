"""What holds from any notes to any answer: chunker, composer, conversation, what a browser keeps.

The parser's own properties stand in test_notes_properties.py. `make fuzz` tries 20,000 examples of
each; nothing here is as slow as an encoder.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from askhistory.answering import cite, compose, escape, path
from askhistory.chunking import cut, heading_text, split
from askhistory.conversation import standalone
from askhistory.lexicon import Lexicon, is_stopword, words
from askhistory.notes import read_corpus
from askhistory.schema import CorpusError, Page, Section
from askhistory.selection import Chosen
from askhistory.text import count_tokens
from askhistory.ui.answers import question_markdown, question_typed
from askhistory.ui.turns import MOST_TURNS, ended, from_browser, questions, to_browser
from test_notes_properties import MARKDOWN, in_order, parse


def squeezed(text: str) -> str:
    return "".join(text.split())


# ── Notes to passages ──


@given(MARKDOWN, st.integers(24, 200))
def test_passages_hold_every_point_of_their_section_and_of_no_other(
    markdown: str, budget: int
) -> None:
    page = parse(markdown)
    for place, section in enumerate(page.sections if page else ()):
        passages = split(section, place, budget=budget)
        held = [point for passage in passages for point in passage.points]
        assert list(dict.fromkeys(held)) == list(section.points)
        for passage in passages:
            assert passage.section == place
            assert count_tokens(passage.text) <= budget
            heading, *lines = passage.text.split("\n")
            assert heading_text(section.headings).endswith(heading) or heading == ""
            assert squeezed("".join(lines)) in squeezed("".join(p.text for p in passage.points))
        for point in section.points:
            parts = [p.text.partition("\n")[2] for p in passages if point in p.points]
            assert squeezed(point.text) in squeezed("".join(parts))


@given(st.text(), st.integers(1, 60), st.integers(1, 60))
def test_a_finer_cut_holds_the_same_text(text: str, first: int, second: int) -> None:
    coarse, fine = max(first, second), min(first, second)
    whole, parts = (
        [part for part in cut(text, lambda t, n=n: len(t) <= n)] for n in (coarse, fine)
    )
    assert squeezed("".join(whole)) == squeezed("".join(parts)) == squeezed(text)
    assert max(map(len, parts), default=0) <= fine


# ── Points to an answer ──


@st.composite
def answers(draw: st.DrawFn) -> tuple[Page, list[list[Chosen]]]:
    """A page of any notes, and any of its points chosen, some with twins."""
    page = parse(draw(MARKDOWN))
    points = in_order(page) if page else []
    assume(page is not None and points)
    assert page is not None
    every = [point for section in page.sections for point in section.points]
    places = draw(st.lists(st.integers(0, len(every) - 1), min_size=1, max_size=8, unique=True))
    groups: list[list[Chosen]] = []
    for place in places:
        others = [other for other in range(len(every)) if other not in places]
        twins = draw(st.lists(st.sampled_from(others), max_size=2, unique=True)) if others else []
        one = Chosen(place, draw(st.floats(0, 1)), tuple(twins))
        if groups and draw(st.booleans()):
            groups[-1].append(one)
        else:
            groups.append([one])
    return page, groups


def notes_of(page: Page) -> SimpleNamespace:
    """As much of an index as the composer reads."""
    owners = [place for place, section in enumerate(page.sections) for _ in section.points]
    points = tuple(point for section in page.sections for point in section.points)
    return SimpleNamespace(
        sections=page.sections, points=points, point_section=np.array(owners, np.int64)
    )


@given(answers())
def test_every_citation_resolves_to_a_heading_and_to_lines_of_the_file(
    made: tuple[Page, list[list[Chosen]]],
) -> None:
    page, groups = made
    index = notes_of(page)
    points, citations = cite(index, groups)
    assert [one.number for one in citations] == list(range(1, len(citations) + 1))
    chosen = [one for group in groups for one in group]
    assert [(p.text, p.line, p.end_line, p.headings) for p in points] == [
        (known.text, known.line, known.end_line, known.headings)
        for known in (index.points[one.point] for one in chosen)
    ]
    by_number = {one.number: one for one in citations}
    for point, one in zip(points, chosen, strict=True):
        cited = by_number[point.citation]
        assert (cited.page, cited.headings) == (point.page, point.headings)
        assert 1 <= cited.line <= point.line <= point.end_line <= cited.end_line
        for twin in one.twins:
            known = index.points[twin]
            numbers = (point.citation, *point.also)
            assert any(
                by_number[n].headings == known.headings
                and by_number[n].line <= known.line <= known.end_line <= by_number[n].end_line
                for n in numbers
            )
    used = {number for point in points for number in (point.citation, *point.also)}
    assert used == set(by_number)
    places: set[tuple[tuple[str, ...], str]] = {
        (section.headings, section.anchor) for section in page.sections
    }
    assert {(one.headings, one.anchor) for one in citations} <= places


MARKDOWN_READER = MarkdownIt("commonmark")


@given(answers())
def test_an_answer_reads_as_its_points_whatever_markup_they_hold(
    made: tuple[Page, list[list[Chosen]]],
) -> None:
    page, groups = made
    points, citations = cite(notes_of(page), groups)
    text = compose(points, citations)
    assert text.count("\nSources:\n") == 1
    body, _, sources = text.partition("\nSources:\n")
    bullets = [line for line in body.split("\n") if line.startswith("- ")]
    assert bullets == [
        f"- {escape(point.text)}" + "".join(f" [{n}]" for n in (point.citation, *point.also))
        if point.also
        else f"- {escape(point.text)}"
        for point in points
    ]
    html = MARKDOWN_READER.render(body)
    assert set(re.findall(r"</?([a-z0-9]+)", html)) <= {"p", "strong", "ul", "li"}
    for citation, line in zip(citations, sources.strip().split("\n"), strict=True):
        assert line.startswith(f"{citation.number}. {escape(path(citation.headings))} (")


@given(MARKDOWN)
def test_heading_paths_are_consistent(markdown: str) -> None:
    page = parse(markdown)
    sections: tuple[Section, ...] = page.sections if page else ()
    known: set[tuple[str, ...]] = set()
    for section in sections:
        # What a heading stands under was a heading before it, or is the page's title.
        assert len(section.headings) == 1 or section.headings[:1] == (page.title,)
        assert section.group is False or section.headings[:-1] in known | {(page.title,)}
        known.add(section.headings)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("alone")


@given(st.one_of(st.binary(), MARKDOWN.map(lambda text: text.encode("utf-16"))))
@example(b"")
@example(b"\x00" * 100)
@example(b"# \xed\xa0\x80\n* x")
def test_arbitrary_bytes_are_notes_or_an_error_of_ours(folder: Path, data: bytes) -> None:
    (folder / "any.md").write_bytes(data)
    try:
        corpus = read_corpus(folder)
    except CorpusError:
        return
    for place, section in enumerate(corpus.sections):
        for passage in split(section, place, budget=64):
            passage.text.encode("utf-8", "strict")


# ── Conversations ──

LEXICON = Lexicon(["Stalin's Five Year Plan", "Collectivization of farms", "The rise of Hitler"])
FOLLOWING = re.findall(
    r"\S+",
    "and but what how why about it they his the second one aims results causes of Stalin Hitler "
    "collectivization plan farms ? , . moving on hello thanks 1928 's",
)
SAID = st.lists(st.sampled_from(FOLLOWING) | st.text(max_size=6), max_size=12).map(" ".join)


def likeness(ones: Sequence[str], others: Sequence[str]) -> np.ndarray:
    """The share of the letters of two words that both have."""
    return np.array([[len({*a} & {*b}) / len({*a} | {*b}) for b in others] for a in ones])


def titled(word: str) -> bool:
    return word.lower() == "plan"


@given(SAID, st.lists(SAID, max_size=8))
def test_a_conversation_adds_words_that_were_said_and_takes_none_away(
    question: str, history: list[str]
) -> None:
    turn = standalone(question, history, weight=LEXICON.weight, likeness=likeness, titled=titled)
    assert turn.text == question.strip()
    assert turn.query.startswith(turn.text)
    said = {word.text for earlier in history for word in words(earlier)}
    added = [word.text for word in words(turn.context)]
    assert set(added) <= said
    assert sum(not is_stopword(word) for word in added) <= 8
    assert turn.before is None or turn.before.before is None
    assert turn == standalone(
        question, history, weight=LEXICON.weight, likeness=likeness, titled=titled
    )
    if not history:
        assert turn.context == ""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["question", "state", "answer", "shown", "follow_ups", "rating", "points"]
            )
            | st.text(max_size=5),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)
TURN = st.fixed_dictionaries(
    {
        "question": st.text(max_size=30) | JSON,
        "state": st.sampled_from(["waiting", "done", "stopped", "failed"]) | JSON,
        "answer": st.none() | JSON,
        "shown": st.none() | JSON,
        "follow_ups": st.lists(st.text(max_size=9), max_size=5) | JSON,
        "rating": st.sampled_from(["", "up", "down"]) | JSON,
        "message": st.text(max_size=9) | JSON,
        "id": st.sampled_from(["00000000", "deadbeef"]) | JSON,
    }
)


@given(JSON | st.lists(TURN | JSON, max_size=70))
@example([{"shown": float("inf")}])
def test_whatever_a_browser_sends_becomes_turns_that_it_can_be_sent_back(raw: object) -> None:
    turns = from_browser(raw)
    assert len(turns) <= MOST_TURNS
    assert from_browser(to_browser(turns)) == turns
    assert all(turn.state != "waiting" for turn in ended(turns))
    assert all(isinstance(question, str) for question in questions(turns))


@given(st.text(max_size=80))
def test_a_question_with_any_markup_is_shown_as_typed(question: str) -> None:
    shown = question_markdown(question)
    assert question_typed(shown) == question
    html = MARKDOWN_READER.render(shown)
    assert set(re.findall(r"<([a-z0-9]+)", html)) <= {"p", "br", "pre", "code"}
