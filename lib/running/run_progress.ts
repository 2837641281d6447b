/**
 * How a run goes on: on a terminal a line that moves, in a pipe one plain line from time to time.
 *
 * @module
 */

import { leftText, MovingLine, type ProgressOutput, stderrOutput } from "../progress/progress.ts";
import { formatCount, formatPercent, formatRate } from "../text/format.ts";
import type { RunState } from "./run_job.ts";

/** How often a line moves, and how often one is printed in a pipe, in milliseconds. */
const MOVES_MS = 250;
const PRINTS_MS = 10_000;
/** The rate is that of so much time, in milliseconds. */
const RATE_MS = 30_000;

/** Follows a run. */
export class RunProgress {
  readonly #name: string;
  readonly #state: RunState;
  readonly #output: ProgressOutput;
  readonly #line: MovingLine | undefined;
  readonly #timer: ReturnType<typeof setInterval>;
  /** Times and items that had settled by then, the oldest first. */
  readonly #seen: [number, number][];

  constructor(name: string, state: RunState, output: ProgressOutput = stderrOutput()) {
    this.#name = name;
    this.#state = state;
    this.#output = output;
    this.#seen = [[this.#now(), 0]];
    this.#line = output.isTerminal ? new MovingLine(output.columns, name) : undefined;
    this.#timer = setInterval(() => this.tick(), this.#line ? MOVES_MS : PRINTS_MS);
  }

  #now(): number {
    return (this.#output.now ?? (() => performance.now()))();
  }

  /** Draws or prints how it stands. */
  tick(): void {
    const { text, share } = this.#look();
    if (this.#line === undefined) this.#output.writeLine(`${this.#name}: ${text}`);
    else this.#line.show(share, text);
  }

  #look(): { text: string; share: number } {
    const { total, before, succeeded, failed } = this.#state;
    const nowMs = this.#now();
    const settled = succeeded + failed;
    this.#seen.push([nowMs, settled]);
    while (this.#seen.length > 2 && nowMs - this.#seen[1]![0] > RATE_MS) this.#seen.shift();
    const [sinceMs, since] = this.#seen[0]!;
    const perMs = (settled - since) / (nowMs - sinceMs);
    const there = before.done + before.failed + settled;
    const share = total === undefined ? 0 : Math.min(1, there / Math.max(1, total));
    const parts = [
      total === undefined
        ? `${formatCount(there)} items`
        : `${formatCount(there)} of ${formatCount(total)} items (${formatPercent(share)})`,
      ...(failed > 0 ? [`${formatCount(failed)} failed`] : []),
      ...(perMs > 0 ? [formatRate(perMs * 1000)] : []),
      ...(perMs > 0 && total !== undefined ? [leftText((total - there) / perMs)] : []),
    ];
    return { text: parts.join(", "), share };
  }

  /** Writes what tasks print, above a line that moves. */
  print(text: string): void {
    if (this.#line === undefined) Deno.stderr.writeSync(new TextEncoder().encode(text));
    else this.#line.above(text);
  }

  /** Takes the line away. */
  end(): void {
    clearInterval(this.#timer);
    this.#line?.end();
  }
}
