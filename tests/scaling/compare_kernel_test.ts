import { assertEquals, assertRejects } from "@std/assert";
import { JobError } from "../../lib/advice/probe/probe.ts";
import { compareKernel } from "../../lib/scaling/compare_kernel.ts";
import type { TrialSpec } from "../../lib/timing/spec.ts";
import { probedOf } from "../advice/fixture.ts";
import { trialOf } from "./measured.ts";

const items = { kind: "module" as const, module: "file:///job.ts", export: "items" };
const JOB = {
  name: "job",
  task: { module: "file:///job.ts", export: "default" },
  items,
  options: {},
};
const { signal } = new AbortController();
const probed = { ...probedOf({ items: 40 }), checksums: new Map([[40, "the function's"]]) };

/** Compares a kernel that gives this with a function; `ran` are the trials for it. */
function compared(
  round: { checksum: string; failed?: number; examples?: Record<string, string> },
  of = probed,
) {
  const ran: TrialSpec[] = [];
  const count = compareKernel(JOB, "gpu", of, {
    runTrial: (trial) => {
      ran.push(trial);
      const result = trialOf(trial, 10);
      return Promise.resolve({ ...result, round: { ...result.round, ...round } });
    },
    signal,
  });
  return { count, ran };
}

Deno.test("a kernel runs all items of the sample, whose results must be the function's", async () => {
  const { count, ran } = compared({ checksum: "the function's" });
  assertEquals(await count, 40);
  assertEquals(ran.map(({ model, job }) => [model, job.items]), [["gpu", { ...items, limit: 40 }]]);
});

Deno.test("a kernel with other results is not swept, and it is said what fails on it alone", async () => {
  const messageOf = async (round: Parameters<typeof compared>[0], of = probed) =>
    (await assertRejects(() => compared(round, of).count, JobError)).message;
  const before =
    "Cannot sweep the job under gpu: its kernel gives other results than its function for " +
    "the 40 items that were compared";
  const after = "; make them the same, bit by bit";
  assertEquals(await messageOf({ checksum: "others" }), before + after);
  assertEquals(
    await messageOf({ checksum: "others", failed: 2, examples: { Error: "item 7, no" } }),
    `${before} (2 failed on the kernel, 0 in the function, such as item 7, no)${after}`,
  );
  const failing = { ...probed, done: { ...probed.done!, failed: 3 } };
  assertEquals(
    await messageOf({ checksum: "others" }, failing),
    `${before} (0 failed on the kernel, 3 in the function)${after}`,
  );
});

Deno.test("where no results were kept nothing is compared", async () => {
  const { count, ran } = compared({ checksum: "others" }, { ...probed, checksums: new Map() });
  assertEquals([await count, ran], [0, []]);
});
