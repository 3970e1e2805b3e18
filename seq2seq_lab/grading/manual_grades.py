"""Manual grades: answers in words go out without names, in a random order, and come back with points.

A row of the table knows what stood in it when it went out (`version`). So a copy that is older than a grade
does not undo it: what was changed on both sides is a conflict, which people decide.
"""

from __future__ import annotations

import collections
import csv
import dataclasses
import hashlib
import math
import pathlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from seq2seq_lab.grading.csv_files import csv_writer, read_csv
from seq2seq_lab.grading.marks import ManualGrade, Marks, WrittenAnswer, WrittenState
from seq2seq_lab.grading.marks_folder import MarksFolder

TABLE = "written.csv"
ABOUT = "id", "notebook", "exercise", "question", "text of the question", "rubric", "out of"
HEAD = (*ABOUT, "answer", "points", "comment", "version")
WITHDRAWN = "-"  # in the place of points or a comment: there are none any more
NONE_YET = ManualGrade()


class Row(NamedTuple):
    """What a row of a `written.csv` says."""

    n: int  # in the file, from 1
    id: str
    points: str
    comment: str
    version: str | None  # None if the file has no such column


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
                said = _points_text(grade), grade.comment, _version(grade)
                write_row((name, *about, question.points, answer.text, *said))


def take_back(folder: MarksFolder, copy: pathlib.Path | None = None) -> list[str]:
    """Keep what was filled in, in the folder's own `written.csv` and in a copy; empty cells change nothing.

    Returns:
        A line for each row that does not count: its answer is no longer there, or has another grade by now.

    Raises:
        ValueError: a file is none, none of the copy's ids is known, an id stands in a file twice, points are
            no number from 0 to the most, or a row gives another grade than was given since it went out. Then
            nothing is kept.
    """
    most = {
        name: answer.most for marks in folder.all_marks() for name, answer in _answered(folder.seed, marks)
    }
    own, before, copies = folder.path / TABLE, folder.grades(), folder.copies()
    grades, notices = dict(before), []
    if own.exists():
        notices += _merge(grades, read_rows(own), own, most)[0]
    if copy is not None and not (own.exists() and own.samefile(copy)):
        place, rows = str(copy.resolve()), [row for row in read_rows(copy) if row.points or row.comment]
        if rows and not any(row.id in most for row in rows):
            rule = f"written must hold ids of this run's {TABLE}"
            raise ValueError(f"{rule}, but no filled-in row of {copy} has one")
        said, copies[place] = _merge(grades, rows, copy, most, copies.get(place, {}))
        notices += said
    if grades != before:
        folder.write_grades(grades)
    if copies != folder.copies():
        folder.write_copies(copies)
    return notices


def read_rows(path: pathlib.Path) -> list[Row]:
    """The rows of a `written.csv`.

    Raises:
        ValueError: the file is none, or a row has more fields than the first, as with a decimal comma.
    """
    try:
        columns, rows = read_csv(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"written must be a CSV file in UTF-8, but {path} is not: {error}") from error
    except ValueError as error:
        raise ValueError(f"written must have as many fields in each row, but in {path} {error}") from error
    if not {"id", "points"} <= columns:
        raise ValueError(f"written must have the columns id and points, but {path} has not")
    return [
        Row(n, row["id"], row["points"], row.get("comment", ""), row.get("version"))
        for n, row in enumerate(rows, 2)
    ]


def _answered(seed: int, marks: Marks) -> Iterator[tuple[str, WrittenAnswer]]:
    """The answers of a student that are there to be graded, with their ids."""
    for answer in marks.written:
        if answer.state is WrittenState.ANSWERED:
            yield answer_id(seed, marks.student, answer), answer


def _merge(grades, rows, path, most, said_before=None):
    """Take rows of a file into the grades.

    Args:
        grades: by id; changed.
        rows: of the file.
        path: of the file.
        most: points of each answer, by id.
        said_before: what the same copy said when it was read last, by id; None is the folder's own table.

    Returns:
        A line for each row that does not count; and the grades that the file gives, by id.
    """
    notices, conflicts, seen, gives = [], [], set(), {}
    for row in rows:
        if not (row.points or row.comment):
            continue
        where = f"row {row.n} of {path}"
        if row.id in seen:
            raise ValueError(f"written must hold each id once, but {where} has {row.id!r}")
        seen.add(row.id)
        if row.id not in most:
            words = "its answer has been submitted anew or withdrawn, so it does not take"
            notices.append(f"{where}: {words} {row.points or row.comment!r}")
            continue
        now = grades.get(row.id, NONE_YET)
        new = gives[row.id] = _grade(row, now, most, path)
        if new == now:
            continue
        if row.points.isdecimal() and row.comment.isdecimal():
            comma = f"is {row.points},{row.comment} unquoted in a file separated by commas?"
            raise ValueError(f"written must hold comments in words, but {where} has {row.comment!r}: {comma}")
        if row.version and _version(_grade(row, NONE_YET, most, path)) == row.version:  # nobody touched it
            if said_before is not None:
                notices.append(f"{where}: stays {_words(now)}, given since; {_words(new)} is what was there")
        elif _is_newer(row, new, now, said_before):
            grades[row.id] = new
        else:
            conflicts.append(f"{where} ({row.id}) gives {_words(new)}, but {_words(now)} was given since")
    if conflicts:
        way = f"write what is right into the {TABLE} of the marks, and empty the row here"
        if said_before is None:
            way = "empty the row, run this again, and write into it what is right"
        raise ValueError(
            f"written must not undo newer grades: {'; '.join(conflicts)}; nothing was taken; {way}"
        )
    return notices, gives


def _is_newer(row, new, now, said_before):
    """Whether a row that differs from the grade of now was filled in by who knew that."""
    if said_before is None and row.version is None:  # the folder's own, of an older version
        return True
    last = (said_before or {}).get(row.id)
    if last is None:
        return (row.version or "") == _version(now)
    if new == last:  # as it was read before, so the grade of now is newer
        return False
    changed = [part for part in ("points", "comment") if getattr(new, part) != getattr(now, part)]
    return row.version == _version(now) != "" or all(
        getattr(last, part) == getattr(now, part) for part in changed
    )


def _grade(row, now, most, path):
    """The grade that a row gives; where a cell is empty, what there is now."""
    points, comment = now.points, now.comment
    if row.points:
        points = _points(
            row.points, most[row.id], f"written must hold {{}}, but row {row.n} of {path} has {{!r}}"
        )
    if row.comment:
        comment = "" if row.comment == WITHDRAWN else row.comment
    return ManualGrade(points, comment)


def _version(grade):
    """A name for what a row says: empty for nothing, else with a letter first, so that it is no number."""
    said = _points_text(grade), grade.comment
    return "v" + hashlib.sha256(repr(said).encode()).hexdigest()[:7] if any(said) else ""


def _points_text(grade):
    return "" if grade.points is None else f"{grade.points:g}"


def _words(grade):
    parts = _points_text(grade) or "no points", repr(grade.comment[:40]) if grade.comment else ""
    return " ".join(part for part in parts if part)


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
