"""Encoder and decoder against the reference numbers, and every way to run a decoder."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_lab._internals.time_loop import length
from seq2seq_lab.contracts import DecoderOutput
from seq2seq_lab.decoding import decode_with, greedy, ground_truth, teacher_forced, tokens_read
from seq2seq_lab.encoder_decoder import Decoder, Encoder, unroll
from seq2seq_lab.gru import WEIGHTS, GRUCell
from seq2seq_lab.loss import sequence_loss
from seq2seq_lab.settings import Settings

E, H = 4, 6  # sizes of the reference
IDS, LENGTHS = tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((None,), tf.int32)

# Names of the cell's weights in the reference: `h` is the candidate there, and the encoder stacks the
# input rows over the recurrent ones.
ENCODER = {"z": "z", "r": "r", "c": "h"}
DECODER = {
    **{f"W_{source}{gate}": f"W_{gate}_{source}" for source in "xh" for gate in "zrc"},
    **{"b_z": "b_z", "b_r": "b_r", "b_c": "b_h"},
}


def close(a, b, tolerance=1e-5):
    """Equal shapes, and no difference above the tolerance, relative to the largest value."""
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and np.abs(a - b).max() <= tolerance * np.abs(b).max()


def read(reference, kind):
    """Weights (`kind` is "weight") or gradients ("grad") of encoder and decoder, under our names."""

    def get(name):
        return reference[f"{kind}:{name}"]

    encoder, decoder = {"embeddings": get("X_embeddings")}, {"embeddings": get("t_embeddings")}
    for gate, name in ENCODER.items():
        encoder[f"W_x{gate}"], encoder[f"W_h{gate}"] = np.split(get(f"encoder/W_{name}"), [E])
        encoder[f"b_{gate}"] = get(f"encoder/b_{name}")
    decoder |= {ours: get(f"decoder/{name}") for ours, name in DECODER.items()}
    return encoder, decoder | {"W_out": get("W_out"), "b_out": get("b_out")}


def variables(part):
    """Its weights by name."""
    own = {name: getattr(part, name) for name in ("embeddings", "W_out", "b_out") if hasattr(part, name)}
    return own | {name: getattr(part.cell, name) for name in WEIGHTS}


@pytest.fixture
def parts(reference):
    """Encoder and decoder with the reference's weights."""
    made = Encoder(GRUCell(H), embedding=E), Decoder(GRUCell(H), embedding=E)
    for part, values in zip(made, read(reference, "weight"), strict=True):
        assert variables(part).keys() == values.keys()
        for name, value in values.items():
            variables(part)[name].assign(value)
    return made


@pytest.fixture
def batch(reference):
    """inputs, inputs_seqlen, targets_in, targets_out, mask."""
    names = "inputs", "inputs_seqlen", "targets_in", "targets_out", "targets_mask"
    return tuple(reference[f"in:{name}"] for name in names)


def decode(parts, batch, way):
    """Logits `(B, T, 11)` of a whole pass through encoder and decoder."""
    encoder, decoder = parts
    inputs, inputs_seqlen, targets_in, *_ = batch
    state, memory = decoder.start(*encoder(inputs, inputs_seqlen), inputs_seqlen)
    return tf.transpose(way(decoder, state, memory, tf.transpose(targets_in)).logits, (1, 0, 2))


def in_a_loop(decoder, state, memory, tokens):
    """Teacher forcing by the loop, whatever the decoder offers."""
    return decode_with(ground_truth(tokens), decoder, state, memory, length(tokens), tokens[0])[1]


def run_free(decoder, state, memory, tokens):
    """Free running with the arguments of teacher forcing: of the tokens only the number counts."""
    return decode_with(greedy, decoder, state, memory, length(tokens))[1]


