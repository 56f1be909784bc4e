"""Whether a sentence puts someone or something in another's place."""

from __future__ import annotations

import re
from collections.abc import Sequence

from askhistory.lexicon import ARTICLES, BE, fold, is_stopword, words
from askhistory.quantities import month
from askhistory.reading import SAME_WORD, Reading, is_named, is_person

_PASSIVE = re.compile(
    r"\b(?:was|were|is|are|been|be|being)\s+(?:\w+ly\s+)?\w+(?:ed|en|wn)\b|\bby\s+[A-Z]"
)
_PLACING = frozenset(("in", "at", "on", "under"))
_COMPARED = frozenset(("more", "less", "better", "worse", "fewer"))
_SAID_ALIKE = 0.75
"""Share of what a clause says that another must say too, to be about the same."""
_ONE_PERSON = frozenset(("he", "she", "his", "her", "him"))
_OTHERS = frozenset(fold(word) for word in ("other", "another", "rest"))
_DETERMINERS = frozenset(
    ("the", "a", "an", "its", "his", "her", "their", "own", "our", "this", "that")
)
_DONE = re.compile(r"(?:ed|en|wn|ade|id|old|eld|ilt|ept|ught)$")
"""How a participle ends."""
_PERSONS = frozenset(("he", "she", "they", "his", "her", "their", "him", "them"))
_PREPOSITIONS = frozenset(
    ("of", "by", "with", "for", "to", "in", "from", "against", "under", "on", "at", "about", "than")
)


def _aligned(
    said: Reading, place: int, read: Sequence[Reading]
) -> tuple[Reading, int, float] | None:
    """The text and the place in it of the word nearest to one of the sentence."""
    best: tuple[Reading, int, float] | None = None
    for other in read:
        for near in other.content():
            if other.folded[near] == said.folded[place]:
                similarity = 1.0 + float(said.vectors[place] @ other.vectors[near])
            else:
                similarity = float(said.vectors[place] @ other.vectors[near])
            if best is None or similarity > best[2]:
                best = (other, near, similarity)
    return best


def swaps_roles(said: Reading, read: Sequence[Reading], headings: Sequence[Sequence[str]]) -> bool:
    """Whether someone does in the sentence what is done to them, or by another, in the point.

    Told by order: what a name does follows it, and in the passive voice precedes it.
    """
    for place in _subjects(said):
        verb = _predicate(said, place)
        found = None if verb is None else _aligned(said, verb, read)
        if verb is None or found is None or found[2] < SAME_WORD:
            continue
        other, near, _ = found
        own = [at for at, form in enumerate(other.folded) if form == said.folded[place]]
        agent = _agent(other, near)
        if own and agent is not None and max(own) < agent and not _passive(said, verb):
            return True
        if _passive(said, verb) != _passive(other, near):
            continue
        rivals = [at for at in _subjects(other) if at < near and at not in own]
        here = [at for at in rivals if other.clauses[at] == other.clauses[near]]
        someone = any(word.text.lower() in _PERSONS for word in other.words[:near])
        if not own:
            if here:
                return True
        elif not _possessive(said, place):
            last = max((at for at in own if at < near), default=None)
            if last is None:
                if _is_object(other, near, own[0]):
                    return True
                if (rivals or someone) and not _told_together(said, place, other, near, own[0]):
                    return True
            elif other.clauses[last] != other.clauses[near] and any(last < at for at in here):
                return True
    return (
        _swaps_pair(said, read)
        or any(
            _swaps_sides(said, other)
            or _swaps_compared(said, other)
            or _changes_places(said, other)
            or _mistakes_agent(said, other)
            for other in read
        )
        or _displaces(said, read, headings)
        or _is_of_another(said, read, headings)
    )


def _agent(read: Reading, place: int) -> int | None:
    """Where the *by* stands that says who did what the word at a place is about."""
    for near in range(place + 1, min(len(read.words), place + 12)):
        if read.words[near].text.lower() == "by":
            return near
    return None


def _is_object(read: Reading, noun: int, name: int) -> bool:
    """Whether a name is what is done to: ``the invasion of Poland``."""
    return name == noun + 2 and read.words[noun + 1].text.lower() == "of"


