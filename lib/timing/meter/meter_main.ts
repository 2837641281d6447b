/**
 * The program of a meter's process: it reads Linux's `/proc` on request, and does nothing else. Deno opens
 * `/proc` only to a program that may do everything, with no permission denied or given back, so this file has
 * all: it loads files of this library alone, takes only process numbers, and only ever reads below `/proc` and
 * `/sys/fs/cgroup`. It imports no npm package.
 */

import { connectToParent } from "../../children/parent.ts";
import { attempt } from "../../lanes/attempt.ts";
import type {
  Answer,
  CoreTimes,
  Limits,
  MeterOrder,
  ProcessReading,
  Question,
  Reading,
  ThreadTimes,
} from "./meter.ts";

/** The unit of `/proc/PID/stat` and `/proc/stat` in milliseconds: 1/100 s on every architecture. */
const TICK_MS = 10;

/** A process's parent and times from `/proc/PID/stat`, in milliseconds. */
interface ProcessTimes {
  readonly parent: number;
  readonly cpuMs: number;
  /** CPU time of children that ended and were waited for, and of their children. */
  readonly childrenCpuMs: number;
}

export function processTimes(text: string): ProcessTimes | undefined {
  const name = text.lastIndexOf(")");
  if (name < 0) return undefined;
  // The fields from the third on: state, parent, …, and from the fourteenth the four times.
  const fields = text.slice(name + 2).trim().split(" ");
  const [parent, user, system, childUser, childSystem] = [1, 11, 12, 13, 14]
    .map((at) => Number(fields[at])) as [number, number, number, number, number];
  const cpuMs = (user + system) * TICK_MS;
  const childrenCpuMs = (childUser + childSystem) * TICK_MS;
  return fields.length >= 15 && Number.isFinite(parent + cpuMs + childrenCpuMs)
    ? { parent, cpuMs, childrenCpuMs }
    : undefined;
}

/** Parses a thread's `schedstat`; undefined if the kernel keeps none. */
export function threadTimes(text: string): ThreadTimes | undefined {
  const match = /^(\d+) (\d+) \d+\s*$/.exec(text);
  return match === null
    ? undefined
    : { runMs: Number(match[1]) / 1e6, queuedMs: Number(match[2]) / 1e6 };
}

export function coreTimes(text: string): CoreTimes | undefined {
  const all = /^cpu +([\d ]+)$/m.exec(text)?.[1]?.trim().split(" ").map(Number);
  const cores = text.match(/^cpu\d+ /gm)?.length ?? 0;
  if (all === undefined || all.length < 4 || cores === 0) return undefined;
  // user, nice, system, idle, waiting for disks, interrupts (two), stolen; guests are in user and nice.
  const [user = 0, nice = 0, system = 0, , , hard = 0, soft = 0, stolen = 0] = all;
  return { cores, busyMs: (user + nice + system + hard + soft + stolen) * TICK_MS };
}

/** A process's control group: its folder below version 2's root, and below version 1's of CPU and memory. */
type ControlGroups = { unified?: string; cpu?: string; memory?: string };

export function controlGroups(text: string): ControlGroups {
  const found: ControlGroups = {};
  for (const [, controllers, folder] of text.matchAll(/^\d+:([^:]*):(\/.*)$/gm)) {
    if (controllers === "") found.unified = folder!;
    else {
      const of = controllers!.split(",");
      if (of.includes("cpu")) found.cpu = folder!;
      if (of.includes("memory")) found.memory = folder!;
    }
  }
  return found;
}

/** The number of CPUs in a limit as version 2 writes it, such as 1.5; undefined if there is no limit. */
export function quotaOf(text: string): number | undefined {
  const [quota, period] = text.trim().split(/\s+/).map(Number);
  return quota! > 0 && period! > 0 ? quota! / period! : undefined;
}

/** The bytes in a limit of memory; version 1 writes an impossibly large number if there is none. */
export function memoryOf(text: string): number | undefined {
  const bytes = Number(text);
  return bytes > 0 && bytes < Number.MAX_SAFE_INTEGER ? bytes : undefined;
}

function leastOf(limits: readonly (number | undefined)[]): number | undefined {
  const least = Math.min(...limits.map((limit) => limit ?? Infinity));
  return least === Infinity ? undefined : least;
}

/** The least limit of a group and the groups around it; undefined if none has a limit. */
export function leastLimit(
  folder: string,
  limitOf: (folder: string) => number | undefined,
): number | undefined {
  const parts = folder.split("/").filter((part) => part !== "");
  const around = Array.from(
    { length: parts.length + 1 },
    (_, depth) => parts.slice(0, depth).map((part) => `/${part}`).join(""),
  );
  return leastOf(around.map(limitOf));
}

/** The CPU time of a process and of all that it started, directly or not, but for those in `apart`. */
export function familyCpuMs(
  root: number,
  times: ReadonlyMap<number, ProcessTimes>,
  apart: ReadonlySet<number> = new Set(),
): number {
  const children = Map.groupBy(times, ([, { parent }]) => parent);
  let sum = 0;
  const seen = new Set<number>();
  const open = [root];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    const own = times.get(pid);
    if (own === undefined || seen.has(pid)) continue;
    seen.add(pid);
    sum += own.cpuMs + own.childrenCpuMs;
    for (const [child] of children.get(pid) ?? []) if (!apart.has(child)) open.push(child);
  }
  return sum;
}

