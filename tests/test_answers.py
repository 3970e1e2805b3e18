"""What answer.js says of a text, in a real browser: what is wrong with it, and whether it can be read."""

import random

import pytest
from browsers import open_page

from seq2seq_lab.views.page import MODEL, script
from seq2seq_lab.views.panel import LONGEST, READABLE, TEXT
from seq2seq_lab.vocabulary import SYMBOLS, WORDS

START = """async (source) => {
    window.lab = await import(URL.createObjectURL(new Blob([source], {type: "text/javascript"})));
}"""
NOTES = """([texts, symbols]) => texts.map((text) => {
    const {note, pieces, readable} = lab.notes(text, symbols);
    return [note, pieces, readable];
})"""


@pytest.fixture(scope="module")
def noted(browser):
    """From texts to the note on each, its pieces with which are at fault, and whether it can be read."""
    page, errors = open_page(browser)
    page.evaluate(START, script([*MODEL, "answer.js"]))
    yield lambda *texts: page.evaluate(NOTES, [texts, SYMBOLS])
    assert errors == []
    page.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "marked", "readable"),
    [
        ("one tow two", ["tow"], True),
        ("zwei", ["zwei"], True),
        ("onetwo", ["onetwo"], True),
        ("sevens five fiv", ["sevens", "fiv"], True),
        ("one  two", [" "], True),
        ("one   two  six", ["  ", " "], True),
        ("  one", ["  "], True),
        ("one ", [" "], True),
        (" ", [" "], True),
        (" one tow  ", [" ", "tow", "  "], True),
        ("1 two# #", ["1", "two#", "#"], True),
        ("x" * LONGEST, ["x" * LONGEST], True),
        ("six " * (LONGEST // 4), [" "], True),
        ("six " * (LONGEST // 4) + "nine", ["nine"], False),
        ("six " * (LONGEST // 4) + " ", [" "], False),
        ("one<b>&", ["<b>&"], False),
        ("<b>one</b> & two", ["<b>", "</b>", "&"], False),
        ("Two", ["T"], False),
        ("one, twö", [",", "ö"], False),
        ("on]e^ a-b [\\d]", ["]", "^", "a-b", "[\\d]"], False),
        ("one\ntwo\t", ["\n", "\t"], False),
        ('"six"', ['"', '"'], False),
        ("six " * (LONGEST // 4) + "nine!", ["!"], False),
    ],
)
def test_what_is_wrong_with_a_text_is_marked(noted, text, marked, readable):
    ((note, pieces, can_be_read),) = noted(text)
    assert note
    assert [piece for piece, wrong in pieces if wrong] == marked
    assert can_be_read is readable is READABLE.holds(text)  # as the package reads it
    assert "".join(piece for piece, _ in pieces) == text  # nothing lost, nothing twice


@pytest.mark.parametrize("text", [*WORDS, " ".join(WORDS), "six six", " ".join(["seven"] * 20)])
def test_digit_words_are_right(noted, text):
    assert noted(text) == [["", [], True]]


def test_an_empty_text_is_asked_for(noted):
    ((note, pieces, readable),) = noted("")
    assert (pieces, readable) == ([], False)
    assert TEXT in note
    assert noted(TEXT) == [["", [], True]]


@pytest.mark.slow
def test_notes_on_any_text_are_those_of_a_loop_over_its_words(noted):
    """Hostile characters among words and spaces, drawn."""
    draw, texts = random.Random(1), []
    for _ in range(2_000):
        words = draw.choices([*WORDS, " ", " ", " ", "tow", "n"], k=draw.randint(1, 9))
        if draw.random() < 0.3:
            words.insert(draw.randint(0, len(words)), draw.choice(list("<>&\"'[]^-\\|A{}.*\n")))
        texts.append("".join(words))
    for text, (_, pieces, readable) in zip(texts, noted(*texts), strict=True):
        marked, foreign = [piece for piece, wrong in pieces if wrong], [c for c in text if c not in SYMBOLS]
        assert readable == (not foreign)
        assert not pieces or "".join(piece for piece, _ in pieces) == text
        if foreign:
            assert marked == foreign
        else:
            words = text.split(" ")
            assert [m for m in marked if m.strip()] == [w for w in words if w and w not in WORDS]
            spaces = sum(not word for word in words) - (not text.strip())
            assert sum(len(m) for m in marked if not m.strip()) == spaces
