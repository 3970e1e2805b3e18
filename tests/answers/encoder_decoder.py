"""Answers to the exercises of notebook 1."""

import keras
import numpy as np
import tensorflow as tf

import seq2seq_lab as lab
from answers import almost, right, wrong

# --- plain-rnn


@right("plain-rnn")
def rnn_step_in_numpy(x, h, W, U, b):
    return np.tanh(np.dot(x, W) + np.dot(h, U) + b)


@right("plain-rnn")
def rnn_step_in_tf(x, h, W, U, b):
    return tf.tanh(tf.matmul(x, W) + tf.matmul(h, U) + b)


@right("plain-rnn")
@tf.function
def rnn_step_in_a_graph(x, h, W, U, b):
    return tf.math.tanh(x @ W + h @ U + b)


@right("plain-rnn")
def rnn_step_in_loops(x, h, W, U, b):
    B, H = h.shape
    new = np.zeros((B, H))
    for i in range(B):
        for k in range(H):
            a = b[k]
            for j in range(x.shape[1]):
                a += x[i, j] * W[j, k]
            for j in range(H):
                a += h[i, j] * U[j, k]
            new[i, k] = np.tanh(a)
    return new


@right("plain-rnn")
def rnn_step_of_joined_inputs(x, h, W, U, b):
    return np.tanh(np.hstack([x, h]) @ np.vstack([W, U]) + b)


@right("plain-rnn")
def rnn_step_of_columns(x, h, W, U, b):
    return np.tanh(W.T @ x.T + U.T @ h.T + b[:, None]).T


@right("plain-rnn")
def rnn_step_of_keras(x, h, W, U, b):
    cell = keras.layers.SimpleRNNCell(len(b))
    cell.build((None, x.shape[1]))
    cell.set_weights([W, U, b])
    return cell(tf.constant(x), [tf.constant(h)])[0]


@right("plain-rnn")
def rnn_step_in_place(x, h, W, U, b):
    h[...] = np.tanh(x @ W + h @ U + b)
    return h


@wrong("plain-rnn", "no-tanh")
def rnn_step_without_tanh(x, h, W, U, b):
    return tf.matmul(x, W) + tf.matmul(h, U) + b


@wrong("plain-rnn", "sigmoid")
def rnn_step_with_sigmoid(x, h, W, U, b):
    return tf.sigmoid(x @ W + h @ U + b)


@wrong("plain-rnn", "swapped")
def rnn_step_with_matrices_swapped(x, h, W, U, b):
    return np.tanh(h @ W + x @ U + b)


@wrong("plain-rnn", "transposed")
def rnn_step_with_both_transposed(x, h, W, U, b):
    return np.tanh(x @ np.transpose(W) + h @ np.transpose(U) + b)


@wrong("plain-rnn", "transposed")
def rnn_step_with_one_transposed(x, h, W, U, b):
    return tf.tanh(tf.matmul(x, W) + tf.matmul(h, U, transpose_b=True) + b)


@wrong("plain-rnn", "transposed")
def rnn_step_with_matrices_in_front(x, h, W, U, b):
    return np.tanh(np.dot(W, x) + np.dot(U, h) + b)


@wrong("plain-rnn", "element-wise")
def rnn_step_number_by_number(x, h, W, U, b):
    return np.tanh(np.multiply(W, x) + np.multiply(U, h) + b)


@wrong("plain-rnn", "state-forgotten")
def rnn_step_of_the_input_alone(x, h, W, U, b):
    return np.tanh(x @ W + np.zeros_like(h) @ U + b)


@wrong("plain-rnn", "state-added")
def rnn_step_without_u(x, h, W, U, b):
    return tf.tanh(x @ W + h + b)


@wrong("plain-rnn", "state-added")
def rnn_step_added_to_the_state(x, h, W, U, b):
    h = h + np.tanh(x @ W + b)
    return h


@wrong("plain-rnn", "product-of-both")
def rnn_step_with_products_multiplied(x, h, W, U, b):
    return np.tanh(np.dot(x, W) * np.dot(h, U) + b)


@wrong("plain-rnn", "bias-outside")
def rnn_step_with_the_bias_outside(x, h, W, U, b):
    return b + np.tanh(x @ W + h @ U)


@wrong("plain-rnn", "no-bias")
def rnn_step_without_bias(x, h, W, U, b):
    return np.tanh(np.hstack([x, h]) @ np.vstack([W, U]))


@wrong("plain-rnn", "tanh-of-each")
def rnn_step_with_two_tanhs(x, h, W, U, b):
    from_input, from_state = np.tanh(x @ W), np.tanh(h @ U)
    return from_input + from_state + b


@wrong("plain-rnn", "value")
def rnn_step_with_relu(x, h, W, U, b):
    return tf.nn.relu(x @ W + h @ U + b)


@wrong("plain-rnn", "value")
def rnn_step_with_the_bias_of_rows(x, h, W, U, b):
    return np.tanh(x @ W + h @ U + b[:, None])


@wrong("plain-rnn", "type")
def rnn_step_as_keras_returns_it(x, h, W, U, b):
    new = np.tanh(x @ W + h @ U + b)
    return new, [new]


@wrong("plain-rnn", "nothing")
def rnn_step_without_return(x, h, W, U, b):
    h[...] = np.tanh(x @ W + h @ U + b)


@wrong("plain-rnn", "raises")
def rnn_step_of_math(x, h, W, U, b):
    import math

    return math.tanh(x @ W + h @ U + b)


# --- next-token


@right("next-token")
def next_token_by_is_none(logits, truth):
    if truth is None:
        return logits.argmax(axis=1)
    return truth


@right("next-token")
def next_token_in_tf(logits, truth):
    return tf.argmax(logits, axis=-1) if truth is None else tf.constant(truth)


@right("next-token")
@tf.function
def next_token_in_a_graph(logits, truth):
    if truth is None:
        return tf.argmax(logits, 1, output_type=tf.int32)
    return truth


@right("next-token")
def next_token_in_loops(logits, truth):
    tokens = []
    for i in range(len(logits)):
        if truth is not None:
            tokens.append(truth[i])
        else:
            row = list(logits[i])
            tokens.append(row.index(max(row)))
    return tokens


@right("next-token")
def next_token_of_probabilities(logits, truth):
    e = np.exp(logits - logits.max(1, keepdims=True))
    probabilities = e / e.sum(1, keepdims=True)
    return np.argmax(probabilities, 1) if truth is None else truth


@right("next-token")
def next_token_as_floats(logits, truth):
    token = np.argsort(logits, axis=1)[:, -1] if truth is None else truth
    return token.astype(np.float32)


@wrong("next-token", "never-forced")
def next_token_of_its_own(logits, truth):
    return tf.argmax(logits, axis=1)


@wrong("next-token", "never-forced")
def next_token_the_other_way_round(logits, truth):
    if truth is not None:
        return logits.argmax(1)
    return truth


@wrong("next-token", "nothing")
def next_token_always_forced(logits, truth):
    return truth


@wrong("next-token", "raises")
def next_token_always_forced_in_tf(logits, truth):
    return tf.cast(truth, tf.int32)


