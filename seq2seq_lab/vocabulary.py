"""Characters to ids and back: what the network reads and what it writes.

    >>> encode("one")
    array([21, 20, 15], dtype=int32)
    >>> decode([1, 2, 5, 10])
    '125#'

The order is fixed and sorted, so that a saved model means the same in every process.
Used in section "The data" of notebook 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
DIGITS = "0123456789"  # ids 0-9, so that the id of a digit is its value
END = "#"  # ends a sequence, and starts the decoder
CHARACTERS = "".join(sorted(set(" ".join(WORDS))))  # 15 letters and the space

SYMBOLS = DIGITS + END + CHARACTERS
END_ID = SYMBOLS.index(END)
INPUT_SYMBOLS = len(SYMBOLS)  # V of the encoder: 27
TARGET_SYMBOLS = len(DIGITS + END)  # V of the decoder: 11

_ID = {symbol: i for i, symbol in enumerate(SYMBOLS)}


def encode(text: str) -> np.ndarray:
    """The ids of a text's characters, `(S,)` int32.

    Raises:
        ValueError: a character has no id; the error names it and lists those that have.
    """
    if not isinstance(text, str):
        raise ValueError(f"text must be a string, but is {text!r}")
    for character in text:
        if character not in _ID:
            raise ValueError(f"text {text!r} has {character!r}; allowed characters: {SYMBOLS!r}")
    return np.array([_ID[character] for character in text], np.int32)


def decode(ids: Iterable[int]) -> str:
    """The text of some ids, the inverse of `encode`.

    Raises:
        ValueError: an id is not one of the 27.
    """
    ids = [int(i) for i in ids]
    for i in ids:
        if not 0 <= i < INPUT_SYMBOLS:
            raise ValueError(f"ids must lie in 0 ... {INPUT_SYMBOLS - 1}, but one is {i}")
    return "".join(SYMBOLS[i] for i in ids)


def longest_answer(length: Any) -> Any:
    """How many symbols an answer to a text of this length may have: twice the digits that so many letters
    could spell, and `#`."""
    return 2 * ((length + 1) // 4) + 1


def visible(text: str) -> str:
    """A text whose spaces can be seen, for figures and tables."""
    return text.replace(" ", "␣")


def print_valid_characters() -> None:
    """Print each symbol with its id, and which of them each side of the network uses."""
    print("id ", " ".join(f"{i:2}" for i in range(INPUT_SYMBOLS)))
    print("   ", " ".join(f"{s:>2}" for s in visible(SYMBOLS)))
    print(f"inputs  use all {INPUT_SYMBOLS}; targets use the first {TARGET_SYMBOLS}: {DIGITS}{END}")
