"""Teach the encoder to read notes: ``python -m bench.adapt [--write]``.

all-MiniLM-L6-v2 was made to tell texts by the mean of their token vectors; askhistory reads points
by each token by itself. So the layers are changed a little (LoRA, Hu et al. 2021) until late
interaction puts the right point first, and until the best point of a question that the notes do
not answer scores less than those that answer others.

What is learnt from: the pages in ``bench/notes/adaptation/`` and their questions, and every other
development article of SQuAD 2.0 (those that ``bench.tune`` does not put into its notes). No page
that anything else is fitted or measured on is among them. ``--write`` stores the change where the
package finds it; ``make tune`` has to follow, for the weights are fitted to what the encoder says.
``--further`` begins with the change that is there. A pass takes half an hour on two cores.

Each page is asked some questions of other pages too, which it does not answer.

What is trained on is the score of `relevance.weigh` without the passage's share, over all points
of a page at once: a batch is many questions on one page.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import random
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from transformers import AutoTokenizer, BertModel

from askhistory.assistant import Assistant, lexicon_of
from askhistory.chunking import heading_text, point_context
from askhistory.evaluation import read_questions, resolve
from askhistory.models import ADAPTER, Encoder, verified_folder
from askhistory.notes import read_corpus
from askhistory.schema import Point
from askhistory.smalltalk import small_talk
from bench.data import ROOT, Article, data_file, read_articles
from bench.pages import Answers, key_of, write_pages
from bench.report import made, put, table
from bench.squad2 import is_development, shared_paragraphs
from bench.tune import NOTES as DEVELOPMENT
from bench.tune import TUNING_PAGE, opened

NOTES = ROOT / "bench" / "notes" / "adaptation"
SEED = 0
RANK = 32
"""Of the change of each matrix."""
RATE = 7e-4
"""Highest learning rate; it rises for a tenth of the steps and then falls to nothing."""
EPOCHS = 3
RATE_FURTHER = 5e-4
EPOCHS_FURTHER = 2
"""The same two where a change that was learnt before is learnt further."""
BATCH = 260
"""Questions of a step, at the most, all on one page."""
MOST_POINTS = 220
"""Points of a step: of an article that has more, those that are labelled and some others."""
STRANGERS = 40
"""Questions on other pages that each page is asked too, and does not answer."""
SHARPNESS = 25.0
"""What a score is multiplied with before softmax, at the beginning; learnt."""
LIST_SHARE = 0.5
"""Of the loss that every point of the answer is ahead of those that are not, beside the loss that
one that is right as the first is."""
COVERED_SHARE = 0.8
"""Of the loss that covered questions can be told from others by the best score."""
UNCOVERED_COUNT = 1.5
"""What a question that is not covered counts in that, for there are fewer."""

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on a page of n points.

    Attributes:
        text: As searched.
        weights: (W,) of its words.
        spread: (T, W) the share of each token in each word.
        expected: (n,) which points belong in the answer.
        first: (n,) which are right as the first.
        allowed: (n,) which may stand in the answer too.
    """

    text: str
    weights: NDArray[np.float32]
    spread: NDArray[np.float32]
    expected: Bools
    first: Bools
    allowed: Bools

    @property
    def covered(self) -> bool:
        """Whether the notes answer it."""
        return bool(self.first.any())


