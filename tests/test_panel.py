"""The panel without a browser: what it answers, asked as a page asks; and what `lab_panel` refuses."""

import gc
import json
import random

import anywidget
import IPython.display
import numpy as np
import pytest
from test_decoding import random_model

import seq2seq_lab as lab
from seq2seq_lab.views.figures import alternative_text
from seq2seq_lab.views.panel import BEAM, LONGEST, TEXT, Panel, noted
from seq2seq_lab.vocabulary import DIGITS, END, SYMBOLS, WORDS

LONG, SHORT, ENDS = "one two three four", "zero one", "two two nine"


@pytest.fixture(scope="module")
def models():
    """By name: the plain one writes 722# for `ENDS`, the other 888555 and no end for others."""
    return {"plain": random_model(4), "attends": random_model(54, attends=True)}


@pytest.fixture
def panel(models):
    return Panel(models, LONG)


def ask(panel, **changed):
    """As a page does, by way of JSON; the answer as a page gets it."""
    panel.set_state(json.loads(json.dumps({"asked": {**panel.asked, **changed}})))
    return json.loads(json.dumps(panel.answered))


def by_step(forced):
    """As a page says what is forced: its keys are texts."""
    return {str(step): given for step, given in forced.items()}


def assert_is(plain, wanted):
    """A trace in lists against one in arrays."""
    assert (plain["read"], plain["written"]) == (wanted.read, wanted.written)
    assert plain["digits"] == by_step(wanted.digits)
    assert plain["places"] == {step: list(places) for step, places in by_step(wanted.places).items()}
    for name in ("probabilities", "attention", "update_gate"):
        if getattr(wanted, name) is None:
            assert plain[name] is None
        else:
            np.testing.assert_allclose(plain[name], getattr(wanted, name), atol=1e-6)


def assert_answers(panel, models):
    """What was asked for last, and nothing else, is answered."""
    answer, asked = json.loads(json.dumps(panel.answered)), panel.asked
    assert answer["asked"] == asked
    text, readable = asked["text"], noted(asked["text"])[2]
    assert (answer["note"], answer["readable"]) == (noted(text)[0], readable)
    assert [each["name"] for each in answer["models"]] == (asked["shown"] if readable else [])
    assert list(panel.traces) == [each["name"] for each in answer["models"]]
    for each in answer["models"]:
        model, forced = models[each["name"]], asked["forced"].get(each["name"], {})
        digits, places = (
            {int(t): v for t, v in forced.get(what, {}).items()} for what in ("digits", "places")
        )
        after = lab.trace(model, text, digits, places)
        assert_is(each["before"], lab.trace(model, text))
        assert_is(each["after"], after)
        assert_is(panel.traces[each["name"]].plain(), after)
        assert each["may_look"] == model.attends
        best = model.hypotheses([text], BEAM, BEAM.width)[0]
        assert [text for text, _ in each["best"]] == [h.text for h in best]
        assert [p for _, p in each["best"]] == pytest.approx(
            [np.exp(h.log_probability) for h in best], abs=1e-6
        )


def test_it_first_shows_the_last_model_with_nothing_forced(panel, models):
    assert panel.names == ["plain", "attends"]
    assert panel.asked == {"text": LONG, "shown": ["attends"], "forced": {}}
    assert_answers(panel, models)


def test_it_follows_what_is_typed(panel, models):
    written = set()
    for n in range(len(LONG), 2, -3):
        written.add(ask(panel, text=LONG[:n])["models"][0]["after"]["written"])
        assert_answers(panel, models)
    assert len(written) > 2


def test_two_models_answer_side_by_side_each_with_what_is_forced_upon_it(panel, models):
    forced = {
        "plain": {"digits": {"0": "9"}, "places": {}},
        "attends": {"digits": {}, "places": {"1": [3, 4]}},
    }
    answer = ask(panel, shown=["plain", "attends"], forced=forced)
    assert_answers(panel, models)
    plain, attends = answer["models"]
    assert plain["after"]["written"][0] == "9" != plain["before"]["written"][0]
    assert [places for places, weight in enumerate(attends["after"]["attention"][1]) if weight] == [3, 4]
    assert panel.traces["attends"].places == {1: (3, 4)}


def test_what_is_forced_behind_the_end_waits_there(panel, models):
    end = len(lab.trace(models["plain"], ENDS).written)
    for forced in ({end - 1: "6"}, {1: END, end - 1: "6"}, {0: END, end - 1: "6"}, {end - 1: "6"}):
        ask(panel, text=ENDS, shown=["plain"], forced={"plain": {"digits": by_step(forced)}})
        assert_answers(panel, models)


