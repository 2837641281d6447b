import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { areFewAndPlain, pack } from "../../../lib/lanes/remote/pack.ts";

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
