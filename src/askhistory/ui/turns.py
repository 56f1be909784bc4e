"""A conversation as the browser keeps it: the server remembers nothing between two questions.

What comes back from a browser can be forged, so it is rebuilt field by field; what does not fit
is left out rather than trusted.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast, get_args

from askhistory.schema import (
    Answer,
    AnswerKind,
    Citation,
    CitedPoint,
    Correction,
    Heading,
    Sentence,
    Written,
)

State = Literal["waiting", "done", "stopped", "failed"]
Rating = Literal["", "up", "down"]

_ID = re.compile("[0-9a-f]{8}")

MOST_TURNS = 60
MOST_FOLLOW_UPS = 3
MOST_SPARE = 1_000_000
"""Characters of JSON that are kept of a conversation which only Undo needs."""
MOST_SHELVED = 8
"""Earlier conversations that are kept."""
MOST_SHELF = 1_200_000
"""Characters of JSON that are kept of all of those."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and what came of it.

    Attributes:
        question: As typed.
        state: Where it stands; a turn that a reload finds waiting was interrupted.
        answer: What was answered, or None before that and after a failure.
        shown: How many of the answer's points are on the page, or None for all.
        follow_ups: Questions offered next.
        rating: The student's thumb.
        message: What went wrong, for people, where something did.
        id: Names this asking of the question; asked again, it has another.
    """

    question: str
    state: State = "waiting"
    answer: Answer | None = None
    shown: int | None = None
    follow_ups: tuple[str, ...] = ()
    rating: Rating = ""
    message: str = ""
    id: str = field(default_factory=lambda: secrets.token_hex(4), compare=False)

    def to_browser(self) -> dict[str, Any]:
        """Return the JSON form that the browser keeps."""
        return {
            "question": self.question,
            "state": self.state,
            "answer": None if self.answer is None else self.answer.to_dict(),
            "shown": self.shown,
            "follow_ups": list(self.follow_ups),
            "rating": self.rating,
            "message": self.message,
            "id": self.id,
        }


def to_browser(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """Return the JSON form of a conversation; of a very long one, its end."""
    return [turn.to_browser() for turn in turns[-MOST_TURNS:]]


def to_spare(turns: Sequence[Turn], most: int = MOST_SPARE) -> list[dict[str, Any]]:
    """Return the JSON form of a conversation that is put aside; of a large one, its end.

    What a browser keeps for one site is bounded, and the conversation itself comes first.
    """
    spare: list[dict[str, Any]] = []
    left = most
    for turn in reversed(to_browser(turns)):
        left -= len(json.dumps(turn))
        if left < 0:
            break
        spare.insert(0, turn)
    return spare


def put_away(turns: Sequence[Turn], shelf: Sequence[Sequence[Turn]]) -> list[list[Turn]]:
    """Return a shelf of conversations, the newest first, with one more on it.

    One that is there already, as it was before it was gone on with, is not there twice.
    """
    others = [list(other) for other in shelf if not turns or other[0].id != turns[0].id]
    return [list(ended(turns)), *others][:MOST_SHELVED] if turns else others


def to_shelf(shelf: Sequence[Sequence[Turn]]) -> list[list[dict[str, Any]]]:
    """Return the JSON form of earlier conversations, of as many as there is room for."""
    kept: list[list[dict[str, Any]]] = []
    left = MOST_SHELF
    for turns in shelf:
        conversation = to_spare(turns, left)
        if conversation:
            kept.append(conversation)
            left -= len(json.dumps(conversation))
    return kept


def from_shelf(raw: object) -> list[list[Turn]]:
    """Rebuild earlier conversations from whatever a browser sent."""
    entries = raw[:MOST_SHELVED] if isinstance(raw, list) else []
    return [turns for entry in entries if (turns := from_browser(entry))]


def from_browser(raw: object) -> list[Turn]:
    """Rebuild a conversation from whatever a browser sent."""
    if not isinstance(raw, list):
        return []
    turns: list[Turn] = []
    for entry in raw[-MOST_TURNS:]:
        try:
            turns.append(_turn(entry))
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    return turns


def ended(turns: Sequence[Turn]) -> list[Turn]:
    """Return the turns with none left waiting: after a reload nobody works on them any more."""
    return [
        replace(turn, state="stopped" if turn.answer else "failed")
        if turn.state == "waiting"
        else turn
        for turn in turns
    ]


def questions(turns: Sequence[Turn]) -> tuple[str, ...]:
    """Return the questions that steer the next search, oldest first.

    One that got no answer, and small talk, say nothing of what the next one is about.
    """
    return tuple(
        turn.question
        for turn in turns
        if turn.state != "failed" and not (turn.answer and turn.answer.kind == "reply")
    )


def _turn(raw: Any) -> Turn:
    state, rating, shown = raw["state"], raw["rating"], raw["shown"]
    if state not in get_args(State) or rating not in get_args(Rating):
        raise ValueError(state)
    answer = None if raw["answer"] is None else answer_from_dict(raw["answer"])
    return Turn(
        question=_text(raw["question"]),
        state=cast(State, state),
        answer=answer,
        shown=None if shown is None else int(shown),
        follow_ups=tuple(_text(text) for text in raw["follow_ups"])[:MOST_FOLLOW_UPS],
        rating=cast(Rating, rating),
        message=_text(raw["message"]),
        id=_id(raw["id"]),
    )


def answer_from_dict(raw: Any) -> Answer:
    """Rebuild an `Answer` from its JSON form.

    Raises:
        KeyError, TypeError, ValueError: It is not the JSON form of an answer.
    """
    if raw["kind"] not in get_args(AnswerKind):
        raise ValueError(raw["kind"])
    return Answer(
        question=_text(raw["question"]),
        query=_text(raw["query"]),
        covered=bool(raw["covered"]),
        confidence=float(raw["confidence"]),
        answer=_text(raw["answer"]),
        points=tuple(
            CitedPoint(
                text=_text(point["text"]),
                headings=_texts(point["headings"]),
                page=_text(point["page"]),
                line=int(point["line"]),
                end_line=int(point["end_line"]),
                score=float(point["score"]),
                citation=int(point["citation"]),
                also=tuple(int(number) for number in point["also"]),
            )
            for point in raw["points"]
        ),
        citations=tuple(
            Citation(
                number=int(citation["number"]),
                headings=_texts(citation["headings"]),
                page=_text(citation["page"]),
                anchor=_text(citation["anchor"]),
                line=int(citation["line"]),
                end_line=int(citation["end_line"]),
            )
            for citation in raw["citations"]
        ),
        nearest=tuple(
            Heading(_texts(heading["headings"]), _text(heading["page"]), _text(heading["anchor"]))
            for heading in raw["nearest"]
        ),
        seconds=float(raw["seconds"]),
        kind=raw["kind"],
        corrections=tuple(
            Correction(_text(correction["typed"]), _text(correction["read"]))
            for correction in raw["corrections"]
        ),
        written=_written(raw.get("written"), len(raw["points"])),
        uncovered=_texts(raw.get("uncovered", ())),
    )


def _written(raw: Any, points: int) -> Written | None:
    if raw is None:
        return None
    sentences = tuple(
        Sentence(
            _text(sentence["text"]),
            tuple(int(place) for place in sentence["points"]),
            tuple(int(number) for number in sentence["citations"]),
        )
        for sentence in raw["sentences"]
    )
    if any(not 0 <= place < points for sentence in sentences for place in sentence.points):
        raise ValueError(raw["sentences"])
    return Written(
        model=_text(raw["model"]),
        sentences=sentences,
        dropped=int(raw["dropped"]),
        reason=_text(raw["reason"]),
        tokens_in=int(raw["tokens_in"]),
        tokens_out=int(raw["tokens_out"]),
    )


def _id(value: object) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise ValueError(value)
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _texts(values: Sequence[object]) -> tuple[str, ...]:
    return tuple(_text(value) for value in values)
