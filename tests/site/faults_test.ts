import { assertEquals } from "@std/assert";
import { chance, chooseFault, fail, FAULTS } from "../../lib/site/faults.ts";
import fc from "../properties.ts";

const context = { page: new Uint8Array(100).fill(65), rawUrl: "http://127.0.0.1:2" };
const addresses = Array.from({ length: 2_000 }, (_, copy) => `/page/1?copy=${copy}`);

Deno.test("chooseFault() fails the share asked for, in every way there is", () => {
  const drawn = addresses.map((address) => chooseFault(1, address, 1, 0.25));
  const failed = drawn.filter((fault) => fault !== undefined);
  // 500 are expected, with a standard deviation of 19; the seed fixes the number.
  assertEquals(Math.abs(failed.length - 500) < 60, true, String(failed.length));
  assertEquals(new Set(failed), new Set(FAULTS));
});

Deno.test("chooseFault() fails none for a share of 0 and all for a share of 1", () => {
  for (const address of addresses) {
    assertEquals(chooseFault(1, address, 1, 0), undefined);
    assertEquals(chooseFault(1, address, 1, 1) === undefined, false);
  }
});

Deno.test("chooseFault() chooses the same in every run, and other addresses for another seed", () => {
  const chosen = (seed: number) => addresses.map((address) => chooseFault(seed, address, 1, 0.5));
  assertEquals(chosen(1), chosen(1));
  assertEquals(chosen(1).join() === chosen(2).join(), false);
});

Deno.test("chooseFault() draws anew for another try, so that retries help", () => {
  const share = 0.5;
  const both = addresses.filter((address) =>
    chooseFault(1, address, 1, share) !== undefined &&
    chooseFault(1, address, 2, share) !== undefined
  );
  assertEquals(Math.abs(both.length - 500) < 60, true, String(both.length));
});

Deno.test("fail() sends to the raw listener what no HTTP server can do", () => {
  for (const [fault, path] of [["reset", "/cut"], ["stall-headers", "/stall"]] as const) {
    const { status, headers } = fail(fault, context);
    assertEquals([status, headers.get("location")], [307, `http://127.0.0.1:2${path}`]);
  }
});

Deno.test("fail() tells the seconds to wait with a 429", () => {
  const { status, headers } = fail("retry-after", { ...context, retryAfterSeconds: 9 });
  assertEquals([status, headers.get("retry-after")], [429, "9"]);
});

Deno.test("fail() promises more than half a page, and sends half", async () => {
  const response = fail("truncated", context);
  assertEquals(response.headers.get("content-length"), "100");
  assertEquals((await response.bytes()).length, 50);
});

Deno.test("fail() sends half a page and then nothing for a stalled body", async () => {
  const reader = fail("stall-body", context).body!.getReader();
  assertEquals((await reader.read()).value?.length, 50);
  let more = false;
  reader.read().then(({ done }) => more = !done);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(more, false);
  await reader.cancel();
});

Deno.test("fail() drips a page one byte at a time, and leaves no timer when it is left", async () => {
  const reader = fail("drip", context).body!.getReader();
  assertEquals((await reader.read()).value?.length, 1);
  await reader.cancel();
});

Deno.test("chance() is from 0 up to but without 1, and the same each time", () => {
  fc.assert(fc.property(fc.integer(), fc.string(), (seed, name) => {
    const drawn = chance(seed, name);
    assertEquals(drawn >= 0 && drawn < 1, true);
    assertEquals(chance(seed, name), drawn);
  }));
});

Deno.test("chance() is spread evenly over addresses that differ in one digit", () => {
  const tenths = Array<number>(10).fill(0);
  for (let copy = 0; copy < 10_000; copy++) {
    tenths[Math.floor(10 * chance(7, `/page/1?copy=${copy}`))]!++;
  }
  // Binomial: 1,000 are expected, with a standard deviation of 30; the seed fixes the numbers.
  assertEquals(tenths.every((count) => Math.abs(count - 1_000) < 150), true, tenths.join());
});
