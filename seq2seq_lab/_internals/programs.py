"""Compiled programs that serve inputs of any size."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def any_size(program: Any, of: Any, *arrays: Any) -> Any:
    """`program(of, *arrays)` of a `tf.function`, with one trace for each `of`, whatever the arrays' sizes."""
    tensors = [tf.constant(array) for array in arrays]
    specs = [tf.TensorSpec([None] * tensor.shape.rank, tensor.dtype) for tensor in tensors]
    return program.get_concrete_function(of, *specs)(of, *tensors)
