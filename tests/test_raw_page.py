"""A page of real student notes, typos and all, is answered about as well as our edition."""

from __future__ import annotations

from pathlib import Path

import pytest

from askhistory.assistant import Assistant, build_index
from askhistory.evaluation import evaluate_file
from askhistory.models import Encoder
from askhistory.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
NOTES = ROOT.parent / "shared" / "notes" / "stalins-soviet-union.md"


@pytest.mark.slow
@pytest.mark.skipif(not NOTES.is_file(), reason="the page of real notes, ../shared, is not there")
def test_real_notes_are_answered_well(tmp_path: Path, encoder: Encoder) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / NOTES.name).write_bytes(NOTES.read_bytes())
    settings = Settings(corpus=corpus, index=tmp_path / "index")
    build_index(settings=settings, encoder=encoder)
    assistant = Assistant.open(settings.index, settings)
    report = evaluate_file(assistant, ROOT / "tests" / "data" / "raw-page.jsonl")
    assert report.answered is not None
    assert report.answered > 0.9
    assert report.refused is not None
    assert report.refused > 0.6
    assert report.auroc is not None
    assert report.auroc > 0.87
    assert report.over_all.first_point is not None
    assert report.over_all.first_point > 0.6
