"""The measurements measure what they say: data, pages, metrics, peers, tables."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from askhistory.evaluation import Label, LabelledQuestion
from askhistory.models import Encoder
from askhistory.notes import parse_page, read_corpus
from askhistory.schema import Corpus
from bench import report, squad2, xquad
from bench.asking import Outcome, Ranking
from bench.data import Article, Asked, BenchError, Paragraph, data_file, read_articles
from bench.metrics import auroc, share, share_above_most
from bench.pages import Answers, key_of, letters, write_pages
from bench.peers import environments, plain
from bench.peers.protocol import Result, Verdict
from bench.peers.scoring import Gold, Locator, Reply, golds, score
from bench.scale import Drawn
from bench.scale import tabulate as tabulate_scale
from bench.synthetic import Varied

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "benchmarks"

needs_data = pytest.mark.skipif(
    not SHARED.is_dir(), reason="XQuAD and SQuAD 2.0 are not part of the repository"
)


def article(title: str, *texts: str) -> Article:
    return Article(title, tuple(Paragraph(text, ()) for text in texts))


def read(articles: list[Article], folder: Path) -> Corpus:
    write_pages(articles, folder)
    return read_corpus(folder)


# ---------------------------------------------------------------------------------- data


def test_questions_come_with_where_their_answers_begin(tmp_path: Path) -> None:
    answers = [{"answer_start": 9, "text": "b"}, {"answer_start": 4, "text": "a b"}]
    questions = [
        {"question": "Which?", "answers": [*answers, answers[0]], "is_impossible": False},
        {"question": "Who?", "answers": [], "is_impossible": True},
    ]
    path = tmp_path / "two.json"
    paragraphs = [{"context": "one two three", "qas": questions}]
    path.write_text(json.dumps({"data": [{"title": "Steam_engine", "paragraphs": paragraphs}]}))
    asked = (Asked("Which?", (4, 9)), Asked("Who?", ()))
    assert read_articles(path) == [
        Article("Steam engine", (Paragraph("one two three", asked),)),
    ]


def test_missing_data_say_where_they_belong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASKHISTORY_BENCH_DATA", str(tmp_path))
    with pytest.raises(BenchError, match=r"xquad\.en\.json there, or set ASKHISTORY_BENCH_DATA"):
        data_file("xquad.en.json")
    (tmp_path / "xquad.en.json").write_text("[]")
    assert data_file("xquad.en.json") == tmp_path / "xquad.en.json"


@pytest.mark.parametrize("content", ["[]", "{", '{"data": [{"title": "x"}]}'])
def test_other_formats_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "odd.json"
    path.write_text(content)
    with pytest.raises(BenchError, match="is not in SQuAD's format"):
        read_articles(path)


# --------------------------------------------------------------------------------- pages


def test_the_holder_is_the_sentence_in_which_the_answer_begins(tmp_path: Path) -> None:
    text = "Watt was born in 1736. He improved the *steam* engine & sold it. It ran [well]."
    library = [article("Oxygen", "It burns."), article("James Watt", "Other.", text)]
    corpus = read(library, tmp_path)
    answers = Answers(library, corpus)
    points = {key_of(p): p.text for section in corpus.sections for p in section.points}

    def held(*answer: str) -> set[str]:
        return {points[key] for key in answers.holders((1, 1), [text.index(a) for a in answer])}

    assert held("1736") == {"Watt was born in 1736."}
    assert held("He improved") == {"He improved the *steam* engine & sold it."}
    assert held("well", "Watt") == {"It ran [well].", "Watt was born in 1736."}
    assert answers.holders((1, 1), ()) == set()


def test_headings_are_the_title_and_the_paragraphs_number(tmp_path: Path) -> None:
    corpus = read([article("C# (language)", "One.", "Two.")], tmp_path)
    assert [section.headings for section in corpus.sections if section.points] == [
        ("C# (language)", "1"),
        ("C# (language)", "2"),
    ]


def test_a_page_that_lost_text_is_noticed(tmp_path: Path) -> None:
    corpus = read([article("Watt", "He sold it.")], tmp_path)
    with pytest.raises(BenchError, match="lost from its page"):
        Answers([article("Watt", "He sold it. It ran.")], corpus)
    with pytest.raises(BenchError, match="does not read as its paragraph"):
        Answers([article("Watt", "He kept it.")], corpus)


WORDS = st.text("aZé9ß.,;:!?'\"-–+*_`[](){}<>#|~$&%/\\=^@", min_size=1, max_size=8)


@given(st.lists(WORDS, min_size=3, max_size=30).map(lambda words: "The " + " ".join(words)))
def test_no_markup_of_a_paragraph_is_taken_for_markdown(text: str) -> None:
    # The reader of notes leaves out what states nothing, so only the letters are compared.
    library = [article("Any", f"{text} end.")]
    page, problems = parse_page(_page(library), "000.md")
    Answers(library, Corpus((page,)))
    assert problems == ()


def _page(library: list[Article]) -> str:
    class Kept:
        def __truediv__(self, name: str) -> Kept:
            return self

        def write_text(self, text: str, encoding: str) -> None:
            self.text = text

    kept = Kept()
    write_pages(library, kept)  # type: ignore[arg-type]
    return kept.text


@needs_data
@pytest.mark.parametrize(("name", "answerable"), [("xquad.en", 1190), ("squad2-dev-part", 2910)])
def test_every_answer_of_the_real_data_has_its_point(
    tmp_path: Path, name: str, answerable: int
) -> None:
    library = read_articles(SHARED / f"{name}.json")
    corpus = read(library, tmp_path)
    answers = Answers(library, corpus)
    points = {key_of(p): letters(p.text) for section in corpus.sections for p in section.points}
    held = 0
    for number, entry in enumerate(library):
        for inner, paragraph in enumerate(entry.paragraphs):
            for question in paragraph.questions:
                for start in question.starts:
                    (holder,) = answers.holders((number, inner), [start])
                    # An answer may run on into the next sentence; it begins in this one.
                    assert letters(paragraph.text[start : start + 12].split()[0]) in points[holder]
                held += bool(question.starts)
    assert held == answerable
    assert corpus.problems == ()


@needs_data
def test_development_data_of_squad2_keep_clear_of_xquad_and_of_the_test_half() -> None:
    library = read_articles(SHARED / "squad2-dev-part.json")
    strangers = read_articles(SHARED / "xquad.en.json")
    known = squad2.shared_paragraphs(library, strangers)
    texts = {" ".join(p.text.split()) for entry in strangers for p in entry.paragraphs}
    development = [
        " ".join(paragraph.text.split())
        for number, entry in enumerate(library)
        for inner, paragraph in enumerate(entry.paragraphs)
        if squad2.is_development((number, inner), known)
    ]
    assert len(known) == 78
    assert len(development) == 262
    assert texts.isdisjoint(development)
    assert not squad2.is_development((1, 30), known)


# ------------------------------------------------------------------------------- metrics


def test_share_and_auroc() -> None:
    assert share([True, False, True, True]) == 0.75
    assert share([]) is None
    assert auroc([0.9, 0.5], [0.5, 0.1]) == 0.875
    assert auroc([], [0.5]) is None


def test_share_above_most_keeps_out_at_least_that_share() -> None:
    outside = [number / 10 for number in range(10)]
    # Of ten, one may pass: the threshold is the second highest, 0.8.
    assert share_above_most([0.85, 0.8, 0.3, 1.0], outside, 0.9) == 0.5
    assert share_above_most([0.85, 0.95], outside, 1.0) == 0.5
    assert share_above_most([0.85], outside, 0.0) == 1.0
    assert share_above_most([], outside, 0.9) is None


@given(st.lists(st.integers(0, 5), min_size=1), st.lists(st.integers(0, 5), min_size=1))
def test_share_above_most_is_the_best_threshold_by_trial(
    inside: list[int], outside: list[int]
) -> None:
    trials = [
        sum(score > threshold for score in inside) / len(inside)
        for threshold in range(-1, 6)
        if 10 * sum(score > threshold for score in outside) <= len(outside)
    ]
    assert share_above_most(inside, outside, 0.9) == max(trials)


# ------------------------------------------------------------------------ articles' tables


def outcome(
    place: tuple[int, int],
    holder: int | None,
    *,
    said: int | None,
    own: int = 0,
    confidence: float = 0.5,
    sections: tuple[tuple[int, int], ...] = ((0, 0),),
) -> Outcome:
    return Outcome(
        place=place,
        holders=frozenset() if holder is None else frozenset({("000.md", holder)}),
        answered=said is not None,
        said=None if said is None else ("000.md", said),
        own=Ranking(("000.md", own), sections, confidence),
        plain=Ranking(("000.md", 7), ((0, 3), (0, 0)), 1 - confidence),
    )


def cells(text: str) -> dict[str, list[str]]:
    rows = [line.strip("| ").split("|") for line in text.splitlines() if line.startswith("|")]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows}


def test_xquad_table() -> None:
    inside = [
        outcome((0, 0), 1, said=1, own=1, confidence=0.9, sections=((0, 0), (0, 1))),
        outcome((0, 1), 2, said=3, own=2, confidence=0.8, sections=((0, 0), (0, 1))),
        outcome((0, 2), 7, said=None, own=3, confidence=0.3, sections=((0, 0),)),
        outcome((0, 0), 4, said=4, own=5, confidence=0.7, sections=((0, 0),)),
    ]
    outside = [
        outcome((30, 0), None, said=1, confidence=0.6),
        outcome((31, 0), None, said=None, confidence=0.1),
    ]
    assert cells(xquad.tabulate(inside, outside)) == {
        "Figure": ["askhistory", "plain late interaction"],
        "---------------------------------------------": ["---------:", "---------------------:"],
        "Section recall@1": ["0.500", "0.000"],
        "Section recall@3": ["0.750", "0.500"],
        "Point precision@1": ["0.500", "0.250"],
        "AUROC in/out of scope": ["0.875", "0.125"],
        "In scope, answered": ["0.750", "–"],
        "In scope, answered with the right point first": ["0.667", "–"],
        "Out of scope, answered": ["0.500", "–"],
    }


def test_squad2_table_by_part() -> None:
    found = [
        outcome((0, 0), 1, said=1, own=1, confidence=0.9),
        outcome((0, 0), 2, said=1, own=1, confidence=0.4),
        outcome((0, 0), 7, said=None, own=1, confidence=0.2),
        outcome((0, 0), None, said=5, confidence=0.3),
    ]
    table = cells(squad2.tabulate({"test": found, "none": found[:1]}))
    assert table["Answerable questions"] == ["3", "1"]
    assert table["Unanswerable questions"] == ["1", "0"]
    assert table["Answerable, answered"] == ["0.667", "1.000"]
    assert table["Unanswerable, answered"] == ["1.000", "–"]
    precision = "Answer precision: first point right, of answerable ones answered"
    assert table[precision] == ["0.500", "1.000"]
    assert table["AUROC answerable/unanswerable: confidence"] == ["0.667", "–"]
    assert table["AUROC answerable/unanswerable: plain late interaction"] == ["0.333", "–"]
    plain_first = "First point right, of all answerable: plain late interaction"
    assert table[plain_first] == ["0.333", "0.000"]


# --------------------------------------------------------------------------------- peers

NOTES = """\
---
description: Steam
---

