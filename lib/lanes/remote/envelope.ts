/**
 * The form in which errors cross lanes, both thrown ones and those inside values. Structured cloning alone
 * would lose a custom class's name, `code`, and the `errors` of an AggregateError.
 */

import { attempt, isError } from "../attempt.ts";
import * as lanes from "../errors.ts";
import { copyOfView } from "./buffers.ts";
import { type Cloning, inspect, kindOf, takesMore } from "./clone.ts";

export type Envelope =
  | {
    readonly kind: "error";
    /** The nearest class in its prototype chain that both sides know. */
    readonly known: string;
    readonly name: string;
    readonly message: string;
    readonly stack: string | undefined;
    readonly cause: Envelope | undefined;
    /** The errors of an AggregateError. */
    readonly errors: readonly Envelope[] | undefined;
    /** Own properties with primitive values, such as `code` and `status`. */
    readonly properties: Readonly<Record<string, unknown>>;
    /** Own properties with objects as values, such as a list of `issues`. */
    readonly parts: Readonly<Record<string, Envelope>> | undefined;
  }
  /** A Response that was thrown, without its body. */
  | {
    readonly kind: "response";
    readonly url: string;
    readonly status: number;
    readonly statusText: string;
    readonly headers: [string, string][];
  }
  /** Headers of a response, which many errors hold because they say when to try again. */
  | { readonly kind: "headers"; readonly headers: [string, string][] }
  /** Any other thrown value, also `undefined`, as the only one of a list for {@linkcode openErrorsIn}. */
  | { readonly kind: "value"; readonly list: unknown };

/** Deeper than any real chain of causes, and a limit for a chain that is generated while it is read. */
const MAX_DEPTH = 100;
/** A limit for AggregateErrors that contain the same errors at every depth and would fill all memory. */
const MAX_NESTED = 1000;
/** How many objects of an unsendable value are copied; the others become text. */
const MAX_PRUNED = 1000;
const STANDARD = new Set(["name", "message", "stack", "cause"]);
/** Own properties of errors that may not be enumerable; the last two belong to a SuppressedError. */
const HIDDEN = ["code", "errors", "error", "suppressed"];

type ErrorClass = new (message?: string, options?: ErrorOptions) => Error;

// With --jitless there is no WebAssembly.
const { CompileError, LinkError, RuntimeError } = globalThis.WebAssembly ?? {};
const wasmErrors = CompileError && { CompileError, LinkError, RuntimeError };

/** Error classes that both sides know by name and construct in the same way. */
const NATIVE = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
const KNOWN: Readonly<Record<string, ErrorClass>> = {
  ...NATIVE,
  ...wasmErrors,
  ...Deno.errors,
  ...lanes,
};
const OTHERS = { AggregateError, DOMException, SuppressedError };
const NAMES = new Map<unknown, string>(
  Object.entries({ ...KNOWN, ...OTHERS }).map(([name, of]) => [of.prototype, name]),
);

export function sealEnvelope(thrown: unknown, cloning: Cloning): Envelope {
  return seal(thrown, { cloning, within: [], nested: 0 });
}

interface Sealing {
  readonly cloning: Cloning;
  /** The errors whose cause or part is being sealed. */
  readonly within: Error[];
  /** How many errors have been sealed with their contents so far. */
  nested: number;
}

function seal(thrown: unknown, sealing: Sealing): Envelope {
  const answer = attempt(() => sealAnswer(thrown));
  if (answer !== undefined) return answer;
  if (!isError(thrown)) return { kind: "value", list: listWith(thrown, sealing) };
  const { within } = sealing;
  const goesOn = within.length < MAX_DEPTH && !within.includes(thrown) &&
    sealing.nested++ < MAX_NESTED;
  const cause = goesOn
    ? attempt(() => Object.hasOwn(thrown, "cause") ? [thrown.cause] : [], [])
    : [];
  const nearest = attempt(() => knownClassOf(thrown), "Error");
  const isAggregate = nearest === "AggregateError";
  // An AggregateError that isn't looked into must not arrive with an empty `errors`.
  const known = isAggregate && !goesOn ? "Error" : nearest;
  const errors = goesOn && isAggregate ? attempt(() => listOf(thrown)) : undefined;
  const hidden = known === "DOMException"
    ? []
    : HIDDEN.filter((key) => !isAggregate || key !== "errors");
  within.push(thrown);
  const envelope: Envelope = {
    kind: "error",
    known,
    name: attempt(() => String(thrown.name ?? "Error"), "Error"),
    message: attempt(() => String(thrown.message), ""),
    stack: attempt(() => thrown.stack === undefined ? undefined : String(thrown.stack)),
    cause: cause.length === 0 ? undefined : seal(cause[0], sealing),
    errors: errors?.map((error) => seal(error, sealing)),
    ...sealProperties(thrown, hidden, goesOn ? sealing : undefined),
  };
  within.pop();
  return envelope;
}

function sealAnswer(thrown: unknown): Envelope | undefined {
  if (thrown instanceof Headers) return { kind: "headers", headers: [...thrown] };
  if (!(thrown instanceof Response)) return undefined;
  const { url, status, statusText, headers } = thrown;
  return { kind: "response", url, status, statusText, headers: [...headers] };
}

