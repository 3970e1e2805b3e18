"""`seq2seq-lab grade`: from submissions to marks, feedback and overview, whenever something is new."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Mapping
from typing import NamedTuple

from seq2seq_lab.grading import feedback_zip, manual_grades, report
from seq2seq_lab.grading.assignment import SOURCE, handed_out, read_assignment
from seq2seq_lab.grading.isolation import Limits, SandboxError, check_bubblewrap
from seq2seq_lab.grading.marks_folder import FOLDERS, WRITTEN, MarksFolder
from seq2seq_lab.grading.schedule import mark_all
from seq2seq_lab.grading.submissions import Submissions
from seq2seq_lab.grading.worksheets import Worksheet

__all__ = ["Graded", "SandboxError", "grade"]


class Graded(NamedTuple):
    """What has come of a run."""

    submissions: int
    faults: list[str]  # why some could not be marked
    notices: list[str]  # what of a written.csv does not count, and what did not get into other files
    odd: int  # submissions of which marks.csv says that something is odd
    seed: int  # of the random inputs


def grade(
    submissions: pathlib.Path,
    out: pathlib.Path,
    *,
    source: pathlib.Path | None = None,
    seed: int | None = None,
    written_file: pathlib.Path | None = None,
    nbgrader: pathlib.Path | None = None,
    assignment: str | None = None,
    fill: pathlib.Path | None = None,
    fill_column: str | None = None,
    scheduler: str | None = None,
    sandboxed: bool = True,
    limits: Limits = Limits(),  # noqa: B008 (frozen)
    versions: Mapping[str, str | None] | None = None,
) -> Graded:
    """Mark a class; what was marked before under the same conditions is kept.

    Args:
        submissions: a folder or a zip, as `submissions.Submissions` reads it.
        out: the folder of marks.
        source: the folder with the instructor's notebooks; None is the lab's own.
        seed: of the random inputs; None draws one, or goes on with that of `out`.
        written_file: a copy of `written.csv` with points; those in `out`'s own count in any case.
        nbgrader: folder of a course in whose gradebook marks are entered as well.
        assignment: which of the course's, if it has several.
        fill: a worksheet that Moodle or Canvas exported; it is written into `out` with everyone's points.
        fill_column: which of its columns, if it has several.
        scheduler: address of a Dask scheduler; None is this machine.
        sandboxed: False runs answers without a sandbox.
        limits: what each answer may use up.
        versions: of what marks are made with, for the record.

    Raises:
        ValueError: an argument is wrong; it is named first.
        SandboxError: there is no sandbox.
    """
    if sandboxed and scheduler is None:
        check_bubblewrap(limits)
    if written_file is not None:
        manual_grades.read_rows(written_file)  # names what is no such file before all the marking
    lessons = read_assignment(source or SOURCE)
    worksheet = _worksheet(fill, fill_column, out, lessons)
    submitted = Submissions(submissions, lessons)
    with MarksFolder(out, lessons, limits, sandboxed, seed, versions or {}) as folder:
        course = None
        if nbgrader is not None:
            from seq2seq_lab.grading.gradebook import Course

            course = Course(nbgrader, assignment, folder)
        for said in (f"found {submitted.read_as}", *submitted.doubts):
            print(f"{submissions}: {said}", file=sys.stderr)
        faults = mark_all(submitted, folder, limits, sandboxed, scheduler, handed_out(source or SOURCE))
        notices = manual_grades.take_back(folder, written_file)
        manual_grades.write(folder)
        odd = report.write(folder, submitted.students)
        feedback_zip.write(folder, submitted)
        if worksheet is not None:
            notices += worksheet.fill(
                out / worksheet.path.name, report.points_of_all(folder), submitted.origin
            )
        if course is not None:
            notices += course.write()
        return Graded(len(submitted.students), faults, notices, odd, folder.seed)


def _worksheet(path, column, out, lessons):
    """The worksheet to be filled, if there is one."""
    if path is None:
        if column is not None:
            raise ValueError("fill_column needs --fill")
        return None
    if path.name in (*WRITTEN, *FOLDERS) or path.resolve() == (out / path.name).resolve():
        raise ValueError(
            f"fill must be no file of {out}, into which it is written under its own name, not {path}"
        )
    return Worksheet(path, column, report.most(lessons))
