"""Hostile and broken answers, each run for real: they cost their own exercise alone, and harm nobody."""

import contextlib
import dataclasses
import inspect
import json
import os
import pickle
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import stand_ins
from answers import hostile
from answers.hostile import HARMLESS, HOSTILE
from submissions import NEEDS_BUBBLEWRAP, POINTS, RIGHT, ROOT, answered, cell

import seq2seq_lab
from seq2seq_lab.cli.commands import INTERRUPTED
from seq2seq_lab.exercises import exercise_named
from seq2seq_lab.exercises.engine.asking import Raised
from seq2seq_lab.exercises.engine.judging import judge
from seq2seq_lab.grading import isolation, sandbox, schedule, system_calls
from seq2seq_lab.grading.assignment import SOURCE, read_assignment
from seq2seq_lab.grading.isolation import Limits, SandboxError
from seq2seq_lab.grading.marking import mark
from seq2seq_lab.grading.marks_folder import MarksFolder
from seq2seq_lab.grading.submissions import File, Submission, Submissions
from seq2seq_lab.grading.worker import _plain

pytestmark = [pytest.mark.slow, NEEDS_BUBBLEWRAP]
REFERENCES = SOURCE / "1-encoder-decoder.ipynb"
LESSON = read_assignment(SOURCE)[:1]
LIMITS = Limits(cpu_seconds=1, seconds=20, memory=400_000_000, output=2_000_000, disk=8_000_000)
IMPATIENT = dataclasses.replace(LIMITS, cpu_seconds=20, seconds=1)  # for those that sleep
PATIENT = dataclasses.replace(LIMITS, cpu_seconds=20)  # for those that take memory, or are right
OTHERS = set()
USERS = "root", "ordinary"
SECRET = "hush-" * 3  # in the environment of the grader
JAGGEDNESS = exercise_named("jaggedness")


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(sandbox, "GRACE", 1)


def marked(content, name="1-encoder-decoder.ipynb", limits=LIMITS, **kwargs):
    """A student's marks: that for each exercise, by name; the notes."""
    marks = mark(Submission("anna", (File(name, content),)), LESSON, 1, limits, **kwargs)
    return {line.name: line for line in marks.exercises}, marks.notes


@pytest.fixture(scope="module", autouse=True)
def others():
    """What other tests of this process have left running, such as a server of Python's own."""
    OTHERS.update(psutil.Process().children(recursive=True))


def processes_of_the_sandbox():
    """Not those of other tests at the same time: for root, each test process has a user of its own."""
    user = sandbox.FIRST_UID + os.getpid()
    orphans = [p for p in psutil.process_iter(["uids"]) if p.info["uids"].real == user]
    return {*psutil.Process().children(recursive=True), *orphans} - OTHERS


def nothing_survives():
    """Whether no process of the sandbox is left; the kernel may take a moment to end them all."""
    end = time.monotonic() + 5
    while processes_of_the_sandbox():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


# Hostile answers, one after the other in a sandbox, an innocent one behind each; as root and as another user

INNOCENT = """
import os, resource
import numpy as np

processes = [name for name in os.listdir("/proc") if name.isdigit()]
assert len(processes) == 2, processes  # the sandbox's first, and this one
for folder in ("/tmp", "/dev/shm", "/fonts"):
    assert all(name.startswith("fontlist") for name in os.listdir(folder)), (folder, os.listdir(folder))
    with open(f"{folder}/mine", "wb") as file:
        file.write(bytes(7_000_000))
assert resource.getrlimit(resource.RLIMIT_NPROC) == (256, 256), resource.getrlimit(resource.RLIMIT_NPROC)
assert os.getpriority(os.PRIO_PROCESS, 0) == PRIORITY
assert len(os.sched_getaffinity(0)) == CORES

def jaggedness(curve):
    return np.abs(np.diff(curve, 2)).mean()
"""


def innocent_cell():
    front = f"PRIORITY = {os.getpriority(os.PRIO_PROCESS, 0)}\n"
    return f"{front}CORES = {len(os.sched_getaffinity(0))}\n{INNOCENT}"


