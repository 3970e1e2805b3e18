"""The benchmark measures what it says: the same work for all, first turns apart, medians of the rest."""

import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_lab import (
    Seq2Seq,
    Settings,
    get_batch,
    get_block,
)
from seq2seq_lab.cli import benchmark
from seq2seq_lab.cli.benchmark import (
    CONTESTANTS,
    DEFAULTS,
    JITTED,
    LAB,
    STYLES,
    Clock,
    Growth,
    Row,
    benchmark_table,
    growth,
    keras_model,
    plot_growth,
    training_steps,
)
from seq2seq_lab.training import prepare

SMALL = Settings(min_digits=1, max_digits=3, batch_size=4, samples_per_epoch=80, validation_samples=40)


def test_turns_alternate_and_the_first_counts_as_compiling(monkeypatch):
    now, calls = [0.0], []
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def contestant(name, seconds):
        def run(i):
            calls.append((name, i))
            now[0] += seconds[i]
            return seconds[i] / 10

        return run

    runs = {"a": contestant("a", [9, 2, 4, 3]), "b": contestant("b", [1, 1, 1, 1])}
    steps, compiling = training_steps(runs, turns=3)
    assert calls == [(name, i) for i in range(4) for name in "ab"]
    assert steps.turns == {"a": [0.2, 0.4, 0.3], "b": [0.1, 0.1, 0.1]}
    assert steps.median("a") == 0.3
    assert compiling.turns == {"a": [9 - 3], "b": [0]}


