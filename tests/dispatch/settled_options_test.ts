import { assert, assertEquals, assertThrows } from "@std/assert";
import type { MapOptions } from "../../lib/dispatch/options.ts";
import type { Rejected } from "../../lib/dispatch/outcome.ts";
import { settleOptions } from "../../lib/dispatch/settled_options.ts";

Deno.test("settleOptions() fills in every default", () => {
  const { retries, ...rest } = settleOptions();
  assertEquals(rest, {
    order: "input",
    signal: undefined,
    timeoutMs: Infinity,
    chunk: "auto",
    buffer: "auto",
    transfer: false,
    onProgress: undefined,
  });
  assertEquals([retries.limit, retries.baseMs, retries.maxMs, retries.jitter], [
    0,
    100,
    30_000,
    true,
  ]);
});

Deno.test("settleOptions() refuses what is out of range, naming the option and its value", () => {
  const bad: [MapOptions, string][] = [
    [{ timeoutMs: 0 }, "timeoutMs"],
    [{ timeoutMs: NaN }, "timeoutMs"],
    [{ retries: -1 }, "retries"],
    [{ retries: 1.5 }, "retries"],
    [{ retries: { limit: 1, baseMs: -1 } }, "retries.baseMs"],
    [{ retries: { limit: 1, maxMs: NaN } }, "retries.maxMs"],
    [{ chunk: 0 }, "chunk"],
    [{ chunk: 1.5 }, "chunk"],
    [{ buffer: -1 }, "buffer"],
    [{ order: "random" as "input" }, "order"],
    // What only JavaScript lets pass:
    [{ timeoutMs: "5" as never }, "timeoutMs"],
    [{ retries: "2" as never }, "retries"],
    [{ retries: { limit: 1, retryIf: true as never } }, "retries.retryIf"],
    [{ signal: new AbortController() as never }, "signal"],
    [{ onProgress: Symbol("p") as never }, "onProgress"],
  ];
  for (const [options, name] of bad) {
    const { message } = assertThrows(() => settleOptions(options), RangeError, `${name} must be`);
    assert(message.startsWith("Cannot map:") && /, but is \S+/.test(message), message);
  }
});

Deno.test("by default failed, timed-out and crashed may be tried again, if they allow it", () => {
  const { retryIf } = settleOptions().retries;
  const ended = (ended: Rejected["ended"], reason: unknown = new Error()) =>
    retryIf({ ended, reason } as Rejected);
  assertEquals(
    (["failed", "timed-out", "crashed", "cancelled", "abandoned"] as const).map((how) =>
      ended(how)
    ),
    [true, true, true, false, false],
  );
  assertEquals(ended("failed", { retryable: false }), false);
  const hostile = {
    get retryable() {
      throw new Error("no");
    },
  };
  assertEquals(ended("failed", hostile), true);
  assertEquals([undefined, null, "x", 3].map((reason) => ended("failed", reason)), [
    true,
    true,
    true,
    true,
  ]);
});
