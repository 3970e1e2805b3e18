"""Answers to the exercises of notebook 3."""

import keras
import numpy as np
import tensorflow as tf

import seq2seq_lab as lab
from answers import almost, right, wrong

# --- beam-step


@right("beam-step")
def beam_in_a_loop(beam, next_log_p, width):
    candidates = []
    for text, log_p in beam:
        if text.endswith("#"):
            candidates.append((text, log_p))
            continue
        for symbol, log_q in next_log_p(text).items():
            candidates.append((text + symbol, log_p + log_q))
    candidates.sort(key=lambda pair: pair[1], reverse=True)
    return candidates[:width]


@right("beam-step")
def beam_with_a_heap(beam, next_log_p, width):
    import heapq

    ended = [pair for pair in beam if pair[0].endswith("#")]
    going_on = [(t + s, p + q) for t, p in beam if t[-1:] != "#" for s, q in next_log_p(t).items()]
    return heapq.nlargest(width, ended + going_on, key=lambda pair: pair[1])


@right("beam-step")
def beam_as_a_dict(beam, next_log_p, width):
    worth = {}
    for text, log_p in beam:
        if "#" in text:
            worth[text] = log_p
        else:
            worth.update({text + s: log_p + q for s, q in next_log_p(text).items()})
    best = sorted(worth, key=worth.get, reverse=True)[:width]
    return [(text, worth[text]) for text in best]


@right("beam-step")
def beam_with_argsort(beam, next_log_p, width):
    texts, numbers = [], []
    for text, log_p in beam:
        following = {"": 0.0} if text.endswith("#") else next_log_p(text)
        texts += [text + symbol for symbol in following]
        numbers += [log_p + log_q for log_q in following.values()]
    order = np.argsort(numbers)[::-1][:width]
    return tuple([texts[i], np.float32(numbers[i])] for i in order)


@wrong("beam-step", "ended-continued")
def beam_that_never_ends(beam, next_log_p, width):
    candidates = []
    for text, log_p in beam:
        following = next_log_p(text)
        for symbol in following:
            candidates.append((text + symbol, log_p + following[symbol]))
    return sorted(candidates, key=lambda pair: pair[1], reverse=True)[:width]


@wrong("beam-step", "ended-dropped")
def beam_that_forgets_the_ended(beam, next_log_p, width):
    candidates = []
    for text, log_p in beam:
        if text.endswith("#"):
            continue
        for symbol, log_q in next_log_p(text).items():
            candidates.append((text + symbol, log_p + log_q))
    candidates.sort(key=lambda pair: pair[1], reverse=True)
    return candidates[:width]


@wrong("beam-step", "ended-always-kept")
def beam_that_keeps_the_ended(beam, next_log_p, width):
    finished, candidates = [], []
    for text, log_p in beam:
        if text.endswith("#"):
            finished.append((text, log_p))
        else:
            candidates += [(text + s, log_p + q) for s, q in next_log_p(text).items()]
    candidates.sort(key=lambda pair: pair[1], reverse=True)
    return finished + candidates[: width - len(finished)]


@wrong("beam-step", "best-of-each")
def beam_one_from_each(beam, next_log_p, width):
    new = []
    for text, log_p in beam:
        if text.endswith("#"):
            new.append((text, log_p))
        else:
            following = next_log_p(text)
            symbol = max(following, key=following.get)
            new.append((text + symbol, log_p + following[symbol]))
    return sorted(new, key=lambda pair: pair[1], reverse=True)[:width]


@wrong("beam-step", "forgotten")
def beam_without_a_past(beam, next_log_p, width):
    worth = {}
    for text, log_p in beam:
        if text.endswith("#"):
            worth[text] = log_p
        else:
            for symbol, log_q in next_log_p(text).items():
                worth[text + symbol] = log_q
    return sorted(worth.items(), key=lambda pair: pair[1], reverse=True)[:width]


@wrong("beam-step", "multiplied")
def beam_of_products(beam, next_log_p, width):
    candidates = [(t, p) for t, p in beam if t.endswith("#")]
    for t, p in beam:
        if not t.endswith("#"):
            candidates.extend((t + s, p * q) for s, q in next_log_p(t).items())
    candidates.sort(key=lambda pair: pair[1])
    return candidates[::-1][:width]


