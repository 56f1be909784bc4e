"""The log of thumbs and of questions that the notes do not cover, and the teacher's report on it.

The log holds what was asked and what came of it, and nothing about who asked.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from askhistory.schema import Answer, AskHistoryError

Event = Literal["up", "down", "not covered"]

MOST_BYTES = 20_000_000
"""A log that has grown so large is not added to, so that a page on the net cannot fill a disk."""

ALIKE = 0.5
"""Share of common words from which two questions count as the same one (Jaccard)."""

_WORD = re.compile(r"\w+")
_SMALL = frozenset(
    _WORD.findall(
        "a an and are as at be by did do does for from had has have how in is it its of on or that "
        "the their them they this to was were what when where which who why will with"
    )
)


class Log:
    """A file to which events are added, one JSON object a line."""

    def __init__(self, path: Path | None) -> None:
        """Take the file, which need not exist; None keeps nothing."""
        self._path = path
        self._lock = threading.Lock()

    @property
    def kept(self) -> bool:
        """Whether anything is kept at all."""
        return self._path is not None

    def add(self, event: Event, answer: Answer) -> None:
        """Add one event.

        Raises:
            OSError: The file cannot be written.
        """
        if self._path is None:
            return
        record = {
            "day": datetime.now(UTC).date().isoformat(),
            "event": event,
            "question": answer.question,
            "query": answer.query,
            "covered": answer.covered,
            "confidence": round(answer.confidence, 4),
            "headings": [list(citation.headings) for citation in answer.citations]
            or [list(heading.headings) for heading in answer.nearest],
        }
        line = json.dumps(record, ensure_ascii=False) + "\n"
        with self._lock:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.exists() and self._path.stat().st_size > MOST_BYTES:
                return
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line)


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that students asked and the notes do not answer.

    Attributes:
        question: How it was asked most often.
        count: How often it was asked, in any wording.
        wordings: The other wordings, most frequent first.
        nearest: Path of the heading that came closest most often; empty where none did.
    """

    question: str
    count: int
    wordings: tuple[str, ...]
    nearest: tuple[str, ...]


def gaps(path: Path) -> tuple[Gap, ...]:
    """Group a log's uncovered questions, most frequent first.

    Two wordings count as one question where they share at least half of their words, small words
    left aside.

    Raises:
        AskHistoryError: The file is missing or holds a line that is not an event.
    """
    groups: list[list[tuple[str, tuple[str, ...]]]] = []
    stems: list[frozenset[str]] = []
    for question, query, nearest in _uncovered(path):
        words = frozenset(_WORD.findall(query.casefold())) - _SMALL
        for place, known in enumerate(stems):
            if words == known or len(words & known) >= ALIKE * len(words | known) > 0:
                groups[place].append((question, nearest))
                break
        else:
            stems.append(words)
            groups.append([(question, nearest)])
    report = []
    for group in groups:
        wordings = Counter(question for question, _ in group).most_common()
        closest = Counter(nearest for _, nearest in group if nearest).most_common(1)
        report.append(
            Gap(
                question=wordings[0][0],
                count=len(group),
                wordings=tuple(wording for wording, _ in wordings[1:]),
                nearest=closest[0][0] if closest else (),
            )
        )
    return tuple(sorted(report, key=lambda gap: -gap.count))


def _uncovered(path: Path) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    if not path.is_file():
        raise AskHistoryError(
            f"There is no log at {path} yet. It begins with the first thumb or uncovered question "
            f"on the page; start that with “askhistory serve”."
        )
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                event, question, query = record["event"], record["question"], record["query"]
                nearest = tuple(record["headings"][0]) if record["headings"] else ()
            except (json.JSONDecodeError, KeyError, TypeError, IndexError) as error:
                raise AskHistoryError(
                    f"{path}:{number}: this line is not an event of the log. Take it out."
                ) from error
            if event == "not covered":
                yield str(question), str(query), nearest
