"""What the READMEs show is true: their Python runs, their commands are run, their numbers are today's."""

import dataclasses
import pathlib
import re
import shlex

import nbformat
import pytest
import test_arc
from test_notebooks import WRITTEN

import seq2seq_lab as lab
from seq2seq_lab.cli.arguments import make_parser, settings_table
from seq2seq_lab.cli.commands import COMMANDS
from seq2seq_lab.exercises import exercises_of

ROOT = pathlib.Path(__file__).parents[1]
DOORS = [
    ROOT / "README.md",
    *(ROOT / f"{name}/README.md" for name in ("notebooks", "seq2seq_lab", "tests", "images")),
]
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in DOORS}
PACKAGE = TEXTS["seq2seq_lab/README.md"]

# Who runs a command, or at least what it calls: a test, or a line of a script.
CHECK, WORKFLOW = ".ci/check", ".github/workflows/tests.yml"
RUN_BY = {
    r"python3 -m venv \.venv": f'{CHECK}: eval "$set_up"',
    r"pip install -e \.": f'{CHECK}: eval "$set_up"',
    r'pip install -e "?\.?\[(test|instructor)\]"?': f'{CHECK}: eval "$set_up"',
    r'pip install -e "\.\[test\]" -c tests/constraints/(colab|oldest)\.txt': f"{WORKFLOW}: PIP_CONSTRAINT",
    r"python3\.1[03] -m venv \.venv-(colab|oldest)": f"{WORKFLOW}: python-version",
    r"py -m venv \.venv": f"{WORKFLOW}: windows",
    r"coverage (run -m pytest -n auto --dist loadfile|combine -q|report)": f"{CHECK}: eval",
    r'(python -m )?pytest -m "not slow" -n auto --dist loadfile': f'{WORKFLOW}: pytest -m "not slow" -n auto',
    r"pytest( (tests|notebooks)/\S+)+": f"{CHECK}: eval",
    r"pytest -m gpu": f"{CHECK}: eval",
    r"ruff (format|check) \.": f"{CHECK}: ruff check .",
    r"lint-imports": f"{CHECK}: lint-imports",
    r"mypy": f"{CHECK}: mypy",
    r"repo-review \.": "tests/test_hygiene.py: test_nothing_is_false_but_what",
    r"\.ci/run": "tests/test_ci.py: test_each_check_runs",
    r"pip wheel --no-deps --wheel-dir dist \.": 'tests/test_packing.py: "wheel", "--no-deps"',
    r"nbgrader generate_assignment lab": 'tests/test_nbgrader.py: "generate_assignment lab"',
    r"nbgrader autograde( lab --Execute.skip_cells_with_tag=lesson --Execute.timeout=900)?": (
        'tests/test_nbgrader.py: "autograde lab --Execute.skip_cells_with_tag=lesson --Execute.timeout=900"'
    ),
    r"nbgrader generate_feedback lab": 'tests/test_nbgrader.py: "generate_feedback lab"',
    r"nbgrader export": 'tests/test_nbgrader.py: "export"',
    r"jupyter lab": 'tests/browsers.py: "-m", "jupyterlab"',
    r"sudo apt install bubblewrap libseccomp2": f"{CHECK}: bubblewrap",
    r"python notebooks/source/release\.py": "tests/test_notebooks.py: test_is_made_from_its_source",
    r"python images/draw\.py": "tests/test_images.py: images/draw.py",
    r"python images/embed\.py": "tests/test_images.py: images/embed.py",
    r"python images/page\.py( plain\.keras attention\.keras)?": "tests/test_images.py: images/page.py",
    r"python tests/reactions\.py images/page\.html": "tests/test_images.py: tests/reactions.py",
    r"python tests/grading_time\.py 4 12": "tests/test_images.py: tests/grading_time.py",
    r"python images/result\.py without\.json with\.json": "tests/test_images.py: images/result.py",
    r"python -m seq2seq_lab": 'tests/test_main.py: "-m", "seq2seq_lab"',
    r'python -c "from seq2seq_lab.cli.arguments import settings_table; .*"': (
        "tests/test_readme.py: assert settings_table() in PACKAGE"
    ),
}
PROGRAMS = r"\.venv\S*[/\\]|\.ci/|PYTHONPATH|for \w+ in |mypy$"
PROGRAMS += "|(python|pip|py|pytest|nbgrader|jupyter|seq2seq-lab|sudo|coverage|ruff|repo-review) "


