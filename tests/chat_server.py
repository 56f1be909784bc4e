"""A small server that speaks OpenAI's chat API over real HTTP, well or badly, as a test wants."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Server:
    """Where it is, what it was sent, and what it does next."""

    url: str = ""
    behave: Callable[[Handler], None] = field(default=lambda handler: handler.says("Yes."))
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def prompt(self) -> str:
        """All that the last request gave the model to read."""
        return "\n".join(message["content"] for message in self.requests[-1]["messages"])


class Handler(BaseHTTPRequestHandler):
    """One request, with the ways to answer it."""

    site: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.site.requests.append(json.loads(body))
        self.site.headers.append(dict(self.headers))
        self.site.behave(self)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def begins(self, status: int = 200, kind: str = "text/event-stream") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Connection", "close")
        self.end_headers()

    def sends(self, text: str) -> None:
        self.wfile.write(text.encode())
        self.wfile.flush()

    def chunk(self, text: str | None, finish: str | None = None) -> None:
        delta = {} if text is None else {"role": "assistant", "content": text}
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        self.sends(f"data: {json.dumps({'id': 'x', 'choices': [choice]})}\n\n")

    def ends(self, finish: str = "stop") -> None:
        self.chunk(None, finish)
        self.sends("data: [DONE]\n\n")

    def says(self, text: str, size: int = 7, usage: tuple[int, int] | None = None) -> None:
        """Stream a text in pieces of `size` characters."""
        self.begins()
        for start in range(0, len(text), size):
            self.chunk(text[start : start + size])
        self.chunk(None, "stop")
        if usage is not None:
            counted = {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
            self.sends(f"data: {json.dumps({'id': 'x', 'choices': [], 'usage': counted})}\n\n")
        self.sends("data: [DONE]\n\n")

    def fails(self, status: int, body: str = '{"error": "no"}') -> None:
        self.begins(status, "application/json")
        self.sends(body)

    def waits(self, seconds: float) -> None:
        self.site.closing.wait(seconds)

    def resets(self) -> None:
        """Tear the connection down."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()


@contextmanager
def chat_server() -> Iterator[Server]:
    site = Server()

    class Bound(Handler):
        pass

    Bound.site = site
    listening = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
    listening.handle_error = lambda *_: None  # type: ignore[method-assign]
    listening.daemon_threads = True
    site.url = f"http://127.0.0.1:{listening.server_address[1]}/v1"
    thread = threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.closing.set()
        listening.shutdown()
        listening.server_close()
        thread.join()


def free_address() -> str:
    """An address at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/v1"


def drips(handler: Handler) -> None:
    """Send a word twice a second, for ever."""
    handler.begins()
    while not handler.site.closing.is_set():
        handler.chunk("word ")
        handler.waits(0.5)


def stalls(handler: Handler, text: str = "The state owned the land [1]. ") -> None:
    """Begin, and then keep the connection open without another byte."""
    handler.begins()
    handler.chunk(text)
    handler.waits(60)


def runs_away(handler: Handler) -> None:
    """Write on without end, as fast as it goes."""
    handler.begins()
    end = time.monotonic() + 30
    while time.monotonic() < end and not handler.site.closing.is_set():
        handler.chunk("and so on, and so forth, " * 20)
