"""On a GPU the lab computes what it does on a CPU, at every batch size that is worth one.

Every other test runs on the GPU as well, where there is one: TensorFlow puts the work there by itself.
"""

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_lab import Seq2Seq, Settings, evaluate, get_block, restart, sequence_loss, train
from seq2seq_lab._internals.devices import on_gpu

GPU, CPU = "GPU:0", "CPU:0"
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.slow,
    pytest.mark.skipif(not on_gpu(), reason="TensorFlow finds no GPU"),
]


def loss_and_gradients(model, data, device):
    *x, targets, mask = data
    with tf.device(device), tf.GradientTape() as tape:
        loss = sequence_loss(model(*x), targets, mask)
    assert device in loss.device
    return [loss, *tape.gradient(loss, model.trainable_variables)]


@pytest.mark.parametrize("batch_size", [16, 256])
def test_loss_and_gradients_are_those_of_the_cpu(batch_size):
    settings = Settings(batch_size=batch_size, samples_per_epoch=batch_size)
    model = Seq2Seq(settings)
    x, targets, mask = get_block(0, 0, settings).for_keras
    data = [part[0] for part in (*x, targets, mask)]
    for a, b in zip(*(loss_and_gradients(model, data, device) for device in (GPU, CPU)), strict=True):
        np.testing.assert_allclose(tf.convert_to_tensor(a), tf.convert_to_tensor(b), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("batch_size", [16, 256, 4_096, 16_384])
def test_training_learns(batch_size):
    model = Seq2Seq(
        Settings(batch_size=batch_size, samples_per_epoch=20 * batch_size, validation_samples=500)
    )
    assert all(GPU in weight.value.device for weight in model.weights)
    losses = train(model, samples=40 * batch_size).history["loss"]
    assert np.isfinite(losses).all()
    assert losses[1] < losses[0]
    assert 0 <= evaluate(model).exact_match <= 1
    restart(model)
    assert train(model, samples=20 * batch_size).history["loss"][0] > losses[1]


def test_a_training_can_be_repeated_to_the_bit():
    model = Seq2Seq(Settings(samples_per_epoch=320, validation_samples=100))
    first = model.get_weights()

    def trained():
        restart(model)
        model.set_weights(first)
        train(model, samples=640)
        return model.get_weights()

    for a, b in zip(trained(), trained(), strict=True):
        np.testing.assert_array_equal(a, b)
