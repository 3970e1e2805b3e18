"""Answers to the exercises of notebook 4."""

import numpy as np
import tensorflow as tf

from answers import almost, right, wrong


@right("schedule")
def schedule_up_to_a_half(samples):
    return min(0.5, samples / 100_000)


@right("schedule")
def schedule_in_steps(samples):
    if samples < 10_000:
        return 0
    elif samples < 50_000:
        return 0.1
    return 0.25


@right("schedule")
def schedule_sigmoid(samples):
    k = 5000
    return 1 - k / (k + np.exp(min(samples / k, 50)))


@right("schedule")
def schedule_in_tensorflow(samples):
    return 1 - tf.pow(0.9999, tf.cast(samples, tf.float32))


@right("schedule")
def schedule_constant(samples):
    return 0.25


@wrong("schedule", "out-of-range")
def schedule_that_grows_for_ever(samples):
    return samples / 100_000


@wrong("schedule", "out-of-range")
def schedule_that_falls_below_0(samples):
    return 1 - samples / 50_000


@wrong("schedule", "out-of-range")
def schedule_in_percent(samples):
    return min(30, samples / 1000)


@wrong("schedule", "out-of-range")
def schedule_of_nan(samples):
    seen = tf.cast(samples, tf.float32)
    return 0.3 * seen / (seen + seen)


