import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import fc from "../../properties.ts";
import type { ItemFailure } from "../../../lib/lanes/lane.ts";
import { type Cloning, inspect } from "../../../lib/lanes/remote/clone.ts";
import {
  areFewAndPlain,
  decode,
  encode,
  encodeAtOnce,
  pack,
  type Payload,
} from "../../../lib/lanes/remote/channel.ts";
import { bothWays, toThread } from "./ways.ts";

/** Encoded values as they arrive. */
function arrived(payload: Payload, cloning: Cloning) {
  return decode(cloning.clone(payload) as Payload);
}

function across(values: readonly unknown[], cloning: Cloning, failures?: readonly ItemFailure[]) {
  const { special } = inspect(values, cloning);
  return arrived(encode(values, failures, special, cloning), cloning);
}

Deno.test("what is seen at once to be sendable needs no looking into", () => {
  assertEquals(encodeAtOnce([]), undefined);
  assertEquals(encodeAtOnce([undefined, undefined]), undefined);
  assertEquals(encodeAtOnce([1, true, null]), [1, true, null]);
  const numbers = Array.from({ length: 9 }, (_, at) => at);
  assertEquals(encodeAtOnce(numbers), Float64Array.from(numbers));
  const others = [["a"], [{}], [() => 1], [1, undefined], [...numbers, "a"]];
  assertEquals(others.map(encodeAtOnce), others.map(() => null));
});

for (const [name, cloning] of bothWays()) {
  Deno.test(`whatever values are, they arrive ${name} in their order (seed 1)`, () => {
    const anything = fc.anything({ withBigInt: true, withDate: true, withMap: true });
    fc.assert(
      fc.property(
        fc.array(fc.oneof(anything, fc.double(), fc.string().map((text) => new Error(text)))),
        (values) => {
          fc.pre(values.every((value) => !inspect([value], cloning).refused));
          const { values: back, failures } = across(values, cloning);
          assertEquals(failures, undefined);
          const wanted = values.map((value) => cloning.clone(value));
          // If every value is undefined, the list is undefined too.
          assertEquals(
            back === undefined ? new Array(values.length).fill(undefined) : [...toArray(back)],
            wanted,
          );
        },
      ),
      { seed: 1 },
    );
  });

  Deno.test(`failures arrive ${name} with their values' places and what is the errors' own`, () => {
    const failures: ItemFailure[] = [
      { offset: 1, ended: "failed", reason: Object.assign(new RangeError("no"), { code: "E" }) },
      { offset: 2, ended: "timed-out", reason: "thrown as text" },
    ];
    const { values, failures: back } = across(["a", undefined, undefined, "d"], cloning, failures);
    assertEquals(values, ["a", undefined, undefined, "d"]);
    assertEquals(back!.map(({ offset, ended }) => [offset, ended]), [
      [1, "failed"],
      [2, "timed-out"],
    ]);
    const [first, second] = back!.map(({ reason }) => reason);
    assertInstanceOf(first, RangeError);
    assertEquals([(first as Error & { code: string }).code, second], ["E", "thrown as text"]);
  });

  Deno.test(`errors among values and failures arrive together ${name}`, () => {
    const failures: ItemFailure[] = [{ offset: 1, ended: "failed", reason: new Error("failed") }];
    const { values, failures: back } = across([new Error("value"), undefined], cloning, failures);
    assertInstanceOf(values![0], Error);
    assertEquals((values![0] as Error).message, "value");
    assertEquals((back![0]!.reason as Error).message, "failed");
  });
}

function toArray(values: ArrayLike<unknown>): unknown[] {
  return Array.from(values);
}

Deno.test("a value that looks like a sealed one is a value like any other", () => {
  const values = [{ "~errors": "x", values: [1], envelopes: [] }, { values: 1, failures: 2 }];
  assertEquals(across(values, toThread()).values, values);
  const failures: ItemFailure[] = [{ offset: 1, ended: "failed", reason: "no" }];
  assertEquals(across(values, toThread(), failures).values, values);
});

Deno.test("many numbers travel as one buffer, also beside an item that isn't there", () => {
  const numbers = Array.from({ length: 9 }, (_, at) => at / 2);
  assertInstanceOf(encode(numbers, undefined, false, toThread()), Float64Array);
  const failures: ItemFailure[] = [{ offset: 9, ended: "failed", reason: 1 }];
  const { values } = arrived(
    encode([...numbers, undefined], failures, false, toThread()),
    toThread(),
  );
  assertEquals(values, [...numbers, undefined]);
});

Deno.test("values that are no list are sent as one", () => {
  const { values } = arrived(
    encode({ length: 2, 0: "a", 1: new Error("b") }, undefined, true, toThread()),
    toThread(),
  );
  assert(Array.isArray(values) && values[0] === "a" && values[1] instanceof Error);
});

Deno.test("packing loses nothing: −0, NaN, holes and mixed values", () => {
  const value = fc.oneof(fc.double(), fc.constant(undefined), fc.string(), fc.constant(null));
  fc.assert(
    fc.property(fc.oneof(fc.array(fc.double()), fc.array(value)), (values) => {
      const packed = pack(values);
      const back = packed === undefined ? values.map(() => undefined) : Array.from(packed);
      assert(back.every((one, at) => Object.is(one, values[at])) && back.length === values.length);
    }),
  );
});

Deno.test("many numbers travel as one buffer, nothing as nothing", () => {
  assert(pack([1, 2, 3, 4, 5, 6, 7, 8]) instanceof Float64Array);
  assertEquals(pack([1, 2]), [1, 2]);
  assertEquals(pack([undefined, undefined]), undefined);
  assertEquals(pack(new Array(9)), undefined);
  assertEquals(pack([undefined, 0]), [undefined, 0]);
});

Deno.test("a list of numbers that has something else in it stays a list", () => {
  for (const odd of [7n, "7", undefined, null]) {
    assertEquals(pack([1, 2, 3, 4, 5, 6, 7, odd]), [1, 2, 3, 4, 5, 6, 7, odd]);
  }
});

Deno.test("numbers that are packed are a copy, so that their buffer may move away", () => {
  const values = Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  const packed = pack(values) as Float64Array;
  assertEquals(packed, values);
  assert(packed.buffer !== values.buffer);
});

Deno.test("few numbers, booleans and nulls need no looking into; all else does", () => {
  assertEquals([[], [1, true, null], [1, 2, 3, 4, 5, 6, 7]].map(areFewAndPlain), [
    true,
    true,
    true,
  ]);
  const others = [["a"], [undefined], [1n], [{}], [Symbol("s")], [() => 1], new Array(8).fill(1)];
  assertEquals(others.map(areFewAndPlain), others.map(() => false));
});
