"""A class of submissions, marked: on all cores of this machine, or on a Dask cluster there is."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterable, Iterator, Sequence

from tqdm import tqdm

from seq2seq_lab.grading.isolation import Limits
from seq2seq_lab.grading.marking import mark
from seq2seq_lab.grading.marks_folder import MarksFolder, key
from seq2seq_lab.grading.processes import Job, on_this_machine
from seq2seq_lab.grading.sandbox import Late, keep_sandboxes
from seq2seq_lab.grading.submissions import Submissions


def mark_all(
    submissions: Submissions,
    folder: MarksFolder,
    limits: Limits,
    sandboxed: bool,
    scheduler: str | None = None,
    handed_out: Sequence[str] = (),
) -> list[str]:
    """Mark every submission whose marks are not in the folder yet, or are those of another version.

    Where time on the clock is up, others may have been at work at the same time: such a submission is marked
    anew when they are all done, alone.

    Args:
        submissions: those of the class.
        folder: where marks are written, each as soon as it is there.
        limits: what each answer may use up.
        sandboxed: False runs answers without a sandbox.
        scheduler: address of a Dask scheduler; None does the work on this machine.
        handed_out: texts of code cells that every student was given, which are read only once.

    Returns:
        Why a submission could not be marked, a line each; the next run will try those again.

    Raises:
        ValueError: no scheduler answers at this address, or Dask is missing.
    """
    faults: list[str] = []
    late: list[str] = []
    everyone = submissions.students
    students = [s for s in everyone if not _is_marked(submissions.read(s), folder)]
    if not students:
        return faults
    work = functools.partial(on_this_machine, at_start=functools.partial(keep_sandboxes, handed_out))
    if scheduler is not None:
        try:
            from seq2seq_lab.grading.cluster import on_a_cluster
        except ImportError as error:
            rule = "scheduler needs a package that is missing"
            raise ValueError(f"{rule}, {error.name}; to get it: pip install -e '.[instructor]'") from error
        work = functools.partial(on_a_cluster, scheduler)
    done = len(everyone) - len(students)
    names = {key(student): student for student in students}

    def jobs(those: Iterable[str], alone: bool) -> Iterator[Job]:
        for student in those:
            args = submissions.read(student), folder.lessons, folder.seed, limits, sandboxed, alone
            yield Job(key(student), args)

    with tqdm(total=len(everyone), initial=done, unit=" submissions", file=sys.stderr, smoothing=0.05) as bar:
        together = work(mark, jobs(students, alone=len(students) == 1))
        one_by_one = work(mark, jobs(late, alone=True), at_once=1)
        for outcomes in (together, one_by_one):
            with contextlib.closing(outcomes):
                for name, outcome in outcomes:
                    if isinstance(outcome, Late):
                        late.append(names[name])
                        continue
                    if isinstance(outcome, Exception):  # one submission must not stop the others
                        said = " ".join(f"{type(outcome).__name__}: {outcome}".split())
                        faults.append(f"{names[name]}: {said[:300]}")
                    else:
                        folder.write_marks(outcome)
                    bar.update()
    return faults


def _is_marked(submission, folder):
    marks = folder.marks_of(submission.student)
    return marks is not None and marks.digest == submission.digest()
