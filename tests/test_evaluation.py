"""Figures against values computed by hand, labels against the corpus, faults against words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askhistory.evaluation import (
    Gold,
    Label,
    LabelledQuestion,
    Quality,
    Sections,
    evaluate,
    evaluate_file,
    read_questions,
    resolve,
)
from askhistory.notes import read_corpus
from askhistory.schema import (
    Answer,
    Citation,
    CitedPoint,
    EvaluationError,
    Heading,
    Point,
    QuestionError,
    Section,
)

ROOT = Path(__file__).parents[1]
DATA = Path(__file__).parent / "data"
RAW_PAGE = ROOT.parent / "shared" / "notes" / "stalins-soviet-union.md"


def section(name: str, line: int, *texts: str, parent: tuple[str, ...] = ("Trees",)) -> Section:
    headings = (*parent, name)
    points = tuple(
        Point(text, "trees.md", headings, line + n, line + n, line + n)
        for n, text in enumerate(texts, start=1)
    )
    return Section("trees.md", headings, name.lower(), line, line + len(texts), points)


OAK = section("🌳 Oak", 10, "Oaks live long.", "An oak’s leaf is lobed.", "Oaks give acorns.")
PINE = section("Pine", 20, "Pines keep their needles.", "Pines give cones.")
FIR = section("Fir", 30, "Firs keep their needles.", "Fir cones stand up.")
AGE = section("Age", 40, "About 600 years.", parent=("Trees", "🌳 Oak"))
PINE_AGE = section("Age", 50, "About 300 years.", parent=("Trees", "Pine"))
BARE = section("Bare", 60)
SECTIONS = (OAK, PINE, FIR, AGE, PINE_AGE, BARE)


def label(heading: str, *points: str, lines: tuple[int, ...] = ()) -> Label:
    return Label((heading,), points, lines)


def covered(kind: str = "fact", **fields: Any) -> LabelledQuestion:
    return LabelledQuestion("q", "asked?", kind, **fields)


# ---------------------------------------------------------------------- labels → points


def test_a_label_means_all_points_under_its_heading_or_those_it_names() -> None:
    whole = resolve(covered(expected=(label("Oak"),)), SECTIONS)
    assert whole == Gold(expected=OAK.points, first=OAK.points, allowed=())

    named = covered(
        expected=(label("Pine", "give cones"), label("oak", "An OAK'S leaf", "acorns")),
        allowed=(label("Oak"), label("Fir", lines=(32,))),
        first=("cones",),
    )
    with pytest.raises(EvaluationError, match='"cones" is in 2 of the expected and allowed'):
        resolve(named, SECTIONS)
    assert resolve(replace(named, first=("acorns", 32)), SECTIONS) == Gold(
        expected=(PINE.points[1], OAK.points[1], OAK.points[2]),
        first=(OAK.points[2], FIR.points[1]),
        allowed=(OAK.points[0], FIR.points[1]),
    )


def test_a_longer_tail_tells_headings_of_one_name_apart() -> None:
    question = covered(expected=(Label(("Pine", "Age")),))
    assert resolve(question, SECTIONS).expected == PINE_AGE.points


def test_points_below_a_subheading_are_meant_where_the_heading_has_none_that_fits() -> None:
    below = section("Use", 60, "Ships.", "About 300 ships.", parent=("Trees", "Bare"))
    cones = section("Cones", 70, "They give cones in autumn.", parent=("Trees", "Pine"))
    sections = (*SECTIONS, below, cones)
    for wanted, points in (
        (label("Bare"), below.points),
        (label("Bare", "300"), below.points[1:]),
        (label("Bare", lines=(61,)), below.points[:1]),
        (label("Pine"), PINE.points),
        (label("Pine", "300"), PINE_AGE.points),
        (label("Pine", "give cones"), PINE.points[1:]),
    ):
        assert resolve(covered(expected=(wanted,)), sections).expected == points


def test_sections_of_one_path_are_read_as_one() -> None:
    again = section("Pine", 70, "Pines burn well.")
    question = covered(expected=(label("Pine"),))
    assert resolve(question, (*SECTIONS, again)).expected == (*PINE.points, *again.points)


def test_a_line_stands_for_all_points_on_it() -> None:
    on_one_line = [
        Point(text, "trees.md", ("Trees", "Elm"), 5, 6, number)
        for number, text in enumerate(("Elms fell ill.", "Few are left."))
    ]
    elm = Section("trees.md", ("Trees", "Elm"), "elm", 4, 6, tuple(on_one_line))
    found = resolve(covered(expected=(label("Elm", lines=(6,)),)), (elm,))
    assert found.expected == tuple(on_one_line)


@pytest.mark.parametrize(
    ("wanted", "fault"),
    [
        (label("Ash"), 'no heading "Ash" in this index'),
        (
            label("Age"),
            'more than one heading ends in "Age": "Trees › 🌳 Oak › Age" (trees.md), '
            '"Trees › Pine › Age" (trees.md); name more of the path',
        ),
        (label("Bare"), 'no point stands under "Bare"'),
        (label("Oak", "Oaks"), '"Oaks" is in 2 points under "Oak"; give a longer piece'),
        (
            label("Oak", "keep their needles."),
            '"keep their needles." is in no point under "Oak" '
            '(it is under "Trees › Pine", trees.md)',
        ),
        (label("Oak", "Beeches"), '"Beeches" is in no point under "Oak"'),
        (label("Oak", lines=(99,)), 'line 99 is in no point under "Oak"'),
    ],
)
def test_a_label_that_does_not_fit_the_index_is_named(wanted: Label, fault: str) -> None:
    question = replace(covered(expected=(wanted,)), id="b7", place="set.jsonl:3")
    with pytest.raises(EvaluationError) as caught:
        resolve(question, SECTIONS)
    assert str(caught.value) == f"set.jsonl:3: question 'b7': {fault}"


def test_all_that_is_wrong_with_a_question_is_said_at_once() -> None:
    question = covered(expected=(label("Ash"),), allowed=(label("Elm"),))
    with pytest.raises(EvaluationError) as caught:
        resolve(question, SECTIONS)
    assert str(caught.value) == (
        'question \'q\': no heading "Ash" in this index; no heading "Elm" in this index'
    )


# ------------------------------------------------------------------------------- reading


def written(folder: Path, *lines: str | Mapping[str, Any]) -> Path:
    path = folder / "set.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts), encoding="utf-8")
    return path


def test_the_shortest_question_has_words_and_headings(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        {"question": "how old?", "expected": [{"headings": ["Age"]}]},
        "",
        {"question": "and why?", "history": ["how old?"], "expected": [{"headings": ["Age"]}]},
        {"question": "who won?", "covered": False},
        {"question": "who lost?", "covered": False, "history": ["who won?"]},
    )
    ages = (Label(("Age",)),)
    assert read_questions(path) == (
        LabelledQuestion("1", "how old?", "question", expected=ages, place=f"{path}:1"),
        LabelledQuestion(
            "3", "and why?", "followup", history=("how old?",), expected=ages, place=f"{path}:3"
        ),
        LabelledQuestion("4", "who won?", "uncovered", covered=False, place=f"{path}:4"),
        LabelledQuestion(
            "5",
            "who lost?",
            "nearfollow",
            covered=False,
            history=("who won?",),
            place=f"{path}:5",
        ),
    )


def test_every_field_is_read(tmp_path: Path) -> None:
    line = {
        "id": "a1",
        "split": "dev",
        "kind": "followup",
        "question": "and pines?",
        "history": ["how old are oaks?"],
        "covered": True,
        "expected": [{"headings": ["Pine", "Age"], "points": ["300"]}],
        "first": ["300", 51],
        "allowed": [{"headings": ["Pine"], "lines": [21, 22]}],
        "note": "not read",
    }
    path = written(tmp_path, "\ufeff" + json.dumps(line))
    assert read_questions(path) == (
        LabelledQuestion(
            id="a1",
            question="and pines?",
            kind="followup",
            covered=True,
            history=("how old are oaks?",),
            expected=(Label(("Pine", "Age"), points=("300",)),),
            first=("300", 51),
            allowed=(Label(("Pine",), lines=(21, 22)),),
            split="dev",
            place=f"{path}:1",
        ),
    )


def test_a_split_keeps_its_half(tmp_path: Path) -> None:
    lines = [
        {"id": id, "split": split, "question": "who?", "covered": False}
        for id, split in (("a", "dev"), ("b", "test"), ("c", "dev"))
    ]
    path = written(tmp_path, *lines)
    assert [q.id for q in read_questions(path, "dev")] == ["a", "c"]
    assert [q.id for q in read_questions(path, "test")] == ["b"]
    only = written(tmp_path, lines[0])
    with pytest.raises(EvaluationError, match=r'set\.jsonl: no question has "split": "test"'):
        read_questions(only, "test")


GOOD = {"question": "how old?", "expected": [{"headings": ["Age"]}]}


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{", "not valid JSON (Expecting property name enclosed in double quotes at column 2)"),
        ("[" * 100_000, "nested too deeply to be a question"),
        ("[]", "not a JSON object"),
        (GOOD | {"expcted": []}, "unknown field 'expcted'; the fields are allowed, covered, "),
        (GOOD | {"question": " "}, '"question" must be a text that is not empty'),
        (GOOD | {"question": "\ud83d"}, '"question" must be a text that is not empty'),
        ('{"id": ' + 5000 * "1" + "}", "Exceeds the limit (4300 digits) for integer string"),
        (GOOD | {"id": 3}, '"id" must be a text that is not empty'),
        (GOOD | {"kind": []}, '"kind" must be a text that is not empty'),
        (GOOD | {"kind": "near"}, 'kind "near" is for uncovered questions'),
        (GOOD | {"kind": "followup"}, 'kind "followup" needs "history"'),
        ({"question": "a", "kind": "fact", "covered": False}, 'kind "fact" is for covered'),
        (GOOD | {"split": "train"}, '"split" must be "dev" or "test"'),
        (GOOD | {"history": "before"}, '"history" must be a list of texts'),
        (GOOD | {"covered": "yes"}, '"covered" must be true or false'),
        (GOOD | {"covered": False}, '"covered" is false, so "expected", "first" and "allowed"'),
        ({"question": "a"}, 'a covered question needs "expected"'),
        (GOOD | {"expected": "Age"}, '"expected" must be a list of objects with "headings"'),
        (GOOD | {"expected": ["Age"]}, 'each entry of "expected" must be an object with'),
        (GOOD | {"expected": [{"headings": "Age"}]}, '"headings" must be a list of texts'),
        (
            GOOD | {"expected": [{"headings": ["Age"], "point": ["a"]}]},
            "unknown field 'point' in \"expected\"",
        ),
        (
            GOOD | {"allowed": [{"headings": ["Age"], "points": ["a"], "lines": [1]}]},
            'an entry of "allowed" has both "points" and "lines"',
        ),
        (
            GOOD | {"expected": [{"headings": ["Age"], "lines": [0]}]},
            '"lines" in "expected" must be a list of line numbers from 1',
        ),
        (
            GOOD | {"expected": [{"headings": ["Age"], "points": []}]},
            'an entry of "expected" has an empty list of points',
        ),
        (GOOD | {"first": [True]}, '"first" must be a list of texts or line numbers'),
    ],
)
def test_a_line_that_is_wrong_is_named(
    tmp_path: Path, line: str | Mapping[str, Any], fault: str
) -> None:
    path = written(tmp_path, GOOD, line)
    with pytest.raises(EvaluationError) as caught:
        read_questions(path)
    message = str(caught.value)
    assert message.startswith(f"{path}:2: {fault}")
    assert message.endswith(" The format is described in docs/evaluation.md.")


def test_an_id_stands_for_one_question(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD | {"id": "a"}, GOOD | {"id": "a"})
    with pytest.raises(EvaluationError) as caught:
        read_questions(path)
    assert str(caught.value) == (
        f"{path}:2: the id 'a' is already that of {path}:1; give each question its own"
    )


def test_files_that_hold_no_questions_are_named(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"absent\.jsonl: cannot be read \(No such file"):
        read_questions(tmp_path / "absent.jsonl")
    with pytest.raises(EvaluationError, match=r"cannot be read \(Is a directory"):
        read_questions(tmp_path)
    with pytest.raises(EvaluationError, match=r"set\.jsonl: holds no question\."):
        read_questions(written(tmp_path, "", " "))
    latin = tmp_path / "latin.jsonl"
    latin.write_bytes(b'{"question": "a", "covered": false}\n{"question": "F\xfchrer?"}\n')
    with pytest.raises(EvaluationError, match=r"latin\.jsonl:2: not UTF-8; save the file"):
        read_questions(latin)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)
FIELDS = st.sampled_from(["question", "id", "kind", "covered", "history", "expected", "first"])


@given(st.binary() | st.dictionaries(FIELDS, JSON_VALUES).map(lambda d: json.dumps(d).encode()))
def test_any_file_gives_questions_or_a_fault_that_names_it(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "set.jsonl"
    path.write_bytes(content)
    fault = None
    try:
        questions = read_questions(path)
    except EvaluationError as error:
        fault = str(error)
    if fault is None:
        assert all(question.question.strip() for question in questions)
    else:
        assert fault.startswith(str(path))


# ------------------------------------------------------------------------------- figures


@dataclass(frozen=True)
class FakeIndex:
    sections: tuple[Section, ...] = SECTIONS


class FakeAssistant:
    """Gives each question the answer prepared for it."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.index = FakeIndex()
        self.answers = answers
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def ask(self, question: str, history: Sequence[str] = ()) -> Answer:
        self.asked.append((question, tuple(history)))
        return self.answers[question]


