"""The lab as students meet it: a real JupyterLab in a real browser, a lesson interrupted, the panel used.

Screenshots are kept, one after every test and some on the way: in the folder that the environment variable
SEQ2SEQ_LAB_SCREENSHOTS names, otherwise among pytest's temporary ones. Where SEQ2SEQ_LAB_BROWSER is
"required", a missing browser is a failure.
"""

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import types
import urllib.request
from pathlib import Path

import nbformat
import pytest

try:
    from playwright.sync_api import expect, sync_playwright
except ImportError:
    sync_playwright = None

pytestmark = pytest.mark.slow

LESSON = Path(__file__).parent.parent / "notebooks" / "1-encoder-decoder.ipynb"
OTHER_TRAININGS = "sick-not-shifted", "rates-plot", "rates-band", "exercise-12-loop", "exercise-12-band"
OTHER_TRAININGS += "narrow-code", "plot-narrow", "narrow-band"
OTHER_TRAININGS += "unfinished-code", "plot-unfinished", "unfinished-band"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE = 300_000  # milliseconds, for a machine that does other things too
PREFERENCES = {
    "notebook-extension/tracker": {"windowingMode": "none"},  # every cell on the page, in view or not
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
FOLDED = ".jp-OutputPlaceholder"
TROUBLE = "[data-mime-type='application/vnd.jupyter.stderr']"  # what JupyterLab shows in red: errors, too
MISSING = [] if sync_playwright else ["Playwright (pip install playwright)"]
MISSING += [] if CHROMIUM else ["Chromium (on Debian: apt-get install chromium)"]

if MISSING and os.environ.get("SEQ2SEQ_LAB_BROWSER") != "required":
    pytest.skip(f"the browser test needs {' and '.join(MISSING)}", allow_module_level=True)


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium of the system's."""
    assert MISSING == []
    expect.set_options(timeout=60_000)
    options = {"executable_path": CHROMIUM, "args": ["--disable-gpu"]}
    with sync_playwright() as playwright, playwright.chromium.launch(**options) as browser:
        yield browser


def is_folded(cell):
    """Whether what a cell shows is folded away until it is run: it answers a guess."""
    return cell.metadata.get("jupyter", {}).get("outputs_hidden", False)


@pytest.fixture(scope="module")
def notebook():
    """The lesson as it is handed out, with the panel at its end; of its trainings, the one to be interrupted.

    Only outputs that are folded away are still there.
    """
    notebook = nbformat.read(LESSON, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.id not in OTHER_TRAININGS]
    notebook.cells.append(nbformat.v4.new_code_cell("lab.lab_panel(model)", id="panel"))
    for cell in notebook.cells:
        if cell.cell_type == "code" and not is_folded(cell):
            cell.update(outputs=[], execution_count=None)
    return notebook


@pytest.fixture(scope="module")
def address(browser, notebook, tmp_path_factory):
    """Where a JupyterLab that knows nothing of this user shows the notebook."""
    work, home = tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("jupyter")
    nbformat.write(notebook, work / LESSON.name)
    for name, values in PREFERENCES.items():
        path = home / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex()
    own = [f"JUPYTER_{name}_DIR" for name in ("CONFIG", "DATA", "RUNTIME")]
    own += ["JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR", "IPYTHONDIR"]
    environment = dict.fromkeys(own, str(home)) | {"JUPYTER_PORT": str(port), "JUPYTER_TOKEN": token}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--ServerApp.root_dir={work}", "--LanguageServerManager.autodetect=False"]
    with (home / "log").open("w") as log:
        server = subprocess.Popen(
            command, env=os.environ | environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/api", server)
        yield f"http://127.0.0.1:{port}/lab/tree/{LESSON.name}?token={token}"
    finally:
        server.terminate()  # it ends its kernels, too
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(30)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)


def _wait_for(address, server):
    for _ in range(PATIENCE // 200):
        assert server.poll() is None, "JupyterLab ended at once"
        with contextlib.suppress(OSError), urllib.request.urlopen(address):
            return
        time.sleep(0.2)
    pytest.fail("JupyterLab never came up")


@pytest.fixture(scope="module")
def lesson(browser, address, notebook, tmp_path_factory):
    """The page after Run All Cells, its training interrupted once; its cells by id; what went wrong."""
    kept = Path(os.environ.get("SEQ2SEQ_LAB_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    page = browser.new_page(viewport={"width": 1280, "height": 1200})
    page.set_default_timeout(PATIENCE)
    errors = []
    page.on("console", lambda said: said.type == "error" and errors.append(said.text))
    page.on("pageerror", lambda error: errors.append(str(error)))

    def cell(name):
        return page.locator(".jp-Cell").nth([cell.id for cell in notebook.cells].index(name))

    def keep(name):
        page.screenshot(path=kept / f"{name}.png")

    def wait_for(sight):
        trouble = page.locator(TROUBLE)
        sight.or_(trouble).first.wait_for()
        assert trouble.all_inner_texts() == []

    try:
        page.goto(address)
        expect(page.locator(".jp-Cell")).to_have_count(len(notebook.cells), timeout=PATIENCE)
        folded = page.locator(FOLDED).count()
        keep("folded")
        page.get_by_text(re.compile(r"\| Idle$")).wait_for()  # what is run before gets lost now and then
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        progress = cell("training-run").get_by_text(re.compile(r"[1-9]\d*/\d+ \[.* samples/s\]"))
        wait_for(progress)
        # The bar itself is drawn anew all the time, so the page is scrolled to what holds it.
        cell("training-run").locator(".jp-Cell-outputWrapper").scroll_into_view_if_needed()
        keep("training")
        page.get_by_role("button", name="Interrupt the kernel").click()
        wait_for(cell("panel").get_by_role("status"))
    finally:
        keep("run-all")
    return types.SimpleNamespace(page=page, cell=cell, keep=keep, errors=errors, folded=folded)


@pytest.fixture
def panel(lesson, request):
    """The panel, its controls found by what they are called."""
    cell = lesson.cell("panel")
    cell.get_by_label("Digit words:").evaluate("box => box.scrollIntoView()")  # all of it on the screenshot
    yield types.SimpleNamespace(
        text=cell.get_by_label("Digit words:"),
        step=cell.get_by_role("slider"),
        write=cell.get_by_label("Write:"),
        look=cell.get_by_label("Look at:"),
        undo=cell.get_by_role("button", name="Undo all changes"),
        marked=cell.locator("mark"),
        status=cell.get_by_role("status"),
        row=lambda name: cell.get_by_role("row", name=re.compile(rf"^{name}\b")),
        note=cell.get_by_text,
        press=lesson.page.keyboard.press,
    )
    lesson.keep(request.node.name.removeprefix("test_"))


def read(panel, text):
    """Have the panel read a text; what it writes."""
    panel.text.fill(text)
    expect(panel.status).to_have_text(re.compile(rf"^{text} → [0-9#]+$"))
    return panel.row("written").get_by_role("cell").all_inner_texts()


def go(panel, step):
    """Go to a step by keyboard, as long as nothing is forced."""
    panel.step.focus()
    for key in ["Home", *["ArrowRight"] * (step - 1)]:
        panel.press(key)
    expect(panel.step).to_have_attribute("aria-valuetext", str(step))
    expect(panel.row("written").get_by_role("cell").nth(step - 1)).to_have_class("here")


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


def test_the_panel_reads_while_one_types(panel):
    panel.text.fill("")
    expect(panel.note("Type digit words, such as")).to_be_visible()
    panel.text.press_sequentially("one two five")
    expect(panel.status).to_have_text(re.compile(r"^one two five → [0-9#]+$"))
    written = panel.row("written").get_by_role("cell").all_inner_texts()
    expect(panel.status).to_have_text(f"one two five → {''.join(written)}")
    expect(panel.marked).to_have_count(0)
    expect(panel.look).to_be_disabled()
    expect(panel.look).to_have_value("(it does not attend)")


def test_the_steps_are_gone_through_by_keyboard(panel):
    read(panel, "one two five")
    for step in (1, 2, 1):
        go(panel, step)


def test_a_digit_forced_by_its_key_shows_before_and_after(panel):
    said = read(panel, "three one four")
    go(panel, 2)
    forced = "8" if said[1] == "7" else "7"
    panel.write.focus()
    panel.press(forced)
    before, after = (panel.row(name).get_by_role("cell") for name in ("before", "after"))
    expect(before).to_have_text(said)
    expect(after.nth(0)).to_have_text(said[0])
    expect(after.nth(1)).to_have_text(forced)
    expect(panel.status).to_have_text(f"three one four → {''.join(after.all_inner_texts())}")
    expect(panel.row("written")).to_have_count(0)


def test_undo_takes_back_what_was_forced(panel):
    said = read(panel, "nine eight")
    go(panel, 1)
    panel.write.focus()
    panel.press("8" if said[0] == "7" else "7")
    expect(panel.row("after")).to_be_visible()

    panel.undo.focus()
    panel.press("Enter")
    expect(panel.row("(before|after)")).to_have_count(0)
    expect(panel.row("written").get_by_role("cell")).to_have_text(said)
    expect(panel.write).to_have_value("what the model says")


def test_what_is_no_digit_word_is_marked_and_read_all_the_same(panel):
    read(panel, "one tow")
    expect(panel.note("what is marked is no digit word")).to_be_visible()
    expect(panel.marked).to_have_text("tow")


def test_what_cannot_be_read_is_marked_and_the_panel_waits_for_another_text(panel):
    panel.text.fill("one ö")
    expect(panel.note("The network has no id for what is marked")).to_be_visible()
    expect(panel.marked).to_have_text("ö")
    expect(panel.status).to_have_count(0)
    for control in (panel.write, panel.undo):
        expect(control).to_be_disabled()
    read(panel, "one six")
    expect(panel.marked).to_have_count(0)
    for control in (panel.write, panel.undo):
        expect(control).to_be_enabled()


def test_the_console_stays_without_errors(lesson):
    assert lesson.errors == []
