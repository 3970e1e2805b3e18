"""Grading a class: the command, what it writes, going on after any stop, Dask, two graders."""

import csv
import fcntl
import inspect
import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import dask
import distributed
import numpy as np
import psutil
import pytest
from answers import ANSWERS
from submissions import IMPORTS, NEEDS_BUBBLEWRAP, POINTS, RIGHT, alone, answered, cell, class_of, notebook
from test_notebooks import SOURCES, WRITTEN

import seq2seq_lab
from seq2seq_lab.cli.main import main
from seq2seq_lab.exercises import exercise_named, exercises_of
from seq2seq_lab.grading.marks_folder import key

pytestmark = [pytest.mark.slow, NEEDS_BUBBLEWRAP]
MOST = sum(e.points for e in exercises_of()) + sum(sum(points.values()) for points in WRITTEN.values())
WRONG = "def jaggedness(curve):\n    return np.diff(curve, 2).mean()"
STUB = "def jaggedness(curve):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
MARKUP = "<script>alert(1)</script>"
FORMULA = '=HYPERLINK("http://192.0.2.1")'


@pytest.fixture(scope="module")
def cluster():
    """A Dask cluster of two workers, as one that exists already."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, memory_limit=None, dashboard_address=None, silence_logs="CRITICAL"
    ) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def a_class(tmp_path_factory):
    """Submissions of every kind: what they are called, and what is in them."""
    folder = tmp_path_factory.mktemp("submissions")
    words = {
        "shapes": "because of the sizes",
        "jagged": MARKUP,
        "copying": FORMULA,
        "clinic": "YOUR ANSWER HERE",
    }
    students = {
        "anna": answered(RIGHT, words),
        "bob": answered({**RIGHT, "jaggedness": WRONG}),
        "carl": answered({**RIGHT, "jaggedness": STUB}),
        "dora": b"no notebook",
        FORMULA.replace("/", "\u2215"): answered({**RIGHT, "jaggedness": f"# {MARKUP}\n{WRONG}"}),
        f"{MARKUP.replace('/', chr(0x2215))}": answered({"jaggedness": RIGHT["jaggedness"]}),
        "emil": answered({**RIGHT, "jaggedness": "def jaggedness(curve):\n    import os; os._exit(0)"}),
    }
    for name, content in students.items():
        (folder / f"{name}.ipynb").write_bytes(content)
    (folder / "fritz").mkdir()
    return folder


def rows(path):
    """The rows of a CSV file; of `marks.csv` without the one that says what can be earned."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [row for row in csv.DictReader(file) if row.get("student") != "out of"]


