"""The committed notebooks: fresh, self-contained, made from their source, and with the cells to be graded.

That their outputs come out again is nbval's part: plain `pytest` collects the students' notebooks themselves.
"""

import importlib.util
import inspect
import re
from pathlib import Path

import nbformat
import pytest

from seq2seq_lab.exercises import exercises_of

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SOURCES = sorted((ROOT / "notebooks" / "source").glob("*.ipynb"))
WRITTEN = {
    "1-encoder-decoder": {
        "performance": 3,
        "shapes": 2,
        "copying": 3,
        "reshape": 2,
        "jagged": 2,
        "clinic": 4,
    },
    "2-attention": {
        **{"map": 3, "mean-weights": 3, "why-attention": 2, "with-without": 3, "twenty": 3, "clipping": 2},
        "clinic": 2,
    },
    "3-decoding": {"scores": 3, "clinic": 2},
    "4-failures": {"schedule": 3, "lengths": 4, "faithful": 3},
    "5-transformer": {"shuffled": 2, "where-gru-wins": 3, "offsets": 3, "one-block": 2},
    "6-speed": {},  # nothing is handed in
}
GUESSES = {
    "1-encoder-decoder": 12,
    "2-attention": 9,
    "3-decoding": 7,
    "4-failures": 8,
    "5-transformer": 16,
    "6-speed": 8,
}
DOTS = re.compile(r'lab\.guess\(("[^"]+", \.\.\.|\{("[^"]+": \.\.\.(, )?)+\})\)')  # as handed out
PICTURES = {
    "1-encoder-decoder": 4,
    "2-attention": 1,
    "3-decoding": 0,
    "4-failures": 0,
    "5-transformer": 1,
    "6-speed": 0,
}


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return nbformat.read(path, as_version=4)


@pytest.fixture
def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_notebooks():
    assert [path.name for path in NOTEBOOKS] == [f"{name}.ipynb" for name in WRITTEN]


def test_is_valid_and_current(notebook):
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)


def test_was_executed_in_one_go(code):
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))


def test_every_cell_that_shows_something_has_its_output(code):
    shows = re.compile(r"^(?! ).*\b(print\w*|plot_\w+|\w+_table)\(", re.MULTILINE)
    silent = [cell.id for cell in code if shows.search(cell.source) and not cell.outputs]
    assert silent == []


def test_no_error_no_warning_and_nothing_on_stderr(code):
    outputs = [output for cell in code for output in cell.outputs]
    assert [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"] == []
    assert [o for o in outputs if "WARNING" in o.get("text", "")] == []


def test_names_no_machine(path):
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"/(?:root|home|work|tmp|Users)/|[A-Z]:\\\\\\\\", text) == []


def test_is_small(path):
    assert path.stat().st_size < 1_000_000


