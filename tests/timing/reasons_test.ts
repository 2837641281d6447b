import { assertEquals } from "@std/assert";
import type { Outcome } from "../../lib/dispatch/outcome.ts";
import { failuresOf, sumOfFailures } from "../../lib/timing/reasons.ts";

const TIMES = { lane: 0, attempts: 1, queuedAtMs: 0, startedAtMs: 0, endedAtMs: 1 };

function failed(index: number, reason: unknown): Outcome<unknown> {
  return { status: "rejected", index, reason, ended: "failed", ...TIMES };
}

Deno.test("failuresOf() counts reasons and keeps the first item's message of each", () => {
  const refused = (page: number) =>
    Object.assign(new Error(`refused: GET http://a/${page}: nobody listens`), { code: "refused" });
  const outcomes = [
    failed(7, refused(7)),
    failed(3, refused(3)),
    failed(5, new RangeError("too large")),
    { status: "fulfilled", index: 0, value: 1, ...TIMES } as const,
  ];
  assertEquals(failuresOf(outcomes), {
    reasons: { refused: 2, RangeError: 1 },
    examples: {
      refused: "item 3, GET http://a/3: nobody listens",
      RangeError: "item 5, too large",
    },
  });
});

Deno.test("failuresOf() takes whatever is thrown", () => {
  const odd = {
    toString() {
      throw new Error("trap");
    },
  };
  const { reasons, examples } = failuresOf([
    failed(0, "text"),
    failed(1, undefined),
    failed(2, odd),
    failed(3, Object.assign(new Error("x"), { code: "__proto__" })),
  ]);
  assertEquals(Object.entries(reasons), [["text", 1], ["failed", 2], ["__proto__", 1]]);
  assertEquals(Object.entries(examples), [
    ["text", "item 0"],
    ["failed", "item 1, undefined"],
    ["__proto__", "item 3, x"],
  ]);
});

Deno.test("failuresOf() keeps to few reasons and short examples, however many differ", () => {
  const outcomes = Array.from({ length: 10_000 }, (_, i) => failed(i, `no luck with ${i}`));
  const { reasons } = failuresOf(outcomes);
  assertEquals(Object.keys(reasons).length, 21);
  assertEquals(reasons["other reasons"], 10_000 - 20);
  const { examples } = failuresOf([failed(0, new Error("x".repeat(1e6)))]);
  assertEquals(examples.Error!.length < 400, true);
});

Deno.test("sumOfFailures() adds rounds up and keeps the first example", () => {
  assertEquals(
    sumOfFailures([
      { reasons: { a: 1 }, examples: { a: "item 0" } },
      {},
      { reasons: { a: 2, b: 1 }, examples: { a: "item 4", b: "item 1" } },
    ]),
    { reasons: { a: 3, b: 1 }, examples: { a: "item 0", b: "item 1" } },
  );
});