@wrong("beam-step", "worst-first")
def beam_sorted_upwards(beam, next_log_p, width):
    texts, numbers = [], []
    for text, log_p in beam:
        for symbol, log_q in [("", 0)] if text.endswith("#") else next_log_p(text).items():
            texts.append(text + symbol)
            numbers.append(log_p + log_q)
    return [(texts[i], numbers[i]) for i in np.argsort(numbers)[:width]]


@wrong("beam-step", "all-kept")
def beam_of_any_width(beam, next_log_p, width):
    candidates = []
    for text, log_p in beam:
        if text.endswith("#"):
            candidates.append((text, log_p))
        else:
            candidates += [(text + s, log_p + q) for s, q in next_log_p(text).items()]
    return sorted(candidates, key=lambda pair: pair[1], reverse=True)


@wrong("beam-step", "greedy")
def beam_of_one(beam, next_log_p, width):
    best, best_log_p = "", -np.inf
    for text, log_p in beam:
        for s, q in {"": 0}.items() if text.endswith("#") else next_log_p(text).items():
            if log_p + q > best_log_p:
                best, best_log_p = text + s, log_p + q
    return [(best, best_log_p)]


@wrong("beam-step", "best-last")
def beam_whose_best_is_last(beam, next_log_p, width):
    found = {}
    for text, log_p in beam:
        following = {"": 0.0} if text.endswith("#") else next_log_p(text)
        found |= {text + symbol: log_p + log_q for symbol, log_q in following.items()}
    return sorted(found.items(), key=lambda pair: pair[1])[-width:]


@wrong("beam-step", "by-text")
def beam_sorted_by_text(beam, next_log_p, width):
    candidates = []
    for text, log_p in beam:
        if text.endswith("#"):
            candidates.append((text, log_p))
        else:
            candidates += [(text + s, log_p + q) for s, q in next_log_p(text).items()]
    return sorted(candidates, reverse=True)[:width]


@wrong("beam-step", "type")
def beam_returned_as_a_dict(beam, next_log_p, width):
    candidates = {}
    for text, log_p in beam:
        if text.endswith("#"):
            candidates[text] = log_p
        else:
            candidates.update({text + s: log_p + q for s, q in next_log_p(text).items()})
    return dict(sorted(candidates.items(), key=lambda pair: -pair[1])[:width])


@wrong("beam-step", "raises")
def beam_with_digits_as_indices(beam, next_log_p, width):
    candidates = []
    for text, log_p in beam:
        if text.endswith("#"):
            candidates.append((text, log_p))
        else:
            candidates += [(text + s, log_p + next_log_p(text)[s]) for s in "0123456789#"]
    return sorted(candidates, key=lambda pair: -pair[1])[:width]


@wrong("beam-step", "nothing")
def beam_sorted_to_none(beam, next_log_p, width):
    pairs = [(t + s, p + q) for t, p in beam if t[-1] != "#" for s, q in next_log_p(t).items()]
    pairs += [(t, p) for t, p in beam if t[-1] == "#"]
    return pairs.sort(key=lambda pair: -pair[1])


# --- scores


@right("scores")
def scores_in_a_list(hypotheses, length_power):
    return [h.log_probability / len(h.text) ** length_power for h in hypotheses]


@right("scores")
def scores_in_numpy(hypotheses, length_power):
    log_p = np.array([h.log_probability for h in hypotheses])
    length = np.array([len(h.text) for h in hypotheses])
    return log_p / np.power(length, length_power)


@right("scores")
def scores_in_tensorflow(hypotheses, length_power):
    log_p = tf.constant([h.log_probability for h in hypotheses])
    length = tf.constant([float(len(h.text)) for h in hypotheses])
    return log_p * length**-length_power


@right("scores")
def scores_in_a_loop(hypotheses, length_power):
    import math

    scores = ()
    for text, log_p, _ in hypotheses:
        scores += (log_p / math.exp(length_power * math.log(len(text))),)
    return scores


