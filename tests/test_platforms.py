"""What learning platforms export, as a folder and as a zip: whose it is, what counts, what is said of it."""

import zipfile

import pytest
from submissions import answered, cell, notebook
from test_submissions import ASKED, submissions_in, zipped

from seq2seq_lab.grading import command
from seq2seq_lab.grading.platforms import Origin
from seq2seq_lab.grading.submissions import cells_by_lesson

ONE, TWO, THREE, *_ = (lesson.name for lesson in ASKED)
EMPTY = notebook(cell("1", "answer-jaggedness"))  # of lesson 1, as all copies of these tests
LESSONS = {lesson.name: notebook(cell("1", f"answer-{lesson.tasks[0].name}")) for lesson in ASKED}
METADATA = """
submission_4711:
  :submitters:
  - :name: Jane Doe
    :sid: 00123
    :email: jane@example.org
  :created_at: 2026-11-20 10:11:12.000000000 +01:00
  :score: 3.0
  :history:
  - :id: 4700
    :created_at: !ruby/object:ActiveSupport::TimeWithZone
      utc: 2026-11-19 10:11:12 Z
submission_4712:
  :submitters:
  - :name: Kim Lee
    :sid: '7'
    :email: kim.1@example.org
submission_4713:
  :submitters:
  - :name: Kim Lee
    :email: kim.2@example.org
submission_4714:
  :submitters:
  - :name: Ada Berg
    :email: ada@example.org
  - :name: Bo Clark
    :email: bo@example.org
"""
ABOUT = """Name: {} ({})
Assignment: Lab
Date Submitted: Friday, November 20, 2026 10:11:12 AM CET
Current Grade: Needs Grading

Files:
\tOriginal filename: 1-encoder-decoder.ipynb
"""


@pytest.fixture(params=["folder", "zip"])
def laid_out(request, tmp_path):
    """A function that writes files, and reads the folder or the zip of these."""

    def submissions(files):
        files = {
            name: content.encode() if isinstance(content, str) else content for name, content in files.items()
        }
        if request.param == "zip":
            return submissions_in(zipped(tmp_path / "all.zip", files))
        for name, content in files.items():
            (tmp_path / "all" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "all" / name).write_bytes(content)
        return submissions_in(tmp_path / "all")

    return submissions


def lessons_of(found, student):
    """Which lessons were found, and what is odd."""
    cells, notes = cells_by_lesson(found.read(student), ASKED)
    return [*cells], notes


# Platforms


def test_moodle_folders(laid_out):
    name = "{}_assignsubmission_{}_/{}"
    files = {name.format("Jane Doe_123", "file", f"{lesson}.ipynb"): b for lesson, b in LESSONS.items()}
    files[name.format("Jane Doe_123", "onlinetext", "onlinetext.html")] = "I could not do the last."
    files[name.format("Bo Clark_124", "file", "report.pdf")] = "%PDF"
    files[name.format("Ada_Maria Berg_125", "onlinetext", "onlinetext.html")] = "By mail."
    found = laid_out(files)
    assert found.students == ["Ada_Maria Berg_125", "Bo Clark_124", "Jane Doe_123"]
    assert lessons_of(found, "Jane Doe_123") == ([*LESSONS], [])
    assert lessons_of(found, "Bo Clark_124") == ([], ["holds no notebook: report.pdf"])
    assert lessons_of(found, "Ada_Maria Berg_125") == ([], ["holds no notebook: onlinetext.html"])
    assert found.origin("Jane Doe_123") == Origin("Moodle", "123", "Jane Doe")
    assert (found.read_as, found.doubts) == ("an export of Moodle: 3 students", [])


