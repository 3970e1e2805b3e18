"""Manual grades: answers in words go out without names, in a random order, and come back with points."""

from __future__ import annotations

import collections
import csv
import dataclasses
import hashlib
import math
import pathlib
from collections.abc import Iterator, Mapping

from seq2seq_lab.grading.csv_files import csv_writer, read_csv
from seq2seq_lab.grading.marks import ManualGrade, Marks, WrittenAnswer, WrittenState
from seq2seq_lab.grading.marks_folder import MarksFolder

TABLE = "written.csv"
ABOUT = "id", "notebook", "exercise", "question", "text of the question", "rubric", "out of"
HEAD = (*ABOUT, "answer", "points", "comment")
WITHDRAWN = "-"  # in the place of points: there are none any more
NONE_YET = ManualGrade()


@dataclasses.dataclass(frozen=True)
class ManualGrades:
    """What people gave for the answers of a class."""

    seed: int  # from which the ids of answers are made
    by_id: Mapping[str, ManualGrade]

    def of(self, student: str, answer: WrittenAnswer) -> ManualGrade:
        """The grade of a student's answer; without points if nobody has given it any."""
        return self.by_id.get(answer_id(self.seed, student, answer), NONE_YET)


def answer_id(seed: int, student: str, answer: WrittenAnswer) -> str:
    """A name for an answer that tells nothing of its student; another text is another answer.

    It begins with a letter that no number has: a spreadsheet would round a number.
    """
    parts = seed, student, answer.lesson, answer.name, answer.text
    return "w" + hashlib.sha256(repr(parts).encode()).hexdigest()[:15]


def read(folder: MarksFolder) -> ManualGrades:
    """The manual grades so far."""
    return ManualGrades(folder.seed, folder.grades())


def write(folder: MarksFolder) -> None:
    """Write `written.csv`: all answers, question by question, with the points that some have."""
    grades, students = read(folder), collections.defaultdict(list)
    for marks in folder.all_marks():
        for name, answer in _answered(folder.seed, marks):
            students[answer.lesson, answer.name].append((name, marks.student))
    with csv_writer(folder.path / TABLE) as write_row:
        write_row(HEAD)
        for lesson, question in ((each, q) for each in folder.lessons for q in each.questions):
            about = lesson.name, question.title, question.name, question.text, question.rubric
            for name, student in sorted(students[lesson.name, question.name]):  # ids are random
                answer = folder.marks_of(student).answer(lesson.name, question.name)
                grade = grades.of(student, answer)
                points = "" if grade.points is None else f"{grade.points:g}"
                write_row((name, *about, question.points, answer.text, points, grade.comment))


def take_back(folder: MarksFolder, copy: pathlib.Path | None = None) -> list[str]:
    """Keep what was filled in, in the folder's own `written.csv` and in a copy; empty rows change nothing.

    Returns:
        A line for each row that does not count, as its answer is no longer there.

    Raises:
        ValueError: a file is none, none of the copy's ids is known, an id stands in a file twice, or points
            are no number from 0 to the most. Then nothing is kept.
    """
    most = {
        name: answer.most for marks in folder.all_marks() for name, answer in _answered(folder.seed, marks)
    }
    own, before = folder.path / TABLE, folder.grades()
    grades, stale = dict(before), []
    for path in dict.fromkeys([*([own] if own.exists() else []), *([copy] if copy else [])]):
        taken, left_out = _filled_in(path, most, grades)
        if left_out and not taken and path != own:
            raise ValueError(
                f"written must hold ids of this run's {TABLE}, but no filled-in row of {path} has one"
            )
        grades |= taken
        stale += left_out
    if grades != before:
        folder.write_grades(grades)
    return stale


def read_rows(path: pathlib.Path) -> list[tuple[str, str, str]]:
    """Id, points and comment of each row of a `written.csv`.

    Raises:
        ValueError: the file is none.
    """
    try:
        columns, rows = read_csv(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"written must be a CSV file in UTF-8, but {path} is not: {error}") from error
    if not {"id", "points"} <= columns:
        raise ValueError(f"written must have the columns id and points, but {path} has not")
    return [(row["id"], row["points"], row.get("comment", "")) for row in rows]


def _answered(seed: int, marks: Marks) -> Iterator[tuple[str, WrittenAnswer]]:
    """The answers of a student that are there to be graded, with their ids."""
    for answer in marks.written:
        if answer.state is WrittenState.ANSWERED:
            yield answer_id(seed, marks.student, answer), answer


def _filled_in(path, most, grades):
    """The grades in the rows of a file, by id; and a line for each row whose answer is not known."""
    taken, left_out = {}, []
    for n, (name, points, comment) in enumerate(read_rows(path), 2):
        if not (points or comment):
            continue
        where = f"written must hold {{}}, but row {n} of {path} has {{!r}}"
        if name in taken:
            raise ValueError(where.format("each id once", name))
        if name in most:
            before = grades.get(name, NONE_YET).points
            taken[name] = ManualGrade(_points(points, most[name], where) if points else before, comment)
        else:
            words = "its answer has been submitted anew or withdrawn, so it does not take"
            left_out.append(f"row {n} of {path}: {words} {points or comment!r}")
    return taken, left_out


def _points(text, most, where):
    if text == WITHDRAWN:
        return None
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        number = math.nan
    if not 0 <= number <= most:
        raise ValueError(where.format(f"points from 0 to {most}", text))
    return number
