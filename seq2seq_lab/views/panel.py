"""A laboratory to play with: type digit words, force a digit or a look, see everything before and after.

It is the page of `page.py` in a cell of a notebook: the models' numbers travel there once, and all is
computed where it is looked at. The kernel is only told what is asked for. Used in notebook 2.
"""

from __future__ import annotations

import hashlib
import string
from collections.abc import Mapping
from typing import Any

import anywidget
import traitlets

from seq2seq_lab.model import Seq2Seq
from seq2seq_lab.settings import Rule, require
from seq2seq_lab.views.figures import alternative_text
from seq2seq_lab.views.maps import plot_trace
from seq2seq_lab.views.page import MODULES, asset, by_name, in_a_page, portables, script
from seq2seq_lab.views.trace import Trace, trace
from seq2seq_lab.vocabulary import SYMBOLS

TEXT = "three one four one five six"
LONGEST = 120  # characters; as in answer.js
READABLE = Rule(
    f"a text of 1 to {LONGEST} letters of the digit words, and spaces",
    lambda v: isinstance(v, str) and 0 < len(v) <= LONGEST and set(v) <= set(SYMBOLS),
)
# The same for where there is no kernel, as in a notebook exported to HTML.
ALIVE = string.Template("""<div data-lab-panel="$key"></div>
<style>
$style
</style>
<script type="module">
$script
for (const element of document.querySelectorAll("[data-lab-panel='$key']:empty")) start(element, $given);
</script>""")


def lab_panel(models: Seq2Seq | Mapping[str, Seq2Seq], text: str = TEXT) -> Panel:
    """The panel for a model, or for several by name. Shows a picture first, for where nothing runs.

    Its `asked` is what is asked for at the moment, and may be set; its `traces` are those of what it shows.

    Raises:
        ValueError: `models` holds something else, or a model that a page cannot run; `text` cannot be read.
    """
    named = by_name(models)
    require("text", text, READABLE)
    panel = Panel(named, text)
    panel.still = _picture(trace(list(named.values())[-1], text))
    return panel


def _picture(shown):
    """Display a trace as Jupyter would; returns the end of the picture's data, by which a page knows it."""
    from IPython.core.pylabtools import print_figure
    from IPython.display import display

    figure = plot_trace(shown)
    png = print_figure(figure, "png", base64=True)
    display({"image/png": png}, metadata={"image/png": {"alt": alternative_text(figure)}}, raw=True)
    return png.strip()[-80:]


class Panel(anywidget.AnyWidget):
    """Models by name, and what is asked of them: `asked` is as in answer.js, which fills what is left out.

    Raises:
        ValueError: a page cannot run one of the models.
    """

    _esm = script([*MODULES, "widget.js"])
    _css = asset("page.css")
    models = traitlets.Dict().tag(sync=True)  # as portable.py writes them
    asked = traitlets.Dict().tag(sync=True)
    still = traitlets.Unicode().tag(sync=True)  # the end of a picture that is hidden where this is alive

    def __init__(self, models: Mapping[str, Seq2Seq], text: str) -> None:
        asked = {"text": text, "shown": list(models)[-1:], "forced": {}}
        super().__init__(models=portables(models), asked=asked)
        self._models = dict(models)

    @property
    def traces(self) -> dict[str, Trace]:
        """What it shows, by the model's name, as `trace` finds it; empty if the text cannot be read."""
        asked = {"shown": list(self._models)[-1:], "forced": {}, **self.asked}
        if not READABLE.holds(asked["text"]):
            return {}
        return {name: self._trace(name, **asked) for name in asked["shown"]}

    def _trace(self, name, text, forced, **_):
        mine = forced.get(name, {})
        by_step = ({int(t): v for t, v in mine.get(kind, {}).items()} for kind in ("digits", "places"))
        return trace(self._models[name], text, *by_step)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict, dict]:
        """What Jupyter asks for. It shows the widget, or where it knows of none, the same in HTML."""
        data, metadata = super()._repr_mimebundle_(**kwargs)
        given = in_a_page({"models": self.models, "asked": self.asked, "still": self.still})
        key = hashlib.sha256(given.encode()).hexdigest()[:12]
        page = ALIVE.substitute(key=key, style=self._css, script=self._esm, given=given)
        return {**data, "text/html": page}, metadata
