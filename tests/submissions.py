"""Submissions for the tests of grading: a few answers, whole notebooks, and a class of any size.

python tests/submissions.py 1000 FOLDER     # a class of 1,000, its answers drawn from the corpus
"""

import inspect
import json
import os
import random
import re
import shutil
import sys
from pathlib import Path

import nbformat
import pytest

NEEDS_BUBBLEWRAP = pytest.mark.skipif(
    shutil.which("bwrap") is None and os.environ.get("SEQ2SEQ_LAB_SANDBOX") != "required",
    reason="the sandbox needs bubblewrap (on Debian: apt-get install bubblewrap)",
)
ROOT = Path(__file__).parent.parent
LESSONS = sorted((ROOT / "notebooks").glob("[1-5]-*.ipynb"))  # those that are handed in
IMPORTS = "import numpy as np"  # no TensorFlow, which takes seconds to load
RIGHT = {
    "accuracy-by-position": """
def by_position(said, wanted, mask):
    return (mask * (said == wanted)).sum(0) / mask.sum(0)
""",
    "jaggedness": """
def jaggedness(curve):
    return np.abs(np.diff(curve, 2)).mean()
""",
    "bug-padded-loss": """
def mean_loss(losses, mask):
    return (losses * mask).sum() / mask.sum()
""",
}
POINTS = {"accuracy-by-position": 2, "jaggedness": 1, "bug-padded-loss": 2}


def cell(source, name="", kind="code", **metadata):
    """A cell with this name."""
    made = {"cell_type": kind, "id": name or "extra", "metadata": metadata, "source": source}
    return {**made, "outputs": [], "execution_count": None} if kind == "code" else made


def notebook(*cells):
    """A notebook as bytes."""
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()


def answered(answers=RIGHT, written=None, before=()):
    """A submission of notebook 1 with these answers, and answers in words."""
    cells = [cell(IMPORTS, "imports"), *before]
    cells += [cell(source, f"answer-{name}") for name, source in answers.items()]
    cells += [cell(text, f"written-{name}", "markdown") for name, text in (written or {}).items()]
    return notebook(*cells)


def filled(folder, answers, words=None, lessons=None):
    """Write the students' own notebooks, with answers by the name of their cell."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in LESSONS:
        if lessons is None or path.stem in lessons:
            lesson = nbformat.read(path, as_version=4)
            for each in lesson.cells:
                each.source = answers.get(each.id, each.source)
                if words and each.id.startswith("written-"):
                    each.source = words
            nbformat.write(lesson, folder / path.name)


def alone(answer, function):
    """The source of an answer of the corpus, as it would stand in its cell, under the name `function`."""
    source = inspect.getsource(answer.function).partition("\n")[2]  # without its decorator
    source = re.sub(rf"\b{answer.function.__name__}\b", function, source)
    return f"import tensorflow as tf\n\n\n{source}" if re.search(r"\btf\.", source) else source


def class_of(n, folder, lessons=None, seed=0):
    """Write submissions of `n` students, whose answers are right in two of three cases, wrong or untouched.

    Returns:
        student -> exercise -> the label of the mistake in it, None where it is right, "open" where untouched.
    """
    from answers import ANSWERS

    from seq2seq_lab.grading.assignment import SOURCE, read_assignment

    rng, expected = random.Random(seed), {}
    asked = [t for each in read_assignment(SOURCE) if not lessons or each.name in lessons for t in each.tasks]
    for i in range(n):
        student = f"student-{i:05}"
        answers, expected[student] = {}, {}
        for task in asked:
            kind = rng.choices(["right", "wrong", "open"], [8, 3, 1])[0]
            fits = [a for a in ANSWERS if a.exercise == task.name and (a.label is None) == (kind == "right")]
            if kind == "open" or not fits:  # a new exercise need not be in the corpus
                expected[student][task.name] = "open"
                continue
            answer = rng.choice(fits)
            answers[f"answer-{task.name}"] = alone(answer, task.function)
            expected[student][task.name] = answer.label
        filled(folder / student, answers, f"because {i}", lessons)
    return expected


if __name__ == "__main__":
    class_of(int(sys.argv[1]), Path(sys.argv[2]))