@wrong("scores", "without-the-end")
def scores_by_digits(hypotheses, length_power):
    scores = []
    for h in hypotheses:
        digits = h.text.replace("#", "")
        scores.append(h.log_probability / len(digits) ** length_power)
    return scores


@wrong("scores", "multiplied")
def scores_times_length(hypotheses, length_power):
    lengths = np.array([len(h.text) for h in hypotheses])
    return np.array([h.log_probability for h in hypotheses]) * lengths**length_power


@wrong("scores", "times-power")
def scores_by_a_product(hypotheses, length_power):
    scores = []
    for h in hypotheses:
        scores.append(h.log_probability / (length_power * len(h.text)))
    return scores


@wrong("scores", "power-of-all")
def scores_with_a_power_around(hypotheses, length_power):
    surprise = np.array([-h.log_probability for h in hypotheses])
    lengths = np.array([len(h.text) for h in hypotheses])
    return -np.power(surprise / lengths, length_power)


@wrong("scores", "own-score")
def scores_as_they_are(hypotheses, length_power):
    return np.array(hypotheses)[:, 2].astype(float)


@wrong("scores", "probability")
def scores_of_probabilities(hypotheses, length_power):
    p = tf.exp([h.log_probability for h in hypotheses])
    return p / tf.constant([len(h.text) for h in hypotheses], tf.float32) ** length_power


@wrong("scores", "no-power")
def scores_without_power(hypotheses, length_power):
    return keras.ops.array([h.log_probability / len(h.text) for h in hypotheses])


@wrong("scores", "value")
def scores_by_length_of_the_tuple(hypotheses, length_power):
    return [h.log_probability / len(h) ** length_power for h in hypotheses]


@wrong("scores", "type")
def scores_inside_hypotheses(hypotheses, length_power):
    return [lab.Hypothesis(t, p, p / len(t) ** length_power) for t, p, _ in hypotheses]


@wrong("scores", "shape")
def scores_of_the_best(hypotheses, length_power):
    return max(h.log_probability / len(h.text) ** length_power for h in hypotheses)


@wrong("scores", "raises")
def scores_of_all_at_once(hypotheses, length_power):
    return hypotheses.log_probability / len(hypotheses.text) ** length_power


# --- bug-wrong-step


@right("bug-wrong-step")
def steps_in_a_loop(decoder, h, steps):
    token = 10  # the id of #
    tokens = []
    for _ in range(steps):
        h = decoder.step(token, h)
        token = np.argmax(decoder.logits(h))
        tokens.append(token)
    return tokens


@right("bug-wrong-step")
def steps_in_an_array(decoder, h, steps):
    tokens = np.full(steps + 1, 10)
    for t in range(steps):
        h = decoder.step(tokens[t], h)
        tokens[t + 1] = decoder.logits(h).argmax()
    return tokens[1:]


@right("bug-wrong-step")
def steps_by_recursion(decoder, h, steps):
    def write(token, h, left):
        if left == 0:
            return ()
        h = decoder.step(token, h)
        logits = list(decoder.logits(h))
        token = logits.index(max(logits))
        return (token, *write(token, h, left - 1))

    return write(10, h, steps)


@right("bug-wrong-step")
def steps_in_tensorflow(decoder, h, steps):
    token, tokens = tf.constant(10), []
    while len(tokens) < steps:
        h = tf.constant(decoder.step(token, h))
        token = tf.argmax(decoder.logits(h))
        tokens.append(token)
    return tf.stack(tokens)


@wrong("bug-wrong-step", "bug")
def steps_with_the_logits_before(decoder, h, steps):
    states, tokens = [h], [10]
    for t in range(steps):
        states.append(decoder.step(tokens[t], states[t]))
        tokens.append(np.argmax(decoder.logits(states[t])))
    return tokens[1:]


@wrong("bug-wrong-step", "always-end")
def steps_that_always_read_the_end(decoder, h, steps):
    tokens = np.zeros(steps)
    for t in range(steps):
        h = decoder.step(10, h)
        tokens[t] = np.argmax(decoder.logits(h))
    return tokens


