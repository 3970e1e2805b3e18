"""From a decoder's states to a text: greedy, sampling and beam search, each one a loop over `step`.

    log p(y | x) = sum_t log p(y_t | y_1 ... y_{t-1}, x)      what a hypothesis is worth
    score        = log p(y | x) / length ** length_power      by which beam search compares

Beam search after Freitag and Al-Onaizan 2017, arXiv 1702.01806. Used in notebook 3.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from seq2seq_lab.contracts import Hypothesis
from seq2seq_lab.settings import COUNT, NOT_NEGATIVE, POSITIVE, SEED, TOP_K, Rule, require
from seq2seq_lab.vocabulary import END_ID, TARGET_SYMBOLS, decode

FIELDS = {
    "temperature": POSITIVE,
    "top_k": TOP_K,
    "seed": SEED,
    "width": COUNT,
    "length_power": NOT_NEGATIVE,
}


class Found(NamedTuple):
    """`N` hypotheses for each of `B` texts, the best first."""

    tokens: tf.Tensor  # (B, N, steps), `#` behind the end
    length: tf.Tensor  # (B, N), counts the `#`
    log_probability: tf.Tensor  # (B, N), -inf where there are fewer than N
    score: tf.Tensor  # (B, N)


@dataclasses.dataclass(frozen=True)
class _Decoding:
    """What the three share: fields that are checked, and reach a compiled program as numbers."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            require(field.name, getattr(self, field.name), FIELDS[field.name])

    @property
    def hypotheses(self) -> int:
        """How many are found for each text."""
        return 1

    @property
    def numbers(self) -> tuple:
        """The last arguments of `search`."""
        return ()


@dataclasses.dataclass(frozen=True)
class Greedy(_Decoding):
    """Take the most likely symbol at each step."""

    @staticmethod
    def search(decoder: Any, state: tf.Tensor, memory: Any, limits: tf.Tensor) -> Found:
        """From `state (B, H)` and `memory` as `decoder.start` gives them, at most `limits (B,)` symbols."""
        return one_by_one(decoder, state, memory, limits, lambda t, log_p: tf.argmax(log_p, -1, tf.int32))


@dataclasses.dataclass(frozen=True)
class Sampling(_Decoding):
    """Draw each symbol: p ** (1 / temperature), scaled to sum 1, among the `top_k` most likely (or all).

    Row b of a batch depends on the seed, on b and on its own text alone.
    """

    temperature: float = 1.0
    top_k: int | None = None
    seed: int = 0

    @property
    def numbers(self) -> tuple:
        return np.float32(self.temperature), np.int32(self.top_k or TARGET_SYMBOLS), np.int32(self.seed)

    @staticmethod
    def search(
        decoder: Any,
        state: tf.Tensor,
        memory: Any,
        limits: tf.Tensor,
        temperature: tf.Tensor,
        top_k: tf.Tensor,
        seed: tf.Tensor,
    ) -> Found:
        """As for `Greedy`, with this class' fields behind."""

        def draw(t, log_p):
            rank = tf.argsort(tf.argsort(log_p, direction="DESCENDING", stable=True))
            kept = tf.where(rank < top_k, log_p / tf.cast(temperature, log_p.dtype), -np.inf)
            return tf.random.stateless_categorical(kept, 1, [seed, t], tf.int32)[:, 0]

        return one_by_one(decoder, state, memory, limits, draw)


