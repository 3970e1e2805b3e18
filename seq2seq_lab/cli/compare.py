"""Five models on one task: what each needs to learn it, how fast, and where it ends.

All have 16 units, batches of 16, the same data, and a rate that rises first and then falls as a cosine. How
high it rises, and how wide the first weights of a recurrent model are drawn, each has chosen among the same
few (`choose`), on seeds that are not reported. `seq2seq-lab compare` runs it, and makes the README's table.

Seconds are those of the processor, which other work on the machine does not change much; what is compiled
and what is measured in between is not counted.
"""

from __future__ import annotations

import itertools
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from seq2seq_lab import decoding
from seq2seq_lab.attention import AttentionDecoder
from seq2seq_lab.cli.benchmark import Clock
from seq2seq_lab.data import get_batch
from seq2seq_lab.decoder_only import DecoderOnly, NoEncoder
from seq2seq_lab.encoder_decoder import Decoder, Encoder, normal
from seq2seq_lab.loss import exact_match
from seq2seq_lab.model import Seq2Seq
from seq2seq_lab.settings import Settings
from seq2seq_lab.training import VALIDATION_SEED, evaluate, prepare, restart, train
from seq2seq_lab.transformer import Cache, TransformerDecoder, TransformerEncoder, adam_with_warm_up

DIGITS = 2, 10, 12, 20
FORCED = 2  # the step, from 0, at which a wrong digit is forced
GOAL = 0.99
VALIDATED = Settings.validation_samples
RATES = 0.002, 0.005, 0.01, 0.02
# Standard deviations of embeddings and of a GRU's matrices: the lesson's, and as Keras draws them.
WIDTHS = (0.1, 0.1), (1.0, None)


class Recipe(NamedTuple):
    """How one model is trained."""

    rate: float  # the highest
    embedding_stddev: float
    cell_stddev: float | None


class Trained(NamedTuple):
    """What one training run showed."""

    milliseconds: float  # of processor time, a training step
    to_goal: float  # training samples until the first validation at 0.99; infinite if there was none
    by_digits: dict[int, float]  # exact match at so many digits, of samples that were held out
    after_mistake: float  # share of right digits behind one that was forced to be wrong


class Compared(NamedTuple):
    """One model: its size, what its decoder keeps, and what three training runs showed."""

    name: str
    recipe: Recipe
    parameters: int
    kept_of_answer: int  # numbers, after ten digits and `#`
    kept_of_text: int
    runs: list[Trained]
    after_seconds: list[float]  # exact match


def gru(settings: Settings) -> Seq2Seq:
    """The plain lesson's."""
    return Seq2Seq(settings)


def lstm(settings: Settings) -> Seq2Seq:
    """The same with Keras' LSTM cells, whose matrices are drawn as Keras does."""
    cells = keras.layers.LSTMCell(settings.encoder_units), keras.layers.LSTMCell(settings.decoder_units)
    parts = zip((Encoder, Decoder), cells, strict=True)
    return Seq2Seq(settings, *(part(cell, embeddings_initializer=normal(settings)) for part, cell in parts))


def attending(settings: Settings) -> Seq2Seq:
    """That of notebook 2."""
    return Seq2Seq(settings, decoder=AttentionDecoder.from_settings(settings))


def transformer(settings: Settings) -> Seq2Seq:
    """One head and one layer on each side."""
    return Seq2Seq(
        settings, *(part.from_settings(settings) for part in (TransformerEncoder, TransformerDecoder))
    )


def decoder_only(settings: Settings) -> Seq2Seq:
    """Two layers, which learn from the answer alone."""
    return Seq2Seq(settings, NoEncoder(), DecoderOnly.from_settings(settings))


MODELS: dict[str, Callable[[Settings], Seq2Seq]] = {
    "GRU": gru,
    "LSTM": lstm,
    "GRU with attention": attending,
    "Transformer": transformer,
    "decoder-only": decoder_only,
}
CHOSEN = {  # by `choose`
    "GRU": Recipe(0.02, 1.0, None),
    "LSTM": Recipe(0.02, 1.0, None),
    "GRU with attention": Recipe(0.02, 1.0, None),
    "Transformer": Recipe(0.01, 1.0, None),
    "decoder-only": Recipe(0.02, 1.0, None),
}


