"""What was asked: exercises, questions and rubrics, as the instructor's notebooks have them."""

from __future__ import annotations

import hashlib
import pathlib
import re
from typing import Any, NamedTuple

from seq2seq_lab.exercises import exercise_named

SOURCE = pathlib.Path(__file__).resolve().parents[2] / "notebooks" / "source"
HEADING = re.compile(r"^#+ (.*)\n*", re.MULTILINE)
EFFORT = re.compile(r"^\*\d+ minutes · .*\*\n*", re.MULTILINE)  # below the heading of an exercise
HIDDEN = re.compile("BEGIN HIDDEN TESTS\n(.*)\n### END HIDDEN", re.DOTALL)
OWN = "answer-", "check-"  # how the names of those cells begin that differ from a student's
UNTOUCHED = "YOUR ANSWER HERE"


class Task(NamedTuple):
    """An exercise that is checked: its function, and what it earns."""

    name: str
    title: str  # the heading above it
    function: str
    points: int


class Question(NamedTuple):
    """A question to be answered in words; `rubric` says what earns its points."""

    name: str
    title: str
    text: str
    points: int
    rubric: str


class Lesson(NamedTuple):
    """One notebook of an assignment."""

    name: str  # of the file, without .ipynb
    titles: tuple[str, ...]  # the headings above its exercises
    tasks: tuple[Task, ...]
    questions: tuple[Question, ...]


def cell_name(cell: Any) -> str:
    """The name of a cell: nbgrader's, which moves with a copy, or else its id."""
    return str(cell.get("metadata", {}).get("nbgrader", {}).get("grade_id") or cell.get("id") or "")


def read_assignment(folder: pathlib.Path) -> tuple[Lesson, ...]:
    """The lessons whose sources lie in a folder.

    Raises:
        ValueError: there is none with exercises to be marked, or an exercise is not in the catalogue.
    """
    lessons = [_lesson(path) for path in sorted(folder.glob("*.ipynb"))]
    lessons = [lesson for lesson in lessons if lesson.tasks]
    if not lessons:
        raise ValueError(
            f"source must be a folder with notebooks like those of notebooks/source, not {folder}"
        )
    return tuple(lessons)


def handed_out(folder: pathlib.Path) -> list[str]:
    """The texts of the code cells that students get as they stand in the sources in a folder.

    Cells that are answered or graded are not among them, nor any from which nbgrader takes something out.
    """
    texts = {}
    for path in sorted(folder.glob("*.ipynb")):
        for cell in _cells(path):
            about = cell.metadata.get("nbgrader", {})
            own = about.get("solution") or about.get("grade") or cell_name(cell).startswith(OWN)
            if cell.cell_type == "code" and not own and "### BEGIN " not in cell.source:
                texts.setdefault(cell.source)
    return list(texts)


def fingerprint(lessons: tuple[Lesson, ...]) -> str:
    """A digest of all that was asked."""
    return hashlib.sha256(repr(lessons).encode()).hexdigest()


def _cells(path):
    import nbformat  # takes a second, and no process that marks needs it

    try:
        return nbformat.read(path, as_version=4).cells
    except (OSError, ValueError, LookupError, AttributeError, nbformat.ValidationError) as error:
        words = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise ValueError(f"source must hold notebooks, but {path} is none: {words}") from error


def _lesson(path):
    cells = _cells(path)
    hidden = "\n".join(tests for c in cells for tests in HIDDEN.findall(c.source))
    tasks, questions, titles, title, prose = [], [], {}, "", ""
    points = {cell_name(c): c.metadata.nbgrader.get("points") for c in cells if "nbgrader" in c.metadata}
    for cell in cells:
        kind, _, name = cell_name(cell).partition("-")
        if kind == "answer":
            tasks.append(Task(name, title, _function(name, path), int(points[f"check-{name}"])))
        elif kind == "written":
            earns = int(points[f"written-{name}"])
            questions.append(Question(name, title, prose, earns, _rubric(hidden, name)))
        elif cell.cell_type == "markdown":
            title = (HEADING.findall(cell.source) or [title])[-1]
            prose = EFFORT.sub("", HEADING.sub("", cell.source))
        if kind in ("answer", "written"):
            titles.setdefault(title)
    return Lesson(path.stem, tuple(titles), tuple(tasks), tuple(questions))


def _function(name, path):
    try:
        return exercise_named(name).function
    except ValueError as error:
        raise ValueError(f"source must ask for exercises of the lab's; {path} asks for {name}") from error


def _rubric(hidden, name):
    """What a comment among the hidden tests says: "# Rubric for "map" below, 3 points: …", lines joined."""
    for rubric in re.split(r"^# Rubric for ", hidden, flags=re.MULTILINE):
        if rubric.startswith(f'"{name}"'):
            text = re.sub(r"^# ?", "", rubric.partition(", ")[2], flags=re.MULTILINE)
            return text.replace("\n    ", " ").strip()
    return ""
