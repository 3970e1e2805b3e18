"""Answers to the exercises of notebook 5."""

import keras
import numpy as np
import tensorflow as tf

from answers import almost, right, wrong

# --- dot-product-attention


@right("dot-product-attention")
def attend_in_numpy(q, k, v, mask):
    scores = np.einsum("btd,bsd->bts", q, k) / np.sqrt(q.shape[2])
    scores = np.where(mask[:, None, :], scores, -np.inf)
    e = np.exp(scores - scores.max(axis=2, keepdims=True))
    weights = e / e.sum(axis=2, keepdims=True)
    return np.einsum("bts,bsd->btd", weights, v), weights


@right("dot-product-attention")
def attend_in_tensorflow(q, k, v, mask):
    score = tf.matmul(q, k, transpose_b=True) / tf.sqrt(tf.cast(tf.shape(q)[-1], tf.float32))
    weight = tf.nn.softmax(tf.where(mask[:, None], score, score.dtype.min))
    return weight @ v, weight


@right("dot-product-attention")
def attend_in_keras(q, k, v, mask):
    score = keras.ops.matmul(q, keras.ops.swapaxes(k, 1, 2)) / q.shape[-1] ** 0.5
    weight = keras.layers.Softmax()(score, mask=mask[:, None])  # older Attention layers take no such mask
    return keras.ops.matmul(weight, v), weight


@right("dot-product-attention")
def attend_in_a_loop(q, k, v, mask):
    (B, T, d), S = q.shape, k.shape[1]
    read, weights = np.zeros((B, T, d)), np.zeros((B, T, S))
    for b in range(B):
        n = mask[b].sum()
        for t in range(T):
            scores = k[b, :n] @ q[b, t] * d**-0.5
            e = np.exp(scores - max(scores))
            weights[b, t, :n] = e / e.sum()
            read[b, t] = weights[b, t] @ v[b]
    return read, weights


@right("dot-product-attention")
def attend_with_low_scores_added(q, k, v, mask):
    scaled = (q / np.sqrt(q.shape[-1])) @ k.transpose(0, 2, 1) - 1e9 * ~mask[:, None]
    weights = tf.nn.softmax(scaled).numpy()
    return weights @ v, weights


@wrong("dot-product-attention", "unscaled")
def attend_unscaled(q, k, v, mask):
    weights = tf.nn.softmax(tf.where(mask[:, None], tf.matmul(q, k, transpose_b=True), -1e9))
    return weights @ v, weights


@wrong("dot-product-attention", "divided-by-d")
def attend_over_d(q, k, v, mask):
    scores = np.where(mask[:, None], np.einsum("btd,bsd->bts", q, k) / k.shape[2], -1e9)
    weights = np.exp(scores - scores.max(-1)[..., None])
    weights = weights / weights.sum(-1)[..., None]
    return weights @ v, weights


@wrong("dot-product-attention", "wrong-d")
def attend_over_the_root_of_s(q, k, v, mask):
    scores = q @ np.transpose(k, (0, 2, 1)) / np.sqrt(np.shape(mask)[-1])
    weights = tf.nn.softmax(np.where(mask[:, None], scores, -np.inf))
    return weights @ v, weights


@wrong("dot-product-attention", "wrong-d")
def attend_over_the_root_of_t(q, k, v, mask):
    d = q.shape[1]
    scores = np.where(mask[:, None], q @ k.swapaxes(1, 2) / np.sqrt(d), -1e9)
    e = np.exp(scores - scores.max(-1, keepdims=True))
    weights = e / e.sum(-1, keepdims=True)
    return weights @ v, weights


@wrong("dot-product-attention", "multiplied")
def attend_times_the_root(q, k, v, mask):
    scores = np.where(mask[:, None], q @ k.swapaxes(1, 2) * np.sqrt(q.shape[-1]), -1e9)
    weights = tf.nn.softmax(scores)
    return tf.matmul(weights, v.astype(float)), weights


