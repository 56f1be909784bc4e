"""A heading of the notes → questions in plain English that it should answer.

Templates, no language model. What kind of heading it is decides the template (*Aims* is part of
the topic above it, *Famine* a topic of its own, *From peace to war* a stretch of time). How the
notes themselves write decides the rest: whether a word is small or a capital in mid-sentence,
whether a topic takes *the*, whether it is told in the past or the present.

Whether a question is answered is not known here; `suggestions.py` asks it.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from askhistory.lexicon import Word, base_form, fold, is_english, is_stopword, words
from askhistory.question import facet_of
from askhistory.schema import Section
from askhistory.text import strip_emoji

LONGEST = 120
"""Characters; a longer question is no button to press."""

_LONGEST_ACRONYM = 6
"""Letters; a heading of more, all capitals, is shouted."""
_LONGEST_NAME = 5
"""Words; a name that the notes write with capitals is looked for up to this length."""


def _any_of(listed: str) -> str:
    return "|".join(re.escape(word) for word in listed.split())


def _set_of(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


def _folded(listed: str) -> frozenset[str]:
    return frozenset(fold(word) for word in listed.split())


_REMARK = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}")
_NUMBERING = re.compile(
    r"^(?:(?:topic|chapter|unit|part|lesson|week|section|module|lecture|paper|day)\s+"
    r"(?:\d+|[ivxlc]+)\b\s*[:.)–—-]*|\d{1,2}(?:\.\d{1,2})*[.)]|\d{1,2}(?:\.\d{1,2})+|"
    r"\(?(?:[a-z]|[ivx]{1,4})[.)])(?:\s+|$)",
    re.IGNORECASE,
)
_EDGES = " \t.:;,–—-*•·|/→>"
_YEARS = r"(?:c\. ?)?\d{3,4}s?(?:\s*(?:[-–—/]|to)\s*(?:\d{2,4}s?|present|today))?"
_LAST_YEARS = re.compile(rf",?\s+(?:of |in |from )?{_YEARS}$", re.IGNORECASE)
_ONLY_YEARS = re.compile(_YEARS, re.IGNORECASE)

_DETERMINERS = _any_of(
    "the a an this that these those my our his her its their all both many most some several few "
    "every each other"
)
_DETERMINED = re.compile(rf"(?:{_DETERMINERS})\b|\S+(?:['’]s|s['’])(?:\s|$)", re.IGNORECASE)
_POSSESSIVE = re.compile(r"[^\W\d_]+(?:['’]s|s['’])(?=\s)")
_AUXILIARIES = _any_of(
    "is are was were do does did has have had can could will would shall should may might must"
)
_ASKING = re.compile(
    rf"(?:what|who|whom|whose|when|where|why|which|how)\b.*\b(?:{_AUXILIARIES})\b|"
    rf"(?:to|in|for|by|on|with|from) (?:what|whom|which)\b|(?:{_AUXILIARIES})\s|"
    r"(?:what|who) [^\W\d_]+(?:ed|s)\b",
    re.IGNORECASE,
)
_WONDERING = re.compile(r"(?:what|who|when|where|why|which|how|whether)\b", re.IGNORECASE)
_WHILE = re.compile(
    r"(?:in|at|during|after|before|under|between|from|since|until|within|inside|outside|across)\b",
    re.IGNORECASE,
)
_ADRIFT = re.compile(
    rf"(?:{_any_of('for against by with to towards toward of about beyond into onto upon through')}"
    rf"|{_any_of('he she it they we you i there no not never only also however then thus and but')}"
    r"|or|so|because|although|if|as|than|[a-z]{3,}ally|finally|rapidly|eventually)\b",
    re.IGNORECASE,
)
_STATING = re.compile(
    rf"\s(?:{_AUXILIARIES}|became)\s|\s[^\W\d_]{{2,}}ed (?:{_DETERMINERS})\s", re.IGNORECASE
)
_SYMBOLS = re.compile(r"[<>=→←⇒+|{}\\\[\]]|[:;]\s|\s[-–—/]\s")
_DID = re.compile(
    rf"(?:(?:{_any_of('pretended tried failed refused wanted managed promised agreed decided')}|"
    rf"{_any_of('attempted claimed hoped planned struggled threatened continued started')}) to|"
    r"[^\W\d_]{2,}ed (?:a|an|the|his|her|its|their|himself|herself|themselves|all|many))\s",
    re.IGNORECASE,
)
"""A past tense without its subject: *Pretended to …*, *Used the …*; not *Increased wages*."""

_IRREGULAR = _set_of(
    "became began broke brought built came chose fell felt fought found gave got grew held kept "
    "knew led left lost made met paid ran rose saw sold spent spoke stood taught took thought went "
    "won wrote"
)
"""Past tenses that do not end in *-ed*."""

_PARTS = _folded(
    "role function structure characteristic type stage phase event change reform nature limit "
    "limitation date figure idea belief principle element timeline definition response reaction "
    "threat challenge solution supporter member leader argument duty power"
)
"""Parts of a topic that headings name, beside those that questions ask for (`facet_of`)."""
_NOT_PARTS = _folded("happen why mean means pro con fail succeed")
_LINKS = {
    fold(word): link
    for link, listed in {
        "for": "reason argument",
        "to": "background response reaction opposition resistance threat challenge solution limit",
        "against": "protest",
        "behind": "motive",
    }.items()
    for word in listed.split()
}
"""What stands between a part and its topic where that is not *of*."""
_JUDGED = {
    "success": "How successful {was} {topic}?",
    "failure": "How did {topic} fail?",
    "evaluation": "How successful {was} {topic}?",
    "assessment": "How successful {was} {topic}?",
    "effectiveness": "How effective {was} {topic}?",
    "conclusion": "What conclusion do the notes draw about {topic}?",
    "verdict": "What is the verdict on {topic}?",
    "judgement": "What is the verdict on {topic}?",
    "opposition": "What opposition {was} there to {topic}?",
    "resistance": "What resistance {was} there to {topic}?",
    "people": "Who {were} the key people in {topic}?",
    "why": "What {were} the reasons for {topic}?",
    "what": "What {was} {topic}?",
    "who": "Who {was} involved in {topic}?",
    "when": "When {was} {topic}?",
    "where": "Where did {topic} take place?",
    "how": "How did {topic} work?",
    "overview": "What do the notes say about {topic}?",
    "summary": "What do the notes say about {topic}?",
    "introduction": "What do the notes say about {topic}?",
}
"""Headings of one word that say what is asked of the topic above, and how that is asked."""
_SILENT = re.compile(
    r"(?:references?|sources?|bibliography|contents|table of contents|further reading|homework|"
    r"to ?do|notes?|misc(?:ellaneous)?|untitled|links?|image|images|other)",
    re.IGNORECASE,
)
_ADJECTIVES = _set_of(
    "economic political social cultural military religious ideological diplomatic environmental "
    "financial legal technological demographic agricultural industrial positive negative domestic "
    "foreign international internal external immediate intended unintended direct indirect short "
    "long medium term short-term long-term personal general"
)
_MODIFIERS = _ADJECTIVES | _set_of(
    "main key major chief important other further early later initial overall essential common "
    "original underlying most basic minor"
)
_CHANGES = re.compile(
    rf"(?:\S+ )?(?:{_any_of('rise fall increase decrease decline drop growth change shift')}|"
    r"improvement|reduction|boom|surge) in\s",
    re.IGNORECASE,
)
_EVENT = re.compile(
    rf"\b(?:{_any_of('war crisis revolution depression terror famine purges purge putsch siege')}|"
    rf"{_any_of('rebellion revolt strike strikes coup campaign genocide holocaust blockade')}|"
    rf"{_any_of('occupation crash uprising')})$",
    re.IGNORECASE,
)
_PROCESS = re.compile(r"[^\W\d_]{4,}(?:i[sz]ation|flation|ism)", re.IGNORECASE)


class Phrasing:
    """Makes questions from the headings of one set of notes, in its own way of writing.

    Args:
        sections: All sections, page by page, in the order of the notes.
    """

    def __init__(self, sections: Sequence[Section]) -> None:
        self._usage = _Usage(sections)
        self._same = Counter(
            plain(section.headings[-1]).casefold() for section in dict.fromkeys(sections)
        )
        self._past = _told_in_the_past(sections)

    def wordings(self, section: Section) -> tuple[str, ...]:
        """Questions that a section should answer, the most natural first; none for some.

        None is made from a heading that says nothing (*Sources*), has no letters, or would
        come out longer than `LONGEST`.
        """
        found = dict.fromkeys(_sentence(wording) for wording in self._wordings(section))
        return tuple(wording for wording in found if len(wording) <= LONGEST)

    def _wordings(self, section: Section) -> Iterator[str]:
        heading = plain(section.headings[-1])
        if not re.search(r"[^\W_]", heading) or _SILENT.fullmatch(heading):
            return
        past = self._past.get(section.page, True)
        tense = {"was": "was", "were": "were"} if past else {"was": "is", "were": "are"}
        above = section.headings[:-1]
        lone = heading.rstrip("?").strip().casefold()
        if lone in _JUDGED and above:
            topic = self._topic(section.page, above)
            if topic:
                yield _JUDGED[lone].format(topic=topic, **tense)
            return
        if heading.endswith("?"):
            yield heading
        elif _ASKING.match(heading):
            yield f"{heading}?"
        elif _ONLY_YEARS.fullmatch(heading):
            yield f"What happened in {heading}?"
        elif _WONDERING.match(heading):
            yield from _asked(self._running(section.page, heading))
            yield f"What do the notes say about {self._running(section.page, heading)}?"
        elif self._adjectives(heading):
            yield from self._sides(section, heading.lower(), tense)
        elif part := self._part(section.page, heading):
            yield from self._parts(section, part, tense)
        else:
            yield from self._topics(section, heading, tense)

    def _parts(
        self, section: Section, part: tuple[str, str, str], tense: Mapping[str, str]
    ) -> Iterator[str]:
        """*Aims* under *Collectivization* → *What were the aims of collectivization?*"""
        noun, link, rest = part
        verb = tense["were"] if _plural(noun) else tense["was"]
        article = "" if _DETERMINED.match(noun) else "the "
        if link in {"of", _link(noun)} or (_POSSESSIVE.match(noun) and not link):
            yield f"What {verb} {article}{noun}{f' {link} {rest}' if link else ''}?"
            return
        topic = self._topic(section.page, section.headings[:-1])
        tail = f" {link} {rest}" if link else ""
        of_topic = f" {_link(noun)} {topic}" if topic else ""
        yield f"What {verb} {article}{noun}{of_topic}{tail}?"

    def _sides(self, section: Section, adjective: str, tense: Mapping[str, str]) -> Iterator[str]:
        """*Economic* under *Effects* → *What were the economic effects of …?*"""
        above = section.headings[:-1]
        part = self._part(section.page, plain(above[-1])) if above else None
        if part:
            yield from self._parts(
                Section(section.page, above, "", 0, 0, ()),
                (f"{adjective} {part[0]}", part[1], part[2]),
                tense,
            )
        else:
            topic = self._topic(section.page, above)
            if topic:
                yield f"What do the notes say about the {adjective} side of {topic}?"

    def _topics(self, section: Section, heading: str, tense: Mapping[str, str]) -> Iterator[str]:
        """A heading that is a topic of its own, a stretch of time, or a statement."""
        running = self._running(section.page, heading)
        quoted = f"What do the notes say under “{heading}”?"
        if _DID.match(f"{heading} "):
            first, rest = running.split(" ", 1)
            doing = f"{_doing(first.lower())} {rest}"
            yield from self._cause(section, doing)
            yield f"What do the notes say about {doing}?"
        elif _WHILE.match(heading):
            onward = re.match(r"from\s+\D+\sto\s", heading, re.IGNORECASE)
            yield f"What happened {'on the way ' if onward else ''}{running}?"
            yield quoted
        elif _ADRIFT.match(heading) or _SYMBOLS.search(heading):
            yield quoted
        elif _STATING.search(heading):
            yield f"What do the notes say about how {running}?"
            yield quoted
        else:
            yield from self._noun_phrase(section, heading, tense)

    def _noun_phrase(
        self, section: Section, heading: str, tense: Mapping[str, str]
    ) -> Iterator[str]:
        repeated = self._same[heading.casefold()] > 1
        dateless = _LAST_YEARS.sub("", heading)
        if repeated or not re.search(r"[^\W\d_]", dateless):
            dateless = heading
        name = self._named(section.page, dateless)
        yield from self._cause(section, name)
        if repeated or (section.group and name == name.lower() and " " not in name):
            above = section.headings[:-1]
            for place in self._places(section.page, above, name):
                yield f"What do the notes say about {name} {place}?"
            topic = self._topic(section.page, above[1:] or above)
            if topic and name not in topic:
                yield f"What do the notes say about {name} in connection with {topic}?"
        if repeated and len(section.headings) > 1:
            return
        if (head := re.split(r" (?:of|in|for|at|on|to) ", name)[0]).startswith("the "):
            if _EVENT.search(head):
                yield f"What happened during {name}?"
            if head.split()[-1][0].isupper() and not _plural(head):
                yield f"What {tense['was']} {name}?"
        elif _PROCESS.fullmatch(name):
            yield f"What {tense['was']} {name}?"
        # Two ways of asking the same, so that a list of questions does not sound like a form.
        say = (f"What do the notes say about {name}?", f"What are the main points about {name}?")
        yield from say if zlib.crc32(name.encode()) % 2 else reversed(say)

    def _cause(self, section: Section, name: str) -> Iterator[str]:
        """What stands below *Reasons for …* is asked as a reason for it."""
        if len(section.headings) < 2:
            return
        above = section.headings[:-1]
        part = self._part(section.page, plain(above[-1]))
        if part and facet_of(part[0].split()[-1]) == "causes":
            effect = part[2] or self._topic(section.page, above[:-1])
            if effect:
                yield f"How did {name} contribute to {effect}?"

    def _places(self, page: str, above: Sequence[str], name: str) -> Iterator[str]:
        """What tells a topic from others of its name: *in Nazi Germany*."""
        for heading in reversed(above):
            place = re.search(
                r"\bin (?:the )?[A-Z]\S*(?: [A-Z]\S*)*$", self._running(page, plain(heading))
            )
            if place and place[0] not in name:
                yield place[0]
        if above:
            title = self._named(page, _LAST_YEARS.sub("", plain(above[0])))
            meaning = [word.text for word in words(title) if not is_stopword(word.text)]
            if meaning and all(word[0].isupper() for word in meaning):
                yield f"in {title}"

    def _topic(self, page: str, path: Sequence[str]) -> str | None:
        """The nearest heading of a path that is a topic, as it reads in a sentence."""
        for end in range(len(path), 0, -1):
            heading = plain(path[end - 1])
            statement = (
                heading.endswith("?")
                or heading.casefold() in _JUDGED
                or self._adjectives(heading)
                or any(kind.match(f"{heading} ") for kind in (_ASKING, _WONDERING, _WHILE, _ADRIFT))
                or _DID.match(f"{heading} ")
                or _STATING.search(heading)
                or not re.search(r"[^\W\d_]", heading)
            )
            if statement or _SILENT.fullmatch(heading):
                continue
            part = self._part(page, heading)
            if part is None:
                name = self._named(page, _LAST_YEARS.sub("", heading))
                where = self._places(page, path[: end - 1], name)
                place = next(where, "") if self._same[heading.casefold()] > 1 else ""
                return f"{name} {place}".strip()
            if part[2] and part[1] == _link(part[0]):
                return part[2]
        return None

    def _part(self, page: str, heading: str) -> tuple[str, str, str] | None:
        """*Main effects on farmers* → ("main effects", "on", "farmers"); None for a topic."""
        match = re.fullmatch(
            r"(.+?)(?:\s+(of|for|to|on|in|behind|among|against|between)\s+(.+))?",
            heading,
            re.IGNORECASE,
        )
        if not match:
            return None
        noun, link, rest = match.groups(default="")
        link = link.lower()
        said = [word.text for word in words(noun)]
        if not said:
            return None
        at_last = said[-1].casefold()
        if not _is_part(at_last):
            return None
        own = bool(_POSSESSIVE.match(noun))
        modest = all(
            word.casefold() in _MODIFIERS
            or word.casefold() in {"the", "and", "or"}
            or _is_part(word.casefold())
            for word in said[:-1]
        )
        if not (own or modest):
            return None
        running = self._running(page, noun) if own else noun.lower()
        if rest:
            rest = self._named(page, rest) if link == "of" else self._running(page, rest, False)
        return running, link, rest

    @staticmethod
    def _adjectives(heading: str) -> bool:
        said = [word for word in re.split(r"[\s,/-]+", heading.lower()) if word]
        return bool(said) and all(word in _ADJECTIVES or word in {"and", "&"} for word in said)

    def _running(self, page: str, text: str, begins: bool = True) -> str:
        return self._usage.running(page, text, begins)

    def _named(self, page: str, text: str) -> str:
        """A topic as it reads in a sentence, with *the* where the notes or grammar want it."""
        running = self._running(page, text)
        if _DETERMINED.match(running) or not running:
            return running
        takes = self._usage.takes_the(running)
        if takes is None:
            begins_with_name = running[0].isupper() and " and " in running
            takes = not begins_with_name and bool(
                re.match(r"(?:\S+ ){1,4}?of\s", running)
                or re.match(r"(?:\S+ )?(?!\S+ing )[^\s,]+ to\s", running)
                or _CHANGES.match(running)
            )
        return f"the {running}" if takes else running


class _Usage:
    """How the notes write words and names inside sentences."""

    def __init__(self, sections: Sequence[Section]) -> None:
        texts = [point.text for section in sections for point in section.points]
        headings: dict[str, list[str]] = defaultdict(list)
        for section in sections:
            headings[section.page].append(plain(section.headings[-1]))
        # Where headings are written like sentences, a capital inside one means a name.
        everywhere = _like_sentences([each for page in headings.values() for each in page])
        self._like_sentences = {
            page: _like_sentences(each, unknown=everywhere) for page, each in headings.items()
        }
        texts += [
            heading
            for page, each in headings.items()
            if self._like_sentences[page]
            for heading in each
            if not _like_title(words(heading))
        ]
        self._text = "\n".join(texts)
        self._small: Counter[str] = Counter()
        self._capital: Counter[str] = Counter()
        self._neighbours: defaultdict[str, set[str]] = defaultdict(set)
        for text in texts:
            self._count(text)
        self._written = lru_cache(maxsize=4096)(self._look_up)

    def running(self, page: str, text: str, begins: bool = True) -> str:
        """A heading, or a piece of one, as it reads in the middle of a sentence.

        Args:
            page: It stands on, which may write its headings like sentences or Like Titles.
            text: Of the heading.
            begins: Whether it is the heading's beginning, where a capital means nothing.
        """
        said = words(text)
        deliberate = self._like_sentences.get(page, False) and not _like_title(said)
        names = self._names(text, said)
        pieces: list[str] = []
        position = 0
        for place, word in enumerate(said):
            if deliberate and (place or not begins):
                read = word.text
            elif deliberate and _begins_with_name(text, said):
                read = names.get(place, word.text)
            else:
                read = names.get(place) or self._word(text, word)
            pieces += [text[position : word.start], read]
            position = word.end
        return "".join([*pieces, text[position:]])

    def takes_the(self, name: str) -> bool | None:
        """Whether the notes put *the* before a name; None where they do not use it."""
        the = bare = 0
        pattern = rf"(\bthe\s+)?(?<![\w-]){re.escape(name)}(?![\w-])"
        for found in re.finditer(pattern, self._text, re.IGNORECASE):
            if found[1]:
                the += 1
            elif found.start() and self._text[found.start() - 1] != "\n":
                bare += 1
        return the > bare if the + bare else None

    def _count(self, text: str) -> None:
        said = words(text)
        capital = [word.text[0].isupper() for word in said]
        for place, word in enumerate(said):
            if not word.text[0].isalpha() or _begins_sentence(text, word.start):
                continue
            if not capital[place]:
                self._small[fold(word.text)] += 1
            # In "Hitler Youth" the capital belongs to the name, and says nothing of "youth".
            elif beside := [
                said[n].text for n in (place - 1, place + 1) if 0 <= n < len(said) and capital[n]
            ]:
                self._neighbours[fold(word.text)].update(beside)
            else:
                self._capital[fold(word.text)] += 1

    def _names(self, text: str, said: Sequence[Word]) -> dict[int, str]:
        """The words that are part of a name the notes write with capitals, by place."""
        found: dict[int, str] = {}
        for start in range(len(said)):
            for end in range(min(len(said), start + _LONGEST_NAME), start + 1, -1):
                if start in found or is_stopword(said[end - 1].text):
                    continue
                written = self._written(text[said[start].start : said[end - 1].end])
                if written and written[0].isupper():
                    inside = enumerate(words(written), start)
                    found |= {place: word.text for place, word in inside}
        return found

    def _look_up(self, phrase: str) -> str | None:
        """A phrase of two words or more as the notes write it inside sentences."""
        forms = Counter(
            found[0]
            for found in re.finditer(
                rf"(?<![\w-]){re.escape(phrase)}(?![\w-])", self._text, re.IGNORECASE
            )
            if not _begins_sentence(self._text, found.start())
        )
        return forms.most_common(1)[0][0] if forms else None

    def _word(self, text: str, word: Word) -> str:
        """A single word, small unless the notes or its form make it a name."""
        small = word.text.lower()
        key = fold(word.text)
        small_uses, capital_uses = self._small[key], self._capital[key]
        if small_uses == 0 and word.text[1:] != small[1:]:
            return word.text  # NEP, McCarthy
        if word.text == text and word.text.isupper() and len(text) < 6:
            return word.text
        if small_uses > capital_uses or is_stopword(small) or _is_part(small):
            return small
        if small_uses + capital_uses == 0 and len(self._neighbours[key]) < 2:
            compound = re.match(r"-[a-z]", text[word.end :])
            owner = _POSSESSIVE.match(text) and word.start == 0
            if compound or small in _MODIFIERS or (is_english(small) and not owner):
                return small
        return word.text


def plain(heading: str) -> str:
    """A heading without emoji, remarks in brackets, numbering, shouting, stray punctuation."""
    text = strip_emoji(heading)
    while (shorter := _REMARK.sub(" ", text)) != text:
        text = shorter
    text = " ".join(text.replace("&", " and ").split()).strip(_EDGES)
    text = _NUMBERING.sub("", text).strip(_EDGES)
    if text.isupper() and len(text) > _LONGEST_ACRONYM:
        return " ".join(word.capitalize() for word in text.split())
    return text


def _begins_sentence(text: str, start: int) -> bool:
    before = text[:start].rstrip(" ") if start < 8 else text[start - 8 : start].rstrip(" ")
    return not before or not (before[-1].isalnum() or before[-1] in ",)'’-–/")


def _like_sentences(headings: Iterable[str], unknown: bool = False) -> bool:
    """Whether most headings of several words have small words of content after the first."""
    votes = [
        any(word.text[0].islower() for word in inner)
        for heading in headings
        if (inner := [w for w in words(heading)[1:] if _meaningful(w.text)])
    ]
    return 2 * sum(votes) >= len(votes) if votes else unknown


def _like_title(said: Sequence[Word]) -> bool:
    """Whether even words like *of* have capitals, so that a capital says nothing."""
    return any(word.text[0].isupper() and is_stopword(word.text) for word in said[1:])


def _begins_with_name(text: str, said: Sequence[Word]) -> bool:
    """Whether two or more words with capitals stand first, and by themselves: *Great Terror*."""
    if is_stopword(said[0].text):
        return False
    capital = [word for word in said if word.text[0].isupper()]
    run = next((n for n, word in enumerate(said) if word not in capital), len(said))
    if run < 2 or text[said[0].end] != " ":
        return False
    return run == len(said) or is_stopword(said[run].text)


def _meaningful(word: str) -> bool:
    return word[0].isalpha() and not is_stopword(word) and len(word) > 2


def _is_part(word: str) -> bool:
    key = fold(word)
    return key not in _NOT_PARTS and (key in _PARTS or facet_of(word) is not None)


def _link(noun: str) -> str:
    return _LINKS.get(fold(noun.split()[-1]), "of")


def _plural(noun: str) -> bool:
    last = noun.split()[-1].casefold()
    return " and " in noun or (last.endswith("s") and not last.endswith(("ss", "us", "is")))


def _doing(past: str) -> str:
    """A regular past tense → its gerund: *tried* → *trying*."""
    if past.endswith("ied"):
        return f"{past[:-3]}ying"
    return f"{past[:-1]}ing" if past.endswith("eed") else f"{past[:-2]}ing"


def _asked(wondering: str) -> Iterator[str]:
    """*Why people voted for them* → *Why did people vote for them?*, where the verb is plain."""
    asking, *rest = wondering.split()
    pasts = [n for n, word in enumerate(rest) if word.endswith("ed") or word in _IRREGULAR]
    if asking.lower() not in {"why", "how", "when", "where"} or len(pasts) != 1 or not pasts[0]:
        return
    place = pasts[0]
    if not re.fullmatch(_DETERMINERS, rest[place - 1], re.IGNORECASE):
        doing = [*rest[:place], base_form(rest[place]), *rest[place + 1 :]]
        yield f"{asking} did {' '.join(doing)}?"


def _told_in_the_past(sections: Sequence[Section]) -> dict[str, bool]:
    """By page, whether it tells of what was rather than of what is."""
    counts: Counter[str] = Counter()
    for section in sections:
        for point in section.points:
            said = Counter(word.text.lower() for word in words(point.text))
            counts[section.page] += sum(said[word] for word in ("was", "were", "had", "did"))
            counts[section.page] -= sum(said[word] for word in ("is", "are", "has", "does"))
    return {page: count >= 0 for page, count in counts.items()}


def _sentence(question: str) -> str:
    text = " ".join(question.split())
    return text[:1].upper() + text[1:]
