"""Draw the pictures of the lessons, each as one small SVG file beside this one.

    python images/draw.py

Run it from anywhere. It needs the standard library only, and nothing is measured or dated, so
every machine writes the same bytes. `svg` to `arrow` return pieces of SVG; after them, one
function is one picture. Positions are pixels, y downwards, and name the middle of a thing.

Used by notebooks/1-encoder-decoder.ipynb, sections 1 to 4, notebooks/2-attention.ipynb, section 1, and
notebooks/5-transformer.ipynb, section 6.
"""

import re
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path
from typing import NamedTuple


class Paint(NamedTuple):
    """A pale fill and a clear outline."""

    fill: str
    line: str


# One meaning, one colour, in every picture (from the palette of Okabe and Ito, which
# colour-blind eyes can tell apart). The state has lines only, and no shape of its own.
INK, MUTED, STATE = "#222222", "#595959", "#D55E00"
INPUT, OUTPUT = Paint("#DCEBF5", "#0072B2"), Paint("#D6EFE6", "#009E73")
ENCODER, DECODER = Paint("#F7E3EE", "#CC79A7"), Paint("#FCEBC8", "#E69F00")
NETWORK, OPERATOR = Paint("#F0F0F0", "#767676"), Paint("#FFFFFF", INK)
BOLD, START, END = ' font-weight="bold"', ' text-anchor="start"', ' text-anchor="end"'


def svg(width: int, height: int, title: str, description: str, parts: list[str]) -> str:
    """A whole picture: its words for screen readers, a white ground (so that it also reads on
    a dark page), and the parts, later ones above earlier ones."""
    size, drawn = f'width="{width}" height="{height}"', "\n".join(parts)
    head = 'viewBox="0 0 10 10" refX="9" refY="5" markerWidth="10" markerHeight="10"'
    head += ' markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L10 5L0 10z"'
    heads = "".join(
        f'<marker id="head{colour[1:]}" {head} fill="{colour}"/></marker>'
        for colour in (INK, MUTED, STATE, INPUT.line, ENCODER.line)
        if f"#head{colour[1:]}" in drawn
    )
    return f"""<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {width} {height}"
 role="img" font-family="DejaVu Sans, Helvetica, Arial, sans-serif"
 text-anchor="middle" stroke-width="2">
<title>{escape(title)}</title>
<desc>{escape(description)}</desc>
<defs>{heads}</defs>
<rect {size} rx="12" fill="#FFFFFF"/>
{drawn}
</svg>
"""


def text(x: int, y: int, words: str, size: int = 18, colour: str = INK, more: str = "") -> str:
    """One line of words, with signs and subscripts typeset: "h_{t-1} * b_z"."""
    for plain, sign in (("-1", "{}1"), ("1-", "1{}"), (" - ", " {} ")):
        words = words.replace(plain, sign.format("\N{MINUS SIGN}"))
    words = escape(words.replace("*", "\N{ASTERISK OPERATOR}"), quote=False)
    down = round(size / 4)

    def lower(match: re.Match[str]) -> str:
        """A subscript, and after it the next words back on the line."""
        small = f'dy="{down}" font-size="{round(size * 0.74)}"'
        back = f'<tspan dy="-{down}">{match[2]}</tspan>' if match[2] else ""
        return f"<tspan {small}>{match[1].strip('{}')}</tspan>{back}"

    body = re.sub(r"_(\w|\{[^}]*\})([^_]*)", lower, words)
    at = f'x="{x}" y="{y + round(size * 0.36)}"'  # y of the base line
    return f'<text {at} font-size="{size}" fill="{colour}"{more}>{body}</text>'


def box(x: int, y: int, width: int, height: int, paint: Paint, label: str = "") -> str:
    """A rounded box."""
    corner = f'x="{x - width // 2}" y="{y - height // 2}" width="{width}" height="{height}"'
    shape = f'<rect {corner} rx="7" fill="{paint.fill}" stroke="{paint.line}"/>'
    return shape + (text(x, y, label) if label else "")


def circle(x: int, y: int, radius: int, paint: Paint, label: str = "") -> str:
    """A circle."""
    place = f'cx="{x}" cy="{y}" r="{radius}"'
    shape = f'<circle {place} fill="{paint.fill}" stroke="{paint.line}"/>'
    return shape + (text(x, y, label) if label else "")


