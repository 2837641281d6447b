import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { deserialize, serialize } from "node:v8";
import {
  decodeJson,
  decodeValues,
  encodeFrame,
  encodeJsonFrame,
  encodePlain,
  Encoding,
  type Frame,
  FrameKind,
  GarbageError,
} from "../../lib/lanes/frame.ts";
import { FrameDecoder } from "../../lib/lanes/frame_decoder.ts";

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function decoded(pieces: Iterable<Uint8Array>): Frame[] {
  const decoder = new FrameDecoder();
  const frames: Frame[] = [];
  for (const piece of pieces) decoder.push(piece, (frame) => frames.push(frame));
  return frames;
}

const frame = fc.record({
  kind: fc.integer({ min: 1, max: 21 }),
  encoding: fc.integer({ min: 0, max: 4 }),
  head: fc.array(fc.double(), { maxLength: 6 }),
  body: fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 3 }),
});

Deno.test("frames come out as they went in, however their bytes are split", () => {
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 5 }),
      fc.array(fc.nat({ max: 50 })),
      (frames, cuts) => {
        const bytes = joined(
          frames.flatMap(({ kind, head, encoding, body }) =>
            encodeFrame(kind, head, encoding, body)
          ),
        );
        const pieces: Uint8Array[] = [];
        let at = 0;
        for (const cut of cuts) pieces.push(bytes.subarray(at, at += cut));
        pieces.push(bytes.subarray(at));
        assertEquals(
          decoded(pieces).map((
            { kind, encoding, head, body },
          ) => [kind, encoding, [...head], body]),
          frames.map(({ kind, encoding, head, body }) => [kind, encoding, head, joined(body)]),
        );
      },
    ),
  );
});

Deno.test("frames come out whole when they arrive byte by byte", () => {
  const bytes = joined([
    ...encodeFrame(FrameKind.ready, [1.5]),
    ...encodeJsonFrame(FrameKind.dying, { how: "so" }),
  ]);
  const frames = decoded([...bytes].map((byte) => Uint8Array.of(byte)));
  assertEquals([...frames[0]!.head], [1.5]);
  assertEquals(decodeJson(frames[1]!), { how: "so" });
});

Deno.test("bytes that are no frame are refused, and shown", () => {
  const error = assertThrows(
    () => decoded([new TextEncoder().encode("hello")]),
    GarbageError,
  );
  assert(error.message.includes('"hello"'), error.message);
  const good = joined(encodeFrame(FrameKind.ready, [1]));
  assertThrows(() => decoded([good, new TextEncoder().encode("\x1b[2J")]), GarbageError);
});

Deno.test("garbage is found whatever it is, unless it begins like a frame", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), (bytes) => {
      const magic = joined(encodeFrame(1, [])).subarray(0, 4);
      fc.pre(bytes.some((byte, at) => at < 4 && byte !== magic[at]));
      assertThrows(() => decoded([bytes]), GarbageError);
    }),
  );
});

const values = fc.oneof(
  fc.array(fc.double(), { minLength: 1, maxLength: 20 }),
  fc.array(fc.constant(undefined), { minLength: 1, maxLength: 20 }),
  fc.array(fc.uint8Array({ maxLength: 20 }), { minLength: 1, maxLength: 8 }),
  fc.array(
    fc.oneof(fc.double(), fc.string(), fc.constant(null), fc.constant(undefined), fc.uint8Array()),
    { minLength: 1, maxLength: 12 },
  ),
);

Deno.test("values come out as they went in, plain or serialized", () => {
  fc.assert(
    fc.property(values, (values) => {
      const plain = encodePlain(values);
      const { encoding, body } = plain ??
        { encoding: Encoding.v8, body: [new Uint8Array(serialize(values))] };
      const [frame] = decoded([joined(encodeFrame(FrameKind.chunk, [], encoding, body))]);
      const back = decodeValues(frame!, values.length, { serialize, deserialize });
      assertEquals(
        back === undefined ? values.map(() => undefined) : Array.from(back).map(plainArray),
        values.map(plainArray),
      );
    }),
  );
});

/** Buffers and arrays of bytes are alike here. */
function plainArray(value: unknown): unknown {
  return value instanceof Uint8Array ? [...value] : value;
}

Deno.test("several arrays of bytes don't keep each other's memory", () => {
  const { encoding, body } = encodePlain([new Uint8Array(4), new Uint8Array(8)])!;
  const [frame] = decoded([joined(encodeFrame(FrameKind.chunk, [], encoding, body))]);
  const arrays = decodeValues(frame!, 2, undefined) as unknown as Uint8Array[];
  assertEquals(arrays.map(({ buffer }) => buffer.byteLength), [4, 8]);
});

Deno.test("an array of bytes that travels alone has nothing but itself behind its buffer", () => {
  const { encoding, body } = encodePlain([Uint8Array.of(0, 1, 2, 3, 4).subarray(2)])!;
  const [frame] = decoded([joined(encodeFrame(FrameKind.chunk, [], encoding, body))]);
  const [array] = decodeValues(frame!, 1, undefined) as unknown as [Uint8Array];
  assertEquals([[...array], array.byteOffset, array.buffer.byteLength], [[2, 3, 4], 0, 3]);
});