# Engines

{% hint style="info" %}
Hints are notes too.
{% endhint %}

## Steam engine

* The **steam** engine was improved by Watt in 1769
* **Results**
  * Factories could stand far from rivers

## Oil

### Wells

* Drake drilled the first well in 1859

### Prices

* Prices fell to ten cents a barrel

---
"""


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "engines.md").write_text(NOTES)
    (folder / "SUMMARY.md").write_text("* [Engines](engines.md)\n")
    return folder


@pytest.fixture
def locator(notes: Path) -> Locator:
    return Locator(notes, read_corpus(notes))


def test_plain_cuts_at_headings_or_into_bullets(notes: Path) -> None:
    steam = "Engines: Steam engine"
    assert plain.sections(notes) == [
        ("Hints are notes too.", "Engines\nHints are notes too."),
        (
            text := "* The steam engine was improved by Watt in 1769\n* Results\n"
            "  * Factories could stand far from rivers",
            f"{steam}\n{text}",
        ),
        (
            "* Drake drilled the first well in 1859",
            "Engines: Oil: Wells\n* Drake drilled the first well in 1859",
        ),
        (
            "* Prices fell to ten cents a barrel",
            "Engines: Oil: Prices\n* Prices fell to ten cents a barrel",
        ),
    ]
    assert [piece.text for piece in plain.points(notes)] == [
        "Hints are notes too.",
        "The steam engine was improved by Watt in 1769",
        "Factories could stand far from rivers",
        "Drake drilled the first well in 1859",
        "Prices fell to ten cents a barrel",
    ]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("* Drake drilled the first well in 1859", {19}),
        ("Drake DRILLED the first well", {19}),
        ("## Steam engine\n\n* The steam engine was improved", {11}),
        ("* **Results**\n  * Factories could stand far from rivers", {11}),
        ("far from rivers\n\n## Oil\n\n### Wells\n\n* Drake drilled", {11, 17, 19}),
        ("Hints are notes too.", {5}),
        ("nothing of the kind", set()),
        ("**", set()),
    ],
)
def test_a_result_belongs_to_every_section_that_it_holds_text_of(
    locator: Locator, text: str, lines: set[int]
) -> None:
    found = locator.sections(Result(text, 1.0))
    assert found == {("engines.md", line) for line in lines}


def test_points_of_a_result(locator: Locator, notes: Path) -> None:
    texts = {key_of(p): p.text for s in read_corpus(notes).sections for p in s.points}

    def held(text: str, line: int | None = None) -> set[str]:
        result = Result(text, 1.0, "engines.md" if line else None, line)
        return {texts[key] for key in locator.points(result)}

    drake, prices = "Drake drilled the first well in 1859", "Prices fell to ten cents a barrel"
    assert held("drilled the first well") == {drake}
    assert held(f"* {drake}\n\n### Prices\n\n* {prices}") == {drake, prices}
    assert held(prices, 25) == {prices}
    assert held(prices, 21) == set()


def test_golds_fold_group_headings_into_their_section(notes: Path, locator: Locator) -> None:
    question = LabelledQuestion(
        id="q1",
        question="what came of it?",
        kind="followup",
        expected=(Label(("Steam engine", "Results")), Label(("Prices",))),
        first=("far from rivers",),
    )
    corpus = read_corpus(notes)
    (gold,) = golds([question], corpus, locator)
    texts = {key_of(p): p.text for s in corpus.sections for p in s.points}
    assert [texts[key] for key in gold.first] == ["Factories could stand far from rivers"]
    assert gold.sections == {("engines.md", 11), ("engines.md", 23)}


STEAM = Result("The steam engine was improved by Watt in 1769", 0.9)
RIVERS = Result("Factories could stand far from rivers", 0.8)
DRAKE = Result("Drake drilled the first well in 1859", 0.7)
PRICES = Result("Prices fell to ten cents a barrel", 0.6)


def gold(id: str, kind: str, *numbers: int) -> Gold:
    """What is right by the points' numbers: 1 steam, 2 rivers, 3 Drake, 4 prices."""
    headings = {1: 11, 2: 11, 3: 19, 4: 23}
    return Gold(
        id=id,
        kind=kind,
        covered=bool(numbers),
        first=frozenset(("engines.md", number) for number in numbers),
        sections=frozenset(("engines.md", headings[number]) for number in numbers),
    )


