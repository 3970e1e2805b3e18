"""Characters and ids: the same order in every process, and a way back."""

import numpy as np
import pytest

from seq2seq_lab import vocabulary
from seq2seq_lab.vocabulary import decode, encode, print_valid_characters

SYMBOLS = "0123456789# efghinorstuvwxz"  # 10 digits, #, the space and the 15 letters of the digit words


def test_ids_are_those_of_the_lesson():
    assert encode(SYMBOLS).tolist() == list(range(27))
    assert encode("0123456789").tolist() == list(range(10))
    assert encode("#").tolist() == [10] == [vocabulary.END_ID]
    assert (vocabulary.INPUT_SYMBOLS, vocabulary.TARGET_SYMBOLS) == (27, 11)


@pytest.mark.parametrize("seed", ["1", "2"])
def test_ids_are_the_same_in_every_process(fresh_python, seed):
    code = f"from seq2seq_lab import encode; print(encode({SYMBOLS!r}).tolist())"
    result = fresh_python(code, PYTHONHASHSEED=seed)
    assert result.stdout.strip() == str(list(range(27))), result.stderr


def test_decode_is_the_inverse_of_encode():
    rng = np.random.default_rng(1)
    for length in range(30):
        text = "".join(rng.choice(list(SYMBOLS), length))
        ids = encode(text)
        assert (ids.shape, ids.dtype) == ((length,), np.int32)
        assert decode(ids) == text
        assert decode(ids.tolist()) == text


def test_a_character_without_an_id_is_named_with_those_allowed():
    with pytest.raises(ValueError) as error:  # noqa: PT011
        encode("one Two")
    assert str(error.value) == f"text 'one Two' has 'T'; allowed characters: {SYMBOLS!r}"


@pytest.mark.parametrize("text", [None, 12, b"one", ["one"]])
def test_only_a_string_is_a_text(text):
    with pytest.raises(ValueError, match="text must be a string, but is "):
        encode(text)


@pytest.mark.parametrize("bad", [-1, 27])
def test_an_id_out_of_range_is_named_with_the_range(bad):
    with pytest.raises(ValueError, match=rf"ids must lie in 0 \.\.\. 26, but one is {bad}"):
        decode([1, bad])


def test_the_printed_table_puts_each_symbol_under_its_id(capsys):
    print_valid_characters()
    ids, symbols, sides = capsys.readouterr().out.splitlines()
    assert ids.split() == ["id", *map(str, range(27))]
    assert ids[5::3] == "012345678901234567890123456"  # the last digits, in columns of three
    assert symbols[5::3] == SYMBOLS.replace(" ", "␣")
    assert sides == "inputs  use all 27; targets use the first 11: 0123456789#"
