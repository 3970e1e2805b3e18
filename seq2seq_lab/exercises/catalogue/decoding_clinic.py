"""The bug clinic of notebook 3: a decoder that is one step late."""

from __future__ import annotations

import numpy as np

from seq2seq_lab.exercises.catalogue import calls
from seq2seq_lab.exercises.catalogue.numbers import normal
from seq2seq_lab.exercises.engine.exercise import Exercise, Mistake
from seq2seq_lab.vocabulary import END_ID, TARGET_SYMBOLS


def _draw_writer(rng, H, steps, begins_with_end=None):
    """One that writes # before the end and goes on, so that stopping there shows."""
    while True:
        embeddings, W = 2 * normal(rng, TARGET_SYMBOLS, H), normal(rng, H, H)
        decoder, h = calls.Writer(embeddings, W, normal(rng, H, TARGET_SYMBOLS)), np.tanh(normal(rng, H))
        said = write(decoder, h, steps)
        goes_on = steps == 1 or (END_ID in said[:-1] and set(said[said.index(END_ID) :]) != {END_ID})
        if goes_on and begins_with_end in (None, said[0] == END_ID):
            return {"decoder": decoder, "h": h, "steps": steps}


def write(decoder, h, steps, start=(END_ID,), reads=lambda tokens: tokens[-1]):
    tokens = [*start]
    for _ in range(steps):
        h = decoder.step(reads(tokens), h)
        tokens.append(int(decoder.logits(h).argmax()))
    return tokens[len(start) :]


def _state_before(decoder, h, steps):
    token, said = END_ID, []
    for _ in range(steps):
        following = decoder.step(token, h)
        token = int(decoder.logits(h).argmax())
        h = following
        said.append(token)
    return said


def _state_never_moves(decoder, h, steps):
    token, said = END_ID, []
    for _ in range(steps):
        token = int(decoder.logits(decoder.step(token, h)).argmax())
        said.append(token)
    return said


def _share_written_right(answer, seed):
    rng, same = np.random.default_rng(seed), []
    for _ in range(50):
        inputs = _draw_writer(rng, 6, 8)
        said = np.asarray(answer(*inputs.values())).ravel()
        same.append(np.mean(said == write(*inputs.values())))
    return float(np.mean(same))


WRONG_STEP = Exercise(
    name="bug-wrong-step",
    task="clinic: a decoder that reads the arg-max of the wrong step",
    points=2,
    draws={
        "six steps": lambda rng: _draw_writer(rng, 4, 6, False),
        "seven steps": lambda rng: _draw_writer(rng, 5, 7, False),
        "nine steps": lambda rng: _draw_writer(rng, 7, 9, False),
        "a single step": lambda rng: _draw_writer(rng, 4, 1, False),
        "as many steps as units": lambda rng: _draw_writer(rng, 8, 8, False),
        "a decoder that writes # at once": lambda rng: _draw_writer(rng, 5, 7, True),
    },
    reference=write,
    returns=("tokens",),
    mistakes=(
        Mistake(
            "bug", "of which state are these the logits: of the one before or behind the step?", _state_before
        ),
        Mistake(
            "always-end",
            "now it reads # at each step, whatever it wrote.",
            lambda decoder, h, steps: write(decoder, h, steps, reads=lambda tokens: END_ID),
        ),
        Mistake(
            "two-steps-ago",
            "it reads what it wrote two steps ago.",
            lambda decoder, h, steps: write(decoder, h, steps, (END_ID, END_ID), lambda tokens: tokens[-2]),
        ),
        Mistake("same-state", "the state never moves on from the first.", _state_never_moves),
        Mistake(
            "starts-with-0",
            "the first symbol that a decoder reads is #, not 0.",
            lambda decoder, h, steps: write(decoder, h, steps, start=(0,)),
        ),
    ),
    symptom=_share_written_right,
    measures="share of symbols that are the right ones, of 50 random decoders",
)
