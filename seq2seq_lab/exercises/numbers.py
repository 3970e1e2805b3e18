"""Random inputs, and the small functions that references share; NumPy alone."""

from __future__ import annotations

import numpy as np


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
