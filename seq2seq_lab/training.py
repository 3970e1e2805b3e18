"""Train, evaluate, load: Keras' own `fit` over blocks of batches.

A block is one epoch, one program and one point of the validation curve. Used in section "Training" of
notebook 1.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

import seq2seq_lab.attention
import seq2seq_lab.decoder_only  # noqa: F401 (both, so that Keras knows every class that a file may name)
from seq2seq_lab._internals.draws import drawn_from
from seq2seq_lab._internals.input_pipeline import by_length, fed, pieces
from seq2seq_lab._internals.saving import read_model
from seq2seq_lab._internals.stopping import StopAtInterrupt
from seq2seq_lab._internals.vector_adam import VectorAdam
from seq2seq_lab.data import Batch, get_batch
from seq2seq_lab.loss import (
    accuracy_after_mistake,
    accuracy_by_position,
    exact_match,
    token_accuracy,
)
from seq2seq_lab.model import Seq2Seq
from seq2seq_lab.settings import COUNT, POSITIVE, PROBABILITY, SEED, Rule, Settings, require

VALIDATION_SEED = 2**31 - 1  # one validation set for every training, whatever its seed


def train(
    model: Seq2Seq,
    samples: int | None = None,
    seed: int | None = None,
    optimizer: Any = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    schedule: Callable[[int], float] | None = None,
) -> keras.callbacks.History:
    """Train on `samples` more samples, validating free-running after every `samples_per_epoch` of them.

    Training goes on where the model's optimiser stands. Batch number i depends on `seed` and i alone, so
    two trainings of 100,000 samples are one of 200,000, with or without a file between them.

    Args:
        samples: rounded up to whole batches; as in the model's settings unless given.
        seed: of the data; unless given, the one the model was trained with so far (0 at first).
        optimizer: a new one of Keras', starting from the first batch; unless given, the model's own,
            which is Adam with the settings' learning rate, constant or falling, at first.
        callbacks: Keras callbacks, as for `fit`.
        schedule: of scheduled sampling, from the number of training samples seen to the probability that
            the decoder reads its own last symbol instead of the true one. Unless given, the settings' own:
            a linear rise to `scheduled_sampling` over `sampling_ramp` samples.

    Returns:
        Keras' history: loss (teacher-forced, without penalty), `val_token_accuracy` and `val_exact_match`
        by epoch. Interrupting keeps what was learned and returns the history so far, with `.interrupted`.

    Raises:
        ValueError: `samples`, `seed` or a probability is out of range.
    """
    samples = model.settings.samples if samples is None else samples
    require("samples", samples, COUNT)
    seed = model.seed if seed is None else seed
    require("seed", seed, SEED)
    settings = model.settings
    batches = math.ceil(samples / settings.batch_size)
    schedule = schedule or linear_rise(settings)
    if schedule:
        seen = model.samples_seen if model.compiled and optimizer is None else 0
        for n in range(seen, seen + batches * settings.batch_size, settings.batch_size):
            require(f"schedule({n})", schedule(n), PROBABILITY)
    prepare(model, optimizer)
    model.seed = seed

    first = int(model.optimizer.iterations) % settings.batches_per_epoch
    history = keras.callbacks.History()
    try:
        with StopAtInterrupt() as stop:
            _fit(
                model,
                batches,
                schedule,
                epochs=math.ceil((first + batches) / settings.batches_per_epoch),
                callbacks=[*callbacks, stop, history],
            )
    finally:
        model._initial_epoch = None  # where a BackupAndRestore began: Keras would begin there ever after
    history.interrupted = stop.interrupted
    return history


def prepare(model: Seq2Seq, optimizer: Any = None) -> None:
    """Give the model its optimiser, with its variables, unless it has one."""
    if optimizer is None and not model.compiled:
        optimizer = VectorAdam(rate_of(model.settings))
    if optimizer is not None:
        optimizer = keras.optimizers.get(optimizer)
        if not optimizer.built:  # before the model has it: an interruption would leave it half made for good
            optimizer.build(model.trainable_variables)
        model.compile(optimizer=optimizer)
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)


def rate_of(settings: Settings) -> Any:
    """The settings' own, or `rate / (1 + samples seen / decay_samples)` if it is to fall."""
    rate, halved = settings.learning_rate, settings.decay_samples
    if halved is None:
        return rate
    return keras.optimizers.schedules.InverseTimeDecay(rate, halved / settings.batch_size, 1.0)


