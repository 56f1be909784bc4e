"""LlamaIndex as a peer."""
