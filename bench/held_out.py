"""Class notes that nothing was tuned on: ``python -m bench.held_out``.

Pages on other subjects, in ``bench/notes/held-out/``, each with its questions; the test half of
``tests/data/questions.jsonl`` on ``corpus/``; and, where the page of real notes is at hand that our
edition was made from, that of ``tests/data/raw-page.jsonl``. Only the figures are looked at.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from askhistory.assistant import Assistant, build_index
from askhistory.evaluation import Kind, Report, evaluate_file
from askhistory.settings import Settings
from bench.asking import shown_progress
from bench.cli import run
from bench.data import ROOT, BenchError, data_file
from bench.report import figure, table

NOTES = ROOT / "bench" / "notes" / "held-out"
RAW_PAGE = "../notes/stalins-soviet-union.md"
"""Beside the benchmark data."""

_UNCOVERED = {
    "far": "another subject",
    "topic": "a topic that is missing",
    "near": "a detail that is missing",
    "nearfollow": "a detail that is missing, asked as a follow-up",
}


def measure() -> str:
    """Ask every question of its notes and tabulate, a column for each page."""
    data = ROOT / "tests" / "data"
    reports = {"corpus, test half": _ask(ROOT / "corpus", data / "questions.jsonl")}
    with suppress(BenchError), TemporaryDirectory(prefix="askhistory-bench-") as folder:
        shutil.copy(data_file(RAW_PAGE), folder)
        reports["real notes, test half"] = _ask(Path(folder), data / "raw-page.jsonl")
    for page in sorted(NOTES.iterdir()):
        reports[page.name] = _ask(page, page / "questions.jsonl")
    return tabulate(reports)


def _ask(corpus: Path, questions: Path) -> Report:
    # As shipped: whoever measures may have settings of their own in the environment.
    settings = Settings()
    with TemporaryDirectory(prefix="askhistory-bench-") as scratch:
        with shown_progress(f"Indexing {corpus.name}") as show:
            build_index(corpus, Path(scratch), settings=settings, progress=show)
        assistant = Assistant.open(Path(scratch), settings)
        with shown_progress(f"Asking {corpus.name}") as show:
            return evaluate_file(assistant, questions, "test", show)


def tabulate(reports: dict[str, Report]) -> str:
    """The figures of each report, a column each."""
    return table(
        [("Figure", *reports), *zip(_TITLES, *map(_column, reports.values()), strict=True)]
    )


_TITLES = (
    "Covered questions",
    "Uncovered questions",
    "Right section first",
    "Right section in the first three",
    "First point right",
    "Point recall",
    "Point precision",
    "Covered questions answered",
    "Uncovered questions refused",
    *(f"… on {title}" for title in _UNCOVERED.values()),
    "AUROC of confidence",
    "First point right of follow-ups",
    "First point right of misspelt or slang questions",
    "Right section first, whatever is refused",
)


def _column(report: Report) -> list[str]:
    found = report.over_all
    kinds = {kind.kind: kind for kind in report.kinds}
    return [
        str(report.covered),
        str(report.uncovered),
        figure(found.section_recall_1),
        figure(found.section_recall_3),
        figure(found.first_point),
        figure(found.point_recall),
        figure(found.point_precision),
        figure(report.answered),
        figure(report.refused),
        *(figure(kinds[kind].right if kind in kinds else None) for kind in _UNCOVERED),
        figure(report.auroc),
        figure(report.followups_resolved),
        figure(_first([kinds[kind] for kind in ("misspelt", "slang") if kind in kinds])),
        figure(report.located.section_recall_1),
    ]


def _first(kinds: list[Kind]) -> float | None:
    """The share of the questions of some kinds whose first point is right."""
    asked = sum(kind.questions for kind in kinds)
    right = sum(
        kind.questions * kind.quality.first_point
        for kind in kinds
        if kind.quality is not None and kind.quality.first_point is not None
    )
    return right / asked if asked else None


if __name__ == "__main__":
    run("held_out", measure, ROOT / "README.md")
