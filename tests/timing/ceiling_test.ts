import { assert, assertEquals, assertRejects } from "@std/assert";
import { ceiling } from "../../lib/timing/ceiling.ts";
import { JOB } from "./fake.ts";

const { state } = Deno.permissions.querySync({ name: "run", command: Deno.execPath() });
const ignore = state !== "granted";
const busy = {
  ...JOB,
  task: { module: new URL("./trials/task.ts", import.meta.url).href, export: "busy" },
};
const quick = { pieceMs: 20, repetitions: 1 };

Deno.test({
  name: "ceiling() measures the job's own task, or a loop, in processes of their own",
  ignore,
  async fn() {
    for (const job of [busy, undefined]) {
      const { speedup, lanes } = await ceiling(job, 2, quick);
      assertEquals(lanes, 2);
      // The value depends on the machine; the test only checks that it is a ratio of times.
      assert(Number.isFinite(speedup) && speedup > 0);
    }
  },
});

Deno.test({
  name: "ceiling() gives lanes × the time of one over the time of all",
  ignore,
  async fn() {
    // The clock advances by 1 at each reading: every run takes 1, so two processes gain 2.
    let looks = 0;
    assertEquals(await ceiling(busy, 2, { ...quick, now: () => looks++ }), {
      speedup: 2,
      lanes: 2,
    });
  },
});

Deno.test({
  name: "ceiling() says that a process died, and with what words",
  ignore,
  async fn() {
    const leaving = { ...busy, task: { ...busy.task, export: "exit" } };
    await assertRejects(() => ceiling(leaving, 2, quick), Error, "exit code 7: about to leave");
  },
});

Deno.test("ceiling() of one lane is 1 without measuring", async () => {
  assertEquals(await ceiling(busy, 1), { speedup: 1, lanes: 1 });
});
