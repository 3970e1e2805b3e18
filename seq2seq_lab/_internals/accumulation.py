"""Gradient accumulation: a large batch is learned from in micro-batches, whose gradients are added up.

    loss = sum_i share_i * loss_i        share_i = true places in micro-batch i / true places in the batch

and so is every gradient: the same as at once, but for the order in which numbers are added. On a CPU this
is faster, since a micro-batch fits into the cache and, sorted by length, takes no more steps than its own
longest text. A GPU takes hundreds of samples in the time of one, so there a batch stays whole. Used in
section "Cut large batches up" of notebook 6.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from seq2seq_lab._internals.devices import on_gpu

SMALLEST, LARGEST = 32, 64  # samples of a micro-batch


def micro_batches(batch_size: int | None) -> int:
    """Into how many equal parts a batch is cut: 1 where no part would have a size between these."""
    sizes = range(LARGEST, SMALLEST - 1, -1)
    if batch_size is None or batch_size <= LARGEST or on_gpu():
        return 1
    return next((batch_size // size for size in sizes if batch_size % size == 0), 1)


def accumulated(
    gradients: Callable, weights: Sequence, x: Sequence, targets: tf.Tensor, mask: tf.Tensor
) -> tuple[tf.Tensor, list]:
    """Loss of a batch and its gradients, one for each of `weights`, by micro-batches where that is faster.

    Args:
        gradients: from `(x, targets, mask)` of any number of samples to the loss, a mean over the true
            places, and the gradients.
        x: `(inputs, inputs_seqlen, ...)`, each `(B, ...)`.
    """
    n = micro_batches(mask.shape[0])
    if n == 1:
        return gradients(x, targets, mask)
    by_length = tf.argsort(x[1], stable=True)
    cut = [tf.gather(part, by_length) for part in (*x, targets, mask)]
    cut = [tf.reshape(part, (n, -1, *part.shape[1:])) for part in cut]
    places = tf.reduce_sum(mask)

    def add(i: tf.Tensor, loss: tf.Tensor, *sums: tf.Tensor) -> tuple:
        *x_i, targets_i, mask_i = (tf.gather(part, i) for part in cut)
        share = tf.reduce_sum(mask_i) / places
        loss_i, found = gradients(x_i, targets_i, mask_i)
        more = (s if g is None else s + share * g for s, g in zip(sums, found, strict=True))
        return i + 1, loss + share * loss_i, *more

    start = tf.constant(0), tf.constant(0.0), *map(tf.zeros_like, weights)
    _, loss, *sums = tf.while_loop(lambda i, *_: i < n, add, start)
    return loss, sums
