"""A lab on recurrent encoder-decoders: "one two five" -> "125#", on TensorFlow 2 and Keras 3."""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "settings": ["Settings"],
    "runtime": ["setup"],
    "vocabulary": ["encode", "decode", "print_valid_characters"],
    "data": ["Batch", "get_batch", "get_block", "make_batch", "is_held_out"],
    "gru": ["GRUCell", "gru_states"],
    "loss": [
        "sequence_loss",
        "token_accuracy",
        "exact_match",
        "accuracy_by_position",
        "accuracy_after_mistake",
        "accuracy_by_length",
    ],
    "_accumulation": ["accumulated"],
    "encoder_decoder": ["Encoder", "Decoder", "unroll"],
    "contracts": ["DecoderOutput", "Hypothesis"],
    "decoding": ["Greedy", "Sampling", "BeamSearch"],
    "model": ["Seq2Seq"],
    "attention": ["AdditiveAttention", "AttentionDecoder"],
    "views.curves": [
        "LiveCurve",
        "plot_history",
        "plot_histories",
        "plot_accuracy_by_position",
        "plot_accuracy_by_length",
        "plot_mask",
        "plot_result",
    ],
    "views.maps": [
        "AttentionMap",
        "AttentionWatch",
        "attention_map",
        "mean_attention",
        "plot_attention",
        "plot_attention_maps",
        "plot_mean_attention",
        "plot_trace",
        "removal_map",
    ],
    "views.trees": ["answer_tree", "plot_tree"],
    "views.trace": ["Trace", "trace"],
    "views.panel": ["lab_panel"],
    "views.tables": ["variable_table", "mistake_table"],
    "training": ["train", "StopWhenRight", "evaluate", "held_out", "restart", "warm_up", "load"],
    "exercises.checking": ["check", "symptom", "progress"],
}
_MODULE = {name: module for module, names in _HOME.items() for name in names}

__all__ = sorted(_MODULE)


def __getattr__(name: str) -> Any:
    """Load a name's module when it is first used: `import seq2seq_lab` alone does not load TensorFlow."""
    if name not in _MODULE:
        raise AttributeError(f"module 'seq2seq_lab' has no attribute {name!r}")
    return getattr(importlib.import_module(f"seq2seq_lab.{_MODULE[name]}"), name)


def __dir__() -> list[str]:
    return __all__
