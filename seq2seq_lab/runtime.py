"""How TensorFlow runs here: what `setup` chooses, whether XLA works, whether there is a GPU.

Used in the first cell of every notebook, and by the command line.
"""

from __future__ import annotations

import contextlib
import functools
import os
import warnings

from seq2seq_lab._internals.kept_programs import keep_programs
from seq2seq_lab._internals.start_up import compile_quickly, hidden_stderr, import_tensorflow, set_threads
from seq2seq_lab.settings import COUNT, require


def setup(
    threads: int | None = 1,
    quiet: bool = True,
    memory_growth: bool = True,
    full_precision: bool = True,
    quick_compiling: bool = True,
    kept_programs: bool = True,
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
        quick_compiling: on a CPU, have XLA optimise less, which costs the lab's programs nothing. A level in
            the environment's `XLA_FLAGS` stays.
        kept_programs: on a CPU, keep what XLA compiles, in the user's folder for caches, so that the next
            start need not compile it again. `seq2seq-lab doctor` says where, and clears it.

    Raises:
        ValueError: `threads` is neither None nor a whole number of at least 1.
        RuntimeError: TensorFlow has already computed something, so that its threads are fixed.
    """
    if threads is not None:
        require("threads", threads, COUNT)
    if quiet:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["KERAS_BACKEND"] = "tensorflow"
    if kept_programs:
        keep_programs(quick_compiling)
    with hidden_stderr() if quiet else contextlib.nullcontext():
        tf = import_tensorflow()
        if threads is not None:
            set_threads(threads)
        gpus = tf.config.list_physical_devices("GPU")
        if quick_compiling and not gpus:
            compile_quickly()
        for gpu in gpus if memory_growth else ():
            if not tf.config.experimental.get_memory_growth(gpu):
                tf.config.experimental.set_memory_growth(gpu, True)
        if full_precision:
            tf.config.experimental.enable_tensor_float_32_execution(False)
        if quiet:
            tf.get_logger().setLevel("ERROR")  # it warns of retracing, where a new model just compiles once
            xla_error()  # XLA announces itself at its first use: let it do so now


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
