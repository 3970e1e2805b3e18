"""The two contracts: every encoder and decoder there is passes here; a new one is one line in `PAIRS`.

`MISFITS` are refused when the model is made, in words with both sides' sizes.
"""

import dataclasses
import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

import seq2seq_lab as lab
from seq2seq_lab._internals.try_out import try_out
from seq2seq_lab.contracts import DecoderLike, DecoderOutput, EncoderLike
from seq2seq_lab.decoding import decode_with, greedy, ground_truth, teacher_forced
from seq2seq_lab.vocabulary import INPUT_SYMBOLS, TARGET_SYMBOLS

LSTM, Stack = keras.layers.LSTMCell, keras.layers.StackedRNNCells
TEXTS = ["one two five", "x", "seven seven", "zero eight nine"]
SMALL = lab.Settings(
    min_digits=1, max_digits=4, samples_per_epoch=96, validation_samples=40, learning_rate=0.01
)


# Parts as a student would write them: none of these classes knows more of the package than the contracts


@keras.saving.register_keras_serializable("tests")
class Bidirectional(keras.layers.Layer):
    """Reads a text forwards, and backwards from its true end."""

    def __init__(self, there, back, **kwargs):
        super().__init__(**kwargs)
        self.there, self.back = there, back

    def call(self, inputs, inputs_seqlen):
        outputs, state = self.there(inputs, inputs_seqlen)
        turned = tf.reverse_sequence(inputs, inputs_seqlen, 1)
        turned_outputs, turned_state = self.back(turned, inputs_seqlen)
        back_outputs = tf.reverse_sequence(turned_outputs, inputs_seqlen, 1)
        return tf.concat([outputs, back_outputs], 2), tf.concat([state, turned_state], 1)

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return {**super().get_config(), "there": serialize(self.there), "back": serialize(self.back)}

    @classmethod
    def from_config(cls, config):
        there, back = (keras.saving.deserialize_keras_object(config.pop(p)) for p in ("there", "back"))
        return cls(there, back, **config)


