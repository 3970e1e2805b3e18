"""Every way to decode against brute force over teacher-forced probabilities, on random models."""

import functools
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import seq2seq_lab as lab
from seq2seq_lab.contracts import DecoderOutput
from seq2seq_lab.decoding import cut_off
from seq2seq_lab.vocabulary import DIGITS, END, END_ID, TARGET_SYMBOLS, longest_answer

TEXTS = ["one two three four", "x", "seven", "zero one", "five six seven eight"]
SMALL = lab.Settings(encoder_units=7, decoder_units=7)


def random_model(seed, attends=False, decoder=None):
    """A model of this draw of weights."""
    if attends:
        decoder = lab.AttentionDecoder(lab.GRUCell(6), attention_units=3)
    return drawn(lab.Seq2Seq(SMALL, decoder=decoder), seed)


def drawn(model, seed):
    """Its weights drawn anew, so large that it prefers something, and wants to end now and then."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        weight.assign(rng.normal(0, 0.9, weight.shape))
    if hasattr(model.decoder, "b_out"):
        b_out = model.decoder.b_out
        b_out.assign_add(2.0 * (np.arange(b_out.shape[0]) == END_ID))
    return model


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "attends"])
def model(request):
    return random_model(4, request.param)


def limit(text):
    """How many symbols an answer may have."""
    return longest_answer(len(text))


@functools.cache
def teacher_forced(model):
    """The model's `call`, compiled once."""
    specs = [tf.TensorSpec([None] * rank, tf.int32) for rank in (2, 1, 2)]
    return tf.function(model, input_signature=specs, autograph=False)


def next_log_p(model, text, beginnings):
    """What may follow each beginning, `(N, 11)`, by teacher forcing: another way than all that decodes."""
    targets_in = np.array([[END_ID, *beginning] for beginning in beginnings], np.int32)
    inputs = np.tile(lab.encode(text), (len(beginnings), 1))
    lengths = np.full(len(beginnings), len(text), np.int32)
    logits = teacher_forced(model)(inputs, lengths, targets_in).numpy()[:, -1].astype(float)
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def all_sequences(model, text):
    """Every answer that a text can have, with its log-probability, the best first."""
    unfinished, finished = {(): 0.0}, {}
    for _ in range(limit(text)):
        longer = {}
        for (ids, log_p), row in zip(
            unfinished.items(), next_log_p(model, text, list(unfinished)), strict=True
        ):
            for i, log_q in enumerate(row):
                (finished if i == END_ID else longer)[(*ids, i)] = log_p + log_q
        unfinished = longer
    return sorted(((lab.decode(i), p) for i, p in (finished | unfinished).items()), key=lambda a: -a[1])


def plain_beam(model, text, width, length_power=0.0):
    """Beam search with lists, one text at a time."""

    def score(hypothesis):
        return hypothesis[1] / len(hypothesis[0]) ** length_power

    beam = [((), 0.0)]
    for _ in range(limit(text)):
        going_on = [h for h in beam if h[0][-1:] != (END_ID,)]
        if not going_on:
            break
        rows = next_log_p(model, text, [ids for ids, _ in going_on])
        beam = [h for h in beam if h not in going_on]
        for (ids, log_p), row in zip(going_on, rows, strict=True):
            beam += [((*ids, i), log_p + log_q) for i, log_q in enumerate(row)]
        beam = sorted(beam, key=score, reverse=True)[:width]
    return [(lab.decode(ids), log_p, score((ids, log_p))) for ids, log_p in beam]


def assert_same(found, wanted):
    """The same texts in the same order, with the same numbers."""
    assert [h.text for h in found] == [text for text, *_ in wanted]
    for hypothesis, (_, *numbers) in zip(found, wanted, strict=True):
        np.testing.assert_allclose(hypothesis[1 : 1 + len(numbers)], numbers, atol=2e-5)


@pytest.mark.slow
def test_a_beam_as_wide_as_the_tree_finds_everything_with_its_exact_probability(model):
    wanted = all_sequences(model, "two")
    assert len(wanted) == 1_000 + 100 + 10 + 1
    (found,) = model.hypotheses(["two"], lab.BeamSearch(1_200), n_best=1_200)
    assert {h.text for h in found} == {text for text, _ in wanted}  # and no more than there are
    np.testing.assert_allclose([h.log_probability for h in found], [p for _, p in wanted], atol=2e-5)
    assert np.exp([h.log_probability for h in found]).sum() == pytest.approx(1, abs=1e-4)
    assert_same(found[:20], wanted[:20])


