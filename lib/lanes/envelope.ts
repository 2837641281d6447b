/**
 * The one form in which errors cross lanes. Structured cloning alone loses a custom class's name,
 * `code`, and the `errors` of an AggregateError (FACTS in the tests).
 *
 * @module
 */

import { type Clone, emptiedClass } from "./emptied.ts";
import * as lanes from "./errors.ts";

/** Whose class an error is of, beside those of the language itself. */
export type Family = "dom" | "deno" | "lanes";

/** An error as plain data. */
export type Envelope =
  | {
    readonly kind: "error";
    /** Undefined for the language's own classes, and for those that only one side knows. */
    readonly family: Family | undefined;
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

/** Deep enough for every real chain of causes, and an end for one that is made as it is looked at. */
const MAX_DEPTH = 8;
/** AggregateErrors that hold the same ones at every depth would otherwise fill all memory. */
const MAX_NESTED = 1000;
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

type ErrorClass = new (message?: string, options?: ErrorOptions) => Error;

/** Classes that both sides know by name. */
const KNOWN: Readonly<Record<"deno" | "lanes", Readonly<Record<string, ErrorClass>>>> = {
  deno: Deno.errors,
  lanes,
};

/**
 * Packs whatever was thrown into plain data that can be cloned.
 *
 * @param thrown An error, or anything else that was thrown.
 * @param clone The way that it is to go; that of threads unless given.
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
export function sealEnvelope(thrown: unknown, clone: Clone = structuredClone): Envelope {
  return seal(thrown, { clone, within: [], nested: 0 });
}

interface Sealing {
  readonly clone: Clone;
  /** The errors that this one is a cause or a part of. */
  readonly within: Error[];
  /** How many have been looked into until now. */
  nested: number;
}

function seal(thrown: unknown, sealing: Sealing): Envelope {
  if (!isError(thrown)) return { kind: "value", value: cloneable(thrown, sealing.clone) };
  const { within } = sealing;
  const goesOn = within.length < MAX_DEPTH && !within.includes(thrown) &&
    sealing.nested++ < MAX_NESTED;
  const cause = goesOn ? read(() => Object.hasOwn(thrown, "cause") ? [thrown.cause] : [], []) : [];
  const errors = goesOn ? read(() => listOf(thrown), undefined) : undefined;
  const name = read(() => String(thrown.name), "Error");
  const family = familyOf(thrown, name);
  within.push(thrown);
  const envelope: Envelope = {
    kind: "error",
    family,
    name,
    message: read(() => String(thrown.message), ""),
    stack: read(() => thrown.stack === undefined ? undefined : String(thrown.stack), undefined),
    cause: cause.length === 0 ? undefined : seal(cause[0], sealing),
    errors: errors?.map((error) => seal(error, sealing)),
    properties: primitiveProperties(thrown, family === "dom" ? [] : ["code"]),
  };
  within.pop();
  return envelope;
}

/** Asking a proxy what it is may throw, too. */
function isError(thrown: unknown): thrown is Error {
  return read(() => thrown instanceof Error, false);
}

function listOf(error: Error): unknown[] | undefined {
  const { errors } = error as { errors?: unknown };
  return Array.isArray(errors) ? [...errors] : undefined;
}

function familyOf(error: Error, name: string): Family | undefined {
  if (error instanceof DOMException) return "dom";
  for (const family of ["deno", "lanes"] as const) {
    const Class = KNOWN[family][name];
    if (Class !== undefined && error instanceof Class) return family;
  }
  return undefined;
}

/** A getter of a hostile error may throw; that must not lose the error. */
function read<T>(get: () => T, otherwise: T): T {
  try {
    return get();
  } catch {
    return otherwise;
  }
}

function primitiveProperties(error: Error, also: readonly string[]): Record<string, unknown> {
  const properties: Record<string, unknown> = {};
  for (const key of [...read(() => Object.keys(error), []), ...also]) {
    if (STANDARD.has(key)) continue;
    const value = read(() => (error as unknown as Record<string, unknown>)[key], undefined);
    const isPlain = value === null ||
      ["string", "number", "boolean", "bigint"].includes(typeof value);
    if (isPlain) properties[key] = value;
  }
  return properties;
}

function cloneable(value: unknown, clone: Clone): unknown {
  try {
    const isObject = typeof value === "object" && value !== null;
    if (!isObject || emptiedClass(value, clone) === undefined) return clone(value);
  } catch {
    // It is told in words.
  }
  return read(() => String(value), "a value that can't be cloned");
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
  const { name, message, stack, properties } = envelope;
  const error = revive(envelope);
  if (error.name !== name) hide(error, "name", name);
  hide(error, "stack", stack ?? `${name}: ${message}`);
  Object.assign(error, properties);
  return error;
}

function revive(
  { family, name, message, cause, errors }: Envelope & { readonly kind: "error" },
): Error {
  const options = cause === undefined ? undefined : { cause: openEnvelope(cause) };
  if (errors !== undefined) return new AggregateError(errors.map(openEnvelope), message, options);
  if (family === "dom") {
    const error = new DOMException(message, name);
    if (options !== undefined) hide(error, "cause", options.cause);
    return error;
  }
  const Class = family === undefined ? CLASSES[name] : KNOWN[family][name];
  return new (Class ?? Error)(message, options);
}

function hide(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, {
    value,
    writable: true,
    configurable: true,
    enumerable: false,
  });
}
