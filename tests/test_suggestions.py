"""Questions made from headings: how they read, and that none is offered unanswered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askhistory.assistant import Assistant, build_index
from askhistory.index import Index
from askhistory.models import Encoder
from askhistory.phrasing import LONGEST, Phrasing, plain
from askhistory.relevance import shipped_weights
from askhistory.schema import Answer, Citation, CitedPoint, Heading, Point, QuestionError, Section
from askhistory.settings import Settings
from askhistory.suggestions import Suggestions


def section(*headings: str, page: str = "a.md", texts: Sequence[str] = ("One.", "Two.")) -> Section:
    points = tuple(
        Point(text, page, headings, number + 1, number + 1, number)
        for number, text in enumerate(texts)
    )
    return Section(page, headings, "h", 1, 1, points)


def group(*headings: str, page: str = "a.md", texts: Sequence[str] = ("One.", "Two.")) -> Section:
    made = section(*headings, page=page, texts=texts)
    return Section(page, headings, "h", 1, 1, made.points, group=True)


WRITTEN = (
    "Farmers hated collectivization, and famine followed in Russia",
    "By then the Great Terror and the Weimar Republic were over",
    "Many feared terror, great hunger and the propaganda of Hitler",
    "After the war women had work in the mines, with little propaganda",
    "People liked the young lions of the Hitler Youth, a few early troubles aside",
    "He sat beside Lenin, and before Stalin there was unrest in the party",
)
STYLE = (
    section("Notes", "How these notes are written", texts=WRITTEN),
    section("Notes", "Another heading like a sentence"),
)


def asked(*headings: str, others: Iterable[Section] = (), is_group: bool = False) -> str:
    """The first wording for a heading, in notes written like `STYLE`."""
    made = (group if is_group else section)(*headings)
    above = [section(*headings[:end], texts=()) for end in range(1, len(headings))]
    return Phrasing([*STYLE, *above, *others, made]).wordings(made)[0]


@pytest.mark.parametrize(
    ("path", "question"),
    [
        (("P", "Collectivization", "Aims"), "What were the aims of collectivization?"),
        (("P", "Collectivization", "Aim"), "What was the aim of collectivization?"),
        (
            ("P", "Collectivization", "1. Key aims:"),
            "What were the key aims of collectivization?",
        ),
        (("P", "Collectivization", "Reasons"), "What were the reasons for collectivization?"),
        (("P", "Collectivization", "Responses"), "What were the responses to collectivization?"),
        (
            ("P", "Collectivization", "Aims and measures"),
            "What were the aims and measures of collectivization?",
        ),
        (
            ("P", "Collectivization", "Effects on women"),
            "What were the effects of collectivization on women?",
        ),
        (
            ("P", "Collectivization", "Results", "Economic"),
            "What were the economic results of collectivization?",
        ),
        (
            ("P", "Collectivization", "Social"),
            "What do the notes say about the social side of collectivization?",
        ),
        (("P", "Collectivization", "Success?"), "How successful was collectivization?"),
        (("P", "Collectivization", "Why?"), "What were the reasons for collectivization?"),
        (("The Cold War, 1945-1991", "Causes"), "What were the causes of the Cold War?"),
        (("P", "Economic impact of Stalin"), "What was the economic impact of Stalin?"),
        (("P", "Stalin's aims"), "What were Stalin's aims?"),
        (("P", "Reasons for the rise of Stalin"), "What were the reasons for the rise of Stalin?"),
    ],
)
def test_a_part_is_asked_of_the_topic_above_it(path: tuple[str, ...], question: str) -> None:
    assert asked(*path) == question


@pytest.mark.parametrize(
    ("path", "question"),
    [
        (("P", "Collectivization"), "What was collectivization?"),
        (("P", "🪖 The Great Terror (1934-1938)"), "What happened during the Great Terror?"),
        (("P", "Weimar Republic"), "What was the Weimar Republic?"),
        (("P", "Why people voted"), "Why did people vote?"),
        (("P", "Did it work?"), "Did it work?"),
        (("P", "Who was Hitler"), "Who was Hitler?"),
        (("P", "What caused the war"), "What caused the war?"),
        (("P", "From Weimar to Hitler"), "What happened on the way from Weimar to Hitler?"),
        (("P", "In the mines"), "What happened in the mines?"),
        (("P", "1919-1923"), "What happened in 1919-1923?"),
        (("P", "Not enough food"), "What do the notes say under “Not enough food”?"),
        (
            ("P", "The army used the radio"),
            "What do the notes say about how the army used the radio?",
        ),
        (
            ("P", "Pretended to be close to Lenin (not good for essays)"),
            "What do the notes say about pretending to be close to Lenin?",
        ),
        (
            ("P", "Reasons for the rise of Stalin", "Tried to please Lenin"),
            "How did trying to please Lenin contribute to the rise of Stalin?",
        ),
        (
            ("P", "Collectivization", "Causes", "Fall in wages"),
            "How did the fall in wages contribute to collectivization?",
        ),
    ],
)
def test_each_kind_of_heading_has_its_template(path: tuple[str, ...], question: str) -> None:
    assert asked(*path) == question


@pytest.mark.parametrize(
    ("heading", "topic"),
    [
        ("Famine", "famine"),
        ("FAMINE IN RUSSIA", "famine in Russia"),
        ("Famine And Unrest In Russia", "famine and unrest in Russia"),
        ("Hitler and the party", "Hitler and the party"),
        ("Youth and women", "youth and women"),
        ("Women's work", "women's work"),
        ("Non-disclosure of the will", "the non-disclosure of the will"),
        ("Road to war", "the road to war"),
        ("Early troubles, 1919-1923", "early troubles"),
        ("Troubles of the NKVD", "the troubles of the NKVD"),
        ("NEP", "NEP"),
    ],
)
def test_a_topic_is_written_as_the_notes_write_it(heading: str, topic: str) -> None:
    made = section("P", heading)
    assert f"What do the notes say about {topic}?" in Phrasing([*STYLE, made]).wordings(made)


def test_a_place_is_added_only_to_what_is_ambiguous() -> None:
    elsewhere = section("Soviet Union", "Propaganda", page="b.md")
    life = ("Germany", "Life in Nazi Germany", "Control")
    assert asked(*life, "Propaganda", others=[elsewhere]) == (
        "What do the notes say about propaganda in Nazi Germany?"
    )
    assert asked(*life, "Women", is_group=True) == (
        "What do the notes say about women in Nazi Germany?"
    )
    assert "Germany" not in asked(*life, "Propaganda")
    made = Phrasing([*STYLE, elsewhere, group(*life, "Propaganda")]).wordings(elsewhere)
    assert made[0] == "What do the notes say about propaganda in Soviet Union?"


def test_notes_that_tell_of_the_present_are_asked_in_the_present() -> None:
    cells = [
        section("Biology", "Mitochondria", texts=["The mitochondrion is small", "They are many"]),
        group("Biology", "Mitochondria", "Functions", texts=["It is a power house"]),
    ]
    assert Phrasing(cells).wordings(cells[1]) == ("What are the functions of mitochondria?",)


@pytest.mark.parametrize("heading", ["Sources", "🙂", "(aside)", "Week 4", "–", "x" * LONGEST])
def test_no_question_is_made_from_a_heading_that_says_nothing(heading: str) -> None:
    made = section("P", heading)
    assert Phrasing([made]).wordings(made) == ()


def test_a_heading_is_freed_of_all_but_its_words() -> None:
    assert plain("2.1 🪖 The  Terror (1934) & [see p. 4] after:") == "The Terror and after"
    assert plain("5 year plans") == "5 year plans"


@given(st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=4), st.text(max_size=60))
def test_any_heading_makes_whole_questions_or_none(path: list[str], text: str) -> None:
    made = section(*path, texts=[text])
    for question in Phrasing([section(path[0]), made]).wordings(made):
        assert question.endswith("?")
        assert len(question) <= LONGEST
        assert question == " ".join(question.split())


# ── What is offered ──

TREE = (
    section("Russia", texts=()),
    section("Russia", "Collectivization"),
    group("Russia", "Collectivization", "Aims"),
    group("Russia", "Collectivization", "Measures"),
    group("Russia", "Collectivization", "Results"),
    section("Russia", "Famine", texts=["Only one."]),
    section("Russia", "Industry", texts=()),
    section("Russia", "Industry", "Steel mills"),
    section("Germany", page="b.md", texts=()),
    section("Germany", "Inflation", page="b.md"),
    section("Germany", "Reparations", page="b.md"),
)


class Answers:
    """Answers each question from the first section whose question it is, unless told otherwise."""

    def __init__(self, refuse: str = "", astray: str = "") -> None:
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self._refuse, self._astray = refuse, astray
        phrasing = Phrasing(TREE)
        self._home = {
            wording: each for each in reversed(TREE) for wording in phrasing.wordings(each)
        }

    def __call__(self, question: str, history: Sequence[str] = (), /) -> Answer:
        self.asked.append((question, tuple(history)))
        if self._refuse and self._refuse in question:
            return Answer(question, question, False, 0.1, "")
        astray = self._astray and self._astray in question
        return answer_from(TREE[-1] if astray else self._home[question], question)


def answer_from(home: Section, question: str) -> Answer:
    citation = Citation(1, home.headings, home.page, "h", 1, 1)
    points = tuple(
        CitedPoint(p.text, p.headings, p.page, p.line, p.end_line, 1.0, 1) for p in home.points
    )
    return Answer(question, question, True, 0.9, "", points, (citation,))


AIMS, MEASURES, RESULTS = (
    f"What were the {part} of collectivization?" for part in ("aims", "measures", "results")
)


def test_starters_take_pages_and_topics_in_turn() -> None:
    ask = Answers()
    starters = Suggestions(TREE, ask).starters(4, seed=1)
    homes = [ask(question).citations[0] for question in starters]
    assert len({home.headings[:2] for home in homes}) == 4
    assert [home.page for home in homes] in (
        ["a.md", "b.md", "a.md", "b.md"],
        ["b.md", "a.md", "b.md", "a.md"],
    )


def test_starters_depend_on_the_seed_and_on_nothing_else() -> None:
    one, other = Suggestions(TREE, Answers()), Suggestions(TREE, Answers())
    other.starters(3, seed=9)
    assert one.starters(3, seed=2) == other.starters(3, seed=2)
    assert len({one.starters(3, seed) for seed in range(8)}) > 3


def test_no_more_is_asked_than_is_wanted_and_nothing_twice() -> None:
    ask = Answers()
    made = Suggestions(TREE, ask)
    first = made.starters(2, seed=1)
    assert [question for question, _ in ask.asked] == list(first)
    assert made.starters(2, seed=1) == first
    assert len(ask.asked) == 2


def test_what_is_refused_or_answered_from_elsewhere_is_not_offered() -> None:
    everything = ("Russia", "Collectivization")
    assert MEASURES in Suggestions(TREE, Answers()).about(everything, 9)
    assert MEASURES not in Suggestions(TREE, Answers(refuse="measures")).about(everything, 9)
    assert MEASURES not in Suggestions(TREE, Answers(astray="measures")).about(everything, 9)


def test_what_cannot_be_asked_is_not_offered() -> None:
    def too_long(question: str, history: Sequence[str] = (), /) -> Answer:
        raise QuestionError("Shorten it.")

    assert Suggestions(TREE, too_long).starters(4, seed=1) == ()


def test_a_heading_is_asked_about_first_then_what_stands_below_it() -> None:
    made = Suggestions(TREE, Answers())
    assert made.about(("Russia", "Collectivization"), 3) == (
        "What was collectivization?",
        AIMS,
        MEASURES,
    )
    # Famine has a single point; industry and the steel mills below it are one topic.
    assert [question for question in made.about(("Russia",), 9) if "mills" in question] == []
    assert sum("industry" in question for question in made.about(("Russia",), 9)) == 1
    assert made.about(("Nowhere",), 3) == ()


def test_follow_ups_begin_beside_the_cited_heading_and_leave_out_what_was_answered() -> None:
    ask = Answers()
    made = Suggestions(TREE, ask)
    assert made.after(ask(AIMS), 3) == (MEASURES, RESULTS, "What was collectivization?")
    assert made.after(ask(MEASURES), 2) == (RESULTS, AIMS)


def test_a_fact_leads_on_to_the_rest_of_its_heading_and_each_page_gets_its_turn() -> None:
    long = [f"Point {number}." for number in range(6)]
    tree = [section(*s.headings, page=s.page, texts=long) if s.points else s for s in TREE]
    made = Suggestions(tree, Answers())
    farms, money = tree[1], tree[9]

    def shows(points: int, *homes: Section) -> Answer:
        parts = [answer_from(replace(home, points=home.points[:points]), "Q") for home in homes]
        return replace(
            parts[0],
            points=tuple(point for part in parts for point in part.points),
            citations=tuple(cited for part in parts for cited in part.citations),
        )

    about = "What was collectivization?"
    assert made.after(shows(1, farms), 2) == (about, AIMS)
    assert made.after(shows(5, farms), 2) == (AIMS, MEASURES)
    both = made.after(shows(1, farms, money), 4)
    assert both[0] == about
    assert both[1:2] == made.about(money.headings, 1)
    assert both[2] == AIMS


def test_follow_ups_repeat_no_question_of_the_conversation_however_worded() -> None:
    ask = Answers()
    made = Suggestions(TREE, ask)
    earlier = ["what were collectivisation's results", "tell me the measures of collectivization"]
    found = made.after(ask(AIMS), 3, earlier=earlier[:1])
    assert RESULTS not in found
    assert MEASURES in found


def test_follow_ups_are_asked_after_the_questions_before_them() -> None:
    ask = Answers()
    answer = ask(AIMS)
    Suggestions(TREE, ask).after(answer, 1, earlier=["Hello"])
    assert (MEASURES, ("Hello", AIMS)) in ask.asked


def test_after_a_refusal_the_nearest_heading_is_asked_about() -> None:
    nearest = (Heading(("Germany", "Inflation"), "b.md", "h"),)
    refusal = Answer("Q", "Q", False, 0.1, "", nearest=nearest, kind="refusal")
    first = Suggestions(TREE, Answers()).after(refusal, 1)
    assert first == Suggestions(TREE, Answers()).about(("Germany", "Inflation"), 1) != ()
    greeting = Answer("Hi", "Hi", False, 0.0, "Hello!", kind="reply")
    assert Suggestions(TREE, Answers()).after(greeting, 3) == ()


# ── With the real encoder ──

GEOGRAPHY = """# Rivers 🌊

