import { assertEquals } from "@std/assert";
import { Turn } from "../../lib/dispatch/turn.ts";

/** A turn that began at a known time, and the wait until its end was told. */
function turnAt(beganMs: number) {
  const real = performance.now;
  performance.now = () => beganMs;
  const next = Promise.withResolvers<void>();
  let told = 0;
  const turn = new Turn(() => {
    told++;
    next.resolve();
  });
  performance.now = real;
  return { turn, next: next.promise, told: () => told };
}

Deno.test("a turn lasts 20 ms, and is over until the event loop has turned", async () => {
  const { turn, next, told } = turnAt(100);
  assertEquals([turn.isOver(100), turn.isOver(119)], [false, false]);
  assertEquals([turn.isOver(120), turn.isOver(0)], [true, true]);
  assertEquals(told(), 0);
  await next;
  assertEquals(turn.isOver(performance.now()), false);
});

Deno.test("however often it is asked, the next turn is told of once", async () => {
  const { turn, next, told } = turnAt(0);
  for (let at = 0; at < 5; at++) turn.isOver(1000);
  await next;
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(told(), 1);
});

Deno.test("timers get their chance before the next turn begins", async () => {
  const { turn, next } = turnAt(0);
  let came = false;
  setTimeout(() => came = true);
  // A timer of 0 ms is due by then, whatever the clock says.
  const end = performance.now() + 3;
  while (performance.now() < end) { /* hold the loop up */ }
  turn.isOver(1000);
  await next;
  assertEquals(came, true);
});
