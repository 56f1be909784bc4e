"""LlamaIndex: MarkdownNodeParser and VectorStoreIndex, as its documentation joins them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.peers.protocol import Result, joined, main, model_path, pages


class LlamaIndex:
    """Sections as the node parser cuts them, by the cosine of their vectors."""

    def __init__(self) -> None:
        """Load the encoder through LlamaIndex's own wrapper."""
        from llama_index.core import Settings
        from llama_index.embeddings.huggingface import HuggingFaceEmbedding

        Settings.embed_model = HuggingFaceEmbedding(model_name=model_path(), device="cpu")

    def index(self, notes: Path, store: Path) -> None:
        """Parse the pages into nodes, embed and persist them."""
        from llama_index.core import Document, VectorStoreIndex
        from llama_index.core.node_parser import MarkdownNodeParser

        documents = [Document(text=path.read_text(encoding="utf-8")) for path in pages(notes)]
        nodes = MarkdownNodeParser().get_nodes_from_documents(documents)
        VectorStoreIndex(nodes).storage_context.persist(str(store))

    def open(self, store: Path) -> None:
        """Load the persisted index."""
        from llama_index.core import StorageContext, load_index_from_storage

        self._index = load_index_from_storage(StorageContext.from_defaults(persist_dir=str(store)))

    def search(self, turns: Sequence[str], count: int) -> list[Result]:
        """Retrieve the nodes nearest to the query."""
        from llama_index.core.schema import MetadataMode

        retriever = self._index.as_retriever(similarity_top_k=count)
        return [
            Result(found.node.get_content(MetadataMode.NONE), float(found.score or 0.0))
            for found in retriever.retrieve(joined(turns))
        ]


if __name__ == "__main__":
    main({"sections": LlamaIndex})
