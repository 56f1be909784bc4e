"""askhistory and its peers on the same notes and questions, in one run and one table.

    python -m bench.peers [--write]

Every peer runs in an environment of its own (bench/peers/<name>/requirements.txt) and in
processes of its own, one after the other: one that indexes, one that answers.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any

import numpy as np

from askhistory.evaluation import LabelledQuestion, read_questions
from askhistory.notes import read_corpus
from askhistory.schema import AskHistoryError
from bench.cli import run
from bench.data import ROOT, BenchError
from bench.metrics import share
from bench.peers.environments import python_of, requirements
from bench.peers.protocol import Result, Verdict
from bench.peers.scoring import REFUSED, Figures, Gold, Locator, Reply, golds, score
from bench.report import figure, table

NOTES = ROOT / "corpus"
QUESTIONS = ROOT / "tests" / "data" / "questions.jsonl"

_OURS = "askhistory"


@dataclass(frozen=True, slots=True)
class SetUp:
    """A way to run a peer.

    Attributes:
        peer: Its folder in this package.
        variant: As its module names it.
        title: In the table; a version stands in place of ``{}``.
        package: Whose version that is.
        points: Whether each result is a single point.
    """

    peer: str
    variant: str
    title: str
    package: str = ""
    points: bool = False


SET_UPS = (
    SetUp(_OURS, "points", "askhistory", points=True),
    SetUp("langchain", "default", "LangChain {}, defaults", "langchain-core"),
    SetUp("langchain", "headings kept", "LangChain {}, headings kept", "langchain-core"),
    SetUp("llamaindex", "sections", "LlamaIndex {}", "llama-index-core"),
    SetUp("haystack", "sections", "Haystack {}, hybrid", "haystack-ai"),
    SetUp("txtai", "sections", "txtai {}, hybrid, sections", "txtai"),
    SetUp("txtai", "points", "txtai {}, hybrid, points", "txtai", points=True),
    SetUp("bm25", "sections", "BM25 (bm25s {}), sections", "bm25s"),
    SetUp("bm25", "points", "BM25 (bm25s {}), points", "bm25s", points=True),
    SetUp("minilm", "sections", "MiniLM + FAISS {}, sections", "faiss-cpu"),
    SetUp("minilm", "points", "MiniLM + FAISS {}, points", "faiss-cpu", points=True),
    SetUp(
        "minilm",
        "points under their headings",
        "MiniLM + FAISS {}, points with headings",
        "faiss-cpu",
        points=True,
    ),
)


@dataclass(frozen=True, slots=True)
class Costs:
    """What a set-up took.

    Attributes:
        index: Seconds to read, split, embed and save the notes, the model already loaded.
        seconds: From each question to its answer or results.
        megabytes: Most memory of the process that answers.
        first: Seconds from the start of that process to its first answer.
    """

    index: float
    seconds: tuple[float, ...]
    megabytes: float
    first: float


def measure() -> str:
    """Run every set-up and tabulate.

    Raises:
        BenchError: A peer cannot be installed or run, or the questions do not fit the notes.
    """
    try:
        asked = read_questions(QUESTIONS, split="test")
        corpus = read_corpus(NOTES)
        locator = Locator(NOTES, corpus)
        labelled = golds(asked, corpus, locator)
    except AskHistoryError as error:
        raise BenchError(str(error)) from error
    rows = []
    ours: Mapping[str, Reply] = {}
    for number, set_up in enumerate(SET_UPS, start=1):
        title = _title(set_up)
        print(f"[{number}/{len(SET_UPS)}] {title} …", file=sys.stderr, flush=True)
        replies, costs = _run(set_up, asked)
        _warn_of_strangers(title, replies, locator)
        rows.append(_row(title, score(labelled, replies, locator, points=set_up.points), costs))
        if set_up.peer == _OURS:
            ours = replies
    kinds = (sum(g.covered for g in labelled), sum(not g.covered for g in labelled))
    asked_of = f"{kinds[0]} questions that the notes cover, {kinds[1]} that they do not."
    return f"{asked_of}\n\n{table([_HEAD, *rows])}\n\n{_decided(labelled, ours, locator)}"


_HEAD = (
    "Set-up",
    "Right section first",
    "… in the first three",
    "First point right",
    "Follow-ups: section / point",
    "Misspelt, slang: section / point",
    f"Answered at {REFUSED:.0%} refused",
    "Index, s",
    "Median, ms",
    "95th percentile, ms",
    "Memory, MB",
    "Start to first answer, s",
)


def _title(set_up: SetUp) -> str:
    version = requirements(set_up.peer)[set_up.package] if set_up.package else ""
    return set_up.title.format(version)


def _row(title: str, figures: Figures, costs: Costs) -> list[str]:
    milliseconds = np.array(costs.seconds) * 1000
    return [
        title,
        figure(figures.section_1),
        figure(figures.section_3),
        figure(figures.first_point),
        " / ".join(map(figure, figures.follow_ups)),
        " / ".join(map(figure, figures.hard)),
        figure(figures.answered),
        figure(costs.index, 1),
        figure(float(np.median(milliseconds)), 1),
        figure(float(np.percentile(milliseconds, 95)), 1),
        figure(costs.megabytes, 0),
        figure(costs.first, 1),
    ]


def _decided(labelled: Sequence[Gold], replies: Mapping[str, Reply], locator: Locator) -> str:
    """What askhistory did at the threshold that it ships with, in a sentence."""
    verdicts = {id: reply.verdict for id, reply in replies.items() if reply.verdict is not None}
    answered = share(verdicts[g.id].covered for g in labelled if g.covered)
    refused = share(
        not verdicts[g.id].covered for g in labelled if not g.covered and g.kind != "smalltalk"
    )
    return (
        f"At the threshold that it ships with, askhistory answers {figure(answered)} of the "
        f"covered questions and refuses {figure(refused)} of the others."
    )


def _warn_of_strangers(title: str, replies: Mapping[str, Reply], locator: Locator) -> None:
    """Say so where results are not found in the notes: they could only count as wrong."""
    results = [result for reply in replies.values() for result in reply.results]
    lost = sum(not locator.sections(result) for result in results)
    if lost:
        print(
            f"{title}: {lost} of {len(results)} results are not text of the notes", file=sys.stderr
        )


# ------------------------------------------------------------------------- the processes


def _run(set_up: SetUp, asked: Sequence[LabelledQuestion]) -> tuple[dict[str, Reply], Costs]:
    """Index in one process, ask in another."""
    python = Path(sys.executable) if set_up.peer == _OURS else python_of(set_up.peer)
    command = [str(python), "-m", f"bench.peers.{set_up.peer}.run", set_up.variant]
    with TemporaryDirectory(prefix="askhistory-bench-") as scratch:
        store, questions = Path(scratch, "store"), Path(scratch, "questions.jsonl")
        store.mkdir()
        lines = ({"id": one.id, "question": one.question, "history": one.history} for one in asked)
        questions.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
        ((_, indexed),) = _lines([*command, "index", str(NOTES), str(store)])
        *told, (_, end) = _lines([*command, "ask", str(store), str(questions)])
    replies = {line["id"]: _reply(line) for _, line in told}
    return replies, Costs(
        index=indexed["seconds"],
        seconds=tuple(reply.seconds for reply in replies.values()),
        megabytes=end["megabytes"],
        first=told[0][0],
    )


def _lines(command: Sequence[str]) -> Iterator[tuple[float, dict[str, Any]]]:
    """The lines that a process prints, each with the seconds since its start."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    with TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        assert process.stdout is not None  # because it is a pipe
        for line in process.stdout:
            yield time.perf_counter() - started, json.loads(line)
        if process.wait() != 0:
            errors.seek(0)
            raise BenchError(f"{' '.join(command[1:4])} failed:\n{errors.read()[-2000:]}")


def _reply(line: Mapping[str, Any]) -> Reply:
    verdict = line.get("verdict")
    return Reply(
        results=tuple(Result(**result) for result in line["results"]),
        verdict=None if verdict is None else Verdict(**verdict),
        seconds=line["seconds"],
    )


if __name__ == "__main__":
    run("peers", measure)
