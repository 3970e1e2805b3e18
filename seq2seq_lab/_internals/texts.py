"""Texts and ids into a model, checked, and texts out of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf

from seq2seq_lab.contracts import Hypothesis
from seq2seq_lab.settings import Rule, require
from seq2seq_lab.vocabulary import DIGITS, END, decode, encode

ANSWER = Rule(
    f"a string of {DIGITS}, with or without a {END} at its end, and not empty",
    lambda v: isinstance(v, str) and len(v) > 0 and set(v.removesuffix(END)) <= set(DIGITS),
)


def padded(texts: Iterable[str], name: str = "texts") -> tuple[np.ndarray, np.ndarray]:
    """Ids `(B, S)` and true lengths `(B,)`, or a ValueError that names the text at fault."""
    if isinstance(texts, str):
        raise ValueError(f"{name} must be a list of strings, but is the string {texts!r}")
    rows = [encode(text) for text in texts]
    lengths = np.array([len(row) for row in rows], np.int32)
    if not lengths.all():
        raise ValueError(f"{name} must not be empty, but one is ''")
    inputs = np.zeros((len(rows), lengths.max(initial=0)), np.int32)
    for row, ids in zip(inputs, rows, strict=True):
        row[: len(ids)] = ids
    return inputs, lengths


def answered(answers: Iterable[str], B: int) -> tuple[np.ndarray, np.ndarray]:
    """Ids `(B, T)` and true lengths `(B,)` of an answer to each text, or a ValueError that says why not."""
    answers = answers if isinstance(answers, str) else list(answers)  # a string is refused below
    for answer in answers:
        require("answers", answer, Rule(f"each {ANSWER.words}", ANSWER.holds))
    require("answers", answers, Rule(f"as many as there are texts ({B})", lambda v: len(v) == B))
    return padded(answers, "answers")


def as_ids(name: str, value: Any, rank: int) -> tf.Tensor:
    """Whole numbers of `rank` axes as int32, or a ValueError that names the argument."""
    value = tf.convert_to_tensor(value)
    if not value.dtype.is_integer or value.shape.rank != rank:
        raise ValueError(
            f"{name} must hold whole numbers of shape {('(B,)', '(B, steps)')[rank - 1]}, "
            f"but holds {value.dtype.name} of shape {tuple(value.shape)}"
        )
    return tf.cast(value, tf.int32)


def written(found: Any) -> list[list[Hypothesis]]:
    """What a strategy found, as the hypotheses of each text; fewer than `N` where there are no more."""
    rows = zip(*(part.numpy() for part in found), strict=True)
    return [
        [
            Hypothesis(decode(ids[:n]), float(log_p), float(score))
            for ids, n, log_p, score in zip(*row, strict=True)
            if log_p > -np.inf
        ]
        for row in rows
    ]
