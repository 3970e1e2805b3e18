"""Answers in words: handed out without names, in a random order, and taken back with points."""

from __future__ import annotations

import csv
import hashlib
import math
import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from seq2seq_lab.files import whole_file
from seq2seq_lab.grading.record import Record

FILE = "manual.json"  # points given by hand, by the id of the answer
HEAD = "id", "notebook", "question", "text of the question", "rubric", "out of", "answer", "points", "comment"
CSV = {"mode": "w", "encoding": "utf-8-sig", "newline": ""}  # with the mark by which Excel knows UTF-8
FORMULA = "=", "+", "-", "@", "\t", "\r", "\n"  # what a spreadsheet may take for one


class Manual(NamedTuple):
    """What a person gave for an answer."""

    points: float
    comment: str


def answer_id(seed: int, student: str, answer: Mapping[str, Any]) -> str:
    """A name for an answer that tells nothing of its student; another text is another answer."""
    parts = seed, student, answer["lesson"], answer["name"], answer["text"]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


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
    with whole_file(record.folder / "written.csv") as unfinished, unfinished.open(**CSV) as file:
        table = csv.writer(file)
        table.writerow(HEAD)
        for lesson, question in ((each, q) for each in record.lessons for q in each.questions):
            about = lesson.name, question.name, question.text, question.rubric, question.points
            for name, student in sorted(found.get((lesson.name, question.name), ())):  # ids are random
                (answer,) = (
                    answer["text"]
                    for answer in record.result(student)["written"]
                    if (answer["lesson"], answer["name"]) == (lesson.name, question.name)
                )
                manual = (f"{given[name].points:g}", given[name].comment) if name in given else ("", "")
                table.writerow(map(cell, (name, *about, answer, *manual)))


def read(record: Record) -> dict[str, Manual]:
    """The points given so far, by the id of the answer."""
    return {name: Manual(*manual) for name, manual in (record.read(FILE) or {}).items()}


def take_back(record: Record, path: pathlib.Path) -> int:
    """Keep the points of a `written.csv` that was marked; empty ones change nothing.

    Returns:
        How many answers have points in it.

    Raises:
        ValueError: it is no such file, an id is unknown, or points are no number from 0 to the most. Then
            nothing is kept.
    """
    known = {
        answer_id(record.seed, marks["student"], answer): answer["most"]
        for marks in record.results()
        for answer in marks["written"]
        if answer["state"] == "waits"
    }
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"written must be a CSV file in UTF-8, but {path} is not: {error}") from error
    if not rows or not {"id", "points"} <= rows[0].keys():
        raise ValueError(f"written must have the columns id and points, but {path} has not")
    taken = {}
    for n, row in enumerate(rows, 2):
        points = (row["points"] or "").strip().removeprefix("'")
        if points == "":
            continue
        where = f"written must hold {{}}, but row {n} of {path} has {{!r}}"
        if row["id"] not in known:
            raise ValueError(where.format("ids of this run's written.csv", row["id"]))
        try:
            number = float(points.replace(",", "."))
        except ValueError:
            number = math.nan
        most = known[row["id"]]
        if not 0 <= number <= most:
            raise ValueError(where.format(f"points from 0 to {most}", points))
        taken[row["id"]] = Manual(number, (row.get("comment") or "").removeprefix("'"))
    record.write(FILE, {**(record.read(FILE) or {}), **taken})
    return len(taken)
