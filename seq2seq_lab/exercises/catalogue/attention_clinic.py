"""The bug clinic of notebook 2: padding, axes, states and values."""

from __future__ import annotations

import numpy as np

from seq2seq_lab.data import length_mask
from seq2seq_lab.exercises.catalogue import calls
from seq2seq_lab.exercises.catalogue.numbers import batches, lengths, masked, normal, softmax
from seq2seq_lab.exercises.engine.exercise import Exercise, Mistake

# --- attention that looks at padding


def _draw_scores(rng, lengths, S, mean=0, behind=0):
    """Scores around a mean, and around `behind` at the places behind the end."""
    means = np.where(length_mask(lengths, S), mean, behind).astype(np.float32)
    return {"scores": normal(rng, len(lengths), S) + means, "lengths": lengths}


def _weight_of_padding(answer, seed):
    rng = np.random.default_rng(seed)
    scores, n = normal(rng, 200, 20), lengths(rng, 200, 20)
    weights = np.asarray(answer(scores, n))
    return float((weights * ~length_mask(n, 20)).sum(1).mean())


def masked_weights(scores, lengths):
    return softmax(masked(scores, lengths))


LOOKS_AT_PADDING = Exercise(
    name="bug-looks-at-padding",
    task="clinic: attention that looks at padding",
    points=2,
    draws={
        **batches(_draw_scores),
        "scores of 100": lambda rng: _draw_scores(rng, lengths(rng, 3, 5), 5, 97, 97),
        "scores of -100": lambda rng: _draw_scores(rng, lengths(rng, 3, 5), 5, -97, -97),
        "high scores behind the end": lambda rng: _draw_scores(rng, lengths(rng, 3, 5), 5, -25, 25),
    },
    reference=masked_weights,
    returns=("weights",),
    mistakes=(
        Mistake(
            "bug",
            "the scores of padding become 0. What does the softmax make of a score of 0, beside one of -1?",
            lambda scores, lengths: softmax(masked(scores, lengths, 0)),
        ),
        Mistake(
            "zeroed-after",
            "padding gets 0 now, but the rows do not sum to 1 any more.",
            lambda scores, lengths: masked(softmax(scores), lengths, 0),
        ),
        Mistake("unmasked", "now padding is not masked at all.", lambda scores, lengths: softmax(scores)),
        Mistake(
            "turned-round",
            "this looks at padding and at nothing else.",
            lambda scores, lengths: softmax(np.where(length_mask(lengths, scores.shape[1]), -np.inf, scores)),
        ),
        Mistake(
            "one-less",
            "the last true place is masked as well.",
            lambda scores, lengths: masked_weights(scores, lengths - 1),
        ),
        Mistake(
            "one-more",
            "the first place of padding is not masked: places are counted from 0.",
            lambda scores, lengths: masked_weights(scores, lengths + 1),
        ),
    ),
    symptom=_weight_of_padding,
    measures="mean weight that a text gives to its padding",
)


# --- softmax over the wrong axis


def _draw_all_scores(rng, B, T, S, size=2):
    return {"scores": size * normal(rng, B, T, S)}


def weights_of_all(scores):
    return softmax(scores)


def _sum_of_weights(answer, seed):
    scores = 2 * normal(np.random.default_rng(seed), 4, 6, 30)
    return float(np.abs(np.asarray(answer(scores)).sum(-1) - 1).max())


