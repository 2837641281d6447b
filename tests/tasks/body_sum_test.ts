import { assertEquals, assertNotEquals } from "@std/assert";
import fc from "../properties.ts";
import { BodySum } from "../../lib/tasks/body_sum.ts";

function sumOf(...parts: Uint8Array[]): string {
  const body = new BodySum();
  for (const part of parts) body.add(part);
  return `${body.bytes} ${body.checksum()}`;
}

/** The definition of the sum, word by word in whole numbers of any size. */
function defined(bytes: Uint8Array): string {
  let [a, b] = [1n, 0n];
  for (let at = 0; at < bytes.length || at === 0; at += 4) {
    let word = 0n;
    for (let index = 0; index < 4; index++) {
      word += BigInt(bytes[at + index] ?? 0) << BigInt(8 * index);
    }
    a = (a + word) % 2n ** 32n;
    b = (b + a) % 2n ** 32n;
  }
  // A body of whole words ends with an empty word.
  if (bytes.length > 0 && bytes.length % 4 === 0) b = (b + a) % 2n ** 32n;
  const hex = (word: bigint) => word.toString(16).padStart(8, "0");
  return `${bytes.length} ${hex(b)}${hex(a)}`;
}

Deno.test("BodySum sums as Fletcher's definition says", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
    assertEquals(sumOf(bytes), defined(bytes));
  }));
});

Deno.test("BodySum sums the largest words exactly, however many there are", () => {
  const words = [[255, 255, 255, 127], [0, 0, 0, 128], [255, 255, 255, 255]];
  for (const word of words) {
    for (const count of [1023, 1024, 1025, 5000]) {
      const bytes = Uint8Array.from({ length: 4 * count }, (_, at) => word[at % 4]!);
      assertEquals(sumOf(bytes), defined(bytes));
    }
  }
});

Deno.test("BodySum gives the same however a body is cut, and wherever parts lie in memory", () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 20 })), (parts) => {
    const whole = Uint8Array.from(parts.flatMap((part) => [...part]));
    const shifted = parts.map((part) => Uint8Array.from([9, ...part]).subarray(1));
    assertEquals(sumOf(...parts), sumOf(whole));
    assertEquals(sumOf(...shifted), sumOf(whole));
  }));
});

Deno.test("BodySum tells bodies apart that differ in one byte, or in the order of two words", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 8, maxLength: 200 }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (bytes, place, change) => {
        const other = bytes.slice();
        other[place % bytes.length]! ^= change;
        assertNotEquals(sumOf(other), sumOf(bytes));
      },
    ),
  );
  assertNotEquals(sumOf(Uint8Array.of(1, 0, 0, 0, 2)), sumOf(Uint8Array.of(2, 0, 0, 0, 1)));
});

Deno.test("BodySum doesn't keep a part that its giver uses again", () => {
  const body = new BodySum();
  const part = Uint8Array.of(1, 2, 3);
  body.add(part);
  const before = body.checksum();
  part.fill(9);
  assertEquals(body.checksum(), before);
});
