// What each map holds: the heads of its columns and rows, and functions of a row and a column, from 0 on, to the
// `value` of a square and to its `label` in words. `paint` names its colours. If something can stand in squares,
// `text` and `forced` and `other` say what, whether it is forced, and whether it was another before.

const HEAT = "viridis";

/** `before`: the trace that nothing was forced upon, or null. */
export function writing({ written, probabilities }, targets, before, { digits, places }, numbers) {
  const steps = [...written].map((symbol, t) => ({ symbol, t, p: probabilities[t] }));
  const ids = steps.map(({ symbol }) => targets.indexOf(symbol));
  const other = (r, t) => !r && before !== null && before.written[t] !== written[t];
  const labelOfWritten = (t) => {
    const was = other(0, t) ? `, before ${before.written[t] ?? "nothing"}` : "";
    return `step ${t + 1} writes ${written[t]}: ${three(probabilities[t][ids[t]])}${was}${ifForced(t in digits)}`;
  };
  const labelOf = (i, t) => {
    const was = before?.probabilities[t] ? `, before ${three(before.probabilities[t][i])}` : "";
    return `step ${t + 1}, ${targets[i]}: ${three(probabilities[t][i])}${was}${ifForced(digits[t] === targets[i])}`;
  };
  return {
    paint: "full",
    columns: steps.map(({ t }) => ({ head: t + 1, forced: t in digits || t in places })),
    rows: [{ head: "", name: "written", large: true }, ...targets.map((symbol) => ({ head: symbol }))],
    value: (r, t) => probabilities[t][r ? r - 1 : ids[t]],
    label: (r, t) => (r ? labelOf(r - 1, t) : labelOfWritten(t)),
    text: (r, t) => (r ? (numbers ? short(probabilities[t][r - 1]) : "") : written[t]),
    forced: (r, t) => (r ? digits[t] === targets[r - 1] : t in digits),
    other,
  };
}

export function looking({ read, written, attention }, map, before, { digits, places }, numbers) {
  const letters = [...visible(read)];
  const forced = (t, s) => places[t]?.includes(s) ?? false;
  return {
    paint: HEAT,
    columns: letters.map((head) => ({ head })),
    rows: [...written].map((symbol, t) => ({
      head: symbol,
      name: `step ${t + 1}, ${symbol}`,
      forced: t in places || t in digits,
    })),
    value: (t, s) => attention[t][map][s],
    label: (t, s) => {
      const was = before?.attention[t] ? `, before ${three(before.attention[t][map][s])}` : "";
      const looks = `step ${t + 1} (${written[t]}) looks at ${letters[s]}, place ${s + 1}`;
      return `${looks}: ${three(attention[t][map][s])}${was}${ifForced(forced(t, s))}`;
    },
    text: (t, s) => (numbers ? short(attention[t][map][s]) : ""),
    forced,
    other: () => false,
  };
}

/** A row for each unit; `cells` hold a vector of this name at each of the `letters`. */
export function insides(letters, cells, name, before = null) {
  return {
    paint: "cghm".includes(name) ? "redBlue" : HEAT, // gates are never below 0
    columns: letters.map((head) => ({ head })),
    rows: Array.from(cells[0][name], (_, unit) => ({ head: "", name: `unit ${unit + 1}` })),
    value: (unit, t) => cells[t][name][unit],
    label: (unit, t) => {
      const was = before?.[t] ? `, before ${three(before[t][name][unit])}` : "";
      return `unit ${unit + 1} at ${letters[t]}, place ${t + 1}: ${three(cells[t][name][unit])}${was}`;
    },
  };
}

export const visible = (text) => text.replaceAll(" ", "␣");
export const three = (value) => value.toFixed(3);
const ifForced = (forced) => (forced ? ", forced" : "");
const short = (value) => (value < 0.005 ? "" : value > 0.995 ? "1" : value.toFixed(2).slice(1));
