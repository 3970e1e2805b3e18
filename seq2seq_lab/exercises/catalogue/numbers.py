"""Random inputs, and the small functions that references share; NumPy alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from seq2seq_lab.data import length_mask

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


def lengths(rng: np.random.Generator, B: int, most: int) -> np.ndarray:
    """True lengths of `B` rows: unequal, none of them 0, one of them `most`."""
    drawn = rng.integers(1, most, B).astype(np.int32)
    drawn[rng.integers(B)] = most
    return drawn


def sizes(rng: np.random.Generator, *names: str) -> dict[str, int]:
    """A size for each name, no two alike."""
    return {name: int(n) for name, n in zip(names, rng.permutation(np.arange(3, 30)), strict=False)}


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
