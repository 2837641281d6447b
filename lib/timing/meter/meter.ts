/**
 * A meter: a small process of ours that tells what the system knows of another process, and what others
 * do to the machine.
 */

import { MeasuringChild } from "../../children/measuring_child.ts";
import type { Answer, MeterOrder, Question } from "./meter_main.ts";
import type { Reading } from "./reading.ts";

/** Reads; a test's own answers at once. */
export interface Meter {
  /** How many CPUs this program may use at most; undefined for all, or where that can't be told. */
  readonly quota?: number | undefined;
  /** Reads what a process did, and what the machine did; undefined where the system doesn't tell. */
  read(pid?: number): Promise<Reading | undefined>;
}

/** How long an answer is waited for, in milliseconds: one that takes longer will not come. */
const LONGEST_ANSWER_MS = 3000;

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
    const child = new MeasuringChild<Answer>({
      entry: new URL("./meter_main.ts", import.meta.url),
      order: { root: Deno.pid } satisfies MeterOrder,
      flags: ["--allow-all"],
      signal,
    });
    const end = () => child[Symbol.asyncDispose]();
    const limits = await child.nextWithin(LONGEST_ANSWER_MS);
    if (limits?.type === "limits") return metering(child, limits, end);
    await end();
  } catch {
    // This program may not run Deno, or the system has no process left: it measures without a meter.
  }
  return NO_METER;
}

function metering(
  child: MeasuringChild<Answer>,
  limits: Answer & { readonly type: "limits" },
  end: () => Promise<void>,
): Meter & AsyncDisposable {
  const ask = async (question: Question) => {
    await child.send(question);
    return await child.nextWithin(LONGEST_ANSWER_MS);
  };
  // One question after the other, until one has no answer.
  let last: Promise<Answer | undefined> = Promise.resolve(limits);
  const read = async (pid?: number) => {
    last = last.then((known) => known && ask({ pid }));
    const answer = await last;
    return answer?.type === "reading" ? answer.reading : undefined;
  };
  return { quota: limits.quota, read, [Symbol.asyncDispose]: end };
}