def cited(point: Point, citation: int, also: tuple[int, ...] = ()) -> CitedPoint:
    return CitedPoint(
        point.text, point.headings, point.page, point.line, point.end_line, 0.5, citation, also
    )


def citation(number: int, *points: Point) -> Citation:
    lines = [point.line for point in points]
    return Citation(number, points[0].headings, points[0].page, "", min(lines), max(lines))


def answer(question: str, confidence: float, *points: Point) -> Answer:
    return Answer(
        question,
        question,
        covered=True,
        confidence=confidence,
        answer="",
        points=tuple(cited(point, n) for n, point in enumerate(points, start=1)),
        citations=tuple(citation(n, point) for n, point in enumerate(points, start=1)),
    )


def refusal(question: str, confidence: float, *nearest: Section) -> Answer:
    headings = tuple(Heading(s.headings, s.page, s.anchor) for s in nearest)
    return Answer(question, question, False, confidence, "", nearest=headings, kind="refusal")


def reply(question: str) -> Answer:
    return Answer(question, question, False, 0.0, "Hello!", kind="reply")


QUESTIONS = (
    # Right in every way.
    LabelledQuestion("c1", "leaf?", "fact", expected=(label("Oak", "lobed"),)),
    # Second section right; of two points one found, one allowed, one wrong.
    LabelledQuestion(
        "c2",
        "cones?",
        "list",
        expected=(label("Pine", "cones"), label("Fir", "stand up")),
        allowed=(label("Pine"),),
    ),
    # Refused needlessly, the right heading named second.
    LabelledQuestion("c3", "fir needles?", "fact", expected=(label("Fir", "needles"),)),
    # A follow-up whose right section comes fourth.
    LabelledQuestion(
        "c4", "and pines?", "followup", history=("how old?",), expected=(Label(("Pine", "Age")),)
    ),
    LabelledQuestion("u1", "who won?", "far", covered=False),
    LabelledQuestion("u2", "how tall?", "near", covered=False),
    LabelledQuestion("u3", "whose oak?", "near", covered=False),
    LabelledQuestion("s1", "hi", "smalltalk", covered=False),
    LabelledQuestion("s2", "thx", "smalltalk", covered=False),
)


