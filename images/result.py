"""Draw `result.svg`, the README's picture, from what the command line measured.

seq2seq-lab train --json result.json
python images/result.py result.json
"""

import json
import sys
from pathlib import Path

import matplotlib as mpl

import seq2seq_lab as lab


def main() -> None:
    """Read the report named on the command line, and draw it beside this file."""
    lab.setup()
    report = json.loads(Path(sys.argv[1]).read_text())
    history = report["history"]
    step = report["settings"]["samples_per_epoch"]
    samples = [step * (i + 1) for i in range(len(history["loss"]))]
    # Nothing random and no date: the same report draws the same file.
    mpl.rcParams.update({"svg.hashsalt": "result", "svg.fonttype": "none", "font.family": "sans-serif"})
    figure = lab.plot_result(history, samples, report["accuracy_by_position"])
    figure.savefig(Path(__file__).with_name("result.svg"), metadata={"Date": None})


if __name__ == "__main__":
    main()
