"""The records of marks, and their files: what older versions have written is read, and written alike."""

import csv
import json
import re
import shutil
from pathlib import Path

import pytest
from submissions import NEEDS_BUBBLEWRAP, POINTS, RIGHT, answered, cell, notebook

from seq2seq_lab.cli.main import main
from seq2seq_lab.grading.marks import (
    ExerciseState,
    Marks,
    Run,
    WrittenAnswer,
    WrittenState,
    grades_from_json,
    grades_to_json,
)
from seq2seq_lab.grading.marks_folder import key

# What `seq2seq-lab grade` made of the class below when marks were dictionaries. Never to be made anew.
OLD = Path(__file__).with_name("old_marks")
RESULTS = sorted((OLD / "results").glob("*.json"))
FUNCTIONS = dict(zip(RIGHT, ("by_position", "jaggedness", "mean_loss"), strict=True))
RUBRIC = '# Rubric for "shapes" below, 2 points: one for each axis.'
# As the class answered; since then the mean size of jumps is no right answer any more.
THEN = RIGHT | {"jaggedness": RIGHT["jaggedness"].replace("curve, 2", "curve")}
WRONG = {"jaggedness": "def jaggedness(curve):\n    return np.diff(curve).mean()"}
WRONG |= {"bug-padded-loss": "def mean_loss(losses, mask):\n    import os; os._exit(0)"}
STUB = "def jaggedness(curve):\n    raise NotImplementedError()"


def asked(source, name, kind="code", **metadata):
    return cell(source, name, kind, nbgrader={"grade_id": name, **metadata})


@pytest.fixture
def old_class(tmp_path):
    """What was asked, what was submitted, and a copy of the marks: the arguments of the command."""
    source, submissions, out = (tmp_path / name for name in ("source", "submissions", "marks"))
    source.mkdir()
    cells = [cell("## 1 Answers\n\nWrite three functions.", "one", "markdown")]
    for name, function in FUNCTIONS.items():
        check = f'lab.check("{name}", {function})\n### BEGIN HIDDEN TESTS\n{RUBRIC}\n### END HIDDEN TESTS'
        cells += [asked(f"def {function}(x):\n    raise NotImplementedError()", f"answer-{name}")]
        cells += [asked(check, f"check-{name}", points=POINTS[name])]
    cells += [cell("## 2 Questions\n\nWhy these sizes?", "two", "markdown")]
    cells += [asked("", "written-shapes", "markdown", points=2)]
    cells += [
        cell("What does it do?", "three", "markdown"),
        asked("", "written-jagged", "markdown", points=1),
    ]
    (source / "lesson.ipynb").write_bytes(notebook(*cells))
    submissions.mkdir()
    untouched = {"jaggedness": STUB, "bug-padded-loss": RIGHT["bug-padded-loss"]}
    for student, content in {
        "anna": answered(THEN, {"shapes": "because of the sizes", "jagged": "it jumps"}),
        "bob": answered(THEN | WRONG, {"shapes": "=by chance", "jagged": "YOUR ANSWER HERE"}),
        "clé": answered(untouched),
        "dora": b"no notebook",
    }.items():
        (submissions / f"{student}.ipynb").write_bytes(content)
    shutil.copytree(OLD, out)
    return ["grade", str(submissions), "--out", str(out), "--source", str(source)]


@NEEDS_BUBBLEWRAP
def test_marks_of_an_older_version_are_read_and_nobody_is_marked_again(old_class, tmp_path):
    out = tmp_path / "marks"
    before = {path.name: path.stat().st_mtime_ns for path in (out / "results").iterdir()}
    assert main(old_class) == 0
    after = {path.name: path.stat().st_mtime_ns for path in (out / "results").iterdir()}
    assert after == before
    assert (out / "manual.json").read_bytes() == (OLD / "manual.json").read_bytes()
    was, now = ((folder / "written.csv").read_bytes().splitlines(keepends=True) for folder in (OLD, out))
    assert now[0] == was[0].replace(b"comment\r\n", b"comment,version\r\n")  # a new column
    assert [re.sub(rb",(v[0-9a-f]{7})?\r\n$", b"\r\n", line) for line in now[1:]] == was[1:]
    was, now = ((folder / "marks.csv").read_bytes().splitlines(keepends=True) for folder in (OLD, out))
    assert now[:1] + now[2:] == was
    assert now[1] == b"out of,2,1,2,2,1,8,8,\r\n"  # a new line
    page = (out / "feedback" / f"{key('anna')}.html").read_text(encoding="utf-8")
    for words in ("6.5 of 8 points", "shapes, in words: 1.5 of 2", "nearly"):
        assert words in page
    page = (out / "feedback" / f"{key('bob')}.html").read_text(encoding="utf-8")
    for words in ("jagged, in words: not answered", "shapes, in words: waits for its points", "Why?"):
        assert words in page
    assert "jumps up and down cancel each other" in (out / "overview.html").read_text(encoding="utf-8")


