"""The switch between points and written answers, on a page with a language model and without."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import gradio_client
import pytest
from playwright.sync_api import expect
from student import Arrive, Student, free_port

from askhistory import Assistant
from askhistory.assistant import open_or_build
from askhistory.settings import Settings
from askhistory.ui import launch
from chat_server import Handler, Server, chat_server

AIMS = "What were the aims of collectivization?"
SAID = (
    "Collectivization was to support rapid industrialization [2]. It began in 1917 [2]. "
    "It was also to pay for industrialization by exporting crops [4]."
)
KEY = "sk-not-for-the-page"


@pytest.fixture(scope="module")
def model() -> Iterator[Server]:
    with chat_server() as site:
        site.behave = lambda handler: handler.says(SAID)
        yield site


@pytest.fixture(scope="module")
def writing_url(settings: Settings, assistant: Assistant, model: Server) -> Iterator[str]:
    # The session's assistant has built the index.
    able = replace(settings, llm_model="m", llm_base_url=model.url, llm_api_key=KEY, llm_timeout=3)
    page = launch(open_or_build(able), able, port=free_port(), block=False)
    yield str(page.local_url)
    page.close(verbose=False)


def written(student: Student) -> Student:
    student.page.get_by_role("radio", name="Written").check()
    return student


def test_without_a_language_model_there_is_no_switch(student: Student) -> None:
    expect(student.page.locator("#mode")).to_have_count(0)


def test_an_answer_is_written_out_and_each_sentence_leads_to_its_points(
    arrive: Arrive, writing_url: str, model: Server
) -> None:
    model.behave = lambda handler: handler.says(SAID)
    student = written(arrive(writing_url).open())
    student.ask(AIMS)
    expect(student.answer.locator(".written .said")).to_have_text(
        [
            "Collectivization was to support rapid industrialization.",
            "It was also to pay for industrialization by exporting crops.",
        ]
    )
    expect(student.answer).not_to_contain_text("1917")
    expect(student.answer.locator("details.points .said").first).to_be_hidden()
    expect(student.answer.locator(".sources .where")).to_have_count(1)
    student.answer.locator(".written a.cite").last.click()
    expect(student.page.locator("#notes")).to_contain_text("exporting crops")
    student.reload()
    expect(student.answer.locator(".written .said")).to_have_count(2)
    assert student.complaints == []
    assert KEY not in student.page.content()


def test_points_stay_what_one_gets_unless_one_asks_for_more(
    arrive: Arrive, writing_url: str, model: Server
) -> None:
    before = len(model.requests)
    student = arrive(writing_url).open()
    student.ask(AIMS)
    expect(student.answer.locator(".written")).to_have_count(0)
    expect(student.group.locator("li .said")).to_have_count(4)
    assert len(model.requests) == before


def silent(handler: Handler) -> None:
    handler.waits(30)


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (silent, "The language model took longer than 3 seconds."),
        (lambda handler: handler.fails(401), "The language model does not accept the key."),
    ],
)
def test_a_fault_shows_the_points_and_says_why(
    behave: object, reason: str, arrive: Arrive, writing_url: str, model: Server
) -> None:
    model.behave = behave  # type: ignore[assignment]
    student = written(arrive(writing_url).open())
    student.ask(AIMS)
    expect(student.answer.locator(".quiet")).to_have_text(f"{reason} Here are the points instead.")
    expect(student.answer.locator("li .said")).to_have_count(4)
    expect(student.box).to_be_enabled()
    assert student.complaints == []


def test_a_stopped_answer_shows_its_points(arrive: Arrive, writing_url: str, model: Server) -> None:
    model.behave = silent
    student = written(arrive(writing_url).open())
    student.box.fill(AIMS)
    student.box.press("Enter")
    expect(student.answer).to_contain_text("Writing")
    student.page.get_by_test_id("stop-button").click()
    expect(student.answer.locator("li .said")).to_have_count(4)


def test_the_interface_for_programs_takes_an_argument(writing_url: str, model: Server) -> None:
    model.behave = lambda handler: handler.says(SAID, usage=(200, 40))
    client = gradio_client.Client(writing_url, verbose=False)
    answer = client.predict(AIMS, [], True, api_name="/ask")
    assert answer["written"]["dropped"] == 1
    assert (answer["written"]["tokens_in"], answer["written"]["tokens_out"]) == (200, 40)
    assert "written" not in client.predict(AIMS, api_name="/ask")
