"""Program slicing: those statements of a notebook that an answer needs. Nothing is run here."""

from __future__ import annotations

import ast
import contextlib
import copy
import dataclasses
import dis
import functools
import linecache
import re
import types
from collections.abc import Iterable, Iterator, Sequence

OTHER_LANGUAGE = re.compile(r"\s*%%(?!time\b|capture\b|prun\b)")  # magics whose cell does not run as Python
CELL_MAGIC = re.compile(r"\A\s*%%.*")
TIMED = re.compile(r"^(\s*)%time\s+(?=\S)", re.MULTILINE)
BINDS = "STORE_NAME", "DELETE_NAME"
READS = "LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"
FUNCTIONS = ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda
SHOWN = 70  # characters of a statement in a list
CHECKS = "check", "lab.check", "seq2seq_lab.check"


@dataclasses.dataclass(eq=False)
class Statement:
    """A statement of a cell."""

    cell: int
    tree: ast.stmt
    code: types.CodeType
    binds: frozenset[str]  # names
    changes: frozenset[str]  # names of what is changed in place
    may_check: bool = True  # False where its cell does not have the word, which spares a search

    def of_cell(self, cell: int) -> Statement:
        """The same statement of another cell, with all that is known of it."""
        other = copy.copy(self)
        other.cell = cell
        return other

    def read_now(self) -> None:
        """Find out all that there is to know, so that copies need not."""
        for name, attribute in vars(Statement).items():
            if isinstance(attribute, functools.cached_property):
                getattr(self, name)

    @functools.cached_property
    def reads(self) -> frozenset[str]:
        """The names that it reads, and that its functions will."""
        return frozenset(_names_in(self.code, READS, deep=True))

    @functools.cached_property
    def effects(self) -> frozenset[str]:
        """Of a function: the names of what a call of it may bind or change in the notebook."""
        if not self.is_definition:
            return frozenset()
        bound = [name for node in ast.walk(self.tree) if isinstance(node, ast.Global) for name in node.names]
        return frozenset([*bound, *_changed_by(self.tree.body)])

    @functools.cached_property
    def calls(self) -> tuple[str, frozenset[str]]:
        """Of a plain call: the name of what is called, and the names of what that is handed."""
        match self.tree:
            case ast.Expr(ast.Call(func=ast.Name(function), args=args)):
                return function, frozenset(a.id for a in args if isinstance(a, ast.Name))
        return "", frozenset()

    @functools.cached_property
    def in_short(self) -> str:
        """Its first line."""
        line, _, more = ast.unparse(self.tree).partition("\n")
        return line[:SHOWN] + (" …" if more or len(line) > SHOWN else "")

    @functools.cached_property
    def checks(self) -> dict[str, ast.expr]:
        """What it hands to `check`: an answer to the exercise of each name."""
        if not self.may_check:
            return {}
        calls = [node for node in ast.walk(self.tree) if isinstance(node, ast.Call) and len(node.args) > 1]
        calls = [call for call in calls if isinstance(call.args[0], ast.Constant)]
        return {c.args[0].value: c.args[1] for c in calls if ast.unparse(c.func) in CHECKS}

    @property
    def is_import(self) -> bool:
        """Whether all that it does is to import."""
        return isinstance(self.tree, (ast.Import, ast.ImportFrom))

    @property
    def is_definition(self) -> bool:
        """Whether it is a function or a class."""
        return isinstance(self.tree, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))

    @property
    def is_stub(self) -> bool:
        """Whether it is a function as it was handed out."""
        if not isinstance(self.tree, ast.FunctionDef):
            return False
        body = self.tree.body[1:] if ast.get_docstring(self.tree) is not None else self.tree.body
        raises = len(body) == 1 and isinstance(body[0], ast.Raise)
        return raises and "NotImplementedError" in ast.unparse(body[0])


_read_before: dict[str, list[Statement]] = {}  # by the text of a cell


def read_before(sources: Iterable[str]) -> None:
    """Read cells that everybody has, such as those handed out: `statements_of` need not read them again.

    Those that are no plain Python are left out.
    """
    for source in sources:
        with contextlib.suppress(SyntaxError):
            file = f"<cell read before {len(_read_before)}>"
            statements = _statements(0, source, ast.parse(source).body, file)
            for each in statements:
                each.read_now()
            _read_before[source] = statements


