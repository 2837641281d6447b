import { assert, assertAlmostEquals, assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  checksumOfFirst,
  closingOf,
  graceFor,
  JobError,
  probe,
} from "../../../lib/advice/probe/probe.ts";
import { limitedTo, spreadOrder } from "../../../lib/timing/job_items.ts";
import { trialProcesses } from "../../../lib/timing/run_trial.ts";
import { granted } from "../../granted.ts";
import { fakeMeter } from "../../timing/meter/fake.ts";

const module = "data:text/javascript,export const items = [1, 2, 3]; export default (n) => n";

Deno.test({
  name: "probe() has the meter read before the first task and after the last",
  ignore: !granted("run", "read"),
  async fn() {
    const meter = fakeMeter({ runMs: 20, queuedMs: 60, childrenCpuMs: 5, othersUsed: 1 });
    const task = { module, export: "default" };
    const items = { kind: "module", module, export: "items" } as const;
    const { load, done } = await probe(
      { name: "three", task, items, options: {} },
      { typed: "three.ts", limit: 3, targetMs: 1000, guardMs: 60_000, meter },
    );
    assertEquals([meter.asked.length, done?.items], [2, 3]);
    assertAlmostEquals(load!.available, 0.25);
    assertEquals([load!.childrenCpuMs, load!.others], [5, { used: 1, cores: 2 }]);
  },
});

Deno.test("a teardown gets several times as long as it took, and the usual time if it is quick", () => {
  assertEquals([undefined, 0, 150].map((teardownMs) => graceFor({ teardownMs: teardownMs ?? 0 })), [
    undefined,
    undefined,
    undefined,
  ]);
  assertEquals([graceFor({ teardownMs: 1000 }), graceFor({ teardownMs: 1001 })], [3000, 3100]);
  assertEquals([graceFor({}), graceFor({ teardownMs: Infinity })], [undefined, 5000]);
});

Deno.test("trials don't wait for a teardown that never ends", () => {
  assertEquals(closingOf({ teardownMs: Infinity }), { teardownIsEndless: true });
  assertEquals(closingOf({ teardownMs: 1000 }), { graceMs: 3000 });
  assertEquals(closingOf({ teardownMs: 1 }), {});
});

Deno.test({
  name: "what prepare gave is disposed once, and is no lane's teardown",
  ignore: !granted("run", "read"),
  async fn() {
    // Disposing it sets the clock forward by a thousand seconds.
    const late = module + `; const now = performance.now.bind(performance);
      export const prepare = () => ({
        [Symbol.dispose]: () =>
          Object.defineProperty(performance, "now", { value: () => now() + 1e6 }),
      });`;
    const job = {
      ...{ name: "prepared", options: {}, prepare: "prepare" },
      task: { module: late, export: "default" },
      items: { kind: "module", module: late, export: "items" } as const,
    };
    const limits = { limit: 3, targetMs: 1000, guardMs: 60_000 };
    const { teardownMs } = await probe(job, { typed: "prepared.ts", ...limits });
    assertEquals(teardownMs! < 1e6, true, String(teardownMs));
  },
});

Deno.test({
  name: "probe() says what a job leaves open that keeps a program from ending",
  ignore: !granted("run", "read"),
  async fn() {
    const leftBy = async (task: string, more = "") => {
      const module = `data:text/javascript,export const items = [1, 2]; ${more}
        export default (n) => { ${task} return n; }`;
      const job = {
        ...{ name: "open", options: {} },
        task: { module, export: "default" },
        items: { kind: "module", module, export: "items" } as const,
      };
      const limits = { typed: "open.ts", limit: 3, targetMs: 1000, guardMs: 60_000 };
      return (await probe(job, limits)).leavesOpen;
    };
    assertEquals(await leftBy(""), undefined);
    assertEquals(await leftBy("Deno.unrefTimer(setTimeout(() => {}, 1e6));"), undefined);
    const forAll = "let timer; export const teardown = () => clearInterval(timer);";
    assertEquals(await leftBy("timer ??= setInterval(() => {}, 1e6);", forAll), undefined);
    assertEquals(await leftBy("setInterval(() => {}, 1e6);"), "a timer or an interval");
    const channel = "const channel = new BroadcastChannel('x'); channel.onmessage = () => {};";
    assertEquals(await leftBy("", channel), "a BroadcastChannel");
  },
});

