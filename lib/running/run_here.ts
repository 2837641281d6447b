/** Runs a job's items to their end and says what became of each. It imports no npm package. */

import type { Decision } from "../adaptive/controller.ts";
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
import { ChangedListError, type ItemsLeft, type Listed } from "./items_left.ts";
import { digestText, jsonText } from "./known_items.ts";
import { MOST_REFUSALS, MOST_WAIT_MS, RefusedItems } from "./refused_items.ts";
import {
  type Budget,
  type FailureRecord,
  LEAST_JUDGED,
  type RunEnd,
  type RunMessage,
  type RunSpec,
  type SlowItem,
} from "./run_message.ts";
import type { RunResult } from "./run_result.ts";

/** Half of what a pipe holds: whoever tells more at once waits until some of it was read. */
const TOLD_CHARACTERS = 1 << 15;
const TOLD_MS = 20;
/** So many characters may be on their way to the file; then tasks wait for it. */
const MOST_UNWRITTEN = 1 << 22;
/** So many of the slowest items are told. */
const SLOWEST = 10;
/** A message is cut to so many characters: it may hold a whole page. */
const MOST_MESSAGE = 2000;
/** Where hosts are counted, items without one count as of one host. */
const NO_HOST = "";
const UNAVAILABLE = 503;
const PULSE_MS = 500;

interface RunHost {
  readonly executor: Executor;
  readonly items: ItemsLeft;
  readonly say: (message: RunMessage) => void;
  readonly signal: AbortSignal;
}

export function isSpent(budget: Budget | undefined, settled: number, failed: number): boolean {
  if (budget === undefined) return false;
  if ("items" in budget) return failed >= budget.items;
  return settled >= LEAST_JUDGED && failed >= budget.share * settled;
}

