"""What each answer must do: random inputs, a reference, hints for the usual mistakes; a module a notebook."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seq2seq_lab.exercises.exercise import Exercise

NOTEBOOKS = ("encoder_decoder", "attention", "decoding")  # 1, 2, 3


def exercises_of(notebook: int | None = None) -> tuple[Exercise, ...]:
    """The exercises of notebook 1, 2 or 3 in its order, or of all three."""
    modules = NOTEBOOKS if notebook is None else [NOTEBOOKS[notebook - 1]]
    return tuple(e for module in modules for e in importlib.import_module(f"{__name__}.{module}").EXERCISES)


def exercise_named(name: str) -> Exercise:
    """The exercise of this name.

    Raises:
        ValueError: there is none.
    """
    for exercise in exercises_of():
        if exercise.name == name:
            return exercise
    raise ValueError(f"name must be one of {', '.join(e.name for e in exercises_of())}; got {name!r}")
