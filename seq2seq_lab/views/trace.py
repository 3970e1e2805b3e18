"""One text read step by step, with everything the model computes laid open, and a hand on it if wanted.

A digit can be forced upon a step, and so can the characters that it looks at; what follows then follows
from that. Plain arrays come out, which the panel draws. Used in notebook 3.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from seq2seq_lab.decoding import any_size
from seq2seq_lab.gru import GRUCell
from seq2seq_lab.settings import AT_LEAST_ONE, Rule, require
from seq2seq_lab.vocabulary import DIGITS, END, END_ID, SYMBOLS, decode, encode, longest_answer

FREE = -1  # no symbol is forced
BY_STEP = Rule(
    "a mapping whose keys are steps, whole numbers from 0 on",
    lambda v: isinstance(v, Mapping) and all(isinstance(k, Integral) and k >= 0 for k in v),
)


class Reading(NamedTuple):
    """What a model computed on its way from `S` characters to `T` symbols."""

    read: str
    written: str  # the most likely symbol of each step, or the one that was forced upon it
    probabilities: np.ndarray  # (T, 11), of what could have been written
    attention: np.ndarray | None  # (T, S), if the decoder attends
    update_gate: np.ndarray | None  # (S, H), z of the encoder; near 1 it copies, near 0 it writes


def read(
    model: Any,
    text: str,
    digits: Mapping[int, str] | None = None,
    places: Mapping[int, Collection[int]] | None = None,
) -> Reading:
    """Decode a text greedily, except for the steps (counted from 0) that are interfered with.

    Args:
        digits: by step, the symbol that is written there whatever the model says.
        places: by step, the places of the text (from 0) that alone are looked at.

    Raises:
        ValueError: the text is empty or has a character without an id; a symbol or a place is none; or
            `places` is given and the decoder does not attend.
    """
    digits, places = digits or {}, places or {}
    ids = encode(text)
    require("text", text, AT_LEAST_ONE)
    _check_forced(digits, places, len(ids), hasattr(model.decoder, "attend"))
    steps = longest_answer(len(ids))
    forced, seen = np.full(steps, FREE, np.int32), np.ones((steps, len(ids)), bool)
    for step in digits.keys() & set(range(steps)):
        forced[step] = SYMBOLS.index(digits[step])
    for step in places.keys() & set(range(steps)):
        seen[step] = np.isin(range(len(ids)), list(places[step]))
    written, *arrays = any_size(_run, model, ids, forced, seen)
    arrays = [None if array is None else array.numpy() for array in arrays]
    return Reading(text, decode(written.numpy()), *arrays)


def _check_forced(digits, places, S, attends):
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
        require("places", places, Rule("empty where the decoder does not attend", lambda _: attends))
        require(f"places[{step}]", looked_at, among)


@tf.function(autograph=False)
def _run(model, ids, forced, seen):
    """All steps, one `step` of the decoder each: symbols, probabilities, attention, update gate.

    `ids (S,)`; `forced (steps,)`, an id or `FREE`; `seen (steps, S)`, which places may be looked at.
    """
    decoder, steps = model.decoder, tf.shape(forced)[0]
    outputs, state = model.encoder(ids[None], tf.shape(ids))
    memory, state = decoder.start(outputs, state, tf.shape(ids))
    attends = hasattr(decoder, "attend")

    def step(t, written, probabilities, attention, state):
        here = memory._replace(mask=memory.mask & seen[t]) if attends else memory
        if attends:
            attention = attention.write(t, decoder.attend(state, here)[0])
        state = decoder.step(written.read(t)[None], state, here)
        p = tf.nn.softmax(decoder.logits(state))[0]
        token = tf.where(forced[t] == FREE, tf.argmax(p, output_type=tf.int32), forced[t])
        return t + 1, written.write(t + 1, token), probabilities.write(t, p), attention, state

    def unfinished(t, written, *_):
        return (t < steps) & ((t == 0) | (written.read(t) != END_ID))

    written = tf.TensorArray(tf.int32, steps + 1, clear_after_read=False).write(0, END_ID)
    rows = [tf.TensorArray(state.dtype, steps) for _ in range(2)]
    t, written, probabilities, attention, _ = tf.while_loop(unfinished, step, (0, written, *rows, state))
    return (
        written.stack()[1 : t + 1],
        probabilities.gather(tf.range(t)),
        attention.gather(tf.range(t)) if attends else None,
        update_gate(model.encoder, ids, outputs[0]),
    )


def update_gate(encoder: Any, ids: Any, h: tf.Tensor) -> tf.Tensor | None:
    """The gate `z (S, H)` behind an encoder's states `h (S, H)`; None where its cell is no `GRUCell`."""
    cell = getattr(encoder, "cell", None)
    if type(cell) is not GRUCell:  # one of another class may have equations of its own
        return None
    h_before = tf.concat([tf.zeros_like(h[:1]), h[:-1]], 0)
    x = tf.gather(tf.convert_to_tensor(encoder.embeddings), ids)
    return tf.sigmoid(x @ cell.W_xz + h_before @ cell.W_hz + cell.b_z)