def _told_together(said: Reading, place: int, other: Reading, verb: int, name: int) -> bool:
    """Whether the clause of a name has all that is said of it but the verb, and nothing else: the
    clause before lends the verb, as in ``Anna lost her seat and Otto his post``."""
    if other.clauses[name] == other.clauses[verb]:
        return False
    told = [at for at in said.content() if said.clauses[at] == said.clauses[place]]
    held = _clauses(other)[other.clauses[name]]
    return held <= set(said.folded) and sum(said.folded[at] not in held for at in told) <= 1


def _swaps_pair(said: Reading, read: Sequence[Reading]) -> bool:
    """Whether two names of one clause stand the other way round in every point with both."""
    names = [place for place, word in enumerate(said.words) if is_person(word.text)]
    for place in names:
        for later in names[names.index(place) + 1 :]:
            if said.clauses[later] != said.clauses[place] or _governed(said, place):
                continue
            if _governed(said, later, _PLACING):
                continue
            orders = {
                order
                for one in read
                if (order := _order(one, said.folded[place], said.folded[later])) is not None
                and bool(_PASSIVE.search(one.text)) == bool(_PASSIVE.search(said.text))
            }
            if orders == {False}:
                return True
    return False


def _swaps_sides(said: Reading, other: Reading) -> bool:
    """Whether what stands before and after a word that both have has changed places."""
    places = said.content()
    for verb in places:
        if other.folded.count(said.folded[verb]) != 1:
            continue
        near = other.folded.index(said.folded[verb])
        if _passive(said, verb) != _passive(other, near):
            continue
        beside = [
            place
            for place in places
            if said.clauses[place] == said.clauses[verb] and not _governed(said, place)
        ]
        before = {said.folded[place] for place in beside if place < verb}
        after = {said.folded[place] for place in beside if place > verb}
        around = [
            place
            for place in other.content()
            if place != near and other.clauses[place] == other.clauses[near]
        ]
        held = [other.folded[place] for place in around]
        there = {other.folded[place] for place in around if place < near}
        here = {other.folded[place] for place in around if place > near}
        swapped = [form for form in held if held.count(form) == 1]
        left = any(form in before - after and form in here - there for form in swapped)
        right = any(form in after - before and form in there - here for form in swapped)
        kept = any(
            (form in before and form in there) or (form in after and form in here)
            for form in swapped
        )
        if left and right and not kept:
            return True
    return False


def _order(read: Reading, first: str, second: str) -> bool | None:
    """Whether the first of two words stands before the other; None where that is not clear."""
    ones = [place for place, form in enumerate(read.folded) if form == first]
    others = [place for place, form in enumerate(read.folded) if form == second]
    if not ones or not others or first == second:
        return None
    if max(ones) < min(others):
        return True
    return False if max(others) < min(ones) else None


def _subjects(read: Reading) -> list[int]:
    """The places of names that may be who does something.

    Before such a name stands nothing of its clause, another name, or a word such as *that*.
    """
    return [
        place
        for place, word in enumerate(read.words)
        if is_person(word.text) and (place == 0 or _opens(read, place))
    ]


def _opens(read: Reading, place: int) -> bool:
    before = read.words[place - 1].text
    if read.clauses[place - 1] != read.clauses[place] or before[0].isupper():
        return True
    return is_stopword(before) and before.lower() not in _PREPOSITIONS


def _possessive(read: Reading, place: int) -> bool:
    return read.words[place].text.lower().replace("’", "'").endswith(("'s", "s'"))


def _predicate(read: Reading, place: int) -> int | None:
    """The first word after a name that may be its verb, or what the name owns."""
    reach = 2 if _possessive(read, place) else 5
    for near in range(place + 1, min(len(read.words), place + reach)):
        word = read.words[near].text
        if word in ("and", "but", "while", "whereas"):
            return None
        if word in ARTICLES and read.words[near - 1].text.lower() in BE:
            # *Was the first camp*: what it is, not what it does.
            return None
        following = read.words[near + 1].text if near + 1 < len(read.words) else ""
        # *von*, *van*, *de*: part of the name.
        particle = len(word) <= 3 and following[:1].isupper()
        if near not in {negator.place for negator in read.negators if negator.bare} and not (
            is_stopword(word) or not word[0].islower() or particle
        ):
            return near
    return None


