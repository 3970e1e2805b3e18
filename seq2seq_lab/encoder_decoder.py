"""The lesson's encoder and decoder: a table of embeddings, a cell that reads them, and an output layer.

The cell is a `GRUCell`, or any cell of Keras': an `LSTMCell`, `StackedRNNCells`, one of your own. Both keep
the contracts of `contracts.py`. Used in section "Encoder and decoder" of notebook 1.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from seq2seq_lab._internals import cells
from seq2seq_lab._internals.time_loop import length, time_loop
from seq2seq_lab.contracts import DecoderOutput, Nest
from seq2seq_lab.gru import SMALL, GRUCell
from seq2seq_lab.settings import COUNT, Rule, Settings, require
from seq2seq_lab.vocabulary import INPUT_SYMBOLS, TARGET_SYMBOLS


def normal(settings: Settings) -> Any:
    """How embeddings are drawn at first."""
    return keras.initializers.RandomNormal(stddev=settings.embedding_stddev)


def new_cell(units: int, settings: Settings, **biases: Any) -> GRUCell:
    """A GRU whose matrices are drawn as the settings say."""
    W_x: Any = "glorot_uniform"
    W_h: Any = "orthogonal"
    if settings.cell_stddev is not None:
        W_x = W_h = {**SMALL, "config": {"stddev": settings.cell_stddev}}
    return GRUCell(units, W_x, W_x, W_x, W_h, W_h, W_h, **biases)


class _Part(keras.layers.Layer):
    """What encoder and decoder share: a table of embeddings and a cell that reads them."""

    symbols: int
    side: tuple[str, str]  # how the names of its settings begin, as in input_embedding and encoder_units

    def __init__(self, cell: Any, embedding: int, embeddings_initializer: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        require("cell", cell, cells.CELL)
        require("embedding", embedding, COUNT)
        self.cell = cell
        self.embedding = embedding
        self.embeddings_initializer = cells.initializer(embeddings_initializer or normal(Settings()))
        self.embeddings = self.add_weight(
            (self.symbols, embedding), self.embeddings_initializer, name="embeddings"
        )
        self.build_cell(embedding)
        self.built = True

    def build_cell(self, width: int) -> None:
        """Make the weights of the cell, which reads `width` numbers at each step."""
        if not self.cell.built:
            self.cell.build((None, width))
        elif config := self.cell.get_build_config():
            built_for = config["input_shape"][-1] - width + self.embedding
            words = f"{built_for}, for which its cell was already built (or make a new cell)"
            require("embedding", self.embedding, Rule(words, lambda v: v == built_for))

    @property
    def settings(self) -> dict:
        """Its sizes, under the names that `Settings` has; None where it has no such size."""
        embeddings, cell = self.side
        matrix = getattr(self.cell, "initializers", {}).get("W_xz")
        return {
            f"{embeddings}_embedding": self.embedding,
            f"{cell}_units": getattr(self.cell, "units", None),
            "embedding_stddev": getattr(self.embeddings_initializer, "stddev", None),
            "cell_stddev": getattr(matrix, "stddev", None),
        }

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
        cell: a `GRUCell`, or any Keras cell.
        embedding: E, numbers that stand for a character.
    """

    symbols, side = INPUT_SYMBOLS, ("input", "encoder")

    def __init__(self, cell: Any, embedding: int = Settings.input_embedding, **kwargs: Any) -> None:
        super().__init__(cell, embedding, **kwargs)

    @classmethod
    def from_settings(cls, settings: Settings) -> Encoder:
        """The lesson's encoder, whose gates start with biases of 1."""
        cell = new_cell(settings.encoder_units, settings, b_z="ones", b_r="ones")
        return cls(cell, settings.input_embedding, embeddings_initializer=normal(settings))

    def call(self, inputs: tf.Tensor, inputs_seqlen: tf.Tensor) -> tuple[tf.Tensor, Nest]:
        """`inputs (B, S)`, `inputs_seqlen (B,)` -> outputs `(B, S, H)`, state `(B, H)`, or a nest of such.

        The state is the one at each text's own end. Outputs mean something up to there, and no further.
        """
        B, inputs_seqlen = length(inputs), tf.cast(inputs_seqlen, tf.int32)
        first = cells.zero_state(self.cell, B, self.compute_dtype)
        n = tf.reduce_max(inputs_seqlen)
        outputs, states = unroll(self.cell, tf.transpose(inputs), self.embeddings, first, n)  # (S, B, H)
        end = tf.stack([inputs_seqlen - 1, tf.range(B)], 1)
        state = tf.nest.map_structure(lambda h: tf.gather_nd(h, end), states)  # (B, H)
        return tf.transpose(outputs, (1, 0, 2)), state


