"""What stands in for `mark` where a class is marked: what each student's name says happens in its process."""

import contextlib
import os
import signal

import psutil

from seq2seq_lab.grading import marking
from seq2seq_lab.grading.marks import Marks
from seq2seq_lab.grading.sandbox import Late

GRADER = "SEQ2SEQ_LAB_GRADER"  # variable with the id of the process that has started all others


def mark(submission, lessons, seed, limits, sandboxed, alone):
    """Marks as they really are, but for the students named here."""
    grader = psutil.Process(int(os.environ[GRADER]))
    if submission.student == "ports":
        family = [grader, *grader.children(recursive=True)]
        raise LookupError(f"{psutil.Process() in family} {[port for p in family for port in ports_of(p)]}")
    if submission.student == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if submission.student == "late":
        if not alone:
            raise Late("late")
        at_work = [p for p in grader.children() if "spawn_main" in " ".join(p.cmdline())]
        assert at_work == [psutil.Process()], at_work
        return Marks(submission.student, (), (), (), submission.digest())
    return marking.mark(submission, lessons, seed, limits, sandboxed, alone)


def ports_of(process):
    """Where a process listens; nowhere if it has ended meanwhile."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return [c.laddr for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    return []
