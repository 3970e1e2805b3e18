"""Files are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import tempfile
from collections.abc import Iterator

BEGINNING = ".seq2seq-lab-unfinished-"  # of the name of a file that is not whole yet; eight signs follow
UNFINISHED = re.compile(rf"{re.escape(BEGINNING)}[a-z0-9_]{{8}}(\.\w+)?")


@contextlib.contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[pathlib.Path]:
    """A path to write to, beside `path`; moved onto it when all went well, removed otherwise.

    Raises:
        OSError: the folder does not exist or cannot be written.
    """
    path = pathlib.Path(path).resolve()  # behind a link, the file it points to
    check_writable("path", path)
    handle, name = tempfile.mkstemp(path.suffix, BEGINNING, path.parent)
    os.close(handle)
    unfinished = pathlib.Path(name)
    try:
        yield unfinished
        unfinished.chmod(path.stat().st_mode if path.exists() else 0o666 & ~_umask())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def remove_unfinished(folder: str | os.PathLike[str]) -> None:
    """Remove what `whole_file` left in a folder when its process was killed, and nothing else."""
    for path in pathlib.Path(folder).glob(f"{BEGINNING}*"):
        if UNFINISHED.fullmatch(path.name) and path.is_file() and not path.is_symlink():
            path.unlink(missing_ok=True)


def check_writable(name: str, path: str | os.PathLike[str]) -> None:
    """Raise an OSError that names the argument, unless a file could be written at `path`."""
    path = pathlib.Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{name} must name a file, but {path} is a folder")
    if path.exists() and not path.is_file():
        raise OSError(f"{name} must name a file, but {path} is a device or a pipe")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{name} must lie in a folder that exists, but {path} does not")
    if not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise PermissionError(f"{name} must be writable, but {path} is not")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
