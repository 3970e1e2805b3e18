"""The comparison of five models: what is counted, what is forced, and what is printed of it."""

import json
import math
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

import seq2seq_lab as lab
from seq2seq_lab.cli import compare
from seq2seq_lab.cli.compare import FORCED, MODELS, Compared, ProcessorClock, Recipe, Trained

RECIPE = Recipe(0.01, 1.0, None)


def drawn(model):
    rng = np.random.default_rng(3)
    model.set_weights([rng.normal(0, 1.0, w.shape) for w in model.weights])
    return model


@pytest.mark.slow
def test_what_each_decoder_keeps_of_the_answer_and_of_the_text():
    S = lab.get_batch(1, 10, 10, 0).inputs.shape[1]
    kept = {name: compare.kept(make(lab.Settings())) for name, make in MODELS.items()}
    assert kept == {
        "GRU": (16, 0),
        "LSTM": (32, 0),
        "GRU with attention": (16, 2 * 16 * S),  # outputs and keys
        "Transformer": (11 * 2 * 16, 2 * 16 * S),  # keys and values
        "decoder-only": (2 * 11 * 2 * 16, 2 * 2 * 16 * S),  # in two layers
    }


def test_widths_are_those_of_the_recipe():
    for name in ("GRU", "LSTM", "GRU with attention"):
        model = MODELS[name](lab.Settings(embedding_stddev=3.0, cell_stddev=None))
        assert 2 < np.std(model.encoder.embeddings) < 4
    assert np.std(MODELS["GRU"](lab.Settings(cell_stddev=3.0)).decoder.cell.W_hz) > 1


@pytest.mark.slow
def test_behind_a_forced_mistake_those_are_judged_that_were_right_alone(monkeypatch):
    """Against a loop in plain Python; what the model writes is the truth of every other text."""
    model = drawn(MODELS["Transformer"](lab.Settings()))
    batch = lab.get_batch(40, 10, 10, 1)
    alone = np.argmax(model.free_running(batch.inputs, batch.inputs_seqlen, 11), -1).astype(np.int32)
    truth = np.where(np.arange(40)[:, None] % 2, batch.targets_out, alone)
    monkeypatch.setattr(compare, "get_batch", lambda *_: batch._replace(targets_out=truth))
    shift = np.random.default_rng(0).integers(1, 10, 20)
    ids, n, wanted = batch.inputs[::2], batch.inputs_seqlen[::2], truth[::2, :10]
    state, memory = model.decoder.start(*model.encoder(ids, n), n)
    token, written = tf.fill([20], 10), []
    for t in range(10):
        state, output = model.decoder.step(state, token, memory)
        token = tf.argmax(output.logits, -1, tf.int32)
        if t == FORCED:
            token = tf.constant((wanted[:, t] + shift) % 10, tf.int32)
        written.append(token)
    right = np.equal(np.transpose(written), wanted)[:, FORCED + 1 :]
    assert 0 < np.mean(right) < 1
    assert compare.after_mistake(model, 40) == pytest.approx(np.mean(right))
    monkeypatch.setattr(compare, "get_batch", lambda *_: batch)
    assert math.isnan(compare.after_mistake(model, 40))


@pytest.mark.slow
def test_exact_match_is_that_of_texts_of_one_length():
    model = drawn(lab.Seq2Seq())
    batch = lab.get_batch(300, 1, 1, lab.training.VALIDATION_SEED, "validation")
    said = np.argmax(model.free_running(batch.inputs, batch.inputs_seqlen, 2), -1)
    share = (said == batch.targets_out).all(1).mean()
    model.decoder.b_out.assign(tf.one_hot(10, 11) * 50)  # ends at once
    assert compare.exact(model, 1, 300) == 0
    model = drawn(lab.Seq2Seq())
    assert compare.exact(model, 1, 300) == pytest.approx(share)


