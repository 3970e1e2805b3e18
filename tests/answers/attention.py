"""Answers to the exercises of notebook 2."""

import keras
import numpy as np
import tensorflow as tf

import seq2seq_lab as lab
from answers import almost, right, wrong

# --- weight-by-word


@right("weight-by-word")
def words_in_a_loop(weights, text):
    result = np.zeros((len(weights), text.count(" ") + 1))
    word = 0
    for i, character in enumerate(text):
        result[:, word] += weights[:, i]
        if character == " ":
            word += 1
    return result


@right("weight-by-word")
def words_by_reduceat(weights, text):
    starts = [0] + [i + 1 for i, c in enumerate(text) if c == " "]
    return np.add.reduceat(weights, starts, axis=1)


@right("weight-by-word")
def words_by_segment_sum(weights, text):
    is_space = tf.constant([int(c == " ") for c in text])
    word = tf.cumsum(is_space, exclusive=True)
    return tf.transpose(tf.math.segment_sum(tf.transpose(weights), word))


@right("weight-by-word")
def words_as_lists(weights, text):
    rows = []
    for row in weights.tolist():
        sums, start = [], 0
        for word in text.split(" "):
            sums.append(sum(row[start : start + len(word) + 1]))
            start += len(word) + 1
        rows.append(sums)
    return rows


@wrong("weight-by-word", "spaces-lost")
def words_without_their_spaces(weights, text):
    columns, start = [], 0
    for word in text.split():
        columns.append(weights[:, start : start + len(word)].sum(axis=1))
        start += len(word) + 1
    return np.column_stack(columns)


@wrong("weight-by-word", "space-behind")
def words_from_space_to_space(weights, text):
    starts = [0] + [i for i, c in enumerate(text) if c == " "]
    return np.add.reduceat(weights, starts, axis=1)


@wrong("weight-by-word", "mean")
def words_by_mean(weights, text):
    columns, start = [], 0
    for word in text.split():
        end = start + len(word) + 1
        columns.append(tf.reduce_mean(weights[:, start:end], axis=1))
        start = end
    return tf.stack(columns, axis=1)


@wrong("weight-by-word", "largest")
def words_by_maximum(weights, text):
    starts = [0] + [i + 1 for i, c in enumerate(text) if c == " "]
    return np.maximum.reduceat(weights, starts, axis=1)


@wrong("weight-by-word", "transposed")
def words_in_rows(weights, text):
    rows, start = [], 0
    for word in text.split():
        rows.append(weights[:, start : start + len(word) + 1].sum(axis=1))
        start += len(word) + 1
    return np.array(rows)


@wrong("weight-by-word", "value")
def words_that_slip(weights, text):
    result, start = [], 0
    for word in text.split():
        result.append(weights[:, start : start + len(word)].sum(1))
        start += len(word)  # the space is forgotten
    return np.stack(result, 1)


@wrong("weight-by-word", "shape")
def words_over_all_symbols(weights, text):
    result = np.zeros(len(text.split()))
    word = 0
    for i, character in enumerate(text):
        result[word] += weights[:, i].sum()
        word += character == " "
    return result


@wrong("weight-by-word", "raises")
def words_with_axes_mixed_up(weights, text):
    result = np.zeros((len(weights), len(text.split())))
    word = 0
    for i in range(len(text)):
        result[:, word] += weights[i]
        if text[i] == " ":
            word += 1
    return result


@wrong("weight-by-word", "type")
def words_in_a_dict(weights, text):
    result, start = {}, 0
    for word in text.split():
        result[word] = weights[:, start : start + len(word) + 1].sum(1)
        start += len(word) + 1
    return result


# --- mean-weights


@right("mean-weights")
def mean_by_einsum(weights, mask):
    return np.einsum("bts,bt->ts", weights, mask) / mask.sum(axis=0)[:, np.newaxis]


@right("mean-weights")
def mean_by_tensorflow(weights, mask):
    mask = tf.expand_dims(mask, -1)
    return tf.reduce_sum(weights * mask, 0) / tf.reduce_sum(mask, 0)


@right("mean-weights")
def mean_by_average(weights, mask):
    return np.average(weights, axis=0, weights=np.broadcast_to(mask[:, :, None], weights.shape))


@right("mean-weights")
def mean_in_a_loop(weights, mask):
    B, T, S = weights.shape
    rows = []
    for t in range(T):
        total, n = [0.0] * S, 0
        for b in range(B):
            if mask[b, t]:
                total = [x + y for x, y in zip(total, weights[b, t], strict=True)]
                n += 1
        rows.append([x / n for x in total])
    return rows


@right("mean-weights")
def mean_of_chosen_rows(weights, mask):
    return [weights[mask[:, t] == 1, t].mean(axis=0) for t in range(mask.shape[1])]


@wrong("mean-weights", "unmasked")
def mean_of_everything(weights, mask):
    return tf.reduce_mean(weights, axis=0)


@wrong("mean-weights", "divided-by-all")
def mean_over_the_whole_batch(weights, mask):
    total = 0
    for w, m in zip(weights, mask, strict=True):
        total = total + w * m[:, None]
    return total / len(weights)


