"""Answers to the exercises of notebook 4."""

import numpy as np
import tensorflow as tf

from answers import almost, right, wrong


@right("schedule")
def schedule_up_to_a_half(samples):
    return min(0.5, samples / 100_000)


@right("schedule")
def schedule_in_steps(samples):
    if samples < 10_000:
        return 0
    elif samples < 50_000:
        return 0.1
    return 0.25


@right("schedule")
def schedule_sigmoid(samples):
    k = 5000
    return 1 - k / (k + np.exp(min(samples / k, 50)))


@right("schedule")
def schedule_in_tensorflow(samples):
    return 1 - tf.pow(0.9999, tf.cast(samples, tf.float32))


@right("schedule")
def schedule_constant(samples):
    return 0.25


@wrong("schedule", "out-of-range")
def schedule_that_grows_for_ever(samples):
    return samples / 100_000


@wrong("schedule", "out-of-range")
def schedule_that_falls_below_0(samples):
    return 1 - samples / 50_000


@wrong("schedule", "out-of-range")
def schedule_in_percent(samples):
    return min(30, samples / 1000)


@wrong("schedule", "out-of-range")
def schedule_of_nan(samples):
    seen = tf.cast(samples, tf.float32)
    return 0.3 * seen / (seen + seen)


@wrong("schedule", "never")
def schedule_by_whole_numbers(samples):
    return min(0.3, samples // 100_000_000)


@wrong("schedule", "never")
def schedule_of_min_and_max_mixed_up(samples):
    return min(0, samples / 100_000)


@wrong("schedule", "always")
def schedule_of_max_for_min(samples):
    return max(1, samples / 100_000_000)


@wrong("schedule", "shape")
def schedule_of_an_array(samples):
    return np.clip([samples / 100_000], 0, 0.5)


@wrong("schedule", "raises")
def schedule_divided_by_0(samples):
    return 1 - min(1, 1000 / samples)


@wrong("schedule", "nothing")
def schedule_with_a_missing_else(samples):
    if samples > 20_000:
        return 0.3


@wrong("schedule", "nothing")
def schedule_without_an_else(samples):
    if samples > 50_000:
        return 0.2


@wrong("schedule", "type")
def schedule_of_text(samples):
    return "0.3"


@right("schedule")
def schedule_behind_the_plan(samples):
    return 0.0 if samples < 200_001 else 0.25


@right("schedule")
def schedule_that_rises_late(samples):
    return min(0.3, max(0, samples - 300_000) / 1_000_000)


@right("schedule")
def schedule_in_whole_millions(samples):
    return min(0.3, samples // 1_000_000)


@almost("schedule", "out-of-range")
def schedule_up_to_the_plan(samples):
    return samples / 200_000


@almost("schedule", "out-of-range")
def schedule_that_falls_as_planned(samples):
    return 0.4 - 0.4 * samples / 200_000


@almost("schedule", "raises")
def schedule_from_a_list(samples):
    return [0, 0.1, 0.2, 0.25, 0.3][samples // 50_000]