def prepared() -> FakeAssistant:
    return FakeAssistant(
        {
            "leaf?": answer("leaf?", 0.9, OAK.points[1]),
            "cones?": answer("cones?", 0.8, OAK.points[2], PINE.points[0], PINE.points[1]),
            "fir needles?": refusal("fir needles?", 0.3, PINE, FIR),
            "and pines?": answer(
                "and pines?", 0.6, OAK.points[0], PINE.points[0], FIR.points[0], *PINE_AGE.points
            ),
            "who won?": refusal("who won?", 0.1),
            "how tall?": answer("how tall?", 0.7, FIR.points[1]),
            "whose oak?": refusal("whose oak?", 0.3, OAK),
            "hi": reply("hi"),
            "thx": refusal("thx", 0.0),
        }
    )


def test_figures_are_those_computed_by_hand() -> None:
    assistant = prepared()
    report = evaluate(assistant, QUESTIONS)
    assert assistant.asked[3] == ("and pines?", ("how old?",))
    assert (report.covered, report.uncovered, report.smalltalk) == (4, 3, 2)
    # Ranks 1, 2, none (refused), 4; recall 1, 1/2, 0, 1; precision 1, 1/2, –, 1/4.
    assert report.over_all == Quality(
        questions=4,
        section_recall_1=1 / 4,
        section_recall_3=2 / 4,
        section_mrr=(1 + 1 / 2 + 0 + 1 / 4) / 4,
        first_point=1 / 4,
        point_recall=(1 + 1 / 2 + 0 + 1) / 4,
        point_precision=pytest.approx((1 + 1 / 2 + 1 / 4) / 3),
    )
    assert report.over_answered == Quality(
        questions=3,
        section_recall_1=pytest.approx(1 / 3),
        section_recall_3=pytest.approx(2 / 3),
        section_mrr=pytest.approx((1 + 1 / 2 + 1 / 4) / 3),
        first_point=pytest.approx(1 / 3),
        point_recall=pytest.approx((1 + 1 / 2 + 1) / 3),
        point_precision=pytest.approx((1 + 1 / 2 + 1 / 4) / 3),
    )
    # The refusal names the right heading second.
    assert report.located == Sections(1 / 4, 3 / 4, (1 + 1 / 2 + 1 / 2 + 1 / 4) / 4)
    assert report.answered == 3 / 4
    assert report.refused == pytest.approx(2 / 3)
    assert report.replied == 1 / 2
    assert report.followups_resolved == 0
    # Answers: leaf right; cones, pines and tall wrong.
    assert report.wrong_answers == 3 / 4
    # Of 12 pairs: 0.9 and 0.8 win 3 each, 0.6 wins 2, 0.3 wins 1 and ties 1.
    assert report.auroc == pytest.approx((3 + 3 + 2 + 1.5) / 12)
    assert [(p.confidence, p.covered, p.uncovered) for p in report.curve] == [
        (0.1, 1, 1),
        (0.2, 1, pytest.approx(2 / 3)),
        (0.3, 1, pytest.approx(2 / 3)),
        (0.4, 0.75, pytest.approx(1 / 3)),
        (0.5, 0.75, pytest.approx(1 / 3)),
        (0.6, 0.75, pytest.approx(1 / 3)),
        (0.7, 0.5, pytest.approx(1 / 3)),
        (0.8, 0.5, 0),
        (0.9, 0.25, 0),
    ]
    assert [(k.kind, k.covered, k.questions, k.right) for k in report.kinds] == [
        ("fact", True, 2, 0.5),
        ("list", True, 1, 1),
        ("followup", True, 1, 1),
        ("far", False, 1, 1),
        ("near", False, 2, 0.5),
        ("smalltalk", False, 2, 0.5),
    ]
    assert report.kinds[0].quality == Quality(2, 0.5, 0.5, 0.5, 0.5, 0.5, 1)
    assert report.kinds[1].quality == Quality(1, 0, 1, 0.5, 0, 0.5, 0.5)
    assert report.kinds[3].quality is None


