"""The exercises of notebook 1: measuring, shapes, a cell that copies, layers.

Steps and the bug clinic have modules of their own. References and mistakes are NumPy, whatever answers are.
"""

from __future__ import annotations

import functools

import numpy as np

from seq2seq_lab.data import length_mask
from seq2seq_lab.exercises.catalogue import calls
from seq2seq_lab.exercises.catalogue.numbers import (
    WEIGHTS,
    batches,
    gru_step,
    lengths,
    normal,
    sizes,
    softmax,
)
from seq2seq_lab.exercises.engine.exercise import Exercise, Finding, Mistake
from seq2seq_lab.vocabulary import INPUT_SYMBOLS

STEPS, MOST_CHANGE = 20, 0.05  # of the cell that copies


# --- accuracy by position


def _draw_answers(rng, lengths, T, symbols=(1, 10), behind=0):
    """Wanted symbols from the first to the last of `symbols`; up to `behind` is said behind the end."""
    B = len(lengths)
    wanted = rng.integers(symbols[0], symbols[1] + 1, (B, T)).astype(np.int32)
    said = np.where(rng.random((B, T)) < 0.6, wanted, (wanted + rng.integers(1, 11, (B, T))) % 11)
    mask = length_mask(lengths, T)
    said = np.where(mask, said, rng.integers(0, behind + 1, (B, T))).astype(np.int32)
    return {"said": said, "wanted": wanted * mask, "mask": mask.astype(np.float32)}


def by_position(said, wanted, mask):
    return (mask * (said == wanted)).sum(0) / mask.sum(0)


