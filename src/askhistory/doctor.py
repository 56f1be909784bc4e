"""What `askhistory doctor` looks at: whether this machine can build an index and serve a page.

A check is a function that takes the settings and yields findings; `CHECKS` lists them in the
order in which one builds on the other. To add one, write the function and give it a line there.
Each imports what it needs itself, so that a package that is missing breaks one check and not all.
"""

from __future__ import annotations

import json
import platform
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPException
from importlib import metadata
from pathlib import Path
from typing import Any, Final, Literal

from askhistory.schema import AskHistoryError, IndexMissingError
from askhistory.settings import Settings

State = Literal["ok", "notice", "broken"]
"""``notice`` is worth knowing and stops nothing; ``broken`` must be mended."""

OLDEST_PYTHON: Final = (3, 11)
_MOST_PROBLEMS: Final = 20
_LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    Attributes:
        state: Whether all is well.
        message: What was found and, where something is broken, what mends it.
        check: Name of the check that found it.
    """

    state: State
    message: str
    check: str = ""


Look = Callable[[Settings], Iterator[Finding]]
"""A check; whatever it raises counts as a finding."""


def examine(settings: Settings, wrong: AskHistoryError | None = None) -> Iterator[Finding]:
    """Run every check in turn and yield its findings as they come; raises nothing.

    Args:
        settings: What to look at.
        wrong: Why the settings could not be read from the environment, if they could not.
    """
    if wrong is None:
        yield Finding("ok", "every ASKHISTORY_* variable can be read", "settings")
    else:
        yield Finding("broken", str(wrong), "settings")
    for name, look in CHECKS.items():
        try:
            for finding in look(settings):
                yield replace(finding, check=name)
        except AskHistoryError as error:
            yield Finding("broken", str(error), name)
        except ImportError as error:
            yield Finding("broken", f"{error}. {_INSTALL}", name)
        except Exception as error:
            # Whatever else is wrong with this machine, the other checks still say what they see.
            yield Finding("broken", f"{type(error).__name__}: {error}", name)


_INSTALL: Final = 'Run "pip install -r requirements.txt", or "make run", which does it.'


def _python(settings: Settings) -> Iterator[Finding]:
    version = platform.python_version()
    if sys.version_info < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        yield Finding("broken", f"{version}, but {oldest} is the oldest that will do: install it.")
    else:
        yield Finding("ok", f"{version} on {platform.system()} ({platform.machine()})")


def _packages(settings: Settings) -> Iterator[Finding]:
    from packaging.requirements import Requirement

    required = [Requirement(line) for line in _requirements()]
    wanted = [one for one in required if one.marker is None or one.marker.evaluate({"extra": ""})]
    good = 0
    for one in wanted:
        try:
            version = metadata.version(one.name)
        except metadata.PackageNotFoundError:
            yield Finding("broken", f"{one.name} is not installed. {_INSTALL}")
            continue
        if one.specifier.contains(version, prereleases=True):
            good += 1
        else:
            wants = f"{one.name} is {version}, but {one.specifier} is needed."
            yield Finding("broken", f"{wants} {_INSTALL}")
    if good == len(wanted):
        yield Finding("ok", f"all {good} are installed in versions that fit")


def _requirements() -> list[str]:
    """What the installed package asks for; where it is not installed, what the checkout does."""
    try:
        return metadata.requires("askhistory") or []
    except metadata.PackageNotFoundError:
        path = Path(__file__).resolve().parents[2] / "requirements.txt"
        lines = path.read_text("utf-8").splitlines()
        return [line for line in lines if line.strip() and not line.startswith("#")]


def _folders(settings: Settings) -> Iterator[Finding]:
    log = settings.feedback
    wanted = [("ASKHISTORY_INDEX", settings.index)]
    if log is not None:
        wanted.append(("ASKHISTORY_FEEDBACK", log.parent))
    good = []
    for variable, folder in wanted:
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        try:
            with tempfile.TemporaryFile(dir=there):
                good.append(str(folder))
        except OSError as error:
            yield Finding(
                "broken",
                f"{there} cannot be written to ({error.strerror}): make it writable, or name "
                f"another place in {variable}.",
            )
    if good:
        yield Finding("ok", f"{' and '.join(good)} can be written to")


def _model(settings: Settings) -> Iterator[Finding]:
    from askhistory.models import MODEL_FILES, MODEL_NAME, verified_folder

    folder = verified_folder()
    yield Finding("ok", f"{MODEL_NAME}, {len(MODEL_FILES)} files with the right SHA-256 ({folder})")


def _corpus(settings: Settings) -> Iterator[Finding]:
    from askhistory.notes import read_corpus

    notes = read_corpus(settings.corpus)
    points = sum(len(section.points) for section in notes.sections)
    counts = f"{len(notes.pages)} pages, {len(notes.sections)} sections, {points} points"
    yield Finding("ok", f"{settings.corpus}: {counts}")
    for problem in notes.problems[:_MOST_PROBLEMS]:
        yield Finding("notice", f"passed over: {problem}")
    if len(notes.problems) > _MOST_PROBLEMS:
        rest = len(notes.problems) - _MOST_PROBLEMS
        yield Finding("notice", f'and {rest} more; "askhistory index" names them all')


def _index(settings: Settings) -> Iterator[Finding]:
    from askhistory.index import Index, is_stale
    from askhistory.manifest import source_of
    from askhistory.models import encoder_sha256
    from askhistory.notes import read_corpus

    sha256 = encoder_sha256()
    try:
        index = Index.open(settings.index, encoder_sha256=sha256, whole=True)
    except IndexMissingError as error:
        if not settings.corpus.is_dir():
            raise
        yield Finding("notice", f'{error} "askhistory serve" and "ask" do so by themselves.')
        return
    held = f"{len(index.sections)} sections and {len(index.points)} points"
    yield Finding("ok", f"{settings.index} is whole: {held} ({index.manifest.build})")
    if not settings.corpus.is_dir():
        yield Finding("notice", f"its notes are not at {settings.corpus}, so it stays as it is")
        return
    source = source_of(settings.index)
    if source not in (None, settings.corpus.resolve()):
        yield Finding(
            "notice",
            f'it was built from {source}: name that with "--corpus DIR", or build another index.',
        )
        return
    pages = {page.path: page.sha256 for page in read_corpus(settings.corpus).pages}
    budget = settings.token_budget
    if is_stale(settings.index, pages, budget=budget, encoder_sha256=sha256):
        yield Finding(
            "notice",
            "the notes have changed since it was built: run “askhistory index”, or let "
            "“askhistory serve” do it.",
        )
    else:
        yield Finding("ok", f"it is as new as the notes in {settings.corpus}")


def _page(settings: Settings) -> Iterator[Finding]:
    from askhistory.ui.words import STATIC, languages

    missing = [name for name in ASSETS if not (STATIC / name).is_file()]
    if missing:
        yield Finding(
            "broken",
            f"{', '.join(missing)} cannot be found in {STATIC}: install askhistory again.",
        )
    else:
        files = sum(1 for path in STATIC.rglob("*") if path.is_file())
        yield Finding(
            "ok", f"{files} files of the page are there, words in {', '.join(languages())}"
        )
    yield _port(settings.port)


ASSETS: Final = ("page.js", "page.css", "fonts.css", "messages/en.json")


def _port(port: int) -> Finding:
    with socket.socket() as trial:
        if sys.platform != "win32":  # Where this option lets two servers share a port.
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((_LOOPBACK, port))
            return Finding("ok", f"port {port} is free")
        except OSError as error:
            reason = error.strerror
    health = _health(port)
    if health is None:
        return Finding(
            "broken",
            f"port {port} cannot be used ({reason}): choose another with --port or "
            "ASKHISTORY_PORT, or stop what is there.",
        )
    if health.get("state") == "failed":
        return Finding(
            "broken",
            f"askhistory is on port {port}, but could not open the notes: its log says why.",
        )
    return Finding("ok", f"askhistory is on port {port} already ({health.get('state')})")


def _health(port: int) -> Mapping[str, Any] | None:
    """What the server on a port says of itself; None unless it is an askhistory."""
    connection = HTTPConnection(_LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        health = json.loads(connection.getresponse().read(10_000))
    except (OSError, HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return health if isinstance(health, dict) and health.get("name") == "askhistory" else None


def _language_model(settings: Settings) -> Iterator[Finding]:
    from askhistory.assistant import check_language_model

    found = check_language_model(settings)
    yield Finding("ok", found or "none is set up, so answers are points and never written out")


CHECKS: Final[Mapping[str, Look]] = {
    "Python": _python,
    "packages": _packages,
    "folders": _folders,
    "model": _model,
    "corpus": _corpus,
    "index": _index,
    "page": _page,
    "writing": _language_model,
}
