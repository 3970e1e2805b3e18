// Recurrent encoder and decoders: the equations of gru.py, encoder_decoder.py and attention.py, in the same symbols
// and the same order.

import { plus, product, sigmoid, softmax, tanh, times } from "./arithmetic.js";

/** One step: z, the update gate; r, the reset gate; c, the candidate; h, the new state. */
function gru({ W_xz, W_xr, W_xc, W_hz, W_hr, W_hc, b_z, b_r, b_c }, x, h) {
  const z = sigmoid(plus(times(x, W_xz), times(h, W_hz), b_z));
  const r = sigmoid(plus(times(x, W_xr), times(h, W_hr), b_r));
  const c = tanh(plus(times(x, W_xc), times(product(r, h), W_hc), b_c));
  return { z, r, c, h: h.map((h_i, i) => (1 - z[i]) * c[i] + z[i] * h_i) };
}

export class Encoder {
  constructor(weights) {
    Object.assign(this, weights);
  }

  read(ids) {
    const cells = [];
    let h = new Float64Array(this.cell.b_z.length);
    for (const id of ids) {
      cells.push(gru(this.cell, this.embeddings[id], h));
      h = cells.at(-1).h;
    }
    return { outputs: cells.map((cell) => cell.h), state: h, cells };
  }
}

export class Decoder {
  constructor(weights) {
    Object.assign(this, weights);
  }

  get layers() {
    return 0; // that look anywhere
  }

  start({ state }) {
    return { state, memory: null };
  }

  step(h, token) {
    return this.output(gru(this.cell, this.embeddings[token], h), []);
  }

  output(cell, attention) {
    return { state: cell.h, logits: plus(times(cell.h, this.W_out), this.b_out), attention, cell };
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
    return { state: tanh(plus(times(state, this.W_s), this.b_s)), memory };
  }

  step(h, token, { outputs, keys, seen }) {
    const { W_a, v_a } = this.attention;
    const query = exp2(times(h, W_a));
    const weight = softmax(keys.map((key, s) => (seen[s] ? score(v_a, key, query) : -Infinity)));
    const context = times(weight, outputs); // sum_s weight_s h_s
    const x = Float64Array.of(...this.embeddings[token], ...context);
    return this.output(gru(this.cell, x, h), [weight]);
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