def stands_alone(answer, front=""):
    """The source of an answer as it would stand in its cell, with all that its module imports."""
    lines = inspect.getsource(hostile).splitlines()
    imports = [line for line in lines if line.startswith("import ")]
    source = inspect.getsource(answer).partition("\n")[2]  # without its decorator
    return "\n".join([*imports, front, re.sub(rf"\b{answer.__name__}\b", "jaggedness", source)])


def to_be_run(name, cell):
    cases = pickle.dumps((JAGGEDNESS.call, JAGGEDNESS.returns, JAGGEDNESS.cases(1)))
    return sandbox.Answer(name, "jaggedness", [("", cell)], cases, len(JAGGEDNESS.returns))


def limits_for(answer):
    """An odd answer has time enough, however busy the machine is."""
    if answer in HARMLESS:
        return PATIENT
    words = HOSTILE[answer][1]
    return IMPATIENT if words in ("", "longer than 1 s") else PATIENT if "together" in words else LIMITS


def all_answers(folder, port):
    """The hostile answers and the odd ones, an innocent one behind each, with their limits."""
    front = f"HOME = {str(folder / 'mine')!r}\nPORT = {port}\nSOURCE = {str(REFERENCES)!r}\n"
    front += f"LAB = 'seq2seq' + '_lab'\nSECRET = {SECRET[:5]!r} * 3\n"
    innocent = innocent_cell()
    parts = {limits: [] for limits in (LIMITS, IMPATIENT, PATIENT)}
    for answer in (*HOSTILE, *HARMLESS):
        part = parts[limits_for(answer)]
        part.append(to_be_run(answer.__name__, stands_alone(answer, front)))
        part.append(to_be_run(f"behind {answer.__name__}", innocent))
    return [(answers, limits) for limits, answers in parts.items()]


RUN = """
import pickle, sys
from seq2seq_lab.grading import sandbox

sandbox.GRACE = 1
parts = pickle.load(sys.stdin.buffer)
pickle.dump([sandbox.run(answers, limits) for answers, limits in parts], sys.stdout.buffer)
"""


def as_somebody_else(uid):
    """A command that runs another as an ordinary user, for whom the way to all it needs is opened."""
    package = Path(seq2seq_lab.__file__).parent
    needed = {Path(sys.base_prefix), Path(sys.prefix), Path(shutil.which("bwrap")).parent}
    needed |= {package, ROOT / "tests", ROOT / "notebooks"}
    opened = ["--dev-bind", "/", "/"]
    closed = {next((p for p in reversed(path.parents) if not p.stat().st_mode & 1), None) for path in needed}
    for parent in sorted(closed - {None}):
        opened += ["--perms", "0755", "--tmpfs", str(parent)]
        for path in sorted(path for path in needed if parent in path.parents):
            for between in reversed(path.parents):
                opened += ["--perms", "0755", "--dir", str(between)] if parent in between.parents else []
            opened += ["--ro-bind", str(path), str(path)]
    become = ["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups", "--"]
    return ["bwrap", *opened, "--cap-add", "ALL", *become]


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """The verdict on each answer, by user; a text where there is no such user. Both run at the same time."""
    folder = tmp_path_factory.mktemp("grader")
    (folder / "mine").write_text("private")
    folder.chmod(0o777)
    environment = {**os.environ, "TOKEN": SECRET, "PYTHONPATH": str(Path(seq2seq_lab.__file__).parents[1])}
    environment |= {"HOME": str(folder), "MPLCONFIGDIR": str(folder)}
    root = os.geteuid() == 0
    commands = {"root": [], "ordinary": as_somebody_else(54321)} if root else {"ordinary": []}
    found = {"root": "the tests are not run by root"}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        (folder / "job").write_bytes(pickle.dumps(all_answers(folder, listener.getsockname()[1])))
        runs = {}
        for user, command in commands.items():
            with (folder / "job").open("rb") as stdin:
                argv = [*command, sys.executable, "-c", RUN]
                runs[user] = subprocess.Popen(
                    argv, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
                )
        for user, run in runs.items():
            out, err = run.communicate()
            found[user] = err.decode()[-1000:] if run.returncode else judged(pickle.loads(out))
    assert (folder / "mine").read_text() == "private"
    return found


