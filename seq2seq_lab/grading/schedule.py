"""A class of submissions, marked a Dask task each: on all cores of this machine, or on a cluster there is."""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
from collections.abc import Iterator

import distributed
from tqdm import tqdm

from seq2seq_lab.grading.isolation import Limits
from seq2seq_lab.grading.marking import mark
from seq2seq_lab.grading.marks_folder import MarksFolder, key
from seq2seq_lab.grading.submissions import Submissions

AHEAD = 2  # submissions for each Dask worker that have been read and are not marked yet
QUIET = {
    "logging.distributed": "critical",  # a Dask worker that died is replaced
    "distributed.scheduler.work-stealing": False,
    "distributed.worker.daemon": True,
}


def mark_all(
    submissions: Submissions,
    folder: MarksFolder,
    limits: Limits,
    sandboxed: bool,
    scheduler: str | None = None,
) -> list[str]:
    """Mark every submission whose marks are not in the folder yet, or are those of another version.

    Args:
        submissions: those of the class.
        folder: where marks are written, each as soon as it is there.
        limits: what each answer may use up.
        sandboxed: False runs answers without a sandbox.
        scheduler: address of a Dask scheduler; None starts a cluster on this machine.

    Returns:
        Why a submission could not be marked, a line each; the next run will try those again.

    Raises:
        ValueError: no scheduler answers at this address.
    """
    faults: list[str] = []
    everyone = submissions.students
    students = [s for s in everyone if not _is_marked(submissions.read(s), folder)]
    if not students:
        return faults
    done = len(everyone) - len(students)
    bar = tqdm(total=len(everyone), initial=done, unit=" submissions", file=sys.stderr, smoothing=0.05)
    with bar, _client(scheduler) as client:
        left, names = iter(students), {key(student): student for student in students}

        def some(n: int) -> Iterator[distributed.Future]:
            for student in itertools.islice(left, n):
                args = submissions.read(student), folder.lessons, folder.seed, limits, sandboxed
                yield client.submit(mark, *args, pure=False, key=key(student))

        workers = len(client.scheduler_info(n_workers=-1)["workers"]) or 1
        at_work = distributed.as_completed(some(AHEAD * workers))
        for future in at_work:
            try:
                folder.write_marks(future.result())
            except Exception as error:  # one submission must not stop the others
                said = " ".join(f"{type(error).__name__}: {error}".split())
                faults.append(f"{names[future.key]}: {said[:300]}")
            bar.update()
            at_work.update(some(1))
    return faults


def _is_marked(submission, folder):
    marks = folder.marks_of(submission.student)
    return marks is not None and marks.digest == submission.digest()


@contextlib.contextmanager
def _client(scheduler):
    """A connection to a cluster, which ends with it if it was started here."""
    import dask

    with contextlib.ExitStack() as stack:
        stack.enter_context(dask.config.set(QUIET))
        if scheduler is None:
            scheduler = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=len(os.sched_getaffinity(0)),
                    threads_per_worker=1,
                    memory_limit=None,
                    dashboard_address=None,
                    silence_logs="CRITICAL",
                )
            )
        try:
            client = stack.enter_context(distributed.Client(scheduler))
        except OSError as error:
            rule = "scheduler must be the address of a Dask scheduler that answers"
            raise ValueError(f"{rule}, but {scheduler} does not") from error
        yield client
