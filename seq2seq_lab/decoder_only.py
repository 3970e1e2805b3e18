"""A Transformer in one piece: text and answer are one stream, and every symbol sees those before it.

    one two five#125#

The blocks are those of `transformer.py`, without an encoder and without anything else to look at: what a
digit needs to know of the text, it finds among the symbols before it. This is how language models are built,
after Radford et al. 2018, "Improving language understanding by generative pre-training". Used in section "One
stream" of notebook 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from seq2seq_lab._internals.time_loop import length
from seq2seq_lab.contracts import DecoderOutput, Nest
from seq2seq_lab.loss import sequence_loss
from seq2seq_lab.model import Seq2Seq, batch_first
from seq2seq_lab.settings import Rule, Settings, require
from seq2seq_lab.transformer import Cache, CachingDecoder, KeysAndValues, by_layer, causal
from seq2seq_lab.vocabulary import END_ID, INPUT_SYMBOLS, TARGET_SYMBOLS


class Prompt(NamedTuple):
    """The memory: what the symbols of a text can be asked for, and how long the text is."""

    layers: list[KeysAndValues]  # (B, heads, S, d) each
    mask: tf.Tensor  # (B, S), True at the true positions
    inputs_seqlen: tf.Tensor  # (B,), the position of the first symbol behind it


@keras.saving.register_keras_serializable("seq2seq_lab")
class NoEncoder(keras.layers.Layer):
    """Passes a text on as it is, for a decoder that reads it itself."""

    def call(self, inputs: tf.Tensor, inputs_seqlen: tf.Tensor) -> tuple[tf.Tensor, Nest]:
        """`inputs (B, S)` -> the same as rows with a single 1, `(B, S, 27)`, and no state."""
        return tf.one_hot(inputs, INPUT_SYMBOLS, dtype=self.compute_dtype), ()


@keras.saving.register_keras_serializable("seq2seq_lab")
class DecoderOnly(CachingDecoder):
    """Reads a text and writes the digits behind it, all in one stream; goes with `NoEncoder`.

    One table embeds all 27 symbols, and `W_out (D, 27)` says how likely each comes next; an answer is made
    of the first 11. The state is the cache of the answer's symbols, the memory that of the text's.

    Args:
        width, heads, positions: as for `TransformerEncoder`.
        layers: blocks; of one alone, a digit would find letters that have not yet seen each other.

    Raises:
        ValueError: an argument is out of range, or they do not fit each other.
    """

    symbols, side = INPUT_SYMBOLS, ("target", "decoder")

    def __init__(
        self, width: int = 16, heads: int = 1, layers: int = 2, positions: str = "sinusoidal", **kwargs: Any
    ) -> None:
        super().__init__(width, heads, layers, positions, **kwargs)
        self.make_blocks()
        self.W_out = self.add_weight((self.width, INPUT_SYMBOLS), "glorot_uniform", name="W_out")
        self.b_out = self.add_weight((INPUT_SYMBOLS,), "zeros", name="b_out")

    def start(self, outputs: tf.Tensor, state: Nest, inputs_seqlen: tf.Tensor) -> tuple[Cache, Prompt]:
        """An empty cache for the answer, and the text's keys and values.

        Raises:
            ValueError: `outputs` come from another encoder than a `NoEncoder`.
        """
        if outputs.shape[-1] != INPUT_SYMBOLS:
            words = "this decoder reads the text itself, from a NoEncoder, not outputs of {} units"
            raise ValueError(words.format(outputs.shape[-1]))
        return self.empty_cache(outputs), self.read(outputs, inputs_seqlen)[1]

    def read(self, outputs: tf.Tensor, inputs_seqlen: tf.Tensor) -> tuple[tf.Tensor, Prompt]:
        """A text `(B, S, 27)`: logits of what comes behind each symbol, `(B, S, 27)`, and the memory."""
        S = length(outputs, 1)
        x, layers = self.embedded(tf.argmax(outputs, -1, tf.int32), tf.range(S)[None]), []
        for block in self.blocks:
            x, seen, _ = block.forward(x, tf.range(S)[None], causal(S, S))
            layers.append(seen)
        return self.logits(x), Prompt(layers, tf.sequence_mask(inputs_seqlen, S), inputs_seqlen)

    def step(self, state: Cache, token: tf.Tensor, memory: Prompt) -> tuple[Cache, DecoderOutput]:
        """Read a token `(B,)`, keep its keys and values; returns cache, logits, and weights on the text."""
        visible = both(memory.mask[:, None, None], state.visible)
        x, seen, maps = self.onwards(token[:, None], state.t[:, None], memory, visible, state.written)
        rows = [KeysAndValues(*(a[:, :, -state.size :] for a in layer)) for layer in seen]
        output = DecoderOutput(self.logits(x)[:, 0, :TARGET_SYMBOLS], by_layer([a[:, :, 0] for a in maps]))
        return Cache(state.t + 1, rows), output

    def sequence(self, state: Cache, tokens: tf.Tensor, memory: Prompt) -> DecoderOutput:
        """All of `tokens (T, B)` in one go, each seeing those before it; `state` must be empty."""
        ids = tf.transpose(tokens)
        visible = both(memory.mask[:, None, None], causal(length(ids, 1), state.size)[None, None])
        x, _, maps = self.onwards(ids, tf.range(length(ids, 1))[None], memory, visible, lambda _, own: own)
        weights = by_layer([tf.transpose(a, (2, 0, 1, 3)) for a in maps])
        return DecoderOutput(tf.transpose(self.logits(x)[..., :TARGET_SYMBOLS], (1, 0, 2)), weights)

    def onwards(
        self, ids: tf.Tensor, t: tf.Tensor, memory: Prompt, visible: tf.Tensor, kept: Any
    ) -> tuple[tf.Tensor, list[KeysAndValues], list[tf.Tensor]]:
        """The answer's symbols `ids (B, T)`, number `t` in it, through all blocks, behind the text."""
        positions = memory.inputs_seqlen[:, None] + t
        x, layers, maps = self.embedded(ids, positions), [], []
        for i, (block, prompt) in enumerate(zip(self.blocks, memory.layers, strict=True)):
            x, seen, (weight,) = block.forward(
                x, positions, visible, partial(behind, prompt, partial(kept, i))
            )
            layers.append(seen)
            maps.append(weight[..., : length(memory.mask, 1)])
        return x, layers, maps


