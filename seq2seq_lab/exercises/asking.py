"""How answers are called and what they return, as plain arrays; no reference and no expected value.

Where a class is graded, this is all of the exercises that stands beside the students' code.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from seq2seq_lab.data import length_mask

Inputs = Mapping[str, Any]


class Raised(NamedTuple):
    """What an answer came to when it returned nothing usable: the error's type, and what it said."""

    error: str
    says: str


class Nothing(TypeError):
    """An answer returned None."""


class WrongType(TypeError):
    """An answer returned something that is no array, or not as many as wanted."""


def ask(
    answer: Callable, inputs: Inputs, call: Callable, returns: Sequence[str]
) -> list[np.ndarray] | Raised:
    """What the answer returns for some inputs, as plain arrays; whatever it raises, this does not.

    Args:
        answer: a student's function.
        inputs: names and values; the answer gets copies.
        call: how an answer is called.
        returns: names of what is returned, one or several.
    """
    try:
        return plain(call(answer, *copy.deepcopy(list(inputs.values()))), returns)
    except (Exception, SystemExit) as error:
        return Raised(type(error).__name__, _said_by(error))


def plain(returned: Any, returns: Sequence[str]) -> list[np.ndarray]:
    """Arrays of numbers or of strings, one for each name in `returns`.

    Raises:
        TypeError: it is something else.
    """
    if returned is None:
        raise Nothing("it returns nothing (None). Is there a `return`?")
    n, parts = len(returns), [returned]
    if n > 1:
        if not isinstance(returned, (tuple, list)) or len(returned) != n:
            what = f"{len(returned)} values" if isinstance(returned, (tuple, list)) else kind(returned)
            raise WrongType(f"it should return {n} values ({', '.join(returns)}), not {what}")
        parts = list(returned)
    return [as_array(part, name) for part, name in zip(parts, returns, strict=True)]


def as_array(value: Any, name: str) -> np.ndarray:
    """Numbers as float64, or strings.

    Raises:
        TypeError: it is neither.
    """
    try:
        array = np.array(value)
    except Exception as error:  # whatever an odd object raises
        raise WrongType(f"`{name}` should be an array, but is {kind(value)}") from error
    if array.dtype.kind not in "biufU":
        raise WrongType(f"`{name}` should be an array, but is {kind(value)}")
    return array if array.dtype.kind == "U" else array.astype(np.float64)


def kind(value: Any) -> str:
    """What something is, in words, as in "an EagerTensor"."""
    if isinstance(value, np.ndarray):
        return {"U": "text", "O": "an array of objects"}.get(value.dtype.kind, "numbers")
    if isinstance(value, (list, tuple)) and value:
        odd = next((v for v in value if not isinstance(v, (int, float, np.generic, np.ndarray))), value[0])
        return f"{_with_article(value)} with {_with_article(odd)} in it"
    return _with_article(value)


def _with_article(value):
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def _said_by(error):
    try:
        return " ".join(str(error).split())[:300]
    except Exception:  # an error of the student's own, whose text cannot be had
        return "…"


# How answers are called that take more than their inputs as they are


def directly(answer: Callable, *inputs: Any) -> Any:
    """Call an answer with its inputs."""
    return answer(*inputs)


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
