"""Programs that XLA has compiled for this processor, kept from one start to the next.

TensorFlow writes and reads them, but trusts its folder: from a damaged entry `fit` learns nothing, and only
warns. So each process has a folder of its own, with copies of entries that were checked, and at its end it
publishes what it has compiled: each entry whole, and its SHA-256 in its name.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
import pathlib
import platform
import shutil
import tempfile
import time
from importlib import metadata

import platformdirs

from seq2seq_lab._internals.files import whole_file

FLAG = "--tf_xla_persistent_cache_directory"
PROGRAM = "*__XLA_CPU_JIT.pb"  # as TensorFlow names what is compiled for a CPU; the rest is not kept
MOST = 64  # entries kept, the newest; each has up to 3 MB
ABANDONED = 2 * 24 * 3600  # seconds after which a process that has not ended well is over
PRIVATE = "private-"


def keep_programs(*choices: object) -> None:
    """Let XLA take programs from earlier starts, on a CPU; says nothing where no folder can be had.

    TensorFlow reads where they are when it is imported. Where `TF_XLA_FLAGS` names a folder already, that one
    is used, as TensorFlow does it.

    Args:
        choices: what else the programs depend on.
    """
    flags = os.environ.get("TF_XLA_FLAGS", "")
    if FLAG in flags:
        return
    with contextlib.suppress(OSError):
        kept = folder(*choices)
        remove_abandoned(kept)
        private = pathlib.Path(tempfile.mkdtemp(prefix=PRIVATE, dir=kept))
        atexit.register(publish, private, kept, os.getpid())
        for entry in entries(kept):
            if (content := checked(entry)) is not None:
                (private / entry.name.partition("-")[2]).write_bytes(content)
        os.environ["TF_XLA_FLAGS"] = f"{flags} {FLAG}={private}".strip()


def home() -> pathlib.Path:
    """The folder of all versions and processors."""
    return platformdirs.user_cache_path("seq2seq-lab", appauthor=False) / "programs"


def folder(*choices: object) -> pathlib.Path:
    """The folder of these versions and choices on this processor, made and readable for its owner alone.

    Raises:
        OSError: it cannot be made, or others may write there.
    """
    found = home() / hashlib.sha256(repr((*choices, *what_programs_depend_on())).encode()).hexdigest()[:16]
    found.mkdir(mode=0o700, parents=True, exist_ok=True)
    state = found.stat()
    if os.name == "posix" and (state.st_uid != os.getuid() or state.st_mode & 0o077):
        raise PermissionError(f"{found} must be its user's alone")
    return found


def what_programs_depend_on() -> tuple:
    """Beside what stands in TensorFlow's own key: versions, XLA's flags, the processor with its features."""
    versions = [metadata.version(name) for name in ("tensorflow", "keras", "numpy")]
    processor = {platform.processor(), *processor_lines("model name", "flags", "Features")}
    return *versions, os.environ.get("XLA_FLAGS", ""), platform.machine(), sorted(processor)


def processor_lines(*names: str) -> list[str]:
    """The lines with these names that Linux has on its processors; none elsewhere."""
    with contextlib.suppress(OSError):
        lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        return [line for line in lines if line.startswith(names)]
    return []


def entries(kept: pathlib.Path) -> list[pathlib.Path]:
    """The published programs, the newest first."""
    return sorted(kept.glob(f"[0-9a-f]*-{PROGRAM}"), key=lambda path: -path.stat().st_mtime)


def checked(entry: pathlib.Path) -> bytes | None:
    """What an entry holds, if that is what was published; anything else is removed."""
    with contextlib.suppress(OSError):
        content = entry.read_bytes()
        if hashlib.sha256(content).hexdigest() == entry.name.partition("-")[0]:
            return content
        entry.unlink()
    return None


def publish(private: pathlib.Path, kept: pathlib.Path, process: int) -> None:
    """At the end of a process: add what it has compiled, keep the newest, leave nothing behind."""
    if os.getpid() != process:  # a fork of it
        return
    with contextlib.suppress(OSError):
        known = {entry.name for entry in entries(kept)}
        for compiled in private.glob(PROGRAM):
            content = compiled.read_bytes()
            name = f"{hashlib.sha256(content).hexdigest()}-{compiled.name}"
            if name not in known:
                with whole_file(kept / name) as unfinished:
                    unfinished.write_bytes(content)
        for old in entries(kept)[MOST:]:
            old.unlink(missing_ok=True)
    shutil.rmtree(private, ignore_errors=True)


def remove_abandoned(kept: pathlib.Path) -> None:
    """Remove the folders of processes that were killed long ago."""
    for private in kept.glob(f"{PRIVATE}*"):
        if time.time() - private.stat().st_mtime > ABANDONED:
            shutil.rmtree(private, ignore_errors=True)


def kept_programs() -> tuple[int, float]:
    """How many programs are kept, for all versions, and how many megabytes they have."""
    sizes = [path.stat().st_size for path in home().glob(f"*/[0-9a-f]*-{PROGRAM}")]
    return len(sizes), sum(sizes) / 1e6


def forget_programs() -> None:
    """Remove all that is kept."""
    shutil.rmtree(home(), ignore_errors=True)
