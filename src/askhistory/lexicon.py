"""Words: what counts as the same word, how much a word says, what a misspelt one meant.

A `Lexicon` is learnt from the notes alone: their vocabulary, how rare each word is in
them, and the abbreviations they use. General English comes from wordfreq (how common a
word is) and simplemma (whether a word exists), so that a rare but right word is told
from a misspelt one.

This module knows nothing of vectors or rankings. It is the only home of rapidfuzz,
simplemma, wordfreq, Double Metaphone and the Snowball stemmer.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import simplemma
import Stemmer
import wordfreq
from doublemetaphone import doublemetaphone
from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler, Levenshtein
from wordfreq import iter_wordlist, zipf_frequency

_REMEMBERED = 16_384
"""Words of which what was found out is kept. Far more than notes have; whoever types nonsense for
hours fills it, and then memory grows no further."""
wordfreq.CACHE_SIZE = _REMEMBERED
_LEMMATIZER = simplemma.Lemmatizer(cache_max_size=_REMEMBERED)

WORD = re.compile(
    r"\d+(?:st|nd|rd|th|s)\b|\d+(?:[.,]\d+)*%?|[^\W\d_]+(?:['’][^\W\d_]+)*", re.UNICODE
)
"""A number with its ordinal or decade ending, or letters with inner apostrophes;
a hyphen, a slash or a change from digit to letter parts words."""

_GRAMMAR = """
    a about above after again against all also am an and any are aren't as at be because been
    before being below between both but by can can't cannot could couldn't did didn't do does
    doesn't doing don't down during each few for from further had hadn't has hasn't have haven't
    having he her here hers herself him himself his how i if in into is isn't it its itself just
    let let's me more most my myself no nor not of off on once only or other ought our ours out
    over own same shan't she should shouldn't so some such than that the their theirs them
    themselves then there these they this those through to too under until up upon us very was
    wasn't we were weren't what when where which while who whom whose why will with won't would
    wouldn't you your yours yourself
