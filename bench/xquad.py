"""XQuAD, "library and stranger": ``python -m bench.xquad``.

The first 24 articles are the notes, a page per article and a section per paragraph, and
their questions are in scope; the questions of the other 24 are out of scope. A point is
right when it is the sentence in which the answer begins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.asking import Outcome, Ranking, outcomes
from bench.cli import run
from bench.data import data_file, read_articles
from bench.metrics import auroc, share
from bench.report import figure, table

LIBRARY = 24
"""Articles that become the notes; as many are strangers."""


def measure() -> str:
    """Ask every question and tabulate.

    Raises:
        BenchError: The data are not there.
    """
    articles = read_articles(data_file("xquad.en.json"))
    found = outcomes(
        articles[:LIBRARY],
        (
            ((number, inner), question)
            for number, article in enumerate(articles)
            for inner, paragraph in enumerate(article.paragraphs)
            for question in paragraph.questions
        ),
    )
    inside = [outcome for outcome in found if outcome.place[0] < LIBRARY]
    outside = [outcome for outcome in found if outcome.place[0] >= LIBRARY]
    return tabulate(inside, outside)


def tabulate(inside: Sequence[Outcome], outside: Sequence[Outcome]) -> str:
    """The figures of questions in scope and out of scope, as two sentences and a table."""

    def ranked(pick: Callable[[Outcome], Ranking]) -> list[str]:
        def found(places: int) -> float | None:
            return share(o.place in pick(o).sections[:places] for o in inside)

        scores = [[pick(o).score for o in scope] for scope in (inside, outside)]
        return [
            figure(found(1)),
            figure(found(3)),
            figure(share(pick(o).first in o.holders for o in inside)),
            figure(auroc(scores[0], scores[1])),
        ]

    titles = ("Section recall@1", "Section recall@3", "Point precision@1", "AUROC in/out of scope")
    columns = zip(titles, ranked(lambda o: o.own), ranked(lambda o: o.plain), strict=True)
    given = [o for o in inside if o.answered]
    decided = [
        ("In scope, answered", figure(share(o.answered for o in inside)), "–"),
        ("In scope, answered with the right point first",
         figure(share(o.said in o.holders for o in given)), "–"),
        ("Out of scope, answered", figure(share(o.answered for o in outside)), "–"),
    ]  # fmt: skip
    head = ("Figure", "askhistory", "plain late interaction")
    asked = f"{len(inside)} questions in scope, {len(outside)} out of scope."
    return f"{asked}\n\n{table([head, *columns, *decided])}"


if __name__ == "__main__":
    run("xquad", measure)
