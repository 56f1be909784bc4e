"""The optional language model: one request to a server that speaks OpenAI's API, streamed.

The only home of huggingface_hub, which is imported when a model is first asked and not before.
This module knows nothing of notes: messages go in, text comes out, and whatever goes wrong on
the way is a `LanguageModelError`. What is written is not to be trusted; `support.py` judges it.
"""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from askhistory.schema import LanguageModelError
from askhistory.text import count_tokens

logger = logging.getLogger(__name__)

_NO_KEY = "none"
"""Sent where no key is set: for want of one, the client would send the machine's own
Hugging Face token, to whatever server it is told to ask."""

_RUNAWAY = 4
"""Times the characters that `max_tokens` may come to, after which a server that minds no limit
is not listened to any longer."""
_CHARACTERS_A_TOKEN = 6


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request.

    Attributes:
        tokens_in: Read by the model.
        tokens_out: Written by it.
    """

    tokens_in: int = 0
    tokens_out: int = 0


class Writer(Protocol):
    """What writing an answer needs of a language model; `LanguageModel` is the real one."""

    @property
    def name(self) -> str:
        """The model's name."""

    def stream(self, system: str, user: str) -> Reply:
        """Ask the model, and return what it writes as it comes."""


class Reply:
    """What a model writes, piece by piece; iterate over it once.

    Attributes:
        usage: Tokens in and out, as the server counted them, or else by tiktoken; what there
            is of it so far.
    """

    def __init__(self, prompt: str, pieces: Iterator[str | Usage]) -> None:
        """Take what was sent, and the pieces with the server's own count among them."""
        self._prompt = prompt
        self._pieces = pieces
        self._text: list[str] = []
        self._counted: Usage | None = None

    def __iter__(self) -> Iterator[str]:
        """Yield text as it comes.

        Raises:
            LanguageModelError: The model cannot be used, or its reply broke off.
        """
        for piece in self._pieces:
            if isinstance(piece, Usage):
                self._counted = piece
            else:
                self._text.append(piece)
                yield piece

    @property
    def usage(self) -> Usage:
        """Tokens in and out."""
        if self._counted is not None:
            return self._counted
        return Usage(count_tokens(self._prompt), count_tokens("".join(self._text)))

    def close(self) -> None:
        """Listen no longer; the connection is dropped as soon as the server says anything."""
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()


