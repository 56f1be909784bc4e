"""What a program gets that imports askhistory: the notes' points, their places, and errors."""

from __future__ import annotations

import dataclasses
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import askhistory
from askhistory import Answer, AskHistoryError, Assistant, Settings, build_index
from askhistory.models import Encoder
from askhistory.schema import IndexMissingError, IndexStaleError, QuestionError
from askhistory.text import repair

ROOT = Path(__file__).resolve().parents[1]
RAW = ROOT.parent / "shared" / "notes" / "stalins-soviet-union.md"
AIMS = "what were the aims of collectivization?"
TITLE = "🪖 Stalin's Soviet Union"


@pytest.fixture(scope="module")
def assistant(built: Path) -> Assistant:
    return Assistant.open(str(built))


def test_the_aims_of_collectivization(assistant: Assistant) -> None:
    answer = assistant.ask(AIMS)
    assert answer.covered
    assert [(point.text, point.line, point.citation) for point in answer.points] == [
        ('To follow the Party motto "Peace, Land and Bread for all" more closely', 105, 1),
        ("To support rapid industrialization", 106, 1),
        ("To make the food supply of factory workers more secure", 107, 1),
        ("To pay for industrialization by exporting crops", 108, 1),
    ]
    (citation,) = answer.citations
    assert citation.to_dict() == {
        "number": 1,
        "headings": [TITLE, "Economic impact of Stalin", "Collectivization", "Aims"],
        "page": "stalins-soviet-union.md",
        "anchor": "collectivization",
        "line": 105,
        "end_line": 108,
    }


@pytest.mark.skipif(not RAW.is_file(), reason="the notes as they were written are not here")
def test_the_aims_of_collectivization_in_the_notes_as_they_were_written(
    encoder: Encoder, tmp_path: Path
) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / RAW.name).write_bytes(RAW.read_bytes())
    build_index(tmp_path / "corpus", tmp_path / "index", encoder=encoder)
    answer = Assistant.open(tmp_path / "index").ask(AIMS)
    assert answer.covered
    assert [point.line for point in answer.points] == [102, 103, 104, 105]
    assert {point.headings[-2:] for point in answer.points} == {("Collectivization", "Aims")}


def test_an_answer_has_the_fields_that_are_promised(assistant: Assistant) -> None:
    answer = assistant.ask(AIMS)
    data = answer.to_dict()
    assert list(data) == [
        *("id", "question", "query", "covered", "confidence", "answer"),
        *("points", "citations", "nearest", "seconds", "kind", "corrections"),
        "uncovered",
    ]
    assert list(data["points"][0]) == [
        *("text", "headings", "page", "line", "end_line", "score", "citation", "also"),
    ]
    assert (data["id"], data["question"], data["kind"]) == (None, AIMS, "answer")
    assert answer.to_dict(id="q7")["id"] == "q7"
    assert data["answer"] == answer.answer == answer.to_markdown()
    assert 0 < answer.seconds < 60
    with pytest.raises(dataclasses.FrozenInstanceError):
        answer.covered = False  # type: ignore[misc]


def test_every_point_stands_where_it_is_said_to_stand(assistant: Assistant) -> None:
    pages = {path.name: path.read_text("utf-8") for path in (ROOT / "corpus").glob("*.md")}
    for question in (AIMS, "why did Stalin win against Trotsky?", "what was hyperinflation?"):
        answer = assistant.ask(question)
        assert answer.points
        for point in answer.points:
            lines = pages[point.page].splitlines()[point.line - 1 : point.end_line]
            written = repair(" ".join(lines)).replace("*", "")
            assert point.text.replace("*", "") in " ".join(written.split())


def test_every_point_is_cited_under_its_heading(assistant: Assistant) -> None:
    answer = assistant.ask("what did Stalin do to the Soviet economy?")
    citations = {citation.number: citation for citation in answer.citations}
    assert list(citations) == list(range(1, len(citations) + 1))
    for point in answer.points:
        cited = citations[point.citation]
        assert (point.page, point.headings) == (cited.page, cited.headings)
        assert cited.line <= point.line <= point.end_line <= cited.end_line


def test_what_the_notes_do_not_cover_is_refused(assistant: Assistant) -> None:
    answer = assistant.ask("how do I bake sourdough bread?")
    assert (answer.covered, answer.kind, answer.points, answer.citations) == (
        False,
        "refusal",
        (),
        (),
    )
    assert len(answer.nearest) == 3
    for heading in answer.nearest:
        assert f"- {' › '.join(heading.headings)}" in answer.answer


def test_a_follow_up_is_understood_from_the_history(assistant: Assistant) -> None:
    answer = assistant.ask("and the results?", history=[AIMS])
    assert answer.points[0].headings[-2:] == ("Collectivization", "Results")
    assert answer.question == "and the results?"


def test_the_same_question_has_the_same_answer(assistant: Assistant, built: Path) -> None:
    def asked(opened: Assistant) -> Answer:
        return dataclasses.replace(opened.ask("why did Stalin rise to power?"), seconds=0.0)

    expected = asked(assistant)
    assert asked(Assistant.open(built)) == expected
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(asked, [assistant] * 8)) == [expected] * 8


def test_the_index_of_the_settings_is_opened_by_default(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASKHISTORY_INDEX", str(built))
    assert Assistant.open().ask("hello").kind == "reply"


def test_settings_are_taken_from_the_caller(built: Path) -> None:
    assistant = Assistant.open(settings=Settings(index=built, max_question_chars=10))
    with pytest.raises(QuestionError, match="has 39 characters; the most is 10"):
        assistant.ask(AIMS)


def test_a_missing_index_is_an_error_that_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(
        IndexMissingError, match=r'run "askhistory index --index .*none" to build it'
    ):
        Assistant.open(tmp_path / "none")


def test_a_damaged_index_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}", "utf-8")
    with pytest.raises(IndexStaleError, match=r"manifest\.json is damaged"):
        Assistant.open(tmp_path)


@pytest.mark.parametrize("question", ["", " \t\n", "\x00\u200b"])
def test_an_empty_question_is_an_error(assistant: Assistant, question: str) -> None:
    with pytest.raises(AskHistoryError, match="The question is empty"):
        assistant.ask(question)


def test_building_says_what_it_did(encoder: Encoder, tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "space.md").write_text("# Space\n\n* Sputnik: 1957\n", "utf-8")
    report = build_index(str(tmp_path / "corpus"), str(tmp_path / "index"), encoder=encoder)
    assert report.added == (("space.md", ("Space",)),)
    assert (report.pages, report.sections, report.points) == (1, 1, 1)


def test_there_is_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert askhistory.__version__ == project["version"]
