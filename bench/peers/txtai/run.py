"""txtai: its hybrid of dense and sparse search; what is indexed, it leaves to its user."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bench.peers import plain
from bench.peers.protocol import Result, joined, main, model_path


class Txtai:
    """Pieces of the notes under their headings, by txtai's hybrid score."""

    def __init__(self, split: Callable[[Path], list[plain.Piece]]) -> None:
        """Make the embeddings database; `split` cuts the notes into its rows."""
        from txtai import Embeddings

        self._embeddings = Embeddings(path=model_path(), hybrid=True, gpu=False)
        self._split = split

    def index(self, notes: Path, store: Path) -> None:
        """Index the pieces and save the database."""
        pieces = self._split(notes)
        self._embeddings.index([p.with_headings for p in pieces])
        self._embeddings.save(str(store / "txtai"))
        (store / "pieces.json").write_text(json.dumps([p.text for p in pieces]), encoding="utf-8")

    def open(self, store: Path) -> None:
        """Load the database."""
        self._embeddings.load(str(store / "txtai"))
        self._texts = json.loads((store / "pieces.json").read_text(encoding="utf-8"))

    def search(self, turns: Sequence[str], count: int) -> list[Result]:
        """Search the database."""
        return [
            Result(self._texts[place], float(score))
            for place, score in self._embeddings.search(joined(turns), limit=count)
        ]


if __name__ == "__main__":
    main({"sections": partial(Txtai, plain.sections), "points": partial(Txtai, plain.points)})
