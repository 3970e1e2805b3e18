"""How answers are called that take more than their inputs as they are, and the networks they are handed.

Where a class is graded, this is all of the catalogue that stands beside the students' code: no reference, no
mistake and no expected value belongs here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from seq2seq_lab.data import length_mask
from seq2seq_lab.exercises.engine.asking import WrongType, as_array, kind


def for_cell(answer: Callable, units: int, inputs: np.ndarray, state: np.ndarray) -> Any:
    """The weights of the cell that the answer makes."""
    from seq2seq_lab.gru import WEIGHTS, GRUCell  # in grading, only the sandbox loads TensorFlow

    cell = answer(units)
    if cell is None:
        return None
    if not isinstance(cell, GRUCell):
        raise WrongType(f"it should return a lab.GRUCell, not {kind(cell)}")
    if not cell.built:
        cell.build((None, inputs.shape[-1]))
    return tuple(np.array(getattr(cell, name)) for name in WEIGHTS)


def both_ways(answer: Callable, forwards: Any, backwards: Any, inputs: Any, inputs_seqlen: Any) -> Any:
    """Outputs behind a text's end mean nothing, so they do not count."""
    returned = answer(forwards, backwards, inputs, inputs_seqlen.copy())
    if not isinstance(returned, (tuple, list)) or len(returned) != 2:
        return returned
    outputs, state = as_array(returned[0], "outputs"), returned[1]
    if outputs.ndim == 3 and outputs.shape[1] == inputs.shape[1]:
        outputs = np.where(length_mask(inputs_seqlen, outputs.shape[1])[..., None], outputs, 0)
    return outputs, state


def for_decoder_inputs(answer: Callable, targets_out: np.ndarray, targets_mask: np.ndarray) -> Any:
    """What the decoder reads behind the end does not count."""
    returned = answer(targets_out)
    if returned is None:
        return None
    read = as_array(returned, "decoder_inputs")
    if read.shape != targets_mask.shape or read.dtype.kind == "U":
        return read
    return np.where(targets_mask == 1, read, 0)


def by_length(answer: Callable, said: list[str], wanted: list[str]) -> Any:
    """The dictionary as two arrays, in the order of its keys."""
    returned = answer(said, wanted)
    if returned is None:
        return None
    if not isinstance(returned, dict):
        raise WrongType(f"it should return a dictionary, not {kind(returned)}")
    return sorted(returned), [returned[key] for key in sorted(returned)]


class NothingFollows(Exception):
    """`next_log_p` was asked for what follows a `#`."""


def for_beam(answer: Callable, beam: list, table: Mapping[str, Mapping[str, float]], width: int) -> Any:
    """The beam as texts and numbers; `table` holds what can follow each beginning."""

    def next_log_p(beginning):
        if beginning.endswith("#"):
            raise NothingFollows(f"nothing can follow {beginning!r}")
        return dict(table[beginning])

    returned = answer(beam, next_log_p, width)
    if returned is None:
        return None
    pairs = (tuple, list)
    if not isinstance(returned, pairs) or not all(isinstance(p, pairs) and len(p) == 2 for p in returned):
        raise WrongType("it should return a list of pairs, a beginning and its log-probability each")
    return np.array([text for text, _ in returned], str), [number for _, number in returned]


def for_each(answer: Callable, samples: Sequence[int]) -> Any:
    """One number for each number of samples."""
    probabilities = [answer(n) for n in samples]
    return None if any(p is None for p in probabilities) else probabilities


# Small networks that answers are handed, without TensorFlow


class Reader:
    """A small encoder: `(inputs, inputs_seqlen)` -> `(B, S, H)`, `(B, H)`."""

    def __init__(self, embeddings: np.ndarray, W: np.ndarray) -> None:
        self.embeddings, self.W = embeddings, W

    def __call__(self, inputs: Any, inputs_seqlen: Any) -> tuple[np.ndarray, np.ndarray]:
        inputs, n = np.asarray(inputs), np.asarray(inputs_seqlen)
        h, outputs = np.zeros((len(inputs), len(self.W)), np.float32), []
        for ids in inputs.T:
            h = np.tanh(self.embeddings[ids] + h @ self.W)
            outputs.append(h)
        outputs = np.stack(outputs, 1)
        return outputs, outputs[np.arange(len(inputs)), n - 1]

    def __repr__(self) -> str:
        return f"an encoder of {len(self.W)} units"


class Step:
    """A step of a recurrent network: `step(x (B, E), h (B, H))` -> the next state."""

    def __init__(self, W_x: np.ndarray, W_h: np.ndarray) -> None:
        self.W_x, self.W_h = W_x, W_h

    def __call__(self, x: Any, h: Any) -> np.ndarray:
        return np.tanh(np.asarray(x) @ self.W_x + np.asarray(h) @ self.W_h)

    def __repr__(self) -> str:
        return f"a step of {len(self.W_h)} units"


class Writer:
    """A small decoder: `step(token, h)` -> the next state `(H,)`, `logits(h)` -> `(11,)`."""

    def __init__(self, embeddings: np.ndarray, W: np.ndarray, W_out: np.ndarray) -> None:
        self.embeddings, self.W, self.W_out = embeddings, W, W_out

    def step(self, token: Any, h: Any) -> np.ndarray:
        return np.tanh(self.embeddings[int(token)] + np.asarray(h) @ self.W)

    def logits(self, h: Any) -> np.ndarray:
        return np.asarray(h) @ self.W_out

    def __repr__(self) -> str:
        return f"a small decoder of {len(self.W)} units"
