"""Words: what counts as the same, how much a word says, what a misspelt one meant."""

from __future__ import annotations

import math
from collections import defaultdict

import pytest
import Stemmer
from hypothesis import example, given, settings
from hypothesis import strategies as st
from wordfreq import top_n_list

from askhistory.lexicon import (
    NUMBER_WORDS,
    Lexicon,
    fold,
    is_english,
    is_stopword,
    rarity,
    sounds,
    terms,
    words,
    years,
)

NOTES = (
    "The New Economic Policy (NEP) let peasants sell their grain.",
    "Each Five-Year Plan set targets for industry.",
    "The first Five-Year Plan began in 1928.",
    "Collectivization joined the farms into a kolkhoz.",
    "Trotsky, Zinoviev and Kamenev fell out with Stalin.",
    "The kulaks slaughtered their animals.",
    "The government held show trials of engineers.",
    "The OGPU (Organised Guard of Public Unity) arrested opponents.",
)
LEXICON = Lexicon(NOTES)


SAME = [
    ("collectivisation", "collectivization"),
    ("industrialised", "industrialized"),
    ("analyse", "analyze"),
    ("colour", "color"),
    ("labourers", "laborers"),
    ("favourite", "favorite"),
    ("defence", "defense"),
    ("licence", "license"),
    ("centre", "center"),
    ("theatres", "theaters"),
    ("travelled", "traveled"),
    ("modelling", "modeling"),
    ("fulfil", "fulfill"),
    ("catalogue", "catalog"),
    ("archaeology", "archeology"),
    ("First", "1st"),
    ("one", "1"),
    ("2nd", "second"),
    ("fourth", "four"),
    ("21st", "21"),
    ("1,000", "1000"),
    ("Stalin's", "STALIN"),
    ("Stalin’s", "stalin"),
    ("kulaks'", "kulak"),
    ("peasants", "peasant"),
    ("policies", "policy"),
    ("arrested", "arrests"),
    ("Führer", "fuhrer"),
    ("Brüning's", "bruning"),
]
"""Pairs of one word."""


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_ways_of_writing_a_word_fold_to_the_same(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("defences", "defense"),
        ("offences", "offence"),
        ("consequences", "consequence"),
        ("influenced", "influence"),
        ("sentences", "sentence"),
        ("killed", "kill"),
        ("killing", "kills"),
        ("called", "call"),
        ("rising", "rise"),
        ("heroes", "hero"),
        ("hundreds", "hundred"),
        ("massacred", "massacre"),
    ],
)
def test_levelling_british_spelling_leaves_inflection_levelled(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_few_frequent_words_that_the_stemmer_joins_are_parted_by_the_rules_of_spelling() -> None:
    stem = Stemmer.Stemmer("english").stemWord
    families: defaultdict[str, set[str]] = defaultdict(set)
    frequent = [
        word
        for word in top_n_list("en", 5000)
        if word.isascii() and word.isalpha() and len(word) > 2 and word not in NUMBER_WORDS
    ]
    for word in frequent:
        families[stem(word)].add(word)
    parted = [family for family in families.values() if len({fold(word) for word in family}) > 1]
    # Words that merely begin alike may be parted (television, televised), inflections may not.
    assert len(parted) <= 12, sorted(map(sorted, parted))


@pytest.mark.parametrize(
    ("one", "other"),
    [("Lenin", "Leningrad"), ("1928", "1929"), ("1st", "2nd"), ("party", "part"), ("war", "ware")],
)
def test_different_words_fold_differently(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(st.text(max_size=40))
@settings(max_examples=60)
def test_any_text_can_be_folded(text: str) -> None:
    assert isinstance(fold(text), str)
    assert all(fold(word.text) for word in words(text) if word.text.isascii())


@given(st.from_regex(r"[a-z]{3,12}", fullmatch=True).filter(lambda w: w not in NUMBER_WORDS))
@settings(max_examples=60)
def test_case_and_possessive_never_matter(word: str) -> None:
    assert {fold(word.upper()), fold(word.title()), fold(f"{word}'s"), fold(f"{word}’s")} == {
        fold(word)
    }


# A folded word folded again may change: the stemmer is not idempotent. Numbers do not change.
@given(st.integers(0, 10**9), st.sampled_from(["", "st", "nd", "rd", "th"]))
@settings(max_examples=40)
def test_a_folded_number_stays_as_it_is(number: int, ending: str) -> None:
    assert fold(f"{number:,}{ending}") == str(number) == fold(str(number))


@given(st.text(max_size=200))
@settings(max_examples=80)
def test_words_are_slices_of_the_text_in_order_and_hold_all_its_letters(text: str) -> None:
    found = words(text)
    assert [text[word.start : word.end] for word in found] == [word.text for word in found]
    places = [place for word in found for place in (word.start, word.end)]
    assert places == sorted(places)
    assert all(word.start < word.end for word in found)
    inside = {place for word in found for place in range(word.start, word.end)}
    assert {place for place, letter in enumerate(text) if letter.isalpha()} <= inside


def test_hyphens_and_slashes_part_words_and_apostrophes_do_not() -> None:
    text = "The Five-Year Plan's 1930s targets/quotas: 3.5% in the 2nd, 1,000 t."
    found = " ".join(word.text for word in words(text))
    assert found == "The Five Year Plan's 1930s targets quotas 3.5% in the 2nd 1,000 t"


def test_terms_are_folded_and_leave_grammar_out() -> None:
    assert terms("What were the second plan's aims?") == ["2", "plan", "aim"]
    assert terms("Who is it that they were?") == []


@pytest.mark.parametrize("word", ["the", "The", "don't", "don’t", "what"])
def test_stop_words_are_recognised_however_written(word: str) -> None:
    assert is_stopword(word)


@pytest.mark.parametrize("word", ["plan", "stalin", "", "1928"])
def test_words_of_content_are_no_stop_words(word: str) -> None:
    assert not is_stopword(word)


# --------------------------------------------------------------------- abbreviations


def test_abbreviations_are_learnt_from_the_notes() -> None:
    assert LEXICON.abbreviations == {
        "nep": "New Economic Policy",
        "ogpu": "Organised Guard of Public Unity",
        "fyp": "Five Year Plan",
        "5yp": "Five Year Plan",
    }


def test_an_abbreviation_that_the_notes_do_not_use_is_read_in_full() -> None:
    read = {LEXICON.long_form(word) for word in ("FYP", "fyp", "FYPs", "5YP", "5yps")}
    assert read == {"Five Year Plan"}


def test_a_name_is_read_as_the_notes_write_it_but_for_its_s() -> None:
    notes = Lexicon(["The Treaty of Versailles", "A kolkhoz was a farm", "Purges followed"])
    assert notes.other_number("versaille") == "versailles"
    assert notes.other_number("kolkhozs") == "kolkhoz"
    assert [notes.other_number(word) for word in ("purge", "kolkhoz", "trotsky", "as")] == [
        None
    ] * 4


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("fought", "fight"),
        ("men", "man"),
        ("women", "woman"),
        ("led", "leads"),
        ("found", "finding"),
    ],
)
def test_irregular_forms_count_as_the_same(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_a_key_to_the_notes_gives_its_abbreviations() -> None:
    key = Lexicon(
        ["Key: SU = Soviet Union, US = America; FYP stands for Five-Year Plan as taught."]
    )
    assert key.abbreviations == {"su": "Soviet Union", "fyp": "Five-Year Plan"}


def test_the_letters_of_a_hyphenated_name_are_learnt_where_there_is_one_such_name() -> None:
    texts = ["A-H backed it", "Austria-Hungary mobilised", "Austro-Hungarian troops", "Bosnia"]
    lexicon = Lexicon(texts)
    assert lexicon.abbreviations == {"a-h": "Austria-Hungary"}
    assert lexicon.expand("Only A-H agreed") == "Only A-H (Austria-Hungary) agreed"
    assert Lexicon([*texts, "Anglo-Hanoverian ships"]).abbreviations == {}


def test_a_phrase_that_occurs_once_gives_no_abbreviation() -> None:
    assert Lexicon(["The Great Leap Forward failed."]).abbreviations == {}
    assert Lexicon(["The Great Leap Forward failed."] * 2).abbreviations["glf"] == (
        "Great Leap Forward"
    )


def test_brackets_that_do_not_hold_initials_give_no_abbreviation() -> None:
    assert Lexicon(["The Winter Palace (Moscow) fell (GDP rose)."]).abbreviations == {}


def test_words_that_the_notes_use_are_read_as_they_stand() -> None:
    assert Lexicon(["The nep of the tree"]).long_form("nep") is None
    assert [LEXICON.long_form(word) for word in ("NEP", "grain", "Stalin")] == [None, None, None]


def test_shorthand_of_any_subject_is_read_in_full() -> None:
    assert [LEXICON.long_form(word) for word in ("govt", "ppl", "ww2", "WHATS", "teh")] == [
        "government",
        "people",
        "second world war",
        "what is",
        "the",
    ]


def test_expansion_follows_the_abbreviation_once_and_not_where_the_text_says_it() -> None:
    assert LEXICON.expand("The FYPs and the NEP; again the NEP.") == (
        "The FYPs (Five Year Plan) and the NEP (New Economic Policy); again the NEP."
    )
    assert LEXICON.expand("The New Economic Policy, or NEP") == "The New Economic Policy, or NEP"
    assert LEXICON.expand("no capitals here: nep") == "no capitals here: nep"


# ------------------------------------------------------------------------ misspellings


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("kolhoz", "kolkhoz"),
        ("kolkoz", "kolkhoz"),
        ("trotksy", "trotsky"),
        ("Trotzky's", "trotsky"),
        ("zinoviv", "zinoviev"),
        ("kamanev", "kamenev"),
        ("kulacks", "kulaks"),
        ("stallin", "stalin"),
        ("colectivisation", "collectivization"),
        ("peasents", "peasants"),
        ("animls", "animals"),
        ("industy", "industry"),
        ("govermnent", "government"),
    ],
)
def test_a_misspelt_word_is_read_as_the_nearest_of_the_notes(typed: str, meant: str) -> None:
    assert LEXICON.correct(typed) == meant


