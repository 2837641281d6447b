import { assertEquals, assertRejects } from "@std/assert";
import { measureOpenLoop, type MeasureOptions, measureSweep } from "../../lib/scaling/measure.ts";
import { sweepPlanFor } from "../../lib/scaling/sweep_options.ts";
import { ownJob } from "../../lib/scaling/swept_job.ts";
import type { JobSpec } from "../../lib/timing/spec.ts";
import { granted } from "../granted.ts";

const ignore = !granted("read", "run");
const options: MeasureOptions = { signal: new AbortController().signal };

const JOB: JobSpec = {
  name: "nothing much",
  task: { module: "data:text/javascript,export default (n) => n", export: "default" },
  items: { kind: "values", values: Array.from({ length: 12 }, (_, i) => i) },
  options: { made: "up" },
};
const job = ownJob(JOB, { computingShare: 0.5, total: 12 });

/** Runs a function; returns its result and the lines that replace the progress bar without a terminal. */
async function told<T>(run: () => Promise<T>): Promise<[T, string[]]> {
  const { error } = console;
  const lines: string[] = [];
  console.error = (line: string) => lines.push(line);
  try {
    return [await run(), lines];
  } finally {
    console.error = error;
  }
}

Deno.test({
  name: "measureSweep() gives slots or lanes their size, and says what it measures",
  ignore,
  async fn() {
    const sweep = (model: "limited" | "workers", raw: { lanes?: string; slots: string }) =>
      told(() =>
        measureSweep(
          job,
          sweepPlanFor(model, raw),
          { rounds: 2, seed: 1, timeoutMs: 30_000, server: undefined },
          options,
        )
      );
    const [slots, lines] = await sweep("limited", { slots: "1,3" });
    assertEquals(slots.points.map(({ size, lanes, slots }) => [size, lanes, slots]), [
      [1, 1, 1],
      [3, 1, 3],
    ]);
    assertEquals(slots.points.map(({ rounds }) => rounds.map(({ succeeded }) => succeeded)), [
      [12, 12],
      [12, 12],
    ]);
    assertEquals([slots.axis, slots.model, slots.computingShare], ["slots", "limited", 0.5]);
    assertEquals(slots.job, {
      name: "nothing much",
      task: "data:…",
      options: { made: "up" },
      total: 12,
    });
    assertEquals("differsAt" in slots, false);
    if (!Deno.stderr.isTerminal()) {
      assertEquals(lines, ["nothing much: 2 rounds of limited with 1, 3 slots …"]);
    }
    const [lanes] = await sweep("workers", { lanes: "2", slots: "3" });
    assertEquals(lanes.points.map(({ size, lanes, slots }) => [size, lanes, slots]), [[2, 2, 3]]);
    assertEquals([lanes.axis, lanes.openLoop], ["lanes", []]);
  },
});

Deno.test({
  name: "measureOpenLoop() schedules each rate, and names its model with its size",
  ignore,
  async fn() {
    const model = { model: "workers", lanes: 1, slots: 2 } as const;
    const values = { rounds: 1, seed: 1, durationMs: 100 };
    const [result, lines] = await told(() =>
      measureOpenLoop(job, { rates: [50, 100], model }, values, options)
    );
    assertEquals([result.axis, result.model], ["rate", "workers, 1 lane, 2 slots"]);
    assertEquals(
      result.openLoop.map(({ ratePerSecond, scheduled }) => [ratePerSecond, scheduled]),
      [[50, 5], [100, 10]],
    );
    assertEquals(result.points, []);
    if (!Deno.stderr.isTerminal()) {
      assertEquals(lines, [
        "nothing much: 1 round of 50, 100 requests a second, on schedule …",
      ]);
    }
  },
});

Deno.test({
  name: "measureSweep() throws what the first trial threw",
  ignore,
  async fn() {
    const none = ownJob({ ...JOB, task: { ...JOB.task, export: "missing" } });
    await told(() =>
      assertRejects(
        () =>
          measureSweep(
            none,
            sweepPlanFor("limited", { slots: "1" }),
            { rounds: 1, seed: 1, timeoutMs: 30_000, server: undefined },
            options,
          ),
        Error,
        "missing",
      )
    );
  },
});