/** Makes a Response; a status that can't be constructed, as of an opaque one, becomes Response.error(). */
function openResponse(
  { url, status, statusText, headers }: Envelope & { readonly kind: "response" },
): Response {
  const response = attempt(() => new Response(null, { status, statusText, headers })) ??
    Response.error();
  define(response, "url", url, false);
  return response;
}

function listOf(error: Error): unknown[] | undefined {
  const { errors } = error as { errors?: unknown };
  return Array.isArray(errors) ? [...errors] : undefined;
}

function knownClassOf(error: Error): string {
  let of: unknown = error;
  do of = Object.getPrototypeOf(of); while (of !== null && !NAMES.has(of));
  // In another realm the language's error classes have other prototypes but the same names.
  const isNative = () => Object.hasOwn({ ...NATIVE, AggregateError }, error.name);
  return NAMES.get(of) ?? (isNative() ? error.name : "Error");
}

/** @param sealing Undefined if only properties with primitive values are wanted. */
function sealProperties(
  error: Error,
  hidden: readonly string[],
  sealing: Sealing | undefined,
): { properties: Record<string, unknown>; parts: Record<string, Envelope> | undefined } {
  const properties: Record<string, unknown> = {};
  let parts: Record<string, Envelope> | undefined;
  const also = hidden.filter((key) =>
    attempt(() => Object.hasOwn(error, key) || key === "code", false)
  );
  for (const key of new Set([...attempt(() => Object.keys(error), []), ...also])) {
    if (STANDARD.has(key)) continue;
    const value = attempt(() => (error as unknown as Record<string, unknown>)[key]);
    if (value === undefined && !attempt(() => Object.hasOwn(error, key), false)) continue;
    if (typeof value === "symbol") properties[key] = textOf(value);
    else if (value === null || !["object", "function"].includes(typeof value)) {
      properties[key] = value;
    } else if (typeof value === "object" && sealing !== undefined) {
      define(parts ??= {}, key, seal(value, sealing));
    }
  }
  return { properties, parts };
}

/** A list with the value in a form that can be sent; parts that can't be sent become text. */
function listWith(value: unknown, sealing: Sealing): unknown {
  const { cloning } = sealing;
  const { refused, special } = inspect([value], cloning);
  const seals = [
    ...refused ? [] : [() => special ? sealErrorsWithin([value], sealing) : [value]],
    () => sealErrorsWithin([value], sealing, MAX_PRUNED),
  ];
  for (const seal of seals) {
    const list = attempt(() => {
      const sealed = seal();
      cloning.clone(sealed);
      return sealed;
    });
    if (list !== undefined) return list;
  }
  return [textOf(value)];
}

function textOf(value: unknown): string {
  return attempt(() => String(value), "a value that can't be sent");
}

export function openEnvelope(envelope: Envelope): unknown {
  if (envelope.kind === "value") {
    return (openErrorsIn(envelope.list) as unknown[])[0];
  }
  if (envelope.kind === "headers") return new Headers(envelope.headers);
  if (envelope.kind === "response") return openResponse(envelope);
  const { name, message, stack, properties, parts } = envelope;
  const error = revive(envelope);
  if (error.name !== name) hide(error, "name", name);
  hide(error, "stack", stack ?? `${name}: ${message}`);
  const put = (key: string, value: unknown) =>
    Object.hasOwn(error, key) ? hide(error, key, value) : define(error, key, value);
  for (const key of Object.keys(properties)) put(key, properties[key]);
  for (const key of Object.keys(parts ?? {})) put(key, openEnvelope(parts![key]!));
  return error;
}

function revive(
  { known, name, message, cause, errors = [] }: Envelope & { readonly kind: "error" },
): Error {
  const options = cause === undefined ? undefined : { cause: openEnvelope(cause) };
  if (known === "AggregateError") {
    return new AggregateError(errors.map(openEnvelope), message, options);
  }
  if (Object.hasOwn(KNOWN, known)) return new KNOWN[known]!(message, options);
  const error = known === "DOMException"
    ? new DOMException(message, name)
    : new SuppressedError(undefined, undefined, message);
  if (options !== undefined) hide(error, "cause", options.cause);
  return error;
}

export function keepsClass(error: Error): boolean {
  return NAMES.has(Object.getPrototypeOf(error));
}

/** Values whose errors are replaced by marks, and these errors. */
interface SealedErrors {
  /** The key of the marks. It is random, so no value of the caller has it. */
  readonly "~errors": string;
  readonly values: readonly unknown[];
  readonly envelopes: readonly Envelope[];
}

/**
 * Copies values, replacing errors by marks and partial views by views of a smaller buffer, because a view would
 * take its whole buffer along.
 */
export function sealErrorsIn(values: readonly unknown[], cloning: Cloning): unknown {
  return sealErrorsWithin(values, { cloning, within: [], nested: 0 });
}

