"""One judge: the same inputs and results give the same verdict in a notebook and where a class is graded."""

import io
import linecache
import pickle
import re
import tracemalloc
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import tensorflow as tf
from answers import ANSWERS
from submissions import RIGHT, answered

import seq2seq_lab as lab
from seq2seq_lab.exercises import exercise_named, exercises_of
from seq2seq_lab.exercises.engine.asking import Raised, Stopped, WrongType, as_array
from seq2seq_lab.exercises.engine.exercise import Exercise, Finding
from seq2seq_lab.exercises.engine.judging import judge
from seq2seq_lab.exercises.engine.verdict import Verdict, as_html, in_short
from seq2seq_lab.grading.assignment import SOURCE, read_assignment
from seq2seq_lab.grading.isolation import PACKAGE, SHOWN, Limits
from seq2seq_lab.grading.marking import mark
from seq2seq_lab.grading.submissions import File, Submission

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # wrong answers divide by 0

SAID = "state", "points", "label", "message", "hint"
JAGGED = exercise_named("jaggedness")


def said_by(verdict):
    return {name: getattr(verdict, name) for name in SAID}


# --- the same in `check` and in `grade`


def test_check_and_grade_say_the_same_of_a_whole_submission():
    answers = {
        **RIGHT,
        "jaggedness": "def jaggedness(curve):\n    return np.diff(curve, 2).mean()",
        "bug-padded-loss": "def mean_loss(losses, mask):\n    raise NotImplementedError()",
        "gate-shapes": "def gate_shapes(symbols, embedding, units):\n    return [units / 0]",
        "one-class": "def sentiment(states, lengths, W, b):\n    pass",
    }
    content = answered(answers)
    submission = Submission("anna", (File("a.ipynb", content),))
    marks = mark(submission, read_assignment(SOURCE)[:1], 5, Limits(), False)
    lines = {line.name: line for line in marks.exercises}
    for name, source in answers.items():
        names = {"np": np}
        linecache.cache["<answer>"] = len(source), None, source.splitlines(True), "<answer>"
        exec(compile(source, "<answer>", "exec"), names)
        verdict = lab.check(name, names[exercise_named(name).function], seed=5)
        assert said_by(lines[name]) == said_by(verdict)
    states = [lines[name].state for name in answers]
    assert states == ["right", "wrong", "open", "wrong", "wrong"]


# --- edges, and what is said of them


def checked(name, answer, seed=0):
    """The verdict without the clinic's number."""
    exercise = exercise_named(name)
    cases = exercise.cases(seed)
    return judge(exercise, cases, exercise.ask(answer, cases))


def test_a_message_names_the_case():
    answers = {a.function.__name__: a for a in ANSWERS}
    for answer, case in (
        ("words_found_by_their_letters", "a word that comes twice"),
        ("words_up_to_the_next_space", "a single word"),
        ("clip_with_pythons_root", "gradients that are all 0"),
        ("clip_just_three", "a single gradient"),
        ("beam_that_looks_at_the_last_symbol", "an empty beginning"),
        ("beam_that_takes_width_times_the_best", "fewer candidates than the width"),
        ("exact_as_numbers", "leading zeros"),
        ("padding_counted_from_the_end", "three rows, one of which fills the rectangle"),
        ("encode_along_the_last_axis", "S larger than E"),
        ("attend_with_a_plain_exponential", "scores of 100"),
        ("jagged_or_else_its_jumps", "a straight line that climbs"),
        ("rnn_step_by_plain_exponentials", "sums so large that tanh is 1 or -1"),
        ("next_token_if_any_is_true", "a truth that is the digit 0"),
    ):
        verdict = checked(answers[answer].exercise, answers[answer].function)
        assert f"\n\nIt was called with {case}:\n" in verdict.message


def test_an_input_that_is_none_is_shown_as_such():
    verdict = checked("next-token", lambda logits, truth: truth if truth is not None else logits.argmin(1))
    assert verdict.label == "least-likely"
    assert verdict.message.endswith("\ntruth = None")


