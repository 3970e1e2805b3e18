"""What runs in the sandbox: students' functions are asked, and what they return goes out as plain numbers.

Stands alone: all it finds of the lab is what students import and how answers are called. It reads its job
from stdin. To stdout it writes for each exercise a line of JSON that names it, a line with what came of it,
and what the answer returned: as many bytes as that line says. A process for each exercise is forked off one
in which TensorFlow is loaded already; when that is done, everything that is left of it is killed and deleted.
In a sandbox this is the first process: no signal from inside reaches it, and all orphans are its own.
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
import subprocess
import sys
import time
import types

USES_TENSORFLOW = re.compile(r"\b(tf|tensorflow|keras|lab|seq2seq_lab)\b")
MAGIC = re.compile(r"^\s*[%!]|\?\s*$|=\s*[%!]", re.MULTILINE)  # of IPython's
WRITABLE = "/tmp", "/dev/shm", "/fonts"  # folders of a sandbox
PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4
LOOK_EVERY = 0.1  # seconds between two looks at what an exercise has used
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Do the job on stdin."""
    job = pickle.load(sys.stdin.buffer)  # from outside the sandbox, where no student's code runs
    first = set(_files())
    if job["uid"]:
        os.setgroups([])
        os.setgid(job["uid"])
        os.setuid(job["uid"])
    answers, out = os.dup(1), os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(out, standard)
    os.close(out)
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # which a change of the user has unset
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("500")  # where memory runs out, a sandbox goes, and not who grades
    libc.prctl(PR_SET_DUMPABLE, 0)  # no process of a student's may reach into this one
    sys.path[:0] = job["path"]
    cells = {cell for exercise in job["exercises"] for _, cell in exercise["cells"]}
    if any(map(USES_TENSORFLOW.search, cells)):
        _load_tensorflow()
    if any(map(MAGIC.search, cells)):
        importlib.import_module("IPython.core.inputtransformer2")
    importlib.import_module("seq2seq_lab.exercises.catalogue.calls")  # and with it `engine.asking`
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # what it does not handle does not reach a first process
    for exercise in job["exercises"]:
        _write(answers, json.dumps({"exercise": exercise["name"]}).encode() + b"\n")
        returned, said = _asked(exercise, job["limits"], job["private"])
        if job["private"]:
            _delete(set(_files()) - first)
        _write(answers, json.dumps({**said, "bytes": len(returned)}).encode() + b"\n" + returned)


def _load_tensorflow():
    """Import it, but compute nothing: what runs in threads of its own does not survive a fork."""
    gc.disable()
    for module in ("tensorflow", "seq2seq_lab.model", "matplotlib.pyplot"):  # with all that they import
        importlib.import_module(module)
    gc.freeze()


def _asked(exercise, limits, private):
    """What came of an exercise, asked in a process of its own: what it sent, and why it was stopped."""
    receive, send = os.pipe()
    before = _seconds_of_ended()
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            os.dup2(send, 3)
            os.closerange(4, 4096)
            _limit(limits)
            _write(3, json.dumps(_results(exercise)).encode() + b"\n")
        finally:
            os._exit(0)
    os.close(send)
    family = _Family(child, private)
    line, stopped = _received(receive, family, before, limits)
    status = family.end()
    os.close(receive)
    if line:
        return line, {}
    seconds = _seconds_of_ended() - before
    return b"", {"stopped": _reason(stopped, status, seconds, limits), "late": stopped == "late"}


def _received(pipe, family, before, limits):
    """A line that comes through a pipe, or why no more was waited for: what of its limits is used up."""
    end, parts, size = time.monotonic() + limits["seconds"], [], 0
    while True:
        if select.select([pipe], [], [], LOOK_EVERY)[0]:
            part = os.read(pipe, 1 << 16)
            line, newline, _ = part.partition(b"\n")  # what comes behind it is nobody's
            parts.append(line)
            size += len(line)
            if newline:  # who else holds the pipe is not waited for
                return b"".join(parts), ""
            if size > limits["output"]:
                return b"", "output"
            if not part:
                if family.is_over():
                    return b"", ""
                time.sleep(LOOK_EVERY)  # it has closed the pipe and goes on
        if _seconds_of_ended() - before + family.seconds() > limits["cpu_seconds"]:
            return b"", "cpu"
        if time.monotonic() > end:
            return b"", "late"


def _reason(stopped, status, seconds, limits):
    killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    if stopped == "output":
        return f"it returned more than {limits['output'] // 1_000_000} MB"
    if stopped == "late":
        return f"it took longer than {limits['seconds']} s"
    if stopped == "cpu" or killed == signal.SIGXCPU or seconds > limits["cpu_seconds"]:
        return f"it took longer than {limits['cpu_seconds']} s of the processor"
    if killed:
        return f"its process was killed by signal {killed}"
    return "it ended its process"


def _seconds_of_ended():
    """Processor time of all processes that this one has seen end."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class _Family:
    """The process of an exercise and what it has started: in a sandbox, all but this one."""

    def __init__(self, child, private):
        self.child, self.private, self.status = child, private, None

    def is_over(self):
        """Whether the process of the exercise has ended."""
        self._reap(os.WNOHANG)
        return self.status is not None

    def seconds(self):
        """Processor time of those that are alive, and of those that have ended in them."""
        self._reap(os.WNOHANG)
        used = 0
        for name in os.listdir("/proc") if self.private else [str(self.child)]:
            if name.isdigit() and name != str(os.getpid()):
                with contextlib.suppress(OSError), open(f"/proc/{name}/stat") as file:
                    used += sum(map(int, file.read().rpartition(")")[2].split()[11:15]))
        return used / TICKS

    def end(self):
        """Kill all of them, and say how the first of them ended."""
        if self.private:
            with contextlib.suppress(ProcessLookupError):
                while True:  # until there is nobody left
                    os.kill(-1, signal.SIGKILL)
                    self._reap(0)
            self._reap(os.WNOHANG)
        else:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.child, signal.SIGKILL)
            while self.status is None:
                self._reap(0)
        return self.status

    def _reap(self, options):
        with contextlib.suppress(ChildProcessError):
            while True:
                ended, status = os.waitpid(-1, options)
                if ended == self.child:
                    self.status = status
                if not ended or (self.status is not None and not self.private):
                    return


def _files():
    """What lies in the folders in which an exercise may write."""
    return [entry.path for folder in WRITABLE if os.path.isdir(folder) for entry in os.scandir(folder)]


def _delete(files):
    """Delete what an exercise has left; `shutil` would stumble over folders in folders, and closed ones."""
    for command in (("chmod", "-R", "u+rwx"), ("rm", "-rf", "--one-file-system")) if files else ():
        subprocess.run([*command, "--", *files], stderr=subprocess.DEVNULL, check=False)


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


def _write(file, content):
    content = memoryview(content)
    while content:
        content = content[os.write(file, content) :]


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
