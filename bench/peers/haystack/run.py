"""Haystack: BM25 and dense retrieval over Markdown sections, joined, as in its hybrid tutorial."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.peers.protocol import Result, joined, main, model_path, pages


class Haystack:
    """Sections as the splitter cuts them, by the reciprocal rank fusion of two rankings.

    The tutorial sorts what it has joined with a cross-encoder; without one, fusing by rank is
    what its documentation advises.
    """

    def __init__(self) -> None:
        """Import the components."""
        from haystack import Pipeline
        from haystack_integrations.components.embedders.sentence_transformers import (
            SentenceTransformersDocumentEmbedder,
            SentenceTransformersTextEmbedder,
        )

        self._pipeline = Pipeline()
        self._document_embedder = SentenceTransformersDocumentEmbedder(
            model=model_path(), progress_bar=False
        )
        self._text_embedder = SentenceTransformersTextEmbedder(
            model=model_path(), progress_bar=False
        )

    def index(self, notes: Path, store: Path) -> None:
        """Split the pages at their headings, embed and save them."""
        from haystack import Document
        from haystack.components.preprocessors import MarkdownHeaderSplitter
        from haystack.document_stores.in_memory import InMemoryDocumentStore

        splitter = MarkdownHeaderSplitter()
        documents = splitter.run(
            documents=[Document(content=path.read_text(encoding="utf-8")) for path in pages(notes)]
        )["documents"]
        self._document_embedder.warm_up()
        documents = self._document_embedder.run(documents=documents)["documents"]
        documents_of = InMemoryDocumentStore()
        documents_of.write_documents(documents)
        documents_of.save_to_disk(str(store / "documents.json"))

    def open(self, store: Path) -> None:
        """Load the documents and join the pipeline."""
        from haystack.components.joiners import DocumentJoiner
        from haystack.components.retrievers.in_memory import (
            InMemoryBM25Retriever,
            InMemoryEmbeddingRetriever,
        )
        from haystack.document_stores.in_memory import InMemoryDocumentStore

        documents = InMemoryDocumentStore.load_from_disk(str(store / "documents.json"))
        pipeline = self._pipeline
        pipeline.add_component("text_embedder", self._text_embedder)
        pipeline.add_component("embedding_retriever", InMemoryEmbeddingRetriever(documents))
        pipeline.add_component("bm25_retriever", InMemoryBM25Retriever(documents))
        pipeline.add_component("joiner", DocumentJoiner(join_mode="reciprocal_rank_fusion"))
        pipeline.connect("text_embedder", "embedding_retriever")
        pipeline.connect("embedding_retriever", "joiner")
        pipeline.connect("bm25_retriever", "joiner")

    def search(self, turns: Sequence[str], count: int) -> list[Result]:
        """Run the pipeline."""
        query = joined(turns)
        found = self._pipeline.run(
            {"text_embedder": {"text": query}, "bm25_retriever": {"query": query}}
        )
        return [
            Result(document.content, float(document.score))
            for document in found["joiner"]["documents"][:count]
        ]


if __name__ == "__main__":
    main({"sections": Haystack})