def behind(prompt: KeysAndValues, kept: Any, own: KeysAndValues) -> KeysAndValues:
    """Keys and values of the text, and behind them those that the answer keeps."""
    return KeysAndValues(*(tf.concat(pair, 2) for pair in zip(prompt, kept(own), strict=True)))


def both(text: tf.Tensor, answer: tf.Tensor) -> tf.Tensor:
    """What may be seen of the text, `(B, 1, 1, S)`, and of the answer, `(B or 1, 1, T, L)`, side by side."""
    B, T = length(text), length(answer, 2)
    wide = tf.broadcast_to(answer, (B, 1, T, length(answer, 3)))
    return tf.concat([tf.broadcast_to(text, (B, 1, T, length(text, 3))), wide], -1)


@keras.saving.register_keras_serializable("seq2seq_lab")
class LanguageModel(Seq2Seq):
    """A `Seq2Seq` that learns to foretell the whole stream, the text included.

    Raises:
        ValueError: as for `Seq2Seq`; or `encoder` is no `NoEncoder`, `decoder` is no `DecoderOnly`, or
            scheduled sampling is asked for.
    """

    def __init__(self, settings: Settings, encoder: NoEncoder, decoder: DecoderOnly, **kwargs: Any) -> None:
        require("decoder", decoder, Rule("a DecoderOnly(...)", lambda v: isinstance(v, DecoderOnly)))
        require("encoder", encoder, Rule("a NoEncoder()", lambda v: isinstance(v, NoEncoder)))
        sampling = getattr(settings, "scheduled_sampling", 0)
        require("scheduled_sampling", sampling, Rule("0 here", lambda v: v == 0))
        super().__init__(settings, encoder, decoder, **kwargs)

    def loss_of(self, x: Sequence, targets: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """Mean cross-entropy of every symbol that follows on another, in nats; a scalar."""
        inputs, inputs_seqlen, targets_in, *coins = x
        if coins:
            raise ValueError("schedule must be None for a LanguageModel, which reads the true symbols alone")
        decoder: Any = self.decoder
        outputs, _ = self.encoder(inputs, inputs_seqlen)
        text, memory = decoder.read(outputs, inputs_seqlen)
        answer = decoder.sequence(decoder.empty_cache(outputs), tf.transpose(targets_in), memory)
        last = tf.range(length(inputs, 1)) == inputs_seqlen[:, None] - 1
        following = tf.where(last, END_ID, tf.roll(inputs, -1, 1))
        losses = [
            sequence_loss(text, following, memory.mask),
            sequence_loss(batch_first(answer.logits), targets, mask),
        ]
        shares = [tf.reduce_sum(tf.cast(m, text.dtype)) for m in (memory.mask, mask)]
        return tf.tensordot(losses, shares, 1) / tf.add_n(shares)
