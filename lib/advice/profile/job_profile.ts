/** Shows where a job's time goes: turns V8's profile into functions and the bars of a flame graph. */

import { z } from "zod";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { attempt } from "../../lanes/attempt.ts";
import { amount, type Checked, count, share } from "../../timing/json_file.ts";

/** The owner of a function: the job, a package that it uses, or Deno and V8. */
const owner = z.enum(["own", "packages", "runtime"]);
export type Owner = z.infer<typeof owner>;
const deed = z.object({ name: z.string(), share });
export type Deed = Checked<typeof deed>;
/** A function's name and place, such as "parse()" at "job.ts:12"; the runtime's have no place. */
const named = { name: z.string(), owner, place: z.string().optional() };

/** A job's profile; shares are of the computing time. */
const jobProfile = z.object({
  tasks: count,
  tasksMs: amount,
  samples: count,
  /** Shares by owner, which add up to 1. */
  shares: z.object({ own: share, packages: share, runtime: share }),
  /** What the runtime did; each is a part of its share. */
  deeds: z.array(deed),
  functions: z.array(z.object({
    ...named,
    /** In which the function ran itself, or had the runtime work for it. */
    share,
    deeds: z.array(deed).optional(),
    /** In which the function or anything that it called ran; recursion counts once. */
    totalShare: share,
  })),
  /** The bars of a flame graph: the calls below each, where it begins, and its length. */
  flame: z.array(z.object({ ...named, depth: count, from: share, share })),
});
export type JobProfile = Checked<typeof jobProfile>;
export type FlameBar = JobProfile["flame"][number];

export const profileSchema = z.union([jobProfile, z.object({ missing: z.string() })]);
export type Profiled = Checked<typeof profileSchema>;

/** Where npm packages are stored: below a project, or by registry in Deno's cache. */
const BELOW_PROJECT = /^.*\/node_modules\/(?!\.deno\/)(.+)$/;
const IN_CACHE = /^.*\/npm\/[^/]+\.[^/]+\/((?:@[^/]+\/)?[^/]+)\/(\d[^/]*)\/(.+)$/;

/** This library counts as a package, except its ready-made tasks, which count as the job's own. */
const LANES = new URL("../../", import.meta.url).href;
const OWN_TASKS = new URL("tasks/", LANES).href;

/** The owner of a function, by its module. */
export function ownerOf({ url, line }: Pick<CallFrame, "url" | "line">): Owner {
  // Functions made by eval and new Function have lines, but no URL.
  if (url === "" && line > 0) return "own";
  if (/^(?:https?|npm|jsr):/.test(url)) return "packages";
  if (/^(?:data|blob|wasm):/.test(url)) return "own";
  if (!url.startsWith("file:")) return "runtime";
  if (url.startsWith(LANES) && !url.startsWith(OWN_TASKS)) return "packages";
  return BELOW_PROJECT.test(url) || IN_CACHE.test(url) ? "packages" : "own";
}

function decoded(path: string): string {
  return attempt(() => decodeURIComponent(path)) ?? path;
}

/** A function's place, such as "job.ts:12" or "npm:lodash@4.17.21/chunk.js:3"; undefined for the runtime's. */
export function placeOf({ url, line }: CallFrame, folder: string): string | undefined {
  if (ownerOf({ url, line }) === "runtime") return undefined;
  if (url === "") return "evaluated code";
  if (url.startsWith("wasm:")) return "WebAssembly";
  const at = line > 0 ? `:${line}` : "";
  const [, below] = BELOW_PROJECT.exec(url) ?? [];
  if (below !== undefined) return `npm:${decoded(below)}${at}`;
  const [, name, version, file] = IN_CACHE.exec(url) ?? [];
  if (file !== undefined) return `npm:${name}@${version}/${decoded(file)}${at}`;
  if (/^(?:data|blob):/.test(url)) return `${url.slice(0, 4)}:${at.slice(1)}`;
  if (!url.startsWith("file:")) return `${url}${at}`;
  if (ownerOf({ url, line }) === "packages") {
    return `lanes/${decoded(url.slice(LANES.length))}${at}`;
  }
  const path = attempt(() => fileURLToPath(url));
  return path && `${relative(folder, path).replaceAll("\\", "/")}${at}`;
}

/** What the runtime's functions do, by their names in V8 and Deno. */
const DEEDS: readonly (readonly [RegExp, string])[] = [
  [/^\(garbage collector\)$/, "collecting garbage"],
  // V8's name continues with the expression's source.
  [/^RegExp: /, "matching regular expressions"],
  [/structured_?clone|(?:de)?serialize|postmessage/i, "cloning"],
  [/parse|compile|decode/i, "parsing"],
  [/^\(program\)$/, "native code"],
];

export function deedOf({ name }: Pick<CallFrame, "name">): string {
  return DEEDS.find(([pattern]) => pattern.test(name))?.[1] ?? "other functions of Deno";
}