@wrong("schedule", "never")
def schedule_by_whole_numbers(samples):
    return min(0.3, samples // 100_000_000)


@wrong("schedule", "never")
def schedule_of_min_and_max_mixed_up(samples):
    return min(0, samples / 100_000)


@wrong("schedule", "always")
def schedule_of_max_for_min(samples):
    return max(1, samples / 100_000_000)


@wrong("schedule", "shape")
def schedule_of_an_array(samples):
    return np.clip([samples / 100_000], 0, 0.5)


@wrong("schedule", "raises")
def schedule_divided_by_0(samples):
    return 1 - min(1, 1000 / samples)


@wrong("schedule", "nothing")
def schedule_with_a_missing_else(samples):
    if samples > 20_000:
        return 0.3


@wrong("schedule", "nothing")
def schedule_without_an_else(samples):
    if samples > 50_000:
        return 0.2


@wrong("schedule", "type")
def schedule_of_text(samples):
    return "0.3"


@right("schedule")
def schedule_behind_the_plan(samples):
    return 0.0 if samples < 200_001 else 0.25


@right("schedule")
def schedule_that_rises_late(samples):
    return min(0.3, max(0, samples - 300_000) / 1_000_000)


@right("schedule")
def schedule_in_whole_millions(samples):
    return min(0.3, samples // 1_000_000)


@almost("schedule", "out-of-range")
def schedule_up_to_the_plan(samples):
    return samples / 200_000


@almost("schedule", "out-of-range")
def schedule_that_falls_as_planned(samples):
    return 0.4 - 0.4 * samples / 200_000


@almost("schedule", "raises")
def schedule_from_a_list(samples):
    return [0, 0.1, 0.2, 0.25, 0.3][samples // 50_000]


# --- edit-distance


@right("edit-distance")
def distance_by_a_table(a, b):
    table = np.zeros((len(a) + 1, len(b) + 1))
    table[:, 0] = np.arange(len(a) + 1)
    table[0] = np.arange(len(b) + 1)
    for i in range(len(a)):
        for j in range(len(b)):
            table[i + 1, j + 1] = min(table[i, j] + (a[i] != b[j]), table[i, j + 1] + 1, table[i + 1, j] + 1)
    return table[-1, -1]


@right("edit-distance")
def distance_by_recursion(a, b):
    import functools

    @functools.cache
    def between(i, j):
        if i == 0 or j == 0:
            return i + j
        kept = between(i - 1, j - 1) + (a[i - 1] != b[j - 1])
        return min(kept, between(i - 1, j) + 1, between(i, j - 1) + 1)

    return between(len(a), len(b))


@right("edit-distance")
def distance_by_tensorflow(a, b):
    if not a or not b:
        return len(a) + len(b)
    texts = [tf.sparse.from_dense([[ord(s) for s in text]]) for text in (a, b)]
    return tf.edit_distance(*texts, normalize=False)[0]


@wrong("edit-distance", "in-place")
def distance_of_places(a, b):
    return sum(a[i] != b[i] for i in range(min(len(a), len(b)))) + abs(len(a) - len(b))


@wrong("edit-distance", "in-place")
def distance_of_arrays(a, b):
    n = min(len(a), len(b))
    return np.sum(np.array([*a[:n]]) != np.array([*b[:n]]))


@wrong("edit-distance", "substitution-of-two")
def distance_without_replacing(a, b):
    common = np.zeros((len(a) + 1, len(b) + 1), int)
    for i in range(len(a)):
        for j in range(len(b)):
            same = common[i, j] + 1 if a[i] == b[j] else 0
            common[i + 1, j + 1] = max(same, common[i, j + 1], common[i + 1, j])
    return len(a) + len(b) - 2 * common[-1, -1]


@wrong("edit-distance", "no-border")
def distance_from_zeros(a, b):
    d = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            d[i][j] = min(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]))
    return d[len(a)][len(b)]


@wrong("edit-distance", "swap")
def distance_with_swaps(a, b):
    d = {(i, 0): i for i in range(len(a) + 1)} | {(0, j): j for j in range(len(b) + 1)}
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            d[i, j] = min(d[i - 1, j] + 1, d[i, j - 1] + 1, d[i - 1, j - 1] + (a[i - 1] != b[j - 1]))
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                d[i, j] = min(d[i, j], d[i - 2, j - 2] + 1)
    return d[len(a), len(b)]


@wrong("edit-distance", "no-insertion")
def distance_that_only_takes_away(a, b):
    d = {(0, j): 99 * j for j in range(len(b) + 1)} | {(i, 0): i for i in range(len(a) + 1)}
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            insert = d[i, j - 1] + 99
            d[i, j] = min(d[i - 1, j] + 1, insert, d[i - 1, j - 1] + (a[i - 1] != b[j - 1]))
    return d[len(a), len(b)]


@wrong("edit-distance", "equal")
def distance_that_pays_for_equal_symbols(a, b):
    d = {(i, 0): i for i in range(len(a) + 1)} | {(0, j): j for j in range(len(b) + 1)}
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            d[i, j] = min(d[i - 1, j - 1] + (a[i - 1] == b[j - 1]), d[i - 1, j] + 1, d[i, j - 1] + 1)
    return d[len(a), len(b)]


@wrong("edit-distance", "last-left-out")
def distance_from_a_row_too_early(a, b):
    d = {(i, 0): i for i in range(len(a) + 1)} | {(0, j): j for j in range(len(b) + 1)}
    for i in range(1, len(a)):
        for j in range(1, len(b)):
            d[i, j] = min(d[i - 1, j - 1] + (a[i - 1] != b[j - 1]), d[i - 1, j] + 1, d[i, j - 1] + 1)
    return d[max(len(a) - 1, 0), max(len(b) - 1, 0)]


@wrong("edit-distance", "one-row")
def distance_in_one_row_repeated(a, b):
    d = [[0] * (len(b) + 1)] * (len(a) + 1)
    for i in range(len(a) + 1):
        d[i][0] = i
    for j in range(len(b) + 1):
        d[0][j] = j
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            d[i][j] = min(d[i - 1][j - 1] + (a[i - 1] != b[j - 1]), d[i - 1][j] + 1, d[i][j - 1] + 1)
    return d[len(a)][len(b)]


@wrong("edit-distance", "share")
def distance_as_a_share(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        corner, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (x != y))
    return row[-1] / max(len(a), len(b), 1)


@wrong("edit-distance", "nothing")
def distance_printed(a, b):
    print(len(a) - len(b))


@almost("edit-distance", "value")
def distance_of_an_empty_text(a, b):
    if not a or not b:
        return 0
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        corner, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (x != y))
    return row[-1]


