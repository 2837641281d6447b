/**
 * What Linux's files of `/proc` and of control groups say, as numbers: pure functions of their texts. It
 * imports nothing, as the meter's own process does.
 *
 * @module
 */

/** Linux counts in `/proc/PID/stat` and `/proc/stat` in hundredths of a second, on every architecture. */
const TICK_MS = 10;

/** What `/proc/PID/stat` says of a process. */
export interface ProcessTimes {
  /** The process that started it. */
  readonly parent: number;
  /** CPU time of its threads, those that ended too, in milliseconds. */
  readonly cpuMs: number;
  /** CPU time of its children that ended and were waited for, and of theirs. */
  readonly childrenCpuMs: number;
}

/**
 * Reads `/proc/PID/stat`.
 *
 * @returns The times; undefined if it is no such text.
 */
export function processTimes(text: string): ProcessTimes | undefined {
  const name = text.lastIndexOf(")");
  if (name < 0) return undefined;
  // From the third field on: state, parent, …, and from the fourteenth the four times.
  const fields = text.slice(name + 2).trim().split(" ");
  const [parent, user, system, childUser, childSystem] = [1, 11, 12, 13, 14].map((at) =>
    Number(fields[at])
  ) as [number, number, number, number, number];
  const all = [parent, user, system, childUser, childSystem];
  if (fields.length < 15 || !all.every(Number.isFinite)) return undefined;
  return {
    parent,
    cpuMs: (user + system) * TICK_MS,
    childrenCpuMs: (childUser + childSystem) * TICK_MS,
  };
}

/** What `/proc/PID/task/TID/schedstat` says of a thread, in milliseconds. */
export interface ThreadTimes {
  /** How long it ran. */
  readonly runMs: number;
  /** How long it could have run, but another had its core. */
  readonly queuedMs: number;
}

/**
 * Reads a thread's `schedstat`.
 *
 * @returns The times; undefined if the kernel keeps none.
 */
export function threadTimes(text: string): ThreadTimes | undefined {
  const match = /^(\d+) (\d+) \d+\s*$/.exec(text);
  return match === null
    ? undefined
    : { runMs: Number(match[1]) / 1e6, queuedMs: Number(match[2]) / 1e6 };
}

/** How often a thread left its core. */
export interface Switches {
  /** To wait for something. */
  readonly voluntary: number;
  /** Because another thread was given it. */
  readonly involuntary: number;
}

/**
 * Reads the context switches from a thread's `status`.
 *
 * @returns The counts; undefined if they aren't there.
 */
export function switchesIn(text: string): Switches | undefined {
  const count = (name: string) => new RegExp(`^${name}:\\s*(\\d+)$`, "m").exec(text)?.[1];
  const [voluntary, involuntary] = ["voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"]
    .map(count);
  return voluntary === undefined || involuntary === undefined
    ? undefined
    : { voluntary: Number(voluntary), involuntary: Number(involuntary) };
}

/** What `/proc/stat` says of the machine. */
export interface CoreTimes {
  /** How many cores are online. */
  readonly cores: number;
  /** How long they were busy altogether, in milliseconds: with programs, the kernel, and other machines' work. */
  readonly busyMs: number;
}

/**
 * Reads `/proc/stat`.
 *
 * @returns The times; undefined if it is no such text.
 */
export function coreTimes(text: string): CoreTimes | undefined {
  const all = /^cpu +([\d ]+)$/m.exec(text)?.[1]?.trim().split(" ").map(Number);
  const cores = text.match(/^cpu\d+ /gm)?.length ?? 0;
  if (all === undefined || all.length < 4 || cores === 0) return undefined;
  // user, nice, system, idle, waiting for disks, interrupts (two), stolen; guests are in user and nice.
  const [user = 0, nice = 0, system = 0, , , hard = 0, soft = 0, stolen = 0] = all;
  return { cores, busyMs: (user + nice + system + hard + soft + stolen) * TICK_MS };
}

/** Where a process's control group lies, as `/proc/self/cgroup` says. */
export interface ControlGroups {
  /** Its folder below version 2's root; undefined if there is none. */
  readonly unified?: string;
  /** Its folder below version 1's root of the CPU controller. */
  readonly cpu?: string;
}

/** Reads `/proc/self/cgroup`. */
export function controlGroups(text: string): ControlGroups {
  const found: { unified?: string; cpu?: string } = {};
  for (const [, controllers, folder] of text.matchAll(/^\d+:([^:]*):(\/.*)$/gm)) {
    if (controllers === "") found.unified = folder!;
    else if (controllers!.split(",").includes("cpu")) found.cpu = folder!;
  }
  return found;
}

/**
 * How many CPUs a limit comes to, as version 2 writes it.
 *
 * @returns CPUs, such as 1.5; undefined if there is no limit.
 */
export function quotaOf(text: string): number | undefined {
  const [quota, period] = text.trim().split(/\s+/).map(Number);
  return quota! > 0 && period! > 0 ? quota! / period! : undefined;
}

/**
 * The least of the limits of a group and of those around it.
 *
 * @returns CPUs; undefined if none is limited.
 */
export function leastQuota(
  folder: string,
  limitOf: (folder: string) => number | undefined,
): number | undefined {
  const parts = folder.split("/").filter((part) => part !== "");
  const limits = Array.from(
    { length: parts.length + 1 },
    (_, depth) => limitOf(depth === 0 ? "" : `/${parts.slice(0, depth).join("/")}`),
  ).filter((limit) => limit !== undefined);
  return limits.length === 0 ? undefined : Math.min(...limits);
}

/**
 * The CPU time of a process, of all that it started, and of all that these started.
 *
 * @returns In milliseconds.
 */
export function familyCpuMs(root: number, times: ReadonlyMap<number, ProcessTimes>): number {
  const children = Map.groupBy(times, ([, { parent }]) => parent);
  let sum = 0;
  const seen = new Set<number>();
  const open = [root];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    const own = times.get(pid);
    if (own === undefined || seen.has(pid)) continue;
    seen.add(pid);
    sum += own.cpuMs + own.childrenCpuMs;
    for (const [child] of children.get(pid) ?? []) open.push(child);
  }
  return sum;
}
