"""What `setup` chooses, and that nothing happens unasked: each choice is tried in a fresh process."""

import gc
import os
import warnings
import weakref

import pytest
import tensorflow as tf

from seq2seq_lab import runtime, setup
from seq2seq_lab.runtime import xla_works

COMPUTE = """
import gc
import os
import tensorflow as tf
double = tf.function(lambda x: x + x, jit_compile=True)
print([int(double(x)) for x in tf.data.Dataset.range(3)])  # XLA and tf.data each have something to say
print(tf.config.threading.get_intra_op_parallelism_threads(), os.environ.get("TF_CPP_MIN_LOG_LEVEL"))
print("collects" if gc.isenabled() else "rests", gc.get_freeze_count() > 100_000 > len(gc.get_objects()))
print("rounds" if tf.config.experimental.tensor_float_32_execution_enabled() else "full precision")
"""


@pytest.mark.slow
def test_after_setup_tensorflow_is_silent_and_has_one_thread(fresh_python):
    """Silent, too, where it would warn of "retracing": many functions are compiled, as many models are."""
    many = "[tf.function(lambda x: x + 1)(tf.constant(i)) for i in range(6)]"
    result = fresh_python("import seq2seq_lab; seq2seq_lab.setup(); seq2seq_lab.setup()" + COMPUTE + many)
    said = "[0, 2, 4]\n1 3\ncollects True\nfull precision\n"
    assert (result.stdout, result.stderr) == (said, "")


@pytest.mark.slow
def test_the_threads_can_be_chosen(fresh_python):
    """Python's garbage collector, which rests during the import, then does again as it did before."""
    result = fresh_python("import gc, seq2seq_lab; gc.disable(); seq2seq_lab.setup(threads=2)" + COMPUTE)
    assert result.stdout == "[0, 2, 4]\n2 3\nrests True\nfull precision\n", result.stderr


@pytest.mark.slow
def test_each_part_can_be_switched_off(fresh_python):
    """TensorFlow keeps its own number of threads, which it calls 0, its log level, and its rounding."""
    off = "threads=None, quiet=False, memory_growth=False, full_precision=False"
    off += ", quick_compiling=False, kept_programs=False"
    result = fresh_python(
        f"import seq2seq_lab; seq2seq_lab.setup({off})"
        + COMPUTE
        + "print(os.environ['XLA_FLAGS'] + os.environ['TF_XLA_FLAGS'])",
        XLA_FLAGS="",
        TF_XLA_FLAGS="",
    )
    assert result.stdout == "[0, 2, 4]\n0 None\ncollects True\nrounds\n\n", result.stderr


@pytest.mark.parametrize(
    ("gpus", "flags", "then"),
    [
        ([], None, "--xla_backend_optimization_level=1"),
        (
            [],
            "--xla_cpu_enable_fast_math=false",
            "--xla_cpu_enable_fast_math=false --xla_backend_optimization_level=1",
        ),
        ([], "--xla_backend_optimization_level=3", "--xla_backend_optimization_level=3"),
        (["a GPU"], "", ""),
    ],
)
def test_xla_optimises_less_on_a_cpu_unless_told_how_much(gpus, flags, then, monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus)
    if flags is None:
        monkeypatch.delenv("XLA_FLAGS", raising=False)
    else:
        monkeypatch.setenv("XLA_FLAGS", flags)
    setup(threads=None, memory_growth=False)
    assert os.environ["XLA_FLAGS"] == then


def test_setup_that_comes_too_late_says_what_to_do():
    tf.constant(1) + 1  # TensorFlow has started
    threads = tf.config.threading.get_intra_op_parallelism_threads()
    setup(threads)  # no change, so not too late
    setup(threads=None)
    with pytest.raises(RuntimeError, match=r"too late.* Restart the kernel .*, or pass threads=None"):
        setup(threads + 1)


def test_running_setup_again_leaves_what_was_made_since_to_the_garbage_collector():
    """As when the first cell of a notebook is run again, in which there are models by then."""

    class Model:
        pass

    model = Model()
    model.layer = {"model": model}  # a circle, as Keras' models are full of
    gone = weakref.ref(model)
    setup(threads=None)
    del model
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("threads", [0, -1, 1.5, "1", True])
def test_threads_must_be_a_count(threads):
    with pytest.raises(ValueError, match=f"threads must be a whole number of at least 1, but is {threads!r}"):
        setup(threads)


@pytest.mark.parametrize(("asked", "grows"), [(True, ["other"]), (False, [])])
def test_each_gpus_memory_grows_if_asked(monkeypatch, asked, grows):
    """A GPU that grows already is left alone: it may have started, and TensorFlow would raise."""
    growing = ["first"]
    config = tf.config.experimental
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["first", "other"])
    monkeypatch.setattr(config, "get_memory_growth", lambda gpu: gpu in growing)
    monkeypatch.setattr(config, "set_memory_growth", lambda gpu, on: growing.append(gpu))
    setup(threads=None, memory_growth=asked)
    assert growing == ["first", *grows]


def test_what_is_written_after_setup_is_seen(capfd):
    setup(threads=None)
    os.write(2, b"seen")
    assert capfd.readouterr().err == "seen"


@pytest.fixture
def fresh_xla():
    """XLA is asked anew, before and after."""
    runtime.xla_error.cache_clear()
    yield
    runtime.xla_error.cache_clear()


def test_xla_that_works_is_not_mentioned(fresh_xla):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert xla_works() is True


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            tf.errors.InternalError(None, None, "no libdevice\nfound in 12 places"),
            "slower: no libdevice$",
        ),
        (MemoryError(), "slower: MemoryError$"),
    ],
)
def test_xla_that_fails_is_a_warning_with_the_reason(fresh_xla, monkeypatch, error, reason):
    def failing(function, jit_compile):
        assert jit_compile
        raise error

    monkeypatch.setattr(tf, "function", failing)
    with pytest.warns(UserWarning, match=reason):
        assert xla_works() is False