@wrong("dot-product-attention", "scaled-too-late")
def attend_and_scale_the_weights(q, k, v, mask):
    scores = np.where(mask[:, None], q @ k.swapaxes(1, 2), -np.inf)
    e = np.exp(scores - scores.max(-1, keepdims=True))
    weights = e / e.sum(-1, keepdims=True) / q.shape[-1] ** 0.5
    return weights @ v, weights


@wrong("dot-product-attention", "unmasked")
def attend_to_padding(q, k, v, mask):
    weights = tf.nn.softmax(tf.matmul(q, k, transpose_b=True) / q.shape[-1] ** 0.5)
    return weights @ v, weights


@wrong("dot-product-attention", "zeroed-after")
def attend_and_mask_at_the_end(q, k, v, mask):
    scores = q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1])
    e = np.exp(scores - scores.max(-1, keepdims=True))
    weights = e / e.sum(-1, keepdims=True) * mask[:, None]
    return weights @ v, weights


@wrong("dot-product-attention", "score-0")
def attend_to_scores_times_mask(q, k, v, mask):
    weights = tf.nn.softmax(q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1]) * mask[:, None])
    return weights.numpy() @ v, weights


@wrong("dot-product-attention", "score-0")
def attend_to_a_score_that_is_hardly_below_0(q, k, v, mask):
    scores = np.where(mask[:, None], q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1]), -1e-9)
    weights = tf.nn.softmax(scores).numpy()
    return weights @ v, weights


@wrong("dot-product-attention", "inverted")
def attend_where_it_is_masked(q, k, v, mask):
    scores = q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1])
    scores[np.repeat(mask[:, None], q.shape[1], 1)] = -1e9
    weights = tf.nn.softmax(scores).numpy()
    return weights @ v, weights


@wrong("dot-product-attention", "inverted")
def attend_where_it_is_masked_alone(q, k, v, mask):
    scores = np.where(mask[:, None], -np.inf, q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1]))
    e = np.exp(scores - scores.max(-1, keepdims=True))
    weights = e / e.sum(-1, keepdims=True)
    return weights @ v, weights


@wrong("dot-product-attention", "over-queries")
def attend_along_queries(q, k, v, mask):
    scores = np.where(mask[:, None], q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1]), -1e9)
    weights = tf.nn.softmax(scores, axis=1).numpy()
    return weights @ v, weights


@wrong("dot-product-attention", "over-texts")
def attend_along_texts(q, k, v, mask):
    scores = np.where(mask[:, None], q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1]), -1e9)
    e = np.exp(scores - scores.max(0))
    weights = e / e.sum(0)
    return weights @ v, weights


@wrong("dot-product-attention", "keys-for-values")
def attend_and_read_keys(q, k, v, mask):
    score = tf.matmul(q, k, transpose_b=True) / q.shape[-1] ** 0.5
    weight = tf.nn.softmax(tf.where(mask[:, None], score, score.dtype.min))
    return weight @ k, weight


@wrong("dot-product-attention", "keys-for-values")
def attend_with_keys_and_values_mixed_up(q, k, v, mask):
    scores = np.where(mask[:, None], np.einsum("btd,bsd->bts", q, v) / q.shape[-1] ** 0.5, -1e9)
    weights = tf.nn.softmax(scores).numpy()
    return weights @ k, weights


@wrong("dot-product-attention", "transposed")
def attend_with_places_in_rows(q, k, v, mask):
    scores = np.where(mask[:, :, None], k @ q.swapaxes(1, 2) / q.shape[-1] ** 0.5, -1e9)
    e = np.exp(scores - scores.max(1, keepdims=True))
    weights = e / e.sum(1, keepdims=True)
    return np.einsum("bst,bsd->btd", weights, v), weights


@wrong("dot-product-attention", "swapped")
def attend_weights_first(q, k, v, mask):
    scores = np.where(mask[:, None], q @ k.swapaxes(1, 2) / q.shape[-1] ** 0.5, -1e9)
    weights = tf.nn.softmax(scores).numpy()
    return weights, weights @ v


