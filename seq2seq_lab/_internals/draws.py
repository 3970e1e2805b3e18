"""First weights that follow from a seed. Used by `restart`."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator

one_at_a_time = threading.Lock()


@contextlib.contextmanager
def drawn_from(seed: int | None) -> Iterator[None]:
    """Within it, Keras' initialisers draw what they draw after `keras.utils.set_random_seed(seed)`.

    Their seeds come from Python's generator, which afterwards stands where it stood. Keras' function changes
    TensorFlow's generator as well, and TensorFlow then makes every compiled program ready anew, each in the
    time of some hundred training steps. Threads wait for each other. None leaves the generator alone.
    """
    with one_at_a_time:
        if seed is None:
            yield
            return
        state = random.getstate()
        random.seed(int(seed))
        try:
            yield
        finally:
            random.setstate(state)
