"""The exercises of notebook 1: measuring, shapes, a cell that copies; its layers and bugs have modules.

References and mistakes are NumPy, whatever an answer is written in.
"""

from __future__ import annotations

import numpy as np

from seq2seq_lab.data import length_mask
from seq2seq_lab.exercises import asking, layers
from seq2seq_lab.exercises import encoder_decoder_bugs as bugs
from seq2seq_lab.exercises.exercise import Exercise, Finding, Mistake
from seq2seq_lab.exercises.numbers import WEIGHTS, gru_step, lengths, normal, sizes

STEPS, MOST_CHANGE = 20, 0.05


# --- accuracy by position


def _draw_answers(rng, case):
    B, T = 3 + case, 4 + case
    wanted = rng.integers(0, 11, (B, T)).astype(np.int32)
    said = np.where(rng.random((B, T)) < 0.6, wanted, rng.integers(0, 11, (B, T))).astype(np.int32)
    mask = length_mask(lengths(rng, B, T), T)
    return {"said": said * mask, "wanted": wanted * mask, "mask": mask.astype(np.float32)}


def _by_position(said, wanted, mask):
    return (mask * (said == wanted)).sum(0) / mask.sum(0)


BY_POSITION = Exercise(
    "accuracy-by-position",
    "token accuracy at each target position, masked",
    2,
    _draw_answers,
    _by_position,
    ("accuracy",),
    (
        Mistake(
            "unmasked",
            "padding counts: where both hold a 0 behind the end, that is no right answer.",
            lambda said, wanted, mask: (said == wanted).mean(0),
            lambda said, wanted, mask: (said == wanted).sum(0) / mask.sum(0),
        ),
        Mistake(
            "divided-by-all",
            "the right places are masked, but they are divided by all samples. How many are that long?",
            lambda said, wanted, mask: (mask * (said == wanted)).mean(0),
        ),
        Mistake(
            "by-sample",
            "this is a number for each sample, not for each position. Along which axis do you sum?",
            lambda said, wanted, mask: (mask * (said == wanted)).sum(1) / mask.sum(1),
        ),
        Mistake(
            "one-number",
            "this is the token accuracy of all positions together; keep them apart.",
            lambda said, wanted, mask: (mask * (said == wanted)).sum() / mask.sum(),
        ),
        Mistake(
            "wrong-places",
            "these are the shares of mistakes, not of right places.",
            lambda said, wanted, mask: (mask * (said != wanted)).sum(0) / mask.sum(0),
        ),
    ),
)


# --- shapes of the cell's matrices

SHAPES = Exercise(
    "gate-shapes",
    "shapes of W_xr and W_hr as functions of the sizes",
    1,
    lambda rng, case: sizes(rng, "symbols", "embedding", "units"),
    lambda symbols, embedding, units: ((embedding, units), (units, units)),
    ("shape_of_W_xr", "shape_of_W_hr"),
    (
        Mistake(
            "transposed",
            "the cell computes x @ W_xr, with a row for each sample: does x have as many columns as your "
            "W_xr has rows?",
            lambda symbols, embedding, units: ((units, embedding), (units, units)),
        ),
        Mistake(
            "one-hot",
            "what does the cell read at each step: a number for each symbol there is, or one's embedding?",
            lambda symbols, embedding, units: ((symbols, units), (units, units)),
        ),
        Mistake(
            "swapped",
            "the second letter says where a matrix reads from: x is the input, h the state.",
            lambda symbols, embedding, units: ((units, units), (embedding, units)),
        ),
        Mistake(
            "stacked",
            "that is the width of three gates at once; here each gate has its own matrix.",
            lambda symbols, embedding, units: ((embedding, 3 * units), (units, 3 * units)),
        ),
        Mistake(
            "alike",
            "both of yours read the input. What does W_hr read?",
            lambda symbols, embedding, units: ((embedding, units), (embedding, units)),
        ),
    ),
)


# --- a cell that copies its state


