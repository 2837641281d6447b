import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import * as v8 from "node:v8";
import {
  decodePayload,
  encodeFrame,
  type Frame,
  FrameDecoder,
  GarbageError,
  type Serializer,
  serializerOf,
  wayThrough,
} from "../../../lib/lanes/subprocess/frame.ts";

const serializer = serializerOf(v8);
/** For payloads that need none. */
const none: Serializer = {
  serialize() {
    throw new Error("not needed");
  },
  deserialize() {
    throw new Error("not needed");
  },
};

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

/** What arrives of a payload that holds so many values. */
function across(payload: unknown, count: number, way = serializer): unknown {
  const [frame] = decoded([joined(encodeFrame(2, [], payload, way))]);
  return decodePayload(frame!, count, way);
}

/** A body whose bytes tell their places. */
function bodyOf(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, at) => at * 7 + (at >> 8));
}

/** A frame whose body is just these bytes. */
function frameOf(kind: number, head: readonly number[], body: Uint8Array): Uint8Array[] {
  return encodeFrame(kind, head, [body], none);
}

const frame = fc.record({
  kind: fc.integer({ min: 1, max: 255 }),
  head: fc.array(fc.double(), { maxLength: 6 }),
  body: fc.uint8Array({ maxLength: 100 }),
});

Deno.test("frames come out as they went in, however their bytes are split (seed 1)", () => {
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 5 }),
      fc.array(fc.nat({ max: 50 })),
      (frames, cuts) => {
        const bytes = joined(frames.flatMap(({ kind, head, body }) => frameOf(kind, head, body)));
        const pieces: Uint8Array[] = [];
        let at = 0;
        for (const cut of cuts) pieces.push(bytes.subarray(at, at += cut));
        pieces.push(bytes.subarray(at));
        assertEquals(
          decoded(pieces).map(({ kind, head, body }) => [kind, [...head], body]),
          frames.map(({ kind, head, body }) => [kind, head, body]),
        );
      },
    ),
    { seed: 1 },
  );
});

Deno.test("frames come out whole when they arrive byte by byte, and not before their last byte", () => {
  const first = joined(encodeFrame(16, [1.5], undefined));
  const second = joined(encodeFrame(23, [], { how: "so" }, serializer));
  const decoder = new FrameDecoder();
  const frames: Frame[] = [];
  for (const [at, byte] of [...first, ...second].entries()) {
    const whole = Number(at >= first.length);
    assertEquals(frames.length, whole, `told of after ${at} bytes`);
    decoder.push(Uint8Array.of(byte), (frame) => frames.push(frame));
  }
  assertEquals(frames.map(({ kind, head }) => [kind, ...head]), [[16, 1.5], [23]]);
  assertEquals(frames.map((frame) => decodePayload(frame, 1, serializer)), [
    undefined,
    { how: "so" },
  ]);
});

// Garbage

Deno.test("bytes that are no frame are refused, and shown", () => {
  const error = assertThrows(() => decoded([new TextEncoder().encode("hello")]), GarbageError);
  assert(error.message.includes('"hello"'), error.message);
  const good = joined(encodeFrame(16, [1], undefined));
  assertThrows(() => decoded([good, new TextEncoder().encode("\x1b[2J")]), GarbageError);
});

Deno.test("garbage is found whatever it is, unless it begins like a frame (seed 1)", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), (bytes) => {
      const magic = joined(encodeFrame(1, [], undefined)).subarray(0, 4);
      fc.pre(bytes.some((byte, at) => at < 4 && byte !== magic[at]));
      assertThrows(() => decoded([bytes]), GarbageError);
    }),
    { seed: 1 },
  );
});

// Payloads

const values = fc.oneof(
  fc.array(fc.double(), { minLength: 1, maxLength: 20 }).map((all) => Float64Array.from(all)),
  fc.array(fc.uint8Array({ maxLength: 20 }), { minLength: 1, maxLength: 8 }),
  fc.array(
    fc.oneof(fc.double(), fc.string(), fc.constant(null), fc.constant(undefined), fc.uint8Array()),
    { minLength: 1, maxLength: 12 },
  ),
);

Deno.test("payloads come out as they went in, raw or serialized (seed 1)", () => {
  fc.assert(
    fc.property(values, (values) => assertEquals(across(values, values.length), values)),
    { seed: 1 },
  );
  assertEquals(across(undefined, 0), undefined);
  assertEquals(across({ values: [1n], failures: undefined }, 1), {
    values: [1n],
    failures: undefined,
  });
});

Deno.test("numbers, byte arrays and nothing need no serializer", () => {
  assertEquals(across(Float64Array.of(1, -0, NaN).subarray(1), 2, none), Float64Array.of(-0, NaN));
  assertEquals(across([bodyOf(3)], 1, none), [bodyOf(3)]);
  assertEquals(across([bodyOf(3), bodyOf(0), bodyOf(2)], 3, none), [
    bodyOf(3),
    bodyOf(0),
    bodyOf(2),
  ]);
  assertEquals(across(undefined, 5, none), undefined);
});

