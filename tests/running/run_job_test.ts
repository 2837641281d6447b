import { assertEquals, assertRejects } from "@std/assert";
import { digestOf, KnownItems } from "../../lib/running/known_items.ts";
import { runJob, type RunJobHost, RunState } from "../../lib/running/run_job.ts";
import type { RunSpec } from "../../lib/running/run_message.ts";
import { granted } from "../granted.ts";

const failure = (reason: string, index: number) =>
  JSON.stringify({ index, digest: "a", ended: "failed", attempts: 1, reason, message: reason });

Deno.test("failures are counted by reason, with the first item of each; beyond 20 together", () => {
  const state = new RunState({ done: 0, failed: 0 });
  state.addFailures("");
  assertEquals(state.reasons, []);
  state.addFailures(`${failure("B", 3)}\n${failure("A", 1)}\n${failure("A", 2)}\n`);
  assertEquals(state.reasons, [
    { reason: "A", count: 2, index: 1, message: "A" },
    { reason: "B", count: 1, index: 3, message: "B" },
  ]);
  state.addFailures(failure("A page ".repeat(100), 5));
  assertEquals(state.reasons.at(-1)!.message, `${"A page ".repeat(100).slice(0, 300)}…`);
  for (let at = 0; at < 19; at++) state.addFailures(failure(`C${at}`, 10 + at));
  state.addFailures(failure("A", 40));
  const { reasons } = state;
  assertEquals(reasons.length, 21);
  assertEquals(reasons.slice(0, 2).map(({ reason, count }) => `${reason} ${count}`), [
    "A 3",
    "other reasons 2",
  ]);
  assertEquals(reasons[1]!.index, 27);
});

/** A job for a separate process; its task doubles the item, or does what the item names. */
const MODULE = `data:text/javascript,${
  encodeURIComponent(`
export default async (item) => {
  if (item === "exit") Deno.exit(3);
  if (item === "spin") for (;;);
  if (item === "throw") throw new RangeError("too much");
  if (item === "never") await new Promise((done) => setTimeout(done, 1e6));
  return 2 * item;
};`)
}`;

const SPEC: RunSpec = {
  model: "limited",
  slots: 2,
  job: {
    name: "test",
    task: { module: MODULE, export: "default" },
    items: { kind: "values", values: [] },
    options: {},
  },
  fed: true,
  run: { rest: true, failed: false },
  changed: "refuse",
  journaled: false,
  order: "input",
  retries: 0,
  live: false,
  record: false,
};

/** The host of a run over these items, fed in parts, and the lines that it wrote. */
function hostOf(parts: readonly unknown[][], more: Partial<RunJobHost> = {}) {
  const written = { results: "", failures: "" };
  const left = [...parts];
  const host: RunJobHost = {
    known: new KnownItems(),
    state: new RunState({ done: 0, failed: 0 }),
    write: (results, failures) => {
      written.results += results;
      written.failures += failures;
      return Promise.resolve();
    },
    feed: () => Promise.resolve(left.shift() ?? []),
    signal: new AbortController().signal,
    onPrint: () => {},
    ...more,
  };
  const values = () => written.results.split("\n").slice(0, -1).map((line) => JSON.parse(line));
  return { host, written, values };
}

function jobTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !granted("read", "run", "env", "sys"), fn });
}

jobTest("items are fed until there are no more, and what became of each is written", async () => {
  const { host, written, values } = hostOf([[1, 2], ["throw"]]);
  const ended = await runJob(SPEC, host);
  assertEquals([ended.type, "end" in ended && ended.end], ["done", "done"]);
  assertEquals(values().map(({ index, value }) => [index, value]), [[0, 2], [1, 4]]);
  const { succeeded, failed, lanes, slots, total, reasons } = host.state;
  assertEquals([succeeded, failed, lanes, slots, total], [2, 1, 1, 2, undefined]);
  assertEquals(reasons, [{ reason: "RangeError", count: 1, index: 2, message: "too much" }]);
  assertEquals(written.failures.split("\n").length, 2);
});