def exact(**changed):
    """An answer to "exact-by-length" that is right but for some keys, by their text: None leaves one out."""

    def answer(said, wanted):
        shares = exercise_named("exact-by-length").reference(said, wanted)
        for key, value in changed.items():
            shares[int(key[1:])] = value
        return {key: share for key, share in shares.items() if share is not None}

    return answer


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (exact(_3=2), r"`exact_match\[3\]` should be 0\.\d+, but is 2"),
        (exact(_3=None), r"`exact_match\[3\]` is missing"),
        (exact(_7=0.5), r"`exact_match\[7\]` should not be there"),
        (exact(_3=None, _7=0.5), r"`exact_match\[3\]` is missing and `exact_match\[7\]` should not be there"),
        (lambda s, w: {str(k): v for k, v in exact()(s, w).items()}, r"`exact_match\[1\]` is missing and "),
        (
            lambda s, w: {k: [v, v] for k, v in exact()(s, w).items()},
            r"`exact_match\[\d\]` should be one number, but has shape \(2,\)",
        ),
        (lambda s, w: {}, r"`exact_match\[\d\]` is missing"),
    ],
)
def test_a_dictionary_is_shown_as_one(answer, message):
    assert re.match(message, checked("exact-by-length", answer).message)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda g, clip_norm: [2 * a for a in g], "`gradients[0]` at [0] should be"),
        (lambda g, clip_norm: [], "`gradients[0]` is missing"),
        (lambda g, clip_norm: [*clip(g, clip_norm), g[0]], "`gradients[3]` should not be there"),
        (
            lambda g, clip_norm: [a.T for a in clip(g, clip_norm)],
            "`gradients[1]` should have shape (2, 3), but",
        ),
        (lambda g, clip_norm: ["a", *g], "`gradients[0]` is text"),
        (lambda g, clip_norm: (a for a in g), "it should return a list of arrays, not a generator"),
    ],
)
def test_a_list_is_shown_as_one(answer, message):
    assert checked("clipping", answer).message.startswith(message)


def clip(gradients, clip_norm):
    return exercise_named("clipping").reference(gradients, clip_norm)


def test_a_schedule_may_begin_late_and_what_is_said_of_one_is_true():
    assert checked("schedule", lambda samples: 0.3 if samples > 1_500_000 else 0)
    never, always = (checked("schedule", lambda samples, p=p: p).message for p in (0, 1))
    assert never.startswith("it is 0 whenever it was asked, from 0 to 2,000,000 samples\n")
    assert always.startswith("it is 1 whenever it was asked, from 0 to 2,000,000 samples\n")
    assert checked("schedule", lambda samples: samples / 200_000).message.startswith(
        "schedule(250000) is 1.25"
    )


def test_a_tie_may_come_in_either_order_but_the_best_first():
    def beam(reverse=False, turned=False):
        def answer(beam, next_log_p, width):
            found = exercise_named("beam-step").reference(beam[::-1] if reverse else beam, next_log_p, width)
            return found[::-1] if turned else found

        return checked("beam-step", answer)

    assert beam()
    assert beam(reverse=True)
    assert not beam(turned=True)


# --- hints


def test_an_error_is_no_evidence_for_a_mistake():
    def fails(states, lengths, W, b):
        return [][len(states)]

    def fails_at_an_edge(states, lengths, W, b):  # with the text of the usual mistake
        if (lengths == states.shape[1]).any():
            return states[np.arange(len(states)), lengths]
        return exercise_named("one-class").reference(states, lengths, W, b)

    for answer in (fails, fails_at_an_edge):
        verdict = checked("one-class", answer)
        assert (verdict.label, verdict.hint) == ("raises", "")


def test_a_usual_mistake_keeps_its_hint_where_it_is_wrong_at_one_edge_in_another_way():
    def off_by_one(states, lengths, W, b):
        if len(states) == 1:
            return np.ones((1, len(b)))
        places = np.minimum(lengths, states.shape[1] - 1)
        return exercise_named("one-class").reference(states, places + 1, W, b)

    assert checked("one-class", off_by_one).label == "off-by-one"