/** The host of an item, of a web address, or of one that is its `url`; undefined if it has none. */
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
  /** Lines that weren't told yet. */
  #results = "";
  #failures = "";
  #unwritten = 0;
  #whenWritten: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #succeeded = 0;
  #failed = 0;
  readonly #watch: LaneWatch | undefined;
  readonly #sample = new TaskSample();
  readonly #refusals: RefusedItems;
  /** Those that were to be tried again, and haven't ended. */
  readonly #again = new Set<number>();
  #toldWaits = false;
  /** Whether nothing ran when that was looked at last. */
  #isIdle = false;
  #toldDecision: Decision | undefined;
  /** Aborted once it is to end and nothing runs any more. */
  readonly #idle = new AbortController();
  #toldMs = -Infinity;
  #end: RunEnd = "done";
  /** Why its items aren't to be blamed for what they fail with. */
  #broken: RunMessage | undefined;
  readonly #slowest: SlowItem[] = [];
  /** What ended, and wasn't taken: in the order of the items it may be before its turn. */
  readonly #ended = new Map<number, Outcome<unknown>>();

  constructor(private readonly spec: RunSpec, private readonly host: RunHost) {
    this.#refusals = new RefusedItems(!isFixed(host.executor.model));
    this.#watch = spec.live ? new LaneWatch(host.executor) : undefined;
  }

  finish(end: RunEnd = "finished"): void {
    if (this.#end !== "done") return;
    this.#end = end;
    this.host.items.finishing = true;
    this.host.executor.pause();
    this.#endIfIdle();
  }

  /** What waits for a slot, or for another try, is left to a run that goes on. */
  #endIfIdle(): void {
    if (this.#end !== "done" && this.host.executor.running().length === 0) this.#idle.abort();
  }

  #keyOf(item: unknown): string | undefined {
    return hostOf(item) ?? (this.spec.perHost === undefined ? undefined : NO_HOST);
  }

  /** So many characters of what was told are in the file. */
  written(characters: number): void {
    this.#unwritten -= characters;
    if (this.#unwritten < MOST_UNWRITTEN) this.#whenWritten?.();
  }

  /** Runs all that is to be run, and gives what is to be said last; rejects if the executor fails. */
  async run(): Promise<RunMessage> {
    const { executor, items } = this.host;
    const { job, record } = this.spec;
    try {
      await items.compare();
    } catch (error) {
      if (!(error instanceof ChangedListError)) throw error;
      return { type: "changed", problem: error.message };
    }
    // How many lanes have joined is known once they are asked for.
    if (needsServer(executor.model)) await executor.ready(job.task);
    const { lanes, slots } = executor;
    const { total } = items;
    this.host.say({ type: "began", lanes, slots: Number.isFinite(slots) ? slots : null, total });
    if (record) await executor.ready(job.task as Task);
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

  /** Runs the items, and tells from time to time how they stand. */
  async #runItems(): Promise<void> {
    const { executor, items } = this.host;
    const pulse = setInterval(() => this.#tellStanding(), PULSE_MS);
    try {
      const task = this.spec.job.task as Task<unknown>;
      for await (const _ of executor.mapSettled(task, items.input, this.#options)) {
        if (this.#unwritten < MOST_UNWRITTEN) continue;
        await new Promise<void>((resolve) => this.#whenWritten = resolve);
      }
    } finally {
      clearInterval(pulse);
      this.tell();
      this.#tellStanding();
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
      // A server that refuses pauses what goes to it, nothing else.
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
    // Now, for the loop over results doesn't come to its turn while tasks hold this event loop.
    for (const place of this.spec.order === "input" ? this.host.items.underWay : [index]) {
      const next = this.#ended.get(place);
      if (next === undefined) break;
      this.#ended.delete(place);
      this.#take(next);
    }
  }

  #tellStanding(): void {
    this.#tellWaits();
    this.#tellDecision();
    if (this.#watch !== undefined) this.host.say({ type: "pulse", ...this.#watch.look() });
  }

  async #timelineSince(firstMs: number, before: readonly LaneUsage[]): Promise<Timeline> {
    const { kept: outcomes } = this.#sample;
    const after = await this.host.executor.usage();
    return timelineOf({ round: 0, outcomes, before, after, firstMs });
  }

  #triesAgain(rejected: Rejected): boolean | RetryIn {
    // What waits for another try doesn't run any more.
    if (this.#end !== "done") setTimeout(() => this.#endIfIdle());
    const { index, item, reason, attempts } = rejected;
    const signs = httpSigns(reason);
    const { status, retryAfterMs = 0 } = signs;
    // Who finds out how much a server takes is why it takes no more.
    const mayBeDown = status === UNAVAILABLE && signs.retryAfterMs === undefined;
    const isRefused = refuses(reason) && !(mayBeDown && isFixed(this.host.executor.model));
    // Who asks for more than is allowed is told so.
    if (isRefused && retryAfterMs > MOST_WAIT_MS) return true;
    const key = this.#keyOf(item);
    const refusal = { index, key, host: key || hostSaid(reason), ...signs };
    const again = isRefused
      ? this.#refusals.add(refusal, performance.now()) ?? false
      : attempts - this.#refusals.of(index) <= this.spec.retries && mayRetry(rejected);
    if (again !== false) this.#again.add(index);
    return again;
  }

  /** Tells what is paused, and how many wait for another try. */
  #tellWaits(): void {
    const [paused, ...others] = this.#refusals.pauses(performance.now());
    const { executor, items } = this.host;
    // Of a list that is all there, some would run if there were a lane.
    const isElsewhere = needsServer(executor.model) && this.#end === "done" &&
      items.total !== undefined && paused === undefined;
    const running = this.#again.size === 0 && !isElsewhere ? [] : executor.running();
    // Between two tasks a look may find none.
    const wasIdle = this.#isIdle;
    this.#isIdle = running.length === 0;
    const machine = isElsewhere && wasIdle && this.#isIdle;
    const tried = running.filter(({ index }) => this.#again.has(index)).length;
    const again = this.#again.size - tried;
    const isWaiting = again > 0 || paused !== undefined || machine;
    if (!isWaiting && !this.#toldWaits) return;
    this.#toldWaits = isWaiting;
    this.host.say({
      type: "waits",
      again,
      ...(paused && { paused, others: others.length }),
      ...(machine && { machine }),
    });
  }

  #tellDecision(): void {
    const decision = this.#auto.decisions?.at(-1);
    if (decision === undefined || decision === this.#toldDecision) return;
    this.#toldDecision = decision;
    this.host.say({ type: "decided", decision });
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
    this.#endIfIdle();
  }

  /** Takes a result; if it can't be written, gives the failure that this is. */
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
    // What was stopped with the run isn't the item's failure: it runs when the run goes on.
    if (rejected.ended === "cancelled") return;
    // Nor is a module that can't be loaded or set up.
    if (errorName(rejected.reason) === "TaskLoadError") {
      this.#broken ??= brokenBy("the run", rejected.reason);
      return;
    }
    const message = messageWithCauses(rejected.reason);
    if (this.#succeeded === 0 && errorName(rejected.reason) === "NotCapable") {
      // Where nothing succeeds, all items lack it; they aren't to be tried again one by one.
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
    // The next task may hold the event loop, and no timer comes to its turn then.
    const isDue = endedAtMs - this.#toldMs >= TOLD_MS;
    const length = this.#results.length + this.#failures.length;
    if (isDue || length >= TOLD_CHARACTERS) this.tell();
    else this.#timer ??= setTimeout(() => this.tell(), TOLD_MS);
  }

  /** Tells at once what became of items. */
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

/** What can't be written as JSON is told as text. */
function itemText(item: unknown): string {
  return attempt(() => jsonText(item)) ??
    JSON.stringify(Deno.inspect(item, { depth: 1, compact: true, breakLength: Infinity }));
}

export const MOST_KEPT = 20_000;

export class TaskSample {
  kept: Outcome<undefined>[] = [];
  #seen = 0;
  #every = 1;

  /** Takes note of a task, without what it gave and what it was given. */
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
