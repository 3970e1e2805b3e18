"""What the tests of the panel share: its parts in a page, and all that it must show against `trace`."""

import json
import re
import types

import matplotlib as mpl
import numpy as np
from browsers import expect

import seq2seq_lab as lab

# What a map says of all its squares, row by row; where they are; and how they are painted.
SQUARES = """grid => {
    const { rows, columns, ...map } = grid.map();
    const each = (told) => rows.flatMap((_, r) => columns.map((_, c) => told?.(r, c)));
    const [text, forced] = [each(map.text), each(map.forced)];
    return { labels: each(map.label), texts: text, forced, columns: columns.length };
}"""
BOXES = """grid => {
    const { columns } = grid.map(), [box, canvas] = [grid, grid.querySelector("canvas")].map(inPage);
    const wide = canvas.width / columns.length;
    const lines = [...grid.querySelectorAll("[role=rowheader]")].map(inPage);
    return lines.flatMap(({ top, height }) =>
        columns.map((_, c) => ({ x: canvas.x - box.x + c * wide, y: top - box.top, width: wide, height })));
    function inPage(element) { return element.getBoundingClientRect(); }
}"""
PIXELS = """grid => {
    const canvas = grid.querySelector("canvas"), { width, height } = canvas;
    const sharp = width / canvas.clientWidth, { offsetLeft: left, offsetTop: top } = canvas;
    const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    return (x, y, wide = 1, high = 1) =>
        [...copy.getImageData(sharp * (x - left), sharp * (y - top), wide, high).data];
}"""
COLOURS = f"""(grid, corner) => {{
    const painted = ({PIXELS})(grid);
    return ({BOXES})(grid).map(({{ x, y, width, height }}) =>
        painted(x + (corner ? 1 : width / 2), y + (corner ? 1 : height / 2)).slice(0, 3));
}}"""
# How far from that of its corner a colour in a square is at most.
CONTRASTS = f"""grid => {{
    const painted = ({PIXELS})(grid);
    return ({BOXES})(grid).map(({{ x, y, width, height }}) => {{
        const inside = painted(x + 1, y + 1, Math.floor(width) - 2, Math.floor(height) - 2);
        return Math.max(...inside.map((c, i) => Math.abs(c - inside[i % 4])));
    }});
}}"""
MAPS = f"""async region => {{
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done))); // once all is painted
    const maps = [...region.querySelectorAll("[role=grid]")].filter((map) => map.checkVisibility());
    const told = (map) => ({{ ...({SQUARES})(map), colours: ({COLOURS})(map) }});
    return JSON.stringify(Object.fromEntries(maps.map((map) => [map.ariaLabel, told(map)])));
}}"""
INSIDE = {"z": "Update gate z", "r": "Reset gate r", "c": "Candidate c", "h": "State h"}


def parts(page, models, here=None):
    """The panel in a page, the only one or the one given, by what its parts are called."""
    here = here or page.locator(".lab-panel")
    return types.SimpleNamespace(
        page=page,
        here=here,
        models=models,
        text=here.get_by_label("Digit words:"),
        model=here.get_by_label("Model:"),
        beside=here.get_by_label("Beside it:"),
        step=here.get_by_role("slider", name="Step"),
        words=here.get_by_label("Look at whole words"),
        numbers=here.get_by_label("Numbers"),
        inside=here.get_by_label("Inside:"),
        undo=here.get_by_role("button", name="Undo", exact=True),
        undo_all=here.get_by_role("button", name="Undo all changes"),
        marked=here.locator("mark"),
        of=lambda name: here.get_by_role("region", name=name, exact=True),
        press=page.keyboard.press,
    )


def grid(panel, title, name="attention"):
    return panel.of(name).get_by_role("grid", name=title, exact=True)