def judged(parts):
    return {
        name: judge(JAGGEDNESS, JAGGEDNESS.cases(1), ran.results, JAGGEDNESS.points)
        for outcomes in parts
        for name, ran in outcomes.items()
    }


def verdict_on(answer, user, verdicts):
    """The verdict on an answer, once the one behind it is seen to have kept its points."""
    found = verdicts[user]
    if isinstance(found, str):
        must = user == "ordinary" and os.environ.get("SEQ2SEQ_LAB_SANDBOX") == "required"
        if must or (user == "root" and os.geteuid() == 0):
            pytest.fail(found)
        pytest.skip(f"nothing can be run as {user} here: {found}")
    behind = found[f"behind {answer.__name__}"]
    assert (behind.state, behind.points) == ("right", 1), str(behind)
    return found[answer.__name__]


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("answer", HOSTILE, ids=lambda answer: answer.__name__)
def test_a_hostile_answer_costs_its_own_exercise_and_harms_nobody(answer, user, verdicts):
    state, words = HOSTILE[answer]
    found = verdict_on(answer, user, verdicts)
    assert (found.state, found.points) == (state, 0), str(found)
    assert words in found.message, str(found)
    assert len(found.message.split("\n\n")[0]) < 500


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("answer", HARMLESS, ids=lambda answer: answer.__name__)
def test_odd_things_cost_a_right_answer_nothing(answer, user, verdicts):
    found = verdict_on(answer, user, verdicts)
    assert (found.state, found.points) == ("right", 1), found


def test_nothing_lies_in_a_new_sandbox_whatever_is_loaded_in_it():
    """Keras leaves a file of settings in a user's folder when it is imported."""
    cell = "import tensorflow as tf\n" + innocent_cell()
    (ran,) = sandbox.run([to_be_run("first", cell)], LIMITS).values()
    verdict = judge(JAGGEDNESS, JAGGEDNESS.cases(1), ran.results, JAGGEDNESS.points)
    assert (verdict.state, verdict.points) == ("right", 1), str(verdict)


# One sandbox for several submissions, one after the other


@pytest.fixture
def kept(monkeypatch):
    """The sandboxes that are kept, by whether TensorFlow is loaded in them; they end with the test."""
    monkeypatch.setattr(sandbox, "_keeps", True)
    yield lambda: {key[-1]: each for key, each in sandbox._kept.items()}
    while sandbox._kept:
        sandbox._kept.popitem()[1].end()


def verdict_alone(cell, limits=PATIENT):
    """The verdict on a submission of this answer alone."""
    (ran,) = sandbox.run([to_be_run("one", cell)], limits).values()
    return judge(JAGGEDNESS, JAGGEDNESS.cases(1), ran.results, JAGGEDNESS.points)


PLAIN = f"import numpy as np\n{RIGHT['jaggedness']}"
NOT_STOPPED = [*(answer for answer in HOSTILE if HOSTILE[answer][0] != "stopped"), *HARMLESS]


@pytest.mark.parametrize("answer", NOT_STOPPED, ids=lambda answer: answer.__name__)
def test_the_next_submission_feels_nothing_of_a_hostile_one(answer, kept, tmp_path):
    """Where it was stopped, the next one gets a new sandbox in any case."""
    assert verdict_alone(PLAIN, limits_for(answer)).state == "right"
    before = kept()[False]
    front = f"HOME = {str(tmp_path / 'mine')!r}\nPORT = 1\nSOURCE = {str(REFERENCES)!r}\n"
    front += f"LAB = 'seq2seq' + '_lab'\nSECRET = {SECRET[:5]!r} * 3\n"
    verdict = verdict_alone(stands_alone(answer, front), limits_for(answer))
    assert verdict.state == ("wrong" if answer in HOSTILE else "right"), str(verdict)
    if answer.__name__.endswith("_behind") and "thread" not in answer.__name__ and answer in HARMLESS:
        assert kept() == {}  # it has left something
    assert kept() in ({}, {False: before})
    assert verdict_alone(innocent_cell(), limits_for(answer)).state == "right"


