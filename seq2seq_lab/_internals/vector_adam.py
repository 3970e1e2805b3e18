"""The optimiser that `train` gives a model: Keras' Adam, on all of its weights at once.

While it holds the weights, they stand in its vector alone. A program that takes many steps then reads and
writes one vector; the variables are read before its first step and written after its last.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from seq2seq_lab._internals.vectors import joined, parted, sizes


@keras.saving.register_keras_serializable("seq2seq_lab")
class VectorAdam(keras.optimizers.Adam):
    """Adam on one vector, all weights joined: the same steps, with far less to trace and to compile.

    Adam treats each number alike, so that it does not matter which weight a number belongs to. What it keeps,
    two running means of every number, are vectors as well.
    """

    holds = False  # whether the weights stand in the vector alone

    def build(self, variables: Sequence) -> None:
        if self.built:
            return
        vector = keras.Variable(tf.zeros(sum(sizes(variables)), variables[0].dtype), name="weights")
        object.__setattr__(self, "vector", vector)  # past Keras, which would save what is there already
        super().build([vector])

    def apply(self, grads: Sequence, trainable_variables: Sequence) -> None:
        """One step: as Keras', but for the weights that it was built for, all of them.

        Raises:
            ValueError: those are others, more or fewer.
        """
        with contextlib.nullcontext() if self.holds else self.holding(trainable_variables):
            super().apply([joined(grads, trainable_variables)], [self.vector])
            if any(variable.constraint for variable in trainable_variables):
                self.vector.assign(joined(self._constrained(trainable_variables), trainable_variables))

    @contextlib.contextmanager
    def holding(self, variables: Sequence) -> Iterator[None]:
        """Hold the weights until the end, however many steps are taken.

        Raises:
            ValueError: as for `apply`.
        """
        self.build(variables)
        given, n = sum(sizes(variables)), self.vector.shape[0]
        if given != n:
            raise ValueError(
                f"trainable_variables must be those that the optimizer was built for, {n:,} numbers, not "
                f"{given:,}; after freezing weights or setting them free, pass a new optimizer"
            )
        self.vector.assign(joined(variables, variables))
        self.holds = True
        try:
            yield
        finally:
            self.holds = False
            for variable, part in zip(variables, parted(self.vector, variables), strict=True):
                variable.assign(part)

    def _constrained(self, variables: Sequence) -> list:
        parts = zip(variables, parted(self.vector, variables), strict=True)
        return [variable.constraint(part) if variable.constraint else part for variable, part in parts]


def holding(optimizer: Any, variables: Sequence) -> contextlib.AbstractContextManager:
    """Have a `VectorAdam` hold the weights until the end; another optimiser cannot."""
    if isinstance(optimizer, VectorAdam):
        return optimizer.holding(variables)
    return contextlib.nullcontext()


def as_held(optimizer: Any, variables: Sequence) -> contextlib.AbstractContextManager:
    """Have the weights' values be those that an optimiser holds, if it holds them."""
    if not getattr(optimizer, "holds", False):
        return contextlib.nullcontext()
    return _Values(list(zip(variables, parted(optimizer.vector, variables), strict=True)))


class _Values(keras.StatelessScope):
    """Some variables have other values; whatever else is assigned meanwhile is assigned as ever."""

    def add_update(self, update: tuple) -> None:
        variable, value = update
        variable._direct_assign(value)
