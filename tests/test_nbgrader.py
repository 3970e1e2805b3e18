"""The way of an assignment through nbgrader's own commands, there and back, in a course made for it.

So the sources are executed, with their solutions: all but the lesson, which the students' notebooks share.
"""

import csv
import html
import os
import re
import shutil
import sys

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderApp
from submissions import NEEDS_BUBBLEWRAP
from test_notebooks import SOURCES, WRITTEN, solution_in

from seq2seq_lab.cli.main import main
from seq2seq_lab.exercises import exercise_named, exercises_of

NOTEBOOKS = {path.stem: path for path in SOURCES if WRITTEN[path.stem]}
HALF = ["answer-attention", "answer-clipping", "answer-bug-looks-at-padding"]  # of the half right submission
BROKEN = "answer-added-numbers"  # in the same one, a syntax error between them; all else is untouched
SESSION = "ignore:Object of type <Submitted.* not in session"  # of nbgrader's own use of SQLAlchemy
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings(SESSION)]


def solutions(name):
    """The instructor's answers as they stand in the source, by the id of their cell."""
    cells = nbformat.read(NOTEBOOKS[name], as_version=4).cells
    return {c.id: c.source for c in cells if c.metadata.get("nbgrader", {}).get("solution")}


def submit(course, student, answers):
    """Put a released assignment into a student's folder, with answers by notebook and cell."""
    folder = course / "submitted" / student / "lab"
    folder.mkdir(parents=True)
    for name, by_cell in answers.items():
        notebook = nbformat.read(course / "release" / "lab" / f"{name}.ipynb", as_version=4)
        for cell in notebook.cells:
            cell.source = by_cell.get(cell.id, cell.source)
        nbformat.write(notebook, folder / f"{name}.ipynb")


def nbgrader(root, *commands):
    """Run nbgrader's commands in a course, here: their import takes seconds."""
    where = [f"--Exchange.root={root / 'exchange'}", "--course=seq2seq"]
    with pytest.MonkeyPatch.context() as patch:
        # As in an activated environment, which the README asks for: nbgrader calls `alembic` by its name.
        patch.setenv("PATH", os.path.dirname(sys.executable), prepend=os.pathsep)
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        patch.chdir(root)
        for command in commands:
            NbGraderApp.clear_instance()
            NbGraderApp.launch_instance(command.split() + where)
    NbGraderApp.clear_instance()


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course whose two students have submitted, graded by nbgrader's commands."""
    root = tmp_path_factory.mktemp("course")
    (root / "source" / "lab").mkdir(parents=True)
    for path in NOTEBOOKS.values():
        (root / "source" / "lab" / path.name).write_bytes(path.read_bytes())
    (root / "exchange").mkdir()
    (root / "exchange").chmod(0o777)
    nbgrader(root, "generate_assignment lab", "release_assignment lab")
    shutil.copy(root / "gradebook.db", root / "ungraded.db")
    right = {name: solutions(name) for name in NOTEBOOKS}
    attention = right["2-attention"]
    submit(root, "all-right", right)
    half = {cell: attention[cell] for cell in HALF}
    submit(
        root,
        "half-right",
        {"2-attention": {**half, BROKEN: "def added_numbers(encoder_units)\n    return 3"}},
    )
    nbgrader(
        root,
        "autograde lab --Execute.skip_cells_with_tag=lesson --Execute.timeout=900",
        "generate_feedback lab",
        "export",
    )
    return root


@pytest.fixture(scope="module")
def grades(course):
    return grades_in(course)


def grades_in(course):
    """Each student's grades: cell -> (automatic points, whether a person has to look)."""
    found = {}
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        for submission in gradebook.assignment_submissions("lab"):
            found[submission.student.id] = {
                (notebook.name, grade.name): (grade.auto_score, grade.needs_manual_grade)
                for notebook in submission.notebooks
                for grade in notebook.grades
            }
    return found


def checks(names):
    """The points that right answers in these cells earn."""
    return sum(exercise_named(name.removeprefix("answer-")).points for name in names)


def automatic(grades):
    return sum(points for points, _ in grades.values() if points is not None)


def test_all_right_has_all_points_and_what_is_written_waits(grades):
    mine = grades["all-right"]
    assert automatic(mine) == sum(e.points for e in exercises_of())
    for (_, cell), (points, to_be_looked_at) in mine.items():
        assert to_be_looked_at == cell.startswith("written-")
        assert (points is None) == cell.startswith("written-")


def test_with_the_solutions_filled_in_every_check_says_right(course):
    for n, name in enumerate(NOTEBOOKS, 1):
        path = course / "autograded" / "all-right" / "lab" / f"{name}.ipynb"
        cells = {cell.id: cell for cell in nbformat.read(path, as_version=4).cells}
        for exercise in exercises_of(n):
            (output,) = cells[f"check-{exercise.name}"].outputs
            assert output.data["text/plain"] == str(exercise.points)
            assert f"✓ {exercise.name}: right" in output.data["text/html"]


def test_what_is_untouched_has_no_point_and_nobody_has_to_look(grades):
    mine = {cell: found for (_, cell), found in grades["half-right"].items()}
    untouched = mine.keys() - {answer.replace("answer-", "check-") for answer in (*HALF, BROKEN)}
    assert {cell.partition("-")[0] for cell in untouched} == {"check", "written"}
    assert {mine[cell] for cell in untouched} == {(0, False)}