@keras.saving.register_keras_serializable("tests")
class KerasEncoder(keras.layers.Layer):
    """Keras' own embedding and GRU, with Keras' own mask."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.embedding = keras.layers.Embedding(INPUT_SYMBOLS, 3)
        self.gru = keras.layers.GRU(units, return_sequences=True, return_state=True)

    def build(self, *_):
        self.embedding.build()
        self.gru.build((None, None, 3))

    def call(self, inputs, inputs_seqlen):
        mask = tf.sequence_mask(inputs_seqlen, tf.shape(inputs)[1])
        outputs, state = self.gru(self.embedding(inputs), mask=mask)
        return outputs, state

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("tests")
class Summary(keras.layers.Layer):
    """A plain recurrent network that sees a summary of the text at every step; its state is a dictionary.

    It attends with two heads: one looks everywhere alike, one at the first place.
    """

    def __init__(self, units, width, **kwargs):
        super().__init__(**kwargs)
        self.units, self.width = units, width
        self.E = self.add_weight((TARGET_SYMBOLS, units), "glorot_uniform", name="E")
        self.W_text = self.add_weight((width, units), "glorot_uniform", name="W_text")
        self.W_state = self.add_weight((units, units), "orthogonal", name="W_state")
        self.W_out = self.add_weight((units, TARGET_SYMBOLS), "glorot_uniform", name="W_out")
        self.built = True

    def start(self, outputs, state, inputs_seqlen):
        first = {"h": tf.zeros((tf.shape(state)[0], self.units)), "t": tf.zeros_like(inputs_seqlen)}
        mask = tf.sequence_mask(inputs_seqlen, tf.shape(outputs)[1], tf.float32)
        return first, {"text": (state @ self.W_text,), "mask": mask}

    def step(self, state, token, memory):
        h = tf.tanh(tf.gather(self.E, token) + memory["text"][0] + state["h"] @ self.W_state)
        mask = memory["mask"]
        first = tf.one_hot(tf.zeros(tf.shape(mask)[0], tf.int32), tf.shape(mask)[1])
        heads = tf.stack([mask / tf.reduce_sum(mask, 1, keepdims=True), first], 1)
        return {"h": h, "t": state["t"] + 1}, DecoderOutput(h @ self.W_out, heads)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "width": self.width}


@keras.saving.register_keras_serializable("tests")
class Product(lab.Attention):
    """Attention whose score is the dot product of query and key."""

    def score(self, query, keys):
        return tf.reduce_sum(query[:, None] * keys, -1)


def gru():
    return lab.Encoder(lab.GRUCell(6), 3), lab.Decoder(lab.GRUCell(6), 4)


PAIRS = {
    "GRU": gru,
    "attention": lambda: (lab.Encoder(lab.GRUCell(5), 3), lab.AttentionDecoder(lab.GRUCell(7), 4, 3)),
    "attention with another score": lambda: (
        lab.Encoder(lab.GRUCell(5), 3),
        lab.AttentionDecoder(lab.GRUCell(7), 4, attention=Product(3)),
    ),
    "LSTM": lambda: (lab.Encoder(LSTM(5), 3), lab.Decoder(LSTM(5), 4)),
    "LSTM that attends": lambda: (lab.Encoder(LSTM(4), 3), lab.AttentionDecoder(LSTM(6), 4, 3)),
    "two GRUs": lambda: (
        lab.Encoder(Stack([lab.GRUCell(4), keras.layers.GRUCell(5)]), 3),
        lab.Decoder(Stack([keras.layers.GRUCell(4), lab.GRUCell(5)]), 4),
    ),
    "two LSTMs and attention": lambda: (
        lab.Encoder(Stack([LSTM(3), LSTM(4)]), 3),
        lab.AttentionDecoder(Stack([LSTM(5), lab.GRUCell(4)]), 4, 3),
    ),
    "bidirectional": lambda: (
        Bidirectional(lab.Encoder(lab.GRUCell(4), 3), lab.Encoder(lab.GRUCell(5), 2)),
        lab.Decoder(lab.GRUCell(9), 4),
    ),
    "Keras' own": lambda: (KerasEncoder(6), lab.Decoder(keras.layers.GRUCell(6), 4)),
    "a student's": lambda: (lab.Encoder(lab.GRUCell(5), 3), Summary(7, 5)),
    "Transformer": lambda: (lab.TransformerEncoder(8, 2), lab.TransformerDecoder(6, 3, 2, "rotary")),
    "decoder-only": lambda: (lab.NoEncoder(), lab.DecoderOnly(8, 2)),
}


def randomised(model):
    """The same model with weights so large that what it says varies, and it wants to end now and then."""
    rng = np.random.default_rng(5)
    model.set_weights([rng.normal(0, 1.0, w.shape) for w in model.weights])
    return model


@pytest.fixture(scope="module", params=PAIRS)
def pair(request):
    """A name, and a model that no test changes."""
    encoder, decoder = PAIRS[request.param]()
    return request.param, randomised(lab.Seq2Seq(SMALL, encoder, decoder))


@pytest.fixture
def model(pair):
    return pair[1]


@pytest.fixture(scope="module")
def batch():
    return lab.get_batch(7, 1, 4, rng=3)


def started(model, inputs, lengths):
    """The decoder's first state and its memory."""
    return model.decoder.start(*model.encoder(inputs, lengths), lengths)


@pytest.fixture(scope="module")
def writes(pair, batch):
    """The model's six first symbols and what it says, for some rows of the batch, or with wider inputs."""

    @tf.function(autograph=False, input_signature=[tf.TensorSpec((None,) * n, tf.int32) for n in (2, 1)])
    def program(inputs, lengths):  # traced once for all tests
        return decode_with(greedy, pair[1].decoder, *started(pair[1], inputs, lengths), 6)

    def run(rows=slice(None), wider=0):
        inputs = np.pad(batch.inputs, [(0, 0), (0, wider)])
        if wider:  # other ids stand behind each end
            inputs = np.where(np.arange(inputs.shape[1]) < batch.inputs_seqlen[:, None], inputs, 7)
        return program(inputs[rows], batch.inputs_seqlen[rows])

    return run


def as_rows(lists):
    """Ids of unequal number, with 0 behind."""
    return np.stack([np.pad(ids, (0, max(map(len, lists)) - len(ids))) for ids in lists])


def assert_close(a, b, atol=1e-5):
    tf.nest.assert_same_structure(a, b)
    for one, other in zip(tf.nest.flatten(a), tf.nest.flatten(b), strict=True):
        if one is not None or other is not None:
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=atol)


def test_each_part_is_what_the_contracts_say(model):
    assert isinstance(model.encoder, EncoderLike)
    assert isinstance(model.decoder, DecoderLike)
    output = try_out(model.encoder, model.decoder)
    assert (output.attention is not None) == model.attends


