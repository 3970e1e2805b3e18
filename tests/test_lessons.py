"""A student's own copies of the notebooks."""

import os

import pytest

from seq2seq_lab.cli import lessons
from seq2seq_lab.cli.lessons import NEW, OWN, SAME, lay_out


@pytest.fixture
def packed(tmp_path, monkeypatch):
    """The notebooks of a package: two, and what is for others."""
    monkeypatch.setattr(lessons, "PACKED", tmp_path / "packed")
    (lessons.PACKED / "source").mkdir(parents=True)
    for name in ("1-first.ipynb", "2-second.ipynb", "source/1-first.ipynb", "README.md"):
        (lessons.PACKED / name).write_text(f"text of {name}")
    return lessons.PACKED


def test_the_folder_gets_the_notebooks_and_nothing_else(packed, tmp_path):
    folder = tmp_path / "a course" / "lab"
    assert lay_out(folder) == {folder / "1-first.ipynb": NEW, folder / "2-second.ipynb": NEW}
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "1-first.ipynb": "text of 1-first.ipynb",
        "2-second.ipynb": "text of 2-second.ipynb",
    }


def test_a_copy_can_be_written_where_the_packages_own_cannot(packed, tmp_path):
    (packed / "1-first.ipynb").chmod(0o444)
    lay_out(tmp_path / "lab")
    assert (tmp_path / "lab" / "1-first.ipynb").stat().st_mode & 0o200


def inside(folder):
    """By name: which file it is, when it was changed, and its text."""
    return {
        path.name: (path.lstat().st_ino, path.lstat().st_mtime_ns, path.is_file() and path.read_text())
        for path in folder.iterdir()
    }


def folder_of_a_student(folder):
    folder.mkdir()
    (folder / "1-first.ipynb").write_text("my work")
    (folder / "notes.txt").write_text("my notes")


def link_to_nothing(folder):
    folder.mkdir()
    (folder / "1-first.ipynb").symlink_to("where I keep it")


def folder_of_that_name(folder):
    (folder / "1-first.ipynb").mkdir(parents=True)


ONLY_POSIX = pytest.mark.skipif(os.name != "posix", reason="on Windows not everybody may make links")
LINK = pytest.param(link_to_nothing, marks=ONLY_POSIX)


@pytest.mark.parametrize("somebody", [folder_of_a_student, LINK, folder_of_that_name])
def test_what_is_there_is_kept(somebody, packed, tmp_path):
    folder = tmp_path / "lab"
    somebody(folder)
    before = inside(folder)
    assert list(lay_out(folder).values()) == [OWN, NEW]
    assert list(lay_out(folder).values()) == [OWN, SAME]
    (folder / "2-second.ipynb").unlink()
    assert inside(folder) == before


def test_a_notebook_is_copied_whole_or_not_at_all(packed, tmp_path, monkeypatch):
    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OSError, match="no space"):
        lay_out(tmp_path / "lab")
    assert list((tmp_path / "lab").iterdir()) == []


def test_a_checkout_has_them_beside_the_package():
    names = [path.name for path in lessons.lessons()]
    assert names == sorted(names)
    assert names[0] == "1-encoder-decoder.ipynb"
    assert {path.parent for path in lessons.lessons()} == {lessons.CHECKOUT}
