"""Training: the numbers, going on after a stop of any kind, compiling once, measuring."""

import csv
import dataclasses
import math
import os
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf
from no_xla import xla_off

from seq2seq_lab import (
    Seq2Seq,
    Settings,
    accuracy_after_mistake,
    evaluate,
    get_block,
    held_out,
    load,
    restart,
    runtime,
    train,
    training,
)
from seq2seq_lab import encoder_decoder as parts
from seq2seq_lab._internals import input_pipeline as feed
from seq2seq_lab._internals.input_pipeline import by_length, pieces
from seq2seq_lab._internals.vector_adam import VectorAdam
from seq2seq_lab.training import prepare

pytestmark = pytest.mark.slow  # a training is compiled first


SMALL = Settings(
    min_digits=1,
    max_digits=3,
    batch_size=4,
    samples_per_epoch=24,
    validation_samples=40,
    input_embedding=2,
    target_embedding=4,
    encoder_units=3,  # a program grows with them
    decoder_units=3,
    learning_rate=0.01,
)
BATCH, EPOCH, K = SMALL.batch_size, SMALL.samples_per_epoch, SMALL.batches_per_epoch


class Snapshot:
    """All that a training has changed so far, to be compared and to be put back."""

    def __init__(self, model):
        self.seed = model.seed
        self.weights = model.get_weights()
        self.optimizer = [variable.numpy() for variable in model.optimizer.variables]

    def put_into(self, model):
        model.seed = self.seed
        model.set_weights(self.weights)
        for variable, value in zip(model.optimizer.variables, self.optimizer, strict=True):
            variable.assign(value)

    def __eq__(self, other):  # to the bit
        mine, theirs = (s.weights + s.optimizer for s in (self, other))
        return self.seed == other.seed and all(map(np.array_equal, mine, theirs))


@pytest.fixture(scope="module")
def compiled():
    """One model for this file, since compiling costs seconds, and how it was at first."""
    keras.utils.set_random_seed(1)
    model = Seq2Seq(SMALL)
    prepare(model)
    return model, Snapshot(model)


@pytest.fixture
def model(compiled):
    """The compiled model, as if it had never been trained."""
    model, start = compiled
    start.put_into(model)
    return model


@pytest.fixture
def undisturbed(compiled):
    """What becomes of the model, from the first batch on, when nothing interferes."""
    model, start = compiled

    def run(samples, **arguments):
        now = Snapshot(model)
        start.put_into(model)
        history = train(model, samples, **arguments).history
        end = Snapshot(model)
        now.put_into(model)
        return end, history

    return run


def uncompiled(optimizer=None, **changes):
    """A model of its own for steps in eager mode."""
    keras.utils.set_random_seed(1)
    model = Seq2Seq(dataclasses.replace(SMALL, **changes))
    prepare(model, optimizer)
    return model


@pytest.fixture(scope="module")
def traced_once():
    """One model for what needs no XLA, made where that does not work."""
    with xla_off("no ptxas"), pytest.warns(UserWarning, match="uncompiled.*no ptxas"):
        return uncompiled()


@pytest.fixture
def without_xla(compiled, traced_once, monkeypatch):
    """That model, as if it had never been trained."""
    monkeypatch.setattr(traced_once, "settings", traced_once.settings)
    compiled[1].put_into(traced_once)
    return traced_once


def nth_batch(n, seed=0):
    """`(inputs, targets, mask)` of batch number `n`, as `learn` takes them."""
    x, targets, mask = get_block(seed, n // K, SMALL).for_keras
    return [part[n % K] for part in x], targets[n % K], mask[n % K]


def gradient_by_hand(model, x, targets, mask):
    crossentropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=None)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(crossentropy(targets, model(*x)) * mask) / mask.sum()
    return loss, tape.gradient(loss, model.trainable_variables)


def assert_close(arrays, others, tolerance=1e-5):
    for a, b in zip(arrays, others, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)


