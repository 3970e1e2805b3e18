"""What an exercise is, and how an answer to it is judged: type, then shape, then values, on random inputs.

An exercise is asked in three steps that need not happen in one process: `cases` draws inputs, `ask` hands
them to an answer and brings back plain arrays, `judge` compares those with the reference and finds the hint.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from seq2seq_lab.exercises import asking
from seq2seq_lab.exercises.asking import Inputs, Nothing, Raised, WrongType, kind

SHOWN = 60  # numbers of an input that a message spells out
UNKNOWN = "unknown"


class Mistake:
    """Something that people really do: `ways` compute what comes of it, the hint says where to look."""

    def __init__(self, label: str, hint: str, *ways: Callable[..., Any]) -> None:
        self.label, self.hint, self.ways = label, hint, ways


class Finding(NamedTuple):
    """What was found wrong: a label for it, what is the matter in words, and a hint or nothing."""

    label: str
    message: str
    hint: str = ""


@dataclasses.dataclass(frozen=True)
class Exercise:
    """One thing to do that can be checked by running it.

    Args:
        name: what `check` calls it; the notebook's cells are named after it.
        task: what is to be done, in a few words.
        points: what a right answer earns.
        draw: from a generator and the number of the case to the inputs: names and values, as arguments stand.
        reference: a right answer.
        returns: names of what is returned, one or several.
        mistakes: the usual ones, the likeliest first; in the bug clinic the first is the bug.
        call: how an answer is called, where it takes more than the inputs as they are.
        fault: judges what was returned for some inputs, where many answers are right.
        symptom: in the bug clinic, the number that the bug moves, of an answer and a seed.
        measures: what that number is.
    """

    name: str
    task: str
    points: int
    draw: Callable[[np.random.Generator, int], Inputs]
    reference: Callable[..., Any]
    returns: tuple[str, ...]
    mistakes: tuple[Mistake, ...] = ()
    call: Callable[..., Any] = asking.directly
    fault: Callable[..., Finding | None] | None = None
    symptom: Callable[[Callable, int], float] | None = None
    measures: str = ""
    number_of_cases: int = 4

    def cases(self, seed: int = 0) -> list[Inputs]:
        """Random inputs, the small ones first; the same for the same seed."""
        rng = np.random.default_rng([seed, *self.name.encode()])
        return [self.draw(rng, i) for i in range(self.number_of_cases)]

    def ask(self, answer: Callable, inputs: Inputs) -> list[np.ndarray] | Raised:
        """What the answer returns for some inputs, as plain arrays; whatever it raises, this does not."""
        return asking.ask(answer, inputs, self.call, self.returns)

    def measure(self, answer: Callable, seed: int = 0) -> float:
        """The symptom of an answer, which gets copies: it may work in place."""

        def copied(value):
            return value.copy() if isinstance(value, np.ndarray) else value

        return self.symptom(lambda *inputs: answer(*map(copied, inputs)), seed)

    def expected(self, inputs: Inputs) -> list[np.ndarray]:
        """What the reference returns, as plain arrays."""
        return asking.plain(self.call(self.reference, *copy.deepcopy(list(inputs.values()))), self.returns)

    def judge(self, cases: list[Inputs], results: list[list[np.ndarray] | Raised]) -> Finding | None:
        """The first thing that is wrong with the results for these cases, or None if they are right."""
        pairs = list(zip(cases, results, strict=True))
        for first, (inputs, result) in enumerate(pairs):
            finding = self._judge_one(inputs, result)
            if finding is not None:
                label, hint = finding.label, finding.hint
                for mistake, way in ((m, way) for m in self.mistakes for way in m.ways):
                    made = [self._leads_to(way, *pair) for pair in pairs]
                    if all(made) and made[first] is not UNKNOWN:
                        label, hint = mistake.label, mistake.hint
                        break
                return Finding(label, f"{finding.message}\n\nIt was called with\n{spelled(inputs)}", hint)
        return None

    def _judge_one(self, inputs, result):
        if isinstance(result, Raised):
            if result.error == Nothing.__name__:
                return Finding("nothing", result.says)
            if result.error == WrongType.__name__:
                return Finding("type", result.says)
            return Finding("raises", f"it raised {result.error}: {result.says}")
        if self.fault is not None:
            texts = [name for name, a in zip(self.returns, result, strict=True) if a.dtype.kind == "U"]
            return Finding("type", f"`{texts[0]}` is text") if texts else self.fault(result, **inputs)
        for name, got, want in zip(self.returns, result, self.expected(inputs), strict=True):
            finding = difference(name, got, want)
            if finding is not None:
                return finding
        return None

    def _leads_to(self, way, inputs, result):
        """Whether this way leads to just this result; unknown where it leads to no numbers."""
        wrong = self.ask(way, inputs)
        if isinstance(wrong, Raised) and isinstance(result, Raised):
            return wrong.error == result.error
        if isinstance(wrong, Raised) or not all(a.dtype.kind == "U" or np.isfinite(a).all() for a in wrong):
            return UNKNOWN
        return not isinstance(result, Raised) and all(
            difference("", a, b) is None for a, b in zip(result, wrong, strict=True)
        )


def difference(name: str, got: np.ndarray, want: np.ndarray) -> Finding | None:
    """The first way in which two arrays differ: kind, shape, NaN, value; None if they do not."""
    texts = want.dtype.kind == "U"
    if (got.dtype.kind == "U") != texts:
        return Finding("type", f"`{name}` should be {'text' if texts else 'numbers'}, not {kind(got)}")
    if got.shape != want.shape:
        return Finding("shape", f"`{name}` should have shape {want.shape}, but has {got.shape}")
    if not texts and np.isnan(got).any():
        return Finding("nan", f"`{name}` is not a number (NaN) at {_place(np.isnan(got))}")
    same = got == want if texts else np.isclose(got, want, rtol=1e-4, atol=1e-5)
    if same.all():
        return None
    place = tuple(np.argwhere(~same)[0])
    where = f"`{name}`" + (f" at {_place(~same)}" if place else "")
    return Finding("value", f"{where} should be {_short(want[place])}, but is {_short(got[place])}")


def spelled(inputs: Inputs) -> str:
    """Inputs as text, a line each; large arrays by their shape alone."""
    return "\n".join(f"{name} = {_spelled(value)}" for name, value in inputs.items())


def _spelled(value):
    if isinstance(value, np.ndarray) and value.size > SHOWN:
        return f"random numbers of shape {value.shape}"
    if isinstance(value, np.ndarray):
        return np.array2string(value, precision=3, suppress_small=True, separator=", ").replace(
            "\n", "\n    "
        )
    if isinstance(value, list) and value and isinstance(value[0], np.ndarray):
        return f"[{', '.join(map(_spelled, value))}]"
    text = _rounded(value)
    return text if len(text) < 400 else f"{text[:400]} …"


def _rounded(value):
    """As `repr`, but numbers with five digits."""
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{k!r}: {_rounded(v)}' for k, v in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_rounded, value))}]"
    if type(value) is tuple and len(value) > 1:
        return f"({', '.join(map(_rounded, value))})"
    return repr(value)


def _place(where):
    return "[" + ", ".join(map(str, np.argwhere(where)[0])) + "]"


def _short(value):
    return repr(str(value)) if value.dtype.kind == "U" else f"{value:.5g}"
