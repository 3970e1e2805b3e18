"""The cell against four oracles, and its fast form against the cell.

Weights are random and distinct, and E, H and B differ, so that no two things can be exchanged unseen.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_lab._internals.devices import sum_by_symbol
from seq2seq_lab._internals.time_loop import time_loop
from seq2seq_lab.encoder_decoder import unroll
from seq2seq_lab.gru import MOST_SPELLED, WEIGHTS, WIDEST_SPELLED, GRUCell, gru_states, times

B, S, E, H, V = 5, 7, 4, 6, 9


def random_weights(seed=0, units=H):
    rng = np.random.default_rng(seed)
    shapes = {"b": (units,), "Wx": (E, units), "Wh": (units, units)}
    return {w: rng.normal(0, 0.5, shapes["b" if w[0] == "b" else w[0] + w[2]]) for w in WEIGHTS}


def made(weights, cell_class=GRUCell, dtype="float32"):
    """A cell with these weights."""
    cell = cell_class(len(weights["b_z"]), dtype=dtype)
    cell.build((None, len(weights["W_xz"])))
    for name, value in weights.items():
        getattr(cell, name).assign(value)
    return cell


def step_in_numpy(w, x, h):
    def sigmoid(a):
        return 1 / (1 + np.exp(-a))

    z = sigmoid(x @ w["W_xz"] + h @ w["W_hz"] + w["b_z"])
    r = sigmoid(x @ w["W_xr"] + h @ w["W_hr"] + w["b_r"])
    c = np.tanh(x @ w["W_xc"] + (r * h) @ w["W_hc"] + w["b_c"])
    return (1 - z) * c + z * h


def distance(a, b):
    """The largest difference, relative to the largest value of `b`."""
    a, b = np.asarray(a), np.asarray(b)
    assert a.shape == b.shape
    return np.abs(a - b).max() / np.abs(b).max()


# The equations


def distance_from_numpy(cell, weights):
    """How far one step of the cell is from NumPy's step with these weights."""
    rng = np.random.default_rng(1)
    x, h = rng.normal(size=(B, E)), rng.normal(size=(B, H))
    out, [state] = cell(tf.constant(x), [tf.constant(h)])
    assert out is state
    return distance(out, step_in_numpy(weights, x, h))


def test_the_cell_is_its_equations():
    weights = random_weights()
    assert distance_from_numpy(made(weights, dtype="float64"), weights) < 1e-14


@pytest.mark.parametrize(("a", "b"), ["zr", "rc", "zc"])
@pytest.mark.parametrize("kind", ["W_x", "W_h", "b_"])
def test_that_comparison_catches_two_swapped_gates(a, b, kind):
    weights = random_weights()
    swapped = weights | {kind + a: weights[kind + b], kind + b: weights[kind + a]}
    assert distance_from_numpy(made(swapped, dtype="float64"), weights) > 0.01


def test_the_state_may_come_as_a_list_a_tuple_or_itself():
    cell = made(random_weights())
    x, h = tf.ones((B, E)), tf.ones((B, H))
    outs = [cell(x, states)[0].numpy() for states in ([h], (h,), h)]
    assert np.array_equal(outs[0], outs[1])
    assert np.array_equal(outs[0], outs[2])


def test_inside_a_keras_rnn_it_is_keras_own_gru():
    """Keras' GRU, reset_after=False, stacks its gates as z, r, c; masked steps keep the state."""
    weights = random_weights()
    rng = np.random.default_rng(2)
    x = rng.normal(size=(B, S, E)).astype("float32")
    mask = np.arange(S) < np.array([[7], [1], [3], [6], [4]])

    theirs = keras.layers.GRU(H, reset_after=False, return_sequences=True, return_state=True)
    theirs.build(x.shape)
    stacked = [np.concatenate([weights[kind + gate] for gate in "zrc"], -1) for kind in ("W_x", "W_h", "b_")]
    theirs.set_weights(stacked)
    ours = keras.layers.RNN(made(weights), return_sequences=True, return_state=True)

    for a, b in zip(ours(x, mask=mask), theirs(x, mask=mask), strict=True):
        assert distance(a, b) < 1e-5


