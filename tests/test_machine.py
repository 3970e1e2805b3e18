"""What stands above a table of measurements: when, on what, with which versions."""

import datetime
import os
import pathlib
import platform

import keras

from seq2seq_lab.cli.machine import device, in_words, measured, processor, version


def test_a_measurement_names_day_processor_threads_and_versions():
    report = measured("seq2seq-lab", 2)
    assert report["date"] == datetime.date.today().isoformat()
    assert (report["threads"], report["cores"]) == (2, os.cpu_count())
    assert report["device"] == device()
    assert report["versions"]["keras"] == keras.__version__


def test_its_line_leaves_out_what_is_not_installed():
    versions = {"python": "3.11.7", "keras": "3.15.1", "jupyterlab": None}
    report = {"date": "2026-11-29", "device": "CPU (Z80)", "threads": 1, "cores": 2, "versions": versions}
    assert in_words(report) == "measured 2026-11-29: CPU (Z80), 1 of 2 threads, python 3.11.7, keras 3.15.1"


def test_a_processor_is_called_by_its_name_where_linux_tells_it(monkeypatch):
    monkeypatch.setattr(
        pathlib.Path, "read_text", lambda *_, **__: "processor : 0\nmodel name\t: Z80 at 3 MHz\n"
    )
    assert processor() == "Z80 at 3 MHz"


def test_elsewhere_it_is_what_python_knows(monkeypatch):
    def missing(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(pathlib.Path, "read_text", missing)
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    assert processor() == "arm64"


def test_what_is_not_installed_has_no_version():
    assert version("a-package-of-nobody") is None
