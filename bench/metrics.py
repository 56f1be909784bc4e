"""Means over outcomes; the only home of scikit-learn in the measurements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sklearn.metrics import roc_auc_score


def share(values: Iterable[bool]) -> float | None:
    """The share that holds, from 0 to 1; None of nothing."""
    listed = list(values)
    return sum(listed) / len(listed) if listed else None


def auroc(inside: Sequence[float], outside: Sequence[float]) -> float | None:
    """How often a score from inside is above one from outside, ties by half; None of nothing."""
    if not inside or not outside:
        return None
    truth = [1] * len(inside) + [0] * len(outside)
    return float(roc_auc_score(truth, [*inside, *outside]))


def share_above_most(
    inside: Sequence[float], outside: Sequence[float], most: float
) -> float | None:
    """The share of inside that is kept at the score that keeps out most of outside.

    Args:
        inside: Scores of what should be kept.
        outside: Scores of what should be kept out.
        most: Least share of outside that is kept out, from 0 to 1.
    """
    if not inside or not outside:
        return None
    # The epsilon undoes 0.1 * 30 == 3.0000000000000004 and its like the other way round.
    let_in = int((1 - most) * len(outside) + 1e-9)
    ranked = sorted(outside, reverse=True)
    if let_in >= len(ranked):
        return 1.0
    return share(score > ranked[let_in] for score in inside)