def test_the_clock_stops_at_the_last_training_step_of_an_epoch(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    clock = Clock()
    clock.on_train_begin()
    for epoch, steps in enumerate(([1, 2], [5])):
        clock.on_epoch_begin(epoch)
        for seconds in steps:
            now[0] += seconds
            clock.on_train_batch_end(0, {"loss": 0.0})
        now[0] += 100  # a validation
        clock.on_epoch_end(epoch)
    assert clock.seconds == [3, 5]


def test_the_peer_is_the_same_model():
    model, peer = Seq2Seq(SMALL), keras_model(SMALL)
    second_biases = 3 * (SMALL.encoder_units + SMALL.decoder_units)  # Keras' GRU has two for each gate
    assert peer.count_params() == model.count_params() + second_biases
    batch = get_batch(6, 1, 3, rng=0)
    longer = batch.inputs + (np.arange(batch.inputs.shape[1]) >= batch.inputs_seqlen[:, None])
    logits = (peer((x, batch.inputs_seqlen, batch.targets_in)) for x in (batch.inputs, longer))
    assert np.array_equal(*logits)  # what stands behind a text's end changes nothing
    assert peer.output_shape == (None, 4, 11)


@pytest.mark.slow
def test_the_jitted_peer_takes_its_turns_as_well():
    run = benchmark.keras_jitted(SMALL)
    assert all(run(i) > 0 for i in range(2))


def test_at_every_size_the_lab_and_its_nearest_peer_take_turns(monkeypatch):
    calls, grown_by = [], {16: 1, 128: 2, 1024: 3}

    def contestant(name, settings):
        assert settings.batches_per_epoch >= 8

        def run(i):
            calls.append((i, name, settings.batch_size, settings.min_digits, settings.max_digits))
            return grown_by[settings.batch_size] * settings.max_digits + CONTESTANTS.index(name) + i / 8

        return run

    monkeypatch.setattr(benchmark, "Seq2Seq", lambda settings: settings)
    monkeypatch.setattr(benchmark, "the_lab", lambda settings: contestant(LAB, settings))
    monkeypatch.setattr(benchmark, "keras_jitted", lambda settings: contestant(JITTED, settings))
    grown = growth(Settings(), {name: contestant(name, Settings()) for name in CONTESTANTS}, turns=2)
    others = [(128, 5, 10), (1024, 5, 10), (16, 20, 40)]
    one_turn = [(name, 16, 5, 10) for name in CONTESTANTS]
    one_turn += [(name, *size) for size in others for name in (LAB, JITTED)]
    assert calls == [(i, *run) for i in range(3) for run in one_turn]

    def row(number, *names):
        return {name: [number + k + 1 / 8, number + k + 2 / 8] for k, name in enumerate(names)}

    own, near = row(10, *CONTESTANTS), (LAB, JITTED)
    by_batch_size = {B: r.turns for B, r in grown.by_batch_size.items()}
    assert by_batch_size == {16: own, 128: row(20, *near), 1024: row(30, *near)}
    assert {D: r.turns for D, r in grown.by_digits.items()} == {10: own, 40: row(40, *near)}


def test_growth_is_drawn_as_medians_in_milliseconds_where_there_are_some():
    base = Row("a step", "s", {LAB: [0.001, 0.009, 0.002], DEFAULTS: [0.5]})
    grown = Growth(
        {16: base, 64: Row("a step", "s", {LAB: [0.004]})},
        {10: base, 40: Row("a step", "s", {LAB: [0.003, 0.005]})},
    )
    left, right = plot_growth(grown).axes
    for axes in (left, right):
        assert {line.get_label(): list(line.get_ydata()) for line in axes.get_lines()} == {
            LAB: [2, 4],
            DEFAULTS: [500],
        }
    assert list(left.get_lines()[0].get_xdata()) == [16, 64]
    assert [text.get_text() for text in right.get_xticklabels()] == ["10", "40"]


def test_every_contestant_is_drawn_in_a_style_of_its_own():
    assert list(STYLES) == list(CONTESTANTS)
    assert len(set(STYLES.values())) == len(CONTESTANTS)


def test_sizes_are_compared_turn_by_turn():
    many = {
        16: Row("a step", "s", {LAB: [1.0, 4.0], JITTED: [1.0, 1.0]}),
        128: Row("a step", "s", {LAB: [9.0, 9.0], JITTED: [9.0, 9.0]}),
        1024: Row("a step", "s", {LAB: [30.0, 80.0], JITTED: [5.0, 7.0]}),
    }
    row = benchmark.relative("batch size", many)
    assert row == ("a step with batch size 1,024, relative to 16", "times", {LAB: [30, 20], JITTED: [5, 7]})


def test_the_table_gives_medians_and_spread_in_units_one_can_read():
    rows = [
        Row("a step", "s", {LAB: [0.003, 0.001, 0.002], JITTED: [0.25]}),
        Row("compiling", "s", {LAB: [4.25]}),
        Row("generator", "samples/s", {LAB: [1_500_000.0, 900_000.0, 1_000_000.0]}),
    ]
    table = benchmark_table(rows)
    assert table.head == ("what", "unit", LAB, JITTED, DEFAULTS)
    assert table.rows == [
        ("a step", "ms", "2 (1 to 3)", "250", "-"),
        ("compiling", "s", "4.25", "-", "-"),
        ("generator", "million/s", "1 (0.9 to 1.5)", "-", "-"),
    ]


@pytest.mark.slow
def test_everything_can_be_measured(monkeypatch, without_xla):
    fed, fit = [], keras.Model.fit

    def spy(self, x=None, *args, **kwargs):
        fed.append(x)
        return fit(self, x, *args, **kwargs)

    monkeypatch.setattr(keras.Model, "fit", spy)
    rows, grown = benchmark.benchmark(SMALL, quick=True)
    assert grown is None
    assert [row.what for row in rows] == [
        "a training step",
        "tracing and compiling it",
        "beginning a second training",
        "evaluating 40 samples, free-running",
        "tracing and compiling that",
        "generator, all nine parts",
    ]
    assert list(rows[0].turns) == [LAB, DEFAULTS]
    assert all(len(turns) == 3 for turns in rows[0].turns.values())
    assert all(value > 0 for row in rows for turns in row.turns.values() for value in turns)
    inputs = [x[0] for x in fed if isinstance(x, list)]  # of Keras' contestants, one in each turn
    assert len(inputs) == 4
    for i, x in enumerate(inputs):
        block = get_block(0, i, SMALL).inputs
        assert np.array_equal(x, block.reshape(-1, block.shape[-1]))


@pytest.mark.slow
def test_rows_for_the_models_of_notebooks_2_and_5(without_xla):
    rows = benchmark.attention(SMALL, turns=1)
    assert [row.what for row in rows] == [
        "a training step with attention",
        "tracing and compiling it with attention",
        "a training step of a Transformer",
        "tracing and compiling it of a Transformer",
    ]
    assert all(row.turns[LAB][0] > 0 for row in rows[::2])


@pytest.mark.slow
def test_writing_with_a_cache_and_without_is_the_same_work_in_other_ways(monkeypatch):
    """Without one, the first of n symbols is computed n times over; both write as many as are asked for."""
    written, now = [], [0.0]

    def seconds(run, turns):
        for i in range(turns):
            result = run(i)
            tokens = (
                tf.argmax(result, -1, tf.int32) if result.dtype.is_floating else tf.transpose(result)[:, 1:]
            )
            written.append(tokens.numpy())
        now[0] += 1
        return [now[0]] * turns

    monkeypatch.setattr(benchmark, "seconds", seconds)
    rows = benchmark.decoding_by_length(1, steps=(2, 5))
    assert [row.turns[LAB] for row in rows] == [[2 / 1], [4 / 3]]
    lengths = [tokens.shape[1] for tokens in written]
    assert lengths == [2, 2, 5, 5] * 2
    for cached, anew in zip(written[:4], written[4:], strict=True):
        assert np.array_equal(cached, anew)


@pytest.mark.slow
def test_memory_is_relative_to_the_first_block(without_xla):
    pytest.importorskip("resource")
    model = Seq2Seq(SMALL)
    prepare(model)
    (row,) = benchmark.memory(model, samples=240)
    assert row.what == "peak memory after 240 samples, relative to after 80"
    assert 1 <= row.turns[LAB][0] < 1.5
    assert int(model.optimizer.iterations) == 60
