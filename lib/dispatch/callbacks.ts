/** Calls the caller's functions as items end: `onProgress` and `onOutcome`. */

import { inAsyncContext } from "../lanes/async_context.ts";
import { isThenable } from "../lanes/attempt.ts";
import type { CheckedOptions, Progress } from "./map_options.ts";
import { outcomeAt, type Settled } from "./output.ts";

/** The run whose callbacks are called. */
interface CallbacksHost {
  readonly options: Pick<CheckedOptions, "onProgress" | "onOutcome">;
  readonly context?: unknown;
  /** Called when no promise of a callback is pending any more. */
  mayBeOver(): void;
  /** Called when a callback throws or rejects. */
  fail(error: unknown): void;
}

/** Calls the callbacks; their promises are awaited, and their errors fail the run. */
export class Callbacks {
  /** How many promises of callbacks are pending. */
  unanswered = 0;
  /** How many items have settled, and how many of them gave no value. */
  #settled = 0;
  #rejected = 0;
  /** How many items had settled when `onProgress` was last called. */
  #toldOf = 0;

  constructor(private readonly run: CallbacksHost) {}

  onSettled(settled: Settled): void {
    this.#settled += settled.count;
    if (settled.rejection !== undefined) this.#rejected += settled.count;
    const { onOutcome } = this.run.options;
    if (onOutcome === undefined) return;
    for (let at = 0; at < settled.count; at++) this.#call(onOutcome, outcomeAt(settled, at));
  }

  /** Calls `onProgress` if more items have settled since its last call. */
  tellProgress({ pulled, total }: Pick<Progress, "pulled" | "total">): void {
    const { onProgress } = this.run.options;
    if (onProgress === undefined || this.#settled === this.#toldOf) return;
    this.#toldOf = this.#settled;
    this.#call(onProgress, { pulled, settled: this.#settled, rejected: this.#rejected, total });
  }

  #call<What>(fn: (what: What) => unknown, what: What): void {
    const { run } = this;
    try {
      const answer = inAsyncContext(run.context, () => fn(what));
      if (!isThenable(answer)) return;
      this.unanswered++;
      Promise.resolve(answer).catch((error) => run.fail(error)).finally(() => {
        if (--this.unanswered === 0) run.mayBeOver();
      });
    } catch (error) {
      run.fail(error);
    }
  }
}
