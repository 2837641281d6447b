/** The options that every model's `map` and `run` take, and the task that they are given. */

import { propertyOf, shown } from "../lanes/attempt.ts";
import type { Fidelity } from "../lanes/lane.ts";
import { isLoadingProgram, taskOfFunction } from "../lanes/lane_tasks.ts";
import type { Task, TaskFunction } from "../lanes/task.ts";
import type { BatchSettings } from "./batch.ts";
import { Checker, isCount, isTime } from "./checker.ts";
import type { PerKey, Rate } from "./limits.ts";
import type { Outcome, Rejected } from "./output.ts";

/** Items from anywhere: an array, a generator, a stream; endless ones too. */
export type Items<Item> = Iterable<Item> | AsyncIterable<Item>;

/** How a run stands, told to `onProgress`. */
export interface Progress {
  /** Items pulled from the input. */
  readonly pulled: number;
  /** Items that ended, in whichever way. */
  readonly settled: number;
  /** Of these, the ones that gave no value. */
  readonly rejected: number;
  /** How many items there will be, where the input tells its length. */
  readonly total: number | undefined;
}

/** When a task is tried again. */
export interface RetryIn {
  /** After how many milliseconds. */
  readonly afterMs: number;
  /** For how long no other starts of its key, or of the run where there are no keys; default 0. */
  readonly pauseMs?: number | undefined;
}

/** When and how often a task that gave no value is tried again. */
export interface RetryOptions {
  /** Retries after the first attempt. */
  readonly limit: number;
  /** The longest wait before the first retry, in milliseconds; default 100. Doubles with each. */
  readonly baseMs?: number | undefined;
  /**
   * The longest wait before any retry, in milliseconds; default 30,000. A task may ask for a wait: with
   * a number `retryAfterMs` on what it throws, or with the header Retry-After of a response there. It
   * is tried again that much later, and meanwhile no other starts of its key, or of the run where
   * there are no keys; then one does, and twice as many may be in flight each 200 ms. One that asks
   * for a longer wait than this is not tried again: it fails at once with a `RetryAfterError`.
   */
  readonly maxMs?: number | undefined;
  /** Whether waits are drawn at random between 0 and their bound ("full jitter"); default true. */
  readonly jitter?: boolean | undefined;
  /**
   * Whether this rejection may be tried again; by default those that `failed`, `timed-out` or
   * `crashed`, except errors with a property `retryable: false`. It may also say when: then that
   * counts, instead of `baseMs`, `maxMs` and what the task asked for.
   */
  readonly retryIf?: ((rejected: Rejected) => boolean | RetryIn) | undefined;
}

/**
 * Options of `map` and `mapSettled`, the same in every model.
 *
 * @typeParam Item What `perKey` is told of.
 */
export interface MapOptions<Item = unknown> {
  /** In which order results come: as the items did, or as they end. Default `"input"`. */
  readonly order?: "input" | "completion" | undefined;
  /**
   * Stops the run: what is queued is dropped, what runs is asked to stop, then stopped. Tasks see the
   * signal's reason in their own signal.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * How long a task may take from its own start, in milliseconds; unlimited by default. A task past
   * it is asked to stop, and ends as `timed-out` whether it does or not; on a lane of its own it is
   * then ended with the lane, in this event loop it goes on, and so it does beside its next try.
   */
  readonly timeoutMs?: number | undefined;
  /**
   * How long a task's module may take to load on a lane and to be set up there, in milliseconds;
   * default ten times `timeoutMs`, but from 2 s to 30 s. With `timeoutMs`, a lane that starts nothing for
   * so long though nothing else runs there, for what ended tasks left behind keeps it busy, is replaced.
   */
  readonly loadTimeoutMs?: number | undefined;
  /** Retries of a task that gave no value: a count, or how and when. Default 0. */
  readonly retries?: number | RetryOptions | undefined;
  /**
   * Whether an item runs again that may have been running when its lane was lost through another
   * item's fault, or whose result was lost with the lane. Counted in `attempts`, not in `retries`.
   * Default true; with false such an item ends as `crashed`.
   */
  readonly rerun?: boolean | undefined;
  /**
   * How many tasks may start in a time, on all lanes together, tries that are repeated too: at most
   * `limit` are sent to their lanes in any `perMs` milliseconds. What may not start yet waits outside of
   * the slots, and its deadline doesn't run. Items then travel one by one. Unlimited by default.
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
   * A limit for each key of the items, such as the host that an item asks: how many tasks of one key
   * are in flight on all lanes together, and how many start in a time. What may not start yet waits
   * outside of the slots and holds up no item of another key, as far as `buffer` reaches; unless
   * that is given, 1,000 waiting items are looked past. Items then travel one by one.
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
  /** Items that travel to a lane together; `"auto"`, the default, follows their time and size. */
  readonly chunk?: "auto" | number | undefined;
  /**
   * Items pulled beyond the slots, at most: those waiting for a slot and those that ended but wait
   * for the consumer. `"auto"`, the default, is two chunks a slot, and up to eight more where tasks are
   * so short that lanes are sent some ahead; up to 1,000 that wait for their next try, or their keys,
   * don't count. With `toArray()`, which keeps all results, none wait for the consumer.
   */
  readonly buffer?: "auto" | number | undefined;
  /**
   * Whether the ArrayBuffers in items and results are moved to and from worker threads instead of
   * being copied, and lost to who gave them. Default false. Only a buffer that a value has for itself
   * moves, from 16 KiB on: not what lies in `context.shared` or `context.resource`; but what a task's
   * module keeps, or two items look at, isn't known, and moves. An item's moves only if nothing may
   * need it again: not with `retries`, nor to a lane where other items run. Without `retries` it is
   * empty in the caller once the item has ended, however it went, unless it was never started.
   */
  readonly transfer?: boolean | undefined;
  /**
   * Told how the run stands, after each chunk that ends and, if it is stopped, when all is cancelled; a
   * promise is waited for unless it was stopped.
   */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /**
   * Told of each outcome when its item has ended, in whichever order results come; a promise that it
   * gives is waited for, and one that rejects ends the run.
   */
  readonly onOutcome?: ((outcome: Outcome<unknown, Item>) => void) | undefined;
}

