"""Asking, and what the chat does around it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect
from student import CORPUS, PHONE, Arrive, Awkward, Parrot, Serve, Student, until

from askhistory.schema import Answer
from askhistory.settings import Settings

AIMS = "What were the aims of collectivization?"
MEASURES = "What were the measures of collectivization?"


def test_a_list_comes_whole_under_its_heading_with_its_source(student: Student) -> None:
    student.ask(AIMS)
    expect(student.group.locator(".path")).to_have_text(
        "Economic impact of Stalin › Collectivization › Aims [1]"
    )
    expect(student.group.locator("li .said")).to_have_count(4)
    expect(student.answer.locator(".sources .where").first).to_have_text(
        re.compile("Stalin's Soviet Union › Economic impact of Stalin › Collectivization › Aims")
    )
    # The file's name is at hand, and not where people read.
    expect(student.answer.locator(".sources .where").first).to_have_attribute(
        "title", "stalins-soviet-union.md"
    )
    expect(student.answer).not_to_contain_text(".md")
    expect(student.box).to_have_value("")
    expect(student.box).to_be_focused()


def test_the_year_that_is_asked_for_is_emphasised(student: Student) -> None:
    student.ask("When did Lenin die?")
    expect(student.answer.locator("strong")).to_have_text("1924")


def test_a_follow_up_question_is_asked_by_its_button(student: Student, assistant: Awkward) -> None:
    student.ask(AIMS)
    question = student.answer.locator(".next .ask").first.inner_text()
    with student.answering():
        student.page.get_by_role("button", name=question, exact=True).click()
    expect(student.questions).to_have_text([AIMS, question])
    assert (question, (AIMS,)) in assistant.asked
    # Only the newest answer offers what to ask next.
    expect(student.page.locator(".next:visible")).to_have_count(1)


def test_a_starter_question_begins_the_conversation(student: Student) -> None:
    expect(student.page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    question = student.page.locator("#welcome .ask").first.inner_text()
    with student.answering():
        student.page.get_by_role("button", name=question, exact=True).click()
    expect(student.questions).to_have_text([question])
    expect(student.page.locator("#welcome")).to_be_hidden()


def test_a_refusal_offers_the_nearest_headings_and_opens_them(student: Student) -> None:
    student.ask("What colour were Lenin's eyes?")
    expect(student.answer).to_contain_text("The notes do not cover this.")
    button = student.answer.locator(".see").first
    expect(button).to_have_role("button")
    heading = button.inner_text().split(" › ")[-1]
    button.focus()
    student.page.keyboard.press("Space")
    expect(student.page.locator("#notes :focus")).to_contain_text(heading)


def test_what_says_the_same_elsewhere_is_cited_as_such(
    arrive: Arrive, serve: Serve, tmp_path: Path
) -> None:
    class Twice(Parrot):
        """Cites its first point to the page's title too."""

        def ask(self, question: str, history: Sequence[str] = ()) -> Answer:
            answer = super().ask(question, history)
            other = replace(
                answer.citations[0], number=2, headings=answer.citations[0].headings[:1]
            )
            first = replace(answer.points[0], also=(2,))
            return replace(
                answer,
                points=(first, *answer.points[1:]),
                citations=(*answer.citations, other),
            )

    (tmp_path / "p.md").write_text("# Page\n\n## Reasons\n\n* One\n* Two\n", encoding="utf-8")
    student = arrive(serve(Twice(tmp_path)), permissions=["clipboard-read", "clipboard-write"])
    student.open().ask("Why?")
    expect(student.group.locator("li .also")).to_have_text(["also [2]"])
    expect(
        student.group.get_by_role(
            "link", name="Source 2, which says the same: Page. Opens the notes.", exact=True
        )
    ).to_be_visible()
    student.page.get_by_role("button", name="Copy").last.click()
    expect(student.page.locator("#toast")).to_have_text("Copied")
    copied = student.page.evaluate("navigator.clipboard.readText()").splitlines()
    assert copied[1:3] == ["- One [1][2]", "- Two"]


