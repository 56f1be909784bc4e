"""Kill the indexer at random moments: the old index, or the new one, still answers."""

from __future__ import annotations

import multiprocessing
import random
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from askhistory.index import Index, build, read_manifest
from askhistory.models import Encoding, Progress
from askhistory.schema import Corpus, Page, Point, Section

KILLS = 50


class SeededEncoder:
    """Random vectors, seeded by the text: as an index sees it, an encoder without a model."""

    name = "seeded"
    sha256 = "5" * 64
    dimension = 64
    max_tokens = 256

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> Encoding:
        sentences = self.encode_sentences(texts)
        tokens = [np.repeat(row[None], 8, axis=0) for row in sentences]
        offsets = [np.full((8, 2), len(text), np.int32) for text in texts]
        return Encoding(sentences, tokens, offsets)

    def encode_sentences(
        self, texts: Sequence[str], *, progress: Progress | None = None
    ) -> np.ndarray:
        rows = [np.random.default_rng([*text.encode()]).normal(size=64) for text in texts]
        array = np.array(rows, np.float32).reshape(-1, 64)
        return array / np.linalg.norm(array, axis=1, keepdims=True)

    def count_tokens(self, text: str) -> int:
        return len(text.split())


def make_corpus(variant: str) -> Corpus:
    """Thirty sections of four points, of which every third differs between the variants."""
    sections = []
    for place in range(30):
        headings = ("Title", f"Part {place}")
        word = variant if place % 3 == 0 else "both"
        points = tuple(
            Point(f"Point {number} of {word}.", "a.md", headings, number, number, number)
            for number in range(4 * place, 4 * place + 4)
        )
        sections.append(Section("a.md", headings, f"part-{place}", place, place, points))
    return Corpus((Page("a.md", "Title", tuple(sections), variant * 64),))


def build_variant(folder: Path, variant: str) -> None:
    build(
        make_corpus(variant), SeededEncoder(), folder, budget=60, terms=str.split, folded=str.split
    )


def build_without_end(folder: Path, ready: Connection) -> None:
    """Build the two variants in turn until the process is killed."""
    ready.send(True)
    while True:
        build_variant(folder, "b")
        build_variant(folder, "a")


def answer(folder: Path) -> tuple[str, list[int], list[int]]:
    """Which variant the index holds, and what two searches bring."""
    index = Index.open(folder, encoder_sha256=SeededEncoder.sha256)
    question = SeededEncoder().encode_sentences(["Which point?"])[0]
    dense, _ = index.search_dense(question, 5)
    lexical, _ = index.search_bm25(["b.", "a.", "7"], 5)
    return index.manifest.pages["a.md"][0], dense.tolist(), lexical.tolist()


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_the_index_answers_whenever_the_indexer_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = {}
    for variant in "ab":
        build_variant(tmp_path / variant, variant)
        expected[variant] = answer(tmp_path / variant)
    assert expected["a"] != expected["b"]
    folder = tmp_path / "index"
    build_variant(folder, "a")

    # bm25s' progress bars own semaphores, which a killed process leaves behind.
    monkeypatch.setenv("DISABLE_TQDM", "1")
    # A server that has imported what takes long forks in milliseconds.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["askhistory.index", "pytest"])
    chance = random.Random(20)
    unfinished = 0
    for _ in range(KILLS):
        receiving, sending = context.Pipe(duplex=False)
        indexer = context.Process(target=build_without_end, args=(folder, sending))
        indexer.start()
        assert receiving.poll(30)
        time.sleep(chance.uniform(0.0, 0.5))
        indexer.kill()
        indexer.join()
        assert indexer.exitcode == -9
        found = answer(folder)
        assert found == expected[found[0]]
        unfinished += len(list(folder.glob("build-*"))) > 1
    # Otherwise the kills came when there was nothing to spoil.
    assert unfinished > 0

    build_variant(folder, "a")
    assert answer(folder) == expected["a"]
    left = sorted(path.name for path in folder.iterdir())
    assert left == [".lock", read_manifest(folder).build, "manifest.json"]
