/** How long tasks took that began while there were so many slots. */

/** More latencies tell nothing more. */
const MOST_LATENCIES = 256;
const QUICKER = 0.25;
const SLOWER = 0.75;

export class Stage {
  readonly latencies: number[] = [];
  /** For how long nothing moved meanwhile. */
  stillMs = 0;

  /** @param answersBefore How many tasks had ended, ever, when it began. */
  constructor(
    readonly slots: number,
    readonly fromMs: number,
    readonly answersBefore: number,
  ) {}

  add(latencyMs: number): void {
    if (this.latencies.length < Math.max(MOST_LATENCIES, this.slots)) {
      this.latencies.push(latencyMs);
    }
  }
}

/** What the quicker ones took: these wait in every queue that the others wait in. */
export const quickerOf = (latencies: readonly number[]): number => quantileOf(latencies, QUICKER);

/** What only the slowest ones take longer than. */
export const slowerOf = (latencies: readonly number[]): number => quantileOf(latencies, SLOWER);

function quantileOf(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(share * values.length)]!;
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