def reference_cell(reference, part):
    """The cell of `encoder` or `decoder` with the reference's weights."""
    w = {key.removeprefix(f"weight:{part}/"): value for key, value in reference.items()}
    if part == "encoder":  # input rows stand over the recurrent ones
        w |= {f"W_{g}_x": w[f"W_{n}"][:E] for g, n in zip("zrc", "zrh", strict=True)}
        w |= {f"W_{g}_h": w[f"W_{n}"][E:] for g, n in zip("zrc", "zrh", strict=True)}
    matrices = {f"W_{source}{gate}": w[f"W_{gate}_{source}"] for gate in "zrc" for source in "xh"}
    return made(matrices | {"b_z": w["b_z"], "b_r": w["b_r"], "b_c": w["b_h"]})


def test_the_cell_gives_the_reference_encoder_states(reference):
    h = tf.zeros((B, H))
    cell = reference_cell(reference, "encoder")
    for t in range(reference["in:inputs_seqlen"].min()):
        x = reference["weight:X_embeddings"][reference["in:inputs"][:, t]]
        h, _ = cell(x, [h])
        assert distance(h, reference["out:encoder_outputs"][:, t]) < 1e-5


def test_the_cell_gives_the_reference_decoder_states(reference):
    h = reference["out:encoder_state"]
    cell = reference_cell(reference, "decoder")
    for t, token in enumerate(reference["in:targets_in"].T):
        h, _ = cell(reference["weight:t_embeddings"][token], [h])
        assert distance(h, reference["out:decoder_states_teacher_forced"][:, t]) < 1e-5


def test_the_input_share_is_what_the_gates_take_from_the_input():
    weights = random_weights()
    x = np.random.default_rng(3).normal(size=(2, B, E))
    wanted = np.concatenate([x @ weights["W_x" + g] + weights["b_" + g] for g in "zrc"], -1)
    assert distance(made(weights, dtype="float64").input_share(tf.constant(x)), wanted) < 1e-14


# Arguments


@pytest.mark.parametrize("name", WEIGHTS)
def test_each_weight_has_its_own_initialiser_which_its_configuration_keeps(name):
    cell = GRUCell(H, **{name: keras.initializers.Constant(0.25)}, name="mine")
    copy = GRUCell.from_config(cell.get_config())
    assert (copy.units, copy.name) == (H, "mine")
    for one in cell, copy:
        one.build((None, E))
        assert [w for w in WEIGHTS if (getattr(one, w).numpy() == 0.25).all()] == [name]


def test_shapes_and_first_values_are_those_of_the_lesson():
    cell = GRUCell(200)
    cell.build((None, 100))
    assert [w.name for w in cell.weights] == list(WEIGHTS)
    for name in WEIGHTS:
        weight = getattr(cell, name).numpy()
        if name[0] == "b":
            assert weight.shape == (200,)
            assert not weight.any()
        else:  # a normal with standard deviation 0.1, cut off at two of them, has one of 0.088
            assert weight.shape == ((100 if name[2] == "x" else 200), 200)
            assert np.abs(weight).max() <= 0.2
            assert abs(weight.std() - 0.088) < 0.002


@pytest.mark.parametrize("shared", ["glorot_uniform", keras.initializers.RandomNormal()])
def test_weights_given_one_unseeded_initialiser_differ(shared):
    cell = GRUCell(H, W_hz=shared, W_hr=shared, W_hc=shared)
    cell.build((None, E))
    assert distance(cell.W_hz, cell.W_hr) > 0.1
    assert distance(cell.W_hr, cell.W_hc) > 0.1


@pytest.mark.parametrize("units", [0, 1.5, "6", True])
def test_units_must_be_a_count(units):
    with pytest.raises(ValueError, match=rf"units must be a whole number of at least 1, but is {units!r}"):
        GRUCell(units)


def test_an_unknown_initialiser_is_refused():
    with pytest.raises(ValueError, match="nonsense"):
        GRUCell(H, W_hr="nonsense")


# The time loop


