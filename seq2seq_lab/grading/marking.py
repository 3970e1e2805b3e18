"""One submission, marked: its answers are run in the sandbox, and judged here."""

from __future__ import annotations

import pickle

from seq2seq_lab.exercises import exercise_named
from seq2seq_lab.exercises.engine.judging import judge
from seq2seq_lab.grading.assignment import UNTOUCHED, Lesson
from seq2seq_lab.grading.isolation import Limits
from seq2seq_lab.grading.marks import ExerciseMark, ExerciseState, Marks, WrittenAnswer, WrittenState
from seq2seq_lab.grading.sandbox import Answer, run
from seq2seq_lab.grading.submissions import Submission, cells_by_lesson

STUB = "raise NotImplementedError"
LONGEST_SHOWN = 20_000  # characters of an answer


def mark(
    submission: Submission,
    lessons: tuple[Lesson, ...],
    seed: int,
    limits: Limits,
    sandboxed: bool = True,
    alone: bool = True,
) -> Marks:
    """The marks of a submission, manual grades excepted.

    Args:
        submission: what a student has submitted.
        lessons: what was asked.
        seed: of the random inputs.
        limits: what each answer may use up.
        sandboxed: False runs the answers without a sandbox.
        alone: whether no other submission is marked at the same time.

    Raises:
        Late: time on the clock was up for an answer, and `alone` is False.
        SandboxError: the sandbox does not work.
    """
    found, notes = cells_by_lesson(submission, lessons)
    names = {file.stem for file in submission.files}
    own, answers, written = [], [], []
    for lesson in lessons:
        cells = found.get(lesson.name)
        if cells is None and found and lesson.name not in names:
            notes.append(f"{lesson.name} is missing")
        for task in lesson.tasks:
            cell = _answer_cell(task, cells, notes)
            own.append((lesson, task, cell))
            if cell is not None:
                answers.append(_to_be_run(task, cells, cell, seed))
        for question in lesson.questions:
            written.append(_written_answer(lesson, question, cells, notes))
    results = run(answers, limits, sandboxed, alone) if answers else {}
    exercises = [_exercise_mark(lesson, task, cell, results, seed) for lesson, task, cell in own]
    return Marks(submission.student, tuple(notes), tuple(exercises), tuple(written), submission.digest())


def _answer_cell(task, cells, notes):
    """The cell that holds the answer to an exercise: the last that is no stub; None if there is none."""
    own = _cells_named(f"answer-{task.name}", cells, notes)
    own = own or [cell for cell in cells or () if f"def {task.function}(" in cell.source]
    own = [cell for cell in own if STUB not in cell.source] or own
    return own[-1] if own else None


def _cells_named(name, cells, notes):
    """The cells of this name; notes what a student should know if it is not just one."""
    own = [cell for cell in cells or () if cell.name == name]
    if cells is not None and not own:
        notes.append(f"the cell {name} is missing")
    if len(own) > 1:
        notes.append(f"the cell {name} is there {len(own)} times: the last counts")
    return own


def _to_be_run(task, cells, own, seed):
    exercise = exercise_named(task.name)
    before = [cell.source for cell in cells[: cells.index(own)] if cell.kind == "code"]
    cases = pickle.dumps((exercise.call, exercise.returns, exercise.cases(seed)))
    return Answer(task.name, task.function, (*before, own.source), cases, len(exercise.returns))


def _exercise_mark(lesson, task, cell, results, seed):
    exercise = exercise_named(task.name)
    about = lesson.name, task.name, exercise.task, task.points
    if cell is None:
        return ExerciseMark(*about, code="", state=ExerciseState.MISSING)
    verdict = judge(exercise, exercise.cases(seed), results[task.name], task.points)
    return ExerciseMark(
        *about,
        code=cell.source[:LONGEST_SHOWN],
        state=ExerciseState(verdict.state),
        points=verdict.points,
        label=verdict.label,
        message=verdict.message,
        hint=verdict.hint,
    )


def _written_answer(lesson, question, cells, notes):
    own = _cells_named(f"written-{question.name}", cells, notes)
    about = lesson.name, question.name, question.points
    if not own:
        return WrittenAnswer(*about, WrittenState.MISSING, text="")
    text = own[-1].source.strip()
    if text in ("", UNTOUCHED):
        return WrittenAnswer(*about, WrittenState.OPEN, text="")
    return WrittenAnswer(*about, WrittenState.ANSWERED, text[:LONGEST_SHOWN])
