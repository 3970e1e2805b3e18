"""Further exercises of notebook 3: what an answer is worth, the nucleus, a vote over draws."""

from __future__ import annotations

from collections import Counter

import numpy as np

from seq2seq_lab.contracts import Hypothesis
from seq2seq_lab.data import length_mask
from seq2seq_lab.exercises.catalogue.numbers import batches, softmax
from seq2seq_lab.exercises.engine.exercise import Exercise, Mistake
from seq2seq_lab.vocabulary import TARGET_SYMBOLS

# --- what given answers are worth


def _draw_answers(rng, lengths, T):
    """Padded as batches are, with 0; what is said there is unlike a 0, so that it shows when it counts."""
    logits = rng.normal(0, 1.5, (len(lengths), T, TARGET_SYMBOLS))
    log_p = np.log(softmax(logits)).astype(np.float32)
    mask = length_mask(lengths, T).astype(np.float32)
    targets = rng.integers(0, TARGET_SYMBOLS, mask.shape) * (mask == 1)
    return {"log_p": log_p, "targets": targets.astype(np.int32), "mask": mask}


def _of_targets(log_p, targets):
    return np.take_along_axis(log_p, targets[..., None], -1)[..., 0]  # (B, T)


def answer_log_p(log_p, targets, mask):
    return (_of_targets(log_p, targets) * mask).sum(1)


LOG_PROBABILITY = Exercise(
    name="log-probability",
    task="the log-probability of given answers",
    points=2,
    draws=batches(_draw_answers),
    reference=answer_log_p,
    returns=("log_probabilities",),
    mistakes=(
        Mistake(
            "padding",
            "padding counts as well: a longer rectangle, and every answer is worth less.",
            lambda log_p, targets, mask: _of_targets(log_p, targets).sum(1),
        ),
        Mistake(
            "mean",
            "this is the mean over the symbols; an answer is worth the sum.",
            lambda log_p, targets, mask: answer_log_p(log_p, targets, mask) / mask.sum(1),
            lambda log_p, targets, mask: (_of_targets(log_p, targets) * mask).mean(1),
        ),
        Mistake(
            "best",
            "this is what the likeliest symbols are worth; the given ones were asked for.",
            lambda log_p, targets, mask: (log_p.max(-1) * mask).sum(1),
        ),
        Mistake(
            "probability",
            "this is the probability; its logarithm was asked for.",
            lambda log_p, targets, mask: np.exp(answer_log_p(log_p, targets, mask)),
        ),
        Mistake(
            "multiplied",
            "probabilities are multiplied; what does that make of their logarithms?",
            lambda log_p, targets, mask: np.where(mask == 1, _of_targets(log_p, targets), 1).prod(1),
        ),
        Mistake(
            "log-of-log",
            "these are logarithms already.",
            lambda log_p, targets, mask: (np.log(-_of_targets(log_p, targets)) * mask).sum(1),
        ),
        Mistake(
            "negative",
            "this is the loss, with its sign turned round: a logarithm of a probability is negative.",
            lambda log_p, targets, mask: -answer_log_p(log_p, targets, mask),
        ),
    ),
)


# --- the nucleus


def _draw_probabilities(rng, top_p, spread=1.5):
    """None of the sums is so close to `top_p` that rounding decides."""
    while True:
        p = softmax(rng.normal(0, spread, TARGET_SYMBOLS))
        if np.abs(np.cumsum(np.sort(p)[::-1]) - top_p).min() > 1e-3:
            return {"p": p, "top_p": float(top_p)}


def nucleus(p, top_p, kept=lambda sums, p, top_p: sums - p < top_p):
    order = np.argsort(-p)
    stays = np.empty(len(p), bool)
    stays[order] = kept(np.cumsum(p[order]), p[order], top_p)
    left = np.where(stays, p, 0)
    return left / left.sum()


def _in_order(p, order, top_p):
    """As many as are needed, in another order than that of their probabilities."""
    stays = np.empty(len(p), bool)
    stays[order] = np.cumsum(p[order]) - p[order] < top_p
    left = np.where(stays, p, 0)
    return left / left.sum()


def _first_stays(stays):
    return stays | (np.arange(len(stays)) == 0)


def _not_scaled(p, top_p):
    return np.where(nucleus(p, top_p) > 0, p, 0)


