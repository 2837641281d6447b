/** Runs a job in a process with the job's permissions: sends it items and writes its results. */

import type { Decision } from "../adaptive/controller.ts";
import { MeasuringChild } from "../children/measuring_child.ts";
import { TOLD_LATER_MS } from "../children/parent.ts";
import { trialFlags } from "../children/trial_flags.ts";
import { plain } from "../text/plain.ts";
import { clipped, FURTHER, MOST_REASONS } from "../timing/failures.ts";
import type { LanesNow } from "../timing/spec.ts";
import type { Known, KnownItems } from "./known_items.ts";
import {
  type FailureRecord,
  HELD_MS,
  RUN_BEAT_MS,
  type RunCommand,
  type RunMessage,
  type RunOrder,
  type RunSpec,
  type Waits,
} from "./run_message.ts";
import type { RunResult } from "./run_result.ts";

/** Known items are sent in blocks of this many. */
const BLOCK = 10_000;

/** One kind of failure: how many items had it, the first of them, and its message. */
type FailureReason = RunResult["reasons"][number];

export class RunState {
  total: number | undefined;
  succeeded = 0;
  failed = 0;
  lanes = 1;
  slots: number | null = 1;
  waits: Waits = { again: 0 };
  /** Milliseconds without a message from the job's process; not counted while this one is stopped or writes. */
  silentMs = 0;
  decided: Decision | undefined;
  readonly #reasons = new Map<string, FailureReason>();

  constructor(
    readonly before: Readonly<Record<Known, number>>,
    private readonly run: RunSpec["run"] = { rest: true, failed: false },
  ) {}

  /** How many items have settled, now or earlier; earlier failures don't count if they run again. */
  get settled(): number {
    const { done, failed } = this.before;
    return done + (this.run.failed ? 0 : failed) + this.succeeded + this.failed;
  }

  /** How many items will have settled at the end; undefined if unknown, or if more than that have settled. */
  get goal(): number | undefined {
    const { done, failed } = this.before;
    const goal = this.run.rest ? this.total : done + failed;
    return goal !== undefined && this.settled <= goal ? goal : undefined;
  }

  /** Why items failed, the most frequent reason first. */
  get reasons(): FailureReason[] {
    return [...this.#reasons.values()].sort((a, b) => b.count - a.count);
  }

  addFailures(lines: string): void {
    for (const line of lines.split("\n")) {
      if (line === "") continue;
      const { reason: named, index, message: whole } = JSON.parse(line) as FailureRecord;
      const isKnown = this.#reasons.has(named) || this.#reasons.size < MOST_REASONS;
      const reason = isKnown ? named : FURTHER;
      // The message may be a page long; the file of failures has the whole of it.
      const first = { reason, count: 0, index, message: clipped(whole) };
      this.#reasons.getOrInsert(reason, first).count++;
    }
  }
}

export type Ended =
  | Extract<RunMessage, { readonly type: "done" | "changed" | "denied" | "broken" }>
  | { readonly type: "died"; readonly message: string; readonly began: boolean }
  /** A task held its event loop far beyond its deadline, so the process was ended. */
  | { readonly type: "held" };

export interface RunJobHost {
  readonly known: KnownItems;
  readonly state: RunState;
  /** Writes lines; if it rejects, the run is ended at once. */
  readonly write: (results: string, failures: string) => Promise<void>;
  /** Gives the next items if they don't come from the job module; none at their end. */
  readonly feed?: (() => Promise<unknown[]>) | undefined;
  /** Once aborted, running tasks finish and no more start. */
  readonly signal: AbortSignal;
  /** How long beyond its deadline a task may hold its event loop, in milliseconds; default half a minute. */
  readonly heldMs?: number;
  readonly onPrint: (text: string) => void;
  /** Called from time to time with what the lanes do, if the spec asks for that with `live`. */
  readonly onPulse?: ((lanes: LanesNow) => void) | undefined;
}

/** Runs a job. Rejects with the error that `write` or `feed` threw. */
export async function runJob(spec: RunSpec, host: RunJobHost): Promise<Ended> {
  const { known, onPrint } = host;
  await using child = new MeasuringChild<RunMessage>({
    entry: new URL("./run_main.ts", import.meta.url),
    order: { ...spec, known: known.counts.done + known.counts.failed } satisfies RunOrder,
    flags: await trialFlags(spec.job, spec),
    onPrint,
  });
  return await new JobProcess(child, host, spec.timeoutMs).run();
}

/** A job's process: sends it commands and acts on its messages. */
class JobProcess {
  readonly #mostSilentMs: number;
  /** Whether the next message is awaited; only then does silence count. */
  #listens = false;
  #began = false;
  /** Whether the process was ended because a task held its event loop; earlier messages may still arrive. */
  #wasHeld = false;
  #saidWhy = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(
    private readonly child: MeasuringChild<RunMessage>,
    private readonly host: RunJobHost,
    timeoutMs = Infinity,
  ) {
    this.#mostSilentMs = timeoutMs + (host.heldMs ?? HELD_MS);
  }