def test_its_own_symbols_are_read_where_it_is_told(parts, batch):
    """Against a plain loop, a row at a time."""
    encoder, decoder = parts
    inputs, inputs_seqlen, targets_in, *_ = batch
    first, memory = decoder.start(*encoder(inputs, inputs_seqlen), inputs_seqlen)
    coins = np.random.default_rng(0).random(targets_in.shape[::-1]) < 0.5  # (T, B)
    coins[0] = False
    found = tokens_read(decoder, first, memory, tf.transpose(targets_in), tf.constant(coins))
    read_own = 0
    for b in range(len(inputs)):
        h, said = first[b : b + 1], None
        for t, true in enumerate(targets_in[b]):
            read_own += coins[t, b] and said != true
            token = said if coins[t, b] else true
            assert found[t, b] == token
            h, output = decoder.step(h, tf.constant([token]), memory)
            said = int(np.argmax(output.logits))
    assert read_own > 3


def loss_and_gradients(parts, batch, way=teacher_forced):
    *_, targets, mask = batch
    with tf.GradientTape() as tape:
        loss = sequence_loss(decode(parts, batch, way), targets, mask)
    found = tape.gradient(loss, [variables(part) for part in parts])
    return loss, [{name: tf.convert_to_tensor(g).numpy() for name, g in part.items()} for part in found]


# The reference numbers


def test_the_encoder_gives_the_reference_outputs_and_state(parts, batch, reference):
    inputs, inputs_seqlen, *_ = batch
    outputs, state = parts[0](inputs, inputs_seqlen)
    assert close(state, reference["out:encoder_state"])
    for ours, theirs, n in zip(outputs, reference["out:encoder_outputs"], inputs_seqlen, strict=True):
        assert close(ours[:n], theirs[:n])


@pytest.mark.parametrize("way", [teacher_forced, in_a_loop])
def test_the_teacher_forced_decoder_gives_the_reference_logits(parts, batch, reference, way):
    assert close(decode(parts, batch, way), reference["out:logits_teacher_forced"])


def test_the_teacher_forced_decoder_gives_the_reference_states(parts, batch, reference):
    encoder, decoder = parts
    _, state = encoder(*batch[:2])
    tokens = tf.transpose(batch[2])
    states, _ = unroll(decoder.cell, tokens, decoder.embeddings, state, len(tokens))
    assert close(tf.transpose(states, (1, 0, 2)), reference["out:decoder_states_teacher_forced"])


def test_the_free_running_decoder_gives_the_reference_states_and_logits(parts, batch, reference):
    encoder, decoder = parts
    assert close(decode(parts, batch, run_free), reference["out:logits_free_running"])
    _, state = encoder(*batch[:2])
    token, states = batch[2][:, 0], []
    for _ in range(batch[2].shape[1]):
        state, output = decoder.step(state, token, ())
        token = greedy(0, output.logits)
        states.append(state)
    assert close(np.stack(states, 1), reference["out:decoder_states_free_running"])


def test_loss_and_gradients_are_those_of_the_reference(parts, batch, reference):
    loss, gradients = loss_and_gradients(parts, batch)
    assert close(loss, reference["out:loss_teacher_forced"])
    for ours, theirs in zip(gradients, read(reference, "grad"), strict=True):
        for name in theirs:
            assert close(ours[name], theirs[name]), name


# Padding


def test_the_state_is_the_one_at_each_samples_own_end(parts, batch):
    encoder, _ = parts
    inputs, inputs_seqlen, *_ = batch
    _, together = encoder(inputs, inputs_seqlen)
    for row, n, state in zip(inputs, inputs_seqlen, together, strict=True):
        _, alone = encoder(row[None, :n], np.array([n], np.int32))
        assert close(alone[0], state, 1e-6)


def test_the_encoder_stops_at_the_longest_true_length(parts, batch):
    inputs, inputs_seqlen, *_ = batch
    outputs, _ = parts[0](np.pad(inputs, [(0, 0), (0, 3)]), inputs_seqlen)
    longest = inputs_seqlen.max()
    assert outputs[:, :longest].numpy().all()
    assert not outputs[:, longest:].numpy().any()


