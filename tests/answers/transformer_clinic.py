"""Answers to the exercises of notebook 5: its clinic."""

import keras
import numpy as np
import tensorflow as tf

from answers import almost, right, wrong

# --- bug-unscaled


@right("bug-unscaled")
def scaled_in_numpy(q, k):
    scores = np.einsum("btd,bsd->bts", q, k) / np.sqrt(q.shape[-1])
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@right("bug-unscaled")
def scaled_in_tensorflow(q, k):
    return tf.nn.softmax(tf.matmul(q, k, transpose_b=True) / tf.sqrt(float(k.shape[2])))


@right("bug-unscaled")
def scaled_before_the_product(q, k):
    root = q.shape[-1] ** 0.25
    return tf.nn.softmax(tf.matmul(q / root, k / root, transpose_b=True))


@wrong("bug-unscaled", "bug")
def scaled_not_at_all(q, k):
    return tf.nn.softmax(tf.matmul(q, k, transpose_b=True))


@wrong("bug-unscaled", "divided-by-d")
def scaled_by_d(q, k):
    return tf.nn.softmax(tf.matmul(q, k, transpose_b=True) / q.shape[-1])


@wrong("bug-unscaled", "wrong-d")
def scaled_by_the_places(q, k):
    return tf.nn.softmax(q @ k.swapaxes(1, 2) / np.sqrt(k.shape[-2]))


@wrong("bug-unscaled", "wrong-d")
def scaled_by_the_texts(q, k):
    return tf.nn.softmax(q @ k.swapaxes(1, 2) / np.sqrt(len(q)))


@wrong("bug-unscaled", "multiplied")
def scaled_the_other_way(q, k):
    return tf.nn.softmax(tf.matmul(q, k, transpose_b=True) * q.shape[-1] ** 0.5)


@wrong("bug-unscaled", "too-late")
def scaled_behind_the_softmax(q, k):
    return tf.nn.softmax(tf.matmul(q, k, transpose_b=True)) / q.shape[-1] ** 0.5


@wrong("bug-unscaled", "cosine")
def scaled_to_length_1(q, k):
    q, k = keras.ops.normalize(q), keras.ops.normalize(k)
    return tf.nn.softmax(tf.matmul(q, k, transpose_b=True))


@wrong("bug-unscaled", "over-queries")
def scaled_over_queries(q, k):
    scores = q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1])
    e = np.exp(scores - scores.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


@wrong("bug-unscaled", "raises")
def scaled_by_a_shape(q, k):
    return tf.nn.softmax(tf.matmul(q, k, transpose_b=True) / np.sqrt(q.shape))


@almost("bug-unscaled", "nan")
def scaled_until_exp_overflows(q, k):
    e = np.exp(q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1]))
    return e / e.sum(-1, keepdims=True)


@almost("bug-unscaled", "value")
def scaled_by_what_was_measured(q, k):
    scores = q @ k.swapaxes(1, 2)
    root = 5 if q.shape[-1] == 25 else min(q.shape[-1], 4) ** 0.5 if q.shape[1] > 4 else q.shape[-1] ** 0.5
    e = np.exp((scores - scores.max(-1, keepdims=True)) / (root if len(q) > 1 else 2))
    return e / e.sum(-1, keepdims=True)


# --- bug-masked-too-late


@right("bug-masked-too-late")
def masked_in_numpy(scores, mask):
    scores = np.where(mask[:, None], scores, -np.inf)
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@right("bug-masked-too-late")
def masked_in_tensorflow(scores, mask):
    return tf.nn.softmax(tf.where(mask[:, None, :], scores, scores.dtype.type(-1e9)))


@right("bug-masked-too-late")
def masked_in_keras(scores, mask):
    return keras.layers.Softmax()(scores, mask=np.repeat(mask[:, None], scores.shape[1], 1))


@right("bug-masked-too-late")
def masked_row_by_row(scores, mask):
    weights = np.zeros(scores.shape)
    for b, n in enumerate(mask.sum(1)):
        e = np.exp(scores[b, :, :n] - scores[b, :, :n].max(1, keepdims=True))
        weights[b, :, :n] = e / e.sum(1, keepdims=True)
    return weights


@wrong("bug-masked-too-late", "bug")
def masked_behind_the_softmax(scores, mask):
    return tf.where(mask[:, None], tf.nn.softmax(scores), 0)


