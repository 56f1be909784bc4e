"""The terminal: ``askhistory index``, ``ask``, ``eval``, ``gaps``, ``serve`` and ``doctor``.

The only home of typer and rich. Answers and figures go to standard output; progress, notices
and errors go to standard error, so that a pipe holds nothing but answers. The exit status is 0
for an answer or a refusal, 1 for an error (its message says what mends it), 2 for a command
that was typed wrongly, and 130 after Ctrl-C.

What takes long to import is imported by the command that needs it, so that ``--help`` comes
at once.
"""

from __future__ import annotations

import io
import json
import math
import os
import re
import stat
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Literal, NoReturn

import typer

from askhistory import logs
from askhistory.schema import Answer, AskHistoryError, QuestionError
from askhistory.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console

    from askhistory.assistant import Assistant
    from askhistory.doctor import Finding
    from askhistory.index import BuildReport

_WIDEST = 100
"""Columns. Longer lines are hard to read, however wide the terminal is."""

_MOST_LISTED = 10
"""Sections that are named of those added, changed or removed."""

_SIGNS = {"ok": ("✓", "green"), "notice": ("!", "yellow"), "broken": ("✗", "bold red")}

app = typer.Typer(
    help="Answers from your class notes, and only from them.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command that was typed, and end with its exit status."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a letter of the notes shows its number, rather than nothing at all.
        _reconfigure(stream, errors="backslashreplace")
    try:
        app(prog_name="askhistory")
    except AskHistoryError as error:
        _notice("Error: ", "bold red", str(error))
        sys.exit(1)


# --------------------------------------------------------------------------------- options


def _folder(text: str) -> Path:
    # An empty text would otherwise mean the working directory, and fill it with an index.
    if not text.strip():
        raise typer.BadParameter("name a folder")
    return Path(text)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        _write(f"askhistory {version('askhistory')}")
        raise typer.Exit


_Index = Annotated[
    Path | None,
    typer.Option(
        parser=_folder,
        metavar="DIR",
        help="Folder of the index; else ASKHISTORY_INDEX, else index/.",
    ),
]
_Corpus = Annotated[
    Path | None,
    typer.Option(
        parser=_folder,
        metavar="DIR",
        help="Folder of the notes; else ASKHISTORY_CORPUS, else corpus/.",
    ),
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def _options(
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    pass


# -------------------------------------------------------------------------------- commands


@app.command()
def index(
    corpus: _Corpus = None,
    index: _Index = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Take nothing that cannot be read whole.")
    ] = False,
) -> None:
    """Build the index of your notes, or bring it up to date."""
    settings = _settings(index, corpus)
    started = time.perf_counter()
    with _working("Reading the notes", "Embedding") as progress:
        from askhistory.assistant import build_index

        report = build_index(settings=settings, strict=strict, progress=progress, report=_warn)
    _show_report(report, settings.index, time.perf_counter() - started)


@app.command()
def ask(
    context: typer.Context,
    question: Annotated[
        str | None, typer.Argument(metavar="QUESTION", help="What you want to know, in quotes.")
    ] = None,
    index: _Index = None,
    corpus: _Corpus = None,
    batch: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.jsonl",
            help='Answer a file of questions, one {"id", "question", "history"} a line, '
            "with one line of JSON each; - reads standard input.",
        ),
    ] = None,
    as_json: _Json = False,
    written: Annotated[
        bool,
        typer.Option(
            "--write",
            help="Have the language model write the answer out (docs/language-models.md).",
        ),
    ] = False,
) -> None:
    """Answer a question from the notes."""
    if (question is None) == (batch is None):
        context.fail("Type a question in quotes, or name a file of questions with --batch.")
    settings = _settings(index, corpus)
    if batch is not None:
        with _source(batch) as source:
            _answer_batch(_open(settings), source, written)
    elif question is not None:
        assistant = _open(settings)
        if as_json:
            _write_json(assistant.ask(question, write=written).to_dict())
        elif written:
            _show_written(assistant, question)
        else:
            _show_answer(assistant.ask(question))


