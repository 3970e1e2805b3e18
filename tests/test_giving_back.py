"""Marks on their way back: worksheets of Moodle and Canvas, a zip of feedback, Gradescope's results."""

import csv
import io
import json
import zipfile

import pytest
from submissions import NEEDS_BUBBLEWRAP, POINTS, RIGHT, answered, cell, notebook

from seq2seq_lab.cli.main import main
from seq2seq_lab.grading import feedback_zip, isolation
from seq2seq_lab.grading.isolation import Limits, SandboxError
from seq2seq_lab.grading.marks_folder import MarksFolder, key
from seq2seq_lab.grading.platforms import Origin
from seq2seq_lab.grading.submissions import Submissions
from seq2seq_lab.grading.worksheets import Worksheet

MOODLE = """\
Identifier,"Full name","Email address",Status,Grade,"Maximum grade","Grade can be changed",\
"Last modified (submission)","Last modified (grade)","Feedback comments"\r
"Participant 11","Anna Alt",anna@uni.example,"Submitted for grading - ",,90.00,Yes,"Monday, 2 March",-,\r
"Participant 12","Bob ""B"" Bär",bob@uni.example,"No submission - ",17.00,90.00,Yes,-,-,"so
so"\r
"Participant 13","O'Hara, Cleo",cleo@uni.example,"Submitted",-,90.00,Yes,-,-,\r
"""
GERMAN = """\
ID;Vollständiger Name;E-Mail-Adresse;Status;Bewertung;Bestwertung;Bewertung kann geändert werden;Feedback
Teilnehmer/in11;Anna Alt;anna@uni.example;Zur Bewertung abgegeben;;90,00;Ja;
Teilnehmer/in12;Bob Bär;bob@uni.example;Keine Abgabe;;90,00;Ja;
"""
CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,Lab 0 (70),Lab 1 (71),Final Score\r
,,,,,Manual Posting,,\r
"    Points Possible",,,,,10,90,(read only)\r
"Alt, Anna",123,u11,aalt,Seminar,9,,88.1\r
"Bär, Bob",124,u12,bbaer,Seminar,,,\r
"Student, Test",999,,0f3a,Seminar,,,\r
"""


def origin_of(student):
    """Who somebody is: `Anna Alt_11` in Moodle, `altanna_123_9001` in Canvas."""
    name, *numbers = student.split("_")
    return Origin({1: "Moodle", 2: "Canvas"}.get(len(numbers), ""), *numbers[:1] or [""], name)


def filled(tmp_path, content, points, column=None, who=origin_of, most=90, encoding="utf-8"):
    """What a worksheet becomes, and what is said."""
    path, out = tmp_path / "sheet.csv", tmp_path / "out.csv"
    path.write_bytes(content.encode(encoding))
    said = Worksheet(path, column, most).fill(out, points, who)
    assert path.read_bytes() == content.encode(encoding)
    return out.read_bytes().decode(encoding), said


def test_moodles_worksheet_gets_points_and_nothing_else_changes(tmp_path):
    points = {"Anna Alt_11": 82.5, "Bob B Bär_12": 3.0, "O Hara Cleo_13": 0.125}
    text, said = filled(tmp_path, MOODLE, points)
    wanted = MOODLE.replace(' - ",,90.00', ' - ",82.50,90.00').replace("17.00", "3.00")
    assert text == wanted.replace('"Submitted",-,', '"Submitted",0.125,')
    assert said == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_another_language_another_separator_another_encoding(tmp_path, encoding):
    text, said = filled(tmp_path, GERMAN, {"Bob Bär_12": 82.5}, encoding=encoding)
    assert text == GERMAN.replace("Keine Abgabe;;", "Keine Abgabe;82,50;")
    assert said == []
    raw = (tmp_path / "sheet.csv").read_bytes()
    assert (tmp_path / "out.csv").read_bytes()[:4] == raw[:4]  # the mark of the encoding


def test_a_decimal_comma_among_commas_is_quoted(tmp_path):
    text, _ = filled(tmp_path, MOODLE.replace("90.00", '"90,00"'), {"Anna Alt_11": 82.5})
    assert ' - ","82,50","90,00"' in text
    assert [len(row) for row in csv.reader(io.StringIO(text, newline=""))] == [10] * 4


def test_a_class_of_one_and_of_blind_marking(tmp_path):
    content = "Identifier,Status,Grade,Maximum grade\nParticipant 7,Submitted,,90.00\n"
    text, said = filled(tmp_path, content, {"Participant 7_7": 90})
    assert (text.splitlines()[1], said) == ("Participant 7,Submitted,90.00,90.00", [])


def test_canvas_gradebook_gets_points_in_the_only_column_that_is_empty(tmp_path):
    points = {"altanna_LATE_123_9001": 82.5, "bärbob_124_9002": 7.0}
    text, said = filled(tmp_path, CANVAS.replace("Seminar,,,", "Seminar,8,,"), points)
    wanted = CANVAS.replace("Seminar,,,", "Seminar,8,,").replace("9,,88.1", "9,82.5,88.1")
    assert text == wanted.replace("bbaer,Seminar,8,,", "bbaer,Seminar,8,7,")
    assert said == []


@pytest.mark.parametrize("column", ["Lab 1", "Lab 1 (71)"])
def test_a_column_can_be_named(tmp_path, column):
    text, _ = filled(tmp_path, CANVAS, {"aalt": 1}, column)
    assert "9,1,88.1" in text


@pytest.mark.parametrize(
    ("content", "column", "most", "words"),
    [
        (CANVAS, "Lab 2", 90, "fill_column must name one of them, but .* has 'Lab 0 .70.', 'Lab 1 .71.'$"),
        (CANVAS, "Final Score", 90, "fill_column must name one of them"),
        (CANVAS.replace("9,,88.1", "9,5,88.1"), None, 90, "has 'Lab 0 .*'; --fill-column says which"),
        (CANVAS, None, 33, "out of 33, which the notebooks give, but 'Lab 1 .71.' of .* is out of 90"),
        (
            CANVAS.replace("123,", "x,").replace("124,", ",").replace("999,", ","),
            None,
            90,
            "must have students",
        ),
        (MOODLE, None, 33, "must be a worksheet out of 33, which the notebooks give, but 'Grade' of .*90.00"),
        (
            MOODLE.replace("90.00", "Scale"),
            None,
            90,
            "must have a column of grades beside one of their max.* none",
        ),
        ("student,total\nanna,3\n", None, 90, "must be Moodle's grading worksheet or Canvas' gradebook"),
        ("", None, 90, "must be a CSV file with rows"),
        ('a,b\n"c"d,e\n', None, 90, "must be a CSV file, but"),
        ("\x00\x01PK", None, 90, "fill must be"),
    ],
)
def test_what_cannot_be_filled_is_named(tmp_path, content, column, most, words):
    path = tmp_path / "sheet.csv"
    path.write_text(content)
    with pytest.raises(ValueError, match=words):
        Worksheet(path, column, most)


def test_who_is_not_filled_in_is_said_and_their_cells_stay(tmp_path):
    points = {
        "Anna Alt_11": None,
        "Bob B Bär_12": 5,
        "bob@uni.example": 6,
        "nobody": 7,
        "Somebody Else_13": 8,
    }
    text, said = filled(tmp_path, MOODLE, points)
    assert text == MOODLE
    assert said == [
        "not in out.csv: Anna Alt_11: has answers in words that wait for points",
        "not in out.csv: Bob B Bär_12: several submissions are those of one line",
        "not in out.csv: Somebody Else_13: the worksheet has another name at 13: O'Hara, Cleo",
        "not in out.csv: bob@uni.example: several submissions are those of one line",
        "not in out.csv: nobody: the worksheet has no line of theirs",
    ]
    twice = MOODLE.replace("Bob B Bär", "Anna Alt").replace('Bob ""B"" Bär', "Anna Alt")
    _, said = filled(tmp_path, twice, {"Anna Alt": 5})
    assert said == ["not in out.csv: Anna Alt: several lines could be theirs"]


@pytest.mark.parametrize(
    "student", ["Anna Alt", "anna-alt", "anna", "anna@uni.example", "Gruppe 3-Anna Alt_11"]
)
def test_moodles_students_are_known_by_number_name_address_or_login(tmp_path, student):
    text, said = filled(tmp_path, MOODLE, {student: 1})
    assert ' - ",1.00,90.00' in text, said


@pytest.mark.parametrize(
    "student", ["aalt", "u11", "Alt, Anna", "Anna Alt", "altanna_123_1", "Anna Alt_4711"]
)
def test_canvas_students_are_known_by_number_name_or_login(tmp_path, student):
    text, said = filled(tmp_path, CANVAS, {student: 1}, "Lab 1")
    assert ",9,1," in text or said == [f"not in out.csv: {student}: the worksheet has no line of theirs"]
    assert said == [] or student == "Anna Alt_4711"
    who = {student: Origin("Gradescope", "1", "Anna Alt", "a@uni.example", "u11")}.get
    assert filled(tmp_path, CANVAS, {student: 1}, "Lab 1", who)[1] == []


# The zip of feedback


def a_class(tmp_path, names):
    """A folder of submissions of these names, and a folder of marks with a page for each."""
    for name in names:
        path = tmp_path / "class" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(notebook())
    submitted = Submissions(tmp_path / "class", ())
    with MarksFolder(tmp_path / "marks", (), Limits(), True, 7, {}) as folder:
        for student in submitted.students:
            folder.write(f"feedback/{key(student)}.html", f"page of {student}")
        feedback_zip.write(folder, submitted)
    return tmp_path / "marks" / "feedback.zip"


def contents(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_moodle_gets_a_folder_for_each_as_it_gave_them_out(tmp_path):
    names = [f"{student}_assignsubmission_file_/lab.ipynb" for student in ("Anna Alt_11", "Bob Bär_12")]
    path = a_class(tmp_path, names)
    assert contents(path) == {
        "Anna Alt_11_assignsubmission_file_/feedback.html": "page of Anna Alt_11",
        "Bob Bär_12_assignsubmission_file_/feedback.html": "page of Bob Bär_12",
    }
    before = path.read_bytes()
    assert a_class(tmp_path, names).read_bytes() == before  # so a run that was killed ends the same


def test_canvas_gets_files_that_begin_as_it_named_theirs(tmp_path):
    names = [f"altanna_LATE_123_9001_{n}-x.ipynb" for n in "1"] + ["bbob_124_9003_1-x.ipynb"]
    (tmp_path / "class").mkdir()
    submitted = Submissions(_written(tmp_path / "class", names), ())
    with MarksFolder(tmp_path / "marks", (), Limits(), True, 7, {}) as folder:
        for student in submitted.students:
            folder.write(f"feedback/{key(student)}.html", "page")
        feedback_zip.write(folder, submitted)
    assert set(contents(tmp_path / "marks" / "feedback.zip")) == {
        "altanna_LATE_123_9001_feedback.html",
        "bbob_124_9003_feedback.html",
    }


def _written(folder, names):
    for name in names:
        (folder / name).write_bytes(notebook())
    return folder


def test_others_get_none(tmp_path):
    assert not a_class(tmp_path, ["anna.ipynb", "bob.ipynb"]).exists()


# The command


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Notebooks as an instructor has them, of three exercises and a question: 7 points."""
    cells = []
    for name, points in POINTS.items():
        cells += [
            cell("", f"answer-{name}"),
            cell("", f"check-{name}", nbgrader=_graded(f"check-{name}", points)),
        ]
    cells.append(cell("", "written-shapes", "markdown", nbgrader=_graded("written-shapes", 2)))
    folder = tmp_path_factory.mktemp("source")
    (folder / "lesson.ipynb").write_bytes(notebook(*cells))
    return folder