def test_moodle_files(laid_out):
    name = "{}_assignsubmission_file_{}"
    files = {name.format("Jane Doe_123", f"{lesson}.ipynb"): b for lesson, b in LESSONS.items()}
    files[name.format("Participant_124", "my work.ipynb")] = EMPTY
    files[name.format("Bo Clark_125", "report.pdf")] = "%PDF"
    files["Ada Berg_126_assignsubmission_onlinetext_onlinetext.html"] = "By mail."
    found = laid_out(files)
    assert found.students == ["Ada Berg_126", "Bo Clark_125", "Jane Doe_123", "Participant_124"]
    assert lessons_of(found, "Jane Doe_123") == ([*LESSONS], [])
    assert lessons_of(found, "Participant_124") == ([ONE], [])
    assert lessons_of(found, "Bo Clark_125") == ([], ["holds no notebook: report.pdf"])
    assert found.origin("Participant_124").id == "124"


def test_canvas(laid_out):
    files = {
        "doejane_LATE_123_9001_1-encoder-decoder.ipynb": EMPTY,
        "doejane_LATE_123_9055_1-encoder-decoder-2.ipynb": answered(),
        "doejane_LATE_123_9002_2-attention.ipynb": LESSONS[TWO],
        "clarkbo_124_9003_report.pdf": "%PDF",
        "bergada_125_text.html": "<p>By mail.</p>",
        "projectgroup7_126_10001_3-decoding.ipynb": LESSONS[THREE],
        "projectgroup7_126_9999_3-decoding-1.ipynb": LESSONS[THREE],
        "müllerüwe_127_9004_lab.ipynb": EMPTY,
        "leekim2_128_9005_late_1_2_3.ipynb": EMPTY,
    }
    found = laid_out(files)
    assert found.students == [
        "bergada_125",
        "clarkbo_124",
        "doejane_123",
        "leekim2_128",
        "müllerüwe_127",
        "projectgroup7_126",
    ]
    lessons, notes = lessons_of(found, "doejane_123")
    assert lessons == [ONE, TWO]
    assert notes == [
        "Canvas says that it came late",
        "doejane_LATE_123_9001_1-encoder-decoder.ipynb is left out: "
        "doejane_LATE_123_9055_1-encoder-decoder-2.ipynb is the same lesson and came later",
    ]
    cells, _ = cells_by_lesson(found.read("doejane_123"), ASKED)
    assert len(cells[ONE]) > 1
    assert lessons_of(found, "clarkbo_124") == ([], ["holds no notebook: report.pdf"])
    assert lessons_of(found, "bergada_125") == ([], ["holds no notebook: text.html"])
    ((left_out,),) = [lessons_of(found, "projectgroup7_126")[1]]
    assert left_out.startswith("projectgroup7_126_9999_3-decoding-1.ipynb is left out")
    assert lessons_of(found, "leekim2_128") == ([ONE], [])
    assert found.origin("doejane_123") == Origin("Canvas", "123", "doejane")
    assert found.read_as == "an export of Canvas: 6 students"
    assert found.read("doejane_123").files[0].stem == ONE


@pytest.mark.parametrize(("named", "copy"), [(9001, 9002), (9004, 9003)])
def test_a_copy_beside_the_lesson_itself_is_no_later_attempt(laid_out, named, copy):
    named, copy = f"doejane_123_{named}_{ONE}-1.ipynb", f"doejane_123_{copy}_my copy.ipynb"
    cells, notes = cells_by_lesson(laid_out({named: answered(), copy: EMPTY}).read("doejane_123"), ASKED)
    assert len(cells[ONE]) > 1
    assert notes == [f"{copy} is left out: {named} is the same lesson"]


def test_canvas_without_names(laid_out):
    found = laid_out({"anon_5fGq2_9001_lab.ipynb": EMPTY, "LATE_anon_7hK_9002_lab.ipynb": EMPTY})
    assert found.students == ["anon_5fGq2", "anon_7hK"]
    assert lessons_of(found, "anon_7hK") == ([ONE], ["Canvas says that it came late"])


