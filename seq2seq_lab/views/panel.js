// The panel draws traces, and says what a key or a click asks for. It computes nothing itself: `ask` is told
// what is wanted, and whoever computes gives the answer to `show`. In a notebook the kernel does (panel.py,
// which also says what an answer holds).

const SYMBOLS = [..."0123456789#"];
const VIRIDIS = "440154 472d7b 3b528b 2c728e 21918c 28ae80 5ec962 addc30 fde725"
  .split(" ")
  .map((hex) => [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16)));
const HEAD = 20; // pixels: the heads of rows; then the least and the most for a square
const SQUARE = { writes: [13, 26], looks: [8, 15], gate: [8, 15] };
const WITH_NUMBERS = [25, 26];
const KEYS =
  "Tab goes from map to map, arrow keys within one. Enter or a click forces the symbol, or the look, of a " +
  "square; once more takes it back. A digit or # forces that symbol upon the step, Delete frees the step. " +
  "Shift with Enter or a click adds a place to a look. Ctrl+Z undoes.";

export default { render };

/** What a notebook calls: the kernel computes. */
function render({ model, el }) {
  const ask = (asked) => {
    model.set("asked", asked);
    model.save_changes();
  };
  const panel = new Panel(el, model.get("names"), ask);
  const adopt = () => panel.adopt(model.get("asked"));
  const show = () => panel.show(model.get("answered"));
  adopt();
  show();
  new ResizeObserver(() => hideStill(el, model.get("still"))).observe(el); // once it is in the page
  model.on("change:asked", adopt);
  model.on("change:answered", show);
  return () => {
    model.off("change:asked", adopt);
    model.off("change:answered", show);
  };
}

/** The picture for where no kernel runs, told by the end of its data, is not needed here. */
function hideStill(element, end) {
  for (const picture of element.closest(".jp-OutputArea")?.querySelectorAll("img") ?? []) {
    if (end && picture.src.endsWith(end)) picture.closest(".jp-OutputArea-child").style.display = "none";
  }
}

// What is asked for

class Panel {
  /** `asked`: the text, the names of the models shown, and by name what is forced, as panel.py says. */
  constructor(element, names, ask) {
    Object.assign(this, { names, ask, asked: null, answer: null, past: [], sections: new Map() });
    this.text = make("input", { type: "text", spellcheck: false, autocomplete: "off" });
    const captions = ["Model:", "Beside it:"];
    this.chosen = captions.map(() => make("select"));
    this.words = make("input", { type: "checkbox" });
    this.numbers = make("input", { type: "checkbox" });
    this.undoLast = make("button", { type: "button", textContent: "Undo" });
    this.undoAll = make("button", { type: "button", textContent: "Undo all changes" });
    this.note = make("p", { className: "note" });
    this.note.setAttribute("aria-live", "polite");
    this.body = make("div", { className: "models" });
    const chosen = this.chosen.map((select, i) => labelled(captions[i], select));
    this.lookWords = labelled(this.words, "Look at whole words");
    element.classList.add("lab-panel");
    element.append(
      row(labelled("Digit words:", this.text), ...(names.length > 1 ? chosen : [])),
      row(this.undoLast, this.undoAll, this.lookWords, labelled(this.numbers, "Numbers"), help("Keys", KEYS)),
      this.note,
      this.body,
    );

    this.text.addEventListener("input", () => this.type(this.text.value));
    this.chosen.forEach((select) => select.addEventListener("change", () => this.choose()));
    this.numbers.addEventListener("change", () => this.draw());
    this.undoLast.addEventListener("click", () => this.undo());
    this.undoAll.addEventListener("click", () => this.force({}));
    element.dataset.lmSuppressShortcuts = "true"; // JupyterLab has other plans for these keys
    element.addEventListener("keydown", (event) => event.stopPropagation());
  }

  /** Something else is asked for, and not by a key or a click here. */
  adopt(asked) {
    if (same(asked, this.asked)) return;
    this.asked = asked;
    this.past = [];
    this.control();
  }

