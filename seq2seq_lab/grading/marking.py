"""One hand-in, marked: its answers are asked in the sandbox, and judged here."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

from seq2seq_lab.exercises import exercise_named
from seq2seq_lab.exercises.engine.asking import Results
from seq2seq_lab.exercises.engine.exercise import Exercise
from seq2seq_lab.exercises.engine.judging import judge
from seq2seq_lab.grading.assignment import UNTOUCHED, Lesson
from seq2seq_lab.grading.handins import HandIn, of_lessons
from seq2seq_lab.grading.sandbox import Asked, run
from seq2seq_lab.grading.walls import Limits

STUB = "raise NotImplementedError"
LONGEST_SHOWN = 20_000  # characters of an answer


def mark(
    handin: HandIn, lessons: Sequence[Lesson], seed: int, limits: Limits, sandboxed: bool = True
) -> dict[str, Any]:
    """Marks, with all that a report says of them, as JSON has it.

    Args:
        handin: what a student handed in.
        lessons: what was asked.
        seed: of the random inputs.
        limits: what each answer may use up.
        sandboxed: False runs the answers without a sandbox.

    Raises:
        SandboxError: the sandbox does not work.
    """
    found, notes = of_lessons(handin, tuple(lessons))
    names = {file.stem for file in handin.files}
    exercises, written, asked = [], [], []
    for lesson in lessons:
        cells = found.get(lesson.name)
        if cells is None and found and lesson.name not in names:
            notes.append(f"{lesson.name} is missing")
        for task in lesson.tasks:
            own = _cells_named(f"answer-{task.name}", cells, notes)
            own = own or [cell for cell in cells or () if f"def {task.function}(" in cell.source]
            own = [cell for cell in own if STUB not in cell.source] or own
            if own:
                asked.append(_asked(task, cells, own[-1], seed))
            exercises.append(_line(lesson, task, own))
        for question in lesson.questions:
            own = _cells_named(f"written-{question.name}", cells, notes)
            written.append(_in_words(lesson, question, own))
    results = run(asked, limits, sandboxed) if asked else {}
    for line in exercises:
        if line["name"] in results:
            line |= judged(exercise_named(line["name"]), results[line["name"]], seed, line["most"])
    return {"student": handin.student, "notes": notes, "exercises": exercises, "written": written}


def _cells_named(name, cells, notes):
    """The cells of this name; notes what a student should know if it is not just one."""
    own = [cell for cell in cells or () if cell.name == name]
    if cells is not None and not own:
        notes.append(f"the cell {name} is missing")
    if len(own) > 1:
        notes.append(f"the cell {name} is there {len(own)} times: the last counts")
    return own


def _line(lesson, task, own):
    """What is said of an exercise before its answer has been asked."""
    code = own[-1].source[:LONGEST_SHOWN] if own else ""
    about = {"lesson": lesson.name, "name": task.name, "task": exercise_named(task.name).task}
    found = {"state": "missing", "points": 0, "label": "", "message": "", "hint": ""}
    return {**about, "most": task.points, "code": code, **found}


def _in_words(lesson, question, own):
    """What is said of an answer in words: "missing", "open", or that it "waits" for its points."""
    text = own[-1].source.strip() if own else ""
    state = "missing" if not own else "open" if text in ("", UNTOUCHED) else "waits"
    about = {"lesson": lesson.name, "name": question.name, "most": question.points, "state": state}
    return {**about, "text": text[:LONGEST_SHOWN] if state == "waits" else ""}


def judged(exercise: Exercise, results: Results, seed: int, points: int) -> dict[str, Any]:
    """What an answer earns, and why: "right", "wrong", "open" or "stopped"."""
    verdict = judge(exercise, exercise.cases(seed), results, points)
    said = "state", "points", "label", "message", "hint"
    return {name: getattr(verdict, name) for name in said}


def _asked(task, cells, own, seed):
    exercise = exercise_named(task.name)
    before = [cell.source for cell in cells[: cells.index(own)] if cell.kind == "code"]
    cases = pickle.dumps((exercise.call, exercise.returns, exercise.cases(seed)))
    return Asked(task.name, task.function, (*before, own.source), cases, len(exercise.returns))
