"""The model: what it computes, what it refuses, what its file keeps, and which parts fit into it."""

import dataclasses
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_lab import Decoder, Encoder, GRUCell, Seq2Seq, Settings, get_batch, load
from seq2seq_lab.loss import exact_match, sequence_loss, token_accuracy
from seq2seq_lab.training import prepare
from seq2seq_lab.vocabulary import END_ID, TARGET_SYMBOLS, decode, encode

SMALL = Settings(
    min_digits=1,
    max_digits=4,
    samples_per_epoch=320,
    validation_samples=40,
    input_embedding=3,
    target_embedding=4,
    encoder_units=6,
    decoder_units=6,
    learning_rate=0.02,
)
TEXTS = ["one two five", "nine", "zero zero zero", "six", "eight seven"]


def randomised(model):
    """The same model with weights so large that what it says varies."""
    rng = np.random.default_rng(3)
    model.set_weights([rng.normal(0, 1.5, w.shape) for w in model.weights])
    return model


@pytest.fixture(scope="module")
def model():
    """One model that no test changes."""
    return randomised(Seq2Seq(SMALL))


@pytest.fixture
def own_model():
    """A model for one test, to be changed at will."""
    return randomised(Seq2Seq(SMALL))


@pytest.fixture(scope="module")
def batch():
    return get_batch(7, SMALL.min_digits, SMALL.max_digits, rng=3)


def spoken(logits):
    return np.argmax(logits, -1)


def say_always(model, symbol):
    """Make the output layer prefer one symbol, whatever the state."""
    model.decoder.b_out.assign(1e6 * np.eye(TARGET_SYMBOLS)[symbol])


def same(arrays, others):
    return len(arrays) == len(others) and all(map(np.array_equal, arrays, others))


def optimizer_state(model):
    return [variable.numpy() for variable in model.optimizer.variables]


# What it computes


def test_shapes(model, batch):
    B, T = batch.targets_in.shape
    assert model(batch.inputs, batch.inputs_seqlen, batch.targets_in).shape == (B, T, TARGET_SYMBOLS)
    assert model.free_running(batch.inputs, batch.inputs_seqlen, 9).shape == (B, 9, TARGET_SYMBOLS)


def test_free_running_is_a_loop_over_step_with_the_arg_max_fed_back(model, batch):
    outputs, state = model.encoder(batch.inputs, batch.inputs_seqlen)
    state, memory = model.decoder.start(outputs, state, batch.inputs_seqlen)
    token, expected = np.full(len(batch.inputs), END_ID), []
    for _ in range(8):
        state, output = model.decoder.step(state, token, memory)
        expected.append(output.logits)
        token = spoken(expected[-1])
    assert len(np.unique(spoken(expected))) > 4  # something was fed back
    logits = model.free_running(batch.inputs, batch.inputs_seqlen, 8)
    np.testing.assert_allclose(logits, np.stack(expected, 1), atol=1e-4)


def test_free_running_is_teacher_forcing_by_its_own_words(model, batch):
    logits = model.free_running(batch.inputs, batch.inputs_seqlen, 8)
    said = spoken(logits)
    fed = np.hstack([np.full((len(said), 1), END_ID), said[:, :-1]])
    forced = model(batch.inputs, batch.inputs_seqlen, fed)
    np.testing.assert_allclose(forced, logits, atol=1e-4)


def test_free_running_ignores_the_targets(model, batch):
    others = np.roll(batch.targets_in, 1, 0)
    first, second = (
        model.predict_step(((batch.inputs, batch.inputs_seqlen, t),)) for t in (batch.targets_in, others)
    )
    assert np.array_equal(first, second)


@pytest.mark.parametrize("t", [0, 2, 4])
def test_teacher_forcing_never_looks_ahead(model, batch, t):
    changed = batch.targets_in.copy()
    changed[:, t] = (changed[:, t] + 1) % TARGET_SYMBOLS
    before = model(batch.inputs, batch.inputs_seqlen, batch.targets_in).numpy()
    after = model(batch.inputs, batch.inputs_seqlen, changed).numpy()
    assert np.array_equal(before[:, :t], after[:, :t])
    assert (before[:, t:] != after[:, t:]).any((0, 2)).all()


