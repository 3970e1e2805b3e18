"""The panel without a browser: what it draws against `read`, driven as a browser drives it."""

import gc
import html
import random
import re
from html.parser import HTMLParser
from typing import NamedTuple

import IPython.display
import ipywidgets as widgets
import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from test_decoding import random_model

import seq2seq_lab as lab
from seq2seq_lab.views.panel import (
    BEAM,
    FREE_DIGIT,
    FREE_PLACE,
    LONGEST,
    NO_PLACE,
    TEXT,
    Panel,
    drawing,
    look_options,
    noted,
)
from seq2seq_lab.vocabulary import DIGITS, END, SYMBOLS, WORDS, visible

mpl.use("agg")

LONG, SHORT, ENDS = "one two three four", "zero one", "two two nine"


@pytest.fixture(scope="module")
def models():
    """By name: the plain one writes 722# for `ENDS`, the other 888555 and no end for others."""
    return {"plain": random_model(4), "attends": random_model(54, attends=True)}


@pytest.fixture
def panel(models):
    return Panel(models, LONG)


def pick(control, label):
    """Choose a line of a dropdown: a browser sends its number."""
    control.set_state({"index": control._options_labels.index(label)})


def move(control, value):
    """Type a text, or move a slider: a browser sends the value."""
    control.set_state({"value": value})


class Cell(NamedTuple):
    """A cell of a drawn table."""

    here: bool
    colour: tuple | None
    content: str  # HTML


def tables(page):
    """By caption, the rows of each table: whether the row stands out, then its cells."""
    found = {}
    for table in re.findall("<table.*?</table>", page):
        rows = re.findall("<tr(.*?)>(.*?)</tr>", table)
        cells = [(mark, re.findall("<t[hd](.*?)>(.*?)</t[hd]>", row)) for mark, row in rows]
        caption = html.unescape(re.search("<caption>(.*?)</caption>", table)[1])
        found[caption] = [("here" in mark, [_cell(*cell) for cell in row]) for mark, row in cells]
    return found


def _cell(attributes, content):
    colour = re.search(r"background:rgb\((\d+),(\d+),(\d+)\)", attributes)
    return Cell("class=here" in attributes, colour and tuple(map(int, colour.groups())), content)


def table(page, caption):
    """The one table whose caption begins so: its rows without their marks."""
    (rows,) = (rows for name, rows in tables(page).items() if name.startswith(caption))
    return [cells for _, cells in rows]


def contents(cells):
    return [re.sub("<.*?>", "", cell.content) for cell in cells]


def colours(values, name):
    return [tuple(rgb) for rgb in mpl.colormaps[name](values, bytes=True)[:, :3].tolist()]


def assert_drawn(page, before, after, step):
    """All but the beam: symbols and numbers in order, colours from 0 to 1, the step marked."""
    T, status = len(after.written), re.search('<div role="status">(.*?)</div>', page)[1]
    assert re.sub("<.*?>", "", status) == f"{after.read} → {after.written}"

    head, *rows = table(page, "Written")
    forced = before is not after
    assert contents(head) == ["", *map(str, range(1, max(len(before.written), T) + 1))]
    names = ["before", "after"] if forced else ["written"]
    for (name, *cells), wanted, reading in zip(rows, names, [before, after][not forced :], strict=True):
        assert name.content == wanted
        assert contents(cells) == list(reading.written)
        sure = reading.probabilities[range(len(cells)), lab.encode(reading.written)]
        assert [cell.colour for cell in cells] == colours(sure, "Blues")
        assert [cell.here for cell in cells] == [t == step for t in range(len(cells))]
    if forced:
        differs = [before.written[t : t + 1] != after.written[t] for t in range(T)]
        assert ["<u>" in cell.content for cell in rows[1][1:]] == differs
    assert "<u>" not in "".join(cell.content for cell in rows[0])

    head, *rows = table(page, "Probability")
    assert contents(head) == ["", *map(str, range(1, T + 1))]
    for (name, *cells), symbol, p in zip(rows, DIGITS + END, after.probabilities.T, strict=True):
        assert name.content == symbol
        assert [float(c or 0) for c in contents(cells)] == pytest.approx(100 * p, abs=0.51)
        assert [cell.colour for cell in cells] == colours(p, "Blues")
        assert [cell.here for cell in cells] == [t == step for t in range(T)]

    letters = ["", *visible(after.read)]
    for caption, values, names in (
        ("Where it looks", after.attention, after.written),
        ("Update gate", after.update_gate, None),
    ):
        if values is None:
            assert not any(name.startswith(caption) for name in tables(page))
            continue
        values = values if names else values.T
        head, *rows = table(page, caption)
        assert contents(head) == letters
        assert contents(row[0] for row in rows) == list(names or [""] * len(values))
        assert [[c.colour for c in row[1:]] for row in rows] == [colours(v, "viridis") for v in values]


