"""BM25 alone, by bm25s with its documented English set-up: stop words and a stemmer."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bench.peers import plain
from bench.peers.protocol import Result, joined, main


class Bm25:
    """Pieces of the notes by BM25 over their text and the headings above it."""

    def __init__(self, split: Callable[[Path], list[plain.Piece]]) -> None:
        """Make the stemmer; `split` cuts the notes into the pieces that are counted."""
        import bm25s
        import Stemmer

        self._bm25s = bm25s
        self._stemmer = Stemmer.Stemmer("english")
        self._split = split

    def index(self, notes: Path, store: Path) -> None:
        """Count the terms of the pieces and write weights and texts."""
        pieces = self._split(notes)
        retriever = self._bm25s.BM25()
        retriever.index(self._terms([p.with_headings for p in pieces]), show_progress=False)
        retriever.save(str(store / "bm25"))
        (store / "pieces.json").write_text(json.dumps([p.text for p in pieces]), encoding="utf-8")

    def open(self, store: Path) -> None:
        """Read what `index` has written."""
        self._retriever = self._bm25s.BM25.load(str(store / "bm25"))
        self._texts = json.loads((store / "pieces.json").read_text(encoding="utf-8"))

    def search(self, turns: Sequence[str], count: int) -> list[Result]:
        """Rank the pieces by BM25."""
        places, scores = self._retriever.retrieve(
            self._terms([joined(turns)]), k=min(count, len(self._texts)), show_progress=False
        )
        return [
            Result(self._texts[place], float(score))
            for place, score in zip(places[0], scores[0], strict=True)
        ]

    def _terms(self, texts: list[str]) -> object:
        return self._bm25s.tokenize(
            texts, stopwords="en", stemmer=self._stemmer, show_progress=False
        )


if __name__ == "__main__":
    main({"sections": partial(Bm25, plain.sections), "points": partial(Bm25, plain.points)})
