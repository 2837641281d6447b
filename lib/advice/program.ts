/** Writes the program that runs a job as advised, and the flags that it needs. */

import type { Rate } from "../dispatch/map_options.ts";
import { PASSWORD_VARIABLE } from "../children/model_arguments.ts";
import { hostOf, type ServerOptions } from "../lanes/cluster/broker.ts";
import { packageFlags } from "../lanes/project.ts";
import { type LanePermissions, permissionFlags } from "../lanes/permissions.ts";
import { defaultLanes, MODEL_TABLE, needsServer, takes } from "../models.ts";
import type { Candidate } from "./prediction/candidate.ts";

/** A rate is stated for about this time, in milliseconds: a longer one would allow bursts that are refused. */
const RATE_MS = 100;

/** The option of `map` that keeps to a pace in items a second; undefined if the pace is unknown. */
export function rateOf(perSecond: number | null): Rate | undefined {
  if (perSecond === null || !(perSecond > 0)) return undefined;
  const limit = Math.max(1, Math.round(perSecond * RATE_MS / 1000));
  return { limit, perMs: Math.ceil(limit * 1000 / perSecond) };
}

export interface ProgramJob {
  readonly module: string;
  readonly export: string;
  readonly itemsAreMade: boolean;
  readonly prepare?: "gives nothing" | "gives what is to be disposed" | undefined;
  /** How long a lane's teardown may take, in milliseconds; the usual time by default. */
  readonly graceMs?: number | undefined;
  /** The deno.json of the job's own project, so that its imports work wherever the program is saved. */
  readonly config?: string | undefined;
  readonly permissions: LanePermissions;
  readonly library: string;
  readonly server?: ServerOptions | undefined;
  readonly retries?: number;
  readonly rate?: Rate | undefined;
  readonly fails?: boolean;
  /** Whether it brings its first state back, which was changed by what advice ran. */
  readonly resets?: boolean;
  /** Whether it leaves open what keeps a program from ending. */
  readonly leavesOpen?: boolean;
}

/** Options as they are written in a program; those without a value are left out. */
function written(options: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}`);
  return given.length === 0 ? "" : `{ ${given.join(", ")} }`;
}

function optionsOf(
  { model, lanes, slots }: Candidate,
  { permissions, graceMs, server }: ProgramJob,
): string {
  const reaches = needsServer(model) && server ? serverOptions(server) : undefined;
  // Lanes of other machines are used anyway up to the default number.
  const isGiven = takes(model, "lanes") &&
    (!needsServer(model) || lanes > defaultLanes(model, "cpu"));
  const isSlotted = takes(model, "slots") && (slots > 1 || !(isGiven || reaches));
  const isNarrowed = MODEL_TABLE[model].startsDeno && Object.keys(permissions).length > 0;
  return written({
    ...reaches,
    lanes: isGiven ? lanes : undefined,
    slots: isSlotted ? slots : undefined,
    graceMs,
    permissions: isNarrowed ? JSON.stringify(permissions) : undefined,
  });
}

/** The options that reach the server, without secrets. */
function serverOptions({ servers, user, creds, tlsCa }: ServerOptions) {
  return {
    servers: JSON.stringify(servers.length === 1 ? servers[0] : servers),
    user: user && JSON.stringify(user),
    password: user && `Deno.env.get("${PASSWORD_VARIABLE}")`,
    creds: creds && JSON.stringify(creds),
    tlsCa: tlsCa && JSON.stringify(tlsCa),
  };
}

function flagsOf({ module, permissions, config, server }: ProgramJob, { model }: Candidate) {
  const { servers = [], user }: Partial<ServerOptions> = needsServer(model) && server || {};
  const withMore = (kind: "net" | "env" | "run", more: readonly string[]) => {
    const own = permissions[kind];
    return own === true || [...own || [], ...more];
  };
  return [
    ...(config === undefined ? [] : [`--config=${config}`]),
    ...packageFlags(module),
    ...permissionFlags({
      ...permissions,
      // Modules named by URL are read when they are first needed.
      read: true,
      net: withMore("net", servers.map(hostOf)),
      env: withMore("env", user === undefined ? [] : [PASSWORD_VARIABLE]),
      run: withMore("run", MODEL_TABLE[model].startsDeno ? [Deno.execPath()] : []),
    }),
  ];
}

/** The same, ended once all is closed, though something is left open. */
function endedBy(body: readonly string[]): string[] {
  const lines = body.join("\n").split("\n").map((line) => `  ${line}`);
  return ["{", ...lines, "}", "Deno.exit(); // what the job leaves open would keep it running"];
}

/** Writes the complete program that runs the whole job under a model, and the flags that it needs. */
export function programFor(
  job: ProgramJob,
  candidate: Candidate,
): { readonly code: string; readonly flags: readonly string[] } {
  const { model } = candidate;
  const { retries = 0, rate } = job;
  const name = job.export === "default" ? "" : `, ${JSON.stringify(job.export)}`;
  const module = JSON.stringify(job.module);
  const given = written({ retries: retries || undefined, rate: rate && written({ ...rate }) });
  const args = `(work, ${job.itemsAreMade ? "await job.items()" : "job.items"}` +
    `${given && `, ${given}`})`;
  const body = [
    // `await using` disposes what was prepared after the lanes are closed.
    job.prepare &&
    `${job.prepare === "gives nothing" ? "" : "await using _prepared = "}await job.prepare();`,
    job.resets && "await job.reset(); // advice has run the items already",
    `await using executor = ${model}(${optionsOf(candidate, job)});`,
    `const work = task<typeof job${name}>(${module}${name});`,
    job.fails
      ? `for await (const outcome of executor.mapSettled${args}) {
  if (outcome.status === "fulfilled") console.log(outcome.value);
  else {
    console.error(outcome.index, outcome.ended, outcome.reason);
    Deno.exitCode = 1;
  }
}`
      : `for await (const result of executor.map${args}) console.log(result);`,
  ].filter((line) => typeof line === "string");
  const lines = [
    `import { ${["task", model].sort().join(", ")} } from ${JSON.stringify(job.library)};`,
    `import * as job from ${module};`,
    "",
    ...(job.leavesOpen ? endedBy(body) : body),
  ];
  return { code: `${lines.join("\n")}\n`, flags: flagsOf(job, candidate) };
}
