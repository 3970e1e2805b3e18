// The panel: a text, the models that read it, and what is forced upon them. It draws what answer.js answers.
// A Section is all about one model. start.js opens a panel in page.html, widget.js one in a notebook.

import { Answers, INSIDE, count, possible } from "./answer.js";
import { css, viridis } from "./colours.js";
import { fill, make } from "./elements.js";
import { Grid } from "./grid.js";
import { insides, looking, three, visible, writing } from "./maps.js";
import { mapNames } from "./model.js";
import { REST, States } from "./states.js";

const KEYS =
  "Tab goes from map to map, arrow keys within one. Enter or a click forces the symbol, or the look, of a " +
  "square; once more takes it back. A digit or # forces that symbol upon the step, Delete frees the step. " +
  "Shift with Enter or a click adds a place to a look. Ctrl+Z undoes. The arrow keys of the slider take steps.";

// What is asked for

export class Panel {
  /** Models by name; `asked` as answer.js says; `changed(asked)` is told of all that one does. */
  constructor(element, models, asked, changed = () => {}) {
    Object.assign(this, { element, names: Object.keys(models), models, changed, past: [], sections: new Map() });
    this.answers = new Answers(models);
    this.pointed = -1; // the step that is pointed at in a map, or none
    this.text = make("input", { type: "text", spellcheck: false, autocomplete: "off", autocapitalize: "none" });
    const captions = ["Model:", "Beside it:"];
    this.chosen = captions.map(() => make("select"));
    this.words = make("input", { type: "checkbox" });
    this.numbers = make("input", { type: "checkbox" });
    this.step = make("input", { type: "range", min: 1 });
    this.inside = make("select", {}, ...Object.keys(INSIDE).map((value) => make("option", { value })));
    [...this.inside.options].forEach((option) => (option.textContent = INSIDE[option.value]));
    this.undoLast = make("button", { type: "button", textContent: "Undo" });
    this.undoAll = make("button", { type: "button", textContent: "Undo all changes" });
    this.note = make("p", { className: "note" });
    this.note.setAttribute("aria-live", "polite");
    this.body = make("div", { className: "models" });
    this.lookWords = labelled(this.words, "Look at whole words");
    this.lookInside = labelled("Inside:", this.inside);
    this.stepText = make("span");
    this.steps = labelled(this.stepText, this.step);
    const chosen = this.chosen.map((select, i) => labelled(captions[i], select));
    element.classList.add("lab-panel");
    element.append(
      row(labelled("Digit words:", this.text), ...(this.names.length > 1 ? chosen : [])),
      row(
        this.steps,
        this.undoLast,
        this.undoAll,
        this.lookWords,
        labelled(this.numbers, "Numbers"),
        this.lookInside,
        help("Keys", KEYS),
      ),
      this.note,
      this.body,
    );

    this.text.addEventListener("input", () => this.type(this.text.value));
    this.chosen.forEach((select) => select.addEventListener("change", () => this.choose()));
    this.numbers.addEventListener("change", () => this.draw());
    this.step.addEventListener("input", () => {
      this.pointed = -1;
      this.change({ step: Number(this.step.value) - 1 });
    });
    this.inside.addEventListener("change", () => this.change({ inside: this.inside.value }));
    this.undoLast.addEventListener("click", () => this.undo());
    this.undoAll.addEventListener("click", () => this.force({}));
    element.addEventListener("keydown", (event) => this.key(event));
    this.adopt(asked);
  }

  /** Something is asked for, and not by a key or a click here. */
  adopt(asked) {
    if (same(asked, this.asked)) return;
    this.asked = possible(asked, this.models);
    this.past = [];
    this.draw();
  }

  change(parts) {
    this.asked = { ...this.asked, ...parts };
    this.draw();
    this.changed(this.asked);
  }

  /** Another text: forget what was forced. */
  type(text) {
    this.past = [];
    this.change({ text, forced: {} });
  }