BY_POSITION = Exercise(
    name="accuracy-by-position",
    task="token accuracy at each target position, masked",
    points=2,
    draws={
        **batches(_draw_answers, all_reached=True),
        "nothing to be written but the symbol 0": lambda rng: _draw_answers(
            rng, lengths(rng, 4, 6), 6, (0, 0)
        ),
        "any symbols behind the end": lambda rng: _draw_answers(rng, lengths(rng, 5, 6), 6, behind=10),
    },
    reference=by_position,
    returns=("accuracy",),
    mistakes=(
        Mistake(
            "unmasked",
            "padding counts: where both hold a 0 behind the end, that is no right answer.",
            lambda said, wanted, mask: (said == wanted).mean(0),
            lambda said, wanted, mask: (said * mask == wanted * mask).mean(0),
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


def gate_shapes(symbols, embedding, units):
    return (embedding, units), (units, units)


SHAPES = Exercise(
    name="gate-shapes",
    task="shapes of W_xr and W_hr as functions of the sizes",
    points=1,
    draws=sizes("symbols", "embedding", "units"),
    reference=gate_shapes,
    returns=("shape_of_W_xr", "shape_of_W_hr"),
    mistakes=(
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
    call=calls.for_shapes,
)


# --- a cell that copies its state


def _draw_cell(rng, units):
    return {"units": units, "inputs": normal(rng, STEPS, 5), "state": np.tanh(normal(rng, units))}


def _fault_of_cell(result, units, inputs, state):
    W = dict(zip(WEIGHTS, result, strict=True))
    if W["b_z"].shape != (units,):
        return Finding("shape", f"the cell should have {units} units, as asked, but has {W['b_z'].size}")
    for name in WEIGHTS:
        rows = {"x": W["W_xz"].shape[:1], "h": (units,), "b": ()}[name.removeprefix("W_")[0]]
        if W[name].shape != (*rows, units):
            return Finding("shape", f"`{name}` should have shape {(*rows, units)}, but has {W[name].shape}")
    inputs = np.resize(inputs, (STEPS, len(W["W_xz"])))  # it may have been built already, for another width
    for name in WEIGHTS[:6]:
        spread, largest = W[name].std(), np.abs(W[name]).max()
        if not (spread > 0.03 and largest <= 0.21):  # no draw of the default comes near either
            return Finding(
                "matrices",
                f"`{name}` does not look as it is drawn by default (standard deviation {spread:.3f})",
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


def copying_cell(units):
    import keras

    from seq2seq_lab.gru import GRUCell

    return GRUCell(units, b_z=keras.initializers.Constant(8))


COPYING = Exercise(
    name="copying-cell",
    task="initial biases with which a fresh cell copies its state",
    points=2,
    draws={f"{units} units": functools.partial(_draw_cell, units=units) for units in (10, 13, 16, 40)},
    reference=copying_cell,
    returns=WEIGHTS,
    call=calls.for_cell,
    fault=_fault_of_cell,
)


# --- a softmax layer on top of a recurrent layer


def _draw_states(rng, B, T, H, K):
    return {"states": normal(rng, B, T, H), "W": normal(rng, H, K), "b": normal(rng, K)}


def softmax_layer(states, W, b):
    logits = states @ W + b
    return logits, softmax(logits)


def _flat(states, W, b):
    logits = (states @ W + b).reshape(-1, W.shape[1])
    return logits, softmax(logits)


def _over_everything(states, W, b):
    logits = states @ W + b
    return logits, softmax(logits.ravel()).reshape(logits.shape)


OVER_TIME = Exercise(
    name="softmax-over-time",
    task="a softmax layer on top of a recurrent layer",
    points=2,
    draws={
        "two samples": lambda rng: _draw_states(rng, 2, 3, 2, 4),
        "three samples": lambda rng: _draw_states(rng, 3, 7, 5, 6),
        "sizes that are all alike": lambda rng: _draw_states(rng, 4, 4, 4, 4),
        "a single sample": lambda rng: _draw_states(rng, 1, 5, 3, 2),
        "a single step": lambda rng: _draw_states(rng, 3, 1, 4, 5),
        "a single unit": lambda rng: _draw_states(rng, 2, 3, 1, 4),
        "16 samples of length 140": lambda rng: _draw_states(rng, 16, 140, 10, 11),
    },
    reference=softmax_layer,
    returns=("logits", "probabilities"),
    mistakes=(
        Mistake(
            "wrong-axis",
            "the probabilities of which things should sum to 1? Yours do over the time steps.",
            lambda states, W, b: (states @ W + b, softmax(states @ W + b, 1)),
        ),
        Mistake(
            "over-batch",
            "yours sum to 1 over the samples, as if these were the choices.",
            lambda states, W, b: (states @ W + b, softmax(states @ W + b, 0)),
        ),
        Mistake("flat", "one row for each sample and step is the way in between: shape it back.", _flat),
        Mistake("no-bias", "a layer has a bias as well.", lambda states, W, b: softmax_layer(states, W, 0)),
        Mistake(
            "over-everything",
            "all numbers together sum to 1 here. Those of which single step should?",
            _over_everything,
        ),
        Mistake(
            "twice",
            "the softmax has been taken twice for the second output.",
            lambda states, W, b: (states @ W + b, softmax(softmax(states @ W + b))),
        ),
        Mistake(
            "twice",
            "both are probabilities: the first output should be what goes into the softmax.",
            lambda states, W, b: (softmax(states @ W + b), softmax(states @ W + b)),
        ),
        Mistake(
            "twice",
            "the softmax has been taken twice: the first output should be what goes into it.",
            lambda states, W, b: (softmax(states @ W + b), softmax(softmax(states @ W + b))),
        ),
        Mistake(
            "swapped",
            "logits first, then probabilities.",
            lambda states, W, b: softmax_layer(states, W, b)[::-1],
        ),
    ),
)


# --- how jagged a curve is


def _draw_curve(rng, N):
    return {"curve": np.cumsum(normal(rng, N)).astype(np.float32)}


def _draw_line(rng, N):
    """In eighths, which float32 adds without an error: so 0 is 0, however it is computed."""
    return {"curve": ((rng.integers(-40, 40) + rng.integers(1, 40) * np.arange(N)) / 8).astype(np.float32)}


def jaggedness(curve):
    return np.abs(np.diff(curve, 2)).mean()


JAGGED = Exercise(
    name="jaggedness",
    task="how jagged a curve is: the mean size of its second differences",
    points=1,
    draws={
        "four points": lambda rng: _draw_curve(rng, 4),
        "thirteen points": lambda rng: _draw_curve(rng, 13),
        "three points": lambda rng: _draw_curve(rng, 3),
        "a straight line that climbs": lambda rng: _draw_line(rng, 6),
        "a curve on both sides of 0": lambda rng: {"curve": np.float32([1, -1, 1, -1]) * abs(normal(rng, 4))},
        "a flat curve": lambda rng: {"curve": np.full(5, rng.random(), np.float32)},
        "300 points": lambda rng: _draw_curve(rng, 300),
    },
    reference=jaggedness,
    returns=("jaggedness",),
    mistakes=(
        Mistake(
            "first-differences",
            "a straight line that climbs is not jagged, but jumps: compare each jump with the one before.",
            lambda curve: np.abs(np.diff(curve)).mean(),
            lambda curve: np.diff(curve).mean(),
        ),
        Mistake(
            "signed",
            "differences above and below 0 cancel here: only the first and the last jump remain.",
            lambda curve: np.diff(curve, 2).mean(),
            lambda curve: abs(np.diff(curve, 2).mean()),
        ),
        Mistake(
            "sum",
            "a longer curve would always be more jagged: divide.",
            lambda curve: np.abs(np.diff(curve, 2)).sum(),
        ),
        Mistake(
            "deviation",
            "a smooth curve that climbs also spreads: this says how far it goes, not how jagged it is.",
            lambda curve: curve.std(),
        ),
        Mistake(
            "divided-by-points",
            "how many second differences do n points have?",
            lambda curve: np.abs(np.diff(curve, 2)).sum() / len(curve),
            lambda curve: np.abs(np.diff(curve, 2)).sum() / (len(curve) - 1),
        ),
        Mistake(
            "squared",
            "the mean of sizes is wanted, not of squares.",
            lambda curve: (np.diff(curve, 2) ** 2).mean(),
        ),
        Mistake(
            "largest",
            "this is the largest second difference; the mean is wanted.",
            lambda curve: np.abs(np.diff(curve, 2)).max(),
        ),
        Mistake(
            "sizes-of-jumps",
            "a jump up and one down of the same size differ: take sizes once, at the end.",
            lambda curve: np.abs(np.diff(np.abs(np.diff(curve)))).mean(),
        ),
    ),
)


# --- one class a sequence


def _draw_sequences(rng, lengths, T, H=2, K=6):
    inputs = _draw_states(rng, len(lengths), T, H, K)
    return {"states": inputs["states"], "lengths": lengths, "W": inputs["W"], "b": inputs["b"]}


def sentiment(states, lengths, W, b):
    return softmax(states[np.arange(len(states)), lengths - 1] @ W + b)


def _with_mean(states, lengths, W, b):
    mask = length_mask(lengths, states.shape[1])[..., None]
    return softmax((mask * states).sum(1) / mask.sum(1) @ W + b)


ONE_CLASS = Exercise(
    name="one-class",
    task="one class a sequence, from the state at its true length",
    points=2,
    draws={
        **batches(_draw_sequences),
        "sizes that are all alike": lambda rng: _draw_sequences(rng, lengths(rng, 4, 4), 4, 4, 4),
    },
    reference=sentiment,
    returns=("probabilities",),
    mistakes=(
        Mistake(
            "padding",
            "this reads the last place of the rectangle, which is padding for all but the longest sequence.",
            lambda states, lengths, W, b: softmax(states[:, -1] @ W + b),
        ),
        Mistake(
            "off-by-one",
            "a sequence of length n has its last state at place n - 1, counted from 0.",
            lambda states, lengths, W, b: softmax(states[np.arange(len(states)), lengths] @ W + b),
            lambda states, lengths, W, b: softmax(
                states[np.arange(len(states)), np.minimum(lengths, states.shape[1] - 1)] @ W + b
            ),
        ),
        Mistake(
            "every-step",
            "one class for each sequence is wanted, and this gives one for each step.",
            lambda states, lengths, W, b: softmax(states @ W + b),
        ),
        Mistake(
            "mean",
            "this is the mean over all steps; wanted is the last state.",
            _with_mean,
            lambda states, lengths, W, b: softmax(states.mean(1) @ W + b),
        ),
        Mistake(
            "logits",
            "these are logits; probabilities are wanted.",
            lambda states, lengths, W, b: states[np.arange(len(states)), lengths - 1] @ W + b,
        ),
    ),
)


# --- both directions


def _draw_texts(rng, n, S, H=3):
    inputs = rng.integers(1, INPUT_SYMBOLS, (len(n), S)).astype(np.int32) * length_mask(n, S)
    readers = [calls.Reader(normal(rng, INPUT_SYMBOLS, H), normal(rng, H, H) / 2) for _ in range(2)]
    return {"forwards": readers[0], "backwards": readers[1], "inputs": inputs, "inputs_seqlen": n}


def _draw_zeros(rng):
    """The id 0 is that of padding and of a symbol: here texts end in it."""
    n = np.array([3, 5, 4], np.int32)
    drawn = _draw_texts(rng, n, 6)
    drawn["inputs"][np.arange(3), n - 1] = 0
    return drawn


def _reversed(a, n):
    """Each row reversed up to its true length."""
    place = np.arange(a.shape[1])
    place = np.where(place < n[:, None], n[:, None] - 1 - place, place)
    return np.take_along_axis(a, place.reshape(place.shape + (1,) * (a.ndim - 2)), 1)


def _join(a, b):
    return tuple(np.concatenate(pair, -1) for pair in zip(a, b, strict=True))


def both_ways(forwards, backwards, inputs, inputs_seqlen):
    n = inputs_seqlen
    outputs, state = backwards(_reversed(inputs, n), n)
    return _join(forwards(inputs, n), (_reversed(outputs, n), state))


def _padding_first(forwards, backwards, inputs, inputs_seqlen):
    outputs, state = backwards(inputs[:, ::-1], inputs_seqlen)
    return _join(forwards(inputs, inputs_seqlen), (outputs[:, ::-1], state))


def _not_turned_back(forwards, backwards, inputs, inputs_seqlen):
    n = inputs_seqlen
    return _join(forwards(inputs, n), backwards(_reversed(inputs, n), n))


def _added(forwards, backwards, inputs, inputs_seqlen):
    outputs, state = both_ways(forwards, backwards, inputs, inputs_seqlen)
    return sum(np.split(outputs, 2, -1)), sum(np.split(state, 2, -1))


def _backwards_first(forwards, backwards, inputs, inputs_seqlen):
    both = both_ways(forwards, backwards, inputs, inputs_seqlen)
    return tuple(np.concatenate(np.split(part, 2, -1)[::-1], -1) for part in both)


BOTH_WAYS = Exercise(
    name="both-ways",
    task="a bidirectional encoder, by true length",
    points=3,
    draws={
        **batches(_draw_texts),
        "sizes that are all alike": lambda rng: _draw_texts(rng, lengths(rng, 4, 4), 4, 4),
        "the symbol 0 in the texts": _draw_zeros,
    },
    reference=both_ways,
    returns=("outputs", "state"),
    mistakes=(
        Mistake(
            "padding-first",
            "the whole row is turned round, so the second encoder reads the padding first.",
            _padding_first,
            lambda forwards, backwards, inputs, inputs_seqlen: _join(
                forwards(inputs, inputs_seqlen), backwards(inputs[:, ::-1], inputs_seqlen)
            ),
        ),
        Mistake(
            "not-turned-back",
            "the outputs of the second encoder come out in its own order, last character first. At each "
            "place both halves should speak of the same character.",
            _not_turned_back,
        ),
        Mistake(
            "same-direction",
            "both encoders read the text from left to right.",
            lambda forwards, backwards, inputs, inputs_seqlen: _join(
                forwards(inputs, inputs_seqlen), backwards(inputs, inputs_seqlen)
            ),
        ),
        Mistake(
            "same-encoder",
            "one of the two encoders is used twice.",
            lambda forwards, backwards, inputs, inputs_seqlen: both_ways(
                forwards, forwards, inputs, inputs_seqlen
            ),
        ),
        Mistake("added", "the two are added up; they should stand beside each other.", _added),
        Mistake("backwards-first", "the forward half comes first.", _backwards_first),
    ),
    call=calls.both_ways,
)
