/** How a pace limits one key's tasks after refusals, separately from other keys. */

import { assert, assertEquals } from "@std/assert";
import { Guide } from "../../lib/adaptive/guide.ts";
import { KeyPace } from "../../lib/adaptive/key_pace.ts";
import { ONE, type Seen } from "../../lib/adaptive/watch.ts";
import { structuredCloning } from "../../lib/lanes/remote/clone.ts";
import { auto } from "../../lib/open.ts";
import { settle, VirtualTime } from "../dispatch/virtual_time.ts";

const seenAt = (nowMs: number) => ({ nowMs, inFlight: 99, memoryBytes: 1e9 }) as Seen;

Deno.test("a key's slots are limited from the first time that too many of its tasks are refused", () => {
  using time = new VirtualTime();
  const pace = new KeyPace(100, () => {});
  pace.inFlight = 8;
  const end = (refused: number) => {
    const isDue = pace.ended(1, time.nowMs - 50, time.nowMs, { refused });
    pace.inFlight--;
    return isDue;
  };
  time.pass(50);
  assertEquals([end(0), end(1), pace.isBound, pace.slots], [false, false, false, Infinity]);
  assertEquals([end(1), pace.isBound, pace.slots], [true, true, 7]);
  // The pace waits for the tasks in flight to end.
  assertEquals(pace.tick(seenAt(time.nowMs)), undefined);
  assert(pace.waitMs(time.nowMs, () => {}) > 0);
  assert(!pace.isIdle);
  end(0);
  end(0);
  end(1);
  end(0);
  end(0);
  assertEquals([pace.inFlight, pace.isIdle], [0, false]);
  assertEquals(pace.tick(seenAt(time.nowMs))?.why, "refused");
  assert(pace.isIdle);
  assertEquals([pace.slots, pace.waitMs(time.nowMs, () => {}) > 0], [1, false]);
  const slots = [];
  for (let round = 0; round < 4; round++) {
    time.pass(50);
    for (pace.inFlight = pace.slots; pace.inFlight > 0;) end(0);
    pace.inFlight = pace.slots;
    pace.tick(seenAt(time.nowMs));
    slots.push(pace.slots);
  }
  assertEquals(slots, [2, 4, 4, 4]);
});

Deno.test("a key keeps its slots if nothing moved on this machine, and loses some if only its own tasks don't end", () => {
  for (const isStill of [true, false]) {
    using time = new VirtualTime();
    const pace = new KeyPace(100, () => {});
    pace.inFlight = 8;
    const end = (refused = 0) => {
      pace.ended(1, time.nowMs - 50, time.nowMs, { refused });
      pace.inFlight--;
    };
    time.pass(50);
    end(1);
    end(1);
    while (pace.inFlight > 0) end();
    pace.tick(seenAt(time.nowMs));
    for (let round = 0; round < 6; round++) {
      time.pass(50);
      for (pace.inFlight = pace.slots; pace.inFlight > 0;) end();
      pace.inFlight = pace.slots;
      pace.tick(seenAt(time.nowMs));
    }
    pace.inFlight = pace.slots;
    assert(pace.inFlight > 4, `${pace.inFlight}`);
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

Deno.test("a key's pace is shared by all runs that have tasks of it, and kept for a while if it is limited", () => {
  using time = new VirtualTime();
  const guide = new Guide({
    ...{ maxSlots: 9, maxLanes: 0, memoryBytes: Infinity, start: ONE, isolated: false },
    ...{ cloning: structuredCloning, fidelity: "classes", refusal: () => undefined },
  });
  const first = guide.pace("a") as KeyPace;
  assert(guide.pace("a") === first && guide.pace("b") !== first);
  first.release();
  assert(guide.pace("a") === first);
  first.release();
  first.release();
  const second = guide.pace("a") as KeyPace;
  assert(second !== first);
  second.ended(1, time.nowMs, time.nowMs, { refused: 1, askedMs: 1 });
  assert(second.isBound);
  second.release();
  time.pass(29_999);
  assert(guide.pace("a") === second);
  second.release();
  time.pass(30_000);
  assert(guide.pace("a") !== second);
});

Deno.test("what waits for a key's slot is told when one is free, or when there are more", async () => {
  using time = new VirtualTime();
  const pace = new KeyPace(100, () => {});
  const told: string[] = [];
  const wait = () =>
    ["a", "b"].map((run) => pace.waitMs(time.nowMs, () => told.push(run)) === Infinity);
  for (let at = 0; at < 8; at++) pace.take();
  assertEquals(wait(), [false, false]);
  time.pass(50);
  for (const refused of [1, 1, 0, 0, 0, 0, 0, 0]) {
    pace.ended(1, time.nowMs - 50, time.nowMs, { refused });
    pace.leave();
  }
  pace.tick(seenAt(time.nowMs));
  pace.take();
  assertEquals([pace.slots, wait(), told], [1, [true, true], []]);
  pace.leave();
  pace.take();
  pace.leave();
  assertEquals(told, ["a", "b"]);
  pace.ended(1, time.nowMs, time.nowMs, {});
  pace.take();
  assertEquals([pace.slots, wait()], [1, [true, true]]);
  time.pass(50);
  pace.tick(seenAt(time.nowMs));
  await Promise.resolve();
  assert(pace.slots > 1, `${pace.slots}`);
  assertEquals(told, ["a", "b", "a", "b"]);
});

Deno.test("several runs of an executor learn the limit of one key's server only once", async () => {
  using time = new VirtualTime();
  const refusedOf = async (runs: number) => {
    let [inFlight, refused, left] = [0, 0, runs];
    const ask = async () => {
      const isRefused = ++inFlight > 4;
      if (isRefused) refused++;
      else await new Promise((done) => setTimeout(done, 10));
      inFlight--;
      if (isRefused) throw Object.assign(new Error("too many"), { status: 429 });
    };
    const executor = auto({ stay: "loop", start: { slots: 16 } });
    for (let run = 0; run < runs; run++) {
      void executor.mapSettled(ask, Array<string>(400 / runs).fill("host"), {
        perKey: { key: (host) => host },
        retries: { limit: 1000, jitter: false },
      }).toArray().finally(() => left--);
    }
    while (left > 0) {
      await settle();
      time.turn();
      time.pass(1);
    }
    await executor.close();
    return refused;
  };
  const [one, four] = [await refusedOf(1), await refusedOf(4)];
  assert(four <= one + 1, `${four}, ${one}`);
});