"""
STOPWORDS = frozenset(_GRAMMAR.split())
"""Words that carry grammar rather than meaning."""

NUMBER_WORDS = {
    word: str(number)
    for number, words in enumerate(
        (
            "zero",
            "one first",
            "two second",
            "three third",
            "four fourth",
            "five fifth",
            "six sixth",
            "seven seventh",
            "eight eighth",
            "nine ninth",
            "ten tenth",
        )
    )
    for word in words.split()
}

ARTICLES = frozenset({"a", "an", "the"})
BE = frozenset({"is", "are", "was", "were", "be", "been", "being"})
"""The forms of *to be*."""
ORDINALS = frozenset(
    form
    for word, number in NUMBER_WORDS.items()
    if word.endswith(("st", "nd", "rd", "th"))
    for form in (word, f"{number}{'th' if int(number) > 3 else word[-2:]}")
)
"""``first`` and ``1st`` to ``tenth`` and ``10th``."""

SHORTHAND = {
    "abt": "about",
    "adn": "and",
    "b4": "before",
    "bc": "because",
    "bcos": "because",
    "bcuz": "because",
    "bout": "about",
    "becos": "because",
    "cos": "because",
    "coz": "because",
    "cuz": "because",
    "govt": "government",
    "gov": "government",
    "hte": "the",
    "ppl": "people",
    "pls": "please",
    "plz": "please",
    "r": "are",
    "teh": "the",
    "tht": "that",
    "u": "you",
    "ur": "your",
    "uk": "britain",
    "ussr": "soviet union",
    "usa": "united states",
    "wat": "what",
    "wats": "what is",
    "whats": "what is",
    "whos": "who is",
    "whens": "when is",
    "wheres": "where is",
    "hows": "how is",
    "wen": "when",
    "wht": "what",
    "wot": "what",
    "woz": "was",
    "ww1": "first world war",
    "ww2": "second world war",
    "wwi": "first world war",
    "wwii": "second world war",
    "y": "why",
}
"""What students of any subject type for short, in full; and slips too short to be looked up."""

_DIGIT_FOR_WORD = re.compile(
    r"\b(do|did|done|due|go|went|happen|happened|lead|led|used|was|were) ([24]) "
    r"(?=(?:the|a|an|him|her|it|them|us|me|his|their|its|this|that|these|those)\b)",
    re.IGNORECASE,
)
_SOUNDS = {"2": "to", "4": "for"}
_WORLD_WAR = re.compile(r"\bworld war (one|two|ii|i|1|2)\b", re.IGNORECASE)
_WORLD_WARS = {
    **dict.fromkeys(("one", "i", "1"), "first world war"),
    **dict.fromkeys(("two", "ii", "2"), "second world war"),
}

_YEARS = re.compile(
    r"\b(?P<first>1\d{3}|20\d\d)(?:(?P<decade>'?s)|\s*[-–]\s*(?P<last>(?:1\d|20)?\d\d))?\b"
)

_STEMMER = Stemmer.Stemmer("english")
_KNOWN_ZIPF = 3.0
"""A word as common as this in English (Zipf scale: log10 per billion words) exists."""

_OF_THE_NOTES = 2.5
"""How much likelier a word of the notes is than its frequency in English says (Zipf scale)."""
_LEAST_ZIPF = 1.0
"""A name that English has hardly ever seen is as likely as this."""
_GAIN_NEEDED = {1: 1.8, 2: 2.5, 3: 3.5}
"""By distance, how much likelier the meant word must be than the typed one (Zipf scale)."""
_SHORTEST_HEARD = 3
"""Letters of a word that is known by its sound."""
_LEAST_CLOSE = 0.75
"""Of a word to one that sounds the same (Jaro-Winkler), for a code leaves out the vowels."""
_CLOSE = 0.85
"""The same of a word that is no name."""
_TELLING = 4
"""Letters of its code: fewer are those of many words."""
_LONG = 8
"""A shorter word is no slip of two letters for a common word: a name that the notes do not hold is
nearly always as near as that to some word."""
_ATTESTED = 2.0
"""A word as common as this is no slip of two letters: it is a name that the notes do not hold."""
_COMMON_ZIPF = 4.4
"""A word as common as this is not taken for another, whatever stands beside it."""
_RARE_NAME = 3.5
"""A name less common than this (Zipf scale) is seldom that of two people whom one learns about."""
_SELDOM = 5
"""Texts that hold a name without its first name, up to which the notes may leave that out; whom
they are about they name in full somewhere."""
_ROMAN = re.compile(r"[ivxlcdm]+")
_SILENT = ("gn", "kn", "ps", "wr")
"""Beginnings whose first letter is not heard."""
_SAME_SOUND = ("ckqs", "fp", "jgy", "ie", "sz", "vw", "hw", "cs", "kg")
"""First letters that are taken for one another; any other first letter is hardly ever mistyped."""

_BRITISH_SPELLINGS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"(?<=[a-z]{3})is(e|ed|es|er|ers|ing|ation|ations)$", r"iz\1"),
        (r"ys(e|ed|es|ing)$", r"yz\1"),
        (r"(?<=[a-z]{2})our(s|ed|ing|er|ers|ite|ites|able|ful|less|hood|al)?$", r"or\1"),
        (r"(?<=[a-z]{2}[bt])re(s)?$", r"er\1"),
        (r"(?<=[a-z]{2}[bt])red$", "ered"),
        (r"(?:(?<=^def)|(?<=^off)|(?<=^lic)|(?<=^pret))enc(?=e)", "ens"),
        (r"ogue(s)?$", r"og\1"),
        (r"(?<!p)(?:ae|oe)(?=[a-z]{3})", "e"),
    )
)
"""British forms made American. Wrong for some words, but wrong alike on both sides."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text and where it stands (character offsets, end exclusive)."""

    text: str
    start: int
    end: int


