"""The exercises: references, hints, and a corpus of answers as students write them."""

import inspect
import os
import random
import re
import sys
import warnings

import nbformat
import numpy as np
import pytest
import tensorflow as tf
from answers import ANSWERS
from test_notebooks import SOURCES

import seq2seq_lab as lab
from seq2seq_lab import gru, transformer
from seq2seq_lab.decoding import decode_with, greedy
from seq2seq_lab.exercises import checking, exercise_named, exercises_of
from seq2seq_lab.exercises.catalogue import ORDER
from seq2seq_lab.exercises.catalogue.numbers import WEIGHTS
from seq2seq_lab.exercises.engine import asking, judging
from seq2seq_lab.exercises.engine.exercise import Exercise
from seq2seq_lab.exercises.engine.judging import judge, spelled

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # wrong answers divide by 0

EXERCISES = exercises_of()
BUGS = [e for e in EXERCISES if e.symptom]
TRAINED = {"bug-not-shifted"}  # its symptom takes seconds
QUICK = [e for e in EXERCISES if e.name not in TRAINED]
IN_CORPUS = sorted({a.exercise for a in ANSWERS})


def by_name(exercise):
    return exercise.name


def judged(exercise, answer, seed=0):
    """The verdict without the clinic's numbers, of which one needs a training."""
    cases = exercise.cases(seed)
    return judge(exercise, cases, exercise.ask(answer, cases))


# --- the corpus


@pytest.mark.parametrize(
    "answer", ANSWERS, ids=lambda a: f"{a.exercise}-{a.label or 'right'}-{a.function.__name__}"
)
def test_an_answer_of_the_corpus_is_judged_as_it_should_be(answer):
    verdict = judged(exercise_named(answer.exercise), answer.function)
    assert verdict.state == ("wrong" if answer.label else "right"), verdict
    assert verdict.label == (answer.label or ""), verdict


DRAWS_ITSELF = {"copying-cell"}, {"softmax_of_a_fresh_layer"}  # exercises and answers: weights of a new layer


def seeds_for(answer):
    """200 for what may be taken for right at some and not at others; of the rest what time allows.

    With SEQ2SEQ_LAB_SEEDS=200 in the environment, 200 for all but those that draw numbers themselves.
    """
    if answer.exercise in DRAWS_ITSELF[0] or answer.function.__name__ in DRAWS_ITSELF[1]:
        return 1
    least = int(os.environ.get("SEQ2SEQ_LAB_SEEDS", "1"))
    if re.search(r"\b(tf|keras|lab)\.", inspect.getsource(answer.function)):
        return max(2, least)
    return max(200 if answer.almost else 60 if answer.label is None else 20, least)


@pytest.mark.slow
@pytest.mark.parametrize("name", IN_CORPUS)
def test_a_verdict_does_not_depend_on_the_seed(name, monkeypatch):
    exercise, found = exercise_named(name), {}
    monkeypatch.setattr(judging, "spelled", lambda inputs: "")  # the words of a verdict take as long
    ask, expected = asking.ask, exercise.expected
    seeds = {answer: seeds_for(answer) for answer in ANSWERS if answer.exercise == name}
    for seed in range(max(seeds.values())):
        cases, known = exercise.cases(seed), {}

        def ask_once(function, inputs, *how, known=known):
            """Most that is asked is a mistake, which is compared with one answer after the other."""
            key = function, id(inputs)
            if key not in known:
                known[key] = ask(function, inputs, *how)
            return known[key]

        monkeypatch.setattr(asking, "ask", ask_once)
        right = {} if exercise.fault else {id(case): expected(case) for case in cases}
        monkeypatch.setattr(Exercise, "expected", lambda _, case, right=right: right[id(case)])
        for answer in (answer for answer in seeds if seed < seeds[answer]):
            verdict = judge(exercise, cases, exercise.ask(answer.function, cases))
            found.setdefault(answer.function.__name__, set()).add((verdict.state, verdict.label))
    assert {name: verdicts for name, verdicts in found.items() if len(verdicts) > 1} == {}


