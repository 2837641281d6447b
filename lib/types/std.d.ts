// The npm package of std ships no types: these declare the modules the project uses, and of each
// only what it uses. Moving to JSR is then a change of deno.json's import map, and this file goes.

declare module "@std/csv/stringify" {
  export function stringify(data: readonly (readonly unknown[])[]): string;
}

declare module "@std/data-structures/binary-heap" {
  export class BinaryHeap<T> {
    constructor(compare?: (a: T, b: T) => number);
    readonly length: number;
    peek(): T | undefined;
    pop(): T | undefined;
    push(...values: T[]): number;
  }
}

declare module "@std/fmt/bytes" {
  export function format(
    bytes: number,
    options: { locale: string; maximumFractionDigits: number },
  ): string;
}

declare module "@std/fmt/colors" {
  export function stripAnsiCode(text: string): string;
}

declare module "@std/html/entities" {
  export function escape(text: string): string;
}

declare module "@std/text/levenshtein-distance" {
  export function levenshteinDistance(a: string, b: string): number;
}
