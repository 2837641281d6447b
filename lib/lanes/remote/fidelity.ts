/**
 * What of a value or of something thrown would arrive as something else though it can be sent: its class,
 * what a key that is a symbol holds. Who chose lanes knows that; who was given them is to be told.
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
} from "./clone.ts";
import { keepsClass } from "./envelope.ts";

/** So many errors that hold each other are looked into. */
const MOST_ERRORS = 1000;

/** Why a value wouldn't arrive as whole as it must; undefined if it would, or needn't. */
export function valueLoss(
  value: unknown,
  cloning: Cloning,
  fidelity: Fidelity,
): string | undefined {
  const objections = objectionsOn(cloning, fidelity);
  return objections && loss(value, cloning, objections);
}

/** Says why an object would arrive less whole than it must; undefined if anything may. */
export function objectionsOn(
  cloning: Cloning,
  fidelity: Fidelity,
  seen: Set<object> = new Set(),
): Objection | undefined {
  return fidelity === "as sent" ? undefined : (value, kind) => {
    if (kind === "error") return errorLoss(value as Error, { cloning, fidelity, seen });
    // These can't be sent at all.
    if (kind === "private" || kind === "lost") return undefined;
    return classLoss(value, kind, fidelity) ??
      (fidelity === "classes" ? undone(value, kind) : undefined);
  };
}

/** Why an object's methods, or keys that aren't seen, would be missing where it arrives. */
export function classLoss(
  value: object,
  kind: CloneKind,
  fidelity: Fidelity = "classes",
): string | undefined {
  if (kind === "error") return undefined;
  const isClass = kind !== "plain" && losesClass(value);
  // What it is as JSON is its data.
  if (isClass && (fidelity === "classes" || "toJSON" in value)) {
    return `is ${named(value)}, which would arrive without its class`;
  }
  if (fidelity === "classes" && kind === "view") {
    const { name, prototype } = classOf(value as ArrayBufferView);
    const isOther = Object.getPrototypeOf(value) !== prototype;
    if (isOther) return `is ${named(value)}, which would arrive as ${name}`;
  }
  // Data has no more keys than are seen.
  return fidelity === "classes" || kind === "plain" ? hiddenKey(value, kind) : undefined;
}

/** How far what was thrown is looked at. */
interface Looking {
  readonly cloning: Cloning;
  readonly fidelity: Fidelity;
  readonly seen: Set<object>;
}

/** Why what a task threw wouldn't arrive as whole as it must; undefined if it would, or needn't. */
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

/** What follows on "it" of something that wouldn't arrive as it is. */
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
      // What is a function was never a part of what errors tell.
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

/** Lists and views with more places than this are looked at as a whole: theirs are seldom odd. */
const MOST_PLACES = 100;
/** What the language keeps in properties that aren't enumerable: of lists and strings, expressions, errors. */
const BUILT_IN = new Set(["length", "lastIndex", "name", "message", "stack", "cause", "errors"]);
/** Of errors these travel too. */
const ENVELOPED = new Set(["code", "error", "suppressed"]);

function namesOf(value: object): string[] {
  const { length } = value as { readonly length?: unknown };
  const isLong = (Array.isArray(value) || ArrayBuffer.isView(value)) &&
    Number(length) > MOST_PLACES;
  return isLong ? [] : Object.getOwnPropertyNames(value);
}

/** A key that is a symbol, or that isn't enumerable, doesn't travel; nor does what a view is given besides. */
function hiddenKey(value: object, kind: CloneKind): string | undefined {
  // The platform's own keep what they are under symbols.
  const [symbol] = value instanceof DOMException ? [] : Object.getOwnPropertySymbols(value);
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

/** What cloning brings back to what it usually is: prototypes, getters, what can't be changed, where a search is. */
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
    // An error's stack may be read by a getter of the language's own.
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

/** Whether a buffer, or a view of one, is more than its bytes, which is not to be copied away before it is seen. */
export function isMoreThanBytes(value: unknown, cloning: Cloning, fidelity: Fidelity): boolean {
  if (!ArrayBuffer.isView(value) && !isArrayBuffer(value)) return false;
  const objection = objectionsOn(cloning, fidelity)?.(value, kindOf(value, cloning));
  return (objection ?? fieldOf(value)) !== undefined;
}

/** What an item fails with whose result a lane that nobody asked for can't give back as it is. */
export function lossError(task: Task, index: number, lost: string): CloneError {
  const error = new CloneError(
    `Cannot send the result of item ${index} of ${
      titleOf(task)
    } to another lane: ${lost}; from now on ` +
      `auto() runs its task in its own event loop, where stay: "loop" keeps it from the first item on`,
  );
  // Another try runs where nothing is sent.
  error.retryable = true;
  return error;
}
