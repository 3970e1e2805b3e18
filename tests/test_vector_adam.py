"""Adam on one vector takes the steps that Keras' Adam takes weight by weight."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_lab._internals.vector_adam import AssignedWhileHeld, VectorAdam

SHAPES = [(3, 4), (5,), (2, 1, 3), (1,)]


def weights(rng):
    return [keras.Variable(rng.normal(size=shape).astype("float32")) for shape in SHAPES]


def copies(variables):
    return [keras.Variable(v.numpy()) for v in variables]


def falling():
    return keras.optimizers.schedules.InverseTimeDecay(0.1, 5, 1.0)


def gradients(rng):
    return [tf.constant(rng.normal(size=shape), tf.float32) for shape in SHAPES]


def assert_close(found, wanted):
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


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
            step(*gradients(draw))
        assert int(optimizer.iterations) == 20
    assert_close(mine, theirs)


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


# While it holds the weights


@pytest.fixture
def pair():
    """A new VectorAdam and Keras' Adam, equal weights for each, and a generator for gradients."""
    rng = np.random.default_rng(8)
    mine = weights(rng)
    theirs = copies(mine)
    mine[0].constraint = theirs[0].constraint = keras.constraints.NonNeg()
    return VectorAdam(0.1), keras.optimizers.Adam(0.1), mine, theirs, rng


def values(variables):
    return [variable.value.numpy() for variable in variables]


@pytest.mark.parametrize("compiled", [False, True])
def test_held_weights_are_read_from_the_vector_and_written_at_the_end(pair, compiled):
    optimizer, keras_own, mine, theirs, rng = pair
    optimizer.build(mine)
    first, steps = values(mine), [gradients(rng) for _ in range(3)]

    def run():
        read = []
        with optimizer.holding(mine):
            for step in steps:
                optimizer.apply(step, mine)
                with optimizer.reading(mine):
                    read.append([tf.identity(v.value) for v in mine])
            before_the_end = [tf.identity(v.value) for v in mine]
        return read, before_the_end

    read, before_the_end = tf.function(run, autograph=False)() if compiled else run()
    for step, found in zip(steps, read, strict=True):
        keras_own.apply(step, theirs)
        assert_close(found, theirs)
    assert all(map(np.array_equal, before_the_end, first))
    assert_close(mine, theirs)
    assert mine[0].numpy().min() == 0
    assert not any(map(np.array_equal, values(mine), first))


def test_weights_that_were_set_meanwhile_are_held_anew(pair):
    optimizer, _, mine, _, rng = pair
    optimizer.apply(gradients(rng), mine)
    wanted = [rng.normal(size=shape).astype("float32") for shape in SHAPES]
    for variable, value in zip(mine, wanted, strict=True):
        variable.assign(value)
    with optimizer.holding(mine), optimizer.reading(mine):
        assert all(map(np.array_equal, values(mine), wanted))


def test_steps_taken_before_an_error_are_written(pair):
    optimizer, keras_own, mine, theirs, rng = pair
    step = gradients(rng)
    keras_own.apply(step, theirs)

    def interrupted():
        with optimizer.holding(mine):
            optimizer.apply(step, mine)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert_close(mine, theirs)
    assert not optimizer.holds


def test_others_than_it_was_built_for_are_not_held(pair):
    optimizer, _, mine, _, _ = pair
    optimizer.build(mine)
    before = values(mine)
    with pytest.raises(ValueError, match="24 numbers, not 12"), optimizer.holding(mine[1:]):
        pass
    assert not optimizer.holds
    assert all(map(np.array_equal, values(mine), before))


def test_what_a_layer_assigns_while_weights_are_held_stays_unless_it_is_a_weight(pair):
    optimizer, _, mine, _, _ = pair
    counter = keras.Variable(5, dtype="int32", trainable=False)
    with optimizer.holding(mine), optimizer.reading(mine):
        counter.assign_add(2)
        assert int(counter) == 7
        with pytest.raises(AssignedWhileHeld):
            mine[1].assign(np.arange(5))
    assert int(counter) == 7


def test_losses_that_a_layer_adds_are_kept_while_weights_are_held(pair):
    optimizer, _, mine, _, _ = pair
    layer = keras.layers.ActivityRegularization(l2=0.5)
    with optimizer.holding(mine), optimizer.reading(mine):
        layer(tf.constant([[3.0]]))
        assert [float(loss) for loss in layer.losses] == [4.5]


def test_weights_that_are_not_held_are_read_as_they_are(pair):
    optimizer, _, mine, _, rng = pair
    optimizer.apply(gradients(rng), mine)
    mine[1].assign(np.arange(5))
    with optimizer.reading(mine):
        assert mine[1].value.numpy().tolist() == [0, 1, 2, 3, 4]
