/** The options of `map` and `run`, the same in every model, and the check of the task they are given. */

import { propertyOf, shown } from "../lanes/attempt.ts";
import type { Fidelity } from "../lanes/lane.ts";
import { isLoadingProgram, taskOfFunction } from "../lanes/lane_tasks.ts";
import type { Task, TaskFunction } from "../lanes/task.ts";
import type { BatchSettings, Key } from "./batch.ts";
import { Checker, isCount, isTime } from "./checker.ts";
import type { Outcome, Rejected } from "./output.ts";
import { isSignal } from "./aborts.ts";

/** Items from any source, such as an array, a generator or a stream; it may be endless. */
export type Items<Item> = Iterable<Item> | AsyncIterable<Item>;

/** The progress of a run, as `onProgress` receives it. */
export interface Progress {
  /** How many items were pulled from the input. */
  readonly pulled: number;
  /** How many items have ended, with or without a value. */
  readonly settled: number;
  /** How many of the settled items gave no value. */
  readonly rejected: number;
  /** How many items there are, if the input has a length or size. */
  readonly total: number | undefined;
}

/** When a task is tried again, as `retryIf` may return it. */
export interface RetryIn {
  /** The wait before the retry, in milliseconds. */
  readonly afterMs: number;
  /** How long no other task of its key, or of the run without keys, starts, in milliseconds; default 0. */
  readonly pauseMs?: number | undefined;
}

/** When and how often a task that gave no value is tried again. */
export interface RetryOptions {
  /** The most retries after the first attempt. */
  readonly limit: number;
  /** The longest wait before the first retry, in milliseconds; default 100. It doubles with each retry. */
  readonly baseMs?: number | undefined;
  /**
   * The longest wait before any retry, in milliseconds; default 30,000. A task may ask for a wait with a number
   * `retryAfterMs` on the error it throws, or with the header Retry-After of a response there. It is tried
   * again that much later, and meanwhile no other task of its key, or of the run if there are no keys, starts.
   * After the wait one may be in flight, and twice as many every 200 ms. A task that asks for a longer wait
   * than this is not tried again: it fails at once with a `RetryAfterError`.
   */
  readonly maxMs?: number | undefined;
  /** Whether waits are drawn at random between 0 and their bound ("full jitter"); default true. */
  readonly jitter?: boolean | undefined;
  /**
   * Whether an item with this rejection is tried again; by default if it `failed`, `timed-out` or `crashed`,
   * except for errors with a property `retryable: false`. The answer may also say when: that replaces `baseMs`,
   * `maxMs` and the wait that the task asked for.
   */
  readonly retryIf?: ((rejected: Rejected) => boolean | RetryIn) | undefined;
}

/** At most `limit` starts in any `perMs` milliseconds. */
export interface Rate {
  /** How many tasks may start, from 1. */
  readonly limit: number;
  /** The length of the time span, in milliseconds. */
  readonly perMs: number;
}

/** A limit for each key of a run's items, such as the host that an item's task asks. */
export interface PerKey<Item = unknown> {
  /** The key that an item counts for; undefined for none. Called once for each item, when it is pulled. */
  readonly key: (item: Item) => Key | undefined;
  /** How many tasks of one key may be in flight, on all lanes together; no limit unless given. */
  readonly slots?: number | undefined;
  /** How many tasks of one key may start in a time; no limit unless given. */
  readonly rate?: Rate | undefined;
}

/**
 * Options of `map` and `mapSettled`, the same in every model.
 *
 * @typeParam Item The type of items that `perKey` and `onOutcome` receive.
 */
