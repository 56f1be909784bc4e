"""What askhistory adds to the encoder it cannot do without: ``python -m bench.speed``.

Four ratios: a question against embedding it, indexing against embedding the same texts, indexing
again after an edit against indexing all, and a first answer from the terminal against the least
script that embeds a question. All of it in processor time, which what else the machine is doing
hardly changes, on one thread: so it is also the time on a clock where nothing else runs.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from askhistory.assistant import Assistant, build_index, lexicon_of
from askhistory.index import Index, build
from askhistory.lexicon import folded, terms
from askhistory.models import Encoder, Encoding, verified_folder
from askhistory.models import Progress as Report
from askhistory.relevance import shipped_weights
from askhistory.schema import Corpus
from askhistory.settings import Settings
from bench.cli import run
from bench.data import ROOT
from bench.report import figure, table
from bench.synthetic import Varied, real_paragraphs

ROUNDS = 2
"""Times that each question is asked, and that a process is started."""
INDEXED = 500
"""Points that are indexed to measure throughput."""
SECTIONS = 1_000

_BARE = """
from sentence_transformers import SentenceTransformer
model = SentenceTransformer({folder!r}, device="cpu", local_files_only=True)
print(model.encode([{question!r}], normalize_embeddings=True).shape)
"""


def measure() -> str:
    """Measure all four and tabulate.

    Raises:
        BenchError: The data are not there.
    """
    os.environ["OMP_NUM_THREADS"] = "1"  # of the processes that are started
    encoder = Encoder.load()
    import torch

    torch.set_num_threads(1)
    with TemporaryDirectory(prefix="askhistory-speed-") as scratch:
        folder = Path(scratch, "index")
        build_index(ROOT / "corpus", folder, settings=Settings(), encoder=encoder)
        return "\n\n".join(
            [
                _asking(Index.open(folder), encoder),
                _indexing(encoder, Path(scratch)),
                _starting(folder),
            ]
        )


def _asking(index: Index, encoder: Encoder) -> str:
    """A question in process, against its embedding alone."""
    questions = [
        json.loads(line)
        for line in (ROOT / "tests/data/questions.jsonl").read_text("utf-8").splitlines()
    ]
    asked = [(q["question"], q.get("history") or []) for q in questions if q["split"] == "dev"]
    bare = _sentence_transformer()
    rounds: list[list[tuple[float, float, float]]] = []
    for _ in range(ROUNDS + 1):  # the first warms up
        # A new one each time: an assistant remembers its last searches.
        assistant = Assistant(index, encoder, shipped_weights(), Settings())
        times = []
        for question, history in asked:
            for place, earlier in enumerate(history):
                assistant.ask(earlier, history[:place])
            times.append(
                (
                    _cost(partial(encoder.encode, [question])),
                    _cost(partial(bare, question)),
                    _cost(partial(assistant.ask, question, history)),
                )
            )
        rounds.append(times)
    alone, whole, answered = np.median(np.array(rounds[1:]), axis=0).T

    def row(name: str, seconds: NDArray[np.float64]) -> tuple[str, ...]:
        middle, high = np.median(seconds), np.percentile(seconds, 95)
        return (
            name,
            f"{middle * 1e3:.1f} ms",
            f"{high * 1e3:.1f} ms",
            figure(middle / np.median(alone), 2),
            figure(high / np.percentile(alone, 95), 2),
            figure(middle / np.median(whole), 2),
            figure(high / np.percentile(whole, 95), 2),
        )

    head = ("From a question", "median", "95th", "× our encoder", "95th × 95th",
            "× sentence-transformers", "95th × 95th")  # fmt: skip
    rows = [
        row("to its vectors, our encoder alone", alone),
        row("to its vector, sentence-transformers", whole),
        row("to the composed answer", answered),
    ]
    return f"{len(asked)} questions, the median of {ROUNDS} rounds each.\n\n{table([head, *rows])}"


class _Listing:
    """An encoder that encodes nothing and takes down what it was to encode."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.texts: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    def encode(self, texts: Sequence[str], *, progress: Report | None = None) -> Encoding:
        """A token a text, beyond its end, so that it belongs to no context."""
        rows = self.encode_sentences(texts)
        ends = [np.array([[len(text), len(text)]], np.int32) for text in texts]
        return Encoding(rows, [row[None] for row in rows], ends)

    def encode_sentences(
        self, texts: Sequence[str], *, progress: Report | None = None
    ) -> NDArray[np.float32]:
        """The same vector for each text."""
        self.texts += texts
        return np.ones((len(texts), self._encoder.dimension), np.float32)


