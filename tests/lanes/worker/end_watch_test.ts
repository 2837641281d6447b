import { assertEquals, assertNotEquals } from "@std/assert";
import { EndWatch } from "../../../lib/lanes/worker/end_watch.ts";
import { granted } from "../../granted.ts";

/** A thread that holds the lock, and closes itself without a message when told to. */
async function holding(name: string): Promise<Worker> {
  const code = `
    import { holdWhileAlive } from ${
    JSON.stringify(new URL("../../../lib/lanes/worker/end_watch.ts", import.meta.url).href)
  };
    self.onmessage = ({ data }) => data === "close" ? self.close() : self.postMessage(data);
    holdWhileAlive(${JSON.stringify(name)}, () => self.postMessage("held"));
  `;
  const url = `data:text/javascript,${encodeURIComponent(code)}`;
  const worker = new Worker(url, { type: "module" });
  await new Promise((resolve) => worker.onmessage = resolve);
  return worker;
}

/** Counts the reports of a thread's death. */
class Deaths {
  count = 0;
  readonly #first = Promise.withResolvers<void>();
  readonly first = this.#first.promise;
  readonly watch = new EndWatch(() => {
    this.count++;
    this.#first.resolve();
  });
}

const ignore = !granted("read");

Deno.test({
  name: "a thread that closes itself in silence is found dead, and told of once",
  ignore,
  async fn() {
    const told = new Deaths();
    const { watch } = told;
    const worker = await holding(watch.name);
    watch.watch();
    watch.watch();
    worker.postMessage("close");
    await told.first;
    await watch.unwatch();
    assertEquals(told.count, 1);
  },
});

Deno.test({
  name: "a thread holds its lock as long as it lives",
  ignore,
  async fn() {
    const watch = new EndWatch(() => {});
    const worker = await holding(watch.name);
    // When the thread answers, its request for the lock has been made.
    worker.postMessage("still there?");
    await new Promise((resolve) => worker.onmessage = resolve);
    const { locks } = navigator as Navigator & {
      readonly locks: {
        request<T>(
          name: string,
          options: { ifAvailable: boolean },
          got: (lock: unknown) => T,
        ): Promise<T>;
      };
    };
    const isFree = await locks.request(watch.name, { ifAvailable: true }, (lock) => lock !== null);
    assertEquals(isFree, false);
    worker.terminate();
  },
});

Deno.test({
  name: "a thread that is ended on purpose is not told of",
  ignore,
  async fn() {
    const told = new Deaths();
    const { watch } = told;
    const worker = await holding(watch.name);
    watch.watch();
    const ended = watch.unwatch();
    worker.terminate();
    await ended;
    assertEquals(told.count, 0);
  },
});

Deno.test({
  name: "a thread that ended while nobody watched is found dead once somebody does again",
  ignore,
  async fn() {
    const told = new Deaths();
    const { watch } = told;
    const worker = await holding(watch.name);
    watch.watch();
    watch.watch();
    await watch.unwatch();
    worker.terminate();
    assertEquals(told.count, 0);
    watch.watch();
    await told.first;
    await watch.unwatch();
    assertEquals(told.count, 1);
  },
});

Deno.test("who gives up watching at once is told nothing, though the thread has ended", async () => {
  const told = new Deaths();
  const { watch } = told;
  watch.watch();
  await watch.unwatch();
  assertEquals(told.count, 0);
});

Deno.test("unwatch() resolves where nothing was watched, and may be called twice", async () => {
  const watch = new EndWatch(() => {
    throw new Error("nothing died");
  });
  await watch.unwatch();
  await watch.unwatch();
});

Deno.test("each thread has a name of its own, though a program draws what it likes", () => {
  const { randomUUID } = crypto;
  crypto.randomUUID = () => "00000000-0000-4000-8000-000000000000";
  try {
    assertNotEquals(new Deaths().watch.name, new Deaths().watch.name);
  } finally {
    crypto.randomUUID = randomUUID;
  }
});
