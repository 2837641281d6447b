/**
 * Looks at what a task threw.
 *
 * @module
 */

/**
 * A property of whatever a task threw. A getter that throws, or a proxy that does, has no such
 * property: it must not harm the run.
 *
 * @param reason An error, or anything else that was thrown.
 * @param name The property's name.
 * @returns Its value; undefined if there is none.
 *
 * @example
 * ```ts
 * import { reasonProperty } from "./reason_property.ts";
 *
 * console.log(reasonProperty({ retryable: false }, "retryable")); // false
 * console.log(reasonProperty(undefined, "retryable")); // undefined
 * ```
 */
export function reasonProperty(reason: unknown, name: string): unknown {
  try {
    return (reason as Record<string, unknown> | null | undefined)?.[name];
  } catch {
    return undefined;
  }
}
