"""Write the pictures of the page that the README and the guides show.

Serves the page from the project's own notes and drives it in a Chromium: run it with
``python scripts/screenshots.py`` after the page's looks have changed.
"""

from __future__ import annotations

import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from askhistory.assistant import open_or_build
from askhistory.settings import Settings
from askhistory.ui import launch

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
WIDE = (1400, 900)
PHONE = (390, 844)

AIMS = "What were the aims of collectivization?"
UNCOVERED = "What colour were Lenin's eyes?"
ESSAY = "Assess the reasons for the rise of Stalin"


def welcome(page: Page) -> None:
    """The empty conversation with its starter questions."""
    expect(page.locator("#welcome .ask").first).to_be_visible()


def citation(page: Page) -> None:
    """A citation opened: the notes beside the answer, the cited points highlighted."""
    ask(page, AIMS)
    page.get_by_test_id("bot").last.locator("a.cite").first.click()
    expect(page.locator("#notes .hit").first).to_be_in_viewport()


def refusal(page: Page) -> None:
    """A question that the notes do not cover."""
    ask(page, AIMS)
    ask(page, UNCOVERED)


def essay(page: Page) -> None:
    """A long answer, folded after the first points of each heading."""
    ask(page, ESSAY)


def answer(page: Page) -> None:
    """A short answer."""
    ask(page, AIMS)


SHOTS: tuple[tuple[str, tuple[int, int], str, Callable[[Page], None]], ...] = (
    ("welcome", WIDE, "light", welcome),
    ("citation", WIDE, "light", citation),
    ("citation-dark", WIDE, "dark", citation),
    ("refusal", WIDE, "light", refusal),
    ("essay", WIDE, "light", essay),
    ("phone", PHONE, "light", answer),
    ("phone-notes", PHONE, "light", citation),
    ("phone-dark", PHONE, "dark", refusal),
)


def ask(page: Page, question: str) -> None:
    """Ask a question and wait for the end of its answer."""
    body = page.locator("body")
    before = int(body.get_attribute("data-finished") or 0)
    box = page.get_by_label("Your question", exact=True)
    box.fill(question)
    box.press("Enter")
    expect(body).to_have_attribute("data-finished", str(before + 1))
    expect(box).to_be_enabled()


def shoot(
    browser: Browser,
    url: str,
    name: str,
    size: tuple[int, int],
    scheme: str,
    state: Callable[[Page], None],
) -> None:
    """Bring a new page into a state and write its picture."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if scheme == "dark" else "light",
        has_touch=size == PHONE,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(url)
    expect(page.locator("body.ready")).to_be_attached()
    welcome(page)
    state(page)
    page.wait_for_timeout(400)
    page.screenshot(path=IMAGES / f"{name}.png")
    context.close()
    print(f"docs/images/{name}.png", flush=True)


def main() -> int:
    """Write every picture, or those that are named on the command line."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    names = set(sys.argv[1:]) or {name for name, *_ in SHOTS}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    IMAGES.mkdir(parents=True, exist_ok=True)
    settings = replace(Settings.from_environment(), feedback=None)
    served = launch(open_or_build(settings), settings, port=port, block=False)
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
        )
        for name, size, scheme, state in SHOTS:
            if name in names:
                shoot(browser, str(served.local_url), name, size, scheme, state)
        browser.close()
    served.close(verbose=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