  async run(): Promise<Ended> {
    const { known, state, signal } = this.host;
    for (const block of blocksOf(known)) await this.#send({ known: block });
    const finish = () => void this.#send({ finish: true });
    if (signal.aborted) finish();
    else signal.addEventListener("abort", finish);
    state.waits = { again: 0, on: "its process" };
    const watch = setInterval(() => {
      if (this.#listens) state.silentMs += RUN_BEAT_MS;
      if (!this.#isHeld) return;
      this.#wasHeld = true;
      this.child.stop();
    }, RUN_BEAT_MS);
    try {
      while (true) {
        this.#listens = true;
        const message = await this.child.next();
        this.#listens = false;
        if (message === undefined && this.#wasHeld) return { type: "held" };
        state.silentMs = 0;
        const ended = await (message === undefined ? this.#died() : this.#take(message));
        if (ended !== undefined) return ended;
      }
    } finally {
      clearInterval(watch);
      signal.removeEventListener("abort", finish);
    }
  }

  #send(command: RunCommand): Promise<void> {
    return this.child.send(command);
  }

  /** Whether a task holds its event loop for too long; the job's code outside tasks has no limit. */
  get #isHeld(): boolean {
    const { waits, silentMs } = this.host.state;
    return waits.on === undefined && silentMs >= this.#mostSilentMs;
  }

  /** Acts on a message; returns it if it is the last. */
  async #take(message: RunMessage): Promise<Ended | undefined> {
    const { state, write, onPulse } = this.host;
    switch (message.type) {
      case "began": {
        const { lanes, slots } = message;
        // The number of lines counted in a file is exact; for such a list the process knows the limit alone.
        const total = state.total ?? message.total;
        this.#began = true;
        Object.assign(state, { total, lanes, slots });
        break;
      }
      case "stands":
        state.waits = message.waits;
        if (message.decided !== undefined) this.#noteDecision(message.decided);
        if (message.lanes !== undefined) onPulse?.(message.lanes);
        break;
      case "wants":
        // Not awaited, so that results are taken meanwhile.
        void this.#feed();
        break;
      case "settled": {
        const { results, failures, succeeded, failed } = message;
        await write(results, failures);
        Object.assign(state, { succeeded, failed });
        state.addFailures(failures);
        await this.#send({ written: results.length + failures.length });
        break;
      }
      case "changed":
      case "denied":
      case "broken":
      case "done":
        if (this.#failure !== undefined) throw this.#failure.error;
        return message;
    }
    return undefined;
  }

  #noteDecision(decision: Decision): void {
    const { state, onPrint } = this.host;
    const { why, detail, to: { lanes, slots } } = decision;
    Object.assign(state, { decided: decision, lanes, slots });
    if (why !== "stays" || this.#saidWhy) return;
    this.#saidWhy = true;
    onPrint(`run: the tasks stay in one event loop: ${plain(detail!)}\n`);
  }

  async #feed(): Promise<void> {
    const { feed, signal } = this.host;
    try {
      const items = signal.aborted ? [] : await feed!();
      await this.#send({ items, last: items.length === 0 });
    } catch (error) {
      this.#failure = { error };
      await this.#send({ items: [], last: true });
    }
  }

  async #died(): Promise<Ended> {
    const message = await this.child.howItEnded();
    const began = this.#began;
    // Ctrl-C also ends a process that doesn't listen for it yet, and this program may notice it later.
    if (!began) await new Promise((resolve) => setTimeout(resolve, TOLD_LATER_MS));
    return !began && this.host.signal.aborted
      ? { type: "done", end: "finished", slowest: [], gone: { done: 0, failed: 0 } }
      : { type: "died", message, began };
  }
}

function* blocksOf(known: KnownItems): Generator<(readonly [number, number, Known])[]> {
  let block: (readonly [number, number, Known])[] = [];
  for (const entry of known.entries()) {
    block.push(entry);
    if (block.length === BLOCK) {
      yield block;
      block = [];
    }
  }
  if (block.length > 0) yield block;
}