WRONG_AXIS = Exercise(
    name="bug-wrong-axis",
    task="clinic: softmax over the wrong axis",
    points=2,
    draws={
        "sizes that are all alike": lambda rng: _draw_all_scores(rng, 3, 3, 3),
        "more places than steps": lambda rng: _draw_all_scores(rng, 2, 3, 5),
        "more steps than places": lambda rng: _draw_all_scores(rng, 3, 4, 2),
        "a single text": lambda rng: _draw_all_scores(rng, 1, 3, 4),
        "a single step": lambda rng: _draw_all_scores(rng, 3, 1, 4),
        "a single place": lambda rng: _draw_all_scores(rng, 2, 3, 1),
        "scores of 100 and more": lambda rng: {"scores": 900 + 3 * normal(rng, 2, 3, 4)},
        "scores of -100 and less": lambda rng: {"scores": -900 + 3 * normal(rng, 2, 3, 4)},
    },
    reference=weights_of_all,
    returns=("weights",),
    mistakes=(
        Mistake(
            "bug",
            "here the steps compete for a place. Which axis holds the places that compete for a step's look?",
            lambda scores: softmax(scores, 1),
        ),
        Mistake(
            "over-texts",
            "now the texts of a batch compete with each other.",
            lambda scores: softmax(scores, 0),
        ),
        Mistake(
            "over-all",
            "each step has a look of its own, so each row sums to 1, not all rows together.",
            lambda scores: softmax(scores, (1, 2)),
            lambda scores: softmax(scores, (0, 1, 2)),
            lambda scores: softmax(scores, (0, 2)),
        ),
        Mistake(
            "divided-by-sum",
            "the scores are divided by their sum; a softmax takes exp first, so that no weight is negative.",
            lambda scores: scores / scores.sum(-1, keepdims=True),
        ),
        Mistake(
            "not-divided",
            "these are positive, but do not sum to 1.",
            lambda scores: np.exp(scores - scores.max(-1, keepdims=True)),
        ),
        Mistake(
            "hardmax",
            "this gives all to the best place. A softmax gives something to the others.",
            lambda scores: (scores == scores.max(-1, keepdims=True)).astype(float),
        ),
    ),
    symptom=_sum_of_weights,
    measures="how far the weights of one step are from summing to 1, at worst",
)


# --- attends with the new state


def _draw_states(rng, B, T, S, H):
    look = calls.Look(2 * normal(rng, B, H, S))
    return {"first": normal(rng, B, H), "states": normal(rng, B, T, H), "attend": look}


def _attended(before, attend):
    """A row for each of these states `(B, T, H)`."""
    return np.stack([attend(before[:, t]) for t in range(before.shape[1])], 1)


def _before(first, states):
    return np.concatenate([first[:, None], states[:, :-1]], 1)


def all_weights(first, states, attend):
    return _attended(_before(first, states), attend)


def _weight_on_the_right_place(answer, seed):
    """Of a decoder that looks at place t at step t: its state before that step says so."""
    rng = np.random.default_rng(seed)
    T = 8
    places = np.tile(np.eye(T + 1, dtype=np.float32), (3, 1, 1))
    states = 4 * places + 0.1 * normal(rng, 3, T + 1, T + 1)
    weights = np.asarray(answer(states[:, 0], states[:, 1:], calls.Look(np.tile(np.eye(T + 1), (3, 1, 1)))))
    return float(weights[:, np.arange(T), np.arange(T)].mean())


NEW_STATE = Exercise(
    name="bug-new-state",
    task="clinic: a map that is one step ahead",
    points=2,
    draws={
        "sizes that are all alike": lambda rng: _draw_states(rng, 3, 3, 3, 3),
        "more places than steps": lambda rng: _draw_states(rng, 2, 3, 5, 4),
        "more steps than places": lambda rng: _draw_states(rng, 3, 5, 2, 4),
        "a single text": lambda rng: _draw_states(rng, 1, 4, 3, 2),
        "two steps": lambda rng: _draw_states(rng, 3, 2, 4, 3),
        "a single step": lambda rng: _draw_states(rng, 2, 1, 4, 3),
        "a single place": lambda rng: _draw_states(rng, 2, 3, 1, 3),
    },
    reference=all_weights,
    returns=("weights",),
    mistakes=(
        Mistake(
            "bug",
            "states[:, t] is the state after step t. With which one did the decoder look, at step t?",
            lambda first, states, attend: _attended(states, attend),
        ),
        Mistake(
            "first-only",
            "all steps look with the first state; after the first step there is a newer one.",
            lambda first, states, attend: _attended(np.repeat(first[:, None], states.shape[1], 1), attend),
        ),
        Mistake(
            "one-too-many",
            "a row for each step: after the last step nobody looks any more.",
            lambda first, states, attend: _attended(np.concatenate([first[:, None], states], 1), attend),
        ),
        Mistake(
            "first-left-out",
            "the look of the first step is missing: it was made with `first`.",
            lambda first, states, attend: _attended(
                states[:, :-1] if states.shape[1] > 1 else first[:, None], attend
            ),
        ),
        Mistake(
            "other-way",
            "the states come in the wrong order.",
            lambda first, states, attend: _attended(
                np.concatenate([states[:, 1:], first[:, None]], 1), attend
            ),
            lambda first, states, attend: _attended(_before(first, states)[:, ::-1], attend),
        ),
        Mistake(
            "steps-first",
            "the axes are (B, T, S): texts, steps, places.",
            lambda first, states, attend: np.swapaxes(all_weights(first, states, attend), 0, 1),
        ),
    ),
    symptom=_weight_on_the_right_place,
    measures="mean weight on the place that was looked at",
)


