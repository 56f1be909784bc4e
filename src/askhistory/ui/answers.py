"""An answer as HTML for the conversation, from the answer's own fields.

Gradio's chat cleans what it shows but lets remote pictures and forms through, so nothing that is
not ours reaches it unescaped. The HTML holds no line break: a blank line would end the block and
hand the rest to the Markdown parser.

The page's script knows these addresses: ``#src-<page>-<point>.<point>`` opens the notes at those
points, ``#see-<page>-<section>`` at a heading, a button of class ``ask`` asks its own text, one of
class ``again`` its turn's question, and ``?q=…`` is copied as a link to the question. A turn says
by its classes which one it is and where it stands (``turn-<id>``, ``waiting`` or ``ended``): the
chat lets no other attribute through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import groupby
from urllib.parse import quote

from askhistory.schema import Answer, Citation, CitedPoint, Point, Sentence, Written
from askhistory.ui.emphasis import key_spans
from askhistory.ui.layout import row_spans, text_html
from askhistory.ui.reader import Notes, path_text
from askhistory.ui.turns import Turn
from askhistory.ui.words import Words

FEW_POINTS = 3
"""An answer of so many points states a fact, and the fact asked for is emphasised in it."""

LONG_ANSWER = 10
"""Longer answers show the first points of each group and fold the rest."""

LONG_LIST = 16
"""The same of an answer of one group: a list comes whole."""

FIRST_POINTS = 3

LONG_LINE = 140
"""Characters of what was searched that are shown before the rest is folded."""

_MARKUP = re.compile(r"([\\`*_\[\]<>&~|#])|(?<=http)(?=s?:)|(?<=www)(?=\.)")
_ESCAPED = re.compile(r"\\([\\`*_\[\]<>&~|#:.!-])")


def question_markdown(question: str) -> str:
    """Return a question so that the chat shows it as typed, whatever markup it holds."""
    return _MARKUP.sub(lambda match: "\\" + match[0], question)


def question_typed(markdown: str) -> str:
    """Undo `question_markdown`: the chat's editor hands back what it was given."""
    return _ESCAPED.sub(r"\1", markdown)


def turn_html(turn: Turn, notes: Notes | None, words: Words) -> str:
    """Return one turn's answer, as far as it is shown.

    Args:
        turn: The question and what came of it.
        notes: The notes, or None while they are being opened.
        words: What the page says.
    """
    stands = "waiting" if turn.state == "waiting" else "ended"
    return f'<div class="turn turn-{turn.id} {stands}">{_answer(turn, notes, words)}</div>'


def _answer(turn: Turn, notes: Notes | None, words: Words) -> str:
    if turn.answer is None or notes is None:
        if turn.state == "waiting":
            said = words["turn.reading" if notes else "turn.opening"]
            return f'<p class="waiting" role="status">{escape(said)}<span class="dots"></span></p>'
        early = words["turn.stopped_early" if turn.state == "stopped" else "turn.interrupted"]
        return _notice(turn.message or early, words)
    parts = [_quiet_line(turn, words)]
    if turn.answer.kind == "reply":
        parts.append(_reply(turn.answer, notes, words))
    elif not turn.answer.covered:
        parts.append(_refusal(turn.answer, notes, words))
    else:
        if turn.answer.written is None:
            parts.append(_groups(turn, notes, words))
        else:
            parts.append(_written(turn, turn.answer.written, notes, words))
        if turn.shown is None:
            parts += [
                f'<p class="missing">{escape(words["answer.uncovered"].format(asked=asked))}</p>'
                for asked in turn.answer.uncovered
            ]
            parts.append(_sources(turn.answer, notes, words))
    if turn.state == "stopped":
        parts.append(_notice(words["turn.stopped"], words))
    if turn.state == "done" and turn.answer.kind != "reply":
        parts.append(_link(_asked_alone(turn, turn.answer), words))
    if turn.follow_ups and turn.state == "done":
        parts.append(_follow_ups(turn.follow_ups, words))
    fact = " fact" if turn.answer.covered and len(turn.answer.points) == 1 else ""
    return f'<div class="answer{fact}">{"".join(parts)}</div>'


def _notice(text: str, words: Words) -> str:
    """Return what went wrong, and a way to ask again: only the newest turn has Gradio's own."""
    again = f'<button type="button" class="again">{escape(words["turn.again"])}</button>'
    return f'<p class="notice">{escape(text)} {again}</p>'


def _quiet_line(turn: Turn, words: Words) -> str:
    """Say what was searched where that is not what was typed."""
    answer = turn.answer
    if answer is None or answer.kind == "reply":
        return ""
    said = [
        words["answer.read_as"].format(read=correction.read, typed=correction.typed)
        for correction in answer.corrections
    ]
    if _asked_alone(turn, answer) != turn.question:
        said.append(words["answer.searched"].format(query=answer.query))
    line = " · ".join(said)
    if len(line) <= LONG_LINE:
        return f'<p class="quiet">{escape(line)}</p>' if said else ""
    cut = line[:LONG_LINE].rpartition(" ")[0] or line[:LONG_LINE]
    return (
        f'<details class="quiet"><summary title="{escape(line)}">{escape(cut)}…</summary>'
        f"<p>{escape(line)}</p></details>"
    )


