/** Looking at what others made: any getter, proxy or `toString` may throw. */

/** What a function gives, or something else if it throws. */
export function attempt<T, Otherwise = undefined>(
  get: () => T,
  otherwise?: Otherwise,
): T | Otherwise {
  try {
    return get();
  } catch {
    return otherwise as Otherwise;
  }
}

/** A property of whatever somebody threw; a getter or a proxy that throws has none, and harms nobody. */
export function propertyOf(value: unknown, name: string): unknown {
  return attempt(() => (value as Record<string, unknown> | null | undefined)?.[name]);
}

/** Chains of causes are followed so far: one may be made as it is looked at. */
const MOST_CAUSES = 8;

/** What was thrown, what caused it, what caused that, and so on, each once. */
export function* withCauses(thrown: unknown): Generator<unknown> {
  const seen = new Set<unknown>([undefined, null]);
  for (let at = thrown; !seen.has(at) && seen.size < 2 + MOST_CAUSES;) {
    seen.add(at);
    yield at;
    at = propertyOf(at, "cause");
  }
}

/** Whether `await` would wait for it; throws what a getter `then` throws. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== "object" && typeof value !== "function") return false;
  return typeof (value as { then?: unknown } | null)?.then === "function";
}

/** Whether it is an error, of another realm too, as those of `node:vm` are; to ask a proxy may throw. */
export function isError(value: unknown): value is Error {
  return attempt(() => value instanceof Error, false) || Error.isError(value);
}

/** A value as it would stand in code, or nearly so, on a line. */
export function shown(value: unknown): string {
  const text = attempt(() => Deno.inspect(value, { depth: 0 }), typeof value);
  return text.replaceAll(/\s+/g, " ").slice(0, 80);
}

export function wordsOf(thrown: unknown): string {
  const words = () => String(isError(thrown) ? thrown.message : thrown);
  return attempt(words, "it threw something that can't be shown");
}

/** What async functions and imports give, whatever a program has put in the place of `Promise`. */
export const OwnPromise: PromiseConstructor = (async () => {})().constructor as PromiseConstructor;

export function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return value instanceof OwnPromise || value instanceof Promise;
}
