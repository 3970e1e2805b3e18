"""What was submitted: students, their files, and in these the answers, read as data and never run."""

from __future__ import annotations

import collections
import functools
import hashlib
import json
import pathlib
import posixpath
import re
import zipfile
from typing import NamedTuple

from seq2seq_lab.grading.archives import Folder, Unreadable, Zip, zip_within
from seq2seq_lab.grading.assignment import Lesson, cell_name
from seq2seq_lab.grading.layout import COPY, NOTEBOOK, PAGE, ZIP, Work, find_students, is_nobodys
from seq2seq_lab.grading.platforms import Origin

LARGEST = 20_000_000  # bytes of a notebook
LARGEST_SUM = 60_000_000  # bytes of all notebooks of a student, and of a zip that holds them
MOST_FILES, MOST_ZIPS = 100, 10  # of a student
LARGEST_PAGE, MOST_PAGES = 2_000_000, 10  # bytes of an HTML file; of a student
TYPED_IN = "text.html", "link.html", "onlinetext.html"  # what platforms make of text that was typed into them
MOST_VALUES = 1_000_000  # in the JSON of a notebook: each takes up to a hundred bytes of memory
MOST_NAMED = 5  # files in a sentence
TEXT_OF_OLD = "input", "source", "code", "text"  # of a cell in formats 3, 2 and 1
CHECK = re.compile(r"\bcheck\(\s*[\"']([\w-]+)[\"']\s*,")
NOTHING, NO_NOTEBOOK = "nothing was submitted", "is no notebook that can be read"


class File(NamedTuple):
    """A notebook of a student's: its content, or why it cannot be read."""

    name: str
    content: bytes | None
    fault: str = ""
    own_name: str = ""  # as the student gave it, where the platform has put more before it
    attempt: tuple[int, str] = (0, "")  # the higher came later, as the platform says

    @property
    def stem(self) -> str:
        """Its name without folders and ending: the lesson's, unless it was renamed."""
        return NOTEBOOK.sub("", posixpath.basename(self.own_name or self.name))


class Submission(NamedTuple):
    """All that a student has submitted."""

    student: str
    files: tuple[File, ...]
    notes: tuple[str, ...] = ()  # what is odd about it, apart from its notebooks
    pages: tuple[str, ...] = ()  # names of HTML files, for a person to open: nothing is made of their content

    def digest(self) -> str:
        """Of everything in it."""
        parts = [self.student, *(part for f in self.files for part in (f.name, f.fault))]
        contents = [hashlib.sha256(f.content or b"").hexdigest() for f in self.files]
        notes = [self.notes] if self.notes else []  # without notes, the same as before there were any
        pages = [{"pages": self.pages}] if self.pages else []
        return hashlib.sha256(json.dumps([parts, contents, *notes, *pages]).encode()).hexdigest()


class Cell(NamedTuple):
    """A cell of a notebook: its name, its kind ("code" or "markdown"), its text."""

    name: str
    kind: str
    source: str


