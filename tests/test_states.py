"""Where states go and what they are near to: the modules of the page against NumPy, in a real browser."""

from pathlib import Path

import numpy as np
import panels
import pytest
from browsers import expect, open_page
from panels import grid, parts
from test_portable import KINDS

import seq2seq_lab as lab
from seq2seq_lab.views.page import MODEL, TRAINING, script, training_strings
from seq2seq_lab.vocabulary import WORDS

pytestmark = pytest.mark.slow

SAVED = Path(__file__).with_name("saved")
TEXT = "three one four"
AXES = """async ([source, vectors]) => {
    const lab = await import(URL.createObjectURL(new Blob([source], {type: "text/javascript"})));
    const found = lab.principalAxes(vectors.map((vector) => Float64Array.from(vector)), 2);
    const listed = (x) => Array.from(x);
    return [found.axes.map(listed), found.shares, vectors.map((vector) => listed(lab.along(found, vector)))];
}"""


@pytest.fixture(scope="module")
def model():
    return lab.load(SAVED / "attention.keras")


@pytest.fixture(scope="module")
def panel(browser, model, tmp_path_factory):
    models = {"attention": model, "transformer": KINDS["transformer"]()}
    path = tmp_path_factory.mktemp("page") / "page.html"
    lab.save_page(models, path)
    page, errors = open_page(browser)
    page.goto(path.as_uri())
    panel = parts(page, models)
    panel.model.select_option("attention")
    panel.text.fill(TEXT)
    yield panel
    assert errors == []
    page.close()


def states(model, texts):
    """The encoder's state behind each letter of each text, `(N, S, H)`."""
    lengths = np.array([len(text) for text in texts], np.int32)
    ids = np.array([np.pad(lab.encode(text), (0, lengths.max() - len(text))) for text in texts], np.int32)
    return np.array(model.encoder(ids, lengths)[0])


@pytest.fixture(scope="module")
def words(model):
    """Behind each word of the training texts what was read, and the state."""
    texts = [" ".join(WORDS[int(d)] for d in digits) for digits in training_strings(model.settings)]
    found = {}
    for text, h in zip(texts, states(model, texts), strict=True):
        ends = [i for i in range(len(text)) if f"{text} "[i + 1] == " "]
        found.update({text[: i + 1]: h[i] for i in ends if text[i] != " "})
    return found


def nearest(panel):
    """The table's rows: what was read, and the distance."""
    rows = panel.of("attention").locator(".near tr")
    return rows.evaluate_all(
        "rows => rows.map(row => [row.cells[0].title, Number(row.cells[1].textContent)])"
    )


def assert_nearest(panel, words, h):
    distances = {prefix: np.linalg.norm(h - other) for prefix, other in words.items()}
    wanted = sorted(distances, key=distances.get)
    found = nearest(panel)
    np.testing.assert_allclose(
        [d for _, d in found], [distances[prefix] for prefix in wanted[: len(found)]], atol=6e-4
    )
    np.testing.assert_allclose([distances[prefix] for prefix, _ in found], [d for _, d in found], atol=6e-4)


def test_training_strings_are_drawn_as_training_draws_them():
    settings = lab.Settings(min_digits=2, max_digits=4)
    strings = training_strings(settings)
    assert strings == training_strings(settings) != training_strings(lab.Settings())
    assert len(strings) == TRAINING
    assert {len(string) for string in strings} == {2, 3, 4}
    assert not any(map(lab.is_held_out, strings))


@pytest.mark.parametrize("width", [2, 5, 16])
def test_principal_axes_are_those_of_numpy(browser, width):
    rng = np.random.default_rng(width)
    vectors = rng.normal(size=(60, width)) @ rng.normal(size=(width, width)) + rng.normal(size=width)
    page, errors = open_page(browser)
    axes, shares, along = page.evaluate(AXES, [script([*MODEL, "axes.js"]), vectors.tolist()])
    centred = vectors - vectors.mean(0)
    _, lengths, wanted = np.linalg.svd(centred)
    np.testing.assert_allclose(shares, (lengths**2 / (lengths**2).sum())[:2], atol=1e-9)
    for axis, other in zip(axes, wanted, strict=False):
        np.testing.assert_allclose(axis, other * np.sign(other[np.abs(other).argmax()]), atol=1e-4)
    np.testing.assert_allclose(along, centred @ np.transpose(axes), atol=1e-9)
    assert errors == []
    page.close()


def test_the_nearest_training_words_to_the_last_state_and_to_one_that_is_pointed_at(panel, model, words):
    h = states(model, [TEXT])[0]
    expect(panel.of("attention").locator(".near tr")).to_have_count(6)
    assert_nearest(panel, words, h[-1])
    for name, places in ("Update gate z of the encoder", (4, 0)), ("Where it looks", (8, 13)):
        for place in places:
            panels.squares(grid(panel, name)).nth(place).hover()
            assert_nearest(panel, words, h[place])
    panel.page.mouse.move(0, 0)
    assert_nearest(panel, words, h[-1])
    cells = grid(panel, "Update gate z of the encoder")
    cells.locator("[tabindex='0']").focus()  # the same by keys
    for place in range(3):
        assert_nearest(panel, words, h[place])
        expect(cells.locator("[role=columnheader].here")).to_have_text(TEXT[place])
        panel.press("ArrowRight")
    panel.text.focus()
    assert_nearest(panel, words, h[-1])


def test_the_way_of_the_state_lies_along_the_axes_of_the_training_words(panel, model, words):
    h, around = states(model, [TEXT])[0], np.array(list(words.values()))
    _, lengths, axes = np.linalg.svd(around - around.mean(0), full_matrices=False)
    wanted = h @ axes[:2].T
    figure = panel.of("attention").locator(".path")
    points = np.array(figure.locator("canvas").evaluate("canvas => canvas.points()"))
    scales = np.ptp(points, 0) / np.ptp(wanted, 0)
    assert scales[0] == pytest.approx(scales[1], rel=1e-3)
    for k in range(2):
        assert abs(np.corrcoef(points[:, k], wanted[:, k])[0, 1]) > 0.9999
    across, up = (f"{100 * n:.0f}%" for n in (lengths**2 / (lengths**2).sum())[:2])
    expect(figure).to_contain_text(f"across {across}, up {up} of their variance")
    x, y = points[3]
    figure.locator("canvas").hover(position={"x": x, "y": y})
    assert_nearest(panel, words, h[np.hypot(*(points - points[3]).T).argmin()])
    box = figure.locator("canvas").bounding_box()
    assert ((points >= 0) & (points <= [box["width"], box["height"]])).all()


def test_an_encoder_without_a_state_at_each_letter_has_neither(panel):
    panel.model.select_option("transformer")
    expect(panel.of("transformer").locator(".path")).to_be_hidden()
    expect(panel.of("transformer").locator(".near")).to_be_hidden()
    panel.model.select_option("attention")
    expect(panel.of("attention").locator(".path")).to_be_visible()