def test_gradescope(laid_out):
    export = "assignment_1_export/"
    files = {
        f"{export}submission_metadata.yml": METADATA,
        f"{export}submission_4711/1-encoder-decoder.ipynb": EMPTY,
        f"{export}submission_4711/work/2-attention.ipynb": LESSONS[TWO],
        f"{export}submission_4712/lab.ipynb": EMPTY,
        f"{export}submission_4714/lab.ipynb": EMPTY,
        f"{export}submission_4715/lab.ipynb": EMPTY,
    }
    found = laid_out(files)
    assert found.students == [
        "Ada Berg, Bo Clark",
        "Jane Doe",
        "Kim Lee (kim.1@example.org)",
        "Kim Lee (kim.2@example.org)",
        "submission_4715",
    ]
    assert lessons_of(found, "Jane Doe") == ([ONE, TWO], [])
    assert lessons_of(found, "Kim Lee (kim.2@example.org)") == ([], ["nothing was submitted"])
    assert found.origin("Jane Doe") == Origin("Gradescope", "4711", "Jane Doe", "jane@example.org", "00123")
    assert found.origin("submission_4715") == Origin("Gradescope", "4715")
    assert found.origin("Ada Berg, Bo Clark").email == "ada@example.org, bo@example.org"
    assert found.read_as == "an export of Gradescope: 5 students, in assignment_1_export/"
    assert found.doubts == []


@pytest.mark.parametrize(
    "metadata", [None, "[", "- a list", "submission_1: nothing", "submission_1:\n  a: b"]
)
def test_gradescope_without_names(laid_out, metadata):
    files = {"x/submission_1/lab.ipynb": EMPTY, "x/submission_2/lab.ipynb": EMPTY}
    found = laid_out(files | ({"x/submission_metadata.yml": metadata} if metadata else {}))
    assert found.students == ["submission_1", "submission_2"]
    words = "submission_metadata.yml is not what Gradescope writes: students are named after their folders"
    assert found.doubts == ([words] if metadata else [])


def test_blackboard(laid_out):
    first, second = "2026-11-20-10-11-12", "2026-11-21-09-00-00"
    files = {
        f"Lab_jdoe_attempt_{first}.txt": ABOUT.format("Jane Doe", "jdoe"),
        f"Lab_jdoe_attempt_{first}_1-encoder-decoder.ipynb": EMPTY,
        f"Lab_jdoe_attempt_{first}_2-attention.ipynb": LESSONS[TWO],
        f"Lab_jdoe_attempt_{second}.txt": ABOUT.format("Jane Doe", "jdoe"),
        f"Lab_jdoe_attempt_{second}_1-encoder-decoder.ipynb": answered(),
        f"Lab_k_lee_attempt_{first}.txt": ABOUT.format("Kim Lee", "k_lee"),
        f"Lab_k_lee_attempt_{first}_my lab.ipynb": EMPTY,
        f"Lab_b.clark_attempt_{first}_report.pdf": "%PDF",
        f"Lab_aberg_attempt_{first}.txt": ABOUT.format("Ada Berg", "aberg"),
        f"Lab_aberg_attempt_{second}.txt": ABOUT.format("Ada Berg", "aberg"),
    }
    found = laid_out(files)
    assert found.students == ["aberg", "b.clark", "jdoe", "k_lee"]
    assert lessons_of(found, "jdoe") == ([ONE], ["1 earlier attempt is left out"])
    assert found.read("jdoe").files[0].content == answered()
    assert lessons_of(found, "k_lee") == ([ONE], [])
    assert lessons_of(found, "b.clark") == ([], ["holds no notebook: report.pdf"])
    assert lessons_of(found, "aberg") == ([], ["1 earlier attempt is left out", "nothing was submitted"])
    assert found.origin("k_lee") == Origin("Blackboard", "k_lee", "Kim Lee")
    assert (found.read_as, found.doubts) == ("an export of Blackboard: 4 students", [])


def test_blackboard_in_another_language(laid_out):
    found = laid_out({f"Lab 1_jdoe_poging_2026-11-20-10-11-1{i}_lab.ipynb": EMPTY for i in range(3)})
    assert found.students == ["jdoe"]
    assert lessons_of(found, "jdoe") == ([ONE], ["2 earlier attempts are left out"])


