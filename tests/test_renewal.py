"""Notes that change under a running assistant: the next question is answered from the new ones."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from askhistory.assistant import Assistant, build_index
from askhistory.models import Encoder
from askhistory.schema import IndexStaleError
from askhistory.settings import Settings
from askhistory.ui import opening as opening_module
from askhistory.ui.opening import Opening
from served import Server, serving

NOTES = """# Farming

## Aims of collectivization

- Grain for the industrial towns
- Exports of grain to buy machines

## Results of collectivization

- A famine that killed millions
"""
CHANGED = NOTES.replace("A famine that killed millions", "Harvests smaller than before")
RESULTS = "what were the results of collectivization?"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "farming.md").write_text(NOTES)
    return Settings(corpus=tmp_path / "notes", index=tmp_path / "index", feedback=None)


def rebuild(settings: Settings, notes: str, encoder: Encoder) -> None:
    (settings.corpus / "farming.md").write_text(notes)
    build_index(settings=settings, encoder=encoder)


def damage(settings: Settings) -> None:
    manifest = settings.index / "manifest.json"
    manifest.write_bytes(manifest.read_bytes()[:-9])


def said(assistant: Any) -> list[str]:
    return [point.text for point in assistant.ask(RESULTS).points]


def until(true: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_assistant_is_renewed_when_its_index_is_another(
    settings: Settings, encoder: Encoder
) -> None:
    rebuild(settings, NOTES, encoder)
    first = Assistant.open(settings=settings)
    assert first.renewed() is None
    rebuild(settings, CHANGED, encoder)
    second = first.renewed()
    assert second is not None
    assert said(first) == ["A famine that killed millions"]
    assert said(second) == ["Harvests smaller than before"]
    assert second.renewed() is None
    assert first.renewed() is None


def test_an_index_that_cannot_be_used_is_an_error_once(
    settings: Settings, encoder: Encoder
) -> None:
    rebuild(settings, NOTES, encoder)
    first = Assistant.open(settings=settings)
    damage(settings)
    with pytest.raises(IndexStaleError, match=r"run .askhistory index"):
        first.renewed()
    assert first.renewed() is None
    assert said(first) == ["A famine that killed millions"]
    (settings.index / "manifest.json").unlink()
    assert first.renewed() is None
    rebuild(settings, CHANGED, encoder)
    second = first.renewed()
    assert second is not None
    assert said(second) == ["Harvests smaller than before"]


def test_the_page_swaps_the_notes_and_keeps_the_old_ones_where_the_new_are_damaged(
    settings: Settings,
    encoder: Encoder,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(opening_module, "LOOK", 0.01)
    rebuild(settings, NOTES, encoder)
    opening = Opening(lambda: Assistant.open(settings=settings))
    assert opening.wait(60)
    first = opening.ready
    assert first is not None
    damage(settings)
    until(lambda: "the old ones still answer" in caplog.text)
    assert opening.ready is first
    assert caplog.text.count("the old ones still answer") == 1
    rebuild(settings, CHANGED, encoder)
    until(lambda: opening.ready is not first)
    second = opening.ready
    assert second is not None
    assert second.mark != first.mark
    assert said(first.assistant) == ["A famine that killed millions"]
    assert said(second.assistant) == ["Harvests smaller than before"]
    texts = [p.text for s in second.assistant.index.sections for p in s.points]
    assert second.notes.search("smaller")[0]["text"] == "Harvests smaller than before" in texts


@pytest.fixture
def server(settings: Settings, encoder: Encoder, tmp_path: Path) -> Iterator[Server]:
    rebuild(settings, NOTES, encoder)
    environment = {**os.environ, "ASKHISTORY_FEEDBACK": "off"}
    with serving(
        tmp_path, environment, "--index", settings.index, "--corpus", settings.corpus
    ) as running:
        yield running


def test_a_conversation_goes_on_when_the_notes_are_indexed_anew(
    server: Server, settings: Settings, encoder: Encoder
) -> None:
    def answer(question: str, *history: str) -> list[str]:
        event, data = server.answer(question, list(history))
        assert event == "complete"
        return [point["text"] for point in data[0]["points"]]

    def mark() -> str:
        return str(json.loads(server.call("/askhistory/status").body)["notes"])

    aims = "what were the aims of collectivization?"
    assert "Grain for the industrial towns" in answer(aims)
    assert answer("and the results?", aims) == ["A famine that killed millions"]
    before = mark()
    damage(settings)
    until(lambda: "the old ones still answer" in server.log.read_text())
    assert answer("and the results?", aims) == ["A famine that killed millions"]
    rebuild(settings, CHANGED, encoder)
    until(lambda: mark() != before)
    assert answer("and the results?", aims) == ["Harvests smaller than before"]
    assert "Traceback" not in server.log.read_text()
