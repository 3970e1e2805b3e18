"""`.ci/run`: it works in a copy, leaves the .venv of the checkout alone, and runs every check."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the script is for Linux")
SEEN = "find . -path ./.git -prune -o -type f -print | sort"  # by what runs in the copy
# Stands for python3: `-m venv .venv` makes an environment whose programs say what they are asked.
PYTHON = """#!/bin/sh
mkdir -p .venv/bin
for name in pip ruff lint-imports mypy coverage; do
    printf '#!/bin/sh\\necho "%s $*"\\n' $name > .venv/bin/$name
    chmod +x .venv/bin/$name
done
"""


@pytest.fixture
def checkout(tmp_path):
    """A checkout with the developer's own environment in it, and `.ci/run`."""
    folder = tmp_path / "checkout"
    (folder / ".venv").mkdir(parents=True)
    (folder / ".venv" / "marker").write_text("the developer's")
    (folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", folder / ".ci")
    (folder / ".gitignore").write_text(".venv/\n*.keras\n")
    (folder / "a file").write_text("1")
    return folder


@pytest.fixture
def run(tmp_path, checkout):
    """Run `.ci/run` of the checkout; returns status, and what was said."""

    def run(**variables):
        temporary = tmp_path / "temporary"
        temporary.mkdir()
        environment = {**os.environ, "CI": "true", "TMPDIR": str(temporary), **variables}
        command = ["bash", str(checkout / ".ci" / "run")]
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        assert list(temporary.iterdir()) == []  # the copy is gone
        assert [path.name for path in (checkout / ".venv").iterdir()] == ["marker"]
        assert (checkout / ".venv" / "marker").read_text() == "the developer's"
        return done.returncode, done.stdout.splitlines(), done.stderr

    return run


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
def test_the_copy_holds_what_git_would_not_ignore_and_makes_an_environment_of_its_own(checkout, run):
    (checkout / "deleted").touch()
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=checkout, check=True)
    (checkout / "deleted").unlink()
    (checkout / "untracked").touch()
    (checkout / "model.keras").touch()
    (checkout / ".ci" / "check").write_text(f"{SEEN}; mkdir .venv; touch .venv/own; exit 3")
    status, seen, _ = run()
    assert (status, seen) == (3, ["./.ci/check", "./.ci/run", "./.gitignore", "./a file", "./untracked"])


def test_without_git_the_copy_holds_everything_but_the_environment(checkout, run):
    (checkout / ".ci" / "check").write_text(SEEN)
    status, seen, _ = run()
    assert (status, seen) == (0, ["./.ci/check", "./.ci/run", "./.gitignore", "./a file"])


def test_each_check_runs_before_the_tests_of_the_readmes_command(checkout, run, tmp_path):
    shutil.copy(ROOT / ".ci" / "check", checkout / ".ci")
    shutil.copy(ROOT / "README.md", checkout)
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in {"python3": PYTHON, "chromium": "", "bwrap": ""}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    status, said, err = run(PATH=f"{programs}:{os.environ['PATH']}")
    assert status == 0, err
    assert said == [
        "pip install -e .[test]",
        "ruff format --check .",
        "ruff check .",
        "lint-imports ",
        "mypy ",
        "coverage run -m pytest -n auto --dist loadfile",
        "coverage combine -q",
        "coverage report",
    ]
