"""The commands, from `start` and `train` to `grade` and `doctor`, a function each.

Results go to stdout, everything else to stderr. Arguments are checked before TensorFlow is loaded, so that
help and errors come at once.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import math
import os
import pathlib
import signal
import subprocess
import sys
import time

from seq2seq_lab._internals.files import whole_file
from seq2seq_lab._internals.kept_programs import forget_programs, home, kept_programs
from seq2seq_lab.cli.arguments import PROGRAM, SETTINGS, flag
from seq2seq_lab.cli.lessons import CHECKOUT, lay_out, lessons
from seq2seq_lab.cli.machine import device, in_words, measured, version, versions
from seq2seq_lab.settings import Rule, Settings, require, require_heads, with_attention

PHASES = ("import", "build", "compile", "training", "validation", "evaluation", "save")
AT_ONCE = 1_000  # texts translated together
WITHOUT_SANDBOX = "NO SANDBOX: STUDENTS' CODE RUNS AS YOU, AND CAN READ, CHANGE AND SEND WHAT YOU CAN"
FAILED, INTERRUPTED = 1, 128 + 2  # the last as shells report SIGINT


def start(args: argparse.Namespace) -> int:
    """Lay the notebooks out in a folder of your own, keep what is there, and open the first in JupyterLab."""
    _need_jupyterlab(args)
    if not lessons():
        args.parser.error(f"the notebooks are missing in {CHECKOUT}", FAILED)
    for path, what in lay_out(args.folder).items():
        print(f"{path}: {what}")
    sys.stdout.flush()
    return _jupyterlab(args.folder / lessons()[0].name, args.no_browser)


def open_notebook(args: argparse.Namespace) -> int:
    """Show a notebook in JupyterLab, until that ends."""
    _need_jupyterlab(args)
    return _jupyterlab(args.notebook, args.no_browser)


def train(args: argparse.Namespace) -> int:
    """Train a new model, or a saved one further, and print how good it is then."""
    settings = _settings(args)
    clock = Stopwatch("import")
    _start(args)
    from keras.callbacks import LambdaCallback
    from tqdm.keras import TqdmCallback

    from seq2seq_lab import training

    clock.enter("build")
    model = _load(args, "--resume", args.resume) if args.resume else _new(settings, args)
    samples = getattr(args, "samples", model.settings.samples)

    clock.enter("compile")
    training.warm_up(model)

    clock.enter("training")
    bar = TqdmCallback(verbose=0)
    validations = LambdaCallback(
        on_test_begin=lambda logs: clock.enter("validation"),
        on_test_end=lambda logs: clock.enter("training"),
    )
    history = training.train(model, samples, args.seed, callbacks=[bar, validations])
    bar.on_train_end()  # interrupted twice, it has not ended yet

    clock.enter("save")
    if args.save:
        heard = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not cost the model
        model.save(args.save)
        signal.signal(signal.SIGINT, heard)

    clock.enter("evaluation")
    result = training.evaluate(model)
    clock.stop()
    _report(args, model, samples, history, result, clock.seconds)
    return INTERRUPTED if history.interrupted else 0


def translate(args: argparse.Namespace) -> int:
    """Print the digits that a saved model reads in each text."""
    texts, numbers = _texts(args), _decoding(args)
    n_best = args.n_best or 1
    _start(args)
    model = _load(args, "--model", args.model)

    from seq2seq_lab.decoding import BeamSearch, Greedy, Sampling

    decoder = BeamSearch(**numbers) if args.beam else Sampling(**numbers) if numbers else Greedy()
    for i in range(0, len(texts), AT_ONCE):
        for answers in model.hypotheses(texts[i : i + AT_ONCE], decoder, n_best):
            for answer in answers:
                scores = f"{answer.score:.4f}\t{answer.log_probability:.4f}\t" if args.scores else ""
                print(scores + answer.text)
            if n_best > 1:
                print()
    return 0


def page(args: argparse.Namespace) -> int:
    """Write saved models as one HTML file, in which anybody plays with them without an installation."""
    files = {pathlib.Path(path).stem: path for path in args.models}
    if len(files) < len(args.models):
        args.parser.error("argument FILE.keras: the names of the files must differ, folders apart")
    _start(args)
    models = {name: _load(args, "FILE.keras", path) for name, path in files.items()}

    from seq2seq_lab.views.page import save_page

    try:
        save_page(models, args.out)
    except ValueError as error:
        args.parser.error(f"argument FILE.keras: {error}")
    return 0


def benchmark(args: argparse.Namespace) -> int:
    """Measure the lab's speed on this machine, side by side with Keras' own GRU."""
    if args.quick and args.plot:
        args.parser.error("argument --plot: draws what --quick leaves out, so give one of the two")
    _start(args)
    from seq2seq_lab.cli.benchmark import benchmark, benchmark_table, plot_growth

    rows, growth = benchmark(quick=args.quick)
    machine = measured(PROGRAM, args.threads)
    if args.json:
        report = {**machine, "rows": [row._asdict() for row in rows]}
        if growth:
            report["growth"] = {
                axis: {x: row.turns for x, row in rows.items()} for axis, rows in growth._asdict().items()
            }
        _write_json(args.json, report)
    if args.plot:
        with whole_file(args.plot) as unfinished:
            plot_growth(growth).savefig(unfinished)
    print(in_words(machine))
    print(benchmark_table(rows))
    return 0


def compare(args: argparse.Namespace) -> int:
    """Compare five models on the task: GRU, LSTM, GRU with attention, Transformer, decoder-only."""
    if args.tune and args.quick:
        args.parser.error("argument --quick: is not allowed with --tune")
    _start(args)
    from seq2seq_lab.cli import compare

    if args.tune:
        for name, recipe, share in compare.choose():
            print(f"{share:.3f}  {name}: {recipe}", flush=True)
        return 0
    few = {"seeds": (0,), "samples": 20_000, "seconds": 3, "judged": 200} if args.quick else {}
    found = []
    for one in compare.compare(**few):
        found.append(one)
        print(f"{args.parser.prog}: {one.name} has been trained", file=sys.stderr)
    machine = measured(PROGRAM, args.threads)
    if args.json:
        _write_json(args.json, {**machine, "models": [compare.plain(one) for one in found]})
    print(f"{in_words(machine)}\n")
    print(compare.comparison(found, few.get("seconds", 30)))
    return 0


def grade(args: argparse.Namespace) -> int:
    """Mark a class of submissions in sandboxes."""
    names = "source", "seed", "nbgrader", "assignment", "fill", "fill_column", "scheduler"
    with _grading(args):
        from seq2seq_lab.grading.command import grade

        graded = grade(
            args.submissions,
            args.out,
            written_file=args.written,
            sandboxed=not args.no_sandbox,
            versions=versions(PROGRAM),
            **{name: vars(args)[name] for name in names},
        )
    for fault in graded.faults:
        print(f"{args.parser.prog}: not marked: {fault}", file=sys.stderr)
    for notice in graded.notices:
        print(f"{args.parser.prog}: {notice}", file=sys.stderr)
    marked = graded.submissions - len(graded.faults)
    print(f"{marked} of {graded.submissions} marked, seed {graded.seed}: {args.out}")
    if graded.odd:
        print(f"something is odd with {graded.odd} of them: see state in {args.out / 'marks.csv'}")
    return FAILED if graded.faults else 0


def gradescope(args: argparse.Namespace) -> int:
    """Mark one submission in Gradescope's autograder, and write its results.json."""
    numbers = {"source": args.source, "seed": args.seed, "sandboxed": not args.no_sandbox}
    with _grading(args):
        from seq2seq_lab.grading.gradescope import grade_one

        print(grade_one(args.submission, pathlib.Path(args.results), **numbers))
    return 0