def test_the_clock_leaves_validations_out(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "process_time", lambda: now[0])
    clock = ProcessorClock()
    clock.on_train_begin()
    for seconds in (2, 3):
        clock.on_epoch_begin(0)
        now[0] += seconds
        clock.on_train_batch_end(0, {"loss": 0.0})
        now[0] += 100  # a validation
        clock.on_epoch_end(0)
    assert sum(clock.seconds) == 5


@pytest.mark.slow
def test_a_small_comparison_runs_from_first_to_last(monkeypatch, without_xla):
    trained, train = [], compare.train

    def noticing(model, samples=None, seed=None, **kwargs):
        history = train(model, samples, seed, **kwargs)
        if samples != model.settings.batch_size:  # which compiles
            first = float(keras.ops.sum(model.encoder.embeddings))
            trained.append((model.settings.samples, seed, first, model.samples_seen))
        return history

    monkeypatch.setattr(compare, "train", noticing)
    monkeypatch.setattr(compare, "VALIDATED", 50)
    (one,) = compare.compare((4, 5), 48, 0.001, {"GRU": RECIPE}, judged=20)
    assert [run[:2] for run in trained[:2]] == [(48, 4), (48, 5)]
    hasty = trained[2][0]
    assert [run[:2] for run in trained[2:]] == [(hasty, 4), (hasty, 5)]
    assert all(seen == samples for samples, _, _, seen in trained)  # every run began anew
    assert len({weights for *_, weights, _ in trained}) == 4
    step = sorted(run.milliseconds for run in one.runs)
    assert step[0] > 0
    assert hasty == max(1, round(0.001 / (np.mean(step) / 1e3))) * 16
    assert [run.to_goal for run in one.runs] == [math.inf] * 2
    assert all(0 <= share <= 1 for run in one.runs for share in run.by_digits.values())
    assert json.loads(json.dumps(compare.plain(one)))["runs"][0]["to_goal"] is None


def test_recipes_are_tried_with_the_best_of_each_model_last(monkeypatch):
    made = []

    def of_recipe(name, recipe, samples):
        made.append((name, recipe))
        return made[-1]

    class History:
        def __init__(self, model, seed):
            self.history = {"val_exact_match": [1.0, model[1].rate * model[1].embedding_stddev + seed]}

    monkeypatch.setattr(compare, "of_recipe", of_recipe)
    monkeypatch.setattr(compare, "restart", lambda model, seed: None)
    monkeypatch.setattr(compare, "train", lambda model, seed: History(model, seed))
    found = [*compare.choose(seeds=(0, 2))]
    assert sorted(made) == sorted((name, recipe) for name, recipe, _ in found)
    for name in MODELS:
        shares = [share for model, _, share in found if model == name]
        assert shares == sorted(shares)
        assert len(shares) == (8 if "GRU" in name or name == "LSTM" else 4)
        assert shares[-1] == pytest.approx(0.02 + 1)


def test_the_table_gives_medians_and_what_they_lie_between():
    runs = [
        Trained(1.5, 30_000, {2: 0.5, 10: 1.0, 12: 0.25, 20: 0.0}, math.nan),
        Trained(1.7, math.inf, {2: 0.7, 10: 1.0, 12: 0.25, 20: 0.0}, 0.5),
        Trained(1.6, 40_000, {2: 0.6, 10: 1.0, 12: 0.25, 20: 0.0}, 0.25),
    ]
    table = compare.comparison([Compared("GRU", RECIPE, 2891, 16, 0, runs, [0.9, 0.8, 1.0])], 30)
    head, rule, row = table.splitlines()
    assert "exact match after 30 s" in head
    assert head.count("|") == rule.count("|") == row.count("|")
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        *("GRU", "2,891", "1.60 (1.50 to 1.70)", "40,000 (30,000 to never)", "0.90 (0.80 to 1.00)"),
        *("0.60 (0.50 to 0.70)", "1.00", "0.25", "0.00", "0.50 (0.25 to -)", "16", "0"),
    ]
