"""Answers to the exercises of notebook 2: its clinic, a score of one's own, the fewest looks."""

import keras
import numpy as np
import tensorflow as tf

from answers import almost, right, wrong

# --- bug-wrong-axis


@right("bug-wrong-axis")
def over_places_in_numpy(scores):
    e = np.exp(scores - scores.max(axis=2, keepdims=True))
    return e / e.sum(axis=2, keepdims=True)


@right("bug-wrong-axis")
def over_places_in_tensorflow(scores):
    return tf.nn.softmax(scores)


@right("bug-wrong-axis")
def over_places_in_keras(scores):
    return keras.ops.softmax(scores, axis=-1)


@wrong("bug-wrong-axis", "bug")
def over_steps(scores):
    return tf.nn.softmax(scores, axis=1)


@wrong("bug-wrong-axis", "over-texts")
def over_texts(scores):
    return tf.nn.softmax(scores, 0)


@wrong("bug-wrong-axis", "over-all")
def over_steps_and_places(scores):
    e = np.exp(scores - scores.max())
    return e / e.sum(axis=(1, 2), keepdims=True)


@wrong("bug-wrong-axis", "divided-by-sum")
def divided_by_their_sum(scores):
    return scores / np.sum(scores, axis=2, keepdims=True)


@wrong("bug-wrong-axis", "not-divided")
def exp_alone(scores):
    return np.exp(scores - np.max(scores, -1, keepdims=True))


@wrong("bug-wrong-axis", "hardmax")
def all_to_the_best(scores):
    return np.eye(scores.shape[2])[scores.argmax(2)]


@wrong("bug-wrong-axis", "raises")
def divided_without_keeping_axes(scores):
    e = np.exp(scores - scores.max(2)[:, :, None])
    return e / (e.sum(2) @ np.ones((99, 1)))


@almost("bug-wrong-axis", "nan")
def over_places_until_exp_overflows(scores):
    e = np.exp(scores)
    return e / e.sum(-1, keepdims=True)


# --- bug-new-state


@right("bug-new-state")
def looked_with_the_old_state(first, states, attend):
    rows, state = [], first
    for t in range(states.shape[1]):
        rows.append(attend(state))
        state = states[:, t]
    return np.stack(rows, 1)


@right("bug-new-state")
def looked_after_moving_states_by_one(first, states, attend):
    before = np.concatenate([first[:, None], states], axis=1)
    return tf.stack([attend(before[:, t]) for t in range(states.shape[1])], axis=1)


@wrong("bug-new-state", "bug")
def looked_with_the_new_state(first, states, attend):
    return np.stack([attend(state) for state in states.swapaxes(0, 1)], 1)


@wrong("bug-new-state", "first-only")
def looked_with_the_first_state(first, states, attend):
    weights = np.asarray(attend(first))
    return np.repeat(weights[:, None], states.shape[1], axis=1)


@wrong("bug-new-state", "one-too-many")
def looked_once_more_at_the_end(first, states, attend):
    rows = [attend(first)]
    for t in range(states.shape[1]):
        rows.append(attend(states[:, t]))
    return np.stack(rows, 1)


@wrong("bug-new-state", "first-left-out")
def looked_from_the_second_step_on(first, states, attend):
    steps = range(states.shape[1] - 1)
    return np.stack([attend(states[:, t]) for t in steps] or [attend(first)], 1)


@wrong("bug-new-state", "other-way")
def looked_from_the_last_to_the_first(first, states, attend):
    before = [first, *states.swapaxes(0, 1)[:-1]]
    return np.stack([attend(state) for state in reversed(before)], 1)


@wrong("bug-new-state", "steps-first")
def looked_with_steps_in_front(first, states, attend):
    before = [first, *states.swapaxes(0, 1)[:-1]]
    return np.stack([attend(state) for state in before])


@wrong("bug-new-state", "raises")
def looked_with_all_states_at_once(first, states, attend):
    before = np.concatenate([first, states[:, :-1]], 1)
    return attend(before)


