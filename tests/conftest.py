"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from askhistory.models import Encoder

# Timings on a busy machine are no failures. A change is judged by the same examples each time;
# `HYPOTHESIS_PROFILE=nightly pytest …` looks for new ones, and for many.
settings.register_profile("default", deadline=None, derandomize=True)
settings.register_profile("nightly", deadline=None, max_examples=20_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    """The real encoder, which takes seconds to load."""
    from askhistory.models import Encoder

    return Encoder.load()


@pytest.fixture(scope="session")
def built(encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an index of our own notes; not to be written to."""
    from askhistory.assistant import build_index

    folder = tmp_path_factory.mktemp("built") / "index"
    build_index(Path(__file__).resolve().parents[1] / "corpus", folder, encoder=encoder)
    return folder
