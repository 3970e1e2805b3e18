"""What runs in the sandbox: students' functions are asked, and what they return goes out as plain numbers.

Stands alone: all it finds of the lab is what students import and how answers are called. Stdin is a socket:
each message is an open file, the first with the settings, each further one with an answer that is to be
asked. To stdout it writes for each a line when it begins, a line of JSON with what came of it, and what the
answer returned: as many bytes as that line says. Each answer has a process of its own, forked off this one;
when that is done, everything that is left of it is killed and deleted. In a sandbox this is the first
process: no signal from inside reaches it, and all orphans are its own.

It may be asked the answers of one student after the other. So no word of theirs comes into memory that the
next one gets a copy of: the file is read in the answer's process alone, and what that returns goes through a
buffer that is not forked. What is read beforehand are cells that all of them were given. It computes nothing
with TensorFlow, either: what runs in threads of its own does not survive a fork.

Most answers need no TensorFlow, which takes seconds to be loaded: where it is not, one that imports it is
ended, and it is said that it wants it.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import gc
import importlib
import json
import mmap
import os
import pickle
import re
import resource
import select
import signal
import socket
import subprocess
import sys
import time
import types

TENSORFLOW = "tensorflow", "keras"
PRELOADED = "tensorflow", "seq2seq_lab.model", "matplotlib.pyplot"  # with all that they import
# TensorFlow makes a list at the first of each of these calls: of its 15,000 kernels, of all operations, since
# it knows none of this name, and of XLA's kernels.
LISTS = (
    ("tensorflow.python.framework.kernels", "get_registered_kernels_for_op", "AddV2"),
    ("tensorflow.python.framework.op_def_registry", "get", "unknown"),
    ("tensorflow.python.util.pywrap_xla_ops", "get_cpu_kernel_names"),
)
NEEDED = "seq2seq_lab.exercises.catalogue.calls", "seq2seq_lab.exercises.engine.running"
GENERATED = re.compile(r"/tmp/__autograph_generated_file\w{8}\.py")
WANTED = b'{"wants": "TensorFlow"}'
WRITABLE = "/tmp", "/dev/shm", "/fonts"  # folders of a sandbox
PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4
BEGINS = b'{"begins": true}\n'
PART = 1 << 16  # bytes that are read at once
LOOK_EVERY = 0.1  # seconds between two looks at what an exercise has used
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Ask what comes through stdin, until its other end is closed."""
    jobs = socket.socket(fileno=os.dup(0))
    with open(socket.recv_fds(jobs, 1, 1)[1][0], "rb") as file:
        settings = json.load(file)
    first, state = set(_files()), _state_of_folders()
    if settings["uid"]:
        os.setgroups([])
        os.setgid(settings["uid"])
        os.setuid(settings["uid"])
    answers, out = os.dup(1), os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(out, standard)
    os.close(out)
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # which a change of the user has unset
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("500")  # where memory runs out, a sandbox goes, and not who grades
    libc.prctl(PR_SET_DUMPABLE, 0)  # no process of a student's may reach into this one
    sys.path[:0] = settings["path"]
    gc.disable()
    for module in (*(PRELOADED if settings["tensorflow"] else ()), *NEEDED):
        importlib.import_module(module)
    for module, function, *names in LISTS if settings["tensorflow"] else ():  # here, not in each process
        getattr(importlib.import_module(module), function)(*names)
    if settings["magics"]:
        importlib.import_module("IPython.core.inputtransformer2")
    sys.modules["seq2seq_lab.exercises.engine.slicing"].read_before(settings["handed_out"])
    limits, private = settings["limits"], settings["private"]
    buffer = mmap.mmap(-1, limits["output"] + 2 * PART, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    buffer.madvise(mmap.MADV_DONTFORK)
    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # what it does not handle does not reach a first process
    while True:
        message, files, _, _ = socket.recv_fds(jobs, 1, 1)
        if not message:
            return
        _write(answers, BEGINS)
        length, said = _asked(jobs, files[0], buffer, limits, private)
        if private:
            _delete_generated(set(_files()) - first)
            left = set(_files()) - first
            said["clean"] = said["clean"] and not left and _state_of_folders() == state
            _delete(left)
        _write(answers, json.dumps({**said, "bytes": length}).encode() + b"\n")
        _write(answers, memoryview(buffer)[:length])


def _asked(jobs, job, buffer, limits, private):
    """What came of an answer, asked in a process of its own: how much it sent, and what there is to say."""
    receive, send = os.pipe()
    before = _seconds_of_ended()
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            jobs.detach()
            with open(job, "rb") as file:
                answer = pickle.load(file)  # from outside the sandbox, where no student's code runs
            os.dup2(send, 3)
            os.closerange(4, 4096)
            _limit(limits)
            _write(3, json.dumps(_results(answer)).encode() + b"\n")
        finally:
            os._exit(0)
    os.close(send)
    os.close(job)
    family = _Family(child, private)
    length, stopped = _received(receive, buffer, family, before, limits)
    status = family.end()
    os.close(receive)
    said = {"clean": bool(length) and family.alone}
    if "tensorflow" not in sys.modules and length == len(WANTED) and buffer.find(WANTED) == 0:
        return 0, {**said, "wants": "TensorFlow"}
    if length:
        return length, said
    seconds = _seconds_of_ended() - before
    return 0, {**said, "stopped": _reason(stopped, status, seconds, limits), "late": stopped == "late"}


def _received(pipe, buffer, family, before, limits):
    """The length of a line that comes through a pipe into the buffer; or why no more was waited for."""
    end, size = time.monotonic() + limits["seconds"], 0
    while True:
        if select.select([pipe], [], [], LOOK_EVERY)[0]:
            part = os.readv(pipe, [memoryview(buffer)[size : size + PART]])
            newline = buffer.find(b"\n", size, size + part)
            if newline >= 0:  # what comes behind it is nobody's; who else holds the pipe is not waited for
                return newline, ""
            size += part
            if size > limits["output"]:
                return 0, "output"
            if not part:
                if family.is_over():
                    return 0, ""
                time.sleep(LOOK_EVERY)  # it has closed the pipe and goes on
        if _seconds_of_ended() - before + family.seconds() > limits["cpu_seconds"]:
            return 0, "cpu"
        if time.monotonic() > end:
            return 0, "late"


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
        self.alone = True  # until another one is found

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
                elif ended:
                    self.alone = False
                if not ended or (self.status is not None and not self.private):
                    return


def _files():
    """What lies in the folders in which an exercise may write."""
    return [entry.path for folder in WRITABLE if os.path.isdir(folder) for entry in os.scandir(folder)]


def _state_of_folders():
    """What an exercise could change of these folders themselves."""
    found = []
    for folder in WRITABLE:
        with contextlib.suppress(FileNotFoundError):
            about = os.stat(folder)
            found.append((about.st_mode, about.st_uid, about.st_gid, about.st_nlink, os.listxattr(folder)))
    return found


def _delete_generated(files):
    """Delete what AutoGraph, which rewrites a `tf.function`, leaves under names of its own."""
    for file in filter(GENERATED.fullmatch, files):
        with contextlib.suppress(OSError):
            os.unlink(file)


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
    else:
        sys.meta_path.insert(0, _EndWhereItIsImported())
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


class _EndWhereItIsImported:
    """Ends a process that imports TensorFlow, and says why: the answer is asked anew where that is loaded."""

    def find_spec(self, name, path=None, target=None):
        if name in TENSORFLOW:
            os.write(3, WANTED + b"\n")
            os._exit(0)


def _plain(array):
    if array.dtype.kind == "U":
        return {"shape": array.shape, "texts": array.ravel().tolist()}
    return {"shape": array.shape, "numbers": base64.b64encode(array.tobytes()).decode()}


if __name__ == "__main__":
    main()