def test_score_counts_sections_once_and_points_exactly(locator: Locator) -> None:
    labelled = [
        gold("a", "fact", 1),
        gold("b", "followup", 2),
        gold("c", "slang", 4),
        gold("d", "misspelt", 3),
        gold("u", "near"),
        gold("v", "far"),
        gold("s", "smalltalk"),
    ]
    returned = {
        "a": (STEAM, RIVERS),
        "b": (STEAM, RIVERS),
        # The two of steam are one section, so the right one is the third.
        "c": (STEAM, RIVERS, DRAKE, PRICES),
        "d": (DRAKE,),
        "u": (Result(STEAM.text, 0.75),),
        "v": (),
        "s": (Result(STEAM.text, 5.0),),
    }
    replies = {id: Reply(results, None, 0.1) for id, results in returned.items()}
    figures = score(labelled, replies, locator, points=True)
    assert (figures.section_1, figures.section_3, figures.first_point) == (0.75, 1.0, 0.5)
    assert figures.follow_ups == (1.0, 0.0)
    assert figures.hard == (0.5, 0.5)
    # Neither of the two uncovered ones may pass: the score must be above 0.75.
    assert figures.answered == 0.75
    of_sections = score(labelled, replies, locator, points=False)
    assert (of_sections.section_1, of_sections.first_point) == (0.75, None)
    assert of_sections.hard == (0.5, None)


