"""The exercises of notebook 1 on one step: of a plain recurrent network, and what a decoder reads next."""

from __future__ import annotations

import numpy as np

from seq2seq_lab.exercises.catalogue.numbers import normal, sigmoid, softmax
from seq2seq_lab.exercises.engine.exercise import Exercise, Mistake
from seq2seq_lab.vocabulary import END_ID, TARGET_SYMBOLS

# --- one step of a plain recurrent network


def _draw_rnn(rng, B, E, H):
    W = {"W": normal(rng, E, H), "U": normal(rng, H, H), "b": normal(rng, H)}
    return {"x": normal(rng, B, E), "h": np.tanh(normal(rng, B, H)), **W}


def _draw_first_step(rng):
    return {**_draw_rnn(rng, 3, 2, 4), "h": np.zeros((3, 4), np.float32)}


def _draw_saturated(rng):
    """Sums near 1000 and -1000, of which `exp` makes infinity and 0, in float64 as well."""
    return {**_draw_rnn(rng, 2, 3, 4), "b": np.float32([1000, -1000, 1000, -1000])}


def rnn_step(x, h, W, U, b):
    return np.tanh(x @ W + h @ U + b)


PLAIN_RNN = Exercise(
    name="plain-rnn",
    task="one step of a plain recurrent network",
    points=1,
    draws={
        # First: elsewhere NumPy refuses a transposed matrix, and an error says less than a hint.
        "sizes that are all alike": lambda rng: _draw_rnn(rng, 3, 3, 3),
        "E smaller than H": lambda rng: _draw_rnn(rng, 2, 3, 4),
        "E larger than H": lambda rng: _draw_rnn(rng, 5, 6, 4),
        "a single row": lambda rng: _draw_rnn(rng, 1, 3, 5),
        "a single unit": lambda rng: _draw_rnn(rng, 3, 1, 1),
        "a single number in each embedding": lambda rng: _draw_rnn(rng, 2, 1, 3),
        "a first state of 0": _draw_first_step,
        "sums so large that tanh is 1 or -1": _draw_saturated,
    },
    reference=rnn_step,
    returns=("state",),
    mistakes=(
        Mistake(
            "no-tanh",
            "look at the equation again: something stands around the sum.",
            lambda x, h, W, U, b: x @ W + h @ U + b,
        ),
        Mistake(
            "sigmoid",
            "these lie between 0 and 1, as those of a sigmoid do; a tanh is wanted.",
            lambda x, h, W, U, b: sigmoid(x @ W + h @ U + b),
        ),
        Mistake(
            "swapped",
            "which matrix does the input go through, and which the old state?",
            lambda x, h, W, U, b: rnn_step(x, h, U, W, b),
        ),
        Mistake(
            "transposed",
            "no matrix is transposed: x and h have a row for each sample, so they stand in front: `x @ W`.",
            lambda x, h, W, U, b: rnn_step(x, h, W.T, U.T, b),
            lambda x, h, W, U, b: rnn_step(x, h, W, U.T, b),
            lambda x, h, W, U, b: rnn_step(x, h, W.T, U, b),
            lambda x, h, W, U, b: np.tanh(W @ x + U @ h + b),
        ),
        Mistake(
            "element-wise",
            "`*` multiplies number by number; the product of matrices is `@`.",
            lambda x, h, W, U, b: np.tanh(x * W + h * U + b),
        ),
        Mistake(
            "state-forgotten",
            "the old state makes no difference here.",
            lambda x, h, W, U, b: np.tanh(x @ W + b),
        ),
        Mistake(
            "state-added",
            "the old state is multiplied by U before it is added.",
            lambda x, h, W, U, b: np.tanh(x @ W + h + b),
            lambda x, h, W, U, b: np.tanh(x @ W + b) + h,
        ),
        Mistake(
            "product-of-both",
            "what comes from the input and what comes from the old state are added, not multiplied.",
            lambda x, h, W, U, b: np.tanh((x @ W) * (h @ U) + b),
        ),
        Mistake(
            "bias-outside",
            "the bias stands inside the tanh.",
            lambda x, h, W, U, b: np.tanh(x @ W + h @ U) + b,
        ),
        Mistake(
            "no-bias", "the bias makes no difference here.", lambda x, h, W, U, b: rnn_step(x, h, W, U, 0)
        ),
        Mistake(
            "tanh-of-each",
            "there is one tanh, around the whole sum.",
            lambda x, h, W, U, b: np.tanh(x @ W) + np.tanh(h @ U) + b,
            lambda x, h, W, U, b: np.tanh(x @ W + b) + np.tanh(h @ U),
            lambda x, h, W, U, b: np.tanh(x @ W) + np.tanh(h @ U + b),
        ),
    ),
)


