"""Fit the weights that the package ships, on development questions only.

    python -m bench.tune [--write]

The sources, none of them reported on elsewhere: the development half of
``tests/data/questions.jsonl`` on ``corpus/``; ``tests/data/raw-page.jsonl`` on a page of real
notes; pages of notes on other subjects in ``bench/notes/development/``; and, for refusing what
notes do not touch, questions of each page asked of another and a few encyclopedia articles of
SQuAD 2.0. What is printed is measured on pages that the model did not see. ``--write`` stores
the weights of a fit to all of them in ``src/askhistory/weights.json`` and the printed table in
``docs/tuning.md``.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from askhistory.assistant import Analysis, Assistant, build_index
from askhistory.evaluation import LabelledQuestion, read_questions, resolve
from askhistory.index import Index
from askhistory.models import Encoder
from askhistory.notes import read_corpus
from askhistory.question import QuestionKind
from askhistory.relevance import (
    COVERAGE_FEATURES,
    Linear,
    Weights,
    coverage_features,
    point_features,
    relevance_feature_names,
)
from askhistory.selection import choose
from askhistory.settings import Settings
from askhistory.smalltalk import small_talk
from bench.data import ROOT, data_file, read_articles
from bench.held_out import RAW_PAGE
from bench.pages import Answers, PointKey, key_of, write_pages
from bench.report import made, put
from bench.squad2 import is_development, shared_paragraphs

TUNING_PAGE = ROOT / "docs" / "tuning.md"
WEIGHTS_FILE = ROOT / "src" / "askhistory" / "weights.json"
NOTES = ROOT / "bench" / "notes" / "development"
SEED = 20261123
STRANGERS = 12
"""Questions of another page asked of each page: it cannot answer them."""
ARTICLES = 500
"""Questions that the articles answer, and as many on other articles."""


@dataclass(frozen=True, slots=True)
class Example:
    """A development question with its evidence and its labels; n points.

    Attributes:
        source: Which of the sources it is from.
        fold: Examples of one fold are never fitted on when one of them is judged.
        kind: As labelled.
        assistant: That read the notes.
        analysis: What was read; its relevance and confidence are not used.
        features: (n, columns) of the points.
        expected: (n,) which points belong in the answer.
        first: (n,) which are right as the first.
        allowed: (n,) which may stand in the answer too.
        covered: Whether the notes answer it.
        missed: How many expected points were not among those read.
    """

    source: str
    fold: str
    kind: str
    assistant: Assistant
    analysis: Analysis
    features: NDArray[np.float32]
    expected: NDArray[np.bool_]
    first: NDArray[np.bool_]
    allowed: NDArray[np.bool_]
    covered: bool
    missed: int


def untrained() -> Weights:
    """Weights that say nothing, for gathering evidence before there are any."""

    def nothing(features: Sequence[str]) -> Linear:
        n = len(features)
        return Linear(
            tuple(features),
            np.zeros(n, np.float32),
            np.ones(n, np.float32),
            np.zeros(n, np.float32),
            0.0,
        )

    return Weights(nothing(relevance_feature_names()), nothing(COVERAGE_FEATURES), 0.5, {})


def opened(corpus: Path, folder: Path, encoder: Encoder) -> Assistant:
    """Notes indexed into a folder and opened, without any weights yet."""
    settings = Settings(corpus=corpus, index=folder)
    build_index(settings=settings, encoder=encoder)
    index = Index.open(folder, encoder_sha256=encoder.sha256)
    return Assistant(index, encoder, untrained(), settings)


@dataclass(frozen=True, slots=True)
class Notes:
    """Notes opened for asking; examples on notes of one fold are kept together."""

    source: str
    fold: str
    assistant: Assistant

    def example(
        self,
        kind: str,
        question: str,
        history: Sequence[str] = (),
        labels: Sequence[Collection[PointKey]] = ((), (), ()),
    ) -> Example:
        """Ask a question whose expected, first and allowed points are known; none: uncovered."""
        analysis = self.assistant.analyse(question, history)
        index = self.assistant.index
        keys = [key_of(index.points[point]) for point in analysis.evidence.points]
        expected, first, allowed = (np.array([k in found for k in keys], bool) for found in labels)
        return Example(
            self.source,
            self.fold,
            kind,
            self.assistant,
            analysis,
            point_features(
                index, analysis.question, analysis.searched, analysis.evidence, analysis.reading
            ),
            expected,
            first,
            allowed & ~expected,
            bool(labels[0]),
            len(labels[0]) - int(expected.sum()),
        )

    def examples(self, questions: Iterable[LabelledQuestion]) -> list[Example]:
        """Ask labelled questions; small talk, which is never weighed, is left out."""
        found = []
        for asked in questions:
            if asked.kind == "smalltalk" or small_talk(asked.question):
                continue
            gold = resolve(asked, self.assistant.index.sections)
            labels = [
                {key_of(point) for point in points}
                for points in (gold.expected, gold.first, gold.allowed)
            ]
            found.append(self.example(asked.kind, asked.question, asked.history, labels))
        return found


def gather(encoder: Encoder) -> list[Example]:
    """All development examples."""
    data = ROOT / "tests" / "data"
    pages = {
        page.name: read_questions(page / "questions.jsonl") for page in sorted(NOTES.iterdir())
    }
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        raw = folder / "raw"
        raw.mkdir()
        page = data_file(RAW_PAGE)
        (raw / page.name).write_bytes(page.read_bytes())

        def notes_of(source: str, fold: str, corpus: Path) -> Notes:
            return Notes(source, fold, opened(corpus, folder / f"index-{source}", encoder))

        own = notes_of("edition", "own", ROOT / "corpus")
        examples = [
            *own.examples(read_questions(data / "questions.jsonl", "dev")),
            *notes_of("raw page", "own", raw).examples(
                read_questions(data / "raw-page.jsonl", "dev")
            ),
        ]
        notes = {name: notes_of(name, name, NOTES / name) for name in pages}
        for name, questions in pages.items():
            examples += notes[name].examples(questions)
        examples += _strangers(pages, notes)
        examples += _articles(folder, notes_of)
    return examples


def _strangers(
    pages: Mapping[str, Sequence[LabelledQuestion]], notes: Mapping[str, Notes]
) -> list[Example]:
    """Questions that each page answers, asked of the page after it, which does not."""
    chosen = random.Random(SEED)
    names = list(pages)
    found = []
    for name, other in zip(names, [*names[1:], names[0]], strict=True):
        plain = [asked for asked in pages[name] if asked.covered and not asked.history]
        for asked in chosen.sample(plain, STRANGERS):
            found.append(notes[other].example("far", asked.question))
    return found


def _articles(folder: Path, notes_of: Callable[[str, str, Path], Notes]) -> list[Example]:
    """Every other development article as notes, and questions on it and on the rest."""
    articles = read_articles(data_file("squad2-dev-part.json"))
    known = shared_paragraphs(articles, read_articles(data_file("xquad.en.json")))
    numbers = [number for number in range(len(articles)) if is_development((number, -1), known)]
    library = {number: place for place, number in enumerate(numbers[::2])}
    pages = folder / "articles"
    pages.mkdir()
    kept = [articles[number] for number in library]
    write_pages(kept, pages)
    answers = Answers(kept, read_corpus(pages))
    whole = notes_of("articles", "articles", pages)
    halves = (whole, replace(whole, fold="articles, other half"))
    inside: list[tuple[Notes, str, set[PointKey]]] = []
    outside: list[tuple[Notes, str]] = []
    for place, number in enumerate(numbers):
        notes = halves[place // 2 % 2]
        for inner, paragraph in enumerate(articles[number].paragraphs):
            for question in paragraph.questions if (number, inner) not in known else ():
                if number not in library:
                    outside.append((notes, question.text))
                elif question.starts:
                    holders = answers.holders((library[number], inner), question.starts)
                    inside.append((notes, question.text, holders))
    chosen = random.Random(SEED)
    return [
        *(
            notes.example("fact", text, labels=(holders, holders, ()))
            for notes, text, holders in chosen.sample(inside, ARTICLES)
        ),
        *(notes.example("far", text) for notes, text in chosen.sample(outside, ARTICLES)),
    ]


def _fit(
    rows: NDArray[Any],
    labels: NDArray[np.bool_],
    sample: NDArray[np.float64],
    features: Sequence[str],
    strength: float,
) -> Linear:
    mean = rows.mean(axis=0)
    scale = rows.std(axis=0)
    scale[scale < 1e-4] = 1.0
    model = LogisticRegression(C=strength, max_iter=150)
    model.fit((rows - mean) / scale, labels, sample_weight=sample)
    return Linear(
        tuple(features),
        mean.astype(np.float32),
        scale.astype(np.float32),
        model.coef_[0].astype(np.float32),
        float(model.intercept_[0]),
    )


RANKING = 10.0
"""Log-odds per unit of score behind the best: keeps the reader's order where features tie."""
ANSWERED = 0.92
"""Share of the covered development questions that the threshold must let through."""
KEEP = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


