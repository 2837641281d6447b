/**
 * Student's t distribution: how far the mean of a few values may lie from the truth.
 *
 * @module
 */

/**
 * The probability that Student's t is at most `t`.
 *
 * The finite series for whole degrees of freedom are Abramowitz and Stegun's 26.7.3 and 26.7.4
 * ("Handbook of Mathematical Functions", 1964); they are exact.
 *
 * @param freedom Degrees of freedom, a whole number from 1.
 * @returns The probability, 0 to 1.
 * @throws {RangeError} If `t` is NaN or `freedom` isn't a whole number from 1.
 */
export function studentCdf(t: number, freedom: number): number {
  if (Number.isNaN(t) || !Number.isInteger(freedom) || freedom < 1) {
    throw new RangeError(`Cannot take Student's t at ${t} with ${freedom} degrees of freedom`);
  }
  const angle = Math.atan(t / Math.sqrt(freedom));
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  const odd = freedom % 2 === 1;
  let term = odd ? cos : 1;
  let sum = freedom === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k < freedom; k += 2) {
    term *= (k - 1) / k * cos * cos;
    sum += term;
  }
  const central = odd ? 2 / Math.PI * (angle + sin * sum) : sin * sum;
  return Math.min(1, Math.max(0, 0.5 + central / 2));
}

/**
 * The value that Student's t doesn't exceed with a given probability: {@linkcode studentCdf} undone.
 *
 * @param freedom Degrees of freedom, a whole number from 1.
 * @throws {RangeError} If `probability` isn't strictly between 0 and 1.
 */
export function studentQuantile(probability: number, freedom: number): number {
  if (!(probability > 0 && probability < 1)) {
    throw new RangeError(
      `Cannot take a quantile: probability ${probability} is not within 0 and 1`,
    );
  }
  if (probability < 0.5) return -studentQuantile(1 - probability, freedom);
  let low = 0;
  let high = 1;
  while (studentCdf(high, freedom) < probability && high < 2 ** 60) high *= 2;
  for (let halvings = 0; halvings < 100 && low < high; halvings++) {
    const middle = (low + high) / 2;
    if (studentCdf(middle, freedom) < probability) low = middle;
    else high = middle;
  }
  return high;
}