def test_failures_say_what_was_expected_and_what_came() -> None:
    failures = {failure.id: failure for failure in evaluate(prepared(), QUESTIONS).failures}
    assert list(failures) == ["c2", "c3", "c4", "u2", "s2"]
    assert failures["c2"].problems == (
        "wrong section first",
        "wrong first point",
        "1 of 2 points missing",
        "1 of 3 points do not belong",
    )
    assert failures["c2"].expected == (
        "Pine (trees.md:22): Pines give cones.",
        "Fir (trees.md:32): Fir cones stand up.",
    )
    assert failures["c2"].came[0] == "🌳 Oak (trees.md:13): Oaks give acorns."
    assert failures["c3"].problems == ("not answered",)
    assert failures["c3"].came == ("a refusal; nearest: Pine; Fir",)
    assert failures["c4"].history == ("how old?",)
    assert failures["u2"].problems == ("not refused",)
    assert failures["u2"].expected == ("a refusal",)
    assert failures["s2"].problems == ("no reply",)
    assert (failures["s2"].expected, failures["s2"].came) == (
        ("a reply",),
        ("a refusal; nearest: none",),
    )


def test_a_point_with_further_citations_stands_for_its_twins() -> None:
    """One point shown for two sections that say the same is neither half nor extra."""
    shown = Answer(
        "needles?",
        "needles?",
        covered=True,
        confidence=1,
        answer="",
        points=(cited(PINE.points[0], 1, also=(2,)), cited(FIR.points[1], 2)),
        citations=(citation(1, PINE.points[0]), citation(2, *FIR.points)),
    )
    both = LabelledQuestion(
        "t", "needles?", "list", expected=(label("Fir", "keep"), label("Pine", "keep"))
    )
    quality = evaluate(FakeAssistant({"needles?": shown}), [both]).over_all
    assert (quality.point_recall, quality.point_precision) == (1, pytest.approx(2 / 3))

    other = replace(both, expected=(label("Fir", "keep"),))
    quality = evaluate(FakeAssistant({"needles?": shown}), [other]).over_all
    assert (quality.section_mrr, quality.first_point, quality.point_recall) == (0.5, 1, 1)
    # The twin does not make right what only shares its section.
    assert quality.point_precision == 0.5


