/** Runs a job's items in the job's process and reports each outcome. It imports no npm package. */

import { type MapOptions, mayRetry, type RetryIn } from "../dispatch/map_options.ts";
import type { Outcome, Rejected } from "../dispatch/output.ts";
import type { AutoExecutor, Executor, LaneUsage } from "../executor.ts";
import { attempt } from "../lanes/attempt.ts";
import type { Task } from "../lanes/task.ts";
import { isFixed, needsServer } from "../models.ts";
import { hostSaid, httpSigns, refuses } from "../tasks/http_signs.ts";
import { errorName, failureReason, messageOf, messageWithCauses } from "../timing/failures.ts";
import { LaneWatch } from "../timing/lane_watch.ts";
import type { Timeline } from "../timing/result.ts";
import { decisionsSince, timelineOf } from "../timing/timeline.ts";
import type { ItemsLeft, Listed } from "./items_left.ts";
import { digestText, jsonText } from "./known_items.ts";
import { MOST_REFUSALS, MOST_WAIT_MS, RefusedItems } from "./refused_items.ts";
import {
  type Budget,
  type FailureRecord,
  LEAST_JUDGED,
  type RunEnd,
  type RunMessage,
  type RunSpec,
  type RunStanding,
  type SlowItem,
  type Waits,
} from "./run_message.ts";
import type { RunResult } from "./run_result.ts";

/** Collected lines are sent at this many characters: half of what a pipe holds, so sending needn't wait. */
const TOLD_CHARACTERS = 1 << 15;
const TOLD_MS = 20;
/** At this many characters that the parent hasn't written yet, the run takes no more results: tasks wait. */
const MOST_UNWRITTEN = 1 << 22;
/** How many of the slowest items are reported. */
const SLOWEST = 10;
/** Error messages are cut to this many characters, since one may hold a whole page. */
const MOST_MESSAGE = 2000;
/** The key of items without a host, where slots are limited per host: together they count as one host. */
const NO_HOST = "";
const UNAVAILABLE = 503;

interface RunHost {
  readonly executor: Executor;
  readonly items: ItemsLeft;
  readonly say: (message: RunMessage) => void;
  /** Takes a step outside tasks, which ends soon if the run is to finish. */
  readonly step: <T>(what: string, run: () => Promise<T>) => Promise<T>;
  readonly signal: AbortSignal;
}

export function isSpent(budget: Budget | undefined, settled: number, failed: number): boolean {
  if (budget === undefined) return false;
  if ("items" in budget) return failed >= budget.items;
  return settled >= LEAST_JUDGED && failed >= budget.share * settled;
}

/** The host of an item that is a web address or has one as its `url`; undefined otherwise. */
function hostOf(item: unknown): string | undefined {
  const address = (item as { url?: unknown } | null)?.url ?? item;
  if (typeof address !== "string" && !(address instanceof URL)) return undefined;
  return URL.parse(address)?.host || undefined;
}

export function brokenBy(
  where: string,
  error: unknown,
): Extract<RunMessage, { readonly type: "broken" }> {
  const name = errorName(error) ?? "Error";
  return { type: "broken", where, name, message: messageOf(error) };
}

export class RunHere {
  /** Lines that haven't been sent to the parent yet. */
  #results = "";
  #failures = "";
  #unwritten = 0;
  #whenWritten: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #idleTimer: ReturnType<typeof setInterval> | undefined;
  #succeeded = 0;
  #failed = 0;
  readonly #watch: LaneWatch | undefined;
  readonly #sample = new TaskSample();
  readonly #refusals: RefusedItems;
  /** Indexes of the items that got another try and haven't settled yet. */
  readonly #again = new Set<number>();
  /** Whether no task was running at the last look. */
  #isIdle = false;
  /** Aborted once the run should end early and no task is running, or once it has ended. */
  readonly #idle = new AbortController();
  #toldMs = -Infinity;
  #end: RunEnd = "done";
  /** A fault of the run itself, such as a module that can't be loaded; it isn't counted as a failed item. */
  #broken: RunMessage | undefined;
  readonly #slowest: SlowItem[] = [];
  /** Outcomes that aren't recorded yet: in input order, an outcome waits for those of earlier items. */
  readonly #ended = new Map<number, Outcome<unknown>>();

