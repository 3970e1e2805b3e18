"""What each answer must do: random inputs, a reference, hints for the usual mistakes; a module a notebook."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seq2seq_lab.exercises.exercise import Exercise

NOTEBOOKS = ("encoder_decoder", "attention", "decoding")  # 1, 2, 3


def exercises_of(notebook: int) -> tuple[Exercise, ...]:
    """The exercises of notebook 1, 2 or 3, in its order."""
    return importlib.import_module(f"{__name__}.{NOTEBOOKS[notebook - 1]}").EXERCISES


def exercise_named(name: str) -> Exercise:
    """The exercise of this name.

    Raises:
        ValueError: there is none.
    """
    known = {e.name: e for n in range(1, len(NOTEBOOKS) + 1) for e in exercises_of(n)}
    if name not in known:
        raise ValueError(f"name must be one of {', '.join(known)}; got {name!r}")
    return known[name]