# The numbers


def test_one_step_three_ways(model, compiled):
    loss, gradients = gradient_by_hand(model, *nth_batch(0))
    keras.optimizers.Adam(SMALL.learning_rate).apply(gradients, model.trainable_variables)
    by_hand = model.get_weights()
    assert not np.array_equal(by_hand[0], compiled[1].weights[0])

    compiled[1].put_into(model)
    assert float(model.learn(*nth_batch(0))) == pytest.approx(float(loss), abs=1e-5)
    assert_close(model.get_weights(), by_hand)

    compiled[1].put_into(model)
    history = train(model, BATCH).history
    assert history["loss"] == [pytest.approx(float(loss), abs=1e-5)]
    assert_close(model.get_weights(), by_hand)


def test_a_block_is_its_batches_one_by_one(model, undisturbed):
    losses = [float(model.learn(*nth_batch(n))) for n in range(K)]
    end, history = undisturbed(EPOCH)
    assert_close(model.get_weights(), end.weights)
    assert history["loss"] == [pytest.approx(np.mean(losses), abs=1e-5)]


class Counting(parts.Encoder):
    """Counts how often it has read a batch; one of its weights has a constraint."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.count = self.add_weight((), "zeros", dtype="int32", trainable=False)
        self.cell.W_xz.constraint = keras.constraints.MaxNorm(0.05)

    def call(self, inputs, inputs_seqlen):
        self.count.assign_add(1)
        return super().call(inputs, inputs_seqlen)


class Normalising(Counting):
    """Shortens a weight each time as well."""

    def call(self, inputs, inputs_seqlen):
        self.cell.b_r.assign(0.9 * self.cell.b_r)
        return super().call(inputs, inputs_seqlen)


@pytest.mark.parametrize(
    ("kind", "batch_size"),
    [(Counting, BATCH), (Counting, 96), (Normalising, BATCH)],
    ids=["held", "held, in micro-batches", "not held"],
)
def test_a_block_is_its_batches_one_by_one_whatever_layers_do_to_their_weights(kind, batch_size, monkeypatch):
    def made():
        keras.utils.set_random_seed(1)
        sizes = {"batch_size": batch_size, "samples_per_epoch": 3 * batch_size}
        settings = dataclasses.replace(SMALL, l2=0.1, clip_norm=0.5, **sizes)
        model = Seq2Seq(settings, encoder=kind(parts.GRUCell(3), 2))
        prepare(model)
        return model

    blocks, one_by_one, held = made(), made(), []
    before, reading = blocks.get_weights(), VectorAdam.reading
    with monkeypatch.context() as patch:
        patch.setattr(VectorAdam, "reading", lambda self, v: held.append(self.holds) or reading(self, v))
        blocks.fit(**feed.fed(blocks, 3))
    assert held[-1] == (kind is Counting)

    x, targets, mask = get_block(0, 0, blocks.settings).for_keras
    step = tf.function(one_by_one.learn, autograph=False)
    for n in range(3):
        step([part[n] for part in x], targets[n], mask[n])
    assert_close(blocks.get_weights(), one_by_one.get_weights())
    assert not any(map(np.array_equal, before, blocks.get_weights()))
    assert not blocks.optimizer.holds


def test_a_new_optimiser_takes_the_steps_from_then_on():
    model = Seq2Seq(SMALL)
    prepare(model)
    first = model.get_weights()
    model.fit(**feed.fed(model, 1))
    before = model.get_weights()
    assert not any(map(np.array_equal, first, before))
    _, gradients = gradient_by_hand(model, *nth_batch(0))
    prepare(model, keras.optimizers.SGD(0.5))
    model.fit(**feed.fed(model, 1))
    assert_close(model.get_weights(), [w - 0.5 * g for w, g in zip(before, gradients, strict=True)])


class Halved(Seq2Seq):
    """Has a step of its own, which reads the weights between two steps."""

    def learn(self, x, targets, mask):
        loss = super().learn(x, targets, mask)
        for variable in self.trainable_variables:
            variable.assign(variable / 2)
        return loss


def test_a_subclass_may_have_a_step_of_its_own():
    keras.utils.set_random_seed(1)
    blocks = Halved(SMALL)
    prepare(blocks)
    one_by_one = uncompiled()
    one_by_one.set_weights(blocks.get_weights())
    blocks.fit(**feed.fed(blocks, 2))
    for n in range(2):
        one_by_one.learn(*nth_batch(n))
        one_by_one.set_weights([w / 2 for w in one_by_one.get_weights()])
    assert_close(blocks.get_weights(), one_by_one.get_weights())


class Spelling(Seq2Seq):
    """Has a `train_step` of its own, with what XLA cannot compile outside of `learn_block`."""

    def train_step(self, data):
        logs = super().train_step(data)
        return {"loss": logs["loss"], "digits": tf.strings.length(tf.strings.as_string(logs["loss"]))}


def test_a_train_step_of_a_subclass_is_compiled_as_a_whole():
    model = Spelling(SMALL)
    prepare(model)
    with pytest.raises(tf.errors.InvalidArgumentError, match="AsString"):
        model.fit(**feed.fed(model, 1))


def test_samples_are_rounded_up_to_whole_batches(model):
    for samples, batches in (1, 1), (BATCH, 2), (BATCH + 1, 4), (2 * EPOCH, 4 + 2 * K):
        train(model, samples)
        assert int(model.optimizer.iterations) == batches


def test_the_history_has_a_point_for_each_epoch(model):
    history = train(model, 2 * EPOCH + 1)
    assert history.interrupted is False
    assert set(history.history) == {"loss", "val_token_accuracy", "val_exact_match"}
    assert [len(values) for values in history.history.values()] == [3, 3, 3]
    measured = evaluate(model)
    assert history.history["val_token_accuracy"][-1] == pytest.approx(measured.token_accuracy)
    assert history.history["val_exact_match"][-1] == pytest.approx(measured.exact_match)


def test_without_xla_it_warns_and_the_numbers_are_the_same(undisturbed, without_xla):
    history = train(without_xla, EPOCH).history
    assert not without_xla.jit_compile
    end, compiled_history = undisturbed(EPOCH)
    assert_close(without_xla.get_weights(), end.weights)
    for name, values in history.items():
        assert values == pytest.approx(compiled_history[name], abs=1e-5)


def step_of_gradient_descent(**changes):
    """The weights before one step of SGD at rate 1, the plain gradient, and the step."""
    model = uncompiled(keras.optimizers.SGD(1.0), **changes)
    before = model.get_weights()
    _, gradients = gradient_by_hand(model, *nth_batch(0))
    model.learn(*nth_batch(0))
    steps = [b - a for b, a in zip(before, model.get_weights(), strict=True)]
    return before, [tf.convert_to_tensor(g).numpy() for g in gradients], steps


def global_norm(arrays):
    return math.sqrt(sum(np.sum(np.square(a)) for a in arrays))


def test_by_default_a_step_is_the_gradient():
    _, gradients, steps = step_of_gradient_descent()
    assert_close(steps, gradients, 1e-6)


def test_l2_adds_its_scale_times_every_weight():
    before, gradients, steps = step_of_gradient_descent(l2=0.1)
    assert_close(steps, [g + 0.1 * w for g, w in zip(gradients, before, strict=True)], 1e-6)


def test_the_reported_loss_has_no_penalty():
    x = nth_batch(0)
    assert float(uncompiled(l2=1.0).learn(*x)) == float(uncompiled().learn(*x))


def test_clipping_shortens_a_long_gradient_and_keeps_its_direction():
    _, gradients, steps = step_of_gradient_descent(clip_norm=0.01)
    length = global_norm(gradients)
    assert length > 0.02
    assert global_norm(steps) == pytest.approx(0.01, rel=1e-4)
    assert_close(steps, [0.01 / length * g for g in gradients], 1e-6)


def test_clipping_leaves_a_short_gradient_alone():
    _, gradients, steps = step_of_gradient_descent(clip_norm=100.0)
    assert_close(steps, gradients, 1e-6)


# Going on


def test_the_seed_chooses_the_training_and_stays(model, undisturbed):
    ends = [undisturbed(BATCH)[0], undisturbed(BATCH, seed=0)[0], undisturbed(BATCH, seed=1)[0]]
    assert ends[0] == ends[1]
    assert not np.array_equal(ends[1].weights[0], ends[2].weights[0])
    train(model, EPOCH, seed=1)
    train(model, EPOCH)
    assert Snapshot(model) == undisturbed(2 * EPOCH, seed=1)[0]


@pytest.mark.parametrize("batches", [1, K - 1, K + 2])
def test_stopping_in_the_middle_of_a_block_changes_nothing(model, undisturbed, batches):
    train(model, batches * BATCH)
    train(model, 3 * EPOCH - batches * BATCH)
    assert Snapshot(model) == undisturbed(3 * EPOCH)[0]


def test_two_epochs_and_two_through_a_file_are_four(model, undisturbed, tmp_path):
    first = train(model, 2 * EPOCH, seed=7).history
    model.save(tmp_path / "model.keras")
    loaded = load(tmp_path / "model.keras")
    second = train(loaded, 2 * EPOCH).history
    end, whole = undisturbed(4 * EPOCH, seed=7)
    assert Snapshot(loaded) == end
    assert {name: first[name] + second[name] for name in first} == whole


class InThirdEpoch(keras.callbacks.Callback):
    """Do something in the third epoch, right after its block."""

    def __init__(self, act):
        super().__init__()
        self.act = act

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == 2:
            self.act()


def interrupt():
    raise KeyboardInterrupt


def press_ctrl_c():
    signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize(("act", "points"), [(interrupt, 2), (press_ctrl_c, 3)])
def test_an_interrupt_keeps_what_was_learned(model, undisturbed, act, points):
    """Raised, it ends the epoch at once; Ctrl-C lets it end with its validation."""
    history = train(model, 5 * EPOCH, callbacks=[InThirdEpoch(act)])
    assert history.interrupted is True
    end, whole = undisturbed(5 * EPOCH)
    assert len(history.epoch) == points
    assert history.history == {name: values[:points] for name, values in whole.items()}
    assert model.translate(["one"])
    train(model, 5 * EPOCH - int(model.optimizer.iterations) * BATCH)
    assert Snapshot(model) == end


def test_a_second_ctrl_c_acts_at_once(model):
    handler = signal.getsignal(signal.SIGINT)

    def press_twice():
        press_ctrl_c()
        press_ctrl_c()

    history = train(model, 5 * EPOCH, callbacks=[InThirdEpoch(press_twice)])
    assert (history.interrupted, len(history.epoch)) == (True, 2)
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_training_taken_up_from_a_backup_ends_the_same(model, compiled, undisturbed, tmp_path):
    def backup():
        return keras.callbacks.BackupAndRestore(tmp_path / "backup")

    end, _ = undisturbed(4 * EPOCH)
    train(model, 4 * EPOCH, callbacks=[backup(), InThirdEpoch(interrupt)])
    compiled[1].put_into(model)  # as a new process would begin
    history = train(model, 4 * EPOCH, callbacks=[backup()])
    assert history.epoch == [2, 3]
    assert Snapshot(model) == end
    train(model, 3 * EPOCH)  # the backup is used up: this one is a whole training
    assert int(model.optimizer.iterations) == 7 * K


UNDER_BACKUP = """
import os, signal, sys
import seq2seq_lab
seq2seq_lab.setup(threads=int(os.environ.get("SEQ2SEQ_LAB_THREADS", "1")))
import keras