@almost("bug-new-state", "raises")
def looked_at_least_twice(first, states, attend):
    rows = [attend(first), attend(states[:, 0])]
    if states.shape[1] == 1:
        return np.stack(rows, 1)[:, :, 99]
    return np.stack(rows + [attend(states[:, t]) for t in range(1, states.shape[1] - 1)], 1)


# --- bug-keys-for-outputs


@right("bug-keys-for-outputs")
def context_by_einsum(weights, keys, outputs):
    return np.einsum("bs,bsh->bh", weights, outputs)


@right("bug-keys-for-outputs")
def context_by_matmul(weights, keys, outputs):
    return (weights[:, None, :] @ outputs)[:, 0]


@right("bug-keys-for-outputs")
def context_in_tensorflow(weights, keys, outputs):
    return tf.reduce_sum(tf.expand_dims(weights, -1) * outputs, axis=1)


@wrong("bug-keys-for-outputs", "bug")
def context_of_keys(weights, keys, outputs):
    return tf.reduce_sum(weights[:, :, None] * keys, axis=1)


@wrong("bug-keys-for-outputs", "both")
def context_of_both(weights, keys, outputs):
    return np.einsum("bs,bsh->bh", weights, np.concatenate([outputs, keys], -1))


@wrong("bug-keys-for-outputs", "unweighted")
def context_as_plain_mean(weights, keys, outputs):
    return tf.reduce_mean(outputs, axis=1)


@wrong("bug-keys-for-outputs", "mean")
def context_divided_again(weights, keys, outputs):
    return np.mean(weights[:, :, np.newaxis] * outputs, axis=1)


@wrong("bug-keys-for-outputs", "not-summed")
def context_not_added_up(weights, keys, outputs):
    return np.expand_dims(weights, 2) * outputs


@wrong("bug-keys-for-outputs", "best-alone")
def context_of_the_best_place(weights, keys, outputs):
    return np.stack([h[w.argmax()] for w, h in zip(weights, outputs, strict=True)])


@wrong("bug-keys-for-outputs", "raises")
def context_without_a_new_axis(weights, keys, outputs):
    return np.sum(weights * outputs.reshape(len(weights), -1, 1)[:, :, :, None], 1)[:, 99]


@almost("bug-keys-for-outputs", "shape")
def context_with_lost_axes(weights, keys, outputs):
    return np.squeeze(np.einsum("bs,bsh->bh", weights, outputs))


# --- dot-score


@right("dot-score")
def dot_by_einsum(query, keys):
    return np.einsum("ba,bsa->bs", query, keys)


@right("dot-score")
def dot_by_sum(query, keys):
    return tf.reduce_sum(keys * query[:, None], -1)


@right("dot-score")
def dot_by_matvec(query, keys):
    return tf.linalg.matvec(keys, query)


@right("dot-score")
def dot_in_loops(query, keys):
    return [[float(np.dot(q, k)) for k in row] for q, row in zip(query, keys, strict=True)]


@wrong("dot-score", "not-summed")
def dot_without_a_sum(query, keys):
    return tf.expand_dims(query, 1) * keys


@wrong("dot-score", "over-places")
def dot_over_places(query, keys):
    return tf.reduce_sum(keys * query[:, None, :], axis=1)


@wrong("dot-score", "softmaxed")
def dot_as_weights(query, keys):
    return tf.nn.softmax(tf.linalg.matvec(keys, query))


@wrong("dot-score", "scaled")
def dot_scaled(query, keys):
    return np.einsum("ba,bsa->bs", query, keys) / query.shape[1] ** 0.5


@wrong("dot-score", "cosine")
def dot_of_unit_vectors(query, keys):
    q = query / np.maximum(np.linalg.norm(query, axis=1, keepdims=True), 1e-9)
    k = keys / np.linalg.norm(keys, axis=2, keepdims=True)
    return np.einsum("ba,bsa->bs", q, k)


