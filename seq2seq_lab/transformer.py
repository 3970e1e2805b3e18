"""The Transformer: an encoder and a decoder without recurrence, in which places look at each other.

    q, k, v = x W_q, x W_k, x W_v               query, key and value of each place, cut into heads
    weight  = softmax(q · k / sqrt(d))          over the places that may be seen; d numbers in a head
    head    = sum_s weight_s v_s                what one head reads
    x = x + [head_1 ... head_n] W_o             attention adds what the heads have read
    x = x + relu(x W_1 + b_1) W_2 + b_2         feed-forward adds what follows from it, in each place alone

Each addition reads `norm(x)`, x shifted and scaled to mean 0 and variance 1 in each place. In the encoder all
places of a text see each other. In the decoder a symbol sees those before it and itself (the causal mask),
then looks at the encoder's outputs. Nothing above depends on the order of places: their positions are added
to the embeddings, or turn queries and keys (rotary).

After Vaswani et al. 2017, arXiv 1706.03762; norm first after Xiong et al. 2020, arXiv 2002.04745; rotary
positions after Su et al. 2021, arXiv 2104.09864. Used in notebook 5.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from seq2seq_lab._internals.time_loop import length
from seq2seq_lab._internals.vector_adam import VectorAdam
from seq2seq_lab.contracts import DecoderOutput, Nest
from seq2seq_lab.settings import COUNT, Rule, Settings, require, require_heads
from seq2seq_lab.vocabulary import INPUT_SYMBOLS, TARGET_SYMBOLS, longest_answer

LAYERS = Rule("a whole number of at least 0", lambda v: COUNT.holds(v + 1))
LEARNED = 128  # positions that have a learned vector; those further on share the last one


class KeysAndValues(NamedTuple):
    """What the places of a text or of an answer can be asked for, and what they then tell."""

    keys: tf.Tensor  # (B, heads, S, d)
    values: tf.Tensor  # (B, heads, S, d)


class Cache(NamedTuple):
    """The state of a decoder whose symbols see each other: keys and values of the last L that it has read."""

    t: tf.Tensor  # (B,), how many it has read
    layers: list[KeysAndValues]  # (B, heads, L, d) each; symbol t is kept in row t % L

    @property
    def size(self) -> Any:
        """L, the number of rows."""
        return length(self.layers[0].keys, 2)

    @property
    def visible(self) -> tf.Tensor:
        """Which rows a symbol that is kept next may see, its own included; `(B, 1, 1, L)`."""
        return (tf.range(self.size) <= self.t[:, None])[:, None, None]

    def written(self, layer: int, own: KeysAndValues) -> KeysAndValues:
        """The rows of a layer with the next symbol's, `(B, heads, 1, d)`, among them."""
        row = tf.equal(tf.range(self.size), (self.t % self.size)[:, None])[:, None, :, None]
        return KeysAndValues(
            *(tf.where(row, new, old) for new, old in zip(own, self.layers[layer], strict=True))
        )


class Memory(NamedTuple):
    """What stays the same at every step."""

    layers: list[KeysAndValues]  # of the encoder's outputs, one for each layer of the decoder
    mask: tf.Tensor  # (B, S), True at the true positions


def sinusoidal(positions: tf.Tensor, width: int) -> tf.Tensor:
    """Positions `(...)` -> `(..., width)`: sines of ever longer waves, then the cosines of the same waves."""
    angles = angles_of(positions, width)
    return tf.concat([tf.sin(angles), tf.cos(angles)], -1)


