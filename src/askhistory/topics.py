"""Which headings a text names.

"Explain hyperinflation" says all that the heading *Hyperinflation* says and nothing else; what it
asks of the topic ("explain", "effects of") does not count. Words must be those of the heading, but
for one thing that notes on any past have a heading for, and students other words: somebody's coming
to power. Nothing here searches or weighs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from askhistory.lexicon import fold, is_stopword, words
from askhistory.question import facet_of, is_instruction
from askhistory.schema import Section

_REMEMBERED = 16_384
"""Headings whose topics are kept at hand."""


_RISE = re.compile(
    r"\b(?:(?:com(?:e|es|ing)|came|ris(?:e|es|ing|en)|rose|g[eo]t(?:s|ting)?|road|path|way) "
    r"(?:in)?to power|(?:gain|seiz|tak|w[io]n|took|secur)(?:e|es|ed|ing|en|s|ning)? "
    r"(?:power|control|the leadership)|(?:becom(?:e|es|ing)|became) (?:the )?(?:leader|dictator|"
    r"ruler|king|queen|emperor|head of state)|rise)\b",
    re.IGNORECASE,
)
"""Coming to power, in the words that questions and headings have for it."""


def rises(text: str) -> tuple[int, int] | None:
    """Where a text speaks of somebody's coming to power (characters, end exclusive), or None."""
    found = _RISE.search(text)
    return found.span() if found else None


def topic_of(text: str) -> frozenset[str]:
    """The words of a text that name its topic, folded; of nothing but facets, none.

    Coming to power is the topic *rise*, in whatever words.
    """
    span = rises(text)
    if span is not None:
        text = f"{text[: span[0]]} rise {text[span[1] :]}"
    return frozenset(
        fold(word.text)
        for word in words(text)
        if not (
            is_stopword(word.text) or is_instruction(word.text) or facet_of(word.text) is not None
        )
    )


@lru_cache(maxsize=_REMEMBERED)
def topic_of_heading(heading: str) -> frozenset[str]:
    """The same of a heading, without the dates that it may end in: ``Purges (1934-1938)``."""
    topic = topic_of(heading)
    return frozenset(word for word in topic if not word.isdigit()) or topic


class Topics:
    """The headings of a corpus by the words of their topics.

    Args:
        sections: In the order of the index.
    """

    def __init__(self, sections: Sequence[Section]) -> None:
        topics: dict[str, frozenset[str]] = {}
        self._sections: dict[frozenset[str], list[int]] = {}
        for number, section in enumerate(sections):
            for heading in dict.fromkeys(section.headings[1:]):
                if heading not in topics:
                    topics[heading] = topic_of_heading(heading)
                if topics[heading]:
                    self._sections.setdefault(topics[heading], []).append(number)
        self._words = frozenset().union(*self._sections)

    def named(self, text: str) -> list[int]:
        """The numbers of the sections at or below a heading that is the topic of a text."""
        return self._sections.get(topic_of(text), [])

    def __contains__(self, word: str) -> bool:
        """Whether the word is part of the topic of a heading."""
        return fold(word) in self._words
