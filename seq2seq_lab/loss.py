"""The loss and the two accuracies, over the unmasked places alone.

    loss = sum(mask * cross-entropy) / sum(mask)

so that padding, which carries the id of the digit 0, counts for nothing. Every function takes
`logits (B, T, V)`, `targets (B, T)` and `mask (B, T)`. Used in section "The loss" of notebook 1.
"""

from __future__ import annotations

import tensorflow as tf


def sequence_loss(logits: tf.Tensor, targets: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Mean cross-entropy of the true places, in nats; a scalar."""
    mask = tf.cast(mask, logits.dtype)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)  # (B, T)
    return tf.reduce_sum(mask * losses) / tf.reduce_sum(mask)


def token_accuracy(logits: tf.Tensor, targets: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Share of true places where the arg-max is the target; a scalar."""
    mask = tf.cast(mask, tf.float32)
    return tf.reduce_sum(mask * _correct(logits, targets)) / tf.reduce_sum(mask)


def exact_match(logits: tf.Tensor, targets: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Share of sequences that are right at every true place; a scalar."""
    wrong = tf.cast(mask, tf.float32) * (1 - _correct(logits, targets))
    return tf.reduce_mean(tf.cast(tf.reduce_sum(wrong, 1) == 0, tf.float32))


def accuracy_by_position(logits: tf.Tensor, targets: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Share of right arg-maxes at each target position, `(T,)`; NaN where no sample is that long."""
    mask = tf.cast(mask, tf.float32)
    return tf.reduce_sum(mask * _correct(logits, targets), 0) / tf.reduce_sum(mask, 0)


def accuracy_after_mistake(logits: tf.Tensor, targets: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Share of right places behind a first mistake, by that mistake's position, `(T,)`; NaN where none is."""
    mask = tf.cast(mask, tf.float32)
    right = mask * _correct(logits, targets)
    mistakes = tf.cumsum(mask - right, 1)  # up to each place
    first = tf.cast(mistakes == 1, tf.float32) * (mask - right)
    right_after, after = (tf.cumsum(a, 1, exclusive=True, reverse=True) for a in (right, mask))
    return tf.reduce_sum(first * right_after, 0) / tf.reduce_sum(first * after, 0)


def _correct(logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.argmax(logits, -1, targets.dtype) == targets, tf.float32)
