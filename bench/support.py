"""Fit the threshold of the check of written answers, and measure it.

``python -m bench.support`` measures on both halves of ``tests/data/support.jsonl``, and on the
pairs of other notes in ``bench/notes/development/``, which belong to the calibration half too;
``--write`` first fits on the calibration half and puts what came of it into the package. The
test half has no part in that. ``--without`` says how the calibration half does where each of its
notes is judged by weights that were fitted on the others.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
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
CORPUS = ROOT / "corpus"
TARGET = ROOT / "src" / "askhistory" / "support.json"
DEVELOPMENT = ROOT / "bench" / "notes" / "development"
RECALL = 0.87
"""The threshold is as strict as lets this share of what is supported pass, both of the table's
calibration half and of the pairs on other notes. A sentence lost costs a student less than one
made up."""
PENALTY = 10.0
"""Inverse strength of the logistic model's L2 penalty."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A sentence, the points it cites, and whether they support it.

    Attributes:
        notes: The folder that the points are from.
    """

    notes: Path
    id: str
    half: str
    kind: str
    supported: bool
    question: str
    sentence: str
    points: tuple[CitedPoint, ...]


def read_pairs(path: Path = TABLE, notes: Path = CORPUS) -> list[Pair]:
    """Read a table of hand-made pairs on notes."""
    return [_pair(json.loads(line), notes) for line in path.read_text("utf-8").splitlines()]


def read_development() -> list[Pair]:
    """Read the pairs on the development notes, all of the calibration half."""
    tables = sorted(DEVELOPMENT.glob("*/support.jsonl"))
    return [pair for table in tables for pair in read_pairs(table, table.parent)]


def _pair(data: dict[str, Any], notes: Path) -> Pair:
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
        notes=notes,
        points=points,
    )


def checkers(pairs: Sequence[Pair], weights: Weights) -> dict[Path, Checker]:
    """The check as the assistant has it for the notes that pairs are of."""
    encoder = Encoder.load(adapted=False)
    return {
        notes: Checker(encoder, lexicon_of(read_corpus(notes).sections), weights)
        for notes in dict.fromkeys(pair.notes for pair in pairs)
    }


def fit(pairs: Sequence[Pair]) -> Weights:
    """Fit on what numbers, names, roles and denials let through."""
    from sklearn.linear_model import LogisticRegression

    open_to_all = checkers(pairs, Weights((0.0,) * len(FEATURES), 0.0, 0.0))
    left = [
        pair
        for pair in pairs
        if open_to_all[pair.notes].check(pair.sentence, pair.points, pair.question).supported
    ]
    features = np.array(
        [open_to_all[pair.notes].features(pair.sentence, pair.points) for pair in left]
    )
    model = LogisticRegression(C=PENALTY, max_iter=10_000)
    model.fit(features, [pair.supported for pair in left])
    coefficients = tuple(round(float(value), 4) for value in model.coef_[0])
    fitted = Weights(coefficients, round(float(model.intercept_[0]), 4), 0.0)
    supports = [fitted.support(row) for row in features]
    least = min(
        _least(
            [support for support, pair in zip(supports, left, strict=True) if one(pair)],
            sum(map(one, pairs)),
        )
        for one in (_supported_by_table, _supported_elsewhere)
        if any(map(one, pairs))
    )
    return Weights(coefficients, fitted.intercept, round(least - 5e-5, 4))


def _least(supports: Sequence[float], count: int) -> float:
    """The support that lets the wanted share of so many supported pairs pass."""
    wanted = int(np.ceil(RECALL * count))
    # Where less than that has come through, nothing more is lost.
    return sorted(supports, reverse=True)[min(wanted, len(supports)) - 1]


def _supported_by_table(pair: Pair) -> bool:
    return pair.supported and pair.notes == CORPUS


def _supported_elsewhere(pair: Pair) -> bool:
    return pair.supported and pair.notes != CORPUS


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


def measure(pairs: Sequence[Pair], check: Mapping[Path, Checker]) -> Figures:
    """Judge every pair by the check for its notes."""
    return figures(
        pairs,
        [
            pair
            for pair in pairs
            if check[pair.notes].check(pair.sentence, pair.points, pair.question).supported
        ],
    )


def left_out(pairs: Sequence[Pair]) -> Figures:
    """Judge the pairs on each page of notes by weights fitted on the other pages."""
    passed: list[Pair] = []
    for page in dict.fromkeys(_page(pair) for pair in pairs):
        own = [pair for pair in pairs if _page(pair) == page]
        weights = fit([pair for pair in pairs if _page(pair) != page])
        wrong = measure(own, checkers(own, weights)).wrong
        passed += [pair for pair in own if pair.supported != (pair in wrong)]
    return figures(pairs, passed)


def _page(pair: Pair) -> tuple[Path, str]:
    return pair.notes, pair.points[0].page


def figures(pairs: Sequence[Pair], passed: Sequence[Pair]) -> Figures:
    """What came of pairs of which some have passed."""
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
    parser.add_argument(
        "--without", action="store_true", help="fit without each of the calibration notes in turn"
    )
    arguments = parser.parse_args()
    pairs = read_pairs()
    own = [pair for pair in pairs if pair.half == "calibration"]
    calibration = [*own, *read_development()]
    if arguments.write:
        weights = fit(calibration)
        TARGET.write_text(json.dumps(asdict(weights), indent=1) + "\n", "utf-8")
    halves = {
        "calibration": own,
        "calibration, other notes": read_development(),
        "test": [pair for pair in pairs if pair.half == "test"],
    }
    check = checkers([pair for members in halves.values() for pair in members], Weights.shipped())
    for half, members in halves.items():
        _say(half, measure(members, check), wrong=arguments.wrong and half != "test")
    if arguments.without:
        _say("calibration, each page left out", left_out(calibration), wrong=arguments.wrong)


def _say(half: str, found: Figures, wrong: bool) -> None:
    print(f"{half}: precision {found.precision:.3f}, recall {found.recall:.3f}")
    for kind, (passed, count) in found.passed.items():
        print(f"  {kind}: {passed} of {count} pass")
    if wrong:
        for pair in found.wrong:
            print(f"  {pair.id}: {pair.sentence}")


if __name__ == "__main__":
    main()
