// The Transformer: the equations of transformer.py and decoder_only.py, in the same symbols and the same order.
//
// What a place can be asked for and what it then tells is { keys, values }, a vector for each head; what is seen is
// an array of such. The state of a decoder is a cache: how many symbols it has read, and theirs for each layer.

import { dot, largest, mean, norm, plus, relu, softmax, times } from "./arithmetic.js";

class MultiHeadAttention {
  constructor(weights, heads, rotary) {
    Object.assign(this, weights, { heads, rotary });
  }

  keysAndValues(x, position) {
    const [keys, values] = [this.W_k, this.W_v].map((W) => inHeads(times(x, W), this.heads));
    return { keys: this.turned(keys, position), values };
  }

  /** What a place `x` reads of all that is seen, and the weights of each head; `maySee(s)` says which it may. */
  look(x, position, seen, maySee) {
    const q = this.turned(inHeads(times(x, this.W_q), this.heads), position);
    const weights = q.map((q_h, h) => {
      const score = new Float64Array(seen.length).fill(-Infinity);
      for (let s = 0; s < seen.length; s++) {
        if (maySee(s)) score[s] = dot(q_h, seen[s].keys[h]) / Math.sqrt(q_h.length);
      }
      return softmax(score);
    });
    const heads = weights.map((weight, h) => times(weight, seen.map(({ values }) => values[h]))); // sum_s weight_s v_s
    return { read: times(joined(...heads), this.W_o), weights };
  }

  turned(heads, position) {
    return this.rotary ? heads.map((x) => rotated(x, position)) : heads;
  }
}

class Block {
  constructor({ attention, cross_attention, ...weights }, heads, rotary) {
    Object.assign(this, weights);
    this.attention = new MultiHeadAttention(attention, heads, rotary);
    if (cross_attention) this.crossAttention = new MultiHeadAttention(cross_attention, heads, false);
  }

  /**
   * Places one layer further, the first of them at `position`. They see those `before` and themselves, as far as
   * `maySee(t, s)` lets place t; `memory`: { seen, mask }, what they look at besides. -> the places, all that they
   * saw, and of each the weights of the last attention.
   */
  forward(places, position, maySee, before = [], memory = null) {
    const y = places.map((x) => norm(x, this.norms[0]));
    const seen = [...before, ...y.map((y_t, t) => this.attention.keysAndValues(y_t, position + t))];
    const maps = [];
    const after = places.map((x, t) => {
      let { read, weights } = this.attention.look(y[t], position + t, seen, (s) => maySee(t, s));
      x = plus(x, read);
      if (memory) {
        const { seen, mask } = memory;
        ({ read, weights } = this.crossAttention.look(norm(x, this.norms[1]), position + t, seen, (s) => mask[s]));
        x = plus(x, read);
      }
      maps.push(weights);
      const z = relu(plus(times(norm(x, this.norms.at(-1)), this.W_1), this.b_1));
      return plus(x, times(z, this.W_2), this.b_2);
    });
    return { places: after, seen, maps };
  }
}

/** What encoder and decoders share: embeddings, positions, blocks, and a last norm. */
class Part {
  constructor({ blocks, ...weights }) {
    Object.assign(this, weights);
    this.blocks = blocks.map((block) => new Block(block, this.heads, this.positions === "rotary"));
  }

  get layers() {
    return this.blocks.length;
  }

  /** Symbols, the first of them at `position`, as vectors, positions added where they are. */
  embedded(ids, position) {
    return ids.map((id, i) => {
      const x = this.embeddings[id];
      if (this.positions === "sinusoidal") return plus(x, sinusoidal(position + i, x.length));
      if (this.positions === "learned") return plus(x, this.table[Math.min(position + i, this.table.length - 1)]);
      return x;
    });
  }
}

export class TransformerEncoder extends Part {
  read(ids) {
    let places = this.embedded(ids, 0);
    for (const block of this.blocks) ({ places } = block.forward(places, 0, () => true));
    const outputs = places.map((x) => norm(x, this.norm));
    return { outputs, state: mean(outputs), cells: null };
  }
}

