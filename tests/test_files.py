"""Files are written whole or not at all."""

import os

import pytest

from seq2seq_lab._internals.files import check_writable, remove_unfinished, whole_file


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_it_is_complete(tmp_path):
    path = tmp_path / "model.keras"
    with whole_file(path) as unfinished:
        assert (unfinished.parent, unfinished.suffix) == (tmp_path, ".keras")
        unfinished.write_text("half")
        assert not path.exists()
        unfinished.write_text("whole")
    assert path.read_text() == "whole"
    assert names(tmp_path) == ["model.keras"]


def test_whoever_reads_the_old_file_meanwhile_reads_it_whole(tmp_path):
    path = tmp_path / "model.keras"
    path.write_text("old")
    with path.open() as reader:
        with whole_file(path) as unfinished:
            unfinished.write_text("new")
        assert (reader.read(), path.read_text()) == ("old", "new")


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_fails_leaves_the_old_file_and_no_stray_one(tmp_path, error):
    path = tmp_path / "model.keras"
    path.write_text("old")

    def fail():
        with whole_file(str(path)) as unfinished:
            unfinished.write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["model.keras"]


@pytest.mark.skipif(os.name != "posix", reason="Windows has other permissions")
def test_permissions_are_kept(tmp_path):
    path = tmp_path / "model.keras"
    path.write_text("old")
    path.chmod(0o640)
    with whole_file(path) as unfinished:
        unfinished.write_text("new")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o640)


@pytest.mark.skipif(os.name != "posix", reason="Windows has other permissions")
def test_a_new_file_may_be_read_as_any_other_new_file(tmp_path):
    before = os.umask(0o027)
    try:
        with whole_file(tmp_path / "model.keras"):
            pass
        assert os.umask(0o027) == 0o027  # asking for the mask left it as it was
    finally:
        os.umask(before)
    assert (tmp_path / "model.keras").stat().st_mode & 0o777 == 0o640


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(IsADirectoryError, match=f"path must name a file, but {tmp_path} is a folder"):
        whole_file(tmp_path).__enter__()


def test_the_folder_must_exist(tmp_path):
    path = tmp_path / "missing" / "model.keras"
    with pytest.raises(FileNotFoundError, match=f"path must lie in a folder that exists, but {path} does"):
        whole_file(path).__enter__()


@pytest.mark.parametrize("locked", ["folder", "file"])
def test_folder_and_file_must_be_writable(tmp_path, monkeypatch, locked):
    path = tmp_path / "model.keras"
    path.write_text("old")
    forbidden = {"folder": tmp_path, "file": path}[locked]
    monkeypatch.setattr(os, "access", lambda asked, mode: asked != forbidden)  # root may write anywhere
    with pytest.raises(PermissionError, match=f"path must be writable, but {path} is not"):
        whole_file(path).__enter__()


def test_the_error_names_the_argument(tmp_path):
    check_writable("--save", tmp_path / "model.keras")
    with pytest.raises(IsADirectoryError, match="--save must name a file"):
        check_writable("--save", tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such pipes")
def test_a_device_or_a_pipe_is_not_replaced_by_a_file(tmp_path):
    pipe = tmp_path / "pipe"  # stands for /dev/null, which root could replace
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="path must name a file"):
        whole_file(pipe).__enter__()
    assert pipe.is_fifo()


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path):
    left = whole_file(tmp_path / "marks.csv").__enter__()
    others = [".gitlab-ci.yml", ".a-b", ".marks-abcd1234.csv", f"{left.name}-mine", f"my{left.name}"]
    for name in others:
        (tmp_path / name).write_text("mine")
    (tmp_path / left.name.replace("unfinished-", "unfinished-aaaaaaaa")[:32]).mkdir()
    folder, *_ = (path.name for path in tmp_path.iterdir() if path.is_dir())
    remove_unfinished(tmp_path)
    assert names(tmp_path) == sorted([*others, folder])
