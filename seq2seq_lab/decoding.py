"""The loop, and the ways to choose the next token.

    teacher forcing      the true token
    free running         the arg-max: greedy
    scheduled sampling   a coin decides between the two
    sampling             drawn from the softmax
    beam search          the best continuations of several hypotheses, rows as well as tokens

What a hypothesis is worth, and by what beam search compares:

    log p(y | x) = sum_t log p(y_t | y_1 ... y_{t-1}, x)
    score        = log p(y | x) / length ** length_power

Beam search after Freitag and Al-Onaizan 2017, arXiv 1702.01806; sampling from the nucleus (`top_p`) after
Holtzman et al. 2020, arXiv 1904.09751; scheduled sampling after Bengio et al. 2015, arXiv 1506.03099. Used in
notebook 3.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import numpy as np
import tensorflow as tf

from seq2seq_lab._internals.time_loop import length, time_loop
from seq2seq_lab.contracts import DecoderLike, DecoderOutput, Nest
from seq2seq_lab.settings import COUNT, NOT_NEGATIVE, POSITIVE, SEED, TOP_K, TOP_P, Rule, require
from seq2seq_lab.vocabulary import END_ID, TARGET_SYMBOLS


def decode_with(
    choose: Callable,
    decoder: DecoderLike,
    state: Nest,
    memory: Nest,
    steps: Any,
    first: Any = END_ID,
    limits: tf.Tensor | None = None,
) -> tuple[tf.Tensor, DecoderOutput]:
    """The one loop: step the decoder, and choose the token that it reads next.

    Args:
        choose: from the time and the logits `(B, 11)` to the next token `(B,)`.
        state, memory: as `decoder.start` gives them.
        steps: how many to take at most.
        first: the token that is read at first.
        limits: how many symbols each row may have, `(B,)`; then a row that has ended stays at `#`, and the
            loop ends when all have. Unless given, every row takes all steps.

    Returns:
        The tokens chosen, `(steps, B)`, and what the decoder said, `(steps, B, ...)`.
    """

    def step(t: tf.Tensor, carry: Nest) -> tuple:
        token, state = carry
        state, output = decoder.step(state, token, memory)
        chosen = choose(t, output.logits)
        if limits is not None:
            chosen = tf.where(is_open(t, token, limits), chosen, END_ID)
        return (chosen, state), (chosen, output)

    def unfinished(t: tf.Tensor, carry: Nest) -> tf.Tensor:
        return tf.reduce_any(is_open(t, carry[0], limits))

    B = length(tf.nest.flatten(state)[0])
    start = tf.broadcast_to(tf.cast(first, tf.int32), [B]), state
    ends = None if limits is None else unfinished
    return time_loop(step, start, steps, steps, unfinished=ends)[1]


def is_open(t: tf.Tensor, token: tf.Tensor, limits: tf.Tensor) -> tf.Tensor:
    """Where another symbol may follow `token`: none follows `#`, but for the `#` that starts."""
    return (t < limits) & ((token != END_ID) | (t == 0))


# Ways to choose: from `t` and `logits (B, 11)` to the token that is read at t + 1


def greedy(t: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """The arg-max."""
    return tf.argmax(logits, -1, tf.int32)


def ground_truth(tokens: tf.Tensor) -> Callable:
    """Teacher forcing: the next of `tokens (T, B)`, whatever the decoder said."""
    return lambda t, logits: tf.gather(tokens, tf.minimum(t + 1, length(tokens) - 1))


def scheduled_sampling(coins: tf.Tensor, tokens: tf.Tensor) -> Callable:
    """The arg-max where `coins (T, B)` is true for the next step, else the next of `tokens (T, B)`."""
    true = ground_truth(tokens)

    def choose(t: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        coin = tf.gather(coins, tf.minimum(t + 1, length(coins) - 1))
        return tf.where(coin, greedy(t, logits), true(t, logits))

    return choose


def sampled(temperature: tf.Tensor, top_k: tf.Tensor, seed: tf.Tensor, top_p: tf.Tensor) -> Callable:
    """Sampling: from the softmax at a temperature, cut off by `top_k` and `top_p`."""

    def choose(t: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        log_p = cut_off(logits, temperature, top_k, top_p)
        return tf.random.stateless_categorical(log_p, 1, [seed, t], tf.int32)[:, 0]

    return choose


def cut_off(logits: tf.Tensor, temperature: tf.Tensor, top_k: tf.Tensor, top_p: tf.Tensor) -> tf.Tensor:
    """Logarithms `(B, 11)` of what may be drawn, -inf for all else: temperature, `top_k`, then `top_p`.

    Each works on what the one before has left, scaled to sum 1. Of symbols that are equally likely, the one
    with the smaller id goes first.
    """
    log_p = tf.nn.log_softmax(tf.cast(logits, tf.float32) / temperature)
    order = tf.argsort(log_p, direction="DESCENDING", stable=True)
    rank = tf.argsort(order)
    log_p = tf.nn.log_softmax(tf.where(rank < top_k, log_p, -np.inf))
    before = tf.cumsum(tf.exp(tf.gather(log_p, order, batch_dims=1)), 1, exclusive=True)
    before = tf.gather(before, rank, batch_dims=1)  # the sum of all that are likelier
    return tf.where((before < top_p) | (top_p == 1), log_p, -np.inf)  # 1 cuts nothing, however it is rounded


def teacher_forced(decoder: DecoderLike, state: Nest, memory: Nest, tokens: tf.Tensor) -> DecoderOutput:
    """What a decoder says that reads `tokens (T, B)`: in one go where it can, else by the loop."""
    if in_one_go := getattr(decoder, "sequence", None):
        return in_one_go(state, tokens, memory)
    return decode_with(ground_truth(tokens), decoder, state, memory, length(tokens), tokens[0])[1]


def tokens_read(
    decoder: DecoderLike, state: Nest, memory: Nest, tokens: tf.Tensor, coins: tf.Tensor
) -> tf.Tensor:
    """The tokens read, `(T, B)`: where `coins (T, B)` is true, the decoder's own last arg-max.

    Tokens have no gradient: once they are known, scheduled sampling is teacher forcing with them.
    """
    choose = scheduled_sampling(coins, tokens)
    chosen, _ = decode_with(choose, decoder, state, memory, length(tokens) - 1, tokens[0])
    return tf.concat([tokens[:1], chosen], 0)


# What an answer is worth


def summed(logits: tf.Tensor, tokens: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
    """`sum_t log p(y_t | ...)`, `(B,)`, of logits `(T, B, 11)` and tokens `(T, B)` where `counts`."""
    log_p = tf.gather(tf.nn.log_softmax(tf.cast(logits, tf.float32)), tokens, batch_dims=2)
    return tf.reduce_sum(tf.where(counts, log_p, 0), 0)


def log_probability(
    decoder: DecoderLike, state: Nest, memory: Nest, tokens: tf.Tensor, n: tf.Tensor
) -> tf.Tensor:
    """`log p(y | x)` of given answers, `(B,)`: the first `n (B,)` of their `tokens (T, B)` count."""
    T, B = length(tokens), length(n)
    read = tf.concat([tf.fill([1, B], END_ID), tokens[:-1]], 0)
    logits = teacher_forced(decoder, state, memory, read).logits
    return summed(logits, tokens, tf.range(T)[:, None] < n)


# Strategies: whole answers to a text


class Found(NamedTuple):
    """`N` hypotheses for each of `B` texts, the best first."""

    tokens: tf.Tensor  # (B, N, steps), anything behind the end
    length: tf.Tensor  # (B, N), counts the `#`
    log_probability: tf.Tensor  # (B, N), -inf where there are fewer than N
    score: tf.Tensor  # (B, N)


def _field(default: Any, rule: Rule) -> Any:
    return dataclasses.field(default=default, metadata={"rule": rule})


@dataclasses.dataclass(frozen=True)
class Strategy:
    """How answers are found. Its fields are checked, and reach a compiled program as `numbers`."""

    hypotheses = 1  # how many are found for each text
    numbers: ClassVar[Any] = ()  # the last arguments of `search`
    choose: ClassVar[Callable]  # makes the way to choose of these numbers

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            require(field.name, getattr(self, field.name), field.metadata["rule"])

    @classmethod
    def search(
        cls, decoder: DecoderLike, state: Nest, memory: Nest, limits: tf.Tensor, *numbers: Any
    ) -> Found:
        """From a state and a memory as `decoder.start` gives them, at most `limits (B,)` symbols."""
        choose, steps = cls.choose(*numbers), tf.reduce_max(limits)
        tokens, output = decode_with(choose, decoder, state, memory, steps, limits=limits)  # (steps, B)
        ended = tf.cumsum(tf.cast(tokens == END_ID, tf.int32), exclusive=True) > 0
        going_on = ~ended & (tf.range(steps)[:, None] < limits)
        log_p = summed(output.logits, tokens, going_on)[:, None]  # (B, 1)
        n = tf.reduce_sum(tf.cast(going_on, tf.int32), 0)[:, None]
        return Found(tf.transpose(tokens)[:, None], n, log_p, log_p)


@dataclasses.dataclass(frozen=True)
class Greedy(Strategy):
    """Take the most likely symbol at each step."""

    choose = staticmethod(lambda: greedy)


@dataclasses.dataclass(frozen=True)
class Sampling(Strategy):
    """Draw each symbol, in this order: temperature, then `top_k`, then `top_p`.

    Each probability becomes p ** (1 / temperature), scaled to sum 1; the `top_k` most likely stay (or all),
    scaled anew; of these the fewest that have at least `top_p` together (or all), scaled anew. One symbol
    stays at least. Row b of a batch depends on the seed, on b and on its own text alone.
    """

    temperature: float = _field(1.0, POSITIVE)
    top_k: int | None = _field(None, TOP_K)
    seed: int = _field(0, SEED)
    top_p: float | None = _field(None, TOP_P)
    choose = staticmethod(sampled)

    @property
    def numbers(self) -> tuple:
        top_k, top_p = self.top_k or TARGET_SYMBOLS, self.top_p or 1
        return np.float32(self.temperature), np.int32(top_k), np.int32(self.seed), np.float32(top_p)


@dataclasses.dataclass(frozen=True)
class BeamSearch(Strategy):
    """Keep the `width` best beginnings at each step; with `length_power` 0 the score is the log-probability.

    A larger power favours longer texts: 1 compares means over the symbols.
    """

    width: int = _field(4, COUNT)
    length_power: float = _field(0.0, NOT_NEGATIVE)

    @property
    def hypotheses(self) -> int:  # type: ignore[override]
        return self.width

    @property
    def numbers(self) -> tuple:
        return np.int32(self.width), np.float32(self.length_power)

    @classmethod
    def search(
        cls, decoder: DecoderLike, state: Nest, memory: Nest, limits: tf.Tensor, *numbers: Any
    ) -> Found:
        """A loop of its own, since rows are chosen as well as tokens.

        The `W` hypotheses of a text stand beside each other. One that has ended stays as it is, and goes on
        competing.
        """
        width, length_power = numbers
        B, V, steps = length(tf.nest.flatten(state)[0]), TARGET_SYMBOLS, tf.reduce_max(limits)
        state, memory = tf.nest.map_structure(lambda a: tf.repeat(a, width, 0), (state, memory))
        stay = tf.one_hot(END_ID, V, 0.0, -np.inf)  # the only way on from an end

        def scored(log_p: tf.Tensor, n: tf.Tensor) -> tf.Tensor:
            return log_p / tf.cast(n, tf.float32) ** length_power

        def step(t: Any, tokens: tf.Tensor, state: Nest, n: tf.Tensor, log_p: tf.Tensor) -> tuple:
            token = tokens[:, :, t]  # (B, W): written last, or the `#` that starts
            state, output = decoder.step(state, tf.reshape(token, [-1]), memory)
            log_q = tf.nn.log_softmax(tf.cast(output.logits, tf.float32))  # (B W, V)
            going_on = is_open(t, token, limits[:, None])
            log_q = tf.where(going_on[..., None], tf.reshape(log_q, [B, width, V]), stay)
            n += tf.cast(going_on, tf.int32)

            log_p = log_p[..., None] + log_q  # (B, W, V)
            _, best = tf.math.top_k(tf.reshape(scored(log_p, n[..., None]), [B, -1]), width)
            log_p = tf.gather(tf.reshape(log_p, [B, -1]), best, batch_dims=1)
            parent, token = best // V, best % V  # (B, W)
            tokens, n = (tf.gather(a, parent, batch_dims=1) for a in (tokens, n))
            tokens = tf.where(tf.range(steps + 1) == t + 1, token[..., None], tokens)
            rows = tf.reshape(tf.range(B)[:, None] * width + parent, [-1])
            state = tf.nest.map_structure(lambda a: tf.gather(a, rows), state)
            return t + 1, tokens, state, n, log_p

        def unfinished(t: Any, tokens: tf.Tensor, state: Nest, n: Any, log_p: tf.Tensor) -> tf.Tensor:
            return tf.reduce_any(is_open(t, tokens[:, :, t], limits[:, None]) & (log_p > -np.inf))

        tokens, n = tf.fill([B, width, steps + 1], END_ID), tf.zeros([B, width], tf.int32)
        only_one = tf.where(tf.range(width) == 0, tf.zeros([B, width]), -np.inf)
        t, tokens, _, n, log_p = tf.while_loop(unfinished, step, (0, tokens, state, n, only_one))
        return Found(tokens[:, :, 1 : t + 1], n, log_p, scored(log_p, n))


STRATEGY = Rule("Greedy(), Sampling(...) or BeamSearch(...)", lambda v: isinstance(v, Strategy))
