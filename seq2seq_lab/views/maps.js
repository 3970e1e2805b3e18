// Maps of numbers: what each holds, how it is coloured, and how one goes through it by keys.
//
// `writing`, `looking` and `insides` say what a map holds: the heads of its columns, and rows of cells with a
// value, a label in words, and whether it is forced. A Grid draws that.

const VIRIDIS =
  "440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c 1fa088 28ae80 3fbc73 5ec962 84d44b addc30 d8e219 " +
  "fde725";
const RED_BLUE = "053061 2166ac 4393c3 92c5de d1e5f0 f7f7f7 fddbc7 f4a582 d6604d b2182b 67001f"; // from -1 to 1
const HEAD = 20; // pixels: the heads of rows; then the least and the most for a square
const SQUARE = { writes: [13, 34], looks: [8, 24], insides: [8, 24] };
const WITH_NUMBERS = [25, 34];

// What each map holds. `before` is the trace that nothing was forced upon, or null

export function writing(trace, targets, before, { digits, places }, numbers) {
  const steps = [...trace.written].map((symbol, t) => ({ symbol, t, p: trace.probabilities[t] }));
  const written = steps.map(({ symbol, t, p }) => {
    const forced = t in digits;
    const other = before && before.written[t] !== symbol;
    const was = other ? `, before ${before.written[t] ?? "nothing"}` : "";
    const value = p[targets.indexOf(symbol)];
    const label = `step ${t + 1} writes ${symbol}: ${three(value)}${was}${ifForced(forced)}`;
    return { value, text: symbol, label, forced, other };
  });
  const rows = targets.map((symbol, i) => ({
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

export function looking(trace, head, before, { digits, places }, numbers) {
  const letters = [...visible(trace.read)];
  const rows = [...trace.written].map((symbol, t) => ({
    head: symbol,
    name: `step ${t + 1}, ${symbol}`,
    forced: t in places || t in digits,
    cells: letters.map((letter, s) => {
      const [value, forced] = [trace.attention[t][head][s], places[t]?.includes(s) ?? false];
      const was = before?.attention[t] ? `, before ${three(before.attention[t][head][s])}` : "";
      const looks = `step ${t + 1} (${symbol}) looks at ${letter}, place ${s + 1}`;
      const label = `${looks}: ${three(value)}${was}${ifForced(forced)}`;
      return { value, label, forced, text: numbers ? short(value) : "" };
    }),
  }));
  return { columns: letters.map((head) => ({ head })), rows };
}

/** A row for each unit; `cells` hold a vector of this name at each of the `letters`. */
export function insides(letters, cells, name, before = null) {
  const rows = Array.from(cells[0][name], (_, unit) => ({
    head: "",
    name: `unit ${unit + 1}`,
    cells: letters.map((letter, t) => {
      const value = cells[t][name][unit];
      const was = before?.[t] ? `, before ${three(before[t][name][unit])}` : "";
      return { value, label: `unit ${unit + 1} at ${letter}, place ${t + 1}: ${three(value)}${was}`, text: "" };
    }),
  }));
  return { columns: letters.map((head) => ({ head })), rows, signed: name === "c" || name === "h" };
}

/** A map that arrow keys go through. `told(step)`: one is pointed at, or none, -1. `hand`: what can be forced. */
export class Grid {
  constructor(kind, told, hand = null) {
    Object.assign(this, { kind, told, hand, at: [0, 0], step: -1 });
    this.title = make("b");
    this.readout = make("span", { className: "readout" });
    this.grid = make("div", { role: "grid" });
    if (!hand) this.grid.setAttribute("aria-readonly", "true");
    this.scroll = make("div", { className: "scroll" }, this.grid);
    const caption = make("figcaption", {}, this.title, this.readout);
    this.element = make("figure", { className: kind }, caption, this.scroll);
    this.grid.addEventListener("mouseover", (event) => this.tell(event.target));
    this.grid.addEventListener("mouseleave", () => this.tell(null));
    this.grid.addEventListener("focusin", (event) => this.tell(event.target));
    this.grid.addEventListener("focusout", () => this.tell(null));
    this.grid.addEventListener("click", (event) => this.click(event));
    this.grid.addEventListener("keydown", (event) => this.key(event));
  }

  draw({ title, hint, columns, rows, signed = false }, room, numbers) {
    const focused = this.grid.contains(this.grid.getRootNode().activeElement);
    Object.assign(this, { hint, colour: signed ? redBlue : viridis, lightest: signed ? 2 : 0.45 });
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
    this.fit(room, numbers);
    this.say(this.grid.querySelector("[role=gridcell]:focus"));
  }

  /** Squares as wide as there is room for, in whole pixels: else there were gaps. */
  fit(room, numbers) {
    const columns = this.grid.firstChild?.children.length - 1;
    if (!columns) return;
    const [least, most] = numbers && this.kind !== "insides" ? WITH_NUMBERS : SQUARE[this.kind];
    const width = Math.max(least, Math.min(Math.floor((room - HEAD - 4) / columns), most));
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
    let cell = head;
    for (const { value, text, label, forced = false, other = false } of row.cells) {
      cell = cell.nextSibling;
      if (cell.text !== text) cell.textContent = cell.text = text;
      if (cell.label !== label) cell.ariaLabel = cell.label = label;
      if (cell.value !== value || cell.colour !== this.colour) this.paint(cell, value);
      cell.classList.toggle("forced", forced);
      cell.classList.toggle("other", Boolean(other));
      if (this.hand) cell.ariaSelected = String(forced);
    }
  }

  paint(cell, value) {
    Object.assign(cell, { value, colour: this.colour });
    if (this.kind === "writes") {
      cell.style.setProperty("--value", `${100 * value}%`);
      cell.classList.toggle("much", value > 0.7);
    } else {
      cell.style.backgroundColor = this.colour(value);
      cell.classList.toggle("much", value > this.lightest);
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
    this.told(cell ? this.stepOf(this.placeOf(cell)) : -1);
  }

  say(cell) {
    this.readout.textContent = cell?.label ?? this.hint;
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
    this.hand?.press(...this.at, event.shiftKey);
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
    const step = this.stepOf(this.at);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (move) this.enter(Math.max(0, Math.min(move[0], rows)), Math.max(0, Math.min(move[1], columns)), true);
    else if (event.key === "Enter" || event.key === " ") this.hand?.press(...this.at, event.shiftKey);
    else if (this.hand?.symbols.includes(event.key)) this.hand.write(step, event.key);
    else if (this.hand && ["Delete", "Backspace"].includes(event.key)) this.hand.free(step);
    else return;
    event.preventDefault();
  }
}

// Small things

export function make(tag, { role, ...properties } = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  if (role) element.setAttribute("role", role);
  element.append(...children);
  return element;
}

/** Give an element so many children, keeping those that it has. */
export function fill(element, n, create) {
  while (element.children.length > n) element.lastChild.remove();
  while (element.children.length < n) element.append(create(element.children.length));
}

function put(element, text) {
  if (element.textContent !== String(text)) element.textContent = text;
}

/** From a value to its colour among some, the first of which stands for `least` and the last for 1. */
function scale(colours, least) {
  const known = colours.split(" ").map((hex) => [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16)));
  return (value) => {
    const place = ((Math.max(least, Math.min(value, 1)) - least) / (1 - least)) * (known.length - 1);
    const i = Math.min(Math.floor(place), known.length - 2);
    const mixed = known[i].map((from, k) => Math.round(from + (place - i) * (known[i + 1][k] - from)));
    return `rgb(${mixed.join(",")})`;
  };
}

export const viridis = scale(VIRIDIS, 0);
const redBlue = scale(RED_BLUE, -1);
export const visible = (text) => text.replaceAll(" ", "␣");
export const three = (value) => value.toFixed(3);
const ifForced = (forced) => (forced ? ", forced" : "");
const short = (value) => (value < 0.005 ? "" : value > 0.995 ? "1" : value.toFixed(2).slice(1));
