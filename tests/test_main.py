"""The command line: what it prints and writes, every wrong use, interrupts, and what loads TensorFlow."""

import contextlib
import dataclasses
import importlib.metadata
import io
import json
import os
import pathlib
import re
import runpy
import signal
import socket
import subprocess
import sys
import time
import types
import urllib.request
import warnings
import zipfile

import keras
import numpy as np
import pytest
from no_xla import xla_off

import seq2seq_lab
from seq2seq_lab import Seq2Seq, Settings, runtime, training
from seq2seq_lab.cli import arguments, benchmark, commands, compare, lessons
from seq2seq_lab.cli import main as cli_main
from seq2seq_lab.cli.arguments import settings_table
from seq2seq_lab.cli.machine import device
from seq2seq_lab.cli.main import main

THREADS = ["--threads", os.environ.get("SEQ2SEQ_LAB_THREADS", "1")]  # those of conftest.py
SMALL = Settings(min_digits=2, max_digits=4, samples=320, samples_per_epoch=160, validation_samples=50)
FLAGS = {field.name: "--" + field.name.replace("_", "-") for field in dataclasses.fields(Settings)}
CHANGED = ["min_digits", "max_digits", "samples_per_epoch", "validation_samples"]
SMALL_FLAGS = [word for name in CHANGED for word in (FLAGS[name], str(getattr(SMALL, name)))]
TRAIN = ["train", *THREADS, *SMALL_FLAGS, "--seed", "3"]


def status_of(argv):
    """The exit status of a command, however it comes about."""
    try:
        return main(argv)
    except SystemExit as exit:
        return exit.code


def the_line(err):
    """The one line that an error is; fails if there is more, or a traceback."""
    assert err.endswith("\n")
    assert err.count("\n") == 1, err
    assert re.match(r"seq2seq-lab( \w+)?: error: ", err)
    return err


def variables(path):
    """All that a training leaves in a file: weights, optimiser and its count, seed."""
    model = seq2seq_lab.load(path)
    values = [*model.variables, *model.optimizer.variables]
    return [model.seed, *(keras.ops.convert_to_numpy(value) for value in values)]


def same(ours, theirs):
    return len(ours) == len(theirs) and all(map(np.array_equal, ours, theirs))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """One training by the command: what it printed and wrote, and what was traced when."""
    folder = tmp_path_factory.mktemp("trained")
    model, report = folder / "model.keras", folder / "report.json"
    out, err, traced = io.StringIO(), io.StringIO(), []
    train = training.train

    def noting(name):
        step = getattr(Seq2Seq, name)
        return lambda self, data: traced.append(name) or step(self, data)  # called when it is traced

    def watched_train(*args, **kwargs):
        traced.append("training begins")
        history = train(*args, **kwargs)
        traced.append("training ends")
        return history

    argv = [*TRAIN, "--samples", "320", "--save", str(model), "--json", str(report)]
    redirected = contextlib.redirect_stdout(out), contextlib.redirect_stderr(err)
    with xla_off(), pytest.MonkeyPatch.context() as patch, redirected[0], redirected[1]:
        patch.setattr(training, "train", watched_train)
        patch.setenv("COLUMNS", "200")  # at which a bar is cut off
        for name in ("train_step", "test_step", "predict_step"):
            patch.setattr(Seq2Seq, name, noting(name))
        status = main(argv)
    return types.SimpleNamespace(
        status=status, out=out.getvalue(), err=err.getvalue(), traced=traced, model=model, report=report
    )