def test_a_peer_that_decides_for_itself_is_judged_by_its_confidence() -> None:
    decided = Reply((STEAM,), Verdict(False, 0.25), 0.1)
    assert decided.score == 0.25
    assert Reply((STEAM,), None, 0.1).score == 0.9
    assert Reply((), None, 0.1).score == float("-inf")


def test_a_peer_indexes_in_one_process_and_answers_in_another(notes: Path, tmp_path: Path) -> None:
    store, questions = tmp_path / "store", tmp_path / "questions.jsonl"
    store.mkdir()
    questions.write_text(
        '{"id": "1", "question": "who drilled a well?"}\n'
        '{"id": "2", "question": "and when?", "history": ["prices per barrel"]}\n'
    )

    def told(*arguments: object) -> list[dict[str, Any]]:
        command = [sys.executable, "-m", "bench.peers.bm25.run", "points", *map(str, arguments)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    (indexed,) = told("index", notes, store)
    assert indexed.keys() == {"seconds"}
    first, second, end = told("ask", store, questions)
    best = [results[0]["text"] for results in (first["results"], second["results"])]
    assert best == [DRAKE.text, PRICES.text]
    assert (first["id"], second["id"]) == ("1", "2")
    assert 0 < first["seconds"] < 60
    assert 10 < end["megabytes"] < 10_000


@pytest.mark.parametrize("peer", ["langchain", "llamaindex", "haystack", "txtai", "bm25", "minilm"])
def test_every_package_of_a_peer_is_pinned(peer: str) -> None:
    assert all(version[0].isdigit() for version in environments.requirements(peer).values())


# -------------------------------------------------------------------------------- report


def test_tables_line_up() -> None:
    assert report.table([("What", "a"), ("Longer", "0.5")]) == (
        "| What   |   a |\n| ------ | --: |\n| Longer | 0.5 |"
    )


def test_a_table_replaces_the_one_between_its_marks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.md"
    before = "a\n<!-- x -->\nold\n<!-- end of x -->\nb\n<!-- y -->\n<!-- end of y -->\n"
    page.write_text(before)
    monkeypatch.setattr(report, "PAGE", page)
    monkeypatch.setattr(report, "ROOT", tmp_path)
    report.put("x", r"new \1")
    assert page.read_text() == before.replace("old", "\nnew \\1\n")
    with pytest.raises(BenchError, match=r"page\.md has no place for this table"):
        report.put("z", "new")


@pytest.mark.parametrize("name", ["xquad", "squad2", "peers", "speed", "scale"])
def test_the_page_has_a_place_for_every_table(name: str) -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert page.count(f"<!-- {name} -->\n") == page.count(f"<!-- end of {name} -->\n") == 1


# ------------------------------------------------------------------ notes of any size

PARAGRAPHS = [
    ("Norway", ["In 1998 King Olaf opened 12 schools.", "They taught sailing and carpentry."]),
    ("Tides", ["The Moon draws the water of the oceans.", "It is highest twice a day."]),
]


def test_varied_notes_have_as_many_points_as_asked_for_and_say_nothing_twice() -> None:
    notes = Varied(PARAGRAPHS).corpus(401)
    texts = [point.text for section in notes.sections for point in section.points]
    assert len(texts) == 401
    assert texts[:4] == [text for _, held in PARAGRAPHS for text in held]
    assert [len(page.sections) for page in notes.pages] == [40, 40, 40, 40, 40, 1]
    assert {point.page for section in notes.pages[5].sections for point in section.points} == {
        notes.pages[5].path
    }
    assert Varied(PARAGRAPHS).corpus(401) == notes
    assert Varied(PARAGRAPHS, seed=8).corpus(401) != notes


def test_a_variation_keeps_short_words_and_swaps_like_for_like() -> None:
    varied = Varied(PARAGRAPHS).corpus(400).sections[2].points[0].text
    assert re.fullmatch(
        r"In \d{4} (King|Olaf|They|Moon) (King|Olaf|They|Moon) \w+ 12 \w+\.", varied
    )


def test_drawn_vectors_are_unit_near_real_ones_and_the_same_for_a_text(encoder: Encoder) -> None:
    real = [text for _, held in PARAGRAPHS for text in held] * 40
    drawn = Drawn(encoder, real)
    texts = ["What is drawn?", "Another text."]
    once, again = drawn.encode(texts), drawn.encode(texts[::-1])
    np.testing.assert_array_equal(once.sentences, again.sentences[::-1])
    np.testing.assert_array_equal(once.sentences, drawn.encode_sentences(texts))
    np.testing.assert_allclose(np.linalg.norm(once.tokens[0], axis=1), 1, atol=1e-5)
    assert once.offsets[0].tolist() == [[0, 4], [5, 7], [8, 13], [13, 14]]
    near = (once.sentences @ encoder.encode_sentences(real[:4]).T).max(axis=1)
    np.testing.assert_allclose(near, 0.82, atol=0.05)


def test_the_table_of_scale_compares_with_the_smallest_size() -> None:
    built = {"real": True, "passages": 300, "seconds": 61.4, "bytes": 2.5e9, "memory": 0}
    asked = {"open": 0.52, "median": 0.020, "p95": 0.031, "working": 0.010, "dense": 0.0012,
             "lexical": 0.0004, "recall": 0.9974, "own": 5e8, "mapped": 1e8}  # fmt: skip
    slower = {**asked, "median": 0.050, "working": 0.015}
    lines = tabulate_scale([(1_000, built, asked), (10**6, {**built, "real": False}, slower)])
    first, second = (
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines.splitlines()[2:]
    )
    assert first == ["1,000", "embedded", "300", "61 s", "2.50 GB", "0.5 s", "0.997", "1.2 ms",
                     "0.4 ms", "20 ms", "31 ms", "1.00", "10 ms", "1.00", "0.50 GB",
                     "0.10 GB"]  # fmt: skip
    assert (second[1], second[11], second[13]) == ("drawn", "2.50", "1.50")
