"""Figures hold the numbers they were given; the live curve follows a training."""

import sys
import types

import matplotlib as mpl
import numpy as np
import pytest
from no_xla import xla_off

import seq2seq_lab as lab
from seq2seq_lab.training import prepare
from seq2seq_lab.views import curves as plots
from seq2seq_lab.views import live

mpl.use("agg")
HISTORY = {"loss": [2.0, 1.5], "val_token_accuracy": [0.2, 0.4], "val_exact_match": [0.0, 0.1]}


def lines(axes):
    return {line.get_label(): list(line.get_ydata()) for line in axes.get_lines()}


def test_history_draws_loss_and_both_measures():
    left, right = lab.plot_history(HISTORY, [10, 20]).axes
    assert list(left.get_lines()[0].get_ydata()) == HISTORY["loss"]
    assert lines(right) == {"token accuracy": [0.2, 0.4], "exact match": [0.0, 0.1]}
    assert list(right.get_lines()[0].get_xdata()) == [10, 20]


def test_result_draws_trainings_side_by_side():
    def report(match, positions):
        history = {"val_exact_match": match}
        return {"history": history, "settings": {"samples_per_epoch": 10}, "accuracy_by_position": positions}

    reports = {"without": report([0.0, 0.1], [0.9, 0.5, 0.8]), "with": report([0.5, 1.0], [1, 1, 0.9])}
    left, right = lab.plot_result(reports).axes
    assert lines(left) == {"without": [0.0, 0.1], "with": [0.5, 1.0]}
    assert list(left.get_lines()[1].get_xdata()) == [10, 20]
    assert lines(right) == {"without": [0.9, 0.5, 0.8], "with": [1, 1, 0.9]}


def test_accuracy_by_position_counts_from_one():
    (axes,) = lab.plot_accuracy_by_position({"a": [0.9, 0.5, 0.8], "b": [1, 1, 1]}).axes
    assert lines(axes) == {"a": [0.9, 0.5, 0.8], "b": [1, 1, 1]}
    assert list(axes.get_xticks()) == [1, 2, 3]


def test_accuracy_by_position_can_be_of_something_else():
    (axes,) = lab.plot_accuracy_by_position({"a": [1, 0.5]}, "after a mistake", "where it was").axes
    assert (axes.get_title(), axes.get_xlabel()) == ("after a mistake", "where it was")


def test_accuracy_by_length_draws_a_median_in_its_band():
    values = np.array([[np.nan, 0.2, 0.9], [np.nan, 0.6, 0.1], [np.nan, 0.5, 0.3]])
    (axes,) = lab.plot_accuracy_by_length({"model": values}, trained=(1, 2), measure="token accuracy").axes
    (line,) = axes.get_lines()
    assert line.get_xydata().tolist() == [[1, 0.5], [2, 0.3]]
    shaded, band = axes.patches[0], axes.collections[0].get_paths()[0].vertices
    assert (shaded.get_x(), shaded.get_width()) == (0.5, 2)
    assert {tuple(v) for v in band.round(6).tolist()} == {(1, 0.2), (1, 0.6), (2, 0.1), (2, 0.9)}
    assert axes.get_ylabel() == "token accuracy"


def test_mask_shows_every_symbol_at_its_place_and_strikes_out_padding():
    batch = lab.get_batch(4, 1, 3, rng=0)
    for (
        axes,
        ids,
        lengths,
    ) in zip(
        lab.plot_mask(batch).axes,
        (batch.inputs, batch.targets_out),
        (batch.inputs_seqlen, batch.targets_seqlen),
        strict=True,
    ):
        shown = {t.get_position(): t.get_text() for t in axes.texts}
        for (row, place), i in np.ndenumerate(ids):
            wanted = lab.decode([i]).replace(" ", "␣") if place < lengths[row] else "0̸"
            assert shown[place, row] == wanted


