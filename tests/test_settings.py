"""Settings: each field's rule, and one home for the defaults."""

import dataclasses
import re

import numpy as np
import pytest

from seq2seq_lab.settings import Settings, require_digits

NOT_NUMBERS = [True, "1", float("nan"), float("inf"), [1]]
NOT_COUNTS = [*NOT_NUMBERS, 0, -1, 1.0, None]
COUNTS = [1, 7, np.int64(7)], NOT_COUNTS, "a whole number of at least 1"

RULES = {  # field: good values, bad values, what the error says is allowed
    "min_digits": ([1, 7, 10, np.int64(7)], NOT_COUNTS, "a whole number of at least 1"),
    "max_digits": ([5, 20, np.int64(7)], NOT_COUNTS, "a whole number of at least 1"),
    "batch_size": COUNTS,
    "samples": COUNTS,
    "samples_per_epoch": COUNTS,
    "validation_samples": COUNTS,
    "input_embedding": COUNTS,
    "target_embedding": COUNTS,
    "encoder_units": COUNTS,
    "decoder_units": COUNTS,
    "attention_units": COUNTS,
    "learning_rate": ([1e-5, 1, np.float32(0.1)], [*NOT_NUMBERS, 0, -0.1, None], "a number above 0"),
    "decay_samples": (
        [None, *COUNTS[0]],
        [value for value in COUNTS[1] if value is not None],
        "a whole number of at least 1, or None",
    ),
    "embedding_stddev": ([0, 0.1, 2], [*NOT_NUMBERS, -0.1, None], "a number of at least 0"),
    "cell_stddev": ([0, 0.1, 2], [*NOT_NUMBERS, -0.1, None], "a number of at least 0"),
    "scheduled_sampling": ([0, 0.5, 1], [*NOT_NUMBERS[1:], -0.1, 1.1, None], "a number from 0 to 1"),
    "sampling_ramp": COUNTS,
    "l2": ([0, 1e-5, 2], [*NOT_NUMBERS, -0.1, None], "a number of at least 0"),
    "clip_norm": ([None, 1e-5, 2], [*NOT_NUMBERS, 0, -0.1], "a number above 0, or None"),
}
FIELDS = [field.name for field in dataclasses.fields(Settings)]


def test_every_field_has_a_rule_here():
    assert sorted(RULES) == sorted(FIELDS)


@pytest.mark.parametrize("name", FIELDS)
def test_good_values_are_kept(name):
    for value in RULES[name][0]:
        assert getattr(Settings(**{name: value}), name) == value


@pytest.mark.parametrize("name", FIELDS)
def test_bad_values_are_refused_by_field_value_and_rule(name):
    _, bad, allowed = RULES[name]
    for value in bad:
        if value is None and re.search("embedding|units|stddev", name):  # of a part that does not say it
            assert getattr(Settings(**{name: None}), name) is None
            continue
        with pytest.raises(ValueError) as error:  # noqa: PT011 (the whole text is compared below)
            Settings(**{name: value})
        assert str(error.value) == f"{name} must be {allowed}, but is {value!r}"


def test_min_digits_may_not_pass_max_digits():
    require_digits(4, 4)
    with pytest.raises(ValueError, match=r"min_digits must be at most max_digits \(4\), but is 5"):
        Settings(min_digits=5, max_digits=4)


def test_settings_cannot_be_changed_after_they_were_checked():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().min_digits = 0


@pytest.mark.parametrize(
    ("samples", "batch", "batches"), [(10_000, 16, 625), (160, 16, 10), (31, 16, 1), (5, 16, 1)]
)
def test_an_epoch_holds_whole_batches_and_at_least_one(samples, batch, batches):
    assert Settings(samples_per_epoch=samples, batch_size=batch).batches_per_epoch == batches
