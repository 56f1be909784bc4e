"""How cost grows with the notes: ``python -m bench.scale``.

Notes of 10³ to 10⁶ points (`synthetic`), indexed by the code that ships and asked the questions of
XQuAD with the encoder that ships. Up to ``--real`` points every text is embedded; beyond that its
vectors are drawn around those of real texts, because to embed a million points takes a day.
Building and asking each have a process of their own, so that memory is that of the work alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from askhistory.assistant import Assistant, lexicon_of
from askhistory.index import Index, build
from askhistory.lexicon import folded, terms
from askhistory.models import Encoder, Encoding
from askhistory.models import Progress as Report
from askhistory.relevance import shipped_weights
from askhistory.settings import Settings
from bench.data import ROOT, BenchError, data_file, read_articles
from bench.report import figure, made, put, table
from bench.synthetic import Varied, real_paragraphs

SIZES = (1_000, 10_000, 100_000, 1_000_000)
REAL = 100_000
WARMING, ASKED = 30, 150
"""Questions asked before the clock runs, and on the clock."""

_AROUND = 0.7
"""Length of the noise added to a unit vector: cosine 0.82 to where it was drawn."""
_TOKEN = re.compile(r"\w+|[^\w\s]")
_NOISE = 1 << 20


class Drawn:
    """An encoder that draws the vectors of a text, seeded by the text, around real ones.

    Args:
        encoder: Whose name and sizes it takes.
        texts: Real texts, around whose vectors it draws.
    """

    def __init__(self, encoder: Encoder, texts: Sequence[str]) -> None:
        self.name = encoder.name
        self.sha256 = encoder.sha256
        self.dimension = encoder.dimension
        self.max_tokens = encoder.max_tokens
        encoding = encoder.encode(texts)
        self._sentences = encoding.sentences
        self._tokens = np.concatenate(encoding.tokens)
        noise = np.random.default_rng(1).standard_normal(_NOISE, dtype=np.float32)
        self._noise = noise * np.float32(_AROUND / self.dimension**0.5)

    def encode(self, texts: Sequence[str], *, progress: Report | None = None) -> Encoding:
        """Give each text its sentence vector and a vector per word."""
        spans = [[found.span() for found in _TOKEN.finditer(text)] for text in texts]
        offsets = [np.array(each[: self.max_tokens - 2], np.int32).reshape(-1, 2) for each in spans]
        seeds = [_seed(text) for text in texts]
        tokens = [
            self._near(self._tokens, seed, len(each))
            for seed, each in zip(seeds, offsets, strict=True)
        ]
        return Encoding(self._sentences_of(seeds), tokens, offsets)

    def encode_sentences(
        self, texts: Sequence[str], *, progress: Report | None = None
    ) -> NDArray[np.float32]:
        """Give each text its sentence vector."""
        return self._sentences_of([_seed(text) for text in texts])

    def count_tokens(self, text: str) -> int:
        """Estimate the word pieces of a text."""
        return len(text) // 5 + 2

    def _sentences_of(self, seeds: Sequence[int]) -> NDArray[np.float32]:
        return np.concatenate([self._near(self._sentences, seed, 1) for seed in seeds])

    def _near(self, pool: NDArray[np.float32], seed: int, count: int) -> NDArray[np.float32]:
        first = seed % (len(pool) - count)
        begin = (seed >> 32) % (_NOISE - count * self.dimension)
        noise = self._noise[begin : begin + count * self.dimension]
        rows = pool[first : first + count] + noise.reshape(count, -1)
        unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit


def _seed(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def measure_build(points: int, real: bool, folder: Path) -> dict[str, Any]:
    """Build the index of that many points in a folder, and say what it took."""
    paragraphs = real_paragraphs()
    corpus = Varied(paragraphs).corpus(points)
    encoder: Any = Encoder.load()
    if not real:
        encoder = Drawn(encoder, [text for _, texts in paragraphs[:300] for text in texts])
    expand = lexicon_of(corpus.sections).expand
    with Progress(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(f"Indexing {points:,} points", total=None)
        report = build(
            corpus,
            encoder,
            folder,
            budget=Settings().token_budget,
            terms=terms,
            folded=folded,
            expand=expand,
            progress=lambda done, total: bars.update(task, completed=done, total=total),
        )
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {
        "real": real,
        "passages": report.passages,
        "seconds": report.seconds,
        "bytes": sum(path.stat().st_size for path in files),
        "memory": _memory("VmHWM"),
    }


def measure_asking(folder: Path) -> dict[str, Any]:
    """Open an index, ask of it, and compare its FAISS index with exact search."""
    articles = read_articles(data_file("xquad.en.json"))
    questions = [q.text for article in articles for p in article.paragraphs for q in p.questions]
    asked = questions[:: len(questions) // (WARMING + ASKED)][: WARMING + ASKED]
    encoder = Encoder.load()
    before = _memory("RssAnon")
    started = time.perf_counter()
    index = Index.open(folder, encoder_sha256=encoder.sha256)
    assistant = Assistant(index, encoder, shipped_weights(), Settings())
    opened = time.perf_counter() - started
    for question in asked[:WARMING]:
        assistant.ask(question)
    seconds, working = [], []
    for question in asked[WARMING:]:
        began, worked = time.perf_counter(), time.thread_time()
        assistant.ask(question)
        seconds.append(time.perf_counter() - began)
        working.append(time.thread_time() - worked)
    memory = {"own": _memory("RssAnon"), "mapped": _memory("RssFile"), "before": before}
    vectors = encoder.encode_sentences(asked)
    everything = index.passage_vectors(np.arange(len(index.passages)))
    recall = []
    for vector in vectors:
        exact = np.argpartition(-(everything @ vector), 9)[:10]
        recall.append(len({*exact.tolist()} & {*index.search_dense(vector, 10)[0].tolist()}) / 10)
    dense = [_timed(lambda v=vector: index.search_dense(v, 24)) for vector in vectors]
    lexical = [_timed(lambda q=q: index.search_bm25(terms(q), 24)) for q in asked]
    return {
        "open": opened,
        "median": float(np.median(seconds)),
        "p95": float(np.percentile(seconds, 95)),
        "working": float(np.median(working)),
        "dense": float(np.median(dense)),
        "lexical": float(np.median(lexical)),
        "recall": float(np.mean(recall)),
        **memory,
    }


def _timed(work: Any) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _memory(field: str) -> int:
    """A size from Linux's account of this process, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))


