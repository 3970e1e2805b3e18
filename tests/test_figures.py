"""Every figure tells Jupyter in words what it shows."""

import ast
import inspect
import types

import matplotlib as mpl
import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from IPython.core.pylabtools import select_figure_formats

import seq2seq_lab as lab
from seq2seq_lab.views import live
from seq2seq_lab.views.figures import alternative_text

mpl.use("agg")
HISTORY = {"loss": [2.0, 1.5], "val_token_accuracy": [0.2, 0.4], "val_exact_match": [0.0, 0.1]}
TRACE = lab.Trace("one two", "12#", np.ones((3, 11)) / 11, np.ones((3, 7)) / 7, np.ones((7, 2)) / 2)


@pytest.fixture
def jupyter():
    """What Jupyter makes of something that is shown: data and metadata, by kind."""
    formatter = DisplayFormatter()
    select_figure_formats(types.SimpleNamespace(display_formatter=formatter), {"png"})
    return formatter.format


def test_curves_are_told_by_title_axes_and_lines():
    assert alternative_text(lab.plot_history(HISTORY, [10, 20])) == (
        "training loss, teacher-forced: nats per token over training samples. "
        "held-out samples, free-running: share right over training samples; "
        "lines: token accuracy, exact match"
    )


def test_maps_are_told_by_what_is_read_and_written():
    shown = lab.AttentionMap("one two", "12#", np.ones((3, 7)) / 7)
    text = "written over read; rows: 12#; columns: one␣two"
    assert alternative_text(lab.plot_attention(shown)) == text


def test_a_guess_is_told_with_the_lines():
    lab.guess("where", 3)
    figure = lab.plot_accuracy_by_position({"model": [0.9, 0.5, 0.8]}, guess="where")
    assert alternative_text(figure) == (
        "accuracy by position: share right over target position; lines: model, your guess (3)"
    )
    figure = lab.plot_lines({"GRU": [1, 0.5]}, "steps back", "gradient", "how far back", guess="where")
    assert alternative_text(figure) == "how far back: gradient over steps back; lines: GRU, your guess (3)"


def test_units_are_told_by_name_in_their_order_and_by_what_is_read():
    shown = {"update gate z": np.ones((3, 11)) / 2, "state h": -np.ones((3, 11)) / 2}
    assert alternative_text(lab.plot_units("a b", shown, [10, *range(10)])) == (
        "update gate z: unit; rows: 10 0 1 2 3 4 5 6 7 8 9; columns: a␣b. "
        "state h: unit over read; rows: 10 0 1 2 3 4 5 6 7 8 9; columns: a␣b"
    )


def test_embeddings_are_told_by_their_symbols_from_left_to_right_and_from_bottom_to_top():
    vectors = [[3, 0.4], [-2, 1], [-1, -0.8], [0, -0.6]]  # these two directions spread most already
    assert alternative_text(lab.plot_embeddings(vectors, "ab c")) == (
        "embeddings, in the two directions of largest spread: second direction, 13% of the variance over "
        "first direction, 87% of the variance; left to right: b ␣ c a; bottom to top: ␣ c a b"
    )


def test_a_tree_is_told_by_its_texts():
    assert alternative_text(lab.plot_tree({"1": 0.6, "12": 0.5})) == "# 0.60 1 0.50 2 = 0.300"


def test_numbers_at_the_axes_of_a_picture_are_left_out():
    text = "inputs: place. targets_out: place"
    assert alternative_text(lab.plot_mask(lab.get_batch(3, 1, 3, rng=0))) == text


def test_jupyter_gets_picture_and_text(jupyter):
    """The picture of the panel, as it is without a kernel."""
    data, metadata = jupyter(lab.plot_trace(TRACE))
    assert data["image/png"].startswith("iVBOR")  # PNG in base64
    assert metadata["image/png"]["alt"] == (
        "one two → 12#. probability: rows: 0123456789#; columns: 12#. "
        "attention: rows: 12#; columns: one␣two. "
        "update gate z of the encoder, a row a unit: columns: one␣two"
    )


def test_a_live_curves_draft_has_the_text_as_well(jupyter):
    figure = lab.plot_history(HISTORY, [10, 20])
    _, metadata = jupyter(live._draft(figure))
    assert metadata["image/png"]["alt"] == alternative_text(figure)


@pytest.mark.parametrize("name", [name for name in dir(lab) if name.startswith("plot_")])
def test_every_plot_ends_as_finished(name):
    function = ast.parse(inspect.getsource(getattr(lab, name))).body[0]
    assert ast.unparse(function.body[-1]) == "return finished(figure)"