def test_more_padding_changes_no_state_no_loss_and_no_gradient(parts, batch):
    inputs, inputs_seqlen, targets_in, targets_out, mask = batch
    rng = np.random.default_rng(1)

    def padded(ids, lengths, symbols):
        """Three more places, and any symbols from each sample's end on."""
        wide = np.pad(ids, [(0, 0), (0, 3)])
        noise = rng.integers(0, symbols, wide.shape, np.int32)
        return np.where(np.arange(wide.shape[1]) < lengths[:, None], wide, noise)

    targets_seqlen = mask.sum(1)
    more = (
        padded(inputs, inputs_seqlen, 27),
        inputs_seqlen,
        padded(targets_in, targets_seqlen, 11),
        padded(targets_out, targets_seqlen, 11),
        np.pad(mask, [(0, 0), (0, 3)]),
    )
    assert close(parts[0](*more[:2])[1], parts[0](*batch[:2])[1], 1e-6)
    loss, gradients = loss_and_gradients(parts, batch)
    loss_of_more, gradients_of_more = loss_and_gradients(parts, more)
    assert close(loss_of_more, loss, 1e-6)
    for before, after in zip(gradients, gradients_of_more, strict=True):
        for name in before:
            assert close(after[name], before[name]), name


@pytest.mark.slow
@pytest.mark.parametrize("way", [teacher_forced, in_a_loop, run_free])
def test_one_compiled_function_serves_batches_of_any_shape(parts, batch, way):
    @tf.function(input_signature=[IDS, LENGTHS, IDS])
    def compiled(*batch):
        return decode(parts, batch, way)

    inputs, inputs_seqlen, targets_in, *_ = batch
    for rows in 5, 2:
        part = inputs[:rows], inputs_seqlen[:rows], targets_in[:rows, : rows + 4]
        assert close(compiled(*part), decode(parts, part, way))


# All steps in one go, step by step, and a step of one's own


def test_all_steps_in_one_go_equal_a_loop_over_step(parts, batch):
    in_one_go = loss_and_gradients(parts, batch)
    by_steps = loss_and_gradients(parts, batch, in_a_loop)
    assert close(in_one_go[0], by_steps[0])
    for a, b in zip(in_one_go[1], by_steps[1], strict=True):
        for name in a:
            assert close(a[name], b[name]), name


class Negated(Decoder):
    """A student's decoder, with a step of its own."""

    def step(self, state, token, memory):
        state, output = super().step(state, token, memory)
        return -state, output


class Bare:
    """A decoder with the methods of the contract and nothing else: it counts what it reads."""

    def start(self, outputs, state, inputs_seqlen):
        return state, ()

    def step(self, state, token, memory):
        """Says 3 after `#`, and 4 after that."""
        state = state + memory * tf.cast(token, tf.float32)[:, None]
        return state, DecoderOutput(tf.one_hot(tf.where(state[:, 0] > 20, 4, 3), 11) + 0.01 * state)


@pytest.mark.parametrize("way", [teacher_forced, run_free])
def test_a_subclass_with_its_own_step_is_honoured(parts, way):
    mine = Negated(parts[1].cell, embedding=E)
    tokens, state = tf.constant([[10], [10]]), tf.fill((1, H), 0.5)
    first, second = way(mine, state, (), tokens).logits
    state, output = mine.step(state, tokens[0], ())
    assert close(first, output.logits)
    said = tf.argmax(first, -1) if way is run_free else tokens[1]
    assert close(second, mine.step(state, said, ())[1].logits)
    assert not close(second, parts[1].step(-state, said, ())[1].logits)


def test_a_subclass_may_bring_a_sequence_of_its_own(parts):
    class Both(Negated):
        def sequence(self, state, tokens, memory):
            return "mine"

    assert teacher_forced(Both(parts[1].cell, embedding=E), None, None, None) == "mine"


