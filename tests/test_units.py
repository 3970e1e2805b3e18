"""Maps of the units hold what they were given: a column a character, a row a unit, in the order asked for."""

import matplotlib as mpl
import numpy as np
import pytest

import seq2seq_lab as lab

mpl.use("agg")
TEXT = "one two"
rng = np.random.default_rng(0)
GATE, STATE = rng.random((7, 5)), np.tanh(rng.normal(size=(7, 5)))


def panels(figure):
    return [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]


def texts(labels):
    return [label.get_text() for label in labels]


@pytest.mark.parametrize("order", [None, [3, 0, 4, 1, 2]])
def test_a_row_is_a_unit_and_a_column_a_character(order):
    gate, state = panels(lab.plot_units(TEXT, {"z": GATE, "h": STATE}, order))
    for axes, values in ((gate, GATE), (state, STATE)):
        (image,) = axes.get_images()
        for row, unit in enumerate(order or range(5)):
            np.testing.assert_array_equal(image.get_array()[row], values[:, unit])
        assert texts(axes.get_yticklabels()) == [str(unit) for unit in order or range(5)]
        assert list(axes.get_yticks()) == [0, 1, 2, 3, 4]
        assert "".join(texts(axes.get_xticklabels())) == "one␣two"
        assert list(axes.get_xticks()) == list(range(7))
        assert image.origin == "upper"
    assert (gate.get_title(), state.get_title()) == ("z", "h")
    assert (gate.get_xlabel(), state.get_xlabel()) == ("", "read")
    assert mpl.pyplot.get_fignums() == []


def test_a_gate_and_a_state_have_their_own_colours_and_bars():
    figure = lab.plot_units(TEXT, {"z": GATE, "h": STATE, "all one": np.ones((7, 5))})
    images = [axes.get_images()[0] for axes in panels(figure)]
    limits = [(0, GATE.max()), (-np.abs(STATE).max(), np.abs(STATE).max()), (0, 1)]
    assert [image.get_clim() for image in images] == limits
    assert [image.get_cmap().name for image in images] == ["viridis", "RdBu_r", "viridis"]
    red, _, blue, _ = images[1].to_rgba(limits[1][0])
    assert blue > red
    np.testing.assert_allclose(images[1].to_rgba(0), 1, atol=0.04)  # white
    bars = [axes for axes in figure.axes if axes.get_label() == "<colorbar>"]
    assert [bar.get_ylim() for bar in bars] == limits


def test_of_many_units_some_are_numbered_where_they_are():
    order = rng.permutation(100)
    (axes,) = panels(lab.plot_units(TEXT, {"z": rng.random((7, 100))}, order))
    places = axes.get_yticks()
    assert 20 <= len(places) <= 32
    assert texts(axes.get_yticklabels()) == [str(order[place]) for place in places]


def test_the_units_are_ordered_from_the_one_that_copies_most():
    z = rng.random((9, 20))
    order = lab.order_of_units(z)
    means = [sum(z[:, unit]) / 9 for unit in order]
    assert means == sorted(means, reverse=True)
    assert sorted(order) == list(range(20))
    many_alike = np.tile([0.5, 0.9], 100)[None]
    assert lab.order_of_units(many_alike).tolist() == [*range(1, 200, 2), *range(0, 200, 2)]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("", {"z": GATE}), "text must be a text, not empty, but is ''"),
        ((7, {"z": GATE}), "text must be a text, not empty, but is 7"),
        ((TEXT, [GATE]), "maps must be a mapping from names to maps, but is"),
        ((TEXT, {}), "maps must be not empty, but is {}"),
        ((TEXT, {"z": GATE[0]}), r"maps\['z'\] must be numbers \(S, H\), not empty, all finite, but is"),
        ((TEXT, {"z": GATE[:, :0]}), r"maps\['z'\] must be numbers \(S, H\), not empty, all finite"),
        ((TEXT, {"z": GATE * np.nan}), r"maps\['z'\] must be numbers \(S, H\), not empty, all finite"),
        ((TEXT, {"z": None}), r"maps\['z'\] must be numbers \(S, H\), not empty, all finite, but is None"),
        ((TEXT, {"z": [[1], [1, 2]]}), r"maps\['z'\] must be numbers \(S, H\), not empty, all finite"),
        ((TEXT, {"z": GATE.T}), r"the shape of maps\['z'\] must be \(7, 7\), a row .* but is \(5, 7\)"),
        ((TEXT, {"z": GATE, "h": STATE[:, :4]}), r"the shape of maps\['h'\] must be \(7, 5\).* is \(7, 4\)"),
    ],
)
def test_what_does_not_fit_is_named(given, words):
    with pytest.raises(ValueError, match=words):
        lab.plot_units(*given)
    assert mpl.pyplot.get_fignums() == []


@pytest.mark.parametrize(
    "order",
    [[0, 1, 2, 3], [0, 1, 2, 3, 3], [1, 2, 3, 4, 5], [0.0, 1, 2, 3, 4], "01234", 3, [[0, 1, 2, 3, 4]]],
)
def test_an_order_has_each_unit_once(order):
    with pytest.raises(ValueError, match=r"order must be each of 0 \.\.\. 4 once, but is"):
        lab.plot_units(TEXT, {"z": GATE}, order)
    assert mpl.pyplot.get_fignums() == []


@pytest.mark.parametrize("z", [[0.5, 0.5], [[]], [[np.nan]], [["x"]], None])
def test_what_has_no_order_is_named(z):
    with pytest.raises(ValueError, match=r"z must be numbers \(S, H\), not empty, all finite, but is"):
        lab.order_of_units(z)
