/**
 * Says which part of a value can't be sent to another lane, where the platform only says that
 * something can't, or sends an empty object in silence.
 *
 * @module
 */

import { type Clone, emptiedClass, refuseEmptied, withArticle } from "./emptied.ts";
import { CloneError } from "./errors.ts";
import type { Chunk, Report } from "./lane.ts";

const MAX_DEPTH = 6;

/**
 * An error that names the offending key of a value that failed to be cloned.
 *
 * @param what What the value is, such as `"item 3"`.
 * @param value The value.
 * @param cause The platform's own error.
 * @param clone The way that it can't go; that of threads unless given.
 * @returns The error to report.
 *
 * @example
 * ```ts
 * import { cloneError } from "./uncloneable.ts";
 *
 * console.log(cloneError("item 3", { page: { render() {} } }).message);
 * // Cannot send item 3 to another lane: .page.render is a function
 * ```
 */
export function cloneError(
  what: string,
  value: unknown,
  cause?: unknown,
  clone: Clone = structuredClone,
): CloneError {
  // A getter or a proxy may throw whatever is looked at.
  const found = read(() => findUncloneable(value, "", 0, new Set(), clone));
  const why = found ?? (cause instanceof Error ? cause.message : String(cause));
  return new CloneError(`Cannot send ${what} to another lane: ${why}`, { cause });
}

/**
 * What a lane reports of a chunk that can't be sent: its first uncloneable item fails if it stands
 * at the front, else the items before it go back, to be sent without it.
 *
 * @param chunk The chunk.
 * @param error The platform's error.
 * @param clone The way that it was to go.
 * @returns The report, which ends the chunk.
 *
 * @example
 * ```ts
 * import type { Chunk } from "./lane.ts";
 * import { uncloneableReport } from "./uncloneable.ts";
 *
 * const chunk = { firstIndex: 3, items: [() => {}, 5] } as unknown as Chunk;
 * const error = new DOMException("could not be cloned", "DataCloneError");
 * const report = uncloneableReport(chunk, error, structuredClone);
 * console.log(report.count, report.failures?.[0]?.ended); // 1 "failed"
 * ```
 */
export function uncloneableReport(
  chunk: Chunk,
  error: unknown,
  clone: Clone,
): Report {
  const now = performance.now();
  const nothing = { values: undefined, times: undefined, startedAtMs: now, endedAtMs: now };
  const offset = Math.max(0, chunk.items.findIndex((item) => !passes(item, clone)));
  if (offset > 0) {
    return { ...nothing, count: 0, failures: undefined, then: "end", sendable: offset };
  }
  const reason = cloneError(`item ${chunk.firstIndex}`, chunk.items[0], error, clone);
  return { ...nothing, count: 1, failures: [{ offset: 0, ended: "failed", reason }], then: "end" };
}

/**
 * A report without the values that can't be sent: they become failures that say why.
 *
 * @param firstIndex The index of the first item that it speaks of.
 * @param report What became of these items.
 * @param clone The way that they are to go.
 * @returns A new report, whose values can all be sent.
 *
 * @example
 * ```ts
 * import type { Report } from "./lane.ts";
 * import { withoutUncloneable } from "./uncloneable.ts";
 *
 * const report = { count: 2, values: ["a", Symbol("b")], then: "end" } as unknown as Report;
 * console.log(withoutUncloneable(3, report, structuredClone).failures?.[0]?.offset); // 1
 * ```
 */
export function withoutUncloneable(
  firstIndex: number,
  report: Report,
  clone: Clone,
): Report {
  const values = Array.from(report.values ?? []);
  const failures = [...report.failures ?? []];
  for (const [offset, value] of values.entries()) {
    try {
      refuseEmptied([value], clone);
      clone(value);
    } catch (cause) {
      values[offset] = undefined;
      const reason = cloneError(`the result of item ${firstIndex + offset}`, value, cause, clone);
      failures.push({ offset, ended: "failed", reason });
    }
  }
  failures.sort((a, b) => a.offset - b.offset);
  return { ...report, values, failures };
}

function passes(value: unknown, clone: Clone): boolean {
  try {
    refuseEmptied([value], clone);
    clone(value);
    return true;
  } catch {
    return false;
  }
}

function findUncloneable(
  value: unknown,
  path: string,
  depth: number,
  seen: Set<object>,
  clone: Clone,
): string | undefined {
  const at = path === "" ? "it" : path;
  if (typeof value === "function") return `${at} is a function`;
  if (typeof value === "symbol") return `${at} is a symbol`;
  if (typeof value !== "object" || value === null) return undefined;
  const emptied = emptiedClass(value, clone);
  if (emptied !== undefined) return `${at} is ${withArticle(emptied)}, which would arrive empty`;
  if (seen.has(value) || depth >= MAX_DEPTH) return undefined;
  seen.add(value);
  if (value instanceof Promise) return `${at} is a Promise`;
  if (ArrayBuffer.isView(value)) return undefined; // its keys would be legion
  for (const [key, child] of childrenOf(value)) {
    const found = findUncloneable(child, path + key, depth + 1, seen, clone);
    if (found !== undefined) return found;
  }
  if (passes(value, clone)) return undefined;
  return `${at} is ${describe(value)} that can't be cloned`;
}

function* childrenOf(value: object): Generator<[string, unknown]> {
  if (value instanceof Map) {
    for (const [key, child] of value) {
      yield [`.keys()`, key];
      yield [`.get(${JSON.stringify(String(key))})`, child];
    }
  } else if (value instanceof Set) {
    for (const child of value) yield [`.values()`, child];
  }
  for (const key of Object.keys(value)) {
    const name = Array.isArray(value) ? `[${key}]` : `.${key}`;
    yield [name, (value as Record<string, unknown>)[key]];
  }
}

function describe(value: object): string {
  const name = read(() => value.constructor?.name);
  return name === undefined || name === "" ? "an object" : withArticle(name);
}

/** A proxy may throw from any trap. */
function read<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch {
    return undefined;
  }
}
