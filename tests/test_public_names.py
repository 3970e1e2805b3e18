"""The public names: loaded when they are first used, and the same for type checkers."""

import ast
import importlib
import pathlib

import pytest

import seq2seq_lab as lab

PACKAGE = pathlib.Path(lab.__file__).parent
STUB = ast.parse((PACKAGE / "__init__.pyi").read_text(encoding="utf-8"))
HOME = {alias.name: node.module for node in STUB.body for alias in node.names}


def test_importing_the_package_loads_neither_tensorflow_nor_keras(fresh_python):
    code = "import sys, seq2seq_lab; print(sorted({'tensorflow', 'keras', 'numpy'} & set(sys.modules)))"
    result = fresh_python(code)
    assert (result.stdout, result.stderr) == ("[]\n", "")


def test_the_package_lists_the_names_of_its_stub():
    assert lab.__all__ == dir(lab) == sorted(HOME)


def test_the_stub_makes_every_name_public_under_its_own_name():
    """A type checker takes `from .settings import Settings` in a stub for private."""
    assert all(node.level == 1 for node in STUB.body)
    assert [a.name for node in STUB.body for a in node.names if a.asname != a.name] == []


@pytest.mark.parametrize("name", sorted(HOME))
def test_a_name_is_what_its_module_defines(name):
    module = importlib.import_module(f"seq2seq_lab.{HOME[name]}")
    assert getattr(lab, name) is getattr(module, name)
    assert getattr(lab, name).__module__ == module.__name__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"seq2seq_lab.*nonsense"):
        _ = lab.nonsense
