"""The settings of the lab: one frozen dataclass, the only home of its defaults.

Notebooks, tests, command line and README read them here. Used from the first cell of every notebook.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, NamedTuple

Size = Any  # a number, or None where a model's own encoder or decoder has no such size


class Rule(NamedTuple):
    """What a value may be: in words for the error, and as a test."""

    words: str
    holds: Callable[[Any], bool]


def _whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _real(value: Any) -> bool:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    return is_number and abs(value) < float("inf")


def or_none(rule: Rule) -> Rule:
    """The same rule, or no value at all."""
    return Rule(f"{rule.words}, or None", lambda v: v is None or rule.holds(v))


COUNT = Rule("a whole number of at least 1", lambda v: _whole(v) and v >= 1)
SEED = Rule("a whole number from 0 to 2**31 - 1", lambda v: _whole(v) and 0 <= v < 2**31)
POSITIVE = Rule("a number above 0", lambda v: _real(v) and v > 0)
NOT_NEGATIVE = Rule("a number of at least 0", lambda v: _real(v) and v >= 0)
PROBABILITY = Rule("a number from 0 to 1", lambda v: _real(v) and 0 <= v <= 1)

AT_LEAST_ONE = Rule("not empty", lambda v: len(v) > 0)
TOP_K = or_none(Rule("a whole number from 1 to 11", lambda v: COUNT.holds(v) and v <= 11))
TOP_P = or_none(Rule("a number above 0, at most 1", lambda v: POSITIVE.holds(v) and v <= 1))
KINDS_OF_POSITIONS = "sinusoidal", "learned", "rotary", "none"
POSITIONS = Rule(f"one of {', '.join(KINDS_OF_POSITIONS)}", lambda v: v in KINDS_OF_POSITIONS)


def require(name: str, value: Any, rule: Rule) -> None:
    """Raise a ValueError that names the argument, its value and what is allowed, unless `rule` holds."""
    if not rule.holds(value):
        raise ValueError(f"{name} must be {rule.words}, but is {value!r}")


def require_digits(min_digits: Any, max_digits: Any) -> None:
    """Raise a ValueError unless 1 <= min_digits <= max_digits, both whole numbers."""
    require("min_digits", min_digits, COUNT)
    require("max_digits", max_digits, COUNT)
    at_most = Rule(f"at most max_digits ({max_digits})", lambda v: v <= max_digits)
    require("min_digits", min_digits, at_most)


def require_heads(width: Any, heads: Any, positions: Any, name: str = "width") -> None:
    """Raise a ValueError unless `heads` share `width` evenly, in pairs where positions take pairs."""
    require(name, width, COUNT)
    require("heads", heads, COUNT)
    require("heads", heads, Rule(f"a divisor of {name} ({width})", lambda v: width % v == 0))
    require("positions", positions, POSITIONS)
    pairs = {"rotary": width // heads, "sinusoidal": width}.get(positions, 0)
    words = f"even in each head, since {positions} positions take numbers in pairs"
    require(name, width, Rule(words, lambda _: pairs % 2 == 0))


def _setting(default: Any, rule: Rule, meaning: str, of_a_part: bool = False) -> Any:
    metadata = {"rule": rule, "meaning": meaning, "of_a_part": of_a_part}
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class Settings:
    """Everything that can be set, with the lesson's defaults; each field's meaning stands in its metadata.

    Raises:
        ValueError: a value breaks the rule of its field (the error names field, value and rule).
    """

    min_digits: int = _setting(5, COUNT, "fewest digits in a sample")
    max_digits: int = _setting(10, COUNT, "most digits in a sample")
    batch_size: int = _setting(16, COUNT, "samples in a batch, one optimiser step each")
    samples: int = _setting(200_000, COUNT, "training samples")
    samples_per_epoch: int = _setting(10_000, COUNT, "training samples between two validations")
    validation_samples: int = _setting(5_000, COUNT, "held-out samples of a validation")
    learning_rate: float = _setting(0.005, POSITIVE, "learning rate of Adam")
    decay_samples: int | None = _setting(
        None,
        or_none(COUNT),
        "training samples after which that is down to a half, a third after twice as many",
    )
    input_embedding: Size = _setting(8, COUNT, "numbers that stand for a character", True)
    target_embedding: Size = _setting(8, COUNT, "numbers that stand for a digit", True)
    embedding_stddev: Size = _setting(0.1, NOT_NEGATIVE, "standard deviation of the first embeddings", True)
    cell_stddev: Size = _setting(
        0.1, NOT_NEGATIVE, "standard deviation of a GRU's first matrices; None draws them as Keras does", True
    )
    encoder_units: Size = _setting(16, COUNT, "units of the encoder's GRU", True)
    decoder_units: Size = _setting(16, COUNT, "units of the decoder's GRU", True)
    attention_units: Size = _setting(16, COUNT, "units of additive attention, where there is one", True)
    scheduled_sampling: float = _setting(
        0.0, PROBABILITY, "probability that a training decoder reads its own last symbol, not the true one"
    )
    sampling_ramp: int = _setting(100_000, COUNT, "training samples over which it rises to that, from 0")
    l2: float = _setting(0.0, NOT_NEGATIVE, "scale of the L2 penalty, sum(w²)/2 over all weights")
    clip_norm: float | None = _setting(None, or_none(POSITIVE), "largest global norm of a gradient, or None")

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value is not None or not field.metadata["of_a_part"]:
                require(field.name, value, field.metadata["rule"])
        require_digits(self.min_digits, self.max_digits)

    @property
    def batches_per_epoch(self) -> int:
        """Batches between two validations: the length of a block."""
        return max(1, self.samples_per_epoch // self.batch_size)


def with_attention(**given: Any) -> Settings:
    """The lesson's settings for a decoder that attends: wider first weights, a falling rate, a little L2.

    Embeddings have a standard deviation of 1, and a GRU's matrices are drawn as Keras draws them. From the
    plain lesson's weights, 0.1 everywhere, it depends on the draw when the decoder learns where to look. Once
    it has, large steps may throw it off course for a while: so they become smaller.
    """
    better = {"l2": 1e-5, "embedding_stddev": 1.0, "cell_stddev": None, "decay_samples": 20_000}
    return Settings(**{**better, **given})
