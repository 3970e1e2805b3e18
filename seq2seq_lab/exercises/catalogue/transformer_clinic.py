"""The bug clinic of notebook 5: a scale, two masks, and positions in a cache.

The first mistake of each, labelled "bug", is the code that the notebook shows.
"""

from __future__ import annotations

import numpy as np

from seq2seq_lab.data import length_mask
from seq2seq_lab.exercises.catalogue.numbers import batches, lengths, normal, softmax
from seq2seq_lab.exercises.engine.exercise import Exercise, Mistake

# --- scores that are not scaled


def _draw_queries(rng, B, T, S, d):
    return {"q": normal(rng, B, T, d), "k": normal(rng, B, S, d)}


def _draw_large(rng, size):
    """Scaled scores within 120 of `size`: multiples of 10, so that float32 makes the same weights of them."""
    drawn = {name: rng.integers(-2, 3, (2, 3, 4)).astype(np.float32) for name in "qk"}
    drawn["q"] *= 20
    drawn["q"][..., 0], drawn["k"][..., 0] = 2, size
    return drawn


def _largest_weight(answer, seed):
    rng = np.random.default_rng(seed)
    weights = np.asarray(answer(normal(rng, 100, 10, 64), normal(rng, 100, 20, 64)))
    return float(weights.max(-1).mean())


def scaled_weights(q, k):
    return _scaled_by(lambda q, k: q.shape[-1] ** -0.5)(q, k)


def _scaled_by(factor, axis=-1):
    return lambda q, k: softmax(q @ k.swapaxes(1, 2) * np.float64(factor(q, k)), axis)


def _cosine(q, k):
    q, k = (a / np.linalg.norm(a, axis=-1, keepdims=True) for a in (q, k))
    return softmax(q @ k.swapaxes(1, 2))


UNSCALED = Exercise(
    name="bug-unscaled",
    task="clinic: scores that grow with d",
    points=2,
    draws={
        "more places than queries": lambda rng: _draw_queries(rng, 2, 3, 5, 4),
        "more queries than places": lambda rng: _draw_queries(rng, 3, 4, 2, 6),
        "sizes that are all alike": lambda rng: _draw_queries(rng, 4, 4, 4, 4),
        "many numbers in each place": lambda rng: _draw_queries(rng, 2, 3, 4, 25),
        "a single text": lambda rng: _draw_queries(rng, 1, 3, 4, 5),
        "a single query": lambda rng: _draw_queries(rng, 3, 1, 4, 5),
        "a single place": lambda rng: _draw_queries(rng, 3, 2, 1, 4),
        "a single number in each place": lambda rng: _draw_queries(rng, 2, 3, 4, 1),
        "scores of up to 1,000": lambda rng: _draw_large(rng, 850),
        "scores down to -1,000": lambda rng: _draw_large(rng, -850),
    },
    reference=scaled_weights,
    returns=("weights",),
    mistakes=(
        Mistake(
            "bug",
            "a dot product adds up d products, so its spread grows with d. By what do you divide it?",
            _scaled_by(lambda q, k: 1),
        ),
        Mistake(
            "divided-by-d",
            "now the spread shrinks as d grows: d products spread only as far as the root of d.",
            _scaled_by(lambda q, k: 1 / q.shape[-1]),
        ),
        Mistake(
            "wrong-d",
            "d is how many numbers a query has, not how many places, queries or texts there are.",
            _scaled_by(lambda q, k: k.shape[1] ** -0.5),
            _scaled_by(lambda q, k: q.shape[1] ** -0.5),
            _scaled_by(lambda q, k: q.shape[0] ** -0.5),
        ),
        Mistake(
            "multiplied",
            "multiplied by the square root of d, which makes it worse: divide.",
            _scaled_by(lambda q, k: q.shape[-1] ** 0.5),
        ),
        Mistake(
            "too-late",
            "the weights are divided, so they do not sum to 1; divide the scores.",
            lambda q, k: _scaled_by(lambda q, k: 1)(q, k) / np.sqrt(q.shape[-1]),
        ),
        Mistake(
            "cosine",
            "divided by the lengths of query and key: then no score can be above 1. Wanted is the root of d.",
            _cosine,
        ),
        Mistake(
            "over-queries",
            "the scale is right, but now the queries compete for a place: leave the softmax as it was.",
            _scaled_by(lambda q, k: q.shape[-1] ** -0.5, 1),
        ),
    ),
    symptom=_largest_weight,
    measures="mean of the largest weight among 20 places, of random queries and keys with d = 64",
)


# --- a mask that comes after the softmax


def _draw_scores(rng, lengths, S, T=2, mean=0, behind=0):
    """Scores around a mean, and around `behind` at the places behind the end."""
    mask = length_mask(lengths, S)
    means = np.where(mask, mean, behind)[:, None].astype(np.float32)
    return {"scores": normal(rng, len(lengths), T, S) + means, "mask": mask}


def _sum_of_weights(answer, seed):
    rng = np.random.default_rng(seed)
    return float(np.asarray(answer(*_draw_scores(rng, lengths(rng, 200, 20), 20, 5).values())).sum(-1).mean())


