"""What Keras' `fit` is fed: blocks of batches to learn from, pieces of a large batch to be measured on.

Used in section "Training" of notebook 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from seq2seq_lab._internals.memory import reuse_memory
from seq2seq_lab.data import Batch, get_batch, get_block
from seq2seq_lab.settings import Settings

AT_ONCE = Settings.validation_samples  # samples measured together: bounds the memory of an evaluation


def blocks(model: Any, batches: int, schedule: Callable | None = None) -> tf.data.Dataset:
    """The next `batches` of a training, a block at a time, as `train_step` takes them.

    It begins where the optimiser's count stands when it is first read. A block is drawn while the one before
    it is learned from. With no batches there is one block, of which none is taken. With a `schedule` of
    sampling, a block also says where the decoder reads its own last symbol.
    """
    settings, K = model.settings, model.settings.batches_per_epoch
    end = int(model.optimizer.iterations) + batches

    def draw() -> Iterator[tuple]:
        reuse_memory()  # not before: TensorFlow has just begun to read, and chosen otherwise
        done, unfinished = int(model.optimizer.iterations), True
        while unfinished:
            index, first = divmod(done, K)
            last = min(K, first + end - done)
            x, targets, mask = get_block(model.seed, index, settings).for_keras
            if schedule is not None:
                x = *x, flip_coins(model.seed, index, settings, schedule)
            yield (*x, np.array([first, last], np.int32)), targets, mask
            done += last - first
            unfinished = done < end

    def spec(part: np.ndarray) -> tf.TensorSpec:
        return tf.TensorSpec((K, settings.batch_size, *part.shape[1:]), part.dtype)

    one = get_batch(1, settings.min_digits, settings.max_digits, rng=0)
    x, targets, mask = tf.nest.map_structure(spec, one.for_keras)
    if schedule is not None:
        x = *x, tf.TensorSpec(targets.shape, tf.bool)
    signature = (*x, tf.TensorSpec((2,), tf.int32)), targets, mask
    return untuned(tf.data.Dataset.from_generator(draw, output_signature=signature).prefetch(1))


def flip_coins(seed: int, index: int, settings: Settings, schedule: Callable) -> np.ndarray:
    """Where the decoder reads its own last symbol in block number `index`, `(K, B, T)` of coins flipped.

    `schedule` gives their probability from the training samples before a batch. At the first step there is
    nothing of its own to read.
    """
    K, B, T = settings.batches_per_epoch, settings.batch_size, settings.max_digits + 1
    probabilities = [schedule((index * K + k) * B) for k in range(K)]
    coins = np.random.default_rng([seed, index, 1]).random((K, B, T))  # another stream than the samples
    return (coins < np.reshape(probabilities, (K, 1, 1))) & (np.arange(T) > 0)


def fed(model: Any, batches: int, schedule: Callable | None = None) -> dict[str, Any]:
    """The arguments with which `fit` takes one block an epoch; it would shuffle blocks, drawn in order."""
    return {"x": blocks(model, batches, schedule), "steps_per_epoch": 1, "shuffle": False, "verbose": 0}


def pieces(batch: Batch) -> tf.data.Dataset:
    """A large batch, `AT_ONCE` samples at a time, as `test_step` and `predict_step` take them."""
    in_full = len(batch.inputs) // AT_ONCE * AT_ONCE

    def full(part: np.ndarray) -> np.ndarray:
        return part[:in_full].reshape(-1, AT_ONCE, *part.shape[1:])

    def rest(part: np.ndarray) -> np.ndarray:
        return part[in_full:]

    cut = tf.data.Dataset.from_tensor_slices(tf.nest.map_structure(full, batch.for_keras))
    if in_full < len(batch.inputs):
        cut = cut.concatenate(tf.data.Dataset.from_tensors(tf.nest.map_structure(rest, batch.for_keras)))
    return untuned(cut)


def untuned(data: tf.data.Dataset) -> tf.data.Dataset:
    """The dataset without a tuner, which has nothing to do here, and at times misses that it should stop.

    It sleeps twice as long each time, and a `fit` cannot end before it wakes up: after the first, which
    compiles, that took up to two seconds.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return data.with_options(options)


def by_length(batch: Batch) -> Batch:
    """The same samples, shortest text first, so that texts of one length are decoded together."""
    order = np.argsort(batch.inputs_seqlen, kind="stable")
    return Batch(*(part[order] for part in batch))