def _graded(name, points):
    return {"grade_id": name, "points": points}


@pytest.mark.slow
@NEEDS_BUBBLEWRAP
def test_the_command_fills_a_worksheet_and_zips_the_feedback(source, tmp_path, capsys):
    for student, wrong in {
        "Anna Alt_11": {},
        "Bob Bär_12": {"jaggedness": "def jaggedness(c):\n    return 0"},
    }.items():
        folder = tmp_path / "class" / f"{student}_assignsubmission_file_"
        folder.mkdir(parents=True)
        (folder / "lesson.ipynb").write_bytes(answered(RIGHT | wrong))
    (tmp_path / "moodle.csv").write_text(MOODLE.replace("90.00", "7.00").replace('Bob ""B"" Bär', "Bob Bär"))
    argv = ["grade", str(tmp_path / "class"), "--out", str(tmp_path / "marks"), "--source", str(source)]
    argv += ["--fill", str(tmp_path / "moodle.csv")]
    assert main(argv) == 0
    with (tmp_path / "marks" / "moodle.csv").open(encoding="utf-8", newline="") as file:
        assert [row["Grade"] for row in csv.DictReader(file)] == ["5.00", "4.00", "-"]
    assert len(contents(tmp_path / "marks" / "feedback.zip")) == 2
    with pytest.raises(SystemExit, match="2"):
        main([*argv, "--fill", str(tmp_path / "marks" / "moodle.csv")])
    assert "argument --fill: must be no file of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ("--fill-column Grade", "argument --fill-column: needs --fill"),
        ("--fill none.csv", "argument --fill: must exist"),
        ("--fill {here}", "argument --fill: must be a file that can be read, but"),
        (
            "--fill {sheet}",
            "argument --fill: must be a worksheet out of 7, which the notebooks give, but 'Grade'",
        ),
        ("--fill {sheet} --fill-column Note", "argument --fill-column: must name one of them, but"),
        ("--fill {sheet} --out {here}", "argument --fill: must be no file of"),
    ],
)
@NEEDS_BUBBLEWRAP
def test_a_worksheet_that_cannot_be_filled_is_named_before_any_work(source, tmp_path, capsys, argv, words):
    (tmp_path / "sheet.csv").write_text(MOODLE)
    (tmp_path / "anna.ipynb").write_bytes(answered())
    argv = argv.format(sheet=tmp_path / "sheet.csv", here=tmp_path).split()
    with pytest.raises(SystemExit, match="2"):
        main(["grade", str(tmp_path), "--source", str(source), "--out", str(tmp_path / "marks"), *argv])
    assert words in capsys.readouterr().err
    assert not (tmp_path / "marks").exists()