/** Options of `run`, the same in every model: those of `map` that speak of one item. */
export type RunOptions = Pick<
  MapOptions,
  "signal" | "timeoutMs" | "loadTimeoutMs" | "retries" | "rerun" | "transfer"
>;

const RUN_NAMES = ["signal", "timeoutMs", "loadTimeoutMs", "retries", "rerun", "transfer"];
const MAP_NAMES = ["order", "rate", "perKey", "chunk", "buffer", "onProgress", "onOutcome"];

type Optional = "signal" | "rate" | "perKey" | "onProgress" | "onOutcome";

/** Options that are all given. */
export type Filled<Options> = {
  readonly [Name in keyof Options]-?: Exclude<Options[Name], undefined>;
};

/** Options with every default filled in; Infinity where there is no limit. */
export type CheckedOptions =
  & Filled<Omit<MapOptions, Optional | "retries">>
  & { readonly [Name in Optional]: MapOptions[Name] | undefined }
  & { readonly retries: Filled<RetryOptions> };

const LEAST_LOAD_MS = 2_000;
/** However long its tasks may take, a module is waited for no longer, in milliseconds. */
export const MOST_LOAD_MS = 30_000;
const LOADS_PER_TASK = 10;

/**
 * Checks options and fills in defaults.
 *
 * @param what What they are options of.
 * @throws {RangeError} If one is out of its range, of another kind, or unknown; the message names it
 * and its value.
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
  const isSignal = signal instanceof AbortSignal || signal === undefined;
  check.is("signal", signal, isSignal, "an AbortSignal");
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

/** What batches of a run or a call with these options have in common, in such a pool. */
export function settingsOf(
  { timeoutMs, loadTimeoutMs, transfer: wanted, retries }: CheckedOptions,
  { moves, slots, guide }: { moves: boolean; slots: number; guide?: { fidelity: Fidelity } },
): BatchSettings {
  const transfer = wanted && moves;
  // A retry would need the item again,
  const emptiesItems = transfer && retries.limit === 0;
  // and so would another task's crash, until it has ended.
  const movesItems = emptiesItems && slots === 1;
  const fidelity = guide?.fidelity ?? "as sent";
  const settings = { timeoutMs, loadTimeoutMs, transfer, emptiesItems, movesItems, fidelity };
  return { ...settings, timed: false, mostBytes: Infinity, giveBackMs: Infinity };
}

/** A copy, which stays as it is; read here, for a rate may be an object of a class. */
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

/** The same of a limit for each key. */
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

/** Whether a rejection may be tried again unless the caller decides. */
export function mayRetry({ ended, reason }: Rejected): boolean {
  return RETRYABLE.has(ended) && propertyOf(reason, "retryable") !== false;
}

const CHECKS = { map: new Checker("map"), run: new Checker("run") };

const checked = new WeakSet<Task>();

/**
 * The task that a caller named, or gave as a function where tasks don't travel.
 *
 * @param what What can't be done with another one.
 * @param travels Whether its lanes are elsewhere.
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
    : `of module ${JSON.stringify(module)} and export ${JSON.stringify(name)}`;
  return `${what}; ${remedy}`;
}