@pytest.mark.parametrize("front", ["", "import tensorflow as tf\n"])
def test_nothing_of_a_submission_is_in_the_memory_of_the_next(front, kept):
    says = f"{front}def jaggedness(curve):\n    return 'a secret of the first' * 40\n"
    says += "# a secret of the first\n" * 3_000
    looks = front + inspect.cleandoc(r"""
        import ctypes, re
        import numpy as np

        def jaggedness(curve):
            for line in open("/proc/self/maps"):
                where, rights = line.split()[:2]
                start, end = (int(n, 16) for n in where.split("-"))
                if rights.startswith("rw"):
                    assert not re.search(rb"[s]ecret of the first", ctypes.string_at(start, end - start))
            return np.abs(np.diff(curve, 2)).mean()
    """)
    assert "text" in verdict_alone(says).message
    before = kept()
    assert verdict_alone(looks).state == "right", str(verdict_alone(looks))
    assert kept()[bool(front)] is before[bool(front)]


def test_what_a_submission_makes_of_the_cells_handed_out_is_not_felt_by_the_next(kept, monkeypatch):
    given = "import numpy as np\nONE = [1]"
    monkeypatch.setattr(sandbox, "_handed_out", [given])
    answer = "def jaggedness(curve):\n    return np.abs(np.diff(curve, 2)).mean() * ONE[0]"
    spoils = inspect.cleandoc("""
        from seq2seq_lab.exercises.engine import slicing
        def jaggedness(curve):
            for text in slicing._read_before:
                slicing._read_before[text] = slicing.statements_of(0, "ONE = [2]")
            return float(len(slicing._read_before))
    """)

    def verdict(source):
        cells = [("given", given), ("answer-jaggedness", source)]
        (ran,) = sandbox.run([to_be_run("one", "")._replace(cells=cells)], PATIENT).values()
        return ran.results, judge(JAGGEDNESS, JAGGEDNESS.cases(1), ran.results, JAGGEDNESS.points).state

    assert verdict(answer)[1] == "right"
    before = kept()[False]
    returned, state = verdict(spoils)
    assert [float(array) for (array,) in returned] == [1.0] * len(JAGGEDNESS.cases(1))  # it got at them
    assert state == "wrong"
    assert verdict(answer)[1] == "right"
    assert kept()[False] is before


@pytest.mark.parametrize(
    "act",
    [
        "open('/tmp/mine', 'w')",
        "os.mkdir('/dev/shm/mine')",
        "os.symlink('/', '/tmp/mine')",
        "open('/tmp/__autograph_generated_fileabcdefgh.txt', 'w')",
        "os.fork() or time.sleep(9)",
        "os.fork() or os._exit(0)",
        "os._exit(1)",
        "any(os.chmod(f, 0o1755) for f in ['/tmp'] if os.stat(f).st_uid == os.getuid()) or os.abort()",
    ],
)
def test_a_sandbox_in_which_something_is_left_is_not_kept(act, kept):
    front = "import os, time\nimport numpy as np\n"
    verdict_alone(front + "def jaggedness(curve):\n    return 0.0")
    assert [*kept()] == [False]
    verdict_alone(f"{front}def jaggedness(curve):\n    {act}\n    return 0.0")
    assert kept() == {}


def test_what_autograph_leaves_is_deleted_and_the_sandbox_is_kept(kept):
    own = "import tensorflow as tf\n@tf.function\ndef jaggedness(curve):\n    return tf.reduce_sum(curve)"
    assert verdict_alone(own).state == "wrong"
    before = kept()[True]
    assert verdict_alone(f"import tensorflow as tf\n{PLAIN}").state == "right"
    assert kept()[True] is before


def test_a_kept_sandbox_that_has_ended_is_replaced(kept):
    verdict_alone(PLAIN)
    kept()[False].process.kill()
    kept()[False].process.wait()
    assert verdict_alone(innocent_cell()).state == "right"


def test_an_answer_that_turns_out_to_want_tensorflow_gets_it(kept):
    """However it says so; one that pretends to want it gets it as well, and nothing else."""
    ways = "import tensorflow as tf", "import keras", "from tensorflow import math", "import seq2seq_lab.gru"
    for imports in ways:
        own = f"import numpy as np\ndef jaggedness(curve):\n    exec({imports!r})\n"
        assert verdict_alone(own + "    return np.abs(np.diff(curve, 2)).mean()").state == "right", imports
        assert [*kept()] == [False, True], imports  # in the order of their last use