def test_a_twin_is_the_likest_unshown_point_on_the_cited_lines() -> None:
    elm = section(
        "Elm",
        70,
        "Pines keep all their needles.",  # not on the cited lines
        "Pines keep their needles!",  # in the answer itself
        "Elms keep no needles.",  # the twin
        "Few are left.",  # unlike it
        "Pines keep all their needles!",  # not on the cited lines
    )
    shown = Answer(
        "needles?",
        "needles?",
        covered=True,
        confidence=1,
        answer="",
        points=(cited(elm.points[1], 2), cited(PINE.points[0], 1, also=(2,))),
        citations=(citation(1, PINE.points[0]), citation(2, *elm.points[1:4])),
    )

    def recall(line: int) -> float | None:
        assistant = FakeAssistant({"needles?": shown})
        assistant.index = FakeIndex((*SECTIONS, elm))
        question = covered(expected=(label("Elm", lines=(line,)),))
        return evaluate(assistant, [replace(question, question="needles?")]).over_all.point_recall

    assert [recall(point.line) for point in elm.points] == [0, 1, 1, 0, 0]


def test_a_section_cited_further_is_ranked_behind_the_point_s_own() -> None:
    shown = Answer(
        "needles?",
        "needles?",
        covered=True,
        confidence=1,
        answer="",
        points=(cited(PINE.points[0], 1, also=(2,)), cited(OAK.points[0], 3)),
        citations=(
            citation(1, PINE.points[0]),
            citation(2, FIR.points[0]),
            citation(3, OAK.points[0]),
        ),
    )
    assistant = FakeAssistant({"needles?": shown})
    ranks = [
        evaluate(assistant, [replace(covered(expected=(label(h),)), question="needles?")])
        for h in ("Pine", "Fir", "Oak")
    ]
    assert [report.over_all.section_mrr for report in ranks] == [1, 1 / 2, pytest.approx(1 / 3)]


