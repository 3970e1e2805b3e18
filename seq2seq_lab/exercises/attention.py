"""The exercises of notebook 2: attention by hand, what it costs, clipping; maps and bugs have modules."""

from __future__ import annotations

import numpy as np

from seq2seq_lab.data import get_batch
from seq2seq_lab.exercises import asking, decoder_bugs, maps
from seq2seq_lab.exercises.exercise import Exercise, Mistake
from seq2seq_lab.exercises.numbers import lengths, masked, normal, sizes, softmax

# --- attention


def _draw_attention(rng, case):
    B, S, H, D, A = ((2, 3, 2, 3, 4), (3, 4, 4, 2, 3), (4, 6, 3, 5, 2), (5, 7, 6, 4, 8))[case]
    W = {"U_a": normal(rng, H, A), "W_a": normal(rng, D, A), "b_a": normal(rng, A), "v_a": normal(rng, A)}
    return {"outputs": normal(rng, B, S, H), "state": normal(rng, B, D), "lengths": lengths(rng, B, S), **W}


def _scores(outputs, state, U_a, W_a, b_a, v_a):
    return np.tanh(outputs @ U_a + (state @ W_a)[:, None] + b_a) @ v_a


def _context(weights, outputs):
    return weights, (weights[..., None] * outputs).sum(1)


def _attend(outputs, state, lengths, U_a, W_a, b_a, v_a):
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
    "attention",
    "additive attention with its mask",
    3,
    _draw_attention,
    _attend,
    ("weights", "context"),
    (
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
            lambda outputs, state, lengths, *W: _attend(outputs, state, lengths + 1, *W),
        ),
        Mistake(
            "no-bias",
            "one of the four parameters is not used.",
            lambda outputs, state, lengths, U_a, W_a, b_a, v_a: _attend(
                outputs, state, lengths, U_a, W_a, 0 * b_a, v_a
            ),
        ),
        Mistake(
            "swapped",
            "the weights first, then the context.",
            lambda *inputs: _attend(*inputs)[::-1],
        ),
    ),
)


# --- what attention costs


def _added(encoder_units, decoder_units, attention_units, gates=3, first_state=True, biases=True):
    H, D, A = encoder_units, decoder_units, attention_units
    attention = H * A + D * A + A * (2 if biases else 1)  # U_a, W_a, b_a, v_a
    first = H * D + D * biases if first_state else 0  # W_s, b_s
    return gates * H * D + attention + first


COST = Exercise(
    "added-numbers",
    "how many numbers attention adds to the model",
    2,
    lambda rng, case: sizes(rng, "encoder_units", "decoder_units", "attention_units"),
    _added,
    ("numbers",),
    (
        Mistake(
            "no-cell",
            "the cell reads more than before: which of its matrices grow?",
            lambda *n: _added(*n, gates=0),
        ),
        Mistake(
            "one-gate", "how many gates and candidates read the context?", lambda *n: _added(*n, gates=1)
        ),
        Mistake(
            "no-first-state",
            "the decoder's first state is no longer handed over as it is. What makes it?",
            lambda *n: _added(*n, first_state=False),
        ),
        Mistake("no-biases", "biases are numbers, too.", lambda *n: _added(*n, biases=False)),
        Mistake(
            "attention-alone",
            "this counts U_a, W_a, b_a and v_a. What else is there now that was not there before?",
            lambda *n: _added(*n, gates=0, first_state=False),
        ),
    ),
)


# --- twenty digits: exact match by length


LENGTHS = ((1, 3), (2, 5), (1, 2, 4), (2, 3, 6))


def _draw_translations(rng, case):
    """Of the first length nothing is right; of the others, some."""
    said, wanted = [], []
    for n in LENGTHS[case]:
        for i, text in enumerate(map(str, get_batch(4, n, n, rng).text_targets_out)):
            right = n != LENGTHS[case][0] and (i == 0 or (i > 1 and rng.random() < 0.5))
            wanted.append(text)
            said.append(text if right else _spoiled(text, rng.integers(4)))
    order = rng.permutation(len(said))
    return {"said": [said[i] for i in order], "wanted": [wanted[i] for i in order]}


def _spoiled(text, how):
    """A digit too many, one too few, the last one another, or no end."""
    digits = text[:-1]
    another = digits[:-1] + str((int(digits[-1]) + 1) % 10) + "#"
    return (digits + "7#", digits[:-1] + "#", another, digits + "4")[how]


