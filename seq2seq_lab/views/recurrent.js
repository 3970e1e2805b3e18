// Recurrent encoder and decoders: the equations of gru.py, encoder_decoder.py and attention.py, in the same symbols
// and the same order; beside the GRU the LSTM, and cells on top of each other.

import { joined, plus, product, sigmoid, softmax, tanh, times } from "./arithmetic.js";

// Cells: `zero()`, the first state; `step(x, state)` -> { state, h: what it puts out, inside: vectors by name }

class GRUCell {
  constructor(weights) {
    Object.assign(this, weights);
  }

  zero() {
    return new Float64Array(this.b_z.length);
  }

  /** z, the update gate; r, the reset gate; c, the candidate; h, the new state. */
  step(x, before) {
    const { W_xz, W_xr, W_xc, W_hz, W_hr, W_hc, b_z, b_r, b_c } = this;
    const z = sigmoid(plus(times(x, W_xz), times(before, W_hz), b_z));
    const r = sigmoid(plus(times(x, W_xr), times(before, W_hr), b_r));
    const c = tanh(plus(times(x, W_xc), times(product(r, before), W_hc), b_c));
    const h = before.map((h_i, i) => (1 - z[i]) * c[i] + z[i] * h_i);
    return { state: h, h, inside: { z, r, c, h } };
  }
}

class LSTMCell {
  constructor(weights) {
    Object.assign(this, weights);
  }

  zero() {
    return [0, 1].map(() => new Float64Array(this.b_i.length));
  }

  /** i, f, o, the input, forget and output gate; g, the candidate; m, the memory, which Keras calls c. */
  step(x, [before, memory]) {
    const { W_xi, W_xf, W_xg, W_xo, W_hi, W_hf, W_hg, W_ho, b_i, b_f, b_g, b_o } = this;
    const i = sigmoid(plus(times(x, W_xi), times(before, W_hi), b_i));
    const f = sigmoid(plus(times(x, W_xf), times(before, W_hf), b_f));
    const g = tanh(plus(times(x, W_xg), times(before, W_hg), b_g));
    const o = sigmoid(plus(times(x, W_xo), times(before, W_ho), b_o));
    const m = plus(product(f, memory), product(i, g));
    const h = product(o, tanh(m));
    return { state: [h, m], h, inside: { i, f, g, o, m, h } };
  }
}

class StackedRNNCells {
  constructor({ cells }) {
    this.cells = cells.map(cellOf);
  }

  zero() {
    return this.cells.map((cell) => cell.zero());
  }

  /** Each cell reads what the one below puts out; `inside` are the outputs of all. */
  step(x, states) {
    const steps = [];
    this.cells.forEach((cell, i) => steps.push(cell.step(steps.at(-1)?.h ?? x, states[i])));
    const outputs = steps.map(({ h }) => h);
    return { state: steps.map(({ state }) => state), h: outputs.at(-1), inside: { h: inARow(outputs) } };
  }
}

const CELLS = { GRUCell, LSTMCell, StackedRNNCells };
const cellOf = (cell) => new CELLS[cell.kind](cell);

export class Encoder {
  constructor({ cell, ...weights }) {
    Object.assign(this, weights, { cell: cellOf(cell) });
  }

  read(ids) {
    const steps = [];
    let state = this.cell.zero();
    for (const id of ids) {
      steps.push(this.cell.step(this.embeddings[id], state));
      state = steps.at(-1).state;
    }
    return { outputs: steps.map(({ h }) => h), state, cells: steps.map(({ inside }) => inside) };
  }
}

export class Decoder {
  constructor({ cell, ...weights }) {
    Object.assign(this, weights, { cell: cellOf(cell) });
  }

  get layers() {
    return 0; // that look anywhere
  }

  start({ state }) {
    return { state, memory: null };
  }

  step(state, token) {
    return this.output(this.cell.step(this.embeddings[token], state), []);
  }

  output({ state, h, inside }, attention) {
    return { state, logits: plus(times(h, this.W_out), this.b_out), attention, cell: inside };
  }
}

export class AttentionDecoder extends Decoder {
  get layers() {
    return 1;
  }

  start({ outputs, state }) {
    const { U_a, b_a } = this.attention;
    const keys = outputs.map((h) => plus(times(h, U_a), b_a));
    const memory = { outputs, keys: keys.map(exp2), seen: outputs.map(() => true) };
    const first = tanh(plus(times(inARow(state), this.W_s), this.b_s));
    return { state: cutLike(this.cell.zero(), first), memory };
  }

  step(state, token, { outputs, keys, seen }) {
    const { W_a, v_a } = this.attention;
    const query = exp2(times(inARow(state), W_a));
    const weight = softmax(keys.map((key, s) => (seen[s] ? score(v_a, key, query) : -Infinity)));
    const context = times(weight, outputs); // sum_s weight_s h_s
    const x = joined(this.embeddings[token], context);
    return this.output(this.cell.step(x, state), [weight]);
  }

  restrict(memory, places) {
    return { ...memory, seen: memory.seen.map((_, s) => places.includes(s)) };
  }
}

/** v_a · tanh(key_s + query), from e^(2 key_s) and e^(2 query): no exponential for each place and unit. */
function score(v_a, key, query) {
  let sum = 0;
  for (let a = 0; a < v_a.length; a++) sum += v_a[a] * (1 - 2 / (1 + key[a] * query[a]));
  return sum;
}

const exp2 = (a) => a.map((x) => Math.exp(2 * x));

/** All that a state holds, one part beside the other. */
const inARow = (state) => (ArrayBuffer.isView(state) ? state : joined(...state.map(inARow)));

/** The reverse: a row as a state like this one. */
function cutLike(state, row) {
  let at = 0;
  const cut = (part) => (ArrayBuffer.isView(part) ? row.subarray(at, (at += part.length)) : part.map(cut));
  return cut(state);
}