@pytest.mark.parametrize(
    ("typed", "meant"), [("becuase", "because"), ("tommorow", "tomorrow"), ("recieved", "received")]
)
def test_a_misspelt_word_of_english_is_read_as_the_nearest(typed: str, meant: str) -> None:
    assert LEXICON.correct(typed) == meant


def test_words_run_together_are_parted() -> None:
    assert LEXICON.correct("showtrials") == "show trials"


RARE = [
    "yalta",
    "katyn",
    "chechens",
    "molotov",
    "dawes",
    "brezhnev",
    "beria",
    "kronstadt",
    "locarno",
    "rasputin",
    "ribbentrop",
    "cheka",
    "gulag",
    "holodomor",
    "stakhanovites",
    "dekulakisation",
    "tukhachevsky",
    "bolsheviks",
    "duma",
    "romanovs",
    "berliners",
    "potsdam",
    "churchill",
    "roosevelt",
    "tsarina",
    "cinema",
    "vandalised",
    "photosynthesis",
]


@pytest.mark.parametrize(
    "word",
    RARE,
)
def test_a_rare_but_right_word_is_left_alone(word: str) -> None:
    assert LEXICON.correct(word) is None


NOTES = Lexicon(
    [
        "Target for coal: 200 million tonnes",
        "Grand Council voted at the bottom of the hour",
        "Played the piano; naval talks; a binding treaty",
        "Great Leap Forward: aims, 1958",
        "Liu Shaoqi was number two",
        "Dubček replaced by Husák; Wałęsa led Solidarity; Brüning resigned",
        "Louis XVI fled, Henry VIII did not",
    ]
)


