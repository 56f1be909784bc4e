"""What the browser tests share: a student at the page, and an assistant that does as told."""

from __future__ import annotations

import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, expect

from askhistory.assistant import Assistant
from askhistory.notes import read_corpus
from askhistory.schema import Answer, Citation, CitedPoint, Point

CHROMIUM = (
    os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
)
WIDE = {"width": 1400, "height": 900}
PHONE = {"width": 390, "height": 844}
CORPUS = Path(__file__).resolve().parents[2] / "corpus"


class Awkward:
    """The assistant of the tests, which does as told: slow questions, held ones, failing ones."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self._held = threading.Event()

    def __getattr__(self, name: str) -> object:
        return getattr(self._assistant, name)

    def hold(self) -> threading.Event:
        """What questions marked as held wait for from now on."""
        self._held = threading.Event()
        return self._held

    def ask(self, question: str, history: Sequence[str] = ()) -> Answer:
        self.asked.append((question, tuple(history)))
        if "(slow)" in question:
            time.sleep(3)
        if "(held)" in question:
            self._held.wait(30)
        if "(broken)" in question:
            raise RuntimeError("forced by a test")
        return self._assistant.ask(re.sub(r" \((?:slow|held)\)", "", question), history=history)


class Parrot:
    """Answers every question with all the points of one of the sections that have any."""

    def __init__(self, corpus: Path, section: int = 0) -> None:
        self.index = read_corpus(corpus)
        self._section = section
        self.order: Callable[[Sequence[Point]], Sequence[Point]] = lambda points: points

    def ask(self, question: str, history: Sequence[str] = ()) -> Answer:
        section = [section for section in self.index.sections if section.points][self._section]
        first, last = section.points[0], section.points[-1]
        points = tuple(
            CitedPoint(p.text, p.headings, p.page, p.line, p.end_line, 0.9, 1)
            for p in self.order(section.points)
        )
        cited = Citation(
            1, section.headings, section.page, section.anchor, first.line, last.end_line
        )
        return Answer(question, question, True, 0.9, "", points, (cited,))

    def starters(self, n: int, seed: int) -> tuple[str, ...]:
        return ("<b>Why?</b>",)

    def close_questions(self, answer: Answer, earlier: Sequence[str] = ()) -> tuple[str, ...]:
        return ("<img src=x>",)


def until(page: Page, holds: Callable[[], bool]) -> None:
    """Wait, while the page goes on, for something that the page does not show."""
    for _ in range(160):
        if holds():
            return
        page.wait_for_timeout(50)
    raise AssertionError("It did not come to hold within 8 seconds")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


Serve = Callable[..., str]


class Student:
    """What a student does on the page, and what the browser noticed meanwhile."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.page: Page = context.new_page()
        self.url = url
        self.outside: list[str] = []
        self.answered: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", self._request)
        self.page.on("response", lambda response: self.answered.append(response.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._console)

    def _request(self, request: Request) -> None:
        address = request.url
        if not address.startswith((self.url, "data:", "blob:")):
            self.outside.append(address)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def open(self, query: str = "") -> Student:
        self.page.goto(self.url + query)
        return self.arrived()

    def reload(self) -> Student:
        self.page.reload()
        return self.arrived()

    def arrived(self) -> Student:
        """The page is wired, and what this browser kept is shown again."""
        expect(self.page.locator("body.ready")).to_be_attached()
        expect(self.page.locator("#box.restored")).to_be_attached()
        return self

    @property
    def box(self) -> Locator:
        return self.page.get_by_label("Your question", exact=True)

    @property
    def answer(self) -> Locator:
        return self.page.get_by_test_id("bot").last

    @property
    def group(self) -> Locator:
        """The first heading of the newest answer and its points."""
        return self.answer.locator(".group").first

    @property
    def questions(self) -> Locator:
        return self.page.get_by_test_id("user")

    def type(self, question: str) -> None:
        """Send a question, and do not wait for what comes of it."""
        self.box.fill(question)
        self.box.press("Enter")

    def ask(self, question: str) -> None:
        with self.answering():
            self.type(question)
        expect(self.questions.last).to_have_text(question)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """What is done inside asks one question; on leaving, its answer has ended.

        The page counts the answers that have ended, stopped and failed ones too, and never
        counts one twice: no state in between can be taken for the end.
        """
        body = self.page.locator("body")
        before = int(body.get_attribute("data-finished") or 0)
        yield
        expect(body).to_have_attribute("data-finished", str(before + 1), timeout=20_000)
        expect(self.box).to_be_enabled()

    def sent(self, part: str) -> bool:
        """Whether a request to such an address has been answered."""
        return any(part in address for address in self.answered)

    def highlights(self, texts: Sequence[str]) -> None:
        """Exactly these points are highlighted in the notes."""
        expect(self.page.locator("#notes .hit")).to_have_text(list(texts))


Arrive = Callable[..., Student]
