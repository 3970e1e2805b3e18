"""What ends a training run: Ctrl-C, or Jupyter's ■, and having learned enough."""

from __future__ import annotations

import signal
import threading
from typing import Any

import keras

from seq2seq_lab.settings import PROBABILITY, require


class StopAtInterrupt(keras.callbacks.Callback):
    """Ctrl-C, or Jupyter's ■, ends a training after the block at hand; a second one acts at once.

    Raised in the middle of TensorFlow's own code, a KeyboardInterrupt can get lost there, or do harm.
    """

    def __enter__(self) -> StopAtInterrupt:
        self.interrupted, self.handler = False, None
        heard = signal.getsignal(signal.SIGINT) not in (signal.SIG_IGN, None)
        if heard and threading.current_thread() is threading.main_thread():
            self.handler = signal.signal(signal.SIGINT, self.hear)
        return self

    def __exit__(self, kind: type | None, *_: Any) -> bool:
        if self.handler is not None:
            signal.signal(signal.SIGINT, self.handler)
        self.interrupted = self.interrupted or kind is KeyboardInterrupt
        return kind is KeyboardInterrupt

    def hear(self, *_: Any) -> None:
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.model.stop_training |= self.interrupted


class StopWhenRight(keras.callbacks.Callback):
    """End a training at the first validation at which more than a `share` of the samples is an exact match.

    How long a model needs depends on its first weights, and on how a processor rounds: a training that ends
    by what was learned gives a model of the same quality on any machine, one of a fixed length need not.

    Raises:
        ValueError: `share` is no number from 0 to 1.
    """

    def __init__(self, share: float = 0.99) -> None:
        super().__init__()
        require("share", share, PROBABILITY)
        self.share = share

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        self.model.stop_training |= bool(logs["val_exact_match"] > self.share)
