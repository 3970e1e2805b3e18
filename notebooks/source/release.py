"""Make the students' notebooks from those in this folder: without solutions and rubrics, executed.

    python notebooks/source/release.py

What is taken away is nbgrader's own business: its preprocessors for `nbgrader generate_assignment` do it,
with their default settings, so a course that generates the assignment itself gets the same cells.
"""

from pathlib import Path

import nbformat
from nbconvert.preprocessors import ExecutePreprocessor
from nbformat import NotebookNode
from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import IncludeHeaderFooter, InstantiateTests, SaveCells

SOURCE = Path(__file__).parent
NEED_A_COURSE = IncludeHeaderFooter, InstantiateTests, SaveCells


def released(source: NotebookNode) -> NotebookNode:
    """A student's notebook from an instructor's, not executed."""
    notebook, resources = nbformat.from_dict(source), {}
    for preprocessor in GenerateAssignment().preprocessors:
        if preprocessor not in NEED_A_COURSE:
            notebook, resources = preprocessor().preprocess(notebook, resources)
    return notebook


def main() -> None:
    """Release and execute every notebook."""
    execute = ExecutePreprocessor(timeout=None, record_timing=False, store_widget_state=False)
    for path in sorted(SOURCE.glob("*.ipynb")):
        notebook = released(nbformat.read(path, as_version=4))
        target = SOURCE.parent / path.name
        execute.preprocess(notebook, {"metadata": {"path": str(target.parent)}})
        nbformat.write(notebook, target)


if __name__ == "__main__":
    main()
