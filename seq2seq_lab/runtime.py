"""How TensorFlow runs here: what `setup` chooses, whether XLA works, whether there is a GPU.

Used in the first cell of every notebook, and by the command line.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import sys
import types
import warnings
from collections.abc import Iterator

from seq2seq_lab.settings import COUNT, require


def setup(
    threads: int | None = 1, quiet: bool = True, memory_growth: bool = True, full_precision: bool = True
) -> None:
    """Choose how TensorFlow runs; call it before anything else, each part can be switched off.

    Args:
        threads: threads inside one operation. One is fastest here, since handing the lab's small products to
            a pool costs more than they do; None leaves the choice to TensorFlow.
        quiet: hide TensorFlow's messages. They go to stderr, where nbval takes them for a changed output
            and nbgrader for a failed test. Those at start-up can be hidden only before its first import.
        memory_growth: take GPU memory as it is needed, instead of all of it at the start.
        full_precision: multiply in float32 on a GPU, too. TensorFlow would round factors to 10 bits
            (TensorFloat-32) where a GPU can, which is faster for large matrices; the lab's are small.

    Raises:
        ValueError: `threads` is neither None nor a whole number of at least 1.
        RuntimeError: TensorFlow has already computed something, so that its threads are fixed.
    """
    if threads is not None:
        require("threads", threads, COUNT)
    if quiet:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["KERAS_BACKEND"] = "tensorflow"
    with _hidden_stderr() if quiet else contextlib.nullcontext():
        tf = _tensorflow()
        if threads is not None:
            _set_threads(threads)
        for gpu in tf.config.list_physical_devices("GPU") if memory_growth else ():
            if not tf.config.experimental.get_memory_growth(gpu):
                tf.config.experimental.set_memory_growth(gpu, True)
        if full_precision:
            tf.config.experimental.enable_tensor_float_32_execution(False)
        if quiet:
            tf.get_logger().setLevel("ERROR")  # it warns of retracing, where a new model just compiles once
            xla_error()  # XLA announces itself at its first use: let it do so now


def _tensorflow() -> types.ModuleType:
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


def _set_threads(threads: int) -> None:
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    except RuntimeError as error:
        raise RuntimeError(
            f"setup(threads={threads}) comes too late: TensorFlow has already started. "
            "Restart the kernel and call it first, or pass threads=None."
        ) from error


@contextlib.contextmanager
def _hidden_stderr() -> Iterator[None]:
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


def on_gpu() -> bool:
    """Whether TensorFlow computes on a GPU."""
    import tensorflow as tf

    return bool(tf.config.list_logical_devices("GPU"))
