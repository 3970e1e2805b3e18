"""A loop over time that compiles: `unroll` runs a cell in it, and `decode_with` a decoder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def time_loop(
    step: Callable,
    carry: Any,
    n: Any,
    steps: Any,
    kept: Any = None,
    backwards: bool = False,
    unfinished: Callable | None = None,
) -> tuple[Any, Any]:
    """A compiled `for`: `carry, values = step(t, carry)` for t = 0 ... n - 1.

    Args:
        step: from the time and the carry to the next carry, and to what is to be kept of this time.
        carry: any nest of tensors.
        n: how many steps to take: the longest true length of the batch.
        steps: how many steps there could be, at least `n`.
        kept: a nest of tensors like the values; found by taking or tracing one step unless given.
        backwards: take t = n - 1 ... 0 instead.
        unfinished: ends the loop where it says no, `unfinished(t, carry)`.

    Returns:
        The last carry, and the values as a nest of `(steps, ...)`, 0 where no step was taken.
    """
    n = tf.minimum(n, steps)
    if kept is None:
        kept = values_of(step, carry, steps)

    def body(i: Any, carry: Any, rows: list) -> tuple:
        t = n - 1 - i if backwards else i
        carry, values = step(t, carry)
        return i + 1, carry, [row.write(t, v) for row, v in zip(rows, leaves(values), strict=True)]

    def going_on(i: Any, carry: Any, _: list) -> Any:
        return i < n if unfinished is None else (i < n) & unfinished(i, carry)

    rows = [tf.TensorArray(v.dtype, steps, element_shape=v.shape) for v in leaves(kept)]
    start = tf.constant(0), carry, rows
    _, carry, rows = tf.while_loop(going_on, body, start, maximum_iterations=steps)
    stacked = iter([row.stack() for row in rows])
    return carry, tf.nest.map_structure(lambda v: None if v is None else next(stacked), kept)


def leaves(nest: Any) -> list:
    """The tensors of a nest, without what is None."""
    return [v for v in tf.nest.flatten(nest) if v is not None]


def values_of(step: Callable, carry: Any, steps: Any) -> Any:
    """What a step keeps, as a nest of tensors or of their specs; of interest are shapes and types alone.

    It is taken where that costs least, and else traced and not run.
    """
    if tf.executing_eagerly() and steps > 0:  # a trace takes as long as ten steps
        return step(tf.constant(0), carry)[1]
    specs = tf.nest.map_structure(lambda a: tf.TensorSpec(a.shape, a.dtype), carry)
    traced = tf.function(lambda carry: step(tf.constant(0), carry)[1], autograph=False)
    return traced.get_concrete_function(specs).structured_outputs


def length(a: tf.Tensor, axis: int = 0) -> Any:
    """How many rows `a` has: a number where it is known, so that compiled loops have fixed bounds."""
    return tf.shape(a)[axis] if a.shape[axis] is None else a.shape[axis]


def weight_gradient(a: tf.Tensor, d: tf.Tensor) -> tf.Tensor:
    """The gradient of a `W` that every step multiplies by, `(H, K)`, summed over steps and samples.

    Args:
        a: what is multiplied, `(T, B, H)`.
        d: the gradient of each product `a @ W`, `(T, B, K)`.
    """
    return tf.tensordot(a, d, ((0, 1), (0, 1)))  # XLA takes 5 ms to read an einsum, and none to read this
