"""Who does what: whether a text says of somebody else what a question asks of its subject.

"When did Stalin die" is not answered by "a grand funeral when Lenin died", although it holds both
words. Only the plainest case is decided: a name followed by what it did. Nothing here knows the
notes or scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from askhistory.lexicon import fold, is_name, is_stopword

_AUXILIARIES = frozenset(
    {
        "did",
        "does",
        "do",
        "was",
        "were",
        "is",
        "are",
        "has",
        "had",
        "have",
        "will",
        "would",
        "could",
    }
)
_PRONOUNS = frozenset(
    ["he", "she", "it", "they", "him", "her", "them", "who", "which", "that", "his", "their", "its"]
)
_LOOK_BACK = 3
"""Words before a verb among which its subject is looked for."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question asks of whom.

    Attributes:
        subject: The words of the name, folded.
        verb: The word that says what it did or what was done to it, folded.
        place: Of the verb among the question's words.
    """

    subject: frozenset[str]
    verb: str
    place: int


def asked_of_name(words: Sequence[str]) -> Asked | None:
    """What is asked of a name: ``when did Leon Trotsky die`` asks of Leon Trotsky that he died.

    Args:
        words: Of a question, as written.

    Returns:
        None where no auxiliary stands before a name and a word of content behind it.
    """
    for place, word in enumerate(words[:-2]):
        if word.lower() not in _AUXILIARIES:
            continue
        end = place + 1
        while end < len(words) and (is_name(words[end]) or words[end][:1].isupper()):
            end += 1
        if place + 1 < end < len(words) and not is_stopword(words[end]):
            return Asked(frozenset(map(fold, words[place + 1 : end])), fold(words[end]), end)
    return None


def is_of_another(asked: Asked, words: Sequence[str]) -> bool:
    """Whether a text has the verb, and each time another name than the one asked of before it.

    False where it has not, and where a pronoun or nothing tells who is meant.

    Args:
        asked: Of the question.
        words: Of the text, as written.
    """
    other = False
    for place, word in enumerate(words):
        if fold(word) != asked.verb:
            continue
        before = words[max(place - _LOOK_BACK, 0) : place]
        nearest = next((near for near in reversed(before) if not _is_small(near)), None)
        if nearest is None or not is_name(nearest) or fold(nearest) in asked.subject:
            return False
        other = True
    return other


def _is_small(word: str) -> bool:
    """Whether a word may stand between a subject and its verb."""
    return is_stopword(word) and word.lower() not in _PRONOUNS