def test_the_corpus_has_answers_that_are_almost_right_for_every_exercise():
    almost = [answer for answer in ANSWERS if answer.almost]
    assert {answer.exercise for answer in almost} == {e.name for e in EXERCISES}
    assert len(almost) >= 92


@pytest.mark.parametrize("name", IN_CORPUS)
def test_the_corpus_has_several_right_answers_and_at_least_five_wrong_ones(name):
    labels = [a.label for a in ANSWERS if a.exercise == name]
    assert labels.count(None) >= 2
    assert len(labels) - labels.count(None) >= 5


def test_every_hint_is_triggered_by_an_answer_of_the_corpus():
    triggered = {(a.exercise, a.label) for a in ANSWERS}
    assert {(name, m.label) for name in IN_CORPUS for m in exercise_named(name).mistakes} <= triggered


# --- every exercise


def test_names_that_gradebooks_know_never_change():
    names = [e.name for e in EXERCISES]
    assert len(set(names)) == len(names)
    assert set(names) >= {
        *("accuracy-by-position", "gate-shapes", "copying-cell", "softmax-over-time", "jaggedness"),
        *("one-class", "both-ways", "plain-rnn", "next-token"),
        *("bug-padded-loss", "bug-not-shifted", "bug-over-padding", "bug-reset-gate"),
        *("weight-by-word", "mean-weights", "attention", "added-numbers", "exact-by-length", "clipping"),
        *("bug-wrong-axis", "bug-new-state", "bug-keys-for-outputs", "dot-score", "fewest-looks"),
        *("bug-looks-at-padding", "beam-step", "scores", "schedule", "bug-wrong-step"),
        *("log-probability", "nucleus", "vote"),
        *("edit-distance", "bug-reads-ahead"),
        *("dot-product-attention", "cached-step", "sinusoids", "bug-unscaled", "bug-masked-too-late"),
        *("bug-restarted-positions", "bug-causal-off-by-one"),
    }


def test_every_exercise_has_its_place_in_the_order_of_the_notebooks():
    assert [e.name for e in EXERCISES] == [*ORDER]
    assert [e.name for n in (1, 2, 3, 4, 5) for e in exercises_of(n)] == [*ORDER]


@pytest.mark.parametrize("exercise", EXERCISES, ids=by_name)
@pytest.mark.parametrize("seed", range(5))
def test_the_reference_is_right_and_each_mistake_is_known_by_its_label(exercise, seed):
    assert judged(exercise, exercise.reference, seed).state == "right"
    for mistake, way in ((m, way) for m in exercise.mistakes for way in m.ways):
        verdict = judged(exercise, way, seed)
        assert (verdict.state, verdict.label, verdict.hint) == ("wrong", mistake.label, mistake.hint)


@pytest.mark.parametrize("exercise", EXERCISES, ids=by_name)
def test_cases_depend_on_the_seed_alone(exercise):
    one, same, other = (repr(exercise.cases(seed)) for seed in (1, 1, 2))
    assert one == same
    assert one != other or exercise.name == "schedule"  # which is asked at fixed numbers


@pytest.mark.parametrize("exercise", EXERCISES, ids=by_name)
def test_what_is_expected_is_finite_and_of_unequal_sizes(exercise):
    if exercise.fault:
        return
    shapes = [[a.shape for a in exercise.expected(inputs)] for inputs in exercise.cases(3)]
    assert any(shape != shapes[0] for shape in shapes) or all(s == () or len(s) == 1 for s in shapes[0])
    for inputs in exercise.cases(3):
        assert all(a.dtype.kind == "U" or np.isfinite(a).all() for a in exercise.expected(inputs))


