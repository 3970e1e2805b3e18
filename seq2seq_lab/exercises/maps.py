"""Exercises of notebook 2 on maps of attention: weights by word, and the mean by target position."""

from __future__ import annotations

import numpy as np

from seq2seq_lab.data import get_batch, length_mask
from seq2seq_lab.exercises.exercise import Exercise, Mistake
from seq2seq_lab.exercises.numbers import lengths, normal, softmax

# --- one map: weights by word


def _draw_map(rng, case):
    text = get_batch(1, 2, 2 + case, rng).text_inputs[0]
    weights = softmax(2 * normal(rng, 2 + case, len(text)))
    return {"weights": weights, "text": str(text)}


def _words(text, space_belongs_to):
    """For each character the number of its word, -1 for a space that belongs to none."""
    word = np.cumsum([c == " " for c in text])
    spaces = np.array([c == " " for c in text])
    return {"before": word - spaces, "behind": word, "none": np.where(spaces, -1, word)}[space_belongs_to]


def _by_word(weights, text, space="before", reduce=np.sum):
    word = _words(text, space)
    return np.stack([reduce(weights[:, word == i], axis=1) for i in range(word.max() + 1)], 1)


BY_WORD = Exercise(
    "weight-by-word",
    "how much weight each symbol gives to each word",
    2,
    _draw_map,
    _by_word,
    ("weights_by_word",),
    (
        Mistake(
            "spaces-lost",
            "the rows do not sum to 1: the weight on the spaces is lost. Count it to the word before.",
            lambda weights, text: _by_word(weights, text, "none"),
        ),
        Mistake(
            "space-behind",
            "a space counts to the word before it, not to the one behind.",
            lambda weights, text: _by_word(weights, text, "behind"),
        ),
        Mistake(
            "mean",
            "a mean makes long words look unimportant. How much weight does the whole word get?",
            lambda weights, text: _by_word(weights, text, reduce=np.mean),
            lambda weights, text: _by_word(weights, text, "none", np.mean),
        ),
        Mistake(
            "largest",
            "this is the largest weight in each word; wanted is all of it.",
            lambda weights, text: _by_word(weights, text, reduce=np.max),
            lambda weights, text: _by_word(weights, text, "none", np.max),
        ),
        Mistake(
            "transposed",
            "a row for each symbol written, a column for each word: turn it round.",
            lambda weights, text: _by_word(weights, text).T,
        ),
    ),
)


# --- all maps: the mean by target position


def _draw_maps(rng, case):
    B, T, S = 3 + case, 2 + case, 4 + case
    mask = length_mask(lengths(rng, B, T), T)
    return {"weights": softmax(normal(rng, B, T, S)), "mask": mask.astype(np.float32)}


MEAN_WEIGHTS = Exercise(
    "mean-weights",
    "mean attention by target position, masked",
    2,
    _draw_maps,
    lambda weights, mask: (weights * mask[..., None]).sum(0) / mask.sum(0)[:, None],
    ("mean",),
    (
        Mistake(
            "unmasked",
            "rows behind the end of a sample count as well.",
            lambda weights, mask: weights.mean(0),
        ),
        Mistake(
            "divided-by-all",
            "the sum is masked, but it is divided by all samples. How many are so long?",
            lambda weights, mask: (weights * mask[..., None]).mean(0),
        ),
        Mistake(
            "by-sample",
            "this is a mean over the positions of each sample; wanted is one over the samples.",
            lambda weights, mask: (weights * mask[..., None]).sum(1) / mask.sum(1)[:, None],
        ),
        Mistake(
            "not-divided",
            "these are sums; means are wanted.",
            lambda weights, mask: (weights * mask[..., None]).sum(0),
        ),
        Mistake(
            "divided-by-everything",
            "each position has its own number of samples to be divided by.",
            lambda weights, mask: (weights * mask[..., None]).sum(0) / mask.sum(),
        ),
        Mistake(
            "transposed",
            "a row for each target position, a column for each place of the input.",
            lambda weights, mask: ((weights * mask[..., None]).sum(0) / mask.sum(0)[:, None]).T,
        ),
    ),
)
