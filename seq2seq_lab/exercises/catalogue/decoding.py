"""The first exercises of notebook 3: one step of a beam, scores."""

from __future__ import annotations

import numpy as np

from seq2seq_lab.contracts import Hypothesis
from seq2seq_lab.exercises.catalogue import calls
from seq2seq_lab.exercises.engine.exercise import Exercise, Mistake

# --- one step of a beam


LEAST_GAP = 1e-3  # between two log-probabilities, so that rounding decides nothing


def _draw_beam(rng, width, beam):
    """A beam with about these log-probabilities, and what may follow."""
    while True:
        drawn = [(text, log_p + float(rng.uniform(-0.05, 0) if log_p else 0)) for text, log_p in beam.items()]
        table = {}
        for beginning, _ in drawn:
            if not beginning.endswith("#"):
                p = 0.7 + 0.3 * rng.random(4)
                table[beginning] = {s: float(np.log(q)) for s, q in zip("036#", p / p.sum(), strict=True)}
        found = sorted(log_p for _, log_p in _continued(drawn, table.get))
        if np.diff(found).min(initial=1) > LEAST_GAP:
            return {"beam": drawn, "table": table, "width": width}


def _draw_tie(rng):
    """Two of the beginnings are worth the same to the last bit, and both are among the best."""
    following = {"0": -0.5, "3": -1.5, "6": -3.0, "#": -2.0}
    return {"beam": [("1", -1.0), ("2", -1.0)], "table": {"1": following, "2": following}, "width": 4}


def _continued(beam, next_log_p):
    return [
        (beginning + symbol, log_p + log_q)
        for beginning, log_p in beam
        for symbol, log_q in ({"": 0.0} if beginning.endswith("#") else next_log_p(beginning)).items()
    ]


def _best(pairs, width):
    return sorted(pairs, key=lambda pair: -pair[1])[:width]


def beam_step(beam, next_log_p, width):
    return _best(_continued(beam, next_log_p), width)


def _ended_dropped(beam, next_log_p, width):
    return beam_step([pair for pair in beam if not pair[0].endswith("#")], next_log_p, width)


def _ended_first(beam, next_log_p, width):
    """Those that have ended stay, whatever they are worth."""
    ended = [pair for pair in beam if pair[0].endswith("#")]
    return (ended + beam_step([p for p in beam if p not in ended], next_log_p, width))[:width]


def _best_of_each(beam, next_log_p, width):
    return _best([beam_step([pair], next_log_p, 1)[0] for pair in beam], width)


def _forgotten(beam, next_log_p, width):
    """The log-probability of the beginning is not added."""
    return beam_step([(text, p if text.endswith("#") else 0.0) for text, p in beam], next_log_p, width)


def _multiplied(beam, next_log_p, width):
    pairs = []
    for text, log_p in beam:
        following = {"": 1.0} if text.endswith("#") else next_log_p(text)
        pairs += [(text + symbol, log_p * log_q) for symbol, log_q in following.items()]
    return _best(pairs, width)


BEAM_STEP = Exercise(
    name="beam-step",
    task="one step of beam search",
    points=3,
    draws={
        "two beginnings": lambda rng: _draw_beam(rng, 3, {"1": -0.3, "2": -4.0}),
        "one that has ended, far behind": lambda rng: _draw_beam(rng, 2, {"1": -0.4, "25#": -6.0}),
        "one that has ended, in front": lambda rng: _draw_beam(rng, 2, {"12": -0.6, "5#": -0.9, "34": -1.1}),
        "two that have ended, in front and behind": lambda rng: _draw_beam(
            rng, 3, {"7#": -1.0, "8123": -1.2, "80": -1.5, "9#": -2.4}
        ),
        "an empty beginning": lambda rng: _draw_beam(rng, 2, {"": 0.0}),
        "fewer candidates than the width": lambda rng: _draw_beam(rng, 8, {"1": -0.3, "2#": -0.7}),
        "none that goes on": lambda rng: _draw_beam(rng, 2, {"1#": -0.7, "23#": -0.4, "4#": -0.9}),
        "a tie": _draw_tie,
        "a width of 1": lambda rng: _draw_beam(rng, 1, {"31": -0.8, "4": -0.5}),
        "a width of 6": lambda rng: _draw_beam(rng, 6, {"1": -0.3, "2": -0.9, "33": -1.4}),
    },
    reference=beam_step,
    returns=("beginnings", "log_probabilities"),
    mistakes=(
        Mistake(
            "ended-continued",
            "a beginning that ends in # is finished: nothing can follow it.",
            lambda beam, next_log_p, width: _best(
                [(t + s, p + q) for t, p in beam for s, q in next_log_p(t).items()], width
            ),
        ),
        Mistake("ended-dropped", "a beginning that has ended goes on competing.", _ended_dropped),
        Mistake(
            "ended-always-kept",
            "one that has ended must compete like the others.",
            _ended_first,
            lambda beam, next_log_p, width: _best(_ended_first(beam, next_log_p, width), width),
        ),
        Mistake(
            "best-of-each",
            "the best `width` of all continuations may come from the same beginning.",
            _best_of_each,
        ),
        Mistake("forgotten", "what the beginning was worth is lost: a sum has two terms.", _forgotten),
        Mistake(
            "multiplied", "probabilities are multiplied; what does that make of logarithms?", _multiplied
        ),
        Mistake(
            "worst-first",
            "these are the worst: a larger log-probability is better.",
            lambda beam, next_log_p, width: sorted(_continued(beam, next_log_p), key=lambda p: p[1])[:width],
        ),
        Mistake(
            "best-last",
            "the right pairs, but the best should stand first.",
            lambda beam, next_log_p, width: beam_step(beam, next_log_p, width)[::-1],
        ),
        Mistake(
            "by-text",
            "pairs are sorted by their first entry, here the text: sort them by log-probability.",
            lambda beam, next_log_p, width: sorted(_continued(beam, next_log_p), reverse=True)[:width],
        ),
        Mistake(
            "all-kept",
            "only `width` of them stay.",
            lambda beam, next_log_p, width: _best(_continued(beam, next_log_p), None),
        ),
        Mistake(
            "greedy",
            "only one is left, which is greedy decoding.",
            lambda beam, next_log_p, width: beam_step(beam, next_log_p, 1),
        ),
    ),
    call=calls.for_beam,
)