def _asked_alone(turn: Turn, answer: Answer) -> str:
    """Return what asks the same without the turns before it: as typed, or else as searched."""
    expected = turn.question
    for correction in answer.corrections:
        expected = expected.replace(correction.typed, correction.read)
    same = _plain(answer.query) in (_plain(expected), _plain(turn.question))
    return turn.question if same else answer.query


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def _reply(answer: Answer, notes: Notes, words: Words) -> str:
    if answer.nearest:
        choices = _headings(answer, notes)
        return f'<div class="topics"><p>{escape(words["reply.topics"])}</p>{choices}</div>'
    paragraphs = (part.strip() for part in answer.answer.split("\n\n"))
    return "".join(f"<p>{escape(part).replace(chr(10), '<br>')}</p>" for part in paragraphs if part)


def _headings(answer: Answer, notes: Notes) -> str:
    """Return the headings that an answer names, as what opens the notes there."""
    near = [
        (address, heading)
        for heading in answer.nearest
        if (address := notes.heading_address(heading.headings, heading.page, heading.anchor))
    ]
    buttons = "".join(
        f'<a class="see" role="button" href="#see-{address[2:]}">'
        f"{escape(path_text(heading.headings[1:] or heading.headings))}</a>"
        for address, heading in near
    )
    return f'<div class="choices">{buttons}</div>' if buttons else ""


def _refusal(answer: Answer, notes: Notes, words: Words) -> str:
    choices = _headings(answer, notes)
    label = f'<p class="label">{escape(words["refusal.nearest"])}</p>'
    nearest = label + choices if choices else ""
    return (
        f'<div class="refusal"><p class="lead">{escape(words["refusal.title"])}</p>'
        f"<p>{escape(words['refusal.text'])}</p>{nearest}</div>"
    )


def _written(turn: Turn, written: Written, notes: Notes, words: Words) -> str:
    """Return what a language model wrote; the points too, folded away where it stands alone."""
    answer = turn.answer
    assert answer is not None
    citations = {citation.number: citation for citation in answer.citations}
    said = " ".join(
        f'<span class="said">{escape(sentence.text)}</span> '
        + "".join(_chip(citations[number], own[number], notes) for number in own)
        for sentence in written.sentences
        if (own := _cited_points(sentence, answer, citations))
    )
    text = f'<p class="written">{said}</p>' if said else ""
    if turn.state == "waiting" and not written.reason:
        going = escape(words["turn.writing"])
        return f'{text}<p class="waiting" role="status">{going}<span class="dots"></span></p>'
    points = _groups(turn, notes, words)
    if said and not written.reason:
        more = escape(words["answer.points"])
        return f'{text}<details class="points"><summary>{more}</summary>{points}</details>'
    reason = f'<p class="quiet">{escape(written.reason)}</p>' if written.reason else ""
    return text + reason + points


def _cited_points(
    sentence: Sentence, answer: Answer, citations: Mapping[int, Citation]
) -> dict[int, list[CitedPoint]]:
    """Return by citation number the points that a sentence rests on."""
    found: dict[int, list[CitedPoint]] = {}
    for place in sentence.points:
        point = answer.points[place]
        if point.citation in citations:
            found.setdefault(point.citation, []).append(point)
    return found


def _groups(turn: Turn, notes: Notes, words: Words) -> str:
    """Return the points under their headings, as many as are shown yet."""
    answer = turn.answer
    assert answer is not None
    citations = {citation.number: citation for citation in answer.citations}
    shown = answer.points if turn.shown is None else answer.points[: turn.shown]
    one_group = len({point.citation for point in answer.points}) == 1
    fold = len(answer.points) > (LONG_LIST if one_group else LONG_ANSWER)
    emphasise = len(answer.points) <= FEW_POINTS
    best = max(point.score for point in answer.points)
    parts: list[str] = []
    for number, members in groupby(shown, key=lambda point: point.citation):
        points = list(members)
        citation = citations.get(number)
        whole = [point for point in answer.points if point.citation == number]
        items = [
            _item(
                point,
                key_spans(answer.query, point.text, point.score == best, point.headings)
                if emphasise
                else [],
                citations,
                answer,
                notes,
                words,
            )
            for point in points
        ]
        cut = FIRST_POINTS if fold and len(whole) > FIRST_POINTS + 1 else len(items)
        lists = f"<ul>{''.join(items[:cut])}</ul>"
        if items[cut:]:
            more = words["answer.more"].format(count=len(whole))
            lists += (
                f'<details class="more"><summary>{escape(more)}</summary>'
                f"<ul>{''.join(items[cut:])}</ul></details>"
            )
        single = " single" if len(whole) == 1 else ""
        parts.append(
            f'<section class="group{single}">'
            f"{_group_heading(citation, whole, notes) if citation else ''}{lists}</section>"
        )
    return "".join(parts)


