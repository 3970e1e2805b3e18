"""The gated recurrent unit: its equations, and the same equations made fast.

    z = sigmoid(x W_xz + h W_hz + b_z)          update gate: z = 1 copies the old state
    r = sigmoid(x W_xr + h W_hr + b_r)          reset gate
    c = tanh(x W_xc + (r * h) W_hc + b_c)       candidate
    h = (1 - z) * c + z * h                     state

After Cho et al. 2014, arXiv 1406.1078. Used in section "How far back can it remember?" of notebook 1, and in
notebook 6, which makes it fast.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from seq2seq_lab._internals.cells import initializer
from seq2seq_lab._internals.devices import sum_by_symbol
from seq2seq_lab._internals.time_loop import length, time_loop, weight_gradient
from seq2seq_lab.settings import COUNT, Settings, require

WEIGHTS = ("W_xz", "W_xr", "W_xc", "W_hz", "W_hr", "W_hc", "b_z", "b_r", "b_c")
SMALL = {"class_name": "TruncatedNormal", "config": {"stddev": Settings.cell_stddev}}
WIDEST_SPELLED, MOST_SPELLED = 16, 64  # units and rows above which a library's product is faster


@keras.saving.register_keras_serializable("seq2seq_lab")
class GRUCell(keras.layers.Layer):
    """A GRU cell with one matrix for each gate and source; works inside `keras.layers.RNN`.

    Args:
        units: H, the size of the state.
        W_xz, W_xr, W_xc: initialisers of the `(E, H)` matrices from the input.
        W_hz, W_hr, W_hc: initialisers of the `(H, H)` matrices from the state.
        b_z, b_r, b_c: initialisers of the `(H,)` biases.

    After it has been built, the attributes of these names are the weights themselves.

    Raises:
        ValueError: `units` is not a whole number of at least 1, or an initialiser is unknown.
    """

    def __init__(
        self,
        units: int,
        W_xz: Any = SMALL,
        W_xr: Any = SMALL,
        W_xc: Any = SMALL,
        W_hz: Any = SMALL,
        W_hr: Any = SMALL,
        W_hc: Any = SMALL,
        b_z: Any = "zeros",
        b_r: Any = "zeros",
        b_c: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        require("units", units, COUNT)
        self.units = self.state_size = self.output_size = units
        given = W_xz, W_xr, W_xc, W_hz, W_hr, W_hc, b_z, b_r, b_c
        self.initializers = {w: initializer(i) for w, i in zip(WEIGHTS, given, strict=True)}

    def build(self, input_shape: tuple) -> None:
        E, H = input_shape[-1], self.units
        for name in WEIGHTS:
            shape = (H,) if name[0] == "b" else (E, H) if name[2] == "x" else (H, H)
            weight = self.add_weight(shape, self.initializers[name], name=name)
            setattr(self, name, weight)

    def call(self, x: tf.Tensor, states: Any, training: bool = False) -> tuple:
        """One step: input `x (B, E)` and state `h (B, H)` to the new state, as output and as state."""
        h = states[0] if isinstance(states, (list, tuple)) else states
        z = tf.sigmoid(x @ self.W_xz + h @ self.W_hz + self.b_z)
        r = tf.sigmoid(x @ self.W_xr + h @ self.W_hr + self.b_r)
        c = tf.tanh(x @ self.W_xc + (r * h) @ self.W_hc + self.b_c)
        h = (1 - z) * c + z * h
        return h, [h]

    def unroll(self, ids: tf.Tensor, embeddings: tf.Tensor, h: tf.Tensor, n: Any) -> tuple:
        """All of `ids (S, B)` from state `h (B, H)`, `n` steps; outputs and states, `(S, B, H)`."""
        table = self.input_share(tf.convert_to_tensor(embeddings))  # (V, 3H): once for each symbol
        recurrent = (tf.convert_to_tensor(W) for W in (self.W_hz, self.W_hr, self.W_hc))
        h = gru_states(table, ids, h, *recurrent, n)
        return h, h

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Switch `unroll` off for a subclass that has another `call`: the two must agree."""
        super().__init_subclass__(**kwargs)
        if "call" in vars(cls) and "unroll" not in vars(cls):
            cls.unroll = None  # type: ignore[assignment]

    def input_share(self, x: tf.Tensor) -> tf.Tensor:
        """What the gates take from the input alone, `(..., E)` -> `(..., 3H)` for z, r, c."""
        W_x = tf.concat([self.W_xz, self.W_xr, self.W_xc], 1)
        return x @ W_x + tf.concat([self.b_z, self.b_r, self.b_c], 0)

    def get_config(self) -> dict:
        initializers = {k: keras.initializers.serialize(i) for k, i in self.initializers.items()}
        return {**super().get_config(), "units": self.units, **initializers}


