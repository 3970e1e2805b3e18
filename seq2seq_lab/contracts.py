"""What an encoder and a decoder are: contracts that any Keras layer can keep, and what passes between them.

    state, memory = decoder.start(*encoder(inputs, inputs_seqlen), inputs_seqlen)
    token = "#"
    for t in range(T):
        state, output = decoder.step(state, token, memory)
        token = choose(t, output.logits)

A state and a memory are any nest of tensors whose first axis is the batch: one `(B, H)` for a GRU, a list of
two for an LSTM, one list for each layer of a stack. Nobody but the decoder looks inside. The loop itself
stands in `decoding.py`. Used in section "Encoder and decoder" of notebook 1.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, runtime_checkable

Tensor = Any  # a tf.Tensor, or what becomes one
Nest = Any  # tensors in lists, tuples and dictionaries; one tensor alone; or () for nothing


class DecoderOutput(NamedTuple):
    """What a decoder says at one step, `(B, ...)`, or at all of them, `(T, B, ...)`."""

    logits: Tensor  # (B, 11)
    attention: Tensor | None = None  # (B, S), with axes for layers and heads before S; None: no attention


class Hypothesis(NamedTuple):
    """One answer to a text: what is written, up to the `#`, and how sure the model is of all of it."""

    text: str
    log_probability: float  # in nats
    score: float  # by which answers are ranked


@runtime_checkable
class EncoderLike(Protocol):
    """Reads texts."""

    def __call__(self, inputs: Tensor, inputs_seqlen: Tensor) -> tuple[Tensor, Nest]:
        """`inputs (B, S)`, `inputs_seqlen (B,)` -> outputs `(B, S, H)`, and the state at each text's end."""


@runtime_checkable
class DecoderLike(Protocol):
    """Writes answers, a symbol at each step.

    It may have two more methods. `sequence(state, tokens (T, B), memory)` returns the `DecoderOutput` of all
    steps, its logits at least, where all tokens are known beforehand; `restrict(memory, places (B, S))` a
    memory in which only the places that are true can be looked at.
    """

    def start(self, outputs: Tensor, state: Nest, inputs_seqlen: Tensor) -> tuple[Nest, Nest]:
        """What the encoder returned -> the first state, and the memory that every step reads."""

    def step(self, state: Nest, token: Tensor, memory: Nest) -> tuple[Nest, DecoderOutput]:
        """A state and the `token (B,)` that is read in it -> the next state, and what is said then."""
