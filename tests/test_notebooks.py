"""The committed notebooks: fresh, self-contained, and with the cells that later checks lean on.

That their outputs come out again is nbval's part: plain `pytest` collects the notebooks themselves.
"""

import importlib.util
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
EXERCISES = {"1-encoder-decoder": 7, "2-attention": 6, "3-decoding": 4}
GUESSES = {"1-encoder-decoder": 2, "2-attention": 2, "3-decoding": 5}
PICTURES = {"1-encoder-decoder": 4, "2-attention": 1, "3-decoding": 0}


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
    assert [path.name for path in NOTEBOOKS] == [f"{name}.ipynb" for name in EXERCISES]


def test_is_valid_and_current(notebook):
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)


def test_was_executed_in_one_go(code):
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))


def test_every_cell_that_shows_something_has_its_output(code):
    shows = re.compile(r"^(?! ).*\b(print\w*|plot_\w+|\w+_table)\(", re.MULTILINE)
    silent = [cell.id for cell in code if shows.search(cell.source) and not cell.outputs]
    assert silent == []


def test_no_error_and_nothing_on_stderr(code):
    outputs = [output for cell in code for output in cell.outputs]
    assert [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"] == []


def test_names_no_machine(path):
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"/(?:root|home|work|tmp|Users)/|[A-Z]:\\\\\\\\", text) == []


def test_is_small(path):
    assert path.stat().st_size < 1_000_000


def test_cells_have_descriptive_ids(notebook):
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert [i for i in ids if not re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", i)] == []


def test_every_exercise_has_its_answer_cell(notebook, path):
    ids = [cell.id for cell in notebook.cells]
    exercises = [i for i in ids if re.fullmatch(r"exercise-\d+", i)]
    assert exercises == [f"exercise-{n + 1}" for n in range(EXERCISES[path.stem])]
    for exercise in exercises:
        answer = exercise.replace("exercise", "answer")
        assert ids.index(exercise) < ids.index(answer) <= ids.index(exercise) + 2


def test_guesses_are_asked_for_before_something_is_shown(notebook, path):
    cells = notebook.cells
    guesses = [i for i, cell in enumerate(cells) if cell.id.startswith("guess-")]
    assert len(guesses) == GUESSES[path.stem]
    for i in guesses:
        assert cells[i].source == "*Your guess:*"
        assert "**Guess first" in cells[i - 1].source
        assert any(cell.get("outputs") for cell in cells[i + 1 : i + 4])


def test_no_state_of_widgets_is_kept(notebook):
    """A renderer that knows it would draw a panel that nothing moves."""
    assert "widgets" not in notebook.metadata


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


def test_readme_table_is_that_of_the_settings():
    from seq2seq_lab.settings import settings_table

    assert settings_table() in (ROOT / "README.md").read_text(encoding="utf-8")


def _script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "images" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