@wrong("dot-product-attention", "type")
def attend_without_the_weights(q, k, v, mask):
    scores = np.where(mask[:, None], q @ k.swapaxes(1, 2) / q.shape[-1] ** 0.5, -1e9)
    return tf.nn.softmax(scores).numpy() @ v


@wrong("dot-product-attention", "raises")
def attend_without_turning_keys(q, k, v, mask):
    scores = np.where(mask[:, None], q @ k / q.shape[-1] ** 0.5, -1e9)
    weights = tf.nn.softmax(scores).numpy()
    return weights @ v, weights


@wrong("dot-product-attention", "raises")
def attend_with_a_mask_of_two_axes(q, k, v, mask):
    scores = np.where(mask, q @ k.swapaxes(1, 2) / q.shape[-1] ** 0.5, -1e9)
    weights = tf.nn.softmax(scores).numpy()
    return weights @ v, weights


@wrong("dot-product-attention", "nothing")
def attend_and_forget_it(q, k, v, mask):
    scores = np.where(mask[:, None], q @ k.swapaxes(1, 2) / q.shape[-1] ** 0.5, -1e9)
    weights = tf.nn.softmax(scores).numpy()
    weights @ v, weights


@almost("dot-product-attention", "nan")
def attend_with_a_plain_exponential_of_dots(q, k, v, mask):
    e = np.exp(q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1])) * mask[:, None]
    weights = e / e.sum(-1, keepdims=True)
    return weights @ v, weights


@almost("dot-product-attention", "value")
def attend_with_a_score_that_is_not_low_enough(q, k, v, mask):
    scores = np.where(mask[:, None], q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1]), -100)
    e = np.exp(scores - scores.max(-1, keepdims=True))
    weights = e / e.sum(-1, keepdims=True)
    return weights @ v, weights


@almost("dot-product-attention", "nan")
def attend_and_divide_again(q, k, v, mask):
    scores = q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1])
    e = np.exp(scores - scores.max(-1, keepdims=True)) * mask[:, None]
    weights = e / e.sum(-1, keepdims=True)
    return weights @ v, weights


@almost("dot-product-attention", "shape")
def attend_and_squeeze(q, k, v, mask):
    scores = np.where(mask[:, None], q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1]), -np.inf)
    e = np.exp(scores - scores.max(-1, keepdims=True))
    weights = e / e.sum(-1, keepdims=True)
    return np.squeeze(weights @ v), weights


# --- cached-step


@right("cached-step")
def step_in_numpy(q, k, v, keys, values):
    keys = np.concatenate([keys, k[:, None]], axis=1)
    values = np.concatenate([values, v[:, None]], axis=1)
    scores = np.einsum("bd,bld->bl", q, keys) / np.sqrt(q.shape[1])
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights = e / e.sum(axis=1, keepdims=True)
    return np.einsum("bl,bld->bd", weights, values), keys, values


@right("cached-step")
def step_in_tensorflow(q, k, v, keys, values):
    keys = tf.concat([keys, k[:, None]], 1)
    values = tf.concat([values, v[:, None]], 1)
    weights = tf.nn.softmax(tf.linalg.matvec(keys, q) / q.shape[-1] ** 0.5)
    return tf.linalg.matvec(values, weights, transpose_a=True), keys, values


@right("cached-step")
def step_by_inserting(q, k, v, keys, values):
    L = keys.shape[1]
    keys, values = np.insert(keys, L, k, axis=1), np.insert(values, L, v, axis=1)
    weights = tf.nn.softmax((q[:, None] @ keys.swapaxes(1, 2) / np.sqrt(q.shape[-1]))[:, 0]).numpy()
    return (weights[:, None] @ values)[:, 0], keys, values


@right("cached-step")
def step_into_a_larger_array(q, k, v, keys, values):
    B, L, d = keys.shape
    all_keys, all_values = np.empty((2, B, L + 1, d))
    all_keys[:, :L], all_keys[:, L] = keys, k
    all_values[:, :L], all_values[:, L] = values, v
    read = []
    for b in range(B):
        e = np.exp(all_keys[b] @ q[b] / np.sqrt(d))
        read.append(e / e.sum() @ all_values[b])
    return np.array(read), all_keys, all_values