NUCLEUS = Exercise(
    name="nucleus",
    task="the nucleus of a distribution: top_p",
    points=3,
    draws={
        "about half": lambda rng: _draw_probabilities(rng, rng.uniform(0.45, 0.6)),
        "0.9": lambda rng: _draw_probabilities(rng, 0.9),
        "nearly all": lambda rng: _draw_probabilities(rng, 0.99, 1.0),
        "a sure favourite": lambda rng: _draw_probabilities(rng, 0.2, 2.5),
        "nearly even": lambda rng: _draw_probabilities(rng, rng.uniform(0.6, 0.8), 0.2),
        "so little that one symbol stays": lambda rng: _draw_probabilities(rng, 0.01),
        "probabilities of 0": lambda rng: {"p": rng.permutation([0.5, 0.3, 0.2] + [0.0] * 8), "top_p": 0.7},
    },
    reference=nucleus,
    returns=("probabilities",),
    mistakes=(
        Mistake(
            "one-too-few",
            "what stays has less than top_p together: the symbol that reaches it belongs to the nucleus.",
            lambda p, top_p: nucleus(p, top_p, lambda sums, p, top_p: _first_stays(sums <= top_p)),
        ),
        Mistake("not-scaled", "what stays does not add up to 1.", _not_scaled),
        Mistake(
            "each-alone",
            "this compares each probability alone with top_p; it is the sum that counts.",
            lambda p, top_p: nucleus(p, top_p, lambda sums, p, top_p: _first_stays(p >= top_p)),
            lambda p, top_p: nucleus(p, top_p, lambda sums, p, top_p: p >= (1 - top_p) * p.max()),
        ),
        Mistake(
            "sorted",
            "the right numbers in the wrong places: each symbol keeps its own.",
            lambda p, top_p: np.sort(nucleus(p, top_p))[::-1],
            lambda p, top_p: np.sort(nucleus(p, top_p)),
        ),
        Mistake(
            "least-likely",
            "these are the unlikely ones; start with the most likely.",
            lambda p, top_p: _in_order(p, np.argsort(p), top_p),
        ),
        Mistake(
            "unsorted",
            "this adds them up in the order of the symbols; start with the most likely.",
            lambda p, top_p: _in_order(p, np.arange(len(p)), top_p),
        ),
        Mistake(
            "top-k",
            "that depends on the number of symbols; only their sum counts.",
            lambda p, top_p: nucleus(
                p, top_p, lambda sums, p, top_p: np.arange(len(p)) < max(1, round(top_p * len(p)))
            ),
        ),
    ),
)


# --- a vote over draws


def _draw_votes(rng, log_p, drawn=None, times=()):
    """Texts with about these log-probabilities, drawn in this order, or so many times each in any order."""
    texts = []
    while len(texts) < len(log_p):
        text = "".join(rng.choice(list("0123456789"), rng.integers(3, 8))) + "#"
        if text not in texts:
            texts.append(text)
    worth = [float(q - rng.uniform(0, 0.05)) for q in log_p]
    if drawn is None:
        drawn = rng.permutation(np.repeat(np.arange(len(times)), times))
    return {"draws": [Hypothesis(texts[i], worth[i], worth[i]) for i in drawn]}


def _draw_alike(rng):
    """Two losers begin alike, and so have the first place to themselves."""
    a, b, c, d, e = rng.permutation(list("0123456789"))[:5]
    drawn = [Hypothesis(f"{a}{b}#", -1.5, -1.5)] * 4
    drawn += [Hypothesis(f"{c}{d}#", -1.2, -1.2), Hypothesis(f"{c}{e}#", -2.0, -2.0)] * 3
    return {"draws": [drawn[i] for i in rng.permutation(len(drawn))]}


def vote(draws):
    times, log_p = Counter(h.text for h in draws), {h.text: h.log_probability for h in draws}
    return max(times, key=lambda text: (times[text], log_p[text]))


def _by_place(draws):
    """A majority for each place."""
    longest = max(len(h.text) for h in draws)
    columns = zip(*(h.text.ljust(longest) for h in draws), strict=True)
    return "".join(Counter(column).most_common(1)[0][0] for column in columns).strip()


def _summed(draws):
    worth = Counter()
    for h in draws:
        worth[h.text] += np.exp(h.log_probability)
    return max(worth, key=worth.get)


VOTE = Exercise(
    name="vote",
    task="a vote over what was drawn",
    points=2,
    draws={
        "no absolute majority": _draw_alike,
        "a clear majority": lambda rng: _draw_votes(rng, (-1.0, -2.0, -3.0), times=(6, 2, 1)),
        "the winner is not the likeliest": lambda rng: _draw_votes(rng, (-4.5, -2.3, -2.0), times=(6, 3, 1)),
        "a tie whose likeliest is seen last": lambda rng: _draw_votes(
            rng, (-2.0, -3.0, -1.0, -0.5), (0, 3, 1, 2, 0, 2, 1)
        ),
        "a tie whose likeliest is seen in the middle": lambda rng: _draw_votes(
            rng, (-2.0, -1.0, -3.0), (0, 1, 2, 1, 0, 2)
        ),
        "no two alike": lambda rng: _draw_votes(rng, (-2.0, -1.0, -3.0, -2.5), range(4)),
        "all alike": lambda rng: _draw_votes(rng, (-1.5,), times=(5,)),
        "a single draw": lambda rng: _draw_votes(rng, (-0.7,), times=(1,)),
        "32 draws": lambda rng: _draw_votes(
            rng, (-2.0, -2.2, -1.9, -2.4, -3.0, -3.3, -5.0), times=(9, 8, 7, 5, 1, 1, 1)
        ),
    },
    reference=vote,
    returns=("text",),
    mistakes=(
        Mistake(
            "likeliest",
            "this is the most likely of all draws; how often each was drawn does not count.",
            lambda draws: max(draws, key=lambda h: h.log_probability).text,
        ),
        Mistake(
            "first-seen",
            "right, but of texts that were drawn equally often the most likely should win.",
            lambda draws: Counter(h.text for h in draws).most_common(1)[0][0],
        ),
        Mistake(
            "tie-least-likely",
            "right, but of texts that were drawn equally often the most likely should win.",
            lambda draws: (
                max(draws, key=lambda h: ([g.text for g in draws].count(h.text), -h.log_probability)).text
            ),
        ),
        Mistake("weighted", "each draw has one vote, however likely it is.", _summed),
        Mistake(
            "rarest",
            "this is the rarest one.",
            lambda draws: min(draws, key=lambda h: [g.text for g in draws].count(h.text)).text,
            lambda draws: Counter(h.text for h in draws).most_common()[-1][0],
        ),
        Mistake("by-place", "vote on whole answers, not on the symbol at each place.", _by_place),
    ),
)