class ProcessorClock(Clock):
    """The same in seconds of processor time."""

    def now(self) -> float:
        return time.process_time()


def of_recipe(name: str, recipe: Recipe, samples: int, **changed: Any) -> Seq2Seq:
    """A model whose rate rises and falls within so many samples, compiled."""
    rate, embedding_stddev, cell_stddev = recipe
    settings = Settings(
        samples=samples,
        learning_rate=rate,
        embedding_stddev=embedding_stddev,
        cell_stddev=cell_stddev,
        **changed,
    )
    model = MODELS[name](settings)
    prepare(model, adam_with_warm_up(model.settings))
    train(model, model.settings.batch_size)  # compiles
    return model


def compare(
    seeds: Sequence[int] = (0, 1, 2),
    samples: int = Settings.samples,
    seconds: float = 30,
    recipes: dict[str, Recipe] = CHOSEN,
    judged: int = 2_000,
) -> Iterator[Compared]:
    """Each model in turn: trained on the same samples, and for the same seconds.

    Args:
        samples: of a training run, a validation after every 10,000.
        seconds: of processor time, in runs of their own.
        judged: samples of each number of digits.
    """
    for name, recipe in recipes.items():
        model = of_recipe(name, recipe, samples)
        runs = [trained(model, seed, judged) for seed in seeds]
        step = statistics.median(run.milliseconds for run in runs) / 1e3
        batch_size = model.settings.batch_size
        hasty = of_recipe(name, recipe, max(1, round(seconds / step)) * batch_size, validation_samples=100)
        after_seconds = []
        for seed in seeds:
            restart(hasty, seed=seed)
            train(hasty, seed=seed)
            after_seconds.append(evaluate(hasty, VALIDATED).exact_match)
        yield Compared(name, recipe, model.count_params(), *kept(model), runs, after_seconds)


def trained(model: Seq2Seq, seed: int, judged: int) -> Trained:
    """One training run from new weights, and what came of it."""
    restart(model, seed=seed)
    clock, settings = ProcessorClock(), model.settings
    history = train(model, settings.samples, seed, callbacks=[clock]).history["val_exact_match"]
    steps = math.ceil(settings.samples / settings.batch_size)
    reached = (settings.samples_per_epoch * (i + 1) for i, share in enumerate(history) if share >= GOAL)
    return Trained(
        1e3 * sum(clock.seconds) / steps,
        next(reached, math.inf),
        {digits: exact(model, digits, judged) for digits in DIGITS},
        after_mistake(model, judged),
    )


def exact(model: Seq2Seq, digits: int, samples: int) -> float:
    """Exact match of held-out samples with so many digits."""
    batch = get_batch(samples, digits, digits, VALIDATION_SEED, "validation")
    logits = model.free_running(batch.inputs, batch.inputs_seqlen, digits + 1)
    return float(exact_match(logits, batch.targets_out, batch.targets_mask))


def after_mistake(model: Seq2Seq, samples: int, digits: int = 10) -> float:
    """Share of right digits behind a wrong one, forced upon texts that are read right when left alone.

    NaN where none is.
    """
    batch = get_batch(samples, digits, digits, VALIDATION_SEED, "validation")
    alone = model.free_running(batch.inputs, batch.inputs_seqlen, digits + 1)
    right = (np.argmax(alone, -1) == batch.targets_out).all(1)
    inputs, n, digit = (a[right] for a in (batch.inputs, batch.inputs_seqlen, batch.targets_out))
    if not right.any():
        return math.nan
    shift = np.random.default_rng(0).integers(1, 10, len(n))
    wrong = ((digit[:, FORCED] + shift) % 10).astype(np.int32)
    written = np.transpose(_forced(model, inputs, n, wrong, digits))
    return float((written[:, FORCED + 1 :] == digit[:, FORCED + 1 : digits]).mean())


