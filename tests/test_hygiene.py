"""What a newcomer expects of a repository: the Scientific Python guide, right spelling, tidy notebooks."""

import pathlib
import subprocess
import sys

import nbformat
import pytest

ROOT = pathlib.Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").rglob("*.ipynb"))


def run(module, *arguments):
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_nothing_is_false_but_what_pyproject_gives_a_reason_for():
    pytest.importorskip("sp_repo_review")
    done = run("repo_review", ".")
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_words_are_spelled_right():
    pytest.importorskip("codespell_lib")
    done = run("codespell_lib")
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_cell_carries_only_metadata_that_somebody_reads(path):
    """What Jupyter leaves, such as times and collapsed cells, changes with everyone who opens a notebook."""
    read = {"tags", "nbgrader", "jupyter", "deletable", "editable"}  # the last two are nbgrader's
    notebook = nbformat.read(path, as_version=4)
    assert {cell.id: left for cell in notebook.cells if (left := cell.metadata.keys() - read)} == {}
    assert notebook.metadata.keys() == {"kernelspec", "language_info"}