@wrong("mean-weights", "by-sample")
def mean_over_positions(weights, mask):
    mask = mask[..., np.newaxis]
    return np.sum(weights * mask, axis=1) / np.sum(mask, axis=1)


@wrong("mean-weights", "divided-by-everything")
def mean_with_one_divisor(weights, mask):
    return np.einsum("bts,bt->ts", weights, mask) / np.sum(mask)


@wrong("mean-weights", "transposed")
def mean_turned_round(weights, mask):
    return np.einsum("bts,bt->st", weights, mask) / mask.sum(0)


@wrong("mean-weights", "nan")
def mean_with_nan(weights, mask):
    return np.where(mask[..., None] == 1, weights, np.nan).mean(0)


@wrong("mean-weights", "shape")
def mean_of_all_rows(weights, mask):
    return weights[mask.astype(bool)].mean(axis=0)


@wrong("mean-weights", "raises")
def mean_without_a_new_axis(weights, mask):
    return (weights * mask).sum(0) / mask.sum(0)


@wrong("mean-weights", "nothing")
def mean_not_returned(weights, mask):
    mean = (weights * mask[:, :, None]).sum(0) / mask.sum(0)[:, None]
    print(mean.shape)


# --- attention


@right("attention")
def attend_in_numpy(outputs, state, lengths, U_a, W_a, b_a, v_a):
    scores = np.tanh(outputs @ U_a + (state @ W_a)[:, None, :] + b_a) @ v_a
    mask = np.arange(outputs.shape[1]) < lengths[:, None]
    e = np.exp(scores - scores.max(axis=1, keepdims=True)) * mask
    weights = e / e.sum(axis=1, keepdims=True)
    context = np.einsum("bs,bsh->bh", weights, outputs)
    return weights, context


@right("attention")
def attend_in_tensorflow(outputs, state, lengths, U_a, W_a, b_a, v_a):
    query = tf.expand_dims(tf.matmul(state, W_a), 1)
    scores = tf.reduce_sum(tf.tanh(tf.matmul(outputs, U_a) + query + b_a) * v_a, axis=-1)
    mask = tf.sequence_mask(lengths, outputs.shape[1])
    weights = tf.nn.softmax(tf.where(mask, scores, -1e9))
    return weights, tf.linalg.matvec(outputs, weights, transpose_a=True)


@right("attention")
def attend_text_by_text(outputs, state, lengths, U_a, W_a, b_a, v_a):
    all_weights, contexts = [], []
    for h, s, n in zip(outputs, state, lengths, strict=True):
        scores = [v_a @ np.tanh(h[i] @ U_a + s @ W_a + b_a) for i in range(n)]
        e = [np.exp(score - max(scores)) for score in scores]
        weights = [x / sum(e) for x in e] + [0] * (len(h) - n)
        all_weights.append(weights)
        contexts.append(sum(w * row for w, row in zip(weights, h, strict=True)))
    return all_weights, contexts


@right("attention")
def attend_in_keras(outputs, state, lengths, U_a, W_a, b_a, v_a):
    keys = keras.ops.matmul(outputs, U_a)
    query = keras.ops.expand_dims(keras.ops.matmul(state, W_a) + b_a, 1)
    scores = keras.ops.matmul(keras.ops.tanh(keys + query), v_a)
    mask = np.arange(outputs.shape[1])[None] < lengths[:, None]
    weights = keras.layers.Softmax()(scores, mask)
    return [weights, keras.ops.sum(weights[..., None] * outputs, axis=1)]


@right("attention")
def attend_with_the_lab(outputs, state, lengths, U_a, W_a, b_a, v_a):
    attention = lab.AdditiveAttention(len(v_a))
    attention.build(state.shape[1], outputs.shape[2])
    for variable, value in ((attention.U_a, U_a), (attention.W_a, W_a), (attention.b_a, b_a)):
        variable.assign(value)
    attention.v_a.assign(v_a)
    memory = attention.remember(outputs, lengths)
    weights = attention.weights_of(state, memory)
    return weights, tf.einsum("bs,bsh->bh", weights, outputs)


@wrong("attention", "unmasked")
def attend_to_padding_as_well(outputs, state, lengths, U_a, W_a, b_a, v_a):
    scores = tf.linalg.matvec(tf.tanh(outputs @ U_a + (state @ W_a)[:, None] + b_a), v_a)
    weights = tf.nn.softmax(scores, axis=-1)
    return weights, tf.reduce_sum(weights[:, :, None] * outputs, axis=1)


@wrong("attention", "zeroed-after")
def attend_and_mask_at_the_end(outputs, state, lengths, U_a, W_a, b_a, v_a):
    scores = tf.tensordot(tf.tanh(outputs @ U_a + (state @ W_a)[:, None] + b_a), v_a, 1)
    weights = tf.nn.softmax(scores) * tf.sequence_mask(lengths, outputs.shape[1], tf.float32)
    return weights, tf.einsum("bs,bsh->bh", weights, outputs)


