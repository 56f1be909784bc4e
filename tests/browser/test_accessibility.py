"""axe on every state of the page finds nothing, Gradio's own markup included."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from student import PHONE, WIDE, Arrive, Student

AIMS = "What were the aims of collectivization?"


def check(student: Student, state: str) -> None:
    student.page.wait_for_timeout(250)
    found = {
        (violation["id"], node["html"][:160])
        for violation in Axe().run(student.page).response["violations"]
        for node in violation["nodes"]
    }
    assert (state, found) == (state, set())


@pytest.mark.parametrize(
    ("size", "scheme"),
    [(WIDE, "light"), (WIDE, "dark"), (PHONE, "light")],
    ids=["wide-light", "wide-dark", "phone-light"],
)
def test_axe_finds_nothing(arrive: Arrive, size: dict[str, int], scheme: str) -> None:
    student = arrive(viewport=size, color_scheme=scheme).open()
    phone = size == PHONE
    expect(student.page.locator("#welcome .ask").first).to_be_visible()
    check(student, "welcome")
    student.ask(AIMS)
    student.ask("Who won the football world cup?")
    check(student, "answer and refusal")
    student.page.locator("a.cite").first.click()
    expect(student.page.locator("#notes .hit").first).to_be_visible()
    check(student, "citation open")
    student.page.get_by_role("searchbox").fill("lenin")
    expect(student.page.locator(".results a").first).to_be_visible()
    check(student, "search")
    if phone:
        student.page.get_by_role("button", name="Back to the chat").click()
    student.ask("Assess the rise of Stalin")
    check(student, "long answer")
    student.page.get_by_role("button", name="New chat").click()
    expect(student.page.locator("#undo")).to_be_visible()
    check(student, "a new chat that can be undone")
