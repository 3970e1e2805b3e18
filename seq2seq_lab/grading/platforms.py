"""How learning platforms name what they export: whose a file is, and what else its name says.

A platform is one entry in `PLATFORMS`. Its pattern fits the names of what lies side by side in an export, and
its groups say what is in a name:

    student     the student's name in the marks; without this group it is made of `name` and `id`
    id          by which the platform knows the student
    name        of the student or group
    late        there if the submission was late
    attempt     a number or date: the higher came later
    file        the file's name as the student gave it
"""

from __future__ import annotations

import collections
import re
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

import yaml

from seq2seq_lab.grading.archives import Unreadable

LARGEST_METADATA = 200_000_000  # bytes
Read = Callable[[str, int], bytes]  # the content of a file, of at most so many bytes


class Origin(NamedTuple):
    """Who a student is on the platform the submissions come from; empty where it does not say."""

    platform: str = ""
    id: str = ""  # Moodle: participant; Canvas, ILIAS: user; Blackboard: user name; Gradescope: submission
    name: str = ""
    email: str = ""
    sid: str = ""  # the university's own number


Origins = Callable[[str], Origin]  # of each student


class Person(NamedTuple):
    """Whose something is, as a file of the export says."""

    student: str
    origin: Origin


class Label(NamedTuple):
    """What a name says."""

    student: str
    origin: Origin
    file: str  # the file's name as the student gave it; empty for a folder, and for what the platform added
    late: bool
    attempt: str


class Platform(NamedTuple):
    """What is known of a platform."""

    name: str
    pattern: re.Pattern
    of_folders: bool = False  # what the pattern fits: a student's folder, files, or both
    of_files: bool = False
    share: float = 0.5  # of the names more than this must fit
    in_folder: re.Pattern | None = None  # what the name of a file says in a student's folder
    one_attempt: bool = False  # an attempt has all the files that count
    people: Callable[[Collection[str], Read], Mapping[str, Person]] | None = None  # from files of the export

    def label(self, name: str, people: Mapping[str, Person]) -> Label | None:
        """What a name at the top of an export says; None where it does not fit."""
        match = self.pattern.fullmatch(name)
        if match is None:
            return None
        said = {group: text or "" for group, text in match.groupdict().items()}
        origin = Origin(self.name, said.get("id", ""), said.get("name", ""))
        student = said.get("student") or "_".join(filter(None, (origin.name, origin.id)))
        known = people.get(said.get("key") or name)
        if known is not None:
            student, origin = known.student, known.origin
        return Label(student, origin, said.get("file", ""), bool(said.get("late")), said.get("attempt", ""))

    def label_within(self, label: Label, name: str) -> Label:
        """What the name of a file in a student's folder adds to what the folder's says."""
        match = self.in_folder and self.in_folder.fullmatch(name)
        if not match:
            return label._replace(file=name)
        return label._replace(
            file=match["file"], late=label.late or bool(match["late"]), attempt=match["attempt"] or ""
        )


def _of_gradescope(names: Collection[str], read: Read) -> dict[str, Person]:
    """The submitters of each folder, as `submission_metadata.yml` has them."""
    if METADATA not in names:
        return {}
    # Without types: numbers keep their leading zeros, and no tag of Ruby's is unknown.
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        metadata = yaml.load(read(METADATA, LARGEST_METADATA), loader)
        origins = {folder: _submitters(folder, about) for folder, about in metadata.items()}
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise Unreadable("is not what Gradescope writes") from error
    return _without_namesakes(origins)


def _submitters(folder, about):
    fields = {
        field: ", ".join(each[f":{field}"] for each in about[":submitters"] if each.get(f":{field}"))
        for field in ("name", "email", "sid")
    }
    return Origin("Gradescope", folder.rpartition("_")[2], **fields)


def _without_namesakes(origins):
    """A name for each folder that no other has: people's own, with the address if two share it."""
    people = {folder: origin.name or folder for folder, origin in origins.items()}
    for more in (lambda folder: origins[folder].email, lambda folder: folder):
        counts = collections.Counter(people.values())
        people = {
            folder: f"{name} ({more(folder)})" if counts[name] > 1 and more(folder) else name
            for folder, name in people.items()
        }
    return {folder: Person(name, origins[folder]) for folder, name in people.items()}


def _of_blackboard(names: Collection[str], read: Read) -> dict[str, Person]:
    """Who made an attempt: the first line of the text beside it is "Name: Jane Doe (jdoe)", in any language.

    The files' names alone do not say where an assignment's title ends and a user name with a `_` begins.
    """
    people = {}
    for name in names:
        match = BLACKBOARD.pattern.fullmatch(name)
        if match is None or match["file"] is not None:
            continue
        try:
            first = read(name, LARGEST_METADATA).decode("utf-8-sig", "replace").partition("\n")[0]
        except Unreadable:
            continue
        said = re.fullmatch(r"[^:]*:\s*(?P<name>.*?)\s*\((?P<user>[^()]+)\)\s*", first)
        if said and match["prefix"].endswith(f"_{said['user']}"):
            people[match["key"]] = Person(said["user"], Origin("Blackboard", said["user"], said["name"]))
    return people


METADATA = "submission_metadata.yml"
MOODLE = Platform(
    "Moodle",
    re.compile(r"(?P<student>(?P<name>.+?)(_(?P<id>\d+))?)_assignsubmission_[a-z]+_?(?P<file>.*)"),
    of_folders=True,
    of_files=True,
    share=0,  # no one else writes assignsubmission
)
CANVAS = Platform(
    "Canvas",
    re.compile(
        r"(?!\d+_\d+_)((?P<name>\S+?)_)??((?P<late>LATE)_)?(?P<id>\d+|anon_[^\W_]+)"
        r"_((?P<attempt>\d+)_)?(?P<file>(?(attempt).+|(text|link)\.html))"
    ),
    of_files=True,
)
BLACKBOARD = Platform(
    "Blackboard",
    re.compile(
        r"(?P<key>(?P<prefix>.+_(?P<student>(?P<id>[^_]+)))_[^\W\d_]+_(?P<attempt>\d{4}(-\d\d){5}))"
        r"(_(?P<file>.+)|\.txt)"
    ),
    of_files=True,
    one_attempt=True,
    people=_of_blackboard,
)
GRADESCOPE = Platform(
    "Gradescope", re.compile(r"(?P<student>submission_(?P<id>\d+))"), of_folders=True, people=_of_gradescope
)
ILIAS = Platform(
    "ILIAS",
    re.compile(r"(?P<student>(?P<name>[^_]+_[^_]+)_.+_(?P<id>\d\d+))"),
    of_folders=True,
    in_folder=re.compile(
        r"((?P<late>Late Submission|Versp(ä|ae|a)tete Abgabe) - )?"
        r"(?P<file>.+?( \((?P<attempt>\d+)\))?(\.[^.]*)?)"
    ),
)
PLATFORMS = MOODLE, BLACKBOARD, CANVAS, GRADESCOPE, ILIAS


def platform_of(folders: Collection[str], files: Collection[str], others: Collection[str]) -> Platform | None:
    """The platform whose names these are.

    Args:
        folders: names of folders that lie side by side.
        files: names of the files beside them that students may have submitted.
        others: names of other files beside them, which need not be a student's.
    """
    for platform in PLATFORMS:
        names = [*(folders if platform.of_folders else ()), *((*files, *others) if platform.of_files else ())]
        fit = {name for name in names if platform.pattern.fullmatch(name)}
        if len(fit) > platform.share * len(fit.union(folders, files)):
            return platform
    return None