@pytest.mark.parametrize("wrong", ["", "one!", "<script>", "six " * 40])
def test_a_wrong_text_is_only_noted_until_it_is_right_again(panel, models, wrong):
    assert ask(panel, text=wrong)["models"] == []
    assert_answers(panel, models)
    assert panel.traces == {}
    ask(panel, text=SHORT)
    assert_answers(panel, models)


def test_a_panel_may_start_with_a_wrong_text(models):
    panel = Panel(models, "one!")
    assert_answers(panel, models)
    ask(panel, text=SHORT)
    assert_answers(panel, models)


def test_what_a_user_does_at_random_never_leads_elsewhere(panel, models):
    draw = random.Random(3)
    for _ in range(40):
        name = draw.choice(panel.asked["shown"])
        mine = {"digits": {}, "places": {}, **panel.asked["forced"].get(name, {})}
        what = draw.choice(["digit", "digit", "place", "place", "text", "shown", "undo"])
        step, S = str(draw.randint(0, 6)), len(panel.asked["text"])
        if what == "digit":
            mine["digits"] = {**mine["digits"], step: draw.choice(DIGITS + END)}
        elif what == "place" and models[name].attends and noted(panel.asked["text"])[2]:
            mine["places"] = {**mine["places"], step: draw.sample(range(S), draw.randint(1, min(S, 3)))}
        if what in ("digit", "place"):
            ask(panel, forced={**panel.asked["forced"], name: mine})
        elif what == "text":
            text = " ".join(draw.choices([*WORDS, "tow", ""], k=draw.randint(1, 4))) or "nine!"
            ask(panel, text=text, forced={})
        elif what == "shown":
            ask(panel, shown=draw.choice([["plain"], ["attends"], ["plain", "attends"]]))
        else:
            ask(panel, forced={})
        assert_answers(panel, models)


def test_what_nothing_is_forced_upon_is_computed_once(panel, models, monkeypatch):
    traced = []
    monkeypatch.setattr(
        "seq2seq_lab.views.panel.trace", lambda *args: traced.append(args) or lab.trace(*args)
    )
    ask(panel, forced={"attends": {"digits": {"0": "4"}}})
    ask(panel, shown=["attends", "plain"])
    assert [args[1:] for args in traced] == [(LONG, {0: "4"}, {}), (LONG, {0: "4"}, {}), (LONG,)]


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
def test_what_is_wrong_with_a_text_is_marked(text, marked, readable):
    note, pieces, can_be_read = noted(text)
    assert note
    assert [piece for piece, wrong in pieces if wrong] == marked
    assert can_be_read is readable
    assert "".join(piece for piece, _ in pieces) == text  # nothing lost, nothing twice


@pytest.mark.parametrize("text", [*WORDS, " ".join(WORDS), "six six", " ".join(["seven"] * 20)])
def test_digit_words_are_right(text):
    assert noted(text) == ("", [], True)


def test_an_empty_text_is_asked_for():
    note, pieces, readable = noted("")
    assert (pieces, readable) == ([], False)
    assert TEXT in note
    assert noted(TEXT) == ("", [], True)


def test_notes_on_any_text_are_those_of_a_loop_over_its_words():
    """Hostile characters among words and spaces, drawn."""
    draw = random.Random(1)
    for _ in range(2_000):
        words = draw.choices([*WORDS, " ", " ", " ", "tow", "n"], k=draw.randint(1, 9))
        if draw.random() < 0.3:
            words.insert(draw.randint(0, len(words)), draw.choice(list("<>&\"'[]^-\\|A{}.*\n")))
        text = "".join(words)
        _, pieces, readable = noted(text)
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


@pytest.fixture
def shown(monkeypatch):
    """What has been displayed."""
    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda *objects, **given: shown.append((*objects, given)))
    return shown


def test_lab_panel_shows_one_picture_and_returns_what_reacts(models, shown):
    panel = lab.lab_panel(models, SHORT)
    assert isinstance(panel, anywidget.AnyWidget)
    ((data, given),) = shown
    assert data["image/png"].startswith("iVBOR")  # PNG in base64
    assert data["image/png"].strip().endswith(panel.still)
    assert len(panel.still) == 80
    figure = lab.plot_trace(lab.trace(models["attends"], SHORT))  # of the last one
    assert given == {"metadata": {"image/png": {"alt": alternative_text(figure)}}, "raw": True}
    gc.collect()
    ask(panel, text=LONG)
    assert_answers(panel, models)
    assert len(shown) == 1


def test_lab_panel_takes_one_model_too(models, shown):
    panel = lab.lab_panel(models["plain"])
    assert (panel.names, panel.asked["text"]) == (["the model"], TEXT)
    assert_answers(panel, {"the model": models["plain"]})
    assert len(shown) == 1


def test_what_draws_and_its_colours_come_with_it(panel):
    state = panel.get_state()
    assert "export default { render }" in state["_esm"]
    assert ".lab-panel" in state["_css"]


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
