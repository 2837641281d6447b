import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { TransferMeter } from "../../../lib/advice/probe/transfer_meter.ts";

class Point {
  constructor(readonly x: number) {}
  double(): number {
    return 2 * this.x;
  }
}
class Table extends Map<string, number> {}
class Row extends Array<number> {}

async function costOf(items: readonly unknown[], result: unknown = 1) {
  const meter = new TransferMeter();
  for (const [index, item] of items.entries()) await meter.look(item, result, index);
  return meter.cost();
}

Deno.test("TransferMeter names an item that arrives without its class, wherever in it that is", async () => {
  const point = new Point(1);
  for (
    const [item, what] of [
      [point, "it is a Point, which would arrive without its class"],
      [{ at: [0, point] }, ".at[1] is a Point, which would arrive without its class"],
      [new Map([["a", point]]), `.get("a") is a Point, which would arrive without its class`],
      [new Map([[point, 1]]), ".keys() is a Point, which would arrive without its class"],
      [new Set([1, point]), ".values() is a Point, which would arrive without its class"],
      [new Table(), "it is a Table, which would arrive without its class"],
      [Row.from([1]), "it is a Row, which would arrive without its class"],
      [Buffer.from("ab"), "it is a Buffer, which would arrive as Uint8Array"],
    ] as const
  ) assertEquals((await costOf([1, item])).classLost, `item 1: ${what}`);
});

Deno.test("TransferMeter finds nothing lost of what the platform sends whole, and of results apart from items", async () => {
  const bare = Object.assign(Object.create(null), { a: 1 });
  const ring: Record<string, unknown> = { bare };
  ring.self = ring;
  const error = Object.assign(new TypeError("no"), { at: { x: 1 }, code: "E" });
  const whole = [
    1,
    "a",
    null,
    undefined,
    [1, { a: new Date() }],
    new Map([[{}, /a/]]),
    ring,
    error,
  ];
  const bytes = [new Uint8Array(2), new Float32Array(2).subarray(1), new ArrayBuffer(1), 1n];
  assertEquals((await costOf([...whole, ...bytes])).classLost, undefined);
  const given = await costOf([1], new Point(1));
  assertEquals([given.classLost, given.resultLost?.slice(0, 10)], [undefined, "result 0: "]);
  assertEquals((await costOf([1], { x: 1 })).resultLost, undefined);
});

Deno.test("TransferMeter counts no bytes of memory that is shared", async () => {
  const shared = new Uint8Array(new SharedArrayBuffer(100_000));
  const item = (bits: Uint8Array) => ({ bits, again: [bits], primes: [2, 3] });
  const { itemBytes } = await costOf([item(shared)]);
  assert(itemBytes > 0 && itemBytes < 200, `${itemBytes}`);
  assert((await costOf([item(new Uint8Array(100_000))])).itemBytes > 100_000);
});

Deno.test("TransferMeter tells what threads can be sent, but not other processes", async () => {
  for (
    const [item, what] of [
      [{ page: new Blob(["a"]) }, ".page is a Blob, which would arrive empty"],
      [new SharedArrayBuffer(8), "it is shared memory"],
    ] as const
  ) {
    const cost = await costOf([1, item]);
    assertEquals(cost.unserializable?.slice(0, 8 + what.length), `item 1: ${what}`);
    assertEquals(cost.uncloneable, undefined);
  }
  const bytes = new Uint8Array(8);
  assertEquals((await costOf([1, "a", bytes, [new Date()], new Map()])).unserializable, undefined);
});

Deno.test("TransferMeter names a key that stays behind", async () => {
  const lost = async (value: unknown) => (await costOf([value])).classLost;
  const weight = Symbol("weight");
  assertEquals(
    await lost({ all: [{ k: 1, [weight]: 2 }] }),
    "item 0: .all[0] has the key Symbol(weight), which would not arrive",
  );
  const hidden = Object.defineProperty({ k: 1 }, "hidden", { value: 2 });
  assertEquals((await lost(hidden))?.includes("hidden, which isn't enumerable"), true);
  assertEquals((await lost(Object.assign([1], { [weight]: 1 })))?.includes("Symbol(weight)"), true);
  const all = [{ k: 1 }, new Map([[1, { a: 1 }]]), new Set([1]), new Date(0), /a/, new Error("x")];
  for (const plain of [...all, new Uint8Array(3), new ArrayBuffer(2), Object(1), [1, , 2]]) {
    assertEquals(await lost(plain), undefined, String(plain));
  }
  assertEquals(await lost(Object.freeze({ a: 1 })), undefined, "a task hardly minds that");
});

Deno.test("TransferMeter copies of a view what it shows, not the buffer behind it", async () => {
  const { structuredClone: clone } = globalThis;
  const copied: number[] = [];
  const look = (value: unknown): void => {
    if (ArrayBuffer.isView(value)) copied.push(value.buffer.byteLength);
    else if (typeof value === "object" && value !== null) Object.values(value).forEach(look);
  };
  const buffer = new ArrayBuffer(1 << 20);
  try {
    globalThis.structuredClone = (value) => {
      look(value);
      return clone(value);
    };
    await costOf([new Uint8Array(buffer, 5, 100), new Uint8Array(buffer, 5, 50_000)]);
    await costOf([new Uint8Array(buffer, 5, 100)]);
  } finally {
    globalThis.structuredClone = clone;
  }
  assertEquals([copied.includes(100), Math.max(...copied)], [true, 50_000]);
});