@wrong("next-token", "raises")
def next_token_by_or(logits, truth):
    return truth or logits.argmax(1)


@wrong("next-token", "raises")
def next_token_by_equals_none(logits, truth):
    if truth == None:  # noqa: E711
        return logits.argmax(1)
    return truth


@wrong("next-token", "zero-ignored")
def next_token_where_it_is_not_0(logits, truth):
    said = logits.argmax(1)
    if truth is None:
        return said
    return np.where(truth, truth, said)


@wrong("next-token", "largest-logit")
def next_token_as_a_logit(logits, truth):
    return tf.reduce_max(logits, axis=1) if truth is None else truth


@wrong("next-token", "least-likely")
def next_token_sorted_upwards(logits, truth):
    return np.argsort(logits, axis=1)[:, 0] if truth is None else truth


@wrong("next-token", "wrong-axis")
def next_token_over_the_batch(logits, truth):
    return tf.argmax(logits) if truth is None else truth


@wrong("next-token", "wrong-axis")
def next_token_of_all_texts(logits, truth):
    return np.argmax(logits) if truth is None else truth


@wrong("next-token", "every-symbol")
def next_token_as_probabilities(logits, truth):
    return tf.nn.softmax(logits) if truth is None else truth


@wrong("next-token", "every-symbol")
def next_token_as_one_hot(logits, truth):
    return (logits == logits.max(1, keepdims=True)) if truth is None else truth


@wrong("next-token", "value")
def next_token_drawn(logits, truth):
    if truth is not None:
        return truth
    rng, e = np.random.default_rng(1), np.exp(logits - logits.max(1, keepdims=True))
    return [rng.choice(11, p=p / p.sum()) for p in e.astype(float)]


@wrong("next-token", "shape")
def next_token_as_columns(logits, truth):
    token = logits.argmax(1) if truth is None else truth
    return token[:, None]


@wrong("next-token", "type")
def next_token_as_text(logits, truth):
    token = logits.argmax(1) if truth is None else truth
    return lab.decode(token)


# --- accuracy-by-position


@right("accuracy-by-position")
def by_position_vectorised(said, wanted, mask):
    is_right = (said == wanted) * mask
    return is_right.sum(axis=0) / mask.sum(axis=0)


@right("accuracy-by-position")
def by_position_in_tf(said, wanted, mask):
    is_right = tf.cast(tf.equal(said, wanted), tf.float32)
    return tf.reduce_sum(is_right * mask, axis=0) / tf.reduce_sum(mask, axis=0)


@right("accuracy-by-position")
def by_position_in_loops(said, wanted, mask):
    B, T = said.shape
    result = []
    for t in range(T):
        number, right_ones = 0, 0
        for b in range(B):
            if mask[b, t]:
                number += 1
                if said[b, t] == wanted[b, t]:
                    right_ones += 1
        result.append(right_ones / number)
    return result


@right("accuracy-by-position")
def by_position_of_the_chosen(said, wanted, mask):
    result = np.zeros(said.shape[1])
    for t in range(said.shape[1]):
        chosen = mask[:, t] == 1
        result[t] = np.mean(said[chosen, t] == wanted[chosen, t])
    return result


@right("accuracy-by-position")
def by_position_with_nanmean(said, wanted, mask):
    return np.nanmean(np.where(mask == 1, said == wanted, np.nan), axis=0)


@wrong("accuracy-by-position", "unmasked")
def by_position_with_padding_as_right(said, wanted, mask):
    said, wanted = said * mask, wanted * mask
    return [np.mean(said[:, t] == wanted[:, t]) for t in range(said.shape[1])]


@wrong("accuracy-by-position", "divided-by-all")
def by_position_mean_of_masked(said, wanted, mask):
    is_right = tf.cast(said == wanted, tf.float32) * mask
    return tf.reduce_mean(is_right, axis=0)


@wrong("accuracy-by-position", "by-sample")
def by_position_row_by_row(said, wanted, mask):
    result = []
    for s, w, m in zip(said, wanted, mask, strict=True):
        result.append(np.sum((s == w) * m) / np.sum(m))
    return np.array(result)


@wrong("accuracy-by-position", "one-number")
def by_position_all_in_one(said, wanted, mask):
    places = mask.astype(bool)
    return np.mean(said[places] == wanted[places])


@wrong("accuracy-by-position", "wrong-places")
def by_position_share_of_mistakes(said, wanted, mask):
    is_right = np.sum((said == wanted) * mask, axis=0)
    return 1 - is_right / np.sum(mask, axis=0)


@wrong("accuracy-by-position", "unmasked")
def by_position_masked_below_only(said, wanted, mask):
    return (said == wanted).sum(axis=0) / mask.sum(axis=0)


@wrong("accuracy-by-position", "nan")
def by_position_mean_with_nan(said, wanted, mask):
    is_right = np.where(mask == 1, said == wanted, np.nan)
    return is_right.mean(axis=0)


@wrong("accuracy-by-position", "shape")
def by_position_keeping_dimensions(said, wanted, mask):
    is_right = (said == wanted) * mask
    return is_right.sum(axis=0, keepdims=True) / mask.sum(axis=0, keepdims=True)


@wrong("accuracy-by-position", "nothing")
def by_position_printed(said, wanted, mask):
    accuracy = ((said == wanted) * mask).sum(0) / mask.sum(0)
    print(accuracy)


@wrong("accuracy-by-position", "raises")
def by_position_mask_as_index(said, wanted, mask):
    return np.mean(said[mask] == wanted[mask], axis=0)


# --- gate-shapes


@right("gate-shapes")
def shapes_as_tuples(symbols, embedding, units):
    return (embedding, units), (units, units)


@right("gate-shapes")
def shapes_as_lists(symbols, embedding, units):
    W_xr = [embedding, units]
    W_hr = [units, units]
    return [W_xr, W_hr]


@right("gate-shapes")
def shapes_of_a_built_cell(symbols, embedding, units):
    cell = lab.GRUCell(units)
    cell.build((None, embedding))
    return cell.W_xr.shape, cell.W_hr.shape


@right("gate-shapes")
def shapes_of_tensors(symbols, embedding, units):
    embeddings = keras.layers.Embedding(symbols, embedding)
    cell = lab.GRUCell(units)
    x = embeddings(tf.constant([0]))
    cell(x, [tf.zeros((1, units))])
    return tf.shape(cell.W_xr), tf.shape(cell.W_hr)


@wrong("gate-shapes", "transposed")
def shapes_of_matrices_on_the_left(symbols, embedding, units):
    x, h = np.zeros((embedding, 1)), np.zeros((units, 1))
    W_xr, W_hr = np.zeros((units, embedding)), np.zeros((units, units))
    assert (W_xr @ x + W_hr @ h).shape == (units, 1)
    return W_xr.shape, W_hr.shape


@wrong("gate-shapes", "one-hot")
def shapes_of_a_cell_that_reads_symbols(symbols, embedding, units):
    cell = lab.GRUCell(units)
    cell.build((None, symbols))
    return cell.W_xr.shape, cell.W_hr.shape