@tf.custom_gradient
def gru_states(
    table: Any, ids: Any, h_0: Any, W_hz: Any, W_hr: Any, W_hc: Any, n: Any
) -> tuple[tf.Tensor, Callable]:
    """The equations of `GRUCell` over a whole sequence, with their gradient written by hand.

    `table (V, 3H)` is each symbol's share of the gates, `ids (S, B)` are the symbols read, `h_0 (B, H)` is
    the first state; `n` steps are taken. Returns the states `(S, B, H)`. Forwards, the loop runs the cell's
    equations. Backwards, it passes only `dz`, `dr`, `dc` through time (as they stand inside sigmoid and
    tanh), and each weight gradient is one product after the loop.
    """

    def forward(t: Any, h: tf.Tensor) -> tuple:
        x_z, x_r, x_c = tf.split(tf.gather(table, tf.gather(ids, t)), 3, 1)  # three (B, H)
        z = tf.sigmoid(x_z + times(h, W_hz))
        r = tf.sigmoid(x_r + times(h, W_hr))
        c = tf.tanh(x_c + times(r * h, W_hc))
        h = (1 - z) * c + z * h
        return h, (h, z, r, c)

    _, (h, z, r, c) = time_loop(forward, h_0, n, length(ids), kept=(h_0,) * 4)  # each (S, B, H)

    def gradient(dh_after: tf.Tensor) -> tuple:
        h_before = tf.concat([h_0[None], h[:-1]], 0)
        T_hz, T_hr, T_hc = (tf.transpose(W) for W in (W_hz, W_hr, W_hc))

        def backward(t: Any, dh: tf.Tensor) -> tuple:
            dh_t, h_t, z_t, r_t, c_t = (tf.gather(a, t) for a in (dh_after, h_before, z, r, c))
            dh += dh_t
            dc = dh * (1 - z_t) * (1 - c_t * c_t)
            drh = times(dc, T_hc)
            dr = drh * h_t * r_t * (1 - r_t)
            dz = dh * (h_t - c_t) * z_t * (1 - z_t)
            dh = dh * z_t + drh * r_t + times(dz, T_hz) + times(dr, T_hr)
            return dh, (dz, dr, dc)

        start = tf.zeros_like(h_0)
        dh_0, (dz, dr, dc) = time_loop(backward, start, n, length(ids), (start,) * 3, backwards=True)
        dW_hz = weight_gradient(h_before, dz)
        dW_hr = weight_gradient(h_before, dr)
        dW_hc = weight_gradient(r * h_before, dc)
        dtable = tf.concat([sum_by_symbol(d, ids, length(table)) for d in (dz, dr, dc)], 1)
        return dtable, None, dh_0, dW_hz, dW_hr, dW_hc, None

    return h, gradient


def times(a: tf.Tensor, W: tf.Tensor) -> tf.Tensor:
    """`a @ W`; a small one is spelled out as a sum of outer terms, which XLA fuses with its neighbours."""
    rows, units = a.shape[0], W.shape[0]
    if tf.executing_eagerly() or rows is None or rows > MOST_SPELLED or units > WIDEST_SPELLED:
        return a @ W
    return tf.add_n([p * q for p, q in zip(tf.split(a, W.shape[0], 1), tf.unstack(W), strict=True)])