def test_a_syntax_error_costs_its_own_exercise_and_what_is_right_has_its_points(grades):
    mine = {cell: points for (_, cell), (points, _) in grades["half-right"].items()}
    assert mine[BROKEN.replace("answer-", "check-")] == 0
    assert automatic(grades["half-right"]) == checks(HALF)


def test_release_has_no_solution_no_rubric_and_no_hidden_test(course):
    for name in NOTEBOOKS:
        text = (course / "release" / "lab" / f"{name}.ipynb").read_text(encoding="utf-8")
        for word in ("SOLUTION", "HIDDEN", "Rubric", "MARK SCHEME"):
            assert word not in text
        cells = nbformat.reads(text, as_version=4).cells
        for answer in solutions(name).values():
            assert not any(solution_in(answer) in cell.source for cell in cells)


def test_formgrader_reads_the_rubric_beside_the_answer(course):
    for name in NOTEBOOKS:
        path = course / "autograded" / "all-right" / "lab" / f"{name}.ipynb"
        cells = nbformat.read(path, as_version=4).cells
        rubrics = "\n".join(c.source for c in cells if c.id.startswith("check-"))
        for cell in cells:
            if cell.id.startswith("written-"):
                name, points = cell.id.removeprefix("written-"), cell.metadata.nbgrader.points
                assert re.search(f'Rubric for "{name}" .*, {points} points', rubrics)


def test_feedback_and_export_tell_the_same(course, grades):
    with (course / "grades.csv").open() as file:
        exported = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert exported == {student: automatic(mine) for student, mine in grades.items()}
    feedback = course / "feedback" / "half-right" / "lab" / "2-attention.html"
    assert "clipping: right, 2 of 2 points" in feedback.read_text(encoding="utf-8")


# The lab's own grading, into the same course


@pytest.fixture(scope="module", params=[pytest.param(None, marks=NEEDS_BUBBLEWRAP)], ids=[""])
def own(course, tmp_path_factory):
    """The same submissions in the same course, marked by `seq2seq-lab grade`."""
    own = tmp_path_factory.mktemp("own") / "course"
    shutil.copytree(course, own, ignore=shutil.ignore_patterns("autograded", "feedback", "gradebook.db"))
    (own / "ungraded.db").rename(own / "gradebook.db")
    stamp = own / "submitted" / "half-right" / "lab" / "timestamp.txt"
    stamp.write_text("2026-01-02 03:04:05 UTC")
    assert main(["grade", str(own / "submitted"), "--out", str(own / "marks"), "--nbgrader", str(own)]) == 0
    return own


def test_grade_enters_what_autograde_would(own, grades):
    assert grades_in(own) == grades


def test_grade_leaves_feedback_and_export_to_nbgrader(own, grades):
    nbgrader(own, "generate_feedback lab --notebook=2-attention", "export")
    with (own / "grades.csv").open() as file:
        exported = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert exported == {student: automatic(mine) for student, mine in grades.items()}
    page = (own / "feedback" / "half-right" / "lab" / "2-attention.html").read_text(encoding="utf-8")
    assert "clipping: right, 2 of 2 points" in page
    path = own / "autograded" / "half-right" / "lab" / "2-attention.ipynb"
    cells = {cell.id: cell.source for cell in nbformat.read(path, as_version=4).cells}
    assert cells["answer-clipping"] == solutions("2-attention")["answer-clipping"]
    assert "NotImplementedError" in cells["answer-mean-weights"]
    path = own / "autograded" / "all-right" / "lab" / "2-attention.ipynb"
    cells = {cell.id: cell.source for cell in nbformat.read(path, as_version=4).cells}
    assert 'Rubric for "map"' in cells["check-weight-by-word"]
    assert solutions("2-attention")["written-map"].strip() in html.unescape(cells["written-map"])


def test_grade_keeps_points_that_were_given_by_hand_and_takes_the_time_of_submission(own):
    cell = "written-map", "2-attention", "lab", "all-right"
    with Gradebook(f"sqlite:///{own / 'gradebook.db'}") as gradebook:
        grade = gradebook.find_grade(*cell)
        assert (grade.auto_score, grade.needs_manual_grade) == (None, True)
        grade.manual_score, grade.needs_manual_grade = 2, False
        gradebook.find_comment(*cell).manual_comment = "well seen"
        gradebook.db.commit()
    assert main(["grade", str(own / "submitted"), "--out", str(own / "marks"), "--nbgrader", str(own)]) == 0
    with Gradebook(f"sqlite:///{own / 'gradebook.db'}") as gradebook:
        grade = gradebook.find_grade(*cell)
        assert (grade.score, grade.manual_score, grade.needs_manual_grade) == (2, 2, False)
        assert gradebook.find_comment(*cell).comment == "well seen"
        assert str(gradebook.find_submission("lab", "half-right").timestamp) == "2026-01-02 03:04:05"
        assert gradebook.find_submission("lab", "all-right").timestamp is None


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ("--assignment other", "argument --assignment: must be one of lab, but is other"),
        ("--source SOURCE", "argument --nbgrader: must be a course in which lab has just 2-attention, but"),
    ],
)
def test_grade_names_what_does_not_fit_the_course(own, tmp_path, capsys, argv, words):
    shutil.copy(NOTEBOOKS["2-attention"], tmp_path)
    argv = argv.replace("SOURCE", str(tmp_path)).split()
    given = [str(own / "submitted"), "--out", str(tmp_path / "marks"), "--nbgrader", str(own)]
    with pytest.raises(SystemExit, match="2"):
        main(["grade", *given, *argv])
    assert words in capsys.readouterr().err
