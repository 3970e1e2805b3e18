"""Loss and accuracies against Keras and against plain loops: padding counts for nothing."""

import keras
import numpy as np
import pytest

from seq2seq_lab.loss import (
    accuracy_after_mistake,
    accuracy_by_position,
    exact_match,
    sequence_loss,
    token_accuracy,
)
from seq2seq_lab.views.curves import accuracy_by_length

LENGTHS = [6, 2, 3, 1, 5, 2]
B, T, V = len(LENGTHS), 7, 11  # no sample uses the last place
MEASURES = [sequence_loss, token_accuracy, exact_match, accuracy_by_position]


@pytest.fixture
def batch():
    """Logits, targets and mask: padded targets are 0, and two samples are right at every place."""
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(B, T, V)).astype("float32")
    mask = (np.arange(T) < np.array(LENGTHS)[:, None]).astype("float32")
    targets = np.where(rng.random((B, T)) < 0.6, logits.argmax(-1), rng.integers(0, V, (B, T)))
    targets[1], targets[4] = logits[1].argmax(-1), logits[4].argmax(-1)
    return logits, np.where(mask, targets, 0).astype("int32"), mask


def true_places(targets):
    return [(b, t) for b, length in enumerate(LENGTHS) for t in range(length)]


def test_the_loss_is_the_mean_of_keras_own_over_the_true_places(batch):
    logits, targets, mask = batch
    crossentropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")
    each = [float(crossentropy(targets[b, t], logits[b, t])) for b, t in true_places(targets)]
    assert float(sequence_loss(logits, targets, mask)) == pytest.approx(np.mean(each), rel=1e-6)


def test_one_place_alone_has_keras_own_loss(batch):
    logits, targets, _ = batch
    crossentropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")
    for place in true_places(targets):
        mask = np.zeros((B, T), "float32")
        mask[place] = 1
        wanted = float(crossentropy(targets[place], logits[place]))
        assert float(sequence_loss(logits, targets, mask)) == pytest.approx(wanted, rel=1e-5)


def test_token_accuracy_counts_the_true_places(batch):
    logits, targets, mask = batch
    right = [logits[place].argmax() == targets[place] for place in true_places(targets)]
    assert 0 < sum(right) < len(right)
    assert float(token_accuracy(logits, targets, mask)) == pytest.approx(sum(right) / len(right))


@pytest.fixture
def many():
    """As above, more of them, in lengths from 2 to 6; with what is right at the true places of each."""
    rng = np.random.default_rng(2)
    lengths = rng.integers(2, 7, 200)
    logits, mask = rng.normal(size=(200, T, V)), np.arange(T) < lengths[:, None]
    targets = np.where(rng.random((200, T)) < 0.7, logits.argmax(-1), 0)
    right = [list(row[:n]) for row, n in zip(logits.argmax(-1) == targets, lengths, strict=True)]
    return (logits.astype("float32"), targets.astype("int32"), mask), right


def test_accuracy_after_a_mistake_counts_what_follows_the_first(many):
    judged, right = many
    after = {t: [] for t in range(T)}
    for row in right:
        if not all(row):
            after[row.index(False)] += row[row.index(False) + 1 :]
    wanted = [np.mean(after[t]) if after[t] else np.nan for t in range(T)]
    assert np.isfinite(wanted).tolist() == [True] * 5 + [False] * 2
    np.testing.assert_allclose(accuracy_after_mistake(*judged), wanted, atol=1e-6)


def test_accuracy_by_length_counts_the_samples_of_each(many):
    judged, right = many
    by_length = [[row for row in right if len(row) == n + 1] for n in range(T)]
    tokens = [np.mean(np.concatenate(rows)) if rows else np.nan for rows in by_length]
    exact = [np.mean([all(row) for row in rows]) if rows else np.nan for rows in by_length]
    assert np.isfinite(exact).tolist() == [False] + [True] * 5 + [False]
    for found, wanted in zip(accuracy_by_length(*judged), (tokens, exact), strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_exact_match_counts_the_sequences_without_a_mistake(batch):
    logits, targets, mask = batch
    right = [
        all(logits[b, t].argmax() == targets[b, t] for t in range(length)) for b, length in enumerate(LENGTHS)
    ]
    assert 2 <= sum(right) < B
    assert float(exact_match(logits, targets, mask)) == pytest.approx(sum(right) / B)


def test_accuracy_by_position_is_nan_where_no_sample_is_that_long(batch):
    logits, targets, mask = batch
    found = accuracy_by_position(logits, targets, mask).numpy()
    assert found.shape == (T,)
    for t in range(T):
        right = [logits[b, t].argmax() == targets[b, t] for b, length in enumerate(LENGTHS) if length > t]
        wanted = sum(right) / len(right) if right else float("nan")
        assert found[t] == pytest.approx(wanted, nan_ok=True)
    assert np.isnan(found).tolist() == [False] * 6 + [True]


@pytest.mark.parametrize("measure", MEASURES)
def test_more_padding_changes_nothing(batch, measure):
    logits, targets, mask = batch
    before = measure(logits, targets, mask).numpy()
    wide = [np.pad(part, [(0, 0), (0, 3), (0, 0)][: part.ndim]) for part in batch]
    after = measure(*wide).numpy()
    assert np.allclose(after[:T] if after.ndim else after, before, rtol=1e-6, equal_nan=True)
    assert np.isnan(after[T:]).all() if after.ndim else True


@pytest.mark.parametrize("measure", MEASURES)
def test_what_stands_in_the_padding_does_not_matter(batch, measure):
    logits, targets, mask = batch
    rng = np.random.default_rng(2)
    other_logits = np.where(mask[..., None], logits, rng.normal(size=logits.shape)).astype("float32")
    other_targets = np.where(mask, targets, rng.integers(0, V, targets.shape)).astype("int32")
    assert np.array_equal(
        measure(logits, targets, mask), measure(other_logits, other_targets, mask), equal_nan=True
    )


@pytest.mark.parametrize("measure", MEASURES)
def test_the_mask_may_be_of_any_kind(batch, measure):
    logits, targets, mask = batch
    wanted = measure(logits, targets, mask)
    for kind in bool, "int32", "float64":
        assert np.array_equal(measure(logits, targets, mask.astype(kind)), wanted, equal_nan=True)
