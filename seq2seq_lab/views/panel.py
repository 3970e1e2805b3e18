"""A panel to play with: type digit words, go through the steps, force a digit or a look, see what follows.

The model's side is `trace`; here its arrays are only drawn. Used in notebook 3.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets as widgets
import numpy as np
from matplotlib import colormaps

from seq2seq_lab.contracts import Hypothesis
from seq2seq_lab.decoding import BeamSearch
from seq2seq_lab.model import Seq2Seq
from seq2seq_lab.settings import Rule, require
from seq2seq_lab.views.maps import plot_trace
from seq2seq_lab.views.tables import ORANGE
from seq2seq_lab.views.trace import Trace, trace
from seq2seq_lab.vocabulary import DIGITS, END, SYMBOLS, WORDS, visible

TEXT = "three one four one five six"
LONGEST = 120  # characters; longer ones would make a reaction slow
BEAM = BeamSearch(4)
MODELS = Rule("a Seq2Seq, or several by name", lambda v: bool(v) and all(isinstance(m, Seq2Seq) for m in v))
READABLE = Rule(
    f"a text of 1 to {LONGEST} characters", lambda v: isinstance(v, str) and 0 < len(v) <= LONGEST
)
FREE_DIGIT, FREE_PLACE, NO_PLACE = "what the model says", "where the model looks", "(it does not attend)"
STYLE = """<style>
div.lab-panel table { border-collapse: collapse; margin: 0 0 12px; font-size: 12px; line-height: 16px; }
div.lab-panel table caption { text-align: left; font-weight: bold; padding: 4px 0; white-space: nowrap; }
div.lab-panel table :is(td, th) { padding: 0; min-width: 13px; text-align: center; font-family: monospace; }
div.lab-panel table.wide :is(td, th) { min-width: 30px; }
div.lab-panel table.thin :is(td, th[scope=row]) { height: 6px; line-height: 6px; font-size: 0; }
div.lab-panel th[scope=row] { padding-right: 6px; }
div.lab-panel tr.here { outline: 2px solid COLOUR; }
div.lab-panel td.here { box-shadow: inset 2px 0 COLOUR, inset -2px 0 COLOUR; }
</style>""".replace("COLOUR", ORANGE)


def lab_panel(models: Seq2Seq | Mapping[str, Seq2Seq], text: str = TEXT) -> widgets.Widget:
    """The panel for a model, or for several by name. Shows a picture first, for where no kernel runs.

    Raises:
        ValueError: `models` holds something else, or `text` cannot be read.
    """
    from IPython.display import display

    named = models if isinstance(models, Mapping) else {"the model": models}
    require("models", list(named.values()), MODELS)
    require("text", text, READABLE)
    display(plot_trace(trace(list(named.values())[-1], text)))
    return Panel(named, text).box


class Panel:
    """The controls, and what they have been set to: `digits` and `places` by step, as `trace` takes them."""

    def __init__(self, models: Mapping[str, Seq2Seq], text: str) -> None:
        self.digits, self.places = {}, {}
        self.busy = False
        label = {"style": {"description_width": "initial"}}
        self.text = widgets.Text(text, description="Digit words:", layout={"width": "60%"}, **label)
        self.model = widgets.Dropdown(
            options=dict(models), index=len(models) - 1, description="Model:", **label
        )
        self.step = widgets.BoundedIntText(1, 1, 1, description="Step:", layout={"width": "110px"}, **label)
        slider = widgets.IntSlider(1, 1, 1, readout=False)  # not every Jupyter leaves it its arrow keys
        for name in ("max", "value"):
            widgets.link((self.step, name), (slider, name))
        self.digit = widgets.Dropdown(
            options=[(FREE_DIGIT, ""), *((s, s) for s in DIGITS + END)], description="Write:", **label
        )
        self.place = widgets.Dropdown(options=[(FREE_PLACE, ())], description="Look at:", **label)
        self.undo = widgets.Button(description="Undo all changes", layout={"width": "auto"})
        self.note, self.drawing = widgets.HTML(), widgets.HTML()
        rows = [self.text, self.model], [self.step, slider, self.digit, self.place, self.undo]
        self.box = widgets.VBox([*map(widgets.HBox, rows), self.note, self.drawing])

        self.text.observe(self._begin, "value")
        self.model.observe(self._begin, "value")
        self.step.observe(self._go, "value")
        self.digit.observe(self._force, "value")
        self.place.observe(self._force, "value")
        self.undo.on_click(self._begin)
        self._begin()

    def _begin(self, _: Any = None) -> None:
        """Another text or model: forget what was forced."""
        self.digits, self.places = {}, {}
        self.note.value, readable = noted(self.text.value)
        self.drawing.value = ""
        for control in (self.step, self.digit, self.place, self.undo):
            control.disabled = not readable
        if readable:
            self.before = trace(self.model.value, self.text.value)
            self.best = self.model.value.hypotheses([self.text.value], BEAM, BEAM.width)[0]
            self._set(self.place, options=look_options(self.before))
            self.place.disabled = not hasattr(self.model.value.decoder, "restrict")
            self._draw()

    def _go(self, _: Any) -> None:
        if not self.busy:
            self._draw()

    def _force(self, _: Any) -> None:
        if self.busy:
            return
        step = self.step.value - 1
        for control, forced in ((self.digit, self.digits), (self.place, self.places)):
            forced.pop(step, None)
            if control.value:
                forced[step] = control.value
        self._draw()

    def _draw(self) -> None:
        after = self.before
        if self.digits or self.places:
            after = trace(self.model.value, self.text.value, self.digits, self.places)
        self._set(self.step, max=len(after.written))
        step = self.step.value - 1
        self._set(self.digit, value=self.digits.get(step, ""))
        self._set(self.place, value=self.places.get(step, ()))
        self.drawing.value = drawing(self.before, after, step, self.best)

    def _set(self, control: Any, **values: Any) -> None:
        """Change a control without hearing about it."""
        self.busy = True
        for name, value in values.items():
            setattr(control, name, value)
        self.busy = False


def noted(text: str) -> tuple[str, bool]:
    """What is wrong with a text as HTML, the part at fault marked; and whether it can be read anyway."""
    if not text:
        return f"Type digit words, such as <i>{TEXT}</i>.", False
    foreign = "".join(sorted(set(text) - set(SYMBOLS)))
    if foreign:
        return f"The network has no id for what is marked: {_marked(text, f'[{re.escape(foreign)}]+')}", False
    if len(text) > LONGEST:
        return f"At most {LONGEST} characters: {_marked(text, f'(?s)(?<=^.{{{LONGEST}}}).+')}", False
    words = "|".join(WORDS)
    wrong = rf"(?<![^ ])(?!({words})(?![^ ]))[^ ]+|(?<= ) +|^ +| +$"  # other words, and spaces too many
    if re.search(wrong, text):
        return f"Read as it is, though what is marked is no digit word: {_marked(text, wrong)}", True
    return "", True


def look_options(trace: Trace) -> list[tuple[str, Any]]:
    """What can be looked at: every word, and every single character."""
    if trace.attention is None:
        return [(NO_PLACE, ())]
    words = enumerate(re.finditer("[^ ]+", trace.read), 1)
    named = [(f"{word.group()} (word {i})", tuple(range(*word.span()))) for i, word in words]
    singles = [(f"{visible(c)} (place {i + 1})", (i,)) for i, c in enumerate(trace.read)]
    return [(FREE_PLACE, ()), *named, *singles]


def drawing(before: Trace, after: Trace, step: int, best: Sequence[Hypothesis]) -> str:
    """Everything about a trace as HTML tables; `before` is the one in which nothing is forced."""
    letters, T = visible(after.read), len(after.written)
    texts = [[f"{100 * p:.0f}" if p >= 0.005 else "" for p in row] for row in after.probabilities.T]
    rows = _rows(DIGITS + END, after.probabilities.T, "Blues", texts, column=step)
    parts = [
        _written(before, after, step),
        _table("Probability of each symbol, in percent, step by step", rows, range(1, T + 1), "wide"),
    ]
    for name, weights in after.maps.items():
        caption = "Where it looks" + name.removeprefix("attention")
        rows = _rows(after.written, weights, "viridis", row=step)
        parts.append(_table(f"{caption}, a row a step: dark is 0, bright is 1", rows, letters))
    if after.update_gate is not None:
        z = after.update_gate.T
        caption = "Update gate z of the encoder, a row a unit: bright copies its state, dark writes it anew"
        parts.append(_table(caption, _rows([""] * len(z), z, "viridis"), letters, "thin"))
    rows = [f"<tr><td>{h.text}</td><td>&nbsp;{np.exp(h.log_probability):.3f}</td></tr>" for h in best]
    caption = "The beam's best with their probabilities" + (", nothing forced" if before is not after else "")
    parts.append(_table(caption, rows))
    return f'{STYLE}<div class="lab-panel">{"".join(parts)}</div>'


def _written(before, after, step):
    """What is written, coloured by certainty; where something was forced, before above after."""
    rows = []
    shown = {"written": after} if before is after else {"before": before, "after": after}
    for name, each in shown.items():
        sure = np.array([[p[SYMBOLS.index(s)] for s, p in zip(*each[1:3], strict=True)]])
        others = zip(each.written, before.written.ljust(len(each.written)), strict=False)
        texts = [s if s == other else f"<b><u>{s}</u></b>" for s, other in others]
        rows += _rows([name], sure, "Blues", [texts], column=step)
    status = f'<div role="status">{html.escape(before.read)} → <b>{after.written}</b></div>'
    steps = range(1, max(len(before.written), len(after.written)) + 1)
    return status + _table("Written, the darker the surer", rows, steps, "wide")


def _rows(names, values, colours, texts=None, row=None, column=None):
    """A table row for each row of `values`, numbers from 0 to 1 as colours; one place or line stands out."""
    rgb = colormaps[colours](values, bytes=True)[..., :3]
    bright = rgb @ (0.3, 0.6, 0.1) > 105  # where black is easier to read than white
    rows = []
    for i, name in enumerate(names):
        cells = (
            f"<td{' class=here' if column == j else ''} style='background:rgb({r},{g},{b});"
            f"color:{'black' if bright[i, j] else 'white'}'>{texts[i][j] if texts else ''}</td>"
            for j, (r, g, b) in enumerate(rgb[i].tolist())
        )
        rows.append(f"<tr{' class=here' if row == i else ''}><th scope=row>{name}</th>{''.join(cells)}</tr>")
    return rows


def _table(caption, rows, columns=(), kind=""):
    head = "".join(f"<th scope=col>{name}</th>" for name in columns)
    first = f"<tr><th></th>{head}</tr>" if head else ""
    return f"<table class='{kind}'><caption>{caption}</caption>{first}{''.join(rows)}</table>"


def _marked(text, pattern):
    """The text with all that matches marked."""
    pieces, last = [], 0
    for match in re.finditer(pattern, text):
        pieces += [
            html.escape(text[last : match.start()]),
            f"<mark style='background:{ORANGE};color:black'>{html.escape(visible(match.group()))}</mark>",
        ]
        last = match.end()
    return "".join([*pieces, html.escape(text[last:])])