def words(text: str) -> list[Word]:
    """The words of a text in order, with their places."""
    return [Word(m.group(), m.start(), m.end()) for m in WORD.finditer(text)]


_TRANSLITERATED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
"""How these are written where there is no key for them."""
_UNDECOMPOSED = str.maketrans(
    {"’": "'", "ł": "l", "ø": "o", "đ": "d", "ı": "i", "ß": "ss", "æ": "ae", "œ": "oe"}
)
"""Letters whose stroke is no combining mark in Unicode."""


def plain(word: str) -> str:
    """A word without case, accents and typographic apostrophes: ``Dubček’s`` → ``dubcek's``."""
    if word.isascii():
        return word.lower()
    decomposed = unicodedata.normalize("NFKD", word.lower().translate(_UNDECOMPOSED))
    return "".join(char for char in decomposed if not unicodedata.combining(char))


@lru_cache(maxsize=_REMEMBERED)
def fold(word: str) -> str:
    """The form in which two words count as the same.

    Case, accents, possessives, British spelling, inflection (simplemma's dictionary for
    irregular forms, Snowball's English stemmer for the rest) and the way of writing a small
    number (``First``, ``1st``, ``one`` → ``1``) are levelled.
    """
    word = plain(word)
    if word in NUMBER_WORDS:
        return NUMBER_WORDS[word]
    if word[:1].isdigit():
        return re.sub(r"(?<=\d)(?:st|nd|rd|th)$|,", "", word)
    word = re.sub(r"'(?:s|d|ll|re|ve|m)?$", "", word)
    lemma = simplemma.lemmatize(word, "en").lower() if word.isalpha() else word
    if lemma[:4] != word[:4] or len(word) < 5:
        # An irregular form, which no stemmer knows: ``fought``, ``men``.
        word = lemma
    if len(word) > 4:
        for pattern, replacement in _BRITISH_SPELLINGS:
            word = pattern.sub(replacement, word)
    stem: str = _STEMMER.stemWord(word)
    # ``travelled`` and ``traveled``: British doubling outlives the stemmer.
    return stem[:-1] if stem.endswith("ll") else stem


@lru_cache(maxsize=65_536)
def root(word: str) -> str:
    """The folded dictionary form, which levels comparison too: ``larger`` → ``large``."""
    return fold(simplemma.lemmatize(word.lower(), "en"))


def is_stopword(word: str) -> bool:
    """Whether the word carries grammar rather than meaning."""
    return word.lower().replace("’", "'") in STOPWORDS


def terms(text: str) -> list[str]:
    """The folded words of a text that carry meaning: what BM25 indexes and searches."""
    return [fold(word.text) for word in words(text) if not is_stopword(word.text)]


def folded(text: str) -> frozenset[str]:
    """Every word of a text, folded."""
    return frozenset(fold(word.text) for word in words(text))


def ordinals(text: str) -> frozenset[str]:
    """The ordinals of a text, folded: ``the first and the 2nd`` → ``1`` and ``2``."""
    return frozenset(fold(word.text) for word in words(text) if word.text.lower() in ORDINALS)


def years(text: str) -> tuple[tuple[int, int], ...]:
    """The years of a text as spans, both ends included: ``1929``, ``1934-38`` and ``the 1930s``."""
    found = []
    for match in _YEARS.finditer(text):
        first = int(match["first"])
        last = match["last"]
        if match["decade"]:
            found.append((first, first + 9))
        elif last:
            found.append((first, max(first, int(f"{first}"[: 4 - len(last)] + last))))
        else:
            found.append((first, first))
    return tuple(found)


@lru_cache(maxsize=_REMEMBERED)
def rarity(word: str) -> float:
    """How little a word is used in English: 0 for the commonest, 1 for one never seen.

    Linear in the Zipf frequency (van Heuven et al. 2014), which runs from 0 to about 8.
    """
    return 1.0 - min(zipf_frequency(word, "en"), 8.0) / 8.0


