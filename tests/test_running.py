"""Who ends an answer that is being worked on, and who is told."""

from __future__ import annotations

import time
from concurrent.futures import Future

from askhistory.ui.running import LATELY, Running


def test_an_ending_reaches_the_work_and_nobody_else() -> None:
    running = Running()
    with running.work("one") as one, running.work("two") as two:
        assert running.end("one", "stop")
        assert (one.ending, two.ending) == ("stop", None)
        assert not running.end("three", "stop")


def test_a_new_chat_outdoes_stop() -> None:
    running = Running()
    with running.work("one") as work:
        assert running.end("one", "stop")
        assert running.end("one", "clear")
        assert work.ending == "clear"


def test_what_has_ended_is_remembered_for_a_while_only() -> None:
    running = Running()
    with running.work("one"):
        assert not running.lately("one")
    assert not running.end("one", "stop")
    assert running.lately("one")
    for number in range(LATELY):
        with running.work(str(number)):
            pass
    assert not running.lately("one")


def test_whoever_waits_is_woken_by_the_ending_or_by_what_comes() -> None:
    running = Running()
    coming: Future[int] = Future()
    with running.work("one") as work:
        assert not work.comes(coming, 0.0)
        coming.set_result(1)
        assert work.comes(coming, 60.0)
        began = time.monotonic()
        running.end("one", "stop")
        assert not work.comes(Future(), 60.0)
        work.pause(60.0)
        assert time.monotonic() - began < 30.0
