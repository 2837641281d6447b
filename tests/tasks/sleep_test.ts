import { assertEquals, assertRejects } from "@std/assert";
import sleep from "../../lib/tasks/sleep.ts";
import { contextOf } from "./context.ts";

Deno.test("sleep() wakes when its timer does, which is set to its time", async () => {
  const real = globalThis.setTimeout;
  const timers: { wake: () => void; ms: number | undefined }[] = [];
  try {
    globalThis.setTimeout = ((wake: () => void, ms?: number) => timers.push({ wake, ms })) as never;
    let awake = false;
    const slept = sleep(100, contextOf()).then((item) => {
      awake = true;
      return item;
    });
    await Promise.resolve();
    assertEquals([awake, timers.map(({ ms }) => ms)], [false, [100]]);
    timers[0]!.wake();
    assertEquals([await slept, awake], [100, true]);
  } finally {
    globalThis.setTimeout = real;
  }
});

Deno.test("sleep() ends at once when its signal is aborted, and leaves no timer", async () => {
  const stopping = new AbortController();
  const slept = sleep(1_000_000, contextOf({ signal: stopping.signal }));
  stopping.abort(new Error("enough"));
  await assertRejects(() => slept, Error, "enough");
});

Deno.test("sleep() doesn't begin under an aborted signal", async () => {
  const signal = AbortSignal.abort(new Error("before"));
  await assertRejects(() => sleep(1_000_000, contextOf({ signal })), Error, "before");
});

Deno.test("sleep() refuses times that timers can't wait", async () => {
  for (const ms of [-1, NaN, Infinity, 2 ** 31]) {
    await assertRejects(() => sleep(ms, contextOf()), RangeError, String(ms));
  }
});