def arrow(path: str, colour: str = INK, dashed: bool = False) -> str:
    """An arrow along an SVG path ("M 0 0 H 9": move there, then level to x = 9)."""
    look = f'fill="none" stroke="{colour}"' + (' stroke-dasharray="5 4"' if dashed else "")
    return f'<path d="{path}" {look} marker-end="url(#head{colour[1:]})"/>'


def rnn() -> str:
    """A recurrent network, rolled and unrolled."""
    parts = []
    for x, t in ((112, "t"), (385, "1"), (503, "2"), (621, "3")):
        parts += [arrow(f"M {x} 225 V 181", INPUT.line), arrow(f"M {x} 120 V 76")]
        parts += [circle(x, 245, 20, INPUT, f"x_{t}"), circle(x, 55, 20, OUTPUT, f"y_{t}")]
        parts += [box(x, 150, 60, 60, NETWORK, "f")]
    parts += [arrow("M 143 136 C 202 96 202 204 144 165", STATE), text(200, 150, "h", 18, STATE)]
    parts += [text(260, 150, "=", 32, MUTED)]
    parts += [text(313, 150, "h_0", 18, STATE), arrow("M 330 150 H 354", STATE)]
    for x, label in ((416, "h_1"), (534, "h_2"), (652, "h_3")):
        parts += [arrow(f"M {x} 150 h 56", STATE), text(x + 27, 132, label, 18, STATE)]
    parts += [
        text(726, 146, "…", 22, STATE),
        text(112, 302, "rolled", 16, INK, BOLD),
        text(112, 332, "y_t, h_t = f(x_t, h_{t-1})"),
        text(503, 302, "unrolled over t = 1, 2, 3, …", 16, INK, BOLD),
        text(503, 332, "the same f, with the same weights, in every box", 16),
    ]
    description = (
        "Left: one box f takes the input x_t and the state that it left itself, and gives the "
        "output y_t and the next state h. Right: the same box, with the same weights, once for "
        "each time step; the state passes from each box to the next."
    )
    return svg(760, 360, "A recurrent network, rolled and unrolled", description, parts)


def task(
    x: int, y: int, paints: list[Paint], reads: Iterable[int], writes: Iterable[int], *words: str
) -> list[str]:
    """One kind of task: its cells, which of them read and which write, its name and examples."""
    columns = [x + 46 * i - 23 * (len(paints) - 1) for i in range(len(paints))]
    parts = [text(x, y, words[0], 15, INK, BOLD)]
    for i in reads:
        parts += [arrow(f"M {columns[i]} {y + 120} v -16", INPUT.line)]
        parts += [circle(columns[i], y + 130, 10, INPUT)]
    for i in writes:
        parts += [arrow(f"M {columns[i]} {y + 73} v -16"), circle(columns[i], y + 46, 10, OUTPUT)]
    parts += [box(at, y + 88, 30, 30, paint) for at, paint in zip(columns, paints, strict=True)]
    parts += [arrow(f"M {at + 16} {y + 88} h 14", STATE) for at in columns[:-1]]
    return parts + [text(x, y + 164 + 22 * i, line, 15) for i, line in enumerate(words[1:])]


def tasks() -> str:
    """The five kinds of sequence task."""
    four, seven = [NETWORK] * 4, [ENCODER] * 4 + [DECODER] * 3
    other, same = "many to many, different lengths", "many to many, same length"
    translation = "encoder-decoder: sentence → translation", "in this lab: “one two five” → “125#”"
    labels = "video → a label for every frame", "sentence → a word class for every word"
    parts = [
        *task(125, 36, [NETWORK], [0], [0], "one to one", "image → class"),
        *task(380, 36, four, [0], range(4), "one to many", "image → caption"),
        *task(635, 36, four, range(4), [3], "many to one", "review → sentiment"),
        *task(210, 252, seven, range(4), range(4, 7), other, *translation),
        *task(568, 252, four, range(4), range(4), same, *labels),
    ]
    cells = (159, NETWORK, "network"), (281, ENCODER, "encoder"), (401, DECODER, "decoder")
    ends = (63, INPUT, "input"), (523, OUTPUT, "output")
    parts += [box(x, 485, 22, 22, paint) for x, paint, _ in cells]
    parts += [circle(x, 485, 10, paint) for x, paint, _ in ends]
    parts += [text(x + 19, 485, name, 15, MUTED, START) for x, _, name in cells + ends]
    parts += [arrow("M 627 485 h 28", STATE), text(665, 485, "state", 15, MUTED, START)]
    description = (
        "One to one: an image gives a class. One to many: an image gives a caption. Many to one: "
        "a review gives a sentiment. Many to many with different lengths: an encoder reads a "
        "sentence, then a decoder writes its translation; in this lab, words give digits. Many "
        "to many with the same length: every video frame or word gets a label."
    )
    return svg(760, 514, "Five kinds of sequence task", description, parts)


