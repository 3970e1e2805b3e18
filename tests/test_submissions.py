"""Submissions of every shape: where they lie, whose they are, which cells hold the answers."""

import json
import os
import stat
import zipfile

import nbformat
import pytest
from submissions import IMPORTS, LESSONS, RIGHT, answered, cell, filled, notebook

from seq2seq_lab.exercises import exercises_of
from seq2seq_lab.grading.assignment import SOURCE, read_assignment
from seq2seq_lab.grading.isolation import Limits
from seq2seq_lab.grading.marking import mark
from seq2seq_lab.grading.submissions import (
    LARGEST,
    File,
    Submission,
    Submissions,
    cells_by_lesson,
    read_cells,
)

ASKED = read_assignment(SOURCE)


def submissions_in(path):
    return Submissions(path, ASKED)


def zipped(path, files, link=None):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        if link:
            entry = zipfile.ZipInfo(link)
            entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(entry, "/etc/passwd")
    return path


# What was asked


def test_the_assignment_has_the_exercises_with_their_points_and_a_rubric_for_every_question():
    assert [lesson.name for lesson in ASKED] == [path.stem for path in LESSONS]
    for n, lesson in enumerate(ASKED, 1):
        assert [(t.name, t.points) for t in lesson.tasks] == [(e.name, e.points) for e in exercises_of(n)]
        for question in lesson.questions:
            assert question.rubric.count("point") >= question.points or "for each" in question.rubric
            assert "HIDDEN" not in question.rubric
            assert question.text
            assert "#" not in question.rubric.split(":")[0]
    names = [(lesson.name, q.name) for lesson in ASKED for q in lesson.questions]
    assert len(names) == len(set(names)) == 17


def test_the_functions_are_those_that_the_notebooks_check():
    for lesson, path in zip(ASKED, LESSONS, strict=True):
        cells = {c.id: c.source for c in nbformat.read(path, as_version=4).cells}
        for task in lesson.tasks:
            assert cells[f"check-{task.name}"] == f'lab.check("{task.name}", {task.function})'


def test_an_exercise_that_is_not_in_the_catalogue_is_named(tmp_path):
    (tmp_path / "1-own.ipynb").write_bytes(notebook(cell("def own(x):\n    return x", "answer-own")))
    with pytest.raises(
        ValueError, match=r"^source must ask for exercises of the lab's; .*1-own.ipynb .* own$"
    ):
        read_assignment(tmp_path)


def test_points_are_those_of_the_instructors_own_sources(tmp_path):
    lesson = nbformat.read(SOURCE / "3-decoding.ipynb", as_version=4)
    (check,) = (each for each in lesson.cells if each.id == "check-scores")
    check.metadata.nbgrader.points += 5
    nbformat.write(lesson, tmp_path / "3-decoding.ipynb")
    (changed,), of_the_lab = read_assignment(tmp_path), {e.name: e.points for e in exercises_of(3)}
    assert {t.name: t.points for t in changed.tasks} == {**of_the_lab, "scores": of_the_lab["scores"] + 5}


def test_a_folder_without_lessons_is_no_assignment(tmp_path):
    (tmp_path / "other.ipynb").write_bytes(notebook(cell("1 + 1")))
    with pytest.raises(ValueError, match=r"^source must be a folder with notebooks"):
        read_assignment(tmp_path)


# Where they lie


def test_notebooks_in_a_folder_are_a_student_each(tmp_path):
    for name in ("anna", "bo b", "clé"):
        (tmp_path / f"{name}.ipynb").write_bytes(answered())
    (tmp_path / "notes.txt").write_text("none")
    (tmp_path / ".hidden.ipynb").write_bytes(answered())
    assert submissions_in(tmp_path).students == ["anna", "bo b", "clé"]
    assert submissions_in(tmp_path).read("anna") == Submission("anna", (File("anna.ipynb", answered()),))


@pytest.mark.parametrize(
    "name",
    [
        "anna-{}",
        "anna_{}",
        "anna {}",
        "anna.{}",
        "anna_{} (1)",
        "anna_{}-2",
        "anna_77_assignsubmission_file_{}",
    ],
)
def test_a_lessons_name_behind_a_students_is_no_part_of_it(tmp_path, name):
    for path in LESSONS:
        (tmp_path / f"{name.format(path.stem)}.ipynb").write_bytes(answered())
    student = "anna_77" if "77" in name else "anna"
    assert submissions_in(tmp_path).students == [student]
    assert len(submissions_in(tmp_path).read(student).files) == 3


