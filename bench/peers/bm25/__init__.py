"""BM25 as a peer."""
