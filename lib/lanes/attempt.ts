/** Safe access to foreign values, whose getters, proxies or `toString` may throw. */

/** Returns the function's result, or `otherwise` if it throws. */
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

/** Reads a property of any value; undefined if there is none, or if reading it throws. */
export function propertyOf(value: unknown, name: string): unknown {
  return attempt(() => (value as Record<string, unknown> | null | undefined)?.[name]);
}

/** How many causes are followed; a chain may be generated while it is read, without end. */
const MOST_CAUSES = 8;

/** A thrown value, its cause, that one's cause, and so on, each once. */
export function* withCauses(thrown: unknown): Generator<unknown> {
  const seen = new Set<unknown>([undefined, null]);
  for (let at = thrown; !seen.has(at) && seen.size < 2 + MOST_CAUSES;) {
    seen.add(at);
    yield at;
    at = propertyOf(at, "cause");
  }
}

/** Whether `await` would wait for the value; throws if its `then` is a getter that throws. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== "object" && typeof value !== "function") return false;
  return typeof (value as { then?: unknown } | null)?.then === "function";
}

/** Whether it is an error, also of another realm, such as of `node:vm`; a proxy that throws counts as none. */
export function isError(value: unknown): value is Error {
  return attempt(() => value instanceof Error, false) || Error.isError(value);
}

/** A value approximately as in source code, on one line of at most 80 characters. */
export function shown(value: unknown): string {
  const text = attempt(() => Deno.inspect(value, { depth: 0 }), typeof value);
  return text.replaceAll(/\s+/g, " ").slice(0, 80);
}

export function wordsOf(thrown: unknown): string {
  const words = () => String(isError(thrown) ? thrown.message : thrown);
  return attempt(words, "it threw something that can't be shown");
}

/** The real Promise class of async functions and imports, even if a program has replaced the global one. */
export const OwnPromise: PromiseConstructor = (async () => {})().constructor as PromiseConstructor;

export function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return value instanceof OwnPromise || value instanceof Promise;
}