@pytest.mark.parametrize("above", ["", "Uebung_1/Abgaben/"])
def test_ilias(laid_out, above):
    files = {
        f"{above}Doe_Jane_jdoe_4711/1-encoder-decoder.ipynb": EMPTY,
        f"{above}Doe_Jane_jdoe_4711/1-encoder-decoder (2).ipynb": answered(),
        f"{above}von Berg_Ada_ada.berg_4712/Verspaetete Abgabe - 2-attention.ipynb": LESSONS[TWO],
        f"{above}Clark_Bo_bclark_4713/report.pdf": "%PDF",
    }
    found = laid_out(files)
    assert found.students == ["Clark_Bo_bclark_4713", "Doe_Jane_jdoe_4711", "von Berg_Ada_ada.berg_4712"]
    lessons, notes = lessons_of(found, "Doe_Jane_jdoe_4711")
    assert (lessons, notes) == (
        [ONE],
        [
            f"{above}Doe_Jane_jdoe_4711/1-encoder-decoder.ipynb is left out: "
            f"{above}Doe_Jane_jdoe_4711/1-encoder-decoder (2).ipynb is the same lesson and came later"
        ],
    )
    assert lessons_of(found, "von Berg_Ada_ada.berg_4712") == ([TWO], ["ILIAS says that it came late"])
    assert found.origin("Doe_Jane_jdoe_4711") == Origin("ILIAS", "4711", "Doe_Jane")
    assert found.read_as.startswith("an export of ILIAS: 3 students")


# No platform


@pytest.mark.parametrize(
    ("names", "students"),
    [
        (["anna_late_1.ipynb", "bo_LATE_12_lab.ipynb"], ["anna_late_1", "bo_LATE_12_lab"]),
        (["2026_11_20_anna.ipynb", "2026_11_21_bo.ipynb"], ["2026_11_20_anna", "2026_11_21_bo"]),
        (["anna_12.ipynb", "bo_1_2_lab.ipynb", "carl.ipynb"], ["anna_12", "bo_1_2_lab", "carl"]),
        (["submission_1/lab.ipynb", "bo/lab.ipynb", "carl/lab.ipynb"], ["bo", "carl", "submission_1"]),
        (["my_first_attempt_2.ipynb", "bo.ipynb"], ["bo", "my_first_attempt_2"]),
    ],
)
def test_a_platform_is_known_by_all_names_together(laid_out, names, students):
    found = laid_out(dict.fromkeys(names, EMPTY))
    assert (found.students, found.read_as) == (students, f"{len(students)} students")
    assert found.origin(students[0]) == Origin()


def test_what_came_by_mail_beside_an_export_is_said(laid_out):
    files = {f"student{i}_{i}_9{i}_lab.ipynb": EMPTY for i in range(9)} | {"carl.ipynb": EMPTY}
    found = laid_out(files | {"gradebook.csv": "no student's"})
    assert len(found.students) == 10
    assert lessons_of(found, "carl") == ([ONE], [])
    assert found.doubts == [
        "carl.ipynb is not named as Canvas does: each is taken for a student",
        "gradebook.csv is nobody's and left out",
    ]


