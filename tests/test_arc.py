"""The arc of a lesson: work where it bites, a guess before each reveal, sittings that it fits into.

How long a student takes is reckoned by a rule:

- 150 words a minute of text, a picture 15 words, and ten lines of code a minute;
- half a minute for each guess;
- for an exercise what its head says, its own text, code and answer in words included;
- for each "Try it" what it says.

Not counted: optional exercises and sections, folded assertions, the sources at the end.
"""

import re
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
SITTINGS = {  # lessons, with the sections that a further sitting begins with
    "1-encoder-decoder": ["## 5 "],
    "2-attention": [],
    "3-decoding": [],
    "4-failures": [],
    "5-transformer": [],
}
SITTING = 75  # minutes
HEAD = re.compile(r"### Exercise (\d+): .+\n\n\*(\d+) minutes · (★+)(☆*) · (required|optional)\*\n\n")
TRY_IT = re.compile(r"\*\*Try it\*\* \((\d+) minutes?\)")
GRADED = re.compile(r"(sick|answer|check|written|exercise)-.*")


class Cell:
    """A cell: whether it belongs to an exercise, the minutes it takes, whether there is something to do."""

    def __init__(self, cell, exercise):
        self.id, self.source, self.exercise = cell.id, cell.source, exercise
        self.is_code = cell.cell_type == "code"
        self.is_band = "band" in cell.metadata.get("tags", [])
        self.is_hidden = cell.metadata.get("jupyter", {}).get("outputs_hidden", False)
        self.tries = sum(map(int, TRY_IT.findall(self.source)))
        self.is_guess = self.id.startswith("guess-")
        self.acts = bool(self.tries or self.is_guess or HEAD.match(self.source))
        self.minutes = self.tries + self._minutes()

    def _minutes(self):
        if head := HEAD.match(self.source):
            return int(head[2]) if head[5] == "required" else 0
        if self.is_guess:
            return 0.5
        if self.is_band or (self.exercise and GRADED.fullmatch(self.id)):
            return 0
        if self.is_code:
            return len(self.source.splitlines()) / 10
        words = re.sub(r"\(data:.*\)", "", self.source).split()
        return (15 if "![" in self.source else len(words)) / 150


def read(cells):
    exercise, found = None, []
    for cell in cells:
        if cell.source.startswith("## Sources"):
            break
        if cell.cell_type == "markdown" and cell.source.startswith("#"):
            exercise = HEAD.match(cell.source)
        found.append(Cell(cell, exercise))
    return found


@pytest.fixture(params=SITTINGS)
def name(request):
    return request.param


@pytest.fixture
def cells(name):
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells


@pytest.fixture
def lesson(cells):
    return read(cells)


def sections(lesson):
    """The cells of each section, by its title."""
    starts = [i for i, cell in enumerate(lesson) if cell.source.startswith("## ")]
    ends = [*starts[1:], len(lesson)]
    return {lesson[a].source.splitlines()[0]: lesson[a:b] for a, b in zip(starts, ends, strict=True)}


def required(lesson):
    """The cells of all sections but those marked as optional."""
    optional = [cells for title, cells in sections(lesson).items() if title.endswith("(optional)")]
    left_out = {cell.id for cells in optional for cell in cells}
    return [cell for cell in lesson if cell.id not in left_out]


def test_it_fits_into_its_sittings(lesson, name):
    minutes = [0]
    for cell in required(lesson):
        if any(cell.source.startswith(title) for title in SITTINGS[name]):
            minutes.append(0)
        minutes[-1] += cell.minutes
    assert len(minutes) == len(SITTINGS[name]) + 1
    assert max(minutes) <= SITTING, minutes
    assert min(minutes) > SITTING / 2  # or the rule has lost most of the lesson


def test_there_is_something_to_do_at_least_every_ten_minutes(lesson):
    waited, longest = 0, 0
    for cell in lesson:
        if cell.acts:
            waited = 0
        else:
            waited += cell.minutes
            longest = max(longest, waited)
    assert 1 < longest <= 10


def test_each_section_has_an_exercise_and_something_to_try(lesson):
    for title, cells in sections(lesson).items():
        assert any(HEAD.match(cell.source) for cell in cells), title
        assert any(cell.tries for cell in cells), title


def test_sections_and_exercises_are_numbered(lesson):
    titles = [*sections(lesson)]
    assert [int(title.split()[1]) for title in titles] == [*range(1, len(titles) + 1)]
    heads = [HEAD.match(cell.source) for cell in lesson if re.fullmatch(r"exercise-\d+", cell.id)]
    assert [int(head[1]) for head in heads] == [*range(1, len(heads) + 1)]
    assert {len(head[3] + head[4]) for head in heads} == {3}


def test_every_answer_stands_below_the_head_of_its_exercise(lesson):
    answers = [cell for cell in lesson if re.match("(answer|written)-", cell.id)]
    assert len(answers) > 2
    assert [cell.id for cell in answers if not cell.exercise] == []


def test_first_code_of_ones_own_comes_early(lesson):
    assert [cell.id.startswith("answer-") for cell in lesson].index(True) < 30


def test_a_guess_is_asked_for_before_each_reveal_and_the_reveal_is_hidden(lesson, name):
    guesses = {}
    for i, cell in enumerate(lesson):
        if cell.is_guess:
            assert lesson[i - 1].source.startswith("**Guess first.**")
            guesses |= dict.fromkeys(re.findall(r'"([^"]+)"', cell.source), i)
    assert len(guesses) >= (8 if name == "1-encoder-decoder" else 4)
    for guess, i in guesses.items():
        shows = [j for j, cell in enumerate(lesson) if f'"{guess}"' in cell.source and j != i]
        assert min(shows) > i, guess
        assert shows[0] - i <= 2, guess  # behind it, at most a text in between
        assert all(lesson[j].is_hidden or lesson[j].is_band for j in shows), guess
    assert sum(cell.is_hidden for cell in lesson) >= len({*guesses.values()})


def test_numbers_are_shown_instead_of_true(cells):
    for cell in cells:
        if cell.cell_type == "code" and cell.id != "birthday":
            shown = "".join(o.get("text", "") + o.get("data", {}).get("text/plain", "") for o in cell.outputs)
            assert not re.search(r"\b(True|False)$", shown, re.MULTILINE), cell.id


def test_assertions_stand_in_folded_cells_of_their_own(cells):
    folded = [c.id for c in cells if c.metadata.get("jupyter", {}).get("source_hidden")]
    assert folded == [c.id for c in cells if "band" in c.metadata.get("tags", [])]
    for cell in cells:
        has = cell.cell_type == "code" and re.search(r"\bassert\b|np\.testing", cell.source)
        assert bool(has) == (cell.id in folded), cell.id


def test_cells_are_short(lesson):
    lines = sorted(len(cell.source.splitlines()) for cell in lesson if cell.is_code)
    assert lines[-1] <= 20
    assert lines[len(lines) // 2] <= 7
