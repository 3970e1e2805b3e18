"""How the C library keeps memory that Python and NumPy free."""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # as in glibc's malloc.h


def reuse_memory() -> None:
    """Have freed memory stay for the arrays that come next; glibc, on Linux, can do so.

    It keeps at most 64 MiB at the end of each of its arenas, in the end with these very numbers by itself:
    until TensorFlow first reads from a generator. That has it return each larger array to the system, which
    then clears as many pages for the next one. A block of samples would take twice as long to draw.
    """
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):
        mallopt(M_TRIM_THRESHOLD, 64 << 20)
        mallopt(M_MMAP_THRESHOLD, 32 << 20)