@pytest.fixture(scope="module")
def loaded(trained):
    """The trained model, loaded once, with all that it has compiled."""
    return seq2seq_lab.load(trained.model)


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory):
    """The files of the same training without the command, after a half of its samples and after all."""
    folder = tmp_path_factory.mktemp("by_hand")
    files = [folder / "half.keras", folder / "whole.keras"]
    keras.utils.set_random_seed(3)
    with xla_off():
        model = Seq2Seq(SMALL)
        for file in files:
            training.train(model, 160, seed=3)
            model.save(file)
    return files


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with things that are no model."""
    (tmp_path / "folder.keras").mkdir()
    if hasattr(os, "mkfifo"):  # not on Windows
        os.mkfifo(tmp_path / "pipe")
    (tmp_path / "notes.txt").write_text("notes")
    (tmp_path / "damaged.keras").write_bytes(b"no zip")
    with zipfile.ZipFile(tmp_path / "empty.keras", "w") as file:
        file.writestr("nothing", "")
    monkeypatch.chdir(tmp_path)
    return tmp_path


# Wrong use


COUNT = "a whole number of at least 1"
ONE = "translate --model damaged.keras one"
WRONG = [  # a command, and what its error must say: the argument, its value, what is allowed
    ("", ["start|open|train|translate|page|benchmark|compare|grade|gradescope|doctor"]),
    ("fly", ["'fly'", "train"]),
    ("--fly train", ["--fly", "--version"]),
    ("train --fly 3", ["train: error: argument --fly", "[--samples N]"]),
    ("train --sample 3", ["argument --sample:", "[--samples N]"]),
    ("doctor now", ["doctor: error: argument now", "--verbose"]),
    ("open 1 1", ["open: error: argument 1", "[NOTEBOOK]"]),
    ("train --samples", ["argument --samples: expected one argument"]),
    *((f"train --samples {value}", ["argument --samples: must be", COUNT, f"'{value}'"])
      for value in ["0", "-1", "-1e3", "1.5", "abc", "nan", "inf", "-inf", "none"]),
    *((f"train --learning-rate {value}", ["argument --learning-rate: must be a number above 0", f"'{value}'"])
      for value in ["0", "-0.1", "-1e-3", "-.5", "nan", "inf", "-inf", "1e999", "none", "fast"]),
    ("train --clip-norm 0", ["argument --clip-norm: must be a number above 0, or None", "'0'"]),
    ("train --seed -1", ["argument --seed: must be a whole number from 0 to 2**31 - 1", "'-1'"]),
    ("train --seed 2147483648", ["argument --seed:", "'2147483648'"]),
    ("train --threads 0", ["argument --threads:", COUNT, "'0'"]),
    ("train --min-digits 4 --max-digits 3", ["argument --min-digits: must be at most", "(3)", "is 4"]),
    ("train --max-digits 4", ["argument --min-digits: must be at most", "(4)", "is 5"]),
    ("train --decoder-units 9", ["argument --decoder-units: must be that of --encoder-units (16)", "is 9"]),
    ("train --attention-units 3", ["argument --attention-units: needs --attention"]),
    ("train --attention --attention-units 0", ["argument --attention-units: must be", COUNT, "'0'"]),
    ("train --attention --min-digits 11", ["argument --min-digits: must be at most", "(10)", "is 11"]),
    ("train --resume damaged.keras --attention", ["argument --resume:", "--attention is not allowed"]),
    ("train --transformer --attention", ["argument --attention: not allowed with argument --transformer"]),
    ("train --heads 2", ["argument --heads: needs --transformer"]),
    ("train --transformer --heads 3", ["argument --heads: must be a divisor of encoder_units (16)", "is 3"]),
    ("train --transformer --heads 2 --decoder-units 5", ["--heads: must be a divisor of decoder_units (5)"]),
    ("train --transformer --encoder-units 5", ["argument --encoder-units: must be even in each", "is 5"]),
    ("train --transformer --positions Rotary", ["argument --positions: must be one of", "'Rotary'"]),
    ("train --transformer --layers 0", ["argument --layers: must be", COUNT, "'0'"]),
    ("train --transformer --cell-stddev 1", ["argument --cell-stddev: is not allowed with --transformer"]),
    ("train --resume damaged.keras --layers 2", ["argument --resume:", "--layers is not allowed"]),
    ("train --save model.h5", ["argument --save: must end in .keras", "'model.h5'"]),
    ("train --save folder.keras", ["argument --save:", "a file", "folder.keras is a folder"]),
    ("train --save none/a.keras", ["argument --save:", "a folder that exists", "none/a.keras"]),
    ("train --json .", ["argument --json:", "a file", ". is a folder"]),
    ("train --json none/a.json", ["argument --json:", "a folder that exists", "none/a.json"]),
    *([("train --json pipe --samples 0", ["argument --json:", "a file", "pipe is a device or a pipe"])]
      if hasattr(os, "mkfifo") else []),
    ("train --json a.keras", ["argument --json: must not end in .keras", "'a.keras'"]),
    (f"train --json {'x' * 300}", ["argument --json:", "xxx"]),
    *((f"train --resume {name}", ["argument --resume: must be a .keras file", f"'{name}'"])
      for name in ["none.keras", "folder.keras", "notes.txt", "x" * 300]),
    ("train --resume damaged.keras --l2 1", ["argument --resume:", "--l2 is not allowed"]),
    ("translate one", ["--model"]),
    ("translate --model damaged.keras", ["TEXT"]),
    *((f"translate --model {name} one", ["argument --model: must be a .keras file", f"'{name}'"])
      for name in ["none.keras", "folder.keras", "notes.txt"]),
    *((f"translate --model damaged.keras {text}", ["argument TEXT:", f"'{text}'", "zero one two"])
      for text in ["eleven", "One", "1", "zwölf"]),
    *((f"{ONE} --beam {value}", ["argument --beam: must be", COUNT, f"'{value}'"])
      for value in ["0", "-1", "1.5", "wide"]),
    (f"{ONE} --beam 2 --n-best 3", ["argument --n-best: must be at most", "(2)", "is 3"]),
    (f"{ONE} --n-best 3", ["argument --n-best: needs --beam"]),
    (f"{ONE} --length-power 1", ["argument --length-power: needs --beam"]),
    (f"{ONE} --beam 2 --length-power -1", ["argument --length-power: must be", "'-1'"]),
    *((f"{ONE} --beam 2 {flag} 1", [f"argument {flag}: ", "--beam"])
      for flag in ["--temperature", "--top-k", "--top-p", "--seed"]),
    (f"{ONE} --temperature 0", ["argument --temperature: must be a number above 0"]),
    (f"{ONE} --top-k 12", ["argument --top-k: must be", "from 1 to 11", "'12'"]),
    *((f"{ONE} --top-p {value}", ["argument --top-p: must be a number above 0, at most 1", f"'{value}'"])
      for value in ["0", "1.01", "-0.5", "nan", "most"]),
    (f"{ONE} --seed -1", ["argument --seed: must be", "'-1'"]),
    ("page --out a.html", ["FILE.keras"]),
    ("page damaged.keras", ["--out"]),
    ("page damaged.keras --out a.txt", ["argument --out: must end in .html", "'a.txt'"]),
    ("page damaged.keras --out none/a.html", ["argument --out:", "a folder that exists", "none/a.html"]),
    ("page damaged.keras notes.txt --out a.html", ["argument FILE.keras: must be a .keras", "'notes.txt'"]),
    ("page damaged.keras ./damaged.keras --out a.html", ["argument FILE.keras:", "must differ"]),
    ("benchmark --plot a.png", ["argument --plot: must end in .svg", "'a.png'"]),
    ("benchmark --plot none/a.svg", ["argument --plot:", "a folder that exists", "none/a.svg"]),
    ("benchmark --json a.keras", ["argument --json: must not end in .keras", "'a.keras'"]),
    ("benchmark --quick --plot a.svg", ["argument --plot:", "--quick"]),
    ("start", ["FOLDER"]),
    ("start notes.txt", ["argument FOLDER: must be a folder", "'notes.txt'"]),
    ("compare --tune --quick", ["argument --quick: is not allowed with --tune"]),
    ("open 7", ["argument NOTEBOOK:", "'7'", "1-encoder-decoder.ipynb"]),
    ("open none.ipynb", ["argument NOTEBOOK:", "'none.ipynb'", "1-encoder-decoder.ipynb"]),
    ("open notes.txt", ["argument NOTEBOOK:", "'notes.txt'", "1-encoder-decoder.ipynb"]),
]  # fmt: skip
HELP = ["--help", "--version", *(f"{command} --help" for command in commands.COMMANDS)]


@pytest.mark.parametrize(("command", "told"), WRONG, ids=[command[:60] for command, _ in WRONG])
def test_wrong_use_is_status_2_and_one_line(command, told, folder, capsys):
    before = sorted(folder.iterdir())
    assert status_of(command.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    for words in told:
        assert words in the_line(err)
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("text", ["", " ", "one  two", " one", "one ", "one\ntwo", "one\x85two", "\udcff"])
def test_a_text_that_is_not_digit_words_is_wrong_use(text, folder, capsys):
    assert status_of(["translate", "--model", "damaged.keras", "one", text]) == 2
    assert repr(text) in the_line(capsys.readouterr().err)


@pytest.mark.parametrize("text", ["zero", "one two three four five six seven eight nine"])
def test_digit_words_are_texts(text):
    commands.check_words(text)


@pytest.mark.parametrize(
    ("text", "word"), [("", ""), ("one  two", ""), (" one", ""), ("one tow", "tow"), ("onetwo", "onetwo")]
)
def test_another_word_is_named_with_those_allowed(text, word):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        commands.check_words(text)
    allowed = "zero one two three four five six seven eight nine"
    assert str(error.value) == f"text {text!r} has {word!r}; allowed words: {allowed}"


def test_a_word_with_a_line_break_is_still_one_line(capsys):
    assert status_of(["train", "--fly\nhigh"]) == 2
    assert "--fly high" in the_line(capsys.readouterr().err)


def test_a_path_that_cannot_be_written_is_wrong_use(folder, capsys, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert status_of(["train", "--save", "model.keras"]) == 2
    assert "argument --save: it must be writable, but model.keras is not" in the_line(capsys.readouterr().err)


@pytest.mark.parametrize(
    ("stdin", "told"),
    [
        (b"", "must find lines on stdin"),
        (None, "must find lines on stdin"),
        (b"one\n\xff\n", "stdin must be UTF-8"),
        (b"one\n\ntwo\n", "''"),
        (b"one\ntwelve\n", "'twelve'"),
    ],
)
def test_lines_that_are_not_digit_words_are_wrong_use(stdin, told, folder, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", stdin if stdin is None else io.TextIOWrapper(io.BytesIO(stdin)))
    assert status_of(["translate", "--model", "damaged.keras", "-"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "argument TEXT: " in the_line(err)
    assert told in err


def test_help_and_wrong_use_load_neither_tensorflow_nor_keras(folder, fresh_python):
    code = """
