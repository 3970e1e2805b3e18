"""What goes into a gradebook is text: in nbgrader's own templates nothing of a student's is live."""

import html.parser
import json
import os
import re
import shutil
import sys
import tempfile
import traceback
from pathlib import Path

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter
from nbgrader.api import Gradebook
from nbgrader.server_extensions.formgrader import handlers
from submissions import cell, notebook
from traitlets.config import Config

from seq2seq_lab.grading import manual_grades
from seq2seq_lab.grading.assignment import read_assignment
from seq2seq_lab.grading.gradebook import Course
from seq2seq_lab.grading.isolation import Limits
from seq2seq_lab.grading.marks import ManualGrade, Marks
from seq2seq_lab.grading.marks_folder import MarksFolder

pytestmark = pytest.mark.slow
ORDINARY = 54321  # a user's number
TEXTS = [  # what a browser might obey, in each of the ways that markdown, HTML and MathJax have
    "<img src=x onerror=alert(1)>",
    "a <script>alert(1)</script> b",
    "</pre><svg onload=alert(1)>",
    "</PRE >\n\n<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "[click](javascript:alert(1)) ![x](javascript:alert(1)) [a](data:text/html,<script>alert(1)</script>)",
    "[r]\n\n[r]: javascript:alert(1)",
    "<javascript:alert(1)> <https://192.0.2.1/> https://192.0.2.1/x.png",
    "$\\href{javascript:alert(1)}{x}$ $$\\style{x}{y}$$ \\\\(\\href{javascript:alert(1)}{x}\\\\)",
    "<!-- --><img src=x onerror=alert(1)><!-- -->",
    "&lt;img src=x onerror=alert(1)&gt; &#60;b&#62; \\<b\\>",
    "```html\n<b onclick=alert(1)>\n```\n\n<b onclick=alert(1)>",
    "    <b>\n\n* <b>\n\n| a | <b> |\n|---|---|\n| ![](attachment:a.png) | ![](files/x) |",
    "%%html\n<img src=x onerror=alert(1)>",
    "\"><img src=x onerror=alert(1)> '><b>",
]
TEMPLATES = Config()
TEMPLATES.HTMLExporter.extra_template_basedirs = [handlers.template_path]
STYLES = Path(handlers.static_path) / "node_modules" / "bootstrap" / "dist" / "css"
TEMPLATES.HTMLExporter.extra_template_paths = [str(STYLES)]
FORMGRADER = {
    "index": 0,
    "total": 1,
    "base_url": "",
    "student": "anna",
    "last_name": None,
    "first_name": None,
}
FORMGRADER |= {"notebook_path": "", "assignment_id": "lab", "notebook_id": "lesson", "submission_id": "1"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A course after `nbgrader generate_assignment`, with one notebook of one exercise and one question."""
    root = tmp_path_factory.mktemp("made")
    (root / "source" / "lab").mkdir(parents=True)
    part = {"schema_version": 3, "grade": False, "solution": False, "locked": False, "task": False}
    cells = [
        cell("## 1", "one", "markdown"),
        cell("", "answer-jaggedness", nbgrader={**part, "grade_id": "answer-jaggedness", "solution": True}),
        cell(
            "",
            "check-jaggedness",
            nbgrader={**part, "grade_id": "check-jaggedness", "grade": True, "points": 1},
        ),
        cell("Why?", "two", "markdown"),
        cell(
            "",
            "written-jagged",
            "markdown",
            nbgrader={**part, "grade_id": "written-jagged", "solution": True, "grade": True, "points": 1},
        ),
    ]
    (root / "source" / "lab" / "lesson.ipynb").write_bytes(notebook(*cells))
    with pytest.MonkeyPatch.context() as patch:  # nbgrader calls `alembic` by its name
        patch.setenv("PATH", os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]))
        gradebook = Gradebook(f"sqlite:///{root / 'gradebook.db'}")
    with gradebook:
        gradebook.add_assignment("lab")
        gradebook.add_notebook("lesson", "lab")
        where = "lesson", "lab"
        gradebook.add_grade_cell("check-jaggedness", *where, max_score=1, cell_type="code")
        gradebook.add_grade_cell("written-jagged", *where, max_score=1, cell_type="markdown")
        gradebook.add_solution_cell("written-jagged", *where)
        gradebook.add_solution_cell("answer-jaggedness", *where)
    return root


@pytest.fixture
def course(made, tmp_path):
    """A copy of it."""
    return Path(shutil.copytree(made, tmp_path / "course"))


def entered(course, *students, text="", code="", state="wrong", comment="", **exercise):
    """Enter marks with these texts; what the command is told."""
    lessons = read_assignment(course / "source" / "lab")
    with MarksFolder(course.parent / "marks", lessons, Limits(), True, 7, {}) as folder:
        (task,), (question,) = lessons[0].tasks, lessons[0].questions
        for student in students:
            mark = {
                "lesson": "lesson",
                "name": task.name,
                "task": "",
                "most": 1,
                "code": code,
                "state": state,
            }
            answer = {"lesson": "lesson", "name": question.name, "most": 1, "state": "waits", "text": text}
            marks = {"student": student, "notes": [], "exercises": [mark | exercise], "written": [answer]}
            marks = Marks.from_json(json.dumps(marks | {"digest": ""}))
            folder.write_marks(marks)
            answer = marks.answer("lesson", question.name)
            folder.write_grades({manual_grades.answer_id(7, student, answer): ManualGrade(None, comment)})
        return Course(course, None, folder).write()


def rendered(course, template):
    """A page, as Formgrader or nbgrader's feedback makes it."""
    path = course / "autograded" / "anna" / "lab" / "lesson.ipynb"
    resources = dict(FORMGRADER)
    shown = nbformat.read(path, as_version=4)
    if template == "feedback":
        with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
            comment = gradebook.find_comment("written-jagged", "lesson", "lab", "anna").comment
        for each in shown.cells:
            if "nbgrader" in each.metadata:
                each.metadata.nbgrader |= {"score": 0, "points": 1}
                each.metadata.nbgrader["comment"] = comment if each.id == "written-jagged" else None
        resources = {"nbgrader": {"notebook": "lesson", "score": 0, "max_score": 1, "late_penalty": 0}}
    page, _ = HTMLExporter(config=TEMPLATES, template_name=template).from_notebook_node(
        shown, resources=resources
    )
    return page


class Skeleton(html.parser.HTMLParser):
    """The tags of a page with their attributes, and the text between them."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        if tag != "span":  # how code is coloured
            self.tags.append((tag, attributes))

    def handle_comment(self, data):
        self.tags.append(("comment", data))

    def handle_data(self, data):
        self.text.append(data)


PLACES = ["text", "code", "message", "hint", "comment"]


@pytest.mark.parametrize("template", ["formgrade", "feedback"])
def test_whatever_a_student_writes_a_page_has_the_tags_that_it_has_anyway(course, template):
    entered(course, "anna", **dict.fromkeys(PLACES, "nothing"))
    plain = Skeleton(rendered(course, template))
    assert "nothing" in "".join(plain.text)
    written = "\n\n".join(TEXTS)
    for place in PLACES:
        entered(course, "anna", **dict.fromkeys(PLACES, "nothing") | {place: written})
        page = Skeleton(rendered(course, template))
        if place == "comment":  # is markdown still: paragraphs, lists and tables are none of the harm
            harmless = {"p", "code", "pre", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "div"}
            extra = [tag for tag in page.tags if tag not in plain.tags]
            assert {name for name, _ in extra} <= {*harmless, "a"}
            for name, has in extra:
                assert dict(has).keys() <= {"class", "href"}
                assert dict(has).get("href", "https://").startswith("https://"), name
        else:
            marked = re.compile("code")  # what stands between backticks in a message
            assert [tag for tag in page.tags if not marked.fullmatch(tag[0])] == [
                tag for tag in plain.tags if not marked.fullmatch(tag[0])
            ]


def test_an_answer_in_words_is_read_as_it_was_written(course):
    entered(course, "anna", text="\n\n".join(TEXTS))
    page = "".join(Skeleton(rendered(course, "formgrade")).text)
    assert "\n\n".join(TEXTS) in page


def test_mathjax_is_told_to_leave_alone_what_a_student_wrote(course):
    formula = "$\\href{javascript:alert(1)}{x}$"
    entered(course, "anna", text=formula, code=formula, message=formula, hint=formula)
    page = rendered(course, "formgrade")
    page = re.sub(r"<pre.*?</pre>|<div class=\"tex2jax_ignore\">.*?</div></div>", "", page, flags=re.DOTALL)
    assert "href{" not in page
    assert ",Safe" in page


def test_a_name_that_formgrader_would_obey_is_not_entered_and_is_said(course):
    bad = ['"; alert(1); "', "<img src=x onerror=alert(1)>", "a\\", "a/b", "..", "a\u2028b", "</script>"]
    said = entered(course, "anna", *bad, "Sinéad O'Brien & Co")
    assert len(said) == len(bad)
    assert all(any(repr(name) in line for line in said) for name in bad)
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        assert {student.id for student in gradebook.students} == {"anna", "Sinéad O'Brien & Co"}
    assert {p.name for p in (course / "autograded").iterdir()} == {"anna", "Sinéad O'Brien & Co"}


def test_a_stopped_answer_is_shown_as_stopped_and_a_missing_one_as_not_answered(course):
    for state, words in [("stopped", "stopped"), ("missing", "not answered yet"), ("wrong", "not right")]:
        entered(course, "anna", state=state)
        assert f"jaggedness: {words}</b>" in rendered(course, "formgrade")


def test_a_timestamp_that_is_none_costs_nothing(course):
    for student, content in {"anna": b"soon", "bob": b"\xff", "cleo": b"2026-01-02 03:04:05 UTC"}.items():
        stamp = course / "submitted" / student / "lab" / "timestamp.txt"
        stamp.parent.mkdir(parents=True)
        stamp.write_bytes(content)
    assert entered(course, "anna", "bob", "cleo") == []
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        assert gradebook.find_submission("lab", "anna").timestamp is None
        assert str(gradebook.find_submission("lab", "cleo").timestamp) == "2026-01-02 03:04:05"


def as_ordinary_user(act):
    """Have a copy of this process do something as a user who is not root; its exit status.

    The copy has all imported that such a user might not be allowed to read.
    """
    child = os.fork()
    if not child:
        status = 1
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(ORDINARY)
                os.setuid(ORDINARY)
            act()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_what_autograde_left_read_only_is_replaced_by_an_ordinary_user(course, tmp_path):
    """As root nothing is read-only, so another user tries."""
    entered(course, "anna", text="before")
    shutil.rmtree(tmp_path / "marks")
    path = course / "autograded" / "anna" / "lab" / "lesson.ipynb"
    path.chmod(0o444)
    path.parent.chmod(0o555)
    if os.geteuid() == 0:
        for each in (tmp_path, *tmp_path.rglob("*")):
            os.chown(each, ORDINARY, ORDINARY)
        for parent in tmp_path.parents:
            if parent.is_relative_to(tempfile.gettempdir()) and parent.stat().st_uid == 0:
                parent.chmod(parent.stat().st_mode | 0o055)  # pytest's own, for this user alone
    assert as_ordinary_user(lambda: path.write_text("")) == 1
    assert as_ordinary_user(lambda: entered(course, "anna", text="anew")) == 0
    assert "anew" in path.read_text()


def test_a_gradebook_that_is_none_and_a_source_that_is_gone_are_named(course):
    (course / "source" / "lab" / "lesson.ipynb").rename(course / "lesson.ipynb")
    lessons = read_assignment(course)
    with MarksFolder(course.parent / "marks", lessons, Limits(), True, 7, {}) as folder:
        with pytest.raises(ValueError, match=r"nbgrader must have the notebooks of .*, but .*No such file"):
            Course(course, None, folder)
        (course / "gradebook.db").write_text("none " * 1000)
        with pytest.raises(ValueError, match=r"nbgrader must be a course, but .* is no gradebook"):
            Course(course, None, folder)
