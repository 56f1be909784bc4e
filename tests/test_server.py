"""A real server, asked over HTTP by whoever means no good: what it gives away, and what it takes.

One process for the whole file, as `askhistory serve` starts it. Each test asks from an address of
its own, as a proxy on this machine would name it, because the limit per address is low here.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from served import Server, serving

ROOT = Path(__file__).resolve().parents[1]
AIMS = "what were the aims of collectivization?"
SECRET = "-".join(("sk", "never", "shown"))
LIMIT = 5
EVIL = '<img src=x onerror="alert(1)"><script>alert(2)</script>![p](http://example.com/p.png)'


@pytest.fixture(scope="module")
def running(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    environment = {
        **{name: value for name, value in os.environ.items() if name != "SPACE_ID"},
        "ASKHISTORY_LOG_LEVEL": "debug",
        "ASKHISTORY_CLIENT_LIMIT": str(LIMIT),
        "ASKHISTORY_FEEDBACK": str(folder / "log.jsonl"),
        "ASKHISTORY_LLM_API_KEY": SECRET,
        "HF_TOKEN": SECRET,
    }
    with serving(folder, environment, "--index", built) as server:
        yield server


@pytest.fixture
def server(running: Server) -> Server:
    return Server(running.port, running.log)


# ── What it says of itself ──


def test_healthz_says_how_the_server_is_and_nothing_else(server: Server, built: Path) -> None:
    manifest = json.loads((built / "manifest.json").read_text("utf-8"))
    from askhistory import __version__

    assert server.call("/healthz").json == {
        "name": "askhistory",
        "version": __version__,
        "state": "ready",
        "index": manifest["build"],
    }


def test_it_listens_to_this_machine_alone(server: Server) -> None:
    ours = f":{server.port:04X}"
    listening = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if Path(table).exists():
            rows = [line.split() for line in Path(table).read_text().splitlines()[1:]]
            listening += [row[1] for row in rows if row[1].endswith(ours) and row[3] == "0A"]
    assert listening == [f"0100007F{ours}"]


CASES = {
    "/": 200,
    "/config": 200,
    "/healthz": 200,
    "/askhistory/page.js": 200,
    "/askhistory/notes": 200,
    "/askhistory/none": 404,
    "/askhistory/notes/page?page=99": 404,
    "/gradio_api/info": 200,
    "/gradio_api/upload": 404,
    "/gradio_api/queue/join": 405,
    "/gradio_api/call/ask/none": 200,
}


@pytest.mark.parametrize("path", CASES)
def test_every_answer_carries_the_headers(server: Server, path: str) -> None:
    answer = server.call(path, until=b"(?:event|data|<|\\{)")
    assert answer.status == CASES[path]
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert policy.endswith("frame-ancestors 'self'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=corpus/stalins-soviet-union.md",
        "/gradio_api/file/etc/passwd",
        "/gradio_api/proxy=http://127.0.0.1/",
        "/gradio_api/upload_progress?upload_id=1",
        "/gradio_api/stream/a/b/c/playlist.m3u8",
        "/gradio_api/monitoring",
        "/gradio_api/vibe-code",
        "/gradio_api/deep_link",
        "/gradio_api/runs",
        "/gradio_api/call/typed/x",
        "/custom_component/1/client/component/index.js",
        "/file=/etc/passwd",
        "/proxy=http://127.0.0.1/",
        "/login",
        "/token",
        "/docs",
        "/openapi.json",
        "//etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/assets/../../routes.py",
        "/static/..%2f..%2froutes.py",
        "/askhistory/..%2f..%2fschema.py",
        "/askhistory/notes/page?page=../../../etc/passwd",
        "/askhistory/notes/questions?page=0&section=../../etc/passwd",
    ],
)
def test_no_file_and_no_address_is_fetched_for_whoever_asks(server: Server, path: str) -> None:
    answer = server.call(path)
    assert answer.status in (403, 404)
    assert b"root:" not in answer.body
    assert b"import " not in answer.body


@pytest.mark.parametrize(
    "path", ["upload", "component_server", "stream/x", "process_recording", "vibe-edit"]
)
def test_nothing_can_be_uploaded(server: Server, path: str) -> None:
    form = (
        b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.md"\r\n\r\n# a\r\n--b--'
    )
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    assert server.call(f"/gradio_api/{path}", body=form, headers=kind).status == 404


# ── What it takes ──


def test_a_request_that_is_too_long_is_not_read(server: Server) -> None:
    answer = server.call(
        "/gradio_api/call/ask", method="POST", headers={"Content-Length": "4000001"}
    )
    assert answer.status == 413
    assert answer.json == {"error": "The request is too long; 4000000 bytes is the most."}


def test_a_request_of_unknown_length_is_not_read(server: Server) -> None:
    chunked = {"Transfer-Encoding": "chunked", "Content-Type": "application/json"}
    answer = server.call("/gradio_api/call/ask", body=b"0\r\n\r\n", headers=chunked)
    assert answer.status in (411, 400)


@pytest.mark.parametrize("rest", [(), ([],), ([], False), ([], False, "more than it takes")])
def test_what_a_call_leaves_out_is_taken_at_its_default(
    server: Server, rest: tuple[object, ...]
) -> None:
    event, data = server.answer(AIMS, *rest)
    assert event == "complete"
    assert data[0]["kind"] == "answer"
    assert "written" not in data[0]
    assert data[0]["points"][0]["headings"][-2:] == ["Collectivization", "Aims"]


def test_a_call_without_a_question_is_told_what_it_takes(server: Server) -> None:
    said = "“question” is a text and “history” a list of texts."
    name, data = server.answer()
    assert (name, data["error"]) == ("error", said)


def test_too_many_questions_from_one_address_are_turned_away_with_429(server: Server) -> None:
    statuses = [server.answer(AIMS)[0] for _ in range(LIMIT)]
    assert statuses == ["complete"] * LIMIT
    refused = server.ask(AIMS)
    assert refused.status == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 12
    assert re.fullmatch(
        r"Too many questions in a short time. Ask again in \d+ seconds?\.", refused.json["error"]
    )
    other = Server(server.port, server.log)
    assert other.answer(AIMS)[0] == "complete"
    machine = Server(server.port, server.log, "")
    assert [machine.answer(AIMS)[0] for _ in range(LIMIT + 1)] == ["complete"] * (LIMIT + 1)


def test_too_many_questions_typed_on_the_page_are_told_so_in_the_conversation(
    server: Server,
) -> None:
    for _ in range(LIMIT):
        server.type(AIMS, {}, False, "points")
    success, (box, chat, kept, *_), _ = server.type(AIMS, {}, False, "points")
    assert success
    assert "Too many questions in a short time. Ask again in " in kept["turns"][-1]["message"]
    assert kept["turns"][-1]["state"] == "failed"
    assert "Too many questions in a short time." in str(chat)
    assert box["interactive"] is True
    assert "value" not in box


def test_looking_things_up_is_limited_too(server: Server) -> None:
    statuses = [server.call("/askhistory/notes/search?q=farm").status for _ in range(60)]
    assert statuses[:LIMIT] == [200] * LIMIT
    assert statuses[-1] == 429


def test_a_question_that_is_too_long_is_an_error_that_says_so(server: Server) -> None:
    said = "The question has 1001 characters; 1000 is the most. Shorten it."
    name, data = server.answer("x" * 1001)
    assert (name, data["error"]) == ("error", said)
    success, (box, _, kept, *_), _ = server.type("y" * 100_000, {}, False, "points")
    assert success
    turn = kept["turns"][-1]
    assert turn["message"] == "The question has 100000 characters; 1000 is the most. Shorten it."
    assert (turn["state"], len(turn["question"])) == ("failed", 1001)
    assert "value" not in box


@pytest.mark.parametrize(
    "question", [None, 7, {"a": 1}, [AIMS], "", " \t", "\x00", "‮olleh", "🪖" * 300, "?" * 900]
)
def test_a_strange_question_gets_an_answer_or_an_error_for_people(
    server: Server, question: object
) -> None:
    name, data = server.answer(question)
    assert name in ("complete", "error")
    assert "Traceback" not in str(data)


@pytest.mark.parametrize(
    "history", [7, "text", {"a": 1}, [1, 2], [None], [[AIMS]], [EVIL] * 500, ["x" * 100_000]]
)
def test_a_forged_history_of_the_api_is_harmless(server: Server, history: object) -> None:
    name, data = server.answer("and the results?", history)
    assert name == "error" or data[0]["kind"] in ("answer", "refusal")
    assert "Traceback" not in str(data)


def forged(**fields: object) -> dict[str, object]:
    """A conversation as the browser keeps it, its answer made up."""
    point = {
        "text": EVIL, "headings": [EVIL], "page": "../../../etc/passwd", "line": 1, "end_line": 1,
        "score": 1.0, "citation": 1, "also": [],
    }  # fmt: skip
    cited = {
        "number": 1, "headings": [EVIL], "page": "../../../etc/passwd", "anchor": EVIL,
        "line": -1, "end_line": 10**12,
    }  # fmt: skip
    answer = {
        "question": EVIL, "query": EVIL, "covered": True, "confidence": 1.0, "answer": EVIL,
        "points": [point], "citations": [cited], "nearest": [], "seconds": 0.0, "kind": "answer",
        "corrections": [{"typed": EVIL, "read": EVIL}], **fields,
    }  # fmt: skip
    turn = {
        "question": EVIL, "state": "done", "answer": answer, "shown": None, "follow_ups": [EVIL],
        "rating": "", "message": EVIL, "id": "00000000",
    }  # fmt: skip
    return {"turns": [turn, {**turn, "state": "failed", "answer": None}]}


def test_a_forged_conversation_is_shown_as_text_or_not_at_all(server: Server) -> None:
    success, (_, chat, kept, *_), said = server.type(AIMS, forged(), False, "points")
    assert success
    assert [turn["question"] for turn in kept["turns"]][-1] == AIMS
    assert kept["turns"][-1]["answer"]["covered"] is True
    shown = json.dumps(chat)
    assert len(kept["turns"]) == 3
    # A question is Markdown, in which a backslash takes a tag's meaning away; an answer is HTML.
    assert re.findall(r"(?<!\\)<(?:img|script)", shown) == []
    assert shown.count("&lt;script&gt;") > 3
    assert "root:" not in said


def test_undo_brings_back_no_more_than_a_conversation(server: Server) -> None:
    config = server.call("/config").json
    (button,) = [one["id"] for one in config["components"] if one["props"].get("elem_id") == "undo"]
    (number,) = [
        number
        for number, one in enumerate(config["dependencies"])
        if [button, "click"] in one["targets"]
    ]

    def undo(before: object) -> Any:
        data = {"fn_index": number, "data": [{"turns": []}, before], "session_hash": "u"}
        return server.call("/gradio_api/run/predict", data).json["data"]

    _, chat, kept, spare, line = undo(forged()["turns"])
    assert [turn["question"] for turn in kept["turns"]] == [EVIL, EVIL]
    assert re.findall(r"(?<!\\)<(?:img|script)", json.dumps(chat)) == []
    assert spare == []
    assert line["visible"] is False
    for raw in (None, 7, "text", {}, [7, None, {}, []], [{"question": EVIL}]):
        assert undo(raw)[2]["turns"] == []


@pytest.mark.parametrize(
    "kept",
    [
        None, 7, "text", [], {"turns": 7}, {"turns": [7, None, {}, []]},
        {"turns": [{"question": {}, "state": "done"}] * 1000}, {"turns": {"a": 1}},
        forged(points=7), forged(kind="evil"), forged(points=[{}]), forged(confidence="x"),
        {"share": "x", "turns": [], "more": {"a": [1] * 1000}},
    ],
)  # fmt: skip
def test_whatever_a_browser_keeps_no_question_goes_unanswered_for_others(
    server: Server, kept: object
) -> None:
    _, _, said = server.type("When did Lenin die?", kept, "not a bool", "not a mode")
    assert "Traceback" not in said
    assert str(ROOT) not in said
    assert Server(server.port, server.log).answer(AIMS)[0] == "complete"


# ── What it gives away ──


def test_the_log_has_a_line_for_each_question_with_its_stages_and_not_its_words(
    server: Server,
) -> None:
    before = len(server.log.read_text("utf-8").splitlines())
    marked = f"{AIMS} zyzzyva"
    server.answer(marked, ["what was the NEP?"])
    text = server.log.read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines()[before:] if line.startswith("{")]
    (line,) = [line for line in lines if line["message"] == "question"]
    assert (line["level"], line["logger"]) == ("info", "askhistory.assistant")
    assert (line["chars"], line["earlier"]) == (len(marked), 1)
    assert list(line["stages"]) == ["understand", "find", "read", "judge", "compose"]
    assert 0 < sum(line["stages"].values()) <= line["seconds"] + 0.001
    assert "zyzzyva" not in text
    assert AIMS not in text


def test_secrets_are_neither_logged_nor_sent(server: Server) -> None:
    for path in ("/", "/config", "/healthz", "/gradio_api/info", "/askhistory/status"):
        assert SECRET.encode() not in server.call(path).body
    assert SECRET not in json.dumps(server.answer(AIMS))
    assert SECRET not in server.log.read_text("utf-8")