@wrong("attention", "score-0")
def attend_with_scores_times_mask(outputs, state, lengths, U_a, W_a, b_a, v_a):
    scores = np.tanh(outputs @ U_a + (state @ W_a)[:, None] + b_a) @ v_a
    scores *= np.arange(outputs.shape[1]) < lengths[:, None]
    weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return weights, (weights[:, :, None] * outputs).sum(axis=1)


@wrong("attention", "over-batch")
def attend_over_the_batch(outputs, state, lengths, U_a, W_a, b_a, v_a):
    scores = tf.tensordot(tf.tanh(outputs @ U_a + (state @ W_a)[:, None] + b_a), v_a, 1)
    scores = tf.where(tf.sequence_mask(lengths, outputs.shape[1]), scores, -1e9)
    weights = tf.nn.softmax(scores, axis=0)
    return weights, tf.reduce_sum(weights[..., None] * outputs, 1)


@wrong("attention", "no-tanh")
def attend_without_tanh(outputs, state, lengths, U_a, W_a, b_a, v_a):
    scores = outputs @ U_a @ v_a + (state @ W_a @ v_a)[:, None] + b_a @ v_a
    mask = tf.sequence_mask(lengths, outputs.shape[1]).numpy()
    e = np.where(mask, np.exp(scores), 0)
    weights = e / e.sum(1, keepdims=True)
    return weights, np.einsum("bs,bsh->bh", weights, outputs)


@wrong("attention", "no-bias")
def attend_without_bias(outputs, state, lengths, U_a, W_a, b_a, v_a):
    weights = np.zeros(outputs.shape[:2])
    for b, n in enumerate(lengths):
        e = np.exp(np.tanh(outputs[b, :n] @ U_a + state[b] @ W_a) @ v_a)
        weights[b, :n] = e / e.sum()
    return weights, np.einsum("bs,bsh->bh", weights, outputs)


@wrong("attention", "swapped")
def attend_context_first(outputs, state, lengths, U_a, W_a, b_a, v_a):
    scores = tf.tensordot(tf.tanh(outputs @ U_a + (state @ W_a)[:, None] + b_a), v_a, 1)
    weights = tf.nn.softmax(tf.where(tf.sequence_mask(lengths, outputs.shape[1]), scores, -np.inf))
    context = tf.reduce_sum(weights[..., None] * outputs, 1)
    return context, weights


@wrong("attention", "type")
def attend_context_alone(outputs, state, lengths, U_a, W_a, b_a, v_a):
    scores = np.tanh(outputs @ U_a + (state @ W_a)[:, None] + b_a) @ v_a
    mask = np.arange(outputs.shape[1]) < lengths[:, None]
    e = np.exp(scores) * mask
    weights = e / e.sum(1, keepdims=True)
    return (weights[..., None] * outputs).sum(1)


@wrong("attention", "nan")
def attend_with_infinity_times_zero(outputs, state, lengths, U_a, W_a, b_a, v_a):
    scores = np.tanh(outputs @ U_a + (state @ W_a)[:, None] + b_a) @ v_a
    mask = tf.sequence_mask(lengths, outputs.shape[1], tf.float32)
    weights = tf.nn.softmax(scores + (1 - mask) * -np.inf)
    return weights, tf.einsum("bs,bsh->bh", weights, outputs)


@wrong("attention", "raises")
def attend_with_matrices_exchanged(outputs, state, lengths, U_a, W_a, b_a, v_a):
    scores = np.tanh(outputs @ W_a + (state @ U_a)[:, None] + b_a) @ v_a
    mask = np.arange(outputs.shape[1]) < lengths[:, None]
    e = np.exp(scores) * mask
    weights = e / e.sum(1, keepdims=True)
    return weights, (weights[..., None] * outputs).sum(1)


@wrong("attention", "shape")
def attend_without_a_sum(outputs, state, lengths, U_a, W_a, b_a, v_a):
    scores = np.tanh(outputs @ U_a + (state @ W_a)[:, None] + b_a) @ v_a
    mask = np.arange(outputs.shape[1]) < lengths[:, None]
    e = np.exp(scores) * mask
    weights = e / e.sum(1, keepdims=True)
    return weights, weights[..., None] * outputs


@wrong("attention", "one-more")
def attend_one_too_far(outputs, state, lengths, U_a, W_a, b_a, v_a):
    scores = np.tanh(outputs @ U_a + (state @ W_a)[:, None] + b_a) @ v_a
    e = np.exp(scores) * (np.arange(outputs.shape[1]) <= lengths[:, None])
    weights = e / e.sum(1, keepdims=True)
    return weights, (weights[..., None] * outputs).sum(1)


# --- added-numbers


@right("added-numbers")
def count_term_by_term(encoder_units, decoder_units, attention_units):
    cell = 3 * encoder_units * decoder_units
    U_a = encoder_units * attention_units
    W_a = decoder_units * attention_units
    b_a = v_a = attention_units
    W_s = encoder_units * decoder_units
    b_s = decoder_units
    return cell + U_a + W_a + b_a + v_a + W_s + b_s


