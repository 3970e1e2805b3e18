"""`model.js` in a real browser against the package: 1,000 random texts for each kind of model, all at once.

The oracle is the contract's own loop, `decoder.step` after `decoder.step`, for all texts together.
"""

import base64
import json
import random

import keras
import numpy as np
import pytest
import tensorflow as tf
from browsers import open_page
from keras.layers import LSTMCell, StackedRNNCells
from test_decoding import SMALL, drawn, random_model

import seq2seq_lab as lab
from seq2seq_lab._internals.cells import zero_state
from seq2seq_lab.decoding import cut_off
from seq2seq_lab.transformer import LEARNED
from seq2seq_lab.views.page import MODEL, script
from seq2seq_lab.views.portable import portable as as_numbers
from seq2seq_lab.vocabulary import DIGITS, END, SYMBOLS, TARGET_SYMBOLS, WORDS, longest_answer

pytestmark = pytest.mark.slow

N = 1_000
WIDTH, POWER = 3, 0.7

# The models, loaded from what the package wrote; `flat` makes one row of all numbers of a trace.
START = """async ([source, models]) => {
    const module = await import(URL.createObjectURL(new Blob([source], {type: "text/javascript"})));
    const loaded = Object.entries(JSON.parse(models)).map(([name, model]) => [name, module.load(model)]);
    const inside = (cells) =>
        ["z", "r", "c", "h", "m"].flatMap((name) => cells.flatMap((at) => [...(at[name] ?? [])]));
    const flat = ({probabilities, attention, encoder, decoder}) => [
        ...probabilities.flatMap((p) => [...p]), ...attention.flat().flatMap((w) => [...w]),
        ...inside(encoder ?? []), ...inside(decoder ?? [])];
    window.lab = {...module, models: Object.fromEntries(loaded), flat};
}"""
TRACES = """([name, asked]) => {
    const traces = JSON.parse(asked).map(([text, forced]) =>
        lab.trace(lab.models[name], lab.read(lab.models[name], text), forced));
    const bytes = new Uint8Array(Float32Array.from(traces.flatMap(lab.flat)).buffer);
    const letters = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
    return [traces.map((trace) => trace.written), btoa(letters)];
}"""
BEAMS = """([name, texts, cuts]) => JSON.stringify(texts.map((text) => {
    const found = lab.beam(lab.models[name], lab.read(lab.models[name], text), cuts);
    return found.map(({text, logP, score}) => [text, logP, score]);
}))"""
DRAWS = """([name, texts, cuts]) => JSON.stringify(texts.map((text, seed) => {
    const start = lab.read(lab.models[name], text);
    const {text: answer, logP} = lab.sampled(lab.models[name], start, {...cuts, seed});
    return [answer, logP];
}))"""


def pair(seed, encoder, decoder):
    return drawn(lab.Seq2Seq(SMALL, encoder, decoder), seed)


# By name: a draw of weights for which much happens. Widths, heads, layers and positions all differ.
KINDS = {
    "plain": lambda: random_model(4),
    "attends": lambda: random_model(54, attends=True),
    "transformer": lambda: pair(
        21, lab.TransformerEncoder(6, 3, 2), lab.TransformerDecoder(8, 2, 2, "rotary")
    ),
    "other positions": lambda: pair(
        41, lab.TransformerEncoder(8, 2, 1, "rotary"), lab.TransformerDecoder(6, 3, 1, "learned")
    ),
    "decoder only": lambda: pair(11, lab.NoEncoder(), lab.DecoderOnly(8, 2)),
    "decoder only, rotary": lambda: pair(1, lab.NoEncoder(), lab.DecoderOnly(12, 3, 3, "rotary")),
    "GRU, then transformer": lambda: pair(2, None, lab.TransformerDecoder(4, 1, 2, "none")),
    "transformer, then GRU": lambda: pair(0, lab.TransformerEncoder(7, 1, 2, "none"), None),
    "transformer, then GRU that attends": lambda: pair(
        1, lab.TransformerEncoder(6, 2, 0, "learned"), lab.AttentionDecoder(lab.GRUCell(5), attention_units=3)
    ),
    "no encoder, then transformer": lambda: pair(2, lab.NoEncoder(), lab.TransformerDecoder(6, 2)),
    "LSTM": lambda: pair(76, lab.Encoder(LSTMCell(6), 5), lab.Decoder(LSTMCell(6), 3)),
    "cells on cells": lambda: pair(
        4,
        lab.Encoder(StackedRNNCells([lab.GRUCell(5), LSTMCell(4)]), 3),
        lab.AttentionDecoder(StackedRNNCells([LSTMCell(3), lab.GRUCell(6), LSTMCell(2)]), 4, 3),
    ),
}


