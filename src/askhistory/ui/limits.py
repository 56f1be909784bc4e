"""How fast questions are taken: from one client, and in all.

A token bucket each: a minute's worth may come at once, and what was taken comes back evenly. Kept
here in memory, for as many clients as there is room for; not a library's, because those at hand
start a thread or remember every client for ever.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, IPv6Network, ip_address

MOST_CLIENTS = 10_000
"""Clients remembered. Who was forgotten has not asked for long, or somebody forges addresses,
and then the limit in all is what holds."""

_SECONDS = 60.0


class Limiter:
    """Takes questions, up to so many a minute from a client and so many in all."""

    def __init__(
        self,
        per_client: int | None,
        in_all: int | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the two limits, questions a minute; None is no limit."""
        self._per_client = math.inf if per_client is None else float(per_client)
        self._in_all = math.inf if in_all is None else float(in_all)
        self._clock = clock
        self._lock = threading.Lock()
        self._all = (self._in_all, clock())
        self._clients: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str | None, cost: float = 1.0) -> float:
        """Take a question, or say how long to wait.

        Args:
            client: As `client_of` names it; None for one that only the limit in all binds.
            cost: How many questions it counts for.

        Returns:
            0 where it was taken, else the seconds until it would be; then nothing is counted.
        """
        with self._lock:
            wait, left, mine = self._look(client, cost)
            if wait == 0:
                now = self._clock()
                self._all = (left - cost, now)
                if client is not None:
                    self._clients[client] = (mine - cost, now)
                    self._clients.move_to_end(client)
                    if len(self._clients) > MOST_CLIENTS:
                        self._clients.popitem(last=False)
            return wait

    def wait(self, client: str | None, cost: float = 1.0) -> float:
        """Return the seconds until a question would be taken, and take none."""
        with self._lock:
            return self._look(client, cost)[0]

    def _look(self, client: str | None, cost: float) -> tuple[float, float, float]:
        """The seconds to wait, and what is left in all and for the client."""
        now = self._clock()
        left = _filled(self._all, self._in_all, now)
        mine = _filled(self._clients.get(client or "", (math.inf, now)), self._per_client, now)
        wait = _missing(cost - left, self._in_all)
        if client is not None:
            wait = max(wait, _missing(cost - mine, self._per_client))
        return wait, left, mine


def _filled(bucket: tuple[float, float], size: float, now: float) -> float:
    held, since = bucket
    return min(size, held + (now - since) * size / _SECONDS) if size < math.inf else size


def _missing(lacking: float, size: float) -> float:
    return lacking * _SECONDS / size if lacking > 0 else 0.0


def too_many(wait: float) -> str:
    """Say that questions come too fast.

    Args:
        wait: Seconds until the next one is taken.
    """
    seconds = math.ceil(wait)
    unit = "second" if seconds == 1 else "seconds"
    return f"Too many questions in a short time. Ask again in {seconds} {unit}."


def client_of(host: str | None, forwarded: str | None = None) -> str | None:
    """Name the client that a request comes from.

    Args:
        host: The address that the request came from; a proxy on this machine has been looked
            through by the server.
        forwarded: The header ``X-Forwarded-For``. Believed on a Hugging Face Space only, which
            stands behind its proxies; it can be forged there, and then the limit in all holds.

    Returns:
        An address, a whole network where one customer gets 2⁶⁴ of them (IPv6); None for this
        machine itself, whose user can stop the server anyway, and for what is no address.
    """
    if forwarded and os.environ.get("SPACE_ID"):
        host = forwarded.partition(",")[0].strip()
    try:
        address = ip_address(host or "")
    except ValueError:
        return None
    if address.is_loopback:
        return None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return client_of(str(address.ipv4_mapped))
        return str(IPv6Network((address, 64), strict=False))
    return str(address)
