/** How a pace limits one key's tasks after refusals, separately from other keys. */

import { assert, assertEquals } from "@std/assert";
import { KeyPace } from "../../lib/adaptive/key_pace.ts";
import type { Seen } from "../../lib/adaptive/watch.ts";
import { auto } from "../../lib/open.ts";
import { VirtualTime } from "../dispatch/virtual_time.ts";

const seenAt = (nowMs: number) => ({ nowMs, inFlight: 99, memoryBytes: 1e9 }) as Seen;

Deno.test("a key's slots are limited from the first time that too many of its tasks are refused", () => {
  using time = new VirtualTime();
  let inFlight = 8;
  const pace = new KeyPace(100, () => inFlight);
  const end = (refused: number) => {
    const isDue = pace.ended(1, time.nowMs - 50, time.nowMs, { refused });
    inFlight--;
    return isDue;
  };
  time.pass(50);
  assertEquals([end(0), end(1), pace.isBound, pace.slots], [false, false, false, Infinity]);
  assertEquals([end(1), pace.isBound, pace.slots], [true, true, 7]);
  // The pace waits for the tasks in flight to end.
  assertEquals(pace.tick(seenAt(time.nowMs)), undefined);
  assert(pace.waitMs(time.nowMs) > 0);
  assert(!pace.isIdle);
  end(0);
  end(0);
  end(1);
  end(0);
  end(0);
  assertEquals([inFlight, pace.isIdle], [0, false]);
  assertEquals(pace.tick(seenAt(time.nowMs))?.why, "refused");
  assert(pace.isIdle);
  assertEquals([pace.slots, pace.waitMs(time.nowMs) > 0], [1, false]);
  const slots = [];
  for (let round = 0; round < 4; round++) {
    time.pass(50);
    for (inFlight = pace.slots; inFlight > 0;) end(0);
    inFlight = pace.slots;
    pace.tick(seenAt(time.nowMs));
    slots.push(pace.slots);
  }
  assertEquals(slots, [2, 4, 4, 4]);
});

Deno.test("a key keeps its slots if nothing moved on this machine, and loses some if only its own tasks don't end", () => {
  for (const isStill of [true, false]) {
    using time = new VirtualTime();
    let inFlight = 8;
    const pace = new KeyPace(100, () => inFlight);
    const end = (refused = 0) => {
      pace.ended(1, time.nowMs - 50, time.nowMs, { refused });
      inFlight--;
    };
    time.pass(50);
    end(1);
    end(1);
    while (inFlight > 0) end();
    pace.tick(seenAt(time.nowMs));
    for (let round = 0; round < 6; round++) {
      time.pass(50);
      for (inFlight = pace.slots; inFlight > 0;) end();
      inFlight = pace.slots;
      pace.tick(seenAt(time.nowMs));
    }
    inFlight = pace.slots;
    assert(inFlight > 4, `${inFlight}`);
    time.pass(300);
    if (isStill) pace.leaveOut(time.nowMs, 300);
    assertEquals(pace.tick(seenAt(time.nowMs))?.why, isStill ? undefined : "stalls");
  }
});

Deno.test("a server that refuses limits its own key alone, and the decision names the key", async () => {
  const inFlight = { some: 0, all: 0 };
  const most = { ...inFlight };
  const ask = async (name: "some" | "all") => {
    most[name] = Math.max(most[name], ++inFlight[name]);
    const isRefused = name === "some" && inFlight[name] > 2;
    await new Promise((done) => setTimeout(done, isRefused ? 0 : 2));
    inFlight[name]--;
    if (isRefused) throw Object.assign(new Error("too many"), { status: 429 });
    return name;
  };
  await using executor = auto({ stay: "loop", start: { slots: 16 } });
  const items = Array.from(
    { length: 400 },
    (_, n) => n % 2 === 0 ? "some" as const : "all" as const,
  );
  const outcomes = await executor.mapSettled(ask, items, {
    perKey: { key: (name) => name },
    retries: { limit: 1000, retryIf: () => ({ afterMs: 5 }) },
  }).toArray();
  assertEquals(new Set(outcomes.map(({ status }) => status)), new Set(["fulfilled"]));
  const refused = executor.decisions.filter(({ why }) => why === "refused");
  assertEquals(new Set(refused.map(({ detail }) => detail)), new Set(["some"]));
  assert(most.all > 2, `${most.all}`);
});