@right("added-numbers")
def count_in_one_formula(encoder_units, decoder_units, attention_units):
    H, D, A = encoder_units, decoder_units, attention_units
    return 4 * H * D + D + A * (H + D + 2)


@right("added-numbers")
def count_by_shapes(encoder_units, decoder_units, attention_units):
    shapes = {
        "W_z": (encoder_units, decoder_units),
        "W_r": (encoder_units, decoder_units),
        "W_h": (encoder_units, decoder_units),
        "U_a": (encoder_units, attention_units),
        "W_a": (decoder_units, attention_units),
        "b_a": (attention_units,),
        "v_a": (attention_units,),
        "W_s": (encoder_units, decoder_units),
        "b_s": (decoder_units,),
    }
    return sum(np.prod(shape) for shape in shapes.values())


@right("added-numbers")
def count_by_building_both(encoder_units, decoder_units, attention_units):
    plain = lab.Decoder(lab.GRUCell(decoder_units), embedding=3)
    attends = lab.AttentionDecoder(lab.GRUCell(decoder_units), 3, attention_units)
    attends.start(tf.zeros([1, 2, encoder_units]), tf.zeros([1, encoder_units]), tf.constant([2]))
    return attends.count_params() - plain.count_params()


@wrong("added-numbers", "no-cell")
def count_without_the_cell(encoder_units, decoder_units, attention_units):
    attention = (encoder_units + decoder_units + 1) * attention_units + attention_units
    first_state = (encoder_units + 1) * decoder_units
    return attention + first_state


@wrong("added-numbers", "one-gate")
def count_one_matrix_of_the_cell(encoder_units, decoder_units, attention_units):
    sizes = [
        encoder_units * decoder_units,
        encoder_units * attention_units,
        decoder_units * attention_units,
        attention_units,
        attention_units,
        encoder_units * decoder_units,
        decoder_units,
    ]
    return np.sum(sizes)


@wrong("added-numbers", "no-first-state")
def count_without_the_first_state(encoder_units, decoder_units, attention_units):
    H, D, A = encoder_units, decoder_units, attention_units
    return 3 * H * D + H * A + D * A + 2 * A


@wrong("added-numbers", "no-biases")
def count_matrices_alone(encoder_units, decoder_units, attention_units):
    H, D, A = encoder_units, decoder_units, attention_units
    return sum(rows * columns for rows, columns in [(H, 3 * D), (H, A), (D, A), (A, 1), (H, D)])


@wrong("added-numbers", "attention-alone")
def count_the_attention_layer(encoder_units, decoder_units, attention_units):
    attention = lab.AdditiveAttention(attention_units)
    attention.build(decoder_units, encoder_units)
    return attention.count_params()


@wrong("added-numbers", "value")
def count_as_for_an_lstm(encoder_units, decoder_units, attention_units):
    H, D, A = encoder_units, decoder_units, attention_units
    return 4 * H * D + A * (H + D + 2) + H * D + D


@wrong("added-numbers", "shape")
def count_each_by_itself(encoder_units, decoder_units, attention_units):
    H, D, A = encoder_units, decoder_units, attention_units
    return 3 * H * D, H * A, D * A, A, A, H * D, D


@wrong("added-numbers", "type")
def count_in_words(encoder_units, decoder_units, attention_units):
    H, D, A = encoder_units, decoder_units, attention_units
    return f"{3 * H * D + A * (H + D + 2) + H * D + D} numbers"


@wrong("added-numbers", "nothing")
def count_and_print(encoder_units, decoder_units, attention_units):
    H, D, A = encoder_units, decoder_units, attention_units
    print(3 * H * D + A * (H + D + 2) + H * D + D)


# --- exact-by-length


@right("exact-by-length")
def exact_with_two_counters(said, wanted):
    from collections import Counter

    all_of_them = Counter(len(w) - 1 for w in wanted)
    right_ones = Counter(len(w) - 1 for s, w in zip(said, wanted, strict=True) if s == w)
    return {n: right_ones[n] / all_of_them[n] for n in all_of_them}


@right("exact-by-length")
def exact_in_numpy(said, wanted):
    n = np.char.str_len(wanted) - 1
    same = np.array(said) == np.array(wanted)
    return {int(k): same[n == k].mean() for k in np.unique(n)}


@right("exact-by-length")
def exact_in_a_loop(said, wanted):
    hits, texts = {}, {}
    for i in range(len(wanted)):
        digits = len(wanted[i].strip("#"))
        texts[digits] = texts.get(digits, 0) + 1
        hits[digits] = hits.get(digits, 0) + (1 if said[i] == wanted[i] else 0)
    for digits in hits:
        hits[digits] /= texts[digits]
    return hits


@right("exact-by-length")
def exact_in_lists(said, wanted):
    groups = {}
    for s, w in zip(said, wanted, strict=True):
        groups.setdefault(w.index("#"), []).append(s == w)
    return {k: tf.reduce_mean(tf.cast(v, tf.float32)) for k, v in groups.items()}


