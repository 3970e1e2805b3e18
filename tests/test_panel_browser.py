"""The panel in a real JupyterLab and a real browser: what it shows against `trace`, by mouse and by keys.

And in a notebook exported to HTML, where there is no kernel.
"""

import re
import types
from pathlib import Path

import nbformat
import numpy as np
import panels
import pytest
from browsers import expect, jupyter_lab, open_notebook, open_page, run_all, screenshots, wait_for
from nbconvert import HTMLExporter
from nbconvert.preprocessors import ExecutePreprocessor
from panels import colours, grid, numbers, parts, symbol, texts

import seq2seq_lab as lab
from seq2seq_lab.vocabulary import END

pytestmark = pytest.mark.slow

SAVED = Path(__file__).with_name("saved")
TEXT = "three one four"
CELLS = [
    "import seq2seq_lab as lab",
    f"models = {{name: lab.load(f'{SAVED.as_posix()}/{{name}}.keras') for name in ('plain', 'attention')}}",
    f"panel = lab.lab_panel(models, {TEXT!r})",
    "panel",
    "",  # for what the tests run
]


@pytest.fixture(scope="module")
def models():
    """The same models as in the notebook."""
    return {name: lab.load(SAVED / f"{name}.keras") for name in ("plain", "attention")}


@pytest.fixture(scope="module")
def notebook(browser, tmp_path_factory):
    """The page with the panel, and what went wrong in it."""
    kept, work = screenshots(tmp_path_factory), tmp_path_factory.mktemp("work")
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), work / "panel.ipynb")
    page, errors = open_page(browser, width=1400)
    with jupyter_lab(work, tmp_path_factory.mktemp("jupyter")) as address:
        open_notebook(page, address("panel.ipynb"), len(CELLS))
        run_all(page)
        try:
            wait_for(page, page.get_by_role("status").first)
        finally:
            page.screenshot(path=kept / "panel.png")
        yield types.SimpleNamespace(page=page, errors=errors, kept=kept)


@pytest.fixture
def panel(notebook, models, request):
    """The panel with one model that attends and nothing forced."""
    page = notebook.page
    panel = parts(page, models)
    panel.here.evaluate("panel => panel.scrollIntoView()")
    panel.model.select_option("attention")
    panel.beside.select_option("nothing")
    panel.words.uncheck()
    panel.numbers.uncheck()
    panel.text.fill("")  # which forgets what was forced
    panel.text.fill(TEXT)
    assert_shows(panel)
    yield panel
    page.screenshot(path=notebook.kept / f"panel-{request.node.name.removeprefix('test_')}.png")


def look(panel, step, place, text=TEXT):
    """The square of the map of attention, both counted from 0."""
    return panels.look(panel, step, place, text)


def assert_shows(panel, digits=None, places=None, text=TEXT, name="attention"):
    """Everything about one model, if this and nothing else is forced."""
    panels.assert_shows(panel, text, digits, places, name)


def test_the_picture_for_where_no_kernel_runs_stays_in_the_file_and_out_of_sight(notebook):
    picture = notebook.page.locator(".jp-OutputArea img")
    expect(picture).to_have_count(1)
    expect(picture).to_be_hidden()


def run(panel, source):
    """Run this in the last cell."""
    cell = panel.page.locator(".jp-Cell").last
    cell.locator(".cm-content").click()
    panel.press("Control+a")
    panel.page.keyboard.insert_text(source)
    panel.press("Control+Enter")
    return cell


def test_it_reacts_while_the_kernel_is_busy_which_is_told_of_it_later(panel):
    busy = run(panel, "import time; time.sleep(1e4)").get_by_text("[*]:")
    expect(busy).to_have_count(1)
    panel.text.fill("six two")
    symbol(panel, 1, "7").click()
    look(panel, 0, 4, "six two").click()
    assert_shows(panel, {1: "7"}, {0: [4]}, "six two")
    expect(busy).to_have_count(1)
    panel.page.get_by_role("button", name="Interrupt the kernel").click()
    expect(busy).to_have_count(0)
    source = "(found,) = panel.traces.values(); print(found.read, found.written, found.digits, found.places)"
    wanted = lab.trace(panel.models["attention"], "six two", {1: "7"}, {0: [4]})
    expect(run(panel, source)).to_contain_text(f"six two {wanted.written} {{1: '7'}} {{0: (4,)}}")


def test_the_kernel_may_ask_and_a_second_view_shows_the_same(panel):
    run(panel, "panel.asked = {'text': 'nine', 'forced': {'attention': {'digits': {0: '3'}}}}; panel")
    expect(panel.page.locator(".lab-panel")).to_have_count(2)
    second = panel.page.locator(".lab-panel").last
    one_of_two = parts(panel.page, panel.models, panel.here.first)
    assert_shows(one_of_two, {0: "3"}, text="nine")
    assert_shows(parts(panel.page, panel.models, second), {0: "3"}, text="nine")
    symbol(one_of_two, 0, "5").click()
    assert_shows(one_of_two, {0: "5"}, text="nine")
    assert_shows(parts(panel.page, panel.models, second), {0: "5"}, text="nine")
    run(panel, "pass")
    expect(panel.page.locator(".lab-panel")).to_have_count(1)


