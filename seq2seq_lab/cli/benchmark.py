"""How fast the lab runs on this machine, beside the same model from Keras' own layers, in the same `fit`.

Machines are noisy: contestants take turns on data drawn afresh, and what can be compared are ratios of
medians. `seq2seq-lab benchmark` runs it, and makes the table and the figure in `seq2seq_lab/README.md`.
"""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from seq2seq_lab._internals.input_pipeline import by_length, fed, pieces
from seq2seq_lab.attention import AttentionDecoder
from seq2seq_lab.data import LONGEST_WORD, get_block
from seq2seq_lab.model import Seq2Seq
from seq2seq_lab.settings import Settings, with_attention
from seq2seq_lab.training import held_out, prepare, restart
from seq2seq_lab.transformer import TransformerDecoder, TransformerEncoder
from seq2seq_lab.views.curves import BLUE, GREY
from seq2seq_lab.views.figures import finished
from seq2seq_lab.views.tables import ORANGE, Table
from seq2seq_lab.vocabulary import END_ID, INPUT_SYMBOLS, TARGET_SYMBOLS

BATCH_SIZES, DIGITS = (16, 128, 1024), (10, 40)


class Row(NamedTuple):
    """One thing that was measured, with a number for each turn of each contestant."""

    what: str
    unit: str
    turns: dict[str, list[float]]

    def median(self, contestant: str) -> float:
        return statistics.median(self.turns[contestant])


class Growth(NamedTuple):
    """Seconds a step, one row for each batch size and for each number of digits."""

    by_batch_size: dict[int, Row]
    by_digits: dict[int, Row]


class Clock(keras.callbacks.Callback):
    """Seconds of each epoch's training steps."""

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.seconds = []

    def now(self) -> float:
        return time.perf_counter()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.start = self.now()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        float(logs["loss"])  # on a GPU the steps may not have ended before
        self.end = self.now()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.seconds.append(self.end - self.start)


# The contestants: functions that train on block number i and return seconds a step


def the_lab(model: Seq2Seq) -> Callable[[int], float]:
    """The lab's own model, as `train` runs it."""
    clock, steps = Clock(), model.settings.batches_per_epoch
    prepare(model)

    def train(i):
        model.optimizer.iterations.assign(2 * i * steps)
        model.fit(**fed(model, 2 * steps), epochs=2, callbacks=[clock])
        return clock.seconds[-1] / steps

    return train


def keras_model(settings: Settings) -> keras.Model:
    """The same model from Keras' own layers, with its own GRU."""
    S, T = LONGEST_WORD * settings.max_digits - 1, settings.max_digits + 1
    inputs, targets_in = (keras.Input((steps,), dtype="int32") for steps in (S, T))
    inputs_seqlen = keras.Input((), dtype="int32")
    mask = keras.layers.Lambda(lambda n: keras.ops.arange(S) < n[:, None], output_shape=(S,))(inputs_seqlen)
    x = keras.layers.Embedding(INPUT_SYMBOLS, settings.input_embedding)(inputs)
    state = keras.layers.GRU(settings.encoder_units)(x, mask=mask)
    y = keras.layers.Embedding(TARGET_SYMBOLS, settings.target_embedding)(targets_in)
    states = keras.layers.GRU(settings.decoder_units, return_sequences=True)(y, initial_state=state)
    return keras.Model([inputs, inputs_seqlen, targets_in], keras.layers.Dense(TARGET_SYMBOLS)(states))


def keras_defaults(settings: Settings, steps: int = 20, **compiled: Any) -> Callable[[int], float]:
    """Keras' `fit` with its defaults, on a few steps of the same data: it takes its time."""
    model, clock = keras_model(settings), Clock()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(settings.learning_rate), loss, **compiled)
    steps = min(steps, settings.batches_per_epoch)

    def train(i):
        def in_one_row(part):
            return part[:steps].reshape(-1, *part.shape[2:])

        x, y, mask = keras.tree.map_structure(in_one_row, get_block(0, i, settings).for_keras)
        model.fit(list(x), y, settings.batch_size, 2, sample_weight=mask, callbacks=[clock], verbose=0)
        return clock.seconds[-1] / steps

    return train


def keras_jitted(settings: Settings) -> Callable[[int], float]:
    """Keras' `fit` at its fastest: compiled with XLA, and with many steps between two looks from Python."""
    steps = min(100, settings.batches_per_epoch)
    return keras_defaults(settings, steps, jit_compile=True, steps_per_execution=steps)


LAB, JITTED, DEFAULTS = CONTESTANTS = "the lab", "Keras, jitted", "Keras, defaults"
STYLES = {LAB: ("o-", BLUE), JITTED: ("s--", ORANGE), DEFAULTS: ("^:", GREY)}


