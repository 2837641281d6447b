/** A profile of a job: whether there is time for one, and a sample once more while V8 looks. */

import { passingPath } from "../../files/user_files.ts";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { WAITS } from "../../judge/thresholds.ts";
import type { JobSpec } from "../../timing/spec.ts";
import { ItemPuller } from "../../timing/job_items.ts";
import { type Probed, startProbe } from "../probe/probe.ts";
import type { ProbeMessage, ProfileOrder } from "../probe/probe_message.ts";
import { type Sample, typicalFrom } from "../probe/sample.ts";
import { type CallTree, callTree, type FrameRoles } from "./cpu_profile.ts";
import { flameBars, type Profiled, timeByFunction } from "./job_profile.ts";
import { profileBegins, profileEnds } from "../probe/sampler.ts";

interface ProfilePlan extends ProfileOrder {
  readonly limit: number;
  readonly guardMs: number;
}

/** Takes a profile; it never fails. A test's own answers at once. */
export type Profiler = (
  job: JobSpec,
  options: ProfilePlan & { readonly signal: AbortSignal },
) => Promise<Profiled>;

/** How often V8 looks, in microseconds: a few thousand times a second slow a program by a few percent. */
const INTERVAL_US = 250;
const FEWEST_SAMPLES = 60;
/** Functions that are told at most, and the share below which one isn't worth telling. */
const MOST_FUNCTIONS = 5;
const LEAST_SHARE = 0.01;

const HERE = new URL("../probe/sampler.ts", import.meta.url).href;
const SOURCE = new URL("../../timing/job_items.ts", import.meta.url).href;
/** What a probe's process consists of beside the job. */
const OURS = ["../probe/", "../../timing/"].map((path) => new URL(path, import.meta.url).href);

/** Which frames of a probe's process are marks, and which are the probe's own. */
const PROBE_ROLES: FrameRoles = {
  mark({ url, name }) {
    if (url !== HERE) return undefined;
    if (name === profileBegins.name) return "begin";
    return name === profileEnds.name ? "end" : undefined;
  },
  // Items that are skipped are taken all the same: what that takes tells nothing of the tasks.
  apart: ({ url, name }) => url === SOURCE && name === ItemPuller.prototype.pull.name,
  own: ({ url }) => OURS.some((folder) => url.startsWith(folder)),
};

/** The tree of the one file that holds the marks; others are of threads that the job started. */
async function treeIn(folder: string): Promise<CallTree | undefined> {
  for await (const { name } of Deno.readDir(folder)) {
    const tree = callTree(JSON.parse(await Deno.readTextFile(`${folder}/${name}`)), PROBE_ROLES);
    if (tree !== undefined) return tree;
  }
  return undefined;
}

async function profileIn(
  folder: string,
  job: JobSpec,
  { stride, targetMs, least, limit, guardMs, signal }: Parameters<Profiler>[1],
): Promise<Profiled> {
  const flags = ["--cpu-prof", `--cpu-prof-dir=${folder}`, `--cpu-prof-interval=${INTERVAL_US}`];
  const wanted = { limit, targetMs, profile: { stride, targetMs, least } };
  await using child = await startProbe(job, wanted, { guardMs, signal }, flags);
  let ran: Extract<ProbeMessage, { type: "profiled" }> | undefined;
  // Until its end: the profile is written when the process ends.
  for (let message; (message = await child.next());) {
    if (message.type === "profiled") ran = message;
    if (message.type === "broken") break;
  }
  if (child.isLate || signal.aborted) return { missing: "it was ended before it was done" };
  if (ran === undefined) return { missing: "the tasks could not be run once more" };
  const tree = await treeIn(folder);
  if (tree === undefined) return { missing: "V8 wrote no profile of the tasks" };
  if (tree.samples < FEWEST_SAMPLES) {
    return { missing: "the tasks computed too briefly for a profile" };
  }
  const { module } = job.task;
  const own = module.startsWith("file:") ? dirname(fileURLToPath(module)) : Deno.cwd();
  const { functions, ...time } = timeByFunction(tree, own);
  return {
    tasks: ran.tasks,
    tasksMs: ran.tasksMs,
    samples: tree.samples,
    ...time,
    functions: functions.filter(({ share }) => share >= LEAST_SHARE).slice(0, MOST_FUNCTIONS),
    flame: flameBars(tree, own),
  };
}

export const profileJob: Profiler = async (job, options) => {
  try {
    const folder = await Deno.makeTempDir({ prefix: "lanes-profile-" });
    await using _ = passingPath(folder);
    return await profileIn(folder, job, options);
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) };
  }
};

/** A profile is of so much of the sample, and of no more than so many milliseconds. */
const SHARE_OF_SAMPLE = 0.22;
const MOST_PROFILE_MS = 1000;
/** Shorter than this, tasks show nothing. */
const LEAST_PROFILE_MS = 40;
/** Starting, marking, ending and reading take about this, and profiled tasks so many times as long. */
const FIXED_MS = 600;
const SLOWER = 2;

/** Plans a profile, or says why there is none; undefined for tasks that wait. */
export function profilePlan(
  sample: Sample,
  leftMs: number,
): ProfilePlan | { readonly missing: string } | undefined {
  const { cpuShare, cpuMs, loopMs, tasksMs, items, wallMs, laneMs = 0 } = sample;
  if (cpuShare <= WAITS) return undefined;
  if (cpuShare * loopMs <= WAITS * cpuMs) {
    return {
      missing: "most is computed by programs that the tasks run, or by threads beside the event " +
        "loop's, which its profile doesn't show",
    };
  }
  const wholeMs = Math.max(LEAST_PROFILE_MS, Math.min(MOST_PROFILE_MS, SHARE_OF_SAMPLE * tasksMs));
  // Of long tasks even one may take longer than that.
  const targetMs = Math.max(wholeMs, tasksMs / items);
  // What only the first ones do, such as filling a cache, tells nothing of the others.
  const least = Math.min(items, typicalFrom(sample));
  if (FIXED_MS + SLOWER * (laneMs + Math.max(targetMs, least * wallMs)) > leftMs) {
    return { missing: "no time was left; a larger --budget shows it" };
  }
  const stride = Math.max(1, Math.min(Math.floor(items / least), Math.floor(tasksMs / targetMs)));
  return { stride, targetMs, least, limit: items, guardMs: leftMs };
}

/** Takes a profile if there is something to see and time for it; undefined where nobody would ask. */
export async function profiled(
  sample: Sample,
  { done }: Pick<Probed, "done">,
  leftMs: number,
  take: (plan: ProfilePlan) => Promise<Profiled>,
): Promise<Profiled | undefined> {
  const plan = profilePlan(sample, leftMs);
  if (plan === undefined || "missing" in plan) return plan;
  return done === undefined ? { missing: "the sample was cut off" } : await take(plan);
}
