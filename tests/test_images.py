"""The programs that draw pictures and make submissions, run as the READMEs say, in a copy of the checkout."""

import json
import os
import pathlib
import runpy
import shutil
import subprocess
import sys

import pytest
from submissions import NEEDS_BUBBLEWRAP

ROOT = pathlib.Path(__file__).parent.parent
MEASURED = "result.svg", "benchmark.svg"  # the other pictures are the same on every machine
pytestmark = pytest.mark.slow


@pytest.fixture
def copy(tmp_path):
    """What the programs read and write, to be compared with what is committed."""
    for name in ("images", "notebooks", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.fixture
def run(copy):
    def run(*argv):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            [sys.executable, *argv], cwd=copy, env=environment, check=True, capture_output=True
        )

    return run


def contents(folder, pattern):
    return {path.name: path.read_bytes() for path in folder.glob(pattern)}


def test_drawings_and_the_notebooks_with_them_come_out_as_they_are_committed(copy, run):
    for path in copy.glob("images/*.svg"):
        if path.name not in MEASURED:
            path.write_text("<svg/>")
    run("images/draw.py")
    assert contents(copy, "images/*.svg") == contents(ROOT, "images/*.svg")
    run("images/embed.py")
    assert contents(copy, "notebooks/source/*.ipynb") == contents(ROOT, "notebooks/source/*.ipynb")


def test_the_picture_of_a_result_is_drawn_from_two_reports(copy, run):
    (copy / "images" / "result.svg").unlink()
    history = {"val_token_accuracy": [0.25, 0.5], "val_exact_match": [0.0, 0.25], "loss": [2.0, 1.0]}
    report = {"history": history, "accuracy_by_position": [0.75, 0.5, 1.0], "samples": 20_000}
    report["settings"] = {"samples_per_epoch": 10_000}
    for name in ("without.json", "with.json"):
        (copy / name).write_text(json.dumps(report), encoding="utf-8")
    run("images/result.py", "without.json", "with.json")
    assert "without attention" in (copy / "images" / "result.svg").read_text(encoding="utf-8")


def test_the_page_is_made_of_its_own_models_or_of_others_and_a_picture_of_it(browser, copy, run):
    page, picture = (copy / "images" / f"page.{kind}" for kind in ("html", "png"))
    picture.unlink()
    run("images/page.py")
    assert contents(copy, "images/page.html") == contents(ROOT, "images/page.html")
    assert picture.read_bytes().startswith(b"\x89PNG")
    run("images/page.py", "tests/saved/plain.keras", "tests/saved/attention.keras")
    window = browser.new_page()
    window.goto(page.as_uri())
    assert window.get_by_role("region").get_attribute("aria-label") == "attention"
    assert window.get_by_label("Digit words:").input_value() == "three one four one five six"
    window.close()
    assert contents(copy, "images/page.html") != contents(ROOT, "images/page.html")
    sizes = {path.suffix: path.stat().st_size for path in (ROOT / "images").glob("page.*")}
    assert sizes[".html"] < 300_000
    assert sizes[".png"] < 150_000


def test_reactions_of_a_page_are_measured(browser, copy, run):
    done = run("tests/reactions.py", "images/page.html", "--turns", "1")
    kinds = "another text", "another letter", "a digit forced"
    wanted = [f"{models}, {kind}" for models in ("one model", "two models") for kind in kinds]
    assert [line.partition(":")[0] for line in done.stdout.decode().splitlines()] == wanted


@NEEDS_BUBBLEWRAP
def test_what_grading_costs_is_said_for_two_classes_and_for_each_further_submission(copy, run):
    # Few answers of this lesson need TensorFlow, which most sandboxes would else load.
    said = run("tests/grading_time.py", "1", "2", "--lessons", "4-failures").stdout.decode().splitlines()
    assert [line.partition(":")[0] for line in said] == ["1 submissions", "2 submissions", "each further one"]
    assert float(said[-1].split()[3]) > 0


def test_a_class_of_any_size_is_made(copy, monkeypatch):
    """In this process, where TensorFlow, which the corpus of answers imports, is loaded already."""
    monkeypatch.chdir(copy)
    monkeypatch.setattr(sys, "argv", ["submissions.py", "2", "FOLDER"])
    runpy.run_path("tests/submissions.py", run_name="__main__")
    assert len([*(copy / "FOLDER").iterdir()]) == 2
