"""A follow-up → the standalone question it means, from the student's own earlier questions.

``and the results?`` after ``what were the aims of collectivization?`` is searched as
``and the results? (collectivization)``: the words that the conversation is about are added
in brackets, and weigh less than what was typed. A question that names its own topic is left
alone, so that a change of topic does not drag the old one along. Only the student's
questions are looked at, never the answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from askhistory.lexicon import ARTICLES, BE, Word, fold, is_name, is_stopword, ordinals, words
from askhistory.question import bare, facet_of, is_instruction
from askhistory.smalltalk import small_talk

_SUBJECTS = frozenset(
    {"he", "she", "they", "his", "her", "hers", "its", "their", "theirs", "there"}
)
"""Point back to the nearest name, even one of their own clause: "did Stalin fear his rivals"."""
_OBJECTS = frozenset({"it", "him", "them", "this", "that", "these", "those", "such"})
"""Point back beyond their own clause: "did Stalin trust him"."""
_SELECTING = frozenset(
    {"first", "second", "third", "fourth", "last", "other", "same", "former", "latter"}
    | {"two", "three"}
)
"""After "the", point back where no noun follows: "the second", not "the second plan"."""
_SUBSTITUTES = re.compile(r"^(?:and |but |so )?(?:what|how) about\b|^and\b", re.IGNORECASE)
_NEW_TOPIC = re.compile(
    r"^(?:ok(?:ay)?[ ,]*)?(?:moving on|"
    r"(?:a )?(?:different|another|other|new|next) (?:thing|question|topic)|"
    r"right[, ]+next|anyway|changing (?:the )?(?:topic|subject))\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(
    r"^(?:who|whom|whose|what|when|where|why|which|how)(?:'s|s)?\b.*"
    r"\b(?:is|are|was|were|did|does|do|has|had|have|can|could|would|will|happened|became|'s)\b.*\w"
    r"|^(?:is|are|was|were|did|does|do|has|had|have|can|could|who)\b",
    re.IGNORECASE,
)
_ASKING = re.compile(r"\s+(?=(?:who|what|when|where|why|how)\b)", re.IGNORECASE)
_CLAUSE = re.compile(
    r"[,;:?]|\b(?:and|or|but|when|why|how|because|while|before|after|until|if|so)\b"
    r"(?! (?:him|her|it|them|this|that)\b)"
)
_BRACKETED = re.compile(r"\(([^()]+)\)\W*$")
"""What a question is about, as `Standalone.query` has it: a copied link comes with it."""
_MEASURES = frozenset({"many", "much", "long", "old", "big", "far", "often", "large", "high"})
"""After "how", no topic."""
_MOST_TOPIC_WORDS = 8
_MOST_BETWEEN = 3
"""Small words that come along between two of them: "reasons for the rise"."""
_BETWEEN = frozenset({*ARTICLES, "and", "at", "by", "for", "from", "in", "of", "on", "to", "with"})
"""Those that may: others would make a sentence of it that nobody said."""
_TOPICAL = 0.45
"""A word that says at least this much can stand for a topic of its own."""
_TOPICAL_IN_HEADING = 0.3
"""The same of a word that stands in a heading."""
_SAYS_A_TOPIC = 1.0
"""So can words that say this much together: "five year plans"."""

Likeness = Callable[[tuple[str, ...], tuple[str, ...]], NDArray[np.float32]]
"""(n, m) how alike each of n words is to each of m others."""


@dataclass(frozen=True, slots=True)
class Standalone:
    """What is searched for a question of a conversation.

    Attributes:
        text: The question as typed, spelling mended.
        asks: Whose wording says what is asked for: the question's own, or that of the earlier
            question in which it puts a new topic ("what about …?").
        context: Words of earlier questions that it leaves unsaid; empty where it needs none.
        substitutes: Whether it puts a new topic in the old one's place.
        before: The question before it, standalone; None at the beginning and where the
            student says that the topic changes.
    """

    text: str
    asks: str
    context: str = ""
    substitutes: bool = False
    before: Standalone | None = None

    @property
    def query(self) -> str:
        """Question and context in one line, as shown."""
        return f"{self.text} ({self.context})" if self.context else self.text

    @property
    def about(self) -> str:
        """What a question after it may take words from."""
        return f"{bare(self.text)} {self.context}".rstrip()


def standalone(
    question: str,
    history: Sequence[str],
    *,
    weight: Callable[[str], float],
    likeness: Likeness,
    titled: Callable[[str], bool],
) -> Standalone:
    """Make a question of a conversation standalone.

    Args:
        question: As typed, spelling mended.
        history: The student's earlier questions, the oldest first.
        weight: How much a word says to the notes, from 0 to 1; 0 for stop words.
        likeness: How alike words are in meaning; the higher, the more.
        titled: Whether a word stands in a heading of the notes.
    """

    def topical(word: str) -> bool:
        return facet_of(word) is None and (
            weight(word) >= (_TOPICAL_IN_HEADING if titled(word) else _TOPICAL) or is_name(word)
        )

    before: Standalone | None = None
    for earlier in history:
        if words(earlier) and small_talk(earlier) is None:
            before = _resolve(earlier, before, weight, likeness, topical, titled)
    return _resolve(question, before, weight, likeness, topical, titled)


def _resolve(
    question: str,
    before: Standalone | None,
    weight: Callable[[str], float],
    likeness: Likeness,
    is_topical: Callable[[str], bool],
    titled: Callable[[str], bool],
) -> Standalone:
    text = question.strip()
    changes = _NEW_TOPIC.search(text)
    if changes:
        rest = text[changes.end() :].lstrip(" ,.:;!-")
        text = rest if words(rest) else text
    if before is None or changes or _is_completed(text, is_topical):
        return Standalone(text, text)
    before = replace(before, before=None)
    said = [word.text for word in words(bare(text)) if not is_stopword(word.text)]
    topical = [word for word in said if is_topical(word)]
    substitutes = bool(_SUBSTITUTES.search(text))
    fragment = len(said) <= 2 and not any(map(_SENTENCE.search, _ASKING.split(bare(text))))
    alone = len(topical) == 1 and not ordinals(text)
    if alone and fragment and _names_whole(text, topical[0], before, titled):
        return Standalone(text, text, before=before)
    names_itself = alone and {word.text.lower() for word in words(bare(text))} <= {
        topical[0].lower(),
        *ARTICLES,
    }
    hardly = not topical and sum(weight(word) for word in said) < _SAYS_A_TOPIC
    elliptic = hardly or (len(topical) == 1 and fragment and not names_itself)
    if not (_refers(text, topical) or substitutes or elliptic):
        return Standalone(text, text, before=before)
    own = {fold(word) for word in said}
    topic = [word for word in _topic(before, weight) if fold(word.text) not in own]
    puts_another = bool(topical) and substitutes and not _SENTENCE.search(bare(text))
    if puts_another:
        # "What about industrialization?" after the aims of collectivization asks for its aims.
        replaced = _replaced(topical, [word.text for word in topic], likeness)
        topic = [word for word in topic if word.text != replaced]
    elif said:
        # "And how did it end?" after the aims of something does not ask for aims.
        topic = [word for word in topic if facet_of(word.text) is None]
    asks = before.asks if puts_another else text
    return Standalone(text, asks, _joined(topic, before.about), puts_another, before)


def _is_completed(text: str, is_topical: Callable[[str], bool]) -> bool:
    """Whether it ends in what it is about, in brackets."""
    named = _BRACKETED.search(text)
    said = words(named.group(1)) if named else []
    return any(is_topical(word.text) and not is_instruction(word.text) for word in said)


def _names_whole(text: str, topic: str, before: Standalone, titled: Callable[[str], bool]) -> bool:
    """Whether a fragment asks for a part of something that it names itself.

    "Causes of hyperinflation" and "hyperinflation causes" do; "effects on women" leaves unsaid
    what had them, and "aims of the plan" after a question on the first plan means that.
    """
    found = [word.text for word in words(bare(text))]
    place = found.index(topic)
    others = [word for word in found if word != topic and not is_stopword(word)]
    if not others or any(facet_of(word) is None for word in others):
        return False
    if fold(topic) in {fold(word.text) for word in words(before.about)}:
        return False
    linking = [word.lower() for word in found[:place] if word.lower() not in ARTICLES][-1:]
    return linking == ["of"] or (titled(topic) and not any(map(is_stopword, linking)))


def _joined(topic: Sequence[Word], about: str) -> str:
    """Words of a text with the small words between them: ``reasons for the rise of Stalin``."""
    if not topic:
        return ""
    chosen = {word.start for word in topic}
    parts: list[list[str]] = []
    between: list[str] | None = None
    for word in words(about):
        if word.start in chosen:
            if between is None or len(between) > _MOST_BETWEEN:
                parts.append([])
                between = []
            parts[-1] += [*between, word.text]
            between = []
        elif between is not None:
            between = [*between, word.text] if word.text.lower() in _BETWEEN else None
    return ", ".join(" ".join(part) for part in parts)


def _replaced(topical: Sequence[str], topic: Sequence[str], likeness: Likeness) -> str | None:
    """The word of the old topic that new ones stand for: the likest in meaning."""
    candidates = tuple(word for word in topic if facet_of(word) is None)
    if len(candidates) < 2:
        return candidates[0] if candidates else None
    return candidates[int(likeness(tuple(topical), candidates).max(axis=0).argmax())]


def _refers(text: str, topical: Sequence[str]) -> bool:
    """Whether a word points back to an earlier question, and not to something said before it."""
    found = words(text)
    said = [word.text.lower() for word in found]
    named = [word.start for word in found if word.text in topical]
    cuts = [cut.start() for cut in _CLAUSE.finditer(text)]
    for place, word in enumerate(said):
        if not _is_anaphor(said, place):
            continue
        start = found[place].start
        if word not in _SUBJECTS:
            start = max((cut for cut in cuts if cut < start), default=0)
        if not any(name < start for name in named):
            return True
    return False


def _is_anaphor(said: Sequence[str], place: int) -> bool:
    """Whether a word stands for something else, by itself and the words around it."""
    word = said[place]
    before = said[place - 1] if place else ""
    after, next_but_one = (*said[place + 1 : place + 3], "", "")[:2]
    if word in {"others", *_SELECTING}:
        alone = not after or after in {"one", "ones"} or (is_stopword(after) and after != "to")
        return before == "the" and (word == "others" or alone)
    if word == "that" and before and not is_stopword(before):
        return not after  # Else it is a relative: "the plan that failed".
    if word == "those":
        return after not in {"who", "that", "in", "of", "with"}
    if word == "there":
        return before not in BE and after not in BE
    if word == "it" and before in BE and {"that", "who", "which"} & {*said[place:]}:
        return False  # "Was it the plan that failed?"
    if word == "it" and after in {"cost", "take"} and "to" in said[place:]:
        return False  # "How long did it take to build?"
    if word in {"it", "that", "this"} and after in BE and next_but_one in ARTICLES:
        return False
    return word in _SUBJECTS or (word in _OBJECTS and (word, after) != ("such", "as"))


def _topic(turn: Standalone, weight: Callable[[str], float]) -> list[Word]:
    """The words that a turn was about, in its order; the heaviest where there are too many."""
    found: dict[str, Word] = {}
    last = ""
    for word in words(turn.about):
        counts, last = last == "how", word.text.lower()
        if is_stopword(last) or is_instruction(last) or (counts and last in _MEASURES):
            continue
        if weight(word.text) > 0:
            found.setdefault(fold(word.text), word)
    heaviest = sorted(found.values(), key=lambda word: -weight(word.text))[:_MOST_TOPIC_WORDS]
    return [word for word in found.values() if word in heaviest]
