"""Worksheets that a platform exported, filled with points: Moodle's for offline grading, Canvas' gradebook.

Both are found by their structure, since the words in them are those of the user's language. But for the cells
that are filled in, a worksheet stays as it was, byte for byte.
"""

from __future__ import annotations

import codecs
import csv
import io
import pathlib
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from seq2seq_lab._internals.files import whole_file
from seq2seq_lab.grading.csv_files import SEPARATORS
from seq2seq_lab.grading.platforms import Origin, Origins

PARTICIPANT = re.compile(r"(.*\D)(\d+)")  # Moodle: "Participant 1234", in any language
NUMBER = re.compile(r"\d+([.,]\d+)?")
ASSIGNMENT = re.compile(r"(.+) \((\d+)\)")  # Canvas: a column's head
ENCODINGS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}  # other than UTF-8


class Cell(NamedTuple):
    """A cell of a CSV file: what it says, and where it stands in the text, quotes included."""

    value: str
    start: int
    end: int


class Worksheet:
    """A worksheet of Moodle's or Canvas', and the column in it that is filled.

    Args:
        path: of the file.
        column: the name of the column; None finds it.
        most: the points that can be had, which must be the column's own.

    Raises:
        ValueError: it is no such worksheet, or it is not clear what to fill.
    """

    def __init__(self, path: pathlib.Path, column: str | None, most: float) -> None:
        self.path = path
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ValueError(f"fill must be a file that can be read, but {path} is not: {error}") from error
        self.encoding = next((e for mark, e in ENCODINGS.items() if content.startswith(mark)), "utf-8")
        try:
            self.text = content.decode(self.encoding)
        except UnicodeDecodeError:
            self.encoding = "latin-1"  # any byte is a sign, and comes back as the same byte
            self.text = content.decode(self.encoding)
        self.separator, (head, *rows) = _cells(self.text, path)
        self.head = [cell.value for cell in head]
        self.rows = [row for row in rows if len(row) == len(head)]
        is_canvas = len(head) > 4 and [name.lower() for name in self.head[:2]] == ["student", "id"]
        self.platform = "Canvas" if is_canvas else "Moodle"
        self.column, self.maximum = (self._canvas if is_canvas else self._moodle)(column)
        if _number(self.maximum) != most:
            of = f"{self.head[self.column]!r} of {path} is out of {self.maximum}"
            raise ValueError(f"fill must be a worksheet out of {most:g}, which the notebooks give, but {of}")

    def _moodle(self, wanted):
        """The column of grades: left of that of the maximum, which is the same number in every row."""
        rows = self.rows
        if not rows or not all(PARTICIPANT.fullmatch(row[0].value) for row in rows):
            rule = "fill must be Moodle's grading worksheet or Canvas' gradebook, exported as CSV"
            raise ValueError(f"{rule}; {self.path} is neither")
        found = []
        for n in range(2, len(self.head)):
            maxima = {row[n].value for row in rows}
            grades = [row[n - 1].value.strip() for row in rows]
            same = len(maxima) == 1 and NUMBER.fullmatch(*maxima)
            if same and all(grade in ("", "-") or NUMBER.fullmatch(grade) for grade in grades):
                found.append(n - 1)
        column = self._chosen(found, wanted, "a column of grades beside one of their maximum")
        self.students = rows
        return column, rows[0][column + 1].value

    def _canvas(self, wanted):
        """The column of an assignment: above the students a row says how many points it has."""
        first = next((n for n, row in enumerate(self.rows) if row[1].value.strip().isdecimal()), None)
        if not first:
            raise ValueError(f"fill must have students below the points possible, but {self.path} has none")
        self.students, possible = self.rows[first:], self.rows[first - 1]
        found = [
            n
            for n, name in enumerate(self.head)
            if ASSIGNMENT.fullmatch(name) and NUMBER.fullmatch(possible[n].value.strip())
        ]
        empty = [n for n in found if not any(row[n].value.strip() for row in self.students)]
        if wanted is None and len(found) > 1 and len(empty) == 1:
            found = empty
        column = self._chosen(found, wanted, "a column of an assignment that can be changed")
        return column, possible[column].value.strip()

    def _chosen(self, found, wanted, what):
        names = {n: {self.head[n], ASSIGNMENT.sub(r"\1", self.head[n]), self.head[n].strip()} for n in found}
        if wanted is not None:
            chosen = [n for n in found if wanted in names[n]]
            rule = "fill_column must name one of them"
        else:
            chosen, rule = found, f"fill must have {what}"
        if len(chosen) != 1:
            there = ", ".join(repr(self.head[n]) for n in found) or "none"
            way = "" if wanted is not None or len(found) < 2 else "; --fill-column says which"
            raise ValueError(f"{rule}, but {self.path} has {there}{way}")
        return chosen[0]

    def fill(self, out: pathlib.Path, points: Mapping[str, float | None], origins: Origins) -> list[str]:
        """Write the worksheet with everyone's points in it.

        Args:
            out: the file to write.
            points: of each student; None for who still waits for some: their cells stay as they are.
            origins: what the platform calls each of them.

        Returns:
            A line for each student whose points are not in it.
        """
        people = [_Person(row, self.platform, self.column) for row in self.students]
        said, found = [], {}
        for student in points:
            rows, why = _rows_of(student, origins(student), people, self.platform)
            if len(rows) == 1:
                found[student] = rows[0]
            else:
                said.append(f"not in {out.name}: {student}: {why}")
        often, filled = Counter(found.values()), {}
        for student, n in found.items():
            given = points[student]
            if often[n] > 1:
                said.append(f"not in {out.name}: {student}: several submissions are those of one line")
            elif given is None:
                said.append(f"not in {out.name}: {student}: has answers in words that wait for points")
            else:
                filled[self.students[n][self.column]] = self._written(given)
        with whole_file(out) as unfinished:
            unfinished.write_bytes(self._with(filled).encode(self.encoding))
        return sorted(said)

    def _written(self, points):
        """A number in the worksheet's own style, with all its digits."""
        _, comma, digits = self.maximum.partition("," if "," in self.maximum else ".")
        text = f"{points:.{len(digits)}f}"
        if float(text) != points:
            text = f"{points:.5f}".rstrip("0")
        return text.replace(".", comma or ".")

    def _with(self, filled):
        parts, end = [], 0
        for cell, value in sorted(filled.items(), key=lambda item: item[0].start):
            quoted = self.text[cell.start : cell.end].startswith('"') or self.separator in value
            parts += [self.text[end : cell.start], f'"{value}"' if quoted else value]
            end = cell.end
        return "".join([*parts, self.text[end:]])


