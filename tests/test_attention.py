"""Attention against the reference numbers, NumPy and central differences; it fits wherever a decoder does."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from no_xla import xla_off

from seq2seq_lab import (
    AdditiveAttention,
    Attention,
    AttentionDecoder,
    Decoder,
    Encoder,
    GRUCell,
    Seq2Seq,
    Settings,
    get_batch,
    load,
    restart,
    train,
)
from seq2seq_lab.decoding import decode_with, greedy, ground_truth, teacher_forced
from seq2seq_lab.loss import sequence_loss
from seq2seq_lab.settings import with_attention

E, H, A = 4, 6, 3  # sizes of the reference


def close(a, b, tolerance=1e-5):
    """Equal shapes, and no difference above the tolerance, relative to the largest value."""
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and np.abs(a - b).max() <= tolerance * np.abs(b).max()


def parts_of(units=H, decoder_units=H, attention_units=A, **kwargs):
    return (
        Encoder(GRUCell(units, **kwargs), embedding=E, **kwargs),
        AttentionDecoder(GRUCell(decoder_units, **kwargs), E, attention_units, **kwargs),
    )


def decode(parts, batch, way=teacher_forced):
    """Logits `(B, T, 11)` and weights `(B, T, S)`."""
    encoder, decoder = parts
    lengths = batch["inputs_seqlen"]
    state, memory = decoder.start(*encoder(batch["inputs"], lengths), lengths)
    output = way(decoder, state, memory, tf.transpose(batch["targets_in"]))
    return [a if a is None else tf.transpose(a, (1, 0, 2)) for a in output]


def in_a_loop(decoder, state, memory, tokens):
    """Teacher forcing by the loop, whatever the decoder offers."""
    return decode_with(ground_truth(tokens), decoder, state, memory, len(tokens), tokens[0])[1]


def run_free(decoder, state, memory, tokens):
    return decode_with(greedy, decoder, state, memory, len(tokens))[1]


def states_of(parts, batch, choose=None):
    """States `(B, T, H)`, step by step; teacher-forced unless it chooses."""
    encoder, decoder = parts
    lengths, tokens = batch["inputs_seqlen"], batch["targets_in"].T
    state, memory = decoder.start(*encoder(batch["inputs"], lengths), lengths)
    states, token = [], tokens[0]
    for t in range(len(tokens)):
        state, output = decoder.step(state, token if choose else tokens[t], memory)
        token = choose and choose(t, output.logits)
        states.append(state)
    return np.stack(states, 1)


@pytest.fixture
def batch(reference):
    return {name.removeprefix("in:"): value for name, value in reference.items() if name.startswith("in:")}


@pytest.fixture
def parts(reference, batch):
    """Encoder and attending decoder with the reference's weights."""

    def get(name):
        return reference[f"weight:{name}"]

    encoder, decoder = made = parts_of()
    decode(made, batch)  # makes the weights
    cell = encoder.cell
    encoder.embeddings.assign(get("X_embeddings"))
    for gate, name in {"z": "z", "r": "r", "c": "h"}.items():
        W_x, W_h = np.split(get(f"encoder/W_{name}"), [E])
        for weight, value in (("W_x", W_x), ("W_h", W_h), ("b_", get(f"encoder/b_{name}"))):
            getattr(cell, weight + gate).assign(value)
    decoder.embeddings.assign(get("t_embeddings"))
    for gate in "zrc":
        x, h, context = np.split(get(f"attention_decoder/W_{gate}"), [E, E + H])
        values = np.vstack([x, context]), h, get(f"attention_decoder/b_{gate}")
        for weight, value in zip(("W_x", "W_h", "b_"), values, strict=True):
            getattr(decoder.cell, weight + gate).assign(value)
    for name in ("W_a", "U_a", "b_a", "v_a"):
        weight = getattr(decoder.attention, name)
        weight.assign(get(f"attention_decoder/{name}").reshape(weight.shape))
    for name, theirs in {"W_s": "attention_decoder/W_s", "b_s": "attention_decoder/b_s"}.items():
        getattr(decoder, name).assign(get(theirs))
    decoder.W_out.assign(get("W_out"))
    decoder.b_out.assign(get("b_out"))
    return made


@pytest.mark.parametrize("way", [teacher_forced, in_a_loop])
def test_teacher_forced_it_gives_the_reference_loss(parts, batch, reference, way):
    logits, _ = decode(parts, batch, way)
    loss = sequence_loss(logits, batch["targets_out"], batch["targets_mask"])
    assert close(loss, reference["out:loss_attention_teacher_forced"])


