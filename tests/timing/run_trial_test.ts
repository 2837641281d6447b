import { assert, assertEquals, assertRejects } from "@std/assert";
import { USUAL_MODELS } from "../../lib/models.ts";
import { trialProcesses } from "../../lib/timing/run_trial.ts";
import type { ItemSource, JobSpec, TrialResult, TrialSpec } from "../../lib/timing/spec.ts";
import { fakeMeter } from "./meter/fake.ts";
import { JOB } from "./fake.ts";
import { withDeadline } from "../with_deadline.ts";

const { state } = Deno.permissions.querySync({ name: "run", command: Deno.execPath() });
const ignore = state !== "granted";
const MODULE = new URL("./trials/task.ts", import.meta.url).href;

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore, fn });
}

function job(name: string, items: readonly unknown[] | ItemSource, more: Partial<JobSpec> = {}) {
  const source: ItemSource = "kind" in items ? items : { kind: "values", values: items };
  return { ...JOB, task: { module: MODULE, export: name }, items: source, ...more };
}

function run(of: JobSpec, more: Partial<TrialSpec> = {}): Promise<TrialResult> {
  return trialProcesses()({ model: "sequential", round: 0, job: of, ...more }, {});
}

const PLACED =
  `data:text/javascript,export const items = Array.from({ length: 40 }, (_, n) => "x" + n);
  export default (item, context) => {
    if (item !== "x" + context.index || context.signal.aborted || context.cancelled()) throw item;
    return context.index;
  };`;

test("a failure names its item by its place in the list, in what the executor says too", async () => {
  const module = `data:text/javascript,export const items = Array.from({ length: 40 }, (_, n) => n);
    export default (n) => n === 33 ? Promise.reject(new Error("bad")) : n === 34 ? new Promise(() => {}) : n;`;
  const items = { kind: "module", module, export: "items", order: "spread" } as const;
  await withDeadline(1000, async (timeoutMs) => {
    const { failures, round } = await run(
      { ...JOB, task: { module, export: "default" }, items },
      { model: "concurrent", timeoutMs },
    );
    const of = (wanted: string) => failures!.find(({ reason }) => reason === wanted)!;
    assertEquals([of("Error").index, of("timed-out").index], [33, 34]);
    assert(/item 34 /i.test(of("timed-out").message), of("timed-out").message);
    assertEquals(round.examples?.Error, "item 33, bad");
  });
});

for (const model of USUAL_MODELS) {
  test(`a task under ${model} is given its item's place in the list, though few are run, and spread`, async () => {
    const task = { module: PLACED, export: "default" };
    const source = { kind: "module", module: PLACED, export: "items", limit: 9 } as const;
    const of = async (order?: "spread") => {
      const items = { ...source, order };
      return (await run({ ...JOB, task, items }, { model, chunk: 4 })).round;
    };
    const [{ succeeded, checksum }, first] = [await of("spread"), await of()];
    assertEquals([succeeded, first.succeeded], [9, 9]);
    assert(checksum !== first.checksum);
  });

  test(`A trial of ${model} runs in a process of its own and gives the same results`, async () => {
    const { round, timeline } = await run(job("default", [1, 2, 3]), {
      model,
      lanes: model === "workers" || model === "processes" ? 2 : 1,
      timeline: true,
    });
    assertEquals([round.succeeded, round.failed], [3, 0]);
    const expected = await run(job("default", [1, 2, 3]));
    assertEquals(round.checksum, expected.round.checksum);
    assert(round.cpuMs > 0 && round.peakRssBytes > 1e6 && round.wallMs > 0);
    assertEquals(timeline?.index, [0, 1, 2]);
  });

  test(`What tasks print under ${model} doesn't disturb the trial`, async () => {
    const { round } = await run(job("noisy", [1, 2, 3]), { model });
    assertEquals([round.succeeded, round.failed], [3, 0]);
  });
}

test("A trial takes its items from a module, bigints too", async () => {
  const items = { kind: "module", module: MODULE, export: "bigints" } as const;
  const { round } = await run(job("bigint", items), { model: "workers", lanes: 1 });
  assertEquals([round.succeeded, round.failed], [2, 0]);
});

for (const model of ["sequential", "workers", "processes"] as const) {
  test(`Tasks of items that ${model} takes in another order find their places in the job`, async () => {
    const source = { kind: "module", module: MODULE, export: "placed" } as const;
    const { round, failures } = await run(job("place", { ...source, order: "spread", limit: 5 }), {
      model,
      timeoutMs: 20_000,
    });
    assertEquals([round.succeeded, failures], [5, undefined]);
  });
}

test("A trial may do what its job's permissions say, and no more", async () => {
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => {
    return new Response("page");
  });
  const { port } = server.addr;
  for (const model of ["sequential", "workers", "processes"] as const) {
    const denied = await run(job("fetchPort", [port]), { model });
    assertEquals(denied.round.reasons, { NotCapable: 1 }, model);
    const permissions = { net: [`127.0.0.1:${port}`] };
    const allowed = await run(job("fetchPort", [port], { permissions }), { model });
    assertEquals(allowed.round.succeeded, 1, model);
  }
});

test("A trial that leaves says with what code, and what it said last", async () => {
  const error = await assertRejects(() => run(job("exit", [1])), Error);
  assertEquals(error.name, "TrialError");
  assertEquals(
    error.message,
    "The trial of sequential, round 1 gave no result: exit code 7: about to leave",
  );
});

test("A trial that can't load its task says why in one line", async () => {
  const broken = { ...job("default", [1]), task: { module: MODULE, export: "missing" } };
  const error = await assertRejects(() => run(broken), Error, "missing");
  assert(!error.message.includes("\n"));
});

test("A trial that hangs is ended by the guard", async () => {
  const trial: TrialSpec = { model: "sequential", round: 0, job: job("hang", [1]) };
  const guarded = trialProcesses({ guardMs: 500 });
  await assertRejects(() => guarded(trial, {}), Error, "did not end within 500 ms");
});

for (const model of ["sequential", "workers", "processes"] as const) {
  test(`Aborting ends a trial of ${model} whose task never yields`, async () => {
    const stopping = new AbortController();
    const trial: TrialSpec = { model, round: 0, lanes: 2, job: job("hang", [1, 2]) };
    const ended = trialProcesses()(trial, { signal: stopping.signal });
    setTimeout(() => stopping.abort(new Error("enough")), 300);
    await assertRejects(() => ended, Error, "enough");
  });
}

test("A trial tells its progress while it runs", async () => {
  const settled: number[] = [];
  await trialProcesses()(
    { model: "sequential", round: 0, job: job("slow", [120, 120, 120]) },
    { onEvent: (event) => event.type === "progress" && settled.push(event.settled) },
  );
  assert(settled.length >= 2 && settled.at(-1) === 3, settled.join());
});

for (
  const [model, queuedMs] of [["sequential", 30], ["limited", 30], ["workers", undefined]] as const
) {
  test(`A trial of ${model} has a meter read twice, which tells what its tasks' programs computed`, async () => {
    const meter = fakeMeter({ runMs: 10, queuedMs: 30, childrenCpuMs: 5000 });
    const { round, programsMs } = await trialProcesses({ meter })(
      { model, round: 0, job: job("default", [1, 2, 3]) },
      {},
    );
    assertEquals(round.queuedMs, queuedMs);
    assertEquals(programsMs, 5010 - round.runCpuMs!);
    assertEquals(meter.asked.length, 2);
    assert(meter.asked.every((pid) => pid !== Deno.pid && pid! > 0));
  });
}
