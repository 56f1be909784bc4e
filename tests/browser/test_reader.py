"""The notes beside the chat: citations open them at the very points."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Route, expect
from student import CORPUS, PHONE, Arrive, Parrot, Serve, Student, until

AIMS = "What were the aims of collectivization?"
LINES = (CORPUS / "stalins-soviet-union.md").read_text(encoding="utf-8").splitlines()


def corpus_lines(student: Student) -> list[str]:
    """Return the corpus file's own lines for what is highlighted, free of bullets and bold."""
    places = student.page.locator("#notes .hit").evaluate_all(
        "hits => hits.map(hit => [Number(hit.dataset.line), Number(hit.dataset.endLine)])"
    )
    return [
        " ".join(re.sub(r"^\s*[*-] |\*\*", "", line) for line in LINES[first - 1 : last])
        for first, last in places
    ]


def test_a_citation_opens_the_notes_at_exactly_the_cited_points(student: Student) -> None:
    student.ask(AIMS)
    student.answer.locator("a.cite").first.click()
    expect(student.page.locator("#notes .hit")).to_have_count(4)
    student.highlights(student.group.locator(".said").all_inner_texts())
    student.highlights(corpus_lines(student))
    for hit in student.page.locator("#notes .hit").all():
        expect(hit).to_be_in_viewport(ratio=1)
    expect(student.page.locator(".crumbs")).to_have_text(
        re.compile("Economic impact of Stalin › Collectivization › Aims$")
    )
    expect(student.page.locator(".crumbs")).to_have_attribute("title", "stalins-soviet-union.md")
    expect(student.page.locator("#notes .file")).to_have_text("stalins-soviet-union.md")
    expect(student.page.locator(".contents [aria-current]")).to_have_text("Aims")


def top_of(student: Student, selector: str) -> float:
    """Return how far below the top of the notes' text an element begins, in pixels."""
    return float(
        student.page.locator(selector).first.evaluate(
            "e => e.getBoundingClientRect().top"
            " - document.querySelector('#notes .text').getBoundingClientRect().top"
        )
    )


def test_a_citation_brings_the_heading_to_the_top_whichever_point_is_named_first(
    arrive: Arrive, serve: Serve, tmp_path: Path
) -> None:
    def section(name: str, points: int) -> str:
        return f"## {name}\n\n" + "".join(f"* {name} {n}\n" for n in range(points)) + "\n"

    (tmp_path / "p.md").write_text(
        "# Page\n\n" + section("Before", 40) + section("Cited", 4) + section("After", 40)
    )
    parrot = Parrot(tmp_path, section=-2)
    # An answer may begin with what sums the others up, which the notes end with.
    parrot.order = lambda points: (points[-1], *points[:-1])
    student = arrive(serve(parrot)).open()
    student.ask("Why?")
    expect(student.group.locator(".said").first).to_have_text("Cited 3")
    student.answer.locator("a.cite").first.click()
    student.highlights([f"Cited {n}" for n in range(4)])
    expect(student.page.locator("#notes :focus")).to_have_text("Cited 0")
    assert 0 <= top_of(student, "#notes h3:has-text('Cited')") <= 24
    for hit in student.page.locator("#notes .hit").all():
        expect(hit).to_be_in_viewport(ratio=1)


def test_a_point_far_below_its_heading_is_itself_at_the_top(
    arrive: Arrive, serve: Serve, tmp_path: Path
) -> None:
    bullets = "".join(f"* Point {n}\n" for n in range(80))
    (tmp_path / "p.md").write_text(f"# Page\n\n## Long\n\n{bullets}")
    student = arrive(serve(Parrot(tmp_path))).open()
    student.ask("Why?")
    student.answer.locator("a.cite").first.click()
    expect(student.page.locator("#notes .hit")).to_have_count(80)
    # They fit nowhere, so the heading goes with the first of them.
    assert 0 <= top_of(student, "#notes h3") <= 24
    student.answer.locator(".more summary").click()
    student.answer.locator("a.line").nth(50).click()
    student.highlights(["Point 50"])
    assert 0 <= top_of(student, "#notes .hit") <= 24


def test_the_header_follows_who_scrolls_on(student: Student) -> None:
    crumbs = student.page.locator(".crumbs")
    student.ask(AIMS)
    student.answer.locator("a.cite").first.click()
    expect(crumbs).to_have_text(re.compile("Collectivization › Aims$"))
    student.page.locator("#notes .text").hover()
    student.page.mouse.wheel(0, 100_000)
    expect(crumbs).to_have_text(re.compile("Social impacts of Stalin"))
    student.highlights(student.group.locator(".said").all_inner_texts())


