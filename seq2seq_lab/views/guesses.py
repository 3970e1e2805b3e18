"""What a student guessed before looking, kept in this kernel.

`guess` keeps it, `reveal` puts it beside what it is, and a plot that is given its name draws it. Used
throughout notebook 1.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from seq2seq_lab.settings import AT_LEAST_ONE, Rule, require
from seq2seq_lab.views.figures import GREY
from seq2seq_lab.views.tables import Table

LONGEST = 60  # characters
NONE_YET, NO_GUESS = "none yet: replace the dots", "\N{EN DASH}"


def _number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _line(value: Any) -> bool:
    return (
        isinstance(value, str)
        and value.splitlines() == [value]
        and not value.isspace()
        and len(value) <= LONGEST
    )


LINE = f"a text of one line, 1 to {LONGEST} characters"
NAME = Rule(LINE, _line)
NAME_OR_NONE = Rule(f"the name of a guess, {LINE}, or None", lambda v: v is None or _line(v))
GUESS = Rule(
    f"a finite number, or {LINE}", lambda v: _line(v) or (_number(v) and abs(v) <= sys.float_info.max)
)
VALUE = Rule("a number or a text", lambda v: isinstance(v, str) or _number(v))
DECIMALS = Rule("a whole number of at least 0", lambda v: _number(v) and isinstance(v, Integral) and v >= 0)

_kept: dict[str, float | str] = {}  # by name


def guess(name: str | Mapping[str, Any], value: Any = None) -> Table:
    """Keep a guess, a number or a text, and show it; or several, as a mapping.

    `...` or None is no guess and forgets an earlier one.

    Raises:
        ValueError: a name is no text of one line, or its value neither a finite number nor such a text; the
            mapping is empty, or `value` is given as well.
    """
    guesses = {each: None if mine is ... else mine for each, mine in _by_name(name, value).items()}
    for each, mine in guesses.items():
        require("name", each, NAME)
        if mine is not None:
            require(_argument(name, each), mine, GUESS)
    rows = []
    for each, mine in guesses.items():
        if mine is None:
            _kept.pop(each, None)
        else:
            _kept[each] = np.asarray(mine).item()
        rows.append((each, _spelled(_kept[each]) if each in _kept else NONE_YET))
    return Table(("", "your guess"), rows)


def guessed(name: str) -> float | str | None:
    """What was guessed under this name; None where nothing was."""
    require("name", name, NAME)
    return _kept.get(name)


def reveal(name: str | Mapping[str, Any], value: Any = None, digits: int = 3) -> Table:
    """What was guessed beside what it is: for a name and its value, or for several as a mapping.

    Numbers are shown with `digits` decimals, whole ones and texts as they are.

    Raises:
        ValueError: a name is no text of one line, or its value neither a number nor a text; the mapping is
            empty, or `value` is given as well; `digits` is no whole number of at least 0.
    """
    values = _by_name(name, value)
    require("digits", digits, DECIMALS)
    rows = []
    for each, it_is in values.items():
        mine = guessed(each)
        it_is = np.asarray(it_is).item() if np.ndim(it_is) == 0 else it_is  # of a tensor as well
        require(_argument(name, each), it_is, VALUE)
        rows.append((each, NO_GUESS if mine is None else _spelled(mine, digits), _spelled(it_is, digits)))
    return Table(("", "you guessed", "it is"), rows)


def draw_guess(axes: Axes, name: str | None, vertical: bool = False) -> None:
    """A dashed line at the guess of this name: none where nothing was guessed, or a text."""
    value = None if name is None else guessed(name)
    if _number(value):
        draw = axes.axvline if vertical else axes.axhline
        draw(value, color=GREY, linestyle="--", label=f"your guess ({_spelled(value)})")


def _by_name(name, value):
    """One name with its value, or the names with theirs."""
    if not isinstance(name, Mapping):
        return {name: value}
    require("name", name, AT_LEAST_ONE)
    require("value", value, Rule("left out where names come with their values", lambda v: v is None))
    return name


def _argument(name, each):
    return f"name[{each!r}]" if isinstance(name, Mapping) else "value"


def _spelled(value, digits=None):
    if isinstance(value, str):
        return value
    if isinstance(value, Integral):
        return f"{value:,}"
    return f"{value}" if digits is None else f"{value:.{digits}f}"
