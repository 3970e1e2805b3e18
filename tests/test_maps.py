"""Maps hold what the model looked at; the watch follows a training; figures hold what they were given."""

import keras
import matplotlib as mpl
import numpy as np
import pytest
from test_decoding import random_model, teacher_forced

import seq2seq_lab as lab
from seq2seq_lab.views import curves as plots
from seq2seq_lab.views.maps import AttentionMap
from seq2seq_lab.views.trace import Trace

mpl.use("agg")


@pytest.fixture(scope="module")
def model():
    settings = lab.Settings(min_digits=2, max_digits=4, samples_per_epoch=160, validation_samples=50)
    return lab.Seq2Seq(settings, decoder=lab.AttentionDecoder(lab.GRUCell(7), attention_units=3))


def some_map(read, written, seed=0):
    weights = np.random.default_rng(seed).dirichlet(np.ones(len(read)), len(written))
    return AttentionMap(read, written, weights)


def test_a_map_is_what_the_model_says_and_where_it_looked(model):
    text = "one two"
    ids = lab.encode(text)[None]
    logits, weights = model.free_running(ids, [len(text)], 5, return_attention=True)
    got = lab.attention_map(model, text, steps=5)
    assert got.read == text
    assert got.written == lab.decode(np.argmax(logits[0], -1))
    np.testing.assert_array_equal(got.weights, weights[0])
    np.testing.assert_allclose(got.weights.sum(1), 1, atol=1e-6)


def test_a_map_is_as_long_as_the_translation(model):
    for text in ("one", "one two three"):
        (said,) = model.translate([text])
        got = lab.attention_map(model, text)
        assert got.written == said
        assert got.weights.shape == (len(said), len(text))


def test_what_cannot_be_mapped_is_named(model):
    with pytest.raises(ValueError, match="text must be not empty, but is ''"):
        lab.attention_map(model, "", steps=3)
    with pytest.raises(ValueError, match=r"text 'one!' has '!'"):
        lab.attention_map(model, "one!")
    with pytest.raises(ValueError, match="model must attend, but its decoder, a Decoder, does not"):
        lab.attention_map(lab.Seq2Seq(), "one")
    for draw in (lab.plot_attention, lambda: lab.plot_attention_maps([], [])):
        with pytest.raises(ValueError, match="maps must be not empty"):
            draw()
    for draw in (lab.plot_attention, lambda maps: lab.plot_attention_maps(maps, ["a"])):
        with pytest.raises(ValueError, match=r"maps must be AttentionMaps, but is .*'one'"):
            draw(["one"])
    for titles in (["a"], ["a", "b", "c"]):
        with pytest.raises(ValueError, match="titles must be 2, one for each map, but is"):
            lab.plot_attention_maps([some_map("one", "1#")] * 2, titles)
    with pytest.raises(ValueError, match="columns must be a whole number of at least 1, but is 0"):
        lab.plot_attention_maps([some_map("one", "1#")], ["a"], columns=0)


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "attends"])
def opinionated(request):
    """A model that prefers something."""
    return random_model(54 if request.param else 4, attends=request.param)


