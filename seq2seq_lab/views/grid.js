// A map with its heads, gone through by mouse and by arrow keys. Of its squares, which are painted, one alone is an
// element: the one that keys lead to. It says in words what the square holds.

import { fill, make, put } from "./elements.js";
import { Squares } from "./squares.js";

const HEAD = 20; // pixels: the heads of rows, and those of columns; then the least and the most for a square
const SQUARE = { writes: [13, 34], looks: [8, 24], insides: [8, 24] };
const WITH_NUMBERS = [25, 34];
const HIGH = { writes: 20, looks: 20, insides: 8 };
const LOW = 13; // where there are many rows
const MANY = 24;
const LARGE = 34;
const GAP = 4; // below a large one

export class Grid {
  /** `told(step, at)`: a square is pointed at, of a step or of none, -1; or no square is, null. `hand`: what can be forced. */
  constructor(kind, told, hand = null) {
    Object.assign(this, { kind, told, hand, at: [0, 0], step: -1 });
    this.title = make("b");
    this.readout = make("span", { className: "readout" });
    this.squares = new Squares();
    this.heads = make("div", { role: "row", className: "heads" });
    this.lines = make("div", { role: "rowgroup" });
    this.pointer = make("div", { className: "pointer", hidden: true, ariaHidden: "true" });
    this.grid = make("div", { role: "grid" }, this.heads, this.lines, this.squares.element, this.pointer);
    this.grid.map = () => this.map; // what it shows, for whoever looks at the page by a program
    if (!hand) this.grid.setAttribute("aria-readonly", "true");
    const caption = make("figcaption", {}, this.title, this.readout);
    this.element = make("figure", { className: kind }, caption, make("div", { className: "scroll" }, this.grid));
    this.grid.addEventListener("mousemove", (event) => this.point(this.under(event)));
    this.grid.addEventListener("mouseleave", () => this.point(null));
    this.grid.addEventListener("focusin", () => this.tell(this.at));
    this.grid.addEventListener("focusout", () => this.tell(null));
    this.grid.addEventListener("click", (event) => this.click(event));
    this.grid.addEventListener("keydown", (event) => this.key(event));
  }

  draw({ title, hint, ...map }, room, numbers) {
    const focused = this.focused; // the row may go, and the square with it
    Object.assign(this, { map, hint });
    put(this.title, title);
    if (this.grid.ariaLabel !== title) this.grid.ariaLabel = title;
    this.grid.ariaColCount = map.columns.length + 1;
    this.grid.ariaRowCount = map.rows.length + 1;
    this.drawHeads(map);
    this.fit(room, numbers);
    this.enter(...this.at, focused);
    this.mark(this.step);
    this.pointed = null; // until the pointer moves
    this.pointer.hidden = true;
    this.say(focused ? this.at : null);
  }

  drawHeads({ columns, rows }) {
    fill(this.heads, columns.length + 1, () => make("span", { role: "columnheader" }));
    columns.forEach(({ head, forced = false }, c) => drawHead(this.heads.children[c + 1], head, forced));
    const line = (i) => make("div", { role: "row", ariaRowIndex: i + 2 }, make("span", { role: "rowheader" }));
    fill(this.lines, rows.length, line);
    rows.forEach(({ head, name, large, forced = false }, r) => {
      const [line, first] = [this.lines.children[r], this.lines.children[r].firstChild];
      drawHead(first, head, forced);
      line.classList.toggle("large", Boolean(large));
      if (name) first.ariaLabel = name + (forced ? ", forced" : "");
    });
  }

  /** Squares as wide as there is room for, in whole pixels: else there were gaps. */
  fit(room, numbers) {
    if (!this.map) return;
    const { columns, rows } = this.map;
    const [least, most] = numbers && this.kind !== "insides" ? WITH_NUMBERS : SQUARE[this.kind];
    this.wide = Math.max(least, Math.min(Math.floor((room - HEAD - 4) / columns.length), most));
    const high = rows.length > MANY ? Math.min(LOW, HIGH[this.kind]) : HIGH[this.kind];
    let top = 0;
    this.places = rows.map(({ large }) => {
      const place = { top, high: large ? LARGE : high };
      top += place.high + (large ? GAP : 0);
      return place;
    });
    this.grid.style.width = `${HEAD + columns.length * this.wide}px`;
    this.grid.style.setProperty("--high", `${high}px`);
    this.grid.classList.toggle("narrow", this.wide < 18);
    this.grid.classList.toggle("tall", rows.length > MANY);
    this.squares.draw(this.map, this.wide, this.places);
    this.place(this.cell, this.at);
  }

