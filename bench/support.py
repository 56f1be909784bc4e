"""Fit the threshold of the check of written answers, and measure it.

``python -m bench.support`` measures on both halves of ``tests/data/support.jsonl``;
``--write`` first fits on the calibration half and puts what came of it into the package. The
test half has no part in that.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from askhistory.assistant import lexicon_of
from askhistory.models import Encoder
from askhistory.notes import read_corpus
from askhistory.schema import CitedPoint
from askhistory.support import FEATURES, Checker, Weights

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "tests" / "data" / "support.jsonl"
TARGET = ROOT / "src" / "askhistory" / "support.json"
RECALL = 0.9
"""Of the calibration half: the threshold is as strict as lets this share of what is supported
pass. A sentence lost costs a student less than one made up."""
PENALTY = 10.0
"""Inverse strength of the logistic model's L2 penalty."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A sentence, the points it cites, and whether they support it."""

    id: str
    half: str
    kind: str
    supported: bool
    question: str
    sentence: str
    points: tuple[CitedPoint, ...]


def read_pairs(path: Path = TABLE) -> list[Pair]:
    """Read the table of hand-made pairs."""
    return [_pair(json.loads(line)) for line in path.read_text("utf-8").splitlines()]


def _pair(data: dict[str, Any]) -> Pair:
    points = tuple(
        CitedPoint(
            text=point["text"],
            headings=tuple(point["headings"]),
            page=point["page"],
            line=point["line"],
            end_line=point["line"],
            score=1.0,
            citation=number,
        )
        for number, point in enumerate(data["points"], start=1)
    )
    return Pair(
        **{key: data[key] for key in ("id", "half", "kind", "supported", "question", "sentence")},
        points=points,
    )


def checker(weights: Weights) -> Checker:
    """The check as the assistant has it for the notes of this repository."""
    return Checker(Encoder.load(), lexicon_of(read_corpus(ROOT / "corpus")), weights)


def fit(pairs: Sequence[Pair]) -> Weights:
    """Fit on what numbers, names, roles and denials let through."""
    from sklearn.linear_model import LogisticRegression

    open_to_all = checker(Weights((0.0,) * len(FEATURES), 0.0, 0.0))
    left = [
        pair
        for pair in pairs
        if open_to_all.check(pair.sentence, pair.points, pair.question).supported
    ]
    features = np.array([open_to_all.features(pair.sentence, pair.points) for pair in left])
    model = LogisticRegression(C=PENALTY, max_iter=10_000)
    model.fit(features, [pair.supported for pair in left])
    coefficients = tuple(round(float(value), 4) for value in model.coef_[0])
    fitted = Weights(coefficients, round(float(model.intercept_[0]), 4), 0.0)
    supports = sorted(
        (fitted.support(row) for row, pair in zip(features, left, strict=True) if pair.supported),
        reverse=True,
    )
    wanted = int(np.ceil(RECALL * sum(pair.supported for pair in pairs)))
    return Weights(coefficients, fitted.intercept, round(supports[wanted - 1] - 5e-5, 4))


@dataclass(frozen=True, slots=True)
class Figures:
    """How the check does on pairs.

    Attributes:
        precision: Of what passes, the share that is supported.
        recall: Of what is supported, the share that passes.
        passed: By kind of pair, how many pass and of how many.
        wrong: The pairs that are judged wrongly.
    """

    precision: float
    recall: float
    passed: dict[str, tuple[int, int]]
    wrong: tuple[Pair, ...]


def measure(pairs: Sequence[Pair], check: Checker) -> Figures:
    """Judge every pair."""
    verdicts = [check.check(pair.sentence, pair.points, pair.question) for pair in pairs]
    passed = [pair for pair, verdict in zip(pairs, verdicts, strict=True) if verdict.supported]
    right = sum(pair.supported for pair in passed)
    kinds = dict.fromkeys(pair.kind for pair in pairs)
    return Figures(
        precision=right / max(1, len(passed)),
        recall=right / max(1, sum(pair.supported for pair in pairs)),
        passed={
            kind: (
                sum(pair.kind == kind for pair in passed),
                sum(pair.kind == kind for pair in pairs),
            )
            for kind in kinds
        },
        wrong=tuple(pair for pair in pairs if pair.supported != (pair in passed)),
    )


def main() -> None:
    """Measure, after fitting where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="fit first, and keep it")
    parser.add_argument(
        "--wrong", action="store_true", help="list calibration pairs judged wrongly"
    )
    arguments = parser.parse_args()
    pairs = read_pairs()
    halves = {
        half: [pair for pair in pairs if pair.half == half] for half in ("calibration", "test")
    }
    if arguments.write:
        weights = fit(halves["calibration"])
        TARGET.write_text(json.dumps(asdict(weights), indent=1) + "\n", "utf-8")
    check = checker(Weights.shipped())
    for half, members in halves.items():
        figures = measure(members, check)
        print(f"{half}: precision {figures.precision:.3f}, recall {figures.recall:.3f}")
        for kind, (passed, count) in figures.passed.items():
            print(f"  {kind}: {passed} of {count} pass")
        if arguments.wrong and half == "calibration":
            for pair in figures.wrong:
                print(f"  {pair.id}: {pair.sentence}")


if __name__ == "__main__":
    main()
