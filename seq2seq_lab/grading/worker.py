"""What runs in the sandbox: students' functions are asked, and what they return goes out as plain numbers.

Stands alone: all it finds of the lab is what students import and how answers are called. It reads its job
from stdin and writes a line of JSON for each exercise to stdout. A process for each exercise is forked off
one in which TensorFlow is loaded already; when that is done, everything that is left of it is killed.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import gc
import importlib
import json
import os
import pickle
import re
import resource
import select
import signal
import sys
import time
import types

USES_TENSORFLOW = re.compile(r"\b(tf|tensorflow|keras|lab|seq2seq_lab)\b")
MAGIC = re.compile(r"^\s*[%!]|\?\s*$|=\s*[%!]", re.MULTILINE)  # of IPython's
PR_SET_DUMPABLE = 4


def main() -> None:
    """Do the job on stdin."""
    job = pickle.load(sys.stdin.buffer)  # from outside the sandbox, where no student's code runs
    if job["uid"]:
        os.setgroups([])
        os.setgid(job["uid"])
        os.setuid(job["uid"])
    answers, out = os.dup(1), os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(out, standard)
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0)  # no process of a student's may reach into this one
    sys.path[:0] = job["path"]
    cells = {cell for exercise in job["exercises"] for _, cell in exercise["cells"]}
    if any(map(USES_TENSORFLOW.search, cells)):
        _load_tensorflow()
    if any(map(MAGIC.search, cells)):
        importlib.import_module("IPython.core.inputtransformer2")
    importlib.import_module("seq2seq_lab.exercises.catalogue.calls")  # and with it `engine.asking`
    for exercise in job["exercises"]:
        _write(answers, json.dumps({"exercise": exercise["name"]}).encode())
        _write(answers, _asked(exercise, job["limits"], job["private"]))


def _load_tensorflow():
    """Import it, but compute nothing: what runs in threads of its own does not survive a fork."""
    gc.disable()
    for module in ("tensorflow", "seq2seq_lab.model", "matplotlib.pyplot"):  # with all that they import
        importlib.import_module(module)
    gc.freeze()


def _asked(exercise, limits, private):
    """A line of JSON: what came of an exercise, asked in a process of its own."""
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            os.dup2(send, 3)
            os.closerange(4, 4096)
            _limit(limits)
            _write(3, json.dumps(_results(exercise)).encode())
        finally:
            os._exit(0)
    os.close(send)
    end = time.monotonic() + limits["seconds"]
    line, late = _received(receive, end, limits["output"])
    while not (line or late or os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT | os.WNOHANG)):
        late = "time" if time.monotonic() > end else ""  # it has closed the pipe and goes on
        time.sleep(0.01)
    _kill(child, private)
    _, status, used = os.wait4(child, 0)
    _reap()
    if private:
        _wait_until_alone()
    os.close(receive)
    seconds = used.ru_utime + used.ru_stime
    return line or json.dumps({"stopped": _reason(late, status, seconds, limits)}).encode()


def _received(pipe, end, most):
    """A line that comes through a pipe, or why no more was waited for."""
    parts, size = [], 0
    while True:
        if not select.select([pipe], [], [], max(0, end - time.monotonic()))[0]:
            return b"", "time"
        part = os.read(pipe, 1 << 16)
        if not part:
            return b"", ""
        parts.append(part)
        size += len(part)
        if size > most:
            return b"", "output"
        if part.endswith(b"\n"):  # who else holds the pipe is not waited for
            return b"".join(parts)[:-1], ""


def _reason(late, status, seconds, limits):
    if late == "output":
        return f"it returned more than {limits['output'] // 1_000_000} MB"
    killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    if late or killed == signal.SIGXCPU or (killed == signal.SIGKILL and seconds > limits["cpu_seconds"]):
        return f"it took longer than {limits['cpu_seconds']} s"
    if killed:
        return f"its process was killed by signal {killed}"
    return "it ended its process"


def _limit(limits):
    """Limits that hold for this process and for all that it starts."""
    with open("/proc/self/statm") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    cpu = limits["cpu_seconds"]
    for kind, soft, hard in (
        (resource.RLIMIT_CPU, cpu, cpu + 1),
        (resource.RLIMIT_AS, size + limits["memory"], size + limits["memory"]),
        (resource.RLIMIT_NPROC, limits["processes"], limits["processes"]),
        (resource.RLIMIT_FSIZE, limits["file_size"], limits["file_size"]),
        (resource.RLIMIT_NOFILE, 256, 256),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        resource.setrlimit(kind, (soft, hard))


def _kill(child, private):
    """Kill an exercise and what it has started: all other processes, where these are the sandbox's own."""
    with contextlib.suppress(ProcessLookupError):
        if private:
            os.kill(-1, signal.SIGKILL)
        else:
            os.killpg(child, signal.SIGKILL)


def _reap():
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _wait_until_alone():
    """Until what was killed is gone: the sandbox's first process reaps it, in its own time."""
    end = time.monotonic() + 1
    with contextlib.suppress(OSError):  # there is none left
        while time.monotonic() < end:
            os.kill(-1, 0)
            time.sleep(0.001)


def _write(file, line):
    line = memoryview(line + b"\n")
    while line:
        line = line[os.write(file, line) :]


# In the process of one exercise


def _results(exercise):
    """What the answer to an exercise returns in each of its cases, as plain data."""
    from seq2seq_lab.exercises.engine import asking, running

    if "tensorflow" in sys.modules:
        threading = sys.modules["tensorflow"].config.threading
        threading.set_intra_op_parallelism_threads(1)
        threading.set_inter_op_parallelism_threads(1)
    notebook = types.ModuleType("__main__")
    sys.modules["__main__"] = notebook  # where pickle and others look for what a cell defines
    cells = [running.Cell(*cell) for cell in exercise["cells"]]
    found = running.find_answer(cells, exercise["name"], exercise["function"], vars(notebook))
    answer, found = found.answer, found._replace(answer=None)
    if answer is None:
        return {"stopped": found.fault, "found": found._asdict()}
    call, returns, cases = pickle.loads(exercise["cases"])
    results = asking.ask_all(answer, cases, call, returns)
    results = [r._asdict() if isinstance(r, asking.Raised) else [*map(_plain, r)] for r in results]
    return {"results": results, "found": found._asdict()}


def _plain(array):
    if array.dtype.kind == "U":
        return {"shape": array.shape, "texts": array.ravel().tolist()}
    return {"shape": array.shape, "numbers": base64.b64encode(array.tobytes()).decode()}


if __name__ == "__main__":
    main()