# What is measured


def training_steps(runs: dict[Any, Callable[[int], float]], turns: int) -> tuple[Row, Row]:
    """Seconds a training step, and seconds of tracing and compiling: what the first turn took longer."""
    steps, whole = ({name: [] for name in runs} for _ in range(2))
    for i in range(1 + turns):
        for name, run in runs.items():
            start = time.perf_counter()
            steps[name].append(run(i))
            whole[name].append(time.perf_counter() - start)
    compiling = {name: [first - statistics.median(rest)] for name, (first, *rest) in whole.items()}
    counted = {name: rest for name, (_, *rest) in steps.items()}
    return Row("a training step", "s", counted), Row("tracing and compiling it", "s", compiling)


def lab_alone(model: Seq2Seq, turns: int) -> list[Row]:
    """What has no counterpart in Keras: training a trained model anew, evaluation, generator."""
    settings, validation = model.settings, pieces(by_length(held_out(model)))

    def evaluate(_):
        model.evaluate(validation, verbose=0)

    def restarted(_):
        restart(model)
        model.fit(**fed(model, 0))

    def generator(i):
        get_block(1, i, settings)

    first_evaluation, *evaluations = seconds(evaluate, 1 + turns)
    restarts = seconds(restarted, turns)
    draws = seconds(generator, 10 * turns)
    samples = settings.batches_per_epoch * settings.batch_size
    compiling = first_evaluation - statistics.median(evaluations)
    return [
        Row("beginning a second training", "s", {LAB: restarts}),
        Row(f"evaluating {settings.validation_samples:,} samples, free-running", "s", {LAB: evaluations}),
        Row("tracing and compiling that", "s", {LAB: [compiling]}),
        Row("generator, all nine parts", "samples/s", {LAB: [samples / draw for draw in draws]}),
    ]


def attention(settings: Settings, turns: int) -> list[Row]:
    """A training step of the models of notebooks 2 and 5, taking turns, and compiling each."""
    few = max(settings.batch_size, settings.samples_per_epoch // 5)
    settings = dataclasses.replace(settings, l2=with_attention().l2, samples_per_epoch=few)
    models = {
        "with attention": Seq2Seq(settings, decoder=AttentionDecoder.from_settings(settings)),
        "of a Transformer": Seq2Seq(
            settings, TransformerEncoder.from_settings(settings), TransformerDecoder.from_settings(settings)
        ),
    }
    rows = training_steps({name: the_lab(model) for name, model in models.items()}, turns)
    return [
        row._replace(what=f"{row.what} {name}", turns={LAB: row.turns[name]})
        for name in models
        for row in rows
    ]


def decoding_by_length(turns: int, steps: tuple[int, int] = (32, 64)) -> list[Row]:
    """How much longer a Transformer takes to write twice as many symbols, with its cache and without."""
    decoder = TransformerDecoder()
    model = Seq2Seq(encoder=TransformerEncoder(), decoder=decoder)
    inputs, inputs_seqlen = (np.full(shape, 150, np.int32) for shape in ((64, 150), (64,)))
    inputs %= INPUT_SYMBOLS

    def without_cache(steps):
        state, memory = decoder.start(*model.encoder(inputs, inputs_seqlen), inputs_seqlen)
        tokens = tf.fill([1, len(inputs)], END_ID)
        for _ in range(steps):
            logits = every_symbol(state, tokens, memory).logits[-1]
            tokens = tf.concat([tokens, tf.argmax(logits, -1, tf.int32)[None]], 0)
        return tokens

    every_symbol = tf.function(decoder.sequence, autograph=False, reduce_retracing=True)
    ways = {
        "with a cache": lambda steps: model.free_running(inputs, inputs_seqlen, steps),
        "computing every symbol anew": without_cache,
    }
    rows = []
    for name, write in ways.items():
        few, many = (seconds(lambda _, n=n, w=write: w(n), 1 + turns)[1:] for n in steps)
        ratios = np.divide(many, few).tolist()
        rows.append(Row(f"writing {steps[1]} symbols {name}, relative to {steps[0]}", "times", {LAB: ratios}))
    return rows


def memory(model: Seq2Seq, samples: int) -> list[Row]:
    """How much the peak of the process grows while the lab trains on ever new data; empty on Windows."""
    try:
        import resource
    except ImportError:
        return []
    peaks = []
    notice = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda *_: peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    )
    settings = model.settings
    epochs = samples // settings.samples_per_epoch
    model.fit(**fed(model, epochs * settings.batches_per_epoch), epochs=epochs, callbacks=[notice])
    what = f"peak memory after {samples:,} samples, relative to after {settings.samples_per_epoch:,}"
    return [Row(what, "times", {LAB: [peaks[-1] / peaks[0]]})]