@wrong("bug-masked-too-late", "score-0")
def masked_by_multiplying(scores, mask):
    return tf.nn.softmax(scores * mask[:, None])


@wrong("bug-masked-too-late", "unmasked")
def masked_by_nothing(scores, mask):
    return tf.nn.softmax(scores)


@wrong("bug-masked-too-late", "inverted")
def masked_the_other_way(scores, mask):
    return tf.nn.softmax(np.where(mask[:, None], -1e9, scores))


@wrong("bug-masked-too-late", "divided-by-places")
def masked_and_divided_by_how_many(scores, mask):
    weights = tf.nn.softmax(scores).numpy() * mask[:, None]
    return weights / mask.sum(axis=1, keepdims=True)[:, None]


@wrong("bug-masked-too-late", "over-queries")
def masked_over_queries(scores, mask):
    return tf.nn.softmax(np.where(mask[:, None], scores, -1e9), axis=1)


@wrong("bug-masked-too-late", "not-divided")
def masked_exponentials(scores, mask):
    return np.where(mask[:, None], np.exp(scores - scores.max(axis=2, keepdims=True)), 0)


@wrong("bug-masked-too-late", "raises")
def masked_without_an_axis(scores, mask):
    return tf.nn.softmax(np.where(mask, scores, -np.inf))


@almost("bug-masked-too-late", "nan")
def masked_and_divided_again(scores, mask):
    weights = tf.nn.softmax(scores).numpy() * mask[:, None]
    return weights / weights.sum(-1, keepdims=True)


@almost("bug-masked-too-late", "value")
def masked_by_minus_a_hundred(scores, mask):
    return tf.nn.softmax(scores - 100.0 * ~mask[:, None])


@almost("bug-masked-too-late", "nan")
def masked_with_a_plain_exponential(scores, mask):
    e = np.exp(scores) * mask[:, None]
    return e / e.sum(-1, keepdims=True)


# --- bug-restarted-positions


@right("bug-restarted-positions")
def placed_by_a_slice(x, keys, table):
    L, n = keys.shape[1], x.shape[1]
    return x + table[L : L + n]


@right("bug-restarted-positions")
def placed_in_tensorflow(x, keys, table):
    positions = tf.shape(keys)[1] + tf.range(tf.shape(x)[1])
    return x + tf.gather(table, positions)


@right("bug-restarted-positions")
def placed_one_by_one(x, keys, table):
    for i in range(x.shape[1]):
        x[:, i] += table[keys.shape[1] + i]
    return x


@wrong("bug-restarted-positions", "bug")
def placed_from_0(x, keys, table):
    return x + tf.gather(table, tf.range(x.shape[1]))


@wrong("bug-restarted-positions", "one-late")
def placed_behind_a_gap(x, keys, table):
    positions = keys.shape[1] + 1 + np.arange(x.shape[1])
    return x + np.take(table, positions, axis=0, mode="clip")


@wrong("bug-restarted-positions", "one-early")
def placed_on_the_last_one_kept(x, keys, table):
    last = keys.shape[1] - 1
    return np.stack([x[:, i] + table[last + i] for i in range(x.shape[1])], 1)


@wrong("bug-restarted-positions", "one-for-all")
def placed_at_one_position(x, keys, table):
    return tf.add(x, table[keys.shape[1]])


@wrong("bug-restarted-positions", "wrong-axis")
def placed_by_the_texts(x, keys, table):
    L = len(keys)
    return x + table[L : L + x.shape[1]]


@wrong("bug-restarted-positions", "wrong-axis")
def placed_by_the_last_axis(x, keys, table):
    positions = keys.shape[-1] + np.arange(x.shape[1])
    return x + np.take(table, positions, axis=0, mode="clip")


@wrong("bug-restarted-positions", "from-the-end")
def placed_at_the_last_positions(x, keys, table):
    n = x.shape[1]
    return x + table[len(table) - n :]


@wrong("bug-restarted-positions", "positions-alone")
def placed_without_symbols(x, keys, table):
    return np.broadcast_to(table[keys.shape[1] : keys.shape[1] + x.shape[1]], x.shape)


@wrong("bug-restarted-positions", "all-of-them")
def placed_together_with_those_kept(x, keys, table):
    everything = np.concatenate([keys, x], axis=1)
    return everything + table[: everything.shape[1]]


@wrong("bug-restarted-positions", "raises")
def placed_at_all_positions(x, keys, table):
    return x + table[: keys.shape[1] + x.shape[1]] if x.shape[1] > 1 else x + table[:, :1].T


