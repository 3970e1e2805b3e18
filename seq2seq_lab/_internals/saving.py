"""A model as one `.keras` file: weights, parts, optimiser and data seed, whole or not at all.

Used in section "Training" of notebook 1.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import zipfile
from typing import Any

import keras
import numpy as np

from seq2seq_lab._internals.files import whole_file
from seq2seq_lab.settings import Rule, Settings, require


class Saved(keras.Model):
    """What a `Seq2Seq` says to Keras about its file."""

    def save(self, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
        """Save weights, parts, optimiser and data seed as one `.keras` file, whole or not at all."""
        require("filepath", str(filepath), Rule("a path that ends in .keras", lambda v: v.endswith(".keras")))
        with whole_file(filepath) as unfinished:
            super().save(unfinished, overwrite=overwrite, **kwargs)

    def save_own_variables(self, store: Any) -> None:
        """Keep the data seed beside the weights: training from a file goes on with the same data."""
        store["seed"] = np.array(self.seed)

    def load_own_variables(self, store: Any) -> None:
        self.seed = int(store["seed"][()])

    def get_config(self) -> dict:
        part = keras.saving.serialize_keras_object
        settings = dataclasses.asdict(self.settings)
        parts = {"encoder": part(self.encoder), "decoder": part(self.decoder)}
        return {**super().get_config(), "settings": settings, **parts}

    @classmethod
    def from_config(cls, config: dict) -> Saved:
        settings = Settings(**config.pop("settings"))
        parts = (keras.saving.deserialize_keras_object(config.pop(p)) for p in ("encoder", "decoder"))
        return cls(settings, *parts, **config)

    def get_compile_config(self) -> dict:
        """The optimiser alone: whether XLA works is asked anew wherever the file is loaded."""
        if not self.compiled:
            return {}
        return {"optimizer": keras.saving.serialize_keras_object(self.optimizer)}

    def compile_from_config(self, config: dict) -> None:
        self.compile(keras.saving.deserialize_keras_object(config["optimizer"]))
        self.optimizer.build(self.trainable_variables)


def read_model(path: str | os.PathLike, custom_objects: dict | None) -> Any:
    """What a `.keras` file holds; errors as `load` has them."""
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"path must name a file that model.save wrote, but {path} is none")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"path must name a .keras file that is whole, but {path} is not")
    try:
        return keras.saving.load_model(path, custom_objects=custom_objects)
    except Exception as error:  # Keras raises whatever the damage provokes
        reason = str(error).strip().split("\n")[0]
        raise ValueError(f"path {path} could not be read as a saved model: {reason}") from error