class DieInEpoch(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == 2:
            os.kill(os.getpid(), signal.SIGKILL)

model = seq2seq_lab.load("start.keras")
seq2seq_lab.train(model, SAMPLES, callbacks=[keras.callbacks.BackupAndRestore("backup"), DieInEpoch()])
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no kill -9")
def test_a_killed_training_started_again_ends_the_same(model, compiled, undisturbed, tmp_path, fresh_python):
    model.save(tmp_path / "start.keras")
    chosen = f"import os; os.chdir({str(tmp_path)!r}); SAMPLES = {4 * EPOCH}"
    assert fresh_python(chosen + UNDER_BACKUP).returncode == -signal.SIGKILL

    end, _ = undisturbed(4 * EPOCH)
    compiled[1].put_into(model)  # as a new process would begin
    history = train(model, 4 * EPOCH, callbacks=[keras.callbacks.BackupAndRestore(tmp_path / "backup")])
    assert history.epoch == [2, 3]
    assert Snapshot(model) == end


# Scheduled sampling


def test_a_schedule_of_0_is_teacher_forcing(without_xla):
    model = without_xla
    start, ends = Snapshot(model), []
    for schedule in (None, lambda seen: 0.0, lambda seen: 0.5):
        start.put_into(model)
        train(model, 2 * EPOCH, schedule=schedule)
        ends.append(model.get_weights())
    forced, never, sometimes = ends
    assert_close(never, forced)
    assert any(np.abs(a - b).max() > 1e-3 for a, b in zip(sometimes, forced, strict=True))


def test_without_a_schedule_nothing_but_the_samples_is_fed(model):
    assert training.linear_rise(SMALL) is None
    (*x, _), *_ = next(iter(feed.fed(model, 1)["x"]))
    assert len(x) == 3


def test_always_its_own_symbol_is_the_gradient_of_free_running(model):
    x, targets, mask = nth_batch(0)
    coins = np.tile(np.arange(targets.shape[1]) > 0, (BATCH, 1))
    with tf.GradientTape() as tape:
        logits = model._free_running(*x[:2], targets.shape[1]).logits
        crossentropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=None)
        loss = tf.reduce_sum(crossentropy(targets, logits) * mask) / mask.sum()
    gradients = map(tf.convert_to_tensor, tape.gradient(loss, model.trainable_variables))  # dense
    np.testing.assert_allclose(model(*x, coins), logits, atol=1e-6)
    start = Snapshot(model)
    assert float(model.learn([*x, coins], targets, mask)) == pytest.approx(float(loss), abs=1e-5)
    end = model.get_weights()
    start.put_into(model)
    model.optimizer.apply(list(gradients), model.trainable_variables)
    assert_close(end, model.get_weights())