# Gradescope


def gradescope(tmp_path, *argv):
    """The command's exit status, and the file that it leaves."""
    results = tmp_path / "results.json"
    try:
        status = main(["gradescope", str(tmp_path / "submission"), "--results", str(results), *argv])
    except SystemExit as exit:
        status = exit.code
    assert [p.name for p in tmp_path.iterdir() if "unfinished" in p.name] == []
    return status, json.loads(results.read_text())


@NEEDS_BUBBLEWRAP
def test_gradescope_gets_a_test_for_each_answer(source, tmp_path):
    (tmp_path / "submission" / "deep").mkdir(parents=True)
    answers = RIGHT | {"jaggedness": "def jaggedness(curve):\n    import os; os._exit(0)"}
    answers["bug-padded-loss"] = "def mean_loss(losses, mask):\n    raise ValueError('<b>')"
    (tmp_path / "submission" / "deep" / "lesson.ipynb").write_bytes(answered(answers, {"shapes": "so"}))
    (tmp_path / "submission" / "link.ipynb").symlink_to("/etc/passwd")
    (tmp_path / "submission" / "page.html").write_text("<p>")
    status, results = gradescope(tmp_path, "--source", str(source), "--seed", "3")
    assert status == 0
    assert (results["score"], results["extra_data"]) == (2, {"seed": 3})
    assert results["output"] == "handed in as well: page.html\nlink.ipynb is a link or no regular file"
    tests = {test["name"]: test for test in results["tests"]}
    right = tests["lesson, accuracy-by-position: right"]
    assert (right["score"], right["max_score"], right["status"]) == (2, 2, "passed")
    stopped = tests["lesson, jaggedness: stopped"]
    assert (stopped["score"], stopped["max_score"], stopped["status"]) == (0, 1, "failed")
    assert "it ended its process" in stopped["output"]
    assert "ValueError: <b>" in tests["lesson, bug-padded-loss: not right"]["output"]
    written = tests["lesson, shapes, in words"]
    assert "score" not in written
    assert "given by hand; up to 2 points" in written["output"]
    assert {test["output_format"] for test in results["tests"]} == {"text"}


