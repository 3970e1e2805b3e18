"""`trace` against teacher forcing, free running and plain loops, with a hand on it and without."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_decoding import drawn, random_model, teacher_forced

import seq2seq_lab as lab
from seq2seq_lab.attention import Memory
from seq2seq_lab.vocabulary import DIGITS, END, END_ID, SYMBOLS, longest_answer

TEXTS = ["one two three four", "x", "seven", "zero one", "five six seven eight", "two two nine"]


@pytest.fixture(scope="module")
def attending():
    return random_model(54, attends=True)


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "attends"])
def model(request):
    return request.getfixturevalue("attending") if request.param else random_model(4)


def attends(model):
    return model.attends


def softmax(logits):
    e = np.exp(logits - logits.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def taught(model, text, written):
    """Probabilities `(T, 11)` of each symbol where all before it were `written`, by teacher forcing."""
    inputs, targets_in = lab.encode(text)[None], lab.encode(END + written[:-1])[None]
    logits = teacher_forced(model)(inputs, np.array([len(text)], np.int32), targets_in)
    return softmax(logits[0].numpy())


def by_hand(model, text, digits=None, places=None):
    """Written, probabilities, attention: one eager `step` after the other.

    Where a look is forced, the decoder gets a memory that holds nothing but those places.
    """
    digits, places = digits or {}, places or {}
    ids, length = lab.encode(text)[None], np.array([len(text)], np.int32)
    state, memory = model.decoder.start(*model.encoder(ids, length), length)
    token, written, probabilities, attention = END_ID, "", [], []
    for t in range(longest_answer(len(text))):
        here, kept = memory, sorted(set(places.get(t, range(len(text)))))
        if attends(model):
            here = Memory(*(tf.gather(part, kept, axis=1) for part in memory))
        state, output = model.decoder.step(state, tf.constant([token]), here)
        if attends(model):
            attention.append(np.zeros(len(text)))
            attention[t][kept] = output.attention[0]
        probabilities.append(softmax(output.logits.numpy()[0]))
        written += digits.get(t, SYMBOLS[np.argmax(probabilities[t])])
        token = SYMBOLS.index(written[t])
        if token == END_ID:
            break
    return written, np.array(probabilities), np.array(attention) if attention else None


def assert_by_hand(reading, model, **forced):
    written, probabilities, attention = by_hand(model, reading.read, **forced)
    assert reading.written == written
    np.testing.assert_allclose(reading.probabilities, probabilities, atol=2e-5)
    if attention is None:
        assert reading.attention is None
    else:
        np.testing.assert_allclose(reading.attention, attention, atol=2e-5)


def assert_same(a, b, steps=None):
    """Two readings of a text, as far as the first `steps`."""
    assert a.read == b.read
    assert a.written[:steps] == b.written[:steps]
    for one, other in (a.probabilities, b.probabilities), (a.attention, b.attention):
        assert (one is None) == (other is None)
        if one is not None:
            np.testing.assert_array_equal(one[:steps], other[:steps])


def some_forced(rng, model, text):
    """Digits and, where it can be, looks for some steps, drawn."""
    steps = [t for t in range(longest_answer(len(text))) if rng.random() < 0.4]
    digits = {t: str(rng.choice(list(DIGITS + END), p=[0.09] * 10 + [0.1])) for t in steps}
    if not attends(model):
        return {"digits": digits}
    steps = [t for t in range(longest_answer(len(text))) if rng.random() < 0.4]
    sizes = rng.integers(1, len(text) + 1, len(steps))
    places = {t: rng.choice(len(text), n, replace=False).tolist() for t, n in zip(steps, sizes, strict=True)}
    return {"digits": digits, "places": places}


@pytest.mark.slow
def test_left_alone_it_writes_what_translate_writes(model):
    said = model.translate(TEXTS)
    assert any(s.endswith(END) for s in said)
    assert any(len(s) > 3 and not s.endswith(END) for s in said)  # that did not end in time
    for text, s in zip(TEXTS, said, strict=True):
        reading = lab.trace(model, text)
        assert (reading.read, reading.written) == (text, s)
        assert reading.probabilities.shape == (len(s), 11)


def test_its_probabilities_are_those_of_teacher_forcing_along_what_it_wrote(model):
    for text in TEXTS:
        reading = lab.trace(model, text)
        wanted = taught(model, text, reading.written)
        np.testing.assert_allclose(reading.probabilities, wanted, atol=2e-5)
        assert np.ptp(wanted, axis=1).min() > 0.1  # it prefers something


def test_its_attention_is_that_of_free_running(attending):
    for text in TEXTS:
        reading = lab.trace(attending, text)
        steps = len(reading.written)
        ids = lab.encode(text)[None]
        _, weights = attending.free_running(ids, [len(text)], steps, return_attention=True)
        np.testing.assert_allclose(reading.attention, weights[0], atol=2e-5)
        assert reading.attention.shape == (steps, len(text))


def test_its_update_gate_is_that_of_the_equations(model):
    cell = model.encoder.cell
    W_xz, W_xr, W_xc, W_hz, W_hr, W_hc, b_z, b_r, b_c = (w.numpy().astype(float) for w in cell.weights)
    for text in TEXTS:
        h, gate = np.zeros(cell.units), []
        for x in model.encoder.embeddings.numpy()[lab.encode(text)].astype(float):
            z = 1 / (1 + np.exp(-(x @ W_xz + h @ W_hz + b_z)))
            r = 1 / (1 + np.exp(-(x @ W_xr + h @ W_hr + b_r)))
            h = (1 - z) * np.tanh(x @ W_xc + (r * h) @ W_hc + b_c) + z * h
            gate.append(z)
        np.testing.assert_allclose(lab.trace(model, text).update_gate, gate, atol=2e-5)


class Reversed(lab.GRUCell):
    """Equations of its own, in which z = 0 copies."""

    def call(self, x, states, training=False):
        h = states[0]
        z = tf.sigmoid(x @ self.W_xz + h @ self.W_hz + self.b_z)
        h = z * tf.tanh(x @ self.W_xc + h @ self.W_hc + self.b_c) + (1 - z) * h
        return h, [h]


@pytest.mark.slow
@pytest.mark.parametrize("make_cell", [keras.layers.GRUCell, Reversed])
def test_another_cell_has_no_gate_to_show_but_is_read_like_any(make_cell):
    """Sizes that all differ: encoder 6 and 3, decoder 5 and 4, attention 2."""
    decoder = lab.AttentionDecoder(lab.GRUCell(5), 4, attention_units=2)
    model = drawn(lab.Seq2Seq(encoder=lab.Encoder(make_cell(6), 3), decoder=decoder), 1)
    for text in TEXTS[:2]:
        reading = lab.trace(model, text)
        assert_by_hand(reading, model)
        assert reading.written == model.translate([text])[0]
        assert reading.update_gate is None


def test_a_forced_digit_stands_where_it_was_forced_and_the_rest_follows_from_it(model):
    followed = []
    for text in TEXTS:
        free = lab.trace(model, text)
        for step, digit in enumerate("8503"[: len(free.written)]):
            forced = lab.trace(model, text, {step: digit})
            assert forced.written[step] == digit
            assert_same(forced, free, step)
            # What could have been written there is what it was, too: the model chose before the hand.
            np.testing.assert_array_equal(forced.probabilities[step], free.probabilities[step])
            p = taught(model, text, forced.written)
            np.testing.assert_allclose(forced.probabilities, p, atol=2e-5)
            assert forced.written[step + 1 :] == lab.decode(p.argmax(1)[step + 1 :])
            assert len(forced.written) == longest_answer(len(text)) or forced.written.endswith(END)
            followed.append(forced.written[step + 1 :] != free.written[step + 1 :])
    assert 0.2 < np.mean(followed) < 1


def test_a_forced_end_ends_it(model):
    free = lab.trace(model, TEXTS[0])
    for step in range(len(free.written) - 1):
        forced = lab.trace(model, TEXTS[0], {step: END})
        assert forced.written == free.written[:step] + END
        assert len(forced.probabilities) == step + 1
        assert_same(forced, free, step)


def test_a_digit_forced_where_it_would_have_ended_makes_it_go_on(model):
    ended = [lab.trace(model, text) for text in TEXTS]
    ended = [r for r in ended if r.written.endswith(END) and len(r.written) < longest_answer(len(r.read))]
    assert ended
    for free in ended:
        step = len(free.written) - 1
        forced = lab.trace(model, free.read, {step: "4"})
        assert forced.written.startswith(free.written[:-1] + "4")
        assert len(forced.written) > len(free.written)
        assert_by_hand(forced, model, digits={step: "4"})


def test_a_forced_look_puts_all_weight_on_its_places_and_the_rest_follows_from_it(attending):
    text = TEXTS[0]
    free, changed = lab.trace(attending, text), []
    for step, places in enumerate([[3], [17, 0], [5, 4, 6], range(8, 13), [2], [16, 1]]):
        forced = lab.trace(attending, text, places={step: places})
        inside = np.isin(range(len(text)), list(places))
        assert np.all(forced.attention[step, ~inside] == 0)
        assert np.all(forced.attention[step, inside] > 0)
        np.testing.assert_allclose(forced.attention.sum(1), 1, atol=1e-6)
        assert_same(forced, free, step)
        assert_by_hand(forced, attending, places={step: places})
        changed.append(np.abs(forced.probabilities[step] - free.probabilities[step]).max())
    assert np.max(changed) > 0.1


def test_any_digits_and_looks_together_are_a_plain_loop(model):
    rng = np.random.default_rng(2)
    for text in TEXTS * 2:
        forced = some_forced(rng, model, text)
        assert_by_hand(lab.trace(model, text, **forced), model, **forced)


def test_places_may_be_any_collection(attending):
    wanted = lab.trace(attending, "two six", places={1: [4, 5, 6]})
    for places in (range(4, 7), {6, 4, 5}, (5, 4, 6, 6), np.arange(4, 7)):
        assert_same(lab.trace(attending, "two six", places={np.int64(1): places}), wanted)


def test_to_look_everywhere_or_to_force_what_it_says_anyway_changes_nothing(model):
    for text in TEXTS:
        free = lab.trace(model, text)
        forced = {"digits": dict(enumerate(free.written))}
        if attends(model):
            forced["places"] = dict.fromkeys(range(len(free.written)), range(len(text)))
        assert_same(lab.trace(model, text, **forced), free)
        assert_same(lab.trace(model, text, {}, {}), free)


def test_what_is_forced_behind_the_end_changes_nothing(model):
    for text in TEXTS:
        free = lab.trace(model, text)
        steps = len(free.written), longest_answer(len(text)), 1_000
        forced = {"digits": dict.fromkeys(steps, "5")}
        if attends(model):
            forced["places"] = dict.fromkeys(steps, (0,))
        assert_same(lab.trace(model, text, **forced), free)


def test_one_program_serves_all_texts_and_all_that_is_forced():
    model, traces = random_model(1, attends=True), []
    step = model.decoder.step
    model.decoder.step = lambda *args: traces.append(args) or step(*args)
    for text in TEXTS:
        lab.trace(model, text)
        lab.trace(model, text, {0: "3", 2: END}, {0: [0]})
    assert len(traces) == 2  # once for its shapes, once for its program


def test_it_remembers_what_was_forced(model):
    forced = {"digits": {np.int64(1): "3", 40: END}} | (
        {"places": {2: [np.int64(5), 4, 4]}} if attends(model) else {}
    )
    reading = lab.trace(model, TEXTS[0], **forced)
    assert reading.digits == {1: "3", 40: END}
    assert reading.places == ({2: (4, 5)} if attends(model) else {})
    assert (lab.trace(model, "one").digits, lab.trace(model, "one").places) == ({}, {})


@pytest.mark.slow
def test_what_is_saved_is_loaded_as_it_was(model, tmp_path):
    rng = np.random.default_rng(3)
    for i, text in enumerate(TEXTS):
        wanted = lab.trace(model, text, **some_forced(rng, model, text))
        wanted.save(tmp_path / f"{i}.json")
        loaded = lab.Trace.load(str(tmp_path / f"{i}.json"))
        assert_same(loaded, wanted)
        assert (loaded.digits, loaded.places) == (wanted.digits, wanted.places)
        np.testing.assert_array_equal(loaded.update_gate, wanted.update_gate)
        assert loaded.probabilities.dtype == np.float32
        assert lab.plot_trace(loaded).axes


NO_TRACES = ["", "{", "[]", "3", "{}", '{"read": "one"}', '{"digits": [], "places": {}}']


@pytest.mark.parametrize("content", NO_TRACES)
def test_a_file_that_holds_no_trace_is_named(tmp_path, content):
    path = tmp_path / "trace.json"
    path.write_text(content)
    with pytest.raises(
        ValueError, match=r"^path must name a file that holds a trace, but .*trace\.json does not"
    ):
        lab.Trace.load(path)


def test_a_trace_needs_a_folder_and_a_file(model, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^path must lie in a folder that exists"):
        lab.trace(model, "one").save(tmp_path / "missing" / "trace.json")
    with pytest.raises(FileNotFoundError):
        lab.Trace.load(tmp_path / "trace.json")


NO_TEXTS = ["", "one!", "One", "one\n", b"one", None, 5]
NO_DIGITS = [{0: "12"}, {0: ""}, {0: "x"}, {0: " "}, {2: 3}, {0: "1", 1: None}, {9: "ten"}]
NO_PLACES = [{0: []}, {0: [3]}, {0: [-1]}, {1: [0, 7]}, {0: [0.5]}, {0: "ab"}, {9: []}]
NO_STEPS = [-1, "a", 0.5, None]
NO_COLLECTIONS = [3, None, [[1]]]


class Unable:
    """A model without an encoder: whatever is read, it fails."""

    def __init__(self, decoder):
        self.decoder = decoder


def assert_named(name, decoder, *args, **kwargs):
    """A ValueError that names the argument, before any work."""
    with pytest.raises(ValueError, match=rf"^{name}\b"):
        lab.trace(Unable(decoder), *args, **kwargs)


@pytest.mark.parametrize("text", NO_TEXTS)
def test_a_wrong_text_is_named(model, text):
    assert_named("text", model.decoder, text)


@pytest.mark.parametrize("digits", NO_DIGITS)
def test_a_wrong_digit_is_named_with_its_step(model, digits):
    assert_named(rf"digits\[{max(digits)}\] must be one of 0123456789#, but is", model.decoder, "one", digits)


@pytest.mark.parametrize("places", NO_PLACES)
def test_wrong_places_are_named_with_their_step(attending, places):
    name = rf"places\[{max(places)}\] must be some of 0 \.\.\. 2, but is"
    assert_named(name, attending.decoder, "one", places=places)


@pytest.mark.parametrize("places", NO_COLLECTIONS)
def test_places_that_are_no_collection_are_named(attending, places):
    assert_named("places", attending.decoder, "one", places={0: places})


@pytest.mark.parametrize("step", NO_STEPS)
def test_a_wrong_step_is_named(attending, step):
    assert_named("digits", attending.decoder, "one", {step: "1"})
    assert_named("places", attending.decoder, "one", places={step: [0]})


def test_looks_need_a_decoder_that_attends():
    decoder = random_model(0).decoder
    assert_named("places must be empty where the decoder does not attend", decoder, "one", places={0: [1]})