@pytest.mark.parametrize("exercise", EXERCISES, ids=by_name)
def test_asking_leaves_the_inputs_alone(exercise):
    def spoils(*args, **inputs):
        for value in (*args, *inputs.values()):
            if isinstance(value, np.ndarray):
                value[...] = 0
            elif isinstance(value, list):
                value.clear()
        return 0

    (inputs, *_) = exercise.cases(0)
    before = repr(inputs)
    exercise.ask(spoils, [inputs])
    assert repr(inputs) == before


JUDGE_ALL = """
import sys
from seq2seq_lab.exercises import exercises_of
from seq2seq_lab.exercises.engine.judging import judge

for exercise in exercises_of():
    cases = exercise.cases(1)
    for answer in [exercise.reference, *(way for m in exercise.mistakes for way in m.ways)]:
        if exercise.name != "copying-cell":  # whose answer is asked for a Keras layer
            judge(exercise, cases, exercise.ask(answer, cases))
print(sorted({"tensorflow", "keras"} & set(sys.modules)))
"""


def test_a_class_is_marked_without_tensorflow(fresh_python):
    result = fresh_python(JUDGE_ALL)
    assert result.stdout == "[]\n", result.stderr


def test_weights_have_one_order():
    assert WEIGHTS == gru.WEIGHTS


# --- check


@pytest.fixture(autouse=True)
def new_kernel(monkeypatch):
    monkeypatch.setattr(checking, "_latest", {})


@pytest.mark.parametrize("exercise", QUICK, ids=by_name)
def test_a_right_answer_is_true_and_its_repr_is_the_points(exercise):
    verdict = lab.check(exercise.name, exercise.reference)
    assert verdict
    assert repr(verdict) == str(exercise.points)
    assert f"{exercise.name}: right, {exercise.points} of {exercise.points} points" in verdict._repr_html_()


@pytest.mark.parametrize("exercise", EXERCISES, ids=by_name)
def test_an_untouched_stub_is_not_answered_yet(exercise):
    def stub(*args, **kwargs):
        raise NotImplementedError()

    verdict = lab.check(exercise.name, stub)
    assert (bool(verdict), repr(verdict), verdict.state) == (False, "0", "open")
    assert str(verdict) == f"○ {exercise.name}: not answered yet"


class Evil:
    """Poses as an array, and raises at the first touch."""

    shape, dtype = (3,), "float32"

    def __array__(self, *args, **kwargs):
        raise RuntimeError("touched")

    def __eq__(self, other):
        return True

    __hash__ = None

    def __len__(self):
        raise RuntimeError("counted")


class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no text")


def raises_mute(*args, **kwargs):
    raise Mute


class AlwaysEqual:
    def __eq__(self, other):
        return True

    __hash__ = None


