"""A folder of marks: the files that a run goes on from, each written whole or not at all."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import pathlib
import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from seq2seq_lab._internals.files import remove_unfinished, whole_file
from seq2seq_lab.grading.assignment import Lesson, fingerprint
from seq2seq_lab.grading.isolation import Limits
from seq2seq_lab.grading.marks import (
    ManualGrade,
    Marks,
    Run,
    copies_from_json,
    copies_to_json,
    grades_from_json,
    grades_to_json,
)

FOLDERS = "results", "feedback"
WRITTEN = "marks.csv", "written.csv", "overview.html", "feedback.zip"  # into a folder of marks, as are these
WRITTEN += "run.json", "manual.json", "copies.json", ".lock"
SAME = "sandboxed", "limits", "seed"  # in every run in a folder, as is what was asked


class MarksFolder:
    """A folder of marks, held by one grader at a time.

    Args:
        path: made if there is none.
        lessons: what was asked.
        limits: what each answer may use up.
        sandboxed: whether answers run in a sandbox.
        seed: of the random inputs; None draws one, or goes on with that of the folder.
        versions: of what marks are made with.

    Raises:
        ValueError: the folder holds something else, or marks made with another seed or assignment, or
            another grader holds it.
    """

    def __init__(
        self,
        path: pathlib.Path,
        lessons: tuple[Lesson, ...],
        limits: Limits,
        sandboxed: bool,
        seed: int | None,
        versions: Mapping[str, str | None],
    ) -> None:
        self.path, self.lessons = path, lessons
        if path.exists() and not path.is_dir():
            raise ValueError(f"out must be a folder, not {path}")
        if path.is_dir() and any(path.iterdir()) and not (path / ".lock").exists():
            raise ValueError(f"out must be a new folder or one that this command has written, not {path}")
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = open(path / ".lock", "w")  # noqa: SIM115 (until the folder is closed)
        except OSError as error:
            raise ValueError(
                f"out must be a folder that can be written, but {path} is not: {error}"
            ) from error
        import fcntl  # not there on Windows

        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ValueError(f"out must be held by one grader at a time, but {path} is at work") from error
        for folder in (path, *(path / name for name in FOLDERS)):
            folder.mkdir(exist_ok=True)
            remove_unfinished(folder)  # of a run that was killed
        before = self._read("run.json", Run.from_json)
        if seed is None:
            seed = before.seed if before else secrets.randbelow(2**31)
        asked = {lesson.name: fingerprint((lesson,)) for lesson in lessons}
        versions_before = before.versions if before else ()
        run = Run(seed, fingerprint(lessons), sandboxed, limits, versions_before, asked)
        if before and before.assignment != run.assignment:
            what = _difference(before.lessons, asked)
            raise ValueError(f"out must be another folder, as {path} was begun with other notebooks: {what}")
        for name in SAME if before else ():
            if getattr(run, name) != getattr(before, name):
                has = getattr(before, name)
                raise ValueError(f"out must be marked with the same {name}, but {path} has {has}")
        self.seed = seed
        if dict(versions) not in run.versions:
            run = dataclasses.replace(run, versions=(*run.versions, dict(versions)))
        if run != before:
            self.write("run.json", run.to_json())

    def __enter__(self) -> MarksFolder:
        return self

    def __exit__(self, *_: Any) -> None:
        self._lock.close()

    def write(self, name: str, text: str) -> None:
        """Write a file of the folder."""
        with whole_file(self.path / name) as unfinished:
            unfinished.write_text(text, encoding="utf-8", newline="")

    def write_marks(self, marks: Marks) -> None:
        """Keep the marks of a student, in place of earlier ones."""
        self.write(f"results/{key(marks.student)}.json", marks.to_json())

    def marks_of(self, student: str) -> Marks | None:
        """The marks of a student, or None if there are none yet."""
        return self._read(f"results/{key(student)}.json", Marks.from_json)

    def all_marks(self) -> Iterator[Marks]:
        """The marks of all students, in the order of their names, one at a time."""
        found = (self.path / "results").glob("*.json")
        names = [f"results/{path.name}" for path in found if not path.name.startswith(".")]
        names.sort(key=lambda name: self._read(name, Marks.from_json).student)
        return (self._read(name, Marks.from_json) for name in names)

    def write_grades(self, grades: Mapping[str, ManualGrade]) -> None:
        """Keep manual grades, by the id of the answer."""
        self.write("manual.json", grades_to_json(grades))

    def grades(self) -> dict[str, ManualGrade]:
        """The manual grades so far, by the id of the answer."""
        return self._read("manual.json", grades_from_json) or {}

    def write_copies(self, copies: Mapping[str, Mapping[str, ManualGrade]]) -> None:
        """Keep what copies of `written.csv` said when they were read, by their path."""
        self.write("copies.json", copies_to_json(copies))

    def copies(self) -> dict[str, dict[str, ManualGrade]]:
        """What copies of `written.csv` said when they were read, by their path."""
        return self._read("copies.json", copies_from_json) or {}

    def _read(self, name, from_json):
        """What a JSON file of the folder says, or None if there is none."""
        path = self.path / name
        try:
            return from_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise ValueError(
                f"out must hold what this command wrote, but {path} is changed: {error}"
            ) from error


def _difference(before, now):
    """What differs between notebooks, by name; those of an older version are not known one by one."""
    if not before:
        return "those of the source have changed since"
    gone, new = before.keys() - now.keys(), now.keys() - before.keys()
    changed = {name for name in before.keys() & now.keys() if before[name] != now[name]}
    kinds = {"is gone": gone, "is new": new, "has changed": changed}
    return ", ".join(f"{name} {what}" for what, names in kinds.items() for name in sorted(names))


def key(student: str) -> str:
    """A name for files about a student, safe on any system and no two alike."""
    slug = re.sub(r"[^A-Za-z0-9]+", "-", student).strip("-")[:40]
    return f"{slug}-{hashlib.sha256(os.fsencode(student)).hexdigest()[:12]}".lstrip("-")
