"""The exercises of notebook 2 on maps: one map by word, all maps on average."""

from __future__ import annotations

import numpy as np

from seq2seq_lab.data import length_mask
from seq2seq_lab.exercises.catalogue.numbers import batches, lengths, normal, softmax
from seq2seq_lab.exercises.engine.exercise import Exercise, Mistake
from seq2seq_lab.vocabulary import WORDS

# --- one map: weights by word


def _draw_map(rng, T, words):
    """A map of `T` symbols, or as many as there are characters, and a text of these words, or of so many."""
    if isinstance(words, int):
        words = " ".join(rng.choice(WORDS, words, replace=False))
    return {"weights": softmax(2 * normal(rng, T or len(words), len(words))), "text": words}


def _words(text, space_belongs_to):
    """For each character the number of its word, -1 for a space that belongs to none."""
    word = np.cumsum([c == " " for c in text])
    spaces = np.array([c == " " for c in text])
    return {"before": word - spaces, "behind": word, "none": np.where(spaces, -1, word)}[space_belongs_to]


def weight_by_word(weights, text, space="before", reduce=np.sum):
    word = _words(text, space)
    return np.stack([reduce(weights[:, word == i], axis=1) for i in range(word.max() + 1)], 1)


BY_WORD = Exercise(
    name="weight-by-word",
    task="how much weight each symbol gives to each word",
    points=2,
    draws={
        "a text of two words": lambda rng: _draw_map(rng, 3, 2),
        "a text of five words": lambda rng: _draw_map(rng, 6, 5),
        "a single word": lambda rng: _draw_map(rng, 2, 1),
        "a word that comes twice": lambda rng: _draw_map(rng, 4, "one three one"),
        "a word and once more the same": lambda rng: _draw_map(rng, 3, "two two"),
        "words that are all as long": lambda rng: _draw_map(rng, 5, "six one two"),
        "a row for each word": lambda rng: _draw_map(rng, 4, 4),
        "a row for each character": lambda rng: _draw_map(rng, None, 2),
        "a single row": lambda rng: _draw_map(rng, 1, 3),
        "a text of ten words": lambda rng: _draw_map(rng, 11, 10),
    },
    reference=weight_by_word,
    returns=("weights_by_word",),
    mistakes=(
        Mistake(
            "spaces-lost",
            "the rows do not sum to 1: the weight on the spaces is lost. Count it to the word before.",
            lambda weights, text: weight_by_word(weights, text, "none"),
        ),
        Mistake(
            "space-behind",
            "a space counts to the word before it, not to the one behind.",
            lambda weights, text: weight_by_word(weights, text, "behind"),
        ),
        Mistake(
            "mean",
            "a mean makes long words look unimportant. How much weight does the whole word get?",
            lambda weights, text: weight_by_word(weights, text, reduce=np.mean),
            lambda weights, text: weight_by_word(weights, text, "none", np.mean),
        ),
        Mistake(
            "largest",
            "this is the largest weight in each word; wanted is all of it.",
            lambda weights, text: weight_by_word(weights, text, reduce=np.max),
            lambda weights, text: weight_by_word(weights, text, "none", np.max),
        ),
        Mistake(
            "transposed",
            "a row for each symbol written, a column for each word: turn it round.",
            lambda weights, text: weight_by_word(weights, text).T,
        ),
    ),
)


# --- all maps: the mean by target position


def _draw_maps(rng, lengths, T, S=None, sharp=1):
    mask = length_mask(lengths, T).astype(np.float32)
    return {"weights": softmax(sharp * normal(rng, len(lengths), T, S or T + 2)), "mask": mask}


def mean_weights(weights, mask):
    return (weights * mask[..., None]).sum(0) / mask.sum(0)[:, None]


MEAN_WEIGHTS = Exercise(
    name="mean-weights",
    task="mean attention by target position, masked",
    points=2,
    draws={
        **batches(_draw_maps, all_reached=True),
        "sizes that are all alike": lambda rng: _draw_maps(rng, lengths(rng, 4, 4), 4, 4),
        "weights of which many are 0": lambda rng: _draw_maps(rng, lengths(rng, 5, 3), 3, 6, 1000),
    },
    reference=mean_weights,
    returns=("mean",),
    mistakes=(
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
            lambda weights, mask: mean_weights(weights, mask).T,
        ),
    ),
)