def filled_in(path, lines, **options):
    """A CSV file of these lines."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, lines[0], **options)
        table.writeheader()
        table.writerows(lines)
    return path


def command(*argv, **options):
    """The command in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(Path(seq2seq_lab.__file__).parents[1])}
    argv = [sys.executable, "-m", "seq2seq_lab", "grade", *map(str, argv)]
    return subprocess.Popen(
        argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


@pytest.fixture(scope="module")
def marks(a_class, cluster, tmp_path_factory):
    """The class, marked."""
    out = tmp_path_factory.mktemp("out") / "marks"
    assert main(["grade", str(a_class), "--out", str(out), "--seed", "7", *at(cluster)]) == 0
    return out


def at(cluster):
    return ["--scheduler", cluster.scheduler_address]


# What it writes


def test_a_line_a_student_a_column_an_exercise(marks, a_class):
    found = {row["student"].removeprefix("'"): row for row in rows(marks / "marks.csv")}
    assert found.keys() == {p.name.removesuffix(".ipynb") for p in a_class.iterdir()}
    assert [found["anna"][name] for name in POINTS] == ["2", "1", "2"]
    assert [found["bob"][name] for name in POINTS] == ["2", "0", "2"]
    assert [found["carl"][name] for name in POINTS] == ["2", "0", "2"]
    totals = {name: (row["total"], row["out of"]) for name, row in found.items()}
    assert totals["anna"] == ("5", str(MOST))
    assert totals["bob"] == totals["carl"] == totals["emil"] == ("4", str(MOST))
    assert totals["dora"] == totals["fritz"] == ("0", str(MOST))
    assert found["anna"]["state"].startswith("3 answers in words wait")
    assert found["anna"]["1-encoder-decoder: shapes, written"] == ""
    assert found["anna"]["1-encoder-decoder: clinic, written"] == "0"
    assert found["dora"]["state"] == "marked; dora.ipynb is no notebook that can be read"
    assert found["fritz"]["state"] == "marked; nothing was submitted"
    assert "jaggedness: it ended its process" in found["emil"]["state"]


def test_the_row_below_the_head_says_what_each_column_can_earn(marks):
    with (marks / "marks.csv").open(encoding="utf-8-sig", newline="") as file:
        most, *students = csv.DictReader(file)
    assert most["student"] == "out of"
    points = {name: int(value) for name, value in most.items() if name not in ("student", "state")}
    assert {name: points[name] for name in POINTS} == POINTS
    assert points.pop("total") == points.pop("out of") == sum(points.values()) == MOST
    assert {row["out of"] for row in students} == {str(MOST)}


def test_csv_files_are_safe_to_open(marks):
    for name in ("marks.csv", "written.csv"):
        with (marks / name).open(encoding="utf-8-sig", newline="") as file:
            cells = [value for row in csv.reader(file) for value in row]
        assert [value for value in cells if value.startswith(("=", "+", "-", "@", "\t", "\r"))] == []
        assert any(value.startswith("'=HYPERLINK") for value in cells)


def test_a_feedback_page_a_student_says_what_was_right_and_what_helps(marks):
    page = (marks / "feedback" / f"{key('bob')}.html").read_text()
    bob = json.loads((marks / "results" / f"{key('bob')}.json").read_text())
    line = next(line for line in bob["exercises"] if line["name"] == "jaggedness")
    assert (line["state"], line["label"]) == ("wrong", "signed")
    for words in ("accuracy-by-position: right, 2 of 2", "jaggedness: not right, 0 of 1", line["hint"]):
        assert words in page
    assert page.index("<h3>Exercise 9: a jagged curve</h3>") < page.index("jaggedness: not right")
    assert (
        page.index("jaggedness: not right") < page.index("jagged, in words") < page.index("<h3>Exercise 10")
    )
    assert "np.diff(curve, 2).mean()" in page
    assert f"4 of {MOST} points" in page
    assert len(list((marks / "feedback").iterdir())) == 8


def test_pages_obey_no_markup_and_load_nothing(marks):
    for path in [*(marks / "feedback").iterdir(), marks / "overview.html"]:
        page = path.read_text()
        assert "<script" not in page
        assert "default-src 'none'" in page
        assert re.findall(r'(?:src|href)="(?!#)[^"]*"', page) == []
    page = (marks / "feedback" / f"{key('anna')}.html").read_text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_the_overview_has_three_figures_and_the_most_frequent_mistakes(marks):
    page = (marks / "overview.html").read_text()
    assert page.count("<svg") == page.count("</svg>") == 3
    assert "8 submissions; 3 answers in words wait for points" in page
    hint = "differences above and below 0 cancel here: only the first and the last jump remain."
    assert f"<td>jaggedness</td><td>{hint}</td>" in re.sub(r"\s*\n\s*", "", page)


def test_people_read_words_and_code_but_no_label_and_no_backtick(cluster, tmp_path):
    """A label is for programs, a backtick for who renders it: no page shows either."""
    (tmp_path / "submissions").mkdir()
    answers = {
        "bug-reset-gate": "def candidate(x, h, r, W_xc, W_hc, b_c):\n"
        "    return np.tanh(r * (x @ W_xc + h @ W_hc + b_c))",  # labelled "gates-all"
        "jaggedness": "def jaggedness(curve):\n    raise ValueError(r'`<script>` $\\nothing$')",
        "bug-padded-loss": "def mean_loss(losses, mask):\n    pass",
    }
    (tmp_path / "submissions" / "anna.ipynb").write_bytes(answered(answers))
    assert main(["grade", str(tmp_path / "submissions"), "--out", str(tmp_path / "marks"), *at(cluster)]) == 0
    feedback = (tmp_path / "marks" / "feedback" / f"{key('anna')}.html").read_text()
    for words in (
        "<code>candidate</code> at ",  # a message
        "Is there a <code>return</code>?",
        "Return the shapes of <code>W_xr</code>",  # a question
        r"it raised ValueError: <code>&lt;script&gt;</code> $\nothing$",
    ):
        assert words in feedback
    overview = (tmp_path / "marks" / "overview.html").read_text()
    assert "the input and the bias are none of the reset gate" in overview
    assert "gates-all" not in overview
    for page in (re.sub(r"<details.*?</details>", "", feedback, flags=re.DOTALL), overview):
        assert "`" not in page
        assert "<script" not in page


def test_a_long_message_without_a_hint_is_cut_for_the_overview(cluster, tmp_path):
    (tmp_path / "submissions").mkdir()
    of_two_axes = {**RIGHT, "jaggedness": "def jaggedness(curve):\n    return curve[:, 0] - 1"}
    (tmp_path / "submissions" / "anna.ipynb").write_bytes(answered(of_two_axes))
    assert main(["grade", str(tmp_path / "submissions"), "--out", str(tmp_path / "marks"), *at(cluster)]) == 0
    page = (tmp_path / "marks" / "overview.html").read_text()
    assert "it raised IndexError: too many indices" in page
    assert "It was called with" not in page


def test_marks_are_what_the_corpus_says(cluster, tmp_path):
    """Whole notebooks, in a sandbox, judged as they are in a notebook."""
    expected = class_of(2, tmp_path / "submissions", seed=5)
    assert main(["grade", str(tmp_path / "submissions"), "--out", str(tmp_path / "marks"), *at(cluster)]) == 0
    for student, labels in expected.items():
        marks = json.loads((tmp_path / "marks" / "results" / f"{key(student)}.json").read_text())
        assert marks["notes"] == []
        for line in marks["exercises"]:
            state = {None: "right", "open": "open"}.get(labels[line["name"]], "wrong")
            assert line["state"] == state, line
            assert state != "wrong" or line["label"] == labels[line["name"]], line


def test_cases_are_those_of_the_recorded_seed(marks):
    assert json.loads((marks / "run.json").read_text())["seed"] == 7
    bob = json.loads((marks / "results" / f"{key('bob')}.json").read_text())
    line = next(line for line in bob["exercises"] if line["name"] == "jaggedness")
    curve = exercise_named("jaggedness").cases(7)[0]["curve"]
    assert f"but is {np.diff(curve, 2).mean():.5g}" in line["message"]


def test_without_a_seed_inputs_are_drawn_afresh(a_class, cluster, tmp_path):
    one = tmp_path / "one"
    one.mkdir()
    shutil.copy(a_class / "bob.ipynb", one)
    seeds = set()
    for out in ("a", "b"):
        assert main(["grade", str(one), "--out", str(tmp_path / out), *at(cluster)]) == 0
        seeds.add(json.loads((tmp_path / out / "run.json").read_text())["seed"])
    assert len(seeds) == 2


# Answers in words


def test_answers_in_words_go_out_without_names_and_come_back_with_points(marks, tmp_path, a_class, cluster):
    out = tmp_path / "marks"
    shutil.copytree(marks, out)
    found = rows(out / "written.csv")
    assert [(row["notebook"], row["question"]) for row in found] == [
        ("1-encoder-decoder", name) for name in ("shapes", "jagged", "copying")
    ]
    assert [row["exercise"].partition(":")[0] for row in found] == [f"Exercise {n}" for n in (7, 9, 12)]
    assert all("minutes" not in row["text of the question"] for row in found)
    assert all(row["rubric"] and row["text of the question"][0] not in "#'" for row in found)
    assert "anna" not in (out / "written.csv").read_text()
    found[0] |= {"points": "1.5", "comment": "nearly"}
    found[1] |= {"points": "0"}
    given = filled_in(tmp_path / "given.csv", found, delimiter=";")  # as Excel writes it in many countries
    argv = ["grade", str(a_class), "--out", str(out), *at(cluster)]
    assert main([*argv, "--written", str(given)]) == 0
    for _ in range(2):  # they stay
        anna = next(row for row in rows(out / "marks.csv") if row["student"] == "anna")
        assert (anna["total"], anna["1-encoder-decoder: shapes, written"]) == ("6.5", "1.5")
        assert anna["state"].startswith("1 answers in words wait")
        page = (out / "feedback" / f"{key('anna')}.html").read_text()
        assert "shapes, in words: 1.5 of 2" in page
        assert "nearly" in page
        assert [row["points"] for row in rows(out / "written.csv")] == ["1.5", "0", ""]
        assert main(argv) == 0
    found[0]["points"] = "2"  # in a copy it counts more than what the folder's own file has from before
    assert main([*argv, "--written", str(filled_in(given, found))]) == 0
    assert [row["points"] for row in rows(out / "written.csv")] == ["2", "0", ""]


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("points", "2.5", "must hold points from 0 to 2, but row 2"),
        ("points", "-1", "must hold points from 0 to 2, but row 2"),
        ("points", "nan", "must hold points from 0 to 2, but row 2"),
        ("points", "two", "must hold points from 0 to 2, but row 2"),
        ("id", None, "must hold each id once, but row 3"),
    ],
)
def test_points_that_cannot_be_are_named_and_none_is_kept(
    marks, tmp_path, a_class, cluster, capsys, column, value, words
):
    out = tmp_path / "marks"
    shutil.copytree(marks, out)
    found = rows(out / "written.csv")
    for row in found:
        row["points"] = "1"
    found[0][column] = value or found[1][column]
    given = ["--written", str(filled_in(tmp_path / "given.csv", found))]
    with pytest.raises(SystemExit, match="2"):
        main(["grade", str(a_class), "--out", str(out), *at(cluster), *given])
    assert f"argument --written: {words}" in capsys.readouterr().err
    assert not (out / "manual.json").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "must have the columns id and points"),
        (b"id;comment\nw1;good\n", "must have the columns id and points"),
        (b"id,points,comment\nw1,1,sch\xf6n\n", "must be a CSV file in UTF-8"),
    ],
)
def test_a_copy_that_is_no_such_file_is_named_before_any_work(tmp_path, a_class, capsys, content, words):
    copy, out = tmp_path / "copy.csv", tmp_path / "marks"
    copy.write_bytes(content)
    with pytest.raises(SystemExit, match="2"):
        main(["grade", str(a_class), "--out", str(out), "--written", str(copy)])
    said = capsys.readouterr().err
    assert f"argument --written: {words}" in said
    assert str(copy) in said
    assert not out.exists()


