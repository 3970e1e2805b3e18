"""The optimiser that `train` gives a model: Keras' Adam, on all of its weights at once."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

from seq2seq_lab._internals.vectors import joined, parted, sizes


@keras.saving.register_keras_serializable("seq2seq_lab")
class VectorAdam(keras.optimizers.Adam):
    """Adam on one vector, all weights joined: the same steps, with far less to trace and to compile.

    Adam treats each number alike, so that it does not matter which weight a number belongs to. What it keeps,
    two running means of every number, are vectors as well.
    """

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
        self.build(trainable_variables)
        given, n = sum(sizes(trainable_variables)), self.vector.shape[0]
        if given != n:
            raise ValueError(
                f"trainable_variables must be those that the optimizer was built for, {n:,} numbers, not "
                f"{given:,}; after freezing weights or setting them free, pass a new optimizer"
            )
        self.vector.assign(joined(trainable_variables, trainable_variables))
        super().apply([joined(grads, trainable_variables)], [self.vector])
        parts = parted(self.vector, trainable_variables)
        for variable, part in zip(trainable_variables, parts, strict=True):
            variable.assign(part)
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable))
