import { assertEquals } from "@std/assert";
import { buffersOf } from "../../lib/lanes/transfer.ts";

Deno.test("buffersOf() finds each buffer once, in values and their properties", () => {
  const buffer = new ArrayBuffer(4);
  const other = new Uint8Array(2);
  const found = buffersOf([buffer, new Uint8Array(buffer), { a: other, b: new DataView(buffer) }, [
    other,
  ]]);
  assertEquals(found.length, 2);
  assertEquals(new Set(found), new Set([buffer, other.buffer]));
});

Deno.test("buffersOf() leaves shared, empty and missing ones alone", () => {
  assertEquals(buffersOf([new SharedArrayBuffer(4), new Uint8Array(0), null, 3, "x", {}]), []);
  assertEquals(buffersOf(undefined), []);
});