def test_who_pretends_to_want_tensorflow_gains_nothing():
    forged = 'def jaggedness(curve):\n    os.write(3, b\'{"wants": "TensorFlow"}\\n\')\n    os._exit(0)'
    verdict = verdict_alone(f"import os\n{forged}")
    assert (verdict.state, verdict.points) == ("stopped", 0)
    assert "no answer" in verdict.message


def test_nothing_of_a_submission_is_left():
    answers = {**RIGHT, "jaggedness": stands_alone(hostile.leaves_a_process_behind)}
    lines, notes = marked(answered(answers))
    assert [lines[name].points for name in POINTS] == [*POINTS.values()], lines
    assert all("is missing" in note for note in notes)
    assert nothing_survives()


# What an answer may use


@pytest.mark.parametrize(
    "before",
    [
        "def changes(a):\n    return np.abs(np.diff(a, 2))",
        "changes = lambda a: np.abs(np.diff(a, 2))",
        "class C:\n  def __call__(self, a: np.ndarray) -> int | None:\n    return np.abs(np.diff(a, 2))",
        "1 / 0\ndef changes(a):\n    return np.abs(np.diff(a, 2))",
        "%matplotlib inline\n!ls\ndef changes(a):\n    return np.abs(np.diff(a, 2))",
    ],
)
def test_definitions_of_other_cells_are_there(before):
    own = "def jaggedness(curve):\n    return {}(curve).mean()"
    answers = {**RIGHT, "jaggedness": own.format("C()" if "class" in before else "changes")}
    lines, _ = marked(answered(answers, before=[cell(before)]))
    assert lines["jaggedness"].state == "right", lines["jaggedness"]


@pytest.mark.parametrize(
    "before",
    [
        "while True: pass",
        "x = [0 for _ in iter(int, 1)]",
        "x = 10 ** 10 ** 10",
        "def f(x=list(iter(int, 1))): pass",
        "def f(x: list(iter(int, 1))): pass",
        "@list\ndef f(): pass",
        "class A(list(iter(int, 1))): pass",
        "class A:\n    x = list(iter(int, 1))",
        "f = lambda x=list(iter(int, 1)): x",
        "raise SystemExit",
        "import nothing_of_this_name",
        "this is no Python",
        "(" * 5000,
    ],
)
def test_what_other_cells_do_is_not_done(before):
    lines, _ = marked(answered(before=[cell(before)]))
    assert [lines[name].points for name in POINTS] == [*POINTS.values()], lines


@pytest.mark.parametrize(
    ("own", "state", "words"),
    [
        ("def jaggedness(curve)\n    return 0", "stopped", "its cell raised SyntaxError"),
        ("def other(curve):\n    return 0", "stopped", "its cell defines no function jaggedness"),
        ("jaggedness = 3", "stopped", "its cell defines no function jaggedness"),
        ("1 / 0\n" + RIGHT["jaggedness"], "stopped", "its cell raised ZeroDivisionError"),
        (RIGHT["jaggedness"] + "1 / 0", "right", ""),  # as in a notebook: it is there
        ("%time\n" + RIGHT["jaggedness"] + "\n!ls", "right", ""),
        ("def jaggedness(curve):\n    raise NotImplementedError()", "open", ""),
        ("def jaggedness(curve):\n    pass", "wrong", "it returns nothing"),
        ("def jaggedness():\n    return 0", "wrong", "it raised TypeError"),
        ("", "stopped", "its cell defines no function jaggedness"),
    ],
)
def test_an_answers_own_cell_is_run_whole(own, state, words):
    lines, _ = marked(answered({**RIGHT, "jaggedness": own}))
    assert (lines["jaggedness"].state, lines["jaggedness"].points) == (state, int(state == "right"))
    assert words in lines["jaggedness"].message
    assert lines["bug-padded-loss"].state == "right"


# Without a sandbox, and without bubblewrap