def assert_shows(panel, digits=None, places=None, text=None):
    """The panel shows what its model does with its text, if this and nothing else is forced."""
    model, text = panel.model.value, text or panel.text.value
    before = lab.trace(model, text)
    after = lab.trace(model, text, digits, places) if digits or places else before
    assert_drawn(panel.drawing.value, before, after, panel.step.value - 1)
    best = model.hypotheses([text], BEAM, BEAM.width)[0]
    wanted = [[h.text, f"{np.exp(h.log_probability):.3f}"] for h in best]
    rows = table(panel.drawing.value, "The beam")
    assert [[c.removeprefix("&nbsp;") for c in contents(row)] for row in rows] == wanted
    assert (panel.step.min, panel.step.max) == (1, len(after.written))
    step = panel.step.value - 1
    assert 0 <= step < len(after.written)
    assert panel.digit.label == (digits or {}).get(step, FREE_DIGIT)
    if before.attention is not None:
        named = {places: name for name, places in reversed(look_options(before)[1:])}
        assert panel.place.label == named.get((places or {}).get(step), FREE_PLACE)


def test_it_first_shows_a_text_with_nothing_forced(panel, models):
    assert panel.model._options_labels == ("plain", "attends")
    assert panel.model.value is models["attends"]
    assert panel.step.value == 1
    assert panel.note.value == ""
    assert_shows(panel, text=LONG)


def test_it_follows_what_is_typed(panel):
    written = set()
    for n in range(len(LONG), 2, -1):
        move(panel.text, LONG[:n])
        assert_shows(panel, text=LONG[:n])
        written.add(panel.step.max)
    assert len(written) > 3  # the slider followed


def test_any_of_the_models_can_be_chosen(panel, models):
    pick(panel.digit, "3")
    pick(panel.model, "plain")
    assert panel.model.value is models["plain"]
    assert_shows(panel)  # and what was forced is forgotten
    pick(panel.model, "attends")
    assert_shows(panel)


def test_a_model_that_does_not_attend_offers_no_look(panel):
    pick(panel.place, "two (word 2)")
    pick(panel.model, "plain")
    assert panel.place.disabled
    assert panel.place._options_labels == (NO_PLACE,)
    assert panel.place.label == NO_PLACE
    assert not panel.digit.disabled
    pick(panel.digit, "7")
    assert_shows(panel, {0: "7"})
    assert panel.place.label == NO_PLACE
    pick(panel.model, "attends")
    assert not panel.place.disabled
    assert_shows(panel)


def test_each_step_is_marked_when_one_goes_there(panel):
    for step in range(panel.step.max, 0, -1):
        move(panel.step, step)
        assert_shows(panel)
        rows = next(rows for name, rows in tables(panel.drawing.value).items() if name.startswith("Where"))
        assert [here for here, _ in rows[1:]] == [t == step - 1 for t in range(panel.step.max)]


def test_what_is_forced_belongs_to_its_step(panel):
    move(panel.step, 2)
    pick(panel.digit, "4")
    assert_shows(panel, {1: "4"})
    move(panel.step, 3)
    assert_shows(panel, {1: "4"})
    pick(panel.place, "three (word 3)")
    pick(panel.digit, "0")
    forced = {1: "4", 2: "0"}, {2: (8, 9, 10, 11, 12)}
    for step in (3, 1, 2, 3, 2):
        move(panel.step, step)
        assert_shows(panel, *forced)
    pick(panel.place, "␣ (place 4)")
    assert_shows(panel, forced[0], {1: (3,), **forced[1]})


