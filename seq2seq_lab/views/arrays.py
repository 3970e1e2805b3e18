"""Arrays that are given to be looked at: as NumPy arrays, or refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np

from seq2seq_lab.settings import Rule, require


def numbers(name: str, value: Any, shape: str, finite: bool = True) -> np.ndarray:
    """The value as floats with as many axes as `shape`, such as "(S, H)", names.

    Raises:
        ValueError: it is something else, is empty, or has NaN or infinity where it must be finite.
    """
    words = f"numbers {shape}, not empty{', all finite' * finite}"
    try:
        array = np.asarray(value, float)
    except (TypeError, ValueError):
        array = np.array([])
    fits = array.ndim == len(shape.split()) and array.size > 0
    require(name, value, Rule(words, lambda _: fits and bool(np.isfinite(array).all() or not finite)))
    return array
