"""`seq2seq-lab grade`: from hand-ins to marks, feedback and overview, whenever something is new."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import NamedTuple

from seq2seq_lab.grading import report, written
from seq2seq_lab.grading.assignment import SOURCE, read_assignment
from seq2seq_lab.grading.handins import Handed
from seq2seq_lab.grading.record import Record
from seq2seq_lab.grading.schedule import mark_all
from seq2seq_lab.grading.walls import Limits, SandboxError, check_bubblewrap

__all__ = ["Graded", "SandboxError", "grade"]


class Graded(NamedTuple):
    """What has come of a run."""

    handins: int
    faults: list[str]  # why some could not be marked
    notices: list[str]  # rows of a written.csv that do not count
    odd: int  # hand-ins of which marks.csv says that something is odd
    seed: int  # of the random inputs


def grade(
    handins: pathlib.Path,
    out: pathlib.Path,
    *,
    source: pathlib.Path | None = None,
    seed: int | None = None,
    written_file: pathlib.Path | None = None,
    nbgrader: pathlib.Path | None = None,
    assignment: str | None = None,
    scheduler: str | None = None,
    sandboxed: bool = True,
    limits: Limits = Limits(),  # noqa: B008 (frozen)
    versions: Mapping[str, str | None] | None = None,
) -> Graded:
    """Mark a class; what was marked before under the same conditions is kept.

    Args:
        handins: a folder or a zip, as `handins.Handed` reads it.
        out: the folder of marks.
        source: the folder with the instructor's notebooks; None is the lab's own.
        seed: of the random inputs; None draws one, or goes on with that of `out`.
        written_file: a copy of `written.csv` with points; those in `out`'s own count in any case.
        nbgrader: folder of a course in whose gradebook marks are entered as well.
        assignment: which of the course's, if it has several.
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
        written.rows(written_file)  # names what is no such file before all the marking
    lessons = read_assignment(source or SOURCE)
    handed = Handed(handins, lessons)
    with Record(out, lessons, limits, sandboxed, seed, versions or {}) as record:
        course = None
        if nbgrader is not None:
            from seq2seq_lab.grading.gradebook import Course

            course = Course(nbgrader, assignment, record)
        faults = mark_all(handed, record, limits, sandboxed, scheduler)
        notices = written.take_back(record, written_file)
        written.write(record)
        odd = report.write(record, handed.students)
        if course is not None:
            course.write()
        return Graded(len(handed.students), faults, notices, odd, record.seed)
