"""Any recurrent cell that keeps to Keras' rules: its sizes, its first state, one step of it."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from seq2seq_lab.contracts import Nest
from seq2seq_lab.settings import Rule

CELL = Rule("a cell, such as GRUCell(16)", lambda v: hasattr(v, "state_size") and not hasattr(v, "cell"))


def one_step(cell: Any, x: tf.Tensor, state: Nest) -> tuple[tf.Tensor, Nest]:
    """Input `x (B, E)` and a state to output `(B, H)` and next state. (Keras wants and returns lists.)"""
    h, after = cell(x, state if tf.nest.is_nested(state) else [state])
    return h, tf.nest.pack_sequence_as(state, tf.nest.flatten(after))


def state_size(cell: Any) -> Any:
    """The units of a cell's state: 16 for a GRU, [16, 16] for an LSTM."""

    def plain(size: Any) -> Any:  # Keras keeps lists in a class of its own
        return [*map(plain, size)] if isinstance(size, (list, tuple)) else size

    return plain(cell.state_size)


def output_size(cell: Any) -> int:
    """How many numbers a cell puts out: unless it says so, as many as are in the first part of its state."""
    return getattr(cell, "output_size", None) or tf.nest.flatten(state_size(cell))[0]


def zero_state(cell: Any, B: Any, dtype: Any) -> Nest:
    """The state that reading begins with."""
    return tf.nest.map_structure(lambda units: tf.zeros((B, units), dtype), state_size(cell))


def sizes(nest: Nest) -> Any:
    """The numbers in each row of a state, as in 16 for a GRU and [16, 16] for an LSTM."""
    return tf.nest.map_structure(lambda a: tuple(a.shape[1:]) if len(a.shape) != 2 else a.shape[1], nest)


def in_a_row(state: Nest) -> tf.Tensor:
    """All that a state holds, `(B, H)`: of several tensors, one beside the other."""
    parts = tf.nest.flatten(state)
    return parts[0] if len(parts) == 1 else tf.concat(parts, 1)


def initializer(identifier: Any) -> Any:
    """Keras' initialiser of this name, configuration or object, never shared between two weights.

    (Keras draws the same numbers from one unseeded object each time that it is called.)
    """
    found = keras.initializers.get(identifier)
    return found.clone() if isinstance(found, keras.initializers.Initializer) else found