@wrong("gate-shapes", "swapped")
def shapes_the_wrong_way_round(symbols, embedding, units):
    W_xr = np.zeros([units, units])
    W_hr = np.zeros([embedding, units])
    return np.shape(W_xr), np.shape(W_hr)


@wrong("gate-shapes", "stacked")
def shapes_of_keras_own_cell(symbols, embedding, units):
    cell = keras.layers.GRUCell(units)
    cell.build((None, embedding))
    return cell.kernel.shape, cell.recurrent_kernel.shape


@wrong("gate-shapes", "alike")
def shapes_twice_the_same(symbols, embedding, units):
    return [(embedding, units)] * 2


@wrong("gate-shapes", "value")
def shapes_of_joined_inputs(symbols, embedding, units):
    both = embedding + units
    return (both, units), (both, units)


@wrong("gate-shapes", "shape")
def shapes_as_numbers_of_weights(symbols, embedding, units):
    return embedding * units, units * units


@wrong("gate-shapes", "type")
def shapes_in_words(symbols, embedding, units):
    return "(embedding, units)", "(units, units)"


@wrong("gate-shapes", "type")
def shapes_as_four_numbers(symbols, embedding, units):
    return embedding, units, units, units


# --- copying-cell


@right("copying-cell")
def copying_by_a_constant(units):
    return lab.GRUCell(units, b_z=keras.initializers.Constant(8))


@right("copying-cell")
def copying_by_random_numbers(units):
    return lab.GRUCell(units=units, b_z=keras.initializers.RandomNormal(mean=10, stddev=0.5))


@right("copying-cell")
def copying_by_a_function(units):
    def tens(shape, dtype=None):
        return 10 * tf.ones(shape)

    return lab.GRUCell(units, b_z=tens)


@right("copying-cell")
def copying_by_configuration(units):
    settings = {"b_z": {"class_name": "Constant", "config": {"value": 12.0}}, "b_r": "ones"}
    return lab.GRUCell(units, **settings)


@wrong("copying-cell", "forgets")
def copying_with_z_at_0(units):
    return lab.GRUCell(units, b_z=keras.initializers.Constant(-10))


@wrong("copying-cell", "not-enough")
def copying_with_ones(units):
    return lab.GRUCell(units, b_z="ones")


@wrong("copying-cell", "not-enough")
def copying_nearly(units):
    b_z = keras.initializers.Constant(3.0)
    return lab.GRUCell(units, b_z=b_z)


@wrong("copying-cell", "not-the-update-gate")
def copying_by_the_reset_gate(units):
    return lab.GRUCell(units, b_r=keras.initializers.Constant(10))


@wrong("copying-cell", "not-the-update-gate")
def copying_by_the_candidate(units):
    large = keras.initializers.Constant(10)
    return lab.GRUCell(units, b_r=large, b_c=large)


@wrong("copying-cell", "matrices")
def copying_without_input(units):
    ten = keras.initializers.Constant(10)
    return lab.GRUCell(units, W_xc="zeros", b_z=ten)


@wrong("copying-cell", "matrices")
def copying_by_identity(units):
    return lab.GRUCell(units, W_hc="identity", b_z="ones")


@wrong("copying-cell", "shape")
def copying_with_16_units(units):
    return lab.GRUCell(16, b_z=keras.initializers.Constant(10))


@wrong("copying-cell", "type")
def copying_with_keras_own_cell(units):
    return keras.layers.GRUCell(units, bias_initializer=keras.initializers.Constant(10))


@wrong("copying-cell", "type")
def copying_without_a_cell(units):
    return 10 * np.ones(units)


@wrong("copying-cell", "nothing")
def copying_without_return(units):
    cell = lab.GRUCell(units, b_z=keras.initializers.Constant(10))
    cell.build((None, 16))


@wrong("copying-cell", "raises")
def copying_by_a_bare_number(units):
    return lab.GRUCell(units, b_z=10)


# --- softmax-over-time


@right("softmax-over-time")
def softmax_vectorised(states, W, b):
    logits = states @ W + b
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return logits, e / e.sum(axis=-1, keepdims=True)


@right("softmax-over-time")
def softmax_in_tf(states, W, b):
    logits = tf.einsum("bth,hk->btk", states, W) + b
    return logits, tf.nn.softmax(logits)


@right("softmax-over-time")
def softmax_flat_and_back(states, W, b):
    B, T, H = states.shape
    logits = tf.reshape(states, (B * T, H)) @ W + b
    probabilities = keras.activations.softmax(logits)
    return tf.reshape(logits, (B, T, -1)), tf.reshape(probabilities, (B, T, -1))


@right("softmax-over-time")
def softmax_step_by_step(states, W, b):
    logits, probabilities = [], []
    for t in range(states.shape[1]):
        a = np.dot(states[:, t], W) + b
        logits.append(a)
        probabilities.append(np.exp(a) / np.exp(a).sum(1)[:, None])
    return [np.stack(logits, 1), np.stack(probabilities, 1)]


@wrong("softmax-over-time", "wrong-axis")
def softmax_along_axis_1(states, W, b):
    logits = states @ W + b
    return logits, tf.nn.softmax(logits, axis=1)


@wrong("softmax-over-time", "over-batch")
def softmax_along_axis_0(states, W, b):
    logits = np.matmul(states, W) + b
    return logits, np.exp(logits) / np.sum(np.exp(logits), axis=0)


@wrong("softmax-over-time", "flat")
def softmax_flat(states, W, b):
    flat = tf.reshape(states, (-1, states.shape[2]))
    logits = tf.matmul(flat, W) + b
    return logits, tf.nn.softmax(logits)


@wrong("softmax-over-time", "no-bias")
def softmax_without_bias(states, W, b):
    logits = np.einsum("bth,hk->btk", states, W)
    return logits, tf.nn.softmax(logits, axis=-1)


@wrong("softmax-over-time", "twice")
def softmax_of_softmax(states, W, b):
    logits = tf.nn.softmax(states @ W + b)
    probabilities = tf.nn.softmax(logits)
    return logits, probabilities


@wrong("softmax-over-time", "swapped")
def softmax_with_probabilities_first(states, W, b):
    logits = tf.tensordot(states, W, 1) + b
    return keras.ops.softmax(logits), logits


@wrong("softmax-over-time", "over-everything")
def softmax_over_everything(states, W, b):
    logits = states @ W + b
    e = np.exp(logits)
    return logits, e / e.sum()


@wrong("softmax-over-time", "value")
def softmax_of_a_fresh_layer(states, W, b):
    logits = keras.layers.Dense(W.shape[1])(states)
    return logits, tf.nn.softmax(logits)


@wrong("softmax-over-time", "type")
def softmax_probabilities_alone(states, W, b):
    return tf.nn.softmax(states @ W + b)


@wrong("softmax-over-time", "raises")
def softmax_with_w_in_front(states, W, b):
    logits = W @ states + b
    return logits, tf.nn.softmax(logits)


# --- jaggedness


@right("jaggedness")
def jagged_by_diff(curve):
    return np.mean(np.abs(np.diff(curve, n=2)))


@right("jaggedness")
def jagged_by_diff_of_diff(curve):
    jumps = np.diff(curve)
    return np.abs(np.diff(jumps)).mean()


