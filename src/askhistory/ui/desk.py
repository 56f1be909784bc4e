"""What happens on each event of the page: asked, edited, stopped, rated, restored.

The conversation lives in the browser and comes along with each event (`turns`); the server keeps
nothing between two events, so students cannot see or disturb each other. No event raises: an
exception would leave the text box locked, so what goes wrong is said in the conversation.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as NotYet
from dataclasses import replace
from typing import Any

import gradio as gr

from askhistory.schema import Answer, AskHistoryError, QuestionError, TooManyQuestionsError, Written
from askhistory.settings import Settings
from askhistory.ui import turns as browser
from askhistory.ui.answers import question_markdown, question_typed, turn_html
from askhistory.ui.feedback import Event, Log
from askhistory.ui.limits import Limiter, client_of, too_many
from askhistory.ui.opening import Answering, Opening
from askhistory.ui.turns import MOST_FOLLOW_UPS, Turn
from askhistory.ui.words import Words, words_for

logger = logging.getLogger(__name__)

AT_ONCE = 16
"""Questions worked on at once; Gradio's own default is one, which lets a slow one block all."""

PATIENCE = 600.0
"""Seconds that a question waits for the notes to be opened."""

PACE = 0.03
"""Seconds between two streamed points: quick, yet the eye can follow."""

STEP = 0.25
"""Seconds between two looks at whether an answer has come, so that Stop is heard."""

Kept = dict[str, Any]
Update = tuple[Any, Any, Any]


