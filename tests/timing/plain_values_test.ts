import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { lostInJson } from "../../lib/timing/plain_values.ts";

Deno.test("lostInJson() finds nothing exactly when JSON gives an equal value back", () => {
  fc.assert(
    fc.property(fc.anything({ withBigInt: true, withMap: true, withDate: true }), (value) => {
      if (lostInJson(value, "x") !== undefined) return;
      assertEquals(JSON.parse(JSON.stringify(value)), withoutAbsent(value));
    }),
  );
});

function withoutAbsent(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutAbsent);
  if (typeof value !== "object" || value === null) return value;
  const held = Object.entries(value).filter(([, of]) => of !== undefined);
  return Object.fromEntries(held.map(([key, of]) => [key, withoutAbsent(of)]));
}

Deno.test("lostInJson() says where and what is lost", () => {
  const cases: [unknown, string][] = [
    [[1, { a: 2n }], "items[1].a is a bigint"],
    [[NaN], "items[0] is NaN"],
    [[-0], "items[0] is -0"],
    [[new Map()], "items[0] is a Map"],
    [[undefined], "items[0] is a undefined"],
    [[new Uint8Array(1)], "items[0] is a Uint8Array"],
  ];
  for (const [value, expected] of cases) assertEquals(lostInJson(value, "items"), expected);
});