def test_the_settings_schedule_rises_and_two_trainings_are_one(without_xla):
    model = without_xla
    model.settings = dataclasses.replace(SMALL, scheduled_sampling=0.8, sampling_ramp=2 * EPOCH)
    schedule = training.linear_rise(model.settings)
    assert [schedule(n) for n in (0, EPOCH, 2 * EPOCH, 9 * EPOCH)] == [0, 0.4, 0.8, 0.8]
    start = Snapshot(model)
    train(model, 2 * EPOCH)
    end = Snapshot(model)
    start.put_into(model)
    train(model, EPOCH - BATCH)
    train(model, EPOCH + BATCH)
    assert Snapshot(model) == end
    start.put_into(model)
    train(model, 2 * EPOCH, schedule=schedule)
    assert Snapshot(model) == end


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan"), None, "half"])
def test_a_schedule_that_leaves_0_to_1_is_named_before_any_work(model, value):
    before, optimizer = Snapshot(model), model.optimizer
    with pytest.raises(ValueError, match=rf"^schedule\({EPOCH}\) must be a number from 0 to 1, but is"):
        train(model, 2 * EPOCH, optimizer="sgd", schedule=lambda seen: 0.5 if seen < EPOCH else value)
    assert Snapshot(model) == before
    assert model.optimizer is optimizer


