"""What was submitted: students, their files, and in these the answers, read as data and never run."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import nbformat

from seq2seq_lab.grading.assignment import Lesson, cell_name

LARGEST = 20_000_000  # bytes of a notebook
# How learning platforms name what they export: Moodle's folders, and a lesson's name behind a student's.
MOODLE = re.compile(r"_assignsubmission_[a-z]+_?$")


class File(NamedTuple):
    """A notebook of a student's: its content, or why it cannot be read."""

    name: str
    content: bytes | None
    fault: str = ""

    @property
    def stem(self) -> str:
        """Its name without folders and ending: the lesson's, unless it was renamed."""
        return pathlib.PurePosixPath(self.name).stem


class Submission(NamedTuple):
    """All that a student has submitted."""

    student: str
    files: tuple[File, ...]

    def digest(self) -> str:
        """Of everything in it."""
        parts = [self.student, *(part for f in self.files for part in (f.name, f.fault))]
        contents = [hashlib.sha256(f.content or b"").hexdigest() for f in self.files]
        return hashlib.sha256(json.dumps([parts, contents]).encode()).hexdigest()


class Cell(NamedTuple):
    """A cell of a notebook: its name, its kind ("code" or "markdown"), its text."""

    name: str
    kind: str
    source: str


class Submissions:
    """A folder or a zip of submissions: the students, and what each has submitted, read one at a time.

    A folder holds `STUDENT.ipynb`, or for each lesson `STUDENT-1-encoder-decoder.ipynb` etc., or for each
    student a folder with notebooks at any depth, as nbgrader's `submitted/` has. Links are not followed.

    Raises:
        ValueError: it is neither a folder nor a zip, or holds no student or just one's notebooks.
    """

    def __init__(self, path: pathlib.Path, lessons: tuple[Lesson, ...]) -> None:
        if not path.is_dir() and not zipfile.is_zipfile(path):
            raise ValueError(f"submissions must be a folder or a zip of notebooks, not {path}")
        self._files = _Folder(path) if path.is_dir() else _Zip(path)
        self._places: dict[str, list[str]] = {}
        for place, is_folder in self._files:
            student = _student(place, is_folder, lessons)
            if student is not None:
                self._places.setdefault(student, []).extend([] if is_folder else [place])
        self.students = sorted(self._places)
        if not self.students:
            rule = "submissions must hold a notebook or a folder for each student"
            raise ValueError(f"{rule}; {path} holds none")
        if set(self.students) <= {lesson.name for lesson in lessons}:
            raise ValueError(
                f"submissions must hold those of a class; {path} holds the notebooks of one student"
            )

    def read(self, student: str) -> Submission:
        """What a student has submitted."""
        return Submission(student, tuple(self._file(place) for place in sorted(self._places[student])))

    def _file(self, place):
        try:
            content = self._files.read(place)
        except OSError as error:
            return File(clean(place), None, f"cannot be read ({error.strerror or type(error).__name__})")
        except (RuntimeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            return File(clean(place), None, f"cannot be read ({type(error).__name__})")
        if content is None:
            return File(clean(place), None, "is a link or no regular file")
        if len(content) > LARGEST:
            return File(clean(place), None, f"is larger than {LARGEST // 1_000_000} MB")
        return File(clean(place), content)


def _student(place, is_folder, lessons):
    """Whose a file or a folder is; None where it is nobody's."""
    first, *rest = pathlib.PurePosixPath(place).parts or (".",)
    hidden = any(part.startswith((".", "__MACOSX")) for part in (first, *rest))
    if hidden or (not is_folder and not place.endswith(".ipynb")):
        return None
    if not is_folder and not rest:
        first = first.removesuffix(".ipynb")
        for lesson in lessons:
            first = re.sub(rf"(?<=.)[\W_]*{lesson.name}( ?\(\d+\)|-\d+)?$", "", first)
    return clean(MOODLE.sub("", first))


class _Folder:
    """Files of a folder: where they lie, folders of students included, and what is in them."""

    def __init__(self, path):
        self.path = path

    def __iter__(self) -> Iterator[tuple[str, bool]]:
        for folder, folders, files in os.walk(self.path):
            here = pathlib.Path(folder)
            if here == self.path:
                yield from ((name, True) for name in folders)
            for name in files:
                yield (here / name).relative_to(self.path).as_posix(), False

    def read(self, place):
        path = self.path / place
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            return file.read(LARGEST + 1)


class _Zip:
    """The same of a zip. What its names say of other folders is left out."""

    def __init__(self, path):
        self.archive, self.entries = zipfile.ZipFile(path), {}

    def __iter__(self) -> Iterator[tuple[str, bool]]:
        for entry in self.archive.infolist():
            place = "/".join(part for part in entry.filename.split("/") if part not in ("", ".", ".."))
            if not entry.is_dir():
                self.entries[place] = entry
            if not entry.is_dir() or "/" not in place:
                yield place, entry.is_dir()

    def read(self, place):
        entry = self.entries[place]
        if stat.S_ISLNK(entry.external_attr >> 16):
            return None
        with self.archive.open(entry) as file:
            return file.read(LARGEST + 1)


def clean(text: str) -> str:
    """Text that can be written as UTF-8, whatever a file's name or a notebook holds."""
    return text.encode("utf-8", "replace").decode()


def read_cells(file: File) -> list[Cell]:
    """The cells of a notebook, of an older format as well.

    Raises:
        ValueError: it is none, in words for the student.
    """
    if file.content is None:
        raise ValueError(file.fault)
    try:
        notebook = json.loads(file.content)
        if notebook["nbformat"] < 4:
            notebook = nbformat.convert(nbformat.from_dict(notebook), 4)
        return [_cell(cell) for cell in notebook["cells"]]
    except Exception as error:  # whatever malformed JSON leads to
        raise ValueError("is no notebook that can be read") from error


def _cell(cell):
    source = cell.get("source", "")
    text = source if isinstance(source, str) else "".join(source)
    return Cell(cell_name(cell), "code" if cell["cell_type"] == "code" else "markdown", clean(text))


def cells_by_lesson(
    submission: Submission, lessons: tuple[Lesson, ...]
) -> tuple[dict[str, list[Cell]], list[str]]:
    """The cells of each lesson that was submitted, and notes on what is odd, a line each."""
    found: dict[str, tuple[str, list[Cell]]] = {}
    notes = []
    for file in submission.files:
        try:
            cells = read_cells(file)
        except ValueError as error:
            notes.append(f"{file.name} {error}")
            continue
        names = {cell.name for cell in cells}
        shared = {
            lesson.name: len(names & {f"answer-{t.name}" for t in lesson.tasks})
            + (file.stem == lesson.name) / 2
            for lesson in lessons
        }
        lesson = max(shared, key=shared.get)
        if not shared[lesson]:
            notes.append(f"{file.name} is none of the lessons")
        elif lesson in found and file.stem != lesson:
            notes.append(f"{file.name} is left out: {found[lesson][0]} is the same lesson")
        else:
            if lesson in found:
                notes.append(f"{found[lesson][0]} is left out: {file.name} is the same lesson")
            found[lesson] = file.name, cells
    if not submission.files:
        notes.append("nothing was submitted")
    return {lesson: cells for lesson, (_, cells) in found.items()}, notes
