"""Passages, vectors and manifest on disk: built, checked, opened, searched.

The only home of FAISS and bm25s. Nothing is stored as pickle, and vectors of points are
memory-mapped, so that opening costs the reading of the files and no copy of them.

The folder::

    index/
    ├── manifest.json        what the index is made of, and which build is the current one
    ├── .lock                held by the one process that builds
    └── build-<16 hex>/      one build; written once, never changed
        ├── sections.jsonl  points.jsonl  passages.jsonl        one object a line, to be read
        ├── passages.faiss                                      a vector per passage
        ├── points.npy    point-tokens.npy    point-starts.npy
        ├── headings.npy  heading-tokens.npy  heading-starts.npy
        ├── *-sums.npy                                          a checksum per block of the four
        ├── point-words.npy    point-word-starts.npy            a number per word of each point
        └── bm25-*                                              term weights of the passages

A build goes into a folder of its own. Only when all of it is on the disk is `manifest.json`
replaced by one that names it, in a single rename: whatever ends a build before that leaves
the old index as it was, and its remains are cleared away by the next. Who has an older
build open keeps reading it (on Windows it is cleared by a later build instead).

The manifest names size and SHA-256 of every file and ends with its own, so that a
truncated, flipped or foreign file is recognised when the index is opened. Only a file of vectors
above `_CHECKED_WHOLE` is checked block by block, each when it is first read: to open an index costs
about the same however large it is, and nothing damaged is read.

Token vectors of all points lie in one array, those of point i from `point_starts[i]` to
`point_starts[i + 1]`: the tokens of neighbouring points are one slice. A text that is longer
than the encoder reads is encoded in parts, whose tokens follow each other.
"""

from __future__ import annotations

import hashlib
import math
import secrets
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache, partial
from itertools import accumulate, chain
from pathlib import Path
from typing import Any, Final, Self

import bm25s
import faiss
import numpy as np
from numpy.typing import NDArray

from askhistory.chunking import cut, heading_text, point_context, split
from askhistory.manifest import (
    FORMAT,
    Manifest,
    clear,
    is_stale,
    read_manifest,
    stale,
    stamp,
    swap_in,
    unreadable,
)
from askhistory.models import Progress, TextEncoder
from askhistory.quantization import SCALE_BYTES, pack
from askhistory.schema import (
    Corpus,
    CorpusError,
    IndexMissingError,
    IndexStaleError,
    IndexUnusableError,
    Passage,
    Point,
    Section,
    point_from_dict,
)
from askhistory.storage import (
    CheckedRows,
    RowWriter,
    block_sums,
    explained,
    locked,
    read_lines,
    sha256,
    sync,
    to_json,
    write_lines,
)

