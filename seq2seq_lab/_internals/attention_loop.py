"""The steps of a decoder with additive attention and a GRU, with their gradient written by hand.

It runs the equations at the top of `attention.py` and of `gru.py`. Keys, and what `tanh` makes of them and a
query, stand as `(A, B, S)`, units first: sums over the units are then sums of whole rows, which a processor
adds side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from seq2seq_lab._internals.devices import sum_by_symbol
from seq2seq_lab._internals.time_loop import length, time_loop, weight_gradient


@tf.custom_gradient
def attending_states(
    table: Any,
    tokens: Any,
    h_0: Any,
    outputs: Any,
    keys: Any,
    mask: Any,
    W_a: Any,
    v_a: Any,
    W_x: Any,
    W_hz: Any,
    W_hr: Any,
    W_hc: Any,
) -> tuple[tf.Tensor, Callable]:
    """The states `(T, B, H)` of a decoder that reads `tokens (T, B)` and looks back at each of them.

    Args:
        table: each token's share of the gates z, r, c, `(V, 3H)`.
        h_0: the first state, `(B, H)`.
        outputs: the encoder's outputs that it looks at, `(B, S, H')`.
        keys: what they answer to, `(B, S, A)`.
        mask: True at the true positions, `(B, S)`.
        W_x: from the context to the gates z, r, c, `(H', 3H)`.

    Backwards, a loop passes the gradients of queries, gates and contexts through time, and adds up that of
    the keys; the gradient of each weight is one product after it.
    """
    T, (A, H) = length(tokens), (v_a.shape[0], h_0.shape[1])
    o, k = (tf.transpose(a, (2, 0, 1)) for a in (outputs, keys))  # (H', B, S), (A, B, S)
    v = v_a[:, None, None]
    W_h = tf.concat([W_a, W_hz, W_hr], 1)  # all that reads the state before it is reset

    def forward(t: Any, h: tf.Tensor) -> tuple:
        query, h_z, h_r = tf.split(h @ W_h, [A, H, H], 1)
        u = tf.tanh(k + tf.transpose(query)[:, :, None])  # (A, B, S)
        score = tf.reduce_sum(v * u, 0)
        weight = tf.nn.softmax(tf.where(mask, score, score.dtype.min))  # (B, S)
        context = tf.linalg.matvec(outputs, weight, transpose_a=True)  # (B, H')
        x_z, x_r, x_c = tf.split(tf.gather(table, tf.gather(tokens, t)) + context @ W_x, 3, 1)
        z = tf.sigmoid(x_z + h_z)
        r = tf.sigmoid(x_r + h_r)
        c = tf.tanh(x_c + (r * h) @ W_hc)
        h = (1 - z) * c + z * h
        return h, (h, z, r, c, u, weight, context)

    like_context, like_weight = outputs[:, 0], keys[:, :, 0]
    kept = (*(h_0,) * 4, k, like_weight, like_context)
    _, (h, z, r, c, u, weight, context) = time_loop(forward, h_0, T, T, kept)  # each (T, ...)

    def gradient(dh_after: tf.Tensor) -> tuple:
        h_before = tf.concat([h_0[None], h[:-1]], 0)

        def backward(t: Any, carry: tuple) -> tuple:
            dh, dk = carry
            dh_t, h_t, z_t, r_t, c_t, u_t, weight_t = (
                tf.gather(a, t) for a in (dh_after, h_before, z, r, c, u, weight)
            )
            dh += dh_t
            dc = dh * (1 - z_t) * (1 - c_t * c_t)
            drh = tf.matmul(dc, W_hc, transpose_b=True)
            dr = drh * h_t * r_t * (1 - r_t)
            dz = dh * (h_t - c_t) * z_t * (1 - z_t)
            dx = tf.concat([dz, dr, dc], 1)
            dcontext = tf.matmul(dx, W_x, transpose_b=True)
            dweight = tf.reduce_sum(tf.transpose(dcontext)[:, :, None] * o, 0)  # (B, S)
            dscore = weight_t * (dweight - tf.reduce_sum(weight_t * dweight, 1, keepdims=True))
            du = dscore * (v * (1 - u_t * u_t))  # inside the tanh, (A, B, S)
            dquery = tf.transpose(tf.reduce_sum(du, 2))
            dhidden = tf.matmul(tf.concat([dquery, dz, dr], 1), W_h, transpose_b=True)
            dh = dh * z_t + drh * r_t + dhidden
            return (dh, dk + du), (dx, dcontext, dscore, dquery)

        start = tf.zeros_like(h_0), tf.zeros_like(k)
        like_query = like_context[:, :1] + tf.zeros([A], h_0.dtype)
        kept = tf.tile(h_0, [1, 3]), like_context, like_weight, like_query
        (dh_0, dk), steps = time_loop(backward, start, T, T, kept, backwards=True)
        dx, dcontext, dscore, dquery = steps  # each (T, B, ...)
        dz, dr, dc = tf.split(dx, 3, 2)
        return (
            sum_by_symbol(dx, tokens, length(table)),
            None,
            dh_0,
            tf.matmul(tf.transpose(weight, (1, 2, 0)), tf.transpose(dcontext, (1, 0, 2))),
            tf.transpose(dk, (1, 2, 0)),
            None,
            weight_gradient(h_before, dquery),
            # Over texts and places a product, which is faster than a sum.
            tf.reduce_sum(tf.linalg.matvec(tf.reshape(u, (T, A, -1)), tf.reshape(dscore, (T, -1))), 0),
            weight_gradient(context, dx),
            weight_gradient(h_before, dz),
            weight_gradient(h_before, dr),
            weight_gradient(r * h_before, dc),
        )

    return h, gradient
