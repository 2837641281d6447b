import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { TaskLoadError } from "../../../lib/lanes/errors.ts";
import type { LaneBatch } from "../../../lib/lanes/lane.ts";
import { RemoteLane } from "../../../lib/lanes/remote/remote_lane.ts";
import {
  SubprocessChannel,
  type SubprocessOptions,
} from "../../../lib/lanes/subprocess/subprocess_channel.ts";
import type { Task } from "../../../lib/lanes/task.ts";
import { eventually } from "../../conformance/gates.ts";
import { granted } from "../../granted.ts";
import { batchOf } from "../batch.ts";
import {
  type Ending,
  ENDINGS,
  isToldHowItEnds,
  losesNothingThatHadEnded,
  RealTold,
  runsWhatItIsSent,
  taskOf,
} from "../real_lane.ts";
import { withFiles } from "../small_program.ts";

const ignore = !granted("read", "run");

/** Calls `fn` with a lane in a process, and closes the lane at the end. */
async function withLane(
  options: Partial<SubprocessOptions>,
  fn: (lane: RemoteLane, told: RealTold) => Promise<void>,
): Promise<void> {
  const told = new RealTold();
  const lane = new RemoteLane(
    told,
    (events) =>
      new SubprocessChannel(events, { slots: 2, modules: [], stderr: "keep", ...options }),
  );
  try {
    await fn(lane, told);
  } finally {
    await lane.close();
  }
}

function test(
  name: string,
  options: Partial<SubprocessOptions>,
  fn: (lane: RemoteLane, told: RealTold) => Promise<void>,
): void {
  Deno.test({ name, ignore, fn: () => withLane(options, fn) });
}

test(
  "a process becomes ready, runs what it is sent, and tells what it used",
  {},
  async (lane, told) => {
    await runsWhatItIsSent(lane, told);
    let used = await lane.usage();
    await eventually(async () => (used = await lane.usage()).cpuMs !== undefined, "it tells");
    assert(used.cpuMs! > 0 && used.peakRssBytes! > 1e6);
  },
);

test("large values come through whole, both ways", {}, async (lane, told) => {
  const item = Uint8Array.from({ length: 1 << 22 }, (_, at) => at);
  const text = "x".repeat(1 << 20);
  const batch = batchOf([item, text], { task: taskOf("(value) => [value, value]") });
  lane.send(batch);
  const [bytes, texts] = await told.values(batch) as [Uint8Array[], string[]];
  assertEquals(bytes.map((copy) => copy.findIndex((byte, at) => byte !== item[at])), [-1, -1]);
  assertEquals(texts.map((copy) => copy === text), [true, true]);
});

test(
  "many large values come through whole and in order, whatever carries them",
  {},
  async (lane, told) => {
    const task = taskOf("(value) => value");
    const sizes = [1 << 20, 1, 1 << 16, 1 << 18, 3, 1 << 17];
    const batches = Array.from({ length: 40 }, (_, n) => {
      const item = new Uint8Array(sizes[n % sizes.length]!).fill(n);
      return batchOf([item], { task });
    });
    await lane.load(task);
    for (const batch of batches.slice(0, 20)) lane.send(batch);
    await told.last(batches[10]!);
    for (const batch of batches.slice(20)) lane.send(batch);
    for (const [n, batch] of batches.entries()) {
      const [bytes] = await told.values(batch) as [Uint8Array];
      assertEquals(bytes.length, sizes[n % sizes.length]);
      assertEquals(bytes.findIndex((byte) => byte !== n), -1);
    }
    assertEquals(told.reports.map(({ batch }) => batches.indexOf(batch)), batches.map((_, n) => n));
  },
);

test(
  "a process that ends after large values tells what had ended, and how",
  {},
  async (lane, told) => {
    const task = taskOf("(n) => n === 8 ? Deno.exit(3) : new Uint8Array(1 << 18).fill(n)");
    const batches = Array.from({ length: 9 }, (_, n) => batchOf([n], { task }));
    await lane.load(task);
    for (const batch of batches) lane.send(batch);
    await told.death;
    assertEquals(told.deaths, [{ how: "called Deno.exit(3)", starting: false, by: batches[8]! }]);
    assertEquals(told.reports.length, 8);
  },
);

test("a process may touch nothing unless it was told", {}, async (lane, told) => {
  const reads = batchOf([new URL(import.meta.url).pathname], {
    task: taskOf("(path) => Deno.readTextFile(path)"),
  });
  lane.send(reads);
  await told.last(reads);
  assertInstanceOf(told.reports[0]!.report.failures![0]!.reason, Deno.errors.NotCapable);
});

const KILLED: Ending = {
  name: "kills it",
  code: "() => { process.kill(process.pid, 'SIGKILL'); while (true); }",
  how: "was ended by SIGKILL",
};

for (const ending of [...ENDINGS, KILLED]) {
  test(
    `a task that ${ending.name} ends its process, and no more, and it is told how`,
    ending === KILLED ? { permissions: { run: true } } : {},
    (lane, told) => isToldHowItEnds(ending, lane, told),
  );
}