def doctor(args: argparse.Namespace) -> int:
    """Print what is installed, whether it works, and what to do if not."""
    found = versions(PROGRAM)
    to_do = [_install(name) for name, version in found.items() if not version and name != PROGRAM]
    try:
        _start(args)
        from seq2seq_lab import runtime, training  # noqa: F401 (the whole lab, to see that it loads)

        found["device"], found["threads"] = device(), f"{args.threads} of {os.cpu_count()}"
        fault = runtime.xla_error()
        found["XLA"] = f"does not work, so training takes twenty times longer: {fault}" if fault else "works"
    except Exception as error:  # whatever a broken installation raises
        to_do.append(f"make TensorFlow load: {summary(error)}")
    if args.clear:
        forget_programs()
    found["programs"] = "{} kept, {:.1f} MB, in {}".format(*kept_programs(), home())
    for name, what in [*found.items(), *(("to do", what) for what in to_do)]:
        print(f"{name:<12} {what or 'not installed'}")
    return FAILED if to_do else 0


COMMANDS = {
    "start": start,
    "open": open_notebook,
    "train": train,
    "translate": translate,
    "page": page,
    "benchmark": benchmark,
    "compare": compare,
    "grade": grade,
    "gradescope": gradescope,
    "doctor": doctor,
}


