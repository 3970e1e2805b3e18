"""Draw `result.svg`, the picture at the top of the README, from what the command line measured.

seq2seq-lab train --json without.json
seq2seq-lab train --attention --json with.json
python images/result.py without.json with.json
"""

import argparse
import json
from pathlib import Path

import matplotlib as mpl

import seq2seq_lab as lab


def report(path: str) -> dict:
    """What `seq2seq-lab train --json` wrote."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"must name a report, but {path!r}: {error}") from error


def main() -> None:
    """Read the reports named on the command line, and draw them beside this file."""
    parser = argparse.ArgumentParser(description="Draw result.svg from two reports of seq2seq-lab train.")
    for name in ("without", "with"):
        parser.add_argument(name, type=report, help=f"report of a training {name} attention")
    reports = {f"{name} attention": found for name, found in vars(parser.parse_args()).items()}
    lab.setup()
    # Nothing random and no date: the same report draws the same file.
    mpl.rcParams.update({"svg.hashsalt": "result", "svg.fonttype": "none", "font.family": "sans-serif"})
    figure = lab.plot_result(reports)
    figure.savefig(Path(__file__).with_name("result.svg"), metadata={"Date": None})


if __name__ == "__main__":
    main()
