import { assertEquals } from "@std/assert";
import { untilWell } from "../../../lib/advice/race/trials.ts";

const waiting = async (wellAtMs: number, budgetMs: number, leastMs?: number) => {
  const pauses: number[] = [];
  let nowMs = 0;
  const waited = await untilWell(() => Promise.resolve(nowMs >= wellAtMs), {
    leastMs,
    leftMs: () => budgetMs - nowMs,
    pause: (ms) => Promise.resolve(pauses.push(nowMs += ms)),
  });
  return { ...waited, pauses };
};

Deno.test("untilWell() looks again after pauses that double, and says how long it was seen to last", async () => {
  assertEquals(await waiting(1, 1e6), { isWell: true, lastedMs: 0, pauses: [3000] });
  assertEquals(await waiting(10_000, 1e6), {
    isWell: true,
    lastedMs: 9000,
    pauses: [3000, 9000, 21_000],
  });
});

Deno.test("untilWell() uses what is left for a last pause, and gives up without", async () => {
  assertEquals(await waiting(10_000, 12_000), {
    isWell: true,
    lastedMs: 9000,
    pauses: [3000, 9000, 12_000],
  });
  assertEquals(await waiting(1e6, 9500), {
    isWell: false,
    lastedMs: 9000,
    pauses: [3000, 9000],
  });
  assertEquals(await waiting(1, 900), { isWell: false, lastedMs: 0, pauses: [] });
});

Deno.test("untilWell() waits as long as it was told to, or not at all", async () => {
  assertEquals((await waiting(4000, 1e6, 4500)).pauses, [4500]);
  assertEquals((await waiting(4000, 4000, 4500)).pauses, []);
});
