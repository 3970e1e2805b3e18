"""What `fit` is fed: which blocks, which of their batches, and a large batch in pieces."""

import numpy as np
import pytest

from seq2seq_lab import Seq2Seq, Settings, feed, get_batch, get_block
from seq2seq_lab.feed import blocks, by_length, pieces
from seq2seq_lab.training import prepare


@pytest.fixture
def model():
    model = Seq2Seq(Settings(min_digits=1, max_digits=3, batch_size=4, samples_per_epoch=24))
    prepare(model)
    return model


def drawn(dataset):
    return [(*x, targets, mask) for x, targets, mask in dataset.as_numpy_iterator()]


def is_block(found, seed, index, settings):
    *parts, _, targets, mask = found
    x, *rest = get_block(seed, index, settings).for_keras
    return all(map(np.array_equal, [*parts, targets, mask], [*x, *rest]))


@pytest.mark.parametrize(
    ("done", "batches", "expected"),
    [
        (0, 1, [(0, 0, 1)]),
        (0, 6, [(0, 0, 6)]),
        (0, 7, [(0, 0, 6), (1, 0, 1)]),
        (13, 3, [(2, 1, 4)]),
        (13, 11, [(2, 1, 6), (3, 0, 6)]),
        (17, 14, [(2, 5, 6), (3, 0, 6), (4, 0, 6), (5, 0, 1)]),
        (0, 0, [(0, 0, 0)]),
        (15, 0, [(2, 3, 3)]),
    ],
)
def test_blocks_depend_on_seed_and_count_alone(model, done, batches, expected):
    assert model.settings.batches_per_epoch == 6
    model.seed = 5
    model.optimizer.iterations.assign(done)
    found = drawn(blocks(model, batches))
    assert [tuple(block[3]) for block in found] == [(first, last) for _, first, last in expected]
    for block, (index, _, _) in zip(found, expected, strict=True):
        assert is_block(block, 5, index, model.settings)
        assert not is_block(block, 5, index + 1, model.settings)
        assert not is_block(block, 6, index, model.settings)


def test_blocks_begin_where_the_count_stands_when_they_are_read(model):
    feeding = blocks(model, 20)  # as when Keras restores a backup behind it
    model.optimizer.iterations.assign(15)
    model.seed = 3
    found = drawn(feeding)
    assert [tuple(block[3]) for block in found] == [(3, 6), (0, 2)]
    assert is_block(found[0], 3, 2, model.settings)


@pytest.mark.parametrize(("samples", "sizes"), [(3, [3]), (7, [7]), (15, [7, 7, 1])])
def test_pieces_put_together_are_the_batch(monkeypatch, samples, sizes):
    monkeypatch.setattr(feed, "AT_ONCE", 7)
    batch = get_batch(samples, 1, 4, rng=0)
    found = drawn(pieces(batch))
    assert [len(piece[0]) for piece in found] == sizes
    x, *rest = batch.for_keras
    for whole, *parts in zip([*x, *rest], *found, strict=True):
        assert np.array_equal(np.concatenate(parts), whole)


def test_by_length_reorders_whole_samples():
    batch = get_batch(50, 1, 9, rng=0)
    ordered = by_length(batch)
    assert (np.diff(ordered.inputs_seqlen) >= 0).all()
    assert not (np.diff(batch.inputs_seqlen) >= 0).all()

    def samples(batch):
        return sorted(zip(*(part.tolist() for part in batch), strict=True))

    assert samples(ordered) == samples(batch)
