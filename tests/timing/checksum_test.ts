import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import fc from "../properties.ts";
import type { Outcome } from "../../lib/dispatch/output.ts";
import { checksumOf } from "../../lib/timing/checksum.ts";

const at = { item: undefined, lane: 0, attempts: 1, queuedAtMs: 0, startedAtMs: 0, endedAtMs: 1 };

function fulfilled(value: unknown, index = 0): Outcome<unknown> {
  return { ...at, status: "fulfilled", index, value };
}

function rejected(ended: "failed" | "timed-out", message: string): Outcome<unknown> {
  return { ...at, status: "rejected", index: 0, ended, reason: new Error(message) };
}

const of = (value: unknown) => checksumOf([fulfilled(value)]);

Deno.test("checksumOf() tells all these values apart", async () => {
  const shared = new Uint8Array([1, 2]);
  const loop: unknown[] = [];
  loop.push(loop);
  // deno-lint-ignore no-sparse-arrays
  const hole = [,];
  const values = [
    0,
    -0,
    1,
    NaN,
    Infinity,
    "1",
    1n,
    true,
    null,
    undefined,
    "",
    [],
    {},
    [1, 2],
    [[1], 2],
    "1,2",
    { a: undefined },
    { a: 1 },
    { a: "1" },
    { b: 1 },
    [undefined],
    hole,
    loop,
    new Map(),
    new Set(),
    new Map([["a", 1]]),
    new Set(["a"]),
    new Set([1]),
    new Date(0),
    new Date(1),
    /a/g,
    /a/,
    shared,
    new Uint8Array([2, 1]),
    new Int8Array([1, 2]),
    new Uint16Array([513]),
    shared.buffer,
    new Error("a"),
    new RangeError("a"),
    new Error("b"),
    ["ab", "c"],
    ["a", "bc"],
    Symbol("a"),
    Object(1),
    Object(2),
    Object(true),
    Object(1n),
    new Float64Array([NaN, 0]),
    new Float64Array([NaN, -0]),
    new Float32Array([NaN, 0]),
    new SharedArrayBuffer(1),
    new SharedArrayBuffer(2),
    new Uint8Array(new SharedArrayBuffer(1)),
    new Uint8Array(new SharedArrayBuffer(2)),
  ]; // deno-fmt-ignore
  const sums = await Promise.all(values.map(of));
  assertEquals(new Set(sums).size, values.length);
});

Deno.test("checksumOf() doesn't mind the order of keys, of entries, or of outcomes", async () => {
  assertEquals(await of({ a: 1, b: [2] }), await of({ b: [2], a: 1 }));
  assertEquals(
    await of(new Map([[{ x: 1 }, "y"], [{ x: 2 }, "z"]])),
    await of(new Map([[{ x: 2 }, "z"], [{ x: 1 }, "y"]])),
  );
  assertEquals(await of(new Set([1, 2])), await of(new Set([2, 1])));
  const [first, second] = [fulfilled("a", 0), fulfilled("b", 1)];
  assertEquals(await checksumOf([first, second]), await checksumOf([second, first]));
});

Deno.test("checksumOf() takes a Buffer for the bytes that it arrives as from another lane", async () => {
  assertEquals(await of(Buffer.from([1, 2])), await of(structuredClone(Buffer.from([1, 2]))));
});

Deno.test("checksumOf() takes all NaNs for equal, whatever their bits", async () => {
  const bits = [0x7ff8000000000000n, 0xfff8000000000000n];
  const [plus, minus] = bits.map((of) => new Float64Array(new BigUint64Array([of]).buffer));
  assertEquals(await of(plus), await of(minus));
});

Deno.test("checksumOf() tells values apart whose text would be longer than a string can be", async () => {
  // Written as often as it occurs, each part would be doubled thirty times.
  const doubled = (end: number) => {
    let value: unknown = [end, "x".repeat(100)];
    for (let times = 0; times < 30; times++) value = [value, value];
    return value;
  };
  assertEquals(await of(doubled(1)), await of(structuredClone(doubled(1))));
  assertNotEquals(await of(doubled(1)), await of(doubled(2)));
});

Deno.test("checksumOf() writes a part without what is around it alike, wherever it occurs", async () => {
  const held = { a: "x".repeat(100) };
  assertEquals(
    await of([held, held, { held }]),
    await of(JSON.parse(JSON.stringify([held, held, { held }]))),
  );
  const tree = (name: string) => {
    const root: Record<string, unknown> = { name: name.repeat(100) };
    root.children = [{ root, held }, { root, held }];
    return root;
  };
  assertEquals(await of(tree("a")), await of(tree("a")));
  assertNotEquals(await of(tree("a")), await of(tree("b")));
});

Deno.test("checksumOf() minds which item a result belongs to", async () => {
  assertNotEquals(
    await checksumOf([fulfilled("a", 0), fulfilled("b", 1)]),
    await checksumOf([fulfilled("b", 0), fulfilled("a", 1)]),
  );
});

Deno.test("checksumOf() counts how an item ended, and not its message", async () => {
  const refused = await checksumOf([rejected("failed", "refused on port 1")]);
  assertEquals(refused, await checksumOf([rejected("failed", "refused on port 2")]));
  assertNotEquals(refused, await checksumOf([rejected("timed-out", "refused on port 1")]));
});

Deno.test("checksumOf() compares what comparable() makes of a result", async () => {
  const length = (value: unknown) => String(value).length;
  assertEquals(
    await checksumOf([fulfilled("ab")], length),
    await checksumOf([fulfilled("cd")], length),
  );
});

Deno.test("checksumOf() gives a clone the checksum of its original", async () => {
  await fc.assert(fc.asyncProperty(
    fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
    }),
    async (value) => assertEquals(await of(value), await of(structuredClone(value))),
  ));
});

Deno.test("checksumOf() takes values that can't be read for alike, and for others than those that can", async () => {
  const getter = {
    get x(): never {
      throw new Error("no x");
    },
  };
  const proxy = new Proxy({}, {
    ownKeys() {
      throw new Error("no keys");
    },
  });
  assertEquals(await of(getter), await of(proxy));
  assert(await of(getter) !== await of({}));
});
