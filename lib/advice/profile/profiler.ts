/** Profiles a job: decides whether there is time, and runs a sample again under V8's profiler. */

import { passingPath } from "../../files/user_files.ts";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { WAITS } from "../../judge/thresholds.ts";
import type { JobSpec } from "../../timing/spec.ts";
import { ItemPuller } from "../../timing/job_items.ts";
import { type Probed, startProbe } from "../probe/probe.ts";
import type { ProbeMessage, ProfileOrder } from "../probe/probe_message.ts";
import { type Sample, typicalFrom } from "../probe/sample.ts";
import {
  type CallTree,
  callTree,
  flameBars,
  type FrameRoles,
  type Profiled,
  timeByFunction,
} from "./job_profile.ts";
import { profileBegins, profileEnds } from "../probe/sampler.ts";

interface ProfilePlan extends ProfileOrder {
  readonly limit: number;
  readonly guardMs: number;
}

/** Takes a profile and never fails; a test's own returns at once. */
export type Profiler = (
  job: JobSpec,
  options: ProfilePlan & { readonly signal: AbortSignal },
) => Promise<Profiled>;

/** V8's sampling interval in microseconds; 4,000 samples a second slow a program by a few percent. */
const INTERVAL_US = 250;
const FEWEST_SAMPLES = 60;
/** The most functions to report, and the smallest share that is worth reporting. */
const MOST_FUNCTIONS = 5;
const LEAST_SHARE = 0.01;

const HERE = new URL("../probe/sampler.ts", import.meta.url).href;
const SOURCE = new URL("../../timing/job_items.ts", import.meta.url).href;
/** The folders of the code in a probe's process that isn't the job's. */
const OURS = ["../probe/", "../../timing/"].map((path) => new URL(path, import.meta.url).href);

/** Which frames of a probe's process are marks, and which belong to the probe. */
const PROBE_ROLES: FrameRoles = {
  mark({ url, name }) {
    if (url !== HERE) return undefined;
    if (name === profileBegins.name) return "begin";
    return name === profileEnds.name ? "end" : undefined;
  },
  // Skipped items are pulled too, and the time for that says nothing about the tasks.
  apart: ({ url, name }) => url === SOURCE && name === ItemPuller.prototype.pull.name,
  own: ({ url }) => OURS.some((folder) => url.startsWith(folder)),
};

/** The tree from the one file with the marks; other files are of threads that the job started. */
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
  // Reads until the process ends, because that is when the profile is written.
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

/** The share of the sample that is profiled, and its limit in milliseconds. */
const SHARE_OF_SAMPLE = 0.22;
const MOST_PROFILE_MS = 1000;
/** Tasks that run for less show nothing, in milliseconds. */
const LEAST_PROFILE_MS = 40;
/** Time for start, marks, end and reading in milliseconds, and how many times as long profiled tasks take. */
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
  // A single long task may take longer than that.
  const targetMs = Math.max(wholeMs, tasksMs / items);
  // The first tasks may be special, for instance fill a cache, so a typical number is run.
  const least = Math.min(items, typicalFrom(sample));
  if (FIXED_MS + SLOWER * (laneMs + Math.max(targetMs, least * wallMs)) > leftMs) {
    return { missing: "no time was left; a larger --budget shows it" };
  }
  const stride = Math.max(1, Math.min(Math.floor(items / least), Math.floor(tasksMs / targetMs)));
  return { stride, targetMs, least, limit: items, guardMs: leftMs };
}

/** Takes a profile if it can show something and there is time; undefined for tasks that wait. */
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
