"""Digit strings -> a batch of nine parts -> blocks of batches, and which strings are held out.

A digit string is held out for validation when its digits add up to a multiple of ten; training never
draws one. That is a tenth of the strings of every length, and the last digit alone decides, as in a
check digit. Everything is drawn and spelled for all samples at once: no loop over samples.

Shapes, here and in every module: `B` batch, `S` source length, `T` target length, `E` embedding,
`H` units, `V` symbols; a block stacks `K` batches. Used in section "The data" of notebook 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from seq2seq_lab.settings import COUNT, SEED, Rule, Settings, require, require_digits
from seq2seq_lab.vocabulary import DIGITS, END_ID, SYMBOLS, WORDS, encode

SPLIT = Rule("'train' or 'validation'", lambda v: v in ("train", "validation"))
STRING = Rule(
    'digits in quotes, such as "127"', lambda v: isinstance(v, str) and v != "" and set(v) <= set(DIGITS)
)
LONGEST_WORD = max(map(len, WORDS)) + 1  # with the space behind it

# A digit is spelled with a space behind it, as the last one without, or, past the end, not at all. Each
# fills eight bytes, with -1 behind it, so that a word is looked up as one 64-bit number.
_SPELLINGS = [*(f"{word} " for word in WORDS), *WORDS, ""]
_AS_LAST, _NOT_AT_ALL = 10, 20
_LENGTHS = np.array([len(spelling) for spelling in _SPELLINGS], np.int32)
_LETTERS = np.full((len(_SPELLINGS), 8), -1, np.int8)
for _row, _spelling in zip(_LETTERS, _SPELLINGS, strict=True):
    _row[: len(_spelling)] = encode(_spelling)
_CODES = SYMBOLS.encode().ljust(256)  # of each id, as bytes.translate wants them


class Batch(NamedTuple):
    """`B` samples in nine parts; a block has one more axis `K` in front of each.

    Padding is 0 on the right, which is also the id of the digit `0`: only lengths and mask tell them
    apart. `S` and `T` are the longest that `max_digits` allows, so that every batch has one shape.
    """

    inputs: np.ndarray  # (B, S) int32, ids of the characters
    inputs_seqlen: np.ndarray  # (B,) int32
    targets_in: np.ndarray  # (B, T) int32, `#` then the digits
    targets_out: np.ndarray  # (B, T) int32, the digits then `#`
    targets_seqlen: np.ndarray  # (B,) int32, counts the `#`
    targets_mask: np.ndarray  # (B, T) float32, 1 on the true places
    text_inputs: np.ndarray  # (B,) strings
    text_targets_in: np.ndarray  # (B,) strings
    text_targets_out: np.ndarray  # (B,) strings

    @property
    def for_keras(self) -> tuple[tuple[np.ndarray, ...], np.ndarray, np.ndarray]:
        """What `fit`, `evaluate` and `predict` take: `(inputs, targets, weights)`."""
        x = self.inputs, self.inputs_seqlen, self.targets_in
        return x, self.targets_out, self.targets_mask


def get_batch(
    batch_size: int,
    min_digits: int,
    max_digits: int,
    rng: int | np.random.Generator | None = None,
    split: str = "train",
) -> Batch:
    """Draw samples with lengths uniform over `min_digits ... max_digits` and uniform digits.

    Args:
        rng: a seed, a generator, or None for another batch at every call.
        split: "train", or "validation" for held-out strings alone.

    Raises:
        ValueError: an argument is out of range; the error names it, its value and what is allowed.
    """
    require("batch_size", batch_size, COUNT)
    require_digits(min_digits, max_digits)
    require("split", split, SPLIT)
    if not isinstance(rng, np.random.Generator):
        if rng is not None:
            require("rng", rng, SEED)
        rng = np.random.default_rng(rng)
    lengths = rng.integers(min_digits, max_digits + 1, batch_size)
    digits = rng.integers(0, 10, (batch_size, max_digits), np.int8)
    return make_batch(_hold_out(digits, lengths, rng, split), lengths)


def get_block(seed: int, index: int, settings: Settings) -> Batch:
    """Block number `index` of the training data of `seed`: `K` batches, each part `(K, B, ...)`.

    It depends on its arguments alone, so training can stop anywhere and go on as if it had not.
    """
    K, B = settings.batches_per_epoch, settings.batch_size
    rng = np.random.default_rng([seed, index])
    batch = get_batch(K * B, settings.min_digits, settings.max_digits, rng)
    return Batch(*(part.reshape(K, B, *part.shape[1:]) for part in batch))


def make_batch(digits: np.ndarray, lengths: np.ndarray) -> Batch:
    """Spell given digits: `digits (B, max_digits)`, of which row `b` uses the first `lengths[b]`."""
    B, D = digits.shape
    used, last = length_mask(lengths, D), (np.arange(B), lengths - 1)
    digits = digits.astype(np.int8) * used

    spellings = digits + _NOT_AT_ALL * ~used  # (B, D)
    spellings[last] += _AS_LAST
    inputs_seqlen = np.einsum("bd->b", _LENGTHS.take(spellings))  # their sums, faster
    inputs_mask = length_mask(inputs_seqlen, LONGEST_WORD * D - 1)  # (B, S)
    letters = _LETTERS.view(np.int64)[:, 0].take(spellings).view(np.int8)  # (B, 8D)
    letters = np.extract(letters >= 0, letters)  # all texts in one row
    inputs = np.zeros(inputs_mask.shape, np.int32)
    inputs[inputs_mask] = letters

    targets_seqlen = lengths + 1
    targets_mask = length_mask(targets_seqlen, D + 1)  # (B, T)
    end = np.full((B, 1), END_ID, np.int8)
    targets_in = np.hstack([end, digits])
    targets_out = np.hstack([digits, np.zeros_like(end)])
    targets_out[np.arange(B), lengths] = END_ID

    return Batch(
        inputs,
        inputs_seqlen.astype(np.int32),
        targets_in.astype(np.int32),
        targets_out.astype(np.int32),
        targets_seqlen.astype(np.int32),
        targets_mask.astype(np.float32),
        _texts(inputs, inputs_mask),
        _texts(targets_in, targets_mask),
        _texts(targets_out, targets_mask),
    )


def is_held_out(digits: str) -> bool:
    """Whether a string of digits belongs to validation, as in `is_held_out("127")`.

    Raises:
        ValueError: `digits` is no such string.
    """
    require("digits", digits, STRING)
    return sum(map(int, digits)) % 10 == 0


def length_mask(lengths: np.ndarray, steps: int) -> np.ndarray:
    """True at the first `lengths[...]` of `steps` places: `(..., steps)`."""
    places = np.arange(steps, dtype=np.min_scalar_type(steps))  # small numbers are compared faster
    return places < lengths.clip(0, steps).astype(places.dtype)[..., None]


def _hold_out(digits: np.ndarray, lengths: np.ndarray, rng: np.random.Generator, split: str) -> np.ndarray:
    """Choose each last digit so that the sum falls on the right side of the split."""
    last = np.arange(len(digits)), lengths - 1
    digits[last] = 0
    used = length_mask(lengths, digits.shape[1])
    rest = np.einsum("bd->b", (digits * used).astype(np.int32))
    remainder = 0 if split == "validation" else rng.integers(1, 10, len(digits))
    digits[last] = (remainder - rest) % 10
    return digits


def _texts(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The ids at the true places as strings, without a loop: a row of code points, 0 behind, is a string."""
    codes = np.frombuffer(ids.astype(np.uint8).tobytes().translate(_CODES), np.uint8).reshape(mask.shape)
    return (codes * mask).astype("<u4").view(f"<U{mask.shape[1]}")[:, 0]