# --- length-normalised score


def _draw_hypotheses(rng, length_power, *texts):
    """Hypotheses with these texts, or with texts of so many digits."""
    digits = list("0123456789")
    texts = ["".join(rng.choice(digits, t)) + "#" if isinstance(t, int) else t for t in texts]
    drawn = [(t, float(-rng.uniform(0.5, 6)), float(-rng.uniform(0.1, 3))) for t in texts]
    return {"hypotheses": [Hypothesis(*h) for h in drawn], "length_power": length_power}


def scores(hypotheses, length_power, length=lambda text: len(text)):
    return [h.log_probability / length(h.text) ** length_power for h in hypotheses]


SCORES = Exercise(
    name="scores",
    task="length-normalised scores",
    points=2,
    draws={
        "a power of 2": lambda rng: _draw_hypotheses(rng, 2.0, 3, 5, 2),
        "a power of one half": lambda rng: _draw_hypotheses(rng, 0.5, 4, 1, 9, 2, 6),
        "a power of 1": lambda rng: _draw_hypotheses(rng, 1.0, 3, 1, 7),
        "a power of 0": lambda rng: _draw_hypotheses(rng, 0.0, 2, 5, 8, 1),
        "a single hypothesis": lambda rng: _draw_hypotheses(rng, 1.5, 4),
        "texts of one length": lambda rng: _draw_hypotheses(rng, 0.7, 5, 5, 5),
        "the same text twice": lambda rng: _draw_hypotheses(rng, 1.0, "12#", "345#", "12#"),
        "a text that is nothing but #": lambda rng: _draw_hypotheses(rng, 1.0, "#", "1#", "05#"),
        "a text that was cut off": lambda rng: _draw_hypotheses(rng, 1.0, "123#", "1234", "12#"),
        "20 and 30 digits": lambda rng: _draw_hypotheses(rng, 0.5, 20, 30),
    },
    reference=scores,
    returns=("scores",),
    mistakes=(
        Mistake(
            "without-the-end",
            "the length counts the #.",
            lambda hypotheses, length_power: scores(hypotheses, length_power, lambda text: len(text) - 1),
            lambda hypotheses, length_power: scores(
                hypotheses, length_power, lambda text: len(text.rstrip("#"))
            ),
        ),
        Mistake(
            "multiplied",
            "the longer a text, the more this punishes it: divide.",
            lambda hypotheses, length_power: scores(hypotheses, -length_power),
        ),
        Mistake(
            "times-power",
            "the length to the power of a, not a times the length.",
            lambda hypotheses, length_power: [
                h.log_probability / (len(h.text) * length_power) for h in hypotheses
            ],
        ),
        Mistake(
            "power-of-all",
            "the power belongs to the length alone.",
            lambda hypotheses, length_power: [
                -((-h.log_probability / len(h.text)) ** length_power) for h in hypotheses
            ],
            lambda hypotheses, length_power: [
                (h.log_probability / len(h.text)) ** length_power for h in hypotheses
            ],
        ),
        Mistake(
            "own-score",
            "these are the scores that came with them.",
            lambda hypotheses, length_power: [h.score for h in hypotheses],
        ),
        Mistake(
            "probability",
            "this takes the probability; the score is made of its logarithm.",
            lambda hypotheses, length_power: [
                np.exp(h.log_probability) / len(h.text) ** length_power for h in hypotheses
            ],
        ),
        Mistake(
            "no-power",
            "the power is not used.",
            lambda hypotheses, length_power: scores(hypotheses, 1),
        ),
    ),
)
