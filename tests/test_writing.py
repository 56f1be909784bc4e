"""Written answers: what the model is given, what of its text is shown, and what happens otherwise.

The model is a script behind real HTTP; the notes, the encoder and the check are the real ones.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askhistory import Assistant, Settings
from askhistory.language_model import LanguageModel
from askhistory.schema import CitedPoint, LanguageModelError
from askhistory.text import count_tokens
from askhistory.writing import SYSTEM, TOO_LITTLE, cited, prompt, sentences
from chat_server import Server, chat_server, drips, free_address, stalls
from test_language_model import FAULTS

AIMS = "what were the aims of collectivization?"
MEASURES = "what were the measures of collectivization?"
KEY = "sk-the-key-of-this-test"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with chat_server() as site:
        yield site


@pytest.fixture(scope="module")
def assistant(built: Path, server: Server) -> Assistant:
    return Assistant.open(settings=settings(built, server.url))


def settings(index: Path, url: str, timeout: float = 5.0) -> Settings:
    return Settings(
        index=index, llm_model="m", llm_base_url=url, llm_api_key=KEY, llm_timeout=timeout
    )


def point(text: str, *headings: str, citation: int = 1) -> CitedPoint:
    return CitedPoint(text, headings or ("Page", "Farms"), "a.md", 1, 1, 0.9, citation)


# ── What the model is given ──


def test_the_prompt_holds_the_points_numbered_and_the_question() -> None:
    text, count = prompt("Who owned the land?", [point("The state owned it"), point("It fed")], 500)
    assert count == 2
    assert text == (
        "<notes>\n[1] Farms: The state owned it\n[2] Farms: It fed\n</notes>\n"
        "<question>\nWho owned the land?\n</question>"
    )


@given(st.text(max_size=300), st.lists(st.text(max_size=200), max_size=8), st.integers(200, 600))
def test_the_prompt_keeps_to_its_budget_and_nothing_gets_out_of_its_marks(
    question: str, texts: list[str], budget: int
) -> None:
    text, count = prompt(question, [point(text) for text in texts], budget)
    if count:
        assert count_tokens(SYSTEM) + count_tokens(text) <= budget + count
    assert [text.count(mark) for mark in ("<notes>", "</notes>", "<question>", "</question>")] == [
        *(1, 1, 1, 1)
    ]
    assert text.count("<") == 4


def test_the_model_is_given_the_selected_points_and_the_standalone_question_alone(
    assistant: Assistant, server: Server
) -> None:
    server.behave = lambda handler: handler.says("Yes.")
    answer = assistant.ask("and the measures?", [AIMS], write=True)
    sent = server.requests[-1]["messages"]
    assert [message["role"] for message in sent] == ["system", "user"]
    listed = [line for line in sent[1]["content"].splitlines() if line.startswith("[")]
    assert [line.split(": ", 1)[1] for line in listed] == [point.text for point in answer.points]
    asked = sent[1]["content"].partition("<question>\n")[2]
    assert asked == f"{answer.query}\n</question>"
    assert KEY not in json.dumps(sent)


@pytest.mark.parametrize("question", ["how do I bake sourdough bread?", "hello", "?!"])
def test_what_is_not_covered_costs_no_call(
    question: str, assistant: Assistant, server: Server
) -> None:
    before = len(server.requests)
    answer = assistant.ask(question, write=True)
    assert not answer.covered
    assert answer.written is None
    assert len(server.requests) == before


# ── Cutting into sentences ──

SAID = (
    "The state owned the land [1]. It fixed hours. [2][3] Dr. Schacht's plan came in 1934 [4]!\n"
    "- Farmers were punished for it [5]\n\nPeasants fled [1, 2]. And then they"
)


def test_a_text_is_cut_into_sentences_with_their_citations() -> None:
    assert list(sentences([SAID])) == [
        "The state owned the land [1].",
        "It fixed hours [2][3].",
        "Dr. Schacht's plan came in 1934 [4]!",
        "- Farmers were punished for it [5]",
        "Peasants fled [1, 2].",
    ]


@given(st.lists(st.integers(1, 12), max_size=60))
def test_however_it_arrives_a_text_is_cut_alike(sizes: list[int]) -> None:
    pieces, rest = [], SAID
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]
    assert list(sentences([*pieces, rest])) == list(sentences([SAID]))


@given(st.lists(st.text(alphabet="ab.[1] \n", max_size=6), max_size=12))
def test_any_text_is_cut_without_losing_a_letter(pieces: list[str]) -> None:
    cut = "".join(sentences(pieces))
    assert set(cut) <= set("ab.[1] ")
    assert cut.count("a") <= "".join(pieces).count("a")


@pytest.mark.parametrize(
    ("raw", "text", "places"),
    [
        ("The state owned it [1].", "The state owned it.", (0,)),
        ("It did [2][3].", "It did.", (1, 2)),
        ("It did [1, 3] so [2].", "It did so.", (0, 1, 2)),
        ("It did [1-3].", "It did.", (0, 1, 2)),
        ("It did [1] and [3].", "It did and.", (0, 2)),
        ("It did [point 2].", "It did.", (1,)),
        ("It did (source 2).", "It did.", (1,)),
        ("It did 【2】.", "It did.", (1,)),
        ("It did [^2].", "It did.", (1,)),
        ("It did [9].", "It did.", ()),
        ("It did [0][99].", "It did.", ()),
        ("It did [Smith 1999].", "It did.", ()),
        ("It did [1][source: web].", "It did.", (0,)),
        ("It did (1934-1938) [1].", "It did (1934-1938).", (0,)),
        ("- **It** did [1]", "It did", (0,)),
        ("2. It `did` [1].", "It did.", (0,)),
        ("It did¹ [1.", "It did", ()),
    ],
)
def test_citations_are_read_and_taken_out(raw: str, text: str, places: tuple[int, ...]) -> None:
    assert cited(raw, 3) == (text, places)


# ── What is shown ──


def test_supported_sentences_are_the_answer(assistant: Assistant, server: Server) -> None:
    server.behave = lambda handler: handler.says(
        "Collectivization was to support rapid industrialization [2]. "
        "It was also to pay for industrialization by exporting crops [4].",
        usage=(321, 45),
    )
    answer = assistant.ask(AIMS, write=True)
    assert answer.written is not None
    assert answer.written.to_dict() == {
        "model": "m",
        "text": "Collectivization was to support rapid industrialization. "
        "It was also to pay for industrialization by exporting crops.",
        "sentences": [
            {
                "text": "Collectivization was to support rapid industrialization.",
                "points": [1],
                "citations": [1],
            },
            {
                "text": "It was also to pay for industrialization by exporting crops.",
                "points": [3],
                "citations": [1],
            },
        ],
        "dropped": 0,
        "reason": "",
        "tokens_in": 321,
        "tokens_out": 45,
    }
    assert answer.to_markdown().splitlines()[:3] == [
        "Collectivization was to support rapid industrialization. [1] "
        "It was also to pay for industrialization by exporting crops. [1]",
        "",
        "Sources:",
    ]
    assert answer.to_dict()["written"] == answer.written.to_dict()
    assert len(answer.points) == 4


def test_what_fails_is_dropped_and_the_rest_stays(assistant: Assistant, server: Server) -> None:
    server.behave = lambda handler: handler.says(
        "It was to support rapid industrialization [2]. It began in 1917 [2]. "
        "Trotsky paid for it [4]. It was to pay for industrialization by exporting crops [4]."
    )
    answer = assistant.ask(AIMS, write=True)
    assert answer.written is not None
    assert [sentence.points for sentence in answer.written.sentences] == [(1,), (3,)]
    assert (answer.written.dropped, answer.written.reason) == (2, "")
    assert "1917" not in answer.to_markdown()
    assert "Trotsky" not in answer.to_markdown()


@pytest.mark.parametrize(
    "text",
    [
        "It was to support rapid industrialization [2]. It began in 1917 [2]. It ended in 1918.",
        "Collectivization was to support rapid industrialization.",
        "Collectivization was to support rapid industrialization [7].",
        "I am sorry, but as a language model I cannot answer that.",
        "Stalin died in 1987 [1]. He was born in Texas [2]. His friend was Elvis Presley [3].",
        "Yes [1].",
        "[1][2][3]",
        "{'answer': 'The state owned the land [1].'}",
        "See https://example.org/collectivization for its aims [1].",
        "![aims](http://example.org/a.png) To support rapid industrialization [2].",
        "<b>To support rapid industrialization [2].</b>",
    ],
)
def test_where_too_little_is_left_the_points_are_shown(
    text: str, assistant: Assistant, server: Server
) -> None:
    server.behave = lambda handler: handler.says(text)
    answer = assistant.ask(AIMS, write=True)
    points = assistant.ask(AIMS)
    assert answer.written is not None
    assert (answer.written.sentences, answer.written.reason) == ((), TOO_LITTLE)
    assert answer.to_markdown() == f"*{TOO_LITTLE}*\n\n{points.to_markdown()}"
    assert answer.points == points.points


LONG = (
    "The state owned the land [1]. The state distributed the crops [2]. "
    "The state handed out tractors and other equipment [4]. It all began in 1917 [1]. "
    "Farmers were punished for producing little [5]. Everybody was happy [1]. "
    "The state owned the land and the crops [1][2]. The Tsar returned in 1999 [1]."
)


def test_sentences_come_as_they_are_written_and_none_is_taken_back(
    assistant: Assistant, server: Server
) -> None:
    server.behave = lambda handler: handler.says(LONG)
    shown: list[tuple[str, ...]] = []
    for answer in assistant.write(assistant.ask(MEASURES)):
        assert answer.written is not None
        shown.append(tuple(sentence.text for sentence in answer.written.sentences))
    assert len(shown) == 3
    assert [len(texts) for texts in shown] == [3, 4, 4]
    assert all(later[: len(earlier)] == earlier for earlier, later in pairwise(shown))
    assert answer.written is not None
    assert (answer.written.dropped, answer.written.reason) == (2, "")


def test_what_was_shown_before_a_fault_stays_above_the_points(
    assistant: Assistant, server: Server, built: Path
) -> None:
    server.behave = lambda handler: stalls(handler, LONG.partition(" It all")[0] + " And then ")
    hasty = Assistant.open(settings=settings(built, server.url, timeout=2))
    first, *_, last = hasty.write(hasty.ask(MEASURES))
    assert first.written is not None
    assert last.written is not None
    assert first.written.sentences == last.written.sentences != ()
    assert last.written.reason == (
        "The language model took longer than 2 seconds. Here are the points instead."
    )
    assert all(point.text in last.to_markdown() for point in last.points)


# ── Faults ──


@pytest.mark.parametrize("fault", [*FAULTS, "no server"])
def test_a_fault_shows_the_points_in_time_and_the_conversation_goes_on(
    fault: str, server: Server, built: Path, caplog: pytest.LogCaptureFixture
) -> None:
    behave, reason = FAULTS.get(fault, (drips, "cannot be reached"))
    server.behave = behave
    url = free_address() if fault == "no server" else server.url
    assistant = Assistant.open(settings=settings(built, url, timeout=1))
    points = assistant.ask(MEASURES)
    started = time.monotonic()
    answer = assistant.ask(MEASURES, write=True)
    assert time.monotonic() - started < 3
    assert answer.written is not None
    assert answer.written.sentences == ()
    assert answer.written.reason == f"The language model {reason}. Here are the points instead."
    assert answer.to_markdown().endswith(points.to_markdown())
    assert KEY not in caplog.text + answer.to_markdown() + json.dumps(answer.to_dict())
    if fault != "no server":
        server.behave = lambda handler: handler.says("It was to support industrialization [2].")
        again = assistant.ask(AIMS, [MEASURES], write=True)
        assert again.written is not None
        assert again.written.reason == ""


def test_the_cost_is_logged_and_nothing_that_was_said(
    assistant: Assistant, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "askhistory")
    server.behave = lambda handler: handler.says("It was to export crops [4].", usage=(300, 9))
    assistant.ask(AIMS, write=True)
    (record,) = [record for record in caplog.records if record.getMessage() == "written"]
    fields = record.__dict__["fields"]
    assert (fields["tokens_in"], fields["tokens_out"], fields["model"]) == (300, 9, "m")
    assert "crops" not in json.dumps(fields)


# ── Set up, or not ──


def test_without_a_language_model_nothing_changes(built: Path) -> None:
    plain = Assistant.open(settings=Settings(index=built))
    assert "written" not in plain.ask(AIMS).to_dict()
    with pytest.raises(LanguageModelError, match=r"docs/language-models\.md"):
        plain.ask(AIMS, write=True)


def test_half_a_setup_is_an_error_that_names_the_other_half(built: Path) -> None:
    with pytest.raises(LanguageModelError, match="Set ASKHISTORY_LLM_MODEL"):
        Assistant.open(settings=Settings(index=built, llm_base_url="http://localhost:1/v1"))


def test_a_model_is_a_part_like_any_other(built: Path, assistant: Assistant) -> None:
    with chat_server() as other:
        other.behave = lambda handler: handler.says("It was to export crops [4].")
        model = LanguageModel("mine", base_url=other.url)
        mine = Assistant(
            assistant.index, assistant._encoder, assistant._weights, assistant._settings, model
        )
        answer = mine.ask(AIMS, write=True)
    assert answer.written is not None
    assert answer.written.model == "mine"
