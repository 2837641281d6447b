import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "../../properties.ts";
import { Buffer } from "node:buffer";
import * as v8 from "node:v8";
import {
  cloningThrough,
  decodePayload,
  encodeFrame,
  type Frame,
  GarbageError,
  type ReadBytes,
  readFrames,
  type Serializer,
  serializerOf,
} from "../../../lib/lanes/subprocess/frame.ts";

const serializer = serializerOf(v8);
/** A serializer for payloads that need none; it throws. */
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

/** Reads like a pipe that gives pieces of these sizes, again and again. */
function pipe(stream: Uint8Array, sizes: readonly number[], moves = false): ReadBytes {
  let [at, reads] = [0, 0];
  return (into, whole) => {
    // Small pieces would take for ever over the largest bodies, so later pieces are large.
    const size = whole ? into.length : reads < 200 ? sizes[reads++ % sizes.length]! : 1 << 16;
    const piece = stream.subarray(at, at + Math.min(size, into.length));
    if (piece.length === 0 || (whole && piece.length < into.length)) {
      return Promise.resolve(undefined);
    }
    at += piece.length;
    // A stream takes over the memory that it is given, and returns it as another buffer.
    const { byteOffset, buffer } = into;
    const memory = moves ? buffer.transfer() : buffer;
    const filled = new Uint8Array(memory, byteOffset, piece.length);
    filled.set(piece);
    return Promise.resolve(filled);
  };
}

async function decoded(
  stream: Uint8Array,
  sizes: readonly number[] = [Infinity],
  moves = false,
): Promise<Frame[]> {
  const frames: Frame[] = [];
  await readFrames(pipe(stream, sizes, moves), (frame) => void frames.push(frame));
  return frames;
}

/** A payload as it arrives. */
async function across(payload: unknown, way = serializer): Promise<unknown> {
  const [frame] = await decoded(joined(encodeFrame(2, [], payload, way)));
  return decodePayload(frame!, way);
}

/** A body whose bytes depend on their positions. */
function bodyOf(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, at) => at * 7 + (at >> 8));
}

/** A frame with just these bytes as its body. */
function frameOf(kind: number, head: readonly number[], body: Uint8Array): Uint8Array[] {
  return encodeFrame(kind, head, [body], none);
}

const frame = fc.record({
  kind: fc.integer({ min: 1, max: 255 }),
  head: fc.array(fc.double(), { maxLength: 6 }),
  body: fc.uint8Array({ maxLength: 100 }),
});

Deno.test("frames come out as they went in, however their bytes are split (seed 1)", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(frame, { maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
      fc.boolean(),
      async (frames, sizes, moves) => {
        const bytes = joined(frames.flatMap(({ kind, head, body }) => frameOf(kind, head, body)));
        assertEquals(
          (await decoded(bytes, sizes, moves)).map((
            { kind, head, body },
          ) => [kind, [...head], body]),
          frames.map(({ kind, head, body }) => [kind, head, body]),
        );
      },
    ),
    { seed: 1 },
  );
});

Deno.test("a frame is told of when its last byte is there, and half of one never", async () => {
  const first = joined(encodeFrame(16, [1.5], undefined));
  const second = joined(encodeFrame(23, [], { how: "so" }, serializer));
  const both = joined([first, second]);
  for (let length = 0; length <= both.length; length++) {
    const frames = await decoded(both.subarray(0, length), [1]);
    const whole = Number(length >= first.length) + Number(length === both.length);
    assertEquals([length, frames.length], [length, whole]);
  }
  const frames = await decoded(both, [1]);
  assertEquals(frames.map(({ kind, head }) => [kind, ...head]), [[16, 1.5], [23]]);
  assertEquals(frames.map((frame) => decodePayload(frame, serializer)), [
    undefined,
    { how: "so" },
  ]);
});

// Bytes that are no frames