def test_a_correction_is_said_in_one_quiet_line(student: Student) -> None:
    student.ask("What is a kolhoz?")
    expect(student.answer.locator(".quiet")).to_have_text(
        "Showing notes for kolkhoz (you typed kolhoz)"
    )


def test_a_query_that_differs_is_said(student: Student) -> None:
    student.ask(AIMS)
    student.ask("And the results?")
    expect(student.answer.locator(".quiet")).to_have_text(
        re.compile("^Searched for: .*results.*collectivization", re.I)
    )


@pytest.fixture
def reasons(arrive: Arrive, serve: Serve, tmp_path: Path) -> Callable[[int], Student]:
    """Notes of so many reasons under one heading, all of which have been asked for."""

    def asked(count: int) -> Student:
        bullets = "".join(f"* Reason {number}\n" for number in range(1, count + 1))
        (tmp_path / "p.md").write_text(f"# Page\n\n## Reasons\n\n{bullets}", encoding="utf-8")
        student = arrive(serve(Parrot(tmp_path))).open()
        student.ask("Why?")
        return student

    return asked


def test_a_long_answer_is_folded_after_the_first_points(
    reasons: Callable[[int], Student],
) -> None:
    student = reasons(17)
    items = student.group.locator("li:visible")
    expect(items.locator(".said")).to_have_text(["Reason 1", "Reason 2", "Reason 3"])
    student.group.get_by_text("Show all 17", exact=True).click()
    expect(items).to_have_count(17)


def test_a_list_that_is_the_whole_answer_is_not_folded(
    reasons: Callable[[int], Student],
) -> None:
    expect(reasons(16).group.locator("li:visible")).to_have_count(16)


def test_stopping_keeps_what_is_there_and_takes_the_next_question(
    arrive: Arrive, slow_url: str
) -> None:
    student = arrive(slow_url).open()
    with student.answering():
        student.type("Assess the rise of Stalin")
        expect(student.answer.locator(".group li").nth(1)).to_be_attached()
        student.page.get_by_test_id("stop-button").click()
    expect(student.answer).to_contain_text("Stopped.")
    expect(student.answer.locator(".sources")).to_have_count(0)
    shown = student.answer.locator(".group li").count()
    # Two more points would have come by then.
    student.page.wait_for_timeout(3500)
    expect(student.answer.locator(".group li")).to_have_count(shown)
    student.ask(MEASURES)
    expect(student.group.locator(".path")).to_contain_text("Collectivization › Measures")


def test_nothing_comes_after_stopped(arrive: Arrive, serve: Serve) -> None:
    student = arrive(serve(pace=0.1)).open()
    for moment in (0, 40, 80, 120):
        with student.answering():
            student.type("Assess the rise of Stalin")
            expect(student.answer.locator(".group li").nth(1)).to_be_attached()
            student.page.wait_for_timeout(moment)
            student.page.get_by_test_id("stop-button").click()
        expect(student.answer).to_contain_text("Stopped.")
        shown = student.answer.locator(".group li").count()
        # What was on its way when Stop was pressed would be there by then.
        student.page.wait_for_timeout(700)
        assert "Stopped." in student.answer.inner_text()
        assert student.answer.locator(".group li").count() == shown
        assert student.answer.locator(".sources").count() == 0


def test_a_new_chat_in_mid_answer_stays_empty(arrive: Arrive, slow_url: str) -> None:
    student = arrive(slow_url).open()
    student.ask("When did Lenin die?")
    student.type("Assess the rise of Stalin")
    expect(student.answer.locator(".group li").nth(1)).to_be_attached()
    student.page.get_by_role("button", name="New chat").click()
    expect(student.questions).to_have_count(0)
    expect(student.box).to_be_enabled()
    # Two more points would have come by then.
    student.page.wait_for_timeout(3500)
    expect(student.questions).to_have_count(0)
    undo(student).click()
    expect(student.questions).to_have_text(["When did Lenin die?", "Assess the rise of Stalin"])
    expect(student.answer).to_contain_text("Stopped.")
    student.type("Assess the rise of Stalin")
    expect(student.answer.locator(".group li").nth(1)).to_be_attached()
    student.page.get_by_role("button", name="New chat").click()
    expect(student.questions).to_have_count(0)
    expect(student.box).to_be_enabled()
    student.ask("When did Lenin die?")
    student.page.get_by_role("button", name="New chat").click()
    expect(shelf(student)).to_have_text(["When did Lenin die?", "When did Lenin die?"])
    shelf(student).last.click()
    expect(student.questions).to_have_count(3)


