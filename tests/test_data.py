"""Data: the nine parts against plain Python, uniform draws, and a split that holds out."""

import itertools
import re

import numpy as np
import pytest

from seq2seq_lab.data import Batch, get_batch, get_block, is_held_out, length_mask, make_batch

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
SYMBOLS = "0123456789# efghinorstuvwxz"
SPLITS = ["train", "validation"]


def in_plain_python(strings, max_digits):
    """The nine parts of some digit strings, spelled one by one."""
    S, T = 6 * max_digits - 1, max_digits + 1  # the longest words have five letters

    def ids(text, steps):
        return [SYMBOLS.index(character) for character in text] + [0] * (steps - len(text))

    texts = [" ".join(WORDS[int(digit)] for digit in string) for string in strings]
    return (
        [ids(text, S) for text in texts],
        [len(text) for text in texts],
        [ids("#" + string, T) for string in strings],
        [ids(string + "#", T) for string in strings],
        [len(string) + 1 for string in strings],
        [[1.0 if t <= len(string) else 0.0 for t in range(T)] for string in strings],
        texts,
        ["#" + string for string in strings],
        [string + "#" for string in strings],
    )


def assert_nine_parts(batch, strings, max_digits):
    for part, wanted, name in zip(batch, in_plain_python(strings, max_digits), Batch._fields, strict=True):
        assert part.tolist() == wanted, name
    assert [part.dtype for part in batch[:6]] == [np.int32] * 5 + [np.float32]
    assert [part.dtype.kind for part in batch[6:]] == ["U"] * 3


def digit_strings(batch):
    return [text.removesuffix("#") for text in batch.text_targets_out.ravel().tolist()]


@pytest.mark.parametrize("max_digits", [1, 4, 10])
def test_make_batch_spells_pads_and_shifts(max_digits):
    rng = np.random.default_rng(max_digits)
    digits = rng.integers(0, 10, (200, max_digits))
    lengths = rng.integers(1, max_digits + 1, 200)
    strings = ["".join(map(str, row[:n])) for row, n in zip(digits, lengths, strict=True)]
    assert_nine_parts(make_batch(digits, lengths), strings, max_digits)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize(("min_digits", "max_digits"), [(1, 1), (2, 4), (5, 10)])
def test_get_batch_has_nine_parts_that_agree(split, min_digits, max_digits):
    batch = get_batch(300, min_digits, max_digits, rng=1, split=split)
    strings = digit_strings(batch)
    assert {len(string) for string in strings} == set(range(min_digits, max_digits + 1))
    assert_nine_parts(batch, strings, max_digits)


def test_a_batch_unpacks_in_nine_and_feeds_keras():
    batch = get_batch(3, 2, 4, rng=1)
    inputs, inputs_seqlen, targets_in, targets_out, _, mask, *texts = batch
    x, y, weights = batch.for_keras
    assert len(texts) == 3
    assert all(a is b for a, b in zip(x, (inputs, inputs_seqlen, targets_in), strict=True))
    assert y is targets_out
    assert weights is mask


def chi_square(values, kinds):
    """How far counts are from uniform. With up to 10 kinds, chance passes 50 less than once in 10 million."""
    counts = np.array([values.count(kind) for kind in kinds])
    assert counts.sum() == len(values)
    expected = len(values) / len(kinds)
    return ((counts - expected) ** 2 / expected).sum()


@pytest.mark.parametrize("split", SPLITS)
def test_lengths_and_digits_are_uniform(split):
    strings = digit_strings(get_batch(20_000, 5, 10, rng=3, split=split))
    assert chi_square([len(string) for string in strings], range(5, 11)) < 50
    for place in (*range(5), -1, -2):  # the last digit is chosen, the others are drawn
        assert chi_square([string[place] for string in strings], "0123456789") < 50


@pytest.mark.parametrize(("split", "remainders"), [("validation", {0}), ("train", set(range(1, 10)))])
def test_held_out_strings_of_every_length_are_those_that_sum_to_a_multiple_of_ten(split, remainders):
    strings = digit_strings(get_batch(10_000, 1, 12, rng=4, split=split))
    for length in range(1, 13):
        sums = {sum(map(int, string)) for string in strings if len(string) == length}
        assert {total % 10 for total in sums} == remainders