import contextlib, json, os, sys
from seq2seq_lab.cli.main import main
os.chdir(os.environ["FOLDER"])
for command in json.loads(os.environ["COMMANDS"]):
    with contextlib.suppress(SystemExit), open(os.devnull, "w") as nothing:
        with contextlib.redirect_stdout(nothing), contextlib.redirect_stderr(nothing):
            main(command.split())
    loaded = {"tensorflow", "keras", "tqdm"} & set(sys.modules)
    assert not loaded, (command, loaded)
print("none")
"""
    commands = json.dumps([*HELP, *(command for command, _ in WRONG)])
    result = fresh_python(code, COMMANDS=commands, FOLDER=str(folder))
    assert (result.stdout, result.stderr) == ("none\n", "")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["damaged", "empty", "foreign", "cut"])
@pytest.mark.parametrize("command", ["translate one --model", "train --resume", "page --out a.html"])
def test_a_file_that_is_no_model_is_wrong_use(command, name, folder, trained, capsys):
    keras.Sequential([keras.layers.Dense(1)]).save("foreign.keras")
    pathlib.Path("cut.keras").write_bytes(trained.model.read_bytes()[:-1000])
    name += ".keras"
    assert status_of([*command.split(), name, *THREADS]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    line = the_line(err)
    assert f"argument {'FILE.keras' if 'page' in command else command.split()[-1]}: " in line
    assert name in line


# Help


@pytest.mark.parametrize("command", HELP)
def test_help_goes_to_stdout(command, capsys):
    assert status_of(command.split()) == 0
    out, err = capsys.readouterr()
    assert out.startswith(("usage: seq2seq-lab", "seq2seq-lab "))
    assert err == ""


def test_every_setting_is_a_flag_whose_help_gives_meaning_and_default(capsys):
    status_of(["train", "--help"])
    words = " ".join(capsys.readouterr().out.split())
    for row in settings_table().splitlines()[2:]:
        name, default, meaning = (cell.strip(" `") for cell in row.strip("|").split("|"))
        assert f"{FLAGS[name]} N {meaning} (default: {default})" in words


@pytest.mark.parametrize("field", dataclasses.fields(Settings), ids=list(FLAGS))
def test_every_setting_arrives(field):
    """Another value than the default's, and of its type, comes out as this setting and no other."""
    whole = type(field.default) is int or field.name == "decay_samples"
    value = 7 if whole else 0.25
    both = {"encoder_units": 7, "decoder_units": 7} if "_units" in field.name else {field.name: value}
    argv = [word for name, given in both.items() for word in (FLAGS[name], str(given))]
    args = arguments.make_parser(commands.COMMANDS).parse_args(["train", *argv])
    assert commands._settings(args) == Settings(**both)


def test_the_version_is_the_packages(capsys):
    assert status_of(["--version"]) == 0
    assert re.fullmatch(r"seq2seq-lab (\d+\.\d+\.\d+|\(not installed\))\n", capsys.readouterr().out)


# Train


