/** Checks the options of functions. */

import { shown } from "../lanes/attempt.ts";

/** Whether a value is a number of milliseconds from 0; Infinity is one. */
export function isTime(value: number): boolean {
  return typeof value === "number" && value >= 0;
}

/** Whether a value is a whole number from `least`; Infinity is one. */
export function isCount(value: number, least: number): boolean {
  return value === Infinity || (Number.isSafeInteger(value) && value >= least);
}

/** Checks one function's options: throws a RangeError with a wrong one's name, value, and what it must be. */
export class Checker {
  /** @param what The function's name in messages, such as `map`. */
  constructor(private readonly what: string) {}

  is(name: string, value: unknown, holds: boolean, wanted: string): void {
    if (holds) return;
    throw new RangeError(`Cannot ${this.what}: ${name} must be ${wanted}, but is ${shown(value)}`);
  }

  count(name: string, value: number, least: number, most: number = Infinity): void {
    const upTo = most === Infinity ? "" : ` to ${most}`;
    const holds = isCount(value, least) && value <= most;
    this.is(name, value, holds, `a whole number from ${least}${upTo}`);
  }

  time(name: string, value: number, from: "from" | "above" = "from"): void {
    const holds = isTime(value) && (from === "from" || value > 0);
    this.is(name, value, holds, `a number of milliseconds ${from} 0`);
  }

  flag(name: string, value: unknown): void {
    this.is(name, value, value === undefined || typeof value === "boolean", "true or false");
  }

  fn(name: string, value: unknown): void {
    this.is(name, value, value === undefined || typeof value === "function", "a function");
  }

  /** Refuses unknown options: a misspelt one would otherwise be ignored silently. */
  known(options: object, names: readonly string[], prefix = ""): void {
    const isObject = typeof options === "object" && options !== null && !Array.isArray(options);
    this.is(prefix === "" ? "options" : prefix.slice(0, -1), options, isObject, "an object");
    for (const name of Object.keys(options)) {
      if (names.includes(name)) continue;
      throw new RangeError(
        `Cannot ${this.what}: there is no option ${prefix}${name}; there are ${names.join(", ")}`,
      );
    }
  }
}
