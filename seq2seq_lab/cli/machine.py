"""What this machine has: versions of what the lab stands on, and the device that computes."""

from __future__ import annotations

import contextlib
import platform
from importlib import metadata


def device() -> str:
    """The GPUs' names, or the kind of CPU."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    names = [tf.config.experimental.get_device_details(gpu).get("device_name", "GPU") for gpu in gpus]
    return ", ".join(names) or f"CPU ({platform.machine()})"


def versions(program: str) -> dict[str, str | None]:
    """Versions of Python, of the program and of what it stands on; None for what is not installed."""
    packages = program, "tensorflow", "keras", "numpy", "jupyterlab"
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}


def version(package: str) -> str | None:
    """The installed version of a package."""
    with contextlib.suppress(metadata.PackageNotFoundError):
        return metadata.version(package)
    return None
