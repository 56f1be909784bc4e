"""The Gradio page: what stands where, and what happens on each event.

The conversation lives in the browser and comes along with each event (`turns`); the server keeps
nothing between two events, so students cannot see or disturb each other. The notes reader and the
welcome are drawn by the page's own script into columns that Gradio leaves empty.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.components.api_component import Api
from starlette.middleware import Middleware

from askhistory.schema import AskHistoryError
from askhistory.settings import Settings
from askhistory.ui.desk import AT_ONCE, PACE, PATIENCE, Desk
from askhistory.ui.limits import Limiter
from askhistory.ui.opening import Answering, Opening
from askhistory.ui.turns import MOST_SHELVED
from askhistory.ui.web import Guard
from askhistory.ui.words import languages

TITLE = "askhistory"
WAITING = 128
"""Questions that may wait for their turn before the page asks to try again."""

Source = Answering | Callable[[], Answering] | Opening


class Page(gr.Blocks):
    """Blocks whose API takes what a call leaves out at its default, as Gradio's client does."""

    async def preprocess_data(
        self, block_fn: BlockFunction, inputs: list[Any], *args: Any, **kwargs: Any
    ) -> list[Any]:
        """Fill the missing last values of a call in, then go on as Gradio does."""
        missing = [block for block in block_fn.inputs[len(inputs) :] if isinstance(block, Api)]
        filled = [*inputs, *(block.value for block in missing)]
        found: list[Any] = await super().preprocess_data(block_fn, filled, *args, **kwargs)
        return found


def build(
    source: Source, settings: Settings, *, pace: float = PACE, limiter: Limiter | None = None
) -> gr.Blocks:
    """Return the page.

    Args:
        source: The assistant; or what makes it, called at once in a thread of its own, so that
            the page is there while the model loads.
        settings: `feedback`, `max_question_chars`, `client_limit`, `total_limit`
            and whether there is a language model are used.
        pace: Seconds between two points of an answer as it is streamed.
        limiter: Counts the questions; one of its own by default.
    """
    opening = _opening(source)
    desk = Desk(opening, settings, limiter or _limiter(settings), pace)
    words = gr.I18n(**languages())
    page = Page(title=TITLE, fill_width=True, analytics_enabled=False)
    with page:
        secret = "kept-in-this-browser-only"
        kept = gr.BrowserState({}, storage_key="askhistory", secret=secret)
        before = gr.BrowserState([], storage_key="askhistory.before", secret=secret)
        shelf = gr.BrowserState([], storage_key="askhistory.shelf", secret=secret)
        with gr.Row(elem_id="bar"):
            gr.Markdown(f"# {TITLE}", elem_id="brand")
            new = gr.Button(words("bar.new"), elem_id="new", size="sm")
            gr.Button(words("bar.export"), elem_id="export", size="sm")
            gr.Button(words("bar.theme"), elem_id="theme", size="sm")
            gr.Button(words("bar.notes"), elem_id="open-notes", size="sm")
        with gr.Row(elem_id="desk"):
            with gr.Column(elem_id="talk"):
                gr.Column(elem_id="welcome")
                listed = gr.Dataset(
                    elem_id="shelf",
                    label=words("shelf.label"),
                    components=["textbox"],
                    samples=[],
                    samples_per_page=MOST_SHELVED,
                    type="index",
                    layout="gallery",
                    visible=False,
                )
                chat = gr.Chatbot(
                    elem_id="chat",
                    label=words("log.label"),
                    show_label=False,
                    container=False,
                    height="100%",
                    editable="user",
                    autoscroll=False,
                    buttons=["copy"],
                    layout="bubble",
                    latex_delimiters=[],
                    group_consecutive_messages=False,
                    feedback_options=("Like", "Dislike"),
                )
                undo = gr.Button(words("chat.undo"), elem_id="undo", size="sm", visible=False)
                box = gr.Textbox(
                    elem_id="box",
                    label=words("ask.label"),
                    placeholder=words("ask.placeholder"),
                    show_label=False,
                    container=False,
                    max_lines=6,
                    submit_btn=languages()["en"]["ask.button"],
                    autofocus=True,
                )
                mode = gr.Radio(
                    [(words("mode.points"), "points"), (words("mode.written"), "written")],
                    elem_id="mode",
                    value="points",
                    label=words("mode.label"),
                    show_label=False,
                    container=False,
                    visible=settings.writes,
                )
                share = gr.Checkbox(
                    elem_id="share",
                    value=True,
                    label=words("log.share"),
                    visible=desk.log.kept,
                    container=False,
                )
            gr.Column(elem_id="notes")

        outputs = [box, chat, kept, before, undo]
        busy: dict[str, Any] = {
            "outputs": outputs,
            "show_progress": "hidden",
            "concurrency_limit": AT_ONCE,
            "concurrency_id": "ask",
            "api_visibility": "private",
        }
        quick: dict[str, Any] = {
            "queue": False,
            "show_progress": "hidden",
            "api_visibility": "private",
        }
        # Not "once": Gradio may still count a question as under way that has just ended, and would
        # drop the next. The page's script lets no second Enter through before the text box is
        # locked.
        asked = box.submit(desk.typed, [box, kept, share, mode], trigger_mode="multiple", **busy)
        retried = chat.retry(desk.retry, [kept, share, mode], **busy)
        edited = chat.edit(desk.edit, [kept, share, mode], **busy)
        for event in (asked, retried, edited):
            event.failure(desk.failed, [box, kept, before], outputs, **quick)
        # Nothing is cancelled: Gradio drops no update that is on its way, and one that came after
        # the word "Stopped" would take it back. The event that answers ends itself.
        box.stop(desk.stop, [kept, before], outputs, **quick)
        whole = [*outputs, shelf, listed]
        new.click(desk.clear, [kept, before, shelf], whole, **quick)
        chat.clear(desk.clear, [kept, before, shelf], whole, **quick)
        undo.click(desk.undo, [kept, before], outputs, **quick)
        listed.click(desk.reopen, [kept, shelf, listed], whole, **quick)
        if desk.log.kept:
            chat.like(desk.rate, [kept, share], [kept], **quick)
        share.input(desk.share, [kept, share], [kept], **quick)
        page.load(desk.restore, [kept, before, shelf], [*whole, share], **quick)
        gr.events.api(desk.api, api_name="ask", concurrency_limit=AT_ONCE, concurrency_id="api")
    page.queue(max_size=WAITING, default_concurrency_limit=AT_ONCE)
    return page


