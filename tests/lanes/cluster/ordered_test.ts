import { assertEquals } from "@std/assert";
import fc from "../../properties.ts";
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
        isRefusal: () => false,
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

/** What an outbox stores and tells when the server refuses all messages for so long, or some for ever. */
async function refusing(isRefused: (byte: number, nowMs: number) => boolean, instead?: number) {
  using time = new VirtualTime();
  const stored: number[] = [];
  const failures: unknown[] = [];
  const outbox = new Outbox({
    store: (_number, [byte]) => {
      if (isRefused(byte!, performance.now())) return Promise.reject("full");
      return Promise.resolve(void stored.push(byte!));
    },
    isRefusal: (error) => error === "full",
    failed: (error) => void failures.push(error),
  });
  const sent = outbox.send(
    Uint8Array.of(1),
    instead === undefined ? undefined : () => Uint8Array.of(instead),
  );
  for (let step = 0; step < 20; step++) {
    await settle();
    time.pass(1000);
  }
  await sent;
  assertEquals(time.timers, 0);
  return { stored, failures };
}

Deno.test("what is refused for a while is stored once there is room", async () => {
  assertEquals(await refusing((_, nowMs) => nowMs < 3000), { stored: [1], failures: [] });
});

Deno.test("in place of what is refused for long stands what is said of it", async () => {
  assertEquals(await refusing((byte) => byte === 1, 2), { stored: [2], failures: [] });
});

Deno.test("if nothing at all can be stored, that is told once", async () => {
  assertEquals(await refusing(() => true), { stored: [], failures: ["full"] });
  assertEquals(await refusing(() => true, 2), { stored: [], failures: ["full"] });
});

Deno.test("a closed outbox tries nothing any more, and leaves no timer", async () => {
  using time = new VirtualTime();
  let tries = 0;
  const outbox = new Outbox({
    store: () => Promise.reject(++tries),
    isRefusal: () => false,
    failed: () => {},
  });
  const sent = outbox.send(new Uint8Array());
  await settle();
  outbox.close();
  await sent;
  assertEquals([tries, time.timers], [1, 0]);
});