@wrong("exact-by-length", "counts-the-end")
def exact_with_the_end_as_a_digit(said, wanted):
    n = np.array([len(w) for w in wanted])
    same = np.array([s == w for s, w in zip(said, wanted, strict=True)])
    return {k: same[n == k].mean() for k in set(n.tolist())}


@wrong("exact-by-length", "length-of-said")
def exact_by_what_was_said(said, wanted):
    from collections import defaultdict

    groups = defaultdict(list)
    for s, w in zip(said, wanted, strict=True):
        groups[len(s[:-1])].append(float(s == w))
    return {n: sum(group) / len(group) for n, group in groups.items()}


@wrong("exact-by-length", "tokens")
def exact_by_symbols(said, wanted):
    symbols, hits = {}, {}
    for s, w in zip(said, wanted, strict=True):
        n = len(w) - 1
        symbols[n] = symbols.get(n, 0) + len(w)
        hits[n] = hits.get(n, 0) + sum(a == b for a, b in zip(s, w, strict=False))
    return {n: hits[n] / symbols[n] for n in symbols}


@wrong("exact-by-length", "counts")
def exact_counted(said, wanted):
    result = {len(w) - 1: 0 for w in wanted}
    for s, w in zip(said, wanted, strict=True):
        if s == w:
            result[len(w) - 1] += 1
    return result


@wrong("exact-by-length", "same-length")
def exact_if_as_long(said, wanted):
    n = np.array([len(w) - 1 for w in wanted])
    m = np.array([len(s) - 1 for s in said])
    return {k: np.mean(m[n == k] == k) for k in np.unique(n)}


@wrong("exact-by-length", "all-together")
def exact_of_all_texts(said, wanted):
    result = {}
    for s, w in zip(said, wanted, strict=True):
        result[len(w) - 1] = result.get(len(w) - 1, 0) + (s == w) / len(wanted)
    return result


@wrong("exact-by-length", "value")
def exact_in_percent(said, wanted):
    groups = {}
    for s, w in zip(said, wanted, strict=True):
        groups.setdefault(len(w) - 1, []).append(s == w)
    return {n: 100 * np.mean(group) for n, group in groups.items()}


@wrong("exact-by-length", "type")
def exact_as_one_number(said, wanted):
    return np.mean([s == w for s, w in zip(said, wanted, strict=True)])


@wrong("exact-by-length", "raises")
def exact_by_the_text_as_key(said, wanted):
    groups = {}
    for s, w in zip(said, wanted, strict=True):
        groups[len(w) - 1].append(s == w)
    return {n: np.mean(group) for n, group in groups.items()}


# --- clipping


@right("clipping")
def clip_in_numpy(gradients, clip_norm):
    norm = np.linalg.norm(np.concatenate([g.ravel() for g in gradients]))
    if norm <= clip_norm:
        return gradients
    return [g * clip_norm / norm for g in gradients]


@right("clipping")
def clip_with_tensorflow(gradients, clip_norm):
    clipped, _ = tf.clip_by_global_norm(gradients, clip_norm)
    return clipped


@right("clipping")
def clip_with_plain_python(gradients, clip_norm):
    total = 0.0
    for g in gradients:
        for x in g.flatten().tolist():
            total += x * x
    factor = clip_norm / max(total**0.5, clip_norm)
    return tuple((np.array(g) * factor).tolist() for g in gradients)


@right("clipping")
def clip_in_place(gradients, clip_norm):
    norm = np.sqrt(np.sum([np.sum(np.square(g)) for g in gradients]))
    if norm > clip_norm:
        for g in gradients:
            g *= clip_norm / norm
    return gradients


@wrong("clipping", "each-alone")
def clip_each_by_its_norm(gradients, clip_norm):
    return [tf.clip_by_norm(g, clip_norm) for g in gradients]


@wrong("clipping", "by-value")
def clip_each_number(gradients, clip_norm):
    return [tf.clip_by_value(g, -clip_norm, clip_norm) for g in gradients]


@wrong("clipping", "always")
def clip_even_short_ones(gradients, clip_norm):
    norm = tf.linalg.global_norm(gradients)
    return [clip_norm * g / norm for g in gradients]


@wrong("clipping", "no-root")
def clip_by_the_square(gradients, clip_norm):
    norm = 0
    for g in gradients:
        norm += np.sum(g * g)
    return [g * clip_norm / norm if norm > clip_norm else g for g in gradients]


@wrong("clipping", "sum-of-norms")
def clip_by_summed_norms(gradients, clip_norm):
    norm = sum(np.linalg.norm(g) for g in gradients)
    factor = clip_norm / np.maximum(norm, clip_norm)
    return [factor * g for g in gradients]


@wrong("clipping", "unscaled")
def clip_to_length_1(gradients, clip_norm):
    norm = tf.linalg.global_norm(gradients)
    return [g / tf.maximum(norm, 1.0) for g in gradients]


@wrong("clipping", "nothing-done")
def clip_what_nobody_sees(gradients, clip_norm):
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    for g in gradients:
        if norm > clip_norm:
            g = g * clip_norm / norm
    return gradients


