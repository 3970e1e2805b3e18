"""The HTML pages: their templates, and how a state is shown on them."""

from __future__ import annotations

from typing import Any

import jinja2
import markupsafe

from seq2seq_lab.exercises.engine.verdict import COLOURS as VERDICT_COLOURS
from seq2seq_lab.exercises.engine.verdict import SIGNS as VERDICT_SIGNS
from seq2seq_lab.exercises.engine.verdict import as_html

STATES = {"right": "right", "wrong": "not right", "stopped": "stopped", "open": "not answered"}
STATES |= {"missing": "missing"}
COLOURS, SIGNS = {**VERDICT_COLOURS, "missing": "#BBBBBB"}, {**VERDICT_SIGNS, "missing": "○"}
TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("seq2seq_lab.grading", "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
TEMPLATES.filters["with_code"] = lambda text: markupsafe.Markup(as_html(text))  # which escapes it


def page(template: str, **values: Any) -> str:
    """The text of a page."""
    return TEMPLATES.get_template(template).render(**values)