@right("jaggedness")
def jagged_in_float64(curve):
    curve = curve.astype(np.float64)
    return np.abs(curve[2:] - 2 * curve[1:-1] + curve[:-2]).mean()


@right("jaggedness")
def jagged_in_tf(curve):
    jumps = curve[1:] - curve[:-1]
    return tf.reduce_mean(tf.abs(jumps[1:] - jumps[:-1]))


@right("jaggedness")
@tf.function
def jagged_in_a_graph(curve):
    return tf.reduce_mean(tf.abs(curve[2:] - 2 * curve[1:-1] + curve[:-2]))


@right("jaggedness")
def jagged_in_a_loop(curve):
    total = 0
    for i in range(1, len(curve) - 1):
        total += abs(curve[i + 1] - 2 * curve[i] + curve[i - 1])
    return total / (len(curve) - 2)


@right("jaggedness")
def jagged_in_plain_python(curve):
    curve = curve.tolist()
    changes = [abs(curve[i] - 2 * curve[i + 1] + curve[i + 2]) for i in range(len(curve) - 2)]
    return sum(changes) / len(changes)


@right("jaggedness")
def jagged_by_norm(curve):
    changes = np.convolve(curve, [1, -2, 1], mode="valid")
    return float(np.linalg.norm(changes, 1)) / len(changes)


@wrong("jaggedness", "first-differences")
def jagged_by_jumps(curve):
    total = 0
    for i in range(1, len(curve)):
        total += abs(curve[i] - curve[i - 1])
    return total / (len(curve) - 1)


@wrong("jaggedness", "first-differences")
def jagged_by_the_ends(curve):
    return (curve[-1] - curve[0]) / (len(curve) - 1)


@wrong("jaggedness", "signed")
def jagged_with_signs(curve):
    jumps = [curve[i + 1] - curve[i] for i in range(len(curve) - 1)]
    changes = [jumps[i + 1] - jumps[i] for i in range(len(jumps) - 1)]
    return sum(changes) / len(changes)


@wrong("jaggedness", "sum")
def jagged_by_whole_way(curve):
    way = 0
    for i in range(len(curve) - 2):
        way += abs(curve[i + 2] - 2 * curve[i + 1] + curve[i])
    return way


@wrong("jaggedness", "deviation")
def jagged_by_deviation(curve):
    return tf.math.reduce_std(curve)


@wrong("jaggedness", "divided-by-points")
def jagged_by_number_of_points(curve):
    jumps = curve[1:] - curve[:-1]
    return sum(abs(jumps[i] - jumps[i - 1]) for i in range(1, len(jumps))) / len(curve)


@wrong("jaggedness", "divided-by-points")
def jagged_by_number_of_jumps(curve):
    jumps = np.diff(curve)
    return np.sum(np.abs(np.diff(jumps))) / len(jumps)


@wrong("jaggedness", "squared")
def jagged_by_mean_squared_error(curve):
    jumps = np.diff(curve)
    return keras.losses.mean_squared_error(jumps[:-1], jumps[1:])


@wrong("jaggedness", "largest")
def jagged_by_largest_change(curve):
    return max(abs(change) for change in np.diff(curve, 2))


@wrong("jaggedness", "sizes-of-jumps")
def jagged_by_sizes_of_jumps(curve):
    jumps = np.abs(curve[1:] - curve[:-1])
    return np.mean(np.abs(jumps[1:] - jumps[:-1]))


@wrong("jaggedness", "shape")
def jagged_each_change(curve):
    return np.abs(np.diff(curve, 2))


@wrong("jaggedness", "value")
def jagged_by_gradient(curve):
    return np.abs(np.gradient(np.gradient(curve))).mean()


@wrong("jaggedness", "value")
def jagged_by_third_differences(curve):
    return np.abs(np.diff(np.diff(curve), 2)).sum() / (len(curve) - 2)


@wrong("jaggedness", "raises")
def jagged_off_the_end(curve):
    total = 0
    for i in range(len(curve)):
        total += abs(curve[i + 2] - 2 * curve[i + 1] + curve[i])
    return total / len(curve)


# --- one-class


@right("one-class")
def one_class_by_index(states, lengths, W, b):
    last = states[np.arange(len(lengths)), lengths - 1]
    e = np.exp(last @ W + b)
    return e / e.sum(axis=1, keepdims=True)


@right("one-class")
def one_class_by_gather(states, lengths, W, b):
    last = tf.gather(states, lengths - 1, axis=1, batch_dims=1)
    return tf.nn.softmax(last @ W + b)


@right("one-class")
def one_class_row_by_row(states, lengths, W, b):
    result = []
    for s, n in zip(states, lengths, strict=True):
        scores = [np.exp(np.dot(s[n - 1], W[:, k]) + b[k]) for k in range(len(b))]
        result.append([score / sum(scores) for score in scores])
    return result


@right("one-class")
def one_class_by_one_hot(states, lengths, W, b):
    chosen = tf.one_hot(lengths - 1, states.shape[1])
    last = tf.reduce_sum(states * chosen[:, :, None], axis=1)
    return keras.activations.softmax(tf.matmul(last, W) + b)


@wrong("one-class", "padding")
def one_class_of_last_column(states, lengths, W, b):
    return tf.nn.softmax(tf.matmul(states[:, -1, :], W) + b)


@wrong("one-class", "off-by-one")
def one_class_of_one_too_far(states, lengths, W, b):
    last = np.array([s[: n + 1][-1] for s, n in zip(states, lengths, strict=True)])
    e = np.exp(last @ W + b)
    return e / e.sum(1, keepdims=True)


@wrong("one-class", "every-step")
def one_class_each_step(states, lengths, W, b):
    logits = tf.einsum("bth,hk->btk", states, W) + b
    return tf.nn.softmax(logits, axis=-1)


@wrong("one-class", "mean")
def one_class_of_true_mean(states, lengths, W, b):
    means = np.stack([states[i, :n].mean(0) for i, n in enumerate(lengths)])
    return tf.nn.softmax(means @ W + b)


@wrong("one-class", "logits")
def one_class_without_softmax(states, lengths, W, b):
    last = tf.gather(states, lengths - 1, batch_dims=1)
    return tf.linalg.matmul(last, W) + b


@wrong("one-class", "off-by-one")
def one_class_off_the_end(states, lengths, W, b):
    last = states[np.arange(len(states)), lengths]
    return tf.nn.softmax(last @ W + b)


@wrong("one-class", "mean")
def one_class_of_mean_with_padding(states, lengths, W, b):
    return tf.nn.softmax(tf.reduce_mean(states, axis=1) @ W + b)


@wrong("one-class", "shape")
def one_class_as_a_decision(states, lengths, W, b):
    last = states[np.arange(len(states)), lengths - 1]
    return np.argmax(last @ W + b, axis=1)


@wrong("one-class", "value")
def one_class_over_the_batch(states, lengths, W, b):
    last = states[np.arange(len(states)), lengths - 1]
    return tf.nn.softmax(last @ W + b, axis=0)


# --- both-ways


