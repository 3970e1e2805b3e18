"""The Transformer: against Keras' own attention, against plain NumPy, and against what each idea promises."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import seq2seq_lab as lab
from seq2seq_lab.decoding import decode_with, ground_truth
from seq2seq_lab.transformer import LEARNED, MultiHeadAttention, attend, causal, rotated, sinusoidal

SMALL = lab.Settings(min_digits=2, max_digits=4, samples_per_epoch=96, validation_samples=40)
KINDS = "sinusoidal", "learned", "rotary", "none"


def drawn(layer, seed=0, scale=1.0):
    """The same layer with random, distinct weights."""
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.normal(0, scale, w.shape) for w in layer.weights])
    return layer


def pair(layers=1, heads=2, positions="sinusoidal", width=8):
    sizes = width, heads, layers, positions
    return drawn(lab.Seq2Seq(SMALL, lab.TransformerEncoder(*sizes), lab.TransformerDecoder(*sizes)))


@pytest.fixture(scope="module")
def batch():
    return lab.get_batch(5, 2, 4, rng=1)


def close(a, b, atol=1e-5):
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=atol)


# An independent pass in NumPy, place by place, head by head


def numpy_softmax(a):
    e = np.exp(a - a.max())
    return e / e.sum()


def numpy_norm(layer, x):
    gamma, beta = (w.numpy() for w in layer.weights)
    return (x - x.mean()) / np.sqrt(x.var() + 1e-5) * gamma + beta


def numpy_sinusoid(position, width):
    waves = [position / 10_000 ** (2 * i / width) for i in range(width // 2)]
    return np.array([*map(np.sin, waves), *map(np.cos, waves)])


def numpy_attention(layer, ask, answer):
    """What each of the rows `ask` reads of those rows of `answer` that it sees, given as pairs."""
    W_q, W_k, W_v, W_o = (np.array(getattr(layer, name)) for name in ("W_q", "W_k", "W_v", "W_o"))
    d, read, weights = W_q.shape[1] // layer.heads, [], []
    for x, seen in zip(ask, answer, strict=True):
        heads = []
        for head in range(layer.heads):
            part = slice(head * d, (head + 1) * d)
            weight = numpy_softmax(np.array([x @ W_q[:, part] @ (y @ W_k[:, part]) for y in seen]) / d**0.5)
            heads.append(sum(w * (y @ W_v[:, part]) for w, y in zip(weight, seen, strict=True)))
            weights.append(weight)
        read.append(np.concatenate(heads) @ W_o)
    return read, weights


def numpy_block(block, rows, seen_by, memory=None):
    """Rows `(T, D)` one layer further; row `t` sees the first `seen_by(t)`."""
    y = [numpy_norm(block.norms[0], x) for x in rows]
    read, _ = numpy_attention(block.attention, y, [y[: seen_by(t)] for t in range(len(y))])
    rows, weights = [x + r for x, r in zip(rows, read, strict=True)], None
    if memory is not None:
        y = [numpy_norm(block.norms[1], x) for x in rows]
        read, weights = numpy_attention(block.cross_attention, y, [memory] * len(y))
        rows = [x + r for x, r in zip(rows, read, strict=True)]
    W_1, b_1, W_2, b_2 = (np.array(getattr(block, name)) for name in ("W_1", "b_1", "W_2", "b_2"))
    inner = [np.maximum(numpy_norm(block.norms[-1], x) @ W_1 + b_1, 0) @ W_2 + b_2 for x in rows]
    return [x + i for x, i in zip(rows, inner, strict=True)], weights


def numpy_rows(part, ids, first=0):
    rows = np.array(part.embeddings)[ids]
    return [x + numpy_sinusoid(first + t, part.width) for t, x in enumerate(rows)]


@pytest.mark.slow
@pytest.mark.parametrize(("layers", "heads"), [(1, 1), (2, 4)])
def test_encoder_and_decoder_equal_plain_numpy(batch, layers, heads):
    model = pair(layers, heads)
    logits, attention = model.free_running(batch.inputs, batch.inputs_seqlen, 3, return_attention=True)
    for row, (ids, n) in enumerate(zip(batch.inputs, batch.inputs_seqlen, strict=True)):
        outputs = numpy_rows(model.encoder, ids[:n])
        for block in model.encoder.blocks:
            outputs, _ = numpy_block(block, outputs, lambda _, n=n: n)
        outputs = [numpy_norm(model.encoder.norm, x) for x in outputs]
        answer = np.argmax(logits[row], -1)
        rows, maps = numpy_rows(model.decoder, [10, *answer[:-1]]), []
        for block in model.decoder.blocks:
            rows, weights = numpy_block(block, rows, lambda t: t + 1, outputs)
            maps.append(weights)
        said = [numpy_norm(model.decoder.norm, x) @ model.decoder.W_out + model.decoder.b_out for x in rows]
        close(logits[row], said, 1e-4)
        found = np.reshape(attention[row], (3, layers, heads, -1))[..., :n]
        close(found, np.reshape(maps, (layers, 3, heads, n)).swapaxes(0, 1), 1e-4)


def test_decoder_only_equals_plain_numpy_over_the_one_stream(batch):
    model = drawn(lab.Seq2Seq(SMALL, lab.NoEncoder(), lab.DecoderOnly(8, 2)))
    decoder = model.decoder
    logits = model(batch.inputs, batch.inputs_seqlen, batch.targets_in)
    said, _ = decoder.read(model.encoder(batch.inputs, batch.inputs_seqlen)[0], batch.inputs_seqlen)
    for row, (ids, n) in enumerate(zip(batch.inputs, batch.inputs_seqlen, strict=True)):
        rows = numpy_rows(decoder, [*ids[:n], *batch.targets_in[row]])
        for block in decoder.blocks:
            rows, _ = numpy_block(block, rows, lambda t: t + 1)
        expected = np.array([numpy_norm(decoder.norm, x) @ decoder.W_out + decoder.b_out for x in rows])
        close(said[row, :n], expected[:n], 1e-4)
        close(logits[row], expected[n:, :11], 1e-4)


def test_attention_equals_that_of_keras():
    rng = np.random.default_rng(2)
    ask, answer = rng.normal(size=(3, 4, 6)), rng.normal(size=(3, 5, 6))
    visible = rng.random((3, 4, 5)) < 0.7
    visible[..., 0] = True
    ours, theirs = drawn(MultiHeadAttention(6, 2)), keras.layers.MultiHeadAttention(2, 3, use_bias=False)
    theirs.build(ask.shape, answer.shape)
    W_q, W_k, W_v, W_o = ours.get_weights()
    theirs.set_weights([*(W.reshape(6, 2, 3) for W in (W_q, W_k, W_v)), W_o.reshape(2, 3, 6)])
    ask, answer = tf.constant(ask, tf.float32), tf.constant(answer, tf.float32)
    read, weights = ours.look(ask, None, ours.keys_and_values(answer), visible[:, None])
    expected = theirs(ask, answer, attention_mask=visible, return_attention_scores=True)
    close(read, expected[0])
    close(weights, expected[1])
    assert not np.asarray(weights)[~np.repeat(visible[:, None], 2, 1)].any()


# Positions


def test_sinusoids_are_those_of_the_equation_and_rotation_knows_distances_alone():
    positions = np.array([[0, 3, 7], [50, 1, 9]])
    for places, row in zip(positions, sinusoidal(positions, 6).numpy(), strict=True):
        close(row, [numpy_sinusoid(p, 6) for p in places])
    q, k = np.random.default_rng(3).normal(size=(2, 1, 2, 5, 4)).astype(np.float32)

    def products(shift):
        there = shift + np.arange(5)[None]
        return tf.matmul(rotated(q, there), rotated(k, there), transpose_b=True)

    close(products(0), products(17), 1e-4)
    close(np.linalg.norm(rotated(q, np.array([[0, 2, 4, 6, 8]])), axis=-1), np.linalg.norm(q, axis=-1))
    close(rotated(q, np.zeros((1, 5))), q)
    assert np.abs(rotated(q, np.arange(5)[None]) - q)[:, :, 1:].min() > 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("positions", KINDS)
def test_only_without_positions_the_order_of_letters_changes_nothing(positions):
    model, rng = pair(positions=positions), np.random.default_rng(4)
    ids = lab.encode("one two five")[None]
    shuffled, n = rng.permuted(ids, axis=1), [ids.shape[1]]
    assert not np.array_equal(ids, shuffled)
    said, other = (model.free_running(text, n, 4).numpy() for text in (ids, shuffled))
    assert (np.abs(said - other).max() < 1e-4) == (positions == "none")


def test_texts_longer_than_the_learned_positions_are_read_still():
    model = pair(positions="learned")
    inputs = np.random.default_rng(5).integers(0, 27, (1, LEARNED + 2), np.int32)
    outputs, _ = model.encoder(inputs, np.array([LEARNED + 2]))
    assert np.isfinite(outputs).all()
    model.encoder.table.assign(
        tf.concat([model.encoder.table.value[:-1], 2 * model.encoder.table.value[-1:]], 0)
    )
    assert np.abs(model.encoder(inputs, np.array([LEARNED + 2]))[0] - outputs).max() > 1e-4


# The causal mask and the cache


@pytest.mark.parametrize("parts", ["pair", "decoder-only"])
def test_no_logit_depends_on_a_later_symbol(batch, parts):
    model = pair()
    if parts == "decoder-only":
        model = drawn(lab.Seq2Seq(SMALL, lab.NoEncoder(), lab.DecoderOnly(8, 2)))
    tokens = tf.transpose(batch.targets_in)
    state, memory = model.decoder.start(
        *model.encoder(batch.inputs, batch.inputs_seqlen), batch.inputs_seqlen
    )
    said = model.decoder.sequence(state, tokens, memory).logits.numpy()
    for t in range(1, len(tokens)):
        changed = tf.where(tf.range(len(tokens))[:, None] == t, (tokens + 1) % 11, tokens)
        other = model.decoder.sequence(state, changed, memory).logits.numpy()
        assert np.array_equal(other[:t], said[:t])
        assert np.abs(other[t:] - said[t:]).max(axis=(1, 2)).min() > 1e-4


@pytest.mark.parametrize("positions", ["sinusoidal", "rotary"])
def test_of_an_answer_too_long_for_the_cache_the_last_symbols_count(positions):
    """A text of three characters has room for three symbols; step and sequence agree on what is forgotten."""
    model, rng = pair(positions=positions), np.random.default_rng(6)
    inputs, n = rng.integers(0, 27, (2, 3), np.int32), np.array([3, 2], np.int32)
    state, memory = model.decoder.start(*model.encoder(inputs, n), n)
    assert state.size == 3
    tokens = tf.constant(rng.integers(0, 11, (8, 2)), tf.int32)
    choose = ground_truth(tokens)
    _, by_steps = decode_with(choose, model.decoder, state, memory, 8, tokens[0])
    close(by_steps.logits, model.decoder.sequence(state, tokens, memory).logits, 1e-4)
    assert causal(4, 3).numpy().astype(int).tolist() == [
        [1, 0, 0, 0],
        [1, 1, 0, 0],
        [1, 1, 1, 0],
        [0, 1, 1, 1],
    ]


def test_the_cache_keeps_what_each_symbol_is_asked_for_and_nothing_is_computed_twice():
    model = pair(layers=2)
    ids = lab.encode("one two five")[None]
    state, memory = model.decoder.start(*model.encoder(ids, np.array([12])), np.array([12]))
    for t, token in enumerate([10, 1, 2]):
        before = state
        state, _ = model.decoder.step(state, tf.constant([token]), memory)
        assert state.t.numpy() == [t + 1]
        for old, new in zip(tf.nest.flatten(before.layers), tf.nest.flatten(state.layers), strict=True):
            changed = np.abs(new - old).max(axis=(0, 1, 3)) > 0
            assert changed.tolist() == [row == t for row in range(state.size)]


@pytest.mark.slow
def test_restricted_it_looks_only_where_it_may():
    for model in (pair(), drawn(lab.Seq2Seq(SMALL, lab.NoEncoder(), lab.DecoderOnly(8, 2)))):
        trace = lab.trace(model, "one two five", places={0: (4, 5), 1: (8,)})
        looks = trace.attention.reshape(len(trace.written), -1, 12)
        assert np.flatnonzero(looks[0].max(0)).tolist() == [4, 5]
        assert np.flatnonzero(looks[1].max(0)).tolist() == [8]


@pytest.mark.slow
def test_maps_go_by_layer_and_head():
    trace = lab.trace(pair(layers=2, heads=2), "one two")
    assert [*trace.maps] == [f"attention, layer {i}, head {n}" for i in (1, 2) for n in (1, 2)]
    assert np.array_equal(trace.maps["attention, layer 2, head 1"], trace.attention[:, 1, 0])
    assert [*lab.trace(pair(heads=1), "one two").maps] == ["attention"]


def test_the_encoder_shows_where_its_letters_look(batch):
    model = pair(layers=2)
    outputs, maps = model.encoder.look(batch.inputs, batch.inputs_seqlen)
    close(outputs, model.encoder(batch.inputs, batch.inputs_seqlen)[0])
    S = batch.inputs.shape[1]
    assert [m.shape for m in maps] == [(5, 2, S, S)] * 2
    for weights in maps:
        close(tf.reduce_sum(weights, -1), np.ones((5, 2, S)))
        padding = np.arange(S) >= batch.inputs_seqlen[:, None]
        assert not np.asarray(weights)[np.broadcast_to(padding[:, None, None], weights.shape)].any()


def test_its_state_is_the_mean_of_its_outputs_so_that_any_decoder_can_follow(batch):
    encoder = drawn(lab.TransformerEncoder(6, layers=0, positions="none"))
    outputs, state = encoder(batch.inputs, batch.inputs_seqlen)
    for row, n in enumerate(batch.inputs_seqlen):
        close(state[row], outputs[row, :n].numpy().mean(0))
    model = lab.Seq2Seq(SMALL, encoder, lab.AttentionDecoder(lab.GRUCell(5)))
    assert model(batch.inputs, batch.inputs_seqlen, batch.targets_in).shape == (*batch.targets_in.shape, 11)
    gru = lab.Seq2Seq(SMALL, lab.Encoder(lab.GRUCell(5), 3), lab.TransformerDecoder(4, positions="learned"))
    said = drawn(gru)(batch.inputs, batch.inputs_seqlen, batch.targets_in)
    by_steps = tf.stack([*stepped(gru, batch)], 1)
    close(said, by_steps, 1e-4)


def stepped(model, batch):
    state, memory = model.decoder.start(
        *model.encoder(batch.inputs, batch.inputs_seqlen), batch.inputs_seqlen
    )
    for token in tf.transpose(batch.targets_in):
        state, output = model.decoder.step(state, token, memory)
        yield output.logits


# Learning


def test_a_language_model_learns_from_every_symbol_of_the_stream(batch):
    model = drawn(lab.LanguageModel(SMALL, lab.NoEncoder(), lab.DecoderOnly(8, 2)))
    x = batch.inputs, batch.inputs_seqlen, batch.targets_in
    loss = model.loss_of(x, batch.targets_out, batch.targets_mask)
    said, _ = model.decoder.read(model.encoder(*x[:2])[0], batch.inputs_seqlen)
    logits, nats = model(*x), []
    for row, n in enumerate(batch.inputs_seqlen):
        following = [*batch.inputs[row, 1:n], 10]
        nats += [-np.log(numpy_softmax(p.numpy())[i]) for p, i in zip(said[row], following, strict=False)]
        m = int(batch.targets_mask[row].sum())
        answer = zip(logits[row, :m], batch.targets_out[row, :m], strict=True)
        nats += [-np.log(numpy_softmax(p.numpy())[i]) for p, i in answer]
    assert float(loss) == pytest.approx(np.mean(nats), rel=1e-4)
    alone = lab.Seq2Seq(SMALL, model.encoder, model.decoder).loss_of(x, batch.targets_out, batch.targets_mask)
    assert abs(float(alone) - float(loss)) > 0.01


def test_a_language_model_is_kept_in_a_file_as_it_is(tmp_path):
    model = drawn(lab.LanguageModel(SMALL, lab.NoEncoder(), lab.DecoderOnly(8, 2, positions="rotary")))
    model.save(tmp_path / "model.keras")
    loaded = lab.load(tmp_path / "model.keras")
    assert type(loaded) is lab.LanguageModel
    assert (loaded.decoder.heads, loaded.decoder.positions) == (2, "rotary")
    assert all(map(np.array_equal, loaded.get_weights(), model.get_weights()))


def test_the_rate_rises_and_falls_over_the_settings_samples():
    settings = lab.Settings(samples=16_000, learning_rate=0.004)
    rate = lab.adam_with_warm_up(settings).get_config()["learning_rate"]
    rate = keras.optimizers.schedules.deserialize(rate)
    at = [float(rate(step)) for step in (0, 50, 100, 550, 1000, 5000)]
    middle = 0.004 * (0.02 + 0.98 * 0.5)
    close(at, [0, 0.002, 0.004, middle, 0.004 * 0.02, 0.004 * 0.02], 1e-7)


@pytest.mark.slow
def test_a_small_one_learns_the_task():
    """Half of the texts of one or two digits are right after 16,000 samples; a coin would say 1 in 110."""
    keras.utils.set_random_seed(1)
    settings = lab.Settings(
        min_digits=1, max_digits=2, samples=16_000, validation_samples=500, learning_rate=0.005
    )
    model = lab.Seq2Seq(settings, lab.TransformerEncoder(), lab.TransformerDecoder())
    lab.train(model, optimizer=lab.adam_with_warm_up(settings))
    assert lab.evaluate(model).exact_match > 0.5


# What is refused


@pytest.mark.parametrize("part", [lab.TransformerEncoder, lab.TransformerDecoder, lab.DecoderOnly])
@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ({"width": 0}, "width must be a whole number of at least 1, but is 0"),
        ({"heads": 3}, r"heads must be a divisor of width \(16\), but is 3"),
        ({"heads": 2.0}, "heads must be a whole number of at least 1, but is 2.0"),
        ({"layers": -1}, "layers must be a whole number of at least . but is -1"),
        ({"positions": "sine"}, "positions must be one of sinusoidal, learned, rotary, none, but is 'sine'"),
        ({"width": 5}, "width must be even in each head, since sinusoidal positions take numbers in pairs"),
        ({"width": 6, "heads": 2, "positions": "rotary"}, "width must be even in each head, since rotary"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(part, sizes, words):
    with pytest.raises(ValueError, match=words.replace("least .", "least .,")):
        part(**sizes)


@pytest.mark.slow
def test_decoders_have_a_layer_and_fit_one_encoder():
    for part in (lab.TransformerDecoder, lab.DecoderOnly):
        with pytest.raises(ValueError, match="layers must be a whole number of at least 1, but is 0"):
            part(layers=0)
    model = pair()
    with pytest.raises(ValueError, match="an encoder whose outputs have 8 units, not 4"):
        lab.Seq2Seq(SMALL, lab.TransformerEncoder(4), model.decoder)
    with pytest.raises(ValueError, match=r"decoder must be a DecoderOnly\(...\)"):
        lab.LanguageModel(SMALL, lab.TransformerEncoder(), lab.TransformerDecoder())
    with pytest.raises(ValueError, match="reads the text itself, from a NoEncoder, not outputs of 5 units"):
        lab.Seq2Seq(SMALL, lab.Encoder(lab.GRUCell(5)), lab.DecoderOnly())
    with pytest.raises(ValueError, match=r"encoder must be a NoEncoder\(\)"):
        lab.LanguageModel(SMALL, lab.TransformerEncoder(27, positions="none"), lab.DecoderOnly())
    with pytest.raises(ValueError, match=r"settings must be Settings\(...\)"):
        lab.LanguageModel(3, lab.NoEncoder(), lab.DecoderOnly())
    with pytest.raises(ValueError, match="schedule must be None for a LanguageModel"):
        lab.train(lab.LanguageModel(SMALL, lab.NoEncoder(), lab.DecoderOnly()), 16, schedule=lambda seen: 0.5)
    with pytest.raises(ValueError, match="scheduled_sampling must be 0 here"):
        lab.LanguageModel(lab.Settings(scheduled_sampling=0.5), lab.NoEncoder(), lab.DecoderOnly())


def test_parts_are_of_the_settings_width():
    settings = lab.Settings(encoder_units=12, decoder_units=20)
    parts = (
        lab.TransformerEncoder.from_settings(settings, heads=3),
        lab.TransformerDecoder.from_settings(settings),
    )
    model = lab.Seq2Seq(settings, *parts)
    assert [part.width for part in parts] == [12, 20]
    assert (model.settings.encoder_units, model.settings.decoder_units) == (12, 20)
    assert (model.settings.input_embedding, model.settings.target_embedding) == (12, 20)
    assert model.settings.attention_units is None
    assert parts[0].heads == 3


def test_attend_reads_nothing_of_what_is_not_visible():
    rng = np.random.default_rng(8)
    q, k, v = (tf.constant(rng.normal(size=(1, 1, n, 4)), tf.float32) for n in (3, 5, 5))
    visible = np.array([True, False, True, False, True])
    read, weight = attend(q, k, v, visible)
    close(read, attend(q, k[:, :, ::2], v[:, :, ::2], np.array([True]))[0])
    assert not np.asarray(weight)[..., ~visible].any()