  change(parts) {
    this.asked = { ...this.asked, ...parts };
    this.ask(this.asked);
    this.control();
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

  // What is drawn

  control() {
    const { text, shown, forced } = this.asked;
    if (this.text.value !== text) this.text.value = text;
    const others = ["", ...this.names.filter((name) => name !== shown[0])];
    [this.names, others].forEach((names, i) => {
      const options = names.map((value) => make("option", { value, textContent: value || "nothing" }));
      this.chosen[i].replaceChildren(...options);
      this.chosen[i].value = shown[i] ?? "";
    });
    this.wait();
    this.undoLast.disabled = !this.past.length;
    this.undoAll.disabled = !Object.values(forced).some((mine) => count(mine.digits) + count(mine.places));
  }

  show(answer) {
    if (!answer.asked) return;
    this.answer = answer;
    this.draw();
  }

  draw() {
    this.wait();
    const { note, pieces, models, asked } = this.answer;
    const mark = (piece) => make("mark", { textContent: visible(piece) });
    const marked = pieces.map(([piece, wrong]) => (wrong ? mark(piece) : piece));
    this.note.replaceChildren(note, marked.length ? ": " : "", ...marked);
    this.body.classList.toggle("numbers", this.numbers.checked);
    this.lookWords.hidden = !models.some((each) => each.may_look);
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
      if (there !== section.element) this.body.insertBefore(section.element, there);
      section.draw(each, asked.forced[each.name] ?? {}, this.names.length > 1, this.numbers.checked);
    });
  }

  /** Whether what one sees is what was asked for last: only then is it clear what a click means. */
  get settled() {
    return same(this.answer?.asked, this.asked);
  }

  wait() {
    this.body.setAttribute("aria-busy", String(!this.settled));
  }

  /** Let a step stand out in all maps. */
  mark(step) {
    for (const section of this.sections.values()) section.grids.forEach((grid) => grid.mark(step));
  }
}

/** All about one model. */
class Section {
  constructor(panel, name) {
    Object.assign(this, { panel, name, looks: [] });
    this.title = make("h4", { textContent: name });
    this.said = make("span", { className: "said" });
    this.changes = make("span", { className: "changes" });
    this.save = make("button", { type: "button", textContent: "Save trace" });
    this.save.title = "as a file, which lab.Trace.load reads";
    const file = `${name.replace(/[^\w-]+/g, "-")}.trace.json`;
    this.save.addEventListener("click", () => download(file, this.shown.after));
    const status = make("p", { role: "status" }, this.said, this.changes);

    const write = (step, symbol) => panel.forceStep(name, "digits", step, symbol);
    const hand = {
      write,
      free: (step) => write(step, null),
      press: (r, step) => write(step, r > 0 ? SYMBOLS[r - 1] : null), // the first row is what is written
    };
    this.writes = [new Grid(this, "writes"), new Grid(this, "writes", hand)];
    this.gate = new Grid(this, "gate");
    this.best = make("table", { className: "best" });
    const pair = make("div", { className: "pair" }, ...this.writes.map((grid) => grid.element));
    this.figures = make("div", { className: "figures" }, pair, this.gate.element, this.best);
    const head = make("div", { className: "head" }, this.title, status, this.save);
    this.element = make("section", {}, head, this.figures);
    this.element.setAttribute("aria-label", name);
    new ResizeObserver(() => this.grids.forEach((grid) => grid.fit())).observe(this.element);
  }

  get grids() {
    return [...this.writes, ...this.looks.flat(), this.gate];
  }

  /** Before and after for one map of attention, made when a model first has it. */
  look(i) {
    if (!this.looks[i]) {
      const look = (step, places) => this.panel.forceStep(this.name, "places", step, places);
      const hand = {
        write: (step, symbol) => this.panel.forceStep(this.name, "digits", step, symbol),
        free: (step) => look(step, null),
        press: (step, place, add) => look(step, this.lookedAt(step, place, add)),
      };
      this.looks[i] = [new Grid(this, "looks"), new Grid(this, "looks", this.shown.may_look ? hand : null)];
      const elements = this.looks[i].map((grid) => grid.element);
      this.figures.insertBefore(make("div", { className: "pair" }, ...elements), this.gate.element);
    }
    return this.looks[i];
  }

  /** The places of a look: a character or its word; with `add`, beside those looked at already. */
  lookedAt(step, place, add) {
    const text = this.shown.after.read;
    let [first, last] = [place, place];
    if (this.panel.words.checked && text[place] !== " ") {
      while (first > 0 && text[first - 1] !== " ") first--;
      while (last + 1 < text.length && text[last + 1] !== " ") last++;
    }
    const places = Array.from({ length: last + 1 - first }, (_, i) => first + i);
    if (!add) return places;
    const there = this.forced.places?.[step] ?? [];
    const kept = there.filter((i) => !places.includes(i));
    return (there.includes(place) ? kept : [...kept, ...places]).sort((a, b) => a - b);
  }

