// The npm package of std ships no types: these declare the modules the project uses, and of each
// only what it uses. Moving to JSR is then a change of deno.json's import map, and this file goes.

declare module "@std/assert" {
  export function assert(value: unknown, message?: string): asserts value;
  export function assertAlmostEquals(
    a: number,
    b: number,
    tolerance?: number,
    message?: string,
  ): void;
  export function assertEquals<T>(actual: T, expected: T, message?: string): void;
  export function assertGreaterOrEqual<T>(actual: T, expected: T, message?: string): void;
  export function assertInstanceOf<T>(
    actual: unknown,
    // deno-lint-ignore no-explicit-any
    type: abstract new (...args: any[]) => T,
    message?: string,
  ): asserts actual is T;
  export function assertLess<T>(actual: T, expected: T, message?: string): void;
  export function assertMatch(actual: string, expected: RegExp, message?: string): void;
  export function assertNotEquals<T>(actual: T, expected: T, message?: string): void;
  export function assertRejects<E extends Error = Error>(
    fn: () => PromiseLike<unknown>,
    // deno-lint-ignore no-explicit-any
    type?: abstract new (...args: any[]) => E,
    includes?: string,
    message?: string,
  ): Promise<E>;
  export function assertStrictEquals<T>(
    actual: unknown,
    expected: T,
    message?: string,
  ): asserts actual is T;
  export function assertStringIncludes(actual: string, expected: string, message?: string): void;
  export function assertThrows<E extends Error = Error>(
    fn: () => unknown,
    // deno-lint-ignore no-explicit-any
    type?: abstract new (...args: any[]) => E,
    includes?: string,
    message?: string,
  ): E;
  export function fail(message?: string): never;
  export function unreachable(reason?: string): never;
}

declare module "@std/csv/parse" {
  export function parse(text: string, options?: { separator?: string }): string[][];
}

declare module "@std/csv/stringify" {
  export function stringify(
    data: readonly (readonly unknown[] | Record<string, unknown>)[],
    options?: { columns?: readonly string[]; headers?: boolean; separator?: string },
  ): string;
}

declare module "@std/data-structures/binary-heap" {
  export class BinaryHeap<T> {
    constructor(compare?: (a: T, b: T) => number);
    readonly length: number;
    peek(): T | undefined;
    pop(): T | undefined;
    push(...values: T[]): number;
    isEmpty(): boolean;
    toArray(): T[];
  }
}

declare module "@std/fmt/bytes" {
  export function format(
    bytes: number,
    options?: {
      binary?: boolean;
      locale?: string;
      maximumFractionDigits?: number;
      minimumFractionDigits?: number;
    },
  ): string;
}

declare module "@std/fmt/colors" {
  export function stripAnsiCode(text: string): string;
}

declare module "@std/html/entities" {
  export function escape(text: string): string;
}

declare module "@std/path" {
  export function basename(path: string, suffix?: string): string;
  export function dirname(path: string): string;
  export function fromFileUrl(url: string | URL): string;
  export function join(...parts: string[]): string;
  export function relative(from: string, to: string): string;
  export function resolve(...parts: string[]): string;
  export function toFileUrl(path: string): URL;
}

declare module "@std/text/closest-string" {
  export function closestString(
    word: string,
    possibleWords: readonly string[],
    options?: { caseSensitive?: boolean },
  ): string;
}

declare module "@std/text/levenshtein-distance" {
  export function levenshteinDistance(a: string, b: string): number;
}

declare module "cli-progress" {
  export interface Options {
    stream?: unknown;
    format?: string;
    barsize?: number;
    barCompleteChar?: string;
    barIncompleteChar?: string;
    clearOnComplete?: boolean;
    hideCursor?: boolean;
    linewrap?: boolean;
    gracefulExit?: boolean;
    fps?: number;
  }
  export interface SingleBar {
    start(total: number, value: number, payload?: Record<string, string>): void;
    update(value: number, payload?: Record<string, string>): void;
    stop(): void;
  }
  const cliProgress: { SingleBar: new (options: Options) => SingleBar };
  export default cliProgress;
}
