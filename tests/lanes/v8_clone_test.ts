import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import * as v8 from "node:v8";
import { cloneThrough, serializerOf } from "../../lib/lanes/v8_clone.ts";

const serializer = serializerOf(v8);

Deno.test("whatever structured cloning copies, the serializer copies alike", () => {
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withSparseArray: true,
  });
  fc.assert(
    fc.property(anything, (value) => {
      assertEquals(cloneThrough(serializer, value), structuredClone(value));
    }),
  );
});

Deno.test("an array's buffer holds its own bytes and no others, however it lies in what was sent", () => {
  const whole = Uint8Array.from({ length: 32 }, (_, at) => at).buffer;
  const views = [
    new Uint8Array(whole, 3, 5),
    new Float64Array(whole, 8, 2),
    new Uint16Array(whole, 2, 3),
    new BigInt64Array(whole, 16, 1),
    new DataView(whole, 1, 2),
  ];
  const back = cloneThrough(serializer, { text: "odd", views }) as { views: ArrayBufferView[] };
  for (const [at, view] of back.views.entries()) {
    const { constructor, byteOffset, byteLength } = views[at]!;
    assertEquals(view.constructor, constructor);
    assertEquals([view.byteOffset, view.buffer.byteLength], [0, byteLength]);
    assertEquals(
      new Uint8Array(view.buffer as ArrayBuffer),
      new Uint8Array(whole, byteOffset, byteLength),
    );
  }
});

Deno.test("values don't look into the bytes that they were read from", () => {
  const bytes = serializer.serialize([Uint8Array.of(1, 2, 3)]);
  const [array] = serializer.deserialize(bytes) as [Uint8Array];
  bytes.fill(0);
  assertEquals([...array], [1, 2, 3]);
  assert(array.buffer !== bytes.buffer);
});
