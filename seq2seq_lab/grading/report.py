"""What a grader gets: `marks.csv`, a feedback page a student, and one page about the class."""

from __future__ import annotations

import collections
import contextlib
import csv
import io
import textwrap
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

import jinja2
import markupsafe
import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from seq2seq_lab._internals.files import whole_file
from seq2seq_lab.exercises.engine.verdict import COLOURS, SIGNS, as_html, in_short
from seq2seq_lab.grading.assignment import Lesson
from seq2seq_lab.grading.record import Record, key
from seq2seq_lab.grading.written import CSV, Manual, cell, given_for, read

STATES = {"right": "right", "wrong": "not right", "stopped": "stopped", "open": "not answered"}
STATES |= {"missing": "missing"}
COLOUR = {**COLOURS, "stopped": "#CC79A7", "missing": "#BBBBBB"}  # more of Okabe and Ito's
SIGN = {**SIGNS, "stopped": "✗", "missing": "○"}
BARS, COMMON, LONGEST = 20, 10, 60  # of the distribution; mistakes that are shown, their words in a figure
TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("seq2seq_lab.grading", "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
TEMPLATES.filters["with_code"] = lambda text: markupsafe.Markup(as_html(text))  # which escapes it


class Mark(NamedTuple):
    """The sum of a student's points."""

    points: float
    most: int
    waiting: int  # answers in words that nobody has marked yet


def total(marks: Mapping[str, Any], given: Mapping[str, Manual], seed: int) -> Mark:
    """All points of a student, by checks and by hand."""
    points, waiting = sum(line["points"] for line in marks["exercises"]), 0
    for answer in marks["written"]:
        by_hand = given_for(answer, marks["student"], given, seed).points
        points += by_hand or 0
        waiting += answer["state"] == "waits" and by_hand is None
    most = sum(line["most"] for line in (*marks["exercises"], *marks["written"]))
    return Mark(points, most, waiting)


def write(record: Record, students: Collection[str]) -> int:
    """Write marks, feedback and overview, anew from all results; a student at a time.

    Args:
        record: the folder with the results.
        students: whose hand-ins there are now; of others the marks stay, and say so.

    Returns:
        In how many hand-ins something is odd.
    """
    given = read(record)
    (record.folder / "feedback").mkdir(exist_ok=True)
    page = TEMPLATES.get_template("feedback.html")
    shares, states, mistakes = [], collections.defaultdict(collections.Counter), collections.Counter()
    waiting, odd = 0, 0
    with _table(record) as table:
        table.writerow(map(cell, _head(record.lessons)))
        for marks in record.results():
            if marks["student"] not in students:
                marks["notes"].append("is no longer among the hand-ins")
            mark, notes = total(marks, given, record.seed), _notes(marks)
            waiting, odd = waiting + mark.waiting, odd + bool(notes)
            table.writerow(map(cell, _row(marks, given, record.seed, mark, notes)))
            text = page.render(**_feedback(marks, given, record, mark))
            record.write_text(f"feedback/{key(marks['student'])}.html", text)
            shares.append(mark.points / mark.most)
            for line in marks["exercises"]:
                states[line["name"]][line["state"]] += 1
                if line["state"] == "wrong":
                    mistakes[line["name"], in_short(line["message"], line["hint"])] += 1
    record.write_text("overview.html", _overview(shares, waiting, states, mistakes.most_common(COMMON)))
    return odd


@contextlib.contextmanager
def _table(record: Record) -> Iterator[Any]:
    with whole_file(record.folder / "marks.csv") as unfinished, unfinished.open(**CSV) as file:
        yield csv.writer(file)


def _head(lessons: tuple[Lesson, ...]) -> list[str]:
    names = [task.name for lesson in lessons for task in lesson.tasks]
    names += [
        f"{lesson.name}: {question.name}, written" for lesson in lessons for question in lesson.questions
    ]
    return ["student", *names, "total", "out of", "state"]


def _notes(marks):
    return [*marks["notes"], *(f"{e['name']}: {e['message']}" for e in marks["exercises"] if _stopped(e))]


def _row(marks, given, seed, mark, notes):
    row = [marks["student"], *(line["points"] for line in marks["exercises"])]
    for answer in marks["written"]:
        points = given_for(answer, marks["student"], given, seed).points
        row.append(f"{points:g}" if points is not None else "" if answer["state"] == "waits" else 0)
    state = f"{mark.waiting} answers in words wait" if mark.waiting else "marked"
    return [*row, f"{mark.points:g}", mark.most, "; ".join([state, *notes])]


def _stopped(line):
    return line["state"] == "stopped"


def _feedback(marks, given, record, mark):
    """What the page shows: for each lesson, under each title, what was checked and what was written."""
    lines = {(line["lesson"], line["name"]): line for line in marks["exercises"]}
    answers = {(answer["lesson"], answer["name"]): answer for answer in marks["written"]}
    lessons = {}
    for lesson in record.lessons:
        titles = lessons[lesson.name] = {title: ([], []) for title in lesson.titles}
        for task in lesson.tasks:
            titles[task.title][0].append(lines[lesson.name, task.name])
        for question in lesson.questions:
            answer = answers[lesson.name, question.name]
            manual = given_for(answer, marks["student"], given, record.seed)
            titles[question.title][1].append({**answer, "question": question.text, "manual": manual})
    return {
        "student": marks["student"],
        "notes": marks["notes"],
        "mark": mark,
        "lessons": lessons,
        "states": STATES,
        "colours": {**COLOUR, "missing": COLOUR["open"]},  # as text it should be read
        "signs": SIGN,
    }


def _overview(shares, waiting, states, mistakes):
    figures = {"distribution": _distribution(shares), "success": _success(states)}
    if mistakes:
        figures["mistakes"] = _mistakes(mistakes)
    svgs = {name: _svg(figure) for name, figure in figures.items()}
    return TEMPLATES.get_template("overview.html").render(
        students=len(shares), waiting=waiting, svgs=svgs, mistakes=mistakes
    )


def _distribution(shares):
    figure = Figure(figsize=(8, 2.5), layout="constrained")
    axes = figure.subplots()
    axes.hist([100 * share for share in shares], bins=BARS, range=(0, 100), color=COLOUR["right"])
    axes.set(xlabel="points, % of all", ylabel="students", xlim=(0, 100))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _success(states):
    figure = Figure(figsize=(8, 0.6 + 0.28 * len(states)), layout="constrained")
    axes, names = figure.subplots(), list(states)[::-1]
    left = [0.0] * len(names)
    for state, words in STATES.items():
        share = [100 * states[name][state] / states[name].total() for name in names]
        axes.barh(names, share, left=left, color=COLOUR[state], label=words)
        left = [a + b for a, b in zip(left, share, strict=True)]
    axes.set(xlabel="% of students", xlim=(0, 100))
    figure.legend(loc="outside upper center", ncols=len(STATES), frameon=False)
    return figure


def _mistakes(mistakes):
    figure = Figure(figsize=(8, 0.6 + 0.28 * len(mistakes)), layout="constrained")
    axes = figure.subplots()
    words = [f"{exercise}: {mistake}".replace("`", "") for (exercise, mistake), _ in mistakes]
    names = [textwrap.shorten(each, LONGEST, placeholder=" …") for each in words]
    axes.barh(range(len(names)), [count for _, count in mistakes][::-1], color=COLOUR["wrong"])
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
