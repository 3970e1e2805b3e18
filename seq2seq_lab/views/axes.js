// The directions in which vectors spread most, for seeing many numbers in two.

import { dot, mean, times } from "./arithmetic.js";

const ENOUGH = 1e-12; // what an axis may still turn
const LONGEST_SEARCH = 2_000;

/** The first `n` principal axes of vectors: { centre, axes, shares: of the variance, from 0 to 1 }. */
export function principalAxes(vectors, n) {
  const centre = mean(vectors);
  const covariance = Array.from(centre, () => new Float64Array(centre.length));
  for (const vector of vectors) {
    const x = vector.map((x_i, i) => x_i - centre[i]);
    covariance.forEach((row, i) => row.forEach((_, j) => (row[j] += (x[i] * x[j]) / vectors.length)));
  }
  const whole = covariance.reduce((sum, row, i) => sum + row[i], 0);
  const found = Array.from({ length: n }, () => takenOut(covariance));
  return { centre, axes: found.map(({ axis }) => axis), shares: found.map(({ variance }) => variance / whole) };
}

/** Where a vector lies along the axes. */
export const along = ({ centre, axes }, x) => axes.map((axis) => dot(axis, x) - dot(axis, centre));

/** The axis of largest variance, by power iteration; what it explains is then taken out of the covariance. */
function takenOut(covariance) {
  let axis = unit(covariance.map((_, i) => 1 / (i + 1))); // at right angles to hardly anything
  for (let i = 0, turned = 1; i < LONGEST_SEARCH && turned > ENOUGH; i++) {
    const next = unit(times(axis, covariance));
    turned = 1 - Math.abs(dot(axis, next));
    axis = next;
  }
  const variance = dot(axis, times(axis, covariance));
  covariance.forEach((row, i) => row.forEach((_, j) => (row[j] -= variance * axis[i] * axis[j])));
  const largestPart = axis.reduce((most, x) => (Math.abs(x) > Math.abs(most) ? x : most), 0);
  return { axis: axis.map((x) => x * Math.sign(largestPart || 1)), variance }; // of two signs, always the same
}

function unit(x) {
  const length = Math.sqrt(dot(x, x));
  return Float64Array.from(x, (x_i) => (length ? x_i / length : 0));
}
