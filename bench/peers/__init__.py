"""askhistory's peers, each in an environment of its own, and one scorer for all."""