@pytest.mark.slow
def test_more_padding_changes_nothing(model, batch):
    def measure(inputs, targets_in, targets_out, mask):
        x = inputs, batch.inputs_seqlen, targets_in
        with tf.GradientTape() as tape:
            loss = sequence_loss(model(*x), targets_out, mask)
        gradients = tape.gradient(loss, model.trainable_variables)
        _, state = model.encoder(*x[:2])
        free = model.predict_step((x,))
        judged = token_accuracy(free, targets_out, mask), exact_match(free, targets_out, mask)
        return [loss, state, *judged, *map(tf.convert_to_tensor, gradients)]

    said = spoken(model.free_running(batch.inputs, batch.inputs_seqlen, batch.targets_in.shape[1]))
    targets_out = np.where(np.arange(7)[:, None] < 3, said, batch.targets_out)  # so that some are right
    short = batch.inputs, batch.targets_in, targets_out.astype(np.int32), batch.targets_mask
    long = [np.pad(part, [(0, 0), (0, more)]) for part, more in zip(short, (5, 3, 3, 3), strict=True)]
    for a, b in zip(measure(*short), measure(*long), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


# Translating


def test_translate_gives_what_was_said_up_to_the_end_symbol(model):
    for text, said in zip(TEXTS, model.translate(TEXTS), strict=True):
        ids = encode(text)[None]
        whole = decode(spoken(model.free_running(ids, [len(text)], 20))[0])
        assert whole.startswith(said)
        assert "#" not in said[:-1]
        assert said.endswith("#") == ("#" in whole[: len(said)])


def test_translate_ends_at_once_or_not_at_all(own_model):
    say_always(own_model, END_ID)
    assert own_model.translate(TEXTS) == ["#"] * len(TEXTS)
    say_always(own_model, 7)
    for text, said in zip(TEXTS, own_model.translate(TEXTS), strict=True):
        assert set(said) == {"7"}
        assert len(said) > len(text.split())  # there was time for every digit and the `#`


def test_translating_together_is_translating_alone(model):
    assert len(set(model.translate(TEXTS))) > 2
    assert model.translate(TEXTS) == [model.translate([text])[0] for text in TEXTS]
    assert model.translate(TEXTS[::-1]) == model.translate(TEXTS)[::-1]


def test_nothing_translates_to_nothing(model):
    assert model.translate([]) == []
    assert model.translate(iter(["one"])) == model.translate(("one",))


# What it refuses


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ("one two", ["texts must be a list of strings", "'one two'"]),
        (["one", ""], ["texts must not be empty", "''"]),
        (["one", "tü"], ["text", "'tü'", "'ü'", "allowed", "efghinorstuvwxz"]),
        (["one", 5], ["text must be a string", "5"]),
    ],
)
def test_translate_names_what_is_wrong(model, texts, words):
    with pytest.raises(ValueError, match=r"texts?\b") as error:
        model.translate(texts)
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize(
    ("argument", "wrong"),
    [
        ("inputs", lambda a: a[0]),
        ("inputs", lambda a: a.astype(np.float32)),
        ("inputs_seqlen", lambda a: a[:, None]),
        ("inputs_seqlen", lambda a: a / 2),
        ("targets_in", lambda a: a[..., None]),
        ("targets_in", lambda a: a > 1),
    ],
    ids=["one text", "floats", "a column", "halves", "one axis too many", "truth values"],
)
def test_inputs_of_a_wrong_rank_or_type_are_named(model, batch, argument, wrong):
    value = wrong(getattr(batch, argument))
    changed = batch._replace(**{argument: value})
    with pytest.raises(ValueError, match=f"{argument} must hold whole numbers") as error:
        model(changed.inputs, changed.inputs_seqlen, changed.targets_in)
    assert str(value.shape) in str(error.value)
    if argument != "targets_in":
        with pytest.raises(ValueError, match=f"^{argument} must hold whole numbers"):
            model.free_running(changed.inputs, changed.inputs_seqlen, 3)


@pytest.mark.parametrize("steps", [0, -1, 2.0, None])
def test_steps_must_be_a_count(model, batch, steps):
    with pytest.raises(ValueError, match=f"^steps must be a whole number of at least 1, but is {steps}"):
        model.free_running(batch.inputs, batch.inputs_seqlen, steps)


def test_parts_of_other_widths_do_not_fit():
    with pytest.raises(ValueError, match=r"decoder's cell.*units=6.*it has 5"):
        Seq2Seq(encoder=Encoder(GRUCell(6), 3), decoder=Decoder(GRUCell(5), 4))


def test_a_cell_made_for_another_embedding_does_not_fit():
    cell = GRUCell(6)
    with pytest.raises(ValueError, match="embedding"):
        Seq2Seq(encoder=Encoder(cell, 3), decoder=Decoder(cell, 4))


