"""The exercises of notebook 2: maps of attention, attention by hand, what it costs, clipping; its clinic."""

from __future__ import annotations

import numpy as np

from seq2seq_lab.data import get_batch, length_mask
from seq2seq_lab.exercises.catalogue import calls
from seq2seq_lab.exercises.catalogue.numbers import lengths, masked, normal, sizes, softmax
from seq2seq_lab.exercises.engine.exercise import Exercise, Mistake

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


def weight_by_word(weights, text, space="before", reduce=np.sum):
    word = _words(text, space)
    return np.stack([reduce(weights[:, word == i], axis=1) for i in range(word.max() + 1)], 1)


BY_WORD = Exercise(
    name="weight-by-word",
    task="how much weight each symbol gives to each word",
    points=2,
    draw=_draw_map,
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


def _draw_maps(rng, case):
    B, T, S = 3 + case, 2 + case, 4 + case
    mask = length_mask(lengths(rng, B, T), T)
    return {"weights": softmax(normal(rng, B, T, S)), "mask": mask.astype(np.float32)}


def mean_weights(weights, mask):
    return (weights * mask[..., None]).sum(0) / mask.sum(0)[:, None]


MEAN_WEIGHTS = Exercise(
    name="mean-weights",
    task="mean attention by target position, masked",
    points=2,
    draw=_draw_maps,
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


# --- attention


def _draw_attention(rng, case):
    B, S, H, D, A = ((2, 3, 2, 3, 4), (3, 4, 4, 2, 3), (4, 6, 3, 5, 2), (5, 7, 6, 4, 8))[case]
    W = {"U_a": normal(rng, H, A), "W_a": normal(rng, D, A), "b_a": normal(rng, A), "v_a": normal(rng, A)}
    return {"outputs": normal(rng, B, S, H), "state": normal(rng, B, D), "lengths": lengths(rng, B, S), **W}


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
    draw=_draw_attention,
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
            "one of the four parameters is not used.",
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
    draw=lambda rng, case: sizes(rng, "encoder_units", "decoder_units", "attention_units"),
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


def exact_by_length(said, wanted, length=lambda s, w: len(w) - 1, share=lambda s, w: s == w, reduce=np.mean):
    groups = {}
    for s, w in zip(said, wanted, strict=True):
        groups.setdefault(length(s, w), []).append(share(s, w))
    return {n: reduce(group) for n, group in groups.items()}


def _places_right(s, w):
    return np.mean([a == b for a, b in zip(s.ljust(len(w)), w, strict=False)])


BY_LENGTH = Exercise(
    name="exact-by-length",
    task="exact match by number of digits",
    points=2,
    draw=_draw_translations,
    reference=exact_by_length,
    returns=("numbers_of_digits", "exact_match"),
    mistakes=(
        Mistake(
            "counts-the-end",
            "the # is no digit.",
            lambda said, wanted: exact_by_length(said, wanted, lambda s, w: len(w)),
        ),
        Mistake(
            "length-of-said",
            "sorted by the length of what was said; a text has as many digits as were wanted.",
            lambda said, wanted: exact_by_length(said, wanted, lambda s, w: len(s) - 1),
        ),
        Mistake(
            "tokens",
            "this is the share of right symbols; exact match asks for whole answers.",
            lambda said, wanted: exact_by_length(said, wanted, share=_places_right),
        ),
        Mistake(
            "counts",
            "shares are wanted, not counts.",
            lambda said, wanted: exact_by_length(said, wanted, reduce=sum),
        ),
        Mistake(
            "same-length",
            "an answer of the right length need not be right.",
            lambda said, wanted: exact_by_length(said, wanted, share=lambda s, w: len(s) == len(w)),
        ),
        Mistake(
            "all-together",
            "divided by the number of all texts; each length has its own.",
            lambda said, wanted: exact_by_length(said, wanted, reduce=lambda group: sum(group) / len(wanted)),
        ),
    ),
    call=calls.by_length,
)


# --- gradient clipping


def _draw_gradients(rng, case):
    scale = (3, 0.1, 1, 5)[case]
    shapes = ((2,), (2, 3), (1 + case, 2))
    return {"gradients": [scale * normal(rng, *s) for s in shapes], "clip_norm": float(rng.uniform(0.8, 1.5))}


def clipped(gradients, clip_norm):
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    return [g * min(1, clip_norm / norm) for g in gradients]


def _times(factor):
    return lambda gradients, clip_norm: [g * factor(gradients, clip_norm) for g in gradients]


CLIPPING = Exercise(
    name="clipping",
    task="clipping by global norm",
    points=2,
    draw=_draw_gradients,
    reference=clipped,
    returns=("first", "second", "third"),
    mistakes=(
        Mistake(
            "each-alone",
            "each gradient is clipped by its own norm, which turns the direction of the step.",
            lambda gradients, clip_norm: [clipped([g], clip_norm)[0] for g in gradients],
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


# --- the bug clinic: attention that looks at padding


def _draw_scores(rng, case):
    B, S = 3 + case, 4 + case
    return {"scores": normal(rng, B, S), "lengths": rng.integers(2, S, B).astype(np.int32)}


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
    draw=_draw_scores,
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
