"""Three hundred questions of every sort; `make soak` asks ten thousand."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from askhistory.assistant import Assistant
from askhistory.lexicon import Lexicon
from bench import soak
from bench.soak import Asked, Soaked, Witness, questions

CORPUS = Path(__file__).resolve().parents[1] / "corpus"
AIMS = "what were the aims of collectivization?"


@pytest.fixture(scope="module")
def assistant(built: Path) -> Assistant:
    return Assistant.open(built)


def test_questions_of_every_sort_neither_crash_nor_are_cited_wrongly(assistant: Assistant) -> None:
    asked = list(questions(300, seed=1))
    assert len({one.kind for one in asked}) == 13
    found = soak.soak(assistant, CORPUS, asked)
    assert (found.crashes, found.faults) == ([], [])
    tallies = found.tallies
    assert sum(tally.asked for tally in tallies.values()) == 300
    assert tallies["1,000 to 100,000 characters"].rejected > 0
    assert tallies["empty"].rejected == tallies["empty"].asked
    assert tallies["real"].answered > tallies["real"].refused
    for sort in ("only punctuation", "other scripts", "gibberish"):
        assert (sort, tallies[sort].answered) == (sort, 0)


def test_the_same_seed_gives_the_same_questions() -> None:
    assert list(questions(50, seed=3)) == list(questions(50, seed=3))
    assert list(questions(50, seed=3)) != list(questions(50, seed=4))


def test_an_exception_that_is_not_ours_is_a_crash(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assistant, "ask", lambda question, history: 1 / 0)
    found = soak.soak(assistant, CORPUS, [Asked("real", "why?")])
    assert found.crashes == ["'why?': ZeroDivisionError: division by zero"]


def test_the_witness_knows_a_wrong_citation_from_a_right_one(assistant: Assistant) -> None:
    witness = Witness(CORPUS, assistant)
    answer = assistant.ask(AIMS)
    assert list(witness.faults(answer)) == []
    first, *rest = answer.points

    def faults(**changed: object) -> list[str]:
        return list(witness.faults(replace(answer, points=(replace(first, **changed), *rest))))

    assert faults(text="To follow nobody") == [
        f"'To follow nobody' does not stand at {first.page}:{first.line}"
    ]
    assert any("is outside of its citation" in fault for fault in faults(line=1, end_line=1))
    assert any("does not stand at" in fault for fault in faults(line=9999, end_line=9999))
    assert any("under another heading" in fault for fault in faults(headings=("Elsewhere",)))
    assert any("is cited as (7,)" in fault for fault in faults(also=(7,)))
    wrong = replace(answer.citations[0], headings=("No", "heading"))
    assert any(
        fault.startswith("no heading ('No', 'heading')")
        for fault in witness.faults(replace(answer, citations=(wrong,)))
    )
    assert next(iter(witness.faults(replace(answer, points=())))).startswith("covered, points")


def test_memory_that_grows_is_told_from_memory_that_does_not() -> None:
    assert Soaked(megabytes=[500, 510, 505, 503, 508, 506]).growth < 5
    assert Soaked(megabytes=[500, 510, 520, 530, 540, 550]).growth > 30


def test_a_forged_conversation_cannot_keep_the_server_busy(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up = []
    correct = Lexicon.correct
    monkeypatch.setattr(
        Lexicon, "correct", lambda self, word: looked_up.append(word) or correct(self, word)
    )
    unknown = (f"zq{chr(97 + n % 26)}xj{chr(97 + n // 26 % 26)}v" for n in range(10_000))
    history = [" ".join(next(unknown) for _ in range(100)) for _ in range(60)]
    started = time.perf_counter()
    assistant.ask("and the results?", history)
    assert len(looked_up) <= 2 * 40 + 20
    assert time.perf_counter() - started < 20
