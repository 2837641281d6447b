/** What a contender's program measures, and how it tells: one line of JSON on stdout. */

import process from "node:process";

export interface Reading {
  /** Tasks that gave a result. */
  readonly items: number;
  /** The results' sum, so that whoever lost or invented one is found out. */
  readonly sum: number | bigint;
  /** How long they took together, in milliseconds; start-up and warm-up not counted. */
  readonly ms: number;
  /** How far the times of single tasks lie apart: between their quartiles, as a share of the median. */
  readonly spread?: number;
  /** What 99 of 100 tasks took at most. */
  readonly p99Ms?: number;
  readonly peakRssBytes?: number;
  /** How many connections a server saw. */
  readonly connections?: number;
}

/** Prints a reading where the harness looks for it. */
export function report(reading: Reading): void {
  console.log(JSON.stringify({ ...reading, sum: String(reading.sum) }));
}

/** The most memory that this process has had. */
export function peakRssBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}

/** How many connections the site saw on counted pages since it was last asked. */
export async function connectionsOf(url: string): Promise<number> {
  return Number(await (await fetch(new URL("/connections", url))).text());
}

/** Adds numbers up; NaN as soon as one is no number, so that the sum can't be what is expected. */
export function total(values: Iterable<unknown>): number {
  let sum = 0;
  for (const value of values) sum += typeof value === "number" ? value : NaN;
  return sum;
}

/** Runs a program to its end, and gives what it prints; throws if it fails. */
export async function printedBy(program: string, args: readonly string[]): Promise<string> {
  const command = new Deno.Command(program, { args: [...args], stdin: "null", stderr: "inherit" });
  const { success, stdout } = await command.output();
  if (!success) throw new Error(`${program} failed`);
  return new TextDecoder().decode(stdout);
}

/** Runs something, and tells how long it took. */
export async function timed<Value>(
  run: () => Promise<Value>,
): Promise<{ value: Value; ms: number }> {
  const start = performance.now();
  const value = await run();
  return { value, ms: performance.now() - start };
}

/** The reading of what gives results. */
export async function reading(run: () => Promise<readonly unknown[]>): Promise<Reading> {
  const { value: results, ms } = await timed(run);
  return { items: results.length, sum: total(results), ms };
}

/** A table of so many numbers, each at its own place. */
export function table(size: number): Float64Array {
  return Float64Array.from({ length: size }, (_, at) => at);
}

/** The whole numbers from 1 to `count`, the items of most contests. */
export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
