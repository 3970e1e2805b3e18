"""The panel without a browser: what it hands over and what it tells of; and what `lab_panel` refuses."""

import json
import re

import anywidget
import IPython.display
import keras
import numpy as np
import pytest
from test_decoding import random_model

import seq2seq_lab as lab
from seq2seq_lab.views.figures import alternative_text
from seq2seq_lab.views.page import training_strings
from seq2seq_lab.views.panel import TEXT, Panel
from seq2seq_lab.views.portable import portable

LONG, SHORT = "one two three four", "zero one"


@pytest.fixture(scope="module")
def models():
    return {"plain": random_model(4), "attends": random_model(54, attends=True)}


@pytest.fixture
def panel(models):
    return Panel(models, LONG)


def ask(panel, **changed):
    """As a page does, by way of JSON, in which all keys are texts."""
    panel.set_state(json.loads(json.dumps({"asked": {**panel.asked, **changed}})))


def assert_is(found, wanted):
    assert (found.read, found.written) == (wanted.read, wanted.written)
    assert (found.digits, found.places) == (wanted.digits, wanted.places)
    for name in ("probabilities", "attention", "update_gate"):
        np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), atol=1e-6)


def test_it_first_shows_the_last_model_with_nothing_forced(panel, models):
    assert panel.asked == {"text": LONG, "shown": ["attends"], "forced": {}}
    assert list(panel.traces) == ["attends"]
    assert_is(panel.traces["attends"], lab.trace(models["attends"], LONG))


def test_what_it_hands_over_is_the_numbers_of_the_models_once_and_what_runs_them(panel, models):
    state = panel.get_state()
    training = training_strings(models["plain"].settings)
    assert state["models"] == {name: {**portable(m), "training": training} for name, m in models.items()}
    assert "export default { render }" in state["_esm"]
    assert ".lab-panel" in state["_css"]
    sent = []
    panel.comm.send = lambda data, **_: sent.append(data)
    ask(panel, text=SHORT)
    panel.asked = {**panel.asked, "text": LONG}
    assert [set(data["state"]) for data in sent] == [{"asked"}] * len(sent)
    assert sent[-1]["state"]["asked"]["text"] == LONG


def test_its_traces_are_those_of_what_is_asked_for(panel, models):
    forced = {
        "plain": {"digits": {1: "9"}, "places": {}},
        "attends": {"digits": {0: "4"}, "places": {1: [3, 4]}},
    }
    ask(panel, text=SHORT, shown=["plain", "attends"], forced=forced)
    wanted = {name: lab.trace(model, SHORT, **forced[name]) for name, model in models.items()}
    assert list(panel.traces) == ["plain", "attends"]
    assert panel.traces["plain"].written == wanted["plain"].written
    assert panel.traces["plain"].digits == {1: "9"}
    assert_is(panel.traces["attends"], wanted["attends"])
    ask(panel, shown=["plain"])
    assert list(panel.traces) == ["plain"]
    panel.asked = {"text": "six"}  # what is left out, the page fills in
    assert_is(panel.traces["attends"], lab.trace(models["attends"], "six"))


@pytest.mark.parametrize("wrong", ["", "one!", "<script>", "six " * 40])
def test_there_is_no_trace_of_a_text_that_cannot_be_read(panel, wrong):
    ask(panel, text=wrong)
    assert panel.traces == {}
    ask(panel, text=SHORT)
    assert panel.traces["attends"].read == SHORT


def test_where_no_widget_is_known_the_same_is_left_in_html(panel):
    ask(panel, text="six two")
    panel.still = "the end"
    data, _ = panel._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == panel.model_id
    page = data["text/html"]
    assert panel._esm in page
    assert panel._css in page
    given = re.search(r"\bstart\(element, (\{.*\})\);\n</script>", page)[1]
    wanted = {"models": panel.models, "asked": panel.asked, "still": "the end"}
    assert json.loads(given) == json.loads(json.dumps(wanted))
    assert page.count("</script>") == 1
    assert not re.search(r"https?://|\bsrc=|@import|\bimport\b[^;]*from", page)


@pytest.fixture
def shown(monkeypatch):
    """What has been displayed."""
    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda *objects, **given: shown.append((*objects, given)))
    return shown


@pytest.mark.slow
def test_lab_panel_shows_one_picture_and_returns_what_reacts(models, shown):
    panel = lab.lab_panel(models, SHORT)
    assert isinstance(panel, anywidget.AnyWidget)
    ((data, given),) = shown
    assert data["image/png"].startswith("iVBOR")  # PNG in base64
    assert data["image/png"].strip().endswith(panel.still)
    assert len(panel.still) == 80
    figure = lab.plot_trace(lab.trace(models["attends"], SHORT))  # of the last one
    assert given == {"metadata": {"image/png": {"alt": alternative_text(figure)}}, "raw": True}
    assert_is(panel.traces["attends"], lab.trace(models["attends"], SHORT))
    assert len(shown) == 1


def test_lab_panel_takes_one_model_too(models, shown):
    panel = lab.lab_panel(models["plain"])
    assert (list(panel.models), panel.asked["text"]) == (["the model"], TEXT)
    assert panel.traces["the model"].written == lab.trace(models["plain"], TEXT).written
    assert len(shown) == 1


@pytest.mark.parametrize("wrong", [{}, [], None, "model", {"a": 3}, ["a model"]])
def test_lab_panel_names_models_that_are_none(shown, wrong):
    with pytest.raises(ValueError, match=r"^models must be a Seq2Seq, or several by name, but is"):
        lab.lab_panel(wrong)
    assert shown == []


def test_lab_panel_names_a_model_among_others_that_is_none(models, shown):
    with pytest.raises(ValueError, match=r"^models must be"):
        lab.lab_panel({**models, "none": None})
    for text in ("", "one!", None, 5, "one " * 31):
        with pytest.raises(ValueError, match=r"^text "):
            lab.lab_panel(models, text)
    assert shown == []


def test_lab_panel_names_a_model_that_no_page_can_run_and_what_one_can_run(models, shown):
    cells = (keras.layers.GRUCell(4) for _ in range(2))
    mine = lab.Seq2Seq(encoder=lab.Encoder(next(cells)), decoder=lab.Decoder(next(cells)))
    fault = "its encoder's cell is keras's GRUCell, not seq2seq_lab's GRUCell, keras's LSTMCell or"
    with pytest.raises(
        ValueError, match=rf"^models.'mine'. must be a model that a page can run, but {fault}"
    ):
        lab.lab_panel({**models, "mine": mine})
    assert shown == []