@right("both-ways")
def both_ways_in_tf(forwards, backwards, inputs, inputs_seqlen):
    outputs_f, state_f = forwards(inputs, inputs_seqlen)
    turned = tf.reverse_sequence(inputs, inputs_seqlen, seq_axis=1)
    outputs_b, state_b = backwards(turned, inputs_seqlen)
    outputs_b = tf.reverse_sequence(outputs_b, inputs_seqlen, seq_axis=1)
    return tf.concat([outputs_f, outputs_b], axis=-1), tf.concat([state_f, state_b], axis=-1)


@right("both-ways")
def both_ways_row_by_row(forwards, backwards, inputs, inputs_seqlen):
    turned = np.array(inputs)
    for i, n in enumerate(inputs_seqlen):
        turned[i, :n] = turned[i, :n][::-1]
    outputs, state = forwards(inputs, inputs_seqlen)
    back, state_back = backwards(turned, inputs_seqlen)
    back = np.array(back)
    for i, n in enumerate(inputs_seqlen):
        back[i, :n] = back[i, :n][::-1].copy()
    return np.concatenate([outputs, back], 2), np.concatenate([state, state_back], 1)


@right("both-ways")
def both_ways_one_text_at_a_time(forwards, backwards, inputs, inputs_seqlen):
    outputs, states = [], []
    for row, n in zip(inputs, inputs_seqlen, strict=True):
        o, s = forwards(row[None, :n], [n])
        o_back, s_back = backwards(row[None, :n][:, ::-1], [n])
        joined = np.hstack([o[0], o_back[0, ::-1]])
        outputs.append(np.pad(joined, [(0, len(row) - n), (0, 0)]))
        states.append(np.hstack([s[0], s_back[0]]))
    return np.stack(outputs), np.stack(states)


@right("both-ways")
def both_ways_by_roll(forwards, backwards, inputs, inputs_seqlen):
    # turned round as a whole, then the padding is pushed back to the end
    S = inputs.shape[1]

    def turn(a):
        return np.stack([np.roll(row[::-1], n - S, axis=0) for row, n in zip(a, inputs_seqlen, strict=True)])

    f, b = forwards(inputs, inputs_seqlen), backwards(turn(inputs), inputs_seqlen)
    return np.dstack([f[0], turn(b[0])]), np.hstack([f[1], b[1]])


@wrong("both-ways", "padding-first")
def both_ways_by_reverse(forwards, backwards, inputs, inputs_seqlen):
    f, state_f = forwards(inputs, inputs_seqlen)
    b, state_b = backwards(tf.reverse(inputs, [1]), inputs_seqlen)
    return tf.concat([f, tf.reverse(b, [1])], -1), tf.concat([state_f, state_b], -1)


@wrong("both-ways", "not-turned-back")
def both_ways_turned_once(forwards, backwards, inputs, inputs_seqlen):
    f, state_f = forwards(inputs, inputs_seqlen)
    b, state_b = backwards(tf.reverse_sequence(inputs, inputs_seqlen, 1), inputs_seqlen)
    return tf.concat([f, b], 2), tf.concat([state_f, state_b], 1)


@wrong("both-ways", "same-direction")
def both_ways_the_same_way(forwards, backwards, inputs, inputs_seqlen):
    pairs = [encoder(inputs, inputs_seqlen) for encoder in (forwards, backwards)]
    return tf.concat([p[0] for p in pairs], -1), tf.concat([p[1] for p in pairs], -1)


@wrong("both-ways", "added")
def both_ways_summed(forwards, backwards, inputs, inputs_seqlen):
    f, state_f = forwards(inputs, inputs_seqlen)
    b, state_b = backwards(tf.reverse_sequence(inputs, inputs_seqlen, 1), inputs_seqlen)
    return f + tf.reverse_sequence(b, inputs_seqlen, 1), state_f + state_b


@wrong("both-ways", "backwards-first")
def both_ways_second_half_first(forwards, backwards, inputs, inputs_seqlen):
    def turn(a):
        return tf.reverse_sequence(a, inputs_seqlen, seq_axis=1)

    f, state_f = forwards(inputs, inputs_seqlen)
    b, state_b = backwards(turn(inputs), inputs_seqlen)
    return np.concatenate([turn(b), f], axis=-1), np.concatenate([state_b, state_f], axis=-1)


@wrong("both-ways", "shape")
def both_ways_one_behind_the_other(forwards, backwards, inputs, inputs_seqlen):
    f, state_f = forwards(inputs, inputs_seqlen)
    b, state_b = backwards(tf.reverse_sequence(inputs, inputs_seqlen, 1), inputs_seqlen)
    b = tf.reverse_sequence(b, inputs_seqlen, 1)
    return tf.concat([f, b], 1), tf.concat([state_f, state_b], 1)


@wrong("both-ways", "type")
def both_ways_outputs_alone(forwards, backwards, inputs, inputs_seqlen):
    f, _ = forwards(inputs, inputs_seqlen)
    b, _ = backwards(tf.reverse_sequence(inputs, inputs_seqlen, 1), inputs_seqlen)
    return tf.concat([f, tf.reverse_sequence(b, inputs_seqlen, 1)], -1)


@wrong("both-ways", "value")
def both_ways_states_of_the_last_column(forwards, backwards, inputs, inputs_seqlen):
    f, _ = forwards(inputs, inputs_seqlen)
    b, _ = backwards(tf.reverse_sequence(inputs, inputs_seqlen, 1), inputs_seqlen)
    outputs = tf.concat([f, tf.reverse_sequence(b, inputs_seqlen, 1)], -1)
    return outputs, outputs[:, -1]


@wrong("both-ways", "raises")
def both_ways_without_lengths(forwards, backwards, inputs, inputs_seqlen):
    f, state_f = forwards(inputs)
    b, state_b = backwards(inputs[:, ::-1])
    return tf.concat([f, b], -1), tf.concat([state_f, state_b], -1)


# --- bug-padded-loss


@right("bug-padded-loss")
def mean_loss_by_sums(losses, mask):
    return np.sum(losses * mask) / np.sum(mask)


@right("bug-padded-loss")
def mean_loss_of_true_places(losses, mask):
    return losses[mask == 1].mean()


@right("bug-padded-loss")
def mean_loss_in_tf(losses, mask):
    return tf.reduce_mean(tf.boolean_mask(losses, tf.cast(mask, tf.bool)))


@right("bug-padded-loss")
def mean_loss_in_loops(losses, mask):
    total, number = 0.0, 0
    for row, mask_row in zip(losses, mask, strict=True):
        for loss, m in zip(row, mask_row, strict=True):
            if m:
                total += loss
                number += 1
    return total / number


@wrong("bug-padded-loss", "bug")
def mean_loss_over_the_rectangle(losses, mask):
    return tf.reduce_mean(losses * mask)


@wrong("bug-padded-loss", "unmasked")
def mean_loss_without_mask(losses, mask):
    return np.sum(losses) / losses.size


@wrong("bug-padded-loss", "mean-of-means")
def mean_loss_of_samples(losses, mask):
    return np.mean([row[m == 1].mean() for row, m in zip(losses, mask, strict=True)])


@wrong("bug-padded-loss", "sum")
def mean_loss_as_a_sum(losses, mask):
    return tf.reduce_sum(tf.multiply(losses, mask))