def test_no_figure_stays_open():
    lab.plot_history(HISTORY, [10, 20])
    assert plots.plt.get_fignums() == []


def test_histories_draw_a_line_each():
    histories = {}
    for rate in (0.01, 0.001):
        measured = {"loss": [rate, 2 * rate], "val_exact_match": [3 * rate, 4 * rate]}
        histories[rate] = type("History", (), {"history": measured})
    (axes,) = lab.plot_histories(histories, 1000).axes
    assert lines(axes) == {"0.01": [0.01, 0.02], "0.001": [0.001, 0.002]}
    assert list(axes.get_lines()[0].get_xdata()) == [1000, 2000]
    assert axes.get_ylabel() == "training loss, nats per token"
    (axes,) = lab.plot_histories(histories, 1000, measure="val_exact_match").axes
    assert lines(axes) == {"0.01": [0.03, 0.04], "0.001": [0.003, 0.004]}
    assert axes.get_ylabel() == "exact match"


@pytest.mark.parametrize("many", [6, 30])
def test_no_curve_vanishes_and_no_two_look_alike(many):
    names = [f"curve {i}" for i in range(many)]
    by_name = {name: [0.5, 0.4] for name in names}
    histories = {name: types.SimpleNamespace(history={"loss": [0.5]}) for name in names}
    report = {
        "settings": {"samples_per_epoch": 10},
        "history": {"val_exact_match": [0.5]},
        "accuracy_by_position": [0.5],
    }
    figures = [
        lab.plot_histories(histories, 1000),
        lab.plot_accuracy_by_position(by_name),
        lab.plot_accuracy_by_length({name: np.ones((2, 3)) for name in names}, trained=(1, 2)),
        lab.plot_result({name: report for name in names}),
        lab.plot_lines(by_name, "x", "y"),
    ]
    for axes in (axes for figure in figures for axes in figure.axes):
        assert list(lines(axes)) == names
        looks = {(line.get_color(), line.get_marker(), line.get_linestyle()) for line in axes.get_lines()}
        assert len(looks) == many


def test_lines_are_drawn_over_their_count_or_their_xs():
    given = {"counted": [3, 1.5, np.nan, 2], 8: (np.array([10, 20]), [4.0, 5.0]), "two": (6, 7.5)}
    (axes,) = lab.plot_lines(given, "steps", "nats", "a title").axes
    wanted = {
        "counted": [[0, 3], [1, 1.5], [2, np.nan], [3, 2]],
        "8": [[10, 4], [20, 5]],
        "two": [[0, 6], [1, 7.5]],
    }
    for line, (name, points) in zip(axes.get_lines(), wanted.items(), strict=True):
        assert line.get_label() == name
        np.testing.assert_array_equal(line.get_xydata(), points)
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("steps", "nats", "a title")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(wanted)
    assert axes.get_yscale() == "linear"
    assert plots.plt.get_fignums() == []


def test_on_a_logarithmic_axis_what_is_not_above_zero_is_a_gap():
    (axes,) = lab.plot_lines({"a": [1, 0, -1, 0.01, np.inf]}, "x", "y", log=True).axes
    assert axes.get_yscale() == "log"
    np.testing.assert_array_equal(axes.get_lines()[0].get_ydata(), [1, np.nan, np.nan, 0.01, np.nan])
    (axes,) = lab.plot_lines({"a": [1, 0, -1]}, "x", "y").axes
    assert lines(axes) == {"a": [1, 0, -1]}


@pytest.mark.parametrize(("xs", "whole"), [(range(1, 21), True), (np.linspace(0, 1.5, 20), False)])
def test_ticks_between_whole_numbers_stand_where_there_are_such_xs(xs, whole):
    (axes,) = lab.plot_lines({"a": (xs, np.ones(20))}, "x", "y").axes
    assert all(tick % 1 == 0 for tick in axes.get_xticks()) == whole


