"""The arc of notebook 1: work where it bites, a guess before each reveal, and two sittings that it fits into.

How long a student takes is reckoned by a rule:

- 150 words a minute of text, a picture 15 words, and ten lines of code a minute;
- half a minute for each guess;
- for an exercise what its head says, its own text, code and answer in words included;
- for each "Try it" what it says.

Not counted: optional exercises, folded assertions, the sources at the end.
"""

import re
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
CELLS = nbformat.read(NOTEBOOKS / "1-encoder-decoder.ipynb", as_version=4).cells
SECOND_SITTING = "## 5 "
SITTING = 75  # minutes
HEAD = re.compile(r"### Exercise (\d+): .+\n\n\*(\d+) minutes · (★+)(☆*) · (required|optional)\*\n\n")
TRY_IT = re.compile(r"\*\*Try it\*\* \((\d+) minutes\)")
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


LESSON = read(CELLS)
SECTIONS = [c.source.splitlines()[0] for c in LESSON if re.match(r"## \d+ ", c.source)]


def section(title):
    """The cells of a section."""
    titles = [i for i, cell in enumerate(LESSON) if cell.source.startswith("## ")]
    start = next(i for i in titles if LESSON[i].source.startswith(title))
    return LESSON[start : next((i for i in titles if i > start), len(LESSON))]


def test_it_fits_into_two_sittings():
    start = LESSON.index(section(SECOND_SITTING)[0])
    sittings = LESSON[:start], LESSON[start:]
    minutes = [sum(cell.minutes for cell in cells) for cells in sittings]
    assert max(minutes) <= SITTING, minutes
    assert sum(minutes) > SITTING  # or the rule has lost most of the lesson


def test_there_is_something_to_do_at_least_every_ten_minutes():
    waited, longest = 0, 0
    for cell in LESSON:
        if cell.acts:
            waited = 0
        else:
            waited += cell.minutes
            longest = max(longest, waited)
    assert 1 < longest <= 10


@pytest.mark.parametrize("title", SECTIONS)
def test_each_section_has_an_exercise_and_something_to_try(title):
    cells = section(title)
    assert any(HEAD.match(cell.source) for cell in cells)
    assert any(cell.tries for cell in cells)


def test_sections_and_exercises_are_numbered():
    assert [int(title.split()[1]) for title in SECTIONS] == [*range(1, len(SECTIONS) + 1)]
    heads = [HEAD.match(cell.source) for cell in LESSON if re.fullmatch(r"exercise-\d+", cell.id)]
    assert [int(head[1]) for head in heads] == [*range(1, len(heads) + 1)]
    assert {len(head[3] + head[4]) for head in heads} == {3}


def test_every_answer_stands_below_the_head_of_its_exercise():
    answers = [cell for cell in LESSON if re.match("(answer|written)-", cell.id)]
    assert len(answers) > 15
    assert [cell.id for cell in answers if not cell.exercise] == []


def test_first_code_of_ones_own_comes_early():
    assert [cell.id.startswith("answer-") for cell in LESSON].index(True) < 30


def test_a_guess_is_asked_for_before_each_reveal_and_the_reveal_is_hidden():
    guesses = {}
    for i, cell in enumerate(LESSON):
        if cell.is_guess:
            assert LESSON[i - 1].source.startswith("**Guess first.**")
            guesses |= dict.fromkeys(re.findall(r'"([^"]+)"', cell.source), i)
    assert len(guesses) >= 8
    for name, i in guesses.items():
        shows = [j for j, cell in enumerate(LESSON) if f'"{name}"' in cell.source and j != i]
        assert min(shows) > i, name
        assert shows[0] - i <= 2, name  # behind it, at most a text in between
        assert all(LESSON[j].is_hidden or LESSON[j].is_band for j in shows), name
    assert sum(cell.is_hidden for cell in LESSON) >= len({*guesses.values()})


def test_numbers_are_shown_instead_of_true():
    for cell in CELLS:
        if cell.cell_type == "code" and cell.id != "birthday":
            shown = "".join(o.get("text", "") + o.get("data", {}).get("text/plain", "") for o in cell.outputs)
            assert not re.search(r"\b(True|False)$", shown, re.MULTILINE), cell.id


def test_assertions_stand_in_folded_cells_of_their_own():
    folded = [c.id for c in CELLS if c.metadata.get("jupyter", {}).get("source_hidden")]
    assert folded == [c.id for c in CELLS if "band" in c.metadata.get("tags", [])]
    for cell in CELLS:
        has = cell.cell_type == "code" and re.search(r"\bassert\b|np\.testing", cell.source)
        assert bool(has) == (cell.id in folded), cell.id


def test_cells_are_short():
    lines = sorted(len(cell.source.splitlines()) for cell in LESSON if cell.is_code)
    assert lines[-1] <= 20
    assert lines[len(lines) // 2] <= 7
