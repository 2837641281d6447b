/** A caller's functions that are called as items end: `onProgress` and `onOutcome`. */

import { inAsyncContext } from "../lanes/async_context.ts";
import { isThenable } from "../lanes/attempt.ts";
import type { CheckedOptions, Progress } from "./map_options.ts";
import { outcomeAt, type Settled } from "./output.ts";

/** The run whose caller they are of. */
interface CallbacksHost {
  readonly options: Pick<CheckedOptions, "onProgress" | "onOutcome">;
  readonly context?: unknown;
  /** All that were waited for have answered. */
  mayBeOver(): void;
  /** One threw. */
  fail(error: unknown): void;
}

/** Calls them; what they answer is waited for, and what they throw fails the run. */
export class Callbacks {
  /** How many calls of an async one have not answered yet. */
  unanswered = 0;
  /** How many items have ended for good, in whichever way, and how many of them gave no value. */
  #settled = 0;
  #rejected = 0;
  /** How many had when the caller was told last how the run stands. */
  #toldOf = 0;

  constructor(private readonly run: CallbacksHost) {}

  onSettled(settled: Settled): void {
    this.#settled += settled.count;
    if (settled.rejection !== undefined) this.#rejected += settled.count;
    const { onOutcome } = this.run.options;
    if (onOutcome === undefined) return;
    for (let at = 0; at < settled.count; at++) this.#call(onOutcome, outcomeAt(settled, at));
  }

  /** Tells how the run stands, if more items have ended than were told of. */
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