def test_train_prints_three_lines_and_draws_a_bar_elsewhere(trained):
    report = json.loads(trained.report.read_text())
    by_position = " ".join(f"{a:.2f}" for a in report["accuracy_by_position"])
    assert trained.status == 0
    assert trained.out.splitlines() == [
        f"token accuracy        {report['token_accuracy']:.3f}",
        f"exact match           {report['exact_match']:.3f}",
        f"accuracy by position  {by_position}",
    ]
    assert "2/2" in trained.err
    assert "val_token_accuracy=" in trained.err


def test_the_report_is_complete(trained):
    report = json.loads(trained.report.read_text())
    assert Settings(**report["settings"]) == dataclasses.replace(SMALL, attention_units=None)
    assert (report["seed"], report["samples"], report["interrupted"]) == (3, 320, False)
    assert str(report["threads"]) == THREADS[1]
    assert list(report["seconds"]) == list(commands.PHASES)
    assert all(seconds > 0 for seconds in report["seconds"].values())
    assert sorted(report["history"]) == ["loss", "val_exact_match", "val_token_accuracy"]
    assert [len(values) for values in report["history"].values()] == [2, 2, 2]
    assert report["versions"]["keras"] == keras.__version__
    assert report["device"]


@pytest.mark.slow
def test_what_is_reported_is_what_the_saved_model_does(trained, loaded, without_xla):
    report = json.loads(trained.report.read_text())
    result = training.evaluate(loaded)
    assert report["token_accuracy"] == pytest.approx(result.token_accuracy, abs=1e-6)
    assert report["exact_match"] == pytest.approx(result.exact_match, abs=1e-6)
    assert report["accuracy_by_position"] == pytest.approx(list(result.accuracy_by_position), abs=1e-6)
    assert report["history"]["val_token_accuracy"][-1] == pytest.approx(result.token_accuracy, abs=1e-6)


@pytest.mark.slow
def test_compiling_beforehand_changes_nothing(trained, by_hand):
    assert same(variables(trained.model), variables(by_hand[1]))


def test_all_is_compiled_before_training_begins(trained):
    begin = trained.traced.index("training begins")
    assert set(trained.traced[:begin]) == {"train_step", "test_step", "predict_step"}
    assert trained.traced[begin:] == ["training begins", "training ends"]


@pytest.mark.slow
def test_resumed_training_goes_on_to_the_bit(trained, by_hand, tmp_path, without_xla):
    half, whole, report = by_hand[0], tmp_path / "whole.keras", tmp_path / "report.json"
    argv = ["--samples", "160", "--save", str(whole), "--json", str(report)]
    assert main(["train", *THREADS, "--resume", str(half), *argv]) == 0
    assert same(variables(whole), variables(trained.model))
    assert not same(variables(whole), variables(half))
    report = json.loads(report.read_text())
    assert (report["seed"], report["samples"], len(report["history"]["loss"])) == (3, 160, 1)


@pytest.fixture
def no_training(monkeypatch):
    """Nothing is trained or measured; the results are numbers that JSON does not have."""
    history = types.SimpleNamespace(interrupted=False, history={"loss": [2.5, np.nan, np.inf]})
    result = training.Evaluation(0.5, 0.25, np.array([0.75, np.nan], np.float32), np.zeros(2))
    monkeypatch.setattr(Seq2Seq, "fit", lambda *args, **kwargs: None)
    monkeypatch.setattr(training, "train", lambda *args, **kwargs: history)
    monkeypatch.setattr(training, "evaluate", lambda model: result)


def test_numbers_that_json_has_not_become_null(tmp_path, no_training, capsys):
    report = tmp_path / "report.json"
    assert main(["train", *THREADS, "--json", str(report)]) == 0
    report = json.loads(report.read_text(), parse_constant=lambda name: pytest.fail(f"{name} in the file"))
    assert report["history"] == {"loss": [2.5, None, None]}
    assert report["accuracy_by_position"] == [0.75, None]
    assert capsys.readouterr().out.endswith("accuracy by position  0.75 -\n")


def test_a_report_is_written_whole_or_not_at_all(tmp_path, no_training, capsys, monkeypatch):
    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pathlib.Path, "write_text", fail)
    report = tmp_path / "report.json"
    report.write_bytes(b"old")
    assert status_of(["train", *THREADS, "--json", str(report)]) == 1
    assert "train: error: OSError: [Errno 28] No space left" in capsys.readouterr().err
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("report.json", b"old")]


@pytest.fixture
def untrained(monkeypatch):
    """Models stay as they were made; all else is done that a training does."""
    monkeypatch.setattr(Seq2Seq, "fit", lambda *args, **kwargs: None)


@pytest.mark.slow
def test_with_attention_sizes_may_differ_and_l2_has_its_own_default(tmp_path, untrained, without_xla, capsys):
    model, report = tmp_path / "model.keras", tmp_path / "report.json"
    few = ["--attention", "--attention-units", "3", "--decoder-units", "9", "--samples", "32"]
    assert main([*TRAIN, *few, "--save", str(model), "--json", str(report)]) == 0
    settings = json.loads(report.read_text())["settings"]
    assert (settings["attention_units"], settings["decoder_units"], settings["l2"]) == (3, 9, 1e-5)
    decoder = training.load(model).decoder
    assert (decoder.attention.units, decoder.cell.units) == (3, 9)
    capsys.readouterr()
    assert main(["translate", *THREADS, "--model", str(model), "one two"]) == 0
    assert re.fullmatch(r"[0-9]*#?\n", capsys.readouterr().out)