@wrong("cached-step", "in-front")
def step_with_the_new_one_first(q, k, v, keys, values):
    keys, values = np.insert(keys, 0, k, axis=1), np.insert(values, 0, v, axis=1)
    weights = tf.nn.softmax((keys @ q[:, :, None])[..., 0] / np.sqrt(q.shape[-1])).numpy()
    return (weights[..., None] * values).sum(1), keys, values


@wrong("cached-step", "not-itself")
def step_that_looks_before_it_appends(q, k, v, keys, values):
    weights = tf.nn.softmax(tf.einsum("bd,bld->bl", q, keys) / q.shape[-1] ** 0.5)
    read = tf.einsum("bl,bld->bd", weights, values)
    return read, tf.concat([keys, k[:, None]], 1), tf.concat([values, v[:, None]], 1)


@wrong("cached-step", "itself-alone")
def step_that_looks_at_the_new_one(q, k, v, keys, values):
    score = (q * k).sum(1, keepdims=True) / np.sqrt(q.shape[-1])
    weight = np.exp(score - score) / 1
    return weight * v, np.append(keys, k[:, None], 1), np.append(values, v[:, None], 1)


@wrong("cached-step", "not-kept")
def step_that_hands_back_the_old_cache(q, k, v, keys, values):
    seen, told = np.append(keys, k[:, None], 1), np.append(values, v[:, None], 1)
    weights = tf.nn.softmax(np.einsum("bd,bld->bl", q, seen) / np.sqrt(q.shape[-1])).numpy()
    return np.einsum("bl,bld->bd", weights, told), keys, values


@wrong("cached-step", "overwritten")
def step_that_writes_into_the_last_row(q, k, v, keys, values):
    keys[:, -1], values[:, -1] = k, v
    weights = tf.nn.softmax(np.einsum("bd,bld->bl", q, keys) / np.sqrt(q.shape[-1])).numpy()
    return np.einsum("bl,bld->bd", weights, values), keys, values


@wrong("cached-step", "one-alone-kept")
def step_that_hands_back_the_new_ones(q, k, v, keys, values):
    seen, told = np.append(keys, k[:, None], 1), np.append(values, v[:, None], 1)
    weights = tf.nn.softmax(np.einsum("bd,bld->bl", q, seen) / np.sqrt(q.shape[-1])).numpy()
    return np.einsum("bl,bld->bd", weights, told), k, v


@wrong("cached-step", "key-kept-as-value")
def step_copied_from_the_line_above(q, k, v, keys, values):
    keys = np.append(keys, k[:, None], 1)
    values = np.append(values, k[:, None], 1)
    weights = tf.nn.softmax(np.einsum("bd,bld->bl", q, keys) / np.sqrt(q.shape[-1])).numpy()
    return np.einsum("bl,bld->bd", weights, values), keys, values


@wrong("cached-step", "keys-for-values")
def step_that_reads_keys(q, k, v, keys, values):
    keys, values = np.append(keys, k[:, None], 1), np.append(values, v[:, None], 1)
    weights = tf.nn.softmax(np.einsum("bd,bld->bl", q, keys) / np.sqrt(q.shape[-1])).numpy()
    return np.einsum("bl,bld->bd", weights, keys), keys, values


@wrong("cached-step", "keys-for-values")
def step_that_asks_values(q, k, v, keys, values):
    keys, values = tf.concat([keys, k[:, None]], 1), tf.concat([values, v[:, None]], 1)
    weights = tf.nn.softmax(tf.einsum("bd,bld->bl", q, values) / q.shape[-1] ** 0.5)
    return tf.einsum("bl,bld->bd", weights, values), keys, values


@wrong("cached-step", "key-for-query")
def step_that_asks_with_the_key(q, k, v, keys, values):
    keys, values = np.append(keys, k[:, None], 1), np.append(values, v[:, None], 1)
    weights = tf.nn.softmax(np.einsum("bd,bld->bl", k, keys) / np.sqrt(k.shape[-1])).numpy()
    return np.einsum("bl,bld->bd", weights, values), keys, values