@pytest.mark.parametrize("name", ["loops", "sleeps", "memory_bomb", "exits_with_0", "returns_too_much"])
def test_limits_hold_without_a_sandbox(name):
    answer = getattr(hostile, name)
    state, words = HOSTILE[answer]
    limits = IMPATIENT if name == "sleeps" else LIMITS
    lines, _ = marked(answered({**RIGHT, "jaggedness": stands_alone(answer)}), limits=limits, sandboxed=False)
    assert (lines["jaggedness"].state, lines["jaggedness"].points) == (state, 0)
    assert words in lines["jaggedness"].message
    assert lines["bug-padded-loss"].state == "right"


def test_without_bubblewrap_nothing_is_run(monkeypatch, tmp_path):
    isolation.bubblewrap.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match=r"bubblewrap is missing; to get it: `apt install bubblewrap`"):
        marked(answered())
    isolation.bubblewrap.cache_clear()


def test_without_libseccomp_nothing_is_run(monkeypatch):
    isolation.bubblewrap(LIMITS, os.geteuid() == 0)
    monkeypatch.delitem(sys.modules, "pyseccomp", raising=False)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: "libc.so.6" if name == "c" else None)
    system_calls.filter_program.cache_clear()
    with pytest.raises(SandboxError, match=r"libseccomp is missing; to get it: `apt install libseccomp2`"):
        marked(answered())


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo --perms", "too old"),
        ("echo --size; echo no namespaces >&2; exit 1", "does not work here: no namespaces"),
    ],
)
def test_a_bubblewrap_that_does_not_work_says_why(monkeypatch, tmp_path, script, words):
    (tmp_path / "bwrap").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "bwrap").chmod(0o755)
    isolation.bubblewrap.cache_clear()
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(SandboxError, match=words):
        isolation.check_bubblewrap(LIMITS)
    isolation.bubblewrap.cache_clear()


# What is shown


def test_answers_are_hidden_wherever_they_lie_in_the_environment(monkeypatch, tmp_path):
    packages = tmp_path / "site-packages"
    catalogue = "exercises/catalogue/encoder_decoder.py"
    hidden = {
        "src/lab/notebooks/source/1-encoder-decoder.ipynb",  # a clone, as `pip install -e git+…` makes it
        "src/lab/.git/config",
        f"src/lab/seq2seq_lab/{catalogue}",
        f"seq2seq_lab/{catalogue}",  # a second copy of the package
        "a/b/c/tests/answers/encoder_decoder.py",
        "tests/answers/encoder_decoder.py",  # as a careless wheel leaves them
    }
    shown = {
        "other/tests/answers/others.py",
        "other/notebooks/source/1.ipynb",
        "src/other/a.py",
        "tests/b.py",
    }
    for name in hidden | shown:
        (packages / name).parent.mkdir(parents=True, exist_ok=True)
        (packages / name).write_text("")
    monkeypatch.setattr(sys, "path", [*sys.path, str(packages)])
    isolation.bubblewrap.cache_clear()
    argv = ["find", str(packages), "-type", "f"]
    with isolation.start(argv, LIMITS, subprocess.DEVNULL) as run:
        out, err = run.communicate()
    isolation.bubblewrap.cache_clear()
    seen = {line.removeprefix(f"{packages}/") for line in out.decode().split("\n") if line}
    assert seen == shown - {"tests/b.py"}, err


def test_each_sandbox_has_a_keyring_of_its_own(monkeypatch):
    everything_allowed = struct.pack("=HBBI", 6, 0, 0, 0x7FFF0000)
    monkeypatch.setattr(system_calls, "filter_program", lambda: everything_allowed)
    keyctl, session = system_calls.number("keyctl"), -3
    program = f"import ctypes; print(ctypes.CDLL(None).syscall({keyctl}, 0, {session}, 0))"
    ids = {subprocess.check_output([sys.executable, "-c", program])}
    for _ in range(2):
        with isolation.start([sys.executable, "-c", program], LIMITS, subprocess.DEVNULL) as run:
            ids.add(run.communicate()[0])
    assert len(ids) == 3
    assert b"-1\n" not in ids


# A class at once


