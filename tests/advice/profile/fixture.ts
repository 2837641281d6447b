/** Made-up profiles as V8 writes them, and the result of one. */

import type { FrameRoles, JobProfile } from "../../../lib/advice/profile/job_profile.ts";
import type { profileJob } from "../../../lib/advice/profile/profiler.ts";
import type { JobSpec } from "../../../lib/timing/spec.ts";

/** A stack from its bottom: each function as "name@url:line". */
export type Stack = readonly string[];

interface Node {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    readonly lineNumber: number;
    readonly columnNumber: number;
  };
  children?: number[];
}

function frameIn(text: string): Node["callFrame"] {
  const [name, place = ""] = text.split("@") as [string, string?];
  // The garbage collector, the root and native functions have no place in a file.
  const [, url = "", line] = /^(.*?)(?::(\d+))?$/.exec(place)!;
  return {
    functionName: name,
    url,
    lineNumber: line === undefined ? -1 : Number(line) - 1,
    columnNumber: line === undefined ? -1 : 0,
  };
}

/** A profile of these stacks, each seen for the given time in microseconds. */
export function profileOf(seen: readonly (readonly [stack: Stack, us: number])[]) {
  const nodes: Node[] = [{ id: 1, callFrame: frameIn("(root)") }];
  const ids = new Map<string, number>([["[]", 1]]);
  const nodeOf = (stack: Stack): number => {
    const key = JSON.stringify(stack);
    const known = ids.get(key);
    if (known !== undefined) return known;
    const parent = nodes[nodeOf(stack.slice(0, -1)) - 1]!;
    const id = nodes.length + 1;
    nodes.push({ id, callFrame: frameIn(stack.at(-1)!) });
    (parent.children ??= []).push(id);
    ids.set(key, id);
    return id;
  };
  const samples = seen.map(([stack]) => nodeOf(stack));
  // A delta belongs to the time before its sample: a sample's duration is the next delta.
  const timeDeltas = [17, ...seen.slice(0, -1).map(([, us]) => us)];
  return { nodes, samples, timeDeltas, startTime: 1000, endTime: 2000 };
}

/** The marks and the frames of the measuring code, by their names. */
export const ROLES: FrameRoles = {
  mark: ({ name }) => name === "BEGIN" ? "begin" : name === "END" ? "end" : undefined,
  apart: ({ name }) => name === "SOURCE",
  own: ({ url }) => url.startsWith("probe:"),
};

/** These stacks between the marks, with the process's other work before and after. */
export function marked(seen: readonly (readonly [Stack, number])[]) {
  return profileOf([
    [["load@file:///job/job.ts:1"], 5000],
    [["run@probe:x:1", "BEGIN@probe:x:2", "now@ext:core:1"], 100],
    [["run@probe:x:1", "BEGIN@probe:x:2"], 100],
    ...seen,
    [["run@probe:x:1", "END@probe:x:9"], 100],
    [["exit@file:///job/job.ts:99"], 7000],
    [["(program)"], 1],
  ]);
}

/** The result of a profile. */
export const PROFILE: JobProfile = {
  tasks: 12,
  tasksMs: 480,
  samples: 1800,
  shares: { own: 0.8, packages: 0.08, runtime: 0.12 },
  deeds: [{ name: "collecting garbage", share: 0.1 }, { name: "cloning", share: 0.01 }],
  functions: [
    {
      name: "parse()",
      owner: "own",
      place: "job.ts:4",
      share: 0.62,
      deeds: [{ name: "cloning", share: 0.2 }, { name: "parsing", share: 0.001 }],
      totalShare: 0.7,
    },
    { name: "collecting garbage", owner: "runtime", share: 0.1, totalShare: 0.1 },
    { name: "chunk()", owner: "packages", place: "npm:x@1/a.js:2", share: 0.08, totalShare: 0.08 },
  ],
  flame: [
    { name: "default()", owner: "own", place: "job.ts:9", depth: 0, from: 0, share: 0.9 },
    { name: "parse()", owner: "own", place: "job.ts:4", depth: 1, from: 0, share: 0.7 },
    { name: "collecting garbage", owner: "runtime", depth: 0, from: 0.9, share: 0.1 },
  ],
};

/** One of the jobs in the folder `jobs`. */
export function jobOf(name: string): JobSpec {
  const module = new URL(`./jobs/${name}.ts`, import.meta.url).href;
  return {
    name,
    task: { module, export: "default" },
    items: { kind: "module", module, export: "items" },
    options: {},
  };
}

/** Options for profiling it. */
export const options = (more: Partial<Parameters<typeof profileJob>[1]> = {}) => ({
  stride: 1,
  least: 1,
  targetMs: 60_000,
  limit: 40,
  guardMs: 60_000,
  signal: new AbortController().signal,
  ...more,
});
