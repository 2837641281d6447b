import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import fc from "../properties.ts";
import sha256, { SHA256_LIMIT } from "../../lib/tasks/sha256.ts";
import { contextOf } from "./context.ts";

/** The same bytes, computed here from the generator's definition. */
function bytesOf(seed: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.ceil(length / 4) * 4);
  const view = new DataView(bytes.buffer);
  let x = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) || 1;
  for (let at = 0; at < bytes.length; at += 4) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    view.setInt32(at, x);
  }
  return bytes.slice(0, length);
}

async function platformDigest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

Deno.test("sha256() gives the standard's digest of no bytes", () => {
  assertEquals(
    sha256({ seed: 5, bytes: 0 }, contextOf()),
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  );
});

Deno.test("sha256() agrees with the platform for every length of a last block", async () => {
  for (let bytes = 1; bytes <= 200; bytes++) {
    const expected = await platformDigest(bytesOf(bytes, bytes));
    assertEquals(sha256({ seed: bytes, bytes }, contextOf()), expected, String(bytes));
  }
});

Deno.test("sha256() agrees with the platform around the edges of its chunks", async () => {
  const chunk = 65_536;
  for (const bytes of [chunk - 9, chunk - 8, chunk - 1, chunk, chunk + 1, 3 * chunk, 200_003]) {
    const expected = await platformDigest(bytesOf(1, bytes));
    assertEquals(sha256({ seed: 1, bytes }, contextOf()), expected, String(bytes));
  }
});

Deno.test("sha256() agrees with the platform for any seed and length", async () => {
  const item = fc.record({ seed: fc.nat(2 ** 32 - 1), bytes: fc.nat(100_000) });
  await fc.assert(
    fc.asyncProperty(item, async (item) => {
      assertEquals(sha256(item, contextOf()), await platformDigest(bytesOf(item.seed, item.bytes)));
    }),
    { numRuns: 40 },
  );
});

Deno.test("sha256() gives different digests for different seeds", () => {
  assertNotEquals(
    sha256({ seed: 0, bytes: 64 }, contextOf()),
    sha256({ seed: 1, bytes: 64 }, contextOf()),
  );
});

Deno.test("sha256() refuses what is out of range", () => {
  for (
    const bad of [{ seed: -1 }, { seed: 2 ** 32 }, { bytes: -1 }, { bytes: 0.5 }, {
      bytes: SHA256_LIMIT + 1,
    }]
  ) {
    assertThrows(() => sha256({ seed: 1, bytes: 1, ...bad }, contextOf()), RangeError);
  }
});

Deno.test("sha256() stops between chunks when it is asked to", () => {
  const context = contextOf({ cancelAfter: 2 });
  assertThrows(() => sha256({ seed: 1, bytes: SHA256_LIMIT }, context), DOMException);
  assertEquals(context.looks, 3);
});
