"""What stands around Gradio: security headers, the page's own files, and the reader's addresses.

Gradio sends its start page with inline scripts and no policy. This middleware gives each answer
a Content-Security-Policy with a fresh nonce, puts our style sheet and script into the start page
so that the first paint is ours, and answers everything below ``/askhistory/`` itself. Of Gradio's
own addresses it lets through what the page needs, which is fewer than there are. There is no
``unsafe-eval``: the page uses none of Gradio's ``js=`` hooks nor `gr.HTML`, which need it.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from askhistory.settings import VERSION
from askhistory.ui.limits import Limiter, client_of, too_many
from askhistory.ui.opening import Open, Opening
from askhistory.ui.words import STATIC, languages, words_for

logger = logging.getLogger(__name__)

PREFIX = "/askhistory/"
STARTERS = 4

MOST_BYTES = 4_000_000
"""Longest request. A conversation comes along with each question; the longest is half of this."""

LOOK_UP = 0.1
"""Part of a question that looking something up in the notes counts for."""

_OPEN = re.compile(
    r"/|/(?:config|theme\.css|favicon\.ico|robots\.txt)/?|/(?:assets|static|svelte)/.+"
    r"|/gradio_api/(?:info|config|app_id|startup-events|theme\.css|cancel|reset|queue/(?:join|data)"
    r"|heartbeat/[^/]+|call/ask(?:/[^/]+)?|run/(?:ask|predict)|api/ask)/?"
)
"""What of Gradio's own addresses the page and the API need. Closed with the rest are those that
take or give files, and those that fetch an address for whoever asks."""

_ASK = re.compile(r"/gradio_api/(?:call|run|api)/ask/?")

_SPACE_PARENTS = "https://huggingface.co https://*.hf.space"


def policy(nonce: str) -> str:
    """Return the Content-Security-Policy of an answer (CSP level 3)."""
    ancestors = f"'self' {_SPACE_PARENTS}" if os.environ.get("SPACE_ID") else "'self'"
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'nonce-{nonce}'",
            # Svelte writes style attributes, and Gradio its theme as a style element.
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "manifest-src 'self'",
            "base-uri 'self'",
            "form-action 'none'",
            f"frame-ancestors {ancestors}",
        )
    )


class NoSuchPlaceError(LookupError):
    """An address names a page or a section that the notes do not have."""


class Guard:
    """ASGI middleware: what may be asked for, headers for every answer, the start page's head."""

    def __init__(self, app: ASGIApp, opening: Opening, title: str, limiter: Limiter) -> None:
        """Take the application to guard, the assistant's opening, the page's title, the limits."""
        self._app = app
        self._own = Own(opening, limiter)
        self._opening = opening
        self._title = title
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        guarded = _Headers(send, nonce, self._head(nonce, scope))
        if path == "/healthz":
            await self._health()(scope, receive, guarded)
        elif path.startswith(PREFIX):
            await self._own(scope, receive, guarded, path.removeprefix(PREFIX))
        elif (refused := self._refused(scope, path)) is not None:
            await refused(scope, receive, guarded)
        else:
            await self._app(scope, receive, guarded)

    def _health(self) -> Response:
        """Say how the server is, to whoever watches over it, and give no path or reason away."""
        opened = self._opening.ready
        failed = self._opening.error is not None
        state = "ready" if opened else "failed" if failed else "loading"
        content = {
            "name": "askhistory",
            "version": VERSION,
            "state": state,
            "index": opened.assistant.index.build if opened else None,
        }
        headers = {"cache-control": "no-store"}
        return JSONResponse(content, status_code=200 if opened else 503, headers=headers)

    def _refused(self, scope: Scope, path: str) -> Response | None:
        """Return the answer to a request that Gradio is not to see; None where it may."""
        if not _OPEN.fullmatch(path):
            return _error(404, "There is nothing here.")
        if scope["method"] == "POST":
            length = _header(scope, b"content-length") or ""
            if not length.isdecimal():
                return _error(411, "The request must say how long it is (Content-Length).")
            if int(length) > MOST_BYTES:
                return _error(413, f"The request is too long; {MOST_BYTES} bytes is the most.")
            # The page's own questions are told off in the conversation, by `Desk`.
            wait = self._limiter.wait(_client(scope)) if _ASK.fullmatch(path) else 0.0
            if wait > 0:
                return _too_many(wait)
        return None

    def _head(self, nonce: str, scope: Scope) -> Callable[[bytes], bytes]:
        """Return what turns Gradio's start page into ours."""
        words = words_for(_header(scope, b"accept-language"))
        shell = (
            f'<div id="shell" role="status"><p>{self._title}</p>'
            f"<span>{words['opening.notes']}</span></div>"
        )

        def rewrite(html: bytes) -> bytes:
            text = html.decode("utf-8")
            # The preview tags point at Gradio's own site; nothing here speaks for another one.
            text = re.sub(r"<meta\s+(?:property|name)=\"(?:og|twitter):[^>]*>", "", text)
            text = re.sub(r"<link rel=\"manifest\"[^>]*>", "", text)
            text = text.replace("<script", f'<script nonce="{nonce}"')
            ours = (
                f"<title>{self._title}</title>"
                '<link rel="stylesheet" href="./askhistory/fonts.css">'
                '<link rel="stylesheet" href="./askhistory/page.css">'
                f'<script nonce="{nonce}" type="module" src="./askhistory/page.js"></script>'
            )
            text = text.replace("</head>", ours + "</head>", 1)
            return re.sub(r"(<body[^>]*>)", lambda body: body[0] + shell, text, count=1).encode()

        return rewrite