def tabulate(found: Sequence[tuple[int, dict[str, Any], dict[str, Any]]]) -> str:
    """A row per size."""
    head = ("Points", "vectors", "passages", "built in", "files", "opened in", "recall@10",
            "FAISS", "BM25", "question", "95th percentile", "× the first", "processor",
            "× the first", "memory, own", "memory, mapped")  # fmt: skip
    rows = [
        (
            f"{points:,}",
            "embedded" if built["real"] else "drawn",
            f"{built['passages']:,}",
            f"{built['seconds']:,.0f} s",
            f"{built['bytes'] / 1e9:.2f} GB",
            f"{asked['open']:.1f} s",
            figure(asked["recall"]),
            f"{asked['dense'] * 1e3:.1f} ms",
            f"{asked['lexical'] * 1e3:.1f} ms",
            f"{asked['median'] * 1e3:.0f} ms",
            f"{asked['p95'] * 1e3:.0f} ms",
            figure(asked["median"] / found[0][2]["median"], 2),
            f"{asked['working'] * 1e3:.0f} ms",
            figure(asked["working"] / found[0][2]["working"], 2),
            f"{asked['own'] / 1e9:.2f} GB",
            f"{asked['mapped'] / 1e9:.2f} GB",
        )
        for points, built, asked in found
    ]
    return table([head, *rows])


def _child(*arguments: str) -> dict[str, Any]:
    run = subprocess.run(
        [sys.executable, "-m", "bench.scale", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if run.returncode:
        raise BenchError(f"A measurement failed: python -m bench.scale {' '.join(arguments)}")
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def main() -> None:
    """Measure every size, print the table and, where asked, put it into docs/benchmarks.md."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale")
    parser.add_argument("--points", type=int, nargs="+", default=SIZES, help="sizes to measure")
    parser.add_argument("--real", type=int, default=REAL, help="most points embedded for real")
    parser.add_argument("--scratch", type=Path, help="folder with room: 20 KB a point")
    parser.add_argument("--write", action="store_true", help="put it into docs/benchmarks.md")
    parser.add_argument("--build", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--ask", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    try:
        if given.build is not None:
            points = given.points[0]
            print(json.dumps(measure_build(points, points <= given.real, given.build)))
            return
        if given.ask is not None:
            print(json.dumps(measure_asking(given.ask)))
            return
        found = []
        for points in given.points:
            with TemporaryDirectory(prefix="askhistory-scale-", dir=given.scratch) as folder:
                size = ["--points", str(points), "--real", str(given.real)]
                found.append((points, _child(*size, "--build", folder), _child("--ask", folder)))
        sizes = " ".join(map(str, given.points))
        command = f"python -m bench.scale --points {sizes} --real {given.real}"
        text = f"{tabulate(found)}\n\n{made(command)}"
        print(text)
        if given.write:
            put("scale", text)
    except BenchError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