def test_only_a_refusal_refuses_and_only_a_reply_replies() -> None:
    uncovered = LabelledQuestion("u", "x", "near", covered=False)
    small_talk = LabelledQuestion("s", "x", "smalltalk", covered=False)
    for come, refused, replied in (
        (reply("x"), 0, 1),
        (refusal("x", 0), 1, 0),
        (answer("x", 1, OAK.points[0]), 0, 0),
    ):
        report = evaluate(FakeAssistant({"x": come}), [uncovered, small_talk])
        assert (report.refused, report.replied) == (refused, replied)


def test_follow_ups_are_those_labelled_so() -> None:
    misspelt = replace(QUESTIONS[3], id="m", kind="misspelt")
    right = replace(QUESTIONS[3], id="r", expected=(label("Oak", "live long"),))
    report = evaluate(prepared(), [misspelt, right])
    assert report.followups_resolved == 1
    assert report.over_all.first_point == 0.5


def test_allowed_points_count_neither_way() -> None:
    question = LabelledQuestion(
        "a", "oaks?", "fact", expected=(label("Oak", "acorns"),), allowed=(label("Oak"),)
    )
    assistant = FakeAssistant({"oaks?": answer("oaks?", 1, OAK.points[0])})
    quality = evaluate(assistant, [question]).over_all
    assert quality == Quality(1, 1, 1, 1, 0, 0, None)
    first = evaluate(assistant, [replace(question, first=("live long",))]).over_all
    assert first == Quality(1, 1, 1, 1, 1, 0, None)