def fit_relevance(examples: Sequence[Example], strength: float = 0.01) -> Linear:
    """Fit which points belong, over covered examples; each counts by the root of its points."""
    rows, labels, sample = [], [], []
    for example in examples:
        if example.source == "articles" or not example.expected.any():
            continue
        used = ~example.allowed & _near(example)
        weight = 1.0 / np.sqrt(example.expected.sum())
        rows.append(example.features[used])
        labels.append(example.expected[used])
        sample.append(np.full(used.sum(), weight))
    names = relevance_feature_names()
    model = _fit(
        np.concatenate(rows), np.concatenate(labels), np.concatenate(sample), names, strength
    )
    behind = names.index("behind")
    weights = model.weights.copy()
    weights[behind] += RANKING * model.scale[behind]
    return replace(
        model,
        weights=weights,
        intercept=model.intercept + RANKING * float(model.mean[behind]),
    )


def _near(example: Example) -> NDArray[np.bool_]:
    """The points worth learning from: those that belong and the forty that score best."""
    score = example.analysis.reading.score
    return example.expected | (score >= np.sort(score)[-min(40, len(score))])


def coverage_row(example: Example, relevance: NDArray[np.float64]) -> NDArray[np.float32]:
    """The coverage features of an example whose points have these relevances."""
    return coverage_features(
        example.assistant.index,
        example.analysis.question,
        example.analysis.searched,
        example.analysis.evidence,
        example.analysis.judged,
        relevance,
    )


