"""The isolation of a sandbox: what it may use up, and the command of bubblewrap that makes it."""

from __future__ import annotations

import dataclasses
import functools
import os
import pathlib
import shutil
import subprocess
import sys

import matplotlib.font_manager  # makes the list of fonts, if there is none yet

import seq2seq_lab

PACKAGE = pathlib.Path(seq2seq_lab.__file__).resolve().parent
WORKER = pathlib.Path(__file__).with_name("worker.py")
SYSTEM = "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/alternatives"
FONTS = "/tmp/matplotlib"  # matplotlib's list of fonts, which takes a second to be made
ENGINE = "engine/__init__.py", "engine/asking.py", "engine/running.py", "engine/slicing.py"
SHOWN = "__init__.py", *ENGINE, "catalogue/__init__.py", "catalogue/calls.py"
HIDDEN = {"exercises": SHOWN, "grading": ()}  # folders, and what is shown of them
ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "KERAS_BACKEND": "tensorflow",
    "CUDA_VISIBLE_DEVICES": "-1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
ENVIRONMENT_IN_SANDBOX = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8", "MPLCONFIGDIR": FONTS}
GET_IT = "`apt install bubblewrap` on Debian and Ubuntu, `dnf install bubblewrap` on Fedora"


@dataclasses.dataclass(frozen=True)
class Limits:
    """What the answer to one exercise may use up. The same for everyone."""

    cpu_seconds: int = 20  # of each process
    seconds: int = 60  # on the clock
    memory: int = 2_000_000_000  # bytes; of all processes together at most twice that
    processes: int = 256  # threads included
    file_size: int = 16_000_000  # bytes of a file
    disk: int = 64_000_000  # bytes in /tmp
    output: int = 16_000_000  # bytes returned, as they are sent


class SandboxError(RuntimeError):
    """The sandbox itself does not work."""


@functools.cache
def bubblewrap(limits: Limits, root: bool) -> list[str]:
    """The command that makes a sandbox, up to the program to be run in it.

    Raises:
        SandboxError: bubblewrap is missing, or too old.
    """
    program = shutil.which("bwrap")
    if program is None:
        raise SandboxError(f"bubblewrap is missing; to get it: {GET_IT}")
    known = subprocess.run([program, "--help"], capture_output=True, text=True, check=False).stdout
    if "--size" not in known:
        raise SandboxError(f"bubblewrap is too old: it must know --size; for a newer one: {GET_IT}")
    command = [program, "--die-with-parent", "--new-session", "--clearenv"]
    command += ["--unshare-pid", "--unshare-ipc", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    if root:  # which has no limit of processes, so inside it becomes another user
        command += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        command += ["--unshare-user"] + (["--disable-userns"] if "--disable-userns" in known else [])
    packages = [path for path in sys.path if path.endswith("-packages") and os.path.isdir(path)]
    own = {**ENVIRONMENT_IN_SANDBOX, "PYTHONPATH": os.pathsep.join(packages)}
    for name, value in {**ENVIRONMENT, **own}.items():
        command += ["--setenv", name, value]
    command += ["--proc", "/proc", "--dev", "/dev"]
    for path in ("/tmp", "/dev/shm"):  # first of all: Python or this package may lie below
        command += ["--perms", "1777", "--size", str(limits.disk), "--tmpfs", path]
    for path in dict.fromkeys([*SYSTEM, sys.base_prefix, sys.prefix, *packages, str(PACKAGE)]):
        command += _shown(path)
    for folder, files in HIDDEN.items():
        command += ["--perms", "0755", "--tmpfs", str(PACKAGE / folder)]
        for file in files:
            command += _shown(str(PACKAGE / folder / file))
        command += ["--remount-ro", str(PACKAGE / folder)]
    command += ["--ro-bind", str(WORKER), "/worker.py", "--perms", "1777", "--dir", FONTS]
    for fonts in pathlib.Path(matplotlib.get_cachedir()).glob("fontlist-*.json"):
        command += ["--ro-bind", str(fonts), f"{FONTS}/{fonts.name}"]
    return [*command, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp", "--"]


def check_bubblewrap(limits: Limits) -> None:
    """See that a sandbox can be made.

    Raises:
        SandboxError: it cannot; says why.
    """
    command = [*bubblewrap(limits, os.geteuid() == 0), sys.executable, "-c", "import numpy"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise SandboxError(f"bubblewrap does not work here: {' '.join(run.stderr.split())[-300:]}")


def _shown(path):
    """Show a path of the system in the sandbox, read-only, where there is one."""
    if not os.path.lexists(path):
        return []
    parents = [str(p) for p in reversed(pathlib.Path(path).parents) if p != p.parent]
    shown = [word for p in parents for word in ("--perms", "0755", "--dir", p)]  # else for this user alone
    if os.path.islink(path):
        return [*shown, "--symlink", os.readlink(path), path]
    return [*shown, "--ro-bind", path, path]
