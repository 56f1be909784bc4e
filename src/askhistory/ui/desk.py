"""What happens on each event of the page: asked, edited, stopped, rated, restored.

The conversation lives in the browser and comes along with each event (`turns`), and so does the one
that Undo brings back; the server keeps nothing between two events, so students cannot see or
disturb each other. No event raises: an exception would leave the text box locked, so what goes
wrong is said in the conversation.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
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
from askhistory.ui.running import Running, Work
from askhistory.ui.turns import MOST_FOLLOW_UPS, Rating, Turn
from askhistory.ui.words import Words, words_for

logger = logging.getLogger(__name__)

AT_ONCE = 16
"""Questions worked on at once; Gradio's own default is one, which lets a slow one block all."""

PATIENCE = 600.0
"""Seconds that a question waits for the notes to be opened."""

PACE = 0.03
"""Seconds between two streamed points: quick, yet the eye can follow."""

STEP = 0.25
"""Seconds between two signs of life to the browser while an answer has not come."""

SETTLE = 0.5
"""Seconds that the end of an answer takes to the browser at most, where nothing is amiss."""

TITLE = 80
"""Characters of its first question by which an earlier conversation is named."""

Kept = dict[str, Any]
Update = tuple[Any, Any, Any, Any, Any]
"""What the text box, the chat, the browser's two stores and Undo become."""
Whole = tuple[Any, ...]
"""The same, then the browser's store of earlier conversations and their list."""


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
        self._running = Running()
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
        """Ask a question again, mostly the last; what came after it is dropped."""
        turns = browser.from_browser(kept.get("turns"))
        place = min(_turn_of(event.index), len(turns) - 1)
        if place >= 0:
            asked = turns[place].question
            yield from self._answer_in_place_of(place, asked, turns, share, mode, request)

    def edit(
        self, kept: Kept, share: bool, mode: str, request: gr.Request, event: gr.EditData
    ) -> Iterator[Update]:
        """Ask an edited question; what came after it is dropped."""
        turns = browser.from_browser(kept.get("turns"))
        asked = question_typed(str(event.value))
        place = _turn_of(event.index)
        yield from self._answer_in_place_of(place, asked, turns, share, mode, request)

    def stop(self, kept: Kept, before: object, request: gr.Request) -> Update:
        """Keep what is on the page of a stopped answer."""
        turns = browser.from_browser(kept.get("turns"))
        if turns and turns[-1].state == "waiting":
            name = turns[-1].id
            if self._running.end(name, "stop") or self._running.lately(name):
                return _as_it_is()
            turns[-1] = replace(turns[-1], state="stopped")
        return self._update(
            turns, kept, _words(request), before=browser.from_browser(before), free=True
        )

    def failed(self, typed: str, kept: Kept, before: object, request: gr.Request) -> Update:
        """Say that a question got no answer, whatever the reason, and take the next one.

        A full queue refuses a question before it is in the conversation; it is still in the
        text box then.
        """
        words = _words(request)
        turns = browser.from_browser(kept.get("turns"))
        if turns and turns[-1].state == "waiting":
            turns[-1] = replace(turns[-1], state="failed", message=words["turn.failed"])
        elif typed.strip():
            turns.append(Turn(typed.strip(), state="failed", message=words["turn.busy"]))
        return self._update(turns, kept, words, before=browser.from_browser(before), free=True)

    def clear(self, kept: Kept, before: object, shelf: object, request: gr.Request) -> Whole:
        """Begin a new conversation; Undo brings the old one back, and so does the shelf."""
        turns = browser.from_browser(kept.get("turns"))
        if turns and turns[-1].state == "waiting":
            if self._running.end(turns[-1].id, "clear"):
                return *_as_it_is(), *_shelf(browser.put_away(turns, browser.from_shelf(shelf)))
            time.sleep(SETTLE)
        old = browser.ended(turns) or browser.from_browser(before)
        update = self._update([], kept, _words(request), before=old, free=True)
        return *update, *_shelf(browser.put_away(old, browser.from_shelf(shelf)))

    def undo(self, kept: Kept, before: object, request: gr.Request) -> Update:
        """Bring back the conversation as it was before New chat or before an earlier question was
        edited or asked again."""
        turns = browser.from_browser(kept.get("turns"))
        if turns and turns[-1].state == "waiting":
            return _as_it_is()
        old = browser.ended(browser.from_browser(before))
        return self._update(old or turns, kept, _words(request), before=[], free=True)

    def reopen(self, kept: Kept, shelf: object, place: int, request: gr.Request) -> Whole:
        """Go on with an earlier conversation, which stays on the shelf as it was."""
        turns = browser.from_browser(kept.get("turns"))
        earlier = browser.from_shelf(shelf)
        if (turns and turns[-1].state == "waiting") or not 0 <= place < len(earlier):
            return *_as_it_is(), gr.skip(), gr.skip()
        self._opening.wait(PATIENCE)
        chosen = browser.ended(earlier[place])
        update = self._update(chosen, kept, _words(request), before=[], free=True)
        return *update, *_shelf(browser.put_away(turns, earlier))

    def restore(
        self, kept: Kept, before: object, shelf: object, request: gr.Request
    ) -> tuple[Any, ...]:
        """Show the conversation that the browser kept, and whether the student shares."""
        turns = browser.ended(browser.from_browser(kept.get("turns")))
        self._opening.wait(PATIENCE if turns else 0)
        old = browser.from_browser(before)
        box, *others = self._update(turns, kept, _words(request), before=old, free=True)
        # The page's script sends no question before this, or an old conversation would come back
        # over a new one.
        box["elem_classes"] = ["restored"]
        listed = _shelf(browser.from_shelf(shelf))
        return box, *others, *listed, kept.get("share", True) is True

    def rate(self, kept: Kept, share: bool, event: gr.LikeData) -> Kept:
        """Note a thumb."""
        turns = browser.from_browser(kept.get("turns"))
        place = _turn_of(int(event.index if isinstance(event.index, int) else event.index[0]))
        if not 0 <= place < len(turns):
            return kept
        # A thumb that is taken back comes as an empty text.
        thumbs: dict[bool | str, Rating] = {
            True: "up",
            "Like": "up",
            False: "down",
            "Dislike": "down",
        }
        rating = thumbs.get(event.liked, "")
        answer = turns[place].answer
        if share and rating and answer is not None:
            self._note(rating, answer)
        turns[place] = replace(turns[place], rating=rating)
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

    def _answer_in_place_of(
        self,
        place: int,
        question: str,
        turns: Sequence[Turn],
        share: bool,
        mode: str,
        request: gr.Request,
    ) -> Iterator[Update]:
        """Answer a question where another one stands; Undo brings back what followed that."""
        dropped = len(turns) > place + 1
        before = browser.ended(turns) if dropped else ()
        yield from self._answer(question, turns[:place], share, mode, request, before=before)

    def _answer(
        self,
        question: str,
        earlier: Sequence[Turn],
        share: bool,
        mode: str,
        request: gr.Request,
        typed: bool = False,
        before: Sequence[Turn] = (),
    ) -> Iterator[Update]:
        """Yield the conversation as its last answer grows.

        Args:
            question: What is asked.
            earlier: The turns before it.
            share: Whether an uncovered question may be noted.
            mode: ``written`` where the language model is to write the answer out.
            request: Whose language the page speaks.
            typed: Whether the question stands in the text box, which is then cleared.
            before: The conversation that Undo brings back from now on.
        """
        words = _words(request)
        turns = browser.ended(earlier)
        kept: Kept = {"share": share}
        # What was typed and is not asked leaves Undo as it was.
        unasked = None if typed else before
        if not question.strip():
            yield self._update(turns, kept, words, before=unasked, free=True, clear=typed)
            # Said last: who reads it may type again, and nothing clears the text box any more.
            gr.Info(words["turn.empty"])
            return
        try:
            self._check(question)
            self._admit(request)
        except QuestionError as error:
            # What was typed stays in the text box, to be shortened or sent again. The browser's
            # store is spared the whole of it, but not so much that Retry would find it short.
            asked = question.strip()[: self._most_chars + 1]
            turns = [*turns, Turn(asked, state="failed", message=str(error))]
            yield self._update(turns, kept, words, before=unasked, free=True)
            return
        turn = Turn(question.strip())
        with self._running.work(turn.id) as work:
            # The text box is cleared once, and at once: what is typed from then on is the next.
            yield self._update([*turns, turn], kept, words, before=before, clear=typed)
            history = browser.questions(turns)
            for grown in self._growing(turn, history, mode, words, work):
                if work.ending:
                    break
                turn = grown
                # Not `gr.skip()` where nothing is new: Gradio sends what changed since the last
                # yield, and the browser's store would take a skipped value for its new one.
                yield self._update([*turns, turn], kept, words, before=before)
        if work.ending == "clear":
            old = browser.ended([*turns, turn])
            yield self._update([], kept, words, before=old, free=True)
            return
        if work.ending == "stop" and turn.state == "waiting":
            turn = replace(turn, state="stopped")
        elif turn.state == "done" and share:
            self._note_uncovered(turn)
        yield self._update([*turns, turn], kept, words, before=before, free=True)

    def _growing(
        self, turn: Turn, history: Sequence[str], mode: str, words: Words, work: Work
    ) -> Iterator[Turn]:
        """Yield a turn as its answer comes, at its end in the state that it ends in.

        While nothing comes it is yielded as it is from time to time; nothing need be read any
        more once the work has been ended.
        """
        try:
            coming = self._workers.submit(self._work, turn.question, history)
            while not work.comes(coming, STEP):
                yield turn
            answer = coming.result()
            if mode == "written" and self._writes and answer.points:
                for written in self._written(answer, work):
                    answer = written
                    yield replace(turn, answer=answer)
        except AskHistoryError as error:
            yield replace(turn, state="failed", message=str(error))
            return
        except Exception:
            logger.exception("A question could not be answered")
            yield replace(turn, state="failed", message=words["turn.failed"])
            return
        for shown in range(1, len(answer.points)) if answer.written is None else ():
            turn = replace(turn, answer=answer, shown=shown)
            yield turn
            work.pause(self._pace)
        turn = replace(turn, answer=answer, shown=None, state="done")
        yield turn
        yield replace(turn, follow_ups=self._follow_ups(answer, history))

    def _written(self, answer: Answer, work: Work) -> Iterator[Answer]:
        """Yield an answer as it is written; the same again while nothing comes."""
        last = replace(answer, written=Written(model=""))
        yield last
        steps = self._opened(PATIENCE).write(answer)
        while True:
            coming = self._workers.submit(next, steps, None)
            while not work.comes(coming, STEP):
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

    def _note_uncovered(self, turn: Turn) -> None:
        answer = turn.answer
        if answer is not None and not answer.covered and answer.kind == "refusal":
            self._note("not covered", answer)

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
        *,
        before: Sequence[Turn] | None,
        free: bool = False,
        clear: bool = False,
    ) -> Update:
        """Return what the text box, the chat, the browser's two stores and Undo become.

        Args:
            turns: The conversation.
            kept: What the browser keeps beside it.
            words: What the page says.
            before: The conversation that Undo brings back, empty for none; None where that
                stays as it is.
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
            gr.skip() if before is None else browser.to_spare(before),
            gr.skip() if before is None else gr.update(visible=free and bool(before)),
        )


def _as_it_is() -> Update:
    """Return what changes nothing: the event that works on the answer will."""
    return gr.skip(), gr.skip(), gr.skip(), gr.skip(), gr.skip()


def _shelf(shelf: Sequence[Sequence[Turn]]) -> tuple[Any, Any]:
    """Return what the browser's store of earlier conversations and their list become."""
    kept = browser.to_shelf(shelf)
    asked = [turns[0].question for turns in browser.from_shelf(kept)]
    named = [[text if len(text) <= TITLE else f"{text[:TITLE].rstrip()}…"] for text in asked]
    return kept, gr.update(samples=named, visible=bool(named))


def _turn_of(message: int | Sequence[int]) -> int:
    """Return the turn that a message of the chat belongs to: each has two."""
    return (message if isinstance(message, int) else message[0]) // 2


def _words(request: gr.Request | None) -> Words:
    return words_for(request.headers.get("accept-language") if request else None)