def test_cells_have_descriptive_ids(notebook):
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert [i for i in ids if not re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", i)] == []


def test_headings_of_exercises_are_numbered(notebook, path):
    ids = [cell.id for cell in notebook.cells]
    exercises = [i for i in ids if re.fullmatch(r"exercise-\d+", i)]
    assert exercises == [f"exercise-{n + 1}" for n in range(len(exercises))]
    assert bool(exercises) == bool(exercises_of(NOTEBOOKS.index(path) + 1))


def graded(cells):
    """nbgrader's metadata by cell, without its checksums."""
    kept = "grade", "solution", "locked", "task", "points"
    marks = {cell.id: cell.metadata["nbgrader"] for cell in cells if "nbgrader" in cell.metadata}
    assert all(mark["grade_id"] == i and mark["schema_version"] == 3 for i, mark in marks.items())
    return {i: tuple(mark.get(key) for key in kept) for i, mark in marks.items()}


def test_cells_to_be_graded_are_those_of_the_exercises_with_their_points(notebook, path):
    """Names and points are for ever: gradebooks know them."""
    exercises = exercises_of(NOTEBOOKS.index(path) + 1)
    answers = {f"answer-{e.name}": (False, True, False, False, None) for e in exercises}
    checks = {f"check-{e.name}": (True, False, True, False, e.points) for e in exercises}
    written = {f"written-{n}": (True, True, False, False, p) for n, p in WRITTEN[path.stem].items()}
    assert graded(notebook.cells) == answers | checks | written


def test_an_answer_is_followed_by_its_check(notebook, path):
    cells = notebook.cells
    for exercise in exercises_of(NOTEBOOKS.index(path) + 1):
        (i,) = (i for i, cell in enumerate(cells) if cell.id == f"answer-{exercise.name}")
        assert cells[i + 1].source == f'lab.check("{exercise.name}", {exercise.function})'
        (output,) = cells[i + 1].outputs
        assert output.data["text/plain"] == "0"
        assert f"○ {exercise.name}: not answered yet" in output.data["text/html"]


def test_answers_have_the_name_and_the_arguments_of_their_reference(notebook, path):
    for exercise in exercises_of(NOTEBOOKS.index(path) + 1):
        arguments = inspect.signature(exercise.reference).parameters.values()
        required = ", ".join(a.name for a in arguments if a.default is inspect.Parameter.empty)
        for cells in (notebook.cells, source_of(path).cells):
            (cell,) = (cell for cell in cells if cell.id == f"answer-{exercise.name}")
            assert re.search(rf"^def {exercise.function}\({required}\):$", cell.source, re.MULTILINE)


def solution_in(source):
    """What stands between the marks in a cell of an instructor's notebook."""
    return re.search(r"BEGIN SOLUTION[^\n]*\n(.*)\n[^\n]*END SOLUTION", source, re.DOTALL)[1].strip()


def source_of(path):
    return nbformat.read(path.parent / "source" / path.name, as_version=4)


def test_is_made_from_its_source(notebook, path):
    """Released anew, every cell is as committed, but for what executing it has added."""
    release = _script("release", ROOT / "notebooks" / "source")
    kept = "id", "cell_type", "metadata", "source"
    anew, committed = (
        [{key: cell[key] for key in kept} for cell in cells]
        for cells in (release.released(source_of(path)).cells, notebook.cells)
    )
    assert anew == committed


def test_has_no_solution_and_no_rubric(notebook, path):
    text = path.read_text(encoding="utf-8")
    assert re.findall("SOLUTION|HIDDEN|MARK SCHEME|Rubric", text) == []
    for cell in source_of(path).cells:
        if "BEGIN SOLUTION" in cell.source:
            assert not any(solution_in(cell.source) in other.source for other in notebook.cells)


def test_source_has_a_solution_and_a_rubric_for_all_that_is_asked(path):
    cells = source_of(path).cells
    rubrics = "\n".join(c.source.split("BEGIN HIDDEN TESTS")[1] for c in cells if "BEGIN HIDDEN" in c.source)
    for cell in cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            assert re.search("BEGIN SOLUTION.*END SOLUTION", cell.source, re.DOTALL)
    for name, points in WRITTEN[path.stem].items():
        rubric = re.search(
            rf'Rubric for "{name}" .*?, {points} points(.*?)(?=# Rubric|\Z)', rubrics, re.DOTALL
        )[1]
        assert rubric.count("1 point: ") == points or f"{points} points, 1 for each" in rubrics


def test_source_is_committed_without_outputs(path):
    code = [cell for cell in source_of(path).cells if cell.cell_type == "code"]
    assert [cell.id for cell in code if cell.outputs or cell.execution_count] == []


def test_all_that_no_check_needs_is_tagged_so_that_grading_can_skip_it(code):
    """The lesson, the patients of the clinic, and cells for experiments, in which students train."""
    needed = re.compile(r"(setup|imports|progress|(answer|check)-.*)")
    tagged = {cell.id for cell in code if "lesson" in cell.metadata.get("tags", [])}
    assert tagged == {cell.id for cell in code if not needed.fullmatch(cell.id)}


def test_guesses_are_asked_for_before_something_is_shown(notebook, path):
    cells = notebook.cells
    guesses = [i for i, cell in enumerate(cells) if cell.id.startswith("guess-")]
    assert len(guesses) == GUESSES[path.stem]
    for i in guesses:
        assert cells[i].source == "*Your guess:*" or DOTS.fullmatch(cells[i].source)
        assert "**Guess first" in cells[i - 1].source
        assert any(cell.get("outputs") for cell in cells[i + 1 : i + 4])


def test_no_state_of_widgets_is_kept(notebook):
    """A renderer that knows it would draw a panel that nothing moves."""
    assert "widgets" not in notebook.metadata


def test_whoever_has_no_package_reads_before_the_first_code_what_to_do(notebook):
    first = next(i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    assert "import seq2seq_lab" in notebook.cells[first].source
    words = notebook.cells[first - 1].source
    assert all(word in words for word in ("No module named", "README", "%pip install")), words


def test_cells_are_short(code, notebook):
    lines = sorted(len(cell.source.splitlines()) for cell in code)
    words = sorted(len(cell.source.split()) for cell in notebook.cells if cell.cell_type == "markdown")
    assert lines[len(lines) // 2] <= 8
    assert lines[-1] <= 25
    assert words[-2] <= 120  # the longest may be the list of sources


def test_pictures_are_inside_with_their_description(notebook, path):
    embed = _script("embed")
    pictures = [cell for cell in notebook.cells if cell.id.startswith("picture-")]
    assert len(pictures) == PICTURES[path.stem]
    for cell in pictures:
        assert cell.source == embed.picture(cell.id)
        assert re.match(r"!\[.{40,}\]", cell.source)
    others = [cell.id for cell in notebook.cells if "![" in cell.source and cell not in pictures]
    assert others == []


def test_every_picture_is_shown():
    shown = {cell.id for path in NOTEBOOKS for cell in nbformat.read(path, as_version=4).cells}
    assert {f"picture-{name.removesuffix('.svg')}" for name in _script("draw").PICTURES} <= shown


def test_links_lead_to_notebooks_and_their_names_say_so(notebook, path):
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if not link.startswith(("http", "data:"))]
    assert links  # each is linked to another
    assert {path.with_name(link) for link in links} <= set(NOTEBOOKS) - {path}


def test_pictures_are_as_draw_draws_them():
    draw = _script("draw")
    for name, picture in draw.PICTURES.items():
        assert picture() == (ROOT / "images" / name).read_text(encoding="utf-8"), name


def _script(name, folder=ROOT / "images"):
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_sections_that_the_package_names_are_there():
    found = 0
    for path in (ROOT / "seq2seq_lab").rglob("*.py"):
        text = " ".join(path.read_text(encoding="utf-8").split())
        for names, number in re.findall(r'sections? ("[^.]*?") of notebook (\d)', text):
            cells = nbformat.read(NOTEBOOKS[int(number) - 1], as_version=4).cells
            titles = [line for cell in cells for line in cell.source.splitlines() if line.startswith("## ")]
            for name in re.findall('"([^"]+)"', names):
                assert any(name in title for title in titles), (path.name, name)
                found += 1
    assert found > 10