def test_it_reads_while_one_types(panel):
    panel.text.fill("")
    expect(panel.here.get_by_text("Type digit words, such as")).to_be_visible()
    expect(panel.here.get_by_role("status")).to_have_count(0)
    panel.text.press_sequentially("one two five")
    assert_shows(panel, text="one two five")
    expect(panel.marked).to_have_count(0)


def test_a_click_on_a_square_looks_there_and_another_takes_it_back(panel):
    look(panel, 1, 7).click()
    assert_shows(panel, places={1: [7]})
    look(panel, 2, 0).click()
    assert_shows(panel, places={1: [7], 2: [0]})
    look(panel, 1, 8).click()
    assert_shows(panel, places={1: [8], 2: [0]})
    look(panel, 1, 8).click()
    assert_shows(panel, places={2: [0]})
    panel.undo.click()
    assert_shows(panel, places={1: [8], 2: [0]})


def test_a_look_may_take_in_a_word_and_more_places(panel):
    look(panel, 0, 11).click(modifiers=["Shift"])
    assert_shows(panel, places={0: [11]})
    look(panel, 0, 2).click(modifiers=["Shift"])
    assert_shows(panel, places={0: [2, 11]})
    look(panel, 0, 11).click(modifiers=["Shift"])
    assert_shows(panel, places={0: [2]})
    panel.words.check()
    look(panel, 0, 12).click()
    assert_shows(panel, places={0: range(10, 14)})
    look(panel, 0, 9).click()  # a space is no word
    assert_shows(panel, places={0: [9]})


def test_a_click_on_a_probability_forces_its_symbol_and_undo_takes_it_back(panel):
    expect(panel.undo).to_be_disabled()
    symbol(panel, 1, "7").click()
    assert_shows(panel, {1: "7"})
    look(panel, 0, 4).click()
    assert_shows(panel, {1: "7"}, {0: [4]})
    panel.undo_all.click()
    assert_shows(panel)
    expect(panel.undo_all).to_be_disabled()
    for forced in ({1: "7"}, {0: [4]}), ({1: "7"}, {}), ({}, {}):
        panel.undo.click()
        assert_shows(panel, *forced)
    expect(panel.undo).to_be_disabled()


def test_a_forced_end_makes_all_maps_shorter_and_a_digit_longer_again(panel):
    symbol(panel, 1, END).click()
    assert_shows(panel, {1: END})
    symbol(panel, 1, "4").click()
    assert_shows(panel, {1: "4"})


def test_everything_goes_by_keyboard_and_jupyter_keeps_its_hands_off(panel):
    """From the text on, without a mouse."""
    cells = panel.page.locator(".jp-Cell")
    panel.text.focus()
    focused = panel.page.locator(":focus")
    for _ in range(25):
        panel.press("Tab")
        if "Where" in (focused.evaluate("e => e.closest('[role=grid]')?.ariaLabel") or ""):
            break
    for key in [
        "ArrowDown",
        "ArrowRight",
        "ArrowRight",
        "ArrowUp",
        "ArrowDown",
        "End",
        "ArrowLeft",
        "Home",
        "ArrowRight",
    ]:
        panel.press(key)
    expect(focused).to_have_attribute("aria-label", re.compile(r"^step 2 \(.\) looks at h, place 2:"))
    expect(panel.here.locator(".readout.number")).to_have_text(
        re.compile(r"^step 2 \(.\) looks at h, place 2: 0\.\d{3}$")
    )
    panel.press("Enter")
    assert_shows(panel, places={1: [1]})
    panel.press("ArrowRight")
    panel.press("Shift+Enter")
    assert_shows(panel, places={1: [1, 2]})
    panel.press("8")
    assert_shows(panel, {1: "8"}, {1: [1, 2]})
    expect(focused).to_have_attribute("aria-label", re.compile("^step 2 .8. looks at r, place 3: .*forced$"))
    panel.press("Delete")
    assert_shows(panel, {1: "8"})
    panel.press("Control+z")
    assert_shows(panel, {1: "8"}, {1: [1, 2]})
    for key in "a", "b", "x", "y", "m", "d", "d", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp":
        panel.press(key)
    expect(focused).to_have_attribute("aria-label", re.compile("^step 1 "))
    expect(cells).to_have_count(len(CELLS))

    panel.press("Shift+Tab")  # the map before
    panel.press("Enter")  # which only tells
    panel.press("5")
    panel.press("Shift+Tab")
    expect(focused).to_have_attribute("aria-label", re.compile("^step 1 writes"))
    panel.press("ArrowDown")
    panel.press("ArrowDown")
    panel.press("Enter")
    expect(focused).to_have_attribute("aria-label", re.compile("^step 1, 1: .*forced$"))
    expect(panel.here.locator(".readout.number")).to_have_text(re.compile("^step 1, 1: .*forced$"))
    expect(panel.here.locator(".writes [role=columnheader].here")).to_have_text(["1", "1"])
    assert_shows(panel, {0: "1", 1: "8"}, {1: [1, 2]})