@pytest.mark.parametrize("length_power", [0.0, 0.7, 1.5])
@pytest.mark.parametrize("width", [1, 2, 3, 7])
def test_every_narrower_beam_is_a_plain_beam_search(model, width, length_power):
    found = model.hypotheses(TEXTS, lab.BeamSearch(width, length_power), n_best=width)
    for text, answers in zip(TEXTS, found, strict=True):
        assert_same(answers, plain_beam(model, text, width, length_power))


@pytest.mark.slow
def test_other_models_too():
    plain, attending = random_model(0), random_model(0, attends=True)
    for seed in range(5, 11):
        model = drawn(plain if seed % 2 else attending, seed)
        found = model.hypotheses(TEXTS, lab.BeamSearch(3), n_best=3)
        for text, answers in zip(TEXTS, found, strict=True):
            assert_same(answers, plain_beam(model, text, 3))


@pytest.mark.slow
def test_width_one_is_greedy_and_greedy_is_free_running(model):
    greedy = model.hypotheses(TEXTS)
    assert [a[0].text for a in greedy] == model.translate(TEXTS)
    for text, (narrow,), (best,) in zip(
        TEXTS, model.hypotheses(TEXTS, lab.BeamSearch(1)), greedy, strict=True
    ):
        assert narrow.text == best.text
        assert narrow.log_probability == pytest.approx(best.log_probability, abs=1e-5)
        ids = lab.encode(text)[None]
        said = np.argmax(model.free_running(ids, [len(text)], limit(text))[0], -1)
        digits, end, _ = lab.decode(said).partition(END)
        assert best.text == digits + end
        assert best.score == best.log_probability


def test_a_wider_beam_finds_more_probable_texts_on_the_whole_but_not_always():
    """A narrow beam can be lucky: the wider one drops the beginning that would have won."""
    better, model = [], random_model(0)
    for seed in range(30):
        drawn(model, seed)
        narrow, wide = (model.hypotheses(TEXTS, lab.BeamSearch(width)) for width in (1, 2))
        better += [w.log_probability - n.log_probability for (n,), (w,) in zip(narrow, wide, strict=True)]
    assert np.mean(better) > 0.01
    assert min(better) < -0.01


def test_a_given_answer_is_worth_the_sum_over_its_symbols(model):
    """Against one teacher-forced step at a time, in NumPy; each alone and all together, padding and all."""
    rng = np.random.default_rng(3)
    answers = ["#", "7", "70#", "0", "31415#", "999", "0000000#"]
    texts = [TEXTS[i] for i in rng.integers(len(TEXTS), size=len(answers))]
    wanted = []
    for text, answer in zip(texts, answers, strict=True):
        ids = tuple(int(i) for i in lab.encode(answer))
        wanted.append(sum(next_log_p(model, text, [ids[:t]])[0][ids[t]] for t in range(len(ids))))
    np.testing.assert_allclose(model.log_probability(texts, answers), wanted, atol=2e-5)
    for text, answer, log_p in zip(texts, answers, wanted, strict=True):
        np.testing.assert_allclose(model.log_probability([text], [answer]), [log_p], atol=2e-5)
    assert model.log_probability([], []).shape == (0,)


def test_what_a_search_finds_is_worth_what_it_says(model):
    for strategy in (lab.Greedy(), lab.Sampling(2.0, seed=1), lab.BeamSearch(5, 0.7)):
        found = model.hypotheses(TEXTS, strategy, n_best=strategy.hypotheses)
        pairs = [(text, h) for text, answers in zip(TEXTS, found, strict=True) for h in answers]
        log_p = model.log_probability([text for text, _ in pairs], (h.text for _, h in pairs))
        np.testing.assert_allclose(log_p, [h.log_probability for _, h in pairs], atol=2e-5)


def test_any_decoder_scores_given_answers_step_by_step():
    model = random_model(3, decoder=Remembering())  # it has no `sequence`
    answers = [h.text for (h,) in model.hypotheses(TEXTS)]
    wanted = [h.log_probability for (h,) in model.hypotheses(TEXTS)]
    np.testing.assert_allclose(model.log_probability(TEXTS, answers), wanted, atol=2e-5)


def test_answers_that_are_none_are_named(model):
    for answers in (["1#", ""], ["1#", "##"], ["1#", "#1"], ["1#", "one"], ["1#", 12], ["1#", " "]):
        with pytest.raises(ValueError, match=r"^answers must be each a string of 0123456789.*, but is "):
            model.log_probability(["one", "two"], answers)
    for answers in ([], ["1#"], ["1#"] * 3, "1", "1#3"):
        with pytest.raises(ValueError, match=r"^answers must be .*, but is"):
            model.log_probability(["one", "two"], answers)
    with pytest.raises(ValueError, match=r"^answers must be a list of strings"):
        model.log_probability(["one", "two"], "12")
    with pytest.raises(ValueError, match=r"^texts must"):
        model.log_probability("one", ["1#"])