def test_folders_are_students_as_in_nbgraders_submitted(tmp_path):
    filled(tmp_path / "anna" / "lab", {})
    filled(tmp_path / "bob" / "lab", {}, lessons=["2-attention"])
    (tmp_path / "carl").mkdir()
    (tmp_path / "anna" / "lab" / ".ipynb_checkpoints").mkdir()
    (tmp_path / "anna" / "lab" / ".ipynb_checkpoints" / "1-encoder-decoder.ipynb").write_bytes(b"old")
    (tmp_path / "anna" / "lab" / "timestamp.txt").write_text("2026-01-01 00:00:00 UTC")
    found = submissions_in(tmp_path)
    assert found.students == ["anna", "bob", "carl"]
    assert [f.name for f in found.read("anna").files] == [f"anna/lab/{path.name}" for path in LESSONS]
    cells, notes = cells_by_lesson(found.read("bob"), ASKED)
    assert (list(cells), notes) == (["2-attention"], [])
    assert cells_by_lesson(found.read("carl"), ASKED) == ({}, ["nothing was submitted"])


def test_a_zip_is_read_like_the_folder_it_holds(tmp_path):
    files = {"Anna Berg_12_assignsubmission_file_/1-encoder-decoder.ipynb": answered()}
    files |= {"bob.ipynb": answered(), "__MACOSX/._bob.ipynb": b"", "Carl_13_assignsubmission_file_/": b""}
    found = submissions_in(zipped(tmp_path / "all.zip", files))
    assert found.students == ["Anna Berg_12", "Carl_13", "bob"]
    assert found.read("bob").files[0].content == answered()
    assert found.read("Carl_13").files == ()


def test_names_in_a_zip_lead_nowhere_else(tmp_path):
    found = submissions_in(
        zipped(tmp_path / "z.zip", {"../../etc/anna.ipynb": answered(), "/bob.ipynb": answered()})
    )
    assert found.students == ["bob", "etc"]
    assert found.read("etc").files[0].content == answered()


def test_links_are_not_followed(tmp_path):
    (tmp_path / "secret.txt").write_bytes(answered())
    folder = tmp_path / "submissions"
    (folder / "dora").mkdir(parents=True)
    (folder / "anna.ipynb").symlink_to(tmp_path / "secret.txt")
    (folder / "dora" / "lab").symlink_to(tmp_path)
    (folder / "linked").symlink_to(folder / "dora")
    (folder / "emil.ipynb").mkdir()
    os.mkfifo(folder / "fifo.ipynb")
    found = submissions_in(folder)
    for student in ("anna", "fifo"):
        (file,) = found.read(student).files
        assert (file.content, file.fault) == (None, "is a link or no regular file")
    assert found.read("dora").files == found.read("linked").files == ()
    (file,) = submissions_in(zipped(tmp_path / "z.zip", {}, link="anna.ipynb")).read("anna").files
    assert (file.content, file.fault) == (None, "is a link or no regular file")


def test_what_is_too_large_is_not_read(tmp_path):
    (tmp_path / "anna.ipynb").write_bytes(b" " * (LARGEST + 1))
    (file,) = submissions_in(tmp_path).read("anna").files
    assert (file.content, file.fault) == (None, "is larger than 20 MB")
    bomb = zipped(tmp_path / "z.zip", {"anna.ipynb": bytes(100_000_000)})
    assert bomb.stat().st_size < 200_000
    (file,) = submissions_in(bomb).read("anna").files
    assert (file.content, file.fault) == (None, "is larger than 20 MB")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_said(tmp_path):
    (tmp_path / "anna.ipynb").write_bytes(answered())
    (tmp_path / "anna.ipynb").chmod(0)
    (file,) = submissions_in(tmp_path).read("anna").files
    assert file.fault == "cannot be read (Permission denied)"


def test_a_damaged_zip_costs_what_is_damaged(tmp_path):
    path = zipped(tmp_path / "z.zip", {"anna.ipynb": answered(), "bob.ipynb": answered()})
    content = bytearray(path.read_bytes())
    content[60:70] = bytes(10)
    path.write_bytes(content)
    found = submissions_in(path)
    assert found.read("anna").files[0].fault.startswith("cannot be read")
    assert found.read("bob").files[0].content == answered()


@pytest.mark.parametrize("what", ["a file", "an empty folder", "nothing"])
def test_what_holds_no_submission_is_wrong(tmp_path, what):
    path = tmp_path / "submissions"
    if what == "a file":
        path.write_text("none")
    if what == "an empty folder":
        path.mkdir()
    with pytest.raises(ValueError, match=r"^submissions must "):
        submissions_in(path)


# What is in them