@wrong("bug-wrong-step", "two-steps-ago")
def steps_that_read_two_steps_ago(decoder, h, steps):
    before, token, tokens = 10, 10, []
    for _ in range(steps):
        h = decoder.step(before, h)
        before, token = token, np.argmax(decoder.logits(h))
        tokens.append(token)
    return np.array(tokens)


@wrong("bug-wrong-step", "same-state")
def steps_from_the_first_state(decoder, h, steps):
    token, tokens = 10, []
    for _ in range(steps):
        new_h = decoder.step(token, h)
        token = np.argmax(decoder.logits(new_h))
        tokens.append(token)
    return tokens


@wrong("bug-wrong-step", "starts-with-0")
def steps_from_padding(decoder, h, steps):
    tokens = [0]
    while len(tokens) <= steps:
        h = decoder.step(tokens[-1], h)
        tokens.append(np.argmax(decoder.logits(h)))
    return tokens[1:]


@wrong("bug-wrong-step", "shape")
def steps_with_the_start_in_front(decoder, h, steps):
    tokens = [10]
    for _ in range(steps):
        h = decoder.step(tokens[-1], h)
        tokens.append(np.argmax(decoder.logits(h)))
    return tokens


@wrong("bug-wrong-step", "type")
def steps_as_a_text(decoder, h, steps):
    token, text = 10, ""
    for _ in range(steps):
        h = decoder.step(token, h)
        token = np.argmax(decoder.logits(h))
        text += "0123456789#"[token]
    return text


@wrong("bug-wrong-step", "raises")
def steps_along_an_axis_too_many(decoder, h, steps):
    token, tokens = 10, []
    for _ in range(steps):
        h = decoder.step(token, h)
        token = np.argmax(decoder.logits(h), axis=1)
        tokens.append(token)
    return tokens


@wrong("bug-wrong-step", "value")
def steps_of_the_least_likely(decoder, h, steps):
    token, tokens = 10, []
    for _ in range(steps):
        h = decoder.step(token, h)
        token = np.argmin(decoder.logits(h))
        tokens.append(token)
    return tokens


@wrong("beam-step", "ended-always-kept")
def beam_that_keeps_the_ended_and_sorts(beam, next_log_p, width):
    ended = [pair for pair in beam if pair[0][-1] == "#"]
    others = [(b + s, p + q) for b, p in beam if b[-1] != "#" for s, q in next_log_p(b).items()]
    others.sort(key=lambda pair: -pair[1])
    return sorted((ended + others)[:width], key=lambda pair: -pair[1])


@wrong("beam-step", "value")
def beam_of_the_two_best_of_each(beam, next_log_p, width):
    found = [pair for pair in beam if pair[0][-1] == "#"]
    for beginning, log_p in beam:
        if beginning[-1] != "#":
            best = sorted(next_log_p(beginning).items(), key=lambda pair: -pair[1])[:2]
            found += [(beginning + symbol, log_p + log_q) for symbol, log_q in best]
    return sorted(found, key=lambda pair: -pair[1])[:width]


@wrong("beam-step", "value")
def beam_sorted_by_mean(beam, next_log_p, width):
    found = [pair for pair in beam if pair[0][-1] == "#"]
    found += [(b + s, p + q) for b, p in beam if b[-1] != "#" for s, q in next_log_p(b).items()]
    return sorted(found, key=lambda pair: pair[1] / len(pair[0]), reverse=True)[:width]


@wrong("scores", "power-of-all")
def scores_to_the_power(hypotheses, length_power):
    return [(h.log_probability / len(h.text)) ** length_power for h in hypotheses]


@wrong("bug-wrong-step", "value")
def writer_that_goes_on_with_ends(decoder, h, steps):
    token, said = 10, []
    for _ in range(steps):
        h = decoder.step(token, h)
        token = int(np.argmax(decoder.logits(h)))
        said.append(10 if 10 in said else token)
    return said


@wrong("beam-step", "raises")
def beam_that_wants_no_ends(beam, next_log_p, width):
    found = []
    for beginning, log_p in beam:
        assert beginning.isdigit()
        found += [(beginning + symbol, log_p + log_q) for symbol, log_q in next_log_p(beginning).items()]
    return sorted(found, key=lambda pair: -pair[1])[:width]


