"""Hostile and broken answers, each run for real: they cost their own exercise alone, and harm nobody."""

import inspect
import json
import os
import re
import socket
import time

import numpy as np
import psutil
import pytest
from answers import hostile
from answers.hostile import HARMLESS, HOSTILE
from submissions import NEEDS_BUBBLEWRAP, POINTS, RIGHT, answered, cell

from seq2seq_lab.exercises.engine.asking import Raised
from seq2seq_lab.grading import isolation, sandbox
from seq2seq_lab.grading.assignment import SOURCE, read_assignment
from seq2seq_lab.grading.isolation import Limits, SandboxError
from seq2seq_lab.grading.marking import mark
from seq2seq_lab.grading.submissions import File, Submission
from seq2seq_lab.grading.worker import _plain

pytestmark = [pytest.mark.slow, NEEDS_BUBBLEWRAP]
REFERENCES = SOURCE / "1-encoder-decoder.ipynb"
LESSON = read_assignment(SOURCE)[:1]
LIMITS = Limits(cpu_seconds=1, seconds=3, memory=400_000_000, output=2_000_000, disk=8_000_000)
OTHERS = set()
NOTES = [f"the cell answer-{task.name} is missing" for task in LESSON[0].tasks if task.name not in RIGHT]
NOTES += [f"the cell written-{question.name} is missing" for question in LESSON[0].questions]


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


@pytest.fixture(scope="module")
def listener():
    """A port of this machine on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def nothing_survives():
    """Whether no process of the sandbox is left; the kernel may take a moment to end them all."""
    end = time.monotonic() + 5
    while processes_of_the_sandbox():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def processes_of_the_sandbox():
    """Not those of other tests at the same time: for root, each test process has a user of its own."""
    user = sandbox.FIRST_UID + os.getpid()
    orphans = [p for p in psutil.process_iter(["uids"]) if p.info["uids"].real == user]
    return {*psutil.Process().children(recursive=True), *orphans} - OTHERS


def stands_alone(answer, front=""):
    """The source of an answer as it would stand in its cell, with all that its module imports."""
    lines = inspect.getsource(hostile).splitlines()
    imports = [line for line in lines if line.startswith("import ")]
    source = inspect.getsource(answer).partition("\n")[2]  # without its decorator
    return "\n".join([*imports, front, re.sub(rf"\b{answer.__name__}\b", "jaggedness", source)])


@pytest.mark.parametrize("answer", HOSTILE, ids=lambda answer: answer.__name__)
def test_a_hostile_answer_costs_its_own_exercise_and_harms_nobody(answer, listener, tmp_path):
    state, words = HOSTILE[answer]
    mine = tmp_path / "mine"
    mine.write_text("private")
    front = f"HOME = {str(mine)!r}\nPORT = {listener}\nSOURCE = {str(REFERENCES)!r}\n"
    front += "LAB = 'seq2seq' + '_lab'\n"
    lines, notes = marked(answered({**RIGHT, "jaggedness": stands_alone(answer, front)}))
    assert [*notes] == NOTES
    for name, points in POINTS.items():
        if name != "jaggedness":
            assert (lines[name].state, lines[name].points) == ("right", points), lines[name]
    found = lines["jaggedness"]
    assert (found.state, found.points) == (state, 0), found
    assert words in found.message, found
    assert len(found.message.split("\n\n")[0]) < 500
    assert nothing_survives()
    assert mine.read_text() == "private"


@pytest.mark.parametrize("answer", HARMLESS, ids=lambda answer: answer.__name__)
def test_odd_things_cost_a_right_answer_nothing(answer):
    lines, _ = marked(answered({**RIGHT, "jaggedness": stands_alone(answer)}))
    assert [lines[name].points for name in POINTS] == [*POINTS.values()], lines
    assert nothing_survives()


def test_nothing_of_an_exercise_is_left_when_the_next_begins():
    alone = """
import os
def mean_loss(losses, mask):
    processes = [name for name in os.listdir("/proc") if name.isdigit()]
    assert len(processes) <= 3, processes  # the sandbox's first, the one with TensorFlow, this one
    return (losses * mask).sum() / mask.sum()
"""
    leaves = stands_alone(hostile.leaves_a_process_behind)
    lines, _ = marked(answered({**RIGHT, "jaggedness": leaves, "bug-padded-loss": alone}))
    assert lines["jaggedness"].state == lines["bug-padded-loss"].state == "right", lines


# What an answer may use


@pytest.mark.parametrize(
    "before",
    [
        "def jumps(a):\n    return np.abs(np.diff(a))",
        "jumps = lambda a: np.abs(np.diff(a))",
        "class J:\n    def __call__(self, a: np.ndarray) -> int | None:\n        return np.abs(np.diff(a))\n",
        "1 / 0\ndef jumps(a):\n    return np.abs(np.diff(a))",
        "%matplotlib inline\n!ls\ndef jumps(a):\n    return np.abs(np.diff(a))",
    ],
)
def test_definitions_of_other_cells_are_there(before):
    own = "def jaggedness(curve):\n    return {}(curve).mean()"
    answers = {**RIGHT, "jaggedness": own.format("J()" if "class" in before else "jumps")}
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
    lines, _ = marked(answered({**RIGHT, "jaggedness": stands_alone(answer)}), sandboxed=False)
    assert (lines["jaggedness"].state, lines["jaggedness"].points) == (state, 0)
    assert words in lines["jaggedness"].message
    assert lines["bug-padded-loss"].state == "right"


def test_without_bubblewrap_nothing_is_run(monkeypatch, tmp_path):
    isolation.bubblewrap.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match=r"bubblewrap is missing; to get it: `apt install bubblewrap`"):
        marked(answered())
    isolation.bubblewrap.cache_clear()


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
    return sandbox._decoded(line, sandbox.Answer("name", "function", (), b"", returns))


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


def test_errors_come_back_short():
    (raised,) = decoded({"results": [{"error": "E" * 999, "says": "x" * 9999}]})
    assert raised == Raised("E" * 100, "x" * 300)