def masked_softmax(scores, mask):
    return _within(scores, mask)


def _within(scores, mask, instead=-np.inf, axis=-1):
    return softmax(np.where(mask[:, None], scores, instead), axis)


MASKED_TOO_LATE = Exercise(
    name="bug-masked-too-late",
    task="clinic: weights that do not sum to 1",
    points=2,
    draws={
        **batches(_draw_scores),
        "sizes that are all alike": lambda rng: _draw_scores(rng, lengths(rng, 4, 4), 4, 4),
        "a single query": lambda rng: _draw_scores(rng, lengths(rng, 3, 5), 5, 1),
        "scores of 900": lambda rng: _draw_scores(rng, lengths(rng, 3, 5), 5, 3, 900, 900),
        "scores of -1,100": lambda rng: _draw_scores(rng, lengths(rng, 3, 5), 5, 3, -1_100, -1_100),
        "high scores behind the end": lambda rng: _draw_scores(rng, lengths(rng, 3, 5, 2), 6, 2, -450, 450),
    },
    reference=masked_softmax,
    returns=("weights",),
    mistakes=(
        Mistake(
            "bug",
            "the softmax has shared all of the weight before padding loses its part. What should it not see?",
            lambda scores, mask: softmax(scores) * mask[:, None],
        ),
        Mistake(
            "score-0",
            "a score of 0 is no low score. What does the softmax make of it, beside one of -1?",
            lambda scores, mask: _within(scores, mask, 0),
        ),
        Mistake(
            "unmasked",
            "now padding is not masked at all.",
            lambda scores, mask: softmax(scores),
        ),
        Mistake(
            "inverted",
            "the mask is turned round: it is True at the places that may be seen.",
            lambda scores, mask: _within(scores, ~mask, -1e9),
        ),
        Mistake(
            "divided-by-places",
            "divided by how many places are true; the rows still do not sum to 1.",
            lambda scores, mask: softmax(scores) * mask[:, None] / mask.sum(1)[:, None, None],
        ),
        Mistake(
            "over-queries",
            "the mask is right, but now the queries compete for a place.",
            lambda scores, mask: _within(scores, mask, -1e9, 1),
        ),
        Mistake(
            "not-divided",
            "padding gets 0 now, but nothing divides the others by their sum.",
            lambda scores, mask: np.exp(scores - scores.max(-1, keepdims=True)) * mask[:, None],
        ),
    ),
    symptom=_sum_of_weights,
    measures="mean sum of the weights of one query",
)


# --- positions that restart at each step


def _draw_symbols(rng, B, L, n, D, P=None, d=None):
    """So many new symbols behind L whose keys are kept, and vectors for P positions."""
    drawn = {"x": normal(rng, B, n, D), "keys": normal(rng, B, L, d or D)}
    return {**drawn, "table": normal(rng, P or L + n + 3, D)}


def _steps_against_one_go(answer, seed):
    """What differs where 8 symbols come one at a time, and not all at once."""
    rng = np.random.default_rng(seed)
    drawn = _draw_symbols(rng, 4, 8, 8, 16)
    x, keys, table = drawn.values()
    steps = [np.asarray(answer(x[:, t : t + 1], keys[:, :t], table)) for t in range(8)]
    return float(np.abs(np.concatenate(steps, 1) - np.asarray(answer(x, keys[:, :0], table))).mean())


def with_positions(x, keys, table):
    return x + table[keys.shape[1] :][: x.shape[1]]


def _at(first):
    """Positions from `first(x, keys, table)` on."""
    return lambda x, keys, table: x + table[first(x, keys, table) + np.arange(x.shape[1])]