# Compiling once

COUNT_PROGRAMS = """
import glob, os, sys
os.environ["XLA_FLAGS"] += " --xla_dump_to=programs"  # a set of files for each program that XLA compiles
import seq2seq_lab
seq2seq_lab.setup()
from seq2seq_lab import evaluate, load, restart, train

def count():
    print(len(glob.glob("programs/*before_optimizations*")), flush=True)

model = load("start.keras")
epoch = model.settings.samples_per_epoch
count()
train(model, epoch)
count()
train(model, 2 * epoch)  # fresh blocks
train(model, epoch - 1)  # that end and begin in the middle
train(model, epoch)
restart(model, learning_rate=0.5, seed=3)
train(model, 2 * epoch, seed=3)
evaluate(model)  # by what the validations were measured with
count()
"""


@pytest.mark.skipif(runtime.xla_error() is not None, reason="XLA does not work here")
def test_a_model_is_compiled_once_for_all_its_trainings_and_evaluations(model, tmp_path, fresh_python):
    model.save(tmp_path / "start.keras")
    go_there = f"import os; os.chdir({str(tmp_path)!r})"
    flags = f"--tf_xla_persistent_cache_directory={tmp_path}"  # without what other tests have compiled
    done = fresh_python(go_there + COUNT_PROGRAMS, TF_XLA_FLAGS=flags)
    assert done.returncode == 0, done.stderr
    before, first, later = map(int, done.stdout.split())
    assert first == before + 2 == later  # one to learn, one to answer