def _passive(read: Reading, place: int) -> bool:
    before = [word.text.lower() for word in read.words[max(0, place - 2) : place]]
    after = [word.text.lower() for word in read.words[place + 1 : place + 7]]
    return "by" in after or ("the" not in before and any(word in BE for word in before))


# ----------------------------------------------------------------------- who stands before a verb


def _changes_places(said: Reading, other: Reading) -> bool:
    """Whether what stands before and after a word has changed places: *A beat B*, *B beat A*."""
    places, there = said.content(), other.content()
    for verb in places:
        near = _only(other, there, said.folded[verb])
        if near is None or said.words[verb].text[0].isdigit():
            continue
        if _passive(said, verb) != _passive(other, near):
            continue
        pairs = [
            (place, found)
            for place in places
            if place != verb
            and said.clauses[place] == said.clauses[verb]
            and not said.words[place].text[0].isdigit()
            and (found := _only(other, there, said.folded[place])) is not None
            and other.clauses[found] == other.clauses[near]
        ]
        first = _subject(said, said.clauses[verb])[:2]
        moved = any(place in first and place < verb and found > near for place, found in pairs)
        if moved and any(
            place > verb and found < near and not _governed(other, found) for place, found in pairs
        ):
            return True
    return False


def _swaps_compared(said: Reading, other: Reading) -> bool:
    """Whether what a comparison puts first stands after *than* in another of the same kind."""
    found = []
    for read in (said, other):
        than = [place for place, word in enumerate(read.words) if word.text.lower() == "than"]
        if len(than) != 1 or than[0] == 0:
            return False
        told = read.content()
        found.append(
            (
                _COMPARED & {word.text.lower() for word in read.words[: than[0]]}
                or {read.folded[than[0] - 1]},
                {read.folded[at] for at in told if at < than[0]},
                {read.folded[at] for at in told if at > than[0]},
            )
        )
    (how, before, after), (how_there, earlier, later) = found
    if how.isdisjoint(how_there):
        return False
    return not before.isdisjoint(later - earlier) and after.isdisjoint(later - earlier)


def _only(read: Reading, places: Sequence[int], form: str) -> int | None:
    found = [place for place in places if read.folded[place] == form]
    return found[0] if len(found) == 1 else None


def _stands_free(read: Reading, place: int) -> bool:
    """Whether a word may be who does something or whom it is done to: no number, and no
    preposition governs it."""
    return not (read.words[place].text[0].isdigit() or _governed(read, place))


def _governed(read: Reading, place: int, by: frozenset[str] = _PREPOSITIONS) -> bool:
    """Whether a preposition governs a word: ``of the whole army``, not ``at noon soldiers``."""
    between = 0
    for near in range(place - 1, -1, -1):
        word = read.words[near].text
        if read.clauses[near] != read.clauses[place]:
            return False
        if word.lower() in by:
            return True
        if is_stopword(word):
            if word.lower() not in _DETERMINERS:
                return False
        elif not (word[0].isupper() and read.words[near + 1].text[0].isupper()):
            between += 1
            if between > 1:
                return False
    return False


def _mistakes_agent(said: Reading, other: Reading) -> bool:
    """Whether who did it, after *by*, is another, or has become whom it was done to."""
    for place in said.content():
        for near in other.content():
            if said.folded[place] != other.folded[near] or not _DONE.search(other.words[near].text):
                continue
            mine, theirs = _agents(said, place), _agents(other, near)
            if not theirs or any(form[0].isdigit() for form in theirs):
                continue
            beside = [
                at
                for at in said.content()
                if said.clauses[at] == said.clauses[place] and at != place
            ]
            before = {said.folded[at] for at in beside if at < place}
            after = {said.folded[at] for at in beside if at > place}
            if mine:
                if not mine & theirs and before & theirs:
                    return True
            elif theirs & after and not theirs & before and not _passive(said, place):
                return True
    return False


def _agents(read: Reading, place: int) -> set[str]:
    """The words of the name or noun after the *by* that follows a word."""
    by = _agent(read, place)
    if by is None or read.clauses[by] != read.clauses[place]:
        return set()
    found: list[int] = []
    for near in read.content():
        if near > by and read.clauses[near] == read.clauses[by]:
            if found and near != found[-1] + 1:
                break
            found.append(near)
    return {read.folded[near] for near in found[:3]}