# --- keys in the place of outputs


def _draw_context(rng, B, S, H, A, size=1):
    return {
        "weights": softmax(size * normal(rng, B, S)),
        "keys": normal(rng, B, S, A),
        "outputs": normal(rng, B, S, H),
    }


def context_of(weights, keys, outputs):
    return (weights[..., None] * outputs).sum(1)


def _far_from_the_output(answer, seed):
    """Where one place has all the weight, the context is the output there."""
    rng = np.random.default_rng(seed)
    drawn = _draw_context(rng, 20, 5, 4, 4)
    place = rng.integers(5, size=20)
    context = np.asarray(answer(np.eye(5)[place], drawn["keys"], drawn["outputs"]))
    return float(np.abs(context - drawn["outputs"][np.arange(20), place]).max())


KEYS_FOR_OUTPUTS = Exercise(
    name="bug-keys-for-outputs",
    task="clinic: a context of keys",
    points=2,
    draws={
        "sizes that are all alike": lambda rng: _draw_context(rng, 4, 4, 4, 4),
        "as many numbers in a key as in an output": lambda rng: _draw_context(rng, 2, 3, 4, 4),
        "fewer numbers in a key": lambda rng: _draw_context(rng, 3, 4, 5, 2),
        "more numbers in a key": lambda rng: _draw_context(rng, 2, 5, 3, 6),
        "a single text": lambda rng: _draw_context(rng, 1, 4, 3, 2),
        "a single place": lambda rng: _draw_context(rng, 3, 1, 2, 4),
        "weights that are nearly all 0": lambda rng: _draw_context(rng, 3, 4, 3, 3, 1000),
    },
    reference=context_of,
    returns=("context",),
    mistakes=(
        Mistake(
            "bug",
            "a key says whether a place answers the query. What is handed on from there is its value.",
            lambda weights, keys, outputs: context_of(weights, outputs, keys),
        ),
        Mistake(
            "both",
            "the keys have done their work in the scores; in the context they have no part.",
            lambda weights, keys, outputs: np.concatenate(
                [context_of(weights, keys, outputs), context_of(weights, outputs, keys)], -1
            ),
        ),
        Mistake(
            "unweighted",
            "all places count the same here, whatever their weights are.",
            lambda weights, keys, outputs: outputs.mean(1),
            lambda weights, keys, outputs: outputs.sum(1),
        ),
        Mistake(
            "mean",
            "the weights sum to 1 already, so the sum is a mean: do not divide it again.",
            lambda weights, keys, outputs: (weights[..., None] * outputs).mean(1),
        ),
        Mistake(
            "not-summed",
            "each output has its weight now; add them up over the places.",
            lambda weights, keys, outputs: weights[..., None] * outputs,
        ),
        Mistake(
            "best-alone",
            "this is the output with the largest weight; the others have their share as well.",
            lambda weights, keys, outputs: outputs[np.arange(len(outputs)), weights.argmax(1)],
        ),
    ),
    symptom=_far_from_the_output,
    measures="where one place gets all the weight, largest difference between context and its output",
)
