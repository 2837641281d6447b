/** Faults that would harm the test's own process, so each runs as a separate program. */

import { assert, assertEquals, assertLess } from "@std/assert";
import { startSite } from "../../lib/site/start.ts";
import { busy, gone, runs } from "./children.ts";
import { Gates } from "./gates.ts";
import { MAY_RUN, run, start } from "./programs/run_program.ts";
import { withDeadline } from "../with_deadline.ts";

function fault(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !MAY_RUN, fn });
}

fault(
  "workers: endless loops with a deadline are abandoned, said once, and the program ends, in its own time",
  () =>
    withDeadline(300, async (timeoutMs) => {
      const { code, stdout, stderr } = await run("endless_loop.ts", [String(timeoutMs)]);
      const quick = Array.from(
        { length: 12 },
        (_, n) => n === 3 || n === 8 ? "abandoned" : "quick",
      );
      const [told, ...more] = stdout.trim().split("\n");
      assertEquals(JSON.parse(told!), quick);
      assertEquals(more, ["behind beforeunload", "behind beforeExit", "exit"]);
      assertEquals(stderr.match(/warning:/g)?.length, 1, stderr);
      assertEquals(code, 0);
    }),
);

for (const model of ["limited", "workers", "processes"]) {
  fault(
    `${model}: results that nobody asks for any more, and signals of calls that have ended, keep no program alive`,
    async () => {
      const { code, stdout, stderr } = await run("unfinished.ts", [model]);
      assertEquals([code, stdout, stderr], [0, "0\n", ""]);
    },
  );
}

const ENDS = [
  ["wait", "SIGKILL"],
  ["end", "SIGKILL"],
  ["spin", "SIGKILL"],
  ["spin midway", "SIGKILL"],
  ["spin", "SIGTERM"],
  ["spin", "SIGINT"],
  ["spin", "throw"],
  ["spin", "reject"],
  ["spin", "exit"],
  ["wait", "exit"],
] as const;

const CHILD = {
  "wait": "waiting child",
  "end": "idle child",
  "spin": "child in a busy loop",
  "spin midway": "child in a busy loop in the midst of a chunk",
};

for (const [does, ends] of ENDS) {
  fault(`processes: no ${CHILD[does]} is left 2 s after its parent ended by ${ends}`, async () => {
    await using gates = new Gates();
    const parent = start("parent.ts", [gates.url, does, ends]);
    const pids = () => gates.arrived.filter((key) => /^\d+$/.test(key));
    await gates.until(() => pids().length === 1, "the child tells its id");
    const child = Number(pids()[0]);
    assert(runs(child));
    gates.pass(String(child));
    if (does === "spin midway") {
      await gates.until(() => pids().length === 2, "the second item is started");
      gates.pass(String(child));
    }
    if (does !== "end") {
      await gates.until(() => gates.waiting.includes("started"), "the parent runs");
      gates.pass("started");
    }
    await gates.until(() => gates.waiting.includes("parent"), "the parent is ready to end");
    if (does.startsWith("spin")) await busy(child);
    gates.pass("parent");
    if (ends.startsWith("SIG")) parent.kill(ends as Deno.Signal);
    const { code } = await parent.status;
    await gone(child);
    if (ends === "exit") assertEquals(code, 9);
    if (ends === "throw" || ends === "reject") assertEquals(code, 1);
    if (ends === "SIGTERM") assertEquals(code, 143);
    if (ends === "SIGINT") assertEquals(code, 130);
  });
}

fault("1,000,000 items take no more than 64 MiB above an idle run", async () => {
  for (const model of ["sequential", "workers", "processes"]) {
    const idle = JSON.parse((await run("million.ts", [model, "0"])).stdout);
    const full = JSON.parse((await run("million.ts", [model, "1000000"])).stdout);
    assertEquals([full.taken, full.sum], [1_000_000, 999_999_000_000]);
    const aboveMiB = (full.peakRssBytes - idle.peakRssBytes) / 2 ** 20;
    assertLess(aboveMiB, 64, `${model}: ${aboveMiB.toFixed(0)} MiB above an idle run`);
  }
});

for (const model of ["limited", "workers"]) {
  fault(`${model}: 1,000 downloads with 64 descriptors give 1,000 outcomes`, async () => {
    await using site = await startSite({ latencyMs: 5 });
    const args = [model, `${site.url}/page/1`, "1000"];
    const { code, stdout, stderr } = await run("downloads.ts", args, "ulimit -n 64;");
    assertEquals(code, 0, stderr);
    const ends: Record<string, number> = JSON.parse(stdout);
    assertEquals(Object.values(ends).reduce((sum, count) => sum + count, 0), 1000);
    assert((ends.fulfilled ?? 0) > 0, stdout);
    assertEquals(Object.keys(ends).filter((how) => !["fulfilled", "failed"].includes(how)), []);
  });
}

fault("a program may put other classes in the place of the platform's", async () => {
  const { stdout, stderr } = await run("other_platform.ts", []);
  const each = ["limited", "workers", "processes"].map((model) => `${model} 2 4 cancelled\n`);
  assertEquals([stdout, stderr], [each.join(""), ""]);
});

for (
  const [model, refused] of [["processes", "LaneStartError"], ["auto", "NotCapable"]] as const
) {
  fault(`${model}: subprocesses aren't given what their program was denied itself`, async () => {
    const secret = "export LANES_SECRET=1;";
    const { stdout, stderr } = await run("denied.ts", [model], secret, ["--deny-env=LANES_SECRET"]);
    assertEquals([stdout, stderr], [`["${refused}","${refused}","${refused}","read"]\n`, ""]);
  });
}