  /** Other models: forget what was forced upon those that are gone. */
  choose() {
    const [first, second] = this.chosen.map((select) => select.value);
    const [was] = this.asked.shown;
    const shown = [first, second === first ? was : second].filter(Boolean);
    const kept = Object.entries(this.asked.forced).filter(([name]) => shown.includes(name));
    this.past = [];
    this.change({ shown, forced: Object.fromEntries(kept) });
  }

  force(forced) {
    this.past.push(this.asked.forced);
    this.change({ forced });
  }

  /** Force this upon a step, `kind` being digits or places; take it back where it is forced already. */
  forceStep(name, kind, step, value) {
    const mine = { digits: {}, places: {}, ...this.asked.forced[name] };
    const steps = { ...mine[kind] };
    if (same(steps[step], value) || !value?.length) delete steps[step];
    else steps[step] = value;
    if (!same(steps, mine[kind])) this.force({ ...this.asked.forced, [name]: { ...mine, [kind]: steps } });
  }

  undo() {
    if (this.past.length) this.change({ forced: this.past.pop() });
  }

  key(event) {
    event.stopPropagation(); // whoever is around has other plans for these keys
    if (!(event.ctrlKey || event.metaKey) || event.key !== "z" || event.target === this.text) return;
    this.undo();
    event.preventDefault();
  }

  // What is drawn

  draw() {
    const { note, pieces, models } = this.answers.to(this.asked);
    this.control(models);
    const mark = (piece) => make("mark", { textContent: visible(piece) });
    const marked = pieces.map(([piece, wrong]) => (wrong ? mark(piece) : piece));
    this.note.replaceChildren(note, marked.length ? ": " : "", ...marked);
    this.body.classList.toggle("numbers", this.numbers.checked);
    this.lookWords.hidden = !models.some((each) => each.mayLook);
    const cells = models.flatMap(({ before }) => [before.encoder?.[0], before.decoder?.[0]]).filter(Boolean);
    this.lookInside.hidden = models.length && !cells.length;
    [...this.inside.options].forEach((option) => (option.hidden = !cells.some((cell) => option.value in cell)));
    for (const [name, section] of this.sections) {
      if (!models.some((each) => each.name === name)) {
        section.element.remove();
        this.sections.delete(name);
      }
    }
    models.forEach((each, i) => {
      if (!this.sections.has(each.name)) this.sections.set(each.name, new Section(this, each.name));
      const section = this.sections.get(each.name);
      const there = this.body.children[i];
      if (there !== section.element) this.body.insertBefore(section.element, there ?? null);
      section.draw(each, this.asked, this.names.length > 1, this.numbers.checked);
    });
  }

  control(models) {
    const { text, shown, forced, step, inside } = this.asked;
    if (this.text.value !== text) this.text.value = text;
    const others = ["", ...this.names.filter((name) => name !== shown[0])];
    [this.names, others].forEach((names, i) => {
      const options = names.map((value) => make("option", { value, textContent: value || "nothing" }));
      this.chosen[i].replaceChildren(...options);
      this.chosen[i].value = shown[i] ?? "";
    });
    this.steps.hidden = !models.length;
    this.step.max = Math.max(1, ...models.map(({ after }) => after.written.length));
    this.step.value = step + 1;
    this.step.ariaLabel = "Step";
    this.stepText.textContent = this.step.ariaValueText = `Step ${this.step.value} of ${this.step.max}:`;
    this.inside.value = inside;
    this.undoLast.disabled = !this.past.length;
    this.undoAll.disabled = !Object.values(forced).some((mine) => count(mine.digits) + count(mine.places));
  }

  /** Tell of a step, and let it stand out in all maps: of the one pointed at, else of the one asked for. */
  point(step = -1) {
    if (step === this.pointed) return;
    this.pointed = step;
    for (const section of this.sections.values()) section.tell();
  }
}

