"""What every figure of the lab has: it is closed, and tells Jupyter in words what it shows.

The words are the output's metadata `alt`. nbconvert's template `classic` and nbsphinx make them the
picture's alternative text; JupyterLab 4.6 does not yet.
"""

from __future__ import annotations

import functools
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

# Okabe and Ito's colours, told apart by colour-blind eyes as well.
BLUE, GREY = "#0072B2", "#767676"


def finished(figure: Figure) -> Figure:
    """The figure alone, no longer known to pyplot, which would draw it a second time."""
    plt.close(figure)
    figure._repr_mimebundle_ = functools.partial(_described, figure)
    return figure


def alternative_text(figure: Figure) -> str:
    """What a figure shows, from its own titles, labels and legends."""
    panels = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
    return ". ".join(filter(None, [figure.get_suptitle(), *map(_panel_text, panels)]))


def _panel_text(axes: Axes) -> str:
    if not axes.axison:  # a drawing, such as a tree
        return " ".join(text.get_text() for text in axes.texts)
    parts = [" over ".join(filter(None, [axes.get_ylabel(), axes.get_xlabel()]))]
    if lines := axes.get_legend_handles_labels()[1]:
        parts.append(f"lines: {', '.join(lines)}")
    if axes.images:
        named = {"rows": _characters(axes.yaxis), "columns": _characters(axes.xaxis)}
        parts += [f"{name}: {characters}" for name, characters in named.items() if characters]
    if axes.texts and not axes.has_data():  # symbols at their places
        for i, way in enumerate(("left to right", "bottom to top")):
            sorted_texts = sorted(axes.texts, key=lambda text, i=i: text.get_position()[i])
            parts.append(f"{way}: {' '.join(text.get_text() for text in sorted_texts)}")
    return ": ".join(filter(None, [axes.get_title(), "; ".join(filter(None, parts))]))


def _characters(axis: Axis) -> str:
    """What stands at an axis of a map instead of its numbers: characters, or words with spaces between."""
    if isinstance(axis.get_major_formatter(), ScalarFormatter):
        return ""
    labels = [label.get_text() for label in axis.get_ticklabels()]
    return (" " if max(map(len, labels), default=0) > 1 else "").join(labels).strip()


def _described(figure: Figure, **_: Any) -> tuple[dict, dict]:
    """What Jupyter asks for: no data, since it draws the figure itself, and metadata."""
    return {}, {"image/png": {"alt": alternative_text(figure)}}
