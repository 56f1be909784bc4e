"""What is logged, and how it looks to a program and to a person."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from askhistory import Assistant, Settings
from askhistory.logs import Stopwatch, configure

AIMS = "what were the aims of collectivization?"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    logger = logging.getLogger("askhistory")
    handlers, level = logger.handlers, logger.level
    yield
    logger.handlers, logger.level = handlers, level


@pytest.fixture
def message() -> Iterator[logging.Logger]:
    return logging.getLogger("askhistory.test")


def test_a_program_gets_one_json_object_a_line(message: logging.Logger) -> None:
    stream = io.StringIO()
    configure("info", stream)
    message.info("two\nlines %s", "\x1b[31m", extra={"fields": {"seconds": 0.5}})
    (line,) = stream.getvalue().splitlines()
    record = json.loads(line)
    assert record.pop("time").endswith("+00:00")
    assert record == {
        "level": "info",
        "logger": "askhistory.test",
        "message": "two\nlines \x1b[31m",
        "seconds": 0.5,
    }
    assert "\x1b" not in line


def test_a_traceback_is_one_field(message: logging.Logger) -> None:
    stream = io.StringIO()
    configure("error", stream)
    try:
        raise ZeroDivisionError("oh")
    except ZeroDivisionError:
        message.exception("it failed")
    record = json.loads(stream.getvalue())
    assert record["message"] == "it failed"
    assert record["exception"].endswith("ZeroDivisionError: oh")


def test_a_person_gets_a_plain_line(message: logging.Logger) -> None:
    stream = Terminal()
    configure("warning", stream)
    message.info("not this")
    message.warning("this", extra={"fields": {"kind": "answer"}})
    message.warning("that")
    assert stream.getvalue() == 'this kind="answer"\nthat\n'


def test_a_stage_that_comes_twice_counts_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([1.0, 2.0, 4.0, 8.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(moments))
    watch = Stopwatch()
    watch.lap("find")
    watch.lap("read")
    watch.lap("find")
    assert watch.stages == {"find": 5.0, "read": 2.0}


@pytest.fixture(scope="module")
def assistant(built: Path) -> Assistant:
    return Assistant.open(built)


def lines(
    assistant: Assistant, questions: list[str], level: str = "info"
) -> list[dict[str, object]]:
    stream = io.StringIO()
    configure(level, stream)
    for question in questions:
        assistant.ask(question)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_question_is_a_line_with_its_stages_and_without_its_words(assistant: Assistant) -> None:
    asked = [AIMS, "hello", "how do I bake sourdough bread?"]
    answer, greeting, refusal = lines(assistant, asked)
    assert [line["kind"] for line in (answer, greeting, refusal)] == ["answer", "reply", "refusal"]
    assert answer["points"] == 4
    stages = answer["stages"]
    assert isinstance(stages, dict)
    assert list(stages) == ["understand", "find", "read", "judge", "compose"]
    assert sum(stages.values()) == pytest.approx(answer["seconds"], abs=0.002)
    assert list(greeting["stages"]) == ["compose"]
    assert not any(question in json.dumps([answer, greeting, refusal]) for question in asked)


def test_its_words_are_logged_where_that_was_asked_for(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assistant, "_settings", replace(Settings(), log_questions=True))
    (line,) = lines(assistant, [AIMS])
    assert (line["question"], line["query"]) == (AIMS, AIMS)


def test_nothing_is_logged_of_a_question_at_the_usual_level(assistant: Assistant) -> None:
    assert lines(assistant, [AIMS], Settings().log_level) == []


def test_questions_of_our_own_are_not_logged(assistant: Assistant) -> None:
    stream = io.StringIO()
    configure("info", stream)
    assert len(assistant.starters(2, 7)) == 2
    assert stream.getvalue() == ""
