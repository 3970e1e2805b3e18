// The way of a state through a text, in the two directions in which the states after training words spread most.

import { largest } from "./arithmetic.js";
import { along, principalAxes } from "./axes.js";
import { coloursOf, onOtherColours, painted } from "./canvas.js";
import { make, put } from "./elements.js";

const WIDEST = 460; // pixels
const SHAPE = 0.74; // of the width is its height
const EDGE = 22;
const REACH = 14; // pixels from a letter, within which it is pointed at
const CROWDED = 60; // letters, of which only the last of each word is written

export class Path {
  /** `told(place)`: a letter is pointed at, or none, null. */
  constructor(told) {
    Object.assign(this, { told, letters: [], points: [], width: WIDEST });
    this.title = make("b", { textContent: "The way of the encoder's state" });
    this.readout = make("span", { className: "readout" });
    this.canvas = make("canvas", { role: "img" });
    this.canvas.points = () => this.points; // for whoever looks at the page by a program
    const scroll = make("div", { className: "scroll" }, this.canvas);
    this.element = make("figure", { className: "path" }, make("figcaption", {}, this.title, this.readout), scroll);
    onOtherColours(this.canvas, () => this.paint());
    this.canvas.addEventListener("mousemove", (event) => this.told(this.under(event)));
    this.canvas.addEventListener("mouseleave", () => this.told(null));
  }

  /** States after training words, by what was read: what lies around the way. */
  around(states) {
    if (this.states === states) return;
    const plane = principalAxes([...states.values()], 2);
    const ends = Array.from(states, ([prefix, h]) => ({ prefix, at: along(plane, h) }));
    Object.assign(this, { states, plane, ends });
    const [first, second] = plane.shares.map((share) => `${Math.round(100 * share)}%`);
    put(this.readout, `gray: after training words; across ${first}, up ${second} of their variance`);
  }

  /** The way through these letters, of which the one at `place` is told of, and what is `near` it. */
  draw(letters, cells, place, near) {
    if (this.cells !== cells) this.places = cells.map(({ h }) => along(this.plane, h));
    Object.assign(this, { letters, cells, place, near });
    const all = [...this.ends.map(({ at }) => at), ...this.places];
    const [[left, right], [low, high]] = [0, 1].map((k) => extent(all.map((at) => at[k])));
    const [width, height] = [this.width, SHAPE * this.width];
    const scale = Math.min((width - 2 * EDGE) / (right - left || 1), (height - 2 * EDGE) / (high - low || 1));
    this.onCanvas = ([x, y]) => [
      width / 2 + scale * (x - (left + right) / 2),
      height / 2 - scale * (y - (low + high) / 2),
    ];
    this.points = this.places.map(this.onCanvas);
    this.canvas.ariaLabel = `The way of the state through ${letters.join("")}, among those after training words`;
    this.paint();
  }

  fit(room) {
    this.width = Math.min(room - 8, WIDEST);
  }

  paint() {
    if (!this.points.length) return;
    painted(this.canvas, this.width, SHAPE * this.width, (context) => {
      const { font, ink, full, orange } = coloursOf(this.canvas);
      const write = (text, [x, y], style) => {
        context.font = `${style} ${font}`;
        context.fillText(text, x, y);
      };
      Object.assign(context, { textAlign: "center", textBaseline: "middle", lineJoin: "round" });
      Object.assign(context, { fillStyle: ink, strokeStyle: full, lineWidth: 1.5, globalAlpha: 0.18 });
      this.ends.forEach(({ at }) => disc(context, this.onCanvas(at), 2).fill());
      Object.assign(context, { fillStyle: orange, globalAlpha: 1 });
      const near = this.ends.filter(({ prefix }) => this.near.includes(prefix));
      near.forEach(({ at }) => disc(context, this.onCanvas(at), 4).fill());
      context.fillStyle = ink;
      context.stroke(new Path2D(`M${this.points.join("L")}`));
      this.points.forEach((point, i) => {
        const endsWord = this.letters[i + 1] === "␣" || i + 1 === this.points.length;
        if (endsWord || this.points.length <= CROWDED) write(this.letters[i], point, endsWord ? "700 16px" : "12px");
      });
      Object.assign(context, { strokeStyle: orange, lineWidth: 3 });
      disc(context, this.points[this.place], 11).stroke();
    });
  }

  /** The place of the letter below a pointer, or null. */
  under({ offsetX, offsetY }) {
    const far = this.points.map(([x, y]) => Math.hypot(x - offsetX, y - offsetY));
    const [nearest] = extent(far);
    return nearest <= REACH ? far.indexOf(nearest) : null;
  }
}

function disc(context, [x, y], radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  return { fill: () => context.fill(), stroke: () => context.stroke() };
}

const extent = (values) => [-largest(values.map((x) => -x)), largest(values)];