class Squares:
    """Those of a map, row by row; they are painted, so they are pressed where they are."""

    def __init__(self, grid, which=None):
        self.grid, self.which = grid, which

    def nth(self, i):
        return Squares(self.grid, i)

    def bounding_box(self):
        box, around = self.grid.evaluate(BOXES)[self.which], self.grid.bounding_box()
        return {**box, "x": around["x"] + box["x"], "y": around["y"] + box["y"]}

    def _centre(self):
        box = self.grid.evaluate(BOXES)[self.which]
        return {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}

    def click(self, **given):
        self.grid.click(position=self._centre(), **given)

    def hover(self):
        self.grid.hover(position=self._centre())

    def point(self):
        """Move the mouse there at once, where all is in sight and at rest."""
        box = self.bounding_box()
        self.grid.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def squares(grid):
    return Squares(grid)


def texts(grid):
    """What stands in its squares, row by row."""
    return grid.evaluate(SQUARES)["texts"]


def labels(grid):
    """What its squares say in words."""
    return grid.evaluate(SQUARES)["labels"]


def colours(grid, corner=False):
    """How its squares are painted, `(squares, 3)`, each in its middle or in a corner."""
    return np.array(grid.evaluate(COLOURS, corner))


def numbers(grid):
    """The numbers of its squares, as they are said."""
    return said_in(labels(grid))


def said_in(labels):
    return [float(re.search(r": (-?\d\.\d{3})\b", label)[1]) for label in labels]


def look(panel, step, place, text, name="attention"):
    """The square of the map of attention, both counted from 0."""
    return squares(grid(panel, re.compile("Where it looks(, after)?$"), name)).nth(step * len(text) + place)


def symbol(panel, step, which, name="attention"):
    """The square of a symbol's probability."""
    writes = grid(panel, re.compile("What it writes(, after)?$"), name)
    (at,) = [i for i, label in enumerate(labels(writes)) if label.startswith(f"step {step + 1}, {which}: ")]
    return squares(writes).nth(at)


def assert_shows(panel, text, digits=None, places=None, name="attention", more_maps=2):
    """Everything about one model, if this and nothing else is forced; `more_maps` are shown besides looks."""
    model, here = panel.models[name], panel.of(name)
    before, after = lab.trace(model, text), lab.trace(model, text, digits, places)
    forced = [
        f"{len(f)} {what}{'s' * (len(f) > 1)}" for f, what in ((digits, "digit"), (places, "look")) if f
    ]
    told = f"forced: {', '.join(forced)}; before: {before.written}" if forced else ""
    expect(here.get_by_role("status")).to_have_text(f"{text} → {after.written}{told}")
    old_maps = here.get_by_role("grid", name=re.compile("before$"))
    expect(old_maps).to_have_count((more_maps + len(after.maps)) * bool(forced))
    maps = json.loads(here.evaluate(MAPS))  # all at once: to ask takes longer than to answer
    for when, trace in ({", before": before, ", after": after} if forced else {"": after}).items():
        writes = maps[f"What it writes{when}"]
        p = trace.probabilities[range(len(trace.written)), lab.encode(trace.written)]
        wanted = [*p, *trace.probabilities.T.ravel()]
        np.testing.assert_allclose(said_in(writes["labels"]), wanted, atol=6e-4)
        assert "".join(writes["texts"][: len(trace.written)]) == trace.written
        for title, weights in trace.maps.items():
            looks = maps[f"Where it looks{title.removeprefix('attention')}{when}"]
            np.testing.assert_allclose(said_in(looks["labels"]), weights.ravel(), atol=6e-4)
            wanted = mpl.colormaps["viridis"](weights.ravel(), bytes=True)[:, :3].astype(int)
            np.testing.assert_allclose(looks["colours"], wanted, atol=6)
    marked = set()
    for said in maps.values():
        marked |= {
            label.partition(":")[0]
            for label, is_so in zip(said["labels"], said["forced"], strict=True)
            if is_so
        }
    wanted = {f"step {t + 1}, {digit}" for t, digit in (digits or {}).items()}
    wanted |= {f"step {t + 1} writes {digit}" for t, digit in (digits or {}).items()}
    for t, looked_at in (places or {}).items():
        letters = text.replace(" ", "␣")
        wanted |= {
            f"step {t + 1} ({after.written[t]}) looks at {letters[s]}, place {s + 1}" for s in looked_at
        }
    assert marked == wanted
    if forced:
        told = [label for label in maps["What it writes, after"]["labels"] if "before" in label]
        assert len(told) >= 11 * min(len(before.written), len(after.written))
