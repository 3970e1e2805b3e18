"""The exercises of notebook 2: maps of attention, attention by hand, what it costs, clipping; its clinic."""

from __future__ import annotations

import math

import numpy as np

from seq2seq_lab.data import get_batch, length_mask
from seq2seq_lab.exercises.catalogue import calls
from seq2seq_lab.exercises.catalogue.numbers import batches, lengths, masked, normal, sizes, softmax
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


# --- twenty digits: exact match by length


def _draw_translations(rng, *digits):
    """So many digits. Of the first length nothing is right; of the others, some."""
    said, wanted = [], []
    for more, n in enumerate(digits):
        for i, text in enumerate(map(str, get_batch(3 + more, n, n, rng).text_targets_out)):
            right = more and (i == 0 or (i > 1 and rng.random() < 0.5))
            wanted.append(text)
            said.append(text if right else _spoiled(text, rng.integers(4)))
    order = rng.permutation(len(said))
    return {"said": [said[i] for i in order], "wanted": [wanted[i] for i in order]}


def _texts(*pairs):
    """Draws just these: pairs of what was said and what was wanted."""
    return lambda rng: {"said": [s for s, _ in pairs], "wanted": [w for _, w in pairs]}


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


def _by_key(result):
    """What stands in the dictionary under each key."""
    keys, values = result
    if keys.ndim != 1 or values.shape[:1] != keys.shape:
        raise ValueError("no dictionary")
    keys = map(repr, keys.tolist()) if keys.dtype.kind == "U" else (f"{key:.12g}" for key in keys)
    return dict(zip((f"exact_match[{key}]" for key in keys), values, strict=True))


def _places_right(s, w):
    return np.mean([a == b for a, b in zip(s.ljust(len(w)), w, strict=False)])


BY_LENGTH = Exercise(
    name="exact-by-length",
    task="exact match by number of digits",
    points=2,
    draws={
        "two lengths": lambda rng: _draw_translations(rng, 1, 3),
        "three lengths": lambda rng: _draw_translations(rng, 2, 5, 3),
        "nine, ten and eleven digits": lambda rng: _draw_translations(rng, 9, 10, 11),
        "leading zeros": _texts(("7#", "007#"), ("01#", "01#"), ("10#", "010#"), ("0#", "00#")),
        "no # at the end": _texts(("12", "12#"), ("345#", "345#"), ("67#", "67#"), ("89", "89#")),
        "the same text twice": _texts(("12#", "12#"), ("21#", "12#"), ("12#", "12#"), ("345#", "345#")),
        "all that was said alike": _texts(("12#", "12#"), ("12#", "34#"), ("12#", "345#")),
        "nothing said but #": _texts(("#", "12#"), ("#", "3#"), ("4#", "4#")),
        "a single text": _texts(("125#", "125#")),
        "nothing right": _texts(("1#", "2#"), ("21#", "12#")),
    },
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
            lambda said, wanted: exact_by_length(said, wanted, lambda s, w: len(s.rstrip("#"))),
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
    parts=_by_key,
)


# --- gradient clipping


def _draw_gradients(rng, clip_norm, norm, *shapes):
    """Gradients of these shapes whose global norm is `norm`."""
    gradients = [normal(rng, *shape) for shape in shapes]
    scale = norm / np.sqrt(sum((g**2).sum() for g in gradients))
    return {"gradients": [np.float32(scale) * g for g in gradients], "clip_norm": clip_norm}


def _by_place(result):
    """Each gradient by its place in the list."""
    shapes, numbers = result
    if shapes.ndim != 1:
        raise ValueError("no list")
    parts, end = {}, 0
    for i, text in enumerate(shapes.tolist()):
        shape = [int(n) for n in text.split(",") if n]
        start, end = end, end + math.prod(shape)
        parts[f"gradients[{i}]"] = numbers[start:end].reshape(shape)
    return parts


def clipped(gradients, clip_norm):
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    return [g * min(1, clip_norm / norm) for g in gradients]


def _times(factor):
    return lambda gradients, clip_norm: [g * factor(gradients, clip_norm) for g in gradients]


CLIPPING = Exercise(
    name="clipping",
    task="clipping by global norm",
    points=2,
    draws={
        "gradients whose norm is large": lambda rng: _draw_gradients(rng, 1.25, 8, (2,), (2, 3), (1, 2)),
        "gradients whose norm is small": lambda rng: _draw_gradients(rng, 1.25, 0.5, (2,), (2, 3), (2, 2)),
        "a clip_norm below 1": lambda rng: _draw_gradients(rng, 0.5, 0.75, (3,), (1, 2), (2, 2)),
        "a clip_norm above 1": lambda rng: _draw_gradients(rng, 5.0, 4.0, (3,), (2, 2), (4,)),
        "a single gradient": lambda rng: _draw_gradients(rng, 1.5, 6, (2, 3)),
        "four gradients": lambda rng: _draw_gradients(rng, 1.5, 6, (2,), (3, 2), (1,), (2, 1, 2)),
        "two gradients of one shape": lambda rng: _draw_gradients(rng, 0.8, 2, (2, 2), (2, 2)),
        "gradients that are all 0": lambda rng: {
            "gradients": [np.zeros((2,), np.float32), np.zeros((1, 3), np.float32)],
            "clip_norm": 1.25,
        },
        "a norm of just clip_norm": lambda rng: {
            "gradients": [np.float32([3]), np.float32([4])],
            "clip_norm": 5.0,
        },
    },
    reference=clipped,
    returns=("shapes", "numbers"),
    call=calls.for_gradients,
    parts=_by_place,
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
