"""The assistant, opened in the background while the page is already there.

This module says what the page needs from an assistant, and nothing of how it answers.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from askhistory.schema import Answer, AskHistoryError, Section
from askhistory.ui.reader import Notes

logger = logging.getLogger(__name__)

LOOK = 1.0
"""Seconds between two looks at whether the notes have changed."""


class Searchable(Protocol):
    """What the page needs from an index: the notes themselves."""

    @property
    def sections(self) -> Sequence[Section]:
        """All sections, page by page, in the order of the notes."""

    @property
    def build(self) -> str:
        """What tells it from another index: a new name for each time it is built."""


class Answering(Protocol):
    """What the page needs from an assistant."""

    @property
    def index(self) -> Searchable:
        """The index it answers from."""

    def ask(self, question: str, history: Sequence[str] = ()) -> Answer:
        """Answer a question, given the earlier ones of the conversation, oldest first."""

    def write(self, answer: Answer) -> Iterator[Answer]:
        """Have an answer written out; yield it as it grows. Only asked where a model is set up."""

    def starters(self, n: int, seed: int) -> tuple[str, ...]:
        """Return up to `n` questions that the notes answer, on different topics."""

    def close_questions(self, answer: Answer, earlier: Sequence[str] = ()) -> tuple[str, ...]:
        """Return questions that go on from an answer and that the notes answer too."""

    def questions_about(self, headings: Sequence[str]) -> tuple[str, ...]:
        """Return questions that the notes answer from under a heading."""


@runtime_checkable
class Renewable(Protocol):
    """What an assistant has whose notes can change while it answers."""

    def renewed(self) -> Answering | None:
        """Return an assistant of the new notes, or None while there are none.

        Raises:
            AskHistoryError: There are, and they cannot be used; said once.
        """


@dataclass(frozen=True, slots=True)
class Open:
    """An opened assistant and its notes, ready for the page.

    Attributes:
        assistant: What answers.
        notes: What it answers from.
        mark: Another one for other notes, so that a page can tell.
    """

    assistant: Answering
    notes: Notes
    mark: str = field(default_factory=lambda: secrets.token_hex(4))


class Opening:
    """An assistant that is being opened, has been opened, or could not be.

    The work starts in a thread of its own at once. Where it fails, the next `start` tries
    again, so that a mended index needs no restart. Once it is open, the same thread looks for new
    notes and puts them in the place of the old ones: a question that is being answered is
    answered from those it began with, the next one from the new. New notes that cannot be used
    are logged, and the old ones stay.
    """

    def __init__(self, make: Callable[[], Answering]) -> None:
        """Take what makes the assistant and start making it."""
        self.boot = secrets.token_hex(4)
        self._make = make
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._open: Open | None = None
        self._error: str | None = None
        self._thread: threading.Thread | None = None
        self.start()

    def start(self) -> None:
        """Begin to open the assistant unless it is open or being opened."""
        with self._lock:
            busy = self._thread is not None and self._thread.is_alive()
            if self._open is not None or busy:
                return
            self._ended.clear()
            self._error = None
            self._thread = threading.Thread(target=self._run, name="opening", daemon=True)
            self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait for the opening to end, well or badly; return whether it has."""
        return self._ended.wait(seconds)

    @property
    def ready(self) -> Open | None:
        """The opened assistant, or None while there is none."""
        return self._open

    @property
    def error(self) -> str | None:
        """What kept it from opening, for people, or None."""
        return self._error

    def _run(self) -> None:
        self._begin()
        while self._open is not None and isinstance(self._open.assistant, Renewable):
            time.sleep(LOOK)
            self._renew(self._open.assistant)

    def _renew(self, assistant: Renewable) -> None:
        try:
            renewed = assistant.renewed()
            if renewed is not None:
                self._open = Open(renewed, Notes(renewed.index.sections))
                logger.info(
                    "The notes have changed; what is asked now is answered from the new ones"
                )
        except AskHistoryError as error:
            logger.error("The new notes cannot be used, so the old ones still answer: %s", error)
        except Exception:
            logger.exception("The new notes cannot be used, so the old ones still answer")

    def _begin(self) -> None:
        try:
            assistant = self._make()
            self._open = Open(assistant, Notes(assistant.index.sections))
        except AskHistoryError as error:
            self._error = str(error)
            logger.error("The notes could not be opened: %s", error)
        except Exception as error:
            self._error = f"{type(error).__name__}: the server's log has the details."
            logger.exception("The notes could not be opened")
        finally:
            self._ended.set()
