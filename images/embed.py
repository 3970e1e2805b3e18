"""Put the pictures into the instructors' notebooks, from which the students' are made: each stands alone.

    python images/embed.py && python notebooks/source/release.py

A text cell whose id is `picture-rnn` shows this folder's `rnn.svg`, as data inside the cell: JupyterLab draws
no SVG that is attached. Its alternative text is the picture's own description. Run it after `draw.py`.
"""

from base64 import b64encode
from pathlib import Path
from xml.etree import ElementTree

import nbformat

HERE = Path(__file__).parent


def picture(cell_id: str) -> str:
    """The source of a cell that shows a picture."""
    svg = (HERE / f"{cell_id.removeprefix('picture-')}.svg").read_bytes()
    words = ElementTree.fromstring(svg).findtext("{http://www.w3.org/2000/svg}desc")
    return f"![{words}](data:image/svg+xml;base64,{b64encode(svg).decode()})"


def main() -> None:
    """Refresh the pictures of every notebook."""
    for path in sorted((HERE.parent / "notebooks" / "source").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.id.startswith("picture-"):
                cell.source = picture(cell.id)
        nbformat.write(notebook, path)


if __name__ == "__main__":
    main()