export interface MapOptions<Item = unknown> {
  /** The order of results: that of the items, or that in which they end. Default `"input"`. */
  readonly order?: "input" | "completion" | undefined;
  /**
   * Stops the run: queued items are dropped, running tasks are asked to stop, then forced to. Tasks see the
   * signal's reason in their own signal. `mapSettled` then ends without an error, and the items that weren't
   * pulled from an input other than an array have no outcomes.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * How long a task may take from its own start, in milliseconds; unlimited by default. A task past it is asked
   * to stop, and ends as `timed-out` whether it stops or not. On a lane of its own it is then ended with the
   * lane; in this event loop it goes on, even beside its own retry.
   */
  readonly timeoutMs?: number | undefined;
  /**
   * How long a task's module may take to load on a lane and be set up there, in milliseconds; default ten times
   * `timeoutMs`, but at least 2 s and at most 30 s. With `timeoutMs`, a lane is replaced if it starts nothing
   * for this long though no task runs there, because something that ended tasks left behind keeps it busy.
   */
  readonly loadTimeoutMs?: number | undefined;
  /** Retries of a task that gave no value: their number, or how and when. Default 0. */
  readonly retries?: number | RetryOptions | undefined;
  /**
   * Whether an item runs again that may have been running when its lane was lost through another item's fault,
   * or whose result was lost with the lane. This counts in `attempts`, not in `retries`. Default true; with
   * false such an item ends as `crashed`.
   */
  readonly rerun?: boolean | undefined;
  /**
   * How many tasks may start in a time, on all lanes together, retries included: at most `limit` are sent to
   * their lanes in any `perMs` milliseconds. Items that may not start yet take up no slots, and their
   * deadlines don't run. Items then travel one by one. Unlimited by default.
   *
   * @example
   * ```ts
   * import { limited } from "../mod.ts";
   *
   * await using executor = limited({ slots: 8 });
   * const ask = (n: number) => Promise.resolve(n * n); // somebody who allows 100 questions a second
   * const answers = executor.map(ask, [1, 2, 3], { rate: { limit: 100, perMs: 1_000 } });
   * console.log(await answers.toArray()); // [1, 4, 9]
   * ```
   */
  readonly rate?: Rate | undefined;
  /**
   * A limit for each key of the items, such as the host that an item's task asks: how many tasks of one key
   * may be in flight on all lanes together, and how many may start in a time. Items that may not start yet
   * take up no slots and hold up no item of another key, as far as `buffer` reaches; unless that is given,
   * up to 1,000 waiting items are looked past. Items then travel one by one.
   *
   * @example
   * ```ts
   * import { limited } from "../mod.ts";
   *
   * await using executor = limited({ slots: 64 });
   * const ask = (url: string) => Promise.resolve(url.length); // a fetch, say
   * const urls = ["http://a.example/1", "http://a.example/2", "http://b.example/"];
   * const answers = executor.map(ask, urls, {
   *   perKey: { key: (url) => new URL(url).host, slots: 4, rate: { limit: 20, perMs: 1_000 } },
   * });
   * console.log(await answers.toArray()); // [18, 18, 17]
   * ```
   */
  readonly perKey?: PerKey<Item> | undefined;
  /** How many items travel to a lane together; `"auto"`, the default, adapts to their time and size. */
  readonly chunk?: "auto" | number | undefined;
  /**
   * How many items may be pulled beyond the slots: those that wait for a slot and those that ended but wait for
   * the consumer. `"auto"`, the default, is two chunks a slot, and up to eight more where tasks are so short
   * that some are sent ahead; up to 1,000 items that wait for a retry or for their keys don't count. With
   * `toArray()`, which keeps all results, none wait for the consumer.
   */
  readonly buffer?: "auto" | number | undefined;
  /**
   * Whether the ArrayBuffers in items and results are moved to and from worker threads instead of being copied,
   * so that the sender loses them. Default false. Only buffers of at least 16 KiB move, and none in
   * `context.shared` or `context.resource`; a buffer that a task's module keeps, or that two items share, isn't
   * recognised and moves. An item's buffers move only if the item can't be needed again: not with `retries`,
   * nor to a lane where other items run. Without `retries` they are emptied in the caller once the item has
   * ended, however it ended, unless it was never started.
   */
  readonly transfer?: boolean | undefined;
  /**
   * Called with the run's progress after each chunk that ends and, if the run is stopped, once all is
   * cancelled. A promise that it returns is awaited, unless the run was stopped.
   */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /**
   * Called with each outcome when its item has ended, whatever the order of results. A promise that it returns
   * is awaited; one that rejects ends the run.
   */
  readonly onOutcome?: ((outcome: Outcome<unknown, Item>) => void) | undefined;
}

/** Options of `run`, the same in every model: those of `map` that concern a single item. */
export type RunOptions = Pick<
  MapOptions,
  "signal" | "timeoutMs" | "loadTimeoutMs" | "retries" | "rerun" | "transfer"
