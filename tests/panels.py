"""What the tests of the panel share: its parts in a page, and all that it must show against `trace`."""

import re
import types

import matplotlib as mpl
import numpy as np
from browsers import expect

import seq2seq_lab as lab

COLOURS = "cells => cells.map(cell => getComputedStyle(cell).backgroundColor)"
LABELS = "cells => cells.map(cell => cell.ariaLabel)"
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


def squares(grid):
    return grid.get_by_role("gridcell")


def labels(grid):
    return squares(grid).evaluate_all(LABELS)


def numbers(grid):
    """What its squares say, in words read by a screen reader."""
    return [float(re.search(r": (-?\d\.\d{3})\b", label)[1]) for label in labels(grid)]


def look(panel, step, place, text, name="attention"):
    """The square of the map of attention, both counted from 0."""
    return squares(grid(panel, re.compile("Where it looks(, after)?$"), name)).nth(step * len(text) + place)


def symbol(panel, step, which, name="attention"):
    """The square of a symbol's probability."""
    writes = grid(panel, re.compile("What it writes(, after)?$"), name)
    return writes.get_by_role("gridcell", name=re.compile(rf"^step {step + 1}, {which}: "))


def assert_shows(panel, text, digits=None, places=None, name="attention", more_maps=2):
    """Everything about one model, if this and nothing else is forced; `more_maps` are shown besides looks."""
    model, here = panel.models[name], panel.of(name)
    before, after = lab.trace(model, text), lab.trace(model, text, digits, places)
    forced = [
        f"{len(f)} {what}{'s' * (len(f) > 1)}" for f, what in ((digits, "digit"), (places, "look")) if f
    ]
    told = f"forced: {', '.join(forced)}; before: {before.written}" if forced else ""
    expect(here.get_by_role("status")).to_have_text(f"{text} → {after.written}{told}")
    shown = {", before": before, ", after": after} if forced else {"": after}
    for when, trace in shown.items():
        writes = grid(panel, f"What it writes{when}", name)
        p = trace.probabilities[range(len(trace.written)), lab.encode(trace.written)]
        wanted = [*p, *trace.probabilities.T.ravel()]
        expect(squares(writes)).to_have_count(len(wanted))  # they are drawn after the status
        np.testing.assert_allclose(numbers(writes), wanted, atol=6e-4)
        said = writes.get_by_role("row", name="written").get_by_role("gridcell")
        assert "".join(said.all_inner_texts()) == trace.written
        for title, weights in trace.maps.items():
            looks = grid(panel, f"Where it looks{title.removeprefix('attention')}{when}", name)
            expect(squares(looks)).to_have_count(weights.size)
            np.testing.assert_allclose(numbers(looks), weights.ravel(), atol=6e-4)
            wanted = mpl.colormaps["viridis"](weights.ravel(), bytes=True)[:, :3].astype(int)
            colours = [list(map(int, re.findall(r"\d+", c))) for c in squares(looks).evaluate_all(COLOURS)]
            np.testing.assert_allclose(colours, wanted, atol=6)
    marked = {label.partition(":")[0] for label in here.locator("[aria-selected=true]").evaluate_all(LABELS)}
    wanted = {f"step {t + 1}, {digit}" for t, digit in (digits or {}).items()}
    wanted |= {f"step {t + 1} writes {digit}" for t, digit in (digits or {}).items()}
    for t, looked_at in (places or {}).items():
        letters = text.replace(" ", "␣")
        wanted |= {
            f"step {t + 1} ({after.written[t]}) looks at {letters[s]}, place {s + 1}" for s in looked_at
        }
    assert marked == wanted
    if forced:
        told = [label for label in labels(grid(panel, "What it writes, after", name)) if "before" in label]
        assert len(told) >= 11 * min(len(before.written), len(after.written))
    old_maps = here.get_by_role("grid", name=re.compile("before$"))
    expect(old_maps).to_have_count((more_maps + len(after.maps)) * bool(forced))
