"""What holds for any notes: written by a model that knows the outcome, or by chance."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import ftfy
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from askhistory.notes import parse_page, read_corpus
from askhistory.schema import CorpusError, Page, Point

# ------------------------------------------------------------- notes with a known outcome

# Words that start a sentence and neither end one nor join two lines.
WORDS = st.lists(
    st.sampled_from(["Kulaks", "Grain", "Purges", "Trotsky", "1928", "70%", "Coal", "Łódź"]),
    min_size=1,
    max_size=5,
).map(" ".join)


@dataclass
class Expected:
    """What notes should be read as, written down while they are made."""

    lines: list[str] = field(default_factory=list)
    path: list[tuple[int, str]] = field(default_factory=lambda: [(1, "Title")])
    points: list[tuple[str, tuple[str, ...], int, int]] = field(default_factory=list)

    def write(self, *lines: str) -> None:
        self.lines += lines

    def point(self, text: str, depth: int = 0, group: str | None = None) -> None:
        """Expect a point on the line written last."""
        path = (*(heading for _, heading in self.path), *([group] if group else []))
        self.points.append((text, path, len(self.lines), depth))

    def heading(self, level: int, text: str) -> None:
        self.path = [(above, name) for above, name in self.path if above < level]
        self.path.append((level, text))


def add_heading(draw: st.DrawFn, made: Expected) -> None:
    level, text = draw(st.integers(2, 6)), draw(WORDS)
    mark = draw(st.sampled_from(["", "**"]))
    made.write(f"{'#' * level} {mark}{text}{mark}")
    made.heading(level, text)


def add_bullets(draw: st.DrawFn, made: Expected) -> None:
    bullet, depth = draw(st.sampled_from(["*", "-", "1."])), 0
    for place in range(draw(st.integers(1, 5))):
        depth = draw(st.integers(0, depth + 1)) if place else 0
        text = draw(WORDS)
        made.write(f"{' ' * (len(bullet) + 1) * depth}{bullet} {text}&#x20;")
        made.point(text, depth)


def add_group(draw: st.DrawFn, made: Expected) -> None:
    title = draw(WORDS)
    made.write(draw(st.sampled_from([f"* **{title}**", f"- **{title}:**", f"+ **{title}**:"])))
    for text in draw(st.lists(WORDS, min_size=1, max_size=3)):
        made.write(f"  * {text}")
        made.point(text, group=title)


def add_facts(draw: st.DrawFn, made: Expected) -> None:
    for year in range(draw(st.integers(2, 4))):
        made.write(f"Plan - 192{year} - coal")
        made.point(made.lines[-1])


def add_fence(draw: st.DrawFn, made: Expected) -> None:
    made.write(draw(st.sampled_from(["```", "```text"])))
    add_facts(draw, made)
    made.write("```")


def add_hint(draw: st.DrawFn, made: Expected) -> None:
    made.write('{% hint style="info" %}', draw(WORDS), "{% endhint %}")
    text = made.lines[-2]
    made.lines.pop()
    made.point(text)
    made.write("{% endhint %}")


def add_table(draw: st.DrawFn, made: Expected) -> None:
    made.write("| Plan | Result |", "|---|---|")
    for text in draw(st.lists(WORDS, max_size=3)):
        made.write(f"| {text} | **Coal** |")
        made.point(f"Plan: {text}; Result: Coal")


def add_tab(draw: st.DrawFn, made: Expected) -> None:
    title, text = draw(WORDS), draw(WORDS)
    made.write("{% tabs %}", f'{{% tab title="{title}" %}}', f"* {text}")
    made.point(text, group=title)
    made.write("{% endtab %}", "{% endtabs %}")


BLOCKS = (
    add_heading,
    add_bullets,
    add_group,
    add_facts,
    add_fence,
    add_hint,
    add_table,
    add_tab,
)


@st.composite
def notes(draw: st.DrawFn) -> Expected:
    made = Expected()
    made.write("# Title", "")
    for _ in range(draw(st.integers(1, 8))):
        draw(st.sampled_from(BLOCKS))(draw, made)
        made.write("")
    return made


@given(notes(), st.sampled_from(["\n", "\r\n"]))
def test_notes_are_read_as_they_were_meant(made: Expected, end: str) -> None:
    page, problems = parse_page(end.join(made.lines), "page.md")
    found = sorted((point for s in page.sections for point in s.points), key=lambda p: p.number)
    assert [(p.text, p.headings, p.line, p.depth) for p in found] == made.points
    assert [p.end_line for p in found] == [p.line for p in found]
    assert problems == ()


# --------------------------------------------------------------------- notes by chance

FRAGMENTS = st.sampled_from(
    """
    # A|## B|###C|**bold**|**|__|*|* |- |1. |1919. |  |    |\t|> |word|Two. Three|fact - 1925
    ```|```python|~~~|===|---|{% tab title="T" %}|{% endtab %}|{% hint %}|{% endhint %}|{% x
    <details>|<summary>s</summary>|</details>|<table><tr><th>a<td>b|</tr></table>|<p>|</p>|<br>
    <figure><img alt="q" src="a"><figcaption>|</figure>|<b>|</b>|<script>|</script>|<pre>|<!--|-->
    &amp;|&#x20;|&lt;|OR|S: |->|→|`|~~|[l](p.md)|[x](http://a)|![c](u)|[^1]|[^1]: note|\\|  |$$
    🪖|ðŸª–|â€™|é|ﬁ|\x85|\u2028|\x0b|\ufeff|\x00|{% embed caption="c" %}|**Aims**|**Aims:**
    """.replace("\n    ", "|")
    .strip("|")
    .split("|")
)
MARKDOWN = st.lists(st.one_of(FRAGMENTS, st.just("\n"), st.just("\n\n"), st.text(max_size=4))).map(
    "".join
)


def parse(markdown: str) -> Page | None:
    try:
        return parse_page(markdown, "page.md")[0]
    except CorpusError:
        return None


def in_order(page: Page) -> list[Point]:
    return sorted((p for s in page.sections for p in s.points), key=lambda point: point.number)


@given(MARKDOWN)
@example("* a\n  * b\n\n  **c**\n\n  * d")
@example("x\\\n")
@example("# A\n```\n\u2028\n\\\n")
def test_sections_and_points_are_consistent(markdown: str) -> None:
    page = parse(markdown)
    if page is None:
        return
    count = len(re.split(r"\r\n|\n|\r", markdown))
    points = in_order(page)
    assert [point.number for point in points] == list(range(len(points)))
    for section in page.sections:
        assert section.headings[0] == page.title
        assert all(section.headings)
        assert 1 <= section.line <= section.end_line <= count
        assert [p.number for p in section.points] == sorted(p.number for p in section.points)
        for point in section.points:
            assert (point.page, point.headings) == ("page.md", section.headings)
            assert 1 <= point.line <= point.end_line <= section.end_line
    for point in points:
        assert point.text == point.text.strip() != ""
        assert re.search(r"[^\W_]", point.text)
        assert (point.depth == 0) == (point.parent is None)
        if point.parent is not None:
            above = points[point.parent]
            assert above.number < point.number
            assert above.line <= point.line
            assert above.depth < point.depth
    real = [section.anchor for section in page.sections if not section.group and section.anchor]
    assert len(set(real)) == len(real)


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text)


def mended(lines: list[str]) -> str:
    """Lines of a file as a reader takes them, markup left in."""
    return mojibake(html.unescape("\n".join(mojibake(line) for line in lines)))


def mojibake(text: str) -> str:
    text = ftfy.fixes.fix_latin_ligatures(ftfy.fix_encoding(text))
    return unicodedata.normalize("NFC", INVISIBLE.sub("", text))


INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u2060-\u206f\u202a-\u202e\ufeff]")


def stand_in_order(parts: Iterable[object], whole: Iterable[object]) -> bool:
    remaining = iter(whole)
    return all(part in remaining for part in parts)


@given(MARKDOWN)
@example("Stalinâ€™s rul**e**&#x20;\nran on. Then\nhe left.")
@example("A `b\nc` d. Then e.\n")
@example("1919. **\nword")
def test_the_letters_of_a_point_stand_in_order_on_its_lines(markdown: str) -> None:
    page = parse(markdown)
    if page is None:
        return
    lines = re.split(r"\r\n|\n|\r", markdown)
    for point in in_order(page):
        # A row's column is named above it.
        text = re.sub(r"(?:^|; )a: ", " ", point.text) if "<table>" in markdown else point.text
        there = mended(lines[point.line - 1 : point.end_line])
        # Beyond ASCII, letters thrown together by chance may be mojibake once markup is gone.
        ours, theirs = (re.findall("[a-zA-Z0-9]", side) for side in (text, there))
        assert stand_in_order(ours, theirs), point


ROOT = Path(__file__).resolve().parents[1]
PAGES = [*ROOT.glob("corpus/*.md"), *ROOT.parent.glob("shared/notes/*.md")]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_words_of_a_point_stand_in_order_on_its_lines(path: Path) -> None:
    markdown = path.read_text("utf-8")
    lines = re.split(r"\r\n|\n|\r", markdown)
    for point in in_order(parse_page(markdown, path.name)[0]):
        there = [line.replace("*", "") for line in lines[point.line - 1 : point.end_line]]
        # A row's columns are named above it.
        above = re.findall(r"(?:^|; )([^:;]+): ", point.text) if there[0].startswith("|") else []
        text = point.text
        for column in above:
            text = text.replace(f"{column}: ", "", 1)
        assert stand_in_order(words(text), words(mended(there))), point


@given(MARKDOWN)
def test_reading_twice_gives_the_same(markdown: str) -> None:
    assert parse(markdown) == parse(markdown)


@given(MARKDOWN)
def test_other_line_ends_change_nothing(markdown: str) -> None:
    page, other = parse(markdown), parse(re.sub(r"\r\n|\r|\n", "\r\n", markdown))
    assert (page and page.sections) == (other and other.sections)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notes")
    (folder / "good.md").write_text("# Good\n* fact", "utf-8")
    return folder


@given(st.one_of(st.binary(), MARKDOWN.map(lambda text: text.encode("utf-8", "ignore"))))
@example(b"---\na: &a [*a, *a]\n---\n* x")
@example(b"---\n" + b"[" * 5000 + b"\n---\n* x")
@example(b"[" * 3000 + b"](x)")
@example(b"> " * 3000 + b"x")
@example(b"\xef\xbb\xbf---\n")
def test_arbitrary_bytes_never_stop_the_rest_from_being_read(folder: Path, data: bytes) -> None:
    (folder / "any.md").write_bytes(data)
    corpus = read_corpus(folder)
    paths = [page.path for page in corpus.pages]
    assert "good.md" in paths
    assert "any.md" in paths or [problem.page for problem in corpus.problems] == ["any.md"]