def encoder_decoder() -> str:
    """An encoder reads A B C D; its last state starts a decoder, which writes X Y Z #."""
    encoder, decoder = (52, 130, 208, 286), (446, 532, 618, 704)
    again = "54 h 12 q 8 0 8 8 V 232 q 0 8 8 8 h 16"  # from a symbol written to the next one read
    parts = [arrow(f"M {x + 21} {again}", MUTED, dashed=True) for x in decoder[:-1]]
    for x, symbol in zip(encoder + decoder, "ABCD#XYZ", strict=True):
        parts += [arrow(f"M {x} 220 V 178", INPUT.line), circle(x, 240, 20, INPUT, symbol)]
        parts += [box(x, 150, 54, 54, ENCODER if x in encoder else DECODER)]
    for x, symbol in zip(decoder, "XYZ#", strict=True):
        parts += [arrow(f"M {x} 123 V 75"), circle(x, 54, 20, OUTPUT, symbol)]
    parts += [arrow(f"M {x + 28} 150 h 22", STATE) for x in encoder[:-1]]
    parts += [arrow(f"M {x + 28} 150 h 30", STATE) for x in decoder[:-1]]
    parts += [arrow("M 314 150 H 418", STATE), text(366, 131, "last state h", 15, STATE)]
    parts += [text(169, 286, "encoder", 17, INK, BOLD), text(575, 286, "decoder", 17, INK, BOLD)]
    training = "training: the decoder is fed the true symbols X Y Z (teacher forcing)"
    test = "test: each symbol that it writes becomes its next input"
    parts += [circle(74, 332, 10, INPUT), text(112, 332, training, 15, INK, START)]
    parts += [arrow("M 52 360 h 44", MUTED, dashed=True), text(112, 360, test, 15, INK, START)]
    description = (
        "The encoder reads A, B, C, D. Its last state h starts the decoder, which reads #, X, Y, "
        "Z and writes X, Y, Z, #. In training the decoder is fed the true symbols; at test time "
        "each symbol that it writes becomes its next input, shown by dashed arrows."
    )
    return svg(760, 390, "Encoder and decoder", description, parts)


def gru() -> str:
    """The inside of a GRU cell: the state on top, the update gate below it, then r and c."""
    # The lines, each under the name of the value that it carries.
    h = ["M 62 80 H 464", "M 118 80 V 285 H 135", "M 118 175 H 340", "M 285 175 V 269"]
    x = ["M 395 372 V 202", "M 395 328 H 190 V 312", "M 395 328 H 490 V 312"]
    r, r_h = "M 244 285 H 269", "M 301 285 H 386 a 9 9 0 0 1 18 0 H 435"  # with a bridge over x
    z, z_h = ["M 449 175 H 516", "M 480 175 V 96", "M 552 175 H 614"], "M 496 80 H 614"
    c, z_c, new_h = "M 544 285 H 630 V 191", "M 630 159 V 96", "M 646 80 H 702"
    parts = [box(385, 189, 580, 318, Paint("#FAFAFA", "#B0B0B0"))]
    parts += [arrow(path, STATE) for path in [*h, new_h]] + [arrow(path, INPUT.line) for path in x]
    parts += [arrow(path) for path in [r, r_h, *z, z_h, c, z_c]]
    branches = (118, 80, STATE), (118, 175, STATE), (285, 175, STATE), (395, 328, INPUT.line)
    for left, top, colour in (*branches, (480, 175, INK)):
        parts += [circle(left, top, 3, Paint(colour, colour))]
    gates = (190, 285, "sigmoid", "reset gate"), (395, 175, "sigmoid", "update gate")
    for left, top, function, name in (*gates, (490, 285, "tanh", "candidate")):
        parts += [box(left, top, 106, 52, NETWORK)]
        parts += [text(left, top - 11, function), text(left, top + 13, name, 14)]
    for left, top, sign in ((285, 285, "*"), (480, 80, "*"), (630, 175, "*"), (630, 80, "+")):
        parts += [circle(left, top, 15, OPERATOR, sign)]
    parts += [circle(534, 175, 17, OPERATOR), text(534, 175, "1-", 15)]
    parts += [text(36, 80, "h_{t-1}", 18, STATE), text(722, 80, "h_t", 18, STATE)]
    parts += [circle(395, 392, 20, INPUT, "x_t"), text(256, 271, "r"), text(585, 271, "c")]
    parts += [text(344, 268, "r * h_{t-1}"), text(555, 63, "z * h_{t-1}"), text(464, 161, "z")]
    parts += [text(584, 161, "1 - z"), text(620, 127, "(1 - z) * c", 18, INK, END)]
    equations = {
        "z = sigmoid(x_t W_{xz} + h_{t-1} W_{hz} + b_z)": "how much of the old state stays",
        "r = sigmoid(x_t W_{xr} + h_{t-1} W_{hr} + b_r)": "how much of it the candidate sees",
        "c = tanh(x_t W_{xc} + (r * h_{t-1}) W_{hc} + b_c)": "what could take its place",
        "h_t = (1 - z) * c + z * h_{t-1}": "z = 1 copies the old state",
    }
    for i, (equation, meaning) in enumerate(equations.items()):
        parts += [text(58, 448 + 32 * i, equation, 18, INK, START)]
        parts += [text(450, 448 + 32 * i, meaning, 15, MUTED, START)]
    description = (
        "The old state enters at the left, the input x from below. The update gate z and the "
        "reset gate r read both. The old state times r goes, with the input, into the candidate "
        "c. The new state, leaving at the right, is (1 - z) * c + z * h: z = 1 copies the old one."
    )
    return svg(760, 572, "Inside a GRU cell", description, parts)


