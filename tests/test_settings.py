"""The knobs: their defaults, what the environment may say, and what it is told otherwise."""

from __future__ import annotations

import traceback
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askhistory.schema import AskHistoryError
from askhistory.settings import Settings

ROOT = Path(__file__).resolve().parents[1]


def test_defaults_of_an_empty_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings.from_environment({}) == Settings(
        corpus=ROOT / "corpus",
        index=ROOT / "index",
        token_budget=180,
        candidates=16,
        max_question_chars=1000,
        threshold=None,
        port=7860,
        log_level="warning",
        log_questions=False,
        client_limit=240,
        total_limit=6000,
        feedback=ROOT / "data" / "feedback.jsonl",
        llm_model=None,
        llm_base_url=None,
        llm_provider=None,
        llm_api_key=None,
        llm_timeout=60.0,
        llm_max_tokens=400,
        llm_prompt_tokens=1500,
    )


@pytest.mark.parametrize("folder", ["corpus", "index"])
def test_a_working_directory_with_either_folder_is_home(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path)
    settings = Settings()
    assert settings.corpus == tmp_path / "corpus"
    assert settings.index == tmp_path / "index"
    assert settings.feedback == tmp_path / "data" / "feedback.jsonl"


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("ASKHISTORY_CORPUS", "notes/mine", "corpus", Path("notes/mine")),
        ("ASKHISTORY_INDEX", "~/index", "index", Path.home() / "index"),
        ("ASKHISTORY_TOKEN_BUDGET", "240", "token_budget", 240),
        ("ASKHISTORY_CANDIDATES", " 1 ", "candidates", 1),
        ("ASKHISTORY_MAX_QUESTION_CHARS", "50", "max_question_chars", 50),
        ("ASKHISTORY_THRESHOLD", "0.25", "threshold", 0.25),
        ("ASKHISTORY_THRESHOLD", "Shipped", "threshold", None),
        ("ASKHISTORY_PORT", "65535", "port", 65535),
        ("ASKHISTORY_LOG_LEVEL", "DEBUG", "log_level", "debug"),
        ("ASKHISTORY_LOG_QUESTIONS", "On", "log_questions", True),
        ("ASKHISTORY_LOG_QUESTIONS", "off", "log_questions", False),
        ("ASKHISTORY_CLIENT_LIMIT", "30", "client_limit", 30),
        ("ASKHISTORY_TOTAL_LIMIT", "off", "total_limit", None),
        ("ASKHISTORY_FEEDBACK", "said.jsonl", "feedback", Path("said.jsonl")),
        ("ASKHISTORY_FEEDBACK", "off", "feedback", None),
        ("ASKHISTORY_LLM_MODEL", "qwen3:4b", "llm_model", "qwen3:4b"),
        ("ASKHISTORY_LLM_BASE_URL", "http://h:1/v1/", "llm_base_url", "http://h:1/v1"),
        ("ASKHISTORY_LLM_PROVIDER", "auto", "llm_provider", "auto"),
        ("ASKHISTORY_LLM_API_KEY", " sk-1 ", "llm_api_key", "sk-1"),
        ("ASKHISTORY_LLM_TIMEOUT", "2.5", "llm_timeout", 2.5),
        ("ASKHISTORY_LLM_MAX_TOKENS", "16", "llm_max_tokens", 16),
        ("ASKHISTORY_LLM_PROMPT_TOKENS", "200", "llm_prompt_tokens", 200),
    ],
)
def test_the_environment_sets_a_knob(variable: str, text: str, name: str, value: object) -> None:
    assert getattr(Settings.from_environment({variable: text}), name) == value


def test_the_process_environment_is_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASKHISTORY_PORT", "8000")
    assert Settings.from_environment().port == 8000


def test_an_empty_variable_counts_as_not_set() -> None:
    assert Settings.from_environment({"ASKHISTORY_PORT": " "}) == Settings()


@pytest.mark.parametrize(
    ("variable", "text", "allowed"),
    [
        ("ASKHISTORY_TOKEN_BUDGET", "241", "a whole number from 32 to 240"),
        ("ASKHISTORY_CANDIDATES", "0", "a whole number from 1 to 1000"),
        ("ASKHISTORY_MAX_QUESTION_CHARS", "many", "a whole number from 1 to 100000"),
        ("ASKHISTORY_THRESHOLD", "1.1", "a number from 0 to 1, or “shipped”"),
        ("ASKHISTORY_THRESHOLD", "nan", "a number from 0 to 1, or “shipped”"),
        ("ASKHISTORY_PORT", "7860.0", "a whole number from 1 to 65535"),
        ("ASKHISTORY_LOG_LEVEL", "loud", "one of debug, info, warning, error"),
        ("ASKHISTORY_LOG_QUESTIONS", "yes", "“on” or “off”"),
        ("ASKHISTORY_CLIENT_LIMIT", "0", "a whole number from 1 to 1000000, or “off”"),
        ("ASKHISTORY_LLM_TIMEOUT", "nan", "a number of seconds from 1 to 600"),
        (
            "ASKHISTORY_LLM_BASE_URL",
            "http://me:secret@h/v1",
            "an address such as http://localhost:11434/v1, without a name or password in it",
        ),
    ],
)
def test_a_value_that_is_not_allowed_names_variable_value_and_what_is(
    variable: str, text: str, allowed: str
) -> None:
    with pytest.raises(AskHistoryError) as caught:
        Settings.from_environment({variable: text})
    assert str(caught.value) == (
        f"{variable} is “{text}”, but it must be {allowed}. Set it so, or unset it for the default."
    )


def test_a_key_is_never_shown() -> None:
    key = "-".join(("sk", "secret"))
    settings = Settings.from_environment({"ASKHISTORY_LLM_API_KEY": key})
    assert key not in repr(settings) + str(settings)
    with pytest.raises(AskHistoryError) as caught:
        Settings.from_environment({"ASKHISTORY_LLM_API_KEY": f"{key} twice"})
    assert str(caught.value).startswith("ASKHISTORY_LLM_API_KEY is not allowed, but it must be ")
    assert key not in "".join(traceback.format_exception(caught.value))


def test_a_misspelt_variable_is_not_silently_ignored() -> None:
    with pytest.raises(AskHistoryError) as caught:
        Settings.from_environment({"ASKHISTORY_TRESHOLD": "0.5"})
    assert str(caught.value) == (
        "ASKHISTORY_TRESHOLD is not a setting. Did you mean ASKHISTORY_THRESHOLD?"
    )


def test_variables_of_others_are_left_alone() -> None:
    environ = {"PORT": "1", "ASKHISTORY_BENCH_DATA": "elsewhere", "askhistory_port": "2"}
    assert Settings.from_environment(environ) == Settings()


@given(st.sampled_from([knob.name for knob in fields(Settings)]), st.text(max_size=20))
def test_any_text_gives_settings_or_an_error_that_names_the_variable(name: str, text: str) -> None:
    variable = f"ASKHISTORY_{name.upper()}"
    message = ""
    try:
        Settings.from_environment({variable: text})
    except AskHistoryError as error:
        message = str(error)
    shown = "not allowed" if name == "llm_api_key" else f"“{text.strip()}”"
    assert not message or message.startswith(f"{variable} is {shown}, but it must be ")


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]