/** All about one model. */
class Section {
  constructor(panel, name) {
    Object.assign(this, { panel, name, looks: [] });
    this.title = make("h2", { textContent: name });
    this.said = make("span", { className: "said" });
    this.changes = make("span", { className: "changes" });
    this.save = make("button", { type: "button", textContent: "Save trace" });
    this.save.title = "as a file, which lab.Trace.load reads";
    const file = `${name.replace(/[^\w-]+/g, "-")}.trace.json`;
    this.save.addEventListener("click", () => download(file, plain(this.after)));
    const status = make("p", { role: "status" }, this.said, this.changes);
    this.step = make("p", { className: "step" });

    const symbols = [...panel.models[name].symbols].slice(0, panel.models[name].targets);
    const write = (step, symbol) => panel.forceStep(name, "digits", step, symbol);
    const free = (step) => write(step, null);
    const press = (r, step) => write(step, r > 0 ? symbols[r - 1] : null); // the first row is what is written
    this.symbols = symbols;
    this.writes = this.pair("writes", { symbols, write, free, press });
    this.states = new States(panel.models[name], (place) => this.pointPlace(place));
    this.encoder = new Grid("insides", (_, at) => this.pointPlace(at?.[1]));
    this.decoder = this.pair("insides");
    this.cache = make("p", { className: "free" });
    this.best = make("table");
    this.draws = make("table");
    this.free = make("p", { className: "free", textContent: "Both without what is forced." });
    this.tables = make("div", { className: "tables" }, this.best, this.draws, this.free);
    const first = make("div", { className: "figures" }, pairOf(this.writes), this.tables);
    const last = make("div", { className: "figures" }, this.encoder.element, pairOf(this.decoder), this.cache);
    this.where = make("div", { className: "figures" });
    const maps = make("div", { className: "maps" }, first, this.where, last, this.states.element);
    const head = make("div", { className: "head" }, this.title, status, this.save);
    this.element = make("section", {}, head, this.step, maps);
    this.element.setAttribute("aria-label", name);
    new ResizeObserver(() => this.fit()).observe(this.element);
  }

  /** Two maps: what came of what is forced, and beside it, before, what there was without. */
  pair(kind, hand = null) {
    return [this.grid(kind, hand), this.grid(kind)];
  }

  grid(kind, hand = null) {
    const told = (step, at) => {
      this.panel.point(step);
      if (kind === "looks") this.pointPlace(at?.[1]);
    };
    return new Grid(kind, told, hand);
  }

  /** A letter of the text is pointed at, or none. */
  pointPlace(place = null) {
    this.encoder.mark(place ?? -1);
    this.states.point(place);
  }

  get grids() {
    return [...this.writes, ...this.looks.flat(), this.encoder, ...this.decoder];
  }

  /** Once it is in the page, and when it is made wider or narrower. */
  fit() {
    if (this.room === this.element.clientWidth) return;
    this.room = this.element.clientWidth;
    this.grids.forEach((grid) => grid.fit(this.room, this.numbers));
    this.states.fit(this.room);
  }

  /** Of one map of attention what is and what was, made when a model first has it. */
  look(i, mayLook) {
    if (!this.looks[i]) {
      const look = (step, places) => this.panel.forceStep(this.name, "places", step, places);
      const hand = {
        symbols: this.symbols,
        write: (step, symbol) => this.panel.forceStep(this.name, "digits", step, symbol),
        free: (step) => look(step, null),
        press: (step, place, add) => look(step, this.lookedAt(step, place, add)),
      };
      this.looks[i] = this.pair("looks", mayLook ? hand : null);
      this.where.append(pairOf(this.looks[i]));
    }
    return this.looks[i];
  }