@app.command(name="eval")
def evaluate(
    questions: Annotated[
        Path,
        typer.Argument(
            metavar="QUESTIONS.jsonl", help="Questions with the points that answer them."
        ),
    ],
    index: _Index = None,
    corpus: _Corpus = None,
    split: Annotated[
        Literal["dev", "test"] | None,
        typer.Option(help="Ask only the questions of that half.", show_default=False),
    ] = None,
    as_json: _Json = False,
    failures: Annotated[
        bool, typer.Option("--failures", help="List what was not answered as labelled.")
    ] = False,
) -> None:
    """Measure the answers on questions with known answers."""
    settings = _settings(index, corpus)
    from askhistory import evaluation

    asked = evaluation.read_questions(questions, split)
    assistant = _open(settings)
    with _working("Asking", "Asking") as progress:
        report = evaluation.evaluate(assistant, asked, progress)
    if as_json:
        _write_json(report.to_dict())
    else:
        _write(report.to_text(failures).rstrip("\n"))


@app.command()
def gaps(
    log: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Of the page; else ASKHISTORY_FEEDBACK's, else its own."),
    ] = None,
    as_json: _Json = False,
) -> None:
    """List what students asked that the notes do not answer, the most frequent first."""
    path = log or Settings.from_environment().feedback
    if path is None:
        raise AskHistoryError(
            "The page keeps no log (ASKHISTORY_FEEDBACK is off). Name a file with --log FILE."
        )
    with _working("Reading the log", ""):
        from askhistory.ui import feedback
    found = feedback.gaps(path)
    if as_json:
        _write_json([asdict(gap) for gap in found])
        return
    lines = [_gap(gap.count, gap.question, gap.wordings, gap.nearest) for gap in found]
    _write("\n\n".join(lines) or "Nothing was asked that the notes do not answer.")


def _gap(count: int, question: str, wordings: Sequence[str], nearest: Sequence[str]) -> str:
    lines = [f"{count} × {question}"]
    lines += [f"    also: {wording}" for wording in wordings]
    if nearest:
        lines.append(f"    nearest: {' › '.join(nearest)}")
    return "\n".join(lines)


@app.command()
def serve(
    index: _Index = None,
    corpus: _Corpus = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=1, max=65535, metavar="N", help="TCP port; else ASKHISTORY_PORT, else 7860."
        ),
    ] = None,
) -> None:
    """Serve the page on which to ask."""
    settings = _settings(index, corpus)
    if not settings.corpus.is_dir():
        from askhistory.manifest import read_manifest

        read_manifest(settings.index)  # With neither notes nor index there is nothing to serve.
    with _working("Starting the page", ""):
        from askhistory import ui
    # The page is there while the model loads; the page itself says so meanwhile.
    page = ui.launch(lambda: _open(settings), settings, port=port, block=False)
    _notice("", "", f"askhistory is on {(page.local_url or '').rstrip('/')} (Ctrl-C ends it)")
    try:
        while page.is_running:
            time.sleep(0.2)
    except KeyboardInterrupt:
        page.close(verbose=False)
        _end_now(130)


@app.command()
def doctor(index: _Index = None, corpus: _Corpus = None, as_json: _Json = False) -> None:
    """Check environment, model, notes, index and page, and say what to do."""
    from askhistory.doctor import examine

    wrong: AskHistoryError | None = None
    try:
        settings = _settings(index, corpus)
    except AskHistoryError as error:
        # A setting that is wrong is one line of the report, not the end of it.
        wrong = error
        settings = Settings()
        settings = replace(
            settings, index=index or settings.index, corpus=corpus or settings.corpus
        )
    findings = []
    with _working("Looking", ""):
        for finding in examine(settings, wrong):
            findings.append(finding)
            if not as_json:
                _show_finding(finding)
    broken = sum(finding.state == "broken" for finding in findings)
    if as_json:
        _write_json({"healthy": not broken, "findings": [asdict(one) for one in findings]})
    elif broken:
        _notice("", "", f"{broken} of these must be mended.")
    else:
        _notice("", "", "Nothing is broken.")
    if broken:
        raise typer.Exit(1)


# ------------------------------------------------------------------------- the notes, opened


def _settings(index: Path | None, corpus: Path | None) -> Settings:
    """The settings of the environment, those of the command line put in their place."""
    settings = Settings.from_environment()
    logs.configure(settings.log_level)
    return replace(settings, index=index or settings.index, corpus=corpus or settings.corpus)


def _open(settings: Settings) -> Assistant:
    """Open the index, built first where it is missing or older than its notes."""
    with _working("Opening the notes", "Building the index") as progress:
        from askhistory.assistant import open_or_build

        return open_or_build(
            settings, refresh=_is_of_these_notes(settings), progress=progress, report=_warn
        )


