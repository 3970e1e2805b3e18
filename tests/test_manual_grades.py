"""Manual grades: copies of `written.csv` come back in any order and age, and undo nothing newer."""

import csv
import json
import re

import pytest

from seq2seq_lab.grading import manual_grades
from seq2seq_lab.grading.assignment import Lesson, Question
from seq2seq_lab.grading.isolation import Limits
from seq2seq_lab.grading.marks import Marks
from seq2seq_lab.grading.marks_folder import MarksFolder

OWN = "written.csv"


@pytest.fixture
def folder(tmp_path):
    """A folder of marks in which anna and bob have answered a question in words, worth 2 points."""
    path = tmp_path / "marks"
    lesson = Lesson("lesson", ("1",), (), (Question("shapes", "1", "Why?", 2, "2 points"),))
    with MarksFolder(path, (lesson,), Limits(), True, 7, {}) as folder:
        for student in ("anna", "bob"):
            answer = {"lesson": "lesson", "name": "shapes", "most": 2, "state": "waits", "text": student}
            marks = {"student": student, "notes": [], "exercises": [], "written": [answer], "digest": ""}
            folder.write_marks(Marks.from_json(json.dumps(marks)))
        manual_grades.write(folder)
        yield folder


def rows(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def write(path, lines):
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, lines[0])
        table.writeheader()
        table.writerows(lines)
    return path


def copied(folder, name, *grades):
    """A copy of the table as it is now, its rows filled in with (points, comment)."""
    copy = write(folder.path.parent / name, rows(folder.path / OWN))
    return refilled(copy, *grades)


def refilled(path, *grades):
    """The same file with other grades, and what else stood in it."""
    lines = rows(path)
    for line, (points, comment) in zip(lines, grades, strict=False):
        line |= {"points": points, "comment": comment}
    return write(path, lines)


def run(folder, copy=None):
    """What a run of the command does; the notices."""
    notices = manual_grades.take_back(folder, copy)
    manual_grades.write(folder)
    return notices


def grades(folder):
    return [(row["points"], row["comment"]) for row in rows(folder.path / OWN)]


def conflict(folder, copy):
    """What is said; nothing is taken."""
    before = {p: p.read_bytes() for p in folder.path.rglob("*.*") if p.is_file()}
    with pytest.raises(ValueError, match="written must not undo newer grades") as error:
        manual_grades.take_back(folder, copy)
    assert {p: p.read_bytes() for p in folder.path.rglob("*.*") if p.is_file()} == before
    return str(error.value)


def test_an_old_copy_does_not_undo_what_was_given_since(folder):
    copy = copied(folder, "copy.csv", ("1", "so so"), ("0", ""))
    for _ in range(2):  # repeated, it says the same
        assert run(folder, copy) == []
        assert grades(folder) == [("1", "so so"), ("0", "")]
    refilled(folder.path / OWN, ("2", "well"))
    run(folder)
    said = conflict(folder, copy)
    name = rows(copy)[0]["id"]
    assert f"row 2 of {copy} ({name}) gives 1 'so so', but 2 'well' was given since" in said
    assert "nothing was taken; write what is right into the written.csv of the marks" in said
    assert "row 3" not in said
    assert grades(folder) == [("2", "well"), ("0", "")]
    refilled(copy, ("", ""))  # the way out that it names
    assert run(folder, copy) == []
    assert grades(folder) == [("2", "well"), ("0", "")]


def test_what_the_own_file_has_from_now_counts_against_a_copy_read_in_the_same_run(folder):
    copy = copied(folder, "copy.csv", ("1", ""))
    refilled(folder.path / OWN, ("2", ""))
    assert "gives 1, but 2 was given since" in conflict(folder, copy)


def test_two_copies_that_went_out_together_do_not_undo_each_other(folder):
    one, other = copied(folder, "one.csv", ("1", "")), copied(folder, "other.csv", ("2", ""), ("1", ""))
    run(folder, one)
    assert "row 2" in conflict(folder, other)
    refilled(other, ("1", ""))  # of the same opinion
    assert run(folder, other) == []
    assert grades(folder) == [("1", ""), ("1", "")]


def test_a_copy_may_be_corrected_and_read_again(folder):
    copy = copied(folder, "copy.csv", ("1", ""))
    run(folder, copy)
    run(folder, refilled(copy, ("1.5", "")))
    run(folder, refilled(copy, ("", "well")))
    run(folder, refilled(copy, ("2", "")))
    assert grades(folder)[0] == ("2", "well")


def test_a_copy_of_today_may_change_what_another_gave_yesterday(folder):
    run(folder, copied(folder, "yesterday.csv", ("1", "")))
    run(folder, copied(folder, "today.csv", ("2", "")))
    assert grades(folder)[0] == ("2", "")
    assert "gives 1, but 2 was given since" in conflict(folder, folder.path.parent / "yesterday.csv")


