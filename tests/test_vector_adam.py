"""Adam on one vector takes the steps that Keras' Adam takes weight by weight."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_lab._internals.vector_adam import VectorAdam

SHAPES = [(3, 4), (5,), (2, 1, 3), (1,)]


def weights(rng):
    return [keras.Variable(rng.normal(size=shape).astype("float32")) for shape in SHAPES]


def copies(variables):
    return [keras.Variable(v.numpy()) for v in variables]


def falling():
    return keras.optimizers.schedules.InverseTimeDecay(0.1, 5, 1.0)


def stepper(optimizer, variables, compiled):
    def step(*grads):
        optimizer.apply(grads, variables)

    return tf.function(step, autograph=False) if compiled else step


@pytest.mark.parametrize("rate", [0.03, falling()], ids=["constant", "falling"])
@pytest.mark.parametrize("compiled", [False, True])
def test_many_steps_are_those_of_keras(rate, compiled):
    rng = np.random.default_rng(1)
    mine = weights(rng)
    theirs = copies(mine)
    for optimizer, variables in ((VectorAdam(rate), mine), (keras.optimizers.Adam(rate), theirs)):
        optimizer.build(variables)
        step = stepper(optimizer, variables, compiled)
        draw = np.random.default_rng(2)
        for _ in range(20):
            step(*(tf.constant(draw.normal(size=shape), tf.float32) for shape in SHAPES))
        assert int(optimizer.iterations) == 20
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_sparse_gradients_and_missing_ones_are_those_of_keras():
    rng = np.random.default_rng(3)
    table, other = (keras.Variable(rng.normal(size=(4, 2)).astype("float32")) for _ in range(2))
    theirs = keras.Variable(table.numpy())
    kept = other.numpy()
    mine, keras_own = VectorAdam(0.1), keras.optimizers.Adam(0.1)
    for ids in ([1, 1, 3], [0, 2], [3]):
        sparse = tf.IndexedSlices(rng.normal(size=(len(ids), 2)).astype("float32"), tf.constant(ids), (4, 2))
        mine.apply([sparse, None], [table, other])
        keras_own.apply([tf.convert_to_tensor(sparse)], [theirs])
    np.testing.assert_allclose(table, theirs, rtol=1e-5, atol=1e-6)
    assert np.array_equal(other, kept)


def test_a_constraint_holds_after_each_step():
    (positive, *_), free = (weights(np.random.default_rng(4)) for _ in range(2))
    positive.constraint = keras.constraints.NonNeg()
    VectorAdam(0.1).apply([tf.ones(v.shape) for v in (positive, *free)], [positive, *free])
    assert positive.numpy().min() == 0
    assert all(v.numpy().min() < 0 for v in free)


def test_it_keeps_two_vectors_and_nothing_of_the_weights():
    optimizer = VectorAdam()
    optimizer.build(weights(np.random.default_rng(5)))
    assert [tuple(v.shape) for v in optimizer.variables] == [(), (), (24,), (24,)]


def test_other_weights_are_refused_before_any_is_changed():
    variables = weights(np.random.default_rng(6))
    before = [v.numpy() for v in variables]
    optimizer = VectorAdam()
    optimizer.build(variables)
    with pytest.raises(
        ValueError, match=r"trainable_variables must be .* 24 numbers, not 12; after freezing"
    ):
        optimizer.apply([tf.ones(v.shape) for v in variables[1:]], variables[1:])
    assert all(map(np.array_equal, variables, before))
    assert int(optimizer.iterations) == 0


def test_loss_scaling_leaves_a_step_out_whose_gradient_overflows():
    variables = weights(np.random.default_rng(7))
    before = [v.numpy() for v in variables]
    optimizer = keras.optimizers.LossScaleOptimizer(VectorAdam(0.1))
    optimizer.apply([tf.fill(v.shape, np.float32(np.inf)) for v in variables], variables)
    assert all(map(np.array_equal, variables, before))
    optimizer.apply([tf.ones(v.shape) for v in variables], variables)
    assert not any(map(np.array_equal, variables, before))