def test_a_section_of_a_point_that_may_come_first_is_right() -> None:
    question = LabelledQuestion(
        "a",
        "cones?",
        "fact",
        expected=(label("Pine", "cones"),),
        allowed=(label("Fir", "cones"),),
        first=("Pines give", "Fir cones"),
    )
    assistant = FakeAssistant({"cones?": answer("cones?", 1, FIR.points[1])})
    assert evaluate(assistant, [question]).over_all == Quality(1, 1, 1, 1, 1, 0, None)


def test_a_covered_question_that_gets_a_reply_is_not_answered() -> None:
    question = LabelledQuestion("a", "hi", "fact", expected=(label("Oak"),))
    report = evaluate(FakeAssistant({"hi": reply("hi")}), [question])
    assert report.answered == 0
    assert report.failures[0].came == ("a reply",)


def test_what_cannot_be_averaged_is_left_open() -> None:
    report = evaluate(prepared(), [QUESTIONS[4]])
    assert report.over_all == Quality(0, None, None, None, None, None, None)
    assert report.located == Sections(None, None, None)
    assert (report.answered, report.refused, report.replied) == (None, 1, None)
    assert (report.auroc, report.wrong_answers, report.followups_resolved) == (None, None, None)
    assert report.curve[0].covered is None
    assert report.failures == ()
    assert "No failures" in report.to_text(failures=True)
    assert json.loads(json.dumps(report.to_dict()))["auroc"] is None


def test_progress_counts_the_questions_asked() -> None:
    steps: list[tuple[int, int]] = []
    evaluate(prepared(), QUESTIONS[:3], lambda done, total: steps.append((done, total)))
    assert steps == [(1, 3), (2, 3), (3, 3)]


def test_labels_are_checked_before_anything_is_asked() -> None:
    assistant = prepared()
    wrong = [
        LabelledQuestion(id, "leaf?", "fact", expected=(label(heading),), place=f"set.jsonl:{id}")
        for id, heading in (("1", "Ash"), ("2", "Oak"), ("3", "Elm"))
    ]
    with pytest.raises(EvaluationError) as caught:
        evaluate(assistant, wrong)
    assert assistant.asked == []
    assert str(caught.value) == (
        "set.jsonl:1: question '1': no heading \"Ash\" in this index\n"
        "set.jsonl:3: question '3': no heading \"Elm\" in this index\n"
        "Correct the labels, or name the index of the notes that they were written for (--index)."
    )


def test_a_question_that_is_not_taken_is_named() -> None:
    class Strict(FakeAssistant):
        def ask(self, question: str, history: Sequence[str] = ()) -> Answer:
            raise QuestionError("the question is too long")

    question = replace(QUESTIONS[0], place="set.jsonl:1")
    with pytest.raises(EvaluationError) as caught:
        evaluate(Strict({}), [question])
    assert str(caught.value) == "set.jsonl:1: question 'c1': the question is too long"


def test_a_file_is_evaluated_by_its_split(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        {
            "id": "a",
            "split": "dev",
            "question": "leaf?",
            "expected": [{"headings": ["Oak"], "points": ["lobed"]}],
        },
        {"id": "b", "split": "test", "question": "how tall?", "covered": False},
    )
    assert evaluate_file(prepared(), path, "dev").answered == 1
    assert evaluate_file(prepared(), path, "test").refused == 0
    report = evaluate_file(prepared(), path)
    assert (report.answered, report.refused, report.wrong_answers) == (1, 0, 0.5)


# ------------------------------------------------------------------------------- output