jobTest("what is known isn't run again, and a list that isn't the same is refused", async () => {
  const known = new KnownItems();
  const first = hostOf([[1, 2]], { known });
  await runJob({ ...SPEC, journaled: true }, first.host);
  for (const { index, digest } of first.values()) known.add(index, parseInt(digest, 36), "done");
  const more = hostOf([[1, 2, 3]], { known });
  await runJob({ ...SPEC, journaled: true }, more.host);
  assertEquals(more.values().map(({ value }) => value), [6]);
  const other = hostOf([[1, 5, 3]], { known });
  const ended = await runJob({ ...SPEC, journaled: true }, other.host);
  assertEquals([ended.type, "problem" in ended && ended.problem], [
    "changed",
    "item 1 is another one than was recorded",
  ]);
});

jobTest("what `feed` or `write` throws ends the run, and is thrown", async () => {
  const feed = () => Promise.reject(new Error("no more lines"));
  await assertRejects(() => runJob(SPEC, hostOf([], { feed }).host), Error, "no more lines");
  const write = () => Promise.reject(new Error("no room"));
  await assertRejects(() => runJob(SPEC, hostOf([[1]], { write }).host), Error, "no room");
});

jobTest("a run that is to finish feeds nothing more and ends with what was started", async () => {
  const ending = new AbortController();
  ending.abort();
  const { host, written } = hostOf([[1, 2]], { signal: ending.signal });
  const ended = await runJob(SPEC, host);
  assertEquals([ended.type, "end" in ended && ended.end], ["done", "finished"]);
  assertEquals(written, { results: "", failures: "" });
});

jobTest("a process that dies is told with its exit code", async () => {
  const ended = await runJob(SPEC, hostOf([["exit"]]).host);
  assertEquals(ended, { type: "died", message: "exit code 3", began: true });
});

jobTest(
  "a task that never leaves its event loop is ended once its deadline is long past",
  async () => {
    const { host } = hostOf([["spin"]], { heldMs: 1 });
    assertEquals(await runJob({ ...SPEC, timeoutMs: 1 }, host), { type: "held" });
  },
);

jobTest(
  "a process that an interruption ends before it was ready is no failure of the job",
  async () => {
    const ending = new AbortController();
    const module = `data:text/javascript,Deno.kill(Deno.pid, "SIGKILL"); export default 1`;
    const job = { ...SPEC.job, task: { module, export: "default" }, prepare: "prepare" };
    const { host } = hostOf([[1]], { signal: ending.signal });
    const died = await runJob({ ...SPEC, job }, host);
    assertEquals(died, { type: "died", message: "signal SIGKILL", began: false });
    ending.abort();
    const ended = await runJob({ ...SPEC, job }, host);
    assertEquals([ended.type, "end" in ended && ended.end], ["done", "finished"]);
  },
);

const HOLD = "for (const from = Date.now(); Date.now() - from < 2500;);";

jobTest("what prepares a job may hold the event loop for longer than a task", async () => {
  const code = `export function prepare() { ${HOLD} } export default (n) => n;`;
  const task = { module: `data:text/javascript,${encodeURIComponent(code)}`, export: "default" };
  const job = { ...SPEC.job, task, prepare: "prepare" };
  const { host } = hostOf([[1]], { heldMs: 1 });
  assertEquals((await runJob({ ...SPEC, job, timeoutMs: 1500 }, host)).type, "done");
});

jobTest("so may the items that are recorded, which are compared before any task", async () => {
  const code = `export function* items() { ${HOLD} yield 1; } export default (n) => n;`;
  const module = `data:text/javascript,${encodeURIComponent(code)}`;
  const items = { kind: "module", module, export: "items" } as const;
  const job = { ...SPEC.job, task: { module, export: "default" }, items };
  const known = new KnownItems();
  known.add(0, digestOf(1), "done");
  const { host } = hostOf([], { heldMs: 1, known });
  const ended = await runJob({ ...SPEC, job, fed: false, timeoutMs: 1500 }, host);
  assertEquals(ended.type, "done");
});
