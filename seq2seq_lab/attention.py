"""Additive attention, and the decoder that uses it: at every step it looks back at all encoder outputs.

    query   = state W_a                                 what the state asks for
    key_s   = h_s U_a + b_a                             what output h_s answers to
    score_s = v_a · tanh(key_s + query)                 how well the two fit; other scores have other classes
    weight  = softmax(score)                            over the true positions only
    context = sum_s weight_s h_s                        read beside the embedding of the token

After Bahdanau et al. 2014, arXiv 1409.0473. Used in sections "Look again while you write" and "Inside the
decoder" of notebook 2.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from seq2seq_lab._internals.attention_loop import attending_states
from seq2seq_lab._internals.cells import in_a_row, one_step, state_size
from seq2seq_lab._internals.time_loop import length, time_loop
from seq2seq_lab.contracts import DecoderOutput, Nest
from seq2seq_lab.encoder_decoder import Decoder, new_cell, normal
from seq2seq_lab.gru import GRUCell
from seq2seq_lab.settings import COUNT, Rule, Settings, require


class Memory(NamedTuple):
    """What stays the same at every step of a decoder that attends."""

    outputs: tf.Tensor  # (B, S, H), of the encoder
    keys: tf.Tensor  # (B, S, A), their share of the scores
    mask: tf.Tensor  # (B, S), True at the true positions


class Attention(keras.layers.Layer):
    """Weights over the encoder's outputs, by how well the key of each answers the query of a state.

    Query, keys, mask and softmax stand here: `W_a (H, A)`, `U_a (H, A)`, `b_a (A,)` once built. A subclass
    says what a score is. For its models to be saved and loaded, register it with Keras.
    """

    def __init__(self, units: int = Settings.attention_units, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        require("attention_units", units, COUNT)
        self.units = units

    def build(self, state_width: int, output_width: int) -> None:
        self.W_a = self.add_weight((state_width, self.units), "glorot_uniform", name="W_a")
        self.U_a = self.add_weight((output_width, self.units), "glorot_uniform", name="U_a")
        self.b_a = self.add_weight((self.units,), "zeros", name="b_a")

    def score(self, query: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        """Query `(B, A)`, keys `(B, S, A)` -> scores `(B, S)`, any numbers."""
        raise NotImplementedError(f"{type(self).__name__} must say what the score of a query and its keys is")

    def remember(self, outputs: tf.Tensor, inputs_seqlen: tf.Tensor) -> Memory:
        """What can be computed before the first step: outputs `(B, S, H)`, true lengths `(B,)`."""
        mask = tf.sequence_mask(inputs_seqlen, tf.shape(outputs)[1])
        return Memory(outputs, outputs @ self.U_a + self.b_a, mask)

    def weights_of(self, state: tf.Tensor, memory: Memory) -> tf.Tensor:
        """A state `(B, H)` -> weights `(B, S)`: rows sum to 1, padding gets 0."""
        score = self.score(state @ self.W_a, memory.keys)
        return tf.nn.softmax(tf.where(memory.mask, score, score.dtype.min))

    def get_config(self) -> dict:
        return {**super().get_config(), "units": self.units}

    def get_build_config(self) -> None:
        """Nothing: from a file, too, it is the decoder that builds it."""


@keras.saving.register_keras_serializable("seq2seq_lab")
class AdditiveAttention(Attention):
    """The lesson's attention, whose score is a small network: it has `v_a (A,)` as well."""

    def build(self, state_width: int, output_width: int) -> None:
        super().build(state_width, output_width)
        self.v_a = self.add_weight((self.units,), "glorot_uniform", name="v_a")

    def score(self, query: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        """`v_a · tanh(key + query)`."""
        return tf.reduce_sum(self.v_a * tf.tanh(keys + query[:, None]), -1)


FRESH = Rule(
    "an Attention without weights yet, made for this decoder alone, or None",
    lambda v: v is None or (isinstance(v, Attention) and not v.built),
)


@keras.saving.register_keras_serializable("seq2seq_lab")
class AttentionDecoder(Decoder):
    """Writes the digits, looking back at the encoder's outputs; they may be of any width.

    Its first state is `tanh(state W_s + b_s)` of the encoder's last. Weights that depend on the encoder's
    width are made when it is first started, which `Seq2Seq` does.

    Args:
        cell: a `GRUCell`, or any Keras cell.
        embedding: E, numbers that stand for a digit.
        attention_units: A, numbers that are compared for each position; those of `attention` if given.
        attention: how it attends, an `Attention` of another score, say; additive unless given.

    Raises:
        ValueError: an argument is none of these, or `attention` has weights already.
    """

    def __init__(
        self,
        cell: Any,
        embedding: int = Settings.target_embedding,
        attention_units: int = Settings.attention_units,
        attention: Attention | None = None,
        **kwargs: Any,
    ) -> None:
        require("attention", attention, FRESH)
        super().__init__(cell, embedding, **kwargs)
        self.attention = attention or AdditiveAttention(attention_units, dtype=self.dtype_policy)
        self.made_for: tuple[int, int] | None = None  # the encoder's width, of its state and of its outputs

    @classmethod
    def from_settings(cls, settings: Settings, attention: Attention | None = None) -> AttentionDecoder:
        """The lesson's decoder with attention: additive, unless another one is given."""
        return cls(
            new_cell(settings.decoder_units, settings),
            settings.target_embedding,
            settings.attention_units,
            attention,
            embeddings_initializer=normal(settings),
        )

    def build_cell(self, width: int) -> None:
        """Wait for the encoder's width: the cell reads the context beside the embedding."""

    @property
    def settings(self) -> dict:
        """Its sizes, under the names that `Settings` has; None where it has no such size."""
        return {**super().settings, "attention_units": self.attention.units}

    def start(self, outputs: tf.Tensor, state: Nest, inputs_seqlen: tf.Tensor) -> tuple[Nest, Memory]:
        """The first state, and the keys of all positions; makes the weights when first called.

        Raises:
            ValueError: the weights were made for an encoder of another width.
        """
        state = in_a_row(state)
        widths = state.shape[-1], outputs.shape[-1]
        if self.made_for is None:
            self._make_weights(*widths)
        if widths != self.made_for:
            words = "this decoder was made for an encoder whose state and outputs have {} units, not {}"
            raise ValueError(words.format(self.made_for, widths))
        units = state_size(self.cell)
        first = tf.split(tf.tanh(state @ self.W_s + self.b_s), tf.nest.flatten(units), 1)
        return tf.nest.pack_sequence_as(units, first), self.attention.remember(outputs, inputs_seqlen)

    def step(self, state: Nest, token: tf.Tensor, memory: Memory) -> tuple[Nest, DecoderOutput]:
        """Read a token `(B,)` and a context in a state; returns the next state, logits and weights."""
        h, state, weight = self.look_and_read(state, token, memory)
        return state, DecoderOutput(h @ self.W_out + self.b_out, weight)

    def look_and_read(
        self, state: Nest, token: tf.Tensor, memory: Memory
    ) -> tuple[tf.Tensor, Nest, tf.Tensor]:
        """A step without its logits: output `(B, H)`, next state, weights `(B, S)`."""
        weight = self.attention.weights_of(in_a_row(state), memory)  # (B, S)
        context = tf.linalg.matvec(memory.outputs, weight, transpose_a=True)  # sum_s weight_s h_s, (B, H)
        x = tf.concat([tf.gather(self.embeddings, token), context], 1)
        return *one_step(self.cell, x, state), weight

    def sequence(self, state: Nest, tokens: tf.Tensor, memory: Memory) -> DecoderOutput:
        """The logits of all of `tokens (T, B)`, one product behind the loop; training needs no weights."""
        if self._is_the_lessons_own:
            h = self._states(state, tokens, memory)  # (T, B, H)
            return DecoderOutput(h @ self.W_out + self.b_out)

        def step(t: tf.Tensor, state: Nest) -> tuple:
            h, state, _ = self.look_and_read(state, tf.gather(tokens, t), memory)
            return state, h

        _, h = time_loop(step, state, length(tokens), length(tokens))  # (T, B, H)
        return DecoderOutput(h @ self.W_out + self.b_out)

    def restrict(self, memory: Memory, places: tf.Tensor) -> Memory:
        """The memory of one who can only look at the places that are true, `(B, S)`."""
        return memory._replace(mask=memory.mask & places)

    def get_config(self) -> dict:
        attention = keras.saving.serialize_keras_object(self.attention)
        return {**super().get_config(), "attention_units": self.attention.units, "attention": attention}

    @classmethod
    def from_config(cls, config: dict) -> AttentionDecoder:
        attention = config.pop("attention", None)  # files of the first edition have none: it was additive
        return super().from_config(
            {**config, "attention": attention and keras.saving.deserialize_keras_object(attention)}
        )

    @property
    def _is_the_lessons_own(self) -> bool:
        """Whether no class of another has changed what `attending_states` computes."""
        cell, attention = type(self.cell), type(self.attention)
        return (
            getattr(cell, "call", None) is GRUCell.call
            and getattr(attention, "score", None) is AdditiveAttention.score
            and getattr(attention, "weights_of", None) is Attention.weights_of
            and type(self).look_and_read is AttentionDecoder.look_and_read
        )

    def _states(self, h_0: tf.Tensor, tokens: tf.Tensor, memory: Memory) -> tf.Tensor:
        """All states, `(T, B, H)`, by the loop whose gradient is written by hand."""
        cell, attention = self.cell, self.attention
        W_x = tf.concat([cell.W_xz, cell.W_xr, cell.W_xc], 1)
        W_token, W_context = tf.split(W_x, [self.embedding, -1])
        table = tf.convert_to_tensor(self.embeddings) @ W_token + tf.concat([cell.b_z, cell.b_r, cell.b_c], 0)
        weights = (attention.W_a, attention.v_a, W_context, cell.W_hz, cell.W_hr, cell.W_hc)
        return attending_states(table, tokens, h_0, *memory, *map(tf.convert_to_tensor, weights))

    def _make_weights(self, state_width: int, output_width: int) -> None:
        super().build_cell(self.embedding + output_width)
        H = sum(tf.nest.flatten(state_size(self.cell)))
        self.W_s = self.add_weight((state_width, H), "glorot_uniform", name="W_s")
        self.b_s = self.add_weight((H,), "zeros", name="b_s")
        self.attention.build(H, output_width)
        self.made_for = state_width, output_width
