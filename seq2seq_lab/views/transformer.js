// The Transformer: the equations of transformer.py and decoder_only.py, in the same symbols and the same order.
//
// What places can be asked for and what they then tell is { keys, values } of each head, a vector for each place. The
// state of a decoder is a cache: how many symbols it has read, and of each layer what these can be asked for.

import { dot, joined, largest, mean, norm, plus, relu, softmax, times } from "./arithmetic.js";

class MultiHeadAttention {
  constructor(weights, heads, rotary) {
    Object.assign(this, weights, { heads, rotary });
  }

  /** Of places, the first of them at `position`. */
  keysAndValues(places, position) {
    const keys = places.map((x, s) => this.turned(inHeads(times(x, this.W_k), this.heads), position + s));
    const values = places.map((x) => inHeads(times(x, this.W_v), this.heads));
    const of = (h) => ({ keys: keys.map((k) => k[h]), values: values.map((v) => v[h]) });
    return Array.from({ length: this.heads }, (_, h) => of(h));
  }

  /** What a place `x` reads of all that is seen, and the weights of each head; where `mask` is false it is not seen. */
  look(x, position, seen, mask = []) {
    const q = this.turned(inHeads(times(x, this.W_q), this.heads), position);
    const weights = q.map((q_h, h) => softmax(scores(q_h, seen[h].keys, mask)));
    const heads = weights.map((weight, h) => times(weight, seen[h].values)); // sum_s weight_s v_s
    return { read: times(joined(...heads), this.W_o), weights };
  }

  turned(heads, position) {
    return this.rotary ? heads.map((x) => rotated(x, position)) : heads;
  }
}

/** q · k / sqrt(d) */
function scores(q, keys, mask) {
  const score = new Float64Array(keys.length);
  for (let s = 0; s < keys.length; s++) score[s] = mask[s] === false ? -Infinity : dot(q, keys[s]) / Math.sqrt(q.length);
  return score;
}

class Block {
  constructor({ attention, cross_attention, ...weights }, heads, rotary) {
    Object.assign(this, weights);
    this.attention = new MultiHeadAttention(attention, heads, rotary);
    if (cross_attention) this.crossAttention = new MultiHeadAttention(cross_attention, heads, false);
  }

  /**
   * Places one layer further, the first of them at `position`. `allSeen`: from what they can be asked for themselves
   * to all that they see; `mask`: where that may be seen. `memory`: { seen, mask }, what they look at besides.
   * -> the places, what they could be asked for, and of each the weights of its last attention.
   */
  forward(places, position, allSeen = (own) => own, mask = [], memory = null) {
    const y = places.map((x) => norm(x, this.norms[0]));
    const own = this.attention.keysAndValues(y, position);
    const [seen, maps] = [allSeen(own), []];
    const after = places.map((x, t) => {
      let { read, weights } = this.attention.look(y[t], position + t, seen, mask);
      x = plus(x, read);
      if (memory) {
        const z = norm(x, this.norms[1]);
        ({ read, weights } = this.crossAttention.look(z, position + t, memory.seen, memory.mask));
        x = plus(x, read);
      }
      maps.push(weights);
      const z = relu(plus(times(norm(x, this.norms.at(-1)), this.W_1), this.b_1));
      return plus(x, times(z, this.W_2), this.b_2);
    });
    return { places: after, own, maps };
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
    for (const block of this.blocks) ({ places } = block.forward(places, 0));
    const outputs = places.map((x) => norm(x, this.norm));
    return { outputs, state: mean(outputs), cells: null };
  }
}

/** What decoders with a cache share. `look(block, ...)` takes a symbol through a block. */
class CachingDecoder extends Part {
  start({ outputs }) {
    const memory = { layers: this.remember(outputs), mask: outputs.map(() => true) };
    return { state: { t: 0, layers: this.blocks.map(() => this.nothing()) }, memory };
  }

  step({ t, layers }, token, memory) {
    const position = this.position(t, memory);
    let places = this.embedded([token], position);
    const [kept, attention] = [[], []];
    this.blocks.forEach((block, i) => {
      const after = this.look(block, places, position, layers[i], memory.layers[i], memory.mask);
      places = after.places;
      kept.push(behind(layers[i], after.own));
      attention.push(...after.maps[0].map((weight) => weight.slice(0, memory.mask.length)));
    });
    return { state: { t: t + 1, layers: kept }, logits: this.logits(places[0]), attention, cell: null };
  }

  logits(x) {
    return plus(times(norm(x, this.norm), this.W_out), this.b_out);
  }

  restrict(memory, places) {
    return { ...memory, mask: memory.mask.map((_, s) => places.includes(s)) };
  }

  nothing() {
    return Array.from({ length: this.heads }, () => ({ keys: [], values: [] }));
  }
}

export class TransformerDecoder extends CachingDecoder {
  remember(outputs) {
    return this.blocks.map((block) => block.crossAttention.keysAndValues(outputs, 0));
  }

  position(t) {
    return t;
  }

  look(block, places, position, before, seen, mask) {
    return block.forward(places, position, (own) => behind(before, own), [], { seen, mask });
  }
}

/** Goes with NoEncoder: text and answer are one stream, and every symbol sees those before it. */
export class DecoderOnly extends CachingDecoder {
  remember(outputs) {
    let layers = this.blocks.map(() => this.nothing());
    outputs.forEach((x, s) => {
      let places = this.embedded([x.indexOf(largest(x))], s);
      layers = this.blocks.map((block, i) => {
        const after = block.forward(places, s, (own) => behind(layers[i], own));
        places = after.places;
        return behind(layers[i], after.own);
      });
    });
    return layers;
  }

  position(t, { mask }) {
    return mask.length + t; // behind the text
  }

  look(block, places, position, before, text, mask) {
    return block.forward(places, position, (own) => behind(text, before, own), mask);
  }

  logits(x) {
    return super.logits(x).slice(0, this.targets);
  }
}

/** All of these places, one behind the other. */
function behind(...all) {
  const both = (h, name) => [].concat(...all.map((each) => each[h][name]));
  return all[0].map((_, h) => ({ keys: both(h, "keys"), values: both(h, "values") }));
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