def _group_heading(citation: Citation, points: Sequence[CitedPoint], notes: Notes) -> str:
    path = citation.headings[1:] or citation.headings
    return f'<p class="path">{escape(path_text(path))} {_chip(citation, points, notes)}</p>'


def _chip(citation: Citation, points: Sequence[CitedPoint], notes: Notes) -> str:
    title = escape(path_text(citation.headings), quote=True)
    target = _target(points, notes)
    return f'<a class="cite" href="{target}" title="{title}">[{citation.number}]</a>'


def _target(points: Sequence[CitedPoint], notes: Notes) -> str:
    """Return the address of cited points; ``#src-`` alone where the notes have changed."""
    found = [
        point
        for cited in points
        if (point := _original(cited, notes)) and point.page == points[0].page
    ]
    if not found:
        return "#src-"
    numbers = ".".join(str(point.number) for point in found)
    return f"#src-{notes.number(found[0].page)}-{numbers}"


def _original(cited: CitedPoint, notes: Notes) -> Point | None:
    return notes.find(cited.page, cited.line, cited.end_line, cited.text)


def _item(
    cited: CitedPoint,
    spans: Sequence[tuple[int, int]],
    citations: dict[int, Citation],
    answer: Answer,
    notes: Notes,
    words: Words,
) -> str:
    original = _original(cited, notes)
    role = original.role if original else "plain"
    own = (
        f'<a class="line" href="{_target([cited], notes)}"'
        f' title="{escape(words["answer.point"], quote=True)}"></a>'
    )
    also = "".join(
        f' <span class="also">{escape(words["answer.also"])} '
        f"{_chip(citations[number], _points_of(answer, citations[number]), notes)}</span>"
        for number in cited.also
        if number in citations
    )
    said = "".join(_marked(cited.text, spans, original.columns if original else ()))
    return f'<li class="{role}"><span class="said">{said}</span>{also}{own}</li>'


def _points_of(answer: Answer, citation: Citation) -> list[CitedPoint]:
    """Return what a citation highlights: its points, or where it has none its own lines."""
    own = [point for point in answer.points if point.citation == citation.number]
    return own or [
        CitedPoint(
            text="",
            headings=citation.headings,
            page=citation.page,
            line=citation.line,
            end_line=citation.end_line,
            score=0.0,
            citation=citation.number,
        )
    ]


def _marked(text: str, spans: Sequence[tuple[int, int]], columns: Sequence[str]) -> Iterator[str]:
    """Yield a point's text with what is asked for marked, and the parts of a table's row.

    Not a letter is added or left out: the style sheet draws a row, and what is copied is the text.
    """
    frame = [
        (begin, end, f'<span class="{kind}">') for begin, end, kind in row_spans(text, columns)
    ]
    rigid = [(begin, end) for begin, end, opens in frame if "head" not in opens]
    asked = [
        (start, stop, "<strong>")
        for start, stop in spans
        if all(stop <= begin or start >= end for begin, end in rigid)
    ]
    # At one place what is inside closes first and opens last.
    tags = [(end, 0, "</strong>") for _, end, _ in asked]
    tags += [(end, 1, "</span>") for _, end, _ in frame]
    tags += [(begin, 2, opens) for begin, _, opens in frame]
    tags += [(begin, 3, opens) for begin, _, opens in asked]
    done = 0
    for place, _, tag in sorted(tags):
        yield text_html(text[done:place]) + tag
        done = place
    yield text_html(text[done:])


def _sources(answer: Answer, notes: Notes, words: Words) -> str:
    rows = "".join(
        f"<li>{_chip(citation, _points_of(answer, citation), notes)} "
        f'<span class="where" title="{escape(citation.page, quote=True)}">'
        f"{escape(path_text(citation.headings))}</span></li>"
        for citation in answer.citations
    )
    return (
        f'<div class="sources"><p class="label">{escape(words["answer.sources"])}</p>'
        f"<ul>{rows}</ul></div>"
    )


def _link(question: str, words: Words) -> str:
    """Return a link that asks the question again, wherever it is opened."""
    said = escape(words["answer.link"])
    return f'<p class="link"><a href="?q={quote(question, safe="")}">{said}</a></p>'


def _follow_ups(questions: Sequence[str], words: Words) -> str:
    buttons = "".join(
        f'<button type="button" class="ask">{escape(question)}</button>' for question in questions
    )
    return (
        f'<div class="next"><p class="label">{escape(words["answer.follow_ups"])}</p>'
        f'<div class="choices">{buttons}</div></div>'
    )
