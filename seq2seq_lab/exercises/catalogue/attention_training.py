"""The exercise of notebook 2 on training: gradient clipping."""

from __future__ import annotations

import math

import numpy as np

from seq2seq_lab.exercises.catalogue import calls
from seq2seq_lab.exercises.catalogue.numbers import normal
from seq2seq_lab.exercises.engine.exercise import Exercise, Mistake

# --- gradient clipping


def _draw_gradients(rng, clip_norm, norm, *shapes):
    """Gradients of these shapes whose global norm is `norm`."""
    gradients = [normal(rng, *shape) for shape in shapes]
    scale = norm / np.sqrt(sum((g**2).sum() for g in gradients))
    return {"gradients": [np.float32(scale) * g for g in gradients], "clip_norm": clip_norm}


def _by_place(result):
    """Each gradient by its place in the list."""
    shapes, numbers = result
    if shapes.ndim != 1:
        raise ValueError("no list")
    parts, end = {}, 0
    for i, text in enumerate(shapes.tolist()):
        shape = [int(n) for n in text.split(",") if n]
        start, end = end, end + math.prod(shape)
        parts[f"gradients[{i}]"] = numbers[start:end].reshape(shape)
    return parts


def clipped(gradients, clip_norm):
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    return [g * min(1, clip_norm / norm) for g in gradients]


def _times(factor):
    return lambda gradients, clip_norm: [g * factor(gradients, clip_norm) for g in gradients]


CLIPPING = Exercise(
    name="clipping",
    task="clipping by global norm",
    points=2,
    draws={
        "gradients whose norm is large": lambda rng: _draw_gradients(rng, 1.25, 8, (2,), (2, 3), (1, 2)),
        "gradients whose norm is small": lambda rng: _draw_gradients(rng, 1.25, 0.5, (2,), (2, 3), (2, 2)),
        "a clip_norm below 1": lambda rng: _draw_gradients(rng, 0.5, 0.75, (3,), (1, 2), (2, 2)),
        "a clip_norm above 1": lambda rng: _draw_gradients(rng, 5.0, 4.0, (3,), (2, 2), (4,)),
        "a single gradient": lambda rng: _draw_gradients(rng, 1.5, 6, (2, 3)),
        "four gradients": lambda rng: _draw_gradients(rng, 1.5, 6, (2,), (3, 2), (1,), (2, 1, 2)),
        "two gradients of one shape": lambda rng: _draw_gradients(rng, 0.8, 2, (2, 2), (2, 2)),
        "gradients that are all 0": lambda rng: {
            "gradients": [np.zeros((2,), np.float32), np.zeros((1, 3), np.float32)],
            "clip_norm": 1.25,
        },
        "a norm of just clip_norm": lambda rng: {
            "gradients": [np.float32([3]), np.float32([4])],
            "clip_norm": 5.0,
        },
    },
    reference=clipped,
    returns=("shapes", "numbers"),
    call=calls.for_gradients,
    parts=_by_place,
    mistakes=(
        Mistake(
            "each-alone",
            "each gradient is clipped by its own norm, which turns the direction of the step.",
            lambda gradients, clip_norm: [clipped([g], clip_norm)[0] for g in gradients],
        ),
        Mistake(
            "by-value",
            "this clips each number; wanted is one factor for all.",
            lambda gradients, clip_norm: [np.clip(g, -clip_norm, clip_norm) for g in gradients],
        ),
        Mistake(
            "always",
            "gradients whose norm is small are made longer. They should be left alone.",
            _times(lambda g, c: c / np.sqrt(sum((a**2).sum() for a in g))),
        ),
        Mistake(
            "no-root",
            "the norm is the root of the sum of squares.",
            _times(lambda g, c: min(1, c / sum((a**2).sum() for a in g))),
        ),
        Mistake(
            "sum-of-norms",
            "this adds up the norms of the gradients; add up all squares, and take the root at the end.",
            _times(lambda g, c: min(1, c / sum(np.sqrt((a**2).sum()) for a in g))),
        ),
        Mistake(
            "unscaled",
            "divided by the norm, but not multiplied by clip_norm.",
            _times(lambda g, c: min(1, 1 / np.sqrt(sum((a**2).sum() for a in g)))),
        ),
        Mistake(
            "nothing-done", "the gradients come back as they were.", lambda gradients, clip_norm: gradients
        ),
    ),
)
