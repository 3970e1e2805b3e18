"""What `check` answers: true or false, in words for people, and as a number of points for nbgrader."""

from __future__ import annotations

import dataclasses
import html

COLOURS = {"right": "#009E73", "wrong": "#D55E00", "open": "#555555"}  # the first two of Okabe and Ito
SIGNS = {"right": "✓", "wrong": "✗", "open": "○"}


@dataclasses.dataclass(frozen=True, repr=False)
class Verdict:
    """A judged answer. It is true where the answer is right, and its `repr` is the points earned.

    As the last expression of a test cell nbgrader takes that number for the score; Jupyter shows the words.
    """

    exercise: str
    state: str  # "right", "wrong" or "open"
    points: int
    out_of: int
    message: str
    hint: str = ""
    label: str = ""  # of what is wrong

    def __bool__(self) -> bool:
        return self.state == "right"

    def __repr__(self) -> str:
        return f"{self.points:g}"

    def __str__(self) -> str:
        hint = f"\nHint: {self.hint}" if self.hint else ""
        return f"{self.headline}\n{self.message}{hint}".rstrip()

    @property
    def headline(self) -> str:
        """The state in one line."""
        said = {"right": "right", "wrong": "not right", "open": "not answered yet"}[self.state]
        points = f", {self.points} of {self.out_of} points" if self.state == "right" else ""
        return f"{SIGNS[self.state]} {self.exercise}: {said}{points}"

    def _repr_html_(self) -> str:
        message, hint = html.escape(self.message), html.escape(self.hint)
        parts = [f'<b style="color: {COLOURS[self.state]}">{html.escape(self.headline)}</b>']
        if message:
            parts.append(f'<pre style="margin: 4px 0; white-space: pre-wrap">{message}</pre>')
        if hint:
            parts.append(f"<i>Hint:</i> {hint}")
        return "<div>" + "".join(parts) + "</div>"
