"""Encoder and decoder: the two contracts, the lesson's parts, and the ways to run a decoder.

An encoder is called with `(inputs, inputs_seqlen)` and returns `(outputs (B, S, H), state (B, H))`.
A decoder has three methods: `start(outputs, state, inputs_seqlen)` computes once what every step needs, and
gives the first state; `step(token, state, memory)` gives the next; `logits(state)` reads a state or a stack
of them. Every way to decode is a loop over `step`. A decoder may offer `sequence(tokens, state, memory)`,
all steps in one go, where that is faster. Used in section "The model" of notebook 1.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from seq2seq_lab.gru import GRUCell, initializer, length, time_loop, unroll
from seq2seq_lab.settings import COUNT, Rule, Settings, require
from seq2seq_lab.vocabulary import END_ID, INPUT_SYMBOLS, TARGET_SYMBOLS


def normal(settings: Settings) -> Any:
    """How embeddings are drawn at first."""
    return keras.initializers.RandomNormal(stddev=settings.embedding_stddev)


class _Part(keras.layers.Layer):
    """What encoder and decoder share: a table of embeddings and a cell that reads them."""

    symbols: int

    def __init__(
        self,
        cell: Any,
        embedding: int,
        embeddings_initializer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        require("embedding", embedding, COUNT)
        self.cell = cell
        self.embedding = embedding
        self.embeddings_initializer = initializer(embeddings_initializer or normal(Settings()))
        self.embeddings = self.add_weight(
            (self.symbols, embedding), self.embeddings_initializer, name="embeddings"
        )
        self.build_cell(embedding)
        self.built = True

    def build_cell(self, width: int) -> None:
        """Make the weights of the cell, which reads `width` numbers at each step."""
        if not self.cell.built:
            self.cell.build((None, width))
        elif isinstance(self.cell, GRUCell):
            built_for = self.cell.W_xz.shape[0] - width + self.embedding
            words = f"{built_for}, for which its cell was already built (or make a new cell)"
            require("embedding", self.embedding, Rule(words, lambda v: v == built_for))

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "cell": keras.saving.serialize_keras_object(self.cell),
            "embedding": self.embedding,
            "embeddings_initializer": keras.initializers.serialize(self.embeddings_initializer),
        }

    @classmethod
    def from_config(cls, config: dict) -> _Part:
        cell = keras.saving.deserialize_keras_object(config.pop("cell"))
        return cls(cell, **config)


@keras.saving.register_keras_serializable("seq2seq_lab")
class Encoder(_Part):
    """Reads a text: embeddings `(27, E)`, then the cell, character by character.

    Args:
        cell: a `GRUCell`, or any Keras cell with one state.
        embedding: E, numbers that stand for a character.
    """

    symbols = INPUT_SYMBOLS

    def __init__(self, cell: Any, embedding: int = Settings.input_embedding, **kwargs: Any) -> None:
        super().__init__(cell, embedding, **kwargs)

    @classmethod
    def from_settings(cls, settings: Settings) -> Encoder:
        """The lesson's encoder, whose gates start with biases of 1."""
        cell = GRUCell(settings.encoder_units, b_z="ones", b_r="ones")
        return cls(cell, settings.input_embedding, embeddings_initializer=normal(settings))

    def call(self, inputs: tf.Tensor, inputs_seqlen: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """`inputs (B, S)`, `inputs_seqlen (B,)` -> outputs `(B, S, H)`, state `(B, H)`.

        The state is the one at each text's own end. Outputs mean something up to there, and no further.
        """
        B = length(inputs)
        h_0 = tf.zeros((B, self.cell.state_size), self.compute_dtype)
        n = tf.reduce_max(inputs_seqlen)
        h = unroll(self.cell, self.embeddings, tf.transpose(inputs), h_0, n)  # (S, B, H)
        state = tf.gather_nd(h, tf.stack([inputs_seqlen - 1, tf.range(B)], 1))  # (B, H)
        return tf.transpose(h, (1, 0, 2)), state


@keras.saving.register_keras_serializable("seq2seq_lab")
class Decoder(_Part):
    """Writes the digits: embeddings `(11, E)`, the cell, and an output layer.

    Args:
        cell: a `GRUCell`, or any Keras cell with one state, as wide as the encoder's state.
        embedding: E, numbers that stand for a digit.
    """

    symbols = TARGET_SYMBOLS

    def __init__(self, cell: Any, embedding: int = Settings.target_embedding, **kwargs: Any) -> None:
        super().__init__(cell, embedding, **kwargs)
        self.W_out = self.add_weight((cell.state_size, TARGET_SYMBOLS), "glorot_uniform", name="W_out")
        self.b_out = self.add_weight((TARGET_SYMBOLS,), "zeros", name="b_out")

    @classmethod
    def from_settings(cls, settings: Settings) -> Decoder:
        """The lesson's decoder."""
        cell = GRUCell(settings.decoder_units)
        return cls(cell, settings.target_embedding, embeddings_initializer=normal(settings))

    def start(self, outputs: tf.Tensor, state: tf.Tensor, inputs_seqlen: tf.Tensor) -> tuple:
        """What every step needs (here nothing), and the first state: the encoder's last.

        Raises:
            ValueError: the encoder's state has another width than this decoder's cell.
        """
        if state.shape[-1] != self.cell.state_size:
            raise ValueError(
                f"the decoder's cell must have as many units as the encoder's state: "
                f"units={state.shape[-1]}, but it has {self.cell.state_size}"
            )
        return None, state

    def step(self, token: tf.Tensor, state: tf.Tensor, memory: Any) -> tf.Tensor:
        """Read a token `(B,)` in a state `(B, H)`; returns the next state."""
        return self.cell(tf.gather(self.embeddings, token), [state])[0]

    def logits(self, state: tf.Tensor) -> tf.Tensor:
        """A state or a stack of them, `(..., H)` -> `(..., 11)`."""
        return state @ self.W_out + self.b_out

    def sequence(self, tokens: tf.Tensor, state: tf.Tensor, memory: Any) -> tf.Tensor:
        """All of `tokens (T, B)` in one go, which is faster; equal to a loop over `step`."""
        if type(self).step is not Decoder.step:  # a subclass has a step of its own
            return loop_over_steps(self, tokens, state, memory)
        return unroll(self.cell, self.embeddings, tokens, state, length(tokens))


def teacher_forced(decoder: Any, tokens: tf.Tensor, state: tf.Tensor, memory: Any) -> tf.Tensor:
    """States `(T, B, H)` of a decoder that is fed `tokens (T, B)`, whatever it said itself."""
    in_one_go = getattr(decoder, "sequence", None)
    if in_one_go is None:
        return loop_over_steps(decoder, tokens, state, memory)
    return in_one_go(tokens, state, memory)


def loop_over_steps(
    decoder: Any, tokens: tf.Tensor, state: tf.Tensor, memory: Any, own: tf.Tensor | None = None
) -> tf.Tensor:
    """Teacher forcing as a plain loop, which every decoder allows; arguments as above.

    Where `own (T, B)` is true, the decoder reads its own last arg-max instead.
    """

    def step(t, h):
        token = tf.gather(tokens, t)
        if own is not None:
            said = tf.argmax(decoder.logits(h), -1, tf.int32)  # (B,)
            token = tf.where(tf.gather(own, t), said, token)
        h = decoder.step(token, h, memory)
        return h, (h,)

    return time_loop(step, state, length(tokens), length(tokens))[1]


def symbols_read(decoder: Any, tokens: tf.Tensor, state: tf.Tensor, memory: Any, own: tf.Tensor) -> tf.Tensor:
    """What a decoder reads that, where `own (T, B)` is true, reads its own last arg-max: `(T, B)`.

    That is scheduled sampling, after Bengio et al. 2015, arXiv 1506.03099. Symbols have no gradient: once
    they are known, the rest is teacher forcing. The first is the teacher's, as nothing was said before it.
    """
    states = loop_over_steps(decoder, tokens, state, memory, own)
    said = tf.argmax(decoder.logits(states[:-1]), -1, tf.int32)
    return tf.concat([tokens[:1], tf.where(own[1:], said, tokens[1:])], 0)


def free_running(decoder: Any, state: tf.Tensor, memory: Any, steps: Any) -> tf.Tensor:
    """States `(steps, B, H)` of a decoder that is fed `#`, then at each step its own last arg-max."""
    return loop_over_steps(decoder, tf.fill((steps, 1), END_ID), state, memory, tf.range(steps)[:, None] > 0)
