"""Embeddings are drawn where PCA puts them; their neighbours are those that brute force finds."""

import matplotlib as mpl
import numpy as np
import pytest

import seq2seq_lab as lab

mpl.use("agg")
SYMBOLS = " efghin"
VECTORS = np.random.default_rng(0).normal(size=(7, 5)) * [1, 3, 0.2, 2, 1] + 4


def places(figure):
    (axes,) = figure.axes
    return {text.get_text(): np.array(text.get_position()) for text in axes.texts}


def by_eigenvectors(vectors):
    """Places in the plane of most variance, by the eigenvectors of the covariance, and the shares."""
    values, directions = np.linalg.eigh(np.cov(vectors.T))
    first, second = directions[:, -1], directions[:, -2]
    return vectors @ np.stack([first, second], 1), values[::-1] / values.sum()


def test_every_symbol_stands_where_pca_puts_it():
    figure = lab.plot_embeddings(VECTORS, SYMBOLS)
    got = places(figure)
    assert list(got) == list("␣efghin")
    got = np.array(list(got.values()))
    wanted, shares = by_eigenvectors(VECTORS)
    for axis in (0, 1):  # up to mirroring and where 0 is
        distances = np.abs(got[:, None, axis] - got[None, :, axis])
        np.testing.assert_allclose(
            distances, np.abs(wanted[:, None, axis] - wanted[None, :, axis]), atol=1e-9
        )
    np.testing.assert_allclose(got.mean(0), 0, atol=1e-12)
    (axes,) = figure.axes
    assert f"first direction, {shares[0]:.0%} of the variance" == axes.get_xlabel()
    assert f"second direction, {shares[1]:.0%} of the variance" == axes.get_ylabel()
    assert mpl.pyplot.get_fignums() == []


@pytest.mark.parametrize("seed", range(5))
def test_the_largest_number_of_each_direction_is_positive(seed):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(7, 5))
    got = np.array(list(places(lab.plot_embeddings(vectors, SYMBOLS)).values()))
    directions = np.linalg.lstsq(got, vectors - vectors.mean(0), rcond=None)[0]
    for direction in directions:
        assert direction[np.abs(direction).argmax()] > 0
    order = rng.permutation(7)
    shuffled = places(lab.plot_embeddings(vectors[order], "".join(SYMBOLS[i] for i in order)))
    for symbol, place in zip("␣efghin", got, strict=True):
        np.testing.assert_allclose(shuffled[symbol], place, atol=1e-9)


def test_all_symbols_are_inside_and_a_distance_is_as_long_in_both_directions():
    figure = lab.plot_embeddings(VECTORS, SYMBOLS)
    (axes,) = figure.axes
    figure.draw_without_rendering()
    for x, y in places(figure).values():
        assert axes.get_xlim()[0] < x < axes.get_xlim()[1]
        assert axes.get_ylim()[0] < y < axes.get_ylim()[1]
    (x0, y0), (x1, y1) = axes.transData.transform([(0, 0), (1, 1)])
    assert x1 - x0 == pytest.approx(y1 - y0)


def by_brute_force(symbol, k):
    def cosine(a, b):
        return sum(a * b) / (sum(a * a) * sum(b * b)) ** 0.5

    mine = VECTORS[SYMBOLS.index(symbol)]
    others = [
        (cosine(mine, v), s.replace(" ", "␣")) for s, v in zip(SYMBOLS, VECTORS, strict=True) if s != symbol
    ]
    return ", ".join(f"{s} {c:.2f}" for c, s in sorted(others, reverse=True)[:k])


@pytest.mark.parametrize("k", [1, 3, 6])
def test_the_nearest_are_the_most_similar_others(k):
    table = lab.nearest(VECTORS, SYMBOLS, k=k)
    assert table.head == ("symbol", "most similar, by cosine")
    assert table.rows == [(s.replace(" ", "␣"), by_brute_force(s, k)) for s in SYMBOLS]
    assert lab.nearest(VECTORS, SYMBOLS, "n ", k).rows == [table.rows[6], table.rows[0]]


def test_three_are_shown_unless_told():
    assert lab.nearest(VECTORS, SYMBOLS).rows == lab.nearest(VECTORS, SYMBOLS, SYMBOLS, 3).rows


def test_similarity_is_that_of_directions_not_of_lengths():
    vectors = [[1, 0], [100, 1], [1, 1], [-1, 0]]
    assert lab.nearest(vectors, "abcd", "a").rows == [("a", "b 1.00, c 0.71, d -1.00")]


@pytest.mark.parametrize("call", [lab.plot_embeddings, lab.nearest], ids=["plot", "nearest"])
@pytest.mark.parametrize(
    ("vectors", "symbols", "words"),
    [
        (VECTORS, "abc", "V of vectors must be 3, one for each symbol, but is 7"),
        (VECTORS, "abcdefa", "symbols must be a text, each character once, but is 'abcdefa'"),
        (VECTORS, "", "symbols must be a text, each character once, but is ''"),
        (VECTORS, list("abcdefg"), r"symbols must be a text, each character once, but is \['a'"),
        (VECTORS[0], "abcde", r"vectors must be numbers \(V, E\), not empty, all finite, but is"),
        (VECTORS * np.inf, SYMBOLS, r"vectors must be numbers \(V, E\), not empty, all finite, but is"),
        ("vectors", SYMBOLS, r"vectors must be numbers \(V, E\), not empty, all finite, but is 'vectors'"),
    ],
)
def test_what_does_not_fit_is_named(call, vectors, symbols, words):
    with pytest.raises(ValueError, match=words):
        call(vectors, symbols)
    assert mpl.pyplot.get_fignums() == []


def test_a_plane_needs_two_numbers_each_and_two_places():
    with pytest.raises(ValueError, match="E of vectors must be at least 2, but is 1"):
        lab.plot_embeddings([[1], [2]], "ab")
    for same in ([[1, 2]], [[1, 2]] * 3):
        with pytest.raises(ValueError, match="vectors must be not all the same, but is"):
            lab.plot_embeddings(same, "abc"[: len(same)])


def test_what_has_no_neighbours_is_named():
    for k in (0, 7, 1.0, True):
        with pytest.raises(ValueError, match=f"k must be a whole number from 1 to 6, but is {k}"):
            lab.nearest(VECTORS, SYMBOLS, k=k)
    with pytest.raises(ValueError, match="rows must be some of ' efghin', but is 'ex'"):
        lab.nearest(VECTORS, SYMBOLS, "ex")
    for rows in ("", "ee", 3):
        with pytest.raises(ValueError, match="rows must be a text, each character once, but is"):
            lab.nearest(VECTORS, SYMBOLS, rows)
    with pytest.raises(ValueError, match="vectors must be not all zeros for any symbol, but is"):
        lab.nearest([[0, 0], [1, 2]], "ab", k=1)
