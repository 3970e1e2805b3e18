"""The README's Python runs as it stands, on fewer samples."""

import pathlib
import re

import pytest

import seq2seq_lab as lab
from seq2seq_lab import runtime

README = pathlib.Path(__file__).parents[1] / "README.md"


@pytest.mark.slow
def test_its_python_runs_from_top_to_bottom(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runtime, "xla_error", lambda: "switched off")  # compiling would take longer
    trained, train = [], lab.train

    def on_fewer(model, **kwargs):
        trained.append(model)
        return train(model, 32, **kwargs)

    monkeypatch.setattr(lab, "train", on_fewer)
    monkeypatch.setattr(lab, "setup", lambda: None)  # the tests have called it
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    names = {}
    for block in blocks:
        exec(block, names)
    assert len(trained) == len(blocks) == 4
    assert [type(model.decoder).__name__ for model in trained] == [
        *("Decoder", "Decoder", "DecoderOnly", "Reminded"),
    ]
    assert lab.load("model.keras").samples_seen == 32
    model = names["model"]
    model.save("mine.keras")
    assert lab.load("mine.keras").translate(["one two"]) == model.translate(["one two"])
    assert lab.trace(model, "one two").written == model.translate(["one two"])[0]
    assert "token_accuracy" in capsys.readouterr().out
