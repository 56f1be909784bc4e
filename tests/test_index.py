"""The index: what is found, what is embedded again, what is detected, what is left whole."""

from __future__ import annotations

import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from askhistory import index as index_module
from askhistory import storage
from askhistory.chunking import point_context
from askhistory.index import BuildReport, Index, build, is_stale, read_manifest
from askhistory.manifest import FORMAT, Manifest
from askhistory.models import Encoder, Encoding, Progress
from askhistory.quantization import pack, unpack
from askhistory.schema import (
    Corpus,
    CorpusError,
    IndexMissingError,
    IndexStaleError,
    IndexUnusableError,
    Page,
    Point,
    Section,
)
from askhistory.storage import locked

BUDGET = 60


def terms(text: str) -> list[str]:
    return text.lower().split()


def folded(text: str) -> set[str]:
    return set(terms(text))


def make_page(path: str, title: str, sections: dict[str, Sequence[str]], sha256: str = "0") -> Page:
    """A page whose sections hold a point a line; a point that begins with a tab has a parent."""
    made, line, number = [], 1, 0
    for name, texts in sections.items():
        headings, heading_line = (title, name), line
        points: list[Point] = []
        for text in texts:
            line += 1
            parent = points[-1].number if text.startswith("\t") else None
            depth = 1 if text.startswith("\t") else 0
            points.append(
                Point(text.strip("\t"), path, headings, line, line, number, depth, parent)
            )
            number += 1
        made.append(Section(path, headings, name.lower(), heading_line, line, tuple(points)))
        line += 2
    return Page(path, title, tuple(made), sha256)


FARMING = make_page(
    "farming.md",
    "Farming",
    {
        "Aims": ["Feed the growing towns with grain.", "Export the surplus to buy machines."],
        "Resistance": [
            "Richer peasants slaughtered their animals.",
            "\tHerds halved within five years.",
            "Villages hid their harvest.",
        ],
        "Empty": [],
    },
    "a" * 64,
)
INDUSTRY = make_page(
    "industry.md",
    "Industry",
    {
        "Steel": ["Blast furnaces rose in new cities beyond the mountains."],
        "Workers": [
            "Overfulfilling a miner's quota fourteen times made a hero.",
            "Being late was a crime.",
        ],
    },
    "b" * 64,
)
CORPUS = Corpus((FARMING, INDUSTRY))


def with_section(corpus: Corpus, page: int, section: int, **changes: object) -> Corpus:
    """A corpus in which one section is another."""
    old = corpus.pages[page]
    sections = list(old.sections)
    sections[section] = replace(sections[section], **changes)
    pages = list(corpus.pages)
    pages[page] = replace(old, sections=tuple(sections), sha256="c" * 64)
    return replace(corpus, pages=tuple(pages))


CHANGED = with_section(
    CORPUS,
    0,
    0,
    points=(
        *FARMING.sections[0].points[:1],
        replace(FARMING.sections[0].points[1], text="Nothing."),
    ),
)


@dataclass
class FakeEncoder:
    """Gives a word the same random direction wherever it stands; remembers what it was given."""

    name: str = "fake"
    sha256: str = "f" * 64
    dimension: int = 16
    max_tokens: int = 40
    seen: list[str] = field(default_factory=list)

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> Encoding:
        self.seen += texts
        tokens = [self._tokens(text) for text in texts]
        spans = [[word.span() for word in re.finditer(r"\S+", text)] for text in texts]
        offsets = [
            np.array(found[: len(rows)], np.int32).reshape(-1, 2)
            for found, rows in zip(spans, tokens, strict=True)
        ]
        return Encoding(self._sentences(texts), tokens, offsets)

    def encode_sentences(
        self, texts: Sequence[str], *, progress: Progress | None = None
    ) -> np.ndarray:
        self.seen += texts
        return self._sentences(texts)

    def count_tokens(self, text: str) -> int:
        return len(text.split()) + 2

    def _tokens(self, text: str) -> np.ndarray:
        rows = [np.random.default_rng([*word.encode()]).normal(size=16) for word in text.split()]
        array = np.array(rows, np.float32).reshape(-1, 16)[: self.max_tokens - 2]
        return array / np.linalg.norm(array, axis=1, keepdims=True)

    def _sentences(self, texts: Sequence[str]) -> np.ndarray:
        sums = np.array([self._tokens(text).sum(0) + 1e-3 for text in texts], np.float32)
        sums = sums.reshape(-1, 16)
        return sums / np.linalg.norm(sums, axis=1, keepdims=True)


