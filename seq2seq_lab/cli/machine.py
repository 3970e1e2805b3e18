"""What this machine has: versions of what the lab stands on, and the device that computes.

A table of measurements names all of it, and the day: see `measured`.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import platform
from importlib import metadata

from seq2seq_lab._internals.kept_programs import processor_lines


def device() -> str:
    """The GPUs' names, or the kind of CPU."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    names = [tf.config.experimental.get_device_details(gpu).get("device_name", "GPU") for gpu in gpus]
    return ", ".join(names) or f"CPU ({processor()})"


def processor() -> str:
    """What the processor is called, as far as the system tells."""
    for line in processor_lines("model name"):
        return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def measured(program: str, threads: int) -> dict[str, object]:
    """When and on what something is measured, for a report; `in_words` makes a line of it."""
    today = datetime.date.today().isoformat()
    machine = {"device": device(), "threads": threads, "cores": os.cpu_count()}
    return {"date": today, **machine, "versions": versions(program)}


def in_words(measured: dict) -> str:
    """The line above a table of what was measured."""
    found = {name: version for name, version in measured["versions"].items() if version}
    machine = "measured {date}: {device}, {threads} of {cores} threads".format(**measured)
    return ", ".join([machine, *(f"{name} {version}" for name, version in found.items())])


def versions(program: str) -> dict[str, str | None]:
    """Versions of Python, of the program and of what it stands on; None for what is not installed."""
    packages = program, "tensorflow", "keras", "numpy", "jupyterlab"
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}


def version(package: str) -> str | None:
    """The installed version of a package."""
    with contextlib.suppress(metadata.PackageNotFoundError):
        return metadata.version(package)
    return None