@wrong("clipping", "type")
def clip_and_return_the_norm_too(gradients, clip_norm):
    return tf.clip_by_global_norm(gradients, clip_norm)


@wrong("clipping", "raises")
def clip_one_big_array(gradients, clip_norm):
    gradients = np.array(gradients)
    norm = np.sqrt((gradients**2).sum())
    return gradients * min(1, clip_norm / norm)


@wrong("clipping", "value")
def clip_with_max(gradients, clip_norm):
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    return [g * max(1, clip_norm / norm) for g in gradients]


@wrong("clipping", "nothing")
def clip_in_place_without_return(gradients, clip_norm):
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    for g in gradients:
        g *= min(1, clip_norm / norm)


# --- bug-looks-at-padding


@right("bug-looks-at-padding")
def padding_gets_minus_infinity(scores, lengths):
    mask = np.arange(scores.shape[1]) < lengths[:, None]
    scores = np.where(mask, scores, -np.inf)
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@right("bug-looks-at-padding")
def padding_masked_in_tensorflow(scores, lengths):
    mask = tf.sequence_mask(lengths, tf.shape(scores)[1])
    return tf.nn.softmax(tf.where(mask, scores, scores.dtype.type(-1e9)), axis=-1)


@right("bug-looks-at-padding")
def padding_zeroed_and_scaled(scores, lengths):
    mask = tf.sequence_mask(lengths, scores.shape[1], tf.float32)
    weights = tf.nn.softmax(scores) * mask
    return weights / tf.reduce_sum(weights, 1, keepdims=True)


@right("bug-looks-at-padding")
def padding_row_by_row(scores, lengths):
    rows = []
    for row, n in zip(scores, lengths, strict=True):
        e = np.exp(row[:n] - row[:n].max())
        rows.append(np.append(e / e.sum(), np.zeros(len(row) - n)))
    return rows


@wrong("bug-looks-at-padding", "bug")
def padding_scores_times_mask(scores, lengths):
    mask = tf.sequence_mask(lengths, scores.shape[1], tf.float32)
    return tf.nn.softmax(scores * mask)


@wrong("bug-looks-at-padding", "bug")
def padding_scores_set_to_0(scores, lengths):
    for row, n in zip(scores, lengths, strict=True):
        row[n:] = 0
    return np.exp(scores) / np.exp(scores).sum(1, keepdims=True)


@wrong("bug-looks-at-padding", "zeroed-after")
def padding_weights_set_to_0(scores, lengths):
    weights = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    for b, n in enumerate(lengths):
        weights[b, n:] = 0
    return weights


@wrong("bug-looks-at-padding", "unmasked")
def padding_not_masked(scores, lengths):
    return keras.ops.softmax(scores)


@wrong("bug-looks-at-padding", "turned-round")
def padding_alone(scores, lengths):
    mask = tf.sequence_mask(lengths, scores.shape[1])
    return tf.nn.softmax(tf.where(mask, -1e9, scores))


@wrong("bug-looks-at-padding", "one-less")
def padding_and_the_last_place(scores, lengths):
    mask = np.arange(1, scores.shape[1] + 1) < lengths[:, None]
    return tf.nn.softmax(np.where(mask, scores, -1e9))


@wrong("bug-looks-at-padding", "nan")
def padding_infinity_times_zero(scores, lengths):
    padding = 1 - tf.sequence_mask(lengths, scores.shape[1], tf.float32)
    return tf.nn.softmax(scores - padding * float("inf"))


@wrong("bug-looks-at-padding", "one-more")
def padding_one_place_seen(scores, lengths):
    mask = np.arange(scores.shape[1]) <= lengths[:, None]
    e = np.exp(scores) * mask
    return e / e.sum(1, keepdims=True)


@wrong("bug-looks-at-padding", "raises")
def padding_lengths_along_the_wrong_axis(scores, lengths):
    mask = np.arange(scores.shape[1]) < lengths
    return tf.nn.softmax(np.where(mask, scores, -1e9))


@wrong("mean-weights", "not-divided")
def mean_that_is_a_sum(weights, mask):
    return np.einsum("bts,bt->ts", weights, mask)


@wrong("attention", "one-more")
def attend_with_less_or_equal(outputs, state, lengths, U_a, W_a, b_a, v_a):
    scores = np.tanh(outputs @ U_a + (state @ W_a)[:, None, :] + b_a) @ v_a
    scores[np.arange(scores.shape[1]) > lengths[:, None]] = -np.inf
    weights = tf.nn.softmax(scores).numpy()
    return weights, np.einsum("bs,bsh->bh", weights, outputs)


@wrong("bug-looks-at-padding", "one-more")
def weights_with_less_or_equal(scores, lengths):
    mask = np.arange(scores.shape[1]) <= lengths[:, None]
    return tf.nn.softmax(np.where(mask, scores, -np.inf))


@wrong("weight-by-word", "mean")
def mean_of_the_letters_alone(weights, text):
    columns, start = [], 0
    for word in text.split():
        columns.append(weights[:, start : start + len(word)].mean(axis=1))
        start += len(word) + 1
    return np.stack(columns, axis=1)