def covered(axes):
    """How many points of lines, drawn densely, lie behind the legend."""
    axes.figure.draw_without_rendering()
    box = axes.get_legend().get_window_extent()
    count = 0
    for line in axes.get_lines():
        xs, ys = line.get_data()
        dense = np.linspace(xs[0], xs[-1], 5000)
        x, y = axes.transData.transform(np.stack([dense, np.interp(dense, xs, ys)], 1)).T
        count += np.sum((box.x0 < x) & (x < box.x1) & (box.y0 < y) & (y < box.y1))
    return count


def test_a_legend_stands_in_the_picture_where_it_covers_no_line_and_else_beside_it():
    empty = {"a long name, to need room": [0.0, 0.0, 0.0, 1.0]}
    full = {f"a long name, to need room, {i}": 20 * [i, 8 - i] for i in range(8)}
    for lines, inside in (empty, True), (full, False):
        (axes,) = lab.plot_lines(lines, "x", "y").axes
        assert covered(axes) == 0
        assert (axes.get_legend().get_window_extent().x1 < axes.get_window_extent().x1) == inside


def test_a_legend_covers_no_single_point():
    (axes,) = lab.plot_lines({f"point {i}": ([i], [i % 3]) for i in range(12)}, "x", "y").axes
    axes.figure.draw_without_rendering()
    assert axes.get_legend().get_window_extent().x0 > axes.get_window_extent().x1


def test_a_marker_stands_at_every_point_of_a_short_line_and_at_some_of_a_long_one():
    short, long = lab.plot_lines({"a": np.ones(25), "b": np.ones(5000)}, "x", "y").axes[0].get_lines()
    assert short.get_markevery() == 1
    assert 20 <= 5000 / long.get_markevery() <= 50


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([[1, 2]], "lines must be a mapping from names to numbers, but is"),
        ({}, "lines must be not empty, but is {}"),
        ({"b": [1], "a": []}, r"lines\['a'\] must be numbers \(N,\), not empty, but is \[\]"),
        ({"a": "text"}, r"lines\['a'\] must be numbers \(N,\), not empty, but is 'text'"),
        ({"a": [[1, 2]]}, r"lines\['a'\] must be numbers \(N,\), not empty, but is \[\[1, 2\]\]"),
        ({"a": ([1, 2], None)}, r"lines\['a'\]\[1\] must be numbers \(N,\), not empty, but is None"),
        (
            {"a": (["x", "y"], [1, 2])},
            r"lines\['a'\]\[0\] must be numbers \(N,\), not empty, but is \['x', 'y'\]",
        ),
        ({"a": ([1, 2], [1, 2, 3])}, r"len\(lines\['a'\]\[0\]\) must be 3, as many as ys, but is 2"),
        ({"b": [1], "a": [np.nan, np.inf]}, r"lines\['a'\] must be at least one finite number, but is"),
        ({"a": ([np.nan, 1], [1, np.nan])}, r"lines\['a'\] must be at least one finite number, but is"),
    ],
)
def test_what_is_no_line_is_named(given, words):
    with pytest.raises(ValueError, match=words):
        lab.plot_lines(given, "x", "y")
    assert plots.plt.get_fignums() == []


def test_a_logarithmic_axis_needs_something_above_zero():
    with pytest.raises(ValueError, match=r"lines\['a'\] must be at least one finite number above 0, but is"):
        lab.plot_lines({"a": [0, -1, np.nan]}, "x", "y", log=True)


def test_an_unknown_measure_is_named():
    with pytest.raises(ValueError, match=r"measure must be one of loss, val_token_accuracy, .* but is 'acc'"):
        lab.plot_histories({}, 1000, measure="acc")


@pytest.fixture(scope="module")
def compiled():
    """A model that traces its training once for all; without XLA, which takes longer than these few steps."""
    settings = lab.Settings(
        min_digits=2,
        max_digits=3,
        samples_per_epoch=32,
        validation_samples=8,
        encoder_units=4,
        decoder_units=4,
    )
    model = lab.Seq2Seq(settings)
    with xla_off():
        prepare(model)
    return model