def test_stopping_before_the_answer_comes(student: Student) -> None:
    with student.answering():
        student.type(f"{AIMS} (slow)")
        student.page.get_by_test_id("stop-button").click()
    expect(student.answer).to_contain_text("Stopped before the answer came.")
    student.ask(MEASURES)
    expect(student.group.locator(".path")).to_contain_text("Collectivization › Measures")


def test_a_second_enter_asks_nothing(student: Student) -> None:
    with student.answering():
        student.type(AIMS)
        student.page.keyboard.press("Enter")
    # A second question would have begun by then.
    student.page.wait_for_timeout(500)
    expect(student.questions).to_have_text([AIMS])
    expect(student.box).to_be_enabled()


def test_what_is_typed_while_an_answer_comes_stands_in_the_text_box(
    student: Student, assistant: Awkward
) -> None:
    held = assistant.hold()
    keyboard = student.page.keyboard
    with student.answering():
        student.box.fill(f"{AIMS} (held)")
        # The first of it comes before the server has locked the text box.
        keyboard.press("Enter")
        keyboard.type("When did")
        expect(student.box).to_be_disabled()
        keyboard.type(" Lenon")
        for key in ("Backspace", "Backspace", "i", "n", "Enter", "Control+b", "ArrowLeft"):
            keyboard.press(key)
        expect(student.box).to_have_value("When did Lenin")
        expect(student.page.locator("#toast")).to_have_text(re.compile("The answer is coming"))
        # What goes to a button or a field is not for the text box.
        student.page.get_by_role("button", name="Export").focus()
        keyboard.type("no")
        student.page.get_by_label("Search the notes").first.fill("famine")
        student.page.evaluate("document.activeElement.blur()")
        held.set()
    expect(student.box).to_be_focused()
    keyboard.type(" die?")
    expect(student.box).to_have_value("When did Lenin die?")
    expect(student.questions).to_have_count(1)
    with student.answering():
        keyboard.press("Enter")
    expect(student.questions.last).to_have_text("When did Lenin die?")
    expect(student.answer).to_contain_text("1924")
    expect(student.box).to_have_value("")


def test_what_is_pasted_while_an_answer_comes_is_kept_too(
    arrive: Arrive, assistant: Awkward
) -> None:
    student = arrive(permissions=["clipboard-read", "clipboard-write"]).open()
    student.page.evaluate("navigator.clipboard.writeText('When did Lenin')")
    held = assistant.hold()
    with student.answering():
        student.type(f"{AIMS} (held)")
        expect(student.box).to_be_disabled()
        student.page.keyboard.press("Control+v")
        student.page.keyboard.type(" die?")
        held.set()
    expect(student.box).to_have_value("When did Lenin die?")


def test_what_is_typed_after_a_question_that_is_refused_is_kept_with_it(student: Student) -> None:
    long = "y" * 1001
    student.page.evaluate("document.querySelector('#box textarea').removeAttribute('maxlength')")
    with student.answering():
        student.box.fill(long)
        student.page.keyboard.press("Enter")
        student.page.keyboard.type("so")
    expect(student.box).to_have_value(re.compile(f"^{long} ?so$"))