def test_it_gives_the_reference_states_and_weights(parts, batch, reference):
    assert close(states_of(parts, batch), reference["out:attention_states_teacher_forced"])
    assert close(states_of(parts, batch, greedy), reference["out:attention_states_free_running"])
    assert close(decode(parts, batch, run_free)[1], reference["out:attention_weights_free_running"])


def test_the_weights_follow_the_equations(parts, batch):
    encoder, decoder = parts
    outputs, state = encoder(batch["inputs"], batch["inputs_seqlen"])
    first, memory = decoder.start(outputs, state, batch["inputs_seqlen"])
    _, output = decoder.step(first, batch["targets_in"][:, 0], memory)
    names = "W_a", "U_a", "b_a", "v_a"
    W_a, U_a, b_a, v_a = (getattr(decoder.attention, name).numpy() for name in names)
    for b, n in enumerate(batch["inputs_seqlen"]):
        score = [v_a @ np.tanh(h @ U_a + first[b].numpy() @ W_a + b_a) for h in outputs[b, :n].numpy()]
        weight = np.exp(score) / np.exp(score).sum()
        found = output.attention[b].numpy()
        assert close(found[:n], weight)
        assert not found[n:].any()


def numbers(decoder_units, units=5, attention_units=2):
    """A tiny model in float64 with weights far from 0, and a batch."""
    parts = parts_of(units, decoder_units, attention_units, dtype="float64")
    drawn = get_batch(3, 1, 2, rng=0)._asdict()
    decode(parts, drawn)
    rng = np.random.default_rng(0)
    for part in parts:
        for weight in part.weights:
            weight.assign(rng.normal(0, 0.7, weight.shape))
    return parts, drawn


@pytest.mark.parametrize("decoder_units", [5, 3])
def test_gradients_are_central_differences(decoder_units):
    parts, drawn = numbers(decoder_units)

    def loss():
        logits = decode(parts, drawn)[0]
        return sequence_loss(logits, drawn["targets_out"], drawn["targets_mask"])

    weights = [weight for part in parts for weight in part.weights]
    again = tf.function(loss, autograph=False)  # for each side of each weight: as a program it takes less
    with tf.GradientTape() as tape:
        value = loss()
    assert value.dtype == tf.float64
    rng = np.random.default_rng(1)
    for weight, gradient in zip(weights, tape.gradient(value, [w.value for w in weights]), strict=True):
        direction, before, step = rng.normal(size=weight.shape), weight.numpy(), 1e-5
        sides = []
        for sign in (1, -1):
            weight.assign(before + sign * step * direction)
            sides.append(float(again()))
        weight.assign(before)
        slope = float(tf.reduce_sum(tf.convert_to_tensor(gradient) * direction))
        assert slope == pytest.approx((sides[0] - sides[1]) / (2 * step), rel=1e-5, abs=1e-9), weight.path


@pytest.mark.parametrize("decoder_units", [5, 3])
def test_the_gradient_by_hand_is_the_one_through_the_loop(decoder_units):
    parts, drawn = numbers(decoder_units)
    weights = [weight.value for part in parts for weight in part.weights]
    pull = np.random.default_rng(2).normal(size=(*drawn["targets_in"].shape, 11))

    def found(way):
        with tf.GradientTape() as tape:
            logits = decode(parts, drawn, way)[0]
            value = tf.reduce_sum(logits * pull)
        return logits, *map(tf.convert_to_tensor, tape.gradient(value, weights))

    for ours, theirs in zip(found(teacher_forced), found(in_a_loop), strict=True):
        assert close(ours, theirs, 1e-10)


@keras.saving.register_keras_serializable("test")
class Halving(AttentionDecoder):
    """Looks back, and then believes only half of what it has read."""

    def look_and_read(self, state, token, memory):
        h, state, weight = super().look_and_read(state, token, memory)
        return h / 2, state, weight


class Forgetful(GRUCell):
    """A GRU that keeps half of its state."""

    def call(self, x, states, training=False):
        h, _ = super().call(x, states)
        return h / 2, [h / 2]


class Doubled(AdditiveAttention):
    """Additive attention, twice as sure."""

    def score(self, query, keys):
        return 2 * super().score(query, keys)


