/**
 * What runs in a meter's process: reads Linux's `/proc` whenever it is asked, and does nothing else. Deno
 * opens `/proc` only to a program that may do everything, with no permission denied or given back, so
 * this file has all: it loads files of this library alone, takes nothing but process numbers, and only
 * ever reads below `/proc` and `/sys/fs/cgroup`. It imports no npm package.
 *
 * @module
 */

import { meetParent } from "../../children/parent.ts";
import {
  type ControlGroups,
  controlGroups,
  coreTimes,
  familyCpuMs,
  leastQuota,
  type ProcessTimes,
  processTimes,
  quotaOf,
  type Switches,
  switchesIn,
  threadTimes,
} from "./proc_texts.ts";
import type { ProcessReading, Reading } from "./reading.ts";

/** What the meter is asked: what a process did, or only what the machine did. */
export interface Question {
  /** The process to look at. */
  readonly pid?: number;
}

/** What it answers; undefined where this system doesn't tell. */
export type Answer =
  | { readonly type: "limits"; readonly quota?: number }
  | { readonly type: "reading"; readonly reading?: Reading };

function textOf(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    // The process has ended, or the kernel was built without it.
    return "";
  }
}

function numbersIn(folder: string): number[] {
  try {
    return Array.from(Deno.readDirSync(folder), ({ name }) => Number(name)).filter(
      Number.isInteger,
    );
  } catch {
    return [];
  }
}

function processReading(pid: number): ProcessReading | undefined {
  const times = processTimes(textOf(`/proc/${pid}/stat`));
  const switches: Switches | undefined = switchesIn(textOf(`/proc/${pid}/status`));
  const main = threadTimes(textOf(`/proc/${pid}/task/${pid}/schedstat`));
  if (times === undefined || switches === undefined || main === undefined) return undefined;
  let [runMs, queuedMs] = [0, 0];
  for (const thread of numbersIn(`/proc/${pid}/task`)) {
    const of = threadTimes(textOf(`/proc/${pid}/task/${thread}/schedstat`));
    runMs += of?.runMs ?? 0;
    queuedMs += of?.queuedMs ?? 0;
  }
  return { main, all: { runMs, queuedMs }, childrenCpuMs: times.childrenCpuMs, switches };
}

function reading(root: number, pid: number | undefined): Reading | undefined {
  const process = pid === undefined ? undefined : processReading(pid);
  const atMs = performance.now();
  const cores = coreTimes(textOf("/proc/stat"));
  if (cores === undefined) return undefined;
  const times = new Map<number, ProcessTimes>();
  for (const each of numbersIn("/proc")) {
    const of = processTimes(textOf(`/proc/${each}/stat`));
    if (of !== undefined) times.set(each, of);
  }
  return { atMs, cores, ownCpuMs: familyCpuMs(root, times), ...(process && { process }) };
}

function quota({ unified, cpu }: ControlGroups): number | undefined {
  const second = unified === undefined
    ? undefined
    : leastQuota(unified, (folder) => quotaOf(textOf(`/sys/fs/cgroup${folder}/cpu.max`)));
  const first = cpu === undefined ? undefined : leastQuota(cpu, (folder) => {
    const of = (name: string) => textOf(`/sys/fs/cgroup/cpu${folder}/cpu.cfs_${name}_us`).trim();
    return quotaOf(`${of("quota")} ${of("period")}`);
  });
  const limits = [first, second].filter((limit) => limit !== undefined);
  return limits.length === 0 ? undefined : Math.min(...limits);
}

async function main(): Promise<void> {
  const { order: { root }, inbox, writer } = await meetParent<{ mark: string; root: number }>({
    heedsTerm: false,
  });
  const say = (answer: Answer) => writer.write(answer);
  const limit = quota(controlGroups(textOf("/proc/self/cgroup")));
  say({ type: "limits", ...(limit !== undefined && { quota: limit }) });
  for (let line = await inbox.next(); line !== undefined; line = await inbox.next()) {
    const { pid } = JSON.parse(line) as Question;
    const found = reading(root, Number.isInteger(pid) ? pid : undefined);
    say({ type: "reading", ...(found && { reading: found }) });
  }
  Deno.exit(0);
}

if (import.meta.main) await main();
