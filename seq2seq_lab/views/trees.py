"""Answers as a tree: what each symbol was worth where it was written, and where two answers part.

Used in notebook 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from seq2seq_lab.settings import AT_LEAST_ONE, Rule, require
from seq2seq_lab.views.figures import BLUE, GREY, finished
from seq2seq_lab.views.tables import ORANGE
from seq2seq_lab.vocabulary import DIGITS, END, SYMBOLS, encode

ANSWERS = Rule(
    f"different strings of {DIGITS}{END}, none empty",
    lambda v: len(set(v)) == len(v) and all(a and set(a) <= set(DIGITS + END) for a in v),
)
COLOURS = ORANGE, BLUE
MARKED = Rule(f"at most {len(COLOURS)} answers", lambda v: len(v) <= len(COLOURS))


def answer_tree(model: Any, text: str, answers: Sequence[str]) -> dict[str, float]:
    """The probability of each symbol of some answers, given the text and the symbols before it.

    Returns:
        By beginning, `{"2": p(2), "26": p(6 | 2), ...}`, with each beginning of each answer.

    Raises:
        ValueError: the text or the answers are empty, or hold what they must not.
    """
    ids = encode(text)
    require("text", text, AT_LEAST_ONE)
    require("answers", answers, AT_LEAST_ONE)
    require("answers", answers, ANSWERS)
    N, T = len(answers), max(map(len, answers))
    targets_in = np.stack([encode((END + answer).ljust(T + 1, END))[:T] for answer in answers])
    p = tf.nn.softmax(model(np.tile(ids, (N, 1)), np.full(N, len(ids)), targets_in)).numpy()  # (N, T, 11)
    return {
        answer[: t + 1]: float(p[n, t, SYMBOLS.index(symbol)])
        for n, answer in enumerate(answers)
        for t, symbol in enumerate(answer)
    }


def plot_tree(tree: Mapping[str, float], marked: Sequence[str] = ()) -> Figure:
    """A tree as `answer_tree` returns it: probabilities at the branches, their product behind each answer.

    The way to the first marked answer is orange, to the second blue; there can be no third.

    Raises:
        ValueError: the tree is empty, too many answers are marked, or one that is not in it.
    """
    require("tree", tree, AT_LEAST_ONE)
    require("marked", marked, MARKED)
    for answer in marked:
        require("marked", answer, Rule("in the tree", tree.__contains__))
    leaves = [a for a in tree if not any(b != a and b.startswith(a) for b in tree)]
    height = {}
    for beginning in sorted([*tree, ""], key=len, reverse=True):
        below = [height[b] for b in tree if b[:-1] == beginning]
        height[beginning] = np.mean(below) if below else -leaves.index(beginning)

    depth = max(map(len, tree))
    size = {"figsize": (0.75 * depth + 2, 0.6 * len(leaves) + 0.4), "layout": "constrained"}
    figure, axes = plt.subplots(**size)
    circle = {"boxstyle": "circle", "facecolor": "white"}
    box = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"}
    axes.text(0, height[""], END, ha="center", va="center", bbox={**circle, "edgecolor": GREY})
    for beginning, p in tree.items():
        colours = [c for a, c in zip(marked, COLOURS, strict=False) if a.startswith(beginning)]
        colour = colours[0] if len(colours) == 1 else GREY
        x, y, y_before = len(beginning), height[beginning], height[beginning[:-1]]
        axes.plot([x - 1, x], [y_before, y], color=colour, linewidth=0.5 + 3 * p, zorder=1)
        axes.text(x - 0.5, (y + y_before) / 2, f"{p:.2f}", fontsize=8, ha="center", va="center", bbox=box)
        axes.text(x, y, beginning[-1], ha="center", va="center", bbox={**circle, "edgecolor": colour})
    for leaf in leaves:
        product = np.prod([tree[leaf[: t + 1]] for t in range(len(leaf))])
        axes.text(len(leaf) + 0.4, height[leaf], f"= {product:.3f}", va="center")
    axes.set(xlim=(-0.4, depth + 1.6), ylim=(0.6 - len(leaves), 0.6))
    axes.axis("off")
    return finished(figure)
