"""The page that `save_page` writes, from a file and without a network: by mouse and by keys, against `trace`.

What a real notebook adds stands in test_panel_browser.py.
"""

import json
import random
import re
from pathlib import Path
from urllib.parse import quote

import keras
import matplotlib as mpl
import numpy as np
import panels
import pytest
from browsers import expect, open_page, screenshots
from panels import INSIDE, assert_shows, grid, labels, look, numbers, parts, squares, symbol, texts
from test_portable import KINDS

import seq2seq_lab as lab
from seq2seq_lab.cli.main import main
from seq2seq_lab.vocabulary import END, WORDS

pytestmark = pytest.mark.slow

SAVED = Path(__file__).with_name("saved")
TEXT = "three one four"
LONGEST = 120
FIRST = "three one four one five six"


@pytest.fixture(scope="module")
def models():
    return {name: lab.load(SAVED / f"{name}.keras") for name in ("plain", "attention")}


@pytest.fixture(scope="module")
def file(models, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    lab.save_page(models, path)
    return path


@pytest.fixture(scope="module")
def window(browser, file):
    """The page in a browser that is offline; what it says, and what it asks for, are kept."""
    page, _ = open_page(browser)
    page.context.set_offline(True)
    page.said, page.requested = [], []
    page.on("console", lambda said: page.said.append(said.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("request", lambda request: page.requested.append(request.url))
    page.goto(file.as_uri())
    yield page
    assert page.said == []  # after all that the tests did
    assert {url.partition("#")[0] for url in page.requested} <= {file.as_uri(), "data:,"}
    page.close()


@pytest.fixture
def panel(window, models):
    """The panel with one model that attends and nothing forced."""
    panel = parts(window, models)
    window.mouse.move(0, 0)
    panel.model.select_option("attention")
    panel.beside.select_option("nothing")
    panel.inside.select_option("z")
    panel.words.uncheck()
    panel.numbers.uncheck()
    panel.text.fill("")  # which forgets what was forced
    panel.text.fill(TEXT)
    panel.step.fill("1")
    assert_shows(panel, TEXT)
    return panel


def test_it_is_one_small_file_that_names_no_other(file):
    page = file.read_text(encoding="utf-8")
    assert file.stat().st_size < 300_000
    assert not re.search(r"https?://|\bsrc=|@import|\bimport\b[^;]*from", page)


def test_it_begins_with_the_last_model_and_a_text_that_can_be_read(browser, file, models):
    page, errors = open_page(browser)
    page.goto(file.as_uri())
    assert_shows(parts(page, models), FIRST)
    page.close()
    assert errors == []


def test_it_reads_while_one_types(panel):
    panel.text.fill("")
    expect(panel.here.get_by_text(f"Type digit words, such as: {FIRST}")).to_be_visible()
    expect(panel.here.get_by_role("status")).to_have_count(0)
    panel.text.press_sequentially("one two five")
    assert_shows(panel, "one two five")
    expect(panel.marked).to_have_count(0)


def test_a_click_on_a_square_looks_there_and_another_takes_it_back(panel):
    look(panel, 1, 7, TEXT).click()
    assert_shows(panel, TEXT, places={1: [7]})
    look(panel, 2, 0, TEXT).click()
    assert_shows(panel, TEXT, places={1: [7], 2: [0]})
    look(panel, 1, 8, TEXT).click()
    assert_shows(panel, TEXT, places={1: [8], 2: [0]})
    look(panel, 1, 8, TEXT).click()
    assert_shows(panel, TEXT, places={2: [0]})
    panel.undo.click()
    assert_shows(panel, TEXT, places={1: [8], 2: [0]})


def test_a_look_may_take_in_a_word_and_more_places(panel):
    look(panel, 0, 11, TEXT).click(modifiers=["Shift"])
    assert_shows(panel, TEXT, places={0: [11]})
    look(panel, 0, 2, TEXT).click(modifiers=["Shift"])
    assert_shows(panel, TEXT, places={0: [2, 11]})
    look(panel, 0, 11, TEXT).click(modifiers=["Shift"])
    assert_shows(panel, TEXT, places={0: [2]})
    panel.words.check()
    look(panel, 0, 12, TEXT).click()
    assert_shows(panel, TEXT, places={0: range(10, 14)})
    look(panel, 0, 9, TEXT).click()  # a space is no word
    assert_shows(panel, TEXT, places={0: [9]})


def test_a_click_on_a_probability_forces_its_symbol_and_undo_takes_it_back(panel):
    expect(panel.undo).to_be_disabled()
    symbol(panel, 1, "7").click()
    assert_shows(panel, TEXT, {1: "7"})
    look(panel, 0, 4, TEXT).click()
    assert_shows(panel, TEXT, {1: "7"}, {0: [4]})
    panel.undo_all.click()
    assert_shows(panel, TEXT)
    expect(panel.undo_all).to_be_disabled()
    for forced in ({1: "7"}, {0: [4]}), ({1: "7"}, {}), ({}, {}):
        panel.undo.click()
        assert_shows(panel, TEXT, *forced)
    expect(panel.undo).to_be_disabled()


def test_a_forced_end_makes_all_maps_shorter_and_a_digit_longer_again(panel):
    symbol(panel, 1, END).click()
    assert_shows(panel, TEXT, {1: END})
    symbol(panel, 1, "4").click()
    assert_shows(panel, TEXT, {1: "4"})


def test_everything_goes_by_keyboard(panel):
    """From the text on, without a mouse."""
    panel.text.focus()
    focused = panel.page.locator(":focus")
    for _ in range(20):
        panel.press("Tab")
        if "Where" in (focused.evaluate("e => e.closest('[role=grid]')?.ariaLabel") or ""):
            break
    for key in ("Down", "Right", "Right", "Up", "Down"):
        panel.press(f"Arrow{key}")
    for key in ("End", "ArrowLeft", "Home", "ArrowRight"):
        panel.press(key)
    expect(focused).to_have_attribute("aria-label", re.compile(r"^step 2 \(.\) looks at h, place 2:"))
    readout = panel.here.locator(".readout.number")
    expect(readout).to_have_text(re.compile(r"^step 2 \(.\) looks at h, place 2: 0\.\d{3}$"))
    panel.press("Enter")
    assert_shows(panel, TEXT, places={1: [1]})
    panel.press("ArrowRight")
    panel.press("Shift+Enter")
    assert_shows(panel, TEXT, places={1: [1, 2]})
    panel.press("8")
    assert_shows(panel, TEXT, {1: "8"}, {1: [1, 2]})
    expect(focused).to_have_attribute("aria-label", re.compile("^step 2 .8. looks at r, place 3: .*forced$"))
    panel.press("Delete")
    assert_shows(panel, TEXT, {1: "8"})
    panel.press("Control+z")
    assert_shows(panel, TEXT, {1: "8"}, {1: [1, 2]})
    for key in "a", "b", "x", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp":
        panel.press(key)
    expect(focused).to_have_attribute("aria-label", re.compile("^step 1 "))

    panel.press("Shift+Tab")  # the map before it: what was written before
    panel.press("Enter")  # which only tells
    panel.press("5")
    panel.press("Shift+Tab")
    expect(focused).to_have_attribute("aria-label", re.compile("^step 1 writes"))
    panel.press("ArrowDown")
    panel.press("ArrowDown")
    panel.press("Enter")
    expect(focused).to_have_attribute("aria-label", re.compile("^step 1, 1: .*forced$"))
    expect(readout).to_have_text(re.compile("^step 1, 1: .*forced$"))
    expect(panel.here.locator(".writes [role=columnheader].here")).to_have_text(
        ["1", "1"]
    )  # before and after
    assert_shows(panel, TEXT, {0: "1", 1: "8"}, {1: [1, 2]})


def test_what_comes_of_it_stays_where_it_was_clicked(panel):
    """The map before appears beside or below it: nothing moves away from under the pointer."""
    square = symbol(panel, 2, "6")
    was = square.bounding_box()
    square.click()
    assert_shows(panel, TEXT, {2: "6"})
    box = symbol(panel, 2, "6").bounding_box()
    assert (box["x"], box["y"]) == pytest.approx((was["x"], was["y"]), abs=1)


def test_nothing_moves_whatever_step_one_is_told_of(panel):
    """Where the line just has room for what is said of a free step, but not of a forced one."""
    panel.beside.select_option("plain")
    writes, line = grid(panel, "What it writes, after"), panel.of("attention").locator(".step")
    for n in range(10, 40):
        panel.text.fill(" ".join(WORDS)[:n].strip())
        symbol(panel, 1, "7").click()
        at = set()
        for step in 0, 1:
            symbol(panel, step, "0").point()
            expect(line).to_contain_text(f"Step {step + 1}")
            at.add(writes.evaluate("e => e.getBoundingClientRect().y + scrollY"))
        assert len(at) == 1


def test_arrow_keys_take_steps_and_a_line_tells_of_each(panel):
    after = lab.trace(panel.models["attention"], TEXT)
    line = panel.of("attention").locator(".step")
    panel.step.focus()
    for t, written in enumerate(after.written):
        read = END if t == 0 else after.written[t - 1]
        letters = TEXT.replace(" ", "␣")
        p = after.probabilities[t].max()
        told = f"Step {t + 1} reads {read}looks at {letters}writes {written} {p:.3f}, then "
        expect(line).to_contain_text(told)
        expect(panel.step).to_have_attribute("aria-valuetext", re.compile(f"^Step {t + 1} of "))
        heads = panel.here.locator(".writes [role=columnheader].here")
        expect(heads).to_have_text([str(t + 1)])
        if t == 0:  # where the mouse was left counts no longer once a key is pressed
            look(panel, 0, 3, TEXT).hover()
        panel.press("ArrowRight")
    expect(line).to_contain_text(f"Step {len(after.written)} ")  # there is no other
    symbol(panel, 0, "9").click()
    look(panel, 0, 3, TEXT).hover()  # what is pointed at comes first
    expect(line).to_contain_text(re.compile(r"^Step 1 reads #.*must write 9 0\.\d+, likelier "))


def test_two_models_stand_side_by_side_and_each_has_its_own_changes(panel):
    panel.beside.select_option("plain")
    symbol(panel, 0, "9", "plain").click()
    assert_shows(panel, TEXT, {0: "9"}, name="plain")
    assert_shows(panel, TEXT)
    look(panel, 0, 5, TEXT).click()
    assert_shows(panel, TEXT, places={0: [5]})
    assert_shows(panel, TEXT, {0: "9"}, name="plain")
    left, right = (panel.of(name).bounding_box() for name in ("attention", "plain"))
    assert left["x"] + left["width"] <= right["x"]
    expect(panel.of("plain").get_by_role("grid", name=re.compile("Where"))).to_have_count(0)

    panel.text.fill("nine")
    assert_shows(panel, "nine")
    assert_shows(panel, "nine", name="plain")
    panel.model.select_option("plain")  # they change sides
    expect(panel.beside).to_have_value("attention")
    expect(panel.here.get_by_role("region").first).to_have_accessible_name("plain")
    panel.beside.select_option("nothing")
    expect(panel.of("attention")).to_have_count(0)
    expect(panel.words).to_be_hidden()
    assert_shows(panel, "nine", name="plain")


def test_numbers_stand_in_the_squares_if_one_wants_them(panel):
    after = lab.trace(panel.models["attention"], TEXT)
    writes = grid(panel, "What it writes")
    assert "".join(texts(writes)) == after.written
    panel.numbers.check()
    T = len(after.written)
    shown = [float(text or 0) for text in texts(writes)[T:]]
    np.testing.assert_allclose(shown, after.probabilities.T.ravel(), atol=5.1e-3)
    shown = [float(text or 0) for text in texts(grid(panel, "Where it looks"))]
    np.testing.assert_allclose(shown, after.attention.ravel(), atol=5.1e-3)


@pytest.mark.parametrize("name", ["plain", "attention"])
def test_gates_candidate_and_state_of_both_cells_before_and_after(panel, name):
    """The numbers themselves are compared in test_portable.py; here, that each stands where it should."""
    model = panel.models[name]
    panel.model.select_option(name)
    symbol(panel, 1, "7", name).click()
    shown = {}
    for what, title in INSIDE.items():
        panel.inside.select_option(what)
        for side in "encoder", "decoder, after", "decoder, before":
            cells = grid(panel, f"{title} of the {side}", name)
            S = cells.evaluate(panels.SQUARES)["columns"]
            shown[what, side] = np.array(numbers(cells)).reshape(-1, S).T  # (S, H)
    z, h = (
        lab.trace(model, TEXT).update_gate,
        model.encoder(lab.encode(TEXT)[None], np.array([len(TEXT)]))[0][0],
    )
    np.testing.assert_allclose(shown["z", "encoder"], z, atol=6e-4)
    np.testing.assert_allclose(shown["h", "encoder"], h, atol=6e-4)
    for side in "encoder", "decoder, after", "decoder, before":
        z, r, c, h = (shown[what, side] for what in "zrch")
        np.testing.assert_allclose(h[1:], (1 - z[1:]) * c[1:] + z[1:] * h[:-1], atol=2e-3)
        assert r.min() >= 0
    after, before = shown["h", "decoder, after"], shown["h", "decoder, before"]
    np.testing.assert_array_equal(after[:2], before[:2])  # it differs behind what was forced
    assert np.abs(after[2] - before[2]).max() > 0.01


def test_squares_are_painted_as_their_numbers_say_and_framed_where_they_are_forced(panel):
    symbol(panel, 1, "7").click()
    look(panel, 0, 4, TEXT).click()
    panel.inside.select_option("h")
    cells = grid(panel, "State h of the encoder")
    wanted = mpl.colormaps["RdBu_r"]((np.array(numbers(cells)) + 1) / 2, bytes=True)[:, :3].astype(int)
    np.testing.assert_allclose(panels.colours(cells), wanted, atol=8)
    writes = grid(panel, "What it writes, after")
    blue, p = panels.colours(writes), np.array(numbers(writes))
    empty = [not text for text in texts(writes)]
    darker = 255 - blue[empty].mean(1)
    assert np.corrcoef(darker, p[empty])[0, 1] > 0.99
    for shown in writes, grid(panel, "Where it looks, after"):
        orange = np.abs(panels.colours(shown, corner=True) - [213, 94, 0]).max(1) < 3
        assert orange.tolist() == shown.evaluate(panels.SQUARES)["forced"]
        assert orange.any()


@pytest.mark.parametrize("numbers_too", [False, True])
def test_what_stands_in_squares_can_be_read(panel, numbers_too):
    panel.numbers.set_checked(numbers_too)
    writes = grid(panel, "What it writes")
    contrasts = writes.evaluate(panels.CONTRASTS)
    assert [contrast > 100 for contrast in contrasts] == [bool(text) for text in texts(writes)]


def test_night_comes_and_goes(panel):
    for scheme, least, most in ("dark", 0, 60), ("light", 200, 255):
        panel.page.emulate_media(color_scheme=scheme)
        for _ in range(100):
            palest = panels.colours(grid(panel, "What it writes"))[
                np.argmin(numbers(grid(panel, "What it writes")))
            ]
            if least <= palest.mean() <= most:
                break
        assert least <= palest.mean() <= most


def test_the_beam_and_the_samples_beside_the_greedy_answer(panel):
    model = panel.models["attention"]
    symbol(panel, 1, "7").click()  # which changes neither
    best = model.hypotheses([TEXT], lab.BeamSearch(4), 4)[0]
    tables = panel.of("attention").get_by_role("table")
    rows = tables.filter(has_text="The beam's best").get_by_role("row")
    expect(rows).to_have_text([f"{h.text}{np.exp(h.log_probability):.3f}" for h in best])
    expect(panel.of("attention").locator("[aria-busy=false]")).to_have_count(1)
    drawn = tables.filter(has_text="Samples").get_by_role("row").all_inner_texts()
    answers, p = zip(*(row.split("\t") for row in drawn), strict=True)
    assert len(set(answers)) > 1
    wanted = np.exp(model.log_probability([TEXT] * len(answers), answers))
    np.testing.assert_allclose(np.array(p, float), wanted, atol=6e-4)
    greedy = lab.trace(model, TEXT).written
    other = sum(a != b for h in best for a, b in zip(h.text, greedy.ljust(99), strict=False))
    expect(tables.filter(has_text="The beam's best").locator("u")).to_have_count(other)


def test_wrong_words_are_marked_and_what_cannot_be_read_waits(panel):
    panel.text.fill("one  tow")
    expect(panel.here.get_by_text("what is marked is no digit word")).to_be_visible()
    expect(panel.marked).to_have_text(["␣", "tow"])
    assert_shows(panel, "one  tow")
    for text, marked in {"one <b>": ["<b>"], "six " * 30 + "two": ["two"]}.items():
        panel.text.fill(text)
        expect(panel.marked).to_have_text(marked)
        expect(panel.here.get_by_role("status")).to_have_count(0)
    panel.text.fill(TEXT)
    expect(panel.marked).to_have_count(0)
    assert_shows(panel, TEXT)


def test_a_trace_is_saved_as_a_file_that_the_lab_loads(panel, tmp_path):
    symbol(panel, 1, "7").click()
    look(panel, 0, 4, TEXT).click()
    with panel.page.expect_download() as download:
        panel.here.get_by_role("button", name="Save trace").click()
    assert download.value.suggested_filename == "attention.trace.json"
    download.value.save_as(tmp_path / "trace.json")
    loaded = lab.Trace.load(tmp_path / "trace.json")
    wanted = lab.trace(panel.models["attention"], TEXT, {1: "7"}, {0: [4]})
    assert (loaded.read, loaded.written) == (wanted.read, wanted.written)
    assert (loaded.digits, loaded.places) == (wanted.digits, wanted.places) == ({1: "7"}, {0: (4,)})
    for name in ("probabilities", "attention", "update_gate"):
        np.testing.assert_allclose(getattr(loaded, name), getattr(wanted, name), atol=1e-6)
    panel.model.select_option("plain")
    with panel.page.expect_download() as download:
        panel.here.get_by_role("button", name="Save trace").click()
    download.value.save_as(tmp_path / "trace.json")
    assert lab.Trace.load(tmp_path / "trace.json").attention is None


def shows_the_same(browser, address, models):
    """Opens an address, which must show what the next test has set up."""
    page, errors = open_page(browser)
    page.goto(address)
    panel = parts(page, models)
    assert_shows(panel, "nine two", {1: "7"}, {0: [4]})
    assert_shows(panel, "nine two", {0: "2"}, name="plain")
    expect(panel.step).to_have_value("3")
    expect(panel.inside).to_have_value("h")
    assert errors == []
    page.close()


def test_a_link_and_a_kept_page_show_the_same_again(panel, browser, models, tmp_path):
    panel.text.fill("nine two")
    panel.beside.select_option("plain")
    symbol(panel, 1, "7").click()
    look(panel, 0, 4, "nine two").click()
    symbol(panel, 0, "2", "plain").click()
    panel.inside.select_option("h")
    panel.step.fill("3")
    with panel.page.expect_download() as download:
        panel.page.get_by_role("button", name="Save page").click()
    download.value.save_as(tmp_path / "kept.html")
    shows_the_same(browser, (tmp_path / "kept.html").as_uri(), models)
    panel.page.get_by_role("button", name="Copy link").click()
    expect(panel.page.locator("#said")).to_have_text(re.compile("Copied|address"))
    shows_the_same(browser, panel.page.url, models)


@pytest.fixture(scope="module")
def another(browser):
    """A page that opens one link after the other, each anew, and what goes wrong in it."""
    page, errors = open_page(browser)
    yield page, errors
    page.close()


@pytest.mark.parametrize(
    ("asked", "text", "forced"),
    [
        ("%", FIRST, {}),
        ('{"text":', FIRST, {}),
        ("null", FIRST, {}),
        ('[1, "x"]', FIRST, {}),
        ({"text": 5, "shown": "nobody", "step": "x", "inside": "toString"}, FIRST, {}),
        ({"text": "two", "shown": ["nobody", "attention", "attention"], "step": -1}, "two", {}),
        ({"text": "two", "forced": {"attention": {"digits": {"0": "x", "-1": "2", "1": "23"}}}}, "two", {}),
        ({"text": "two", "forced": {"attention": {"places": {"0": [3], "1": [], "2": [0.5]}}}}, "two", {}),
        ({"text": "two", "forced": {"attention": {"digits": [], "places": 7}, "nobody": {}}}, "two", {}),
        ({"text": "two", "forced": {"attention": {"digits": {"0": "4"}}}}, "two", {"digits": {0: "4"}}),
    ],
)
def test_a_link_that_asks_for_what_cannot_be_asks_for_the_rest(another, file, models, asked, text, forced):
    page, errors = another
    asked = asked if isinstance(asked, str) else quote(json.dumps(asked))
    page.goto("about:blank")
    page.goto(f"{file.as_uri()}#{asked}")
    assert_shows(parts(page, models), text, **forced)
    assert errors == []


def test_another_link_in_the_same_window(panel, file, models):
    panel.page.goto(f"{file.as_uri()}#{quote(json.dumps({'text': 'six', 'shown': ['plain']}))}")
    assert_shows(panel, "six", name="plain")


def test_a_long_text_and_one_that_never_ends(panel):
    text = " ".join(WORDS * 3)[:LONGEST]
    panel.text.fill(text)
    assert_shows(panel, text)
    symbol(panel, 3, "7").click()
    assert_shows(panel, text, {3: "7"})


@pytest.mark.parametrize("width", [360, 800, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_can_be_read_at_every_width_by_day_and_by_night(
    browser, file, models, width, scheme, tmp_path_factory
):
    page, errors = open_page(browser, width, 900)
    page.emulate_media(color_scheme=scheme)
    asked = {"text": FIRST, "shown": ["attention", "plain"], "forced": {"attention": {"digits": {"1": "7"}}}}
    page.goto(f"{file.as_uri()}#{quote(json.dumps(asked))}")
    panel = parts(page, models)
    assert_shows(panel, FIRST, {1: "7"})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    paper = 255 if scheme == "light" else 18
    for part in panel.of("plain").get_by_role("status"), panel.text, page.get_by_role("heading").first:
        ink = re.findall(r"[\d.]+", part.evaluate("e => getComputedStyle(e).color"))[:3]
        assert abs(np.mean([float(n) for n in ink]) - paper) > 150
    symbol(panel, 1, "0").hover()
    line = panel.of("attention").locator(".step > :last-child")
    expect(line).to_contain_text("must write 7")
    assert line.evaluate("e => e.scrollWidth <= e.closest('section').clientWidth")
    page.screenshot(path=screenshots(tmp_path_factory) / f"page-{width}-{scheme}.png", full_page=True)
    assert errors == []
    page.close()


def test_everything_that_one_can_reach_has_a_name(panel):
    nameless = panel.page.locator("button, input, select, summary, [role=grid], section, [tabindex='0']")
    names = nameless.evaluate_all(
        "all => all.filter((e) => e.checkVisibility())"
        ".map((e) => e.ariaLabel || e.labels?.[0]?.textContent || e.textContent)"
    )
    assert len(names) > 15
    assert "" not in names
    for cell in labels(grid(panel, "Update gate z of the decoder")):
        assert re.match(r"unit \d+ at [0-9#], place \d+: ", cell)


def toggled(forced, step, given):
    """What a click makes of what is forced."""
    others = {t: what for t, what in forced.items() if t != step}
    return others if forced.get(step) == given else {**others, step: given}


def test_what_a_user_does_at_random_never_leads_elsewhere(panel):
    draw, digits, places, text = random.Random(3), {}, {}, TEXT
    for _ in range(25):
        written = lab.trace(panel.models["attention"], text, digits, places).written
        step, what = draw.randrange(len(written)), draw.choice(["digit", "look", "text", "undo all"])
        if what == "digit":
            digit = draw.choice("0123456789#")
            symbol(panel, step, digit).click()
            digits = toggled(digits, step, digit)
        elif what == "look":
            place = draw.randrange(len(text))
            look(panel, step, place, text).click()
            places = toggled(places, step, [place])
        elif what == "text":
            text = " ".join(draw.choices([*WORDS, "tow"], k=draw.randint(1, 4)))
            panel.text.fill("")
            panel.text.fill(text)
            digits, places = {}, {}
        elif digits or places:
            panel.undo_all.click()
            digits, places = {}, {}
        assert_shows(panel, text, digits, places)


@pytest.fixture(scope="module")
def transformers():
    names = "transformer", "decoder only", "GRU, then transformer", "transformer, then GRU"
    return {name: KINDS[name]() for name in names}


@pytest.fixture(scope="module")
def other_file(transformers, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    lab.save_page(transformers, path)
    return path


@pytest.mark.parametrize(
    ("name", "maps", "more_maps", "insides", "kept"),
    [
        ("transformer", [f", layer {i}, head {k}" for i in (1, 2) for k in (1, 2)], 1, [], 2 * 2 * 8),
        ("decoder only", [f", layer {i}, head {k}" for i in (1, 2) for k in (1, 2)], 1, [], 2 * 2 * 8),
        ("GRU, then transformer", [", layer 1", ", layer 2"], 1, ["encoder"], 2 * 2 * 4),
        ("transformer, then GRU", [], 2, ["decoder, after", "decoder, before"], None),
    ],
)
def test_a_transformer_by_layer_and_head(
    browser, other_file, transformers, name, maps, more_maps, insides, kept, tmp_path
):
    page, errors = open_page(browser)
    page.goto(f"{other_file.as_uri()}#{quote(json.dumps({'text': TEXT, 'shown': [name]}))}")
    panel, model, digits, places = parts(page, transformers), transformers[name], {}, {}
    assert_shows(panel, TEXT, name=name, more_maps=more_maps)
    for step, digit in enumerate("47"):
        digits = {**digits, step: digit}
        symbol(panel, step, digit, name).click()
        assert_shows(panel, TEXT, digits, places, name, more_maps)
    looks = panel.of(name).get_by_role("grid", name=re.compile("^Where it looks.*, after$"))
    expect(looks).to_have_count(len(maps))
    for n, title in enumerate(maps):
        places = {**places, n % 2: [3 + n]}  # whichever map is pressed, all of the step look there
        squares(grid(panel, f"Where it looks{title}, after", name)).nth(n % 2 * len(TEXT) + 3 + n).click()
        assert_shows(panel, TEXT, digits, places, name, more_maps)
    assert (model.attends, panel.words.is_visible()) == (bool(maps), bool(maps))

    wanted = lab.trace(model, TEXT, digits, places)
    shown = panel.of(name).get_by_role("grid", name=re.compile("^Update gate z of the "))
    expect(shown).to_have_count(len(insides))
    for side in insides:
        expect(grid(panel, f"Update gate z of the {side}", name)).to_be_visible()
    assert panel.inside.is_visible() == bool(insides)
    said = panel.of(name).get_by_text("The decoder's state is a cache: ")
    expect(said).to_be_visible(visible=bool(kept))
    if kept:
        numbers = f"{kept} numbers for each symbol read, {kept * len(wanted.written)} at the end."
        expect(said).to_have_text(re.compile(f": {numbers}$"))

    with page.expect_download() as download:
        panel.here.get_by_role("button", name="Save trace").click()
    download.value.save_as(tmp_path / "trace.json")
    loaded = lab.Trace.load(tmp_path / "trace.json")
    assert (loaded.written, loaded.maps.keys()) == (wanted.written, wanted.maps.keys())
    for title, weights in wanted.maps.items():
        np.testing.assert_allclose(loaded.maps[title], weights, atol=1e-5)
    assert (loaded.update_gate is None) == (wanted.update_gate is None) == ("encoder" not in insides)
    assert errors == []
    page.close()


def test_an_lstm_has_gates_of_its_own_and_cells_on_cells_show_their_states(browser, tmp_path):
    """Gates obey the equations; state and memory themselves are compared in test_portable."""
    models = {name: KINDS[name]() for name in ("LSTM", "cells on cells", "plain")}
    lab.save_page(models, tmp_path / "page.html")
    page, errors = open_page(browser)
    page.goto(f"{(tmp_path / 'page.html').as_uri()}#{quote(json.dumps({'text': TEXT, 'shown': ['LSTM']}))}")
    panel, shown = parts(page, models), {}
    assert_shows(panel, TEXT, name="LSTM")
    offered = panel.inside.locator("option:not([hidden])")
    expect(offered).to_have_count(6)
    expect(
        grid(panel, "State h of the encoder", "LSTM")
    ).to_be_visible()  # z, asked for at first, is not there
    for name, title in zip(
        "ifgomh",
        ("Input gate i", "Forget gate f", "Candidate g", "Output gate o", "Memory m", "State h"),
        strict=True,
    ):
        panel.inside.select_option(name)
        cells = grid(panel, f"{title} of the encoder", "LSTM")
        shown[name] = np.array(numbers(cells)).reshape(-1, len(TEXT))  # (H, S)
    i, f, g, o, m, h = shown.values()
    np.testing.assert_allclose(m[:, 1:], f[:, 1:] * m[:, :-1] + i[:, 1:] * g[:, 1:], atol=3e-3)
    np.testing.assert_allclose(h, o * np.tanh(m), atol=2e-3)
    assert min(i.min(), f.min(), o.min()) >= 0

    panel.model.select_option("cells on cells")
    panel.beside.select_option("plain")
    assert_shows(panel, TEXT, name="cells on cells")
    expect(offered).to_have_count(4)
    panel.inside.select_option("r")
    expect(grid(panel, "Reset gate r of the encoder", "plain")).to_be_visible()
    states = grid(panel, "State h of the decoder", "cells on cells")
    expect(states.get_by_role("row")).to_have_count(1 + 3 + 6 + 2)
    for name in ("cells on cells", "plain"):
        with page.expect_download() as download:
            panel.of(name).get_by_role("button", name="Save trace").click()
        download.value.save_as(tmp_path / "trace.json")
        assert (lab.Trace.load(tmp_path / "trace.json").update_gate is None) == (name != "plain")
    assert errors == []
    page.close()


@pytest.mark.parametrize("wrong", [{}, [], None, "model", {"a": 3}, ["a model"]])
def test_models_that_are_none_are_named(wrong, tmp_path):
    with pytest.raises(ValueError, match=r"^models must be a Seq2Seq, or several by name, but is"):
        lab.save_page(wrong, tmp_path / "page.html")
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_no_page_can_run_is_named_here_and_by_the_command(models, tmp_path, capsys):
    cells = (keras.layers.GRUCell(4) for _ in range(2))
    model = lab.Seq2Seq(encoder=lab.Encoder(next(cells)), decoder=lab.Decoder(next(cells)))
    fault = "must be a model that a page can run, but its encoder's cell is keras's GRUCell"
    with pytest.raises(ValueError, match=rf"^models\['mine'\] {fault}"):
        lab.save_page({**models, "mine": model}, tmp_path / "page.html")
    model.save(tmp_path / "mine.keras")
    with pytest.raises(SystemExit):
        main(["page", str(tmp_path / "mine.keras"), "--out", str(tmp_path / "page.html")])
    assert f"argument FILE.keras: models['mine'] {fault}" in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()


def test_a_name_cannot_end_a_script(browser, models, tmp_path):
    name = "</script><b>&\"'"
    lab.save_page({name: models["plain"]}, tmp_path / "page.html")
    page, errors = open_page(browser)
    page.goto((tmp_path / "page.html").as_uri())
    assert_shows(parts(page, {name: models["plain"]}), FIRST, name=name)
    assert errors == []
    page.close()


def test_one_model_alone_and_the_command(browser, models, tmp_path, capsys):
    lab.save_page(models["plain"], tmp_path / "one.html")
    page, errors = open_page(browser)
    page.goto((tmp_path / "one.html").as_uri())
    assert_shows(parts(page, {"the model": models["plain"]}), FIRST, name="the model")
    expect(page.get_by_label("Model:")).to_have_count(0)
    files = [str(SAVED / f"{name}.keras") for name in ("plain", "attention")]
    assert main(["page", *files, "--out", str(tmp_path / "two.html")]) == 0
    page.goto((tmp_path / "two.html").as_uri())
    assert_shows(parts(page, models), FIRST)
    assert errors == []
    page.close()