__all__ = ["BuildReport", "Index", "Manifest", "build", "is_stale", "read_manifest"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Rows = NDArray[Any] | CheckedRows
"""Vectors, one a row, that stay on the disk."""

_BM25_FILES: Final = {
    "data_name": "bm25-weights.npy",
    "indices_name": "bm25-passages.npy",
    "indptr_name": "bm25-starts.npy",
    "vocab_name": "bm25-terms.json",
    "params_name": "bm25-settings.json",
}
_ROWS: Final = ("points", "point-tokens", "headings", "heading-tokens")
"""The files of vectors, which grow large."""
_FILES: Final = frozenset(
    {
        "sections.jsonl",
        "points.jsonl",
        "passages.jsonl",
        "passages.faiss",
        *(f"{kind}-starts.npy" for kind in ("point", "heading")),
        *(f"{rows}.npy" for rows in _ROWS),
        *(f"{rows}-sums.npy" for rows in _ROWS),
        "point-words.npy",
        "point-word-starts.npy",
        *_BM25_FILES.values(),
    }
)
_CHECKED_WHOLE: Final = 1 << 26
"""Bytes of a file of vectors that are checked on opening; more are checked as they are read. 64 MB
take SHA-256 a tenth of a second."""
_FLAT: Final = 1 << 15
"""Passages up to which each is compared with the question, exactly: about 150,000 points. Above,
vectors are sorted into lists (FAISS' IVF) of which the nearest are looked through. Measured on two
busy cores: 50,000 passages take 47 ms compared one by one and 0.6 ms through lists; 218,000 take
210 ms and 1.7 ms. HNSW was as good and slower to build."""
_PROBED: Final = 64
"""Lists that are looked through of 4 × √passages: recall@10 0.999 at 50,000 passages."""
_ROUNDS: Final = 10
"""Of k-means; more made no list better."""
_LEARNT_FROM: Final = 40
"""Vectors per list from which k-means learns; with fewer, FAISS warns."""
_WINDOW: Final = 1024
"""Texts encoded before their vectors are written: bounds the memory of a build."""
_NUMBERED: Final = 65_536
"""Words whose numbers are kept at hand."""


# ------------------------------------------------------------------------------ the index


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """An index that has been opened: read-only, and safe to use from several threads.

    Sections, points and passages are known by their place in the order of the corpus, from 0.

    Attributes:
        folder: Where it is.
        stamp: Of the manifest, as `manifest.stamp` gave it.
        manifest: What it is made of.
        sections: With their points.
        points: Of all sections.
        passages: Of all sections.
        point_section: (points,) the section of each point.
        section_starts: (sections + 1,) the points of section i are those from
            `section_starts[i]` to `section_starts[i + 1]`.
        passage_section: (passages,) the section of each passage, ascending.
        passage_points: Per passage the points it holds.
        point_vectors: (points, dimension) float32 sentence vectors, rows of unit length.
        point_token_vectors: (tokens, dimension + 2) int8, vectors of unit length as
            `quantization.pack` packs them.
        point_starts: (points + 1,) where the tokens of each point begin.
        typical_length: Tokens of a point, in the geometric mean (of one more than each has, as a
            point may have none); 0 of no points.
        heading_vectors: (sections, dimension) float32 sentence vectors of the heading paths.
        heading_token_vectors: (tokens, dimension + 2) int8, packed like those.
        heading_starts: (sections + 1,) where the tokens of each heading path begin.
    """

    folder: Path
    stamp: tuple[int, ...] | None
    manifest: Manifest
    sections: tuple[Section, ...]
    points: tuple[Point, ...]
    passages: tuple[Passage, ...]
    point_section: Ints
    section_starts: Ints
    passage_section: Ints
    passage_points: tuple[Ints, ...]
    point_vectors: Rows
    point_token_vectors: Rows
    point_starts: Ints
    typical_length: float
    heading_vectors: Rows
    heading_token_vectors: Rows
    heading_starts: Ints
    _point_words: Ints
    _point_word_starts: Ints
    _faiss: Any
    _bm25: Any

    @property
    def build(self) -> str:
        """Name of the build that it was read from; each build has its own."""
        return self.manifest.build

    @classmethod
    def open(cls, folder: Path, *, encoder_sha256: str | None = None, whole: bool = False) -> Self:
        """Open the index in a folder after checking its files.

        Vectors in files above 64 MB are checked when they are read; to read damaged ones raises
        IndexStaleError.

        Args:
            folder: Of the index.
            encoder_sha256: Of the weights that will encode the questions; None to take the
                index whatever it was made with.
            whole: Whether every byte is to be checked now.

        Raises:
            IndexMissingError: There is no index.
            IndexStaleError: It is damaged, of another format, or made with another model.
            IndexUnusableError: It cannot be read.
        """
        while True:
            # Before it is read: whatever comes after that is taken for new.
            seen = stamp(folder)
            manifest = read_manifest(folder)
            if encoder_sha256 is not None and manifest.model_sha256 != encoder_sha256:
                raise stale(folder, f"it was made with another encoder ({manifest.model})")
            try:
                return cls._load(folder, seen, manifest, whole)
            except FileNotFoundError as error:
                # A build that ended just now has cleared this one away: take the new one.
                if read_manifest(folder).build == manifest.build:
                    raise stale(folder, "a file of it is missing") from error
            except OSError as error:
                raise unreadable(folder, error) from error
            except (ValueError, KeyError, TypeError, IndexError, RuntimeError) as error:
                raise stale(folder, str(error)) from error

    @classmethod
    def _load(
        cls, folder: Path, seen: tuple[int, ...] | None, manifest: Manifest, whole: bool
    ) -> Self:
        build = folder / manifest.build
        if manifest.files.keys() != _FILES:
            raise ValueError("manifest.json does not name the files of an index")
        later = {
            f"{rows}.npy"
            for rows in _ROWS
            if manifest.files[f"{rows}.npy"][0] > _CHECKED_WHOLE and not whole
        }
        for name, (size, digest) in manifest.files.items():
            if (build / name).stat().st_size != size:
                raise ValueError(f"{name} has been cut off or added to")
            if name not in later and sha256(build / name) != digest:
                raise ValueError(f"{name} is damaged")
        rows = partial(_read_rows, build, later)
        sections, points, section_starts = _read_sections(build)
        passages, passage_points = _read_passages(build, points)
        point_starts = np.load(build / "point-starts.npy", allow_pickle=False)
        index = cls(
            folder=folder,
            stamp=seen,
            manifest=manifest,
            sections=sections,
            points=points,
            passages=passages,
            point_section=np.repeat(np.arange(len(sections)), np.diff(section_starts)),
            section_starts=section_starts,
            passage_section=np.array([passage.section for passage in passages], np.int64),
            passage_points=passage_points,
            point_vectors=rows("points"),
            point_token_vectors=rows("point-tokens"),
            point_starts=point_starts,
            typical_length=_typical(np.diff(point_starts)),
            heading_vectors=rows("headings"),
            heading_token_vectors=rows("heading-tokens"),
            heading_starts=np.load(build / "heading-starts.npy", allow_pickle=False),
            _point_words=_mapped(build / "point-words.npy"),
            _point_word_starts=np.load(build / "point-word-starts.npy", allow_pickle=False),
            _faiss=_read_faiss(build / "passages.faiss"),
            _bm25=bm25s.BM25.load(build, mmap=True, show_progress=False, **_BM25_FILES),
        )
        index._check()
        return index

    def _check(self) -> None:
        """Raise ValueError unless the parts are of sizes that fit each other."""
        width = self.manifest.dimension
        counts = self.manifest.counts
        found = {
            "pages": len(self.manifest.pages),
            "sections": len(self.sections),
            "points": len(self.points),
            "passages": len(self.passages),
            "tokens": len(self.point_token_vectors),
        }
        fits = (
            found == dict(counts)
            and len(self.manifest.sections) == len(self.sections)
            and self.point_vectors.shape == (len(self.points), width)
            and self.heading_vectors.shape == (len(self.sections), width)
            and self.point_token_vectors.shape[1:] == (width + SCALE_BYTES,)
            and self.heading_token_vectors.shape[1:] == (width + SCALE_BYTES,)
            and len(self.point_starts) == len(self.points) + 1
            and len(self.heading_starts) == len(self.sections) + 1
            and len(self._point_word_starts) == len(self.points) + 1
            and self.point_starts[-1] == len(self.point_token_vectors)
            and self._point_word_starts[-1] == len(self._point_words)
            and self.heading_starts[-1] == len(self.heading_token_vectors)
            and (self._faiss.ntotal, self._faiss.d) == (len(self.passages), width)
            and self._bm25.scores["num_docs"] == len(self.passages)
        )
        if not fits:
            raise ValueError("its parts do not fit each other")

    def search_dense(
        self, vector: NDArray[np.float32], k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Find the passages whose vectors have the greatest inner product with a vector.

        Args:
            vector: (dimension,) of unit length, so that the product is the cosine.
            k: Most passages to return.

        Returns:
            Passages and their cosines, best first, ties in the order of the corpus.
        """
        k = min(k, len(self.passages))
        scores, ids = self._faiss.search(np.asarray(vector, np.float32).reshape(1, -1), k)
        order = np.lexsort((ids[0], -scores[0]))
        order = order[ids[0][order] >= 0]  # FAISS fills up with -1 where the lists held fewer.
        return ids[0][order], scores[0][order]

    def search_bm25(
        self, terms: Sequence[str], k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Rank the passages by BM25 (Robertson & Zaragoza 2009, in Lucene's form).

        Args:
            terms: Of the question, folded as those of the notes were when the index was built.
            k: Most passages to return.

        Returns:
            Passages that hold a term at all and their scores, best first, ties in the order
            of the corpus.
        """
        known = self._bm25.get_tokens_ids(terms)
        scores = self._bm25.get_scores_from_ids(known)
        ids = np.flatnonzero(scores > 0)
        if 0 < k < len(ids):
            # To sort every passage that holds a common word would take longer than to weigh them.
            found = scores[ids]
            ids = ids[found >= np.partition(found, -k)[-k]]
        best = ids[np.argsort(-scores[ids], kind="stable")[:k]]
        return best, scores[best]

    def point_tokens(self, point: int) -> NDArray[Any]:
        """The packed token vectors of a point."""
        return self.point_token_vectors[self.point_starts[point] : self.point_starts[point + 1]]

    def heading_tokens(self, section: int) -> NDArray[Any]:
        """The packed token vectors of a section's heading path."""
        first, last = self.heading_starts[section], self.heading_starts[section + 1]
        return self.heading_token_vectors[first:last]

    def holds(self, points: Ints, words: Sequence[str]) -> NDArray[np.bool_]:
        """Say which points hold which words, abbreviations spelt out.

        Args:
            points: Numbers of n points.
            words: W of them, folded as those of the notes were when the index was built.

        Returns:
            (n, W) whether each point holds each word.
        """
        starts = self._point_word_starts[points]
        counts = self._point_word_starts[points + 1] - starts
        rows = np.repeat(np.arange(len(points)), counts)
        held = self._point_words[ranges(starts, counts)]
        found = np.zeros((len(points), len(words)), bool)
        for column, word in enumerate(words):
            found[rows[held == _number_of(word)], column] = True
        return found

    def section_passages(self, sections: Ints) -> tuple[Ints, Ints]:
        """The passages of some sections, one section after the other, and how many each has."""
        firsts = np.searchsorted(self.passage_section, sections)
        counts = np.searchsorted(self.passage_section, sections + 1) - firsts
        return ranges(firsts, counts), counts

    def passage_vectors(self, passages: Ints) -> NDArray[np.float32]:
        """The vectors of some passages: (passages, dimension) float32, rows of unit length."""
        rows: NDArray[np.float32] = self._faiss.reconstruct_batch(np.asarray(passages, np.int64))
        return rows


def _typical(lengths: Ints) -> float:
    return float(np.expm1(np.log1p(lengths).mean())) if len(lengths) else 0.0


def ranges(starts: Ints, counts: Ints) -> NDArray[np.int64]:
    """The numbers of several ranges, one range after the other.

    Args:
        starts: (n,) the first number of each.
        counts: (n,) how many numbers each has.
    """
    firsts = np.asarray(starts - np.cumsum(counts) + counts, np.int64)
    return np.arange(counts.sum(), dtype=np.int64) + np.repeat(firsts, counts)


# ------------------------------------------------------------------------------ the build


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did.

    Attributes:
        added: Page and heading path of each section that was not in the index before.
        changed: Of each section of which something that is embedded changed.
        removed: Of each section that is no longer in the notes.
        pages: Number of pages in the index now.
        sections: Number of sections.
        points: Number of points.
        passages: Number of passages.
        embedded: Number of texts that had to be embedded.
        seconds: That the build took.
        note: Why nothing of an index that was there could be used again; empty otherwise.
    """

    added: tuple[tuple[str, tuple[str, ...]], ...]
    changed: tuple[tuple[str, tuple[str, ...]], ...]
    removed: tuple[tuple[str, tuple[str, ...]], ...]
    pages: int
    sections: int
    points: int
    passages: int
    embedded: int
    seconds: float
    note: str = ""


_Text = tuple[str, str]
"""What is read before a text but not kept, and the text."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """All that is to be embedded, and where in the old index it already is (-1: nowhere)."""

    sections: tuple[Section, ...]
    points: tuple[Point, ...]
    passages: tuple[Passage, ...]
    passage_points: tuple[tuple[int, ...], ...]
    digests: tuple[str, ...]
    heading_texts: tuple[_Text, ...]
    point_texts: tuple[_Text, ...]
    old_headings: Ints
    old_points: Ints
    old_passages: Ints


@lru_cache(maxsize=_NUMBERED)
def _number_of(word: str) -> np.uint64:
    """A number that stands for a word: two of a million words share one once in 10⁷ corpora."""
    digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest))


def build(
    corpus: Corpus,
    encoder: TextEncoder,
    folder: Path,
    *,
    budget: int,
    terms: Callable[[str], list[str]],
    folded: Callable[[str], Collection[str]],
    expand: Callable[[str], str] = str,
    progress: Progress | None = None,
) -> BuildReport:
    """Build the index of a corpus in a folder, embedding only what changed since the last one.

    The index that is there stays whole and readable until the new one takes its place in one
    step, whatever happens in between.

    Args:
        corpus: The notes.
        encoder: What embeds them.
        folder: Of the index; made where it is missing.
        budget: Most tiktoken tokens in a passage. A passage that is longer than the encoder
            reads all the same is split by the encoder's own count.
        terms: Folds a text into the terms that BM25 counts.
        folded: Folds a text into all of its words, for `Index.holds`.
        expand: Spells out, for reading, what a point's text leaves abbreviated.
        progress: Called with the number of texts embedded and of texts to embed.

    Raises:
        CorpusError: There is no point in the notes.
        IndexUnusableError: The folder cannot be written (another process is building there, no
            space, no permission).
    """
    started = time.perf_counter()
    if not any(section.points for section in corpus.sections):
        raise CorpusError(
            "There is nothing to index: the notes hold no text under any heading. "
            'Write some, or name another folder with "--corpus DIR".'
        )
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder):
            before, old, note = _previous(folder, encoder)
            plan = _plan(corpus, encoder, budget, expand, old)
            clear(folder, keep=before.build if before is not None else None)
            target = folder / f"build-{secrets.token_hex(8)}"
            try:
                tally = _write_build(target, plan, old, encoder, terms, folded, progress)
                manifest = Manifest(
                    format=FORMAT,
                    build=target.name,
                    model=encoder.name,
                    model_sha256=encoder.sha256,
                    dimension=encoder.dimension,
                    token_budget=budget,
                    counts={
                        "pages": len(corpus.pages),
                        "sections": len(plan.sections),
                        "points": len(plan.points),
                        "passages": len(plan.passages),
                        "tokens": tally.tokens,
                    },
                    pages={page.path: page.sha256 for page in corpus.pages},
                    sections=tuple(
                        (section.page, section.headings, digest)
                        for section, digest in zip(plan.sections, plan.digests, strict=True)
                    ),
                    files={
                        name: ((target / name).stat().st_size, sha256(target / name))
                        for name in _FILES
                    },
                )
                swap_in(folder, manifest)
            except BaseException:
                shutil.rmtree(target, ignore_errors=True)
                raise
            clear(folder, keep=target.name)
    added, changed, removed = _difference(before, manifest)
    return BuildReport(
        added,
        changed,
        removed,
        pages=len(corpus.pages),
        sections=len(plan.sections),
        points=len(plan.points),
        passages=len(plan.passages),
        embedded=tally.embedded,
        seconds=time.perf_counter() - started,
        note=note,
    )


def _previous(folder: Path, encoder: TextEncoder) -> tuple[Manifest | None, Index | None, str]:
    """The manifest that is there, the index if its vectors can be used again, else why not."""
    try:
        before = read_manifest(folder)
    except IndexMissingError:
        return None, None, ""
    except IndexStaleError as error:
        return None, None, str(error)
    try:
        return before, Index.open(folder, encoder_sha256=encoder.sha256), ""
    except IndexUnusableError as error:
        return before, None, str(error)


def _plan(
    corpus: Corpus,
    encoder: TextEncoder,
    budget: int,
    expand: Callable[[str], str],
    old: Index | None,
) -> _Plan:
    """Say what is to be embedded and what of it the old index has."""
    sections = corpus.sections
    passages: list[Passage] = []
    passage_points: list[tuple[int, ...]] = []
    heading_texts: list[_Text] = []
    point_texts: list[_Text] = []
    digests: list[str] = []
    old_rows: tuple[list[int], list[int], list[int]] = ([], [], [])
    known = _known(old)
    for number, section in enumerate(sections):
        split_up = _passages(section, number, encoder, budget)
        first = len(point_texts)
        place = {id(point): first + i for i, point in enumerate(section.points)}
        by_number = {point.number: point for point in section.points}
        heading = heading_text(section.headings)
        texts = [
            (point_context(point, _parent(point, by_number)), expand(point.text))
            for point in section.points
        ]
        wanted = [heading, texts, [passage.text for passage in split_up]]
        digest = hashlib.sha256(to_json(wanted).encode("utf-8", "surrogatepass")).hexdigest()
        passages += split_up
        passage_points += (tuple(place[id(p)] for p in passage.points) for passage in split_up)
        heading_texts.append(("", heading))
        point_texts += texts
        digests.append(digest)
        lengths = (1, len(texts), len(split_up))
        for rows, start, length in zip(
            old_rows, known.get(digest, (None,) * 3), lengths, strict=True
        ):
            rows += [-1] * length if start is None else range(start, start + length)
    old_headings, old_points, old_passages = (np.array(rows, np.int64) for rows in old_rows)
    return _Plan(
        sections=sections,
        points=tuple(point for section in sections for point in section.points),
        passages=tuple(passages),
        passage_points=tuple(passage_points),
        digests=tuple(digests),
        heading_texts=tuple(heading_texts),
        point_texts=tuple(point_texts),
        old_headings=old_headings,
        old_points=old_points,
        old_passages=old_passages,
    )


def _parent(point: Point, by_number: Mapping[int, Point]) -> Point | None:
    return None if point.parent is None else by_number.get(point.parent)


def _known(old: Index | None) -> dict[str, tuple[int | None, ...]]:
    """By a section's digest: its heading's row, its first point's and its first passage's."""
    if old is None:
        return {}
    owners = np.array([passage.section for passage in old.passages], np.int64)
    firsts = np.searchsorted(owners, np.arange(len(old.sections)))
    return {
        digest: (number, int(old.section_starts[number]), int(firsts[number]))
        for number, (_, _, digest) in enumerate(old.manifest.sections)
    }


def _passages(section: Section, number: int, encoder: TextEncoder, budget: int) -> list[Passage]:
    """Split a section so that the encoder reads every passage to its end."""
    passages = split(section, number, budget=budget)
    if any(encoder.count_tokens(passage.text) > encoder.max_tokens for passage in passages):
        limit = encoder.max_tokens
        passages = split(section, number, budget=limit, count=encoder.count_tokens)
        if any(encoder.count_tokens(passage.text) > limit for passage in passages):
            raise IndexUnusableError(
                f"{section.page}:{section.line}: a passage of this section cannot be brought "
                f"under the {limit} tokens that {encoder.name} reads. Shorten its headings."
            )
    return passages


def _difference(
    before: Manifest | None, after: Manifest
) -> tuple[tuple[tuple[str, tuple[str, ...]], ...], ...]:
    """Which sections were added, changed and removed; same headings are told apart by order."""

    def named(manifest: Manifest) -> dict[tuple[str, tuple[str, ...], int], str]:
        seen: dict[tuple[str, tuple[str, ...]], int] = {}
        digests = {}
        for page, headings, digest in manifest.sections:
            nth = seen[page, headings] = seen.get((page, headings), 0) + 1
            digests[page, headings, nth] = digest
        return digests

    old, new = (named(before) if before is not None else {}), named(after)
    added = tuple(key[:2] for key in new if key not in old)
    changed = tuple(key[:2] for key in new if key in old and old[key] != new[key])
    removed = tuple(key[:2] for key in old if key not in new)
    return added, changed, removed


# ----------------------------------------------------------------------------- writing


@dataclass(slots=True)
class _Tally:
    """What a build counts as it goes on."""

    tokens: int = 0
    embedded: int = 0


def _write_build(
    target: Path,
    plan: _Plan,
    old: Index | None,
    encoder: TextEncoder,
    terms: Callable[[str], list[str]],
    folded: Callable[[str], Collection[str]],
    progress: Progress | None,
) -> _Tally:
    """Write every file of a build, down to the disk."""
    tally = _Tally()
    fresh = [rows < 0 for rows in (plan.old_headings, plan.old_points, plan.old_passages)]
    total = int(sum(rows.sum() for rows in fresh))

    def embedded(count: int) -> None:
        tally.embedded += count
        if progress is not None:
            progress(tally.embedded, total)

    target.mkdir()
    _write_words(target, plan)
    _write_bm25(target, plan, terms)
    _write_numbers(target, plan, folded)
    headings = (old.heading_vectors, old.heading_tokens) if old is not None else None
    _write_tokens(
        target, "heading", plan.heading_texts, plan.old_headings, headings, encoder, embedded
    )
    points = (old.point_vectors, old.point_tokens) if old is not None else None
    tally.tokens = _write_tokens(
        target, "point", plan.point_texts, plan.old_points, points, encoder, embedded
    )
    _write_faiss(target, plan, old, encoder, embedded)
    for rows in _ROWS:
        sums = block_sums(target / f"{rows}.npy")
        np.save(target / f"{rows}-sums.npy", sums, allow_pickle=False)
    for name in _FILES:
        sync(target / name)
    sync(target)
    return tally


def _write_words(target: Path, plan: _Plan) -> None:
    """Write what people can read: sections, points and passages, one JSON object a line."""
    write_lines(
        target / "sections.jsonl",
        ({**_plain(section, "points"), "points": len(section.points)} for section in plan.sections),
    )
    write_lines(target / "points.jsonl", (_plain(point) for point in plan.points))
    write_lines(
        target / "passages.jsonl",
        (
            {**_plain(passage, "points"), "points": held}
            for passage, held in zip(plan.passages, plan.passage_points, strict=True)
        ),
    )


def _write_bm25(target: Path, plan: _Plan, terms: Callable[[str], list[str]]) -> None:
    """Weigh the terms of the passages (BM25 with k1 = 1.5, b = 0.75)."""
    texts = [terms(passage.text) for passage in plan.passages]
    # Sorted, so that the same notes give the same file; never empty, which bm25s cannot take.
    words = sorted({"", *chain.from_iterable(texts)})
    vocabulary = {term: number for number, term in enumerate(words)}
    numbers = [[vocabulary[term] for term in text] for text in texts]
    weights = bm25s.BM25(k1=1.5, b=0.75, method="lucene", backend="numpy")
    weights.index((numbers, vocabulary), show_progress=False)
    weights.save(target, show_progress=False, **_BM25_FILES)


def _write_numbers(target: Path, plan: _Plan, folded: Callable[[str], Collection[str]]) -> None:
    """Write which words each point holds."""
    held = [[_number_of(word) for word in sorted(folded(text))] for _, text in plan.point_texts]
    starts = np.array([0, *accumulate(map(len, held))], np.int64)
    numbers = np.fromiter(chain.from_iterable(held), np.uint64, count=int(starts[-1]))
    np.save(target / "point-words.npy", numbers, allow_pickle=False)
    np.save(target / "point-word-starts.npy", starts, allow_pickle=False)


def _write_tokens(
    target: Path,
    kind: str,
    texts: Sequence[_Text],
    old_rows: Ints,
    old: tuple[Rows, Callable[[int], NDArray[Any]]] | None,
    encoder: TextEncoder,
    embedded: Callable[[int], None],
) -> int:
    """Write sentence and token vectors of texts in their order; return the number of tokens."""
    starts = [0]
    width = encoder.dimension
    with (
        RowWriter(target / f"{kind}s.npy", width, np.float32) as sentences,
        RowWriter(target / f"{kind}-tokens.npy", width + SCALE_BYTES, np.int8) as tokens,
    ):
        for window in _windows(len(texts)):
            wanted = [place for place in window if old_rows[place] < 0]
            made = dict(
                zip(wanted, _encode(encoder, [texts[p] for p in wanted], embedded), strict=True)
            )
            for place in window:
                if place in made:
                    sentence, states = made[place][0], pack(made[place][1])
                else:
                    assert old is not None
                    row = int(old_rows[place])
                    sentence, states = old[0][row : row + 1], old[1](row)
                sentences.append(sentence)
                tokens.append(states)
                starts.append(starts[-1] + len(states))
    np.save(target / f"{kind}-starts.npy", np.array(starts, np.int64), allow_pickle=False)
    return starts[-1]


def _encode(
    encoder: TextEncoder, texts: Sequence[_Text], embedded: Callable[[int], None]
) -> Iterator[tuple[Floats, Floats]]:
    """Encode texts whole: one that is too long in parts, its sentence vector their mean.

    The tokens of a text's context are read with it and left out of what is returned.
    """
    parts = [_parts(encoder, context, text) for context, text in texts]
    encoding = encoder.encode([context + part for pieces in parts for context, part in pieces])
    first = 0
    for pieces in parts:
        rows = range(first, first + len(pieces))
        first = rows.stop
        mean = encoding.sentences[rows.start : rows.stop].mean(axis=0)
        states = [
            encoding.tokens[row][encoding.offsets[row][:, 0] >= len(context)]
            for row, (context, _) in zip(rows, pieces, strict=True)
        ]
        yield (mean / np.linalg.norm(mean))[None], np.concatenate(states)
    embedded(len(texts))


def _parts(encoder: TextEncoder, context: str, text: str) -> list[_Text]:
    """A text in parts that the encoder reads whole, each after the context if that is short."""
    if encoder.count_tokens(context) > encoder.max_tokens // 2:
        context = ""
    parts = cut(text, lambda part: encoder.count_tokens(context + part) <= encoder.max_tokens)
    return [(context, part) for part in parts]


def _write_faiss(
    target: Path,
    plan: _Plan,
    old: Index | None,
    encoder: TextEncoder,
    embedded: Callable[[int], None],
) -> None:
    """Write the vectors of the passages as a FAISS index of inner products."""
    vectors = np.empty((len(plan.passages), encoder.dimension), np.float32)
    same = plan.old_passages >= 0
    if old is not None:
        vectors[same] = old.passage_vectors(plan.old_passages[same])
    fresh = np.flatnonzero(~same)
    for window in _windows(len(fresh)):
        places = fresh[window.start : window.stop]
        vectors[places] = encoder.encode_sentences([plan.passages[p].text for p in places])
        embedded(len(places))
    # Through an array rather than FAISS' own file writer, so that a full disk is an OSError.
    _faiss_index(vectors).tofile(target / "passages.faiss")


def _faiss_index(vectors: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The FAISS index of some vectors, as the bytes of its file; the same for the same vectors."""
    count, width = vectors.shape
    flat = faiss.IndexFlatIP(width)
    if count <= _FLAT:
        flat.add(vectors)
        return np.asarray(faiss.serialize_index(flat))
    lists = int(4 * math.sqrt(count))
    found = faiss.IndexIVFFlat(flat, width, lists, faiss.METRIC_INNER_PRODUCT)
    found.nprobe = min(_PROBED, lists)
    found.cp.niter = _ROUNDS
    sample = np.random.default_rng(0).permutation(count)[: _LEARNT_FROM * lists]
    found.train(vectors[np.sort(sample)])
    found.add(vectors)
    return np.asarray(faiss.serialize_index(found))


def _windows(count: int) -> Iterator[range]:
    for first in range(0, count, _WINDOW):
        yield range(first, min(first + _WINDOW, count))


# ----------------------------------------------------------------------------- reading


def _read_rows(build: Path, later: Collection[str], name: str) -> Rows:
    """Map a file of vectors, with its checksums where it is to be checked as it is read."""
    path = build / f"{name}.npy"
    if path.name not in later:
        return _mapped(path)
    sums = np.load(build / f"{name}-sums.npy", allow_pickle=False)
    return CheckedRows(path, sums, partial(stale, build.parent))


def _mapped(path: Path) -> NDArray[Any]:
    # Plain arrays over the mapped memory: slicing a memmap object is far slower.
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def _read_faiss(path: Path) -> Any:
    """Map a FAISS index, so that vectors can be had by their number too."""
    found = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    if isinstance(found, faiss.IndexIVF):
        found.make_direct_map()
    return found


def _read_sections(build: Path) -> tuple[tuple[Section, ...], tuple[Point, ...], Ints]:
    points = tuple(point_from_dict(line) for line in _sharing(read_lines(build / "points.jsonl")))
    lines = list(read_lines(build / "sections.jsonl"))
    starts = [0, *accumulate(line["points"] for line in lines)]
    sections = tuple(
        Section(**{**line, "headings": tuple(line["headings"]), "points": points[first:last]})
        for line, first, last in zip(lines, starts, starts[1:], strict=False)
    )
    return sections, points, np.array(starts, np.int64)


def _sharing(lines: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Lines whose pages and heading paths are in memory once, and not once a point."""
    known: dict[Any, Any] = {}
    for line in lines:
        headings = tuple(line["headings"])
        line["headings"] = known.setdefault(headings, headings)
        line["page"] = known.setdefault(line["page"], line["page"])
        yield line


def _read_passages(
    build: Path, points: Sequence[Point]
) -> tuple[tuple[Passage, ...], tuple[Ints, ...]]:
    lines = list(read_lines(build / "passages.jsonl"))
    passages = tuple(
        Passage(**{**line, "points": tuple(points[i] for i in line["points"])}) for line in lines
    )
    return passages, tuple(np.array(line["points"], np.int64) for line in lines)


def _plain(thing: Section | Point | Passage, *without: str) -> dict[str, Any]:
    return {
        field.name: getattr(thing, field.name)
        for field in fields(thing)
        if field.name not in without
    }