@pytest.mark.slow
def test_a_loop_over_step_equals_what_it_does_in_one_go_with_its_gradients(model, batch):
    tokens = tf.transpose(batch.targets_in)

    def in_a_loop(decoder, state, memory, tokens):
        return decode_with(ground_truth(tokens), decoder, state, memory, len(tokens), tokens[0])[1]

    found = []
    for way in (teacher_forced, in_a_loop):
        with tf.GradientTape() as tape:
            state, memory = started(model, batch.inputs, batch.inputs_seqlen)
            output = way(model.decoder, state, memory, tokens)
            loss = tf.reduce_mean(tf.sin(output.logits))
        gradients = tape.gradient(loss, [w.value for w in model.trainable_variables])
        found.append((output, [g if g is None else tf.convert_to_tensor(g) for g in gradients]))
    (output, gradients), (by_steps, gradients_by_steps) = found
    if output.attention is None:  # which `sequence` may leave out
        by_steps = by_steps._replace(attention=None)
    assert_close((output, gradients), (by_steps, gradients_by_steps))
    assert found[0][0].logits.shape == (*tokens.shape, TARGET_SYMBOLS)
    for t, token in enumerate(tokens):  # and both equal plain Python
        state, output = model.decoder.step(state, token, memory)
        assert_close(found[0][0].logits[t], output.logits)


@pytest.mark.slow
def test_padding_changes_nothing(model, batch, writes):
    """Wider inputs, with other ids behind each end: the same logits, and no look goes there."""
    narrow, wide = (writes(wider=n)[1] for n in (0, 4))
    assert_close(narrow.logits, wide.logits)
    if model.attends:
        S = batch.inputs.shape[1]
        assert_close(narrow.attention, wide.attention[..., :S])
        padding = np.arange(S + 4) >= batch.inputs_seqlen[:, None]
        weights = np.asarray(wide.attention).reshape(6, len(padding), -1, S + 4)
        assert not weights[:, padding[:, None].repeat(weights.shape[2], 1)].any()


def test_rows_of_a_batch_do_not_see_each_other(writes):
    together, said = writes()
    for rows in ([3], [6, 0, 2]):
        tokens, output = writes(rows)
        assert_close(output.logits, tf.gather(said.logits, rows, axis=1))
        assert np.array_equal(tokens, tf.gather(together, rows, axis=1))


@pytest.mark.slow
def test_a_beam_of_one_is_greedy_and_a_beam_is_never_less_sure_than_its_best_two(model):
    greedy_answers = model.hypotheses(TEXTS)
    for (one,), (best,) in zip(model.hypotheses(TEXTS, lab.BeamSearch(1)), greedy_answers, strict=True):
        assert one.text == best.text
        assert one.log_probability == pytest.approx(best.log_probability, abs=1e-4)
    for answers in model.hypotheses(TEXTS, lab.BeamSearch(4), 4):
        assert len({answer.text for answer in answers}) == 4
        scores = [answer.score for answer in answers]
        assert scores == sorted(scores, reverse=True)


@pytest.mark.slow
def test_each_answer_is_worth_what_teacher_forcing_says(model):
    """Beams and samples: rows were chosen with all of their state."""
    strategies = lab.BeamSearch(4), lab.Sampling(1.5, seed=2)
    found = [best for strategy in strategies for best, *_ in model.hypotheses(TEXTS, strategy)]
    answers = [lab.encode(best.text) for best in found]
    targets_in = [lab.encode("#" + best.text[:-1]) for best in found]
    logits = model(
        as_rows([*map(lab.encode, TEXTS)] * 2), np.array([*map(len, TEXTS)] * 2), as_rows(targets_in)
    )
    for best, ids, row in zip(found, answers, logits, strict=True):
        log_p = tf.gather(tf.nn.log_softmax(row[: len(ids)]), ids, batch_dims=1)
        assert float(tf.reduce_sum(log_p)) == pytest.approx(best.log_probability, abs=1e-3)


