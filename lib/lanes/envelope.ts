/**
 * The one form in which errors cross lanes. Structured cloning alone loses a custom class's name,
 * `code`, and the `errors` of an AggregateError (FACTS in the tests).
 *
 * @module
 */

/** An error as plain data. */
export type Envelope =
  | {
    readonly kind: "error";
    readonly name: string;
    readonly message: string;
    readonly stack: string | undefined;
    readonly cause: Envelope | undefined;
    readonly errors: readonly Envelope[] | undefined;
    /** Own properties with primitive values, such as `code` and `status`. */
    readonly properties: Readonly<Record<string, unknown>>;
  }
  /** Something else that was thrown; `undefined` too. */
  | { readonly kind: "value"; readonly value: unknown };

/** Deep enough for every real chain of causes, and an end for those that go in a circle. */
const MAX_DEPTH = 8;
const STANDARD = new Set(["name", "message", "stack", "cause", "errors"]);

const CLASSES: Readonly<Record<string, ErrorConstructor>> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/**
 * Packs whatever was thrown into plain data that can be cloned.
 *
 * @param thrown An error, or anything else that was thrown.
 * @returns Data that {@linkcode openEnvelope} turns back.
 *
 * @example
 * ```ts
 * import { openEnvelope, sealEnvelope } from "./envelope.ts";
 *
 * const error = Object.assign(new RangeError("too far", { cause: "the wind" }), { code: "E_FAR" });
 * const copy = openEnvelope(structuredClone(sealEnvelope(error))) as typeof error;
 * console.log(copy instanceof RangeError, copy.code, copy.cause); // true "E_FAR" "the wind"
 * ```
 */
export function sealEnvelope(thrown: unknown): Envelope {
  return seal(thrown, 0);
}

function seal(thrown: unknown, depth: number): Envelope {
  if (!(thrown instanceof Error)) return { kind: "value", value: cloneable(thrown) };
  const nested = depth < MAX_DEPTH;
  const errors = (thrown as { errors?: unknown }).errors;
  return {
    kind: "error",
    name: read(() => String(thrown.name), "Error"),
    message: read(() => String(thrown.message), ""),
    stack: read(() => thrown.stack === undefined ? undefined : String(thrown.stack), undefined),
    cause: nested && Object.hasOwn(thrown, "cause") ? seal(thrown.cause, depth + 1) : undefined,
    errors: nested && Array.isArray(errors) ? errors.map((e) => seal(e, depth + 1)) : undefined,
    properties: primitiveProperties(thrown),
  };
}

/** A getter of a hostile error may throw; that must not lose the error. */
function read<T>(get: () => T, otherwise: T): T {
  try {
    return get();
  } catch {
    return otherwise;
  }
}

function primitiveProperties(error: Error): Record<string, unknown> {
  const properties: Record<string, unknown> = {};
  // A DOMException keeps `code` on its prototype; all others have their own.
  for (const key of [...Object.keys(error), "code"]) {
    if (STANDARD.has(key)) continue;
    const value = read(() => (error as unknown as Record<string, unknown>)[key], undefined);
    const isPlain = value === null ||
      ["string", "number", "boolean", "bigint"].includes(typeof value);
    if (isPlain) properties[key] = value;
  }
  return properties;
}

function cloneable(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return read(() => String(value), "a value that can't be cloned");
  }
}

/**
 * Turns an envelope back into what was thrown.
 *
 * @param envelope What {@linkcode sealEnvelope} made, after crossing lanes.
 * @returns An error of the same built-in class where there is one, else an `Error` of the same name;
 * or the value that was thrown.
 *
 * @example
 * ```ts
 * import { openEnvelope, sealEnvelope } from "./envelope.ts";
 *
 * console.log(openEnvelope(sealEnvelope(undefined))); // undefined
 * ```
 */
export function openEnvelope(envelope: Envelope): unknown {
  if (envelope.kind === "value") return envelope.value;
  const { name, message, stack, cause, errors, properties } = envelope;
  const options = cause === undefined ? undefined : { cause: openEnvelope(cause) };
  const error = errors !== undefined
    ? new AggregateError(errors.map(openEnvelope), message, options)
    : new (CLASSES[name] ?? Error)(message, options);
  if (error.name !== name) hide(error, "name", name);
  hide(error, "stack", stack ?? `${name}: ${message}`);
  Object.assign(error, properties);
  return error;
}

function hide(error: Error, key: string, value: string): void {
  Object.defineProperty(error, key, {
    value,
    writable: true,
    configurable: true,
    enumerable: false,
  });
}
