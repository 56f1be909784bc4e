"""Haystack as a peer."""
