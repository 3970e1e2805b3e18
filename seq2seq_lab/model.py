"""The model that joins an encoder and a decoder: call, free running, one training step.

Used in sections "Encoder and decoder" and "Training" of notebook 1.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from seq2seq_lab import decoding
from seq2seq_lab._internals.accumulation import accumulated
from seq2seq_lab._internals.programs import any_size, made_without_xla
from seq2seq_lab._internals.saving import Saved
from seq2seq_lab._internals.texts import answered, as_ids, padded, written
from seq2seq_lab._internals.try_out import sizes_of, try_out
from seq2seq_lab._internals.vector_adam import AssignedWhileHeld, VectorAdam
from seq2seq_lab._internals.vectors import joined, parted
from seq2seq_lab.contracts import DecoderLike, DecoderOutput, EncoderLike, Hypothesis, Nest
from seq2seq_lab.decoding import STRATEGY, Found, Greedy, Strategy, decode_with
from seq2seq_lab.encoder_decoder import Decoder, Encoder
from seq2seq_lab.loss import exact_match, sequence_loss, token_accuracy
from seq2seq_lab.runtime import xla_works
from seq2seq_lab.settings import COUNT, Rule, Settings, require
from seq2seq_lab.vocabulary import longest_answer

STEP = "learn_block", "learn", "gradients", "loss_of"  # what a training step consists of
PIECE = 500  # samples of a large batch that are decoded together


@keras.saving.register_keras_serializable("seq2seq_lab")
class Seq2Seq(Saved):
    """An encoder-decoder, built from the settings unless parts are given.

    Args:
        settings: sizes of the lesson's parts, and how `fit` trains: batch, L2, clipping. In the model's
            own `settings` the sizes are those that its parts really have, or None.
        encoder, decoder: parts that keep the contracts of `contracts.py`.

    Raises:
        ValueError: a part does not keep its contract, or the two do not fit each other.
    """

    def __init__(
        self,
        settings: Settings = Settings(),
        encoder: EncoderLike | None = None,
        decoder: DecoderLike | None = None,
        **kwargs: Any,
    ) -> None:
        require("settings", settings, Rule("Settings(...); parts go by name", lambda s: type(s) is Settings))
        super().__init__(**kwargs)
        self.seed = 0
        self.encoder = Encoder.from_settings(settings) if encoder is None else encoder
        self.decoder = Decoder.from_settings(settings) if decoder is None else decoder
        self.settings = dataclasses.replace(settings, **sizes_of(self.encoder, self.decoder))
        self.mean_loss = keras.metrics.Mean("loss")
        self.mean_token_accuracy = keras.metrics.Mean("token_accuracy")
        self.mean_exact_match = keras.metrics.Mean("exact_match")
        self.attends = try_out(self.encoder, self.decoder).attention is not None
        one = np.ones((1, 1), np.int32)
        self(one, one[0], one)  # makes weights that are not made yet

    @property
    def samples_seen(self) -> int:
        """How many samples its optimiser has learned from."""
        return int(self.optimizer.iterations) * self.settings.batch_size

    def build(self, *_: Any) -> None:
        """Nothing to do: each part makes its own weights."""

    def compile(self, optimizer: Any, jit_compile: Any = "auto", **kwargs: Any) -> None:
        """As in Keras, but "auto" means XLA wherever it works, on a CPU too."""
        jit_compile = xla_works() if jit_compile == "auto" else jit_compile
        super().compile(optimizer, jit_compile=jit_compile, **kwargs)

    def call(self, inputs: Any, inputs_seqlen: Any, targets_in: Any, coins: Any = None) -> tf.Tensor:
        """Logits `(B, T, 11)`, teacher-forced: every step is fed the true symbol before it.

        Scheduled sampling: where `coins (B, T)` is true, it is fed what the model said at the step before.
        """
        state, memory = self._start(inputs, inputs_seqlen)
        tokens = tf.transpose(as_ids("targets_in", targets_in, 2))  # (T, B)
        if coins is not None:
            tokens = decoding.tokens_read(self.decoder, state, memory, tokens, tf.transpose(coins))
        return batch_first(decoding.teacher_forced(self.decoder, state, memory, tokens).logits)

    def free_running(
        self, inputs: Any, inputs_seqlen: Any, steps: int, return_attention: bool = False
    ) -> Any:
        """Logits `(B, steps, 11)`: each step is fed the arg-max of the one before, the first `#`.

        With `return_attention` also where the decoder looked, `(B, steps, S)`, with axes for layers and
        heads before the last where there are such.

        Raises:
            ValueError: an argument is out of range, or the decoder does not attend.
        """
        require("steps", steps, COUNT)
        if return_attention and not self.attends:
            name = type(self.decoder).__name__
            raise ValueError(f"return_attention must be False where the decoder, a {name}, does not attend")
        inputs, inputs_seqlen = as_ids("inputs", inputs, 2), as_ids("inputs_seqlen", inputs_seqlen, 1)
        logits, attention = self._compiled_free_running(inputs, inputs_seqlen, tf.constant(steps))
        return (logits, attention) if return_attention else logits

    def translate(self, texts: Iterable[str], strategy: Strategy = Greedy()) -> list[str]:
        """`["one two five"]` -> `["125#"]`, or without `#` if the model does not end in time.

        Args:
            strategy: `Greedy()`, `Sampling(...)` or `BeamSearch(...)`.

        Raises:
            ValueError: a text is empty or has a character without an id.
        """
        return [best.text for best, *_ in self.hypotheses(texts, strategy)]

    def hypotheses(
        self, texts: Iterable[str], strategy: Strategy = Greedy(), n_best: int = 1
    ) -> list[list[Hypothesis]]:
        """The `n_best` answers to each text, the best first, with their log-probabilities.

        Raises:
            ValueError: as for `translate`, or `strategy` finds fewer than `n_best`.
        """
        require("strategy", strategy, STRATEGY)
        most = strategy.hypotheses
        require("n_best", n_best, COUNT)
        require("n_best", n_best, Rule(f"at most {most}, as many as {strategy} finds", most.__ge__))
        inputs, lengths = padded(texts)
        if not len(inputs):
            return []
        numbers = inputs, lengths, longest_answer(lengths), *strategy.numbers
        found = any_size(self._compiled_search, type(strategy), *numbers)
        return [answers[:n_best] for answers in written(found)]

    def log_probability(self, texts: Iterable[str], answers: Iterable[str]) -> np.ndarray:
        """How likely the model finds a given answer to each text, `log p(y | x)` in nats, `(B,)`.

        Each answer counts as it stands, such as `"125#"`; one without `#` is the beginning of many.

        Raises:
            ValueError: as for `translate`; an answer is empty, holds anything but digits and one `#` at its
                end, or there is not just one for each text.
        """
        inputs, lengths = padded(texts)
        tokens, n = answered(answers, len(inputs))
        if not len(inputs):
            return np.zeros(0, np.float32)
        return self._compiled_log_probability(inputs, lengths, tokens, n).numpy()

    def train_step(self, data: tuple) -> dict:
        """Learn from a block of batches, `data` as for `learn_block`; returns the mean of their losses."""
        learn, span = self.learn_block, data[0][-1]
        if self._by_xla:
            learn = tf.function(learn, autograph=False, jit_compile=True)
        try:
            with self._holding_weights():
                total = learn(data)
        except AssignedWhileHeld:  # by a layer that normalises its weights, say; each step then writes them
            total = learn(data)
        batches = tf.cast(span[1] - span[0], tf.float32)
        self.mean_loss.update_state(tf.math.divide_no_nan(total, batches), batches)
        return {"loss": self.mean_loss.result()}

    def learn_block(self, data: tuple) -> tf.Tensor:
        """Learn from a block of K batches, one after the other, inside one program: the sum of their losses.

        `data` is `((inputs, inputs_seqlen, targets_in, span), targets_out, targets_mask)`, each part
        `(K, B, ...)`; `span` says which of the batches to take: `span[0] <= k < span[1]`. With scheduled
        sampling, `coins (K, B, T)` stand before it.
        """
        (*x, span), targets, mask = data

        def one_batch(k: tf.Tensor, total: tf.Tensor) -> tuple:
            *inputs, y, weights = (tf.gather(part, k) for part in (*x, targets, mask))
            return k + 1, total + self.learn(inputs, y, weights)

        start = span[0], tf.constant(0.0)
        _, total = tf.while_loop(lambda k, _: k < span[1], one_batch, start)
        return total

    def learn(self, x: Sequence, targets: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """One step of the optimiser on one batch; returns the loss before it, without the penalty."""
        weights = self.trainable_variables
        loss, gradients = accumulated(self.gradients, weights, x, targets, mask)
        if self.settings.clip_norm:
            gradients, _ = tf.clip_by_global_norm(gradients, self.settings.clip_norm)
        self.optimizer.apply(gradients, weights)
        return loss

    def gradients(self, x: Sequence, targets: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, list]:
        """The loss of some samples, without the penalty, and the gradient of each weight, with it."""
        with self._reading_weights(), tf.GradientTape() as tape:
            weights = [weight.value for weight in self.trainable_variables]
            tape.watch(weights)
            loss = self.loss_of(x, targets, mask)
        gradients, l2 = tape.gradient(loss, weights), self.settings.l2
        if weights and l2:  # the derivative of l2 * sum(w²) / 2, for all at once
            penalty = l2 * joined(weights, weights)
            gradients = parted(joined(gradients, weights) + penalty, weights)
        return loss, gradients

    def loss_of(self, x: Sequence, targets: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """The loss of some samples, teacher-forced; for a subclass to change."""
        return sequence_loss(self(*x, training=True), targets, mask)

    def test_step(self, data: tuple) -> dict:
        """Token accuracy and exact match of a batch, free-running."""
        _, targets, mask = data
        logits = self.predict_step(data)
        self.mean_token_accuracy.update_state(token_accuracy(logits, targets, mask), tf.reduce_sum(mask))
        samples = tf.cast(tf.shape(targets)[0], tf.float32)
        self.mean_exact_match.update_state(exact_match(logits, targets, mask), samples)
        measured = self.mean_token_accuracy, self.mean_exact_match
        return {metric.name: metric.result() for metric in measured}

    def predict_step(self, data: tuple) -> tf.Tensor:
        """Logits `(B, T, 11)` of a batch, free-running; a large one by pieces, which the cores share.

        Each piece takes as many steps as its own longest text, so it pays to sort a batch by length.
        """
        inputs, inputs_seqlen, targets_in = data[0]
        B, steps = targets_in.shape[0], targets_in.shape[1] or tf.shape(targets_in)[1]
        n = B // PIECE if B and B % PIECE == 0 else 1
        answer = self._answer_by_xla if self._by_xla else self._answer
        pieces = zip(tf.split(inputs, n), tf.split(inputs_seqlen, n), strict=True)
        return tf.concat([answer(*piece, steps) for piece in pieces], 0)

    def make_train_function(self, force: bool = False) -> Any:
        """As in Keras, but XLA compiles only what `learn_block` does, unless a subclass has another step."""
        if type(self).train_step is not Seq2Seq.train_step:
            return super().make_train_function(force)
        return made_without_xla(self, super().make_train_function, force)

    def make_test_function(self, force: bool = False) -> Any:
        """As in Keras, but XLA compiles the answers alone, once for measuring and for `predict`."""
        return made_without_xla(self, super().make_test_function, force)

    def make_predict_function(self, force: bool = False) -> Any:
        """As in Keras, but XLA compiles the answers alone, once for measuring and for `predict`."""
        return made_without_xla(self, super().make_predict_function, force)

    @property
    def _by_xla(self) -> bool:
        return self.jit_compile and not tf.executing_eagerly()

    def _holding_weights(self) -> contextlib.AbstractContextManager:
        """Have a `VectorAdam` hold them while XLA's program runs, unless a subclass has steps of its own."""
        own = all(getattr(type(self), name) is getattr(Seq2Seq, name) for name in STEP)
        if own and self._by_xla and isinstance(self.optimizer, VectorAdam):
            return self.optimizer.holding(self.trainable_variables)
        return contextlib.nullcontext()

    def _reading_weights(self) -> contextlib.AbstractContextManager:
        """Read them where they are held, if they are."""
        optimizer = getattr(self, "optimizer", None)
        if isinstance(optimizer, VectorAdam):
            return optimizer.reading(self.trainable_variables)
        return contextlib.nullcontext()

    def _answer(self, inputs: tf.Tensor, inputs_seqlen: tf.Tensor, steps: Any) -> tf.Tensor:
        return self._free_running(inputs, inputs_seqlen, steps).logits

    def _start(self, inputs: Any, inputs_seqlen: Any) -> tuple[Nest, Nest]:
        """The decoder's first state, and its memory."""
        inputs, inputs_seqlen = as_ids("inputs", inputs, 2), as_ids("inputs_seqlen", inputs_seqlen, 1)
        outputs, state = self.encoder(inputs, inputs_seqlen)
        return self.decoder.start(outputs, state, inputs_seqlen)

    def _free_running(self, inputs: tf.Tensor, inputs_seqlen: tf.Tensor, steps: Any) -> DecoderOutput:
        """What the decoder says, `(B, steps, ...)`."""
        _, output = decode_with(decoding.greedy, self.decoder, *self._start(inputs, inputs_seqlen), steps)
        return DecoderOutput(*(a if a is None else batch_first(a) for a in output))

    def _search(
        self, kind: type[Strategy], inputs: tf.Tensor, inputs_seqlen: tf.Tensor, *numbers: Any
    ) -> Found:
        return kind.search(self.decoder, *self._start(inputs, inputs_seqlen), *numbers)

    def _log_probability(self, inputs: Any, inputs_seqlen: Any, tokens: Any, n: Any) -> tf.Tensor:
        state, memory = self._start(inputs, inputs_seqlen)
        return decoding.log_probability(self.decoder, state, memory, tf.transpose(tokens), n)

    _answer_by_xla = tf.function(_answer, autograph=False, jit_compile=True)

    # One trace serves texts of any number and length, so that a new one is answered at once.
    _compiled_search = tf.function(_search, autograph=False)
    _compiled_free_running = tf.function(
        _free_running,
        input_signature=[tf.TensorSpec(shape, tf.int32) for shape in ((None, None), (None,), ())],
        autograph=False,
    )
    _compiled_log_probability = tf.function(
        _log_probability,
        input_signature=[tf.TensorSpec([None] * rank, tf.int32) for rank in (2, 1, 2, 1)],
        autograph=False,
    )


def batch_first(a: tf.Tensor) -> tf.Tensor:
    """`(T, B, ...)` -> `(B, T, ...)`."""
    return tf.transpose(a, (1, 0, *range(2, a.shape.rank)))
