"""Ten thousand questions of every sort in one process: ``python -m bench.soak [--write]``.

What is looked for: an exception that is not ours, an answer whose citation does not stand in the
notes' files, and memory that grows. The questions are drawn by a seeded generator, so that a run
can be repeated.
"""

from __future__ import annotations

import html
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import Progress

from askhistory.assistant import Assistant, build_index
from askhistory.evaluation import read_questions
from askhistory.schema import Answer, QuestionError
from askhistory.settings import Settings
from bench.cli import run
from bench.data import ROOT, BenchError
from bench.report import table

COUNT = 10_000
SEED = 5
WARM_UP = 4_000
"""Until what is remembered of words, which is bounded, is full of gibberish."""
SAMPLES = 500
"""Questions between two looks at the memory."""

MOST_GROWTH = 16.0
"""Megabytes after the warm-up from which memory counts as growing; a page of it is not a leak."""

RELIABILITY = ROOT / "docs" / "reliability.md"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and those before it.

    Attributes:
        kind: What sort of question it is, as the table names it.
        question: As typed.
        history: Earlier ones, the oldest first.
    """

    kind: str
    question: str
    history: tuple[str, ...] = ()


# ------------------------------------------------------------------------ the questions

_SCRIPTS: Mapping[str, tuple[int, int]] = {
    "Greek": (0x0391, 0x03C9), "Cyrillic": (0x0410, 0x044F), "Hebrew": (0x05D0, 0x05EA),
    "Arabic": (0x0627, 0x064A), "Devanagari": (0x0905, 0x0939), "Thai": (0x0E01, 0x0E2E),
    "Hangul": (0xAC00, 0xD7A3), "Kana": (0x3041, 0x3096), "Han": (0x4E00, 0x9FFF),
}  # fmt: skip
_EMOJI = ("🪖", "👩‍👩‍👧‍👦", "🏴‍☠️", "🇩🇪", "👍🏿", "❤️", "1️⃣", "\U000e0067", "🫥")
_CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, 0xD800)]
_BIDI = "‪‫‬‭‮⁦⁧⁨⁩\u200e\u200f\u061c"
_MARKS = [chr(code) for code in range(0x0300, 0x0370)]
_PUNCTUATION = "?!.,;:-–—…'\"“”()[]{}<>/\\|*_#~`^%&$@+= \t"


def questions(count: int, seed: int) -> Iterator[Asked]:
    """Draw questions of every sort.

    Args:
        count: How many.
        seed: The same gives the same questions.
    """
    labelled = read_questions(ROOT / "tests" / "data" / "questions.jsonl", "dev")
    real = [(one.question, tuple(one.history)) for one in labelled]
    texts = [question for question, _ in real]
    random = Random(seed)
    sorts = tuple(_SORTS)
    weights = [_SORTS[sort][0] for sort in sorts]
    for _ in range(count):
        kind = random.choices(sorts, weights)[0]
        if kind == "real":
            yield Asked(kind, *random.choice(real))
            continue
        made = _SORTS[kind][1](random, texts)
        yield made if isinstance(made, Asked) else Asked(kind, made)


def _sprinkled(random: Random, text: str, letters: Sequence[str], share: float) -> str:
    return "".join(
        letter + (random.choice(letters) if random.random() < share else "") for letter in text
    )


def _misspelt(random: Random, texts: Sequence[str]) -> str:
    letters = list(random.choice(texts))
    for _ in range(random.randint(1, 5)):
        place = random.randrange(len(letters))
        letters[place] = random.choice(("", letters[place] * 2, random.choice("aeioustrn ")))
    return "".join(letters) or "?"


def _long(random: Random, texts: Sequence[str]) -> str:
    return " ".join(random.choices(texts, k=40))[: random.randint(500, 1000)]


def _gibberish(random: Random, texts: Sequence[str]) -> str:
    words = ("".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=random.randint(3, 12)))
             for _ in range(random.randint(1, 120)))  # fmt: skip
    return " ".join(words)[:1000]


def _foreign(random: Random, texts: Sequence[str]) -> str:
    first, last = random.choice(list(_SCRIPTS.values()))
    letters = "".join(chr(random.randint(first, last)) for _ in range(random.randint(1, 300)))
    return _sprinkled(random, letters, (" ",), 0.2)


def _forged(random: Random, texts: Sequence[str]) -> Asked:
    earlier = [
        random.choice(
            ("", "?", "x" * 5000, "\x00", _gibberish(random, texts), *random.choices(texts, k=4))
        )
        for _ in range(random.randint(1, 60))
    ]
    return Asked("forged history", random.choice(("and the results?", "why?")), tuple(earlier))


_Draw = Callable[[Random, Sequence[str]], str | Asked]
_SORTS: Mapping[str, tuple[float, _Draw]] = {
    "real": (40, _long),
    "misspelt": (12, _misspelt),
    "500 to 1,000 characters": (5, _long),
    "1,000 to 100,000 characters": (
        4,
        lambda random, texts: (random.choice(texts) * 5000)[
            : random.choice((1001, 20_000, 100_000))
        ],
    ),
    "gibberish": (5, _gibberish),
    "empty": (3, lambda random, texts: "".join(random.choices(" \t\n\u00a0\u200b", k=3))),
    "only punctuation": (
        5,
        lambda random, texts: "".join(random.choices(_PUNCTUATION, k=random.randint(1, 200))),
    ),
    "other scripts": (8, _foreign),
    "emoji": (5, lambda random, texts: _sprinkled(random, random.choice(texts), _EMOJI, 0.3)),
    "control characters": (
        5,
        lambda random, texts: _sprinkled(random, random.choice(texts), _CONTROLS, 0.2),
    ),
    "right-to-left": (
        3,
        lambda random, texts: _sprinkled(random, random.choice(texts), _BIDI, 0.3),
    ),
    "stacked marks": (
        2,
        lambda random, texts: _sprinkled(random, random.choice(texts), _MARKS, 0.9),
    ),
    "forged history": (3, _forged),
}


# --------------------------------------------------------------------------- the answers


class Witness:
    """Knows the notes' files, and says what of an answer does not stand in them."""

    def __init__(self, corpus: Path, assistant: Assistant) -> None:
        """Take the folder of the notes and the assistant that answers from them."""
        self._lines = {
            path.relative_to(corpus).as_posix(): re.split(r"\r\n|\n|\r", path.read_text("utf-8"))
            for path in corpus.rglob("*.md")
        }
        sections = assistant.index.sections
        self._headings = {(one.page, one.headings, one.anchor) for one in sections}
        self._paths = {(one.page, one.headings) for one in sections}

    def faults(self, answer: Answer) -> Iterator[str]:
        """Yield what is wrong with an answer's points and citations."""
        cited = {citation.number: citation for citation in answer.citations}
        if list(cited) != list(range(1, len(answer.citations) + 1)):
            yield f"citations are numbered {[one.number for one in answer.citations]}"
        if answer.covered != bool(answer.points) or bool(answer.points) != bool(answer.citations):
            yield "covered, points and citations do not agree"
        if not 0.0 <= answer.confidence <= 1.0:
            yield f"confidence is {answer.confidence}"
        for citation in answer.citations:
            if (citation.page, citation.headings, citation.anchor) not in self._headings:
                yield f"no heading {citation.headings} in {citation.page}"
            if not any(citation.number in (p.citation, *p.also) for p in answer.points):
                yield f"nothing is cited as [{citation.number}]"
        for heading in answer.nearest:
            if (heading.page, heading.headings) not in self._paths:
                yield f"no heading {heading.headings} in {heading.page}"
        for point in answer.points:
            citation = cited[point.citation]
            if (point.page, point.headings) != (citation.page, citation.headings):
                yield f"{point.text!r} is cited under another heading"
            if not citation.line <= point.line <= point.end_line <= citation.end_line:
                yield f"{point.text!r} is outside of its citation"
            if not set(point.also) <= set(cited):
                yield f"{point.text!r} is cited as {point.also} too"
            if not self._stands(point.text, point.page, point.line, point.end_line):
                yield f"{point.text!r} does not stand at {point.page}:{point.line}"

    def _stands(self, text: str, page: str, line: int, end_line: int) -> bool:
        """Whether a text's words stand on those lines of the file, in order."""
        there = self._lines.get(page, [])[line - 1 : end_line]
        if not there:
            return False
        if there[0].lstrip().startswith("|"):
            # A row's columns are named above it.
            text = re.sub(r"(?:^|(?<=; ))[^:;]+: ", "", text)
        written = iter(re.findall(r"\w+", html.unescape(" ".join(there)).replace("*", "")))
        return all(word in written for word in re.findall(r"\w+", text.replace("*", "")))


