"""Where a decoder looks while it writes, and what its answer hangs on: maps, one, many, and on average.

Rows are the symbols written, columns the characters read, and every map has the same scale, 0 to 1. Used in
notebooks 2 and 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from seq2seq_lab._internals.programs import any_size
from seq2seq_lab.contracts import DecoderLike, DecoderOutput, Nest
from seq2seq_lab.decoding import decode_with, greedy
from seq2seq_lab.settings import AT_LEAST_ONE, COUNT, Rule, require
from seq2seq_lab.views.figures import finished
from seq2seq_lab.views.trace import trace
from seq2seq_lab.vocabulary import DIGITS, END, decode, encode, longest_answer, visible

SCALE = {"cmap": "viridis", "vmin": 0, "vmax": 1, "aspect": "auto", "interpolation": "nearest"}
TWO = Rule("at least two characters long", lambda v: len(v) > 1)
RESTRICTS = Rule("able to `restrict` where it looks", lambda decoder: hasattr(decoder, "restrict"))
MAPS = Rule("AttentionMaps", lambda v: all(isinstance(m, AttentionMap) for m in v))


class AttentionMap(NamedTuple):
    """Where a model looked while it read one text, or what it depended on."""

    read: str  # S characters
    written: str  # T symbols
    weights: np.ndarray  # (T, S), from 0 to 1; rows of attention sum to 1


def attention_map(model: Any, text: str, steps: int | None = None) -> AttentionMap:
    """What a model writes for a text, free-running, and where it looks at each step; over heads, the mean.

    Args:
        steps: how many symbols to take down; as many as `translate` answers with unless given.

    Raises:
        ValueError: the text is empty or has a character without an id, or the decoder does not attend.
    """
    ids = encode(text)
    require("text", text, AT_LEAST_ONE)
    if not model.attends:
        raise ValueError(f"model must attend, but its decoder, a {type(model.decoder).__name__}, does not")
    if steps is None:  # where it ends, `trace` stops
        found = trace(model, text)
        written, weights = found.written, found.attention
    else:
        logits, weights = model.free_running(ids[None], [len(ids)], steps, return_attention=True)
        written, weights = decode(np.argmax(logits[0], -1)), weights[0].numpy()
    heads = weights.reshape(len(written), -1, len(ids))
    return AttentionMap(text, written, heads.mean(1))


def removal_map(model: Any, text: str) -> AttentionMap:
    """How much each prediction changes when a character is removed from the text.

    The weight of place s at step t is the total variation distance, sum(|p - q|) / 2, between what the model
    expects there from the whole text, `p`, and from the text without that character, `q`. It reads what it
    wrote for the whole text both times. 0 is no change, 1 is another world.

    Raises:
        ValueError: the text has fewer than two characters, or one without an id.
    """
    ids = encode(text)
    require("text", text, TWO)
    (written,) = model.translate([text])
    S = len(ids)
    inputs = np.stack([ids, *(np.append(np.delete(ids, s), 0) for s in range(S))])  # (1 + S, S)
    targets_in = np.tile(encode(END + written[:-1]), (1 + S, 1))
    lengths = np.array([S, *[S - 1] * S], np.int32)
    p = any_size(_expected, model, inputs, lengths, targets_in).numpy()  # (1 + S, T, 11)
    return AttentionMap(text, written, np.abs(p[1:] - p[0]).sum(-1).T / 2)


@tf.function(autograph=False)
def _expected(model, inputs, inputs_seqlen, targets_in):
    """The probabilities of each step, teacher-forced."""
    return tf.nn.softmax(model(inputs, inputs_seqlen, targets_in))


def forbidden_map(model: Any, text: str) -> AttentionMap:
    """How much each prediction changes when its step may look at all places but one.

    The weight of place s at step t is the total variation distance, sum(|p - q|) / 2, between what the model
    expects at step t when it looks where it likes, `p`, and when place s alone is forbidden there, `q`. Steps
    before t are left alone. 0 is no change, 1 is another world.

    Raises:
        ValueError: the text has fewer than two characters, or one without an id, or the decoder has no
            `restrict`, as one that does not attend.
    """
    ids = encode(text)
    require("text", text, TWO)
    require("model.decoder", model.decoder, RESTRICTS)
    tokens, p = (a.numpy() for a in any_size(_one_look_less, model, ids))  # (steps,), (steps, 1 + S, 11)
    symbols, end, _ = decode(tokens).partition(END)
    T = len(symbols + end)
    return AttentionMap(text, symbols + end, np.abs(p[:T, 1:] - p[:T, :1]).sum(-1) / 2)


@tf.function(autograph=False)
def _one_look_less(model, ids):
    """The symbols written, `(steps,)`, and the probabilities of each step, whatever it may not look at."""
    S = tf.shape(ids)[0]
    rows = 1 + S
    seen = tf.concat([tf.ones((1, S), bool), ~tf.eye(S, dtype=bool)], 0)  # (1 + S, S)
    outputs, state = model.encoder(ids[None], S[None])
    start = tf.nest.map_structure(lambda a: tf.repeat(a, rows, 0), (outputs, state))
    lengths, steps = tf.fill([rows], S), longest_answer(S)
    state, memory = model.decoder.start(*start, lengths)
    memory = model.decoder.restrict(memory, seen)
    limits = tf.fill([rows], steps)

    def choose(t, logits):
        return tf.repeat(greedy(t, logits[:1]), rows, 0)

    tokens, output = decode_with(choose, _FromTheFirst(model.decoder), state, memory, steps, limits=limits)
    return tokens[:, 0], tf.nn.softmax(output.logits)


class _FromTheFirst:
    """A decoder all of whose rows go on from the state of the first, whatever each may look at."""

    def __init__(self, decoder: DecoderLike) -> None:
        self.decoder = decoder

    def step(self, state: Nest, token: tf.Tensor, memory: Nest) -> tuple[Nest, DecoderOutput]:
        state, output = self.decoder.step(state, token, memory)
        return tf.nest.map_structure(lambda a: tf.repeat(a[:1], tf.shape(a)[0], 0), state), output


class AttentionWatch(keras.callbacks.Callback):
    """Keep the map of one text before a training and after each of its epochs: `maps`, at `samples`."""

    def __init__(self, text: str, steps: int) -> None:
        super().__init__()
        self.text, self.steps = text, steps
        self.maps, self.samples = [], []

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._keep()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._keep()

    def _keep(self):
        self.maps.append(attention_map(self.model, self.text, self.steps))
        self.samples.append(self.model.samples_seen)


def plot_attention(*maps: AttentionMap, titles: Sequence[str] = ()) -> Figure:
    """Maps one below the other, characters and digits on their axes; with a title for each, or none.

    Raises:
        ValueError: there is none, or it is something else; `titles` do not fit.
    """
    require("maps", maps, AT_LEAST_ONE)
    require("maps", maps, MAPS)
    require(
        "titles", titles, Rule(f"{len(maps)}, one for each map, or none", lambda v: len(v) in (0, len(maps)))
    )
    height = sum(len(m.written) for m in maps)
    width = max(len(m.read) for m in maps)
    size = {"figsize": (0.22 * width + 2, 0.25 * height + 0.8 * len(maps)), "layout": "constrained"}
    ratios = [len(m.written) for m in maps]
    figure, panels = plt.subplots(len(maps), 1, squeeze=False, height_ratios=ratios, **size)
    for axes, shown, title in zip(panels[:, 0], maps, titles or [""] * len(maps), strict=True):
        image = _draw(axes, shown)
        axes.set(ylabel="written", title=title)
    panels[-1, 0].set_xlabel("read")
    figure.colorbar(image, ax=panels[:, 0], label="weight")
    return finished(figure)


def plot_attention_maps(maps: Sequence[AttentionMap], titles: Sequence[str], columns: int = 3) -> Figure:
    """Many small maps, row by row, each under its title.

    Raises:
        ValueError: there is none, or it is something else; `titles` or `columns` do not fit.
    """
    require("maps", maps, AT_LEAST_ONE)
    require("maps", maps, MAPS)
    require("titles", titles, Rule(f"{len(maps)}, one for each map", lambda v: len(v) == len(maps)))
    require("columns", columns, COUNT)
    rows = -(-len(maps) // columns)
    size = {"figsize": (9, 1.25 * rows + 0.5), "layout": "constrained"}
    figure, panels = plt.subplots(rows, columns, squeeze=False, **size)
    for axes, shown, title in zip(panels.flat, maps, titles, strict=False):
        image = _draw(axes, shown, fontsize=6)
        axes.set_title(title, fontsize=9)
    for axes in panels.flat[len(maps) :]:
        axes.axis("off")
    figure.colorbar(image, ax=panels, label="weight", fraction=0.03)
    return finished(figure)


def plot_trace(trace: Any) -> Figure:
    """What `trace` laid open: symbol probabilities, attention and update gate, one below the other."""
    panels = [("probability", trace.probabilities.T, DIGITS + END, trace.written)]
    panels += [(name, weights, trace.written, trace.read) for name, weights in trace.maps.items()]
    if trace.update_gate is not None:
        z = trace.update_gate.T
        panels.append(("update gate z of the encoder, a row a unit", z, " " * len(z), trace.read))
    heights = [len(values) for _, values, *_ in panels]
    size = {"figsize": (9, 0.16 * sum(heights) + 0.7 * len(heights)), "layout": "constrained"}
    figure, axes = plt.subplots(len(panels), 1, squeeze=False, height_ratios=heights, **size)
    for (title, values, rows, columns), place in zip(panels, axes[:, 0], strict=True):
        image = _draw(place, AttentionMap(columns, rows, values), fontsize=7)
        place.set_title(title, fontsize=9)
    figure.suptitle(f"{trace.read} → {trace.written}")
    figure.colorbar(image, ax=axes[:, 0], fraction=0.03)
    return finished(figure)


def mean_attention(weights: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Mean over the samples that are so long: weights `(B, T, S)`, mask `(B, T)` -> `(T, S)`."""
    return np.einsum("bts,bt->ts", weights, mask) / np.sum(mask, 0)[:, None]


