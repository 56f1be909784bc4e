"""A real `askhistory serve`, in a process of its own, and the requests that tests send it."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Any

ADDRESSES = (f"203.0.113.{number}" for number in count(1))
NUMBERS = count()


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Server:
    """A server and its log."""

    port: int
    log: Path
    client: str = field(default_factory=lambda: next(ADDRESSES))

    def call(
        self,
        path: str,
        data: object = None,
        *,
        method: str | None = None,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
        until: bytes | None = None,
    ) -> Reply:
        """Send one request; read the answer to its end, or `until` a line that begins so."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        content = json.dumps(data).encode() if data is not None else body
        sent = {"X-Forwarded-For": self.client, **(headers or {})}
        if data is not None:
            sent["Content-Type"] = "application/json"
        connection.request(method or ("GET" if content is None else "POST"), path, content, sent)
        answer = connection.getresponse()
        read = b""
        while until is None or not re.search(rb"(?m)^" + until, read):
            if not (line := answer.readline()):
                break
            read += line
        answer.close()
        connection.close()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, found, read)

    def ask(self, *data: object) -> Reply:
        """Ask over the API: a question, earlier ones, whether to write."""
        return self.call("/gradio_api/call/ask", {"data": list(data)})

    def answer(self, *data: object) -> tuple[str, Any]:
        """The event that a question over the API ends with, and its data."""
        event = self.ask(*data).json["event_id"]
        said = self.call(f"/gradio_api/call/ask/{event}", until=b"data:").body.decode()
        name, data = re.findall(r"(?m)^(?:event|data): (.*)", said)[-2:]
        return name, json.loads(data)

    def type(self, *data: object) -> list[Any]:
        """What the page becomes when a question is typed into it: text box, chat, store."""
        dependency = next(
            number
            for number, one in enumerate(self.call("/config").json["dependencies"])
            if any(event == "submit" for _, event in one["targets"])
        )
        session = f"s{next(NUMBERS)}"
        joined = self.call(
            "/gradio_api/queue/join",
            {"data": list(data), "fn_index": dependency, "session_hash": session},
        )
        assert joined.status == 200, joined.body
        path = f"/gradio_api/queue/data?session_hash={session}"
        said = self.call(path, until=b'data: {"msg": ?"process_completed').body.decode()
        messages = [json.loads(line[6:]) for line in said.splitlines() if line.startswith("data: ")]
        done = messages[-1]
        assert done["msg"] == "process_completed"
        return [done["success"], done["output"].get("data"), said]

    def state(self) -> str | None:
        """What `/healthz` says, or `None` while nobody listens yet."""
        try:
            health = self.call("/healthz")
        except ConnectionRefusedError:
            return None
        said = str(health.json["state"])
        assert health.status == (200 if said == "ready" else 503)
        return said


@contextmanager
def serving(folder: Path, environment: Mapping[str, str], *options: str | Path) -> Iterator[Server]:
    """Run the server with these options until the block ends; its log goes to the folder.

    Raises:
        AssertionError: It ended, or was not ready within two minutes.
    """
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    server = Server(port, folder / "stderr")
    with server.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "askhistory", "serve", "--port", str(port), *options],
            stdout=log,
            stderr=log,
            env=dict(environment),
        )
    try:
        deadline = time.monotonic() + 120
        while server.state() != "ready":
            assert process.poll() is None, server.log.read_text()
            assert time.monotonic() < deadline, server.log.read_text()
            time.sleep(0.05)
        yield server
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        finally:
            process.kill()