@pytest.mark.slow
def test_a_transformer_has_the_sizes_that_were_asked_for(tmp_path, untrained, without_xla, capsys):
    model = tmp_path / "model.keras"
    sizes = "--transformer --encoder-units 8 --decoder-units 12 --heads 2 --layers 2 --positions rotary"
    assert main([*TRAIN, *sizes.split(), "--samples", "32", "--save", str(model)]) == 0
    loaded = training.load(model)
    for part, width in ((loaded.encoder, 8), (loaded.decoder, 12)):
        assert (part.width, part.heads, part.layers, part.positions) == (width, 2, 2, "rotary")
    rate = loaded.optimizer.get_config()["learning_rate"]
    assert rate["class_name"] == "CosineDecay"
    assert rate["config"]["warmup_target"] == loaded.settings.learning_rate
    capsys.readouterr()
    assert main(["translate", *THREADS, "--model", str(model), "--beam", "2", "one two"]) == 0
    assert re.fullmatch(r"[0-9]*#?\n", capsys.readouterr().out)


def test_with_attention_l2_may_be_0(tmp_path, no_training):
    report = tmp_path / "report.json"
    assert main([*TRAIN, "--attention", "--l2", "0", "--json", str(report)]) == 0
    assert json.loads(report.read_text())["settings"]["l2"] == 0


# Ctrl-C


def interrupt():
    signal.raise_signal(signal.SIGINT)


@pytest.mark.slow
def test_ctrl_c_pressed_twice_keeps_what_was_learned(tmp_path, trained, without_xla, capsys, monkeypatch):
    """Once in the first of two epochs, once more while the file is being written."""
    train, save = training.train, Seq2Seq.save
    first_epoch = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: interrupt())

    def interrupted_train(*args, callbacks):
        return train(*args, callbacks=[*callbacks, first_epoch])

    def interrupted_save(self, path):
        interrupt()
        save(self, path)

    monkeypatch.setattr(training, "train", interrupted_train)
    monkeypatch.setattr(Seq2Seq, "save", interrupted_save)
    model, report = tmp_path / "model.keras", tmp_path / "report.json"
    before = signal.getsignal(signal.SIGINT)
    assert main([*TRAIN, "--samples", "320", "--save", str(model), "--json", str(report)]) == 130
    assert signal.getsignal(signal.SIGINT) is before

    report = json.loads(report.read_text())
    assert report["interrupted"]
    assert report["history"]["loss"] == json.loads(trained.report.read_text())["history"]["loss"][:1]
    assert seq2seq_lab.load(model).optimizer.iterations == 10
    out, err = capsys.readouterr()
    assert out.startswith("token accuracy ")
    assert "Traceback" not in err


