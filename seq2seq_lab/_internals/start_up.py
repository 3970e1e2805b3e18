"""How TensorFlow is imported: quietly, and without the garbage collector. Used by `setup`."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import types
from collections.abc import Iterator


def import_tensorflow() -> types.ModuleType:
    """TensorFlow, imported without Python's garbage collector.

    The import makes some 300,000 objects that stay. The collector would look through them again and again,
    now and whenever something is traced: so it rests meanwhile, and passes over them afterwards. That is done
    once: later on, it would pass over models that are no longer needed as well.
    """
    first, collecting = "tensorflow" not in sys.modules, gc.isenabled()
    gc.disable()
    try:
        import keras  # noqa: F401 (it is needed next)
        import tensorflow as tf
    finally:
        if first:
            gc.freeze()
        if collecting:
            gc.enable()
    return tf


def set_threads(threads: int) -> None:
    """Choose the threads inside one operation.

    Raises:
        RuntimeError: TensorFlow has already computed something, so that they are fixed.
    """
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    except RuntimeError as error:
        raise RuntimeError(
            f"setup(threads={threads}) comes too late: TensorFlow has already started. "
            "Restart the kernel and call it first, or pass threads=None."
        ) from error


def compile_quickly() -> None:
    """Have XLA optimise less than it would, unless `XLA_FLAGS`, which it reads once, says how much.

    On a CPU, the lab's programs then are as fast, give the same results, and compile a third faster.
    """
    level, flags = "--xla_backend_optimization_level", os.environ.get("XLA_FLAGS", "")
    if level not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {level}=1".strip()


@contextlib.contextmanager
def hidden_stderr() -> Iterator[None]:
    """Drop what C++ writes to file 2, which no logging level reaches while TensorFlow is starting."""
    if sys.stderr is None:  # closed: there is nothing to hide
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
