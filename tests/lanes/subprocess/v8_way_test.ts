import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import * as v8 from "node:v8";
import { serializerOf, wayThrough } from "../../../lib/lanes/subprocess/v8_way.ts";

const serializer = serializerOf(v8);
const { clone } = wayThrough(serializer);

Deno.test("whatever structured cloning copies, the serializer copies alike (seed 1)", () => {
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
      assertEquals(clone(value), structuredClone(value));
    }),
    { seed: 1 },
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
  const back = clone({ text: "odd", views }) as { views: ArrayBufferView[] };
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

Deno.test("what a serializer can't take it refuses, and nothing of shared memory is shared", () => {
  assertThrows(() => clone(() => 1), Error, "could not be cloned");
  const { sharesMemory, sendsWholeBuffers } = wayThrough(serializer);
  assertEquals([sharesMemory, sendsWholeBuffers], [false, false]);
});

Deno.test("a Buffer arrives as the bytes that it shows, and keeps no others", () => {
  const buffer = Buffer.alloc(8, 7).subarray(2, 5);
  const back = clone([buffer, "beside"]) as [Uint8Array, string];
  assertEquals([back[0].constructor, [...back[0]], back[0].buffer.byteLength], [
    Uint8Array,
    [7, 7, 7],
    3,
  ]);
});
