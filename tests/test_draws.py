"""First weights from a seed: the same as Keras', and nothing else is changed."""

import random
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_lab import (
    AttentionDecoder,
    Decoder,
    Encoder,
    Seq2Seq,
    Settings,
    TransformerDecoder,
    TransformerEncoder,
    restart,
    with_attention,
)
from seq2seq_lab._internals.draws import drawn_from

MODELS = {
    "plain": lambda: Seq2Seq(),
    "attending": lambda: Seq2Seq(with_attention(), decoder=AttentionDecoder.from_settings(with_attention())),
    "transformer": lambda: Seq2Seq(Settings(), TransformerEncoder(), TransformerDecoder()),
    "lstm": lambda: Seq2Seq(
        encoder=Encoder(keras.layers.LSTMCell(4)), decoder=Decoder(keras.layers.LSTMCell(4))
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_a_restart_from_a_seed_draws_what_keras_draws_after_setting_it(make):
    model, other = make(), make()
    for seed in (5, np.int64(6)):
        restart(model, seed=seed)
        keras.utils.set_random_seed(int(seed))
        restart(other)
        assert all(map(np.array_equal, model.get_weights(), other.get_weights()))


def next_numbers():
    """What Python's, NumPy's and TensorFlow's generators give next."""
    return random.random(), np.random.random(), float(tf.random.uniform(()))


def test_a_restart_from_a_seed_leaves_every_generator_where_it_stands():
    model = Seq2Seq()
    keras.utils.set_random_seed(7)
    alone = next_numbers()
    keras.utils.set_random_seed(7)
    restart(model, seed=5)
    assert next_numbers() == alone


@pytest.mark.slow
def test_a_restart_from_no_seed_goes_on_where_keras_generator_stands():
    model, drawn = Seq2Seq(), []
    keras.utils.set_random_seed(7)
    for _ in range(2):
        restart(model)
        drawn.append(model.get_weights())
    assert not np.array_equal(drawn[0][0], drawn[1][0])
    keras.utils.set_random_seed(7)
    for weights in drawn:
        restart(model)
        assert all(map(np.array_equal, model.get_weights(), weights))


def test_a_second_thread_waits_until_the_first_has_drawn():
    found, inside, go_on = [], threading.Event(), threading.Event()

    def other():
        with drawn_from(6):
            inside.set()
            go_on.wait(10)
            found.append(random.random())

    thread = threading.Thread(target=other)
    with drawn_from(5):
        numbers = [random.random()]
        thread.start()
        assert not inside.wait(0.2)
        numbers.append(random.random())
    go_on.set()
    thread.join()
    alone = random.Random(5)
    assert numbers == [alone.random(), alone.random()]
    assert found == [random.Random(6).random()]


def test_the_generator_is_put_back_after_an_error_too():
    random.seed(8)
    with pytest.raises(KeyError), drawn_from(5):
        raise KeyError
    assert random.random() == random.Random(8).random()
    with drawn_from(5):
        pass  # and the next thread may draw


@pytest.mark.parametrize("seed", [-1, 1.5, "one", 2**31])
def test_a_seed_out_of_range_is_refused_before_anything_changes(seed):
    model = Seq2Seq()
    before = model.get_weights()
    with pytest.raises(ValueError, match="seed must be a whole number from 0 to"):
        restart(model, learning_rate=0.5, seed=seed)
    assert all(map(np.array_equal, model.get_weights(), before))
    assert not model.compiled
