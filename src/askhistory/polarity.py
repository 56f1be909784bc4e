"""Yes and no in prose: what is denied, and which words say the opposite of each other.

What is here is general English and no more: negators, prefixes that negate, and everyday
opposites. Pure functions of words; nothing here knows notes or vectors.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from askhistory.lexicon import fold, is_english, root

_NEGATING = """
    not no never none nobody nothing nowhere neither nor without cannot hardly scarcely barely
    seldom rarely little few unable fail fails failed failing failure refuse refuses refused lack
    lacks lacked lacking prevent prevents prevented avoid avoided
"""
_NEGATORS = frozenset(_NEGATING.split())
_KEEPING = frozenset(("keep", "keeps", "kept", "stop", "stops", "stopped", "banned", "barred"))
"""Before *from*, they deny what follows it."""
_LEAVING = frozenset(("left", "leave", "leaves", "leaving", "shut", "ruled", "kept"))
"""Before *out*, the same."""
_CONTRACTED = re.compile(r"n['’]t$")
_PREFIX = re.compile(r"^(?:un|dis|mis|non|il|im|in|ir)(?=[a-z]{4})")
_QUANTIFIERS = frozenset(("few", "little"))
_PROHIBITING = frozenset(
    ("banned", "forbidden", "forbade", "prohibited", "abolished", "absent", "missing", "impossible")
)
"""They deny what their whole clause is about."""
_SCOPE = 6
"""Words that a negator reaches, within its clause."""
_NARROW = 2
"""The same of *few* and *little*."""

_OPPOSITES = """
    rise rose risen increase grow grew grown growth expand climb gain improve raise higher more
    | fall fell fallen decrease decline drop shrink shrank lose lost worsen reduce lower fewer less
    succeed succeeded success successful | fail failed failure unsuccessful
    win won winner victory | lose lost loser defeat defeated
    strong stronger strength strengthen powerful | weak weaker weakness weaken powerless
    high | low
    long | short
    good well better best | bad badly worse worst poor poorly
    rich wealthy | poor
    early earlier | late later
    before | after
    first | last
    begin began begun start started launch | end ended stop stopped finish
    allow allowed permit permitted legal | ban banned forbid forbade forbidden prohibit illegal
    accept accepted welcome hold follow | reject rejected refuse refused
    keep kept remain stay retain hold | lose lost abandon quit
    reward | punish
    support supported favor back backed | oppose opposed attack attacked resist
    join joined enter entered | leave left quit withdraw withdrew resign
    open opened | close closed
    public publicly openly | secret secretly private
    friend ally supporter | enemy rival opponent
    like liked love loved admire | hate hated dislike disliked despise
    trust trusted | distrust distrusted suspect
    remember | forget forgot forgotten
    agree agreed | disagree disagreed
    include included including | except exclude excluded excluding
    everyone everybody all every | nobody none
    many most much plenty | few little
    great large big huge | small tiny slight
    same alike similar | different opposite contrary
    buy bought | sell sold
    import imported | export exported
    north | south
    east | west
    man men male boy | woman women female girl
    father son husband | mother daughter wife
    quick quickly rapid rapidly fast | slow slowly gradual gradually
    easy easily | hard difficult
    cheap free | expensive
    safe secure | dangerous unsafe
    plenty abundant surplus | short shortage scarce
    compulsory mandatory required | voluntary optional
    temporary | permanent
    free freed release released | arrest arrested imprison imprisoned
    build built create found founded establish | destroy abolish dissolve
    appoint appointed promote promoted | dismiss dismissed demote expel expelled
    central | local
    old | new
    old | young
    majority | minority
    urban city town | rural countryside
    victim | culprit
    over above | under below
    always | never
    deliberate intended | accidental unintended
    admit confess | deny denied
    forgive forgave | blame blamed
    praise honor celebrate hail | abuse criticize condemn blame
    kind gentle | cruel brutal harsh
    peace | war
    protect protected | harm harmed
    popular | unpopular
    equal | unequal
"""
"""What stands on either side of a line says the opposite of what stands on the other."""


def _against() -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for line in re.split(r"\n(?!\s*\|)", _OPPOSITES.strip()):
        one, other = (frozenset(root(word) for word in side.split()) for side in line.split("|"))
        for words, contrary in ((one, other), (other, one)):
            for word in words - contrary:
                found[word] = found.get(word, frozenset()) | (contrary - words)
    return found


_AGAINST = _against()


def opposite(one: str, other: str) -> bool:
    """Whether two words (see `lexicon.root`) say the opposite of each other."""
    return other in _AGAINST.get(one, ())


def has_opposite(word: str) -> bool:
    """Whether a word (see `lexicon.root`) is one of those whose opposite is known."""
    return word in _AGAINST


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
class Denials:
    """What is denied in a text of n words.

    Attributes:
        within: Per word, whether it is denied: an odd number of negators of its clause reach it.
        reached: Per negator, the places of the words that it reaches.
        negators: The places of the negators.
    """

    within: tuple[bool, ...]
    reached: tuple[tuple[int, ...], ...]
    negators: frozenset[int]


def denials(words: Sequence[str], clauses: Sequence[int]) -> Denials:
    """Find what is denied.

    Args:
        words: Of the text, in order.
        clauses: The number of the clause that each stands in.
    """
    lower = [word.lower() for word in words]
    negators = [place for place in range(len(words)) if _negates(lower, clauses, place)]
    reached = [
        tuple(near for near in _reach(lower, place) if clauses[near] == clauses[place])
        for place in negators
    ]
    counts = [sum(place in reach for reach in reached) for place in range(len(words))]
    return Denials(tuple(count % 2 == 1 for count in counts), tuple(reached), frozenset(negators))


def _reach(words: Sequence[str], place: int) -> range:
    if words[place] in _PROHIBITING:
        return range(len(words))
    scope = _NARROW if words[place] in _QUANTIFIERS else _SCOPE
    return range(place + 1, min(len(words), place + 1 + scope))


def _negates(words: Sequence[str], clauses: Sequence[int], place: int) -> bool:
    word = words[place]
    before = [
        words[near] for near in range(max(0, place - 5), place) if clauses[near] == clauses[place]
    ]
    if word == "nor":
        return "neither" not in before
    if word in _QUANTIFIERS and before[-1:] == ["a"]:
        return False
    if word in ("of", "from") and before[-1:] == ["free"]:
        return True
    if word == "from":
        return any(earlier in _KEEPING for earlier in before)
    if word == "out":
        return bool(before) and before[-1] in _LEAVING
    return word in _NEGATORS or word in _PROHIBITING or bool(_CONTRACTED.search(word))
