/**
 * Finds values and errors that can be sent but would arrive changed: without their class, or without a key that
 * is a symbol. A caller that chose lanes knows that; one that was given lanes must be told.
 */

import { attempt, isError } from "../attempt.ts";
import { CloneError } from "../errors.ts";
import type { Fidelity, ItemFailure } from "../lane.ts";
import { type Task, titleOf } from "../task.ts";
import { classOf, isArrayBuffer } from "./buffers.ts";
import {
  classesOf,
  type CloneKind,
  type Cloning,
  fieldOf,
  isOfThePlatform,
  kindOf,
  loss,
  named,
  type Objection,
  structuredCloning,
} from "./clone.ts";
import { keepsClass } from "./envelope.ts";

/** How many errors that contain each other are inspected. */
const MOST_ERRORS = 1000;

/** Why a value would lose more than the fidelity allows; undefined if it would not. */
export function valueLoss(
  value: unknown,
  cloning: Cloning,
  fidelity: Fidelity,
): string | undefined {
  const objections = objectionsOn(cloning, fidelity);
  return objections && loss(value, cloning, objections);
}

/** Returns a check for objects that would lose too much; undefined if anything may be lost. */
export function objectionsOn(
  cloning: Cloning,
  fidelity: Fidelity,
  seen: Set<object> = new Set(),
): Objection | undefined {
  return fidelity === "as sent" ? undefined : (value, kind) => {
    if (kind === "error") return errorLoss(value as Error, { cloning, fidelity, seen });
    // These can't be sent at all, which is reported elsewhere.
    if (kind === "private" || kind === "lost") return undefined;
    return classLoss(value, kind, fidelity) ??
      (fidelity === "classes" ? undone(value, kind) : undefined);
  };
}

/** Why an object would arrive without its methods or its hidden keys; undefined if it would not. */
export function classLoss(
  value: object,
  kind: CloneKind,
  fidelity: Fidelity = "classes",
): string | undefined {
  if (kind === "error") return undefined;
  const isClass = kind !== "plain" && losesClass(value);
  // An object with `toJSON` has its data in its class.
  if (isClass && (fidelity === "classes" || "toJSON" in value)) {
    return `is ${named(value)}, which would arrive without its class`;
  }
  if (fidelity === "classes" && kind === "view") {
    const { name, prototype } = classOf(value as ArrayBufferView);
    const isOther = Object.getPrototypeOf(value) !== prototype;
    if (isOther) return `is ${named(value)}, which would arrive as ${name}`;
  }
  // For data, only plain objects need all their keys.
  return fidelity === "classes" || kind === "plain" ? hiddenKey(value, kind) : undefined;
}

/** How thrown values are inspected. */
interface Looking {
  readonly cloning: Cloning;
  readonly fidelity: Fidelity;
  readonly seen: Set<object>;
}

/** Why a thrown value would lose more than the fidelity allows; undefined if it would not. */
export function failureLoss(
  { ended, reason }: ItemFailure,
  cloning: Cloning,
  fidelity: Fidelity,
): string | undefined {
  if (ended !== "failed" || fidelity !== "classes") return undefined;
  const look = () => lossIn(reason, { cloning, fidelity, seen: new Set() });
  const why = attempt(look, "can't be looked at");
  return why && `it ${why}`;
}

/** Why a thrown value would arrive changed, as the end of a sentence that begins with "it". */
function lossIn(thrown: unknown, looking: Looking): string | undefined {
  if (thrown instanceof Headers) return undefined;
  if (thrown instanceof Response) {
    const isRead = thrown.body === null || thrown.bodyUsed;
    return isRead ? undefined : "is a Response, whose body would not arrive";
  }
  if (isError(thrown)) return errorLoss(thrown, looking);
  const { cloning, fidelity, seen } = looking;
  return loss(thrown, cloning, objectionsOn(cloning, fidelity, seen)!)?.replace(/^it /, "");
}

function errorLoss(error: Error, looking: Looking): string | undefined {
  const { fidelity, seen } = looking;
  if (seen.has(error) || seen.size > MOST_ERRORS) return undefined;
  seen.add(error);
  if (fidelity === "classes") {
    if (!keepsClass(error)) return `is ${named(error)}, which would arrive without its class`;
    const why = hiddenKey(error, "error") ?? undone(error, "error");
    if (why !== undefined) return why;
  }
  for (const key of new Set(["cause", "errors", ...Object.keys(error)])) {
    const part = (error as unknown as Record<string, unknown>)[key];
    for (const each of key === "errors" && Array.isArray(part) ? part : [part]) {
      // Functions are not part of an error's information.
      const why = typeof each === "object" && each !== null ? lossIn(each, looking) : undefined;
      if (why !== undefined) return `holds as its ${key} what ${why}`;
    }
  }
  return undefined;
}