def _indexing(encoder: Encoder, scratch: Path) -> str:
    """A build against embedding its texts, and a build after an edit against a full one."""
    notes = Varied(real_paragraphs()).corpus(INDEXED)
    listing = _Listing(encoder)
    _build(notes, listing, scratch / "listed")
    full = _cost(lambda: _build(notes, encoder, scratch / "timed"))
    # As sentence-transformers does it: all texts in one call, the longest first.
    bare = _cost(lambda: encoder.encode_sentences(listing.texts))
    many = _short(Varied(real_paragraphs()).corpus(6 * SECTIONS), SECTIONS)
    whole = _cost(lambda: _build(many, encoder, scratch / "many"))
    again = _cost(lambda: _build(_edited(many), encoder, scratch / "many"))
    head = ("Indexing", "time", "figure")
    rows = [
        (f"{len(listing.texts):,} texts, embedded alone", f"{bare:.1f} s", ""),
        (f"the notes of {INDEXED:,} points that hold them", f"{full:.1f} s",
         f"{bare / full:.2f} of the encoder's throughput"),
        (f"{len(many.sections):,} sections", f"{whole:.1f} s", ""),
        ("again, one of them edited", f"{again:.2f} s", f"{again / whole:.1%} of that"),
    ]  # fmt: skip
    return table([head, *rows])


def _build(notes: Corpus, encoder: Any, folder: Path) -> None:
    expand = lexicon_of(notes.sections).expand
    budget = Settings().token_budget
    build(notes, encoder, folder, budget=budget, terms=terms, folded=folded, expand=expand)


def _short(notes: Corpus, sections: int) -> Corpus:
    """The first sections of notes, of each its first point."""
    pages = [
        replace(page, sections=tuple(replace(s, points=s.points[:1]) for s in page.sections))
        for page in notes.pages
    ]
    return replace(notes, pages=tuple(pages[: sections // len(pages[0].sections)]))


def _edited(notes: Corpus) -> Corpus:
    page = notes.pages[3]
    section = page.sections[7]
    point = replace(section.points[0], text="Somebody has written this sentence anew.")
    sections = list(page.sections)
    sections[7] = replace(section, points=(point, *section.points[1:]))
    pages = list(notes.pages)
    pages[3] = replace(page, sections=tuple(sections), sha256="e" * 64)
    return replace(notes, pages=tuple(pages))


def _starting(index: Path) -> str:
    """A process that answers, against one that embeds."""
    question = "what were the aims of collectivization?"
    script = _BARE.format(folder=str(verified_folder()), question=question)
    commands = {
        "a bare script with sentence-transformers, to a vector": ["-c", script],
        "askhistory ask, to the answer": [
            "-m", "askhistory", "ask", question, "--index", str(index)
        ],
    }  # fmt: skip
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(ROUNDS + 1):  # the first reads the files from the disk
        for name, command in commands.items():
            seconds = _cost(partial(_process, command))
            if turn:
                taken[name].append(seconds)
    least, ours = (float(np.median(times)) for times in taken.values())
    head = ("From the start of a process", "time", "×")
    rows = [
        (name, f"{seconds:.1f} s", figure(seconds / least, 2))
        for name, seconds in zip(commands, (least, ours), strict=True)
    ]
    return f"The median of {ROUNDS}.\n\n{table([head, *rows])}"


def _process(command: Sequence[str]) -> None:
    subprocess.run([sys.executable, *command], cwd=ROOT, check=True, capture_output=True)


def _sentence_transformer() -> Callable[[str], Any]:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(verified_folder()), device="cpu", local_files_only=True)
    return lambda text: model.encode([text], normalize_embeddings=True, show_progress_bar=False)


def _cost(work: Callable[[], object]) -> float:
    """The seconds of processor time that some work takes, in this process and in its children."""
    before = _processor()
    work()
    return _processor() - before


def _processor() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


if __name__ == "__main__":
    run("speed", measure)