def _is_of_these_notes(settings: Settings) -> bool:
    """Whether the index is to follow the notes in the corpus folder.

    An index that was named alone, or was built from another folder, is not to be overwritten
    with the notes that happen to be the default.
    """
    from askhistory.manifest import source_of

    default = Settings()
    if settings.corpus != default.corpus:
        return True
    source = source_of(settings.index)
    if source is None:
        return settings.index == default.index
    return source == settings.corpus.resolve()


# ------------------------------------------------------------------------------------ batch


@contextmanager
def _source(name: str) -> Iterator[BinaryIO]:
    """Open a file of questions; ``-`` is standard input."""
    if name == "-":
        yield sys.stdin.buffer
        return
    with ExitStack() as stack:
        try:
            file = stack.enter_context(Path(name).open("rb"))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise AskHistoryError(
                f"{name}: cannot be read ({reason}). "
                "Name a file of questions, one JSON object a line."
            ) from error
        yield file


def _answer_batch(assistant: Assistant, source: BinaryIO, written: bool) -> None:
    """Write one line of JSON for each line of the source, as soon as it is answered."""
    status = os.fstat(source.fileno())
    size = status.st_size if stat.S_ISREG(status.st_mode) else 0
    done = 0
    # Where both streams are one terminal, the answers themselves show how far it is.
    with _working("Answering", "Answering", shown=not sys.stdout.isatty()) as progress:
        for number, line in enumerate(source, start=1):
            done += len(line)
            if line.strip() or line.endswith(b"\n"):
                _write_json(_answer_line(assistant, line, number, written))
            if size:
                progress(done, size)


def _answer_line(
    assistant: Assistant, line: bytes, number: int, written: bool = False
) -> dict[str, Any]:
    """The JSON of the answer to one line of a batch, or of what is wrong with the line."""
    id: str | float | None = None
    try:
        data = _object(line)
        id = _id(data)
        question, history = _asked(data)
        # Whatever answers need not be able to write, unless it is asked to.
        answer = (
            assistant.ask(question, history, write=True)
            if written
            else assistant.ask(question, history)
        )
        return {**answer.to_dict(), "id": id}
    except AskHistoryError as error:
        return {"id": id, "error": f"line {number}: {error}"}


def _object(line: bytes) -> dict[str, Any]:
    if not line.strip():
        raise QuestionError('The line is empty. Write {"question": "…"}.')
    try:
        data = json.loads(line.decode("utf-8-sig"), parse_constant=_reject_constant)
    except UnicodeDecodeError as error:
        raise QuestionError("This is not UTF-8. Save the file in that encoding.") from error
    except json.JSONDecodeError as error:
        raise QuestionError(
            f"This is not valid JSON ({error.msg} at column {error.colno}). "
            'Write {"question": "…"} on one line.'
        ) from error
    except (ValueError, RecursionError) as error:
        raise QuestionError(f"This is not JSON that can be read ({error}).") from error
    if not isinstance(data, dict):
        raise QuestionError('This is not a JSON object. Write {"question": "…"}.')
    return data


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _id(data: dict[str, Any]) -> str | float | None:
    id = data.get("id")
    if id is None or isinstance(id, str):
        return id
    if isinstance(id, bool) or not isinstance(id, int | float) or id in (math.inf, -math.inf):
        raise QuestionError('"id" must be a text, a number or null.')
    return id


def _asked(data: dict[str, Any]) -> tuple[str, list[str]]:
    """The question and the earlier ones of its conversation."""
    question, history = data.get("question"), data.get("history")
    if not isinstance(question, str):
        raise QuestionError('"question" must be a text.')
    if history is None:
        return question, []
    if not isinstance(history, list) or not all(isinstance(earlier, str) for earlier in history):
        raise QuestionError('"history" must be a list of texts: the earlier questions.')
    return question, history


# ----------------------------------------------------------------------------------- output


def _reconfigure(stream: object, **options: str) -> None:
    # What a caller has put in a stream's place may not be one that can be set.
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(**options)  # type: ignore[arg-type]


def _write(text: str) -> None:
    # Flushed, so that whoever reads a pipe has each answer at once and a closed pipe shows here.
    print(text, flush=True)


def _write_json(data: object) -> None:
    # JSON is UTF-8 whatever the locale; half a surrogate pair, which UTF-8 lacks, comes out as
    # the escape that JSON has for it.
    _reconfigure(sys.stdout, encoding="utf-8", errors="backslashreplace")
    _write(json.dumps(data, ensure_ascii=False, allow_nan=False))


