/** How long tasks took that started with one number of slots. */

/** The most latencies to keep, unless there are more slots; further ones tell nothing more. */
const MOST_LATENCIES = 256;
const QUICKER = 0.25;
const SLOWER = 0.75;

export class Stage {
  readonly latencies: number[] = [];
  /** How long nothing moved in this stage, in milliseconds. */
  stillMs = 0;

  /** @param answersBefore How many tasks had ended in total when the stage began. */
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

/** The lower quartile: even quick tasks wait in every queue that the others wait in. */
export const quickerOf = (latencies: readonly number[]): number => quantileOf(latencies, QUICKER);

/** The upper quartile. */
export const slowerOf = (latencies: readonly number[]): number => quantileOf(latencies, SLOWER);

function quantileOf(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(share * values.length)]!;
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