@tf.function(autograph=False, reduce_retracing=True)
def _forced(model, inputs, inputs_seqlen, wrong, steps):
    """The symbols that are written, `(steps, B)`, where that of step FORCED is `wrong (B,)`."""
    state, memory = model.decoder.start(*model.encoder(inputs, inputs_seqlen), inputs_seqlen)

    def choose(t, logits):
        return tf.where(t == FORCED, wrong, decoding.greedy(t, logits))

    return decoding.decode_with(choose, model.decoder, state, memory, steps)[0]


def kept(model: Seq2Seq) -> tuple[int, int]:
    """How many numbers a decoder keeps of an answer of ten digits and `#`, and how many of the text."""
    batch = get_batch(1, 10, 10, 0)
    text = batch.inputs, batch.inputs_seqlen
    state, memory = model.decoder.start(*model.encoder(*text), batch.inputs_seqlen)
    rows = 11 if isinstance(state, Cache) else None
    own = state.layers if isinstance(state, Cache) else state
    numbers = [a[:, :, :rows] if rows else a for a in tf.nest.flatten(own)]
    of_text = [a for a in map(np.asarray, tf.nest.flatten(memory)) if a.dtype.kind == "f"]
    return sum(math.prod(a.shape) for a in numbers), sum(math.prod(a.shape) for a in of_text)


def choose(samples: int = 40_000, seeds: Sequence[int] = (100, 101)) -> Iterator[tuple[str, Recipe, float]]:
    """Every recipe with its mean exact match after a few samples, the best of each model last."""
    for name in MODELS:
        widths = WIDTHS if name in ("GRU", "LSTM", "GRU with attention") else WIDTHS[1:]
        tried = []
        for rate, width in itertools.product(RATES, widths):
            recipe = Recipe(rate, *width)
            model, ends = of_recipe(name, recipe, samples), []
            for seed in seeds:
                restart(model, seed=seed)
                ends.append(train(model, seed=seed).history["val_exact_match"][-1])
            tried.append((name, recipe, statistics.mean(ends)))
        yield from sorted(tried, key=lambda t: t[2])


def plain(one: Compared) -> dict[str, Any]:
    """All that was found out of one model, for JSON; None stands for infinity and for NaN."""

    def finite(value):
        return value if math.isfinite(value) else None

    runs = [
        {**run._asdict(), "to_goal": finite(run.to_goal), "after_mistake": finite(run.after_mistake)}
        for run in one.runs
    ]
    return {**one._asdict(), "recipe": one.recipe._asdict(), "runs": runs}


def comparison(found: Sequence[Compared], seconds: float = 30) -> str:
    """A table in Markdown: medians, and behind them the least and the most where these differ."""
    head = ["model", "parameters", "ms a step", "samples to 99 %", f"exact match after {seconds:g} s"]
    head += [f"{digits} digits" for digits in DIGITS]
    head += ["behind a wrong digit", "kept of the answer", "kept of the text"]
    lines = [head, ["---"] * len(head)]
    for one in found:
        runs = one.runs
        cells = [one.name, f"{one.parameters:,}", spread([run.milliseconds for run in runs], "{:.2f}")]
        cells += [spread([run.to_goal for run in runs], "{:,.0f}"), spread(one.after_seconds)]
        cells += [spread([run.by_digits[digits] for run in runs]) for digits in DIGITS]
        cells += [spread([run.after_mistake for run in runs])]
        lines.append([*cells, f"{one.kept_of_answer:,}", f"{one.kept_of_text:,}"])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def spread(values: Sequence[float], form: str = "{:.2f}") -> str:
    """The median, and in brackets the least and the most, unless they look the same; "never" for infinity."""
    ordered = sorted(values, key=lambda v: math.inf if math.isnan(v) else v)
    middle, least, most = (
        "never" if math.isinf(v) else "-" if math.isnan(v) else form.format(v)
        for v in (ordered[len(ordered) // 2], ordered[0], ordered[-1])
    )
    return middle if least == most else f"{middle} ({least} to {most})"