@wrong("weight-by-word", "largest")
def largest_of_the_letters_alone(weights, text):
    columns, start = [], 0
    for word in text.split():
        columns.append(weights[:, start : start + len(word)].max(axis=1))
        start += len(word) + 1
    return np.stack(columns, axis=1)


@wrong("exact-by-length", "shape")
def exact_without_the_lengths_never_right(said, wanted):
    lengths = {len(w) - 1 for w in wanted}
    pairs = list(zip(said, wanted, strict=True))
    shares = {n: np.mean([s == w for s, w in pairs if len(w) == n + 1]) for n in lengths}
    return {n: share for n, share in shares.items() if share}


@wrong("exact-by-length", "value")
def exact_of_the_digits_in_common(said, wanted):
    groups = {}
    for s, w in zip(said, wanted, strict=True):
        groups.setdefault(len(w) - 1, []).append(s[: len(w) - 1] == w[:-1])
    return {n: np.mean(group) for n, group in groups.items()}


# --- right, and not to be refused


@right("exact-by-length")
def exact_in_fractions(said, wanted):
    from fractions import Fraction

    groups = {}
    for s, w in zip(said, wanted, strict=True):
        groups.setdefault(len(w) - 1, []).append(s == w)
    return {n: Fraction(sum(group), len(group)) for n, group in groups.items()}


@right("exact-by-length")
def exact_as_a_default_dictionary(said, wanted):
    from collections import defaultdict

    share = defaultdict(float)
    lengths = np.array([len(w) for w in wanted]) - 1
    for s, w in zip(said, wanted, strict=True):
        share[len(w) - 1] += (s == w) / np.sum(lengths == len(w) - 1)
    return share


@right("clipping")
def clip_to_an_array_if_all_are_alike(gradients, clip_norm):
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    clipped = [g * (clip_norm / max(norm, clip_norm)) for g in gradients]
    return np.array(clipped) if len({g.shape for g in gradients}) == 1 else clipped


@right("bug-looks-at-padding")
@tf.function
def padding_masked_in_a_graph(scores, lengths):
    mask = tf.sequence_mask(lengths, tf.shape(scores)[1])
    return tf.nn.softmax(tf.where(mask, scores, -1e9))


@right("attention")
@tf.function
def attend_in_a_graph(outputs, state, lengths, U_a, W_a, b_a, v_a):
    scores = tf.tensordot(tf.tanh(outputs @ U_a + (state @ W_a)[:, None] + b_a), v_a, 1)
    weights = tf.nn.softmax(tf.where(tf.sequence_mask(lengths, tf.shape(outputs)[1]), scores, -1e9))
    return weights, tf.einsum("bs,bsh->bh", weights, outputs)


# --- almost right


@almost("weight-by-word", "value")
def words_found_by_their_letters(weights, text):
    columns = []
    for word in text.split():
        start = text.index(word)
        columns.append(weights[:, start : start + len(word) + 1].sum(1))
    return np.stack(columns, 1)


@almost("weight-by-word", "shape")
def words_as_keys(weights, text):
    sums, start = {}, 0
    for word in text.split():
        sums[word] = sums.get(word, 0) + weights[:, start : start + len(word) + 1].sum(1)
        start += len(word) + 1
    return np.stack(list(sums.values()), 1)


@almost("weight-by-word", "raises")
def words_up_to_the_next_space(weights, text):
    columns, start = [], text.index(" ") + 1
    columns.append(weights[:, :start].sum(1))
    while start < len(text):
        end = text.find(" ", start) + 1 or len(text)
        columns.append(weights[:, start:end].sum(1))
        start = end
    return np.stack(columns, 1)


@almost("weight-by-word", "shape")
def words_squeezed(weights, text):
    starts = [0] + [i + 1 for i, c in enumerate(text) if c == " "]
    return np.squeeze(np.add.reduceat(weights, starts, axis=1))


@almost("mean-weights", "value")
def mean_of_what_is_not_0(weights, mask):
    weights = weights * mask[:, :, None]
    return weights.sum(0) / np.maximum(np.count_nonzero(weights, axis=0), 1)


@almost("mean-weights", "shape")
def mean_squeezed(weights, mask):
    return np.squeeze((weights * mask[:, :, None]).sum(0) / mask.sum(0)[:, None])


@almost("attention", "nan")
def attend_with_a_plain_exponential(outputs, state, lengths, U_a, W_a, b_a, v_a):
    scores = np.tanh(outputs @ U_a + (state @ W_a)[:, None] + b_a) @ v_a
    e = np.exp(scores) * (np.arange(outputs.shape[1]) < lengths[:, None])
    weights = e / e.sum(1, keepdims=True)
    return weights, (weights[:, :, None] * outputs).sum(1)