@pytest.fixture(scope="module")
def a_class(tmp_path_factory):
    """What comes of a class: why some were not marked, and the points of the others."""
    folder = tmp_path_factory.mktemp("class")
    busy = {**RIGHT, "jaggedness": stands_alone(hostile.forty_busy_processes)}
    answers = {"anna": RIGHT, "busy": busy, "dies": RIGHT, "innocent": RIGHT, "late": RIGHT, "ports": RIGHT}
    (folder / "submissions").mkdir()
    for student, own in answers.items():
        (folder / "submissions" / f"{student}.ipynb").write_bytes(answered(own))
    submissions = Submissions(folder / "submissions", LESSON)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv(stand_ins.GRADER, str(os.getpid()))
        monkeypatch.setattr(schedule, "mark", stand_ins.mark)
        with MarksFolder(folder / "marks", LESSON, LIMITS, True, 1, {}) as marks:
            faults = schedule.mark_all(submissions, marks, LIMITS, True)
            points = {each.student: sum(e.points for e in each.exercises) for each in marks.all_marks()}
    return {fault.partition(":")[0]: fault for fault in faults}, points


def test_nothing_listens_at_a_port(a_class):
    assert a_class[0]["ports"] == "ports: LookupError: True []"


def test_a_process_that_dies_costs_its_submission_and_no_other(a_class):
    faults, points = a_class
    assert faults["dies"] == "dies: ProcessEnded: the process that marked it ended with -9"
    assert faults.keys() == {"dies", "ports"}
    assert points.keys() == {"anna", "busy", "innocent", "late"}


def test_forty_busy_processes_cost_their_neighbours_nothing(a_class):
    points = a_class[1]
    assert (points["anna"], points["busy"], points["innocent"]) == (5, 4, 5)


def test_what_is_late_is_marked_once_more_when_all_others_are_done(a_class):
    faults, points = a_class
    assert "late" not in faults
    assert "late" in points


def test_only_the_clock_makes_an_answer_late():
    with pytest.raises(sandbox.Late, match="jaggedness: it took longer than 1 s"):
        marked(answered({**RIGHT, "jaggedness": stands_alone(hostile.sleeps)}), limits=IMPATIENT, alone=False)
    lines, _ = marked(answered({**RIGHT, "jaggedness": stands_alone(hostile.loops)}), alone=False)
    assert lines["jaggedness"].message == "it took longer than 1 s of the processor"


@pytest.mark.parametrize("end", ["Ctrl-C", "kill -9"])
def test_however_it_ends_nothing_is_left_at_work(end, tmp_path):
    (tmp_path / "submissions").mkdir()
    sleeps = answered({"jaggedness": stands_alone(hostile.sleeps)})
    for student in ("anna", "bob"):
        (tmp_path / "submissions" / f"{student}.ipynb").write_bytes(sleeps)
    argv = [sys.executable, "-m", "seq2seq_lab", "grade", tmp_path / "submissions", "--out", tmp_path / "out"]
    environment = {**os.environ, "PYTHONPATH": str(Path(seq2seq_lab.__file__).parents[1])}
    with (tmp_path / "err").open("w") as err:  # for a pipe, one would wait as long as anybody holds it
        run = subprocess.Popen(argv, env=environment, stderr=err, start_new_session=True)
    grader = psutil.Process(run.pid)
    while not any(command_of(p)[-1:] == ["/worker.py"] for p in family_of(grader)):
        assert run.poll() is None, (tmp_path / "err").read_text()
        time.sleep(0.05)
    family = family_of(grader)
    if end == "Ctrl-C":
        os.killpg(run.pid, signal.SIGINT)  # as a terminal does
    else:
        run.kill()
    assert run.wait() == (INTERRUPTED if end == "Ctrl-C" else -signal.SIGKILL)
    assert psutil.wait_procs(family, timeout=60)[1] == []
    assert "Traceback" not in (tmp_path / "err").read_text()


def family_of(process):
    """All that a process has started; none that has ended in the meantime."""
    return [p for p in process.children(recursive=True) if command_of(p)]


def command_of(process):
    """The command line of a process; empty if it has ended."""
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


# A cgroup, where systemd makes one