@dataclass(frozen=True, slots=True)
class Page:
    """A page as the index embeds it; n points, s headed places.

    Attributes:
        name: Of its folder.
        points: Per point what is read before it, and its text.
        headings: Per headed place its path.
        section: (n,) the headed place of each point.
        asked: Questions on it.
    """

    name: str
    points: tuple[tuple[str, str], ...]
    headings: tuple[str, ...]
    section: NDArray[np.int64]
    asked: tuple[Asked, ...]

    def part(self, asked: Sequence[Asked], most: int, chosen: np.random.Generator) -> Page:
        """Some questions, and no more points than `most` besides those that they are about."""
        if len(self.points) <= most:
            return replace(self, asked=tuple(asked))
        kept = np.logical_or.reduce([one.expected | one.first for one in asked])
        rest = np.flatnonzero(~kept)
        kept[chosen.permutation(rest)[: max(0, most - int(kept.sum()))]] = True
        return Page(
            self.name,
            tuple(point for point, keep in zip(self.points, kept, strict=True) if keep),
            self.headings,
            self.section[kept],
            tuple(
                replace(
                    one,
                    expected=one.expected[kept],
                    first=one.first[kept],
                    allowed=one.allowed[kept],
                )
                for one in asked
            ),
        )


# --------------------------------------------------------------------------------- the data


def read_page(
    name: str, corpus: Path, questions: Path, encoder: Encoder, strangers: Sequence[str] = ()
) -> Page:
    """A folder of notes and the questions on it, spelling mended and follow-ups completed.

    Args:
        name: What to call it.
        corpus: The folder of notes.
        questions: The file of questions on them.
        encoder: To index the notes with.
        strangers: Questions that the notes do not answer, asked besides.
    """
    with TemporaryDirectory(prefix="askhistory-adapt-") as scratch:
        assistant = opened(corpus, Path(scratch), encoder)
        found = []
        for asked in read_questions(questions):
            if asked.kind != "smalltalk" and not small_talk(asked.question):
                gold = resolve(asked, assistant.index.sections)
                labels = (gold.expected, gold.first, gold.allowed)
                found.append(_asked(assistant, asked.question, asked.history, labels))
        found += [_asked(assistant, question, (), ((), (), ())) for question in strangers]
        return _page(name, assistant, found)


def read_adaptation() -> list[Page]:
    """What is learnt from, read by one process a core: a question costs a run of the encoder."""
    folders = sorted(NOTES.iterdir())
    articles = _development_articles()
    asked = {
        folder.name: [
            one.question
            for one in read_questions(folder / "questions.jsonl")
            if one.covered and not one.history
        ]
        for folder in folders
    } | {article.title: _texts(article, left_out) for article, left_out in articles}
    chosen = random.Random(SEED)

    def strangers(page: str) -> list[str]:
        pool = [question for name, own in asked.items() if name != page for question in own]
        return chosen.sample(pool, STRANGERS)

    with ProcessPoolExecutor(mp_context=get_context("spawn")) as processes:
        waiting = [
            processes.submit(_read_in_process, folder, None, strangers(folder.name))
            for folder in folders
        ] + [
            processes.submit(_read_in_process, article, left_out, strangers(article.title))
            for article, left_out in articles
        ]
        pages = []
        for one in waiting:
            pages.append(one.result())
            print(f"read {len(pages)} of {len(waiting)}: {pages[-1].name}", flush=True)
    return pages


def _read_in_process(
    source: Path | Article, left_out: Collection[int] | None, strangers: Sequence[str]
) -> Page:
    encoder = _one_threaded()
    if isinstance(source, Article):
        return _read_article(source, left_out or (), encoder, strangers)
    return read_page(source.name, source, source / "questions.jsonl", encoder, strangers)


@cache
def _one_threaded() -> Encoder:
    """The encoder as published, of a process among as many as there are cores."""
    torch.set_num_threads(1)
    return Encoder.load(adapted=False)


def _development_articles() -> list[tuple[Article, set[int]]]:
    """Every other development article of SQuAD 2.0, and which of its paragraphs are in XQuAD."""
    articles = read_articles(data_file("squad2-dev-part.json"))
    known = shared_paragraphs(articles, read_articles(data_file("xquad.en.json")))
    development = [n for n in range(len(articles)) if is_development((n, -1), known)]
    return [
        (articles[number], {inner for outer, inner in known if outer == number})
        for number in development[1::2]
    ]