def commands(text):
    """What a reader is told to type: lines of shell blocks, and spans of code that begin with a program."""
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    spans = [span for span in re.findall(r"`([^`\n]+)`", prose) if re.match(PROGRAMS, span)]
    for line in (line for whole in [*blocks, *spans] for line in whole.splitlines()):
        line = re.sub(r"\s+#.*|^#.*", "", line)
        for part in re.split(r" && |; (?=do |done)|^for .*?; ", line):
            part = re.sub(r"^do |^done\b.*$", "", part.strip())
            if part and not re.match(r"(mkdir|cp|cd|\.) ", part):  # the shell's own
                yield from filter(None, [re.sub(r"\.venv[\w-]*[/\\](bin|Scripts)[/\\]", "", part)])


SAID = [(name, command) for name, text in TEXTS.items() for command in dict.fromkeys(commands(text))]
OURS = sorted({command for _, command in SAID if command.startswith("seq2seq-lab")})
OTHERS = sorted({command for _, command in SAID} - {*OURS})


def test_commands_are_found_wherever_they_stand():
    text = "Type `pip install a` or `x = 1`.\n```bash\nruff check . && mypy   # both\n# only words\n```\n"
    assert [*commands(text)] == ["ruff check .", "mypy", "pip install a"]
    assert len(OURS) > 20
    assert len(OTHERS) > 20


@pytest.mark.parametrize("command", OTHERS)
def test_each_command_is_run_by_a_test_or_by_a_script(command):
    by = [by for pattern, by in RUN_BY.items() if re.fullmatch(pattern, command)]
    assert len(by) == 1, by
    path, _, words = by[0].partition(": ")
    assert words in (ROOT / path).read_text(encoding="utf-8")


def test_nobody_is_named_for_a_command_that_is_not_told():
    assert [p for p in RUN_BY if not any(re.fullmatch(p, command) for command in OTHERS)] == []


@pytest.fixture
def things(tmp_path, monkeypatch):
    """A folder with all that the READMEs' commands read."""
    for folder in ("SUBMISSIONS", "SUBMISSION", "course/submitted"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("COPY.csv", "WORKSHEET.csv", "model.keras", "attending.keras"):
        (tmp_path / file).touch()
    (tmp_path / "images").mkdir()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("command", OURS)
def test_the_labs_own_commands_have_these_arguments(command, things):
    """Each is run in the tests of its module; here it is read."""
    _, *argv = shlex.split(command.replace("$seed", "3").replace("/autograder/results/", ""))
    if len(argv) == 1 and argv[0] in {"--version", *COMMANDS}:  # one that needs more is only spoken of
        return
    args = make_parser(COMMANDS).parse_args(argv)
    assert args.run is COMMANDS[argv[0]]
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob("test_*.py"))
    assert re.search(rf'["\[ ]{argv[0]}[" ]', tests)
    for flag in re.findall(r" (--[\w-]+)", command):
        assert flag in tests, flag


def test_every_door_leads_somewhere():
    for name, text in TEXTS.items():
        links = re.findall(r"\]\(([^)]+)\)", text)
        for link in [link for link in links if not link.startswith("http")]:
            path, _, section = link.partition("#")
            target = (ROOT / name).parent / path
            assert target.exists(), (name, link)
            if section:
                titles = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
                assert section in [title.lower().replace(" ", "-") for title in titles], (name, link)
    inside = re.findall(r"\]\((\w+/README\.md)\)", TEXTS["README.md"])
    assert {*inside} == TEXTS.keys() - {"README.md"}


