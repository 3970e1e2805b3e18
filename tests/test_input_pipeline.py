"""What `fit` is fed: which blocks, which of their batches, and a large batch in pieces."""

import platform

import numpy as np
import pytest

from seq2seq_lab import Seq2Seq, Settings, get_batch, get_block
from seq2seq_lab._internals import input_pipeline as feed
from seq2seq_lab._internals.input_pipeline import blocks, by_length, pieces
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


DRAW = """
import resource
import seq2seq_lab
seq2seq_lab.setup()
from seq2seq_lab._internals.input_pipeline import blocks
from seq2seq_lab.training import prepare

model = seq2seq_lab.Seq2Seq()
prepare(model)
list(blocks(model, 1))

def draw(n):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for i in range(n):
        seq2seq_lab.get_block(0, i, model.settings)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / n

draw(3)
print(draw(10))
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc that can be told to keep memory")
def test_blocks_are_drawn_into_memory_that_is_there(fresh_python):
    """The first to be read from a generator: TensorFlow then has glibc return memory to the system."""
    result = fresh_python(DRAW)
    assert float(result.stdout) < 100, result.stderr  # new pages for each block, some 3,000 otherwise


def test_blocks_begin_where_the_count_stands_when_they_are_read(model):
    feeding = blocks(model, 20)  # as when Keras restores a backup behind it
    model.optimizer.iterations.assign(15)
    model.seed = 3
    found = drawn(feeding)
    assert [tuple(block[3]) for block in found] == [(3, 6), (0, 2)]
    assert is_block(found[0], 3, 2, model.settings)


def test_a_schedule_adds_the_places_where_the_decoder_reads_its_own_symbol(model):
    settings = model.settings

    def schedule(seen):
        return {24: 0.0, 28: 1.0}.get(seen, 0.5)

    model.optimizer.iterations.assign(7)
    found = drawn(blocks(model, 30, schedule))
    without = drawn(blocks(model, 30))
    for i, (block, plain) in enumerate(zip(found, without, strict=True), 1):
        *x, own, span, targets, mask = block
        assert all(map(np.array_equal, [*x, span, targets, mask], plain))  # the samples stay as they were
        assert np.array_equal(own, feed.flip_coins(0, i, settings, schedule))
        assert own.shape == targets.shape
        assert not own[..., 0].any()
    first = found[0][3]
    assert not first[0].any()  # 24 samples stand before it
    assert first[1, :, 1:].all()
    assert {own.mean() for own in first[2:, :, 1:]} != {0.5}  # coins, and not every second place


def test_coins_fall_as_often_as_the_schedule_says_and_depend_on_seed_and_block():
    settings = Settings(batch_size=500, samples_per_epoch=5_000)
    own = feed.flip_coins(3, 2, settings, lambda seen: (seen - 10_000) / 5_000)
    share = own[..., 1:].mean((1, 2))  # of each batch
    np.testing.assert_allclose(share, np.arange(10) / 10, atol=0.03)
    again, *others = (
        feed.flip_coins(seed, i, settings, lambda seen: 0.5) for seed, i in [(3, 2), (3, 3), (4, 2)]
    )
    for other in others:
        assert 0.4 < np.mean(again == other) < 0.7


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


def test_no_tuner_sleeps_at_the_end_of_a_dataset(model):
    whole, with_rest = get_batch(feed.AT_ONCE, 1, 2, rng=0), get_batch(feed.AT_ONCE + 1, 1, 2, rng=0)
    for dataset in (blocks(model, 1), pieces(whole), pieces(with_rest)):
        assert dataset.options().autotune.enabled is False
