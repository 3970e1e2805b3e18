"""Whether two parts keep their contracts and fit each other: seen by a step, and said in words.

Used when a `Seq2Seq` is made.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

import keras
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
    require("decoder", decoder, Rule(words, lambda v: isinstance(v, DecoderLike) and not isinstance(v, type)))
    inputs, inputs_seqlen = np.full((2, 3), END_ID, np.int32), np.array([3, 2], np.int32)
    outputs, state = _pair("encoder", encoder, encoder, inputs, inputs_seqlen)
    _require_shape("the encoder's outputs", outputs, "(B, S, H)", (2, 3, None))
    _require_batch("the encoder's state", state)
    handed_over = f"that is handed a state of {sizes(state)} and outputs of {outputs.shape[2]}"
    first, memory = _pair(f"decoder {handed_over}", decoder, decoder.start, outputs, state, inputs_seqlen)
    _require_batch("the decoder's first state", first)
    _require_batch("the decoder's memory", memory)
    if not tf.nest.flatten(first):
        raise ValueError("the decoder's first state must hold at least one tensor, but is empty")
    token = tf.constant([END_ID] * 2)
    after, output = _pair(
        f"decoder in a state of {sizes(first)}", decoder, decoder.step, first, token, memory
    )
    try:
        tf.nest.assert_same_structure(first, after)
        types = [[a.dtype for a in tf.nest.flatten(nest)] for nest in (first, after)]
        same = sizes(first) == sizes(after) and types[0] == types[1]
    except (TypeError, ValueError):
        same = False
    words = f"a state of {sizes(first)}, as start returned it, but returned {sizes(after)}"
    if not same:
        raise ValueError(f"the decoder's step must return {words} (or other types)")
    if not isinstance(output, DecoderOutput):
        raise ValueError(
            f"the decoder's step must return a state and a DecoderOutput, not {type(output).__name__}"
        )
    _require_shape("the decoder's logits", output.logits, f"(B, {TARGET_SYMBOLS})", (2, TARGET_SYMBOLS))
    if output.attention is not None:
        _require_shape(
            "the decoder's attention",
            output.attention,
            "(B, S), (B, heads, S) or (B, layers, heads, S)",
            (2, ..., 3),
        )
    parts: list[Any] = [encoder, decoder]
    for name, part in zip(("encoder", "decoder"), parts, strict=True):
        words = (
            f"a keras.layers.Layer, so that its weights are trained and saved; {type(part).__name__} is none"
        )
        require(name, part, Rule(words, lambda v: isinstance(v, keras.layers.Layer)))
    if shared := set.intersection(*({id(w) for w in part.weights} for part in parts)):
        raise ValueError(f"encoder and decoder must have cells of their own, but share {len(shared)} weights")
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
        said = re.sub(r".*\x1b\[1m(.*?)\x1b\[0m.*", r"\1", said, flags=re.DOTALL)  # what Keras sets in bold
        said = re.sub(r"\{\{.*?\}\} |\[Op:.*", "", said).strip().partition("\n")[0]  # TensorFlow's own names
        said = said if type(error) in (ValueError, RuntimeError) else f"{type(error).__name__}: {said}"
        raise ValueError(f"the {role} fails in {name}: {said}") from error
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise ValueError(f"{name} must return two things, but returned {type(returned).__name__}")
    return returned


def _require_batch(name: str, nest: Any) -> None:
    for part in tf.nest.flatten(nest):
        _require_shape(f"each tensor of {name}", part, "(B, ...)", (2, ...))


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