def test_where_xla_is_not_to_compile_nothing_is_given_to_it(traced_once):
    evaluate(traced_once, 4)
    x, *_ = held_out(traced_once, 4).for_keras
    traced_once.predict_step((x,))
    assert traced_once._answer_by_xla.experimental_get_tracing_count() == 0


# Drawn anew


def test_restart_draws_other_weights_and_forgets_the_optimisers_past(model, compiled):
    train(model, EPOCH)
    keras.utils.set_random_seed(2)
    restart(model, learning_rate=0.5)
    drawn = Snapshot(model)
    names = [weight.name for weight in model.weights]
    for name, new, first in zip(names, drawn.weights, compiled[1].weights, strict=True):
        assert np.array_equal(new, first) == name.startswith("b_")  # biases are constants
    not_zero = [variable.name for variable in model.optimizer.variables if np.any(variable)]
    assert not_zero == ["learning_rate"]
    assert float(model.optimizer.learning_rate) == 0.5

    keras.utils.set_random_seed(2)
    restart(model)
    assert Snapshot(model) == drawn  # the draw follows Keras' seed, and the learning rate stays


@pytest.mark.parametrize("name", ["adagrad", "ftrl", "nadam"])
def test_restart_gives_any_optimiser_its_first_state(name):
    model = uncompiled(name)
    first = Snapshot(model).optimizer
    model.learn(*nth_batch(0))
    restart(model)
    assert all(map(np.array_equal, Snapshot(model).optimizer, first))


def test_restart_of_an_optimiser_around_another():
    """As Keras puts one around the model's own where numbers have half precision; it names no rate."""
    model = uncompiled(keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.25)))
    model.learn(*nth_batch(0))
    restart(model)
    assert int(model.optimizer.inner_optimizer.iterations) == 0
    assert float(model.optimizer.learning_rate) == 0.25


def test_restart_makes_a_model_that_was_never_compiled_ready():
    model = Seq2Seq(SMALL)
    restart(model, learning_rate=0.25)
    assert float(model.optimizer.learning_rate) == 0.25


