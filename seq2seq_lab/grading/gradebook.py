"""Marks in nbgrader's gradebook, and submissions where Formgrader and nbgrader's feedback look for them.

Both render markdown, comments, outputs and names without cleaning them, in pages that may do whatever the
instructor may. So nothing of a student's gets there but as plain text.
"""

from __future__ import annotations

import contextlib
import pathlib
import re
import stat

import nbformat
from nbgrader.api import Gradebook
from nbgrader.utils import parse_utc
from sqlalchemy.exc import SQLAlchemyError

from seq2seq_lab._internals.files import whole_file
from seq2seq_lab.exercises.engine.verdict import Verdict
from seq2seq_lab.grading import manual_grades
from seq2seq_lab.grading.assignment import cell_name
from seq2seq_lab.grading.manual_grades import ManualGrades
from seq2seq_lab.grading.marks import ExerciseMark, ExerciseState, Marks, WrittenState
from seq2seq_lab.grading.marks_folder import MarksFolder

# In a name these would end the text, the attribute or the script that Formgrader puts it into, or the folder.
NO_NAME = re.compile(r'[<>"\\/\x00-\x1f\x7f\u2028\u2029]|^\.')


class Course:
    """A course of nbgrader's, and the assignment in it that is marked.

    Raises:
        ValueError: the folder is no course, it has no such assignment or several of which none is named, or
            the assignment has not the lessons that are marked.
    """

    def __init__(self, folder: pathlib.Path, assignment: str | None, marks_folder: MarksFolder) -> None:
        self.folder, self.marks_folder = folder, marks_folder
        database = folder / "gradebook.db"
        if not database.is_file():
            rule = "nbgrader must be a course after `nbgrader generate_assignment`"
            raise ValueError(f"{rule}, but {database} does not exist")
        try:
            self.gradebook = Gradebook(f"sqlite:///{database.resolve()}")
            names = [found.name for found in self.gradebook.assignments]
        except SQLAlchemyError as error:
            words = str(error).partition("\n")[0]
            raise ValueError(f"nbgrader must be a course, but {database} is no gradebook: {words}") from error
        if assignment is None and len(names) == 1:
            (assignment,) = names
        if assignment not in names:
            raise ValueError(f"assignment must be one of {', '.join(names) or 'none'}, but is {assignment}")
        self.assignment = assignment
        lessons = sorted(lesson.name for lesson in marks_folder.lessons)
        there = sorted(notebook.name for notebook in self.gradebook.find_assignment(assignment).notebooks)
        if lessons != there:
            rule = f"nbgrader must be a course in which {assignment} has just {', '.join(lessons)}"
            other = f"{', '.join(there)}; --source says what was handed out"
            raise ValueError(f"{rule}, but it has {other}")
        sources = folder / "source" / assignment
        try:
            self.sources = {name: nbformat.read(sources / f"{name}.ipynb", as_version=4) for name in there}
        except (OSError, ValueError) as error:
            raise ValueError(f"nbgrader must have the notebooks of {sources}, but {error}") from error

    def write(self) -> list[str]:
        """Enter all marks; points that were given in Formgrader stay as they are.

        Returns:
            A line for each student whose name Formgrader would obey: those are left out.
        """
        grades, left_out = manual_grades.read(self.marks_folder), []
        with self.gradebook as gradebook:
            for marks in self.marks_folder.all_marks():
                if NO_NAME.search(marks.student):
                    left_out.append(
                        f"not in the gradebook: {marks.student!r}, a name that its pages would obey"
                    )
                    continue
                gradebook.update_or_create_student(marks.student)
                self._submit(marks.student)
                for notebook in self.sources:
                    self._enter(marks, notebook, grades)
                    self._show(marks, notebook)
                gradebook.db.commit()
        return left_out

    def _submit(self, student):
        stamp, when = self.folder / "submitted" / student / self.assignment / "timestamp.txt", {}
        if stamp.is_file():
            with contextlib.suppress(ValueError, OverflowError), stamp.open(encoding="utf-8") as file:
                when["timestamp"] = parse_utc(file.read(100).strip())  # whatever a student made of it
        self.gradebook.update_or_create_submission(self.assignment, student, **when)

    def _enter(self, marks: Marks, notebook: str, grades: ManualGrades) -> None:
        where = notebook, self.assignment, marks.student
        for mark in _of(marks.exercises, notebook):
            entry = self.gradebook.find_grade(f"check-{mark.name}", *where)
            entry.auto_score, entry.needs_manual_grade = mark.points, False
        for answer in _of(marks.written, notebook):
            entry = self.gradebook.find_grade(f"written-{answer.name}", *where)
            grade = grades.of(marks.student, answer)
            entry.auto_score = grade.points if answer.state is WrittenState.ANSWERED else 0
            entry.needs_manual_grade = entry.auto_score is None and entry.manual_score is None
            comment = self.gradebook.find_comment(f"written-{answer.name}", *where)
            comment.auto_comment = _plain_comment(grade.comment) or (None if answer.text else "No response.")

    def _show(self, marks: Marks, notebook: str) -> None:
        """The source, with the student's answers in the place of solutions, and what the checks say."""
        shown = nbformat.from_dict(self.sources[notebook])
        exercises = {mark.name: mark for mark in _of(marks.exercises, notebook)}
        written = {answer.name: answer.text for answer in _of(marks.written, notebook)}
        for cell in shown.cells:
            part, _, name = cell_name(cell).partition("-")
            if part == "answer":
                cell.source = exercises[name].code
            elif part == "written":
                cell.source = _preformatted(written[name])
            elif part == "check" and name in exercises:
                cell.outputs = [_output(exercises[name])]
        folder = self.folder / "autograded" / marks.student / self.assignment
        folder.mkdir(parents=True, exist_ok=True)
        _make_writable(folder / f"{notebook}.ipynb")
        with whole_file(folder / f"{notebook}.ipynb") as unfinished:
            nbformat.write(shown, unfinished)


def _of(answers, notebook):
    return [answer for answer in answers if answer.lesson == notebook]


def _preformatted(text: str) -> str:
    """Markdown that shows a text as it was written; each of its signs is a number, so none means anything."""
    signs = re.sub(r"[^\w\s]", lambda sign: f"&#{ord(sign[0])};", text)
    return f'<pre style="white-space: pre-wrap">{signs}</pre>' if text else ""


def _plain_comment(text: str) -> str:
    """A comment, in which no tag, no link and no picture can begin."""
    return text.replace("<", "&lt;").replace("[", "&#91;")


def _output(mark: ExerciseMark) -> nbformat.NotebookNode:
    shown = ExerciseState.OPEN if mark.state is ExerciseState.MISSING else mark.state
    verdict = Verdict(mark.name, shown.value, mark.points, mark.most, mark.message, mark.hint)
    # The class tells MathJax to leave it alone: a message may hold a formula of the student's.
    page = f'<div class="tex2jax_ignore">{verdict._repr_html_()}</div>'
    data = {"text/plain": repr(verdict), "text/html": page}
    return nbformat.v4.new_output("execute_result", data, execution_count=None)


def _make_writable(path: pathlib.Path) -> None:
    """Let a file be replaced that `nbgrader autograde` has left read-only."""
    for each in (path.parent, path):
        with contextlib.suppress(FileNotFoundError, PermissionError):  # a colleague's: then it is said below
            each.chmod(each.stat().st_mode | stat.S_IWUSR)
