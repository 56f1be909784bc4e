"""Every knob with its unit and default, read from the environment (``ASKHISTORY_*``) once.

To add a knob, add one field to `Settings`: its name in capitals, after ``ASKHISTORY_``, is its
environment variable. This module reads no file and knows nothing of what the knobs do.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

from askhistory.schema import AskHistoryError

VERSION: Final = "0.1.0"
"""Of askhistory itself; the same as pyproject.toml's."""

PREFIX = "ASKHISTORY_"


def _reader(read: Callable[[str], Any], allowed: str) -> dict[str, Any]:
    """Return a field's metadata: how the text of its variable becomes a value.

    Args:
        read: Returns the value; raises ValueError where the text is not allowed.
        allowed: What is allowed, completing "it must be …".
    """
    return {"read": read, "allowed": allowed}


def _whole(least: int, most: int) -> dict[str, Any]:
    def read(text: str) -> int:
        value = int(text)
        if not least <= value <= most:
            raise ValueError(text)
        return value

    return _reader(read, f"a whole number from {least} to {most}")


def _whole_or_off(least: int, most: int) -> dict[str, Any]:
    whole: Callable[[str], int] = _whole(least, most)["read"]
    return _reader(
        lambda text: None if text.lower() == "off" else whole(text),
        f"a whole number from {least} to {most}, or “off”",
    )


def _share_or(word: str) -> dict[str, Any]:
    def read(text: str) -> float | None:
        if text.lower() == word:
            return None
        value = float(text)
        if not 0.0 <= value <= 1.0:
            raise ValueError(text)
        return value

    return _reader(read, f"a number from 0 to 1, or “{word}”")


def _seconds(least: float, most: float) -> dict[str, Any]:
    def read(text: str) -> float:
        value = float(text)
        if not least <= value <= most:
            raise ValueError(text)
        return value

    return _reader(read, f"a number of seconds from {least:g} to {most:g}")


def _address(text: str) -> str:
    parts = urlsplit(text)
    # A name and password in an address would be shown wherever the address is.
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError(text)
    return text.rstrip("/")