@almost("edit-distance", "raises")
def distance_that_looks_at_the_first(a, b):
    if a[0] == b[0] and a == b:
        return 0
    d = {(i, 0): i for i in range(len(a) + 1)} | {(0, j): j for j in range(len(b) + 1)}
    for i, x in enumerate(a, 1):
        for j, y in enumerate(b, 1):
            d[i, j] = min(d[i - 1, j] + 1, d[i, j - 1] + 1, d[i - 1, j - 1] + (x != y))
    return d[len(a), len(b)]


# --- bug-reads-ahead


@right("bug-reads-ahead")
def mixed_by_insert(targets_in, said, coins):
    before = np.insert(said[:, :-1], 0, 10, axis=1)
    return np.where(coins, before, targets_in)


@right("bug-reads-ahead")
def mixed_in_a_loop(targets_in, said, coins):
    read = targets_in.copy()
    for b in range(len(read)):
        for t in range(1, read.shape[1]):
            if coins[b, t]:
                read[b, t] = said[b, t - 1]
    return read


@right("bug-reads-ahead")
def mixed_in_tensorflow(targets_in, said, coins):
    before = tf.concat([targets_in[:, :1], said[:, :-1]], 1)
    return tf.where(coins, before, targets_in)


@wrong("bug-reads-ahead", "bug")
def mixed_ahead(targets_in, said, coins):
    return np.where(coins, said, targets_in)


@wrong("bug-reads-ahead", "bug")
def mixed_ahead_behind_the_start(targets_in, said, coins):
    read = np.where(coins, said, targets_in)
    read[:, 0] = 10
    return read


@wrong("bug-reads-ahead", "no-start")
def mixed_by_roll(targets_in, said, coins):
    return tf.where(coins, tf.roll(said, 1, 1), targets_in)


@wrong("bug-reads-ahead", "no-start")
def mixed_behind_a_zero(targets_in, said, coins):
    before = np.pad(said, ((0, 0), (1, 0)))[:, :-1]
    return np.where(coins, before, targets_in)


@wrong("bug-reads-ahead", "other-side")
def mixed_the_other_way(targets_in, said, coins):
    before = np.insert(said[:, :-1], 0, 10, axis=1)
    return np.where(coins, targets_in, before)


@wrong("bug-reads-ahead", "coins-one-early")
def mixed_with_the_coin_before(targets_in, said, coins):
    read = targets_in.copy()
    for t in range(1, read.shape[1]):
        read[:, t] = np.where(coins[:, t - 1], said[:, t - 1], targets_in[:, t])
    return read


@wrong("bug-reads-ahead", "two-steps-ago")
def mixed_too_late(targets_in, said, coins):
    before = np.insert(said[:, :-1], 0, 10, axis=1)
    before = np.insert(before[:, :-1], 0, 10, axis=1)
    return np.where(coins, before, targets_in)


@wrong("bug-reads-ahead", "one-coin")
def mixed_by_one_coin_a_text(targets_in, said, coins):
    before = np.insert(said[:, :-1], 0, 10, axis=1)
    return np.where(coins[:, 1:2], before, targets_in)


@wrong("bug-reads-ahead", "one-coin")
def mixed_by_the_coins_of_the_first_text(targets_in, said, coins):
    before = np.insert(said[:, :-1], 0, 10, axis=1)
    return np.where(coins[0], before, targets_in)


@wrong("bug-reads-ahead", "shape")
def mixed_without_the_start(targets_in, said, coins):
    return np.where(coins[:, 1:], said[:, :-1], targets_in[:, 1:])


@almost("bug-reads-ahead", "shape")
def mixed_and_squeezed(targets_in, said, coins):
    before = np.insert(said[:, :-1], 0, 10, axis=1)
    return np.where(coins, before, targets_in).squeeze()