@pytest.mark.slow
def test_its_trace_is_what_it_writes(model):
    for text, said in zip(TEXTS, model.translate(TEXTS), strict=True):
        trace = lab.trace(model, text)
        assert trace.written == said
        assert trace.probabilities.shape == (len(said), TARGET_SYMBOLS)
        assert lab.trace(model, text, digits={0: "7"}).written[0] == "7"
        assert (trace.attention is not None) == model.attends
        if model.attends:
            assert trace.attention.shape[0] == len(said)
            assert trace.attention.shape[-1] == len(text)
            for steps in (None, len(trace.written)):
                weights = lab.attention_map(model, text, steps).weights
                assert_close(weights, np.mean([*trace.maps.values()], 0))
    panels = [axes for axes in lab.plot_trace(trace).axes if axes.get_title().startswith("attention")]
    heads = np.prod(trace.attention.shape[1:-1], dtype=int) if model.attends else 0
    assert len(panels) == heads
    for panel, weights in zip(panels, trace.maps.values(), strict=True):
        assert np.array_equal(panel.get_images()[0].get_array(), weights)


@pytest.mark.slow
def test_it_trains_evaluates_saves_and_loads(pair, tmp_path, request):
    name, randomised = pair
    if name != "LSTM":  # one of them with XLA, which takes long to compile
        request.getfixturevalue("without_xla")
    keras.utils.set_random_seed(1)
    model = lab.Seq2Seq(SMALL, *PAIRS[name]())
    history = lab.train(model, 4 * SMALL.samples_per_epoch).history
    assert history["loss"][-1] < history["loss"][0]
    measured = lab.evaluate(model, SMALL.validation_samples)
    assert 0 <= measured.exact_match <= measured.token_accuracy <= 1

    model.save(tmp_path / "model.keras")
    loaded = lab.load(tmp_path / "model.keras")
    for part in ("encoder", "decoder", "optimizer"):
        assert type(getattr(loaded, part)) is type(getattr(model, part))
    for a, b in ((loaded.weights, model.weights), (loaded.optimizer.variables, model.optimizer.variables)):
        assert all(map(np.array_equal, a, b))
    assert loaded.settings == model.settings

    loaded.set_weights(randomised.get_weights())  # so that it says more than one thing
    assert len(set(randomised.translate(TEXTS))) > 1
    assert loaded.translate(TEXTS) == randomised.translate(TEXTS)


# What the settings say


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("GRU", (3, 6, 4, 6, None)),
        ("attention", (3, 5, 4, 7, 3)),
        ("LSTM", (3, 5, 4, 5, None)),
        ("two GRUs", (3, None, 4, None, None)),
        ("bidirectional", (None, None, 4, 9, None)),
        ("a student's", (3, 5, None, None, None)),
    ],
)
def test_of_given_parts_the_settings_say_what_these_say(name, sizes):
    settings = lab.Seq2Seq(SMALL, *PAIRS[name]()).settings
    names = "input_embedding", "encoder_units", "target_embedding", "decoder_units", "attention_units"
    assert tuple(getattr(settings, name) for name in names) == sizes
    assert settings.samples_per_epoch == SMALL.samples_per_epoch


def test_of_the_lessons_own_parts_they_say_what_they_said():
    assert lab.Seq2Seq(SMALL).settings == dataclasses.replace(SMALL, attention_units=None)
    decoder = lab.AttentionDecoder.from_settings(SMALL)
    assert lab.Seq2Seq(SMALL, decoder=decoder).settings == SMALL
    wider = lab.Encoder(lab.GRUCell(16), embeddings_initializer="he_normal")
    assert lab.Seq2Seq(SMALL, wider).settings.embedding_stddev is None


# What does not fit


class NoStart:
    def step(self, state, token, memory):
        return state, DecoderOutput(tf.zeros((2, 11)))


class Fails(Summary):
    """Made for an encoder of another width: TensorFlow's own error names neither part."""

    def __init__(self):
        super().__init__(7, 4)


class FailsInKeras(keras.layers.Layer):
    """Keras wraps errors of a layer's call in many lines."""

    def call(self, inputs, inputs_seqlen):
        raise RuntimeError("so it is")


class Says(NoStart):
    """Says anything."""

    def __init__(self, *said):
        self.said = said

    def start(self, outputs, state, inputs_seqlen):
        return state, ()

    def step(self, state, token, memory):
        return (state if self.said[0] is None else self.said[0]), *self.said[1:]


class Starts(NoStart):
    """Starts with anything."""

    def __init__(self, *started):
        self.started = started

    def start(self, outputs, state, inputs_seqlen):
        return self.started


def shared():
    cell = lab.GRUCell(5)
    return lab.Encoder(cell, 3), lab.Decoder(cell, 3)