def probabilities(model, text, written):
    """What the model expects at each step of a text, `(T, 11)`, if it wrote this before."""
    inputs, targets_in = lab.encode(text)[None], lab.encode("#" + written[:-1])[None]
    logits = teacher_forced(model)(inputs, np.array([len(text)], np.int32), targets_in)[0].numpy()
    e = np.exp(logits - logits.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


@pytest.mark.slow
def test_a_removal_map_is_what_texts_that_really_are_shorter_change(opinionated):
    endings = set()
    for text in ("one two three four", "two two nine", "no", "  x"):
        got = lab.removal_map(opinionated, text)
        assert (got.read, [got.written]) == (text, opinionated.translate([text]))
        p = probabilities(opinionated, text, got.written)
        for s in range(len(text)):
            q = probabilities(opinionated, text[:s] + text[s + 1 :], got.written)
            np.testing.assert_allclose(got.weights[:, s], 1 - np.minimum(p, q).sum(1), atol=2e-5)
        assert got.weights.shape == (len(got.written), len(text))
        assert got.weights.min() >= 0
        assert 0.1 < got.weights.max() < 1 + 1e-6
        endings.add(got.written[-1] == "#")
    assert endings == {True, False}


def test_a_character_that_can_be_removed_and_leave_one_is_needed(model):
    for text in ("", "x"):
        with pytest.raises(ValueError, match=f"text must be at least two characters long, but is '{text}'"):
            lab.removal_map(model, text)
    with pytest.raises(ValueError, match=r"text 'one!' has '!'"):
        lab.removal_map(model, "one!")


@pytest.mark.slow
@pytest.mark.parametrize("seed", [51, 54])
def test_a_forbidden_map_is_what_each_look_changes_that_is_forbidden_alone(seed):
    model, endings = random_model(seed, attends=True), set()
    for text in ("one two three four", "two two nine", "no", "  x"):
        got, free = lab.forbidden_map(model, text), lab.trace(model, text)
        assert (got.read, got.written) == (text, free.written)
        assert got.weights.shape == (len(got.written), len(text))
        for t, s in np.ndindex(got.weights.shape):
            others = [place for place in range(len(text)) if place != s]
            p, q = (x.probabilities[t] for x in (free, lab.trace(model, text, places={t: others})))
            np.testing.assert_allclose(got.weights[t, s], 1 - np.minimum(p, q).sum(), atol=2e-5)
        endings.add(got.written[-1] == "#")
    assert True in endings
    assert 0.05 < got.weights.max() < 1


def test_looks_can_be_forbidden_one_by_one_where_there_are_two_and_the_decoder_attends(model):
    for text in ("", "x"):
        with pytest.raises(ValueError, match=f"text must be at least two characters long, but is '{text}'"):
            lab.forbidden_map(model, text)
    with pytest.raises(ValueError, match=r"text 'one!' has '!'"):
        lab.forbidden_map(model, "one!")
    with pytest.raises(ValueError, match=r"model.decoder must be able to `restrict` where it looks, but is"):
        lab.forbidden_map(lab.Seq2Seq(), "one")


@pytest.mark.slow
def test_the_watch_keeps_a_map_before_training_and_after_each_epoch(model):
    watch = lab.AttentionWatch("two three", steps=3)
    before = lab.attention_map(model, "two three", 3)
    model.compile(keras.optimizers.Adam(0.005), jit_compile=False)
    lab.train(model, samples=400, callbacks=[watch])
    after = lab.attention_map(model, "two three", 3)
    assert watch.samples == [0, 160, 320, 400]
    np.testing.assert_array_equal(watch.maps[0].weights, before.weights)
    np.testing.assert_array_equal(watch.maps[-1].weights, after.weights)
    assert np.abs(before.weights - after.weights).max() > 0


def test_a_figure_shows_the_weights_with_their_symbols_on_one_scale():
    maps = [some_map("one two", "12#"), some_map("six", "6#", 1)]
    *panels, bar = lab.plot_attention(*maps).axes
    assert len(panels) == 2
    for axes, shown in zip(panels, maps, strict=True):
        (image,) = axes.get_images()
        np.testing.assert_array_equal(image.get_array(), shown.weights)
        assert image.get_clim() == (0, 1)
        assert "".join(label.get_text() for label in axes.get_xticklabels()) == shown.read.replace(" ", "␣")
        assert "".join(label.get_text() for label in axes.get_yticklabels()) == shown.written
    assert bar.get_ylim() == (0, 1)


def test_maps_one_below_the_other_have_a_title_each_or_none():
    maps = [some_map("one two", "12#"), some_map("six", "6#", 1)]
    for given, titles in (({}, ["", ""]), ({"titles": ["before", "after"]}, ["before", "after"])):
        *panels, _ = lab.plot_attention(*maps, **given).axes
        assert [axes.get_title() for axes in panels] == titles
    for titles in (["a"], ["a", "b", "c"]):
        with pytest.raises(ValueError, match="titles must be 2, one for each map, or none, but is"):
            lab.plot_attention(*maps, titles=titles)


def test_small_multiples_stand_in_order_under_their_titles():
    maps = [some_map("one", "1#", seed) for seed in range(5)]
    figure = lab.plot_attention_maps(maps, ["a", "b", "c", "d", "e"], columns=2)
    panels = [axes for axes in figure.axes if axes.get_images()]
    assert [axes.get_title() for axes in panels] == ["a", "b", "c", "d", "e"]
    for axes, shown in zip(panels, maps, strict=True):
        np.testing.assert_array_equal(axes.get_images()[0].get_array(), shown.weights)
        assert axes.get_images()[0].get_clim() == (0, 1)


def some_reading(attends=True, gated=True):
    """Three steps, seven characters, five units."""
    rng = np.random.default_rng(4)
    probabilities, attention = rng.dirichlet(np.ones(11), 3), rng.dirichlet(np.ones(7), 3)
    gate = rng.random((7, 5))
    return Trace("one two", "12#", probabilities, attention if attends else None, gate if gated else None)


@pytest.mark.parametrize("gated", [True, False])
@pytest.mark.parametrize("attends", [True, False])
def test_a_reading_is_drawn_array_by_array_on_one_scale(attends, gated):
    reading = some_reading(attends, gated)
    wanted = [(reading.probabilities.T, "0123456789#", "12#")]
    wanted += [(reading.attention, "12#", "one␣two")] * attends
    wanted += [(reading.update_gate.T, "     ", "one␣two")] if gated else []
    figure = lab.plot_trace(reading)
    *panels, bar = figure.axes
    for axes, (values, rows, columns) in zip(panels, wanted, strict=True):
        (image,) = axes.get_images()
        np.testing.assert_array_equal(image.get_array(), values)
        assert image.get_clim() == (0, 1)
        assert "".join(label.get_text() for label in axes.get_yticklabels()) == rows
        assert "".join(label.get_text() for label in axes.get_xticklabels()) == columns
    assert bar.get_ylim() == (0, 1)
    titles = ["probability", "attention", "update gate"]
    kept = [t for t, there in zip(titles, (True, attends, gated), strict=True) if there]
    assert [any(t in axes.get_title() for t in kept) for axes in panels] == [True] * len(kept)
    assert figure.get_suptitle() == "one two → 12#"
    assert plots.plt.get_fignums() == []


def test_the_mean_counts_true_places_alone():
    rng = np.random.default_rng(1)
    weights, lengths = rng.random((6, 4, 5)), np.array([1, 2, 3, 4, 4, 2])
    mask = np.arange(4) < lengths[:, None]
    mean = lab.mean_attention(weights, mask.astype(np.float32))
    for t in range(4):
        wanted = np.mean([weights[b, t] for b in range(6) if t < lengths[b]], 0)
        np.testing.assert_allclose(mean[t], wanted, atol=1e-6)


def test_the_mean_is_drawn_as_a_curve_a_position():
    mean = np.random.default_rng(2).random((3, 6))
    (axes,) = lab.plot_mean_attention(mean).axes
    assert [line.get_label() for line in axes.get_lines()] == ["1", "2", "3"]
    for line, curve in zip(axes.get_lines(), mean, strict=True):
        assert list(line.get_xdata()) == [1, 2, 3, 4, 5, 6]
        np.testing.assert_array_equal(line.get_ydata(), curve)
    assert plots.plt.get_fignums() == []
