"""What `askhistory doctor` says of a machine that is well, and of each thing that can be wrong."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from askhistory import doctor, models
from askhistory.doctor import Finding, examine
from askhistory.schema import AskHistoryError
from askhistory.settings import Settings
from chat_server import chat_server

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def free() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@pytest.fixture
def well(built: Path, free: int, tmp_path: Path) -> Settings:
    index = tmp_path / "index"
    shutil.copytree(built, index)
    (index / "corpus.txt").write_text(str(ROOT / "corpus"), "utf-8")
    return Settings(
        corpus=ROOT / "corpus", index=index, port=free, feedback=tmp_path / "data" / "log.jsonl"
    )


def of(check: str, settings: Settings) -> list[tuple[str, str]]:
    """What one check finds."""
    with pytest.MonkeyPatch.context() as alone:
        alone.setattr(doctor, "CHECKS", {check: doctor.CHECKS[check]})
        _, *found = examine(settings)
    return [(finding.state, finding.message) for finding in found]


def only(check: str, settings: Settings) -> tuple[str, str]:
    (finding,) = of(check, settings)
    return finding


def test_nothing_is_broken_on_a_machine_that_is_well(well: Settings) -> None:
    found = list(examine(well))
    assert {finding.state for finding in found} == {"ok"}
    assert list(dict.fromkeys(finding.check for finding in found)) == ["settings", *doctor.CHECKS]


def test_a_setting_that_cannot_be_read_is_one_finding_of_many(well: Settings) -> None:
    first, *rest = examine(well, AskHistoryError("ASKHISTORY_PORT is “x”."))
    assert first == Finding("broken", "ASKHISTORY_PORT is “x”.", "settings")
    assert {finding.state for finding in rest} == {"ok"}


def test_an_old_python_is_named(well: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "OLDEST_PYTHON", (99, 1))
    state, message = only("Python", well)
    assert state == "broken"
    assert message.endswith("99.1 is the oldest that will do: install it.")


def test_packages_that_are_missing_or_of_another_version_are_named(
    well: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["numpy<1", "no-such-thing>=2", "rich", 'other; extra == "dev"']
    monkeypatch.setattr(doctor.metadata, "requires", lambda name: asked)
    (_, numpy), (_, missing) = of("packages", well)
    assert "but <1 is needed. Run" in numpy
    assert missing.startswith("no-such-thing is not installed. Run")


def test_where_only_the_checkout_is_there_its_requirements_count(
    well: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(name: str) -> list[str]:
        raise doctor.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(doctor.metadata, "requires", unknown)
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    listed = sum(not line.startswith("#") for line in lines)
    assert only("packages", well) == ("ok", f"all {listed} are installed in versions that fit")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="no folder that nobody can write to")
def test_a_folder_that_cannot_be_written_to_is_named(well: Settings) -> None:
    index, feedback = replace(well, index=Path("/proc/x/index")), Path("/proc/x.jsonl")
    (state, message), (fine, _) = of("folders", index)
    assert (state, fine) == ("broken", "ok")
    assert message.startswith("/proc cannot be written to")
    assert message.endswith("name another place in ASKHISTORY_INDEX.")
    assert "ASKHISTORY_FEEDBACK" in of("folders", replace(well, feedback=feedback))[0][1]


def test_a_model_of_other_bytes_is_named_with_what_mends_it(
    well: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(models.MODEL_FILES, "config.json", "0" * 64)
    state, message = only("model", well)
    assert state == "broken"
    assert "config.json is not the file that belongs to" in message
    assert "pip install --force-reinstall" in message


def test_what_is_passed_over_in_the_notes_is_named_with_file_and_line(
    well: Settings, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "good.md").write_text("# Good\n\n* fact\n", "utf-8")
    (notes / "bad.md").write_bytes(b"# Bad\n\n* \xff\xfe\n")
    (first, counts), (second, problem) = of("corpus", replace(well, corpus=notes))
    assert (first, second) == ("ok", "notice")
    assert counts.endswith("1 pages, 1 sections, 1 points")
    assert problem.startswith("passed over: bad.md:3: ")


def test_notes_that_are_not_there_are_broken(well: Settings, tmp_path: Path) -> None:
    state, message = only("corpus", replace(well, corpus=tmp_path / "none"))
    assert state == "broken"
    assert str(tmp_path / "none") in message


def test_an_index_is_missing_damaged_old_or_of_other_notes(well: Settings, tmp_path: Path) -> None:
    state, message = only("index", replace(well, index=tmp_path / "none"))
    assert state == "notice"
    assert "There is no index in" in message

    notes = tmp_path / "notes"
    shutil.copytree(ROOT / "corpus", notes)
    states = [state for state, _ in of("index", replace(well, corpus=notes))]
    assert states == ["ok", "notice"]
    assert "it was built from" in of("index", replace(well, corpus=notes))[1][1]

    (well.index / "corpus.txt").write_text(str(notes), "utf-8")
    assert of("index", replace(well, corpus=notes))[1][0] == "ok"
    with (notes / "stalins-soviet-union.md").open("a") as page:
        page.write("\n* one more point\n")
    assert "the notes have changed" in of("index", replace(well, corpus=notes))[1][1]

    next(well.index.glob("build-*/points.npy")).write_bytes(b"")
    state, message = only("index", well)
    assert state == "broken"
    assert "points.npy has been cut off" in message
    assert 'run "askhistory index' in message


def test_files_of_the_page_that_are_missing_are_named(
    well: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "ASSETS", ("page.js", "gone.js"))
    assert of("page", well)[0][1].startswith("gone.js cannot be found in")


@pytest.fixture
def stranger(free: int) -> Iterator[list[str]]:
    """A server on the port, and what it answers."""
    said = ["hello"]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503)
            self.end_headers()
            self.wfile.write(said[-1].encode())

        def log_message(self, *arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", free), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield said
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("answer", "state", "message"),
    [
        ("hello", "broken", "cannot be used (Address already in use): choose another"),
        ("[1]", "broken", "cannot be used"),
        ('{"name": "askhistory", "state": "loading"}', "ok", "is on port {port} already (loading)"),
        ('{"name": "askhistory", "state": "failed"}', "broken", "could not open the notes"),
    ],
)
def test_who_is_on_the_port_is_told(
    well: Settings, stranger: list[str], answer: str, state: str, message: str
) -> None:
    stranger.append(answer)
    found = of("page", well)[-1]
    assert found[0] == state
    assert message.format(port=well.port) in found[1]


def test_a_check_that_fails_leaves_the_others_be(
    well: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(settings: Settings) -> Iterator[Finding]:
        raise ModuleNotFoundError("No module named 'gone'")
        yield

    def breaks(settings: Settings) -> Iterator[Finding]:
        yield Finding("ok", "so far")
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(doctor, "CHECKS", {"one": fails, "two": breaks})
    _, *found = examine(well)
    assert [(f.check, f.state) for f in found] == [
        ("one", "broken"),
        ("two", "ok"),
        ("two", "broken"),
    ]
    assert found[0].message.startswith("No module named 'gone'. Run \"pip install -r")
    assert found[2].message == "ZeroDivisionError: oh"


def test_the_command_prints_a_line_each_and_ends_with_1_where_something_is_broken(
    well: Settings, tmp_path: Path
) -> None:
    environment = {**os.environ, "ASKHISTORY_PORT": str(well.port), "NO_COLOR": "1"}

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "askhistory", "doctor", "--index", str(well.index), *arguments],
            capture_output=True,
            text=True,
            env={**environment, **more},
            timeout=120,
        )

    good = run()
    assert good.returncode == 0
    assert {line[0] for line in good.stdout.splitlines()} == {"✓"}
    assert good.stderr == "Nothing is broken.\n"

    bad = run("--corpus", str(tmp_path / "none"), "--json", ASKHISTORY_PORT="x")
    report = json.loads(bad.stdout)
    assert (bad.returncode, report["healthy"]) == (1, False)
    broken = {f["check"]: f["message"] for f in report["findings"] if f["state"] == "broken"}
    assert set(broken) == {"settings", "corpus"}
    assert broken["settings"].startswith("ASKHISTORY_PORT is “x”")


def test_a_language_model_is_tried_where_one_is_set_up(well: Settings) -> None:
    assert of("writing", well) == [
        ("ok", "none is set up, so answers are points and never written out")
    ]
    with chat_server() as server:
        asked = replace(well, llm_model="m", llm_base_url=server.url, llm_api_key="sk-1")
        assert of("writing", asked) == [("ok", f"m at {server.url} writes")]
        server.behave = lambda handler: handler.fails(401)
        ((state, message),) = of("writing", asked)
    assert state == "broken"
    assert "Set ASKHISTORY_LLM_API_KEY" in message
    assert "sk-1" not in message
