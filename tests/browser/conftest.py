"""A real Chromium on a real server: one of each for the whole session."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from student import CHROMIUM, CORPUS, WIDE, Arrive, Awkward, Serve, Student, free_port

from askhistory.assistant import open_or_build
from askhistory.settings import Settings
from askhistory.ui import launch

expect.set_options(timeout=8_000)


# The server runs in the tests' own process, and Gradio's housekeeping there leaves sockets for
# the garbage collector and calls pandas in ways that it deprecates.
NOT_OURS = (
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
    "ignore:.*no_silent_downcasting",
    "ignore:The copy keyword is deprecated",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            for warning in NOT_OURS:
                item.add_marker(pytest.mark.filterwarnings(warning))


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("page")
    return Settings(
        corpus=CORPUS, index=folder / "index", feedback=folder / "data" / "feedback.jsonl"
    )


@pytest.fixture(scope="session")
def assistant(settings: Settings) -> Awkward:
    return Awkward(open_or_build(settings))


@pytest.fixture(scope="session")
def serve(assistant: Awkward, settings: Settings) -> Iterator[Serve]:
    """Serve an assistant (the session's own by default) and return the page's address."""
    pages = []

    def start(source: object = assistant, **options: object) -> str:
        page = launch(source, settings, port=free_port(), block=False, **options)
        pages.append(page)
        return str(page.local_url)

    yield start
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for page in pages:
            page.close(verbose=False)
        pages.clear()
        gc.collect()


@pytest.fixture(scope="session")
def url(serve: Serve) -> str:
    return serve()


@pytest.fixture(scope="session")
def slow_url(serve: Serve) -> str:
    """A page that streams so slowly that a test can step in."""
    return serve(pace=1.5)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
        )
        yield browser
        browser.close()


@pytest.fixture
def arrive(chromium: Browser, url: str) -> Iterator[Arrive]:
    """Open the page in a browser of one's own: nothing is kept from another test."""
    contexts = []

    def come(at: str = url, **options: object) -> Student:
        options.setdefault("viewport", WIDE)
        context = chromium.new_context(reduced_motion="reduce", **options)
        context.set_default_timeout(8_000)
        contexts.append(context)
        return Student(context, at)

    yield come
    for context in contexts:
        context.close()


@pytest.fixture
def student(arrive: Arrive) -> Student:
    return arrive().open()
