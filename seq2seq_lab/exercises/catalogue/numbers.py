"""Random inputs, and the small functions that references share; NumPy alone."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from itertools import permutations
from typing import Any

import numpy as np

from seq2seq_lab.data import length_mask
from seq2seq_lab.exercises.engine.asking import Inputs
from seq2seq_lab.exercises.engine.exercise import Draw

WEIGHTS = "W_xz", "W_xr", "W_xc", "W_hz", "W_hr", "W_hc", "b_z", "b_r", "b_c"  # as in `gru.py`


def softmax(a: np.ndarray, axis: int = -1) -> np.ndarray:
    """exp(a) / sum(exp(a)) along an axis, safe for large and for infinite scores."""
    e = np.exp(a - a.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def sigmoid(a: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-a))."""
    return 1 / (1 + np.exp(-a))


def normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Standard normal numbers of a shape, as float32."""
    return rng.normal(size=shape).astype(np.float32)


def lengths(rng: np.random.Generator, B: int, most: int, least: int = 1) -> np.ndarray:
    """True lengths of `B` rows: none of them less than `least`, just one of them `most`."""
    drawn = rng.integers(least, most, B).astype(np.int32)
    drawn[rng.integers(B)] = most
    return drawn


def batches(draw: Callable[..., Inputs], all_reached: bool = False) -> dict[str, Draw]:
    """Draws of batches, by what is special about their true lengths.

    Args:
        draw: from a generator, true lengths `(B,)` and the places `S` of the rectangle to inputs.
        all_reached: whether each place must be reached by a row.
    """
    rows = {
        "rows of which none fills the rectangle": lambda rng: (lengths(rng, 4, 5, 2), 8),
        "three rows, one of which fills the rectangle": lambda rng: (lengths(rng, 3, 4), 4),
        "six rows": lambda rng: (lengths(rng, 6, 7), 7),
        "rows that all fill the rectangle": lambda rng: (np.full(3, 5, np.int32), 5),
        "rows of length 1 beside a longer one": lambda rng: (np.array([1, 4, 1], np.int32), 4),
        "as many rows as places": lambda rng: (lengths(rng, 5, 5), 5),
        "a single row": lambda rng: (np.array([4], np.int32), 4 if all_reached else 6),
        "a single place": lambda rng: (np.ones(3, np.int32), 1),
    }
    if all_reached:
        del rows["rows of which none fills the rectangle"]
    return {name: lambda rng, drawn=drawn: draw(rng, *drawn(rng)) for name, drawn in rows.items()}


def sizes(*names: str) -> dict[str, Draw]:
    """Draws of a size for each name: in each order, and all alike."""

    def in_order(rng, order):
        drawn = dict(
            zip(order, np.sort(rng.choice(np.arange(3, 30), len(names), replace=False)), strict=True)
        )
        return {name: int(drawn[name]) for name in names}

    draws = {" < ".join(order): functools.partial(in_order, order=order) for order in permutations(names)}
    return {**draws, "sizes that are all alike": lambda rng: dict.fromkeys(names, int(rng.integers(3, 30)))}


def masked(scores: np.ndarray, lengths: np.ndarray, instead: float = -np.inf) -> np.ndarray:
    """Scores `(B, S)` with `instead` behind each row's true length."""
    return np.where(length_mask(lengths, scores.shape[1]), scores, instead)


def candidate(x: Any, h: Any, r: Any, W_xc: Any, W_hc: Any, b_c: Any) -> np.ndarray:
    """The GRU's candidate `c`, as in `gru.py`."""
    return np.tanh(x @ W_xc + (r * h) @ W_hc + b_c)


def gru_step(W: Mapping[str, Any], x: Any, h: Any, candidate: Callable = candidate) -> np.ndarray:
    """One step of a GRU with the weights `W`, as in `gru.py`; with another candidate if given."""
    z = sigmoid(x @ W["W_xz"] + h @ W["W_hz"] + W["b_z"])
    r = sigmoid(x @ W["W_xr"] + h @ W["W_hr"] + W["b_r"])
    c = np.asarray(candidate(x, h, r, W["W_xc"], W["W_hc"], W["b_c"]))
    return (1 - z) * c + z * h
