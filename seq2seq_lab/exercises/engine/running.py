"""Run the cells of a submission: the answer's own, and what stands in the others for it to use."""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Sequence
from typing import Any

# Nodes of an expression that computes next to nothing: `-1e-9`, `(2, 3)`, `np.inf`, `list[int] | None`.
CONSTANT = ast.Constant, ast.Name, ast.Attribute, ast.Subscript, ast.Tuple, ast.List, ast.Dict, ast.keyword
CONSTANT += ast.arguments, ast.arg, ast.expr_context, ast.UnaryOp, ast.unaryop
CONSTANT += ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.BitOr
MAGIC = re.compile(r"^([ \t]*)[%!].*$", re.MULTILINE)  # lines that only IPython understands


def run_cells(cells: Sequence[str]) -> tuple[dict[str, Any], str]:
    """The names after some cells, the last of them the answer's own; and what went wrong in that.

    Of the others, imports, definitions and constants count: an answer may use what stands there, but what
    else they do, such as to train for an hour, is none of its business.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    for source in cells[:-1]:
        with contextlib.suppress(Exception):
            for statement in ast.parse(MAGIC.sub(r"\1pass", source)).body:
                if _defines(statement):
                    with contextlib.suppress(Exception):
                        exec(compile(ast.Module([statement], []), "<cell>", "exec"), names)
    try:
        exec(compile(MAGIC.sub(r"\1pass", cells[-1]), "<answer>", "exec"), names)
    except Exception as error:
        return names, f"its cell raised {type(error).__name__}: {error}"[:300]
    return names, ""


def _defines(statement):
    """Whether a statement is an import, a definition that computes nothing, or a constant."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        parts = [part for part in ast.iter_child_nodes(statement) if part not in statement.body]
        body = statement.body if isinstance(statement, ast.ClassDef) else ()
        return all(map(_is_constant, parts)) and all(map(_defines, body))
    if isinstance(statement, (ast.Assign, ast.AnnAssign, ast.Expr)):
        value = statement.value
        return _is_constant(value.args if isinstance(value, ast.Lambda) else value or ast.Constant(None))
    return isinstance(statement, (ast.Import, ast.ImportFrom, ast.Pass))


def _is_constant(expression):
    return all(isinstance(node, CONSTANT) for node in ast.walk(expression))
