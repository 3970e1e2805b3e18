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
    check, wanted = _check_of(exercise, function, cells, statements)
    target = wanted.id if isinstance(wanted, ast.Name) else ""
    defined = {s.cell: s for s in statements if target in s.binds}  # the last definition in each cell
    if not any(cell < check for cell in defined):
        check = len(cells)  # the notebook's cells stand in another order
    answers = [cell for cell, definition in defined.items() if not definition.is_stub]
    above = [cell for cell in answers if cell < check] or [cell for cell in defined if cell < check]
    own = max(above, default=None)
    found = Found(
        cell=own,
        others=tuple(cell for cell in defined if cell != own),
        checked="" if target == function else ast.unparse(wanted),
    )
    if target and own is None:
        return found._replace(fault=_why_none(exercise, target, cells, unread))
    usable = [s for s in statements if s.cell < check]
    if target:  # only stubs have that name behind the answer
        usable = [s for s in usable if s.cell <= own or target not in s.binds]
    whole = [s for s in usable if s.cell == own and usable.index(s) <= usable.index(defined[own])]
    to_run = needed(usable, {n.id for n in ast.walk(wanted) if isinstance(n, ast.Name)}, whole)
    fault = _run(to_run, own, names)
    try:
        answer = names.get(target) if target else eval(ast.unparse(wanted), names)
    except Exception as error:
        return found._replace(fault=fault or f"its check raised {_said_by(error)}")
    if not callable(answer):
        return found._replace(fault=fault or f"its cell defines no function {target or found.checked}")
    since = max((s.cell for s in usable if s.checks), default=(own or 0) - 1)
    left = [s for s in usable if s.cell > since and s not in to_run]
    not_run = tuple(s.in_short for s in left if not (s.is_import or s.is_definition))
    return found._replace(answer=answer, fault=fault, not_run=not_run)


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
    """In which cell an exercise is checked, and what its check is handed."""
    calls = [(s.cell, s.checks[exercise]) for s in statements if exercise in s.checks]
    own = [n for n, cell in enumerate(cells) if cell.name == f"check-{exercise}"] or [len(cells)]
    in_own = [call for call in calls if call[0] == own[-1]]
    return (in_own or calls or [(own[-1], ast.Name(function, ast.Load()))])[-1]


def _why_none(exercise: str, target: str, cells: Sequence[Cell], unread: Mapping[int, str]) -> str:
    """Why no cell defines the answer: one that should cannot be read, or none does."""
    for number, fault in unread.items():
        cell = cells[number]
        if cell.name == f"answer-{exercise}" or re.search(rf"\bdef {target}\b", cell.source):
            return fault
    return f"its cell defines no function {target}"


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