def test_an_edited_question_is_asked_again_and_what_followed_is_dropped(student: Student) -> None:
    student.ask(MEASURES)
    student.ask(AIMS)
    student.page.get_by_role("button", name="Edit").first.click()
    field = student.page.locator("#chat textarea")
    expect(field).to_have_value(MEASURES)
    field.fill("What is a kolhoz?")
    with student.answering():
        student.page.get_by_role("button", name="Ask again").click()
    expect(student.questions).to_have_text(["What is a kolhoz?"])
    expect(student.answer.locator(".quiet")).to_contain_text("kolkhoz")


def test_enter_sends_an_edit_and_escape_leaves_it(student: Student) -> None:
    student.ask(MEASURES)
    student.ask(AIMS)
    field = student.page.locator("#chat textarea")
    keyboard = student.page.keyboard
    student.page.get_by_role("button", name="Edit").last.click()
    field.fill("Something else")
    field.press("Escape")
    expect(field).to_have_count(0)
    expect(student.questions).to_have_text([MEASURES, AIMS])
    expect(student.page.get_by_role("button", name="Edit").last).to_be_focused()
    keyboard.press("Enter")
    expect(field).to_have_value(AIMS)
    field.fill(" ")
    field.press("Enter")
    expect(field).to_be_visible()
    field.fill("When did")
    field.press("Shift+Enter")
    keyboard.type("Lenin die?")
    with student.answering():
        field.press("Enter")
    expect(student.questions.last).to_have_text("When did\nLenin die?", use_inner_text=True)
    expect(student.questions).to_have_count(2)
    expect(student.answer).to_contain_text("1924")


def test_retry_asks_the_last_question_again(student: Student, assistant: Awkward) -> None:
    student.ask(MEASURES)
    student.ask(AIMS)
    before = len(assistant.asked)
    with student.answering():
        student.page.get_by_role("button", name="Retry").click()
    expect(student.questions).to_have_text([MEASURES, AIMS])
    expect(student.group.locator("li")).to_have_count(4)
    assert assistant.asked[before] == (AIMS, (MEASURES,))


def test_an_edited_question_has_room(student: Student) -> None:
    student.ask("Why?")
    student.page.get_by_role("button", name="Edit").click()
    expect(student.page.locator("#chat textarea")).to_be_visible()
    assert student.page.locator("#chat textarea").bounding_box()["width"] > 300


def undo(student: Student) -> Locator:
    return student.page.get_by_role("button", name="Bring the earlier conversation back")


def test_a_new_chat_is_undone_after_a_reload_too(student: Student) -> None:
    expect(undo(student)).to_have_count(0)
    student.ask(AIMS)
    student.ask(MEASURES)
    student.page.get_by_role("button", name="New chat").click()
    expect(student.questions).to_have_count(0)
    expect(student.page.locator("#welcome")).to_be_visible()
    # A second one has nothing to keep, and keeps what the first one kept.
    student.page.get_by_role("button", name="New chat").click()
    student.page.wait_for_timeout(300)
    student.reload()
    undo(student).click()
    expect(student.questions).to_have_text([AIMS, MEASURES])
    expect(student.group.locator(".path")).to_contain_text("Collectivization › Measures")
    expect(undo(student)).to_have_count(0)
    expect(student.box).to_be_focused()
    student.reload()
    expect(student.questions).to_have_text([AIMS, MEASURES])
    expect(undo(student)).to_have_count(0)


def test_undo_goes_with_the_next_question(student: Student) -> None:
    student.ask(AIMS)
    student.page.get_by_role("button", name="New chat").click()
    expect(undo(student)).to_be_visible()
    student.type("   ")
    expect(student.page.get_by_text("Type a question first.")).to_be_visible()
    expect(undo(student)).to_be_visible()
    student.ask(MEASURES)
    expect(undo(student)).to_have_count(0)
    student.reload()
    expect(student.questions).to_have_text([MEASURES])
    expect(undo(student)).to_have_count(0)