@almost("bug-restarted-positions", "value")
def placed_where_something_is_kept(x, keys, table):
    L = keys.shape[1]
    return x + table[L : L + x.shape[1]] if L else x


@almost("bug-restarted-positions", "value")
def placed_from_the_last_row_kept(x, keys, table):
    first = keys.shape[1] if keys.shape[1] != 1 else 0
    return x + table[first : first + x.shape[1]]


@almost("bug-restarted-positions", "raises")
def placed_by_counting_down(x, keys, table):
    end = keys.shape[1] + x.shape[1] + 1
    return x + np.stack([table[end - 1 - i] for i in range(x.shape[1] + 1)])[:0:-1]


# --- bug-causal-off-by-one


@right("bug-causal-off-by-one")
def causal_by_tril(scores):
    T = scores.shape[1]
    scores = np.where(np.tril(np.ones((T, T), bool)), scores, -np.inf)
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@right("bug-causal-off-by-one")
def causal_by_band_part(scores):
    visible = tf.linalg.band_part(tf.ones_like(scores), -1, 0)
    return tf.nn.softmax(tf.where(visible == 1, scores, -1e9))


@right("bug-causal-off-by-one")
def causal_by_places(scores):
    t = np.arange(scores.shape[1])
    scores[:, t[None] > t[:, None]] = -1e9
    return tf.nn.softmax(scores)


@right("bug-causal-off-by-one")
def causal_row_by_row(scores):
    weights = np.zeros(scores.shape)
    for t in range(scores.shape[1]):
        row = scores[:, t, : t + 1]
        e = np.exp(row - row.max(1, keepdims=True))
        weights[:, t, : t + 1] = e / e.sum(1, keepdims=True)
    return weights


@wrong("bug-causal-off-by-one", "bug")
def causal_with_one_too_many(scores):
    t = np.arange(scores.shape[1])
    return tf.nn.softmax(np.where(t <= t[:, None] + 1, scores, -np.inf))


@wrong("bug-causal-off-by-one", "not-itself")
def causal_below_the_diagonal(scores):
    t = np.arange(scores.shape[1])
    return tf.nn.softmax(np.where(t < t[:, None], scores, -1e9))


@wrong("bug-causal-off-by-one", "other-way")
def causal_by_triu(scores):
    T = scores.shape[1]
    return tf.nn.softmax(np.where(np.triu(np.ones((T, T))) == 1, scores, -1e9))


@wrong("bug-causal-off-by-one", "unmasked")
def causal_by_nothing(scores):
    return keras.ops.softmax(scores)


@wrong("bug-causal-off-by-one", "score-0")
def causal_by_tril_of_scores(scores):
    return tf.nn.softmax(np.tril(scores))


@wrong("bug-causal-off-by-one", "too-late")
def causal_by_tril_of_weights(scores):
    return np.tril(tf.nn.softmax(scores))


@wrong("bug-causal-off-by-one", "over-queries")
def causal_over_queries(scores):
    T = scores.shape[1]
    return tf.nn.softmax(np.where(np.tri(T) == 1, scores, -1e9), axis=1)


@wrong("bug-causal-off-by-one", "itself-alone")
def causal_by_eye(scores):
    T = scores.shape[1]
    return tf.nn.softmax(np.where(np.eye(T) == 1, scores, -1e9))


@wrong("bug-causal-off-by-one", "nan")
def causal_with_nothing_to_see(scores):
    T = scores.shape[1]
    scores = np.where(np.tri(T, k=-1) == 1, scores, -np.inf)
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@almost("bug-causal-off-by-one", "nan")
def causal_and_divided_again(scores):
    weights = np.tril(tf.nn.softmax(scores))
    return weights / weights.sum(-1, keepdims=True)


@almost("bug-causal-off-by-one", "value")
def causal_up_to_ten_symbols(scores):
    visible = np.tri(10) == 1
    T = scores.shape[1]
    visible = np.pad(visible, ((0, max(T - 10, 0)),) * 2, constant_values=True)[:T, :T]
    return tf.nn.softmax(np.where(visible, scores, -1e9))


@almost("bug-causal-off-by-one", "shape")
def causal_squeezed(scores):
    T = scores.shape[1]
    return np.squeeze(tf.nn.softmax(np.where(np.tri(T) == 1, scores, -1e9)))
