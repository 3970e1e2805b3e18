"""What is right in a notebook is right for the grader: odd notebooks, run by IPython and by the grader."""

import ast
import contextlib
import io
import json
import pickle

import nbformat
import pytest
from answers import ANSWERS
from IPython.core.interactiveshell import InteractiveShell
from submissions import IMPORTS, RIGHT, alone, cell, notebook
from traitlets.config import Config

from seq2seq_lab.exercises import checking, exercise_named
from seq2seq_lab.exercises.engine import asking, slicing
from seq2seq_lab.exercises.engine.judging import judge
from seq2seq_lab.exercises.engine.running import Cell, find_answer
from seq2seq_lab.exercises.engine.slicing import statements_of
from seq2seq_lab.grading.assignment import SOURCE, handed_out, read_assignment
from seq2seq_lab.grading.isolation import Limits
from seq2seq_lab.grading.marking import mark
from seq2seq_lab.grading.sandbox import Answer, run
from seq2seq_lab.grading.submissions import File, Submission

JAGGED = exercise_named("jaggedness")
SEED = 0  # that of `lab.check`
SETUP = Cell("setup", "import numpy as np\nimport seq2seq_lab as lab")
CHECK = Cell("check-jaggedness", 'lab.check("jaggedness", jaggedness)')
STUB = "def jaggedness(curve):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
ANSWER = RIGHT["jaggedness"].strip()
USES = "def jaggedness(curve):\n    return np.abs(np.diff(curve, 2)).mean() * {}"


def own(source):
    return Cell("answer-jaggedness", source)


def extra(source):
    return Cell("extra", source)


GRAPH = "import tensorflow as tf\n@tf.function\ndef jaggedness(curve):\n"

