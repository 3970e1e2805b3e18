"""What `check` answers: true or false, in words for people, and as a number of points for nbgrader."""

from __future__ import annotations

import dataclasses
import html
import re

COLOURS = {"right": "#009E73", "wrong": "#D55E00", "stopped": "#CC79A7", "open": "#555555"}  # Okabe and Ito's
SIGNS = {"right": "✓", "wrong": "✗", "stopped": "✗", "open": "○"}
WORDS = {"right": "right", "wrong": "not right", "stopped": "stopped", "open": "not answered yet"}


@dataclasses.dataclass(frozen=True, repr=False)
class Verdict:
    """A judged answer. It is true where the answer is right, and its `repr` is the points earned.

    As the last expression of a test cell nbgrader takes that number for the score; Jupyter shows the words.
    """

    exercise: str
    state: str  # "right", "wrong", "open", or "stopped" where a sandbox ended it
    points: int
    out_of: int
    message: str = ""
    hint: str = ""
    label: str = ""  # of what is wrong, for programs
    measured: str = ""  # in the bug clinic, the number that the bug moves

    def __bool__(self) -> bool:
        return self.state == "right"

    def __repr__(self) -> str:
        return f"{self.points:g}"

    def __str__(self) -> str:
        hint = f"\nHint: {self.hint}" if self.hint else ""
        return f"{self.headline}\n{self._found}{hint}".rstrip()

    @property
    def headline(self) -> str:
        """The state in one line."""
        points = f", {self.points} of {self.out_of} points" if self.state == "right" else ""
        return f"{SIGNS[self.state]} {self.exercise}: {WORDS[self.state]}{points}"

    @property
    def _found(self):
        return "\n\n".join(part for part in (self.message, self.measured) if part)

    def _repr_html_(self) -> str:
        parts = [f'<b style="color: {COLOURS[self.state]}">{html.escape(self.headline)}</b>']
        if self._found:
            parts.append(f'<pre style="margin: 4px 0; white-space: pre-wrap">{as_html(self._found)}</pre>')
        if self.hint:
            parts.append(f"<i>Hint:</i> {as_html(self.hint)}")
        return "<div>" + "".join(parts) + "</div>"


def in_short(message: str, hint: str) -> str:
    """What is wrong with an answer, in a line for people: the hint, or what was found where there is none."""
    return hint or message.partition("\n\n")[0]


def as_html(text: str) -> str:
    """Plain text as HTML: any markup in it is shown, and what stands between backticks is code."""
    return re.sub(r"`([^`\n]+)`", r"<code>\1</code>", html.escape(text))
