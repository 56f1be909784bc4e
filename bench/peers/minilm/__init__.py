"""MiniLM with FAISS as a peer."""
