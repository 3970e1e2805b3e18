"""Work spread over processes of this machine: what they are given and return goes through pipes, no port."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from typing import Any, NamedTuple

PR_SET_PDEATHSIG = 1


class Job(NamedTuple):
    """A call whose outcome goes by a name."""

    name: str
    args: tuple


Outcome = tuple[str, Any]  # the name of a job, and what it returned or the exception it raised


class ProcessEnded(RuntimeError):
    """A process ended before it had returned anything."""


def on_this_machine(
    function: Callable,
    jobs: Iterator[Job],
    at_once: int | None = None,
    at_start: Callable[[], None] | None = None,
) -> Iterator[Outcome]:
    """Do jobs in processes of their own, and give each outcome as it comes.

    A process that dies costs its job, and is replaced. All end with the iterator.

    Args:
        function: called in one of the processes with the arguments of a job.
        jobs: read one at a time, when a process is free.
        at_once: how many at a time; None is one for each core.
        at_start: called in each process before its first job.
    """
    free = [_Process(function, at_start) for _ in range(at_once or len(os.sched_getaffinity(0)))]
    busy: dict[Any, tuple[_Process, str]] = {}  # by the pipe through which its outcome comes
    try:
        while True:
            for job in itertools.islice(jobs, len(free)):
                process = free.pop()
                busy[process.give(job.args)] = process, job.name
            if not busy:
                return
            for pipe in wait(busy):
                process, name = busy.pop(pipe)
                free.append(process)
                yield name, process.outcome()
    finally:
        for process in (*free, *(process for process, _ in busy.values())):
            process.kill()


class _Process:
    """A process that does one job after the other; it starts with the first, and again after its death."""

    def __init__(self, function: Callable, at_start: Callable[[], None] | None) -> None:
        self.function, self.at_start, self.process = function, at_start, None

    def give(self, args: tuple) -> Any:
        """Give it a job; returns the pipe through which the outcome will come."""
        if self.process is None:
            context = multiprocessing.get_context("spawn")  # no copy of this one's threads and locks
            self.pipe, other = context.Pipe()
            self.process = context.Process(
                target=_work, args=(other, self.function, self.at_start), daemon=True
            )
            resource_tracker.ensure_running()  # which else would unblock signals below
            before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # Ctrl-C is for this one alone
            try:
                self.process.start()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
            other.close()
        with contextlib.suppress(OSError):  # it has died, as its outcome will say
            self.pipe.send(args)
        return self.pipe

    def outcome(self) -> Any:
        """What a job returned, or the exception it raised."""
        try:
            return self.pipe.recv()
        except (EOFError, OSError):
            self.process.join()
            ended, self.process = self.process.exitcode, None
            self.pipe.close()
            return ProcessEnded(f"the process that marked it ended with {ended}")
        except Exception as error:  # an exception that cannot be sent
            return error

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.pipe.close()


def _work(pipe, function, at_start):
    """Do what comes through a pipe, until its other end is closed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # with who started it, however that ends
    if os.getppid() != multiprocessing.parent_process().pid:  # who has ended before that
        return
    if at_start is not None:
        at_start()
    with contextlib.suppress(EOFError, OSError):
        while True:
            args = pipe.recv()
            try:
                outcome = function(*args)
            except Exception as error:
                outcome = error
            pipe.send(outcome)
