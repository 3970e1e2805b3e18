// What else brings an encoder to a state: texts that it could be trained on, read up to a word.

import { WORDS } from "./answer.js";
import { read } from "./model.js";

/** The states after each word of a model's training texts, by what was read until then. */
export class Training {
  constructor(model) {
    const texts = model.training.map((digits) => Array.from(digits, (digit) => WORDS[digit]).join(" "));
    Object.assign(this, { model, texts, count: texts.length, states: new Map() });
  }

  get done() {
    return !this.texts.length;
  }

  /** A few texts more: all of them take longer than a moment. */
  read(few) {
    for (const text of this.texts.splice(0, few)) {
      read(this.model, text).cells.forEach(({ h }, i) => {
        if (text[i + 1] === " " || i + 1 === text.length) this.states.set(text.slice(0, i + 1), h);
      });
    }
  }

  /** The `n` nearest to a state, the nearest first, with their distances. */
  nearest(state, n) {
    const all = Array.from(this.states, ([prefix, h]) => ({ prefix, distance: distanceOf(h, state) }));
    return all.sort((a, b) => a.distance - b.distance).slice(0, n);
  }
}

function distanceOf(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return Math.sqrt(sum);
}
