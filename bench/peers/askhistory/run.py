"""askhistory itself, as it ships, behind the same interface as its peers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.peers.protocol import Result, Verdict, main


class AskHistory:
    """Points by relevance, and the answer with its confidence."""

    def __init__(self) -> None:
        """Load the encoder."""
        from askhistory.models import Encoder
        from askhistory.settings import Settings

        self._encoder = Encoder.load()
        # As shipped, whatever the environment of whoever measures says.
        self._settings = Settings()

    def index(self, notes: Path, store: Path) -> None:
        """Build the index."""
        from askhistory.assistant import build_index

        build_index(notes, store, settings=self._settings, encoder=self._encoder)

    def open(self, store: Path) -> None:
        """Open the index."""
        from askhistory.assistant import Assistant
        from askhistory.index import Index
        from askhistory.relevance import shipped_weights

        index = Index.open(store, encoder_sha256=self._encoder.sha256)
        self._assistant = Assistant(index, self._encoder, shipped_weights(), self._settings)

    def answer(self, turns: Sequence[str]) -> Verdict:
        """Answer or refuse, with the conversation as it is."""
        *history, question = turns
        answer = self._assistant.ask(question, history)
        return Verdict(answer.covered, answer.confidence)

    def search(self, turns: Sequence[str], count: int) -> list[Result]:
        """The points of the answer as a student reads them, then the others by relevance.

        Where the answer is a refusal, all are by relevance: its peers cannot refuse either.
        """
        *history, question = turns
        shown = self._assistant.ask(question, history).points
        ranked = self._assistant.rank(question, history)
        places = {(point.page, point.line, point.text) for point in shown}
        others = [
            Result(point.text, score, point.page, point.line)
            for point, score in ranked
            if (point.page, point.line, point.text) not in places
        ]
        answered = [Result(point.text, point.score, point.page, point.line) for point in shown]
        return [*answered, *others[:count]]


if __name__ == "__main__":
    main({"points": AskHistory})