def _by_length(said, wanted, length=lambda s, w: len(w) - 1, share=lambda s, w: s == w, reduce=np.mean):
    groups = {}
    for s, w in zip(said, wanted, strict=True):
        groups.setdefault(length(s, w), []).append(share(s, w))
    return {n: reduce(group) for n, group in groups.items()}


def _places_right(s, w):
    return np.mean([a == b for a, b in zip(s.ljust(len(w)), w, strict=False)])


BY_LENGTH = Exercise(
    "exact-by-length",
    "exact match by number of digits",
    2,
    _draw_translations,
    _by_length,
    ("numbers_of_digits", "exact_match"),
    (
        Mistake(
            "counts-the-end",
            "the # is no digit.",
            lambda said, wanted: _by_length(said, wanted, lambda s, w: len(w)),
        ),
        Mistake(
            "length-of-said",
            "sorted by the length of what was said; a text has as many digits as were wanted.",
            lambda said, wanted: _by_length(said, wanted, lambda s, w: len(s) - 1),
        ),
        Mistake(
            "tokens",
            "this is the share of right symbols; exact match asks for whole answers.",
            lambda said, wanted: _by_length(said, wanted, share=_places_right),
        ),
        Mistake(
            "counts",
            "shares are wanted, not counts.",
            lambda said, wanted: _by_length(said, wanted, reduce=sum),
        ),
        Mistake(
            "same-length",
            "an answer of the right length need not be right.",
            lambda said, wanted: _by_length(said, wanted, share=lambda s, w: len(s) == len(w)),
        ),
        Mistake(
            "all-together",
            "divided by the number of all texts; each length has its own.",
            lambda said, wanted: _by_length(said, wanted, reduce=lambda group: sum(group) / len(wanted)),
        ),
    ),
    call=asking.by_length,
)


# --- gradient clipping


def _draw_gradients(rng, case):
    scale = (3, 0.1, 1, 5)[case]
    shapes = ((2,), (2, 3), (1 + case, 2))
    return {"gradients": [scale * normal(rng, *s) for s in shapes], "clip_norm": float(rng.uniform(0.8, 1.5))}


def _clipped(gradients, clip_norm):
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    return [g * min(1, clip_norm / norm) for g in gradients]


def _times(factor):
    return lambda gradients, clip_norm: [g * factor(gradients, clip_norm) for g in gradients]


CLIPPING = Exercise(
    "clipping",
    "clipping by global norm",
    2,
    _draw_gradients,
    _clipped,
    ("first", "second", "third"),
    (
        Mistake(
            "each-alone",
            "each gradient is clipped by its own norm, which turns the direction of the step.",
            lambda gradients, clip_norm: [_clipped([g], clip_norm)[0] for g in gradients],
        ),
        Mistake(
            "by-value",
            "this clips each number; wanted is one factor for all.",
            lambda gradients, clip_norm: [np.clip(g, -clip_norm, clip_norm) for g in gradients],
        ),
        Mistake(
            "always",
            "gradients whose norm is small are made longer. They should be left alone.",
            _times(lambda g, c: c / np.sqrt(sum((a**2).sum() for a in g))),
        ),
        Mistake(
            "no-root",
            "the norm is the root of the sum of squares.",
            _times(lambda g, c: min(1, c / sum((a**2).sum() for a in g))),
        ),
        Mistake(
            "sum-of-norms",
            "this adds up the norms of the gradients; add up all squares, and take the root at the end.",
            _times(lambda g, c: min(1, c / sum(np.sqrt((a**2).sum()) for a in g))),
        ),
        Mistake(
            "unscaled",
            "divided by the norm, but not multiplied by clip_norm.",
            _times(lambda g, c: min(1, 1 / np.sqrt(sum((a**2).sum() for a in g)))),
        ),
        Mistake(
            "nothing-done", "the gradients come back as they were.", lambda gradients, clip_norm: gradients
        ),
    ),
)


EXERCISES = (
    maps.BY_WORD,
    maps.MEAN_WEIGHTS,
    ATTENTION,
    COST,
    BY_LENGTH,
    CLIPPING,
    decoder_bugs.LOOKS_AT_PADDING,
)
