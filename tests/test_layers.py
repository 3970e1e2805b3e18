"""Data flows one way through the package: the contract in pyproject.toml notices what would turn it round."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-cache'])"


def lint(folder):
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-c", LINT]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(ROOT / "seq2seq_lab", tmp_path / "seq2seq_lab")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_module_imports_only_from_those_below_it():
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("loss", "views.curves"),
        ("settings", "data"),
        ("views.tables", "exercises"),
        ("grading.marks", "cli.main"),
    ],
)
def test_an_import_from_above_is_named(copy, module, imported):
    path = copy / "seq2seq_lab" / f"{module.replace('.', '/')}.py"
    path.write_text(f"{path.read_text(encoding='utf-8')}\nimport seq2seq_lab.{imported}\n", encoding="utf-8")
    result = lint(copy)
    assert result.returncode == 1
    assert f"seq2seq_lab.{module} -> seq2seq_lab.{imported}" in result.stdout


def test_a_module_without_a_place_is_named(copy):
    (copy / "seq2seq_lab" / "transformer_of_somebody.py").touch()
    result = lint(copy)
    assert result.returncode == 1
    assert "transformer_of_somebody" in result.stdout