def _texts(article: Article, left_out: Collection[int]) -> list[str]:
    """The questions of an article that it answers."""
    return [
        " ".join(question.text.split())
        for inner, paragraph in enumerate(article.paragraphs)
        for question in (paragraph.questions if inner not in left_out else ())
        if question.starts
    ]


def _read_article(
    article: Article, left_out: Collection[int], encoder: Encoder, strangers: Sequence[str]
) -> Page:
    with TemporaryDirectory(prefix="askhistory-adapt-") as scratch:
        notes = Path(scratch, "notes")
        notes.mkdir()
        write_pages([article], notes)
        answers = Answers([article], read_corpus(notes))
        assistant = opened(notes, Path(scratch, "index"), encoder)
        by_key = {key_of(point): point for point in assistant.index.points}
        found = []
        for inner, paragraph in enumerate(article.paragraphs):
            for question in paragraph.questions if inner not in left_out else ():
                keys = answers.holders((0, inner), question.starts) if question.starts else ()
                holders = [by_key[key] for key in keys]
                text = " ".join(question.text.split())
                found.append(_asked(assistant, text, (), (holders, holders, ())))
        found += [_asked(assistant, question, (), ((), (), ())) for question in strangers]
        return _page(article.title, assistant, found)


def _asked(
    assistant: Assistant,
    question: str,
    history: Sequence[str],
    labels: Sequence[Iterable[Point]],
) -> Asked:
    searched = assistant.analyse(question, history).searched
    keys = [key_of(point) for point in assistant.index.points]
    expected, first, allowed = (
        np.array([key in held for key in keys], bool)
        for held in ({key_of(point) for point in points} for points in labels)
    )
    return Asked(
        searched.text, searched.weights, searched.spread, expected, first, allowed & ~expected
    )


def _page(name: str, assistant: Assistant, asked: Sequence[Asked]) -> Page:
    index = assistant.index
    expand = lexicon_of(index.sections).expand
    points = []
    for section in index.sections:
        by_number = {point.number: point for point in section.points}
        for point in section.points:
            parent = None if point.parent is None else by_number.get(point.parent)
            points.append((point_context(point, parent), expand(point.text)))
    return Page(
        name,
        tuple(points),
        tuple(heading_text(section.headings) for section in index.sections),
        np.asarray(index.point_section, np.int64),
        tuple(asked),
    )


# -------------------------------------------------------------------------------- the model


