"""The command line, `seq2seq-lab COMMAND`: whatever goes wrong ends as one line and an exit status.

Used in the README.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from typing import NoReturn

from seq2seq_lab.cli.arguments import make_parser
from seq2seq_lab.cli.commands import COMMANDS, FAILED, INTERRUPTED, summary

NO_READER = 128 + 13  # as shells report SIGPIPE


def program() -> NoReturn:
    """Run the command that the program was called with, and end with its exit status."""
    try:
        sys.exit(main())
    finally:  # what ends now must not be interrupted: a second Ctrl-C would show a traceback of that
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command, and return its exit status."""
    args = argparse.Namespace(verbose=False, parser=make_parser(COMMANDS))
    try:
        try:
            args.parser.parse_args(argv, args)
            with warnings.catch_warnings():
                if not args.verbose:
                    _hide_foreign_warnings(args.parser.prog)
                return args.run(args)
        finally:
            if sys.stdout:
                sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        if isinstance(error, OSError):  # perhaps stdout's own: leave nothing to flush
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):  # the reader has seen enough, as `head` does
            return NO_READER
        if args.verbose:
            raise
        args.parser.error(f"{summary(error)} (--verbose shows where)", FAILED)


def _hide_foreign_warnings(program):
    warnings.simplefilter("ignore")
    warnings.filterwarnings("default", module="seq2seq_lab")
    warnings.showwarning = lambda message, *_: print(f"{program}: warning: {message}", file=sys.stderr)
