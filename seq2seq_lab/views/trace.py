"""The trace of one text: what the model computes step by step, with interventions if wanted.

A digit can be forced upon a step, and so can the characters that it looks at; what follows then follows
from that. Plain arrays come out, which the panel draws, and which can be kept in a file. Used in notebook 2.
"""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Collection, Mapping
from numbers import Integral
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from seq2seq_lab._internals.files import whole_file
from seq2seq_lab._internals.programs import any_size
from seq2seq_lab.contracts import DecoderLike, DecoderOutput, Nest
from seq2seq_lab.decoding import decode_with, greedy
from seq2seq_lab.gru import GRUCell
from seq2seq_lab.settings import AT_LEAST_ONE, Rule, require
from seq2seq_lab.vocabulary import DIGITS, END, SYMBOLS, decode, encode, longest_answer

FREE = -1  # no symbol is forced
BY_STEP = Rule(
    "a mapping whose keys are steps, whole numbers from 0 on",
    lambda v: isinstance(v, Mapping) and all(isinstance(k, Integral) and k >= 0 for k in v),
)


ARRAYS = "probabilities", "attention", "update_gate"
NOTHING: Mapping = MappingProxyType({})


class Trace(NamedTuple):
    """What a model computed on its way from `S` characters to `T` symbols, and what was forced upon it."""

    read: str
    written: str  # the most likely symbol of each step, or the one that was forced upon it
    probabilities: np.ndarray  # (T, 11), of what could have been written
    attention: np.ndarray | None  # (T, S), (T, heads, S) or (T, layers, heads, S), if it attends
    update_gate: np.ndarray | None  # (S, H), z of the encoder; near 1 it copies, near 0 it writes
    digits: Mapping[int, str] = NOTHING  # by step, as they were given to `trace`
    places: Mapping[int, tuple[int, ...]] = NOTHING

    @property
    def maps(self) -> dict[str, np.ndarray]:
        """Where it looked, `(T, S)` by name: one map, one for each head, of each layer, or none."""
        if self.attention is None:
            return {}
        several = self.attention if self.attention.ndim > 2 else self.attention[:, None]  # heads
        _, *layers, heads, _ = several.shape
        found = {}
        for *layer, head in np.ndindex(*layers, heads):
            name = "attention" + "".join(f", layer {i + 1}" for i in layer)
            name += f", head {head + 1}" if heads > 1 else ""
            found[name] = several[(slice(None), *layer, head)]
        return found

    def save(self, path: str | os.PathLike[str]) -> None:
        """Keep it in a file, as JSON: a key for each field, arrays as lists.

        Raises:
            OSError: the folder does not exist or cannot be written.
        """
        with whole_file(path) as unfinished:
            unfinished.write_text(json.dumps(self.plain()) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Trace:
        """What `save`, or the panel's button, has kept.

        Raises:
            OSError: the file cannot be read.
            ValueError: it holds no trace.
        """
        try:
            kept = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
            digits, places = ({int(t): v for t, v in kept.pop(name).items()} for name in ("digits", "places"))
            arrays = {name: kept.pop(name) for name in ARRAYS}
            arrays = {name: None if v is None else np.array(v, np.float32) for name, v in arrays.items()}
            return cls(**kept, **arrays, digits=digits, places={t: tuple(p) for t, p in places.items()})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"path must name a file that holds a trace, but {path} does not") from error

    def plain(self) -> dict[str, Any]:
        """The same in lists and dictionaries."""
        arrays = {name: getattr(self, name) for name in ARRAYS}
        return {
            "read": self.read,
            "written": self.written,
            **{name: None if a is None else a.tolist() for name, a in arrays.items()},
            "digits": {str(t): digit for t, digit in sorted(self.digits.items())},
            "places": {str(t): list(places) for t, places in sorted(self.places.items())},
        }


