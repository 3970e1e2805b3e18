"""One submission, marked: its answers are run in the sandbox, and judged here."""

from __future__ import annotations

import functools
import pickle
import re

from seq2seq_lab.exercises import exercise_named
from seq2seq_lab.exercises.engine.judging import judge
from seq2seq_lab.grading.assignment import UNTOUCHED, Lesson
from seq2seq_lab.grading.isolation import Limits
from seq2seq_lab.grading.marks import ExerciseMark, ExerciseState, Marks, WrittenAnswer, WrittenState
from seq2seq_lab.grading.sandbox import Answer, run
from seq2seq_lab.grading.submissions import Submission, cells_by_lesson

STUB = "raise NotImplementedError"
LONGEST_SHOWN = 20_000  # characters of an answer
MOST_NOT_RUN = 5  # statements that are spelled out


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
    exercises, answers, written = [], {}, []
    for lesson in lessons:
        cells = found.get(lesson.name)
        if cells is None and found and lesson.name not in names:
            notes.append(f"{lesson.name} is missing")
        for task in lesson.tasks:
            if _is_there(task, cells, notes):
                answers[task.name] = _to_be_run(task, cells, seed)
        for question in lesson.questions:
            written.append(_written_answer(lesson, question, cells, notes))
    outcomes = run([*answers.values()], limits, sandboxed, alone) if answers else {}
    for lesson in lessons:
        for task in lesson.tasks:
            outcome = outcomes.get(task.name)
            notes += _notes_on(task, found.get(lesson.name), outcome)
            exercises.append(_exercise_mark(lesson, task, found.get(lesson.name), outcome, seed))
    parts = tuple(notes), tuple(exercises), tuple(written)
    return Marks(submission.student, *parts, submission.digest(), submission.pages)


def _is_there(task, cells, notes):
    """Whether there is anything that may be the answer to an exercise."""
    own = _cells_named(f"answer-{task.name}", cells, notes)
    if own and own[-1].kind != "code":
        notes.append(f"the cell {own[-1].name} is no code cell any more, so it was not run")
    return _likely_cell(task, cells) is not None


def _likely_cell(task, cells):
    """The cell that looks most like an answer, whether it can be run or not; None if there is none."""
    defines = re.compile(rf"\b(def {task.function}\b|{task.function}\s*=[^=]|import .*\b{task.function}\b)")
    own = [cell for cell in cells or () if cell.name == f"answer-{task.name}"]
    own += [c for c in _code_cells(cells) if task.function in c.source and defines.search(c.source)]
    return ([cell for cell in own if STUB not in cell.source] or own or [None])[-1]


def _code_cells(cells):
    return [cell for cell in cells or () if cell.kind == "code"]


def _cells_named(name, cells, notes):
    """The cells of this name; notes what a student should know if it is not just one."""
    own = [cell for cell in cells or () if cell.name == name]
    if cells is not None and not own:
        notes.append(f"the cell {name} is missing")
    if len(own) > 1:
        notes.append(f"the cell {name} is there {len(own)} times: the last counts")
    return own


def _to_be_run(task, cells, seed):
    code = [(cell.name, cell.source) for cell in _code_cells(cells)]
    returns = exercise_named(task.name).returns
    return Answer(task.name, task.function, code, _pickled_cases(task.name, seed), len(returns))


@functools.lru_cache(maxsize=128)
def _pickled_cases(name, seed):
    """How an exercise is called and with what: drawn once for a class, a copy for each answer."""
    exercise = exercise_named(name)
    return pickle.dumps((exercise.call, exercise.returns, exercise.cases(seed)))


def _notes_on(task, cells, outcome):
    """What an instructor should know of how an answer was found."""
    if outcome is None:
        return
    found, places = outcome.found, [n for n, cell in enumerate(cells, 1) if cell.kind == "code"]
    if found.others:
        others = ", ".join(str(places[n]) for n in found.others)
        counts = "none counts"
        if found.cell is not None:
            counts = f"cell {places[found.cell]} counts, the last above its check"
        yield f"{task.function} is defined in cell {others} as well: {counts}"
    if found.checked:
        yield f"the check of {task.name} was changed: it is handed {found.checked}"


def _exercise_mark(lesson, task, cells, outcome, seed):
    exercise = exercise_named(task.name)
    about = lesson.name, task.name, exercise.task, task.points
    if outcome is None:
        return ExerciseMark(*about, code="", state=ExerciseState.MISSING)
    found = outcome.found
    cell = _likely_cell(task, cells) if found.cell is None else _code_cells(cells)[found.cell]
    cases = pickle.loads(_pickled_cases(task.name, seed))[2]
    verdict = judge(exercise, cases, outcome.results, task.points)
    return ExerciseMark(
        *about,
        code=cell.source[:LONGEST_SHOWN] if cell else "",
        state=ExerciseState(verdict.state),
        points=verdict.points,
        label=verdict.label,
        message=verdict.message + _what_was_run(verdict, found),
        hint=verdict.hint,
    )


def _what_was_run(verdict, found):
    """What went wrong in what the answer needs, and what was not run, as it needs it not; in words."""
    if verdict.state not in ("wrong", "stopped"):
        return ""
    said = f"\n\n{found.fault}" if found.fault and found.fault not in verdict.message else ""
    if found.not_run:
        more = len(found.not_run) - MOST_NOT_RUN
        lines = "\n".join(found.not_run[:MOST_NOT_RUN]) + (f"\nand {more} more" if more > 0 else "")
        said += f"\n\nThe answer does not use these lines, so they were not run:\n{lines}"
    return said


def _written_answer(lesson, question, cells, notes):
    own = _cells_named(f"written-{question.name}", cells, notes)
    about = lesson.name, question.name, question.points
    if not own:
        return WrittenAnswer(*about, WrittenState.MISSING, text="")
    text = own[-1].source.strip()
    if text in ("", UNTOUCHED):
        return WrittenAnswer(*about, WrittenState.OPEN, text="")
    return WrittenAnswer(*about, WrittenState.ANSWERED, text[:LONGEST_SHOWN])
