// What can be asked of models, and the answer to it. `asked` is
//     { text, shown: [name, ...], forced: { name: { digits: { step: symbol }, places: { step: [place, ...] } } },
//       step, inside }
// with steps and places counted from 0; `step` is the one that is told of, `inside` what is shown of the cells.

import { beam, read, sampled, trace } from "./model.js";

export const WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
const FIRST = "three one four one five six";
const LONGEST = 120; // characters
const DRAWS = 5;
export const INSIDE = {
  ...{ z: "update gate z", r: "reset gate r", c: "candidate c", h: "state h" }, // all cells have an h
  ...{ i: "input gate i", f: "forget gate f", g: "candidate g", o: "output gate o", m: "memory m" }, // of an LSTM
};

/** Answers for models by name. What nothing is forced upon is computed once for a text. */
export class Answers {
  constructor(models) {
    this.models = models;
    this.symbols = Object.values(models)[0].symbols;
    this.free = {};
  }

  /** The faults of the text; and of each model shown what it did before and after anything was forced. */
  to({ text, shown, forced }) {
    const noted = notes(text, this.symbols);
    if (this.text !== text) [this.text, this.free] = [text, {}];
    return { ...noted, models: noted.readable ? shown.map((name) => this.of(name, text, forced[name])) : [] };
  }

  of(name, text, forced) {
    const model = this.models[name];
    const free = (this.free[name] ??= untouched(model, text));
    const interfered = count(forced?.digits) + count(forced?.places) > 0;
    const after = interfered ? trace(model, free.start, forced) : free.before;
    return { name, before: free.before, after, interfered, mayLook: mayLook(model), others: free.others };
  }
}

/** `others()` are other answers than the greedy one, which take longer: they are computed when one asks for them. */
function untouched(model, text) {
  const start = read(model, text);
  let found = null;
  const draws = () => Array.from({ length: DRAWS }, (_, seed) => sampled(model, start, { seed }));
  const others = () => (found ??= { best: beam(model, start), draws: draws() });
  return { start, before: trace(model, start), others };
}

/** What is asked for, as far as these models can do it: a link may say anything. */
export function possible(asked, models) {
  const names = Object.keys(models);
  const text = typeof asked?.text === "string" ? asked.text : FIRST;
  const known = [asked?.shown].flat().filter((name, i, all) => names.includes(name) && all.indexOf(name) === i);
  const shown = known.length ? known.slice(0, 2) : names.slice(-1);
  const isPlace = (i) => Number.isInteger(i) && i >= 0 && i < text.length;
  const steps = (given, holds) =>
    Object.fromEntries(Object.entries(given ?? {}).filter(([t, value]) => /^\d{1,3}$/.test(t) && holds(value)));
  const forced = shown.map((name) => {
    const { symbols, targets } = models[name];
    const isTarget = (symbol) => [...symbols.slice(0, targets)].includes(symbol);
    const isLook = (places) => mayLook(models[name]) && places?.length > 0 && [...places].every(isPlace);
    const { digits, places } = asked?.forced?.[name] ?? {};
    return [name, { digits: steps(digits, isTarget), places: steps(places, isLook) }];
  });
  const some = forced.filter(([, { digits, places }]) => count(digits) + count(places));
  const step = Number.isInteger(asked?.step) && asked.step > 0 ? asked.step : 0;
  const inside = Object.hasOwn(INSIDE, asked?.inside) ? asked.inside : "z";
  return { text, shown, forced: Object.fromEntries(some), step, inside };
}

/** What is wrong with a text; its pieces, and which are at fault; and whether it can be read anyway. */
export function notes(text, symbols) {
  if (!text) return { note: `Type digit words, such as: ${FIRST}`, pieces: [], readable: false };
  const foreign = [...new Set(text)].filter((character) => !symbols.includes(character)).map(escaped);
  const at = (pattern) => pieces(text, new RegExp(pattern, "gsu"));
  if (foreign.length) {
    const note = "The network has no id for what is marked";
    return { note, pieces: at(`(?:${foreign.join("|")})+`), readable: false };
  }
  if (text.length > LONGEST) {
    return { note: `At most ${LONGEST} characters`, pieces: at(`(?<=^.{${LONGEST}}).+`), readable: false };
  }
  const wrong = `(?<![^ ])(?!(?:${WORDS.join("|")})(?![^ ]))[^ ]+|(?<= ) +|^ +| +$`; // other words, spaces too many
  const marked = at(wrong);
  if (marked.every(([, isWrong]) => !isWrong)) return { note: "", pieces: [], readable: true };
  return { note: "Read as it is, though what is marked is no digit word", pieces: marked, readable: true };
}

/** The text cut into what matches and what does not. */
function pieces(text, pattern) {
  const cut = [];
  let last = 0;
  for (const { 0: match, index } of text.matchAll(pattern)) {
    cut.push([text.slice(last, index), false], [match, true]);
    last = index + match.length;
  }
  return [...cut, [text.slice(last), false]].filter(([piece]) => piece);
}

const mayLook = (model) => "restrict" in model.decoder;
const escaped = (character) => `\\u{${character.codePointAt(0).toString(16)}}`;
export const count = (mapping) => Object.keys(mapping ?? {}).length;
