"""The exercises of notebook 5: attention by dot products, a step with a cache, positions as waves."""

from __future__ import annotations

import numpy as np

from seq2seq_lab.data import length_mask
from seq2seq_lab.exercises.catalogue.numbers import batches, lengths, normal, softmax
from seq2seq_lab.exercises.engine.exercise import Exercise, Mistake

# --- attention by dot products


def _draw_attention(rng, lengths, S, T=2, d=3):
    B = len(lengths)
    drawn = {"q": normal(rng, B, T, d), "k": normal(rng, B, S, d), "v": normal(rng, B, S, d)}
    return {**drawn, "mask": length_mask(lengths, S)}


def _draw_large(rng, at_true, behind):
    """Scaled scores within 120 of these: multiples of 10, so that float32 makes the same weights of them."""
    drawn = _draw_attention(rng, np.array([3, 5, 2], np.int32), 5, 2, 4)
    q, k = (rng.integers(-2, 3, drawn[name].shape).astype(np.float32) for name in "qk")
    q[..., 1:] *= 20
    q[..., 0], k[..., 0] = 2, np.where(drawn["mask"], at_true, behind)
    return {**drawn, "q": q, "k": k}


def _scores(q, k):
    return q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1])


def _read(weights, v):
    return weights @ v, weights


def _within(scores, mask, instead=-np.inf, axis=-1):
    return softmax(np.where(mask[:, None], scores, instead), axis)


def dot_product_attention(q, k, v, mask):
    return _read(_within(_scores(q, k), mask), v)


def _scaled_by(factor):
    """Attention whose scores have another factor than 1 / sqrt(d)."""
    return lambda q, k, v, mask: _read(_within(q @ k.swapaxes(1, 2) * np.float64(factor(q, k)), mask), v)


DOT_PRODUCT_ATTENTION = Exercise(
    name="dot-product-attention",
    task="scaled dot-product attention with its mask",
    points=3,
    draws={
        **batches(_draw_attention),
        "sizes that are all alike": lambda rng: _draw_attention(rng, lengths(rng, 4, 4), 4, 4, 4),
        "as many queries as places": lambda rng: _draw_attention(rng, lengths(rng, 3, 5), 5, 5, 2),
        "more queries than places": lambda rng: _draw_attention(rng, lengths(rng, 2, 3), 3, 6, 5),
        "a single query": lambda rng: _draw_attention(rng, lengths(rng, 3, 4), 4, 1, 5),
        "a single number in each place": lambda rng: _draw_attention(rng, lengths(rng, 3, 4), 4, 2, 1),
        "scores of up to 1,000": lambda rng: _draw_large(rng, 850, 850),
        "scores below -1,000": lambda rng: _draw_large(rng, -1_150, -1_150),
        "high scores behind the end": lambda rng: _draw_large(rng, -850, 850),
    },
    reference=dot_product_attention,
    returns=("read", "weights"),
    mistakes=(
        Mistake(
            "unscaled",
            "the scores are not divided by the square root of d.",
            _scaled_by(lambda q, k: 1),
        ),
        Mistake(
            "divided-by-d",
            "divided by d: the root of it is wanted.",
            _scaled_by(lambda q, k: 1 / q.shape[-1]),
        ),
        Mistake(
            "wrong-d",
            "d is how many numbers a query has, not how many places or queries there are.",
            _scaled_by(lambda q, k: k.shape[1] ** -0.5),
            _scaled_by(lambda q, k: q.shape[1] ** -0.5),
        ),
        Mistake(
            "multiplied",
            "multiplied by the square root of d: divide by it.",
            _scaled_by(lambda q, k: q.shape[-1] ** 0.5),
        ),
        Mistake(
            "scaled-too-late",
            "the scores are to be divided by the root, before the softmax, so that weights still sum to 1.",
            lambda q, k, v, mask: _read(_within(q @ k.swapaxes(1, 2), mask) / np.sqrt(q.shape[-1]), v),
        ),
        Mistake(
            "unmasked",
            "padding is looked at as well.",
            lambda q, k, v, mask: _read(softmax(_scores(q, k)), v),
        ),
        Mistake(
            "zeroed-after",
            "the weights are masked after the softmax, so those that are left do not sum to 1.",
            lambda q, k, v, mask: _read(softmax(_scores(q, k)) * mask[:, None], v),
        ),
        Mistake(
            "score-0",
            "a score of 0 is no low score. What does the softmax make of it?",
            lambda q, k, v, mask: _read(_within(_scores(q, k), mask, 0), v),
        ),
        Mistake(
            "inverted",
            "the mask is turned round: it is True at the places that may be seen.",
            lambda q, k, v, mask: _read(_within(_scores(q, k), ~mask, -1e9), v),
        ),
        Mistake(
            "over-queries",
            "here the queries compete for a place; the weights of one query should sum to 1.",
            lambda q, k, v, mask: _read(_within(_scores(q, k), mask, -1e9, axis=1), v),
        ),
        Mistake(
            "over-texts",
            "here the texts of a batch compete; the weights of one query should sum to 1.",
            lambda q, k, v, mask: _read(_within(_scores(q, k), mask, -1e9, axis=0), v),
        ),
        Mistake(
            "keys-for-values",
            "a key says whether a place answers the query; its value is what is read there.",
            lambda q, k, v, mask: dot_product_attention(q, k, k, mask),
            lambda q, k, v, mask: dot_product_attention(q, v, k, mask),
            lambda q, k, v, mask: dot_product_attention(q, v, v, mask),
        ),
        Mistake(
            "transposed",
            "a row of weights for each query, a column for each place: turn them round.",
            lambda q, k, v, mask: (
                dot_product_attention(q, k, v, mask)[0],
                dot_product_attention(q, k, v, mask)[1].swapaxes(1, 2),
            ),
        ),
        Mistake(
            "swapped",
            "what is read first, then the weights.",
            lambda *inputs: dot_product_attention(*inputs)[::-1],
        ),
    ),
)


