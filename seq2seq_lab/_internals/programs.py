"""Compiled programs that serve inputs of any size, or several callers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def any_size(program: Any, of: Any, *arrays: Any) -> Any:
    """`program(of, *arrays)` of a `tf.function`, with one trace for each `of`, whatever the arrays' sizes."""
    tensors = [tf.constant(array) for array in arrays]
    specs = [tf.TensorSpec([None] * tensor.shape.rank, tensor.dtype) for tensor in tensors]
    return program.get_concrete_function(of, *specs)(of, *tensors)


def made_without_xla(model: Any, make: Callable, force: bool) -> Any:
    """What a Keras model makes of one of its steps, left to TensorFlow where Keras would have XLA compile it.

    Then a part of the step can be a program of XLA's own, which steps share.
    """
    jit_compile, model.jit_compile = model.jit_compile, False
    try:
        return make(force)
    finally:
        model.jit_compile = jit_compile
