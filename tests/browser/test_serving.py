"""The page while its server is being opened, fails, or is restarted; headers and the API."""

from __future__ import annotations

import threading
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from playwright.sync_api import expect
from student import Arrive, Awkward, Parrot, Serve, Student, free_port

from askhistory.schema import IndexMissingError
from askhistory.settings import Settings
from askhistory.ui import launch

AIMS = "What were the aims of collectivization?"
MEASURES = "What were the measures of collectivization?"


def test_the_page_is_there_while_the_notes_are_opened(
    arrive: Arrive, serve: Serve, assistant: Awkward
) -> None:
    gate = threading.Event()

    def opened() -> Awkward:
        gate.wait(60)
        return assistant

    student = arrive(serve(opened)).open()
    expect(student.page.get_by_text("Opening your notes.").first).to_be_visible()
    with student.answering():
        student.type("When did Lenin die?")
        expect(student.answer).to_contain_text("Still opening your notes")
        gate.set()
    expect(student.answer).to_contain_text("1924")
    expect(student.page.locator("#notes .text h2")).to_be_visible()


def test_notes_that_cannot_be_opened_are_said_and_opened_once_mended(
    arrive: Arrive, serve: Serve, assistant: Awkward
) -> None:
    broken = True

    def opened() -> Awkward:
        if broken:
            raise IndexMissingError("There is no index. Run “askhistory index”.")
        return assistant

    student = arrive(serve(opened)).open()
    expect(student.page.locator("#welcome")).to_contain_text("Run “askhistory index”.")
    student.ask(AIMS)
    expect(student.answer).to_contain_text("There is no index.")
    broken = False
    student.ask(AIMS)
    expect(student.group.locator("li")).to_have_count(4)
    expect(student.page.locator("#notes .text h2")).to_be_visible()


def test_a_restart_under_an_open_page_is_said_and_survived(
    arrive: Arrive, assistant: Awkward, settings: Settings
) -> None:
    first = launch(assistant, settings, port=free_port(), block=False)
    student = arrive(first.local_url).open()
    student.ask(AIMS)
    student.box.fill("When did")
    first.close(verbose=False)
    banner = student.page.get_by_role("alert").filter(has_text="askhistory")
    expect(banner).to_contain_text("The connection to askhistory is lost.")
    second = launch(assistant, settings, port=first.server_port, block=False)
    try:
        expect(banner).to_contain_text("askhistory was restarted.")
        student.page.get_by_role("button", name="Reload").click()
        expect(student.questions).to_have_text([AIMS])
        student.arrived()
        expect(student.box).to_have_value("When did")
        student.ask("What were the measures of collectivization?")
        expect(student.group.locator(".path")).to_contain_text("Collectivization › Measures")
    finally:
        second.close(verbose=False)


def test_a_question_before_the_conversation_is_back_comes_after_it(
    arrive: Arrive, assistant: Awkward, settings: Settings
) -> None:
    first = launch(assistant, settings, port=free_port(), block=False)
    student = arrive(first.local_url).open()
    student.ask(AIMS)
    first.close(verbose=False)
    gate = threading.Event()

    def opened() -> Awkward:
        gate.wait(60)
        return assistant

    second = launch(opened, settings, port=first.server_port, block=False)
    try:
        student.page.reload()
        expect(student.page.locator("body.ready")).to_be_attached()
        student.type(MEASURES)
        gate.set()
        expect(student.page.locator("body")).to_have_attribute("data-finished", "2")
        expect(student.questions).to_have_text([AIMS, MEASURES])
        expect(student.group.locator(".path")).to_contain_text("Collectivization › Measures")
    finally:
        second.close(verbose=False)