# --- one step with a cache


def _draw_step(rng, B, L, d):
    new = {name: normal(rng, B, d) for name in "qkv"}
    return {**new, "keys": normal(rng, B, L, d), "values": normal(rng, B, L, d)}


def _appended(kept, new):
    return np.concatenate([kept, new[:, None]], 1)


def _all(k, v, keys, values):
    return _appended(keys, k), _appended(values, v)


def _scored(q, keys, scale=None):
    """The scores of one query `(B, d)` of each text at its places `(B, L, d)`."""
    return (keys @ q[:, :, None])[..., 0] / (scale or np.sqrt(q.shape[-1]))


def _weights(q, keys, scale=None, axis=-1):
    return softmax(_scored(q, keys, scale), axis)


def _sum(weights, values):
    return (weights[..., None] * values).sum(1)


def cached_step(q, k, v, keys, values):
    keys, values = _all(k, v, keys, values)
    return _sum(_weights(q, keys), values), keys, values


def _reading(read):
    """The step that keeps what it should, but reads something else: `read(q, k, v, keys, values)`."""
    return lambda q, k, v, *kept: (read(q, k, v, *_all(k, v, *kept)), *_all(k, v, *kept))


def _keeping(keep):
    """The step that reads what it should, but keeps something else: `keep(k, v, keys, values)`."""
    return lambda q, *more: (cached_step(q, *more)[0], *keep(*more))