def test_the_front_page_is_short_and_nothing_is_said_twice():
    assert len(TEXTS["README.md"].splitlines()) <= 130
    lines = [line for text in TEXTS.values() for line in text.splitlines() if len(line) > 60]
    assert [line for line in {*lines} if lines.count(line) > 1] == []


def test_its_minutes_are_those_of_the_rule():
    told = dict(re.findall(r"^\| `(\S+)\.ipynb` \| ([\d +]+) \|", TEXTS["README.md"], re.MULTILINE))
    assert [*told] == [*WRITTEN]
    for name, minutes in told.items():
        cells = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells
        sittings = [0]
        for cell in test_arc.required(test_arc.read(cells)):
            if any(cell.source.startswith(title) for title in test_arc.SITTINGS.get(name, [])):
                sittings.append(0)
            sittings[-1] += cell.minutes
        numbers = [int(number) for number in minutes.split(" + ")]
        assert len(numbers) == len(sittings)
        assert all(0 <= n - s <= 8 for n, s in zip(numbers, sittings, strict=True)), (name, sittings)


def test_its_points_are_those_of_the_exercises():
    points = [
        sum(e.points for e in exercises_of(n)) + sum(WRITTEN[name].values())
        for n, name in enumerate(list(WRITTEN)[:5], 1)
    ]
    *most, last = map(str, points)
    by_checks = sum(e.points for e in exercises_of())
    words = f"The notebooks give {', '.join(most)} and {last} points, {by_checks} of them by checks"
    assert words in TEXTS["notebooks/README.md"]


def test_the_table_of_settings_is_made_from_them():
    assert settings_table() in PACKAGE


def test_a_module_for_each_line_of_the_plan_and_a_line_for_each_module():
    there = {path.name for path in (ROOT / "seq2seq_lab").glob("*.py")} - {"__init__.py", "__main__.py"}
    plan = re.search(r"```text\n(settings\.py.*?)```", PACKAGE, re.DOTALL)[1]
    assert {*re.findall(r"^(\w+\.py)", plan, re.MULTILINE)} == there
    rooms = {path.name for path in (ROOT / "seq2seq_lab").iterdir() if (path / "__init__.py").exists()}
    assert {*re.findall(r"^(\w+)/", plan, re.MULTILINE)} == rooms


@pytest.mark.slow
def test_its_python_runs_from_top_to_bottom(tmp_path, monkeypatch, capsys, without_xla):
    monkeypatch.chdir(tmp_path)
    trained, train = [], lab.train

    def on_fewer(model, **kwargs):
        trained.append(model)
        few = {"samples_per_epoch": 32, "validation_samples": 50}
        model.settings = dataclasses.replace(model.settings, **few)
        return train(model, 32, **kwargs)

    monkeypatch.setattr(lab, "train", on_fewer)
    monkeypatch.setattr(lab, "setup", lambda: None)  # the tests have called it
    assert [name for name, text in TEXTS.items() if "```python" in text] == ["seq2seq_lab/README.md"]
    blocks = re.findall(r"```python\n(.*?)```", PACKAGE, re.DOTALL)
    names = {}
    for block in blocks:
        exec(block, names)
    assert len(trained) == len(blocks) == 4
    assert [type(model.decoder).__name__ for model in trained] == [
        *("Decoder", "Decoder", "DecoderOnly", "Reminded"),
    ]
    assert lab.load("model.keras").samples_seen == 32
    model = names["model"]
    model.save("mine.keras")
    assert lab.load("mine.keras").translate(["one two"]) == model.translate(["one two"])
    assert lab.trace(model, "one two").written == model.translate(["one two"])[0]
    assert "token_accuracy" in capsys.readouterr().out
