"""Marks in nbgrader's gradebook, and hand-ins where Formgrader and nbgrader's feedback look for them."""

from __future__ import annotations

import pathlib
from typing import Any

import nbformat
from nbgrader.api import Gradebook
from nbgrader.utils import parse_utc

from seq2seq_lab._internals.files import whole_file
from seq2seq_lab.exercises.engine.verdict import Verdict
from seq2seq_lab.grading.assignment import cell_name
from seq2seq_lab.grading.record import Record
from seq2seq_lab.grading.written import given_for, read


class Course:
    """A course of nbgrader's, and the assignment in it that is marked.

    Raises:
        ValueError: the folder is no course, it has no such assignment or several of which none is named, or
            the assignment has not the lessons that are marked.
    """

    def __init__(self, folder: pathlib.Path, assignment: str | None, record: Record) -> None:
        self.folder, self.record = folder, record
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
        lessons = sorted(lesson.name for lesson in record.lessons)
        there = sorted(notebook.name for notebook in self.gradebook.find_assignment(assignment).notebooks)
        if lessons != there:
            rule = f"nbgrader must be a course in which {assignment} has just {', '.join(lessons)}"
            other = f"{', '.join(there)}; --source says what was handed out"
            raise ValueError(f"{rule}, but it has {other}")
        sources = folder / "source" / assignment
        self.sources = {name: nbformat.read(sources / f"{name}.ipynb", as_version=4) for name in there}

    def write(self) -> None:
        """Enter all marks; points that were given in Formgrader stay as they are."""
        given = read(self.record)
        with self.gradebook as gradebook:
            for marks in self.record.results():
                gradebook.update_or_create_student(marks["student"])
                self._submit(marks["student"])
                for name in self.sources:
                    self._enter(marks, name, given)
                    self._show(marks, name)
                gradebook.db.commit()

    def _submit(self, student):
        stamp = self.folder / "submitted" / student / self.assignment / "timestamp.txt"
        when = {"timestamp": parse_utc(stamp.read_text().strip())} if stamp.is_file() else {}
        self.gradebook.update_or_create_submission(self.assignment, student, **when)

    def _enter(self, marks, notebook, given):
        where = notebook, self.assignment, marks["student"]
        for line in _of(marks["exercises"], notebook):
            grade = self.gradebook.find_grade(f"check-{line['name']}", *where)
            grade.auto_score, grade.needs_manual_grade = line["points"], False
        for answer in _of(marks["written"], notebook):
            grade = self.gradebook.find_grade(f"written-{answer['name']}", *where)
            manual = given_for(answer, marks["student"], given, self.record.seed)
            grade.auto_score = manual.points if answer["state"] == "waits" else 0
            grade.needs_manual_grade = grade.auto_score is None and grade.manual_score is None
            comment = self.gradebook.find_comment(f"written-{answer['name']}", *where)
            comment.auto_comment = manual.comment or (None if answer["text"] else "No response.")

    def _show(self, marks, notebook):
        """The source, with the student's answers in the place of solutions, and what the checks say."""
        shown = nbformat.from_dict(self.sources[notebook])
        exercises = {line["name"]: line for line in _of(marks["exercises"], notebook)}
        written = {answer["name"]: answer["text"] for answer in _of(marks["written"], notebook)}
        for cell in shown.cells:
            part, _, name = cell_name(cell).partition("-")
            if part == "answer":
                cell.source = exercises[name]["code"]
            elif part == "written":
                cell.source = written[name]
            elif part == "check" and name in exercises:
                cell.outputs = [_output(exercises[name])]
        folder = self.folder / "autograded" / marks["student"] / self.assignment
        folder.mkdir(parents=True, exist_ok=True)
        with whole_file(folder / f"{notebook}.ipynb") as unfinished:
            nbformat.write(shown, unfinished)


def _of(lines, notebook):
    return [line for line in lines if line["lesson"] == notebook]


def _output(line: dict[str, Any]) -> nbformat.NotebookNode:
    state = line["state"] if line["state"] in ("right", "open") else "wrong"
    verdict = Verdict(line["name"], state, line["points"], line["most"], line["message"], line["hint"])
    data = {"text/plain": repr(verdict), "text/html": verdict._repr_html_()}
    return nbformat.v4.new_output("execute_result", data, execution_count=None)
