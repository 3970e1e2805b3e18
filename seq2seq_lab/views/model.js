// A trained model in a page: the equations of gru.py, encoder_decoder.py and attention.py, the loop and the ways
// to choose of decoding.py, in the same symbols and the same order, for one text at a time.
//
// A vector is a Float64Array, a matrix an array of its rows. `x W` is `times(x, W)`.
// A new kind of model is one more encoder and one more decoder, in the tables ENCODERS and DECODERS.

/** A model from what portable.py wrote. */
export function load({ symbols, encoder, decoder }) {
  const END = symbols.indexOf("#");
  return {
    symbols,
    END,
    targets: END + 1, // digits and `#` come first
    encoder: new ENCODERS[encoder.kind](unpacked(encoder)),
    decoder: new DECODERS[decoder.kind](unpacked(decoder)),
  };
}

/** What every answer to a text begins with: it is read once, however often it is answered. */
export function read(model, text) {
  const ids = Array.from(text, (character) => model.symbols.indexOf(character));
  const { cells, ...encoded } = model.encoder.read(ids);
  return { text, cells, steps: longestAnswer(text), ...model.decoder.start(encoded) };
}

// The cell

/** One step: z, the update gate; r, the reset gate; c, the candidate; h, the new state. */
function gru({ W_xz, W_xr, W_xc, W_hz, W_hr, W_hc, b_z, b_r, b_c }, x, h) {
  const z = sigmoid(plus(times(x, W_xz), times(h, W_hz), b_z));
  const r = sigmoid(plus(times(x, W_xr), times(h, W_hr), b_r));
  const c = tanh(plus(times(x, W_xc), times(product(r, h), W_hc), b_c));
  return { z, r, c, h: h.map((h_i, i) => (1 - z[i]) * c[i] + z[i] * h_i) };
}

// Encoders: `read(ids)` -> { outputs, an h for each place; state, for the decoder; cells, what went on inside }

