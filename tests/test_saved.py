"""Files that the first edition saved load, and what they hold says what it said.

`saved/` was written by the last commit before decoders returned their logits: two trained models with their
optimisers, and what they computed for six samples.
"""

import pathlib

import numpy as np
import pytest
from no_xla import xla_off

import seq2seq_lab as lab

pytestmark = pytest.mark.filterwarnings("ignore:XLA does not work")
SAVED = pathlib.Path(__file__).with_name("saved")


@pytest.fixture(scope="module", params=["plain", "attention"])
def first_edition(request):
    """A model, the six samples, and the numbers of then by name; the last test trains it, without XLA."""
    with np.load(SAVED / "first_edition.npz") as file:
        names = [name for name in file if name.startswith(request.param)]
        numbers = {name.partition("/")[2]: file[name] for name in names}
    with xla_off():
        model = lab.load(SAVED / f"{request.param}.keras")
    return model, lab.get_batch(6, 2, 4, rng=5), numbers


def test_it_computes_what_it_computed(first_edition):
    model, batch, numbers = first_edition
    x = batch.for_keras[0]
    np.testing.assert_allclose(model(*x), numbers["logits"], atol=1e-4)
    np.testing.assert_allclose(model.free_running(*x[:2], 5), numbers["free_running"], atol=1e-4)
    if "attention" in numbers:
        _, attention = model.free_running(*x[:2], 5, return_attention=True)
        np.testing.assert_allclose(attention, numbers["attention"], atol=1e-5)


@pytest.mark.slow
def test_it_says_what_it_said(first_edition):
    model, batch, numbers = first_edition
    texts = batch.text_inputs.tolist()
    assert model.translate(texts) == numbers["translated"].tolist()
    assert model.translate(texts, lab.Sampling(1.5, seed=3)) == numbers["drawn"].tolist()
    best = [answer for answers in model.hypotheses(texts, lab.BeamSearch(3), 3) for answer in answers]
    assert [answer.text for answer in best] == numbers["beams"].tolist()
    found = [answer.log_probability for answer in best]
    np.testing.assert_allclose(found, numbers["log_probabilities"], atol=1e-4)


@pytest.mark.slow
def test_it_knows_its_sizes_and_goes_on_training(first_edition):
    model, _, numbers = first_edition
    assert (model.seed, model.samples_seen) == (11, 6400)
    settings = model.settings
    assert (settings.encoder_units, settings.input_embedding, settings.target_embedding) == (6, 3, 4)
    assert settings.decoder_units == (7 if "attention" in numbers else 6)
    assert settings.attention_units == (5 if "attention" in numbers else None)
    lab.train(model, 16)
    assert model.samples_seen == 6416