def test_what_was_forced_can_be_taken_back(panel):
    pick(panel.digit, "4")
    pick(panel.place, "one (word 1)")
    assert_shows(panel, {0: "4"}, {0: (0, 1, 2)})
    pick(panel.digit, FREE_DIGIT)
    assert_shows(panel, {}, {0: (0, 1, 2)})
    pick(panel.place, FREE_PLACE)
    assert_shows(panel)


def test_before_and_after_appear_only_where_something_is_forced(panel):
    def rows():
        return [cells[0].content for cells in table(panel.drawing.value, "Written")[1:]]

    assert rows() == ["written"]
    pick(panel.digit, lab.trace(panel.model.value, LONG).written[0])  # what it says anyway
    assert rows() == ["before", "after"]
    assert any("nothing forced" in name for name in tables(panel.drawing.value))
    panel.undo.click()
    assert rows() == ["written"]
    assert not any("nothing forced" in name for name in tables(panel.drawing.value))


def test_undo_takes_all_back(panel):
    for step, digit, place in ((1, "4", "o (place 1)"), (2, "1", "four (word 4)")):
        move(panel.step, step)
        pick(panel.digit, digit)
        pick(panel.place, place)
    assert_shows(panel, {0: "4", 1: "1"}, {0: (0,), 1: (14, 15, 16, 17)})
    panel.undo.click()
    assert panel.step.value == 2
    assert_shows(panel)


def test_another_text_forgets_what_was_forced(panel):
    for text in (LONG + " two", SHORT, LONG):
        pick(panel.digit, "4")
        pick(panel.place, panel.place._options_labels[2])
        move(panel.text, text)
        assert_shows(panel, text=text)
    assert panel.place._options_labels[:3] == (FREE_PLACE, "one (word 1)", "two (word 2)")


def test_the_slider_never_stands_behind_the_end(panel):
    move(panel.step, panel.step.max)
    for text in (LONG, SHORT, "x", ENDS, SHORT):
        move(panel.text, text)
        assert_shows(panel, text=text)
        move(panel.step, panel.step.max)


def test_a_forced_end_draws_the_slider_in_and_a_digit_in_its_place_lets_it_out(panel):
    pick(panel.model, "plain")
    move(panel.text, ENDS)
    end = panel.step.max
    assert lab.trace(panel.model.value, ENDS).written[-1] == END
    move(panel.step, end)
    pick(panel.digit, "6")
    assert panel.step.max > end
    assert_shows(panel, {end - 1: "6"})
    move(panel.step, 2)
    pick(panel.digit, END)
    assert panel.step.max == 2
    assert_shows(panel, {1: END, end - 1: "6"})
    pick(panel.digit, FREE_DIGIT)
    assert_shows(panel, {end - 1: "6"})
    move(panel.step, 1)
    pick(panel.digit, END)
    assert_shows(panel, {0: END, end - 1: "6"})


@pytest.mark.parametrize("wrong", ["", "one!", "<script>", "six " * 40])
def test_a_wrong_text_is_only_noted_until_it_is_right_again(panel, wrong):
    controls = panel.step, panel.digit, panel.place, panel.undo
    pick(panel.digit, "4")
    move(panel.text, wrong)
    assert panel.note.value == noted(wrong)[0] != ""
    assert panel.drawing.value == ""
    assert all(control.disabled for control in controls)
    pick(panel.model, "plain")
    pick(panel.model, "attends")
    assert panel.drawing.value == ""
    move(panel.text, SHORT)
    assert panel.note.value == ""
    assert not any(control.disabled for control in controls)
    assert_shows(panel, text=SHORT)


def test_a_panel_may_start_with_a_wrong_text(models):
    panel = Panel(models, "one!")
    assert panel.drawing.value == ""
    move(panel.text, SHORT)
    assert_shows(panel, text=SHORT)


