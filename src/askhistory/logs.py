"""What is logged, and how: one JSON object a line, or plain lines where a person looks on.

The only place that sets up logging. A message takes its fields from ``extra={"fields": {…}}``;
what a student typed is in none of them unless whoever runs askhistory has asked for it.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO


class Stopwatch:
    """Where the time of a question goes: one reading of the clock per stage.

    Attributes:
        stages: Seconds by stage, in the order in which they first ended.
    """

    __slots__ = ("_last", "stages")

    def __init__(self) -> None:
        """Start."""
        self.stages: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        """Count the time since the last call, or since the start, towards a stage."""
        now = time.perf_counter()
        self.stages[stage] = self.stages.get(stage, 0.0) + now - self._last
        self._last = now


def configure(level: str, stream: TextIO | None = None) -> None:
    """Send our own messages to a stream, in place of wherever they went before.

    Only ours: some libraries set themselves to tell everything.

    Args:
        level: Least severe message that is logged: debug, info, warning or error.
        stream: Standard error by default.
    """
    stream = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Plain() if stream.isatty() else Structured())
    logger = logging.getLogger("askhistory")
    logger.handlers = [handler]
    logger.setLevel(level.upper())


class Structured(logging.Formatter):
    """A message as JSON: time (UTC), level, logger, message, its fields, and a traceback if any."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        moment = datetime.fromtimestamp(record.created, UTC)
        content: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            content["exception"] = self.formatException(record.exc_info)
        # Escaped, so that no letter of a question can end a line or move a terminal's cursor.
        return json.dumps(content, default=str)


class Plain(logging.Formatter):
    """A message for people, its fields behind it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a line, and a traceback below it if there is any."""
        fields = " ".join(f"{name}={json.dumps(value)}" for name, value in _fields(record).items())
        return f"{super().format(record)} {fields}".rstrip()


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = getattr(record, "fields", {})
    return fields
