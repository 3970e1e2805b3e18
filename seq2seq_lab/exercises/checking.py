"""Check an answer at once, in the kernel where it stands: `check`, `symptom`, `progress`; and go on with it.

That a curious student can read the references in this package is known and accepted here.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import io
import random
import warnings
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from seq2seq_lab.exercises.catalogue import NOTEBOOKS, exercise_named, exercises_of
from seq2seq_lab.exercises.engine.judging import judge
from seq2seq_lab.exercises.engine.verdict import SIGNS, Verdict
from seq2seq_lab.settings import SEED, Rule, require
from seq2seq_lab.views.tables import Table


class _Checked(NamedTuple):
    verdict: Verdict
    answer: object  # that it is a verdict on


_latest: dict[str, _Checked] = {}  # of this kernel, by exercise


def check(name: str, answer: Callable, seed: int = 0) -> Verdict:
    """Whether an answer is right: run on random inputs, beside the reference.

    Args:
        name: of the exercise, as in `check("clipping", clipped)`.
        answer: the function that was asked for.
        seed: of the random inputs.

    Returns:
        A verdict: true or false, shown with what is wrong first and a hint, with the points as its `repr`.
        A wrong answer is no error, whatever it does.

    Raises:
        ValueError: there is no exercise of that name, or `seed` is out of range.
    """
    exercise = exercise_named(name)
    require("seed", seed, SEED)
    with _unnoticed():
        _latest[name] = _Checked(_verdict(exercise, answer, seed), answer)
    return _latest[name].verdict


def symptom(name: str, function: Callable) -> Table:
    """In the bug clinic: the number that the bug moves, of a function and of a healthy one.

    Raises:
        ValueError: there is no exercise of that name, it has no symptom, or `function` is none.
    """
    exercise = exercise_named(name)
    if exercise.symptom is None:
        raise ValueError(f"name must be that of a bug of the clinic; got {name!r}")
    require("function", function, Rule("a function", callable))
    with _unnoticed():
        here, healthy = f"{exercise.measure(function):.3f}", _healthy(name)
    return Table(("measured", "here", "healthy"), [(exercise.measures, here, healthy)])


def answer_or_reference(name: str, answer: Callable) -> Callable:
    """An answer that its latest check found right, or else the lab's own; one printed line says which.

    So a lesson goes on with what a student has written, and runs where nothing is written yet. The function
    is given copies of its arrays: one that works in place spoils nothing.

    Raises:
        ValueError: there is no exercise of that name, or `answer` is no function.
    """
    exercise = exercise_named(name)
    require("answer", answer, Rule("a function", callable))
    checked = _latest.get(name)
    if checked is None or not checked.verdict:
        chosen, whose = exercise.reference, "the lab's own, until yours passes its check"
    elif checked.answer is not answer:
        chosen, whose = exercise.reference, "the lab's own: check yours again, it has changed"
    else:
        chosen, whose = answer, "yours"
    print(f"{exercise.function}: {whose}")

    @functools.wraps(chosen)
    def on_copies(*args: object) -> object:
        return chosen(*(np.copy(a) if isinstance(a, np.ndarray) else a for a in args))

    return on_copies


def progress(notebook: int | None = None) -> Table:
    """Which exercises are done, in this kernel, as a table; of one notebook or of all.

    Raises:
        ValueError: there is no notebook of that number.
    """
    numbers = range(1, len(NOTEBOOKS) + 1)
    if notebook is not None:
        require("notebook", notebook, Rule(f"one of {[*numbers]}, or None", lambda v: v in numbers))
    rows, earned, most = [], 0, 0
    for exercise in exercises_of(notebook):
        checked = _latest.get(exercise.name)
        state, points = ("open", 0) if checked is None else (checked.verdict.state, checked.verdict.points)
        rows.append(
            (exercise.name, exercise.task, f"{SIGNS[state]} {state}", f"{points} of {exercise.points}")
        )
        earned, most = earned + points, most + exercise.points
    rows.append(("all together", "", "", f"{earned} of {most}"))
    return Table(("exercise", "what to do", "state", "points"), rows)


def _verdict(exercise, answer, seed):
    if not callable(answer):
        message = f"the answer should be a function, not {type(answer).__name__}"
        return Verdict(exercise.name, "wrong", 0, exercise.points, message, label="type")
    cases = exercise.cases(seed)
    verdict = judge(exercise, cases, exercise.ask(answer, cases))
    if exercise.symptom is None or verdict.state == "open":
        return verdict
    return dataclasses.replace(verdict, measured=_measured(exercise, answer))


def _measured(exercise, answer):
    """The number that the bug had moved, of this answer and of a healthy one, in words."""
    try:
        here = f"{exercise.measure(answer):.3f}"
    except (Exception, SystemExit):
        here = "none"
    return f"{exercise.measures}: {here}, healthy: {_healthy(exercise.name)}"


@functools.cache
def _healthy(name):
    """The number of the reference, measured once in a kernel."""
    exercise = exercise_named(name)
    return f"{exercise.measure(exercise.reference):.3f}"


@contextlib.contextmanager
def _unnoticed() -> Iterator[None]:
    """Leave no trace: no warning and nothing on stderr, for which nbgrader scores 0; no number drawn."""
    states = random.getstate(), np.random.get_state()
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])
