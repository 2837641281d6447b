import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { encodeFrame, type Frame, FrameKind } from "../../lib/lanes/frame.ts";
import { FrameDecoder } from "../../lib/lanes/frame_decoder.ts";

/** A body whose bytes tell their places. */
function bodyOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => at * 7 + (at >> 8));
}

/** Frames as a pipe delivers them: in pieces of drawn sizes, large bodies where they belong. */
function deliver(parts: readonly Uint8Array[], sizes: Iterator<number>, moves: boolean) {
  const lengths = parts.map(({ length }) => length);
  const stream = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let end = 0;
  for (const part of parts) stream.set(part, (end += part.length) - part.length);
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

Deno.test("frames large and small come out as they went in, however the pipe delivers them", () => {
  const frame = fc.record({
    kind: fc.integer({ min: 1, max: 21 }),
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
        const parts = frames.flatMap(({ kind, head, bytes }) =>
          encodeFrame(kind, head, 0, [bodyOf(bytes)])
        );
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
    { numRuns: 40 },
  );
});

Deno.test("a large body is read to where it belongs, a small one is not", () => {
  const sizes = (function* () {
    while (true) yield 1 << 16;
  })();
  const large = encodeFrame(FrameKind.report, [1], 0, [bodyOf(1 << 20)]);
  assert(deliver(large, sizes, true).direct > 0);
  const small = encodeFrame(FrameKind.report, [1], 0, [bodyOf(1 << 16)]);
  assertEquals(deliver(small, sizes, true).direct, 0);
});

Deno.test("a frame is told of when its last byte has come, not before", () => {
  const parts = encodeFrame(FrameKind.report, [1, 2], 0, [bodyOf(3)]);
  const decoder = new FrameDecoder();
  const whole: Frame[] = [];
  const bytes = parts[0]!;
  for (const [at, byte] of bytes.entries()) {
    assertEquals(whole.length, 0, `told of after ${at} of ${bytes.length} bytes`);
    decoder.push(Uint8Array.of(byte), (frame) => whole.push(frame));
  }
  assertEquals(whole.length, 1);
});
