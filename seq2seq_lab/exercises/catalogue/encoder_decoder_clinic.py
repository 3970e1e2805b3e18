"""The bug clinic of notebook 1: working code with one mistake each, and a number that the mistake moves.

The first mistake of each, labelled "bug", is the code that the notebook shows.
"""

from __future__ import annotations

import functools

import numpy as np

from seq2seq_lab.data import get_batch, get_block, length_mask, make_batch
from seq2seq_lab.exercises.catalogue import calls
from seq2seq_lab.exercises.catalogue.numbers import batches, candidate, gru_step, lengths, normal, sigmoid
from seq2seq_lab.exercises.engine.exercise import Exercise, Mistake
from seq2seq_lab.settings import Settings
from seq2seq_lab.vocabulary import END_ID

# --- a loss that counts padding


def _draw_losses(rng, lengths, T):
    losses = rng.exponential(2, (len(lengths), T)).astype(np.float32)
    return {"losses": losses, "mask": length_mask(lengths, T).astype(np.float32)}


def _draw_some_zeros(rng):
    drawn = _draw_losses(rng, np.array([6, 3, 2], np.int32), 6)
    drawn["losses"][:, [0, 2]] = 0  # some of them behind the end
    return drawn


def _loss_of_a_guess(answer, seed):
    mask = get_batch(200, 1, 10, rng=seed).targets_mask
    return float(answer(np.full(mask.shape, np.log(11), np.float32), mask))


def mean_loss(losses, mask):
    return (losses * mask).sum() / mask.sum()


PADDED_LOSS = Exercise(
    name="bug-padded-loss",
    task="clinic: a loss that gets smaller with more padding",
    points=2,
    draws={**batches(_draw_losses), "losses that are 0 at true places": _draw_some_zeros},
    reference=mean_loss,
    returns=("loss",),
    mistakes=(
        Mistake(
            "bug",
            "the padding adds nothing to the sum. What about the number that the sum is divided by?",
            lambda losses, mask: (losses * mask).mean(),
        ),
        Mistake("unmasked", "now padding is in the sum as well.", lambda losses, mask: losses.mean()),
        Mistake("unmasked", "now padding is in the sum.", lambda losses, mask: losses.sum() / mask.sum()),
        Mistake(
            "mean-of-means",
            "each sample has the same say here, however long it is; each symbol should.",
            lambda losses, mask: ((losses * mask).sum(1) / mask.sum(1)).mean(),
        ),
        Mistake("sum", "this is the sum; the mean is wanted.", lambda losses, mask: (losses * mask).sum()),
    ),
    symptom=_loss_of_a_guess,
    measures="loss, where every place costs the same",
)


# --- targets that are not shifted


def _draw_targets(rng, lengths, D, highest=9):
    """Answers with so many digits, none above `highest`, padded for `D` digits."""
    batch = make_batch(rng.integers(0, highest + 1, (len(lengths), D)), np.array(lengths))
    return {"targets_out": batch.targets_out, "targets_mask": batch.targets_mask}


def decoder_inputs(targets_out, first=END_ID):
    return np.insert(targets_out[:, :-1], 0, first, axis=1)


@functools.cache
def _beginner():
    """A model for one and two digits, which are learned in a second; its first weights, its optimiser's."""
    from seq2seq_lab.model import Seq2Seq
    from seq2seq_lab.training import prepare

    shape = {"min_digits": 1, "max_digits": 2, "batch_size": 32, "samples_per_epoch": 32 * 1000}
    model = Seq2Seq(Settings(learning_rate=0.02, **shape))
    prepare(model)
    return model, model.get_weights(), [variable.numpy() for variable in model.optimizer.variables]


def _free_running_match(answer, seed):
    """Exact match, free-running, after a short run whose decoder reads what the function gives it."""
    import tensorflow as tf

    from seq2seq_lab._internals.input_pipeline import untuned
    from seq2seq_lab.loss import exact_match

    model, weights, optimizer = _beginner()
    rng, K = np.random.default_rng(seed), model.settings.batches_per_epoch
    model.set_weights([w if w.ndim == 1 else rng.normal(0, 0.1, w.shape) for w in weights])
    for variable, value in zip(model.optimizer.variables, optimizer, strict=True):
        variable.assign(value)
    block = get_block(seed, 0, model.settings)
    targets = block.targets_out
    read = np.reshape(answer(targets.reshape(-1, 3)), targets.shape).astype(np.int32)
    x = block.inputs, block.inputs_seqlen, read, np.array([0, K], np.int32)
    data = untuned(tf.data.Dataset.from_tensors((x, targets, block.targets_mask)))
    model.fit(data, steps_per_epoch=1, shuffle=False, verbose=0)
    held_out = get_batch(200, 1, 2, seed, "validation")
    logits = model.free_running(held_out.inputs, held_out.inputs_seqlen, 3)
    return float(exact_match(logits, held_out.targets_out, held_out.targets_mask))


