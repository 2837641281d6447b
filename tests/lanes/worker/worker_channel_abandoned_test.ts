import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { granted } from "../../granted.ts";
import { keepAlive, type WorkerChannel } from "../../../lib/lanes/worker/worker_channel.ts";
import { FakeWorker, FakeWorkers } from "./fake_worker.ts";

type Abandon = (worker: Worker, remedy?: string) => void;

/** Runs a function with a fresh copy of the module, in which nothing was abandoned yet; returns its effects. */
async function staged(
  run: (abandonWorker: Abandon, Channel: typeof WorkerChannel) => void | Promise<void>,
) {
  const path = `../../../lib/lanes/worker/worker_channel.ts?${crypto.randomUUID()}`;
  const { abandonWorker, WorkerChannel: Channel } = await import(
    new URL(path, import.meta.url).href
  );
  const warnings: string[] = [];
  const listeners: [string, (event: Event) => void][] = [];
  const { error } = console;
  const { addEventListener } = globalThis;
  console.error = (text: string) => warnings.push(text);
  Object.assign(globalThis, {
    addEventListener: (name: string, listener: () => void) => listeners.push([name, listener]),
  });
  try {
    await run(abandonWorker, Channel);
  } finally {
    console.error = error;
    Object.assign(globalThis, { addEventListener });
  }
  return { warnings, listeners };
}

/** Deno's method that unrefs a worker. */
const LET_GO = Object.getOwnPropertySymbols(Worker.prototype).find((s) => !s.description);

/** A worker that records whether it is held. */
function workerWithMethod(): { worker: FakeWorker; held: boolean[] } {
  const held: boolean[] = [];
  const worker = Object.assign(new FakeWorker("data:,"), {
    [LET_GO!]: (ref: boolean) => held.push(ref),
  });
  return { worker, held };
}

const ignore = !granted("read");

Deno.test("Deno still has the method by which a worker is let go", () => {
  assert(LET_GO !== undefined);
});

Deno.test("a worker is held and let go as it is said, if that can be said", () => {
  const { worker, held } = workerWithMethod();
  assertEquals([keepAlive(worker, false), keepAlive(worker, true)], [true, true]);
  assertEquals(held, [false, true]);
  assertEquals(keepAlive(new FakeWorker("data:,"), false), false);
});

Deno.test({
  name: "each abandoned worker is let go; the person is told once",
  ignore,
  async fn() {
    const { worker, held } = workerWithMethod();
    const { warnings, listeners } = await staged((abandonWorker) => {
      abandonWorker(worker);
      abandonWorker(worker);
    });
    assertEquals(held, [false, false]);
    assertEquals([warnings.length, listeners.length], [1, 1]);
    assertStringIncludes(warnings[0]!, "context.cancelled()");
    assert(!warnings[0]!.includes("Deno.exit()"));
  },
});

Deno.test({
  name: "a worker that can't be let go is told of, with what to do",
  ignore,
  async fn() {
    const { warnings } = await staged((abandonWorker) => abandonWorker(new FakeWorker("data:,")));
    assertStringIncludes(warnings[0]!, "End the program with Deno.exit()");
  },
});

Deno.test({
  name:
    "a program with an abandoned thread ends with its own exit code, when all else has been told",
  ignore,
  async fn() {
    const { listeners } = await staged((abandonWorker) => abandonWorker(new FakeWorker("data:,")));
    const [[name, listener]] = listeners as [[string, (event: Event) => void]];
    assertEquals(name, "unload");
    const before = process.listeners("exit");
    listener(new Event("unload"));
    const [last, ...others] = process.listeners("exit").filter((of) => !before.includes(of));
    assertEquals(others, []);
    process.off("exit", last!);
    const exits: unknown[] = [];
    const { exit } = Deno;
    Object.assign(Deno, { exit: (code: unknown) => exits.push(code) });
    try {
      last!(0);
      assertEquals(exits, [Deno.exitCode]);
    } finally {
      Object.assign(Deno, { exit });
    }
  },
});

Deno.test({
  name: "an abandoned thread's warning tells what can be done about its kind of tasks",
  ignore,
  async fn() {
    const said = async (remedy?: string) =>
      (await staged((abandonWorker) => abandonWorker(new FakeWorker("data:,"), remedy)))
        .warnings[0]!;
    assertStringIncludes(await said(), "Poll context.cancelled() in its loop");
    const ours = await said("Let its kernel do less.");
    assertStringIncludes(ours, "until the program ends. Let its kernel do less.");
    assertEquals(ours.includes("context.cancelled"), false);
  },
});

Deno.test({
  name: "a thread that is late to end is told of only if a task may keep it",
  ignore,
  async fn() {
    const ways: [string, (channel: WorkerChannel) => void, number][] = [
      ["with nothing to do", () => {}, 0],
      ["that holds a batch it hasn't started", ({ cells }) => void cells!.offer(), 0],
      ["that runs a task", ({ cells }) => void cells!.take(cells!.offer()), 1],
      ["that was to be stopped", (channel) => channel.kill(), 1],
    ];
    const { locks } = navigator as Navigator & {
      readonly locks: { request(name: string, held: () => Promise<void>): Promise<void> };
    };
    for (const [which, makeSo, said] of ways) {
      const { warnings, listeners } = await staged(async (_, Channel) => {
        using workers = new FakeWorkers();
        const stuck = { afterMs: 1, remedy: "" };
        const told = { message: () => {}, ended: () => {} };
        const channel = new Channel(told, { slots: 1, number: 0, modules: [], stuck });
        const { lock } = await workers.all[0]!.opening.promise;
        // A thread holds its lock while it lives.
        const lives = Promise.withResolvers<void>();
        const held = Promise.withResolvers<void>();
        const ended = locks.request(lock, () => (held.resolve(), lives.promise));
        await held.promise;
        makeSo(channel);
        await channel.close();
        lives.resolve();
        await ended;
      });
      assertEquals([warnings.length, listeners.length], [said, 1], `a thread ${which}`);
    }
  },
});
