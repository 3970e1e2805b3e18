"""A trained model as plain numbers, which `model.js` runs in a page.

Weights are float32 in base64, with their shapes, under the names that they have in the equations.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np

from seq2seq_lab.attention import AdditiveAttention, AttentionDecoder
from seq2seq_lab.decoder_only import DecoderOnly, NoEncoder
from seq2seq_lab.encoder_decoder import Decoder, Encoder
from seq2seq_lab.gru import WEIGHTS, GRUCell
from seq2seq_lab.model import Seq2Seq
from seq2seq_lab.transformer import TransformerDecoder, TransformerEncoder
from seq2seq_lab.vocabulary import INPUT_SYMBOLS, SYMBOLS, TARGET_SYMBOLS

Numbers = dict[str, Any]


def portable(model: Seq2Seq, name: str = "model") -> Numbers:
    """What JSON can hold of a model: its `symbols`, and for encoder and decoder a `kind` and the weights.

    Raises:
        ValueError: a part is none that a page can run; a class of your own is none, whatever it inherits.
            The error calls the model by `name`.
    """
    try:
        sides = {"encoder": (model.encoder, ENCODERS), "decoder": (model.decoder, DECODERS)}
        return {"symbols": SYMBOLS, **{side: _part(side, *given) for side, given in sides.items()}}
    except Unknown as unknown:
        raise ValueError(f"{name} must be a model that a page can run, but its {unknown}") from None


class Unknown(Exception):
    """A part that no page can run, and what it should be."""


def _part(side: str, part: Any, known: dict[type, Callable[[Any], Numbers]]) -> Numbers:
    _require_one_of(side, part, *known)
    return {"kind": type(part).__name__, **known[type(part)](part)}


def _recurrent_encoder(encoder: Any) -> Numbers:
    return {**_numbers(encoder, ["embeddings"]), "cell": _cell("encoder", encoder.cell)}


def _recurrent_decoder(decoder: Any) -> Numbers:
    return {**_numbers(decoder, ["embeddings", "W_out", "b_out"]), "cell": _cell("decoder", decoder.cell)}


def _attending_decoder(decoder: Any) -> Numbers:
    attention = decoder.attention
    _require_one_of("decoder's attention", attention, AdditiveAttention)
    return {
        **_recurrent_decoder(decoder),
        **_numbers(decoder, ["W_s", "b_s"]),
        "attention": _numbers(attention, ["W_a", "U_a", "b_a", "v_a"]),
    }


def _transformer(part: Any) -> Numbers:
    table = ["table"] if part.positions == "learned" else []
    return {
        "heads": part.heads,
        "positions": part.positions,
        **_numbers(part, ["embeddings", *table]),
        "norm": _norm(part.norm),
        "blocks": [_block(block) for block in part.blocks],
    }


def _transformer_decoder(decoder: Any) -> Numbers:
    return {**_transformer(decoder), **_numbers(decoder, ["W_out", "b_out"])}


def _block(block):
    attentions = (name for name in ("attention", "cross_attention") if hasattr(block, name))
    return {
        **{name: _numbers(getattr(block, name), ["W_q", "W_k", "W_v", "W_o"]) for name in attentions},
        "norms": [_norm(norm) for norm in block.norms],
        **_numbers(block, ["W_1", "b_1", "W_2", "b_2"]),
    }


def _norm(norm):
    return _numbers(norm, ["gamma", "beta"])


def _cell(side: str, cell: Any) -> Numbers:
    name = f"{side}'s cell"
    _require_one_of(name, cell, *CELLS)
    return {"kind": type(cell).__name__, **CELLS[type(cell)](side, cell)}


def _lstm(side: str, cell: Any) -> Numbers:
    config = cell.get_config()
    for name, wanted in LSTM.items():
        if config[name] != wanted:
            raise Unknown(f"{side}'s cell is an LSTMCell with {name}={config[name]!r}, not {wanted!r}")
    kernels = {"W_x": cell.kernel, "W_h": cell.recurrent_kernel, "b_": cell.bias}
    cut = {kind: np.split(np.asarray(weights), 4, -1) for kind, weights in kernels.items()}
    return {
        f"{kind}{gate}": _array(part)
        for kind, all_ in cut.items()
        for gate, part in zip("ifgo", all_, strict=True)
    }


LSTM = {"activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": True}
CELLS: dict[type, Callable[[str, Any], Numbers]] = {
    GRUCell: lambda _, cell: _numbers(cell, WEIGHTS),
    keras.layers.LSTMCell: _lstm,
    keras.layers.StackedRNNCells: lambda side, stack: {"cells": [_cell(side, each) for each in stack.cells]},
}
ENCODERS: dict[type, Callable[[Any], Numbers]] = {
    Encoder: _recurrent_encoder,
    TransformerEncoder: _transformer,
    NoEncoder: lambda _: {"symbols": INPUT_SYMBOLS},
}
DECODERS: dict[type, Callable[[Any], Numbers]] = {
    Decoder: _recurrent_decoder,
    AttentionDecoder: _attending_decoder,
    TransformerDecoder: _transformer_decoder,
    DecoderOnly: lambda decoder: {**_transformer_decoder(decoder), "targets": TARGET_SYMBOLS},
}


def _require_one_of(name: str, part: Any, *known: type) -> None:
    if type(part) not in known:
        *others, last = map(_home, known)
        allowed = f"{', '.join(others)} or {last}" if others else last
        raise Unknown(f"{name} is {_home(type(part))}, not {allowed}")


def _home(kind: type) -> str:
    """A class with its package: there is more than one GRUCell."""
    return f"{kind.__module__.partition('.')[0]}'s {kind.__name__}"


def _numbers(part: Any, names: Iterable[str]) -> Numbers:
    """The weights of these names."""
    return {name: _array(getattr(part, name)) for name in names}


def _array(weights: Any) -> Numbers:
    a = np.asarray(weights, "<f4")
    return {"shape": a.shape, "float32": base64.b64encode(a.tobytes()).decode()}