class Even(AdditiveAttention):
    """Attention that cares for no score."""

    def weights_of(self, state, memory):
        mask = tf.cast(memory.mask, state.dtype)
        return mask / tf.reduce_sum(mask, 1, keepdims=True)


@pytest.mark.parametrize(
    "decoder",
    [
        lambda: Halving(GRUCell(5), E, A),
        lambda: AttentionDecoder(Forgetful(5), E, A),
        lambda: AttentionDecoder(GRUCell(5), E, attention=Doubled(A)),
        lambda: AttentionDecoder(GRUCell(5), E, attention=Even(A)),
        lambda: AttentionDecoder(keras.layers.LSTMCell(5), E, A),
    ],
    ids=["reading", "cell", "score", "weights", "lstm"],
)
def test_what_a_subclass_changes_is_what_is_trained(decoder):
    parts = Encoder(GRUCell(5), E), decoder()
    drawn = get_batch(3, 1, 2, rng=0)._asdict()
    decode(parts, drawn)
    rng = np.random.default_rng(0)
    for weight in parts[1].weights:
        weight.assign(rng.normal(0, 0.7, weight.shape))
    assert close(decode(parts, drawn)[0], decode(parts, drawn, in_a_loop)[0])


def test_more_padding_changes_nothing(parts, batch):
    logits, weights = decode(parts, batch, run_free)
    wider = {**batch, "inputs": np.pad(batch["inputs"], [(0, 0), (0, 7)])}
    more_logits, more_weights = decode(parts, wider, run_free)
    assert close(more_logits, logits, 1e-6)
    assert close(more_weights[..., :-7], weights, 1e-6)
    assert not more_weights[..., -7:].numpy().any()


@pytest.mark.parametrize(("units", "decoder_units"), [(5, 9), (9, 5)])
def test_encoder_and_decoder_may_differ_in_size(units, decoder_units):
    encoder = Encoder(GRUCell(units))
    model = Seq2Seq(encoder=encoder, decoder=AttentionDecoder(GRUCell(decoder_units)))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.7, weight.shape) for weight in model.weights])
    batch = get_batch(4, 2, 5, rng=0)
    logits, weights = model.free_running(batch.inputs, batch.inputs_seqlen, 7, return_attention=True)
    assert logits.shape == (4, 7, 11)
    assert weights.shape == (4, 7, batch.inputs.shape[1])
    np.testing.assert_allclose(np.sum(weights, -1), 1, rtol=1e-5)
    padding = np.arange(weights.shape[-1]) >= batch.inputs_seqlen[:, None]
    assert not np.asarray(weights)[np.broadcast_to(padding[:, None], weights.shape)].any()
    assert close(logits, model.free_running(batch.inputs, batch.inputs_seqlen, 7), 1e-6)
    seven = {**batch._asdict(), "targets_in": np.zeros((4, 7), np.int32)}
    assert close(weights, decode((encoder, model.decoder), seven, run_free)[1])


def test_defaults_have_one_home():
    settings = with_attention()
    wider = {"embedding_stddev": 1, "cell_stddev": None, "decay_samples": 20_000}
    assert settings == Settings(l2=1e-5, **wider)
    assert with_attention(l2=0.5, attention_units=7) == Settings(l2=0.5, attention_units=7, **wider)
    assert with_attention(cell_stddev=0.2).cell_stddev == 0.2
    decoder = AttentionDecoder.from_settings(Settings(attention_units=7, decoder_units=9, target_embedding=3))
    assert (decoder.attention.units, decoder.cell.units, decoder.embedding) == (7, 9, 3)
    assert AttentionDecoder(GRUCell(16)).attention.units == settings.attention_units


def test_a_plain_decoder_has_no_attention_to_return():
    batch = get_batch(1, 1, 2, rng=0)
    with pytest.raises(ValueError, match=r"return_attention must be False .* a Decoder, does not attend"):
        Seq2Seq().free_running(batch.inputs, batch.inputs_seqlen, 3, return_attention=True)


def first_weights(settings, seed=1):
    """By name, of the encoder, the decoder and the attention."""
    keras.utils.set_random_seed(seed)
    model = Seq2Seq(settings, decoder=AttentionDecoder.from_settings(settings))
    parts = {
        "encoder": model.encoder,
        "encoder.cell": model.encoder.cell,
        "decoder": model.decoder,
        "decoder.cell": model.decoder.cell,
        "attention": model.decoder.attention,
    }
    return {f"{name}.{w.name}": w.numpy() for name, part in parts.items() for w in part.weights}