class _Headers:
    """Sends an answer on with our headers, and an HTML start page rewritten."""

    def __init__(self, send: Send, nonce: str, rewrite: Callable[[bytes], bytes]) -> None:
        self._send = send
        self._nonce = nonce
        self._rewrite = rewrite
        self._held: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = {key.lower(): value for key, value in message["headers"]}
            ours = {
                b"content-security-policy": policy(self._nonce).encode(),
                b"x-content-type-options": b"nosniff",
                b"referrer-policy": b"no-referrer",
                b"permissions-policy": b"camera=(), microphone=(), geolocation=()",
            }
            kept = [(key, value) for key, value in message["headers"] if key.lower() not in ours]
            message = {**message, "headers": [*kept, *ours.items()]}
            if headers.get(b"content-type", b"").startswith(b"text/html"):
                self._held = message
                return
        elif self._held is not None:
            self._body += message.get("body", b"")
            if message.get("more_body"):
                return
            body = self._rewrite(self._body)
            kept = [pair for pair in self._held["headers"] if pair[0].lower() != b"content-length"]
            length = (b"content-length", str(len(body)).encode())
            await self._send({**self._held, "headers": [*kept, length]})
            self._held = None
            message = {"type": "http.response.body", "body": body}
        await self._send(message)


class Own:
    """Answers what stands below ``/askhistory/``: files, and the notes for the reader."""

    def __init__(self, opening: Opening, limiter: Limiter) -> None:
        self._opening = opening
        self._limiter = limiter
        self._files = StaticFiles(directory=STATIC)

    async def __call__(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        """Answer one request for a path below the prefix."""
        query = {key: values[0] for key, values in parse_qs(scope["query_string"].decode()).items()}
        answers: Mapping[str, Callable[[Open, Mapping[str, str]], Any]] = {
            "notes": _notes,
            "notes/page": _page,
            "notes/search": _search,
            "notes/questions": _questions,
            "starters": _starters,
        }
        response: Response
        if scope["method"] not in ("GET", "HEAD"):
            response = _error(405, "Only GET is answered here.")
        elif path == "status":
            response = JSONResponse(self._status(scope))
        elif path in answers:
            wait = self._limiter.take(_client(scope), LOOK_UP)
            response = _too_many(wait) if wait else await self._answer(answers[path], query)
        else:
            await self._file(scope, receive, send, path)
            return
        response.headers["cache-control"] = "no-store"
        await response(scope, receive, send)

    def _status(self, scope: Scope) -> dict[str, Any]:
        tag = words_for(_header(scope, b"accept-language"))
        lang = next(name for name, words in languages().items() if words is tag)
        opened = self._opening.ready
        return {
            "boot": self._opening.boot,
            "ready": opened is not None,
            "notes": opened.mark if opened else None,
            "error": self._opening.error,
            "lang": lang,
            "words": dict(tag),
        }

    async def _answer(
        self, answer: Callable[[Open, Mapping[str, str]], Any], query: Mapping[str, str]
    ) -> Response:
        opened = self._opening.ready
        if opened is None:
            return _error(503, "The notes are not open yet.")
        try:
            # A question's check can take a moment, and must not hold up the other students.
            return JSONResponse(await asyncio.to_thread(answer, opened, query))
        except NoSuchPlaceError:
            return _error(404, "There is no such place in the notes.")
        except Exception:
            logger.exception("An address of the reader could not be answered")
            return _error(500, "The server's log has the details.")

    async def _file(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        try:
            response = await self._files.get_response(path, scope)
        except Exception as error:
            status = getattr(error, "status_code", 500)
            response = _error(status, "There is no such file.")
        # Revalidated by its ETag, so that an update is seen at once.
        response.headers["cache-control"] = "no-cache"
        await response(scope, receive, send)


@contextmanager
def _places() -> Iterator[None]:
    try:
        yield
    except (KeyError, ValueError, IndexError) as error:
        raise NoSuchPlaceError from error


def _notes(opened: Open, query: Mapping[str, str]) -> Any:
    return {"pages": opened.notes.contents()}


def _page(opened: Open, query: Mapping[str, str]) -> Any:
    with _places():
        return {"html": opened.notes.page_html(int(query["page"]))}


def _search(opened: Open, query: Mapping[str, str]) -> Any:
    asked = query.get("q", "")[:200]
    found = opened.notes.search(asked)
    read = None if found else opened.notes.corrected(asked)
    if read and (meant := opened.notes.search(read)):
        return {"found": meant, "read": read}
    return {"found": found, "read": None}


def _questions(opened: Open, query: Mapping[str, str]) -> Any:
    with _places():
        section = opened.notes.section(int(query["page"]), int(query["section"]))
    return {"questions": opened.assistant.questions_about(section.headings)}


def _starters(opened: Open, query: Mapping[str, str]) -> Any:
    with _places():
        seed = int(query.get("seed", "0"))
    return {"questions": opened.assistant.starters(STARTERS, seed)}


def _error(status: int, message: str) -> Response:
    return JSONResponse({"error": message}, status_code=status)


def _too_many(wait: float) -> Response:
    response = _error(429, too_many(wait))
    response.headers["retry-after"] = str(math.ceil(wait))
    return response


def _client(scope: Scope) -> str | None:
    host = scope["client"][0] if scope.get("client") else None
    return client_of(host, _header(scope, b"x-forwarded-for"))


def _header(scope: Scope, name: bytes) -> str | None:
    for key, value in scope["headers"]:
        if key.lower() == name:
            return str(value.decode("latin-1"))
    return None
