"""How answers are called that take more than their inputs as they are, and the networks they are handed.

Where a class is graded, this is all of the catalogue that stands beside the students' code: no reference, no
mistake and no expected value belongs here.
"""

from __future__ import annotations

import itertools
import sys
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


def for_shapes(answer: Callable, *sizes: int) -> Any:
    """Two shapes, which may as well be the rows of an array."""
    returned = answer(*sizes)
    if isinstance(returned, np.ndarray) or hasattr(returned, "numpy"):
        rows = np.array(returned)
        return list(rows) if rows.ndim else returned
    return returned


def by_length(answer: Callable, said: list[str], wanted: list[str]) -> Any:
    """The dictionary as two arrays, of its keys and of its values."""
    returned = answer(said, wanted)
    if returned is None:
        return None
    if not isinstance(returned, Mapping):
        raise WrongType(f"it should return a dictionary, not {kind(returned)}")
    return as_array([*returned], "the keys"), as_array([*returned.values()], "exact_match")


def for_gradients(answer: Callable, gradients: list[np.ndarray], clip_norm: float) -> Any:
    """The list, of any length, as two arrays: the shapes as texts such as "2,3", and all numbers in a row."""
    returned = answer(gradients, clip_norm)
    if returned is None:
        return None
    if not isinstance(returned, (tuple, list, np.ndarray)):
        raise WrongType(f"it should return a list of arrays, not {kind(returned)}")
    arrays = [as_array(array, f"gradients[{i}]") for i, array in enumerate(returned)]
    for i, array in enumerate(arrays):
        if array.dtype.kind == "U":
            raise WrongType(f"`gradients[{i}]` is text")
    shapes = [",".join(map(str, array.shape)) for array in arrays]
    return np.array(shapes, str), np.concatenate([np.empty(0), *map(np.ravel, arrays)])


# What `next_log_p` says of a beginning that has ended, after which nothing can follow: more than any
# log-probability can be, so that an answer may ask, but not use it.
ENDED = {"0": 100.0, "3": 99.0, "6": 98.0, "#": 97.0}
SAME = 1e-6  # at most so far apart are two log-probabilities that make a tie


def for_beam(answer: Callable, beam: list, table: Mapping[str, Mapping[str, float]], width: int) -> Any:
    """The beam as texts and numbers; `table` holds what can follow each beginning.

    Of a tie each may come first: those are put in the order of their texts.
    """

    def next_log_p(beginning):
        return dict(ENDED if beginning.endswith("#") else table[beginning])

    returned = answer(beam, next_log_p, width)
    if returned is None:
        return None
    pairs = (tuple, list)
    if not isinstance(returned, pairs) or not all(isinstance(p, pairs) and len(p) == 2 for p in returned):
        raise WrongType("it should return a list of pairs, a beginning and its log-probability each")
    texts = np.array([text for text, _ in returned], str)
    numbers = as_array([number for _, number in returned], "log_probabilities")
    if texts.ndim != 1 or numbers.ndim != 1 or numbers.dtype.kind == "U":
        return texts, numbers
    place = np.cumsum(np.abs(np.diff(numbers, prepend=numbers[:1])) > SAME)
    order = sorted(range(len(texts)), key=lambda i: (place[i], texts[i]))
    return texts[order], numbers[order]


def for_each(answer: Callable, samples: Sequence[int]) -> Any:
    """One number for each number of samples."""
    probabilities = [answer(n) for n in samples]
    return None if any(p is None for p in probabilities) else probabilities


def for_looks(answer: Callable, write: Any, wanted: str) -> Any:
    """The steps as a sorted array, each once; none of them is an array as well.

    A search through all lists of looks calls `write` some hundred times.
    """
    most, calls = 5_000, itertools.count(1)

    def counted(steps: Any) -> str:
        if next(calls) > most:
            raise RuntimeError(f"`write` was called more than {most:,} times: does the loop end?")
        return write(steps)

    returned = answer(counted, wanted)
    if returned is None:
        return None
    steps = as_array(sorted(returned) if isinstance(returned, (set, frozenset)) else returned, "steps")
    return np.sort(steps, axis=None) if steps.ndim == 1 and steps.dtype.kind != "U" else steps


# Small networks that answers are handed, without TensorFlow


class Numbers(np.ndarray):
    """An array that has `numpy()`, as tensors have."""

    def numpy(self) -> np.ndarray:
        return np.asarray(self)


