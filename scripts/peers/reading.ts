/** The reading of a contender's program, printed as one line of JSON on stdout. */

import process from "node:process";
import { fileURLToPath } from "node:url";

export interface Reading {
  /** How many tasks gave a result. */
  readonly items: number;
  /** The sum of the results, which shows whether any were lost or invented. */
  readonly sum: number | bigint;
  /** How long the tasks took together, in milliseconds, without start-up and warm-up. */
  readonly ms: number;
  /** The spread of single tasks' times: the distance of their quartiles, as a share of the median. */
  readonly spread?: number;
  /** The 99th percentile of the tasks' times, in milliseconds. */
  readonly p99Ms?: number;
  readonly peakRssBytes?: number;
  /** How many connections the server saw. */
  readonly connections?: number;
}

/** Prints a reading as the last line, where the harness expects it. */
export function report(reading: Reading): void {
  console.log(JSON.stringify({ ...reading, sum: String(reading.sum) }));
}

/** The peak memory of this process, in bytes. */
export function peakRssBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}

/** How many connections the site saw on counted pages since it was last asked. */
export async function connectionsOf(url: string): Promise<number> {
  return Number(await (await fetch(new URL("/connections", url))).text());
}

/** Adds up numbers; NaN if one isn't a number, so that the sum can't be right. */
export function total(values: Iterable<unknown>): number {
  let sum = 0;
  for (const value of values) sum += typeof value === "number" ? value : NaN;
  return sum;
}

/** Runs a program to its end and returns what it prints; throws if it fails. */
export async function printedBy(program: string, args: readonly string[]): Promise<string> {
  const command = new Deno.Command(program, { args: [...args], stdin: "null", stderr: "inherit" });
  const { success, stdout } = await command.output();
  if (!success) throw new Error(`${program} failed`);
  return new TextDecoder().decode(stdout);
}

/** Runs a function and measures how long it takes, in milliseconds. */
export async function timed<Value>(
  run: () => Promise<Value>,
): Promise<{ value: Value; ms: number }> {
  const start = performance.now();
  const value = await run();
  return { value, ms: performance.now() - start };
}

/** The reading of a function that returns results. */
export async function reading(run: () => Promise<readonly unknown[]>): Promise<Reading> {
  const { value: results, ms } = await timed(run);
  return { items: results.length, sum: total(results), ms };
}

/** The reading of a function that is called on each item, one call after another. */
export function readingInTurn(
  items: readonly number[],
  run: (item: number) => PromiseLike<unknown>,
): Promise<Reading> {
  return reading(async () => {
    const results: unknown[] = [];
    for (const item of items) results.push(await run(item));
    return results;
  });
}

/** The reading of a start that is measured again and again, after one that doesn't count. */
export async function readingOfStarts(
  count: number,
  startMs: () => Promise<number>,
): Promise<Reading> {
  await startMs();
  let ms = 0;
  for (let index = 0; index < count; index++) ms += await startMs();
  return { items: count, sum: count, ms };
}

/** A table of `size` numbers, each equal to its index. */
export function table(size: number): Float64Array {
  return Float64Array.from({ length: size }, (_, at) => at);
}

/** The whole numbers from 1 to `count`, the items of most contests. */
export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

/** The command whose runs are repeated: an empty program. */
export function emptyRun() {
  const args = ["run", fileURLToPath(new URL("./empty.ts", import.meta.url))];
  return { program: Deno.execPath(), args };
}

/** The reading of repeated runs of one command, from the milliseconds of each. */
export function spreadOf(times: readonly number[]): Reading {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!;
  const spread = (at(0.75) - at(0.25)) / at(0.5);
  return { items: times.length, sum: times.length, ms: total(times), spread };
}
