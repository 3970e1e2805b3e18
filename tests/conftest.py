"""What the tests share: TensorFlow set up once, the reference numbers, a fresh Python process."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile

import coverage
import numpy as np
import pytest

import seq2seq_lab

if "PYTEST_XDIST_WORKER" not in os.environ:
    # XLA keeps what it has compiled in a folder that workers, notebook kernels and commands share: the same
    # few programs would else be compiled again and again, which takes longer than most tests.
    COMPILED = tempfile.TemporaryDirectory(prefix="seq2seq-lab-")
    os.environ["TF_XLA_FLAGS"] = f"--tf_xla_persistent_cache_directory={COMPILED.name}"

# Most programs are run for a moment only, so they are compiled in a way that takes half the time. What users
# run takes a fifth less time for each step.
QUICKLY = "xla_cpu_disable_new_fusion_emitters,xla_cpu_disable_loop_unrolling"
os.environ.setdefault("XLA_FLAGS", f"--xla_backend_extra_options={QUICKLY}")

# At each operation's first use, TensorFlow would search its 15,000 kernels for oneDNN's.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

# NumPy's own threads wait by spinning, which takes the cores from the other workers.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# A shell that starts something in the background has it ignore Ctrl-C, which some tests press.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Grading runs on Linux alone, where bubblewrap is.
GRADING = ["test_grading.py", "test_marks.py", "test_sandbox.py", "test_submissions.py"]
GRADING += [
    "test_gradebook.py",
    "test_manual_grades.py",
    "test_giving_back.py",
    "test_platforms.py",
    "test_running.py",
]
collect_ignore = [] if sys.platform == "linux" else GRADING

PACKAGE = pathlib.Path(seq2seq_lab.__file__).parent


def pytest_configure(config):
    """Set TensorFlow up where tests run, which is not where xdist gives them out.

    The coverage of its workers is measured, but not that of notebook kernels and commands under test.
    """
    if not config.getoption("numprocesses", None):
        os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
        seq2seq_lab.setup(threads=int(os.environ.get("SEQ2SEQ_LAB_THREADS", "1")))
        import tensorflow as tf  # only now that it is set up

        # Nor does TensorFlow rewrite what it has traced: that takes a third of each first call.
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


def pytest_sessionfinish(session):
    """Save now what a worker has measured: xdist kills one that takes more than ten seconds to exit."""
    if (measured := coverage.Coverage.current()) and hasattr(session.config, "workerinput"):
        measured.save()


def pytest_xdist_auto_num_workers(config):
    """One worker a core, and one more for the slow tests, which often wait for a kernel or a browser."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    asked = os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS")
    return int(asked) if asked else cores + (config.option.markexpr != "not slow")


# By processor time, the longest first.
LONGEST = [
    "test_contracts",
    "test_grading",
    "test_nbgrader",
    "2-attention",
    "test_training",
    "test_exercises",
]
LONGEST += ["test_sandbox", "4-failures", "test_main", "test_attention", "test_accumulation"]
LONGEST += ["1-encoder-decoder", "test_benchmark", "3-decoding", "5-transformer", "test_decoding"]
LONGEST += ["6-speed", "test_curves", "test_encoder_decoder", "test_running", "test_saved"]
LONGEST += ["test_panel_browser", "test_page", "test_browser", "test_compare", "test_transformer"]


def pytest_collection_modifyitems(items):
    """Begin with the longest files, so that no worker waits at the end while another is busy with one.

    Every cell of a notebook is slow: a notebook trains.
    """
    for item in items:
        if item.path.suffix == ".ipynb":
            item.add_marker("slow")
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


# Their slow tests run lines that others run as well, again and again.
COVERED_ELSEWHERE = ["test_contracts", "test_exercises", "test_transformer", "test_portable", "test_readme"]
COVERED_ELSEWHERE += ["test_decoding", "test_attention", "test_gru", "test_accumulation", "test_trace"]
COVERED_ELSEWHERE += ["test_saved", "test_draws", "test_encoder_decoder", "test_running"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Coverage rests in these: it takes a quarter of a test's time, and more where few lines run often."""
    if item.path.stem not in COVERED_ELSEWHERE or not item.get_closest_marker("slow"):
        return (yield)
    trace = sys.gettrace()
    sys.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(trace)


@pytest.fixture(scope="session")
def reference():
    """Weights, one batch, and what an independent TensorFlow 1 graph computed from them.

    Sizes: B 5, S 39, T 9, E 4, H 6. The keys start with `in:`, `weight:`, `out:` and `grad:`.
    """
    with np.load(pathlib.Path(__file__).with_name("gru_reference.npz")) as file:
        return dict(file)


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium of the system's; skips where there is none, unless that is a failure."""
    from browsers import CHROMIUM, MISSING, expect, sync_playwright

    if MISSING and os.environ.get("SEQ2SEQ_LAB_BROWSER") != "required":
        pytest.skip(f"the browser test needs {' and '.join(MISSING)}")
    assert MISSING == []
    expect.set_options(timeout=60_000)
    options = {"executable_path": CHROMIUM, "args": ["--disable-gpu"]}
    with sync_playwright() as playwright, playwright.chromium.launch(**options) as browser:
        yield browser


@pytest.fixture
def without_xla():
    """Models that are made here run as where XLA does not work."""
    from no_xla import xla_off

    with xla_off():
        yield


@pytest.fixture
def small_settings():
    """The lesson's settings with short samples, few of them."""
    return seq2seq_lab.Settings(min_digits=2, max_digits=4, samples_per_epoch=160, validation_samples=50)


@pytest.fixture
def fresh_python():
    """Run code in a new Python process that can import the package; variables go into its environment."""

    def run(code, **variables):
        unset = {"TF_CPP_MIN_LOG_LEVEL", "PYTHONHASHSEED", "PYTHONPATH"}
        environment = {name: value for name, value in os.environ.items() if name not in unset}
        environment |= {"PYTHONPATH": str(PACKAGE.parent), **variables}
        command = [sys.executable, "-c", code]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run
