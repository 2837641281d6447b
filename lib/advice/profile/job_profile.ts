/**
 * Where a job's time goes, as data: a tree of calls becomes the functions that matter and the bars of a
 * flame graph. What reports are made from.
 *
 * @module
 */

import { fromFileUrl, relative } from "@std/path";
import { type Call, type CallTree, type Frame, keyOf, totalUs } from "./cpu_profile.ts";

/** Whose a function is: the job's own, a package's that it uses, or Deno's and V8's. */
export type Owner = "own" | "packages" | "runtime";

/** What the runtime did. */
export interface Deed {
  /** Such as "cloning". */
  readonly name: string;
  /** The share of the time that was computed. */
  readonly share: number;
}

/** A function, or what the runtime did by itself; shares are of the time that was computed. */
interface HotFunction {
  /** Such as "parse()", or "collecting garbage". */
  readonly name: string;
  /** Whose it is. */
  readonly owner: Owner;
  /** Such as "job.ts:12"; undefined for the runtime's. */
  readonly place?: string | undefined;
  /** The share in which it ran itself, or had the runtime do something for it. */
  readonly share: number;
  /** What the runtime did for it, the greatest share first; parts of `share`. */
  readonly deeds?: readonly Deed[] | undefined;
  /** The share in which it, or anything that it called, ran; recursion counts once. */
  readonly totalShare: number;
}

/** How much of the time each function took. */
interface TimeByFunction {
  /** By owner: shares of what ran, which add up to 1. */
  readonly shares: Readonly<Record<Owner, number>>;
  /** What the runtime did, by name; a part of `shares.runtime` each. */
  readonly deeds: readonly Deed[];
  /** The functions that ran, the greatest share first. */
  readonly functions: readonly HotFunction[];
}

/** A bar: a call on top of the one that called it. */
export interface FlameBar {
  /** Such as "parse()". */
  readonly name: string;
  /** Whose function it is. */
  readonly owner: Owner;
  /** Such as "job.ts:12"; undefined for the runtime's. */
  readonly place?: string | undefined;
  /** How many calls lie below it. */
  readonly depth: number;
  /** Where it begins, as a share of all time. */
  readonly from: number;
  /** How long it is, as a share of all time. */
  readonly share: number;
}

/** Where a job's time goes; of the functions only those that matter. */
export interface JobProfile extends TimeByFunction {
  /** How many tasks were run for it. */
  readonly tasks: number;
  /** How long they ran, waits counted in, in milliseconds. */
  readonly tasksMs: number;
  /** How often a function was seen running. */
  readonly samples: number;
  /** The calls, as the bars of a flame graph. */
  readonly flame: readonly FlameBar[];
}

/** Why there is no profile, in half a sentence. */
interface NoProfile {
  /** Such as "no time was left". */
  readonly missing: string;
}

/** A job's profile, or why there is none. */
export type Profiled = JobProfile | NoProfile;

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

/** Where a function stands: "job.ts:12", "npm:lodash@4.17.21/chunk.js:3"; undefined for the runtime's. */
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

interface Tally {
  readonly frame: Frame;
  readonly name: string;
  readonly owner: Owner;
  /** What the runtime did for it, in microseconds. */
  readonly deeds: Map<string, number>;
  us: number;
  totalUs: number;
}

/**
 * Adds up a tree by function. What the runtime does for a function counts as that function's, since only
 * there it can be mended; what it does for none, such as collecting garbage, stands for itself.
 */