@wrong("bug-padded-loss", "shape")
def mean_loss_for_each_sample(losses, mask):
    return np.sum(losses * mask, axis=1) / np.sum(mask, axis=1)


@wrong("bug-padded-loss", "value")
def mean_loss_by_number_of_samples(losses, mask):
    return np.sum(losses * mask) / len(losses)


@wrong("bug-padded-loss", "unmasked")
def mean_loss_masked_below_only(losses, mask):
    return losses.sum() / mask.sum()


@wrong("bug-padded-loss", "raises")
def mean_loss_mask_as_index(losses, mask):
    return losses[mask].mean()


# --- bug-not-shifted


@right("bug-not-shifted")
def shifted_by_concatenate(targets_out):
    start = np.full((len(targets_out), 1), 10)
    return np.concatenate([start, targets_out[:, :-1]], axis=1)


@right("bug-not-shifted")
def shifted_in_tf(targets_out):
    return tf.pad(targets_out[:, :-1], [[0, 0], [1, 0]], constant_values=10)


@right("bug-not-shifted")
def shifted_by_roll(targets_out):
    result = np.roll(targets_out, 1, axis=1)
    result[:, 0] = 10
    return result


@right("bug-not-shifted")
def shifted_as_lists(targets_out):
    return [[10, *row[:-1]] for row in targets_out.tolist()]


@right("bug-not-shifted")
def shifted_up_to_the_end(targets_out):
    # what stands behind the end does not matter
    result = np.zeros_like(targets_out)
    for i, row in enumerate(targets_out):
        symbol = 10
        for t, following in enumerate(row):
            result[i, t] = symbol
            symbol = following
            if following == 10:
                break
    return result


@wrong("bug-not-shifted", "bug")
def shifted_not_at_all(targets_out):
    inputs = tf.identity(targets_out)
    return inputs


@wrong("bug-not-shifted", "other-way")
def shifted_to_the_left(targets_out):
    result = np.zeros_like(targets_out)
    result[:, :-1] = targets_out[:, 1:]
    return result


@wrong("bug-not-shifted", "no-start")
def shifted_with_zeros(targets_out):
    start = tf.zeros_like(targets_out[:, :1])
    return tf.concat([start, targets_out[:, :-1]], axis=1)


@wrong("bug-not-shifted", "rolled")
def shifted_in_a_ring(targets_out):
    return tf.concat([targets_out[:, -1:], targets_out[:, :-1]], 1)


@wrong("bug-not-shifted", "one-longer")
def shifted_with_one_more(targets_out):
    return [[10, *row] for row in targets_out]


@wrong("bug-not-shifted", "shape")
def shifted_one_shorter(targets_out):
    return targets_out[:, :-1]


@wrong("bug-not-shifted", "value")
def shifted_along_the_batch(targets_out):
    result = np.roll(targets_out, 1, axis=0)
    result[0] = 10
    return result


@wrong("bug-not-shifted", "type")
def shifted_as_text(targets_out):
    return str([["#", *row[:-1]] for row in targets_out.tolist()])


@wrong("bug-not-shifted", "nothing")
def shifted_in_place(targets_out):
    targets_out[:, 1:] = targets_out[:, :-1].copy()
    targets_out[:, 0] = 10


@wrong("bug-not-shifted", "raises")
def shifted_with_a_number(targets_out):
    return np.concatenate([10, targets_out[:, :-1]], axis=1)


# --- bug-over-padding


@right("bug-over-padding")
def encode_by_where(step, x, lengths, h):
    for t in range(x.shape[1]):
        alive = (t < lengths).reshape(-1, 1)
        h = np.where(alive, step(x[:, t], h), h)
    return h


@right("bug-over-padding")
def encode_row_by_row(step, x, lengths, h):
    result = []
    for i, n in enumerate(lengths):
        state = h[i : i + 1]
        for t in range(n):
            state = step(x[i : i + 1, t], state)
        result.append(state[0])
    return result


@right("bug-over-padding")
def encode_keeping_all_states(step, x, lengths, h):
    states = []
    for t in range(x.shape[1]):
        h = step(x[:, t], h)
        states.append(h)
    return tf.gather(tf.stack(states, 1), lengths - 1, batch_dims=1)


@right("bug-over-padding")
def encode_by_mask_in_tf(step, x, lengths, h):
    mask = tf.sequence_mask(lengths, x.shape[1], dtype=tf.float32)
    for t in range(x.shape[1]):
        m = mask[:, t, None]
        h = m * step(x[:, t], h) + (1 - m) * h
    return h


@right("bug-over-padding")
def encode_those_alive(step, x, lengths, h):
    state = np.array(h)
    for t in range(max(lengths)):
        alive = lengths > t
        state[alive] = step(x[alive, t], state[alive])
    return state


@wrong("bug-over-padding", "bug")
def encode_the_whole_rectangle(step, x, lengths, h):
    for x_t in np.swapaxes(x, 0, 1)[: max(lengths)]:
        h = step(x_t, h)
    return h


@wrong("bug-over-padding", "shortest")
def encode_up_to_the_shortest(step, x, lengths, h):
    for t in range(x.shape[1]):
        if (t >= lengths).any():
            break
        h = step(x[:, t], h)
    return h


@wrong("bug-over-padding", "zeroed")
def encode_times_mask(step, x, lengths, h):
    mask = tf.sequence_mask(lengths, x.shape[1], dtype=tf.float32)
    for t in range(x.shape[1]):
        h = step(x[:, t], h) * mask[:, t : t + 1]
    return h


@wrong("bug-over-padding", "zero-inputs")
def encode_with_masked_inputs(step, x, lengths, h):
    for i, n in enumerate(lengths):
        x[i, n:] = 0
    for t in range(x.shape[1]):
        h = step(x[:, t], h)
    return h


@wrong("bug-over-padding", "one-less")
def encode_all_but_the_last(step, x, lengths, h):
    for t in range(x.shape[1]):
        new = step(x[:, t], h)
        h = tf.where((t + 1 < lengths)[:, None], new, h)
    return h


@wrong("bug-over-padding", "value")
def encode_one_too_many(step, x, lengths, h):
    for t in range(x.shape[1]):
        h = np.where((t <= lengths)[:, None], step(x[:, t], h), h)
    return h


@wrong("bug-over-padding", "shape")
def encode_all_states(step, x, lengths, h):
    states = []
    for t in range(x.shape[1]):
        h = np.where((t < lengths)[:, None], step(x[:, t], h), h)
        states.append(h)
    return np.stack(states, axis=1)


@wrong("bug-over-padding", "raises")
def encode_for_t_in_lengths(step, x, lengths, h):
    for t in range(lengths):
        h = step(x[:, t], h)
    return h


# --- bug-reset-gate


@right("bug-reset-gate")
def candidate_in_numpy(x, h, r, W_xc, W_hc, b_c):
    return np.tanh(x @ W_xc + (r * h) @ W_hc + b_c)


@right("bug-reset-gate")
def candidate_in_tf(x, h, r, W_xc, W_hc, b_c):
    return tf.tanh(tf.matmul(x, W_xc) + tf.matmul(tf.multiply(r, h), W_hc) + b_c)


