import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { FromLane } from "../../../lib/lanes/remote/channel.ts";
import { RemoteLane } from "../../../lib/lanes/remote/remote_lane.ts";
import { WorkerChannel } from "../../../lib/lanes/worker/worker_channel.ts";
import { eventually } from "../../conformance/gates.ts";
import { granted } from "../../granted.ts";
import { batchOf } from "../batch.ts";
import {
  ENDINGS,
  isToldHowItEnds,
  losesNothingThatHadEnded,
  RealTold,
  runsWhatItIsSent,
  taskOf,
} from "../real_lane.ts";

/** The events of a real thread, with a promise that resolves when it refuses a task. */
class ThreadTold extends RealTold {
  readonly #refused = Promise.withResolvers<void>();
  readonly refused = this.#refused.promise;

  override unloadable(...args: Parameters<RealTold["unloadable"]>): void {
    super.unloadable(...args);
    this.#refused.resolve();
  }
}

/** Tests a lane on a real thread. */
function test(name: string, fn: (lane: RemoteLane, told: ThreadTold) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !granted("read"),
    async fn() {
      const told = new ThreadTold();
      const options = { slots: 2, number: 1, modules: [] };
      const lane = new RemoteLane(told, (events) => new WorkerChannel(events, options));
      try {
        await fn(lane, told);
      } finally {
        await lane.close();
      }
    },
  });
}

test("a thread becomes ready, runs what it is sent, and tells what it used", async (lane, told) => {
  await runsWhatItIsSent(lane, told);
  let used = await lane.usage();
  await eventually(async () => (used = await lane.usage()).cpuMs !== undefined, "it tells");
  assert(used.cpuMs! >= 0 && used.peakRssBytes === undefined);
});

test(
  "a loop that never yields is seen from outside, and sees that it is cancelled",
  async (lane, told) => {
    const started = new Int32Array(new SharedArrayBuffer(4));
    const task = taskOf(`(started, context) => {
    Atomics.store(started, 0, 1);
    Atomics.notify(started, 0);
    while (!context.cancelled());
    return "saw it";
  }`);
    const batch = batchOf([started, started], { task });
    await lane.load(task);
    lane.send(batch);
    await Atomics.waitAsync(started, 0, 0).value;
    const at = lane.progress(batch);
    assert(at.state === "running" && at.offset === 0 && at.sinceMs <= performance.now());
    assertEquals(lane.recall(batch), false);
    lane.ask(batch, "cancel");
    assertEquals(await told.values(batch), ["saw it"]);
  },
);

for (const ending of ENDINGS) {
  test(
    `a task that ${ending.name} kills its thread, and no more, and it is told how`,
    (lane, told) => isToldHowItEnds(ending, lane, told),
  );
}

test(
  "what had ended before a thread was killed is not lost, and it is known what ran",
  losesNothingThatHadEnded,
);

test("a module that can't be loaded, or ends the thread, is told as that", async (lane, told) => {
  const batch = batchOf([1], { task: taskOf("1", "throw new RangeError('at load')") });
  lane.send(batch);
  await told.refused;
  assertStringIncludes(told.unloadables[0]!.error.message, "at load");
  const fatal = batchOf([1], { task: taskOf("1", "Deno.exit(4)") });
  lane.send(fatal);
  await told.death;
  assertEquals(told.unloadables.map(({ batch }) => batch), [batch, fatal]);
  assertStringIncludes(
    told.unloadables[1]!.error.message,
    "called Deno.exit(4) while it was loaded",
  );
});

test(
  "a task may do to its global scope what it likes, and the lane goes on",
  async (lane, told) => {
    const task = taskOf(
      "(n) => { self.postMessage('mine'); return new Float64Array([2 * n]) }",
      `self.onmessage = null;
     self.postMessage = () => {};
     performance.now = () => 0;
     delete globalThis.Deno;
     MessagePort.prototype.postMessage = () => {};
     Object.assign(globalThis, { setTimeout: null, queueMicrotask: null });`,
    );
    const batch = batchOf([1], { task });
    lane.send(batch);
    assertEquals(await told.values(batch), [new Float64Array([2])]);
  },
);

test("buffers move to a thread and back, and shared memory stays shared", async (lane, told) => {
  const [item, shared] = [new Uint8Array(1 << 20), new Uint8Array(new SharedArrayBuffer(1))];
  const moves = batchOf([item], {
    task: taskOf("(bytes) => { bytes[0] = 7; return bytes }"),
    movesItems: true,
    transfer: true,
  });
  lane.send(moves);
  const [back] = await told.values(moves) as [Uint8Array];
  assertEquals([item.length, back.length, back[0]], [0, 1 << 20, 7]);
  const shares = batchOf([shared], { task: taskOf("(bytes) => void (bytes[0] = 8)") });
  lane.send(shares);
  await told.last(shares);
  assertEquals(shared[0], 8);
});

/** Runs a program that opens a lane on a thread. */
async function programOf(code: string): Promise<{ code: number; stderr: string }> {
  const lib = new URL("../../../lib/lanes/", import.meta.url).href;
  const text = `
    import { WorkerChannel } from "${lib}worker/worker_channel.ts";
    let next = Promise.withResolvers();
    const message = (kind) => kind !== ${FromLane.loading} && next.resolve();
    const events = { message, ended: console.error };
    const channel = new WorkerChannel(events, { slots: 1, number: 1, modules: [] });
    await next.promise;
    ${code}
  `;
  const { code: exitCode, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--no-config",
      "--allow-read",
      `data:text/javascript,${encodeURIComponent(text)}`,
    ],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  return { code: exitCode, stderr: new TextDecoder().decode(stderr) };
}

const mayRun = granted("read", "run");

Deno.test({
  name: "a thread that needn't be waited for doesn't keep the program alive",
  ignore: !mayRun,
  fn: async () => assertEquals(await programOf("channel.hold(false);"), { code: 0, stderr: "" }),
});

Deno.test({
  name: "a thread in a loop that nothing can stop is let go, with a word to the person",
  ignore: !mayRun,
  async fn() {
    const module = taskOf("() => { while (true); }").module;
    const { code, stderr } = await programOf(`
      channel.send(1, [1], { module: ${JSON.stringify(module)}, export: "default" });
      await (next = Promise.withResolvers()).promise;
      channel.send(2, [channel.cells.offer(), 1, 1, 0, 1, Infinity, 0, Infinity, 0, 0, 0], [0]);
      while (channel.cells.state(1) === undefined) await new Promise((go) => setTimeout(go));
      Deno.exitCode = 5;
      await channel.close();
    `);
    assertEquals([code, stderr.match(/warning: /g)?.length], [5, 1]);
  },
});