# Each is right in a notebook.
RIGHT_ALL_THE_SAME = {
    "the stub stays, the answer stands below": [own(STUB), extra(ANSWER)],
    "the answer is defined twice": [own("def jaggedness(curve):\n    return 0"), extra(ANSWER)],
    "the answer is no def": [own("jaggedness = lambda curve: np.abs(np.diff(curve, 2)).mean()")],
    "the answer is wrapped later": [
        own(ANSWER),
        extra("plain = jaggedness\njaggedness = lambda curve: plain(curve)"),
    ],
    "a computed constant": [extra("ONE = 10 ** 9 / 10 ** 9"), own(USES.format("ONE"))],
    "a namedtuple": [
        extra("from collections import namedtuple\nPoint = namedtuple('Point', 'x y')"),
        own(USES.format("Point(1, 2).x")),
    ],
    "an instance": [
        extra("class Scale:\n    def __init__(self):\n        self.by = 1"),
        extra("scale = Scale()"),
        own(USES.format("scale.by")),
    ],
    "a decorated function": [
        extra("import functools\n@functools.lru_cache(maxsize=None)\ndef one():\n    return 1"),
        own(USES.format("one()")),
    ],
    "a class with a computed attribute": [
        extra("class Ones:\n    many = [1 for _ in range(3)]"),
        own(USES.format("Ones.many[2]")),
    ],
    "a data class": [
        extra("import dataclasses\n@dataclasses.dataclass\nclass Scale:\n    by: int = 1"),
        own(USES.format("Scale().by")),
    ],
    "a table that a loop fills": [
        extra("table = {}\nfor i in range(3):\n    table[i] = i"),
        own(USES.format("table[1]")),
    ],
    "a list that grows": [
        extra("numbers = []\nnumbers.append(1)\nnumbers += [2]"),
        own(USES.format("numbers[-2]")),
    ],
    "an attribute that is set": [
        extra("def scale():\n    pass\nscale.by = 1"),
        own(USES.format("scale.by")),
    ],
    "a function that sets a global": [
        extra("ONE = 7\ndef start():\n    global ONE\n    ONE = 1"),
        extra("start()"),
        own(USES.format("ONE")),
    ],
    "a function that fills a table": [
        extra("table = {}\ndef fill():\n    table[1] = 1"),
        extra("fill()"),
        own(USES.format("table[1]")),
    ],
    "a function that fills what it is handed": [
        extra("table = {}\ndef fill(a):\n    a[1] = 1"),
        extra("fill(table)"),
        own(USES.format("table[1]")),
    ],
    "helpers of helpers": [
        extra("def one():\n    return two() - 1"),
        extra("def two():\n    return TWO"),
        extra("TWO = sum([1, 1])"),
        own(USES.format("one()")),
    ],
    "a constant that is changed in between": [
        extra("ONE = 7"),
        own(USES.format("ONE")),
        extra("ONE = 1"),
    ],
    "everything of a module": [extra("from math import *"), own(USES.format("cos(0)"))],
    "a name under try and with": [
        extra("try:\n    import no_such_module\nexcept ImportError:\n    ONE = 1"),
        own(USES.format("ONE")),
    ],
    "it is checked in its own cell as well": [
        own(f"def jaggedness(curve):\n    return 0\n{CHECK.source}\n{ANSWER}\n{CHECK.source}\nprint(1)"),
    ],
    "a split cell": [
        own("n = 0\nONE = np.cos(n)"),
        Cell("answer-jaggedness-2", USES.format("ONE")),
    ],
    "a split cell of the same name": [own("ONE = np.cos(0)"), own(USES.format("ONE"))],
    "a cell of the name alone is in the way": [own(ANSWER), own("")],
    "its own cell prints what stands above": [
        extra("greeting = 'hello'.title()"),
        own(f"print(greeting)\n{ANSWER}"),
    ],
    "an experiment below it": [own(f"{ANSWER}\n1 / 0")],
    "an experiment in a cell of its own": [own(ANSWER), extra("1 / 0")],
    "a line in brackets begins with %": [own("x = (7\n% 3)\n" + USES.format("x"))],
    "a line in brackets begins with !=": [own("x = (1\n!= 2)\n" + USES.format("x"))],
    "a text with magics in it": [own('x = """\n%no magic\n!none\n"""\n' + USES.format("(len(x) - 16)"))],
    "it is displayed": [own(ANSWER.replace("return", "display(curve)\n    return"))],
    "help is asked for": [own(f"{ANSWER}\njaggedness?"), extra("np.diff??")],
    "a magic around it": [own(f"%%time\n{ANSWER}")],
    "a magic that computes": [extra("%time ONE = 3 - 2"), own(USES.format("ONE"))],
    "magics above": [extra("%pwd\nONE = 1\n!ls > /dev/null"), own(USES.format("ONE"))],
    "a cell in another language": [own(ANSWER), extra("%%writefile /dev/null\njaggedness = None")],
    "the shell's answer": [extra("there = !ls"), own(ANSWER)],
    "later annotations": [
        own("from __future__ import annotations\n" + ANSWER.replace("curve)", "curve: Curve)", 1))
    ],
    "source that is looked up": [
        own(f"import inspect\n{ANSWER}\nassert 'diff' in inspect.getsource(jaggedness)"),
        extra("lines = len(inspect.getsource(jaggedness).splitlines())\n" + USES.format("(lines - 1)")),
    ],
    "loops and branches on tensors": [
        extra("import tensorflow as tf"),
        own(
            "@tf.function\n"
            "def jaggedness(curve):\n"
            "    total, n = 0.0, len(curve) - 2\n"
            "    for i in tf.range(n):\n"
            "        change = curve[i + 2] - 2 * curve[i + 1] + curve[i]\n"
            "        if change < 0:\n"
            "            change = -change\n"
            "        total += change\n"
            "    return total / n"
        ),
    ],
}


@pytest.fixture(scope="module")
def shell():
    """Runs the cells of a new notebook as Jupyter does; returns the last one's value."""
    config = Config()
    config.HistoryManager.enabled = False
    one = InteractiveShell(config=config)

    def run(cells):
        one.init_create_namespaces(user_ns={})
        one.save_sys_module_state()
        one.init_sys_modules()
        one.init_user_ns()
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                results = [one.run_cell(each.source, store_history=False) for each in cells]
        finally:
            one.restore_sys_module_state()
        return results[-1].result

    return run


def graded(cells, exercise=JAGGED):
    """What the sandbox does with these cells, and the grader with what comes back."""
    found = find_answer(cells, exercise.name, exercise.function, {"__name__": "__main__"})
    if found.answer is None:
        results = asking.Stopped(found.fault)
    else:
        results = exercise.ask(found.answer, exercise.cases(SEED))
    return judge(exercise, exercise.cases(SEED), results), found


@pytest.mark.slow
@pytest.mark.parametrize("name", RIGHT_ALL_THE_SAME)
def test_what_is_right_in_the_notebook_is_right_for_the_grader(name, shell):
    cells = [SETUP, *RIGHT_ALL_THE_SAME[name], CHECK]
    assert shell(cells), "not even right in the notebook"
    verdict, found = graded(cells)
    assert verdict.state == "right", (verdict.message, found)


