/**
 * The program of a meter's process: it reads Linux's `/proc` on request, and does nothing else. Deno opens
 * `/proc` only to a program that may do everything, with no permission denied or given back, so this file has
 * all: it loads files of this library alone, takes only process numbers, and only ever reads below `/proc` and
 * `/sys/fs/cgroup`. It imports no npm package.
 */

import { connectToParent } from "../../children/parent.ts";
import { attempt } from "../../lanes/attempt.ts";

/** The first message to a meter: the measuring program's process number. */
export interface MeterOrder {
  readonly root: number;
}

/** A request for a reading of the machine, and of a process if `pid` is given. */
export interface Question {
  readonly pid?: number | undefined;
  /** Whether only the processes that it starts from now on count, and their memory is checked. */
  readonly looks?: boolean | undefined;
}

/** A meter's answer; the reading is undefined if the system doesn't report one. */
export type Answer =
  | { readonly type: "limits" } & Limits
  | { readonly type: "reading"; readonly reading: Reading | undefined };

/** The limits of this program; undefined if there is none or it can't be read. */
export interface Limits {
  /** The limit of CPU time, in CPUs, such as 1.5. */
  readonly quota?: number | undefined;
  readonly memoryBytes?: number | undefined;
}

type OfProcess = NonNullable<ReturnType<typeof processReading>>;
/** One reading, times in milliseconds; the process is undefined if none was requested or it has ended. */
export type Reading = Omit<NonNullable<ReturnType<typeof reading>>, "process"> & {
  readonly process?:
    // The most memory that what it started used together, if that was checked.
    | OfProcess & { readonly childrenBytes?: number | undefined }
    | undefined;
};

/** The unit of `/proc/PID/stat` and `/proc/stat` in milliseconds: 1/100 s on every architecture. */
const TICK_MS = 10;

type ProcessTimes = NonNullable<ReturnType<typeof processTimes>>;

/**
 * A process's parent and times from `/proc/PID/stat`, in milliseconds; those of its children are of all that
 * ended and were waited for, and of their children.
 */
export function processTimes(text: string) {
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

/**
 * A thread's times from its `schedstat`, in milliseconds: how long it ran, and how long it could have run while
 * its core was taken. Undefined if the kernel keeps none.
 */
export function threadTimes(text: string) {
  const match = /^(\d+) (\d+) \d+\s*$/.exec(text);
  return match === null
    ? undefined
    : { runMs: Number(match[1]) / 1e6, queuedMs: Number(match[2]) / 1e6 };
}

/** From `/proc/stat`: for how long all cores were busy with programs, the kernel, and other machines' work. */
export function coreTimes(text: string) {
  const all = /^cpu +([\d ]+)$/m.exec(text)?.[1]?.trim().split(" ").map(Number);
  const cores = text.match(/^cpu\d+ /gm)?.length ?? 0;
  if (all === undefined || all.length < 4 || cores === 0) return undefined;
  // user, nice, system, idle, waiting for disks, interrupts (two), stolen; guests are in user and nice.
  const [user = 0, nice = 0, system = 0, , , hard = 0, soft = 0, stolen = 0] = all;
  return { cores, busyMs: (user + nice + system + hard + soft + stolen) * TICK_MS };
}

/** The number of CPUs in a group's limit, such as 1.5; undefined if there is no limit. */
export function quotaOf(text: string): number | undefined {
  const [quota, period] = text.trim().split(/\s+/).map(Number);
  return quota! > 0 && period! > 0 ? quota! / period! : undefined;
}

/** The bytes in a group's limit of memory; undefined if there is no limit. */
export function memoryOf(text: string): number | undefined {
  const bytes = Number(text);
  return bytes > 0 ? bytes : undefined;
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
  const least = Math.min(...around.map((group) => limitOf(group) ?? Infinity));
  return least === Infinity ? undefined : least;
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
) {
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
  // The main thread runs the event loop; the CPU times include those of threads and processes that ended.
  return { main, all: { runMs, queuedMs }, cpuMs, childrenCpuMs };
}

function reading(
  root: number,
  pid: number | undefined,
  before: ReadonlySet<number> | undefined,
) {
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

/** The limits of this program's control group (version 2). */
function limits(): Limits {
  const folder = /^0::(\/.*)$/m.exec(textOf("/proc/self/cgroup"))?.[1] ?? "/";
  const leastIn = (file: string, limitOf: (text: string) => number | undefined) =>
    leastLimit(folder, (group) => limitOf(textOf(`/sys/fs/cgroup${group}/${file}`)));
  return { quota: leastIn("cpu.max", quotaOf), memoryBytes: leastIn("memory.max", memoryOf) };
}

if (import.meta.main) {
  const { order: { root }, inbox, tell } = await connectToParent<MeterOrder>({
    onTerm: "dies",
  });
  const say: (answer: Answer) => void = tell;
  say({ type: "limits", ...limits() });
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