  draw(shown, forced, several, numbers) {
    Object.assign(this, { shown, forced });
    const { before, after } = shown;
    const [digits, places] = [forced.digits ?? {}, forced.places ?? {}];
    const interfered = count(digits) + count(places) > 0;
    const was = interfered ? before : null;
    const named = (title, i) => (interfered ? `${title}, ${["before", "after"][i]}` : title);
    this.title.hidden = !several;
    this.said.textContent = `${after.read} → ${after.written}`;
    const amounts = [many(count(digits), "digit"), many(count(places), "look")].filter(Boolean);
    this.changes.textContent = interfered ? `forced: ${amounts.join(", ")}; before: ${before.written}` : "";

    this.writes.forEach((grid, i) => {
      const trace = i ? after : before;
      const hint = i ? "press a square to force its symbol" : "a column a step";
      grid.element.hidden = !i && !interfered;
      const drawn = writing(trace, i ? was : null, i ? digits : {}, i ? places : {}, numbers);
      grid.draw({ title: named("What it writes", i), hint, ...drawn });
    });
    const names = Object.keys(maps(after));
    names.forEach((name, n) => {
      this.look(n).forEach((grid, i) => {
        const trace = i ? after : before;
        const hint = i && shown.may_look ? "press a square to look there" : "a row a step";
        grid.element.hidden = !i && !interfered;
        const drawn = looking(trace, name, i ? was : null, i ? places : {}, i ? digits : {}, numbers);
        grid.draw({ title: named(`Where it looks${name}`, i), hint, ...drawn });
      });
    });
    this.gate.element.hidden = !after.update_gate;
    if (after.update_gate) {
      const hint = "a row a unit; bright copies, dark writes anew";
      this.gate.draw({ title: "Update gate z of the encoder", hint, ...gate(after) });
    }
    this.best.replaceChildren(
      make("caption", { textContent: interfered ? "The beam's best, nothing forced" : "The beam's best" }),
      ...shown.best.map((cells) => make("tr", {}, ...cells.map(bestCell))),
    );
  }
}

// What each map holds: the heads of its columns, and rows of cells with a value from 0 to 1

function writing(trace, before, digits, places, numbers) {
  const steps = [...trace.written].map((symbol, t) => ({ symbol, t, p: trace.probabilities[t] }));
  const written = steps.map(({ symbol, t, p }) => {
    const forced = t in digits;
    const other = before && before.written[t] !== symbol;
    const was = other ? `, before ${before.written[t] ?? "nothing"}` : "";
    const value = p[SYMBOLS.indexOf(symbol)];
    const label = `step ${t + 1} writes ${symbol}: ${three(value)}${was}${ifForced(forced)}`;
    return { value, text: symbol, label, forced, other };
  });
  const rows = SYMBOLS.map((symbol, i) => ({
    head: symbol,
    cells: steps.map(({ t, p }) => {
      const [value, forced] = [p[i], digits[t] === symbol];
      const was = before?.probabilities[t] ? `, before ${three(before.probabilities[t][i])}` : "";
      const label = `step ${t + 1}, ${symbol}: ${three(value)}${was}${ifForced(forced)}`;
      return { value, label, forced, text: numbers ? short(value) : "" };
    }),
  }));
  const columns = steps.map(({ t }) => ({ head: t + 1, forced: t in digits || t in places }));
  return { columns, rows: [{ head: "", name: "written", cells: written }, ...rows] };
}

function looking(trace, name, before, places, digits, numbers) {
  const [weights, were] = [maps(trace)[name], before && maps(before)[name]];
  const letters = [...visible(trace.read)];
  const rows = [...trace.written].map((symbol, t) => ({
    head: symbol,
    name: `step ${t + 1}, ${symbol}`,
    forced: t in places || t in digits,
    cells: letters.map((letter, s) => {
      const [value, forced] = [weights[t][s], places[t]?.includes(s) ?? false];
      const was = were?.[t] ? `, before ${three(were[t][s])}` : "";
      const looks = `step ${t + 1} (${symbol}) looks at ${letter}, place ${s + 1}`;
      const label = `${looks}: ${three(value)}${was}${ifForced(forced)}`;
      return { value, label, forced, text: numbers ? short(value) : "" };
    }),
  }));
  return { columns: letters.map((head) => ({ head })), rows };
}

function gate(trace) {
  const letters = [...visible(trace.read)];
  const rows = trace.update_gate[0].map((_, unit) => ({
    head: "",
    name: `unit ${unit + 1}`,
    cells: letters.map((letter, s) => {
      const value = trace.update_gate[s][unit];
      return { value, label: `unit ${unit + 1} at ${letter}, place ${s + 1}: ${three(value)}`, text: "" };
    }),
  }));
  return { columns: letters.map((head) => ({ head })), rows };
}

