"""What a question asks for, read off its wording: its kind, the answer's type, its facets.

The rules are about English questions, not about any subject; the headings that student
notes use for parts of a topic (aims, measures, results, …) are the only words of content
they know. This module knows nothing of the notes, of vectors or of scores.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from askhistory.lexicon import fold, is_stopword, words

QuestionKind = Literal[
    "fact", "explain", "list", "cause", "effect", "verdict", "comparison", "overview"
]
"""fact: one detail. explain: what or who something is. list: several points of one sort.
cause, effect: why, and with what result. verdict: how it is judged. comparison: two sides.
overview: whatever the notes say on a topic, or an essay."""

AnswerType = Literal["date", "number", "person", "place"]
"""What sort of detail a fact question wants to see in the point that answers it."""


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


_AS_WRITTEN = _listed("means importance effective achievement successful unsuccessful")
"""Words whose stems are those of others that say something else."""
_FACETS = {
    "aims": "aim goal objective purpose intention target motive ambition hope want intend achieve",
    "causes": "cause reason origin factor why background",
    "measures": "measure method step policy way feature action technique tactic means",
    "results": "result effect consequence outcome impact aftermath happen influence",
    "verdict": "success failure successful unsuccessful fail succeed evaluation assessment "
    "conclusion verdict effective ineffective judgement",
    "strengths": "strength advantage benefit merit achievement pro",
    "weaknesses": "weakness disadvantage problem drawback limitation mistake con flaw",
    "examples": "example instance case",
    "terms": "term condition provision clause",
    "opposition": "opposition resistance protest opponent",
    "significance": "significance importance legacy",
}
_FACET_OF = {word: facet for facet, listed in _FACETS.items() for word in listed.split()}
_FACET_OF_FOLDED: dict[str, str] = {}
for _word, _facet in _FACET_OF.items():
    if _word not in _AS_WRITTEN:
        _FACET_OF_FOLDED.setdefault(fold(_word), _facet)
FACETS = tuple(_FACETS)
"""The parts of a topic that student notes commonly give a heading of their own."""

_OPENING = re.compile(
    r"^(?:(?:so|ok|okay|hey|hi|hello|yo|um|well|and|but|also|now|basically|please|right|quick one|"
    r"quick question|moving on|anyway|(?:a )?(?:different|new|next) (?:thing|question|topic)|"
    r"question|changing (?:the )?(?:topic|subject)|next)\b[\s,:.!-]*)+",
    re.IGNORECASE,
)
_REQUEST = re.compile(
    r"^(?:(?:can|could|would|will) (?:you|u) (?:please )?(?:tell|explain|give|remind|show|help)"
    r"(?: me| us)?(?: with)?|(?:please )?(?:tell|give|remind|gimme) (?:me|us)?|"
    r"(?:do|does) (?:you|anyone) know|"
    r"i (?:need|want|have) to (?:know|understand|learn)|i don'?t (?:get|understand)|"
    r"any idea|what do (?:you|we|the notes) (?:know|say) (?:of|about))\b[\s,:]*",
    re.IGNORECASE,
)

_PATTERNS: tuple[tuple[QuestionKind, str], ...] = (
    (
        "comparison",
        r"\bcompar|\bcontrast|\bdiffer|\bsimilar|\bversus\b|\bvs\b|"
        r"\bboth\b.+\band\b|\beach\b.+\baffected\b|\bmore .+\bthan\b|\bbetween .+ and\b",
    ),
    (
        "overview",
        r"\bassess\b|\bto what extent\b|\bhow far\b|\bdiscuss\b|\bevaluate\b|\bessay\b|"
        r"\bhow important\b|\bhow significant\b|\bdo you agree\b|\bsumm?ar|\boverview\b|"
        r"\bmain points\b|\bexplain (?:how|the ways|why)\b|\bexamine\b|\banalyse\b|\banalyze\b|"
        r"\ball about\b|\beverything\b|\brevise\b|\brevision\b",
    ),
    (
        "verdict",
        r"\bsuccess|\bfail|\beffective\b|\bworth it\b|\bwork out\b|\bgood or bad\b|\bgood for\b|"
        r"\bbad for\b|\bbetter or worse\b|\bachieve (?:its|his|their|the)\b|"
        r"\bdid (?:it|they) work\b",
    ),
    (
        "cause",
        r"\bwhy\b|\breasons?\b|\bcauses?d?\b|\bhow come\b|\bled to\b|\bfactors?\b|\borigins?\b",
    ),
    (
        "effect",
        r"\beffects?\b|\bresults?\b|\bconsequences?\b|\bimpacts?\b|\boutcomes?\b|\baffect|"
        r"\bwhat happened\b|\bwhat became\b|\blead to\b|\binfluence of\b|\baftermath\b|"
        r"\bwhat difference\b|\bend up\b",
    ),
)
_THING = r"(?:(?:the|his|her|their|its) )?[\w'’-]+(?: [\w'’-]+){0,2}?"
_OTHER = r"(?:(?:in|under) )?(?:the )?[\w'’-]+(?: [\w'’-]+){0,2}"
_TWO_SIDES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b(?P<one>(?:in|under) {_THING}) (?:and|versus|vs\.?) (?P<other>{_OTHER})",
        r"\b(?P<one>[\w'’-]+) and (?P<other>[\w'’-]+)(?= .*\bdifferent)",
        rf"\b(?:between|both|compare|contrast|comparing)\s+(?P<one>{_THING})\s+"
        r"(?:and|with|to|versus|vs\.?|against)\s+(?P<other>(?:the )?[\w'’-]+(?: [\w'’-]+){0,2})",
        rf"(?P<one>{_THING})\s+(?:versus|vs\.?)\s+(?P<other>(?:the )?[\w'’-]+(?: [\w'’-]+){{0,2}})",
        r"\b(?P<one>(?:the )?[\w'’-]+) and (?P<other>(?:the )?[\w'’-]+)(?= (?:both|each)\b)",
    )
)
_TWO_QUESTIONS = re.compile(
    r"(?P<one>(?:who|what|when|where|why|how|which)\b(?:\W+\w+){2,}?\W*)"
    r"(?:\?\s+(?:and\s+)?|,?\s+and\s+)"
    r"(?P<other>(?:who|what|when|where|why|how)\b(?:\W+\w+)+\W*)",
    re.IGNORECASE,
)
_FACT = re.compile(
    r"^(?:in |on |at |by |from |for |to |about |during )?(?:when|who|whom|whose|where|which)\b|"
    r"\bhow (?:many|much|long|old|big|far|often|tall|large|high)\b|"
    r"\bwhat (?:year|date|month|day|time|number|percent\w*|proportion|share|fraction|colou?r|"
    r"kind|sort|type|name|city|country|town|age|job|post|position|title|rank)\b|"
    r"^(?:was|were|is|are|did|does|do|had|has|could|can)\b|\bwhat was .* called\b",
)
_EXPLAIN = re.compile(
    r"^(?:what|who)(?: is| was| are| were|'s|s) (?:(?:a|an|the|this|that) )?[^?]{1,40}\??$|"
    r"\bwhat (?:does|do|did) .+ (?:mean|stand for)\b|\bmeaning\b|\bdefine\b|\bdefinition\b|"
    r"\bmeant by\b|^explain\b"
)
_LIST = re.compile(
    r"\blist\b|\bname (?:the|all|some|two|three|four|five|\d)|\bwhat (?:are|were)\b|"
    r"\bin what ways\b|"
    r"\bwhich (?:\w+ ){0,2}\w+s\b|"
    r"\bwhat (?:\w+ ){0,2}\w+s (?:did|do|were|was|had|have|are)\b|"
    r"\bhow (?:did|was|were|does|do)\b|\bways\b|\bwhat (?:did|was|were) .* do\b|"
    r"\bproblems?\b|\bgroups?\b"
)
_TYPES: tuple[tuple[AnswerType, str], ...] = (
    (
        "date",
        r"\bwhen\b|\b(?:what|which) (?:year|date|month|day|decade|century)s?\b|\bhow long ago\b|"
        r"\bwhat time\b|\bhow long\b",
    ),
    (
        "number",
        r"\bhow (?:many|much|old|big|tall|large|high|often|far|strong|deep|wide|fast|heavy|hot|"
        r"cold|close|small|powerful)\b|\bpercent|\bproportion\b|"
        r"\bnumber of\b|\bwhat (?:share|fraction|number|age|amount)\b|\bhow long\b",
    ),
    ("person", r"\bwho\b|\bwhom\b|\bwhose\b|\bwhich (?:person|man|woman|people|leader|politician)"),
    ("place", r"\bwhere\b|\b(?:what|which) (?:\w+ )?(?:place|city|town|country|region|part)\b"),
)

_ASKED_NOUN = re.compile(r"\b(?:which|what|how many|how much)((?: [a-z'-]+){1,4})")
_AUXILIARIES = _listed(
    "did do does was were is are am had has have can could would will should may might must of in "
    "on at to for from by with that who it he she they we i you the a an his her their"
)
_CHATTER = _listed("bro bruh btw idk lmao lmfao lol ngl omg pls plz please thanks thx tbh tho xd")
"""Says something to whoever is asked, and nothing of what is asked."""
_INSTRUCTIONS = _listed(
    "analyse analyze assess compare consider contrast define describe discuss essay evaluate "
    "examine explain extent give list mention name outline overview points summarise summarize "
    "summary tell"
)
_ADVERBS = _listed("first last ever actually then also finally else exactly just only")


@dataclass(frozen=True, slots=True)
class Question:
    """A standalone question as understood.

    Attributes:
        text: As searched.
        kind: What sort of answer it wants.
        wants: The sort of detail it wants to see, or None.
        facets: The parts of a topic it names, in the order of `FACETS`.
        head: The noun asked for (``which newspaper first printed …`` → ``newspaper``), or None.
    """

    text: str
    kind: QuestionKind
    wants: AnswerType | None
    facets: tuple[str, ...]
    head: str | None


def bare(text: str) -> str:
    """The question without what only opens it: ``ok so can you tell me when`` → ``when``."""
    previous = None
    while previous != text:
        previous = text
        text = _REQUEST.sub("", _OPENING.sub("", text.strip())).strip()
    return text or previous.strip()


def sides(text: str) -> tuple[str, ...]:
    """A question on two things as two questions, one on each; empty where it is on one.

    ``compare collectivization and industrialization`` gives ``compare collectivization`` and
    ``compare industrialization``.
    """
    for pattern in _TWO_SIDES:
        match = pattern.search(text)
        if match:
            before, after = text[: match.start()], text[match.end() :]
            return tuple(
                " ".join(f"{before} {match[side]} {after}".split()) for side in ("one", "other")
            )
    return ()


def questions_in(text: str) -> tuple[str, ...]:
    """The questions of a text that asks two; empty where it asks one.

    ``what was the truce and why did it fail`` asks ``what was the truce`` and ``why did it fail``.
    """
    found = _TWO_QUESTIONS.fullmatch(text.strip())
    if found is None:
        return ()
    said = [word.text for word in words(found["one"]) if not is_stopword(word.text)]
    # "What were the aims and what were the results of the plan" asks of the plan twice.
    names_a_topic = any(facet_of(word) is None for word in said)
    return (found["one"].strip(" ,"), found["other"]) if names_a_topic else ()


def is_instruction(word: str) -> bool:
    """Whether a word only says what to do with the topic (``assess``, ``compare``), or ``lol``."""
    return word.lower() in _INSTRUCTIONS or word.lower() in _CHATTER


def facet_of(word: str) -> str | None:
    """The part of a topic that a word names (``goals`` → ``aims``), or None."""
    return _FACET_OF.get(word.lower()) or _FACET_OF_FOLDED.get(fold(word))


def understand(text: str) -> Question:
    """Read kind, wanted detail and facets off a standalone question."""
    asked = re.sub(r"\s+", " ", bare(text).lower().replace("’", "'"))
    facets = {facet_of(word.text) for word in words(asked)}
    return Question(
        text=text,
        kind=_kind(asked),
        wants=next((kind for kind, pattern in _TYPES if re.search(pattern, asked)), None),
        facets=tuple(facet for facet in FACETS if facet in facets),
        head=_head(asked),
    )


def _head(asked: str) -> str | None:
    match = _ASKED_NOUN.search(asked)
    if not match:
        return None
    noun = None
    for word in match.group(1).split():
        if word in _AUXILIARIES or word.endswith("ed"):
            break
        if word not in _ADVERBS:
            noun = word
    return noun


def _kind(asked: str) -> QuestionKind:
    for kind, pattern in _PATTERNS:
        if re.search(pattern, asked):
            return kind
    if _EXPLAIN.search(asked) and not re.match(r"what (?:are|were) the \w+s\b", asked):
        return "explain"
    if _FACT.search(asked):
        return "fact"
    if _LIST.search(asked):
        return "list"
    if len(words(asked)) <= 3 or not re.search(r"\b(?:what|how|who|when|where|which)\b", asked):
        return "overview"
    return "fact"
