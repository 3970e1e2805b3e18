"""From the cells of a notebook to the function that a check is handed: run what the answer needs, no more.

What counts is what the notebook would end up with: the last definition of the answer above its check. Of the
other cells, those statements are run that make what the answer uses; an hour of training is not.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from seq2seq_lab.exercises.engine.slicing import Statement, needed, statements_of


class Cell(NamedTuple):
    """A code cell: its name and its text."""

    name: str
    source: str


class Found(NamedTuple):
    """What has become of an answer in its notebook; cells are given by their numbers, from 0."""

    answer: Any = None  # None where there is none
    fault: str = ""  # why not, or what went wrong in what it needs
    cell: int | None = None  # in which it is defined
    others: tuple[int, ...] = ()  # in which it is defined as well, above its check or below
    checked: str = ""  # what its check is handed instead, where somebody has changed that
    not_run: tuple[str, ...] = ()  # what is computed between the check before and its own, in short


def find_answer(cells: Sequence[Cell], exercise: str, function: str, names: dict[str, Any]) -> Found:
    """The answer to an exercise, after what it needs has been run.

    Args:
        cells: all code cells of the notebook, in order.
        exercise: its name.
        function: the name of the function that is asked for.
        names: the namespace in which to run them.
    """
    statements, unread = _read(cells)
    above, wanted = _check_of(exercise, function, cells, statements)
    target = wanted.id if isinstance(wanted, ast.Name) else ""
    if not any(target in s.binds for s in above):
        above = statements  # the notebook's cells stand in another order
    defined = {s.cell: s for s in above if target in s.binds}  # the last definition in each cell
    own = max([c for c in defined if not defined[c].is_stub] or defined, default=None)
    others = {s.cell for s in statements if target in s.binds} - {own}
    checked = "" if target == function else ast.unparse(wanted)
    found = Found(cell=own, others=tuple(sorted(others)), checked=checked)
    if target and own is None:
        return found._replace(fault=_why_none(exercise, target, cells, unread))
    if target:  # only stubs have that name behind the answer
        above = [s for s in above if s.cell <= own or target not in s.binds]
    whole = [s for s in above if s.cell == own]  # its own cell, as far as its definition
    whole = whole[: whole.index(defined[own]) + 1] if whole else []
    to_run = needed(above, {n.id for n in ast.walk(wanted) if isinstance(n, ast.Name)}, whole)
    fault = _run(to_run, own, names)
    try:
        answer = names.get(target) if target else eval(ast.unparse(wanted), names)
    except Exception as error:
        return found._replace(fault=fault or f"its check raised {_said_by(error)}")
    if not callable(answer):
        return found._replace(fault=fault or f"its cell defines no function {target or checked}")
    return found._replace(answer=answer, fault=fault, not_run=_not_run(above, own, to_run))


def _read(cells: Sequence[Cell]) -> tuple[list[Statement], dict[int, str]]:
    """The statements of all cells that can be read, and for the others why they cannot."""
    statements: list[Statement] = []
    unread = {}
    for number, cell in enumerate(cells):
        try:
            statements += statements_of(number, cell.source)
        except Exception as error:  # of the parser, or of what is too much for it
            unread[number] = f"its cell raised {_said_by(error)}"
    return statements, unread


def _check_of(exercise, function, cells, statements):
    """The statements above the check of an exercise, and what it is handed."""
    named = [number for number, cell in enumerate(cells) if cell.name == f"check-{exercise}"] or [len(cells)]
    calls = [i for i, s in enumerate(statements) if exercise in s.checks]
    calls = [i for i in calls if statements[i].cell == named[-1]] or calls
    if calls:
        return statements[: calls[-1]], statements[calls[-1]].checks[exercise]
    return [s for s in statements if s.cell < named[-1]], ast.Name(function, ast.Load())


def _why_none(exercise: str, target: str, cells: Sequence[Cell], unread: Mapping[int, str]) -> str:
    """Why no cell defines the answer: one that should cannot be read, or none does."""
    for number, fault in unread.items():
        cell = cells[number]
        if cell.name == f"answer-{exercise}" or re.search(rf"\bdef {target}\b", cell.source):
            return fault
    return f"its cell defines no function {target}"


def _not_run(above, own, to_run):
    """What was computed between the check before and this one, if the answer does not use it."""
    since = max((s.cell for s in above if s.checks), default=(own or 0) - 1)
    left = [s for s in above if s.cell > since and s not in to_run]
    return tuple(s.in_short for s in left if not (s.is_import or s.is_definition))


def _run(statements: Iterable[Statement], own: int | None, names: dict[str, Any]) -> str:
    """Run statements, each cell to its first error, as in a notebook; returns what went wrong, or nothing."""
    names |= {"get_ipython": Quiet, "display": Quiet().nothing}  # what magics call does nothing here
    failed: dict[int, str] = {}
    for statement in statements:
        if statement.cell not in failed:
            try:
                exec(statement.code, names)
            except (Exception, SystemExit) as error:
                where = "its cell" if statement.cell == own else f"above it, `{statement.in_short}`"
                failed[statement.cell] = f"{where} raised {_said_by(error)}"
    return failed.get(own, "") or next(iter(failed.values()), "")


class Quiet:
    """Stands for the shell behind a notebook, and does nothing."""

    def __getattr__(self, name: str) -> Any:
        return self.nothing

    def nothing(self, *args: Any, **kwargs: Any) -> None:
        """Take whatever there is."""


def _said_by(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300]