def step(t, carry):
    """Each step depends on time and on all steps before it."""
    t = tf.cast(t, carry.dtype)
    carry = 0.5 * carry + t
    return carry, (carry, carry * t)


@pytest.mark.parametrize("n", [0, 1, 3, 5, 9])
@pytest.mark.parametrize("backwards", [False, True])
def test_the_time_loop_takes_n_steps_but_no_more_than_there_are(n, backwards):
    steps, carry = 5, np.ones((2, 3))
    wanted = np.zeros((2, steps, 2, 3))
    times = range(min(n, steps))
    for t in reversed(times) if backwards else times:
        carry = 0.5 * carry + t
        wanted[:, t] = carry, carry * t

    start = tf.ones((2, 3), tf.float64)
    for kept in (start, start), None:  # told what there is to keep, or left to find out
        last, values = time_loop(step, start, tf.constant(n), steps, kept, backwards)
        assert np.array_equal(last, carry)
        assert np.array_equal(values, wanted)


def test_the_time_loop_carries_and_keeps_any_nest_and_ends_where_it_is_told():
    def counted(t, carry):
        return {"sum": carry["sum"] + t, "list": [carry["list"][0] + 1]}, (t, None, {"twice": 2 * t})

    start = {"sum": tf.constant(0), "list": [tf.zeros((2, 1))]}
    for wrap in (lambda f: f, tf.function):
        run = wrap(lambda: time_loop(counted, start, 9, 9, unfinished=lambda t, now: now["sum"] < 6))
        carry, (times, nothing, doubled) = run()
        assert (int(carry["sum"]), carry["list"][0].numpy().tolist()) == (6, [[4], [4]])
        assert nothing is None
        assert times.numpy().tolist() == [0, 1, 2, 3, 0, 0, 0, 0, 0]
        assert doubled["twice"].numpy().tolist() == [0, 2, 4, 6, 0, 0, 0, 0, 0]


# The fast form

COMPILERS = {
    "eager": lambda function: function,
    "graph": tf.function,
    "xla": lambda function: tf.function(function, jit_compile=True),
}


def unrolled(cell, embeddings, ids, h, n):
    """The outputs of `unroll`, which are the states of a GRU."""
    return unroll(cell, ids, embeddings, h, n)[0]


def by_hand(cell, embeddings, ids, h, n):
    """What `unroll` must equal: a plain loop over the cell's own call, zeros from step `n` on."""
    rows = []
    for t in range(len(ids)):
        if t < n:
            h, _ = cell(tf.gather(embeddings, ids[t]), [h])
        rows.append(h if t < n else tf.zeros_like(h))
    return tf.stack(rows)


def values_and_gradients(form, cell, n, compiler="eager"):
    """The states that `form` gives, and the gradient of a random sum of them for each input and weight."""
    rng = np.random.default_rng(4)
    embeddings, h, scale = (
        tf.constant(rng.normal(size=shape), cell.compute_dtype)
        for shape in ((V, E), (B, cell.units), (S, B, cell.units))
    )
    ids = tf.constant(rng.integers(0, V, (S, B)), tf.int32)

    def compute(embeddings, h, n):
        inputs = [embeddings, h, *cell.trainable_variables]
        with tf.GradientTape() as tape:
            tape.watch(inputs[:2])
            states = form(cell, embeddings, ids, h, n)
            total = tf.reduce_sum(scale * states)
        return [states, *map(tf.convert_to_tensor, tape.gradient(total, inputs))]

    return COMPILERS[compiler](compute)(embeddings, h, n)


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("units", [H, WIDEST_SPELLED + 1])
@pytest.mark.parametrize("n", [S, S - 2])
def test_the_fast_form_equals_the_cell_in_values_and_gradients(compiler, units, n):
    cell = made(random_weights(units=units))
    fast = values_and_gradients(unrolled, cell, tf.constant(n), compiler)
    slow = values_and_gradients(by_hand, cell, n)
    names = ["states", "embeddings", "h_0", *WEIGHTS]
    for name, a, b in zip(names, fast, slow, strict=True):
        assert distance(a, b) < 1e-5, name


