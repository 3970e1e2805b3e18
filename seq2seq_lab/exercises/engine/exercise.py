"""What an exercise is: a name, a task, points, random cases, a right answer and the usual wrong ones.

The catalogue is made of these. How answers are called stands in `asking`, how they are judged in `judging`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from seq2seq_lab.exercises.engine import asking
from seq2seq_lab.exercises.engine.asking import Inputs, Raised

Draw = Callable[[np.random.Generator], Inputs]


class Mistake:
    """Something that people really do: `ways` compute what comes of it, the hint says where to look.

    The label is for programs; people read the hint.
    """

    def __init__(self, label: str, hint: str, *ways: Callable[..., Any]) -> None:
        self.label, self.hint, self.ways = label, hint, ways


class Finding(NamedTuple):
    """What was found wrong: a label for programs, what is the matter in words, and a hint or nothing."""

    label: str
    message: str
    hint: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Exercise:
    """One thing to do that can be checked by running it.

    Args:
        name: what `check` calls it; the notebook's cells are named after it.
        task: what is to be done, in a few words.
        points: what a right answer earns.
        draws: the cases, by what is special about each, as in "a single row"; the usual ones first. Each
            draws inputs: names and values, as arguments stand.
        reference: a right answer, with the name and the arguments of the function that is asked for.
        returns: names of what is returned, one or several.
        mistakes: the usual ones, the likeliest first; in the bug clinic the first is the bug.
        call: how an answer is called, if not with the inputs as they are; stands in `catalogue.calls`.
        parts: of what is returned, by what a message calls them, if not just each by its name in `returns`.
        fault: judges what was returned for some inputs, where many answers are right; shapes first, for it
            may be anything.
        symptom: in the bug clinic, the number that the bug moves, of an answer and a seed.
        measures: what that number is.
    """

    name: str
    task: str
    points: int
    draws: Mapping[str, Draw]
    reference: Callable[..., Any]
    returns: tuple[str, ...]
    mistakes: tuple[Mistake, ...] = ()
    call: Callable[..., Any] = asking.directly
    parts: Callable[[list[np.ndarray]], dict[str, np.ndarray]] | None = None
    fault: Callable[..., Finding | None] | None = None
    symptom: Callable[[Callable, int], float] | None = None
    measures: str = ""

    @property
    def function(self) -> str:
        """The name of the function that is asked for."""
        return self.reference.__name__

    def cases(self, seed: int = 0) -> list[Inputs]:
        """The inputs of each case, in the order of `draws`; the same for the same seed."""
        rng = np.random.default_rng([seed, *self.name.encode()])
        return [draw(rng) for draw in self.draws.values()]

    def ask(self, answer: Callable, cases: Sequence[Inputs]) -> list[list[np.ndarray] | Raised]:
        """What the answer returns in these cases, as plain arrays; whatever it raises, this does not."""
        return asking.ask_all(answer, cases, self.call, self.returns)

    def expected(self, inputs: Inputs) -> list[np.ndarray]:
        """What the reference returns, as plain arrays."""
        return asking.plain(self.call(self.reference, *inputs.values()), self.returns)

    def named(self, result: list[np.ndarray]) -> dict[str, np.ndarray]:
        """What was returned, part by part, by what a message calls each."""
        return self.parts(result) if self.parts else dict(zip(self.returns, result, strict=True))

    def measure(self, answer: Callable, seed: int = 0) -> float:
        """The symptom of an answer, which gets copies: it may work in place."""

        def copied(value):
            return value.copy() if isinstance(value, np.ndarray) else value

        return self.symptom(lambda *inputs: answer(*map(copied, inputs)), seed)
