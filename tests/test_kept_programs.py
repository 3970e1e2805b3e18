"""Compiled programs are kept from one start to the next, whole or not at all."""

import hashlib
import os
import pathlib
import stat

import pytest

from seq2seq_lab._internals import kept_programs
from seq2seq_lab._internals.kept_programs import FLAG, MOST, checked, entries, folder, keep_programs, publish

DOUBLE = """
import os, pathlib
import seq2seq_lab
seq2seq_lab.setup()
import tensorflow as tf
weight = tf.Variable(3.0)

@tf.function(jit_compile=True, autograph=False)
def learn(x):
    weight.assign_add(x * {factor})
    return weight * x

print(float(learn(tf.constant(2.0))), float(weight))
private = pathlib.Path(os.environ["TF_XLA_FLAGS"].split("=")[1])
print(len(list(private.glob("*.pb"))), len(list(private.parent.glob("*-*.pb"))))
"""


@pytest.fixture
def home(monkeypatch, tmp_path):
    """Where programs are kept: nothing yet."""
    monkeypatch.setattr(kept_programs, "home", lambda: tmp_path / "programs")
    monkeypatch.delenv("TF_XLA_FLAGS", raising=False)
    monkeypatch.setattr(kept_programs.atexit, "register", lambda *_: None)
    return tmp_path / "programs"


def private_folder():
    """The folder that TensorFlow was told."""
    return pathlib.Path(os.environ["TF_XLA_FLAGS"].partition(f"{FLAG}=")[2])


def start():
    """A new process' folder, and the names of what it finds there."""
    os.environ.pop("TF_XLA_FLAGS", None)
    keep_programs()
    private = private_folder()
    return private, {path.name for path in private.iterdir()}


def compiled(private, name, content=b"program"):
    (private / f"{name}__XLA_CPU_JIT.pb").write_bytes(content)


def end(private):
    publish(private, private.parent, os.getpid())


@pytest.mark.slow
def test_a_second_start_compiles_nothing_and_computes_the_same(fresh_python, tmp_path):
    """What is damaged or belongs to another program is compiled anew, and computes right, too."""
    variables = {"TF_XLA_FLAGS": "", "XDG_CACHE_HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    variables["HOME"] = str(tmp_path)

    def run(factor=1.0):
        result = fresh_python(DOUBLE.format(factor=factor), **variables)
        assert result.stderr == ""
        numbers, counts = result.stdout.splitlines()
        return numbers, *map(int, counts.split())

    def published():
        return sorted(tmp_path.rglob("*-*__XLA_CPU_JIT.pb"))

    numbers, found, before = run()
    assert (numbers, before) == ("10.0 5.0", 0)
    assert found == len(published()) > 0
    assert run() == ("10.0 5.0", found, found)
    assert not list(tmp_path.rglob("private-*"))
    for damage in (lambda b: b[: len(b) // 2], lambda b: b"", lambda b: os.urandom(len(b))):
        for entry in published():
            entry.write_bytes(damage(entry.read_bytes()))
        assert run() == ("10.0 5.0", found, 0)
    assert run(factor=2.0)[0] == "14.0 7.0"


def test_what_is_published_is_found_and_checked(home):
    private, found = start()
    assert not found
    compiled(private, "one", b"1")
    compiled(private, "two", b"2")
    (private / "half__XLA_CPU_JIT.pb.tmp").write_bytes(b"")
    (private / "of_a_gpu__XLA_GPU_JIT.pb").write_bytes(b"")
    end(private)
    assert not private.exists()
    names = {
        f"{hashlib.sha256(n).hexdigest()}-{name}__XLA_CPU_JIT.pb"
        for n, name in [(b"1", "one"), (b"2", "two")]
    }
    assert {path.name for path in entries(folder())} == names
    assert start()[1] == {"one__XLA_CPU_JIT.pb", "two__XLA_CPU_JIT.pb"}


@pytest.mark.parametrize("damage", [b"", b"progra", b"Program", b"program."])
def test_what_is_damaged_is_removed_unread(damage, home):
    private, _ = start()
    compiled(private, "whole")
    compiled(private, "hurt")
    end(private)
    (hurt,) = folder().glob("*-hurt__*")
    hurt.write_bytes(damage)
    assert start()[1] == {"whole__XLA_CPU_JIT.pb"}
    assert not hurt.exists()
    (whole,) = entries(folder())
    assert checked(whole) == b"program"


def test_a_process_that_was_killed_leaves_nothing_that_is_read(home, monkeypatch):
    private, _ = start()
    compiled(private, "half")
    (private.parent / ".seq2seq-lab-unfinished-abcdefgh.pb").write_bytes(b"half")
    other, found = start()
    assert not found
    assert private.exists()  # it may still be running
    monkeypatch.setattr(kept_programs, "ABANDONED", -1)
    start()
    assert not private.exists()
    assert not other.exists()


def test_a_fork_publishes_nothing(home):
    private, _ = start()
    compiled(private, "one")
    publish(private, private.parent, os.getpid() + 1)
    assert private.exists()
    assert not entries(folder())


def test_only_the_newest_are_kept(home):
    private, _ = start()
    kept = private.parent
    for i in range(MOST + 3):
        entry = kept / f"{i:064x}-{i}__XLA_CPU_JIT.pb"
        entry.write_bytes(b"")
        os.utime(entry, (i, i))
    compiled(private, "newest")
    end(private)
    names = [entry.name.partition("-")[2].removesuffix("__XLA_CPU_JIT.pb") for entry in entries(kept)]
    assert names == ["newest", *(str(i) for i in range(MOST + 2, 3, -1))]


@pytest.mark.skipif(os.name != "posix", reason="there, others cannot write to a user's folder")
def test_it_is_its_users_alone(home):
    private, _ = start()
    assert stat.S_IMODE(private.parent.stat().st_mode) == 0o700
    private.parent.chmod(0o770)
    os.environ.pop("TF_XLA_FLAGS")
    keep_programs()
    assert "TF_XLA_FLAGS" not in os.environ


def test_another_processor_version_or_choice_has_another_folder(home, monkeypatch):
    found = {folder(), folder(True), folder(False)}
    monkeypatch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=3")
    found.add(folder())
    monkeypatch.setattr(kept_programs.metadata, "version", lambda name: "7")
    found.add(folder())
    monkeypatch.setattr(kept_programs.platform, "machine", lambda: "another")
    found.add(folder())
    assert len(found) == 6


def test_a_folder_that_was_chosen_is_left_alone(home, monkeypatch):
    monkeypatch.setenv("TF_XLA_FLAGS", f"{FLAG}=mine")
    keep_programs()
    assert os.environ["TF_XLA_FLAGS"] == f"{FLAG}=mine"
    assert not home.exists()


def test_without_a_folder_it_goes_on(home, monkeypatch):
    home.parent.joinpath("programs").write_text("a file is in the way")
    keep_programs()
    assert "TF_XLA_FLAGS" not in os.environ
