"""The exercises of notebook 2 on longer texts: exact match by length, the fewest looks that help."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from seq2seq_lab.data import get_batch
from seq2seq_lab.exercises.catalogue import calls
from seq2seq_lab.exercises.engine.exercise import Exercise, Mistake

# --- twenty digits: exact match by length


def _draw_translations(rng, *digits):
    """So many digits. Of the first length nothing is right; of the others, some."""
    said, wanted = [], []
    for more, n in enumerate(digits):
        for i, text in enumerate(map(str, get_batch(3 + more, n, n, rng).text_targets_out)):
            right = more and (i == 0 or (i > 1 and rng.random() < 0.5))
            wanted.append(text)
            said.append(text if right else _spoiled(text, rng.integers(4)))
    order = rng.permutation(len(said))
    return {"said": [said[i] for i in order], "wanted": [wanted[i] for i in order]}


def _texts(*pairs):
    """Draws just these: pairs of what was said and what was wanted."""
    return lambda rng: {"said": [s for s, _ in pairs], "wanted": [w for _, w in pairs]}


def _spoiled(text, how):
    """A digit too many, one too few, the last one another, or no end."""
    digits = text[:-1]
    another = digits[:-1] + str((int(digits[-1]) + 1) % 10) + "#"
    return (digits + "7#", digits[:-1] + "#", another, digits + "4")[how]


def exact_by_length(said, wanted, length=lambda s, w: len(w) - 1, share=lambda s, w: s == w, reduce=np.mean):
    groups = {}
    for s, w in zip(said, wanted, strict=True):
        groups.setdefault(length(s, w), []).append(share(s, w))
    return {n: reduce(group) for n, group in groups.items()}


def _by_key(result):
    """What stands in the dictionary under each key."""
    keys, values = result
    if keys.ndim != 1 or values.shape[:1] != keys.shape:
        raise ValueError("no dictionary")
    keys = map(repr, keys.tolist()) if keys.dtype.kind == "U" else (f"{key:.12g}" for key in keys)
    return dict(zip((f"exact_match[{key}]" for key in keys), values, strict=True))


def _places_right(s, w):
    return np.mean([a == b for a, b in zip(s.ljust(len(w)), w, strict=False)])


BY_LENGTH = Exercise(
    name="exact-by-length",
    task="exact match by number of digits",
    points=2,
    draws={
        "two lengths": lambda rng: _draw_translations(rng, 1, 3),
        "three lengths": lambda rng: _draw_translations(rng, 2, 5, 3),
        "nine, ten and eleven digits": lambda rng: _draw_translations(rng, 9, 10, 11),
        "leading zeros": _texts(("7#", "007#"), ("01#", "01#"), ("10#", "010#"), ("0#", "00#")),
        "no # at the end": _texts(("12", "12#"), ("345#", "345#"), ("67#", "67#"), ("89", "89#")),
        "the same text twice": _texts(("12#", "12#"), ("21#", "12#"), ("12#", "12#"), ("345#", "345#")),
        "all that was said alike": _texts(("12#", "12#"), ("12#", "34#"), ("12#", "345#")),
        "nothing said but #": _texts(("#", "12#"), ("#", "3#"), ("4#", "4#")),
        "a single text": _texts(("125#", "125#")),
        "nothing right": _texts(("1#", "2#"), ("21#", "12#")),
    },
    reference=exact_by_length,
    returns=("numbers_of_digits", "exact_match"),
    mistakes=(
        Mistake(
            "counts-the-end",
            "the # is no digit.",
            lambda said, wanted: exact_by_length(said, wanted, lambda s, w: len(w)),
        ),
        Mistake(
            "length-of-said",
            "sorted by the length of what was said; a text has as many digits as were wanted.",
            lambda said, wanted: exact_by_length(said, wanted, lambda s, w: len(s) - 1),
            lambda said, wanted: exact_by_length(said, wanted, lambda s, w: len(s.rstrip("#"))),
        ),
        Mistake(
            "tokens",
            "this is the share of right symbols; exact match asks for whole answers.",
            lambda said, wanted: exact_by_length(said, wanted, share=_places_right),
        ),
        Mistake(
            "counts",
            "shares are wanted, not counts.",
            lambda said, wanted: exact_by_length(said, wanted, reduce=sum),
        ),
        Mistake(
            "same-length",
            "an answer of the right length need not be right.",
            lambda said, wanted: exact_by_length(said, wanted, share=lambda s, w: len(s) == len(w)),
        ),
        Mistake(
            "all-together",
            "divided by the number of all texts; each length has its own.",
            lambda said, wanted: exact_by_length(said, wanted, reduce=lambda group: sum(group) / len(wanted)),
        ),
    ),
    call=calls.by_length,
    parts=_by_key,
)


# --- the fewest looks that make a text come out right


def _draw_looks(rng, n, *needs):
    """A model whose mistakes are mended by looks.

    Each need is the step of a mistake, and lists of steps: looks at all steps of one of these mend it.
    """
    wanted = "".join(map(str, rng.integers(10, size=n))) + "#"
    instead = "".join(str((int(d) + rng.integers(1, 10)) % 10) for d in wanted[:-1])
    return {"write": calls.Led(wanted, instead, {step: ways for step, *ways in needs}), "wanted": wanted}


def _random_looks(rng, mistakes, most):
    n = 6
    where = rng.choice(n, mistakes, replace=False)
    needs = [(int(t), sorted(map(int, rng.choice(t + 1, min(most, t + 1), replace=False)))) for t in where]
    return _draw_looks(rng, n, *needs)


def fewest_looks(write, wanted):
    steps = range(len(wanted))
    for n in range(len(wanted) + 1):
        for looks in combinations(steps, n):
            if write(list(looks)) == wanted:
                return list(looks)


def _wrong_at(write, wanted, looks=()):
    said = write(list(looks)).ljust(len(wanted))
    return [t for t in range(len(wanted)) if said[t] != wanted[t]]


def _one_more_each_time(write, wanted):
    """Look at each step that is still wrong when its turn comes."""
    looks = []
    for t in range(len(wanted)):
        if t in _wrong_at(write, wanted, looks):
            looks.append(t)
    return looks


def _left_out_one_by_one(write, wanted, order=1):
    """All steps, without those that are not needed beside the others."""
    looks = list(range(len(wanted)))
    for t in looks[::order]:
        fewer = [step for step in looks if step != t]
        if write(fewer) == wanted:
            looks = fewer
    return looks


FEWEST_LOOKS = Exercise(
    name="fewest-looks",
    task="the fewest looks that make a text come out right",
    points=2,
    draws={
        "one look, at a step that is wrong": lambda rng: _draw_looks(rng, 4, (2, [2])),
        "two looks": lambda rng: _draw_looks(rng, 6, (3, [3]), (5, [5])),
        "a look that mends several mistakes": lambda rng: _draw_looks(rng, 6, (2, [2]), (3, [2]), (5, [2])),
        "a look at a step that is right itself": lambda rng: _draw_looks(rng, 5, (4, [1])),
        "a mistake that needs two looks": lambda rng: _draw_looks(rng, 6, (5, [3, 5])),
        "three looks": lambda rng: _draw_looks(rng, 6, (3, [1, 3]), (5, [4])),
        "nothing wrong": lambda rng: _draw_looks(rng, 5),
        "the first step": lambda rng: _draw_looks(rng, 3, (0, [0])),
        "the last step": lambda rng: _draw_looks(rng, 4, (3, [3])),
        "one look in the place of two": lambda rng: _draw_looks(rng, 5, (2, [1], [2]), (4, [1], [4])),
        "a later look in the place of two": lambda rng: _draw_looks(rng, 5, (3, [0], [3]), (4, [1], [3])),
        "any looks": lambda rng: _random_looks(rng, 2, 2),
        "a single digit": lambda rng: _draw_looks(rng, 1, (0, [0])),
    },
    reference=fewest_looks,
    returns=("steps",),
    call=calls.for_looks,
    mistakes=(
        Mistake(
            "all-that-are-wrong",
            "these are the steps that are wrong without help. One look can mend several mistakes.",
            _wrong_at,
        ),
        Mistake(
            "one-after-the-other",
            "a look at the first mistake, then at the next: what if another step is the one to look at?",
            _one_more_each_time,
        ),
        Mistake(
            "all-steps",
            "it does come out right, but it is made to look at every step. Fewer may do.",
            lambda write, wanted: list(range(len(wanted))),
            lambda write, wanted: list(range(len(wanted) - 1)),
        ),
        Mistake(
            "left-out-one-by-one",
            "none of these can be left out, and yet a shorter list does it: try all lists of one step first.",
            _left_out_one_by_one,
            lambda write, wanted: _left_out_one_by_one(write, wanted, order=-1),
        ),
        Mistake(
            "only-single-looks",
            "one look is not always enough: try pairs next, then three.",
            lambda write, wanted: next(
                (
                    list(c)
                    for n in (0, 1)
                    for c in combinations(range(len(wanted)), n)
                    if write(list(c)) == wanted
                ),
                [],
            ),
        ),
        Mistake(
            "never-none",
            "where nothing is wrong, no look is needed: the list is empty.",
            lambda write, wanted: fewest_looks(write, wanted) or [0],
        ),
        Mistake(
            "counts-from-1",
            "steps are counted from 0.",
            lambda write, wanted: [step + 1 for step in fewest_looks(write, wanted)],
        ),
        Mistake(
            "how-many",
            "which steps are wanted, not how many.",
            lambda write, wanted: len(fewest_looks(write, wanted)),
        ),
    ),
)