# What they share


def _need_jupyterlab(args):
    if not version("jupyterlab"):
        args.parser.error(f"JupyterLab is missing; to get it: {_install('jupyterlab')}", FAILED)


def _jupyterlab(notebook, no_browser):
    """Show a notebook until JupyterLab ends; returns its exit status."""
    command = [sys.executable, "-m", "jupyterlab", str(notebook)]
    if getattr(os, "geteuid", lambda: None)() == 0:
        command.append("--allow-root")
    no_display = sys.platform == "linux" and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    if no_browser or no_display:
        command.append("--no-browser")  # JupyterLab then prints the address to open
    with subprocess.Popen(command) as lab:
        while True:
            with contextlib.suppress(KeyboardInterrupt):  # JupyterLab hears Ctrl-C as well, and decides
                status = lab.wait()
                return status if status >= 0 else 128 - status


class Stopwatch:
    """Seconds by phase: every moment counts for the phase entered last."""

    def __init__(self, phase: str) -> None:
        self.seconds = dict.fromkeys(PHASES, 0.0)
        self.phase, self.since = phase, time.perf_counter()

    def enter(self, phase: str) -> None:
        self.stop()
        self.phase = phase

    def stop(self) -> None:
        now = time.perf_counter()
        self.seconds[self.phase] += now - self.since
        self.since = now


def _report(args, model, samples, history, result, seconds):
    by_position = _numbers(result.accuracy_by_position)
    if args.json:
        report = {
            "settings": dataclasses.asdict(model.settings),
            "seed": model.seed,
            "samples": samples,
            "interrupted": history.interrupted,
            "token_accuracy": result.token_accuracy,
            "exact_match": result.exact_match,
            "accuracy_by_position": by_position,
            "history": {name: _numbers(values) for name, values in history.history.items()},
            "seconds": seconds,
            **measured(PROGRAM, args.threads),
        }
        _write_json(args.json, report)
    print(f"token accuracy        {result.token_accuracy:.3f}")
    print(f"exact match           {result.exact_match:.3f}")
    print("accuracy by position ", *("-" if a is None else f"{a:.2f}" for a in by_position))


def _write_json(path, report):
    with whole_file(path) as unfinished:
        unfinished.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


SIZES = "heads", "layers", "positions"  # of a Transformer alone
RECURRENT = "input_embedding", "target_embedding", "embedding_stddev", "cell_stddev", "decay_samples"


def _sizes(args):
    """Those of a Transformer that were given."""
    return {name: vars(args)[name] for name in SIZES if name in vars(args)}


def _settings(args):
    given = {name: value for name, value in vars(args).items() if name in SETTINGS}
    sizes = _sizes(args)
    models = [name for name in ("attention", "transformer") if vars(args)[name]]
    own = given.keys() - {"samples"} | {*models, *sizes}
    if args.resume and own:
        args.parser.error(f"argument --resume: has settings of its own, so {flag(min(own))} is not allowed")
    if "attention_units" in given and not args.attention:
        args.parser.error("argument --attention-units: needs --attention")
    if sizes and not args.transformer:
        args.parser.error(f"argument {flag(min(sizes))}: needs --transformer")
    if args.transformer and (other := [name for name in RECURRENT if name in given]):
        args.parser.error(f"argument {flag(other[0])}: is not allowed with --transformer")
    try:
        if args.attention:
            return with_attention(**given)
        settings = Settings(**given)
        if args.transformer:
            for name in ("encoder_units", "decoder_units"):
                require_heads(
                    vars(settings)[name], sizes.get("heads", 1), sizes.get("positions", "sinusoidal"), name
                )
            return settings
        units = Rule(f"that of --encoder-units ({settings.encoder_units})", settings.encoder_units.__eq__)
        require("decoder_units", settings.decoder_units, units)
        return settings
    except ValueError as error:
        name, _, fault = str(error).partition(" ")
        args.parser.error(f"argument {flag(name)}: {fault}")


def _texts(args):
    try:
        texts = [line for text in args.texts for line in (_lines() if text == "-" else [text])]
        for text in texts:
            check_words(text)
        return texts
    except UnicodeDecodeError as error:
        args.parser.error(f"argument TEXT: stdin must be UTF-8, but {error}")
    except ValueError as error:
        args.parser.error(f"argument TEXT: {error}")


