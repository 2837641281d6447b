import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { TaskLoadError } from "../../../lib/lanes/errors.ts";
import type { LaneBatch } from "../../../lib/lanes/lane.ts";
import { RemoteLane } from "../../../lib/lanes/remote/remote_lane.ts";
import {
  SubprocessChannel,
  type SubprocessOptions,
} from "../../../lib/lanes/subprocess/subprocess_channel.ts";
import type { Task } from "../../../lib/lanes/task.ts";
import { granted } from "../../granted.ts";
import { batchOf } from "../batch.ts";
import { Told } from "../remote/fake_channel.ts";
import { withFiles } from "../small_program.ts";

/** A task of this code: what stands behind `export default`, and before it. */
function taskOf(code: string, before = ""): Task {
  const module = encodeURIComponent(`${before}; export default ${code}`);
  return { module: `data:text/javascript,${module}`, export: "default" };
}

/** What a real process told, and how to wait for it. */
class ProcessTold extends Told {
  readonly #death = Promise.withResolvers<void>();
  readonly death = this.#death.promise;

  override died(death: Parameters<Told["died"]>[0]): void {
    super.died(death);
    this.#death.resolve();
  }
}

const ignore = !granted("read", "run");

/** A lane in a process of its own, closed at the end. */
async function withLane(
  options: Partial<SubprocessOptions>,
  fn: (lane: RemoteLane, told: ProcessTold) => Promise<void>,
): Promise<void> {
  const told = new ProcessTold();
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
  fn: (lane: RemoteLane, told: ProcessTold) => Promise<void>,
): void {
  Deno.test({ name, ignore, fn: () => withLane(options, fn) });
}

test(
  "a process becomes ready, runs what it is sent, and tells what it used",
  {},
  async (lane, told) => {
    const double = batchOf([1, 2], { task: taskOf("(n) => 2 * n") });
    const fails = batchOf([1], {
      task: taskOf("() => { throw Object.assign(new RangeError('no'), { code: 'E' }) }"),
    });
    lane.send(double);
    lane.send(fails);
    assert(await lane.ready > 0);
    assertEquals(await told.values(double), [2, 4]);
    await told.last(fails);
    const reason = told.reports.find(({ batch }) => batch === fails)!.report.failures![0]!.reason;
    assertInstanceOf(reason, RangeError);
    assertEquals((reason as RangeError & { code: string }).code, "E");
    const { cpuMs, peakRssBytes } = await lane.usage();
    assert(cpuMs! > 0 && peakRssBytes! > 1e6);
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
    assertEquals(told.deaths, [{ how: "called Deno.exit(3)", starting: false }]);
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

/** Code that ends its process, and how that is told. */
const deaths: readonly (readonly [name: string, code: string, how: string, error?: string])[] = [
  ["closes it", "() => self.close()", "called self.close()"],
  ["exits", "() => Deno.exit(3)", "called Deno.exit(3)"],
  [
    "kills it",
    "() => { process.kill(process.pid, 'SIGKILL'); while (true); }",
    "was ended by SIGKILL",
  ],
  [
    "throws in a timer",
    "() => new Promise(() => setTimeout(() => { throw new RangeError('x') }))",
    "threw outside the task",
    "RangeError: x",
  ],
  [
    "leaves a rejection",
    "() => new Promise(() => void Promise.reject(new RangeError('x')))",
    "left a rejection unhandled",
    "RangeError: x",
  ],
];

for (const [name, code, how, error] of deaths) {
  const needs = code.includes("process.kill") ? { permissions: { run: true } } : {};
  test(
    `a task that ${name} ends its process, and no more, and it is told how`,
    needs,
    async (lane, told) => {
      const batch = batchOf([1], { task: taskOf(code) });
      lane.send(batch);
      await told.death;
      const [death, ...others] = told.deaths;
      assertEquals([death!.how, death!.starting, others], [how, false, []]);
      assertEquals(death!.error === undefined ? undefined : String(death!.error), error);
    },
  );
}

test(
  "what had ended before a process exited is not lost, and it is known what ran",
  {},
  async (lane, told) => {
    const task = taskOf("(item) => item === 'fatal' ? Deno.exit(3) : item");
    const batch = batchOf(["a", "b", "fatal", "c"], { task });
    lane.send(batch);
    await told.death;
    assertEquals(told.reports.map(({ report: { count, values } }) => [count, values]), [
      [2, ["a", "b"]],
    ]);
    const at = lane.progress(batch);
    assert(at.state === "running" && at.offset === 2);
  },
);

test(
  "a loop that never yields is seen where it is wanted, and ended by force",
  {},
  async (lane, told) => {
    const batch = batchOf([0, 1], { task: taskOf("(n) => { while (n === 1); }"), mark: true });
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

/** Prints by every way, to stdout too. */
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
