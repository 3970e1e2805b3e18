"""The exercises of notebook 4: a schedule of sampling."""

from __future__ import annotations

import numpy as np

from seq2seq_lab.exercises.catalogue import calls
from seq2seq_lab.exercises.engine.exercise import Exercise, Finding

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