>;

const RUN_NAMES = ["signal", "timeoutMs", "loadTimeoutMs", "retries", "rerun", "transfer"];
const MAP_NAMES = ["order", "rate", "perKey", "chunk", "buffer", "onProgress", "onOutcome"];

type Optional = "signal" | "rate" | "perKey" | "onProgress" | "onOutcome";

/** Options with none left out. */
export type Filled<Options> = {
  readonly [Name in keyof Options]-?: Exclude<Options[Name], undefined>;
};

/** Options with every default filled in; Infinity means no limit. */
export type CheckedOptions =
  & Filled<Omit<MapOptions, Optional | "retries">>
  & { readonly [Name in Optional]: MapOptions[Name] | undefined }
  & { readonly retries: Filled<RetryOptions> };

const LEAST_LOAD_MS = 2_000;
/** The longest default of `loadTimeoutMs`, in milliseconds. */
export const MOST_LOAD_MS = 30_000;
const LOADS_PER_TASK = 10;

/**
 * Checks options and fills in defaults.
 *
 * @param what The function that they are options of.
 * @throws {RangeError} If one is out of its range, of another kind, or unknown; the message names it and its
 * value.
 */
export function checkOptions(
  options: MapOptions<never> = {},
  what: "map" | "run" = "map",
): CheckedOptions {
  const check = CHECKS[what];
  if (typeof options === "object" && options !== null && "shared" in options) {
    throw new RangeError(
      `Cannot ${what}: shared is given to the executor when it is opened, for it is sent to each lane once`,
    );
  }
  check.known(options, what === "map" ? [...RUN_NAMES, ...MAP_NAMES] : RUN_NAMES);
  const retries: RetryOptions = typeof options.retries === "object" && options.retries !== null
    ? options.retries
    : { limit: (options.retries ?? 0) as number };
  check.known(retries, ["limit", "baseMs", "maxMs", "jitter", "retryIf"], "retries.");
  const { baseMs = 100, maxMs = 30_000, jitter = true, retryIf = mayRetry } = retries;
  const { order = "input", timeoutMs = Infinity, chunk = "auto", buffer = "auto" } = options;
  const { signal, onProgress, onOutcome, rerun = true, transfer = false, rate, perKey } = options;
  check.is("order", order, order === "input" || order === "completion", '"input" or "completion"');
  check.is("signal", signal, signal === undefined || isSignal(signal), "an AbortSignal");
  check.time("timeoutMs", timeoutMs, "above");
  const {
    loadTimeoutMs = Math.min(Math.max(LOADS_PER_TASK * timeoutMs, LEAST_LOAD_MS), MOST_LOAD_MS),
  } = options;
  check.time("loadTimeoutMs", loadTimeoutMs, "above");
  check.count(retries === options.retries ? "retries.limit" : "retries", retries.limit, 0);
  check.time("retries.baseMs", baseMs);
  check.time("retries.maxMs", maxMs);
  check.flag("retries.jitter", jitter);
  check.fn("retries.retryIf", retryIf);
  check.flag("rerun", rerun);
  const limits = { rate: rateOf(check, rate, "rate"), perKey: perKeyOf(check, perKey) };
  const isChunk = chunk === "auto" || isCount(chunk, 1);
  check.is("chunk", chunk, isChunk, '"auto" or a whole number from 1');
  const isSingle = (rate ?? perKey) === undefined || chunk === "auto" || chunk === 1;
  check.is("chunk", chunk, isSingle, 'left out, or "auto" or 1, with a rate or with perKey');
  const isBuffer = buffer === "auto" || isCount(buffer, 0);
  check.is("buffer", buffer, isBuffer, '"auto" or a whole number from 0');
  check.flag("transfer", transfer);
  check.fn("onProgress", onProgress);
  check.fn("onOutcome", onOutcome);
  const checked = { order, signal, timeoutMs, loadTimeoutMs, rerun, chunk, buffer, transfer };
  return {
    ...checked,
    retries: { limit: retries.limit, baseMs, maxMs, jitter, retryIf },
    ...limits,
    onProgress,
    onOutcome: onOutcome as MapOptions["onOutcome"],
  };
}

