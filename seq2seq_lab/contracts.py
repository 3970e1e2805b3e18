"""What an encoder and a decoder are: two contracts that any class can keep, and what passes between them.

    state, memory = decoder.start(*encoder(inputs, inputs_seqlen), inputs_seqlen)
    token = "#"
    for t in range(T):
        state, output = decoder.step(state, token, memory)
        token = choose(t, output.logits)

A state and a memory are any nest of tensors whose first axis is the batch: one `(B, H)` for a GRU, a list of
two for an LSTM, one list for each layer of a stack. Nobody but the decoder looks inside. The loop itself
stands in `decoding.py`. Used in section "The model" of notebook 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from seq2seq_lab.settings import Rule, require
from seq2seq_lab.vocabulary import END_ID, TARGET_SYMBOLS

Tensor = Any  # a tf.Tensor, or what becomes one
Nest = Any  # tensors in lists, tuples and dictionaries; one tensor alone; or () for nothing


class DecoderOutput(NamedTuple):
    """What a decoder says at one step, `(B, ...)`, or at all of them, `(T, B, ...)`."""

    logits: Tensor  # (B, 11)
    attention: Tensor | None = None  # (B, S), or (B, heads, S); None from one that does not attend


class Hypothesis(NamedTuple):
    """One answer to a text: what is written, up to the `#`, and how sure the model is of all of it."""

    text: str
    log_probability: float  # in nats
    score: float


@runtime_checkable
class EncoderLike(Protocol):
    """Reads texts."""

    def __call__(self, inputs: Tensor, inputs_seqlen: Tensor) -> tuple[Tensor, Nest]:
        """`inputs (B, S)`, `inputs_seqlen (B,)` -> outputs `(B, S, H)`, and the state at each text's end."""


@runtime_checkable
class DecoderLike(Protocol):
    """Writes answers, a symbol at each step.

    It may have two more methods: `sequence(state, tokens (T, B), memory)` returns the `DecoderOutput` of all
    steps where every token is known beforehand; `restrict(memory, places (B, S))` returns a memory in which
    only the places that are true can be looked at.
    """

    def start(self, outputs: Tensor, state: Nest, inputs_seqlen: Tensor) -> tuple[Nest, Nest]:
        """What the encoder returned -> the first state, and the memory that every step reads."""

    def step(self, state: Nest, token: Tensor, memory: Nest) -> tuple[Nest, DecoderOutput]:
        """A state and the `token (B,)` that is read in it -> the next state, and what is said then."""


def sizes(nest: Nest) -> Any:
    """The numbers in each row of a state, as in 16 for a GRU and [16, 16] for an LSTM."""
    import tensorflow as tf

    return tf.nest.map_structure(lambda a: tuple(a.shape[1:]) if len(a.shape) != 2 else a.shape[1], nest)


def try_out(encoder: EncoderLike, decoder: DecoderLike) -> DecoderOutput:
    """Read two short texts, and take one step: what the decoder says, `(2, ...)`.

    Raises:
        ValueError: a part does not keep its contract, or the two do not fit; it names both sides' sizes.
    """
    import tensorflow as tf

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
    except ValueError:
        raise
    except Exception as error:  # whatever TensorFlow makes of sizes that do not fit
        said = str(error).strip().split("\n")[0]
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
