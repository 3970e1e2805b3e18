"""How long a page takes to react, in a real browser: until all is laid out, and until it is painted.

python tests/reactions.py images/page.html

The text has 115 characters; medians of 25 reactions, with one model and with two side by side. What waits
for a moment's rest, such as the beam, is not counted.
"""

import argparse
import statistics
from pathlib import Path

from browsers import CHROMIUM, sync_playwright

from seq2seq_lab.vocabulary import WORDS

LENGTH, TURNS = 115, 25
TEXTS = [" ".join(WORDS[i:] + WORDS[:i] + WORDS[3:] + WORDS)[:LENGTH] for i in range(5)]
MEASURE = """async ([kind, texts, turns]) => {
    const input = document.querySelector(".lab-panel input[type=text]");
    const type = (text) => {
        input.value = text;
        input.dispatchEvent(new Event("input", { bubbles: true }));
    };
    const force = (symbol) => {
        const square = document.querySelector(".writes [role=gridcell]");
        square.dispatchEvent(new KeyboardEvent("keydown", { key: symbol, bubbles: true }));
    };
    const acts = {
        "another text": (i) => type(texts[i % texts.length]),
        "another letter": (i) => type(texts[0].slice(0, -1 - i % 2)),
        "a digit forced": (i) => force(String(i % 10)),
    };
    const next = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    const times = [];
    for (let i = 0; i < turns; i++) {
        await new Promise((done) => setTimeout(done, 300)); // until all is at rest
        const start = performance.now();
        acts[kind](i);
        document.documentElement.getBoundingClientRect(); // which needs the layout
        const laidOut = performance.now();
        await next();
        times.push([laidOut - start, performance.now() - start]);
    }
    return times;
}"""


def main() -> None:
    """Print a line for each kind of reaction."""
    parser = argparse.ArgumentParser(description="How long a page takes to react.")
    parser.add_argument("page", type=Path, help="a page with two models or more")
    parser.add_argument(
        "--turns", type=int, default=TURNS, help=f"reactions of each kind, {TURNS} if not given"
    )
    args = parser.parse_args()
    options = {"executable_path": CHROMIUM, "args": ["--disable-gpu"]}
    with sync_playwright() as playwright, playwright.chromium.launch(**options) as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(args.page.resolve().as_uri())
        page.get_by_label("Digit words:").fill(TEXTS[-1])
        page.locator(".near td").first.wait_for()
        for models in "one model", "two models":
            for kind in "another text", "another letter", "a digit forced":
                turns = page.evaluate(MEASURE, [kind, TEXTS, args.turns])
                laid_out, painted = (statistics.median(times) for times in zip(*turns, strict=True))
                print(f"{models}, {kind}: {laid_out:.1f} ms laid out, {painted:.1f} ms painted")
            page.get_by_label("Beside it:").select_option(index=1)


if __name__ == "__main__":
    main()
