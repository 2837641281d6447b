/**
 * The laws of scaling: how throughput follows from the number of slots or lanes.
 *
 * Amdahl's law ("Validity of the single processor approach", AFIPS 1967) as a law of throughput, and
 * the Universal Scalability Law (Gunther, "Guerrilla Capacity Planning", 2007, chapter 4), of which it
 * is the case κ = 0:
 *
 * X(N) = λN / (1 + σ(N − 1) + κN(N − 1))
 */

/** The names of the laws, the simpler one first. */
export const LAWS = ["amdahl", "usl"] as const;
export type LawName = typeof LAWS[number];

export interface Law {
  /** λ: throughput at one slot or lane, in items a second. */
  readonly lambda: number;
  /** σ, contention: the share of the work that can't overlap, 0 to 1. */
  readonly sigma: number;
  /** κ, coherence: what each pair costs by keeping up with each other; 0 under Amdahl's law. */
  readonly kappa: number;
}

/** How the laws are called in reports. */
export const LAW_TITLES: Readonly<Record<LawName, string>> = {
  amdahl: "Amdahl's law",
  usl: "Universal Scalability Law",
};

/** The throughput that a law gives for so many slots or lanes, from 1. */
export function throughputAt({ lambda, sigma, kappa }: Law, size: number): number {
  return lambda * size / (1 + sigma * (size - 1) + kappa * size * (size - 1));
}

/** Where a law's throughput is greatest: √((1 − σ)/κ) (Gunther 2007, equation 4.33); null if κ is 0. */
export function peakOf(law: Law): { size: number; throughputPerSecond: number } | null {
  if (law.kappa <= 0) return null;
  const size = Math.max(1, Math.sqrt(Math.max(0, 1 - law.sigma) / law.kappa));
  return { size, throughputPerSecond: throughputAt(law, size) };
}

/** What a law's throughput never exceeds: its peak, or λ/σ where it has none; Infinity if both are 0. */
export function limitOf(law: Law): number {
  return peakOf(law)?.throughputPerSecond ?? law.lambda / law.sigma;
}