function textOf(path: string): string {
  return attempt(() => Deno.readTextFileSync(path), "");
}

function numbersIn(folder: string): number[] {
  const numbers = () => Array.from(Deno.readDirSync(folder), ({ name }) => Number(name));
  return attempt(numbers, []).filter(Number.isInteger);
}

/** How often the memory of programs is read, in milliseconds: those that use much live longer. */
const LOOK_MS = 50;

/** Tracks the memory of all processes that a process starts from now on. */
class Programs {
  /** The processes that run already, such as a server that the job's prepare() started. */
  readonly before: ReadonlySet<number> = new Set(numbersIn("/proc"));
  readonly #seen = new Set(this.before);
  readonly #family = new Set<number>();
  readonly #timer = setInterval(() => this.#look(), LOOK_MS);
  mostBytes = 0;

  constructor(readonly pid: number) {}

  #look(): void {
    let bytes = 0;
    for (const pid of this.#family) {
      const most = /^VmHWM:\s+(\d+) kB$/m.exec(textOf(`/proc/${pid}/status`))?.[1];
      bytes += 1024 * Number(most ?? 0);
      if (most === undefined) this.#family.delete(pid);
    }
    this.mostBytes = Math.max(this.mostBytes, bytes);
    const all = numbersIn("/proc");
    if (!all.includes(this.pid)) this.stop();
    // Read from the next look on: until it runs its own program, a new process shows its parent's memory.
    for (const pid of all.filter((pid) => !this.#seen.has(pid))) {
      this.#seen.add(pid);
      const parent = processTimes(textOf(`/proc/${pid}/stat`))?.parent ?? 0;
      if (parent === this.pid || this.#family.has(parent)) this.#family.add(pid);
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

function processReading(
  pid: number,
  all: ReadonlyMap<number, ProcessTimes>,
  before: ReadonlySet<number> | undefined,
): ProcessReading | undefined {
  const times = all.get(pid);
  const main = threadTimes(textOf(`/proc/${pid}/task/${pid}/schedstat`));
  if (times === undefined || main === undefined) return undefined;
  let [runMs, queuedMs] = [0, 0];
  for (const thread of numbersIn(`/proc/${pid}/task`)) {
    const of = threadTimes(textOf(`/proc/${pid}/task/${thread}/schedstat`));
    runMs += of?.runMs ?? 0;
    queuedMs += of?.queuedMs ?? 0;
  }
  const { cpuMs } = times;
  const childrenCpuMs = familyCpuMs(pid, all, before) - cpuMs;
  return { main, all: { runMs, queuedMs }, cpuMs, childrenCpuMs };
}

function reading(
  root: number,
  pid: number | undefined,
  before: ReadonlySet<number> | undefined,
): Reading | undefined {
  const atMs = performance.now();
  const cores = coreTimes(textOf("/proc/stat"));
  if (cores === undefined) return undefined;
  const times = new Map<number, ProcessTimes>();
  for (const each of numbersIn("/proc")) {
    const of = processTimes(textOf(`/proc/${each}/stat`));
    if (of !== undefined) times.set(each, of);
  }
  const process = pid === undefined ? undefined : processReading(pid, times, before);
  return { atMs, cores, ownCpuMs: familyCpuMs(root, times), ...(process && { process }) };
}

/** Reads the least limit of a group, below its version's root, and of the groups around it. */
function leastIn(
  root: string,
  folder: string | undefined,
  limitOf: (textOf: (file: string) => string) => number | undefined,
): number | undefined {
  const at = `/sys/fs/cgroup${root}`;
  return folder === undefined
    ? undefined
    : leastLimit(folder, (group) => limitOf((file) => textOf(`${at}${group}/${file}`).trim()));
}

function limits({ unified, cpu, memory }: ControlGroups): Limits {
  const oldQuota = (of: (file: string) => string) =>
    quotaOf(`${of("cpu.cfs_quota_us")} ${of("cpu.cfs_period_us")}`);
  return {
    quota: leastOf([
      leastIn("/cpu", cpu, oldQuota),
      leastIn("", unified, (of) => quotaOf(of("cpu.max"))),
    ]),
    memoryBytes: leastOf([
      leastIn("/memory", memory, (of) => memoryOf(of("memory.limit_in_bytes"))),
      leastIn("", unified, (of) => memoryOf(of("memory.max"))),
    ]),
  };
}

if (import.meta.main) {
  const { order: { root }, inbox, tell } = await connectToParent<MeterOrder>({
    onTerm: "dies",
  });
  const say: (answer: Answer) => void = tell;
  say({ type: "limits", ...limits(controlGroups(textOf("/proc/self/cgroup"))) });
  let programs: Programs | undefined;
  for (let line = await inbox.next(); line !== undefined; line = await inbox.next()) {
    const { pid, looks = false }: Question = JSON.parse(line);
    const asked = Number.isInteger(pid) ? pid : undefined;
    const isWatched = programs?.pid === asked;
    // Made before the answer, so before the process goes on and starts any.
    if (looks && asked !== undefined && !isWatched) {
      programs?.stop();
      programs = new Programs(asked);
    }
    const read = reading(root, asked, looks ? programs?.before : undefined);
    const process = read?.process &&
      { ...read.process, ...(looks && isWatched && { childrenBytes: programs!.mostBytes }) };
    say({ type: "reading", reading: read && { ...read, ...(process && { process }) } });
  }
  Deno.exit(0);
}
