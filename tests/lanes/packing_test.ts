import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { pack } from "../../lib/lanes/packing.ts";

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
  assertEquals(pack([undefined, 0]), [undefined, 0]);
});
