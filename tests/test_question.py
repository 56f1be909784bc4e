"""What a question asks for, and what is small talk."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from askhistory.question import (
    FACETS,
    bare,
    facet_of,
    is_instruction,
    questions_in,
    understand,
)
from askhistory.smalltalk import SmallTalk, reply, small_talk

QUESTIONS = [
    ("What were the aims of collectivization?", "list", None, ("aims",), None),
    ("list the measures of collectivization", "list", None, ("measures",), None),
    ("name two members of the troika", "list", None, (), None),
    ("how did stalin use propaganda", "list", None, (), None),
    ("what problems did the first plan have", "list", None, ("weaknesses",), "problems"),
    ("when did lenin die", "fact", "date", (), None),
    ("ok so can you tell me when trotsky was expelled", "fact", "date", (), None),
    ("what year did lenin have his stroke", "fact", "date", (), "year"),
    ("in which year was Kirov murdered?", "fact", "date", (), "year"),
    ("how long did the famine last", "fact", "date", (), None),
    ("how many officers were shot in the purges", "fact", "number", (), "officers"),
    ("how much grain was exported?", "fact", "number", (), "grain"),
    ("what percentage of the Central Committee was purged?", "fact", "number", (), "percentage"),
    ("whose body was embalmed", "fact", "person", (), None),
    ("where did trotsky die", "fact", "place", (), None),
    ("what city was lenin buried in", "fact", "place", (), "city"),
    ("which newspaper first printed the testament?", "fact", None, (), "newspaper"),
    ("what colour were lenin’s eyes?", "fact", None, (), "colour"),
    ("did the purges hurt the army", "fact", None, (), None),
    ("who was kirov", "explain", "person", (), None),
    ("what is a kolkhoz", "explain", None, (), None),
    ("what does NEP stand for", "explain", None, (), None),
    ("reasons for the great terror", "cause", None, ("causes",), None),
    ("what led to the famine?", "cause", None, (), None),
    ("what happened to the kulaks", "effect", None, ("results",), None),
    ("and the results?", "effect", None, ("results",), None),
    ("was collectivization a success?", "verdict", None, ("verdict",), None),
    ("why did collectivisation fail", "verdict", None, ("causes", "verdict"), None),
    ("compare the first and second five year plans", "comparison", None, (), None),
    ("difference between moderates and radicals", "comparison", None, (), None),
    ("komsomol??", "overview", None, (), None),
    ("everything about the NEP", "overview", None, (), None),
    ("summarise the great terror", "overview", None, (), None),
    ("to what extent was stalin a success", "overview", None, ("verdict",), "extent"),
    (
        "advantages and drawbacks of dictatorship",
        "overview",
        None,
        ("strengths", "weaknesses"),
        None,
    ),
]


@pytest.mark.parametrize(("text", "kind", "wants", "facets", "head"), QUESTIONS)
def test_a_question_is_understood(
    text: str, kind: str, wants: str | None, facets: tuple[str, ...], head: str | None
) -> None:
    understood = understand(text)
    assert (understood.kind, understood.wants, understood.facets, understood.head) == (
        kind,
        wants,
        facets,
        head,
    )
    assert understood.text == text


@pytest.mark.parametrize(
    ("word", "facet"),
    [
        ("Aims", "aims"),
        ("goals", "aims"),
        ("objectives", "aims"),
        ("reasons", "causes"),
        ("why", "causes"),
        ("policies", "measures"),
        ("methods", "measures"),
        ("effects", "results"),
        ("effect", "results"),
        ("consequences", "results"),
        ("consequence", "results"),
        ("impact", "results"),
        ("failure", "verdict"),
        ("effective", "verdict"),
        ("weaknesses", "weaknesses"),
        ("terms", "terms"),
        ("Stalin", None),
        ("plan", None),
        ("imports", None),
        ("mean", None),
        ("", None),
    ],
)
def test_words_name_parts_of_a_topic(word: str, facet: str | None) -> None:
    assert facet_of(word) == facet


@pytest.mark.parametrize(
    "text",
    [
        ("effects of propaganda"),
        ("what were the consequences of the NEP"),
        "impact of the purges",
    ],
)
def test_a_question_after_effects_asks_for_the_results(text: str) -> None:
    assert (understand(text).kind, understand(text).facets) == ("effect", ("results",))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("ok so can you tell me when", "when"),
        ("hey, what is the NEP", "what is the NEP"),
        ("moving on: purges", "purges"),
        ("pls help", "pls help"),
        ("i need to know why Kirov died", "why Kirov died"),
    ],
)
def test_what_only_opens_a_question_is_passed_over(text: str, left: str) -> None:
    assert bare(text) == left


@pytest.mark.parametrize(
    ("kind", "messages"),
    [
        (
            "greeting",
            ["hi", "Hello there!", "good morning", "👋 hello", "Helloooo", "hey everyone"],
        ),
        ("thanks", ["thanks", "thank you so much", "ok thanks", "got it, thanks!", "ok cool"]),
        ("thanks", ["Thanks for the explanation.", "thx a lot", "ty", "cheers mate"]),
        ("thanks", ["that helped a lot", "you're the best", "great, that was really useful"]),
        ("farewell", ["bye", "Good bye", "goodnight", "see you later", "bye everyone"]),
        ("farewell", ["ok i gotta go, wish me luck tomorrow", "have a nice evening"]),
        ("greeting", ["how are you?", "hey, how's it going", "anyone there?"]),
        ("remark", ["ok", "yes", "no", "never mind", "haha", "sorry"]),
        ("feeling", ["i'm so stressed about my history exam", "I have a test tomorrow"]),
        ("help", ["hi, what can you do?", "can you help me revise?"]),
        ("help", ["help", "what can you do?", "who are you", "how does this work?"]),
        ("help", ["are you a robot?"]),
        ("contents", ["What topics are there?", "what is in these notes?", "what can I ask about"]),
        (
            "contents",
            [
                "what are the notes about?",
                "which chapters do the notes cover",
                "hi, what topics can I ask about",
                "list the topics",
                "what do you know?",
            ],
        ),
        ("limits", ["quiz me", "test me on everything", "make me flashcards", "write me an essay"]),
        ("limits", ["in simpler words please", "shorter", "explain it again in plain english"]),
        ("limits", ["i dont get it", "idk what to ask", "what's in the exam tomorrow?"]),
    ],
)
def test_small_talk_is_recognised_and_gets_a_reply(kind: str, messages: list[str]) -> None:
    assert {small_talk(message) for message in messages} == {kind}
    assert reply(kind).endswith((".", "!"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "message",
    [
        "",
        "?",
        "Hi, who was Lenin?",
        "thanks, and when did he die?",
        "ok, and the results?",
        "help the poor",
        "hello world war",
        "night of the long knives",
        "who are they",
        "what was up with the kulaks",
        "thanks to whom did he rise",
        "thanks for nothing but why did it fail",
        "goods",
        "what is this plan about",
        "i'm confused about the purges",
        "how are the kulaks doing",
        "this was a great purge",
        "why?",
        "no, the second one",
        "plain",
        "normal",
        "short term causes",
        "i don't get the purges",
        "test me on the purges",
        "write me an essay about the purges",
        "what did you say about Lenin",
        "what do the notes say about Lenin",
        "what are the topics of Lenin's testament",
        "what topics did Lenin write about",
        "what is in the Testament",
        "show me the notes on Trotsky",
    ],
)
def test_a_message_that_asks_something_is_no_small_talk(message: str) -> None:
    assert small_talk(message) is None


@given(st.text(max_size=120))
@settings(max_examples=120)
def test_any_text_is_understood(text: str) -> None:
    understood = understand(text)
    assert understood.text == text
    assert set(understood.facets) <= set(FACETS)
    assert small_talk(text) in {None, *get_args(SmallTalk)}
    assert bare(bare(text)) == bare(text)


@given(st.sampled_from(QUESTIONS), st.sampled_from(["ok so ", "hey, ", "can you tell me ", "  "]))
@settings(max_examples=60)
def test_how_a_question_is_opened_does_not_change_what_it_asks(
    question: tuple[str, str, str | None, tuple[str, ...], str | None], opening: str
) -> None:
    text, kind, *_ = question
    assert understand(opening + text).kind == kind


@pytest.mark.parametrize(
    "text", ["a " * 500, "what " * 200, "and " * 250, "who is " * 140, "." * 1000]
)
def test_long_monotonous_questions_are_understood_at_once(text: str) -> None:
    assert understand(text).text == text
    assert questions_in(text) == ()
    small_talk(text)


@pytest.mark.parametrize("word", ["Assess", "explain", "compare", "summarise"])
def test_words_that_only_say_what_to_do_are_instructions(word: str) -> None:
    assert is_instruction(word)
    assert not is_instruction("famine")


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("what was the truce and why did it fail", ("what was the truce", "why did it fail")),
        ("When did it end, and who won?", ("When did it end", "who won?")),
        ("Who led the army? What became of him?", ("Who led the army", "What became of him?")),
        ("who were Marat and Danton", ()),
        ("how and why did the truce fail", ()),
        ("what were the aims and what were the results of the plan", ()),
        ("explain what it was", ()),
        ("", ()),
    ],
)
def test_two_questions_in_one_are_told_apart(text: str, asked: tuple[str, ...]) -> None:
    assert questions_in(text) == asked


@pytest.mark.parametrize("word", ["lol", "BRO", "pls"])
def test_chatter_says_nothing(word: str) -> None:
    assert is_instruction(word)


ASKING = st.lists(
    st.sampled_from(
        ["who", "what", "why", "was", "it", "war", "and", ",", "?", "aims", "the", "end"]
    )
)


@given(ASKING.map(" ".join))
@example("what was the war and why was it")
def test_the_two_questions_of_a_text_are_parts_of_it(text: str) -> None:
    asked = questions_in(text)
    assert len(asked) in {0, 2}
    assert all(one in text and one.split()[0] in {"who", "what", "why"} for one in asked)
