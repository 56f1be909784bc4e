"""From evidence to judgement: features and models worked out by hand."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields, replace
from importlib import resources
from statistics import geometric_mean
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askhistory.assistant import build_index, lexicon_of
from askhistory.index import Index
from askhistory.models import Encoder
from askhistory.question import Question, QuestionKind, understand
from askhistory.relevance import (
    COVERAGE_FEATURES,
    POINT_FEATURES,
    Linear,
    Reading,
    Weights,
    coverage_features,
    point_features,
    relevance_feature_names,
    shipped_weights,
    traits,
    weigh,
)
from askhistory.retrieval import Evidence, Query, Reader, Search, prepare

KINDS = get_args(QuestionKind)

NOTES = """# Farming

## Collectivization

* Farms were joined into a kolkhoz from 1929
* Tractors came from the state
  * Drivers were trained near Kiev
* **Collectivization -> Poor harvest -> Famine**
* **S: It failed because peasants resisted**
* **Aims**
  * Feed the towns
  * Sell grain abroad

## Propaganda

* Posters hung in 200 schools
"""


# ---------------------------------------------------------------------------- models


def linear(weights: list[float], intercept: float = 0.0) -> Linear:
    return Linear(
        features=tuple("abc"[: len(weights)]),
        mean=np.array([1.0, 2.0, 0.0][: len(weights)], np.float32),
        scale=np.array([2.0, 0.5, 1.0][: len(weights)], np.float32),
        weights=np.array(weights, np.float32),
        intercept=intercept,
    )


def test_a_linear_model_is_the_logistic_of_the_weighted_standardised_features() -> None:
    model = linear([1.0, -2.0], intercept=0.5)
    # (3 − 1) / 2 · 1 + (2.5 − 2) / 0.5 · −2 + 0.5 = −0.5; at the means the intercept is left.
    found = model(np.array([[3.0, 2.5], [1.0, 2.0]]))
    assert found == pytest.approx([1 / (1 + math.exp(0.5)), 1 / (1 + math.exp(-0.5))])


def test_a_linear_model_survives_extremes() -> None:
    low, high = linear([1.0])(np.array([[-1e9], [1e9]]))
    assert 0.0 <= low < 1e-12
    assert 1 - 1e-12 < high <= 1.0
    assert linear([1.0, 1.0])(np.empty((0, 2))).tolist() == []


def test_weights_are_read_as_they_were_written() -> None:
    row = {"weight": 0.5, "mean": 0.25, "scale": 2.0}
    model = {"intercept": -1.5, "weights": {"score": row}}
    read = Weights.from_json(
        json.dumps({"threshold": 0.4, "keep": {"fact": 0.6}, "relevance": model, "coverage": model})
    )
    assert (read.threshold, read.keep) == (0.4, {"fact": 0.6})
    assert read.relevance.features == read.coverage.features == ("score",)
    assert read.coverage(np.array([[2.25]])) == pytest.approx([1 / (1 + math.exp(1.0))])


def test_the_shipped_weights_are_those_of_the_features_that_are_computed() -> None:
    shipped = shipped_weights()
    assert shipped.relevance.features == relevance_feature_names()
    assert shipped.coverage.features == COVERAGE_FEATURES
    assert set(shipped.keep) == set(KINDS)
    assert 0.0 < shipped.threshold < 1.0
    assert all(0.0 < keep <= 1.0 for keep in shipped.keep.values())


def test_every_shipped_number_is_finite_and_every_scale_positive() -> None:
    for model in (shipped_weights().relevance, shipped_weights().coverage):
        assert np.isfinite([model.weights, model.mean, model.scale]).all()
        assert (model.scale > 0).all()


def test_the_shipped_file_is_plain_json() -> None:
    text = resources.files("askhistory").joinpath("weights.json").read_text("utf-8")
    assert {"threshold", "keep", "relevance", "coverage"} <= set(json.loads(text))


def test_names_of_features_are_unique() -> None:
    names = relevance_feature_names()
    assert len(set(names)) == len(names)
    assert names[: len(POINT_FEATURES)] == POINT_FEATURES
    assert len(set(COVERAGE_FEATURES)) == len(COVERAGE_FEATURES)


# ---------------------------------------------------------------------------- traits


@pytest.mark.parametrize(
    ("text", "year", "number", "cause", "result"),
    [
        ("Kirov was murdered in 1934", True, False, False, False),
        ("In the 1920s it grew", True, False, False, True),
        ("In the 9th century", True, False, False, False),
        ("The purge took 35,000 officers", False, True, False, False),
        ("70% of the Central Committee", False, True, False, False),
        ("Half of them signed", False, True, False, False),
        ("They acted because of hunger", False, False, True, False),
        ("A -> B", False, False, True, True),
        ("The plan led to waste", False, False, True, True),
        ("Millions died", False, True, False, True),
        ("The state owned the land", False, False, False, False),
        ("", False, False, False, False),
    ],
)
def test_traits_are_read_off_the_wording(
    text: str, year: bool, number: bool, cause: bool, result: bool
) -> None:
    shown = traits(text)
    assert (shown.year, shown.number, shown.cause, shown.result) == (year, number, cause, result)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("The state gave Trotsky a post", {"trotsky"}),
        ("Leon Trotsky left for Mexico", {"leon", "mexico"}),
        ("Nobody else was there", set()),
    ],
)
def test_names_are_capitals_within_a_sentence(text: str, names: set[str]) -> None:
    assert names <= traits(text).names
    assert bool(names) == bool(traits(text).names)


@given(st.text(max_size=100))
@settings(max_examples=60)
def test_any_text_has_traits(text: str) -> None:
    shown = traits(text)
    assert all(name in text.lower() for name in shown.names)
    assert not shown.year or any(char.isdigit() for char in text)


# --------------------------------------------------------------------------- weighing


def query(weights: list[float], typed: list[bool] | None = None) -> Query:
    """A query of which only what `weigh` looks at is given."""
    given_ = {
        "weights": np.array(weights, np.float32),
        "typed": np.array([True] * len(weights) if typed is None else typed),
        "words": tuple(f"word{n}" for n in range(len(weights))),
    }
    made: Any = object.__new__(Query)
    for part in fields(Query):
        object.__setattr__(made, part.name, given_.get(part.name))
    return made


def evidence(
    own: list[list[float]],
    heading: list[list[float]],
    section: list[int],
    dense: list[float] | None = None,
    passage: list[float] | None = None,
) -> Evidence:
    return Evidence(
        points=np.arange(len(own)),
        section=np.array(section, np.int64),
        sections=np.arange(len(heading)),
        topic=np.arange(len(heading)),
        own=np.array(own, np.float32),
        heading=np.array(heading, np.float32),
        exact=np.zeros((len(own), len(own[0])), bool),
        other_ordinal=np.zeros(len(own), bool),
        other_year=np.zeros(len(own), bool),
        dense=np.array(dense or [0.0] * len(own), np.float32),
        passage=np.array(passage or [0.0] * len(heading), np.float32),
        heading_dense=np.zeros(len(heading), np.float32),
    )


def test_weights_of_words_sum_to_one_in_proportion() -> None:
    reading = weigh(query([0.9, 0.3]), evidence([[0.5, 0.5]], [[0.0, 0.0]], [0]))
    assert reading.weights == pytest.approx([0.75, 0.25])


def test_a_word_that_says_nothing_still_counts_a_little() -> None:
    reading = weigh(query([0.9, 0.0]), evidence([[0.5, 0.5]], [[0.0, 0.0]], [0]))
    assert reading.weights.sum() == pytest.approx(1.0)
    assert 0 < reading.weights[1] < 0.3


def test_words_that_all_say_nothing_count_alike() -> None:
    reading = weigh(query([0.0, 0.0]), evidence([[0.5, 0.5]], [[0.0, 0.0]], [0]))
    assert reading.weights == pytest.approx([0.5, 0.5])


def test_a_word_is_matched_in_the_point_or_a_little_less_in_its_heading() -> None:
    reading = weigh(
        query([0.5, 0.5]),
        evidence([[0.9, 0.1], [0.2, 0.3]], [[0.0, 0.8], [0.1, 0.1]], [0, 1]),
    )
    assert reading.matched[:, 0] == pytest.approx([0.9, 0.2])
    assert 0.6 < reading.matched[0, 1] < 0.8
    assert reading.matched[1, 1] == pytest.approx(0.3)


def test_a_section_matches_a_word_as_its_best_point_does() -> None:
    reading = weigh(
        query([0.5, 0.5]),
        evidence([[0.9, 0.1], [0.2, 0.3], [0.4, 0.6]], [[0.0, 0.0]] * 2, [0, 0, 1]),
    )
    assert reading.section_matched == pytest.approx(np.array([[0.9, 0.3], [0.4, 0.6]]))


def test_the_score_grows_with_each_kind_of_evidence() -> None:
    def score(own: float = 0.4, **more: list[float]) -> float:
        found = evidence([[own]], [[0.1]], [0], **more)  # type: ignore[arg-type]
        return float(weigh(query([0.7]), found).score[0])

    assert score() < score(own=0.5)
    assert score() < score(dense=[0.3])
    assert score() < score(passage=[0.3])
    assert score(dense=[1.0]) - score() < 0.5 * (score(own=1.0) - score(own=0.0))


def test_the_point_that_holds_every_word_is_before_those_that_hold_one() -> None:
    reading = weigh(
        query([0.5, 0.5]),
        evidence([[1.0, 0.0], [0.9, 0.9], [0.0, 1.0]], [[0.0, 0.0]], [0, 0, 0]),
    )
    assert reading.score.argmax() == 1
    assert reading.score[0] == pytest.approx(reading.score[2])


def test_a_follow_up_stays_near_what_was_found_before_but_not_on_it() -> None:
    found = evidence([[0.5]] * 3, [[0.0]] * 2, [0, 0, 1])
    before = Reading(
        weights=np.ones(1, np.float32),
        matched=np.zeros((3, 1), np.float32),
        score=np.array([0.9, 0.2, 0.3], np.float32),
        section_matched=np.zeros((2, 1), np.float32),
    )
    alone = weigh(query([0.5]), found).score
    assert alone == pytest.approx([alone[0]] * 3)
    leaning = weigh(query([0.5], typed=[False]), found, before).score
    assert leaning.argmax() == 1
    changed = weigh(query([0.5]), found, before).score
    assert changed[0] == pytest.approx(changed[1])
    assert leaning[1] - leaning[2] > changed[1] - changed[2] >= 0


def test_nothing_read_weighs_nothing() -> None:
    empty = Evidence(
        points=np.empty(0, np.int64),
        section=np.empty(0, np.int64),
        sections=np.zeros(1, np.int64),
        topic=np.zeros(1, np.int64),
        own=np.empty((0, 1), np.float32),
        heading=np.zeros((1, 1), np.float32),
        exact=np.empty((0, 1), bool),
        other_ordinal=np.empty(0, bool),
        other_year=np.empty(0, bool),
        dense=np.empty(0, np.float32),
        passage=np.zeros(1, np.float32),
        heading_dense=np.zeros(1, np.float32),
    )
    assert weigh(query([0.5]), empty).score.tolist() == []


def test_the_third_of_something_is_no_answer_about_the_first() -> None:
    found = evidence([[0.5], [0.5]], [[0.0]], [0, 0])
    found = replace(found, other_ordinal=np.array([True, False]))
    score = weigh(query([0.5]), found).score
    assert score[1] - score[0] == pytest.approx(0.2)


def test_a_point_on_other_years_is_no_answer_about_the_one_asked_for() -> None:
    found = evidence([[0.5], [0.5]], [[0.0]], [0, 0])
    found = replace(found, other_year=np.array([True, False]))
    score = weigh(query([0.5]), found).score
    assert score[1] - score[0] == pytest.approx(0.2)


# --------------------------------------------------------------------------- features


@dataclass(frozen=True)
class Asked:
    """A question put to the small notes above."""

    index: Index
    question: Question
    query: Query
    evidence: Evidence
    reading: Reading

    @property
    def features(self) -> np.ndarray:
        return point_features(self.index, self.question, self.query, self.evidence, self.reading)

    def column(self, name: str) -> list[float]:
        return self.features[:, relevance_feature_names().index(name)].tolist()

    def coverage(self) -> dict[str, float]:
        relevance = np.linspace(0.1, 0.7, len(self.evidence.points))
        row = coverage_features(
            self.index, self.question, self.query, self.evidence, self.reading, relevance
        )
        return dict(zip(COVERAGE_FEATURES, row.tolist(), strict=True))


@pytest.fixture(scope="module")
def small(encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("small")
    (folder / "notes").mkdir()
    (folder / "notes" / "farming.md").write_text(NOTES, "utf-8")
    build_index(folder / "notes", folder / "index", encoder=encoder)
    return Index.open(folder / "index")


@pytest.fixture(scope="module")
def ask(small: Index, encoder: Encoder) -> Any:
    def asked(text: str) -> Asked:
        [searched] = prepare([Search(text)], encoder, lexicon_of(small.sections))
        [found] = Reader(small).read([searched], range(len(small.passages)))
        return Asked(small, understand(text), searched, found, weigh(searched, found))

    return asked


POINTS = [
    "Farms were joined into a kolkhoz from 1929",
    "Tractors came from the state",
    "Drivers were trained near Kiev",
    "Collectivization -> Poor harvest -> Famine",
    "It failed because peasants resisted",
    "Feed the towns",
    "Sell grain abroad",
    "Posters hung in 200 schools",
]


def flags(*numbers: int) -> list[float]:
    return [float(number in numbers) for number in range(len(POINTS))]


def test_the_small_notes_are_read_as_written(small: Index) -> None:
    assert [point.text for point in small.points] == POINTS


@pytest.mark.parametrize("text", ["when did farming change?", "why?", "tractors", "compare all"])
def test_there_is_a_row_of_features_per_point_and_a_number_per_name(ask: Any, text: str) -> None:
    asked = ask(text)
    assert asked.features.shape == (len(POINTS), len(relevance_feature_names()))
    assert np.isfinite(asked.features).all()
    assert np.isfinite(list(asked.coverage().values())).all()
    assert (shipped_weights().relevance(asked.features) <= 1.0).all()


def test_features_that_are_about_the_point_alone(ask: Any) -> None:
    asked = ask("tractors")
    assert asked.column("chain") == flags(3)
    assert asked.column("summary") == flags(4)
    assert asked.column("below another") == flags(2)
    assert asked.column("first in section") == flags(0, 5, 7)
    assert asked.column("group") == flags(5, 6)
    assert asked.column("log points in section") == pytest.approx(
        [math.log(5)] * 5 + [math.log(2)] * 2 + [0.0]
    )
    assert asked.column("cause") == flags(3, 4)
    assert asked.column("result") == flags(3)


def test_features_that_compare_with_the_best(ask: Any) -> None:
    asked = ask("when did the tractors come from the state?")
    assert asked.column("best") == flags(1)
    assert asked.column("in best section") == flags(0, 1, 2, 3, 4)
    behind = asked.column("behind")
    assert behind[1] == 0.0 == max(behind)
    assert min(behind) < 0.0
    assert asked.column("parent's score behind") == [0.0] * len(POINTS)
    assert asked.column("exact behind")[1] == 0.0


def test_features_of_the_wanted_detail(ask: Any) -> None:
    when, many, where = ask("when was it"), ask("how many schools"), ask("where did they train")
    assert when.column("year wanted and there") == flags(0)
    assert when.column("year wanted and missing") == flags(1, 2, 3, 4, 5, 6, 7)
    assert when.column("number wanted and there") == flags()
    assert many.column("number wanted and there") == flags(7)
    assert where.column("name wanted and there")[2] == 1.0
    assert ask("tractors").column("year wanted and missing") == flags()


def test_features_of_the_topic(ask: Any) -> None:
    asked = ask("tractors")
    assert asked.column("first mention") == flags(1)
    assert asked.column("begins with topic") == flags(1)
    assert ask("astronauts").column("first mention") == flags()


def test_features_of_the_named_part_of_a_topic(ask: Any) -> None:
    asked = ask("the goals of farming")
    assert asked.column("facet named") == flags(5, 6)
    assert asked.column("facet named elsewhere") == flags(0, 1, 2, 3, 4, 7)
    assert ask("farming").column("facet named elsewhere") == flags()


@pytest.mark.parametrize(
    "text", ["when did lenin die", "why did it start", "tractors", "was it a success?"]
)
def test_only_the_columns_of_the_questions_kind_are_filled(ask: Any, text: str) -> None:
    asked = ask(text)
    for kind in KINDS:
        told = asked.question.kind == kind
        assert asked.column(f"any ({kind})") == [float(told)] * len(POINTS)
        assert asked.column(f"behind ({kind})") == (
            asked.column("behind") if told else [0.0] * len(POINTS)
        )
        assert asked.coverage()[f"kind {kind}"] == float(told)


def test_features_of_the_question_as_a_whole(ask: Any) -> None:
    asked = ask("when did the tractors come from the state?")
    found = asked.coverage()
    assert found["best relevance"] == pytest.approx(0.7)
    assert found["score"] == pytest.approx(float(asked.reading.score.max()))
    assert found["best dense"] == pytest.approx(float(asked.evidence.dense.max()))
    assert found["year wanted and missing"] == 1.0


@pytest.mark.parametrize(("length", "share"), [(15.0, 0.0), (23.5, 0.5), (40.0, 1.0)])
def test_what_counts_in_prose_counts_as_far_as_points_are_as_long_as_sentences(
    ask: Any, length: float, share: float
) -> None:
    asked = ask("when did the tractors come from the state?")
    found = replace(asked, index=replace(asked.index, typical_length=length)).coverage()
    assert found["prose"] == share
    assert found["dense"] > 0
    assert found["dense in prose"] == pytest.approx(share * found["dense"])
    assert found["above mean in prose"] == pytest.approx(share * found["above mean"])


def test_the_typical_length_of_points_is_their_geometric_mean(small: Index) -> None:
    tokens = [len(small.point_tokens(point)) for point in range(len(small.points))]
    assert len(set(tokens)) > 1
    assert small.typical_length == pytest.approx(geometric_mean(n + 1 for n in tokens) - 1)


def test_a_word_that_the_notes_do_not_use_leaves_a_gap(ask: Any) -> None:
    known, unknown = ask("who drove the tractors"), ask("which astronauts drove the tractors")
    assert (
        known.coverage()["largest gap of an unknown word"]
        < (unknown.coverage()["largest gap of an unknown word"])
    )
    assert unknown.coverage()["unknown share"] > known.coverage()["unknown share"]
    assert unknown.coverage()["worst word"] < 0.6


def test_the_head_noun_counts_as_far_as_it_is_matched(ask: Any) -> None:
    held, missing = ask("which tractors came"), ask("which astronauts came")
    assert held.coverage()["head noun"] > missing.coverage()["head noun"]


def test_a_year_that_the_notes_do_not_hold_is_noticed(ask: Any) -> None:
    assert ask("what happened in 1929").coverage()["year not in notes"] == 0.0
    assert ask("what happened in 1955").coverage()["year not in notes"] == 1.0


def test_features_of_the_same_evidence_are_the_same(ask: Any) -> None:
    asked = ask("why did collectivization fail")
    again = replace(asked, reading=weigh(asked.query, asked.evidence))
    assert np.array_equal(asked.features, again.features)
    assert asked.coverage() == again.coverage()