@NEEDS_BUBBLEWRAP
def test_a_manual_grade_of_an_older_version_can_be_changed(old_class, tmp_path):
    table = tmp_path / "marks" / "written.csv"
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    rows[1]["points"] = "2"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    assert main(old_class) == 0
    old = json.loads((OLD / "manual.json").read_text(encoding="utf-8"))
    new = json.loads((tmp_path / "marks" / "manual.json").read_text(encoding="utf-8"))
    assert new == old | {rows[1]["id"]: [2.0, "Why?"]}


@pytest.mark.slow
@NEEDS_BUBBLEWRAP
def test_a_page_that_was_handed_in_is_listed_and_nothing_of_it_is_anywhere(old_class, tmp_path, capsys):
    """Everywhere by its name alone, which obeys no markup and is no formula."""
    assert main(old_class) == 0
    capsys.readouterr()
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "marks" / "results").iterdir()}
    folder, name = tmp_path / "submissions", "=1<img src=x onerror=alert(1)>.html"
    (folder / "anna.html").write_text("<script>/* own words */</script>", encoding="utf-8")
    (folder / "bob").mkdir()
    (folder / "bob.ipynb").rename(folder / "bob" / "lesson.ipynb")
    (folder / "bob" / name).write_text("own words", encoding="utf-8")
    (folder / "bob" / "large.html").write_bytes(bytes(3_000_000))
    assert main(old_class) == 0
    out = tmp_path / "marks"
    after = {path.name: path.stat().st_mtime_ns for path in (out / "results").iterdir()}
    assert {student for student in ("anna", "bob", "clé", "dora") if changed(student, before, after)} == {
        "anna",
        "bob",
    }
    for path in out.rglob("*"):
        assert not path.is_file() or b"own words" not in path.read_bytes()
        assert path.suffix != ".html" or "<img" not in path.read_text(encoding="utf-8")
    with (out / "marks.csv").open(encoding="utf-8-sig", newline="") as file:
        states = {row["student"]: row["state"] for row in csv.DictReader(file)}
    assert "handed in as well: anna.html" in states["anna"]
    assert f"handed in as well: bob/{name}; bob/large.html is larger than 2 MB" in states["bob"]
    assert "handed in" not in states["clé"] + states["dora"]
    shown = f"bob/{name}".replace("<", "&lt;").replace(">", "&gt;")
    feedback = (out / "feedback" / f"{key('bob')}.html").read_text(encoding="utf-8")
    assert f"Handed in as well: {shown}</p>" in feedback
    assert "<li>bob/large.html is larger than 2 MB</li>" in feedback
    assert "Handed in" not in (out / "feedback" / f"{key('dora')}.html").read_text(encoding="utf-8")
    overview = (out / "overview.html").read_text(encoding="utf-8")
    assert "<tr><td>anna</td><td>anna.html</td></tr>" in overview
    assert f"<tr><td>bob</td><td>{shown}</td></tr>" in overview
    assert "large.html" not in overview
    (folder / "anna.html").unlink()
    shutil.rmtree(folder / "bob")
    assert main(old_class) == 0
    assert "anna.html" not in (out / "overview.html").read_text(encoding="utf-8")


def changed(student, before, after):
    name = f"{key(student)}.json"
    return before[name] != after[name]


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_what_is_read_from_a_result_is_written_alike(path):
    text = path.read_text(encoding="utf-8")
    assert Marks.from_json(text).to_json() == text


def test_run_and_manual_grades_are_written_alike():
    text = (OLD / "run.json").read_text(encoding="utf-8")
    assert Run.from_json(text).to_json() == text
    text = (OLD / "manual.json").read_text(encoding="utf-8")
    assert grades_to_json(grades_from_json(text)) == text


def test_every_state_was_there_and_is_told_apart():
    marks = [Marks.from_json(path.read_text(encoding="utf-8")) for path in RESULTS]
    assert {mark.state for each in marks for mark in each.exercises} == set(ExerciseState)
    assert {answer.state for each in marks for answer in each.written} == set(WrittenState)
    anna, bob, *_ = marks
    assert [mark.points for mark in anna.exercises] == [2, 1, 2]
    assert bob.exercise("lesson", "jaggedness").label == "signed"
    assert bob.answer("lesson", "shapes") == WrittenAnswer(
        "lesson", "shapes", 2, WrittenState.ANSWERED, "=by chance"
    )


@pytest.mark.parametrize("change", [{"state": "rihgt"}, {"state": "waits"}, {"colour": "red"}])
def test_what_is_no_result_is_not_read(change):
    marks = json.loads(RESULTS[0].read_text(encoding="utf-8"))
    marks["exercises"][0] |= change
    with pytest.raises((TypeError, ValueError)):
        Marks.from_json(json.dumps(marks))