# --- what the decoder reads next


def _draw_said(rng, B, truth, best=None, highest=None):
    """Logits with a clear best, none above `highest`. `truth`: None, 0, what was "said", or "other"s."""
    logits = 2 * normal(rng, B, TARGET_SYMBOLS)
    said = rng.integers(1, TARGET_SYMBOLS, B) if best is None else np.full(B, best)
    logits[np.arange(B), said] = logits.max(1) + rng.uniform(0.2, 1, B)
    if highest is not None:
        logits += highest - logits.max()
    other = (said - 1 + rng.integers(1, END_ID, B)) % END_ID + 1  # never 0, which has a case of its own
    true = {None: None, 0: np.zeros(B), "said": said, "other": other}[truth]
    return {"logits": logits, "truth": None if true is None else true.astype(np.int32)}


def next_token(logits, truth):
    return np.argmax(logits, 1) if truth is None else truth


def _zero_ignored(logits, truth):
    said = logits.argmax(1)
    return said if truth is None else np.where(truth == 0, said, truth)


def _free(logits, truth, choose):
    """Teacher forcing as it should be, and free-running another way."""
    return choose(logits) if truth is None else truth


NEXT_TOKEN = Exercise(
    name="next-token",
    task="what the decoder reads next: teacher forcing and free-running",
    points=2,
    draws={
        "teacher forcing": lambda rng: _draw_said(rng, 3, "other"),
        "free-running": lambda rng: _draw_said(rng, 5, None),
        "teacher forcing, one text": lambda rng: _draw_said(rng, 1, "other"),
        "free-running, one text": lambda rng: _draw_said(rng, 1, None),
        "a truth that is the digit 0": lambda rng: _draw_said(rng, 4, 0),
        "a truth that the decoder has said": lambda rng: _draw_said(rng, 4, "said"),
        "the likeliest symbol is #": lambda rng: _draw_said(rng, 4, None, END_ID),
        "the likeliest symbol is the digit 0": lambda rng: _draw_said(rng, 4, None, 0),
        "logits that are all negative": lambda rng: _draw_said(rng, 4, None, highest=-1),
        "as many texts as symbols": lambda rng: _draw_said(rng, TARGET_SYMBOLS, None),
    },
    reference=next_token,
    returns=("token",),
    mistakes=(
        Mistake(
            "never-forced",
            "where there is a truth, it is read, whatever the decoder has said.",
            lambda logits, truth: logits.argmax(1),
        ),
        Mistake(
            "zero-ignored",
            "the digit 0 is a true symbol like any other: ask whether `truth is None`.",
            _zero_ignored,
            lambda logits, truth: truth if np.any(truth) else logits.argmax(1),
        ),
        Mistake(
            "largest-logit",
            "this is how large the largest logit is; wanted is which symbol it belongs to.",
            lambda logits, truth: _free(logits, truth, lambda a: a.max(1)),
        ),
        Mistake(
            "least-likely",
            "this is the least likely symbol.",
            lambda logits, truth: _free(logits, truth, lambda a: a.argmin(1)),
        ),
        Mistake(
            "wrong-axis",
            "one symbol for each text: which axis of the logits is that of the symbols?",
            lambda logits, truth: _free(logits, truth, lambda a: a.argmax(0)),
            lambda logits, truth: _free(logits, truth, lambda a: a.argmax()),
        ),
        Mistake(
            "every-symbol",
            "this says something of every symbol; wanted is the number of one for each text.",
            lambda logits, truth: _free(logits, truth, softmax),
            lambda logits, truth: _free(logits, truth, lambda a: np.eye(a.shape[1])[a.argmax(1)]),
            lambda logits, truth: _free(logits, truth, lambda a: a),
        ),
        Mistake(
            "no-end",
            "the decoder may say # as well, which is the last of the symbols.",
            lambda logits, truth: _free(logits, truth, lambda a: a[:, :-1].argmax(1)),
        ),
    ),
)