/** @param prunes How many objects are copied at most, if unsendable parts become text. */
function sealErrorsWithin(values: readonly unknown[], sealing: Sealing, prunes?: number): unknown {
  const mark = `error ${crypto.randomUUID()}`;
  const envelopes: Envelope[] = [];
  const copies = new Map<object, unknown>();
  const replacing = { sealing, mark, envelopes, copies, prunes };
  // The other values are sent unchanged, so that one value's errors don't change its neighbours.
  const isSpecial = (value: unknown) =>
    values.length === 1 || inspect([value], sealing.cloning).special;
  const copied = values.map((value) => isSpecial(value) ? replaced(value, replacing) : value);
  return { "~errors": mark, values: copied, envelopes } satisfies SealedErrors;
}

/** Restores the values of {@linkcode sealErrorsIn}; returns anything else unchanged. */
export function openErrorsIn(sealed: unknown): unknown {
  if (typeof sealed !== "object" || sealed === null || !Object.hasOwn(sealed, "~errors")) {
    return sealed;
  }
  const { "~errors": mark, values, envelopes } = sealed as SealedErrors;
  if (envelopes.length === 0) return values;
  return restored(values, mark, envelopes.map(openEnvelope), new Set());
}

interface Replacing {
  readonly sealing: Sealing;
  readonly mark: string;
  readonly envelopes: Envelope[];
  /** Copies by original: an object may occur several times, even inside itself. */
  readonly copies: Map<object, unknown>;
  /** See {@linkcode sealErrorsWithin}. */
  readonly prunes: number | undefined;
}

function replaced(value: unknown, replacing: Replacing): unknown {
  const { sealing, mark, envelopes, copies, prunes } = replacing;
  if (typeof value !== "object" || value === null) {
    const isLost = typeof value === "function" || typeof value === "symbol";
    return isLost && prunes !== undefined ? textOf(value) : value;
  }
  if (copies.has(value)) return copies.get(value);
  if (prunes !== undefined && (copies.size >= prunes || isLost(value, sealing.cloning))) {
    return textOf(value);
  }
  const keep = <T>(copy: T): T => {
    copies.set(value, copy);
    return copy;
  };
  const kind = kindOf(value, sealing.cloning);
  switch (kind) {
    case "error":
      // Each error in a value may contain as many nested errors as a thrown one.
      if (sealing.within.length === 0) sealing.nested = 0;
      envelopes.push(seal(value, sealing));
      return keep({ [mark]: envelopes.length - 1 });
    case "view":
      if (!takesMore(value as ArrayBufferView, sealing.cloning)) return value;
      return keep(copyOfView(value as ArrayBufferView));
    case "map": {
      const map = keep(new Map());
      for (const [key, child] of value as Map<unknown, unknown>) {
        map.set(replaced(key, replacing), replaced(child, replacing));
      }
      return map;
    }
    case "set": {
      const set = keep(new Set());
      for (const child of value as Set<unknown>) set.add(replaced(child, replacing));
      return set;
    }
    case "list":
    case "plain":
    case "private":
    case "instance": {
      const copy = keep(kind === "list" ? new Array((value as unknown[]).length) : {});
      for (const key of Object.keys(value)) define(copy, key, next(value, key));
      return copy;
    }
    default:
      return value;
  }

  function next(object: object, key: string): unknown {
    const get = () => (object as Record<string, unknown>)[key];
    const child = prunes === undefined ? get() : attempt(get, "a value that can't be read");
    return replaced(child, replacing);
  }
}

/** Whether an object without nested values can't be sent. */
function isLost(value: object, cloning: Cloning): boolean {
  const kind = attempt(() => kindOf(value, cloning), "lost");
  if (kind === "lost") return true;
  if (kind === "private") return attempt(() => Object.keys(value).length === 0, true);
  if (["plain", "list", "map", "set", "error", "instance"].includes(kind)) return false;
  return attempt(() => inspect([value], cloning).refused, true);
}

/** Defines a property, even one named `__proto__`. */
function define(object: object, key: string, value: unknown, enumerable = true): void {
  // Without a prototype, so that keys that a program added to Object.prototype aren't read.
  const own = { __proto__: null, value, writable: true, configurable: true, enumerable };
  Object.defineProperty(object, key, own);
}

function hide(error: Error, key: string, value: unknown): void {
  define(error, key, value, false);
}

/** Puts the errors back in the places of their marks, changing the value in place. */
function restored(value: unknown, mark: string, errors: unknown[], seen: Set<object>): unknown {
  if (typeof value !== "object" || value === null || seen.has(value)) return value;
  if (Object.hasOwn(value, mark)) return errors[(value as Record<string, number>)[mark]!];
  seen.add(value);
  const next = (child: unknown) => restored(child, mark, errors, seen);
  if (value instanceof Map) {
    const entries = [...value];
    value.clear();
    for (const [key, child] of entries) value.set(next(key), next(child));
  } else if (value instanceof Set) {
    const children = [...value];
    value.clear();
    for (const child of children) value.add(next(child));
  } else if (!ArrayBuffer.isView(value)) {
    for (const key of Object.keys(value)) {
      const child = (value as Record<string, unknown>)[key];
      if (typeof child === "object") define(value, key, next(child));
    }
  }
  return value;
}
