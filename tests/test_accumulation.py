"""A large batch, learned from in micro-batches, gives the loss and the gradients of the batch as a whole."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_lab import AttentionDecoder, Decoder, Encoder, Seq2Seq, Settings, get_batch, get_block, train
from seq2seq_lab import encoder_decoder as parts
from seq2seq_lab._internals import accumulation as accumulation
from seq2seq_lab._internals.accumulation import micro_batches

SMALL = Settings(
    min_digits=1,
    max_digits=4,
    batch_size=96,
    samples_per_epoch=96,
    validation_samples=20,
    encoder_units=5,
    decoder_units=5,
    attention_units=3,
    input_embedding=3,
    target_embedding=4,
)


class Idle(Decoder):
    """Runs step by step, with gradients by TensorFlow, sparse ones; and has a weight that nothing uses."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.idle = self.add_weight((2, 3), name="idle")


def attention(settings):
    return Seq2Seq(settings, decoder=AttentionDecoder.from_settings(settings))


def foreign(settings):
    """Parts of a student's own."""
    encoder = Encoder(keras.layers.GRUCell(settings.encoder_units), settings.input_embedding)
    return Seq2Seq(settings, encoder, Idle(keras.layers.GRUCell(5), settings.target_embedding))


def made(kind=Seq2Seq, **changes):
    """A model with weights so large that every sample counts."""
    model = kind(dataclasses.replace(SMALL, **changes))
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(0, 0.7, weight.shape) for weight in model.weights])
    return model


def drawn():
    return get_batch(SMALL.batch_size, SMALL.min_digits, SMALL.max_digits, rng=0).for_keras


def by_micro_batches(model, x, targets, mask):
    """Loss and gradients, in a program compiled by XLA, as in a training."""

    @tf.function(jit_compile=True, autograph=False)
    def run(*batch):
        *x, targets, mask = batch
        return accumulation.accumulated(model.gradients, model.trainable_variables, x, targets, mask)

    loss, gradients = run(*x, targets, mask)
    return [loss, *gradients]


def at_once(model, x, targets, mask):
    loss, gradients = model.gradients(x, targets, mask)
    zeros = map(tf.zeros_like, model.trainable_variables)
    return [
        loss,
        *(z if g is None else tf.convert_to_tensor(g) for g, z in zip(gradients, zeros, strict=True)),
    ]


def assert_same(found, wanted):
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=2e-6)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [attention, foreign])
def test_loss_and_gradients_are_those_of_the_whole_batch(kind):
    model = made(kind)
    wanted = at_once(model, *drawn())
    assert sum(float(tf.norm(g)) > 1e-3 for g in wanted) == len(wanted) - (kind is foreign)
    assert_same(by_micro_batches(model, *drawn()), wanted)


@pytest.mark.slow
def test_the_penalty_counts_once_and_what_sampling_feeds_stays_with_its_sample():
    x, targets, mask = drawn()
    own = np.random.default_rng(2).random(targets.shape) < 0.5
    free, l2 = made(), 0.5
    without, with_others = (at_once(free, (*x, coins), targets, mask) for coins in (own, own[::-1]))
    assert abs(float(with_others[0] - without[0])) > 1e-3

    loss, *gradients = by_micro_batches(made(l2=l2), (*x, own), targets, mask)
    pulled = [g + l2 * w for g, w in zip(without[1:], free.get_weights(), strict=True)]
    assert_same([loss, *gradients], [without[0], *pulled])


@pytest.mark.parametrize("gpus", [[], ["a GPU"]])
def test_how_a_batch_is_cut(monkeypatch, gpus):
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: gpus)
    for whole in (1, 16, 64, 65, 127, 134, None):
        assert micro_batches(whole) == 1
    for size, parts_ in {66: 2, 96: 2, 100: 2, 128: 2, 1_000: 20, 1_024: 16, 2_144: 67, 10_000: 200}.items():
        assert micro_batches(size) == (1 if gpus else parts_)
    for size in range(1, 700):
        n = micro_batches(size)
        assert size % n == 0
        assert n == 1 or 32 <= size // n <= 64


def test_each_micro_batch_takes_as_many_steps_as_its_own_longest_text(monkeypatch):
    steps, unroll = [], parts.unroll

    def noting(cell, ids, embeddings, h, n):
        if cell is model.encoder.cell:
            steps.append(int(n))
        return unroll(cell, ids, embeddings, h, n)

    model = made()
    monkeypatch.setattr(parts, "unroll", noting)
    x, targets, mask = drawn()
    accumulation.accumulated(model.gradients, model.trainable_variables, x, targets, mask)
    assert steps == np.sort(x[1]).reshape(2, 48).max(1).tolist()
    assert steps[0] < steps[1]


@pytest.mark.slow
def test_training_uses_them(monkeypatch):
    """A step of `fit` on a large batch is a step on the whole batch."""
    x, targets, mask = tf.nest.map_structure(lambda part: part[0], get_block(3, 0, SMALL).for_keras)
    model, cut = made(), []
    monkeypatch.setattr(accumulation, "micro_batches", lambda B: cut.append(micro_batches(B)) or cut[-1])
    loss, *gradients = at_once(model, x, targets, mask)
    before = model.get_weights()
    history = train(model, SMALL.batch_size, seed=3, optimizer=keras.optimizers.SGD(0.5))
    assert history.history["loss"] == [pytest.approx(float(loss), abs=1e-5)]
    assert_same(model.get_weights(), [w - 0.5 * g for w, g in zip(before, gradients, strict=True)])
    assert set(cut) == {2}