@pytest.mark.parametrize("method", ["learn_block", "learn", "gradients", "loss_of"])
def test_autograph_can_read_what_a_student_calls_in_a_program_of_their_own(method):
    """As notebook 5 does; what it cannot read, it warns of."""
    tf.autograph.to_graph(getattr(Seq2Seq, method))


# Its file


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model after two steps of training, with a data seed of its own, and its file."""
    model = randomised(Seq2Seq(dataclasses.replace(SMALL, l2=0.25, clip_norm=2.0)))
    prepare(model, keras.optimizers.Adam(0.03))
    x, targets, mask = get_batch(7, 1, 4, rng=3).for_keras
    for _ in range(2):
        model.learn(x, targets, mask)
    model.seed = 12345
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    model.save(path)
    return model, path


@pytest.mark.slow
def test_a_file_keeps_everything(saved, batch):
    model, path = saved
    loaded = load(path)
    x = batch.for_keras[0]
    assert np.array_equal(loaded(*x), model(*x))
    assert loaded.settings == model.settings
    assert loaded.seed == 12345
    assert int(loaded.optimizer.iterations) == 2
    assert same(optimizer_state(loaded), optimizer_state(model))
    assert loaded.optimizer.get_config() == model.optimizer.get_config()


@pytest.mark.slow
def test_a_path_may_be_a_string(saved):
    model, path = saved
    assert load(str(path)).translate(TEXTS) == model.translate(TEXTS)


def test_a_model_that_never_trained_has_a_file_too(own_model, tmp_path):
    own_model.save(tmp_path / "model.keras")
    loaded = load(tmp_path / "model.keras")
    assert same(loaded.get_weights(), own_model.get_weights())
    assert not loaded.compiled


def test_initialisers_of_ones_own_are_kept(tmp_path):
    encoder = Encoder(GRUCell(6, b_z="ones", W_hc="orthogonal"), 3, embeddings_initializer="he_normal")
    Seq2Seq(SMALL, encoder=encoder).save(tmp_path / "model.keras")
    loaded = load(tmp_path / "model.keras").encoder
    assert loaded.cell.get_config() == encoder.cell.get_config()
    assert isinstance(loaded.embeddings_initializer, keras.initializers.HeNormal)


def test_a_save_that_fails_leaves_the_old_file(own_model, tmp_path, monkeypatch):
    path = tmp_path / "model.keras"
    own_model.save(path)
    old = path.read_bytes()

    def fail(self, store):
        raise OSError("disk full")

    monkeypatch.setattr(Encoder, "save_own_variables", fail)  # in the middle of Keras' own saving
    with pytest.raises(OSError, match="disk full"):
        own_model.save(path)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["model.h5", "model.txt", "model"])
def test_only_keras_files_are_written(own_model, tmp_path, name):
    with pytest.raises(ValueError, match=r"\.keras") as error:
        own_model.save(tmp_path / name)
    assert str(tmp_path / name) in str(error.value)
    assert list(tmp_path.iterdir()) == []


def shortened(share):
    """Write the first part of a real file."""
    return lambda path, real: path.write_bytes(real[: int(share * len(real))])


def some_zip(path, real):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("readme.txt", "no model")


def altered(path, real):
    """One byte of the weights differs, as after a bad copy."""
    damaged = bytearray(real)
    damaged[real.index(b"\x89HDF") + 2000] ^= 255
    path.write_bytes(damaged)


def foreign_model(path, real):
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)


def unknown_class(path, real):
    class Unheard(Encoder):
        """A class that nobody can import."""

    Seq2Seq(SMALL, encoder=Unheard(GRUCell(6), 3)).save(path)


@pytest.mark.parametrize(
    "write",
    [
        lambda path, real: path.touch(),
        lambda path, real: path.write_text("one two five"),
        shortened(0.3),
        shortened(0.999),
        altered,
        some_zip,
        foreign_model,
        unknown_class,
    ],
    ids=["empty", "text", "third", "nearly whole", "altered", "zip", "foreign", "unknown class"],
)
def test_a_file_that_holds_no_whole_model_is_named(saved, tmp_path, write):
    path = tmp_path / "model.keras"
    write(path, saved[1].read_bytes())
    with pytest.raises(ValueError, match="path") as error:
        load(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    for path in (tmp_path / "none.keras", tmp_path):
        with pytest.raises(FileNotFoundError, match="path") as error:
            load(path)
        assert str(path) in str(error.value)
