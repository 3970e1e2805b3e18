"""Tensors joined into one vector, and parted again."""

import numpy as np
import tensorflow as tf

from seq2seq_lab._internals.vectors import joined, parted, sizes

SHAPES = [(3, 4), (5,), (2, 1, 3), (1,), ()]


def test_joined_and_parted_are_numpys_concatenate_and_split():
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape).astype("float32") for shape in SHAPES]
    tensors = [tf.constant(array) for array in arrays]
    assert sizes(tensors) == [12, 5, 6, 1, 1]
    vector = joined(tensors, tensors)
    np.testing.assert_array_equal(vector, np.concatenate([array.ravel() for array in arrays]))
    for part, array in zip(parted(vector, tensors), arrays, strict=True):
        np.testing.assert_array_equal(part, array)
        assert part.shape == array.shape


def test_what_is_missing_counts_as_zeros_and_what_is_sparse_as_the_whole():
    table, other = tf.zeros((3, 2)), tf.zeros((2,))
    sparse = tf.IndexedSlices(tf.constant([[1.0, 2.0], [4.0, 8.0]]), tf.constant([2, 2]), (3, 2))
    np.testing.assert_array_equal(joined([sparse, None], [table, other]), [0, 0, 0, 0, 5, 10, 0, 0])