/** A function's name as a person would write it, with brackets if it can be called. */
export function functionName({ name, line, column }: CallFrame): string {
  if (name === "default") return "the default export";
  if (name === "") return line <= 1 && column <= 1 ? "the module itself" : "a nameless function";
  return /^[\w$.#<>[\] ]+$/.test(name) && !name.includes("(") ? `${name}()` : name;
}

/** A function as it is reported: the runtime's by what they do, if `isDeed`. */
function described(frame: CallFrame, owner: Owner, isDeed: boolean, folder: string) {
  const place = placeOf(frame, folder);
  const name = isDeed ? deedOf(frame) : functionName(frame);
  return { name, owner, ...(place !== undefined && { place }) };
}

interface Tally {
  readonly frame: CallFrame;
  readonly owner: Owner;
  readonly deeds: Map<string, number>;
  us: number;
  totalUs: number;
}

/**
 * Adds up a tree by function. Work of the runtime counts for the function that called it, since only there it
 * can be reduced.
 */
export function timeByFunction(
  { calls }: CallTree,
  folder: string,
): Pick<JobProfile, "shares" | "deeds" | "functions"> {
  const tallies = new Map<string, Tally>();
  const owners = { own: 0, packages: 0, runtime: 0 };
  const deeds = new Map<string, number>();
  const tallyOf = (frame: CallFrame, owner: Owner): Tally =>
    tallies.getOrInsert(
      owner === "runtime" ? deedOf(frame) : keyOf(frame),
      { frame, owner, deeds: new Map(), us: 0, totalUs: 0 },
    );
  /** A call, its nearest caller outside the runtime, and all functions above it. */
  type Open = { call: Call; caller: Tally | undefined; above: ReadonlySet<Tally> };
  const open: Open[] = calls.map((call) => ({ call, caller: undefined, above: new Set() }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { call: { frame, selfUs, calls }, above } = next;
    // V8 doesn't tell the owner of a WebAssembly function; most likely it is its caller's.
    const owner = frame.url.startsWith("wasm:") ? next.caller?.owner ?? "own" : ownerOf(frame);
    const caller = owner === "runtime" ? next.caller : tallyOf(frame, owner);
    const own = caller ?? tallyOf(frame, owner);
    owners[owner] += selfUs;
    own.us += selfUs;
    if (owner === "runtime") {
      const deed = deedOf(frame);
      for (const of of caller === undefined ? [deeds] : [deeds, caller.deeds]) {
        of.set(deed, (of.get(deed) ?? 0) + selfUs);
      }
    }
    if (!above.has(own)) own.totalUs += totalUs(next.call);
    const here = new Set(above).add(own);
    open.push(...calls.map((call) => ({ call, caller, above: here })));
  }
  const { own, packages, runtime } = owners;
  const all = own + packages + runtime;
  const share = (us: number) => all === 0 ? 0 : Math.min(1, us / all);
  const deedsOf = (of: ReadonlyMap<string, number>): Deed[] =>
    [...of].map(([name, us]) => ({ name, share: share(us) })).sort((a, b) => b.share - a.share);
  return {
    shares: { own: share(own), packages: share(packages), runtime: share(runtime) },
    deeds: deedsOf(deeds),
    functions: [...tallies.values()].sort((a, b) => b.us - a.us)
      .map(({ frame, owner, deeds, us, totalUs }) => ({
        ...described(frame, owner, owner === "runtime", folder),
        share: share(us),
        ...(deeds.size > 0 && { deeds: deedsOf(deeds) }),
        totalShare: share(totalUs),
      })),
  };
}

/** A narrower bar can't be seen. */
const NARROWEST = 0.004;
/** More bars, or higher stacks of them, can't be read. */
const MOST_BARS = 300;
const DEEPEST = 24;

/** Lays out a tree of calls as the bars of a flame graph. */
export function flameBars({ calls }: CallTree, folder: string): FlameBar[] {
  const all = calls.reduce((sum, call) => sum + totalUs(call), 0);
  if (all === 0) return [];
  const bars: FlameBar[] = [];
  let level = laidOut(calls, 0);
  for (let depth = 0; depth < DEEPEST && level.length > 0; depth++) {
    const seen = level.filter(({ us }) => us / all >= NARROWEST)
      .slice(0, Math.max(0, MOST_BARS - bars.length));
    bars.push(...seen.map(({ call: { frame }, fromUs, us }) => {
      const owner = ownerOf(frame);
      const isDeed = owner === "runtime" && frame.name.startsWith("(");
      return {
        ...described(frame, owner, isDeed, folder),
        depth,
        from: fromUs / all,
        share: us / all,
      };
    }));
    level = seen.flatMap(({ call, fromUs }) => laidOut(call.calls, fromUs));
  }
  return bars;
}

/** Side by side, the longest first, since a flame graph doesn't show when a call ran. */
function laidOut(calls: readonly Call[], fromUs: number) {
  let at = fromUs;
  return calls.map((call) => ({ call, us: totalUs(call) })).sort((a, b) => b.us - a.us)
    .map(({ call, us }) => ({ call, us, fromUs: (at += us) - us }));
}

export interface CallFrame {
  readonly name: string;
  /** The function's module; empty for V8's own functions. */
  readonly url: string;
  /** The line where it begins, from 1; 0 if unknown. */
  readonly line: number;
  readonly column: number;
}

export interface Call {
  readonly frame: CallFrame;
  selfUs: number;
  readonly calls: Call[];
}

/** The outermost calls between the marks, and the number of samples in all counted calls. */
export interface CallTree {
  readonly calls: readonly Call[];
  readonly samples: number;
}

export interface FrameRoles {
  /** Whether a frame marks the beginning or the end of the tasks; undefined for all others. */
  readonly mark: (frame: CallFrame) => "begin" | "end" | undefined;
  /** Whether a frame is left out, together with all its calls. */
  readonly apart: (frame: CallFrame) => boolean;
  /** Whether a frame belongs to the measuring code; its own time isn't counted, that of its calls is. */
  readonly own: (frame: CallFrame) => boolean;
}

const cpuProfile = z.object({
  nodes: z.array(z.object({
    id: z.number(),
    callFrame: z.object({
      functionName: z.string(),
      url: z.string(),
      lineNumber: z.number(),
      columnNumber: z.number(),
    }),
    children: z.array(z.number()).optional(),
  })),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
});

/** Names by which V8 marks time outside of calls. */
const NO_CALLS: readonly string[] = ["(root)", "(idle)"];

/** A key that is equal for two frames of the same function. */
export function keyOf({ name, url, line, column }: CallFrame): string {
  return JSON.stringify([name, url, line, column]);
}

/** A node of a profile, and the call that it counts for. */
interface Seen {
  readonly frame: CallFrame;
  readonly above: Seen | undefined;
  readonly mark: ReturnType<FrameRoles["mark"]>;
  call?: Call | undefined;
}

/** Each node's time and number of samples; a sample's node is taken to run until the next sample. */
function weigh(
  samples: readonly number[],
  deltas: readonly number[],
): Map<number, { us: number; samples: number }> {
  const weights = new Map<number, { us: number; samples: number }>();
  for (const [at, id] of samples.entries()) {
    const { us, samples } = weights.get(id) ?? { us: 0, samples: 0 };
    // Clocks of two cores may differ a little, but time never runs backwards.
    weights.set(id, { us: us + Math.max(0, deltas[at + 1] ?? 0), samples: samples + 1 });
  }
  return weights;
}

/** The calls between a profile's marks, with recursion as one call; undefined if a mark is missing. */
export function callTree(json: unknown, roles: FrameRoles): CallTree | undefined {
  const parsed = cpuProfile.safeParse(json);
  if (!parsed.success) return undefined;
  const { nodes, samples, timeDeltas } = parsed.data;
  const byId = new Map(nodes.map(({ id, callFrame, children = [] }) => {
    const { functionName: name, url, lineNumber, columnNumber } = callFrame;
    return [id, { frame: { name, url, line: lineNumber + 1, column: columnNumber + 1 }, children }];
  }));
  const called = new Set(nodes.flatMap(({ children = [] }) => children));
  const roots = nodes.map(({ id }) => id).filter((id) => !called.has(id));
  // Each node once, callers before those that they call; calls below a mark belong to the mark.
  const seen = new Map<number, Seen>();
  const open: { id: number; above?: Seen }[] = roots.map((id) => ({ id }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { id, above } = next;
    const node = byId.get(id);
    if (node === undefined || seen.has(id) || roles.apart(node.frame)) continue;
    const { frame, children } = node;
    const here: Seen = { frame, above, mark: above?.mark ?? roles.mark(frame) };
    seen.set(id, here);
    open.push(...children.map((id) => ({ id, above: here })));
  }
  const begin = samples.findLastIndex((id) => seen.get(id)?.mark === "begin");
  const end = samples.findIndex((id, at) => at > begin && seen.get(id)?.mark === "end");
  if (begin < 0 || end < 0) return undefined;
  const weights = weigh(samples.slice(begin + 1, end), timeDeltas.slice(begin + 1));
  const calls: Call[] = [];
  let counted = 0;
  for (const [id, here] of seen) {
    const { frame, above, mark } = here;
    here.call = above?.call;
    const isNoCall = frame.url === "" && NO_CALLS.includes(frame.name);
    if (isNoCall || roles.own(frame) || mark !== undefined) continue;
    const call = here.call = callBelow(above?.call, frame, calls);
    const weight = weights.get(id);
    call.selfUs += weight?.us ?? 0;
    counted += weight?.samples ?? 0;
  }
  return { calls: calls.filter((call) => totalUs(call) > 0), samples: counted };
}

function callBelow(above: Call | undefined, frame: CallFrame, roots: Call[]): Call {
  const key = keyOf(frame);
  if (above !== undefined && keyOf(above.frame) === key) return above;
  const siblings = above?.calls ?? roots;
  const known = siblings.find((call) => keyOf(call.frame) === key);
  const call = known ?? { frame, selfUs: 0, calls: [] };
  if (known === undefined) siblings.push(call);
  return call;
}

export function totalUs(call: Call): number {
  let sum = 0;
  const open = [call];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    sum += next.selfUs;
    open.push(...next.calls);
  }
  return sum;
}