def check_words(text: str) -> None:
    """Raise a ValueError unless `text` is digit words with one space between any two.

    The network itself reads any characters it has ids for, misspelled words included.
    """
    from seq2seq_lab.vocabulary import WORDS

    for word in text.split(" "):
        if word not in WORDS:
            raise ValueError(f"text {text!r} has {word!r}; allowed words: {' '.join(WORDS)}")


def _decoding(args):
    """The arguments of beam search or of sampling, whichever is asked for, and nothing for greedy."""
    sampling = {name: vars(args)[name] for name in ("temperature", "top_k", "top_p", "seed")}
    beam = {"length_power": args.length_power, "n_best": args.n_best}
    for name in sampling if args.beam else beam:
        if vars(args)[name] is not None:
            reason = "is not allowed with --beam, which draws nothing" if args.beam else "needs --beam"
            args.parser.error(f"argument {flag(name)}: {reason}")
    if args.beam and (args.n_best or 1) > args.beam:
        args.parser.error(f"argument --n-best: must be at most --beam ({args.beam}), but is {args.n_best}")
    numbers = {"width": args.beam, "length_power": args.length_power} if args.beam else sampling
    return {name: number for name, number in numbers.items() if number is not None}


def _lines():
    lines = sys.stdin.buffer.read().decode("utf-8-sig").splitlines() if sys.stdin else []
    if not lines:
        raise ValueError("'-' must find lines on stdin, but there are none")
    return lines


@contextlib.contextmanager
def _grading(args):
    """What marking needs is there; errors name their argument, which they begin with; Ctrl-C counts once."""
    if sys.platform != "linux":
        args.parser.error(
            f"runs on Linux, where bubblewrap makes its sandboxes; this is {sys.platform}", FAILED
        )
    heard = signal.signal(signal.SIGINT, _interrupt_once)
    try:
        import seq2seq_lab.grading.command  # noqa: F401 (what it imports is not there for everybody)
        from seq2seq_lab.grading.isolation import SandboxError

        if args.no_sandbox:
            print(f"{args.parser.prog}: {WITHOUT_SANDBOX}", file=sys.stderr)
        try:
            yield
        except SandboxError as error:
            args.parser.error(str(error), FAILED)
    except ImportError as error:
        missing = error.name or error
        args.parser.error(f"{missing} is missing; to get it: pip install -e '.[instructor]'", FAILED)
    except ValueError as error:
        name, _, fault = str(error).partition(" ")
        if name not in vars(args):  # no argument is wrong, something else is
            raise
        name = name.upper() if name in ("submissions", "submission") else flag(name)
        args.parser.error(f"argument {name}: {fault}")
    finally:
        signal.signal(signal.SIGINT, heard)


def _interrupt_once(*_):
    """End what is at work; what ends then is not interrupted in that, which would show a traceback."""
    signal.signal(signal.SIGINT, lambda *_: None)
    raise KeyboardInterrupt


def _start(args):
    from seq2seq_lab.runtime import setup

    setup(args.threads, quiet=not args.verbose)


def _new(settings, args):
    import keras

    from seq2seq_lab.attention import AttentionDecoder
    from seq2seq_lab.model import Seq2Seq
    from seq2seq_lab.training import prepare
    from seq2seq_lab.transformer import TransformerDecoder, TransformerEncoder, adam_with_warm_up

    keras.utils.set_random_seed(args.seed or 0)
    if not args.transformer:
        return Seq2Seq(settings, decoder=AttentionDecoder.from_settings(settings) if args.attention else None)
    parts = (
        part.from_settings(settings, **_sizes(args)) for part in (TransformerEncoder, TransformerDecoder)
    )
    model = Seq2Seq(settings, *parts)
    prepare(model, adam_with_warm_up(settings))
    return model


def _load(args, flag, path):
    from seq2seq_lab.training import load

    try:
        return load(path)
    except (OSError, ValueError) as error:
        args.parser.error(f"argument {flag}: {str(error).removeprefix('path ')}")


def _install(package):
    return f"{sys.executable} -m pip install {package}"


def _numbers(values):
    return [float(value) if math.isfinite(value) else None for value in values]  # JSON has no NaN


def summary(error: Exception) -> str:
    """An error in one line: its type, and the first line of what it says."""
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
