"""LangChain as a peer."""
