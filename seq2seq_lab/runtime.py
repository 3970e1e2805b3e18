"""How TensorFlow runs here: what `setup` chooses, and whether XLA works.

Used in the first cell of every notebook, and by the command line.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import warnings
from collections.abc import Iterator

from seq2seq_lab.settings import COUNT, check


def setup(threads: int | None = 1, quiet: bool = True, memory_growth: bool = True) -> None:
    """Choose how TensorFlow runs; call it before anything else, each part can be switched off.

    Args:
        threads: threads inside one operation. One is fastest here, since handing the lab's small products to
            a pool costs more than they do; None leaves the choice to TensorFlow.
        quiet: hide TensorFlow's start-up messages. They go to stderr, where nbval takes them for a
            changed output and nbgrader for a failed test. Works only before TensorFlow is first imported.
        memory_growth: take GPU memory as it is needed, instead of all of it at the start.

    Raises:
        ValueError: `threads` is neither None nor a whole number of at least 1.
        RuntimeError: TensorFlow has already computed something, so that its threads are fixed.
    """
    if threads is not None:
        check("threads", threads, COUNT)
    if quiet:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    with _hidden_stderr() if quiet else contextlib.nullcontext():
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
    if threads is not None and tf.config.threading.get_intra_op_parallelism_threads() != threads:
        try:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
        except RuntimeError as error:
            raise RuntimeError(
                f"setup(threads={threads}) comes too late: TensorFlow has already started. "
                "Restart the kernel and call it first, or pass threads=None."
            ) from error
    for gpu in gpus if memory_growth else ():
        if not tf.config.experimental.get_memory_growth(gpu):
            tf.config.experimental.set_memory_growth(gpu, True)


@contextlib.contextmanager
def _hidden_stderr() -> Iterator[None]:
    """Drop what C++ writes to file 2, which no logging level reaches while TensorFlow is starting."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@functools.cache
def xla_error() -> str | None:
    """Why XLA cannot compile here, in one line, or None if it can."""
    import tensorflow as tf

    try:
        tf.function(lambda x: x + 1, jit_compile=True)(tf.constant(1.0))
    except Exception as error:  # whatever a build or a driver raises, the answer is "it does not work"
        return str(error).strip().split("\n")[0] or type(error).__name__
    return None


def xla_works() -> bool:
    """Whether XLA works; warns, and says why, if it does not."""
    if error := xla_error():
        warnings.warn(
            f"XLA does not work here, so training runs uncompiled, about twenty times slower: {error}",
            stacklevel=2,
        )
    return error is None