def test_a_training_interrupted_while_its_optimiser_is_made_can_be_started_again(monkeypatch):
    model = Seq2Seq(SMALL)

    def interrupted(self, variables):
        self.built = True  # as Keras does before it makes them
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(keras.optimizers.Adam, "build", interrupted)
        with pytest.raises(KeyboardInterrupt):
            prepare(model)
    prepare(model)
    assert len(model.optimizer.variables) == 4  # count, rate and two running means


def test_the_rate_falls_with_the_samples_seen_and_begins_anew_with_a_restart():
    model = Seq2Seq(dataclasses.replace(SMALL, decay_samples=40))
    prepare(model)
    for seen in (0, SMALL.batch_size, 2 * SMALL.batch_size):
        assert model.samples_seen == seen
        assert float(model.optimizer.learning_rate) == pytest.approx(SMALL.learning_rate / (1 + seen / 40))
        model.learn(*nth_batch(0))
    restart(model)
    assert float(model.optimizer.learning_rate) == pytest.approx(SMALL.learning_rate)
    with pytest.raises(
        ValueError, match=r"learning_rate must be None .* schedule, InverseTimeDecay, but is 0\.5"
    ):
        restart(model, learning_rate=0.5)


# Measuring


@pytest.fixture(params=[(7, 1_000), (40, 8)], ids=["pieces from outside", "pieces inside a step"])
def half_right(request, model, monkeypatch):
    """A validation set, in pieces, half of whose samples ask for what the model says."""
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 1.5, w.shape) for w in model.weights])
    batch = held_out(model)
    assert len(batch.inputs) == 40
    said = np.argmax(model.free_running(batch.inputs, batch.inputs_seqlen, batch.targets_in.shape[1]), -1)
    asked = np.where(np.arange(40)[:, None] % 2, said, batch.targets_out).astype(np.int32)
    batch = batch._replace(targets_out=asked)
    monkeypatch.setattr(training, "held_out", lambda *_: batch)
    at_once, piece = request.param
    monkeypatch.setattr(feed, "AT_ONCE", at_once)
    monkeypatch.setattr("seq2seq_lab.model.PIECE", piece)
    return batch, said == asked


def test_evaluate_is_counting(model, half_right):
    batch, right = half_right
    true = batch.targets_mask.astype(bool)
    measured = evaluate(model)
    assert measured.token_accuracy == pytest.approx(right[true].mean())
    assert measured.exact_match == pytest.approx((right | ~true).all(1).mean())
    by_position = [right[true[:, t], t].mean() for t in range(true.shape[1])]
    np.testing.assert_allclose(measured.accuracy_by_position, by_position, rtol=1e-5)
    assert 0.5 <= measured.exact_match < measured.token_accuracy < 1
    after = accuracy_after_mistake(_one_hot(right, batch), batch.targets_out, batch.targets_mask)
    np.testing.assert_allclose(measured.accuracy_after_mistake, after, rtol=1e-5)


def _one_hot(right, batch):
    """Logits that are right exactly there."""
    said = np.where(right, batch.targets_out, (batch.targets_out + 1) % 11)
    return np.eye(11, dtype=np.float32)[said]


def test_evaluate_can_be_teacher_forced(model, half_right):
    batch, _ = half_right
    said = np.argmax(model(batch.inputs, batch.inputs_seqlen, batch.targets_in), -1)
    true = batch.targets_mask.astype(bool)
    right = said == batch.targets_out
    measured = evaluate(model, teacher_forced=True)
    assert measured.token_accuracy == pytest.approx(right[true].mean())
    assert measured.token_accuracy != evaluate(model).token_accuracy


def test_a_large_batch_is_decoded_in_pieces_as_long_as_their_own_texts(model, monkeypatch):
    monkeypatch.setattr("seq2seq_lab.model.PIECE", 8)
    batch = by_length(held_out(model))
    whole = model.free_running(batch.inputs, batch.inputs_seqlen, batch.targets_in.shape[1])
    steps, unroll = [], parts.unroll

    def noting(cell, ids, embeddings, h, n):
        steps.append(int(n))
        return unroll(cell, ids, embeddings, h, n)

    monkeypatch.setattr(parts, "unroll", noting)
    found = model.predict_step(batch.for_keras)
    assert steps == batch.inputs_seqlen.reshape(5, 8).max(1).tolist()
    np.testing.assert_allclose(found, whole, atol=1e-5)