def test_what_an_answer_highlighted_goes_with_it(student: Student) -> None:
    hits = student.page.locator("#notes .hit")
    way_back = student.page.get_by_role("button", name="Back to the answer")
    student.ask(AIMS)
    student.answer.locator("a.cite").first.click()
    student.ask("What were the measures of collectivization?")
    expect(hits).to_have_count(4)
    expect(way_back).to_be_visible()
    student.page.get_by_role("button", name="New chat").click()
    expect(hits).to_have_count(0)
    expect(way_back).to_be_hidden()
    student.page.get_by_role("button", name="Bring the earlier").click()
    expect(student.questions).to_have_count(2)
    expect(hits).to_have_count(0)
    expect(way_back).to_be_hidden()
    student.answer.locator("a.cite").first.click()
    expect(way_back).to_be_visible()
    with student.answering():
        student.page.get_by_role("button", name="Retry").click()
    expect(hits).to_have_count(0)
    expect(way_back).to_be_hidden()


def test_on_a_phone_what_was_found_comes_back_with_the_search_box(arrive: Arrive) -> None:
    student = arrive(viewport=PHONE, has_touch=True).open()
    student.page.get_by_role("button", name="Notes", exact=True).tap()
    search = student.page.get_by_role("searchbox", name="Search the notes")
    results = student.page.locator(".results a")
    search.fill("women")
    results.first.tap()
    expect(results.first).to_be_hidden()
    search.tap()
    expect(results.first).to_be_visible()
    expect(search).to_have_value("women")
    # The contents are the contents, whatever stands in the search box.
    student.page.get_by_role("button", name="Contents").tap()
    expect(results.first).to_be_hidden()
    expect(student.page.get_by_role("link", name="Famine", exact=True)).to_be_visible()


def test_each_point_has_its_own_way_to_its_line(student: Student) -> None:
    student.ask(AIMS)
    item = student.group.locator("li").nth(2)
    item.get_by_role("link", name="Show this point in the notes").click()
    student.highlights([item.locator(".said").inner_text()])


def test_a_citation_of_an_earlier_turn_still_opens(student: Student) -> None:
    student.ask(AIMS)
    student.ask("What were the measures of collectivization?")
    student.answer.locator("a.cite").first.click()
    student.highlights(student.group.locator(".said").all_inner_texts())
    student.page.locator("a.cite").first.click()
    expect(student.page.locator("#notes .hit")).to_have_count(4)


def test_a_citation_opens_after_a_reload_and_with_a_query_string(arrive: Arrive) -> None:
    student = arrive().open("?from=class")
    student.ask(AIMS)
    student.reload()
    student.answer.locator("a.cite").first.click()
    expect(student.page.locator("#notes .hit")).to_have_count(4)
    expect(student.page).to_have_url(f"{student.url}?from=class")


def test_a_citation_opened_before_the_notes_are_here_waits_for_them(student: Student) -> None:
    student.ask(AIMS)
    late: list[Route] = []
    student.page.route("**/askhistory/notes", lambda route: late.append(route))
    student.reload()
    student.answer.locator("a.cite").first.click()
    expect(student.page.get_by_role("button", name="Back to the answer")).to_be_visible()
    until(student.page, lambda: bool(late))
    late[0].continue_()
    expect(student.page.locator("#notes .hit")).to_have_count(4)


def test_from_load_to_a_cited_point_by_keyboard_alone(student: Student) -> None:
    press = student.page.keyboard.press
    expect(student.box).to_be_focused()
    with student.answering():
        student.page.keyboard.type(AIMS)
        press("Enter")
    expect(student.answer.locator(".sources")).to_be_visible()
    expect(student.box).to_be_focused()
    name = ""
    for _ in range(40):
        press("Shift+Tab")
        name = student.page.evaluate("document.activeElement.getAttribute('aria-label') ?? ''")
        if name.startswith("Source 1"):
            break
    assert name.startswith("Source 1: ")
    assert name.endswith("Opens the notes.")
    press("Enter")
    focused = student.page.locator("#notes .point:focus")
    expect(focused).to_have_text(student.answer.locator(".said").first.inner_text())
    press("Escape")
    expect(student.page.locator("a.cite:focus")).to_have_count(1)


def test_on_a_phone_the_notes_are_a_drawer_with_a_way_back(arrive: Arrive) -> None:
    student = arrive(viewport=PHONE, has_touch=True).open()
    expect(student.page.locator("#notes")).to_be_hidden()
    student.ask(AIMS)
    student.answer.locator("a.cite").first.tap()
    expect(student.page.locator("#notes")).to_be_visible()
    expect(student.page.locator("#notes .hit").first).to_be_in_viewport()
    assert student.page.locator("#notes").bounding_box()["width"] == 390
    expect(student.page.locator("#talk")).to_have_attribute("inert", "")
    student.page.get_by_role("button", name="Back to the chat").tap()
    expect(student.page.locator("#notes")).to_be_hidden()
    expect(student.page.locator("a.cite:focus")).to_have_count(1)


def test_on_a_phone_the_notes_open_from_the_bar(arrive: Arrive) -> None:
    student = arrive(viewport=PHONE, has_touch=True).open()
    student.page.get_by_role("button", name="Notes", exact=True).tap()
    student.page.get_by_role("button", name="Contents").tap()
    student.page.get_by_role("link", name="Famine", exact=True).tap()
    expect(student.page.get_by_role("heading", name="Famine")).to_be_in_viewport()


