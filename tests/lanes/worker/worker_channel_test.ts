import { assert, assertEquals, assertThrows } from "@std/assert";
import { preloadCode } from "../../../lib/lanes/project.ts";
import type { ChannelEvents } from "../../../lib/lanes/remote/channel.ts";
import type { Task } from "../../../lib/lanes/task.ts";
import { ENDING, HELD } from "../../../lib/lanes/worker/end_watch.ts";
import {
  WorkerChannel,
  type WorkerChannelOptions,
} from "../../../lib/lanes/worker/worker_channel.ts";
import { VirtualTime } from "../../dispatch/virtual_time.ts";
import { type FakeWorker, FakeWorkers } from "./fake_worker.ts";

const ENTRY = new URL("../../../lib/lanes/worker/worker_main.ts", import.meta.url).href;
const { setTimeout: later } = globalThis;
const HASH: Task = { module: "file:///jobs/hash.ts", export: "default" };

/** The events of a channel. */
class Heard implements ChannelEvents {
  readonly messages: unknown[] = [];
  readonly ends: string[] = [];
  #next = Promise.withResolvers<void>();

  message(kind: number, head: ArrayLike<number>, payload: unknown): void {
    this.messages.push([kind, Array.from(head), payload]);
    this.#tell();
  }

  ended(how: string): void {
    this.ends.push(how);
    this.#tell();
  }

  #tell(): void {
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }

  /** Resolves with the next event. */
  next(): Promise<void> {
    return this.#next.promise;
  }
}

/** Holds a lock, as a thread does while it lives; returns a function that releases it. */
async function hold(name: string): Promise<() => void> {
  const held = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const { locks } = navigator as Navigator & {
    readonly locks: { request(name: string, held: () => Promise<void>): Promise<void> };
  };
  void locks.request(name, () => {
    held.resolve();
    return released.promise;
  });
  await held.promise;
  return released.resolve;
}

interface Stage {
  readonly channel: WorkerChannel;
  readonly heard: Heard;
  readonly workers: readonly FakeWorker[];
}

/** Tests a channel to fake threads, which live until the test is over. */
function test(
  name: string,
  options: Partial<WorkerChannelOptions>,
  fn: (stage: Stage) => Promise<void> | void,
): void {
  Deno.test(name, async () => {
    using workers = new FakeWorkers();
    const heard = new Heard();
    const channel = new WorkerChannel(heard, { slots: 2, number: 3, modules: [], ...options });
    const { lock } = await workers.all[0]!.opening.promise;
    // As a real thread does, it holds its lock until it ends.
    void workers.all[0]!.ended.promise.then(await hold(lock));
    try {
      await fn({ channel, heard, workers: workers.all });
    } finally {
      await channel.close();
    }
  });
}

test(
  "a thread is given a name, a way of its own to its parent, and memory to share",
  {},
  async (stage) => {
    const [worker] = stage.workers;
    assertEquals([worker!.url, worker!.options.name], [ENTRY, "lane 3"]);
    assert(!("deno" in worker!.options));
    const { far: [port], slots, cells } = await worker!.opening.promise;
    assert(port instanceof MessagePort);
    assert(cells === stage.channel.cells?.buffer);
    assertEquals(slots, 2);
  },
);

test("messages go both ways, and what can't be sent is refused at once", {}, async (stage) => {
  const { channel, heard, workers: [worker] } = stage;
  const told = heard.next();
  worker!.says(16, [1.5], { a: 1 });
  await told;
  assertEquals(heard.messages, [[16, [1.5], { a: 1 }]]);
  const arrives = worker!.hears();
  const moved = new ArrayBuffer(8);
  channel.send(2, [7], [moved], [moved]);
  assertEquals([await arrives, moved.byteLength], [[2, [7], [new ArrayBuffer(8)]], 0]);
  assertThrows(() => channel.send(2, [7], () => 1), DOMException, "could not be cloned");
});

test(
  "a thread without a word about permissions loads its tasks later",
  { modules: [HASH.module] },
  ({ workers }) => assertEquals(workers[0]!.url, ENTRY),
);

const narrow = {
  permissions: { net: false },
  modules: [HASH.module, HASH.module],
} as const;

test(
  "a thread that may do less knows its tasks' modules from the start, for it may not read them",
  narrow,
  (stage) => {
    const { workers: [worker] } = stage;
    assertEquals(worker!.options.deno, { permissions: { net: false } });
    assertEquals(worker!.url, preloadCode([HASH.module], [ENTRY]));
  },
);

test(
  "a thread that was heard and fails is told dead, and not started again",
  narrow,
  async (stage) => {
    const { heard, workers } = stage;
    const told = heard.next();
    workers[0]!.says(16, [0]);
    await told;
    workers[0]!.fails("Uncaught Error: x");
    assertEquals([workers.length, heard.ends], [1, ["stopped: Uncaught Error: x"]]);
  },
);

test(
  "a thread that dies before it has a way of its own can say how",
  {},
  ({ heard, workers: [worker] }) => {
    worker!.posts([ENDING, "called Deno.exit(3)"]);
    assertEquals(heard.ends, ["called Deno.exit(3)"]);
  },
);

test(
  "what tasks post to the parent by themselves is no message of the lane",
  {},
  async ({ heard, workers: [worker] }) => {
    worker!.posts("hello");
    const told = heard.next();
    worker!.says(16, [0]);
    await told;
    worker!.posts([ENDING, "pretends to die"]);
    assertEquals(heard.ends, []);
  },
);

test("a thread that was ended on purpose tells nothing, and is ended once", {}, async (stage) => {
  const { channel, heard, workers: [worker] } = stage;
  channel.kill();
  worker!.fails("Uncaught Error: x");
  worker!.posts([ENDING, "called Deno.exit(3)"]);
  assertEquals([heard.ends, worker!.done], [[], ["terminate"]]);
  await channel.close();
  assertEquals([heard.ends, worker!.done], [[], ["terminate"]]);
});

Deno.test("a thread that is gone without a word has some time for its last, and is told dead then", async () => {
  using workers = new FakeWorkers();
  const heard = new Heard();
  const channel = new WorkerChannel(heard, { slots: 1, number: 0, modules: [] });
  const [worker] = workers.all;
  await worker!.opening.promise;
  {
    using time = new VirtualTime();
    const told = heard.next();
    // The thread says that it holds its lock, but doesn't hold it.
    worker!.says(HELD);
    worker!.says(16, [0]);
    await told;
    while (time.timers === 0) await new Promise((resolve) => later(resolve));
    time.pass(49);
    assertEquals(heard.ends, []);
    time.pass(1);
    assertEquals(heard.ends, ["ended without a word"]);
  }
  await channel.close();
});

test(
  "whether a thread keeps the program alive is said once for each change, letting go a little later",
  {},
  (stage) => {
    const { channel, workers: [worker] } = stage;
    using time = new VirtualTime();
    channel.hold(true);
    channel.hold(false);
    channel.hold(false);
    assertEquals(worker!.done, []);
    time.pass(0);
    assertEquals(worker!.done, ["hold false"]);
    channel.hold(true);
    channel.hold(true);
    assertEquals(worker!.done, ["hold false", "hold true"]);
    channel.hold(false);
    channel.hold(true);
    time.pass(10);
    assertEquals(worker!.done, ["hold false", "hold true"]);
  },
);