def test_training_uses_every_string_that_is_not_held_out_alike():
    """Two digits: 90 strings train and 10 validate, each as often as any other."""
    every = ["".join(pair) for pair in itertools.product("0123456789", repeat=2)]
    for split, kinds in ("train", 90), ("validation", 10):
        wanted = [s for s in every if is_held_out(s) == (split == "validation")]
        assert len(wanted) == kinds
        drawn = digit_strings(get_batch(9_000, 2, 2, rng=5, split=split))
        assert chi_square(drawn, wanted) < 2 * kinds + 50


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_a_tenth_of_the_strings_of_each_length_is_held_out(length):
    strings = map("".join, itertools.product("0123456789", repeat=length))
    assert sum(map(is_held_out, strings)) == 10 ** (length - 1)


@pytest.mark.parametrize(("string", "held_out"), [("0", True), ("127", True), ("128", False), ("55", True)])
def test_is_held_out_reads_a_string(string, held_out):
    assert is_held_out(string) is held_out


@pytest.mark.parametrize("digits", [24121999, "24.12.1999", "", "one two", ["1", "2"], None])
def test_is_held_out_wants_digits_in_quotes(digits):
    allowed = re.escape(f'digits must be digits in quotes, such as "127", but is {digits!r}')
    with pytest.raises(ValueError, match=f"^{allowed}$"):
        is_held_out(digits)


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("split", SPLITS)
def test_a_seed_reproduces_and_another_differs(split):
    def draw(rng):
        return get_batch(50, 2, 4, rng, split)

    assert same(draw(1), draw(1))
    assert same(draw(1), draw(np.random.default_rng(1)))
    assert not same(draw(1), draw(2))
    assert not same(draw(None), draw(None))


def test_a_generator_goes_on():
    rng = np.random.default_rng(1)
    assert not same(get_batch(50, 2, 4, rng), get_batch(50, 2, 4, rng))


def test_a_block_stacks_batches(small_settings):
    block = get_block(0, 0, small_settings)
    K, B = small_settings.batches_per_epoch, small_settings.batch_size
    assert (K, B) == (10, 16)
    S, T = (K, B, 23), (K, B, 5)
    assert [part.shape for part in block] == [S, (K, B), T, T, (K, B), T, (K, B), (K, B), (K, B)]
    flat = Batch(*(part.reshape(K * B, *part.shape[2:]) for part in block))
    assert_nine_parts(flat, digit_strings(block), 4)
    assert not any(map(is_held_out, digit_strings(block)))


def test_a_block_depends_on_seed_and_index_alone(small_settings):
    first = get_block(3, 7, small_settings)
    np.random.seed(1)
    get_block(3, 6, small_settings)
    assert same(get_block(3, 7, small_settings), first)


def test_blocks_and_seeds_differ(small_settings):
    drawn = [get_block(seed, index, small_settings) for seed in range(3) for index in range(3)]
    assert not any(same(one, other) for one, other in itertools.combinations(drawn, 2))


GOOD = {"batch_size": 3, "min_digits": 2, "max_digits": 4, "rng": 1, "split": "train"}


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("batch_size", 0, "a whole number of at least 1"),
        ("batch_size", 2.0, "a whole number of at least 1"),
        ("min_digits", 0, "a whole number of at least 1"),
        ("min_digits", 5, "at most max_digits (4)"),
        ("max_digits", "4", "a whole number of at least 1"),
        ("rng", -1, "a whole number from 0 to 2**31 - 1"),
        ("rng", 2**31, "a whole number from 0 to 2**31 - 1"),
        ("rng", True, "a whole number from 0 to 2**31 - 1"),
        ("rng", "1", "a whole number from 0 to 2**31 - 1"),
        ("split", "test", "'train' or 'validation'"),
        ("split", None, "'train' or 'validation'"),
    ],
)
def test_errors_name_argument_value_and_what_is_allowed(name, value, allowed):
    with pytest.raises(ValueError) as error:  # noqa: PT011 (the whole text is compared below)
        get_batch(**{**GOOD, name: value})
    assert str(error.value) == f"{name} must be {allowed}, but is {value!r}"


@pytest.mark.parametrize("steps", [0, 7, 255, 256, 70_000])
def test_a_mask_is_true_up_to_each_length_whatever_the_numbers(steps):
    """Up to 255, they are compared as bytes; a length may be more than there are steps."""
    lengths = np.concatenate(
        [np.random.default_rng(steps).integers(0, 80_000, 5), [0, steps, steps + 1, 256, 257]]
    )
    mask = length_mask(lengths, steps)
    assert mask.shape == (10, steps)
    for row, n in zip(mask, lengths, strict=True):
        np.testing.assert_array_equal(row, [t < n for t in range(steps)])
