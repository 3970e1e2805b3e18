"""The exercises of notebook 4: the edit distance, a schedule of sampling."""

from __future__ import annotations

import numpy as np

from seq2seq_lab.exercises.catalogue import calls
from seq2seq_lab.exercises.engine.exercise import Exercise, Finding, Mistake

# --- the edit distance


def _draw_digits(rng, *lengths):
    """Texts of so many digits, few of them different, so that some are found again elsewhere."""
    return dict(zip("ab", ("".join(rng.choice(list("012"), n)) for n in lengths), strict=True))


def _draw_shifted(rng, left_out=0):
    """The same digits, one of them left out near the beginning and another added at the end."""
    digits = "".join(rng.permutation(list("0123456789")))
    return {"a": digits[:left_out] + digits[left_out + 1 :] + digits[left_out], "b": digits}


def _draw_swapped(rng):
    """Two neighbours in each other's place, which costs two edits."""
    digits = "".join(rng.permutation(list("012345")))
    return {"a": digits[0] + digits[2] + digits[1] + digits[3:], "b": digits}


def edit_distance(a, b, substitution=1, insertion=1, deletion=1, same=0):
    row = [insertion * j for j in range(len(b) + 1)]
    for i, x in enumerate(a, 1):
        above, row = row, [deletion * i]
        for j, y in enumerate(b, 1):
            kept = above[j - 1] + (substitution if x != y else same)
            row.append(min(kept, row[j - 1] + insertion, above[j] + deletion))
    return row[-1]


def _in_place(a, b):
    """How many places differ, which a single digit left out makes all."""
    return sum(x != y for x, y in zip(a, b, strict=False)) + abs(len(a) - len(b))


def _no_border(a, b):
    """The table begins with zeros: what stands in front of the other text is free."""
    table = np.zeros((len(a) + 1, len(b) + 1), int)
    for i, j in np.ndindex(len(a), len(b)):
        above, left, kept = table[i, j + 1] + 1, table[i + 1, j] + 1, table[i, j] + (a[i] != b[j])
        table[i + 1, j + 1] = min(above, left, kept)
    return table[-1, -1]


def _swaps_are_one(a, b):
    table = np.add.outer(np.arange(len(a) + 1), np.arange(len(b) + 1))
    for i, j in np.ndindex(len(a), len(b)):
        ways = [table[i, j + 1] + 1, table[i + 1, j] + 1, table[i, j] + (a[i] != b[j])]
        if i and j and a[i - 1 : i + 1] == b[j - 1 : j + 1][::-1]:
            ways.append(table[i - 1, j - 1] + 1)
        table[i + 1, j + 1] = min(ways)
    return table[-1, -1]


def _one_row(a, b, corner):
    """The table is one list, repeated: what is written into a row stands in all of them."""
    row = [corner, *range(1, len(b) + 1)]
    for x in a:
        for j, y in enumerate(b, 1):
            row[j] = min(row[j - 1] + (x != y), row[j - 1] + 1, row[j] + 1)
    return row[-1]


EDIT_DISTANCE = Exercise(
    name="edit-distance",
    task="the edit distance of two texts",
    points=3,
    draws={
        "three digits and two": lambda rng: _draw_digits(rng, 3, 2),
        "one digit left out, another added at the end": _draw_shifted,
        "one digit left out in the middle": lambda rng: _draw_shifted(rng, 4),
        "two neighbours swapped": _draw_swapped,
        "two texts of different lengths": lambda rng: _draw_digits(rng, 4, 9),
        "the first one longer": lambda rng: _draw_digits(rng, 8, 5),
        "two texts of the same length": lambda rng: _draw_digits(rng, 7, 7),
        "ten digits each": lambda rng: _draw_digits(rng, 10, 10),
        "the same text twice": lambda rng: dict.fromkeys("ab", "".join(rng.choice(list("012"), 6))),
        "an empty text in front": lambda rng: _draw_digits(rng, 0, 4),
        "an empty text behind": lambda rng: _draw_digits(rng, 5, 0),
        "two empty texts": lambda rng: {"a": "", "b": ""},
        "different texts of one digit": lambda rng: {"a": "3", "b": "8"},
    },
    reference=edit_distance,
    returns=("distance",),
    mistakes=(
        Mistake(
            "in-place",
            "this compares place with place. One digit left out must not make all behind it wrong.",
            _in_place,
            lambda a, b: sum(x != y for x, y in zip(a, b, strict=False)),
        ),
        Mistake(
            "substitution-of-two",
            "replacing a symbol is one edit, not two.",
            lambda a, b: edit_distance(a, b, substitution=2),
        ),
        Mistake(
            "no-border",
            "to make n symbols out of none takes n edits: what do the first row and column hold?",
            _no_border,
        ),
        Mistake("swap", "two neighbours that change places take two edits.", _swaps_are_one),
        Mistake(
            "no-insertion",
            "a symbol may be missing as well as be too many.",
            lambda a, b: edit_distance(a, b, insertion=99),
            lambda a, b: edit_distance(a, b, deletion=99),
        ),
        Mistake(
            "equal",
            "this pays where two symbols agree, and replaces them for nothing where they differ.",
            lambda a, b: edit_distance(a, b, substitution=0, same=1),
        ),
        Mistake(
            "last-left-out",
            "the table has a row more than `a` has symbols: row i belongs to a[i-1]. Where does it end?",
            lambda a, b: edit_distance(a[:-1], b[:-1]),
            lambda a, b: edit_distance(a[:-1], b),
            lambda a, b: edit_distance(a, b[:-1]),
        ),
        Mistake(
            "one-row",
            "all rows of the table are the same list. [[0] * n for _ in range(m)] makes m lists.",
            lambda a, b: _one_row(a, b, 0),
            lambda a, b: _one_row(a, b, len(a)),
        ),
        Mistake(
            "share",
            "the number of edits is asked for, not their share.",
            lambda a, b: edit_distance(a, b) / max(len(a), len(b), 1),
        ),
    ),
)


# --- a schedule of sampling

PLANNED = 200_000  # samples
BEYOND = 250_000, 300_000, 500_000, 1_000_000, 2_000_000
SEEN = [int(n) for n in np.unique(np.geomspace(16, PLANNED, 40).astype(int) // 16 * 16)]
SEEN = [0, *SEEN, *BEYOND]


def _fault_of_schedule(result, samples):
    (p,) = result
    if p.shape != (len(samples),):
        return Finding("shape", f"it should return one number, but returns an array of shape {p.shape[1:]}")
    bad = ~((p >= 0) & (p <= 1))  # which NaN is
    if bad.any():
        i = int(np.argmax(bad))
        hint = "a probability lies between 0 and 1, however many samples have been seen."
        return Finding("out-of-range", f"schedule({samples[i]}) is {p[i]:.5g}", hint)
    asked = f"whenever it was asked, from {samples[0]} to {samples[-1]:,} samples"
    if not p.any():
        hint = "then the decoder never reads its own symbols: this is plain teacher forcing."
        return Finding("never", f"it is 0 {asked}", hint)
    if p.min() == 1:
        hint = "then the decoder never hears the truth, not even at the beginning."
        return Finding("always", f"it is 1 {asked}", hint)
    return None


def schedule(samples):
    return min(0.3, samples / 200_000)


SCHEDULE = Exercise(
    name="schedule",
    task="a schedule of sampling: always a probability, and not always the same extreme",
    points=1,
    draws={"no samples, as many as planned, and more": lambda rng: {"samples": SEEN}},
    reference=schedule,
    returns=("probabilities",),
    call=calls.for_each,
    fault=_fault_of_schedule,
)