/** The settings that all batches of a run or a call share, given its options and its pool's. */
export function settingsOf(
  { timeoutMs, loadTimeoutMs, transfer: wanted, retries }: CheckedOptions,
  { moves, slots, guide }: { moves: boolean; slots: number; guide?: { fidelity: Fidelity } },
): BatchSettings {
  const transfer = wanted && moves;
  // A retry would need the item again.
  const emptiesItems = transfer && retries.limit === 0;
  // A rerun would need it, too, if another task on the same lane ends the lane.
  const movesItems = emptiesItems && slots === 1;
  const fidelity = guide?.fidelity ?? "as sent";
  const settings = { timeoutMs, loadTimeoutMs, transfer, emptiesItems, movesItems, fidelity };
  return { ...settings, timed: false, mostBytes: Infinity, giveBackMs: Infinity };
}

/** Returns a checked copy, which can't change later; a rate may be an instance of a class. */
function rateOf(check: Checker, rate: Rate | undefined, name: string): Rate | undefined {
  if (rate === undefined) return undefined;
  check.known(rate, ["limit", "perMs"], `${name}.`);
  const { limit, perMs } = rate;
  const isSpan = isTime(perMs) && perMs > 0 && perMs !== Infinity;
  check.is(`${name}.perMs`, perMs, isSpan, "a finite number of milliseconds above 0");
  const isLimit = limit !== Infinity && isCount(limit, 1);
  const isPart = isTime(limit) && limit % 1 > 0;
  const same = isPart ? `, as in { limit: 1, perMs: ${Math.round(perMs / limit)} }` : "";
  check.is(`${name}.limit`, limit, isLimit, `a whole number from 1${same}`);
  return { limit, perMs };
}

/** Does the same for a limit for each key. */
function perKeyOf(check: Checker, perKey: PerKey<never> | undefined): PerKey | undefined {
  if (perKey === undefined) return undefined;
  check.known(perKey, ["key", "slots", "rate"], "perKey.");
  const { key, slots = Infinity, rate } = perKey;
  check.is("perKey.key", key, typeof key === "function", "a function of an item");
  check.count("perKey.slots", slots, 1);
  const keyOf = (item: unknown) => key.call(perKey, item as never);
  return { key: keyOf, slots, rate: rateOf(check, rate, "perKey.rate") };
}

const RETRYABLE = new Set<Rejected["ended"]>(["failed", "timed-out", "crashed"]);

/** The default of `retryIf`. */
export function mayRetry({ ended, reason }: Rejected): boolean {
  return RETRYABLE.has(ended) && propertyOf(reason, "retryable") !== false;
}

const CHECKS = { map: new Checker("map"), run: new Checker("run") };

const checked = new WeakSet<Task>();

/**
 * The task that a caller named, or gave as a function if lanes are this event loop.
 *
 * @param what The function that was called, for messages.
 * @param travels Whether lanes are outside this event loop.
 * @throws {TypeError} If it is neither.
 */
export function checkedTask(given: unknown, what: string, travels: boolean): Task {
  if (isLoadingProgram()) {
    throw new TypeError(
      `Cannot ${what} while this program is loaded in a lane, for a task of its own file: put what is ` +
        "not to run there behind import.meta.main",
    );
  }
  if (typeof given === "function" && !travels) {
    return taskOfFunction(given as TaskFunction, what);
  }
  if (checked.has(given as Task)) return given as Task;
  const { module, export: name } = (given ?? {}) as Partial<Record<keyof Task, unknown>>;
  if (typeof module !== "string" || !URL.canParse(module) || typeof name !== "string") {
    throw new TypeError(
      `Cannot ${what}: task must be named by an absolute module URL and an export, but is ` +
        wrong(given, module, name),
    );
  }
  checked.add(given as Task);
  return given as Task;
}

function wrong(given: unknown, module: unknown, name: unknown): string {
  const remedy = `use task(new URL("./my_task.ts", import.meta.url))`;
  if (typeof given === "function") {
    return `a function, which can't travel to another lane; export it from a module of its own and ` +
      `${remedy}, or open sequential, concurrent or limited, which take a function too`;
  }
  const what = module === undefined
    ? shown(given)
    : `of module ${shown(module)} and export ${shown(name)}`;
  return `${what}; ${remedy}`;
}