  /** The places of a look: a character or its word; with `add`, beside those looked at already. */
  lookedAt(step, place, add) {
    const text = this.after.read;
    let [first, last] = [place, place];
    if (this.panel.words.checked && text[place] !== " ") {
      while (first > 0 && text[first - 1] !== " ") first--;
      while (last + 1 < text.length && text[last + 1] !== " ") last++;
    }
    const places = Array.from({ length: last + 1 - first }, (_, i) => first + i);
    if (!add) return places;
    const there = this.after.places[step] ?? [];
    const kept = there.filter((i) => !places.includes(i));
    return (there.includes(place) ? kept : [...kept, ...places]).sort((a, b) => a - b);
  }

  draw({ before, after, interfered, mayLook, others }, { step, inside }, several, numbers) {
    Object.assign(this, { after, numbers, asked: step });
    const { digits, places } = after;
    const was = interfered ? before : null;
    const named = (title, i) => (interfered ? `${title}, ${["after", "before"][i]}` : title);
    const room = this.room ?? 0;
    this.title.hidden = !several;
    this.said.textContent = `${after.read} → ${after.written}`;
    const amounts = [many(count(digits), "digit"), many(count(places), "look")].filter(Boolean);
    this.changes.textContent = interfered ? `forced: ${amounts.join(", ")}; before: ${before.written}` : "";

    const drawPair = (grids, title, hint, map) =>
      grids.forEach((grid, i) => {
        grid.element.hidden = i && !interfered;
        if (grid.element.hidden) return;
        grid.draw({ title: named(title, i), hint: i ? "" : hint, ...map([after, before][i], [was, null][i]) }, room, numbers);
      });
    const writes = (trace, was) => writing(trace, this.symbols, was, trace, numbers);
    drawPair(this.writes, "What it writes", "press a square to force its symbol", writes);
    this.where.hidden = !after.layers;
    mapNames(after).forEach((name, n) => {
      const hint = mayLook ? "press a square to look there" : "a row a step";
      const looks = (trace, was) => looking(trace, n, was, trace, numbers);
      drawPair(this.look(n, mayLook), `Where it looks${name}`, hint, looks);
    });
    this.encoder.element.hidden = !after.encoder;
    if (after.encoder) {
      const [name, title] = shownInside(after.encoder, inside);
      const cells = insides([...visible(after.read)], after.encoder, name);
      this.encoder.draw({ title: `${title} of the encoder`, hint: HINTS[name], ...cells }, room, numbers);
    }
    if (after.decoder) {
      const [name, title] = shownInside(after.decoder, inside);
      const cells = (trace, was) => insides([...trace.written], trace.decoder, name, was?.decoder);
      drawPair(this.decoder, `${title} of the decoder`, HINTS[name], cells);
    } else this.decoder.forEach((grid) => (grid.element.hidden = true));
    this.cache.hidden = Boolean(after.decoder);
    const [first, last] = [after.kept[0], after.kept.at(-1)];
    this.cache.textContent = `The decoder's state is a cache: ${first} numbers for each symbol read, ${last} at the end.`;

    this.free.hidden = !interfered;
    this.drawOthers(others, before);
    this.states.draw(after.read, after.encoder);
    this.tell();
  }

  /** The other answers, once there is a moment's rest: what one does is answered before. */
  drawOthers(others, before) {
    if (this.others === others) return;
    this.others = others;
    this.tables.ariaBusy = "true";
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      const { best, draws } = others();
      tabulate(this.best, "The beam's best", best, before);
      tabulate(this.draws, "Samples", draws, before);
      this.tables.ariaBusy = "false";
    }, REST);
  }

  /** One step in a line: what is read, where it looks, what is written. */
  tell() {
    const { after, panel } = this;
    const t = Math.min(panel.pointed < 0 ? this.asked : panel.pointed, after.written.length - 1);
    this.grids.forEach((grid) => grid !== this.encoder && grid.mark(t));
    const p = after.probabilities[t];
    const [first, second] = [...this.symbols.keys()].sort((a, b) => p[b] - p[a]);
    const written = this.symbols.indexOf(after.written[t]);
    const symbol = (id) => [make("kbd", { textContent: this.symbols[id] }), ` ${three(p[id])}`];
    const other = written === first ? [", then ", ...symbol(second)] : [", likelier ", ...symbol(first)];
    const read = make("kbd", { textContent: t ? after.written[t - 1] : "#" });
    const start = make("span", {}, make("b", { textContent: `Step ${t + 1}` }), " reads ", read);
    const verb = t in after.digits ? "must write " : "writes ";
    const end = make("span", {}, verb, ...symbol(written), ...other);
    const looks = make("span", {}, "looks at ", gaze(after.read, after.attention[t]));
    this.step.replaceChildren(start, ...(after.attention[t].length ? [looks] : []), end);
  }
}

