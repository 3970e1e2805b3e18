"""The optimiser that `train` gives a model: Keras' Adam, on all of its weights at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("seq2seq_lab")
class VectorAdam(keras.optimizers.Adam):
    """Adam on one vector, all weights joined: the same steps, with far less to trace and to compile.

    Adam treats each number alike, so that it does not matter which weight a number belongs to. What it keeps,
    two running means of every number, are vectors as well.
    """

    def build(self, variables: Sequence) -> None:
        if self.built:
            return
        n = sum(math.prod(v.shape) for v in variables)
        vector = keras.Variable(tf.zeros(n, variables[0].dtype), name="weights")
        object.__setattr__(self, "vector", vector)  # past Keras, which would save what is there already
        super().build([vector])

    def apply(self, grads: Sequence, trainable_variables: Sequence) -> None:
        """One step: as Keras', but for the weights that it was built for, all of them.

        Raises:
            ValueError: those are others, more or fewer.
        """
        self.build(trainable_variables)
        sizes, n = [math.prod(v.shape) for v in trainable_variables], self.vector.shape[0]
        if sum(sizes) != n:
            raise ValueError(
                f"trainable_variables must be those that the optimizer was built for, {n:,} numbers, not "
                f"{sum(sizes):,}; after freezing weights or setting them free, pass a new optimizer"
            )
        self.vector.assign(self._joined(trainable_variables))
        pairs = zip(grads, trainable_variables, strict=True)
        gradient = self._joined([tf.zeros(v.shape) if g is None else g for g, v in pairs])
        super().apply([gradient], [self.vector])
        for variable, part in zip(trainable_variables, tf.split(self.vector, sizes), strict=True):
            variable.assign(tf.reshape(part, variable.shape))
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable))

    def _joined(self, parts: Sequence) -> Any:
        return tf.concat([tf.cast(tf.reshape(part, [-1]), self.vector.dtype) for part in parts], 0)