def trace(
    model: Any,
    text: str,
    digits: Mapping[int, str] | None = None,
    places: Mapping[int, Collection[int]] | None = None,
) -> Trace:
    """Decode a text greedily, except for the steps (counted from 0) that are interfered with.

    Args:
        digits: by step, the symbol that is written there whatever the model says.
        places: by step, the places of the text (from 0) that alone are looked at.

    Raises:
        ValueError: the text is empty or has a character without an id; a symbol or a place is none; or
            `places` is given and the decoder has no `restrict`, as one that does not attend.
    """
    digits, places = digits or {}, places or {}
    ids = encode(text)
    require("text", text, AT_LEAST_ONE)
    _require_forced(digits, places, len(ids), hasattr(model.decoder, "restrict"))
    steps = longest_answer(len(ids))
    forced, seen = np.full(steps, FREE, np.int32), np.ones((steps, len(ids)), bool)
    for step in digits.keys() & set(range(steps)):
        forced[step] = SYMBOLS.index(digits[step])
    for step in places.keys() & set(range(steps)):
        seen[step] = np.isin(range(len(ids)), list(places[step]))
    tokens, *arrays = any_size(_run, model, ids, forced, seen)
    symbols, end, _ = decode(tokens[:, 0].numpy()).partition(END)
    T = len(symbols + end)
    p, attention, gate = (None if a is None else a.numpy() for a in arrays)
    attention = attention if attention is None else attention[:T]
    digits = {int(step): digit for step, digit in digits.items()}
    places = {int(step): tuple(sorted({int(i) for i in given})) for step, given in places.items()}
    return Trace(text, symbols + end, p[:T], attention, gate, digits, places)


def _require_forced(digits, places, S, restricts):
    require("digits", digits, BY_STEP)
    require("places", places, BY_STEP)
    symbol = Rule(f"one of {DIGITS}{END}", tuple(DIGITS + END).__contains__)
    for step, digit in digits.items():
        require(f"digits[{step}]", digit, symbol)
    among = Rule(
        f"some of 0 ... {S - 1}",
        lambda v: isinstance(v, Collection) and len(v) > 0 and all(place in range(S) for place in v),
    )
    for step, looked_at in places.items():
        require(
            "places",
            places,
            Rule("empty where the decoder does not attend (it has no `restrict`)", lambda _: restricts),
        )
        require(f"places[{step}]", looked_at, among)


@tf.function(autograph=False)
def _run(model, ids, forced, seen):
    """All steps: tokens chosen, probabilities, attention, update gate.

    `ids (S,)`; `forced (steps,)`, an id or `FREE`; `seen (steps, S)`, which places may be looked at.
    """
    decoder, steps, inputs_seqlen = model.decoder, tf.shape(forced)[0], tf.shape(ids)
    if hasattr(decoder, "restrict"):
        decoder = Looking(decoder, seen)
    outputs, state = model.encoder(ids[None], inputs_seqlen)
    state, memory = decoder.start(outputs, state, inputs_seqlen)

    def choose(t, logits):
        return tf.where(forced[t] == FREE, greedy(t, logits), forced[t])

    tokens, output = decode_with(choose, decoder, state, memory, steps, limits=steps[None])
    p, attention = tf.nn.softmax(output.logits)[:, 0], output.attention
    attention = attention if attention is None else attention[:, 0]
    return tokens, p, attention, update_gate(model.encoder, ids, outputs[0])


class Looking:
    """A decoder that at step `t` may look at the places `seen[t]` alone; its state also counts the steps."""

    def __init__(self, decoder: DecoderLike, seen: tf.Tensor) -> None:
        self.decoder, self.seen = decoder, seen

    def start(self, outputs: tf.Tensor, state: Nest, inputs_seqlen: tf.Tensor) -> tuple[Nest, Nest]:
        state, memory = self.decoder.start(outputs, state, inputs_seqlen)
        return (tf.zeros_like(inputs_seqlen), state), memory

    def step(self, state: Nest, token: tf.Tensor, memory: Nest) -> tuple[Nest, DecoderOutput]:
        t, state = state
        memory = self.decoder.restrict(memory, tf.gather(self.seen, t))
        state, output = self.decoder.step(state, token, memory)
        return (t + 1, state), output


def update_gate(encoder: Any, ids: Any, h: tf.Tensor) -> tf.Tensor | None:
    """The gate `z (S, H)` behind an encoder's states `h (S, H)`; None unless its cell runs as a `GRUCell`."""
    cell = getattr(encoder, "cell", None)
    if getattr(type(cell), "unroll", None) is not GRUCell.unroll:  # another cell has other equations
        return None
    h_before = tf.concat([tf.zeros_like(h[:1]), h[:-1]], 0)
    x = tf.gather(tf.convert_to_tensor(encoder.embeddings), ids)
    return tf.sigmoid(x @ cell.W_xz + h_before @ cell.W_hz + cell.b_z)
