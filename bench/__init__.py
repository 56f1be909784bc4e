"""Measurements of askhistory beside its peers; see docs/benchmarks.md.

Imports nothing but the standard library, because the peers, each in an environment of its
own, run modules of this package too.
"""
