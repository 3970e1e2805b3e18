"""Where students' code runs, and what it returns: a way in and out of a sandbox for plain data."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import os
import pickle
import re
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import psutil

from seq2seq_lab.exercises.engine.asking import Raised, Results, Stopped
from seq2seq_lab.exercises.engine.running import Found
from seq2seq_lab.grading.isolation import ENVIRONMENT, PACKAGE, WORKER, Limits, SandboxError, start
from seq2seq_lab.grading.submissions import clean

STARTING = 60  # seconds that Python and TensorFlow may take to load, on a busy machine
GRACE = 10  # seconds that it may be late, on a busy machine
MOST_TEXTS = 10_000  # each takes the room of the longest
NO_ANSWER = Stopped("what came back was no answer")
LOOK_EVERY = 0.5  # seconds between two looks at a sandbox that says nothing
LOOK_AGAIN = 0.1  # where there are many processes, which can take much within a second
USUAL_PROCESSES = 2  # in a sandbox: its first, and that of an exercise
USES_TENSORFLOW = re.compile(r"\b(tf|tensorflow|keras)\b|\b(lab|seq2seq_lab)\.[A-Z]")
SOCKET = 1 << 18  # bytes that may wait in one, counted nowhere else
BEGINS = b'{"begins": true}'
MAGIC = re.compile(r"^\s*[%!]|\?\s*$|=\s*[%!]", re.MULTILINE)  # of IPython's
FIRST_UID = 200_000  # root's sandboxes run as users of their own from here on, one for each thread


_keeps = False
_handed_out: Sequence[str] = ()  # texts of cells that each sandbox reads when it starts
_kept: dict[tuple, _Sandbox] = {}  # by limits, whether it is one, and whether TensorFlow is loaded in it


class Late(Exception):
    """Time on the clock is up, but not that of the processor: others may have used that at the same time."""


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


def run(
    answers: Sequence[Answer], limits: Limits, sandboxed: bool = True, alone: bool = True
) -> dict[str, Ran]:
    """What the answers of one submission return, by exercise, in their order.

    Where a sandbox as a whole breaks down, that costs the exercise at which it did; the others get a new one.
    Those that turn out to want TensorFlow are asked once more, in a sandbox where it is loaded already.

    Args:
        answers: to be run, one after the other.
        limits: what each of them may use up.
        sandboxed: False runs them without a sandbox.
        alone: whether no other sandbox is at work, so that time on the clock counts.

    Raises:
        Late: time on the clock is up, and `alone` is False.
        SandboxError: it never came to the first exercise.
    """
    likely = {answer.name for answer in answers if _looks_like_tensorflow(answer)}
    first = [answer for answer in answers if answer.name not in likely]
    results, wanting = _run(first, limits, sandboxed, alone, tensorflow=False)
    second = [answer for answer in answers if answer.name in likely | wanting]
    results |= _run(second, limits, sandboxed, alone, tensorflow=True)[0]
    return {answer.name: results[answer.name] for answer in answers}


def keep_sandboxes(handed_out: Sequence[str] = ()) -> None:
    """From now on, a sandbox in which nothing was left behind is used for the next submission as well.

    Args:
        handed_out: texts of code cells that every student was given, which such a sandbox reads only once.
    """
    global _keeps, _handed_out
    _keeps, _handed_out = True, handed_out


def _looks_like_tensorflow(answer):
    """A guess, which saves the first try: a wrong one costs time, nothing else."""
    return any(USES_TENSORFLOW.search(text) for name, text in answer.cells if name == f"answer-{answer.name}")


def _run(answers, limits, sandboxed, alone, tensorflow):
    """What answers return, by exercise; and which of them want TensorFlow, where it is not loaded."""
    results: dict[str, Ran] = {}
    wanting: set[str] = set()
    while left := [a for a in answers if a.name not in results and a.name not in wanting]:
        begun, before = None, len(results) + len(wanting)
        with _sandbox(left, limits, sandboxed, tensorflow) as sandbox:
            for answer in left:
                if not sandbox.begins(answer):
                    break
                begun = answer.name
                said, returned = sandbox.outcome()
                if said is None:
                    break
                if said.get("late") and not alone:
                    raise Late(f"{answer.name}: {said['stopped']}")
                if "wants" in said:
                    wanting.add(begun)
                elif "stopped" in said:
                    results[begun] = Ran(Stopped(said["stopped"]))
                else:
                    results[begun] = _ran(returned, answer)
                begun = None
        if begun is not None:
            late = f"it took longer than {limits.seconds} s" if sandbox.late else ""
            if late and not alone:
                raise Late(f"{begun}: {late}")
            results[begun] = Ran(Stopped(sandbox.fault or late or "it ended all processes of its sandbox"))
        elif len(results) + len(wanting) == before and not sandbox.is_used:
            raise SandboxError(f"the sandbox does not work: {sandbox.said or 'it ended at once'}")
    return results, wanting


@contextlib.contextmanager
def _sandbox(answers, limits, sandboxed, tensorflow):
    """A sandbox for answers: a new one, or one that is kept; it ends with the block unless that is clean."""
    key = limits, sandboxed, tensorflow
    sandbox = _kept.pop(key, None) or _Sandbox(answers, limits, sandboxed, tensorflow)
    try:
        yield sandbox
    except BaseException:
        sandbox.end()
        raise
    if _keeps and sandbox.is_clean:
        sandbox.is_used = True
        _kept[key] = sandbox
    else:
        sandbox.end()


class _Sandbox:
    """One sandbox at work: an answer goes into it after the other, and lines come out of it."""

    def __init__(self, answers: Sequence[Answer], limits: Limits, sandboxed: bool, tensorflow: bool) -> None:
        self.limits = limits
        self.fault, self.rest = "", b""
        self.late = self.crowded = self.is_used = False
        self.is_clean = sandboxed  # whether nothing has happened in it that might be felt later on
        self.wait = STARTING
        root = sandboxed and os.geteuid() == 0
        processes = 0 if sandboxed else _threads_of_this_user()
        cells = {text for answer in answers for _, text in answer.cells}
        settings = {
            "uid": FIRST_UID + threading.get_native_id() if root else None,
            "private": sandboxed,
            "tensorflow": tensorflow,
            "magics": any(map(MAGIC.search, cells)),
            "handed_out": _handed_out,
            "path": [str(PACKAGE.parent)],
            "limits": dataclasses.asdict(limits) | {"processes": processes + limits.processes},
        }
        self.jobs, inside = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with _in_memory(json.dumps(settings).encode()) as file:
            socket.send_fds(self.jobs, [b"x"], [file.fileno()])
        with inside:
            if sandboxed:
                self.process = start([sys.executable, "/worker.py"], limits, inside)
            else:
                self.process = subprocess.Popen(
                    [sys.executable, str(WORKER)],
                    stdin=inside,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=os.environ | ENVIRONMENT,
                    start_new_session=True,
                )

    def end(self) -> None:
        """End all of its processes."""
        with contextlib.suppress(psutil.Error):
            for process in psutil.Process(self.process.pid).children(recursive=True):
                process.kill()
        self.process.kill()
        self.process.wait()  # bubblewrap's first process is gone, and with it all others
        self.jobs.close()
        self.process.stdout.close()
        os.set_blocking(self.process.stderr.fileno(), False)  # who holds the other end is not waited for
        self.said = " ".join((self.process.stderr.read(1000) or b"").decode(errors="replace").split())
        self.process.stderr.close()

    def begins(self, answer: Answer) -> bool:
        """Give it an answer; whether it comes to it."""
        with contextlib.suppress(OSError), _in_memory(pickle.dumps(answer._asdict())) as file:
            socket.send_fds(self.jobs, [b"x"], [file.fileno()])
            line = self._line()
            self.wait = self.limits.seconds + GRACE
            if line == BEGINS:
                return True
        self.is_clean = False
        return False

    def outcome(self) -> tuple[dict[str, Any] | None, bytes]:
        """What its worker says of an answer, and what that returned; None if no more will come."""
        was_clean, self.is_clean = self.is_clean, False
        line = self._line()
        if line is None:
            return None, b""
        said = json.loads(line)  # no word of it is a student's
        end = time.monotonic() + GRACE
        while len(self.rest) < said["bytes"]:
            if not self._more(end):
                return None, b""
        returned, self.rest = self.rest[: said["bytes"]], self.rest[said["bytes"] :]
        self.is_clean = was_clean and said["clean"] and not self.rest and not self.crowded
        return said, returned

    def _line(self):
        """The next line, or None if no more will come."""
        end = time.monotonic() + self.wait
        while b"\n" not in self.rest:
            if not self._more(end):
                return None
        line, _, self.rest = self.rest.partition(b"\n")
        return line

    def _more(self, end):
        """Wait for a part of what it says; False if no more will come."""
        wait = LOOK_EVERY
        while not select.select([self.process.stdout], [], [], wait)[0]:
            self.late = time.monotonic() > end
            if self.late or self._overfull():
                return False
            wait = LOOK_AGAIN if self.crowded else LOOK_EVERY
        part = os.read(self.process.stdout.fileno(), 1 << 16)
        self.rest += part
        return bool(part) and len(self.rest) <= 2 * self.limits.output

    def _overfull(self):
        """Whether its processes together take too much memory; what one may take is limited inside."""
        processes = psutil.Process(self.process.pid).children(recursive=True)
        self.crowded = len(processes) > USUAL_PROCESSES
        if not self.crowded:
            return False
        taken = sum(map(_memory, processes)) + SOCKET * _sockets(processes)
        if taken > 2 * self.limits.memory:
            self.fault = f"its processes together took more than {2 * self.limits.memory // 1_000_000} MB"
        return bool(self.fault)


@contextlib.contextmanager
def _in_memory(content):
    """A file that is nowhere on the disk, and that nobody can change."""
    import fcntl  # not there on Windows

    with os.fdopen(os.memfd_create("job", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "w+b") as file:
        file.write(content)
        file.seek(0)
        seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, seals)
        yield file


def _memory(process):
    """Bytes that a process takes, its part of what it shares included."""
    with contextlib.suppress(psutil.NoSuchProcess):
        try:
            return process.memory_full_info().pss
        except psutil.AccessDenied:
            return process.memory_info().rss
    return 0


def _sockets(processes):
    """How many sockets there are in a sandbox."""
    with contextlib.suppress(OSError, IndexError), open(f"/proc/{processes[-1].pid}/net/sockstat") as file:
        return int(file.readline().split()[2])  # sockets: used 3
    return 0


def _ran(line, answer):
    """What a line of JSON says of an answer; whatever else it is, nothing comes of it."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return Ran(NO_ANSWER)
    return Ran(_results(said, answer), _found(said, answer))


def _results(said, answer):
    """What was returned, as exact NumPy types, or why there is nothing."""
    try:
        if "stopped" in said:
            return Stopped(_text(said["stopped"]))
        results = [_result(result, answer.returns) for result in said["results"]]
        if not results:
            raise ValueError("no results")
        return results
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return NO_ANSWER


def _found(said, answer):
    """Where the answer was found, as far as that makes sense."""
    try:
        found, cells = said["found"], range(len(answer.cells))
        return Found(
            fault=_text(found["fault"]),
            cell=next((cell for cell in cells if cell == found["cell"]), None),  # a number of our own
            others=tuple(cell for cell in cells if cell in found["others"]),
            checked=_text(found["checked"]),
            not_run=tuple(map(_text, found["not_run"])),
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