def _draw_cell(rng, case):
    units = 10 + 3 * case
    return {"units": units, "inputs": normal(rng, STEPS, 5), "state": np.tanh(normal(rng, units))}


def _fault_of_cell(result, units, inputs, state):
    W = dict(zip(WEIGHTS, result, strict=True))
    if W["b_z"].shape != (units,):
        return Finding("shape", f"the cell should have {units} units, as asked, but has {W['b_z'].size}")
    inputs = np.resize(inputs, (STEPS, len(W["W_xz"])))  # it may have been built already, for another width
    for name in WEIGHTS[:6]:
        spread, largest = W[name].std(), np.abs(W[name]).max()
        if not (spread > 0.03 and largest <= 0.21):  # no draw of the default comes near either
            return Finding(
                "matrices",
                f"{name} does not look as it is drawn by default (standard deviation {spread:.3f})",
                "leave the matrices alone and change a bias only.",
            )
    h = state
    for x in inputs:
        h = gru_step(W, x, h)
    change = np.linalg.norm(h - state) / np.linalg.norm(state)
    if np.isnan(change):
        return Finding("nan", "after some steps the state is not a number (NaN)")
    if change <= MOST_CHANGE:
        return None
    b_z = W["b_z"].mean()
    label, hint = "not-the-update-gate", "which gate decides how much of the old state is copied?"
    if b_z < 0:
        label, hint = "forgets", "the right gate, but which of its two ends copies: 0 or 1?"
    if b_z > 0:
        label, hint = "not-enough", "the right gate and the right direction, but not far enough."
    found = f"after {STEPS} random inputs the state has changed by {change:.1%}"
    return Finding(label, f"{found}; at most {MOST_CHANGE:.0%} is wanted", hint)


def _copying_cell(units):
    import keras

    from seq2seq_lab.gru import GRUCell

    return GRUCell(units, b_z=keras.initializers.Constant(8))


COPYING = Exercise(
    "copying-cell",
    "first biases with which a fresh cell copies its state",
    2,
    _draw_cell,
    _copying_cell,
    WEIGHTS,
    call=asking.for_cell,
    fault=_fault_of_cell,
)


# --- how jagged a curve is

JAGGED = Exercise(
    "jaggedness",
    "how jagged a curve is: the mean size of its jumps",
    1,
    lambda rng, case: {"curve": np.cumsum(normal(rng, 4 + 3 * case)).astype(np.float32)},
    lambda curve: np.abs(np.diff(curve)).mean(),
    ("jaggedness",),
    (
        Mistake(
            "signed",
            "jumps up and down cancel each other here: only the ends of the curve remain.",
            lambda curve: np.diff(curve).mean(),
            lambda curve: abs(np.diff(curve).mean()),
        ),
        Mistake(
            "sum",
            "a longer curve would always be more jagged: divide.",
            lambda curve: np.abs(np.diff(curve)).sum(),
        ),
        Mistake(
            "deviation",
            "a smooth curve that climbs also spreads: this says how far it goes, not how jagged it is.",
            lambda curve: curve.std(),
        ),
        Mistake(
            "divided-by-points",
            "how many jumps are there between n points?",
            lambda curve: np.abs(np.diff(curve)).sum() / len(curve),
        ),
        Mistake(
            "squared",
            "the mean of sizes is wanted, not of squares.",
            lambda curve: (np.diff(curve) ** 2).mean(),
        ),
        Mistake(
            "largest",
            "this is the largest jump; the mean is wanted.",
            lambda curve: np.abs(np.diff(curve)).max(),
        ),
    ),
)


EXERCISES = (
    BY_POSITION,
    SHAPES,
    COPYING,
    layers.OVER_TIME,
    JAGGED,
    layers.ONE_CLASS,
    layers.BOTH_WAYS,
    bugs.PADDED_LOSS,
    bugs.NOT_SHIFTED,
    bugs.OVER_PADDING,
    bugs.RESET_GATE,
)
