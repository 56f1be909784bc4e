"""Greetings, thanks, "what can you do?" and "what is in the notes?": recognised when they are all
a message says, and given a short human reply instead of an answer or a refusal.

A message is small talk when it can be read to its end as phrases of small talk, one after
another; anything left over is a question, and the notes are asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

SmallTalk = Literal[
    "contents", "help", "limits", "feeling", "thanks", "farewell", "greeting", "remark"
]

_YOU = r"(?:you|u|ya)"
_YOU_ARE = rf"(?:{_YOU}(?:'?re| are| r)?|ur)"
_THIS = r"(?:this|that|it|these|those)"
_THIS_IS = rf"(?:{_THIS}(?:'?s| is| was| are)?)"
_VERY = r"(?:(?:so|very|really|such|quite|super|the|an?|my|too) )*"
_GOOD = (
    r"(?:great|good|nice|cool|best|amazing|awesome|helpful|useful|perfect|brilliant|wonderful|"
    r"excellent|fantastic|clear|better|life ?saver|legend|star|genius|hero|clever|smart)"
)
_BAD = r"(?:useless|rubbish|stupid|bad|annoying|dumb|wrong)"
_EXAM = r"(?:exams?|tests?|mocks?|essays?|finals?|assessment|homework|revision|everything)"
_ASK_YOU = rf"(?:(?:can|could|will|would) {_YOU} )?(?:please |pls )?"
_WHEN = (
    r"(?: (?:today|tonight|tomorrow|tmrw|tmr|soon|later|now|next week|in the morning|on \w+day))?"
)

_SUBJECTS = r"(?:topics?|subjects?|chapters?|pages?|headings?|sections?|notes)"
_NOTES = r"(?:the|these|those|this|my|your|our)(?: class)? notes"

_PHRASES: Mapping[SmallTalk, tuple[str, ...]] = {
    "contents": (
        rf"what (?:do|can) {_YOU} (?:know|cover|answer)(?: about)?",
        rf"what (?:can|should|could|do) i ask(?: {_YOU}| about| here)*",
        rf"what(?:'?s| is| are) (?:in )?{_NOTES}(?: about| on)?",
        rf"what(?:'?s| is| are) (?:all )?(?:in )?(?:here|the {_SUBJECTS})(?: (?:in|of) {_NOTES})?",
        rf"what do {_NOTES} (?:cover|have|contain|include|deal with)",
        rf"(?:what|which) {_SUBJECTS} (?:do|are|can|does) "
        rf"(?:{_YOU}|there|i|we|{_NOTES}|covered|included)"
        rf"(?: (?:cover|know|have|contain|ask|about|in|here|there|{_YOU}|{_NOTES}))*",
        rf"{_ASK_YOU}(?:list|show|give|tell)(?: me)?(?: all)?(?: (?:the|your|my))? {_SUBJECTS}"
        rf"(?: (?:in|of|from) {_NOTES})?",
    ),
    "help": (
        rf"what (?:else )?(?:can|do|could) (?:{_YOU}|this|it|i) do(?: here| for me| with this)?",
        rf"what (?:can|should|could|do) i (?:type|do|write|say)(?: {_YOU}| about| here)*",
        r"what(?:'?s| is) (?:this(?: (?:site|page|app|thing|bot))?|your name)",
        rf"(?:who|what) (?:are|r) {_YOU}",
        rf"who (?:made|built|created|wrote|programmed) {_YOU}",
        rf"(?:are|r) {_YOU} (?:an? )?(?:real|human|bot|robot|ai|chatbot|chat ?gpt|person|teacher)"
        r"(?: (?:person|human|teacher|or|an?|not|bot|robot|ai|computer))*",
        rf"how (?:do|does|can|should) (?:i use )?(?:{_YOU}|this|it)(?: (?:thing|bot|chat|page))?"
        r"(?: work)?",
        rf"how (?:can|do) {_YOU} help(?: me)?",
        rf"(?:(?:can|could|will|would|do) {_YOU} )?(?:please )?help(?: me)?"
        r"(?: (?:to )?(?:revise|study|out)|"
        rf" with (?:(?:my|the|an?) )?(?:studying|{_EXAM}))?{_WHEN}",
        r"i need (?:some |your )?help",
        r"(?:tell me about|introduce) yourself",
    ),
    "limits": (
        rf"{_ASK_YOU}(?:quiz|test) me(?: on (?:{_THIS}|(?:my|the) notes|everything))?",
        rf"{_ASK_YOU}(?:make|write|give|create)(?: me| us)? "
        r"(?:(?:some|an?|my|the) )?(?:flash ?cards?|quiz(?:zes)?|mind ?maps?|essays?|homework|"
        r"notes|(?:practice |exam |test |quiz )?questions)",
        rf"(?:{_ASK_YOU}(?:say|put|explain|make|write|keep) )?(?:{_THIS} )?(?:again )?"
        r"(?:simpler|shorter|easier|more simply|briefly|simplify|rephrase|reword|eli5|"
        r"(?:in |a )(?:simpler?|short(?:er)?|easy|easier|other|different|fewer|plain|normal) "
        r"(?:words|english|terms|way|answer|version))(?: (?:it|that|this|please))*",
        r"i (?:don'?t|do not|dont|still don'?t) (?:get|understand|know)(?: (?:it|this|that|any of "
        r"(?:it|this)|anything|what (?:it|this|that) means))?",
        r"(?:idk|i don'?t know|no idea|not sure)(?: what (?:to|i should|i can) ask)?",
        r"what(?:'?s| is| will be|'?ll be) (?:in|on) (?:the|my|our|tomorrow'?s) "
        rf"(?:\w+ )?{_EXAM}{_WHEN}",
        rf"{_ASK_YOU}(?:summarise|summarize|explain|tell me) everything",
    ),
    "feeling": (
        r"i(?:'?m| am) (?:so |really |very |a bit |kinda |feeling )*(?:stressed|nervous|worried|"
        r"tired|bored|lost|scared|anxious|panicking|screwed|doomed|stuck|sad|dying|confused)"
        rf"(?: (?:out|about|for|with|of) (?:(?:my|the|this|tomorrow'?s) )?(?:\w+ )?{_EXAM})?"
        rf"{_WHEN}",
        rf"i(?:'?ve| have|'?ve got| got) (?:an?|my|the|this) (?:\w+ )?{_EXAM}{_WHEN}",
        rf"my (?:\w+ )?{_EXAM} is{_WHEN}",
        rf"{_THIS_IS} {_VERY}(?:hard|boring|difficult|confusing|{_BAD})",
        rf"{_YOU_ARE} {_VERY}{_BAD}|{_YOU} suck",
    ),
    "thanks": (
        rf"thanks?(?: {_YOU})?|thanx|thx|tnx|ty|tysm|cheers|ta|much appreciated",
        rf"(?:i )?(?:really )?appreciate (?:{_THIS}|{_YOU}|your help|the help)",
        r"so much|a lot|very much|a bunch|a million|loads|again|anyway|in advance",
        rf"for (?:the|your|ur|all the|all your|{_THIS}|everything|helping)"
        r"(?: (?:help|answers?|info|time|me|quick|notes|great|explanation|out))*",
        rf"{_THIS} (?:really |has |has really )?help(?:s|ed)(?: me)?",
        rf"(?:{_YOU_ARE}|{_THIS_IS}) {_VERY}{_GOOD}|i (?:love|like) (?:{_YOU}|{_THIS})",
        r"(?:good|great|nice) (?:bot|job|work|one|answer)|well done",
        r"cool|great|nice|perfect|awesome|wonderful|brilliant|excellent|amazing|sweet|legend|wow",
        r"got it|(?:that )?makes sense|i see|understood|i understand",
    ),
    "farewell": (
        r"(?:good ?)?bye+(?: bye+)?|(?:good ?)?night(?: night)?|gn|cya|ttyl|take care|farewell",
        rf"see {_YOU}(?: (?:later|soon|tomorrow|around))?",
        rf"(?:talk|speak) (?:to {_YOU} )?(?:later|soon)",
        r"have a (?:nice|good|great|lovely) (?:day|evening|night|one|weekend)",
        rf"wish me luck(?: (?:for|with|in) (?:(?:my|the) )?(?:\w+ )?{_EXAM})?{_WHEN}",
        r"(?:i )?(?:gotta|got to|have to|need to) go(?: now)?(?: to bed)?|gtg|g2g",
        r"i(?:'?m| am) (?:off|done|going)(?: (?:to )?bed| for today)?|that(?:'?s| is) all",
    ),
    "greeting": (
        r"hi+|hey+|hello+|helo|yo+|hiya|howdy|sup|greetings|heya|wassup|nice to meet (?:you|u)",
        r"good (?:morning|afternoon|evening|day)|morning|evening",
        rf"how (?:are|r) (?:{_YOU}|things|we)(?: doing| going| feeling)?|how(?:'?s| is) it going",
        rf"what(?:'?s| is) up|{_YOU} (?:ok|okay|alright)|can {_YOU} hear me",
        rf"(?:are|r) {_YOU} (?:there|awake|online)|any(?:one|body) (?:there|here)",
    ),
    "remark": (
        r"ok(?:ay)?|k|alright|right|fine|sure|good|fair enough|yes|yeah|yep|no|nope|nah|oh|ah|"
        r"hmm+|never ?mind|nvm|sorry|my bad|no (?:worries|problem)|lo+l|lmao|(?:ha){2,}|please",
        r"test(?:ing)?(?: (?:1|123|one two three))?|interesting",
    ),
}
_FILLERS = (
    r"(?:there|all|again|everyone|everybody|bot|friend|mate|man|bro|buddy|dude|pal|guys|sir|miss|and|so|"
    r"now|well|then|today|just|but|omg|very helpful|x+|anyway)"
)
_ORDER: tuple[SmallTalk, ...] = (
    "contents",
    "help",
    "limits",
    "feeling",
    "thanks",
    "farewell",
    "greeting",
    "remark",
)
_KINDS = {kind: re.compile(rf"(?:{'|'.join(_PHRASES[kind])})(?!\S)") for kind in _ORDER}
_FILLER = re.compile(rf"{_FILLERS}(?!\S)")

_REPLIES: Mapping[SmallTalk, str] = {
    "greeting": "Hello! Ask me a question about your notes, and I'll show you what they say "
    "and where.",
    "thanks": "You're welcome. Good luck! Ask again whenever you like.",
    "farewell": "Goodbye, and good luck!",
    "contents": "This is what your notes are about. Ask me about any of it.",
    "help": "I answer questions from your class notes: I show the notes' own points, each with "
    "the heading it stands under, and I tell you when the notes don't cover something. "
    "Ask about a fact, the causes or results of something, or a whole topic.",
    "limits": "I show what your notes say, point by point and word for word: I can't reword or "
    "shorten it, test you, write for you, or know what the exam asks. Ask about a fact, the "
    "causes or results of something, or a whole topic, and open a citation to read on.",
    "feeling": "One small step at a time: pick a topic and ask me about it, and I'll show you "
    "what your notes say.",
    "remark": "Alright. Ask me about your notes whenever you like.",
}


def small_talk(text: str) -> SmallTalk | None:
    """What sort of small talk the whole message is, or None where it asks something."""
    message = re.sub(
        r"[^\w\s']|_", " ", text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    )
    found: set[SmallTalk] = set()
    left = " ".join(message.split())
    while left:
        kind, length = _first_phrase(left)
        if not length:
            return None
        if kind is not None:
            found.add(kind)
        left = left[length:].lstrip()
    return next((kind for kind in _ORDER if kind in found), None)


def _first_phrase(message: str) -> tuple[SmallTalk | None, int]:
    """The longest phrase of small talk that a message begins with, and its length; 0 for none."""
    best: tuple[SmallTalk | None, int] = (None, 0)
    for kind, pattern in _KINDS.items():
        match = pattern.match(message)
        if match and match.end() > best[1]:
            best = (kind, match.end())
    match = _FILLER.match(message)
    return (None, match.end()) if match and match.end() > best[1] else best


def reply(kind: SmallTalk) -> str:
    """The short human reply to small talk."""
    return _REPLIES[kind]