WIDE = {"encoder_units": 64, "decoder_units": 48, "attention_units": 40}  # enough numbers to judge a draw by


def test_first_weights_are_drawn_as_keras_draws_them():
    drawn = first_weights(with_attention(input_embedding=30, target_embedding=40, **WIDE))
    for name in ("encoder.embeddings", "decoder.embeddings"):
        assert drawn[name].std() == pytest.approx(1, abs=0.12), name
    matrices = {f"{part}.cell.W_x{gate}" for part in ("encoder", "decoder") for gate in "zrc"}
    matrices |= {"attention.W_a", "attention.U_a", "decoder.W_s", "decoder.W_out"}
    for name in matrices:
        limit = np.sqrt(6 / sum(drawn[name].shape))  # Glorot and Bengio 2010
        assert limit * 0.97 < np.abs(drawn[name]).max() <= limit, name
        assert drawn[name].std() == pytest.approx(limit / np.sqrt(3), rel=0.1), name
    limit = np.sqrt(6 / (2 * 40))
    assert limit * 0.9 < np.abs(drawn["attention.v_a"]).max() <= limit
    for part in ("encoder", "decoder"):
        for gate in "zrc":
            W_h = drawn[f"{part}.cell.W_h{gate}"]
            np.testing.assert_allclose(W_h @ W_h.T, np.eye(len(W_h)), atol=1e-5)
    assert not drawn["attention.b_a"].any()


def test_settings_choose_the_narrow_draw_as_well():
    drawn = first_weights(with_attention(embedding_stddev=0.1, cell_stddev=0.1, **WIDE))
    for name in ("encoder.embeddings", "decoder.embeddings"):
        assert drawn[name].std() == pytest.approx(0.1, abs=0.02), name
    for part in ("encoder", "decoder"):
        for matrix in [f"W_{a}{gate}" for a in "xh" for gate in "zrc"]:
            W = drawn[f"{part}.cell.{matrix}"]
            assert 0.15 < np.abs(W).max() <= 0.2, matrix  # cut off at two standard deviations
            assert W.std() == pytest.approx(0.088, abs=0.008), matrix


def test_settings_draw_the_same_numbers_as_cells_made_by_hand():
    """A draw more, of a seed that nothing uses, and every figure of the plain lesson would be another."""
    for by_settings, by_hand in (
        (Encoder.from_settings, lambda: Encoder(GRUCell(16, b_z="ones", b_r="ones"))),
        (Decoder.from_settings, lambda: Decoder(GRUCell(16))),
    ):
        keras.utils.set_random_seed(3)
        drawn = by_settings(Settings()).get_weights()
        keras.utils.set_random_seed(3)
        for one, other in zip(drawn, by_hand().get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


def test_the_plain_lesson_keeps_its_draw():
    keras.utils.set_random_seed(1)
    model = Seq2Seq(Settings(**WIDE | {"encoder_units": 48}))
    for part in (model.encoder, model.decoder):
        assert np.std(part.embeddings) == pytest.approx(0.1, abs=0.02)
        assert np.abs(part.cell.W_hz).max() <= 0.2


# --- another score


@keras.saving.register_keras_serializable("tests")
class Dot(Attention):
    """The dot product, scaled if wanted."""

    def __init__(self, units=16, scaled=False, **kwargs):
        super().__init__(units, **kwargs)
        self.scaled = scaled

    def score(self, query, keys):
        return (keys @ query[:, :, None])[..., 0] / (self.units**0.5 if self.scaled else 1)

    def get_config(self):
        return {**super().get_config(), "scaled": self.scaled}


def attending(attention, settings=None):
    settings = settings or Settings(encoder_units=5, decoder_units=4)
    return Seq2Seq(settings, decoder=AttentionDecoder.from_settings(settings, attention=attention))


@pytest.mark.parametrize("scaled", [False, True])
def test_a_score_of_ones_own_decides_the_weights(scaled):
    model = attending(Dot(3, scaled))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.7, weight.shape) for weight in model.weights])
    batch = get_batch(4, 1, 3, rng=0)
    outputs, last = model.encoder(batch.inputs, batch.inputs_seqlen)
    state, memory = model.decoder.start(outputs, last, batch.inputs_seqlen)
    _, output = model.decoder.step(state, batch.targets_in[:, 0], memory)
    W_a, U_a, b_a = (getattr(model.decoder.attention, name).numpy() for name in ("W_a", "U_a", "b_a"))
    for b, n in enumerate(batch.inputs_seqlen):
        score = [(h @ U_a + b_a) @ (state[b].numpy() @ W_a) for h in outputs[b, :n].numpy()]
        e = np.exp(np.array(score) / (3**0.5 if scaled else 1))
        assert close(output.attention[b, :n], e / e.sum())
        assert not output.attention[b, n:].numpy().any()


