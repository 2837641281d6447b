/**
 * What becomes of batches whose lane was lost, or whose task had to be stopped: their items are tried
 * again, go elsewhere, or are settled.
 */

import { AbandonedError, CancelledError, CrashedError, TimeoutError } from "../lanes/errors.ts";
import type { BatchProgress, Death, Forced } from "../lanes/lane.ts";
import type { Task } from "../lanes/task.ts";
import type { Batch, Blame } from "./batch.ts";
import { MOST_KILLS, type Settler } from "./settler.ts";

/** An item that lost so many lanes before it was started, the last of them alone, ends them itself. */
const MOST_LOSSES = 3;

/** An item that ended more than one lane. */
export interface QuarantinedItem {
  readonly task: Task;
  readonly index: number;
  readonly item: unknown;
  readonly reason: CrashedError;
}

/** The run or call whose items are recovered. */
export interface Recovering {
  readonly options: {
    /** Whether what may have run may run again. */
    readonly rerun: boolean;
  };
  /** Takes items that are to be sent before all others. */
  putBack(batch: Batch): void;
}

/** What all recoveries of a pool have in common. */
export interface RecoveryOptions {
  /** How long a task that was asked to stop may go on before it is made to, in milliseconds. */
  readonly graceMs: number;
  /** Told of each item that ended more than one lane, and isn't tried again. */
  readonly onQuarantined?: ((item: QuarantinedItem) => void) | undefined;
}

/** Recovers a run's items. */
export class Recovery {
  constructor(
    private readonly run: Recovering,
    private readonly settler: Settler,
    private readonly options: RecoveryOptions,
  ) {}

  /** A lane died with a batch of this run. */
  onLost(batch: Batch, { at, fault }: Blame, death: Death): void {
    const { reported, sentCount, items } = batch;
    if (at.state !== "running") {
      this.run.putBack(batch.part(sentCount, items.length));
      if (at.state !== "unknown") return this.#unstarted(batch, death, fault !== "none");
      return this.#again(batch, reported, sentCount, death, fault !== "none");
    }
    const { offset, sinceMs } = at;
    this.run.putBack(batch.part(offset + 1, items.length));
    if (fault === "certain") this.#crash(batch, offset, sinceMs, death);
    else this.#again(batch, offset, offset + 1, death, fault === "perhaps", sinceMs);
    this.#again(batch, reported, offset, death, false);
  }

  /** Items that may have run, or did and whose results are lost, run again if that is allowed. */
  #again(
    batch: Batch,
    from: number,
    to: number,
    death: Death,
    alone: boolean,
    sinceMs = NaN,
  ): void {
    const { firstIndex, moved, history: { attempt, reruns } } = batch;
    if (this.run.options.rerun && !moved) {
      const history = { attempt: attempt + 1, reruns: reruns + 1, ...(alone && { alone }) };
      return this.run.putBack(batch.part(from, to, history));
    }
    for (let offset = from; offset < to; offset++) {
      const why = moved ? "its buffers had moved there" : "it may have run, and rerun is false";
      const reason = new CrashedError(
        `Item ${firstIndex + offset} lost its lane, perhaps through another's fault, and isn't ` +
          `run again, for ${why}: the lane ${death.how}`,
        causeOf(death),
      );
      this.settler.reject(batch, offset, "crashed", reason, { sinceMs, ...(alone && { alone }) });
    }
  }

  /** Items that were on the lane, but not started, go elsewhere, unless they are what ends lanes. */
  #unstarted(batch: Batch, death: Death, mayKill: boolean): void {
    const { reported, sentCount, firstIndex, moved, alone } = batch;
    const losses = batch.history.losses + Number(mayKill);
    if (!moved && (!alone || losses < MOST_LOSSES)) {
      const history = { losses, ...(losses >= MOST_LOSSES - 1 && { alone: true }) };
      return this.run.putBack(batch.part(reported, sentCount, history));
    }
    const what = moved
      ? "lost its lane before its task could start, and its buffers, which had moved there"
      : `lost ${losses} lanes before its task could start`;
    for (let offset = reported; offset < sentCount; offset++) {
      const reason = new CrashedError(
        `Item ${firstIndex + offset} ${what}: the lane ${death.how}`,
        causeOf(death),
      );
      this.settler.reject(batch, offset, "crashed", reason, { started: false, losses });
    }
  }

  #crash(batch: Batch, offset: number, sinceMs: number, death: Death): void {
    // If more than its lane was lost, it was blamed only since that had happened to it before.
    const kills = batch.history.kills + (death.isElsewhere ? 2 : 1);
    const error = new CrashedError(
      `Item ${batch.firstIndex + offset} lost its lane while its task ran: the lane ${death.how}` +
        (kills >= MOST_KILLS ? `; it killed ${kills} lanes and is quarantined` : ""),
      causeOf(death),
    );
    error.retryable = kills < MOST_KILLS;
    if (!error.retryable) {
      const { task, items, firstIndex } = batch;
      const index = firstIndex + offset;
      this.options.onQuarantined?.({ task, index, item: items[offset], reason: error });
    }
    this.settler.reject(batch, offset, "crashed", error, { sinceMs, kills, alone: true });
  }

  /** A task went on after it was asked to stop. */
  onForced(batch: Batch, at: BatchProgress, forced: Forced, hadOthers: boolean): void {
    const { graceMs } = this.options;
    const { reported, items, asked, timeoutMs, firstIndex, sentCount } = batch;
    if (at.state === "waiting" || at.state === "loading") {
      return this.run.putBack(batch.part(reported, items.length));
    }
    const isKnown = at.state === "running";
    const how = "had to be ended";
    if (isKnown && asked!.why === "timeout" && at.offset !== asked!.offset) {
      // The one that was asked had ended by then.
      return this.onLost(batch, { at, fault: "none" }, { how, starting: false });
    }
    const offset = isKnown ? at.offset : reported;
    const sinceMs = isKnown ? at.sinceMs : NaN;
    this.run.putBack(batch.part(isKnown ? offset + 1 : sentCount, items.length));
    const isTimeout = asked!.why === "timeout";
    const ended = forced === "abandoned" ? "abandoned" : isTimeout ? "timed-out" : "cancelled";
    const what = isTimeout ? `its deadline of ${timeoutMs} ms passed` : "it was cancelled";
    const Class = forced === "abandoned"
      ? AbandonedError
      : isTimeout
      ? TimeoutError
      : CancelledError;
    const reason = new Class(
      `Item ${firstIndex + offset} ${fate(forced, what, graceMs, hadOthers)}`,
    );
    this.settler.reject(batch, offset, ended, reason, { sinceMs });
    const death = { how, starting: false };
    // Those behind it ran too, perhaps.
    if (!isKnown) this.#again(batch, offset + 1, sentCount, death, false);
    this.#again(batch, reported, offset, death, false);
  }
}