def growth(settings: Settings, runs: dict[str, Callable[[int], float]], turns: int) -> Growth:
    """A step at several batch sizes and lengths, all taking turns.

    `runs` train at the settings' own size; at others the slowest contestant is left out.
    """

    def sized(**changed):
        if changed.items() <= dataclasses.asdict(settings).items():
            return settings
        few = max(800, 8 * changed.get("batch_size", 0))
        return dataclasses.replace(settings, samples_per_epoch=few, **changed)

    by_batch_size = {B: sized(batch_size=B) for B in BATCH_SIZES}
    by_digits = {D: sized(min_digits=D // 2, max_digits=D) for D in DIGITS}
    sizes = {settings: runs}
    for size in (*by_batch_size.values(), *by_digits.values()):
        if size not in sizes:
            sizes[size] = {LAB: the_lab(Seq2Seq(size)), JITTED: keras_jitted(size)}
    everyone = {(size, name): run for size, many in sizes.items() for name, run in many.items()}
    steps, _ = training_steps(everyone, turns)

    def rows(many):
        return {
            n: steps._replace(turns={name: steps.turns[size, name] for name in sizes[size]})
            for n, size in many.items()
        }

    return Growth(rows(by_batch_size), rows(by_digits))


def relative(what: str, many: dict[int, Row]) -> Row:
    """How much longer a step takes at the largest size than at the smallest, turn by turn."""
    least, most = min(many), max(many)
    ratios = {
        name: np.divide(slow, many[least].turns[name]).tolist() for name, slow in many[most].turns.items()
    }
    return Row(f"a step with {what} {most:,}, relative to {least}", "times", ratios)


def seconds(run: Callable[[int], Any], turns: int) -> list[float]:
    """What each turn took."""
    times = [time.perf_counter()]
    for i in range(turns):
        run(i)
        times.append(time.perf_counter())
    return np.diff(times).tolist()


def benchmark(settings: Settings = Settings(), quick: bool = False) -> tuple[list[Row], Growth | None]:
    """Measure everything: rows of numbers, and unless it is to be quick, how a step's time grows.

    Takes about two minutes on two cores, most of it compiling; under half a minute if quick, which leaves
    out the contestant that compiles longest.
    """
    model = Seq2Seq(settings)
    runs = {LAB: the_lab(model)}
    if not quick:
        runs[JITTED] = keras_jitted(settings)
    runs[DEFAULTS] = keras_defaults(settings)
    step, compiling = training_steps(runs, turns=3 if quick else 5)
    rows = [step, compiling, *lab_alone(model, turns=3 if quick else 5)]
    if quick:
        return rows, None
    rows += attention(settings, turns=3)
    rows += decoding_by_length(turns=5)
    rows += memory(model, samples=50_000)
    grown = growth(settings, runs, turns=3)
    rows += [relative("batch size", grown.by_batch_size), relative("digits", grown.by_digits)]
    return rows, grown


def benchmark_table(rows: Sequence[Row]) -> Table:
    """Medians, and behind those of several turns the least and the most."""
    units = {"s": (1e3, "ms"), "samples/s": (1e-6, "million/s"), "times": (1, "times")}
    lines = []
    for row in rows:
        scale, unit = (1, "s") if row.unit == "s" and row.median(LAB) >= 1 else units[row.unit]
        cells = [_cell([scale * t for t in row.turns.get(name, ())]) for name in CONTESTANTS]
        lines.append((row.what, unit, *cells))
    return Table(("what", "unit", *CONTESTANTS), lines)


def plot_growth(growth: Growth) -> Figure:
    """Time a training step over batch size and over length, by contestant."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained", sharey=True)
    labels = "samples in a batch", "digits in the longest sample"
    for panel, label, rows in zip(axes, labels, growth, strict=True):
        contestants = dict.fromkeys(name for row in rows.values() for name in row.turns)
        for name in contestants:
            style, colour = STYLES[name]
            medians = {x: 1e3 * row.median(name) for x, row in rows.items() if name in row.turns}
            panel.plot(list(medians), list(medians.values()), style, color=colour, label=name)
        panel.set(xlabel=label, xscale="log", yscale="log", xticks=list(rows), xticklabels=list(rows))
        panel.yaxis.set_major_formatter("{x:g}")
        panel.minorticks_off()
        panel.grid(alpha=0.3)
    axes[0].set_ylabel("ms a training step")
    axes[1].legend(loc="upper right")
    return finished(figure)


def _cell(turns):
    if not turns:
        return "-"
    median = f"{statistics.median(turns):.3g}"
    return f"{median} ({min(turns):.3g} to {max(turns):.3g})" if len(turns) > 1 else median