def test_two_models_stand_side_by_side_and_each_has_its_own_changes(panel):
    panel.beside.select_option("plain")
    symbol(panel, 0, "9", "plain").click()
    assert_shows(panel, {0: "9"}, name="plain")
    assert_shows(panel)
    look(panel, 0, 5).click()
    assert_shows(panel, places={0: [5]})
    assert_shows(panel, {0: "9"}, name="plain")
    left, right = (panel.of(name).bounding_box() for name in ("attention", "plain"))
    assert left["x"] + left["width"] <= right["x"]
    expect(panel.of("plain").get_by_role("grid", name=re.compile("Where"))).to_have_count(0)

    panel.text.fill("nine")
    assert_shows(panel, text="nine")
    assert_shows(panel, text="nine", name="plain")
    panel.model.select_option("plain")  # they change sides
    expect(panel.beside).to_have_value("attention")
    expect(panel.here.get_by_role("region").first).to_have_accessible_name("plain")
    panel.beside.select_option("nothing")
    expect(panel.of("attention")).to_have_count(0)
    expect(panel.words).to_be_hidden()
    assert_shows(panel, text="nine", name="plain")


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


def test_wrong_words_are_marked_and_what_cannot_be_read_waits(panel):
    panel.text.fill("one  tow")
    expect(panel.here.get_by_text("what is marked is no digit word")).to_be_visible()
    expect(panel.marked).to_have_text(["␣", "tow"])
    assert_shows(panel, text="one  tow")
    for text, marked in {"one <b>": ["<b>"], "six " * 30 + "two": ["two"]}.items():
        panel.text.fill(text)
        expect(panel.marked).to_have_text(marked)
        expect(panel.here.get_by_role("status")).to_have_count(0)
    panel.text.fill(TEXT)
    expect(panel.marked).to_have_count(0)
    assert_shows(panel)


def test_a_trace_is_saved_as_a_file_that_the_lab_loads(panel, tmp_path):
    symbol(panel, 1, "7").click()
    assert_shows(panel, {1: "7"})  # the answer moves the maps
    look(panel, 0, 4).click()
    assert_shows(panel, {1: "7"}, {0: [4]})
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


def test_the_other_maps_and_the_beam(panel):
    wanted = lab.trace(panel.models["attention"], TEXT)
    np.testing.assert_allclose(
        numbers(grid(panel, "Update gate z of the encoder")), wanted.update_gate.T.ravel(), atol=6e-4
    )
    best = panel.models["attention"].hypotheses([TEXT], lab.BeamSearch(4), 4)[0]
    rows = panel.of("attention").get_by_role("table").filter(has_text="beam").get_by_role("row")
    expect(rows).to_have_text([f"{h.text}{np.exp(h.log_probability):.3f}" for h in best])


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_it_can_be_read_in_the_dark(panel, theme):
    panel.page.evaluate(f"jupyterapp.commands.execute('apputils:change-theme', {{theme: '{theme}'}})")
    expect(panel.page.locator("body")).to_have_attribute("data-jp-theme-light", str("Light" in theme).lower())
    look(panel, 1, 7).click()
    assert_shows(panel, places={1: [7]})
    paper = 250 if "Light" in theme else 20
    for part in (panel.here.get_by_role("status"), panel.here.get_by_role("table").first, panel.text):
        ink = re.findall(r"[\d.]+", part.evaluate("e => getComputedStyle(e).color"))[:3]
        assert abs(np.mean([float(n) for n in ink]) - paper) > 150
    writes = grid(panel, "What it writes, after")
    assert abs(colours(writes)[np.argmin(numbers(writes))].mean() - paper) < 50  # it is painted anew


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The notebook as `jupyter nbconvert --execute --to html` makes it, without the state of its widgets."""
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS[:-1]]
    notebook = nbformat.v4.new_notebook(cells=cells)
    ExecutePreprocessor(timeout=None, store_widget_state=False).preprocess(notebook, {})
    html, _ = HTMLExporter(template_name="lab").from_notebook_node(notebook)
    path = tmp_path_factory.mktemp("exported") / "panel.html"
    path.write_text(html, encoding="utf-8")
    return path


def test_in_html_it_is_alive_without_kernel_and_network_and_the_picture_out_of_sight(
    browser, exported, models
):
    page, errors = open_page(browser)
    page.context.set_offline(True)  # what nbconvert's own template asks for is not there
    page.goto(exported.as_uri())
    panel = parts(page, models)
    symbol(panel, 1, "7").click()
    assert_shows(panel, {1: "7"})
    panel.text.fill("nine two")
    assert_shows(panel, text="nine two")
    expect(page.locator("img")).to_have_count(1)
    expect(page.locator("img")).to_be_hidden()
    assert [error for error in errors if "ERR_INTERNET_DISCONNECTED" not in error] == []
    page.close()


def test_in_html_without_scripts_there_is_the_picture(browser, exported):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(exported.as_uri())
    expect(page.locator("img")).to_be_visible()
    expect(page.locator(".lab-panel")).to_have_count(0)
    context.close()


def test_the_console_stays_without_errors(notebook):
    assert notebook.errors == []