## Erosion

* **Causes**
  * Fast water carries stones that scrape the bed of the river
  * Acid in the water dissolves chalk and limestone
* **Effects**
  * Erosion deepens the valley and undercuts the banks
  * Waterfalls move upstream as their ledges collapse

## Flooding

* Heavy rain on hard ground runs off quickly and swells the river
* Flooding destroys homes, roads and crops near the river
"""


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Assistant:
    folder: Path = tmp_path_factory.mktemp("rivers")
    (folder / "notes").mkdir()
    (folder / "notes" / "rivers.md").write_text(GEOGRAPHY, "utf-8")
    encoder = Encoder.load()
    build_index(folder / "notes", folder / "index", settings=Settings(), encoder=encoder)
    index = Index.open(folder / "index", encoder_sha256=encoder.sha256)
    return Assistant(index, encoder, shipped_weights(), Settings())


def test_whatever_the_assistant_offers_it_answers(assistant: Assistant) -> None:
    starters = assistant.starters(4, seed=3)
    assert len(starters) >= 3
    for question in starters:
        assert assistant.ask(question).covered


def test_the_assistant_goes_on_from_causes_to_effects(assistant: Assistant) -> None:
    answer = assistant.ask("What are the causes of erosion?")
    assert answer.citations[0].headings[-1] == "Causes"
    follow_ups = assistant.close_questions(answer)
    assert any("effects of erosion" in question for question in follow_ups)
    assert all(assistant.ask(q, [answer.question]).covered for q in follow_ups)


def test_the_assistant_asks_about_a_heading(assistant: Assistant) -> None:
    questions = assistant.questions_about(["Rivers 🌊", "Erosion"])
    assert len(questions) >= 2
    assert all("erosion" in question.lower() for question in questions)