def test_what_is_typed_into_the_folders_own_file_counts_and_stays(marks, tmp_path, a_class, cluster):
    out = tmp_path / "marks"
    shutil.copytree(marks, out)
    argv = ["grade", str(a_class), "--out", str(out), *at(cluster)]
    found = rows(out / "written.csv")
    found[0] |= {"points": "1,5", "comment": "nearly"}
    found[1] |= {"comment": "=ask her"}
    filled_in(out / "written.csv", found)
    for _ in range(2):
        assert main(argv) == 0
        after = rows(out / "written.csv")
        assert [(row["points"], row["comment"]) for row in after] == [
            ("1.5", "nearly"),
            ("", "'=ask her"),
            ("", ""),
        ]
        anna = next(row for row in rows(out / "marks.csv") if row["student"] == "anna")
        assert anna["1-encoder-decoder: shapes, written"] == "1.5"
        assert anna["1-encoder-decoder: jagged, written"] == ""
        assert anna["state"].startswith("2 answers in words wait")
        assert "=ask her" in (out / "feedback" / f"{key('anna')}.html").read_text()
    after[0] |= {"points": "", "comment": "well, nearly"}  # another comment, the points as they were
    after[1]["points"] = "0"
    filled_in(out / "written.csv", after)
    assert main(argv) == 0
    after = rows(out / "written.csv")
    assert [row["points"] for row in after] == ["1.5", "0", ""]
    anna = next(row for row in rows(out / "marks.csv") if row["student"] == "anna")
    assert anna["1-encoder-decoder: jagged, written"] == "0"
    after[0]["points"] = after[1]["points"] = "-"  # none any more
    filled_in(out / "written.csv", after)
    assert main(argv) == 0
    assert [row["points"] for row in rows(out / "written.csv")] == ["", "", ""]
    assert rows(out / "written.csv")[0]["comment"] == "well, nearly"