def rotated(x: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
    """Each pair of numbers of `x (B, heads, S, d)` turned by an angle that grows with the position `(B, S)`.

    The product of a query and a key then depends on how far apart they stand, not on where.
    """
    angles = tf.cast(angles_of(positions, x.shape[-1]), x.dtype)[:, None]
    sin, cos = tf.sin(angles), tf.cos(angles)
    a, b = tf.split(x, 2, -1)
    return tf.concat([a * cos - b * sin, a * sin + b * cos], -1)


def angles_of(positions: tf.Tensor, width: int) -> tf.Tensor:
    """`(...)` -> `(..., width / 2)`: positions over wave lengths from 1 to 10,000 (divided by 2 pi)."""
    waves = 10_000.0 ** (2 * tf.range(width // 2, dtype=tf.float32) / width)
    return tf.cast(positions, tf.float32)[..., None] / waves


def attend(
    q: tf.Tensor, keys: tf.Tensor, values: tf.Tensor, visible: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Scaled dot-product attention: what is read, `(B, heads, T, d)`, and the weights `(B, heads, T, S)`.

    Args:
        q: queries, `(B, heads, T, d)`.
        keys, values: `(B, heads, S, d)`.
        visible: which places each query may see, something that broadcasts to `(B, heads, T, S)`.
    """
    score = tf.matmul(q, keys, transpose_b=True) / tf.sqrt(tf.cast(q.shape[-1], q.dtype))
    weight = tf.nn.softmax(tf.where(visible, score, score.dtype.min))
    return weight @ values, weight


class MultiHeadAttention(keras.layers.Layer):
    """Attention of several heads at once; each has its own columns of the matrices.

    Args:
        width: D, numbers in each place that asks.
        heads: how many share the D columns evenly.
        asked: numbers in each place that is asked; D unless given.
        rotary: whether positions turn queries and keys.
    """

    def __init__(
        self, width: int, heads: int, asked: int | None = None, rotary: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.heads, self.rotary = heads, rotary
        asked = asked or width
        self.W_q, self.W_k, self.W_v, self.W_o = (
            self.add_weight((rows, width), "glorot_uniform", name=name)
            for name, rows in (("W_q", width), ("W_k", asked), ("W_v", asked), ("W_o", width))
        )
        self.built = True

    def keys_and_values(self, x: tf.Tensor, positions: Any = None) -> KeysAndValues:
        """What places `x (B, S, D)` at `positions (B, S)` can be asked for, and what they then tell."""
        keys, values = (in_heads(x @ W, self.heads) for W in (self.W_k, self.W_v))
        return KeysAndValues(rotated(keys, positions) if self.rotary else keys, values)

    def look(
        self, x: tf.Tensor, positions: tf.Tensor, seen: KeysAndValues, visible: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """What places `x (B, T, D)` read of those they see: `(B, T, D)`, weights `(B, heads, T, S)`."""
        q = in_heads(x @ self.W_q, self.heads)
        read, weight = attend(rotated(q, positions) if self.rotary else q, *seen, visible)
        return tf.concat(tf.unstack(read, axis=1), -1) @ self.W_o, weight


def in_heads(x: tf.Tensor, heads: int) -> tf.Tensor:
    """Cut each place into heads: `(B, S, D)` -> `(B, heads, S, d)`."""
    return tf.stack(tf.split(x, heads, -1), 1)


class Block(keras.layers.Layer):
    """One layer: places look at each other, then at a memory if there is one; then each goes on alone.

    Args:
        width, heads, rotary: as for `MultiHeadAttention`.
        asked: numbers in each place of the memory; None where there is none.
    """

    def __init__(self, width: int, heads: int, rotary: bool, asked: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        parts = {"dtype": self.dtype_policy}
        self.attention = MultiHeadAttention(width, heads, rotary=rotary, **parts)
        if asked:
            self.cross_attention = MultiHeadAttention(width, heads, asked, **parts)
        self.norms = [norm(width, **parts) for _ in range(3 if asked else 2)]
        self.W_1, self.W_2 = (
            self.add_weight(shape, "glorot_uniform", name=name)
            for name, shape in (("W_1", (width, 2 * width)), ("W_2", (2 * width, width)))
        )
        self.b_1, self.b_2 = (
            self.add_weight((n,), "zeros", name=name) for name, n in (("b_1", 2 * width), ("b_2", width))
        )
        self.built = True

    def forward(
        self,
        x: tf.Tensor,
        positions: tf.Tensor,
        visible: tf.Tensor,
        all_seen: Callable[[KeysAndValues], KeysAndValues] = lambda own: own,
        memory: KeysAndValues | None = None,
        mask: Any = None,
    ) -> tuple[tf.Tensor, KeysAndValues, tuple[tf.Tensor, ...]]:
        """Places `x (B, T, D)` at `positions (B, T)`, one layer further.

        Args:
            visible: which of all that is seen each place may see; broadcasts to `(B, heads, T, places)`.
            all_seen: from the keys and values of `x` itself to all that is seen.
            memory, mask: what is looked at besides, and which of its places are true, `(B, S)`.

        Returns:
            The places, all keys and values that they saw, and each attention's weights.
        """
        y = self.norms[0](x)
        seen = all_seen(self.attention.keys_and_values(y, positions))
        read, *weights = self.attention.look(y, positions, seen, visible)
        x += read
        if memory is not None:
            read, weight = self.cross_attention.look(self.norms[1](x), positions, memory, mask[:, None, None])
            x, weights = x + read, [*weights, weight]
        y = tf.nn.relu(self.norms[-1](x) @ self.W_1 + self.b_1)
        return x + y @ self.W_2 + self.b_2, seen, tuple(weights)


def norm(width: int, **kwargs: Any) -> Any:
    """Keras' layer that makes mean 0 and variance 1 of each place, then scales and shifts; built."""
    layer = keras.layers.LayerNormalization(epsilon=1e-5, **kwargs)
    layer.build((None, None, width))
    return layer


def causal(T: Any, L: Any) -> tf.Tensor:
    """Which of T symbols each of them sees: itself and those before, the last L of them; `(T, T)`."""
    past = tf.range(T)[:, None] - tf.range(T)
    return (past >= 0) & (past < L)


def by_layer(maps: list[tf.Tensor]) -> tf.Tensor:
    """Weights `(..., heads, S)` of layers side by side, `(..., layers, heads, S)`; of one as they are."""
    return maps[0] if len(maps) == 1 else tf.stack(maps, -3)


class Part(keras.layers.Layer):
    """What encoder and decoder share: embeddings, positions, blocks, and a last norm."""

    symbols: int
    side: tuple[str, str]  # how the names of its settings begin, as in input_embedding and encoder_units
    depth = COUNT  # how many layers there may be

    def __init__(
        self, width: int = 16, heads: int = 1, layers: int = 1, positions: str = "sinusoidal", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        require_heads(width, heads, positions)
        require("layers", layers, self.depth)
        self.width, self.heads, self.layers, self.positions = width, heads, layers, positions
        normal = keras.initializers.RandomNormal(stddev=1.0)
        self.embeddings = self.add_weight((self.symbols, width), normal, name="embeddings")
        if positions == "learned":
            self.table = self.add_weight((LEARNED, width), normal.clone(), name="table")
        self.norm = norm(width, dtype=self.dtype_policy)

    def make_blocks(self, asked: int | None = None) -> None:
        """The blocks, whose places may look at a memory of width `asked`."""
        sizes = self.width, self.heads, self.positions == "rotary", asked
        self.blocks = [Block(*sizes, dtype=self.dtype_policy) for _ in range(self.layers)]
        self.built = True

    def embedded(self, ids: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
        """Symbols `(B, T)` at `positions (B, T)` as `(B, T, D)`, positions added where they are."""
        x = tf.gather(tf.convert_to_tensor(self.embeddings), ids)
        if self.positions == "sinusoidal":
            x += tf.cast(sinusoidal(positions, self.width), x.dtype)
        if self.positions == "learned":
            x += tf.gather(tf.convert_to_tensor(self.table), tf.minimum(positions, LEARNED - 1))
        return x

    @classmethod
    def from_settings(cls, settings: Settings, **sizes: Any) -> Part:
        """Of the settings' width, `encoder_units` or `decoder_units`; others as the class has them."""
        return cls(getattr(settings, f"{cls.side[1]}_units"), **sizes)

    @property
    def settings(self) -> dict:
        """Its sizes, under the names that `Settings` has; None where it has no such size."""
        embeddings, units = self.side
        return {f"{embeddings}_embedding": self.width, f"{units}_units": self.width}

    def get_config(self) -> dict:
        names = "width", "heads", "layers", "positions"
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable("seq2seq_lab")
class TransformerEncoder(Part):
    """Reads a text at once: each character looks at all others.

    Args:
        width: D, numbers in each place.
        heads: of each attention; they share the D numbers evenly.
        layers: blocks, one after the other; without any, an output is an embedding with its position.
        positions: "sinusoidal", "learned", "rotary" or "none".

    Raises:
        ValueError: an argument is out of range, or they do not fit each other.
    """

    symbols, side = INPUT_SYMBOLS, ("input", "encoder")
    depth = LAYERS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.make_blocks()

    def call(self, inputs: tf.Tensor, inputs_seqlen: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """`inputs (B, S)`, `inputs_seqlen (B,)` -> outputs `(B, S, D)`, and as state their mean, `(B, D)`."""
        outputs, _ = self.look(inputs, inputs_seqlen)
        true = tf.sequence_mask(inputs_seqlen, length(inputs, 1), outputs.dtype)[..., None]
        return outputs, tf.reduce_sum(true * outputs, 1) / tf.reduce_sum(true, 1)

    def look(self, inputs: tf.Tensor, inputs_seqlen: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Outputs `(B, S, D)`, and of each layer where each character looks, `(B, heads, S, S)`."""
        S = length(inputs, 1)
        positions, mask = tf.range(S)[None], tf.sequence_mask(inputs_seqlen, S)
        x, maps = self.embedded(inputs, positions), []
        for block in self.blocks:
            x, _, (weight,) = block.forward(x, positions, mask[:, None, None])
            maps.append(weight)
        return self.norm(x), maps


class CachingDecoder(Part):
    """What decoders with a cache share: an output layer, and a memory with a mask."""

    W_out: Any  # (D, symbols)
    b_out: Any  # (symbols,)

    def empty_cache(self, outputs: tf.Tensor) -> Cache:
        """Nothing read yet, with room for the longest answer to a text of `outputs (B, S, H)`."""
        rows = (length(outputs), self.heads, longest_answer(length(outputs, 1)), self.width // self.heads)
        nothing = tf.zeros(rows, self.compute_dtype)
        return Cache(tf.zeros(rows[:1], tf.int32), [KeysAndValues(nothing, nothing) for _ in self.blocks])

    def logits(self, x: tf.Tensor) -> tf.Tensor:
        """Places `(B, T, D)` -> what comes next, `(B, T, symbols)`."""
        return self.norm(x) @ self.W_out + self.b_out

    def restrict(self, memory: Any, places: tf.Tensor) -> Any:
        """The memory of one who can only look at the places of the text that are true, `(B, S)`."""
        return memory._replace(mask=memory.mask & places)


@keras.saving.register_keras_serializable("seq2seq_lab")
class TransformerDecoder(CachingDecoder):
    """Writes the digits: each looks at those before it, then at the encoder's outputs.

    Its state is a cache: what its symbols answer to and what they tell, kept so that nothing is computed
    twice. It has room for the longest answer there is to the text; of a longer one the last symbols count.
    Weights that depend on the encoder's width are made when it is first started, which `Seq2Seq` does.

    Args:
        width, heads, layers, positions: as for `TransformerEncoder`.

    Raises:
        ValueError: an argument is out of range, or they do not fit each other.
    """

    symbols, side = TARGET_SYMBOLS, ("target", "decoder")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.W_out = self.add_weight((self.width, TARGET_SYMBOLS), "glorot_uniform", name="W_out")
        self.b_out = self.add_weight((TARGET_SYMBOLS,), "zeros", name="b_out")
        self.made_for: int | None = None  # the width of the encoder's outputs

    def start(self, outputs: tf.Tensor, state: Nest, inputs_seqlen: tf.Tensor) -> tuple[Cache, Memory]:
        """An empty cache, and the keys and values of all positions; makes the weights when first called.

        Raises:
            ValueError: the weights were made for an encoder of another width.
        """
        if self.made_for is None:
            self.made_for = outputs.shape[-1]
            self.make_blocks(self.made_for)
        if outputs.shape[-1] != self.made_for:
            words = "this decoder was made for an encoder whose outputs have {} units, not {}"
            raise ValueError(words.format(self.made_for, outputs.shape[-1]))
        S = length(outputs, 1)
        asked = [block.cross_attention.keys_and_values(outputs) for block in self.blocks]
        return self.empty_cache(outputs), Memory(asked, tf.sequence_mask(inputs_seqlen, S))

    def step(self, state: Cache, token: tf.Tensor, memory: Memory) -> tuple[Cache, DecoderOutput]:
        """Read a token `(B,)`, keep its keys and values; returns the cache, logits and weights."""
        positions = state.t[:, None]
        x, layers, maps = self.embedded(token[:, None], positions), [], []
        for i, (block, asked) in enumerate(zip(self.blocks, memory.layers, strict=True)):
            all_seen = partial(state.written, i)
            x, seen, (_, weight) = block.forward(x, positions, state.visible, all_seen, asked, memory.mask)
            layers.append(seen)
            maps.append(weight[:, :, 0])
        return Cache(state.t + 1, layers), DecoderOutput(self.logits(x)[:, 0], by_layer(maps))

    def sequence(self, state: Cache, tokens: tf.Tensor, memory: Memory) -> DecoderOutput:
        """All of `tokens (T, B)` in one go, each seeing those before it; `state` must be empty."""
        ids = tf.transpose(tokens)
        T = length(ids, 1)
        positions, visible = tf.range(T)[None], causal(T, state.size)
        x, maps = self.embedded(ids, positions), []
        for block, asked in zip(self.blocks, memory.layers, strict=True):
            x, _, (_, weight) = block.forward(x, positions, visible, memory=asked, mask=memory.mask)
            maps.append(tf.transpose(weight, (2, 0, 1, 3)))
        return DecoderOutput(tf.transpose(self.logits(x), (1, 0, 2)), by_layer(maps))


def adam_with_warm_up(settings: Settings = Settings()) -> Any:
    """Adam, whose rate rises to the settings' own within a tenth of their samples, then falls as a cosine.

    Without the rise, its first steps, the largest, would follow averages of few gradients.
    """
    steps = settings.samples / settings.batch_size
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, 0.9 * steps, alpha=0.02, warmup_target=settings.learning_rate, warmup_steps=0.1 * steps
    )
    return VectorAdam(rate)
