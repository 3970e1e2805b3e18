"""Exercises of notebook 1 on layers: a softmax on top, one class a sequence, both directions."""

from __future__ import annotations

import numpy as np

from seq2seq_lab.data import length_mask
from seq2seq_lab.exercises.asking import Reader, both_ways
from seq2seq_lab.exercises.exercise import Exercise, Mistake
from seq2seq_lab.exercises.numbers import lengths, normal, softmax
from seq2seq_lab.vocabulary import INPUT_SYMBOLS

# --- layers on top of a recurrent layer


def _draw_states(rng, case):
    B, T, H, K = ((2, 3, 2, 4), (4, 5, 3, 2), (3, 7, 5, 6), (16, 140, 10, 11))[case]
    return {"states": normal(rng, B, T, H), "W": normal(rng, H, K), "b": normal(rng, K)}


def _over_time(states, W, b):
    logits = states @ W + b
    return logits, softmax(logits)


def _flat(states, W, b):
    logits = (states @ W + b).reshape(-1, W.shape[1])
    return logits, softmax(logits)


def _over_everything(states, W, b):
    logits = states @ W + b
    return logits, softmax(logits.ravel()).reshape(logits.shape)


OVER_TIME = Exercise(
    "softmax-over-time",
    "a softmax layer on top of a recurrent layer",
    2,
    _draw_states,
    _over_time,
    ("logits", "probabilities"),
    (
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
        Mistake("no-bias", "a layer has a bias as well.", lambda states, W, b: _over_time(states, W, 0)),
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
            lambda states, W, b: _over_time(states, W, b)[::-1],
        ),
    ),
)


def _draw_sequences(rng, case):
    inputs = _draw_states(rng, min(case, 2))
    B, T = inputs["states"].shape[:2]
    return {"states": inputs["states"], "lengths": lengths(rng, B, T), "W": inputs["W"], "b": inputs["b"]}


def _of_last_state(states, lengths, W, b):
    return softmax(states[np.arange(len(states)), lengths - 1] @ W + b)


def _with_mean(states, lengths, W, b):
    mask = length_mask(lengths, states.shape[1])[..., None]
    return softmax((mask * states).sum(1) / mask.sum(1) @ W + b)


ONE_CLASS = Exercise(
    "one-class",
    "one class a sequence, from the state at its true length",
    2,
    _draw_sequences,
    _of_last_state,
    ("probabilities",),
    (
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


def _draw_texts(rng, case):
    B, S, H = ((2, 4, 2), (3, 6, 3), (4, 8, 2), (5, 9, 4))[case]
    n = lengths(rng, B, S)
    inputs = rng.integers(1, INPUT_SYMBOLS, (B, S)).astype(np.int32) * length_mask(n, S)
    readers = [Reader(normal(rng, INPUT_SYMBOLS, H), normal(rng, H, H) / 2) for _ in range(2)]
    return {"forwards": readers[0], "backwards": readers[1], "inputs": inputs, "inputs_seqlen": n}


def _reversed(a, n):
    """Each row reversed up to its true length."""
    place = np.arange(a.shape[1])
    place = np.where(place < n[:, None], n[:, None] - 1 - place, place)
    return np.take_along_axis(a, place.reshape(place.shape + (1,) * (a.ndim - 2)), 1)


def _join(a, b):
    return tuple(np.concatenate(pair, -1) for pair in zip(a, b, strict=True))


def _both_ways(forwards, backwards, inputs, inputs_seqlen):
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
    outputs, state = _both_ways(forwards, backwards, inputs, inputs_seqlen)
    return sum(np.split(outputs, 2, -1)), sum(np.split(state, 2, -1))


def _backwards_first(forwards, backwards, inputs, inputs_seqlen):
    both = _both_ways(forwards, backwards, inputs, inputs_seqlen)
    return tuple(np.concatenate(np.split(part, 2, -1)[::-1], -1) for part in both)


BOTH_WAYS = Exercise(
    "both-ways",
    "a bidirectional encoder, by true length",
    3,
    _draw_texts,
    _both_ways,
    ("outputs", "state"),
    (
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
            lambda forwards, backwards, inputs, inputs_seqlen: _both_ways(
                forwards, forwards, inputs, inputs_seqlen
            ),
        ),
        Mistake("added", "the two are added up; they should stand beside each other.", _added),
        Mistake("backwards-first", "the forward half comes first.", _backwards_first),
    ),
    call=both_ways,
)