# --- right, and not to be refused


@right("beam-step")
def beam_that_asks_for_nothing(beam, next_log_p, width):
    found = []
    for text, log_p in beam:
        following = next_log_p(text)
        if text.endswith("#"):
            following = {"": 0}
        found += [(text + symbol, log_p + log_q) for symbol, log_q in following.items()]
    return sorted(found, key=lambda pair: -pair[1])[:width]


@right("beam-step")
def beam_in_decimals(beam, next_log_p, width):
    from decimal import Decimal

    found = [(t, Decimal(p)) for t, p in beam if t.endswith("#")]
    for t, p in beam:
        if not t.endswith("#"):
            found += [(t + s, Decimal(p) + Decimal(q)) for s, q in next_log_p(t).items()]
    return sorted(found, key=lambda pair: pair[1], reverse=True)[:width]


@right("bug-wrong-step")
@tf.function
def steps_in_a_graph(decoder, h, steps):
    token, tokens = tf.constant(10, tf.int64), []
    for _ in range(steps):
        h = decoder.step(token, h)
        token = tf.argmax(decoder.logits(h))
        tokens.append(token)
    return tf.stack(tokens)


# --- almost right


@almost("beam-step", "raises")
def beam_that_looks_at_the_last_symbol(beam, next_log_p, width):
    found = []
    for text, log_p in beam:
        if text[-1] == "#":
            found.append((text, log_p))
        else:
            found += [(text + s, log_p + q) for s, q in next_log_p(text).items()]
    return sorted(found, key=lambda pair: -pair[1])[:width]


@almost("beam-step", "value")
def beam_by_its_numbers(beam, next_log_p, width):
    found = {}
    for text, log_p in beam:
        for symbol, log_q in {"": 0}.items() if text.endswith("#") else next_log_p(text).items():
            found[log_p + log_q] = text + symbol
    return [(found[log_p], log_p) for log_p in sorted(found, reverse=True)[:width]]


@almost("beam-step", "raises")
def beam_that_takes_width_times_the_best(beam, next_log_p, width):
    found = []
    for text, log_p in beam:
        following = {"": 0} if text.endswith("#") else next_log_p(text)
        found += [(text + s, log_p + q) for s, q in following.items()]
    best = []
    for _ in range(width):
        best.append(max(found, key=lambda pair: pair[1]))
        found.remove(best[-1])
    return best


@almost("beam-step", "value")
def beam_of_one_ended_at_most(beam, next_log_p, width):
    ended = [pair for pair in beam if pair[0].endswith("#")][:1]
    found = [(t + s, p + q) for t, p in beam if not t.endswith("#") for s, q in next_log_p(t).items()]
    return sorted(found + ended, key=lambda pair: -pair[1])[:width]


@almost("scores", "value")
def scores_of_digits_and_an_end(hypotheses, length_power):
    return [h.log_probability / (len(h.text.strip("#")) + 1) ** length_power for h in hypotheses]


@almost("scores", "shape")
def scores_by_text(hypotheses, length_power):
    scores = {h.text: h.log_probability / len(h.text) ** length_power for h in hypotheses}
    return list(scores.values())


@almost("scores", "value")
def scores_of_texts_with_an_end(hypotheses, length_power):
    return [h.log_probability / (h.text.find("#") + 1 or 99) ** length_power for h in hypotheses]


@almost("bug-wrong-step", "shape")
def steps_at_least_two(decoder, h, steps):
    tokens = [10]
    for _ in range(max(2, steps)):
        h = decoder.step(tokens[-1], h)
        tokens.append(np.argmax(decoder.logits(h)))
    return tokens[1:]


@almost("bug-wrong-step", "shape")
def steps_squeezed(decoder, h, steps):
    tokens = [10]
    for _ in range(steps):
        h = decoder.step(tokens[-1], h)
        tokens.append(np.argmax(decoder.logits(h)))
    return np.squeeze(tokens[1:])


# --- log-probability