@pytest.fixture(scope="module")
def models():
    return {name: make() for name, make in KINDS.items()}


@pytest.fixture(scope="module")
def page(browser, models):
    """A page in which `lab` is the module, with all models."""
    page, errors = open_page(browser)
    numbers = json.dumps({name: as_numbers(model) for name, model in models.items()})
    page.evaluate(START, [script(MODEL), numbers])
    yield page
    assert errors == []
    page.close()


def random_texts():
    """Digit words, and any other characters that there are ids for; from one on."""
    draw = random.Random(7)
    words = [" ".join(draw.choices(WORDS, k=draw.randint(1, 5))) for _ in range(N // 2)]
    return words + ["".join(draw.choices(SYMBOLS, k=draw.randint(1, 24))) for _ in range(N - len(words))]


TEXTS = random_texts()


def random_forcings(may_look):
    """For each text digits and, if it attends, places, each forced at some steps; nothing at every third."""
    draw, forced = random.Random(8), []
    for i, text in enumerate(TEXTS):
        steps, S = range(longest_answer(len(text))), len(text)
        digits = {t: draw.choice(DIGITS + END) for t in steps if draw.random() < 0.2 and i % 3}
        places = {
            t: draw.sample(range(S), draw.randint(1, S))
            for t in steps
            if draw.random() < 0.3 and i % 3 and may_look
        }
        forced.append({"digits": digits, "places": places})
    return forced


def oracle(model, texts, forced):
    """For all texts at once: what is written, and all numbers of each text in one row."""
    B, S = len(texts), max(map(len, texts))
    lengths = np.array([len(text) for text in texts], np.int32)
    ids = np.array([np.pad(lab.encode(text), (0, S - len(text))) for text in texts], np.int32)
    outputs, state = model.encoder(ids, lengths)
    cells = inner = ()
    if hasattr(model.encoder, "cell"):
        zero = zero_state(model.encoder.cell, B, "float32")
        states = lab.unroll(model.encoder.cell, ids.T, model.encoder.embeddings, zero, S)[1]
        cells = inside(model.encoder, ids.T, states, zero)
    state, memory = model.decoder.start(outputs, state, lengths)
    first, tokens, said, states = state, [np.full(B, SYMBOLS.index(END), np.int32)], [], []
    for t in range(longest_answer(S)):
        seen = memory
        if model.attends:
            places = [f["places"].get(t, range(S)) for f in forced]
            seen = model.decoder.restrict(memory, np.array([np.isin(range(S), list(p)) for p in places]))
        state, output = model.decoder.step(state, tokens[-1], seen)
        said.append((keras.ops.softmax(output.logits), output.attention))
        states.append(state)
        chosen = [SYMBOLS.index(f["digits"][t]) if t in f["digits"] else -1 for f in forced]
        tokens.append(np.where(np.array(chosen) < 0, np.argmax(output.logits, 1), chosen).astype(np.int32))
    probabilities = np.array([p for p, _ in said])
    attention = np.array([w for _, w in said]) if model.attends else None
    if hasattr(model.decoder, "cell"):
        context = None if attention is None else np.einsum("tbs,bsh->tbh", attention, outputs)
        states = tf.nest.map_structure(lambda *steps: np.array(steps), *states)
        inner = inside(model.decoder, np.array(tokens[:-1]), states, first, context)
    answers, rows = [], []
    for b, S in enumerate(lengths):
        answer, end, _ = lab.decode([token[b] for token in tokens[1:]]).partition(END)
        answers.append((answer + end)[: longest_answer(S)])
        T = len(answers[-1])
        parts = [probabilities[:T, b], *([attention[:T, b, ..., :S]] if model.attends else [])]
        parts += [cell[:S, b] for cell in cells] + [cell[:T, b] for cell in inner]
        rows.append(np.concatenate([part.ravel() for part in parts]))
    return answers, rows


def inside(part, ids, states, first, context=None):
    """What went on in a cell on the way through these states, `(T, B, H)` each."""
    if isinstance(part.cell, LSTMCell):
        return [np.array(state) for state in states]  # state and memory
    if isinstance(part.cell, StackedRNNCells):
        outputs = [state[0] if isinstance(state, list) else state for state in states]
        return [np.concatenate(outputs, -1)]
    return inside_gru(part, ids, np.array(states), np.array(first), context)


def inside_gru(part, ids, h, first, context):
    """Gates, candidate and state behind states `h (T, B, H)`: the equations on plain arrays."""
    W, x = {name: np.asarray(w) for name, w in vars_of(part.cell)}, np.asarray(part.embeddings)[ids]
    x = x if context is None else np.concatenate([x, context], -1)
    before = np.concatenate([first[None], h[:-1]])

    def sigmoid(a):
        return 1 / (1 + np.exp(-a))

    z = sigmoid(x @ W["W_xz"] + before @ W["W_hz"] + W["b_z"])
    r = sigmoid(x @ W["W_xr"] + before @ W["W_hr"] + W["b_r"])
    c = np.tanh(x @ W["W_xc"] + (r * before) @ W["W_hc"] + W["b_c"])
    return z, r, c, h


def vars_of(cell):
    return [(name, getattr(cell, name)) for name in lab.gru.WEIGHTS]


def assert_same(page, models, name, texts, forced):
    """The page's numbers are the oracle's; returns the answers."""
    answers, rows = oracle(models[name], texts, forced)
    written, numbers = page.evaluate(TRACES, [name, json.dumps(list(zip(texts, forced, strict=True)))])
    assert written == answers
    np.testing.assert_allclose(
        np.frombuffer(base64.b64decode(numbers), "<f4"), np.concatenate(rows), atol=1e-4, rtol=0
    )
    return answers


@pytest.mark.parametrize("name", KINDS)
def test_a_page_computes_what_the_package_computes(page, models, name):
    answers = assert_same(page, models, name, TEXTS, random_forcings(models[name].attends))
    ends = [answer.endswith(END) for answer in answers]  # and the draw is such that much happens
    assert 100 < sum(ends) < 900
    assert len(set(answers)) > 200


def test_a_text_and_its_answer_may_have_more_symbols_than_there_are_learned_positions(page, models):
    texts, name = [" ".join(WORDS * 3)[:S] for S in (LEARNED, LEARNED + 9)], "learned, long"
    models = {name: pair(0, lab.NoEncoder(), lab.DecoderOnly(8, 2, 2, "learned"))}
    page.evaluate(
        "([name, model]) => { lab.models[name] = lab.load(model); }", [name, as_numbers(models[name])]
    )
    forced = [{"digits": {t: "123"[t % 3] for t in range(longest_answer(len(text)))}} for text in texts]
    forced = [{**each, "places": {LEARNED // 3: [LEARNED - 1]}} for each in forced]
    answers = assert_same(page, models, name, texts, forced)
    assert all(len(answer) == longest_answer(len(text)) for text, answer in zip(texts, answers, strict=True))


@pytest.mark.parametrize("name", ["plain", "attends", "transformer", "decoder only"])
def test_a_page_finds_the_hypotheses_that_the_package_finds(page, models, name):
    model = models[name]
    cuts = {"width": WIDTH, "lengthPower": POWER}
    found = json.loads(page.evaluate(BEAMS, [name, TEXTS, cuts]))
    wanted = model.hypotheses(TEXTS, lab.BeamSearch(WIDTH, POWER), WIDTH)
    assert [[text for text, *_ in best] for best in found] == [[h.text for h in best] for best in wanted]
    for mine, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose([n for _, *n in mine], [h[1:] for h in theirs], atol=1e-4)


def test_a_page_draws_answers_whose_probability_is_right_and_the_same_from_the_same_seed(page, models):
    cuts = {"temperature": 1.3, "topK": 6}
    drawn_ = json.loads(page.evaluate(DRAWS, ["attends", TEXTS, cuts]))
    assert drawn_ == json.loads(page.evaluate(DRAWS, ["attends", TEXTS, cuts]))
    answers, log_p = zip(*drawn_, strict=True)
    np.testing.assert_allclose(log_p, models["attends"].log_probability(TEXTS, answers), atol=1e-4)
    greedy = models["attends"].translate(TEXTS)
    assert 50 < sum(a == b for a, b in zip(answers, greedy, strict=True)) < 950


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"), [(1, 11, 1), (0.4, 11, 1), (2.5, 4, 1), (1, 11, 0.6), (1.5, 7, 0.8)]
)
def test_a_page_cuts_off_what_the_package_cuts_off(page, temperature, top_k, top_p):
    logits = np.random.default_rng(5).normal(0, 2, (200, TARGET_SYMBOLS)).round(1)  # some are equal
    cuts = {"temperature": temperature, "topK": top_k, "topP": top_p}
    found = page.evaluate(
        "([all, cuts]) => all.map((logits) => Array.from(lab.cutOff(logits, cuts), (p) => Math.exp(p)))",
        [logits.tolist(), cuts],
    )
    log_p = cut_off(logits, np.float32(temperature), np.int32(top_k), np.float32(top_p))
    np.testing.assert_allclose(found, np.exp(log_p), atol=1e-5)


def test_a_page_draws_each_symbol_as_often_as_it_should(page, models):
    """The first symbols of 20,000 answers: no frequency is four standard errors off."""
    n, cuts = 20_000, {"temperature": 1.5, "topK": 7, "topP": 0.8}
    answers = json.loads(page.evaluate(DRAWS, ["plain", ["one"] * n, cuts]))
    found = np.array([sum(answer[0] == symbol for answer, _ in answers) for symbol in DIGITS + END]) / n
    p = lab.trace(models["plain"], "one").probabilities[0]
    wanted = np.exp(cut_off(np.log(p)[None], np.float32(1.5), np.int32(7), np.float32(0.8)))[0]
    wanted /= wanted.sum()
    assert np.all(np.abs(found - wanted) <= 4 * np.sqrt(wanted * (1 - wanted) / n))
    assert (found > 0).sum() == (wanted > 0).sum() < 7


class Own(lab.AdditiveAttention):
    """As good as the lesson's, but nobody can know."""


class OwnEncoder(lab.Encoder):
    """One may change anything in here."""


class OwnTransformer(lab.TransformerDecoder):
    """In here as well."""


@pytest.mark.parametrize(
    ("parts", "fault"),
    [
        (
            {"encoder": lambda: lab.Encoder(keras.layers.SimpleRNNCell(7)), "attends": True},
            "its encoder's cell is keras's SimpleRNNCell, not seq2seq_lab's GRUCell, keras's LSTMCell or "
            "keras's StackedRNNCells$",
        ),
        (
            {"encoder": lambda: lab.Encoder(LSTMCell(7, use_bias=False)), "attends": True},
            "its encoder's cell is an LSTMCell with use_bias=False, not True$",
        ),
        ({"decoder": lambda: lab.Decoder(keras.layers.GRUCell(7))}, "its decoder's cell is keras's GRUCell"),
        (
            {"encoder": lambda: OwnEncoder(lab.GRUCell(7))},
            "its encoder is test_portable's OwnEncoder, not seq2seq_lab's Encoder, seq2seq_lab's "
            "TransformerEncoder or seq2seq_lab's NoEncoder",
        ),
        (
            {"encoder": lambda: lab.TransformerEncoder(6), "decoder": lambda: OwnTransformer(6)},
            "its decoder is test_portable's OwnTransformer, not",
        ),
        (
            {
                "encoder": lambda: lab.TransformerEncoder(8),
                "decoder": lambda: lab.AttentionDecoder(
                    StackedRNNCells([lab.GRUCell(5), LSTMCell(5, recurrent_activation="tanh")])
                ),
            },
            "its decoder's cell is an LSTMCell with recurrent_activation='tanh', not 'sigmoid'$",
        ),
        (
            {"decoder": lambda: lab.AttentionDecoder(lab.GRUCell(6), attention=Own(3))},
            "its decoder's attention is test_portable's Own, not",
        ),
    ],
)
def test_what_no_page_can_run_is_refused_in_words(parts, fault):
    made = {side: part() for side, part in parts.items() if callable(part)}
    if "attends" in parts:
        made["decoder"] = lab.AttentionDecoder(lab.GRUCell(6))
    model = lab.Seq2Seq(SMALL, **made)
    with pytest.raises(ValueError, match=rf"^mine must be a model that a page can run, but {fault}"):
        as_numbers(model, "mine")
