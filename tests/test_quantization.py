"""Vectors in eight bits: what is kept of them, worked out by hand and for any vectors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from askhistory.models import Encoder
from askhistory.quantization import SCALE_BYTES, numbers, pack, scales, unpack


def test_a_vector_by_hand() -> None:
    rows = pack(np.array([[0.5, -1.0, 0.0]], np.float32))
    assert rows.dtype == np.int8
    assert numbers(rows).tolist() == [[64, -127, 0]]
    assert scales(rows) == pytest.approx([1 / 127], rel=1e-3)
    assert unpack(rows)[0] == pytest.approx([64 / 127, -1.0, 0.0], rel=1e-3)


def test_no_vectors_and_a_vector_of_nothing() -> None:
    assert pack(np.empty((0, 3), np.float32)).shape == (0, 3 + SCALE_BYTES)
    assert unpack(pack(np.zeros((1, 3), np.float32))).tolist() == [[0.0, 0.0, 0.0]]


@given(
    arrays(
        np.float32,
        (3, 8),
        elements=st.floats(-1, 1, width=32).filter(lambda x: x == 0 or abs(x) > 1e-3),
    )
)
def test_nothing_is_off_by_more_than_half_a_step(vectors: np.ndarray) -> None:
    found = unpack(pack(vectors))
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    # Half of a step, and what the 16-bit scale itself is off by.
    assert (np.abs(found - vectors) <= largest * (0.5 / 127 + 1e-3) + 1e-6).all()


def test_similarities_of_real_vectors_stay_within_two_thousandths(encoder: Encoder) -> None:
    tokens = encoder.encode(["To make the food supply of factory workers more secure"]).tokens[0]
    asked = encoder.encode(["why did the towns need grain?"]).tokens[0]
    np.testing.assert_allclose(unpack(pack(tokens)) @ asked.T, tokens @ asked.T, atol=2e-3)
