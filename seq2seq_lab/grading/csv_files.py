"""CSV files for people: safe to open in a spreadsheet, and read as spreadsheets write them in any country."""

from __future__ import annotations

import contextlib
import csv
import pathlib
from collections.abc import Callable, Iterable, Iterator

from seq2seq_lab._internals.files import whole_file

ENCODING = "utf-8-sig"  # with the mark by which Excel knows UTF-8
SEPARATORS = ",;\t"  # Excel's choice depends on the country
FORMULA = "=", "+", "-", "@", "\t", "\r", "\n"  # what a spreadsheet may take for one


@contextlib.contextmanager
def csv_writer(path: pathlib.Path) -> Iterator[Callable[[Iterable[object]], None]]:
    """A function that writes a row of a file, which is there when all went well."""
    with whole_file(path) as unfinished, unfinished.open("w", encoding=ENCODING, newline="") as file:
        table = csv.writer(file)
        yield lambda row: table.writerow(map(_escaped, row))


def read_csv(path: pathlib.Path) -> tuple[set[str], list[dict[str, str]]]:
    """The names of the columns, and the rows.

    Raises:
        OSError, UnicodeDecodeError, csv.Error: it is no CSV file in UTF-8 that can be read.
        ValueError: a row has more fields than the first.
    """
    with path.open(encoding=ENCODING, newline="") as file:
        separator = max(SEPARATORS, key=file.readline().count)
        file.seek(0)
        table = csv.DictReader(file, delimiter=separator, restval="")
        head = table.fieldnames or ()
        columns, rows = set(head), list(table)
    for n, row in enumerate(rows, 2):
        if None in row and (separator == "," or any(row[None])):
            fields = f"row {n} has {len(head) + len(row[None])} fields, the first row has {len(head)}"
            comma = ": is 1,5 unquoted in a file separated by commas?" if separator == "," else ""
            raise ValueError(fields + comma)
    return columns, [{name: _unescaped(row[name]) for name in columns} for row in rows]


def _escaped(value):
    """A value that no spreadsheet takes for a formula."""
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def _unescaped(text):
    return text.strip().removeprefix("'")