@pytest.mark.parametrize(
    ("names", "students"),
    [
        (["submitted/anna/lab/{0}", "submitted/bo/lab/{0}"], "anna, bo"),
        (["submitted/anna/lab/{0}"], "anna"),
        (["submitted/anna.ipynb", "submitted/bo.ipynb"], "anna, bo"),
        (["submitted/anna/x.ipynb", "submitted/bo/{0}"], "anna, bo"),
        (["submitted/{0}", "submitted/{1}"], "submitted"),
        (["a/b/anna/{0}", "a/b/anna/{1}", "a/b/bo/{0}"], "anna, bo"),
        (
            [f"class/{name}.ipynb" for name in ("anna", "bo", "carl", "dora", "eve", "fay")],
            "anna, bo, carl, dora, eve, fay",
        ),
        (["class/anna_{0}", "class/bo_{0}", "class/bo_{1}"], "anna, bo"),
        (
            [f"class/{name}.zip" for name in ("anna", "bo", "carl", "dora", "eve", "fay")],
            "anna, bo, carl, dora, eve, fay",
        ),
        ([f"class/{name}/x.ipynb" for name in ("anna", "bo", "c", "d", "e", "f")], "anna, bo, c, d, e, f"),
        (["export/Jane Doe_1_assignsubmission_file_/{0}"], "Jane Doe_1"),
        (["export/doejane_1_2_{0}", "export/clarkbo_3_4_{0}"], "clarkbo_3, doejane_1"),
        # one student, and no class
        (["anna/{0}", "anna/{1}", "anna/{2}", "anna/{3}"], "anna"),
        (["anna/lab/{0}", "anna/lab/{1}", "anna/lab/{2}"], "anna"),
        (["anna/{0}", "anna/old/{0}", "anna/older/{0}"], "anna"),
        (["anna/one/{0}", "anna/two/{1}", "anna/three/{2}"], "anna"),
        (["anna/1-encoder-decoder/a.ipynb", "anna/2-attention/b.ipynb", "anna/3-decoding/c.ipynb"], "anna"),
        (["anna/first.ipynb", "anna/second.ipynb", "anna/third.ipynb"], "anna"),
        (["anna/my {0}", "anna/my {1}", "anna/my {2}"], "anna"),
        (["anna/1-encoder-decoder/{0}", "anna/2-attention/{0}"], "anna"),
        (["anna 1-encoder-decoder/a.ipynb", "anna 1-encoder-decoder/b.ipynb"], "anna 1-encoder-decoder"),
        # several are students
        (["carl.ipynb", "bo/a.ipynb", "bo/b.ipynb", "bo/c.ipynb", "bo/d.ipynb"], "bo, carl"),
        (["anna/{0}", "bo/{0}"], "anna, bo"),
        (["submitted/{0}", "bo/{0}"], "bo, submitted"),
    ],
)
def test_students_may_lie_in_a_folder_of_their_own(laid_out, names, students):
    lessons = [f"{lesson}.ipynb" for lesson in LESSONS]
    found = laid_out({name.format(*lessons): EMPTY for name in names})
    assert found.students == students.split(", ")
    assert all(found.read(student).files or ".zip" in names[0] for student in found.students)


def test_folders_in_folders_without_end(tmp_path):
    found = submissions_in(zipped(tmp_path / "all.zip", {"anna/" * 2_000 + f"{ONE}.ipynb": EMPTY}))
    assert found.students == ["anna"]


@pytest.mark.parametrize(
    ("files", "doubt"),
    [
        (
            [f"anna/{ONE}.ipynb"] + [f"anna/more/{i}.ipynb" for i in range(83)],
            "1 student with 84 notebooks: is that a class?",
        ),
        (
            [f"group1/{i}/{ONE}.ipynb" for i in range(20)] + [f"group2/{i}/{ONE}.ipynb" for i in range(4)],
            "the student 'group1' with 20 notebooks: is that a class?",
        ),
        (["export.zip"], "1 student, whose work is a zip: is that a class?"),
        (["anna.ipynb", "bo.zip"], "bo.zip is taken for the work of a student"),
        (["anna.ipynb", f"{ONE}.ipynb"], f"{ONE} is taken for a student, though named as a lesson"),
        (
            ["anna.ipynb", "a.pdf", "b.pdf", "c.rar", "d.7z"],
            "a.pdf, b.pdf, c.rar and 1 more are nobody's and left out",
        ),
        (["anna.ipynb", "Anna.ipynb"], "Anna, anna are taken for 2 students"),
        (["anna/a.ipynb", "bo/b.ipynb", "bo/b.pdf", "bo/timestamp.txt", ".git/x"], None),
    ],
)
def test_what_may_be_something_else_is_said(laid_out, files, doubt):
    assert laid_out(dict.fromkeys(files, EMPTY)).doubts == ([doubt] if doubt else [])


def test_what_was_found_is_said_before_marking(tmp_path, capsys, monkeypatch):
    def nothing(*_):
        print("MARKING", file=command.sys.stderr)
        return []

    monkeypatch.setattr(command, "mark_all", nothing)
    monkeypatch.setattr(command.report, "write", lambda *_: 0)
    files = {f"anna/{ONE}.ipynb": EMPTY} | {f"anna/more/{i}.ipynb": EMPTY for i in range(83)}
    path = zipped(tmp_path / "all.zip", files)
    command.grade(path, tmp_path / "marks", sandboxed=False)
    assert capsys.readouterr().err.splitlines() == [
        f"{path}: found 1 student",
        f"{path}: 1 student with 84 notebooks: is that a class?",
        "MARKING",
    ]


