import { assertEquals } from "@std/assert";
import { joinedLanes } from "../../../lib/advice/prediction/machine.ts";
import type { TrialSpec } from "../../../lib/timing/spec.ts";
import { roundOf } from "../fixture.ts";

Deno.test("joinedLanes() counts the lanes that load the job's task, and runs none of its items", async () => {
  const asked: TrialSpec[] = [];
  const job = {
    name: "job",
    task: { module: "file:///job.ts", export: "default" },
    items: { kind: "module", module: "file:///job.ts", export: "items" },
    options: {},
    reset: "reset",
    prepare: "prepare",
    graceMs: 700,
  } as const;
  const server = { servers: ["nats://10.0.0.5:4222"] };
  const found = await joinedLanes(job, server, {
    signal: new AbortController().signal,
    runTrial: (trial) => {
      asked.push(trial);
      const lanes = ["a", "b", "a"].map((machine, lane) => ({
        lane,
        startMs: 0,
        cpuShare: null,
        machine,
      }));
      const nothing = { index: [], lane: [], queuedMs: [], startedMs: [], endedMs: [], status: [] };
      return Promise.resolve({
        round: roundOf({ round: 0, runMs: 0, startMs: 90 }),
        timeline: { round: 0, lanes, ...nothing },
        lanes: 3,
        slots: 1,
        warnings: [],
      });
    },
  });
  assertEquals(found, { lanes: 3, machines: ["a", "b"], startMs: 90 });
  const [{ model, server: where, job: sent }] = asked as [TrialSpec];
  assertEquals([model, where, sent.task, sent.items], ["cluster", server, job.task, {
    kind: "values",
    values: [],
  }]);
  assertEquals([sent.reset, sent.prepare, sent.graceMs], [undefined, undefined, 700]);
});