/** What decoders with a cache share: `further(...)` takes a symbol through a block. */
class CachingDecoder extends Part {
  start({ outputs }) {
    const memory = { layers: this.remember(outputs), mask: outputs.map(() => true) };
    return { state: { t: 0, layers: this.blocks.map(() => []) }, memory };
  }

  step({ t, layers }, token, memory) {
    let [x] = this.embedded([token], this.position(t, memory));
    const [kept, attention] = [[], []];
    this.blocks.forEach((block, i) => {
      const further = this.further(block, x, t, layers[i], memory.layers[i], memory);
      x = further.x;
      kept.push(further.kept);
      attention.push(...further.weights);
    });
    return { state: { t: t + 1, layers: kept }, logits: this.logits(x), attention, cell: null };
  }

  logits(x) {
    return plus(times(norm(x, this.norm), this.W_out), this.b_out);
  }

  restrict(memory, places) {
    return { ...memory, mask: memory.mask.map((_, s) => places.includes(s)) };
  }
}

export class TransformerDecoder extends CachingDecoder {
  remember(outputs) {
    return this.blocks.map((block) => outputs.map((h) => block.crossAttention.keysAndValues(h)));
  }

  position(t) {
    return t;
  }

  further(block, x, t, before, seen, { mask }) {
    const after = block.forward([x], t, () => true, before, { seen, mask });
    return { x: after.places[0], kept: after.seen, weights: after.maps[0] };
  }
}

/** Goes with NoEncoder: text and answer are one stream, and every symbol sees those before it. */
export class DecoderOnly extends CachingDecoder {
  remember(outputs) {
    const ids = outputs.map((x) => x.indexOf(largest(x)));
    let places = this.embedded(ids, 0);
    return this.blocks.map((block) => {
      const after = block.forward(places, 0, (t, s) => s <= t);
      places = after.places;
      return after.seen;
    });
  }

  position(t, { mask }) {
    return mask.length + t; // behind the text
  }

  further(block, x, t, before, text, memory) {
    const [S, position] = [text.length, this.position(t, memory)];
    const maySee = (_, s) => s >= S || memory.mask[s];
    const after = block.forward([x], position, maySee, [...text, ...before]);
    const weights = after.maps[0].map((weight) => weight.slice(0, S));
    return { x: after.places[0], kept: after.seen.slice(S), weights };
  }

  logits(x) {
    return super.logits(x).slice(0, this.targets);
  }
}

/** Passes a text on as it is, as rows with a single 1. */
export class NoEncoder {
  constructor({ symbols }) {
    this.symbols = symbols;
  }

  read(ids) {
    const outputs = ids.map((id) => Float64Array.from({ length: this.symbols }, (_, i) => Number(i === id)));
    return { outputs, state: null, cells: null };
  }
}

// Positions and heads

const anglesOf = (position, width) =>
  Float64Array.from({ length: width / 2 }, (_, i) => position / 10_000 ** ((2 * i) / width));

function sinusoidal(position, width) {
  const angles = anglesOf(position, width);
  return joined(angles.map(Math.sin), angles.map(Math.cos));
}

/** Each pair of numbers turned by an angle that grows with the position. */
function rotated(x, position) {
  const angles = anglesOf(position, x.length);
  const [sin, cos] = [angles.map(Math.sin), angles.map(Math.cos)];
  const [a, b] = inHeads(x, 2);
  return joined(a.map((_, i) => a[i] * cos[i] - b[i] * sin[i]), b.map((_, i) => a[i] * sin[i] + b[i] * cos[i]));
}

function inHeads(x, heads) {
  const d = x.length / heads;
  return Array.from({ length: heads }, (_, h) => x.subarray(h * d, (h + 1) * d));
}

function joined(...vectors) {
  const all = new Float64Array(vectors.length * vectors[0].length);
  vectors.forEach((x, i) => all.set(x, i * x.length));
  return all;
}
