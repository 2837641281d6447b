import { assertEquals, assertStringIncludes } from "@std/assert";
import { MOVE_BYTES } from "../../../lib/lanes/remote/buffers.ts";
import { give, loaded, reports } from "./served.ts";
import { parts } from "./tasks.ts";

const large = () => new Uint8Array(MOVE_BYTES);

Deno.test("results that may move do, at any depth; all else keeps its place, its time and its failures", async () => {
  const { server, said } = await loaded();
  const made = [large(), large(), large()];
  parts.set("a", () => "a");
  parts.set("large", () => made[0]);
  parts.set("larger", () => made[1]!.buffer);
  parts.set("deep", () => ({ found: [made[2]] }));
  parts.set("fails", () => {
    throw new Error("no");
  });
  give(server, 1, "play", ["a", "fails", "large", "larger", "deep", "fails", "a"], {
    transfer: true,
    timed: true,
  });
  const [report, ...others] = reports(said);
  const { count, last, failures, times, values } = report!;
  assertEquals([count, last, others.length, times!.length], [7, true, 0, 14]);
  assertEquals(failures!.map(({ offset }) => offset), [1, 5]);
  assertEquals(made.map(({ byteLength }) => byteLength), [0, 0, 0]);
  const [, , bytes, buffer, deep] = values as [
    0,
    0,
    Uint8Array,
    ArrayBuffer,
    { found: Uint8Array[] },
  ];
  assertEquals(
    [bytes, buffer, deep.found[0]!].map(({ byteLength }) => byteLength),
    new Array(3).fill(MOVE_BYTES),
  );
  assertEquals([values![0], values![6]], ["a", "a"]);
});

Deno.test("a last result that moves ends its batch, and nothing comes after it", async () => {
  const { server, said } = await loaded();
  parts.set("large", large);
  give(server, 1, "play", ["large"], { transfer: true });
  give(server, 2, "same", [], { transfer: true });
  assertEquals(reports(said).map(({ id, count, last }) => [id, count, last]), [
    [1, 1, true],
    [2, 0, true],
  ]);
});

Deno.test("results stay where they are unless they may move, and small ones anyway", async () => {
  const { server } = await loaded();
  const made = [large(), new Uint8Array(MOVE_BYTES - 1)];
  parts.set("large", () => made[0]);
  parts.set("small", () => made[1]);
  give(server, 1, "play", ["large"]);
  give(server, 2, "play", ["small"], { transfer: true });
  assertEquals(made.map(({ byteLength }) => byteLength), [MOVE_BYTES, MOVE_BYTES - 1]);
});

Deno.test("a buffer that is given twice moves with the first, and fails the second", async () => {
  const { server, said } = await loaded();
  const twice = large();
  parts.set("twice", () => twice);
  give(server, 1, "play", ["twice", "twice"], { transfer: true });
  const [{ values, failures }] = reports(said) as [ReturnType<typeof reports>[number]];
  assertEquals((values![0] as Uint8Array).length, MOVE_BYTES);
  assertEquals(failures!.map(({ offset }) => offset), [1]);
  assertStringIncludes((failures![0]!.reason as Error).message, "was moved away");
});

Deno.test("memory that can't be moved is copied", async () => {
  const { server, said } = await loaded();
  const memory = new Uint8Array(new WebAssembly.Memory({ initial: 1 }).buffer);
  parts.set("memory", () => memory);
  give(server, 1, "play", ["memory"], { transfer: true });
  give(server, 2, "play", ["memory", "memory"], { transfer: true });
  const values = reports(said).flatMap(({ values }) => Array.from(values!)) as Uint8Array[];
  assertEquals(values.map(({ length }) => length), new Array(3).fill(1 << 16));
  assertEquals(memory.length, 1 << 16);
});