# --- what is not right says why, in the notebook and here


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (
            [own("def jaggedness(curve):\n    a = 1\n    return curve[99] + a")],
            "in line 3: return curve[99] + a",
        ),
        (
            [
                extra("def jumps(a):\n    return a[99]"),
                own("def jaggedness(curve):\n    return jumps(curve)"),
            ],
            "in line 2: return a[99]",
        ),
        (
            [own("def jaggedness(curve):\n    raise NotImplementedError('a library says so')")],
            "says so\n\nin line 2",
        ),
        (
            [
                extra("def other():\n    raise NotImplementedError()"),
                own(ANSWER.replace("return", "return other() +")),
            ],
            "it raised NotImplementedError: \n\nin line 2: raise NotImplementedError()",
        ),
        (
            [own(f"{GRAPH}    return curve.numpy().mean()")],
            "no attribute 'numpy'\n\nin line 4: return curve.",
        ),
        (
            [own(f"{GRAPH}    return np.array(curve)")],
            "it raised NotImplementedError: Cannot convert a symbolic",
        ),
        ([own("def jaggedness(curve):\n    pass")], "it returns nothing"),
        ([own("def jaggedness(curve):\n    return np.diff(curve, 2).mean()")], "`jaggedness` should be"),
    ],
)
def test_the_same_words_for_what_is_wrong(cells, words, shell):
    cells = [SETUP, *cells, CHECK]
    checked, (verdict, _) = shell(cells), graded(cells)
    assert (verdict.state, verdict.message) == (checked.state, checked.message)
    assert verdict.state == "wrong"
    assert words in verdict.message


@pytest.mark.parametrize(
    "stub", [STUB, STUB.replace("()", ""), STUB.replace("# YOUR", '"""Jumps."""\n    #')]
)
def test_only_a_stub_is_open(stub, shell):
    cells = [SETUP, own(stub), CHECK]
    assert shell(cells).state == graded(cells)[0].state == "open"


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        ([own(f"1 / 0\n{ANSWER}")], "its cell raised ZeroDivisionError: division by zero"),
        ([own("def jaggedness(curve)\n    return 0")], "its cell raised SyntaxError: expected ':'"),
        ([own("def jag(curve):\n    return 0")], "its cell defines no function jaggedness"),
        ([own("jaggedness = 3")], "its cell defines no function jaggedness"),
        ([own(f"{ANSWER}\ndel jaggedness")], "its cell defines no function jaggedness"),
    ],
)
def test_where_there_is_no_function_the_reason_is_given(cells, fault, shell):
    cells = [SETUP, *cells, CHECK]
    assert not shell(cells)
    verdict, _ = graded(cells)
    assert verdict.state == "stopped"
    assert verdict.message.startswith(fault)


def test_what_went_wrong_above_is_said():
    verdict, found = graded([SETUP, extra("ONE = 1 / 0"), own(USES.format("ONE")), CHECK])
    assert verdict.message.startswith("it raised NameError: name 'ONE' is not defined")
    assert found.fault == "above it, `ONE = 1 / 0` raised ZeroDivisionError: division by zero"


# --- what is not run


@pytest.mark.parametrize(
    "source",
    [
        "stop()",
        "history = stop()",
        "for x in stop(): pass",
        "history = jaggedness(stop())",
        "lab.check('jaggedness', stop())",
        "np.zeros(stop())",
        "print(stop())",
        "def show(f): stop()\nshow(jaggedness)",
        "def fill(): words[0] = stop()",
    ],
)
def test_what_the_answer_does_not_use_is_not_run(source):
    stop = extra("def stop():\n    raise KeyboardInterrupt")
    answer = ANSWER.replace("return", "x = print\n    return")
    for cells in ([extra(source), own(answer)], [own(answer), extra(source)], [own(f"{answer}\n{source}")]):
        verdict, _ = graded([SETUP, stop, *cells, CHECK])
        assert verdict.state == "right"


@pytest.fixture
def read_nothing_before(monkeypatch):
    monkeypatch.setattr(slicing, "_read_before", {})


@pytest.mark.slow
@pytest.mark.usefixtures("read_nothing_before")
def test_a_cell_that_was_read_before_is_what_it_would_be_anyhow():
    texts = handed_out(SOURCE)

    def what_is_known():
        read = [statements_of(number, text) for number, text in enumerate(texts, 3)]
        return [
            (s.cell, ast.dump(s.tree), s.code.co_code, s.binds, s.changes, s.reads, s.effects, {*s.checks})
            for statements in read
            for s in statements
        ]

    anyhow = what_is_known()
    slicing.read_before([*texts, "what is no Python", "%%bash\nls"])
    assert slicing._read_before.keys() == {*texts}
    assert what_is_known() == anyhow


