"""Tables list every variable, say what is right, and come out whole as text and as HTML."""

import numpy as np

import seq2seq_lab as lab
from seq2seq_lab.training import prepare
from seq2seq_lab.views import tables


def test_variable_table_lists_every_weight_before_and_after_the_optimiser():
    model = lab.Seq2Seq(lab.Settings(encoder_units=3, decoder_units=3))
    before = lab.variable_table(model)
    assert len(before.rows) == len(model.weights) + 1
    assert ("decoder.W_out", "(3, 11)", "33") in before.rows
    assert ("encoder.cell.W_hz", "(3, 3)", "9") in before.rows
    assert before.rows[-1] == ("all together", "", str(model.count_params()))

    model.compile("adam")
    model.optimizer.build(model.trainable_variables)
    after = lab.variable_table(model)
    assert ("encoder.embeddings", "(27, 8)", "216", "momentum, velocity") in after.rows
    kept = sum(len(row[3].split(", ")) for row in after.rows if row[3])
    rest = [row for row in after.rows if row[0].startswith("optimizer.")]
    assert kept + len(rest) == len(model.optimizer.variables)


def test_variable_table_shows_vectors_that_the_optimiser_keeps_for_all_weights():
    model = lab.Seq2Seq(lab.Settings(encoder_units=3, decoder_units=3))
    prepare(model)
    table, n = lab.variable_table(model), model.count_params()
    assert table.head == ("variable", "shape", "numbers")
    assert ("optimizer.weights_momentum", f"({n},)", f"{n:,}") in table.rows
    assert len(table.rows) == len(model.weights) + 1 + len(model.optimizer.variables)


def test_mistake_table_marks_wrong_places_and_puts_the_worst_first():
    batch = lab.make_batch(np.array([[1, 2, 3], [4, 5, 0], [6, 0, 0]]), np.array([3, 2, 1]))

    class Model:
        """Says 1 # # # whatever it reads."""

        def free_running(self, inputs, inputs_seqlen, steps):
            said = np.full((len(inputs), steps), 10)
            said[:, 0] = 1
            return np.eye(11)[said]

    table = lab.mistake_table(Model(), batch, rows=2)
    assert [row[1:] for row in table.rows] == [
        ("123#", [("1", True), ("#", False), ("#", False), ("#", True)], "2"),
        ("45#", [("1", False), ("#", False), ("#", True)], "2"),
    ]
    assert "1[#][#]#" in repr(table)
    assert "<script" not in table._repr_html_()


def test_table_aligns_and_escapes():
    table = tables.Table(("a", "long"), [("<b>", "1"), ("x", [("y", False)])])
    assert repr(table) == "a    long\n<b>  1\nx    [y]"
    assert "&lt;b&gt;" in table._repr_html_()