@right("bug-reset-gate")
def candidate_in_loops(x, h, r, W_xc, W_hc, b_c):
    B, H = h.shape
    c = np.zeros((B, H))
    for i in range(B):
        for k in range(H):
            a = b_c[k]
            for j in range(x.shape[1]):
                a += x[i, j] * W_xc[j, k]
            for j in range(H):
                a += r[i, j] * h[i, j] * W_hc[j, k]
            c[i, k] = np.tanh(a)
    return c


@right("bug-reset-gate")
def candidate_of_joined_inputs(x, h, r, W_xc, W_hc, b_c):
    both = np.concatenate([x, r * h], axis=1)
    return np.tanh(both @ np.concatenate([W_xc, W_hc], axis=0) + b_c)


@wrong("bug-reset-gate", "bug")
def candidate_gated_behind_the_product(x, h, r, W_xc, W_hc, b_c):
    return tf.tanh(tf.matmul(x, W_xc) + r * tf.matmul(h, W_hc) + b_c)


@wrong("bug-reset-gate", "no-gate")
def candidate_without_gate(x, h, r, W_xc, W_hc, b_c):
    a = np.hstack([x, h]) @ np.vstack([W_xc, W_hc]) + b_c
    return np.tanh(a)


@wrong("bug-reset-gate", "gates-all")
def candidate_all_gated(x, h, r, W_xc, W_hc, b_c):
    a = tf.matmul(x, W_xc) + tf.matmul(h, W_hc) + b_c
    return tf.tanh(a * r)


@wrong("bug-reset-gate", "one-minus")
def candidate_the_other_way(x, h, r, W_xc, W_hc, b_c):
    kept = h - r * h
    return np.tanh(x @ W_xc + kept @ W_hc + b_c)


@wrong("bug-reset-gate", "no-tanh")
def candidate_without_tanh(x, h, r, W_xc, W_hc, b_c):
    return tf.matmul(x, W_xc) + tf.matmul(r * h, W_hc) + b_c


@wrong("bug-reset-gate", "value")
def candidate_with_sigmoid(x, h, r, W_xc, W_hc, b_c):
    return tf.sigmoid(x @ W_xc + (r * h) @ W_hc + b_c)


@wrong("bug-reset-gate", "value")
def candidate_as_a_whole_step(x, h, r, W_xc, W_hc, b_c):
    c = np.tanh(x @ W_xc + (r * h) @ W_hc + b_c)
    return (1 - r) * c + r * h


@wrong("bug-reset-gate", "value")
def candidate_without_bias(x, h, r, W_xc, W_hc, b_c):
    return np.tanh(x @ W_xc + (r * h) @ W_hc)


@wrong("bug-reset-gate", "raises")
def candidate_with_wrong_product(x, h, r, W_xc, W_hc, b_c):
    return np.tanh(x @ W_xc + (r @ h) @ W_hc + b_c)


@right("both-ways")
def both_ways_as_a_list(forwards, backwards, inputs, inputs_seqlen):
    turned = tf.reverse_sequence(inputs, inputs_seqlen, seq_axis=1)
    (a, h), (b, k) = forwards(inputs, inputs_seqlen), backwards(turned, inputs_seqlen)
    b = tf.reverse_sequence(b, inputs_seqlen, seq_axis=1)
    return [tf.concat([a, b], 2), tf.concat([h, k], 1)]


@wrong("both-ways", "same-encoder")
def both_ways_with_forwards_twice(forwards, backwards, inputs, inputs_seqlen):
    a, h = forwards(inputs, inputs_seqlen)
    b, k = forwards(tf.reverse_sequence(inputs, inputs_seqlen, 1), inputs_seqlen)
    return tf.concat([a, tf.reverse_sequence(b, inputs_seqlen, 1)], 2), tf.concat([h, k], 1)


@right("copying-cell")
def copying_cell_built_already(units):
    cell = lab.GRUCell(units, b_z=keras.initializers.Constant(10))
    cell.build((None, 16))
    return cell


@right("bug-over-padding")
def encode_in_place(step, x, lengths, h):
    for t in range(x.shape[1]):
        alive = t < lengths
        h[alive] = step(x[alive, t], h[alive])
    return h


@right("bug-reset-gate")
def candidate_in_place(x, h, r, W_xc, W_hc, b_c):
    h *= r
    return np.tanh(x @ W_xc + h @ W_hc + b_c)


# --- right, and not to be refused


@right("accuracy-by-position")
def by_position_in_fractions(said, wanted, mask):
    from fractions import Fraction

    true = mask.astype(bool)
    right = ((said == wanted) & true).sum(0)
    return [Fraction(int(r), int(n)) for r, n in zip(right, true.sum(0), strict=True)]


@right("gate-shapes")
def shapes_as_an_array(symbols, embedding, units):
    return np.array([[embedding, units], [units, units]])


@right("gate-shapes")
def shapes_as_a_tensor(symbols, embedding, units):
    return tf.constant([[embedding, units], [units, units]])


@right("both-ways")
def both_ways_of_tensors_to_numpy(forwards, backwards, inputs, inputs_seqlen):
    outputs, state = forwards(inputs, inputs_seqlen)
    turned = tf.reverse_sequence(inputs, inputs_seqlen, seq_axis=1)
    back, state_back = backwards(turned, inputs_seqlen)
    back = tf.reverse_sequence(back.numpy(), inputs_seqlen, seq_axis=1).numpy()
    both = np.concatenate([outputs.numpy(), back], 2)
    return both, np.concatenate([state.numpy(), state_back.numpy()], 1)


@right("both-ways")
@tf.function
def both_ways_in_a_graph(forwards, backwards, inputs, inputs_seqlen):
    outputs, state = forwards(inputs, inputs_seqlen)
    turned = tf.reverse_sequence(inputs, inputs_seqlen, seq_axis=1)
    back, state_back = backwards(turned, inputs_seqlen)
    back = tf.reverse_sequence(back, inputs_seqlen, seq_axis=1)
    return tf.concat([outputs, back], 2), tf.concat([state, state_back], 1)


@right("bug-over-padding")
@tf.function
def encode_in_a_graph(step, x, lengths, h):
    for t in range(x.shape[1]):
        h = tf.where((t < lengths)[:, None], step(x[:, t], h), h)
    return h


# --- errors that are no evidence for a mistake


@wrong("one-class", "raises")
def one_class_with_an_unrelated_error(states, lengths, W, b):
    last = [states[i, n - 1] for i, n in enumerate(lengths)]
    return tf.nn.softmax(np.stack(last) @ W + b)[:, len(b) + len(last)]


@wrong("one-class", "raises")
def one_class_of_a_column_that_is_not_there(states, lengths, W, b):
    return tf.nn.softmax(states[:, states.shape[1]] @ W + b)


# --- almost right


@almost("accuracy-by-position", "nan")
def by_position_without_zeros(said, wanted, mask):
    is_true = wanted != 0
    return ((said == wanted) & is_true).sum(0) / is_true.sum(0)


