"""All exercises, by notebook. To add one, define an `Exercise` in the module of its notebook.

An answer that cannot be called with its inputs as they are has its way of being called in `calls`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seq2seq_lab.exercises.engine.exercise import Exercise

NOTEBOOKS = ("encoder_decoder", "encoder_decoder_clinic"), ("attention",), ("decoding",)  # 1, 2, 3


def exercises_of(notebook: int | None = None) -> tuple[Exercise, ...]:
    """The exercises of notebook 1, 2 or 3, or of all three, in the order in which modules define them."""
    # Imported late: the sandbox for a class has this file, but neither exercises nor what they are.
    from seq2seq_lab.exercises.engine.exercise import Exercise

    chosen = NOTEBOOKS if notebook is None else NOTEBOOKS[notebook - 1 : notebook]
    modules = [importlib.import_module(f"{__name__}.{name}") for names in chosen for name in names]
    return tuple(e for module in modules for e in vars(module).values() if isinstance(e, Exercise))


def exercise_named(name: str) -> Exercise:
    """The exercise of this name.

    Raises:
        ValueError: there is none.
    """
    for exercise in exercises_of():
        if exercise.name == name:
            return exercise
    raise ValueError(f"name must be one of {', '.join(e.name for e in exercises_of())}; got {name!r}")
