"""A trained model as plain numbers, which `model.js` runs in a page.

Weights are float32 in base64, with their shapes, under the names that they have in the equations.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

import numpy as np

from seq2seq_lab.attention import AdditiveAttention, AttentionDecoder
from seq2seq_lab.encoder_decoder import Decoder, Encoder
from seq2seq_lab.gru import WEIGHTS, GRUCell
from seq2seq_lab.model import Seq2Seq
from seq2seq_lab.vocabulary import SYMBOLS


def portable(model: Seq2Seq, name: str = "model") -> dict[str, Any]:
    """What JSON can hold of a model: its `symbols`, and for encoder and decoder a `kind` and the weights.

    Raises:
        ValueError: a part is none that a page can run; a class of your own is none, whatever it inherits.
            The error calls the model by `name`.
    """
    try:
        return {"symbols": SYMBOLS, "encoder": _encoder(model.encoder), "decoder": _decoder(model.decoder)}
    except Unknown as unknown:
        raise ValueError(f"{name} must be a model that a page can run, but its {unknown}") from None


class Unknown(Exception):
    """A part that no page can run, and what it should be."""


def _encoder(encoder):
    _require_one_of("encoder", encoder, Encoder)
    return {"kind": "gru", **_numbers(encoder, ["embeddings"]), "cell": _cell("encoder", encoder.cell)}


def _decoder(decoder):
    _require_one_of("decoder", decoder, Decoder, AttentionDecoder)
    own = ["embeddings", "W_out", "b_out"]
    cell = _cell("decoder", decoder.cell)
    if type(decoder) is Decoder:
        return {"kind": "gru", **_numbers(decoder, own), "cell": cell}
    attention = decoder.attention
    _require_one_of("decoder's attention", attention, AdditiveAttention)
    return {
        "kind": "attention",
        **_numbers(decoder, [*own, "W_s", "b_s"]),
        "cell": cell,
        "attention": _numbers(attention, ["W_a", "U_a", "b_a", "v_a"]),
    }


def _cell(side, cell):
    _require_one_of(f"{side}'s cell", cell, GRUCell)
    return _numbers(cell, WEIGHTS)


def _require_one_of(name: str, part: Any, *known: type) -> None:
    if type(part) not in known:
        raise Unknown(f"{name} is {_home(type(part))}, not {' or '.join(map(_home, known))}")


def _home(kind: type) -> str:
    """A class with its package: there is more than one GRUCell."""
    return f"{kind.__module__.partition('.')[0]}'s {kind.__name__}"


def _numbers(part: Any, names: Iterable[str]) -> dict[str, Any]:
    """The weights of these names."""
    arrays = {name: np.asarray(getattr(part, name), "<f4") for name in names}
    return {
        name: {"shape": a.shape, "float32": base64.b64encode(a.tobytes()).decode()}
        for name, a in arrays.items()
    }
