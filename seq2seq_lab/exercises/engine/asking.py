"""How answers are called and what they return, as plain arrays; no reference and no expected value.

Where a class is graded, this, `running` and `slicing` are all of the engine that stands beside the students'
code.
"""

from __future__ import annotations

import contextlib
import copy
import decimal
import inspect
import linecache
import numbers
import re
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

Inputs = Mapping[str, Any]
NUMBERS = numbers.Real, decimal.Decimal  # what NumPy keeps as an object, where it is none of its own


# What AutoGraph, which rewrites a `tf.function`, says of an error in it; a star marks the student's lines.
AUTOGRAPH = re.compile(
    r'in user code:.*File ".*", line (\d+), in \w+ +\*\n +(.*?)\n.*\n    \w+: (.*)', re.DOTALL
)


class Raised(NamedTuple):
    """What an answer came to when it returned nothing usable."""

    error: str  # its type
    says: str
    line: str = ""  # of the student's code: "line 3: return x[5]"


UNTOUCHED = Raised("NotImplementedError", "")  # what a stub raises


class Stopped(NamedTuple):
    """Why an answer was ended before it returned anything, as the sandbox for a class does."""

    reason: str


Results = list[list[np.ndarray] | Raised] | Stopped  # of one answer, a list or an error for each case


class Nothing(TypeError):
    """An answer returned None."""


class WrongType(TypeError):
    """An answer returned something that is no array, or not as many as wanted."""


def ask_all(
    answer: Callable, cases: Sequence[Inputs], call: Callable, returns: Sequence[str]
) -> list[list[np.ndarray] | Raised]:
    """What the answer returns in each case, up to the first in which it raises; see `ask`."""
    results = []
    for inputs in cases:
        results.append(ask(answer, inputs, call, returns))
        if isinstance(results[-1], Raised):
            break
    return results


def ask(
    answer: Callable, inputs: Inputs, call: Callable, returns: Sequence[str]
) -> list[np.ndarray] | Raised:
    """What the answer returns for some inputs, as plain arrays; whatever it raises, this does not.

    Args:
        answer: a student's function.
        inputs: names and values; the answer gets copies.
        call: how an answer is called.
        returns: names of what is returned, one or several.
    """
    try:
        return plain(call(answer, *copy.deepcopy(list(inputs.values()))), returns)
    except (Exception, SystemExit) as error:
        says, line = _text_of(error), _line_of(answer, error)
        inside = AUTOGRAPH.match(says)
        if inside:
            says, line = inside[3], f"line {inside[1]}: {inside[2]}"
        return Raised(type(error).__name__, " ".join(says.split())[:300], line)


def plain(returned: Any, returns: Sequence[str]) -> list[np.ndarray]:
    """Arrays of numbers or of strings, one for each name in `returns`.

    Raises:
        TypeError: it is something else.
    """
    if returned is None:
        raise Nothing("it returns nothing (None). Is there a `return`?")
    n, parts = len(returns), [returned]
    if n > 1:
        if not isinstance(returned, (tuple, list)) or len(returned) != n:
            what = f"{len(returned)} values" if isinstance(returned, (tuple, list)) else kind(returned)
            raise WrongType(f"it should return {n} values ({', '.join(returns)}), not {what}")
        parts = list(returned)
    return [as_array(part, name) for part, name in zip(parts, returns, strict=True)]


def as_array(value: Any, name: str) -> np.ndarray:
    """Numbers as float64, fractions and decimals too, or strings.

    Raises:
        TypeError: it is neither.
    """
    try:
        array = np.array(value)
        if array.dtype.kind == "O" and all(isinstance(v, NUMBERS) for v in array.flat):
            array = array.astype(np.float64)
    except Exception as error:  # whatever an odd object raises
        raise WrongType(f"`{name}` should be an array, but is {kind(value)}") from error
    if array.dtype.kind not in "biufU":
        raise WrongType(f"`{name}` should be an array, but is {kind(value)}")
    return array if array.dtype.kind == "U" else array.astype(np.float64)


def kind(value: Any) -> str:
    """What something is, in words, as in "an EagerTensor"."""
    if isinstance(value, np.ndarray):
        return {"U": "text", "O": "an array of objects"}.get(value.dtype.kind, "numbers")
    if isinstance(value, (list, tuple)) and value:
        odd = next((v for v in value if not isinstance(v, (int, float, np.generic, np.ndarray))), value[0])
        return f"{_with_article(value)} with {_with_article(odd)} in it"
    return _with_article(value)


def _with_article(value):
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def _text_of(error):
    try:
        return str(error)
    except Exception:  # an error of the student's own, whose text cannot be had
        return "…"


def _line_of(answer, error):
    """The last line of the notebook's that was run; nothing where there is none, or for a stub."""
    with contextlib.suppress(Exception):  # of an odd object of the student's own
        function = inspect.unwrap(answer)
        own = [
            (frame.f_code, number)
            for frame, number in traceback.walk_tb(error.__traceback__)
            if frame.f_globals is function.__globals__
        ]
        code, number = own[-1]
        is_stub = type(error) is NotImplementedError and not error.args and code is function.__code__
        text = linecache.getline(code.co_filename, number).strip()
        return "" if is_stub else f"line {number}: {text}"[:200].rstrip(": ")
    return ""


def directly(answer: Callable, *inputs: Any) -> Any:
    """Call an answer with its inputs."""
    return answer(*inputs)
