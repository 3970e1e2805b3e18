"""What the tests in a browser share: which one there is, and a JupyterLab that knows nothing of this user.

Screenshots are kept in the folder that the environment variable SEQ2SEQ_LAB_SCREENSHOTS names, otherwise
among pytest's temporary ones. Where SEQ2SEQ_LAB_BROWSER is "required", a missing browser is a failure.
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
import urllib.request
from pathlib import Path

import pytest

try:
    from playwright.sync_api import expect, sync_playwright
except ImportError:
    expect = sync_playwright = None

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MISSING = [] if sync_playwright else ["Playwright (pip install playwright)"]
MISSING += [] if CHROMIUM else ["Chromium (on Debian: apt-get install chromium)"]
PATIENCE = 300_000  # milliseconds, for a machine that does other things too
PREFERENCES = {
    "notebook-extension/tracker": {"windowingMode": "none"},  # every cell on the page, in view or not
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
TROUBLE = "[data-mime-type='application/vnd.jupyter.stderr']"  # what JupyterLab shows in red: errors, too


@contextlib.contextmanager
def jupyter_lab(work, home):
    """Serves the folder `work`, keeps its own in `home`; gives a function from a file to its address."""
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
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser"]
    command += [f"--ServerApp.root_dir={work}", "--LanguageServerManager.autodetect=False"]
    with (home / "log").open("w") as log:
        server = subprocess.Popen(
            command, env=os.environ | environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/api", server)
        yield lambda name: f"http://127.0.0.1:{port}/lab/tree/{name}?token={token}"
    finally:
        server.terminate()  # it ends its kernels, too
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(30)
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)


def _wait_for(address, server):
    for _ in range(PATIENCE // 200):
        assert server.poll() is None, "JupyterLab ended at once"
        with contextlib.suppress(OSError), urllib.request.urlopen(address):
            return
        time.sleep(0.2)
    pytest.fail("JupyterLab never came up")


def open_page(browser, width=1280, height=1200):
    """A page, and a list that fills with what goes wrong in it."""
    size = {"width": width, "height": height}
    page, errors = browser.new_page(viewport=size, reduced_motion="reduce"), []  # colours come at once
    page.set_default_timeout(PATIENCE)
    page.on("console", lambda said: said.type == "error" and errors.append(said.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    return page, errors


def open_notebook(page, address, cells):
    """Until all of its cells are there."""
    page.goto(address)
    expect(page.locator(".jp-Cell")).to_have_count(cells, timeout=PATIENCE)


def run_all(page):
    """Run all cells of an open notebook."""
    page.get_by_text(re.compile(r"\| Idle$")).wait_for()  # what is run before gets lost now and then
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def wait_for(page, sight):
    """Until it is there; an error in the notebook is one here."""
    trouble = page.locator(TROUBLE)
    sight.or_(trouble).first.wait_for()
    assert trouble.all_inner_texts() == []


def screenshots(tmp_path_factory):
    """The folder that they are kept in."""
    return Path(os.environ.get("SEQ2SEQ_LAB_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