def test_undo_brings_back_what_an_edit_dropped(arrive: Arrive) -> None:
    student = arrive(viewport=PHONE, has_touch=True).open()
    student.ask(MEASURES)
    student.ask(AIMS)
    student.page.get_by_role("button", name="Edit").first.click()
    student.page.locator("#chat textarea").fill("What is a kolkhoz?")
    with student.answering():
        student.page.get_by_role("button", name="Ask again").click()
    expect(student.questions).to_have_text(["What is a kolkhoz?"])
    expect(undo(student)).to_be_in_viewport()
    assert student.page.evaluate("document.documentElement.scrollWidth") == 390
    undo(student).focus()
    student.page.keyboard.press("Enter")
    expect(student.questions).to_have_text([MEASURES, AIMS])
    expect(student.group.locator("li")).to_have_count(4)
    # Asked again, the last question drops nothing that would have to be brought back.
    with student.answering():
        student.page.get_by_role("button", name="Retry").click()
    expect(undo(student)).to_have_count(0)


def shelf(student: Student) -> Locator:
    return student.page.locator("#shelf button")


def test_earlier_chats_are_gone_on_with(student: Student) -> None:
    new = student.page.get_by_role("button", name="New chat")
    expect(shelf(student)).to_have_count(0)
    for question in (AIMS, MEASURES):
        student.ask(question)
        new.click()
        expect(student.questions).to_have_count(0)
    student.ask("When did Lenin die?")
    expect(shelf(student).first).not_to_be_visible()
    student.reload()
    new.click()
    expect(shelf(student)).to_have_text(["When did Lenin die?", MEASURES, AIMS])
    shelf(student).last.click()
    expect(student.questions).to_have_text([AIMS])
    student.ask("What is a kolkhoz?")
    new.click()
    expect(shelf(student)).to_have_text([AIMS, "When did Lenin die?", MEASURES])
    undo(student).click()
    expect(student.questions).to_have_text([AIMS, "What is a kolkhoz?"])
    new.click()
    student.reload()
    expect(shelf(student)).to_have_count(3)


def test_a_new_chat_forgets_the_old_one(student: Student, assistant: Awkward) -> None:
    student.ask(AIMS)
    student.page.get_by_role("button", name="New chat").click()
    expect(student.questions).to_have_count(0)
    expect(student.page.locator("#welcome")).to_be_visible()
    student.ask("When did Lenin die?")
    assert ("When did Lenin die?", ()) in assistant.asked


def test_an_answer_is_copied_with_its_citations(arrive: Arrive) -> None:
    student = arrive(permissions=["clipboard-read", "clipboard-write"]).open()
    student.ask(AIMS)
    student.page.get_by_role("button", name="Copy").last.click()
    expect(student.page.locator("#toast")).to_have_text("Copied")
    copied = student.page.evaluate("navigator.clipboard.readText()")
    lines = copied.splitlines()
    assert lines[0] == "Economic impact of Stalin › Collectivization › Aims [1]"
    assert lines[2] == "- To support rapid industrialization"
    source = lines[lines.index("Sources:") + 1]
    assert source.startswith("[1] ")
    assert source.endswith("› Collectivization › Aims (stalins-soviet-union.md)")


def test_the_conversation_is_exported_as_markdown_with_footnotes(student: Student) -> None:
    student.ask(AIMS)
    student.ask(MEASURES)
    with student.page.expect_download() as download:
        student.page.get_by_role("button", name="Export").click()
    assert re.fullmatch(r"askhistory-\d{4}-\d\d-\d\d\.md", download.value.suggested_filename)
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert f"## {AIMS}\n" in text
    assert "**Economic impact of Stalin › Collectivization › Aims**[^1-1]\n" in text
    assert "\n- To support rapid industrialization\n" in text
    assert f"\n## {MEASURES}\n" in text
    assert re.search(r"^\[\^1-1\]: .*› Aims \(stalins-soviet-union\.md\)$", text, re.M)
    assert re.search(r"^\[\^2-1\]: .* \(stalins-soviet-union\.md\)$", text, re.M)
    used = set(re.findall(r"\[\^\d-\d\](?!:)", text))
    assert used == set(re.findall(r"^(\[\^\d-\d\]):", text, re.M)) >= {"[^1-1]", "[^2-1]"}