def test_an_answer_that_was_changed_waits_again_and_the_others_keep_their_points(
    marks, tmp_path, a_class, cluster, capsys
):
    submissions, out = tmp_path / "submissions", tmp_path / "marks"
    shutil.copytree(a_class, submissions)
    shutil.copytree(marks, out)
    found = rows(out / "written.csv")
    for row in found:
        row["points"] = "1"
    given = filled_in(tmp_path / "given.csv", found)
    words = {"shapes": "after all", "jagged": MARKUP, "copying": FORMULA}
    (submissions / "anna.ipynb").write_bytes(answered(RIGHT, words))
    argv = ["grade", str(submissions), "--out", str(out), *at(cluster)]
    assert main([*argv, "--written", str(given)]) == 0
    left_out = f"row 2 of {given}: its answer has been submitted anew or withdrawn, so it does not take '1'"
    assert left_out in capsys.readouterr().err
    assert [row["points"] for row in rows(out / "written.csv")] == ["", "1", "1"]
    (submissions / "anna.ipynb").write_bytes(answered(RIGHT, {"shapes": "after all", "copying": FORMULA}))
    assert main(argv) == 0
    left_out = f"row 3 of {out / 'written.csv'}: its answer has been submitted anew or withdrawn"
    assert left_out in capsys.readouterr().err
    assert [row["points"] for row in rows(out / "written.csv")] == ["", "1"]
    assert main(argv) == 0
    assert "submitted anew" not in capsys.readouterr().err
    (submissions / "anna.ipynb").write_bytes(answered())
    assert main(argv) == 0
    assert "its answer has been submitted anew" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main([*argv, "--written", str(filled_in(given, found[1:2]))])
    assert "argument --written: must hold ids of this run's written.csv" in capsys.readouterr().err