def attention() -> str:
    """One step of a decoder that looks back at everything the encoder put out."""
    columns, pale = (150, 245, 340, 435), Paint("#FFFFFF", "#B0B0B0")
    scores, weights, widths = (
        ("\N{MINUS SIGN}0.8", "2.2", "0.0", ""),
        (".04", ".86", ".10", "0"),
        (2, 9, 3, 0),
    )
    rows = {"input": 600, "output h_s": 515, "key": 430, "score": 335, "weight": 240}
    parts = [text(62, y, name, 16, MUTED) for name, y in rows.items()]
    parts += [text(62, 537, "= value", 14, MUTED)]
    for x, symbol, s in zip(columns, ("A", "B", "C", "0"), "1234", strict=True):
        true = symbol != "0"  # the last is padding
        parts += [circle(x, 600, 20, INPUT if true else pale, symbol)]
        parts += [box(x, 515, 54, 48, ENCODER if true else pale, f"h_{s}")]
        parts += [arrow(f"M {x} 580 V 541", INPUT.line if true else MUTED, dashed=not true)]
    parts += [arrow(f"M {x + 28} 515 h 38", STATE) for x in columns[:2]]
    parts += [arrow("M 600 357 V 372 H 128 V 357"), text(525, 384, "to each score", 13, MUTED)]
    parts += [arrow(f"M {x - 22} 372 V 357") for x in columns[1:3]]
    for x, score, weight, width in zip(columns, scores, weights, widths, strict=True):
        parts += [box(x, 335, 68, 40, OPERATOR, score), box(x, 240, 68, 40, OPERATOR, weight)]
        if width:
            parts += [box(x, 430, 68, 40, NETWORK, "key")]
            parts += [arrow(f"M {x} 490 V 453"), arrow(f"M {x} 409 V 358"), arrow(f"M {x} 314 V 263")]
            line = f'stroke="{OUTPUT.line}" stroke-width="{width}"'
            parts += [f'<path d="M {x} 219 L 292 149" fill="none" {line}/>']
    parts += [text(180, 471, "U_a", 16), text(275, 471, "U_a", 16), text(370, 471, "U_a", 16)]
    parts += [text(172, 384, "v_a", 16), text(267, 384, "v_a", 16), text(362, 384, "v_a", 16)]
    parts += [text(197, 288, "softmax", 13, MUTED)]
    parts += [circle(292, 130, 22, OPERATOR, "+"), arrow("M 315 130 H 558")]
    parts += [text(430, 112, "context", 16), text(152, 184, "weight_s h_s", 14, OUTPUT.line)]
    parts += [box(600, 335, 78, 44, NETWORK, "query"), arrow("M 694 335 H 642", STATE)]
    parts += [text(668, 317, "W_a", 16), text(734, 335, "state", 17, STATE)]
    parts += [arrow("M 734 316 C 734 220 650 230 624 165", STATE)]
    parts += [box(610, 130, 100, 62, DECODER, "cell"), arrow("M 661 130 H 704", STATE)]
    parts += [text(752, 130, "new state", 17, STATE), circle(520, 196, 20, INPUT, "X")]
    parts += [arrow("M 537 184 L 562 164", INPUT.line)]
    parts += [arrow("M 752 112 V 72"), circle(752, 50, 20, OUTPUT, "Y")]
    parts += [text(568, 460, "key = h_s U_a + b_a", 16, INK, START)]
    parts += [text(568, 490, "query = state W_a", 16, INK, START)]
    parts += [text(568, 520, "score_s = v_a · tanh(key_s + query)", 16, INK, START)]
    parts += [text(568, 550, "weight = softmax(score)", 16, INK, START)]
    parts += [text(568, 580, "context = sum of weight_s h_s", 16, INK, START)]
    parts += [text(568, 610, "padding gets a weight of 0", 15, MUTED, START)]
    description = (
        "The encoder has read A, B and C and put out h_1, h_2 and h_3; a fourth place is padding. U_a makes "
        "a key of each output, W_a a query of the decoder's state. Each key and the query give a score, read "
        "off by v_a: -0.8, 2.2, 0.0. A softmax makes the weights .04, .86, .10 of them, and 0 for the "
        "padding. The sum of the outputs, which are the values, each times its weight, is the context. The "
        "decoder's cell reads it beside the symbol X, goes to its new state and writes Y."
    )
    return svg(850, 640, "One step of a decoder with attention", description, parts)