ODD = {
    "None": lambda *a, **k: None,
    "text": lambda *a, **k: "3",
    "an object": lambda *a, **k: object(),
    "always equal": lambda *a, **k: AlwaysEqual(),
    "always equal, in a list": lambda *a, **k: [AlwaysEqual(), AlwaysEqual()],
    "evil": lambda *a, **k: Evil(),
    "evil twice": lambda *a, **k: (Evil(), Evil()),
    "a ragged list": lambda *a, **k: [[1, 2], [3]],
    "a generator": lambda *a, **k: (i for i in range(3)),
    "a dictionary": lambda *a, **k: {"a": 1},
    "a function": lambda *a, **k: len,
    "complex": lambda *a, **k: np.ones((2, 2)) * 1j,
    "an empty array": lambda *a, **k: np.empty((0, 3)),
    "NaN": lambda *a, **k: np.nan,
    "infinity": lambda *a, **k: np.inf,
    "no argument": lambda: 1,
    "exits": lambda *a, **k: sys.exit(0),
    "raises": lambda *a, **k: 1 / 0,
    "raises without a text": raises_mute,
    "fails an assertion": lambda *a, **k: pytest.fail("no") if not a and not k else [][1],
    "recursion": lambda *a, **k: ODD["recursion"](*a, **k),
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("exercise", QUICK, ids=by_name)
def test_whatever_an_answer_does_it_is_wrong_and_no_error(exercise, odd):
    verdict = lab.check(exercise.name, ODD[odd])
    assert (verdict.state, repr(verdict)) == ("wrong", "0")
    assert verdict.message


@pytest.mark.parametrize("answer", [None, 3, "clipped", np.ones(3)])
def test_an_answer_that_is_no_function_is_wrong(answer):
    verdict = lab.check("clipping", answer)
    assert (verdict.state, verdict.label) == ("wrong", "type")


@pytest.mark.parametrize("exercise", QUICK, ids=by_name)
def test_all_nan_is_never_right(exercise):
    def nan(*args, **kwargs):
        right = exercise.call(exercise.reference, *args, **kwargs) if exercise.call else None
        parts = right if isinstance(right, (tuple, list)) else (right,)
        parts = [np.full(np.shape(p), np.nan) for p in parts]
        return parts[0] if len(exercise.returns) == 1 else tuple(parts)

    assert not lab.check(exercise.name, nan)


def test_the_first_thing_wrong_is_named_type_then_shape_then_value_with_its_input():
    def by_position(kind):
        def answer(said, wanted, mask):
            right = (mask * (said == wanted)).sum(0) / mask.sum(0)
            if kind == "type":
                return ["a"] * len(right)
            if kind == "shape":
                return np.tile(right, (len(said), 1)) + 1
            right[2] += 0.125
            return right

        return lab.check("accuracy-by-position", answer)

    assert "`accuracy` should be numbers, not text" in str(by_position("type"))
    assert "`accuracy` should have shape (4,), but has shape (3, 4)" in str(by_position("shape"))
    said = str(by_position("value"))
    first = exercise_named("accuracy-by-position").cases(0)[0]
    right = exercise_named("accuracy-by-position").expected(first)[0][2]
    assert f"`accuracy` at [2] should be {right:.5g}, but is {right + 0.125:.5g}" in said
    assert np.array2string(first["said"], separator=", ").splitlines()[0] in said


def test_broadcasting_hides_nothing():
    def one_row(said, wanted, mask):
        return ((mask * (said == wanted)).sum(0) / mask.sum(0))[None]

    verdict = lab.check("accuracy-by-position", one_row)
    assert (verdict.state, verdict.label) == ("wrong", "shape")


def test_arguments_may_have_other_names():
    assert lab.check("jaggedness", lambda c: np.abs(np.diff(c, 2)).mean())
    assert lab.check("bug-padded-loss", lambda a, m: (a * m).sum() / m.sum())


def test_right_on_the_first_inputs_alone_is_wrong():
    first, *_ = exercise_named("jaggedness").cases(0)
    verdict = lab.check(
        "jaggedness", lambda curve: np.abs(np.diff(curve, 2)).mean() if len(curve) == 4 else 0
    )
    assert len(first["curve"]) == 4
    assert not verdict


def test_markup_in_an_answer_is_shown_not_obeyed():
    def answer(curve):
        raise ValueError("<script>alert(1)</script>")

    html = lab.check("jaggedness", answer)._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_warnings_and_stderr_do_not_come_through(capfd):
    def noisy(curve):
        warnings.warn("noise", stacklevel=1)
        print("noise", file=sys.stderr)
        np.log(np.zeros(2))
        return np.abs(np.diff(curve, 2)).mean()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert lab.check("jaggedness", noisy)
    assert capfd.readouterr().err == ""


def test_checking_draws_none_of_the_students_random_numbers():
    def both():
        return random.random(), np.random.rand()

    def draws(units):
        random.random(), np.random.rand()
        return lab.GRUCell(units)

    random.seed(1)
    np.random.seed(1)
    expected = both()
    random.seed(1)
    np.random.seed(1)
    lab.check("copying-cell", draws)
    assert both() == expected


def test_there_is_no_exercise_of_another_name():
    with pytest.raises(
        ValueError, match=r"^name must be that of an exercise, such as clipping; got 'cliping'$"
    ):
        lab.check("cliping", abs)
    with pytest.raises(ValueError, match=r"^name must be that of a bug of the clinic; got 'clipping'$"):
        lab.symptom("clipping", abs)
    with pytest.raises(ValueError, match=r"; got \['clipping'\]$"):
        lab.check(["clipping"], abs)


@pytest.mark.parametrize("seed", [-1, 1.5, "1", None])
def test_a_wrong_seed_is_named(seed):
    with pytest.raises(ValueError, match=r"^seed must be "):
        lab.check("clipping", abs, seed=seed)


def test_the_symptom_of_no_function():
    with pytest.raises(ValueError, match=r"^function must be a function"):
        lab.symptom("bug-padded-loss", 3)


def test_weights_of_the_copying_cell_are_judged_not_its_name():
    class Cheat(lab.GRUCell):
        def call(self, x, states, training=False):
            return states[0], [states[0]]

    assert lab.check("copying-cell", lambda units: Cheat(units)).label == "not-the-update-gate"


# --- progress


def test_progress_counts_what_was_checked_in_this_kernel():
    lab.check("clipping", exercise_named("clipping").reference)
    lab.check("attention", lambda *inputs: None)
    rows = {row[0]: row[2:] for row in lab.progress(2).rows}
    assert rows["clipping"] == ("✓ right", "2 of 2")
    assert rows["attention"] == ("✗ wrong", "0 of 3")
    assert rows["mean-weights"] == ("○ open", "0 of 2")
    assert rows["all together"] == ("", f"2 of {sum(e.points for e in exercises_of(2))}")
    assert len(lab.progress().rows) == len(EXERCISES) + 1
    lab.check("clipping", abs)
    assert {row[0]: row[2] for row in lab.progress(2).rows}["clipping"] == "✗ wrong"


@pytest.mark.parametrize("notebook", [0, 6, "1", 1.5])
def test_progress_of_no_notebook(notebook):
    with pytest.raises(ValueError, match=r"^notebook must be one of \[1, 2, 3, 4, 5\], or None"):
        lab.progress(notebook)


# --- going on with an answer


def by_position(said, wanted, mask):
    return (mask * (said == wanted)).sum(0) / mask.sum(0)


BY_POSITION = exercise_named("accuracy-by-position")
UNTIL = "by_position: the lab's own, until yours passes its check\n"
AGAIN = "by_position: the lab's own: check yours again, it has changed\n"


def test_a_lesson_goes_on_with_an_answer_once_its_check_is_right(capsys):
    assert lab.answer_or_reference(BY_POSITION.name, by_position).__wrapped__ is BY_POSITION.reference
    assert capsys.readouterr().out == UNTIL
    assert lab.check(BY_POSITION.name, by_position)
    assert lab.answer_or_reference(BY_POSITION.name, by_position).__wrapped__ is by_position
    assert capsys.readouterr().out == "by_position: yours\n"


def stub(*args):
    raise NotImplementedError()


@pytest.mark.parametrize("answer", [stub, abs])
def test_a_lesson_goes_on_without_an_answer_or_a_right_one(answer, capsys):
    assert not lab.check(BY_POSITION.name, answer)
    for mine in (answer, by_position):
        assert lab.answer_or_reference(BY_POSITION.name, mine).__wrapped__ is BY_POSITION.reference
    assert capsys.readouterr().out == 2 * UNTIL


def test_an_answer_that_was_changed_has_to_be_checked_again(capsys):
    def changed(said, wanted, mask):
        return by_position(said, wanted, mask)

    assert lab.check(BY_POSITION.name, by_position)
    assert lab.answer_or_reference(BY_POSITION.name, changed).__wrapped__ is BY_POSITION.reference
    assert capsys.readouterr().out == AGAIN
    assert lab.check(BY_POSITION.name, changed)
    assert lab.answer_or_reference(BY_POSITION.name, changed).__wrapped__ is changed
    assert not lab.check(BY_POSITION.name, abs)
    assert lab.answer_or_reference(BY_POSITION.name, changed).__wrapped__ is BY_POSITION.reference
    assert capsys.readouterr().out == "by_position: yours\n" + UNTIL


def test_an_answer_that_works_in_place_spoils_nothing(capsys):
    def in_place(said, wanted, mask):
        n = mask.sum(0)
        mask *= said == wanted
        return mask.sum(0) / n

    assert lab.check(BY_POSITION.name, in_place)
    said, wanted = np.random.default_rng(1).integers(0, 2, (2, 5, 4))
    mask = np.ones((5, 4))
    share = lab.answer_or_reference(BY_POSITION.name, in_place)(said, wanted, mask)
    np.testing.assert_array_equal(share, (said == wanted).mean(0))
    assert mask.all()


def test_a_check_of_another_exercise_does_not_count(capsys):
    assert lab.check("clipping", exercise_named("clipping").reference)
    assert lab.answer_or_reference(BY_POSITION.name, by_position).__wrapped__ is BY_POSITION.reference
    assert capsys.readouterr().out == UNTIL


def test_nothing_to_go_on_with():
    with pytest.raises(
        ValueError,
        match=r"^name must be that of an exercise, such as .*accuracy-by-position.*; got 'by_position'$",
    ):
        lab.answer_or_reference("by_position", by_position)
    with pytest.raises(ValueError, match=r"^answer must be a function, but is 3$"):
        lab.answer_or_reference(BY_POSITION.name, 3)


# --- the Transformer's own


def test_what_is_asked_for_is_what_the_labs_own_transformer_does():
    rng = np.random.default_rng(4)
    q, k, v = (rng.normal(size=(3, n, 6)).astype(np.float32) for n in (2, 5, 5))
    mask = rng.random((3, 5)) < 0.6
    mask[:, 2] = True
    own = transformer.attend(*(a[:, None] for a in (q, k, v)), mask[:, None, None])
    for asked, of_one_head in zip(
        exercise_named("dot-product-attention").reference(q, k, v, mask), own, strict=True
    ):
        np.testing.assert_allclose(asked, of_one_head[:, 0], atol=1e-6)
    positions = rng.permutation(40)[:7]
    waves = exercise_named("sinusoids").reference(positions, 6)
    np.testing.assert_allclose(waves, transformer.sinusoidal(positions, 6), atol=1e-5)


def test_a_healthy_step_keeps_and_reads_what_the_labs_own_does_with_one_head():
    rng = np.random.default_rng(5)
    own = transformer.MultiHeadAttention(4, 1)
    x = rng.normal(size=(2, 7, 4)).astype(np.float32)
    q, k, v = (np.asarray(x @ W) for W in (own.W_q, own.W_k, own.W_v))
    all_read, _ = own.look(x, None, own.keys_and_values(x), transformer.causal(7, 7))
    keys, values = k[:, :0], v[:, :0]
    for t in range(7):
        read, keys, values = exercise_named("cached-step").reference(q[:, t], k[:, t], v[:, t], keys, values)
        np.testing.assert_allclose(read @ np.asarray(own.W_o), all_read[:, t], atol=1e-5)
    np.testing.assert_array_equal(keys, k)
    np.testing.assert_array_equal(values, v)


# --- the bug clinic


def test_a_healthy_writer_writes_what_the_labs_own_decoder_does_free_running():
    rng, decoder, written = np.random.default_rng(1), lab.Decoder(lab.GRUCell(8), embedding=4), set()

    class OneRow:
        def step(self, token, h):
            return np.asarray(decoder.step(h[None], np.array([token]), ())[0])[0]

        def logits(self, h):
            return np.asarray(h @ decoder.W_out + decoder.b_out)

    for _ in range(5):
        decoder.set_weights([2 * rng.normal(size=w.shape) for w in decoder.get_weights()])
        h = np.tanh(rng.normal(size=(1, 8))).astype(np.float32)
        wanted = decode_with(greedy, decoder, tf.constant(h), (), 8)[0][:, 0].numpy()
        assert list(exercise_named("bug-wrong-step").reference(OneRow(), h[0], 8)) == list(wanted)
        written |= set(wanted)
    assert len(written) > 4


def sick_functions():
    """The functions that the notebooks show as patients, by the name of the bug."""
    found = {}
    for path in SOURCES:
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.id.startswith("sick-"):
                names = {"np": np, "tf": tf, "lab": None}
                exec(cell.source.split("\n\n\nlab.")[0], names)
                (function,) = (v for k, v in names.items() if k.startswith("sick_"))
                found[cell.id.replace("sick-", "bug-")] = function
    return found


def test_every_bug_is_a_patient_and_refused_for_what_it_is():
    sick = sick_functions()
    assert set(sick) == {bug.name for bug in BUGS}
    for bug in BUGS:
        assert judged(bug, sick[bug.name]).label == "bug"


@pytest.mark.parametrize("bug", [b for b in BUGS if b.name not in TRAINED], ids=by_name)
def test_a_bug_moves_its_number_by_more_than_noise(bug):
    moved_more_than_noise(bug)


@pytest.mark.slow
def test_targets_that_are_not_shifted_are_perfect_in_training_and_useless_free_running():
    bug = exercise_named("bug-not-shifted")
    without = moved_more_than_noise(bug)
    sick = lab.check(bug.name, bug.mistakes[0].ways[0])
    mended = lab.check(bug.name, bug.reference)
    assert (sick.state, sick.label, mended.state) == ("wrong", "bug", "right")
    healthy = f"healthy: {without[0]:.3f}"
    assert sick.measured == f"{bug.measures}: 0.000, {healthy}"
    assert healthy in mended.measured
    assert lab.symptom(bug.name, bug.mistakes[0].ways[0]).rows == [
        (bug.measures, "0.000", healthy.split()[1])
    ]


def moved_more_than_noise(bug):
    """See that it did; returns the healthy function's numbers, by seed."""
    sick, healthy = sick_functions()[bug.name], bug.reference
    with_bug, without = (np.array([bug.measure(f, seed) for seed in range(3)]) for f in (sick, healthy))
    gap = np.abs(with_bug[:, None] - without).min()  # of any with from any without
    assert gap > max(0.1, 2 * np.ptp(without))
    return without


def test_an_answer_that_works_in_place_moves_the_number_back_too():
    def in_place(x, h, r, W_xc, W_hc, b_c):
        h *= r
        return np.tanh(x @ W_xc + h @ W_hc + b_c)

    verdict = lab.check("bug-reset-gate", in_place)
    assert verdict
    assert "GRUCell: 0.000, healthy: 0.000" in str(verdict)


def test_a_mended_answer_sees_the_number_move_back():
    sick, mended = (
        lab.check("bug-padded-loss", f)
        for f in (
            lambda losses, mask: (losses * mask).mean(),
            lambda losses, mask: (losses * mask).sum() / mask.sum(),
        )
    )
    assert "loss, where every place costs the same: 2.398, healthy: 2.398" in str(mended)
    assert "healthy: 2.398" in str(sick)
    assert "2.398): 2.398" not in str(sick)


def test_inputs_are_spelled_with_five_digits():
    inputs = {"beam": [("1", -1.3126276234495782)], "next": {"1": -0.1234567, "#": -2}, "width": 2}
    assert spelled(inputs) == "beam = [('1', -1.3126)]\nnext = {'1': -0.12346, '#': -2}\nwidth = 2"
