"""How answers are judged: type, then shape, then values, beside the reference, on random inputs.

There is one judge: `judge` makes the verdict in a notebook's kernel and where a class is graded.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seq2seq_lab.exercises.engine import asking
from seq2seq_lab.exercises.engine.asking import Inputs, Raised, Results, Stopped
from seq2seq_lab.exercises.engine.exercise import Exercise, Finding
from seq2seq_lab.exercises.engine.verdict import Verdict

SHOWN = 60  # numbers of an input that a message spells out
MISSING, EXTRA = "is missing", "should not be there"
NAN_HINT = "NaN is what 0 / 0 and inf - inf give; a softmax makes it of a row in which everything is masked."


def judge(
    exercise: Exercise, cases: Sequence[Inputs], results: Results, points: int | None = None
) -> Verdict:
    """The verdict on what an answer returned: "right", "wrong", "open" or "stopped".

    Args:
        exercise: what was to be done.
        cases: the inputs that the answer was called with.
        results: what came of it, up to the first error; see `asking.ask_all`.
        points: what a right answer earns, where an instructor has changed that.
    """
    out_of = exercise.points if points is None else points

    def verdict(state, label="", message="", hint=""):
        earned = out_of if state == "right" else 0
        return Verdict(exercise.name, state, earned, out_of, message, hint, label)

    if isinstance(results, Stopped):
        return verdict("stopped", "stopped", results.reason)
    raised = isinstance(results[-1], Raised)
    if raised and results[-1] == asking.UNTOUCHED:
        return verdict("open")
    if len(results) > len(cases) or (len(results) < len(cases) and not raised):
        return verdict("stopped", "stopped", "what came back was no answer")
    try:
        with np.errstate(all="ignore"):  # at its edges a mistake may divide by 0
            finding = _first_finding(exercise, list(zip(cases, results, strict=False)))
    except Exception as error:  # arrays that no function of NumPy's would return
        finding = Finding("value", f"what it returned cannot be judged ({type(error).__name__})")
    return verdict("right") if finding is None else verdict("wrong", *finding)


def _first_finding(exercise, pairs):
    """The first thing that is wrong in these pairs of inputs and result, with its hint, or None."""
    names = list(exercise.draws)
    for first, (inputs, result) in enumerate(pairs):
        finding = _judged_alone(exercise, inputs, result)
        if finding is not None:
            message = f"{finding.message}\n\nIt was called with {names[first]}:\n{spelled(inputs)}"
            mistake = _mistake_in(exercise, pairs, first)
            if mistake is not None:
                return Finding(mistake.label, message, mistake.hint)
            return Finding(finding.label, message, finding.hint)
    return None


def _judged_alone(exercise, inputs, result):
    if isinstance(result, Raised):
        label = {asking.Nothing.__name__: "nothing", asking.WrongType.__name__: "type"}.get(result.error)
        if label is not None:
            return Finding(label, result.says)
        where = f"\n\nin {result.line}" if result.line else ""
        return Finding("raises", f"it raised {result.error}: {result.says}{where}")
    if exercise.fault is not None:
        texts = [name for name, a in zip(exercise.returns, result, strict=True) if a.dtype.kind == "U"]
        return Finding("type", f"`{texts[0]}` is text") if texts else exercise.fault(result, **inputs)
    return _difference(exercise, result, exercise.expected(inputs))


def _mistake_in(exercise, pairs, first):
    """The likeliest mistake that leads to these results, to the first wrong one for certain; or None.

    All but one: who makes a usual mistake may be wrong at an edge in another way.
    """
    for mistake in exercise.mistakes:
        for way in mistake.ways:
            if _leads_to(exercise, way, *pairs[first]):
                against = [i for i, pair in enumerate(pairs) if _leads_to(exercise, way, *pair) is False]
                if not against or (len(against) == 1 and against[0] > first):
                    return mistake
    return None


def _leads_to(exercise, way, inputs, result):
    """Whether this way leads to just this result; None where one of them leads to no numbers.

    An error is no evidence, for or against: many mistakes end in the same one.
    """
    wrong = asking.ask(way, inputs, exercise.call, exercise.returns)
    if isinstance(result, Raised) or isinstance(wrong, Raised):
        return None
    if not all(a.dtype.kind == "U" or np.isfinite(a).all() for a in wrong):
        return None
    finding = _difference(exercise, result, wrong)
    return None if finding is not None and finding.label == "nan" else finding is None


def _difference(exercise, got, want):
    """The first part in which two results differ, or None. Nothing is computed from those of other shapes."""
    got, want = exercise.named(got), exercise.named(want)
    missing, extra = ([name for name in a if name not in b] for a, b in ((want, got), (got, want)))
    said = [f"`{name}` {what}" for names, what in ((missing, MISSING), (extra, EXTRA)) for name in names[:1]]
    if said:
        return Finding("shape", " and ".join(said))
    return next(filter(None, (difference(name, got[name], want[name]) for name in want)), None)


def difference(name: str, got: np.ndarray, want: np.ndarray) -> Finding | None:
    """The first way in which two arrays differ: kind, shape, NaN, value; None if they do not."""
    texts = want.dtype.kind == "U"
    if (got.dtype.kind == "U") != texts:
        return Finding("type", f"`{name}` should be {'text' if texts else 'numbers'}, not {asking.kind(got)}")
    if got.shape != want.shape:
        wanted = f"have shape {want.shape}" if want.shape else f"be one {'text' if texts else 'number'}"
        return Finding("shape", f"`{name}` should {wanted}, but has shape {got.shape}")
    if not texts and np.isnan(got).any():
        return Finding("nan", f"`{name}` is not a number (NaN) at {_place(np.isnan(got))}", NAN_HINT)
    same = got == want
    if not texts and not same.all():  # it takes far longer than ==
        same = np.isclose(got, want, rtol=1e-4, atol=1e-5)
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
