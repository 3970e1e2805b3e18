"""One answer among many: what decoding finds, and what trees, panel and exercises look at.

Stands alone, so that a class can be marked without TensorFlow. Used in notebook 3.
"""

from __future__ import annotations

from typing import NamedTuple


class Hypothesis(NamedTuple):
    """One answer to a text: what is written, up to the `#`, and how sure the model is of all of it."""

    text: str
    log_probability: float  # in nats
    score: float