@wrong("cached-step", "unscaled")
def step_unscaled(q, k, v, keys, values):
    keys, values = np.append(keys, k[:, None], 1), np.append(values, v[:, None], 1)
    weights = tf.nn.softmax(np.einsum("bd,bld->bl", q, keys)).numpy()
    return np.einsum("bl,bld->bd", weights, values), keys, values


@wrong("cached-step", "divided-by-d")
def step_over_d(q, k, v, keys, values):
    keys, values = np.append(keys, k[:, None], 1), np.append(values, v[:, None], 1)
    weights = tf.nn.softmax(np.einsum("bd,bld->bl", q, keys) / keys.shape[2]).numpy()
    return np.einsum("bl,bld->bd", weights, values), keys, values


@wrong("cached-step", "wrong-d")
def step_over_the_root_of_all_symbols(q, k, v, keys, values):
    keys, values = np.append(keys, k[:, None], 1), np.append(values, v[:, None], 1)
    d = keys.shape[1]
    weights = tf.nn.softmax(np.einsum("bd,bld->bl", q, keys) / np.sqrt(d)).numpy()
    return np.einsum("bl,bld->bd", weights, values), keys, values


@wrong("cached-step", "over-texts")
def step_along_texts(q, k, v, keys, values):
    keys, values = np.append(keys, k[:, None], 1), np.append(values, v[:, None], 1)
    weights = tf.nn.softmax(np.einsum("bd,bld->bl", q, keys) / np.sqrt(q.shape[1]), axis=0).numpy()
    return np.einsum("bl,bld->bd", weights, values), keys, values


@wrong("cached-step", "no-softmax")
def step_by_scores(q, k, v, keys, values):
    keys, values = np.append(keys, k[:, None], 1), np.append(values, v[:, None], 1)
    scores = np.einsum("bd,bld->bl", q, keys) / np.sqrt(q.shape[1])
    return np.einsum("bl,bld->bd", scores, values), keys, values


@wrong("cached-step", "mean")
def step_without_a_question(q, k, v, keys, values):
    keys, values = np.append(keys, k[:, None], 1), np.append(values, v[:, None], 1)
    return values.mean(axis=1), keys, values


@wrong("cached-step", "mean")
def step_with_a_mean_too_many(q, k, v, keys, values):
    keys, values = np.append(keys, k[:, None], 1), np.append(values, v[:, None], 1)
    weights = tf.nn.softmax(np.einsum("bd,bld->bl", q, keys) / np.sqrt(q.shape[1])).numpy()
    return (weights[:, :, None] * values).mean(axis=1), keys, values


@wrong("cached-step", "not-summed")
def step_of_weighted_values(q, k, v, keys, values):
    keys, values = np.append(keys, k[:, None], 1), np.append(values, v[:, None], 1)
    weights = tf.nn.softmax(np.einsum("bd,bld->bl", q, keys) / np.sqrt(q.shape[1])).numpy()
    return weights[:, :, None] * values, keys, values


@wrong("cached-step", "axis-left")
def step_as_attention_of_one_query(q, k, v, keys, values):
    keys, values = tf.concat([keys, k[:, None]], 1), tf.concat([values, v[:, None]], 1)
    weights = tf.nn.softmax(tf.matmul(q[:, None], keys, transpose_b=True) / q.shape[-1] ** 0.5)
    return weights @ values, keys, values


@wrong("cached-step", "swapped")
def step_with_the_cache_first(q, k, v, keys, values):
    keys, values = np.append(keys, k[:, None], 1), np.append(values, v[:, None], 1)
    weights = tf.nn.softmax(np.einsum("bd,bld->bl", q, keys) / np.sqrt(q.shape[1])).numpy()
    return keys, values, np.einsum("bl,bld->bd", weights, values)


