/** Runs a sample of a job one by one, in a probe's process. It imports no npm package. */

import type { Items } from "../../dispatch/map_options.ts";
import { isThenable } from "../../lanes/attempt.ts";
import { type Given, isGenerator, plainContext } from "../../lanes/lane_tasks.ts";
import type { TaskFunction } from "../../lanes/task.ts";
import { type ChecksumItem, digestsOf } from "../../timing/checksum.ts";
import { httpSigns, refuses } from "../../tasks/http_signs.ts";
import {
  causesOf,
  errorName,
  messageOf,
  messageWithCauses,
  PaceMeter,
  reasonName,
} from "../../timing/failures.ts";
import { ItemPuller } from "../../timing/job_items.ts";
import type {
  EqualItems,
  FailedItem,
  ProbeMessage,
  ProbeOrder,
  ProfiledRun,
  ProfileOrder,
  Stretch,
  Thrown,
} from "./probe_message.ts";
import { TransferMeter } from "./transfer_meter.ts";

const sumMs = ({ user, system }: { user: number; system: number }) => (user + system) / 1000;
const cpuMs = () => sumMs(process.cpuUsage());
const threadCpuMs = () => sumMs(process.threadCpuUsage());
const rssBytes = () => process.resourceUsage().maxRSS * 1024;

export function thrownBy(error: unknown): Thrown {
  const signs = httpSigns(error);
  const causes = causesOf(error).map((cause) =>
    typeof cause === "string" ? cause : `${errorName(cause)}: ${messageOf(cause)}`
  );
  return { name: errorName(error) ?? "Error", message: messageWithCauses(error), causes, ...signs };
}

/** How long each look at the machine's other load lasts, and how often it is made, in milliseconds. */
const LOOK_MS = 15;
const LOOK_EVERY_MS = 1000;

/** The share of a CPU that a thread gets; without it, computing on a busy machine would look like waiting. */
function availableShare(): number {
  const cpuAt = cpuMs();
  const startMs = performance.now();
  let nowMs = startMs;
  while (nowMs - startMs < LOOK_MS) nowMs = performance.now();
  return Math.min(1, Math.max(0.05, (cpuMs() - cpuAt) / (nowMs - startMs)));
}

// Taken before a job can replace it.
const { setTimeout: later } = globalThis;

/** How long work that tasks didn't await is looked for after the last task, in milliseconds. */
const AFTER_MS = 20;

/** CPU time that is still used after all tasks have settled. */
async function leftMs(): Promise<number> {
  const at = cpuMs();
  await new Promise((done) => later(done, AFTER_MS));
  return cpuMs() - at;
}

/** A stretch of items should last about this long, far above the clocks' steps. */
const STRETCH_MS = 0.5;
const MOST_ITEMS_A_STRETCH = 4096;
/** The fewest items to run if the first are long, and how many times the target time they may take. */
const FEW_ITEMS = 8;
const OVERTIME = 2;
/** Items other than the longest must run for this share of the target time. */
const LEAST_OTHERS = 0.5;
/** A source is known well enough once a few items took it this many times the target time. */
const SLOW_SOURCE = 10;
/** Once this many items have failed and none succeeded, the rest will fail too. */
const ALL_FAIL = 5;
/** A wait or task that lasts longer than this is reported while it goes on, in milliseconds. */
const TELL_MS = 20;
/** Results are kept for comparison up to this size in bytes, and up to this number. */
const KEPT_BYTES = 64 << 20;
const MOST_KEPT = 1 << 16;

export class PullError extends Error {
  constructor(readonly index: number, cause: unknown) {
    super(undefined, { cause });
  }
}

/** The task to sample, its items, and their places in their list. */
export interface Sampling {
  readonly task: TaskFunction;
  /** The values that the task's lane gives to it. */
  readonly given?: Given | undefined;
  readonly items: Items<unknown>;
  /** The list that the items come from, if there is one. */
  readonly list?: readonly unknown[] | undefined;
  /** The items' places in the list if it is taken in another order, and how many of its items then count. */
  readonly places?: readonly number[] | undefined;
  readonly listed?: number | undefined;
}