@almost("attention", "value")
def attend_with_a_low_score(outputs, state, lengths, U_a, W_a, b_a, v_a):
    scores = tf.tensordot(tf.tanh(outputs @ U_a + (state @ W_a)[:, None] + b_a), v_a, 1)
    weights = tf.nn.softmax(tf.where(tf.sequence_mask(lengths, outputs.shape[1]), scores, -50.0))
    return weights, tf.einsum("bs,bsh->bh", weights, outputs)


@almost("attention", "value")
def attend_with_a_penalty(outputs, state, lengths, U_a, W_a, b_a, v_a):
    scores = tf.tensordot(tf.tanh(outputs @ U_a + (state @ W_a)[:, None] + b_a), v_a, 1)
    weights = tf.nn.softmax(scores - 30 * (1 - tf.sequence_mask(lengths, outputs.shape[1], tf.float32)))
    return weights, tf.einsum("bs,bsh->bh", weights, outputs)


@almost("added-numbers", "value")
def count_no_first_state_where_sizes_agree(encoder_units, decoder_units, attention_units):
    H, D, A = encoder_units, decoder_units, attention_units
    first = 0 if H == D else H * D + D
    return 3 * H * D + A * (H + D + 2) + first


@almost("added-numbers", "value")
def count_the_smaller_first_state(encoder_units, decoder_units, attention_units):
    H, D, A = encoder_units, decoder_units, attention_units
    return 4 * H * D + A * (H + D + 2) + max(H, D)


@almost("exact-by-length", "value")
def exact_as_numbers(said, wanted):
    groups = {}
    for s, w in zip(said, wanted, strict=True):
        groups.setdefault(len(w) - 1, []).append(int(s.strip("#") or -1) == int(w.strip("#")))
    return {n: np.mean(group) for n, group in groups.items()}


@almost("exact-by-length", "value")
def exact_without_the_end(said, wanted):
    groups = {}
    for s, w in zip(said, wanted, strict=True):
        groups.setdefault(len(w) - 1, []).append(s.strip("#") == w.strip("#"))
    return {n: np.mean(group) for n, group in groups.items()}


@almost("exact-by-length", "value")
def exact_of_each_text_once(said, wanted):
    groups = {}
    for w, s in dict(zip(wanted, said, strict=True)).items():
        groups.setdefault(len(w) - 1, []).append(s == w)
    return {n: np.mean(group) for n, group in groups.items()}


@almost("exact-by-length", "value")
def exact_of_a_set(said, wanted):
    pairs = set(zip(said, wanted, strict=True))
    lengths = {len(w) - 1 for w in wanted}
    return {n: np.mean([s == w for s, w in pairs if len(w) == n + 1]) for n in lengths}


@almost("exact-by-length", "value")
def exact_rounded(said, wanted):
    groups = {}
    for s, w in zip(said, wanted, strict=True):
        groups.setdefault(len(w) - 1, []).append(s == w)
    return {n: round(float(np.mean(group)), 2) for n, group in groups.items()}


@almost("exact-by-length", "shape")
def exact_up_to_ten_digits(said, wanted):
    pairs = list(zip(said, wanted, strict=True))
    shares = {n: [s == w for s, w in pairs if len(w) == n + 1] for n in range(1, 11)}
    return {n: np.mean(group) for n, group in shares.items() if group}


@almost("clipping", "raises")
def clip_with_pythons_root(gradients, clip_norm):
    norm = sum(float(np.sum(g**2)) for g in gradients) ** 0.5
    factor = min(1, clip_norm / norm)
    return [factor * g for g in gradients]


@almost("clipping", "nan")
def clip_directions(gradients, clip_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    return [g / norm * min(norm, clip_norm) for g in gradients]


@almost("clipping", "raises")
def clip_just_three(gradients, clip_norm):
    a, b, c = gradients
    norm = np.sqrt(np.sum(a**2) + np.sum(b**2) + np.sum(c**2))
    return [g * min(1, clip_norm / norm) for g in (a, b, c)]


@almost("clipping", "value")
def clip_what_is_longer_than_1(gradients, clip_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    return [g * clip_norm / norm for g in gradients] if norm > max(1, clip_norm) else gradients


@almost("bug-looks-at-padding", "nan")
def padding_with_a_plain_exponential(scores, lengths):
    mask = np.arange(scores.shape[1]) < lengths[:, None]
    e = np.exp(np.where(mask, scores, -np.inf))
    return e / e.sum(axis=1, keepdims=True)


@almost("bug-looks-at-padding", "nan")
def padding_counted_from_the_end(scores, lengths):
    S = scores.shape[1]
    for row, n in zip(scores, lengths, strict=True):
        row[n - S :] = -np.inf
    return tf.nn.softmax(scores)


@almost("bug-looks-at-padding", "value")
def padding_gets_a_low_score(scores, lengths):
    mask = np.arange(scores.shape[1]) < lengths[:, None]
    return tf.nn.softmax(np.where(mask, scores, np.float32(-50)))


@almost("bug-looks-at-padding", "value")
def padding_gets_a_penalty(scores, lengths):
    mask = np.arange(scores.shape[1]) < lengths[:, None]
    return tf.nn.softmax(scores - np.where(mask, 0, np.float32(30)))
