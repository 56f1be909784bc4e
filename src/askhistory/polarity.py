"""Yes and no in prose: what is denied, and which words say the opposite of each other.

What is here is general English and no more: negators, prefixes that negate, and everyday
opposites. Pure functions of words; nothing here knows notes or vectors.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import zip_longest

from askhistory.lexicon import fold, is_english, root

_BARE = """
    not no never none nobody nothing nowhere neither nor without cannot hardly scarcely barely
    seldom rarely little few nearly almost
"""
_NEGATORS = frozenset(_BARE.split())
"""Words that deny and say nothing else."""
_SAYING_NO = """
    fail refuse deny lack prevent avoid ban bar forbid prohibit outlaw stop end abolish scrap absent
    missing impossible unable silent shortage scarcity absence ignore afraid reluctant unwilling
"""
_DENYING = frozenset(root(word) for word in _SAYING_NO.split())
"""Dictionary forms of words that deny what they are said of, and can be said in other words."""
_WHOLE = frozenset(
    root(word) for word in ("ban", "bar", "forbid", "prohibit", "outlaw", "abolish", "scrap")
) | {root(word) for word in ("absent", "missing", "impossible")}
"""Of these, the ones that deny what their whole clause is about."""
_DREADING = frozenset(root(word) for word in ("afraid", "reluctant", "unwilling"))
"""Before *to*, they deny what follows it."""
_KEEPING = frozenset(("keep", "stop", "bar"))
"""Before *from*, they deny what follows it."""
_STAYING = frozenset(root(word) for word in ("stay", "keep"))
"""Before *away from*, the same."""
_LEAVING = frozenset(("left", "leave", "leaves", "leaving", "shut", "ruled", "kept"))
"""Before *out*, the same."""
_CONTRACTED = re.compile(r"n['’]t$")
_PREFIX = re.compile(r"^(?:un|dis|mis|non|il|im|in|ir)(?=[a-z]{4})")
_QUANTIFIERS = frozenset(("few", "little"))
_COMPARING = "more less fewer later sooner earlier longer other better worse"
_ENDING = root("end")
"""Before *up*, it denies nothing: ``ended up in a camp``."""
_THAN = frozenset(_COMPARING.split())
"""After *no* and before *than*, they make a limit of it."""
_SCOPE = 6
"""Words that a negator reaches, within its clause."""
_NARROW = 2
"""The same of *few* and *little*."""


@cache
def _sides() -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    """By word, what may stand for it, and what says the opposite."""
    alike: defaultdict[str, set[str]] = defaultdict(set)
    against: defaultdict[str, set[str]] = defaultdict(set)
    text = resources.files("askhistory").joinpath("opposites.txt").read_text("utf-8")
    for line in text.splitlines():
        if "|" not in line or line.startswith("#"):
            continue
        one, other = ({_key(word) for word in side.split()} for side in line.split("|"))
        for words, contrary in ((one, other), (other, one)):
            for word in words:
                alike[word] |= words
                against[word] |= contrary
    return {
        word: (frozenset(words), frozenset(against[word] - words)) for word, words in alike.items()
    }


def _key(entry: str) -> str:
    first, _, particle = entry.partition("_")
    return f"{root(first)}_{particle}" if particle else root(first)


def senses(words: Sequence[str]) -> tuple[str, ...]:
    """Per word, the form under which its opposite may be known: its dictionary form, or that of
    the phrasal verb that it begins (``gave up`` → ``give_up``)."""
    lower = [word.lower() for word in words]
    found: list[str] = []
    for word, following in zip_longest(lower, lower[1:], fillvalue=""):
        phrasal = f"{root(word)}_{following}"
        found.append(phrasal if phrasal in _sides() else root(word))
    return tuple(found)


def opposite(one: str, other: str) -> bool:
    """Whether two words (see `senses`) say the opposite of each other."""
    return one in _sides() and other in _sides()[one][1]


def alike(one: str, other: str) -> bool:
    """Whether two words (see `senses`) may stand for each other."""
    return one == other or (one in _sides() and other in _sides()[one][0])


def has_opposite(word: str) -> bool:
    """Whether a word (see `senses`) is one of those whose opposite is known."""
    return word in _sides()


def base(word: str) -> tuple[str, bool]:
    """A word without a prefix that negates, folded; and whether it had one.

    >>> base("unpopular") == (fold("popular"), True)
    True
    """
    lower = word.lower()
    rest = _PREFIX.sub("", lower)
    if rest != lower and is_english(rest):
        return fold(rest), True
    return fold(lower), False


@dataclass(frozen=True, slots=True)
class Negator:
    """A word that denies others.

    Attributes:
        place: Where it stands.
        reach: The places of the words that it denies.
        bare: Whether it says nothing else, as *not* does and *refuse* does not.
    """

    place: int
    reach: tuple[int, ...]
    bare: bool


def negators(words: Sequence[str], clauses: Sequence[int]) -> tuple[Negator, ...]:
    """Find what denies in a text.

    Args:
        words: Of the text, in order.
        clauses: The number of the clause that each stands in.
    """
    lower = [word.lower() for word in words]
    return tuple(
        Negator(
            place,
            tuple(
                near
                for near in _reach(lower, place)
                if clauses[near] == clauses[place] and near != place
            ),
            bare=root(lower[place]) not in _DENYING,
        )
        for place in range(len(words))
        if _negates(lower, clauses, place)
    )


def denied(negators: Iterable[Negator]) -> frozenset[int]:
    """The places of the words that an odd number of negators reach."""
    found: frozenset[int] = frozenset()
    for negator in negators:
        found ^= frozenset(negator.reach)
    return found


def _reach(words: Sequence[str], place: int) -> range:
    if root(words[place]) in _WHOLE:
        return range(len(words))
    scope = _NARROW if words[place] in _QUANTIFIERS else _SCOPE
    return range(place + 1, min(len(words), place + 1 + scope))


def _keeps_away(before: Sequence[str]) -> bool:
    return before[-1:] == ["away"] and root(before[-2] if len(before) > 1 else "") in _STAYING


def _negates(words: Sequence[str], clauses: Sequence[int], place: int) -> bool:
    word = words[place]
    before = [
        words[near] for near in range(max(0, place - 5), place) if clauses[near] == clauses[place]
    ]
    after = [*words[place + 1 : place + 3], "", ""]
    if word == "nor":
        return "neither" not in before
    if word in ("no", "not") and ((after[0] in _THAN and after[1] == "than") or after[0] == "only"):
        return False
    if word in _QUANTIFIERS and before[-1:] == ["a"]:
        return False
    if word == "than":
        return before[-1:] == ["rather"]
    if word == "of":
        return before[-1:] in (["free"], ["instead"])
    if root(word) == _ENDING and after[0] == "up":
        return False
    if root(word) in _DREADING:
        return after[0] == "to"
    if word == "from":
        return (
            before[-1:] == ["free"]
            or _keeps_away(before)
            or any(root(earlier) in _KEEPING for earlier in before)
        )
    if word == "out":
        return bool(before) and before[-1] in _LEAVING
    if word == "to":
        return "too" in before[-3:-1]
    if root(word) in _KEEPING and "from" in words[place + 1 : place + 6]:
        return False
    return word in _NEGATORS or root(word) in _DENYING or bool(_CONTRACTED.search(word))
