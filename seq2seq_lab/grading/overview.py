"""The page about the class: distribution of marks, success by exercise, mistakes, pages handed in."""

from __future__ import annotations

import collections
import io
import textwrap

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from seq2seq_lab.exercises.engine.verdict import in_short
from seq2seq_lab.grading.marks import ExerciseState, Marks
from seq2seq_lab.grading.pages import COLOURS, STATES, page

BARS, COMMON, LONGEST = 20, 10, 60  # of the distribution; mistakes that are shown, their words in a figure


class Overview:
    """What the page shows, counted a student at a time."""

    def __init__(self) -> None:
        self._shares: list[float] = []  # of all points, a student each
        self._waiting = 0  # answers in words without points
        self._states: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
        self._mistakes: collections.Counter = collections.Counter()
        self._pages: list[tuple[str, str]] = []  # HTML files, for a person to open, with their students

    def add(self, marks: Marks, share: float, waiting: int) -> None:
        """Count a student, who has this share of all points, and answers that wait for theirs."""
        self._shares.append(share)
        self._waiting += waiting
        self._pages += [(marks.student, name) for name in marks.pages]
        for mark in marks.exercises:
            self._states[mark.name][mark.state] += 1
            if mark.state is ExerciseState.WRONG:
                self._mistakes[mark.name, in_short(mark.message, mark.hint)] += 1

    def page(self) -> str:
        """The text of the page."""
        mistakes = self._mistakes.most_common(COMMON)
        figures = {"distribution": _distribution(self._shares), "success": _success(self._states)}
        if mistakes:
            figures["mistakes"] = _most_frequent(mistakes)
        svgs = {name: _svg(figure) for name, figure in figures.items()}
        return page(
            "overview.html",
            students=len(self._shares),
            waiting=self._waiting,
            svgs=svgs,
            mistakes=mistakes,
            pages=self._pages,
        )


def _distribution(shares):
    figure = Figure(figsize=(8, 2.5), layout="constrained")
    axes = figure.subplots()
    axes.hist([100 * share for share in shares], bins=BARS, range=(0, 100), color=COLOURS["right"])
    axes.set(xlabel="points, % of all", ylabel="students", xlim=(0, 100))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _success(states):
    figure = Figure(figsize=(8, 0.6 + 0.28 * len(states)), layout="constrained")
    axes, names = figure.subplots(), list(states)[::-1]
    left = [0.0] * len(names)
    for state in ExerciseState:
        share = [100 * states[name][state] / states[name].total() for name in names]
        axes.barh(names, share, left=left, color=COLOURS[state], label=STATES[state])
        left = [a + b for a, b in zip(left, share, strict=True)]
    axes.set(xlabel="% of students", xlim=(0, 100))
    figure.legend(loc="outside upper center", ncols=len(STATES), frameon=False)
    return figure


def _most_frequent(mistakes):
    figure = Figure(figsize=(8, 0.6 + 0.28 * len(mistakes)), layout="constrained")
    axes = figure.subplots()
    words = [f"{exercise}: {mistake}".replace("`", "") for (exercise, mistake), _ in mistakes]
    names = [textwrap.shorten(each, LONGEST, placeholder=" …") for each in words]
    axes.barh(range(len(names)), [count for _, count in mistakes][::-1], color=COLOURS["wrong"])
    axes.set_yticks(range(len(names)), names[::-1], parse_math=False)  # a student's own words may have a $
    axes.set(xlabel="students")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _svg(figure):
    """The figure as markup to put into a page; the same for the same numbers."""
    picture = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "marks", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure.savefig(picture, format="svg", metadata={"Date": None})
    return picture.getvalue().partition("<svg")[2]