def warm_up(model: Seq2Seq) -> None:
    """Compile all that `train` and `evaluate` run, on a span of no batches: nothing is learned."""
    prepare(model)
    _fit(model, 0, linear_rise(model.settings))
    evaluate(model)


def linear_rise(settings: Settings) -> Callable[[int], float] | None:
    """The settings' own schedule of sampling; None for plain teacher forcing."""
    most = settings.scheduled_sampling
    return (lambda seen: most * min(1, seen / settings.sampling_ramp)) if most else None


def _fit(model: Seq2Seq, batches: int, schedule: Callable | None, **kwargs: Any) -> None:
    validation = pieces(by_length(held_out(model)))
    model.fit(**fed(model, batches, schedule), validation_data=validation, **kwargs)


def restart(model: Seq2Seq, learning_rate: float | None = None, seed: int | None = None) -> None:
    """Draw the weights anew and forget the optimiser's past, without compiling anything again.

    Args:
        learning_rate: the optimiser's from now on; unless given, it stays.
        seed: of the draw, as after `keras.utils.set_random_seed(seed)`, but no generator is changed; unless
            given, Keras' own goes on from where it stands.

    Raises:
        ValueError: `seed` is out of range; `learning_rate` is not above 0, or is given where the optimiser
            has a schedule for it.
    """
    if seed is not None:
        require("seed", seed, SEED)
    if learning_rate is not None:
        require("learning_rate", learning_rate, POSITIVE)
    prepare(model)
    if isinstance(schedule := model.optimizer.get_config().get("learning_rate"), dict):
        words = f"None where the optimiser follows a schedule, {schedule['class_name']}"
        require("learning_rate", learning_rate, Rule(words, lambda v: v is None))
    with drawn_from(seed):
        fresh = type(model).from_config(model.get_config())
    optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
    optimizer.build(model.trainable_variables)
    model.set_weights(fresh.get_weights())
    for variable, first in zip(model.optimizer.variables, optimizer.variables, strict=True):
        variable.assign(first)
    if learning_rate is not None:
        model.optimizer.learning_rate = learning_rate


class Evaluation(NamedTuple):
    """What `evaluate` measures."""

    token_accuracy: float  # over all true places
    exact_match: float  # over whole sequences
    accuracy_by_position: np.ndarray  # (T,), NaN where no sample is that long
    accuracy_after_mistake: np.ndarray  # (T,), of what follows a first mistake at that position


def held_out(model: Seq2Seq, samples: int | None = None, seed: int = VALIDATION_SEED) -> Batch:
    """Held-out samples of the lengths that the model's settings name: at first, its validation set."""
    settings = model.settings
    samples = settings.validation_samples if samples is None else samples
    require("samples", samples, COUNT)
    require("seed", seed, SEED)
    return get_batch(samples, settings.min_digits, settings.max_digits, seed, "validation")


def evaluate(
    model: Seq2Seq, samples: int | None = None, seed: int = VALIDATION_SEED, teacher_forced: bool = False
) -> Evaluation:
    """Measure the model on held-out samples, by default free-running and on its validation set.

    Raises:
        ValueError: `samples` or `seed` is out of range.
    """
    batch = by_length(held_out(model, samples, seed))
    x, *truth = batch.for_keras
    logits = model(*x) if teacher_forced else model.predict(pieces(batch), verbose=0)
    judged = logits, *truth
    return Evaluation(
        float(token_accuracy(*judged)),
        float(exact_match(*judged)),
        accuracy_by_position(*judged).numpy(),
        accuracy_after_mistake(*judged).numpy(),
    )


def load(path: str | os.PathLike, custom_objects: dict | None = None) -> Seq2Seq:
    """Load a model that `model.save` wrote, ready to translate or to train on.

    Args:
        custom_objects: your own classes by name, unless they are registered with Keras.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, or holds no `Seq2Seq`.
    """
    model = read_model(path, custom_objects)
    if not isinstance(model, Seq2Seq):
        raise ValueError(f"path must name a saved Seq2Seq, but {path} holds a {type(model).__name__}")
    return model
