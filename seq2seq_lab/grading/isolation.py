"""The isolation of a sandbox: what it may use up, what it sees, and how bubblewrap is asked to make it."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import functools
import os
import pathlib
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from typing import BinaryIO

import matplotlib.font_manager  # makes the list of fonts, if there is none yet

import seq2seq_lab
from seq2seq_lab.grading import system_calls

PACKAGE = pathlib.Path(seq2seq_lab.__file__).resolve().parent
WORKER = pathlib.Path(__file__).with_name("worker.py")
USR = "bin", "sbin", "lib", "lib32", "lib64", "libexec", "local/bin", "local/lib"
USR += "share/fonts", "share/matplotlib", "share/zoneinfo"
SYSTEM = *(f"/usr/{part}" for part in USR), "/bin", "/sbin", "/lib", "/lib32", "/lib64"
SYSTEM += "/etc/ld.so.cache", "/etc/alternatives"
OF_A_PREFIX = "bin", "lib", "lib64", "pyvenv.cfg"  # all that Python needs of it
# Names of keys and tokens; a file that is memory without a limit where it is mapped.
MASKED = "/proc/keys", "/proc/key-users", "/dev/zero"
FONTS = "/fonts"  # matplotlib's list of fonts, which takes a second to be made
ENGINE = "engine/__init__.py", "engine/asking.py", "engine/running.py", "engine/slicing.py"
SHOWN = "__init__.py", *ENGINE, "catalogue/__init__.py", "catalogue/calls.py"
HIDDEN = {"exercises": SHOWN, "grading": ()}  # folders, and what is shown of them
ANSWERS = {  # what tells a folder in which they stand: a folder in it, and a file below that
    "notebooks": "source/1-encoder-decoder.ipynb",
    "tests": "answers/encoder_decoder.py",
    "exercises": "catalogue/encoder_decoder.py",
}
NO_SOURCES = "__pycache__", "include"
ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",  # else each process looks for such kernels at the first use of an operation
    "KERAS_BACKEND": "tensorflow",
    "CUDA_VISIBLE_DEVICES": "-1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
ENVIRONMENT_IN_SANDBOX = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "MPLCONFIGDIR": FONTS,
    "KERAS_HOME": "/keras",  # which is nowhere: Keras keeps no file that one exercise could find
    "XDG_CACHE_HOME": "/cache",  # nor does the lab keep a program there
}
GET_IT = "`apt install bubblewrap` on Debian and Ubuntu, `dnf install bubblewrap` on Fedora"
GET_LIBSECCOMP = "`apt install libseccomp2` on Debian and Ubuntu, `dnf install libseccomp` on Fedora"
KEYCTL_JOIN_SESSION_KEYRING = 1
OF_SYSTEMD = "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"  # where a user's systemd is found


@dataclasses.dataclass(frozen=True)
class Limits:
    """What the answer to one exercise may use up. The same for everyone."""

    cpu_seconds: int = 20  # of all its processes together
    seconds: int = 60  # on the clock
    memory: int = 2_000_000_000  # bytes; of all processes together at most twice that
    processes: int = 256  # threads included
    file_size: int = 16_000_000  # bytes of a file
    disk: int = 64_000_000  # bytes in /tmp
    output: int = 16_000_000  # bytes returned, as they are sent


class SandboxError(RuntimeError):
    """The sandbox itself does not work."""


def start(program: Sequence[str], limits: Limits, stdin: BinaryIO | socket.socket | int) -> subprocess.Popen:
    """Start a program in a sandbox of its own, as its first process.

    Nothing of this process goes with it: no variable of its environment, no open file, no key.

    Raises:
        SandboxError: bubblewrap or libseccomp is missing, or too old.
    """
    root, libc = os.geteuid() == 0, ctypes.CDLL(None)
    command, variables, capped = bubblewrap(limits, root), environment(), in_a_cgroup(limits, root)
    if capped:
        cleared = ["env", "-i", *(f"{name}={value}" for name, value in variables.items())]
        command = [*capped, *cleared, *command]
        variables = {name: os.environ[name] for name in OF_SYSTEMD if name in os.environ}
    try:
        filter_, keyctl = system_calls.filter_program(), system_calls.number("keyctl")
    except ImportError as error:
        raise SandboxError(f"{error.name} is missing; to get it: pip install -e '.[instructor]'") from error
    except RuntimeError as error:  # pyseccomp's own, where it does not find libseccomp
        raise SandboxError(f"libseccomp is missing; to get it: {GET_LIBSECCOMP}") from error
    read, write = os.pipe()
    try:
        with open(write, "wb") as file:
            file.write(filter_)  # which a pipe holds
        return subprocess.Popen(
            [*command, "--seccomp", str(read), "--", *program],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=variables,
            pass_fds=[read],
            start_new_session=True,
            preexec_fn=lambda: libc.syscall(keyctl, KEYCTL_JOIN_SESSION_KEYRING, None),
        )
    finally:
        os.close(read)


@functools.cache
def bubblewrap(limits: Limits, root: bool) -> list[str]:
    """The command that makes a sandbox, but for its filter of system calls and the program to be run.

    Raises:
        SandboxError: bubblewrap is missing, or too old.
    """
    program = shutil.which("bwrap")
    if program is None:
        raise SandboxError(f"bubblewrap is missing; to get it: {GET_IT}")
    known = subprocess.run([program, "--help"], capture_output=True, text=True, check=False).stdout
    if "--size" not in known:  # the latest of all options that are needed
        raise SandboxError(f"bubblewrap is too old: it must know --size; for a newer one: {GET_IT}")
    command = [program, "--die-with-parent", "--new-session", "--as-pid-1"]
    command += ["--unshare-pid", "--unshare-ipc", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    if root:  # which has no limit of processes, so inside it becomes another user
        command += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        command += ["--unshare-user"] + (["--disable-userns"] if "--disable-userns" in known else [])
    command += ["--proc", "/proc", "--dev", "/dev"]
    for path in MASKED:
        command += ["--ro-bind", "/dev/null", path] if os.path.exists(path) else []
    for path in ("/tmp", "/dev/shm", FONTS):  # first of all: Python or this package may lie below
        command += ["--perms", "1777", "--size", str(limits.disk), "--tmpfs", path]
    prefixes = dict.fromkeys(
        f"{prefix}/{part}" for prefix in (sys.base_prefix, sys.prefix) for part in OF_A_PREFIX
    )
    packages = _packages()
    for path in dict.fromkeys([*SYSTEM, *prefixes, *packages]):
        command += _shown(path)
    sources = sources_below((*prefixes, *packages, "/usr/local/lib"), packages)
    for folder in sources:
        command += ["--perms", "0755", "--tmpfs", folder]
    command += _shown(str(PACKAGE))
    for folder, files in HIDDEN.items():
        command += ["--perms", "0755", "--tmpfs", str(PACKAGE / folder)]
        for file in files:
            command += _shown(str(PACKAGE / folder / file))
        command += ["--remount-ro", str(PACKAGE / folder)]
    for folder in sources:
        command += ["--remount-ro", folder]
    command += ["--ro-bind", str(WORKER), "/worker.py"]
    for fonts in pathlib.Path(matplotlib.get_cachedir()).glob("fontlist-*.json"):
        command += ["--ro-bind", str(fonts), f"{FONTS}/{fonts.name}"]
    return [*command, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"]


@functools.cache
def in_a_cgroup(limits: Limits, root: bool) -> list[str]:
    """The command with which systemd runs another one in a cgroup that caps the memory of all its processes.

    Empty where systemd is not at work: then `sandbox` looks at their memory from time to time.
    """
    program = shutil.which("systemd-run")
    if program is None:
        return []
    command = [program, "--scope", "--quiet", "--collect", *([] if root else ["--user"])]
    for name, value in (
        ("MemoryMax", 2 * limits.memory),
        ("MemorySwapMax", 0),
        ("TasksMax", 2 * limits.processes),
    ):
        command += ["--property", f"{name}={value}"]
    command += ["--"]
    with contextlib.suppress(subprocess.TimeoutExpired):
        if not subprocess.run([*command, "true"], capture_output=True, check=False, timeout=10).returncode:
            return command
    return []


def environment() -> dict[str, str]:
    """All variables of a sandbox's environment."""
    return {**ENVIRONMENT, **ENVIRONMENT_IN_SANDBOX, "PYTHONPATH": os.pathsep.join(_packages())}


