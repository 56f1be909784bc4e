"""What an index is made of: format, model, settings, counts, digests, and the current build.

The manifest is the one file of the index that is ever replaced, and so decides in a single
rename which build counts.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from askhistory.schema import IndexMissingError, IndexStaleError, IndexUnusableError
from askhistory.storage import sync, to_json

FORMAT: Final = 6
"""Raise it whenever what is stored changes, or how it is computed from the same notes
(the terms of BM25 included): an index of another format is rebuilt."""

SOURCE: Final = "corpus.txt"
"""File beside the manifest: where the notes are, relative to the index where that can be."""
_MANIFEST = "manifest.json"
_BUILD = re.compile(r"build-[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index is made of.

    Attributes:
        format: Of the files, see `FORMAT`.
        build: Name of the folder that holds them.
        model: Name of the encoder.
        model_sha256: Of the encoder's weights, in hexadecimal.
        dimension: Length of a vector.
        token_budget: Most tiktoken tokens in a passage.
        counts: Number of pages, sections, points, passages and token vectors of points.
        pages: SHA-256 of each page's bytes by its path.
        sections: Page, heading path and SHA-256 of all that is embedded for the section, in
            the order of the corpus.
        files: Bytes and SHA-256 of each file of the build by its name.
    """

    format: int
    build: str
    model: str
    model_sha256: str
    dimension: int
    token_budget: int
    counts: Mapping[str, int]
    pages: Mapping[str, str]
    sections: tuple[tuple[str, tuple[str, ...], str], ...]
    files: Mapping[str, tuple[int, str]]

    def to_bytes(self) -> bytes:
        """The manifest as the file holds it; ends with the SHA-256 of what stands before."""
        content: dict[str, Any] = {
            "format": self.format,
            "build": self.build,
            "model": {
                "name": self.model,
                "sha256": self.model_sha256,
                "dimension": self.dimension,
            },
            "settings": {"token_budget": self.token_budget},
            "counts": dict(self.counts),
            "pages": dict(self.pages),
            "sections": [
                {"page": page, "headings": list(headings), "sha256": digest}
                for page, headings, digest in self.sections
            ],
            "files": {
                name: {"bytes": size, "sha256": digest}
                for name, (size, digest) in sorted(self.files.items())
            },
        }
        own = hashlib.sha256(to_json(content).encode("utf-8", "surrogatepass")).hexdigest()
        text = json.dumps({**content, "sha256": own}, ensure_ascii=False, indent=1)
        return f"{text}\n".encode("utf-8", "surrogatepass")

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a manifest.

        Raises:
            ValueError: It is not one, is of another format, or was changed after it was written.
        """
        try:
            content = json.loads(data.decode("utf-8", "surrogatepass"))
            found = content["format"]
        except (ValueError, RecursionError, KeyError, TypeError) as error:
            raise ValueError("manifest.json is damaged") from error
        if found != FORMAT:
            raise ValueError(f"its format is {found}, this version of askhistory reads {FORMAT}")
        try:
            manifest = cls(
                format=found,
                build=content["build"],
                model=content["model"]["name"],
                model_sha256=content["model"]["sha256"],
                dimension=content["model"]["dimension"],
                token_budget=content["settings"]["token_budget"],
                counts=content["counts"],
                pages=content["pages"],
                sections=tuple(
                    (entry["page"], tuple(entry["headings"]), entry["sha256"])
                    for entry in content["sections"]
                ),
                files={
                    name: (entry["bytes"], entry["sha256"])
                    for name, entry in content["files"].items()
                },
            )
            whole = manifest.to_bytes() == data
        except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
            raise ValueError("manifest.json is damaged") from error
        if not (whole and _BUILD.fullmatch(manifest.build)):
            raise ValueError("manifest.json is damaged")
        return manifest


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of the index in a folder, without looking at its other files.

    Raises:
        IndexMissingError: There is no index.
        IndexStaleError: The manifest is damaged or of another format.
        IndexUnusableError: It cannot be read.
    """
    try:
        data = (folder / _MANIFEST).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise IndexMissingError(f"There is no index in {folder}: {_mending(folder)}.") from error
    except OSError as error:
        raise unreadable(folder, error) from error
    try:
        return Manifest.from_bytes(data)
    except ValueError as error:
        raise stale(folder, str(error)) from error


def stamp(folder: Path) -> tuple[int, ...] | None:
    """What changes whenever another build becomes the current one; None where there is no index.

    Costs a look at the folder and reads nothing.
    """
    try:
        found = (folder / _MANIFEST).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def is_stale(folder: Path, pages: Mapping[str, str], *, budget: int, encoder_sha256: str) -> bool:
    """Tell whether the index must be built before it can answer for these notes.

    Looks at the manifest only; what is wrong with other files shows when the index is opened.

    Args:
        folder: Of the index.
        pages: SHA-256 of each page's bytes by its path, as `Page` has them.
        budget: Most tiktoken tokens in a passage.
        encoder_sha256: Of the encoder's weights, in hexadecimal.

    Raises:
        IndexUnusableError: The manifest cannot be read.
    """
    try:
        manifest = read_manifest(folder)
    except (IndexMissingError, IndexStaleError):
        return True
    return (
        dict(manifest.pages) != dict(pages)
        or manifest.token_budget != budget
        or manifest.model_sha256 != encoder_sha256
    )


def swap_in(folder: Path, manifest: Manifest) -> None:
    """Make a build the current one, in one step."""
    beside = folder / f"{_MANIFEST}.new"
    beside.write_bytes(manifest.to_bytes())
    sync(beside)
    beside.replace(folder / _MANIFEST)
    sync(folder)


def clear(folder: Path, *, keep: str | None) -> None:
    """Remove the builds that are not the current one, those that were cut short included."""
    for path in folder.iterdir():
        if _BUILD.fullmatch(path.name) and path.name != keep:
            # A file that somebody has open cannot be removed on Windows: a later build will.
            shutil.rmtree(path, ignore_errors=True)


def source_of(folder: Path) -> Path | None:
    """The folder of notes that an index was built from; None where that is not known."""
    try:
        return (folder / (folder / SOURCE).read_text("utf-8")).resolve()
    except (OSError, ValueError):
        return None


def _mending(folder: Path) -> str:
    source = source_of(folder)
    corpus = f" --corpus {shlex.quote(str(source))}" if source else ""
    return f'run "askhistory index --index {shlex.quote(str(folder))}{corpus}" to build it'


def stale(folder: Path, reason: str) -> IndexStaleError:
    """Say why the index in a folder cannot be used, and what mends it."""
    return IndexStaleError(f"The index in {folder} cannot be used: {reason}; {_mending(folder)}.")


def unreadable(folder: Path, error: OSError) -> IndexUnusableError:
    """Say why the system would not read the index in a folder."""
    return IndexUnusableError(
        f"The index in {folder} cannot be read ({error.strerror or error}): "
        'make it readable, or name another folder with "--index DIR".'
    )
