"""The terminal, as a student types at it: what comes out where, and with which status."""

from __future__ import annotations

import json
import os
import re
import resource
import shlex
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client
from hypothesis import given
from hypothesis import strategies as st

from askhistory import assistant as assistant_module
from askhistory import cli
from askhistory.assistant import Assistant
from askhistory.manifest import read_manifest
from askhistory.models import Encoder
from askhistory.schema import Answer, Heading
from askhistory.ui.feedback import Log

AIMS = "what were the aims of collectivization?"
FAR = "how do I bake sourdough bread?"
SPACE = "# Space\n\n## First steps\n\n* Sputnik was launched in October 1957\n"
MOON = "\n## Moon\n\n* Armstrong walked on the Moon in July 1969\n"
ANSI = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
SECONDS = re.compile(r"\d+\.\d s")


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it wrote."""

    status: object
    out: str
    err: str

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Ended]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with notes of its own, and no setting from outside."""
    for name in list(os.environ):
        if name.startswith("ASKHISTORY_") or name in {"FORCE_COLOR", "NO_COLOR", "COLUMNS"}:
            monkeypatch.delenv(name)
    folder = tmp_path / "project"
    (folder / "corpus").mkdir(parents=True)
    (folder / "corpus" / "space.md").write_text(SPACE, "utf-8")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def run(
    project: Path,
    encoder: Encoder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Run a command in this process, with the encoder that is loaded already."""
    monkeypatch.setattr(assistant_module.Encoder, "load", lambda: encoder)

    def command(*arguments: object) -> Ended:
        cli._stderr.cache_clear()  # A process has one standard error, a test has its own.
        monkeypatch.setattr(sys, "argv", ["askhistory", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        written = capsys.readouterr()
        return Ended(ended.value.code, written.out, written.err)

    return command


def without_seconds(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "seconds"}


# ------------------------------------------------------------------------------ one question


def test_an_answer_is_markdown_where_it_is_piped(run: Run) -> None:
    run("index")
    assert run("ask", "when was Sputnik launched?") == Ended(
        0,
        "**First steps** [1]\n"
        "\n"
        "- Sputnik was launched in October 1957\n"
        "\n"
        "Sources:\n"
        "\n"
        "1. Space › First steps (space.md, line 5)\n",
        "",
    )


def test_json_is_what_the_code_returns(run: Run, built: Path) -> None:
    ended = run("ask", AIMS, "--json", "--index", built)
    (printed,) = ended.lines
    expected = Assistant.open(built).ask(AIMS).to_dict()
    assert (ended.status, ended.err) == (0, "")
    assert list(printed) == list(expected)
    assert without_seconds(printed) == without_seconds(expected)


def test_a_refusal_is_no_failure(run: Run, built: Path) -> None:
    ended = run("ask", FAR, "--index", built)
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith("The notes do not cover this.")


def test_an_answer_is_coloured_on_a_terminal(
    run: Run, built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    out = run("ask", AIMS, "--index", built).out
    assert "\x1b[1;36mEconomic impact of Stalin › Collectivization › Aims\x1b[0m" in out
    plain = [line.rstrip() for line in ANSI.sub("", out).splitlines()]
    assert " • To support rapid industrialization" in plain
    assert max(map(len, plain)) <= 100


def test_what_was_read_instead_is_said_beside_the_answer(run: Run, built: Path) -> None:
    ended = run("ask", "what were the aims of kolektivization?", "--index", built)
    assert ended.err.startswith(
        "Showing notes for “collectivization” (you typed “kolektivization”)\n"
    )
    assert ended.out.startswith("**Economic impact of Stalin › Collectivization › Aims** [1]\n")


def test_what_was_searched_is_said_where_it_is_not_what_was_typed() -> None:
    answer = Answer("when was the FYP?", "when was the Five-Year Plan?", True, 0.9, "")
    assert list(cli._readings(answer)) == ["Searched for: when was the Five-Year Plan?"]
    assert list(cli._readings(Answer("Who ruled?", "who ruled", True, 0.9, ""))) == []


# ------------------------------------------------------------------------- usage and errors


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ask"], "Type a question in quotes, or name a file of questions with --batch."),
        (["ask", "one?", "--batch", "two.jsonl"], "Type a question in quotes, or name a file"),
        (["ask", "why?", "--index", ""], "name a folder"),
        (["ask", "why?", "--indx", "x"], "No such option: --indx"),
        (["serve", "--port", "0"], "Invalid value for '--port'"),
        (["serve", "--port", "many"], "Invalid value for '--port'"),
        (["eval"], "Missing argument"),
        (["eval", "q.jsonl", "--split", "train"], "'train' is not one of 'dev', 'test'"),
        (["explain"], "No such command 'explain'"),
    ],
)
def test_what_is_typed_wrongly_is_usage(run: Run, arguments: Sequence[str], said: str) -> None:
    ended = run(*arguments)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ask", "why? " * 300], "Error: The question has 1500 characters; the most is 1000."),
        (["ask", " "], "Error: The question is empty. Type one.\n"),
        (["ask", "--batch", "none.jsonl"], "Error: none.jsonl: cannot be read (No such file"),
        (["ask", "--batch", "corpus"], "Error: corpus: cannot be read (Is a directory)."),
        (["eval", "none.jsonl"], "Error: none.jsonl: cannot be read (No such file"),
        (["index", "--corpus", "none"], "Error: none: there is no such folder."),
        (
            ["ask", "why?", "--index", "none", "--corpus", "nowhere"],
            "Error: nowhere: there is no such folder.",
        ),
        (
            ["serve", "--index", "none", "--corpus", "nowhere"],
            'Error: There is no index in none: run "askhistory index --index none" to build it.\n',
        ),
    ],
)
def test_an_error_says_what_is_wrong(run: Run, arguments: Sequence[str], said: str) -> None:
    ended = run(*arguments)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(said)
    assert "Traceback" not in ended.err


def test_a_setting_that_is_not_allowed_is_an_error(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASKHISTORY_PORT", "http")
    assert run("ask", "why?") == Ended(
        1,
        "",
        "Error: ASKHISTORY_PORT is “http”, but it must be a whole number from 1 to 65535. "
        "Set it so, or unset it for the default.\n",
    )


# -------------------------------------------------------------------- which index, which notes


def test_a_missing_index_is_built_and_then_kept(run: Run, project: Path) -> None:
    question = "when was Sputnik launched?"
    first = run("ask", question, "--json")
    assert (first.status, first.lines[0]["points"][0]["line"]) == (0, 5)
    build = read_manifest(project / "index").build
    run("ask", question)
    assert read_manifest(project / "index").build == build


def test_notes_that_changed_are_read_again(run: Run, project: Path) -> None:
    run("ask", "when was Sputnik launched?")
    (project / "corpus" / "space.md").write_text(SPACE + MOON, "utf-8")
    (answer,) = run("ask", "when did Armstrong walk on the Moon?", "--json").lines
    assert [point["text"] for point in answer["points"]] == [
        "Armstrong walked on the Moon in July 1969"
    ]


def test_an_index_that_is_named_alone_is_not_built_from_the_default_notes(
    run: Run, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "moon").mkdir()
    (tmp_path / "moon" / "moon.md").write_text("# Moon\n" + MOON, "utf-8")
    named = tmp_path / "named"
    run("index", "--corpus", tmp_path / "moon", "--index", named)
    before = read_manifest(named)
    question = "when did Armstrong walk on the Moon?"
    assert run("ask", question, "--index", named, "--json").lines[0]["covered"]
    monkeypatch.setenv("ASKHISTORY_INDEX", str(named))
    assert run("ask", question, "--json").lines[0]["covered"]
    assert read_manifest(named) == before


def test_an_index_that_is_named_alone_follows_the_notes_it_was_built_from(
    run: Run, project: Path, tmp_path: Path
) -> None:
    named = tmp_path / "named"
    run("index", "--index", named)
    (project / "corpus" / "space.md").write_text(SPACE + MOON, "utf-8")
    (answer,) = run("ask", "when did Armstrong walk on the Moon?", "--index", named, "--json").lines
    assert answer["covered"]


def test_the_command_that_mends_an_index_keeps_its_notes(
    run: Run, project: Path, tmp_path: Path
) -> None:
    (tmp_path / "moon").mkdir()
    (tmp_path / "moon" / "moon.md").write_text("# Moon\n" + MOON, "utf-8")
    named = tmp_path / "named"
    run("index", "--corpus", tmp_path / "moon", "--index", named)
    (named / "manifest.json").write_text("{}", "utf-8")
    ended = run("ask", "why?", "--index", named)
    command = re.search(r'run "askhistory (.*?)"', ended.err)
    assert command is not None
    run(*shlex.split(command[1]))
    assert set(read_manifest(named).pages) == {"moon.md"}


def test_an_index_of_other_notes_is_kept_until_notes_are_named(
    run: Run, project: Path, tmp_path: Path
) -> None:
    (tmp_path / "moon").mkdir()
    (tmp_path / "moon" / "moon.md").write_text("# Moon\n" + MOON, "utf-8")
    run("index", "--corpus", tmp_path / "moon")
    run("ask", "when was Sputnik launched?")
    assert set(read_manifest(project / "index").pages) == {"moon.md"}
    run("ask", "when was Sputnik launched?", "--corpus", "corpus")
    assert set(read_manifest(project / "index").pages) == {"space.md"}


def test_a_damaged_index_that_is_named_alone_is_left_to_its_owner(run: Run, tmp_path: Path) -> None:
    (tmp_path / "named").mkdir()
    (tmp_path / "named" / "manifest.json").write_text("{}", "utf-8")
    ended = run("ask", "why?", "--index", tmp_path / "named")
    assert ended.status == 1
    assert f'run "askhistory index --index {tmp_path / "named"}" to build it' in ended.err
    assert (tmp_path / "named" / "manifest.json").read_text("utf-8") == "{}"


def test_notes_and_index_are_found_through_the_environment(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "moon").mkdir()
    (tmp_path / "moon" / "moon.md").write_text("# Moon\n" + MOON, "utf-8")
    monkeypatch.setenv("ASKHISTORY_CORPUS", str(tmp_path / "moon"))
    monkeypatch.setenv("ASKHISTORY_INDEX", str(tmp_path / "elsewhere"))
    (answer,) = run("ask", "when did Armstrong walk on the Moon?", "--json").lines
    assert answer["points"][0]["page"] == "moon.md"
    assert read_manifest(tmp_path / "elsewhere").counts["points"] == 1


# ------------------------------------------------------------------------------ the index


def test_index_ends_with_what_it_did(run: Run, project: Path) -> None:
    index = project / "index"
    first = run("index")
    assert (first.status, first.out) == (0, "")
    assert SECONDS.sub("… s", first.err) == (
        "+ Space (space.md)\n"
        "+ Space › First steps (space.md)\n"
        "Sections: 2 added, 0 changed, 0 removed, in … s\n"
        f"The index in {index} holds 1 page, 2 sections, 1 point\n"
    )
    changed = SPACE.replace("October", "early October") + MOON
    (project / "corpus" / "space.md").write_text(changed, "utf-8")
    assert SECONDS.sub("… s", run("index").err) == (
        "+ Space › Moon (space.md)\n"
        "~ Space › First steps (space.md)\n"
        "Sections: 1 added, 1 changed, 0 removed, in … s\n"
        f"The index in {index} holds 1 page, 3 sections, 2 points\n"
    )
    (project / "corpus" / "space.md").write_text(SPACE, "utf-8")
    assert SECONDS.sub("… s", run("index").err) == (
        "~ Space › First steps (space.md)\n"
        "- Space › Moon (space.md)\n"
        "Sections: 0 added, 1 changed, 1 removed, in … s\n"
        f"The index in {index} holds 1 page, 2 sections, 1 point\n"
    )


def test_index_names_a_few_of_many_sections(run: Run, project: Path) -> None:
    notes = "# Many\n" + "".join(f"\n## Topic {n}\n\n* Fact {n}\n" for n in range(12))
    (project / "corpus" / "space.md").write_text(notes, "utf-8")
    lines = run("index").err.splitlines()
    assert lines[9:11] == ["+ Many › Topic 8 (space.md)", "+ and 3 more"]


def test_index_warns_of_what_it_passed_over(run: Run, project: Path) -> None:
    (project / "corpus" / "latin.md").write_bytes(b"# Old\n\n* caf\xe9\n")
    ended = run("index")
    assert ended.status == 0
    assert ended.err.startswith("Warning: latin.md:3: is not valid UTF-8")


def test_strict_takes_nothing_that_is_not_whole(run: Run, project: Path) -> None:
    (project / "corpus" / "latin.md").write_bytes(b"# Old\n\n* caf\xe9\n")
    ended = run("index", "--strict")
    assert ended.status == 1
    assert "\nlatin.md:3: is not valid UTF-8" in ended.err
    assert not (project / "index").exists()


def test_an_index_that_could_not_be_used_again_is_said_to_be_built_anew(
    run: Run, project: Path
) -> None:
    (project / "index").mkdir()
    (project / "index" / "manifest.json").write_text("{}", "utf-8")
    assert run("index").err.startswith(
        f"Warning: The index in {project / 'index'} cannot be used: manifest.json is damaged"
    )


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals")
def test_index_shows_progress_on_a_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import pty

    master, slave = pty.openpty()
    with open(slave, "w", encoding="utf-8") as terminal, open(master, "rb", 0) as screen:
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setenv("TERM", "xterm-256color")
        assert run("index").status == 0
        written = b""
        while b" holds " not in written:
            written += screen.read(4096)
        shown = ANSI.sub("", written.decode("utf-8", "replace"))
    assert "Reading the notes" in shown
    assert re.search(r"Embedding .*100%", shown)


# -------------------------------------------------------------------------------- the batch


def test_a_batch_has_a_line_for_each_line(run: Run, built: Path, tmp_path: Path) -> None:
    lines: list[tuple[bytes, object, str]] = [
        (b"\xef\xbb\xbf" + json.dumps({"id": "a", "question": AIMS}).encode(), "a", ""),
        (b'{"id": 7, "question": "who was Trotsky?"}\r', 7, ""),
        (b'{"id": 2.5, "question": "hello"}', 2.5, ""),
        (b'{"question": "what was the NEP?", "unknown": 1}', None, ""),
        (b"", None, "The line is empty."),
        (b'{"id": "cut", "question": ', None, "This is not valid JSON (Expecting value"),
        (b'["why?"]', None, "This is not a JSON object."),
        (b"null", None, "This is not a JSON object."),
        (b'{"id": "e"}', "e", '"question" must be a text.'),
        (b'{"id": "f", "question": 5}', "f", '"question" must be a text.'),
        (b'{"id": "g", "question": "  "}', "g", "The question is empty."),
        (b'{"id": "h", "question": "' + b"x" * 1001 + b'"}', "h", "The question has 1001 char"),
        (b'{"id": "i", "question": "why?", "history": "how?"}', "i", '"history" must be a list'),
        (b'{"id": "j", "question": "why?", "history": [1]}', "j", '"history" must be a list'),
        (b'{"id": {}, "question": "why?"}', None, '"id" must be a text, a number or null.'),
        (b'{"id": true, "question": "why?"}', None, '"id" must be a text, a number or null.'),
        (b'{"id": 1e999, "question": "why?"}', None, '"id" must be a text, a number or null.'),
        (b'{"id": NaN, "question": "why?"}', None, "This is not JSON that can be read (NaN"),
        (b'{"id": "k", "question": "caf\xe9?"}', None, "This is not UTF-8."),
        (b"[" * 100_000, None, "This is not JSON that can be read"),
        (b'{"id": "\\ud800", "question": "who was \\ud800 Stalin?"}', "\ud800", ""),
        (
            b'{"id": "z", "question": "and the results?", "history": ["%s"]}' % AIMS.encode(),
            "z",
            "",
        ),
    ]
    batch = tmp_path / "batch.jsonl"
    batch.write_bytes(b"\n".join(line for line, _, _ in lines) + b"\n")
    ended = run("ask", "--batch", batch, "--json", "--index", built)
    assert (ended.status, ended.err) == (0, "")
    assert [answer["id"] for answer in ended.lines] == [id for _, id, _ in lines]
    for number, (answer, (_, _, error)) in enumerate(zip(ended.lines, lines, strict=True), 1):
        if error:
            assert list(answer) == ["id", "error"]
            assert answer["error"].startswith(f"line {number}: {error}")
        else:
            assert "error" not in answer
    for answer, last in ((ended.lines[0], "Aims"), (ended.lines[-1], "Results")):
        assert answer["points"][0]["headings"][-2:] == ["Collectivization", last]


def test_a_batch_gives_what_the_questions_give_one_by_one(
    run: Run, built: Path, tmp_path: Path
) -> None:
    batch = tmp_path / "batch.jsonl"
    batch.write_text(
        f'{{"id": 1, "question": "{AIMS}"}}\n{{"id": 2, "question": "{FAR}"}}', "utf-8"
    )
    answers = run("ask", "--batch", batch, "--index", built).lines
    for answer, question in zip(answers, (AIMS, FAR), strict=True):
        (alone,) = run("ask", question, "--json", "--index", built).lines
        assert {**without_seconds(answer), "id": None} == without_seconds(alone)


def test_an_empty_batch_gives_nothing(run: Run, built: Path, tmp_path: Path) -> None:
    (tmp_path / "batch.jsonl").write_bytes(b"")
    assert run("ask", "--batch", tmp_path / "batch.jsonl", "--index", built) == Ended(0, "", "")


class Echo:
    """Answers with the question: what is tested is the reading of lines."""

    def ask(self, question: str, history: Sequence[str] = ()) -> Answer:
        return Answer(question, " ".join(history), True, 1.0, question)


values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
objects = st.fixed_dictionaries(
    {}, optional={"id": values, "question": values, "history": values | st.lists(st.text())}
)


@given(st.binary() | objects.map(json.dumps).map(str.encode))
def test_whatever_a_line_holds_one_line_of_json_comes_out(line: bytes) -> None:
    answer = cli._answer_line(Echo(), line, 1)  # type: ignore[arg-type]
    text = json.dumps(answer, ensure_ascii=False, allow_nan=False)
    assert json.loads(text.encode("utf-8", "backslashreplace")) == answer
    assert ("error" in answer) != ("answer" in answer)


@given(st.text() | st.integers(), st.text(), st.lists(st.text()))
def test_a_valid_line_is_asked_as_it_stands(
    id: str | int, question: str, history: list[str]
) -> None:
    line = json.dumps({"id": id, "question": question, "history": history}).encode()
    answer = cli._answer_line(Echo(), line, 1)  # type: ignore[arg-type]
    assert answer["id"] == id
    assert (answer["question"], answer["query"]) == (question, " ".join(history))


# ------------------------------------------------------------------------------ evaluation


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "questions.jsonl"
    labelled = [
        {"id": "aims", "split": "dev", "kind": "list", "question": AIMS,
         "expected": [{"headings": ["Collectivization", "Aims"]}]},
        {"id": "bread", "split": "dev", "kind": "far", "question": FAR, "covered": False},
        {"id": "wrong", "split": "test", "kind": "list", "question": AIMS,
         "expected": [{"headings": ["Collectivization", "Measures"]}]},
    ]  # fmt: skip
    path.write_text("".join(json.dumps(question) + "\n" for question in labelled), "utf-8")
    return path


def test_eval_prints_figures(run: Run, built: Path, questions: Path) -> None:
    ended = run("eval", questions, "--index", built)
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith("2 covered questions, 1 uncovered, 0 small talk\n")
    assert "Uncovered questions refused   1.000\n" in ended.out
    assert "failures" not in ended.out


def test_eval_prints_json_of_one_half(run: Run, built: Path, questions: Path) -> None:
    (report,) = run("eval", questions, "--index", built, "--split", "dev", "--json").lines
    assert (report["covered"], report["uncovered"]) == (1, 1)
    assert report["over_all"]["point_recall"] == 1.0


def test_eval_lists_failures(run: Run, built: Path, questions: Path) -> None:
    out = run("eval", questions, "--index", built, "--split", "test", "--failures").out
    assert "\n1 failures\n\nwrong (list, " in out


def test_eval_names_a_label_that_does_not_fit(run: Run, built: Path, questions: Path) -> None:
    questions.write_text(questions.read_text("utf-8").replace('"Aims"', '"Amis"'), "utf-8")
    ended = run("eval", questions, "--index", built)
    assert (ended.status, ended.out) == (1, "")
    assert f"Error: {questions}:1: question 'aims': no heading \"Collectivization › Amis\"" in (
        ended.err
    )


# --------------------------------------------------------------------------- whole processes


def environment(**variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ASKHISTORY")}
    return {**kept, "ASKHISTORY_FEEDBACK": "off", **variables}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "askhistory", *map(str, arguments)]


def test_help_is_instant() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run(command("--help"), capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # The processor's time, which does not depend on who else is at work.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5
    assert [
        name for name in ("index", "ask", "eval", "serve") if f"\n  {name}" in ended.stdout
    ] == [
        "index",
        "ask",
        "eval",
        "serve",
    ]
    assert ended.stderr == ""


def test_the_version_is_that_of_the_package() -> None:
    ended = subprocess.run(command("--version"), capture_output=True, text=True, check=True)
    assert ended.stdout == f"askhistory {version('askhistory')}\n"


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_a_closed_pipe_is_no_news(option: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            command(option), stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False
        )
    finally:
        os.close(writing)
    assert ended.stderr == b""


@pytest.fixture
def streaming(built: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command("ask", "--batch", "-", "--json", "--index", built),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"),
    )
    with process:
        yield process
        process.kill()


def test_a_batch_answers_while_it_is_written_and_ends_quietly_on_ctrl_c(
    streaming: subprocess.Popen[str],
) -> None:
    assert streaming.stdin is not None
    assert streaming.stdout is not None
    assert streaming.stderr is not None
    streaming.stdin.write(json.dumps({"id": "a", "question": AIMS}) + "\n")
    streaming.stdin.flush()
    answer = json.loads(streaming.stdout.readline())
    assert answer["citations"][0]["headings"][0] == "🪖 Stalin's Soviet Union"
    streaming.send_signal(signal.SIGINT)
    assert streaming.wait(30) == 130
    assert (streaming.stdout.read(), streaming.stderr.read()) == ("", "")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_serve_has_the_page_up_and_answers_until_ctrl_c(built: Path, tmp_path: Path) -> None:
    port = free_port()
    with subprocess.Popen(
        command("serve", "--index", built, "--port", port),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment(),
        cwd=tmp_path,
    ) as process:
        try:
            assert process.stderr is not None
            first = process.stderr.readline()
            assert first == f"askhistory is on http://127.0.0.1:{port} (Ctrl-C ends it)\n"
            with urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=30) as page:
                assert page.status == 200
            client = Client(f"http://127.0.0.1:{port}", verbose=False)
            answer = client.predict(AIMS, api_name="/ask")
            assert without_seconds(answer) == without_seconds(
                Assistant.open(built).ask(AIMS).to_dict()
            )
            second = subprocess.run(
                command("serve", "--index", built, "--port", port),
                capture_output=True,
                text=True,
                env=environment(),
                timeout=120,
                check=False,
            )
            assert (second.returncode, second.stdout) == (1, "")
            assert f"cannot be served on port {port}" in second.stderr
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 130
            out, err = process.communicate()
            assert (out, err) == ("", "")
        finally:
            process.kill()


def test_gaps_lists_what_the_notes_lack_most_frequent_first(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "feedback.jsonl"
    near = (Heading(("Notes", "Leaders"), "a.md", "leaders"),)
    for question in ("Who was Khrushchev?", "who was khrushchev", "What was Sputnik?"):
        answer = Answer(question, question, False, 0.1, "", nearest=near, kind="refusal")
        Log(path).add("not covered", answer)
    ended = run("gaps", "--log", str(path))
    assert ended.status in {None, 0}
    assert ended.out == (
        "2 × Who was Khrushchev?\n    also: who was khrushchev\n    nearest: Notes › Leaders\n\n"
        "1 × What was Sputnik?\n    nearest: Notes › Leaders\n"
    )
    ended = run("gaps", "--log", str(path), "--json")
    assert [(gap["question"], gap["count"]) for gap in json.loads(ended.out)] == [
        ("Who was Khrushchev?", 2),
        ("What was Sputnik?", 1),
    ]


def test_gaps_says_which_log_is_missing(run: Run, tmp_path: Path) -> None:
    ended = run("gaps", "--log", str(tmp_path / "none.jsonl"))
    assert ended.status == 1
    assert "none.jsonl" in ended.err
