"""askhistory as a peer."""
