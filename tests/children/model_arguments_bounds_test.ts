import { assertEquals, assertThrows } from "@std/assert";
import { boundsFor, type RawBounds, refuseSize } from "../../lib/children/model_arguments.ts";
import { UsageError } from "../../lib/text/option_values.ts";

Deno.test("bounds are read as they are written, and left out where none was", () => {
  const read = (raw: RawBounds) => boundsFor("--models", ["limited", "auto"], raw);
  assertEquals(read({}), undefined);
  assertEquals(boundsFor("--models", ["limited"], {}), undefined);
  assertEquals(read({ maxSlots: "20", maxLanes: "2", memory: "1.5GB" }), {
    maxSlots: 20,
    maxLanes: 2,
    memoryBytes: 1.5e9,
  });
  assertEquals(read({ stay: "loop", maxSlots: "3" }), { stay: "loop", maxSlots: 3 });
  for (const [memory, memoryBytes] of [["500mb", 5e8], ["800kB", 8e5], ["12B", 12]]) {
    assertEquals(read({ memory: String(memory) }), { memoryBytes: Number(memoryBytes) });
  }
});

Deno.test("bounds that say nothing, or contradict each other, are refused with what to do", () => {
  const refused = (raw: RawBounds, words: string) =>
    assertThrows(() => boundsFor("--model", ["auto"], raw), UsageError, words);
  refused({ maxSlots: "0" }, '--max-slots "0": too small; give 1 or more');
  refused({ maxSlots: "65537" }, "--max-slots");
  refused({ maxLanes: "257" }, '--max-lanes "257": too large; give 256 or less');
  refused({ memory: "lots" }, '--memory "lots": not a size; give one such as 800kB');
  refused({ memory: "0MB" }, '--memory "0MB": too small');
  refused({ stay: "here" }, '--stay "here": unknown; choose loop');
  refused({ stay: "loop", maxLanes: "2" }, "no lane is started with --stay loop");
  for (const raw of [{ maxSlots: "5" }, { maxLanes: "5" }, { memory: "5" }, { stay: "loop" }]) {
    const words = "no model chosen finds its own size; leave it out, or add --model auto";
    assertThrows(() => boundsFor("--model", ["limited"], raw), UsageError, words);
  }
});

Deno.test("who gives auto a size is told how to bound it", () => {
  const words = '--slots "3": auto finds out how many slots it needs; bound it with --max-slots';
  assertThrows(() => refuseSize("slots", "3"), UsageError, words);
});