def test_keras_evaluate_measures_the_same(model, half_right):
    measured = evaluate(model)
    by_keras = model.evaluate(pieces(half_right[0]), return_dict=True, verbose=0)
    assert {name: float(value) for name, value in by_keras.items()} == {
        "token_accuracy": pytest.approx(measured.token_accuracy),
        "exact_match": pytest.approx(measured.exact_match),
    }


def test_evaluate_draws_held_out_samples_by_number_and_seed(model):
    assert len(held_out(model, 3).inputs) == 3
    first, again, other = (held_out(model, 20, seed).text_inputs.tolist() for seed in (1, 1, 2))
    assert first == again != other
    assert all(sum(map(int, digits[1:])) % 10 == 0 for digits in held_out(model).text_targets_in)
    assert evaluate(model, 20, 1).token_accuracy == evaluate(model, 20, 1).token_accuracy


def test_evaluate_needs_no_training():
    assert 0 <= evaluate(Seq2Seq(SMALL), 5).token_accuracy <= 1


# Keras' own callbacks


def test_callbacks_that_write_files(model, tmp_path):
    history = train(
        model,
        2 * EPOCH,
        callbacks=[
            keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras"),
            keras.callbacks.CSVLogger(tmp_path / "log.csv"),
        ],
    ).history
    assert Snapshot(load(tmp_path / "2.keras")) == Snapshot(model)
    assert int(load(tmp_path / "1.keras").optimizer.iterations) == K
    with open(tmp_path / "log.csv", newline="") as file:
        assert [float(row["loss"]) for row in csv.DictReader(file)] == pytest.approx(history["loss"])


def test_tensorboard(model, tmp_path):
    train(model, 2 * EPOCH, callbacks=[keras.callbacks.TensorBoard(tmp_path)])
    assert list(tmp_path.glob("train/events.*"))
    assert list(tmp_path.glob("validation/events.*"))


def test_early_stopping_ends_one_training_and_not_the_next(model, undisturbed):
    patience = keras.callbacks.EarlyStopping("val_token_accuracy", min_delta=2.0, mode="max", patience=2)
    assert len(train(model, 5 * EPOCH, callbacks=[patience]).epoch) == 3
    train(model, 2 * EPOCH)
    assert Snapshot(model) == undisturbed(5 * EPOCH)[0]


# What is refused


@pytest.mark.parametrize(
    ("call", "argument", "value"),
    [
        (train, "samples", 0),
        (train, "samples", -16),
        (train, "samples", 1.5),
        (train, "samples", "many"),
        (train, "seed", -1),
        (train, "seed", 2**31),
        (train, "seed", 0.5),
        (evaluate, "samples", 0),
        (evaluate, "samples", 2.0),
        (evaluate, "seed", -1),
        (restart, "learning_rate", 0),
        (restart, "learning_rate", float("nan")),
        (restart, "learning_rate", "fast"),
    ],
)
def test_a_wrong_argument_is_named_and_the_model_left_alone(model, call, argument, value):
    before = Snapshot(model)
    with pytest.raises(ValueError, match=f"^{argument} must be a .*number.*, but is {value!r}$"):
        call(model, **{argument: value})
    assert Snapshot(model) == before


def test_an_unknown_optimiser_leaves_the_model_alone(model):
    before, optimizer = Snapshot(model), model.optimizer
    with pytest.raises(ValueError, match="descend"):
        train(model, BATCH, seed=3, optimizer="descend")
    assert model.optimizer is optimizer
    assert Snapshot(model) == before
