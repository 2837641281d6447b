import { assert, assertEquals } from "@std/assert";
import {
  keptIn,
  movable,
  MOVE_BYTES,
  ownBuffer,
  sendMoving,
} from "../../../lib/lanes/remote/buffers.ts";

Deno.test("movable() finds each buffer once, at any depth", () => {
  const buffer = new ArrayBuffer(4);
  const other = new Uint8Array(2);
  const deep = new Float64Array(1);
  const ring: Record<string, unknown> = { a: other, b: [{ c: new Set([deep]) }] };
  ring.self = ring;
  const found = movable([buffer, ring, [other], new Map([[new Uint8Array(1), other]])]);
  assertEquals(found.length, 4);
  assertEquals(found.map(({ byteLength }) => byteLength).sort(), [1, 2, 4, 8]);
});

Deno.test("movable() leaves shared, empty and missing ones alone", () => {
  for (
    const value of [new SharedArrayBuffer(4), new Uint8Array(0), null, 3, "x", {}, undefined]
  ) assertEquals(movable(value), []);
});

Deno.test("movable() leaves a buffer at which something else looks, or may", () => {
  const whole = new Uint8Array(8);
  assertEquals(movable(new Uint8Array(8).subarray(1)), []);
  assertEquals(movable([whole, new DataView(whole.buffer)]), []);
  assertEquals(movable([whole, whole.subarray(0, 4)]), []);
  assertEquals(movable([whole, whole]), [whole.buffer]);
});

Deno.test("keptIn() finds what a value holds, and takes any buffer for held in one with too many parts", () => {
  const [held, other] = [new ArrayBuffer(4), new ArrayBuffer(4)];
  assertEquals([held, other].map(keptIn({ a: [new Uint8Array(held)] }, 9)), [true, false]);
  let reads = 0;
  const counted = (value: unknown) => ({
    get value() {
      reads++;
      return value;
    },
  });
  for (const many of [Array, Set, Map]) {
    const entries = Array.from({ length: 50 }, (_, at) => counted(at));
    const value = many === Map
      ? new Map(entries.map((entry, at) => [at, entry]))
      : many === Set
      ? new Set(entries)
      : entries;
    reads = 0;
    assertEquals([held, other].map(keptIn({ value }, 9)), [true, true]);
    assert(reads < 9, `${reads}`);
    const large = { value };
    keptIn(large, 9);
    reads = 0;
    assertEquals(keptIn(large, 9)(other), true);
    assertEquals(reads, 0);
    assertEquals(keptIn({ value })(other), false);
  }
});

Deno.test("ownBuffer() copies what a buffer or a view shows, and nothing else", () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  const views = [bytes, bytes.subarray(2, 4), new Uint16Array(bytes.buffer, 2, 2)];
  for (const view of views) {
    const own = ownBuffer(view, () => false) as Uint8Array;
    assertEquals([own, own.byteOffset, own.buffer.byteLength], [view, 0, view.byteLength]);
    assert(own.buffer !== bytes.buffer);
  }
  const copy = ownBuffer(bytes.buffer, () => true);
  assert(copy instanceof ArrayBuffer && copy !== bytes.buffer);
  assertEquals(bytes.length, 8);
});

Deno.test("ownBuffer() takes a large buffer away from who gave it, unless something is left of it", () => {
  const [buffer, view] = [new ArrayBuffer(MOVE_BYTES), new Float64Array(MOVE_BYTES / 8)];
  const own = [ownBuffer(buffer, () => true), ownBuffer(view, () => true)] as [
    ArrayBuffer,
    Float64Array,
  ];
  assertEquals([buffer.detached, view.length], [true, 0]);
  assertEquals([own[0].byteLength, own[1].length], [MOVE_BYTES, MOVE_BYTES / 8]);
  const whole = new Uint8Array(MOVE_BYTES);
  assertEquals((ownBuffer(whole.subarray(1), () => true) as Uint8Array).length, MOVE_BYTES - 1);
  assertEquals((ownBuffer(whole, () => false) as Uint8Array).length, MOVE_BYTES);
  assertEquals(whole.length, MOVE_BYTES);
  const memory = new WebAssembly.Memory({ initial: 1 });
  assertEquals((ownBuffer(memory.buffer, () => true) as ArrayBuffer).byteLength, 1 << 16);
  assertEquals(memory.buffer.byteLength, 1 << 16);
});

Deno.test("ownBuffer() copies a view of a class of its own, however that is made", () => {
  class Point extends Float32Array {
    constructor(x: number, y: number) {
      super([x, y]);
    }
  }
  assertEquals(ownBuffer(new Point(1, 2), () => false), Float32Array.of(1, 2));
  class Bytes extends DataView<ArrayBuffer> {
    constructor(length: number) {
      super(new ArrayBuffer(length));
    }
  }
  assertEquals((ownBuffer(new Bytes(5), () => false) as DataView).byteLength, 5);
});

Deno.test("ownBuffer() leaves alone what is no buffer, what is shared, and what was moved away", () => {
  const moved = new Uint8Array(4);
  moved.buffer.transfer();
  const shared = new SharedArrayBuffer(4);
  const others = [1, "a", null, undefined, {}, [1], shared, new Uint8Array(shared), moved];
  for (const value of others) assert(Object.is(ownBuffer(value, () => true), value));
});

Deno.test("sendMoving() moves, or copies where that can't be done, and tells which", () => {
  const sent: unknown[] = [];
  const send = (moves?: ArrayBuffer[]) => {
    if (moves?.[0]?.byteLength === 1) throw new TypeError("can't be moved");
    sent.push(moves?.length);
  };
  assertEquals(sendMoving(send, [new ArrayBuffer(2)]), true);
  assertEquals(sendMoving(send, [new ArrayBuffer(1)]), false);
  assertEquals(sendMoving(send, []), false);
  assertEquals(sendMoving(send), false);
  assertEquals(sent, [1, undefined, undefined, undefined]);
});
