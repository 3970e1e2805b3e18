"""What ends a training run early: Ctrl-C, or Jupyter's ■."""

from __future__ import annotations

import signal
import threading
from typing import Any

import keras


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
