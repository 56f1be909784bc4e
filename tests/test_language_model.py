"""The language model's client against a server over real HTTP that does all that servers do."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from askhistory.language_model import LanguageModel, Usage
from askhistory.schema import LanguageModelError
from chat_server import Handler, Server, chat_server, drips, free_address, runs_away, stalls

KEY = "sk-the-key-of-this-test"


@pytest.fixture
def server() -> Iterator[Server]:
    with chat_server() as site:
        yield site


def model_at(url: str, timeout: float = 5.0, max_tokens: int = 50) -> LanguageModel:
    return LanguageModel("m", base_url=url, api_key=KEY, timeout=timeout, max_tokens=max_tokens)


def read(model: LanguageModel) -> str:
    return "".join(model.stream("system", "user"))


def test_what_the_model_writes_comes_piece_by_piece(server: Server) -> None:
    server.behave = lambda handler: handler.says("The state owned the land.", size=5)
    reply = model_at(server.url).stream("Be brief.", "Who owned the land?")
    assert list(reply) == ["The s", "tate ", "owned", " the ", "land."]
    (sent,) = server.requests
    assert sent["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Who owned the land?"},
    ]
    assert (sent["model"], sent["max_tokens"], sent["stream"]) == ("m", 50, True)


def test_the_first_piece_is_there_before_the_last_is_written(server: Server) -> None:
    server.behave = stalls
    pieces = iter(model_at(server.url, timeout=2).stream("s", "u"))
    assert next(pieces) == "The state owned the land [1]. "


def test_tokens_are_the_servers_own_count_or_else_tiktokens(server: Server) -> None:
    server.behave = lambda handler: handler.says("one two three", usage=(41, 7))
    reply = model_at(server.url).stream("a b", "c d")
    assert "".join(reply) == "one two three"
    assert reply.usage == Usage(41, 7)
    server.behave = lambda handler: handler.says("one two three")
    reply = model_at(server.url).stream("a b", "c d")
    assert "".join(reply) == "one two three"
    assert reply.usage == Usage(5, 3)


def test_reply_of_pieces_without_choices_or_text_is_read(server: Server) -> None:
    def behave(handler: Handler) -> None:
        handler.begins()
        handler.sends(": a comment\n\n")
        handler.sends('data: {"id": "x", "choices": []}\n\n')
        handler.sends('data: {"id": "x", "choices": [{"index": 0, "delta": {}}]}\n\n')
        handler.chunk("Yes.")
        handler.ends("length")

    server.behave = behave
    assert read(model_at(server.url)) == "Yes."


def broken_json(handler: Handler) -> None:
    handler.begins()
    handler.chunk("Half")
    handler.sends('data: {"id": "x", "choi\n\n')


def list_for_object(handler: Handler) -> None:
    handler.begins()
    handler.sends("data: [1, 2]\n\n")


def cut_in_silence(handler: Handler) -> None:
    handler.begins()
    handler.chunk("The state owned")


def cut_after_done(handler: Handler) -> None:
    cut_in_silence(handler)
    handler.sends("data: [DONE]\n\n")


def torn(handler: Handler) -> None:
    cut_in_silence(handler)
    handler.resets()


def web_page(handler: Handler) -> None:
    handler.begins(200, "text/html")
    handler.sends("<html><body>Welcome!</body></html>")


def error_in_stream(handler: Handler) -> None:
    handler.begins()
    handler.sends('data: {"error": "out of memory", "error_type": "generation"}\n\n')


def nothing(handler: Handler) -> None:
    handler.begins()
    handler.ends()


FAULTS: dict[str, tuple[Callable[[Handler], None], str]] = {
    "wrong key": (lambda handler: handler.fails(401), "does not accept the key"),
    "forbidden": (lambda handler: handler.fails(403), "does not accept the key"),
    "unpaid": (lambda handler: handler.fails(402), "asks to be paid"),
    "no such model": (lambda handler: handler.fails(404), "is not there"),
    "rate limit": (lambda handler: handler.fails(429), "is asked too often just now"),
    "server error": (lambda handler: handler.fails(500), "has a fault of its own"),
    "overloaded": (lambda handler: handler.fails(503, "<html>"), "has a fault of its own"),
    "bad request": (lambda handler: handler.fails(400), "refuses the request"),
    "unprocessable": (lambda handler: handler.fails(422), "refuses the request"),
    "broken JSON": (broken_json, "sent what cannot be read"),
    "another JSON": (list_for_object, "sent what cannot be read"),
    "cut in silence": (cut_in_silence, "broke off"),
    "done, not finished": (cut_after_done, "broke off"),
    "torn": (torn, "broke off"),
    "reset at once": (Handler.resets, "broke off"),
    "a web page": (web_page, "broke off"),
    "error in the stream": (error_in_stream, "broke off"),
    "nothing": (nothing, "wrote nothing"),
    "white space": (lambda handler: handler.says(" \n \n"), "wrote nothing"),
    "runs away": (runs_away, "does not stop writing"),
    "stalls": (stalls, "took longer than 1 seconds"),
    "drips": (drips, "took longer than 1 seconds"),
    "never answers": (lambda handler: handler.waits(60), "took longer than 1 seconds"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_an_error_in_time(
    fault: str, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.behave, reason = FAULTS[fault]
    model = model_at(server.url, timeout=1 if "1 seconds" in reason else 10)
    started = time.monotonic()
    with pytest.raises(LanguageModelError) as caught:
        read(model)
    assert time.monotonic() - started < 5
    assert caught.value.reason == f"The language model {reason}."
    assert "\n" not in str(caught.value)
    assert KEY not in str(caught.value) + caplog.text


def test_no_server_is_an_error_at_once() -> None:
    started = time.monotonic()
    with pytest.raises(LanguageModelError, match="Start its server, or check the address") as error:
        read(model_at(free_address()))
    assert error.value.reason == "The language model cannot be reached."
    assert time.monotonic() - started < 3


def test_offline_mode_is_named(server: Server) -> None:
    script = (
        "from askhistory.language_model import LanguageModel\n"
        "from askhistory.schema import LanguageModelError\n"
        f"model = LanguageModel('m', base_url={server.url!r})\n"
        "try:\n    model.check()\nexcept LanguageModelError as error:\n    print(error)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    assert "Unset HF_HUB_OFFLINE" in said
    assert server.requests == []


def test_checking_is_a_word_written(server: Server) -> None:
    model_at(server.url).check()
    assert server.requests[0]["max_tokens"] == 16
    server.behave = lambda handler: handler.fails(401)
    with pytest.raises(LanguageModelError, match="ASKHISTORY_LLM_API_KEY"):
        model_at(server.url).check()


def test_the_key_goes_to_its_server(server: Server) -> None:
    read(model_at(server.url))
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


def test_the_machines_own_token_is_never_sent(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_not_meant_for_this_server")
    monkeypatch.setenv("HUGGING_FACE_HUB_TOKEN", "hf_not_meant_for_this_server")
    assert read(LanguageModel("m", base_url=server.url)) == "Yes."
    assert server.headers[0]["authorization"] == "Bearer none"
    assert "hf_not_meant" not in str(server.headers)


def test_the_key_does_not_follow_to_another_server(server: Server) -> None:
    with chat_server() as other:

        def elsewhere(handler: Handler) -> None:
            handler.send_response(307)
            handler.send_header("Location", f"{other.url}/chat/completions")
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        server.behave = elsewhere
        read(model_at(server.url))
        assert len(other.requests) == 1
        assert KEY not in str(other.headers)


def test_the_key_is_in_no_repr() -> None:
    model = model_at("http://localhost/v1")
    assert repr(model) == "LanguageModel('m', at='http://localhost/v1')"


@pytest.mark.parametrize(
    ("arguments", "mending"),
    [
        ({"name": None, "base_url": "http://h/v1"}, "Set ASKHISTORY_LLM_MODEL"),
        ({"name": "m"}, "Set either ASKHISTORY_LLM_BASE_URL or ASKHISTORY_LLM_PROVIDER"),
        ({"name": "m", "base_url": "http://h/v1", "provider": "auto"}, "Set either"),
        ({"name": "m", "provider": "auto"}, "Set ASKHISTORY_LLM_API_KEY"),
    ],
)
def test_settings_that_make_no_whole_are_an_error(arguments: dict[str, str], mending: str) -> None:
    with pytest.raises(LanguageModelError, match=mending):
        LanguageModel(**arguments)  # type: ignore[arg-type]


def test_an_unknown_provider_is_an_error() -> None:
    with pytest.raises(LanguageModelError, match="Check ASKHISTORY_LLM_PROVIDER"):
        read(LanguageModel("m", provider="nobody", api_key="hf_x"))
