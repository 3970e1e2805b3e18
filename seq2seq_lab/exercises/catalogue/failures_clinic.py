"""The bug clinic of notebook 4: working code with a mistake, and a number that the mistake moves.

The first mistake, labelled "bug", is the code that the notebook shows.
"""

from __future__ import annotations

import numpy as np

from seq2seq_lab.data import length_mask
from seq2seq_lab.exercises.engine.exercise import Exercise, Mistake
from seq2seq_lab.vocabulary import END_ID

# --- scheduled sampling that reads ahead


def _draw_mixed(rng, lengths, p, T=None):
    """Answers with so many digits, what a first pass said, and a coin for each place."""
    T = T or max(lengths) + 1
    B, within = len(lengths), length_mask(np.array(lengths) + 1, T)
    said = rng.integers(0, END_ID + 1, (B, T)).astype(np.int32)
    true = np.where(within, rng.integers(0, 10, (B, T)), 0).astype(np.int32)
    true[:, 0] = END_ID
    coins = rng.random((B, T)) < p
    if 0 < p < 1:  # no row and no column without both
        coins[:, 1:3], coins[::2, 1:3] = [True, False], [False, True]
    return {"targets_in": true, "said": said, "coins": coins}


def tokens_to_read(targets_in, said, coins):
    read = np.where(coins[:, 1:], said[:, :-1], targets_in[:, 1:])
    return np.concatenate([targets_in[:, :1], read], axis=1)


def _ahead(targets_in, said, coins):
    return np.where(coins, said, targets_in)


def _ahead_but_for_the_first(targets_in, said, coins):
    return np.concatenate([targets_in[:, :1], _ahead(targets_in, said, coins)[:, 1:]], axis=1)


def _read_as_soon_as_written(answer, seed):
    """Share of the coins' places at which the symbol that is said there is read there."""
    rng, same = np.random.default_rng(seed), []
    for _ in range(50):
        drawn = _draw_mixed(rng, [10] * 16, 0.5)
        read, coins = np.asarray(answer(*drawn.values())), drawn["coins"][:, 1:]
        same.append((read == drawn["said"])[:, 1:][coins].mean())
    return float(np.mean(same))


READS_AHEAD = Exercise(
    name="bug-reads-ahead",
    task="clinic: scheduled sampling that reads a symbol one step early",
    points=2,
    draws={
        "two rows": lambda rng: _draw_mixed(rng, [4, 6], 0.5),
        "five rows": lambda rng: _draw_mixed(rng, [5, 3, 7, 4, 6], 0.5),
        "a rectangle that no row fills": lambda rng: _draw_mixed(rng, [4, 5, 3], 0.5, 9),
        "as many rows as places": lambda rng: _draw_mixed(rng, [3, 4, 5, 5, 4, 5], 0.5),
        "coins that all say: its own": lambda rng: _draw_mixed(rng, [5, 4, 6], 1),
        "coins that all say: the true one": lambda rng: _draw_mixed(rng, [5, 4, 6], 0),
        "a single row": lambda rng: _draw_mixed(rng, [8], 0.5),
        "ten digits": lambda rng: _draw_mixed(rng, [10, 5, 8], 0.3),
    },
    reference=tokens_to_read,
    returns=("tokens",),
    mistakes=(
        Mistake(
            "bug",
            "at step t the decoder may read what it said at the step before. What does it read here?",
            _ahead,
            _ahead_but_for_the_first,
        ),
        Mistake(
            "no-start",
            "nothing was said before the first step: it reads #, whatever its coin says.",
            lambda targets_in, said, coins: np.where(coins, np.roll(said, 1, axis=1), targets_in),
            lambda targets_in, said, coins: np.where(
                coins, np.concatenate([0 * said[:, :1], said[:, :-1]], axis=1), targets_in
            ),
        ),
        Mistake(
            "other-side",
            "the coins are turned round: where one is true, the decoder reads its own symbol.",
            lambda targets_in, said, coins: tokens_to_read(targets_in, said, ~coins),
        ),
        Mistake(
            "coins-one-early",
            "the coin of step t decides what is read at step t, not at the next.",
            lambda targets_in, said, coins: tokens_to_read(targets_in, said, np.roll(coins, 1, axis=1)),
        ),
        Mistake(
            "two-steps-ago",
            "it reads what it said two steps ago.",
            lambda targets_in, said, coins: tokens_to_read(
                targets_in, np.concatenate([targets_in[:, :1], said[:, :-1]], axis=1), coins
            ),
        ),
        Mistake(
            "one-coin",
            "one coin decides for a whole text, or for the whole batch. Each step has a coin of its own.",
            lambda targets_in, said, coins: tokens_to_read(
                targets_in, said, np.broadcast_to(coins[:, 1:2], coins.shape)
            ),
            lambda targets_in, said, coins: tokens_to_read(
                targets_in, said, np.broadcast_to(coins[:1, 1:2], coins.shape)
            ),
            lambda targets_in, said, coins: tokens_to_read(
                targets_in, said, np.broadcast_to(coins[:, :1], coins.shape)
            ),
            lambda targets_in, said, coins: tokens_to_read(
                targets_in, said, np.broadcast_to(coins[:1], coins.shape)
            ),
        ),
    ),
    symptom=_read_as_soon_as_written,
    measures="share of its own symbols that are read at the very step that says them",
)
