"""What the units do while a text is read: their gates and states, a column a character, a row a unit.

Used in notebook 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from seq2seq_lab.settings import AT_LEAST_ONE, Rule, require
from seq2seq_lab.views.arrays import numbers
from seq2seq_lab.views.figures import finished
from seq2seq_lab.views.maps import SCALE
from seq2seq_lab.vocabulary import visible

TEXT = Rule("a text, not empty", lambda v: isinstance(v, str) and len(v) > 0)
CROWDED = 32  # rows; of more, not every one has its number


def order_of_units(z: Any) -> np.ndarray:
    """The units `(H,)` from the one that copies most to the one that writes most, by the mean of `z (S, H)`.

    `z` is an update gate: near 1 a unit copies its state, near 0 it writes it anew.

    Raises:
        ValueError: `z` is no such array of finite numbers, or is empty.
    """
    return np.argsort(-numbers("z", z, "(S, H)").mean(0), kind="stable")


def plot_units(text: str, maps: Mapping[str, Any], order: Sequence[int] | None = None) -> Figure:
    """Maps `(S, H)` by name, one below the other: a column for each character of the text, a row a unit.

    A map without negative numbers, as of a gate, goes from dark at 0 to bright at its largest; one with
    them, as of a state, from blue over white at 0 to red, as far on both sides. `order` are the units from
    top to bottom, counted from 0.

    Raises:
        ValueError: the text or the maps are empty; a map has another shape; `order` has not each unit
            once.
    """
    require("text", text, TEXT)
    require("maps", maps, Rule("a mapping from names to maps", lambda v: isinstance(v, Mapping)))
    require("maps", maps, AT_LEAST_ONE)
    arrays = {name: numbers(f"maps[{name!r}]", values, "(S, H)") for name, values in maps.items()}
    S, H = len(text), next(iter(arrays.values())).shape[1]
    fits = Rule(f"{(S, H)}, a row for each character, as many units in each map", (S, H).__eq__)
    for name, values in arrays.items():
        require(f"the shape of maps[{name!r}]", values.shape, fits)
    order = np.arange(H) if order is None else np.asarray(order)
    each_once = Rule(
        f"each of 0 ... {H - 1} once",
        lambda v: v.ndim == 1 and v.dtype.kind in "iu" and sorted(v) == list(range(H)),
    )
    require("order", order, each_once)

    height = 0.14 * min(H, CROWDED) + 0.5
    size = {"figsize": (0.22 * S + 2, height * len(arrays) + 0.5), "layout": "constrained"}
    figure, panels = plt.subplots(len(arrays), 1, squeeze=False, **size)
    numbered = slice(None, None, -(-H // CROWDED))
    for axes, (name, values) in zip(panels[:, 0], arrays.items(), strict=True):
        limit = np.abs(values).max()
        colours = {"cmap": "RdBu_r", "vmin": -limit} if values.min() < 0 else {}
        image = axes.imshow(values.T[order], **{**SCALE, "vmax": limit, **colours})
        figure.colorbar(image, ax=axes, ticks=np.linspace(*image.get_clim(), 3))
        axes.set_xticks(range(S), visible(text))
        axes.set_yticks(np.arange(H)[numbered], map(str, order[numbered]), fontsize=7)
        axes.tick_params(length=0)
        axes.set(title=f"{name}", ylabel="unit")
    panels[-1, 0].set_xlabel("read")
    return finished(figure)