function losesClass(value: object): boolean {
  const [nearest] = classesOf(Object.getPrototypeOf(value));
  return nearest !== undefined && !isOfThePlatform(nearest);
}

/** Lists and views with more places than this aren't searched for odd properties. */
const MOST_PLACES = 100;
/** Non-enumerable properties that the language itself defines on lists, strings, expressions and errors. */
const BUILT_IN = new Set(["length", "lastIndex", "name", "message", "stack", "cause", "errors"]);
/** Non-enumerable properties of errors that envelopes carry. */
const ENVELOPED = new Set(["code", "error", "suppressed"]);

function namesOf(value: object): string[] {
  const { length } = value as { readonly length?: unknown };
  const isLong = (Array.isArray(value) || ArrayBuffer.isView(value)) &&
    Number(length) > MOST_PLACES;
  return isLong ? [] : Object.getOwnPropertyNames(value);
}

/** Names a key that would be lost: a symbol, a non-enumerable one, or a named property of a view. */
function hiddenKey(value: object, kind: CloneKind): string | undefined {
  // A DOMException keeps internal data under symbols, and so do a Blob and a CryptoKey, which a copy has, too.
  const symbols = value instanceof DOMException ? [] : Object.getOwnPropertySymbols(value);
  const copy = kind === "whole" && symbols.length > 0 ? structuredCloning.clone(value) : {};
  const symbol = symbols.find((key) => !Object.hasOwn(copy as object, key));
  if (symbol !== undefined) return `has the key ${String(symbol)}, which would not arrive`;
  const isBuiltIn = (name: string) =>
    kind !== "plain" && BUILT_IN.has(name) || kind === "error" && ENVELOPED.has(name);
  for (const name of namesOf(value)) {
    if (!Object.prototype.propertyIsEnumerable.call(value, name) && !isBuiltIn(name)) {
      return `has the property ${name}, which isn't enumerable and would not arrive`;
    }
    if (kind === "view" && !/^\d+$/.test(name)) {
      return `has the property ${name}, which would not arrive`;
    }
  }
  return undefined;
}

/** Finds properties that cloning resets: a prototype, getters, frozen or read-only parts, a search position. */
function undone(value: object, kind: CloneKind): string | undefined {
  const prototype = Object.getPrototypeOf(value);
  if (prototype === null) return "has no prototype, and would arrive with one";
  if (prototype.constructor?.prototype !== prototype) {
    return "has a prototype of its own, which would not arrive";
  }
  if (value instanceof RegExp && value.lastIndex !== 0) {
    return `is a RegExp whose lastIndex ${value.lastIndex} would arrive as 0`;
  }
  if (!Object.isExtensible(value)) {
    const [is] = ["frozen", "sealed"].filter((_, at) =>
      [Object.isFrozen, Object.isSealed][at]!(value)
    );
    return `is ${is ?? "closed to new properties"}, and would arrive as what can be changed`;
  }
  for (const name of namesOf(value)) {
    const { get, set, writable, configurable } = Object.getOwnPropertyDescriptor(value, name)!;
    // An error's stack may be a getter of the language.
    if (kind === "error" && BUILT_IN.has(name)) continue;
    if ((get ?? set) !== undefined) {
      return `has the getter ${name}, which would arrive as its value`;
    }
    const isOwn = kind === "plain" || kind === "list" || kind === "error";
    if (isOwn && (!writable || !configurable && name !== "length")) {
      return `has the property ${name}, which can't be changed, and would arrive as one that can`;
    }
  }
  return undefined;
}

/** Whether a buffer or view has more to lose than bytes; a copy would hide that before it is reported. */
export function isMoreThanBytes(value: unknown, cloning: Cloning, fidelity: Fidelity): boolean {
  if (!ArrayBuffer.isView(value) && !isArrayBuffer(value)) return false;
  const objection = objectionsOn(cloning, fidelity)?.(value, kindOf(value, cloning));
  return (objection ?? fieldOf(value)) !== undefined;
}

/** The error of an item whose result can't arrive unchanged from a lane that the caller didn't choose. */
export function lossError(task: Task, index: number, lost: string): CloneError {
  const error = new CloneError(
    `Cannot send the result of item ${index} of ${
      titleOf(task)
    } to another lane: ${lost}; from now on ` +
      `auto() runs its task in its own event loop, where stay: "loop" keeps it from the first item on`,
  );
  // The next attempt runs in the event loop, where nothing is sent.
  error.retryable = true;
  return error;
}
