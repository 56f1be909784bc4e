"""Whether a sentence denies what a text affirms, affirms what it denies, or says its opposite."""

from __future__ import annotations

from collections.abc import Sequence

from askhistory.polarity import Negator, alike, base, has_opposite, opposite
from askhistory.reading import SAME_WORD, Reading, is_named

_NEAR_WORD = 0.4
"""Cosine from which two words that say the opposite of each other are about the same thing."""
_BESIDE = 3
"""The same where a word stands next to both, or not further than so many words of meaning."""

_Place = tuple[Reading, int]


def contradicts(said: Reading, texts: Sequence[Reading]) -> bool:
    """Whether a sentence is at odds with texts about yes and no."""
    said, texts = _settled(said, texts)
    met = {place: _met(said, place, texts) for place in range(len(said.words))}
    for negator in said.negators:
        pairs = [(place, *there) for place in negator.reach for there in met[place]]
        if _at_odds(said, pairs, negator) and not _echoed(said, negator, texts):
            return True
    for text in texts:
        for negator in text.negators:
            pairs = [
                (place, other, near)
                for place, found in met.items()
                if not _affirmed_elsewhere(said, place, found, text)
                for other, near in found
                if other is text and near in negator.reach
            ]
            if _at_odds(said, pairs, negator) and not _echoed(text, negator, [said]):
                return True
    return _prefixed(said, met) or _opposed(said, texts)


def _affirmed_elsewhere(said: Reading, place: int, found: Sequence[_Place], text: Reading) -> bool:
    """Whether a word that one text denies is said by another as the sentence says it."""
    return any(
        other.folded[near] == said.folded[place] and _agree(said, place, other, near)
        for other, near in found
        if other is not text
    )


def _settled(said: Reading, texts: Sequence[Reading]) -> tuple[Reading, list[Reading]]:
    """Both sides without the denying words that the other side has too: *refused*, *denied*."""
    mine: set[int] = set()
    theirs: dict[int, set[int]] = {number: set() for number in range(len(texts))}
    for negator in said.negators:
        for number, text in enumerate(texts):
            for near in range(len(text.words)):
                if negator.bare or not _stands_for(said, negator.place, text, near):
                    continue
                mine.add(negator.place)
                theirs[number].add(near)
    for number, text in enumerate(texts):
        for negator in text.negators:
            for place in range(len(said.words)):
                if not negator.bare and _stands_for(text, negator.place, said, place):
                    mine.add(place)
                    theirs[number].add(negator.place)
    return said.without(frozenset(mine)), [
        text.without(frozenset(theirs[number])) for number, text in enumerate(texts)
    ]


def _stands_for(one: Reading, place: int, other: Reading, near: int) -> bool:
    if one.folded[place] == other.folded[near] or alike(one.senses[place], other.senses[near]):
        return True
    both = {negator.place for negator in other.negators if not negator.bare}
    return near in both and float(one.vectors[place] @ other.vectors[near]) >= 0.4


def _met(said: Reading, place: int, texts: Sequence[Reading]) -> list[_Place]:
    """Where the texts have a word of the sentence: all places of the same, or the nearest."""
    if place not in said.content():
        return []
    same = [
        (text, near)
        for text in texts
        for near in text.content()
        if text.folded[near] == said.folded[place]
    ]
    if same:
        return same
    near_by = [
        (float(said.vectors[place] @ text.vectors[near]), number, near)
        for number, text in enumerate(texts)
        for near in text.content()
    ]
    if not near_by or (best := max(near_by))[0] < SAME_WORD:
        return []
    return [(texts[best[1]], best[2])]


def _at_odds(
    said: Reading, pairs: Sequence[tuple[int, Reading, int]], negator: Negator | None = None
) -> bool:
    # What *ended* or *lacked* is said of more than the names after it.
    loose = negator is not None and not negator.bare
    met = any(not (loose and is_named(said.words[place].text)) for place, _, _ in pairs)
    return met and not any(_agree(said, *pair) for pair in pairs)


def _agree(said: Reading, place: int, other: Reading, near: int) -> bool:
    """Whether two words that mean the same are both affirmed or both denied."""
    differ = (place in said.denied) ^ (near in other.denied)
    (one, one_denied), (two, two_denied) = (
        base(said.words[place].text),
        base(other.words[near].text),
    )
    if one == two:
        differ ^= one_denied ^ two_denied
    elif opposite(said.senses[place], other.senses[near]):
        differ ^= True
    return not differ


def _echoed(one: Reading, negator: Negator, others: Sequence[Reading]) -> bool:
    """Whether what a text denies the others say by an opposite (``not fall``, ``rise``; ``forbid``,
    ``not allow``) or by a prefix (``not at home``, ``unpopular at home``)."""
    if not negator.bare and any(
        opposite(one.senses[negator.place], other.senses[near])
        for other in others
        for near in other.denied
    ):
        return True
    told = [place for place in negator.reach if place in one.content()]
    for other in others:
        for near in range(len(other.words)):
            if near in other.denied or other.folded[near] in one.folded:
                continue
            # Only of the word that is denied first: what follows is what it is said of.
            if (
                told
                and opposite(one.senses[told[0]], other.senses[near])
                and _about_the_same(one, told[0], other, near)
            ):
                return True
            if base(other.words[near].text)[1] and any(
                other.folded[beside] == one.folded[place]
                for place in told
                for beside in range(near + 1, min(len(other.words), near + 4))
            ):
                return True
    return False


def _prefixed(said: Reading, met: dict[int, list[_Place]]) -> bool:
    """Whether a word has lost or gained a prefix that negates, and nothing makes up for it."""
    for place, found in met.items():
        stem, negated = base(said.words[place].text)
        pairs = [
            (place, other, near) for other, near in found if base(other.words[near].text)[0] == stem
        ]
        if any(base(other.words[near].text)[1] != negated for _, other, near in pairs) and _at_odds(
            said, pairs
        ):
            return True
    return False


def _opposed(said: Reading, texts: Sequence[Reading]) -> bool:
    """Whether a word stands where its opposite does in a text, and neither side has a word for
    the other's."""
    held = {sense for text in texts for sense in text.senses}
    return any(
        opposite(sense, other)
        and (place in said.denied) == (near in text.denied)
        and not any(alike(other, own) for own in said.senses)
        and _about_the_same(said, place, text, near)
        for place, sense in enumerate(said.senses)
        if has_opposite(sense) and not any(alike(sense, other) for other in held)
        for text in texts
        for near, other in enumerate(text.senses)
    )


def _about_the_same(said: Reading, place: int, text: Reading, near: int) -> bool:
    if float(said.vectors[place] @ text.vectors[near]) >= _NEAR_WORD:
        return True
    return not _beside(said, place).isdisjoint(_beside(text, near))


def _beside(text: Reading, place: int) -> set[str]:
    """The words of meaning next to one."""
    told = [near for near in text.content() if near != place]
    before = [near for near in told if near < place][-_BESIDE:]
    after = [near for near in told if near > place][:_BESIDE]
    return {text.folded[near] for near in (*before, *after)}