@pytest.mark.usefixtures("read_nothing_before")
def test_a_cell_that_was_read_before_stands_anywhere_beside_others_and_its_lines_are_found():
    fails = "import numpy as np\n\ndef fails(curve):\n    return curve['x']"
    slicing.read_before([fails])
    for cells in ([extra(fails), own(ANSWER)], [own(ANSWER), extra(fails)]):
        names = {}
        assert find_answer(cells, "jaggedness", "jaggedness", names).cell == cells.index(own(ANSWER))
    found = find_answer([extra("1"), own(fails)], "jaggedness", "fails", {})
    raised = asking.ask(found.answer, {"curve": [1.0]}, asking.directly, ["y"])
    assert raised.line == "line 4: return curve['x']"


@pytest.mark.slow
def test_what_was_handed_out_are_cells_that_students_have_and_no_answer():
    released = [nbformat.read(SOURCE.parent / path.name, as_version=4) for path in SOURCE.glob("*.ipynb")]
    theirs = {each.source: each.id for lesson in released for each in lesson.cells}
    texts = handed_out(SOURCE)
    assert len(texts) > 200
    assert {*texts} <= theirs.keys()
    assert not any(theirs[text].startswith("answer-") for text in texts)


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("x = 42", {"solution": True, "grade": False}),
        ("x = 42", {"solution": False, "grade": True}),
        ("### BEGIN HIDDEN TESTS\nx = 42\n### END HIDDEN TESTS", {}),
        ("### BEGIN SOLUTION\nx = 42\n### END SOLUTION", {}),
    ],
)
def test_nothing_that_an_instructor_keeps_was_handed_out(text, about, tmp_path):
    cells = [
        nbformat.v4.new_code_cell(text, metadata={"nbgrader": about}),
        nbformat.v4.new_code_cell("y = 1"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "mine.ipynb")
    assert handed_out(tmp_path) == ["y = 1"]


def test_an_error_ends_its_cell():
    cells = [extra("a = 1\nb = a[0]\nc = 2\na += b"), own(USES.format("(a + c)"))]
    verdict, found = graded([SETUP, *cells])
    assert verdict.message.startswith("it raised NameError: name 'c'")
    assert "`b = a[0]` raised TypeError" in found.fault


def test_what_was_not_run_since_the_check_before_is_known():
    before = Cell("check-other", 'lab.check("other", other)')
    cells = [
        extra("a = 1"),
        before,
        extra("b = 1\nif b:\n    c = 2"),
        own(f"{ANSWER}\nprint(3)"),
        CHECK,
        extra("d = 4"),
    ]
    _, found = graded([SETUP, *cells])
    assert found.not_run == ("b = 1", "if b: …", "print(3)")


# --- which definition counts, and what is noted


def marked(cells):
    """The mark for the exercise, and the notes that are about it."""
    own_cells = [cell(each.source, each.name, *kind) for each, *kind in cells]
    file = File("1-encoder-decoder.ipynb", notebook(*own_cells))
    marks = mark(Submission("anna", (file,)), read_assignment(SOURCE)[:1], SEED, Limits(), sandboxed=False)
    notes = [note for note in marks.notes if "jaggedness" in note]
    return marks.exercise("1-encoder-decoder", "jaggedness"), notes


NO_LAB = Cell("setup", "import numpy as np")  # so that nothing loads TensorFlow
BARE_CHECK = Cell("check-jaggedness", 'check("jaggedness", jaggedness)')


@pytest.mark.parametrize(
    ("cells", "state", "code", "notes"),
    [
        ([(own(ANSWER),), (BARE_CHECK,)], "right", ANSWER, []),
        (
            [(own(STUB),), (extra(ANSWER),), (BARE_CHECK,)],
            "right",
            ANSWER,
            ["jaggedness is defined in cell 2 as well: cell 3 counts, the last above its check"],
        ),
        (
            [(own(STUB),), (BARE_CHECK,), (extra(ANSWER),)],
            "open",
            STUB,
            ["jaggedness is defined in cell 4 as well: cell 2 counts, the last above its check"],
        ),
        (
            [(own(ANSWER), "markdown"), (BARE_CHECK,)],
            "stopped",
            ANSWER,
            ["the cell answer-jaggedness is no code cell any more, so it was not run"],
        ),
        (
            [
                (own(STUB),),
                (extra(ANSWER.replace("jagged", "mine")),),
                (Cell("check-jaggedness", 'check("jaggedness", mineness)'),),
            ],
            "right",
            ANSWER.replace("jagged", "mine"),
            ["the check of jaggedness was changed: it is handed mineness"],
        ),
        (
            [
                (own(ANSWER),),
                (Cell("check-jaggedness", 'check("jaggedness", lambda curve: jaggedness(curve))'),),
            ],
            "right",
            ANSWER,
            ["the check of jaggedness was changed: it is handed lambda curve: jaggedness(curve)"],
        ),
        ([(BARE_CHECK,), (own(ANSWER),)], "right", ANSWER, []),
        (
            [(own(STUB),), (extra(f"{ANSWER}\n{BARE_CHECK.source}"),)],
            "right",
            f"{ANSWER}\n{BARE_CHECK.source}",
            ["jaggedness is defined in cell 2 as well: cell 3 counts, the last above its check"],
        ),
        ([(BARE_CHECK,)], "missing", "", ["the cell answer-jaggedness is missing"]),
    ],
)
def test_the_last_definition_above_the_check_counts_and_others_are_noted(cells, state, code, notes):
    found, noted = marked([(NO_LAB,), *cells])
    assert (found.state, found.code, noted) == (state, code, notes), found.message


def saved_elsewhere(version):
    """A notebook as another program saved it: in a format before ids, under another name."""
    cells = [{"cell_type": "code", "source": s, "metadata": {}} for s in (NO_LAB.source, STUB, ANSWER)]
    cells += [{"cell_type": "code", "source": BARE_CHECK.source, "metadata": {}}]
    if version == 4:
        return {"nbformat": 4, "nbformat_minor": 2, "metadata": {}, "cells": cells}
    cells = [{"cell_type": "code", "input": cell["source"], "metadata": {}} for cell in cells]
    return {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]}


