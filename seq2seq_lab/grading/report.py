"""What a grader gets: `marks.csv`, a feedback page a student, and one page about the class."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from seq2seq_lab.grading import manual_grades
from seq2seq_lab.grading.assignment import Lesson
from seq2seq_lab.grading.csv_files import csv_writer
from seq2seq_lab.grading.manual_grades import ManualGrades
from seq2seq_lab.grading.marks import ExerciseState, Marks, WrittenState
from seq2seq_lab.grading.marks_folder import MarksFolder, key
from seq2seq_lab.grading.overview import Overview
from seq2seq_lab.grading.pages import COLOURS, SIGNS, STATES, page

OUT_OF = "out of"
GONE = "is no longer among the submissions"


@dataclasses.dataclass(frozen=True)
class Total:
    """The sum of a student's points, earned by checks and given by hand."""

    points: float
    most: int
    waiting: int  # answers in words that nobody has graded yet


def total(marks: Marks, grades: ManualGrades) -> Total:
    """All points of a student."""
    points: float = sum(mark.points for mark in marks.exercises)
    most, waiting = sum(mark.most for mark in marks.exercises), 0
    for answer in marks.written:
        given = grades.of(marks.student, answer).points
        points, most = points + (given or 0), most + answer.most
        waiting += answer.state is WrittenState.ANSWERED and given is None
    return Total(points, most, waiting)


def most(lessons: tuple[Lesson, ...]) -> int:
    """The points that can be had."""
    return sum(each.points for lesson in lessons for each in (*lesson.tasks, *lesson.questions))


def points_of_all(folder: MarksFolder) -> dict[str, float | None]:
    """The points of each student; None for who still waits for some."""
    grades = manual_grades.read(folder)
    totals = {marks.student: total(marks, grades) for marks in folder.all_marks()}
    return {student: None if each.waiting else each.points for student, each in totals.items()}


def write(folder: MarksFolder, students: Collection[str]) -> int:
    """Write marks, feedback and overview, anew from all results; a student at a time.

    Args:
        folder: the folder with the results.
        students: whose submissions there are now; of others the marks stay, and say so.

    Returns:
        In how many submissions something is odd.
    """
    grades, overview, odd = manual_grades.read(folder), Overview(), 0
    with csv_writer(folder.path / "marks.csv") as write_row:
        write_row(_head(folder.lessons))
        write_row(_out_of(folder.lessons))
        for marks in folder.all_marks():
            if marks.student not in students:
                marks = dataclasses.replace(marks, notes=(*marks.notes, GONE))
            of_all, notes = total(marks, grades), _notes(marks)
            odd += bool(notes)
            write_row(_row(marks, grades, of_all, notes))
            feedback = _feedback(marks, grades, of_all, folder.lessons)
            folder.write(f"feedback/{key(marks.student)}.html", feedback)
            overview.add(marks, of_all.points / of_all.most, of_all.waiting)
    folder.write("overview.html", overview.page())
    return odd


def _head(lessons: tuple[Lesson, ...]) -> list[str]:
    exercises = [task.name for lesson in lessons for task in lesson.tasks]
    written = [f"{lesson.name}: {each.name}, written" for lesson in lessons for each in lesson.questions]
    return ["student", *exercises, *written, "total", OUT_OF, "state"]


def _out_of(lessons):
    """The row below the head: what each column can earn."""
    tasks = [task.points for lesson in lessons for task in lesson.tasks]
    questions = [each.points for lesson in lessons for each in lesson.questions]
    return [OUT_OF, *tasks, *questions, *[most(lessons)] * 2, ""]


def _notes(marks):
    """All that is odd, the answers that were stopped included."""
    stopped = [mark for mark in marks.exercises if mark.state is ExerciseState.STOPPED]
    return [*marks.notes, *(f"{mark.name}: {mark.message}" for mark in stopped)]


def _row(marks, grades, of_all, notes):
    row = [marks.student, *(mark.points for mark in marks.exercises)]
    for answer in marks.written:
        points = grades.of(marks.student, answer).points
        if points is None:
            row.append("" if answer.state is WrittenState.ANSWERED else 0)
        else:
            row.append(f"{points:g}")
    if marks.pages:
        notes = [f"handed in as well: {', '.join(marks.pages)}", *notes]
    state = f"{of_all.waiting} answers in words wait" if of_all.waiting else "marked"
    return [*row, f"{of_all.points:g}", of_all.most, "; ".join([state, *notes])]


def _feedback(marks, grades, of_all, lessons):
    """The page of a student: for each lesson, under each title, what was checked and what was written."""
    shown = {}
    for lesson in lessons:
        titles = shown[lesson.name] = {title: ([], []) for title in lesson.titles}
        for task in lesson.tasks:
            titles[task.title][0].append(marks.exercise(lesson.name, task.name))
        for question in lesson.questions:
            answer = marks.answer(lesson.name, question.name)
            titles[question.title][1].append((answer, question.text, grades.of(marks.student, answer)))
    return page(
        "feedback.html",
        student=marks.student,
        notes=marks.notes,
        pages=marks.pages,
        total=of_all,
        lessons=shown,
        states=STATES,
        colours={**COLOURS, "missing": COLOURS["open"]},  # as text it should be read
        signs=SIGNS,
    )
