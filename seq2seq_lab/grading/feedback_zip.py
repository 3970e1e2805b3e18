"""The feedback pages of a class as a zip that Moodle and Canvas take back as it is."""

from __future__ import annotations

import zipfile

from seq2seq_lab._internals.files import whole_file
from seq2seq_lab.grading.marks_folder import MarksFolder, key
from seq2seq_lab.grading.platforms import CANVAS
from seq2seq_lab.grading.submissions import Submissions

NAME = "feedback.zip"
EARLIEST = (1980, 1, 1, 0, 0, 0)  # of all files, so that the same pages are the same zip


def write(folder: MarksFolder, submitted: Submissions) -> None:
    """Write `feedback.zip`, if the submissions came from such a platform.

    Moodle finds a student by the number in a folder's name, Canvas by two in a file's: the student's own and
    that of a file that they submitted, so that who submitted none gets no page.
    """
    places = {student: _place(submitted, student) for student in submitted.students}
    places = {student: place for student, place in places.items() if place}
    if not places:
        return
    with whole_file(folder.path / NAME) as unfinished, zipfile.ZipFile(unfinished, "w") as archive:
        for student, place in places.items():
            page = folder.path / "feedback" / f"{key(student)}.html"
            if page.exists():  # who could not be marked has none
                entry = zipfile.ZipInfo(place, EARLIEST)
                archive.writestr(entry, page.read_bytes(), zipfile.ZIP_DEFLATED)


def _place(submitted, student):
    """Where the page of a student belongs in the zip; None where no platform asks for it."""
    origin = submitted.origin(student)
    if origin.platform == "Moodle":
        return f"{origin.name.replace('_', ' ')}_{origin.id}_assignsubmission_file_/feedback.html"
    if origin.platform == "Canvas":
        names = [part for file in submitted.read(student).files for part in file.name.split("/")]
        for found in filter(None, map(CANVAS.pattern.fullmatch, names)):
            return f"{found.string[: found.start('file')]}feedback.html"
    return None
