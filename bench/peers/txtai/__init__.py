"""txtai as a peer."""
