"""Where in a folder the students lie, and which of its files are whose."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from seq2seq_lab.grading.archives import Folder, Unreadable, Zip
from seq2seq_lab.grading.assignment import Lesson
from seq2seq_lab.grading.platforms import METADATA, Label, Origin, platform_of

NOTEBOOK = re.compile(r"\.ipynb(\.json|\.txt)?$", re.IGNORECASE)  # some browsers put another ending behind it
ZIP = re.compile(r"\.zip$", re.IGNORECASE)
PAGE = re.compile(r"\.html?$", re.IGNORECASE)
ABOVE = "submitted", "submissions", "abgaben"  # nbgrader's and ILIAS' folder above the students'
FOR_ITSELF = "timestamp.txt", "Thumbs.db", "desktop.ini"  # nbgrader, Windows
COPY = r"( ?\(\d+\)|-\d+)"  # what browsers and platforms put behind the name of another file of that name
SHOWN = 3  # names in a sentence


class Work(NamedTuple):
    """A file of a student's, and what the platform says of it."""

    place: str
    file: str = ""  # its name as the student gave it; empty for what the platform added
    late: bool = False
    attempt: str = ""  # the longer, then the higher came later

    @property
    def order(self) -> tuple[int, str]:
        """Sorts attempts by time."""
        return len(self.attempt), self.attempt


class Layout(NamedTuple):
    """What lies where."""

    works: dict[str, list[Work]]  # of each student
    origins: dict[str, Origin]
    earlier: dict[str, int]  # attempts of a student that are left out
    read_as: str  # in words
    doubts: list[str]  # what may have been read wrong, a sentence each


def find_students(files: Folder | Zip, lessons: Collection[Lesson]) -> Layout:
    """Whose the files are: as the platform that exported them says, or a folder or a notebook a student."""
    tree, names = _Tree(files), [lesson.name for lesson in lessons]
    here, platform = _top(tree, names)
    people, doubts = _people(platform, tree.files(here), files, here)
    works: dict[str, list[Work]] = {person.student: [] for person in people.values()}
    origins = {person.student: person.origin for person in people.values()}
    nobodys, others = [], []
    for name, is_folder in tree.names(here):
        label = platform and platform.label(name, people)
        if label is None:
            student = _student(name, is_folder, names)
            if student is None:
                nobodys.append(name)
                continue
            label = Label(student, Origin(), name, False, "")
            others.append(name)
        origins.setdefault(label.student, label.origin)
        works.setdefault(label.student, []).extend(_works(tree, here, name, is_folder, label, platform))
    for name in [name for name in nobodys if PAGE.search(name)]:
        if (student := PAGE.sub("", name)) in works:  # beside the student's notebook
            works[student] += _works(tree, here, name, False, Label(student, Origin(), name, False, ""), None)
            nobodys.remove(name)
    earlier = _without_earlier(works) if platform is not None and platform.one_attempt else {}
    if platform is not None and others:
        doubts.append(
            f"{_some(others)} {_is(others)} not named as {platform.name} does: each is taken for a student"
        )
    nobodys = [name for name in nobodys if name != METADATA]
    if nobodys:
        doubts.append(f"{_some(nobodys)} {_is(nobodys)} nobody's and left out")
    doubts += _doubts(works, platform, tree.files(here), names)
    found = f"{len(works)} student{'s' * (len(works) != 1)}"
    found = f"an export of {platform.name}: {found}" if platform is not None else found
    return Layout(works, origins, earlier, f"{found}, in {here}/" if here else found, doubts)


def _people(platform, beside, files, here):
    """Whose what is, as files of the export say; and what these leave in doubt."""
    if platform is None or platform.people is None:
        return {}, []

    def read(name, most):
        return files.read(posixpath.join(here, name), most)

    try:
        return platform.people(beside, read), []
    except Unreadable as fault:
        return {}, [f"{METADATA} {fault}: students are named after their folders"]


def is_nobodys(place: str) -> bool:
    """Whether a part of a path is hidden, or was written by a computer for itself."""
    return any(part.startswith((".", "__MACOSX")) or part in FOR_ITSELF for part in place.split("/"))


class _Tree:
    """The names in each folder."""

    def __init__(self, files: Iterable[tuple[str, bool]]) -> None:
        self._folders: dict[str, set[str]] = {"": set()}
        self._files: dict[str, list[str]] = {}
        for place, is_folder in files:
            folder, name = (place, "") if is_folder else posixpath.split(place)
            if is_nobodys(folder):
                continue
            self._add(folder)
            if name and not is_nobodys(name):
                self._files.setdefault(folder, []).append(name)

    def _add(self, folder):
        """With all that it lies in: a zip need not name these."""
        while folder:
            above, name = posixpath.split(folder)
            known = self._folders.setdefault(above, set())
            if name in known:
                return
            known.add(name)
            folder = above

    def folders(self, here: str) -> list[str]:
        return sorted(self._folders.get(here, ()))

    def files(self, here: str) -> list[str]:
        return sorted(self._files.get(here, ()))

    def names(self, here: str) -> list[tuple[str, bool]]:
        """The names in a folder, and which are folders."""
        return [(name, True) for name in self.folders(here)] + [(name, False) for name in self.files(here)]

    def below(self, here: str) -> Iterator[str]:
        """The places of all files in a folder, at any depth."""
        waiting = [here]
        while waiting:
            folder = waiting.pop()
            yield from (posixpath.join(folder, name) for name in self.files(folder))
            waiting += [posixpath.join(folder, name) for name in self.folders(folder)]