@pytest.mark.parametrize("name", ["turgot", "bottai", "ciano", "laval", "bandung", "Turgot's"])
def test_a_name_that_the_notes_do_not_hold_is_no_slip_for_a_word_that_they_do(name: str) -> None:
    assert NOTES.correct(name) is None


@pytest.mark.parametrize("name", ["dubcek", "Husak", "walesa", "bruning", "dubcek's"])
def test_a_name_typed_without_its_accents_is_the_name(name: str) -> None:
    assert name in NOTES
    assert NOTES.correct(name) is None


def test_a_name_is_read_with_its_accents() -> None:
    assert [NOTES.correct(typed) for typed in ("dubcheck", "brunning")] == ["dubček", "brüning"]


@pytest.mark.parametrize(
    ("before", "typed", "after", "meant"),
    [
        ("the", "grate", "leap", "great"),
        ("was", "lui", "shaoqi", "liu"),
        ("henry", "xvi", "fled", None),
        ("louis", "xvii", "fled", None),
        ("", "grate", "fire", None),
        ("", "great", "leap", None),
        ("liu", "shark", "", None),
    ],
)
def test_beside_a_word_of_the_notes_the_word_beside_it_is_meant(
    before: str, typed: str, after: str, meant: str | None
) -> None:
    assert NOTES.correct_beside(typed, before, after) == meant


