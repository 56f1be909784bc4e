"""Plain dense retrieval: all-MiniLM-L6-v2 and an exact FAISS index, per section or per point."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bench.peers import plain
from bench.peers.protocol import Result, joined, main, model_path


class MiniLM:
    """Pieces of the notes by the cosine of their sentence vectors."""

    def __init__(
        self, split: Callable[[Path], list[plain.Piece]], *, embed_headings: bool = True
    ) -> None:
        """Load the encoder; `split` cuts the notes into the pieces that are embedded."""
        import faiss
        from sentence_transformers import SentenceTransformer

        self._faiss = faiss
        self._encoder = SentenceTransformer(model_path(), device="cpu")
        self._split = split
        self._embed_headings = embed_headings

    def index(self, notes: Path, store: Path) -> None:
        """Embed the pieces and write their vectors and texts."""
        pieces = self._split(notes)
        texts = [p.with_headings if self._embed_headings else p.text for p in pieces]
        vectors = self._encoder.encode(texts, normalize_embeddings=True, show_progress_bar=False)
        index = self._faiss.IndexFlatIP(vectors.shape[1])
        index.add(vectors)
        self._faiss.write_index(index, str(store / "pieces.faiss"))
        (store / "pieces.json").write_text(json.dumps([p.text for p in pieces]), encoding="utf-8")

    def open(self, store: Path) -> None:
        """Read what `index` has written."""
        self._index = self._faiss.read_index(str(store / "pieces.faiss"))
        self._texts = json.loads((store / "pieces.json").read_text(encoding="utf-8"))

    def search(self, turns: Sequence[str], count: int) -> list[Result]:
        """Rank the pieces by cosine."""
        vectors = self._encoder.encode(
            [joined(turns)], normalize_embeddings=True, show_progress_bar=False
        )
        scores, places = self._index.search(vectors, min(count, len(self._texts)))
        return [
            Result(self._texts[place], float(score))
            for place, score in zip(places[0], scores[0], strict=True)
        ]


if __name__ == "__main__":
    main(
        {
            "sections": partial(MiniLM, plain.sections),
            "points": partial(MiniLM, plain.points, embed_headings=False),
            "points under their headings": partial(MiniLM, plain.points),
        }
    )