class Desk:
    """What happens on each event of the page."""

    def __init__(
        self, opening: Opening, settings: Settings, limiter: Limiter, pace: float = PACE
    ) -> None:
        """Take what answers, settings, limits, and the seconds between two streamed points."""
        self.log = Log(settings.feedback)
        self._opening = opening
        self._most_chars = settings.max_question_chars
        self._writes = settings.writes
        self._limiter = limiter
        self._pace = pace
        self._workers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="answering")

    def typed(
        self, question: str, kept: Kept, share: bool, mode: str, request: gr.Request
    ) -> Iterator[Update]:
        """Answer what was typed."""
        turns = browser.from_browser(kept.get("turns"))
        yield from self._answer(question, turns, share, mode, request, typed=True)

    def retry(
        self, kept: Kept, share: bool, mode: str, request: gr.Request, event: gr.RetryData
    ) -> Iterator[Update]:
        """Ask the last question again."""
        turns = browser.from_browser(kept.get("turns"))
        place = min(_turn_of(event.index), len(turns) - 1)
        if place >= 0:
            yield from self._answer(turns[place].question, turns[:place], share, mode, request)

    def edit(
        self, kept: Kept, share: bool, mode: str, request: gr.Request, event: gr.EditData
    ) -> Iterator[Update]:
        """Ask an edited question; what came after it is dropped."""
        turns = browser.from_browser(kept.get("turns"))
        before = turns[: _turn_of(event.index)]
        yield from self._answer(question_typed(str(event.value)), before, share, mode, request)

    def stop(self, kept: Kept, request: gr.Request) -> Update:
        """Keep what is on the page of a stopped answer."""
        turns = browser.from_browser(kept.get("turns"))
        if turns and turns[-1].state == "waiting":
            turns[-1] = replace(turns[-1], state="stopped")
        return self._update(turns, kept, _words(request), free=True)

    def failed(self, typed: str, kept: Kept, request: gr.Request) -> Update:
        """Say that a question got no answer, whatever the reason, and take the next one.

        A full queue refuses a question before it is in the conversation; it is still in the
        text box then. Gradio counts a stopped answer as a failure too; `stop` has dealt with it.
        """
        words = _words(request)
        turns = browser.from_browser(kept.get("turns"))
        if turns and turns[-1].state == "stopped":
            return gr.skip(), gr.skip(), gr.skip()
        if turns and turns[-1].state == "waiting":
            turns[-1] = replace(turns[-1], state="failed", message=words["turn.failed"])
        elif typed.strip():
            turns.append(Turn(typed.strip(), state="failed", message=words["turn.busy"]))
        return self._update(turns, kept, words, free=True)

    def clear(self, kept: Kept, request: gr.Request) -> Update:
        """Begin a new conversation."""
        return self._update([], kept, _words(request), free=True)

    def restore(self, kept: Kept, request: gr.Request) -> tuple[Any, ...]:
        """Show the conversation that the browser kept."""
        turns = browser.ended(browser.from_browser(kept.get("turns")))
        self._opening.wait(PATIENCE if turns else 0)
        box, chat, kept = self._update(turns, kept, _words(request), free=True)
        # The page's script sends no question before this, or an old conversation would come back
        # over a new one.
        box["elem_classes"] = ["restored"]
        return box, chat, kept, kept.get("share", True) is True

    def rate(self, kept: Kept, share: bool, event: gr.LikeData) -> Kept:
        """Note a thumb."""
        turns = browser.from_browser(kept.get("turns"))
        place = _turn_of(int(event.index if isinstance(event.index, int) else event.index[0]))
        if not 0 <= place < len(turns):
            return kept
        up = event.liked is True or event.liked == "Like"
        answer = turns[place].answer
        if share and answer is not None:
            self._note("up" if up else "down", answer)
        turns[place] = replace(turns[place], rating="up" if up else "down")
        return {**kept, "turns": browser.to_browser(turns)}

    def share(self, kept: Kept, share: bool) -> Kept:
        """Remember whether the student shares thumbs and uncovered questions."""
        return {**kept, "share": share}

    def api(
        self,
        question: str,
        history: list[str] | None = None,
        write: bool = False,
        request: gr.Request = None,  # type: ignore[assignment]  # Gradio fills it in.
    ) -> dict[str, Any]:
        """Answer a question from the notes.

        Args:
            question: The question, as a student would type it.
            history: Earlier questions of the same conversation, oldest first.
            write: Whether the language model is to write the answer out.

        Returns:
            The answer's JSON form.
        """
        earlier = history or []
        texts = [question, *earlier] if isinstance(earlier, list) else [None]
        if not all(isinstance(text, str) for text in texts):
            raise gr.Error(
                "“question” is a text and “history” a list of texts.", print_exception=False
            )
        try:
            self._check(question)
            self._admit(request)
            assistant = self._opened(PATIENCE)
            answer = assistant.ask(question, history=earlier[-browser.MOST_TURNS :])
            if write is True:
                *_, answer = assistant.write(answer)
            return answer.to_dict()
        except AskHistoryError as error:
            raise gr.Error(str(error), print_exception=False) from error

    def _check(self, question: str) -> None:
        """Check a question's length: the text box's own limit does not bind whoever bypasses it."""
        if len(question) > self._most_chars:
            raise QuestionError(
                f"The question has {len(question)} characters; {self._most_chars} is the most. "
                f"Shorten it."
            )

    def _admit(self, request: gr.Request) -> None:
        """Count a question.

        Raises:
            TooManyQuestionsError: It comes too soon.
        """
        host = request.client.host if request.client else None
        wait = self._limiter.take(client_of(host, request.headers.get("x-forwarded-for")))
        if wait:
            logger.warning("A question was turned away: too many came in a short time")
            raise TooManyQuestionsError(too_many(wait))

    def _opened(self, seconds: float) -> Answering:
        """Return the assistant once it is open.

        Raises:
            AskHistoryError: It could not be opened, or not in time.
        """
        self._opening.start()
        self._opening.wait(seconds)
        opened = self._opening.ready
        if opened is None:
            raise AskHistoryError(self._opening.error or "The notes are still being opened.")
        return opened.assistant

    def _answer(
        self,
        question: str,
        earlier: Sequence[Turn],
        share: bool,
        mode: str,
        request: gr.Request,
        typed: bool = False,
    ) -> Iterator[Update]:
        """Yield the conversation as its last answer grows.

        Args:
            question: What is asked.
            earlier: The turns before it.
            share: Whether an uncovered question may be noted.
            mode: ``written`` where the language model is to write the answer out.
            request: Whose language the page speaks.
            typed: Whether the question stands in the text box, which is then cleared.
        """
        words = _words(request)
        turns = browser.ended(earlier)
        kept: Kept = {"share": share}
        if not question.strip():
            gr.Info(words["turn.empty"])
            yield self._update(turns, kept, words, free=True, clear=typed)
            return
        try:
            self._check(question)
            self._admit(request)
        except QuestionError as error:
            # What was typed stays in the text box, to be shortened or sent again. The browser's
            # store is spared the whole of it, but not so much that Retry would find it short.
            asked = question.strip()[: self._most_chars + 1]
            turns = [*turns, Turn(asked, state="failed", message=str(error))]
            yield self._update(turns, kept, words, free=True)
            return
        turns = [*turns, Turn(question.strip())]
        waiting = self._update(turns, kept, words, clear=typed)
        yield waiting
        try:
            history = browser.questions(turns[:-1])
            coming = self._workers.submit(self._work, question.strip(), history)
            while (answer := _wait(coming)) is None:
                # Not `gr.skip()`: Gradio sends what changed since the last yield, and the
                # browser's store would take a skipped value for its new one.
                yield waiting
            if mode == "written" and self._writes and answer.points:
                found = answer
                for answer in self._written(found):
                    turns[-1] = replace(turns[-1], answer=answer)
                    yield self._update(turns, kept, words, clear=typed)
        except AskHistoryError as error:
            turns[-1] = replace(turns[-1], state="failed", message=str(error))
            yield self._update(turns, kept, words, free=True, clear=typed)
            return
        except Exception:
            logger.exception("A question could not be answered")
            turns[-1] = replace(turns[-1], state="failed", message=words["turn.failed"])
            yield self._update(turns, kept, words, free=True, clear=typed)
            return
        for shown in range(1, len(answer.points)) if answer.written is None else ():
            turns[-1] = replace(turns[-1], answer=answer, shown=shown)
            yield self._update(turns, kept, words, clear=typed)
            time.sleep(self._pace)
        turns[-1] = replace(turns[-1], answer=answer, shown=None)
        yield self._update(turns, kept, words, clear=typed)
        if share and not answer.covered and answer.kind == "refusal":
            self._note("not covered", answer)
        turns[-1] = replace(turns[-1], state="done", follow_ups=self._follow_ups(answer, history))
        yield self._update(turns, kept, words, free=True, clear=typed)

    def _written(self, answer: Answer) -> Iterator[Answer]:
        """Yield an answer as it is written; the same again while nothing comes, to hear Stop."""
        model = replace(answer, written=Written(model=""))
        yield model
        steps = self._opened(PATIENCE).write(answer)
        last = model
        while True:
            coming = self._workers.submit(next, steps, None)
            while not coming.done():
                wait([coming], STEP)
                yield last
            step = coming.result()
            if step is None:
                return
            last = step
            yield last

    def _work(self, question: str, history: Sequence[str]) -> Answer:
        return self._opened(PATIENCE).ask(question, history=history)

    def _follow_ups(self, answer: Answer, earlier: Sequence[str]) -> tuple[str, ...]:
        if not answer.covered or self._opening.ready is None:
            return ()
        try:
            close = self._opening.ready.assistant.close_questions(answer, earlier)
        except Exception:
            # An answer without suggestions is still an answer.
            logger.exception("No follow-up questions could be made")
            return ()
        return close[:MOST_FOLLOW_UPS]

    def _note(self, event: Event, answer: Answer) -> None:
        try:
            self.log.add(event, answer)
        except OSError as error:
            logger.warning("The feedback could not be kept: %s", error)

    def _update(
        self,
        turns: Sequence[Turn],
        kept: Kept,
        words: Words,
        free: bool = False,
        clear: bool = False,
    ) -> Update:
        """Return what the text box, the chat and the browser's store become.

        Args:
            turns: The conversation.
            kept: What the browser keeps beside it.
            words: What the page says.
            free: Whether the text box takes the next question.
            clear: Whether what was typed has been taken.
        """
        opened = self._opening.ready
        notes = opened.notes if opened else None
        messages: list[dict[str, Any]] = []
        for turn in turns:
            messages.append({"role": "user", "content": question_markdown(turn.question)})
            messages.append({"role": "assistant", "content": turn_html(turn, notes, words)})
        box: dict[str, Any] = {
            "submit_btn": words["ask.button"] if free else False,
            "stop_btn": False if free else words["ask.stop"],
            "interactive": free,
        }
        if clear:
            box["value"] = ""
        thumbs = {"up": "Like", "down": "Dislike", "": None}
        return (
            gr.update(**box),
            gr.update(value=messages, feedback_value=[thumbs[turn.rating] for turn in turns]),
            {**kept, "turns": browser.to_browser(turns)},
        )


def _wait(coming: Future[Answer]) -> Answer | None:
    try:
        return coming.result(STEP)
    except NotYet:
        return None


def _turn_of(message: int | Sequence[int]) -> int:
    """Return the turn that a message of the chat belongs to: each has two."""
    return (message if isinstance(message, int) else message[0]) // 2


def _words(request: gr.Request | None) -> Words:
    return words_for(request.headers.get("accept-language") if request else None)
