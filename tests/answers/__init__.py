"""A corpus of answers as students write them, right and wrong, for every exercise.

    @right("clipping")
    def clipped(gradients, clip_norm): ...

    @wrong("clipping", "each-alone")        # the label of the hint that it must trigger
    def clipped(gradients, clip_norm): ...

    @almost("clipping", "nan")              # wrong too, but only at an edge that the usual inputs miss
    def clipped(gradients, clip_norm): ...

An answer stands alone: it uses its arguments and what the notebook has imported (`np`, `tf`, `keras`, `lab`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Answer(NamedTuple):
    """An answer to an exercise; `label` is that of its mistake, or None where it is right."""

    exercise: str
    function: Callable
    label: str | None
    almost: bool = False  # wrong at an edge alone


ANSWERS: list[Answer] = []


def right(exercise: str) -> Callable:
    """Enter a right answer."""
    return _enter(exercise, None)


def wrong(exercise: str, label: str) -> Callable:
    """Enter a wrong answer, by the label of the mistake in it."""
    return _enter(exercise, label)


def almost(exercise: str, label: str) -> Callable:
    """Enter an answer that is right but for an edge."""
    return _enter(exercise, label, True)


def _enter(exercise, label, almost=False):
    def enter(function):
        ANSWERS.append(Answer(exercise, function, label, almost))
        return function

    return enter


from answers import (  # noqa: E402 (they enter their answers)
    attention,  # noqa: F401
    attention_clinic,  # noqa: F401
    decoding,  # noqa: F401
    encoder_decoder,  # noqa: F401
    failures,  # noqa: F401
    transformer,  # noqa: F401
    transformer_clinic,  # noqa: F401
)
