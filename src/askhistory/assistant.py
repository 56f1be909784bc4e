"""The two flows, each readable as one line; the only module that wires the others.

`build_index`: ``corpus → sections of points → passages → vectors → index``

`Assistant.ask`: ``question + history → standalone query → retrieve → read → covered? →
compose → answer``
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from askhistory.answering import (
    cite,
    compose,
    compose_written,
    list_headings,
    nearest_headings,
    refuse,
    top_headings,
)
from askhistory.conversation import Standalone, standalone
from askhistory.index import BuildReport, Index, build, is_stale
from askhistory.language_model import LanguageModel, Writer
from askhistory.lexicon import Lexicon, folded, terms, words
from askhistory.logs import Stopwatch
from askhistory.manifest import SOURCE, stamp
from askhistory.models import Encoder, Progress, TextEncoder
from askhistory.notes import read_corpus
from askhistory.question import Question, questions_in, sides, understand
from askhistory.relevance import (
    Reading,
    Weights,
    coverage_features,
    point_features,
    shipped_weights,
    weigh,
)
from askhistory.retrieval import Evidence, Query, Reader, Search, prepare, retrieve
from askhistory.schema import (
    Answer,
    Correction,
    Heading,
    IndexMissingError,
    IndexUnusableError,
    LanguageModelError,
    Point,
    QuestionError,
    Section,
    Written,
)
from askhistory.selection import choose
from askhistory.settings import Settings
from askhistory.smalltalk import reply, small_talk
from askhistory.suggestions import Suggestions
from askhistory.support import Checker
from askhistory.support import Weights as SupportWeights
from askhistory.text import repair
from askhistory.topics import Topics
from askhistory.writing import write

logger = logging.getLogger(__name__)

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_TYPED = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
"""A word as students type it: ``ww2`` and ``5yp`` are one word each."""
_CONTEXT_SHARE = 1.0
"""What words taken over from earlier questions may weigh together, relative to those typed."""
_OLD_TOPIC_SHARE = 0.5
"""The same where the question puts a new topic in the old one's place."""
_MOST_EARLIER = 20
"""Earlier questions that are read: no topic is carried on through more."""
_MARKS = re.compile(
    r"\s*(?:[\[(]\s*\d{1,2}\s*marks?\s*[\])]|\[\d{1,2}\]|(?<=[?.!])\s*\d{1,2} marks?)\W*$",
    re.IGNORECASE,
)
"""What an answer to an examiner's question is worth: ``(16 marks)``."""
_SHORTEST_YEAR = 3
"""Digits of a number that can be asked for by itself."""
_MOST_NAMED = 60
"""Sections under a heading that a question names that are read whatever the search says."""
_MOST_LOOKED_UP = 40
"""Unknown words of a question, and of all earlier ones, that are looked up. Each costs some
milliseconds, so that a forged conversation could otherwise keep the server busy for a minute."""
_FOLLOW_UPS = 3
_ABOUT_A_HEADING = 4


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a question came to before an answer is composed.

    Attributes:
        query: The standalone form, as shown.
        corrections: Words that were read as others.
        question: As understood.
        searched: What was embedded and weighed.
        evidence: Of n points.
        reading: The evidence weighed.
        judged: The same by itself where the question says all that it means: whether the notes
            answer it is no matter of what was asked before.
        relevance: (n,) probability that each point belongs in the answer.
        confidence: Probability that the notes answer the question.
        uncovered: Of two questions asked in one, the one that they do not answer.
    """

    query: str
    corrections: tuple[Correction, ...]
    question: Question
    searched: Query
    evidence: Evidence
    reading: Reading
    judged: Reading
    relevance: NDArray[np.float64]
    confidence: float
    uncovered: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """What is known of a question once it has been searched.

    Attributes:
        query: As searched.
        parts: Questions on one side each of a comparison, or the two that are asked in one.
        passages: The numbers of those that are to be read.
    """

    query: Query
    parts: tuple[Query, ...]
    passages: NDArray[np.int64]


class Assistant:
    """Answers questions from one index.

    Args:
        index: The notes.
        encoder: The one that the index was built with.
        weights: Of relevance and coverage.
        settings: Candidates, longest question, threshold and the length of what a language
            model is given to read are taken from it.
        writer: What writes answers out, where anything does.
    """

    def __init__(
        self,
        index: Index,
        encoder: TextEncoder,
        weights: Weights,
        settings: Settings,
        writer: Writer | None = None,
    ) -> None:
        self.index = index
        self._encoder = encoder
        self._weights = weights
        self._settings = settings
        self._writer = writer
        self._lexicon = lexicon_of(index.sections)
        self._reader = Reader(index)
        self._topics = Topics(index.sections)
        self._seen = index.stamp
        # Students ask about the same words, and each follow-up searches for its forerunner anew.
        self._likeness = lru_cache(maxsize=4_096)(self._cosines)
        self._meant = lru_cache(maxsize=16_384)(self._find_meant)
        self._search = lru_cache(maxsize=256)(self._find)

    @classmethod
    def open(cls, index: Path | str | None = None, settings: Settings | None = None) -> Self:
        """Open a built index with the real encoder and the shipped weights.

        Args:
            index: Its folder; that of the settings by default.
            settings: Read from the environment by default.

        Raises:
            IndexMissingError: There is none; the message names the command that builds it.
            IndexStaleError: It is damaged or made by another version or model.
            ModelError: The encoder's files are missing or not the expected ones.
        """
        settings = settings or Settings.from_environment()
        encoder = Encoder.load()
        folder = Path(index) if index is not None else settings.index
        opened = Index.open(folder, encoder_sha256=encoder.sha256)
        return cls(opened, encoder, shipped_weights(), settings, language_model_of(settings))

    def renewed(self) -> Self | None:
        """An assistant of the index that has taken the place of this one's; None if none has.

        Cheap while nothing has changed. An index that cannot be used is an error once, and is
        not looked at again until it changes.

        Raises:
            IndexUnusableError: There is another index, and it cannot be used.
        """
        now = stamp(self.index.folder)
        if now is None or now == self._seen:
            return None
        self._seen = now
        opened = Index.open(self.index.folder, encoder_sha256=self._encoder.sha256)
        if opened.manifest.build == self.index.manifest.build:
            return None
        return type(self)(opened, self._encoder, self._weights, self._settings, self._writer)

    def ask(self, question: str, history: Sequence[str] = (), *, write: bool = False) -> Answer:
        """Answer a question from the notes, or refuse it.

        Args:
            question: As typed.
            history: The student's earlier questions of the conversation, the oldest first.
            write: Whether the language model is to write the answer out.

        Raises:
            QuestionError: The question is empty or too long.
            LanguageModelError: It is to be written out, and no language model is set up.
        """
        if write:
            self._needed_writer()
        watch = Stopwatch()
        answer = self._ask(question, history, watch=watch)
        self._log(answer, len(history), watch)
        if write:
            *_, answer = self.write(answer)
        return answer

    def write(self, answer: Answer) -> Iterator[Answer]:
        """Have an answer written out, and yield it with as much of that as may be shown.

        The last one is whole. Of a refusal or a reply nothing is written, nor is the model asked:
        it is yielded as it is. The model is given the question in its standalone form and the
        answer's points, and what goes wrong with it is a reason to show the points, no exception.

        Args:
            answer: From `ask`.

        Raises:
            LanguageModelError: No language model is set up.
        """
        writer = self._needed_writer()
        if not answer.points:
            yield answer
            return
        started = time.perf_counter()
        for written in write(
            writer,
            self._checker,
            answer.query,
            answer.points,
            asked=answer.question,
            budget=self._settings.llm_prompt_tokens,
        ):
            text = compose_written(written, answer.points, answer.citations, answer.uncovered)
            seconds = time.perf_counter() - started
            yield replace(answer, answer=text, written=written, seconds=answer.seconds + seconds)
        _log_written(written, seconds)

    def _needed_writer(self) -> Writer:
        if self._writer is None:
            raise LanguageModelError(
                "No language model is set up.",
                "Set ASKHISTORY_LLM_MODEL and ASKHISTORY_LLM_BASE_URL: docs/language-models.md "
                "says how.",
            )
        return self._writer

    @cached_property
    def _checker(self) -> Checker:
        # The encoder as published: adapted to questions it takes half of a statement for all of it.
        return Checker(Encoder.load(adapted=False), self._lexicon, SupportWeights.shipped())

    def _ask(
        self, question: str, history: Sequence[str] = (), *, watch: Stopwatch | None = None
    ) -> Answer:
        watch = watch or Stopwatch()
        started = time.perf_counter()
        asked = self._checked(question)
        talk = small_talk(asked)
        if not _says_something(asked) or not self._lexicon.reads(asked):
            answer = Answer(question, asked, False, 0.0, refuse(()), kind="refusal")
        elif talk == "contents":
            headings = self._top_headings
            listed = list_headings(reply(talk), headings)
            answer = Answer(question, asked, False, 0.0, listed, nearest=headings, kind="reply")
        elif talk is not None:
            answer = Answer(question, asked, False, 0.0, reply(talk), kind="reply")
        else:
            answer = self._answer(question, self.analyse(asked, history, watch))
        watch.lap("compose")
        return replace(answer, seconds=time.perf_counter() - started)

    @cached_property
    def _top_headings(self) -> tuple[Heading, ...]:
        return top_headings(self.index.sections)

    def _log(self, answer: Answer, earlier: int, watch: Stopwatch) -> None:
        """Log a line on a question: what came of it and what took how long, not what was asked."""
        if not logger.isEnabledFor(logging.INFO):
            return
        fields = {
            "kind": answer.kind,
            "confidence": round(answer.confidence, 4),
            "chars": len(answer.question),
            "earlier": earlier,
            "corrections": len(answer.corrections),
            "points": len(answer.points),
            "build": self.index.build,
            "seconds": round(answer.seconds, 6),
            "stages": {stage: round(seconds, 6) for stage, seconds in watch.stages.items()},
        }
        if self._settings.log_questions:
            fields |= {"question": answer.question, "query": answer.query}
        logger.info("question", extra={"fields": fields})

    def rank(self, question: str, history: Sequence[str] = ()) -> list[tuple[Point, float]]:
        """The points that were read, the most relevant first, each with its relevance."""
        analysis = self.analyse(self._checked(question), history)
        order = np.lexsort((analysis.evidence.points, -analysis.relevance))
        return [
            (self.index.points[analysis.evidence.points[row]], float(analysis.relevance[row]))
            for row in order
        ]

    def starters(self, n: int, seed: int) -> tuple[str, ...]:
        """Up to `n` questions to begin with, on different topics; others for another seed."""
        return self._suggestions.starters(n, seed)

    def close_questions(self, answer: Answer, earlier: Sequence[str] = ()) -> tuple[str, ...]:
        """Up to three questions that go on from an answer and that the notes answer.

        Args:
            answer: The one just given.
            earlier: The student's questions before it, the oldest first.
        """
        return self._suggestions.after(answer, _FOLLOW_UPS, earlier)

    def questions_about(self, headings: Sequence[str]) -> tuple[str, ...]:
        """Up to four questions on the heading at a path, and on what stands below it."""
        return self._suggestions.about(headings, _ABOUT_A_HEADING)

    @cached_property
    def _suggestions(self) -> Suggestions:
        return Suggestions(self.index.sections, self._ask)  # Our own questions are not logged.

    def analyse(
        self, question: str, history: Sequence[str] = (), watch: Stopwatch | None = None
    ) -> Analysis:
        """Everything up to the decision whether and with what to answer.

        Args:
            question: As `_checked` returns it.
            history: As in `ask`.
            watch: Told of each stage that ends.

        Raises:
            QuestionError: There is no word in it.
        """
        watch = watch or Stopwatch()
        if not words(question):
            raise QuestionError("The question holds no word. Put it in words.")
        mended, corrections, _ = self._mend(question, _MOST_LOOKED_UP)
        earlier: list[str] = []
        left = _MOST_LOOKED_UP
        for past in reversed(history[-_MOST_EARLIER:]):
            text, _, looked_up = self._mend(self._clean(past), left)
            earlier.insert(0, text)
            left -= looked_up
        turn = self._standalone(mended, earlier)
        understood = understand(turn.asks)
        watch.lap("understand")
        found = self._searched(turn, understood)
        watch.lap("find")
        query, passages = found.query, found.passages
        before = None
        if turn.before is None:
            evidence, *of_parts = self._reader.read([query, *found.parts], passages)
        else:
            earlier_query = self._searched(turn.before, understand(turn.before.asks))
            passages = np.union1d(passages, earlier_query.passages)
            evidence, of_before, *of_parts = self._reader.read(
                [query, earlier_query.query, *found.parts], passages
            )
            before = weigh(earlier_query.query, of_before)
        reading = judged = weigh(query, evidence, before)
        if before is not None and query.typed.all():
            judged = weigh(query, evidence)
        watch.lap("read")
        relevance = self._relevance(understood, query, evidence, reading)
        if understood.kind == "comparison":
            for side, of_side in zip(found.parts, of_parts, strict=True):
                of_it = self._relevance(understood, side, of_side, weigh(side, of_side))
                # Its best counts as much as the other side's.
                relevance = np.maximum(relevance, of_it / of_it.max())
        coverage = self._coverage(understood, query, evidence, judged, relevance)
        uncovered: tuple[str, ...] = ()
        if understood.kind != "comparison":
            judgements = list(map(self._judge, found.parts, of_parts))
            coverage = max((sure for sure, _ in judgements), default=coverage)
            answered = [
                of_it / of_it.max() for sure, of_it in judgements if sure >= self._threshold
            ]
            if answered:
                relevance = np.max(answered, axis=0)
                uncovered = tuple(
                    asked
                    for asked, (sure, _) in zip(questions_in(turn.text), judgements, strict=True)
                    if sure < self._threshold
                )
        watch.lap("judge")
        return Analysis(
            turn.query,
            corrections,
            understood,
            query,
            evidence,
            reading,
            judged,
            relevance,
            coverage,
            uncovered,
        )

    def _standalone(self, question: str, history: Sequence[str]) -> Standalone:
        return standalone(
            question,
            history,
            weight=self._lexicon.weight,
            likeness=self._likeness,
            titled=self._topics.__contains__,
        )

    def _cosines(self, ones: tuple[str, ...], others: tuple[str, ...]) -> NDArray[np.float32]:
        """(ones, others) cosine of each word and each other."""
        vectors = self._encoder.encode_sentences([*ones, *others])
        return vectors[: len(ones)] @ vectors[len(ones) :].T

    def _relevance(
        self, question: Question, query: Query, evidence: Evidence, reading: Reading
    ) -> NDArray[np.float64]:
        return self._weights.relevance(
            point_features(self.index, question, query, evidence, reading)
        )

    def _coverage(
        self,
        question: Question,
        query: Query,
        evidence: Evidence,
        reading: Reading,
        relevance: NDArray[np.float64],
    ) -> float:
        features = coverage_features(self.index, question, query, evidence, reading, relevance)
        return float(self._weights.coverage(features[None])[0])

    def _judge(self, part: Query, evidence: Evidence) -> tuple[float, NDArray[np.float64]]:
        """Coverage and relevance for one of two questions that are asked in one."""
        question, reading = understand(part.text), weigh(part, evidence)
        relevance = self._relevance(question, part, evidence, reading)
        return self._coverage(question, part, evidence, reading, relevance), relevance

    @property
    def _threshold(self) -> float:
        """The confidence from which a question is answered."""
        set_to = self._settings.threshold
        return self._weights.threshold if set_to is None else set_to

    def _searched(self, turn: Standalone, understood: Question) -> _Found:
        if understood.kind == "comparison":
            parts = tuple(map(Search, sides(turn.text)))
        else:
            both = questions_in(turn.text)
            earlier = [turn.before.query] if turn.before and turn.context else []
            turns = (
                self._standalone(part, [*earlier, *both[:place]]) for place, part in enumerate(both)
            )
            parts = tuple(map(_search_for, turns))
        return self._search(_search_for(turn), parts)

    def _find(self, search: Search, parts: tuple[Search, ...]) -> _Found:
        """Find passages for a question, and embed its parts along with it."""
        query, *of_parts = prepare([search, *parts], self._encoder, self._lexicon)
        passages = retrieve(self.index, query, self._settings.candidates)
        named = self._topics.named(query.text)[:_MOST_NAMED]
        if named:
            # A heading that is named is given whole, so all that stands under it must be read.
            of_named, _ = self.index.section_passages(np.array(named, np.int64))
            passages = np.union1d(passages, of_named)
        return _Found(query, tuple(of_parts), passages)

    def _answer(self, question: str, analysis: Analysis) -> Answer:
        if analysis.confidence < self._threshold:
            said = analysis.reading.section_matched @ analysis.reading.weights
            nearest = nearest_headings(self.index, analysis.evidence, analysis.relevance, said)
            return Answer(
                question=question,
                query=analysis.query,
                covered=False,
                confidence=analysis.confidence,
                answer=refuse(nearest),
                nearest=nearest,
                kind="refusal",
                corrections=analysis.corrections,
            )
        keep = self._weights.keep[analysis.question.kind]
        groups = choose(
            self.index,
            analysis.question,
            analysis.searched,
            analysis.evidence,
            analysis.relevance,
            keep,
        )
        points, citations = cite(self.index, groups)
        return Answer(
            question=question,
            query=analysis.query,
            covered=True,
            confidence=analysis.confidence,
            answer=compose(points, citations, analysis.uncovered),
            points=points,
            citations=citations,
            corrections=analysis.corrections,
            uncovered=analysis.uncovered,
        )

    def _checked(self, question: str) -> str:
        limit = self._settings.max_question_chars
        if len(question) > limit:
            raise QuestionError(
                f"The question has {len(question)} characters; the most is {limit}. Shorten it."
            )
        asked = self._clean(question)
        if not asked:
            raise QuestionError("The question is empty. Type one.")
        return asked

    def _clean(self, question: str) -> str:
        limited = question[: self._settings.max_question_chars]
        cleaned = " ".join(repair(_CONTROL.sub(" ", limited)).split())
        asked = _MARKS.sub("", cleaned)
        return asked if words(asked) else cleaned

    def _mend(self, text: str, most: int) -> tuple[str, tuple[Correction, ...], int]:
        """Read abbreviations in full and misspelt words as what they meant.

        Args:
            text: A question.
            most: Words that may be looked up in vain; those beyond are left as they are.

        Returns:
            The text mended, what was corrected, and how many words were looked up.
        """
        looked_up = 0
        text = self._lexicon.joined(self._lexicon.spelt_out(text))
        typed = list(_TYPED.finditer(text))
        read = [word.group() for word in typed]
        corrected: set[int] = set()
        for place, word in enumerate(typed):
            if self._lexicon.doubts(word.group()):
                if looked_up == most:
                    continue
                looked_up += 1
            if _is_letter_of_compound(text, word):
                continue
            long, meant = self._meant(word.group())
            if meant is not None:
                read[place] = meant
                if long is None:
                    corrected.add(place)
        for place, (before, word, after) in enumerate(
            zip(["", *read], typed, [*read[1:], ""], strict=False)
        ):
            if read[place] == word.group():
                meant = self._lexicon.correct_beside(word.group(), before, after)
                if meant is not None:
                    read[place] = meant
                    corrected.add(place)
        pieces: list[str] = []
        position = 0
        for word, meant in zip(typed, read, strict=True):
            pieces += [text[position : word.start()], meant]
            position = word.end()
        corrections = (Correction(typed[place].group(), read[place]) for place in sorted(corrected))
        mended = self._lexicon.without_first_names("".join([*pieces, text[position:]]))
        return mended, tuple(corrections), looked_up

    def _find_meant(self, typed: str) -> tuple[str | None, str | None]:
        """What an abbreviation stands for, and what a typed word is to be read as, if anything."""
        long = (
            self._lexicon.long_form(typed)
            or self._lexicon.transliterated(typed)
            or self._lexicon.other_number(typed)
        )
        return long, long or self._lexicon.correct(typed)


def _says_something(asked: str) -> bool:
    """Whether there is a word in it, or a number that notes may name: ``1929``, but not ``2+2``."""
    return any(
        any(map(str.isalpha, word.text)) or len(word.text) >= _SHORTEST_YEAR
        for word in words(asked)
    )


def _is_letter_of_compound(text: str, word: re.Match[str]) -> bool:
    """Whether a word is a letter before or after a hyphen: the u of ``u-boat`` is no "you"."""
    beside = text[max(word.start() - 1, 0) : word.start()] + text[word.end() : word.end() + 1]
    return len(word.group()) == 1 and "-" in beside


def _search_for(turn: Standalone) -> Search:
    return Search(turn.text, turn.context, _share(turn))


def _share(turn: Standalone) -> float:
    """What the words a turn took over may weigh together, relative to those typed."""
    return _OLD_TOPIC_SHARE if turn.substitutes else _CONTEXT_SHARE


def lexicon_of(sections: Iterable[Section]) -> Lexicon:
    """The vocabulary of notes: every point and every heading counts as one text."""
    held = list(sections)
    texts = [point.text for section in held for point in section.points]
    return Lexicon([*texts, *(section.headings[-1] for section in held)])


def language_model_of(settings: Settings) -> LanguageModel | None:
    """The language model that the settings name, or None where they name none.

    Raises:
        LanguageModelError: They name one in part.
    """
    if not settings.writes:
        return None
    return LanguageModel(
        settings.llm_model,
        base_url=settings.llm_base_url,
        provider=settings.llm_provider,
        api_key=settings.llm_api_key,
        timeout=settings.llm_timeout,
        max_tokens=settings.llm_max_tokens,
    )


def check_language_model(settings: Settings) -> str | None:
    """Have the language model write a word, and say which one it is and where.

    Returns:
        A line for people, or None where no language model is set up.

    Raises:
        LanguageModelError: It cannot be used; the message says what mends it.
    """
    model = language_model_of(settings)
    if model is None:
        return None
    model.check()
    return f"{model.name} at {model.place} writes"


def _log_written(written: Written, seconds: float) -> None:
    """Log a line on a written answer: its cost and what was left of it, not what it says."""
    fields = {
        "model": written.model,
        "tokens_in": written.tokens_in,
        "tokens_out": written.tokens_out,
        "kept": len(written.sentences),
        "dropped": written.dropped,
        "reason": written.reason,
        "seconds": round(seconds, 6),
    }
    logger.info("written", extra={"fields": fields})


def build_index(
    corpus: Path | str | None = None,
    index: Path | str | None = None,
    *,
    settings: Settings | None = None,
    strict: bool = False,
    encoder: TextEncoder | None = None,
    progress: Progress | None = None,
    report: Callable[[str], None] | None = None,
) -> BuildReport:
    """Read a folder of notes and build its index; what did not change is not embedded again.

    Args:
        corpus: Folder of Markdown notes; that of the settings by default.
        index: Folder of the index; that of the settings by default.
        settings: Read from the environment by default.
        strict: Whether anything that cannot be read is an error.
        encoder: Loaded by default.
        progress: Called with the number of texts embedded and of texts to embed.
        report: Called with a line for whatever was passed over in the notes.

    Raises:
        CorpusError: The notes cannot be read.
        IndexUnusableError: The index cannot be written.
        ModelError: The encoder's files are missing or not the expected ones.
    """
    settings = settings or Settings.from_environment()
    source = Path(corpus) if corpus is not None else settings.corpus
    target = Path(index) if index is not None else settings.index
    notes = read_corpus(source, strict=strict)
    for problem in notes.problems:
        if report is not None:
            report(str(problem))
    built = build(
        notes,
        encoder or Encoder.load(),
        target,
        budget=settings.token_budget,
        terms=terms,
        folded=folded,
        expand=lexicon_of(notes.sections).expand,
        progress=progress,
    )
    _record_source(source, target)
    return built


def _record_source(source: Path, index: Path) -> None:
    folder = source.resolve()
    # Relative where that is possible, so that the two can be moved together.
    with suppress(ValueError):
        folder = Path(os.path.relpath(folder, index.resolve()))
    try:
        (index / SOURCE).write_text(folder.as_posix(), "utf-8")
    except OSError as error:
        raise IndexUnusableError(
            f"The index is built, but {index / SOURCE} cannot be written ({error.strerror}): "
            "make it writable, then run the command again."
        ) from error


def open_or_build(
    settings: Settings,
    *,
    refresh: bool = True,
    progress: Progress | None = None,
    report: Callable[[str], None] | None = None,
) -> Assistant:
    """Open the index, after building it where it is missing, damaged or older than the notes.

    Where the notes are not at hand, an index that is whole is opened as it is.

    Args:
        settings: Which notes, which index.
        refresh: Whether an index that is there may be built anew; otherwise it is opened as
            it is, whatever the notes have become.
        progress: As in `build_index`.
        report: As in `build_index`.

    Raises:
        CorpusError, IndexUnusableError, ModelError: As `build_index` and `Assistant.open`.
    """
    encoder = Encoder.load()
    if refresh and (settings.corpus.is_dir() or not settings.index.is_dir()):
        notes = read_corpus(settings.corpus)
        pages = {page.path: page.sha256 for page in notes.pages}
        stale = is_stale(
            settings.index, pages, budget=settings.token_budget, encoder_sha256=encoder.sha256
        )
        if stale:
            build_index(settings=settings, encoder=encoder, progress=progress, report=report)
    try:
        index = Index.open(settings.index, encoder_sha256=encoder.sha256)
    except IndexUnusableError as error:
        missing = isinstance(error, IndexMissingError)
        if not settings.corpus.is_dir() or not (refresh or missing):
            raise
        build_index(settings=settings, encoder=encoder, progress=progress, report=report)
        index = Index.open(settings.index, encoder_sha256=encoder.sha256)
    return Assistant(index, encoder, shipped_weights(), settings, language_model_of(settings))