def plot_mean_attention(mean: np.ndarray) -> Figure:
    """Mean weight over the places of the input, one curve for each target position: `(T, S)`."""
    figure, axes = plt.subplots(figsize=(9, 3), layout="constrained")
    places = np.arange(1, mean.shape[1] + 1)
    colours = plt.get_cmap("viridis")(np.linspace(0, 0.9, len(mean)))
    for position, (curve, colour) in enumerate(zip(mean, colours, strict=True), 1):
        axes.plot(places, curve, color=colour, label=str(position))
        peak = np.argmax(curve)
        axes.annotate(
            str(position), (places[peak], curve[peak]), (0, 3), textcoords="offset points", color=colour
        )
    axes.set(title="mean weight, by target position", xlabel="place in the input", ylabel="weight")
    axes.set_ylim(0, 1.15 * mean.max())
    axes.margins(x=0.01)
    axes.grid(alpha=0.3)
    return finished(figure)


def _draw(axes, shown, fontsize=None):
    """The weights on the one scale, with letters instead of marks on both axes; returns the image."""
    axes.set_xticks(range(len(shown.read)), visible(shown.read), fontsize=fontsize)
    axes.set_yticks(range(len(shown.written)), shown.written, fontsize=fontsize)
    axes.tick_params(length=0)
    return axes.imshow(shown.weights, **SCALE)