@lru_cache(maxsize=_REMEMBERED)
def is_name(word: str) -> bool:
    """Whether the word looks like a name: English has it with a capital, or not at all."""
    word = re.sub(r"['’]s?$", "", word.lower())
    if not word.isalpha() or len(word) < 3:
        return False
    return not simplemma.is_known(word, "en") or _LEMMATIZER.lemmatize(word, "en")[0].isupper()


def base_form(word: str) -> str:
    """An English word as a dictionary lists it: *voted* → *vote*."""
    return str(_LEMMATIZER.lemmatize(word, "en"))


@lru_cache(maxsize=_REMEMBERED)
def is_english(word: str) -> bool:
    """Whether the word exists in English, by dictionary or by use."""
    word = word.lower().replace("’", "'")
    return bool(
        simplemma.is_known(word, "en")
        or zipf_frequency(re.sub(r"'s$|'$", "", word), "en") >= _KNOWN_ZIPF
    )


def sounds(word: str) -> frozenset[str]:
    """The one or two ways in which a word may be heard, as codes: Double Metaphone (Philips 2000).

    ``fushay`` and ``fouché`` have one in common, and so do ``rine`` and ``rhine``.
    """
    return frozenset(filter(None, doublemetaphone(plain(word))))


def _begin_alike(typed: str, found: str) -> bool:
    """Whether two words begin with the same letters, or with letters that sound alike."""
    one, other = typed[0], found[0]
    return (
        one == other
        or any(one in letters and other in letters for letters in _SAME_SOUND)
        or (typed[:2] == found[1::-1])
        or (found.startswith(_SILENT) and one == found[1])
    )


def _one_slip(typed: str, found: str) -> bool:
    """Whether a letter is missing, wrong or too many, or some stand in another order."""
    distance = DamerauLevenshtein.distance(typed, found, score_cutoff=2)
    return _begin_alike(typed, found) and (
        distance == 1 or (distance == 2 and sorted(typed) == sorted(found))
    )


def _sound_alike(typed: str, found: str) -> bool:
    """Whether two words sound the same and look much the same."""
    return (
        not sounds(typed).isdisjoint(sounds(found))
        and JaroWinkler.similarity(typed, found) >= _LEAST_CLOSE
    )


def _capitalised_phrases(text: str) -> Iterator[tuple[str, ...]]:
    """Runs of two to five words in which every word begins with a capital."""
    run: list[Word] = []
    for word in words(text):
        joined = run and text[run[-1].end : word.start] in {" ", "-", "–"}
        if run and not joined:
            yield from _runs(run)
            run = []
        if word.text[0].isupper():
            run.append(word)
        else:
            yield from _runs(run)
            run = []
    yield from _runs(run)


def _runs(run: Sequence[Word]) -> Iterator[tuple[str, ...]]:
    for start in range(len(run)):
        for end in range(start + 2, min(len(run), start + 5) + 1):
            yield tuple(word.text for word in run[start:end])


def _initials(phrase: Sequence[str]) -> set[str]:
    """``Five Year Plan`` → ``fyp`` and ``5yp``."""
    letters = "".join(word[0].lower() for word in phrase)
    digit = NUMBER_WORDS.get(phrase[0].lower())
    return {letters} | ({digit + letters[1:]} if digit else set())


_DEFINED = re.compile(r"\(\s*([A-Z][A-Za-z]{1,6})\s*\)")
_DEFINING = re.compile(r"\b([A-Z]{2,7})s?\s*\(\s*([^()]{4,60})\)")

_EQUATED = re.compile(
    r"\b([A-Z]{2,7})s?\s*(?:=|\bstands for\b|\bis short for\b)\s*([^=;,.()]{4,60})"
)
_HYPHENATED = re.compile(r"\b[A-Z][a-z]+(?:-[A-Z][a-z]+)+\b")
_SHORT_HYPHENATED = re.compile(r"\b[A-Z](?:-[A-Z])+\b")