def _top(tree, lessons):
    """The folder in which the students lie, and the platform whose names they have."""
    here, above = "", ""
    while True:
        platform, folders = _platform(tree, here), tree.folders(here)
        if platform is not None:
            return here, platform
        if len(folders) != 1 or any(map(_may_be_work, tree.files(here))):
            break
        here = posixpath.join(here, folders[0])
        if folders[0].lower() in ABOVE:
            above = here
    if _holds_one(tree, here, lessons):
        return ("" if above == here else above), None
    return (here if _holds_class(tree, here, lessons) else above), None


def _platform(tree, here):
    files = tree.files(here)
    work = [name for name in files if _may_be_work(name)]
    return platform_of(tree.folders(here), work, [name for name in files if not _may_be_work(name)])


def _holds_one(tree, here, lessons):
    """Whether names say that a folder holds the work of one student."""
    files = [name for name in tree.files(here) if _may_be_work(name)]
    return any(_stem(name) in lessons for name in files) or not (files or {*tree.folders(here)} - {*lessons})


def _holds_class(tree, here, lessons):
    """Whether a folder holds too much for one student, who has each lesson once.

    More notebooks, or folders with some, than there are lessons are too much as well.
    """
    each = [[posixpath.join(here, name)] for name in tree.files(here) if _may_be_work(name)]
    each += [[*filter(_may_be_work, tree.below(posixpath.join(here, name)))] for name in tree.folders(here)]
    each = [places for places in each if places]
    times = [sum(any(lesson in p[len(here) :] for p in places) for places in each) for lesson in lessons]
    return len(each) > len(lessons) or max(times) > 1


def _may_be_work(name):
    return bool(NOTEBOOK.search(name) or ZIP.search(name))


def _stem(name):
    return ZIP.sub("", NOTEBOOK.sub("", posixpath.basename(name)))


def _student(name, is_folder, lessons):
    """Whose a file or a folder is, where no platform says; None where it is nobody's."""
    if is_folder:
        return name
    if not _may_be_work(name):
        return None
    student = _stem(name)
    for lesson in lessons:
        student = re.sub(rf"(?<=.)[\W_]*{re.escape(lesson)}{COPY}?$", "", student)
    return student


def _works(tree, here, name, is_folder, label, platform):
    """What a student has submitted under a name."""
    place = posixpath.join(here, name)
    if not is_folder:
        yield Work(place, label.file, label.late, label.attempt)
        return
    for each in tree.below(place):
        own = label._replace(file=posixpath.basename(each))
        if platform is not None:
            own = platform.label_within(label, own.file)
        yield Work(each, own.file, own.late, own.attempt)


def _without_earlier(works):
    """Keep the latest attempt of each student; returns how many there were before."""
    earlier = {}
    for student, own in works.items():
        orders = {work.order for work in own}
        if len(orders) > 1:
            works[student] = [work for work in own if work.order == max(orders)]
            earlier[student] = len(orders) - 1
    return earlier


def _doubts(works, platform, beside, lessons):
    """What looks as if students had been found where there are none, or not found where there are."""
    counts = {s: sum(bool(NOTEBOOK.search(w.place)) for w in own) for s, own in works.items()}
    many = {s: n for s, n in counts.items() if n > len(lessons) * (1 if len(works) == 1 else 3)}
    if many:
        student, n = max(many.items(), key=lambda item: item[1])
        who = "1 student" if len(works) == 1 else f"the student {student!r}"
        yield f"{who} with {n} notebooks: is that a class?"
    elif len(works) == 1 and any(ZIP.search(work.place) for own in works.values() for work in own):
        yield "1 student, whose work is a zip: is that a class?"
    if platform is None:
        zips = [name for name in beside if ZIP.search(name)]
        if zips and len(zips) < len(works):
            yield f"{_some(zips)} {_is(zips)} taken for the work of a student"
        as_lessons = sorted(set(works) & set(lessons))
        if as_lessons:
            yield f"{_some(as_lessons)} {_is(as_lessons)} taken for a student, though named as a lesson"
    by_case: dict[str, list[str]] = {}
    for student in works:
        by_case.setdefault(student.casefold(), []).append(student)
    for alike in by_case.values():
        if len(alike) > 1:
            yield f"{_some(sorted(alike))} are taken for {len(alike)} students"


def _is(names):
    return "is" if len(names) == 1 else "are"


def _some(names):
    """A few names, and how many more there are."""
    shown = ", ".join(names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"
