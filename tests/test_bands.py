"""Bands: the median of several seeds, from the worst to the best, with counts below."""

import matplotlib as mpl
import numpy as np
import pytest

import seq2seq_lab as lab
from seq2seq_lab.views import bands as module

mpl.use("agg")


def test_a_line_is_the_median_and_its_band_reaches_from_the_worst_seed_to_the_best():
    rng = np.random.default_rng(3)
    given = {"a": rng.random((3, 6)), "b": rng.random((4, 5))}
    given["a"][1, 2] = np.nan
    (axes,) = lab.plot_bands(given, "place", "share", title="a title").axes
    for line, band, (name, values) in zip(axes.get_lines(), axes.collections, given.items(), strict=True):
        assert line.get_label() == name
        np.testing.assert_array_equal(line.get_xdata(), range(1, values.shape[1] + 1))
        np.testing.assert_allclose(line.get_ydata(), np.nanmedian(values, 0))
        corners = band.get_paths()[0].vertices
        for x, low, high in zip(line.get_xdata(), np.nanmin(values, 0), np.nanmax(values, 0), strict=True):
            at = corners[corners[:, 0] == x, 1]
            np.testing.assert_allclose([at.min(), at.max()], [low, high])
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("place", "share", "a title")
    assert [label.get_text() for label in axes.get_xticklabels()] == [*"123456"]
    assert module.plt.get_fignums() == []


def test_a_point_of_which_no_seed_says_anything_is_a_gap_without_a_warning(recwarn):
    (axes,) = lab.plot_bands({"a": [[0.5, np.nan, 1], [0.7, np.nan, 0]]}, "x", "y").axes
    np.testing.assert_allclose(axes.get_lines()[0].get_ydata(), [0.6, np.nan, 0.5])
    assert not recwarn.list


def test_counts_stand_below_each_place_in_the_order_of_the_names():
    given = {"a": np.ones((2, 3)), "b": np.ones((2, 2))}
    (axes,) = lab.plot_bands(given, "place", "y", counts={"b": [7, 8], "a": np.array([4, 5, 6])}).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1\n4\n7", "2\n5\n8", "3\n6\n"]
    assert axes.get_xlabel() == "place; below, how many: a, then b"


@pytest.mark.parametrize(
    ("given", "counts", "words"),
    [
        ([[1, 2]], None, "bands must be a mapping from names to numbers, but is"),
        ({}, None, "bands must be not empty, but is {}"),
        ({"a": [1, 2]}, None, r"bands\['a'\] must be numbers \(seeds, N\), not empty, but is \[1, 2\]"),
        ({"a": [[1]]}, {"b": [1]}, r"counts must be a mapping with the names a, but is {'b': \[1\]}"),
        ({"a": [[1]]}, [1], r"counts must be a mapping with the names a, but is \[1\]"),
        ({"a": [[1]]}, {"a": [1, 2]}, r"len\(counts\['a'\]\) must be 1, as many as points, but is 2"),
    ],
)
def test_what_is_no_band_is_named(given, counts, words):
    with pytest.raises(ValueError, match=words):
        lab.plot_bands(given, "x", "y", counts)
