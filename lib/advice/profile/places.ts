/**
 * Whose a function is, and where it stands, in words that hold no one's folders.
 *
 * @module
 */

import { fromFileUrl, relative } from "@std/path";
import type { Frame } from "./cpu_profile.ts";

/** Whose a function is: the job's own, a package's that it uses, or Deno's and V8's. */
export type Owner = "own" | "packages" | "runtime";

/** Where npm's packages lie: below a project, or in Deno's cache by registry. */
const BELOW_PROJECT = /^.*\/node_modules\/(?!\.deno\/)(.+)$/;
const IN_CACHE = /^.*\/npm\/[^/]+\.[^/]+\/((?:@[^/]+\/)?[^/]+)\/(\d[^/]*)\/(.+)$/;

/** Whose a function is, by its module. */
export function ownerOf({ url }: Pick<Frame, "url">): Owner {
  if (/^(?:https?|npm|jsr):/.test(url)) return "packages";
  if (/^(?:data|blob):/.test(url)) return "own";
  if (!url.startsWith("file:")) return "runtime";
  return BELOW_PROJECT.test(url) || IN_CACHE.test(url) ? "packages" : "own";
}

function pathOf(url: string): string | undefined {
  try {
    return fromFileUrl(url);
  } catch {
    return undefined;
  }
}

/**
 * Where a function stands.
 *
 * @returns Such as "job.ts:12", "npm:lodash@4.17.21/chunk.js:3"; undefined for the runtime's.
 */
export function placeOf({ url, line }: Frame, folder: string): string | undefined {
  if (ownerOf({ url }) === "runtime") return undefined;
  const at = line > 0 ? `:${line}` : "";
  const project = BELOW_PROJECT.exec(url);
  if (project !== null) return `npm:${decoded(project[1]!)}${at}`;
  const cached = IN_CACHE.exec(url);
  if (cached !== null) return `npm:${cached[1]}@${cached[2]}/${decoded(cached[3]!)}${at}`;
  if (url.startsWith("data:") || url.startsWith("blob:")) {
    return `${url.slice(0, 4)}:${at.slice(1)}`;
  }
  if (!url.startsWith("file:")) return `${url}${at}`;
  const path = pathOf(url);
  return path === undefined ? undefined : `${relative(folder, path).replaceAll("\\", "/")}${at}`;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** What the runtime's functions do, by their names in V8 and Deno. */
const DEEDS: readonly (readonly [RegExp, string])[] = [
  [/^\(garbage collector\)$/, "collecting garbage"],
  [/structured_?clone|(?:de)?serialize|postmessage/i, "cloning"],
  [/parse|compile|decode/i, "parsing"],
  [/^\(program\)$/, "native code"],
];

/** What one of the runtime's functions does. */
export function deedOf({ name }: Pick<Frame, "name">): string {
  return DEEDS.find(([pattern]) => pattern.test(name))?.[1] ?? "other functions of Deno";
}

/** A function as a person would write it: with brackets where it can be called. */
export function nameOf({ name, line, column }: Frame): string {
  if (name === "") return line <= 1 && column <= 1 ? "the module itself" : "a nameless function";
  return /^[\w$.#<>[\] ]+$/.test(name) && !name.includes("(") ? `${name}()` : name;
}
