import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "../../properties.ts";
import { TaskLoadError } from "../../../lib/lanes/errors.ts";
import { inspect } from "../../../lib/lanes/remote/clone.ts";
import { batchOf, settle } from "../batch.ts";
import { pair } from "./fake_channel.ts";
import { openGate, parts, reached, taskNamed } from "./tasks.ts";
import { bothWays, toThread } from "./ways.ts";

/** A lane and its server, ready and with the tests' tasks loaded. */
async function ready(options: Parameters<typeof pair>[0] = {}) {
  const over = pair(options);
  over.channel.saysReady();
  await over.lane.ready;
  for (const name of ["same", "gated", "play"] as const) await over.lane.load(taskNamed(name));
  return over;
}

for (const [name, cloning] of bothWays()) {
  Deno.test(`whatever items are, a task gets them ${name} and gives them back (seed 1)`, async () => {
    const { lane, told } = await ready({ cloning });
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
    });
    const error = fc.string().map((text) => Object.assign(new RangeError(text), { code: text }));
    const item = fc.oneof(anything, fc.double(), error, fc.record({ error, beside: anything }));
    const shown = (value: unknown): unknown => {
      if (value instanceof Error) return [value.name, value.message, value.stack];
      const { error } = (value ?? {}) as { error?: unknown };
      return error instanceof Error ? { ...value as object, error: shown(error) } : value;
    };
    await fc.assert(
      fc.asyncProperty(fc.array(item, { minLength: 1, maxLength: 12 }), async (items) => {
        fc.pre(items.every((item) => !inspect([item], cloning).refused));
        const batch = batchOf(items, { task: taskNamed("same") });
        lane.send(batch);
        assertEquals(batch.sentCount, items.length);
        const back = await told.values(batch);
        assertEquals(back.map(shown), items.map((item) => cloning.clone(shown(item))));
      }),
      { seed: 1, numRuns: 60 },
    );
  });

  Deno.test(`batches in many slots end each by itself ${name}, and its failures are its own`, async () => {
    const { lane, told } = await ready({ cloning, slots: 3 });
    const gates = ["x", "y", "z"].map((gate) => `${gate} ${name}`);
    const batches = gates.map((gate) => batchOf([gate], { task: taskNamed("gated") }));
    for (const batch of batches) lane.send(batch);
    await Promise.all(gates.map(reached));
    lane.ask(batches[1]!, "cancel", new Error("enough"));
    assertEquals(await told.fates(batches[1]!), ["cancelled: enough"]);
    openGate(gates[2]!);
    assertEquals(await told.values(batches[2]!), [gates[2]]);
    openGate(gates[0]!);
    assertEquals(await told.values(batches[0]!), [gates[0]]);
  });

  Deno.test(`what had ended when a lane says that it dies is not lost ${name}`, async () => {
    const { lane, told, server } = await ready({ cloning });
    const batch = batchOf(["ended", "runs"].map((of) => `${of} ${name}`), {
      task: taskNamed("gated"),
    });
    lane.send(batch);
    openGate(batch.items[0] as string);
    await reached(batch.items[1] as string);
    server.announceEnd("called Deno.exit()");
    await settle();
    assertEquals(
      told.reports.map(({ report }) => [report.count, report.values?.[0], report.last]),
      [
        [1, batch.items[0], false],
      ],
    );
    const at = lane.progress(batch);
    assert(at.state === "running" && at.offset === 1);
    assertEquals(told.deaths, [{ how: "called Deno.exit()", starting: false }]);
    openGate(batch.items[1] as string);
    await settle();
    assertEquals(told.reports.length, 1);
  });
}

Deno.test("a task that isn't there is told with its batch, and in load()", async () => {
  const { lane, told } = await ready();
  const batch = batchOf([1], { task: taskNamed("nothing") });
  lane.send(batch);
  await assertRejects(() => lane.load(batch.task), TaskLoadError, '"nothing"');
  assertEquals(told.unloadables.map(({ batch }) => batch), [batch]);
});

Deno.test("what a thread would give back for lack of time, or is cancelled, comes back unstarted", async () => {
  const { lane, told } = await ready({ shares: true });
  const ran: unknown[] = [];
  for (const item of ["one", "two", "three"]) parts.set(item, () => ran.push(item));
  const slow = batchOf(["one", "two", "three"], { task: taskNamed("play"), giveBackMs: -1 });
  lane.send(slow);
  await told.last(slow);
  assertEquals([told.reports[0]!.report.count, ran], [1, ["one"]]);
  const cancelled = batchOf(["two"], { task: taskNamed("play") });
  lane.send(cancelled);
  lane.ask(cancelled, "cancel");
  await told.last(cancelled);
  assertEquals([told.reports[1]!.report.count, ran], [0, ["one"]]);
});

Deno.test("a waiting batch is taken back from a busy thread, which never starts it", async () => {
  const { lane, told } = await ready({ shares: true });
  const busy = batchOf(["keeps it busy"], { task: taskNamed("gated") });
  const waits = batchOf(["waits for it"], { task: taskNamed("gated") });
  lane.send(busy);
  lane.send(waits);
  await reached("keeps it busy");
  assertEquals([lane.progress(busy).state, lane.progress(waits).state], ["running", "waiting"]);
  assertEquals([lane.recall(busy), lane.recall(waits)], [false, true]);
  openGate("keeps it busy");
  await told.last(busy);
  await settle();
  assertEquals(told.reports.map(({ batch }) => batch), [busy]);
});

Deno.test("buffers move to a thread and back", async () => {
  const { lane, told } = await ready({ cloning: toThread() });
  const item = new Uint8Array(1 << 20);
  item[7] = 1;
  const batch = batchOf([item], { task: taskNamed("same"), movesItems: true, transfer: true });
  lane.send(batch);
  assertEquals([item.length, batch.moved], [0, true]);
  const [back] = await told.values(batch) as [Uint8Array];
  assertEquals([back.length, back[7]], [1 << 20, 1]);
});

Deno.test("what a lane has used comes from its other side", async () => {
  const { lane } = await ready();
  assertEquals(await lane.usage(), { cpuMs: 2.5, peakRssBytes: 1024 });
});