Deno.test("byte arrays of another class, or among other values, go the long way", () => {
  const [buffer] = across([Buffer.from("x"), bodyOf(1)], 2) as [Uint8Array];
  assertEquals([...buffer], [120]);
  assertEquals(across([bodyOf(2), "text", undefined], 3), [bodyOf(2), "text", undefined]);
  assertEquals(across([bodyOf(2), null], 2), [bodyOf(2), null]);
});

Deno.test("several arrays of bytes don't keep each other's memory", () => {
  const arrays = across([new Uint8Array(4), new Uint8Array(8)], 2) as Uint8Array[];
  assertEquals(arrays.map(({ buffer }) => buffer.byteLength), [4, 8]);
});

Deno.test("an array of bytes that travels alone has nothing but itself behind its buffer", () => {
  const [array] = across([bodyOf(5).subarray(2)], 1) as [Uint8Array];
  assertEquals([array, array.byteOffset, array.buffer.byteLength], [bodyOf(5).slice(2), 0, 3]);
});

Deno.test("what can't be cloned is refused before anything is written", () => {
  assertThrows(() => encodeFrame(2, [], [() => 1], serializer), Error, "could not be cloned");
});

// Large bodies

Deno.test("a small frame is one piece, and a large body is not copied", () => {
  assertEquals(frameOf(2, [1], bodyOf(100)).length, 1);
  const body = bodyOf(1 << 20);
  const [prefix, ...rest] = frameOf(2, [1], body);
  assertEquals([prefix!.length, rest.length], [24, 1]);
  assert(rest[0] === body);
});

/** Frames as a pipe delivers them: in pieces of drawn sizes, large bodies where they belong. */
function deliver(parts: readonly Uint8Array[], sizes: Iterator<number>, moves: boolean) {
  const stream = joined(parts);
  const frames: Frame[] = [];
  const decoder = new FrameDecoder();
  let direct = 0;
  for (let at = 0; at < stream.length;) {
    const size = sizes.next().value as number;
    let { missing } = decoder;
    if (missing === undefined) {
      const piece = stream.slice(at, at + size);
      decoder.push(piece, (frame) => frames.push(frame));
      piece.fill(255); // a piece is not kept
      at += size;
    } else {
      direct++;
      // A stream takes the memory that it is given, and returns it as another buffer.
      const { byteOffset, buffer } = missing;
      if (moves) missing = new Uint8Array(buffer.transfer(), byteOffset);
      const filled = missing.subarray(0, size);
      filled.set(stream.subarray(at, at + filled.length));
      decoder.filled(filled, (frame) => frames.push(frame));
      at += filled.length;
    }
  }
  return { frames, direct };
}

Deno.test("frames large and small come out as they went in, however the pipe delivers them (seed 1)", () => {
  const frame = fc.record({
    kind: fc.integer({ min: 1, max: 23 }),
    head: fc.array(fc.double(), { maxLength: 3 }),
    bytes: fc.oneof(fc.nat({ max: 20 }), fc.integer({ min: 1 << 17, max: 1 << 18 })),
  });
  const size = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1000, max: 1 << 17 }));
  fc.assert(
    fc.property(
      fc.array(frame, { minLength: 1, maxLength: 4 }),
      fc.array(size, { minLength: 1, maxLength: 20 }),
      fc.boolean(),
      (frames, sizes, moves) => {
        const parts = frames.flatMap(({ kind, head, bytes }) => frameOf(kind, head, bodyOf(bytes)));
        const endless = (function* () {
          // The smallest pieces would take for ever over the largest bodies.
          for (let at = 0;; at++) yield at < 200 ? sizes[at % sizes.length]! : 1 << 16;
        })();
        const back = deliver(parts, endless, moves).frames;
        assertEquals(back.length, frames.length);
        for (const [at, { kind, head, body }] of back.entries()) {
          assertEquals([kind, [...head]], [frames[at]!.kind, frames[at]!.head]);
          const wanted = bodyOf(frames[at]!.bytes);
          assertEquals(body.length, wanted.length);
          assertEquals(body.findIndex((byte, at) => byte !== wanted[at]), -1);
        }
      },
    ),
    { numRuns: 40, seed: 1 },
  );
});

Deno.test("a large body is read to where it belongs, a small one is not", () => {
  const sizes = (function* () {
    while (true) yield 1 << 16;
  })();
  assert(deliver(frameOf(19, [1], bodyOf(1 << 20)), sizes, true).direct > 0);
  assertEquals(deliver(frameOf(19, [1], bodyOf(1 << 16)), sizes, true).direct, 0);
});

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