def _displaces(said: Reading, read: Sequence[Reading], headings: Sequence[Sequence[str]]) -> bool:
    """Whether a sentence says of one thing what a clause of a point says of another, although
    the point, or the heading above it, speaks of the first too."""
    above = {fold(word.text) for path in headings for text in path for word in words(text)}
    for clause in sorted(set(said.clauses)):
        subject = _subject(said, clause)
        for place in subject[:2]:
            form = said.folded[place]
            known = any(form in other.folded for other in read)
            lent = is_named(said.words[place].text) and form in above
            told = [
                at
                for at in said.content()
                if said.clauses[at] == clause
                and at > place
                and said.folded[at] != form
                and not (at in subject and said.words[at].text[0].isupper())
            ]
            if (known or lent) and _says_of_another(said, place, told, read):
                return True
    return False


def _says_of_another(
    said: Reading, place: int, told: Sequence[int], read: Sequence[Reading]
) -> bool:
    """Whether what is told of a word is told of another one, and nowhere of itself."""
    form = said.folded[place]
    wanted = {said.folded[at] for at in told}
    verbs = {said.folded[at] for at in told if not said.words[at].text[0].isupper()}
    subject = _subject(said, said.clauses[place])
    news = {said.folded[at] for at in told if at not in subject} or wanted
    if any(form in held and held & news for other in read for held in _clauses(other)):
        return False
    own = {
        said.folded[at] for at in said.content() if said.clauses[at] == said.clauses[place]
    } | _OTHERS
    for other in read:
        for number, held in enumerate(_clauses(other)):
            rival = _subject(other, number)[:2]
            alike = len(held & wanted) >= _SAID_ALIKE * len(wanted) and not held.isdisjoint(verbs)
            if (
                alike
                and form not in held
                and rival
                and other.folded[rival[0]] not in wanted
                and not _voices_differ(said, told, other, number)
                and any(
                    other.folded[near] not in own
                    and is_named(other.words[near].text) == is_named(said.words[place].text)
                    for near in rival
                )
            ):
                return True
    return False


def _voices_differ(said: Reading, places: Sequence[int], other: Reading, clause: int) -> bool:
    """Whether one clause is in the passive voice and the other is not."""
    return any(
        _passive(said, place) != _passive(other, near)
        for place in places
        for near in other.content()
        if other.clauses[near] == clause and other.folded[near] == said.folded[place]
    )


def _clauses(read: Reading) -> list[set[str]]:
    """The words of meaning in each clause."""
    found: list[set[str]] = [set() for _ in range(max(read.clauses, default=-1) + 1)]
    for place in read.content():
        found[read.clauses[place]].add(read.folded[place])
    return found


def _subject(read: Reading, clause: int) -> list[int]:
    """The places of the first words of meaning in a clause that stand side by side, prepositional
    phrases and dates passed over."""
    left = [
        place
        for place in read.content()
        if read.clauses[place] == clause
        and _stands_free(read, place)
        and month(read.words[place].text) is None
    ]
    return [place for step, place in enumerate(left) if place == left[0] + step]


def _is_of_another(
    said: Reading, read: Sequence[Reading], headings: Sequence[Sequence[str]]
) -> bool:
    """Whether someone is given what the points say of the person that their heading is about."""
    for place in _subjects(said):
        form = said.folded[place]
        if any(form in other.folded for other in read):
            continue
        if all(
            _is_about_another(form, path, other) or _names_another(other)
            for path, other in zip(headings, read, strict=True)
        ):
            return True
    return False


def _names_another(other: Reading) -> bool:
    """Whether a point begins with who it speaks of, so that it is nobody of its heading."""
    return any(is_person(other.words[place].text) for place in _subject(other, 0)[:1]) and not any(
        word.text.lower() in _PERSONS for word in other.words
    )


def _is_about_another(form: str, path: Sequence[str], other: Reading) -> bool:
    spoken_of = any(word.text.lower() in _ONE_PERSON for word in other.words)
    for heading in reversed(path):
        said = words(heading)
        if form in {fold(word.text) for word in said}:
            return False
        if not said or not is_person(said[0].text):
            continue
        alone = all(word.text[0].isupper() for word in said)
        owner = said[0].text.lower().replace("’", "'").endswith(("'s", "s'"))
        if alone or (owner and spoken_of):
            return True
    return False