def test_a_bias_outside_the_tanh_gets_a_hint_that_is_true():
    def outside(outputs, state, lengths, U_a, W_a, b_a, v_a):
        attend = exercise_named("attention").reference
        weights, context = attend(outputs, state, lengths, U_a, W_a, 0 * b_a, v_a)
        return weights, context  # a constant that is added to all scores of a text changes nothing

    verdict = checked("attention", outside)
    assert verdict.label == "no-bias"
    assert verdict.hint == "`b_a` makes no difference here. In the equation it stands inside the tanh."


# --- what came back may be anything


@pytest.mark.parametrize("shape", [(10**9, 0), (0, 10**9), (10**9, 0, 5), (0,)])
@pytest.mark.parametrize("exercise", exercises_of(), ids=lambda exercise: exercise.name)
def test_shapes_are_compared_before_anything_is_computed(exercise, shape):
    inputs = exercise.cases(0)[0]
    right = exercise.expected(inputs)
    empty = [np.empty(shape, a.dtype if a.dtype.kind == "U" else np.float64) for a in right]
    tracemalloc.start()
    for i in range(len(right) + 1):
        result = empty if i == len(right) else [*right[:i], empty[i], *right[i + 1 :]]
        verdict = judge(exercise, [inputs], [result])
        assert verdict.state == "wrong"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


# --- the networks that answers are handed


def test_what_networks_return_has_numpy_as_tensors_have():
    inputs = exercise_named("both-ways").cases(0)[0]
    outputs, state = inputs["forwards"](inputs["inputs"], inputs["inputs_seqlen"])
    for array in (outputs, state, outputs[:, ::-1], tf.constant(outputs)):
        assert type(array.numpy()) is np.ndarray
    turned = tf.reverse_sequence(outputs, inputs["inputs_seqlen"], 1)
    assert np.shape(tf.concat([outputs, turned], 2)) == (*outputs.shape[:2], 2 * outputs.shape[2])