@pytest.mark.parametrize("version", [4, 3])
def test_a_notebook_without_names_is_known_by_its_checks(version):
    file = File("Untitled.ipynb", json.dumps(saved_elsewhere(version)).encode())
    marks = mark(Submission("anna", (file,)), read_assignment(SOURCE), SEED, Limits(), sandboxed=False)
    mark_ = marks.exercise("1-encoder-decoder", "jaggedness")
    assert (mark_.state, mark_.code) == ("right", ANSWER), marks.notes


def test_feedback_says_what_was_not_run():
    many = "\n".join(f"x{n} = {n}" for n in range(7))
    found, _ = marked([(NO_LAB,), (own(f"def jaggedness(curve):\n    return 0\n{many}"),)])
    words = "The answer does not use these lines, so they were not run:"
    assert found.message.endswith("\n".join([words, *(f"x{n} = {n}" for n in range(5)), "and 2 more"]))
    for source in (ANSWER, STUB):
        found, _ = marked([(NO_LAB,), (own(f"{source}\n{many}"),)])
        assert found.message == ""


# --- the corpus, through both


@pytest.fixture(scope="module")
def ran():
    """What came of every answer of the corpus where a class is graded: all in one submission."""
    asked = []
    for number, answer in enumerate(ANSWERS):
        exercise = exercise_named(answer.exercise)
        source = f"{IMPORTS}\n{alone(answer, exercise.function)}"
        cases = pickle.dumps((exercise.call, exercise.returns, exercise.cases(SEED)))
        asked.append(Answer(str(number), exercise.function, [("", source)], cases, len(exercise.returns)))
    return [*run(asked, Limits(), sandboxed=False).values()]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({answer.exercise for answer in ANSWERS}))
def test_check_and_grade_say_the_same_of_every_answer(name, ran, shell, monkeypatch):
    monkeypatch.setattr(checking, "_measured", lambda *_: "")  # which may take a training
    exercise = exercise_named(name)
    for answer, outcome in zip(ANSWERS, ran, strict=True):
        if answer.exercise == name:
            source = Cell("", f"{IMPORTS}\n{alone(answer, exercise.function)}")
            checked = shell(
                [source, Cell("", f"import seq2seq_lab\nseq2seq_lab.check({name!r}, {exercise.function})")]
            )
            marked = judge(exercise, exercise.cases(SEED), outcome.results)
            assert marked == checked, answer.function.__name__