def test_nothing_follows_an_end(model):
    for strategy in (lab.Greedy(), lab.Sampling(2.0), lab.BeamSearch(9)):
        found = model.hypotheses(TEXTS, strategy, n_best=strategy.hypotheses)
        texts = [h.text for answers in found for h in answers]
        assert any(text.endswith(END) for text in texts)
        assert all(END not in text[:-1] for text in texts)
        for text, answers in zip(TEXTS, found, strict=True):
            assert len({h.text for h in answers}) == len(answers)
            for h in answers:
                assert 1 <= len(h.text) <= limit(text)
                assert h.text.endswith(END) or len(h.text) == limit(text)


@pytest.mark.parametrize("strategy", [lab.Greedy(), lab.Sampling(1.5, seed=3), lab.BeamSearch(4, 0.5)])
def test_rows_of_a_batch_do_not_influence_each_other(model, strategy):
    together = model.hypotheses(TEXTS, strategy, n_best=strategy.hypotheses)
    for i, text in enumerate(TEXTS):
        before = ["nine", "two two two two"][: i % 3] * 2
        alone = model.hypotheses([*TEXTS[:i], text], strategy, n_best=strategy.hypotheses)[-1]
        assert_same(alone, together[i])
        if not isinstance(strategy, lab.Sampling):  # which depends on the place in the batch
            others = model.hypotheses([*before, text], strategy, n_best=strategy.hypotheses)[-1]
            assert_same(others, together[i])


def drawn_from(logits, temperature=1.0, top_k=None, top_p=None):
    """The probability of each symbol that may be drawn, by its id: temperature, `top_k`, then `top_p`."""
    p = np.exp((logits - logits.max()) / temperature)
    ids = sorted(range(len(p)), key=lambda i: -p[i])[:top_k]  # a stable order: the smaller id first
    for n in range(1, len(ids) + 1):
        if top_p is not None and p[ids[:n]].sum() >= top_p * p[ids].sum():
            ids = ids[:n]
            break
    return {i: p[i] / p[ids].sum() for i in ids}


CUT_OFF = [
    *((1.0, None, None), (0.6, None, None), (2.5, 4, None), (1.0, 1, None), (1.0, None, 0.7)),
    *((2.0, None, 0.5), (1.7, 5, 0.6), (1.0, None, 1e-6), (1.0, None, 1), (3.0, 3, 1.0)),
]


@pytest.mark.parametrize(("temperature", "top_k", "top_p"), CUT_OFF)
def test_what_may_be_drawn_is_cut_off_in_the_order_that_is_said(temperature, top_k, top_p):
    rng = np.random.default_rng(8)
    logits = rng.normal(0, 3, (300, TARGET_SYMBOLS))
    logits[100:200] = logits[100:200].round()  # ties
    log_p = cut_off(logits, temperature, top_k or TARGET_SYMBOLS, 1 if top_p is None else top_p).numpy()
    kept = log_p > -np.inf
    for row, found, left in zip(logits, log_p, kept, strict=True):
        wanted = drawn_from(row, temperature, top_k, top_p)
        assert [*np.flatnonzero(left)] == sorted(wanted)
        p = np.exp(found[left])
        np.testing.assert_allclose(p / p.sum(), [wanted[i] for i in sorted(wanted)], atol=1e-5)
    sizes = kept.sum(1)
    assert sizes.min() >= 1
    assert sizes.max() <= (top_k or TARGET_SYMBOLS)


def test_the_nucleus_of_symbols_that_are_all_alike_and_of_a_certain_one():
    even, sure = np.zeros((1, TARGET_SYMBOLS)), 80.0 * np.eye(TARGET_SYMBOLS)[3:4]
    for top_p, left in ((1e-6, 1), (0.5, 6), (0.95, 11), (1.0, 11)):
        assert [*np.flatnonzero(cut_off(even, 1.0, 11, top_p) > -np.inf)] == [*range(left)]
        only_3 = cut_off(sure, 1.0, 11, top_p).numpy()[0]
        assert np.argmax(only_3) == 3
        assert (only_3 > -np.inf).sum() == (11 if top_p == 1 else 1)  # 1 cuts nothing off