export function timeByFunction({ calls }: CallTree, folder: string): TimeByFunction {
  const tallies = new Map<string, Tally>();
  const owners = { own: 0, packages: 0, runtime: 0 };
  const deeds = new Map<string, number>();
  const tallyOf = (frame: Frame, owner: Owner): Tally => {
    const name = owner === "runtime" ? deedOf(frame) : nameOf(frame);
    const key = owner === "runtime" ? name : keyOf(frame);
    const tally = tallies.get(key) ?? {
      frame,
      name,
      owner,
      deeds: new Map<string, number>(),
      us: 0,
      totalUs: 0,
    };
    tallies.set(key, tally);
    return tally;
  };
  interface Open {
    readonly call: Call;
    /** The nearest function that isn't the runtime's, the call's own counted in. */
    readonly charged: Tally | undefined;
    /** The functions on the way here. */
    readonly above: ReadonlySet<Tally>;
  }
  const open: Open[] = calls.map((call) => ({ call, charged: undefined, above: new Set() }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { call, above } = next;
    const owner = ownerOf(call.frame);
    owners[owner] += call.selfUs;
    const charged = owner === "runtime" ? next.charged : tallyOf(call.frame, owner);
    const own = charged ?? tallyOf(call.frame, owner);
    own.us += call.selfUs;
    if (owner === "runtime") {
      const deed = deedOf(call.frame);
      for (const of of own.owner === "runtime" ? [deeds] : [deeds, own.deeds]) {
        of.set(deed, (of.get(deed) ?? 0) + call.selfUs);
      }
    }
    const here = new Set(above);
    if (!here.has(own)) {
      own.totalUs += totalUs(call);
      here.add(own);
    }
    for (const inner of call.calls) open.push({ call: inner, charged, above: here });
  }
  const all = owners.own + owners.packages + owners.runtime;
  const share = (us: number) => all === 0 ? 0 : Math.min(1, us / all);
  const deedsOf = (of: ReadonlyMap<string, number>): Deed[] =>
    [...of].map(([name, us]) => ({ name, share: share(us) })).sort((a, b) => b.share - a.share);
  return {
    shares: {
      own: share(owners.own),
      packages: share(owners.packages),
      runtime: share(owners.runtime),
    },
    deeds: deedsOf(deeds),
    functions: [...tallies.values()].sort((a, b) => b.us - a.us).map((tally) => {
      const place = placeOf(tally.frame, folder);
      return {
        name: tally.name,
        owner: tally.owner,
        ...(place !== undefined && { place }),
        share: share(tally.us),
        ...(tally.deeds.size > 0 && { deeds: deedsOf(tally.deeds) }),
        totalShare: share(tally.totalUs),
      };
    }),
  };
}

/** What is narrower than this share can't be seen. */
const NARROWEST = 0.004;
/** More bars, and higher stacks of them, can't be read. */
const MOST_BARS = 300;
const DEEPEST = 24;

/** Lays a tree of calls out as the bars of a flame graph. */
export function flameBars({ calls }: CallTree, folder: string): FlameBar[] {
  const all = calls.reduce((sum, call) => sum + totalUs(call), 0);
  if (all === 0) return [];
  const bars: FlameBar[] = [];
  let level = laidOut(calls, 0);
  for (let depth = 0; depth < DEEPEST && level.length > 0; depth++) {
    const above: Placed[] = [];
    for (const { call, fromUs, us } of level) {
      if (us / all < NARROWEST || bars.length >= MOST_BARS) continue;
      const owner = ownerOf(call.frame);
      const place = placeOf(call.frame, folder);
      bars.push({
        name: owner === "runtime" && call.frame.name.startsWith("(")
          ? deedOf(call.frame)
          : nameOf(call.frame),
        owner,
        ...(place !== undefined && { place }),
        depth,
        from: fromUs / all,
        share: us / all,
      });
      above.push(...laidOut(call.calls, fromUs));
    }
    level = above;
  }
  return bars;
}

interface Placed {
  readonly call: Call;
  readonly fromUs: number;
  readonly us: number;
}

/** Side by side, the longest first: a flame graph doesn't show when a call was. */
function laidOut(calls: readonly Call[], fromUs: number): Placed[] {
  const sized = calls.map((call) => ({ call, us: totalUs(call) })).sort((a, b) => b.us - a.us);
  let at = fromUs;
  return sized.map(({ call, us }) => {
    const placed = { call, fromUs: at, us };
    at += us;
    return placed;
  });
}