export class Sampler {
  readonly #kept: ChecksumItem[] = [];
  readonly #transfer = new TransferMeter();
  readonly #shares: number[] = [];
  readonly #pace = new PaceMeter();
  #failures: FailedItem[] = [];
  #keeping = true;
  #ran = 0;
  #failed = 0;
  #tasksMs = 0;
  #longestMs = 0;
  #sourceMs = 0;
  #threadCpuMs = 0;

  constructor(
    readonly order: ProbeOrder,
    readonly sampling: Sampling,
    readonly say: (message: ProbeMessage) => void,
    readonly readMeter: () => Promise<void>,
  ) {}

  async run(): Promise<void> {
    const counts: number[] = [];
    const { limit, metered } = this.order;
    const { items, list, places = [], listed } = this.sampling;
    const puller = new ItemPuller(items);
    const rssBeforeBytes = rssBytes();
    let rssFirstBytes: number | undefined;
    let size = 1;
    let nextLookMs = LOOK_EVERY_MS;
    this.#shares.push(availableShare());
    if (metered) await this.readMeter();
    while (!this.#isOver()) {
      const pulledMs = performance.now();
      const batch = await this.#pull(puller, Math.min(size, limit - this.#ran));
      // A list has its items already, so this time was spent on something else.
      const sourceMs = listed === undefined ? performance.now() - pulledMs : 0;
      if (batch.length === 0) break;
      if (this.#ran === 0) {
        this.say({ type: "phase", phase: "tasks", spread: listed, total: listed ?? puller.total });
      }
      const stretch = await this.#stretch(batch, sourceMs);
      // Sent at once, so that the parent knows which item never settles or ends the process.
      this.say({ type: "stretch", stretch, failures: this.#failures });
      this.#failures = [];
      counts.push(stretch.count);
      if (this.#ran === 1) rssFirstBytes = rssBytes();
      if (stretch.wallMs < STRETCH_MS / 2) size = Math.min(2 * size, MOST_ITEMS_A_STRETCH);
      else if (stretch.wallMs > 2 * STRETCH_MS) size = Math.max(1, size >> 1);
      if (this.#tasksMs < nextLookMs) continue;
      nextLookMs = this.#tasksMs + LOOK_EVERY_MS;
      this.#shares.push(availableShare());
    }
    const left = await leftMs();
    if (metered) await this.readMeter();
    this.#shares.push(availableShare());
    const rssAfterBytes = rssBytes();
    const ended = this.#ran < limit && await puller.ended();
    const { refused: count, perSecond: pacePerSecond } = this.#pace;
    this.say({
      type: "done",
      items: this.#ran,
      failed: this.#failed,
      total: listed ?? puller.total ?? (ended ? this.#ran : null),
      transfer: this.#transfer.cost(),
      threadCpuMs: this.#threadCpuMs,
      leftMs: left,
      available: this.#shares.reduce((sum, share) => sum + share, 0) / this.#shares.length,
      rssBeforeBytes,
      rssFirstBytes,
      rssAfterBytes,
      kept: this.#kept.length,
      equal: list && equalItems(list.slice(0, listed), places, counts),
      isVoid: this.#kept.every((of) => of.status === "fulfilled" && of.value === undefined),
      ...(count > 0 && { refused: { count, pacePerSecond } }),
    });
    await puller.close();
  }

  async #pull(puller: ItemPuller, count: number): Promise<unknown[]> {
    let isTold = false;
    const tell = () => {
      this.say({ type: "phase", phase: "item" });
      isTold = true;
    };
    if (this.#ran === 0) tell();
    const timer = setTimeout(tell, TELL_MS);
    try {
      return await puller.pull(count);
    } catch (cause) {
      throw new PullError(puller.pulled, cause);
    } finally {
      clearTimeout(timer);
      if (isTold && this.#ran > 0) this.say({ type: "phase", phase: "tasks" });
    }
  }

  /** Digests of the kept results; `comparable` maps a result to the part of it that must be equal. */
  digests(comparable?: (value: unknown) => unknown): Promise<string[]> {
    return digestsOf(this.#kept, comparable);
  }

  #placeOf(turn: number): number {
    return this.sampling.places?.[turn] ?? turn;
  }

  #isOver(): boolean {
    const { limit, targetMs } = this.order;
    if (this.#ran >= limit) return true;
    if (this.#failed === this.#ran && this.#failed >= ALL_FAIL) return true;
    if (this.#ran >= FEW_ITEMS && this.#sourceMs >= SLOW_SOURCE * targetMs) return true;
    if (this.#tasksMs < targetMs) return false;
    // One long item may be the only one, so the others are looked at as well.
    const isShown = this.#tasksMs - this.#longestMs >= LEAST_OTHERS * targetMs;
    return (this.#ran >= FEW_ITEMS && isShown) || this.#tasksMs >= OVERTIME * targetMs;
  }

  async #stretch(batch: readonly unknown[], sourceMs: number): Promise<Stretch> {
    const { task, given } = this.sampling;
    const { signal } = new AbortController();
    const values: unknown[] = [];
    const failures = new Map<number, { error: unknown; atMs: number }>();
    const alone = batch.length === 1;
    let promises = false;
    let [syncMs, syncCpuMs] = [0, 0];
    const threadAt = threadCpuMs();
    const cpuAt = cpuMs();
    let at = 0;
    // A task that hangs while it waits can be named; one that computes holds up this timer.
    const tellAt = () => this.say({ type: "phase", phase: "tasks", at, together: 1 });
    const timer = alone ? undefined : setInterval(tellAt, TELL_MS);
    if (!alone) {
      this.say({ type: "phase", phase: "tasks", at, together: batch.length });
      addEventListener("unload", tellAt);
    }
    const startMs = performance.now();
    for (; at < batch.length; at++) {
      try {
        const value = task(
          batch[at],
          plainContext(this.#placeOf(this.#ran + at), signal, given),
        );
        if (isThenable(value)) {
          // Reading the clock for each of many tiny tasks would distort them.
          if (alone) [syncMs, syncCpuMs] = [performance.now() - startMs, cpuMs() - cpuAt];
          promises = true;
          values.push(await value);
        } else {
          values.push(value);
        }
      } catch (error) {
        values.push(undefined);
        failures.set(at, { error, atMs: performance.now() });
      }
    }
    const wallMs = performance.now() - startMs;
    const usedMs = cpuMs() - cpuAt;
    clearInterval(timer);
    removeEventListener("unload", tellAt);
    if (!promises) [syncMs, syncCpuMs] = [wallMs, usedMs];
    this.#threadCpuMs += threadCpuMs() - threadAt;
    this.#tasksMs += wallMs;
    this.#sourceMs += sourceMs;
    this.#longestMs = Math.max(this.#longestMs, wallMs);
    for (const [at, item] of batch.entries()) {
      const failure = failures.get(at);
      const isRefused = failure !== undefined && refuses(failure.error);
      this.#pace.add(failure?.atMs ?? startMs + wallMs, isRefused);
      await this.#keep(this.#ran + at, item, values[at], failure);
    }
    this.#ran += batch.length;
    this.#failed += failures.size;
    return { count: batch.length, wallMs, cpuMs: usedMs, sourceMs, syncMs, syncCpuMs };
  }

  async #keep(
    index: number,
    item: unknown,
    value: unknown,
    failure: { readonly error: unknown } | undefined,
  ): Promise<void> {
    if (isGenerator(value)) {
      this.say({ type: "generator", index });
      Deno.exit(0);
    }
    if (failure === undefined) await this.#transfer.look(item, value, index);
    else if (this.#failures.length < ALL_FAIL) {
      const { error } = failure;
      this.#failures.push({
        index: this.#placeOf(index),
        reason: reasonName(error),
        ...thrownBy(error),
      });
    }
    this.#keeping &&= this.#kept.length < MOST_KEPT &&
      this.#transfer.resultBytes * this.#kept.length < KEPT_BYTES;
    if (!this.#keeping) return;
    this.#kept.push(
      failure === undefined
        ? { index, status: "fulfilled", value }
        : { index, status: "rejected", ended: "failed" },
    );
  }
}

/** How long a mark computes so that V8 sees it, in milliseconds; thread CPU time has steps of 10 ms. */
const MARK_CPU_MS = 20;
/** A mark ends after this time in milliseconds, even if it couldn't get a core. */
const MOST_MARK_MS = 1000;

function spin(): void {
  const endCpuMs = threadCpuMs() + MARK_CPU_MS;
  const endMs = performance.now() + MOST_MARK_MS;
  while (threadCpuMs() < endCpuMs && performance.now() < endMs);
}

/** A profile shows this function where the tasks begin. */
export function profileBegins(): void {
  spin();
}

/** A profile shows this function where the tasks have ended. */
export function profileEnds(): void {
  spin();
}

export async function profiledRun(
  { task, given, items, places }: Sampling,
  limit: number,
  { stride, targetMs, least }: ProfileOrder,
): Promise<ProfiledRun> {
  const puller = new ItemPuller(items);
  const { signal } = new AbortController();
  let [tasks, failed, tasksMs] = [0, 0, 0];
  profileBegins();
  for (let index = 0; index < limit && (tasksMs < targetMs || tasks < least); index++) {
    const pulled = await puller.pull(1);
    if (pulled.length === 0) break;
    if (index % stride !== 0) continue;
    const startMs = performance.now();
    try {
      await task(pulled[0], plainContext(places?.[index] ?? index, signal, given));
    } catch {
      failed++;
    }
    tasks++;
    tasksMs += performance.now() - startMs;
    if (failed === tasks && failed >= ALL_FAIL) break;
  }
  profileEnds();
  await puller.close();
  return { tasks, tasksMs };
}

/** Longer lists aren't searched: this many objects take half a second. */
const MOST_ITEMS = 100_000;
/** An item whose text is longer than this counts as equal to no other. */
const MOST_TEXT = 1000;

function keyOf(item: unknown): unknown {
  if (typeof item !== "object" || item === null) return item;
  let parts = 0;
  try {
    const text = JSON.stringify(item, (_, value) => {
      // Bytes as text take longer than most tasks.
      if (++parts > MOST_TEXT || ArrayBuffer.isView(value)) throw new RangeError("too long");
      return value;
    });
    // Items may differ in what JSON leaves out.
    return text.length > MOST_TEXT || text.includes("{}") ? item : `object ${text}`;
  } catch {
    return item;
  }
}

export function hasEqualItems(list: readonly unknown[]): boolean {
  return list.length <= MOST_ITEMS && new Set(list.map(keyOf)).size < list.length;
}

/** Undefined if no items are equal or `list` is too long; `places` and `counts` describe the sample. */
export function equalItems(
  list: readonly unknown[],
  places: readonly number[],
  counts: readonly number[],
): EqualItems | undefined {
  if (list.length > MOST_ITEMS) return undefined;
  const keys = list.map(keyOf);
  const distinct = new Set(keys).size;
  if (distinct === keys.length) return undefined;
  const seen = new Set<unknown>();
  let turn = 0;
  const again = counts.map((count) => {
    let repeated = 0;
    for (const end = turn + count; turn < end; turn++) {
      const key = keys[places[turn] ?? turn];
      if (seen.has(key)) repeated++;
      else seen.add(key);
    }
    return repeated;
  });
  return { distinct, again };
}
