"""One submission, marked for Gradescope: `results.json`, which its autograder has to leave behind."""

from __future__ import annotations

import json
import pathlib
import secrets

from seq2seq_lab._internals.files import whole_file
from seq2seq_lab.exercises.engine.verdict import WORDS
from seq2seq_lab.grading.assignment import SOURCE, read_assignment
from seq2seq_lab.grading.isolation import Limits, SandboxError, check_bubblewrap
from seq2seq_lab.grading.marking import mark
from seq2seq_lab.grading.marks import ExerciseMark, Marks, WrittenAnswer, WrittenState
from seq2seq_lab.grading.submissions import read_folder

STUDENT = "submission"  # Gradescope knows whose it is
NO_FAULT = "This submission could not be marked, which is no fault of it. Please tell your instructor."
WITHOUT = "in a container of Gradescope's there may be no way to make one: then --no-sandbox"


def grade_one(
    submission: pathlib.Path,
    results: pathlib.Path,
    *,
    source: pathlib.Path | None = None,
    seed: int | None = None,
    sandboxed: bool = True,
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> str:
    """Mark the notebooks in a folder, and write `results.json`, also where something goes wrong.

    Args:
        submission: the folder with a student's files, at any depth.
        results: the file to write.
        source: the folder with the instructor's notebooks; None is the lab's own.
        seed: of the random inputs; None draws one.
        sandboxed: False runs answers without a sandbox.
        limits: what each answer may use up.

    Returns:
        The points in a line.

    Raises:
        Exception: whatever went wrong; the file then says that it did.
    """
    try:
        if not submission.is_dir():
            raise ValueError(f"submission must be a folder with a student's files, not {submission}")
        if sandboxed:
            _check_sandbox(limits)
        lessons = read_assignment(source or SOURCE)
        seed = secrets.randbelow(2**31) if seed is None else seed
        marks = mark(read_folder(submission, STUDENT), lessons, seed, limits, sandboxed)
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())[:500]
        _write(results, {"score": 0, "output": f"{NO_FAULT}\n\n{said}", "output_format": "text"})
        raise
    found = as_results(marks)
    _write(results, {**found, "extra_data": {"seed": seed}})
    most = sum(line.most for line in marks.exercises)
    return f"{found['score']} of {most} points for what is checked, seed {seed}"


def as_results(marks: Marks) -> dict:
    """What Gradescope reads: a test for each answer, and the points of those that are checked."""
    tests = [*map(_test, marks.exercises), *map(_by_hand, marks.written)]
    return {
        "score": sum(line.points for line in marks.exercises),  # needed, as not every test has its own
        "output": "\n".join((*(f"handed in as well: {name}" for name in marks.pages), *marks.notes)),
        "output_format": "text",
        "stdout_visibility": "hidden",
        "tests": tests,
    }


def _test(line: ExerciseMark):
    words = WORDS.get(line.state.value, line.state.value)
    said = [line.task, line.message, f"Hint: {line.hint}" if line.hint else ""]
    return {
        "name": f"{line.lesson}, {line.name}: {words}",
        "score": line.points,
        "max_score": line.most,
        "status": "passed" if line.points else "failed",
        "output": "\n\n".join(filter(None, said)),
        "output_format": "text",  # a message may hold whatever the student's code says
        "visibility": "visible",
    }


def _by_hand(answer: WrittenAnswer):
    waits = answer.state is WrittenState.ANSWERED
    said = "waits for its points, which are given by hand" if waits else WORDS["open"]
    return {
        "name": f"{answer.lesson}, {answer.name}, in words",
        "output": f"{said}; up to {answer.most} points",
        "output_format": "text",
        "visibility": "visible",
    }


def _check_sandbox(limits):
    try:
        check_bubblewrap(limits)
    except SandboxError as error:
        raise SandboxError(f"{error}; {WITHOUT}") from error


def _write(path, results):
    with whole_file(path) as unfinished:
        unfinished.write_text(json.dumps(results, indent=1), encoding="utf-8")