Deno.test({
  name: "a job that is refused whole is to be run again, and one that fails is to be mended",
  ignore: !granted("run", "read"),
  async fn() {
    const refusedBy = async (thrown: string) => {
      const module = `data:text/javascript,export const items = [1, 2]; export default () => { ` +
        `throw Object.assign(new Error("asleep"), ${thrown}); }`;
      const task = { module, export: "default" };
      const job = { name: "refused", task, items: { kind: "module", ...task, export: "items" } };
      const limits = { typed: "refused.ts", limit: 9, targetMs: 1000, guardMs: 60_000 };
      const failing = probe({ ...job, options: {} } as Parameters<typeof probe>[0], limits);
      return (await assertRejects(() => failing, JobError, "every item fails")).message;
    };
    assertMatch(await refusedBy("{ status: 503 }"), /asleep; run it again once what it asks/);
    assertMatch(await refusedBy("{}"), /asleep; mend the task first/);
    // As of fetch, whose own message tells nobody why.
    assertMatch(await refusedBy("{ cause: new Error('no route') }"), /asleep: no route; mend/);
  },
});

Deno.test({
  name: "probe() gives a task its own time, and names what doesn't end in it",
  ignore: !granted("run", "read"),
  async fn() {
    const stuck = (waits: string) =>
      "data:text/javascript,export const items = Array(100).fill(0).map((_, i) => i); " +
      `export default (n) => n < 7 ? n : ${waits}`;
    const cutOff = async (waits: string) => {
      const task = { module: stuck(waits), export: "default" };
      const items = { kind: "module", module: task.module, export: "items" } as const;
      const limits = { limit: 100, targetMs: 1000, guardMs: 600_000, taskMs: 1 };
      const job = { name: "stuck", task, items, options: {} };
      return (await probe(job, { typed: "stuck.ts", ...limits })).cutOff;
    };
    assertMatch(
      await cutOff("(() => { while (true); })()") ?? "",
      // How many tiny items run together depends on how long the first ones took.
      /^(item 7|one of \d items from item [0-7] on) did not settle within 1\.0 s/,
    );
    assertMatch(
      await cutOff("new Promise(() => setInterval(() => {}, 5))") ?? "",
      /^item 7 did not settle within 1\.0 s/,
    );
  },
});

Deno.test({
  name: "probe() names no item beyond the last where the source ends the process behind it",
  ignore: !granted("run", "read"),
  async fn() {
    // Tasks this long run one by one; the source waits 200 ms, until the third's end has been reported.
    const module = `data:text/javascript,export const items = [1, 2, 3];
      items[Symbol.asyncIterator] = async function* () {
        yield 1; yield 2; yield 3;
        await new Promise((resolve) => setTimeout(resolve, 200));
        Deno.exit(3);
      };
      export default (n) => new Promise((resolve) => setTimeout(resolve, 5, n));`;
    const items = { kind: "module", module, export: "items" } as const;
    const job = { name: "three", task: { module, export: "default" }, items, options: {} };
    const limits = { limit: 9, targetMs: 1000, guardMs: 60_000 };
    await assertRejects(
      () => probe(job, { typed: "three.ts", ...limits }),
      JobError,
      "Cannot run the job: making the end of its items ended the whole process",
    );
  },
});

Deno.test({
  name: "probe() takes a list in its own order where tasks share something and no item comes again",
  ignore: !granted("run", "read"),
  async fn() {
    const spreadOf = async (list: string, shares: boolean) => {
      const module = `data:text/javascript,export const items = ${list}; export default (n) => n;`;
      const items = { kind: "module", module, export: "items", order: "spread" } as const;
      const job = { name: "four", task: { module, export: "default" }, items, options: {} };
      const limits = { limit: 9, targetMs: 1000, guardMs: 60_000, shares };
      return (await probe(job, { typed: "four.ts", ...limits })).spread;
    };
    assertEquals(await spreadOf("[1, 2, 3, 4]", true), undefined);
    assertEquals(await spreadOf("[1, 2, 1, 2]", true), 4);
    assertEquals(await spreadOf("[1, 2, 3, 4]", false), 4);
  },
});