/** Where a trace looked, `(T, S)` by name: one map, one for each head, of each layer, or none. */
function maps({ attention }) {
  if (!attention) return {};
  if (!Array.isArray(attention[0][0])) return { "": attention };
  const layered = Array.isArray(attention[0][0][0]);
  const steps = layered ? attention : attention.map((heads) => [heads]);
  const all = steps[0].flatMap((heads, l) =>
    heads.map((_, n) => {
      const layer = layered ? `, layer ${l + 1}` : "";
      const head = heads.length > 1 ? `, head ${n + 1}` : "";
      return [layer + head, steps.map((step) => step[l][n])];
    }),
  );
  return Object.fromEntries(all);
}

/** A map with heads at its rows and columns, gone through by arrow keys; `hand` says what can be forced. */
class Grid {
  constructor(section, kind, hand = null) {
    Object.assign(this, { section, kind, hand, at: [0, 0], step: -1 });
    this.title = make("b");
    this.readout = make("span", { className: "readout" });
    this.grid = make("div", { role: "grid" });
    if (!hand) this.grid.setAttribute("aria-readonly", "true");
    const scroll = make("div", { className: "scroll" }, this.grid);
    const caption = make("figcaption", {}, this.title, this.readout);
    this.element = make("figure", { className: kind }, caption, scroll);
    this.grid.addEventListener("mouseover", (event) => this.tell(event.target));
    this.grid.addEventListener("mouseleave", () => this.tell(null));
    this.grid.addEventListener("focusin", (event) => this.tell(event.target));
    this.grid.addEventListener("focusout", () => this.tell(null));
    this.grid.addEventListener("click", (event) => this.click(event));
    this.grid.addEventListener("keydown", (event) => this.key(event));
  }

  draw({ title, hint, columns, rows }) {
    const focused = this.grid.contains(this.grid.getRootNode().activeElement);
    this.hint = hint;
    this.title.textContent = title;
    this.grid.setAttribute("aria-label", title);
    this.grid.classList.toggle("tall", rows.length > 24);
    fill(this.grid, rows.length + 1, () => make("div", { role: "row" }));
    const [heads, ...lines] = this.grid.children;
    fill(heads, columns.length + 1, () => make("span", { role: "columnheader" }));
    columns.forEach(({ head, forced = false }, c) => {
      put(heads.children[c + 1], head);
      heads.children[c + 1].classList.toggle("forced", forced);
    });
    rows.forEach((row, r) => this.drawRow(lines[r], row));
    this.enter(Math.min(this.at[0], rows.length - 1), Math.min(this.at[1], columns.length - 1), focused);
    this.mark(this.step);
    this.fit();
    this.say(this.grid.querySelector("[role=gridcell]:focus"));
  }

  /** Squares as wide as there is room for, in whole pixels: else there were gaps. */
  fit() {
    const columns = this.grid.firstChild?.children.length - 1;
    if (!columns) return;
    const numbers = this.kind !== "gate" && this.section.panel.numbers.checked;
    const [least, most] = numbers ? WITH_NUMBERS : SQUARE[this.kind];
    const room = Math.floor((this.section.element.clientWidth - HEAD - 4) / columns);
    const width = Math.max(least, Math.min(room, most));
    this.grid.style.width = `${HEAD + columns * width}px`;
    this.grid.classList.toggle("narrow", width < 18);
  }

  drawRow(line, row) {
    fill(line, row.cells.length + 1, (i) => make("span", { role: i ? "gridcell" : "rowheader" }));
    const head = line.children[0];
    put(head, row.head);
    line.className = row.name === "written" ? "written" : "";
    head.classList.toggle("forced", Boolean(row.forced));
    if (row.name) head.setAttribute("aria-label", row.name + ifForced(row.forced));
    row.cells.forEach(({ value, text, label, forced = false, other = false }, i) => {
      const cell = line.children[i + 1];
      put(cell, text);
      if (cell.ariaLabel !== label) cell.ariaLabel = label;
      if (cell.value !== value) this.paint(cell, value);
      cell.classList.toggle("forced", forced);
      cell.classList.toggle("other", other);
      if (this.hand) cell.ariaSelected = String(forced);
    });
  }

  paint(cell, value) {
    cell.value = value;
    if (this.kind === "writes") {
      cell.style.setProperty("--value", `${100 * value}%`);
      cell.classList.toggle("much", value > 0.7);
    } else {
      cell.style.backgroundColor = viridis(value);
      cell.classList.toggle("much", value > 0.45);
    }
  }

  cell(r, c) {
    return this.grid.children[r + 1]?.children[c + 1];
  }

  placeOf(cell) {
    const index = (element) => [...element.parentNode.children].indexOf(element) - 1;
    return [index(cell.parentNode), index(cell)];
  }

