"""Finding and reading: orders and similarities worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from askhistory.lexicon import Lexicon, folded, words
from askhistory.models import Encoding, Progress
from askhistory.quantization import pack
from askhistory.retrieval import Evidence, Query, Reader, Search, prepare, retrieve
from askhistory.schema import Passage, Point, Section

EAST, NORTH = (1.0, 0.0), (0.0, 1.0)
BETWEEN = (0.6, 0.8)
WEST = (-1.0, 0.0)


@dataclass
class Compass:
    """An encoder of two dimensions: the words it knows point somewhere, the others nowhere."""

    directions: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    most: int = 1000
    name: str = "compass"
    sha256: str = "0" * 64
    dimension: int = 2
    max_tokens: int = 1000

    def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> Encoding:
        found = [words(text)[: self.most] for text in texts]
        tokens = [
            np.array([self.directions.get(word.text, (0, 0)) for word in read], np.float32)
            for read in found
        ]
        offsets = [np.array([(w.start, w.end) for w in read], np.int32) for read in found]
        return Encoding(
            np.array([EAST] * len(texts), np.float32),
            [rows.reshape(-1, 2) for rows in tokens],
            [rows.reshape(-1, 2) for rows in offsets],
        )

    def encode_sentences(
        self, texts: Sequence[str], *, progress: Progress | None = None
    ) -> np.ndarray:
        return self.encode(texts).sentences


class Scales(Lexicon):
    """A lexicon whose words weigh what they are said to."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        super().__init__(weights)
        self._weights = weights

    def weight(self, word: str) -> float:
        return self._weights.get(word, 0.0)


def section(name: str, *texts: str, group: bool = False) -> Section:
    headings = ("Page", name)
    points = tuple(
        Point(text, "page.md", headings, line, line, line) for line, text in enumerate(texts, 1)
    )
    return Section("page.md", headings, name.lower(), 1, len(texts) + 1, points, group)