@pytest.mark.parametrize("name", ["both-ways", "bug-over-padding", "bug-wrong-step"])
def test_networks_work_on_the_tensors_of_a_graph(name):
    inputs = exercise_named(name).cases(0)[0]
    if name == "both-ways":
        call, arrays = inputs["forwards"], (inputs["inputs"], inputs["inputs_seqlen"])
    elif name == "bug-over-padding":
        call, arrays = inputs["step"], (inputs["x"][:, 0], inputs["h"])
    else:
        decoder = inputs["decoder"]
        call, arrays = (lambda h: decoder.logits(decoder.step(tf.constant(10), h))), (inputs["h"],)
    want, got = call(*arrays), tf.function(call)(*arrays)
    for a, b in zip(tf.nest.flatten(want), tf.nest.flatten(got), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
        assert a.shape == b.shape


@pytest.mark.parametrize(
    "value", [Fraction(1, 4), Decimal("0.25"), [Fraction(1, 4)], [[Fraction(1, 4), 0.25]], tf.constant(0.25)]
)
def test_what_float_makes_a_number_is_one(value):
    array = as_array(value, "number")
    assert (array.dtype, set(array.ravel())) == (np.float64, {0.25})


@pytest.mark.parametrize("value", [[None], [Fraction(1, 4), None], [Fraction(1, 4), "0.25"], object(), 1j])
def test_what_is_no_number_is_none(value):
    with pytest.raises(WrongType, match=r"^`number` should be an array, but is "):
        as_array(value, "number")


# --- the verdict


def verdict_on(results, points=None):
    return judge(JAGGED, JAGGED.cases(0), results, points)


def test_an_instructor_may_change_what_an_answer_earns():
    verdict = verdict_on(JAGGED.ask(JAGGED.reference, JAGGED.cases(0)), points=7)
    assert (repr(verdict), verdict.out_of) == ("7", 7)
    assert (JAGGED.points, repr(verdict_on([Raised("ValueError", "no")], points=7))) == (1, "0")


def test_what_a_sandbox_ended_is_stopped():
    verdict = verdict_on(Stopped("it took longer than 20 s"))
    assert (verdict.state, verdict.label, verdict.message) == (
        "stopped",
        "stopped",
        "it took longer than 20 s",
    )
    assert str(verdict) == "✗ jaggedness: stopped\nit took longer than 20 s"


def test_results_are_as_many_as_cases_unless_the_last_is_an_error():
    right = JAGGED.ask(JAGGED.reference, JAGGED.cases(0))
    assert verdict_on(right).state == "right"
    for results in (right[:-1], [*right, right[0]], [*right, Raised("ValueError", "no")]):
        assert verdict_on(results).message == "what came back was no answer"
    assert verdict_on([*right[:2], Raised("ValueError", "no")]).message.startswith("it raised ValueError: no")
    assert verdict_on([*right[:2], Raised("NotImplementedError", "")]).state == "open"


def test_what_cannot_be_judged_is_wrong_and_no_error():
    odd = Exercise(
        name="odd",
        task="",
        points=1,
        draws={"nothing": lambda rng: {}},
        reference=lambda: 0,
        returns=("number",),
        fault=lambda result: Finding("never", f"{1 / 0}"),
    )
    verdict = judge(odd, odd.cases(0), odd.ask(lambda: 1, odd.cases(0)))
    assert (verdict.state, verdict.message) == (
        "wrong",
        "what it returned cannot be judged (ZeroDivisionError)",
    )


# --- what people read


def test_what_stands_between_backticks_is_code_and_markup_is_shown():
    assert as_html("`a` should be `<b>`") == "<code>a</code> should be <code>&lt;b&gt;</code>"
    assert as_html("one ` alone\nand `one more") == "one ` alone\nand `one more"
    verdict = Verdict("x", "wrong", 0, 1, "`a` & `<script>`", "divide by `n`", measured="loss: 1")
    page = verdict._repr_html_()
    assert "<code>a</code> &amp; <code>&lt;script&gt;</code>\n\nloss: 1</pre>" in page
    assert "divide by <code>n</code>" in page
    assert "`" not in page


def test_what_is_wrong_is_said_in_a_line():
    assert in_short("it raised A\n\nIt was called with\nx = 1", "") == "it raised A"
    assert in_short("it raised A\n\nIt was called with\nx = 1", "divide") == "divide"


# --- what stands beside students' code in the sandbox


class Modules(pickle.Unpickler):
    """Notes which modules a pickle needs."""

    def __init__(self, content):
        super().__init__(io.BytesIO(content))
        self.found = set()

    def find_class(self, module, name):
        self.found.add(module)
        return super().find_class(module, name)


@pytest.mark.parametrize("exercise", exercises_of(), ids=lambda exercise: exercise.name)
def test_an_exercise_needs_nothing_in_the_sandbox_that_is_hidden_there(exercise):
    """So that what is called in a way of its own stands in `catalogue.calls`."""
    modules = Modules(pickle.dumps((exercise.call, exercise.returns, exercise.cases(0))))
    modules.load()
    shown = {f"seq2seq_lab.exercises.{file.removesuffix('.py').replace('/', '.')}" for file in SHOWN}
    assert {m for m in modules.found if m.startswith("seq2seq_lab.exercises")} <= shown


def test_what_is_shown_in_the_sandbox_has_no_reference_and_imports_none():
    for file in SHOWN:
        text = (PACKAGE / "exercises" / file).read_text()
        assert not re.search(r"(Exercise|Mistake|Finding)\(", text)
        imported = re.findall(
            r"^(?:from|import) seq2seq_lab\.(exercises\S*) import (\w+)", text, re.MULTILINE
        )
        shown = {f"exercises.{file.removesuffix('.py').replace('/', '.')}" for file in SHOWN}
        assert {module for module, _ in imported} <= shown | {"exercises.catalogue"}
