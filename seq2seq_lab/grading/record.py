"""A folder of marks: what a run was made with, and a result for each hand-in, written whole or not at all."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import pathlib
import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from seq2seq_lab._internals.files import whole_file
from seq2seq_lab.grading.assignment import Lesson, fingerprint
from seq2seq_lab.grading.walls import Limits


class Record:
    """A folder of marks, held by one grader at a time.

    Args:
        folder: made if there is none.
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
        folder: pathlib.Path,
        lessons: tuple[Lesson, ...],
        limits: Limits,
        sandboxed: bool,
        seed: int | None,
        versions: Mapping[str, str | None],
    ) -> None:
        self.folder, self.lessons = folder, lessons
        here = {
            "assignment": fingerprint(lessons),
            "sandboxed": sandboxed,
            "limits": dataclasses.asdict(limits),
        }
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"out must be a folder, not {folder}")
        if folder.is_dir() and any(folder.iterdir()) and not (folder / ".lock").exists():
            raise ValueError(f"out must be a new folder or one that this command has written, not {folder}")
        (folder / "results").mkdir(parents=True, exist_ok=True)
        self.lock = open(folder / ".lock", "w")  # noqa: SIM115 (until the record is closed)
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ValueError(f"out must be held by one grader at a time, but {folder} is at work") from error
        for unfinished in (*folder.glob(".*-*"), *folder.glob("*/.*-*")):  # of a run that was killed
            unfinished.unlink()
        run = self.read("run.json")
        if run is None:
            seed = secrets.randbelow(2**31) if seed is None else seed
            run = {"seed": seed, **here, "versions": []}
        for name, value in {**here, "seed": run["seed"] if seed is None else seed}.items():
            if run[name] != value:
                raise ValueError(f"out must be marked with the same {name}, but {folder} has {run[name]}")
        self.seed: int = run["seed"]
        if dict(versions) not in run["versions"]:
            self.write("run.json", {**run, "versions": [*run["versions"], dict(versions)]})

    def __enter__(self) -> Record:
        return self

    def __exit__(self, *_: Any) -> None:
        self.lock.close()

    def read(self, name: str) -> Any:
        """What a JSON file of the folder says, or None if there is none."""
        with contextlib.suppress(FileNotFoundError):
            return json.loads((self.folder / name).read_text(encoding="utf-8"))
        return None

    def write(self, name: str, value: Any) -> None:
        """Write a JSON file of the folder."""
        self.write_text(name, json.dumps(value, indent=1))

    def write_text(self, name: str, text: str) -> None:
        """Write a file of the folder."""
        with whole_file(self.folder / name) as unfinished:
            unfinished.write_text(text, encoding="utf-8", newline="")

    def result(self, student: str) -> dict[str, Any] | None:
        """The marks of a student, or None if there are none yet."""
        return self.read(f"results/{key(student)}.json")

    def results(self) -> Iterator[dict[str, Any]]:
        """The marks of all students, in the order of their names, one at a time."""
        names = sorted((self.read(f"results/{p.name}")["student"], p.name) for p in self._files())
        return (self.read(f"results/{name}") for _, name in names)

    def _files(self):
        return (self.folder / "results").glob("*.json")


def key(student: str) -> str:
    """A name for files about a student, safe on any system and no two alike."""
    slug = re.sub(r"[^A-Za-z0-9]+", "-", student).strip("-")[:40]
    return f"{slug}-{hashlib.sha256(os.fsencode(student)).hexdigest()[:12]}".lstrip("-")