def _learn_abbreviations(texts: Sequence[str]) -> dict[str, str]:
    """Abbreviation (lower case) → what it stands for, as the texts themselves have it.

    Four sources, the surest last: initials of a capitalised phrase that occurs at least
    twice, ``Long Form (LF)``, ``LF (Long Form)`` (Schwartz & Hearst 2003, simplified), and
    ``LF = Long Form``, as in a key to one's own notes.
    """
    phrases: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        phrases.update(
            (*phrase[:-1], _singular(phrase[-1])) for phrase in _capitalised_phrases(text)
        )
    learnt: dict[str, str] = {}
    for phrase, count in sorted(phrases.items(), key=lambda item: (item[1], item[0])):
        if count >= 2 and not any(is_stopword(word) for word in phrase):
            for short in _initials(phrase):
                if len(short) >= 3:
                    learnt[short] = " ".join(phrase)
    for text in texts:
        for match in _DEFINED.finditer(text):
            before = words(text[: match.start()])
            short = match.group(1)
            long = before[-len(short) :]
            if len(long) == len(short) and short.lower() in _initials([w.text for w in long]):
                learnt[short.lower()] = text[long[0].start : long[-1].end]
        for match in _DEFINING.finditer(text):
            inside = words(match.group(2))
            content = [w.text for w in inside if not is_stopword(w.text)]
            if content and match.group(1).lower() in _initials(content):
                learnt[match.group(1).lower()] = match.group(2).strip()
        for match in _EQUATED.finditer(text):
            said = [word for word in words(match.group(2)) if not is_stopword(word.text)]
            said = said[: len(match.group(1))]
            if said and match.group(1).lower() in _initials([word.text for word in said]):
                learnt[match.group(1).lower()] = match.group(2)[: said[-1].end].strip()
    return _learn_hyphenated(texts) | learnt


def _learn_hyphenated(texts: Sequence[str]) -> dict[str, str]:
    """``a-h`` → ``Austria-Hungary``, where the texts have one such name, in whatever form."""
    names = {match.group() for text in texts for match in _HYPHENATED.finditer(text)}
    found: dict[str, str] = {}
    for short in {match.group() for text in texts for match in _SHORT_HYPHENATED.finditer(text)}:
        long = [name for name in names if [part[0] for part in name.split("-")] == short.split("-")]
        # *Austro-Hungarian* names the same.
        if len({tuple(part[:3] for part in name.split("-")) for name in long}) == 1:
            found[short.lower()] = min(long, key=lambda name: (len(name), name))
    return found


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


@lru_cache(maxsize=_REMEMBERED)
def _bare(word: str) -> str:
    """A word as it is looked up: in lower case, without the ending of a possessive."""
    return re.sub(r"'s$|'$", "", plain(word))


def _script(letter: str) -> str:
    """A letter's script, by the first word of its name in Unicode; variants count as the letter."""
    return unicodedata.name(unicodedata.normalize("NFKD", letter)[0], "").partition(" ")[0]