  /** Put an element over a square. */
  place(element, [r, c]) {
    if (!element || !this.places[r]) return;
    const { top, high } = this.places[r];
    const [left, width] = [HEAD + c * this.wide, this.wide].map((pixels) => `${pixels}px`);
    Object.assign(element.style, { left, width, top: `${HEAD + top}px`, height: `${high}px` });
  }

  get focused() {
    return Boolean(this.cell) && this.grid.getRootNode().activeElement === this.cell;
  }

  /** The one square that Tab leads to; if it is another, it is a new element, of which screen readers tell. */
  enter(r, c, focus) {
    const [old, was] = [this.cell, this.at];
    const { rows, columns } = this.map;
    this.at = [Math.min(Math.max(r, 0), rows.length - 1), Math.min(Math.max(c, 0), columns.length - 1)];
    if (!old || String(was) !== String(this.at)) this.cell = make("span", { role: "gridcell", tabIndex: 0 });
    this.cell.ariaLabel = this.map.label(...this.at);
    this.cell.ariaColIndex = this.at[1] + 2;
    if (this.hand) this.cell.ariaSelected = this.map.forced(...this.at);
    this.place(this.cell, this.at);
    const line = this.lines.children[this.at[0]];
    if (this.cell.parentNode !== line) line.append(this.cell);
    if (focus && !this.focused) this.cell.focus();
    if (old !== this.cell) old?.remove();
  }

  /** The row and the column below a pointer, or null. */
  under({ clientX, clientY }) {
    const box = this.squares.element.getBoundingClientRect();
    const [c, y] = [Math.floor((clientX - box.left) / this.wide), clientY - box.top];
    const r = this.places.findIndex(({ top, high }) => y >= top && y < top + high);
    return r >= 0 && c >= 0 && c < this.map.columns.length ? [r, c] : null;
  }

  point(at) {
    if (String(at) === String(this.pointed)) return;
    this.pointed = at;
    this.pointer.hidden = !at;
    if (at) this.place(this.pointer, at);
    this.tell(at ?? (this.focused ? this.at : null));
  }

  stepOf([r, c]) {
    return { writes: c, looks: r }[this.kind] ?? -1;
  }

  /** The square that is pointed at, or focused: its number told, its step marked everywhere. */
  tell(at) {
    this.say(at);
    this.told(at ? this.stepOf(at) : -1, at);
  }

  say(at) {
    put(this.readout, at ? this.map.label(...at) : this.hint);
    this.readout.classList.toggle("number", Boolean(at));
  }

  /** Let the head of a step stand out: that of a row in a map of looks, else of a column. */
  mark(step) {
    this.step = step;
    this.marked?.classList.remove("here");
    this.marked = this.kind === "looks" ? this.lines.children[step]?.firstChild : this.heads.children[step + 1];
    if (step >= 0) this.marked?.classList.add("here");
  }

  click(event) {
    const at = this.under(event);
    if (!at) return;
    this.enter(...at, true);
    this.hand?.press(...at, event.shiftKey);
  }

  key(event) {
    const [r, c] = this.at;
    const move = {
      ArrowUp: [r - 1, c],
      ArrowDown: [r + 1, c],
      ArrowLeft: [r, c - 1],
      ArrowRight: [r, c + 1],
      Home: [r, 0],
      End: [r, Infinity],
    }[event.key];
    const step = this.stepOf(this.at);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (move) this.enter(...move, true);
    else if (event.key === "Enter" || event.key === " ") this.hand?.press(r, c, event.shiftKey);
    else if (this.hand?.symbols.includes(event.key)) this.hand.write(step, event.key);
    else if (this.hand && ["Delete", "Backspace"].includes(event.key)) this.hand.free(step);
    else return;
    event.preventDefault();
  }
}

function drawHead(element, head, forced) {
  put(element, head);
  if (element.classList.contains("forced") !== forced) element.classList.toggle("forced", forced);
}