def _of_arrays(compute, inputs, *shapes):
    """What `compute` makes of arrays, as float32; in a `tf.function`, of tensors: tensors of these shapes."""
    tf = sys.modules.get("tensorflow")
    if tf is None or not any(map(tf.is_symbolic_tensor, inputs)):
        results = compute(*map(np.asarray, inputs))
        return tuple(np.asarray(r, np.float32).view(Numbers) for r in results)
    results = tf.numpy_function(
        lambda *arrays: [np.asarray(r, np.float32) for r in compute(*arrays)],
        inputs,
        [tf.float32] * len(shapes),
    )
    return tuple(tf.ensure_shape(r, shape) for r, shape in zip(results, shapes, strict=True))


class Reader:
    """A small encoder: `(inputs, inputs_seqlen)` -> `(B, S, H)`, `(B, H)`."""

    def __init__(self, embeddings: np.ndarray, W: np.ndarray) -> None:
        self.embeddings, self.W = embeddings, W

    def __call__(self, inputs: Any, inputs_seqlen: Any) -> tuple[Any, Any]:
        (B, S), H = np.shape(inputs), len(self.W)
        return _of_arrays(self._read, (inputs, inputs_seqlen), (B, S, H), (B, H))

    def _read(self, inputs, inputs_seqlen):
        h, outputs = np.zeros((len(inputs), len(self.W)), np.float32), []
        for ids in inputs.T:
            h = np.tanh(self.embeddings[ids] + h @ self.W)
            outputs.append(h)
        outputs = np.stack(outputs, 1)
        return outputs, outputs[np.arange(len(inputs)), inputs_seqlen - 1]

    def __repr__(self) -> str:
        return f"an encoder of {len(self.W)} units"


class Step:
    """A step of a recurrent network: `step(x (B, E), h (B, H))` -> the next state."""

    def __init__(self, W_x: np.ndarray, W_h: np.ndarray) -> None:
        self.W_x, self.W_h = W_x, W_h

    def __call__(self, x: Any, h: Any) -> Any:
        return _of_arrays(self._next, (x, h), (None, len(self.W_h)))[0]

    def _next(self, x, h):
        return [np.tanh(x @ self.W_x + h @ self.W_h)]

    def __repr__(self) -> str:
        return f"a step of {len(self.W_h)} units"


class Writer:
    """A small decoder: `step(token, h)` -> the next state `(H,)`, `logits(h)` -> `(11,)`."""

    def __init__(self, embeddings: np.ndarray, W: np.ndarray, W_out: np.ndarray) -> None:
        self.embeddings, self.W, self.W_out = embeddings, W, W_out

    def step(self, token: Any, h: Any) -> Any:
        return _of_arrays(self._next, (token, h), (len(self.W),))[0]

    def logits(self, h: Any) -> Any:
        return _of_arrays(lambda h: [h @ self.W_out], (h,), (self.W_out.shape[1],))[0]

    def _next(self, token, h):
        return [np.tanh(self.embeddings[int(token)] + h @ self.W)]

    def __repr__(self) -> str:
        return f"a small decoder of {len(self.W)} units"


class Look:
    """Where a state looks: `attend(state (B, H))` -> weights `(B, S)`, rows that sum to 1."""

    def __init__(self, W: np.ndarray) -> None:
        self.W = W  # (B, H, S): each text has places of its own

    def __call__(self, state: Any) -> Any:
        return _of_arrays(self._weights, (state,), (None, self.W.shape[2]))[0]

    def _weights(self, state):
        e = np.einsum("bh,bhs->bs", state, self.W)
        e = np.exp(e - e.max(1, keepdims=True))
        return [e / e.sum(1, keepdims=True)]

    def __repr__(self) -> str:
        return f"attention over {self.W.shape[2]} places"


class Led:
    """A model that is made to look at the right word at some steps: `write(steps)` -> what it writes.

    `needs` has each mistake's step, and the sets of looks of which any one mends it.
    """

    def __init__(self, wanted: str, instead: str, needs: Mapping[int, Sequence[Sequence[int]]]) -> None:
        self.wanted, self.instead, self.needs = wanted, instead, needs

    def __call__(self, steps: Any) -> str:
        looked = {int(step) for step in np.ravel(list(steps))}
        written = list(self.wanted)
        for step, ways in self.needs.items():
            if not any(looked.issuperset(looks) for looks in ways):
                written[step] = self.instead[step]
        return "".join(written)

    def __repr__(self) -> str:
        return f"a model that writes {self([])} by itself"