def test_a_link_asks_its_question_once(arrive: Arrive) -> None:
    student = arrive().open("?q=When+did+Lenin+die%3F")
    expect(student.page.locator("body")).to_have_attribute("data-finished", "1")
    expect(student.questions).to_have_text(["When did Lenin die?"])
    expect(student.answer).to_contain_text("1924")
    expect(student.page).to_have_url(student.url)
    student.reload()
    expect(student.questions).to_have_text(["When did Lenin die?"])
    expect(student.box).to_be_enabled()


def test_a_link_to_a_question_is_copied(arrive: Arrive) -> None:
    student = arrive(permissions=["clipboard-read", "clipboard-write"]).open()
    student.ask(AIMS)
    student.answer.get_by_role("link", name="Copy a link to this question").click()
    expect(student.page.locator("#toast")).to_have_text("Copied")
    copied = student.page.evaluate("navigator.clipboard.readText()")
    assert copied == f"{student.url}?q=What%20were%20the%20aims%20of%20collectivization%3F"
    expect(student.questions).to_have_count(1)


def test_the_log_does_not_jump_back_from_what_the_keyboard_went_to(arrive: Arrive) -> None:
    student = arrive(viewport={"width": 1400, "height": 500}).open()
    student.ask(AIMS)
    student.ask("Who won the football world cup?")
    expect(student.page.locator(".scroll-down-button-container")).to_have_count(0)
    chip = student.page.locator("a.cite").first
    expect(chip).not_to_be_in_viewport()
    chip.focus()
    # The arrow that leads down again comes now, and is a change of the log.
    expect(student.page.locator(".scroll-down-button-container")).to_be_visible()
    student.page.wait_for_timeout(300)
    expect(chip).to_be_in_viewport()


def test_a_new_chat_begins_in_the_text_box(student: Student) -> None:
    student.ask(AIMS)
    student.page.get_by_role("button", name="New chat").click()
    expect(student.page.locator("#welcome")).to_be_visible()
    expect(student.box).to_be_focused()
    student.page.get_by_role("button", name="New chat").click()
    expect(student.box).to_be_focused()


def test_a_reload_keeps_the_conversation_in_this_browser_only(
    student: Student, arrive: Arrive
) -> None:
    student.ask(AIMS)
    student.reload()
    expect(student.group.locator("li")).to_have_count(4)
    student.ask(MEASURES)
    expect(student.questions).to_have_text([AIMS, MEASURES])
    other = arrive().open()
    expect(other.page.locator("#welcome")).to_be_visible()
    expect(other.questions).to_have_count(0)


def test_a_reload_in_mid_answer_says_so_and_goes_on(student: Student) -> None:
    student.type(f"{AIMS} (slow)")
    expect(student.questions).to_have_count(1)
    student.reload()
    expect(student.answer).to_contain_text("This answer was interrupted.")
    with student.answering():
        student.page.get_by_role("button", name="Retry").click()
    expect(student.group.locator("li")).to_have_count(4)


def test_an_interrupted_question_further_up_can_be_asked_again(student: Student) -> None:
    student.type(f"{AIMS} (slow)")
    expect(student.questions).to_have_count(1)
    student.reload()
    student.ask(MEASURES)
    with student.answering():
        student.page.get_by_role("button", name="Ask again").click()
    expect(student.questions).to_have_text([f"{AIMS} (slow)", MEASURES, f"{AIMS} (slow)"])
    expect(student.group.locator(".path")).to_contain_text("Collectivization › Aims")


def test_a_reload_keeps_what_was_typed(student: Student) -> None:
    student.box.fill("What is a kol")
    student.reload()
    expect(student.box).to_have_value("What is a kol")