def test_what_was_changed_back_stays_so(folder):
    run(folder, copied(folder, "yesterday.csv", ("1", "")))
    today = copied(folder, "today.csv", ("2", ""))
    run(folder, today)
    refilled(folder.path / OWN, ("1", ""))  # what stood in it when the copy of today went out
    run(folder)
    assert "gives 2, but 1 was given since" in conflict(folder, today)


def test_rows_that_nobody_touched_undo_nothing_and_stop_nothing(folder):
    run(folder, copied(folder, "one.csv", ("1", "")))
    copy = copied(folder, "two.csv")
    refilled(folder.path / OWN, ("2", ""))
    run(folder)
    copy = refilled(copy, ("1", ""), ("0.5", ""))
    assert run(folder, copy) == [f"row 2 of {copy}: stays 2, given since; 1 is what was there"]
    assert grades(folder) == [("2", ""), ("0.5", "")]


def test_what_was_withdrawn_stays_so(folder):
    copy = copied(folder, "copy.csv", ("1", ""))
    run(folder, copy)
    refilled(folder.path / OWN, ("-", ""))
    run(folder)
    assert grades(folder)[0] == ("", "")
    assert "gives 1, but no points was given since" in conflict(folder, copy)


def test_points_alone_leave_the_comment_and_a_comment_the_points(folder):
    for name in ("copy.csv", None):
        path = copied(folder, name, ("1", "nearly")) if name else folder.path / OWN
        copy = path if name else None
        for given, then in [
            (("1", "nearly"), ("1", "nearly")),
            (("2", ""), ("2", "nearly")),
            (("", "well"), ("2", "well")),
            (("", "-"), ("2", "")),
            (("1", "well"), ("1", "well")),
            (("-", ""), ("", "well")),
            (("-", "-"), ("", "")),
        ]:
            refilled(path, given)
            run(folder, copy)
            assert grades(folder)[0] == then


def test_after_a_kill_the_own_table_is_old_and_undoes_nothing(folder):
    copy = copied(folder, "copy.csv", ("1", ""))
    run(folder, copy)
    old = (folder.path / OWN).read_bytes()
    run(folder, refilled(copy, ("2", "")))
    (folder.path / OWN).write_bytes(old)  # it was killed before it wrote this
    assert run(folder) == []
    assert grades(folder)[0] == ("2", "")


def test_a_spreadsheet_open_since_before_is_noticed_when_it_is_saved(folder):
    old = rows(folder.path / OWN)
    run(folder, copied(folder, "copy.csv", ("1", "")))
    old[0]["points"] = "2"
    write(folder.path / OWN, old)
    said = conflict(folder, None)
    assert "gives 2, but 1 was given since" in said
    assert "nothing was taken; empty the row, run this again, and write into it what is right" in said
    refilled(folder.path / OWN, ("", ""))
    run(folder)
    refilled(folder.path / OWN, ("2", ""))
    run(folder)
    assert grades(folder)[0] == ("2", "")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("id,points,comment\n{0},1,5,\n", "row 2 has 4 fields, the first row has 3: is 1,5 unquoted"),
        (
            "id,points\n{0},1,5\n",
            "row 2 has 3 fields, the first row has 2: is 1,5 unquoted in a file separated",
        ),
        ("id,points,comment\n{0},1,\n{1},0,5,good\n", "row 3 has 4 fields, the first row has 3"),
        ("id,points,comment\n{0},1,5\n", "comments in words, but row 2 of .* has '5': is 1,5 unquoted"),
    ],
)
def test_a_decimal_comma_without_quotes_is_named_and_nothing_is_taken(folder, content, words):
    copy = folder.path.parent / "copy.csv"
    copy.write_text(content.format(*(row["id"] for row in rows(folder.path / OWN))))
    with pytest.raises(ValueError, match=words) as error:
        manual_grades.take_back(folder, copy)
    assert str(copy) in str(error.value)
    assert folder.grades() == {}


def test_a_decimal_comma_with_quotes_or_between_semicolons_is_read(folder):
    copy = folder.path.parent / "copy.csv"
    one, other = (row["id"] for row in rows(folder.path / OWN))
    for content in (f'id,points\n{one},"1,5"\n{other},"0,5"\n', f"id;points\n{one};1,5;;\n{other};0,5;\n"):
        copy.write_text(content)
        run(folder, copy)
        assert grades(folder) == [("1.5", ""), ("0.5", "")]


def test_no_spreadsheet_takes_a_version_for_a_number(folder):
    run(folder, copied(folder, "copy.csv", ("1", "so so"), ("0", "")))
    assert all(re.fullmatch("v[0-9a-f]{7}", row["version"]) for row in rows(folder.path / OWN))