NOT_SHIFTED = Exercise(
    name="bug-not-shifted",
    task="clinic: perfect in training, useless free-running",
    points=2,
    draws={
        "two rows, one of which fills the rectangle": lambda rng: _draw_targets(rng, [1, 3], 3),
        "five rows": lambda rng: _draw_targets(rng, [3, 1, 5, 2, 4], 5),
        "rows of which none fills the rectangle": lambda rng: _draw_targets(rng, [2, 1, 3], 5),
        "rows that all fill the rectangle": lambda rng: _draw_targets(rng, [4, 4, 4], 4),
        "as many rows as places": lambda rng: _draw_targets(rng, [2, 3, 1, 2], 3),
        "a single row": lambda rng: _draw_targets(rng, [2], 3),
        "answers of the digit 0 alone": lambda rng: _draw_targets(rng, [3, 1, 2], 3, 0),
        "ten digits": lambda rng: _draw_targets(rng, [5, 10], 10),
    },
    reference=decoder_inputs,
    returns=("decoder_inputs",),
    mistakes=(
        Mistake(
            "bug",
            "at each step the decoder reads the very symbol that it should write.",
            lambda targets_out: targets_out,
        ),
        Mistake(
            "other-way",
            "shifted, but to the left: now it reads the symbol after the one that it should write.",
            lambda targets_out: np.append(targets_out[:, 1:], targets_out[:, :1] * 0, axis=1),
            lambda targets_out: np.append(targets_out[:, 1:], targets_out[:, :1] * 0 + END_ID, axis=1),
        ),
        Mistake(
            "no-start",
            "shifted, but the first symbol is wrong: what does a decoder read before it has written any?",
            lambda targets_out: decoder_inputs(targets_out, 0),
        ),
        Mistake(
            "rolled",
            "what falls out on the right comes back in on the left: for most rows that is padding.",
            lambda targets_out: np.roll(targets_out, 1, axis=1),
        ),
        Mistake(
            "one-longer",
            "as many places as before: the last symbol is written, but never read.",
            lambda targets_out: np.insert(targets_out, 0, END_ID, axis=1),
        ),
    ),
    call=calls.for_decoder_inputs,
    symptom=_free_running_match,
    measures="exact match, free-running, after a short training run",
)


# --- an encoder that reads padding


def _draw_reading(rng, lengths, S, E=9, H=6):
    B, step = len(lengths), calls.Step(normal(rng, E, H), normal(rng, H, H))
    return {"step": step, "x": normal(rng, B, S, E), "lengths": lengths, "h": normal(rng, B, H)}


def encode(step, x, lengths, h, behind=lambda h: h):
    for t in range(x.shape[1]):
        h = np.where((t < lengths)[:, None], step(x[:, t], h), behind(h))
    return h


def _to_the_end(step, x, lengths, h, last=None):
    for t in range(x.shape[1])[:last]:
        h = step(x[:, t], h)
    return h


def _to_the_longest(step, x, lengths, h):
    return _to_the_end(step, x, lengths, h, lengths.max())


def _change_by_padding(answer, seed):
    rng = np.random.default_rng(seed)
    step, x = calls.Step(normal(rng, 8, 6), normal(rng, 6, 6)), normal(rng, 4, 7, 8)
    n, h = lengths(rng, 4, 7), normal(rng, 4, 6)
    longer = np.concatenate([x, np.ones_like(x)], 1)
    return float(np.abs(np.asarray(answer(step, longer, n, h)) - np.asarray(answer(step, x, n, h))).max())


def _zero_inputs(step, x, lengths, h):
    return _to_the_end(step, x * length_mask(lengths, x.shape[1])[..., None], lengths, h)


def _one_less(step, x, lengths, h):
    return encode(step, x, lengths - 1, h)