class _AddThin(torch.autograd.Function):
    """A layer with a product of two thin matrices added to its own, which alone are learnt.

    The gradient of the whole matrix, a third of the work of a step, is never made.
    """

    @staticmethod
    def forward(ctx: Any, states: Tensor, weight: Tensor, bias: Tensor, *thin: Tensor) -> Tensor:
        """(…, rows) of (…, columns), by weight + B A."""
        whole = torch.addmm(weight, thin[1], thin[0])
        ctx.save_for_backward(states, whole, *thin)
        return functional.linear(states, whole, bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        """The gradients of the states, of A and of B."""
        states, whole, thin_a, thin_b = ctx.saved_tensors
        of_states = gradient @ whole if ctx.needs_input_grad[0] else None
        flat, seen = gradient.flatten(0, -2), states.flatten(0, -2)
        of_a = (flat @ thin_b).T @ seen
        of_b = flat.T @ (seen @ thin_a.T)
        return of_states, None, None, of_a, of_b


class _Changed(nn.Module):
    """A layer with the thin matrices that change it; at first they say nothing beyond `known`."""

    def __init__(self, layer: nn.Linear, known: Mapping[str, Tensor]) -> None:
        super().__init__()
        rows, columns = layer.weight.shape
        rank = RANK - (len(known["A"]) if known else 0)
        fresh = {"A": torch.randn(rank, columns) / math.sqrt(columns), "B": torch.zeros(rows, rank)}
        self.layer = layer
        self.A = nn.Parameter(torch.cat([*([known["A"]] if known else []), fresh["A"]], 0))
        self.B = nn.Parameter(torch.cat([*([known["B"]] if known else []), fresh["B"]], 1))

    def forward(self, states: Tensor) -> Tensor:
        """What the layer says, as changed."""
        said: Tensor = _AddThin.apply(states, self.layer.weight, self.layer.bias, self.A, self.B)
        return said


class Learner:
    """The encoder with a change that can be learnt.

    Attributes:
        changed: The changed layers by name.
        sharpness: The logarithm of what scores are multiplied with before softmax.
        covered: Slope and intercept of the log-odds that a best score is that of an answer.
    """

    def __init__(self, known: Mapping[str, Tensor] | None = None) -> None:
        """Begin with a change learnt before, of the same rank or less, or with none."""
        folder = str(verified_folder())
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        # Dropout of attention costs a tenth of the time and was not needed.
        self._model: Any = BertModel.from_pretrained(folder, attention_probs_dropout_prob=0.0)
        self._model.requires_grad_(False)
        self.changed: dict[str, _Changed] = {}
        for name, part in list(self._model.named_modules()):
            if name.startswith("encoder.layer.") and isinstance(part, nn.Linear):
                thin = {each: known[f"{name}.{each}"].float() for each in "AB"} if known else {}
                self.changed[name] = _Changed(part, thin)
                parent, _, own = name.rpartition(".")
                setattr(self._model.get_submodule(parent), own, self.changed[name])
        self.sharpness = nn.Parameter(torch.tensor(math.log(SHARPNESS)))
        self.covered = nn.Parameter(torch.tensor([10.0, -9.0]))

    def change(self) -> dict[str, Tensor]:
        """What is to be added, as the package ships it."""
        return {
            f"{name}.{thin}": getattr(part, thin).detach().half().contiguous()
            for name, part in self.changed.items()
            for thin in "AB"
        }

    def parameters(self) -> list[nn.Parameter]:
        """Those of the change."""
        return [thin for part in self.changed.values() for thin in (part.A, part.B)]

    def train(self, training: bool) -> None:
        """Switch dropout on or off."""
        self._model.train(training)

    def scores(self, page: Page) -> list[Tensor]:
        """Per question of a page (n,) the scores of its points."""
        read = [self._pieces(context + text) for context, text in page.points]
        states = self._states([ids for ids, _ in read])
        sentences = functional.normalize(torch.stack([one.mean(0) for one in states]), dim=1)
        own = [
            one[torch.tensor([start >= len(context) and end > start for start, end in offsets])]
            for one, (_, offsets), (context, _) in zip(states, read, page.points, strict=True)
        ]
        headings = self._states([self._pieces(text)[0] for text in page.headings])
        asked = self._states([self._pieces(one.text)[0] for one in page.asked])
        tokens = functional.normalize(torch.cat([one[1:-1] for one in asked]), dim=1)
        to_points = _nearest(tokens, own)
        to_headings = 0.95 * _nearest(tokens, [one[1:-1] for one in headings])
        section = torch.from_numpy(page.section)
        found = []
        begin = 0
        for question, one in zip(page.asked, asked, strict=True):
            end = begin + len(one) - 2
            spread = torch.from_numpy(question.spread)
            point = to_points[begin:end].T @ spread
            heading = to_headings[begin:end].T @ spread
            begin = end
            matched = torch.maximum(point, heading[section])
            places = section[:, None].expand_as(point)
            in_section = heading.scatter_reduce(0, places, point, "amax")
            weights = torch.from_numpy(_floored(question.weights))
            vector = functional.normalize(one.mean(0), dim=0)
            found.append(
                matched @ weights
                + 0.2 * (sentences @ vector)
                + 0.15 * (in_section @ weights)[section]
            )
        return found

    def loss(self, page: Page) -> Tensor:
        """The mean over the questions of a page."""
        pairs = zip(page.asked, self.scores(page), strict=True)
        return torch.stack([self._loss_of(asked, score) for asked, score in pairs]).mean()

    def _loss_of(self, asked: Asked, score: Tensor) -> Tensor:
        sharpness = self.sharpness.exp()
        first, expected = torch.from_numpy(asked.first), torch.from_numpy(asked.expected)
        # The covered question's best right point, or the best point of one that is not covered.
        best = torch.logsumexp((score[first] if asked.covered else score) * 40, 0) / 40
        wanted = torch.tensor(float(asked.covered))
        odds = self.covered[0] * best + self.covered[1]
        loss = COVERED_SHARE * functional.binary_cross_entropy_with_logits(odds, wanted)
        if not asked.covered:
            return UNCOVERED_COUNT * loss
        others = score[~(first | expected | torch.from_numpy(asked.allowed))] * sharpness
        wrong = torch.logsumexp(others, 0)
        right = torch.logsumexp(score[first] * sharpness, 0)
        listed = functional.softplus(wrong - score[expected] * sharpness).mean()
        return loss + functional.softplus(wrong - right) + LIST_SHARE * listed

    def _pieces(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        read = self._tokenizer(text, truncation=True, max_length=256, return_offsets_mapping=True)
        return read["input_ids"], read["offset_mapping"]

    def _states(self, texts: Sequence[Sequence[int]]) -> list[Tensor]:
        """Per text (t, dimension) the states of its pieces; texts of like length run together."""
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        found: list[Tensor] = [torch.empty(0)] * len(texts)
        for places in np.array_split(order, max(1, len(order) // 48)):
            longest = max(len(texts[place]) for place in places)
            ids = torch.zeros(len(places), longest, dtype=torch.long)
            mask = torch.zeros_like(ids)
            for row, place in enumerate(places):
                ids[row, : len(texts[place])] = torch.tensor(texts[place])
                mask[row, : len(texts[place])] = 1
            states = self._model(input_ids=ids, attention_mask=mask).last_hidden_state
            for row, place in enumerate(places):
                found[place] = states[row, : len(texts[place])]
        return found


def _floored(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights of words as `relevance.weigh` has them."""
    found = np.maximum(weights, 0.15 * (float(weights.max(initial=0.0)) or 1.0))
    return np.asarray(found / found.sum(), np.float32)


def _nearest(tokens: Tensor, texts: Sequence[Tensor]) -> Tensor:
    """(T, n) similarity of each token to the nearest of each text's tokens, which are made unit."""
    lengths = torch.tensor([len(text) for text in texts])
    padded = functional.normalize(nn.utils.rnn.pad_sequence(list(texts), batch_first=True), dim=2)
    similarity = (tokens @ padded.flatten(0, 1).T).view(len(tokens), *padded.shape[:2])
    beyond = torch.arange(padded.shape[1]) >= lengths[:, None]
    return similarity.masked_fill(beyond, -1.0).max(2).values


# ----------------------------------------------------------------------------- the training


def adapt(pages: Sequence[Page], known: Mapping[str, Tensor] | None = None) -> Learner:
    """Learn from pages, from nothing or from a change known before; prints how far it is."""
    torch.manual_seed(SEED)
    shuffled = random.Random(SEED)
    chosen = np.random.default_rng(SEED)
    learner = Learner(known)
    highest, epochs = (RATE_FURTHER, EPOCHS_FURTHER) if known else (RATE, EPOCHS)
    calibration = [learner.sharpness, learner.covered]
    parameters = learner.parameters()
    optimizer = torch.optim.AdamW(
        [
            {"params": parameters, "weight_decay": 0.01},
            # Two numbers that are far from where they belong, and cannot overfit.
            {"params": calibration, "weight_decay": 0.0, "lr": 20 * highest},
        ],
        lr=highest,
    )
    steps = epochs * sum(math.ceil(len(page.asked) / BATCH) for page in pages)

    def rate(step: int) -> float:
        return min(1.0, 10 * (step + 1) / steps) * (1 - step / steps)

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    learner.train(True)
    started = time.perf_counter()
    step = 0
    for _ in range(epochs):
        for batch in _batches(pages, shuffled, chosen):
            loss = learner.loss(batch)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            schedule.step()
            step += 1
            seconds = time.perf_counter() - started
            print(f"step {step} of {steps}, {seconds:.0f} s: loss {loss.item():.3f}", flush=True)
    learner.train(False)
    return learner


def _batches(
    pages: Sequence[Page], shuffled: random.Random, chosen: np.random.Generator
) -> list[Page]:
    found = []
    for page in pages:
        asked = shuffled.sample(page.asked, len(page.asked))
        for places in np.array_split(np.arange(len(asked)), math.ceil(len(asked) / BATCH)):
            found.append(page.part([asked[place] for place in places], MOST_POINTS, chosen))
    shuffled.shuffle(found)
    return found


@torch.no_grad()
def measure(learner: Learner, page: Page) -> tuple[float, float, float]:
    """Share of first points and of first sections that are right, and AUROC of the best score."""
    scores = [found.numpy() for found in learner.scores(page)]
    asked = list(zip(page.asked, scores, strict=True))
    best = [(one, int(score.argmax())) for one, score in asked if one.covered]
    return (
        float(np.mean([one.first[place] for one, place in best])),
        float(np.mean([page.section[place] in page.section[one.first] for one, place in best])),
        float(roc_auc_score([one.covered for one in page.asked], [s.max() for s in scores])),
    )


def main() -> None:
    """Learn, print what it did for pages that were not learnt from, and store it if told to."""
    parser = argparse.ArgumentParser(prog="python -m bench.adapt", description=__doc__)
    parser.add_argument("--write", action="store_true", help="store it in the package")
    parser.add_argument("--further", action="store_true", help="begin with what is stored there")
    arguments = parser.parse_args()
    pages = read_adaptation()
    learner = adapt(pages, load_file(ADAPTER) if arguments.further else None)
    if arguments.write:
        store(learner)
    encoder = Encoder.load(adapted=False)
    others = [
        read_page(folder.name, folder, folder / "questions.jsonl", encoder)
        for folder in sorted(DEVELOPMENT.iterdir())
    ]
    before = Learner()
    before.train(False)
    rows = [[measure(before, page), measure(learner, page)] for page in others]
    text = f"{report(pages, others, rows)}\n\n{made('python -m bench.adapt')}"
    print(text)
    if arguments.write:
        put("adapt", text, TUNING_PAGE)


def report(
    pages: Sequence[Page],
    others: Sequence[Page],
    rows: Sequence[Sequence[tuple[float, float, float]]],
) -> str:
    """What was learnt from, and the figures before and after, a page a row."""
    questions = sum(len(page.asked) for page in pages)
    head = ("Page", "questions", "first point", "section of it", "AUROC of the best score")
    cells = [
        (
            page.name,
            str(len(page.asked)),
            *(f"{old:.3f} → {new:.3f}" for old, new in zip(*row, strict=True)),
        )
        for page, row in zip(others, rows, strict=True)
    ]
    means = np.mean(np.array(rows), axis=0)
    mean = ("mean", "", *(f"{old:.3f} → {new:.3f}" for old, new in zip(*means, strict=True)))
    learnt = f"Learnt from {questions:,} questions on {len(pages)} pages, none of these among them."
    return f"{learnt}\n\n{table([head, *cells, mean])}"


def store(learner: Learner) -> None:
    """Put the change where the package finds it, with its digest beside it."""
    save_file(learner.change(), ADAPTER)
    digest = hashlib.sha256(ADAPTER.read_bytes()).hexdigest()
    ADAPTER.with_suffix(".json").write_text(
        json.dumps({"sha256": digest}, indent=1) + "\n", "utf-8"
    )


if __name__ == "__main__":
    main()
