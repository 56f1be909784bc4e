"""Find and read: a query → the passages near it → what each of their points has to say.

Finding fuses FAISS over the passages' vectors with BM25 over their terms (reciprocal rank
fusion, Cormack et al. 2009). Reading is late interaction, ColBERT's MaxSim (Khattab &
Zaharia 2020), with the encoder already loaded: each word of the query takes the similarity
of its most similar token in the point, and, apart from that, in the point's heading path.

What is made of this evidence, an order or a refusal, is decided in `relevance.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from askhistory.binding import asked_of_name, is_of_another
from askhistory.index import Index, Rows, ranges
from askhistory.lexicon import Lexicon, fold, is_name, ordinals, terms, words, years
from askhistory.models import TextEncoder, similarities
from askhistory.quantization import numbers, scales, unpack
from askhistory.question import bare, facet_of, is_instruction

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

_RRF_CONSTANT = 60
"""Of reciprocal rank fusion, as in the paper."""

_LEAST_SAID = 0.6
"""What a question says at the least, however few its words: a bare "why?" asks something."""

_FACET_SIMILARITY = 0.95
"""Of ``goals`` to the heading *Aims*: they name the same part of a topic."""


_REMEMBERED = 65_536
"""Points whose words are kept at hand."""

_OF_ANOTHER = 0.3
"""Of "died" in "when Lenin died" to the question when Stalin died."""

_WIDENED = 1 << 24
"""Numbers of token vectors that are kept unpacked, 64 MB of them: about 2,000 points. To read those
takes half the time that it takes to widen them for each question."""


@dataclass(frozen=True, slots=True)
class Query:
    """A standalone question made ready to search; W words, T tokens.

    Attributes:
        text: As searched.
        words: Its words as written.
        terms: Their folded forms.
        weights: (W,) how much each word says, from 0 to 1.
        typed: (W,) whether the word was typed, and not taken over from earlier questions.
        known: (W,) whether the notes use the word.
        names: (W,) whether the word looks like a name.
        facets: The part of a topic that each word names, or None.
        vector: (dimension,) the sentence vector, of unit length.
        tokens: (T, dimension) the token vectors, of unit length.
        spread: (T, W) the share of each token in each word; columns sum to 1.
    """

    text: str
    words: tuple[str, ...]
    terms: tuple[str, ...]
    weights: Floats
    typed: NDArray[np.bool_]
    known: NDArray[np.bool_]
    names: NDArray[np.bool_]
    facets: tuple[str | None, ...]
    vector: Floats
    tokens: Floats
    spread: Floats


@dataclass(frozen=True, slots=True)
class Evidence:
    """What n points of s sections say to a query of W words.

    Attributes:
        points: (n,) numbers of the points in the index, ascending.
        section: (n,) the row of each point's section in the arrays per section.
        sections: (s,) numbers of the sections in the index, ascending.
        topic: (s,) a number for what each section is about: groups below one heading share it.
        own: (n, W) similarity of each word to the nearest token of the point itself.
        heading: (s, W) the same to the nearest token of the section's heading path.
        exact: (n, W) whether the point holds the word, in whatever form.
        other_ordinal: (n,) whether the point is on another first, second, … than is asked for.
        other_year: (n,) whether it is on other years.
        dense: (n,) cosine of query and point in its context.
        passage: (s,) cosine of query and the section's nearest passage.
        heading_dense: (s,) cosine of query and heading path.
    """

    points: Ints
    section: Ints
    sections: Ints
    topic: Ints
    own: Floats
    heading: Floats
    exact: NDArray[np.bool_]
    other_ordinal: NDArray[np.bool_]
    other_year: NDArray[np.bool_]
    dense: Floats
    passage: Floats
    heading_dense: Floats


@dataclass(frozen=True, slots=True)
class Search:
    """What is to be searched.

    Attributes:
        question: As it is to be searched.
        context: Words of earlier questions to be searched along with it.
        context_share: What those may weigh together, relative to the words of the question.
    """

    question: str
    context: str = ""
    context_share: float = 1.0

    @property
    def text(self) -> str:
        """Question and context in one line."""
        return f"{self.question} ({self.context})" if self.context else self.question


def prepare(searches: Sequence[Search], encoder: TextEncoder, lexicon: Lexicon) -> list[Query]:
    """Embed questions once, for finding and for reading, and weigh their words.

    Args:
        searches: What is to be searched, all of it embedded together.
        encoder: The one that the index was built with.
        lexicon: Of the notes.
    """
    encoding = encoder.encode([search.text for search in searches])
    return [
        _query(search, lexicon, *vectors)
        for search, *vectors in zip(
            searches, encoding.sentences, encoding.tokens, encoding.offsets, strict=True
        )
    ]


def _query(
    search: Search, lexicon: Lexicon, vector: Floats, tokens: Floats, offsets: NDArray[np.int32]
) -> Query:
    question = search.question
    found = words(search.text)
    begins, ends = offsets.T[:, :, None]
    inside = (begins < [word.end for word in found]) & (ends > [word.start for word in found])
    tokens_of = inside.sum(axis=0)
    # A word beyond what the encoder reads has no token to be compared.
    kept = [word for word, pieces in zip(found, tokens_of.tolist(), strict=True) if pieces]
    spread = (inside[:, tokens_of > 0] / tokens_of[tokens_of > 0]).astype(np.float32)
    read = [word.text for word in kept]
    typed = np.array([word.start < len(question) for word in kept], bool)
    asks = bare(question)
    opening = len(question) - len(asks) if question.endswith(asks) else 0
    weights = np.array(
        [
            0.0 if is_instruction(word.text) or word.start < opening else lexicon.weight(word.text)
            for word in kept
        ],
        np.float32,
    )
    said = max(float(weights[typed].sum()), _LEAST_SAID)
    carried = float(weights[~typed].sum())
    if carried > search.context_share * said:
        weights[~typed] *= search.context_share * said / carried
    return Query(
        text=search.text,
        words=tuple(read),
        terms=tuple(fold(word) for word in read),
        weights=weights,
        typed=typed,
        known=np.array([word in lexicon for word in read], bool),
        names=np.array([is_name(word) for word in read], bool),
        facets=tuple(facet_of(word) for word in read),
        vector=vector,
        tokens=tokens,
        spread=spread,
    )


def retrieve(index: Index, query: Query, count: int) -> Ints:
    """The numbers of the `count` passages nearest to the query, the nearest first."""
    dense, _ = index.search_dense(query.vector, count)
    lexical, _ = index.search_bm25(terms(query.text), count)
    fused: dict[int, float] = {}
    for ranking in (dense, lexical):
        for rank, passage in enumerate(ranking.tolist(), start=1):
            fused[passage] = fused.get(passage, 0.0) + 1.0 / (_RRF_CONSTANT + rank)
    ranked = sorted(fused, key=lambda passage: (-fused[passage], passage))
    return np.array(ranked[:count], np.int64)


class Reader:
    """Reads points by late interaction.

    Args:
        index: The notes.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._point_tokens = _Tokens(index.point_token_vectors)
        self._heading_tokens = _Tokens(index.heading_token_vectors)

    def read(self, queries: Sequence[Query], passages: Iterable[int]) -> list[Evidence]:
        """Read every point of the sections that the passages belong to, once for all queries.

        Returns:
            What the points say to each of the queries.
        """
        index = self._index
        sections: Ints = np.unique(index.passage_section[np.fromiter(passages, np.int64)])
        starts = index.section_starts[sections]
        sizes = index.section_starts[sections + 1] - starts
        section = np.repeat(np.arange(len(sections)), sizes)
        points = ranges(starts, sizes)
        topic = self._topics(sections)
        owns = _late_interaction(queries, self._point_tokens, index.point_starts, points)
        headings = _late_interaction(queries, self._heading_tokens, index.heading_starts, sections)
        vectors = np.stack([query.vector for query in queries], axis=1)
        dense = np.asarray(index.point_vectors[points], np.float32) @ vectors
        passage = self._passage_similarity(vectors, sections)
        heading_dense = np.asarray(index.heading_vectors[sections], np.float32) @ vectors
        found = []
        for place, (query, own, heading) in enumerate(zip(queries, owns, headings, strict=True)):
            self._match_facets(query, sections, heading)
            exact = index.holds(points, query.terms)
            self._unbind(query, points, own, exact)
            found.append(
                Evidence(
                    points=points,
                    section=section,
                    sections=sections,
                    topic=topic,
                    own=own,
                    heading=heading,
                    exact=exact,
                    other_ordinal=self._other_ordinal(query, points),
                    other_year=self._other_year(query, points),
                    dense=dense[:, place],
                    passage=passage[:, place],
                    heading_dense=heading_dense[:, place],
                )
            )
        return found

    def _match_facets(self, query: Query, sections: Ints, heading: Floats) -> None:
        """Let a word that names a part of a topic match the headings that name the same."""
        for column, facet in enumerate(query.facets):
            if facet is not None:
                last = (self._index.sections[number].headings[-1] for number in sections.tolist())
                same = [facet in facets_in(named) for named in last]
                heading[same, column] = np.maximum(heading[same, column], _FACET_SIMILARITY)

    def _passage_similarity(self, vectors: Floats, sections: Ints) -> Floats:
        """(s, queries) cosine of each query and the section's nearest passage."""
        passages, counts = self._index.section_passages(sections)
        similarity = self._index.passage_vectors(passages) @ vectors
        begins = np.cumsum(counts) - counts
        return np.maximum.reduceat(similarity, begins, axis=0).astype(np.float32)

    def _other_ordinal(self, query: Query, points: Ints) -> NDArray[np.bool_]:
        asked = ordinals(query.text)
        if not asked:
            return np.zeros(len(points), bool)
        found = [_ordinals_of(self._index.points[point].text) for point in points.tolist()]
        return np.array([bool(said) and said.isdisjoint(asked) for said in found], bool)

    def _other_year(self, query: Query, points: Ints) -> NDArray[np.bool_]:
        typed = zip(query.words, query.typed, strict=True)
        asked = years(" ".join(word for word, own in typed if own))
        if not asked:
            return np.zeros(len(points), bool)
        # "Between 1929 and 1933" asks for the years between as well.
        first, last = min(begin for begin, _ in asked), max(end for _, end in asked)
        found = [_years_of(self._index.points[point].text) for point in points.tolist()]
        return np.array(
            [
                bool(said) and all(end < first or begin > last for begin, end in said)
                for said in found
            ],
            bool,
        )

    def _topics(self, sections: Ints) -> Ints:
        """(s,) the same number for a heading and for the groups below it."""
        numbers: dict[tuple[str, ...], int] = {}
        found = (self._index.sections[number] for number in sections.tolist())
        paths = ((s.page, *(s.headings[:-1] if s.group else s.headings)) for s in found)
        return np.array([numbers.setdefault(path, len(numbers)) for path in paths], np.int64)

    def _unbind(self, query: Query, points: Ints, own: Floats, exact: NDArray[np.bool_]) -> None:
        """Take back the match of what a point says of another than the question asks of."""
        asked = asked_of_name(query.words)
        if asked is None:
            return
        for row in np.flatnonzero(exact[:, asked.place]).tolist():
            text = self._index.points[int(points[row])].text
            if is_of_another(asked, [word.text for word in words(text)]):
                own[row, asked.place] = min(own[row, asked.place], _OF_ANOTHER)
                exact[row, asked.place] = False


