"""How the command line is read: every command's arguments, checked before any work, each error one line."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import pathlib
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from seq2seq_lab._internals.files import check_writable
from seq2seq_lab.cli.lessons import CHECKOUT, lessons
from seq2seq_lab.cli.machine import version
from seq2seq_lab.settings import COUNT, NOT_NEGATIVE, POSITIONS, POSITIVE, SEED, TOP_K, TOP_P, Rule, Settings

PROGRAM = "seq2seq-lab"
SETTINGS = {field.name: field for field in dataclasses.fields(Settings)}


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that takes no abbreviations, and whose every error is one line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_abbrev=False, **kwargs)
        self._negative_number_matcher = re.compile(r"-(\d|\.\d|inf|nan)")  # values, not flags: -1e-3, -inf

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple:
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"argument {unknown[0]}: is unknown; {' '.join(self.format_usage().split())}")
        return known, unknown

    def error(self, message: str, status: int = 2) -> NoReturn:
        self.exit(status, f"{self.prog}: error: {' '.join(message.splitlines())}\n")


def number(convert: Callable, rule: Rule) -> Callable:
    """A reader of numbers, or of words, that follow a rule."""

    def read(text):
        with contextlib.suppress(ValueError):
            value = None if text.lower() == "none" and convert is not str else convert(text)
            if rule.holds(value):
                return value
        raise argparse.ArgumentTypeError(f"must be {rule.words}, but is {text!r}")

    return read


def model_to_read(text: str) -> str:
    """The path of a file; whether it holds a model is seen when it is loaded."""
    if not (text.endswith(".keras") and os.path.isfile(text)):
        raise argparse.ArgumentTypeError(f"must be a .keras file that train --save wrote, but is {text!r}")
    return text


def file_to_write(a_model: bool) -> Callable:
    """A reader of the path of a file that can be written, a model's or another's."""

    def read(text):
        if text.endswith(".keras") != a_model:
            raise argparse.ArgumentTypeError(
                f"must {'' if a_model else 'not '}end in .keras, but is {text!r}"
            )
        try:
            check_writable("it", text)
        except OSError as error:
            raise argparse.ArgumentTypeError(str(error)) from error
        return text

    return read


def drawing_to_write(text: str) -> str:
    """The path of an SVG file that can be written."""
    if not text.endswith(".svg"):
        raise argparse.ArgumentTypeError(f"must end in .svg, but is {text!r}")
    return file_to_write(a_model=False)(text)


def page_to_write(text: str) -> str:
    """The path of an HTML file that can be written."""
    if not text.endswith(".html"):
        raise argparse.ArgumentTypeError(f"must end in .html, but is {text!r}")
    return file_to_write(a_model=False)(text)


def notebook(text: str) -> str:
    """The path of a notebook, given as path, name or number: if there is one, the copy in this folder.

    Those inside an installed package are no place to work in: the next version would replace them.
    """
    if text.endswith(".ipynb") and os.path.isfile(text):
        return text
    there = lessons()
    for lesson in there:
        if text in (lesson.name, lesson.name.partition("-")[0]):
            if os.path.isfile(lesson.name):
                return lesson.name
            if lesson.parent == CHECKOUT:
                return str(lesson)
            start = f"{PROGRAM} start FOLDER"
            raise argparse.ArgumentTypeError(f"{lesson.name} is not in this folder; to get a copy: {start}")
    names = ", ".join(path.name for path in there) or f"none in {CHECKOUT}"
    raise argparse.ArgumentTypeError(f"must name a notebook, but is {text!r}; there are: {names}")


def folder_to_fill(text: str) -> pathlib.Path:
    """The path of a folder that is there or can be made."""
    path = pathlib.Path(text)
    if os.path.lexists(path) and not path.is_dir():
        raise argparse.ArgumentTypeError(
            f"must be a folder, there or to be made, but {text!r} is something else"
        )
    return path


def existing(text: str) -> pathlib.Path:
    """The path of something that exists."""
    if not os.path.exists(text):
        raise argparse.ArgumentTypeError(f"must exist, but {text!r} does not")
    return pathlib.Path(text)


def flag(name: str) -> str:
    """The flag of a setting."""
    return "--" + name.replace("_", "-")


def settings_table() -> str:
    """The defaults as a Markdown table, as it stands in `seq2seq_lab/README.md`."""
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for field in SETTINGS.values():
        rows.append(f"| `{field.name}` | {field.default} | {field.metadata['meaning']} |")
    return "\n".join(rows)


def make_parser(functions: Mapping[str, Callable]) -> Parser:
    """Every command with its arguments; `functions` run them, and their docstrings describe them."""
    parser = Parser(prog=PROGRAM, description="Recurrent encoder-decoders: 'one two five' -> '125#'.")
    installed = version(PROGRAM) or "(not installed)"
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {installed}")
    commands = parser.add_subparsers(metavar="|".join(functions), required=True)
    made = {}
    for name, run in functions.items():
        made[name] = commands.add_parser(name, help=run.__doc__, description=run.__doc__)
        made[name].set_defaults(run=run, parser=made[name])
        if name not in ("start", "open", "grade", "gradescope"):
            _add_runtime(made[name].add_argument)
    add = made["start"].add_argument
    words = "for the notebooks; what is there already is kept as it is"
    add("folder", type=folder_to_fill, metavar="FOLDER", help=words)
    _add_jupyterlab(add)
    add = made["open"].add_argument
    add("notebook", nargs="?", type=notebook, default="1", metavar="NOTEBOOK", help="path, name or number")
    _add_jupyterlab(add)
    _add_training(made["train"].add_argument, made["train"].add_mutually_exclusive_group)
    add = made["translate"].add_argument
    add("--model", type=model_to_read, metavar="FILE.keras", required=True, help="a saved model")
    add("texts", nargs="+", metavar="TEXT", help="'one two five', or - for lines from stdin")
    _add_decoding(add)
    add = made["page"].add_argument
    words = "saved models, each shown under its file's name"
    add("models", nargs="+", type=model_to_read, metavar="FILE.keras", help=words)
    add("--out", type=page_to_write, metavar="FILE.html", required=True, help="the page")
    clear = "forget the compiled programs that are kept for the next start"
    made["doctor"].add_argument("--clear", action="store_true", help=clear)
    add = made["benchmark"].add_argument
    add("--quick", action="store_true", help="leave out how a step's time and the memory grow")
    add("--json", type=file_to_write(a_model=False), metavar="FILE", help="write every turn of every row")
    add("--plot", type=drawing_to_write, metavar="FILE.svg", help="draw how a step's time grows")
    add = made["compare"].add_argument
    add("--quick", action="store_true", help="one seed, few samples: a trial of a few minutes")
    add("--tune", action="store_true", help="try the recipes among which each model has chosen, instead")
    add("--json", type=file_to_write(a_model=False), metavar="FILE", help="write every run of every model")
    _add_grading(made["grade"].add_argument)
    _add_gradescope(made["gradescope"].add_argument)
    return parser


def _add_runtime(add):
    words = "threads inside an operation (default: 1)"
    add("--threads", type=number(int, COUNT), default=1, metavar="N", help=words)
    add("--verbose", action="store_true", help="show TensorFlow's messages, and tracebacks")


def _add_jupyterlab(add):
    add("--no-browser", action="store_true", help="print the address to open, and open nothing")


def _add_grading(add):
    path = pathlib.Path
    words = (
        "what a learning platform exports, or a folder or a zip: STUDENT.ipynb, or a folder for each student"
    )
    add("submissions", type=existing, metavar="SUBMISSIONS", help=words)
    words = "folder for marks.csv, written.csv, feedback/ and overview.html; goes on where it was"
    add("--out", type=path, metavar="MARKS", required=True, help=words)
    add("--written", type=existing, metavar="FILE.csv", help="a copy of written.csv, filled in")
    add(
        "--nbgrader",
        type=existing,
        metavar="COURSE",
        help="enter marks in this course's gradebook, too",
    )
    add("--assignment", metavar="NAME", help="which of the course's assignments, if it has several")
    words = "a worksheet exported by Moodle or Canvas; it is written into MARKS, filled in"
    add("--fill", type=existing, metavar="FILE.csv", help=words)
    add("--fill-column", metavar="NAME", help="which of its columns, if it has several")
    add("--scheduler", metavar="ADDRESS", help="of a Dask cluster (default: all cores of this machine)")
    _add_marking(add)


def _add_gradescope(add):
    words = "the folder with a student's files: /autograder/submission"
    add("submission", type=pathlib.Path, metavar="SUBMISSION", help=words)
    words = "file to write, whatever happens: /autograder/results/results.json"
    add("--results", type=file_to_write(a_model=False), metavar="FILE", required=True, help=words)
    _add_marking(add)


def _add_marking(add):
    """What marking a class and marking a submission share."""
    words = "of the random inputs (default: drawn, and recorded)"
    add("--seed", type=number(int, SEED), metavar="N", help=words)
    words = "with the sources of the notebooks that were handed out (default: notebooks/source)"
    add("--source", type=existing, metavar="FOLDER", help=words)
    words = "for files that you trust: THEIR CODE RUNS AS YOU AND CAN DO WHATEVER YOU CAN; limits still hold"
    add("--no-sandbox", action="store_true", help=words)
    add("--verbose", action="store_true", help="show tracebacks")


def _add_training(add, group):
    for name, field in SETTINGS.items():
        rule = field.metadata["rule"]
        read = number(float if rule.holds(0.5) else int, rule)
        words = f"{field.metadata['meaning']} (default: {field.default})"
        add(flag(name), type=read, default=argparse.SUPPRESS, metavar="N", help=words)
    words = "a decoder that attends; --l2 is then 1e-05 unless given, first weights are wider, the rate falls"
    which = group()
    which.add_argument("--attention", action="store_true", help=words)
    words = (
        "a Transformer of --encoder-units and --decoder-units; the rate rises first, then falls as a cosine"
    )
    which.add_argument("--transformer", action="store_true", help=words)
    for name in ("heads", "layers"):
        words = f"with --transformer: {name} on each side (default: 1)"
        add(flag(name), type=number(int, COUNT), default=argparse.SUPPRESS, metavar="N", help=words)
    words = f"with --transformer: {POSITIONS.words} (default: sinusoidal)"
    add("--positions", type=number(str, POSITIONS), default=argparse.SUPPRESS, metavar="KIND", help=words)
    add("--seed", type=number(int, SEED), metavar="N", help="of weights and data (default: 0)")
    add("--save", type=file_to_write(a_model=True), metavar="FILE.keras", help="keep the model")
    words = "write settings, results and times"
    add("--json", type=file_to_write(a_model=False), metavar="FILE", help=words)
    add("--resume", type=model_to_read, metavar="FILE.keras", help="go on training this model")


def _add_decoding(add):
    """Flags named like the fields of the classes in decoding.py, which needs TensorFlow."""
    beam, sampling = "beam search: ", "sampling: "
    add("--beam", type=number(int, COUNT), metavar="WIDTH", help=f"{beam}beginnings kept at each step")
    words = "the score is log-probability / length ** N (default: 0)"
    add("--length-power", type=number(float, NOT_NEGATIVE), metavar="N", help=beam + words)
    add("--n-best", type=number(int, COUNT), metavar="N", help=f"{beam}print the N best of each text")
    words = "a symbol's probability is taken to the power of 1 / N (default: 1)"
    add("--temperature", type=number(float, POSITIVE), metavar="N", help=sampling + words)
    add("--top-k", type=number(int, TOP_K), metavar="N", help=f"{sampling}among the N most likely symbols")
    words = "among the fewest symbols that have a probability of N together"
    add("--top-p", type=number(float, TOP_P), metavar="N", help=sampling + words)
    add("--seed", type=number(int, SEED), metavar="N", help=f"{sampling}of what is drawn (default: 0)")
    add("--scores", action="store_true", help="print score and log-probability, in nats, before each")