@pytest.fixture
def trained(compiled):
    """The model as it began."""
    lab.restart(compiled)
    return compiled


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:XLA does not work")
def test_live_curve_writes_a_line_a_point_outside_jupyter(trained, capsys):
    history = lab.train(trained, samples=80, callbacks=[lab.LiveCurve()])
    written = [line for line in capsys.readouterr().out.splitlines() if "samples:" in line]
    assert [int(line.split()[0]) for line in written] == [32, 64, 80]
    assert f"loss {history.history['loss'][-1]:.3f}" in written[-1]


@pytest.mark.slow
@pytest.mark.parametrize(("epoch", "drawn"), [(4.1, [1, 2, 3, 4]), (3.9, [1, 3]), (1.4, [1, 4]), (0.5, [1])])
def test_drawing_takes_at_most_a_fifth_of_the_time(monkeypatch, epoch, drawn):
    """With a clock that a drawing turns on by a second, and an epoch by as much as is said."""
    now, points, drafts_with_guess = [100.0], [], []
    lab.guess("live", 0.75)
    curve = lab.LiveCurve(guess="live")
    curve.set_params({"epochs": 4})
    curve.set_model(types.SimpleNamespace(samples_seen=0, settings=lab.Settings(samples_per_epoch=10)))
    handle = types.SimpleNamespace(update=lambda value, raw=False: None)

    def draft(figure):
        points.append(len(curve.samples))
        drafts_with_guess.append("your guess (0.75)" in lines(figure.axes[1]))
        now[0] += 1

    monkeypatch.setattr(live, "_in_jupyter", lambda: True)
    monkeypatch.setattr(live, "_display", lambda value, raw=False: handle)
    monkeypatch.setattr(live, "_draft", draft)
    monkeypatch.setattr(live, "perf_counter", lambda: now[0])
    curve.on_train_begin()
    for n in range(4):
        now[0] += epoch
        curve.model.samples_seen += 10
        curve.on_epoch_end(n, {"loss": 2.0, "val_token_accuracy": 0.2, "val_exact_match": 0.1})
    assert points == drawn
    assert all(drafts_with_guess)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:XLA does not work")
def test_live_curve_redraws_in_place_in_jupyter(trained, monkeypatch, capsys):
    shown = []

    class Handle:
        def update(self, value, raw=False):
            shown.append(value)

    monkeypatch.setattr(live, "_in_jupyter", lambda: True)
    monkeypatch.setattr(live, "_display", lambda value, raw=False: Handle())
    monkeypatch.setattr(live, "DRAWING", 1.0)
    lab.guess("live", 0.75)
    lab.train(trained, samples=64, callbacks=[lab.LiveCurve(guess="live")])
    bars = [value["text/plain"] for value in shown if isinstance(value, dict)]
    *drafts, figure = [value for value in shown if not isinstance(value, dict)]
    assert len(drafts) == 2
    assert all(draft.data.startswith(b"\x89PNG") for draft in drafts)
    assert drafts[0].data != drafts[1].data
    assert len(figure.axes[0].get_lines()[0].get_xdata()) == 2
    assert lines(figure.axes[1])["your guess (0.75)"] == [0.75, 0.75]
    assert bars[-1].startswith("100%")
    assert capsys.readouterr().out == ""


def test_jupyter_is_recognised_by_its_kernel(monkeypatch):
    fake = type("IPython", (), {"get_ipython": staticmethod(lambda: type("Shell", (), {"kernel": 1})())})
    monkeypatch.setitem(sys.modules, "IPython", fake)
    assert live._in_jupyter()
    monkeypatch.setitem(sys.modules, "IPython", None)
    assert not live._in_jupyter()