def fit_coverage(
    examples: Sequence[Example], rows: NDArray[np.float32], strength: float = 0.1
) -> Linear:
    """Fit whether the notes answer at all."""
    labels = np.array([example.covered for example in examples])
    sample = np.ones(len(examples))
    # As many of one sort as of the other, so that the threshold does not depend on the mix.
    for sort in (True, False):
        sample[labels == sort] *= len(examples) / 2 / sample[labels == sort].sum()
    return _fit(rows, labels, sample, COVERAGE_FEATURES, strength)


def _folds(examples: Sequence[Example]) -> Iterator[tuple[list[int], list[int]]]:
    """Which examples to fit on and which to judge: each fold judged by a fit to all others."""
    for fold in dict.fromkeys(example.fold for example in examples):
        held_out = [place for place, example in enumerate(examples) if example.fold == fold]
        yield [place for place in range(len(examples)) if place not in set(held_out)], held_out


def cross_relevance(examples: Sequence[Example]) -> list[NDArray[np.float64]]:
    """Relevance of each example's points by a model that did not see its notes."""
    found: dict[int, NDArray[np.float64]] = {}
    for train, held_out in _folds(examples):
        model = fit_relevance([examples[i] for i in train])
        found.update((i, model(examples[i].features)) for i in held_out)
    return [found[i] for i in range(len(examples))]


