"""A laboratory to play with: type digit words, force a digit or a look, see everything before and after.

Three parts: `trace` computes, this widget passes on what is asked for and what came out, as plain lists, and
`panel.js` draws. Used in notebook 2.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Mapping
from typing import Any

import anywidget
import numpy as np
import traitlets

from seq2seq_lab.decoding import BeamSearch
from seq2seq_lab.model import Seq2Seq
from seq2seq_lab.settings import Rule, require
from seq2seq_lab.views.figures import alternative_text
from seq2seq_lab.views.maps import plot_trace
from seq2seq_lab.views.trace import Trace, trace
from seq2seq_lab.vocabulary import SYMBOLS, WORDS

TEXT = "three one four one five six"
LONGEST = 120  # characters; longer ones would make a reaction slow
BEAM = BeamSearch(4)
DECIMALS = 6  # of the numbers that are sent
MODELS = Rule("a Seq2Seq, or several by name", lambda v: bool(v) and all(isinstance(m, Seq2Seq) for m in v))
READABLE = Rule(
    f"a text of 1 to {LONGEST} characters", lambda v: isinstance(v, str) and 0 < len(v) <= LONGEST
)


def lab_panel(models: Seq2Seq | Mapping[str, Seq2Seq], text: str = TEXT) -> Panel:
    """The panel for a model, or for several by name. Shows a picture first, for where no kernel runs.

    Its `traces` are those that it shows at the moment.

    Raises:
        ValueError: `models` holds something else, or `text` cannot be read.
    """
    named = models if isinstance(models, Mapping) else {"the model": models}
    require("models", list(named.values()), MODELS)
    require("text", text, READABLE)
    return Panel(named, text, still=_picture(trace(list(named.values())[-1], text)))


def _picture(shown):
    """Display a trace as Jupyter would; returns the end of the picture's data, by which a page knows it."""
    from IPython.core.pylabtools import print_figure
    from IPython.display import display

    figure = plot_trace(shown)
    png = print_figure(figure, "png", base64=True)
    display({"image/png": png}, metadata={"image/png": {"alt": alternative_text(figure)}}, raw=True)
    return png.strip()[-80:]


class Panel(anywidget.AnyWidget):
    """What the page asks for, and the answer to it.

    `asked` is `{"text": ..., "shown": [name, ...], "forced": {name: {"digits": ..., "places": ...}}}`, steps
    and places as `trace` takes them. `answered` holds the `asked` that it answers, a `note` on the text with
    its `pieces`, whether it is `readable`, and if so for each model shown its traces `before` and `after`
    anything was forced, and the beam's best.
    """

    _esm = pathlib.Path(__file__).with_name("panel.js")
    _css = pathlib.Path(__file__).with_name("panel.css")
    names = traitlets.List().tag(sync=True)
    asked = traitlets.Dict().tag(sync=True)
    answered = traitlets.Dict().tag(sync=True)
    still = traitlets.Unicode().tag(sync=True)  # the end of a picture that is hidden where this is alive

    def __init__(self, models: Mapping[str, Seq2Seq], text: str, still: str = "") -> None:
        super().__init__(names=list(models), still=still)
        self.traces: dict[str, Trace] = {}  # what is shown, by the model's name
        self._models, self._free, self._best = dict(models), {}, {}
        self.observe(self._answer, "asked")
        self.asked = {"text": text, "shown": self.names[-1:], "forced": {}}

    def _answer(self, change: Any) -> None:
        text, shown, forced = (change.new[part] for part in ("text", "shown", "forced"))
        note, pieces, readable = noted(text)
        if change.old.get("text") != text:
            self._free, self._best = {}, {}
        self.traces = {}
        answers = [self._react(name, text, forced.get(name, {})) for name in shown] if readable else []
        self.answered = {
            "asked": change.new,
            "note": note,
            "pieces": pieces,
            "readable": readable,
            "models": answers,
        }

    def _react(self, name, text, forced):
        """What one model does with a text, left alone and with what is forced upon it."""
        model = self._models[name]
        if name not in self._free:
            self._free[name] = trace(model, text)
            best = model.hypotheses([text], BEAM, BEAM.width)[0]
            self._best[name] = [[h.text, round(float(np.exp(h.log_probability)), DECIMALS)] for h in best]
        digits, places = (
            {int(t): v for t, v in forced.get(kind, {}).items()} for kind in ("digits", "places")
        )
        before = after = self._free[name]
        if digits or places:
            after = trace(model, text, digits, places)
        self.traces[name] = after
        return {
            "name": name,
            "before": before.plain(DECIMALS),
            "after": after.plain(DECIMALS),
            "may_look": hasattr(model.decoder, "restrict"),
            "best": self._best[name],
        }


def noted(text: str) -> tuple[str, list[tuple[str, bool]], bool]:
    """What is wrong with a text; its pieces, and which are at fault; and whether it can be read anyway."""
    if not text:
        return f"Type digit words, such as: {TEXT}", [], False
    foreign = "".join(sorted(set(text) - set(SYMBOLS)))
    if foreign:
        return "The network has no id for what is marked", _pieces(text, f"[{re.escape(foreign)}]+"), False
    if len(text) > LONGEST:
        return f"At most {LONGEST} characters", _pieces(text, f"(?s)(?<=^.{{{LONGEST}}}).+"), False
    words = "|".join(WORDS)
    wrong = rf"(?<![^ ])(?!({words})(?![^ ]))[^ ]+|(?<= ) +|^ +| +$"  # other words, and spaces too many
    if re.search(wrong, text):
        return "Read as it is, though what is marked is no digit word", _pieces(text, wrong), True
    return "", [], True


def _pieces(text, pattern):
    """The text cut into what matches and what does not."""
    pieces, last = [], 0
    for match in re.finditer(pattern, text):
        pieces += [(text[last : match.start()], False), (match.group(), True)]
        last = match.end()
    return [piece for piece in [*pieces, (text[last:], False)] if piece[0]]