RESTARTED_POSITIONS = Exercise(
    name="bug-restarted-positions",
    task="clinic: positions that restart at each step",
    points=2,
    draws={
        "a step": lambda rng: _draw_symbols(rng, 2, 3, 1, 5),
        "several new symbols at once": lambda rng: _draw_symbols(rng, 2, 5, 3, 3),
        "an empty cache and one new symbol": lambda rng: _draw_symbols(rng, 3, 0, 1, 4),
        "an empty cache and a whole answer": lambda rng: _draw_symbols(rng, 2, 0, 6, 3),
        "sizes that are all alike": lambda rng: _draw_symbols(rng, 4, 4, 4, 4, 9),
        "a single text": lambda rng: _draw_symbols(rng, 1, 4, 2, 3),
        "a single symbol kept": lambda rng: _draw_symbols(rng, 3, 1, 2, 5),
        "a table that ends here": lambda rng: _draw_symbols(rng, 2, 4, 2, 3, 6),
        "a long table": lambda rng: _draw_symbols(rng, 2, 2, 3, 4, 20, d=7),
    },
    reference=with_positions,
    returns=("placed",),
    mistakes=(
        Mistake(
            "bug",
            "each new symbol stands behind those that are kept. How many are they?",
            lambda x, keys, table: x + table[: x.shape[1]],
        ),
        Mistake(
            "one-late",
            "positions are counted from 0, so the first new one is just the number of those kept.",
            _at(lambda x, keys, table: np.minimum(keys.shape[1] + 1, len(table) - x.shape[1])),
        ),
        Mistake(
            "one-early",
            "the first new symbol gets the position of the last one kept.",
            _at(lambda x, keys, table: keys.shape[1] - 1),
            _at(lambda x, keys, table: max(keys.shape[1] - 1, 0)),
        ),
        Mistake(
            "one-for-all",
            "several new symbols stand one behind the other: each has a position of its own.",
            lambda x, keys, table: x + table[keys.shape[1]],
        ),
        Mistake(
            "wrong-axis",
            "the symbols kept lie along the second axis of `keys`, which is (B, L, d).",
            _at(lambda x, keys, table: len(keys)),
            _at(lambda x, keys, table: keys.shape[2]),
        ),
        Mistake(
            "from-the-end",
            "the last rows of the table are those of the last positions there are, not of the next ones.",
            lambda x, keys, table: x + table[-x.shape[1] :],
        ),
        Mistake(
            "positions-alone",
            "these are the positions alone; they are to be added to the symbols.",
            lambda x, keys, table: with_positions(0 * x, keys, table),
            lambda x, keys, table: table[keys.shape[1] :][: x.shape[1]],
        ),
        Mistake(
            "all-of-them",
            "those kept have their positions already: wanted are the new symbols.",
            lambda x, keys, table: with_positions(np.concatenate([keys, x], 1), keys[:, :0], table),
        ),
    ),
    symptom=_steps_against_one_go,
    measures="mean difference between 8 symbols one at a time and the same all at once",
)


# --- a causal mask that is off by one


def _draw_square(rng, B, T, mean=0, later=0):
    """Scores around a mean, and around `later` for symbols that are yet to come."""
    means = np.where(np.tri(T) == 1, mean, later).astype(np.float32)
    return {"scores": normal(rng, B, T, T) + means}


def _weight_on_later_symbols(answer, seed):
    weights = np.asarray(answer(normal(np.random.default_rng(seed), 200, 6, 6)))
    return float((weights * (np.tri(6) == 0)).sum(-1).mean())


def causal_weights(scores):
    return _seen(scores, np.tri(scores.shape[1]))


def _seen(scores, visible, instead=-1e9, axis=-1):
    """Weights of the visible symbols; of those that see none, the same for all."""
    return softmax(np.where(visible == 1, scores, instead), axis)


CAUSAL_OFF_BY_ONE = Exercise(
    name="bug-causal-off-by-one",
    task="clinic: a decoder that sees the next symbol",
    points=2,
    draws={
        "two answers": lambda rng: _draw_square(rng, 2, 4),
        "a long answer": lambda rng: _draw_square(rng, 2, 11),
        "as many answers as symbols": lambda rng: _draw_square(rng, 5, 5),
        "a single answer": lambda rng: _draw_square(rng, 1, 3),
        "two symbols": lambda rng: _draw_square(rng, 3, 2),
        "a single symbol": lambda rng: _draw_square(rng, 3, 1),
        "scores of 900": lambda rng: _draw_square(rng, 2, 4, 900, 900),
        "scores of -1,100": lambda rng: _draw_square(rng, 2, 4, -1_100, -1_100),
        "high scores of later symbols": lambda rng: _draw_square(rng, 3, 4, -450, 450),
    },
    reference=causal_weights,
    returns=("weights",),
    mistakes=(
        Mistake(
            "bug",
            "symbol t sees t + 1, the very symbol that it is to predict. Where does the diagonal belong?",
            lambda scores: _seen(scores, np.tri(scores.shape[1], k=1)),
        ),
        Mistake(
            "not-itself",
            "a symbol sees itself, too; else the first one would see nothing.",
            lambda scores: _seen(scores, np.tri(scores.shape[1], k=-1)),
        ),
        Mistake(
            "other-way",
            "this sees the later symbols and hides the earlier ones.",
            lambda scores: _seen(scores, np.tri(scores.shape[1]).T),
            lambda scores: _seen(scores, 1 - np.tri(scores.shape[1])),
        ),
        Mistake("unmasked", "now every symbol sees all others.", lambda scores: softmax(scores)),
        Mistake(
            "score-0",
            "a score of 0 is no low score. What does the softmax make of it?",
            lambda scores: _seen(scores, np.tri(scores.shape[1]), 0),
        ),
        Mistake(
            "too-late",
            "the mask comes after the softmax, so the rows do not sum to 1.",
            lambda scores: softmax(scores) * np.tri(scores.shape[1]),
        ),
        Mistake(
            "over-queries",
            "the mask is right, but the softmax goes over the symbols that look, not those that are seen.",
            lambda scores: _seen(scores, np.tri(scores.shape[1]), axis=1),
        ),
        Mistake(
            "itself-alone",
            "each symbol sees nothing but itself: those before it count as well.",
            lambda scores: _seen(scores, np.eye(scores.shape[1])),
        ),
    ),
    symptom=_weight_on_later_symbols,
    measures="mean weight of a symbol on those that come after it",
)