def test_what_a_user_does_at_random_never_leads_elsewhere(panel):
    draw, digits, places = random.Random(3), {}, {}
    for _ in range(40):
        step, was = panel.step.value - 1, (panel.text.value, panel.model.value)
        what = draw.choice(["step", "step", "step", "digit", "digit", "place", "text", "model", "undo"])
        if what == "step":
            move(panel.step, draw.randint(1, panel.step.max))
        elif what == "digit":
            label = draw.choice([FREE_DIGIT, END, *DIGITS])
            pick(panel.digit, label)
            digits.pop(step, None)
            digits |= {} if label == FREE_DIGIT else {step: label}
        elif what == "place" and not panel.place.disabled:
            label, seen = draw.choice(look_options(lab.trace(panel.model.value, panel.text.value)))
            pick(panel.place, label)
            places.pop(step, None)
            places |= {} if label == FREE_PLACE else {step: seen}
        elif what == "text":
            move(panel.text, " ".join(draw.choices([*WORDS, "tow", ""], k=draw.randint(1, 4))) or "nine")
        elif what == "model":
            pick(panel.model, draw.choice(["plain", "attends", "attends"]))
        elif what == "undo":
            panel.undo.click()
        if what == "undo" or was != (panel.text.value, panel.model.value):
            digits, places = {}, {}
        assert_shows(panel, digits, places)


def test_only_the_words_of_the_program_reach_the_page(models):
    """Every tag is closed, and none comes from a name or a text."""
    seen = []

    class Balanced(HTMLParser):
        open = ()

        def handle_starttag(self, tag, attributes):
            seen.append(tag)
            self.open = *self.open, tag

        def handle_endtag(self, tag):
            *self.open, last = self.open
            assert last == tag

    before = lab.trace(models["attends"], "on  two#")
    after = lab.trace(models["attends"], "on  two#", {0: "3"}, {1: [3]})
    for pair in (before, before), (before, after):
        page = Balanced()
        page.feed(drawing(*pair, 0, models["attends"].hypotheses(["on  two#"], BEAM, BEAM.width)[0]))
        page.close()
        assert not page.open
    assert set(seen) == {"style", "div", "b", "u", "table", "caption", "tr", "th", "td"}


def test_every_word_and_every_character_can_be_looked_at(models):
    (free, _), *options = look_options(lab.trace(models["attends"], "one  tow"))
    assert free == FREE_PLACE
    assert options[:2] == [("one (word 1)", (0, 1, 2)), ("tow (word 2)", (5, 6, 7))]
    assert options[2:] == [(f"{c} (place {i + 1})", (i,)) for i, c in enumerate("one␣␣tow")]
    ((nothing, _),) = look_options(lab.trace(models["plain"], "one two"))
    assert nothing == NO_PLACE


class Note(HTMLParser):
    """The plain text of a note, its marked parts and its tags."""

    def __init__(self, note):
        super().__init__()
        self.text, self.marked, self.tags = "", [], []
        self.feed(note)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag == "mark":
            self.marked.append("")

    def handle_endtag(self, tag):
        self.tags.append(f"/{tag}")

    def handle_data(self, data):
        self.text += data
        if self.tags[-1:] == ["mark"]:
            self.marked[-1] += data


