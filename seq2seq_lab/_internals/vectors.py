"""Many tensors as one vector: what is done to every number alike is then traced and compiled once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf


def sizes(tensors: Sequence) -> list[int]:
    """How many numbers each has."""
    return [math.prod(tensor.shape) for tensor in tensors]


def joined(tensors: Sequence, like: Sequence) -> tf.Tensor:
    """The numbers of some tensors one after the other; where one is None, as many zeros as in its `like`."""
    dtype = like[0].dtype
    return tf.concat(
        [
            tf.zeros(n, dtype) if tensor is None else tf.cast(tf.reshape(tensor, [n]), dtype)
            for tensor, n in zip(tensors, sizes(like), strict=True)
        ],
        0,
    )


def parted(vector: Any, like: Sequence) -> list[tf.Tensor]:
    """What `joined` has joined, each part of the shape that its `like` has."""
    parts = tf.split(vector, sizes(like))
    return [tf.reshape(part, tensor.shape) for part, tensor in zip(parts, like, strict=True)]