@pytest.mark.parametrize("lost", ["notes", "notes/page?page=0", "starters?*"])
def test_what_fails_once_while_the_page_comes_is_asked_for_again(arrive: Arrive, lost: str) -> None:
    student = arrive()
    student.page.route(f"{student.url}askhistory/{lost}", lambda route: route.abort(), times=1)
    student.open()
    expect(student.page.locator("#welcome .ask")).to_have_count(4)
    expect(student.page.locator("#notes .text h2")).to_be_visible()
    expect(student.page.get_by_text("Opening your notes.")).to_have_count(0)


def get(url: str, path: str) -> HTTPResponse:
    """Fetch a path exactly as written, and read it to the end."""
    connection = HTTPConnection(urlsplit(url).netloc)
    connection.request("GET", f"/{path}")
    answer = connection.getresponse()
    answer.text = answer.read().decode()
    connection.close()
    return answer


def test_every_answer_carries_a_strict_policy(url: str) -> None:
    nonces = set()
    for path in ("", "", "askhistory/page.js", "askhistory/status", "gradio_api/info"):
        headers = get(url, path).headers
        parts = headers["content-security-policy"].split(";")
        policy = dict(part.strip().split(" ", 1) for part in parts)
        assert headers["x-content-type-options"] == "nosniff"
        assert policy["default-src"] == "'none'"
        assert policy["connect-src"] == "'self'"
        assert "unsafe" not in policy["script-src"]
        nonces.add(policy["script-src"])
    assert len(nonces) == 5


def test_the_start_page_names_no_other_host(url: str) -> None:
    page = get(url, "").text
    assert "raw.githubusercontent.com" not in page
    assert "<title>askhistory</title>" in page


@pytest.mark.parametrize("path", ["%2e%2e/schema.py", "..%2fschema.py", "messages/../../schema.py"])
def test_only_the_pages_own_files_are_served(url: str, path: str) -> None:
    assert get(url, f"askhistory/{path}").status == 404


@pytest.mark.parametrize("query", ["page=99", "page=-1", "page=x", ""])
def test_a_page_that_is_not_there_is_not_found(url: str, query: str) -> None:
    assert get(url, f"askhistory/notes/page?{query}").status == 404


def test_the_api_returns_the_answers_json(url: str, assistant: Awkward) -> None:
    client = Client(url, verbose=False, analytics_enabled=False)
    history = ["When did Lenin die?"]
    answer = client.predict(AIMS, history, api_name="/ask")
    assert assistant.asked[-1] == (AIMS, tuple(history))
    expected = assistant.ask(AIMS, history=history).to_dict()
    assert {**answer, "seconds": 0} == {**expected, "seconds": 0}
    assert [point["citation"] for point in answer["points"]][:4] == [1, 1, 1, 1]


def test_the_api_names_only_ask(url: str) -> None:
    client = Client(url, verbose=False, analytics_enabled=False)
    assert list(client.view_api(return_format="dict")["named_endpoints"]) == ["/ask"]


def test_the_api_says_what_is_wrong_with_a_question(url: str) -> None:
    client = Client(url, verbose=False, analytics_enabled=False)
    with pytest.raises(AppError, match="1001 characters; 1000 is the most"):
        client.predict("x" * 1001, [], api_name="/ask")


def test_notes_with_markup_are_shown_as_text(arrive: Arrive, serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "evil.md").write_text(
        "# Evil <script>document.title=1</script>\n\n"
        "* `<img src=x onerror=document.title=2>` and `![p](http://example.com/p.png)`\n"
        "* [link](javascript:alert(1)) and `<form action=http://example.com>`\n",
        encoding="utf-8",
    )

    student: Student = arrive(serve(Parrot(tmp_path))).open()
    student.ask("anything")
    expect(student.answer.locator(".said").first).to_contain_text("<img src=x onerror")
    student.answer.locator("a.cite").first.click()
    expect(student.page.locator("#notes .hit").first).to_contain_text("<img src=x onerror")
    unsafe = student.page.locator("#chat, #notes").locator("img, script, form, [onerror]")
    expect(unsafe).to_have_count(0)
    expect(student.page).to_have_title("askhistory")
    assert student.outside == []
