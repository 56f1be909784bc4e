"""Every noun of askhistory, as frozen dataclasses, and every error.

The nouns follow the data flow: a corpus is read into pages of `Section` objects,
each holding `Point` objects; sections are split into `Passage` objects, which are
embedded and searched; a question comes back as an `Answer` made of `CitedPoint`
objects and their `Citation` objects.

Errors form one tree, so that a caller can catch as much as it means to::

    AskHistoryError             somebody must act; the message says what to do
    ├── CorpusError             the notes cannot be read (names file and line)
    ├── IndexUnusableError      the index cannot be used or written
    │   ├── IndexMissingError   there is none yet
    │   └── IndexStaleError     it is damaged, of another format, or another model's
    ├── ModelError              the model's files are absent or not the expected ones
    ├── LanguageModelError      the optional language model cannot be used or fell silent
    ├── QuestionError           the question cannot be taken (empty, too long)
    │   └── TooManyQuestionsError   questions come faster than they are taken
    └── EvaluationError         a file of questions cannot be read

A refusal is not an error: it is an `Answer` whose `covered` is false.
This module imports nothing of the package and no third-party library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


class AskHistoryError(Exception):
    """Somebody must act; the message says what is wrong and what mends it."""


class CorpusError(AskHistoryError):
    """The notes cannot be read. The message names the file and, where known, the line."""


class IndexUnusableError(AskHistoryError):
    """The index cannot be used or written."""


class IndexMissingError(IndexUnusableError):
    """There is no index in the folder."""


class IndexStaleError(IndexUnusableError):
    """The index is damaged, of another format, or made with another model."""


class ModelError(AskHistoryError):
    """The model's files are absent, or are not the files that were expected."""


class LanguageModelError(AskHistoryError):
    """The optional language model cannot be used, or something went wrong while it wrote.

    Attributes:
        reason: What is wrong, in one line for whoever asked; names neither address nor key.
    """

    def __init__(self, reason: str, mending: str) -> None:
        """Take the reason and, for whoever runs askhistory, what mends it."""
        super().__init__(f"{reason} {mending}")
        self.reason = reason


class QuestionError(AskHistoryError):
    """The question cannot be taken: it is empty or too long."""


class TooManyQuestionsError(QuestionError):
    """Questions come faster than they are taken. The message says when to ask again."""


class EvaluationError(AskHistoryError):
    """A file of questions cannot be read. The message names the file and the line."""


PointRole = Literal["plain", "summary", "chain"]
"""What a point does in the notes: states something, sums a section up (wholly bold, or
marked ``S:``), or draws a chain of cause and effect (``A -> B -> verdict``)."""