@pytest.mark.parametrize(
    "word",
    ["", "nep", "abc", "1928", "x1y2z3", "collectivisation", "kulak", "Kamenev's", "qzxjwvkq"],
)
def test_what_is_known_or_short_or_like_nothing_is_left_alone(word: str) -> None:
    assert LEXICON.correct(word) is None


@given(st.text(max_size=30))
@settings(max_examples=25)
def test_any_word_can_be_looked_up(word: str) -> None:
    LEXICON.correct(word)
    LEXICON.correct_beside(word, word, "kolkhoz")
    LEXICON.long_form(word)
    LEXICON.expand(word)
    assert 0.0 <= LEXICON.weight(word) <= 1.0


@given(st.lists(st.text(max_size=60), max_size=4))
@settings(max_examples=30)
def test_words_of_any_notes_are_in_them_and_never_corrected(texts: list[str]) -> None:
    lexicon = Lexicon(texts)
    for text in texts:
        for word in words(text):
            assert word.text in lexicon
            assert lexicon.correct(word.text) is None


# ------------------------------------------------------------------------------ weights


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("what did he do 2 the kulaks", "what did he do to the kulaks"),
        ("what happened 2 them", "what happened to them"),
        ("when did World War 2 begin", "when did second world war begin"),
        ("causes of world war I", "causes of first world war"),
    ],
)
def test_digits_that_stand_for_words_are_spelt_out(typed: str, meant: str) -> None:
    assert LEXICON.spelt_out(typed) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "what was the 2 year plan",
        "give 2 reasons why it failed",
        "what were 4 causes of the war",
        "were 2 million deported",
        "what happened 4 August 1914",
        "does it have 4 chambers",
        "world war in 1941",
    ],
)
def test_digits_that_count_are_left_alone(typed: str) -> None:
    assert LEXICON.spelt_out(typed) == typed


def test_a_war_is_called_as_the_notes_call_it() -> None:
    assert Lexicon(["World War II began"]).spelt_out("explain World War 2") == "explain World War 2"


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("in 1929", ((1929, 1929),)),
        ("the purges of 1934-38 and 1941", ((1934, 1938), (1941, 1941))),
        ("1899 – 1902", ((1899, 1902),)),
        ("the 1930s, not the 1920's", ((1930, 1939), (1920, 1929))),
        ("100,000 men in 2004", ((2004, 2004),)),
        ("35,000 and 12345", ()),
        ("", ()),
    ],
)
def test_years_are_read_as_spans(text: str, spans: tuple[tuple[int, int], ...]) -> None:
    assert years(text) == spans


def test_a_name_is_known_as_it_is_written_without_its_letters() -> None:
    lexicon = Lexicon(["Göring's plan began", "Führer", "The Saale and Goethe"])
    assert lexicon.transliterated("goering") == "göring"
    assert lexicon.transliterated("Goering's") == "göring"
    assert lexicon.transliterated("fuehrer") == "führer"
    assert lexicon.transliterated("Goethe's") is None
    assert lexicon.transliterated("goring") is None


def test_words_that_the_notes_write_as_one_are_run_together() -> None:
    lexicon = Lexicon(["Hyperinflation came", "The hard line won", "a hardline man", "Weltpolitik"])
    assert lexicon.joined("why hyper inflation?") == "why hyperinflation?"
    assert lexicon.joined("hyper-inflation now") == "hyperinflation now"
    # What the notes write both ways stays as it is typed.
    assert lexicon.joined("hard line") == "hard line"
    assert lexicon.joined("hyper, inflation") == "hyper, inflation"


def test_a_first_name_that_the_notes_leave_out_is_left_out() -> None:
    lexicon = Lexicon(["Schacht's New Plan of 1934", "Adolf Hitler spoke", *["Stalin ruled"] * 9])
    assert lexicon.without_first_names("who was Hjalmar Schacht?") == "who was Schacht?"
    # Somebody else of the family; whoever is named so often has no other name there.
    assert lexicon.without_first_names("who was Alois Hitler") == "who was Alois Hitler"
    assert lexicon.without_first_names("who was Svetlana Stalin") == "who was Svetlana Stalin"
    assert lexicon.without_first_names("who was Hjalmar, Schacht") == "who was Hjalmar, Schacht"
    assert lexicon.without_first_names("explain Schacht") == "explain Schacht"
    assert lexicon.without_first_names("Hjalmar Horace Schacht") == "Schacht"
    curie = Lexicon(["M. Curie found radium"])
    assert curie.without_first_names("who was Pierre Curie") == "who was Pierre Curie"
    # A name that many bear may be somebody else's.
    roosevelt = Lexicon(["Roosevelt's New Deal"])
    assert roosevelt.without_first_names("Theodore Roosevelt") == "Theodore Roosevelt"


