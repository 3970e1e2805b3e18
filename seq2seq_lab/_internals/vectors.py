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
    dtype, flat = like[0].dtype, tf.constant([-1])

    def row(tensor: Any, n: int) -> tf.Tensor:
        if tensor is None:
            return tf.zeros(n, dtype)
        return tf.cast(_shaped(tf.convert_to_tensor(tensor), 1, flat), dtype)

    return tf.concat([row(*pair) for pair in zip(tensors, sizes(like), strict=True)], 0)


def parted(vector: Any, like: Sequence) -> list[tf.Tensor]:
    """What `joined` has joined, each part of the shape that its `like` has."""
    shapes = [tuple(tensor.shape) for tensor in like]
    constants = {shape: tf.constant(shape, tf.int32) for shape in shapes}  # one for all that share it
    parts = zip(tf.split(vector, sizes(like)), shapes, strict=True)
    return [_shaped(part, len(shape), constants[shape]) for part, shape in parts]


def _shaped(tensor: tf.Tensor, rank: int, shape: tf.Tensor) -> tf.Tensor:
    """Reshaped, unless it is a vector and stays one."""
    return tensor if tensor.shape.rank == rank == 1 else tf.reshape(tensor, shape)
