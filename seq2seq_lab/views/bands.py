"""Several trainings of each kind in one picture: a median in a band, and how much stands behind each point.

Used in notebook 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from seq2seq_lab.settings import AT_LEAST_ONE, Rule, require
from seq2seq_lab.views.arrays import numbers
from seq2seq_lab.views.curves import LINES, draw_band
from seq2seq_lab.views.figures import finished


def plot_bands(
    bands: Mapping[str, Any],
    xlabel: str,
    ylabel: str,
    counts: Mapping[str, Any] | None = None,
    title: str = "",
) -> Figure:
    """Named curves over 1, 2, 3 ..., from several seeds each: `(seeds, N)`, as a median in a band.

    The band reaches from the worst seed to the best. NaN is a seed that has nothing to say there.

    Args:
        counts: for each name `(N,)`, how many things each point was measured on; written below the axis.

    Raises:
        ValueError: there is no band, or one is no numbers; `counts` has other names or other lengths.
    """
    require("bands", bands, Rule("a mapping from names to numbers", lambda v: isinstance(v, Mapping)))
    require("bands", bands, AT_LEAST_ONE)
    values = {name: numbers(f"bands[{name!r}]", of, "(seeds, N)", finite=False) for name, of in bands.items()}
    if counts is not None:
        same = Rule(
            f"a mapping with the names {', '.join(map(str, bands))}",
            lambda v: isinstance(v, Mapping) and set(v) == set(bands),
        )
        require("counts", counts, same)
        for name, of in values.items():
            as_long = Rule(f"{of.shape[1]}, as many as points", lambda n, of=of: n == of.shape[1])
            require(f"len(counts[{name!r}])", len(counts[name]), as_long)
    height = 3 + 0.18 * len(counts or ())
    figure, axes = plt.subplots(figsize=(6, height), layout="constrained")
    for (name, of), style in zip(values.items(), cycle(LINES), strict=False):
        draw_band(axes, np.arange(1, of.shape[1] + 1), of, style, name)
    most = max(of.shape[1] for of in values.values())
    labels = [_tick(x, values, counts) for x in range(1, most + 1)]
    axes.set_xticks(range(1, most + 1), labels, fontsize=8 if counts else None)
    if counts:
        xlabel = f"{xlabel}; below, how many: {', then '.join(map(str, values))}"
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    axes.set_ylim(bottom=0)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=4)
    axes.grid(alpha=0.3)
    return finished(figure)


def _tick(x, values, counts):
    """A position, and below it the counts of each name, in the order of the legend."""
    below = [
        f"{int(counts[name][x - 1])}" if x <= of.shape[1] else "" for name, of in values.items() if counts
    ]
    return "\n".join([str(x), *below])