CACHED_STEP = Exercise(
    name="cached-step",
    task="one step of self-attention with a cache",
    points=3,
    draws={
        "three symbols kept": lambda rng: _draw_step(rng, 2, 3, 4),
        "more symbols kept than numbers in a key": lambda rng: _draw_step(rng, 3, 7, 2),
        "sizes that are all alike": lambda rng: _draw_step(rng, 4, 4, 4),
        "as many numbers in a key as symbols, the new one included": lambda rng: _draw_step(rng, 2, 4, 5),
        "a single text": lambda rng: _draw_step(rng, 1, 4, 3),
        "a single symbol kept": lambda rng: _draw_step(rng, 3, 1, 2),
        "an empty cache": lambda rng: _draw_step(rng, 3, 0, 4),
        "a single number in each key": lambda rng: _draw_step(rng, 3, 4, 1),
        "an answer's last step": lambda rng: _draw_step(rng, 2, 10, 6),
    },
    reference=cached_step,
    returns=("read", "keys", "values"),
    mistakes=(
        Mistake(
            "in-front",
            "the new symbol stands in front of the others: append it behind them.",
            lambda q, k, v, keys, values: (
                cached_step(q, k, v, keys, values)[0],
                np.concatenate([k[:, None], keys], 1),
                np.concatenate([v[:, None], values], 1),
            ),
        ),
        Mistake(
            "not-itself",
            "a symbol sees those before it and itself: append first, then look.",
            _reading(lambda q, k, v, keys, values: _sum(_weights(q, keys[:, :-1]), values[:, :-1])),
        ),
        Mistake(
            "itself-alone",
            "the symbol sees itself alone: for what are the others kept?",
            _reading(lambda q, k, v, keys, values: v),
        ),
        Mistake(
            "not-kept",
            "what is handed back has no new symbol in it, so the next step will not see it.",
            _keeping(lambda k, v, keys, values: (keys, values)),
        ),
        Mistake(
            "overwritten",
            "the last symbol is overwritten; the cache should grow by one.",
            lambda q, k, v, keys, values: cached_step(q, k, v, keys[:, :-1], values[:, :-1]),
        ),
        Mistake(
            "one-alone-kept",
            "this hands back the new symbol alone; the next step needs all of them.",
            _keeping(lambda k, v, keys, values: (k[:, None], v[:, None])),
            _keeping(lambda k, v, keys, values: (k, v)),
        ),
        Mistake(
            "key-kept-as-value",
            "the values get the new symbol's key.",
            lambda q, k, v, keys, values: cached_step(q, k, k, keys, values),
        ),
        Mistake(
            "keys-for-values",
            "a key says whether a symbol answers the query; its value is what is read there.",
            _reading(lambda q, k, v, keys, values: _sum(_weights(q, keys), keys)),
            _reading(lambda q, k, v, keys, values: _sum(_weights(q, values), values)),
            _reading(lambda q, k, v, keys, values: _sum(_weights(q, values), keys)),
        ),
        Mistake(
            "key-for-query",
            "the new symbol asks with its query, not with its key.",
            _reading(lambda q, k, v, keys, values: _sum(_weights(k, keys), values)),
        ),
        Mistake(
            "unscaled",
            "the scores are not divided by the square root of d.",
            _reading(lambda q, k, v, keys, values: _sum(_weights(q, keys, 1), values)),
        ),
        Mistake(
            "divided-by-d",
            "divided by d: the root of it is wanted.",
            _reading(lambda q, k, v, keys, values: _sum(_weights(q, keys, q.shape[-1]), values)),
        ),
        Mistake(
            "wrong-d",
            "d is how many numbers a key has, not how many symbols are kept.",
            _reading(lambda q, k, v, keys, values: _sum(_weights(q, keys, keys.shape[1] ** 0.5), values)),
            _reading(
                lambda q, k, v, keys, values: _sum(
                    _weights(q, keys, max(1, keys.shape[1] - 1) ** 0.5), values
                )
            ),
        ),
        Mistake(
            "over-texts",
            "here the texts of a batch compete; the weights of one text should sum to 1.",
            _reading(lambda q, k, v, keys, values: _sum(_weights(q, keys, axis=0), values)),
        ),
        Mistake(
            "no-softmax",
            "the scores are no weights yet: where is the softmax?",
            _reading(lambda q, k, v, keys, values: _sum(_scored(q, keys), values)),
        ),
        Mistake(
            "mean",
            "the mean of all values, whatever the query asks: take the sum, each with its weight.",
            _reading(lambda q, k, v, keys, values: values.mean(1)),
            _reading(lambda q, k, v, keys, values: _sum(_weights(q, keys), values) / values.shape[1]),
        ),
        Mistake(
            "not-summed",
            "each value has its weight now; add them up over the symbols.",
            _reading(lambda q, k, v, keys, values: _weights(q, keys)[..., None] * values),
        ),
        Mistake(
            "axis-left",
            "one axis too many: what is read has shape (B, d), for there is one new symbol.",
            _reading(lambda q, k, v, keys, values: _weights(q, keys)[:, None] @ values),
        ),
        Mistake(
            "swapped",
            "what is read first, then all keys, then all values.",
            lambda *inputs: (lambda read, keys, values: (keys, values, read))(*cached_step(*inputs)),
            lambda *inputs: (lambda read, keys, values: (read, values, keys))(*cached_step(*inputs)),
        ),
    ),
)


