"""The exercises of notebook 2 on attention itself: by hand, with another score, and what it costs."""

from __future__ import annotations

import numpy as np

from seq2seq_lab.data import length_mask
from seq2seq_lab.exercises.catalogue.numbers import batches, lengths, masked, normal, sizes, softmax
from seq2seq_lab.exercises.engine.exercise import Exercise, Mistake

# --- attention


def _draw_attention(rng, lengths, S, sizes=None):
    B, (H, D, A) = len(lengths), sizes or (S + 1, S + 3, S + 2)
    W = {"U_a": normal(rng, H, A), "W_a": normal(rng, D, A), "b_a": normal(rng, A), "v_a": normal(rng, A)}
    return {"outputs": normal(rng, B, S, H), "state": normal(rng, B, D), "lengths": lengths, **W}


def _draw_large(rng, size):
    """Scores near `size`, within 1."""
    drawn = _draw_attention(rng, np.array([3, 5, 2], np.int32), 5)
    for name, scale in (("U_a", 0.1), ("W_a", 0.1), ("b_a", 0.1)):
        drawn[name] *= scale
    return {**drawn, "b_a": drawn["b_a"] + 3, "v_a": np.full_like(drawn["v_a"], size / len(drawn["v_a"]))}


def _draw_high_padding(rng):
    """Scores between -20 and 0 at the true places, and between 0 and 20 at the others."""
    n, S = np.array([2, 4, 1], np.int32), 4
    drawn = _draw_attention(rng, n, S)
    sign = np.where(length_mask(n, S), -1, 1)[..., None].astype(np.float32)
    drawn["outputs"] = sign * rng.uniform(0.2, 1, drawn["outputs"].shape).astype(np.float32)
    H, A = drawn["U_a"].shape
    drawn |= {"U_a": np.full((H, A), 1 / H, np.float32), "b_a": 0.1 * drawn["b_a"]}
    return {**drawn, "W_a": 0.05 * drawn["W_a"], "v_a": np.full(A, 20 / A, np.float32)}


def _scores(outputs, state, U_a, W_a, b_a, v_a):
    return np.tanh(outputs @ U_a + (state @ W_a)[:, None] + b_a) @ v_a


def _context(weights, outputs):
    return weights, (weights[..., None] * outputs).sum(1)


def attend(outputs, state, lengths, U_a, W_a, b_a, v_a):
    scores = _scores(outputs, state, U_a, W_a, b_a, v_a)
    return _context(softmax(masked(scores, lengths)), outputs)


def _zeroed_after(outputs, state, lengths, *W):
    weights = softmax(_scores(outputs, state, *W))
    return _context(masked(weights, lengths, 0), outputs)


def _without_tanh(outputs, state, lengths, U_a, W_a, b_a, v_a):
    scores = (outputs @ U_a + (state @ W_a)[:, None] + b_a) @ v_a
    return _context(softmax(masked(scores, lengths)), outputs)


def _over_batch(outputs, state, lengths, *W):
    scores = np.maximum(masked(_scores(outputs, state, *W), lengths), -1e9)
    return _context(softmax(scores, 0), outputs)


ATTENTION = Exercise(
    name="attention",
    task="additive attention with its mask",
    points=3,
    draws={
        **batches(_draw_attention),
        "sizes that are all alike": lambda rng: _draw_attention(rng, lengths(rng, 4, 4), 4, (4, 4, 4)),
        "S larger than all other sizes": lambda rng: _draw_attention(rng, lengths(rng, 3, 9), 9, (2, 4, 3)),
        "scores of 100": lambda rng: _draw_large(rng, 100),
        "scores of -100": lambda rng: _draw_large(rng, -100),
        "high scores behind the end": _draw_high_padding,
    },
    reference=attend,
    returns=("weights", "context"),
    mistakes=(
        Mistake(
            "unmasked",
            "padding is looked at as well.",
            lambda outputs, state, lengths, *W: _context(softmax(_scores(outputs, state, *W)), outputs),
        ),
        Mistake(
            "zeroed-after",
            "the weights are masked after the softmax, so those that are left do not sum to 1.",
            _zeroed_after,
        ),
        Mistake(
            "score-0",
            "a score of 0 is no low score. What does the softmax make of it?",
            lambda outputs, state, lengths, *W: _context(
                softmax(masked(_scores(outputs, state, *W), lengths, 0)), outputs
            ),
        ),
        Mistake("over-batch", "the weights of one text should sum to 1; which axis is that?", _over_batch),
        Mistake("no-tanh", "look at the equation again: something stands around the sum.", _without_tanh),
        Mistake(
            "one-more",
            "the first place of padding is looked at: places are counted from 0.",
            lambda outputs, state, lengths, *W: attend(outputs, state, lengths + 1, *W),
        ),
        Mistake(
            "no-bias",
            "`b_a` makes no difference here. In the equation it stands inside the tanh.",
            lambda outputs, state, lengths, U_a, W_a, b_a, v_a: attend(
                outputs, state, lengths, U_a, W_a, 0 * b_a, v_a
            ),
        ),
        Mistake(
            "swapped",
            "the weights first, then the context.",
            lambda *inputs: attend(*inputs)[::-1],
        ),
    ),
)