class _Person:
    """A line of a worksheet: the number and the names by which somebody is known there."""

    def __init__(self, row: Sequence[Cell], platform: str, column: int) -> None:
        values = [cell.value.strip() for cell in row]
        self.id = values[1] if platform == "Canvas" else PARTICIPANT.fullmatch(values[0])[2]
        known = [values[0], *values[2:column]] if platform == "Canvas" else values[1:column]
        last, comma, first = values[0].partition(", ")
        known += [f"{first} {last}"] if comma else []
        known += [value.partition("@")[0] for value in known if "@" in value]  # the login of an address
        self.known = {_plain(value) for value in known} - {""}
        self.name = values[0] if platform == "Canvas" else values[1]
        self.number = values[0]  # Moodle's, which is a name where marking is blind

    def may_be(self, name: str) -> bool:
        """Whether a name in an export is theirs; Moodle puts the name of a group before it."""
        plain, known = _plain(name), {*self.known, _plain(self.number)}
        return not plain or any(plain.endswith(each) for each in known if each and not each.isdecimal())


def _rows_of(student, origin: Origin, people, platform):
    """Which lines are a student's, and why it is not one."""
    if origin.platform == platform and origin.id:
        rows = [n for n, person in enumerate(people) if person.id == origin.id]
        if rows:
            person = people[rows[0]]
            if not person.may_be(origin.name):
                return [], f"the worksheet has another name at {origin.id}: {person.name}"
            return rows, "the worksheet has the number several times"
    names = {_plain(name) for name in (student, origin.name, origin.email, origin.sid)} - {""}
    rows = [n for n, person in enumerate(people) if names & person.known]
    return rows, "several lines could be theirs" if rows else "the worksheet has no line of theirs"


def _plain(name):
    """A name without anything that two systems might write differently."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", name).casefold()))


def _number(text):
    return float(text.replace(",", "."))


def _cells(text, path):
    """The separator of a CSV file and its rows, as cells with their places; empty rows are left out."""
    start = len("\ufeff") if text.startswith("\ufeff") else 0
    line = re.match(r"[^\r\n]*", text[start:])[0]
    separator = max(SEPARATORS, key=line.count)
    cell = re.compile(rf'("(?:[^"]|"")*"|[^{separator}\r\n]*)({separator}|\r\n|\r|\n|$)')
    rows, row, place = [], [], start
    while place < len(text):
        found = cell.match(text, place)
        if found is None:
            raise ValueError(f"fill must be a CSV file, but {path} is none at sign {place}")
        value = found[1]
        if value.startswith('"'):
            value = value[1:-1].replace('""', '"')
        row.append(Cell(value, found.start(1), found.end(1)))
        place = found.end()
        if found[2] != separator:
            rows.append(row)
            row = []
    if row:  # the file ends behind a separator
        rows.append([*row, Cell("", place, place)])
    if [[c.value for c in r] for r in rows] != _as_csv_reads(text[start:], separator):
        raise ValueError(f"fill must be a CSV file, but {path} is none that can be read")
    rows = [r for r in rows if any(c.value for c in r)]
    if not rows:
        raise ValueError(f"fill must be a CSV file with rows, but {path} has none")
    return separator, rows


def _as_csv_reads(text, separator):
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error:  # what Python 3.10 says to a NUL
        return None
    return [row or [""] for row in rows]
