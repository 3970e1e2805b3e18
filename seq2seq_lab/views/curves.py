"""What a student looks at: curves of trainings, accuracy by position, the mask.

Every `plot_` function returns a figure; nothing is shown unasked. Used throughout the notebooks.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from itertools import cycle
from numbers import Real
from typing import Any

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from seq2seq_lab.data import Batch, length_mask
from seq2seq_lab.settings import AT_LEAST_ONE, Rule, require
from seq2seq_lab.views.arrays import numbers
from seq2seq_lab.views.figures import BLUE, GREY, finished
from seq2seq_lab.views.guesses import NAME_OR_NONE, draw_guess
from seq2seq_lab.views.tables import ORANGE
from seq2seq_lab.vocabulary import SYMBOLS, visible

# They go round. Matplotlib's ten colours do, too, so that no two of the first 70 curves look alike.
LINES = "o-", "s--", "^:", "d-.", "v-", "P--", "X:"
MEASURES = {"val_token_accuracy": ("token accuracy", BLUE), "val_exact_match": ("exact match", ORANGE)}


def plot_history(
    history: Mapping[str, Sequence[float]], samples: Sequence[int], guess: str | None = None
) -> Figure:
    """Training loss, and the two accuracies of the validation set, over the samples seen.

    Raises:
        ValueError: `guess` is not the name of a guess, here of the exact match.
    """
    require("guess", guess, NAME_OR_NONE)
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
    left.plot(samples, history["loss"], ".-", color=GREY)
    left.set(title="training loss, teacher-forced", ylabel="nats per token", ylim=(0, None))
    left.grid(alpha=0.3)
    _samples_axis(left)
    _measures(right, history, samples, guess)
    return finished(figure)


def plot_histories(
    histories: Mapping[Any, keras.callbacks.History],
    samples: int,
    measure: str = "loss",
    guess: str | None = None,
) -> Figure:
    """Several trainings in one picture: one line for each name, a point after every `samples` samples.

    Raises:
        ValueError: `measure` is none of those that `train` keeps, or `guess` not the name of a guess.
    """
    labels = {"loss": "training loss, nats per token"}
    labels |= {name: label for name, (label, _) in MEASURES.items()}
    require("measure", measure, Rule(f"one of {', '.join(labels)}", labels.__contains__))
    require("guess", guess, NAME_OR_NONE)
    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    _trainings(
        axes, {name: (samples, history.history[measure]) for name, history in histories.items()}, guess
    )
    axes.set(ylabel=labels[measure], ylim=(0, None if measure == "loss" else 1.02))
    return finished(figure)


def plot_accuracy_by_position(
    accuracies: Mapping[str, Sequence[float]],
    title: str = "accuracy by position",
    position: str = "target position",
    guess: str | None = None,
) -> Figure:
    """Share of right tokens at each target position, one line for each named `(T,)`.

    Raises:
        ValueError: `guess` is not the name of a guess, here of a position.
    """
    require("guess", guess, NAME_OR_NONE)
    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    _positions(axes, accuracies, guess)
    axes.set(title=title, xlabel=position)
    return finished(figure)


def accuracy_by_length(logits: Any, targets: Any, mask: Any) -> tuple[np.ndarray, np.ndarray]:
    """Token accuracy and exact match of the samples of each number of digits, two `(T,)` from 0 digits on.

    `logits (B, T, V)`, `targets (B, T)`, `mask (B, T)`. NaN where no sample has that many.
    """
    mask = np.asarray(mask)
    right, places = (mask * (np.argmax(logits, -1) == targets)).sum(1), mask.sum(1)  # (B,)
    has_length = places[:, None] - 1 == np.arange(mask.shape[1])  # (B, T)
    with np.errstate(invalid="ignore"):
        tokens = (right @ has_length) / (places @ has_length)
        return tokens, ((right == places) @ has_length.astype(float)) / has_length.sum(0)


def plot_accuracy_by_length(
    accuracies: Mapping[str, np.ndarray],
    trained: tuple[int, int],
    measure: str = "exact match",
    guess: str | None = None,
) -> Figure:
    """A measure by number of digits, from 0 on: for each name `(seeds, lengths)`, a median in a band.

    The band reaches from the worst seed to the best; the lengths that were trained on are shaded.

    Raises:
        ValueError: `guess` is not the name of a guess, here of the measure.
    """
    require("guess", guess, NAME_OR_NONE)
    figure, axes = plt.subplots(figsize=(9, 3), layout="constrained")
    axes.axvspan(trained[0] - 0.5, trained[1] + 0.5, color="#EEEEEE", label="trained on")
    for (name, values), style in zip(accuracies.items(), cycle(LINES), strict=False):
        lengths = np.flatnonzero(np.isfinite(values).all(0))
        draw_band(axes, lengths, np.asarray(values)[:, lengths], style, name)
    axes.set(xlabel="digits", ylabel=measure, ylim=(0, 1.02))
    _explained(axes, guess)
    return finished(figure)


def draw_band(axes: Axes, xs: Any, values: np.ndarray, style: str, name: str) -> None:
    """The median of `values (seeds, N)` in a band from the worst seed to the best; NaN says nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # where no seed has anything to say
        low, middle, high = np.nanmin(values, 0), np.nanmedian(values, 0), np.nanmax(values, 0)
    (line,) = axes.plot(xs, middle, style, markersize=4, label=name)
    axes.fill_between(xs, low, high, color=line.get_color(), alpha=0.2)


