"""The lab as students meet it: a real JupyterLab in a real browser, a lesson interrupted."""

import re
import types
from pathlib import Path

import nbformat
import pytest
from browsers import TROUBLE, expect, jupyter_lab, open_notebook, open_page, run_all, screenshots, wait_for

pytestmark = pytest.mark.slow

LESSON = Path(__file__).parent.parent / "notebooks" / "1-encoder-decoder.ipynb"
OTHER_TRAININGS = "sick-not-shifted", "rates-plot", "rates-band", "exercise-12-loop", "exercise-12-band"
OTHER_TRAININGS += "narrow-code", "plot-narrow", "narrow-band"
OTHER_TRAININGS += "unfinished-code", "plot-unfinished", "unfinished-band"
FOLDED = ".jp-OutputPlaceholder"


def is_folded(cell):
    """Whether what a cell shows is folded away until it is run: it answers a guess."""
    return cell.metadata.get("jupyter", {}).get("outputs_hidden", False)


@pytest.fixture(scope="module")
def notebook():
    """The lesson as it is handed out; of its trainings, the one to be interrupted.

    Only outputs that are folded away are still there.
    """
    notebook = nbformat.read(LESSON, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.id not in OTHER_TRAININGS]
    for cell in notebook.cells:
        if cell.cell_type == "code" and not is_folded(cell):
            cell.update(outputs=[], execution_count=None)
    return notebook


@pytest.fixture(scope="module")
def lesson(browser, notebook, tmp_path_factory):
    """The page after Run All Cells, its training interrupted once; its cells by id; what went wrong."""
    kept, work = screenshots(tmp_path_factory), tmp_path_factory.mktemp("work")
    page, errors = open_page(browser)
    nbformat.write(notebook, work / LESSON.name)

    def cell(name):
        return page.locator(".jp-Cell").nth([cell.id for cell in notebook.cells].index(name))

    def keep(name):
        page.screenshot(path=kept / f"{name}.png")

    with jupyter_lab(work, tmp_path_factory.mktemp("jupyter")) as address:
        try:
            open_notebook(page, address(LESSON.name), len(notebook.cells))
            folded = page.locator(FOLDED).count()
            keep("folded")
            run_all(page)
            progress = cell("training-run").get_by_text(re.compile(r"[1-9]\d*/\d+ \[.* samples/s\]"))
            wait_for(page, progress)
            # The bar itself is drawn anew all the time, so the page is scrolled to what holds it.
            cell("training-run").locator(".jp-Cell-outputWrapper").scroll_into_view_if_needed()
            keep("training")
            page.get_by_role("button", name="Interrupt the kernel").click()
            *_, last = (cell.id for cell in notebook.cells if cell.cell_type == "code")
            wait_for(page, cell(last).get_by_text(re.compile(r"^\[\d+\]:$")))
        finally:
            keep("run-all")
        yield types.SimpleNamespace(page=page, cell=cell, keep=keep, errors=errors, folded=folded)


def test_an_interrupted_training_keeps_what_it_learned_and_the_lesson_goes_on(lesson):
    training, restored = lesson.cell("training-run"), lesson.cell("restore-code")
    expect(training.get_by_role("img")).to_be_visible()  # the curve
    done, total = re.search(r"(\d+)/(\d+) \[", training.inner_text()).groups()
    assert 0 < int(done) == int(total) < 199_984
    expect(restored).to_contain_text("the same answer to 100 of 100 texts")
    expect(restored).to_contain_text(f"batches seen: {int(done) // 16 + 1:,}\n")  # one was learned by hand
    expect(lesson.cell("plot-positions").get_by_role("img")).to_be_visible()


def test_an_answer_to_a_guess_is_folded_away_until_its_cell_is_run(lesson, notebook):
    assert lesson.folded == sum(map(is_folded, notebook.cells)) > 8
    expect(lesson.page.locator(FOLDED)).to_have_count(0)
    expect(lesson.cell("evaluate")).to_contain_text("you guessed")


def test_every_cell_runs_once_and_none_fails(lesson, notebook):
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    prompts = lesson.page.locator(".jp-CodeCell .jp-InputPrompt")
    folded = [cell.metadata.get("jupyter", {}).get("source_hidden") for cell in code]  # these show no number
    expect(prompts).to_have_text(["" if is_so else f"[{n}]:" for n, is_so in enumerate(folded, 1)])
    expect(lesson.page.locator(TROUBLE)).to_have_count(0)


def test_the_console_stays_without_errors(lesson):
    assert lesson.errors == []
