"""Where students' code runs, and what it returns: a way in and out of a sandbox for plain data."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import os
import pickle
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import psutil

from seq2seq_lab.exercises.engine.asking import Raised, Results, Stopped
from seq2seq_lab.exercises.engine.running import Found
from seq2seq_lab.grading.isolation import ENVIRONMENT, PACKAGE, WORKER, Limits, SandboxError, bubblewrap
from seq2seq_lab.grading.submissions import clean

STARTING = 60  # seconds that Python and TensorFlow may take to load, on a busy machine
GRACE = 10  # seconds that it may be late, on a busy machine
MOST_TEXTS = 10_000  # each takes the room of the longest
LOOK_EVERY = 0.5  # seconds between two looks at a sandbox that says nothing
USUAL_PROCESSES = 4  # bubblewrap's own, the one that has TensorFlow, and that of an exercise
FIRST_UID = (
    200_000  # root's sandboxes run as users of their own from here on: none counts another's processes
)


class Answer(NamedTuple):
    """An answer to be run in the sandbox, with pickled inputs."""

    name: str  # of the exercise
    function: str
    cells: Sequence[tuple[str, str]]  # name and text of each code cell of its notebook
    cases: bytes  # (call, returns, cases)
    returns: int  # how many arrays an answer returns


class Ran(NamedTuple):
    """What has come of an answer: what it returned, and where in the notebook it was found."""

    results: Results
    found: Found = Found()


def run(answers: Sequence[Answer], limits: Limits, sandboxed: bool = True) -> dict[str, Ran]:
    """What the answers of one submission return, by exercise.

    Where a sandbox as a whole breaks down, that costs the exercise at which it did; the others get a new one.

    Raises:
        SandboxError: it never came to the first exercise.
    """
    results: dict[str, Ran] = {}
    while left := [answer for answer in answers if answer.name not in results]:
        begun, before = None, len(results)
        with _Sandbox(left, limits, sandboxed) as sandbox:
            for answer in left:
                if not sandbox.begins(answer):
                    break
                begun = answer.name
                line = sandbox.line()
                if line is None:
                    break
                results[begun], begun = Ran(_decoded(line, answer), _found(line, answer)), None
        if begun is not None:
            results[begun] = Ran(Stopped(sandbox.fault or "it ended all processes of its sandbox"))
        elif len(results) == before:
            raise SandboxError(f"the sandbox does not work: {sandbox.said or 'it ended at once'}")
    return results


class _Sandbox:
    """One sandbox at work: lines come out of it, and it ends with the block."""

    def __init__(self, answers: Sequence[Answer], limits: Limits, sandboxed: bool) -> None:
        self.answers, self.limits, self.sandboxed = answers, limits, sandboxed
        self.fault, self.rest = "", b""

    def __enter__(self) -> _Sandbox:
        root = self.sandboxed and os.geteuid() == 0
        processes = 0 if self.sandboxed else _threads_of_this_user()
        job = {
            "uid": FIRST_UID + os.getpid() if root else None,
            "private": self.sandboxed,
            "path": [str(PACKAGE.parent)],
            "limits": dataclasses.asdict(self.limits) | {"processes": processes + self.limits.processes},
            "exercises": [answer._asdict() for answer in self.answers],
        }
        python = [sys.executable, str(WORKER)]
        command = [*bubblewrap(self.limits, root), sys.executable, "/worker.py"] if self.sandboxed else python
        self.errors = tempfile.TemporaryFile()
        with tempfile.TemporaryFile() as stdin:
            pickle.dump(job, stdin)
            stdin.seek(0)
            self.process = subprocess.Popen(
                command,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=self.errors,
                env=os.environ | ENVIRONMENT,
                start_new_session=True,
            )
        self.wait = STARTING
        return self

    def __exit__(self, *_: Any) -> None:
        with contextlib.suppress(psutil.Error):
            for process in psutil.Process(self.process.pid).children(recursive=True):
                process.kill()
        self.process.kill()
        self.process.wait()  # bubblewrap's first process is gone, and with it all others
        self.process.stdout.close()
        self.errors.seek(0)
        self.said = " ".join(self.errors.read(1000).decode(errors="replace").split())
        self.errors.close()

    def begins(self, answer: Answer) -> bool:
        """Whether it comes to an answer."""
        line = self.line()
        self.wait = self.limits.seconds + GRACE
        return line == json.dumps({"exercise": answer.name}).encode()

    def line(self) -> bytes | None:
        """The next line, or None if no more will come."""
        end, most = time.monotonic() + self.wait, 2 * self.limits.output
        while b"\n" not in self.rest:
            if select.select([self.process.stdout], [], [], LOOK_EVERY)[0]:
                part = os.read(self.process.stdout.fileno(), 1 << 16)
                self.rest += part
                if not part or len(self.rest) > most:
                    return None
            elif time.monotonic() > end or self._overfull():
                return None
        line, _, self.rest = self.rest.partition(b"\n")
        return line

    def _overfull(self):
        """Whether its processes together take too much memory; what one may take is limited inside."""
        processes = psutil.Process(self.process.pid).children(recursive=True)
        if len(processes) <= USUAL_PROCESSES:
            return False
        taken = 0
        for process in processes:
            with contextlib.suppress(psutil.Error):
                memory = process.memory_info()
                taken += memory.rss - memory.shared
        if taken > 2 * self.limits.memory:
            self.fault = f"its processes together took more than {2 * self.limits.memory // 1_000_000} MB"
        return bool(self.fault)


def _decoded(line, answer):
    """Results from a line of JSON, as exact NumPy types; whatever else it is, nothing comes of it."""
    try:
        said = json.loads(line)
        if "stopped" in said:
            return Stopped(_text(said["stopped"]))
        results = [_result(result, answer.returns) for result in said["results"]]
        if not results:
            raise ValueError("no results")
        return results
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return Stopped("what came back was no answer")


def _found(line, answer):
    """Where the answer was found, as far as the line makes sense."""
    try:
        said = json.loads(line)["found"]
        cells = range(len(answer.cells))
        return Found(
            fault=_text(said["fault"]),
            cell=said["cell"] if said["cell"] in cells else None,
            others=tuple(cell for cell in cells if cell in said["others"]),
            checked=_text(said["checked"]),
            not_run=tuple(map(_text, said["not_run"])),
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return Found()


def _text(said):
    return clean(str(said)[:300])


def _result(result, returns):
    if isinstance(result, dict):
        return Raised(clean(str(result["error"])[:100]), _text(result["says"]), _text(result.get("line", "")))
    if len(result) != returns:
        raise ValueError("not as many arrays as are returned")
    return [_array(part) for part in result]


def _array(part):
    shape = tuple(int(n) for n in part["shape"])
    if "texts" in part:
        if len(part["texts"]) > MOST_TEXTS:
            raise ValueError("more texts than any answer has")
        flat = np.array([str(text)[:1000] for text in part["texts"]], dtype=np.str_)
    else:
        flat = np.frombuffer(base64.b64decode(part["numbers"], validate=True), np.float64).copy()
    if min(shape, default=0) < 0 or len(shape) > 32:
        raise ValueError("no shape")
    return flat.reshape(shape)


def _threads_of_this_user():
    """How many there are: without a sandbox, the limit of processes counts them all."""
    threads = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            threads += process.num_threads() if process.uids().real == os.getuid() else 0
    return threads