# --- positions as waves


def _draw_positions(rng, S, width, least=0):
    """Some positions, no two alike, in any order; `least` is the smallest that there may be."""
    return {"positions": (least + rng.permutation(30)[:S]).astype(np.int32), "width": width}


def _in_a_row(S, width, first=0):
    return {"positions": np.arange(first, first + S, dtype=np.int32), "width": width}


def _angles(positions, width, exponent=lambda i, width: 2 * i / width):
    return positions[:, None] / 10_000.0 ** exponent(np.arange(width // 2), width)


def _waves(angles):
    return np.concatenate([np.sin(angles), np.cos(angles)], 1)


def sinusoids(positions, width):
    return _waves(_angles(positions, width))


def _interleaved(positions, width):
    angles = _angles(positions, width)
    return np.stack([np.sin(angles), np.cos(angles)], 2).reshape(len(positions), width)


def _with_exponent(exponent):
    return lambda positions, width: _waves(_angles(positions, width, exponent))


SINUSOIDS = Exercise(
    name="sinusoids",
    task="positions as sines and cosines",
    points=2,
    draws={
        "some positions": lambda rng: _draw_positions(rng, 5, 8, 1),
        "positions from 0 on": lambda rng: _in_a_row(7, 6),
        "positions from 12 on": lambda rng: _in_a_row(4, 10, 12),
        "as many positions as numbers for each": lambda rng: _draw_positions(rng, 6, 6),
        "more positions than numbers for each": lambda rng: _draw_positions(rng, 9, 4),
        "a single position": lambda rng: _draw_positions(rng, 1, 6, 2),
        "two numbers for each": lambda rng: _draw_positions(rng, 5, 2),
        "the position 0 alone": lambda rng: _in_a_row(1, 8),
        "sixteen numbers for each": lambda rng: _draw_positions(rng, 3, 16, 20),
    },
    reference=sinusoids,
    returns=("waves",),
    mistakes=(
        Mistake(
            "cosines-first",
            "the sines first, then the cosines.",
            lambda positions, width: np.roll(sinusoids(positions, width), width // 2, 1),
        ),
        Mistake(
            "interleaved",
            "sine and cosine take turns here. Wanted are all sines, then all cosines.",
            _interleaved,
        ),
        Mistake(
            "exponent",
            "the exponent of wave i is 2i / width, where i counts the waves: 0, 1, 2, ...",
            _with_exponent(lambda i, width: i / width),
            _with_exponent(lambda i, width: 4 * i / width),
            _with_exponent(lambda i, width: 2 * i),
        ),
        Mistake(
            "to-the-end",
            "the last wave is too long: 2i / width stays below 1.",
            _with_exponent(lambda i, width: 2 * i / (width - 2)),
            _with_exponent(lambda i, width: 2 * (i + 1) / width),
        ),
        Mistake(
            "multiplied",
            "divide the position by its wave: later waves are to rise more slowly, not faster.",
            _with_exponent(lambda i, width: -2 * i / width),
        ),
        Mistake(
            "counted",
            "these are the waves of 0, 1, 2, ...; wanted are those of the positions given.",
            lambda positions, width: sinusoids(np.arange(len(positions)), width),
        ),
        Mistake(
            "from-1",
            "positions are taken as they are, with nothing added.",
            lambda positions, width: sinusoids(positions + 1, width),
        ),
        Mistake(
            "full-turns",
            "no 2 pi: position 1 is at an angle of 1 in the first wave.",
            lambda positions, width: sinusoids(2 * np.pi * positions, width),
        ),
        Mistake(
            "sines-alone",
            "half of the numbers are cosines.",
            lambda positions, width: np.sin(_angles(positions, 2 * width)),
            lambda positions, width: np.sin(_angles(positions, 2 * width, lambda i, width: 4 * i / width)),
            lambda positions, width: np.sin(_angles(positions, width)),
            lambda positions, width: np.tile(np.sin(_angles(positions, width)), 2),
        ),
        Mistake(
            "transposed",
            "a row for each position, a column for each wave: turn it round.",
            lambda positions, width: sinusoids(positions, width).T,
        ),
    ),
)