def cells_of(content):
    return cells_by_lesson(Submission("anna", (File("anna.ipynb", content),)), ASKED)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no JSON",
        b"\xff\xfe",
        b"[" * 100_000,
        b"3",
        b'{"cells": []}',
        b'{"nbformat": 4, "cells": 3}',
        b'{"nbformat": "4", "cells": []}',
        b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": 3, "metadata": []}]}',
        b'{"nbformat": 4, "cells": [' + b"9" * 10_000 + b"]}",
    ],
)
def test_what_is_no_notebook_is_said(content):
    assert cells_of(content) == ({}, ["anna.ipynb is no notebook that can be read"])


def test_another_notebook_is_none_of_the_lessons():
    assert cells_of(notebook(cell("1 + 1", "answer-other"))) == ({}, ["anna.ipynb is none of the lessons"])


def test_older_formats_are_read():
    old = nbformat.convert(nbformat.reads(answered().decode(), as_version=4), 3)
    assert old.nbformat == 3
    for worksheet in old.worksheets:
        for each, name in zip(worksheet.cells, ["", *RIGHT], strict=True):
            each.metadata = {"nbgrader": {"grade_id": f"answer-{name}"}}
    cells, notes = cells_of(json.dumps(old).encode())
    assert notes == []
    (cells,) = cells.values()
    assert [c.source for c in cells if c.name.startswith("answer-")][1:] == [*RIGHT.values()]


def test_text_may_come_in_lines():
    lines = [cell(source.splitlines(keepends=True), f"answer-{name}") for name, source in RIGHT.items()]
    cells = read_cells(File("anna.ipynb", notebook(cell(IMPORTS), *lines)))
    assert [c.source for c in cells[1:]] == [*RIGHT.values()]


def test_of_two_notebooks_of_a_lesson_that_with_its_name_counts():
    files = ("a-copy.ipynb", b""), ("1-encoder-decoder.ipynb", answered()), ("z.ipynb", answered())
    files = tuple(File(name, content) for name, content in sorted(files))
    cells, notes = cells_by_lesson(Submission("anna", files), ASKED)
    assert list(cells) == ["1-encoder-decoder"]
    assert notes == [
        "a-copy.ipynb is no notebook that can be read",
        "z.ipynb is left out: 1-encoder-decoder.ipynb is the same lesson",
    ]


def test_text_that_is_no_unicode_is_replaced(tmp_path):
    content = answered({"jaggedness": "x = 'HERE'"}).replace(b"HERE", b"\\ud800")
    (tmp_path / os.fsdecode(b"anna\xff.ipynb")).write_bytes(content)
    found = submissions_in(tmp_path)
    assert found.students == ["anna?"]
    (file,) = found.read("anna?").files
    assert (file.name, read_cells(file)[1].source) == ("anna?.ipynb", "x = '?'")


def test_a_digest_knows_every_change():
    one = Submission("anna", (File("a.ipynb", b"1"),))
    others = [
        Submission("bob", one.files),
        Submission("anna", ()),
        Submission("anna", (File("b.ipynb", b"1"),)),
        Submission("anna", (File("a.ipynb", b"2"),)),
        Submission("anna", (File("a.ipynb", None, "is a link or no regular file"),)),
    ]
    assert len({h.digest() for h in (one, *others)}) == 6
    assert one.digest() == Submission("anna", (File("a.ipynb", b"1"),)).digest()


def test_reading_is_lazy(tmp_path):
    (tmp_path / "anna.ipynb").write_bytes(answered())
    found = submissions_in(tmp_path)
    (tmp_path / "anna.ipynb").unlink()
    assert found.read("anna").files[0].fault == "cannot be read (No such file or directory)"


def test_a_notebook_that_cannot_be_read_is_not_missing_as_well():
    files = File("a/1-encoder-decoder.ipynb", b"no notebook"), File("a/3-decoding.ipynb", notebook(cell("1")))
    notes = mark(Submission("a", files), read_assignment(SOURCE), 1, Limits()).notes
    assert [note for note in notes if "the cell" not in note] == [
        "a/1-encoder-decoder.ipynb is no notebook that can be read",
        "2-attention is missing",
    ]


def test_exercises_stand_under_their_headings():
    lesson = read_assignment(SOURCE)[2]
    assert lesson.titles[::2] == ("1 One step of a beam", "3 A schedule of your own", "The bug clinic")
    assert {task.title for task in lesson.tasks} | {q.title for q in lesson.questions} == set(lesson.titles)
    (lengths,) = (q for q in lesson.questions if q.name == "lengths")
    assert lengths.title == "4 The curve over lengths"
    assert lengths.text.startswith("Explain the curves")