Deno.test("bytes that are no frame are refused, and shown", async () => {
  const text = (words: string) => new TextEncoder().encode(words);
  const error = await assertRejects(() => decoded(text("hello")), GarbageError);
  assert(error.message.includes('"hello"'), error.message);
  const good = joined(encodeFrame(16, [1], undefined));
  const later = await assertRejects(() => decoded(joined([good, text("\x1b[2J")])), GarbageError);
  assert(later.message.includes("[2J"), later.message);
});

Deno.test("garbage is found whatever it is, unless it begins like a frame (seed 1)", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 64 }), async (bytes) => {
      const magic = joined(encodeFrame(1, [], undefined)).subarray(0, 4);
      fc.pre(bytes.some((byte, at) => at < 4 && byte !== magic[at]));
      await assertRejects(() => decoded(bytes, [1, 5]), GarbageError);
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

Deno.test("payloads come out as they went in, raw or serialized (seed 1)", async () => {
  await fc.assert(
    fc.asyncProperty(
      values,
      async (values) => assertEquals(await across(values), values),
    ),
    { seed: 1 },
  );
  assertEquals(await across(undefined), undefined);
  assertEquals(await across({ values: [1n], failures: undefined }), {
    values: [1n],
    failures: undefined,
  });
});

Deno.test("numbers, byte arrays and nothing need no serializer", async () => {
  const numbers = Float64Array.of(1, -0, NaN).subarray(1);
  assertEquals(await across(numbers, none), Float64Array.of(-0, NaN));
  assertEquals(await across([bodyOf(3)], none), [bodyOf(3)]);
  assertEquals(await across([bodyOf(3), bodyOf(0), bodyOf(2)], none), [
    bodyOf(3),
    bodyOf(0),
    bodyOf(2),
  ]);
  assertEquals(await across(undefined, none), undefined);
});

Deno.test("byte arrays of another class, or among other values, go the long way", async () => {
  const [buffer] = await across([Buffer.from("x"), bodyOf(1)]) as [Uint8Array];
  assertEquals([...buffer], [120]);
  assertEquals(await across([bodyOf(2), "text", undefined]), [bodyOf(2), "text", undefined]);
  assertEquals(await across([bodyOf(2), null]), [bodyOf(2), null]);
});

Deno.test("several arrays of bytes don't keep each other's memory", async () => {
  const arrays = await across([new Uint8Array(4), new Uint8Array(8)]) as Uint8Array[];
  assertEquals(arrays.map(({ buffer }) => buffer.byteLength), [4, 8]);
});

Deno.test("an array of bytes that travels alone has nothing but itself behind its buffer", async () => {
  const [array] = await across([bodyOf(5).subarray(2)]) as [Uint8Array];
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

Deno.test("frames large and small come out as they went in, however the pipe delivers them (seed 1)", async () => {
  const frame = fc.record({
    kind: fc.integer({ min: 1, max: 23 }),
    head: fc.array(fc.double(), { maxLength: 3 }),
    bytes: fc.oneof(fc.nat({ max: 20 }), fc.integer({ min: 1 << 15, max: 1 << 18 })),
  });
  const size = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1000, max: 1 << 17 }));
  await fc.assert(
    fc.asyncProperty(
      fc.array(frame, { minLength: 1, maxLength: 4 }),
      fc.array(size, { minLength: 1, maxLength: 20 }),
      fc.boolean(),
      async (frames, sizes, moves) => {
        const parts = frames.flatMap(({ kind, head, bytes }) => frameOf(kind, head, bodyOf(bytes)));
        const back = await decoded(joined(parts), sizes, moves);
        assertEquals(back.length, frames.length);
        for (const [at, { kind, head, body }] of back.entries()) {
          assertEquals([kind, [...head]], [frames[at]!.kind, frames[at]!.head]);
          const wanted = bodyOf(frames[at]!.bytes);
          assertEquals([body.length, body.buffer.byteLength], [wanted.length, wanted.length]);
          assertEquals(body.findIndex((byte, at) => byte !== wanted[at]), -1);
        }
      },
    ),
    { numRuns: 40, seed: 1 },
  );
});

const { clone } = cloningThrough(serializer);

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
  const { sharesMemory, sendsWholeBuffers } = cloningThrough(serializer);
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
