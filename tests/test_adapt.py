"""Adapting the encoder: what is compared, what is learnt, and what the package reads of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from askhistory import models
from askhistory.models import Encoder
from bench import adapt
from bench.adapt import Asked, Learner, Page, measure, store

POINTS = (
    ("Farms: Aims: ", "Export grain to pay for machines"),
    ("Farms: Aims: ", "Feed the workers of the towns"),
    ("Farms: Results: ", "Millions starved in the famine"),
    ("Farms: Results: ", "Peasants killed their cattle"),
)
HEADINGS = ("Farms: Aims", "Farms: Results")


def flags(*places: int) -> np.ndarray:
    return np.isin(np.arange(len(POINTS)), places)


def question(text: str, expected: Sequence[int], allowed: Sequence[int] = ()) -> Asked:
    """Each word of one word piece, and all of the same weight."""
    count = len(text.split())
    return Asked(
        text,
        np.ones(count, np.float32),
        np.eye(count, dtype=np.float32),
        flags(*expected),
        flags(*expected),
        flags(*allowed),
    )


PAGE = Page(
    "farms",
    POINTS,
    HEADINGS,
    np.array([0, 0, 1, 1]),
    (
        question("how were the machines bought", [0]),
        question("what happened to the cows", [3], allowed=[2]),
        question("who painted the church", []),
    ),
)


def test_each_token_is_matched_with_the_nearest_of_each_text() -> None:
    tokens = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    texts = [torch.tensor([[0.0, 2.0], [3.0, 4.0]]), torch.empty(0, 2), torch.tensor([[5.0, 0.0]])]
    found = adapt._nearest(tokens, texts)
    assert found.tolist() == [pytest.approx([0.6, -1.0, 1.0]), pytest.approx([1.0, -1.0, 0.0])]


def test_a_part_of_a_page_keeps_the_points_that_its_questions_are_about() -> None:
    part = PAGE.part(PAGE.asked[1:], 2, np.random.default_rng(0))
    texts = [text for _, text in part.points]
    assert len(texts) == 2
    assert "Peasants killed their cattle" in texts
    assert part.asked[0].expected.sum() == 1
    assert texts[int(part.asked[0].expected.argmax())] == "Peasants killed their cattle"
    assert PAGE.part(PAGE.asked, 4, np.random.default_rng(0)) == PAGE


def test_at_the_beginning_scores_are_those_of_the_encoder_as_published() -> None:
    learner = Learner()
    learner.train(False)
    with torch.no_grad():
        score = learner.scores(PAGE)[0].numpy()
    encoder = Encoder.load(adapted=False)
    read = encoder.encode([context + text for context, text in POINTS])
    headings = encoder.encode(HEADINGS)
    asked = encoder.encode([PAGE.asked[0].text])
    for place, (context, _) in enumerate(POINTS):
        inside = read.offsets[place][:, 0] >= len(context)
        own = (asked.tokens[0] @ read.tokens[place][inside].T).max(axis=1)
        above = 0.95 * (asked.tokens[0] @ headings.tokens[place // 2].T).max(axis=1)
        beside = [
            (asked.tokens[0] @ read.tokens[other][read.offsets[other][:, 0] >= len(context)].T).max(
                1
            )
            for other in (place // 2 * 2, place // 2 * 2 + 1)
        ]
        section = np.max([above, *beside], axis=0)
        dense = float(read.sentences[place] @ asked.sentences[0])
        expected = np.maximum(own, above).mean() + 0.2 * dense + 0.15 * section.mean()
        assert score[place] == pytest.approx(expected, abs=1e-4)


def test_what_is_learnt_tells_right_from_wrong_and_is_read_by_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapt, "EPOCHS", 8)
    monkeypatch.setattr(adapt, "ADAPTER", tmp_path / "adapter.safetensors")
    monkeypatch.setattr(models, "ADAPTER", tmp_path / "adapter.safetensors")
    before = Learner()
    before.train(False)
    with torch.no_grad():
        old = float(before.loss(PAGE))
    learner = adapt.adapt([PAGE])
    with torch.no_grad():
        assert float(learner.loss(PAGE)) < old - 0.3
    assert measure(learner, PAGE) == (1.0, 1.0, 1.0)
    store(learner)
    encoder = Encoder.load()
    asked = encoder.encode_sentences(["who painted the church"])[0]
    with torch.no_grad():
        state = learner._states([learner._pieces("who painted the church")[0]])[0].mean(0)
    np.testing.assert_allclose(asked, state / state.norm(), atol=5e-3)


def test_what_was_learnt_before_is_where_more_is_learnt_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(adapt, "EPOCHS", 4)
    monkeypatch.setattr(adapt, "RANK", 4)
    before = adapt.adapt([PAGE])
    monkeypatch.setattr(adapt, "RANK", 6)
    further = Learner(before.change())
    further.train(False)
    assert {part.A.shape[0] for part in further.changed.values()} == {6}
    with torch.no_grad():
        for old, new in zip(before.scores(PAGE), further.scores(PAGE), strict=True):
            np.testing.assert_allclose(old, new, atol=5e-3)


def test_the_gradient_is_that_of_the_whole_matrix_taken_apart() -> None:
    torch.manual_seed(1)
    layer = torch.nn.Linear(5, 3).double()
    thin_a = torch.randn(2, 5, dtype=torch.double, requires_grad=True)
    thin_b = torch.randn(3, 2, dtype=torch.double, requires_grad=True)
    states = torch.randn(4, 6, 5, dtype=torch.double, requires_grad=True)
    weight, bias = layer.weight.detach(), layer.bias.detach()
    assert torch.autograd.gradcheck(
        lambda x, a, b: adapt._AddThin.apply(x, weight, bias, a, b), (states, thin_a, thin_b)
    )


def test_strangers_are_questions_that_the_page_does_not_answer(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "page.md").write_text("# Farms\n\n* The tractors came in 1930\n", "utf-8")
    questions = tmp_path / "questions.jsonl"
    questions.write_text(
        '{"question": "when did the tractors come", "expected": [{"headings": ["Farms"]}]}\n',
        "utf-8",
    )
    encoder = Encoder.load(adapted=False)
    page = adapt.read_page(
        "farms", tmp_path / "notes", questions, encoder, ["who was the first king of Egypt"]
    )
    assert [one.covered for one in page.asked] == [True, False]
    assert "Egypt" in page.asked[1].text
