import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Chunk, Report } from "../../lib/lanes/lane.ts";
import { cloneError, uncloneableReport, withoutUncloneable } from "../../lib/lanes/uncloneable.ts";

function says(value: unknown, wanted: string): void {
  assertStringIncludes(cloneError("item 3", value, new Error("platform")).message, wanted);
}

Deno.test("cloneError() names the offending key", () => {
  says(() => 1, "it is a function");
  says({ a: { b: [1, Symbol("s")] } }, ".a.b[1] is a symbol");
  says(new Map([["k", { f() {} }]]), '.get("k").f is a function');
  says(new Set([Promise.resolve()]), ".values() is a Promise");
  says({ answer: { head: new Headers() } }, ".answer.head is a Headers");
  says({ ok: new Uint8Array(1 << 20), bad: new WeakMap() }, ".bad is a WeakMap");
});

Deno.test("cloneError() ends with cyclic values and proxies that throw", () => {
  const ring: Record<string, unknown> = { f() {} };
  ring.self = ring;
  says(ring, ".f is a function");
  const hostile = new Proxy({}, {
    get() {
      throw new Error("no");
    },
  });
  cloneError("item 3", { hostile }, new Error("platform"));
});

Deno.test("cloneError() tells what a getter throws, and never throws it", () => {
  const value = {
    get page() {
      throw new Error("not loaded");
    },
  };
  says(value, "platform");
  const report = { count: 1, values: [value], then: "end" } as unknown as Report;
  const { failures } = withoutUncloneable(3, report, structuredClone);
  assertStringIncludes((failures![0]!.reason as Error).message, "not loaded");
});

const chunk = { firstIndex: 10, items: ["a", "b", Symbol("c"), "d"] } as unknown as Chunk;

Deno.test("an uncloneable item sends those before it back, and fails when it stands first", () => {
  const back = uncloneableReport(chunk, new Error("x"), structuredClone);
  assertEquals([back.count, back.sendable, back.failures], [0, 2, undefined]);
  const first = { ...chunk, items: chunk.items.slice(2) };
  const failed = uncloneableReport(first, new Error("x"), structuredClone);
  assertEquals([failed.count, failed.failures?.map(({ offset }) => offset)], [1, [0]]);
});

Deno.test("uncloneable results become failures in the items' order, among those that failed", () => {
  const report: Report = {
    count: 4,
    values: [Symbol("a"), undefined, () => 1, 4],
    failures: [{ offset: 1, ended: "failed", reason: "own" }],
    startedAtMs: 0,
    endedAtMs: 0,
    times: undefined,
    then: "end",
  };
  const mended = withoutUncloneable(chunk.firstIndex, report, structuredClone);
  assertEquals(mended.failures?.map(({ offset }) => offset), [0, 1, 2]);
  assertEquals(mended.values, [undefined, undefined, undefined, 4]);
});