def statements_of(cell: int, source: str) -> list[Statement]:
    """The statements of a cell; its text can be looked up afterwards, as TensorFlow's AutoGraph does.

    Raises:
        Exception: it is no Python, or too much for Python's parser.
    """
    if source in _read_before:
        return [statement.of_cell(cell) for statement in _read_before[source]]
    try:
        trees = ast.parse(source).body
    except SyntaxError:
        source = _as_python(source)
        trees = ast.parse(source).body
    return _statements(cell, source, trees, f"<cell {cell}>")


def _statements(cell, source, trees, file):
    linecache.cache[file] = len(source), None, source.splitlines(True), file
    may_check = "check" in source or not source.isascii()  # other letters may stand for these
    statements = []
    for tree in trees:
        code = compile(ast.Module([tree], []), file, "exec")  # annotations stay text, as in this module
        binds = frozenset(_names_in(code, BINDS, deep=False))
        statements.append(Statement(cell, tree, code, binds, frozenset(_changed_by([tree])), may_check))
    return statements


def needed(
    statements: Sequence[Statement], names: set[str], from_the_start: Sequence[Statement] = ()
) -> list[Statement]:
    """The statements that make what some names stand for, and what is used in that, and so on; in order.

    Args:
        statements: all there are, in order.
        names: what is needed.
        from_the_start: statements that are needed in any case.
    """
    own = {name for s in statements if not s.is_import for name in s.binds}
    functions = {s.tree.name: s.effects for s in statements if s.is_definition}
    chosen, new = set(), {i for i, s in enumerate(statements) if s in from_the_start}
    while True:
        chosen |= new
        names = names.union(*(statements[i].reads for i in new))
        new = {i for i, s in enumerate(statements) if i not in chosen and _makes(s, names, own, functions)}
        if not new:
            return [statements[i] for i in sorted(chosen)]


def _makes(statement, names, own, functions):
    """Whether a statement makes or changes something of these names.

    To use what is imported is not to change it; a function of the notebook may change what it is handed.
    """
    tree = statement.tree
    if isinstance(tree, ast.ImportFrom) and tree.names[0].name == "*":
        return True
    changes, (called, handed) = statement.changes, statement.calls
    if called in functions:
        changes |= functions[called] | handed - functions.keys()
    return bool((statement.binds | changes & own) & names)


def _as_python(source):
    """A cell that is no Python, with calls of IPython's in the place of magics."""
    if OTHER_LANGUAGE.match(source):
        return ""
    from IPython.core.inputtransformer2 import TransformerManager  # takes a while to be loaded

    return TransformerManager().transform_cell(TIMED.sub(r"\1", CELL_MAGIC.sub("", source)))


def _names_in(code, operations, deep) -> Iterator[str]:
    """The names of the notebook's on which code does some operations; deep: in its functions, too."""
    numbers = [dis.opmap[name] for name in operations if name in dis.opmap]
    if not {*code.co_code[::2]}.isdisjoint(numbers):  # to take instructions apart is slow
        yield from (each.argval for each in dis.get_instructions(code) if each.opname in operations)
    for inner in code.co_consts if deep else ():
        if isinstance(inner, types.CodeType):
            yield from _names_in(inner, operations, deep)


def _changed_by(nodes) -> Iterator[str]:
    """Names of what statements change in place: `table[k] = v`, `words.append(w)`; outside functions."""
    nodes = [*nodes]
    while nodes:
        node = nodes.pop()
        place = node if isinstance(getattr(node, "ctx", None), (ast.Store, ast.Del)) else None
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            place = node.value.func
        if isinstance(place, (ast.Attribute, ast.Subscript)):
            while isinstance(place, (ast.Attribute, ast.Subscript)):
                place = place.value
            if isinstance(place, ast.Name):
                yield place.id
        if not isinstance(node, FUNCTIONS):
            for name in node._fields:  # as `ast.iter_child_nodes`, which takes longer
                part = getattr(node, name, None)
                if isinstance(part, ast.AST):
                    nodes.append(part)
                elif isinstance(part, list):
                    nodes += [each for each in part if isinstance(each, ast.AST)]
