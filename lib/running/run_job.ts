/** Runs a job in a process that may do what its permissions say: feeds it, writes what comes. */

import type { Decision } from "../adaptive/controller.ts";
import { MeasuringChild, TOLD_LATER_MS } from "../children/measuring_child.ts";
import { trialFlags } from "../children/trial_flags.ts";
import { plain } from "../text/plain.ts";
import type { Known, KnownItems } from "./known_items.ts";
import {
  BEAT_MS,
  type FailureRecord,
  type RunCommand,
  type RunMessage,
  type RunOrder,
  type RunSpec,
  type Waits,
} from "./run_message.ts";
import type { RunResult } from "./run_result.ts";

/** Known items are told in blocks of so many. */
const BLOCK = 10_000;
/** A task may hold its event loop for so much longer than its deadline, in milliseconds; then the run is ended. */
export const HELD_MS = 30_000;
/** Further reasons of failure than so many are counted together. */
const MOST_REASONS = 20;
const FURTHER = "other reasons";

/** Failures of one kind: how many, the first item that had it, and what it said. */
type FailureReason = RunResult["reasons"][number];

export class RunState {
  total: number | undefined;
  succeeded = 0;
  failed = 0;
  lanes = 1;
  slots: number | null = 1;
  waits: Waits = { again: 0 };
  /** How long the job's process has said nothing, not counted while this one was stopped or wrote. */
  silentMs = 0;
  decided: Decision | undefined;
  readonly #reasons = new Map<string, FailureReason>();

  constructor(
    readonly before: Readonly<Record<Known, number>>,
  ) {}

  /** Why items failed, the most frequent reason first. */
  get reasons(): FailureReason[] {
    return [...this.#reasons.values()].sort((a, b) => b.count - a.count);
  }

  addFailures(lines: string): void {
    for (const line of lines.split("\n")) {
      if (line === "") continue;
      const { reason: named, index, message } = JSON.parse(line) as FailureRecord;
      const isKnown = this.#reasons.has(named) || this.#reasons.size < MOST_REASONS;
      const reason = isKnown ? named : FURTHER;
      this.#reasons.getOrInsert(reason, { reason, count: 0, index, message }).count++;
    }
  }
}

export type Ended =
  | Extract<RunMessage, { readonly type: "done" | "changed" | "denied" | "broken" }>
  | { readonly type: "died"; readonly message: string; readonly began: boolean }
  /** A task held its event loop far beyond its deadline, and was ended with it. */
  | { readonly type: "held" };

export interface RunJobHost {
  readonly known: KnownItems;
  readonly state: RunState;
  /** Writes lines; if it rejects, the run is ended at once. */
  readonly write: (results: string, failures: string) => Promise<void>;
  /** Gives the next items, if they aren't the job's own; none at their end. */
  readonly feed?: ((count: number) => Promise<unknown[]>) | undefined;
  /** Once aborted, what runs is finished and nothing more is started. */
  readonly signal: AbortSignal;
  /** How much longer than its deadline a task may hold its event loop; half a minute unless given. */
  readonly heldMs?: number;
  readonly onPrint: (text: string) => void;
  /** Told from time to time how it stands, if that was asked for. */
  readonly onPulse?: ((pulse: Extract<RunMessage, { readonly type: "pulse" }>) => void) | undefined;
}

/** Runs a job. Rejects with what `write` or `feed` threw. */
export async function runJob(spec: RunSpec, host: RunJobHost): Promise<Ended> {
  const { known, state, write, feed, signal, heldMs = HELD_MS, onPrint, onPulse } = host;
  await using child = new MeasuringChild<RunMessage>({
    entry: new URL("./run_main.ts", import.meta.url),
    order: { ...spec, known: known.counts.done + known.counts.failed } satisfies RunOrder,
    flags: await trialFlags(spec.job, spec),
    onPrint,
  });
  const send = (command: RunCommand) => child.send(command);
  for (const block of blocksOf(known)) await send({ known: block });
  const finish = () => void send({ finish: true });
  if (signal.aborted) finish();
  else signal.addEventListener("abort", finish);
  let failure: { readonly error: unknown } | undefined;
  let saidWhy = false;
  const feedMore = async (count: number) => {
    try {
      const items = signal.aborted ? [] : await feed!(count);
      await send({ items, last: items.length === 0 });
    } catch (error) {
      failure = { error };
      await send({ items: [], last: true });
    }
  };
  const mostSilentMs = (spec.timeoutMs ?? Infinity) + heldMs;
  state.waits = { again: 0, on: "its process" };
  // What isn't a task may take as long as it likes.
  const isHeld = () => state.waits.on === undefined && state.silentMs >= mostSilentMs;
  let listens = false;
  let began = false;
  const watch = setInterval(() => {
    if (listens) state.silentMs += BEAT_MS;
    if (isHeld()) child.stop();
  }, BEAT_MS);
  try {
    while (true) {
      listens = true;
      const message = await child.next();
      listens = false;
      if (message === undefined && isHeld()) return { type: "held" };
      state.silentMs = 0;
      switch (message?.type) {
        case "began":
          began = true;
          Object.assign(state, {
            total: message.total ?? state.total,
            lanes: message.lanes,
            slots: message.slots,
          });
          break;
        case "decided": {
          const { decision } = message;
          const { why, detail, to: { lanes, slots } } = decision;
          Object.assign(state, { decided: decision, lanes, slots });
          if (why === "stays" && !saidWhy) {
            saidWhy = true;
            onPrint(`run: the tasks stay in one event loop: ${plain(detail!)}\n`);
          }
          break;
        }
        case "waits":
          state.waits = message;
          break;
        case "pulse":
          onPulse?.(message);
          break;
        case "wants":
          // Not waited for: results come meanwhile.
          void feedMore(message.count);
          break;
        case "settled":
          await write(message.results, message.failures);
          state.succeeded = message.succeeded;
          state.failed = message.failed;
          state.addFailures(message.failures);
          await send({ written: message.results.length + message.failures.length });
          break;
        case "changed":
        case "denied":
        case "broken":
        case "done": {
          if (failure !== undefined) throw failure.error;
          return message;
        }
        case undefined: {
          const message = await child.howItEnded();
          // What interrupts this program ends one that isn't ready for it yet.
          if (!began) await new Promise((resolve) => setTimeout(resolve, TOLD_LATER_MS));
          return !began && signal.aborted
            ? { type: "done", end: "finished", slowest: [], gone: { done: 0, failed: 0 } }
            : { type: "died", message, began };
        }
      }
    }
  } finally {
    clearInterval(watch);
    signal.removeEventListener("abort", finish);
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