class LanguageModel:
    """A chat model on a server.

    Args:
        name: As its server calls it.
        base_url: Address of a server that speaks OpenAI's API.
        provider: One of Hugging Face's Inference Providers, where there is no address.
        api_key: The only secret that is ever sent.
        timeout: Seconds that a reply may take in all.
        max_tokens: Most tokens of a reply.

    Raises:
        LanguageModelError: These settings do not make a whole.
    """

    def __init__(
        self,
        name: str | None,
        *,
        base_url: str | None = None,
        provider: str | None = None,
        api_key: str | None = None,
        timeout: float = 60.0,
        max_tokens: int = 400,
    ) -> None:
        unset = "The language model is not set up."
        if name is None:
            raise LanguageModelError(unset, "Set ASKHISTORY_LLM_MODEL to the model's name.")
        if (base_url is None) == (provider is None):
            raise LanguageModelError(
                unset, "Set either ASKHISTORY_LLM_BASE_URL or ASKHISTORY_LLM_PROVIDER."
            )
        if provider is not None and api_key is None:
            raise LanguageModelError(
                unset, "Set ASKHISTORY_LLM_API_KEY: an Inference Provider asks for a key."
            )
        self.name = name
        self._base_url = base_url
        self._provider = provider
        self._api_key = api_key
        self._timeout = timeout
        self._max_tokens = max_tokens

    def __repr__(self) -> str:
        return f"LanguageModel({self.name!r}, at={self.place!r})"

    @property
    def place(self) -> str:
        """The address or the provider."""
        return self._base_url or self._provider or ""

    def stream(self, system: str, user: str) -> Reply:
        """Ask the model, and return what it writes as it comes.

        Args:
            system: What it is to do.
            user: What it is to do it with.
        """
        messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        return Reply(f"{system}\n{user}", self._pieces(messages, self._max_tokens))

    def check(self) -> None:
        """Have the model write a word.

        Raises:
            LanguageModelError: It cannot be used; the message says what mends it.
        """
        messages = [{"role": "user", "content": "Answer with the word: ready"}]
        for piece in self._pieces(messages, max_tokens=16):
            if isinstance(piece, str) and piece.strip():
                return

    def _pieces(
        self, messages: Sequence[Mapping[str, str]], max_tokens: int
    ) -> Iterator[str | Usage]:
        """Yield what the server sends, until it ends or the time is over.

        Reading goes on in a thread of its own: a time-out of the connection counts anew with
        each byte, so that a server could keep a student waiting with one word a minute.
        """
        deadline = time.monotonic() + self._timeout
        arrived: queue.SimpleQueue[str | Usage | _End] = queue.SimpleQueue()
        unheard = threading.Event()
        threading.Thread(
            target=self._read,
            args=(messages, max_tokens, arrived, unheard),
            name="language-model",
            daemon=True,
        ).start()
        room = max_tokens * _CHARACTERS_A_TOKEN * _RUNAWAY
        said = False
        try:
            while True:
                try:
                    piece = arrived.get(timeout=max(0.0, deadline - time.monotonic()))
                except queue.Empty:
                    raise self._too_slow() from None
                if isinstance(piece, _End):
                    if piece.error is not None:
                        raise piece.error
                    if not said:
                        raise self._fault("wrote nothing", "See whether another model does.")
                    return
                if isinstance(piece, str):
                    said = said or bool(piece.strip())
                    room -= len(piece)
                yield piece
                if room < 0:
                    raise self._fault("does not stop writing", "See whether another model does.")
        finally:
            unheard.set()

    def _read(
        self,
        messages: Sequence[Mapping[str, str]],
        max_tokens: int,
        arrived: queue.SimpleQueue[str | Usage | _End],
        unheard: threading.Event,
    ) -> None:
        """Put all that comes into the queue, and after it how it ended."""
        try:
            self._request(messages, max_tokens, arrived, unheard)
        except LanguageModelError as error:
            arrived.put(_End(error))
        except Exception as error:  # Whatever it was, the answer falls back to the points.
            arrived.put(_End(self._translated(error)))
        else:
            arrived.put(_End())

    def _request(
        self,
        messages: Sequence[Mapping[str, str]],
        max_tokens: int,
        arrived: queue.SimpleQueue[str | Usage | _End],
        unheard: threading.Event,
    ) -> None:
        from huggingface_hub import InferenceClient

        where: dict[str, Any] = (
            {"base_url": self._base_url} if self._base_url else {"provider": self._provider}
        )
        finished = False
        with InferenceClient(
            **where, api_key=self._api_key or _NO_KEY, timeout=self._timeout
        ) as client:
            chunks = client.chat_completion(
                [dict(message) for message in messages],
                model=self.name,
                max_tokens=max_tokens,
                temperature=0.0,
                stream=True,
                stream_options={"include_usage": True},
            )
            for chunk in chunks:
                if unheard.is_set():
                    return
                for choice in chunk.choices or ():
                    text = choice.delta.content if choice.delta else None
                    if text:
                        arrived.put(str(text))
                    finished = finished or bool(choice.finish_reason)
                if chunk.usage:
                    usage = chunk.usage
                    arrived.put(Usage(int(usage.prompt_tokens), int(usage.completion_tokens)))
        if not finished:
            raise self._fault("broke off", "Its server's log may say why.")

    def _fault(self, what: str, mending: str) -> LanguageModelError:
        return LanguageModelError(
            f"The language model {what}.", f"It is {self.name} at {self.place}. {mending}"
        )

    def _too_slow(self) -> LanguageModelError:
        return self._fault(
            f"took longer than {self._timeout:g} seconds",
            "ASKHISTORY_LLM_TIMEOUT sets how long it may take.",
        )

    def _translated(self, error: Exception) -> LanguageModelError:
        """Turn whatever the client raised into an error of ours.

        What the server said is left out: it could hold anything, the key too.
        """
        from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

        status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
        logger.debug("The request failed: %s, status %s", type(error).__name__, status)
        if isinstance(error, TimeoutError):
            return self._too_slow()
        if isinstance(error, OfflineModeIsEnabled):
            return self._fault("cannot be reached", "Unset HF_HUB_OFFLINE, which forbids it.")
        if status in (401, 403):
            return self._fault(
                "does not accept the key", "Set ASKHISTORY_LLM_API_KEY to one that is valid there."
            )
        if status == 402:
            return self._fault("asks to be paid", "See to the account that the key belongs to.")
        if status == 404:
            return self._fault(
                "is not there", "Check ASKHISTORY_LLM_MODEL and ASKHISTORY_LLM_BASE_URL."
            )
        if status == 429:
            return self._fault("is asked too often just now", "Try again, or raise its limits.")
        if status is not None and status >= 500:
            return self._fault("has a fault of its own", f"Its server answered with {status}.")
        if status is not None:
            return self._fault("refuses the request", f"Its server answered with {status}.")
        if isinstance(error, json.JSONDecodeError | AttributeError | KeyError | TypeError):
            return self._fault("sent what cannot be read", "Is it OpenAI's API that it speaks?")
        if isinstance(error, ValueError):
            return self._fault(
                "is not set up", "Check ASKHISTORY_LLM_PROVIDER, ASKHISTORY_LLM_MODEL and the key."
            )
        # The client's HTTP library is its own affair: its errors are known here by name only.
        if isinstance(error, OSError) or type(error).__name__ in ("ConnectError", "InvalidURL"):
            return self._fault("cannot be reached", "Start its server, or check the address.")
        return self._fault("broke off", "Its server's log may say why.")


@dataclass(frozen=True, slots=True)
class _End:
    """The end of a reply, and what went wrong."""

    error: LanguageModelError | None = None