@pytest.mark.parametrize("compiler", ["graph", "xla"])
@pytest.mark.parametrize(
    ("rows", "units", "spelled"),
    [
        (MOST_SPELLED, WIDEST_SPELLED, True),
        (MOST_SPELLED + 1, WIDEST_SPELLED, False),
        (MOST_SPELLED, WIDEST_SPELLED + 1, False),
        (None, WIDEST_SPELLED, False),
    ],
)
def test_small_products_are_spelled_out_and_all_are_right(rows, units, spelled, compiler):
    rng = np.random.default_rng(6)
    a, W = rng.normal(size=(rows or 5, units)), rng.normal(size=(units, units))
    program = COMPILERS[compiler](times).get_concrete_function(
        tf.TensorSpec((rows, units), tf.float64), tf.TensorSpec(W.shape, tf.float64)
    )
    assert ("MatMul" not in {op.type for op in program.graph.get_operations()}) == spelled
    assert np.allclose(program(tf.constant(a), tf.constant(W)), a @ W)


def test_the_fast_form_has_the_gradient_of_central_differences():
    rng = np.random.default_rng(5)
    shapes = {"table": (3, 6), "h_0": (2, 2), "W_hz": (2, 2), "W_hr": (2, 2), "W_hc": (2, 2)}
    values = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    scale = rng.normal(size=(4, 2, 2))
    ids = tf.constant([[0, 1], [2, 0], [2, 1], [1, 1]])

    def total(table, h_0, *recurrent):
        states = gru_states(table, ids, h_0, *recurrent, tf.constant(3))
        return tf.reduce_sum(scale * states)

    inputs = [tf.constant(value) for value in values.values()]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        loss = total(*inputs)
    gradients = dict(zip(shapes, tape.gradient(loss, inputs), strict=True))

    for name, value in values.items():
        for place in np.ndindex(value.shape):
            nudge = np.zeros_like(value)
            nudge[place] = 1e-5
            above, below = (total(*(values | {name: value + n}).values()) for n in (nudge, -nudge))
            assert abs(gradients[name][place] - (above - below) / 2e-5) < 1e-8, (name, place)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_symbols_from_step_n_on_do_not_matter(compiler):
    cell = made(random_weights())
    rng = np.random.default_rng(6)
    embeddings = tf.constant(rng.normal(size=(V, E)), tf.float32)
    ids = rng.integers(0, V, (S, B), np.int32)
    other = ids.copy()
    other[4:] = rng.integers(0, V, (S - 4, B))
    run = COMPILERS[compiler](lambda ids: unrolled(cell, embeddings, ids, tf.zeros((B, H)), tf.constant(4)))
    states = run(tf.constant(ids)).numpy()
    assert np.array_equal(states, run(tf.constant(other)))
    assert states[:4].all()
    assert not states[4:].any()


class Half(GRUCell):
    """A student's cell: the lesson's, but each state is halved."""

    def call(self, x, states, training=False):
        h, _ = super().call(x, states)
        return h / 2, [h / 2]


@pytest.mark.slow
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("n", [S, S - 2])
def test_a_cell_with_its_own_call_is_honoured(compiler, n):
    cell = made(random_weights(), Half)
    ours = values_and_gradients(unrolled, cell, tf.constant(n), compiler)
    for a, b in zip(ours, values_and_gradients(by_hand, cell, n), strict=True):
        assert distance(a, b) < 1e-5
    plain = values_and_gradients(unrolled, made(random_weights()), tf.constant(n))
    assert distance(ours[0], plain[0]) > 0.1


@pytest.mark.parametrize("gpus", [[], ["a GPU"]])
def test_what_symbols_add_up_to_is_counting_on_any_device(monkeypatch, gpus):
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: gpus)
    rng = np.random.default_rng(0)
    a, ids, sums = rng.normal(size=(S, B, H)), rng.integers(0, V, (S, B)), np.zeros((V, H))
    np.add.at(sums, ids, a)
    np.testing.assert_allclose(sum_by_symbol(tf.constant(a), tf.constant(ids), V), sums, atol=1e-12)