def test_on_a_phone_back_leaves_the_notes_and_not_the_site(arrive: Arrive) -> None:
    student = arrive(viewport=PHONE, has_touch=True).open()
    notes = student.page.locator("#notes")
    student.ask(AIMS)
    entries = student.page.evaluate("history.length")
    student.answer.locator("a.cite").first.tap()
    expect(notes).to_be_visible()
    student.page.go_back()
    expect(notes).to_be_hidden()
    expect(student.page.locator("a.cite:focus")).to_have_count(1)
    expect(student.questions).to_have_text([AIMS])
    # The button goes the same way: the next opening takes the place of the entry that was left.
    for _ in range(2):
        student.answer.locator("a.cite").first.tap()
        expect(notes).to_be_visible()
        student.page.get_by_role("button", name="Back to the chat").tap()
        expect(notes).to_be_hidden()
        until(student.page, lambda: student.page.evaluate("history.state?.notes") is None)
    expect(student.page.locator("a.cite:focus")).to_have_count(1)
    assert student.page.evaluate("history.length") == entries + 1
    student.page.go_forward()
    expect(notes).to_be_visible()
    student.reload()
    expect(notes).to_be_visible()
    student.page.go_back()
    expect(notes).to_be_hidden()
    student.ask("When did Lenin die?")


def test_beside_the_chat_the_notes_are_no_entry_of_the_history(student: Student) -> None:
    student.ask(AIMS)
    entries = student.page.evaluate("history.length")
    student.answer.locator("a.cite").first.click()
    expect(student.page.locator("#notes .hit")).to_have_count(4)
    assert student.page.evaluate("history.length") == entries


def test_on_a_phone_everything_can_be_seen_and_hit(arrive: Arrive) -> None:
    student = arrive(viewport=PHONE, has_touch=True, is_mobile=True).open()
    student.ask(AIMS)
    expect(student.answer.locator(".next .ask").first).to_be_visible()
    targets = student.page.locator(
        "#chat :is(a.cite, .message-buttons button, .choices .ask):visible"
    )
    sizes = [target.bounding_box() for target in targets.all()]
    assert len(sizes) > 5
    assert [size for size in sizes if size["height"] < 32] == []
    student.answer.locator("a.cite").first.tap()
    expect(student.page.locator("#notes .about").first).to_have_css("opacity", "1")


def test_no_arrow_of_the_chat_floats_over_the_notes(arrive: Arrive) -> None:
    student = arrive(viewport={"width": 390, "height": 500}, has_touch=True).open()
    student.ask(AIMS)
    student.ask("Assess the rise of Stalin")
    arrow = student.page.locator(".scroll-down-button-container")
    student.page.locator("[role=log]").evaluate("log => { log.scrollTop = 0; }")
    expect(arrow).to_be_visible()
    student.page.locator("a.cite").first.tap()
    expect(arrow).to_be_hidden()


def test_the_whole_corpus_is_readable(student: Student) -> None:
    contents = student.page.get_by_role("navigation", name="Contents")
    pages = contents.locator("summary")
    expect(pages).to_have_count(2)
    expect(student.page.locator("#notes .text h2")).to_have_text(
        re.compile("Stalin's Soviet Union")
    )
    pages.nth(1).click()
    expect(student.page.locator("#notes .text h2")).to_have_text(
        re.compile(re.escape(pages.nth(1).inner_text()))
    )
    headings = contents.locator("details[open] a").all_inner_texts()
    shown = student.page.locator("#notes .text :is(h3, h4, h5, h6)").evaluate_all(
        "all => all.map(heading => heading.firstChild.textContent)"
    )
    assert shown == headings


def test_the_contents_lead_to_a_heading(student: Student) -> None:
    student.page.get_by_role("link", name="Famine", exact=True).click()
    expect(student.page.get_by_role("heading", name="Famine")).to_be_in_viewport()
    expect(student.page.locator(".contents [aria-current]")).to_have_text("Famine")


def test_the_notes_can_be_searched(student: Student) -> None:
    search = student.page.get_by_role("searchbox", name="Search the notes")
    search.fill("rapid industr")
    results = student.page.locator(".results a")
    expect(results.first).to_contain_text("rapid industrialization")
    results.first.click()
    expect(student.page.locator("#notes .hit")).to_contain_text(re.compile("rapid", re.I))
    search.fill("bukarin")
    expect(student.page.locator(".results .label")).to_have_text(
        re.compile(r"^Showing: bukharin · \d+ found$")
    )
    expect(results.first).to_contain_text("Bukharin")
    search.fill("collectivisation")
    expect(results.first).to_contain_text("Collectivization")
    search.fill("zzzz")
    expect(student.page.get_by_text("Nothing in the notes has these words.")).to_be_visible()


def test_a_heading_offers_its_questions(student: Student) -> None:
    expect(student.page.locator("#notes .about").first).to_have_text("Questions about this")
    student.page.get_by_role("link", name="Aims", exact=True).first.click()
    student.page.get_by_role("heading", name="Aims").first.click()
    offer = student.page.locator(".offer .ask").first
    question = offer.inner_text()
    with student.answering():
        offer.click()
    expect(student.questions).to_have_text([question])