def launch(
    source: Source,
    settings: Settings,
    *,
    port: int | None = None,
    server_name: str | None = None,
    block: bool = True,
    quiet: bool = True,
    pace: float = PACE,
) -> gr.Blocks:
    """Serve the page.

    Args:
        source: As in `build`.
        settings: As in `build`; `port` too.
        port: TCP port instead of the settings' own.
        server_name: Address to listen on; this computer only by default.
        block: Stay until the server is stopped; else return at once.
        quiet: Leave out Gradio's own lines on the terminal.
        pace: As in `build`.

    Raises:
        AskHistoryError: The port is taken.
    """
    opening = _opening(source)
    limiter = _limiter(settings)
    page = build(opening, settings, pace=pace, limiter=limiter)
    port = settings.port if port is None else port
    guard = Middleware(Guard, opening=opening, title=TITLE, limiter=limiter)
    try:
        page.launch(
            server_port=port,
            server_name=server_name,
            theme=_theme(),
            i18n=gr.I18n(**languages()),
            app_kwargs={"middleware": [guard]},
            footer_links=[],
            prevent_thread_lock=True,
            quiet=quiet,
            max_threads=AT_ONCE * 4,
            max_file_size="1kb",
            show_error=False,
            ssr_mode=False,
            pwa=False,
            enable_monitoring=False,
            run_history=False,
        )
    except OSError as error:
        raise AskHistoryError(
            f"The page cannot be served on port {port}: something else is there. "
            f"Choose another with --port, or stop what is running."
        ) from error
    if block:
        page.block_thread()
    return page


def _theme() -> gr.Theme:
    """Return a theme that sets what Gradio computes from it; the rest is the style sheet's."""
    sans = ("Source Sans 3", "system-ui", "sans-serif")
    return gr.themes.Base(font=sans, font_mono=("ui-monospace", "monospace"))


def _limiter(settings: Settings) -> Limiter:
    return Limiter(settings.client_limit, settings.total_limit)


def _opening(source: Source) -> Opening:
    if isinstance(source, Opening):
        return source
    if callable(source):
        return Opening(source)
    opening = Opening(lambda: source)
    opening.wait(PATIENCE)
    return opening
