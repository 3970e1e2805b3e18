"""The exercises of notebook 3: one step of a beam, scores, a schedule of sampling; its bug clinic."""

from __future__ import annotations

import numpy as np

from seq2seq_lab.contracts import Hypothesis
from seq2seq_lab.exercises.catalogue import calls
from seq2seq_lab.exercises.catalogue.numbers import normal
from seq2seq_lab.exercises.engine.exercise import Exercise, Finding, Mistake
from seq2seq_lab.vocabulary import END_ID, TARGET_SYMBOLS

# --- one step of a beam


# beginnings with their log-probabilities; none to be found, all from one, ended in front and behind
BEAMS = (
    {"1": -0.3, "2": -4.0},
    {"1": -0.4, "25#": -6.0},
    {"12": -0.6, "5#": -0.9, "34": -1.1},
    {"7#": -1.0, "8123": -1.2, "80": -1.5, "9#": -2.4},
)
WIDTHS = 3, 2, 2, 3


def _draw_beam(rng, case):
    beam = [(beginning, log_p + float(rng.uniform(-0.05, 0))) for beginning, log_p in BEAMS[case].items()]
    table = {}
    for beginning, _ in beam:
        if not beginning.endswith("#"):
            p = 0.7 + 0.3 * rng.random(4)
            table[beginning] = {s: float(np.log(q)) for s, q in zip("036#", p / p.sum(), strict=True)}
    return {"beam": beam, "table": table, "width": WIDTHS[case]}


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
    draw=_draw_beam,
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


def _draw_hypotheses(rng, case):
    digits = ["".join(rng.choice(list("0123456789"), n)) + "#" for n in rng.permutation(9)[: 3 + case] + 1]
    numbers = -rng.uniform(0.5, 6, len(digits))
    hypotheses = [
        Hypothesis(str(t), float(p), float(-rng.uniform(0.1, 3)))
        for t, p in zip(digits, numbers, strict=True)
    ]
    return {"hypotheses": hypotheses, "length_power": (1.0, 0.0, 0.5, 2.0)[case]}


def scores(hypotheses, length_power, length=lambda text: len(text)):
    return [h.log_probability / length(h.text) ** length_power for h in hypotheses]


SCORES = Exercise(
    name="scores",
    task="length-normalised scores",
    points=2,
    draw=_draw_hypotheses,
    reference=scores,
    returns=("scores",),
    mistakes=(
        Mistake(
            "without-the-end",
            "the length counts the #.",
            lambda hypotheses, length_power: scores(hypotheses, length_power, lambda text: len(text) - 1),
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


# --- a schedule of sampling

SEEN = np.unique(np.concatenate([[0], np.geomspace(16, 200_000, 40)]).astype(int) // 16 * 16)


def _fault_of_schedule(result, samples):
    (p,) = result
    if p.shape != (len(samples),):
        return Finding("shape", f"it should return one number, but returns an array of shape {p.shape[1:]}")
    bad = ~((p >= 0) & (p <= 1))  # which NaN is
    if bad.any():
        i = int(np.argmax(bad))
        hint = "a probability lies between 0 and 1, however many samples have been seen."
        return Finding("out-of-range", f"schedule({samples[i]}) is {p[i]:.5g}", hint)
    if not p.any():
        hint = "then the decoder never reads its own symbols: this is plain teacher forcing."
        return Finding("never", "it is 0 for any number of samples", hint)
    if p.min() == 1:
        hint = "then the decoder never hears the truth, not even at the beginning."
        return Finding("always", "it is 1 for any number of samples", hint)
    return None


def schedule(samples):
    return min(0.3, samples / 200_000)


SCHEDULE = Exercise(
    name="schedule",
    task="a schedule of sampling: always a probability, and not always the same extreme",
    points=1,
    draw=lambda rng, case: {"samples": [int(n) for n in SEEN]},
    reference=schedule,
    returns=("probabilities",),
    call=calls.for_each,
    fault=_fault_of_schedule,
    number_of_cases=1,
)


# --- the bug clinic: a decoder that is one step late


def _draw_writer(rng, case):
    """One that writes # before the end and goes on, so that stopping there shows."""
    H, steps = 4 + case, 6 + case
    while True:
        embeddings, W = 2 * normal(rng, TARGET_SYMBOLS, H), normal(rng, H, H)
        decoder, h = calls.Writer(embeddings, W, normal(rng, H, TARGET_SYMBOLS)), np.tanh(normal(rng, H))
        said = write(decoder, h, steps)
        if END_ID in said[:-1] and set(said[said.index(END_ID) :]) != {END_ID}:
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
        inputs = _draw_writer(rng, 2)
        said = np.asarray(answer(*inputs.values())).ravel()
        same.append(np.mean(said == write(*inputs.values())))
    return float(np.mean(same))


WRONG_STEP = Exercise(
    name="bug-wrong-step",
    task="clinic: a decoder that reads the arg-max of the wrong step",
    points=2,
    draw=_draw_writer,
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