@dataclasses.dataclass(frozen=True)
class BeamSearch(_Decoding):
    """Keep the `width` best beginnings at each step; with `length_power` 0 the score is the log-probability.

    A larger power favours longer texts: 1 compares means over the symbols.
    """

    width: int = 4
    length_power: float = 0.0

    @property
    def hypotheses(self) -> int:
        return self.width

    @property
    def numbers(self) -> tuple:
        return np.int32(self.width), np.float32(self.length_power)

    @staticmethod
    def search(
        decoder: Any,
        state: tf.Tensor,
        memory: Any,
        limits: tf.Tensor,
        width: tf.Tensor,
        length_power: tf.Tensor,
    ) -> Found:
        """As for `Greedy`, with this class' fields behind.

        The `W` hypotheses of a row stand beside each other. One that has ended stays as it is, and goes on
        competing.
        """
        B, H, V = tf.shape(state)[0], state.shape[-1], TARGET_SYMBOLS
        steps, length_power = tf.reduce_max(limits), tf.cast(length_power, state.dtype)
        memory = tf.nest.map_structure(lambda a: None if a is None else tf.repeat(a, width, 0), memory)
        stay = tf.one_hot(END_ID, V, tf.zeros((), state.dtype), -np.inf)  # the only way on from an end

        def scored(log_p, length):
            return log_p / tf.cast(length, log_p.dtype) ** length_power

        def step(t, tokens, h, length, log_p):
            token = tokens[:, :, t]  # (B, W): written last, or the `#` that starts
            h = decoder.step(tf.reshape(token, [-1]), h, memory)  # (B W, H)
            log_q = tf.reshape(tf.nn.log_softmax(decoder.logits(h)), [B, width, V])
            going_on = is_open(t, token, limits[:, None])
            log_p = log_p[..., None] + tf.where(going_on[..., None], log_q, stay)  # (B, W, V)
            length += tf.cast(going_on, tf.int32)

            _, best = tf.math.top_k(tf.reshape(scored(log_p, length[..., None]), [B, -1]), width)
            parent, token = best // V, best % V  # (B, W)
            log_p = tf.gather(tf.reshape(log_p, [B, -1]), best, batch_dims=1)
            h = tf.reshape(h, [B, width, H])
            tokens, h, length = (tf.gather(a, parent, batch_dims=1) for a in (tokens, h, length))
            tokens = tf.where(tf.range(steps + 1) == t + 1, token[..., None], tokens)
            return t + 1, tokens, tf.reshape(h, [-1, H]), length, log_p

        def unfinished(t, tokens, h, length, log_p):
            return tf.reduce_any(is_open(t, tokens[:, :, t], limits[:, None]) & (log_p > -np.inf))

        tokens = tf.fill([B, width, steps + 1], END_ID)
        only_one = tf.where(tf.range(width) == 0, tf.zeros([B, width], state.dtype), -np.inf)
        start = 0, tokens, tf.repeat(state, width, 0), tf.zeros([B, width], tf.int32), only_one
        t, tokens, _, length, log_p = tf.while_loop(unfinished, step, start)
        return Found(tokens[:, :, 1 : t + 1], length, log_p, scored(log_p, length))


DECODING = Rule(
    "Greedy(), Sampling(...) or BeamSearch(...)", lambda v: hasattr(v, "search") and not isinstance(v, type)
)


def one_by_one(decoder: Any, state: tf.Tensor, memory: Any, limits: tf.Tensor, choose: Callable) -> Found:
    """One symbol after the other, `choose(t, log_p (B, V))`, until every row has ended."""
    B, steps = tf.shape(state)[0], tf.reduce_max(limits)

    def step(t, tokens, token, h, length, log_p):
        h = decoder.step(token, h, memory)
        log_q = tf.nn.log_softmax(decoder.logits(h))  # (B, V)
        going_on = is_open(t, token, limits)
        token = tf.where(going_on, choose(t, log_q), END_ID)
        log_p += tf.where(going_on, tf.gather(log_q, token, batch_dims=1), 0)
        return t + 1, tokens.write(t, token), token, h, length + tf.cast(going_on, tf.int32), log_p

    def unfinished(t, tokens, token, *_):
        return tf.reduce_any(is_open(t, token, limits))

    tokens = tf.TensorArray(tf.int32, steps, element_shape=(None,))
    nothing = tf.zeros([B], tf.int32), tf.zeros([B], state.dtype)
    start = 0, tokens, tf.fill([B], END_ID), state, *nothing
    t, tokens, _, _, length, log_p = tf.while_loop(unfinished, step, start)
    tokens = tf.transpose(tokens.stack()[:t])  # (B, t)
    return Found(tokens[:, None], length[:, None], log_p[:, None], log_p[:, None])


def is_open(t: tf.Tensor, token: tf.Tensor, limits: tf.Tensor) -> tf.Tensor:
    """Where another symbol may follow `token`: not behind an end, which the first `#` is not."""
    return (t < limits) & ((token != END_ID) | (t == 0))


def any_size(program: Any, of: Any, *arrays: Any) -> Any:
    """`program(of, *arrays)` of a `tf.function`, with one trace for each `of`, whatever the arrays' sizes."""
    arrays = [tf.constant(array) for array in arrays]
    specs = [tf.TensorSpec([None] * array.shape.rank, array.dtype) for array in arrays]
    return program.get_concrete_function(of, *specs)(*arrays)


def written(found: Found) -> list[list[Hypothesis]]:
    """The hypotheses of each text, the best first; fewer than `N` where there are no more."""
    rows = zip(*(part.numpy() for part in found), strict=True)
    return [
        [
            Hypothesis(decode(ids[:n]), float(log_p), float(score))
            for ids, n, log_p, score in zip(*row, strict=True)
            if log_p > -np.inf
        ]
        for row in rows
    ]
