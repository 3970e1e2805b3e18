"""Submissions of every shape: where they lie, whose they are, which cells hold the answers."""

import json
import os
import stat
import zipfile

import nbformat
import pytest
from submissions import IMPORTS, LESSONS, RIGHT, answered, cell, filled, notebook
from test_notebooks import WRITTEN

from seq2seq_lab.exercises import exercises_of
from seq2seq_lab.grading import submissions as submissions_module
from seq2seq_lab.grading.archives import MOST_ENTRIES, Unreadable, zip_within
from seq2seq_lab.grading.assignment import SOURCE, read_assignment
from seq2seq_lab.grading.isolation import Limits
from seq2seq_lab.grading.marking import mark
from seq2seq_lab.grading.submissions import (
    LARGEST,
    LARGEST_PAGE,
    MOST_FILES,
    MOST_PAGES,
    File,
    Submission,
    Submissions,
    cells_by_lesson,
    read_cells,
    read_folder,
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


def unpacked(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


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
    assert len(names) == len(set(names)) == sum(map(len, WRITTEN.values()))


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
    assert len(submissions_in(tmp_path).read(student).files) == len(LESSONS)


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


def test_what_a_student_submits_is_bounded_as_a_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(submissions_module, "LARGEST", 1_000_000)
    monkeypatch.setattr(submissions_module, "LARGEST_SUM", 3_000_000)
    bombs = {f"{i}.ipynb": bytes(1_000_000) for i in range(6)}
    inner = zipped(tmp_path / "lab.zip", bombs).read_bytes()
    assert len(inner) < 10_000
    files = {f"anna/{name}": content for name, content in bombs.items()}
    files |= {"bob/lab.zip": inner, "carl/1.zip": inner, "carl/2.zip": inner}
    found = submissions_in(zipped(tmp_path / "all.zip", files))
    for student, n in (("anna", 6), ("bob", 6), ("carl", 12)):
        read = found.read(student).files
        assert len(read) == n
        assert sum(len(file.content or b"") for file in read) < 3_000_000
        assert read[-1].fault == "is left out: of a student 3 MB are read"


def test_many_small_files_of_a_student_are_bounded(tmp_path):
    files = {f"anna/{i}.ipynb": b"" for i in range(MOST_FILES + 7)}
    zips = {f"bob/{i:02}.zip": zipped(tmp_path / "z.zip", {"a.txt": b""}).read_bytes() for i in range(12)}
    found = submissions_in(zipped(tmp_path / "all.zip", files | zips))
    assert len(found.read("anna").files) == MOST_FILES
    assert found.read("anna").notes == (f"7 more notebooks are left out: of a student {MOST_FILES} are read",)
    assert {file.fault for file in found.read("bob").files} == {"is left out: of a student 10 zips are read"}


def test_a_directory_of_a_students_zip_is_bounded(tmp_path, monkeypatch):
    entries = zipped(tmp_path / "z.zip", {str(i): b"" for i in range(MOST_ENTRIES + 1)}).read_bytes()
    monkeypatch.setattr(zipfile, "ZipFile", None)  # which would make an object of each
    with pytest.raises(Unreadable, match=r"^has more than 10,000 entries$"):
        zip_within(entries)


@pytest.mark.parametrize(
    "values", [b"[]," * 700_000, b'"",' * 700_000, b"0," * 1_000_001, b'"\\\\",[],' * 300_000]
)
def test_a_notebook_of_many_values_is_refused_before_they_are_made(values, monkeypatch):
    monkeypatch.setattr(json, "loads", None)
    content = b'{"nbformat": 4, "cells": [], "metadata": {"x": [' + values + b"0]}}"
    assert len(content) < LARGEST
    assert cells_of(content)[1] == ["anna.ipynb has more than 1,000,000 values, so many that it is not read"]


@pytest.mark.slow
def test_text_is_not_taken_for_values():
    text = '[1, 2, "{,}", \\\\' * 400_000
    content = notebook(cell(text, "answer-jaggedness"))
    assert len(content) < LARGEST
    ((only,),) = cells_of(content)[0].values()
    assert only.source == text


# Pages, which are listed and no more

SCRIPT = "<script>alert(1)</script>.html".replace("/", "\u2215")


def test_html_files_are_listed_wherever_they_lie(tmp_path):
    inner = zipped(tmp_path / "inner.zip", {"a/own.HTM": b"1", "2-attention.ipynb": answered()}).read_bytes()
    files = {"anna/lab/page.html": b"2", f"anna/{SCRIPT}": b"", "anna/lab.zip": inner, "anna/notes.txt": b""}
    files |= {"anna/.cache/page.html": b"", "bob/page.html": b"3", "carl/lab.ipynb": answered()}
    for found in (
        submissions_in(zipped(tmp_path / "all.zip", files)),
        submissions_in(unpacked(tmp_path / "all", files)),
    ):
        anna, bob, carl = map(found.read, found.students)
        assert anna.pages == (f"anna/{SCRIPT}", "anna/lab.zip/a/own.HTM", "anna/lab/page.html")
        assert [file.name for file in anna.files] == ["anna/lab.zip/2-attention.ipynb"]
        assert (bob.pages, bob.files, bob.notes) == (
            ("bob/page.html",),
            (),
            ("holds no notebook: page.html",),
        )
        assert (carl.pages, anna.notes, carl.notes) == ((), (), ())
    alone = read_folder(tmp_path / "all" / "bob", "bob")
    assert (alone.pages, cells_by_lesson(alone, ASKED)) == (("page.html",), ({}, ["holds no notebook"]))


def test_a_page_beside_a_students_notebook_is_the_students(tmp_path):
    for name in ("anna.ipynb", "anna.html", "bob-1-encoder-decoder.ipynb", "bob.htm", "course.html"):
        (tmp_path / name).write_bytes(answered() if name.endswith("ipynb") else b"<p>")
    found = submissions_in(tmp_path)
    assert [found.read(student).pages for student in found.students] == [("anna.html",), ("bob.htm",)]
    assert found.doubts == ["course.html is nobody's and left out"]


def test_text_typed_into_a_platform_is_no_page(tmp_path):
    moodle = "anna_1_assignsubmission_{}"
    canvas = {"bergada_125_text.html": b"", "bergada_125_9000_text.html": b"", "clarkbo_124_9001_a.html": b""}
    files = {moodle.format("onlinetext/onlinetext.html"): b"", moodle.format("file/page.html"): b""}
    found = submissions_in(zipped(tmp_path / "moodle.zip", files))
    assert found.read("anna_1").pages == (moodle.format("file/page.html"),)
    canvas = submissions_in(zipped(tmp_path / "canvas.zip", canvas))
    assert canvas.read("bergada_125").pages == ("bergada_125_9000_text.html",)
    assert canvas.read("clarkbo_124").pages == ("clarkbo_124_9001_a.html",)
    own = unpacked(tmp_path / "own", {"anna/text.html": b"", "bob/2-attention.ipynb": answered()})
    assert submissions_in(own).read("anna").pages == ("anna/text.html",)


def test_a_page_that_no_browser_should_open_is_not_listed_but_said_to_be_there(tmp_path):
    folder = tmp_path / "submissions"
    large = zipped(tmp_path / "z.zip", {"bomb.html": bytes(50_000_000)}, link="link.html").read_bytes()
    assert len(large) < 100_000
    unpacked(folder, {"anna/a.html": bytes(LARGEST_PAGE + 1), "anna/b.html": bytes(LARGEST_PAGE)})
    unpacked(folder, {"anna/z.zip": large, "anna/broken.zip": b"PK"})
    (folder / "anna" / "passwd.html").symlink_to("/etc/passwd")
    os.mkfifo(folder / "anna" / "fifo.html")
    anna = submissions_in(folder).read("anna")
    assert anna.pages == ("anna/b.html",)
    (zip_,) = anna.files
    assert (zip_.name, zip_.fault) == ("anna/broken.zip", "is no zip that can be read")
    assert sorted(anna.notes[:-1]) == [
        "anna/a.html is larger than 2 MB",
        "anna/fifo.html is a link or no regular file",
        "anna/passwd.html is a link or no regular file",
        "anna/z.zip/bomb.html is larger than 2 MB",
    ]


def test_many_pages_of_a_student_are_bounded(tmp_path):
    files = {f"anna/{i:02}.html": b"" for i in range(MOST_PAGES + 3)} | {"anna/z.ipynb": answered()}
    anna = submissions_in(zipped(tmp_path / "all.zip", files)).read("anna")
    assert anna.pages == tuple(f"anna/{i:02}.html" for i in range(MOST_PAGES))
    assert anna.notes == (f"3 more HTML files are left out: of a student {MOST_PAGES} are listed",)
    assert len(anna.files) == 1


def test_a_pages_name_that_leads_elsewhere_or_is_no_unicode(tmp_path):
    files = {"anna/../../up.html": b"", "anna/./here.html": b"", "/anna/root.html": b"", "anna/a.ipynb": b""}
    anna = submissions_in(zipped(tmp_path / "z.zip", files)).read("anna")
    assert anna.pages == ("anna/here.html", "anna/root.html", "anna/up.html")
    (tmp_path / "all" / "bob").mkdir(parents=True)
    (tmp_path / "all" / "bob" / os.fsdecode(b"\xff.html")).write_bytes(b"")
    assert submissions_in(tmp_path / "all").read("bob").pages == ("bob/?.html",)


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


@pytest.mark.parametrize("what", ["a file", "a damaged zip", "an empty folder", "nothing"])
def test_what_holds_no_submission_is_wrong(tmp_path, what):
    path = tmp_path / "submissions"
    if what == "a file":
        path.write_text("none")
    if what == "a damaged zip":
        content = zipped(path, {"anna.ipynb": answered()}).read_bytes()
        path.write_bytes(content.replace(b"PK\x01\x02", b"PK\x01\x03"))
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


def saved_as(version):
    """The right answers as an older Jupyter writes them: headings of their own kind, all text in lines."""
    old = nbformat.convert(nbformat.reads(answered(written={"performance": "so"}).decode(), as_version=4), 3)
    names = ["", *(f"answer-{name}" for name in RIGHT), "written-performance"]
    for each, name in zip(old.worksheets[0].cells, names, strict=True):
        each.metadata = {"nbgrader": {"grade_id": name}} if name else {}
    old.worksheets[0].cells.insert(0, nbformat.v3.new_heading_cell("Lesson", level=1))
    old = json.loads(nbformat.v3.writes_json(old))
    if version == 2:
        old["worksheets"] = [{"cells": [each]} for each in old["worksheets"][0]["cells"]]
    if version == 1:
        (sheet,) = old.pop("worksheets")
        for each in sheet["cells"]:
            text = "code" if each["cell_type"] == "code" else "text"
            each[text] = "".join(each.pop("input" if text == "code" else "source"))
        old["cells"] = sheet["cells"]
    return {**old, "nbformat": version}


@pytest.mark.parametrize("version", [1, 2, 3])
def test_files_of_older_formats_are_read(version):
    old = saved_as(version)
    cells, notes = cells_of(json.dumps(old).encode())
    assert (notes, [*cells]) == ([], ["1-encoder-decoder"])
    (cells,) = cells.values()
    assert [c.source for c in cells if c.name.startswith("answer-")] == [*RIGHT.values()]
    assert [c.source for c in cells if c.name == "written-performance"] == ["so"]
    assert {c.kind for c in cells if not c.name.startswith("answer-")} == {"markdown", "code"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_other_encodings_of_json_are_read(encoding):
    content = notebook(cell("x = 'ü'", "answer-jaggedness")).decode().encode(encoding)
    ((only,),) = cells_of(content)[0].values()
    assert only.source == "x = 'ü'"


def test_cells_without_ids_are_known_by_what_nbgrader_wrote():
    made = cell("x", nbgrader={"grade_id": "answer-jaggedness"})
    del made["id"]
    content = {"nbformat": 4, "nbformat_minor": 2, "metadata": {}, "cells": [made, {**made, "metadata": {}}]}
    ((first, second),) = cells_of(json.dumps(content).encode())[0].values()
    assert (first.name, second.name) == ("answer-jaggedness", "")


@pytest.mark.parametrize("ending", [".ipynb", ".IPYNB", ".ipynb.txt", ".ipynb.json"])
def test_what_browsers_make_of_the_ending(tmp_path, ending):
    (tmp_path / f"anna-2-attention{ending}").write_bytes(answered())
    (tmp_path / "bob").mkdir()
    (tmp_path / "bob" / f"2-attention{ending}").write_bytes(answered())
    found = submissions_in(tmp_path)
    assert found.students == ["anna", "bob"]
    assert found.read("bob").files[0].stem == "2-attention"


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


def test_half_a_surrogate_is_replaced():
    content = answered({"jaggedness": "x = 'HERE'"}).replace(b"HERE", b"\xed\xa0\x80")
    assert read_cells(File("anna.ipynb", content))[1].source == "x = '?'"


def test_a_digest_knows_every_change():
    one = Submission("anna", (File("a.ipynb", b"1"),))
    others = [
        Submission("bob", one.files),
        Submission("anna", ()),
        Submission("anna", (File("b.ipynb", b"1"),)),
        Submission("anna", (File("a.ipynb", b"2"),)),
        Submission("anna", (File("a.ipynb", None, "is a link or no regular file"),)),
        Submission("anna", one.files, pages=("a.html",)),
        Submission("anna", one.files, pages=("b.html",)),
        Submission("anna", one.files, ("a.html",)),
    ]
    assert len({h.digest() for h in (one, *others)}) == 9
    assert one.digest() == Submission("anna", (File("a.ipynb", b"1"),)).digest()


@pytest.mark.parametrize(
    ("files", "digests"),
    [
        (
            {"anna.ipynb": b"1", "anna-2-attention.ipynb": b"2", "notes.txt": b""},
            {"anna": "7342c688946ff528"},
        ),
        (
            {
                "anna/lab/1-encoder-decoder.ipynb": b"1",
                "anna/lab/timestamp.txt": b"",
                "bob/lab/a.pdf": b"",
                "bob/x.ipynb": b"3",
            },
            {"anna": "4c7f7c6745c46b01", "bob": "0c8ad661b1eab089"},
        ),
        (
            {"anna/timestamp.txt": b"2026", "bob.ipynb": b""},
            {"anna": "3e78ae7f7d128b05", "bob": "4c0b8db7b7106b83"},
        ),
        (
            {"A B_12_assignsubmission_file_/1-encoder-decoder.ipynb": b"1", "bob.ipynb": b"2"},
            {"A B_12": "f19885a1e30198be"},
        ),
        ({"A B_12_assignsubmission_file_1-encoder-decoder.ipynb": b"1"}, {"A B_12": "2214c83864bb4c4d"}),
    ],
)
def test_folders_of_marks_go_on(tmp_path, files, digests):
    """Digests as they have been since there are any: another one would mark a class anew."""
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    found = submissions_in(tmp_path)
    assert {student: found.read(student).digest()[:16] for student in digests} == digests


def test_no_two_students_fall_together(tmp_path):
    for name in (b"anna\xff", b"anna\xfe", b"carl\xff"):
        (tmp_path / os.fsdecode(name + b".ipynb")).write_bytes(answered())
    found = submissions_in(tmp_path)
    assert found.students == ["anna\\udcfe", "anna\\udcff", "carl?"]
    assert all(len(found.read(student).files) == 1 for student in found.students)


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
        "4-failures is missing",
        "5-transformer is missing",
    ]


def test_exercises_stand_under_their_headings():
    lesson = read_assignment(SOURCE)[2]
    assert lesson.titles[::2] == (
        "Exercise 1: what given answers are worth",
        "Exercise 3: one step of a beam",
        "Exercise 5: the nucleus",
    )
    assert {task.title for task in lesson.tasks} | {q.title for q in lesson.questions} == set(lesson.titles)
    (scores,) = (q for q in lesson.questions if q.name == "scores")
    assert scores.title == "Exercise 4: length and score"
    assert scores.text.startswith("Find two hypotheses")
