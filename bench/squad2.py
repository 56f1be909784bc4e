"""A part of SQuAD 2.0, whose unanswerable questions look answerable: ``python -m bench.squad2``.

All articles are the notes. Articles are numbered from 0 as they stand in the file. Those of
even number are development data, their paragraphs that are in XQuAD left out; those of odd
number are the test half. A point is right when an annotator's answer begins in it.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.asking import Outcome, outcomes
from bench.cli import run
from bench.data import Article, data_file, read_articles
from bench.metrics import auroc, share
from bench.pages import Place
from bench.report import figure, table


def measure() -> str:
    """Ask every question and tabulate by half.

    Raises:
        BenchError: The data are not there.
    """
    articles = read_articles(data_file("squad2-dev-part.json"))
    known = shared_paragraphs(articles, read_articles(data_file("xquad.en.json")))
    found = outcomes(
        articles,
        (
            ((number, inner), question)
            for number, article in enumerate(articles)
            for inner, paragraph in enumerate(article.paragraphs)
            for question in paragraph.questions
        ),
    )
    return tabulate(
        {
            "development": [o for o in found if is_development(o.place, known)],
            "test": [o for o in found if o.place[0] % 2 == 1],
            "all": found,
        }
    )


def shared_paragraphs(articles: Sequence[Article], others: Sequence[Article]) -> set[Place]:
    """Where the articles have a paragraph that is also one of the others'."""

    def bare(text: str) -> str:
        return "".join(text.split())

    known = {bare(paragraph.text) for article in others for paragraph in article.paragraphs}
    return {
        (number, inner)
        for number, article in enumerate(articles)
        for inner, paragraph in enumerate(article.paragraphs)
        if bare(paragraph.text) in known
    }


def is_development(place: Place, known: set[Place]) -> bool:
    """Whether the questions of a paragraph may be tuned on."""
    return place[0] % 2 == 0 and place not in known


def tabulate(parts: dict[str, list[Outcome]]) -> str:
    """The figures of each part, a column each."""
    return table([("Figure", *parts), *zip(_TITLES, *map(_column, parts.values()), strict=True)])


_TITLES = (
    "Answerable questions",
    "Unanswerable questions",
    "Answerable, answered",
    "Unanswerable, answered",
    "Answer precision: first point right, of answerable ones answered",
    "First point right, of all answerable: askhistory's ranking",
    "First point right, of all answerable: plain late interaction",
    "AUROC answerable/unanswerable: confidence",
    "AUROC answerable/unanswerable: plain late interaction",
)


def _column(found: Sequence[Outcome]) -> list[str]:
    # A question without an answer in its paragraph has no holders, all others have.
    inside = [o for o in found if o.holders]
    outside = [o for o in found if not o.holders]
    return [
        str(len(inside)),
        str(len(outside)),
        figure(share(o.answered for o in inside)),
        figure(share(o.answered for o in outside)),
        figure(share(o.said in o.holders for o in inside if o.answered)),
        figure(share(o.own.first in o.holders for o in inside)),
        figure(share(o.plain.first in o.holders for o in inside)),
        figure(auroc([o.own.score for o in inside], [o.own.score for o in outside])),
        figure(auroc([o.plain.score for o in inside], [o.plain.score for o in outside])),
    ]


if __name__ == "__main__":
    run("squad2", measure)