def systemd(folder, monkeypatch, script):
    """Something that stands in for systemd-run, and writes down what it was called with."""
    (folder / "systemd-run").write_text(f'#!/bin/sh\necho "$@" >> {folder}/called\n{script}')
    (folder / "systemd-run").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_RUNTIME_DIR", SECRET)
    isolation.in_a_cgroup.cache_clear()


@pytest.fixture
def no_cgroup_afterwards():
    yield
    isolation.in_a_cgroup.cache_clear()


@pytest.mark.usefixtures("no_cgroup_afterwards")
def test_where_systemd_is_at_work_a_cgroup_caps_the_memory_of_a_sandbox(tmp_path, monkeypatch):
    systemd(tmp_path, monkeypatch, 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"\n')
    answer = f"import os\nassert {SECRET!r} not in os.environ.values()\n{RIGHT['jaggedness']}"
    lines, _ = marked(answered({**RIGHT, "jaggedness": answer}))
    assert [lines[name].points for name in POINTS] == [*POINTS.values()], lines
    tried, called = (tmp_path / "called").read_text().splitlines()
    for words in ("--scope", "MemoryMax=800000000", "MemorySwapMax=0", "TasksMax=512"):
        assert words in tried
        assert words in called
    assert ("--user" in called) == (os.geteuid() != 0)


@pytest.mark.usefixtures("no_cgroup_afterwards")
def test_where_systemd_is_not_at_work_a_sandbox_is_made_without(tmp_path, monkeypatch):
    systemd(tmp_path, monkeypatch, "echo no bus >&2; exit 1\n")
    lines, _ = marked(answered())
    assert lines["jaggedness"].state == "right"
    assert len((tmp_path / "called").read_text().splitlines()) == 1


# What comes back


@pytest.mark.parametrize(
    "array", [np.zeros(()), np.arange(6.0).reshape(2, 3), np.array([np.nan, -0.0, np.inf])]
)
def test_numbers_come_back_to_the_bit(array):
    (back,) = decoded({"results": [[_plain(array)]]})[0]
    assert back.dtype == np.float64
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()


def test_texts_come_back():
    (back,) = decoded({"results": [[_plain(np.array([["125#", "ö"]]))]]})[0]
    assert back.tolist() == [["125#", "ö"]]


def decoded(said, returns=1):
    line = said if isinstance(said, bytes) else json.dumps(said).encode()
    return sandbox._ran(line, sandbox.Answer("name", "function", (), b"", returns)).results


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\x80\x04",
        b"[" * 100_000,
        {"results": []},
        {"results": [[]]},
        {"results": [[{"shape": [], "numbers": "AAAA"}]]},
        {"results": [[{"shape": [-1], "numbers": "AAAAAAAAAAA="}]]},
        {"results": [[{"shape": [10**12], "numbers": ""}]]},
        {"results": [[{"shape": [1], "numbers": "not base64!"}]]},
        {"results": [[{"shape": [2], "texts": ["one"]}]]},
        {"results": [[{"shape": [1], "texts": 3}]]},
        {"results": [[{"shape": [10_001], "texts": [""] * 10_001}]]},
        {"results": {"a": 1}},
        {"results": [{"error": 1}]},
        {"other": 1},
        [1, 2],
        3,
        None,
    ],
)
def test_what_is_no_result_is_no_answer(said):
    assert decoded(said) == sandbox.Stopped("what came back was no answer")


@pytest.mark.parametrize("cell", [1.0, True, 1, 2, -1, "1", None, [1]], ids=repr)
def test_where_an_answer_was_found_is_a_number_of_ours(cell):
    """So that no number of a student's is the index of anything."""
    found = {"fault": "", "cell": cell, "others": [0, 1.0, 7, "x"], "checked": "", "not_run": []}
    answer = sandbox.Answer("name", "function", [("", ""), ("", "")], b"", 1)
    back = sandbox._ran(json.dumps({"results": [], "found": found}).encode(), answer).found
    assert (back.cell, type(back.cell)) in [(None, type(None)), (1, int)]
    assert [*map(type, back.others)] == [int, int]


def test_errors_come_back_short():
    (raised,) = decoded({"results": [{"error": "E" * 999, "says": "x" * 9999}]})
    assert raised == Raised("E" * 100, "x" * 300)