@dataclass
class Notes:
    """An index whose vectors and rankings are given."""

    sections: tuple[Section, ...]
    tokens: Sequence[Sequence[tuple[float, float]]] = ()
    heading_tokens: Sequence[Sequence[tuple[float, float]]] = ()
    vectors: Sequence[tuple[float, float]] = ()
    heading_sentences: Sequence[tuple[float, float]] = ()
    passage_sentences: Sequence[tuple[float, float]] = ()
    passage_section: Any = ()
    dense: Sequence[int] = ()
    lexical: Sequence[int] = ()

    def __post_init__(self) -> None:
        self.points = tuple(point for held in self.sections for point in held.points)
        sizes = [len(held.points) for held in self.sections]
        self.section_starts = np.cumsum([0, *sizes])
        self.point_section = np.repeat(np.arange(len(sizes)), sizes)
        self.passage_section = np.array(self.passage_section, np.int64)
        self.passages = tuple(Passage(number, (), "") for number in self.passage_section)
        self.point_token_vectors, self.point_starts = stack(self.tokens)
        self.heading_token_vectors, self.heading_starts = stack(self.heading_tokens)
        self.point_vectors = np.array(self.vectors, np.float16)
        self.heading_vectors = np.array(self.heading_sentences, np.float16)

    def search_dense(self, vector: Any, k: int) -> tuple[np.ndarray, np.ndarray]:
        return np.array(self.dense[:k], np.int64), np.zeros(len(self.dense[:k]), np.float32)

    def search_bm25(self, terms: Any, k: int) -> tuple[np.ndarray, np.ndarray]:
        return np.array(self.lexical[:k], np.int64), np.zeros(len(self.lexical[:k]), np.float32)

    def holds(self, points: np.ndarray, terms: Sequence[str]) -> np.ndarray:
        held = [folded(self.points[point].text) for point in points]
        found = [[term in words_of_point for term in terms] for words_of_point in held]
        return np.array(found, bool).reshape(len(points), len(terms))

    def section_passages(self, sections: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        held = [np.flatnonzero(np.array(self.passage_section) == number) for number in sections]
        return np.concatenate(held), np.array([len(numbers) for numbers in held])

    def passage_vectors(self, passages: np.ndarray) -> np.ndarray:
        return np.array(self.passage_sentences, np.float32)[passages]


def stack(texts: Sequence[Sequence[tuple[float, float]]]) -> tuple[np.ndarray, np.ndarray]:
    rows = [row for text in texts for row in text]
    starts = np.cumsum([0, *(len(text) for text in texts)])
    return pack(np.array(rows, np.float32).reshape(-1, 2)), starts


def query(text: str, encoder: Compass | None = None, **options: Any) -> Query:
    weights = {"grain": 0.8, "harvest": 0.4, "aims": 0.5}
    search = Search(text, **options)
    return prepare([search], encoder or Compass({"grain": EAST}), Scales(weights))[0]


# -------------------------------------------------------------------------- finding


@pytest.mark.parametrize(
    ("dense", "lexical", "order"),
    [
        # 1/61 + 1/63 for 4, 2/62 for 7, 1/63 + 1/61 for 9: 4 and 9 alike, before 7.
        ((4, 7, 9), (9, 7, 4), [4, 9, 7]),
        # 2 alone at the head of a list (1/61) is behind 5, which is second in both (2/62).
        ((2, 5), (3, 5), [5, 2, 3]),
        ((1, 0), (), [1, 0]),
        ((), (6,), [6]),
        ((), (), []),
    ],
)
def test_passages_are_ranked_by_the_sum_of_their_reciprocal_ranks(
    dense: tuple[int, ...], lexical: tuple[int, ...], order: list[int]
) -> None:
    notes: Any = Notes((), dense=dense, lexical=lexical)
    assert retrieve(notes, query("grain"), 10).tolist() == order


def test_no_more_passages_than_asked_for() -> None:
    notes: Any = Notes((), dense=(4, 7, 9), lexical=(9, 1, 2))
    assert retrieve(notes, query("grain"), 2).tolist() == [4, 9]


# ----------------------------------------------------------------------- the question


def test_a_question_is_weighed_word_by_word() -> None:
    asked = query("Which harvests of grain?")
    assert asked.text == "Which harvests of grain?"
    assert asked.words == ("Which", "harvests", "of", "grain")
    assert asked.terms == ("which", "harvest", "of", "grain")
    assert asked.weights.tolist() == pytest.approx([0, 0, 0, 0.8])
    assert asked.typed.all()
    assert asked.facets == (None,) * 4


def test_a_word_of_several_tokens_is_their_mean() -> None:
    class Halves(Compass):
        def encode(self, texts: Sequence[str], *, progress: Progress | None = None) -> Encoding:
            return Encoding(
                np.array([EAST], np.float32),
                [np.array([EAST, NORTH, EAST], np.float32)],
                [np.array([(0, 3), (3, 5), (6, 13)], np.int32)],
            )

    asked = query("grain harvest", Halves())
    assert asked.spread.T.tolist() == [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]


def test_words_beyond_what_the_encoder_reads_are_left_out() -> None:
    asked = query("grain aims harvest", Compass({}, most=2))
    assert asked.words == ("grain", "aims")
    assert asked.weights.tolist() == pytest.approx([0.8, 0.5])
    assert asked.spread.shape == (2, 2)


def test_a_question_without_words_has_none() -> None:
    asked = query("?!")
    assert (asked.words, asked.weights.shape, asked.tokens.shape) == ((), (0,), (0, 2))


@pytest.mark.parametrize(
    ("question", "context", "share", "weights"),
    [
        # 0.4 carried is less than the 0.8 typed: nothing to cap.
        ("grain", "harvest", 1.0, [0.8, 0.4]),
        # 0.8 + 0.4 carried is brought down to half of 0.8, in proportion.
        ("grain", "grain harvest", 0.5, [0.8, 0.4 * 2 / 3, 0.4 / 3]),
        ("grain", "harvest", 0.0, [0.8, 0.0]),
        ("grain", "", 1.0, [0.8]),
    ],
)
def test_words_taken_over_weigh_no_more_than_their_share(
    question: str, context: str, share: float, weights: list[float]
) -> None:
    asked = query(question, context=context, context_share=share)
    assert asked.weights.tolist() == pytest.approx(weights)
    assert asked.typed.tolist() == [True] + [False] * (len(weights) - 1)


def test_a_bare_question_leaves_something_to_what_it_takes_over() -> None:
    asked = query("why?", context="grain harvest")
    assert 0 < asked.weights[~asked.typed].sum() < 1.2
    assert asked.weights[1] == pytest.approx(2 * asked.weights[2])


# --------------------------------------------------------------------------- reading


def example() -> Any:
    return Notes(
        sections=(
            section("Aims", "More grain", "Machines"),
            section("Empty"),
            section("Results", "A poor harvest"),
            section("Elsewhere", "Not read"),
        ),
        tokens=([NORTH, BETWEEN], [WEST], [NORTH, EAST, WEST], [EAST]),
        heading_tokens=([BETWEEN], [], [WEST, NORTH], [EAST]),
        vectors=(EAST, NORTH, BETWEEN, EAST),
        heading_sentences=(NORTH, EAST, BETWEEN, EAST),
        passage_sentences=(NORTH, BETWEEN, EAST, WEST, EAST),
        passage_section=(0, 0, 1, 2, 3),
    )


def read(text: str, passages: Sequence[int]) -> Evidence:
    encoder = Compass({"grain": EAST, "harvest": NORTH})
    return Reader(example()).read([query(text, encoder)], passages)[0]


def test_every_point_of_the_sections_found_is_read_once() -> None:
    evidence = read("grain", [3, 0, 1])
    assert evidence.sections.tolist() == [0, 2]
    assert evidence.points.tolist() == [0, 1, 2]
    assert evidence.section.tolist() == [0, 0, 1]


def test_each_word_takes_the_similarity_of_the_nearest_token() -> None:
    evidence = read("grain harvest", [0, 3])
    # grain points east, harvest north; the points' tokens stand in `example`.
    assert evidence.own == pytest.approx(np.array([[0.6, 1.0], [-1.0, 0.0], [1.0, 1.0]]), abs=3e-3)
    assert evidence.heading == pytest.approx(np.array([[0.6, 0.8], [0.0, 1.0]]), abs=3e-3)


def test_words_that_a_point_holds_are_exact_in_whatever_form() -> None:
    evidence = read("grains harvests machine", [0, 3])
    assert evidence.exact.tolist() == [
        [True, False, False],
        [False, False, True],
        [False, True, False],
    ]


def test_sentence_vectors_give_cosines_of_point_passage_and_heading() -> None:
    evidence = read("grain", [0, 3])
    assert evidence.dense == pytest.approx([1.0, 0.0, 0.6], abs=1e-3)
    assert evidence.passage == pytest.approx([0.6, -1.0], abs=1e-3)
    assert evidence.heading_dense == pytest.approx([0.0, 0.6], abs=1e-3)


def test_a_word_that_names_the_same_part_of_a_topic_matches_the_heading() -> None:
    evidence = read("goals", [0, 3])
    assert evidence.heading[0, 0] > 0.9
    assert evidence.heading[1, 0] == 0.0


def test_a_section_without_points_gives_none() -> None:
    evidence = read("grain", [2])
    assert evidence.sections.tolist() == [1]
    assert evidence.points.tolist() == []
    assert evidence.own.shape == evidence.exact.shape == (0, 1)
    assert evidence.heading.tolist() == [[0.0]]


def test_a_question_without_words_is_read_by_its_sentence_alone() -> None:
    evidence = read("?", [0])
    assert evidence.own.shape == (2, 0)
    assert evidence.dense == pytest.approx([1.0, 0.0], abs=1e-3)


def test_questions_read_together_are_read_as_each_is_alone() -> None:
    encoder = Compass({"grain": EAST, "harvest": NORTH})
    asked = [query(text, encoder) for text in ("harvest goals", "?", "grain of the harvest")]
    together = Reader(example()).read(asked, [0, 3])
    for one, evidence in zip(asked, together, strict=True):
        alone = Reader(example()).read([one], [0, 3])[0]
        for name in ("own", "heading", "dense", "passage", "heading_dense"):
            assert getattr(evidence, name) == pytest.approx(getattr(alone, name), abs=1e-6)
        assert np.array_equal(evidence.exact, alone.exact)


def test_what_was_read_before_does_not_change_what_is_read() -> None:
    reader = Reader(example())
    asked = query("grain harvest goals", Compass({"grain": EAST, "harvest": NORTH}))
    first = reader.read([asked], [0, 3])[0]
    reader.read([replace(asked, terms=("other", "words", "here"))], [0, 4])
    again = reader.read([asked], [3, 1])[0]
    assert np.array_equal(first.own, again.own)
    assert np.array_equal(first.exact, again.exact)
    assert np.array_equal(first.heading, again.heading)
