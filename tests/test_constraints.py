"""The versions tried beside the newest: those of Google Colab, and the oldest that pyproject.toml allows."""

import pathlib
import re
import sys

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = pathlib.Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ALLOWED = {canonicalize_name(r.name): r.specifier for r in map(Requirement, PROJECT["dependencies"])}
FOLDER = ROOT / "tests" / "constraints"


def pins(name):
    """A file's versions by package."""
    lines = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    pinned = [re.fullmatch(r"([\w-]+)==([\w.]+)", line) for line in lines if not line.startswith("#")]
    return {canonicalize_name(match[1]): Version(match[2]) for match in pinned}


@pytest.mark.parametrize("name", ["colab", "oldest"])
def test_pyproject_allows_what_is_pinned(name):
    allowed = {package: version for package, version in pins(name).items() if package in ALLOWED}
    assert {"tensorflow", "keras", "numpy", "matplotlib", "tqdm"} <= allowed.keys()
    assert {p: str(v) for p, v in allowed.items() if v not in ALLOWED[p]} == {}


def test_the_oldest_are_the_lower_bounds_of_all_that_is_needed():
    """So a bound cannot be lowered without a trial, nor a trial be left behind by a bound."""
    bounds = {p: min(Version(s.version) for s in every if s.operator == ">=") for p, every in ALLOWED.items()}
    assert pins("oldest") == bounds


@pytest.mark.parametrize(("name", "python"), [("colab", "3.13"), ("oldest", "3.10")])
def test_both_are_tried_with_the_python_that_goes_with_them(name, python):
    workflow = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    assert f'python: "{python}", constraints: {name}' in workflow
    assert f"Python {python}" in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()[0]
    minors = re.findall(r"3\.\d+", PROJECT["requires-python"])
    assert (name == "oldest") == (python == minors[0])