@wrong("dot-score", "tanh")
def dot_additive(query, keys):
    return tf.reduce_sum(tf.tanh(keys + query[:, None]), -1)


@wrong("dot-score", "first-query")
def dot_with_one_query(query, keys):
    return np.dot(keys, query[0])


@wrong("dot-score", "raises")
def dot_without_new_axes(query, keys):
    return (keys.swapaxes(0, 1)[:, :, :1] * query[:0]).sum(-1)[99]


@almost("dot-score", "shape")
def dot_squeezed(query, keys):
    return np.squeeze(keys @ query[:, :, None])


# --- fewest-looks


@right("fewest-looks")
def fewest_by_size(write, wanted):
    from itertools import combinations

    for size in range(len(wanted) + 1):
        for looks in combinations(range(len(wanted)), size):
            if write(looks) == wanted:
                return looks


@right("fewest-looks")
def fewest_of_all_sets(write, wanted):
    n = len(wanted)
    sets = ([t for t in range(n) if number >> t & 1] for number in range(2**n))
    return min((looks for looks in sets if write(looks) == wanted), key=len)


@right("fewest-looks")
def fewest_as_a_set(write, wanted):
    from itertools import combinations

    for size in range(len(wanted) + 1):
        for looks in combinations(range(len(wanted)), size):
            if write(set(looks)) == wanted:
                return set(looks)


@wrong("fewest-looks", "all-that-are-wrong")
def looks_at_all_mistakes(write, wanted):
    return [t for t, (a, b) in enumerate(zip(write([]), wanted, strict=True)) if a != b]


@wrong("fewest-looks", "one-after-the-other")
def looks_one_after_the_other(write, wanted):
    looks = []
    for t in range(len(wanted)):
        if write(looks)[t] != wanted[t]:
            looks.append(t)
    return looks


@wrong("fewest-looks", "all-steps")
def looks_everywhere(write, wanted):
    return range(len(wanted))


@wrong("fewest-looks", "left-out-one-by-one")
def looks_left_out_one_by_one(write, wanted):
    looks = set(range(len(wanted)))
    for t in range(len(wanted)):
        if write(looks - {t}) == wanted:
            looks = looks - {t}
    return sorted(looks)


@wrong("fewest-looks", "left-out-one-by-one")
def looks_left_out_from_the_end(write, wanted):
    looks = list(range(len(wanted)))
    for t in reversed(range(len(wanted))):
        fewer = [step for step in looks if step != t]
        looks = fewer if write(fewer) == wanted else looks
    return looks


@wrong("fewest-looks", "raises")
def looks_for_ever(write, wanted):
    looks = set()
    while write(looks) != wanted:
        looks.add(next(t for t, (a, b) in enumerate(zip(write(looks), wanted, strict=True)) if a != b))
    return looks


@wrong("fewest-looks", "only-single-looks")
def looks_once(write, wanted):
    if write([]) == wanted:
        return []
    for t in range(len(wanted)):
        if write([t]) == wanted:
            return [t]
    return []


@wrong("fewest-looks", "counts-from-1")
def looks_counted_from_1(write, wanted):
    from itertools import combinations

    for size in range(len(wanted) + 1):
        for looks in combinations(range(len(wanted)), size):
            if write(looks) == wanted:
                return [t + 1 for t in looks]


@wrong("fewest-looks", "how-many")
def looks_counted(write, wanted):
    from itertools import combinations

    for size in range(len(wanted) + 1):
        if any(write(looks) == wanted for looks in combinations(range(len(wanted)), size)):
            return size


@wrong("fewest-looks", "nothing")
def looks_printed(write, wanted):
    write(list(range(len(wanted))))


@wrong("fewest-looks", "type")
def looks_by_step(write, wanted):
    return {t: "its word" for t in range(len(wanted))}


@almost("fewest-looks", "never-none")
def looks_at_least_once(write, wanted):
    from itertools import combinations

    for size in range(1, len(wanted) + 1):
        for looks in combinations(range(len(wanted)), size):
            if write(looks) == wanted:
                return looks