def test_no_spreadsheet_takes_an_id_for_a_number(marks):
    ids = [row["id"] for row in rows(marks / "written.csv")]
    assert len(set(ids)) == 3
    assert all(re.fullmatch("w[0-9a-f]{15}", name) for name in ids)


# Nothing is lost


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A class of four, their answers from the corpus: those that stand on NumPy alone."""
    folder, rng = tmp_path_factory.mktemp("many"), random.Random(1)
    fits = {name: [a for a in ANSWERS if a.exercise == name and not needs_tensorflow(a)] for name in RIGHT}
    functions = dict(zip(RIGHT, ("by_position", "jaggedness", "mean_loss"), strict=True))
    for n in range(4):
        answers = {name: alone(rng.choice(found), functions[name]) for name, found in fits.items()}
        (folder / f"student-{n}.ipynb").write_bytes(answered(answers, {"shapes": f"because {n}"}))
    return folder


def needs_tensorflow(answer):
    return re.search(r"\b(tf|keras|lab)\b", inspect.getsource(answer.function)) is not None


def written_files(out):
    """All that a run has written, but for its record of versions."""
    files = sorted(p for p in out.rglob("*") if p.is_file() and p.name not in ("run.json", ".lock"))
    return {p.relative_to(out).as_posix(): p.read_bytes() for p in files}


def test_killed_at_any_moment_it_goes_on_where_it_was_and_ends_the_same(many, cluster, tmp_path):
    graders = multiprocessing.get_context("forkserver")  # where each begins with all imported
    needed = ["seq2seq_lab.cli.main", "seq2seq_lab.grading.command", "seq2seq_lab.grading.cluster"]
    graders.set_forkserver_preload([*needed, "nbformat", "matplotlib.backends.backend_svg"])

    def started(out):
        run = graders.Process(target=main, args=(["grade", str(many), "--out", str(out), *options],))
        run.start()
        return run

    (tmp_path / "source").mkdir()
    shutil.copy(SOURCES[0], tmp_path / "source")  # to draw how all lessons went takes longer than to mark one
    options, rng, kills = (
        ["--source", str(tmp_path / "source"), "--seed", "3", *at(cluster)],
        random.Random(2),
        0,
    )
    started(tmp_path / "first").join()  # the server and all workers have loaded what they need
    start = time.monotonic()
    whole = started(tmp_path / "whole")
    whole.join()
    assert whole.exitcode == 0
    seconds, wanted = time.monotonic() - start, written_files(tmp_path / "whole")
    while kills < 10 or written_files(tmp_path / "killed") != wanted:
        run = started(tmp_path / "killed")
        if kills < 10:
            time.sleep(rng.uniform(0, seconds))
            run.kill()
        run.join()
        if run.exitcode == -signal.SIGKILL:
            kills += 1
        else:  # it was done before
            assert run.exitcode == 0
            assert written_files(tmp_path / "killed") == wanted
            if kills < 10:
                shutil.rmtree(tmp_path / "killed")


def test_what_is_new_is_marked_and_nothing_else(a_class, marks, cluster, tmp_path, monkeypatch):
    submissions, out = tmp_path / "submissions", tmp_path / "marks"
    shutil.copytree(a_class, submissions)
    shutil.copytree(marks, out)
    (submissions / "bob.ipynb").write_bytes(answered())
    (submissions / "gerda.ipynb").write_bytes(answered())
    before = {p.name: p.stat().st_mtime_ns for p in (out / "results").iterdir()}
    assert main(["grade", str(submissions), "--out", str(out), *at(cluster)]) == 0
    after = {p.name: p.stat().st_mtime_ns for p in (out / "results").iterdir()}
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {f"{key('bob')}.json", f"{key('gerda')}.json"}
    assert next(r for r in rows(out / "marks.csv") if r["student"] == "bob")["total"] == "5"


def test_marks_of_who_is_no_longer_there_stay_and_say_so(a_class, marks, cluster, tmp_path, capsys):
    submissions, out = tmp_path / "submissions", tmp_path / "marks"
    shutil.copytree(a_class, submissions)
    shutil.copytree(marks, out)
    (submissions / "bob.ipynb").unlink()
    assert main(["grade", str(submissions), "--out", str(out), *at(cluster)]) == 0
    found = {row["student"]: row for row in rows(out / "marks.csv")}
    assert (found["bob"]["total"], len(found)) == ("4", 8)
    assert [name for name, row in found.items() if "is no longer among the submissions" in row["state"]] == [
        "bob"
    ]
    assert f"something is odd with 8 of them: see state in {out / 'marks.csv'}" in capsys.readouterr().out


def test_a_scheduler_that_does_not_answer_is_named(a_class, tmp_path, capsys):
    argv = [str(a_class), "--out", str(tmp_path / "marks"), "--scheduler", "127.0.0.1:1"]
    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}), pytest.raises(SystemExit, match="2"):
        main(["grade", *argv])
    words = (
        "argument --scheduler: must be the address of a Dask scheduler that answers, but 127.0.0.1:1 does not"
    )
    assert words in capsys.readouterr().err


def test_two_graders_in_one_folder_do_not_mix(marks, a_class, capsys):
    with (marks / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(SystemExit, match="2"):
            main(["grade", str(a_class), "--out", str(marks)])
    assert "argument --out: must be held by one grader at a time" in capsys.readouterr().err


def test_on_this_machine_with_a_bar_and_nothing_left_behind(a_class, tmp_path):
    submissions = tmp_path / "submissions"
    submissions.mkdir()
    shutil.copy(a_class / "anna.ipynb", submissions)
    run = command(submissions, "--out", tmp_path / "marks", start_new_session=True)
    out, err = run.communicate()
    assert run.returncode == 0, err
    assert re.match(r"1 of 1 marked, seed \d+: ", out)
    assert "1/1 [" in err
    assert "Traceback" not in err
    assert "cudart" not in err
    left = [p for p in psutil.process_iter(["cmdline"]) if str(tmp_path) in " ".join(p.info["cmdline"] or ())]
    assert left == []


# Wrong use


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ("{class}", "the following arguments are required: --out"),
        ("{nothing} --out {new}", "argument SUBMISSIONS: must exist"),
        ("{file} --out {new}", "argument SUBMISSIONS: must be a folder or a zip"),
        ("{empty} --out {new}", "argument SUBMISSIONS: must hold a notebook or a folder for each student"),
        (
            "{one} --out {new}",
            "argument SUBMISSIONS: must hold a notebook or a folder named after each student",
        ),
        ("{class} --out {file}", "argument --out: must be a folder"),
        (
            "{class} --out {class}",
            "argument --out: must be a new folder or one that this command",
        ),
        ("{class} --out {new} --seed -1", "argument --seed: must be a whole number"),
        ("{class} --out {new} --written {nothing}", "argument --written: must exist"),
        ("{class} --out {new} --source {empty}", "argument --source: must be a folder with notebooks"),
        ("{class} --out {new} --nbgrader {empty}", "argument --nbgrader: must be a course after"),
        ("{class} --out {new} --source {binary}", "argument --source: must hold notebooks, but"),
        ("{class} --out {file}/marks", "argument --out: must be a folder that can be written, but"),
        ("{class} --out {broken}", "argument --out: must hold what this command wrote, but"),
        (
            "{class} --out {marks} --source {part}",
            "--out: must be another folder, as {marks} was begun with other",
        ),
        ("{class} --out {marks} --source {part}", "notebooks: 1-encoder-decoder is gone, 3-decoding is gone"),
        ("{class} --out {marks} --source {changed}", "other notebooks: 2-attention has changed"),
        ("{class} --out {marks} --seed 8", "argument --out: must be marked with the same seed"),
        (
            "{class} --out {marks} --no-sandbox",
            "argument --out: must be marked with the same sandboxed",
        ),
    ],
)
def test_wrong_use_is_named_before_any_work(argv, words, marks, a_class, tmp_path, capsys):
    (tmp_path / "file").write_text("none")
    (tmp_path / "empty").mkdir()
    (tmp_path / "one").mkdir()
    for lesson in ("1-encoder-decoder", "3-decoding"):
        (tmp_path / "one" / f"{lesson}.ipynb").write_bytes(answered())
    for name in ("binary", "broken"):
        (tmp_path / name).mkdir()
    (tmp_path / "binary" / "lesson.ipynb").write_bytes(b"\xff\xfe")
    (tmp_path / "broken" / ".lock").touch()
    (tmp_path / "broken" / "run.json").write_bytes(b"\xff\xfe")
    (tmp_path / "part").mkdir()
    shutil.copy(SOURCES[1], tmp_path / "part")
    shutil.copytree(SOURCES[0].parent, tmp_path / "changed", ignore=shutil.ignore_patterns("*.py"))
    changed = tmp_path / "changed" / SOURCES[1].name
    changed.write_text(changed.read_text().replace(", 3 points:", ", 3 points !:"))
    paths = {p.name: p for p in tmp_path.iterdir()} | {name: tmp_path / name for name in ("nothing", "new")}
    paths |= {"class": a_class, "marks": marks}
    argv, words = argv.format_map(paths).split(" "), words.format_map(paths)
    before = written_files(marks)
    with pytest.raises(SystemExit, match="2"):
        main(["grade", *argv])
    assert words in capsys.readouterr().err
    assert written_files(marks) == before


def test_no_sandbox_says_in_capitals_what_it_means(cluster, tmp_path, capsys):
    (tmp_path / "submissions").mkdir()
    (tmp_path / "submissions" / "anna.ipynb").write_bytes(answered())
    argv = [str(tmp_path / "submissions"), "--out", str(tmp_path / "marks"), "--no-sandbox", *at(cluster)]
    assert main(["grade", *argv]) == 0
    assert "NO SANDBOX: STUDENTS' CODE RUNS AS YOU" in capsys.readouterr().err
    assert rows(tmp_path / "marks" / "marks.csv")[0]["total"] == "5"


def test_cells_may_be_doubled_renamed_reordered_and_missing(cluster, tmp_path):
    by_position, jaggedness, mean_loss = RIGHT.values()
    cells = [
        cell(mean_loss, "answer-bug-padded-loss"),
        cell(IMPORTS, "imports"),
        cell(WRONG, "answer-jaggedness"),
        cell(jaggedness, "other-id", nbgrader={"grade_id": "answer-jaggedness"}),
        cell(STUB, "answer-jaggedness"),
        cell(by_position, "renamed"),
    ]
    (tmp_path / "submissions").mkdir()
    (tmp_path / "submissions" / "anna.ipynb").write_bytes(notebook(*cells))
    assert main(["grade", str(tmp_path / "submissions"), "--out", str(tmp_path / "marks"), *at(cluster)]) == 0
    (row,) = rows(tmp_path / "marks" / "marks.csv")
    assert [row[name] for name in POINTS] == ["2", "1", "2"]
    assert "the cell answer-jaggedness is there 3 times" in row["state"]
    assert "the cell answer-accuracy-by-position is missing" in row["state"]


def test_a_worker_that_dies_costs_nothing_but_time(many, cluster, tmp_path):
    run = command(many, "--out", tmp_path / "marks", "--seed", "3", *at(cluster))
    while len(list((tmp_path / "marks").glob("results/*.json"))) < 2:
        assert run.poll() is None, run.stderr.read()
        time.sleep(0.02)
    worker = next(iter(cluster.workers.values())).process.process
    os.kill(worker.pid, signal.SIGKILL)
    out, err = run.communicate()
    assert run.returncode == 0, err
    assert out.startswith("4 of 4 marked, seed 3")
    assert len(rows(tmp_path / "marks" / "marks.csv")) == 4