def make(folder: Path, corpus: Corpus = CORPUS, encoder: FakeEncoder | None = None) -> BuildReport:
    return build(
        corpus, encoder or FakeEncoder(), folder, budget=BUDGET, terms=terms, folded=folded
    )


def current(folder: Path) -> Path:
    return folder / read_manifest(folder).build


def found(folder: Path) -> list[str]:
    """The texts that a search brings: an index that answers."""
    index = Index.open(folder)
    ids, _ = index.search_bm25(["grain."], 3)
    return [index.passages[i].text for i in ids]


WHOLE = ["Farming: Aims\nFeed the growing towns with grain.\nExport the surplus to buy machines."]


# ------------------------------------------------------------------------------ searching


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder.load()


@pytest.fixture(scope="module")
def real(encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("real") / "index"
    build(CORPUS, encoder, folder, budget=BUDGET, terms=terms, folded=folded)
    return Index.open(folder, encoder_sha256=encoder.sha256)


def test_finds_by_meaning(real: Index, encoder: Encoder) -> None:
    vector = encoder.encode_sentences(["Why did the state want farms to deliver food?"])[0]
    ids, scores = real.search_dense(vector, 10)
    assert real.passages[ids[0]].text.startswith("Farming: Aims\n")
    assert sorted(ids) == list(range(len(real.passages)))
    expected = encoder.encode_sentences([real.passages[i].text for i in ids]) @ vector
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    assert list(scores) == sorted(scores, reverse=True)


def test_at_most_k_are_found(real: Index, encoder: Encoder) -> None:
    vector = encoder.encode_sentences(["grain"])[0]
    assert len(real.search_dense(vector, 2)[0]) == 2
    assert len(real.search_bm25(["farming:", "industry:"], 2)[0]) == 2


def read_alone(encoder: Encoder, context: str, text: str) -> tuple[np.ndarray, np.ndarray]:
    """The sentence vector of a text in its context, and the vectors of its own tokens."""
    encoding = encoder.encode([context + text])
    return encoding.sentences[0], encoding.tokens[0][encoder.count_tokens(context) - 2 :]


def test_holds_points_as_read_in_their_context(real: Index, encoder: Encoder) -> None:
    points = FARMING.sections[1].points
    for number, (point, parent) in enumerate([(points[0], None), (points[1], points[0])], 2):
        sentence, tokens = read_alone(encoder, point_context(point, parent), point.text)
        np.testing.assert_allclose(real.point_vectors[number], sentence, atol=1e-5)
        np.testing.assert_allclose(unpack(real.point_tokens(number)), tokens, atol=2e-3)
    words = encoder.count_tokens("Richer peasants slaughtered their animals.") - 2
    assert len(real.point_tokens(2)) == words
    assert real.point_token_vectors.dtype == np.int8
    between = real.point_token_vectors[real.point_starts[2] : real.point_starts[4]]
    apart = np.concatenate([real.point_tokens(2), real.point_tokens(3)])
    np.testing.assert_array_equal(between, apart)


def test_holds_headings_as_the_encoder_reads_them(real: Index, encoder: Encoder) -> None:
    headings = encoder.encode(["Farming: Aims", "Farming: Resistance", "Farming: Empty"])
    np.testing.assert_allclose(real.heading_vectors[:3], headings.sentences, atol=1e-5)
    for number in range(3):
        np.testing.assert_allclose(
            unpack(real.heading_tokens(number)), headings.tokens[number], atol=2e-3
        )


def test_knows_the_passages_of_a_section(real: Index) -> None:
    passages, counts = real.section_passages(np.arange(5))
    assert (passages.tolist(), counts.tolist()) == ([0, 1, 2, 3], [1, 1, 0, 1, 1])
    passages, counts = real.section_passages(np.array([1, 4]))
    assert (passages.tolist(), counts.tolist()) == ([1, 3], [1, 1])
    for passage, vector in zip([3, 0], real.passage_vectors(np.array([3, 0])), strict=True):
        ids, scores = real.search_dense(vector, 1)
        assert (ids.tolist(), scores[0]) == ([passage], pytest.approx(1, abs=1e-5))


def test_vectors_stay_on_the_disk(real: Index) -> None:
    for array in (real.point_vectors, real.point_token_vectors, real.heading_vectors):
        assert isinstance(array.base, np.memmap)
        assert not array.flags.writeable


def test_gives_the_notes_back(real: Index) -> None:
    assert real.sections == CORPUS.sections
    assert real.points == tuple(point for section in CORPUS.sections for point in section.points)
    assert real.point_section.tolist() == [0, 0, 1, 1, 1, 3, 4, 4]
    assert real.section_starts.tolist() == [0, 2, 5, 5, 6, 8]
    for passage, held in zip(real.passages, real.passage_points, strict=True):
        assert passage.points == tuple(real.points[i] for i in held)
        assert {int(real.point_section[i]) for i in held} == {passage.section}


def test_bm25_ranks_rare_terms_first_and_leaves_out_what_has_none(tmp_path: Path) -> None:
    make(tmp_path)
    index = Index.open(tmp_path)
    ids, scores = index.search_bm25(["the", "harvest."], 10)
    texts = [index.passages[i].text.split("\n")[0] for i in ids]
    assert texts[0] == "Farming: Resistance"
    assert set(texts[1:]) == {"Farming: Aims", "Industry: Steel"}
    assert all(scores > 0)
    assert index.search_bm25(["unheard-of"], 10)[0].size == 0
    assert index.search_bm25([], 10)[0].size == 0


def test_equal_scores_are_in_the_order_of_the_notes(tmp_path: Path) -> None:
    same = {f"Part {number}": ["Same words here."] for number in "xxxx"}
    pages = tuple(make_page(f"{n}.md", "Title", same, str(n)) for n in range(6))
    make(tmp_path, Corpus(pages))
    index = Index.open(tmp_path)
    ids, scores = index.search_bm25(["same"], 4)
    assert (ids.tolist(), len(set(scores.tolist()))) == ([0, 1, 2, 3], 1)
    vector = FakeEncoder().encode_sentences([index.passages[0].text])[0]
    assert index.search_dense(vector, 6)[0].tolist() == [0, 1, 2, 3, 4, 5]


def test_many_passages_are_found_through_lists_almost_as_if_compared_one_by_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    chance = np.random.default_rng(5)
    centres = np.repeat(chance.normal(size=(400, 64)), 15, axis=0)
    vectors = (centres + 0.6 * chance.normal(size=centres.shape)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    asked = vectors[::60] + 0.05 * chance.normal(size=(100, 64)).astype(np.float32)

    index_module._faiss_index(vectors).tofile(tmp_path / "exact")
    exact = index_module._read_faiss(tmp_path / "exact")
    monkeypatch.setattr(index_module, "_FLAT", 1000)
    index_module._faiss_index(vectors).tofile(tmp_path / "listed")
    listed = index_module._read_faiss(tmp_path / "listed")

    assert (type(exact).__name__, type(listed).__name__) == ("IndexFlatIP", "IndexIVFFlat")
    assert listed.nlist == int(4 * 6000**0.5)
    again = index_module._faiss_index(vectors)
    assert (tmp_path / "listed").read_bytes() == again.tobytes()
    nearest, near = exact.search(asked, 10)[1], listed.search(asked, 10)[1]
    recall = np.mean([len({*a} & {*b}) / 10 for a, b in zip(nearest, near, strict=True)])
    assert recall >= 0.98
    numbers = np.array([5999, 0, 17])
    np.testing.assert_array_equal(listed.reconstruct_batch(numbers), vectors[numbers])


def test_an_index_with_lists_answers_and_is_updated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    parts = {f"Part {place}": [f"Point {place} of many."] for place in range(5)}
    many = Corpus(tuple(make_page(f"{n}.md", f"Page {n}", parts, str(n)) for n in range(6)))
    make(tmp_path / "flat", many)
    monkeypatch.setattr(index_module, "_FLAT", 2)
    make(tmp_path / "lists", many)
    flat, lists = Index.open(tmp_path / "flat"), Index.open(tmp_path / "lists")
    for number, vector in enumerate(flat.passage_vectors(np.arange(30))):
        found, scores = lists.search_dense(vector, 30)
        assert (found.tolist()[0], scores[0]) == (number, pytest.approx(1, abs=1e-5))
        assert sorted(found.tolist()) == list(range(30))
    vectors = lists.passage_vectors(np.arange(30))
    np.testing.assert_array_equal(vectors, flat.passage_vectors(np.arange(30)))
    assert make(tmp_path / "lists", many).embedded == 0
    monkeypatch.setattr(index_module, "_PROBED", 1)
    make(tmp_path / "one list", many)
    assert 0 < len(Index.open(tmp_path / "one list").search_dense(vectors[7], 30)[0]) < 30


# --------------------------------------------------------------------------- re-embedding


def test_changing_a_section_embeds_that_section_only(tmp_path: Path) -> None:
    make(tmp_path)
    encoder = FakeEncoder()
    report = make(tmp_path, CHANGED, encoder)
    points = CHANGED.sections[0].points
    assert sorted(encoder.seen) == sorted(
        [
            "Farming: Aims",
            "Farming: Aims\nFeed the growing towns with grain.\nNothing.",
            point_context(points[0], None) + "Feed the growing towns with grain.",
            point_context(points[1], None) + "Nothing.",
        ]
    )
    assert report.changed == (("farming.md", ("Farming", "Aims")),)
    assert (report.added, report.removed, report.embedded) == ((), (), 4)
    assert (report.pages, report.sections, report.points, report.passages) == (2, 5, 8, 4)


def test_an_updated_index_equals_one_built_anew(tmp_path: Path) -> None:
    make(tmp_path / "updated")
    make(tmp_path / "updated", CHANGED)
    make(tmp_path / "anew", CHANGED)
    updated, anew = current(tmp_path / "updated"), current(tmp_path / "anew")
    names = sorted(path.name for path in anew.iterdir())
    assert names == sorted(path.name for path in updated.iterdir())
    for name in names:
        assert (updated / name).read_bytes() == (anew / name).read_bytes(), name


def test_moving_lines_and_renaming_pages_embeds_nothing(tmp_path: Path) -> None:
    make(tmp_path)
    moved = tuple(
        replace(section, page="z.md", line=section.line + 9) for section in FARMING.sections
    )
    page = replace(FARMING, path="z.md", sections=moved, sha256="d" * 64)
    encoder = FakeEncoder()
    report = make(tmp_path, Corpus((INDUSTRY, page)), encoder)
    assert encoder.seen == []
    assert {page for page, _ in report.added} == {"z.md"}
    assert {page for page, _ in report.removed} == {"farming.md"}
    index = Index.open(tmp_path)
    assert index.sections[2].line == FARMING.sections[0].line + 9
    assert found(tmp_path) == WHOLE
    np.testing.assert_array_equal(
        index.point_tokens(3), pack(FakeEncoder().encode([index.points[3].text]).tokens[0])
    )


def test_the_report_tells_sections_with_the_same_headings_apart(tmp_path: Path) -> None:
    first, second = FARMING.sections[0], replace(FARMING.sections[1], headings=("Farming", "Aims"))
    make(tmp_path, Corpus((replace(FARMING, sections=(first, second)),)))
    report = make(tmp_path, Corpus((replace(FARMING, sections=(first,)),)))
    assert report.removed == (("farming.md", ("Farming", "Aims")),)
    assert (report.added, report.changed) == ((), ())


def test_another_model_embeds_everything_again(tmp_path: Path) -> None:
    make(tmp_path)
    other = FakeEncoder(name="other", sha256="e" * 64)
    report = make(tmp_path, CORPUS, other)
    assert report.embedded == 5 + 8 + 4 == len(other.seen)
    assert "another encoder (fake)" in report.note
    assert Index.open(tmp_path, encoder_sha256="e" * 64).manifest.model == "other"


def test_progress_ends_at_the_total(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "_WINDOW", 3)
    seen: list[tuple[int, int]] = []
    build(
        CORPUS,
        FakeEncoder(),
        tmp_path,
        budget=BUDGET,
        terms=terms,
        folded=folded,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert [done for done, _ in seen] == [3, 5, 8, 11, 13, 16, 17]
    assert {total for _, total in seen} == {17}


# ---------------------------------------------------------------------- nothing truncated


def test_no_passage_is_longer_than_the_encoder_reads(encoder: Encoder, tmp_path: Path) -> None:
    # One tiktoken token can be many word pieces: the budget alone would not do.
    words = ["antidisestablishmentarianism 1234567 Хрущёв"] * 4
    page = make_page("a.md", "Title", {"Long": [" ".join(words)] * 12})
    build(Corpus((page,)), encoder, tmp_path, budget=240, terms=terms, folded=folded)
    index = Index.open(tmp_path)
    lengths = [encoder.count_tokens(passage.text) for passage in index.passages]
    assert max(lengths) <= 256
    assert {i for held in index.passage_points for i in held} == set(range(12))


def test_a_point_longer_than_the_encoder_reads_keeps_its_end(
    encoder: Encoder, tmp_path: Path
) -> None:
    text = "The harvest of the year was poor. " * 60 + "Only Kazakhstan was spared."
    page = make_page("a.md", "Title", {"Long": [text]})
    build(Corpus((page,)), encoder, tmp_path, budget=180, terms=terms, folded=folded)
    index = Index.open(tmp_path)
    assert len(index.point_tokens(0)) == encoder.count_tokens(text) - 2 > 254
    assert np.linalg.norm(index.point_vectors[0]) == pytest.approx(1, abs=1e-5)
    asked = encoder.encode(["Kazakhstan"]).tokens[0][0]
    similar = unpack(index.point_tokens(0)) @ asked
    assert similar[-20:].max() > similar[:400].max() + 0.2
    ids, _ = index.search_dense(encoder.encode_sentences(["Kazakhstan was spared"])[0], 1)
    assert "Kazakhstan" in index.passages[ids[0]].text
    assert all(passage.points[0].text == text for passage in index.passages)


def test_a_context_that_leaves_no_room_is_left_out(tmp_path: Path) -> None:
    page = make_page("a.md", "many words " * 20, {"Long": ["Only seven words that must be kept."]})
    encoder = FakeEncoder()
    make(tmp_path, Corpus((page,)), encoder)
    assert "Only seven words that must be kept." in encoder.seen
    assert len(Index.open(tmp_path).point_tokens(0)) == 7


def test_ranges_stand_one_after_the_other() -> None:
    found = index_module.ranges(np.array([7, 2, 0]), np.array([2, 0, 3]))
    assert found.tolist() == [7, 8, 0, 1, 2]


def test_which_points_hold_a_word_is_known(tmp_path: Path) -> None:
    words = ["grain fell", "grain rose", "café é", "steel rose"]
    build(
        Corpus((make_page("a.md", "Title", {"Farms": words}),)),
        FakeEncoder(),
        tmp_path,
        budget=BUDGET,
        terms=terms,
        folded=folded,
    )
    index = Index.open(tmp_path)
    assert index.holds(np.array([3, 0, 2]), ["rose", "grain", "é", "wheat"]).tolist() == [
        [True, False, False, False],
        [False, True, False, False],
        [False, False, True, False],
    ]
    assert index.holds(np.array([1]), []).shape == (1, 0)
    assert index.holds(np.array([], np.int64), ["grain"]).shape == (0, 1)


def test_points_are_read_spelt_out_but_kept_as_they_are(tmp_path: Path) -> None:
    page = make_page("a.md", "Title", {"Plans": ["The FYP failed."]})

    def expand(text: str) -> str:
        return text.replace("FYP", "Five Year Plan")

    build(
        Corpus((page,)),
        FakeEncoder(),
        tmp_path,
        budget=BUDGET,
        terms=terms,
        folded=folded,
        expand=expand,
    )
    index = Index.open(tmp_path)
    assert index.points[0].text == "The FYP failed."
    assert index.holds(np.array([0]), ["the", "year", "fyp", "plan"]).tolist() == [
        [True, True, False, True]
    ]
    expected = FakeEncoder().encode(["The Five Year Plan failed."]).tokens[0]
    np.testing.assert_array_equal(index.point_tokens(0), pack(expected))


def test_text_of_any_kind_comes_back_as_it_was(tmp_path: Path) -> None:
    odd = ["line\u2028separator \x85 next", '"quoted" \\ \x00 🪖', "\u202eright to left"]
    page = make_page("od\udcffd.md", "T", {"H": odd})
    make(tmp_path, Corpus((page,)))
    assert [point.text for point in Index.open(tmp_path).points] == odd
    assert read_manifest(tmp_path).pages == {"od\udcffd.md": "0"}


def test_notes_without_a_point_are_not_an_index(tmp_path: Path) -> None:
    empty = Corpus((make_page("a.md", "Title", {"Heading": []}),))
    with pytest.raises(CorpusError, match=r"nothing to index.*--corpus"):
        make(tmp_path, empty)
    assert list(tmp_path.iterdir()) == []


# -------------------------------------------------------------------------------- damage


FILES = sorted(index_module._FILES)


def flip(path: Path, place: int, bit: int = 0) -> None:
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= 1 << bit
    path.write_bytes(data)


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pristine") / "index"
    make(folder)
    return folder


@pytest.fixture
def copy(pristine: Path, tmp_path: Path) -> Path:
    shutil.copytree(pristine, tmp_path / "index")
    return tmp_path / "index"


DAMAGES: dict[str, Callable[[Path], None]] = {
    "first bit flipped": lambda path: flip(path, 0),
    "last bit flipped": lambda path: flip(path, -1, 7),
    "middle bit flipped": lambda path: flip(path, path.stat().st_size // 2, 3),
    "cut short": lambda path: os.truncate(path, path.stat().st_size - 1),
    "emptied": lambda path: os.truncate(path, 0),
    "added to": lambda path: os.truncate(path, path.stat().st_size + 1),
    "missing": Path.unlink,
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_to_any_file_is_detected(copy: Path, name: str, damage: str) -> None:
    DAMAGES[damage](current(copy) / name)
    with pytest.raises(IndexStaleError, match=r'run "askhistory index --index .*" to build it'):
        Index.open(copy)


def test_two_hundred_random_flips_are_detected(copy: Path) -> None:
    chance = random.Random(200)
    paths = [copy / "manifest.json", *sorted(current(copy).iterdir())]
    # Large files are hit more often, as they are by a failing disk.
    sizes = [path.stat().st_size for path in paths]
    for path in chance.choices(paths, sizes, k=200):
        whole = path.read_bytes()
        flip(path, chance.randrange(len(whole)), chance.randrange(8))
        with pytest.raises(IndexStaleError, match=r'run "askhistory index --index .*" to build it'):
            Index.open(copy)
        path.write_bytes(whole)
    assert found(copy) == WHOLE


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".npy")])
def test_no_code_in_a_file_is_run_even_where_the_manifest_vouches_for_it(
    copy: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "_CHECKED_WHOLE", 0)
    path, exploded = current(copy) / name, copy / "exploded"
    np.save(path, np.array([Bomb(exploded)], object), allow_pickle=True)
    manifest = read_manifest(copy)
    digests = {**manifest.files, name: (path.stat().st_size, storage.sha256(path))}
    (copy / "manifest.json").write_bytes(replace(manifest, files=digests).to_bytes())
    with pytest.raises(IndexStaleError):
        Index.open(copy)
    assert not exploded.exists()
    np.load(path, allow_pickle=True)
    assert exploded.is_dir()


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_build_is_detected(copy: Path, name: str) -> None:
    other = make_page("other.md", "Quite another", {"Part one": ["Other words."]})
    make(copy.parent / "other", Corpus((other,)))
    shutil.copyfile(current(copy.parent / "other") / name, current(copy) / name)
    with pytest.raises(IndexStaleError, match=re.escape(name)):
        Index.open(copy)


def test_every_flip_of_the_manifest_is_detected(copy: Path) -> None:
    whole = (copy / "manifest.json").read_bytes()
    chance = random.Random(7)
    for _ in range(300):
        data = bytearray(whole)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        with pytest.raises(ValueError, match=r"damaged|format"):
            Manifest.from_bytes(bytes(data))


@pytest.mark.parametrize(
    "data", [b"", b"null", b"[" * 100_000, b"{}", b"\xff\xfe", b'{"format": %d}' % FORMAT]
)
def test_a_manifest_that_is_none_is_said_to_be_damaged(copy: Path, data: bytes) -> None:
    (copy / "manifest.json").write_bytes(data)
    with pytest.raises(IndexStaleError, match=r"manifest\.json is damaged"):
        Index.open(copy)


def test_a_manifest_leads_nowhere_else(copy: Path) -> None:
    outside = replace(read_manifest(copy), build="../elsewhere")
    (copy / "manifest.json").write_bytes(outside.to_bytes())
    with pytest.raises(IndexStaleError, match=r"manifest\.json is damaged"):
        Index.open(copy)


def test_an_older_format_is_recognised(copy: Path) -> None:
    (copy / "manifest.json").write_text(json.dumps({"format": 0, "files": ["vectors.bin"]}))
    with pytest.raises(IndexStaleError, match=rf"its format is 0, this version .* reads {FORMAT}"):
        Index.open(copy)
    assert make(copy).embedded == 17
    assert found(copy) == WHOLE


def test_another_model_is_recognised(copy: Path) -> None:
    with pytest.raises(IndexStaleError, match=r"made with another encoder \(fake\)"):
        Index.open(copy, encoder_sha256="0" * 64)
    assert Index.open(copy, encoder_sha256="f" * 64).manifest.model_sha256 == "f" * 64


def test_a_damaged_index_is_mended_by_building_it(copy: Path) -> None:
    flip(current(copy) / "point-tokens.npy", 5000)
    report = make(copy)
    assert "point-tokens.npy is damaged" in report.note
    assert report.embedded == 17
    assert (report.added, report.changed, report.removed) == ((), (), ())
    assert found(copy) == WHOLE


@pytest.fixture
def lazily(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check every file of vectors as it is read, in blocks of some rows, as of a large index."""
    monkeypatch.setattr(index_module, "_CHECKED_WHOLE", 0)
    monkeypatch.setattr(storage, "BLOCK", 128)


def read_all(index: Index) -> None:
    rows = (index.point_vectors, index.point_token_vectors)
    for vectors in (*rows, index.heading_vectors, index.heading_token_vectors):
        for number in range(len(vectors)):
            vectors[number : number + 1]


@pytest.mark.usefixtures("lazily")
def test_a_large_index_gives_the_same_vectors(tmp_path: Path) -> None:
    make(tmp_path)
    whole, checked = Index.open(tmp_path, whole=True), Index.open(tmp_path)
    for name in ("point_vectors", "point_token_vectors", "heading_vectors"):
        expected, rows = getattr(whole, name), getattr(checked, name)
        assert isinstance(rows, storage.CheckedRows)
        assert (rows.shape, rows.size, len(rows)) == (expected.shape, expected.size, len(expected))
        np.testing.assert_array_equal(rows[:], expected)
        np.testing.assert_array_equal(rows[1:3], expected[1:3])
        np.testing.assert_array_equal(rows[np.array([3, 0])], expected[[3, 0]])
        assert rows[2:2].shape == (0, expected.shape[1])
    assert make(tmp_path, CHANGED).embedded == 4


@pytest.mark.usefixtures("lazily")
@pytest.mark.parametrize("name", ["points", "point-tokens", "headings", "heading-tokens"])
def test_damage_to_a_large_file_is_detected_when_it_is_read(copy: Path, name: str) -> None:
    make(copy, CHANGED)
    make(copy)
    chance = random.Random(3)
    path = current(copy) / f"{name}.npy"
    whole = path.read_bytes()
    for _ in range(100):
        place = chance.randrange(len(whole))
        flip(path, place, chance.randrange(8))
        with pytest.raises(IndexStaleError, match=rf"{name}\.npy is damaged; run .askhistory"):
            read_all(Index.open(copy))
        with pytest.raises(IndexStaleError, match=rf"{name}\.npy is damaged"):
            Index.open(copy, whole=True)
        path.write_bytes(whole)
    assert found(copy) == WHOLE


def test_no_index_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path, tmp_path / "absent", tmp_path / "file"):
        with pytest.raises(IndexMissingError, match="There is no index in"):
            Index.open(folder)


# ------------------------------------------------------------------------------ staleness


def stale(folder: Path, **changes: object) -> bool:
    pages = {page.path: page.sha256 for page in CORPUS.pages}
    known = {"pages": pages, "budget": BUDGET, "encoder_sha256": "f" * 64}
    return is_stale(folder, **{**known, **changes})  # type: ignore[arg-type]


def test_an_index_is_stale_when_what_it_is_made_of_changed(copy: Path) -> None:
    assert not stale(copy)
    assert stale(copy, budget=BUDGET + 1)
    assert stale(copy, encoder_sha256="0" * 64)
    assert stale(copy, pages={"farming.md": "a" * 64})
    assert stale(copy, pages={"farming.md": "a" * 64, "industry.md": "0" * 64})
    assert stale(copy.parent / "absent")
    flip(copy / "manifest.json", 100)
    assert stale(copy)


# -------------------------------------------------------------------------------- writing


def test_an_open_index_outlives_the_next_build(tmp_path: Path) -> None:
    make(tmp_path)
    index = Index.open(tmp_path)
    before = index.point_token_vectors.copy()
    make(tmp_path, CHANGED)
    assert [path.name for path in tmp_path.glob("build-*")] == [read_manifest(tmp_path).build]
    np.testing.assert_array_equal(index.point_token_vectors, before)
    assert index.points[1].text == "Export the surplus to buy machines."
    assert Index.open(tmp_path).points[1].text == "Nothing."


def test_a_build_that_ends_while_the_old_one_is_opened_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path)
    load, loaded = Index._load, []

    def overtaken(folder: Path, seen: object, manifest: Manifest, whole: bool) -> Index:
        loaded.append(manifest.build)
        if len(loaded) == 1:
            make(tmp_path, CHANGED)
        return load(folder, seen, manifest, whole)

    monkeypatch.setattr(Index, "_load", overtaken)
    assert Index.open(tmp_path).points[1].text == "Nothing."
    assert len(set(loaded)) == 2


def test_who_waits_in_vain_is_told_who_is_at_work(copy: Path) -> None:
    before = (copy / "manifest.json").read_bytes()
    named = rf"being built by process {os.getpid()} on .*, at work since \d\d:\d\d:\d\d\."
    with locked(copy), pytest.raises(IndexUnusableError, match=named), locked(copy, patience=0.2):
        pass
    assert (copy / "manifest.json").read_bytes() == before
    make(copy, CHANGED)
    assert Index.open(copy).points[1].text == "Nothing."


def test_a_second_indexer_waits_and_says_so(copy: Path, caplog: pytest.LogCaptureFixture) -> None:
    begun, end = threading.Event(), threading.Event()

    class Slow(FakeEncoder):
        def encode_sentences(self, texts: Sequence[str], **options: object) -> np.ndarray:
            begun.set()
            assert end.wait(30)
            return super().encode_sentences(texts)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(make, copy, CHANGED, Slow())
        assert begun.wait(30)
        second = pool.submit(make, copy, CHANGED)
        while not (said := [r.message for r in caplog.records if r.name == storage.__name__]):
            assert not second.done()
        assert found(copy) == WHOLE
        end.set()
        assert first.result().embedded == 4
        assert second.result().embedded == 0
    assert f"Waiting for process {os.getpid()}" in said[0]
    assert Index.open(copy).points[1].text == "Nothing."


@pytest.fixture
def unprivileged(pristine: Path) -> Iterator[Path]:
    """A copy that may be read but not written, even where the tests run as root."""
    with tempfile.TemporaryDirectory() as parent:
        os.chmod(parent, 0o755)
        folder = Path(parent) / "index"
        shutil.copytree(pristine, folder)
        paths = [folder, *folder.rglob("*")]
        for path in paths:
            path.chmod(0o555 if path.is_dir() else 0o444)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            os.seteuid(user)
            for path in paths:
                path.chmod(0o755)


def test_a_read_only_folder_is_named(unprivileged: Path) -> None:
    with pytest.raises(IndexUnusableError, match=r"cannot be written .*folder writable"):
        make(unprivileged, CHANGED)
    assert found(unprivileged) == WHOLE


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """Let the system refuse to let any file grow further, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [0, 64, 200, 500, 1000, 1500, 2000])
def test_a_full_disk_leaves_the_old_index(copy: Path, size: int) -> None:
    with no_file_beyond(size), pytest.raises(IndexUnusableError, match=r"free some space"):
        make(copy, CHANGED)
    assert found(copy) == WHOLE
    assert [path.name for path in copy.glob("build-*")] == [read_manifest(copy).build]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 512 KB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("file systems cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_on_a_disk_that_is_full_the_old_index_answers_until_there_is_room(
    small_disk: Path,
) -> None:
    folder = small_disk / "index"
    make(folder)
    size = sum(path.stat().st_size for path in current(folder).iterdir())
    for room in (0, 4096, size // 2, size - 4096):
        filler = small_disk / "filler"
        free = shutil.disk_usage(small_disk).free
        filler.write_bytes(bytes(free - room))
        with pytest.raises(IndexUnusableError, match=r"No space left .*free some space"):
            make(folder, CHANGED)
        assert found(folder) == WHOLE
        assert [path.name for path in folder.glob("build-*")] == [read_manifest(folder).build]
        filler.unlink()
    make(folder, CHANGED)
    assert Index.open(folder).points[1].text == "Nothing."


def test_importing_the_index_does_not_import_torch() -> None:
    code = "import sys, askhistory.index; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