  /** The one square that Tab leads to. */
  enter(r, c, focus) {
    const [old, cell] = [this.cell(...this.at), this.cell(r, c)];
    if (old && old !== cell) old.tabIndex = -1;
    this.at = [r, c];
    cell.tabIndex = 0;
    if (focus) cell.focus({ preventScroll: false });
  }

  stepOf([r, c]) {
    return { writes: c, looks: r }[this.kind] ?? -1;
  }

  /** The square that is pointed at, or focused: its number told, its step marked everywhere. */
  tell(target) {
    const cell = target?.closest("[role=gridcell]") ?? this.grid.querySelector("[role=gridcell]:focus");
    this.say(cell);
    this.section.panel.mark(cell ? this.stepOf(this.placeOf(cell)) : -1);
  }

  say(cell) {
    this.readout.textContent = cell?.ariaLabel ?? this.hint;
    this.readout.classList.toggle("number", Boolean(cell));
  }

  mark(step) {
    this.grid.querySelectorAll(".here").forEach((element) => element.classList.remove("here"));
    this.step = step;
    if (step < 0) return;
    if (this.kind === "looks") this.grid.children[step + 1]?.classList.add("here");
    if (this.kind === "writes") {
      for (const line of this.grid.children) line.children[step + 1]?.classList.add("here");
    }
  }

  click(event) {
    const cell = event.target.closest("[role=gridcell]");
    if (!cell) return;
    this.enter(...this.placeOf(cell), true);
    this.press(event.shiftKey);
  }

  press(add) {
    if (this.hand && this.section.panel.settled) this.hand.press(...this.at, add);
  }

  key(event) {
    const [r, c] = this.at;
    const [rows, columns] = [this.grid.children.length - 2, this.grid.children[0].children.length - 2];
    const move = {
      ArrowUp: [r - 1, c],
      ArrowDown: [r + 1, c],
      ArrowLeft: [r, c - 1],
      ArrowRight: [r, c + 1],
      Home: [r, 0],
      End: [r, columns],
    }[event.key];
    const panel = this.section.panel;
    const step = this.stepOf(this.at);
    if (move) this.enter(Math.max(0, Math.min(move[0], rows)), Math.max(0, Math.min(move[1], columns)), true);
    else if ((event.ctrlKey || event.metaKey) && event.key === "z") panel.undo();
    else if (event.ctrlKey || event.metaKey || event.altKey) return;
    else if (event.key === "Enter" || event.key === " ") this.press(event.shiftKey);
    else if (this.hand && SYMBOLS.includes(event.key) && panel.settled) this.hand.write(step, event.key);
    else if (this.hand && ["Delete", "Backspace"].includes(event.key) && panel.settled) this.hand.free(step);
    else return;
    event.preventDefault();
  }
}

// Small things

function make(tag, { role, ...properties } = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  if (role) element.setAttribute("role", role);
  element.append(...children);
  return element;
}

function row(...children) {
  return make("div", { className: "controls" }, ...children);
}

function labelled(...parts) {
  return make("label", {}, ...parts.flatMap((part, i) => (i ? [" ", part] : [part])));
}

function help(title, text) {
  return make("details", {}, make("summary", { textContent: title }), make("p", { textContent: text }));
}

/** Give an element so many children, keeping those that it has. */
function fill(element, n, create) {
  while (element.children.length > n) element.lastChild.remove();
  while (element.children.length < n) element.append(create(element.children.length));
}

function put(element, text) {
  if (element.textContent !== String(text)) element.textContent = text;
}

function viridis(value) {
  const place = Math.max(0, Math.min(value, 1)) * (VIRIDIS.length - 1);
  const i = Math.min(Math.floor(place), VIRIDIS.length - 2);
  const mixed = VIRIDIS[i].map((from, k) => Math.round(from + (place - i) * (VIRIDIS[i + 1][k] - from)));
  return `rgb(${mixed.join(",")})`;
}

function download(name, content) {
  const href = URL.createObjectURL(new Blob([JSON.stringify(content) + "\n"], { type: "application/json" }));
  make("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 1000);
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const count = (mapping) => Object.keys(mapping ?? {}).length;
const many = (n, noun) => (n ? `${n} ${noun}${n > 1 ? "s" : ""}` : "");
const ifForced = (forced) => (forced ? ", forced" : "");
const visible = (text) => text.replaceAll(" ", "␣");
const bestCell = (content) => make("td", { textContent: content.toFixed?.(3) ?? content });
const three = (value) => value.toFixed(3);
const short = (value) => (value < 0.005 ? "" : value > 0.995 ? "1" : value.toFixed(2).slice(1));
