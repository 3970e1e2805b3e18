"""The HTML pages: their templates, and how a state is shown on them."""

from __future__ import annotations

from typing import Any

import jinja2

from seq2seq_lab.exercises.verdict import COLOURS as VERDICT_COLOURS
from seq2seq_lab.exercises.verdict import SIGNS as VERDICT_SIGNS

STATES = {"right": "right", "wrong": "not right", "stopped": "stopped", "open": "not answered"}
STATES |= {"missing": "missing"}
COLOURS = {**VERDICT_COLOURS, "stopped": "#CC79A7", "missing": "#BBBBBB"}  # more of Okabe and Ito's
SIGNS = {**VERDICT_SIGNS, "stopped": "✗", "missing": "○"}
TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("seq2seq_lab.grading", "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)


def page(template: str, **values: Any) -> str:
    """The text of a page."""
    return TEMPLATES.get_template(template).render(**values)
