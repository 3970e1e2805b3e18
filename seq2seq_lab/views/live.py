"""The curve of a training while it runs.

Used wherever a notebook trains.
"""

from __future__ import annotations

import io
import sys
from time import perf_counter

import keras
import matplotlib.pyplot as plt
from tqdm import tqdm

from seq2seq_lab.settings import require
from seq2seq_lab.views.curves import MEASURES, plot_history
from seq2seq_lab.views.figures import alternative_text, finished
from seq2seq_lab.views.guesses import NAME_OR_NONE

DRAWING = 0.2  # of the time of a training


class LiveCurve(keras.callbacks.Callback):
    """Progress and curve of a training, redrawn after an epoch; outside Jupyter a line a point.

    Drawing takes at most `DRAWING` of the time: where it is slow, some epochs wait for the next picture.
    `guess` names a guess of the exact match, drawn as a dashed line.
    """

    def __init__(self, guess: str | None = None) -> None:
        super().__init__()
        require("guess", guess, NAME_OR_NONE)
        self.guess = guess

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.history = {name: [] for name in ("loss", *MEASURES)}
        self.samples = []
        self.start = self.model.samples_seen
        total = self.params["epochs"] * self.model.settings.samples_per_epoch
        self.in_jupyter = _in_jupyter()
        # In Jupyter a display that is redrawn in place shows the bar, so it must not print itself.
        where = io.StringIO() if self.in_jupyter else sys.stderr
        self.bar = tqdm(total=total, unit=" samples", file=where, ascii=False)
        if self.in_jupyter:
            self.progress = _display(_text(self.bar), raw=True)
            self.curve = _display(finished(plt.figure(figsize=(9, 3))))
            self.resting_until = 0.0

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.samples.append(self.model.samples_seen)
        for name, values in self.history.items():
            values.append(logs[name])
        self.bar.update(self.samples[-1] - self.start - self.bar.n)
        if self.in_jupyter:
            self.progress.update(_text(self.bar), raw=True)
            start = perf_counter()
            if start >= self.resting_until:
                self.curve.update(_draft(plot_history(self.history, self.samples, self.guess)))
                end = perf_counter()
                self.resting_until = end + (end - start) * (1 / DRAWING - 1)
        else:
            points = ", ".join(f"{name} {logs[name]:.3f}" for name in self.history)
            self.bar.write(f"{self.samples[-1]:>9,} samples: {points}")

    def on_train_end(self, logs: dict | None = None) -> None:
        self.bar.total = self.bar.n
        self.bar.refresh()
        if self.in_jupyter:
            self.progress.update(_text(self.bar), raw=True)
            self.curve.update(plot_history(self.history, self.samples, self.guess))
        self.bar.close()


def _in_jupyter():
    shell = sys.modules.get("IPython") and sys.modules["IPython"].get_ipython()
    return bool(shell and hasattr(shell, "kernel"))


def _display(shown, raw=False):
    """Show something, and return the handle that redraws it in place."""
    from IPython.display import display

    return display(shown, raw=raw, display_id=True)


def _draft(figure):
    """The figure as a picture with fixed margins: Jupyter's own way draws it three times to fit its texts."""
    from IPython.display import Image

    figure.set_layout_engine(None)
    figure.subplots_adjust(left=0.06, right=0.98, bottom=0.18, top=0.9)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return Image(picture.getvalue(), format="png", alt=alternative_text(figure))


def _text(bar):
    """A progress bar as Jupyter's raw displays want it."""
    return {"text/plain": str(bar)}
