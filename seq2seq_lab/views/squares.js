// The squares of a map, painted: as elements, thousands of them would take longer than a reaction may.

import { coloursOf, onOtherColours, painted, resize } from "./canvas.js";
import { parsed, redBlue, scale, share, viridis } from "./colours.js";
import { make } from "./elements.js";

const MOVE = 200; // milliseconds in which squares change their colours
const SHADES = 256;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** A canvas, `element`; its style says which colours are around it. */
export class Squares {
  constructor() {
    this.element = make("canvas", { ariaHidden: "true" });
    this.pixels = document.createElement("canvas"); // one for each square
    onOtherColours(this.element, () => this.refresh());
  }

  /** A map as maps.js says: columns are `wide` pixels wide, and each of `rows` has its `top` and is so `high`. */
  draw(map, wide, rows) {
    const columns = map.columns.length;
    const values = new Float32Array(rows.length * columns);
    rows.forEach((_, r) => map.columns.forEach((_, c) => (values[r * columns + c] = map.value(r, c))));
    const sameSquares = this.map?.columns.length === columns && this.values.length === values.length;
    this.from = sameSquares && this.map.paint === map.paint && !calm.matches ? this.now : values;
    Object.assign(this, { map, wide, rows, values, started: performance.now() });
    cancelAnimationFrame(this.waiting);
    if (this.from === values) this.move(this.started);
    else this.moveLater(); // the old colours stand there already
  }

  moveLater() {
    this.waiting = requestAnimationFrame((time) => this.move(time));
  }

  /** Paint what lies between the values that there were and those that there are. */
  move(time) {
    const done = this.from === this.values ? 1 : Math.min(Math.max(time - this.started, 0) / MOVE, 1);
    this.now = done === 1 ? this.values : this.values.map((to, i) => this.from[i] + done * (to - this.from[i]));
    this.paint();
    if (done < 1) this.moveLater();
  }

  refresh() {
    this.colours = null;
    if (this.map) this.paint();
  }

  paint() {
    const { element, map, wide, rows } = this;
    const columns = map.columns.length;
    const [width, height] = [columns * wide, rows.at(-1).top + rows.at(-1).high];
    painted(element, width, height, (context) => {
      this.colours ??= coloursOn(element);
      this.paintPixels();
      context.imageSmoothingEnabled = false;
      rows.forEach(({ top, high }, r) => context.drawImage(this.pixels, 0, r, columns, 1, 0, top, width, high));
      if (map.text) rows.forEach((row, r) => map.columns.forEach((_, c) => this.write(context, r, c, row)));
    });
  }

  paintPixels() {
    const { pixels, now, map, rows } = this;
    const { least, shades } = this.colours[map.paint];
    resize(pixels, map.columns.length, rows.length);
    const image = new ImageData(pixels.width, pixels.height);
    const all = new Uint32Array(image.data.buffer);
    now.forEach((value, i) => (all[i] = shades[Math.round(share(value, least) * (SHADES - 1))]));
    pixels.getContext("2d").putImageData(image, 0, 0);
  }

  /** What stands in a square, and a frame if it is forced. */
  write(context, r, c, { top, high }) {
    const { map, wide, colours } = this;
    const [text, x] = [map.text(r, c), c * wide];
    if (text) {
      const { turn, light, dark } = colours[map.paint];
      const size = Math.min(0.6 * high, map.large?.(r) ? 1.1 * wide : 0.5 * wide);
      context.font = `${map.large?.(r) ? "600 " : ""}${size}px ${colours.font}`;
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.fillStyle = map.value(r, c) > turn ? dark : light;
      context.fillText(text, x + wide / 2, top + high / 2 + 1);
      if (map.other(r, c)) context.fillRect(x + wide / 2 - size / 3, top + high / 2 + size / 2, size / 1.5, 2);
    }
    if (!map.forced(r, c)) return;
    context.strokeStyle = colours.orange;
    context.lineWidth = 3;
    context.strokeRect(x + 1.5, top + 1.5, wide - 3, high - 3);
  }
}

/** How values are painted, and written upon: in `dark` above `turn`, else in `light`. */
function coloursOn(element) {
  const { ink, ground, full, paper, ...others } = coloursOf(element);
  const blue = scale([ground, full].map(parsed));
  return {
    ...others,
    full: { least: 0, shades: shaded(blue), turn: 0.7, light: ink, dark: paper },
    viridis: { least: 0, shades: shaded(viridis), turn: 0.45, light: "white", dark: "black" },
    redBlue: { least: -1, shades: shaded(redBlue, -1) },
  };
}

/** All colours of a scale, each as its bytes stand in an image. */
function shaded(colour, least = 0) {
  const part = (i) => least + (1 - least) * (i / (SHADES - 1));
  const bytes = Array.from({ length: SHADES }, (_, i) => [...colour(part(i)), 255]);
  return new Uint32Array(Uint8Array.from(bytes.flat()).buffer);
}
