"""Files that survive a crash, and one writer at a time.

What the index needs of the disk: a lock, writing down to the platter, arrays that are
written piece by piece and read block by block, one JSON object a line, digests, and words for
what the system says when it fails. Nothing here knows what an index holds.

The only home of filelock.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import mmap
import os
import socket
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import DTypeLike, NDArray

from askhistory.schema import IndexUnusableError

logger = logging.getLogger(__name__)

PATIENCE: Final = 600.0
"""Seconds that a build waits for another one of the same index to end."""

BLOCK: Final = 1 << 14
"""Bytes of a file that have a checksum of their own: 42 token vectors. Larger blocks would make a
question read more than it needs, smaller ones would make the sums themselves long to read."""

_LOCK = ".lock"
_HOLDER = ".lock-holder"


class RowWriter:
    """A two-dimensional .npy file written piece by piece, its length known only at the end."""

    def __init__(self, path: Path, width: int, dtype: DTypeLike) -> None:
        self._dtype = np.dtype(dtype)
        self._width = width
        self._count = 0
        self._file: IO[bytes] = path.open("wb")
        self._write_header()

    def append(self, rows: NDArray[Any]) -> None:
        """Write some rows: (n, width)."""
        self._file.write(np.ascontiguousarray(rows, self._dtype).tobytes())
        self._count += len(rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._file:
            if error is None:
                self._file.seek(0)
                self._write_header()

    def _write_header(self) -> None:
        # NumPy leaves room for the first axis to grow, so the header keeps its length.
        np.lib.format.write_array_header_1_0(
            self._file,
            {
                "descr": np.lib.format.dtype_to_descr(self._dtype),
                "fortran_order": False,
                "shape": (self._count, self._width),
            },
        )


def sync(path: Path) -> None:
    """Have the system write a file or a folder to the disk now."""
    if path.is_dir() and os.name == "nt":
        return  # Windows syncs folders itself
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(folder: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the folder's lock; the system gives it back however the process ends.

    Args:
        folder: That is written to.
        patience: Seconds to wait for whoever holds the lock; the wait is logged.

    Raises:
        IndexUnusableError: Somebody held it all the time.
    """
    lock = FileLock(folder / _LOCK, poll_interval=0.1)
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            logger.warning(
                "Waiting for %s, which is building the index in %s", _holder(folder), folder
            )
            lock.acquire(timeout=patience)
    except Timeout as error:
        raise IndexUnusableError(
            f"The index in {folder} is being built by {_holder(folder)}. Nothing was changed; "
            "wait until it has finished, then run the command again."
        ) from error
    try:
        # In a file of its own: on Windows nobody else can read a locked one.
        since = time.strftime("%H:%M:%S")
        name = f"process {os.getpid()} on {socket.gethostname()}, at work since {since}"
        (folder / _HOLDER).write_text(name, "utf-8")
        yield
    finally:
        with suppress(OSError):
            (folder / _HOLDER).unlink()
        lock.release()


def _holder(folder: Path) -> str:
    """Who holds the lock, for people."""
    try:
        return (folder / _HOLDER).read_text("utf-8")
    except (OSError, ValueError):
        return "another process"


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn what the system says of a failed write into what can be done about it."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        # NumPy gives no number when it could write only a part.
        if error.errno in (None, errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            mending = "free some space, then run the command again"
        else:
            mending = 'make the folder writable, or name another with "--index DIR"'
        raise IndexUnusableError(
            f"The index cannot be written to {folder} ({reason}). "
            f"An index that was there is unchanged; {mending}."
        ) from error


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Read a file of one JSON object a line."""
    # Split on line feeds alone: other line breaks that Unicode knows stand inside the texts.
    with path.open(encoding="utf-8", errors="surrogatepass", newline="\n") as file:
        for line in file:
            yield json.loads(line)


def write_lines(path: Path, objects: Iterable[dict[str, Any]]) -> None:
    """Write a file of one JSON object a line."""
    with path.open("w", encoding="utf-8", errors="surrogatepass", newline="\n") as file:
        file.writelines(f"{to_json(content)}\n" for content in objects)


def to_json(content: Any) -> str:
    """The JSON of something, on one line and in its own script."""
    return json.dumps(content, ensure_ascii=False)


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def block_sums(path: Path) -> NDArray[np.uint32]:
    """The CRC-32 of each block of a file, the last of which may be shorter."""
    with path.open("rb") as file:
        sums = [zlib.crc32(block) for block in iter(lambda: file.read(BLOCK), b"")]
    return np.array(sums, np.uint32)


class CheckedRows:
    """Rows of a .npy file, mapped, each block compared with its checksum when it is first read.

    A damaged bit cannot be read unnoticed, and opening costs nothing however large the file is.
    Indexed with a slice or with an array of row numbers; gives plain arrays.

    Args:
        path: Of a two-dimensional array.
        sums: What `block_sums` gave when the file was written.
        damaged: Makes the error to be raised, given what is wrong.
    """

    def __init__(
        self, path: Path, sums: NDArray[np.uint32], damaged: Callable[[str], Exception]
    ) -> None:
        with path.open("rb") as file:
            self._file = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        self._sums = sums
        self._damaged = damaged
        self._name = path.name
        self._read = np.zeros(len(sums), bool)
        self._check(np.zeros(1, np.int64))
        rows = np.load(path, mmap_mode="r", allow_pickle=False)
        # Plain arrays over the mapped memory: slicing a memmap object is far slower.
        self._rows: NDArray[Any] = np.asarray(rows)
        self._header = int(rows.offset)
        self.shape: tuple[int, ...] = rows.shape
        self.size = int(rows.size)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: slice | NDArray[np.integer[Any]]) -> NDArray[Any]:
        width = self._rows.strides[0]
        if isinstance(rows, slice):
            first, last, _ = rows.indices(len(self._rows))
            if last > first:
                begin, end = self._header + first * width, self._header + last * width - 1
                self._check(np.arange(begin // BLOCK, end // BLOCK + 1))
        elif len(rows):
            begins = self._header + np.asarray(rows, np.int64) * width
            self._check(np.unique([begins // BLOCK, (begins + width - 1) // BLOCK]))
        return self._rows[rows]

    def _check(self, blocks: NDArray[np.int64]) -> None:
        for block in blocks[~self._read[blocks]].tolist():
            if zlib.crc32(self._file[block * BLOCK : (block + 1) * BLOCK]) != self._sums[block]:
                raise self._damaged(f"{self._name} is damaged")
            self._read[block] = True
