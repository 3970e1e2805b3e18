"""Whose submission it is for the platform that it came from, as the names of its exports tell."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from seq2seq_lab.grading.submissions import Submissions

MOODLE = re.compile(r"(?P<name>[^_]+)_(?P<id>\d+)(_assignsubmission_[a-z]+_?)?")
CANVAS = re.compile(r"(?P<name>[^_]+)(_LATE)?_(?P<id>\d+)_\d+")  # the last number is a file's


class Origin(NamedTuple):
    """What a platform calls a student; empty where it is not known."""

    platform: str = ""  # "Moodle" or "Canvas"
    id: str = ""  # the number by which the platform knows them
    name: str = ""
    email: str = ""
    sid: str = ""  # the university's own number


Origins = Callable[[str], Origin]


def origin_of(student: str) -> Origin:
    """The origin of a submission by its name alone: Moodle's `Anna Alt_1234`, Canvas' `altanna_123_9001`."""
    for platform, names in {"Moodle": MOODLE, "Canvas": CANVAS}.items():
        found = names.fullmatch(student)
        if found:
            return Origin(platform, found["id"], found["name"])
    return Origin(name=student)


def origins_of(submitted: Submissions) -> Origins:
    """The origins of a class; of who is no longer in it, what the name tells."""
    students, known = set(submitted.students), getattr(submitted, "origin", origin_of)
    return lambda student: known(student) if student in students else origin_of(student)