@cache
def _stderr() -> Console:
    """Standard error: one for all, so that a line is written above a bar and not into it."""
    from rich.console import Console

    return Console(stderr=True)


def _notice(label: str, style: str, text: str) -> None:
    """Write a line to standard error, unwrapped so that a command in it can be copied."""
    from rich.text import Text

    _stderr().print(Text.assemble((label, style), text), soft_wrap=True)


def _warn(text: str) -> None:
    _notice("Warning: ", "yellow", text)


@contextmanager
def _working(what: str, counted: str, shown: bool = True) -> Iterator[Callable[[int, int], None]]:
    """Show on standard error, where that is a terminal, that work goes on.

    Args:
        what: What is being done.
        counted: What is being done from when it is known how far it is.
        shown: Whether to show anything.

    Yields:
        What is to be called with how much is done and how much there is.
    """
    from rich.progress import (
        BarColumn,
        Progress,
        SpinnerColumn,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=_stderr(),
        transient=True,
        redirect_stdout=False,
        # Asked of the stream itself: colour may be forced where nothing can be moved about.
        disable=not (shown and sys.stderr.isatty()),
    ) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, description=counted, completed=done, total=total)


def _show_answer(answer: Answer) -> None:
    """Print an answer, and on standard error what was read instead of what was typed."""
    for line in _readings(answer):
        _notice(line, "dim", "")
    _write_markdown(answer.to_markdown())


def _show_written(assistant: Assistant, question: str) -> None:
    """Print an answer as it is written, sentence by sentence, then its sources or its points."""
    from askhistory.answering import sentences_markdown

    found = answer = assistant.ask(question)
    for line in _readings(found):
        _notice(line, "dim", "")
    shown = ""
    # A line that is being written and a bar would be in each other's way.
    with ExitStack() as waiting:
        waiting.enter_context(_working("Writing", ""))
        for answer in assistant.write(found):
            if answer.written is not None and answer.written.sentences:
                waiting.close()
                text = sentences_markdown(answer.written)
                print(text[len(shown) :], end="", flush=True)
                shown = text
    rest = answer.to_markdown()[len(shown) :]
    _write_markdown(rest)


def _write_markdown(text: str) -> None:
    """Print Markdown: in colour on a terminal, as it is elsewhere."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        _write(text)
        return
    from rich.markdown import Markdown
    from rich.theme import Theme

    console.push_theme(
        Theme(
            {
                "markdown.strong": "bold cyan",
                "markdown.item.bullet": "cyan",
                "markdown.item.number": "cyan",
            }
        )
    )
    console.print(Markdown(text), width=min(console.width, _WIDEST))


def _readings(answer: Answer) -> Iterator[str]:
    """What was read or searched instead of what was typed."""
    read = answer.question
    for correction in answer.corrections:
        yield f"Showing notes for “{correction.read}” (you typed “{correction.typed}”)"
        read = read.replace(correction.typed, correction.read)
    if _words(answer.query) not in (_words(read), _words(answer.question)):
        yield f"Searched for: {answer.query}"


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _show_finding(finding: Finding) -> None:
    """Print a line of the doctor's report, coloured on a terminal."""
    from rich.console import Console
    from rich.text import Text

    sign, style = _SIGNS[finding.state]
    line = Text.assemble((sign, style), f" {finding.check:<9} {finding.message}")
    Console(highlight=False).print(line, soft_wrap=True)


def _show_report(report: BuildReport, folder: Path, seconds: float) -> None:
    """Say what a build added, changed and removed, and how long it took."""
    if report.note:
        _warn(f"{report.note} It was built anew.")
    parts = (("added", "+", "green"), ("changed", "~", "yellow"), ("removed", "-", "red"))
    for name, sign, style in parts:
        sections = getattr(report, name)
        for page, headings in sections[:_MOST_LISTED]:
            _notice(f"{sign} ", style, f"{' › '.join(headings)} ({page})")
        if len(sections) > _MOST_LISTED:
            _notice(f"{sign} ", style, f"and {len(sections) - _MOST_LISTED} more")
    counts = ", ".join(f"{len(getattr(report, name))} {name}" for name, _, _ in parts)
    _notice("", "", f"Sections: {counts}, in {seconds:.1f} s")
    held = (("page", report.pages), ("section", report.sections), ("point", report.points))
    total = ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for noun, count in held)
    _notice("", "", f"The index in {folder} holds {total}")


def _end_now(status: int) -> NoReturn:
    """End the process without waiting for threads that wait for the notes."""
    _stderr().show_cursor()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
