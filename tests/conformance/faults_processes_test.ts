/** Faults of a subprocess lane, caused from inside and from outside. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Executor, processes, type ProcessesOptions } from "../../lib/mod.ts";
import type { Outcome } from "../../lib/dispatch/output.ts";
import { gone } from "./children.ts";
import { Gates, turns } from "./gates.ts";
import { numbers, taskNamed, taskOf } from "./guarantee.ts";
import { MAY_RUN } from "./programs/run_program.ts";

function fault(
  name: string,
  options: ProcessesOptions,
  fn: (executor: Executor) => Promise<void>,
): void {
  Deno.test({
    name: `processes: ${name}`,
    ignore: !MAY_RUN,
    async fn() {
      await using executor = processes({ lanes: 2, stderr: "keep", ...options });
      await fn(executor);
    },
  });
}

function told(outcomes: readonly Outcome<unknown>[]): unknown[] {
  return outcomes.map((o) => o.status === "fulfilled" ? o.value : o.ended);
}

function messageOf(outcome: Outcome<unknown> | undefined): string {
  assert(outcome?.status === "rejected" && outcome.reason instanceof Error);
  return outcome.reason.message;
}

fault(
  "a task out of memory takes only its own lane, and is named",
  { v8Flags: ["--max-old-space-size=64"] },
  async (executor) => {
    const outcomes = await executor.mapSettled(taskNamed("hoard"), [false, true, false, false], {
      chunk: 1,
    }).toArray();
    assertEquals(told(outcomes), ["kept 0", "crashed", "kept 0", "kept 0"]);
    assertStringIncludes(messageOf(outcomes[1]), "Item 1");
    assertMatch(messageOf(outcomes[1]), /memory|heap|SIG|exited/i);
  },
);

fault(
  "a child killed from outside in the midst of a task is replaced, and the rest completes",
  { permissions: { net: ["127.0.0.1"] } },
  async (executor) => {
    await using gates = new Gates();
    const items = numbers(6).map((n) => ({ url: gates.url, then: n === 2 ? "wait" : "end" }));
    const results = executor.mapSettled(
      taskNamed("announce"),
      items as { url: string; then: "wait" | "end" }[],
      { chunk: 1 },
    ).toArray();
    const killed = new Set<number>();
    // One of the two children at the gates is killed; then all gates open, and the third item waits for ever.
    await gates.full(2);
    const [first, second] = gates.waiting.map(Number);
    assert(first !== second);
    Deno.kill(first!, "SIGKILL");
    killed.add(first!);
    gates.openAll();
    // The child's id alone doesn't tell which item waits for ever, so all remaining children are killed.
    await gates.until(() => gates.arrived.length >= 6, "every item was started");
    for (const pid of new Set(gates.arrived.map(Number))) {
      if (!killed.has(pid)) Deno.kill(pid, "SIGKILL");
    }
    const outcomes = await results;
    assertEquals(outcomes.map(({ index }) => index), numbers(6));
    const crashed = outcomes.filter((o) => o.status === "rejected");
    assert(crashed.every((o) => o.ended === "crashed"));
    assert(crashed.some((o) => o.index === 2) && crashed.length >= 2 && crashed.length < 6);
    assertStringIncludes(messageOf(crashed[0]), "SIGKILL");
  },
);

const FOR_ALL = ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const;

fault(
  "a signal to a whole group reaches children too, and ends none: that is the program's to say",
  { permissions: { net: ["127.0.0.1"] } },
  async (executor) => {
    await using gates = new Gates();
    const items = numbers(4).map(() => ({ url: gates.url, then: "end" as const }));
    const results = executor.mapSettled(taskNamed("announce"), items, { chunk: 1 }).toArray();
    await gates.full(2);
    for (const pid of gates.waiting) {
      for (const signal of FOR_ALL) Deno.kill(Number(pid), signal);
    }
    gates.openAll();
    const outcomes = await results;
    assertEquals(outcomes.map(({ status }) => status), Array(4).fill("fulfilled"));
  },
);

fault("10 MB on stderr block nothing", {}, async (executor) => {
  const length = 10 << 20;
  assertEquals(await executor.map(taskNamed("shout"), [length, 1024]).toArray(), [length, 1024]);
});

fault(
  "a program that a task started, and that prints on and on, keeps no lane from ending",
  { lanes: 1, permissions: { run: ["sh"] } },
  async (executor) => {
    const chatty = taskOf(`export default (n) => {
      // It ends by itself once nobody reads what it prints.
      const args = ["-c", "while echo on and on >&2; do sleep 0.01; done"];
      new Deno.Command("sh", { args, stdin: "null", stdout: "null", stderr: "inherit" }).spawn().unref();
      return n === 1 ? Deno.exit(3) : n;
    }`);
    const outcomes = await executor.mapSettled(chatty, [0, 1, 2], { chunk: 1 }).toArray();
    assertEquals(told(outcomes), [0, "crashed", 2]);
    await executor.close();
  },
);

fault(
  "a program that a task started, and that holds its lane's descriptors, keeps no close() waiting",
  { lanes: 1, slots: 2, graceMs: 50, permissions: { run: ["sleep"] } },
  async (executor) => {
    const task = taskOf(`export default (item) => {
      if (item === "spin") for (;;);
      if (item !== "start") return item.length;
      const options = { args: ["3600"], stdin: "null", stdout: "null", stderr: "null" };
      const sleeping = new Deno.Command("sleep", options).spawn();
      sleeping.unref();
      return sleeping.pid;
    }`);
    const pid = await executor.run(task, "start") as number;
    const spin = executor.run(task, "spin").catch(String);
    // More than a pipe holds, for a lane that reads nothing.
    const large = executor.run(task, new Uint8Array(8 << 20)).catch(String);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await executor.close();
    assertEquals(
      [await spin, await large],
      new Array(2).fill("TypeError: The executor was closed"),
    );
    Deno.kill(pid, "SIGKILL");
    // What is still being written fails once the program has gone, a few turns later.
    await gone(pid);
    await turns(20);
  },
);

fault("garbage on stdout ends the lane and is shown in the error", {}, async (executor) => {
  const outcomes = await executor.mapSettled(taskNamed("babble"), ["", "hello, world", ""], {
    chunk: 1,
  }).toArray();
  assertEquals(told(outcomes), ["quiet", "crashed", "quiet"]);
  assertStringIncludes(messageOf(outcomes[1]), "hello, world");
});

fault("what tasks print with console.log or Deno.stdout harms nothing", {}, async (executor) => {
  assertEquals(await executor.map(taskNamed("chat"), numbers(30)).toArray(), numbers(30));
});

fault(
  "a task that closes its stdin ends its lane, and the rest completes",
  {},
  async (executor) => {
    const outcomes = await executor.mapSettled(taskNamed("deafen"), [false, true, false], {
      chunk: 1,
      timeoutMs: 2000,
    }).toArray();
    const [one, two, three] = told(outcomes);
    assertEquals([one, three], ["open", "open"]);
    assert(two === "crashed" || two === "timed-out", String(two));
  },
);

fault("a task gets no permission that wasn't given", {}, async (executor) => {
  const [outcome] = await executor.mapSettled(taskNamed("gated"), [
    { url: "http://127.0.0.1:8", key: "x" },
  ]).toArray();
  assertMatch(messageOf(outcome), /net access|--allow-net/i);
});