# ------------------------------------------------------------------------------- the run


@dataclass(slots=True)
class Tally:
    """What came of the questions of one sort.

    Attributes:
        asked: How many.
        answered: Of these, with points.
        refused: Of these, with a refusal or a reply to small talk.
        rejected: Of these, with an error for people: empty, or too long.
        seconds: That each took.
    """

    asked: int = 0
    answered: int = 0
    refused: int = 0
    rejected: int = 0
    seconds: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Soaked:
    """What came of all questions.

    Attributes:
        tallies: By sort.
        crashes: Exceptions that are not ours, each with its question.
        faults: What was wrong with answers.
        megabytes: Resident memory after each `SAMPLES` questions, from `WARM_UP` on.
    """

    tallies: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    crashes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)

    @property
    def growth(self) -> float:
        """Megabytes between the first third of the samples and the last, each at its median."""
        third = max(1, len(self.megabytes) // 3)
        first, last = sorted(self.megabytes[:third]), sorted(self.megabytes[-third:])
        return last[len(last) // 2] - first[len(first) // 2] if self.megabytes else 0.0


def soak(
    assistant: Assistant,
    corpus: Path,
    asked: Sequence[Asked],
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Soaked:
    """Ask questions one after the other, and look at each answer and at the memory.

    Args:
        assistant: Who is asked.
        corpus: Folder of the notes.
        asked: The questions.
        progress: Called with how many are done and how many there are.
    """
    witness = Witness(corpus, assistant)
    found = Soaked()
    for number, one in enumerate(asked, start=1):
        tally = found.tallies[one.kind]
        tally.asked += 1
        started = time.perf_counter()
        try:
            answer = assistant.ask(one.question, one.history)
        except QuestionError:
            tally.rejected += 1
        except Exception as error:
            found.crashes.append(f"{one.question[:200]!r}: {type(error).__name__}: {error}")
        else:
            tally.answered += answer.covered
            tally.refused += not answer.covered
            found.faults += (f"{one.question[:200]!r}: {fault}" for fault in witness.faults(answer))
        tally.seconds.append(time.perf_counter() - started)
        if number >= WARM_UP and number % SAMPLES == 0:
            found.megabytes.append(resident())
        progress(number, len(asked))
    return found


def resident() -> float:
    """Megabytes of memory that this process holds now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def measure() -> str:
    """Soak the assistant in our own notes.

    Raises:
        BenchError: It crashed, an answer was at fault, or memory grew.
    """
    with TemporaryDirectory() as folder, _progress() as progress:
        corpus, index = ROOT / "corpus", Path(folder) / "index"
        build_index(corpus, index, settings=Settings())
        started = time.perf_counter()
        assistant = Assistant.open(index, Settings())
        found = soak(assistant, corpus, list(questions(COUNT, SEED)), progress=progress)
        took = time.perf_counter() - started
    for line in (*found.crashes, *found.faults):
        print(line, file=sys.stderr)
    text = tabulate(found, took)
    if found.crashes or found.faults or found.growth > MOST_GROWTH:
        raise BenchError(f"the soak found something.\n\n{text}")
    return text


def tabulate(found: Soaked, seconds: float) -> str:
    """The figures as a sentence or two and a table."""
    total = sum(tally.asked for tally in found.tallies.values())
    memory = ", ".join(f"{sample:.0f}" for sample in found.megabytes)
    rows = [("Questions", "Asked", "Answered", "Refused", "Rejected", "Median", "Slowest")]
    for kind in _SORTS:
        tally = found.tallies[kind]
        if not tally.asked:
            continue
        times = sorted(tally.seconds)
        rows.append(
            (kind, f"{tally.asked:,}", f"{tally.answered:,}", f"{tally.refused:,}",
             f"{tally.rejected:,}", f"{times[len(times) // 2] * 1000:.1f} ms",
             f"{times[-1] * 1000:.0f} ms")
        )  # fmt: skip
    return (
        f"{total:,} questions in {seconds:.0f} s: {len(found.crashes)} crashes, "
        f"{len(found.faults)} citations or points at fault. Resident memory grew by "
        f"{found.growth:.1f} MB from the first third of the samples to the last (the most that "
        f"passes is {MOST_GROWTH:.0f}).\n\n{table(rows)}\n\n"
        f"Megabytes after each {SAMPLES} questions, from {WARM_UP:,} on: {memory}."
    )


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Asking", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


if __name__ == "__main__":
    run("soak", measure, RELIABILITY)