@keras.saving.register_keras_serializable("seq2seq_lab")
class Decoder(_Part):
    """Writes the digits: embeddings `(11, E)`, the cell, and an output layer.

    Args:
        cell: a `GRUCell`, or any Keras cell, whose state is like the encoder's.
        embedding: E, numbers that stand for a digit.
    """

    symbols, side = TARGET_SYMBOLS, ("target", "decoder")

    def __init__(self, cell: Any, embedding: int = Settings.target_embedding, **kwargs: Any) -> None:
        super().__init__(cell, embedding, **kwargs)
        shape = cells.output_size(cell), TARGET_SYMBOLS
        self.W_out = self.add_weight(shape, "glorot_uniform", name="W_out")
        self.b_out = self.add_weight((TARGET_SYMBOLS,), "zeros", name="b_out")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Switch `sequence` off for a subclass that has another `step`: the two must agree."""
        super().__init_subclass__(**kwargs)
        if "step" in vars(cls) and "sequence" not in vars(cls):
            cls.sequence = None  # type: ignore[assignment, method-assign]

    @classmethod
    def from_settings(cls, settings: Settings) -> Decoder:
        """The lesson's decoder."""
        cell = new_cell(settings.decoder_units, settings)
        return cls(cell, settings.target_embedding, embeddings_initializer=normal(settings))

    def start(self, outputs: tf.Tensor, state: Nest, inputs_seqlen: tf.Tensor) -> tuple[Nest, Nest]:
        """The first state, which is the encoder's last, and nothing that every step would need.

        Raises:
            ValueError: the encoder's state is not like that of this decoder's cell.
        """
        if cells.sizes(state) != cells.state_size(self.cell):
            raise ValueError(
                "the decoder's cell must keep a state like the encoder's, which has "
                f"units={cells.sizes(state)}, but it has {cells.state_size(self.cell)}"
            )
        return state, ()

    def step(self, state: Nest, token: tf.Tensor, memory: Nest) -> tuple[Nest, DecoderOutput]:
        """Read a token `(B,)` in a state; returns the next state, and the logits `(B, 11)`."""
        h, state = cells.one_step(self.cell, tf.gather(self.embeddings, token), state)
        return state, DecoderOutput(h @ self.W_out + self.b_out)

    def sequence(self, state: Nest, tokens: tf.Tensor, memory: Nest) -> DecoderOutput:
        """All of `tokens (T, B)` in one go, which is faster; equal to a loop over `step`."""
        h, _ = unroll(self.cell, tokens, self.embeddings, state, length(tokens))  # (T, B, H)
        return DecoderOutput(h @ self.W_out + self.b_out)


def unroll(cell: Any, ids: tf.Tensor, embeddings: Any, state: Nest, n: Any) -> tuple[tf.Tensor, Nest]:
    """A cell over a whole sequence: outputs `(S, B, H)` and states after each of `n` steps of `ids (S, B)`.

    A cell that has an `unroll` is asked to do it, as the `GRUCell` has; any other runs step by step.
    """
    if getattr(cell, "unroll", None):
        return cell.unroll(ids, embeddings, state, n)

    def step(t: tf.Tensor, state: Nest) -> tuple:
        h, state = cells.one_step(cell, tf.gather(embeddings, tf.gather(ids, t)), state)
        return state, (h, state)

    return time_loop(step, state, n, length(ids))[1]
