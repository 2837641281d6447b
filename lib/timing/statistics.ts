/** The median, quantiles and outliers of a sample, and Student's t distribution. No value is dropped. */

/** Finite numbers in ascending order; made by {@linkcode sorted} alone. */
export type Sorted = readonly number[] & { readonly brand?: "sorted" };

export function sorted(values: Iterable<number>): Sorted {
  const copy = [...values];
  if (copy.length === 0) throw new RangeError("Cannot describe a sample: it is empty");
  const bad = copy.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new RangeError(`Cannot describe a sample: value ${bad} is ${copy[bad]}, not finite`);
  }
  return copy.sort((a, b) => a - b) as unknown as Sorted;
}

/**
 * The value below which a share of the sample lies: type 7 of Hyndman and Fan ("Sample Quantiles in
 * Statistical Packages", The American Statistician 50, 1996), linear between the values at (n − 1)·share,
 * as in R, NumPy and Excel.
 */
export function quantile(sample: Sorted | Float64Array, share: number): number {
  if (!(share >= 0 && share <= 1)) {
    throw new RangeError(`Cannot take a quantile: share ${share} is not between 0 and 1`);
  }
  const place = (sample.length - 1) * share;
  const below = Math.floor(place);
  const low = sample[below]!;
  const high = sample[Math.ceil(place)]!;
  const between = place - below;
  // Weights are used because a difference of two huge values overflows; the clamp corrects the last bit's
  // rounding, so that a quantile never leaves the sample.
  return Math.min(high, Math.max(low, low * (1 - between) + high * between));
}

/** The middle value, or the mean of the two in the middle. */
export function median(values: Iterable<number>): number {
  return quantile(sorted(values), 0.5);
}

/** The median of the finite figures, for tables; NaN if there are none. */
export function middle(values: readonly number[]): number {
  const figures = values.filter(Number.isFinite);
  return figures.length === 0 ? NaN : median(figures);
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The 0.75 quantile of the normal distribution: MAD divided by it estimates the standard deviation. */
const MAD_TO_SIGMA = 0.6745;

/** A higher score means an outlier: Iglewicz and Hoaglin's own recommendation. */
const OUTLIER_SCORE = 3.5;

/**
 * The indexes of values that lie far from the others. They stay in all figures.
 *
 * The method is the modified z-score, 0.6745 · (x − median) / MAD beyond 3.5, of Iglewicz and Hoaglin ("How to
 * Detect and Handle Outliers", ASQC 1993). With three or four values the MAD is small by chance so often that
 * the score alone would find an outlier in every other run. A value must therefore also lie a tenth of the
 * median off, or a quarter with fewer than five values.
 */
export function outliers(values: readonly number[]): number[] {
  if (values.length < 3) return [];
  const middle = median(values);
  const distances = values.map((value) => Math.abs(value - middle));
  const mad = median(distances);
  const least = (values.length < 5 ? 0.25 : 0.1) * Math.abs(middle);
  // If more than half of the values are equal, the MAD is 0: any other value is far from all of them.
  return distances.flatMap((distance, index) =>
    distance > least && MAD_TO_SIGMA * distance > OUTLIER_SCORE * mad ? [index] : []
  );
}

/**
 * The probability that Student's t with `freedom` degrees of freedom is at most `t`.
 *
 * The finite series for whole degrees of freedom are Abramowitz and Stegun's 26.7.3 and 26.7.4 ("Handbook of
 * Mathematical Functions", 1964); they are exact.
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

/** The value that Student's t doesn't exceed with a given probability. */
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
  for (let halvings = 0; halvings < 60; halvings++) {
    const middle = (low + high) / 2;
    if (studentCdf(middle, freedom) < probability) low = middle;
    else high = middle;
  }
  return high;
}