class _Tokens:
    """Packed token vectors as they are read fastest: few unpacked once, many mapped as they are."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._unpacked = unpack(rows[:]) if rows.size <= _WIDENED else None

    def similarities(self, tokens: Floats, runs: Sequence[tuple[int, int]]) -> Floats:
        """(tokens, rows of all runs) the similarity of tokens of queries to those of the notes."""
        if self._unpacked is not None:
            return similarities(tokens, [self._unpacked[start:end] for start, end in runs])
        blocks = [self._rows[start:end] for start, end in runs]
        near = similarities(tokens, map(numbers, blocks))
        near *= np.concatenate([scales(block) for block in blocks])
        return near


def _late_interaction(
    queries: Sequence[Query], vectors: _Tokens, starts: NDArray[Any], numbers: Ints
) -> list[Floats]:
    """Per query (n, W) similarity of each of its words to the nearest token of each text."""
    found = [np.zeros((len(numbers), len(query.words)), np.float32) for query in queries]
    lengths = starts[numbers + 1] - starts[numbers]
    held = np.flatnonzero(lengths)
    tokens = np.concatenate([query.tokens for query in queries])
    if not len(held) or not len(tokens):
        return found
    runs = _runs(starts[numbers[held]], starts[numbers[held] + 1])
    near = vectors.similarities(tokens, runs)
    begins = np.concatenate([[0], np.cumsum(lengths[held])[:-1]])
    nearest = np.maximum.reduceat(near, begins, axis=1)
    first = 0
    for query, matched in zip(queries, found, strict=True):
        matched[held] = nearest[first : first + len(query.tokens)].T @ query.spread
        first += len(query.tokens)
    return found


def _runs(starts: Ints, ends: Ints) -> list[tuple[int, int]]:
    """Where the tokens of ascending texts lie, neighbours joined: few long slices."""
    apart = np.flatnonzero(starts[1:] != ends[:-1])
    firsts = starts[np.append(0, apart + 1)]
    lasts = ends[np.append(apart, len(ends) - 1)]
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))


@lru_cache(maxsize=_REMEMBERED)
def facets_in(heading: str) -> frozenset[str]:
    """The parts of a topic that a heading names."""
    named = (facet_of(word.text) for word in words(heading))
    return frozenset(facet for facet in named if facet is not None)


_ordinals_of = lru_cache(maxsize=_REMEMBERED)(ordinals)
_years_of = lru_cache(maxsize=_REMEMBERED)(years)
