"""Without XLA: compiling takes longer than the few steps of most tests."""

import contextlib
from collections.abc import Iterator

import pytest

from seq2seq_lab import runtime


@contextlib.contextmanager
def xla_off(why: str = "switched off") -> Iterator[None]:
    """Models that are made here run as where XLA does not work."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime, "xla_error", lambda: why)
        yield
