"""Embeddings: which symbols the network takes for similar, as a picture and as a table.

Used in notebook 1.
"""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from seq2seq_lab.settings import COUNT, Rule, require
from seq2seq_lab.views.arrays import numbers
from seq2seq_lab.views.figures import finished
from seq2seq_lab.views.tables import Table
from seq2seq_lab.vocabulary import visible

SYMBOLS_ONCE = Rule("a text, each character once", lambda v: isinstance(v, str) and 0 < len(v) == len(set(v)))


def plot_embeddings(vectors: Any, symbols: str) -> Figure:
    """Vectors `(V, E)` seen from where they spread most: each of the `V` symbols at its place.

    The two directions are the first principal components, right singular vectors of the centred vectors; the
    largest number of each is positive, so that the same vectors make the same picture.

    Raises:
        ValueError: `vectors` are no finite numbers `(V, E)`, a row for each symbol and `E` at least 2, or are
            all the same; a symbol comes twice.
    """
    vectors = _embeddings(vectors, symbols)
    require("E of vectors", vectors.shape[1], Rule("at least 2", lambda v: v >= 2))
    require("vectors", vectors, Rule("not all the same", lambda v: (v != v[0]).any()))
    centred = vectors - vectors.mean(0)
    _, spread, directions = np.linalg.svd(centred, full_matrices=False)
    directions = directions[:2]  # (2, E)
    directions *= np.sign([d[np.abs(d).argmax()] for d in directions])[:, None]
    places = centred @ directions.T  # (V, 2)
    share = spread**2 / (spread**2).sum()

    figure, axes = plt.subplots(figsize=(6, 4.5), layout="constrained")
    axes.set_aspect("equal", "datalim")
    axes.update_datalim(places)
    axes.margins(0.08)
    axes.autoscale_view()
    for symbol, place in zip(visible(symbols), places, strict=True):
        axes.text(*place, symbol, ha="center", va="center", fontsize=13)
    axes.set(
        title="embeddings, in the two directions of largest spread",
        xlabel=f"first direction, {share[0]:.0%} of the variance",
        ylabel=f"second direction, {share[1]:.0%} of the variance",
    )
    axes.grid(alpha=0.3)
    return finished(figure)


def nearest(vectors: Any, symbols: str, rows: str | None = None, k: int = 3) -> Table:
    """For each symbol, or those of `rows`, the `k` others whose vectors `(V, E)` are most similar, by cosine.

    Raises:
        ValueError: `vectors` are no finite numbers `(V, E)`, a row for each symbol, or a row is all zeros; a
            symbol comes twice; `rows` has another; `k` is not from 1 to `V - 1`.
    """
    vectors = _embeddings(vectors, symbols)
    V = len(symbols)
    rows = symbols if rows is None else rows
    require("rows", rows, SYMBOLS_ONCE)
    require("rows", rows, Rule(f"some of {symbols!r}", lambda v: set(v) <= set(symbols)))
    require("k", k, Rule(f"a whole number from 1 to {V - 1}", lambda v: COUNT.holds(v) and v < V))
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    require("vectors", vectors, Rule("not all zeros for any symbol", lambda _: (length > 0).all()))
    cosine = (vectors / length) @ (vectors / length).T  # (V, V)
    np.fill_diagonal(cosine, -np.inf)
    table = []
    for symbol in rows:
        i = symbols.index(symbol)
        best = np.argsort(-cosine[i], kind="stable")[:k]
        similar = ", ".join(f"{visible(symbols[j])} {cosine[i, j]:.2f}" for j in best)
        table.append((visible(symbol), similar))
    return Table(("symbol", "most similar, by cosine"), table)


def _embeddings(vectors, symbols):
    require("symbols", symbols, SYMBOLS_ONCE)
    vectors = numbers("vectors", vectors, "(V, E)")
    require("V of vectors", len(vectors), Rule(f"{len(symbols)}, one for each symbol", len(symbols).__eq__))
    return vectors