def test_two_students_do_not_wait_for_each_other(arrive: Arrive, assistant: Awkward) -> None:
    one, two = arrive().open(), arrive().open()
    held = assistant.hold()
    with one.answering():
        one.type(f"{AIMS} (held)")
        expect(one.questions).to_have_count(1)
        two.ask(MEASURES)
        expect(two.group.locator(".path")).to_contain_text("Collectivization › Measures")
        expect(one.answer.locator(".turn.waiting")).to_be_visible()
        held.set()
    expect(one.group.locator("li")).to_have_count(4)
    expect(two.questions).to_have_text([MEASURES])


def test_an_exception_is_a_message_and_the_text_box_goes_on(student: Student) -> None:
    student.ask("Why? (broken)")
    expect(student.answer).to_contain_text("Something went wrong on our side")
    expect(student.answer).not_to_contain_text("forced by a test")
    student.ask(MEASURES)
    expect(student.group.locator(".path")).to_contain_text("Collectivization › Measures")


def test_an_empty_question_is_not_asked(student: Student, assistant: Awkward) -> None:
    before = len(assistant.asked)
    student.type("   ")
    expect(student.page.get_by_text("Type a question first.")).to_be_visible()
    expect(student.box).to_be_enabled()
    assert len(assistant.asked) == before


def test_markup_in_a_question_is_shown_as_text_and_fetches_nothing(student: Student) -> None:
    question = (
        '<img src=x onerror="document.title=1"><script>document.title=2</script> '
        "![p](http://example.com/p.png) [l](javascript:alert(1)) **bold** # `code` \\ &lt;"
    )
    student.ask(question)
    expect(student.questions).to_have_text(question, use_inner_text=True)
    expect(student.page.locator("#chat").locator("img, script, a[href^=javascript]")).to_have_count(
        0
    )
    expect(student.page).to_have_title("askhistory")
    assert student.outside == []


def test_a_greeting_gets_a_short_reply(student: Student) -> None:
    student.ask("hello")
    expect(student.answer).to_contain_text(re.compile("notes", re.I))
    expect(student.answer.locator(".see, .sources")).to_have_count(0)


def test_what_the_notes_are_about_is_a_list_that_opens_them(arrive: Arrive) -> None:
    student = arrive(permissions=["clipboard-read", "clipboard-write"]).open()
    student.ask("What topics are there?")
    expect(student.answer.locator(".see")).to_have_text(
        [
            "Reasons for the rise of Stalin", "Economic impact of Stalin",
            "Political impact of Stalin", "Social impacts of Stalin", "The Weimar Republic",
            "Hitler's road to power", "Life in Nazi Germany",
        ]
    )  # fmt: skip
    student.page.get_by_role("button", name="Copy").last.click()
    expect(student.page.locator("#toast")).to_have_text("Copied")
    copied = student.page.evaluate("navigator.clipboard.readText()").splitlines()
    assert copied[1] == "- Reasons for the rise of Stalin"
    student.answer.get_by_role("button", name="Hitler's road to power").click()
    expect(student.page.locator("#notes :focus")).to_contain_text("Hitler's road to power")


def test_nothing_outside_is_asked_and_nothing_complained_about(student: Student) -> None:
    student.ask(AIMS)
    student.answer.locator("a.cite").first.click()
    student.page.get_by_role("button", name="Theme").click()
    assert student.outside == []
    assert student.complaints == []


def test_thumbs_and_uncovered_questions_are_kept_unless_one_opts_out(
    student: Student, settings: Settings
) -> None:
    def kept() -> list[dict[str, object]]:
        assert settings.feedback is not None
        return [json.loads(line) for line in settings.feedback.read_text().splitlines()]

    student.ask("Who won the football world cup?")
    assert (kept()[-1]["event"], kept()[-1]["question"]) == (
        "not covered",
        "Who won the football world cup?",
    )
    student.ask(AIMS)
    before = len(kept())
    student.page.get_by_role("button", name="Like", exact=True).last.click()
    expect(student.page.locator("#toast")).to_have_text("Thank you")
    until(student.page, lambda: len(kept()) > before)
    assert (kept()[-1]["event"], kept()[-1]["question"]) == ("up", AIMS)
    assert set(kept()[-1]) == {
        "day", "event", "question", "query", "covered", "confidence", "headings",
    }  # fmt: skip
    before = len(kept())
    stored = "localStorage.getItem('askhistory')"
    known = student.page.evaluate(stored)
    # A thumb that is taken back is no other thumb.
    student.page.get_by_role("button", name="Liked", exact=True).last.click()
    until(student.page, lambda: student.page.evaluate(stored) != known)
    assert len(kept()) == before
    known = student.page.evaluate(stored)
    student.page.get_by_label("Tell the teacher").uncheck()
    until(student.page, lambda: student.page.evaluate(stored) != known)
    student.reload()
    expect(student.page.get_by_label("Tell the teacher")).not_to_be_checked()
    student.ask("Who won the chess world cup?")
    assert len(kept()) == before