OVER_PADDING = Exercise(
    name="bug-over-padding",
    task="clinic: an encoder that reads on past the end",
    points=2,
    draws={
        **batches(_draw_reading),
        "S larger than E": lambda rng: _draw_reading(rng, lengths(rng, 4, 7), 7, 3),
        "S, E and H all alike": lambda rng: _draw_reading(rng, lengths(rng, 4, 5), 5, 5, 5),
    },
    reference=encode,
    returns=("state",),
    mistakes=(
        Mistake(
            "bug",
            "each row is read to the end of the rectangle. Where does its text end?",
            _to_the_end,
            _to_the_longest,
        ),
        Mistake(
            "shortest",
            "now every row stops where the shortest ends.",
            lambda step, x, lengths, h: _to_the_end(step, x, lengths, h, int(lengths.min())),
        ),
        Mistake(
            "zeroed",
            "behind its end a row should keep its state, not lose it.",
            lambda *inputs: encode(*inputs, behind=np.zeros_like),
        ),
        Mistake(
            "zero-inputs",
            "an input of zeros is still an input: the state goes on changing.",
            _zero_inputs,
        ),
        Mistake("one-less", "the last true character is not read.", _one_less),
    ),
    symptom=_change_by_padding,
    measures="largest change of the state when padding is added",
)


# --- a reset gate in the wrong place


def _draw_gates(rng, B, E, H, r=None):
    W = {"W_xc": normal(rng, E, H), "W_hc": normal(rng, H, H), "b_c": normal(rng, H)}
    r = sigmoid(normal(rng, B, H)) if r is None else np.full((B, H), r, np.float32)
    return {"x": normal(rng, B, E), "h": np.tanh(normal(rng, B, H)), "r": r, **W}


def _distance_from_cell(answer, seed):
    """Of a whole step with the answer as its candidate from that of `GRUCell`."""
    from seq2seq_lab.gru import GRUCell

    rng = np.random.default_rng(seed)
    x, h = normal(rng, 4, 3), np.tanh(normal(rng, 4, 5))
    cell = GRUCell(5)
    cell.build((None, 3))
    cell.set_weights([normal(rng, *w.shape) for w in cell.weights])
    W = {w.name: np.array(w) for w in cell.weights}
    return float(np.abs(gru_step(W, x, h, answer) - np.asarray(cell(x, [h])[0])).max())


RESET_GATE = Exercise(
    name="bug-reset-gate",
    task="clinic: a cell that is nearly a GRU",
    points=2,
    draws={
        "two samples": lambda rng: _draw_gates(rng, 2, 3, 4),
        "five samples": lambda rng: _draw_gates(rng, 5, 6, 4),
        "a single sample": lambda rng: _draw_gates(rng, 1, 3, 5),
        "sizes that are all alike": lambda rng: _draw_gates(rng, 4, 4, 4),
        "a gate of 0": lambda rng: _draw_gates(rng, 3, 2, 4, 0),
        "a gate of 1": lambda rng: _draw_gates(rng, 3, 2, 4, 1),
    },
    reference=candidate,
    returns=("candidate",),
    mistakes=(
        Mistake(
            "bug",
            "the reset gate chooses among what comes out of W_hc. And in the equation?",
            lambda x, h, r, W_xc, W_hc, b_c: np.tanh(x @ W_xc + r * (h @ W_hc) + b_c),
        ),
        Mistake(
            "no-gate",
            "now the reset gate is gone.",
            lambda x, h, r, W_xc, W_hc, b_c: np.tanh(x @ W_xc + h @ W_hc + b_c),
        ),
        Mistake(
            "gates-all",
            "the input and the bias are none of the reset gate's business.",
            lambda x, h, r, W_xc, W_hc, b_c: np.tanh(r * (x @ W_xc + h @ W_hc + b_c)),
        ),
        Mistake(
            "one-minus",
            "r, not 1 - r: where r is 0 the old state is hidden.",
            lambda x, h, r, W_xc, W_hc, b_c: candidate(x, h, 1 - r, W_xc, W_hc, b_c),
        ),
        Mistake(
            "no-tanh",
            "the tanh is gone.",
            lambda x, h, r, W_xc, W_hc, b_c: x @ W_xc + (r * h) @ W_hc + b_c,
        ),
    ),
    symptom=_distance_from_cell,
    measures="largest difference to a step of lab.GRUCell",
)