HEARD = Lexicon(
    [
        "the Lytton Commission on Manchuria",
        "Julius Caesar crossed the Rubicon",
        "Cholera came to Sunderland",
        "Ephialtes reformed the Areopagus",
    ]
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("liton", "lytton"), ("ceaser", "caesar"), ("efialtees", "ephialtes"), ("colera", "cholera")],
)
def test_a_word_is_read_as_the_one_of_the_notes_that_sounds_the_same(
    typed: str, meant: str
) -> None:
    assert HEARD.correct(typed) == meant


def test_a_name_is_not_heard_as_an_everyday_word() -> None:
    assert sounds("Turgot") == sounds("target")
    assert Lexicon(["the target was met"]).correct("Turgot") is None


def test_a_word_of_english_is_read_as_one_that_sounds_the_same_where_its_neighbour_is_there() -> (
    None
):
    notes = Lexicon(["Elizabeth Fry and the prisons"])
    assert notes.correct_beside("fri", "elizabeth", "what") == "fry"
    assert notes.correct_beside("fri", "margery", "what") is None


@pytest.mark.parametrize(("one", "other"), [("rine", "Rhine"), ("atrishun", "attrition")])
def test_words_that_are_said_alike_have_a_sound_in_common(one: str, other: str) -> None:
    assert sounds(one) & sounds(other)
    assert not sounds(one) & sounds("Moscow")


def test_a_letter_that_is_not_heard_is_easily_left_out() -> None:
    assert Lexicon(["Night of the Long Knives"]).correct("nives") == "knives"


TYPED = st.lists(
    st.sampled_from(
        ["did", "2", "the", "Kamenev", "Lev", "Nikolai", "show", "trials", "hyper", "NEP", ",", "4"]
    )
)


@given(TYPED.map(" ".join))
@example("did 2 the Nikolai Kamenev")
def test_reading_a_text_as_the_notes_write_it_is_done_once(text: str) -> None:
    for read in (LEXICON.spelt_out, LEXICON.joined, LEXICON.without_first_names):
        once = read(text)
        assert read(once) == once
    left = [word.text for word in words(LEXICON.without_first_names(text))]
    assert {word.text for word in words(text)} - set(left) <= {"Lev", "Nikolai"}


def test_idf_is_that_of_bm25_relative_to_a_word_of_no_text() -> None:
    lexicon = Lexicon(["alpha beta", "alpha gamma", "alpha beta"])
    unused = math.log(1 + 3.5 / 0.5)
    assert lexicon.idf("delta") == 1.0
    assert lexicon.idf("gamma") == pytest.approx(math.log(1 + 2.5 / 1.5) / unused)
    assert lexicon.idf("beta") == pytest.approx(math.log(1 + 1.5 / 2.5) / unused)
    assert lexicon.idf("alpha") == pytest.approx(math.log(1 + 0.5 / 3.5) / unused)


def test_the_rarer_a_word_the_more_it_says() -> None:
    assert LEXICON.weight("the") == 0.0
    # Alike rare in the notes, set is the commoner English.
    assert 0 < LEXICON.weight("set") < LEXICON.weight("kolkhoz")
    # Alike rare in English, one is in two of the notes' texts.
    assert LEXICON.weight("plan") < LEXICON.weight("policy")
    assert LEXICON.weight("chechens") == 1.0


def test_rarity_falls_with_use() -> None:
    assert rarity("the") < rarity("government") < rarity("kulak") <= 1.0 == rarity("qzxjwvkq")


def test_english_is_known_by_dictionary_or_by_use() -> None:
    assert [is_english(word) for word in ("government", "Collectivised", "qzxjwvkq")] == [
        True,
        True,
        False,
    ]


def test_a_lexicon_of_nothing_works() -> None:
    lexicon = Lexicon([])
    assert "word" not in lexicon
    assert lexicon.correct("becuase") == "because"
    assert lexicon.idf("word") == 1.0
