"""The bug clinic of notebooks 2 and 3: attention that looks at padding, a decoder one step late.

The first mistake of each, labelled "bug", is the code that the notebook shows.
"""

from __future__ import annotations

import numpy as np

from seq2seq_lab.data import length_mask
from seq2seq_lab.exercises.asking import Writer
from seq2seq_lab.exercises.exercise import Exercise, Mistake
from seq2seq_lab.exercises.numbers import lengths, masked, normal, softmax
from seq2seq_lab.vocabulary import END_ID, TARGET_SYMBOLS


def _draw_scores(rng, case):
    B, S = 3 + case, 4 + case
    return {"scores": normal(rng, B, S), "lengths": rng.integers(2, S, B).astype(np.int32)}


def _weight_of_padding(weights_of, seed):
    rng = np.random.default_rng(seed)
    scores, n = normal(rng, 200, 20), lengths(rng, 200, 20)
    weights = np.asarray(weights_of(scores, n))
    return float((weights * ~length_mask(n, 20)).sum(1).mean())


LOOKS_AT_PADDING = Exercise(
    "bug-looks-at-padding",
    "clinic: attention that looks at padding",
    2,
    _draw_scores,
    lambda scores, lengths: softmax(masked(scores, lengths)),
    ("weights",),
    (
        Mistake(
            "bug",
            "the scores of padding become 0. What does the softmax make of a score of 0, beside one of -1?",
            lambda scores, lengths: softmax(masked(scores, lengths, 0)),
        ),
        Mistake(
            "zeroed-after",
            "padding gets 0 now, but the rows do not sum to 1 any more.",
            lambda scores, lengths: masked(softmax(scores), lengths, 0),
        ),
        Mistake("unmasked", "now padding is not masked at all.", lambda scores, lengths: softmax(scores)),
        Mistake(
            "turned-round",
            "this looks at padding and at nothing else.",
            lambda scores, lengths: softmax(np.where(length_mask(lengths, scores.shape[1]), -np.inf, scores)),
        ),
        Mistake(
            "one-less",
            "the last true place is masked as well.",
            lambda scores, lengths: softmax(masked(scores, lengths - 1)),
        ),
        Mistake(
            "one-more",
            "the first place of padding is not masked: places are counted from 0.",
            lambda scores, lengths: softmax(masked(scores, lengths + 1)),
        ),
    ),
    symptom=_weight_of_padding,
    measures="mean weight that a text gives to its padding",
)


# --- one step late


def _draw_writer(rng, case):
    """One that writes # before the end and goes on, so that stopping there shows."""
    H, steps = 4 + case, 6 + case
    while True:
        embeddings, W = 2 * normal(rng, TARGET_SYMBOLS, H), normal(rng, H, H)
        decoder, h = Writer(embeddings, W, normal(rng, H, TARGET_SYMBOLS)), np.tanh(normal(rng, H))
        said = _greedy(decoder, h, steps)
        if END_ID in said[:-1] and set(said[said.index(END_ID) :]) != {END_ID}:
            return {"decoder": decoder, "h": h, "steps": steps}


def _greedy(decoder, h, steps, start=(END_ID,), reads=lambda tokens: tokens[-1]):
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


def _share_written_right(write, seed):
    rng, same = np.random.default_rng(seed), []
    for _ in range(50):
        inputs = _draw_writer(rng, 2)
        said = np.asarray(write(*inputs.values())).ravel()
        same.append(np.mean(said == _greedy(*inputs.values())))
    return float(np.mean(same))


WRONG_STEP = Exercise(
    "bug-wrong-step",
    "clinic: a decoder that reads the arg-max of the wrong step",
    2,
    _draw_writer,
    _greedy,
    ("tokens",),
    (
        Mistake(
            "bug", "of which state are these the logits: of the one before or behind the step?", _state_before
        ),
        Mistake(
            "always-end",
            "now it reads # at each step, whatever it wrote.",
            lambda decoder, h, steps: _greedy(decoder, h, steps, reads=lambda tokens: END_ID),
        ),
        Mistake(
            "two-steps-ago",
            "it reads what it wrote two steps ago.",
            lambda decoder, h, steps: _greedy(decoder, h, steps, (END_ID, END_ID), lambda tokens: tokens[-2]),
        ),
        Mistake("same-state", "the state never moves on from the first.", _state_never_moves),
        Mistake(
            "starts-with-0",
            "the first symbol that a decoder reads is #, not 0.",
            lambda decoder, h, steps: _greedy(decoder, h, steps, start=(0,)),
        ),
    ),
    symptom=_share_written_right,
    measures="share of symbols that are the right ones, of 50 random decoders",
)