class Lexicon:
    """The vocabulary of one corpus.

    Args:
        texts: The texts of the corpus' points and headings; each counts once towards
            how many texts hold a word.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        texts = list(texts)
        self._count = len(texts)
        self._document_frequency: Counter[str] = Counter()
        self._surface: Counter[str] = Counter()
        self._accented: dict[str, str] = {}
        self._transliterated: dict[str, str] = {}
        self._numbers_world_wars = any(map(_WORLD_WAR.search, texts))
        capital: set[str] = set()
        small: set[str] = set()
        self._before: defaultdict[str, set[str]] = defaultdict(set)
        self._after: defaultdict[str, set[str]] = defaultdict(set)
        for text in texts:
            found = words(text)
            self._document_frequency.update({fold(word.text) for word in found})
            surface = [plain(word.text) for word in found]
            for place, (word, bare) in enumerate(zip(found, surface, strict=True)):
                if not word.text[0].isupper():
                    small.add(bare)
                elif place:
                    capital.add(bare)
                if not word.text.isascii():
                    written = unicodedata.normalize("NFC", word.text.lower().replace("’", "'"))
                    self._accented.setdefault(bare, written)
                    name = written.removesuffix("'s")
                    without = _bare(name.translate(_TRANSLITERATED))
                    if without != _bare(name):
                        self._transliterated.setdefault(without, name)
            self._surface.update(surface)
            for one, other in pairwise(surface):
                if not is_stopword(one) and not is_stopword(other):
                    self._before[other].add(one)
                    self._after[one].add(other)
        letters = {letter for word in self._surface for letter in word if letter.isalpha()}
        self._scripts = {_script(letter) for letter in letters}
        self.abbreviations = _learn_abbreviations(texts)
        self._spellings = sorted(
            word for word in self._surface if len(word) >= 4 and word[0].isalpha()
        )
        self._proper = capital - small
        self._heard: defaultdict[str, list[str]] = defaultdict(list)
        for known in sorted(self._surface):
            if len(known) >= _SHORTEST_HEARD and known[0].isalpha() and not is_stopword(known):
                for sound in sounds(known):
                    self._heard[sound].append(known)

    def __contains__(self, word: str) -> bool:
        """Whether the notes use the word in any of its forms."""
        return fold(word) in self._document_frequency

    def idf(self, term: str) -> float:
        """Inverse document frequency of a folded word, as in BM25; from 0 to 1.

        1 is the value of a word that the notes do not use.
        """
        frequency = self._document_frequency.get(term, 0)
        highest = math.log(1 + (self._count + 0.5) / 0.5)
        return math.log(1 + (self._count - frequency + 0.5) / (frequency + 0.5)) / highest

    def weight(self, word: str) -> float:
        """How much a word of a question says, from 0 (nothing) to 1.

        In a few pages of notes nearly every word is rare; what is common in English says
        little even then. So the notes' own idf is tempered by the word's rarity in English.
        """
        if is_stopword(word):
            return 0.0
        return self.idf(fold(word)) * (0.35 + 0.65 * min(1.0, rarity(word.lower()) / 0.6))

    def expand(self, text: str) -> str:
        """The text with each abbreviation that the notes explain followed by what it stands for.

        Nothing is added where the text says it itself.
        """
        said = text.lower()
        pieces: list[str] = []
        position = 0
        for match in re.finditer(r"\b[A-Z](?:-[A-Z])+\b|\b[A-Z0-9][A-Z]{1,6}(?=s?\b)", text):
            long = self.abbreviations.get(match.group().lower())
            if long and long.lower() not in said:
                end = match.end() + (1 if text[match.end() : match.end() + 1] == "s" else 0)
                pieces += [text[position:end], f" ({long})"]
                position = end
                said += " " + long.lower()
        return "".join([*pieces, text[position:]])

    def long_form(self, word: str) -> str | None:
        """What an abbreviation, shorthand or misplaced plural of one stands for, or None."""
        word = plain(word)
        if word in self._surface and word not in SHORTHAND:
            return None
        return (
            self.abbreviations.get(word)
            or self.abbreviations.get(word.removesuffix("s"))
            or SHORTHAND.get(word)
        )

    def reads(self, text: str) -> bool:
        """Whether at least half of a text's letters are of a script that the notes use.

        What is written in another one cannot be matched with them, however much of it there is.
        """
        letters = [letter for letter in text if letter.isalpha()]
        known = sum(letter.isascii() or _script(letter) in self._scripts for letter in letters)
        return 2 * known >= len(letters)

    def other_number(self, word: str) -> str | None:
        """The form in which the notes have a word that English does not know but for its last s.

        ``versaille`` and ``kolkhozs`` are read as ``versailles`` and ``kolkhoz``; None where the
        notes have the word as typed, or in neither form.
        """
        typed = _bare(word)
        if typed in self._surface or is_english(typed) or len(typed) < 4:
            return None
        for form in (typed.removesuffix("s"), f"{typed}s"):
            if form in self._surface:
                return self._written(form)
        return None

    def spelt_out(self, text: str) -> str:
        """The text with digits as the words that they stand for, as in ``did 2 the kulaks``.

        ``world war 2`` too, unless the notes themselves write it so.
        """
        text = _DIGIT_FOR_WORD.sub(lambda found: f"{found[1]} {_SOUNDS[found[2]]} ", text)
        if self._numbers_world_wars:
            return text
        return _WORLD_WAR.sub(lambda found: _WORLD_WARS[found[1].lower()], text)

    def transliterated(self, word: str) -> str | None:
        """The form with its accents in which the notes have ``goering``: ``göring``.

        None where the notes have the word as typed, or not at all.
        """
        typed = _bare(word)
        return None if typed in self._surface else self._transliterated.get(typed)

    def joined(self, text: str) -> str:
        """The text with words run together that the notes write as one: ``hyper inflation``."""
        pieces: list[str] = []
        position = 0
        for one, other in pairwise(words(text)):
            parts = _bare(one.text), _bare(other.text)
            if (
                text[one.end : other.start] in {" ", "-"}
                and one.start >= position
                and len("".join(parts)) >= _LONG
                and not any(map(is_stopword, parts))
                and "".join(parts) in self._surface
                and parts[1] not in self._after.get(parts[0], ())
            ):
                pieces += [text[position : one.start], self._written("".join(parts))]
                position = other.end
        return "".join([*pieces, text[position:]])

    def without_first_names(self, text: str) -> str:
        """The text without first names that the notes leave out: ``who was Ernst Röhm``.

        A name that the notes do not hold, before a rare one that they hold now and then and never
        with another first name or its initial.
        """
        for one, other in reversed([*pairwise(words(text))]):
            if text[one.end : other.start] == " " and self._leaves_out(one.text, other.text):
                text = text[: one.start] + text[other.start :]
                return self.without_first_names(text)
        return text

    def _leaves_out(self, first: str, family: str) -> bool:
        """Whether a word may be the first name of one that the notes have without it."""
        before = self._before.get(_bare(family), ())
        return (
            is_name(first)
            and first not in self
            and is_name(family)
            and zipf_frequency(family, "en") < _RARE_NAME
            and 0 < self._document_frequency.get(fold(family), 0) <= _SELDOM
            and not any(
                is_name(name) or (len(name) == 1 and name != plain(first)[0]) for name in before
            )
        )

    def doubts(self, word: str) -> bool:
        """Whether a word may be misspelt: it is known neither to the notes nor to English."""
        typed = _bare(word)
        spelt = len(typed) >= 4 and typed.isalpha()
        return spelt and not (self._writes(typed) or is_english(typed))

    def correct(self, word: str) -> str | None:
        """The word that a misspelt word most likely meant, or None.

        None where the notes or English know the word, where nothing is near enough, or where
        the word, rare as it is, is too well attested to be a slip. A noisy channel: what is
        meant must be the likelier the further it is from what was typed (Damerau-Levenshtein
        distance), and a word of the notes is far likelier than any other.
        """
        typed = _bare(word)
        if not self.doubts(word):
            return None
        slips = 1 if len(typed) < 6 else 2 if len(typed) < 9 else 3
        fewer = 1 if len(typed) < _LONG else 2
        english = _frequent_english_of(len(typed) - fewer, len(typed) + fewer)
        likely = [
            *self._heard_as(typed),
            *self._likely(typed, self._spellings, slips, _OF_THE_NOTES),
            *self._likely(typed, english, fewer, 0.0),
        ]
        if not likely:
            return self._split(typed)
        return self._written(min(likely)[-1])

    def _heard_as(self, typed: str) -> Iterator[tuple[int, bool, float, str]]:
        """The words of the notes that sound as the one typed does, as if a slip away from it."""
        commonness = zipf_frequency(typed, "en")
        if commonness >= _ATTESTED:
            return
        heard = sounds(typed)
        for found in {word for sound in heard for word in self._heard.get(sound, ())}:
            likelihood = max(zipf_frequency(found, "en"), _LEAST_ZIPF) + _OF_THE_NOTES
            closeness = JaroWinkler.similarity(typed, found)
            if found in self._proper or is_name(found):
                enough = closeness >= _LEAST_CLOSE
            else:
                enough = closeness >= _CLOSE and max(map(len, heard & sounds(found))) >= _TELLING
            if enough and likelihood - commonness >= _GAIN_NEEDED[1]:
                yield 1, False, -closeness - 0.02 * likelihood, found

    def _likely(
        self, typed: str, vocabulary: Sequence[str], furthest: int, bonus: float
    ) -> Iterator[tuple[int, bool, float, str]]:
        """The words that may be meant, sorted by distance, those of the notes first."""
        commonness = zipf_frequency(typed, "en")
        most = 1 if bonus and commonness >= _ATTESTED else furthest
        # Letters that changed places are two edits to Levenshtein, which is far faster to count.
        candidates = process.extract(
            typed, vocabulary, scorer=Levenshtein.distance, score_cutoff=2 * most, limit=None
        )
        near = [vocabulary[place] for place in sorted(place for _, _, place in candidates)]
        for found, distance, _ in process.extract(
            typed, near, scorer=DamerauLevenshtein.distance, score_cutoff=most, limit=12
        ):
            if distance > 1 and len(typed) < _LONG and not is_name(found):
                continue
            likelihood = max(zipf_frequency(found, "en"), _LEAST_ZIPF) + bonus
            if likelihood - commonness >= _GAIN_NEEDED[int(distance)] and _begin_alike(
                typed, found
            ):
                closeness = JaroWinkler.similarity(typed, found) + 0.02 * likelihood
                yield int(distance), not bonus, -closeness, found

    def correct_beside(self, word: str, before: str, after: str) -> str | None:
        """The word that the notes have beside a word typed beside this one, or None.

        So ``grate leap forward`` is read as ``great leap forward`` although ``grate`` is a word.
        None where the notes use the word, where English uses it much, or where the letters
        differ by more than a slip.

        Args:
            word: As typed.
            before: The word before it, mended.
            after: The word after it, mended.
        """
        typed = _bare(word)
        if (
            len(typed) < 3
            or not typed.isalpha()
            or _ROMAN.fullmatch(typed)
            or self._writes(typed)
            or zipf_frequency(typed, "en") >= _COMMON_ZIPF
        ):
            return None
        beside = self._after.get(plain(before), set()) | self._before.get(plain(after), set())
        meant = [
            found
            for found in sorted(beside)
            if _one_slip(typed, found) or _sound_alike(typed, found)
        ]
        if not meant:
            return None
        return self._written(max(meant, key=lambda found: JaroWinkler.similarity(typed, found)))

    def _written(self, word: str) -> str:
        """A word without accents as the notes write it."""
        return self._accented.get(word, word)

    def _writes(self, word: str) -> bool:
        """Whether the notes have the word as it is written, a last s aside."""
        return any(form in self._surface for form in (word, word.removesuffix("s"), f"{word}s"))

    def _split(self, word: str) -> str | None:
        """``showtrials`` → ``show trials``: two words of the notes run together."""
        for cut in range(3, len(word) - 2):
            if word[:cut] in self._surface and word[cut:] in self._surface:
                return f"{word[:cut]} {word[cut:]}"
        return None


@lru_cache(maxsize=1)
def _frequent_english() -> list[str]:
    found: list[str] = []
    for word in iter_wordlist("en"):
        if zipf_frequency(word, "en") < _KNOWN_ZIPF:
            break
        if len(word) >= 4 and word.isalpha():
            found.append(word)
    return found


@lru_cache(maxsize=64)
def _frequent_english_of(shortest: int, longest: int) -> list[str]:
    """The frequent words of some lengths: no slip changes a length by more than one letter."""
    return [word for word in _frequent_english() if shortest <= len(word) <= longest]
