import { assertEquals } from "@std/assert";
import { Life } from "../../../lib/lanes/worker/life.ts";
import { granted } from "../../granted.ts";

/** A thread that holds the lock, and closes itself in silence when it is told to. */
async function holding(name: string): Promise<Worker> {
  const code = `
    import { holdWhileAlive } from ${
    JSON.stringify(new URL("../../../lib/lanes/worker/life.ts", import.meta.url).href)
  };
    self.onmessage = ({ data }) => data === "close" ? self.close() : self.postMessage(data);
    holdWhileAlive(${JSON.stringify(name)}, () => self.postMessage("held"));
  `;
  const url = `data:text/javascript,${encodeURIComponent(code)}`;
  const worker = new Worker(url, { type: "module" });
  await new Promise((resolve) => worker.onmessage = resolve);
  return worker;
}

const ignore = !granted("read");

Deno.test({
  name: "a thread that closes itself in silence is found dead, and told of once",
  ignore,
  async fn() {
    let deaths = 0;
    const died = Promise.withResolvers<void>();
    const life = new Life(() => {
      deaths++;
      died.resolve();
    });
    const worker = await holding(life.name);
    life.watch();
    life.watch();
    worker.postMessage("close");
    await died.promise;
    await life.unwatch();
    assertEquals(deaths, 1);
  },
});

Deno.test({
  name: "a thread holds its lock as long as it lives",
  ignore,
  async fn() {
    const life = new Life(() => {});
    const worker = await holding(life.name);
    // Once it answers, it is done with taking the lock.
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
    const isFree = await locks.request(life.name, { ifAvailable: true }, (lock) => lock !== null);
    assertEquals(isFree, false);
    worker.terminate();
  },
});

Deno.test({
  name: "a thread that is ended on purpose is not told of",
  ignore,
  async fn() {
    let deaths = 0;
    const life = new Life(() => deaths++);
    const worker = await holding(life.name);
    life.watch();
    const ended = life.unwatch();
    worker.terminate();
    await ended;
    assertEquals(deaths, 0);
  },
});

Deno.test({
  name: "a thread that ended while nobody watched is found dead once somebody does again",
  ignore,
  async fn() {
    let deaths = 0;
    const died = Promise.withResolvers<void>();
    const life = new Life(() => {
      deaths++;
      died.resolve();
    });
    const worker = await holding(life.name);
    life.watch();
    life.watch();
    await life.unwatch();
    worker.terminate();
    assertEquals(deaths, 0);
    life.watch();
    await died.promise;
    await life.unwatch();
    assertEquals(deaths, 1);
  },
});

Deno.test("who gives up watching at once is told nothing, though the thread has ended", async () => {
  let deaths = 0;
  const life = new Life(() => deaths++);
  life.watch();
  await life.unwatch();
  assertEquals(deaths, 0);
});

Deno.test("what never watched ends at once, and twice", async () => {
  const life = new Life(() => {
    throw new Error("nothing died");
  });
  await life.unwatch();
  await life.unwatch();
});