@pytest.mark.parametrize(
    ("text", "marked", "readable"),
    [
        ("one tow two", ["tow"], True),
        ("zwei", ["zwei"], True),
        ("onetwo", ["onetwo"], True),
        ("sevens five fiv", ["sevens", "fiv"], True),
        ("one  two", ["␣"], True),
        ("one   two  six", ["␣␣", "␣"], True),
        ("  one", ["␣␣"], True),
        ("one ", ["␣"], True),
        (" ", ["␣"], True),
        (" one tow  ", ["␣", "tow", "␣␣"], True),
        ("1 two# #", ["1", "two#", "#"], True),
        ("x" * LONGEST, ["x" * LONGEST], True),
        ("six " * (LONGEST // 4), ["␣"], True),
        ("six " * (LONGEST // 4) + "nine", ["nine"], False),
        ("six " * (LONGEST // 4) + " ", ["␣"], False),
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
def test_what_is_wrong_with_a_text_is_marked(text, marked, readable):
    page, can_be_read = noted(text)
    note = Note(page)
    assert note.marked == marked
    assert can_be_read is readable
    assert note.text.replace("␣", " ").endswith(f": {text}")  # nothing lost, nothing twice
    assert note.tags == ["mark", "/mark"] * len(marked)


@pytest.mark.parametrize("text", [*WORDS, " ".join(WORDS), "six six", " ".join(["seven"] * 20)])
def test_digit_words_are_right(text):
    assert noted(text) == ("", True)


def test_an_empty_text_is_asked_for():
    page, readable = noted("")
    assert not readable
    assert TEXT in page
    assert noted(TEXT) == ("", True)


def test_notes_on_any_text_are_those_of_a_loop_over_its_words():
    """Hostile characters among words and spaces, drawn."""
    draw, kinds = random.Random(1), set()
    for _ in range(2_000):
        pieces = draw.choices([*WORDS, " ", " ", " ", "tow", "n"], k=draw.randint(1, 9))
        if draw.random() < 0.3:
            pieces.insert(draw.randint(0, len(pieces)), draw.choice(list("<>&\"'[]^-\\|A{}.*\n")))
        text = "".join(pieces)
        page, readable = noted(text)
        note, foreign = Note(page), [c for c in text if c not in SYMBOLS]
        assert readable == (not foreign)
        assert set(note.tags) <= {"mark", "/mark"}
        if foreign:
            assert note.marked == foreign
        else:
            words = text.split(" ")
            assert [m for m in note.marked if "␣" not in m] == [w for w in words if w and w not in WORDS]
            spaces = sum(not word for word in words) - (not text.strip())
            assert "".join(note.marked).count("␣") == spaces
        assert note.text == "" or note.text.replace("␣", " ").endswith(f": {text}")
        kinds.add((readable, bool(note.marked)))
    assert kinds == {(True, False), (True, True), (False, True)}


@pytest.fixture
def shown(monkeypatch):
    """What has been displayed."""
    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda *objects, **_: shown.extend(objects))
    return shown


def find(widget, kind):
    """The one widget of a kind in a tree of them."""
    tree = [widget]
    for parent in tree:
        tree += getattr(parent, "children", ())
    (found,) = (w for w in tree if type(w) is kind)
    return found


def test_lab_panel_shows_one_picture_and_returns_what_reacts(models, shown):
    box = lab.lab_panel(models, SHORT)
    (figure,) = shown
    assert isinstance(figure, Figure)
    reading = lab.trace(models["attends"], SHORT)  # of the last one
    np.testing.assert_array_equal(figure.axes[0].get_images()[0].get_array(), reading.probabilities.T)
    gc.collect()
    move(find(box, widgets.Text), LONG)
    pages = [w.value for row in box.children for w in getattr(row, "children", [row]) if "value" in w.keys]
    assert f"{LONG} → <b>{models['attends'].translate([LONG])[0]}</b>" in "".join(map(str, pages))
    assert len(shown) == 1


def test_lab_panel_takes_one_model_too(models, shown):
    box = lab.lab_panel(models["plain"])
    assert find(box, widgets.Text).value == TEXT
    assert len(shown) == 1


@pytest.mark.parametrize("wrong", [{}, [], None, "model", {"a": 3}, ["a model"]])
def test_lab_panel_names_models_that_are_none(shown, wrong):
    with pytest.raises(ValueError, match=r"^models must be a Seq2Seq, or several by name, but is"):
        lab.lab_panel(wrong)
    assert shown == []


def test_lab_panel_names_a_model_among_others_that_is_none(models, shown):
    with pytest.raises(ValueError, match=r"^models must be"):
        lab.lab_panel({**models, "none": None})
    for text in ("", "one!", None, 5, "one " * 31):
        with pytest.raises(ValueError, match=r"^text "):
            lab.lab_panel(models, text)
    assert shown == []
