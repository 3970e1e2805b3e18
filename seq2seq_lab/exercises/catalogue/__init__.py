"""All exercises, by notebook. To add one, define an `Exercise` in its notebook's module; name it in `ORDER`.

An answer that cannot be called with its inputs as they are has its way of being called in `calls`.
"""

from __future__ import annotations

import difflib
import functools
import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seq2seq_lab.exercises.engine.exercise import Exercise

NOTEBOOKS = (  # 1, 2, 3, 4, 5: the modules of their exercises
    ("encoder_decoder", "encoder_decoder_steps", "encoder_decoder_clinic"),
    ("attention", "attention_maps", "attention_training", "attention_lengths", "attention_clinic"),
    ("decoding", "decoding_draws", "decoding_clinic"),
    ("failures", "failures_clinic"),
    ("transformer", "transformer_clinic"),
)
ORDER = (  # in which they stand in the notebooks
    *("plain-rnn", "bug-reset-gate", "bug-padded-loss", "bug-over-padding", "next-token", "bug-not-shifted"),
    *("gate-shapes", "jaggedness", "accuracy-by-position", "copying-cell", "softmax-over-time"),
    *("one-class", "both-ways"),
    *("attention", "bug-looks-at-padding", "bug-wrong-axis", "bug-new-state", "bug-keys-for-outputs"),
    *("added-numbers", "weight-by-word", "mean-weights", "exact-by-length", "fewest-looks", "clipping"),
    "dot-score",
    *("log-probability", "bug-wrong-step", "beam-step", "scores", "nucleus", "vote"),
    *("edit-distance", "bug-reads-ahead", "schedule"),
    *("dot-product-attention", "bug-unscaled", "sinusoids", "bug-masked-too-late", "bug-causal-off-by-one"),
    *("cached-step", "bug-restarted-positions"),
)


@functools.cache
def exercises_of(notebook: int | None = None) -> tuple[Exercise, ...]:
    """The exercises of a notebook, 1 to 5, or of all of them, in the order in which they stand there."""
    # Imported late: the sandbox for a class has this file, but neither exercises nor what they are.
    from seq2seq_lab.exercises.engine.exercise import Exercise

    chosen = NOTEBOOKS if notebook is None else NOTEBOOKS[notebook - 1 : notebook]
    modules = [importlib.import_module(f"{__name__}.{name}") for names in chosen for name in names]
    found = [e for module in modules for e in vars(module).values() if isinstance(e, Exercise)]
    return tuple(sorted(found, key=lambda exercise: ORDER.index(exercise.name)))


def exercise_named(name: str) -> Exercise:
    """The exercise of this name.

    Raises:
        ValueError: there is none.
    """
    for exercise in exercises_of():
        if exercise.name == name:
            return exercise
    names = [exercise.name for exercise in exercises_of()]
    close = difflib.get_close_matches(str(name), names)
    allowed = f"such as {' or '.join(close)}" if close else f"one of {', '.join(names)}"
    raise ValueError(f"name must be that of an exercise, {allowed}; got {name!r}")