@pytest.mark.slow
@pytest.mark.parametrize(("temperature", "top_k", "top_p"), CUT_OFF[:7])
def test_samples_are_as_frequent_as_the_softmax_says(model, temperature, top_k, top_p):
    """Both symbols of all two-symbol beginnings: a chi-squared test, whose seed is fixed."""
    texts, counts = 8_000, {}
    for said in model.translate(["seven"] * texts, lab.Sampling(temperature, top_k, 5, top_p)):
        counts[said[:2]] = counts.get(said[:2], 0) + 1

    def probabilities(beginning):
        return drawn_from(next_log_p(model, "seven", [beginning])[0], temperature, top_k, top_p)

    wanted = {}
    for i, p in probabilities(()).items():
        if i == END_ID:
            wanted[END] = p
        else:
            wanted |= {lab.decode([i, j]): p * q for j, q in probabilities((i,)).items()}
    assert sum(wanted.values()) == pytest.approx(1)
    assert counts.keys() <= wanted.keys()
    often = {s: p for s, p in wanted.items() if p * texts >= 5}
    squares = [(counts.get(s, 0) - p * texts) ** 2 / (p * texts) for s, p in often.items()]
    degrees = max(1, len(often) - 1)
    assert sum(squares) < degrees + 4 * np.sqrt(2 * degrees)  # mean and deviation of chi-squared


def test_the_seed_decides_what_is_drawn(model):
    texts = ["one two three four"] * 50

    def draw(seed):
        return model.translate(texts, lab.Sampling(2.0, seed=seed))

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)
    assert len(set(draw(1))) > 10  # rows differ


def test_cold_samples_are_greedy(model):
    assert model.translate(TEXTS, lab.Sampling(1e-3)) == model.translate(TEXTS)


class Remembering(keras.layers.Layer):
    """A decoder from elsewhere, whose memory is a dictionary."""

    def __init__(self):
        super().__init__()
        self.W = self.add_weight((7, TARGET_SYMBOLS), "glorot_uniform")
        self.E = self.add_weight((TARGET_SYMBOLS, 7), "glorot_uniform")

    def start(self, outputs, state, inputs_seqlen):
        return state, {"first": state, "last": (outputs[:, 0],)}

    def step(self, state, token, memory):
        state = keras.ops.tanh(state + memory["first"] - memory["last"][0] + keras.ops.take(self.E, token, 0))
        return state, DecoderOutput(state @ self.W)


def test_any_decoder_that_keeps_the_contract_can_be_searched():
    model = random_model(3, decoder=Remembering())
    for text, answers in zip(TEXTS, model.hypotheses(TEXTS, lab.BeamSearch(3), n_best=3), strict=True):
        assert_same(answers, plain_beam(model, text, 3))


@pytest.mark.slow
def test_one_program_serves_all_texts_and_numbers():
    model, traces = random_model(1), []
    step = model.decoder.step
    model.decoder.step = lambda *args: traces.append(args) or step(*args)
    for width, texts in itertools.product((2, 3), (TEXTS, TEXTS[:1], TEXTS[2:])):
        model.translate(texts, lab.BeamSearch(width, 0.1 * width))
        model.translate(texts, lab.Sampling(width, seed=width, top_p=1 / width))
    # for each kind one program, and for samples one look at the shapes
    assert len(traces) == 3


@pytest.mark.parametrize(
    ("strategy", "name", "value"),
    [
        *((lab.BeamSearch, "width", value) for value in (0, 2.0)),
        (lab.BeamSearch, "length_power", -1.0),
        *((lab.Sampling, "temperature", value) for value in (0, float("nan"))),
        *((lab.Sampling, "top_k", value) for value in (0, TARGET_SYMBOLS + 1)),
        (lab.Sampling, "seed", -1),
        *((lab.Sampling, "top_p", value) for value in (0, 1.1, float("nan"), True)),
    ],
)
def test_wrong_numbers_are_named(strategy, name, value):
    others = {"width": 2} if strategy is lab.BeamSearch else {}
    with pytest.raises(ValueError, match=f"^{name} must be .*, but is"):
        strategy(**{**others, name: value})
    lab.Sampling(1.0, len(DIGITS) + 1, top_p=1)  # the most there are


def test_wrong_arguments_are_named(model):
    for strategy in ("greedy", 4, None, lab.BeamSearch):
        with pytest.raises(ValueError, match=r"^strategy must be Greedy.*but is"):
            model.translate(["one"], strategy)
    for n_best in (0, 3, 1.0):
        with pytest.raises(ValueError, match=r"^n_best must be .*but is"):
            model.hypotheses(["one"], lab.BeamSearch(2), n_best)
    with pytest.raises(ValueError, match=r"^n_best must be at most 1"):
        model.hypotheses(["one"], n_best=2)
    with pytest.raises(ValueError, match=r"^texts must"):
        model.hypotheses("one two", lab.BeamSearch(2))