def transformer() -> str:
    """A Transformer with one block on each side."""
    stream = f'stroke="{INK}" stroke-width="5"'
    parts = [f'<path d="M {x} 580 V {top}" fill="none" {stream}/>' for x, top in ((110, 245), (500, 115))]
    for x, top in ((110, 230), (500, 100)):
        parts += [arrow(f"M {x} 640 V 606", INPUT.line), box(x, 582, 180, 44, NETWORK)]
        parts += [text(x, 582, "embedding + position", 15), box(x, top, 130, 40, NETWORK)]
    parts += [text(110, 230, "norm", 16), text(500, 100, "norm, W_{out}", 16)]
    parts += [circle(110, 660, 20, INPUT, "A"), circle(500, 660, 20, INPUT, "X")]
    parts += [text(182, 660, "all letters", 15, MUTED), text(594, 660, "symbols so far", 15, MUTED)]
    steps = (
        (110, 460, ENCODER, "letters at letters"),
        (110, 330, ENCODER, "feed-forward"),
        (500, 460, DECODER, "digits at digits"),
        (500, 330, DECODER, "digits at letters"),
        (500, 200, DECODER, "feed-forward"),
    )
    for x, y, paint, words in steps:
        across = x + 135
        parts += [arrow(f"M {x} {y + 52} H {across} V {y + 26}"), text(x + 66, y + 40, "norm", 13, MUTED)]
        parts += [arrow(f"M {across} {y - 24} V {y - 50} H {x + 18}"), circle(x, y - 50, 15, OPERATOR, "+")]
        parts += [box(across, y, 160, 46, paint), text(across, y, words, 16)]
    parts += [text(722, 452, "causal", 14, MUTED, START), text(722, 472, "mask", 14, MUTED, START)]
    parts += [arrow("M 110 209 V 175 H 405 V 346 H 552", ENCODER.line)]
    parts += [text(262, 160, "keys and values of all letters", 15)]
    parts += [arrow("M 500 79 V 50"), circle(500, 28, 20, OUTPUT, "Y")]
    parts += [text(110, 122, "encoder", 16, INK, BOLD), text(610, 28, "decoder", 16, INK, BOLD)]
    description = (
        "Left, the encoder: each letter's embedding and position go upwards in a stream; what attention "
        "reads of all letters is added, then what the feed-forward network makes of each place alone; a norm "
        "comes last. Right, the decoder: to the stream of each symbol is added what attention reads of the "
        "symbols before it and itself, under a causal mask, what it reads of the encoder's outputs, then "
        "the feed-forward part. A norm and W_out make logits. Each part reads the stream through a norm."
    )
    return svg(790, 700, "A Transformer with one block on each side", description, parts)


PICTURES: dict[str, Callable[[], str]] = {
    "rnn.svg": rnn,
    "tasks.svg": tasks,
    "encoder-decoder.svg": encoder_decoder,
    "gru.svg": gru,
    "attention.svg": attention,
    "transformer.svg": transformer,
}


def main() -> None:
    """Write every picture beside this file."""
    for name, picture in PICTURES.items():
        Path(__file__).with_name(name).write_text(picture(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