def plot_lines(
    lines: Mapping[str, Any],
    xlabel: str,
    ylabel: str,
    title: str = "",
    log: bool = False,
    guess: str | None = None,
) -> Figure:
    """Named curves in one picture: by name, `ys (N,)` over 0, 1, 2 ..., or a tuple `(xs (N,), ys (N,))`.

    NaN is a gap; with `log`, which makes the y axis logarithmic, what is not above 0 is one as well.

    Raises:
        ValueError: there is no line, or one is no numbers, has more xs than ys or less, or nothing that could
            be drawn; `guess` is not the name of a guess, here of a y.
    """
    require("lines", lines, Rule("a mapping from names to numbers", lambda v: isinstance(v, Mapping)))
    require("lines", lines, AT_LEAST_ONE)
    require("guess", guess, NAME_OR_NONE)
    curves = {name: _curve(f"lines[{name!r}]", line, log) for name, line in lines.items()}
    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    if log:
        axes.set_yscale("log", nonpositive="mask")
    _draw_lines(axes, curves, markersize=4)
    _explained(axes, guess)
    if all((xs % 1 == 0).all() for xs, _ in curves.values()):  # digits, positions, steps
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
    _uncover(axes)
    return finished(figure)


def plot_result(reports: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Trainings in one picture, from what `train --json` wrote: while they learned, and by position."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
    matches = {
        name: (report["settings"]["samples_per_epoch"], report["history"]["val_exact_match"])
        for name, report in reports.items()
    }
    _trainings(left, matches)
    left.set(title="held-out samples, free-running", ylabel="exact match", ylim=(0, 1.02))
    _positions(right, {name: report["accuracy_by_position"] for name, report in reports.items()})
    return finished(figure)


def plot_mask(batch: Batch) -> Figure:
    """Inputs and targets of a batch, every place with its symbol; the padding is struck out."""
    S, T = batch.inputs.shape[1], batch.targets_out.shape[1]
    size = {"figsize": (0.27 * (S + T) + 1, 0.32 * len(batch.inputs) + 0.9), "layout": "constrained"}
    figure, (left, right) = plt.subplots(1, 2, width_ratios=(S, T), **size)
    _grid(left, batch.inputs, length_mask(batch.inputs_seqlen, S), "inputs")
    _grid(right, batch.targets_out, batch.targets_mask, "targets_out")
    return finished(figure)


def _grid(axes, ids, mask, title):
    """One place a cell: true places bright with their symbol, padding grey with its 0 struck out."""
    axes.imshow(mask, cmap="Blues", vmin=0, vmax=3, aspect="auto")
    for (row, column), i in np.ndenumerate(ids):
        true = bool(mask[row, column])
        symbol = visible(SYMBOLS[i]) if true else "0̸"
        axes.text(column, row, symbol, ha="center", va="center", color="black" if true else "silver")
    axes.set_title(title)
    axes.set_yticks(range(len(ids)))
    axes.set_xticks(range(0, ids.shape[1], 5))
    axes.set_xlabel("place")


def _curve(name, line, log):
    """The xs and ys of a line, however it was given."""
    pair = isinstance(line, tuple) and len(line) == 2 and not all(isinstance(v, Real) for v in line)
    ys = numbers(f"{name}[1]" if pair else name, line[1] if pair else line, "(N,)", finite=False)
    xs = numbers(f"{name}[0]", line[0], "(N,)", finite=False) if pair else np.arange(len(ys))
    require(f"len({name}[0])", len(xs), Rule(f"{len(ys)}, as many as ys", lambda v: v == len(ys)))
    drawn = np.isfinite(xs) & np.isfinite(ys) & (ys > (0 if log else -np.inf))
    words = f"at least one finite number{' above 0' * log}"
    require(name, line, Rule(words, lambda _: drawn.any()))
    return xs, np.where(drawn, ys, np.nan)


def _measures(axes, history, samples, guess):
    for name, (label, colour) in MEASURES.items():
        axes.plot(samples, history[name], ".-", color=colour, label=label)
    axes.set(title="held-out samples, free-running", ylabel="share right", ylim=(0, 1.02))
    _explained(axes, guess)
    _samples_axis(axes)


def _trainings(axes, curves, guess=None):
    """A line for each name: samples between two points, and the value at each."""
    lines = {name: (step * np.arange(1, len(ys) + 1), ys) for name, (step, ys) in curves.items()}
    _draw_lines(axes, lines, markersize=4)
    _explained(axes, guess)
    _samples_axis(axes)


def _positions(axes, accuracies, guess=None):
    _draw_lines(axes, {name: (np.arange(1, len(ys) + 1), ys) for name, ys in accuracies.items()})
    _explained(axes, guess, vertical=True)
    axes.set_xticks(np.arange(1, max(map(len, accuracies.values()), default=0) + 1))
    axes.set(title="accuracy by position", xlabel="target position", ylabel="share right", ylim=(0, 1.02))


def _draw_lines(axes, lines, **style):
    for (name, (xs, ys)), look in zip(lines.items(), cycle(LINES), strict=False):
        axes.plot(xs, ys, look, label=f"{name}", markevery=max(1, len(ys) // 25), **style)


def _explained(axes, guess, vertical=False):
    """What was guessed, the legend and a grid."""
    draw_guess(axes, guess, vertical)
    axes.legend()
    axes.grid(alpha=0.3)


def _uncover(axes):
    """Move the legend beside the axes where it would cover a line."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that a legend is too large is said when it is shown
        axes.figure.draw_without_rendering()
    box = axes.get_legend().get_window_extent()
    paths = [line.get_path().transformed(line.get_transform()) for line in axes.lines]
    if any(path.intersects_bbox(box, filled=False) for path in paths):
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))


def _samples_axis(axes):
    axes.set_xlabel("training samples")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