def test_the_page_works_at_390_pixels(arrive: Arrive) -> None:
    student = arrive(viewport=PHONE, has_touch=True).open()
    student.ask("Assess the rise of Stalin")
    assert student.page.evaluate("document.documentElement.scrollWidth") == 390
    expect(student.page.get_by_role("button", name="Ask", exact=True)).to_be_in_viewport()


def test_lines_of_the_corpus_are_what_the_answer_says(student: Student) -> None:
    student.ask(AIMS)
    lines = (CORPUS / "stalins-soviet-union.md").read_text(encoding="utf-8").splitlines()
    said = student.group.locator(".said").all_inner_texts()
    start = next(i for i, line in enumerate(lines) if line.strip() == f"* {said[0]}")
    assert [line.strip() for line in lines[start : start + 4]] == [f"* {text}" for text in said]


def test_the_page_speaks_the_browsers_language(arrive: Arrive) -> None:
    student = arrive(
        locale="de-AT", viewport=PHONE, permissions=["clipboard-read", "clipboard-write"]
    ).open()
    expect(student.page.locator("html")).to_have_attribute("lang", "de")
    expect(student.page.get_by_role("heading", name="Was möchtest du wissen?")).to_be_visible()
    brand = student.page.locator("#brand h1").bounding_box()
    first = student.page.get_by_role("button", name="Neuer Chat").bounding_box()
    assert brand["x"] + brand["width"] <= first["x"]
    box = student.page.get_by_label("Deine Frage", exact=True)
    box.fill("Who won the football world cup?")
    student.page.get_by_role("button", name="Fragen", exact=True).click()
    expect(student.page.locator("body")).to_have_attribute("data-finished", "1")
    expect(student.answer).to_contain_text("Das steht nicht in den Notizen.")
    student.page.get_by_role("button", name="Kopieren").click()
    expect(student.page.locator("#toast")).to_have_text("Kopiert")
    copied = student.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("Das steht nicht in den Notizen.\n")


def test_a_full_queue_is_said_and_the_question_can_be_asked_again(
    arrive: Arrive, serve: Serve, assistant: Awkward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("askhistory.ui.page.AT_ONCE", 1)
    monkeypatch.setattr("askhistory.ui.page.WAITING", 1)
    url = serve()
    working, waiting, refused = (arrive(url).open() for _ in range(3))
    held = assistant.hold()
    with working.answering(), waiting.answering():
        working.type(f"{AIMS} (held)")
        expect(working.answer).to_contain_text("Reading the notes")
        waiting.type(MEASURES)
        # The queue has taken it: the page shows nothing before its turn comes.
        until(waiting.page, lambda: waiting.sent("queue/join"))
        with refused.answering():
            refused.type(MEASURES)
        expect(refused.answer).to_contain_text("Too many questions are waiting just now.")
        held.set()
    expect(working.group.locator("li")).to_have_count(4)
    expect(waiting.group.locator(".path")).to_contain_text("Collectivization › Measures")
    with refused.answering():
        refused.page.get_by_role("button", name="Retry").click()
    expect(refused.group.locator(".path")).to_contain_text("Collectivization › Measures")
    expect(refused.questions).to_have_text([MEASURES])
