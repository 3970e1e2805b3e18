// A trained model in a page, for one text at a time: the loop and the ways to choose of decoding.py, around an
// encoder and a decoder, which keep contracts like those of contracts.py. There is one of each kind in the tables.
//
//     encoder.read(ids)                   -> { outputs, a vector for each place; state; cells, what went on inside
//                                            at each place, or null }
//     decoder.start(read)                 -> { state, memory }
//     decoder.step(state, token, memory)  -> { state, logits, attention: the weights (S) of each map; cell, what
//                                            went on inside, or null }
//     decoder.restrict(memory, places)    -> a memory of which these places alone are looked at, if it attends

import { largest, logSoftmax, softmax } from "./arithmetic.js";
import { AttentionDecoder, Decoder, Encoder } from "./recurrent.js";
import { DecoderOnly, NoEncoder, TransformerDecoder, TransformerEncoder } from "./transformer.js";

const ENCODERS = { Encoder, TransformerEncoder, NoEncoder };
const DECODERS = { Decoder, AttentionDecoder, TransformerDecoder, DecoderOnly };

/** A model from what portable.py wrote; `training` are some of the digit strings that it could be trained on. */
export function load({ symbols, training = [], encoder, decoder }) {
  const END = symbols.indexOf("#");
  return {
    symbols,
    training,
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

const greedy = (t, logits) => logits.indexOf(largest(logits));

/** As trace.py: decode greedily, but for the digits and the looks that are forced, each by its step. */
export function trace(model, start, { digits = {}, places = {} } = {}) {
  const choose = (t, logits) => (t in digits ? model.symbols.indexOf(digits[t]) : greedy(t, logits));
  const { tokens, outputs } = decodeWith(choose, model, start, places);
  return {
    read: start.text,
    written: written(model, tokens),
    probabilities: outputs.map(({ logits }) => softmax(logits)), // (T, 11)
    attention: outputs.map(({ attention }) => attention), // (T, maps, S), layer by layer
    layers: model.decoder.layers,
    encoder: start.cells, // (S), each with z, r, c, h; or null
    decoder: outputs[0].cell && outputs.map(({ cell }) => cell), // (T), or null
    kept: outputs.map(({ state }) => numbersIn(state)), // (T), how many numbers the state holds
    digits,
    places,
  };
}

/** Where it looked, as Trace.maps names it: by layer and head, where there are several. */
export function mapNames({ attention: [maps], layers }) {
  const heads = maps.length / layers;
  const named = (what, n, i) => (n > 1 ? `, ${what} ${i + 1}` : "");
  return maps.map((_, i) => named("layer", layers, Math.floor(i / heads)) + named("head", heads, i % heads));
}

const numbersIn = (nest) =>
  ArrayBuffer.isView(nest) ? nest.length : Object.values(nest).reduce((sum, part) => sum + numbersIn(part), 0);

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

// What portable.py wrote

/** Numbers are `{ shape, float32 }`, little-endian bytes in base64; all else is as it is. */
function unpacked(part) {
  if (typeof part !== "object") return part;
  if (Array.isArray(part)) return part.map(unpacked);
  if (!part.float32) return Object.fromEntries(Object.entries(part).map(([k, v]) => [k, unpacked(v)]));
  const bytes = Uint8Array.from(atob(part.float32), (character) => character.charCodeAt(0));
  const values = new DataView(bytes.buffer);
  const all = Float64Array.from({ length: bytes.length / 4 }, (_, i) => values.getFloat32(4 * i, true));
  const width = part.shape.at(-1);
  if (part.shape.length === 1) return all;
  return Array.from({ length: part.shape[0] }, (_, i) => all.subarray(i * width, (i + 1) * width));
}