@dataclass(frozen=True, slots=True)
class Point:
    """One bullet, sentence, table row or line of the notes: the unit of an answer.

    Attributes:
        text: What the point says, free of markup.
        page: The page's path relative to the corpus folder, with forward slashes.
        headings: The path to it; begins with the page's title.
        line: 1-based first line in the file.
        end_line: 1-based last line in the file, inclusive.
        number: Its place on the page, from 0, in the order of the notes.
        depth: 0 for a point directly under its heading, 1 for a point below that, …
        parent: The `number` of the point it stands below, or None.
        role: What it does in the notes.
        columns: The names of its table's columns, for a row of a table; empty for all else.
        hint: The style of the hint it stands in, as GitBook names it; empty outside of one.
    """

    text: str
    page: str
    headings: tuple[str, ...]
    line: int
    end_line: int
    number: int
    depth: int = 0
    parent: int | None = None
    role: PointRole = "plain"
    columns: tuple[str, ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """What stands under one heading (a group heading included), without its subsections.

    Attributes:
        page: The page's path relative to the corpus folder.
        headings: The path; begins with the page's title and ends with this heading.
        anchor: The fragment under which GitBook shows the heading. A group heading has
            none of its own and carries that of the heading it stands under.
        line: 1-based line of the heading itself (of the first point where there is none).
        end_line: 1-based last line of what belongs to the section.
        points: Its own points, in the order of the notes; may be empty.
        group: Whether the heading is a group heading.
    """

    page: str
    headings: tuple[str, ...]
    anchor: str
    line: int
    end_line: int
    points: tuple[Point, ...]
    group: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One file of the corpus.

    Attributes:
        path: Relative to the corpus folder, with forward slashes.
        title: The first level-1 heading, else the front matter's title, else the file's name.
        sections: In the order of the notes.
        sha256: Of the file's bytes, in hexadecimal.
    """

    path: str
    title: str
    sections: tuple[Section, ...]
    sha256: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the corpus that was passed over.

    Attributes:
        page: The file it is in, relative to the corpus folder.
        line: 1-based line, or None where the whole file is meant.
        message: What is wrong and what mends it.
    """

    page: str
    line: int | None
    message: str

    def __str__(self) -> str:
        place = self.page if self.line is None else f"{self.page}:{self.line}"
        return f"{place}: {self.message}"


@dataclass(frozen=True, slots=True)
class Corpus:
    """A folder of notes as read.

    Attributes:
        pages: Sorted by path.
        problems: What was passed over, in the order met.
    """

    pages: tuple[Page, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def sections(self) -> tuple[Section, ...]:
        """All sections, page by page, in the order of the notes."""
        return tuple(section for page in self.pages for section in page.sections)


@dataclass(frozen=True, slots=True)
class Passage:
    """The unit of retrieval: a section's points within the token budget.

    Attributes:
        section: Place of its section in the corpus' order, from 0.
        points: The points it holds, in the order of the notes.
        text: What is embedded: the heading path and the points.
    """

    section: int
    points: tuple[Point, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Heading:
    """Where to look in the notes."""

    headings: tuple[str, ...]
    page: str
    anchor: str

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {"headings": list(self.headings), "page": self.page, "anchor": self.anchor}


@dataclass(frozen=True, slots=True)
class Citation:
    """The heading that a group of points stands under.

    Attributes:
        number: As shown in the answer, from 1.
        headings: The path; begins with the page's title.
        page: The page's path relative to the corpus folder.
        anchor: The fragment under which GitBook shows the heading.
        line: 1-based first line of the cited points.
        end_line: 1-based last line of the cited points.
    """

    number: int
    headings: tuple[str, ...]
    page: str
    anchor: str
    line: int
    end_line: int

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "number": self.number,
            "headings": list(self.headings),
            "page": self.page,
            "anchor": self.anchor,
            "line": self.line,
            "end_line": self.end_line,
        }


@dataclass(frozen=True, slots=True)
class CitedPoint:
    """A point as it stands in an answer.

    Attributes:
        text, headings, page, line, end_line: As in `Point`.
        score: How well it answers, from 0 to 1.
        citation: Number of the `Citation` it belongs to.
        also: Numbers of further citations whose sections say the same.
    """

    text: str
    headings: tuple[str, ...]
    page: str
    line: int
    end_line: int
    score: float
    citation: int
    also: tuple[int, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "text": self.text,
            "headings": list(self.headings),
            "page": self.page,
            "line": self.line,
            "end_line": self.end_line,
            "score": round(self.score, 4),
            "citation": self.citation,
            "also": list(self.also),
        }


@dataclass(frozen=True, slots=True)
class Correction:
    """A word of the question that was read as another one.

    Attributes:
        typed: As the student wrote it.
        read: The word of the notes that was searched instead.
    """

    typed: str
    read: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence that a language model wrote and that the points it cites support.

    Attributes:
        text: Without its citations.
        points: Places of the cited points in the answer's `points`, from 0, ascending.
        citations: Numbers of the `Citation` objects that those points belong to, ascending.
    """

    text: str
    points: tuple[int, ...]
    citations: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "text": self.text,
            "points": list(self.points),
            "citations": list(self.citations),
        }


@dataclass(frozen=True, slots=True)
class Written:
    """What a language model made of an answer's points.

    Attributes:
        model: Its name.
        sentences: Those that the points support, in the order of writing.
        dropped: How many others there were.
        reason: Why the points are shown as well, in one line; empty where the sentences stand
            for the answer.
        tokens_in: Read by the model.
        tokens_out: Written by it.
    """

    model: str
    sentences: tuple[Sentence, ...] = ()
    dropped: int = 0
    reason: str = ""
    tokens_in: int = 0
    tokens_out: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "model": self.model,
            "text": " ".join(sentence.text for sentence in self.sentences),
            "sentences": [sentence.to_dict() for sentence in self.sentences],
            "dropped": self.dropped,
            "reason": self.reason,
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
        }


AnswerKind = Literal["answer", "refusal", "reply"]
"""``reply`` is the short human reply to a greeting, thanks, "what can you do?" or "what is in the
notes?"."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question.

    Attributes:
        question: As typed.
        query: The standalone form that was searched.
        covered: Whether the notes answer it.
        confidence: Calibrated probability that they do, from 0 to 1.
        answer: Markdown: the points under their headings with citation numbers, then the
            sources; or the refusal; or the reply.
        points: In the order of the answer; empty when not covered.
        citations: In the order of their numbers; empty when not covered.
        nearest: Up to three headings to look under when not covered, none for a question
            without a word in it; of a reply that says what the notes are about, those headings.
        seconds: From question to answer.
        kind: An answer, a refusal or a reply.
        corrections: Words that were read as others, in the order of the question.
        written: What a language model wrote, where that was asked for.
        uncovered: Of two questions asked in one, the one that the notes do not answer.
    """

    question: str
    query: str
    covered: bool
    confidence: float
    answer: str
    points: tuple[CitedPoint, ...] = ()
    citations: tuple[Citation, ...] = ()
    nearest: tuple[Heading, ...] = ()
    seconds: float = 0.0
    kind: AnswerKind = "answer"
    corrections: tuple[Correction, ...] = ()
    written: Written | None = None
    uncovered: tuple[str, ...] = ()

    def to_markdown(self) -> str:
        """The answer as Markdown: what the page and the terminal show."""
        return self.answer

    def to_dict(self, id: str | None = None) -> dict[str, Any]:
        """The JSON form, the same in the terminal, the batch and the API."""
        return {
            "id": id,
            "question": self.question,
            "query": self.query,
            "covered": self.covered,
            "confidence": round(self.confidence, 4),
            "answer": self.answer,
            "points": [point.to_dict() for point in self.points],
            "citations": [citation.to_dict() for citation in self.citations],
            "nearest": [heading.to_dict() for heading in self.nearest],
            "seconds": round(self.seconds, 4),
            "kind": self.kind,
            "corrections": [{"typed": c.typed, "read": c.read} for c in self.corrections],
            "uncovered": list(self.uncovered),
            **({} if self.written is None else {"written": self.written.to_dict()}),
        }


def point_from_dict(data: Mapping[str, Any]) -> Point:
    """Rebuild a `Point` from its JSON form (see `dataclasses.asdict`)."""
    lists = {"headings": tuple(data["headings"]), "columns": tuple(data["columns"])}
    return Point(**{**data, **lists})
