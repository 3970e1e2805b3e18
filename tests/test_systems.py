"""Windows and macOS, as far as Linux can tell: what only Linux has is not used outside of grading.

Where it can be, Python is made to lack what it lacks there, after TensorFlow and Keras have been loaded.
"""

import json

import pytest

WITHOUT = """
import importlib, os, pathlib, pkgutil, signal, subprocess, sys
import seq2seq_lab

MODULES = "fcntl grp pty pwd resource termios tty"
OS = "fork forkpty killpg getpgid setpgid setsid mkfifo mknod openpty memfd_create"
OS += " sched_getaffinity chown nice statvfs"
OS += " getloadavg posix_spawn pread pwrite sendfile O_NOFOLLOW O_NONBLOCK O_CLOEXEC"
SIGNALS = "SIGALRM SIGHUP SIGKILL SIGQUIT SIGUSR1 SIGPIPE alarm setitimer pause pthread_sigmask sigwait"
for name in MODULES.split():
    sys.modules[name] = None  # importing it fails
for module, names in {os: OS, signal: SIGNALS}.items():
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
"""

LOADED = """
import keras, matplotlib.pyplot, tensorflow, tqdm.keras
"""

EVERY_MODULE = """
for module in pkgutil.walk_packages(seq2seq_lab.__path__, "seq2seq_lab."):
    if not module.name.startswith("seq2seq_lab.grading.") and module.name != "seq2seq_lab.__main__":
        importlib.import_module(module.name)
print(len([name for name in sys.modules if name.startswith("seq2seq_lab.")]) > 40)
"""

A_DAY = """
from seq2seq_lab import runtime
from seq2seq_lab.cli.main import main
from seq2seq_lab.cli import benchmark

runtime.xla_error = lambda: "switched off"  # compiling would take longer
os.chdir(FOLDER)
small = "--min-digits 2 --max-digits 3 --samples 32 --samples-per-epoch 16 --validation-samples 10".split()
main(["train", "--verbose", *small, "--attention", "--save", "a.keras", "--json", "a.json"])
main(["translate", "--verbose", "--model", "a.keras", "one two"])
main(["page", "--verbose", "a.keras", "--out", "a.html"])
main(["doctor", "--verbose"])
print(benchmark.memory(seq2seq_lab.load("a.keras"), 32))

class Popen(subprocess.Popen):
    def __init__(self, command):
        super().__init__([sys.executable, "-c", f"print({command[3:]})"])

subprocess.Popen = Popen
sys.stdout.flush()
main(["start", "lab", "--no-browser"])
"""


@pytest.mark.slow
def test_no_module_needs_what_windows_has_not(fresh_python):
    done = fresh_python(LOADED + WITHOUT + EVERY_MODULE)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr


@pytest.mark.slow
def test_a_students_day_needs_nothing_that_windows_has_not(fresh_python, tmp_path):
    """Nor the encoding of Linux: files name theirs, and a console may know nothing but ASCII."""
    variables = {
        "PYTHONWARNDEFAULTENCODING": "1",
        "PYTHONIOENCODING": "ascii",
        "XDG_CACHE_HOME": str(tmp_path),
    }
    done = fresh_python(f"FOLDER = {str(tmp_path)!r}\n{LOADED}{WITHOUT}{A_DAY}", **variables)
    assert done.returncode == 0, done.stderr
    ours = [line for line in done.stderr.splitlines() if "EncodingWarning" in line and "seq2seq_lab" in line]
    assert ours == []
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["samples"] == 32
    said = done.stdout.splitlines()
    assert "[]" in said  # no memory is measured where nothing can measure it
    assert said[-1].startswith("['lab")
    assert len(list(tmp_path.glob("lab/*.ipynb"))) == 6


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_marking_says_where_it_runs(system, fresh_python, tmp_path):
    """Before it has loaded anything."""
    code = f"""
{WITHOUT}
from seq2seq_lab.cli.main import main
sys.platform = {system!r}
main(["grade", {str(tmp_path)!r}, "--out", "marks"])
"""
    done = fresh_python(code)
    assert (done.returncode, done.stdout) == (1, "")
    last = done.stderr.splitlines()[-1]
    assert last.endswith(f"error: runs on Linux, where bubblewrap makes its sandboxes; this is {system}")
