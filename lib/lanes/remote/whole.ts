/**
 * What of a value or of something thrown would arrive as something else though it can be sent: its class,
 * what a key that is a symbol holds. Who chose lanes knows that; who was given them is to be told.
 */

import { attempt } from "../attempt.ts";
import { CloneError } from "../errors.ts";
import type { Failure, Whole } from "../lane.ts";
import {
  classesOf,
  isOfThePlatform,
  type Kind,
  loss,
  named,
  type Objection,
  type Way,
} from "./clone.ts";
import { keepsClass } from "./envelope.ts";

/** So many errors that hold each other are looked into. */
const MOST_ERRORS = 1000;

/** Why a value wouldn't arrive as whole as it must; undefined if it would, or needn't. */
export function valueLoss(value: unknown, way: Way, whole: Whole): string | undefined {
  const objections = objectionsOn(way, whole);
  return objections && loss(value, way, objections);
}

/** Says why an object would arrive less whole than it must; undefined if anything may. */
export function objectionsOn(
  way: Way,
  whole: Whole,
  seen: Set<object> = new Set(),
): Objection | undefined {
  return whole === "as sent" ? undefined : (value, kind) => {
    if (kind === "error") return errorLoss(value as Error, { way, whole, seen });
    // These can't be sent at all.
    if (kind === "private" || kind === "lost") return undefined;
    const isClass = kind !== "plain" && losesClass(value);
    // What it is as JSON is its data.
    if (isClass && (whole === "classes" || "toJSON" in value)) {
      return `is ${named(value)}, which would arrive without its class`;
    }
    if (kind !== "view") return hiddenKey(value, kind);
    const view = value as ArrayBufferView;
    return isOtherView(view)
      ? `is ${named(view)}, which would arrive as ${tagOf(view)}`
      : undefined;
  };
}

/** How far what was thrown is looked at. */
interface Looking {
  readonly way: Way;
  readonly whole: Whole;
  readonly seen: Set<object>;
}

/** Why what a task threw wouldn't arrive as whole as it must; undefined if it would, or needn't. */
export function failureLoss(
  { ended, reason }: Failure,
  way: Way,
  whole: Whole,
): string | undefined {
  if (ended !== "failed" || whole !== "classes") return undefined;
  const look = () => lossIn(reason, { way, whole, seen: new Set() });
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
  if (thrown instanceof Error) return errorLoss(thrown, looking);
  const { way, whole, seen } = looking;
  return loss(thrown, way, objectionsOn(way, whole, seen)!)?.replace(/^it /, "");
}

function errorLoss(error: Error, looking: Looking): string | undefined {
  const { whole, seen } = looking;
  if (seen.has(error) || seen.size > MOST_ERRORS) return undefined;
  seen.add(error);
  if (whole === "classes" && !keepsClass(error)) {
    return `is ${named(error)}, which would arrive without its class`;
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

/** A key that is a symbol, or that isn't enumerable, doesn't travel. */
function hiddenKey(value: object, kind: Kind): string | undefined {
  if (kind === "whole") return undefined;
  const [symbol] = Object.getOwnPropertySymbols(value);
  if (symbol !== undefined) return `has the key ${String(symbol)}, which would not arrive`;
  if (kind !== "plain") return undefined;
  const names = Object.getOwnPropertyNames(value);
  if (names.length === Object.keys(value).length) return undefined;
  const hidden = names.find((name) => !Object.prototype.propertyIsEnumerable.call(value, name));
  return `has the property ${hidden}, which isn't enumerable and would not arrive`;
}

/** Whether a view is of a class of its own, as a Buffer is: it arrives as what its tag says. */
export function isOtherView(value: unknown): boolean {
  if (!ArrayBuffer.isView(value)) return false;
  const plain = (globalThis as unknown as Record<string, { prototype: object } | undefined>)[
    tagOf(value)
  ];
  return plain !== undefined && Object.getPrototypeOf(value) !== plain.prototype;
}

function tagOf(view: ArrayBufferView): string {
  return Object.prototype.toString.call(view).slice("[object ".length, -1);
}

/** What an item fails with whose result a lane that nobody asked for can't give back as it is. */
export function lossError(index: number, lost: string): CloneError {
  const error = new CloneError(
    `Cannot send the result of item ${index} to another lane: ${lost}; from now on auto() runs its ` +
      `task in its own event loop, where stay: "loop" keeps it from the first item on`,
  );
  // Another try runs where nothing is sent.
  error.retryable = true;
  return error;
}