class Encoder {
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

// Decoders: `start(read)` -> { state, memory }; `step(state, token, memory)` -> { state, logits, attention: the
// weights of each head, cell: what went on inside }; `restrict(memory, places)`, if it attends, as in Python

class Decoder {
  constructor(weights) {
    Object.assign(this, weights);
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

class AttentionDecoder extends Decoder {
  start({ outputs, state }) {
    const { U_a, b_a } = this.attention;
    const keys = outputs.map((h) => plus(times(h, U_a), b_a));
    const memory = { outputs, keys, seen: outputs.map(() => true) };
    return { state: tanh(plus(times(state, this.W_s), this.b_s)), memory };
  }

  step(h, token, { outputs, keys, seen }) {
    const { W_a, v_a } = this.attention;
    const query = times(h, W_a);
    const weight = softmax(keys.map((key, s) => (seen[s] ? score(v_a, key, query) : -Infinity)));
    const context = times(weight, outputs); // sum_s weight_s h_s
    const x = Float64Array.of(...this.embeddings[token], ...context);
    return this.output(gru(this.cell, x, h), [weight]);
  }

  restrict(memory, places) {
    return { ...memory, seen: memory.seen.map((_, s) => places.includes(s)) };
  }
}

/** v_a · tanh(key_s + query) */
function score(v_a, key, query) {
  let sum = 0;
  for (let a = 0; a < v_a.length; a++) sum += v_a[a] * tanhOf(key[a] + query[a]);
  return sum;
}

const ENCODERS = { gru: Encoder };
const DECODERS = { gru: Decoder, attention: AttentionDecoder };

// The loop, and the ways to choose

/** How many symbols an answer to a text may have. */
const longestAnswer = (text) => 2 * Math.floor((text.length + 1) / 4) + 1;

/** The one loop: step the decoder, and choose the token that it reads next. `places`: by step, what is seen. */
function decodeWith(choose, model, { state, memory, steps }, places = {}) {
  const [tokens, outputs] = [[], []];
  let token = model.END;
  for (let t = 0; t < steps; t++) {
    const seen = t in places ? model.decoder.restrict(memory, places[t]) : memory;
    outputs.push(model.decoder.step(state, token, seen));
    state = outputs[t].state;
    token = choose(t, outputs[t].logits);
    tokens.push(token);
    if (token === model.END) break;
  }
  return { tokens, outputs };
}

const greedy = (t, logits) => logits.indexOf(Math.max(...logits));

/** As trace.py: decode greedily, but for the digits and the looks that are forced, each by its step. */
export function trace(model, start, { digits = {}, places = {} } = {}) {
  const choose = (t, logits) => (t in digits ? model.symbols.indexOf(digits[t]) : greedy(t, logits));
  const { tokens, outputs } = decodeWith(choose, model, start, places);
  return {
    read: start.text,
    written: written(model, tokens),
    probabilities: outputs.map(({ logits }) => softmax(logits)), // (T, 11)
    attention: outputs.map(({ attention }) => attention), // (T, heads, S)
    encoder: start.cells, // (S), each with z, r, c, h
    decoder: outputs.map(({ cell }) => cell), // (T)
    digits,
    places,
  };
}

/** Draws one answer; another seed, another answer. Python draws by another generator. */
export function sampled(model, start, { seed, ...cuts }) {
  const random = generator(seed);
  const choose = (t, logits) => drawn(cutOff(logits, cuts).map(Math.exp), random());
  const { tokens, outputs } = decodeWith(choose, model, start);
  const logP = tokens.reduce((sum, token, t) => sum + logSoftmax(outputs[t].logits)[token], 0);
  return { text: written(model, tokens), logP };
}

/** Logarithms of what may be drawn, -Infinity for all else: temperature, `topK`, then `topP`. */
export function cutOff(logits, { temperature = 1, topK = Infinity, topP = 1 } = {}) {
  const logP = logSoftmax(logits.map((logit) => logit / temperature));
  const order = [...logP.keys()].sort((a, b) => logP[b] - logP[a]); // the likeliest first
  order.slice(topK).forEach((i) => (logP[i] = -Infinity));
  const left = logSoftmax(logP);
  let before = 0; // the sum of all that are likelier
  for (const i of order) {
    const p = Math.exp(left[i]);
    if (before >= topP && topP < 1) left[i] = -Infinity;
    before += p;
  }
  return left;
}

/** The `width` best hypotheses, the best first, by log-probability / length ** lengthPower. */
export function beam(model, { state, memory, steps }, { width = 4, lengthPower = 0 } = {}) {
  let hypotheses = [{ tokens: [], state, logP: 0, score: 0 }];
  const isOpen = ({ tokens }) => tokens.at(-1) !== model.END && tokens.length < steps;
  while (hypotheses.some(isOpen)) {
    const longer = hypotheses.flatMap((hypothesis) => {
      if (!isOpen(hypothesis)) return [hypothesis]; // it stays as it is, and goes on competing
      const token = hypothesis.tokens.at(-1) ?? model.END;
      const { state, logits } = model.decoder.step(hypothesis.state, token, memory);
      return Array.from(logSoftmax(logits), (logQ, i) => {
        const [tokens, logP] = [[...hypothesis.tokens, i], hypothesis.logP + logQ];
        return { tokens, state, logP, score: logP / tokens.length ** lengthPower };
      });
    });
    hypotheses = longer.sort((a, b) => b.score - a.score).slice(0, width);
  }
  return hypotheses.map(({ tokens, logP, score }) => ({ text: written(model, tokens), logP, score }));
}

const written = (model, tokens) => tokens.map((token) => model.symbols[token]).join("");

/** The symbol at which the sum of the probabilities passes `u`, 0 <= u < 1. */
function drawn(p, u) {
  const total = p.reduce((a, b) => a + b);
  const at = p.findIndex((p_i) => (u -= p_i / total) < 0);
  return at < 0 ? p.findLastIndex((p_i) => p_i > 0) : at; // rounding may leave a trace of `u`
}

/** Evenly distributed from 0 to below 1, the same from the same seed (Mulberry32). */
function generator(seed) {
  let state = Math.imul(seed + 1, 0x9e3779b1); // neighbours begin far from each other
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

// Arithmetic

function times(x, W) {
  const y = new Float64Array(W[0].length);
  for (let i = 0; i < x.length; i++) {
    for (let j = 0; j < y.length; j++) y[j] += x[i] * W[i][j];
  }
  return y;
}

function plus(a, ...others) {
  const sum = a.slice();
  for (const b of others) {
    for (let i = 0; i < sum.length; i++) sum[i] += b[i];
  }
  return sum;
}

const product = (a, b) => a.map((a_i, i) => a_i * b[i]);
const sigmoid = (a) => a.map((x) => 1 / (1 + Math.exp(-x)));
const tanhOf = (x) => 1 - 2 / (1 + Math.exp(2 * x)); // three times as fast as Math.tanh
const tanh = (a) => a.map(tanhOf);

function softmax(a) {
  return logSoftmax(Float64Array.from(a)).map(Math.exp);
}

function logSoftmax(a) {
  const most = Math.max(...a);
  const log = most + Math.log(a.reduce((sum, x) => sum + Math.exp(x - most), 0));
  return a.map((x) => x - log);
}

// What portable.py wrote

/** Numbers are `{ shape, float32 }`, little-endian bytes in base64; all else is as it is. */
function unpacked(part) {
  if (typeof part !== "object") return part;
  if (!part.float32) return Object.fromEntries(Object.entries(part).map(([k, v]) => [k, unpacked(v)]));
  const bytes = Uint8Array.from(atob(part.float32), (character) => character.charCodeAt(0));
  const values = new DataView(bytes.buffer);
  const all = Float64Array.from({ length: bytes.length / 4 }, (_, i) => values.getFloat32(4 * i, true));
  const width = part.shape.at(-1);
  if (part.shape.length === 1) return all;
  return Array.from({ length: part.shape[0] }, (_, i) => all.subarray(i * width, (i + 1) * width));
}
