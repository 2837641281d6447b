import { assertEquals, assertStringIncludes } from "@std/assert";
import { MOVE_BYTES } from "../../../lib/lanes/remote/inspect.ts";
import { give, loaded, reports } from "./served.ts";
import { parts } from "./tasks.ts";

const large = () => new Uint8Array(MOVE_BYTES);

Deno.test("results that move travel alone; all else keeps its place, its time and its failures", async () => {
  const { server, said } = await loaded();
  const made = [large(), large()];
  parts.set("a", () => "a");
  parts.set("large", () => made[0]);
  parts.set("larger", () => made[1]);
  parts.set("fails", () => {
    throw new Error("no");
  });
  give(server, 1, "play", ["a", "fails", "large", "larger", "fails", "a"], {
    transfer: true,
    timed: true,
  });
  const all = reports(said);
  assertEquals(all.map(({ count, last }) => [count, last]), [
    [2, false],
    [1, false],
    [1, false],
    [2, true],
  ]);
  assertEquals(all.map(({ failures }) => (failures ?? []).map(({ offset }) => offset)), [
    [1],
    [],
    [],
    [0],
  ]);
  assertEquals(all.map(({ times }) => times!.length), [4, 2, 2, 4]);
  assertEquals(all[3]!.values![1], "a");
  assertEquals(made.map(({ byteLength }) => byteLength), [0, 0]);
  assertEquals((all[1]!.values![0] as Uint8Array).length, MOVE_BYTES);
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
  const [first, second] = reports(said);
  assertEquals([(first!.values![0] as Uint8Array).length, first!.last], [MOVE_BYTES, false]);
  assertStringIncludes((second!.failures![0]!.reason as Error).message, "was moved away");
});

Deno.test("memory that can't be moved is copied", async () => {
  const { server, said } = await loaded();
  const memory = new Uint8Array(new WebAssembly.Memory({ initial: 1 }).buffer);
  parts.set("memory", () => memory);
  give(server, 1, "play", ["memory"], { transfer: true });
  assertEquals((reports(said)[0]!.values![0] as Uint8Array).length, 1 << 16);
  assertEquals(memory.length, 1 << 16);
});
