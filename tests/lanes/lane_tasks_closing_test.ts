import { assertEquals, assertRejects } from "@std/assert";
import { closeWithin } from "../../lib/lanes/lane_tasks.ts";
import { TeardownError } from "../../lib/lanes/errors.ts";
import { VirtualTime } from "../dispatch/virtual_time.ts";

const never = new Promise<never>(() => {});

Deno.test("what is disposed in time is not told, and leaves no timer", async () => {
  using time = new VirtualTime();
  await closeWithin(100, () => Promise.resolve([]), () => true);
  await closeWithin(Infinity, () => Promise.resolve([]), () => true);
  assertEquals(time.timers, 0);
});

Deno.test("failures are told as one, which says how many there are", async () => {
  const [a, b] = [new TeardownError("a", { cause: 1 }), new TeardownError("b")];
  assertEquals(
    await assertRejects(() => closeWithin(100, () => Promise.resolve([a]), () => false)),
    a,
  );
  const error = await assertRejects(
    () => closeWithin(100, () => Promise.resolve([a, b]), () => false),
    TeardownError,
    "a (the first of 2 such failures)",
  );
  assertEquals(error.cause, 1);
});

for (const holds of [true, false]) {
  Deno.test(`after the grace time it is given up, and told only if something ${holds ? "is" : "was"} held`, async () => {
    using time = new VirtualTime();
    const closing = closeWithin(100, () => never, () => holds);
    time.pass(100);
    if (holds) await assertRejects(() => closing, TeardownError, "grace time of 100 ms");
    else await closing;
  });
}