/** The text, each letter as bright as it is looked at by any head. */
function gaze(text, attention) {
  const letters = [...visible(text)].map((letter, s) => {
    const weight = Math.max(...attention.map((head) => head[s]));
    const element = make("span", { textContent: letter, className: weight > 0.45 ? "much" : "" });
    element.style.backgroundColor = css(viridis(weight));
    return element;
  });
  return make("span", { className: "gaze" }, ...letters);
}

/** Answers with their probabilities; what differs from the greedy one is underlined. */
function tabulate(table, caption, answers, { written }) {
  const rows = answers.map(({ text, logP }) => {
    const symbols = [...text].map((symbol, t) => (symbol === written[t] ? symbol : make("u", { textContent: symbol })));
    return make("tr", {}, make("td", {}, ...symbols), make("td", { textContent: three(Math.exp(logP)) }));
  });
  table.replaceChildren(make("caption", { textContent: caption }), ...rows);
}

/** What is shown of cells, and its title: what is asked for if they have it, else the state, which all have. */
function shownInside(cells, asked) {
  const name = asked in cells[0] ? asked : "h";
  return [name, INSIDE[name][0].toUpperCase() + INSIDE[name].slice(1)];
}

/** A trace as `lab.Trace.load` reads it. */
function plain({ read, written, probabilities, attention, layers, encoder, digits, places }) {
  const listed = (nest) => (nest.map ? Array.from(nest, listed) : nest);
  const heads = attention[0].length / layers;
  const byLayer = (maps) => Array.from({ length: layers }, (_, i) => maps.slice(i * heads, (i + 1) * heads));
  const looks = attention.map((maps) => (layers > 1 ? byLayer(maps) : heads > 1 ? maps : maps[0]));
  return {
    read,
    written,
    probabilities: listed(probabilities),
    attention: layers ? listed(looks) : null,
    update_gate: encoder?.[0].z ? listed(encoder.map(({ z }) => z)) : null,
    digits,
    places,
  };
}

const HINTS = {
  z: "bright copies, dark writes anew",
  r: "dark leaves the old state out",
  i: "bright writes into the memory",
  f: "bright keeps the memory, dark forgets",
  o: "bright shows the memory",
  m: "blue is -1 or less, red is 1 or more",
  ...Object.fromEntries([..."cgh"].map((name) => [name, "blue is -1, red is 1"])),
};
const pairOf = (grids) => make("div", { className: "pair" }, ...grids.map((grid) => grid.element));
const row = (...children) => make("div", { className: "controls" }, ...children);
const labelled = (...parts) => make("label", {}, ...parts.flatMap((part, i) => (i ? [" ", part] : [part])));
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const many = (n, noun) => (n ? `${n} ${noun}${n > 1 ? "s" : ""}` : "");

function help(title, text) {
  return make("details", {}, make("summary", { textContent: title }), make("p", { textContent: text }));
}

export function download(name, content, type = "application/json") {
  const text = typeof content === "string" ? content : JSON.stringify(content) + "\n";
  const href = URL.createObjectURL(new Blob([text], { type }));
  make("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 1000);
}