/** What is told of an item whose task went on after it was asked to stop: no more than is known. */
function fate(forced: Forced, what: string, graceMs: number, hadOthers: boolean): string {
  switch (forced) {
    case "ends":
    case "stopped":
      return hadOthers
        ? `was stopped with its lane: ${what}, and ${graceMs} ms later the lane had not answered`
        : `was stopped with its lane: ${what}, and ${graceMs} ms later it had not ended`;
    case "goes on":
      return `is not waited for: ${what}, and its task goes on`;
    case "goes on for now":
      return `is not waited for: ${what}, and its task goes on until the others on its lane have ended`;
    case "abandoned":
      return hadOthers
        ? `was abandoned: ${what}, and its lane does not answer; this task or another one there goes ` +
          `on where nothing can stop it`
        : `was abandoned: ${what}, and its task goes on where nothing can stop it`;
  }
}

function causeOf(death: Death): ErrorOptions | undefined {
  return "error" in death ? { cause: death.error } : undefined;
}

/**
 * How far a lane is with a batch: the only item left is the one that runs, even where it can't tell.
 *
 * @param isCut Whether the way there was lost, and with it perhaps word of an item's start.
 */
export function progressOf(batch: Batch, isCut = false): BatchProgress {
  let at = batch.on!.lane.progress(batch);
  if (isCut && at.state === "waiting") at = { state: "unknown" };
  const isSingle = at.state === "unknown" && !at.isHarmless &&
    batch.sentCount - batch.reported === 1;
  return isSingle ? { state: "running", offset: batch.reported, sinceMs: NaN } : at;
}

/** Whether some of a batch runs, or may. */
export function isActive(at: BatchProgress): boolean {
  return at.state === "running" || at.state === "unknown";
}

/**
 * Judges all the batches that were on a lane when it died, each in its turn.
 *
 * @param isKnown Whether something else is known to be to blame.
 * @param isElsewhere Whether more than the lane was lost, such as its machine. Tasks seldom do that, so
 * what ran is only suspected, and to blame if it happens to it again while it has a lane for itself.
 */
export function blame(lost: readonly Batch[], isKnown = false, isElsewhere = false): Blame[] {
  const progress = lost.map((batch) => progressOf(batch, isElsewhere));
  const active = progress.filter((at) => isActive(at) && !("isHarmless" in at)).length;
  return progress.map((at, index): Blame => {
    const { alone, reruns } = lost[index]!.history;
    const isRunning = at.state === "running";
    const isCleared = isKnown ||
      (at.state === "unknown"
        ? at.isHarmless || (isElsewhere && reruns === 0)
        : isElsewhere && !isRunning);
    const isSure = isRunning && active === 1 && (!isElsewhere || alone);
    return { at, fault: isCleared ? "none" : isSure ? "certain" : "perhaps" };
  });
}