def _one_of(*words: str) -> dict[str, Any]:
    def read(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(text)
        return text.lower()

    return _reader(read, "one of " + ", ".join(words))


_FOLDER = _reader(lambda text: Path(text).expanduser(), "a folder")
_FILE_OR_OFF = _reader(
    lambda text: None if text.lower() == "off" else Path(text).expanduser(), "a file, or “off”"
)


_NAME = _reader(str, "a name")
_ADDRESS = _reader(
    _address, "an address such as http://localhost:11434/v1, without a name or password in it"
)


def _key(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError
    return text


_SECRET = {**_reader(_key, "printable ASCII without spaces"), "secret": True}


_ON_OR_OFF = _reader(lambda text: _one_of("on", "off")["read"](text) == "on", "“on” or “off”")


def home() -> Path:
    """Return the folder that holds ``corpus/`` and ``index/`` unless told otherwise.

    It is the working directory where that has either folder, so that notes of one's own need
    no configuration; else the source checkout; else, for an installed package, the working
    directory again.
    """
    here = Path.cwd()
    if (here / "corpus").is_dir() or (here / "index").is_dir():
        return here
    checkout = Path(__file__).resolve().parents[2]
    return checkout if (checkout / "pyproject.toml").is_file() else here


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The knobs of askhistory. Only `assistant.py` and what stands above it take them.

    Attributes:
        corpus: Folder of Markdown notes.
        index: Folder of the built index.
        token_budget: Most tiktoken tokens (cl100k_base) in a passage, heading path included.
            The encoder reads 256 word pieces at most, so the budget stays well below that.
        candidates: Passages that are read point by point for a question.
        max_question_chars: Longest question taken, in characters.
        client_limit: Most questions a minute that the page takes from one address other than
            this machine's own; None for no limit. A whole class may share one address.
        total_limit: Most questions a minute that the page takes in all; None for no limit.
        threshold: Confidence from which a question counts as covered, from 0 to 1;
            None for the one that ships with the weights.
        port: TCP port of the page.
        log_level: Least severe message that is logged: debug, info, warning or error.
        log_questions: Whether what students ask is logged with the rest of it.
        feedback: File to which the page adds thumbs and uncovered questions, one JSON object
            a line; None to keep nothing.
        llm_model: The language model that may write answers out, by the name its server has for
            it; None, as long as no address and no provider is set either, for none at all.
        llm_base_url: Address of a server that speaks OpenAI's API, up to and with ``/v1``.
        llm_provider: One of Hugging Face's Inference Providers, or ``auto``, instead.
        llm_api_key: Sent to that address or provider and nowhere else; no other key or token
            ever is. It is in no message and no `repr`.
        llm_timeout: Seconds that a written answer may take, from question to last word.
        llm_max_tokens: Most tokens that the model may write.
        llm_prompt_tokens: Most tiktoken tokens (cl100k_base) of what it is given to read.
    """

    corpus: Path = field(default_factory=lambda: home() / "corpus", metadata=_FOLDER)
    index: Path = field(default_factory=lambda: home() / "index", metadata=_FOLDER)
    token_budget: int = field(default=180, metadata=_whole(32, 240))
    candidates: int = field(default=16, metadata=_whole(1, 1000))
    max_question_chars: int = field(default=1000, metadata=_whole(1, 100_000))
    client_limit: int | None = field(default=240, metadata=_whole_or_off(1, 1_000_000))
    total_limit: int | None = field(default=6000, metadata=_whole_or_off(1, 1_000_000))
    threshold: float | None = field(default=None, metadata=_share_or("shipped"))
    port: int = field(default=7860, metadata=_whole(1, 65535))
    log_level: str = field(default="warning", metadata=_one_of("debug", "info", "warning", "error"))
    log_questions: bool = field(default=False, metadata=_ON_OR_OFF)
    feedback: Path | None = field(
        default_factory=lambda: home() / "data" / "feedback.jsonl", metadata=_FILE_OR_OFF
    )
    llm_model: str | None = field(default=None, metadata=_NAME)
    llm_base_url: str | None = field(default=None, metadata=_ADDRESS)
    llm_provider: str | None = field(default=None, metadata=_NAME)
    llm_api_key: str | None = field(default=None, repr=False, metadata=_SECRET)
    llm_timeout: float = field(default=60.0, metadata=_seconds(1, 600))
    llm_max_tokens: int = field(default=400, metadata=_whole(16, 4096))
    llm_prompt_tokens: int = field(default=1500, metadata=_whole(200, 100_000))

    @property
    def writes(self) -> bool:
        """Whether a language model is set up, in part at least."""
        return any((self.llm_model, self.llm_base_url, self.llm_provider))

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the settings from environment variables; an empty one counts as not set.

        Args:
            environ: Names and values; the process's own environment by default.

        Raises:
            AskHistoryError: A value is not allowed, or a variable's name is a knob's misspelt,
                which would otherwise be silently ignored.
        """
        environ = os.environ if environ is None else environ
        knobs = {PREFIX + knob.name.upper(): knob for knob in fields(cls)}
        values: dict[str, Any] = {}
        for variable, raw in environ.items():
            text = raw.strip()
            if not variable.startswith(PREFIX) or not text:
                continue
            if variable not in knobs:
                _reject_misspelt(variable, list(knobs))
                continue
            knob = knobs[variable]
            try:
                values[knob.name] = knob.metadata["read"](text)
            except (ValueError, RuntimeError) as error:
                shown = "not allowed" if knob.metadata.get("secret") else f"“{text}”"
                raise AskHistoryError(
                    f"{variable} is {shown}, but it must be {knob.metadata['allowed']}. "
                    "Set it so, or unset it for the default."
                ) from (None if knob.metadata.get("secret") else error)
        return cls(**values)


def _reject_misspelt(variable: str, known: list[str]) -> None:
    # The cutoff lets through what other tools may read, such as a folder of benchmark data.
    close = get_close_matches(variable, known, n=1, cutoff=0.9)
    if close:
        raise AskHistoryError(f"{variable} is not a setting. Did you mean {close[0]}?")
