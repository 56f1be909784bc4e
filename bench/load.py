"""Fifty simulated students ask a real server for a minute: ``python -m bench.load [--write]``.

The server is a process of its own, started as `askhistory serve` starts it. A student asks, waits
for the whole answer, and asks again at once; some over the API, some as the page does it, which
streams an answer point by point. Students and server share this machine and its cores.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import Progress

from askhistory.evaluation import read_questions
from bench.cli import run
from bench.data import ROOT, BenchError
from bench.report import table

STUDENTS = 50
SECONDS = 60.0
ALONE = 15.0
"""Seconds that one student asks alone, to compare with."""

_START = 180.0
_PATIENCE = 120.0

Ask = Callable[[str, Sequence[str]], None]
"""Asks a question, given the earlier ones, and returns when all of the answer is there."""


# ------------------------------------------------------------------------- the students


class Student:
    """Asks over HTTP, one question at a time."""

    def __init__(self, port: int, number: int) -> None:
        """Take the server's port and the student's number."""
        self._port = port
        self._session = f"load{os.getpid()}x{number}"
        self._kept: object = {}
        self._submit = 0

    def over_the_api(self, question: str, history: Sequence[str]) -> None:
        """Ask as a program does."""
        joined = self._send("/gradio_api/call/ask", {"data": [question, list(history)]})
        event = json.loads(joined)["event_id"]
        said = self._read(f"/gradio_api/call/ask/{event}", rb"data: ")
        if b"event: complete" not in said or b'"answer"' not in said:
            raise BenchError(f"not an answer: {said[:300]!r}")

    def on_the_page(self, question: str, history: Sequence[str]) -> None:
        """Ask as the page does, with the conversation so far."""
        if not self._submit:
            config = json.loads(self._read("/config"))
            self._submit = next(
                number
                for number, one in enumerate(config["dependencies"])
                if any(event == "submit" for _, event in one["targets"])
            )
        session = f"{self._session}-{time.monotonic_ns()}"
        data = [question, self._kept, False, "points"]
        asked = {"data": data, "fn_index": self._submit, "session_hash": session}
        self._send("/gradio_api/queue/join", asked)
        said = self._read(
            f"/gradio_api/queue/data?session_hash={session}", rb'data: {"msg": ?"process_completed'
        )
        done = json.loads(said.rstrip().rpartition(b"data: ")[2])
        kept = done["output"]["data"][2] if done["success"] else {}
        turns = kept.get("turns") or [{"state": "failed", "message": str(done)[:300]}]
        if turns[-1]["state"] != "done":
            raise BenchError(f"not an answer: {turns[-1]['message']}")
        self._kept = {"turns": turns[-3:]}

    def _send(self, path: str, data: object) -> bytes:
        return self._request("POST", path, json.dumps(data).encode())

    def _read(self, path: str, until: bytes = b"") -> bytes:
        return self._request("GET", path, None, until)

    def _request(self, method: str, path: str, body: bytes | None, until: bytes = b"") -> bytes:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=_PATIENCE)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            if answer.status != 200:
                raise BenchError(f"status {answer.status}: {answer.read(300)!r}")
            if not until:
                return answer.read()
            read = b""
            while line := answer.readline():
                read += line
                if re.match(until, line):
                    break
            return read
        finally:
            connection.close()


# ------------------------------------------------------------------------------ the rush


@dataclass(slots=True)
class Rush:
    """What came of a number of students asking at once.

    Attributes:
        waits: Seconds that each student waited for each answer.
        errors: What went wrong.
        seconds: That all of it took.
    """

    waits: list[list[float]]
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def all(self) -> list[float]:
        """Every wait, the shortest first."""
        return sorted(wait for waits in self.waits for wait in waits)


def rush(ways: Sequence[Ask], seconds: float) -> Rush:
    """Let students ask at once, each in the given way, for some time.

    Args:
        ways: How each student asks.
        seconds: For how long; an answer that is on its way then is waited for.
    """
    labelled = read_questions(ROOT / "tests" / "data" / "questions.jsonl", "dev")
    found = Rush([[] for _ in ways])
    gate = threading.Barrier(len(ways) + 1)

    def asks(number: int, ask: Ask) -> None:
        random = Random(number)
        gate.wait()
        while time.perf_counter() < started + seconds:
            one = random.choice(labelled)
            begun = time.perf_counter()
            try:
                ask(one.question, one.history)
            except (BenchError, OSError, HTTPException, ValueError, KeyError) as error:
                found.errors.append(f"{type(error).__name__}: {error}")
                time.sleep(0.1)
            else:
                found.waits[number].append(time.perf_counter() - begun)

    threads = [
        threading.Thread(target=asks, args=(number, way), daemon=True)
        for number, way in enumerate(ways)
    ]
    for thread in threads:
        thread.start()
    started = time.perf_counter()
    gate.wait()
    for thread in threads:
        thread.join(seconds + 2 * _PATIENCE)
    found.seconds = time.perf_counter() - started
    return found


@contextmanager
def server() -> Iterator[int]:
    """Start a server on our own notes and yield its port once it is ready.

    Raises:
        BenchError: It does not start.
    """
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = int(trial.getsockname()[1])
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        command = [sys.executable, "-m", "askhistory", "serve", "--port", str(port)]
        command += ["--corpus", str(ROOT / "corpus"), "--index", str(Path(folder) / "index")]
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                stdout=output,
                stderr=output,
                env={**os.environ, "ASKHISTORY_FEEDBACK": "off"},
            )
        try:
            deadline = time.monotonic() + _START
            while not _ready(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise BenchError(f"The server did not start:\n{log.read_text('utf-8')}")
                time.sleep(0.2)
            yield port
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def _ready(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


# ----------------------------------------------------------------------------- the table


def measure() -> str:
    """Let one student ask alone, then fifty at once over the API, then fifty on the page."""
    columns: dict[str, Rush] = {}
    with server() as port, Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Asking", total=None)
        one, many = [Student(port, 0)], [Student(port, number) for number in range(STUDENTS)]
        rush([one[0].over_the_api, one[0].on_the_page], 3.0)  # warms up both
        plan: list[tuple[str, list[Ask], float]] = [
            ("API, one student", [one[0].over_the_api], ALONE),
            (f"API, {STUDENTS} students", [student.over_the_api for student in many], SECONDS),
            ("page, one student", [one[0].on_the_page], ALONE),
            (f"page, {STUDENTS} students", [student.on_the_page for student in many], SECONDS),
        ]
        for name, ways, seconds in plan:
            progress.update(task, description=name)
            columns[name] = rush(ways, seconds)
    for found in columns.values():
        for error in found.errors[:5]:
            print(error, file=sys.stderr)
    return tabulate(columns)


def tabulate(columns: dict[str, Rush]) -> str:
    """The figures, a column for each rush."""
    head = ["", *columns]
    rows: list[list[str]] = [
        ["questions answered"], ["errors"], ["questions a second"], ["median wait"],
        ["95th percentile"], ["longest wait"], ["longest ÷ median"],
        ["answers per student, least – most"],
    ]  # fmt: skip
    for found in columns.values():
        waits = found.all or [float("nan")]
        served = [len(waits) for waits in found.waits]
        middle = median(waits)
        cells = (
            f"{len(found.all):,}",
            str(len(found.errors)),
            f"{len(found.all) / found.seconds:.1f}",
            f"{middle * 1000:,.0f} ms",
            f"{waits[int(0.95 * (len(waits) - 1))] * 1000:,.0f} ms",
            f"{waits[-1] * 1000:,.0f} ms",
            f"{waits[-1] / middle:.1f}",
            f"{min(served)} – {max(served)}",
        )
        for row, cell in zip(rows, cells, strict=True):
            row.append(cell)
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "–"
    return f"{table([head, *rows])}\n\nThe machine's load at the end: {load}."


if __name__ == "__main__":
    run("load", measure)