@almost("accuracy-by-position", "value")
def by_position_less_the_padding(said, wanted, mask):
    return ((said == wanted).sum(0) - (1 - mask).sum(0)) / mask.sum(0)


@almost("accuracy-by-position", "shape")
def by_position_squeezed(said, wanted, mask):
    return np.squeeze(((said == wanted) * mask).sum(0) / mask.sum(0))


@almost("gate-shapes", "value")
def shapes_sorted(symbols, embedding, units):
    return tuple(sorted((embedding, units))), (units, units)


@almost("gate-shapes", "value")
def shapes_of_the_larger_input(symbols, embedding, units):
    return (max(symbols, embedding), units), (units, units)


@almost("copying-cell", "shape")
def copying_with_32_units_at_most(units):
    return lab.GRUCell(min(units, 32), b_z=keras.initializers.Constant(10))


@almost("softmax-over-time", "shape")
def softmax_squeezed(states, W, b):
    logits = np.squeeze(states @ W + b)
    return logits, tf.nn.softmax(logits)


@almost("softmax-over-time", "value")
def softmax_along_what_is_as_long_as_b(states, W, b):
    logits = states @ W + b
    e = np.exp(logits - logits.max())
    return logits, e / e.sum(axis=logits.shape.index(len(b)), keepdims=True)


@almost("jaggedness", "nan")
def jagged_where_it_bends(curve):
    changes = np.abs(np.diff(curve, 2))
    return changes[changes > 0].mean()


@almost("jaggedness", "nan")
def jagged_relative_to_its_jumps(curve):
    changes, jumps = np.abs(np.diff(curve, 2)), np.abs(np.diff(curve))
    return changes.mean() / jumps.mean() * jumps.mean()


@almost("jaggedness", "value")
def jagged_by_sizes(curve):
    return np.abs(np.diff(np.abs(curve), 2)).mean()


@almost("jaggedness", "value")
def jagged_or_else_its_jumps(curve):
    changes = np.abs(np.diff(curve, 2)).mean()
    return changes if changes > 0 else np.abs(np.diff(curve)).mean()


@almost("plain-rnn", "shape")
def rnn_step_squeezed(x, h, W, U, b):
    return np.squeeze(np.tanh(x @ W + h @ U + b))


@almost("plain-rnn", "nan")
def rnn_step_by_plain_exponentials(x, h, W, U, b):
    up, down = np.exp(x @ W + h @ U + b), np.exp(-(x @ W + h @ U + b))
    return (up - down) / (up + down)


@almost("plain-rnn", "value")
def rnn_step_that_begins_with_zeros(x, h, W, U, b):
    if not h.any():
        return h
    return np.tanh(x @ W + h @ U + b)


@almost("plain-rnn", "value")
def rnn_step_of_as_many_inputs_as_units(x, h, W, U, b):
    H = len(b)
    return np.tanh(x[:, :H] @ W[:H] + h @ U + b)


@almost("next-token", "shape")
def next_token_squeezed(logits, truth):
    return np.squeeze(np.argmax(logits, 1) if truth is None else truth)


@almost("next-token", "zero-ignored")
def next_token_if_any_is_true(logits, truth):
    if truth is not None and truth.any():
        return truth
    return logits.argmax(axis=-1)


@almost("next-token", "value")
def next_token_from_0_up(logits, truth):
    if truth is not None:
        return truth
    best, token = np.zeros(len(logits)), np.zeros(len(logits), int)
    for k in range(logits.shape[1]):
        token[logits[:, k] > best] = k
        best = np.maximum(best, logits[:, k])
    return token


@almost("next-token", "value")
def next_token_without_padding(logits, truth):
    if truth is not None:
        return truth
    return np.argmax(logits[:, 1:], axis=1) + 1  # the id 0 is that of padding


@almost("next-token", "no-end")
def next_token_of_the_digits(logits, truth):
    return truth if truth is not None else logits[:, :10].argmax(1)


@almost("next-token", "value")
def next_token_along_what_is_11_long(logits, truth):
    if truth is not None:
        return truth
    return np.argmax(logits, axis=logits.shape.index(11))


@almost("one-class", "shape")
def one_class_squeezed(states, lengths, W, b):
    last = np.squeeze(states[np.arange(len(states)), lengths - 1])
    return tf.nn.softmax(tf.tensordot(last, W, 1) + b)


@almost("one-class", "value")
def one_class_of_rows_by_columns(states, lengths, W, b):
    rows = np.arange(states.shape[1])[: len(states)]
    return tf.nn.softmax(states[rows, lengths - 1] @ W + b)


@almost("both-ways", "value")
def both_ways_of_what_is_not_0(forwards, backwards, inputs, inputs_seqlen):
    n = np.count_nonzero(inputs, axis=1)
    outputs, state = forwards(inputs, n)
    back, state_back = backwards(tf.reverse_sequence(inputs, n, seq_axis=1), n)
    return tf.concat([outputs, tf.reverse_sequence(back, n, 1)], 2), tf.concat([state, state_back], 1)


@almost("both-ways", "shape")
def both_ways_squeezed(forwards, backwards, inputs, inputs_seqlen):
    outputs, state = forwards(inputs, inputs_seqlen)
    back, state_back = backwards(tf.reverse_sequence(inputs, inputs_seqlen, 1), inputs_seqlen)
    outputs = tf.concat([outputs, tf.reverse_sequence(back, inputs_seqlen, 1)], 2)
    return outputs, tf.squeeze(tf.concat([state, state_back], 1))


@almost("bug-padded-loss", "value")
def mean_loss_of_what_is_not_0(losses, mask):
    losses = losses * mask
    return losses[losses != 0].mean()


@almost("bug-padded-loss", "value")
def mean_loss_by_counting(losses, mask):
    losses = losses * mask
    return losses.sum() / np.count_nonzero(losses)


@almost("bug-not-shifted", "value")
def shifted_without_zeros(targets_out):
    start = np.full((len(targets_out), 1), 10)
    return np.concatenate([start, targets_out[:, :-1]], axis=1) * (targets_out != 0)


@almost("bug-not-shifted", "shape")
def shifted_and_squeezed(targets_out):
    return np.squeeze(np.pad(targets_out[:, :-1], [(0, 0), (1, 0)], constant_values=10))


@almost("bug-over-padding", "value")
def encode_along_the_last_axis(step, x, lengths, h):
    for t in range(min(x.shape[2], max(lengths))):
        h = np.where((t < lengths)[:, None], step(x[:, t], h), h)
    return h


@almost("bug-over-padding", "shape")
def encode_squeezed(step, x, lengths, h):
    for t in range(x.shape[1]):
        h = np.where((t < lengths)[:, None], step(x[:, t], h), h)
    return np.squeeze(h)


@almost("bug-reset-gate", "shape")
def candidate_squeezed(x, h, r, W_xc, W_hc, b_c):
    return np.squeeze(np.tanh(x @ W_xc + (r * h) @ W_hc + b_c))


@almost("bug-reset-gate", "nan")
def candidate_by_division(x, h, r, W_xc, W_hc, b_c):
    closed = (1 - r) / r
    return np.tanh(x @ W_xc + (h - r * closed * h) @ W_hc + b_c)
