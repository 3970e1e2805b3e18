"""Answers in words: handed out without names, in a random order, and taken back with points."""

from __future__ import annotations

import csv
import hashlib
import math
import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from seq2seq_lab._internals.files import whole_file
from seq2seq_lab.grading.record import Record

TABLE = "written.csv"
FILE = "manual.json"  # points given by hand, by the id of the answer
HEAD = "id", "notebook", "exercise", "question", "text of the question", "rubric", "out of"
HEAD += "answer", "points", "comment"
WITHDRAWN = "-"  # in the place of points: there are none any more
CSV = {"mode": "w", "encoding": "utf-8-sig", "newline": ""}  # with the mark by which Excel knows UTF-8
SEPARATORS = ",;\t"  # Excel's choice depends on the country
FORMULA = "=", "+", "-", "@", "\t", "\r", "\n"  # what a spreadsheet may take for one


class Manual(NamedTuple):
    """What a person gave for an answer; points are None as long as there is only a comment."""

    points: float | None
    comment: str


NOTHING = Manual(None, "")


def answer_id(seed: int, student: str, answer: Mapping[str, Any]) -> str:
    """A name for an answer that tells nothing of its student; another text is another answer.

    It begins with a letter that no number has: a spreadsheet would round a number.
    """
    parts = seed, student, answer["lesson"], answer["name"], answer["text"]
    return "w" + hashlib.sha256(repr(parts).encode()).hexdigest()[:15]


def cell(value: object) -> str:
    """A value for a CSV file that no spreadsheet takes for a formula."""
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def write(record: Record) -> None:
    """Write `written.csv`: all answers, question by question, with the points that some have."""
    given, found = read(record), {}
    for marks in record.results():
        for answer in marks["written"]:
            if answer["state"] == "waits":
                name = answer_id(record.seed, marks["student"], answer)
                found.setdefault((answer["lesson"], answer["name"]), []).append((name, marks["student"]))
    with whole_file(record.folder / TABLE) as unfinished, unfinished.open(**CSV) as file:
        table = csv.writer(file)
        table.writerow(HEAD)
        for lesson, question in ((each, q) for each in record.lessons for q in each.questions):
            about = lesson.name, question.title, question.name, question.text, question.rubric
            for name, student in sorted(found.get((lesson.name, question.name), ())):  # ids are random
                (answer,) = (
                    answer["text"]
                    for answer in record.result(student)["written"]
                    if (answer["lesson"], answer["name"]) == (lesson.name, question.name)
                )
                points, comment = given.get(name, NOTHING)
                points = "" if points is None else f"{points:g}"
                table.writerow(map(cell, (name, *about, question.points, answer, points, comment)))


def read(record: Record) -> dict[str, Manual]:
    """The points given so far, by the id of the answer."""
    return {name: Manual(*manual) for name, manual in (record.read(FILE) or {}).items()}


def given_for(answer: Mapping[str, Any], student: str, given: Mapping[str, Manual], seed: int) -> Manual:
    """What a person gave for a student's answer, so far."""
    return given.get(answer_id(seed, student, answer), NOTHING)


def take_back(record: Record, copy: pathlib.Path | None = None) -> list[str]:
    """Keep what was filled in, in the folder's own `written.csv` and in a copy; empty rows change nothing.

    Returns:
        A line for each row that does not count, as its answer is no longer there.

    Raises:
        ValueError: a file is none, none of the copy's ids is known, an id stands in a file twice, or points
            are no number from 0 to the most. Then nothing is kept.
    """
    known = {
        answer_id(record.seed, marks["student"], answer): answer["most"]
        for marks in record.results()
        for answer in marks["written"]
        if answer["state"] == "waits"
    }
    own, before = record.folder / TABLE, read(record)
    given, stale = dict(before), []
    for path in dict.fromkeys([*([own] if own.exists() else []), *([copy] if copy else [])]):
        taken, left_out = _filled_in(path, known, given)
        if left_out and not taken and path != own:
            raise ValueError(
                f"written must hold ids of this run's {TABLE}, but no filled-in row of {path} has one"
            )
        given |= taken
        stale += left_out
    if given != before:
        record.write(FILE, given)
    return stale


def _filled_in(path, known, given):
    """What the rows of a file give, by id; and a line for each whose answer is not known."""
    taken, left_out = {}, []
    for n, (name, points, comment) in enumerate(rows(path), 2):
        if not (points or comment):
            continue
        where = f"written must hold {{}}, but row {n} of {path} has {{!r}}"
        if name in taken:
            raise ValueError(where.format("each id once", name))
        if name in known:
            before = given.get(name, NOTHING).points
            taken[name] = Manual(_points(points, known[name], where) if points else before, comment)
        else:
            words = "its answer has been handed in anew or withdrawn, so it does not take"
            left_out.append(f"row {n} of {path}: {words} {points or comment!r}")
    return taken, left_out


def rows(path: pathlib.Path) -> list[list[str]]:
    """Id, points and comment of each row of a `written.csv`.

    Raises:
        ValueError: the file is none.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            separator = max(SEPARATORS, key=file.readline().count)
            file.seek(0)
            table = csv.DictReader(file, delimiter=separator)
            columns, found = table.fieldnames or (), list(table)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"written must be a CSV file in UTF-8, but {path} is not: {error}") from error
    if not {"id", "points"} <= set(columns):
        raise ValueError(f"written must have the columns id and points, but {path} has not")
    return [
        [(row.get(name) or "").strip().removeprefix("'") for name in ("id", "points", "comment")]
        for row in found
    ]


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
