"""Guesses are kept by name, and shown beside what it is."""

import matplotlib as mpl
import numpy as np
import pytest
import tensorflow as tf

import seq2seq_lab as lab
from seq2seq_lab.views import guesses
from seq2seq_lab.views.figures import GREY

mpl.use("agg")
NO_GUESSES = ["", " ", "two\nlines", "a line\n", "x" * 61, True, np.nan, -np.inf, 10**400, 1j, [0.5], b"text"]


@pytest.fixture(autouse=True)
def new_kernel(monkeypatch):
    monkeypatch.setattr(guesses, "_kept", {})


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.5, "0.5"), (-2, "-2"), (200_000, "200,000"), ("the 4 & <b>", "the 4 & <b>"), ("x" * 60, "x" * 60)],
)
def test_a_guess_is_kept_and_shown(value, shown):
    table = lab.guess("exact match", value)
    assert (table.head, table.rows) == (("", "your guess"), [("exact match", shown)])
    assert lab.guessed("exact match") == value
    assert type(lab.guessed("exact match")) is type(value)
    assert lab.guessed("another") is None


def test_a_number_of_numpys_is_kept_as_a_plain_one():
    lab.guess("loss", np.log(np.float64(11)))
    assert type(lab.guessed("loss")) is float
    assert lab.guessed("loss") == np.log(11)


@pytest.mark.parametrize("nothing", [..., None])
def test_dots_are_no_guess_and_forget_an_earlier_one(nothing):
    for _ in range(2):
        table = lab.guess("exact match", nothing)
        assert table.rows == [("exact match", "none yet: replace the dots")]
        assert lab.guessed("exact match") is None
        lab.guess("exact match", 0.5)
        lab.guess("another", 1)
    lab.guess("exact match", nothing)
    assert lab.guessed("another") == 1


@pytest.mark.parametrize("value", NO_GUESSES)
def test_what_is_no_guess_is_named_and_leaves_the_last_one(value):
    lab.guess("exact match", 0.5)
    words = r"value must be a finite number, or a text of one line, 1 to 60 characters, but is "
    with pytest.raises(ValueError, match=words):
        lab.guess("exact match", value)
    assert lab.guessed("exact match") == 0.5


@pytest.mark.parametrize("name", ["", "two\nlines", "x" * 61, 0.5, None])
def test_what_is_no_name_is_named(name):
    calls = lambda: lab.guess(name, 1), lambda: lab.guessed(name), lambda: lab.reveal({"a": 1, name: 1})
    for call in calls:
        with pytest.raises(ValueError, match="name must be a text of one line, 1 to 60 characters, but is"):
            call()


def test_several_guesses_are_kept_together_or_not_at_all():
    lab.guess("a", 1)
    with pytest.raises(ValueError, match=r"name\['b'\] must be a finite number"):
        lab.guess({"a": 2, "b": np.nan})
    assert (lab.guessed("a"), lab.guessed("b")) == (1, None)
    table = lab.guess({"a": ..., "b": 0.5})
    assert table.rows == [("a", "none yet: replace the dots"), ("b", "0.5")]
    assert (lab.guessed("a"), lab.guessed("b")) == (None, 0.5)
    with pytest.raises(ValueError, match="name must be not empty"):
        lab.guess({})
    with pytest.raises(ValueError, match="value must be left out"):
        lab.guess({"a": 1}, 2)


def test_a_guess_stands_beside_what_it_is():
    lab.guess("exact match", 0.5)
    lab.guess("position", 4)
    table = lab.reveal("exact match", 0.38249)
    assert table.head == ("", "you guessed", "it is")
    assert table.rows == [("exact match", "0.500", "0.382")]
    assert lab.reveal("exact match", 0.38249, digits=1).rows == [("exact match", "0.5", "0.4")]
    assert lab.reveal("loss", 2).rows == [("loss", "\N{EN DASH}", "2")]
    several = lab.reveal({"position": 5.0, "exact match": "none", "samples": 200_000}, digits=2)
    assert several.rows == [
        ("position", "4", "5.00"),
        ("exact match", "0.50", "none"),
        ("samples", "\N{EN DASH}", "200,000"),
    ]


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.array, tf.constant])
def test_what_it_is_may_come_from_numpy_or_tensorflow(kind):
    assert lab.reveal("loss", kind(0.25)).rows[0][2] == "0.250"