class Submissions:
    """A folder or a zip of submissions: the students, and what each has submitted, read one at a time.

    It is what a learning platform exports (see `platforms`), or holds `STUDENT.ipynb`, or for each lesson
    `STUDENT-1-encoder-decoder.ipynb` etc., or for each student a folder or a zip with notebooks at any depth,
    as nbgrader's `submitted/` has. All this may lie in a folder of its own. Links are not followed.

    Attributes:
        students: their names, sorted.
        read_as: what was found, in words.
        doubts: what may have been taken for something else, a sentence each.

    Raises:
        ValueError: it is neither a folder nor a zip, or holds no student or just one's notebooks.
    """

    def __init__(self, path: pathlib.Path, lessons: tuple[Lesson, ...]) -> None:
        try:
            self._files = Folder(path) if path.is_dir() else Zip(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise ValueError(f"submissions must be a folder or a zip of notebooks, not {path}") from error
        layout = find_students(self._files, lessons)
        names = _readable(layout.works)
        self._works = {names[student]: sorted(works) for student, works in layout.works.items()}
        self._origins = {names[student]: origin for student, origin in layout.origins.items()}
        self._earlier = {names[student]: n for student, n in layout.earlier.items()}
        self.students = sorted(self._works)
        self.read_as, self.doubts = clean(layout.read_as), [clean(doubt) for doubt in layout.doubts]
        if not self.students:
            rule = "submissions must hold a notebook or a folder for each student"
            raise ValueError(f"{rule}; {path} holds none")
        if set(self.students) <= {lesson.name for lesson in lessons}:
            rule = "submissions must hold a notebook or a folder named after each student"
            raise ValueError(f"{rule}; those in {path} are named after lessons: are they one student's?")

    def origin(self, student: str) -> Origin:
        """Who a student is on the platform that the submissions come from, as far as is known."""
        return self._origins.get(student, Origin())

    def read(self, student: str) -> Submission:
        """What a student has submitted."""
        works = self._works[student]
        platform = self.origin(student).platform
        files, pages, odd = _handed_in(self._files, works, TYPED_IN if platform else ())
        notes = []
        if any(work.late for work in works):
            notes.append(f"{platform} says that it came late")
        if earlier := self._earlier.get(student):
            notes.append(f"{earlier} earlier {'attempt is' if earlier == 1 else 'attempts are'} left out")
        notes += odd
        others = [clean(work.file) for work in works if work.file]
        if others and not files:
            more = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
            notes.append(f"holds no notebook: {', '.join(others[:MOST_NAMED])}{more}")
        elif notes and not files:
            notes.append(NOTHING)
        return Submission(student, tuple(files), tuple(notes), tuple(pages))


def read_folder(path: pathlib.Path, student: str) -> Submission:
    """What lies in a folder, all of it a student's."""
    files = Folder(path)
    places = sorted(place for place, is_folder in files if not (is_folder or is_nobodys(place)))
    found, pages, odd = _handed_in(files, [Work(place, posixpath.basename(place)) for place in places])
    return Submission(student, tuple(found), tuple(odd), tuple(pages))


def _readable(students):
    """Names that can be written, by the names as they are; no two alike."""
    names = {student: clean(student) for student in students}
    count = collections.Counter(names.values())
    return {
        student: name if count[name] == 1 else student.encode("utf-8", "backslashreplace").decode()
        for student, name in names.items()
    }


def _handed_in(files, works, typed_in=()):
    """The notebooks of a student and the names of HTML files, up to what one may submit; and what is odd."""
    found, pages, odd, left, more = [], [], [], LARGEST_SUM, collections.Counter()
    for work, name, read in _unpacked(files, works):
        if PAGE.search(name):
            if work.file in typed_in and not work.attempt:
                continue
            if more[PAGE] < MOST_PAGES:
                try:
                    read(LARGEST_PAGE)
                    pages.append(clean(name))
                except Unreadable as fault:
                    odd.append(f"{clean(name)} {fault}")
            more[PAGE] += 1
            continue
        if len(found) == MOST_FILES:
            more[NOTEBOOK] += 1
            continue
        content, fault = None, f"is left out: of a student {LARGEST_SUM // 1_000_000} MB are read"
        try:
            if left:
                content = read(LARGEST)
        except Unreadable as error:
            fault = str(error)
        else:
            left = max(0, left - len(content or b""))
            content = content if left else None
        own_name = clean(work.file) if work.place == name and work.file != posixpath.basename(name) else ""
        found.append(File(clean(name), content, "" if content is not None else fault, own_name, work.order))
    if more[NOTEBOOK]:
        odd.append(f"{more[NOTEBOOK]} more notebooks are left out: of a student {MOST_FILES} are read")
    if more[PAGE] > MOST_PAGES:
        odd.append(
            f"{more[PAGE] - MOST_PAGES} more HTML files are left out: of a student {MOST_PAGES} are listed"
        )
    return found, pages, odd


def _unpacked(files, works):
    """Of each notebook and HTML file, those in zips as well: work, name, and what reads it up to a size."""
    zips = 0
    for work in works:
        if _counts(work.place):
            yield work, work.place, functools.partial(files.read, work.place)
        elif ZIP.search(work.place):
            zips += 1
            yield from _in_zip(files, work, zips)


def _counts(place):
    return NOTEBOOK.search(place) or PAGE.search(place)


def _in_zip(files, work, zips):
    try:
        if zips > MOST_ZIPS:
            raise Unreadable(f"is left out: of a student {MOST_ZIPS} zips are read")
        archive = zip_within(files.read(work.place, LARGEST_SUM))
    except Unreadable as fault:
        yield work, work.place, _unreadable(fault)
        return
    for place, is_folder in sorted(archive):
        if is_folder or is_nobodys(place):
            continue
        if _counts(place):
            yield work, f"{work.place}/{place}", functools.partial(archive.read, place)
        elif ZIP.search(place):
            yield work, f"{work.place}/{place}", _unreadable(Unreadable("is a zip in a zip: it is not read"))


def _unreadable(fault):
    def read(most):
        raise fault

    return read


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
        text = file.content.decode(json.detect_encoding(file.content), "surrogatepass")
    except UnicodeDecodeError as error:
        raise ValueError(NO_NOTEBOOK) from error
    if _values(text) > MOST_VALUES:
        raise ValueError(f"has more than {MOST_VALUES:,} values, so many that it is not read")
    try:
        notebook = json.loads(text)
        version = notebook["nbformat"]
        sheets = [notebook] if version >= 4 else notebook.get("worksheets", [notebook])
        return [_cell(cell, version) for sheet in sheets for cell in sheet["cells"]]
    except Exception as error:  # whatever malformed JSON leads to
        raise ValueError(NO_NOTEBOOK) from error


def _values(text):
    """About how many values JSON has, counted before any is made: few bytes may hold millions."""
    parts = text.replace("\\\\", "").replace('\\"', "").split('"', 2 * MOST_VALUES + 1)
    outside = "".join(parts[::2])
    return len(parts) // 2 + sum(map(outside.count, ",[{"))


def _cell(cell, version):
    source = (
        next((cell[key] for key in TEXT_OF_OLD if key in cell), "") if version < 4 else cell.get("source", "")
    )
    text = source if isinstance(source, str) else "".join(source)
    return Cell(cell_name(cell), "code" if cell["cell_type"] == "code" else "markdown", clean(text))


def cells_by_lesson(
    submission: Submission, lessons: tuple[Lesson, ...]
) -> tuple[dict[str, list[Cell]], list[str]]:
    """The cells of each lesson that was submitted, and notes on what is odd, a line each."""
    found: dict[str, tuple[File, list[Cell]]] = {}
    notes = [*submission.notes]
    for file in submission.files:
        try:
            cells = read_cells(file)
        except ValueError as error:
            notes.append(f"{file.name} {error}")
            continue
        shared = {each.name: _shared(cells, each) + (file.stem == each.name) / 2 for each in lessons}
        lesson = max(shared, key=shared.get)
        if not shared[lesson]:
            notes.append(f"{file.name} is none of the lessons")
            continue
        if lesson in found:
            counts, left_out, why = _which_counts(file, found[lesson][0], lesson)
            notes.append(f"{left_out.name} is left out: {counts.name} is {why}")
            if counts is not file:
                continue
        found[lesson] = file, cells
    if not submission.files and not submission.notes:
        notes.append("holds no notebook" if submission.pages else NOTHING)
    return {lesson: cells for lesson, (_, cells) in found.items()}, notes


def _shared(cells, lesson):
    """How many exercises of a lesson a notebook has: by cells' names, or by checks where these are lost."""
    names = {cell.name for cell in cells}
    checked = {name for cell in cells if cell.kind == "code" for name in CHECK.findall(cell.source)}
    return sum(f"answer-{task.name}" in names or task.name in checked for task in lesson.tasks)


def _which_counts(file, before, lesson):
    """Of two files of a lesson the one that counts, the other, and why: the lesson's name, or the later."""
    named = [re.sub(f"{COPY}$", "", each.stem) == lesson for each in (file, before)]
    if named[0] == named[1] and file.attempt != before.attempt:
        counts = max(file, before, key=lambda each: each.attempt)
        why = "the same lesson and came later"
    else:
        counts = file if file.stem == lesson or named[0] > named[1] else before
        why = "the same lesson"
    return counts, before if counts is file else file, why
