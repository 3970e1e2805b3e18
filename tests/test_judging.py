"""One judge: the same inputs and results give the same verdict in a notebook and where a class is graded."""

import io
import linecache
import pickle
import re

import numpy as np
import pytest
from submissions import RIGHT, answered

import seq2seq_lab as lab
from seq2seq_lab.exercises import exercise_named, exercises_of
from seq2seq_lab.exercises.engine.asking import Raised, Stopped
from seq2seq_lab.exercises.engine.exercise import Exercise, Finding
from seq2seq_lab.exercises.engine.judging import judge
from seq2seq_lab.exercises.engine.verdict import Verdict, as_html, in_short
from seq2seq_lab.grading.assignment import SOURCE, read_assignment
from seq2seq_lab.grading.isolation import PACKAGE, SHOWN, Limits
from seq2seq_lab.grading.marking import mark
from seq2seq_lab.grading.submissions import File, Submission

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # wrong answers divide by 0

SAID = "state", "points", "label", "message", "hint"
JAGGED = exercise_named("jaggedness")


def said_by(verdict):
    return {name: getattr(verdict, name) for name in SAID}


# --- the same in `check` and in `grade`


def test_check_and_grade_say_the_same_of_a_whole_submission():
    answers = {
        **RIGHT,
        "jaggedness": "def jaggedness(curve):\n    return np.diff(curve).mean()",
        "bug-padded-loss": "def mean_loss(losses, mask):\n    raise NotImplementedError()",
        "gate-shapes": "def gate_shapes(symbols, embedding, units):\n    return [units / 0]",
        "one-class": "def sentiment(states, lengths, W, b):\n    pass",
    }
    content = answered(answers)
    submission = Submission("anna", (File("a.ipynb", content),))
    marks = mark(submission, read_assignment(SOURCE)[:1], 5, Limits(), False)
    lines = {line.name: line for line in marks.exercises}
    for name, source in answers.items():
        names = {"np": np}
        linecache.cache["<answer>"] = len(source), None, source.splitlines(True), "<answer>"
        exec(compile(source, "<answer>", "exec"), names)
        verdict = lab.check(name, names[exercise_named(name).function], seed=5)
        assert said_by(lines[name]) == said_by(verdict)
    states = [lines[name].state for name in answers]
    assert states == ["right", "wrong", "open", "wrong", "wrong"]


# --- the verdict


def verdict_on(results, points=None):
    return judge(JAGGED, JAGGED.cases(0), results, points)


def test_an_instructor_may_change_what_an_answer_earns():
    verdict = verdict_on(JAGGED.ask(JAGGED.reference, JAGGED.cases(0)), points=7)
    assert (repr(verdict), verdict.out_of) == ("7", 7)
    assert (JAGGED.points, repr(verdict_on([Raised("ValueError", "no")], points=7))) == (1, "0")


def test_what_a_sandbox_ended_is_stopped():
    verdict = verdict_on(Stopped("it took longer than 20 s"))
    assert (verdict.state, verdict.label, verdict.message) == (
        "stopped",
        "stopped",
        "it took longer than 20 s",
    )
    assert str(verdict) == "✗ jaggedness: stopped\nit took longer than 20 s"


def test_results_are_as_many_as_cases_unless_the_last_is_an_error():
    right = JAGGED.ask(JAGGED.reference, JAGGED.cases(0))
    assert verdict_on(right).state == "right"
    for results in (right[:-1], [*right, right[0]], [*right, Raised("ValueError", "no")]):
        assert verdict_on(results).message == "what came back was no answer"
    assert verdict_on([*right[:2], Raised("ValueError", "no")]).message.startswith("it raised ValueError: no")
    assert verdict_on([*right[:2], Raised("NotImplementedError", "")]).state == "open"


def test_what_cannot_be_judged_is_wrong_and_no_error():
    odd = Exercise(
        name="odd",
        task="",
        points=1,
        draws={"nothing": lambda rng: {}},
        reference=lambda: 0,
        returns=("number",),
        fault=lambda result: Finding("never", f"{1 / 0}"),
    )
    verdict = judge(odd, odd.cases(0), odd.ask(lambda: 1, odd.cases(0)))
    assert (verdict.state, verdict.message) == (
        "wrong",
        "what it returned cannot be judged (ZeroDivisionError)",
    )


# --- what people read


def test_what_stands_between_backticks_is_code_and_markup_is_shown():
    assert as_html("`a` should be `<b>`") == "<code>a</code> should be <code>&lt;b&gt;</code>"
    assert as_html("one ` alone\nand `one more") == "one ` alone\nand `one more"
    verdict = Verdict("x", "wrong", 0, 1, "`a` & `<script>`", "divide by `n`", measured="loss: 1")
    page = verdict._repr_html_()
    assert "<code>a</code> &amp; <code>&lt;script&gt;</code>\n\nloss: 1</pre>" in page
    assert "divide by <code>n</code>" in page
    assert "`" not in page


def test_what_is_wrong_is_said_in_a_line():
    assert in_short("it raised A\n\nIt was called with\nx = 1", "") == "it raised A"
    assert in_short("it raised A\n\nIt was called with\nx = 1", "divide") == "divide"


# --- what stands beside students' code in the sandbox


class Modules(pickle.Unpickler):
    """Notes which modules a pickle needs."""

    def __init__(self, content):
        super().__init__(io.BytesIO(content))
        self.found = set()

    def find_class(self, module, name):
        self.found.add(module)
        return super().find_class(module, name)


@pytest.mark.parametrize("exercise", exercises_of(), ids=lambda exercise: exercise.name)
def test_an_exercise_needs_nothing_in_the_sandbox_that_is_hidden_there(exercise):
    """So that what is called in a way of its own stands in `catalogue.calls`."""
    modules = Modules(pickle.dumps((exercise.call, exercise.returns, exercise.cases(0))))
    modules.load()
    shown = {f"seq2seq_lab.exercises.{file.removesuffix('.py').replace('/', '.')}" for file in SHOWN}
    assert {m for m in modules.found if m.startswith("seq2seq_lab.exercises")} <= shown


def test_what_is_shown_in_the_sandbox_has_no_reference_and_imports_none():
    for file in SHOWN:
        text = (PACKAGE / "exercises" / file).read_text()
        assert not re.search(r"(Exercise|Mistake|Finding)\(", text)
        imported = re.findall(
            r"^(?:from|import) seq2seq_lab\.(exercises\S*) import (\w+)", text, re.MULTILINE
        )
        shown = {f"exercises.{file.removesuffix('.py').replace('/', '.')}" for file in SHOWN}
        assert {module for module, _ in imported} <= shown | {"exercises.catalogue"}
