"""Files and folders of notes → pages, and what was passed over."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from askhistory.notes.frontmatter import read_front_matter
from askhistory.notes.outline import read_outline
from askhistory.notes.source import Source
from askhistory.schema import Corpus, CorpusError, Page, Problem
from askhistory.text import repair

MAX_BYTES = 5_000_000
"""Bytes. A page of more is passed over: it is hardly anybody's notes."""

_SUFFIXES = (".md", ".markdown")
_TABLE_OF_CONTENTS = "SUMMARY.md"
_LINE_BREAK = re.compile(r"\r\n|\n|\r")


class _UnreadableError(CorpusError):
    """One file cannot be read; the rest of the corpus can."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


def _unreadable(page: str, line: int | None, message: str) -> _UnreadableError:
    return _UnreadableError(Problem(page, line, message))


def read_corpus(
    folder: Path,
    *,
    strict: bool = False,
    max_bytes: int = MAX_BYTES,
    progress: Callable[[str], None] | None = None,
) -> Corpus:
    """Read every Markdown file of a folder, subfolders included, sorted by path.

    ``SUMMARY.md`` (GitBook's table of contents) and what is hidden are left out. A file
    that cannot be read, or not wholly, is a `Problem` of the corpus; the rest is read.

    Args:
        folder: Where the notes are.
        strict: Whether any problem is an error.
        max_bytes: Size in bytes above which a file is passed over.
        progress: Called with the path of each file before it is read.

    Raises:
        CorpusError: The folder is missing, or holds no point that can be read; or, when
            `strict`, there is any problem: the message then lists them all.
    """
    mend = f"Put notes in Markdown (.md) there, then run: askhistory index --corpus {folder}"
    _check_folder(folder, mend)
    pages: list[Page] = []
    problems: list[Problem] = []
    for path in _markdown_files(folder, problems):
        if progress is not None:
            progress(_name(path, folder))
        try:
            page, found = _read(path, folder, max_bytes)
        except _UnreadableError as error:
            problems.append(error.problem)
        else:
            pages.append(page)
            problems.extend(found)
    listed = "".join(f"\n{problem}" for problem in problems)
    if strict and problems:
        raise CorpusError(f"{folder}: the notes have problems, and --strict asks for none.{listed}")
    if not any(section.points for page in pages for section in page.sections):
        what = "no notes that can be read" if pages or problems else "no Markdown file"
        raise CorpusError(f"{folder}: the folder holds {what}. {mend}{listed}")
    return Corpus(tuple(pages), tuple(problems))


def read_page(path: Path, root: Path, *, max_bytes: int = MAX_BYTES) -> Page:
    """Read one file of the corpus folder `root`.

    Raises:
        CorpusError: It cannot be read; the message names it and, where known, the line.
    """
    return _read(path, root, max_bytes)[0]


def parse_page(markdown: str, path: str) -> tuple[Page, tuple[Problem, ...]]:
    """Parse the text of a page; `path` is where it stands in the corpus.

    Returns:
        The page, its hash taken of the text in UTF-8, and what was passed over in it.

    Raises:
        CorpusError: There is nothing in it to read, or it is nested too deeply.
    """
    return _parse(markdown, path, markdown.encode("utf-8", "surrogatepass"))


def _check_folder(folder: Path, mend: str) -> None:
    try:
        is_folder = stat.S_ISDIR(folder.stat().st_mode)
    except FileNotFoundError as error:
        raise CorpusError(f"{folder}: there is no such folder. {mend}") from error
    except (OSError, ValueError) as error:
        raise CorpusError(f"{folder}: the folder cannot be read ({error}). {mend}") from error
    if not is_folder:
        raise CorpusError(
            f"{folder}: this is not a folder. Name the folder that holds the notes: "
            f"askhistory index --corpus {folder.parent}"
        )


def _markdown_files(folder: Path, problems: list[Problem]) -> Iterator[Path]:
    """The files to read, sorted. Folders that cannot be entered become problems."""
    found: list[Path] = []

    def note(error: OSError) -> None:
        name = _name(Path(error.filename or folder), folder)
        problems.append(
            Problem(name, None, f"cannot be listed ({error.strerror}); allow reading the folder")
        )

    for parent, folders, files in os.walk(folder, onerror=note):
        here = Path(parent)
        for name in sorted(folders):
            linked = (here / name).is_symlink()
            if linked and not name.startswith(".") and not _is_inside(here / name, folder):
                problems.append(_leads_out(_name(here / name, folder)))
            if linked or name.startswith("."):
                folders.remove(name)
        found += (
            here / name
            for name in files
            if name.lower().endswith(_SUFFIXES)
            and name != _TABLE_OF_CONTENTS
            and not name.startswith(".")
        )
    yield from sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def _name(path: Path, root: Path) -> str:
    """A file's path in the corpus, in characters that can be printed and stored."""
    name = path.relative_to(root) if path.is_relative_to(root) else Path(path.name)
    return name.as_posix().encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _is_inside(path: Path, root: Path) -> bool:
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        # Links that go round in a circle.
        return False


def _leads_out(page: str) -> Problem:
    return Problem(
        page, None, "is a link that leads out of the folder; copy the notes into the folder"
    )


def _read(path: Path, root: Path, max_bytes: int) -> tuple[Page, tuple[Problem, ...]]:
    name = _name(path, root)
    if path.is_symlink() and not _is_inside(path, root):
        raise _UnreadableError(_leads_out(name))
    try:
        status = path.stat()
        # Opening a pipe would wait for ever.
        if not stat.S_ISREG(status.st_mode):
            raise _unreadable(name, None, "is not a regular file; replace it with one")
        if status.st_size > max_bytes:
            size, limit = status.st_size / 1e6, max_bytes / 1e6
            raise _unreadable(
                name,
                None,
                f"is {size:.1f} MB, over the limit of {limit:.1f} MB; split it into smaller pages",
            )
        data = path.read_bytes()
    except OSError as error:
        raise _unreadable(
            name, None, f"cannot be read ({error.strerror or error}); mend or remove it"
        ) from error
    return _parse(_decode(data, name), name, data)


def _decode(data: bytes, name: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _unreadable(name, 1, "is UTF-16; save it as UTF-8")
    nul = data.find(b"\0")
    if nul >= 0:
        line = data.count(b"\n", 0, nul) + 1
        raise _unreadable(
            name, line, "holds binary data, not Markdown; remove it or give it its real ending"
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _unreadable(
            name,
            line,
            f"is not valid UTF-8 (byte 0x{data[error.start]:02x}); save it as UTF-8",
        ) from error


def _parse(markdown: str, path: str, data: bytes) -> tuple[Page, tuple[Problem, ...]]:
    lines = _LINE_BREAK.split(markdown.removeprefix("\ufeff"))
    if not any(line.strip() for line in lines):
        raise _unreadable(path, None, "is empty; write notes into it or remove it")
    front = read_front_matter(lines)
    source = Source(lines, front.end)
    try:
        outline = read_outline(source, path)
    except RecursionError as error:
        message = "is nested too deeply to be read; flatten its lists"
        raise _unreadable(path, None, message) from error
    broken = [front.problem] if front.problem else []
    problems = [
        Problem(path, line, message)
        for line, message in (*broken, *source.problems, *outline.problems)
    ]
    title = outline.title or front.title or _readable(path)
    sections = outline.sections(title)
    if not sections:
        nothing = Problem(path, None, "holds no heading and no point; write notes into it")
        raise _UnreadableError((problems or [nothing])[0])
    return Page(path, title, sections, hashlib.sha256(data).hexdigest()), tuple(problems)


def _readable(path: str) -> str:
    """A title made of the file's name, or of the folder's for GitBook's README."""
    pure = PurePosixPath(path)
    name = pure.parent.name if pure.stem.lower() == "readme" and pure.parent.name else pure.stem
    words = re.sub(r"[-_\s]+", " ", repair(name)).strip()
    return words[:1].upper() + words[1:] or "Notes"