@wrong("cached-step", "raises")
def step_that_joins_without_an_axis(q, k, v, keys, values):
    keys, values = np.concatenate([keys, k], 1), np.concatenate([values, v], 1)
    weights = tf.nn.softmax(np.einsum("bd,bld->bl", q, keys) / np.sqrt(q.shape[1])).numpy()
    return np.einsum("bl,bld->bd", weights, values), keys, values


@wrong("cached-step", "type")
def step_without_its_cache(q, k, v, keys, values):
    keys, values = np.append(keys, k[:, None], 1), np.append(values, v[:, None], 1)
    weights = tf.nn.softmax(np.einsum("bd,bld->bl", q, keys) / np.sqrt(q.shape[1])).numpy()
    return np.einsum("bl,bld->bd", weights, values)


@almost("cached-step", "value")
def step_that_reads_nothing_at_first(q, k, v, keys, values):
    if keys.shape[1] == 0:
        return 0 * v, k[:, None], v[:, None]
    keys, values = np.append(keys, k[:, None], 1), np.append(values, v[:, None], 1)
    e = np.exp(np.einsum("bd,bld->bl", q, keys) / np.sqrt(q.shape[1]))
    return np.einsum("bl,bld->bd", e / e.sum(1, keepdims=True), values), keys, values


@almost("cached-step", "raises")
def step_by_the_row_before(q, k, v, keys, values):
    before = (keys[:, -1] * q).sum(1)  # taken off all scores, so that exp stays small
    keys, values = np.append(keys, k[:, None], 1), np.append(values, v[:, None], 1)
    e = np.exp((np.einsum("bd,bld->bl", q, keys) - before[:, None]) / np.sqrt(q.shape[1]))
    return np.einsum("bl,bld->bd", e / e.sum(1, keepdims=True), values), keys, values


@almost("cached-step", "shape")
def step_squeezed(q, k, v, keys, values):
    keys, values = np.append(keys, k[:, None], 1), np.append(values, v[:, None], 1)
    e = np.exp(q[:, None] @ keys.swapaxes(1, 2) / np.sqrt(q.shape[1]))
    return np.squeeze(e / e.sum(2, keepdims=True) @ values), keys, values


# --- sinusoids


@right("sinusoids")
def waves_in_numpy(positions, width):
    waves = 10_000 ** (np.arange(0, width, 2) / width)
    angles = positions[:, None] / waves
    return np.hstack([np.sin(angles), np.cos(angles)])