@right("log-probability")
def log_p_gathered(log_p, targets, mask):
    return tf.reduce_sum(tf.gather(log_p, targets, batch_dims=2) * mask, 1)


@right("log-probability")
def log_p_in_loops(log_p, targets, mask):
    worth = []
    for rows, symbols, real in zip(log_p, targets, mask, strict=True):
        worth.append(sum(row[s] for row, s, m in zip(rows, symbols, real, strict=True) if m))
    return worth


@right("log-probability")
def log_p_by_one_hot(log_p, targets, mask):
    return np.einsum("btv,btv,bt->b", log_p, np.eye(11)[targets], mask)


@wrong("log-probability", "padding")
def log_p_of_the_rectangle(log_p, targets, mask):
    return np.sum(log_p * np.eye(11)[targets], (1, 2))


@wrong("log-probability", "mean")
def log_p_a_symbol(log_p, targets, mask):
    each = np.take_along_axis(log_p, targets[..., None], 2)[..., 0]
    return (each * mask).sum(1) / mask.sum(1)


@wrong("log-probability", "best")
def log_p_of_the_arg_max(log_p, targets, mask):
    said = log_p.argmax(-1)
    return (np.take_along_axis(log_p, said[..., None], 2)[..., 0] * mask).sum(1)


@wrong("log-probability", "probability")
def probability_of_the_answer(log_p, targets, mask):
    p = np.take_along_axis(np.exp(log_p), targets[..., None], 2)[..., 0]
    return np.where(mask == 1, p, 1).prod(1)


@wrong("log-probability", "multiplied")
def log_p_multiplied(log_p, targets, mask):
    worth = np.ones(len(log_p))
    for b, t in np.argwhere(mask == 1):
        worth[b] *= log_p[b, t, targets[b, t]]
    return worth


@wrong("log-probability", "log-of-log")
def log_p_logged_again(log_p, targets, mask):
    each = np.take_along_axis(log_p, targets[..., None], 2)[..., 0]
    return (np.log(np.abs(each)) * mask).sum(1)


@wrong("log-probability", "negative")
def loss_of_the_answer(log_p, targets, mask):
    each = np.take_along_axis(log_p, targets[..., None], 2)[..., 0]
    return -(each * mask).sum(1)


@almost("log-probability", "value")
def log_p_without_zeros(log_p, targets, mask):
    each = np.take_along_axis(log_p, targets[..., None], 2)[..., 0]
    return (each * (targets > 0)).sum(1)


@almost("log-probability", "shape")
def log_p_squeezed(log_p, targets, mask):
    each = np.take_along_axis(log_p, targets[..., None], 2)
    return np.squeeze(np.sum(each * mask[..., None], 1))


@almost("log-probability", "value")
def log_p_up_to_the_first_padding(log_p, targets, mask):
    each = np.take_along_axis(log_p, targets[..., None], 2)[..., 0]
    return np.array([row[: max(int(m.argmin()), 2)].sum() for row, m in zip(each, mask, strict=True)])


# --- nucleus


@right("nucleus")
def nucleus_in_a_loop(p, top_p):
    left, total = np.zeros_like(p), 0.0
    for i in np.argsort(p)[::-1]:
        if total >= top_p:
            break
        left[i] = p[i]
        total += p[i]
    return left / total


@right("nucleus")
def nucleus_searched(p, top_p):
    order = np.argsort(p)[::-1]
    n = np.searchsorted(np.cumsum(p[order]), top_p) + 1
    left = np.zeros(len(p))
    left[order[:n]] = p[order[:n]]
    return left / left.sum()


@wrong("nucleus", "one-too-few")
def nucleus_below_the_sum(p, top_p):
    order = np.argsort(p)[::-1]
    n = max(1, np.sum(np.cumsum(p[order]) <= top_p))
    left = np.zeros(len(p))
    left[order[:n]] = p[order[:n]]
    return left / left.sum()


@wrong("nucleus", "not-scaled")
def nucleus_without_scaling(p, top_p):
    left, total = np.zeros_like(p), 0.0
    for i in np.argsort(p)[::-1]:
        if total < top_p:
            left[i] = p[i]
            total += p[i]
    return left


