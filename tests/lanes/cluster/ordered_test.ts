import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Inbox, Outbox } from "../../../lib/lanes/cluster/ordered.ts";
import { settle, VirtualTime } from "../../dispatch/virtual_time.ts";

Deno.test("whatever is lost, repeated or reordered on the way, all arrives in order and once", async () => {
  const fate = fc.record({
    lost: fc.nat({ max: 3 }),
    copies: fc.nat({ max: 2 }),
    lateMs: fc.nat(99),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(fate, { maxLength: 12 }), async (fates) => {
      using time = new VirtualTime();
      const arrived: number[] = [];
      const inbox = new Inbox<number>((message) => void arrived.push(message));
      const left = fates.map(({ lost }) => lost);
      const outbox = new Outbox({
        store: (number, bytes) => {
          const { copies, lateMs } = fates[number]!;
          // A try that isn't known to have been stored may have been.
          const isLost = left[number]! > 0;
          const stored = isLost ? left[number]! % 2 : 1 + copies;
          for (let copy = 0; copy < stored; copy++) {
            setTimeout(() => inbox.take(number, bytes[0]!), lateMs * (copy + 1));
          }
          if (!isLost) return Promise.resolve();
          left[number]!--;
          return Promise.reject(new Error("no answer"));
        },
        isFinal: () => false,
        failed: () => {},
      });
      const sent = fates.map((_, at) => outbox.send(Uint8Array.of(at)));
      for (let step = 0; step < 8; step++) {
        await settle();
        time.pass(1000);
      }
      await Promise.all(sent);
      assertEquals(arrived, fates.map((_, at) => at));
      assertEquals(time.timers, 0);
    }),
    { seed: 7, numRuns: 50 },
  );
});

Deno.test("what is refused is told once, and not tried again", async () => {
  using time = new VirtualTime();
  const told: unknown[] = [];
  let tries = 0;
  const outbox = new Outbox({
    store: () => Promise.reject(++tries),
    isFinal: (error) => error === 2,
    failed: (error) => void told.push(error),
  });
  const sent = outbox.send(new Uint8Array());
  await settle();
  time.pass(1000);
  await sent;
  assertEquals([tries, told], [2, [2]]);
});

Deno.test("a closed outbox tries nothing any more, and leaves no timer", async () => {
  using time = new VirtualTime();
  let tries = 0;
  const outbox = new Outbox({
    store: () => Promise.reject(++tries),
    isFinal: () => false,
    failed: () => {},
  });
  const sent = outbox.send(new Uint8Array());
  await settle();
  outbox.close();
  await sent;
  assertEquals([tries, time.timers], [1, 0]);
});