@functools.cache
def sources_below(folders: tuple[str, ...], packages: tuple[str, ...]) -> list[str]:
    """Folders below these in which answers stand: checkouts of the lab, and copies of its package.

    Args:
        folders: to be searched.
        packages: folders which are never hidden as a whole, whatever else lies in them.
    """
    found: list[str] = []
    left = [folder for folder in folders if not os.path.islink(folder)]
    while left:
        folder = left.pop()
        names: list[str] = []
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        hidden = [
            name for name in ANSWERS if name in names and os.path.exists(f"{folder}/{name}/{ANSWERS[name]}")
        ]
        if hidden and not any(f"{package}/".startswith(f"{folder}/") for package in packages):
            if folder != str(PACKAGE):
                found.append(folder)
            continue
        found += [f"{folder}/{name}" for name in hidden]
        left += [f"{folder}/{name}" for name in names if name not in (*hidden, *NO_SOURCES)]
    return list(dict.fromkeys(found))


def check_bubblewrap(limits: Limits) -> None:
    """See that a sandbox can be made.

    Raises:
        SandboxError: it cannot; says why.
    """
    with start([sys.executable, "-c", "import numpy"], limits, subprocess.DEVNULL) as run:
        said = run.communicate()[1].decode(errors="replace")
    if run.returncode:
        raise SandboxError(f"bubblewrap does not work here: {' '.join(said.split())[-300:]}")


def _packages():
    return tuple(path for path in sys.path if path.endswith("-packages") and os.path.isdir(path))


def _shown(path):
    """Show a path of the system in the sandbox, read-only, where there is one."""
    if not os.path.lexists(path):
        return []
    parents = [str(p) for p in reversed(pathlib.Path(path).parents) if p != p.parent]
    shown = [word for p in parents for word in ("--perms", "0755", "--dir", p)]  # else for this user alone
    if os.path.islink(path):
        return [*shown, "--symlink", os.readlink(path), path]
    return [*shown, "--ro-bind", path, path]
