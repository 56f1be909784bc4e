"""The answers that are being worked on just now, and how a student ends one.

Only the event that works on an answer writes the conversation while it does. What another event
sent, Stop or New chat, would come over another connection, and an update already on its way to
the browser could come after it. So these leave word here, and the answer's own event ends with it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from threading import Lock
from typing import Any, Literal

Ending = Literal["stop", "clear"]

LATELY = 256
"""Turns that are remembered for a while: the end of their answers may be on its way yet."""


class Work:
    """One answer that is being worked on.

    Attributes:
        ending: How the student has ended it, or None.
    """

    def __init__(self) -> None:
        self.ending: Ending | None = None
        self._ended: Future[None] = Future()

    def comes(self, coming: Future[Any], seconds: float) -> bool:
        """Wait for something, no longer than so long or than it is ended; return whether it is
        there."""
        wait([self._ended, coming], seconds, FIRST_COMPLETED)
        return coming.done()

    def pause(self, seconds: float) -> None:
        """Wait for so long, but no longer than it is ended."""
        wait([self._ended], seconds)

    def end(self, ending: Ending) -> None:
        """End it, and whoever waits; the last word on how counts."""
        self.ending = ending
        if not self._ended.done():
            self._ended.set_result(None)


class Running:
    """The answers that are being worked on, by the names of their turns."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._works: dict[str, Work] = {}
        self._lately: deque[str] = deque(maxlen=LATELY)

    @contextmanager
    def work(self, turn: str) -> Iterator[Work]:
        """Work on a turn; `end` reaches it until the block ends, and not after."""
        work = Work()
        with self._lock:
            self._works[turn] = work
        try:
            yield work
        finally:
            with self._lock:
                del self._works[turn]
                self._lately.append(turn)

    def end(self, turn: str, ending: Ending) -> bool:
        """End the work on a turn; return whether anybody was working on it."""
        with self._lock:
            work = self._works.get(turn)
            if work is not None:
                work.end(ending)
            return work is not None

    def lately(self, turn: str) -> bool:
        """Whether the work on a turn has ended only lately."""
        with self._lock:
            return turn in self._lately
