"""Make `page.html`, the panel with two trained models, and with a browser `page.png`, a picture of it.

seq2seq-lab train --save plain.keras
seq2seq-lab train --attention --save attention.keras
python images/page.py plain.keras attention.keras

Without models it takes those of the page that there is: for when what draws them has changed, but not how
a page keeps numbers.
"""

import argparse
import json
import re
import shutil
import tempfile
from pathlib import Path

import seq2seq_lab as lab
from seq2seq_lab.views.page import page_of, portables

HERE = Path(__file__).parent
SIZE = {"width": 1280, "height": 1020}
BROWSERS = "chromium", "chromium-browser", "google-chrome"
ASKED = {
    "text": "three one four one five six",
    "shown": ["attention"],
    "forced": {"attention": {"digits": {}, "places": {"3": [24, 25, 26]}}},  # six
    "step": 3,
    "inside": "h",
}


def models_of(page: Path) -> dict:
    """The numbers of the models that a page holds."""
    return json.loads(re.search(r' id="models">(.*?)</script>', page.read_text(encoding="utf-8"))[1])


def photograph(page: Path, picture: Path) -> None:
    """What a browser shows of it, once all is drawn."""
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)  # else Playwright's own
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=chromium) as browser:
        window = browser.new_page(viewport=SIZE, reduced_motion="reduce")
        window.goto(page.as_uri())
        window.locator(".near td").first.wait_for()
        window.screenshot(path=picture)


def main() -> None:
    """Write both beside this file."""
    parser = argparse.ArgumentParser(description="Make page.html and page.png, of the models of these files.")
    parser.add_argument("models", nargs="*", metavar="FILE.keras", type=Path)
    files = parser.parse_args().models
    old = HERE / "page.html"
    models = portables({file.stem: lab.load(file) for file in files}) if files else models_of(old)
    with tempfile.TemporaryDirectory() as folder:
        page, picture = (Path(folder, f"page.{kind}") for kind in ("html", "png"))
        page.write_text(page_of(models, ASKED), encoding="utf-8")
        photograph(page, picture)  # an error, if the page does not work
        for made in page, picture:
            shutil.copy(made, HERE)


if __name__ == "__main__":
    main()
