"""Tables that Jupyter draws and `print` spells out: a model's variables, what it gets wrong.

Used in sections "Encoder and decoder" and "What did it learn?" of notebook 1, and by `seq2seq-lab benchmark`.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from seq2seq_lab.data import Batch
from seq2seq_lab.vocabulary import SYMBOLS

ORANGE = "#D55E00"  # of Okabe and Ito's colours


class Table(NamedTuple):
    """Rows under a head, drawn by Jupyter and spelled out by `print`; `marked` cells say what is wrong."""

    head: Sequence[str]
    rows: Sequence[Sequence[Any]]  # strings, or lists of (symbol, is_right)

    def __repr__(self) -> str:
        lines = [[_plain(cell) for cell in row] for row in (self.head, *self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(cell)}</th>" for cell in self.head)
        rows = ("".join(f"<td>{_rich(cell)}</td>" for cell in row) for row in self.rows)
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def variable_table(model: Any) -> Table:
    """Every variable with its shape, by the name it has in code, and what the optimiser keeps for it."""
    exists = model.compiled and model.optimizer.built
    rest = model.optimizer.variables if exists else []
    rows = []
    for part in ("encoder", "decoder"):
        layer = getattr(model, part)
        cell = {id(v) for v in getattr(getattr(layer, "cell", None), "weights", ())}
        for v in layer.weights:
            stem = v.path.replace("/", "_") + "_"
            kept = [o.name.removeprefix(stem) for o in rest if o.name.startswith(stem)]
            rest = [o for o in rest if not o.name.startswith(stem)]
            name = f"{part}.{'cell.' if id(v) in cell else ''}{v.name}"
            rows.append((*_row(name, v), ", ".join(kept)))
    rows.append(("all together", "", f"{sum(map(_numbers, model.weights)):,}", ""))
    rows += [(*_row(f"optimizer.{o.name}", o), "") for o in rest]
    width = 4 if any(row[3] for row in rows) else 3
    return Table(("variable", "shape", "numbers", "kept by the optimiser")[:width], [r[:width] for r in rows])


def mistake_table(model: Any, batch: Batch, rows: int = 8) -> Table:
    """The samples of a batch with the most wrong places, free-running, right and wrong marked by position."""
    T = batch.targets_out.shape[1]
    said = np.argmax(model.free_running(batch.inputs, batch.inputs_seqlen, T), -1)  # (B, T)
    right = said == batch.targets_out
    wrong = ((1 - right) * batch.targets_mask).sum(1)
    worst = np.argsort(-wrong, kind="stable")[:rows]
    table = []
    for i in worst:
        places = range(batch.targets_seqlen[i])
        marked = [(SYMBOLS[said[i, t]], bool(right[i, t])) for t in places]
        table.append((batch.text_inputs[i], batch.text_targets_out[i], marked, str(int(wrong[i]))))
    return Table(("read", "wanted", "written", "wrong"), table)


def _row(name, variable):
    return name, str(tuple(variable.shape)), f"{_numbers(variable):,}"


def _numbers(variable):
    return int(np.prod(variable.shape))


def _plain(cell):
    if isinstance(cell, str):
        return cell
    return "".join(symbol if right else f"[{symbol}]" for symbol, right in cell)


def _rich(cell):
    if isinstance(cell, str):
        return html.escape(cell)
    style = "font-family: monospace; padding: 0 3px; color: {}; background: {}; font-weight: {}"
    styles = {
        True: style.format("#222222", "#D6EFE6", "normal"),
        False: style.format("#FFFFFF", ORANGE, "bold"),
    }
    return "".join(f'<span style="{styles[right]}">{html.escape(s)}</span>' for s, right in cell)
