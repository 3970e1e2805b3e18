"""What is known of a student's answers, and of a run that marks them: typed records, and their JSON.

The names of fields and states stand in the files of marks folders: `results/*.json`, `run.json`,
`manual.json`. Folders written by older versions must stay readable, so a new field needs a default.
"""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Mapping

from seq2seq_lab.grading.isolation import Limits


class ExerciseState(str, enum.Enum):
    """What has come of an exercise that is checked by running it."""

    RIGHT = "right"
    WRONG = "wrong"
    STOPPED = "stopped"  # the answer returned nothing: a limit, an error in its cell, the end of its process
    OPEN = "open"  # the cell was left untouched
    MISSING = "missing"  # there is no such cell


class WrittenState(str, enum.Enum):
    """What has come of a question that is answered in words."""

    ANSWERED = "waits"  # for a manual grade, or has one by now
    OPEN = "open"
    MISSING = "missing"


@dataclasses.dataclass(frozen=True)
class ExerciseMark:
    """What an answer to an exercise earns, and why."""

    lesson: str
    name: str  # of the exercise
    task: str  # what is to be done, in a few words
    most: int  # points of a right answer
    code: str  # the answer
    state: ExerciseState
    points: int = 0
    label: str = ""  # of the mistake
    message: str = ""
    hint: str = ""


@dataclasses.dataclass(frozen=True)
class WrittenAnswer:
    """An answer in words. Its points are manual grades, which are kept apart."""

    lesson: str
    name: str  # of the question
    most: int  # points
    state: WrittenState
    text: str  # empty unless it was answered


@dataclasses.dataclass(frozen=True)
class Marks:
    """All that marking has found out about one submission."""

    student: str
    notes: tuple[str, ...]  # what is odd about it
    exercises: tuple[ExerciseMark, ...]
    written: tuple[WrittenAnswer, ...]
    digest: str  # of the submission: another digest is another version, to be marked anew
    pages: tuple[str, ...] = ()  # names of HTML files, for a person to open

    def exercise(self, lesson: str, name: str) -> ExerciseMark:
        """The mark for an exercise."""
        return next(mark for mark in self.exercises if (mark.lesson, mark.name) == (lesson, name))

    def answer(self, lesson: str, name: str) -> WrittenAnswer:
        """The answer to a question."""
        return next(answer for answer in self.written if (answer.lesson, answer.name) == (lesson, name))

    def to_json(self) -> str:
        """The text of a file in `results/`."""
        marks = dataclasses.asdict(self)
        if not marks["pages"]:
            del marks["pages"]
        return json.dumps(marks, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Marks:
        """Read what `to_json` wrote."""
        marks = json.loads(text)
        for mark in marks["exercises"]:
            mark["state"] = ExerciseState(mark["state"])
        for answer in marks["written"]:
            answer["state"] = WrittenState(answer["state"])
        return cls(
            student=marks["student"],
            notes=tuple(marks["notes"]),
            exercises=tuple(ExerciseMark(**mark) for mark in marks["exercises"]),
            written=tuple(WrittenAnswer(**answer) for answer in marks["written"]),
            digest=marks["digest"],
            pages=tuple(marks.get("pages", ())),
        )


@dataclasses.dataclass(frozen=True)
class Run:
    """The conditions under which a class is marked: the same for every student."""

    seed: int  # of the random inputs
    assignment: str  # digest of what was asked
    sandboxed: bool
    limits: Limits
    versions: tuple[Mapping[str, str | None], ...] = ()  # of what the marks were made with, one after another
    lessons: Mapping[str, str] = dataclasses.field(default_factory=dict)  # digests, none of older versions

    def to_json(self) -> str:
        """The text of `run.json`."""
        run = dataclasses.asdict(self)
        if not run["lessons"]:
            del run["lessons"]
        return json.dumps(run, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Run:
        """Read what `to_json` wrote."""
        run = json.loads(text)
        return cls(
            seed=run["seed"],
            assignment=run["assignment"],
            sandboxed=run["sandboxed"],
            limits=Limits(**run["limits"]),
            versions=tuple(run["versions"]),
            lessons=run.get("lessons", {}),
        )


@dataclasses.dataclass(frozen=True)
class ManualGrade:
    """What a person gave for an answer in words; points are None as long as there is only a comment."""

    points: float | None = None
    comment: str = ""


def grades_to_json(grades: Mapping[str, ManualGrade]) -> str:
    """The text of `manual.json`: manual grades by the id of the answer."""
    return json.dumps(_as_lists(grades), indent=1)


def grades_from_json(text: str) -> dict[str, ManualGrade]:
    """Read what `grades_to_json` wrote."""
    return _from_lists(json.loads(text))


def copies_to_json(copies: Mapping[str, Mapping[str, ManualGrade]]) -> str:
    """The text of `copies.json`: manual grades in copies of `written.csv`, by the copy's path."""
    return json.dumps({path: _as_lists(grades) for path, grades in copies.items()}, indent=1)


def copies_from_json(text: str) -> dict[str, dict[str, ManualGrade]]:
    """Read what `copies_to_json` wrote."""
    return {path: _from_lists(grades) for path, grades in json.loads(text).items()}


def _as_lists(grades):
    return {name: dataclasses.astuple(grade) for name, grade in grades.items()}


def _from_lists(grades):
    return {name: ManualGrade(*grade) for name, grade in grades.items()}
