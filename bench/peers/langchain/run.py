"""LangChain: MarkdownHeaderTextSplitter and its FAISS store, as its documentation joins them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bench.peers.protocol import Result, joined, main, model_path, pages

_HEADINGS = [("#" * level, f"Header {level}") for level in range(1, 7)]


class LangChain:
    """Sections as the splitter cuts them, by the distance of their vectors."""

    def __init__(self, *, strip_headers: bool) -> None:
        """Load the encoder through LangChain's own wrapper."""
        from langchain_huggingface import HuggingFaceEmbeddings

        self._embeddings = HuggingFaceEmbeddings(
            model_name=model_path(), model_kwargs={"device": "cpu"}
        )
        self._strip_headers = strip_headers

    def index(self, notes: Path, store: Path) -> None:
        """Split the pages at their headings, embed and save them."""
        from langchain_community.vectorstores import FAISS
        from langchain_text_splitters import MarkdownHeaderTextSplitter

        splitter = MarkdownHeaderTextSplitter(_HEADINGS, strip_headers=self._strip_headers)
        documents = [
            document
            for path in pages(notes)
            for document in splitter.split_text(path.read_text(encoding="utf-8"))
        ]
        FAISS.from_documents(documents, self._embeddings).save_local(str(store))

    def open(self, store: Path) -> None:
        """Load the saved store."""
        from langchain_community.vectorstores import FAISS

        # LangChain pickles its documents; these were written a moment ago by `index`.
        self._store = FAISS.load_local(
            str(store), self._embeddings, allow_dangerous_deserialization=True
        )

    def search(self, turns: Sequence[str], count: int) -> list[Result]:
        """Search the store; a distance is turned round into a score."""
        return [
            Result(document.page_content, -float(distance))
            for document, distance in self._store.similarity_search_with_score(
                joined(turns), k=count
            )
        ]


if __name__ == "__main__":
    main(
        {
            "default": partial(LangChain, strip_headers=True),
            "headings kept": partial(LangChain, strip_headers=False),
        }
    )
