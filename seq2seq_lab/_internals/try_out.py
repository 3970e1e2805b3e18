"""Whether two parts keep their contracts and fit each other: seen by a step, and said in words.

Used when a `Seq2Seq` is made.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from seq2seq_lab._internals.cells import sizes
from seq2seq_lab.contracts import DecoderLike, DecoderOutput, EncoderLike
from seq2seq_lab.settings import Rule, Settings, require
from seq2seq_lab.vocabulary import END_ID, TARGET_SYMBOLS

SIZES = [field.name for field in dataclasses.fields(Settings) if field.metadata["of_a_part"]]


def try_out(encoder: EncoderLike, decoder: DecoderLike) -> DecoderOutput:
    """Read two short texts, and take one step: what the decoder says, `(2, ...)`.

    Raises:
        ValueError: a part does not keep its contract, or the two do not fit; it names both sides' sizes.
    """
    require("encoder", encoder, Rule("called with (inputs, inputs_seqlen)", callable))
    words = "an object with the methods start and step, as contracts.py has them"
    require("decoder", decoder, Rule(words, lambda v: isinstance(v, DecoderLike)))
    inputs, inputs_seqlen = np.full((2, 3), END_ID, np.int32), np.array([3, 2], np.int32)
    outputs, state = _pair("encoder", encoder, encoder, inputs, inputs_seqlen)
    _require_shape("the encoder's outputs", outputs, "(B, S, H)", (2, 3, None))
    for part in tf.nest.flatten(state):
        _require_shape("each tensor of the encoder's state", part, "(B, ...)", (2, ...))
    handed_over = f"that is handed a state of {sizes(state)} and outputs of {outputs.shape[2]}"
    first, memory = _pair(f"decoder {handed_over}", decoder, decoder.start, outputs, state, inputs_seqlen)
    token = tf.constant([END_ID] * 2)
    after, output = _pair(
        f"decoder in a state of {sizes(first)}", decoder, decoder.step, first, token, memory
    )
    try:
        tf.nest.assert_same_structure(first, after)
        same = sizes(first) == sizes(after)
    except (TypeError, ValueError):
        same = False
    words = f"a state of {sizes(first)}, as start returned it, but returned {sizes(after)}"
    if not same:
        raise ValueError(f"the decoder's step must return {words}")
    if not isinstance(output, DecoderOutput):
        raise ValueError(f"the decoder's step must return a state and a DecoderOutput, not {type(output)}")
    _require_shape("the decoder's logits", output.logits, f"(B, {TARGET_SYMBOLS})", (2, TARGET_SYMBOLS))
    if output.attention is not None:
        _require_shape("the decoder's attention", output.attention, "(B, S) or (B, heads, S)", (2, ..., 3))
    return output


def _pair(role: str, part: Any, call: Callable, *args: Any) -> Any:
    """What a part returns, which must be two things; its errors come with its role."""
    name = f"{type(part).__name__}.{getattr(call, '__name__', '__call__')}"
    try:
        returned = call(*args)
    except Exception as error:  # whatever TensorFlow makes of sizes that do not fit
        said = str(error).strip()
        if isinstance(error, ValueError) and "\n" not in said:  # a part's own words
            raise
        said = re.sub(r".*\x1b\[1m(.*?)\x1b\[0m.*", r"\1", said, flags=re.DOTALL).partition("\n")[
            0
        ]  # Keras' bold
        raise ValueError(f"the {role} fails in {name}: {said}") from error
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise ValueError(f"{name} must return two things, but returned {type(returned).__name__}")
    return returned


def _require_shape(name: str, value: Any, words: str, shape: tuple) -> None:
    found = tuple(getattr(value, "shape", ()))
    wanted = list(shape)
    if ... in wanted:
        i = wanted.index(...)
        wanted[i : i + 1] = [None] * (len(found) - len(wanted) + 1)
    fits = len(found) == len(wanted) and all(w in (None, f) for w, f in zip(wanted, found, strict=True))
    if not fits:
        raise ValueError(f"{name} must have the shape {words}; two texts of 3 places gave {found}")


def sizes_of(encoder: Any, decoder: Any) -> dict[str, Any]:
    """The settings that two parts stand for, by what they say themselves; None for what they do not say."""
    parts = [getattr(part, "settings", {}) for part in (encoder, decoder)]
    said = {name: {part[name] for part in parts if name in part} for name in SIZES}
    return {name: values.pop() if len(values) == 1 else None for name, values in said.items()}