Deno.test({
  name: "probe() takes the items of a generator that was called already",
  ignore: !granted("run", "read"),
  async fn() {
    for (const call of ["function* ()", "async function* ()"]) {
      const module = `data:text/javascript,export const items = (${call} { yield 1; yield 2; })();
        export default (n) => n; export const comparable = (n) => n;`;
      const items = { kind: "module", module, export: "items" } as const;
      const { done, exports } = await probe(
        { name: "two", task: { module, export: "default" }, items, options: {} },
        { typed: "two.ts", limit: 9, targetMs: 1000, guardMs: 60_000 },
      );
      assertEquals([done?.items, exports.hooks], [2, ["comparable"]]);
    }
  },
});

Deno.test({
  name: "probe() says that what compares results failed, and takes results that can't be read",
  ignore: !granted("run", "read"),
  async fn() {
    const probed = async (code: string) => {
      const module = `data:text/javascript,export const items = [1, 2]; ${code}`;
      const items = { kind: "module", module, export: "items" } as const;
      const job = { name: "two", task: { module, export: "default" }, items, options: {} };
      const options = { typed: "two.ts", limit: 9, targetMs: 1000, guardMs: 60_000 };
      return await probe({ ...job, comparable: "comparable" }, options);
    };
    const fails = `export default (n) => n;
      export const comparable = () => { throw new RangeError("none"); };`;
    await assertRejects(
      () => probed(fails),
      JobError,
      "Cannot run the job: comparable failed: RangeError: none",
    );
    const { done } = await probed("export default () => ({ get x() { throw new Error(); } });");
    assertEquals(done?.kept, 2);
  },
});

Deno.test("checksumOfFirst() tells what ran first, or is first in the list, and nothing where some weren't run", () => {
  // Five of twenty items ran, those at these places.
  const places = spreadOrder(20).slice(0, 5);
  const of = (value: (place: number) => number) => ({
    digests: places.map((place) => `= n${value(place)};`),
    spread: 20,
  });
  const [one, other] = [of((place) => place), of((place) => place < 2 ? place : -place)];
  assert(checksumOfFirst(2, one) === checksumOfFirst(2, other), "the first two are neighbours");
  assert(checksumOfFirst(5, one) !== checksumOfFirst(5, other));
  assertEquals(checksumOfFirst(2, one, "listed"), checksumOfFirst(2, one));
  assertEquals([checksumOfFirst(6, one), checksumOfFirst(9, one, "listed")], [
    undefined,
    undefined,
  ]);
  assertEquals(checksumOfFirst(1, {}), undefined);
});

Deno.test({
  name: "probe() gives digests of which a trial of the same items has the checksum",
  ignore: !granted("run", "read"),
  async fn() {
    const module = `data:text/javascript,
      export const items = Array.from({ length: 40 }, (_, n) => ({ n, s: String(n).repeat(99) }));
      export const comparable = ({ s }) => ({ s });
      export default ({ n, s }) => { if (n === ${
      spreadOrder(40)[3]
    }) throw n; return { s, at: Math.random() }; };`;
    const items = { kind: "module", module, export: "items", order: "spread", limit: 40 } as const;
    const job = {
      ...{ name: "forty", options: {}, comparable: "comparable" },
      task: { module, export: "default" },
      items,
    };
    const limits = { limit: 12, targetMs: 1000, guardMs: 60_000 };
    const probed = await probe(job, { typed: "forty.ts", ...limits });
    const runTrial = trialProcesses();
    for (const count of [1, 5, 12]) {
      const trial = { model: "limited", job: limitedTo(job, count), round: 0 } as const;
      const { round } = await runTrial(trial, {});
      assertEquals(round.checksum, checksumOfFirst(count, probed));
    }
    const listed = { ...job, items: { ...items, order: undefined, limit: 2 } };
    const { round } = await runTrial({ model: "sequential", job: listed, round: 0 }, {});
    assertEquals(round.checksum, checksumOfFirst(2, probed, "listed"));
  },
});