def cross_coverage(examples: Sequence[Example], rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Coverage of each example by a model that did not see its notes."""
    found = np.zeros(len(examples))
    for train, held_out in _folds(examples):
        model = fit_coverage([examples[i] for i in train], rows[train])
        found[held_out] = model(rows[held_out])
    return found


@dataclass(frozen=True, slots=True)
class Composed:
    """How an answer's points compare with the labels."""

    first: float
    section: float
    recall: float
    precision: float


def composed(example: Example, relevance: NDArray[np.float64], keep: float) -> Composed:
    """Choose the answer's points as the assistant does and compare them with the labels."""
    evidence = example.analysis.evidence
    analysis = example.analysis
    groups = choose(
        example.assistant.index, analysis.question, analysis.searched, evidence, relevance, keep
    )
    row_of = {int(point): row for row, point in enumerate(evidence.points)}
    shown = [row_of[chosen.point] for group in groups for chosen in group]
    twins = {row_of[twin] for group in groups for chosen in group for twin in chosen.twins}
    said = {row for row in (*shown, *twins) if example.expected[row]}
    counted = [row for row in shown if not example.allowed[row]]
    right_sections = set(evidence.section[example.first].tolist())
    return Composed(
        first=float(example.first[shown[0]]),
        section=float(evidence.section[shown[0]] in right_sections),
        recall=len(said) / max(1, int(example.expected.sum()) + example.missed),
        precision=float(np.mean(example.expected[counted])) if counted else 1.0,
    )


def tune_keep(
    examples: Sequence[Example], relevance: Sequence[NDArray[np.float64]]
) -> dict[str, float]:
    """Per kind of question the share at which precision and recall are best together."""
    keep: dict[str, float] = {}
    for kind in get_args(QuestionKind):
        chosen = [
            (example, found)
            for example, found in zip(examples, relevance, strict=True)
            if example.covered
            and example.source != "articles"
            and example.analysis.question.kind == kind
        ]
        best = (-1.0, 0.0)
        for share in KEEP:
            results = [composed(example, found, share) for example, found in chosen]
            recall = float(np.mean([result.recall for result in results]))
            precision = float(np.mean([result.precision for result in results]))
            best = max(best, (2 * precision * recall / (precision + recall), share))
        keep[kind] = best[1]
    return keep


def report(
    examples: Sequence[Example],
    relevance: Sequence[NDArray[np.float64]],
    coverage: NDArray[np.float64],
    weights: Weights,
) -> str:
    """The cross-validated figures, a source a row, as a Markdown table."""
    lines = [
        "| source | questions | right section first | first point | point recall | "
        "point precision | AUROC | plain AUROC | covered answered | uncovered refused |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    plain = np.array([float(e.analysis.reading.score.max()) for e in examples])
    labels = np.array([example.covered for example in examples])
    for source in dict.fromkeys(example.source for example in examples):
        of_source = np.array([example.source == source for example in examples])
        results = [
            composed(example, found, weights.keep[example.analysis.question.kind])
            for example, found in zip(examples, relevance, strict=True)
            if example.source == source and example.covered
        ]
        passed = coverage >= weights.threshold
        figures = [
            *(
                float(np.mean([getattr(result, name) for result in results]))
                for name in ("section", "first", "recall", "precision")
            ),
            float(roc_auc_score(labels[of_source], coverage[of_source])),
            float(roc_auc_score(labels[of_source], plain[of_source])),
            float(passed[of_source & labels].mean()),
            float(1 - passed[of_source & ~labels].mean()),
        ]
        cells = " | ".join(f"{figure:.3f}" for figure in figures)
        lines.append(f"| {source} | {int(of_source.sum())} | {cells} |")
    return "\n".join(lines)


def main() -> None:
    """Fit, print the cross-validated figures, and store the weights if told to."""
    parser = argparse.ArgumentParser(
        description="Fit the shipped weights on development questions."
    )
    parser.add_argument("--write", action="store_true", help="store them in the package")
    arguments = parser.parse_args()
    examples = gather(Encoder.load())
    relevance = cross_relevance(examples)
    rows = np.stack(
        [coverage_row(example, found) for example, found in zip(examples, relevance, strict=True)]
    )
    coverage = cross_coverage(examples, rows)
    of_notes = np.array([e.covered and e.source != "articles" for e in examples])
    weights = Weights(
        relevance=fit_relevance(examples),
        coverage=fit_coverage(examples, rows),
        threshold=float(np.quantile(coverage[of_notes], 1 - ANSWERED)),
        keep=tune_keep(examples, relevance),
    )
    text = f"{report(examples, relevance, coverage, weights)}\n\n{made('python -m bench.tune')}"
    print(text)
    if arguments.write:
        WEIGHTS_FILE.write_text(to_json(weights), encoding="utf-8")
        put("tune", text, TUNING_PAGE)


def to_json(weights: Weights) -> str:
    """The weights as the package ships them, a feature a line."""

    def linear(model: Linear) -> dict[str, Any]:
        rows = zip(model.features, model.mean, model.scale, model.weights, strict=True)
        return {
            "intercept": round(model.intercept, 5),
            "weights": {
                name: {
                    "weight": round(float(weight), 5),
                    "mean": round(float(mean), 5),
                    "scale": round(float(scale), 5),
                }
                for name, mean, scale, weight in rows
            },
        }

    content = {
        "threshold": round(weights.threshold, 4),
        "keep": {kind: round(share, 3) for kind, share in weights.keep.items()},
        "relevance": linear(weights.relevance),
        "coverage": linear(weights.coverage),
    }
    return json.dumps(content, indent=1) + "\n"


if __name__ == "__main__":
    main()