TABLES = """\
4 covered questions, 3 uncovered, 2 small talk

Covered questions                   all  answered  with nearest
---------------------------------------------------------------
Right section first               0.250     0.333         0.250
Right section in the first three  0.500     0.667         0.750
Section MRR                       0.438     0.583         0.562
First point right                 0.250     0.333
Point recall                      0.625     0.833
Point precision                   0.583     0.583

All questions                 share
-----------------------------------
Covered questions answered    0.750
Uncovered questions refused   0.667
Small talk replied to         0.500
Follow-ups resolved           0.000
Answers given that are wrong  0.750
AUROC of confidence           0.792

Covered kind  n  answered  section@1  section@3  first  recall  precision
-------------------------------------------------------------------------
fact          2     0.500      0.500      0.500  0.500   0.500      1.000
list          1     1.000      0.000      1.000  0.000   0.500      0.500
followup      1     1.000      0.000      0.000  0.000   1.000      0.250

Other kind  n  as it should be
------------------------------
far         1            1.000
near        2            0.500
smalltalk   2            0.500

Confidence at least  covered answered  uncovered answered
---------------------------------------------------------
0.1                             1.000               1.000
0.2                             1.000               0.667
0.3                             1.000               0.667
0.4                             0.750               0.333
0.5                             0.750               0.333
0.6                             0.750               0.333
0.7                             0.500               0.333
0.8                             0.500               0.000
0.9                             0.250               0.000
"""


def test_tables_for_a_terminal() -> None:
    report = evaluate(prepared(), QUESTIONS)
    assert report.to_text() == TABLES
    listed = report.to_text(failures=True)
    assert listed.startswith(TABLES)
    assert listed[len(TABLES) :].startswith("\n5 failures\n\nc2 (list, 0.80): cones?\n")
    assert (
        "c4 (followup, 0.60): and pines?\n"
        "  after:    how old?\n"
        "  problem:  wrong section first; wrong first point; 3 of 4 points do not belong\n"
        "  expected: Pine › Age (trees.md:51): About 300 years.\n"
        "  came:     🌳 Oak (trees.md:11): Oaks live long.\n"
        "            Pine (trees.md:21): Pines keep their needles.\n"
    ) in listed


def test_the_json_form_rounds_figures() -> None:
    data = evaluate(prepared(), QUESTIONS).to_dict()
    assert data["refused"] == 0.6667
    assert data["over_all"]["section_recall_1"] == 0.25
    assert data["kinds"][0]["quality"]["questions"] == 2
    assert data["failures"][0]["problems"][0] == "wrong section first"
    assert json.loads(json.dumps(data)) == data


# ------------------------------------------------------------------------- our own sets


def test_our_questions_fit_our_corpus() -> None:
    sections = read_corpus(ROOT / "corpus").sections
    questions = read_questions(DATA / "questions.jsonl")
    for question in questions:
        assert bool(resolve(question, sections).expected) == question.covered
    for split in ("dev", "test"):
        half = [question for question in questions if question.split == split]
        assert sum(question.covered for question in half) >= 100
        assert sum(not question.covered for question in half) >= 40


def test_no_question_is_in_both_halves() -> None:
    halves: dict[str | None, set[tuple[str, ...]]] = {"dev": set(), "test": set()}
    for name in ("questions.jsonl", "raw-page.jsonl"):
        for question in read_questions(DATA / name):
            words = "".join(c for c in question.question.casefold() if c.isalnum() or c == " ")
            halves[question.split].add((*question.history, words))
    assert halves["dev"] & halves["test"] == set()


def test_questions_on_the_raw_page_fit_it(tmp_path: Path) -> None:
    if not RAW_PAGE.exists():
        pytest.skip("the raw notes page is not beside the repository")
    (tmp_path / RAW_PAGE.name).write_bytes(RAW_PAGE.read_bytes())
    sections = read_corpus(tmp_path).sections
    for question in read_questions(DATA / "raw-page.jsonl"):
        assert bool(resolve(question, sections).expected) == question.covered


def test_the_documented_examples_and_numbers_hold(tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")
    examples = [line for line in guide.splitlines() if line.startswith('{"question"')]
    questions = read_questions(written(tmp_path, *examples))
    sections = read_corpus(ROOT / "corpus").sections
    assert [len(resolve(question, sections).expected) for question in questions] == [4, 0, 1]
    for name, split in product(("questions", "raw-page"), ("dev", "test")):
        half = [q for q in read_questions(DATA / f"{name}.jsonl") if q.split == split]
        row = next(
            line for line in guide.splitlines() if f"{name}.jsonl`" in line and f"`{split}`" in line
        )
        assert f"| {len(half)} ({sum(q.covered for q in half)} covered)" in row