def test_what_cannot_be_revealed_is_named():
    for value in (None, ..., True, [1, 2], np.ones(3)):
        with pytest.raises(ValueError, match=r"^value must be a number or a text, but is"):
            lab.reveal("loss", value)
    with pytest.raises(ValueError, match=r"name\['b'\] must be a number or a text, but is None"):
        lab.reveal({"a": 1, "b": None})
    with pytest.raises(ValueError, match="name must be not empty"):
        lab.reveal({})
    with pytest.raises(
        ValueError, match="value must be left out where names come with their values, but is 2"
    ):
        lab.reveal({"a": 1}, 2)
    for digits in (-1, 1.5, True, "3"):
        with pytest.raises(ValueError, match="digits must be a whole number of at least 0, but is"):
            lab.reveal("a", 1.0, digits)


def test_text_and_html_read_well():
    lab.guess("what <b>", "a & b")
    table = lab.reveal("what <b>", "<i>")
    assert f"{table}" == "          you guessed  it is\nwhat <b>  a & b        <i>"
    cells = "<td>what &lt;b&gt;</td><td>a &amp; b</td><td>&lt;i&gt;</td>"
    assert cells in table._repr_html_()


HISTORY = {"loss": [2.0, 1.5], "val_token_accuracy": [0.2, 0.4], "val_exact_match": [0.0, 0.1]}
TRAINING = type("History", (), {"history": HISTORY})
PLOTS = {
    "history": (lambda guess: lab.plot_history(HISTORY, [10, 20], guess), "y"),
    "histories": (lambda guess: lab.plot_histories({"a": TRAINING}, 10, guess=guess), "y"),
    "position": (lambda guess: lab.plot_accuracy_by_position({"a": [0.9, 0.5, 0.8]}, guess=guess), "x"),
    "length": (
        lambda guess: lab.plot_accuracy_by_length({"a": np.array([[np.nan, 0.2, 0.9]])}, (1, 2), guess=guess),
        "y",
    ),
    "lines": (lambda guess: lab.plot_lines({"a": [0.9, 0.5]}, "x", "y", guess=guess), "y"),
    "log": (lambda guess: lab.plot_lines({"a": [0.9, 0.5]}, "x", "y", log=True, guess=guess), "y"),
}


@pytest.mark.parametrize(("draw", "axis"), PLOTS.values(), ids=PLOTS)
def test_a_plot_draws_the_guess_of_its_name(draw, axis):
    lab.guess("mine", 0.75)
    lab.guess("another", 0.1)
    axes = draw("mine").axes[-1]
    line = axes.get_lines()[-1]
    ends = line.get_xydata()[:, "xy".index(axis)]
    assert ends.tolist() == [0.75, 0.75]
    across = line.get_xydata()[:, "yx".index(axis)]
    assert across.tolist() == [0, 1]  # of the width or height of the panel
    assert (line.get_label(), line.get_linestyle()) == ("your guess (0.75)", "--")
    assert line.get_color() == GREY
    assert axes.get_legend().get_texts()[-1].get_text() == "your guess (0.75)"
    low, high = axes.get_xlim() if axis == "x" else axes.get_ylim()
    assert low <= 0.75 <= high


@pytest.mark.parametrize(("draw", "axis"), PLOTS.values(), ids=PLOTS)
def test_a_plot_draws_nothing_where_no_number_was_guessed(draw, axis):
    without = [len(axes.get_lines()) for axes in draw(None).axes]
    for value in (..., "a text"):
        lab.guess("mine", value)
        figure = draw("mine")
        assert [len(axes.get_lines()) for axes in figure.axes] == without
        assert not any(
            "guess" in text.get_text() for axes in figure.axes[-1:] for text in axes.get_legend().get_texts()
        )


@pytest.mark.parametrize("draw", [*(draw for draw, _ in PLOTS.values()), lab.LiveCurve], ids=[*PLOTS, "live"])
def test_a_guess_that_is_no_name_is_named(draw):
    for guess in (0.5, "", ["a"]):
        with pytest.raises(ValueError, match=r"guess must be the name of a guess, .* or None, but is"):
            draw(guess)
    assert mpl.pyplot.get_fignums() == []
