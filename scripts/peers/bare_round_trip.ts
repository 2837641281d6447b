/**
 * Bare round trips to a thread and back, one after another, through shared memory in which each side wakes the
 * other. Argument: how many. As a thread, this program is the other side.
 */

/// <reference lib="deno.worker" />

import { numbers, reading, report } from "./reading.ts";

const THERE = 0;
const BACK = 1;

/** Waits until a mark differs from `was`; returns its new value. */
async function next(marks: Int32Array<SharedArrayBuffer>, mark: number, was: number) {
  // A late notice of the change before can end the wait early, so the mark is checked again.
  while (Atomics.load(marks, mark) === was) await Atomics.waitAsync(marks, mark, was).value;
  return Atomics.load(marks, mark);
}

function tell(marks: Int32Array<SharedArrayBuffer>, mark: number, value: number): void {
  Atomics.store(marks, mark, value);
  Atomics.notify(marks, mark);
}

function beThread(): void {
  self.onmessage = async ({ data }) => {
    const marks = new Int32Array(data as SharedArrayBuffer);
    self.postMessage("ready");
    for (let was = 0;;) tell(marks, BACK, was = await next(marks, THERE, was));
  };
}

async function measure(count: number): Promise<void> {
  const worker = new Worker(import.meta.url, { type: "module", name: "thread" });
  const marks = new Int32Array(new SharedArrayBuffer(8));
  worker.postMessage(marks.buffer);
  await new Promise((resolve) => worker.onmessage = resolve);
  let was = 0;
  const trip = async (item: number) => {
    tell(marks, THERE, item);
    return was = await next(marks, BACK, was);
  };
  for (const item of numbers(count / 10)) await trip(-item);
  const input = numbers(count);
  report(
    await reading(async () => {
      const results: number[] = [];
      for (const item of input) results.push(await trip(item));
      return results;
    }),
  );
  worker.terminate();
}

if (self.name === "thread") beThread();
else await measure(Number(Deno.args[0]));