def test_ctrl_c_before_training_is_quiet(tmp_path, fresh_python):
    """A signal at the moment that TensorFlow is looked for."""
    code = """
import signal, sys
from seq2seq_lab.cli.main import main
class Interrupt:
    def find_spec(self, name, *_):
        if name == "tensorflow":
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
sys.exit(main(["train", "--save", "model.keras"]))
"""
    result = fresh_python(f"import os; os.chdir({str(tmp_path)!r})" + code)
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="Windows sends no Ctrl-C to one process")
@pytest.mark.slow
def test_a_real_training_is_interrupted_and_saved_and_translates(tmp_path, start):
    """In processes of their own, with XLA, as a user does it."""
    argv = ["train", *SMALL_FLAGS, "--samples", "100000000", "--save", "model.keras", "--json", "report.json"]
    process = start(argv)
    seen = b""
    while b"loss=" not in seen:
        piece = os.read(process.stderr.fileno(), 1000)
        assert piece, seen
        seen += piece
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130
    assert out.count(b"\n") == 3
    assert b"Traceback" not in err
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["interrupted"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.keras", "report.json"]

    assert seq2seq_lab.load(tmp_path / "model.keras").optimizer.iterations > 0

    process = start(["translate", "--model", "model.keras", "-"], stdin=subprocess.PIPE)
    out, err = process.communicate(b"one two\nthree\n")
    texts = seq2seq_lab.load(tmp_path / "model.keras").translate(["one two", "three"])
    assert (process.returncode, out.decode().splitlines(), err) == (0, texts, b"")


@pytest.fixture
def start(tmp_path):
    """Start the command in a folder of its own; it ends with the test."""
    processes = []

    def start(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **variables):
        environment = {**os.environ, **variables}
        environment["PYTHONPATH"] = str(pathlib.Path(seq2seq_lab.__file__).parents[1])
        environment.pop("PYTHONUNBUFFERED", None)
        process = subprocess.Popen(
            [sys.executable, "-m", "seq2seq_lab", *argv],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd=tmp_path,
            env=environment,
            start_new_session=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()


# Translate


def test_translate_prints_a_line_a_text(trained, loaded, capsys):
    texts = ["one two five", "zero", "nine nine nine nine"]
    assert main(["translate", *THREADS, "--model", str(trained.model), *texts]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == loaded.translate(texts)
    assert err == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "decoder"),
    [
        ("--beam 3 --n-best 2 --length-power 0.5", lambda: seq2seq_lab.BeamSearch(3, 0.5)),
        ("--beam 2", lambda: seq2seq_lab.BeamSearch(2)),
        ("--temperature 1.5 --top-k 4 --seed 7", lambda: seq2seq_lab.Sampling(1.5, 4, 7)),
        ("--top-p 0.8 --temperature 2", lambda: seq2seq_lab.Sampling(2.0, top_p=0.8)),
        ("--seed 7", lambda: seq2seq_lab.Sampling(seed=7)),
        ("", lambda: seq2seq_lab.Greedy()),
    ],
)
def test_translate_decodes_as_it_is_told_and_prints_scores(
    trained, loaded, capsys, flags, decoder, monkeypatch
):
    texts = ["one two", "three"]
    monkeypatch.setattr(training, "load", {str(trained.model): loaded}.__getitem__)
    argv = ["translate", *THREADS, "--model", str(trained.model), *flags.split(), *texts]
    n_best = 2 if "--n-best" in flags else 1
    wanted = loaded.hypotheses(texts, decoder(), n_best)
    assert main(argv) == 0
    end = "\n\n" if n_best > 1 else "\n"
    assert capsys.readouterr().out == "".join("\n".join(h.text for h in answers) + end for answers in wanted)
    assert main([*argv, "--scores"]) == 0
    lines = capsys.readouterr().out.split("\n")
    for answer in (a for answers in wanted for a in answers):
        score, log_p, text = next(line for line in lines if line).split("\t")
        assert text == answer.text
        assert (float(score), float(log_p)) == pytest.approx((answer.score, answer.log_probability), abs=1e-4)
        lines = lines[lines.index("\t".join((score, log_p, text))) + 1 :]
    assert not any(lines)


def test_translate_reads_lines_where_a_hyphen_stands(trained, loaded, capsys, monkeypatch):
    monkeypatch.setattr(commands, "AT_ONCE", 2)
    stdin = "\ufeffone two\r\nthree\nfour\nfive six seven".encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
    assert main(["translate", *THREADS, "--model", str(trained.model), "nine", "-"]) == 0
    texts = ["nine", "one two", "three", "four", "five six seven"]
    assert capsys.readouterr().out.splitlines() == loaded.translate(texts)


# stdout, stderr


@pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGPIPE")
def test_a_reader_that_has_seen_enough_is_no_error(start):
    reader, writer = os.pipe()
    os.close(reader)
    process = start(["--help"], stdout=writer)
    os.close(writer)
    assert process.communicate() == (None, b"")
    assert process.returncode == 141


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk_under_stdout_is_one_line(start):
    with open("/dev/full", "w") as full:
        process = start(["--help"], stdout=full)
    _, err = process.communicate()
    assert process.returncode == 1
    assert "No space left" in the_line(err.decode())


@pytest.mark.parametrize("verbose", [[], ["--verbose"]])
def test_what_nobody_foresaw_is_one_line_unless_asked_for(verbose, trained, capsys, monkeypatch):
    def fail(*_):
        raise MemoryError("too\nmuch")

    monkeypatch.setattr(Seq2Seq, "hypotheses", fail)
    argv = ["translate", *THREADS, *verbose, "--model", str(trained.model), "one"]
    if verbose:
        with pytest.raises(MemoryError):
            main(argv)
    else:
        assert status_of(argv) == 1
        assert "translate: error: MemoryError: too (--verbose " in the_line(capsys.readouterr().err)


@pytest.mark.parametrize("command", ["train", "translate", "benchmark", "doctor"])
def test_threads_and_silence_are_what_setup_is_told(command, trained, monkeypatch):
    told = []
    monkeypatch.setattr(runtime, "setup", lambda threads, quiet: told.append((threads, quiet)) or interrupt())
    argv = [command, "--model", str(trained.model), "one"] if command == "translate" else [command]
    assert main(argv) == main([*argv, "--threads", "3", "--verbose"]) == 130
    assert told == [(1, True), (3, False)]


def test_only_the_labs_own_warnings_are_shown(trained, capsys, monkeypatch):
    def warn(args):
        """Warn."""
        warnings.warn("foreign", stacklevel=1)
        warnings.warn_explicit("ours", UserWarning, "model.py", 1, module="seq2seq_lab.model")

    monkeypatch.setitem(commands.COMMANDS, "doctor", warn)
    main(["doctor"])
    assert capsys.readouterr().err == "seq2seq-lab doctor: warning: ours\n"
    assert trained.err.count("seq2seq-lab train: warning: XLA does not work here") == 1


# Doctor


@pytest.fixture
def measured(monkeypatch):
    """A benchmark that takes no time."""
    row = benchmark.Row("a training step", "s", {"the lab": [0.002, 0.001, 0.003]})
    growth = benchmark.Growth({16: row, 64: row}, {10: row})
    asked = []

    def measure(quick):
        asked.append(quick)
        return [row], None if quick else growth

    monkeypatch.setattr(benchmark, "benchmark", measure)
    return asked


def test_benchmark_prints_writes_and_draws_what_it_measured(measured, capsys, tmp_path):
    report, drawing = tmp_path / "report.json", tmp_path / "drawing.svg"
    assert main(["benchmark", *THREADS, "--json", str(report), "--plot", str(drawing)]) == 0
    machine, _, line = capsys.readouterr().out.splitlines()
    assert f": {device()}, {THREADS[1]} of {os.cpu_count()} threads, python 3." in machine
    assert re.fullmatch(r"a training step +ms +2 \(1 to 3\) +- +-", line)
    written = json.loads(report.read_text())
    assert written["rows"] == [
        {"what": "a training step", "unit": "s", "turns": {"the lab": [0.002, 0.001, 0.003]}}
    ]
    assert written["growth"]["by_batch_size"]["64"] == {"the lab": [0.002, 0.001, 0.003]}
    assert (written["device"], written["threads"]) == (device(), int(THREADS[1]))
    assert drawing.read_text().startswith("<?xml")
    assert "ms a training step" in drawing.read_text()
    assert measured == [False]


def test_a_quick_benchmark_has_no_growth(measured, tmp_path):
    assert main(["benchmark", *THREADS, "--quick", "--json", str(tmp_path / "report.json")]) == 0
    assert "growth" not in json.loads((tmp_path / "report.json").read_text())
    assert measured == [True]


@pytest.fixture
def compared(monkeypatch):
    """A comparison that takes no time; notes what it was asked for."""
    recipe, asked = compare.Recipe(0.01, 0.1, None), []
    run = compare.Trained(1.5, 30_000, {2: 0.5, 10: 1.0, 12: 0.25, 20: 0.0}, 0.5)

    def instead(**asked_for):
        asked.append(asked_for)
        yield compare.Compared("GRU", recipe, 2891, 16, 0, [run], [0.75])

    monkeypatch.setattr(compare, "compare", instead)
    monkeypatch.setattr(compare, "choose", lambda: [("GRU", recipe, 0.5)])
    return asked


@pytest.mark.parametrize(("flags", "seconds", "few"), [([], 30, False), (["--quick"], 3, True)])
def test_compare_prints_a_table_below_the_machine_and_writes_it(
    flags, seconds, few, compared, capsys, tmp_path
):
    report = tmp_path / "report.json"
    assert main(["compare", *THREADS, *flags, "--json", str(report)]) == 0
    out, err = capsys.readouterr()
    machine, _, head, _, row = out.splitlines()
    assert f": {device()}, " in machine
    assert f"exact match after {seconds} s" in head
    assert row.startswith("| GRU | 2,891 | 1.50 |")
    assert err == "seq2seq-lab compare: GRU has been trained\n"
    assert json.loads(report.read_text())["models"][0]["name"] == "GRU"
    assert [bool(asked) for asked in compared] == [few]


def test_compare_tries_recipes_when_asked(compared, capsys):
    assert main(["compare", *THREADS, "--tune"]) == 0
    assert capsys.readouterr().out.startswith("0.500  GRU: ")
    assert compared == []


def test_doctor_finds_this_machine_well(capsys):
    assert main(["doctor", *THREADS]) == 0
    out, err = capsys.readouterr()
    found = dict(line.split(None, 1) for line in out.splitlines())
    expected = [
        "python",
        "seq2seq-lab",
        "tensorflow",
        "keras",
        "numpy",
        "jupyterlab",
        "device",
        "threads",
        "XLA",
        "programs",
    ]
    assert list(found) == expected
    assert found["keras"] == keras.__version__
    assert found["threads"] == f"{THREADS[1]} of {os.cpu_count()}"
    assert found["XLA"] == "works"
    assert err == ""


def test_doctor_says_what_is_kept_and_clears_it(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    kept = tmp_path / "seq2seq-lab/programs/of-some-processor"
    kept.mkdir(parents=True)
    (kept / "0123-a__XLA_CPU_JIT.pb").write_bytes(bytes(1_500_000))
    told = []
    for clear in ([], ["--clear"]):
        assert main(["doctor", *THREADS, *clear]) == 0
        told += [line for line in capsys.readouterr().out.splitlines() if line.startswith("programs")]
    where = tmp_path / "seq2seq-lab/programs"
    assert told == [f"programs     1 kept, 1.5 MB, in {where}", f"programs     0 kept, 0.0 MB, in {where}"]
    assert not where.exists()


def test_doctor_says_how_to_get_what_is_missing(capsys, monkeypatch):
    version = importlib.metadata.version

    def without_jupyterlab(name):
        if name == "jupyterlab":
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", without_jupyterlab)
    assert main(["doctor", *THREADS]) == 1
    out = capsys.readouterr().out
    assert re.search(r"^jupyterlab +not installed$", out, re.MULTILINE)
    assert re.search(r"^to do .*-m pip install jupyterlab$", out, re.MULTILINE)


def test_doctor_says_why_tensorflow_does_not_load(capsys, monkeypatch):
    def fail(*_, **__):
        raise ImportError("libsomething.so: cannot open\nand so on")

    monkeypatch.setattr(runtime, "setup", fail)
    assert main(["doctor"]) == 1
    assert re.search(
        r"^to do +.*ImportError: libsomething.so: cannot open$", capsys.readouterr().out, re.MULTILINE
    )


def test_without_xla_the_lab_runs_and_doctor_says_how(without_xla, capsys):
    assert main(["doctor", *THREADS]) == 0
    assert re.search(
        r"^XLA +does not work, .*twenty times.*: switched off$", capsys.readouterr().out, re.MULTILINE
    )


# Open


@pytest.fixture
def jupyterlab(monkeypatch):
    """In JupyterLab's place: notes the command, and ends as it is told to; an exception is raised first."""

    class Fake:
        ends = [0]  # noqa: RUF012

        def __init__(self, command):
            Fake.command = command

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def wait(self):
            end = Fake.ends.pop(0)
            if end is KeyboardInterrupt:
                raise KeyboardInterrupt
            return end

    Fake.ends = [0]
    monkeypatch.setattr(subprocess, "Popen", Fake)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    return Fake


LESSON = str(lessons.CHECKOUT / "1-encoder-decoder.ipynb")


@pytest.mark.parametrize("argv", [[], ["1"], ["1-encoder-decoder.ipynb"], [LESSON]])
def test_open_finds_the_notebook_by_number_name_and_path(argv, jupyterlab):
    assert main(["open", *argv]) == 0
    assert jupyterlab.command == [sys.executable, "-m", "jupyterlab", LESSON]


@pytest.mark.parametrize("given", ["1", "1-encoder-decoder.ipynb"])
def test_a_notebook_of_ones_own_comes_before_the_lessons(given, tmp_path, jupyterlab, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "1-encoder-decoder.ipynb").write_text("{}")
    main(["open", given])
    assert jupyterlab.command[3] == "1-encoder-decoder.ipynb"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """As if the package were installed from a wheel, which holds two notebooks."""
    monkeypatch.setattr(lessons, "PACKED", tmp_path / "packed")
    lessons.PACKED.mkdir()
    for name in ("1-first.ipynb", "2-second.ipynb"):
        (lessons.PACKED / name).write_text(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_lies_in_an_installed_package_is_not_opened(installed, jupyterlab, capsys):
    assert status_of(["open", "2"]) == 2
    assert "to get a copy: seq2seq-lab start FOLDER" in the_line(capsys.readouterr().err)


def test_start_lays_the_notebooks_out_and_opens_the_first(installed, jupyterlab, capsys):
    first = str(pathlib.Path("lab", "1-first.ipynb"))
    assert main(["start", "lab"]) == 0
    assert capsys.readouterr().out == f"{first}: new\n{pathlib.Path('lab', '2-second.ipynb')}: new\n"
    assert jupyterlab.command == [sys.executable, "-m", "jupyterlab", first]


def test_start_again_keeps_a_students_work_and_says_so(installed, jupyterlab, capsys):
    (installed / "lab").mkdir()
    (installed / "lab" / "1-first.ipynb").write_text("my work")
    main(["start", "lab"])
    jupyterlab.ends = [0]
    main(["start", "lab"])
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[2] for line in said] == [lessons.OWN, lessons.NEW, lessons.OWN, lessons.SAME]
    assert (installed / "lab" / "1-first.ipynb").read_text() == "my work"


def test_a_package_without_notebooks_says_so(installed, jupyterlab, capsys, monkeypatch):
    for path in lessons.PACKED.iterdir():
        path.unlink()
    monkeypatch.setattr(lessons, "CHECKOUT", installed)
    assert status_of(["open"]) == 2
    assert "there are: none" in the_line(capsys.readouterr().err)
    assert status_of(["start", "lab"]) == 1
    assert "the notebooks are missing" in the_line(capsys.readouterr().err)
    assert not (installed / "lab").exists()


@pytest.mark.parametrize(
    ("uid", "display", "wayland", "platform", "extra"),
    [
        (0, ":0", "", "linux", ["--allow-root"]),
        (1000, "", "wayland-0", "linux", []),
        (1000, "", "", "linux", ["--no-browser"]),
        (1000, "", "", "darwin", []),
        (0, "", "", "linux", ["--allow-root", "--no-browser"]),
    ],
)
def test_open_works_as_root_and_without_a_display(
    uid, display, wayland, platform, extra, jupyterlab, monkeypatch
):
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.setenv("WAYLAND_DISPLAY", wayland)
    main(["open"])
    assert jupyterlab.command[4:] == extra


@pytest.mark.parametrize(
    ("ends", "status"), [([0], 0), ([3], 3), ([-15], 143), ([KeyboardInterrupt, KeyboardInterrupt, 0], 0)]
)
def test_open_ends_as_jupyterlab_ends(ends, status, jupyterlab, capsys):
    jupyterlab.ends = [*ends]
    assert main(["open"]) == status
    assert jupyterlab.ends == []
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("command", ["open", "start lab"])
def test_without_jupyterlab_they_say_how_to_get_it(command, installed, jupyterlab, capsys, monkeypatch):
    monkeypatch.setattr(commands, "version", lambda name: None)
    (installed / "1-first.ipynb").touch()
    assert status_of(command.split()) == 1
    assert f"{sys.executable} -m pip install jupyterlab" in the_line(capsys.readouterr().err)
    assert not (installed / "lab").exists()


@pytest.mark.parametrize("command", ["open", "start lab"])
def test_no_browser_is_opened_where_none_is_wanted(command, jupyterlab, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    main([*command.split(), "--no-browser"])
    assert jupyterlab.command[4:] == ["--no-browser"]


@pytest.mark.skipif(os.name != "posix", reason="Windows sends no Ctrl-C to one process")
@pytest.mark.slow
def test_a_real_jupyterlab_serves_the_notebook_until_ctrl_c(tmp_path, start):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folders = {f"JUPYTER_{name}_DIR": str(tmp_path) for name in ("CONFIG", "DATA", "RUNTIME")}
    jupyter = {"JUPYTER_PORT": str(port), "JUPYTER_TOKEN": "open-sesame", **folders}
    keyboard, terminal = os.openpty()
    display = {"DISPLAY": "", "WAYLAND_DISPLAY": ""}
    process = start(["open"], stdin=terminal, stderr=subprocess.DEVNULL, **display, **jupyter)
    for _ in range(600):
        assert process.poll() is None
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/api") as answer:
            assert "version" in json.load(answer)
            break
        time.sleep(0.2)
    else:
        pytest.fail("JupyterLab never came up")
    name = pathlib.Path(LESSON).name
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/contents?token=open-sesame") as answer:
        assert name in [entry["name"] for entry in json.load(answer)["content"]]
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the command and to JupyterLab
    said = b""
    while b"(y/[n])?" not in said:
        said += os.read(process.stdout.fileno(), 1000)
        assert process.poll() is None, said
    os.write(keyboard, b"y\n")
    process.communicate()
    assert process.returncode == 0
    os.close(keyboard)
    os.close(terminal)


# Grading


@pytest.fixture
def graded(monkeypatch, tmp_path):
    """The command `grade` with something else in the place of marking."""
    command = pytest.importorskip("seq2seq_lab.grading.command")

    def run(instead):
        monkeypatch.setattr(command, "grade", instead)
        return status_of(["grade", str(tmp_path), "--out", str(tmp_path / "marks")])

    return run


@pytest.mark.skipif(sys.platform != "linux", reason="grading runs on Linux")
def test_a_second_ctrl_c_does_not_interrupt_the_end(graded, capsys):
    ended, heard = [], signal.getsignal(signal.SIGINT)

    def interrupted(*_, **__):
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGINT)
            ended.append(True)

    assert graded(interrupted) == 130
    assert ended == [True]
    assert signal.getsignal(signal.SIGINT) == heard
    assert capsys.readouterr().err == ""


def test_python_m_is_the_command(monkeypatch, capsys):
    """Beside the processes that the tests above start, which coverage does not see."""
    monkeypatch.setattr(sys, "argv", ["seq2seq_lab", "--version"])
    heard = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(SystemExit, match="0"):
            runpy.run_module("seq2seq_lab", run_name="__main__")
    finally:
        signal.signal(signal.SIGINT, heard)
    assert capsys.readouterr().out.startswith("seq2seq-lab ")


def test_nothing_interrupts_a_program_that_ends(monkeypatch):
    monkeypatch.setattr(cli_main, "main", lambda: 3)
    heard = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(SystemExit, match="3"):
            cli_main.program()
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, heard)


@pytest.mark.skipif(sys.platform != "linux", reason="grading runs on Linux")
def test_an_error_that_is_no_arguments_names_none(graded, capsys):
    def fail(*_, **__):
        b"\xff".decode("utf-8")

    assert graded(fail) == 1
    line = the_line(capsys.readouterr().err)
    assert "argument" not in line
    assert "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff" in line