def test_it_has_no_weights_that_nothing_reads():
    additive, dot = attending(AdditiveAttention(3)), attending(Dot(3))
    assert additive.count_params() - dot.count_params() == 3  # v_a
    batch = get_batch(2, 1, 3, rng=0)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(dot(batch.inputs, batch.inputs_seqlen, batch.targets_in))
    assert None not in tape.gradient(loss, dot.trainable_variables)


@pytest.mark.slow
def test_a_model_with_it_is_saved_loaded_and_drawn_anew(tmp_path):
    model = attending(Dot(3, scaled=True))
    model.save(tmp_path / "dot.keras")
    loaded = load(tmp_path / "dot.keras")
    assert isinstance(loaded.decoder.attention, Dot)
    assert (loaded.decoder.attention.units, loaded.decoder.attention.scaled) == (3, True)
    assert loaded.settings.attention_units == 3
    assert loaded.translate(TEXTS) == model.translate(TEXTS)
    before = model.get_weights()
    restart(model)
    assert all(w.shape == v.shape for w, v in zip(before, model.get_weights(), strict=True))
    assert any((w != v).any() for w, v in zip(before, model.get_weights(), strict=True))


def test_an_attention_is_for_one_decoder():
    used = attending(Dot(3)).decoder.attention
    for attention in (used, 16, "dot", Dot):
        with pytest.raises(ValueError, match=r"attention must be an Attention without weights yet"):
            AttentionDecoder(GRUCell(4), attention=attention)


def test_an_attention_must_say_what_its_score_is():
    with pytest.raises(ValueError, match="Attention must say what the score"):
        attending(Attention(3))


@pytest.mark.parametrize("units", [0, -1, 1.5, None, "16"])
def test_attention_units_must_be_a_count(units):
    with pytest.raises(ValueError, match=r"attention_units must be a whole number of at least 1, but is"):
        AttentionDecoder(GRUCell(4), attention_units=units)


def test_a_decoder_made_for_another_encoder_does_not_fit():
    decoder = AttentionDecoder(GRUCell(4))
    Seq2Seq(encoder=Encoder(GRUCell(5)), decoder=decoder)
    with pytest.raises(ValueError, match=r"state and outputs have \(5, 5\) units, not \(6, 6\)"):
        Seq2Seq(encoder=Encoder(GRUCell(6)), decoder=decoder)


# --- a training


TEXTS = ["one two", "three four five"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Losses, the model, the same gone on from a file written half way, and a file of the whole."""
    folder = tmp_path_factory.mktemp("trained")
    sizes = {"encoder_units": 5, "decoder_units": 4, "attention_units": 3}  # a program grows with them
    settings = Settings(min_digits=2, max_digits=4, samples_per_epoch=160, validation_samples=50, **sizes)
    keras.utils.set_random_seed(1)
    model = Seq2Seq(settings, decoder=AttentionDecoder.from_settings(settings))
    first = model.get_weights()
    with xla_off():
        train(model, samples=320, seed=3)
        model.save(folder / "half.keras")
        loaded = load(folder / "half.keras")
        restart(model)
        model.set_weights(first)
        losses = train(model, samples=640, seed=3).history["loss"]
        train(loaded, samples=320)
    model.save(folder / "whole.keras")
    return losses, model, loaded, folder / "whole.keras"


@pytest.mark.slow
def test_it_trains_saves_goes_on_and_translates(trained):
    losses, whole, loaded, _ = trained
    assert losses[-1] < losses[0]
    for ours, theirs in zip(loaded.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    assert loaded.translate(TEXTS) == whole.translate(TEXTS)


@pytest.mark.slow
def test_a_new_process_loads_it(trained, fresh_python):
    _, whole, _, path = trained
    translate = f"print(lab.load({str(path)!r}).translate({TEXTS}))"
    result = fresh_python(f"import seq2seq_lab as lab; lab.setup(); {translate}")
    assert result.stdout.strip() == str(whole.translate(TEXTS)), result.stderr