@right("sinusoids")
def waves_in_tensorflow(positions, width):
    i = tf.range(width // 2, dtype=tf.float32)
    angles = tf.cast(positions, tf.float32)[:, None] / 10_000.0 ** (2 * i / width)
    return tf.concat([tf.sin(angles), tf.cos(angles)], -1)


@right("sinusoids")
def waves_by_exp_and_log(positions, width):
    i = np.arange(width // 2)
    angles = np.outer(positions, np.exp(-np.log(10_000) * 2 * i / width))
    return np.concatenate([np.sin(angles), np.sin(angles + np.pi / 2)], axis=-1)


@right("sinusoids")
def waves_as_lists(positions, width):
    rows = []
    for position in positions:
        angles = [position / 10_000 ** (2 * i / width) for i in range(width // 2)]
        rows.append([*map(np.sin, angles), *map(np.cos, angles)])
    return rows


@wrong("sinusoids", "cosines-first")
def waves_from_cosine_to_sine(positions, width):
    angles = positions[:, None] / 10_000 ** (np.arange(0, width, 2) / width)
    return np.hstack([np.cos(angles), np.sin(angles)])


@wrong("sinusoids", "interleaved")
def waves_as_in_the_paper(positions, width):
    result = np.zeros((len(positions), width))
    angles = positions[:, None] / 10_000 ** (np.arange(0, width, 2) / width)
    result[:, 0::2] = np.sin(angles)
    result[:, 1::2] = np.cos(angles)
    return result


@wrong("sinusoids", "exponent")
def waves_without_the_2(positions, width):
    angles = positions[:, None] / 10_000 ** (np.arange(width // 2) / width)
    return np.hstack([np.sin(angles), np.cos(angles)])


@wrong("sinusoids", "exponent")
def waves_with_the_2_twice(positions, width):
    i = tf.range(0, width, 2, dtype=tf.float32)
    angles = tf.cast(positions, tf.float32)[:, None] / 10_000.0 ** (2 * i / width)
    return tf.concat([tf.sin(angles), tf.cos(angles)], 1)


@wrong("sinusoids", "to-the-end")
def waves_up_to_ten_thousand(positions, width):
    waves = np.geomspace(1, 10_000, width // 2)
    angles = positions[:, None] / waves
    return np.hstack([np.sin(angles), np.cos(angles)])


@wrong("sinusoids", "to-the-end")
def waves_counted_from_1(positions, width):
    waves = 10_000 ** (np.arange(2, width + 2, 2) / width)
    angles = positions[:, None] / waves
    return np.hstack([np.sin(angles), np.cos(angles)])


@wrong("sinusoids", "multiplied")
def waves_that_grow_faster(positions, width):
    angles = positions[:, None] * 10_000 ** (2 * np.arange(width // 2) / width)
    return np.hstack([np.sin(angles), np.cos(angles)])


@wrong("sinusoids", "counted")
def waves_of_a_range(positions, width):
    angles = np.arange(len(positions))[:, None] / 10_000 ** (np.arange(0, width, 2) / width)
    return np.hstack([np.sin(angles), np.cos(angles)])


@wrong("sinusoids", "from-1")
def waves_one_further(positions, width):
    angles = (1 + positions[:, None]) / 10_000 ** (np.arange(0, width, 2) / width)
    return np.hstack([np.sin(angles), np.cos(angles)])


@wrong("sinusoids", "full-turns")
def waves_in_full_turns(positions, width):
    angles = 2 * np.pi * positions[:, None] / 10_000 ** (np.arange(0, width, 2) / width)
    return np.hstack([np.sin(angles), np.cos(angles)])


@wrong("sinusoids", "sines-alone")
def waves_of_sines(positions, width):
    return np.sin(positions[:, None] / 10_000 ** (2 * np.arange(width) / width))


@wrong("sinusoids", "sines-alone")
def waves_of_half_the_width(positions, width):
    return np.sin(positions[:, None] / 10_000 ** (2 * np.arange(width // 2) / width))


@wrong("sinusoids", "transposed")
def waves_in_rows(positions, width):
    angles = positions / 10_000 ** (np.arange(0, width, 2) / width)[:, None]
    return np.vstack([np.sin(angles), np.cos(angles)])


@wrong("sinusoids", "raises")
def waves_without_an_axis(positions, width):
    angles = positions / 10_000 ** (np.arange(0, width, 2) / width)
    return np.hstack([np.sin(angles), np.cos(angles)])


@wrong("sinusoids", "value")
def waves_by_whole_numbers(positions, width):
    angles = positions[:, None] / 10_000 ** (2 * np.arange(width // 2) // width)
    return np.hstack([np.sin(angles), np.cos(angles)])


@almost("sinusoids", "value")
def waves_counted_from_the_smallest(positions, width):
    table = np.arange(60)[:, None] / 10_000 ** (np.arange(0, width, 2) / width)
    table = np.hstack([np.sin(table), np.cos(table)])
    return table[positions if len(positions) > 3 else positions - positions.min()]


@almost("sinusoids", "shape")
def waves_squeezed(positions, width):
    angles = positions[:, None] / 10_000 ** (np.arange(0, width, 2) / width)
    return np.squeeze(np.hstack([np.sin(angles), np.cos(angles)]))


@almost("sinusoids", "raises")
def waves_by_a_ratio_of_neighbours(positions, width):
    waves = 10_000 ** (np.arange(0, width, 2) / width)
    waves = np.cumprod([1, *[waves[1] / waves[0]] * (width // 2 - 1)])
    angles = positions[:, None] / waves
    return np.hstack([np.sin(angles), np.cos(angles)])
