/**
 * A meter: a small process of ours that tells what the system knows of another process, and what others
 * do to the machine.
 *
 * @module
 */

import { MeasuringChild } from "../../children/measuring_child.ts";
import type { Answer, Question } from "./meter_main.ts";
import type { Reading } from "./reading.ts";

/** Reads; a test's own answers at once. */
export interface Meter {
  /** How many CPUs this program may use at most; undefined for all, or where that can't be told. */
  readonly quota?: number;
  /** Reads what a process did, and what the machine did; undefined where the system doesn't tell. */
  read(pid?: number): Promise<Reading | undefined>;
}

/** How long an answer is waited for, in milliseconds: one that takes longer will not come. */
const LONGEST_ANSWER_MS = 3000;

/** A meter's process. */
class ProcMeter implements Meter, AsyncDisposable {
  readonly #child: MeasuringChild;
  #last: Promise<unknown> = Promise.resolve();
  #gone = false;

  constructor(child: MeasuringChild, readonly quota?: number) {
    this.#child = child;
  }

  read(pid?: number): Promise<Reading | undefined> {
    const answer = this.#last.then(() => this.#ask(pid));
    this.#last = answer;
    return answer;
  }

  async #ask(pid: number | undefined): Promise<Reading | undefined> {
    if (this.#gone) return undefined;
    const question: Question = pid === undefined ? {} : { pid };
    await this.#child.send(question);
    const answer = await within(this.#child.next()) as Answer | undefined;
    this.#gone = answer === undefined;
    return answer?.type === "reading" ? answer.reading : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }
}

async function within<T>(answer: Promise<T>): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), LONGEST_ANSWER_MS);
  return await Promise.race([answer, late.promise]).finally(() => clearTimeout(timer));
}

/** A meter where there is nothing to read. */
const NO_METER: Meter & AsyncDisposable = {
  read: () => Promise.resolve(undefined),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

/**
 * Starts a meter. It alone is started with all permissions, which Deno asks for `/proc`; what it runs is
 * meter_main.ts, a file of ours that loads nothing of a job's. It ends with this process.
 */
export async function startMeter(signal?: AbortSignal): Promise<Meter & AsyncDisposable> {
  if (Deno.build.os !== "linux") return NO_METER;
  try {
    const entry = new URL("./meter_main.ts", import.meta.url);
    const child = new MeasuringChild({
      entry,
      flags: ["--allow-all"],
      ...(signal && { signal }),
    });
    await child.send({ mark: child.mark, root: Deno.pid });
    const limits = await within(child.next()) as Answer | undefined;
    if (limits?.type === "limits") return new ProcMeter(child, limits.quota);
    child.stop();
    await child[Symbol.asyncDispose]();
  } catch {
    // This program may not run Deno, or the system has no process left: it measures without a meter.
  }
  return NO_METER;
}