@pytest.mark.parametrize("fault", ["sandbox", "folder", "source", "ours"])
def test_whatever_goes_wrong_results_say_that_it_is_no_fault_of_the_students(
    source, tmp_path, monkeypatch, capsys, fault
):
    def fail(*_):
        raise SandboxError("bubblewrap does not work here") if fault == "sandbox" else RuntimeError("a bug")

    monkeypatch.setattr(
        "seq2seq_lab.grading.gradescope.check_bubblewrap", fail if fault == "sandbox" else lambda _: 0
    )
    monkeypatch.setattr("seq2seq_lab.grading.gradescope.mark", fail)
    if fault != "folder":
        (tmp_path / "submission").mkdir()
    status, results = gradescope(tmp_path, "--source", str(tmp_path if fault == "source" else source))
    assert status == {"sandbox": 1, "folder": 2, "source": 2, "ours": 1}[fault]
    assert "which is no fault of it" in results["output"]
    words = {
        "sandbox": "then --no-sandbox",
        "folder": "argument SUBMISSION: must be a folder",
        "source": "argument --source: must be a folder with notebooks",
        "ours": "RuntimeError: a bug",
    }[fault]
    assert words in capsys.readouterr().err
    assert results["score"] == 0


def test_gradescope_without_a_sandbox(source, tmp_path, monkeypatch):
    monkeypatch.setattr(isolation.shutil, "which", lambda _: None)
    (tmp_path / "submission").mkdir()
    (tmp_path / "submission" / "lesson.ipynb").write_bytes(answered())
    status, results = gradescope(tmp_path, "--source", str(source), "--no-sandbox")
    assert (status, results["score"]) == (0, 5)


def test_a_place_where_no_results_can_be_written_is_named_before_any_work(source, tmp_path, capsys):
    (tmp_path / "submission").mkdir()
    for place in (tmp_path / "nowhere" / "results.json", tmp_path):
        with pytest.raises(SystemExit, match="2"):
            main(["gradescope", str(tmp_path / "submission"), "--results", str(place)])
        said = capsys.readouterr().err
        assert "argument --results: " in said
        assert str(place) in said
