// Where the state of a recurrent encoder goes, and which training words lead close to it. These are read when there
// is a moment's rest, a few texts at a time.

import { make } from "./elements.js";
import { three, visible } from "./maps.js";
import { Training } from "./near.js";
import { Path } from "./path.js";

export const REST = 60; // milliseconds
const FEW = 20; // texts
const NEAREST = 6;
const LONG = 24; // letters of which only the end is shown

export class States {
  /** `told(place)`: a letter is pointed at in the way of the state, or none, null. */
  constructor(model, told) {
    this.training = new Training(model);
    this.pointed = null;
    this.path = new Path(told);
    this.table = make("table", { className: "near" });
    this.element = make("div", { className: "figures", hidden: true }, this.path.element, this.table);
  }

  /** The states after each letter of a text; null, if they are none. They are shown when there is a moment's rest. */
  draw(text, cells) {
    if (this.cells === cells) return;
    Object.assign(this, { text, cells });
    this.element.hidden = !cells || !this.training.count;
    clearTimeout(this.waiting);
    if (!this.element.hidden) this.rest();
  }

  rest() {
    this.waiting = setTimeout(() => {
      if (this.training.done) return this.show();
      this.training.read(FEW);
      this.rest();
    }, REST);
  }

  fit(room) {
    this.path.fit(room);
    if (this.training.done && !this.element.hidden) this.show();
  }

  /** Another place is pointed at, or none: then the last one is told of. */
  point(place) {
    if (place === this.pointed) return;
    this.pointed = place;
    if (!this.element.hidden && this.training.done) this.show();
  }

  show() {
    const { text, cells, training } = this;
    const place = Math.min(this.pointed ?? text.length - 1, text.length - 1);
    this.path.around(training.states);
    const near = training.nearest(cells[place].h, NEAREST);
    this.path.draw([...visible(text)], cells, place, near.map(({ prefix }) => prefix));
    const caption = make("caption", {}, "Training words nearest to the state after ", end(text.slice(0, place + 1)));
    const rows = near.map(({ prefix, distance }) => {
      const cell = make("td", { title: prefix }, end(prefix));
      return make("tr", {}, cell, make("td", { textContent: three(distance) }));
    });
    this.table.replaceChildren(caption, ...rows);
  }
}

/** The end of what was read, its last word in bold. */
function end(text) {
  const shown = text.length > LONG ? `…${text.slice(-LONG)}` : text;
  const last = shown.lastIndexOf(" ", shown.length - 2) + 1;
  return make("span", {}, shown.slice(0, last), make("b", { textContent: visible(shown.slice(last)) }));
}
