"""The students' notebooks: where they lie, and copies of a student's own.

A checkout has them beside the package, an installed wheel inside of it.
"""

from __future__ import annotations

import os
import pathlib

from seq2seq_lab._internals.files import whole_file

PACKAGE = pathlib.Path(__file__).resolve().parents[1]
CHECKOUT, PACKED = PACKAGE.parent / "notebooks", PACKAGE / "notebooks"
NEW, SAME, OWN = "new", "there already", "kept: yours differs from the one that comes with this version"


def lessons() -> list[pathlib.Path]:
    """The notebooks that come with this package, in their order."""
    return sorted(PACKED.glob("*.ipynb")) or sorted(CHECKOUT.glob("*.ipynb"))


def lay_out(folder: pathlib.Path) -> dict[pathlib.Path, str]:
    """Copy every notebook into a folder, which is made, unless something of that name is there.

    Returns: for each what became of it: `NEW`, `SAME` or `OWN`.

    Raises:
        OSError: the folder cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return {folder / lesson.name: _copy(lesson, folder / lesson.name) for lesson in lessons()}


def _copy(lesson: pathlib.Path, copy: pathlib.Path) -> str:
    if os.path.lexists(copy):  # a link that leads nowhere is somebody's, too
        return SAME if copy.is_file() and copy.read_bytes() == lesson.read_bytes() else OWN
    with whole_file(copy) as unfinished:
        unfinished.write_bytes(lesson.read_bytes())
    return NEW