@wrong("nucleus", "each-alone")
def nucleus_one_by_one(p, top_p):
    left = np.where((p >= top_p) | (p == p.max()), p, 0)
    return left / left.sum()


@wrong("nucleus", "sorted")
def nucleus_in_order(p, top_p):
    p = np.sort(p)[::-1]
    left = p * (np.cumsum(p) - p < top_p)
    return left / left.sum()


@wrong("nucleus", "least-likely")
def nucleus_of_the_unlikely(p, top_p):
    left, total = np.zeros_like(p), 0.0
    for i in np.argsort(p):
        if total < top_p:
            left[i] = p[i]
            total += p[i]
    return left / left.sum()


@wrong("nucleus", "unsorted")
def nucleus_of_the_first(p, top_p):
    left = p * (np.cumsum(p) - p < top_p)
    return left / left.sum()


@wrong("nucleus", "top-k")
def nucleus_of_a_share(p, top_p):
    k = max(1, round(top_p * len(p)))
    left = np.zeros_like(p)
    left[np.argsort(-p)[:k]] = np.sort(p)[::-1][:k]
    return left / left.sum()


@almost("nucleus", "nan")
def nucleus_that_may_be_empty(p, top_p):
    order = np.argsort(p)[::-1]
    n = np.sum(np.cumsum(p[order]) < top_p)
    left = np.zeros(len(p))
    left[order[: n + (top_p > 0.05)]] = p[order[: n + (top_p > 0.05)]]
    return left / left.sum()


@almost("nucleus", "value")
def nucleus_of_two_at_least(p, top_p):
    order = np.argsort(p)[::-1]
    n = max(2, np.searchsorted(np.cumsum(p[order]), top_p) + 1)
    left = np.zeros(len(p))
    left[order[:n]] = p[order[:n]]
    return left / left.sum()


# --- vote


@right("vote")
def vote_counted(draws):
    texts = [h.text for h in draws]
    return max(draws, key=lambda h: (texts.count(h.text), h.log_probability)).text


@right("vote")
def vote_sorted(draws):
    import collections

    times = collections.Counter(h.text for h in draws)
    most = max(times.values())
    return sorted((h for h in draws if times[h.text] == most), key=lambda h: h.log_probability)[-1].text


@wrong("vote", "likeliest")
def best_of_n(draws):
    return sorted(draws, key=lambda h: h.log_probability)[-1].text


@wrong("vote", "first-seen")
def vote_of_a_counter(draws):
    times = {}
    for h in draws:
        times[h.text] = times.get(h.text, 0) + 1
    return max(times, key=times.get)


@wrong("vote", "tie-least-likely")
def vote_with_the_sign_turned(draws):
    times = {}
    for h in draws:
        times[h.text] = times.get(h.text, 0) + 1
    return min(draws, key=lambda h: (-times[h.text], h.log_probability)).text


@wrong("vote", "weighted")
def vote_by_weight(draws):
    worth = {}
    for h in draws:
        worth[h.text] = worth.get(h.text, 0) + np.exp(h.log_probability)
    return sorted(worth, key=worth.get)[-1]


@wrong("vote", "rarest")
def vote_for_the_loner(draws):
    texts = [h.text for h in draws]
    return min(texts, key=texts.count)


@wrong("vote", "by-place")
def vote_on_each_symbol(draws):
    from collections import Counter

    width = max(len(h.text) for h in draws)
    places = [Counter(h.text.ljust(width)[i] for h in draws) for i in range(width)]
    return "".join(place.most_common(1)[0][0] for place in places).rstrip()


@almost("vote", "shape")
def vote_with_all_winners(draws):
    times = {h.text: sum(g.text == h.text for g in draws) for h in draws}
    winners = [text for text in times if times[text] == max(times.values())]
    return winners[0] if len(winners) == 1 else winners


@almost("vote", "value")
def vote_between_two(draws):
    from collections import Counter

    first, second = Counter(h.text for h in draws).most_common(2)
    log_p = {h.text: h.log_probability for h in draws}
    return max(first, second, key=lambda pair: (pair[1], log_p[pair[0]]))[0]
