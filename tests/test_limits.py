"""How fast questions are taken, by a clock that the test turns."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askhistory.ui import limits
from askhistory.ui.limits import Limiter, client_of, too_many


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_minutes_worth_may_come_at_once_and_comes_back_evenly(clock: Clock) -> None:
    limiter = Limiter(6, None, clock)
    assert [limiter.take("a") for _ in range(7)] == [0, 0, 0, 0, 0, 0, 10]
    clock.now += 4
    assert limiter.take("a") == pytest.approx(6)
    clock.now += 6
    assert limiter.take("a") == 0
    clock.now += 600
    assert [limiter.take("a") for _ in range(7)] == [0, 0, 0, 0, 0, 0, 10]


def test_one_client_takes_nothing_from_another(clock: Clock) -> None:
    limiter = Limiter(1, None, clock)
    assert [limiter.take(name) for name in "aabb"] == [0, 60, 0, 60]


def test_the_limit_in_all_binds_everybody_and_the_machine_itself(clock: Clock) -> None:
    limiter = Limiter(60, 2, clock)
    assert [limiter.take(name) for name in ("a", None, "b", None)] == [0, 0, 30, 30]


def test_who_is_turned_away_costs_the_others_nothing(clock: Clock) -> None:
    limiter = Limiter(1, 3, clock)
    assert [limiter.take("a") > 0 for _ in range(50)] == [False] + [True] * 49
    assert limiter.take("b") == limiter.take("c") == 0


def test_asking_how_long_takes_nothing(clock: Clock) -> None:
    limiter = Limiter(1, 1, clock)
    assert [limiter.wait("a") for _ in range(3)] == [0, 0, 0]
    assert (limiter.take("a"), limiter.wait("a")) == (0, 60)


def test_a_look_up_counts_for_a_part(clock: Clock) -> None:
    limiter = Limiter(1, None, clock)
    assert [limiter.take("a", 0.5) for _ in range(3)] == [0, 0, 30]


def test_without_limits_everything_is_taken(clock: Clock) -> None:
    limiter = Limiter(None, None, clock)
    assert {limiter.take("a") for _ in range(1000)} == {0}


def test_forged_addresses_fill_no_memory(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_CLIENTS", 10)
    limiter = Limiter(1, None, clock)
    for number in range(100):
        assert limiter.take(f"10.0.0.{number}") == 0
    assert len(limiter._clients) == 10
    assert limiter.take("10.0.0.99") == 60


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 20)), max_size=200))
def test_no_minute_sees_more_than_the_limit_and_what_came_back(
    asked: list[tuple[str, float]],
) -> None:
    clock = Clock()
    limiter = Limiter(5, 8, clock)
    taken: list[tuple[str, float]] = []
    for client, pause in asked:
        clock.now += pause
        wait = limiter.take(client)
        if wait == 0:
            taken.append((client, clock.now))
        else:
            assert wait <= 60 / 5 + 1e-6
    for _, start in taken:
        inside = [client for client, moment in taken if start <= moment < start + 60]
        assert len(inside) <= 8 * 2
        assert all(inside.count(client) <= 5 * 2 for client in "ab")


def test_questions_of_many_threads_are_counted_once_each(clock: Clock) -> None:
    limiter = Limiter(None, 500, clock)
    with ThreadPoolExecutor(8) as threads:
        waits = list(threads.map(lambda _: limiter.take(None), range(1000)))
    assert sum(wait == 0 for wait in waits) == 500


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", None),
        ("::1", None),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::ffff:127.0.0.1", None),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("testclient", None),
        (None, None),
    ],
)
def test_a_client_is_its_address_or_its_network(host: str | None, client: str | None) -> None:
    assert client_of(host) == client


def test_what_a_proxy_says_is_believed_on_a_space_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert client_of("10.0.0.1", "203.0.113.7, 10.0.0.9") == "10.0.0.1"
    monkeypatch.setenv("SPACE_ID", "class/notes")
    assert client_of("10.0.0.1", "203.0.113.7, 10.0.0.9") == "203.0.113.7"
    assert client_of("10.0.0.1", "<script>") is None
    assert client_of("10.0.0.1") == "10.0.0.1"


@pytest.mark.parametrize(
    ("wait", "said"), [(0.2, "in 1 second."), (1.0, "in 1 second."), (1.1, "in 2 seconds.")]
)
def test_the_message_says_when_to_ask_again(wait: float, said: str) -> None:
    assert too_many(wait).endswith(f"Ask again {said}")