  constructor(private readonly spec: RunSpec, private readonly host: RunHost) {
    this.#refusals = new RefusedItems(!isFixed(host.executor.model));
    this.#watch = spec.live ? new LaneWatch(host.executor) : undefined;
  }

  finish(end: RunEnd = "finished"): void {
    if (this.#end !== "done" || this.#idle.signal.aborted) return;
    this.#end = end;
    this.host.items.finishing = true;
    this.host.executor.pause();
    // No outcome tells that tasks stopped running whose lane was lost: their items wait to run again.
    this.#idleTimer = setInterval(() => this.#endIfIdle(), TOLD_MS);
    this.#endIfIdle();
  }

  /** Ends the run if no task is running; items that wait for a slot or a retry are left to a resumed run. */
  #endIfIdle(): void {
    if (this.host.executor.running().length === 0) this.#idle.abort();
  }

  #keyOf(item: unknown): string | undefined {
    return hostOf(item) ?? (this.spec.perHost === undefined ? undefined : NO_HOST);
  }

  /** Takes note that the parent has written this many characters. */
  written(characters: number): void {
    this.#unwritten -= characters;
    if (this.#unwritten < MOST_UNWRITTEN) this.#whenWritten?.();
  }

  /** Runs the items and returns the last message for the parent; rejects if the executor fails. */
  async run(): Promise<RunMessage> {
    const { executor, items, step } = this.host;
    const { job, record } = this.spec;
    const problem = await step("the items that are recorded", () => items.compare());
    if (problem !== undefined) return { type: "changed", problem };
    const ready = () => step("its lanes", () => executor.ready(job.task as Task));
    // The number of lanes that have joined is known only once the executor is ready.
    if (needsServer(executor.model)) await ready();
    const { lanes, slots } = executor;
    const { total } = items;
    this.host.say({ type: "began", lanes, slots: Number.isFinite(slots) ? slots : null, total });
    if (record) await ready();
    const before = record ? await executor.usage() : [];
    const firstMs = performance.now();
    await this.#runItems();
    if (this.#broken !== undefined) return this.#broken;
    if (items.failure !== undefined) return brokenBy("items", items.failure.error);
    return {
      type: "done",
      end: this.#end,
      slowest: this.#slowest,
      gone: this.#end === "done" ? items.gone : { done: 0, failed: 0 },
      ...(executor.model === "auto" && { auto: this.#autoSince(firstMs) }),
      ...(record && { timeline: await this.#timelineSince(firstMs, before) }),
    };
  }

  async #runItems(): Promise<void> {
    const { executor, items } = this.host;
    try {
      const task = this.spec.job.task as Task<unknown>;
      for await (const _ of executor.mapSettled(task, items.input, this.#options)) {
        if (this.#unwritten < MOST_UNWRITTEN) continue;
        await new Promise<void>((resolve) => this.#whenWritten = resolve);
      }
    } finally {
      this.#idle.abort();
      clearInterval(this.#idleTimer);
      this.tell();
      this.host.say({ type: "stands", ...this.stand() });
    }
  }

  get #options(): MapOptions {
    const { order, retries, timeoutMs, rate, perHost } = this.spec;
    const retryIf = (rejected: Rejected) => this.#triesAgain(rejected);
    return {
      order,
      signal: AbortSignal.any([this.host.signal, this.#idle.signal]),
      retries: { limit: retries + MOST_REFUSALS, maxMs: MOST_WAIT_MS, retryIf },
      onOutcome: (outcome) => this.#onOutcome(outcome),
      // With the host as key, a server that refuses pauses only the items that go to it.
      perKey: { key: (item) => this.#keyOf(item), slots: perHost },
      timeoutMs,
      rate,
    };
  }

  #onOutcome(outcome: Outcome<unknown>): void {
    const { index, item } = outcome;
    this.#again.delete(index);
    this.#refusals.ended(outcome, () => this.#keyOf(item));
    this.#ended.set(index, outcome);
    // Outcomes are recorded here, since the loop over results gets no turn while tasks hold the event loop.
    for (const place of this.spec.order === "input" ? this.host.items.underWay : [index]) {
      const next = this.#ended.get(place);
      if (next === undefined) break;
      this.#ended.delete(place);
      this.#take(next);
    }
  }

  /** How the run stands now. */
  stand(): RunStanding {
    const decided = this.#auto.decisions?.at(-1);
    return { waits: this.#waits(), decided, lanes: this.#watch?.look() };
  }

  async #timelineSince(firstMs: number, before: readonly LaneUsage[]): Promise<Timeline> {
    const { kept: outcomes } = this.#sample;
    const after = await this.host.executor.usage();
    return timelineOf({ round: 0, outcomes, before, after, firstMs });
  }

  #triesAgain(rejected: Rejected): boolean | RetryIn {
    const { index, item, reason, attempts } = rejected;
    const signs = httpSigns(reason);
    const { status, retryAfterMs = 0 } = signs;
    // A 503 without Retry-After may mean that the server is down; under auto, that auto has sent too much.
    const mayBeDown = status === UNAVAILABLE && signs.retryAfterMs === undefined;
    const isRefused = refuses(reason) && !(mayBeDown && isFixed(this.host.executor.model));
    // The server asks for too long a wait: with true, the dispatcher fails the item with a RetryAfterError.
    if (isRefused && retryAfterMs > MOST_WAIT_MS) return true;
    const key = this.#keyOf(item);
    const refusal = { index, key, host: key || hostSaid(reason), ...signs };
    const again = isRefused
      ? this.#refusals.add(refusal, performance.now()) ?? false
      : attempts - this.#refusals.of(index) <= this.spec.retries && mayRetry(rejected);
    if (again !== false) this.#again.add(index);
    return again;
  }

  /** The pauses, how many items wait for a retry, and whether the run waits for a machine. */
  #waits(): Waits {
    const [paused, ...others] = this.#refusals.pauses(performance.now());
    const { executor, items } = this.host;
    // With a list of known length, some task would be running if a machine had joined.
    const isElsewhere = needsServer(executor.model) && this.#end === "done" &&
      items.total !== undefined && paused === undefined;
    const running = this.#again.size === 0 && !isElsewhere ? [] : executor.running();
    // A single look may fall between two tasks, so two idle looks in a row are needed.
    const wasIdle = this.#isIdle;
    this.#isIdle = running.length === 0;
    const machine = isElsewhere && wasIdle && this.#isIdle;
    const tried = running.filter(({ index }) => this.#again.has(index)).length;
    const again = this.#again.size - tried;
    return { again, machine, ...(paused && { paused, others: others.length }) };
  }

  get #auto(): Partial<AutoExecutor> {
    return this.host.executor;
  }

  #autoSince(firstMs: number): RunResult["auto"] {
    const { decisions, recommended } = this.#auto as AutoExecutor;
    return { decisions: decisionsSince(firstMs, decisions), next: recommended.code };
  }

  #take(outcome: Outcome<unknown>): void {
    const listed = this.host.items.settled(outcome.index);
    const rejected = outcome.status === "rejected" ? outcome : this.#succeed(outcome, listed);
    if (rejected !== undefined) this.#fail(rejected, listed);
    if (this.spec.record && outcome.lane >= 0) this.#sample.add(rejected ?? outcome);
    this.#noteTime(outcome, listed);
    if (isSpent(this.spec.halt, this.#succeeded + this.#failed, this.#failed)) {
      this.finish("halted");
    }
  }

  /** Records a result; if it can't be written as JSON, returns that as the item's failure. */
  #succeed(outcome: Outcome<unknown> & { value: unknown }, listed: Listed): Rejected | undefined {
    let text: string;
    try {
      text = jsonText(outcome.value);
    } catch (cause) {
      const reason = new TypeError(`The result can't be written as JSON: ${messageOf(cause)}`);
      return { ...outcome, status: "rejected", ended: "failed", reason };
    }
    this.#succeeded++;
    const digest = digestText(listed.digest);
    this.#results += `{"index":${listed.index},"digest":"${digest}","value":${text}}\n`;
    this.#tellSoon(outcome);
    return undefined;
  }

  #fail(rejected: Rejected, listed: Listed): void {
    // A cancelled task is no failure of its item: the item runs again when the run is resumed.
    if (rejected.ended === "cancelled") return;
    // A module that can't be loaded or set up is no failure of the item either.
    if (errorName(rejected.reason) === "TaskLoadError") {
      this.#broken ??= brokenBy("the run", rejected.reason);
      return;
    }
    const message = messageWithCauses(rejected.reason);
    if (this.#succeeded === 0 && errorName(rejected.reason) === "NotCapable") {
      // Nothing has succeeded, so every item lacks the permission: the run ends instead of failing each.
      this.#broken ??= { type: "denied", index: listed.index, message };
      return this.finish();
    }
    this.#failed++;
    const record: FailureRecord = {
      index: listed.index,
      digest: digestText(listed.digest),
      ended: rejected.ended,
      attempts: rejected.attempts,
      reason: failureReason(rejected),
      message: message.slice(0, MOST_MESSAGE),
      item: null,
    };
    const begin = JSON.stringify(record).slice(0, -"null}".length);
    this.#failures += `${begin}${listed.text ?? itemText(listed.item)}}\n`;
    this.#tellSoon(rejected);
  }

  #noteTime(outcome: Outcome<unknown>, { index }: Listed): void {
    this.#watch?.ended(outcome);
    const { startedAtMs, endedAtMs, attempts, lane } = outcome;
    const ms = endedAtMs - startedAtMs;
    const slowest = this.#slowest;
    if (!(ms > (slowest.length < SLOWEST ? 0 : slowest.at(-1)!.ms))) return;
    slowest.push({ index, ms, attempts, lane });
    slowest.sort((one, other) => other.ms - one.ms).splice(SLOWEST);
  }

  #tellSoon({ endedAtMs }: Outcome<unknown>): void {
    // Lines that are due are sent now: the next task may hold the event loop and keep the timer from firing.
    const isDue = endedAtMs - this.#toldMs >= TOLD_MS;
    const length = this.#results.length + this.#failures.length;
    if (isDue || length >= TOLD_CHARACTERS) this.tell();
    else this.#timer ??= setTimeout(() => this.tell(), TOLD_MS);
  }

  /** Sends the collected lines to the parent now. */
  tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const [results, failures] = [this.#results, this.#failures];
    if (results === "" && failures === "") return;
    const [succeeded, failed] = [this.#succeeded, this.#failed];
    this.host.say({ type: "settled", succeeded, failed, results, failures });
    this.#toldMs = performance.now();
    this.#unwritten += results.length + failures.length;
    this.#results = this.#failures = "";
  }
}

/** An item as JSON, or its inspected text as a JSON string if it can't be written as JSON. */
function itemText(item: unknown): string {
  return attempt(() => jsonText(item)) ??
    JSON.stringify(Deno.inspect(item, { depth: 1, compact: true, breakLength: Infinity }));
}

export const MOST_KEPT = 20_000;

export class TaskSample {
  kept: Outcome<undefined>[] = [];
  #seen = 0;
  #every = 1;

  /** Keeps every n-th outcome without its item and result; n doubles so that fewer than MOST_KEPT are held. */
  add(outcome: Outcome<unknown>): void {
    if (this.#seen++ % this.#every !== 0) return;
    const kept = { ...outcome, item: undefined };
    this.kept.push(
      kept.status === "fulfilled" ? { ...kept, value: undefined } : { ...kept, reason: undefined },
    );
    if (this.kept.length < MOST_KEPT) return;
    this.kept = this.kept.filter((_, at) => at % 2 === 0);
    this.#every *= 2;
  }
}
