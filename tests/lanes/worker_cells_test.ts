import { assertEquals } from "@std/assert";
import { WorkerCells } from "../../lib/lanes/worker_cells.ts";

Deno.test("both sides of the shared memory see which item runs in which slot", () => {
  const parent = new WorkerCells(3);
  const worker = new WorkerCells(3, parent.buffer);
  assertEquals(parent.find(7), undefined);
  worker.starting(2, 7, 5, 1.5);
  assertEquals(parent.find(7), { chunkId: 7, offset: 5, sinceMs: 1.5 });
  worker.idle(2);
  assertEquals(parent.find(7), undefined);
});

Deno.test("a cancelled chunk is seen by the worker, and no other", () => {
  const parent = new WorkerCells(1);
  const worker = new WorkerCells(1, parent.buffer);
  parent.cancel(1025);
  assertEquals([worker.isCancelled(1025), worker.isCancelled(1), worker.isCancelled(2049)], [
    true,
    false,
    false,
  ]);
});
