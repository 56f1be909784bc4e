"""Who does what: a verb that a text says of another name than the question asks of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askhistory.binding import Asked, asked_of_name, is_of_another
from askhistory.lexicon import fold


@pytest.mark.parametrize(
    ("question", "subject", "verb", "place"),
    [
        ("when did Stalin die", {"stalin"}, "die", 3),
        ("when did stalin die?", {"stalin"}, "die", 3),
        ("where was Rosa Luxemburg murdered", {"rosa", "luxemburg"}, "murder", 4),
        ("how was Hitler appointed Chancellor", {"hitler"}, "appoint", 3),
    ],
)
def test_what_is_asked_of_a_name(question: str, subject: set[str], verb: str, place: int) -> None:
    found = asked_of_name(question.strip("?").split())
    assert found == Asked(frozenset(subject), verb, place)


@pytest.mark.parametrize(
    "question",
    ["who died", "when did farmers rebel", "what was Stalin", "was Stalin the leader", "died", ""],
)
def test_of_no_name_nothing_is_asked(question: str) -> None:
    assert asked_of_name(question.split()) is None


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("A grand funeral when Lenin died in 1924", True),
        ("Lenin had died by then and Kirov died later", True),
        ("Stalin died in 1953", False),
        ("Lenin died in 1924 and Stalin died in 1953", False),
        ("He died in 1953", False),
        ("Millions died", False),
        ("died in 1953", False),
        ("Lenin fell ill", False),
    ],
)
def test_a_verb_belongs_to_the_name_before_it(text: str, other: bool) -> None:
    asked = Asked(frozenset({"stalin"}), "die", 3)
    assert is_of_another(asked, text.split()) is other


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_words_can_be_asked(question: str, text: str) -> None:
    asked = asked_of_name(question.split())
    if asked is not None:
        assert 0 < asked.place < len(question.split())
        told = text.split()
        if asked.verb not in map(fold, told):
            assert not is_of_another(asked, told)
        assert is_of_another(asked, ["Lenin", question.split()[asked.place]]) is (
            "lenin" not in asked.subject
        )
