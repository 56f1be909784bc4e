"""Which headings a text names by their very words.

"Explain hyperinflation" says all that the heading *Hyperinflation* says and nothing else; what it
asks of the topic ("explain", "effects of") does not count. Nothing here searches or weighs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from askhistory.lexicon import fold, is_stopword, words
from askhistory.question import facet_of, is_instruction
from askhistory.schema import Section

_REMEMBERED = 16_384
"""Headings whose topics are kept at hand."""


def topic_of(said: Iterable[str]) -> frozenset[str]:
    """The words of a text that name its topic, folded; of nothing but facets, none."""
    return frozenset(
        fold(word)
        for word in said
        if not (is_stopword(word) or is_instruction(word) or facet_of(word) is not None)
    )


@lru_cache(maxsize=_REMEMBERED)
def topic_of_heading(heading: str) -> frozenset[str]:
    """The same of a heading, without the dates that it may end in: ``Purges (1934-1938)``."""
    topic = topic_of(word.text for word in words(heading))
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

    def named(self, said: Iterable[str]) -> list[int]:
        """The numbers of the sections at or below a heading that is the topic of some words."""
        return self._sections.get(topic_of(said), [])

    def __contains__(self, word: str) -> bool:
        """Whether the word is part of the topic of a heading."""
        return fold(word) in self._words