def test_a_decoder_needs_no_more_than_the_contract():
    decoder, state, memory = Bare(), tf.zeros((1, 1)), 2.0
    tokens = tf.constant([[10], [5], [1]])

    def counted(output):
        return np.round((output.logits.numpy()[:, 0, 0]) * 100).tolist()

    assert counted(teacher_forced(decoder, state, memory, tokens)) == [20, 30, 32]
    assert counted(run_free(decoder, state, memory, tokens)) == [20, 26, 34]


# Putting parts together


def test_the_decoder_must_be_as_wide_as_the_encoders_state():
    decoder = Decoder(GRUCell(7), embedding=E)
    message = "a state like the encoder's, which has units=6, but it has 7"
    with pytest.raises(ValueError, match=message):
        decoder.start(None, tf.zeros((1, 6)), None)


@pytest.mark.parametrize("part_class", [Encoder, Decoder])
def test_a_part_is_made_again_from_its_configuration(part_class):
    quarter = keras.initializers.Constant(0.25)
    part = part_class(GRUCell(H, W_hr=quarter), embedding=E, embeddings_initializer=quarter, name="mine")
    copy = part_class.from_config(part.get_config())
    assert (copy.name, copy.embedding, copy.cell.units) == ("mine", E, H)
    for one in part, copy:
        quarters = {name for name, value in variables(one).items() if (value.numpy() == 0.25).all()}
        assert quarters == {"embeddings", "W_hr"}
    assert [w.shape for w in copy.weights] == [w.shape for w in part.weights]


@pytest.mark.parametrize("cell_class", [keras.layers.GRUCell, keras.layers.SimpleRNNCell])
def test_any_keras_cell_fits_the_encoder(batch, cell_class):
    inputs, inputs_seqlen, *_ = batch
    encoder = Encoder(cell_class(H), embedding=E)
    outputs, state = encoder(inputs, inputs_seqlen)

    mask = np.arange(inputs.shape[1]) < inputs_seqlen[:, None]
    theirs = keras.layers.RNN(encoder.cell, return_sequences=True, return_state=True)
    wanted = theirs(tf.gather(encoder.embeddings, inputs), mask=mask)
    assert close(outputs * mask[..., None], wanted[0] * mask[..., None])
    assert close(state, wanted[1])


@pytest.mark.parametrize("cell_class", [keras.layers.GRUCell, keras.layers.SimpleRNNCell])
def test_any_keras_cell_fits_the_decoder(cell_class):
    decoder = Decoder(cell_class(H), embedding=E)
    tokens, state = tf.constant([[10], [5]]), tf.fill((1, H), 0.5)
    after, first = decoder.step(state, tokens[0], ())
    _, second = decoder.step(after, tokens[1], ())
    wanted = tf.stack([first.logits, second.logits])
    assert close(decoder.sequence(state, tokens, ()).logits, wanted)


def test_the_settings_size_the_parts_and_gate_biases_start_as_in_the_lesson():
    settings = Settings(input_embedding=300, target_embedding=200, embedding_stddev=2, encoder_units=5)
    encoder, decoder = Encoder.from_settings(settings), Decoder.from_settings(settings)
    assert (encoder.embeddings.shape, encoder.cell.units) == ((27, 300), 5)
    assert (decoder.embeddings.shape, decoder.cell.units) == ((11, 200), 16)
    assert (decoder.W_out.shape, decoder.b_out.shape) == ((16, 11), (11,))
    for part in encoder, decoder:
        assert abs(part.embeddings.numpy().std() - 2) < 0.2
    ones = [name for name, value in variables(encoder).items() if (value.numpy() == 1).all()]
    assert ones == ["b_z", "b_r"]
    assert not any(value.numpy().any() for name, value in variables(decoder).items() if name[0] == "b")


@pytest.mark.parametrize("part_class", [Encoder, Decoder])
def test_the_embedding_must_be_a_count(part_class):
    with pytest.raises(ValueError, match="embedding must be a whole number of at least 1, but is 0"):
        part_class(GRUCell(H), embedding=0)
