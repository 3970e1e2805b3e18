"""What grading a class costs: processor time of all processes together, and their memory at its peak.

python tests/grading_time.py 4 16     # classes of 4 and of 16, and from both each further submission
"""

import argparse
import contextlib
import ctypes
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil
from submissions import LESSONS, class_of

PR_SET_CHILD_SUBREAPER = 36
LOOK_EVERY = 0.5  # seconds between two looks at memory


class Cost(NamedTuple):
    """What a run has cost."""

    processor: float  # seconds, all processes together
    clock: float  # seconds
    memory: int  # bytes at the peak, what several processes share counted once


def cost(command: list[str]) -> Cost:
    """Run a command, and see what it and all that it starts cost, sandboxes that it ends included.

    Raises:
        subprocess.CalledProcessError: it did not succeed.
    """
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)  # who has lost its parent is waited for here
    before, begun, memory = _seconds_of_ended(), time.monotonic(), 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        while run.poll() is None:
            memory = max(memory, sum(map(_memory, psutil.Process().children(recursive=True))))
            time.sleep(LOOK_EVERY)
    clock = time.monotonic() - begun
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    if run.returncode:
        raise subprocess.CalledProcessError(run.returncode, command)
    return Cost(_seconds_of_ended() - before, clock, memory)


def _seconds_of_ended():
    """Processor time of all processes that have been waited for, theirs included."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _memory(process):
    """Bytes that a process takes, its part of what it shares included."""
    with contextlib.suppress(psutil.Error):
        return process.memory_full_info().pss
    return 0


def main() -> None:
    """Grade a class of each size, and print what it costs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("sizes", type=int, nargs=2, help="submissions in a small and in a larger class")
    names = [path.stem for path in LESSONS]
    parser.add_argument(
        "--lessons",
        nargs="+",
        choices=names,
        default=names[:3],
        help="notebooks of each (default: the first 3)",
    )
    args = parser.parse_args()
    costs = {}
    for n in args.sizes:
        with tempfile.TemporaryDirectory() as folder:
            submitted, out = Path(folder, "submitted"), Path(folder, "marks")
            class_of(n, submitted, args.lessons)
            grade = [sys.executable, "-m", "seq2seq_lab", "grade", str(submitted)]
            costs[n] = cost([*grade, "--out", str(out), "--seed", "7"])
        said = "{:.1f} s of the processor, {:.1f} s on the clock".format(*costs[n][:2])
        print(f"{n} submissions: {said}, {costs[n].memory / 1e6:,.0f} MB at the peak")
    few, many = args.sizes
    further = (costs[many].processor - costs[few].processor) / (many - few)
    print(f"each further one: {further:.2f} s of the processor")


if __name__ == "__main__":
    main()