RIGHT = DecoderOutput(tf.zeros((2, 11)))
MISFITS = {
    "units": (lambda: (lab.Encoder(lab.GRUCell(6)), lab.Decoder(lab.GRUCell(5))), "units=6, but it has 5"),
    "an LSTM's state for a GRU": (
        lambda: (lab.Encoder(LSTM(6)), lab.Decoder(lab.GRUCell(6))),
        r"units=\[6, 6\], but it has 6",
    ),
    "a GRU's state for an LSTM": (
        lambda: (lab.Encoder(lab.GRUCell(6)), lab.Decoder(LSTM(6))),
        r"units=6, but it has \[6, 6\]",
    ),
    "layers": (
        lambda: (lab.Encoder(Stack([LSTM(3), LSTM(4)])), lab.Decoder(LSTM(3))),
        r"units=\[\[3, 3\], \[4, 4\]\], but it has \[3, 3\]",
    ),
    "TensorFlow's error": (
        lambda: (lab.Encoder(lab.GRUCell(6)), Fails()),
        "a state of 6 and outputs of 6 fails in Fails.start",
    ),
    "Keras' error": (lambda: (FailsInKeras(), None), "the encoder fails in FailsInKeras.*: so it is$"),
    "no start": (lambda: (None, NoStart()), "decoder must be an object with the methods start and step"),
    "no function": (lambda: (3, None), r"encoder must be called with \(inputs, inputs_seqlen\), but is 3"),
    "one thing": (lambda: (None, Says(None)), "Says.step must return two things, but returned tuple"),
    "a bare tensor": (lambda: (None, Says(None, tf.zeros((2, 11)))), "a state and a DecoderOutput, not"),
    "ten symbols": (
        lambda: (None, Says(None, DecoderOutput(tf.zeros((2, 10))))),
        r"logits must have the shape \(B, 11\).*gave \(2, 10\)",
    ),
    "a state that grows": (
        lambda: (None, Says(tf.zeros((2, 17)), RIGHT)),
        "must return a state of 16, as start returned it, but returned 17",
    ),
    "another nest": (
        lambda: (None, Says([tf.zeros((2, 16))], RIGHT)),
        r"must return a state of 16, as start returned it, but returned \[16\]",
    ),
    "weights of another text": (
        lambda: (None, Says(None, RIGHT._replace(attention=tf.zeros((2, 4))))),
        r"attention must have the shape \(B, S\), .*gave \(2, 4\)",
    ),
    "a counter without a batch": (
        lambda: (None, Starts((tf.zeros((2, 3)), tf.constant(0)), ())),
        r"the decoder's first state must have the shape \(B, ...\).*gave \(\)",
    ),
    "no state": (lambda: (None, Starts((), ())), "first state must hold at least one tensor, but is empty"),
    "no memory": (lambda: (None, Starts(tf.zeros((2, 3)), None)), r"decoder's memory must have the shape"),
    "another type": (lambda: (None, Says(tf.zeros((2, 16), tf.float64), RIGHT)), "or other types"),
    "no layer": (
        lambda: (None, Says(None, RIGHT)),
        "decoder must be a keras.layers.Layer, so that its weights",
    ),
    "a class": (lambda: (None, Summary), "decoder must be an object with the methods start and step"),
    "one cell for two": (shared, "must have cells of their own, but share 9 weights"),
    "outputs without a batch": (
        lambda: (lambda inputs, n: (tf.zeros((3, 4)), tf.zeros((2, 4))), None),
        r"encoder's outputs must have the shape \(B, S, H\).*gave \(3, 4\)",
    ),
}


@pytest.mark.parametrize("name", MISFITS)
def test_what_does_not_fit_is_refused_when_the_model_is_made(name):
    make, words = MISFITS[name]
    with pytest.raises(ValueError, match=words) as error:
        lab.Seq2Seq(SMALL, *make())
    assert "\n" not in str(error.value)


def test_parts_go_by_name_and_cells_are_cells():
    with pytest.raises(ValueError, match=r"settings must be Settings\(...\); parts go by name"):
        lab.Seq2Seq(*gru())
    for cell in (16, "gru", keras.layers.GRU(16)):
        with pytest.raises(ValueError, match=r"cell must be a cell, such as GRUCell\(16\), but is"):
            lab.Decoder(cell)


def test_the_loop_of_the_contracts_is_the_loop_of_the_package():
    """The lines that a reader meets first stand, word for word, in the code that runs."""
    source = inspect.getsource(decode_with)
    assert "state, output = decoder.step(state, token, memory)" in source
    assert "choose(t, output.logits)" in source
