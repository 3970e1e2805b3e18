"""The optimiser that `train` gives a model: Keras' Adam, on all of its weights at once.

While it holds the weights, they stand in its vector alone: a program that takes many steps then reads and
writes one vector. The variables are read before the first step and written after the last.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

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
        """Keep the weights in the vector alone; write them into their variables at the end.

        Raises:
            ValueError: they are not those that it was built for.
        """
        self.build(variables)
        given, n = sum(sizes(variables)), self.vector.shape[0]
        if given != n:
            raise ValueError(
                f"trainable_variables must be those that the optimizer was built for, {n:,} numbers, not "
                f"{given:,}; after freezing weights or setting them free, pass a new optimizer"
            )
        self.vector.assign(joined(variables, variables))
        try:
            self.holds = True
            yield
        finally:
            self.holds = False
            for variable, part in zip(variables, parted(self.vector, variables), strict=True):
                variable.assign(part)

    def reading(self, variables: Sequence) -> contextlib.AbstractContextManager:
        """Inside, the weights read as they are held, if they are held.

        Raises:
            AssignedWhileHeld: a held one is assigned to inside.
        """
        return _Reading(self.vector, variables) if self.holds else contextlib.nullcontext()

    def _constrained(self, variables: Sequence) -> list:
        parts = zip(variables, parted(self.vector, variables), strict=True)
        return [variable.constraint(part) if variable.constraint else part for variable, part in parts]


class AssignedWhileHeld(Exception):
    """A layer assigns to a weight that an optimiser holds."""


class _Reading(keras.StatelessScope):
    """Some variables read as the parts of a vector; what is assigned to any other is assigned as ever."""

    def __init__(self, vector: keras.Variable, variables: Sequence) -> None:
        super().__init__(list(zip(variables, parted(vector, variables), strict=True)), collect_losses=True)

    def add_update(self, update: tuple) -> None:
        variable, value = update
        if self.get_current_value(variable) is not None:
            raise AssignedWhileHeld(variable.path)
        variable._direct_assign(value)