# --- a score of one's own


def _draw_query(rng, B, S, A):
    return {"query": normal(rng, B, A), "keys": normal(rng, B, S, A)}


def dot_score(query, keys):
    return (keys @ query[:, :, None])[..., 0]  # with operators alone, which tensors have as well


DOT_SCORE = Exercise(
    name="dot-score",
    task="the dot product of the query with every key",
    points=2,
    draws={
        "sizes that are all alike": lambda rng: _draw_query(rng, 4, 4, 4),
        "S larger than A": lambda rng: _draw_query(rng, 2, 5, 3),
        "S smaller than A": lambda rng: _draw_query(rng, 3, 2, 6),
        "a single row": lambda rng: _draw_query(rng, 1, 4, 3),
        "a single place": lambda rng: _draw_query(rng, 3, 1, 2),
        "a single number in each key": lambda rng: _draw_query(rng, 3, 4, 1),
        "a query of 0": lambda rng: {"query": np.zeros((2, 3), np.float32), "keys": normal(rng, 2, 4, 3)},
        "as many rows as places": lambda rng: _draw_query(rng, 3, 3, 5),
    },
    reference=dot_score,
    returns=("scores",),
    mistakes=(
        Mistake(
            "not-summed",
            "the products are there; a dot product adds them up, over the last axis.",
            lambda query, keys: keys * query[:, None],
        ),
        Mistake(
            "over-places",
            "summed over the places. A score is wanted for each place: sum over the numbers of a key.",
            lambda query, keys: (keys * query[:, None]).sum(1),
        ),
        Mistake(
            "softmaxed",
            "these are weights already. The layer masks and takes the softmax; wanted are the scores.",
            lambda query, keys: softmax(dot_score(query, keys)),
        ),
        Mistake(
            "scaled",
            "divided by the square root of A: good for large A, but here the plain dot product is wanted.",
            lambda query, keys: dot_score(query, keys) / np.sqrt(keys.shape[-1]),
        ),
        Mistake(
            "cosine",
            "divided by lengths: this is the cosine of the angle. Wanted is the dot product itself.",
            lambda query, keys: (
                dot_score(query, keys)
                / np.maximum(np.linalg.norm(keys, axis=-1) * np.linalg.norm(query, axis=-1)[:, None], 1e-9)
            ),
        ),
        Mistake(
            "tanh",
            "no tanh in a dot product: multiply and add up.",
            lambda query, keys: np.tanh(keys + query[:, None]).sum(-1),
            lambda query, keys: np.tanh(dot_score(query, keys)),
        ),
        Mistake(
            "first-query",
            "each text has its own query, but all get that of the first.",
            lambda query, keys: keys @ query[0],
        ),
    ),
)


# --- what attention costs


def added_numbers(encoder_units, decoder_units, attention_units, gates=3, first_state=True, biases=True):
    H, D, A = encoder_units, decoder_units, attention_units
    attention = H * A + D * A + A * (2 if biases else 1)  # U_a, W_a, b_a, v_a
    first = H * D + D * biases if first_state else 0  # W_s, b_s
    return gates * H * D + attention + first


COST = Exercise(
    name="added-numbers",
    task="how many numbers attention adds to the model",
    points=2,
    draws=sizes("encoder_units", "decoder_units", "attention_units"),
    reference=added_numbers,
    returns=("numbers",),
    mistakes=(
        Mistake(
            "no-cell",
            "the cell reads more than before: which of its matrices grow?",
            lambda *n: added_numbers(*n, gates=0),
        ),
        Mistake(
            "one-gate",
            "how many gates and candidates read the context?",
            lambda *n: added_numbers(*n, gates=1),
        ),
        Mistake(
            "no-first-state",
            "the decoder's first state is no longer handed over as it is. What makes it?",
            lambda *n: added_numbers(*n, first_state=False),
        ),
        Mistake("no-biases", "biases are numbers, too.", lambda *n: added_numbers(*n, biases=False)),
        Mistake(
            "attention-alone",
            "this counts U_a, W_a, b_a and v_a. What else is there now that was not there before?",
            lambda *n: added_numbers(*n, gates=0, first_state=False),
        ),
    ),
)