test(
  "what had ended before a process exited is not lost, and it is known what ran",
  {},
  losesNothingThatHadEnded,
);

test(
  "a loop that never yields is seen where it is wanted, and ended by force",
  {},
  async (lane, told) => {
    const batch = batchOf([0, 1], {
      task: taskOf("(n) => { while (n === 1); }"),
      tellsStarts: true,
    });
    await lane.load(batch.task);
    lane.send(batch);
    let at = lane.progress(batch);
    while (at.state !== "running" || at.offset !== 1) {
      await new Promise((resolve) => setTimeout(resolve));
      at = lane.progress(batch);
    }
    assertEquals(lane.recall(batch), false);
    lane.ask(batch, "cancel");
    assertEquals(lane.force(batch, false), "ends");
    await told.death;
    assertEquals(told.deaths, [{ how: "was ended by SIGKILL", starting: false }]);
  },
);

/** Code that prints to stdout in two ways. */
const PRINTS = "() => { console.log('a'); Deno.stdout.writeSync(new Uint8Array([98])); return 1 }";

test("what a task prints is not taken for what its lane says", {}, async (lane, told) => {
  const batch = batchOf([1, 2], { task: taskOf(PRINTS, "console.log('at load')") });
  lane.send(batch);
  assertEquals(await told.values(batch), [1, 1]);
});

test("what a task starts can neither read what its lane is told nor speak for it", {
  permissions: { run: true },
}, async (lane, told) => {
  const code = `async (path) => {
    const code = "console.log('mine'); Deno.exit(Deno.stdin.readSync(new Uint8Array(9)) === null ? 7 : 8)";
    const args = ["eval", "--no-config", code];
    const options = { args, stdin: "inherit", stdout: "inherit", stderr: "inherit" };
    return (await new Deno.Command(path, options).output()).code;
  }`;
  const batch = batchOf([Deno.execPath()], { task: taskOf(code) });
  const beside: LaneBatch[] = [1, 2, 3].map((n) => batchOf([n], { task: taskOf("(n) => n") }));
  for (const each of [batch, ...beside]) lane.send(each);
  assertEquals(await told.values(batch), [7]);
  assertEquals(await Promise.all(beside.map((each) => told.values(each))), [[1], [2], [3]]);
});

for (const permissions of [{}, { run: true }]) {
  const which = "run" in permissions ? "may start programs" : "may start none";
  Deno.test({
    name: `a process that ${which} ends by itself when it is closed, without being killed`,
    ignore,
    async fn() {
      const { kill } = Deno.ChildProcess.prototype;
      const kills: unknown[] = [];
      Deno.ChildProcess.prototype.kill = (signal) => void kills.push(signal);
      try {
        await withLane({ permissions }, async (lane, told) => {
          const batch = batchOf([1], { task: taskOf("(n) => n") });
          lane.send(batch);
          await told.last(batch);
        });
        assertEquals(kills, []);
      } finally {
        Deno.ChildProcess.prototype.kill = kill;
      }
    },
  });
}

Deno.test({
  name: "a file that can't be loaded is told as that, and the process runs others",
  ignore: !granted("read", "run", "write"),
  fn: () =>
    withFiles(
      { "bad.ts": "throw new RangeError('at load')", "good.ts": "export default () => 1" },
      (root) => {
        const [bad, good] = ["bad.ts", "good.ts"].map((name) => ({
          module: `file://${encodeURI(root)}/${name}`,
          export: "default",
        })) as [Task, Task];
        return withLane({ modules: [bad.module, good.module] }, async (lane, told) => {
          const [refused, runs] = [batchOf([1], { task: bad }), batchOf([2], { task: good })];
          lane.send(refused);
          lane.send(runs);
          assertEquals(await told.values(runs), [1]);
          const [{ batch, error }] = told.unloadables as [(typeof told.unloadables)[number]];
          assert(batch === refused);
          assertInstanceOf(error, TaskLoadError);
          assertStringIncludes(error.message, "at load");
        });
      },
    ),
});

Deno.test({
  name: "a process that needn't be waited for doesn't keep the program alive, and ends with it",
  ignore,
  async fn() {
    for (const permissions of ["{}", "{ run: true }"]) {
      const url = new URL("../../../lib/lanes/subprocess/subprocess_channel.ts", import.meta.url);
      const code = `
        import { SubprocessChannel } from "${url.href}";
        const ready = Promise.withResolvers();
        const events = { message: () => ready.resolve(), ended: console.error };
        const options = { slots: 1, modules: [], permissions: ${permissions} };
        const channel = new SubprocessChannel(events, options);
        await ready.promise;
        channel.hold(false);
      `;
      const { code: exitCode, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "--quiet",
          "--no-prompt",
          "--no-config",
          "--allow-read",
          "--allow-run",
          `data:text/javascript,${encodeURIComponent(code)}`,
        ],
        env: { NO_COLOR: "1" },
        stdin: "null",
      }).output();
      assertEquals([exitCode, new TextDecoder().decode(stderr)], [0, ""]);
    }
  },
});
