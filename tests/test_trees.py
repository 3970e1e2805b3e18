"""Trees of answers: probabilities against a loop over the decoder's steps, and what the picture holds."""

import keras
import numpy as np
import pytest

import seq2seq_lab as lab

TEXT = "one two three"
ANSWERS = ["123#", "12", "1#", "2", "9876543"]


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(1)
    model = lab.Seq2Seq()
    for weight in model.weights:
        weight.assign(np.random.default_rng(3).normal(0, 0.5, weight.shape))
    return model


def test_every_beginning_of_every_answer_has_its_probability(model):
    tree = lab.answer_tree(model, TEXT, ANSWERS)
    assert set(tree) == {a[: t + 1] for a in ANSWERS for t in range(len(a))}
    _, first = model.encoder(lab.encode(TEXT)[None], np.array([len(TEXT)], np.int32))
    for answer in ANSWERS:
        state, token = first, "#"
        for t, symbol in enumerate(answer):
            state, output = model.decoder.step(state, lab.encode(token), ())
            p = keras.ops.softmax(output.logits)[0]
            assert tree[answer[: t + 1]] == pytest.approx(float(p[lab.encode(symbol)[0]]), abs=1e-6)
            token = symbol


def test_the_product_along_a_way_is_what_beam_search_finds(model):
    found = model.hypotheses([TEXT], lab.BeamSearch(3), 3)[0]
    tree = lab.answer_tree(model, TEXT, [h.text for h in found])
    for h in found:
        product = np.prod([tree[h.text[: t + 1]] for t in range(len(h.text))])
        assert np.log(product) == pytest.approx(h.log_probability, abs=1e-4)


def texts_of(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_the_picture_has_a_branch_for_each_beginning_and_a_product_for_each_leaf():
    tree = {"1": 0.6, "1#": 0.25, "12": 0.75, "12#": 0.999, "2": 0.4, "2#": 0.5}
    figure = lab.plot_tree(tree, ["12#", "2#"])
    texts = texts_of(figure)
    for p in tree.values():
        assert f"{p:.2f}" in texts
    assert [t for t in texts if t.startswith("=")] == ["= 0.150", "= 0.450", "= 0.200"]  # not of "1" or "12"
    branches = {tuple(map(tuple, line.get_xydata())): line.get_color() for line in figure.axes[0].lines}
    assert len(branches) == len(tree)
    assert sorted(branches.values()) == sorted(["#D55E00"] * 3 + ["#0072B2"] * 2 + ["#767676"])
    assert texts.count("#") == 1 + 3  # the start, and three ends


def test_what_two_marked_answers_share_has_neither_colour():
    figure = lab.plot_tree({"1": 0.6, "12": 0.5, "13": 0.5}, ["12", "13"])
    assert [line.get_color() for line in figure.axes[0].lines] == ["#767676", "#D55E00", "#0072B2"]


@pytest.mark.parametrize("answers", [[], [""], ["1", "1"], ["one"], ["1", "2x"]])
def test_wrong_answers_are_named(model, answers):
    with pytest.raises(ValueError, match=r"^answers must be .*but is"):
        lab.answer_tree(model, TEXT, answers)


def test_other_wrong_arguments_are_named(model):
    with pytest.raises(ValueError, match=r"^text must be"):
        lab.answer_tree(model, "", ["1"])
    with pytest.raises(ValueError, match=r"^tree must be"):
        lab.plot_tree({})
    with pytest.raises(ValueError, match=r"^marked must be in the tree, but is '3'"):
        lab.plot_tree({"1": 0.5}, ["3"])
    with pytest.raises(ValueError, match=r"^marked must be at most 2 answers, but is \['1', '2', '3'\]"):
        lab.plot_tree({"1": 0.5, "2": 0.3, "3": 0.2}, ["1", "2", "3"])
