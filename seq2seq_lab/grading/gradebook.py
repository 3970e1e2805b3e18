"""Marks in nbgrader's gradebook, and submissions where Formgrader and nbgrader's feedback look for them."""

from __future__ import annotations

import pathlib

import nbformat
from nbgrader.api import Gradebook
from nbgrader.utils import parse_utc

from seq2seq_lab._internals.files import whole_file
from seq2seq_lab.exercises.engine.verdict import Verdict
from seq2seq_lab.grading import manual_grades
from seq2seq_lab.grading.assignment import cell_name
from seq2seq_lab.grading.manual_grades import ManualGrades
from seq2seq_lab.grading.marks import ExerciseMark, ExerciseState, Marks, WrittenState
from seq2seq_lab.grading.marks_folder import MarksFolder


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
        self.gradebook = Gradebook(f"sqlite:///{database.resolve()}")
        names = [found.name for found in self.gradebook.assignments]
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
        self.sources = {name: nbformat.read(sources / f"{name}.ipynb", as_version=4) for name in there}

    def write(self) -> None:
        """Enter all marks; points that were given in Formgrader stay as they are."""
        grades = manual_grades.read(self.marks_folder)
        with self.gradebook as gradebook:
            for marks in self.marks_folder.all_marks():
                gradebook.update_or_create_student(marks.student)
                self._submit(marks.student)
                for notebook in self.sources:
                    self._enter(marks, notebook, grades)
                    self._show(marks, notebook)
                gradebook.db.commit()

    def _submit(self, student):
        stamp = self.folder / "submitted" / student / self.assignment / "timestamp.txt"
        when = {"timestamp": parse_utc(stamp.read_text().strip())} if stamp.is_file() else {}
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
            comment.auto_comment = grade.comment or (None if answer.text else "No response.")

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
                cell.source = written[name]
            elif part == "check" and name in exercises:
                cell.outputs = [_output(exercises[name])]
        folder = self.folder / "autograded" / marks.student / self.assignment
        folder.mkdir(parents=True, exist_ok=True)
        with whole_file(folder / f"{notebook}.ipynb") as unfinished:
            nbformat.write(shown, unfinished)


def _of(answers, notebook):
    return [answer for answer in answers if answer.lesson == notebook]


def _output(mark: ExerciseMark) -> nbformat.NotebookNode:
    shown = mark.state if mark.state in (ExerciseState.RIGHT, ExerciseState.OPEN) else ExerciseState.WRONG
    verdict = Verdict(mark.name, shown.value, mark.points, mark.most, mark.message, mark.hint)
    data = {"text/plain": repr(verdict), "text/html": verdict._repr_html_()}
    return nbformat.v4.new_output("execute_result", data, execution_count=None)
