"""What TensorFlow computes on, and what is done otherwise there."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def on_gpu() -> bool:
    """Whether TensorFlow computes on a GPU."""
    return bool(tf.config.list_logical_devices("GPU"))


def sum_by_symbol(a: tf.Tensor, ids: tf.Tensor, V: Any) -> tf.Tensor:
    """`a (S, B, K)` added up over the places of each symbol, `(V, K)`.

    On a GPU as a product with one-hot rows, which is fast there, and always adds in the same order: else no
    training could be repeated to the last bit.
    """
    if on_gpu():
        return tf.einsum("sbv,sbk->vk", tf.one_hot(ids, V, dtype=a.dtype), a)
    return tf.math.unsorted_segment_sum(a, ids, V)