# Zips of students


def a_zip(tmp_path, files, **more):
    return zipped(tmp_path / "students.zip", files, **more).read_bytes()


def test_a_students_zip_is_read(laid_out, tmp_path):
    content = a_zip(
        tmp_path, {f"lab/{lesson}.ipynb": b for lesson, b in LESSONS.items()} | {"data.csv": b"1"}
    )
    found = laid_out({"anna/lab.zip": content, "bo/work/Lab.ZIP": content, "carl.zip": content})
    assert found.students == ["anna", "bo", "carl"]
    for student in found.students:
        assert lessons_of(found, student) == ([*LESSONS], [])
    assert [f.name for f in found.read("anna").files] == [
        f"anna/lab.zip/lab/{lesson}.ipynb" for lesson in LESSONS
    ]


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("doejane_LATE_123_9001_lab.zip", "doejane_123"),
        ("Jane Doe_12_assignsubmission_file_lab.zip", "Jane Doe_12"),
        ("Jane Doe_12_assignsubmission_file_/lab.zip", "Jane Doe_12"),
        ("Lab_jdoe_attempt_2026-11-20-10-11-12_lab.zip", "jdoe"),
        ("x/submission_1/lab.zip", "submission_1"),
    ],
)
def test_a_platforms_zip_of_zips(laid_out, tmp_path, name, student):
    found = laid_out({name: a_zip(tmp_path, {f"{lesson}.ipynb": b for lesson, b in LESSONS.items()})})
    assert found.students == [student]
    assert lessons_of(found, student)[0] == [*LESSONS]


def test_what_a_students_zip_holds_besides(laid_out, tmp_path):
    inner = a_zip(tmp_path, {"deep.ipynb": EMPTY})
    files = {
        "../../etc/x.ipynb": EMPTY,
        "/y.ipynb": LESSONS[TWO],
        "__MACOSX/._y.ipynb": b"",
        ".ipynb_checkpoints/y.ipynb": EMPTY,
        "z/in.zip": inner,
    }
    found = laid_out({"anna/lab.zip": a_zip(tmp_path, files, link="link.ipynb")})
    files = found.read("anna").files
    assert [(f.name, f.fault) for f in files] == [
        ("anna/lab.zip/etc/x.ipynb", ""),
        ("anna/lab.zip/link.ipynb", "is a link or no regular file"),
        ("anna/lab.zip/y.ipynb", ""),
        ("anna/lab.zip/z/in.zip", "is a zip in a zip: it is not read"),
    ]


def encrypted(content):
    """The same zip, whose entries say that they are encrypted."""
    content = bytearray(content)
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(header) + flags] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("fault", "make"),
    [
        ("lab.zip is no zip that can be read", lambda content: b"PK\x03\x04 no zip"),
        ("lab.zip is no zip that can be read", lambda content: content[:-30]),
        ("lab.zip/a.ipynb is encrypted", encrypted),
        ("lab.zip/a.ipynb is larger than 20 MB", None),
    ],
    ids=["no zip", "cut", "encrypted", "large"],
)
def test_a_students_zip_that_cannot_be_read(laid_out, tmp_path, fault, make):
    content = a_zip(tmp_path, {"a.ipynb": EMPTY if make else bytes(100_000_000)})
    found = laid_out({"anna/lab.zip": make(content) if make else content, "anna/b.ipynb": EMPTY})
    assert lessons_of(found, "anna") == ([ONE], [f"anna/{fault}"])


def test_a_students_zip_that_is_packed_otherwise(laid_out, tmp_path):
    with zipfile.ZipFile(tmp_path / "lzma.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.ipynb", EMPTY)
    found = laid_out({"anna/lab.zip": (tmp_path / "lzma.zip").read_bytes()})
    assert lessons_of(found, "anna")[1] == ["anna/lab.zip is packed in another way than zips are as a rule"]
